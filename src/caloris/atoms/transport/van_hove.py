"""Van Hove functions: where an atom (self) or another atom (distinct) is, a time after an atom was here.

G_s(r, t) = <delta(r - |r_i(t0 + t) - r_i(t0)|)> and G_d(r, t) = (1 / N_a) <sum_i sum_j!=i delta(r - |r_j(t0 + t) -
r_i(t0)|)>, both per volume of the shell 4 pi r^2 dr; alpha2(t) = 3 <r^4> / (5 <r^2>^2) - 1 is 0 for a Gaussian.
Positions are those in the mean cell, less the drift of the centre of mass. Units: angstrom, ps, 1/angstrom^3.
Sources: van Hove, Phys. Rev. 95, 249 (1954); Rahman, Phys. Rev. 136, A405 (1964), eq. 23 (alpha2).
"""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms._kernels import paths_in_frame
from caloris.atoms.block_statistics import jackknife_of_parts, mean_of_groups, mean_of_parts
from caloris.atoms.h5md import SLAB
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.reference_frame import ReferenceFrame, batches, paths, reference_frame
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.atoms.transport._kernels import displacement_counts, displacement_moments, pair_counts
from caloris.atoms.transport.displacements import GROUPS, REPLICATES
from caloris.atoms.transport.independence import grouped, independent_units
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]

_TIMES = 12
"""Times of a van Hove function, spaced evenly in the logarithm."""
_MOMENTS = 80
"""Times of alpha2."""
_ORIGINS = 200
"""Time origins of the distinct part; neighbouring ones are correlated."""
_STRETCHES = 10
"""Of time, and groups of molecules, whose scatter gives the errors of the distinct part."""


def self_van_hove(
    trajectory: Trajectory,
    species: Selection,
    *,
    times: sc.Variable | None = None,
    longest_distance: Quantity = "10 angstrom",
    bin_width: Quantity = "0.05 angstrom",
    progress: Progress | None = None,
    scheduler: str | None = None,
) -> sc.DataArray:
    """Return the self part of the van Hove function, from every time origin.

    Parameters
    ----------
    trajectory:
        At least 8 frames.
    species:
        Atoms, for example ``"Li"``.
    times:
        One dimension, ps, each rounded to whole frames; by default 12 up to half of the trajectory.
    longest_distance, bin_width:
        Of the histogram.
    progress, scheduler:
        As for :func:`caloris.atoms.parallel.map_blocks`.

    Returns
    -------
    :
        Dimensions ``time`` (ps) and ``r`` (edges, angstrom), 1/angstrom^3; times 4 pi r^2 it is the probability density
        of the distance. Variance from the scatter between molecules, or atoms without bonds. Unaligned
        coordinate ``outside``: share of the displacements beyond the bins, of which the function also is normalised.

    Raises
    ------
    InputError
        If there are no such atoms, too few frames, or times beyond the trajectory.

    Source
    ------
    van Hove, Phys. Rev. 95, 249 (1954).
    """
    edges = _bins(longest_distance, bin_width)
    lags = _lags(trajectory, times, _TIMES)
    task = partial(_self_block, trajectory, reference_frame(trajectory), lags, edges)
    counted, counts, parts = _grouped(trajectory, species, task, progress, scheduler, "self van Hove function", lags)
    shares, errors = mean_of_parts(counted, counts, parts)
    volumes = 4 / 3 * np.pi * np.diff(edges**3)
    found = _function(
        trajectory, lags, edges, shares[:, :-1] / volumes, errors[:, :-1] / volumes, "self van Hove function"
    )
    found.coords["outside"] = sc.array(dims=["time"], values=shares[:, -1])
    found.coords.set_aligned("outside", False)
    return found


