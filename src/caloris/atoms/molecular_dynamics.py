"""Molecular dynamics at one state point, or along a ramp of temperature: minimise, run, keep, go on after any stop.

A simulation lives in a folder: its inputs, checkpoints, and at the end one H5MD trajectory and the averages. It runs
in stretches from checkpoint to checkpoint, each started from the checkpoint's file, so that a run that was stopped and
goes on gives the same numbers as one that was not. Quantities come in with units; angstrom, ps, eV, K, MPa inside.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from caloris.atoms.engines import CellFreedom, Conditions, Engine, Ensemble, Stretch, choose_engine
from caloris.atoms.simulation import (
    FINAL,
    INPUTS,
    RESULT,
    TRAJECTORY,
    Simulation,
    final_file,
    open_simulation,
    write_result,
)
from caloris.atoms.system import MolecularSystem, assemble, check_structure, standard_cell
from caloris.errors import ComputationError, InputError
from caloris.files import output_folder, whole, write_json
from caloris.materials.force_field import ForceField
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from ase import Atoms

    from caloris.atoms.engines.ase import Structure

Progress = Callable[[str, float], None]
_KEPT_STATES = 2
_STEP = "[0-9]" * 12
_STATES = f"state-{_STEP}"
"""Names of checkpoints, as a pattern: a folder may hold other files of its user."""
_FEWEST = 8
"""Values that an average needs."""
_TIME_STEP = 1.0
"""fs, where no force field says better."""


def simulate(
    structure: "Atoms | MolecularSystem",
    force_field: ForceField | str | Path | None = None,
    *,
    temperature: Quantity,
    duration: Quantity,
    folder: str | Path,
    pressure: Quantity = "0 MPa",
    final_temperature: Quantity | None = None,
    ensemble: Ensemble = "NPT",
    cell: CellFreedom | None = None,
    time_step: Quantity | None = None,
    thermostat_time: Quantity = "0.1 ps",
    barostat_time: Quantity = "1 ps",
    frame_interval: Quantity = "100 fs",
    observable_interval: Quantity = "20 fs",
    checkpoint_interval: Quantity = "10 ps",
    velocities: bool = True,
    virial: bool = False,
    minimise: bool = True,
    seed: int = 1,
    engine: str | Engine | None = None,
    progress: Progress | None = None,
) -> Simulation:
    """Run molecular dynamics at one temperature and pressure, or along a ramp of temperature.

    Parameters
    ----------
    structure:
        An ordered crystal, large enough for the cutoff; if it has velocities they are kept, otherwise they are drawn.
    force_field:
        A force field, its name, or the path of its TOML file; not needed for a system that has one, or for an engine
        that brings an ASE calculator.
    temperature, final_temperature:
        Of the thermostat, and where a ramp ends (at a constant rate over the duration).
    duration:
        Of the run, equilibration included; its end is found afterwards from the series themselves.
    folder:
        Where the simulation lives. One that was stopped goes on; one that is finished is returned as it is.
    pressure:
        Of the barostat.
    ensemble:
        NPT, NVT or NVE.
    cell:
        What the barostat changes; without it three lengths if all angles are right, lengths and angles otherwise.
    time_step:
        Without it the force field's.
    thermostat_time, barostat_time:
        Relaxation times of the Nose-Hoover chains (or what the engine has in their place).
    frame_interval, observable_interval, checkpoint_interval:
        How often positions, thermodynamics and the whole state are kept.
    velocities, virial:
        Whether frames hold velocities and the virial of every atom.
    minimise:
        Whether to go to the nearest minimum first; structures with velocities are not minimised.
    seed:
        Of the velocities, and of the engine where it draws numbers.
    engine:
        "lammps", "openmm" or an engine; without it the fastest that is installed.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        The simulation: trajectory, thermodynamics, averages with errors.

    Raises
    ------
    InputError
        If something given is wrong, or the folder holds another simulation.
    ComputationError
        If the run explodes; the last good checkpoint stays.

    Examples
    --------
    >>> from caloris.materials import load
    >>> simulate(load("Li2B12H12").structure("alpha"), "Li2B12H12", temperature="-3 K", duration="1 ps", folder="md")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: temperature: must be greater than 0 K, got -3 K
    """
    start = magnitude(temperature, "K", "temperature", positive=True)
    end = start if final_temperature is None else magnitude(final_temperature, "K", "final_temperature", positive=True)
    runner = choose_engine(engine)
    system = _system(structure, force_field, runner)
    usual = system.force_field.time_step if isinstance(system, MolecularSystem) else _TIME_STEP
    step = usual if time_step is None else magnitude(time_step, "fs", "time_step", positive=True)
    conditions = Conditions(
        ensemble=_one_of(ensemble, ("NPT", "NVT", "NVE"), "ensemble"),
        temperature=start,
        final_temperature=end,
        pressure=magnitude(pressure, "MPa", "pressure"),
        cell=_freedom(system, cell),
        time_step=step,
        thermostat_time=magnitude(thermostat_time, "ps", "thermostat_time", positive=True),
        barostat_time=magnitude(barostat_time, "ps", "barostat_time", positive=True),
        seed=seed,
    )
    plan = _plan(
        magnitude(duration, "fs", "duration", positive=True),
        step,
        observe=magnitude(observable_interval, "fs", "observable_interval", positive=True),
        frame=magnitude(frame_interval, "fs", "frame_interval", positive=True),
        checkpoint=magnitude(checkpoint_interval, "fs", "checkpoint_interval", positive=True),
    )
    plan = replace(plan, velocities=velocities, virial=virial)
    _check_together(conditions, plan, runner)
    place = output_folder(folder)
    with _alone(place):
        inputs = _inputs(system, conditions, plan, runner, minimise)
        if _is_finished(place, inputs):
            _clean(place)
            return open_simulation(place)
        _run(place, system, conditions, plan, runner, minimise, progress or (lambda words, part: None))
        _finish(place, system, plan, inputs, runner)
    return open_simulation(place)


def _check_together(conditions: Conditions, plan: "Plan", engine: Engine) -> None:
    """Refuse before anything is written what would be ignored or fail later."""
    if conditions.ensemble == "NVE" and conditions.final_temperature != conditions.temperature:
        raise InputError("final_temperature: NVE has no thermostat to ramp; take NVT or NPT")
    if conditions.ensemble != "NPT" and conditions.pressure != 0:
        raise InputError(f"pressure: {conditions.ensemble} has no barostat; take NPT, or leave the pressure out")
    if plan.virial and engine.name != "lammps":
        raise InputError(f"virial: the engine {engine.name} has none per atom; take lammps")
    engine.version()  # refuses here what is not installed


@dataclass(frozen=True)
class Plan:
    """Steps of the whole run and of its parts."""

    steps: int
    observe_every: int
    frame_every: int
    checkpoint_every: int
    velocities: bool = True
    virial: bool = False

    def stretches(self) -> list[Stretch]:
        """Return the stretches from checkpoint to checkpoint."""
        firsts = range(0, self.steps, self.checkpoint_every)
        return [
            Stretch(
                first,
                min(self.checkpoint_every, self.steps - first),
                self.observe_every,
                self.frame_every,
                self.velocities,
                self.virial,
            )
            for first in firsts
        ]


def _plan(duration: float, step: float, *, observe: float, frame: float, checkpoint: float) -> Plan:
    """Round times to steps: observations to a whole part of a frame, checkpoints and the run to whole frames."""
    frame_every = max(1, round(frame / step))
    divisors = [n for n in range(1, frame_every + 1) if frame_every % n == 0]
    observe_every = min(divisors, key=lambda n: abs(n - observe / step))
    steps = round(duration / step / frame_every) * frame_every
    if steps == 0:
        raise InputError(
            f"duration: {duration:g} fs is shorter than one frame of {frame_every * step:g} fs; "
            "run longer or keep frames more often"
        )
    if abs(steps * step / duration - 1) > 0.01:
        raise InputError(
            f"duration: {duration:g} fs is no whole number of frames of {frame_every * step:g} fs; change one of them"
        )
    if steps // observe_every < _FEWEST:
        raise InputError(
            f"duration: {steps // observe_every} observations are too few for averages, {_FEWEST} are needed; "
            "run longer or observe more often"
        )
    checkpoint_every = max(1, round(checkpoint / step / frame_every)) * frame_every
    return Plan(steps, observe_every, frame_every, checkpoint_every)


def _system(
    structure: "Atoms | MolecularSystem", force_field: ForceField | str | Path | None, engine: Engine
) -> "MolecularSystem | Structure":
    from caloris.atoms.engines.ase import AseEngine, Structure

    if isinstance(engine, AseEngine):
        if force_field is not None:
            raise InputError(
                f"force_field: the engine {engine.name} brings its own calculator; leave the force field out"
            )
        atoms = structure.atoms if isinstance(structure, MolecularSystem) else structure
        check_structure(atoms)
        return Structure(standard_cell(atoms))
    if force_field is None:
        if isinstance(structure, MolecularSystem):
            return structure
        raise InputError("force_field: none given; name one, such as 'Li2B12H12', or give the path of its TOML file")
    atoms = structure.atoms if isinstance(structure, MolecularSystem) else structure
    return assemble(atoms, force_field)


def _freedom(system: "MolecularSystem | Structure", cell: CellFreedom | None) -> CellFreedom:
    if cell is not None:
        found: CellFreedom = _one_of(cell, ("isotropic", "orthorhombic", "triclinic"), "cell")
        return found
    right = np.allclose(system.atoms.cell.angles(), 90.0, atol=1e-3)
    return "orthorhombic" if right else "triclinic"


def _one_of(value: Any, known: tuple[str, ...], name: str) -> Any:
    if value not in known:
        raise InputError(f"{name}: {value!r} is none of {', '.join(known)}")
    return value


def _inputs(
    system: "MolecularSystem | Structure", conditions: Conditions, plan: Plan, engine: Engine, minimise: bool
) -> dict[str, Any]:
    """All that decides the numbers, as plain JSON."""
    atoms = system.atoms
    digest = hashlib.sha256()
    for array in (atoms.numbers, atoms.positions, atoms.cell.array, atoms.get_masses(), atoms.get_momenta()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return {
        "structure": {
            "formula": str(atoms.symbols),
            "contents": system.contents,
            "sha256": digest.hexdigest(),
            "remarks": list(atoms.info.get("remarks", [])),
        },
        "force_field": (
            system.force_field.model_dump(mode="json", by_alias=True)
            if isinstance(system, MolecularSystem)
            else {"name": "none"}
        ),
        "conditions": asdict(conditions),
        "plan": asdict(plan),
        "engine": engine.name,
        "engine_settings": engine.settings(),
        "minimise": minimise,
    }


def _is_finished(folder: Path, inputs: dict[str, Any]) -> bool:
    """Write down the inputs, or compare them with those of the simulation that lives there."""
    path = folder / INPUTS
    if not path.is_file():
        write_json(path, inputs)
        return False
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{path}: cannot be read; remove the folder or choose another") from None
    difference = _first_difference(there, json.loads(json.dumps(inputs)))
    if difference:
        raise InputError(f"{folder}: holds another simulation ({difference}); choose another folder or remove it")
    return (folder / RESULT).is_file()


def _first_difference(there: Any, here: Any, where: str = "") -> str:
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*there, *(key for key in here if key not in there)]:
            found = _first_difference(there.get(key), here.get(key), f"{where}.{key}" if where else key)
            if found:
                return found
        return ""
    return "" if there == here else f"{where}: {str(there)[:40]} there, {str(here)[:40]} here"


def _run(
    folder: Path,
    system: "MolecularSystem | Structure",
    conditions: Conditions,
    plan: Plan,
    engine: Engine,
    minimise: bool,
    progress: Progress,
) -> None:
    (folder / "segments").mkdir(exist_ok=True)
    done = last_checkpoint(folder)
    for stretch in plan.stretches():
        last = stretch.first_step + stretch.steps
        if last <= done:
            continue
        if stretch.first_step == 0:
            progress("preparing", 0.0)
            system = system.with_atoms(_prepared(system, conditions, engine, minimise))
        words = f"{stretch.first_step * conditions.time_step / 1000:g} ps"
        try:
            _advance(folder, system, conditions, plan, stretch, engine, _part(progress, words, stretch, plan.steps))
        except ComputationError as error:
            kept = f"; the last good checkpoint, at {done * conditions.time_step / 1000:g} ps, stays in {folder}"
            raise ComputationError(f"{error}{kept if done else ''}") from None
        done = last


def _part(progress: Progress, words: str, stretch: Stretch, steps: int) -> Callable[[float], None]:
    return lambda part: progress(words, (stretch.first_step + part * stretch.steps) / steps)


def _prepared(system: "MolecularSystem | Structure", conditions: Conditions, engine: Engine, minimise: bool) -> "Atoms":
    """Go to the minimum and draw velocities, unless the structure has velocities of its own."""
    if system.atoms.has("momenta") and np.any(system.atoms.get_momenta()):
        return system.atoms
    atoms = engine.minimise(system) if minimise else system.atoms.copy()
    return with_velocities(atoms, conditions.temperature, conditions.seed)


def with_velocities(atoms: "Atoms", temperature: float, seed: int) -> "Atoms":
    """Return the structure with Maxwell-Boltzmann velocities of exactly the temperature and no drift.

    Parameters
    ----------
    atoms:
        The structure.
    temperature:
        K, by 3 N - 3 degrees of freedom.
    seed:
        Of the draw.

    Returns
    -------
    :
        A copy with velocities.

    Examples
    --------
    >>> from ase.build import bulk
    >>> hot = with_velocities(bulk("Cu", cubic=True).repeat(3), 300.0, seed=1)
    >>> bool(abs(hot.get_momenta().sum(axis=0)).max() < 1e-12)
    True
    """
    from ase.units import kB

    moving: Atoms = atoms.copy()
    masses = moving.get_masses()[:, None]
    momenta = np.random.default_rng(seed).standard_normal((len(moving), 3)) * np.sqrt(masses)
    momenta -= masses * momenta.sum(axis=0) / masses.sum()
    kinetic = 0.5 * (momenta**2 / masses).sum()
    momenta *= np.sqrt(0.5 * (3 * len(moving) - 3) * kB * temperature / kinetic)
    moving.set_momenta(momenta)
    return moving


def _advance(
    folder: Path,
    system: "MolecularSystem | Structure",
    conditions: Conditions,
    plan: Plan,
    stretch: Stretch,
    engine: Engine,
    progress: Callable[[float], None],
) -> None:
    """Run one stretch; the state is renamed last, so that a state that is there has all its segments."""
    from caloris.atoms.trajectory import write_segment

    last = stretch.first_step + stretch.steps
    span = conditions.final_temperature - conditions.temperature
    piece = replace(
        conditions,
        temperature=conditions.temperature + span * stretch.first_step / plan.steps,
        final_temperature=conditions.temperature + span * last / plan.steps,
    )
    start = None if stretch.first_step == 0 else folder / _state(stretch.first_step)
    with whole(folder / _state(last)) as temporary:
        segment = engine.advance(system, piece, stretch, start, temporary, progress)
        write_segment(folder / "segments" / _segment(last), segment)
    for old in sorted(folder.glob(_STATES))[:-_KEPT_STATES]:
        old.unlink()


def _segment(step: int) -> str:
    return f"{step:012d}.h5"


def _state(step: int) -> str:
    return f"state-{step:012d}"


def last_checkpoint(folder: Path) -> int:
    """Return the step of the last checkpoint of a simulation, 0 if there is none.

    Parameters
    ----------
    folder:
        Where the simulation lives.
    """
    return max((int(path.name.removeprefix("state-")) for path in folder.glob(_STATES)), default=0)


def _finish(
    folder: Path, system: "MolecularSystem | Structure", plan: Plan, inputs: dict[str, Any], engine: Engine
) -> None:
    """Join the segments, write the last structure and the averages; the averages last: they say that all is done."""
    from caloris.atoms.trajectory import join_segments, read_segment

    paths = [folder / "segments" / _segment(stretch.first_step + stretch.steps) for stretch in plan.stretches()]
    join_segments(
        paths,
        folder / TRAJECTORY,
        atoms=system.atoms,
        bonds=system.bonds.atoms,
        molecules=system.molecule,
        charges=system.charges,
        inputs=inputs | {"engine_version": engine.version()},
    )
    final_file(folder, system.atoms, read_segment(paths[-1]))
    write_result(folder, system.atoms)
    _clean(folder)


def _clean(folder: Path) -> None:
    """Remove what only an unfinished simulation needs, and what a kill left half-written; nothing but our own files."""
    ours = (
        _STATES,
        f".{_STATES}-*",
        *(f".{Path(name).stem}-*{Path(name).suffix}" for name in (INPUTS, TRAJECTORY, RESULT, FINAL)),
    )
    segments = folder / "segments"
    for path in (
        *(path for pattern in ours for path in folder.glob(pattern)),
        *segments.glob(f"{_STEP}.h5"),
        *segments.glob(f".{_STEP}-*.h5"),
    ):
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty: somebody else's files
        segments.rmdir()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against another process that runs the same simulation."""
    import fcntl

    with (folder / ".lock").open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{folder}: another process is running this simulation; wait for it") from None
        except OSError as error:
            raise InputError(f"{folder}: cannot be locked: {error.strerror}; choose a place on another disk") from None
        yield
