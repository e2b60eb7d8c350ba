"""Molecules that turn in known ways, stored as trajectories."""

import numpy as np
from exact_trajectories import random_rotations, stored
from scipy.spatial.transform import Rotation

TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
AMMONIUM = np.concatenate([np.zeros((1, 3)), 1.02 * TETRAHEDRON])
SPACING = 8.0


def about(axes, angle):
    """Rotations by an angle in deg about axes (n, 3)."""
    return Rotation.from_rotvec(np.deg2rad(angle) * np.asarray(axes, dtype=float)).as_matrix()


def steps_of(rotations):
    """Orientations (T, molecules, 3, 3) from steps, each applied to what came before."""
    found = np.empty_like(rotations)
    found[0] = rotations[0]
    for k in range(1, len(rotations)):
        found[k] = rotations[k] @ found[k - 1]
    return found


def diffusing(frames, molecules, variance, rng):
    """Random rotations whose vector has this variance per component and frame: 2 D dt."""
    vectors = np.sqrt(variance) * rng.standard_normal((frames * molecules, 3))
    steps = Rotation.from_rotvec(vectors).as_matrix().reshape(frames, molecules, 3, 3)
    steps[0] = random_rotations(molecules, rng)
    return steps_of(steps)


def decay_per_step(order, variance):
    """Exact: <chi_l(angle)> / (2 l + 1) of a rotation vector with three Gaussian components."""
    cosine = [(1 - k**2 * variance) * np.exp(-(k**2) * variance / 2) for k in (1, 2)]
    return (1 + 2 * sum(cosine[:order])) / (2 * order + 1)


def jumping(frames, molecules, operations, probability, rng):
    """Orientations (T, molecules, 3, 3) that jump by a random operation of the body, from the identity on."""
    which = rng.integers(0, len(operations), (frames, molecules))
    jumps = np.where((rng.random((frames, molecules)) < probability)[..., None, None], operations[which], np.eye(3))
    jumps[0] = np.eye(3)
    # body-fixed: the new jump comes first
    return np.transpose(steps_of(np.transpose(jumps, (0, 1, 3, 2))), (0, 1, 3, 2))


def molecules_of(folder, shape, symbols, orientations, *, sites=None, bonds=None, cell=None, **how):
    """One molecule of this shape for each orientation, on a lattice."""
    folder.mkdir(exist_ok=True)
    frames, count = orientations.shape[:2]
    if sites is None:
        sites = SPACING * np.stack(np.unravel_index(np.arange(count), (10, 10, 10)), axis=-1)
    atoms = np.einsum("tmij,aj->tmai", orientations, shape) + sites[:, None]
    star = np.array([[0, k] for k in range(1, len(shape))]) if bonds is None else bonds
    every = np.concatenate([star + len(shape) * m for m in range(count)])
    cell = 10 * SPACING if cell is None else cell
    return stored(folder, atoms.reshape(frames, -1, 3), symbols * count, bonds=every, cell=cell, **how)