def non_gaussian_parameter(
    trajectory: Trajectory,
    species: Selection,
    *,
    times: sc.Variable | None = None,
    progress: Progress | None = None,
    scheduler: str | None = None,
) -> sc.DataArray:
    """Return alpha2(t) = 3 <r^4> / (5 <r^2>^2) - 1, from every time origin: 0 where displacements are Gaussian.

    Parameters
    ----------
    trajectory, species, times, progress, scheduler:
        As for :func:`self_van_hove`; 80 times by default.

    Returns
    -------
    :
        Dimension ``time`` (ps), dimensionless; the variance is from leaving groups of molecules (or atoms without
        bonds) out one at a time. NaN where nothing moved.

    Raises
    ------
    InputError
        As for :func:`self_van_hove`.

    Source
    ------
    Rahman, Phys. Rev. 136, A405 (1964), eq. 23.
    """
    lags = _lags(trajectory, times, _MOMENTS, first=1)
    task = partial(_moment_block, trajectory, reference_frame(trajectory), lags)
    moments, counts, parts = _grouped(trajectory, species, task, progress, scheduler, "non-Gaussian parameter", lags)
    with np.errstate(invalid="ignore"):
        mean, error = jackknife_of_parts(_alpha2, moments, counts, parts)
    values = sc.array(dims=["time"], values=mean, variances=error**2)
    time = sc.array(dims=["time"], values=float(trajectory.timestep.value) * lags, unit="ps")
    return sc.DataArray(values, coords={"time": time}, name="non-Gaussian parameter")


def distinct_van_hove(
    trajectory: Trajectory,
    pair: tuple[Selection, Selection],
    *,
    times: sc.Variable | None = None,
    longest_distance: Quantity | None = None,
    bin_width: Quantity = "0.05 angstrom",
    origins: int = _ORIGINS,
    progress: Progress | None = None,
    scheduler: str | None = None,
) -> sc.DataArray:
    """Return the distinct part of the van Hove function of a pair of species.

    Parameters
    ----------
    trajectory:
        At least 8 frames.
    pair:
        Species of the atom that was here, and of the other atom a time later; may be the same.
    times:
        One dimension, ps, each rounded to whole frames; by default 0 and 11 up to half of the trajectory.
    longest_distance:
        Up to the default, half of the smallest width of the mean cell: beyond it images would be counted twice.
    bin_width:
        Of the histogram.
    origins:
        Most time origins, evenly spaced.
    progress, scheduler:
        As for :func:`caloris.atoms.parallel.map_blocks`.

    Returns
    -------
    :
        Dimensions ``time`` (ps) and ``r`` (edges, angstrom), 1/angstrom^3: at time 0 the density of b times g(r), far
        away and late the density of b, (N_b - 1) / V for the same species. Variance from the scatter between ten
        stretches of time origins or ten groups of molecules (or atoms without bonds), whichever is larger.

    Raises
    ------
    InputError
        If there are no such atoms, times beyond the trajectory, or distances beyond half the cell.

    Source
    ------
    van Hove, Phys. Rev. 95, 249 (1954).
    """
    frame = reference_frame(trajectory)
    half = float(1 / np.linalg.norm(np.linalg.inv(frame.mean_cell), axis=0).max() / 2)
    edges = _bins(sc.scalar(half, unit="angstrom") if longest_distance is None else longest_distance, bin_width, half)
    lags = _lags(trajectory, times, _TIMES, first=0)
    if not isinstance(origins, int | np.integer) or origins < 1:
        raise InputError(f"origins: expected a whole number from 1 on, got {origins!r}")
    chosen = np.unique(np.linspace(0, len(trajectory) - 1 - lags.max(), origins).astype(int))
    stretches = np.array_split(chosen, min(_STRETCHES, len(chosen)))
    atoms = trajectory.select(pair[0]), trajectory.select(pair[1])
    group = grouped(independent_units(trajectory, atoms[0]), _STRETCHES)
    task = partial(_distinct_block, trajectory, frame, atoms, group, lags, edges)
    pieces = [(number, slab) for number, part in enumerate(stretches) for slab in _slabs(part, atoms)]
    counted = np.zeros((len(lags), int(group.max()) + 1, len(edges) - 1, len(stretches)))
    found = map_blocks(task, pieces, progress=progress, title="distinct van Hove function", scheduler=scheduler)
    for (number, _), values in zip(pieces, found, strict=True):
        counted[..., number] += values
    volumes = 4 / 3 * np.pi * np.diff(edges**3)
    same = np.array_equal(np.sort(atoms[0]), np.sort(atoms[1]))
    mean, error = _of_pairs(counted, group, np.array([len(part) for part in stretches], dtype=float), same)
    mean, error = mean / volumes, error / volumes
    return _function(trajectory, lags, edges, mean, error, "distinct van Hove function")


