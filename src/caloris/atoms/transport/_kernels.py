"""Kernels of transport: arrays in, arrays out, no units."""

from typing import Any

import numpy as np
from numba import njit

Arrays = Any


@njit(nogil=True, cache=True)
def walk_covariance(lags: Arrays, frames: int, step: float, noise: float) -> Arrays:  # pragma: no cover
    """Covariance of the square displacements of one walker along one axis, each averaged over all origins.

    The path is a random walk (variance ``step`` of a step) plus white noise (variance ``noise``) at ``frames`` points;
    for Gaussian increments the covariance of squares is twice the square of the covariance.
    """
    count = len(lags)
    out = np.zeros((count, count))
    for i in range(count):
        n = lags[i]
        for j in range(i, count):
            m = lags[j]
            total = 0.0
            for s in range(-m + 1 if noise == 0.0 else -m, n if noise == 0.0 else n + 1):
                origins = min(frames - n, frames - m - s) - max(0, -s)
                if origins <= 0:
                    continue
                c = step * max(0, min(n, s + m) - max(0, s))
                c += noise * ((n == s + m) - 1.0 * (n == s) - 1.0 * (s == -m) + (s == 0))
                total += origins * c * c
            out[i, j] = 2.0 * total / (np.float64(frames - n) * (frames - m))
            out[j, i] = out[i, j]
    return out


@njit(nogil=True, cache=True)
def displacement_counts(path: Arrays, lags: Arrays, width: float, bins: int) -> Arrays:  # pragma: no cover
    """Histogram of |r(k + lag) - r(k)| over all k and atoms; (n, 3, T) to (lags, bins + 1), the last beyond all."""
    atoms, _, frames = path.shape
    out = np.zeros((len(lags), bins + 1), dtype=np.int64)
    scale = 1.0 / width
    for a in range(atoms):
        x, y, z = path[a, 0], path[a, 1], path[a, 2]
        for i in range(len(lags)):
            lag = lags[i]
            for k in range(frames - lag):
                dx, dy, dz = x[k + lag] - x[k], y[k + lag] - y[k], z[k + lag] - z[k]
                place = np.sqrt(dx * dx + dy * dy + dz * dz) * scale
                out[i, int(place) if place < bins else bins] += 1  # also what is not a number is beyond all
    return out


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def displacement_moments(path: Arrays, lags: Arrays) -> Arrays:  # pragma: no cover
    """Sum over atoms of the mean over origins of d^2 and d^4; (n, 3, T) to (2, lags)."""
    atoms, _, frames = path.shape
    out = np.zeros((2, len(lags)))
    for a in range(atoms):
        x, y, z = path[a, 0], path[a, 1], path[a, 2]
        for i in range(len(lags)):
            lag = lags[i]
            second = fourth = 0.0
            for k in range(frames - lag):
                dx, dy, dz = x[k + lag] - x[k], y[k + lag] - y[k], z[k + lag] - z[k]
                square = dx * dx + dy * dy + dz * dz
                second += square
                fourth += square * square
            out[0, i] += second / (frames - lag)
            out[1, i] += fourth / (frames - lag)
    return out


@njit(nogil=True, cache=True)
def _grid(fractional: Arrays, shape: Arrays) -> tuple[Arrays, Arrays]:  # pragma: no cover
    """Sort points (n, 3) in [0, 1) into boxes: where each box starts, and the points in the order of boxes."""
    n = len(fractional)
    box = np.empty(n, dtype=np.int64)
    starts = np.zeros(shape[0] * shape[1] * shape[2] + 1, dtype=np.int64)
    for j in range(n):
        index = 0
        for c in range(3):
            f = fractional[j, c]
            index = index * shape[c] + (min(int(f * shape[c]), shape[c] - 1) if 0.0 <= f < 1.0 else shape[c] - 1)
        box[j] = index
        starts[index + 1] += 1
    for k in range(1, len(starts)):
        starts[k] += starts[k - 1]
    fill = starts[:-1].copy()
    order = np.empty(n, dtype=np.int64)
    for j in range(n):
        order[fill[box[j]]] = j
        fill[box[j]] += 1
    return starts, order


