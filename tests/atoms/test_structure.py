"""Supercells, molecules across boundaries and contacts, on crystals whose molecules are known."""

from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from hypothesis import given, settings
from hypothesis import strategies as st

from caloris.atoms.structure import (
    check_contacts,
    formulas,
    hill_formula,
    make_whole,
    molecules,
    shortest_contact,
    supercell,
)
from caloris.errors import InputError
from caloris.materials import load


def cell(name="NH4SCN", phase="monoclinic"):
    return load(name).structure(phase)


def water_box(n=3, spacing=3.1):
    """Water molecules on a grid, some cut by the boundary."""
    one = molecule("H2O")
    atoms = Atoms(cell=[n * spacing] * 3, pbc=True)
    for shift in np.ndindex(n, n, n):
        copy = one.copy()
        copy.rotate(37 * (shift[0] + 2 * shift[1]), "xyz"[shift[2] % 3])
        copy.translate(spacing * np.array(shift))
        atoms += copy
    return atoms


# -- molecules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "phase", "contents"),
    [("NH4SCN", "monoclinic", {"CNS": 4, "H4N": 4}), ("Li2B12H12", "alpha", {"Li": 8, "B12H12": 4})],
)
@pytest.mark.parametrize("repeat", [(1, 1, 1), (3, 2, 1)])
def test_molecules_of_the_cards(name, phase, contents, repeat):
    atoms = supercell(cell(name, phase), repeat)
    found = molecules(atoms)
    assert Counter(formulas(atoms, found)) == {key: n * np.prod(repeat) for key, n in contents.items()}
    assert sorted(np.concatenate(found)) == list(range(len(atoms)))
    assert [group[0] for group in found] == sorted(group[0] for group in found)


def test_molecules_without_a_cell():
    atoms = molecule("CH3CH2OH") + Atoms("Ar", positions=[[9, 0, 0]])
    assert formulas(atoms) == ["C2H6O", "Ar"]


def test_ions_are_bound_to_nothing_unless_told_otherwise():
    salt = bulk("LiF", "rocksalt", a=2.8, cubic=True)  # squeezed until the radii touch: 1.40 angstrom apart
    assert {len(group) for group in molecules(salt)} == {1}
    assert [len(group) for group in molecules(salt, ions=())] == [8]


def test_a_bond_ends_at_one_and_a_quarter_sums_of_covalent_radii():
    for distance, count in ((1.27, 1), (1.28, 2)):  # N 0.71, H 0.31
        assert len(molecules(Atoms("NH", positions=[[0, 0, 0], [0, 0, distance]]))) == count


@pytest.mark.parametrize(
    ("given_", "hill"),
    [("NH4", "H4N"), ("SCN", "CNS"), ("B12H12", "B12H12"), ("CH3NH3", "CH6N"), ("OH2", "H2O"), ("HCOO", "CHO2")],
)
def test_formulas_are_in_the_order_of_hill(given_, hill):
    assert hill_formula(given_) == hill


def moved(atoms, steps, order):
    """The same crystal: atoms shifted by cell vectors, in another order."""
    copy = atoms.copy()
    copy.positions += steps @ atoms.cell.array
    return copy[order]


@st.composite
def disguises(draw, n):
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    return random.integers(-2, 3, (n, 3)), random.permutation(n)


CRYSTALS = {
    "NH4SCN": lambda: cell(),
    "Li2B12H12": lambda: cell("Li2B12H12", "alpha"),
    "water": water_box,
}


@pytest.mark.parametrize("crystal", CRYSTALS)
@settings(max_examples=30)
@given(st.data())
def test_molecules_do_not_depend_on_wrapping_nor_order(crystal, data):
    atoms = CRYSTALS[crystal]()
    steps, order = data.draw(disguises(len(atoms)))
    found = molecules(moved(atoms, steps, order))
    same = {frozenset(order[group].tolist()) for group in found}
    assert same == {frozenset(group.tolist()) for group in molecules(atoms)}


@pytest.mark.parametrize("crystal", CRYSTALS)
@settings(max_examples=30)
@given(st.data())
def test_whole_molecules_do_not_depend_on_wrapping_nor_order(crystal, data):
    atoms = CRYSTALS[crystal]()
    # away from the walls: a molecule centred on one may as well lie on the other side
    atoms.translate([0.31, 0.17, 0.23])
    steps, order = data.draw(disguises(len(atoms)))
    whole = make_whole(moved(atoms, steps, order))
    np.testing.assert_allclose(whole.positions, make_whole(atoms).positions[order], atol=1e-9)


@pytest.mark.parametrize("crystal", CRYSTALS)
def test_whole_molecules_keep_every_distance_and_need_no_images(crystal):
    atoms = CRYSTALS[crystal]()
    atoms.wrap()
    whole = make_whole(atoms)
    np.testing.assert_allclose(whole.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-9)
    shifts = np.linalg.solve(atoms.cell.array.T, (whole.positions - atoms.positions).T).T
    np.testing.assert_allclose(shifts, np.round(shifts), atol=1e-9)
    for group in molecules(atoms):
        inside = whole.positions[group].mean(axis=0) @ np.linalg.inv(atoms.cell.array)
        assert np.all((inside > -1e-8) & (inside < 1))
        apart, images = whole[group].get_all_distances(), atoms[group].get_all_distances(mic=True)
        bound = images < 2
        np.testing.assert_allclose(apart[bound], images[bound], atol=1e-9)


