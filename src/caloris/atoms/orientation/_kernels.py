"""Kernels of orientations: histograms and harmonics on the sphere."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(nogil=True, cache=True)
def count_directions(u: Array, counts: Array, weight: float) -> None:  # pragma: no cover - compiled
    """Add unit vectors (n, 3) to counts on a grid that is even in cos theta and phi."""
    rows, columns = counts.shape
    for k in range(len(u)):
        if not math.isfinite(u[k, 0] + u[k, 1] + u[k, 2]):
            continue  # a bond of no length has no direction
        z = min(1.0, max(-1.0, u[k, 2]))
        phi = math.atan2(u[k, 1], u[k, 0])
        i = min(rows - 1, int((z + 1.0) * 0.5 * rows))
        j = min(columns - 1, int((phi + math.pi) / (2.0 * math.pi) * columns))
        counts[i, j] += weight


@njit(nogil=True, cache=True)
def sum_harmonics(u: Array, degree: int, found: Array) -> None:  # pragma: no cover - compiled
    """Add the real spherical harmonics of unit vectors (n, 3) to ``found`` (degree + 1, 2 degree + 1), m from -degree.

    Normalised such that the sum of squares over m is 1 for one vector.
    """
    p = np.zeros((degree + 1, degree + 1))
    for k in range(len(u)):
        z = u[k, 2]
        # sin^m theta cos(m phi) and sin(m phi) grow out of x and y; p holds P_lm / sin^m
        p[0, 0] = 1.0
        for m in range(1, degree + 1):
            p[m, m] = math.sqrt((2.0 * m - 1.0) / (2.0 * m)) * p[m - 1, m - 1]
        for m in range(degree):
            p[m + 1, m] = math.sqrt(2.0 * m + 1.0) * z * p[m, m]
            for j in range(m + 2, degree + 1):
                lower = math.sqrt((j - 1.0) * (j - 1.0) - m * m) * p[j - 2, m]
                p[j, m] = ((2.0 * j - 1.0) * z * p[j - 1, m] - lower) / math.sqrt(1.0 * j * j - m * m)
        c, s = 1.0, 0.0
        for m in range(degree + 1):
            for j in range(m, degree + 1):
                if m == 0:
                    found[j, degree] += p[j, 0]
                else:
                    found[j, degree + m] += math.sqrt(2.0) * p[j, m] * c
                    found[j, degree - m] += math.sqrt(2.0) * p[j, m] * s
            c, s = c * u[k, 0] - s * u[k, 1], s * u[k, 0] + c * u[k, 1]


@njit(nogil=True, cache=True)
def lagged_neighbours(
    centre: Array, places: Array, b: Array, total: Array, cell: Array, lags: int, near: float, beyond: float
) -> tuple[Array, Array]:  # pragma: no cover - compiled
    """Sums of b(t + lag) over the ions near to a centre at t, and over those beyond, and how many they are.

    centre (T, 3) and places (ions, T, 3) are fractional, not wrapped; b (ions, T), total is its sum over ions; near and
    beyond are at most half of the cell. Returns sums (2, 2 lags + 1, T) and numbers of pairs (2, 2 lags + 1).
    """
    ions, steps = b.shape
    sums, pairs = np.zeros((2, 2 * lags + 1, steps)), np.zeros((2, 2 * lags + 1))
    for t in range(steps):
        first, last = max(-lags, -t), min(lags, steps - 1 - t)
        for lag in range(first, last + 1):
            sums[1, lag + lags, t] = total[t + lag]
            pairs[1, lag + lags] += ions
        for j in range(ions):
            square = 0.0
            f0 = places[j, t, 0] - centre[t, 0]
            f1 = places[j, t, 1] - centre[t, 1]
            f2 = places[j, t, 2] - centre[t, 2]
            f0, f1, f2 = f0 - round(f0), f1 - round(f1), f2 - round(f2)
            for k in range(3):
                d = f0 * cell[0, k] + f1 * cell[1, k] + f2 * cell[2, k]
                square += d * d
            if square >= beyond * beyond:
                continue
            close = square < near * near
            for lag in range(first, last + 1):
                sums[1, lag + lags, t] -= b[j, t + lag]
                pairs[1, lag + lags] -= 1
                if close:
                    sums[0, lag + lags, t] += b[j, t + lag]
                    pairs[0, lag + lags] += 1
    return sums, pairs


@njit(nogil=True, cache=True)
def _wrapped(a: Array, b: Array, cell: Array, found: Array) -> float:  # pragma: no cover - compiled
    """Cartesian vector from a to b (fractional) by the nearest image, and its square."""
    f0, f1, f2 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    f0, f1, f2 = f0 - round(f0), f1 - round(f1), f2 - round(f2)
    square = 0.0
    for k in range(3):
        found[k] = f0 * cell[0, k] + f1 * cell[1, k] + f2 * cell[2, k]
        square += found[k] * found[k]
    return square


@njit(nogil=True, cache=True)
def _sorted_into_boxes(places: Array, boxes: Array, head: Array, after: Array) -> None:  # pragma: no cover - compiled
    """Linked lists of the places (n, 3) in each of boxes[0] x boxes[1] x boxes[2] boxes of the cell."""
    head[:] = -1
    for k in range(len(places)):
        box = 0
        for axis in range(3):
            f = places[k, axis] - math.floor(places[k, axis]) if math.isfinite(places[k, axis]) else 0.0
            box = box * boxes[axis] + min(boxes[axis] - 1, int(f * boxes[axis]))
        after[k] = head[box]
        head[box] = k


@njit(nogil=True, cache=True)
def find_bonds(
    hydrogens: Array,
    donors: Array,
    acceptors: Array,
    behind: Array,
    longest: Array,
    same: Array,
    cell: Array,
    boxes: Array,
    least: float,
    pairs: Array,
    values: Array,
) -> int:  # pragma: no cover - compiled
    """Find D-H...A of one frame by boxes at least as wide as the longest H...A; the number of bonds that there are.

    All places are fractional. longest (acceptors,): longest H...A of each; same (hydrogens + acceptors,): numbers of
    molecules; least: cosine of the smallest D-H...A. Fills pairs (most, 2) with hydrogen and acceptor, and values
    (most, 3) with the distance and the cosines of D-H...A and of the angle at A from what it is bonded to.
    """
    head = np.empty(boxes[0] * boxes[1] * boxes[2], np.int64)
    after = np.empty(len(acceptors), np.int64)
    _sorted_into_boxes(acceptors, boxes, head, after)
    to_acceptor, to_donor, backward = np.empty(3), np.empty(3), np.empty(3)
    found = 0
    for h in range(len(hydrogens)):
        home = np.empty(3, np.int64)
        if not math.isfinite(hydrogens[h, 0] + hydrogens[h, 1] + hydrogens[h, 2]):
            continue
        for axis in range(3):
            f = hydrogens[h, axis] - math.floor(hydrogens[h, axis])
            home[axis] = min(boxes[axis] - 1, int(f * boxes[axis]))
        for i in range(min(3, boxes[0])):
            for j in range(min(3, boxes[1])):
                for k in range(min(3, boxes[2])):
                    x = (home[0] + i - 1 + boxes[0]) % boxes[0]
                    y = (home[1] + j - 1 + boxes[1]) % boxes[1]
                    z = (home[2] + k - 1 + boxes[2]) % boxes[2]
                    a = head[(x * boxes[1] + y) * boxes[2] + z]
                    while a >= 0:
                        square = _wrapped(hydrogens[h], acceptors[a], cell, to_acceptor)
                        if square < longest[a] ** 2 and same[h] != same[len(hydrogens) + a]:
                            length = math.sqrt(square)
                            bond = math.sqrt(_wrapped(hydrogens[h], donors[h], cell, to_donor))
                            cosine = np.dot(to_acceptor, to_donor) / (length * bond)
                            if cosine <= least:
                                if found < len(pairs):
                                    back = math.sqrt(_wrapped(acceptors[a], behind[a], cell, backward))
                                    pairs[found, 0], pairs[found, 1] = h, a
                                    values[found, 0], values[found, 1] = length, cosine
                                    values[found, 2] = -np.dot(to_acceptor, backward) / (length * max(back, 1e-12))
                                found += 1
                        a = after[a]
    return found


@njit(nogil=True, cache=True)
def unbroken(start: Array, frame: Array, frames: int, found: Array) -> None:  # pragma: no cover - compiled
    """Add to found (frames,), for every lag m, how often a bond lasted from a frame to m frames later.

    start (pairs + 1,): where each pair begins in frame, which lists the frames of its bonds, increasing.
    """
    runs = np.zeros(frames + 2, np.int64)
    for p in range(len(start) - 1):
        length = 0
        for k in range(start[p], start[p + 1]):
            if length > 0 and frame[k] == frame[k - 1] + 1:
                length += 1
            else:
                runs[length] += 1
                length = 1
        runs[length] += 1
    # a run of L frames gives L - m pairs of frames at the lag m
    longer, total = 0, 0
    for length in range(frames, 0, -1):
        longer += runs[length]
        total += longer
        found[length - 1] += total
