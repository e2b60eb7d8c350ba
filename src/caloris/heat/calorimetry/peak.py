"""Peaks of a scan: found, limited, integrated, and their characteristic temperatures.

A transition temperature has many definitions, and a hysteresis or a slope dT/dp holds for one of them only: the onset
(tangent at the steepest flank against the baseline), the peak (largest heat flow), T50 (half of the transition by
entropy), start and finish (1 % and 99 %). SI units behind the door.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from caloris.errors import ComputationError, InputError
from caloris.heat.calorimetry.baseline import BASELINES, BaselineKind, Integral, integrate
from caloris.heat.calorimetry.scan import Scan
from caloris.heat.two_phase import Array

Definition = Literal["onset", "peak", "T50", "start", "finish"]
DEFINITIONS: tuple[Definition, ...] = get_args(Definition)

_BINS = 800
_FLOOR = 0.002
"""Of the height of a peak: where the limits look for its feet in a scan without noise."""
_WIDER = 2.0
"""The limits lie twice as far from the summit as the feet, because a foot fades out slowly."""
_SUMMIT_WINDOW = 0.02
_ONSET_WINDOW = 0.08
"""The tangent of the onset is fitted over this part of the time between 1 % and 99 %."""


@dataclass(frozen=True)
class Window:
    """A peak with its two sides, as indices of a scan: begin <= first < last <= end."""

    begin: int
    first: int
    last: int
    end: int

    @property
    def part(self) -> slice:
        """The points of the scan from begin to end."""
        return slice(self.begin, self.end + 1)


@dataclass(frozen=True)
class Peak:
    """One transition in one scan, SI floats."""

    scan: Scan
    window: Window
    baseline: BaselineKind
    integral: Integral
    temperatures: dict[Definition, float]
    """K."""
    entropy_spread: float
    """Half of the range of |dS| over the baselines, relative: a systematic uncertainty."""
    noise: float
    """Scatter of the heat flow beside the peak, W/kg."""
    others: tuple[float, ...] = ()
    """Summits of other peaks in the scan, K."""
    remarks: tuple[str, ...] = ()

    @property
    def latent_heat(self) -> float:
        """|L|, J/kg."""
        return abs(float(self.integral.heat[0]))

    @property
    def entropy_change(self) -> float:
        """|dS_t|, J/(kg K): the excess over the baseline."""
        return abs(float(self.integral.entropy[0]))


def find_peaks(scan: Scan) -> list[tuple[int, int, int]]:
    """Find the peaks of a scan.

    Parameters
    ----------
    scan:
        A heating or cooling.

    Returns
    -------
    :
        First foot, summit and last foot as indices of the scan, the largest peak first; empty if nothing rises above
        the noise.
    """
    edges = np.unique(np.linspace(0, len(scan.time), min(_BINS, len(scan.time) // 4) + 1).astype(int))
    mean = np.add.reduceat(scan.heat_flow, edges[:-1]) / np.diff(edges)
    t = np.add.reduceat(scan.time, edges[:-1]) / np.diff(edges)
    excess = scan.sign * (mean - _quiet_line(t, scan.sign * mean) * scan.sign)
    noise = 1.4826 * float(np.median(np.abs(np.diff(mean, 2)))) / np.sqrt(6.0)
    height = float(excess.max())
    if height <= max(8 * noise, 1e-9 * float(np.abs(mean).max())):
        return []
    foot = max(4 * noise, 0.02 * height)
    found = []
    for begin, end in _runs(excess > foot):
        if excess[begin:end].max() <= max(8 * noise, 0.03 * height):
            continue
        area = float(np.sum(excess[begin:end]))
        inside = slice(int(edges[begin]), int(edges[end]))
        summit = inside.start + int(np.argmax(scan.sign * scan.heat_flow[inside]))
        found.append((area, (inside.start, summit, inside.stop - 1)))
    found.sort(key=lambda item: -item[0])
    largest = found[0][0]
    return [peak for area, peak in found if area > 0.02 * largest]


def _runs(mask: Array) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of every run of True; runs that touch but for two bins count as one."""
    padded = np.concatenate([[False], mask, [False]])
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    runs: list[tuple[int, int]] = []
    for begin, end in zip(changes[::2], changes[1::2], strict=True):
        if runs and begin - runs[-1][1] <= 2:
            runs[-1] = (runs[-1][0], int(end))
        else:
            runs.append((int(begin), int(end)))
    return runs