@njit(nogil=True, cache=True)
def pair_counts(
    a: Arrays,
    b: Arrays,
    same: Arrays,
    group: Arrays,
    cell: Arrays,
    shape: Arrays,
    reach: Arrays,
    width: float,
    out: Arrays,
) -> None:  # pragma: no cover
    """Add up distances from points a (n, 3) to points b (m, 3), fractional in [0, 1), to the nearest image.

    ``same`` (n,) is the index in b of the same atom, or -1: it is left out; ``group`` (n,) the row of the histogram
    ``out`` (groups, bins). Points b are sorted into ``shape`` boxes,
    of which ``reach`` to either side of the own box may hold neighbours. The histogram must end at half the smallest
    width of the cell: no image but the nearest in fractional coordinates is as near as that, whatever the angles.
    """
    starts, order = _grid(b, shape)
    sorted_b = b[order]
    bins = out.shape[1]
    first, last = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    scale = 1.0 / width
    limit = (bins * width) ** 2
    for i in range(len(a)):
        if not np.isfinite(a[i, 0] + a[i, 1] + a[i, 2]):
            continue
        for c in range(3):
            own = min(int(a[i, c] * shape[c]), shape[c] - 1)
            first[c], last[c] = own - reach[c], own + reach[c]
            if 2 * reach[c] + 1 >= shape[c]:
                first[c], last[c] = 0, shape[c] - 1
        for p in range(first[0], last[0] + 1):
            for q in range(first[1], last[1] + 1):
                for s in range(first[2], last[2] + 1):
                    box = ((p % shape[0]) * shape[1] + q % shape[1]) * shape[2] + s % shape[2]
                    for k in range(starts[box], starts[box + 1]):
                        if order[k] == same[i]:
                            continue
                        f = sorted_b[k, 0] - a[i, 0]
                        g = sorted_b[k, 1] - a[i, 1]
                        h = sorted_b[k, 2] - a[i, 2]
                        f -= np.rint(f)
                        g -= np.rint(g)
                        h -= np.rint(h)
                        x = f * cell[0, 0] + g * cell[1, 0] + h * cell[2, 0]
                        y = f * cell[0, 1] + g * cell[1, 1] + h * cell[2, 1]
                        z = f * cell[0, 2] + g * cell[1, 2] + h * cell[2, 2]
                        square = x * x + y * y + z * z
                        if square < limit:  # not where a place is not a number
                            out[group[i], min(int(np.sqrt(square) * scale), bins - 1)] += 1


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def displacement_products(
    left: Arrays, right: Arrays, lags: Arrays, coefficients: Arrays, edges: Arrays
) -> Arrays:  # pragma: no cover
    """Sum over lags of coefficient times dx . dy, averaged over the origins of each stretch of time.

    Paths (n, 3, T), summed over n; lags and their coefficients; first origins of the stretches (stretches + 1).
    """
    stretches = len(edges) - 1
    out = np.zeros(stretches)
    for a in range(len(left)):
        for c in range(3):
            x, y = left[a, c], right[a, c]
            for b in range(stretches):
                total = 0.0
                for i in range(len(lags)):
                    lag = lags[i]
                    part = 0.0
                    for k in range(edges[b], edges[b + 1]):
                        part += (x[k + lag] - x[k]) * (y[k + lag] - y[k])
                    total += coefficients[i] * part
                out[b] += total / (edges[b + 1] - edges[b])
    return out


