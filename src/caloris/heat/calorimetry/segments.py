"""Where a recording heats and where it cools: the turning points of the temperature, without starts and stops.

A turn counts only if the temperature goes back by more than a threshold, so that a sample which warms itself while it
crystallises (recalescence) does not split its cooling. Times in s, temperatures in K.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import numpy as np

from caloris.errors import InputError
from caloris.heat.two_phase import Array

Direction = Literal["heating", "cooling"]

SMALLEST_TURN = 3.0
"""Going back by less than this (K), or by a tenth of the whole range, is no turn."""
SETTLING = 60.0
"""Dropped after the rate is reached and before it is left, s: the calorimeter follows with its time constant."""


def segments(time: Array, temperature: Array, *, settling: float = SETTLING) -> list[tuple[Direction, slice]]:
    """Split a recording into heating and cooling segments.

    Parameters
    ----------
    time, temperature:
        s and K, of one length.
    settling:
        How much to drop at both ends of a segment, s; less where the segment is short.

    Returns
    -------
    :
        Direction and slice of every segment, in order of time; empty for an isothermal recording.

    Examples
    --------
    >>> t = np.arange(0.0, 7200.0)
    >>> T = 300 + np.interp(t, [0, 600, 3000, 3600, 6000, 7200], [0, 0, 40, 40, 0, 0])
    >>> [(direction, part.start // 100, part.stop // 100) for direction, part in segments(t, T)]
    [('heating', 6, 29), ('cooling', 36, 59)]
    """
    span = float(np.ptp(temperature))
    if span < SMALLEST_TURN:
        return []
    turns = list(_turning_points(temperature, max(SMALLEST_TURN, 0.1 * span)))
    found: list[tuple[Direction, slice]] = []
    for begin, end in pairwise(turns):
        first, last = _steady(time, temperature, begin, end, settling)
        if last - first >= 20 and abs(temperature[last] - temperature[first]) >= SMALLEST_TURN:
            found.append(("heating" if temperature[end] > temperature[begin] else "cooling", slice(first, last + 1)))
    return found


def ramps(time: Array, temperature: Array, *, settling: float = SETTLING) -> list[tuple[Direction, slice]]:
    """Split a recording into ramps between holds: :func:`segments`, each cut where the temperature is held.

    Parameters
    ----------
    time, temperature, settling:
        As for :func:`segments`.

    Returns
    -------
    :
        Direction and slice of every ramp, in order of time, each begun and ended by the settling.
    """
    found: list[tuple[Direction, slice]] = []
    for direction, part in segments(time, temperature, settling=0.0):
        t, T = time[part], temperature[part]
        moving = np.abs(_rate_by_bins(t, T)) > 0.3 * np.max(np.abs(_rate_by_bins(t, T)))
        padded = np.concatenate([[False], moving, [False]])
        changes = np.flatnonzero(padded[1:] != padded[:-1])
        for begin, end in zip(changes[::2], changes[1::2], strict=True):
            first = int(np.searchsorted(t, t[begin] + settling))
            last = int(np.searchsorted(t, t[end - 1] - settling, side="right")) - 1
            if last - first >= 20 and abs(T[last] - T[first]) >= SMALLEST_TURN:
                found.append((direction, slice(part.start + first, part.start + last + 1)))
    return found


_BIN = 20.0
"""The rate of a ramp is judged by means over so many seconds."""


def _rate_by_bins(t: Array, T: Array) -> Array:
    """dT/dt of every point by the mean temperatures of bins, K/s."""
    count = max(4, int((t[-1] - t[0]) / _BIN))
    edges = np.unique(np.linspace(0, len(t), min(count, len(t) // 4) + 1).astype(int))
    means, centres = (np.add.reduceat(values, edges[:-1]) / np.diff(edges) for values in (T, t))
    return np.repeat(np.gradient(means, centres), np.diff(edges))


def _turning_points(temperature: Array, threshold: float) -> Iterator[int]:
    """First point, turning points, last point."""
    yield 0
    highest = lowest = 0
    direction = 0
    for i in _candidates(temperature):
        if temperature[i] > temperature[highest]:
            highest = i
        if temperature[i] < temperature[lowest]:
            lowest = i
        if direction >= 0 and temperature[highest] - temperature[i] > threshold:
            if highest > 0:
                yield highest
            direction, lowest, highest = -1, i, i
        elif direction <= 0 and temperature[i] - temperature[lowest] > threshold:
            if lowest > 0:
                yield lowest
            direction, highest, lowest = 1, i, i
    yield len(temperature) - 1


def _candidates(temperature: Array) -> list[int]:
    """Points that can be a turn: the highest and the lowest of every few hundred, and both ends."""
    n = len(temperature)
    block = max(1, n // 4000)
    if block == 1:
        return list(range(n))
    whole = n // block * block
    blocks = temperature[:whole].reshape(-1, block)
    offset = np.arange(len(blocks)) * block
    points = np.concatenate([offset + blocks.argmax(axis=1), offset + blocks.argmin(axis=1), np.arange(whole, n)])
    return [int(i) for i in np.unique(points)]


def _steady(time: Array, temperature: Array, begin: int, end: int, settling: float) -> tuple[int, int]:
    """Cut off both ends: where the rate is not yet, or no longer, half of the typical rate, and the settling."""
    if end - begin < 20:
        return begin, begin
    rate = np.abs(local_rate(time[begin : end + 1], temperature[begin : end + 1]))
    typical = float(np.median(rate[rate > 0.1 * rate.max()]))
    moving = np.flatnonzero(rate > 0.5 * typical)
    first, last = begin + int(moving[0]), begin + int(moving[-1])
    cut = min(settling, 0.03 * (time[last] - time[first]))
    first += int(np.searchsorted(time[first : last + 1], time[first] + cut)) if moving[0] > 0 or begin == 0 else 0
    last = first + int(np.searchsorted(time[first : last + 1], time[last] - cut, side="right")) - 1
    return first, last


def local_rate(time: Array, temperature: Array) -> Array:
    """Return dT/dt, smoothed over a hundredth of the time (at least three points).

    Parameters
    ----------
    time, temperature:
        s and K, of one length, at least three.

    Returns
    -------
    :
        K/s, of the same length.

    Raises
    ------
    InputError
        If there are fewer than three points.
    """
    n = len(time)
    if n < 3:
        raise InputError("scan: fewer than three points have no rate")
    reach = max(1, n // 200)
    ahead = np.minimum(np.arange(n) + reach, n - 1)
    behind = np.maximum(np.arange(n) - reach, 0)
    return np.asarray((temperature[ahead] - temperature[behind]) / (time[ahead] - time[behind]))
