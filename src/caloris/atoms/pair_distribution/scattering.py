"""What diffraction sees of g(r): partial and total structure factors (Faber-Ziman) and the pair distribution function.

S_ab(Q) = 1 + 4 pi rho int r^2 (g_ab - 1) sin(Qr) / (Qr) W(r) dr, S(Q) = 1 + sum c_a c_b b_a b_b (S_ab - 1) / <b>^2,
G(r) = 4 pi rho r sum c_a c_b b_a b_b (g_ab - 1) / <b>^2. Each bin of g is integrated exactly; W is 1 or that of Lorch,
sin(pi r / R) / (pi r / R), R where g ends. Sources: Keen, J. Appl. Cryst. 34, 172 (2001); Lorch, J. Phys. C 2, 229
(1969). Units: angstrom.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.pair_distribution.partials import PartialDistributions
from caloris.atoms.pair_distribution.time_blocks import larger_error, mean_over_time
from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]
Weight = float | sc.Variable
Window = Literal["lorch"] | None


def partial_structure_factors(
    partials: PartialDistributions, momentum_transfer: sc.Variable, *, window: Window = "lorch"
) -> sc.DataArray:
    """Return the Faber-Ziman partial structure factors from g(r).

    Parameters
    ----------
    partials:
        As :func:`partial_distributions` gives them.
    momentum_transfer:
        One dimension, greater than 0.
    window:
        ``"lorch"`` damps the ripples of the end of g(r) and broadens peaks to about 5.4 / R; ``None`` leaves them.

    Returns
    -------
    :
        Dimensions ``pair`` and ``Q`` (1/angstrom), with variances; 1 at large Q. Below 2 pi / R nothing is resolved.

    Raises
    ------
    InputError
        If Q is no array of numbers greater than 0.
    """
    Q = _momentum(momentum_transfer)
    transform = _transform(partials, Q, window)
    mean, error = mean_over_time(1 + (partials.blocks.sum(axis=1) - 1) @ transform)
    error = larger_error(error, _site_errors(partials, transform))
    return sc.DataArray(
        sc.array(dims=["pair", "Q"], values=mean, variances=None if error is None else error**2),
        coords={"pair": partials.g.coords["pair"], "Q": sc.array(dims=["Q"], values=Q, unit="1/angstrom")},
        name="partial structure factor",
    )


def total_structure_factor(
    partials: PartialDistributions,
    weights: Mapping[str, Weight],
    momentum_transfer: sc.Variable,
    *,
    window: Window = "lorch",
) -> sc.DataArray:
    """Return the total structure factor from g(r).

    Parameters
    ----------
    partials:
        Of all elements.
    weights:
        Of each kind: a coherent scattering length (any unit, the same for all), or a form factor at each Q.
    momentum_transfer, window:
        As for :func:`partial_structure_factors`.

    Returns
    -------
    :
        Dimension ``Q``, Faber-Ziman normalisation: 1 at large Q.

    Raises
    ------
    InputError
        If a weight is missing, their mean is 0, or Q is no array of numbers greater than 0.
    """
    Q = _momentum(momentum_transfer)
    factors = _factors(partials, weights, Q)
    transform = _transform(partials, Q, window)
    blocks = 1 + np.einsum("pq,bpq->bq", factors, (partials.blocks.sum(axis=1) - 1) @ transform)
    mean, error = mean_over_time(blocks)
    error = larger_error(error, _summed(factors * _site_errors(partials, transform)))
    return sc.DataArray(
        sc.array(dims=["Q"], values=mean, variances=None if error is None else error**2),
        coords={"Q": sc.array(dims=["Q"], values=Q, unit="1/angstrom")},
        name="total structure factor",
    )


def pair_distribution_function(partials: PartialDistributions, weights: Mapping[str, Weight]) -> sc.DataArray:
    """Return the pair distribution function G(r) of total scattering, without any resolution of an instrument.

    Parameters
    ----------
    partials:
        Of all elements.
    weights:
        Of each kind: a coherent scattering length, or a form factor at Q = 0 (for X-rays an approximation).

    Returns
    -------
    :
        Dimension ``r`` (bin edges, angstrom), 1/angstrom^2, with variances; -4 pi rho r below the shortest distance.

    Raises
    ------
    InputError
        If a weight is missing or their mean is 0.
    """
    factors = _factors(partials, weights, np.zeros(1))[:, 0]
    edges = partials.g.coords["r"].values
    r = 0.5 * (edges[1:] + edges[:-1])
    scale = 4 * math.pi * float(partials.density.value) * r
    blocks = scale * np.einsum("p,bpr->br", factors, partials.blocks.sum(axis=1) - 1)
    mean, error = mean_over_time(blocks)
    error = larger_error(error, scale * _summed(factors[:, None] * _site_errors(partials, np.eye(len(r)))))
    variances = None if error is None else error**2
    return sc.DataArray(
        sc.array(dims=["r"], values=mean, variances=variances, unit="1/angstrom^2"),
        coords={"r": partials.g.coords["r"]},
        name="pair distribution function",
    )


def _momentum(momentum_transfer: sc.Variable) -> Array:
    if not isinstance(momentum_transfer, sc.Variable) or momentum_transfer.ndim != 1:
        raise InputError("momentum_transfer: expected a scipp array with one dimension")
    try:
        Q = np.asarray(momentum_transfer.to(unit="1/angstrom", dtype="float64").values)
    except sc.UnitError:
        raise InputError(f"momentum_transfer: has the unit {momentum_transfer.unit}, expected 1/angstrom") from None
    if not np.all(Q > 0):
        raise InputError("momentum_transfer: expected numbers greater than 0")
    return Q


def _transform(partials: PartialDistributions, Q: Array, window: Window) -> Array:
    """What takes g_ab - 1 to S_ab - 1, (bins, Q)."""
    if window not in ("lorch", None):
        raise InputError(f"window: expected 'lorch' or None, got {window!r}")
    edges = partials.g.coords["r"].values
    # int r sin(Qr) dr = sin(Qr) / Q^2 - r cos(Qr) / Q, over each bin
    phase = Q[:, None] * edges
    integral = np.diff(np.sin(phase) / Q[:, None] ** 2 - edges * np.cos(phase) / Q[:, None], axis=1) / Q[:, None]
    if window == "lorch":
        integral *= np.sinc(0.5 * (edges[1:] + edges[:-1]) / edges[-1])
    return np.asarray(4 * math.pi * float(partials.density.value) * integral.T)


def _site_errors(partials: PartialDistributions, transform: Array) -> Array:
    """From the scatter between groups of sites, of each pair, (pairs, Q)."""
    around = partials.around.sum(axis=0)
    return np.stack([partials.site_error(row, around[row] @ transform) for row in range(len(partials.pairs))])


def _summed(errors: Array) -> Array:
    """Of pairs that know nothing of each other; those without an error count as without one."""
    found = np.sqrt(np.nansum(errors**2, axis=0))
    return np.asarray(np.where(np.all(np.isnan(errors), axis=0), np.nan, found))


def _factors(partials: PartialDistributions, weights: Mapping[str, Weight], Q: Array) -> Array:
    """c_a c_b b_a b_b / <b>^2 of each pair, twice that of unlike ones: (pairs, Q)."""
    missing = [kind for kind in partials.kinds if kind not in weights]
    if missing:
        raise InputError(f"weights: none for {', '.join(missing)}; give one for each of {', '.join(partials.kinds)}")
    share = np.array(partials.counts) / sum(partials.counts)
    b = {}
    for kind in partials.kinds:
        weight = weights[kind]
        values = np.asarray(weight.values if isinstance(weight, sc.Variable) else weight, dtype=np.float64)
        if values.ndim and values.shape != Q.shape:
            raise InputError(f"weights: {kind} has the shape {values.shape}, expected one number, or one for each Q")
        b[kind] = np.broadcast_to(values, Q.shape)
    mean = sum(c * b[kind] for c, kind in zip(share, partials.kinds, strict=True))
    if np.any(np.abs(mean) < 1e-6 * max(float(np.abs(v).max()) for v in b.values())):
        raise InputError("weights: their mean is 0, by whose square the Faber-Ziman structure factor is divided")
    c = dict(zip(partials.kinds, share, strict=True))
    rows = [c[p] * c[q] * b[p] * b[q] / mean**2 * (1 if p == q else 2) for p, q in partials.pairs]
    return np.asarray(rows)
