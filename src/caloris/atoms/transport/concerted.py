"""Jumps that ions make together: more pairs of near jumps within a short time than independent ions would make.

Pairs of jumps of different ions are counted of which the middles are within a distance of each other, and pairs of
which one ends at the site where the other begins (links of a string). By chance, a share P of the pairs at any two
times of the run falls into the window; excess = counted / (P all) - 1. Units: ps, angstrom.
Sources: strings: Donati et al., Phys. Rev. Lett. 80, 2338 (1998); error of a sum over pairs: Efron and Stein,
Ann. Stat. 9, 586 (1981).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.segments import Indices
from caloris.atoms.transport._kernels import pairs_within
from caloris.atoms.transport.independence import grouped
from caloris.atoms.transport.jump_events import JumpEvents
from caloris.atoms.transport.jumps import Jumps
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]

_GROUPS = 20
"""Most groups of ions that are left out one at a time for errors."""
_FEW = 10
"""Fewer pairs expected by chance make the excess rough."""


@dataclass(frozen=True)
class ConcertedJumps:
    """How much more often ions jump together than by chance."""

    excess: sc.Variable
    """Of pairs of near jumps over chance, with variance: 0 for independent ions, 1 for twice as many."""
    counted: int
    """Pairs of near jumps within the window."""
    expected: float
    """By chance."""
    string_excess: sc.Variable
    """Of pairs of which one ends where the other begins, over chance, with variance; NaN if there never are any."""
    strings: int
    """How many of those were counted."""
    window: sc.Variable
    """ps."""
    distance: sc.Variable
    """angstrom."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        error = math.sqrt(self.excess.variance)
        return (
            f"<ConcertedJumps: {self.counted} pairs within {self.window.value:g} ps and {self.distance.value:g} "
            f"angstrom, {self.expected:.3g} by chance; excess {self.excess.value:.2g} +- {error:.1g}>"
        )


def concerted_jumps(jumps: Jumps, *, window: Quantity, distance: Quantity) -> ConcertedJumps:
    """Compare how often neighbours jump together with how often they would by chance.

    Parameters
    ----------
    jumps:
        Of :func:`follow_jumps`.
    window:
        Longest time between two jumps; it is rounded to whole frames.
    distance:
        Largest distance between their middles, up to half of the smallest width of the cell.

    Returns
    -------
    :
        The excess over chance, with the error from leaving out groups of ions, at least that of counting.

    Raises
    ------
    InputError
        If there are fewer than 2 ions or jumps, or the distance is more than half of the cell.

    Source
    ------
    Donati et al., Phys. Rev. Lett. 80, 2338 (1998), for strings.
    """
    events = jumps.events
    near = magnitude(distance, "angstrom", "distance", positive=True)
    steps = round(magnitude(window, "ps", "window") / events.step)
    half = float(1 / np.linalg.norm(np.linalg.inv(events.sites.cell), axis=0).max() / 2)
    if near > half:
        raise InputError(f"distance: {near:g} angstrom is beyond half of the smallest width of the cell, {half:.4g}")
    frames = round(events.duration / events.step)
    if not 0 <= steps < frames:
        raise InputError(f"window: expected from 0 to {events.duration:g} ps")
    if events.ions < 2 or len(events) < 2:
        raise InputError(f"jumps: {len(events)} jumps of {events.ions} ions; pairs need two of each")
    owner = grouped(events.units, _GROUPS)
    group = owner[events.ion]
    where = _middles(events)
    order = np.argsort(events.time, kind="stable")
    frame = np.round(events.time / events.step - 0.5).astype(np.int64)
    ends = np.stack([events.origin, events.destination], axis=1).astype(np.int64)
    together = pairs_within(
        frame[order], events.ion[order], group[order], where[order], ends[order], events.sites.cell, steps, near
    )
    away = np.arange(-steps, steps + 1)
    chance = float(np.sum(frames - np.abs(away))) / frames**2
    expected = [chance * x for x in (_near_pairs(events, owner, where, near), _links(events, owner))]
    (excess, error), (string, string_error) = (_excess(a, b) for a, b in zip(together, expected, strict=True))
    return ConcertedJumps(
        excess=sc.scalar(excess, variance=error**2),
        counted=int(together[0].sum()),
        expected=float(expected[0].sum()),
        string_excess=sc.scalar(string, variance=string_error**2),
        strings=int(together[1].sum()),
        window=sc.scalar(steps * events.step, unit="ps"),
        distance=sc.scalar(near, unit="angstrom"),
        warnings=_doubts(float(expected[0].sum())),
    )


