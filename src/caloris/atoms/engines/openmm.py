"""OpenMM as an engine, on graphics cards (CUDA, HIP, OpenCL) or processor cores; extra ``caloris[openmm]``.

Coulomb by smooth particle-mesh Ewald, pair terms cut off without switching or tail, as in the engine lammps. NVE is
velocity Verlet. NVT has Nose-Hoover chains (Zhang et al., J. Phys. Chem. A 123, 6056 (2019)), which, unlike Langevin
friction, leave diffusion and reorientation alone; its velocities are those of half a step ago. NPT adds OpenMM's Monte
Carlo barostat, whole molecules moved every 25 steps: ``barostat_time`` has no meaning here. Pressure is a finite
difference of the energy, with molecules moved as a whole; it and the barostat see the pair terms shifted to 0 at the
cutoff, which is what the forces, and the virial of other engines, belong to. Sources: Eastman et al., J. Phys. Chem. B
128, 109 (2024); barostat of Aqvist et al., Chem. Phys. Lett. 384, 288 (2004).

A stretch repeats bit for bit from the same state on the platform CPU; deterministic forces are asked of every platform
that has them.
"""

import functools
import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from caloris.atoms.engines.engine import MPA_PER_EV_A3, Array, Conditions, Progress, Static, Stretch, check_alive
from caloris.atoms.engines.openmm_forces import EV, SHIFT_GROUP, define, molecules_made_whole
from caloris.errors import ComputationError, InputError
from caloris.files import whole

if TYPE_CHECKING:
    from ase import Atoms

    from caloris.atoms.system import MolecularSystem
    from caloris.atoms.trajectory import Segment

Precision = Literal["single", "mixed", "double"]

_PREFERENCE = ("CUDA", "HIP", "OpenCL", "CPU", "Reference")
_A = 10.0  # angstrom in 1 nm
_BAR_PER_MPA = 10.0
_BOLTZMANN = 8.617333262e-5  # eV/K (SI 2019)
_BAROSTAT_EVERY = 25  # steps; OpenMM's own choice
_COMPONENTS = ("xx", "yy", "zz", "xy", "xz", "yz")
_FORMAT = "caloris-openmm-state 1"
_CHAIN = 3  # Nose-Hoover thermostats, as in LAMMPS
_FIELD, _SHIFTED = {0}, {0, SHIFT_GROUP}
_FORCE_TOLERANCE = 1.0  # kJ/mol/nm, 1e-3 eV/angstrom; single-precision forces do not reach much less


