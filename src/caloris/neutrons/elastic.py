"""How much of incoherent scattering is elastic: at infinite time, and from a fit as of a measurement.

I(Q,t) = I(Q,0) DW(Q) [A(Q) + (1 - A(Q)) exp(-t / tau(Q))] past the vibrations: A is the elastic incoherent structure
factor (EISF) of the slow motion, DW what fast vibrations leave, hbar / tau the half width of the quasielastic line.
At infinite time DW A is left. Units: ps, meV.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons.grouped_curves import GroupedCurves, Weights
from caloris.neutrons.line_shapes import HBAR

Array = npt.NDArray[np.floating[Any]]

_TIMES = 60
"""Relaxation times that are tried before the best is refined."""
_REFINED = 25
"""Golden sections."""
_LATE = 0.5
"""Share of the times, the last ones, whose mean is the infinite-time value."""


@dataclass(frozen=True)
class ElasticFraction:
    """What of incoherent scattering is elastic, over ``Q``, with variances."""

    infinite_time: sc.DataArray
    """Mean of I(Q,t)/I(Q,0) over the later half of the times: vibrations and slow motion together. Where the curve
    still falls there (``warnings``) it is no more than the mean over those times."""
    eisf: sc.DataArray
    """A of the fit: slow motion alone, what an experiment with a flat background calls EISF. NaN where the
    motion is too slow or too fast for the times of the fit."""
    hwhm: sc.DataArray
    """Half width at half maximum of the quasielastic line, hbar / tau, meV; NaN where nothing decays, or as above."""
    debye_waller: sc.DataArray
    """DW of the fit: what the fast motion leaves."""
    window: tuple[sc.Variable, sc.Variable]
    """First and last time of the fit, ps."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        Q, A = self.eisf.coords["Q"].values, self.eisf.values
        return f"<ElasticFraction: EISF {A[0]:.3f} at {Q[0]:g}/angstrom to {A[-1]:.3f} at {Q[-1]:g}/angstrom>"


def elastic_fraction(curves: GroupedCurves, weights: Weights, begin: float, end: float) -> ElasticFraction:
    """Return elastic fractions of grouped curves; times in ps."""
    time = curves.time
    inside = (time >= begin - 1e-9) & (time <= end + 1e-9)
    if np.count_nonzero(inside) < 8:
        raise InputError(
            f"elastic fraction: {np.count_nonzero(inside)} times from {begin:g} to {end:g} ps; a fit needs 8 at least"
        )
    if np.any(curves.mean(weights)[:, 0] <= 0):
        raise InputError("elastic fraction: these atoms scatter nothing incoherently; choose others, or other isotopes")
    late = np.flatnonzero(time >= (1 - _LATE) * time[-1])
    earlier, later = np.array_split(late, 2)

    def of_curves(values: Array) -> Array:
        relative = values / values[:, :1]
        falling = relative[:, earlier].mean(axis=1) - relative[:, later].mean(axis=1)
        return np.vstack([relative[:, late].mean(axis=1), _fit(time[inside], relative[:, inside]), falling]).T

    value, variance = (found.T for found in curves.propagate(of_curves, weights))
    warnings = _judge(value, variance, time[inside], curves.Q)
    Q = sc.array(dims=["Q"], values=curves.Q, unit="1/angstrom")

    def array(row: int, unit: str, name: str) -> sc.DataArray:
        data = sc.array(dims=["Q"], values=value[row], variances=variance[row], unit=unit)
        return sc.DataArray(data, coords={"Q": Q}, name=name)

    return ElasticFraction(
        infinite_time=array(0, "one", "I(Q,inf)/I(Q,0)"),
        eisf=array(1, "one", "EISF"),
        hwhm=array(2, "meV", "quasielastic HWHM"),
        debye_waller=array(3, "one", "Debye-Waller factor"),
        window=(sc.scalar(float(time[inside][0]), unit="ps"), sc.scalar(float(time[inside][-1]), unit="ps")),
        warnings=warnings,
    )


def _fit(time: Array, curves: Array) -> Array:
    """EISF, HWHM (meV) and Debye-Waller factor of curves (Q, time), (3, Q): least squares for the best of all tau."""
    span = time[-1] - time[0]
    trials = np.geomspace(max(0.5 * (time[1] - time[0]), 1e-3 * span), 10 * span, _TIMES)
    misfits = np.array([_amplitudes(time, curves, np.full(len(curves), tau))[2] for tau in trials])
    best = np.argmin(misfits, axis=0)
    low, high = np.log(trials[np.maximum(best - 1, 0)]), np.log(trials[np.minimum(best + 1, _TIMES - 1)])
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(_REFINED):
        inner, outer = high - golden * (high - low), low + golden * (high - low)
        left = _amplitudes(time, curves, np.exp(inner))[2] < _amplitudes(time, curves, np.exp(outer))[2]
        low, high = np.where(left, low, inner), np.where(left, outer, high)
    tau = np.exp(0.5 * (low + high))
    constant, decaying, _ = _amplitudes(time, curves, tau)
    total = constant + decaying
    return np.array([constant / np.where(total == 0, 1.0, total), HBAR / tau, total])


def _amplitudes(time: Array, curves: Array, tau: Array) -> tuple[Array, Array, Array]:
    """Constant and decaying part of each curve by linear least squares, and what is left of the squares."""
    decay = np.exp(-time / tau[:, None])
    away = decay - decay.mean(axis=1, keepdims=True)
    level = curves.mean(axis=1)
    spread = (away**2).sum(axis=1)
    decaying = (away * (curves - level[:, None])).sum(axis=1) / np.maximum(spread, 1e-300)
    left = ((curves - level[:, None]) ** 2).sum(axis=1) - decaying**2 * spread
    return level - decaying * decay.mean(axis=1), decaying, left


def _judge(value: Array, variance: Array, time: Array, Q: Array) -> tuple[str, ...]:
    """Take out what the fit cannot know, in place, and say so."""
    found = []
    tau = HBAR / value[2]
    span = time[-1] - time[0]
    # a depth within its error, or one too small to matter: nothing decays, whatever tau is
    nothing = (1 - value[1] < 2 * np.sqrt(variance[1])) & (1 - value[0] / np.maximum(value[3], 1e-12) < 0.02)
    slow = ~nothing & (tau > 0.5 * span)
    fast = ~nothing & (tau < 2 * (time[1] - time[0]))
    value[1:4, slow | fast] = np.nan
    variance[1:4, slow | fast] = np.nan
    value[2, nothing] = np.nan
    variance[2, nothing] = np.nan
    if np.all(nothing):
        found.append("No slow motion is seen: the EISF is 1 within its error, and there is no width.")
    if np.any(slow):
        found.append(
            f"At Q = {_list(Q[slow])} the motion is slower than the {span:.3g} ps of the fit can tell: no EISF, no "
            "width."
        )
    if np.any(fast):
        found.append(f"At Q = {_list(Q[fast])} the motion is over within two frames: no EISF, no width.")
    falling = (value[4] > 3 * np.sqrt(np.nan_to_num(variance[4]))) & (value[4] > 0.01)
    if np.any(falling):
        found.append(f"At Q = {_list(Q[falling])} I(Q,t) still falls at the longest times: the elastic part is less.")
    return tuple(found)


def _list(Q: Array) -> str:
    return ", ".join(f"{q:.3g}" for q in Q)
