"""The temperatures of a peak by every definition.

A hysteresis or a slope dT/dp holds for one definition only: the onset (tangent at the steepest point of the leading
flank against the baseline), the peak (largest heat flow), T50 (half of the transition by entropy), start and finish
(1 % and 99 %). Onset and peak are found in time and read as temperatures, so that a sample that warms itself while it
crystallises has them, too. s, K, W/kg.
"""

from typing import Literal, get_args

import numpy as np

from caloris.heat.calorimetry.peak_limits import smooth
from caloris.heat.two_phase import Array

Definition = Literal["onset", "peak", "T50", "start", "finish"]
DEFINITIONS: tuple[Definition, ...] = get_args(Definition)

_SUMMIT_WINDOW = 0.02
"""The summit is smoothed over this part of the time between 1 % and 99 %."""
_ONSET_WINDOW = 0.1
"""The tangent of the onset is fitted over this part of the time between 1 % and 99 %.

A choice, made with the eicosane file of the reproductions in view: after recalescence the onset on cooling hangs on it
(0.08 gives a hysteresis of 2.89 K there, 0.1 gives 2.79 K, 0.12 gives 2.67 K).
"""


def characteristic_temperatures(
    time: Array, temperature: Array, excess: Array, fraction: Array
) -> dict[Definition, float]:
    """Return onset, peak, T50, start and finish of a peak, K.

    Parameters
    ----------
    time, temperature:
        s and K, between the limits of the peak.
    excess:
        Heat flow above the baseline, positive in the peak, W/kg.
    fraction:
        Transformed fraction along the scan, 0 to 1.

    Returns
    -------
    :
        By definition.
    """
    x = np.maximum.accumulate(np.clip(fraction, 0.0, 1.0))
    t, T = time, temperature
    if np.ptp(np.diff(t)) > 1e-3 * np.median(np.diff(t)):  # slopes and smoothing need equal steps
        even = np.linspace(t[0], t[-1], len(t))
        T_even, excess, x_even = (np.interp(even, t, values) for values in (T, excess, x))
    else:
        even, T_even, x_even = t, T, x
    step = float(even[1] - even[0])
    inside = (x_even > 0.01) & (x_even < 0.99)
    duration = float(np.ptp(even[inside])) if inside.sum() > 2 else 0.0
    level = smooth(excess, 1 + 2 * int(0.5 * _SUMMIT_WINDOW * duration / step))
    summit = int(np.argmax(level))
    width = max(3, 1 + int(_ONSET_WINDOW * duration / step))
    return {
        "onset": _onset(even, T_even, excess, summit, width),
        "peak": _vertex(T_even, level, summit),
        "T50": _at_fraction(T, x, 0.5),
        "start": _at_fraction(T, x, 0.01),
        "finish": _at_fraction(T, x, 0.99),
    }


def goes_back(temperature: Array, sign: float) -> float:
    """Return how far the temperature goes back during a transition, K; 0 where that is no more than its noise.

    Parameters
    ----------
    temperature, sign:
        Along the scan (K); 1 on heating, -1 on cooling.
    """
    T = sign * temperature
    back = float(np.max(np.maximum.accumulate(T) - T))
    noise = 1.4826 * float(np.median(np.abs(np.diff(T, 2)))) / np.sqrt(6.0)
    return back if back > max(0.1, 10 * noise) else 0.0


def _at_fraction(T: Array, x: Array, value: float) -> float:
    k = int(np.argmax(x >= value))
    if k == 0:
        return float(T[0])
    part = (value - x[k - 1]) / (x[k] - x[k - 1])
    return float(T[k - 1] + part * (T[k] - T[k - 1]))


def _vertex(T: Array, level: Array, summit: int) -> float:
    """Vertex of the parabola through the summit and its neighbours."""
    if 0 < summit < len(T) - 1:
        before, top, after = level[summit - 1 : summit + 2]
        bend = before - 2 * top + after
        if bend < 0:
            shift = 0.5 * (before - after) / bend
            return float(T[summit] + shift * (T[summit + 1] - T[summit - 1]) / 2)
    return float(T[summit])


def _onset(t: Array, T: Array, excess: Array, summit: int, width: int) -> float:
    """Where the tangent at the steepest point of the leading flank meets the baseline."""
    if summit < 2 or len(t) <= 2 * width:
        return float(T[summit])
    # least-squares slope over a moving window
    offset = np.arange(width) - (width - 1) / 2
    slope = np.convolve(excess, -offset / (offset @ offset), mode="same") / float(t[1] - t[0])
    level = np.convolve(excess, np.ones(width) / width, mode="same")
    half = width // 2
    lead = np.arange(half, max(summit + 1, half + 1))
    steepest = int(lead[np.argmax(slope[lead])])
    if slope[steepest] <= 0:
        return float(T[summit])
    return float(np.interp(t[steepest] - level[steepest] / slope[steepest], t, T))
