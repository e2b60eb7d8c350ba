"""Mean square displacements of groups of atoms over all time origins, out of the store.

FFT over all origins: Calandrini et al., Collection SFN 12, 201 (2011). Groups are independent samples, of whole
molecules: their scatter gives errors. Units: angstrom, ps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft

from caloris.atoms.block_statistics import in_parts
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.reference_frame import ReferenceFrame, batches, paths
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory
from caloris.atoms.transport.independence import grouped, independent_units
from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]
Pathway = Callable[[Trajectory, Indices, ReferenceFrame], list[Array]]
"""Atoms of whole rows to (rows, components, T): paths whose square displacements are wanted, one array for each."""

REPLICATES = 16
"""Fewer molecules (or atoms without bonds) than this are split in time as well."""
GROUPS = 64
"""Most groups of molecules whose scatter gives errors."""
_SHORTEST = 8
"""Fewer frames make no mean square displacement."""
_BATCH = 16
"""Rows that are transformed at once, few enough for the cache."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Mean square displacements of groups that are taken as independent."""

    time: Array
    """(lags,), ps, from 0."""
    values: Array
    """(kinds, lags, groups), angstrom^2; one kind for each array of the pathway."""
    counts: Array
    """(groups,), rows in each group; all groups of the first part of the run first."""
    frames: int
    """Length of the stretch of time that each group was watched for."""
    parts: int = 1
    """Of the run, each with all molecules."""
    units: int = 0
    """Molecules, or atoms without bonds, that were followed."""
    halves: Array | None = None
    """(kinds, lags, 2), the mean of all rows in each half of the run, where it was asked for."""


