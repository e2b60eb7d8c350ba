"""Calculators of ASE as engines, against exact results of small crystals."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.neighborlist import neighbor_list
from test_dynamics import mean_and_error, run

from caloris.atoms.engines import Conditions, Stretch
from caloris.atoms.engines.ase import AseEngine, Structure, ase_engine
from caloris.errors import ComputationError, InputError

KB = 8.617333262e-5


class Springs(Calculator):
    """Nearest neighbours of a face-centred cubic crystal bound by springs: E = k/2 sum (r - r0)^2. Fast."""

    implemented_properties = ("energy", "forces", "stress")
    k, a = 1.0, 3.61

    def __init__(self):
        super().__init__()
        i, j, shift = neighbor_list("ijS", self.crystal(), self.a / np.sqrt(2) * 1.1)
        once = i < j
        self._bonds = i[once], j[once], shift[once]

    @classmethod
    def crystal(cls):
        return bulk("Cu", a=cls.a, cubic=True).repeat(2)

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        i, j, shift = self._bonds
        d = atoms.positions[j] - atoms.positions[i] + shift @ atoms.cell.array
        r = np.linalg.norm(d, axis=1)
        pull = (self.k * (1 - self.a / np.sqrt(2) / r))[:, None] * d
        forces = [np.bincount(i, pull[:, x], len(atoms)) - np.bincount(j, pull[:, x], len(atoms)) for x in range(3)]
        stress = np.einsum("na,nb->ab", d, pull) / atoms.get_volume()
        self.results = {
            "energy": self.k / 2 * np.sum((r - self.a / np.sqrt(2)) ** 2),
            "forces": np.stack(forces, axis=1),
            "stress": stress.flat[[0, 4, 8, 5, 2, 1]],
        }


def hot(atoms, temperature, seed=1):
    rng = np.random.default_rng(seed)
    masses = atoms.get_masses()[:, None]
    p = rng.normal(size=(len(atoms), 3)) * np.sqrt(masses * KB * temperature)
    moved = atoms.copy()
    moved.set_momenta(p - masses * p.sum(axis=0) / masses.sum())
    return Structure(moved)


def argon():
    return bulk("Ar", a=5.3, cubic=True).repeat(2)


def lennard_jones():
    return ase_engine("lj", sigma="3.4 angstrom", epsilon="0.0104 eV", cutoff="5.2 angstrom", smooth=True)


def test_pressure_is_minus_the_slope_of_the_energy_with_strain():
    atoms = argon()
    atoms.positions += np.random.default_rng(0).normal(scale=0.1, size=atoms.positions.shape)
    engine, strain, step = lennard_jones(), np.array([[0.3, 0.1, -0.2], [0.1, -0.5, 0.4], [-0.2, 0.4, 0.6]]), 1e-5
    energies = []
    for sign in (1, -1):
        strained = atoms.copy()
        strained.set_cell(atoms.cell.array @ (np.eye(3) + sign * step * strain), scale_atoms=True)
        energies.append(engine.energy(Structure(strained)).energy)
    xx, yy, zz, xy, xz, yz = engine.energy(Structure(atoms)).pressure
    work = np.sum(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) * strain)
    assert work == pytest.approx(-(energies[0] - energies[1]) / (2 * step) / atoms.get_volume() * 160217.6634, rel=1e-5)


def test_minimum_of_a_rattled_crystal_is_the_crystal():
    engine, atoms = lennard_jones(), argon()
    exact = engine.energy(Structure(atoms)).energy
    moved = atoms.copy()
    moved.positions += np.random.default_rng(0).normal(scale=0.1, size=moved.positions.shape)
    assert engine.energy(Structure(moved)).energy > exact + 0.01
    assert engine.energy(Structure(engine.minimise(Structure(moved)))).energy == pytest.approx(exact, abs=1e-4)


def test_error_of_the_energy_is_of_second_order_in_the_time_step(tmp_path):
    spread = []
    for step in (2.5, 5.0):
        stretch = Stretch(0, round(200 / step), round(5 / step), 0)
        segment = run(ase_engine("emt"), hot(bulk("Cu", cubic=True).repeat(2), 600), nve(step), stretch, tmp_path)
        spread.append(np.std(segment.observables["potential_energy"] + segment.observables["kinetic_energy"]))
    assert spread[1] / spread[0] == pytest.approx(4, rel=0.1)


def nve(step):
    return Conditions("NVE", 300, 300, time_step=step)


@pytest.mark.parametrize("thermostat", ["bussi", "langevin"])
def test_thermostat_gives_the_canonical_temperature(thermostat, tmp_path):
    """<T>, and <dT^2>/<T>^2 = 2/(3 N - 3); the potential energy of springs is half of the rest."""
    engine = AseEngine(Springs, "springs", thermostat)
    conditions = Conditions("NVT", 30, 30, time_step=5.0, thermostat_time=0.1)
    structure = hot(Springs.crystal(), 60)
    segment = run(engine, structure, conditions, Stretch(0, 6000, 4, 0), tmp_path)
    temperature, potential = (segment.observables[name][200:] for name in ("temperature", "potential_energy"))
    free = 3 * len(structure.atoms) - 3
    _, error = mean_and_error(temperature)
    assert temperature.mean() == pytest.approx(30, abs=4 * error)
    assert error < 0.5
    assert temperature.var() / 30**2 == pytest.approx(2 / free, rel=0.25)
    mean, error = mean_and_error(potential)
    assert mean == pytest.approx(free * KB * 30 / 2, abs=4 * error, rel=0.02)
    assert structure.atoms.get_momenta().sum(axis=0) == pytest.approx([0, 0, 0], abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["isotropic", "orthorhombic", "triclinic"])
def test_volume_fluctuates_as_the_bulk_modulus_says(cell, tmp_path):
    """<dV^2> = kT V/B; springs between neighbours have B = 2 N k r0^2/(3 V). Warm, for cold springs never mix."""
    T = 400.0
    structure = hot(Springs.crystal(), 2 * T)
    n, volume = len(structure.atoms), structure.atoms.get_volume()
    modulus = 2 * n * Springs.k * Springs.a**2 / 2 / (3 * volume)
    conditions = Conditions("NPT", T, T, 0.0, cell, time_step=5.0, thermostat_time=0.1, barostat_time=0.25)
    segment = run(AseEngine(Springs), structure, conditions, Stretch(0, 24000, 10, 0), tmp_path)
    mean, error = mean_and_error(segment.observables["temperature"])
    assert mean == pytest.approx(T, abs=4 * error)
    assert error < 4  # 3 N in place of 3 N - 3 degrees of freedom would be 13 K
    mean, error = mean_and_error(segment.observables["pressure"])
    assert mean == pytest.approx(0, abs=4 * error)
    # blocks of a quarter of the run scatter by 25 %
    assert segment.observables["volume"][300:].var() == pytest.approx(KB * T * volume / modulus, rel=0.35)


@pytest.mark.parametrize("cell", ["isotropic", "orthorhombic", "triclinic"])
def test_barostat_squeezes_by_the_bulk_modulus(cell, tmp_path):
    structure = hot(Springs.crystal(), 2.0)
    volume, pressure = structure.atoms.get_volume(), 500.0
    modulus = 2 * len(structure.atoms) * Springs.k * Springs.a**2 / 2 / (3 * volume) * 160217.6634
    conditions = Conditions("NPT", 2, 2, pressure, cell, time_step=4.0, thermostat_time=0.1, barostat_time=2.5)
    segment = run(AseEngine(Springs), structure, conditions, Stretch(0, 2500, 10, 0), tmp_path)
    strain = segment.observables["volume"][100:].mean() / volume - 1
    assert strain == pytest.approx(-pressure / modulus, rel=0.15)
    if cell == "isotropic":
        assert np.ptp(segment.observables["a"] - segment.observables["b"]) < 1e-9


@pytest.mark.parametrize(
    "conditions",
    [
        nve(5.0),
        Conditions("NVT", 50, 50, time_step=5.0),
        *(Conditions("NPT", 50, 50, 10.0, c, 5.0) for c in ("isotropic", "orthorhombic", "triclinic")),
    ],
    ids=lambda c: f"{c.ensemble}-{c.cell}",
)
def test_a_stretch_repeats_bit_for_bit_from_its_state(conditions, tmp_path):
    structure = hot(Springs.crystal(), 100)
    engine = AseEngine(Springs)
    first = run(engine, structure, conditions, Stretch(0, 60, 10, 20), tmp_path, end="one")
    more = Stretch(60, 60, 10, 20)
    there = [run(engine, structure, conditions, more, tmp_path, tmp_path / "one", end) for end in ("two", "three")]
    np.testing.assert_array_equal(there[0].positions, there[1].positions)
    np.testing.assert_array_equal(there[0].velocities, there[1].velocities)
    assert there[0].time == pytest.approx([0.4, 0.5, 0.6])
    if conditions.ensemble != "NVT":  # no random numbers: two stretches are as one
        whole = run(engine, structure, conditions, Stretch(0, 120, 10, 20), tmp_path, end="whole")
        np.testing.assert_allclose(np.concatenate([first.positions, there[0].positions]), whole.positions, atol=1e-9)


def test_a_calculator_without_stress_has_no_pressure(tmp_path):
    class Loose(Springs):
        implemented_properties = ("energy", "forces")

        def calculate(self, *arguments, **keywords):
            super().calculate(*arguments, **keywords)
            del self.results["stress"]

    structure = hot(Springs.crystal(), 50)
    segment = run(AseEngine(Loose), structure, nve(5.0), Stretch(0, 10, 5, 0), tmp_path)
    assert "pressure" not in segment.observables
    assert np.isnan(AseEngine(Loose).energy(structure).pressure).all()
    with pytest.raises(InputError, match="no stress; take NVT"):
        run(AseEngine(Loose), structure, Conditions("NPT", 50, 50), Stretch(0, 10, 5, 0), tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing_here:Calculator", "nothing_here"),
        ("ase.calculators.emt:Emt", "has no class 'Emt'"),
        ("emt ", "there are emt, lj, gpaw, tblite"),
        ("ase.build:bulk", "missing a required argument"),
    ],
)
def test_calculators_that_cannot_be_made_are_refused(name, words):
    with pytest.raises(InputError, match=words):
        ase_engine(name)


def test_what_a_calculator_cannot_do_is_one_line():
    with pytest.raises(ComputationError, match=r"the calculator ase-emt stopped: .*Xe"):
        ase_engine("emt").energy(Structure(bulk("Xe", cubic=True)))


def test_what_does_not_go_together_is_refused(tmp_path):
    engine, stretch = AseEngine(Springs), Stretch(0, 10, 5, 5)
    slanted = Structure(bulk("Cu"))
    with pytest.raises(InputError, match="right angles"):
        run(engine, slanted, Conditions("NPT", 50, 50, cell="orthorhombic"), stretch, tmp_path)
    with pytest.raises(InputError, match="needs velocities"):
        run(engine, Structure(Springs.crystal()), Conditions("NVT", 50, 50), stretch, tmp_path)
    with pytest.raises(InputError, match="virial"):
        run(engine, slanted, nve(1.0), Stretch(0, 10, 5, 5, virial=True), tmp_path)
    (tmp_path / "state").write_text("LAMMPS")
    with pytest.raises(InputError, match="not a state of the engine ase"):
        run(engine, hot(Springs.crystal(), 50), nve(1.0), stretch, tmp_path, tmp_path / "state")
    with pytest.raises(InputError, match="neither 'bussi' nor"):
        AseEngine(Springs, thermostat="berendsen")
