"""Simulations: what is kept, what is refused, and that a stop changes no number."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from ase import Atoms

from caloris.atoms import assemble, open_simulation, simulate
from caloris.atoms.engines import Conditions, Stretch
from caloris.atoms.engines.lammps import Lammps
from caloris.atoms.molecular_dynamics import last_checkpoint, with_velocities
from caloris.atoms.simulation import read_final
from caloris.errors import ComputationError, InputError
from caloris.materials import load, load_force_field

pytest.importorskip("lammps")

SHORT: dict[str, Any] = {
    "temperature": "400 K",
    "duration": "0.4 ps",
    "frame_interval": "50 fs",
    "checkpoint_interval": "0.1 ps",
    "engine": "lammps",
    "minimise": False,
}


def borate() -> Atoms:
    cell = load("Li2B12H12").structure("alpha")
    cell.set_cell(cell.cell * 1.03, scale_atoms=False)
    return load("Li2B12H12").structure("alpha").repeat(2)


def content(path: Path) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return {name: value for name, value in found.items() if not name.startswith("parameters")}


def assert_same(one: Path, other: Path) -> None:
    first, second = content(one / "trajectory.h5"), content(other / "trajectory.h5")
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert np.array_equal(value, second[name]), name
    assert (one / "averages.json").read_text() == (other / "averages.json").read_text()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("md") / "undisturbed"
    simulate(borate(), "Li2B12H12", folder=folder, **SHORT)
    return folder


def test_a_simulation_keeps_frames_thermodynamics_and_its_inputs(undisturbed: Path) -> None:
    simulation = open_simulation(undisturbed)
    trajectory = simulation.trajectory
    assert trajectory.time.values == pytest.approx(np.arange(1, 9) * 0.05)
    assert len(trajectory.observables.coords["time"]) == 16
    assert simulation.inputs["conditions"]["temperature"] == 400.0
    assert simulation.inputs["force_field"]["name"] == "Li2B12H12"
    assert "lammps" in simulation.summary()
    assert sorted(path.name for path in undisturbed.iterdir()) == [
        ".lock",
        "averages.json",
        "final.npz",
        "inputs.json",
        "trajectory.h5",
    ]
    volume = trajectory.observables["volume"].values
    lengths = [trajectory.observables[name].values for name in "abc"]
    assert np.prod(lengths, axis=0) == pytest.approx(volume, rel=1e-9)


def test_the_last_structure_is_the_last_frame_with_its_velocities(undisturbed: Path) -> None:
    simulation = open_simulation(undisturbed)
    final = simulation.final
    moved = final.positions - simulation.trajectory.read("position")[-1]  # whole molecules there, not here
    cells = moved @ np.linalg.inv(final.cell.array)
    assert np.abs(cells - np.round(cells)).max() * 20 < 2e-5
    kinetic = float(simulation.trajectory.observables["kinetic_energy"].values[-1])
    assert final.get_kinetic_energy() == pytest.approx(kinetic, rel=1e-6)


def test_specific_values_are_those_of_the_cell(undisturbed: Path) -> None:
    simulation = open_simulation(undisturbed)
    mass = simulation.trajectory.masses.values.sum() * 1.66053906892e-27
    assert simulation.specific_volume.value == pytest.approx(simulation.averages["volume"].value * 1e-30 / mass)
    joule = simulation.averages["enthalpy"].value * 1.602176634e-19
    assert simulation.specific_enthalpy.value == pytest.approx(joule / mass)


def _go(folder: Path) -> None:
    simulate(borate(), "Li2B12H12", folder=folder, **SHORT)


LONG = {**SHORT, "duration": "200 ps"}


def _go_long(folder: Path) -> None:
    simulate(borate(), "Li2B12H12", folder=folder, **LONG)


@pytest.mark.parametrize("checkpoints", [0, 1, 2])
def test_a_run_that_was_killed_gives_the_same_bits(undisturbed: Path, tmp_path: Path, checkpoints: int) -> None:
    folder = tmp_path / "killed"
    process = multiprocessing.get_context("spawn").Process(target=_go, args=(folder,))
    process.start()
    while process.is_alive() and (not folder.is_dir() or last_checkpoint(folder) < checkpoints * 100):
        time.sleep(0.002)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (folder / "averages.json").exists()
    simulate(borate(), "Li2B12H12", folder=folder, **SHORT)
    assert_same(undisturbed, folder)


def test_a_finished_simulation_is_returned_and_not_run_again(undisturbed: Path) -> None:
    before = (undisturbed / "trajectory.h5").stat().st_mtime_ns
    simulate(borate(), "Li2B12H12", folder=undisturbed, **SHORT)
    assert (undisturbed / "trajectory.h5").stat().st_mtime_ns == before


def test_a_folder_of_another_simulation_is_refused_by_what_differs(undisturbed: Path) -> None:
    with pytest.raises(
        InputError, match=r"holds another simulation \(conditions.temperature: 400.0 there, 500.0 here\)"
    ):
        simulate(borate(), "Li2B12H12", folder=undisturbed, **{**SHORT, "temperature": "500 K"})


def test_an_exploding_run_says_so_and_keeps_its_last_good_checkpoint(tmp_path: Path) -> None:
    atoms = borate()
    with pytest.raises(ComputationError, match=r"time step|LAMMPS stopped") as caught:
        simulate(
            atoms,
            "Li2B12H12",
            folder=tmp_path,
            temperature="500 K",
            duration="2 ps",
            time_step="4 fs",
            frame_interval="8 fs",
            observable_interval="8 fs",
            checkpoint_interval="8 fs",
            minimise=False,
        )
    assert "\n" not in str(caught.value)
    kept = last_checkpoint(tmp_path)
    assert kept > 0
    assert f"the last good checkpoint, at {kept * 4 / 1000:g} ps, stays in" in str(caught.value)
    assert (tmp_path / f"state-{kept:012d}").stat().st_size > 10_000
    assert not (tmp_path / "averages.json").exists()


def test_nve_conserves_energy_to_second_order_of_the_step(tmp_path: Path) -> None:
    """The drift-free fluctuation of the total energy of a Verlet run falls as the square of the step."""
    atoms = with_velocities(Lammps().minimise(assemble(borate(), "Li2B12H12")), 300.0, seed=3)
    spread = []
    for step in (1.0, 0.5):
        simulation = simulate(
            atoms,
            "Li2B12H12",
            temperature="300 K",
            duration="0.3 ps",
            time_step=f"{step} fs",
            observable_interval="5 fs",
            frame_interval="50 fs",
            ensemble="NVE",
            folder=tmp_path / str(step),
        )
        observables = simulation.trajectory.observables
        total = observables["potential_energy"].values + observables["kinetic_energy"].values
        spread.append(total.std())
    assert spread[0] / spread[1] == pytest.approx(4.0, rel=0.25)


def test_a_ramp_goes_at_a_constant_rate_over_checkpoints(tmp_path: Path) -> None:
    simulation = simulate(
        borate(),
        "Li2B12H12",
        temperature="200 K",
        final_temperature="400 K",
        duration="2 ps",
        thermostat_time="0.02 ps",
        checkpoint_interval="0.5 ps",
        folder=tmp_path,
    )
    observables = simulation.trajectory.observables
    time_ps, found = observables.coords["time"].values, observables["temperature"].values
    late = time_ps > 0.5
    slope, _ = np.polyfit(time_ps[late], found[late], 1)
    assert slope == pytest.approx(100.0, rel=0.2)
    assert any("ramp" in caution for caution in simulation.cautions)


def test_velocities_have_the_temperature_and_no_drift() -> None:
    atoms = with_velocities(borate(), 321.0, seed=5)
    degrees_of_freedom = 3 * len(atoms) - 3
    assert 2 * atoms.get_kinetic_energy() / degrees_of_freedom / 8.617333262e-5 == pytest.approx(321.0, rel=1e-6)
    assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-9
    again = with_velocities(borate(), 321.0, seed=5)
    assert np.array_equal(atoms.get_momenta(), again.get_momenta())
    assert not np.array_equal(atoms.get_momenta(), with_velocities(borate(), 321.0, seed=6).get_momenta())


def test_equipartition_between_light_and_heavy_atoms() -> None:
    atoms = with_velocities(borate().repeat((3, 1, 1)), 300.0, seed=1)
    energy = 0.5 * (atoms.get_momenta() ** 2).sum(axis=1) / atoms.get_masses()
    for symbol in ("H", "B", "Li"):
        each = energy[np.array(atoms.get_chemical_symbols()) == symbol]
        expected = 1.5 * 8.617333262e-5 * 300
        assert each.mean() == pytest.approx(expected, abs=4 * expected * np.sqrt(2 / 3 / len(each)))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"temperature": "400 MPa"}, "temperature: '400 MPa' has the unit MPa"),
    ({"temperature": "0 K"}, "temperature: must be greater than 0"),
    ({"duration": "1 fs"}, "duration: 1 fs is shorter than one frame of 50 fs"),
    ({"ensemble": "NPH"}, "ensemble: 'NPH' is none of NPT, NVT, NVE"),
    ({"cell": "cubic"}, "cell: 'cubic' is none of isotropic"),
    ({"engine": "gromacs"}, "engine: no engine 'gromacs'"),
    ({"pressure": 3}, "pressure: 3 has no unit"),
    ({"ensemble": "NVE", "final_temperature": "500 K"}, "final_temperature: NVE has no thermostat"),
    ({"ensemble": "NVT", "pressure": "1 GPa"}, "pressure: NVT has no barostat"),
    ({"engine": "openmm", "virial": True}, "virial: the engine openmm has none per atom"),
    ({"duration": "0.43 ps"}, "duration: 430 fs is no whole number of frames of 50 fs"),
    ({"duration": "0.1 ps"}, "4 observations are too few for averages"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_wrong_settings_are_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        simulate(borate(), "Li2B12H12", folder=tmp_path / "md", **{**SHORT, **change})
    assert not (tmp_path / "md").exists()


def test_a_structure_needs_a_force_field(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="force_field: none given"):
        simulate(borate(), folder=tmp_path, **SHORT)


def test_folders_that_hold_no_simulation_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished simulation there"):
        open_simulation(tmp_path)
    (tmp_path / "inputs.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="no finished simulation there"):
        open_simulation(tmp_path)
    (tmp_path / "final.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(InputError, match="no last structure"):
        read_final(tmp_path)


def test_deuterium_moves_as_deuterium(tmp_path: Path) -> None:
    """Two masses of one type: the same energy, and velocities that follow the masses."""
    atoms = borate()
    heavy = atoms.copy()
    masses = heavy.get_masses()
    masses[heavy.numbers == 1] = 2.014
    heavy.set_masses(masses)
    engine = Lammps()
    one, other = (engine.energy(assemble(each, "Li2B12H12"), 1e-5) for each in (atoms, heavy))
    assert one.energy == pytest.approx(other.energy, rel=1e-12)
    system = assemble(with_velocities(heavy, 300.0, 1), "Li2B12H12")
    segment = engine.advance(
        system,
        Conditions("NVE", 300.0, 300.0, time_step=0.01),
        Stretch(0, 1, 1, 1),
        None,
        tmp_path / "state",
        lambda part: None,
    )
    assert segment.velocities is not None
    force = engine.energy(system, 1e-6).forces
    change = segment.velocities[0] - system.atoms.get_velocities() * 98.22694788
    hydrogen = heavy.numbers == 1
    expected = force[hydrogen] / 2.014 * 9648.53321 * 1e-5  # eV/angstrom/u in angstrom/ps^2, over 0.01 fs
    assert change[hydrogen] == pytest.approx(expected, abs=0.1 * np.sqrt((expected**2).mean()))


def test_inputs_hold_all_that_decides_the_numbers(undisturbed: Path) -> None:
    inputs = json.loads((undisturbed / "inputs.json").read_text(encoding="utf-8"))
    field = load_force_field("Li2B12H12").model_dump(mode="json", by_alias=True)
    assert inputs["force_field"] == json.loads(json.dumps(field))
    assert inputs["plan"]["steps"] == 400
    assert len(inputs["structure"]["sha256"]) == 64


def test_a_trajectory_without_its_first_frames_is_the_rest_of_it(undisturbed: Path) -> None:
    whole = open_simulation(undisturbed).trajectory
    rest = whole.after(2).after(1)
    assert len(rest) == len(whole) - 3
    assert np.array_equal(rest.time.values, whole.time.values[3:])
    assert np.array_equal(rest.read("position"), whole.read("position")[3:])
    assert np.array_equal(rest.read("velocity", "Li", slice(1, 4, 2)), whole.read("velocity", "Li", slice(4, 7, 2)))
    assert np.array_equal(rest.cell.values, whole.cell.values[3:])
    with pytest.raises(InputError, match="cannot leave out 8 of 8 frames"):
        whole.after(len(whole))


def test_any_ase_calculator_drives_the_same_simulation(tmp_path: Path) -> None:
    """From the minimum half of the kinetic energy becomes potential, as in any harmonic crystal; the sum stays."""
    from ase.build import bulk

    from caloris.atoms.engines.ase import ase_engine

    simulation = simulate(
        bulk("Cu", cubic=True).repeat(3),
        temperature="100 K",
        duration="1.2 ps",
        time_step="4 fs",
        frame_interval="40 fs",
        observable_interval="8 fs",
        checkpoint_interval="0.4 ps",
        ensemble="NVE",
        engine=ase_engine("emt"),
        folder=tmp_path,
    )
    assert simulation.trajectory.symbols[0] == "Cu"
    assert "ase-emt" in simulation.summary()
    observables = simulation.trajectory.observables
    late = observables.coords["time"].values > 0.3
    assert observables["temperature"].values[late].mean() == pytest.approx(50.0, rel=0.1)
    total = observables["potential_energy"].values + observables["kinetic_energy"].values
    assert np.ptp(total) < 0.01 * observables["kinetic_energy"].values.mean()


def test_what_a_kill_leaves_half_written_stops_nothing(undisturbed: Path, tmp_path: Path) -> None:
    """A segment and a state under their temporary names, as kill -9 leaves them."""
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / ".000000000100-abc.h5").write_bytes(b"half")
    (tmp_path / ".state-000000000100-abc").write_bytes(b"half")
    simulate(borate(), "Li2B12H12", folder=tmp_path, **SHORT)
    assert_same(undisturbed, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in undisturbed.iterdir()}


def test_two_processes_do_not_run_one_simulation(tmp_path: Path) -> None:
    folder = tmp_path / "md"
    process = multiprocessing.get_context("spawn").Process(target=_go_long, args=(folder,))
    process.start()
    try:
        while process.is_alive() and not (folder / "inputs.json").is_file():
            time.sleep(0.002)
        with pytest.raises(InputError, match="another process is running this simulation"):
            simulate(borate(), "Li2B12H12", folder=folder, **LONG)
    finally:
        process.kill()
        process.join()


def test_folders_may_have_any_name(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "50 % done*"
    simulate(borate(), "Li2B12H12", folder=folder, **SHORT)
    assert_same(undisturbed, folder)


def test_enthalpy_at_constant_volume_is_that_of_the_pressure_there_is(tmp_path: Path) -> None:
    run = simulate(borate(), "Li2B12H12", folder=tmp_path, **{**SHORT, "ensemble": "NVT"})
    observables = run.trajectory.observables
    energy = observables["potential_energy"].values + observables["kinetic_energy"].values
    work = observables["pressure"].values * observables["volume"].values / 160217.6634
    assert observables["enthalpy"].values == pytest.approx(energy + work, rel=1e-9)
    assert np.abs(work).max() > 0.1  # the printed cell is far too small for this force field


def test_a_right_angled_crystal_may_shear(tmp_path: Path) -> None:
    run = simulate(borate(), "Li2B12H12", folder=tmp_path, **{**SHORT, "cell": "triclinic"})
    assert np.ptp(run.trajectory.observables["alpha"].values) > 1e-4


def test_a_mean_temperature_far_from_the_one_held_is_said(tmp_path: Path) -> None:
    run = simulate(borate(), "Li2B12H12", folder=tmp_path, **{**SHORT, "ensemble": "NVE", "minimise": True})
    assert any("NVE has no thermostat" in caution for caution in run.cautions)


def test_means_are_over_the_part_that_is_stated(undisturbed: Path) -> None:
    run = open_simulation(undisturbed)
    observables = run.trajectory.observables
    time_ps = observables.coords["time"].values
    kept = time_ps >= time_ps[0] + run.equilibration.value - 1e-9
    for name in ("temperature", "volume", "enthalpy"):
        assert run.averages[name].value == pytest.approx(observables[name].values[kept].mean(), rel=1e-12)


def test_a_damaged_result_is_named(undisturbed: Path, tmp_path: Path) -> None:
    for name in ("inputs.json", "averages.json"):
        (tmp_path / name).write_text((undisturbed / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "averages.json").write_text('{"averages": {}}', encoding="utf-8")
    with pytest.raises(InputError, match=r"averages.json: damaged"):
        open_simulation(tmp_path)


def test_another_calculator_is_another_simulation(tmp_path: Path) -> None:
    from ase.build import bulk

    from caloris.atoms.engines.ase import ase_engine

    argon = bulk("Ar", "fcc", a=5.3, cubic=True).repeat(2)
    settings: dict[str, Any] = {"temperature": "40 K", "duration": "0.5 ps", "ensemble": "NVT", "folder": tmp_path}
    options = {"sigma": "3.4 angstrom", "cutoff": "5 angstrom"}
    simulate(argon, engine=ase_engine("lj", epsilon="0.0104 eV", **options), **settings)
    with pytest.raises(InputError, match=r"another simulation \(engine_settings.options.epsilon"):
        simulate(argon, engine=ase_engine("lj", epsilon="0.02 eV", **options), **settings)
    with pytest.raises(InputError, match="brings its own calculator; leave the force field out"):
        simulate(argon, "Li2B12H12", engine=ase_engine("lj", epsilon="0.02 eV", **options), **settings)


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    """Somebody simulates into a folder that holds things of theirs, with names that look like ours."""
    names = (".pre-commit-config.yaml", "state-of-the-art.pdf", "segments/mine.h5", "segments/.hidden-thing")
    (tmp_path / "segments").mkdir()
    for name in names:
        (tmp_path / name).write_text("mine", encoding="utf-8")
    simulate(borate(), "Li2B12H12", folder=tmp_path, **SHORT)
    simulate(borate(), "Li2B12H12", folder=tmp_path, **SHORT)
    assert all((tmp_path / name).read_text(encoding="utf-8") == "mine" for name in names)
    assert sorted(path.name for path in (tmp_path / "segments").iterdir()) == [".hidden-thing", "mine.h5"]