class OpenMM:
    """OpenMM.

    Parameters
    ----------
    platform:
        "CUDA", "HIP", "OpenCL", "CPU" or "Reference"; without it the first of these that works here.
    threads:
        Of the platform CPU; without it OpenMM's choice (OPENMM_CPU_THREADS, or every core).
    precision:
        Of the graphics platforms: "single", "mixed" (without it) or "double". CPU has pair forces in single precision
        and the rest in double, Reference is double and slow.
    """

    name = "openmm"

    def __init__(
        self, platform: str | None = None, threads: int | None = None, precision: Precision | None = None
    ) -> None:
        self._platform, self._threads, self._precision = platform, threads, precision

    def settings(self) -> dict[str, Any]:
        """Return what else decides the numbers: the platform and its precision, where they are stated."""
        return {"platform": self._platform, "precision": self._precision}

    def version(self) -> str:
        """Return the version of OpenMM.

        Returns
        -------
        :
            The version, such as 8.6.1.

        Raises
        ------
        InputError
            If OpenMM is not installed, or the platform asked for does not work here.
        """
        mm = _load()
        self._chosen(mm)
        return str(mm.__version__)

    def energy(self, system: "MolecularSystem", accuracy: float | None = None) -> Static:
        """Return energy, forces and pressure of a structure; in double precision unless a platform is named.

        Parameters
        ----------
        system:
            What :func:`caloris.atoms.assemble` made.
        accuracy:
            Of the Ewald forces, relative to two unit charges 1 angstrom apart; without it the force field's.

        Returns
        -------
        :
            Energy (eV), forces (eV/angstrom), pressure tensor (MPa, by finite differences of the energy under strain).
        """
        mm = _load()
        platform, properties = self._chosen(mm) if self._platform else (_named(mm, "Reference"), {})
        model = define(mm, system, accuracy)
        gauge = mm.MonteCarloFlexibleBarostat(0.0, 300.0, 0, False)
        model.addForce(gauge)
        with _failures():
            context = mm.Context(model, mm.VerletIntegrator(0.001), platform, properties)
            context.setPositions(molecules_made_whole(system).positions / _A)
            state = context.getState(energy=True, forces=True, groups=_FIELD)
            stress = np.array([_plain(value) for value in gauge.computeStressTensor(context, False)])
            forces = state.getForces(asNumpy=True)._value / EV / _A
        return Static(_plain(state.getPotentialEnergy()) / EV, np.array(forces), -stress / _BAR_PER_MPA)

    def minimise(self, system: "MolecularSystem") -> "Atoms":
        """Return the structure at the nearest minimum of the energy; limited-memory BFGS, the cell as it was.

        Parameters
        ----------
        system:
            What :func:`caloris.atoms.assemble` made.

        Returns
        -------
        :
            The atoms moved.
        """
        mm = _load()
        start = molecules_made_whole(system)
        with _failures():
            context = mm.Context(define(mm, system), mm.VerletIntegrator(0.001), *self._chosen(mm))
            context.setPositions(start.positions / _A)
            mm.LocalEnergyMinimizer.minimize(context, _FORCE_TOLERANCE, 10000)
            moved = _positions(context.getState(positions=True))
        atoms: Atoms = system.atoms.copy()
        atoms.set_positions(atoms.positions + moved - start.positions)
        return atoms

    def advance(
        self,
        system: "MolecularSystem",
        conditions: Conditions,
        stretch: Stretch,
        start: Path | None,
        end: Path,
        progress: Progress,
    ) -> "Segment":
        """Run a stretch of dynamics; see :class:`caloris.atoms.engines.Engine`.

        Parameters
        ----------
        system, conditions, stretch:
            What, how, how far.
        start:
            State to start from; None for the atoms of ``system`` and their velocities.
        end:
            Where to write the state.
        progress:
            Called with the part that is done.

        Returns
        -------
        :
            Frames and thermodynamics.

        Raises
        ------
        InputError
            If the virial of each atom is asked for, which OpenMM does not have, or the state is of something else.
        """
        if stretch.virial:
            raise InputError("virial: OpenMM has no virial of single atoms; take the engine lammps")
        mm = _load()
        run = _Run(mm, system, conditions, stretch, self._chosen(mm))
        with _failures():
            run.start(start)
            for chunk in range(stretch.chunks):
                run.advance(chunk)
                progress((chunk + 1) / stretch.chunks)
            run.write(end)
        return run.segment()

    def _chosen(self, mm: Any) -> tuple[Any, dict[str, str]]:
        """The platform and its settings."""
        names = [mm.Platform.getPlatform(i).getName() for i in range(mm.Platform.getNumPlatforms())]
        wanted = [self._platform] if self._platform else [name for name in _PREFERENCE if name in names]
        why = ""
        for name in wanted:
            if name not in names:
                raise InputError(f"platform: OpenMM has no {name!r} here; there are {', '.join(names)}")
            settings = self._settings(mm, name)
            why = _trial(name, tuple(sorted(settings.items())))
            if not why:
                return _named(mm, name), settings
        raise InputError(f"platform: {wanted[-1]} does not work here ({why}); there are {', '.join(names)}")

    def _settings(self, mm: Any, name: str) -> dict[str, str]:
        known = _named(mm, name).getPropertyNames()
        if self._threads is not None and self._threads < 1:
            raise InputError(f"threads: must be 1 or more, got {self._threads}")
        if self._precision not in (None, "single", "mixed", "double"):
            raise InputError(f"precision: {self._precision!r} is none of single, mixed, double")
        if self._precision is not None and "Precision" not in known:
            raise InputError(f"precision: the platform {name} has one of its own; leave it out")
        settings = {"DeterministicForces": "true", "Precision": self._precision or "mixed"}
        if self._threads is not None:
            settings["Threads"] = str(self._threads)
        return {key: value for key, value in settings.items() if key in known}


