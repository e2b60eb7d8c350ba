"""Kernels of densities: counting on a grid, marching tetrahedra, flooding a landscape, shortest paths."""

import heapq
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(nogil=True, cache=True)
def count_places(fractional: Array, block: Array, repeat: Array, counts: Array) -> None:  # pragma: no cover - compiled
    """Add places (T, n, 3), fractional in the supercell, to counts (blocks, a, b, c) of the sub-cell."""
    _, na, nb, nc = counts.shape
    for t in range(fractional.shape[0]):
        for k in range(fractional.shape[1]):
            x = fractional[t, k, 0] * repeat[0]
            y = fractional[t, k, 1] * repeat[1]
            z = fractional[t, k, 2] * repeat[2]
            if not math.isfinite(x + y + z):
                continue
            i = min(na - 1, int((x - math.floor(x)) * na))
            j = min(nb - 1, int((y - math.floor(y)) * nb))
            m = min(nc - 1, int((z - math.floor(z)) * nc))
            counts[block[t], i, j, m] += 1


@njit(nogil=True, cache=True)
def _crossed(p: Array, q: Array, vp: float, vq: float, level: float, found: Array) -> None:  # pragma: no cover
    """Point on an edge where the value is the level."""
    share = (level - vp) / (vq - vp)
    for k in range(3):
        found[k] = p[k] + share * (q[k] - p[k])


@njit(nogil=True, cache=True)
def march_tetrahedra(values: Array, level: float, most: int) -> tuple[Array, int]:  # pragma: no cover - compiled
    """Triangles (n, 3, 3) of a surface of a periodic grid, corners in units of voxels; and how many there are.

    Every cube is cut into six tetrahedra about one diagonal, so that neighbours agree on their common face. Normals
    point to lower values.
    """
    na, nb, nc = values.shape
    # the six paths from corner 0 to corner 7 along the edges
    paths = np.array([[0, 1, 3, 7], [0, 3, 2, 7], [0, 2, 6, 7], [0, 6, 4, 7], [0, 4, 5, 7], [0, 5, 1, 7]])
    triangles = np.empty((most, 3, 3))
    found = 0
    corner, v = np.empty((8, 3)), np.empty(8)
    inside, outside = np.empty(4, np.int64), np.empty(4, np.int64)
    for i in range(na):
        for j in range(nb):
            for k in range(nc):
                low, high = np.inf, -np.inf
                for c in range(8):
                    x, y, z = i + (c & 1), j + ((c >> 1) & 1), k + ((c >> 2) & 1)
                    corner[c, 0], corner[c, 1], corner[c, 2] = x, y, z
                    v[c] = values[x % na, y % nb, z % nc]
                    low, high = min(low, v[c]), max(high, v[c])
                if not low <= level < high:
                    continue
                for path in range(6):
                    n_in, n_out = 0, 0
                    for c in paths[path]:
                        if v[c] > level:
                            inside[n_in] = c
                            n_in += 1
                        else:
                            outside[n_out] = c
                            n_out += 1
                    if n_in == 0 or n_out == 0:
                        continue
                    count = 2 if n_in == 2 else 1
                    if found + count <= most:
                        points = np.empty((4, 3))
                        number = 0
                        for a in inside[:n_in]:
                            for b in outside[:n_out]:
                                _crossed(corner[a], corner[b], v[a], v[b], level, points[number])
                                number += 1
                        towards = corner[inside[0]] - corner[outside[0]]
                        for triangle in range(count):
                            # four points come as (a0 b0, a0 b1, a1 b0, a1 b1): the diagonal is the middle pair
                            p, q, r = points[3 * triangle], points[1], points[2]
                            n = np.cross(q - p, r - p)
                            if np.dot(n, towards) > 0:
                                q, r = r, q
                            triangles[found + triangle, 0] = p
                            triangles[found + triangle, 1] = q
                            triangles[found + triangle, 2] = r
                    found += count
    return triangles, found


@njit(nogil=True, cache=True)
def _root(parent: Array, shift: Array, k: int) -> int:  # pragma: no cover - compiled
    """Root of a voxel, which then hangs on it directly, with its shift to the root in cells."""
    while True:
        above = parent[k]
        further = parent[above]
        if further == above:
            return int(above)
        for c in range(3):
            shift[k, c] += shift[above, c]
        parent[k] = further


