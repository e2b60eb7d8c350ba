"""A structure with a force field: kinds, charges, bonds, angles and exclusions of every atom, checked before a run.

The cell is turned into its standard form (a along x, b in the xy plane), as engines want it; nothing else moves.
Lengths in angstrom, energies in eV, masses in u, charges in e.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from caloris.errors import InputError
from caloris.materials.force_field import ForceField, Molecule
from caloris.materials.force_field_files import load_force_field

if TYPE_CHECKING:
    from ase import Atoms

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_STRETCH = 1.3
"""Atoms closer than this times the length of their bond are bound."""


_SHELTER = 10.0
"""eV: what a partner on top of a bare atom must cost, by the repulsion of the atom that this one is bound to."""


@dataclass(frozen=True)
class Terms:
    """Bonds, angles or torsions: the atoms of each, which constants it has, and the table of constants."""

    atoms: Indices
    """(n, 2), (n, 3) or (n, 4)."""
    kind: Indices
    """(n,), row of ``constants``."""
    constants: list[tuple[float, ...]]
    """k and r0 (eV/angstrom^2, angstrom); k and theta0 (eV, rad); k, n and phi0 (eV, 1, rad)."""


@dataclass(frozen=True)
class MolecularSystem:
    """Atoms in a periodic cell with all that a force field says of them; made by :func:`assemble`."""

    atoms: "Atoms"
    force_field: ForceField
    types: list[str]
    """Type of each atom."""
    molecule: Indices
    """Number of the molecule of each atom."""
    molecule_names: list[str]
    """Name of each molecule."""
    bonds: Terms
    angles: Terms
    torsions: Terms

    @cached_property
    def charges(self) -> Array:
        """Charge of each atom, e."""
        return np.array([self.force_field.types[name].charge for name in self.types])

    @property
    def contents(self) -> dict[str, int]:
        """How many molecules of each kind there are."""
        return dict(Counter(self.molecule_names))

    @cached_property
    def special_pairs(self) -> tuple[Indices, Indices, Indices]:
        """Pairs of atoms one, two and three bonds apart (the shortest way counts), each once, (n, 2)."""
        return _special_pairs(len(self.atoms), self.bonds.atoms)

    def with_atoms(self, atoms: "Atoms") -> "MolecularSystem":
        """Return the same system with other positions, velocities and cell.

        Parameters
        ----------
        atoms:
            The same atoms in the same order.

        Returns
        -------
        :
            The system.
        """
        return replace(self, atoms=standard_cell(atoms))

    def __repr__(self) -> str:
        parts = ", ".join(f"{count} {name}" for name, count in self.contents.items())
        return f"<MolecularSystem {len(self.atoms)} atoms: {parts}; {self.force_field.name}>"


def assemble(atoms: "Atoms", force_field: ForceField | str | Path) -> MolecularSystem:
    """Give every atom of a structure its kind, charge, bonds and angles, and check that they make sense.

    Parameters
    ----------
    atoms:
        Periodic structure without fractional occupancies; molecules may be cut by the cell.
    force_field:
        A force field, its name, or the path of its TOML file.

    Returns
    -------
    :
        The system, its cell in standard form.

    Raises
    ------
    InputError
        If a molecule or a pair is not in the force field, the sum of the charges is not 0, atoms overlap or would fall
        into one another, or the cell is smaller than twice the cutoff.

    Examples
    --------
    >>> from caloris.materials import load
    >>> cell = load("NH4SCN").structure("monoclinic")
    >>> assemble(cell.repeat((5, 3, 2)), "NH4SCN")
    <MolecularSystem 960 atoms: 120 SCN, 120 NH4; NH4SCN>
    """
    field = load_force_field(force_field)
    check_structure(atoms)
    placed = standard_cell(atoms)
    bonded = _bonded_pairs(placed, field)
    molecule = _components(len(placed), bonded)
    types, names = _assign_types(placed, field, bonded, molecule)
    bonds, angles, torsions = _terms(field, types, bonded)
    system = MolecularSystem(placed, field, types, molecule, names, bonds, angles, torsions)
    _check_charge(system)
    _check_missing_pairs(system)
    _check_contacts(system)
    check_cutoff(placed, field)
    return system


def standard_cell(atoms: "Atoms") -> "Atoms":
    """Return the structure with its cell in standard form: a along x, b in the xy plane, right-handed.

    Parameters
    ----------
    atoms:
        A periodic structure, velocities included if it has any.

    Returns
    -------
    :
        A copy, turned as a whole.
    """
    from ase.cell import Cell

    turned: Atoms = atoms.copy()
    standard, _ = atoms.cell.standard_form()
    if np.allclose(standard.array, atoms.cell.array, atol=1e-12):
        return turned
    velocities = atoms.get_velocities()
    rotation = np.linalg.solve(atoms.cell.array, standard.array)
    turned.set_cell(Cell(standard.array), scale_atoms=False)
    turned.set_positions(atoms.positions @ rotation)
    if atoms.has("momenta"):
        turned.set_velocities(velocities @ rotation)
    return turned


def check_structure(atoms: "Atoms") -> None:
    """Refuse what is no ordered periodic crystal with finite numbers.

    Parameters
    ----------
    atoms:
        The structure.

    Raises
    ------
    InputError
        If it has no atoms, no cell, broken numbers or sites of fractional occupancy.
    """
    from caloris.materials.crystal import occupancies

    if len(atoms) == 0 or atoms.cell.rank != 3:
        raise InputError("structure: no atoms or no periodic cell; give a crystal, such as card.structure(phase)")
    if not atoms.pbc.all():
        raise InputError("structure: it is not periodic in all directions; set atoms.pbc = True for a crystal")
    if not np.isfinite(atoms.positions).all() or not np.isfinite(atoms.cell.array).all():
        raise InputError("structure: a position or a cell vector is not a finite number; mend the file")
    if (occupancies(atoms) < 1).any():
        raise InputError(
            "structure: it has sites of fractional occupancy; choose an ordered one with "
            "caloris.atoms.resolve_disorder(structure, repeat, seed)"
        )


def _bonded_pairs(atoms: "Atoms", field: ForceField) -> Indices:
    """Pairs of atoms nearer than 1.3 times the bond that the force field has for their elements, (n, 2), i < j."""
    from ase.neighborlist import neighbor_list

    symbols = np.array(atoms.get_chemical_symbols())
    if not field.bonded_elements:
        return np.empty((0, 2), dtype=np.int64)
    reach = max(field.bonded_elements.values()) * _STRETCH
    first, second, distance = neighbor_list("ijd", atoms, reach)
    limit = np.zeros(len(first))
    for (one, other), length in field.bonded_elements.items():
        forward = (symbols[first] == one) & (symbols[second] == other)
        backward = (symbols[first] == other) & (symbols[second] == one)
        limit[forward | backward] = length * _STRETCH
    keep = (distance < limit) & (first < second)
    pairs = np.unique(np.stack([first[keep], second[keep]], axis=1), axis=0)
    return pairs.astype(np.int64)


def _components(n: int, pairs: Indices) -> Indices:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _neighbours(n: int, pairs: Indices) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(n)]
    for i, j in pairs:
        found[i].append(int(j))
        found[j].append(int(i))
    return found


def _assign_types(atoms: "Atoms", field: ForceField, bonded: Indices, molecule: Indices) -> tuple[list[str], list[str]]:
    symbols = atoms.get_chemical_symbols()
    neighbours = _neighbours(len(atoms), bonded)
    types = [""] * len(atoms)
    names: list[str] = []
    known = {tuple(sorted(entry.formula.items())): (name, entry) for name, entry in field.molecules.items()}
    members = np.argsort(molecule, kind="stable")
    for group in np.split(members, np.cumsum(np.bincount(molecule))[:-1]):
        formula = Counter(symbols[i] for i in group)
        match = known.get(tuple(sorted(formula.items())))
        if match is None:
            text = "".join(f"{element}{count if count > 1 else ''}" for element, count in sorted(formula.items()))
            raise InputError(
                f"structure: the atoms around number {group[0]} make {text[:60]}, which the force field {field.name} "
                f"does not know (it has {', '.join(field.molecules)}); correct the structure, or add the molecule"
            )
        names.append(match[0])
        for i in group:
            types[i] = _type_of(i, symbols, neighbours, match[1], match[0], field)
    return types, names


def _type_of(
    i: int, symbols: list[str], neighbours: list[list[int]], molecule: Molecule, name: str, field: ForceField
) -> str:
    around = "".join(sorted(symbols[j] for j in neighbours[i]))
    for key in (f"{symbols[i]}({around})", symbols[i]):
        if key in molecule.types:
            return molecule.types[key]
    raise InputError(
        f"force field {field.name}: molecule {name} has no type for {symbols[i]} bound to {around or 'nothing'}; "
        f"add {symbols[i]} = ... to its types"
    )


def _terms(field: ForceField, types: list[str], bonded: Indices) -> tuple[Terms, Terms, Terms]:
    neighbours = _neighbours(len(types), bonded)
    for i, j in bonded:
        if field.bond_term(types[i], types[j]) is None:
            kinds = f"{types[i]}-{types[j]}"
            raise InputError(f"force field {field.name}: no bond {kinds}, but atoms {i} and {j} are bound; add it")
    angles = [
        (i, j, k)
        for j in range(len(types))
        for i, k in itertools.combinations(neighbours[j], 2)
        if field.angle_term(types[i], types[j], types[k])
    ]
    torsions = []
    if field.torsions:
        for j, k in bonded:
            for i, last in itertools.product(neighbours[j], neighbours[k]):
                if i not in (k, last) and last != j:
                    torsions += [
                        ((i, int(j), int(k), last), term)
                        for term in field.torsion_terms(types[i], types[j], types[k], types[last])
                    ]
    return (
        _table([tuple(pair) for pair in bonded.tolist()], [field.bond_term(types[i], types[j]) for i, j in bonded], 2),
        _table(angles, [field.angle_term(*(types[i] for i in angle)) for angle in angles], 3),
        _table([chain for chain, _ in torsions], [term for _, term in torsions], 4),
    )


def _table(atoms: Sequence[tuple[int, ...]], constants: Sequence[tuple[float, ...] | None], width: int) -> Terms:
    kinds: dict[tuple[float, ...], int] = {}
    numbers = [kinds.setdefault(values, len(kinds)) for values in constants if values is not None]
    table = np.array(atoms, dtype=np.int64).reshape(len(atoms), width)
    return Terms(table, np.array(numbers, dtype=np.int64), list(kinds))


def _special_pairs(n: int, bonds: Indices) -> tuple[Indices, Indices, Indices]:
    neighbours = _neighbours(n, bonds)
    found: tuple[list[tuple[int, int]], ...] = ([], [], [])
    for start in range(n):
        seen, shell = {start}, {start}
        for depth in range(3):
            shell = {j for i in shell for j in neighbours[i]} - seen
            seen |= shell
            found[depth].extend((start, j) for j in sorted(shell) if j > start)
    one, two, three = (np.array(pairs, dtype=np.int64).reshape(-1, 2) for pairs in found)
    return one, two, three


def _check_charge(system: MolecularSystem) -> None:
    total = float(system.charges.sum())
    if abs(total) > 1e-6 * len(system.atoms):
        each = {
            name: sum(system.charges[system.molecule == system.molecule_names.index(name)]) for name in system.contents
        }
        parts = ", ".join(f"{count} {name} of {each[name]:+.4g} e" for name, count in system.contents.items())
        raise InputError(
            f"force field {system.force_field.name}: the cell carries {total:+.4g} e ({parts}); "
            "correct the charges or the number of ions"
        )


def _check_missing_pairs(system: MolecularSystem) -> None:
    """Refuse opposite charges that nothing keeps apart; a pair that only attracts weakly is left to the run."""
    field = system.force_field
    present = set(system.types)
    for one, other in field.type_pairs():
        if not {one, other} <= present or field.types[one].charge * field.types[other].charge >= 0:
            continue
        if field.collapse_distance(one, other) == np.inf and not _is_sheltered(system, one, other):
            raise InputError(
                f"force field {field.name}: no repulsion between {one} and {other}, which attract one another; "
                f"add a pair {one}-{other}, or a mixing rule"
            )


def _is_sheltered(system: MolecularSystem, one: str, other: str) -> bool:
    """Whether each atom of one of the types sits inside the repulsion of an atom that it is bound to, as H of water."""
    field = system.force_field
    neighbours = _neighbours(len(system.types), system.bonds.atoms)

    def repels(j: int, bare: str, partner: str) -> bool:
        term, bond = field.pair_term(system.types[j], partner), field.bond_term(system.types[j], bare)
        return term is not None and bond is not None and term.energy(bond[1]) > _SHELTER

    for bare, partner in ((one, other), (other, one)):
        atoms = [i for i, name in enumerate(system.types) if name == bare]
        if all(any(repels(j, bare, partner) for j in neighbours[i]) for i in atoms):
            return True
    return False


def _check_contacts(system: MolecularSystem) -> None:
    """Refuse atoms on top of one another, and pairs inside the barrier of a Buckingham pair."""
    from ase.neighborlist import neighbor_list

    atoms, field = system.atoms, system.force_field
    first, second, distance = neighbor_list("ijd", atoms, 1.2)
    near = (first < second) & (distance < 0.5)
    if near.any():
        at = int(np.flatnonzero(near)[np.argmin(distance[near])])
        raise InputError(_overlap(system, first[at], second[at], distance[at], "too close for any bond"))
    apart = {(i, j) for pairs in system.special_pairs for i, j in pairs.tolist()}
    for i, j, d in zip(first.tolist(), second.tolist(), distance.tolist(), strict=True):
        if i < j and (i, j) not in apart:
            limit = field.collapse_distance(system.types[i], system.types[j])
            if limit is not None and d < min(limit, 1.2):
                raise InputError(_overlap(system, i, j, d, "they would fall into one another (Buckingham collapse)"))


def _overlap(system: MolecularSystem, i: int, j: int, distance: float, why: str) -> str:
    symbols = system.atoms.get_chemical_symbols()
    return (
        f"structure: atoms {i} ({symbols[i]}) and {j} ({symbols[j]}) are {distance:.2f} angstrom apart, {why}; "
        "remove one of them or move them apart"
    )


def check_cutoff(atoms: "Atoms", field: ForceField) -> None:
    """Refuse a cell in which an atom would see its own image within the cutoff.

    Parameters
    ----------
    atoms:
        The cell.
    field:
        The force field.

    Raises
    ------
    InputError
        If a height of the cell is below twice the cutoff; the message names a supercell that is large enough.
    """
    heights = 1.0 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    cutoff = field.cutoff_radius
    if (heights < 2 * cutoff).any():
        times = np.ceil(2 * cutoff / heights).astype(int)
        shown = ", ".join(f"{height:.1f}" for height in heights)
        raise InputError(
            f"structure: the cell is {shown} angstrom high, less than twice the cutoff of {cutoff:g}; "
            f"repeat it {times[0]} x {times[1]} x {times[2]} times"
        )