class _Run:
    """A stretch of dynamics: a context, and what follows cell and molecules through it."""

    def __init__(
        self, mm: Any, system: "MolecularSystem", conditions: Conditions, stretch: Stretch, platform: tuple[Any, Any]
    ) -> None:
        self._mm, self._system, self._conditions, self._stretch = mm, system, conditions, stretch
        self._whole = molecules_made_whole(system)
        model = define(mm, system)
        if conditions.ensemble != "NVE":
            model.addForce(mm.CMMotionRemover(1))
        entropy = np.random.SeedSequence([conditions.seed, stretch.first_step])
        seed = int(entropy.generate_state(1)[0]) % (2**31 - 1) + 1  # OpenMM: 0 means any
        self._barostat = _barostat(mm, conditions, self._whole.rigid)
        self._gauge = self._barostat
        if not isinstance(self._gauge, mm.MonteCarloBarostat):
            pressure = conditions.pressure * _BAR_PER_MPA
            self._gauge = mm.MonteCarloBarostat(pressure, conditions.temperature, 0, self._whole.rigid)
        model.addForce(self._gauge)
        self._gauge.setRandomNumberSeed(seed)  # barostats share one generator, which each of them seeds
        if self._barostat is not None and self._barostat is not self._gauge:
            self._barostat.setRandomNumberSeed(seed)
            model.addForce(self._barostat)
        self._to_barostat = _BAROSTAT_EVERY
        self._integrator = _integrator(mm, conditions)
        with _failures():
            self._context = mm.Context(model, self._integrator, *platform)
        self._rows: list[dict[str, float]] = []
        self._frames: list[tuple[float, Array, Array, Array | None]] = []

    def start(self, path: Path | None) -> None:
        if path is None:
            self._context.setPositions(self._whole.positions / _A)
            self._context.setVelocities(_velocities(self._system.atoms) / _A)
            groups = self._whole.group.max() + 1
            self._cell, images = self._system.atoms.cell.array, np.zeros((groups, 3))
        else:
            saved = _read_state(path, len(self._system.atoms))
            state = self._mm.XmlSerializer.deserialize(saved["state"])
            self._context.setPeriodicBoxVectors(*state.getPeriodicBoxVectors())
            self._context.setPositions(state.getPositions())
            self._context.setVelocities(state.getVelocities())
            if saved["integrator"] == type(self._integrator).__name__:
                self._context.setState(state)  # the thermostat goes on too
            self._cell, images = np.array(saved["cell"]), np.array(saved["images"])
        self._images = images
        self._centres = self._fractional() + images

    def _fractional(self) -> Array:
        """Centres of the groups that the barostat moves, in units of the cell, as OpenMM has them."""
        positions = _positions(self._context.getState(positions=True))
        return self._whole.centres(positions @ np.linalg.inv(self._cell))

    def _follow(self, state: Any) -> Array:
        """Positions without the jumps of the barostat: back into the cell, and from one reduced cell to another."""
        box = _box(state)
        self._cell = np.round(self._cell @ np.linalg.inv(box)) @ box
        positions = _positions(state)
        inside = self._whole.centres(positions @ np.linalg.inv(self._cell))
        self._images = np.round(self._centres - inside)
        self._centres = inside + self._images
        return np.asarray(positions + (self._images @ self._cell)[self._whole.group])

    def advance(self, chunk: int) -> None:
        """Run to the next observation; along a ramp the thermostat is held at the mean over it."""
        conditions, stretch = self._conditions, self._stretch
        part = (chunk + 0.5) / stretch.chunks
        temperature = conditions.temperature + (conditions.final_temperature - conditions.temperature) * part
        if conditions.ensemble != "NVE":
            self._integrator.setTemperature(temperature)
        if self._barostat is not None:
            self._context.setParameter(type(self._barostat).Temperature(), temperature)
        self._step(stretch.observe_every)
        self._keep(stretch.first_step + (chunk + 1) * stretch.observe_every)

    def _step(self, steps: int) -> None:
        """Run steps, with the shift only where the barostat looks at the energy: it has no forces, but takes time."""
        while steps:
            quiet = steps if self._barostat is None else min(steps, self._to_barostat - 1)
            self._integrator.setIntegrationForceGroups(_FIELD if quiet else _SHIFTED)
            self._integrator.step(quiet or 1)
            self._to_barostat = self._to_barostat - quiet if quiet else _BAROSTAT_EVERY
            steps -= quiet or 1

    def _pressure(self) -> float:
        self._integrator.setIntegrationForceGroups(_SHIFTED)
        return _plain(self._gauge.computeCurrentPressure(self._context)) / _BAR_PER_MPA

    def _keep(self, step: int) -> None:
        conditions, stretch = self._conditions, self._stretch
        n, time = len(self._system.atoms), step * conditions.time_step / 1000
        state = self._context.getState(positions=True, velocities=True, energy=True, groups=_FIELD)
        kinetic, potential = _plain(state.getKineticEnergy()) / EV, _plain(state.getPotentialEnergy()) / EV
        temperature = 2 * kinetic / (_BOLTZMANN * (3 * n - 3))
        volume = abs(float(np.linalg.det(_box(state))))
        expected = max(conditions.temperature, conditions.final_temperature)
        check_alive(step, conditions.time_step, temperature, expected, potential, volume)
        positions = self._follow(state)
        pressure = self._pressure()
        held = conditions.pressure if conditions.ensemble == "NPT" else pressure
        self._rows.append(
            {
                "time": time,
                "temperature": temperature,
                "pressure": pressure,
                "volume": volume,
                "potential_energy": potential,
                "kinetic_energy": kinetic,
                "enthalpy": potential + kinetic + held / MPA_PER_EV_A3 * volume,
                **dict(zip(("a", "b", "c", "alpha", "beta", "gamma"), _lengths_and_angles(self._cell), strict=True)),
            }
        )
        if stretch.frame_every and step % stretch.frame_every == 0:
            velocities = state.getVelocities(asNumpy=True)._value * _A if stretch.velocities else None
            self._frames.append((time, self._cell, positions, velocities))

    def write(self, path: Path) -> None:
        state = self._context.getState(positions=True, velocities=True, integratorParameters=True)
        self._follow(state)
        values = {
            "format": _FORMAT,
            "atoms": len(self._system.atoms),
            "step": self._stretch.first_step + self._stretch.steps,
            "integrator": type(self._integrator).__name__,
            "cell": self._cell.tolist(),
            "images": self._images.tolist(),
            "state": self._mm.XmlSerializer.serialize(state),
        }
        with whole(path) as temporary:
            temporary.write_text(json.dumps(values), encoding="utf-8")

    def segment(self) -> "Segment":
        from caloris.atoms.trajectory import Segment

        n, atoms = len(self._frames), len(self._system.atoms)
        times, cells, positions, velocities = zip(*self._frames, strict=True) if n else ((), (), (), ())
        names = [name for name in (self._rows or [{}])[0] if name != "time"]
        return Segment(
            time=np.array(times),
            cell=np.array(cells).reshape(n, 3, 3),
            positions=np.array(positions).reshape(n, atoms, 3),
            velocities=np.array(velocities).reshape(n, atoms, 3) if self._stretch.velocities else None,
            observables_time=np.array([row["time"] for row in self._rows]),
            observables={name: np.array([row[name] for row in self._rows]) for name in names},
        )