def _quiet_line(t: Array, q: Array) -> Array:
    """A straight line through what does not stick out upwards."""
    keep = np.ones(len(t), dtype=bool)
    line = np.full_like(q, np.median(q))
    for _ in range(30):
        line = np.polyval(np.polyfit(t[keep] - t[0], q[keep], 1), t - t[0])
        residual = q - line
        centre = np.median(residual[keep])
        spread = 1.4826 * np.median(np.abs(residual[keep] - centre))
        new = np.abs(residual - centre) <= 3 * spread + 1e-12 * np.abs(q).max()
        if new.sum() < max(10, 0.2 * len(t)) or np.array_equal(new, keep):
            break
        keep = new
    return np.asarray(line + np.median((q - line)[keep]))


def peak_window(scan: Scan, limits: tuple[float, float] | None = None) -> tuple[Window, tuple[float, ...]]:
    """Choose the limits of the largest peak, or take those given, and the sides for the baseline.

    Parameters
    ----------
    scan:
        A heating or cooling.
    limits:
        Lower and upper temperature of the peak, K; found if absent.

    Returns
    -------
    :
        The window, and the summit temperatures of the other peaks, K.

    Raises
    ------
    InputError
        If there is no peak, it is cut by the end of the scan, or the limits lie outside the scan.
    """
    peaks = find_peaks(scan)
    if limits is not None:
        return _given_window(scan, limits, peaks)
    if not peaks:
        raise InputError(f"{scan.name}: no peak rises above the noise; give its limits (two temperatures)")
    (begin, summit, end), rest = peaks[0], peaks[1:]
    lower = max([last for _, _, last in rest if last < begin], default=-1) + 1
    upper = min([first for first, _, _ in rest if first > end], default=len(scan.time)) - 1
    first, last = begin, end
    for _ in range(3):
        first, last = _feet(scan, first, summit, last, lower, upper)
    first = max(lower, int(summit - _WIDER * (summit - first)) - 2)
    last = min(upper, int(summit + _WIDER * (last - summit)) + 2)
    if first - lower < 5 or upper - last < 5:
        first, last = _make_room(scan, begin, first, last, end, lower, upper)
    return _with_sides(first, last, lower, upper), tuple(float(scan.temperature[s]) for _, s, _ in rest)


