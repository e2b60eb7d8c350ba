"""Structures for simulation: supercells, molecules made whole, contacts that are too short. Lengths in angstrom."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from caloris.atoms.bonding import IONS, Indices, Pairs, bonds, components, labels, neighbours, offsets, within
from caloris.errors import InputError
from caloris.materials.crystal import occupancies
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from ase import Atoms

_TOO_CLOSE = 0.6
"""In sums of covalent radii; the shortest real bond, N2, has 0.77."""


@dataclass(frozen=True)
class Contact:
    """Two atoms and how far they are apart."""

    first: int
    second: int
    symbols: tuple[str, str]
    distance: float
    """Angstrom."""

    def __str__(self) -> str:
        one, other = self.symbols
        if self.first == self.second:
            return f"atom {self.first} ({one}) and its own image are {self.distance:.2f} angstrom apart"
        return f"atoms {self.first} ({one}) and {self.second} ({other}) are {self.distance:.2f} angstrom apart"


def supercell(cell: "Atoms", repeat: int | Sequence[int] = (2, 2, 2)) -> "Atoms":
    """Repeat a unit cell along its three vectors.

    Parameters
    ----------
    cell:
        A periodic structure, every site fully occupied.
    repeat:
        How often along a, b and c, or one number for all.

    Returns
    -------
    :
        The repeated structure, without the symmetry of the cell.

    Raises
    ------
    InputError
        If sites are partly occupied, there is no periodic cell, or a number is not a whole one above 0.

    Examples
    --------
    >>> from caloris.materials import load
    >>> len(supercell(load("NH4SCN").structure("monoclinic"), (6, 4, 2)))
    1536
    """
    check_structure(cell)
    _refuse_partial(cell)
    return without_symmetry(cell.repeat(repeats(repeat)))


def molecules(atoms: "Atoms", *, ions: Collection[str] = IONS) -> list[Indices]:
    """Find the molecules and ions of a structure: atoms that bonds connect, across the boundary of the cell too.

    Parameters
    ----------
    atoms:
        The structure, wrapped or not.
    ions:
        Elements that are bound to nothing; for AgI add Ag.

    Returns
    -------
    :
        Indices of the atoms of each molecule, ascending; molecules in the order of their first atoms.

    Raises
    ------
    InputError
        If sites are partly occupied, or there are no atoms.

    Examples
    --------
    >>> from caloris.materials import load
    >>> [len(found) for found in molecules(load("NH4SCN").structure("monoclinic"))]
    [3, 3, 3, 3, 5, 5, 5, 5]
    """
    check_atoms(atoms)
    _refuse_partial(atoms)
    bound = bonds(atoms, ions)
    return components(len(atoms), bound.first, bound.second)


def formulas(atoms: "Atoms", found: Sequence[Indices] | None = None) -> list[str]:
    """Name the molecules of a structure by their formulas.

    Parameters
    ----------
    atoms:
        The structure.
    found:
        What :func:`molecules` found; it is called if absent.

    Returns
    -------
    :
        Formula of each molecule in Hill's order: C and H first if there is C, the rest by the alphabet.

    Raises
    ------
    InputError
        As for :func:`molecules`.

    Examples
    --------
    >>> from caloris.materials import load
    >>> sorted(set(formulas(load("NH4SCN").structure("monoclinic"))))
    ['CNS', 'H4N']
    """
    return [
        hill_formula(atoms[indices].get_chemical_formula())
        for indices in (molecules(atoms) if found is None else found)
    ]


def make_whole(atoms: "Atoms", *, ions: Collection[str] = IONS) -> "Atoms":
    """Move atoms by cell vectors so that no molecule is cut by the boundary of the cell.

    Parameters
    ----------
    atoms:
        The structure, wrapped or not.
    ions:
        As for :func:`molecules`.

    Returns
    -------
    :
        A copy; the mean position of every molecule lies in the cell.

    Raises
    ------
    InputError
        If a molecule goes on without end through the periodic cell, or as for :func:`molecules`.

    Examples
    --------
    >>> from caloris.materials import load
    >>> whole = make_whole(load("NH4SCN").structure("monoclinic"))
    >>> bool(whole.get_distance(4, 0) < 1.74)  # C-S without minimum image
    True
    """
    check_atoms(atoms)
    _refuse_partial(atoms)
    bound = bonds(atoms, ions)
    whole = atoms.copy()
    if len(bound.first) == 0 and not atoms.pbc.any():
        return cast("Atoms", whole)
    cell = atoms.cell.complete().array
    positions = atoms.positions + offsets(atoms, bound) @ cell
    periodic = np.asarray(atoms.pbc)
    for group in components(len(atoms), bound.first, bound.second):
        centre = np.linalg.solve(cell.T, positions[group].mean(axis=0))
        # the small number keeps a centre at 0 where it is
        positions[group] -= (np.floor(centre + 1e-9) * periodic) @ cell
    whole.set_positions(positions)
    return cast("Atoms", whole)


def shortest_contact(atoms: "Atoms", *, between_molecules: bool = False, ions: Collection[str] = IONS) -> Contact:
    """Find the two atoms that are nearest to one another, periodic images included.

    Parameters
    ----------
    atoms:
        The structure.
    between_molecules:
        Whether only atoms of different molecules (or of a molecule and its image) count.
    ions:
        As for :func:`molecules`.

    Returns
    -------
    :
        The pair and its distance.

    Raises
    ------
    InputError
        If there is only one atom or molecule and nothing is periodic.

    Examples
    --------
    >>> from caloris.materials import load
    >>> print(shortest_contact(load("NH4SCN").structure("monoclinic"), between_molecules=True))
    atoms 8 (N) and 18 (H) are 1.93 angstrom apart
    """
    check_atoms(atoms)
    extent = float(np.linalg.norm(np.ptp(atoms.positions, axis=0)) + np.linalg.norm(atoms.cell.array, axis=1).sum())
    moved, group = None, np.zeros(len(atoms), dtype=np.int64)
    if between_molecules:
        bound = bonds(atoms, ions)
        moved, group = offsets(atoms, bound), labels(len(atoms), bound.first, bound.second)
    reach = 1.2
    while True:
        near = within(atoms, reach)
        if moved is not None:
            same = (moved[near.second] - moved[near.first] == near.shift).all(axis=1)
            near = near.where(~(same & (group[near.first] == group[near.second])))
        if len(near.first):
            at = int(np.argmin(near.distance))
            return _contact(atoms, near, at)
        if reach > extent:
            raise InputError("structure: there is only one atom or molecule, nothing for it to touch; give a crystal")
        reach *= 1.5


def check_contacts(atoms: "Atoms", smallest: Quantity | None = None) -> None:
    """Refuse a structure in which two atoms are on top of one another.

    Parameters
    ----------
    atoms:
        The structure.
    smallest:
        Least distance that is allowed, a length; if absent 0.6 times the sum of the covalent radii of the two, which
        is below every bond (H-H 0.37, C-H 0.64, C-C 0.91 angstrom).

    Raises
    ------
    InputError
        If two atoms are nearer; the message names the worst pair and the number of pairs.

    Examples
    --------
    >>> from ase import Atoms
    >>> check_contacts(Atoms("HO", positions=[[0, 0, 0], [0, 0, 0.31]]))
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: structure: atoms 0 (H) and 1 (O) are 0.31 angstrom apart, too close for any bond \
(1 pair in all); remove one of them, or start from a structure without overlaps
    """
    check_atoms(atoms)
    if smallest is None:
        near, limit = neighbours(atoms, _TOO_CLOSE), "too close for any bond"
        worst = near.closeness
    else:
        length = magnitude(smallest, "angstrom", "smallest", positive=True)
        near, limit = within(atoms, length), f"less than {length:g}"
        worst = near.distance
    if len(near.first) == 0:
        return
    count = (len(near.first) + 1) // 2  # every pair is there from both sides
    raise InputError(
        f"structure: {_contact(atoms, near, int(np.argmin(worst)))}, {limit} ({count} pair{'s' * (count > 1)} in all); "
        "remove one of them, or start from a structure without overlaps"
    )


# -- what the files of this room share -----------------------------------------------------------------


def repeats(repeat: int | Sequence[int]) -> tuple[int, int, int]:
    """Check how often a cell is to be repeated.

    Parameters
    ----------
    repeat:
        One number or three.

    Returns
    -------
    :
        Three numbers.

    Raises
    ------
    InputError
        If they are not three whole numbers above 0.
    """
    given = [repeat] * 3 if isinstance(repeat, int | np.integer) else list(repeat)
    whole = all(isinstance(n, int | np.integer) and n > 0 for n in given)
    if len(given) != 3 or not whole:
        raise InputError(f"repeat: expected three whole numbers above 0 such as (2, 2, 2), got {repeat!r}")
    a, b, c = (int(n) for n in given)
    return a, b, c


def random_numbers(seed: int) -> np.random.Generator:
    """Return the source of random numbers of a seed.

    Parameters
    ----------
    seed:
        A whole number, 0 or above.

    Returns
    -------
    :
        The generator.

    Raises
    ------
    InputError
        If it is no such number.
    """
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed: expected a whole number, 0 or above, got {seed!r}")
    return np.random.default_rng(seed)


def check_structure(atoms: "Atoms") -> None:
    """Refuse what is not a crystal.

    Parameters
    ----------
    atoms:
        The structure.

    Raises
    ------
    InputError
        If there are no atoms, a position is not finite, or there is no periodic cell.
    """
    check_atoms(atoms)
    if atoms.cell.rank != 3 or not atoms.pbc.all():
        raise InputError("structure: no cell that is periodic along three vectors; give a crystal")


def without_symmetry(atoms: "Atoms") -> "Atoms":
    """Return a copy that no longer claims the space group and the sites of the cell it came from.

    Parameters
    ----------
    atoms:
        The structure.

    Returns
    -------
    :
        The copy.
    """
    plain = atoms.copy()
    for key in ("spacegroup", "unit_cell", "occupancy"):
        plain.info.pop(key, None)
    if plain.has("spacegroup_kinds"):
        del plain.arrays["spacegroup_kinds"]
    return cast("Atoms", plain)


def hill_formula(formula: str) -> str:
    """Write a chemical formula in Hill's order.

    Parameters
    ----------
    formula:
        For example ``"NH4"``.

    Returns
    -------
    :
        For example ``"H4N"``.

    Raises
    ------
    InputError
        If it is not a chemical formula.
    """
    from ase.formula import Formula

    try:
        count = Formula(formula).count()
    except ValueError:
        raise InputError(f"{formula!r} is not a chemical formula; write for example 'NH4'") from None
    first = ("C", "H") if "C" in count else ()
    order = sorted(count, key=lambda symbol: (first.index(symbol) if symbol in first else len(first), symbol))
    return "".join(f"{symbol}{count[symbol] if count[symbol] > 1 else ''}" for symbol in order)


def check_atoms(atoms: "Atoms") -> None:
    """Refuse what is not atoms with finite positions.

    Parameters
    ----------
    atoms:
        The structure.

    Raises
    ------
    InputError
        If it is not ``ase.Atoms``, empty, or a position is not finite.
    """
    if not hasattr(atoms, "get_chemical_symbols"):
        raise InputError(f"structure: expected ase.Atoms, got {type(atoms).__name__}")
    if len(atoms) == 0:
        raise InputError("structure: no atoms; give a crystal, such as card.structure(phase)")
    if not np.isfinite(atoms.positions).all() or not np.isfinite(atoms.cell.array).all():
        raise InputError("structure: a position or a cell vector is not a finite number; mend the file")


def _refuse_partial(atoms: "Atoms") -> None:
    if (occupancies(atoms) < 1).any():
        raise InputError(
            "structure: it has sites of fractional occupancy, it is an average and no configuration; choose one with "
            "caloris.atoms.resolve_disorder(structure, repeat, seed)"
        )


def _contact(atoms: "Atoms", near: Pairs, at: int) -> Contact:
    one, other = sorted((int(near.first[at]), int(near.second[at])))
    return Contact(one, other, (atoms.symbols[one], atoms.symbols[other]), float(near.distance[at]))
