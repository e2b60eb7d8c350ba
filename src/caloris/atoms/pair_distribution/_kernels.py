"""Histogram of distances in a periodic cell of any shape, by a grid of small cells; arrays in, arrays out."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.integer[Any]]


@njit(nogil=True, cache=True)
def count_pairs(
    fractional: Array,
    cell: Array,
    kinds: Indices,
    molecules: Indices,
    grid: Indices,
    reach: Indices,
    longest: float,
    per_angstrom: float,
    wanted: npt.NDArray[np.bool_],
    groups: Indices,
    weight: float,
    counts: Indices,
    around: Array,
) -> None:
    """Add every pair (and every pair with an image) nearer than ``longest`` once to ``counts``.

    ``fractional``: (N, 3), not wrapped; ``kinds``, ``molecules``: (N,); ``grid``: how many small cells along
    each vector; ``reach``: how many of them ``longest`` spans; ``wanted``: (K, K), which pairs count;
    ``groups``: (N,) number of the group of each; ``counts``: (2, K, K, bins), [0] pairs within a molecule
    that are bonded to one another rather than to an image, [1] all others, at [smaller, larger kind]; ``around``:
    (2, K, K, groups, bins), to which ``weight`` is added for each neighbour [of the second kind] of a group [of the
    first kind].
    """
    atoms = len(fractional)
    total = grid[0] * grid[1] * grid[2]
    first = np.zeros(total + 1, dtype=np.int64)
    place = np.empty(atoms, dtype=np.int64)
    image = np.empty((atoms, 3), dtype=np.int64)
    for i in range(atoms):
        where = 0
        for c in range(3):
            whole = int(np.floor(fractional[i, c]))
            part = fractional[i, c] - whole
            k = min(int(part * grid[c]), grid[c] - 1)
            where = where * grid[c] + k
            image[i, c] = whole
        place[i] = where
        first[where + 1] += 1
    for k in range(total):
        first[k + 1] += first[k]
    fill = first[:-1].copy()
    x = np.empty((atoms, 3))
    kind = np.empty(atoms, dtype=np.int64)
    molecule = np.empty(atoms, dtype=np.int64)
    group = np.empty(atoms, dtype=np.int64)
    turn = np.empty((atoms, 3), dtype=np.int64)
    for i in range(atoms):
        k = fill[place[i]]
        fill[place[i]] += 1
        kind[k], molecule[k], group[k] = kinds[i], molecules[i], groups[i]
        for c in range(3):
            turn[k, c] = image[i, c]
            x[k, c] = 0.0
            for d in range(3):
                x[k, c] += (fractional[i, d] - image[i, d]) * cell[d, c]
    limit = longest * longest
    bins = counts.shape[3]
    for a in range(grid[0]):
        for b in range(grid[1]):
            for c in range(grid[2]):
                here = (a * grid[1] + b) * grid[2] + c
                if first[here] == first[here + 1]:
                    continue
                for da in range(0, reach[0] + 1):
                    for db in range(-reach[1] if da > 0 else 0, reach[1] + 1):
                        for dc in range(-reach[2] if da > 0 or db > 0 else 0, reach[2] + 1):
                            na, nb, nc = a + da, b + db, c + dc
                            sa, sb, sc = na // grid[0], nb // grid[1], nc // grid[2]
                            there = ((na - sa * grid[0]) * grid[1] + nb - sb * grid[1]) * grid[2] + nc - sc * grid[2]
                            if first[there] == first[there + 1]:
                                continue
                            s0 = sa * cell[0, 0] + sb * cell[1, 0] + sc * cell[2, 0]
                            s1 = sa * cell[0, 1] + sb * cell[1, 1] + sc * cell[2, 1]
                            s2 = sa * cell[0, 2] + sb * cell[1, 2] + sc * cell[2, 2]
                            own = da == 0 and db == 0 and dc == 0
                            for i in range(first[here], first[here + 1]):
                                x0, x1, x2 = x[i, 0] - s0, x[i, 1] - s1, x[i, 2] - s2
                                partners = wanted[kind[i]]
                                for j in range(i + 1 if own else first[there], first[there + 1]):
                                    if not partners[kind[j]]:
                                        continue
                                    d0, d1, d2 = x[j, 0] - x0, x[j, 1] - x1, x[j, 2] - x2
                                    square = d0 * d0 + d1 * d1 + d2 * d2
                                    if square >= limit:
                                        continue
                                    n = min(int(np.sqrt(square) * per_angstrom), bins - 1)
                                    low, high = min(kind[i], kind[j]), max(kind[i], kind[j])
                                    apart = 1
                                    if (
                                        molecule[i] == molecule[j]
                                        and sa == turn[j, 0] - turn[i, 0]
                                        and sb == turn[j, 1] - turn[i, 1]
                                        and sc == turn[j, 2] - turn[i, 2]
                                    ):
                                        apart = 0
                                    counts[apart, low, high, n] += 1
                                    around[apart, kind[i], kind[j], group[i], n] += weight
                                    around[apart, kind[j], kind[i], group[j], n] += weight
