"""S(Q,E) on other grids: of scattering angle, of momentum transfer, of somebody else's measurement.

S is a density, so that a value on a new bin is the average of the old ones over it, weighted by width. Units: angstrom,
meV, degrees.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons.spectrum_grid import average_over, axis_values, bin_edges, masked, overlap

Array = npt.NDArray[np.floating[Any]]

_UNITS = {"Q": "1/angstrom", "energy_transfer": "meV", "two_theta": "deg"}
_LEAST = 0.5
"""Share of a new bin in angle or Q that must have been measured."""
_WHOLE = 0.999


def on_map_of(simulated: sc.DataArray, measured: sc.DataArray) -> sc.DataArray:
    """Return a simulated spectrum on the bins of a measured one, with its masks, so that the two can be subtracted.

    The simulated values are joined by straight lines and averaged over each measured bin: fine grids are averaged,
    coarse ones interpolated, and areas inside are kept.

    Parameters
    ----------
    simulated:
        Over ``Q``, ``energy_transfer`` or both.
    measured:
        Over the same dims (edges or centres).

    Returns
    -------
    :
        The dims and coordinates of ``measured``; its masks, and masks ``"not measured"`` where it has no finite value
        and ``"outside simulated range"``. Masked values are NaN only where nothing was simulated.

    Raises
    ------
    InputError
        If their dims differ, or they are not over Q and energy transfer.

    Examples
    --------
    >>> E = sc.linspace("energy_transfer", -2.0, 2.0, 5, unit="meV")
    >>> fine = sc.linspace("energy_transfer", -3.0, 3.0, 601, unit="meV")
    >>> line = sc.DataArray(2.0 * fine, coords={"energy_transfer": fine})
    >>> on_map_of(line, sc.DataArray(E, coords={"energy_transfer": E})).values.round(6).tolist()
    [-4.0, -2.0, 0.0, 2.0, 4.0]
    """
    for array, name in ((simulated, "simulated"), (measured, "measured")):
        if not isinstance(array, sc.DataArray) or not array.dims or set(array.dims) - {"Q", "energy_transfer"}:
            raise InputError(f"{name}: expected a data array over Q, energy_transfer or both")
    if set(simulated.dims) != set(measured.dims):
        raise InputError(f"simulated is over {', '.join(simulated.dims)}, measured over {', '.join(measured.dims)}")
    data = simulated.data.transpose(measured.dims).to(dtype="float64")
    hidden = masked(simulated, data)
    known = np.isfinite(data.values) & ~hidden
    values = np.where(known, data.values, 0.0)
    weights = known.astype(float)
    variances = None if data.variances is None else np.where(known, data.variances, 0.0)
    for axis, dim in enumerate(measured.dims):
        matrix = _straight_averages(_centres(simulated, dim), _edges(measured, dim))
        values, weights = (_along(axis, matrix, array) for array in (values, weights))
        variances = None if variances is None else _along(axis, matrix**2, variances)
    outside = weights < _WHOLE
    values[outside] = np.nan
    result = sc.DataArray(
        sc.array(dims=measured.dims, values=values, variances=variances, unit=data.unit),
        coords={dim: measured.coords[dim] for dim in measured.dims},
        masks=dict(measured.masks.items()),
    )
    result.masks["not measured"] = ~sc.isfinite(sc.values(measured.data))
    result.masks["outside simulated range"] = sc.array(dims=measured.dims, values=outside)
    return result


def change_axis(
    spectrum: sc.DataArray,
    old: str,
    new: str,
    target: sc.Variable,
    new_of_old: Callable[[Array, float], Array],
) -> sc.DataArray:
    """Average a map over angle or Q over bins of the other, energy by energy.

    Parameters
    ----------
    spectrum:
        Over ``old`` and ``energy_transfer``.
    old, new:
        ``"two_theta"`` or ``"Q"``.
    target:
        Edges of the new axis.
    new_of_old:
        Of edges of the old axis and an energy: edges of the new axis, increasing, NaN where there is none.

    Returns
    -------
    :
        Over ``new`` and ``energy_transfer``; the mask ``"outside kinematic range"`` holds where less than half of a bin
        was measured.

    Raises
    ------
    InputError
        If the axes are not these, or the target is no increasing edges.
    """
    if not isinstance(spectrum, sc.DataArray) or set(spectrum.dims) != {old, "energy_transfer"}:
        raise InputError(f"spectrum: expected a data array over {old} and energy_transfer")
    wanted = axis_values(target, _UNITS[new], new)
    if len(wanted) < 2 or np.any(np.diff(wanted) <= 0):
        raise InputError(f"{new}: expected increasing edges of bins")
    data = spectrum.data.transpose([old, "energy_transfer"]).to(dtype="float64")
    values = np.where(masked(spectrum, data), np.nan, data.values)
    source, energies = _edges(spectrum, old), _centres(spectrum, "energy_transfer")
    found = np.full((len(wanted) - 1, len(energies)), np.nan)
    errors = None if data.variances is None else np.full_like(found, np.nan)
    for n, energy in enumerate(energies.tolist()):
        edges = new_of_old(source, energy)
        possible = np.isfinite(edges)
        if possible.sum() < 2:
            continue
        first, last = np.flatnonzero(possible)[[0, -1]]
        rows = slice(first, last)
        spread = None if data.variances is None else data.variances[rows, n, None]
        shares = overlap(edges[first : last + 1], wanted)
        column, error = average_over(shares, values[rows, n, None], spread, _LEAST)
        found[:, n] = column[:, 0]
        if errors is not None and error is not None:
            errors[:, n] = error[:, 0]
    outside = ~np.isfinite(found)
    return sc.DataArray(
        sc.array(dims=[new, "energy_transfer"], values=found, variances=errors, unit=data.unit),
        coords={
            new: sc.array(dims=[new], values=wanted, unit=_UNITS[new]),
            "energy_transfer": spectrum.coords["energy_transfer"],
        },
        masks={"outside kinematic range": sc.array(dims=[new, "energy_transfer"], values=outside)},
    )


def _straight_averages(x: Array, edges: Array) -> Array:
    """Averages over bins of what straight lines between values at x give, (bins, values); rows sum to the coverage."""
    if len(x) < 2 or np.any(np.diff(x) <= 0):
        raise InputError("simulated: expected at least 2 increasing values along each dimension")
    steps = np.diff(x)
    up = np.concatenate([[0.5 * steps[0]], steps])  # the outermost values hold to the edges of their own bins
    down = np.concatenate([steps, [0.5 * steps[-1]]])
    e = edges[:, None]
    rising = np.clip((e - (x - up)) / up, 0.0, 1.0)
    falling = np.clip((e - x) / down, 0.0, 1.0)
    area = 0.5 * up * rising**2 + down * (falling - 0.5 * falling**2)
    area[:, 0] += up[0] * (rising[:, 0] - 0.5 * rising[:, 0] ** 2)
    area[:, -1] += 0.5 * down[-1] * falling[:, -1] ** 2
    return np.asarray(np.diff(area, axis=0) / np.diff(edges)[:, None])


def _along(axis: int, matrix: Array, array: Array) -> Array:
    return np.asarray(np.moveaxis(np.tensordot(matrix, array, axes=(1, axis)), 0, axis))


def _edges(array: sc.DataArray, dim: str) -> Array:
    x = _coordinate(array, dim)
    return bin_edges(x, array.sizes[dim])


def _centres(array: sc.DataArray, dim: str) -> Array:
    x = _coordinate(array, dim)
    return 0.5 * (x[1:] + x[:-1]) if len(x) == array.sizes[dim] + 1 else x


def _coordinate(array: sc.DataArray, dim: str) -> Array:
    if dim not in array.coords:
        raise InputError(f"spectrum: expected the coordinate {dim}")
    x = axis_values(array.coords[dim], _UNITS[dim], dim)
    if len(x) < 2 or np.any(np.diff(x) <= 0):
        raise InputError(f"{dim}: expected at least 2 increasing values")
    return x
