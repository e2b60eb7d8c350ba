"""Which directions to follow: unit vectors along bonds, or from the centre of a molecule to its outer atoms."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.h5md import SLAB
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]
Groups = list[tuple[Indices, Indices]]
"""Of each molecule: atoms whose mean is the start of its vectors (vectors, atoms), and their ends (vectors,)."""


def followed(
    trajectory: Trajectory,
    bond: tuple[str, str] | None,
    molecule: str | None,
    select: Sequence[int] | None = None,
) -> Groups:
    """Return which vectors to follow, by molecule.

    Parameters
    ----------
    trajectory:
        The trajectory.
    bond:
        Elements of the bonds to follow, for example ``("N", "H")``.
    molecule:
        Instead: formula of the molecules; from the centre of their atoms to those of the element farthest out.

    select:
        Numbers of the molecules that count among those; by default all.

    Returns
    -------
    :
        Of each molecule the atoms at which its vectors start and end.

    Raises
    ------
    InputError
        If there are no such bonds or molecules.
    """
    if (bond is None) == (molecule is None):
        raise InputError('give either bond=("N", "H") or molecule="B12H12"')
    found = _bonds(trajectory, bond) if bond is not None else _outward(trajectory, str(molecule))
    if select is None:
        return found
    numbers = np.asarray(select)
    if numbers.ndim != 1 or not len(numbers) or numbers.min() < 0 or numbers.max() >= len(found):
        raise InputError(f"select: expected numbers of molecules from 0 to {len(found) - 1}")
    return [found[number] for number in numbers.tolist()]


def _outward(trajectory: Trajectory, molecule: str) -> Groups:
    members = trajectory.molecules_of(molecule)
    if members.shape[1] < 2:
        raise InputError(f"molecule: {molecule!r} is one atom, which has no orientation")
    positions = trajectory.read("position", members[0], slice(0, 1))[0]
    away = np.linalg.norm(positions - positions.mean(axis=0), axis=1)
    outer = trajectory.symbols[members[0, int(np.argmax(away))]]
    found = []
    for atoms in members:
        ends = np.array([i for i in atoms if trajectory.symbols[i] == outer])
        found.append((np.broadcast_to(atoms, (len(ends), len(atoms))), ends))
    return found


def batches(trajectory: Trajectory, molecules: Groups, *, at_least: int = 1) -> list[Groups]:
    """Split molecules into lists of which all frames fit into memory."""
    size = max(len(np.union1d(starts, ends)) for starts, ends in molecules)
    batch = max(1, min(SLAB // (48 * size * len(trajectory)), -(-len(molecules) // at_least)))
    return [molecules[first : first + batch] for first in range(0, len(molecules), batch)]


def unit_vectors(trajectory: Trajectory, molecules: Groups, frames: slice = slice(None)) -> Iterator[Array]:
    """Yield the unit vectors (T, vectors, 3) of one molecule after the other; all of them are read at once.

    A bond without length raises an InputError.
    """
    atoms = np.unique(np.concatenate([np.union1d(starts, ends) for starts, ends in molecules]))
    positions = trajectory.read("position", atoms, frames)
    for starts, ends in molecules:
        heads = positions[:, np.searchsorted(atoms, ends)].astype(np.float64)
        tails = positions[:, np.searchsorted(atoms, starts)].astype(np.float64).mean(axis=2)
        lengths = np.linalg.norm(heads - tails, axis=-1, keepdims=True)
        if not lengths.min() > 0:
            raise InputError(f"{trajectory.path}: two bonded atoms are at the same place: their bond has no direction")
        yield (heads - tails) / lengths


def _bonds(trajectory: Trajectory, bond: tuple[str, str]) -> Groups:
    symbols = np.array(trajectory.symbols)
    pairs = np.concatenate([trajectory.bonds, trajectory.bonds[:, ::-1]])
    pairs = pairs[(symbols[pairs[:, 0]] == bond[0]) & (symbols[pairs[:, 1]] == bond[1])]
    if bond[0] == bond[1]:
        pairs = pairs[: len(pairs) // 2]
    if not len(pairs):
        raise InputError(
            f"{trajectory.path}: no bonds {bond[0]}-{bond[1]} in it; bonds are what join_segments was given"
        )
    owner = trajectory.molecules[pairs[:, 0]]
    return [(pairs[owner == number][:, :1], pairs[owner == number][:, 1]) for number in np.unique(owner)]
