"""What the atoms of a trajectory are: elements, masses and charges from the trajectory, a topology, or the user."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from caloris.atoms.bonding import BOND_REACH, IONS, Pairs, components, neighbours
from caloris.atoms.formats.reader import Particles
from caloris.atoms.segments import Array, Indices
from caloris.errors import InputError

DEUTERIUM = 2.01410177812
"""u, AME2020."""
_ISOTOPES = {"D": ("H", DEUTERIUM), "T": ("H", 3.01604928132)}
_STRETCHED = 1.4
"""Pairs that are nearer than this times a bond in the first frame may be bound in most."""
_SAME_MASS = 0.05
"""u: an element may be told from a mass that is as near to its own."""
_OTHER_ELEMENT = 0.2
"""A mass that differs by this part from that of the element is of another one."""


@dataclass(frozen=True)
class Atomic:
    """What the store says of the atoms."""

    numbers: Indices
    """Atomic numbers."""
    masses: Array
    charges: Array | None
    bonds: Indices | None
    """None where nothing is known of them."""
    notes: tuple[str, ...]


def identify(
    path: Path,
    count: int,
    own: Particles,
    topology: Particles | None,
    elements: Mapping[str, str] | None,
) -> Atomic:
    """Put together what is known of the atoms.

    Parameters
    ----------
    path:
        The trajectory, for messages.
    count:
        How many atoms it has.
    own:
        What the trajectory says of its particles.
    topology:
        What another file says.
    elements:
        Element of each type.

    Returns
    -------
    :
        Elements and masses of every atom.

    Raises
    ------
    InputError
        If the element of an atom is not known, or it contradicts a mass.
    """
    other = _matched(path, count, own, topology) if topology is not None else Particles()
    notes = [*own.notes, *other.notes]
    symbols = _symbols(path, own, other, elements)
    masses = own.masses if own.masses is not None else other.masses
    if symbols is None:
        if masses is None:
            raise InputError(_unknown(path, own.types or other.types))
        symbols = _from_masses(path, masses)
        notes.append("elements were told from masses")
    known = {symbol: _element(path, symbol) for symbol in set(symbols)}
    pairs = [known[symbol] for symbol in symbols]
    numbers = np.array([number for number, _ in pairs], dtype=np.int64)
    return Atomic(
        numbers=numbers,
        masses=_masses(path, numbers, pairs, masses),
        charges=own.charges if own.charges is not None else other.charges,
        bonds=own.bonds if own.bonds is not None else other.bonds,
        notes=tuple(notes),
    )


def _matched(path: Path, count: int, own: Particles, topology: Particles) -> Particles:
    """The topology's particles in the order of the trajectory's."""
    lists = (topology.symbols, topology.masses, topology.types)
    size = next((len(values) for values in lists if values is not None), 0)
    if own.numbers is None or topology.numbers is None or np.array_equal(own.numbers, topology.numbers):
        if size != count:
            raise InputError(f"{path}: {count} atoms, the topology has {size}; give that of the same system")
        return topology
    at = np.searchsorted(topology.numbers, own.numbers)
    found = topology.numbers[np.minimum(at, size - 1)] == own.numbers
    if not np.all(found):
        raise InputError(f"{path}: atom {own.numbers[np.argmin(found)]} is not in the topology; give the same system's")
    bonds = topology.bonds
    if bonds is not None:
        new = np.full(size, -1)
        new[at] = np.arange(count)
        bonds = new[bonds]
        bonds = bonds[(bonds >= 0).all(axis=1)]
    return Particles(
        symbols=None if topology.symbols is None else [topology.symbols[i] for i in at],
        masses=None if topology.masses is None else topology.masses[at],
        charges=None if topology.charges is None else topology.charges[at],
        types=None if topology.types is None else [topology.types[i] for i in at],
        bonds=bonds,
        cell=topology.cell,
        notes=topology.notes,
    )


def _symbols(path: Path, own: Particles, other: Particles, elements: Mapping[str, str] | None) -> Sequence[str] | None:
    if elements is not None:
        types = own.types or other.types or own.symbols
        if types is None:
            raise InputError(f"{path}: has no types that elements= could name; give a topology")
        missing = sorted({str(t) for t in types} - set(elements))
        if missing:
            raise InputError(f"{path}: elements= says nothing of type {missing[0]}; give one for every type")
        return [elements[str(t)] for t in types]
    for symbols in (own.symbols, other.symbols):
        if symbols is not None:
            words = [symbol for symbol in symbols if symbol is not None]
            if len(words) == len(symbols):
                return words
    return None


def _unknown(path: Path, types: Sequence[str] | None) -> str:
    if types is None:
        return f"{path}: does not say which elements its atoms are; give a topology, a file that does"
    known = sorted(set(types), key=lambda word: (len(word), word))
    example = "{" + ", ".join(f"{t if t.isdigit() else repr(t)}: ..." for t in known[:4]) + "}"
    return f"{path}: types {', '.join(known[:8])} have no elements; give elements={example} or a topology"


def _from_masses(path: Path, masses: Array) -> list[str]:
    from ase.data import atomic_masses, chemical_symbols

    standard = np.array([*atomic_masses[1:], DEUTERIUM])
    names = [*chemical_symbols[1 : len(atomic_masses)], "D"]
    found: dict[float, str] = {}
    for mass in np.unique(masses):
        nearest = int(np.argmin(np.abs(standard - mass)))
        if abs(standard[nearest] - mass) > _SAME_MASS:
            raise InputError(f"{path}: no element has a mass of {mass:g} u; give elements=")
        found[float(mass)] = names[nearest]
    return [found[float(mass)] for mass in masses]


def _element(path: Path, symbol: str) -> tuple[int, float | None]:
    """Atomic number, and the mass of an isotope; kinds such as H1 or Fe_b are of their element."""
    from ase.data import atomic_numbers

    for name in (symbol, symbol.capitalize(), re.sub(r"[\d_].*$", "", symbol).capitalize()):
        if name in _ISOTOPES:
            plain, mass = _ISOTOPES[name]
            return int(atomic_numbers[plain]), mass
        if atomic_numbers.get(name, 0) > 0:
            return int(atomic_numbers[name]), None
    raise InputError(f"{path}: {symbol!r} is no element; name it with elements={{{symbol!r}: 'Si'}} or a topology")


def _masses(path: Path, numbers: Indices, pairs: Sequence[tuple[int, float | None]], masses: Array | None) -> Array:
    from ase.data import atomic_masses, chemical_symbols

    standard = np.array(atomic_masses[numbers])
    if masses is None:
        for i, (_, mass) in enumerate(pairs):
            if mass is not None:
                standard[i] = mass
        return standard
    if not np.all(np.isfinite(masses)) or np.any(masses <= 0):
        raise InputError(f"{path}: a mass is not above 0 u; give a topology with masses")
    isotope = np.array([np.nan if mass is None else mass for _, mass in pairs])
    masses = np.where(np.abs(masses - isotope) > _SAME_MASS, isotope, masses)  # an isotope by name is that one
    away = np.abs(masses - standard) > np.maximum(_OTHER_ELEMENT * standard, 2.5)
    if np.any(away):
        i = int(np.argmax(away))
        raise InputError(
            f"{path}: atom {i} is {chemical_symbols[numbers[i]]} with a mass of {masses[i]:g} u; check elements"
        )
    return np.asarray(masses, dtype=np.float64)


def guessed_bonds(numbers: Indices, positions: Array, cell: Array, periodic: Sequence[bool]) -> tuple[Indices, str]:
    """Guess bonds by covalent radii, those that hold in most frames; networks without end are left unbound.

    Parameters
    ----------
    numbers:
        Atomic numbers.
    positions, cell:
        (T, N, 3) and (T, 3, 3), angstrom; or of one frame.
    periodic:
        Along which vectors.

    Returns
    -------
    :
        (B, 2), and words about it.
    """
    from ase import Atoms
    from ase.data import atomic_numbers

    may = np.flatnonzero(~np.isin(numbers, [atomic_numbers[ion] for ion in IONS]))  # ions have many neighbours
    cells, places = cell.reshape(-1, 3, 3), positions.reshape(-1, len(numbers), 3)[:, may]
    reach = BOND_REACH if len(places) == 1 else _STRETCHED * BOND_REACH
    near = neighbours(Atoms(numbers=numbers[may], positions=places[0], cell=cells[0], pbc=periodic), reach)
    bound = near.where(_often_near(near, places, cells, periodic))
    endless = _endless(len(may), bound)
    keep = (bound.first < bound.second) & ~endless[bound.first]
    words = f"nearer than {BOND_REACH:g} sums of covalent radii{' in most of them' if len(places) > 1 else ''}"
    if np.any(endless):
        words += f"; {int(endless.sum())} atoms of a network without end are left unbound"
    pairs = np.unique(np.stack([may[bound.first[keep]], may[bound.second[keep]]], axis=1), axis=0)
    return pairs, words


def _often_near(near: Pairs, positions: Array, cell: Array, periodic: Sequence[bool]) -> npt.NDArray[np.bool_]:
    """Which pairs, followed from the first frame on, are bound in most frames."""
    longest = near.distance / near.closeness * BOND_REACH
    held = np.zeros(len(near.first))
    start = None
    for here, vectors in zip(positions, cell, strict=True):
        fractional = here @ np.linalg.inv(vectors)
        apart = fractional[near.second] - fractional[near.first]
        start = apart if start is None else start
        apart = near.shift + apart - np.where(periodic, np.round(apart - start), 0.0)
        held += np.linalg.norm(apart @ vectors, axis=1) < longest
    return np.asarray(2 * held > len(positions))


def _endless(count: int, bound: Pairs) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Atoms whose bonds go on through the periodic cell."""
    order = np.argsort(bound.first, kind="stable")
    starts = np.searchsorted(bound.first[order], np.arange(count + 1)).tolist()
    second, shift = bound.second[order].tolist(), bound.shift[order]
    moved = np.zeros((count, 3), dtype=np.int64)
    seen = [False] * count
    for root in range(count):
        waiting = [] if seen[root] else [root]
        seen[root] = True
        while waiting:
            i = waiting.pop()
            for bond in range(starts[i], starts[i + 1]):
                j = second[bond]
                if not seen[j]:
                    seen[j] = True
                    moved[j] = moved[i] + shift[bond]
                    waiting.append(j)
    astray = (moved[bound.second] - moved[bound.first] != bound.shift).any(axis=1)
    found = np.zeros(count, dtype=bool)
    if np.any(astray):
        bad = set(bound.first[astray].tolist())
        for group in components(count, bound.first, bound.second):
            if not bad.isdisjoint(group.tolist()):
                found[group] = True
    return found
