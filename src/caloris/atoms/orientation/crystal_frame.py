"""The frame that breathes and drifts with the crystal: fractional coordinates, less the centre of mass.

A barostat that breathes moves no atom in it, and no drift of the whole either. Units: angstrom, u.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.h5md import SLAB
from caloris.atoms.reference_frame import reference_frame
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class CrystalFrame:
    """Cells of every frame and the drift of the centre of mass."""

    cell: Array
    """Mean cell, rows are vectors (3, 3), angstrom."""
    inverse: Array
    """Inverse of the cell of each frame (T, 3, 3)."""
    drift: Array
    """Fractional centre of mass of each frame less that of the first (T, 3)."""

    def fractional(self, positions: Array, frames: slice = slice(None)) -> Array:
        """Return fractional coordinates (T, n, 3), not wrapped, of positions (T, n, 3) in angstrom."""
        return np.asarray(positions.astype(np.float64) @ self.inverse[frames] - self.drift[frames][:, None])


def crystal_frame(trajectory: Trajectory) -> CrystalFrame:
    """Read the frame of reference of a trajectory; all atoms count, by their masses."""
    frame = reference_frame(trajectory)
    inverse = np.linalg.inv(np.asarray(trajectory.cell.values))
    return CrystalFrame(frame.mean_cell, inverse, frame.shift @ np.linalg.inv(frame.mean_cell))


def frame_axes(trajectory: Trajectory) -> Array:
    """Rows are the axes of the crystal's frame: x along a, z along a x b of the mean cell."""
    a, b, _ = np.asarray(trajectory.cell.values).mean(axis=0)
    z = np.cross(a, b)
    x, z = a / np.linalg.norm(a), z / np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z])


def body_blocks(trajectory: Trajectory, members: Indices, copies: int = 6) -> Iterator[slice]:
    """Split molecules (molecules, atoms) into slices of which all frames fit into memory."""
    size = max(1, SLAB // (24 * copies * members.shape[1] * len(trajectory)))
    for first in range(0, len(members), size):
        yield slice(first, min(first + size, len(members)))


def bodies(trajectory: Trajectory, kind: str) -> Indices:
    """Atoms of every molecule of a formula, or of single atoms of an element: (bodies, atoms)."""
    single = np.flatnonzero(np.array(trajectory.symbols) == kind)
    return single[:, None] if len(single) else trajectory.molecules_of(kind)


def centres_of_mass(trajectory: Trajectory, members: Indices, frame: CrystalFrame) -> Iterator[tuple[slice, Array]]:
    """Yield slices of molecules and their centres of mass, fractional, unwrapped (T, molecules, 3)."""
    masses = trajectory.masses.values
    for part in body_blocks(trajectory, members):
        atoms = members[part]
        positions = trajectory.read("position", atoms.ravel()).astype(np.float64)
        shape = positions.reshape(len(trajectory), len(atoms), -1, 3)
        weights = masses[atoms] / masses[atoms].sum(axis=1, keepdims=True)
        yield part, frame.fractional(np.einsum("tmaj,ma->tmj", shape, weights, optimize=True))


def state_of(trajectory: Trajectory) -> tuple[float, float]:
    """Pressure (MPa) and temperature (K) that the run was held at; an error if the file does not say so."""
    conditions = trajectory.inputs.get("conditions", {})
    try:
        return float(conditions["pressure"]), float(conditions["temperature"])
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{trajectory.path}: does not say at which pressure and temperature it was run; give them as states"
        ) from None