@njit(nogil=True, cache=True)
def flood(
    order: Array, level: Array, shape: Array, start: int, end: int, crossed: Array
) -> float:  # pragma: no cover - compiled
    """Fill voxels in an order until start and end meet and return that level; infinity if never.

    order: numbers of the voxels that may be filled, the lowest first; level (voxels,). Without a start (-1), crossed
    (3,) is filled with the levels at which a way returns to itself in another cell along a, b, c; infinity if never.
    """
    total = shape[0] * shape[1] * shape[2]
    parent = np.full(total, -1)
    shift = np.zeros((total, 3), np.int32)
    size = np.ones(total, np.int32)
    crossed[:] = np.inf
    for u in order:
        parent[u] = u
        i, j, k = u // (shape[1] * shape[2]), (u // shape[2]) % shape[1], u % shape[2]
        for di in range(-1, 2):
            for dj in range(-1, 2):
                for dk in range(-1, 2):
                    if di == 0 and dj == 0 and dk == 0:
                        continue
                    x, y, z = i + di, j + dj, k + dk
                    cx, cy, cz = 0, 0, 0
                    if x < 0:
                        cx = -1
                    elif x >= shape[0]:
                        cx = 1
                    if y < 0:
                        cy = -1
                    elif y >= shape[1]:
                        cy = 1
                    if z < 0:
                        cz = -1
                    elif z >= shape[2]:
                        cz = 1
                    v = ((x - cx * shape[0]) * shape[1] + (y - cy * shape[1])) * shape[2] + (z - cz * shape[2])
                    if parent[v] < 0:
                        continue
                    ru, rv = _root(parent, shift, u), _root(parent, shift, v)
                    # cell of v's root as seen by u's root: two ways must agree, or the component winds round
                    a = shift[v, 0] + cx - shift[u, 0]
                    b = shift[v, 1] + cy - shift[u, 1]
                    c = shift[v, 2] + cz - shift[u, 2]
                    if ru != rv and size[ru] >= size[rv]:
                        parent[rv] = ru
                        size[ru] += size[rv]
                        shift[rv, 0], shift[rv, 1], shift[rv, 2] = -a, -b, -c
                    elif ru != rv:
                        parent[ru] = rv
                        size[rv] += size[ru]
                        shift[ru, 0], shift[ru, 1], shift[ru, 2] = a, b, c
                    else:
                        if a != 0:
                            crossed[0] = min(crossed[0], level[u])
                        if b != 0:
                            crossed[1] = min(crossed[1], level[u])
                        if c != 0:
                            crossed[2] = min(crossed[2], level[u])
        if start < 0:
            if crossed.max() < np.inf:
                break
        elif parent[start] >= 0 and parent[end] >= 0 and _root(parent, shift, start) == _root(parent, shift, end):
            return float(level[u])
    return np.inf


@njit(nogil=True, cache=True)
def cheapest_way(
    cost: Array, lengths: Array, shape: Array, start: int, end: int
) -> Array:  # pragma: no cover - compiled
    """Steps (n, 3) of the way from one voxel to another with the least sum of cost times length; cost inf: closed.

    lengths (3, 3, 3): of a step to each neighbour.
    """
    total = len(cost)
    best = np.full(total, np.inf)
    came = np.full(total, -1, np.int8)
    best[start] = 0.0
    heap = [(0.0, start)]
    while len(heap) > 0:
        spent, u = heapq.heappop(heap)
        if u == end:
            break
        if spent > best[u]:
            continue
        i, j, k = u // (shape[1] * shape[2]), (u // shape[2]) % shape[1], u % shape[2]
        for step in range(27):
            di, dj, dk = step // 9 - 1, (step // 3) % 3 - 1, step % 3 - 1
            x, y, z = (i + di) % shape[0], (j + dj) % shape[1], (k + dk) % shape[2]
            v = (x * shape[1] + y) * shape[2] + z
            if v == u or cost[v] == np.inf:
                continue
            new = spent + 0.5 * (cost[u] + cost[v]) * lengths[di + 1, dj + 1, dk + 1]
            if new < best[v]:
                best[v] = new
                came[v] = step
                heapq.heappush(heap, (new, v))
    steps = []
    at = end
    while at != start and came[at] >= 0:
        step = came[at]
        steps.append(step)
        di, dj, dk = step // 9 - 1, (step // 3) % 3 - 1, step % 3 - 1
        i, j, k = at // (shape[1] * shape[2]), (at // shape[2]) % shape[1], at % shape[2]
        at = (((i - di) % shape[0]) * shape[1] + (j - dj) % shape[1]) * shape[2] + (k - dk) % shape[2]
    found = np.empty((len(steps), 3), np.int64)
    for n in range(len(steps)):
        step = steps[len(steps) - 1 - n]
        found[n, 0], found[n, 1], found[n, 2] = step // 9 - 1, (step // 3) % 3 - 1, step % 3 - 1
    return found
