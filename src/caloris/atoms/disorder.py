"""One configuration out of a disordered crystal structure.

A site of fractional occupancy says what is there on average. Sites that overlap, are bound to one another or to the
same atom are decided together: of the ways to fill them with whole atoms those are kept that have the right
composition, no overlap, the most bonds and ligands as far apart from one another as they can be (a regular tetrahedron
for four). One of them is picked at random, with chances that give the occupancies back. Every copy of the cell picks
for itself. Lengths in angstrom.
"""

import contextlib
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from caloris.atoms.bonding import BOND_REACH, IONS, Array, Indices, Pairs, bonds, components, neighbours
from caloris.atoms.structure import (
    check_structure,
    formulas,
    random_numbers,
    repeats,
    shortest_contact,
    without_symmetry,
)
from caloris.errors import InputError
from caloris.materials.crystal import occupancies
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from ase import Atoms

Mask = NDArray[np.bool_]

BOND_LENGTHS: Mapping[str, Quantity] = {"N-H": "1.03 angstrom"}
"""What disordered bonds are set to; N-D in the monoclinic and orthorhombic phases of ND4SCN is 1.02 to 1.03."""
_OVERLAP = 0.7
"""Atoms nearer than this, in sums of covalent radii, exclude one another; the shortest real bond, N2, has 0.77."""
_WRONG_BOND = 0.1
"""Bonds off by more than this are set to their stated length, angstrom."""
_ALIKE = 1.001
"""Ligands that repel one another up to this times as much as in another arrangement do so equally."""
_WORST = 1.05
"""Arrangements are left out whose ligands repel one another more than this times as much as in the best one: 1.08 is a
tetrahedron of which one corner moved to the next corner of the cube."""
_OCCUPANCY_ERROR = 0.02
_MOST_WAYS = 20000


@dataclass(frozen=True, repr=False)
class Resolved:
    """One configuration of a disordered structure, and what was done to get it."""

    atoms: "Atoms"
    remarks: tuple[str, ...]
    """A sentence each: what was chosen and by which rule."""
    seed: int

    def __repr__(self) -> str:
        return "\n".join([f"<Resolved {len(self.atoms)} atoms, seed {self.seed}>", *self.remarks])


@dataclass(frozen=True)
class _Surroundings:
    """What lies around every atom of the structure."""

    overlapping: list[Indices]
    """Atoms on top of each atom."""
    bonds: list[Indices]
    """Rows of ``bound`` of each atom."""
    bound: Pairs


@dataclass(frozen=True)
class _Choice:
    """Sites that are decided together, and the ways to fill them."""

    sites: Indices
    ways: list[Indices]
    chances: Array
    angles: tuple[float, float] | None
    """Smallest and largest angle between bonds, degrees."""


def resolve_disorder(
    cell: "Atoms",
    repeat: int | Sequence[int] = (1, 1, 1),
    seed: int = 0,
    *,
    bond_lengths: Mapping[str, Quantity] = BOND_LENGTHS,
) -> Resolved:
    """Repeat a disordered cell and choose one configuration of it, at random and by the rules of this module.

    Parameters
    ----------
    cell:
        Unit cell with occupancies, as ``card.structure(phase)`` gives it; an ordered one comes back repeated.
    repeat:
        How often along a, b and c, or one number for all.
    seed:
        Of the random numbers; the same seed gives the same configuration.
    bond_lengths:
        Lengths of bonds of disordered atoms by their elements; bonds off by more than 0.1 angstrom are set to them,
        their directions kept. An empty dict keeps all as printed.

    Returns
    -------
    :
        Ordered structure, in the order of the sites of the repeated cell, with the remarks to show to a reader.

    Raises
    ------
    InputError
        If sites cannot be filled with whole atoms; the message names one.

    Examples
    --------
    >>> from caloris.materials import load
    >>> resolve_disorder(load("NH4SCN").structure("orthorhombic"), (2, 2, 2), seed=1)
    <Resolved 256 atoms, seed 1>
    Repeated 2 x 2 x 2 times.
    32 groups of 8 sites (8 H; occupancy 0.5): 4 H of each are there, in one of the 2 best arrangements (no overlap, \
most bonds, ligands farthest apart, 109 to 110 degrees between bonds), picked at random with seed 1 and without regard \
to the neighbours.
    It holds 32 CNS, 32 H4N; the nearest of different ones: atoms 58 (H) and 106 (N) are 2.13 angstrom apart.
    """
    check_structure(cell)
    lengths = _check_lengths(bond_lengths)
    times = repeats(repeat)
    structure = cell.repeat(times)
    occupied = _check_occupancies(structure)
    choices = _choices(structure, occupied, len(cell))
    generator = random_numbers(seed)
    keep = occupied >= 1
    for choice in choices:
        keep[choice.ways[generator.choice(len(choice.ways), p=choice.chances)]] = True
    remarks = [f"Repeated {times[0]} x {times[1]} x {times[2]} times."] if max(times) > 1 else []
    remarks += _describe(structure, occupied, choices, seed)
    remarks += _set_bonds(structure, keep, occupied < 1, lengths)
    atoms = without_symmetry(structure)[keep]
    return Resolved(atoms, (*remarks, *_contents(atoms)), seed)