def _integrator(mm: Any, conditions: Conditions) -> Any:
    step = conditions.time_step / 1000
    if conditions.ensemble == "NVE":
        verlet = mm.CustomIntegrator(step)  # OpenMM's own has velocities and positions half a step apart
        verlet.addUpdateContextState()
        verlet.addComputePerDof("v", "v + 0.5*dt*f/m")
        verlet.addComputePerDof("x", "x + dt*v")
        verlet.addComputePerDof("v", "v + 0.5*dt*f/m")
        return verlet
    return mm.NoseHooverIntegrator(conditions.temperature, 1 / conditions.thermostat_time, step, _CHAIN)


def _barostat(mm: Any, conditions: Conditions, rigid: bool) -> Any:
    if conditions.ensemble != "NPT":
        return None
    pressure, temperature = conditions.pressure * _BAR_PER_MPA, conditions.temperature
    if conditions.cell == "isotropic":
        return mm.MonteCarloBarostat(pressure, temperature, _BAROSTAT_EVERY, rigid)
    if conditions.cell == "orthorhombic":
        axes = mm.Vec3(pressure, pressure, pressure)
        return mm.MonteCarloAnisotropicBarostat(axes, temperature, True, True, True, _BAROSTAT_EVERY, rigid)
    return mm.MonteCarloFlexibleBarostat(pressure, temperature, _BAROSTAT_EVERY, rigid)