def group_curves(
    trajectory: Trajectory,
    atoms: Indices,
    frame: ReferenceFrame,
    *,
    rows: int = 1,
    pathway: Pathway | None = None,
    kinds: int = 1,
    halves: bool = False,
    progress: Progress | None = None,
    title: str = "square displacements",
    scheduler: str | None = None,
) -> Curves:
    """Return the mean square displacements of groups of rows (atoms or molecules).

    Parameters
    ----------
    trajectory, frame:
        At least 8 frames, and what they are seen from.
    atoms:
        (n,) indices; of molecules (molecules, atoms) flattened.
    rows:
        Atoms of one row.
    pathway:
        What to follow, ``kinds`` arrays of it; by default the atoms.
    kinds:
        How many arrays the pathway gives.
    halves:
        Whether each half of the run is looked at as well, which takes as long again as the whole.
    progress, title, scheduler:
        As for :func:`caloris.atoms.parallel.map_blocks`.

    Returns
    -------
    :
        Curves up to half of the stretch that each group was watched for.

    Raises
    ------
    InputError
        If there are no atoms or too few frames.
    """
    units = independent_units(trajectory, atoms, rows=rows)
    count = int(units.max(initial=-1)) + 1
    parts = max(1, min(-(-REPLICATES // max(count, 1)), len(trajectory) // _SHORTEST))
    length = len(trajectory) // parts
    if length < _SHORTEST or not count:
        raise InputError(f"{trajectory.path}: {len(trajectory)} frames of {len(atoms)} atoms are too few for diffusion")
    member = grouped(units, GROUPS)
    order = np.argsort(member, kind="stable")  # rows of a group stand together
    member, atoms = member[order], atoms.reshape(-1, rows)[order].ravel()
    groups = int(member[-1]) + 1
    sums = np.zeros((kinds, groups, parts, length // 2 + 1))
    apart = np.zeros((kinds, 2, len(trajectory) // 4 + 1)) if halves and parts == 1 else None
    blocks = batches(trajectory, atoms, rows=rows)
    task = partial(_block, trajectory, frame, pathway or _atoms, parts, apart is not None)
    done = 0
    for block, found in zip(blocks, _mapped(task, blocks, member, rows, progress, title, scheduler), strict=True):
        own = np.unique(member[done : done + len(block) // rows])
        sums[:, own] += found[0]
        if apart is not None:
            apart += found[1]
        done += len(block) // rows
    counts = np.bincount(member, minlength=groups).astype(float)
    values = (sums / counts[:, None, None]).transpose(0, 3, 2, 1).reshape(kinds, length // 2 + 1, -1)
    time = float(trajectory.timestep.value) * np.arange(length // 2 + 1)
    counts = np.tile(counts, parts)
    if apart is not None:
        apart = apart.transpose(0, 2, 1) / len(member)
    elif halves:
        in_time = in_parts(values, counts, parts)[0]
        apart = np.stack(
            [in_time[..., : parts // 2].mean(axis=-1), in_time[..., -(parts // 2) :].mean(axis=-1)], axis=-1
        )
    return Curves(time, values, counts, length, parts, count, apart)


def _mapped(
    task: Any,
    blocks: list[Indices],
    member: Indices,
    rows: int,
    progress: Progress | None,
    title: str,
    scheduler: str | None,
) -> Any:
    ends = np.cumsum([len(block) // rows for block in blocks]).tolist()
    starts = [0, *ends[:-1]]
    tasks = [(block, np.diff(member[i:j], prepend=-1)) for block, i, j in zip(blocks, starts, ends, strict=True)]
    return map_blocks(task, tasks, progress=progress, title=title, scheduler=scheduler)


def _atoms(trajectory: Trajectory, atoms: Indices, frame: ReferenceFrame) -> list[Array]:
    return [paths(trajectory, atoms, frame)]


def _block(
    trajectory: Trajectory,
    frame: ReferenceFrame,
    pathway: Pathway,
    parts: int,
    halves: bool,
    block: tuple[Indices, Indices],
) -> tuple[Array, Array]:
    """Sums over the rows of each group in a block: (kinds, groups of the block, parts, lags); and over all, by half."""
    atoms, steps = block
    starts = np.flatnonzero(steps)
    found, apart = [], []
    for path in pathway(trajectory, atoms, frame):
        length = path.shape[-1] // parts
        pieces = [path[..., k * length : (k + 1) * length] for k in range(parts)]
        found.append(np.stack([square_displacements(piece, length // 2 + 1, starts) for piece in pieces], axis=1))
        half, lags = path.shape[-1] // 2, path.shape[-1] // 4 + 1
        ends = (path[..., :half], path[..., -half:]) if halves else ()
        apart.append([square_displacements(end, lags, np.zeros(1, dtype=np.int64))[0] for end in ends])
    return np.stack(found), np.array(apart)


def square_displacements(path: Array, lags: int, starts: Indices | None = None) -> Array:
    """Average |x(k + m) - x(k)|^2 over all k.

    Parameters
    ----------
    path:
        (n, components, T).
    lags:
        How many m, from 0.
    starts:
        Where each group of rows begins; by default every row is its own.

    Returns
    -------
    :
        (groups, lags), summed over the rows of each group.

    Examples
    --------
    >>> square_displacements(np.array([[[0.0, 1.0, 1.0, 3.0]]]), 3).round(9)
    array([[0.        , 1.66666667, 2.5       ]])
    """
    n, _, frames = path.shape
    starts = np.arange(n) if starts is None else np.asarray(starts)
    size = next_fast_len(frames + lags, real=True)
    power = np.zeros((len(starts), size // 2 + 1))
    squares = np.zeros((len(starts), frames))
    owner = np.searchsorted(starts, np.arange(n), side="right") - 1
    for first in range(0, n, _BATCH):
        part = path[first : first + _BATCH]
        part = part - part.mean(axis=-1, keepdims=True)
        spectrum = rfft(part, size, axis=-1)
        products = np.einsum("ncf,ncf->nf", spectrum.real, spectrum.real)
        products += np.einsum("ncf,ncf->nf", spectrum.imag, spectrum.imag)
        lengths = np.einsum("nct,nct->nt", part, part)
        for row, group in enumerate(owner[first : first + _BATCH]):
            power[group] += products[row]
            squares[group] += lengths[row]
    correlation = irfft(power, size, axis=-1)[:, :lags]
    sums = np.concatenate([np.zeros((len(starts), 1)), np.cumsum(squares, axis=-1)], axis=-1)
    m = np.arange(lags)
    found = sums[:, frames - m] + sums[:, -1:] - sums[:, m] - 2 * correlation
    found[:, 0] = 0.0
    return np.asarray(found / (frames - m))