def _check_lengths(lengths: Mapping[str, Quantity]) -> dict[frozenset[str], float]:
    checked = {}
    for name, length in lengths.items():
        pair = name.split("-")
        if len(pair) != 2:
            raise InputError(f"bond_lengths: expected two elements such as 'N-H', got {name!r}")
        checked[frozenset(pair)] = magnitude(length, "angstrom", f"bond_lengths: {name}", positive=True)
    return checked


def _check_occupancies(structure: "Atoms") -> Array:
    occupied = occupancies(structure)
    table = structure.info.get("occupancy", {})
    for i in range(len(structure)):
        if len(table.get(str(structure.arrays.get("spacegroup_kinds", [""] * len(structure))[i]), {})) > 1:
            raise InputError(
                f"structure: {_site(structure, occupied, i)} is shared by several elements; "
                "there is no rule for that, give a cell in which every site has one element"
            )
        if not 0 < occupied[i] <= 1 + 1e-9:
            raise InputError(f"structure: {_site(structure, occupied, i)} must be above 0 and at most 1; mend the file")
    return np.where(occupied > 1 - 1e-6, 1.0, occupied)


def _choices(structure: "Atoms", occupied: Array, cell_size: int) -> list[_Choice]:
    """Find what is decided together, and the ways to do it."""
    partial = occupied < 1
    if not partial.any():
        return []
    n = len(structure)
    near = neighbours(structure, BOND_REACH)
    free = np.isin(structure.get_chemical_symbols(), list(IONS))
    overlap = near.where((near.closeness < _OVERLAP) & (partial[near.first] | partial[near.second]))
    bound = near.where((near.closeness >= _OVERLAP) & ~(free[near.first] | free[near.second]))
    around = _Surroundings([overlap.second[rows] for rows in _by_atom(overlap, n)], _by_atom(bound, n), bound)
    found = []
    for group in components(n, *_together(overlap, bound, partial)):
        if partial[group[0]]:
            # the same order in every copy of the cell, also where the boundary cuts the group
            sites = group[np.lexsort((group, group % cell_size))]
            found.append(_choose(structure, occupied, sites, around))
    return found


def _by_atom(pairs: Pairs, n: int) -> list[Indices]:
    """Rows of the pairs that begin at each atom."""
    order = np.argsort(pairs.first, kind="stable")
    return np.split(order, np.searchsorted(pairs.first[order], np.arange(1, n)))


def _together(overlap: Pairs, bound: Pairs, partial: Mask) -> tuple[Indices, Indices]:
    """Pairs of disordered atoms: overlapping or bound, and as a chain those bound to the same fixed atom."""
    inner = [pairs.where(partial[pairs.first] & partial[pairs.second]) for pairs in (overlap, bound)]
    outer = bound.where(~partial[bound.first] & partial[bound.second])
    order = np.argsort(outer.first, kind="stable")
    centre, ligand = outer.first[order], outer.second[order]
    same = centre[1:] == centre[:-1]
    first = np.concatenate([*(pairs.first for pairs in inner), ligand[:-1][same]])
    second = np.concatenate([*(pairs.second for pairs in inner), ligand[1:][same]])
    return first, second