def _read_state(path: Path, atoms: int) -> dict[str, Any]:
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot read the state: {error.strerror}") from None
    except ValueError:
        saved = {}
    if not isinstance(saved, dict) or saved.get("format") != _FORMAT:
        raise InputError(f"{path}: not a state of the engine openmm; go on with the engine that wrote it")
    if saved["atoms"] != atoms:
        raise InputError(f"{path}: a state of {saved['atoms']} atoms, but the structure has {atoms}")
    return dict(saved)


def _velocities(atoms: "Atoms") -> Array:
    """Angstrom/ps."""
    from ase.units import fs

    return np.asarray(atoms.get_velocities() * fs * 1000 if atoms.has("momenta") else np.zeros((len(atoms), 3)))


def _plain(quantity: Any) -> float:
    return float(quantity._value)  # kJ/mol or bar


def _positions(state: Any) -> Array:
    return np.asarray(state.getPositions(asNumpy=True)._value, dtype=float) * _A


def _box(state: Any) -> Array:
    return np.array(state.getPeriodicBoxVectors(asNumpy=True)._value, dtype=float) * _A


def _lengths_and_angles(cell: Array) -> NDArray[np.float64]:
    from ase.geometry import cell_to_cellpar

    return np.asarray(cell_to_cellpar(cell))


def _named(mm: Any, name: str) -> Any:
    return mm.Platform.getPlatformByName(name)


@functools.cache
def _trial(name: str, settings: tuple[tuple[str, str], ...]) -> str:
    """Why a platform does not work here, empty if it does: a library may be there without its device."""
    mm = _load()
    model = mm.System()
    model.addParticle(1.0)
    try:
        mm.Context(model, mm.VerletIntegrator(0.001), _named(mm, name), dict(settings))
    except mm.OpenMMException as error:
        return " ".join(str(error).split())
    return ""


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what OpenMM says when it stops into one line."""
    from openmm import OpenMMException

    try:
        yield
    except OpenMMException as error:
        words = " ".join(str(error).split()).split(" For more information")[0].rstrip(". ")
        remedy = "take a smaller time step, minimise first, or look for atoms that are too close"
        raise ComputationError(f"OpenMM stopped: {words}; {remedy}") from None


def _load() -> Any:
    if importlib.util.find_spec("openmm") is None:
        raise InputError("the engine openmm is not installed; pip install 'caloris[openmm]', or choose another engine")
    import openmm

    return openmm
