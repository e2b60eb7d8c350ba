"""Dynamics of every engine for force fields: one step by hand, ensembles, conservation, going on from a state."""

import numpy as np
import pytest
from ewald_reference import energy_and_forces
from small_crystals import ammonium_thiocyanate, lithium_dodecaborate, with_velocities
from test_energies import lammps, openmm_cpu

from caloris.atoms.block_statistics import equilibration, statistical_inefficiency
from caloris.atoms.engines import Conditions, Stretch

every_engine = pytest.mark.parametrize("make", [lammps, openmm_cpu], ids=lambda make: make.__name__)
EV = 1.03642697e-4  # 1 u angstrom^2/ps^2 in eV


def silent(part):
    pass


def run(engine, system, conditions, stretch, folder, start=None, end="end"):
    return engine.advance(system, conditions, stretch, start, folder / end, silent)


def mean_and_error(series):
    """Of the part that is in equilibrium."""
    kept = series[max(equilibration(series).start, len(series) // 3) :]
    return kept.mean(), kept.std() * np.sqrt(statistical_inefficiency(kept) / len(kept))


@every_engine
@pytest.mark.parametrize("hydrogen", [1.00782503, 2.01410178], ids=["H", "D"])
def test_one_step_is_that_of_velocity_verlet(make, hydrogen, tmp_path):
    system = with_velocities(ammonium_thiocyanate(), 300)
    velocities = system.atoms.get_velocities()
    system.atoms.set_masses(np.where(system.atoms.numbers == 1, hydrogen, system.atoms.get_masses()))
    system.atoms.set_velocities(velocities)
    m, v = system.atoms.get_masses()[:, None], velocities * 98.2269479  # angstrom/ps
    dt = 1e-3
    half = v + dt / 2 * energy_and_forces(system)[1] / m / EV
    moved = system.atoms.copy()
    moved.positions += dt * half
    after = half + dt / 2 * energy_and_forces(system.with_atoms(moved))[1] / m / EV
    segment = run(make(), system, Conditions("NVE", 300, 300), Stretch(0, 1, 1, 1), tmp_path)
    # cut molecules may have been made whole: the cell vectors of difference are whole numbers
    images = (segment.positions[0] - moved.positions) @ np.linalg.inv(system.atoms.cell.array)
    assert abs(images - images.round()).max() < 1e-6
    accuracy = 1e-4 * 14.4  # of the force field's Ewald sum, root mean square, eV/angstrom
    assert abs(segment.velocities[0] - after).max() < 4 * accuracy * dt / hydrogen / EV
    assert abs(after - v).max() > 100 * accuracy * dt / hydrogen / EV
    kinetic = segment.observables["kinetic_energy"][0]
    assert kinetic == pytest.approx(0.5 * EV * np.sum(m * after**2), rel=2e-4)
    assert kinetic == pytest.approx(0.5 * EV * np.sum(m * segment.velocities[0] ** 2), rel=1e-6)
    assert segment.observables["temperature"][0] == pytest.approx(
        2 * kinetic / (8.617333262e-5 * (3 * len(system.atoms) - 3)), rel=5e-6
    )


@every_engine
@pytest.mark.parametrize("crystal", [lithium_dodecaborate, ammonium_thiocyanate], ids=["Li2B12H12", "NH4SCN"])
def test_energy_does_not_drift(make, crystal, tmp_path):
    """At the force field's time step, over 0.5 ps, although the pair terms end at a short cutoff with a step."""
    system = with_velocities(crystal(), 300)
    quiet = run(make(), system, Conditions("NVT", 300, 300), Stretch(0, 500, 50, 0), tmp_path, end="hot")
    assert quiet.positions.shape[0] == 0
    segment = run(make(), system, Conditions("NVE", 300, 300), Stretch(500, 500, 5, 0), tmp_path, tmp_path / "hot")
    found = segment.observables
    energy = found["potential_energy"] + found["kinetic_energy"]
    drift = np.polyfit(segment.observables_time - segment.observables_time[0], energy, 1)[0] * 0.5
    assert abs(drift) < 0.02 * found["kinetic_energy"].mean()
    assert found["volume"] == pytest.approx(system.atoms.get_volume(), rel=1e-6)


@every_engine
def test_thermostat_gives_the_canonical_temperature(make, tmp_path):
    """<T>, and <dT^2>/<T>^2 not below 2/(3 N - 3).

    The chains swing in a crystal that is nearly harmonic: over 15 ps both engines have 1.33 to 1.42 times that. Heat
    capacities come from the slope of the enthalpy, not from these fluctuations.
    """
    system = with_velocities(ammonium_thiocyanate(), 600)
    conditions = Conditions("NVT", 300, 300, thermostat_time=0.05)
    segment = run(make(), system, conditions, Stretch(0, 3000, 5, 0), tmp_path)
    temperature = segment.observables["temperature"][200:]
    assert temperature.mean() == pytest.approx(300, abs=6)
    ratio = temperature.var() / 300**2 / (2 / (3 * len(system.atoms) - 3))
    assert 0.75 < ratio < 2


@every_engine
def test_ramp_of_temperature_is_followed(make, tmp_path):
    system = with_velocities(ammonium_thiocyanate(), 100)
    conditions = Conditions("NVT", 100, 100, thermostat_time=0.02)
    run(make(), system, conditions, Stretch(0, 300, 100, 0), tmp_path, end="cold")
    ramp = Conditions("NVT", 100, 300, thermostat_time=0.02)
    segment = run(make(), system, ramp, Stretch(300, 1000, 5, 0), tmp_path, tmp_path / "cold")
    held = 100 + 200 * np.linspace(0, 1, 200)
    slope, offset = np.polyfit(held - 200, segment.observables["temperature"], 1)
    assert slope == pytest.approx(1, abs=0.15)
    assert offset == pytest.approx(200, abs=12)


@every_engine
@pytest.mark.parametrize("cell", ["isotropic", "orthorhombic", "triclinic"])
def test_a_stretch_repeats_bit_for_bit_from_its_state(make, cell, tmp_path):
    system = with_velocities(ammonium_thiocyanate(), 600)
    conditions = Conditions("NPT", 300, 300, 100.0, cell)
    first = run(make(), system, conditions, Stretch(0, 100, 10, 50), tmp_path, end="one")
    more = Stretch(100, 100, 10, 50)
    there = [run(make(), system, conditions, more, tmp_path, tmp_path / "one", end) for end in ("two", "three")]
    assert (tmp_path / "two").read_bytes() == (tmp_path / "three").read_bytes()
    np.testing.assert_array_equal(there[0].positions, there[1].positions)
    np.testing.assert_array_equal(there[0].observables["pressure"], there[1].observables["pressure"])
    # and it goes on where the first has ended: no atom jumps, no molecule is cut
    assert there[0].time[0] == pytest.approx(0.15)
    assert abs(there[0].positions[0] - first.positions[-1]).max() < 1.5
    if cell == "isotropic":
        angles = np.array([first.observables[name] for name in ("alpha", "beta", "gamma")])
        assert np.ptp(angles, axis=1).max() < 1e-6
    assert np.ptp(first.observables["volume"]) > 0


@every_engine
def test_unwrapped_positions_go_with_the_cell_of_their_frame(make, tmp_path):
    """At 900 K and constant pressure atoms cross faces: steps stay small, and bonds stay bonds modulo the cell."""
    system = with_velocities(ammonium_thiocyanate(), 1800)
    conditions = Conditions("NPT", 900, 900, 0.0, "triclinic", time_step=0.5, barostat_time=0.3)
    segment = run(make(), system, conditions, Stretch(0, 1500, 25, 25), tmp_path)
    steps = np.diff(segment.positions @ np.linalg.inv(segment.cell), axis=0)
    assert abs(steps).max() < 0.3
    i, j = system.bonds.atoms.T
    for positions, cell in zip(segment.positions, segment.cell, strict=True):
        bond = (positions[j] - positions[i]) @ np.linalg.inv(cell)
        assert np.linalg.norm((bond - bond.round()) @ cell, axis=1).max() < 2.3
    images = np.floor(segment.positions @ np.linalg.inv(segment.cell))
    assert (images[0] != images[-1]).any()


@pytest.mark.slow
@every_engine
def test_barostat_holds_the_mean_pressure(make, tmp_path):
    system = with_velocities(lithium_dodecaborate(), 600)
    conditions = Conditions("NPT", 300, 300, 500.0, "isotropic", barostat_time=0.5)
    segment = run(make(), system, conditions, Stretch(0, 20000, 10, 0), tmp_path)
    pressure, error = mean_and_error(segment.observables["pressure"])
    assert pressure == pytest.approx(500, abs=4 * error)
    assert error < 100
    temperature, error = mean_and_error(segment.observables["temperature"])
    assert temperature == pytest.approx(300, abs=4 * max(error, 0.5))


@pytest.mark.slow
@pytest.mark.parametrize("crystal", [lithium_dodecaborate, ammonium_thiocyanate], ids=["Li2B12H12", "NH4SCN"])
def test_engines_agree_on_the_volume_at_constant_pressure(crystal, tmp_path):
    volumes = []
    for make in (lammps, openmm_cpu):
        system = with_velocities(crystal(), 600)
        conditions = Conditions("NPT", 300, 300, 100.0, "isotropic", barostat_time=0.5)
        segment = run(make(), system, conditions, Stretch(0, 30000, 10, 0), tmp_path, end=make.__name__)
        volumes.append(mean_and_error(segment.observables["volume"]))
    (one, error), (other, another) = volumes
    assert one == pytest.approx(other, abs=4 * np.hypot(error, another))
    assert np.hypot(error, another) < 0.005 * one