def _of_pairs(counted: Array, group: Indices, origins: Array, same: bool) -> tuple[Array, Array]:
    """Pairs per atom and origin, and the error, from counts (lags, groups of atoms, bins, stretches of time).

    The larger of two scatters: between stretches of time, and between groups of atoms, for which a structure that does
    not change within the run is many samples. A pair of the same species is in two of the groups: twice the variance.
    """
    sizes = np.bincount(group).astype(float)
    mean, over_time = mean_of_groups(counted.sum(axis=1) / (len(group) * origins), origins)
    of_groups = (counted.sum(axis=3) / (sizes[:, None] * origins.sum())).transpose(0, 2, 1)
    _, over_atoms = mean_of_groups(of_groups, sizes)
    return mean, np.fmax(over_time, over_atoms * (np.sqrt(2) if same else 1.0))


def _function(
    trajectory: Trajectory, lags: Indices, edges: Array, values: Array, errors: Array, name: str
) -> sc.DataArray:
    data = sc.array(dims=["time", "r"], values=values, variances=errors**2, unit="1/angstrom^3")
    time = float(trajectory.timestep.value) * lags
    coords = {
        "time": sc.array(dims=["time"], values=time, unit="ps"),
        "r": sc.array(dims=["r"], values=edges, unit="angstrom"),
    }
    return sc.DataArray(data, coords=coords, name=name)