def _choose(structure: "Atoms", occupied: Array, sites: Indices, around: "_Surroundings") -> _Choice:
    """Find the best ways to fill some sites, and how often each is to be taken."""
    filled = _fillings(structure, occupied, sites)
    filled = filled[~_overlapping(sites, filled, around)]
    if len(filled) == 0:
        raise InputError(
            f"structure: {_site(structure, occupied, sites[0])} cannot be filled with whole atoms: all choices "
            f"among the {len(sites)} sites around it overlap; give an ordered structure"
        )
    number, repulsion, angles = _bonds_and_repulsion(sites, filled, around)
    best, chances = _best(filled, occupied[sites], number, repulsion)
    if not len(best):
        raise InputError(
            f"structure: {_site(structure, occupied, sites[0])} cannot be resolved: no mixture of good arrangements of "
            f"the {len(sites)} sites around it has their occupancies; give an ordered structure"
        )
    present = [angle for angle, there in angles if there[best].any()]
    spread = (min(present), max(present)) if present else None
    return _Choice(sites, [sites[way] for way in filled[best]], chances, spread)


def _best(filled: Mask, occupied: Array, number: Indices, repulsion: Array) -> tuple[Indices, Array]:
    """Which fillings have the most bonds and the least repulsion, as few as give the occupancies; and their chances."""
    good = np.flatnonzero(number == number.max())
    good = good[np.argsort(repulsion[good], kind="stable")]
    rising = repulsion[good]
    good = good[rising <= _WORST * rising[0] + 1e-9]
    ends = [k for k in range(1, len(good)) if rising[k] > _ALIKE * rising[k - 1] + 1e-9]
    for end in [*ends, len(good)]:
        best = np.sort(good[:end])  # as they were listed, which is the same in every copy of the cell
        chances = _chances(filled[best], occupied)
        if chances is not None:
            return best[chances > 0], chances[chances > 0]
    return good[:0], np.empty(0)


def _fillings(structure: "Atoms", occupied: Array, sites: Indices) -> Mask:
    """All ways to fill the sites with the right number of atoms of each element, one per row."""
    members: dict[str, list[int]] = defaultdict(list)
    for place, i in enumerate(sites):
        members[structure.symbols[i]].append(place)
    numbers = {}
    for symbol, places in members.items():
        total = float(occupied[sites[places]].sum())
        numbers[symbol] = round(total)
        if abs(total - numbers[symbol]) > _OCCUPANCY_ERROR:
            raise InputError(
                f"structure: {_site(structure, occupied, sites[places[0]])} cannot be resolved: it and the sites "
                f"around it hold {total:.3g} {symbol}, no whole number; give a structure with chosen vacancies"
            )
    if math.prod(math.comb(len(places), numbers[symbol]) for symbol, places in members.items()) > _MOST_WAYS:
        raise InputError(
            f"structure: {_site(structure, occupied, sites[0])} hangs together with {len(sites) - 1} others, too many "
            "ways to fill them; give an ordered structure"
        )
    picks = [itertools.combinations(places, numbers[symbol]) for symbol, places in members.items()]
    ways = [list(itertools.chain(*pick)) for pick in itertools.product(*picks)]
    filled = np.zeros((len(ways), len(sites)), dtype=bool)
    for row, way in enumerate(ways):
        filled[row, way] = True
    return filled


def _overlapping(sites: Indices, filled: Mask, around: "_Surroundings") -> Mask:
    """Which fillings have two atoms on top of one another."""
    bad = np.zeros(len(filled), dtype=bool)
    for i in sites:
        for j in around.overlapping[i]:
            bad |= _there(i, sites, filled) & _there(j, sites, filled)
    return bad


def _there(i: int, sites: Indices, filled: Mask) -> Mask:
    """In which fillings an atom is there: always, if it is none of the sites."""
    place = np.flatnonzero(sites == i)
    return filled[:, place[0]] if len(place) else np.ones(len(filled), dtype=bool)


def _bonds_and_repulsion(
    sites: Indices, filled: Mask, around: "_Surroundings"
) -> tuple[Indices, Array, list[tuple[float, Mask]]]:
    """Bonds of each filling, sum of 1/distance between the ends of unit bonds of an atom, angles and where they are."""
    number = np.zeros(len(filled), dtype=np.int64)
    repulsion = np.zeros(len(filled))
    angles = []
    centres = sorted({int(i) for i in sites} | {int(j) for i in sites for j in around.bound.second[around.bonds[i]]})
    for centre in centres:
        here = _there(centre, sites, filled)
        rows = around.bonds[centre]
        ligands = [here & _there(j, sites, filled) for j in around.bound.second[rows]]
        number += np.sum(ligands, axis=0, dtype=np.int64)
        units = around.bound.vector[rows] / around.bound.distance[rows, None]
        for a, b in itertools.combinations(range(len(rows)), 2):
            both = ligands[a] & ligands[b]
            apart = float(np.linalg.norm(units[a] - units[b]))
            repulsion += both / max(apart, 1e-3)
            angles.append((math.degrees(2 * math.asin(min(1.0, apart / 2))), both))
    return number, repulsion, angles