def _middles(events: JumpEvents) -> Array:
    """Fractional coordinates half way between two sites."""
    return np.asarray(events.sites.fractional[events.origin] + 0.5 * events.vector @ np.linalg.inv(events.sites.cell))


def _near_pairs(events: JumpEvents, owner: Indices, where: Array, near: float) -> Array:
    """Pairs of near jumps of different ions at any two times, (groups, groups), each pair once on either side of it."""
    from scipy.sparse import coo_array

    wrapped = np.round((where - np.floor(where)) * 2**20).astype(np.int64) % 2**20
    points, kind = np.unique(wrapped, axis=0, return_inverse=True)
    neighbours = _neighbours(points / 2**20, events.sites.cell, near)
    shape = len(points)
    ones = np.ones(len(events))
    by_ion = coo_array((ones, (events.ion, kind)), shape=(events.ions, shape)).tocsr()
    by_group = coo_array((ones, (owner[events.ion], kind)), shape=(int(owner[events.ion].max()) + 1, shape)).tocsr()
    pairs = (by_group @ neighbours @ by_group.T).toarray()
    alone = (by_ion @ neighbours).multiply(by_ion).sum(axis=1)
    own = np.bincount(owner, weights=np.asarray(alone).ravel(), minlength=len(pairs))
    pairs -= np.diag(own[: len(pairs)])  # later groups never jumped
    return np.asarray(pairs / 2)  # (i, j) and (j, i) are one pair


def _neighbours(points: Array, cell: Array, near: float) -> Any:
    """Sparse (points, points): 1 where the nearest images are within a distance."""
    from scipy.sparse import coo_array
    from scipy.spatial import cKDTree

    images = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    everywhere = (points[None] + images[:, None]).reshape(-1, 3) @ cell
    found = cKDTree(points @ cell).query_ball_tree(cKDTree(everywhere), near)
    rows = np.repeat(np.arange(len(points)), [len(x) for x in found])
    columns = np.concatenate([np.array(x, dtype=int) for x in found]) % len(points)
    matrix = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(points),) * 2).tocsr()
    matrix.data[:] = 1.0  # at half the cell two images may be as near
    return matrix


def _links(events: JumpEvents, owner: Indices) -> Array:
    """Pairs at any two times of which one ends where the other begins, by groups of ions."""
    from scipy.sparse import coo_array

    def counts(owner: Indices, site: Indices, owners: int) -> Any:
        return coo_array((np.ones(len(site)), (owner, site)), shape=(owners, len(events.sites))).tocsr()

    group = owner[events.ion]
    groups = int(group.max()) + 1
    pairs = (counts(group, events.destination, groups) @ counts(group, events.origin, groups).T).toarray()
    own = counts(events.ion, events.destination, events.ions).multiply(counts(events.ion, events.origin, events.ions))
    alone = np.bincount(owner, weights=np.asarray(own.sum(axis=1)).ravel(), minlength=groups)
    pairs -= np.diag(alone[:groups])  # later groups never jumped
    return np.asarray(pairs)


def _excess(counted: Array, expected: Array) -> tuple[float, float]:
    """Excess and its error, from leaving out all pairs that a group of ions has part in."""
    if expected.sum() <= 0:
        return math.nan, math.nan
    value = counted.sum() / expected.sum()
    counting = math.sqrt(max(counted.sum(), 1.0)) / expected.sum()

    def without(pairs: Array) -> Array:
        return np.asarray(pairs.sum() - pairs.sum(axis=0) - pairs.sum(axis=1) + np.diag(pairs))

    left = without(expected)
    if np.any(left <= 0):
        return float(value - 1), counting
    parts = without(counted) / left
    scatter = (len(parts) - 1) * float(np.var(parts))
    # leaving out both ions of a pair counts the part of each pair alone twice: Efron and Stein (1981)
    return float(value - 1), math.sqrt(max(counting**2, scatter - counting**2))


def _doubts(expected: float) -> tuple[str, ...]:
    if expected >= _FEW:
        return ()
    return (f"Only {expected:.2g} pairs are expected by chance: the excess is rough; run longer or widen the window.",)
