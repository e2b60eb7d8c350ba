"""The velocity that all atoms share where the centre of mass drifts: no vibration and no gas. Unit: angstrom/ps."""

from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.parallel import map_blocks
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory

Array = npt.NDArray[np.floating[Any]]

_LOOKS = 8
"""Frames that tell whether the momentum is zero, before all of them are read."""
_NOTHING = 1e-7
"""Share of the kinetic energy, below which the centre of mass rests."""
_SLOW = 0.5
"""Share of the motion of the centre of mass that a drift has below the resolution."""


def drift_velocity(trajectory: Trajectory, length: int) -> Array | None:
    """Return the velocity of the centre of mass of all atoms where it is a drift.

    Walls and thermostats that hold atoms one by one let the centre of mass vibrate or diffuse with its own three modes:
    that is not taken for a drift, which is slower than the windows of a spectrum.

    Parameters
    ----------
    trajectory:
        With velocities.
    length:
        Frames of a window.

    Returns
    -------
    :
        (T, 3), angstrom/ps; None where there is no drift.
    """
    if int(trajectory.molecules.max()) == 0:
        return None  # one molecule: its motion is all there is
    masses = trajectory.masses.values
    few = np.unique(np.linspace(0, len(trajectory) - 1, _LOOKS).astype(int)).tolist()
    if not any(_moves(trajectory.read("velocity", None, slice(k, k + 1))[0], masses) for k in few):
        return None

    def task(block: Indices) -> Array:
        return np.asarray(np.einsum("tac,a->tc", trajectory.read("velocity", block), masses[block]))

    momentum: Array = sum(map_blocks(task, trajectory.blocks(copies=2), title="drift"), np.zeros(()))
    velocity = momentum / masses.sum()
    square = float((velocity**2).sum(axis=1).mean())
    blocks = [part.mean(axis=0) for part in np.array_split(velocity, max(1, len(velocity) // length))]
    slow = float(np.mean([(mean**2).sum() for mean in blocks]))
    return velocity if square > 0 and slow > _SLOW * square else None


def _moves(velocities: Array, masses: Array) -> bool:
    v = velocities.astype(np.float64)
    energy = float(masses @ (v**2).sum(axis=1))
    return float(((masses @ v) ** 2).sum()) / float(masses.sum()) > _NOTHING * energy
