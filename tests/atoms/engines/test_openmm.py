"""The engine openmm: platforms, cell vectors, states, minimum, order of its integrator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_crystals import ammonium_thiocyanate, lithium_dodecaborate, peroxide, with_velocities
from test_dynamics import run
from test_energies import lammps, openmm_cpu

from caloris.atoms.engines import Conditions, Stretch
from caloris.errors import InputError

pytest.importorskip("openmm")

from caloris.atoms.engines.openmm import OpenMM
from caloris.atoms.engines.openmm_forces import molecules_made_whole, reduced

lengths, shears = st.floats(2, 50), st.floats(-100, 100)


@given(lengths, lengths, lengths, shears, shears, shears)
def test_reduced_cell_spans_the_same_lattice(ax, by, cz, bx, cx, cy):
    cell = np.array([[ax, 0, 0], [bx, by, 0], [cx, cy, cz]])
    found = reduced(cell)
    steps = cell @ np.linalg.inv(found)
    assert abs(steps - steps.round()).max() < 1e-9
    assert np.linalg.det(found) == pytest.approx(np.linalg.det(cell), rel=1e-9)
    (a, _, _), (b, c, _), (d, e, _) = found
    assert max(abs(b), abs(d)) <= a / 2 * (1 + 1e-9)
    assert abs(e) <= c / 2 * (1 + 1e-9)


def test_cut_molecules_are_made_whole():
    system = ammonium_thiocyanate()
    rng = np.random.default_rng(4)
    atoms = system.atoms.copy()
    atoms.positions += rng.integers(-2, 3, size=(len(atoms), 3)) @ atoms.cell.array
    whole = molecules_made_whole(system.with_atoms(atoms))
    i, j = system.bonds.atoms.T
    assert np.linalg.norm(whole.positions[j] - whole.positions[i], axis=1).max() < 2.0
    images = (whole.positions - atoms.positions) @ np.linalg.inv(atoms.cell.array)
    assert abs(images - images.round()).max() < 1e-9
    assert whole.rigid


def test_error_of_the_energy_is_of_second_order_in_the_time_step(tmp_path):
    """Bonds, angles and torsions alone, in double precision. Twice the step, four times the error."""
    system = with_velocities(peroxide(pair=None, charge=0.0), 300)
    spread = []
    for step in (0.25, 0.5, 1.0):
        stretch = Stretch(0, round(100 / step), round(1 / step), 0)
        segment = run(OpenMM("Reference"), system, Conditions("NVE", 300, 300, time_step=step), stretch, tmp_path)
        spread.append(np.std(segment.observables["potential_energy"] + segment.observables["kinetic_energy"]))
    assert spread[1] / spread[0] == pytest.approx(4, rel=0.1)
    assert spread[2] / spread[1] == pytest.approx(4, rel=0.2)


def test_minimum_has_no_forces_and_is_below_that_of_lammps():
    """The line search of LAMMPS ends early where pair terms end at a short cutoff with a step."""
    system, engine = ammonium_thiocyanate(), openmm_cpu()
    found = engine.energy(system.with_atoms(engine.minimise(system)), accuracy=1e-6)
    other = engine.energy(system.with_atoms(lammps().minimise(system)), accuracy=1e-6)
    assert abs(found.forces).max() < 0.05
    assert found.energy == pytest.approx(other.energy, rel=1e-3)
    assert found.energy < engine.energy(system).energy - 1


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (lambda: OpenMM("Abacus"), "no 'Abacus' here; there are"),
        (lambda: OpenMM("CPU", precision="double"), "one of its own"),
        (lambda: OpenMM("CPU", threads=0), "must be 1 or more"),
        (lambda: OpenMM(precision="quadruple"), "none of single, mixed, double"),
    ],
    ids=["platform", "precision", "threads", "no precision"],
)
def test_a_platform_that_does_not_exist_is_refused(engine, words):
    with pytest.raises(InputError, match=words):
        engine().version()


def test_virials_are_refused(tmp_path):
    with pytest.raises(InputError, match="lammps"):
        run(openmm_cpu(), lithium_dodecaborate(), Conditions("NVE", 1, 1), Stretch(0, 1, 1, 1, virial=True), tmp_path)


def test_states_of_something_else_are_refused(tmp_path):
    conditions, stretch = Conditions("NVE", 300, 300), Stretch(0, 1, 1, 0)
    run(openmm_cpu(), with_velocities(lithium_dodecaborate(), 300), conditions, stretch, tmp_path)
    with pytest.raises(InputError, match="a state of 104 atoms, but the structure has 192"):
        run(openmm_cpu(), ammonium_thiocyanate(), conditions, stretch, tmp_path, tmp_path / "end", "two")
    (tmp_path / "other").write_bytes(b"\x00\xff LAMMPS")
    with pytest.raises(InputError, match="not a state of the engine openmm"):
        run(openmm_cpu(), ammonium_thiocyanate(), conditions, stretch, tmp_path, tmp_path / "other", "two")


def test_a_state_is_the_same_whatever_goes_on_from_it(tmp_path):
    """From constant pressure to constant energy: positions, velocities and cell are taken, the thermostat is left."""
    system = with_velocities(lithium_dodecaborate(), 600)
    hot = run(openmm_cpu(), system, Conditions("NPT", 300, 300, 0.0, "isotropic"), Stretch(0, 100, 50, 100), tmp_path)
    conditions = Conditions("NVE", 300, 300, time_step=1e-4)
    segment = run(openmm_cpu(), system, conditions, Stretch(1, 1, 1, 1), tmp_path, tmp_path / "end", "two")
    assert segment.positions[0] == pytest.approx(hot.positions[0], abs=1e-4)
    assert segment.cell[0] == pytest.approx(hot.cell[0], abs=1e-9)
    assert segment.velocities[0] == pytest.approx(hot.velocities[0], abs=1e-2)