def _feet(scan: Scan, first: int, summit: int, last: int, lower: int, upper: int) -> tuple[int, int]:
    """Where the excess over a baseline from both sides has faded into the noise."""
    window = _with_sides(first, last, lower, upper)
    t, q = scan.time, scan.sign * scan.heat_flow
    if window.first - window.begin < 4 or window.end - window.last < 4:
        return first, last
    left = np.polynomial.Polynomial.fit(t[window.begin : window.first], q[window.begin : window.first], 1)
    right = np.polynomial.Polynomial.fit(t[window.last + 1 : window.end + 1], q[window.last + 1 : window.end + 1], 1)
    beside = np.concatenate(
        [
            q[window.begin : window.first] - left(t[window.begin : window.first]),
            q[window.last + 1 : window.end + 1] - right(t[window.last + 1 : window.end + 1]),
        ]
    )
    width = max(1, (last - first) // 100)
    before = _smooth(q[lower : summit + 1] - left(t[lower : summit + 1]), width)
    after = _smooth(q[summit : upper + 1] - right(t[summit : upper + 1]), width)
    height = max(float(before.max()), float(after.max()))
    foot = max(_FLOOR * height, 3 * float(np.std(beside)) / np.sqrt(width))
    low, high = np.flatnonzero(before < foot), np.flatnonzero(after < foot)
    return (
        lower + int(low[-1]) if len(low) else first,
        summit + int(high[0]) if len(high) else last,
    )


def _smooth(values: Array, width: int) -> Array:
    if width < 2 or len(values) < width:
        return values
    return np.asarray(np.convolve(values, np.ones(width) / width, mode="same"))


def _make_room(scan: Scan, begin: int, first: int, last: int, end: int, lower: int, upper: int) -> tuple[int, int]:
    """The generous limits leave no baseline: take back what lies beyond the feet, if that helps."""
    room = max(5, (end - begin) // 10)
    first = max(first, min(begin, lower + room))
    last = min(last, max(end, upper - room))
    if first - lower < 5 or upper - last < 5:
        side = "first" if first - lower < 5 else "last"
        raise InputError(
            f"{scan.name}: the peak is cut by the {side} temperature of the scan or touches another peak; "
            "record more beside it, or give its limits (two temperatures)"
        )
    return first, last


def _given_window(
    scan: Scan, limits: tuple[float, float], peaks: list[tuple[int, int, int]]
) -> tuple[Window, tuple[float, ...]]:
    low, high = limits
    T = scan.temperature
    if not low < high:
        raise InputError(f"limits: the first, {low:g} K, must be below the second, {high:g} K")
    if low <= T.min() or high >= T.max():
        raise InputError(
            f"limits: {low:g}-{high:g} K does not lie within {scan.name}, which spans {T.min():.1f}-{T.max():.1f} K"
        )
    outer, inner = (low, high) if scan.direction == "heating" else (high, low)
    first = int(np.argmax(scan.sign * (T - outer) >= 0))
    last = len(T) - 1 - int(np.argmax((scan.sign * (T - inner) <= 0)[::-1]))
    others = [peak for peak in peaks if peak[1] < first or peak[1] > last]
    lower = max([peak[2] for peak in others if peak[1] < first], default=-1) + 1
    upper = min([peak[0] for peak in others if peak[1] > last], default=len(T)) - 1
    lower, upper = min(lower, first), max(upper, last)
    if first - lower < 5 or upper - last < 5 or last - first < 5:
        raise InputError(f"limits: {low:g}-{high:g} K leave too few points in or beside the peak of {scan.name}")
    return _with_sides(first, last, lower, upper), tuple(float(T[s]) for _, s, _ in others)


def _with_sides(first: int, last: int, lower: int, upper: int) -> Window:
    """Each side as long as the peak, or a twentieth of the scan if that is longer, as far as there are data."""
    side = max(last - first, (upper - lower) // 20, 10)
    return Window(max(lower, first - side), first, last, min(upper, last + side))


def measure(
    scan: Scan,
    *,
    baseline: BaselineKind = "fraction-weighted",
    limits: tuple[float, float] | None = None,
) -> Peak:
    """Integrate the largest peak of a scan (or the one within the limits) and find its temperatures.

    Parameters
    ----------
    scan:
        A heating or cooling.
    baseline:
        One of :data:`BASELINES`.
    limits:
        Lower and upper temperature of the peak, K; found if absent.

    Returns
    -------
    :
        The peak.

    Raises
    ------
    InputError
        As for :func:`peak_window` and :func:`~caloris.heat.calorimetry.baseline.integrate`.
    ComputationError
        If what lies above the baseline has the wrong sign.
    """
    window, others = peak_window(scan, limits)
    part = window.part
    t, T, q = scan.time[part], scan.temperature[part], scan.heat_flow[part]
    first, last = window.first - window.begin, window.last - window.begin
    results = {kind: integrate(t, T, q, first, last, kind) for kind in BASELINES}
    chosen = results[baseline] if baseline in results else integrate(t, T, q, first, last, baseline)
    if scan.sign * float(chosen.entropy[0]) <= 0:
        way = "endothermic" if scan.direction == "heating" else "exothermic"
        raise ComputationError(
            f"{scan.name}: the largest peak is not {way}; is the sign of the heat flow right (endothermic up or down)?"
        )
    sizes = [abs(float(r.entropy[0])) for r in results.values()]
    temperatures, remarks = characteristic_temperatures(scan, window, chosen)
    return Peak(
        scan,
        window,
        baseline,
        chosen,
        temperatures,
        entropy_spread=0.5 * (max(sizes) - min(sizes)) / abs(float(chosen.entropy[0])),
        noise=side_noise(t, q, first, last)[0],
        others=others,
        remarks=tuple(remarks),
    )


def characteristic_temperatures(
    scan: Scan, window: Window, integral: Integral
) -> tuple[dict[Definition, float], list[str]]:
    """Return onset, peak, T50, start and finish of a peak, and what to know of them.

    Parameters
    ----------
    scan, window, integral:
        A scan, the window of its peak, and the peak above its baseline.

    Returns
    -------
    :
        Temperatures in K, and remarks in words.
    """
    inside = slice(window.first, window.last + 1)
    t, T = scan.time[inside], scan.temperature[inside]
    excess = scan.sign * (scan.heat_flow[inside] - integral.baseline[0])
    x = np.maximum.accumulate(np.clip(integral.fraction[0], 0.0, 1.0))
    remarks = []

    def at_fraction(value: float) -> float:
        k = int(np.argmax(x >= value))
        if k == 0:
            return float(T[0])
        part = (value - x[k - 1]) / (x[k] - x[k - 1])
        return float(T[k - 1] + part * (T[k] - T[k - 1]))

    summit = int(np.argmax(excess))
    back = float(np.max(scan.sign * (np.maximum.accumulate(scan.sign * T) * scan.sign - T)))
    if back > 0.05:
        remarks.append(
            f"{scan.name}: the temperature goes back by {back:.2f} K during the transition (recalescence); onset and "
            "peak temperature depend on how the sample nucleates, prefer T50"
        )
    found: dict[Definition, float] = {
        "onset": _onset(t, T, excess, x, summit),
        "peak": _summit_temperature(t, T, excess, x),
        "T50": at_fraction(0.5),
        "start": at_fraction(0.01),
        "finish": at_fraction(0.99),
    }
    return found, remarks


def _summit_temperature(t: Array, T: Array, excess: Array, x: Array) -> float:
    """Vertex of the parabola through the top of the peak, which is smoothed over a fiftieth of its time."""
    inside = (x > 0.01) & (x < 0.99)
    duration = float(np.ptp(t[inside])) if inside.sum() > 2 else 0.0
    level = _smooth(excess, 1 + 2 * int(0.5 * _SUMMIT_WINDOW * duration / float(np.median(np.diff(t)))))
    summit = int(np.argmax(level))
    if 0 < summit < len(T) - 1:
        before, top, after = level[summit - 1 : summit + 2]
        bend = before - 2 * top + after
        if bend < 0:
            shift = 0.5 * (before - after) / bend
            return float(T[summit] + shift * (T[summit + 1] - T[summit - 1]) / 2)
    return float(T[summit])


def _onset(t: Array, T: Array, excess: Array, x: Array, summit: int) -> float:
    """Where the tangent at the steepest point of the leading flank meets the baseline, in time, as temperature."""
    inside = (x > 0.01) & (x < 0.99)
    duration = float(np.ptp(t[inside])) if inside.sum() > 2 else 0.0
    width = max(3, 1 + int(_ONSET_WINDOW * duration / float(np.median(np.diff(t)))))
    if summit < 2 or len(t) <= 2 * width:
        return float(T[summit])
    kernel = np.ones(width)
    # least-squares slope over a moving window
    offset = np.arange(width) - (width - 1) / 2
    step = float(np.median(np.diff(t)))
    slope = np.convolve(excess, -offset / (offset @ offset), mode="same") / step
    level = np.convolve(excess, kernel / width, mode="same")
    half = width // 2
    lead = np.arange(half, max(summit + 1, half + 1))
    steepest = int(lead[np.argmax(slope[lead])])
    if slope[steepest] <= 0:
        return float(T[summit])
    return float(np.interp(t[steepest] - level[steepest] / slope[steepest], t, T))


def side_noise(time: Array, flow: Array, first: int, last: int) -> tuple[float, float]:
    """Return the scatter of the heat flow beside a peak about the two lines, and its correlation between neighbours.

    Parameters
    ----------
    time, flow:
        (points,), s and W/kg: the peak and its sides.
    first, last:
        Limits of the peak.

    Returns
    -------
    :
        Standard deviation (W/kg), and correlation of neighbouring points (0 where it is not positive).
    """
    residuals = []
    for side in (slice(0, first), slice(last + 1, len(time))):
        t, q = time[side] - time[side].mean(), flow[side]
        residuals.append(q - q.mean() - t * float(t @ q) / float(t @ t))
    freedom = sum(map(len, residuals)) - 4
    variance = sum(float(r @ r) for r in residuals) / max(freedom, 1)
    if variance == 0:
        return 0.0, 0.0
    neighbours = sum(float(r[1:] @ r[:-1]) for r in residuals) / max(freedom, 1)
    return float(np.sqrt(variance)), float(np.clip(neighbours / variance, 0.0, 0.98))
