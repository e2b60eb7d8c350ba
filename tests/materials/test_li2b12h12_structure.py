"""The constructed alpha phase of Li2B12H12 against the icosahedra, sites and space group it says it has."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from caloris.materials import check, load

GOLDEN = (1 + np.sqrt(5)) / 2
EDGE, BOND, CELL, TURN, LITHIUM = 1.79, 1.20, 9.577, 22.24, 0.20


@pytest.fixture(scope="module")
def alpha():
    return load("Li2B12H12").structure("alpha")


def between(atoms, one, other):
    symbols = np.array(atoms.get_chemical_symbols())
    return atoms.get_all_distances(mic=True)[np.ix_(symbols == one, symbols == other)]


def test_cell_holds_four_formula_units(alpha):
    assert alpha.symbols.formula.count() == {"Li": 8, "B": 48, "H": 48}
    assert alpha.get_volume() == pytest.approx(CELL**3, rel=1e-12)


def test_density_of_the_cell_is_that_of_the_card():
    (finding,) = [line for line in check(load("Li2B12H12")) if "alpha" in line.quantity and "density" in line.quantity]
    assert finding.agrees


def test_every_boron_has_five_boron_neighbours_and_one_hydrogen(alpha):
    boron, hydrogen = np.sort(between(alpha, "B", "B")), np.sort(between(alpha, "B", "H"))
    assert boron[:, 1:6] == pytest.approx(EDGE, abs=2e-5)
    assert boron[:, 6:11] == pytest.approx(EDGE * GOLDEN, abs=2e-5)  # second neighbours of an icosahedron
    assert boron[:, 11] == pytest.approx(EDGE * np.sqrt(GOLDEN + 2), abs=2e-5)  # the opposite one
    assert hydrogen[:, 0] == pytest.approx(BOND, abs=2e-5)
    assert hydrogen[:, 1].min() > 2.5


def test_anion_at_the_origin_is_turned_about_the_body_diagonal(alpha):
    axes = np.array([[0, 1, GOLDEN], [1, GOLDEN, 0], [GOLDEN, 0, 1], [0, -1, GOLDEN], [-1, GOLDEN, 0], [GOLDEN, 0, -1]])
    turned = Rotation.from_rotvec(np.radians(TURN) * np.ones(3) / np.sqrt(3)).apply(axes)
    expected = np.vstack([turned, -turned]) * EDGE / 2
    boron = alpha.positions[alpha.numbers == 5]
    boron = boron - CELL * np.round(boron / CELL)
    anion = boron[np.linalg.norm(boron, axis=1) < 2]
    assert len(anion) == 12
    apart = np.linalg.norm(expected[:, None] - anion[None], axis=2)
    assert apart.min(axis=1) == pytest.approx(0, abs=2e-5)


def test_anions_lie_on_a_face_centred_lattice(alpha):
    from caloris.atoms.structure import make_whole, molecules

    whole = make_whole(alpha)
    centres = [whole.positions[group].mean(axis=0) / CELL for group in molecules(alpha) if len(group) == 24]
    found = sorted(np.mod(np.round(centres, 4), 1).tolist())
    assert found == [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]


def test_lithium_sits_on_a_three_fold_axis_between_six_hydrogens(alpha):
    contacts = np.sort(between(alpha, "Li", "H"))
    assert contacts[:, :3] == pytest.approx(2.03, abs=0.005)
    assert contacts[:, 3:6] == pytest.approx(2.19, abs=0.005)
    assert contacts[:, 6].min() > 3.0
    scaled = np.mod(alpha.get_scaled_positions()[alpha.numbers == 3], 0.5)
    assert np.minimum(scaled, 0.5 - scaled) == pytest.approx(LITHIUM)


def test_every_operation_of_the_space_group_maps_the_cell_on_itself(alpha):
    from ase.spacegroup import Spacegroup

    scaled = alpha.get_scaled_positions()
    for rotation, translation in Spacegroup(205).get_symop():
        image = scaled @ rotation.T + translation
        apart = scaled[:, None] - image[None]
        apart = np.linalg.norm(apart - np.round(apart), axis=2) * CELL
        nearest = apart.argmin(axis=1)
        assert apart.min(axis=1).max() < 5e-5
        assert np.array_equal(alpha.numbers[nearest], alpha.numbers)


def test_hydrogen_of_neighbouring_anions_keeps_its_distance(alpha):
    from caloris.atoms.structure import check_contacts

    apart = between(alpha, "H", "H")
    assert apart[apart > 0].min() == pytest.approx(2.24, abs=0.005)
    check_contacts(alpha, "1.19 angstrom")
