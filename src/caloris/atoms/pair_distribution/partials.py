"""g(r) of every pair of kinds of atoms or of molecules' centres, in one pass over the trajectory.

g_ab(r) = <V n_ab(r)> / (N_a N_b 4 pi r^2 dr) with the exact volume of each shell and that of the cell of each frame;
n_ab counts ordered pairs, images included, so that g of an ideal gas of N equal atoms is 1 - 1 / N.
Units: angstrom.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.pair_distribution._kernels import count_pairs
from caloris.atoms.pair_distribution.time_blocks import GROUPS, MOST, larger_error, mean_over_time, scatter_of_sites
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]

_SLAB = 64_000_000
"""Bytes of positions of a block of frames."""
_ENOUGH = 1000
"""Frames beyond which more of them hardly tell more."""
_BINS = 100_000
_ROOM = 64_000_000
"""Bytes that the surroundings of groups of sites may take."""
_VISIT = 4.0
"""Cost of looking at two small cells, over that of one distance; measured."""


@dataclass(frozen=True, eq=False, repr=False)
class PartialDistributions:
    """g(r) of every pair of kinds."""

    kinds: tuple[str, ...]
    """Elements, or formulas of molecules, of which the centre of mass counts."""
    counts: tuple[int, ...]
    """How many there are of each kind."""
    pairs: tuple[tuple[str, str], ...]
    g: sc.DataArray
    """Dimensions ``pair`` (coordinate: ``"Li-B"``) and ``r`` (bin edges, angstrom), with variances: from the scatter
    between blocks of time or between groups of sites, whichever is larger. Sites of a crystal that differ scatter,
    too; there the errors are upper bounds."""
    intramolecular: sc.DataArray
    """What of it is within molecules."""
    density: sc.Variable
    """All that is counted per mean volume, 1/angstrom^3."""
    frames: int
    """How many were used."""
    warnings: tuple[str, ...]
    blocks: Array = field(compare=False)
    """(blocks of time, 2, pairs, bins): within molecules, and all others; for what is derived, with its error."""
    neighbours: Array = field(compare=False)
    """(blocks of time, 2, pairs, bins): pairs in each bin, each counted once, per frame."""
    around: Array = field(compare=False)
    """(2, pairs, 2, groups, bins): g about groups of sites of the first kind of each pair, and of the second."""
    group_sizes: Array = field(compare=False)
    """(pairs, 2, groups): sites of each group."""

    def __repr__(self) -> str:
        r = self.g.coords["r"].values
        names = ", ".join(f"{a}-{b}" for a, b in self.pairs)
        return f"<PartialDistributions {names}: {len(r) - 1} bins to {r[-1]:g} angstrom, {self.frames} frames>"

    def row(self, a: str, b: str) -> int:
        """Return the index of a pair in ``g``, in either order."""
        for number, pair in enumerate(self.pairs):
            if pair in ((a, b), (b, a)):
                return number
        raise InputError(f"pair: no {a}-{b}; there are {', '.join('-'.join(pair) for pair in self.pairs)}")

    def site_error(self, row: int, transformed: Array) -> Array:
        """Return the error from the scatter of sites, of what was derived from ``around[..., row, :, :, :]``.

        Parameters
        ----------
        row:
            Number of the pair.
        transformed:
            (2, groups, ...), about groups of the first kind, and of the second.

        Returns
        -------
        :
            As :func:`scatter_of_sites` gives it.
        """
        first, second = self.group_sizes[row]
        a, b = self.pairs[row]
        return scatter_of_sites((transformed[0], transformed[1]), (first, second), like=a == b)


@dataclass(frozen=True, eq=False)
class Sites:
    """What distances are taken between."""

    names: tuple[str, ...]
    atoms: Indices
    """(A,) all atoms that are read."""
    weights: Array
    """(A,) of each atom in its site, sum 1 for each."""
    starts: Indices
    """(S,) where the atoms of each site begin."""
    kinds: Indices
    """(S,) number of the name."""
    molecules: Indices
    """(S,)"""
    groups: Indices
    """(S,) of sites of a kind, whole molecules, at random."""

    @property
    def counts(self) -> tuple[int, ...]:
        """How many sites of each name."""
        return tuple(np.bincount(self.kinds, minlength=len(self.names)).tolist())


def partial_distributions(
    trajectory: Trajectory,
    kinds: Sequence[str] | None = None,
    *,
    longest: Quantity = "10 angstrom",
    width: Quantity = "0.05 angstrom",
    every: int | None = None,
    unlike_only: bool = False,
    progress: Progress | None = None,
) -> PartialDistributions:
    """Return g(r) of every pair of kinds.

    Parameters
    ----------
    trajectory:
        Cells of any shape, that may change in time.
    kinds:
        Elements, or formulas of molecules, which stand for their centre of mass; by default all elements.
    longest:
        Longest distance. Beyond half of the cell images are counted too; that is said in a warning.
    width:
        Of a bin.
    every:
        Take every so manieth frame; by default so many that 1000 frames are used at most.
    unlike_only:
        Count pairs of different kinds only, which is faster; g of equal ones is 0 then.
    progress:
        Called with the part that is done.

    Returns
    -------
    :
        g(r) with errors from blocks of time and groups of sites.

    Raises
    ------
    InputError
        If there is no such kind, or the options make no bins.
    """
    sites = sites_of(trajectory, list(dict.fromkeys(trajectory.symbols)) if kinds is None else kinds)
    last, step = (
        magnitude(value, "angstrom", name, positive=True) for value, name in ((longest, "longest"), (width, "width"))
    )
    bins = round(last / step)
    if not 1 <= bins <= _BINS:
        raise InputError(f"width: {step:g} angstrom up to {last:g} angstrom makes {bins} bins, expected 1 to {_BINS}")
    stride = max(1, -(-len(trajectory) // _ENOUGH)) if every is None else every
    if isinstance(stride, bool) or not isinstance(stride, int | np.integer) or stride < 1:
        raise InputError(f"every: expected a whole number from 1, got {every!r}")
    chosen = np.arange(0, len(trajectory), stride)
    wanted = ~np.eye(len(sites.names), dtype=bool) | (not unlike_only)
    counted = _histograms(trajectory, sites, chosen, step * np.arange(bins + 1), wanted, progress)
    return _distributions(trajectory, sites, counted, step * np.arange(bins + 1), len(chosen))


def sites_of(trajectory: Trajectory, kinds: Sequence[str]) -> Sites:
    """Return the sites of kinds, elements or formulas of molecules; an error if an atom is in two of them."""
    if isinstance(kinds, str) or not all(isinstance(kind, str) for kind in kinds) or not kinds:
        raise InputError(f"kinds: expected elements or formulas, for example ['Li', 'B12H12'], got {kinds!r}")
    names = tuple(dict.fromkeys(kinds))
    masses = trajectory.masses.values
    groups: list[Indices] = []
    labels: list[int] = []
    for number, name in enumerate(names):
        element = np.flatnonzero(np.array(trajectory.symbols) == name)[:, None]
        found = element if len(element) else trajectory.molecules_of(name)
        groups += list(found)
        labels += [number] * len(found)
    atoms = np.concatenate(groups)
    if len(np.unique(atoms)) < len(atoms):
        raise InputError(f"kinds: {', '.join(names)} share atoms; give elements, or molecules, that do not overlap")
    sizes = np.array([len(group) for group in groups])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    whole = np.add.reduceat(masses[atoms], starts)
    kind_of = np.array(labels)
    molecules = np.array([trajectory.molecules[group[0]] for group in groups])
    return Sites(
        names=names,
        atoms=atoms,
        weights=masses[atoms] / np.repeat(whole, sizes),
        starts=starts,
        kinds=kind_of,
        molecules=molecules,
        groups=_groups(kind_of, molecules),
    )


def _groups(kinds: Indices, molecules: Indices) -> Indices:
    """Number of the group of each site: molecules of a kind dealt out at random, so that no order is in it."""
    rng = np.random.default_rng(1)
    found = np.zeros(len(kinds), dtype=np.int64)
    for kind in range(int(kinds.max()) + 1):
        own = kinds == kind
        which, member = np.unique(molecules[own], return_inverse=True)
        found[own] = rng.permutation(len(which))[member] * min(GROUPS, len(which)) // len(which)
    return found


def _histograms(
    trajectory: Trajectory,
    sites: Sites,
    chosen: Indices,
    edges: Array,
    wanted: npt.NDArray[np.bool_],
    progress: Progress | None,
) -> tuple[Array, Array]:
    """(blocks of time, 2, 2, K, K, bins): counts times the volume and counts, and what surrounds groups of sites."""
    number, bins = len(sites.names), len(edges) - 1
    owner = np.arange(len(chosen)) * min(MOST, len(chosen)) // len(chosen)
    cells = np.asarray(trajectory.cell.values)
    groups = GROUPS if 16 * number**2 * GROUPS * bins <= _ROOM else 1
    labels = sites.groups if groups > 1 else np.zeros_like(sites.groups)

    def task(part: Indices) -> tuple[dict[int, Array], Array]:
        frames = chosen[part]
        x = trajectory.read("position", sites.atoms, slice(int(frames[0]), int(frames[-1]) + 1))[frames - frames[0]]
        found: dict[int, Array] = {}
        around = np.zeros((2, number, number, groups, bins))
        for k, frame in enumerate(frames.tolist()):
            counts = np.zeros((2, number, number, bins), dtype=np.int64)
            _count(x[k], sites, labels, cells[frame], edges, wanted, counts, around)
            block = int(owner[part[k]])
            found[block] = found.get(block, 0.0) + np.stack([counts * abs(float(np.linalg.det(cells[frame]))), counts])
        return found, around

    total = np.zeros((owner[-1] + 1, 2, 2, number, number, bins))
    surroundings = np.zeros((2, number, number, groups, bins))
    slabs = list(_slabs(chosen, len(sites.atoms)))
    for found, around in map_blocks(task, slabs, progress=progress, title="pair distribution"):
        for block, counts in found.items():
            total[block] += counts
        surroundings += around
    return total / np.bincount(owner).reshape(-1, 1, 1, 1, 1, 1), surroundings / len(chosen)


def _slabs(chosen: Indices, atoms: int) -> Iterator[Indices]:
    """Numbers of frames that are read at once: memory allows them, and there are a few slabs for the cores."""
    stride = int(chosen[1] - chosen[0]) if len(chosen) > 1 else 1
    most = max(1, min(_SLAB // (24 * atoms * stride), -(-len(chosen) // 4)))
    for start in range(0, len(chosen), most):
        yield np.arange(start, min(start + most, len(chosen)))


def _count(
    x: Array,
    sites: Sites,
    groups: Indices,
    cell: Array,
    edges: Array,
    wanted: npt.NDArray[np.bool_],
    counts: Indices,
    around: Array,
) -> None:
    """Pairs of one frame."""
    positions = x.astype(np.float64)
    if len(sites.starts) < len(sites.atoms):
        positions = np.add.reduceat(positions * sites.weights[:, None], sites.starts, axis=0)
    last = float(edges[-1])
    grid, reach = _grid(cell_heights(cell), last, len(positions))
    fractional = positions @ np.linalg.inv(cell)
    volume = abs(float(np.linalg.det(cell)))
    count_pairs(
        fractional,
        cell,
        sites.kinds,
        sites.molecules,
        grid,
        reach,
        last,
        1 / edges[1],
        wanted,
        groups,
        volume,
        counts,
        around,
    )


def _grid(heights: Array, last: float, sites: int) -> tuple[Indices, Indices]:
    """How many small cells along each vector, and how many of them the longest distance spans: the cheapest."""
    best, least = None, math.inf
    for span in range(1, 7):
        grid = np.maximum(1, span * heights / last).astype(np.int64)
        reach = np.ceil(last * grid / heights - 1e-12).astype(np.int64)
        scanned = float(np.prod((2 * reach + 1) / grid))  # of all pairs
        cost = sites**2 * scanned + _VISIT * float(np.prod(grid * (2 * reach + 1)))
        if cost < least:
            best, least = (grid, reach), cost
    assert best is not None  # six were tried
    return best


def cell_heights(cell: Array) -> Array:
    """Return the distances between opposite faces of a cell, (3,)."""
    volume = abs(float(np.linalg.det(cell)))
    faces = np.cross(np.roll(cell, -1, axis=0), np.roll(cell, -2, axis=0))
    return np.asarray(volume / np.linalg.norm(faces, axis=1))


def _distributions(
    trajectory: Trajectory, sites: Sites, counted: tuple[Array, Array], edges: Array, frames: int
) -> PartialDistributions:
    numbers = sites.counts
    shells = 4 / 3 * math.pi * np.diff(edges**3)
    counts, surroundings = counted
    members = np.zeros((len(numbers), surroundings.shape[3]))
    for kind, group in zip(sites.kinds.tolist(), sites.groups.tolist(), strict=True):
        members[kind, group if members.shape[1] > 1 else 0] += 1
    kinds = [(a, b) for a in range(len(numbers)) for b in range(a, len(numbers))]
    first, second = np.array(kinds).T
    ordered = np.where(first == second, 2, 1) / (np.array(numbers)[first] * np.array(numbers)[second])
    neighbours = counts[:, 1][:, :, first, second]
    blocks = counts[:, 0][:, :, first, second] * ordered[:, None] / shells
    sizes = np.stack([members[first], members[second]], axis=1)
    others = np.stack([np.array(numbers)[second], np.array(numbers)[first]], axis=1)[:, :, None]
    around = np.stack([surroundings[:, first, second], surroundings[:, second, first]], axis=2)
    around = around / (np.maximum(sizes * others, 1)[..., None] * shells)
    found = PartialDistributions(
        kinds=sites.names,
        counts=numbers,
        pairs=tuple((sites.names[a], sites.names[b]) for a, b in kinds),
        g=sc.DataArray(sc.scalar(0.0)),
        intramolecular=sc.DataArray(sc.scalar(0.0)),
        density=sc.scalar(sum(numbers) / float(trajectory.volume.values.mean()), unit="1/angstrom^3"),
        frames=frames,
        warnings=_warnings(trajectory, edges, len(blocks), frames, sizes),
        blocks=blocks,
        neighbours=neighbours,
        around=around,
        group_sizes=sizes,
    )
    return replace(
        found,
        g=_curves(found, blocks.sum(axis=1), around.sum(axis=0), edges, "pair distribution"),
        intramolecular=_curves(found, blocks[:, 0], around[0], edges, "within molecules"),
    )


def _warnings(trajectory: Trajectory, edges: Array, blocks: int, frames: int, sizes: Array) -> tuple[str, ...]:
    warnings = []
    half = 0.5 * float(min(cell_heights(cell).min() for cell in np.asarray(trajectory.cell.values)))
    if edges[-1] > half * (1 + 1e-9):
        warnings.append(f"beyond {half:.3g} angstrom, half of the cell, atoms are counted with their own images")
    if blocks < 8:
        warnings.append(f"{frames} frames only; errors are rough")
    if ((sizes > 0).sum(axis=2).max(axis=1) < 2).any():
        warnings.append("errors are from time alone, as sites are too few or bins too many: too small if nothing moves")
    return tuple(warnings)


def _curves(found: PartialDistributions, blocks: Array, around: Array, edges: Array, name: str) -> sc.DataArray:
    mean, error = mean_over_time(blocks)
    error = larger_error(error, np.stack([found.site_error(row, around[row]) for row in range(len(found.pairs))]))
    return sc.DataArray(
        sc.array(dims=["pair", "r"], values=mean, variances=None if error is None else error**2),
        coords={
            "pair": sc.array(dims=["pair"], values=[f"{a}-{b}" for a, b in found.pairs]),
            "r": sc.array(dims=["r"], values=edges, unit="angstrom"),
        },
        name=name,
    )
