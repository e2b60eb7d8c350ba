"""The grid of a spectrum over energy (or time) and Q: arrays out of data arrays, and back."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]
Booleans = npt.NDArray[np.bool_]


def by_Q(array: sc.DataArray, dim: str, *, finite: bool = True) -> tuple[Array, Array | None]:
    """Values and variances as (Q or 1, others, dim); masked values are 0, or NaN where the caller sorts them out."""
    if not isinstance(array, sc.DataArray) or dim not in array.dims or dim not in array.coords:
        raise InputError(f"expected a scipp data array with the coordinate {dim}")
    order = [*(["Q"] if "Q" in array.dims else []), *(d for d in array.dims if d not in ("Q", dim)), dim]
    data = array.data.transpose(order).to(dtype="float64")
    shape = (array.sizes["Q"] if "Q" in array.dims else 1, -1, array.sizes[dim])
    values = data.values.copy()
    variances = None if data.variances is None else data.variances.copy()
    mask = masked(array, data)
    values[mask] = 0.0 if finite else np.nan
    if variances is not None and finite:
        variances[mask] = 0.0
    if finite and not np.all(np.isfinite(values)):
        raise InputError("the data have values that are not finite; mask them (scipp masks) first")
    return values.reshape(shape), None if variances is None else variances.reshape(shape)


def masked(array: sc.DataArray, data: sc.Variable) -> Booleans:
    """Return which values any mask of the array hides, in the order of its data."""
    found = sc.zeros(dims=data.dims, shape=data.shape, dtype="bool")
    for mask in array.masks.values():
        found = found | mask
    return np.asarray(found.transpose(data.dims).values)


def put_back(like: sc.DataArray, dim: str, values: Array, variances: Array | None) -> sc.DataArray:
    """Array of the dims and coordinates of another."""
    order = [*(["Q"] if "Q" in like.dims else []), *(d for d in like.dims if d not in ("Q", dim)), dim]
    shape = [like.sizes[d] for d in order]
    spread = None if variances is None else variances.reshape(shape)
    data = sc.array(dims=order, values=values.reshape(shape), variances=spread, unit=like.unit)
    return like.copy(deep=False).assign(data.transpose(like.dims).copy())


def energy_edges(array: sc.DataArray) -> Array:
    """Edges of the energy bins, meV; half way between centres."""
    coord = array.coords["energy_transfer"]
    x = axis_values(coord, "meV", "energy_transfer")
    if len(x) < 3 or np.any(np.diff(x) <= 0):
        raise InputError("energy_transfer: expected at least 3 increasing values")
    return bin_edges(x, array.sizes["energy_transfer"])


def bin_edges(x: Array, size: int) -> Array:
    """Return edges of bins from edges or from centres, half way between these."""
    if len(x) == size + 1:
        return x
    middle = 0.5 * (x[1:] + x[:-1])
    return np.concatenate([[2 * x[0] - middle[0]], middle, [2 * x[-1] - middle[-1]]])


def centres(coord: sc.Variable, size: int) -> Array:
    """Return the middle of Q bins, 1/angstrom; the coordinate holds centres or edges."""
    x = axis_values(coord, "1/angstrom", "Q")
    return x if len(x) == size else 0.5 * (x[1:] + x[:-1])


def axis_values(variable: sc.Variable, unit: str, name: str) -> Array:
    """Values of a variable of one dimension in a unit."""
    try:
        values = np.asarray(variable.to(unit=unit, dtype="float64").values)
    except (AttributeError, sc.UnitError):
        raise InputError(f"{name}: expected a scipp variable in {unit}") from None
    if values.ndim != 1 or not np.all(np.isfinite(values)):
        raise InputError(f"{name}: expected finite values of one dimension in {unit}")
    return values


def overlap(source: Array, target: Array) -> Array:
    """Return the share of each target bin that lies in each source bin, (targets, sources).

    Parameters
    ----------
    source, target:
        Increasing edges.

    Returns
    -------
    :
        Rows sum to 1 where the target bin is covered.
    """
    low = np.maximum(target[:-1, None], source[None, :-1])
    high = np.minimum(target[1:, None], source[None, 1:])
    return np.asarray(np.clip(high - low, 0.0, None) / np.diff(target)[:, None])


def average_over(shares: Array, values: Array, variances: Array | None, least: float) -> tuple[Array, Array | None]:
    """Average source bins over target bins; NaN is no value, and a target needs a covered share of its width.

    Parameters
    ----------
    shares:
        (targets, sources), of :func:`overlap`.
    values:
        (sources, columns).
    variances:
        Same shape, or none.
    least:
        Share of the width of a target bin that must have values.

    Returns
    -------
    :
        Values and variances, (targets, columns), NaN where too little is known.
    """
    known = np.isfinite(values)
    if variances is not None:
        known &= np.isfinite(variances)
    covered = shares @ known
    enough = covered >= max(least, 1e-12) - 1e-9
    scale = np.where(enough, 1 / np.where(enough, covered, 1.0), np.nan)
    found = shares @ np.where(known, values, 0.0) * scale
    if variances is None:
        return found, None
    return found, (shares**2) @ np.where(known, variances, 0.0) * scale**2


def both_sides(edges: Array, rows: Array, variances: Array | None) -> tuple[Array, Any, Any]:
    """Put the side of energy gain beside that of energy loss, over |E|.

    Parameters
    ----------
    edges:
        Of energy transfer, (bins + 1,).
    rows:
        (rows, bins), NaN where nothing is known.
    variances:
        Same shape, or none.

    Returns
    -------
    :
        Edges of |E|, those of the loss side and beyond them those of the gain side; values and variances of the loss
        side and of the gain side, each (rows, bins), NaN where a side does not reach.
    """
    tiny = 1e-9 * float(np.abs(edges).max())
    loss, gain = edges[edges >= -tiny], -edges[edges <= tiny][::-1]
    last = loss[-1] if len(loss) else -np.inf
    target = np.concatenate([loss, gain[gain > last + tiny]])
    target[np.abs(target) < tiny] = 0.0
    sides = []
    for sign in (1, -1):
        source = edges if sign == 1 else -edges[::-1]
        values = rows[:, ::sign]
        spread = None if variances is None else variances[:, ::sign]
        shares = overlap(source, target)
        found, errors = average_over(shares, values.T, None if spread is None else spread.T, 0.999)
        sides.append((found.T, None if errors is None else errors.T))
    return target, sides[0], sides[1]
