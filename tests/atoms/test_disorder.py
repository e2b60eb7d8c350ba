"""Ordered configurations of the disordered phases of NH4SCN, and of small crystals with a known answer."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st

from caloris.atoms.disorder import resolve_disorder
from caloris.atoms.structure import check_contacts, formulas, make_whole, molecules, shortest_contact
from caloris.errors import InputError
from caloris.materials import load
from caloris.materials.crystal import occupancies

DISORDERED = ("orthorhombic", "tetragonal")


def cell(phase):
    return load("NH4SCN").structure(phase)


@cache
def resolved(phase, repeat=(4, 4, 3), seed=7):
    return resolve_disorder(cell(phase), repeat, seed)


def ions(atoms, formula):
    """Whole molecules of a formula."""
    whole = make_whole(atoms)
    groups = molecules(whole)
    return [whole[g] for g, name in zip(groups, formulas(whole, groups), strict=True) if name == formula]


def angles_at_nitrogen(ion):
    centre = int(np.flatnonzero(ion.numbers == 7)[0])
    ends = np.flatnonzero(ion.numbers == 1)
    return [ion.get_angle(i, centre, j) for k, i in enumerate(ends) for j in ends[k + 1 :]]


def site_of(atoms, unit):
    """Atom of the unit cell that every atom of a supercell is a copy of."""
    apart = (atoms.positions @ np.linalg.inv(unit.cell.array))[:, None] - unit.get_scaled_positions()[None]
    apart = np.linalg.norm((apart - np.round(apart)) @ unit.cell.array, axis=2)
    assert apart.min(axis=1).max() < 1e-6
    return apart.argmin(axis=1)


def partly(symbols, positions, occupancy, edge=8.0):
    """A cubic crystal with an occupancy for every atom."""
    atoms = Atoms(symbols, positions=positions, cell=[edge] * 3, pbc=True)
    atoms.arrays["spacegroup_kinds"] = np.arange(len(atoms))
    pairs = zip(atoms.symbols, occupancy, strict=True)
    atoms.info["occupancy"] = {str(i): {symbol: share} for i, (symbol, share) in enumerate(pairs)}
    return atoms


# -- NH4SCN --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", DISORDERED)
@pytest.mark.parametrize("repeat", [(1, 1, 1), (2, 1, 3)])
def test_every_formula_unit_is_complete(phase, repeat):
    atoms = resolve_disorder(cell(phase), repeat, seed=3).atoms
    count = 4 * int(np.prod(repeat))
    assert Counter(formulas(atoms)) == {"CNS": count, "H4N": count}
    assert len(atoms) == 8 * count
    assert occupancies(atoms) == pytest.approx(1)
    assert "occupancy" not in atoms.info


@pytest.mark.parametrize("phase", DISORDERED)
def test_cell_and_mass_are_those_of_the_average(phase):
    unit = cell(phase)
    atoms = resolved(phase).atoms
    assert atoms.get_volume() == pytest.approx(48 * unit.get_volume())
    assert atoms.get_masses().sum() == pytest.approx(48 * (unit.get_masses() * occupancies(unit)).sum())


def test_orthorhombic_ammonium_is_one_of_two_regular_tetrahedra():
    atoms = resolved("orthorhombic").atoms
    for ion in ions(atoms, "H4N"):
        assert angles_at_nitrogen(ion) == pytest.approx([109.47] * 6, abs=1.0)
    unit = cell("orthorhombic")
    kind = unit.arrays["spacegroup_kinds"][site_of(atoms, unit)]
    d1, d2, d3, d4 = 4, 5, 6, 7
    found = Counter()
    groups = molecules(atoms)
    for group in groups:
        of_ion = kind[group][atoms.numbers[group] == 1].tolist()
        if of_ion:
            found[tuple(sorted(of_ion))] += 1
    assert set(found) == {(d1, d1, d3, d3), (d2, d2, d4, d4)}
    assert min(found.values()) > 192 / 2 - 3 * np.sqrt(192) / 2  # three standard errors of 192 coins


def test_orthorhombic_bonds_stay_as_refined():
    result = resolved("orthorhombic")
    bonds = [ion.get_all_distances()[ion.numbers == 7][:, ion.numbers == 1] for ion in ions(result.atoms, "H4N")]
    assert np.concatenate(bonds) == pytest.approx(1.025, abs=0.01)
    assert not any("are set to" in line for line in result.remarks)


def test_tetragonal_ammonium_is_a_tetrahedron_with_bonds_of_103_picometres():
    result = resolved("tetragonal")
    found = ions(result.atoms, "H4N")
    assert len(found) == 192
    for ion in found:
        bonds = ion.get_all_distances()[ion.numbers == 7][:, ion.numbers == 1]
        assert bonds == pytest.approx(1.03)
        angles = angles_at_nitrogen(ion)
        assert np.mean(angles) == pytest.approx(109.5, abs=1.0)
        assert min(angles) > 97
        assert max(angles) < 126
    assert any("768 N-H bonds of 1.246 angstrom in the file are set to 1.030" in line for line in result.remarks)


def test_bonds_are_as_printed_when_no_length_is_given():
    result = resolve_disorder(cell("tetragonal"), bond_lengths={})
    bonds = [ion.get_all_distances()[ion.numbers == 7][:, ion.numbers == 1] for ion in ions(result.atoms, "H4N")]
    assert np.concatenate(bonds) == pytest.approx(1.246, abs=1e-3)
    assert not any("are set to" in line for line in result.remarks)


def test_bond_length_of_ones_own():
    atoms = resolve_disorder(cell("tetragonal"), bond_lengths={"H-N": "0.101 nm"}).atoms
    assert shortest_contact(atoms).distance == pytest.approx(1.01)


def test_tetragonal_thiocyanate_points_up_or_down_its_line():
    found = ions(resolved("tetragonal").atoms, "CNS")
    assert len(found) == 192
    along = Counter()
    for ion in found:
        sulphur, carbon, nitrogen = (ion.positions[ion.numbers == z][0] for z in (16, 6, 7))
        assert np.linalg.norm(sulphur - carbon) == pytest.approx(1.679, abs=1e-3)
        assert np.linalg.norm(nitrogen - carbon) == pytest.approx(1.188, abs=1e-3)
        direction = (nitrogen - sulphur) / np.linalg.norm(nitrogen - sulphur)
        assert np.abs(direction) == pytest.approx([np.sqrt(0.5), np.sqrt(0.5), 0], abs=1e-3)
        along[tuple(np.sign(direction[:2]).astype(int).tolist())] += 1
    # two lines of 96 ions, up and down along each
    assert set(along) == {(1, 1), (-1, -1), (1, -1), (-1, 1)}
    for one in along:
        assert along[one] + along[tuple(-x for x in one)] == 96
        assert abs(along[one] - 48) < 3 * np.sqrt(96) / 2


@pytest.mark.parametrize("phase", DISORDERED)
def test_every_site_is_taken_as_often_as_it_is_occupied(phase):
    unit = cell(phase)
    atoms = resolve_disorder(unit, (5, 5, 4), seed=1, bond_lengths={}).atoms
    share = np.bincount(site_of(atoms, unit), minlength=len(unit)) / 100
    full = occupancies(unit) == 1
    assert np.all(share[full] == 1)
    assert share[~full] == pytest.approx(0.5, abs=4 * 0.5 / 10)


@pytest.mark.parametrize("phase", DISORDERED)
def test_copies_of_the_cell_choose_for_themselves(phase):
    """Configurations of neighbouring cells are no more alike than chance has it."""
    unit = cell(phase)
    atoms = resolve_disorder(unit, (40, 1, 1), seed=4, bond_lengths={}).atoms
    number = np.floor(atoms.positions[:, 0] / unit.cell[0, 0] + 1e-6).astype(int) % 40
    chosen = np.zeros((40, len(unit)))
    chosen[number, site_of(atoms, unit)] = 1
    chosen = 2 * chosen[:, occupancies(unit) < 1] - 1
    alike = (chosen * np.roll(chosen, 1, axis=0)).mean(axis=0)
    assert alike.mean() == pytest.approx(0, abs=0.3)
    assert len(np.unique(chosen, axis=0)) > 10


def test_seed_decides_the_configuration():
    one, same, other = (resolve_disorder(cell("tetragonal"), 2, seed).atoms.positions for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("phase", DISORDERED)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_no_configuration_has_atoms_on_top_of_one_another(phase, seed):
    atoms = resolve_disorder(cell(phase), seed=seed).atoms
    check_contacts(atoms)
    assert shortest_contact(atoms, between_molecules=True).distance > 1.8
    assert Counter(formulas(atoms)) == {"CNS": 4, "H4N": 4}


@pytest.mark.parametrize("phase", DISORDERED)
@settings(max_examples=20)
@given(data=st.data())
def test_choices_are_complete_for_any_wrapping_and_order(phase, data):
    unit = cell(phase)
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    unit.positions += random.integers(-2, 3, (len(unit), 3)) @ unit.cell.array
    atoms = resolve_disorder(unit[random.permutation(len(unit))], (1, 2, 1), seed=1).atoms
    assert Counter(formulas(atoms)) == {"CNS": 8, "H4N": 8}
    check_contacts(atoms)


def test_ordered_phase_is_used_as_it_is():
    unit = cell("monoclinic")
    result = resolve_disorder(unit, (2, 1, 1), seed=9)
    np.testing.assert_allclose(result.atoms.positions, unit.repeat((2, 1, 1)).positions)
    assert "Every site is fully occupied: nothing had to be chosen." in result.remarks


def test_remarks_say_what_was_chosen():
    lines = resolved("tetragonal").remarks
    assert lines[0] == "Repeated 4 x 4 x 3 times."
    assert lines[1].startswith("192 groups of 6 sites (2 C, 2 N, 2 S; occupancy 0.5): 1 C, 1 N, 1 S of each are there")
    assert lines[2].startswith(
        "192 groups of 8 sites (8 H; occupancy 0.5): 4 H of each are there, in one of the 2 best"
    )
    assert "98 to 125 degrees between bonds" in lines[2]
    assert all("at random with seed 7" in line for line in lines[1:3])
    assert lines[-1].startswith("It holds 192 CNS, 192 H4N; the nearest of different ones: atoms")
    assert repr(resolved("tetragonal")) == "\n".join(["<Resolved 1536 atoms, seed 7>", *lines])


# -- other crystals ------------------------------------------------------------------------------------


def test_split_ion_is_on_one_of_its_two_sites():
    salt = partly(["Li", "Li", "F"], [[0.3, 0, 0], [-0.3, 0, 0], [3, 3, 3]], [0.5, 0.5, 1])
    assert Counter(str(resolve_disorder(salt, seed=seed).atoms.symbols) for seed in range(20)) == {"LiF": 20}
    atoms = resolve_disorder(salt, 6, seed=1).atoms
    share = np.mean(np.mod(atoms.positions[atoms.numbers == 3][:, 0] + 4, 8) > 4)
    assert share == pytest.approx(0.5, abs=0.11)


def test_unequal_occupancies_are_chances():
    split = partly("Ar2", [[0.3, 0, 0], [-0.3, 0, 0]], [0.8, 0.2])
    atoms = resolve_disorder(split, 10, seed=1).atoms
    assert len(atoms) == 1000
    share = np.mean(np.mod(atoms.positions[:, 0] + 4, 8) > 4)
    assert share == pytest.approx(0.8, abs=0.04)


def test_methyl_group_takes_every_other_of_six_sites():
    """Two triangles of half-occupied H around the same axis: staggered or eclipsed to the bond, never mixed."""
    turns = np.radians(np.arange(0, 360, 60))
    height, radius = 1.09 * np.cos(np.radians(70.5)), 1.09 * np.sin(np.radians(70.5))
    ring = np.stack([radius * np.cos(turns), radius * np.sin(turns), np.full(6, height)], axis=1)
    atoms = partly(["F", "C", *"HHHHHH"], [[0, 0, -1.38], [0, 0, 0], *ring], [1, 1] + [0.5] * 6)
    found = resolve_disorder(atoms, 4, seed=1).atoms
    assert Counter(formulas(found)) == {"CH3F": 64}
    for molecule in ions(found, "CH3F"):
        ends = np.flatnonzero(molecule.numbers == 1)
        apart = molecule.get_all_distances()[np.ix_(ends, ends)]
        assert apart[apart > 0] == pytest.approx(radius * np.sqrt(3))


@pytest.mark.parametrize(
    ("atoms", "words"),
    [
        (
            lambda: partly("LiF", [[0, 0, 0], [3, 3, 3]], [0.5, 1]),
            r"site 1 of the file \(Li, occupancy 0.5\) cannot be resolved.*hold 0.5 Li, no whole number",
        ),
        (lambda: partly("ArNe", [[0, 0, 0], [4, 4, 4]], [1, 1.2]), "site 2 of the file .* at most 1"),
        (lambda: partly("ArNe", [[0, 0, 0], [4, 4, 4]], [1, 0]), "site 2 of the file .* above 0"),
        (
            lambda: partly("Ar3", [[0, 0, 0], [0.4, 0, 0], [0, 0.4, 0]], [0.9, 0.9, 0.2]),
            "site 1 of the file .* cannot be filled",
        ),
        (
            lambda: partly("ArNe", [[0, 0, 0], [0.4, 0, 0]], [0.99, 0.5]),
            "site 2 of the file .* cannot be resolved",
        ),
    ],
)
def test_sites_without_a_rule_are_named(atoms, words):
    with pytest.raises(InputError, match=words):
        resolve_disorder(atoms())


def test_site_of_two_elements_is_named():
    atoms = partly("ArNe", [[0, 0, 0], [4, 4, 4]], [1, 0.5])
    atoms.info["occupancy"]["1"]["Kr"] = 0.5
    with pytest.raises(InputError, match=r"site 2 of the file \(Ne, occupancy 0.5\) is shared by several elements"):
        resolve_disorder(atoms)


def test_too_many_ways_are_refused():
    line = [[0.5 * k, 0, 0] for k in range(40)]
    with pytest.raises(InputError, match="too many ways"):
        resolve_disorder(partly("Ar40", line, [0.5] * 40, edge=40))


def test_sites_that_no_mixture_fits_are_named():
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.03 / np.sqrt(3)
    corners = np.vstack([tetrahedron, -tetrahedron])
    uneven = partly(["N", *"HHHHHHHH"], [[0, 0, 0], *corners], [1, 0.9, *[0.5] * 6, 0.1])
    with pytest.raises(InputError, match=r"site 2 of the file \(H, occupancy 0.9\) cannot be resolved: no mixture"):
        resolve_disorder(uneven)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"repeat": 0}, "repeat: expected"),
        ({"seed": -1}, "seed: expected"),
        ({"seed": 1.5}, "seed: expected"),
        ({"bond_lengths": {"NH": "1 angstrom"}}, "bond_lengths: expected two elements such as 'N-H'"),
        ({"bond_lengths": {"N-H": "1 K"}}, "bond_lengths: N-H"),
        ({"bond_lengths": {"N-H": "0 angstrom"}}, "greater than 0"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(InputError, match=words):
        resolve_disorder(cell("orthorhombic"), **arguments)


def test_no_crystal():
    with pytest.raises(InputError, match="no cell that is periodic"):
        resolve_disorder(Atoms("Ar"))
    assert len(resolve_disorder(bulk("Ar", cubic=True), 2).atoms) == 32
