"""The baseline under a peak, and what lies above it: heat, entropy and transformed fraction.

Both sides of the peak are fitted by straight lines of heat flow over time. Between them the baseline is

- ``linear``: the chord from the left line at the first limit to the right line at the second;
- ``tangential``: the left line until half of the transition has happened, the right line after it;
- ``fraction-weighted``: (1 - x) left + x right with the transformed fraction x of the result, iterated; the one that
  belongs to the quasi-direct method, because the peak is then the excess over (1 - x) C_I + x C_II;
- ``spline``: the cubic that leaves both lines with their slopes.

Arrays may have a leading axis of draws. SI units: s, K, W/kg, J/kg, J/(kg K).
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from caloris.errors import InputError
from caloris.heat.two_phase import Array

BaselineKind = Literal["linear", "tangential", "fraction-weighted", "spline"]
BASELINES: tuple[BaselineKind, ...] = get_args(BaselineKind)

_ITERATIONS = 60
_CONVERGED = 1e-10


@dataclass(frozen=True)
class Integral:
    """A peak above its baseline; draws along the leading axis."""

    baseline: Array
    """(draws, points), W/kg."""
    heat: Array
    """(draws,), J/kg: positive where the sample takes heat up."""
    entropy: Array
    """(draws,), J/(kg K): positive on heating, negative on cooling."""
    cumulative_heat: Array
    """(draws, points), J/kg."""
    cumulative_entropy: Array
    """(draws, points), J/(kg K)."""
    step: Array
    """(draws,), W/kg: right line minus left line in the middle of the transition."""

    @property
    def fraction(self) -> Array:
        """Transformed fraction (draws, points), by entropy: 0 at the first limit, 1 at the second."""
        return np.asarray(self.cumulative_entropy / self.entropy[:, None])


def integrate(
    time: Array, temperature: Array, flow: Array, first: int, last: int, kind: BaselineKind = "fraction-weighted"
) -> Integral:
    """Integrate a peak above its baseline.

    Parameters
    ----------
    time:
        (points,), s: the peak and its two sides.
    temperature:
        (points,) or (draws, points), K.
    flow:
        (points,) or (draws, points), W/kg.
    first, last:
        Limits of the peak as indices; the points before and after them are its sides.
    kind:
        The baseline.

    Returns
    -------
    :
        The peak, for the points ``first`` to ``last``.

    Raises
    ------
    InputError
        If a side has fewer than three points, or the baseline is unknown.
    """
    flow, temperature = np.atleast_2d(flow), np.atleast_2d(temperature)
    if kind not in BASELINES:
        raise InputError(f"baseline: {kind!r} is none of {', '.join(BASELINES)}")
    if first < 3 or len(time) - last < 4:
        raise InputError("peak: fewer than three points beside it; record more of the baseline or move the limits")
    t = time[first : last + 1]
    left = _line(time[:first], flow[:, :first], t)
    right = _line(time[last + 1 :], flow[:, last + 1 :], t)
    above, T = flow[:, first : last + 1], temperature[:, first : last + 1]

    def result(baseline: Array) -> Integral:
        excess = above - baseline
        heat, entropy = _cumulative(excess, t), _cumulative(excess / T, t)
        half = np.argmax(np.abs(entropy) >= 0.5 * np.abs(entropy[:, -1:]), axis=1)
        rows = np.arange(len(flow))
        step = right[rows, half] - left[rows, half]
        return Integral(baseline, heat[:, -1], entropy[:, -1], heat, entropy, step)

    u = (t - t[0]) / (t[-1] - t[0])
    chord = left[:, :1] + u * (right[:, -1:] - left[:, :1])
    if kind == "linear":
        return result(chord)
    if kind == "spline":
        return result(_hermite(u, left, right))
    found = result(chord)
    for _ in range(_ITERATIONS if kind == "fraction-weighted" else 5):
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.clip(np.nan_to_num(found.fraction), 0.0, 1.0)
        weight = x if kind == "fraction-weighted" else (x >= 0.5).astype(float)
        before, found = found, result(left + weight * (right - left))
        if np.all(np.abs(found.entropy - before.entropy) <= _CONVERGED * np.abs(found.entropy)):
            break
    return found


def _line(t: Array, q: Array, at: Array) -> Array:
    """Straight line by least squares through (t, q), continued to other times."""
    centre = t.mean()
    offset = t - centre
    slope = q @ offset / (offset @ offset)
    return np.asarray(q.mean(axis=1)[:, None] + slope[:, None] * (at - centre))


def _hermite(u: Array, left: Array, right: Array) -> Array:
    """Cubic with the values and slopes of the left line at u = 0 and of the right line at u = 1."""
    a, b = left[:, :1], right[:, -1:]
    slope_a, slope_b = left[:, -1:] - left[:, :1], right[:, -1:] - right[:, :1]
    return np.asarray(
        a * (1 + 2 * u) * (1 - u) ** 2 + slope_a * u * (1 - u) ** 2 + b * u**2 * (3 - 2 * u) + slope_b * u**2 * (u - 1)
    )


def _cumulative(values: Array, t: Array) -> Array:
    """Integral from the first point on, by the trapezoidal rule."""
    areas = 0.5 * (values[:, 1:] + values[:, :-1]) * np.diff(t)
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(areas, axis=1)], axis=1)
