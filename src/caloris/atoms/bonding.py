"""Which atoms of a periodic structure are near one another, which are bound, and what hangs together.

Two atoms are bound where they are nearer than 1.25 times the sum of their covalent radii (Cordero et al., Dalton Trans.
2832 (2008), as ASE has them); alkali and alkaline-earth ions are bound to nothing. Lengths in angstrom.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from caloris.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

BOND_REACH = 1.25
"""Longest bond in sums of covalent radii: B-B 2.10, B-H 1.44, N-H 1.28, C-N 1.84, C-S 2.26 angstrom.

The shortest contact between molecules of NH4SCN, a hydrogen bond of 1.93 angstrom, is 1.9 sums long.
"""
IONS = frozenset({"Li", "Na", "K", "Rb", "Cs", "Be", "Mg", "Ca", "Sr", "Ba"})
"""Elements that are ions in salts: bound to nothing, however near."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of atoms that are near one another, each from both of its sides."""

    first: Indices
    second: Indices
    shift: Indices
    """(n, 3), cell vectors to add to the position of ``second``."""
    vector: Array
    """(n, 3), from ``first`` to ``second``, angstrom."""
    distance: Array
    """Angstrom."""
    closeness: Array
    """Distance in sums of covalent radii."""

    def where(self, keep: NDArray[np.bool_]) -> "Pairs":
        """Return some of the pairs.

        Parameters
        ----------
        keep:
            Which.

        Returns
        -------
        :
            Those.
        """
        return Pairs(
            self.first[keep],
            self.second[keep],
            self.shift[keep],
            self.vector[keep],
            self.distance[keep],
            self.closeness[keep],
        )


def neighbours(atoms: "Atoms", reach: float) -> Pairs:
    """Find the pairs of atoms nearer than ``reach`` sums of their covalent radii, images included.

    Parameters
    ----------
    atoms:
        The structure.
    reach:
        In sums of covalent radii.

    Returns
    -------
    :
        Each pair from both sides.
    """
    from ase.data import covalent_radii

    return within(atoms, reach * covalent_radii[atoms.numbers])


def bonds(atoms: "Atoms", ions: Collection[str] = IONS) -> Pairs:
    """Find the bonds of a structure.

    Parameters
    ----------
    atoms, ions:
        As for :func:`molecules`.

    Returns
    -------
    :
        Each bond from both sides.
    """
    near = neighbours(atoms, BOND_REACH)
    free = np.isin(atoms.get_chemical_symbols(), list(ions))
    return near.where(~(free[near.first] | free[near.second]))


def components(n: int, first: Indices, second: Indices) -> list[Indices]:
    """Return the groups of ``n`` atoms that pairs connect.

    Parameters
    ----------
    n:
        Number of atoms.
    first, second:
        The pairs.

    Returns
    -------
    :
        Indices of each group, ascending, in the order of their first atoms.
    """
    number = labels(n, first, second)
    members = np.argsort(number, kind="stable")
    groups = np.split(members, np.cumsum(np.bincount(number))[:-1])
    return sorted((np.asarray(group, dtype=np.int64) for group in groups), key=lambda group: int(group[0]))


def within(atoms: "Atoms", cutoff: float | Array) -> Pairs:
    """Find the pairs of atoms nearer than a distance, images included.

    Parameters
    ----------
    atoms:
        The structure.
    cutoff:
        The distance, angstrom; or a radius for each atom, of which two are added.

    Returns
    -------
    :
        Each pair from both sides.
    """
    from ase.data import covalent_radii
    from ase.neighborlist import neighbor_list

    first, second, shift, vector, distance = neighbor_list("ijSDd", atoms, cutoff)
    radii = covalent_radii[atoms.numbers]
    sums = radii[first] + radii[second]
    return Pairs(first.astype(np.int64), second.astype(np.int64), shift, vector, distance, distance / sums)


def labels(n: int, first: Indices, second: Indices) -> Indices:
    """Number the groups of ``n`` atoms that pairs connect.

    Parameters
    ----------
    n, first, second:
        As for :func:`components`.

    Returns
    -------
    :
        Number of the group of each atom.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def offsets(atoms: "Atoms", bound: Pairs) -> Indices:
    """Find the cell vectors to add to every atom so that all bonds are direct.

    Parameters
    ----------
    atoms:
        The structure.
    bound:
        Its bonds.

    Returns
    -------
    :
        Shape (n, 3), in cell vectors.

    Raises
    ------
    InputError
        If bonds go on without end through the periodic cell.
    """
    moved = np.zeros((len(atoms), 3), dtype=np.int64)
    order = np.argsort(bound.first, kind="stable")
    starts = np.searchsorted(bound.first[order], np.arange(len(atoms) + 1))
    seen = np.zeros(len(atoms), dtype=bool)
    for root in range(len(atoms)):
        waiting = deque([] if seen[root] else [root])
        seen[root] = True
        while waiting:
            i = waiting.popleft()
            for bond in order[starts[i] : starts[i + 1]]:
                j = bound.second[bond]
                if not seen[j]:
                    seen[j] = True
                    moved[j] = moved[i] + bound.shift[bond]
                    waiting.append(int(j))
    astray = (moved[bound.second] - moved[bound.first] != bound.shift).any(axis=1)
    if astray.any():
        at = int(np.flatnonzero(astray)[0])
        one, other = int(bound.first[at]), int(bound.second[at])
        raise InputError(
            f"structure: the bonds of atoms {one} ({atoms.symbols[one]}) and {other} ({atoms.symbols[other]}) go on "
            "without end through the periodic cell, there is no whole molecule; name the elements that are ions (ions=)"
        )
    return moved
