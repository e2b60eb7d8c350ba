"""Kernels of reading: arrays in, arrays out, no units but those of the caller."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Arrays = npt.NDArray[Any]


@njit(nogil=True, cache=True)
def paths_in_frame(positions: Arrays, turn: Arrays, shift: Arrays) -> Arrays:  # pragma: no cover
    """Positions (T, n, 3) times turn (T, 3, 3) less shift (T, 3), as (n, 3, T)."""
    frames, atoms, _ = positions.shape
    out = np.empty((atoms, 3, frames))
    for begin in range(0, frames, 32):  # tiles, so that both sides of the transposition stay in the cache
        end = min(begin + 32, frames)
        for a in range(atoms):
            for t in range(begin, end):
                x = np.float64(positions[t, a, 0])
                y = np.float64(positions[t, a, 1])
                z = np.float64(positions[t, a, 2])
                for c in range(3):
                    out[a, c, t] = x * turn[t, 0, c] + y * turn[t, 1, c] + z * turn[t, 2, c] - shift[t, c]
    return out


@njit(nogil=True, cache=True)
def weighted_sum(positions: Arrays, weights: Arrays) -> Arrays:  # pragma: no cover
    """Sum over atoms of weight times position, (T, n, 3) and (n,) to (T, 3)."""
    frames, atoms, _ = positions.shape
    out = np.zeros((frames, 3))
    for t in range(frames):
        x = y = z = 0.0
        for a in range(atoms):
            w = weights[a]
            x += w * positions[t, a, 0]
            y += w * positions[t, a, 1]
            z += w * positions[t, a, 2]
        out[t, 0], out[t, 1], out[t, 2] = x, y, z
    return out