def _chances(filled: Mask, occupied: Array) -> Array | None:
    """How often each filling is to be taken so that the sites have their occupancies: equally often if that will do."""
    from scipy.optimize import nnls

    equal = np.full(len(filled), 1 / len(filled))
    if np.abs(equal @ filled - occupied).max() < _OCCUPANCY_ERROR:
        return equal
    chances, _ = nnls(np.vstack([filled.T, np.ones(len(filled))]), np.append(occupied, 1.0))
    if np.abs(chances @ filled - occupied).max() > _OCCUPANCY_ERROR:
        return None
    return np.asarray(chances / chances.sum())


def _set_bonds(structure: "Atoms", keep: Mask, partial: Mask, lengths: Mapping[frozenset[str], float]) -> list[str]:
    """Move the ends of disordered bonds to their stated lengths, in place."""
    kept = np.flatnonzero(keep)
    chosen = structure[keep]
    bound = bonds(chosen)
    degree = np.bincount(bound.first, minlength=len(kept))
    found: dict[tuple[str, float], list[float]] = defaultdict(list)
    for end, centre, vector, distance in zip(bound.first, bound.second, bound.vector, bound.distance, strict=True):
        symbols = chosen.symbols[end], chosen.symbols[centre]
        length = lengths.get(frozenset(symbols))
        if length is None or abs(distance - length) <= _WRONG_BOND or degree[end] > 1 or not partial[kept[end]]:
            continue
        structure.positions[kept[end]] += vector * (1 - length / distance)
        found[f"{symbols[1]}-{symbols[0]}", length].append(distance)
    return [
        f"{len(was)} {name} bonds of {_span(min(was), max(was), '.3f')} angstrom in the file are set to {length:.3f}, "
        "their directions kept."
        for (name, length), was in found.items()
    ]


def _describe(structure: "Atoms", occupied: Array, choices: list[_Choice], seed: int) -> list[str]:
    """Say what was chosen, alike groups together."""
    if not choices:
        return ["Every site is fully occupied: nothing had to be chosen."]
    alike: dict[tuple[str, str, str, int], list[_Choice]] = defaultdict(list)
    for choice in choices:
        sites = _count(structure, choice.sites)
        shares = " or ".join(f"{share:g}" for share in sorted({round(float(x), 3) for x in occupied[choice.sites]}))
        alike[sites, shares, _count(structure, choice.ways[0]), len(choice.ways)].append(choice)
    sentences = []
    for (sites, shares, there, ways), group in alike.items():
        angles = [angle for choice in group for angle in choice.angles or ()]
        bonds_say = f", {_span(min(angles), max(angles), '.0f')} degrees between bonds" if angles else ""
        sentences.append(
            f"{len(group)} group{'s' * (len(group) > 1)} of {len(group[0].sites)} sites ({sites}; occupancy {shares}): "
            f"{there} of each {'are' if len(group[0].ways[0]) > 1 else 'is'} there, in one of the {ways} best "
            f"arrangements (no overlap, most bonds, ligands farthest apart{bonds_say}), picked at random with seed "
            f"{seed} and without regard to the neighbours."
        )
    return sentences


def _contents(atoms: "Atoms") -> list[str]:
    names = Counter(formulas(atoms))
    text = f"It holds {', '.join(f'{count} {name}' for name, count in sorted(names.items()))}"
    with contextlib.suppress(InputError):  # a network of bonds has no molecules to be apart
        text += f"; the nearest of different ones: {shortest_contact(atoms, between_molecules=True)}"
    return [f"{text}."]


def _count(structure: "Atoms", sites: Indices) -> str:
    counts = Counter(structure.symbols[i] for i in sites)
    return ", ".join(f"{count} {symbol}" for symbol, count in sorted(counts.items()))


def _span(low: float, high: float, form: str) -> str:
    one, other = format(low, form), format(high, form)
    return one if one == other else f"{one} to {other}"


def _site(structure: "Atoms", occupied: Array, i: int) -> str:
    kinds = structure.arrays.get("spacegroup_kinds")
    number = f"site {int(kinds[i]) + 1} of the file" if kinds is not None else f"site of atom {i}"
    return f"{number} ({structure.symbols[i]}, occupancy {occupied[i]:g})"
