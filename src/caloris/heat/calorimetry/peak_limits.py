"""Peaks of a scan found, and their limits: where the heat flow has come back to its baseline.

Indices of a scan; temperatures in K, heat flow in W/kg.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from caloris.errors import InputError
from caloris.heat.calorimetry.scan import Scan
from caloris.heat.two_phase import Array

_BINS = 800
_FLOOR = 0.002
"""Of the height of a peak: where the limits look for its feet in a scan without noise."""
_WIDER = 2.0
"""The limits lie twice as far from the summit as the feet, because a foot fades out slowly."""


class NoPeakError(InputError):
    """Nothing rises above the noise of a scan."""


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
        width = max(1, (inside.stop - inside.start) // 50)
        summit = inside.start + int(np.argmax(smooth(scan.sign * scan.heat_flow[inside], width)))
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
    """A parabola through what does not stick out: baselines bend."""
    u = (t - t[0]) / (t[-1] - t[0])
    keep = np.ones(len(t), dtype=bool)
    line = np.full_like(q, np.median(q))
    for _ in range(30):
        line = np.polyval(np.polyfit(u[keep], q[keep], 2), u)
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
        words = _why_none(scan)
        raise (NoPeakError if "noise" in words else InputError)(f"{scan.name}: {words}")
    (begin, summit, end), rest = peaks[0], peaks[1:]
    lower, upper = _room(rest, begin, end, len(scan.time))
    first, last = begin, end
    for _ in range(3):
        first, last = _feet(scan, first, summit, last, lower, upper)
    first = max(lower, int(summit - _WIDER * (summit - first)) - 2)
    last = min(upper, int(summit + _WIDER * (last - summit)) + 2)
    if first - lower < 5 or upper - last < 5:
        first, last = _make_room(scan, begin, first, last, end, lower, upper)
    return _with_sides(first, last, lower, upper), tuple(float(scan.temperature[s]) for _, s, _ in rest)


def _why_none(scan: Scan) -> str:
    turned = replace(scan, heat_flow=-scan.heat_flow)
    if find_peaks(turned):
        way = "exothermic" if scan.direction == "heating" else "endothermic"
        return (
            f"its only peak is {way}: is the sign of the heat flow wrong (endothermic='up' or 'down', --endothermic), "
            "or is it no sample?"
        )
    return "no peak rises above the noise; give its limits (two temperatures)"


def _room(others: Sequence[tuple[int, int, int]], begin: int, end: int, points: int) -> tuple[int, int]:
    """First and last point that belong to no other peak: the feet of these fade out into the baseline, too."""
    before = [
        min(last + int((_WIDER - 1) * (last - summit)), (last + begin) // 2)
        for _, summit, last in others
        if summit < begin
    ]
    after = [
        max(first - int((_WIDER - 1) * (summit - first)), (first + end) // 2)
        for first, summit, _ in others
        if summit > end
    ]
    return max(before, default=-1) + 1, min(after, default=points) - 1


def _feet(scan: Scan, first: int, summit: int, last: int, lower: int, upper: int) -> tuple[int, int]:
    """Where the excess over a baseline from both sides has faded into the noise."""
    window = _with_sides(first, last, lower, upper)
    t, q = scan.time, scan.sign * scan.heat_flow
    sides = slice(window.begin, window.first), slice(window.last + 1, window.end + 1)
    if min(side.stop - side.start for side in sides) < 4:
        return first, last
    lines = [np.polynomial.Polynomial.fit(t[side], q[side], 1) for side in sides]
    scatter = float(np.std(np.concatenate([q[side] - line(t[side]) for side, line in zip(sides, lines, strict=True)])))
    inside = slice(first, last + 1)
    height = float(np.max(q[inside] - 0.5 * (lines[0](t[inside]) + lines[1](t[inside]))))
    # noise is smoothed until it is small against the peak, but over no more than a fifth of it
    width = int(np.clip((3 * scatter / (0.01 * height)) ** 2, 1, max(1, (last - first) // 5)))
    part = slice(lower, upper + 1)
    before, after = (smooth(q[part] - line(t[part]), width) for line in lines)
    summit, height = lower + int(np.argmax(before)), float(np.max(before))
    foot = max(_FLOOR * height, 3 * scatter / np.sqrt(width))
    # a foot lies outside the quarter-height of the peak, whatever the noise does at its summit
    rise = lower + int(np.argmax(before >= 0.25 * height))
    fall = upper - int(np.argmax(after[::-1] >= 0.25 * height))
    low = np.flatnonzero(before[: max(min(rise, summit) - lower, 0)] < foot)
    high = np.flatnonzero(after[max(fall, summit) - lower :] < foot)
    return (
        lower + int(low[-1]) if len(low) else first,
        max(fall, summit) + int(high[0]) if len(high) else last,
    )


def smooth(values: Array, width: int) -> Array:
    """Return a moving mean; at the ends over the points that there are.

    Parameters
    ----------
    values, width:
        Values, and the number of points to average.
    """
    if width < 2 or len(values) < width:
        return values
    kernel = np.ones(width)
    return np.asarray(np.convolve(values, kernel, mode="same") / np.convolve(np.ones(len(values)), kernel, mode="same"))


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
    lower, upper = _room(others, first, last, len(T))
    lower, upper = min(lower, first), max(upper, last)
    if first - lower < 5 or upper - last < 5 or last - first < 5:
        raise InputError(f"limits: {low:g}-{high:g} K leave too few points in or beside the peak of {scan.name}")
    return _with_sides(first, last, lower, upper), tuple(float(T[s]) for _, s, _ in others)


def _with_sides(first: int, last: int, lower: int, upper: int) -> Window:
    """Each side as long as the peak, or a twentieth of the scan if that is longer, as far as there are data."""
    side = max(last - first, (upper - lower) // 20, 10)
    return Window(max(lower, first - side), first, last, min(upper, last + side))
