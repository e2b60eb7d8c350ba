"""Which atoms are independent samples: those of one molecule move together and count as one.

Errors from the scatter between atoms would be too small by the square root of the atoms of a molecule. A network that
is bonded to its own images, such as a framework, is no molecule: its atoms count one by one, which they are not where
they move together.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory


def independent_units(trajectory: Trajectory, atoms: Indices, *, rows: int = 1) -> Indices:
    """Number the independent unit that each row belongs to: its molecule, or itself in a network.

    Parameters
    ----------
    trajectory:
        Its molecules are those of its bonds.
    atoms:
        (n,) indices; of molecules (molecules, atoms) flattened.
    rows:
        Atoms of one row.

    Returns
    -------
    :
        (n / rows,), from 0 in the order in which units first appear.
    """
    label = np.asarray(trajectory.molecules)[atoms.reshape(-1, rows)[:, 0]].astype(np.int64)
    if len(np.unique(label)) < len(label):
        alone = np.isin(label, _networks(trajectory))
        label[alone] = int(trajectory.molecules.max()) + 1 + np.arange(np.count_nonzero(alone))
    _, first, unit = np.unique(label, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first)))[unit]


def grouped(units: Indices, most: int) -> Indices:
    """Number the group of each unit's rows, of which there are at most so many, evenly filled with units.

    Examples
    --------
    >>> grouped(np.array([0, 0, 1, 1, 2, 2, 3, 3]), 2)
    array([0, 0, 0, 0, 1, 1, 1, 1])
    """
    count = int(units.max(initial=-1)) + 1
    return np.asarray(units * min(count, most) // max(count, 1))


def _networks(trajectory: Trajectory) -> npt.NDArray[Any]:
    """Molecules with a bond that leads to another image, so that no whole molecule can be stored."""
    bonds = np.asarray(trajectory.bonds)
    if not len(bonds):
        return np.empty(0, dtype=np.int64)
    atoms, where = np.unique(bonds, return_inverse=True)
    first = trajectory.read("position", atoms, slice(0, 1))[0].astype(np.float64)
    place = (first @ np.linalg.inv(np.asarray(trajectory.cell.values)[0]))[where.reshape(bonds.shape)]
    through = np.any(np.abs(place[:, 1] - place[:, 0]) > 0.5 + 1e-6, axis=1)
    return np.unique(np.asarray(trajectory.molecules)[bonds[through, 0]])
