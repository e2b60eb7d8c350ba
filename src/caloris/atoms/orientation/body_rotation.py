"""Rotation of molecules as a whole, by laying a frame over another (Kabsch), and which molecules have turned at all.

Vertices that librate count little. The angle of linear molecules is that of their axis. Units: deg.
Source: Kabsch, Acta Cryst. A 32, 922 (1976).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.orientation.crystal_frame import body_blocks
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class RotatingMolecules:
    """Which molecules have turned."""

    rotating: int
    """Molecules that turned by more than ``angle`` at any time."""
    total: int
    largest_angle: sc.Variable
    """Largest angle of each, dimension ``molecule``, deg."""
    angle: sc.Variable
    """What counts as turned, deg."""

    def __repr__(self) -> str:
        return f"<RotatingMolecules: {self.rotating} of {self.total} beyond {self.angle.value:g} deg>"


def rotating_molecules(trajectory: Trajectory, molecule: str, *, angle: Quantity = "60 deg") -> RotatingMolecules:
    """Count molecules that have turned, by the rotation that carries a molecule as a whole from the first frame on.

    Parameters
    ----------
    trajectory:
        At least 2 frames.
    molecule:
        Formula, at least 2 atoms.
    angle:
        What counts as turned: more than libration, less than the smallest rotation that a molecule jumps by (72 deg for
        an icosahedron, 120 deg for a tetrahedron).

    Returns
    -------
    :
        The number of molecules that turned, and the largest angle of each.

    Raises
    ------
    InputError
        If there are no such molecules, or they are atoms.

    Source
    ------
    Kabsch, Acta Cryst. A 32, 922 (1976).
    """
    limit = magnitude(angle, "deg", "angle", positive=True)
    members = rigid_members(trajectory, molecule)
    largest: list[float] = []
    for part in body_blocks(trajectory, members):
        shape = shapes(trajectory, members[part])
        for m in range(shape.shape[1]):
            first = np.broadcast_to(shape[:1, m], shape[:, m].shape)
            largest.append(float(rotation_angles(first, shape[:, m]).max()))
    degrees = np.rad2deg(largest)
    return RotatingMolecules(
        rotating=int(np.sum(degrees > limit)),
        total=len(members),
        largest_angle=sc.array(dims=["molecule"], values=degrees, unit="deg"),
        angle=sc.scalar(limit, unit="deg"),
    )


def rigid_members(trajectory: Trajectory, molecule: str) -> Indices:
    """Return the atoms of molecules that have an orientation, (molecules, atoms)."""
    members = trajectory.molecules_of(molecule)
    if members.shape[1] < 2:
        raise InputError(f"molecule: {molecule!r} is one atom, which has no orientation")
    return members


def shapes(trajectory: Trajectory, members: Indices) -> Array:
    """Read molecules about the mean of their atoms, (T, molecules, atoms, 3), angstrom."""
    positions = trajectory.read("position", members.ravel()).astype(np.float64)
    shape = positions.reshape(len(trajectory), *members.shape, 3)
    return np.asarray(shape - shape.mean(axis=2, keepdims=True))


def rotation_angles(before: Array, after: Array) -> Array:
    """Return the angle of the best rotation from one shape to another.

    Parameters
    ----------
    before, after:
        (T, atoms, 3), about their centres.

    Returns
    -------
    :
        (T,), rad, 0 to pi.

    Examples
    --------
    >>> cross = np.array([[[1.0, 0, 0], [-1.0, 0, 0], [0, 1.0, 0], [0, -1.0, 0]]])
    >>> quarter = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    >>> float(np.round(np.rad2deg(rotation_angles(cross, cross @ quarter)), 6)[0])
    90.0
    """
    spread = np.linalg.svd(before[0], compute_uv=False)
    if spread[1] < 0.05 * spread[0]:  # linear: turning about the axis is nothing
        outer = int(np.argmax((before[0] ** 2).sum(axis=1)))
        a, b = before[:, outer], after[:, outer]
        cosine = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    else:  # rotation V diag(1, 1, +-1) U^T, of which only the trace is needed
        u, _, vt = np.linalg.svd(before.transpose(0, 2, 1) @ after)
        vt[:, 2] *= np.sign(np.linalg.det(u) * np.linalg.det(vt))[:, None]
        cosine = 0.5 * (np.einsum("tik,tki->t", u, vt) - 1)
    return np.asarray(np.arccos(np.clip(cosine, -1, 1)))
