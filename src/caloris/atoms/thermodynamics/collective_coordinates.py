"""Mass-weighted displacements and turns of the molecules of a crystal, by wave vector. Angstrom, u^1/2 angstrom."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.segments import Indices
from caloris.atoms.thermodynamics._kernels import orientations
from caloris.atoms.thermodynamics.geometry import matrices, mean_geometry, moments_of_inertia
from caloris.atoms.thermodynamics.windowed_spectra import Kind, kind_of
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]

_SITE = 1.0
"""angstrom within which sites of different small cells are the same."""
_WANDER = 1.5
"""angstrom, root mean square, beyond which what moves has no site."""
_TURN = 0.8
"""Radian, root mean square, beyond which a molecule has no orientation."""


@dataclass(frozen=True, eq=False)
class Coordinates:
    """How one species moves."""

    waves: list[npt.NDArray[Any]]
    """(T, coordinates of a small cell) of each wave vector, u^1/2 angstrom, real where the wave is; their mean is 0."""
    wandering: bool
    turning: bool


def coordinates_of(
    trajectory: Trajectory, species: str, repeat: tuple[int, int, int], *, rotation: bool = True, rigid: bool = True
) -> Coordinates:
    """Return displacements and turns of a species.

    Parameters
    ----------
    trajectory:
        A crystal.
    species:
        An element or the formula of a molecule.
    repeat:
        How often the cell holds a smaller one.
    rotation:
        Whether molecules turn.
    rigid:
        Whether the motion of the species as a whole is kept.

    Returns
    -------
    :
        Waves of the sites of the small cell.

    Raises
    ------
    InputError
        If the sites do not repeat so.
    """
    if len(repeat) != 3 or min(repeat) < 1:
        raise InputError(f"repeat: expected three numbers from 1, got {repeat!r}")
    kind = kind_of(trajectory, species)
    cell = np.asarray(trajectory.cell.values)
    mean_cell, inverse = cell.mean(axis=0), np.linalg.inv(cell)
    drift = _drift(trajectory, inverse)
    centre, turns, wander, turning = _motion(trajectory, kind, inverse, drift, rotation)
    sites = centre.mean(axis=0)
    u = (centre - sites) @ mean_cell * np.sqrt(kind.masses.sum())
    table = _table(sites, mean_cell, repeat, species)
    basis = table.shape[1]
    parts = [_waves(u[:, table], repeat)]
    if not rigid:  # the first wave vector is 0: turn the axes so that the first of them is the common displacement
        axes = np.linalg.qr(np.column_stack([np.ones(basis), np.eye(basis)[:, 1:]]))[0]
        first = parts[0][0].reshape(len(u), basis, 3)
        parts[0][0] = np.einsum("tjc,jk->tkc", first, axes)[:, 1:].reshape(len(u), -1)
    if turns is not None:
        turned = turns - turns.mean(axis=0)
        parts.append(_waves(turned[:, table], repeat))
    waves = [np.concatenate(same, axis=1) for same in zip(*parts, strict=True)]
    return Coordinates(waves, wander, turning)


def _waves(motion: Array, repeat: tuple[int, int, int]) -> list[npt.NDArray[Any]]:
    """(T, cells, basis sites, components) as waves (T, coordinates) for each wave vector, the first is 0."""
    arranged = motion.reshape(len(motion), *repeat, -1)
    waves = np.fft.fftn(arranged, axes=(1, 2, 3), norm="ortho").reshape(len(motion), -1, arranged.shape[-1])
    own = [all(2 * k % n == 0 for k, n in zip(index, repeat, strict=True)) for index in np.ndindex(*repeat)]
    return [waves[:, q].real if own[q] else waves[:, q] for q in range(waves.shape[1])]


def _drift(trajectory: Trajectory, inverse: Array) -> Array:
    """Fractional centre of mass of all atoms, (T, 3)."""
    masses = trajectory.masses.values
    centre = np.zeros((len(trajectory), 3))
    for block in trajectory.blocks(copies=2):
        centre += np.einsum("taj,a->tj", trajectory.read("position", block).astype(np.float64), masses[block])
    return np.asarray((centre[:, None] @ inverse)[:, 0] / masses.sum())


def _motion(
    trajectory: Trajectory, kind: Kind, inverse: Array, drift: Array, rotation: bool
) -> tuple[Array, Array | None, bool, bool]:
    """Fractional centres (T, M, 3), turns (T, M, 3 or 2; u^1/2 angstrom), whether sites or orientations are left."""
    count, n = kind.molecules.shape
    centre = np.empty((len(trajectory), count, 3))
    turns = None if n == 1 or not rotation else np.empty((len(trajectory), count, 2 if kind.linear else 3))
    angle = 0.0
    moments = moments_of_inertia(mean_geometry(trajectory, kind), kind.masses, linear=kind.linear)
    done = 0
    for block in trajectory.blocks(kind.molecules.ravel(), rows=n, copies=4):
        x = trajectory.read("position", block).astype(np.float64).reshape(len(trajectory), -1, n, 3)
        here = slice(done, done + x.shape[1])
        mean = np.einsum("i,tmic->tmc", kind.masses, x) / kind.masses.sum()
        centre[:, here] = mean @ inverse - drift[:, None]
        if turns is not None:
            x = x - mean[:, :, None]
            turns[:, here], square = _axis(x, moments) if kind.linear else _turn(x, kind.masses)
            angle += square
        done = here.stop
    cell = np.linalg.inv(inverse.mean(axis=0))
    wander = float(np.sqrt((((centre - centre.mean(axis=0)) @ cell) ** 2).sum(axis=2).mean()))
    return centre, turns, wander > _WANDER, turns is not None and np.sqrt(angle / count) > _TURN


def _axis(x: Array, moments: Array) -> tuple[Array, float]:
    """Turns of linear molecules about two axes across the mean direction, and the sum of mean squared angles."""
    axis = x[:, :, -1] - x[:, :, 0]
    axis /= np.linalg.norm(axis, axis=2, keepdims=True)
    mean = axis.mean(axis=0)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    helper = np.eye(3)[np.abs(mean).argmin(axis=1)]
    first = np.cross(mean, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    across = np.stack([first, np.cross(mean, first)], axis=1)
    angles = np.einsum("tmc,mkc->tmk", axis, across)
    return angles * np.sqrt(moments[-1]), float((angles**2).sum(axis=2).mean(axis=0).sum())


def _turn(x: Array, masses: Array) -> tuple[Array, float]:
    """Rotation vectors from the mean orientation, times the root of the tensor of inertia there."""
    frames, count = x.shape[:2]
    q = np.empty((frames, count, 4))
    reference = np.ascontiguousarray(x[0])
    orientations(x, reference, masses, q)
    mean = np.linalg.eigh(np.einsum("tmi,tmj->mij", q, q))[1][..., -1]
    turned = np.einsum("mcd,mid->mic", matrices(mean), reference)
    gyration = np.einsum("i,mic,mid->mcd", masses, turned, turned)
    inertia = np.trace(gyration, axis1=1, axis2=2)[:, None, None] * np.eye(3) - gyration
    values, axes = np.linalg.eigh(inertia)
    root = np.einsum("mck,mk,mdk->mcd", axes, np.sqrt(values), axes)
    vectors = _rotation_vectors(q, mean)
    return np.einsum("mcd,tmd->tmc", root, vectors), float((vectors**2).sum(axis=2).mean(axis=0).sum())


def _rotation_vectors(q: Array, mean: Array) -> Array:
    """Rotation vectors (T, M, 3), in space, that turn the mean orientation (M, 4) into each (T, M, 4)."""
    w, v = q[..., :1], q[..., 1:]
    w0, v0 = mean[..., :1], -mean[..., 1:]  # the inverse of the mean
    scalar = w * w0 - (v * v0).sum(axis=-1, keepdims=True)
    vector = w * v0 + w0 * v + np.cross(v, np.broadcast_to(v0, v.shape))
    sign = np.where(scalar < 0, -1.0, 1.0)
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    angle = 2 * np.arctan2(length, sign * scalar)
    return np.asarray(sign * vector * np.where(length > 1e-12, angle / np.maximum(length, 1e-12), 2.0))


def _table(sites: Array, cell: Array, repeat: tuple[int, int, int], species: str) -> Indices:
    """Molecule of each small cell and basis site, (cells, basis sites)."""
    times = np.array(repeat)
    small = cell / times[:, None]
    scaled = sites * times  # in small cells
    basis: list[Array] = []
    places: list[dict[tuple[int, ...], int]] = []
    for number, site in enumerate(scaled):
        for origin, taken in zip(basis, places, strict=True):
            away = site - origin
            if np.linalg.norm((away - np.round(away)) @ small) < _SITE:
                taken[tuple((np.round(away).astype(int) % times).tolist())] = number
                break
        else:
            basis.append(site)
            places.append({(0, 0, 0): number})
    if any(len(taken) != times.prod() for taken in places):
        raise InputError(
            f"repeat: the mean positions of {species} do not repeat {' x '.join(map(str, repeat))} times in the cell"
        )
    return np.array([[taken[index] for taken in places] for index in np.ndindex(*repeat)])