def _grouped(
    trajectory: Trajectory,
    species: Selection,
    task: Any,
    progress: Progress | None,
    scheduler: str | None,
    title: str,
    lags: Indices,
) -> tuple[Array, Array, int]:
    """Mean over the atoms of each group (..., parts * groups), how many there are, and parts of the run."""
    atoms = trajectory.select(species)
    if not len(atoms):
        raise InputError(f"{trajectory.path}: no atoms chosen")
    units = independent_units(trajectory, atoms)
    # parts of the run, each long enough for the longest time
    parts = max(1, min(-(-REPLICATES // (int(units.max()) + 1)), len(trajectory) // (int(lags.max()) + 1)))
    owner = grouped(units, GROUPS)
    groups = int(owner.max()) + 1
    blocks = []
    for group in range(groups):
        blocks += [(group, block, parts) for block in batches(trajectory, atoms[owner == group], copies=3)]
    sums: list[Any] = [0.0] * groups
    for (group, _, _), found in zip(
        blocks, map_blocks(task, blocks, progress=progress, title=title, scheduler=scheduler), strict=True
    ):
        sums[group] = sums[group] + found
    counts = np.bincount(owner).astype(float)
    values = np.stack([total / count for total, count in zip(sums, counts, strict=True)], axis=-1)
    values = values.transpose(*range(1, values.ndim - 1), 0, -1).reshape(*values.shape[1:-1], -1)
    return values, np.tile(counts, parts), parts


def _parts(path: Array, parts: int) -> list[Array]:
    length = path.shape[-1] // parts
    return [np.ascontiguousarray(path[..., k * length : (k + 1) * length]) for k in range(parts)]


def _self_block(
    trajectory: Trajectory, frame: ReferenceFrame, lags: Indices, edges: Array, block: tuple[int, Indices, int]
) -> Array:
    """(parts, lags, bins + 1): sum over atoms of the share of each bin."""
    bins = len(edges) - 1
    pieces = _parts(paths(trajectory, block[1], frame), block[2])
    found = [displacement_counts(piece, lags, float(edges[1]), bins) for piece in pieces]
    return np.stack([x / (piece.shape[-1] - lags)[:, None] for x, piece in zip(found, pieces, strict=True)])


def _moment_block(
    trajectory: Trajectory, frame: ReferenceFrame, lags: Indices, block: tuple[int, Indices, int]
) -> Array:
    """(parts, 2, lags): sum over atoms of <r^2> and <r^4>."""
    pieces = _parts(paths(trajectory, block[1], frame), block[2])
    return np.stack([displacement_moments(piece, lags) for piece in pieces])


def _alpha2(moments: Array) -> Array:
    second, fourth = moments
    return np.asarray(3 * fourth / (5 * np.where(second > 0, second, np.nan) ** 2) - 1)


def _distinct_block(
    trajectory: Trajectory,
    frame: ReferenceFrame,
    atoms: tuple[Indices, Indices],
    group: Indices,
    lags: Indices,
    edges: Array,
    piece: tuple[int, Indices],
) -> Indices:
    """(lags, groups of atoms, bins): pairs counted from all origins of a slab."""
    origins = piece[1]
    bins, width = len(edges) - 1, float(edges[1])
    heights = 1 / np.linalg.norm(np.linalg.inv(frame.mean_cell), axis=0)
    shape = np.clip(heights // (edges[-1] / 2), 1, 64).astype(np.int64)
    reach = np.ceil(edges[-1] * shape / heights).astype(np.int64)
    position = {int(atom): k for k, atom in enumerate(atoms[1])}
    same = np.array([position.get(int(atom), -1) for atom in atoms[0]], dtype=np.int64)
    here = _fractional(trajectory, frame, atoms[0], origins)
    out = np.zeros((len(lags), int(group.max()) + 1, bins), dtype=np.int64)
    for k, lag in enumerate(lags):
        there = _fractional(trajectory, frame, atoms[1], origins + lag)
        for a, b in zip(here, there, strict=True):
            pair_counts(a, b, same, group, frame.mean_cell, shape, reach, width, out[k])
    return out


def _fractional(trajectory: Trajectory, frame: ReferenceFrame, atoms: Indices, frames: Indices) -> Array:
    """Coordinates in the mean cell at some frames, (frames, atoms, 3), in [0, 1)."""
    first, last = int(frames[0]), int(frames[-1]) + 1
    chosen = frames - first
    positions = trajectory.read("position", atoms, slice(first, last))[chosen]
    path = paths_in_frame(np.ascontiguousarray(positions), frame.turn[frames], frame.shift[frames])
    found = path.transpose(2, 0, 1) @ np.linalg.inv(frame.mean_cell)
    return np.ascontiguousarray(found - np.floor(found))


def _slabs(origins: Indices, atoms: tuple[Indices, Indices]) -> list[Indices]:
    """Origins in parts of which the frames between fit into memory."""
    most = max(1, SLAB // (24 * 4 * (len(atoms[0]) + len(atoms[1]))))
    return np.split(origins, np.flatnonzero(np.diff((origins - origins[0]) // most)) + 1)


def _bins(longest: Quantity, width: Quantity, most: float = np.inf) -> Array:
    step = magnitude(width, "angstrom", "bin_width", positive=True)
    end = magnitude(longest, "angstrom", "longest_distance", positive=True)
    if end > most * (1 + 1e-9):
        raise InputError(
            f"longest_distance: {end:g} angstrom is beyond half of the smallest width of the mean cell, {most:.4g}"
        )
    count = max(1, int(end / step + 1e-9))
    return step * np.arange(count + 1)


def _lags(trajectory: Trajectory, times: sc.Variable | None, count: int, first: int | None = None) -> Indices:
    """Whole frames; by default up to half of the trajectory, evenly spaced in the logarithm."""
    frames = len(trajectory)
    if frames < 8:
        raise InputError(f"{trajectory.path}: {frames} frames are too few; a van Hove function needs 8")
    if times is None:
        spaced = np.round(np.geomspace(1, frames // 2, count - (first == 0))).astype(int)
        return np.unique(np.concatenate([[0], spaced]) if first == 0 else spaced)
    step = float(trajectory.timestep.value)
    try:
        found = np.atleast_1d(np.round(times.to(unit="ps", dtype="float64").values / step)).astype(int)
    except (AttributeError, sc.UnitError, sc.DTypeError):
        raise InputError("times: expected a scipp array of times in ps") from None
    if found.ndim != 1 or not len(found) or found.min() < (first or 0) or found.max() > frames - 2:
        raise InputError(f"times: expected from {(first or 0) * step:g} to {(frames - 2) * step:g} ps")
    if len(np.unique(found)) < len(found):
        raise InputError(f"times: several are the same number of frames of {step:g} ps")
    return found
