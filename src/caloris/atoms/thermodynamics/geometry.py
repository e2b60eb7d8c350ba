"""Mean geometry of the molecules of one kind. Angstrom, u."""

from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.thermodynamics._kernels import orientations
from caloris.atoms.thermodynamics.windowed_spectra import Kind
from caloris.atoms.trajectory import Trajectory

Array = npt.NDArray[np.floating[Any]]
_FRAMES = 200
"""Frames that give a mean geometry."""


def matrices(quaternions: Array) -> Array:
    """Return rotation matrices (..., 3, 3) of quaternions (..., 4), w first."""
    w, x, y, z = np.moveaxis(quaternions, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def mean_geometry(trajectory: Trajectory, kind: Kind) -> Array:
    """Return the mean positions (n, 3) of the atoms of one molecule about its centre, in the frame of its body."""
    step = max(1, len(trajectory) // _FRAMES)
    x = trajectory.read("position", kind.molecules[0], slice(None, None, step)).astype(np.float64)
    x -= (kind.masses @ x / kind.masses.sum())[:, None]
    if len(kind.masses) == 1:
        return np.zeros((1, 3))
    if kind.linear:  # along its axis
        axis = x[:, -1] - x[:, 0]
        axis /= np.linalg.norm(axis, axis=1)[:, None]
        return np.asarray((x @ axis[..., None]).mean(axis=0) * np.array([0.0, 0.0, 1.0]))
    mean = x[0]
    for _ in range(3):
        q = np.empty((len(x), 1, 4))
        orientations(x[:, None], mean[None], kind.masses, q)
        mean = np.einsum("tdc,tid->ic", matrices(q[:, 0]), x) / len(x)
    return np.asarray(mean)


def moments_of_inertia(geometry: Array, masses: Array, *, linear: bool) -> Array:
    """Return the principal moments of a molecule, three, two if it is linear, none of one atom; u angstrom^2."""
    if len(masses) == 1:
        return np.empty(0)
    gyration = np.einsum("i,ic,id->cd", masses, geometry, geometry)
    moments = np.linalg.eigvalsh(np.trace(gyration) * np.eye(3) - gyration)
    return np.asarray(moments[1:] if linear else moments)
