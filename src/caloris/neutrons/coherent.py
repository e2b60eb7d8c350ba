"""Coherent intermediate scattering from a trajectory: every atom with every atom at a later time.

I(Q, t) = (1/N) <rho*(Q, t0) rho(Q, t0 + t)>, rho(Q, t) = sum_j b_j exp(i Q.r_j(t)), at reciprocal vectors of the cell.
Sums over atoms are direct in double precision, or for many vectors a non-uniform FFT (finufft). Units: angstrom, ps.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.h5md import SLAB
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.reference_frame import ReferenceFrame, snapshots
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.neutrons import gpu
from caloris.neutrons._kernels import density_modes
from caloris.neutrons.gpu import Device
from caloris.neutrons.grouped_curves import GroupedCurves, Stratum
from caloris.neutrons.momentum_transfer import ReciprocalVectors

Array = npt.NDArray[np.floating[Any]]
Complex = npt.NDArray[np.complexfloating[Any, Any]]
Indices = npt.NDArray[np.integer[Any]]

_BLOCKS = 16
"""Blocks of time origins, whose scatter gives errors."""
_SAMPLES = 8
"""Groups of vectors of a shell, whose scatter tells what the choice of vectors does."""
_MOST = 4_000_000_000
"""Bytes of the curves of all vectors, pairs and groups."""
_FRAMES = 32
"""Fewer frames make no blocks."""
_NUFFT = 4000
"""From so many vectors on the non-uniform FFT is faster."""
_TOLERANCE = 1e-9
"""Of the non-uniform FFT."""
_IN_MEMORY = 256_000_000
"""Bytes of modes; more go to a temporary file."""
_ATOMS = 1024
"""Atoms whose positions stay in the cache."""


@dataclass(frozen=True, eq=False)
class ModesTask:
    """Density modes of a block of frames; pickle carries it to a cluster."""

    trajectory: Trajectory
    frame: ReferenceFrame
    atoms: Indices
    labels: Indices
    """(N,): which part each atom of the trajectory belongs to."""
    parts: int
    vectors: ReciprocalVectors
    device: Device

    def __call__(self, frames: slice) -> Complex:
        """Return (parts, frames, vectors)."""
        xp = gpu.array_module(self.device)
        positions = snapshots(self.trajectory, self.atoms, self.frame, frames)
        turns = np.ascontiguousarray(self.vectors.vectors.values / (2 * np.pi))
        found = np.zeros((self.parts, len(positions), len(self.vectors)), dtype=np.complex128)
        for part in range(self.parts):
            own = positions[:, self.labels[self.atoms] == part]
            if xp is not None:
                found[part] = gpu.density_modes(xp, own, turns)
            elif len(self.vectors) < _NUFFT:
                _direct(own, turns, found[part])
            else:
                _fast(own, self.frame.mean_cell, self.vectors.indices, found[part])
        return found


def coherent_curves(
    trajectory: Trajectory,
    frame: ReferenceFrame,
    atoms: Indices,
    names: Sequence[str],
    labels: Indices,
    vectors: ReciprocalVectors,
    *,
    lags: int | None = None,
    device: Device = "cpu",
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> GroupedCurves:
    """Return the coherent scattering of each pair of parts, by blocks of time origins.

    Parameters
    ----------
    trajectory, frame, atoms, names, labels, lags, device, scheduler, progress:
        As for :func:`caloris.neutrons.incoherent.incoherent_curves`.
    vectors:
        Reciprocal vectors of the mean cell.

    Returns
    -------
    :
        Curves of the pairs ``"a-b"``, unweighted, per atom; pairs of different parts count twice.

    Raises
    ------
    InputError
        If the trajectory is too short.
    """
    frames = len(trajectory)
    number = frames // 2 + 1 if lags is None else lags
    if frames < _FRAMES or not 1 <= number <= frames * 3 // 4:
        raise InputError(
            f"{trajectory.path}: {frames} frames are too few for coherent scattering over {number} of them; "
            f"at least {_FRAMES}, and a third more than the longest time"
        )
    pairs = list(combinations_with_replacement(range(len(names)), 2))
    _check_memory(8 * len(pairs) * (_BLOCKS + _SAMPLES) * len(vectors.Q) * number)
    task = ModesTask(trajectory, frame, atoms, labels, len(names), vectors, device)
    modes = _modes(task, scheduler, progress)
    edges = np.linspace(0, frames, _BLOCKS + 1).astype(int)
    origins = [np.clip(frames - np.arange(number) - first, 0, last - first) for first, last in pairwise(edges)]
    counts = np.array(origins, dtype=float)
    keys = [f"{names[a]}-{names[b]}" for a, b in pairs]
    found: dict[str, Array] = {key: np.zeros((_BLOCKS, len(vectors.Q), number)) for key in keys}
    chosen: dict[str, Array] = {
        key: np.zeros((_SAMPLES if vectors.averages else 1, len(vectors.Q), number)) for key in keys
    }
    samples = _samples(vectors)
    for q in range(len(vectors)):
        spectra = _block_spectra(np.asarray(modes[:, q]), edges, number)
        point, sample = vectors.shell[q], samples[q] if vectors.averages else 0
        for (a, b), key in zip(pairs, keys, strict=True):
            product = _correlation(spectra, a, b, number) * ((1.0 if a == b else 2.0) / len(atoms))
            found[key][:, point] += product
            chosen[key][sample, point] += product.sum(axis=0)
    return _grouped(trajectory, vectors, found, chosen, counts, samples)


def _grouped(
    trajectory: Trajectory,
    vectors: ReciprocalVectors,
    found: dict[str, Array],
    chosen: dict[str, Array],
    counts: Array,
    samples: Indices,
) -> GroupedCurves:
    """Sums over origins and vectors made means, by blocks of time, and by some of the vectors of each shell."""
    step = float(trajectory.timestep.value)
    number = np.bincount(vectors.shell, minlength=len(vectors.Q))
    for key, curves in found.items():
        curves /= np.maximum(counts, 1.0)[:, None] * number[None, :, None]
        found[key] = curves
    length = step * len(trajectory)
    blocks = Stratum(found, dict.fromkeys(found, counts), length / _BLOCKS, length)
    time = step * np.arange(counts.shape[1])
    Q = np.asarray(vectors.Q.values)
    if not vectors.averages or vectors.available is None:
        return GroupedCurves((blocks,), time, Q)
    left_out = 1 - number / vectors.available
    members = np.zeros((_SAMPLES, len(vectors.Q)))
    np.add.at(members, (samples, vectors.shell), 1.0)
    if np.any(members.min(axis=0)[left_out > 0] == 0):  # too few vectors to tell: said by the caller
        return GroupedCurves((blocks,), time, Q)
    origins = np.maximum(counts.sum(axis=0), 1.0)
    means = {key: curves / (np.maximum(members, 1.0)[..., None] * origins) for key, curves in chosen.items()}
    same = np.ones((_SAMPLES, counts.shape[1]))
    return GroupedCurves((blocks,), time, Q, Stratum(means, dict.fromkeys(means, same)), left_out)


def _samples(vectors: ReciprocalVectors) -> Indices:
    """Deal the vectors of each shell out to samples."""
    order = np.argsort(vectors.shell, kind="stable")
    starts = np.searchsorted(vectors.shell[order], np.arange(len(vectors.Q)))
    within = np.empty(len(vectors), dtype=int)
    within[order] = np.arange(len(vectors)) - starts[vectors.shell[order]]
    # neighbours in the list are alike: deal them at random, the same way each time
    shuffle = np.random.default_rng(0).permutation(_SAMPLES)
    return np.asarray(shuffle[within % _SAMPLES])


def _check_memory(needed: int) -> None:
    if needed > _MOST:
        raise InputError(
            f"coherent scattering: the curves of so many vectors, times and pairs take {needed / 1e9:.1f} GB; ask for "
            "fewer vectors, shorter times, or averages over shells"
        )


def _modes(task: ModesTask, scheduler: str | None, progress: Progress | None) -> Complex:
    """(parts, vectors, T), in a temporary file where it is large."""
    trajectory = task.trajectory
    frames, vectors = len(trajectory), len(task.vectors)
    shape = (task.parts, vectors, frames)
    held: Complex
    if 16 * int(np.prod(shape)) > _IN_MEMORY:
        file = tempfile.TemporaryFile()  # noqa: SIM115 it lives as long as the array
        held = np.memmap(file, dtype=np.complex64, mode="w+", shape=shape)
    else:
        held = np.empty(shape, dtype=np.complex128)
    most = max(1, SLAB // (16 * task.parts * vectors))
    blocks = [
        slice(first, min(first + most, part.stop))
        for part in trajectory.frame_blocks(task.atoms, copies=6)
        for first in range(part.start, part.stop, most)
    ]
    found = map_blocks(task, blocks, scheduler=scheduler, progress=progress, title="coherent scattering")
    for block, part in zip(blocks, found, strict=True):
        held[:, :, block] = part.transpose(0, 2, 1)
    return held


def _direct(positions: Array, turns: Array, modes: Complex) -> None:
    for first in range(0, positions.shape[1], _ATOMS):
        x = np.ascontiguousarray(positions[:, first : first + _ATOMS].transpose(0, 2, 1))
        density_modes(x, turns, modes)


def _fast(positions: Array, cell: Array, indices: Indices, modes: Complex) -> None:
    """By a non-uniform FFT over the box of indices that holds all vectors."""
    import finufft

    fractional = positions @ np.linalg.inv(cell)
    angles = 2 * np.pi * (fractional - np.floor(fractional))
    reach = np.abs(indices).max(axis=0)
    ones = np.ones(positions.shape[1], dtype=np.complex128)
    h, k, l = (indices + reach).T  # noqa: E741 the names of the field
    plan = finufft.Plan(1, tuple((2 * reach + 1).tolist()), eps=_TOLERANCE, isign=1, nthreads=1)
    for frame in range(len(positions)):
        plan.setpts(*np.ascontiguousarray(angles[frame].T))
        modes[frame] += plan.execute(ones)[h, k, l]


def _block_spectra(modes: Complex, edges: Indices, lags: int) -> tuple[Complex, Complex]:
    """Transforms of each block of origins, and of what comes within the lags after its start; (parts, blocks, w)."""
    from scipy.fft import fft, next_fast_len

    longest = int(np.diff(edges).max())
    size = next_fast_len(longest + lags - 1)
    origins = np.zeros((len(modes), len(edges) - 1, size), dtype=np.complex128)
    partners = np.zeros_like(origins)
    for block, (first, last) in enumerate(pairwise(edges)):
        origins[:, block, : last - first] = modes[:, first:last]
        end = min(last + lags - 1, modes.shape[1])
        partners[:, block, : end - first] = modes[:, first:end]
    return fft(origins, axis=-1), fft(partners, axis=-1)


def _correlation(spectra: tuple[Complex, Complex], a: int, b: int, lags: int) -> Array:
    """Sum over origins of Re rho_a*(t0) rho_b(t0 + t), both orders averaged, (blocks, lags)."""
    from scipy.fft import ifft

    origins, partners = spectra
    product = np.conj(origins[a]) * partners[b]
    if a != b:
        product = 0.5 * (product + np.conj(origins[b]) * partners[a])
    return np.asarray(ifft(product, axis=-1).real[:, :lags])
