"""Incoherent intermediate scattering from a trajectory: each atom with itself at a later time.

I(Q, t) = (1/N) sum_j w_j <exp(i Q.[r_j(t0 + t) - r_j(t0)])> over all atoms and time origins. Averaged over all
directions of Q the exponential is sin(Qd)/(Qd) of the length d of the displacement: lengths are counted in fine bins
(over which sin(Qd)/(Qd) is averaged exactly), whose transform is the exact isotropic average at every Q at once. For
single vectors the phases are correlated by FFT. Units: angstrom, ps.
Source: Calandrini et al., Collection SFN 12, 201 (2011), for the FFT.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.reference_frame import ReferenceFrame, paths
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.neutrons import gpu
from caloris.neutrons._kernels import add_power, add_transform, count_displacements, phase_factors
from caloris.neutrons.gpu import Device
from caloris.neutrons.grouped_curves import GroupedCurves, Stratum
from caloris.neutrons.momentum_transfer import ReciprocalVectors

Array = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.integer[Any]]

_GROUPS = 16
"""Groups of molecules of each kind, whose scatter gives errors; blocks of time for kinds with few molecules."""
_FRAMES = 8
"""Fewer frames make no correlation."""
_FEW = 8
"""Fewer molecules than this are split by time origins as well."""
_ORIGINS = 4096
"""More time origins than this are thinned out in powder averages: they tell little new."""
_FINENESS = (5e-4, 3e-6, 5e-3)
"""Width of a bin of lengths times the largest Q: at least, per square root of atoms times frames, at most. What bins do
not tell averages out to 1e-6."""
_BINS = 1 << 16
"""Most bins: for atoms that go far they are wider."""
_COUNTS = 16_000_000
"""Bytes of a histogram."""
_VECTORS = 64
"""Vectors whose phases are held at once, so that they stay in the cache."""

Origins = tuple[int, int]
"""First and last frame (not included) that are time origins."""


@dataclass(frozen=True, eq=False)
class IncoherentTask:
    """What a worker needs to know; pickle carries it to a cluster."""

    trajectory: Trajectory
    frame: ReferenceFrame
    labels: Indices
    """(N,): which part each atom belongs to."""
    lags: int
    powder: Array | None
    """(Q,), lengths; or none."""
    vectors: ReciprocalVectors | None
    """Instead, averaged over shells."""
    device: Device

    def __call__(self, group: tuple[Indices, list[Origins]]) -> dict[int, Array]:
        """Return (origins, Q, lags) for each label, the mean over the atoms of a group and some time origins."""
        atoms, origins = group
        totals: dict[int, Array] = {}
        numbers = {int(label): np.count_nonzero(self.labels[atoms] == label) for label in np.unique(self.labels[atoms])}
        for block in self.trajectory.blocks(atoms, copies=6):
            x = paths(self.trajectory, block, self.frame)
            for label in np.unique(self.labels[block]):
                own = x[self.labels[block] == label]
                members = int(np.count_nonzero(self.labels == label))
                found = np.array([self._of_origins(own, members, part) for part in origins])
                totals[int(label)] = totals.get(int(label), 0.0) + found
        return {label: total / numbers[label] for label, total in totals.items()}

    def _of_origins(self, x: Array, members: int, origins: Origins) -> Array:
        if self.powder is not None:
            return isotropic_sum(x, self.powder, self.lags, origins=origins, device=self.device, members=members)
        assert self.vectors is not None  # one of the two
        found = vector_sum(x, self.vectors.vectors.values, self.lags, origins=origins, device=self.device)
        return self.vectors.average(found) if self.vectors.averages else found


def incoherent_curves(
    trajectory: Trajectory,
    frame: ReferenceFrame,
    atoms: Indices,
    names: Sequence[str],
    labels: Indices,
    *,
    powder: Array | None = None,
    vectors: ReciprocalVectors | None = None,
    lags: int | None = None,
    device: Device = "cpu",
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> GroupedCurves:
    """Return the incoherent scattering of each part, by groups of molecules.

    Parameters
    ----------
    trajectory, frame:
        The trajectory, and what it is seen from.
    atoms:
        Atoms that scatter.
    names, labels:
        Names of the parts (elements, isotopes), and which of them each atom of the trajectory is.
    powder:
        (Q,) lengths, 1/angstrom.
    vectors:
        Vectors instead, averaged over their shells.
    lags:
        How many lags from 0; by default up to half of the trajectory.
    device:
        ``"cpu"``, or ``"gpu"`` through CuPy.
    scheduler, progress:
        As for :func:`caloris.atoms.parallel.map_blocks`.

    Returns
    -------
    :
        Curves, unweighted, each scaled with the share of its atoms.

    Raises
    ------
    InputError
        If the trajectory is too short.
    """
    frames = len(trajectory)
    number = lags or frames // 2 + 1
    if not 1 <= number < frames or frames < _FRAMES:
        raise InputError(f"{trajectory.path}: {frames} frames are too few for a correlation over {number} of them")
    kinds = _groups_of_molecules(trajectory, atoms)
    task = IncoherentTask(trajectory, frame, labels, number, powder, vectors, device)
    origins = [_origins(frames, number, len(groups)) for groups in kinds]
    flat = [(group, parts) for groups, parts in zip(kinds, origins, strict=True) for group in groups]
    found = list(map_blocks(task, flat, scheduler=scheduler, progress=progress, title="incoherent scattering"))
    strata, first = [], 0
    step = float(trajectory.timestep.value)
    for groups, parts in zip(kinds, origins, strict=True):
        own = found[first : first + len(groups)]
        strata.append(_stratum(own, groups, parts, names, labels, len(atoms), frames, step))
        first += len(groups)
    Q = vectors.Q.values if vectors is not None else powder
    return GroupedCurves(tuple(strata), step * np.arange(number), np.asarray(Q))


def isotropic_sum(
    x: Array,
    Q: Array,
    lags: int,
    *,
    origins: Origins | None = None,
    device: Device = "cpu",
    members: int | None = None,
) -> Array:
    """Return the sum over atoms of the mean of sin(Qd)/(Qd) over time origins.

    Parameters
    ----------
    x:
        (atoms, 3, T), angstrom.
    Q:
        (Q,), 1/angstrom.
    lags:
        How many, from 0.
    origins:
        First and last frame (not included) that are time origins; by default all.
    device:
        ``"cpu"`` or ``"gpu"``.
    members:
        How many atoms the mean is taken over in the end, of which these are some: bins are as fine as those need.

    Returns
    -------
    :
        (Q, lags); 0 where there is no origin.
    """
    frames = x.shape[-1]
    # the first position goes away in double precision, so that single precision is enough for what is left
    moved = (x - x[..., :1]).astype(np.float32)
    reach = float(np.linalg.norm(np.ptp(moved, axis=-1), axis=-1).max()) * 1.001 + 1e-6
    finest, each, coarsest = _FINENESS
    width = float(np.clip(each * np.sqrt((members or len(x)) * frames), finest, coarsest)) / max(float(Q[-1]), 0.1)
    width = max(width, reach / (_BINS - 2))
    bins = int(reach / width) + 2
    stride = max(1, round(frames / _ORIGINS))
    first, last = origins or (0, frames)
    rows = -(-first // stride), -(-last // stride)
    transform = _mean_over_bins(tuple(Q.tolist()), width, min(_BINS, 1 << bins.bit_length()))
    found = np.zeros((lags, len(Q)))
    done = 0
    for counts in _histograms(moved, lags, stride, rows, width, bins, device):
        add_transform(counts, transform, found[done : done + len(counts)])
        done += len(counts)
    number = np.clip(np.minimum(rows[1], (frames - 1 - np.arange(lags)) // stride + 1) - rows[0], 0, None)
    means = found.T / np.maximum(number, 1)
    means[:, 0] = len(x) if number[0] else 0.0  # nothing has moved yet: not within a bin, but exactly
    return np.asarray(means)


def vector_sum(x: Array, vectors: Array, lags: int, *, origins: Origins | None = None, device: Device = "cpu") -> Array:
    """Return the sum over atoms of the mean of exp(i Q.d) over all time origins, its real part.

    Parameters
    ----------
    x:
        (atoms, 3, T), angstrom.
    vectors:
        (Q, 3), 1/angstrom.
    lags, origins, device:
        As for :func:`isotropic_sum`.

    Returns
    -------
    :
        (Q, lags); 0 where there is no origin.
    """
    from scipy.fft import fft, ifft, next_fast_len

    xp = gpu.array_module(device)
    atoms, _, frames = x.shape
    whole = origins is None or origins == (0, frames)
    if xp is not None or not whole:
        return gpu.vector_sum(xp or np, x, vectors, lags, origins or (0, frames))
    size = next_fast_len(frames + lags)
    turns = np.ascontiguousarray(vectors / (2 * np.pi))
    moved = np.ascontiguousarray(x - x[..., :1])
    found = np.empty((len(vectors), lags))
    for first in range(0, len(vectors), _VECTORS):
        part = turns[first : first + _VECTORS]
        factors = np.empty((len(part), size), dtype=np.complex64)
        power = np.zeros((len(part), size))
        for atom in range(atoms):
            phase_factors(moved[atom], part, factors)
            add_power(fft(factors, axis=1), power)
        found[first : first + len(part)] = ifft(power, axis=1).real[:, :lags]
    return np.asarray(found / (frames - np.arange(lags)))


def _origins(frames: int, lags: int, molecules: int) -> list[Origins]:
    """All time origins, or blocks of them for a kind with few molecules."""
    if molecules >= _FEW:
        return [(0, frames)]
    blocks = min(_GROUPS, frames // 2)
    edges = np.linspace(0, frames, blocks + 1).astype(int).tolist()
    return list(pairwise(edges))


def _histograms(
    moved: Array, lags: int, stride: int, rows: tuple[int, int], width: float, bins: int, device: Device
) -> Iterator[Indices]:
    """Counts of lengths of displacements, (some lags, bins) at a time."""
    xp = gpu.array_module(device)
    if xp is not None:
        yield gpu.count_displacements(xp, moved, lags, stride, rows, width, bins)
        return
    atoms, _, frames = moved.shape
    length = -(-frames // stride)
    padded = np.zeros((atoms, 3, length * stride), dtype=np.float32)
    padded[..., :frames] = moved
    layout = np.ascontiguousarray(padded.reshape(atoms, 3, length, stride).transpose(0, 1, 3, 2))
    step = max(1, _COUNTS // (4 * bins))
    for first in range(0, lags, step):
        counts = np.zeros((min(step, lags - first), bins), dtype=np.int32)
        count_displacements(layout, frames, first, *rows, np.float32(1 / width), counts)
        yield counts


@lru_cache(maxsize=2)
def _mean_over_bins(Q: tuple[float, ...], width: float, bins: int) -> Array:
    """Mean of sin(Qd)/(Qd) over each bin of d, (bins, Q)."""
    from scipy.special import sici

    product = np.outer(Q, width * np.arange(bins + 1))
    steps = np.diff(product, axis=1)
    found = np.ones(steps.shape)
    np.divide(np.diff(sici(product)[0], axis=1), steps, out=found, where=steps > 0)
    return np.ascontiguousarray(found.T)


def _groups_of_molecules(trajectory: Trajectory, atoms: Indices) -> list[list[Indices]]:
    """Atoms of each group, for each kind of molecule."""
    numbers, owner = np.unique(trajectory.molecules[atoms], return_inverse=True)
    order = np.argsort(owner, kind="stable")
    members = np.split(atoms[order], np.flatnonzero(np.diff(owner[order])) + 1)
    kind = np.array(trajectory.formulas)[np.searchsorted(np.unique(trajectory.molecules), numbers)]
    found = []
    for name in dict.fromkeys(kind.tolist()):
        own = [members[i] for i in np.flatnonzero(kind == name)]
        cuts = np.array_split(np.arange(len(own)), min(len(own), _GROUPS))
        found.append([np.sort(np.concatenate([own[i] for i in cut])) for cut in cuts])
    return found


def _stratum(
    found: list[dict[int, Array]],
    groups: list[Indices],
    origins: list[Origins],
    names: Sequence[str],
    labels: Indices,
    atoms: int,
    frames: int,
    step: float,
) -> Stratum:
    """Curves of one kind of molecule, scaled with the share of its atoms."""
    everything = np.concatenate(groups)
    nothing = np.zeros_like(next(iter(found[0].values())))
    lags = nothing.shape[-1]
    # how many origins each block has at each lag
    times = np.array([np.clip(np.minimum(last, frames - np.arange(lags)) - first, 0, None) for first, last in origins])
    curves, counts = {}, {}
    for label in np.unique(labels[everything]).tolist():
        own = np.array([np.count_nonzero(labels[group] == label) for group in groups])
        curves[names[label]] = own.sum() / atoms * np.concatenate([part.get(label, nothing) for part in found])
        counts[names[label]] = np.concatenate([number * times for number in own]).astype(float)
    block = step * frames / len(origins) if len(origins) > 1 else 0.0
    return Stratum(curves, counts, block, step * frames)
