"""How many rotations exchange the equal atoms of a molecule, found in its mean geometry. Angstrom."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


def proper_rotations(positions: Array, symbols: Sequence[str], *, tolerance: float = 0.3) -> Array:
    """Return the rotations that bring a molecule onto itself, atoms of one element being equal.

    Parameters
    ----------
    positions:
        (n, 3), angstrom, about the centre; not linear.
    symbols:
        Elements.
    tolerance:
        How far from its place an atom may be, angstrom.

    Returns
    -------
    :
        (order of the group, 3, 3).

    Examples
    --------
    >>> h = 0.6 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])
    >>> len(proper_rotations(np.vstack([[0, 0, 0], h]), ["N", "H", "H", "H", "H"]))
    12
    """
    x, kinds = np.asarray(positions, dtype=np.float64), np.asarray(symbols)
    i, j = _pair(x, kinds, tolerance)
    own = _frame(x[i], x[j])
    same = kinds[:, None] == kinds
    lengths = np.linalg.norm(x, axis=1)
    found = []
    for k in np.flatnonzero((kinds == kinds[i]) & (np.abs(lengths - lengths[i]) < tolerance)):
        for m in np.flatnonzero((kinds == kinds[j]) & (np.abs(lengths - lengths[j]) < tolerance)):
            if k == m or abs(np.linalg.norm(x[k] - x[m]) - np.linalg.norm(x[i] - x[j])) > 2 * tolerance:
                continue
            rotation = _frame(x[k], x[m]) @ own.T
            away = np.linalg.norm((x @ rotation.T)[:, None] - x, axis=2)
            away[~same] = np.inf
            image = away.argmin(axis=1)
            if away.min(axis=1).max() < tolerance and len(set(image.tolist())) == len(x):
                found.append(rotation)
    return np.array(found)


def symmetry_number(positions: Array, symbols: Sequence[str], *, linear: bool, tolerance: float = 0.3) -> int:
    """Return the symmetry number of a molecule; parameters as for :func:`proper_rotations`.

    Examples
    --------
    >>> symmetry_number(np.array([[0, 0, 0.55], [0, 0, -0.55]]), ["N", "N"], linear=True)
    2
    """
    if len(symbols) == 1:
        return 1
    if not linear:
        return len(proper_rotations(positions, symbols, tolerance=tolerance))
    away = np.linalg.norm(positions[:, None] + positions, axis=2)
    away[np.asarray(symbols)[:, None] != np.asarray(symbols)] = np.inf
    return 2 if away.min(axis=1).max() < tolerance else 1


def _pair(x: Array, kinds: npt.NDArray[Any], tolerance: float) -> tuple[int, int]:
    """Two atoms that span a plane with the centre, of elements that are few."""
    counts = np.array([(kinds == kind).sum() for kind in kinds])
    area = np.linalg.norm(np.cross(x[:, None], x), axis=2)
    cost = np.where(area > 0.3 * area.max(), counts[:, None] * counts, np.iinfo(np.int64).max)
    i, j = np.unravel_index(int(cost.argmin()), cost.shape)
    return int(i), int(j)


def _frame(a: Array, b: Array) -> Array:
    """Right-handed frame of two vectors, columns."""
    first = a / np.linalg.norm(a)
    third = np.cross(a, b)
    third = third / np.linalg.norm(third)
    return np.stack([first, np.cross(third, first), third], axis=1)
