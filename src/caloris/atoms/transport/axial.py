"""Displacements of molecules along their own axis (longitudinal) and across it (transverse).

The axis of a molecule is the mean over the run of its unit vector from one kind of atom to another, in the mean cell:
a molecule that librates about a fixed direction has one, a molecule that tumbles has not. Longitudinal is the one
component along that axis, transverse the sum of the two across it (the radius of a cylindrical coordinate), so that
both add up to the whole. Units: angstrom, ps.
Source: the thermal battery paper, Methods, Fig. 4d and Extended Data Fig. 8.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import mean_of_parts
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.reference_frame import ReferenceFrame, batches, centres, paths, reference_frame
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory
from caloris.atoms.transport.displacements import GROUPS, Pathway, group_curves
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Of = Literal["centre of mass", "atoms"]

_LOST = 0.5
"""Mean unit vectors shorter than this make no axis; directions spread over a hemisphere leave this length."""
_BINS = 60
_WIDE = 6.0
"""Largest squared displacement of a histogram, in mean squares."""
_SAMPLE = 8
"""Molecules that the default bins are made for."""
_FEWEST = 8
"""Fewer molecules are split in time for errors of a histogram."""


def axial_mean_square_displacement(
    trajectory: Trajectory,
    molecule: str,
    axis: tuple[str, str],
    *,
    of: Of = "centre of mass",
    longest: Quantity | None = None,
    progress: Progress | None = None,
    scheduler: str | None = None,
) -> "sc.DataGroup[sc.DataArray]":
    """Return the mean square displacement of molecules along and across their axis.

    Parameters
    ----------
    trajectory:
        At least 8 frames.
    molecule:
        Formula, for example ``"SCN"``.
    axis:
        Elements that the axis runs from and to, for example ``("S", "N")``; where there are more of one, to their mean.
    of:
        What moves: the centre of mass, or every atom of the molecule (which adds libration and bond vibration).
    longest:
        Longest time, up to the default, as for :func:`caloris.atoms.mean_square_displacement`.
    progress, scheduler:
        As for :func:`caloris.atoms.parallel.map_blocks`.

    Returns
    -------
    :
        ``longitudinal``, ``transverse`` (two components) and ``total``, their sum: dimension ``time`` (ps), angstrom^2,
        variance from the scatter between molecules. Unaligned coordinate ``alignment``: mean length of the mean unit
        vector, 1 for a molecule that does not turn.

    Raises
    ------
    InputError
        If there are no such molecules, the axis is not in them, or they tumble so that they have none.

    Source
    ------
    The thermal battery paper, Methods and Extended Data Fig. 8.
    """
    last = math.inf if longest is None else magnitude(longest, "ps", "longest", positive=True)
    members, frame = trajectory.molecules_of(molecule), reference_frame(trajectory)
    axes, alignment = _axes(trajectory, members, axis, frame)
    curves = group_curves(
        trajectory,
        members.ravel(),
        frame,
        rows=members.shape[1],
        pathway=partial(_projected, axes, members.shape[1], _checked(of)),
        kinds=2,
        progress=progress,
        title=f"displacements of {molecule} along its axis",
        scheduler=scheduler,
    )
    keep = curves.time <= last * (1 + 1e-9)
    along, total = curves.values[:, keep]
    found = {}
    for name, values in (("longitudinal", along), ("transverse", total - along), ("total", total)):
        mean, error = mean_of_parts(values, curves.counts, curves.parts)
        data = sc.array(dims=["time"], values=mean, variances=error**2, unit="angstrom^2")
        coords = {"time": sc.array(dims=["time"], values=curves.time[keep], unit="ps"), "alignment": alignment}
        found[name] = sc.DataArray(data, coords=coords, name=f"{name} mean square displacement")
        found[name].coords.set_aligned("alignment", False)
    return sc.DataGroup(found)


def displacement_distribution(
    trajectory: Trajectory,
    molecule: str,
    axis: tuple[str, str],
    *,
    of: Of = "centre of mass",
    bins: sc.Variable | None = None,
    progress: Progress | None = None,
) -> "sc.DataGroup[sc.DataArray]":
    """Return the distribution of the squared amplitude of vibration of molecules, along and across their axis.

    The amplitude is the distance from the mean position over the run. For a harmonic molecule of mean square u^2 along
    each direction the longitudinal density is exp(-s / 2 u^2) / sqrt(2 pi u^2 s), the transverse exp(-s / 2 u^2) /
    2 u^2. Molecules that migrate have no amplitude: look at the mean square displacement first.

    Parameters
    ----------
    trajectory, molecule, axis, of, progress:
        As for :func:`axial_mean_square_displacement`.
    bins:
        Edges of the bins, dimension ``squared_displacement``, angstrom^2; by default 60 up to six mean squares.

    Returns
    -------
    :
        ``longitudinal`` and ``transverse``: probability density over ``squared_displacement`` (edges, angstrom^2),
        1/angstrom^2; variance from the scatter between molecules. Unaligned coordinates: ``mean`` (angstrom^2, with
        variance) of all, ``outside`` (share beyond the bins, which the density is normalised with) and ``alignment``.

    Raises
    ------
    InputError
        As for :func:`axial_mean_square_displacement`, or if the bins do not increase.

    Source
    ------
    The thermal battery paper, Fig. 4d.
    """
    members, frame = trajectory.molecules_of(molecule), reference_frame(trajectory)
    axes, alignment = _axes(trajectory, members, axis, frame)
    follow = partial(_projected, axes, members.shape[1], _checked(of))
    blocks = batches(trajectory, members.ravel(), rows=members.shape[1])
    edges = _edges(bins, partial(follow, trajectory, members[:_SAMPLE].ravel()), frame)
    parts = max(1, min(-(-_FEWEST // len(members)), len(trajectory) // 2))
    task = partial(_histograms, trajectory, frame, follow, edges, parts)
    title = f"amplitudes of {molecule}"
    shares = np.concatenate(list(map_blocks(task, blocks, progress=progress, title=title)), axis=1)
    groups = min(len(members), GROUPS)
    owner = np.arange(len(members)) * groups // len(members)
    counts = np.bincount(owner).astype(float)
    means = np.add.reduceat(shares, np.flatnonzero(np.diff(owner, prepend=-1)), axis=1) / counts[:, None, None]
    grouped = means.transpose(0, 3, 2, 1).reshape(2, means.shape[3], -1)
    found = zip(("longitudinal", "transverse"), grouped, strict=True)
    return sc.DataGroup({name: _density(name, x, np.tile(counts, parts), parts, edges, alignment) for name, x in found})


def _density(name: str, values: Array, counts: Array, parts: int, edges: Array, alignment: sc.Variable) -> sc.DataArray:
    """Data of shares of bins (bins + 1, groups), the last row being the mean."""
    (*share, mean), (*error, mean_error) = mean_of_parts(values, counts, parts)
    width = np.diff(edges)
    variances = (np.array(error) / width) ** 2
    data = sc.array(
        dims=["squared_displacement"], values=np.array(share) / width, variances=variances, unit="1/angstrom^2"
    )
    coords = {
        "squared_displacement": sc.array(dims=["squared_displacement"], values=edges, unit="angstrom^2"),
        "mean": sc.scalar(float(mean), variance=float(mean_error) ** 2, unit="angstrom^2"),
        "outside": sc.scalar(1 - float(np.sum(share))),
        "alignment": alignment,
    }
    found = sc.DataArray(data, coords=coords, name=f"{name} displacement distribution")
    for coord in ("mean", "outside", "alignment"):
        found.coords.set_aligned(coord, False)
    return found


def _edges(bins: sc.Variable | None, follow: Callable[[ReferenceFrame], list[Array]], frame: ReferenceFrame) -> Array:
    if bins is None:
        total = follow(frame)[1]
        square = float((total.var(axis=-1)).sum(axis=1).mean())
        return np.linspace(0.0, _WIDE * max(square, 1e-12), _BINS + 1)
    try:
        edges = bins.to(unit="angstrom^2", dtype="float64").values
    except (AttributeError, sc.UnitError, sc.DTypeError):
        raise InputError("bins: expected a scipp array of edges in angstrom^2") from None
    if edges.ndim != 1 or len(edges) < 2 or edges[0] < 0 or np.any(np.diff(edges) <= 0):
        raise InputError("bins: expected edges that increase from 0 angstrom^2 or more")
    return np.asarray(edges)


def _histograms(
    trajectory: Trajectory, frame: ReferenceFrame, follow: Pathway, edges: Array, parts: int, block: Indices
) -> Array:
    """Share of every bin, and the mean, of squared amplitudes: (2, molecules, parts, bins + 1)."""
    along, total = (x - x.mean(axis=-1, keepdims=True) for x in follow(trajectory, block, frame))
    atoms = along.shape[1]
    lengths = atoms * np.stack([along**2, (total**2).reshape(len(total), atoms, 3, -1).sum(axis=2)])
    lengths[1] -= lengths[0]  # across is what is left, of every atom
    out = np.empty((2, len(along), parts, len(edges)))
    for part, piece in enumerate(np.array_split(lengths, parts, axis=-1)):
        for kind, rows in enumerate(piece):
            for row, values in enumerate(rows):
                out[kind, row, part, :-1] = np.histogram(values, edges)[0] / values.size
                out[kind, row, part, -1] = values.mean()
    return out


def _projected(
    axes: Array, size: int, of: Of, trajectory: Trajectory, atoms: Indices, frame: ReferenceFrame
) -> list[Array]:
    """Paths along the axis (molecules, atoms, T) and in all directions (molecules, 3 atoms, T), over sqrt(atoms)."""
    members = atoms.reshape(-1, size)
    if of == "atoms":
        moving = paths(trajectory, atoms, frame).reshape(len(members), size, 3, -1) / math.sqrt(size)
    else:
        moving = centres(trajectory, members, frame)[:, None]
    along = np.einsum("mkct,mc->mkt", moving, axes[members[:, 0]])
    return [along, moving.reshape(len(members), -1, moving.shape[-1])]


def _axes(
    trajectory: Trajectory, members: Indices, axis: tuple[str, str], frame: ReferenceFrame
) -> tuple[Array, sc.Variable]:
    """Axis of the molecule of each atom (atoms of the trajectory, 3), and the mean length of mean unit vectors."""
    symbols = np.array(trajectory.symbols)
    ends = [members[0][symbols[members[0]] == end] for end in axis]
    if len(axis) != 2 or axis[0] == axis[1] or not all(map(len, ends)):
        has = ", ".join(dict.fromkeys(symbols[members[0]].tolist()))
        raise InputError(f"axis: expected two elements of the molecule, which has {has}; got {axis!r}")
    axes = np.zeros((len(symbols), 3))
    for block in batches(trajectory, members.ravel(), rows=members.shape[1]):
        part = block.reshape(-1, members.shape[1])
        at = paths(trajectory, block, frame).reshape(*part.shape, 3, -1)
        tail, head = (np.stack([at[m, symbols[row] == end].mean(axis=0) for m, row in enumerate(part)]) for end in axis)
        unit = (head - tail) / np.linalg.norm(head - tail, axis=1, keepdims=True)
        axes[part[:, 0]] = unit.mean(axis=-1)
    lengths = np.linalg.norm(axes[members[:, 0]], axis=1)
    if lengths.min() < _LOST:
        raise InputError(
            f"{trajectory.path}: {np.sum(lengths < _LOST)} of {len(members)} molecules turn so far that their mean "
            f"{axis[0]}-{axis[1]} vector is shorter than {_LOST}; they have no axis to move along"
        )
    axes[members[:, 0]] /= lengths[:, None]
    return axes, sc.scalar(float(lengths.mean()))


def _checked(of: Of) -> Of:
    if of not in get_args(Of):
        raise InputError(f"of: expected {' or '.join(map(repr, get_args(Of)))}, got {of!r}")
    return of