def test_boundary_that_is_not_periodic_cuts_nothing():
    atoms = molecule("H2O", cell=[4, 4, 4], pbc=[True, True, False])
    atoms.translate([3.9, 0, -7])
    whole = make_whole(atoms)
    assert whole.positions[:, 2] == pytest.approx(atoms.positions[:, 2])
    assert whole.positions[:, 0] == pytest.approx(atoms.positions[:, 0])


def test_endless_molecule_cannot_be_whole():
    with pytest.raises(InputError, match=r"atoms 0 \(C\) and 1 \(C\) go on without end"):
        make_whole(bulk("C", "diamond", a=3.567))


# -- supercells ----------------------------------------------------------------------------------------


def test_supercell_repeats_atoms_masses_and_volume():
    small = cell()
    large = supercell(small, (3, 1, 2))
    assert len(large) == 6 * 32
    assert large.get_volume() == pytest.approx(6 * small.get_volume())
    assert large.get_masses().sum() == pytest.approx(6 * small.get_masses().sum())
    assert "spacegroup" not in large.info
    assert not large.has("spacegroup_kinds")
    assert "spacegroup" in small.info


def test_supercell_takes_one_number():
    assert len(supercell(bulk("Ar", cubic=True), 3)) == 108


@pytest.mark.parametrize("repeat", [0, -1, (2, 2), (1, 1, 0), (1.5, 1, 1), "222", (1, 1, 1, 1)])
def test_wrong_repeat(repeat):
    with pytest.raises(InputError, match="repeat: expected three whole numbers above 0"):
        supercell(bulk("Ar", cubic=True), repeat)


@pytest.mark.parametrize("call", [supercell, molecules, make_whole])
def test_average_structure_is_no_configuration(call):
    with pytest.raises(InputError, match=r"fractional occupancy.*resolve_disorder"):
        call(cell(phase="tetragonal"))


WRONG = {
    "expected ase.Atoms, got list": [],
    "no atoms": Atoms(cell=[3, 3, 3], pbc=True),
    "not a finite number": Atoms("Ar", positions=[[np.nan, 0, 0]], cell=[3, 3, 3], pbc=True),
}


@pytest.mark.parametrize("call", [supercell, molecules, make_whole, shortest_contact, check_contacts])
@pytest.mark.parametrize("words", WRONG)
def test_what_is_no_structure(call, words):
    with pytest.raises(InputError, match=words):
        call(WRONG[words])


def test_molecule_is_no_crystal():
    with pytest.raises(InputError, match="no cell that is periodic along three vectors"):
        supercell(molecule("H2O"))


# -- contacts ------------------------------------------------------------------------------------------


def test_shortest_contact_of_the_monoclinic_phase():
    bond = shortest_contact(cell())
    assert sorted(bond.symbols) == ["H", "N"]
    assert bond.distance == pytest.approx(1.02, abs=0.01)
    hydrogen_bond = shortest_contact(cell(), between_molecules=True)
    assert sorted(hydrogen_bond.symbols) == ["H", "N"]
    assert hydrogen_bond.distance == pytest.approx(1.93, abs=0.01)


def test_shortest_contact_between_molecules_agrees_with_counting_all_pairs():
    atoms = water_box()
    owner = np.empty(len(atoms), dtype=int)
    for number, group in enumerate(molecules(atoms)):
        owner[group] = number
    apart = atoms.get_all_distances(mic=True)
    least = apart[owner[:, None] != owner[None]].min()
    assert shortest_contact(atoms, between_molecules=True).distance == pytest.approx(least)


def test_nearest_neighbour_of_a_single_atom_is_its_image():
    contact = shortest_contact(bulk("Ar", "sc", a=3.7))
    assert contact.distance == pytest.approx(3.7)
    assert str(contact) == "atom 0 (Ar) and its own image are 3.70 angstrom apart"


def test_molecule_touches_its_own_image():
    atoms = molecule("H2", cell=[5, 5, 2.5], pbc=True)
    length = atoms.get_distance(0, 1)
    assert shortest_contact(atoms).distance == pytest.approx(length)
    assert shortest_contact(atoms, between_molecules=True).distance == pytest.approx(2.5 - length)


def test_lone_atom_touches_nothing():
    with pytest.raises(InputError, match="only one atom"):
        shortest_contact(Atoms("Ar"))


def test_far_atoms_are_found():
    assert shortest_contact(Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 250]])).distance == pytest.approx(250)


def test_overlap_is_named_with_its_remedy():
    atoms = supercell(bulk("Ar", cubic=True), 2)
    atoms.symbols[:] = "O"
    atoms.positions[17] = atoms.positions[3] + [0, 0, atoms.cell[2, 2] - 0.31]  # across the boundary
    words = (
        "structure: atoms 3 (O) and 17 (O) are 0.31 angstrom apart, too close for any bond (1 pair in all); "
        "remove one of them, or start from a structure without overlaps"
    )
    with pytest.raises(InputError) as caught:
        check_contacts(atoms)
    assert str(caught.value) == words


def test_contacts_of_good_structures_pass():
    check_contacts(cell())
    check_contacts(cell("Li2B12H12", "alpha"))
    check_contacts(molecule("H2"))
    check_contacts(molecule("N2"))


def test_smallest_distance_of_ones_own():
    with pytest.raises(InputError, match=r"1\.02 angstrom apart, less than 1\.1 \(16 pairs in all\)"):
        check_contacts(cell(), "0.11 nm")
    check_contacts(cell(), "1 angstrom")
