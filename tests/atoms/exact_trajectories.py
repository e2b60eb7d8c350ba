"""Trajectories of which every observable is known, written through the store as an engine would."""

import numpy as np
from ase import Atoms

from caloris.atoms.trajectory import Segment, join_segments, write_segment


def cells(edge, frames):
    return np.broadcast_to(np.diag(np.broadcast_to(edge, 3)).astype(float), (frames, 3, 3))


def stored(
    folder,
    positions,
    symbols,
    *,
    time_step=1.0,
    cell=50.0,
    velocities=None,
    bonds=None,
    masses=None,
    pieces=1,
    observables=None,
):
    """A trajectory on disk; ``cell`` is an edge (angstrom) or (T, 3, 3)."""
    frames = len(positions)
    cell = cells(cell, frames) if np.ndim(cell) < 2 else cell
    time = time_step * np.arange(frames)
    paths = []
    for number, part in enumerate(np.array_split(np.arange(frames), pieces)):
        segment = Segment(
            time=time[part],
            cell=cell[part],
            positions=positions[part],
            velocities=None if velocities is None else velocities[part],
            observables_time=time[part] if observables else np.empty(0),
            observables={name: values[part] for name, values in (observables or {}).items()},
        )
        paths.append(folder / f"segment-{number}.h5")
        write_segment(paths[-1], segment)
    atoms = Atoms(symbols, positions=positions[0], masses=masses)
    return join_segments(paths, folder / "trajectory.h5", atoms=atoms, bonds=bonds, inputs={"synthetic": True})


def random_rotations(count, rng):
    """(count, 3, 3), uniform."""
    from scipy.spatial.transform import Rotation

    return Rotation.random(count, rng=rng).as_matrix()
