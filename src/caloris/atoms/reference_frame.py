"""Paths of atoms without what is not theirs: the breathing of the cell and the drift of the centre of mass.

Fractional coordinates in the cell of each frame, less the drift of the centre of mass of all atoms since the first
frame, times the mean cell: a barostat moves no atom. Along vectors that are not periodic (a slab in a vacuum, whose
box follows its outermost atoms) nothing is scaled. Units: angstrom.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms._kernels import paths_in_frame, weighted_sum
from caloris.atoms.segments import LARGEST_STRAIN, Indices, cell_strain
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]

_BLOCK = 512
"""Most atoms of a block."""


@dataclass(frozen=True, eq=False)
class ReferenceFrame:
    """What turns stored positions into paths in the mean cell: r . turn - shift, frame by frame."""

    mean_cell: Array
    """(3, 3), angstrom; rows are the cell vectors."""
    turn: Array
    """(T, 3, 3), the inverse cell of each frame times the mean cell; no change along vectors that are not periodic."""
    shift: Array
    """(T, 3), drift of what is at rest, in the mean cell, since the first frame, angstrom."""

    @property
    def reciprocal_cell(self) -> Array:
        """(3, 3), 1/angstrom; rows are the reciprocal vectors of the mean cell, 2 pi included."""
        return np.asarray(2 * np.pi * np.linalg.inv(self.mean_cell).T)


def reference_frame(trajectory: Trajectory, at_rest: Selection = None) -> ReferenceFrame:
    """Return the mean cell and the drift; all positions are read once.

    Parameters
    ----------
    trajectory:
        T frames.
    at_rest:
        Atoms whose centre of mass does not move; all by default.

    Returns
    -------
    :
        The frame that :func:`paths` are seen from.

    Raises
    ------
    InputError
        If the cell vectors jump from one frame to the next, so that they have no mean.
    """
    cell, periodic = np.asarray(trajectory.cell.values), np.array(trajectory.periodic)
    _check_vectors(trajectory, cell)
    mean_cell = cell.mean(axis=0)
    turn = np.linalg.inv(np.where(periodic[:, None], cell, mean_cell)) @ mean_cell
    atoms = trajectory.select(at_rest)
    weights = np.zeros(len(trajectory.symbols))
    weights[atoms] = trajectory.masses.values[atoms]
    weights /= weights.sum()
    centre = np.zeros((len(trajectory), 3))
    for block in trajectory.blocks(atoms, copies=2):
        centre += weighted_sum(trajectory.read("position", block), weights[block])
    centre = (centre[:, None] @ turn)[:, 0]
    return ReferenceFrame(mean_cell, turn, centre - centre[0])


def _check_vectors(trajectory: Trajectory, cell: Array) -> None:
    """Refuse cells whose vectors do not go on from frame to frame."""
    strain = cell_strain(cell, trajectory.periodic)
    if np.any(strain > LARGEST_STRAIN):
        at = int(np.argmax(strain > LARGEST_STRAIN))
        raise InputError(
            f"{trajectory.path}: the cell vectors jump by {strain[at]:.2f} of themselves after frame {at + 1}: the box "
            "was flipped, or frames are too far apart; convert the trajectory anew, or write vectors that go on"
        )


def paths(trajectory: Trajectory, atoms: Indices, frame: ReferenceFrame) -> Array:
    """Return the paths of atoms in the mean cell.

    Parameters
    ----------
    trajectory, frame:
        T frames and what they are seen from.
    atoms:
        (n,) indices.

    Returns
    -------
    :
        (n, 3, T), angstrom, unwrapped, time last.
    """
    return np.asarray(paths_in_frame(trajectory.read("position", atoms), frame.turn, frame.shift))


def snapshots(trajectory: Trajectory, atoms: Indices, frame: ReferenceFrame, frames: slice) -> Array:
    """Return the positions of atoms in the mean cell.

    Parameters
    ----------
    trajectory, frame:
        T frames and what they are seen from.
    atoms:
        (n,) indices.
    frames:
        Which frames.

    Returns
    -------
    :
        (frames, n, 3), angstrom, unwrapped.
    """
    positions = trajectory.read("position", atoms, frames).astype(np.float64)
    return np.asarray(positions @ frame.turn[frames] - frame.shift[frames, None])


def centres(trajectory: Trajectory, members: Indices, frame: ReferenceFrame) -> Array:
    """Return the paths of the centres of mass of molecules, (molecules, atoms) indices: (molecules, 3, T), angstrom."""
    atoms = paths(trajectory, members.ravel(), frame)
    masses = np.asarray(trajectory.masses.values)[members]
    weights = masses / masses.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("mk,mkct->mct", weights, atoms.reshape(*members.shape, 3, -1)))


def batches(trajectory: Trajectory, atoms: Indices, *, rows: int = 1, copies: int = 8) -> list[Indices]:
    """Split atoms into blocks of which all frames fit into memory, small enough for every core to have some."""
    step = max(1, _BLOCK // rows) * rows
    whole = trajectory.blocks(atoms, rows=rows, copies=copies)
    return [block[start : start + step] for block in whole for start in range(0, len(block), step)]
