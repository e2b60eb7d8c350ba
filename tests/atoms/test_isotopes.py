"""Deuterium and hydrogen: masses only, whole numbers of atoms, chosen molecules."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from caloris.atoms.isotopes import deuterate, protonate
from caloris.atoms.structure import formulas, molecules, supercell
from caloris.errors import InputError
from caloris.materials import load

D, H = 2.014102, 1.008


def cell():
    return load("NH4SCN").structure("monoclinic")  # refined with D


def hydrogen(atoms):
    return atoms.get_masses()[atoms.numbers == 1]


def test_protonated_and_deuterated_masses_are_those_of_the_formulas():
    light = protonate(cell())
    assert light.get_masses().sum() == pytest.approx(4 * 76.117, rel=2e-4)
    assert deuterate(light).get_masses().sum() == pytest.approx(4 * (76.117 + 4 * (D - H)), rel=2e-4)
    assert hydrogen(light) == pytest.approx([H] * 16)
    assert hydrogen(deuterate(light)) == pytest.approx([D] * 16, abs=1e-6)


def test_only_masses_of_hydrogen_change():
    atoms = cell()
    light = protonate(atoms)
    np.testing.assert_array_equal(light.positions, atoms.positions)
    np.testing.assert_array_equal(light.numbers, atoms.numbers)
    heavy = atoms.numbers != 1
    np.testing.assert_array_equal(light.get_masses()[heavy], atoms.get_masses()[heavy])
    assert hydrogen(atoms) == pytest.approx([D] * 16, abs=1e-6)  # the structure given is not touched


@pytest.mark.parametrize(("fraction", "count"), [(0, 0), (0.25, 64), (0.98, 251), (1, 256)])
def test_fraction_of_deuterium_is_a_rounded_number_of_atoms(fraction, count):
    atoms = deuterate(supercell(cell(), (2, 4, 2)), fraction, seed=5)
    assert (hydrogen(atoms) > 2).sum() == count


def test_sites_of_deuterium_are_drawn_independently_of_the_molecule():
    """Of n sites with a share x of D, 4-tuples hold k D with binomial probability."""
    atoms = deuterate(supercell(cell(), (6, 5, 4)), 0.5, seed=2)
    groups = molecules(atoms)
    ions = [g for g, name in zip(groups, formulas(atoms, groups), strict=True) if name == "H4N"]
    per_ion = np.array([(atoms.get_masses()[g][atoms.numbers[g] == 1] > 2).sum() for g in ions])
    share = np.bincount(per_ion, minlength=5) / len(ions)
    assert share == pytest.approx(np.array([1, 4, 6, 4, 1]) / 16, abs=0.07)  # 480 ions: three standard errors


def test_seed_decides_the_sites():
    one, same, other = (hydrogen(deuterate(cell(), 0.5, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_only_chosen_molecules_exchange():
    box = molecule("H2O", cell=[9, 9, 9], pbc=True)
    other = molecule("CH3OH")
    other.translate([4, 4, 4])
    atoms = deuterate(box + other, only="H2O")
    assert hydrogen(atoms[:3]) == pytest.approx([D, D], abs=1e-6)
    assert hydrogen(atoms[3:]) == pytest.approx([H] * 4)
    back = protonate(deuterate(atoms), only=["CH3OH"])
    assert hydrogen(back[:3]) == pytest.approx([D, D], abs=1e-6)
    assert hydrogen(back[3:]) == pytest.approx([H] * 4)


def test_velocities_stay():
    atoms = cell()
    atoms.set_velocities(np.random.default_rng(1).normal(size=(len(atoms), 3)))
    np.testing.assert_allclose(protonate(atoms).get_velocities(), atoms.get_velocities())
    squares = (atoms.get_velocities()[atoms.numbers == 1] ** 2).sum()
    lost = atoms.get_kinetic_energy() - protonate(atoms).get_kinetic_energy()
    assert lost == pytest.approx(0.5 * (D - H) * squares, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: deuterate(cell(), 1.5), "fraction: expected a number from 0 to 1, got 1.5"),
        (lambda: deuterate(cell(), "50 K"), "fraction"),
        (lambda: deuterate(cell(), 0.5, seed=-1), "seed: expected a whole number"),
        (lambda: deuterate(cell(), 0.5, seed=None), "seed: expected a whole number"),
        (lambda: deuterate(cell(), only="CH4"), "no molecule CH4 in the structure; it has CNS, H4N"),
        (lambda: deuterate(cell(), only="SCN"), "no hydrogen to replace"),
        (lambda: protonate(cell(), only="nonsense!"), "not a chemical formula"),
        (lambda: protonate(Atoms("Ar")), "no hydrogen to replace"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
