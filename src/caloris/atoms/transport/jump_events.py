"""From paths to jumps: the site of every ion in every frame, every jump, and the sums that averages are made of.

An ion belongs to the site whose core it entered last; it has jumped when it enters the core of another, so that
vibrations and attempts that fail are no jumps. Units: angstrom, ps.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.reference_frame import ReferenceFrame, batches, paths, reference_frame
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory
from caloris.atoms.transport._kernels import site_visits
from caloris.atoms.transport.displacements import square_displacements
from caloris.atoms.transport.independence import independent_units
from caloris.atoms.transport.sites import Sites

Array = npt.NDArray[np.floating[Any]]

_MOST_BOXES = 96
"""Along an axis of the grid that sites are looked up in."""


@dataclass(frozen=True, eq=False, repr=False)
class JumpEvents:
    """Every jump, in the order of ions."""

    ion: Indices
    """Index among the ions that were followed."""
    time: Array
    """Half way between the last frame before the new core and the first in it, ps from the first frame."""
    origin: Indices
    """Site."""
    destination: Indices
    """Site."""
    vector: Array
    """(jumps, 3), from site to site in the mean cell, angstrom."""
    ions: int
    """How many were followed."""
    duration: float
    """How long, ps."""
    step: float
    """Distance of frames, ps."""
    sites: Sites
    units: Indices
    """(ions,), number of the molecule that each ion belongs to; without bonds every ion is its own."""

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        return f"<JumpEvents: {len(self)} jumps of {self.ions} ions in {self.duration:g} ps>"


@dataclass(frozen=True, eq=False)
class Parts:
    """What was summed."""

    units: Array
    """Ions times stretches."""
    frames: Array
    """(kinds,), watched at sites of each kind."""
    jumps: Array
    """(kinds, kinds), from and to."""
    square_length: Array
    cosine: Array
    """Of angles between successive jumps."""
    successions: Array
    """How many of those."""
    square_displacement: Array
    """(lags,), of the paths from site to site."""

    @classmethod
    def of(cls, values: Array, kinds: int) -> "Parts":
        """Split (quantities, ...) into what it holds."""
        k = kinds
        jumps = values[1 + k : 1 + k + k * k].reshape(k, k, *values.shape[1:])
        rest = values[1 + k + k * k :]
        return cls(values[0], values[1 : 1 + k], jumps, rest[0], rest[1], rest[2], rest[3:])


@dataclass(frozen=True, eq=False)
class _Found:
    """What one block of ions did."""

    events: tuple[Any, ...]
    """Ion, frame, origin, destination, vector."""
    sums: Array
    """(quantities, ions, parts): see :class:`Parts`."""
    inside: int


def follow(
    trajectory: Trajectory,
    ions: Indices,
    sites: Sites,
    core: Array,
    parts: int,
    *,
    progress: Progress | None = None,
    scheduler: str | None = None,
) -> tuple[JumpEvents, Array, float]:
    """Follow ions from core to core.

    Parameters
    ----------
    trajectory, ions, sites:
        Whose paths, and between what.
    core:
        Radius of each site, angstrom.
    parts:
        Stretches of time that sums are kept apart for.
    progress, scheduler:
        As for :func:`caloris.atoms.parallel.map_blocks`.

    Returns
    -------
    :
        Jumps; sums (quantities, ions, parts), see :class:`Parts`; share of all positions that are in a core.
    """
    kinds = tuple(dict.fromkeys(sites.kinds))
    of_site = np.array([kinds.index(kind) for kind in sites.kinds])
    task = partial(
        _block, trajectory, reference_frame(trajectory), sites, _boxes(sites, float(core.max())), core, of_site, parts
    )
    blocks = batches(trajectory, ions, copies=10)
    found = list(map_blocks(task, blocks, progress=progress, title="jumps", scheduler=scheduler))
    in_core = sum(item.inside for item in found) / (len(ions) * len(trajectory))
    events = _events(found, [len(block) for block in blocks], trajectory, sites, independent_units(trajectory, ions))
    return events, np.concatenate([item.sums for item in found], axis=1), in_core


def _block(
    trajectory: Trajectory,
    frame: ReferenceFrame,
    sites: Sites,
    boxes: tuple[Indices, Indices, Indices],
    core: Array,
    of_site: Indices,
    parts: int,
    block: Indices,
) -> _Found:
    path = paths(trajectory, block, frame)
    fractional = np.ascontiguousarray(np.einsum("cj,nct->njt", np.linalg.inv(frame.mean_cell), path))
    site, image, inside = site_visits(fractional, sites.fractional, frame.mean_cell, *boxes, core)
    at = np.einsum("ntc,cj->njt", sites.fractional[site] + image, frame.mean_cell)
    known = site >= 0
    moved = known[:, :-1] & ((site[:, 1:] != site[:, :-1]) | np.any(image[:, 1:] != image[:, :-1], axis=2))
    ion, last = np.nonzero(moved)
    vector = at[ion, :, last + 1] - at[ion, :, last]
    events = ion, last, site[ion, last], site[ion, last + 1], vector
    _fill(at, known)
    return _Found(events, _sums(events, site, at, of_site, parts), inside)


def _fill(at: Array, known: npt.NDArray[np.bool_]) -> None:
    """Before its first core an ion is taken to be at that site."""
    for row, first in enumerate(np.argmax(known, axis=1)):
        at[row, :, :first] = at[row, :, first, None] if known[row].any() else 0.0


def _sums(events: tuple[Any, ...], site: Indices, at: Array, of_site: Indices, parts: int) -> Array:
    """(quantities, ions, parts), as :class:`Parts` has it."""
    ion, last, origin, destination, vector = events
    ions, frames = site.shape
    kinds, length = int(of_site.max()) + 1, frames // parts
    part = np.minimum(last // length, parts - 1)
    lags = length // 4 + 1
    out = np.zeros((1 + kinds + kinds**2 + 3 + lags, ions, parts))
    out[0] = 1.0
    kind = np.where(site >= 0, of_site[site], -1)[:, :-1]  # a frame is watched until the next
    stretch = np.minimum(np.arange(frames - 1) // length, parts - 1)
    for k in range(kinds):
        for p in range(parts):
            out[1 + k, :, p] = np.count_nonzero(kind[:, stretch == p] == k, axis=1)
    np.add.at(out, (1 + kinds + of_site[origin] * kinds + of_site[destination], ion, part), 1.0)
    square = (vector**2).sum(axis=1)
    base = 1 + kinds + kinds**2
    np.add.at(out, (base, ion, part), square)
    follows = np.flatnonzero(ion[1:] == ion[:-1])
    cosine = (vector[follows] * vector[follows + 1]).sum(axis=1) / np.sqrt(square[follows] * square[follows + 1])
    np.add.at(out, (base + 1, ion[follows], part[follows]), cosine)
    np.add.at(out, (base + 2, ion[follows], part[follows]), 1.0)
    for p in range(parts):
        out[base + 3 :, :, p] = square_displacements(at[..., p * length : (p + 1) * length], lags).T
    return out


def _boxes(sites: Sites, core: float) -> tuple[Indices, Indices, Indices]:
    """Sites whose core may reach into each box of a grid: starts of their lists, the lists, the shape of the grid."""
    heights = 1 / np.linalg.norm(np.linalg.inv(sites.cell), axis=0)
    shape = np.clip(heights / core, 1, _MOST_BOXES).astype(np.int64)
    box = sites.cell / shape[:, None]
    corners = np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3) @ box
    diagonal = np.linalg.norm(corners[:, None] - corners[None], axis=-1).max()
    reach = np.ceil((core + diagonal) * shape / heights).astype(int)
    offsets = np.stack(np.meshgrid(*[np.arange(-r, r + 1) for r in reach], indexing="ij"), axis=-1).reshape(-1, 3)
    offsets = offsets[np.linalg.norm(offsets @ box, axis=1) <= core + diagonal]
    own = np.minimum((sites.fractional * shape).astype(int), shape - 1)
    where = np.ravel_multi_index(tuple(((own[:, None] + offsets) % shape).transpose(2, 0, 1)), tuple(shape))
    pairs = np.unique(np.stack([where.ravel(), np.repeat(np.arange(len(sites)), len(offsets))]), axis=1)
    starts = np.searchsorted(pairs[0], np.arange(int(np.prod(shape)) + 1))
    return starts, pairs[1], shape


def _events(found: list[_Found], sizes: list[int], trajectory: Trajectory, sites: Sites, units: Indices) -> JumpEvents:
    before = np.cumsum([0, *sizes[:-1]])
    ion, last, origin, destination, vector = (
        np.concatenate([item.events[k] for item in found]) for k in range(len(found[0].events))
    )
    ion = ion + np.repeat(before, [len(item.events[0]) for item in found])
    step = float(trajectory.timestep.value)
    duration = step * (len(trajectory) - 1)
    ions = sum(sizes)
    return JumpEvents(ion, step * (last + 0.5), origin, destination, vector, ions, duration, step, sites, units)