@njit(nogil=True, cache=True)
def site_visits(
    fractional: Arrays, sites: Arrays, cell: Arrays, starts: Arrays, near: Arrays, shape: Arrays, core: Arrays
) -> tuple[Arrays, Arrays, int]:  # pragma: no cover
    """Follow atoms from core to core of sites: an atom stays with its site until it enters the core of another.

    Fractional, unwrapped paths (n, 3, T); sites (S, 3) in [0, 1) with radii ``core`` (S,); ``near[starts[k]:starts[k +
    1]]`` are the sites whose core may reach into box k of ``shape``. Returns the number of the site (n, T), -1 before
    the first, the cell that the site is in (n, T, 3), and how many frames of all found an atom in a core.
    """
    atoms, _, frames = fractional.shape
    site = np.full((atoms, frames), -1, dtype=np.int32)
    image = np.zeros((atoms, frames, 3), dtype=np.int32)
    inside = 0
    now = np.zeros(3, dtype=np.int64)
    for a in range(atoms):
        current = -1
        for t in range(frames):
            index = 0
            for c in range(3):
                f = fractional[a, c, t]
                f = f - np.floor(f) if np.isfinite(f) else 0.0
                index = index * shape[c] + min(int(f * shape[c]), shape[c] - 1)
            best, found = np.inf, -1
            for k in range(starts[index], starts[index + 1]):  # what is not a number is nearer than nothing
                s = near[k]
                u = fractional[a, 0, t] - sites[s, 0]
                v = fractional[a, 1, t] - sites[s, 1]
                w = fractional[a, 2, t] - sites[s, 2]
                u -= np.rint(u)
                v -= np.rint(v)
                w -= np.rint(w)
                x = u * cell[0, 0] + v * cell[1, 0] + w * cell[2, 0]
                y = u * cell[0, 1] + v * cell[1, 1] + w * cell[2, 1]
                z = u * cell[0, 2] + v * cell[1, 2] + w * cell[2, 2]
                square = x * x + y * y + z * z
                if square < best and square < core[s] * core[s]:
                    best, found = square, s
            if found >= 0:
                current = found
                inside += 1
                for c in range(3):
                    now[c] = int(np.rint(fractional[a, c, t] - sites[found, c]))
            site[a, t] = current
            if current >= 0:
                for c in range(3):
                    image[a, t, c] = now[c]
    return site, image, inside


@njit(nogil=True, cache=True)
def pairs_within(
    frame: Arrays, ion: Arrays, group: Arrays, where: Arrays, ends: Arrays, cell: Arrays, window: int, distance: float
) -> tuple[Arrays, Arrays]:  # pragma: no cover
    """Pairs of jumps of different ions in a window of frames, by groups of ions (groups, groups).

    Jumps in the order of time; ``where`` (jumps, 3) fractional, ``ends`` (jumps, 2) sites they go from and to. Returns
    pairs that are within a distance of each other, and pairs of which one ends where the other begins.
    """
    groups = group.max() + 1
    near = np.zeros((groups, groups))
    linked = np.zeros((groups, groups))
    limit = distance * distance
    for i in range(len(frame)):
        for j in range(i + 1, len(frame)):
            if frame[j] - frame[i] > window:
                break
            if ion[i] == ion[j]:
                continue
            square = 0.0
            for c in range(3):
                d = 0.0
                for e in range(3):
                    f = where[j, e] - where[i, e]
                    d += (f - np.rint(f)) * cell[e, c]
                square += d * d
            if square <= limit:
                near[group[i], group[j]] += 1
            linked[group[i], group[j]] += (ends[i, 1] == ends[j, 0]) + (ends[j, 1] == ends[i, 0])
    return near, linked


@njit(nogil=True, cache=True)
def basins(density: Arrays, order: Arrays, ratio: float) -> Arrays:  # pragma: no cover
    """Basins of the maxima of a periodic density that are parted by more than a ratio of peak to pass.

    ``order`` are the flat indices of what counts, the densest first. A pass that is not lower than the lesser of two
    peaks over ``ratio`` makes one basin of two. Returns the flat index of the peak of each of ``order``.
    """
    nx, ny, nz = density.shape
    flat = density.ravel()
    parent = np.full(flat.size, -1, dtype=np.int64)
    for index in order:
        x, rest = divmod(index, ny * nz)
        y, z = divmod(rest, nz)
        best = -1
        for dx in range(-1, 2):
            for dy in range(-1, 2):
                for dz in range(-1, 2):
                    near = (((x + dx) % nx) * ny + (y + dy) % ny) * nz + (z + dz) % nz
                    if near == index or parent[near] < 0:
                        continue
                    root = near
                    while parent[root] != root:
                        root = parent[root]
                    if best < 0 or root == best:
                        best = root
                        continue
                    high, low = (best, root) if flat[best] >= flat[root] else (root, best)
                    if flat[index] * ratio >= flat[low]:
                        parent[low] = high
                    best = high
        parent[index] = index if best < 0 else best
    out = np.empty(len(order), dtype=np.int64)
    for k in range(len(order)):
        root = order[k]
        while parent[root] != root:
            root = parent[root]
        out[k] = root
    return out
