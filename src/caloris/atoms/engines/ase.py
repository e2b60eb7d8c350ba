"""Any calculator of ASE as an engine: density functionals, machine-learned or simple potentials; no force field.

NVE is velocity Verlet. NVT is Bussi's velocity rescaling (J. Chem. Phys. 126, 014101 (2007)), which leaves diffusion
and reorientation alone, or Langevin dynamics. NPT is Martyna, Tobias and Klein's (J. Chem. Phys. 101, 4177 (1994)) with
one length, three lengths, or all of the cell. Random numbers of a stretch come from the seed and its first step, so a
stretch repeats bit for bit wherever the calculator does.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np

from caloris.atoms.engines.engine import MPA_PER_EV_A3, Array, Conditions, Progress, Static, Stretch, check_alive
from caloris.atoms.system import Indices, Terms
from caloris.errors import CalorisError, ComputationError, InputError
from caloris.files import whole

if TYPE_CHECKING:
    from ase import Atoms

    from caloris.atoms.trajectory import Segment

_FORMAT = "caloris-ase-state 1"
_TENSOR = ("xx", "yy", "zz", "xy", "xz", "yz")
_VOIGT = [0, 1, 2, 5, 4, 3]  # ASE has xx, yy, zz, yz, xz, xy
_FORCE_TOLERANCE, _MOST_STEPS = 1e-3, 5000  # eV/angstrom


class HasAtoms(Protocol):
    """What this engine asks of a system: atoms, and the same with other atoms."""

    @property
    def atoms(self) -> "Atoms": ...  # noqa: D102

    def with_atoms(self, atoms: "Atoms") -> Self: ...  # noqa: D102


@dataclass(frozen=True)
class Structure:
    """Atoms without a force field, where a :class:`caloris.atoms.system.MolecularSystem` has one: every atom is alone.

    Examples
    --------
    >>> from ase.build import bulk
    >>> Structure(bulk("Cu", cubic=True)).contents
    {'Cu': 4}
    """

    atoms: "Atoms"
    charges: None = field(default=None, init=False, repr=False)  # not known

    def with_atoms(self, atoms: "Atoms") -> "Structure":
        """Return the same with other positions, velocities and cell.

        Parameters
        ----------
        atoms:
            The same atoms in the same order.

        Returns
        -------
        :
            The structure.
        """
        return Structure(atoms.copy())

    @property
    def types(self) -> list[str]:
        """Element of each atom."""
        return list(self.atoms.get_chemical_symbols())

    molecule_names = types

    @property
    def contents(self) -> dict[str, int]:
        """How many atoms of each element there are."""
        return dict(Counter(self.types))

    @cached_property
    def molecule(self) -> Indices:
        """Number of the molecule of each atom."""
        return np.arange(len(self.atoms))

    @property
    def bonds(self) -> Terms:
        """None."""
        return _no_terms(2)

    @property
    def angles(self) -> Terms:
        """None."""
        return _no_terms(3)

    @property
    def torsions(self) -> Terms:
        """None."""
        return _no_terms(4)


def _no_terms(width: int) -> Terms:
    return Terms(np.empty((0, width), dtype=np.int64), np.empty(0, dtype=np.int64), [])


def ase_engine(calculator: str, **keywords: Any) -> "AseEngine":
    """Return the engine of a calculator by its name.

    Parameters
    ----------
    calculator:
        A name that :func:`caloris.atoms.calculators.calculator` knows, or a class as "package.module:Class".
    keywords:
        Options of that calculator, such as ``cutoff="700 eV"`` for gpaw.

    Returns
    -------
    :
        The engine.

    Raises
    ------
    InputError
        If there is no such calculator, its package is not installed, or it does not take the keywords.

    Examples
    --------
    >>> ase_engine("emt").name
    'ase-emt'
    >>> ase_engine("vasp6")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: calculator: no calculator 'vasp6'; there are emt, lj, gpaw, ...
    """
    from caloris.atoms.calculators import calculator as make

    engine = AseEngine(lambda: make(calculator, **keywords), f"ase-{calculator}")
    engine.check()
    engine._options = {name: repr(value) for name, value in sorted(keywords.items())}
    return engine


class AseEngine:
    """A calculator of ASE as an engine.

    Parameters
    ----------
    calculator_factory:
        Called without arguments, returns a fresh calculator; every stretch of dynamics has its own.
    name:
        What the results say made them.
    thermostat:
        Of NVT: "bussi" or "langevin".
    """

    def __init__(
        self,
        calculator_factory: Callable[[], Any],
        name: str = "ase",
        thermostat: Literal["bussi", "langevin"] = "bussi",
    ) -> None:
        if thermostat not in ("bussi", "langevin"):
            raise InputError(f"thermostat: {thermostat!r} is neither 'bussi' nor 'langevin'")
        self.name, self._factory, self._thermostat = name, calculator_factory, thermostat
        self._options: dict[str, Any] = {}

    def settings(self) -> dict[str, Any]:
        """Return what else decides the numbers: thermostat and options; of a factory of your own only what it makes."""
        return {"thermostat": self._thermostat, "options": self._options, "calculator": type(self._factory()).__name__}

    def version(self) -> str:
        """Return the version of ASE.

        Returns
        -------
        :
            The version, such as 3.29.0.
        """
        import ase

        return str(ase.__version__)

    def check(self) -> None:
        """Make a calculator once, to see that it takes its arguments.

        Raises
        ------
        InputError
            If it does not.
        """
        try:
            self._factory()
        except CalorisError:
            raise
        except Exception as error:  # every calculator has its own
            raise InputError(f"calculator {self.name}: it refuses its arguments: {_words(error)}") from None

    def energy(self, system: HasAtoms, accuracy: float | None = None) -> Static:
        """Return energy, forces and pressure of a structure.

        Parameters
        ----------
        system:
            Anything with ``atoms``.
        accuracy:
            Not used: a calculator has its own.

        Returns
        -------
        :
            Energy (eV), forces (eV/angstrom), pressure tensor (MPa; NaN if the calculator has no stress).
        """
        atoms = self._prepared(system.atoms)
        with self._failures():
            energy, forces = float(atoms.get_potential_energy()), np.array(atoms.get_forces())
            stress = _stress(atoms, kinetic=False)
            return Static(energy, forces, np.full(6, np.nan) if stress is None else -stress * MPA_PER_EV_A3)

    def minimise(self, system: HasAtoms) -> "Atoms":
        """Return the structure at the nearest minimum of the energy; FIRE, the cell as it was.

        Parameters
        ----------
        system:
            Anything with ``atoms``.

        Returns
        -------
        :
            The atoms moved.

        Raises
        ------
        ComputationError
            If the forces are not below 1e-3 eV/angstrom after 5000 steps.
        """
        from ase.optimize import FIRE

        atoms = self._prepared(system.atoms)
        moved: Atoms = system.atoms.copy()
        with self._failures():
            if not FIRE(atoms, logfile=None).run(fmax=_FORCE_TOLERANCE, steps=_MOST_STEPS):
                raise ComputationError(
                    f"no minimum after {_MOST_STEPS} steps: the largest force is {abs(atoms.get_forces()).max():.3g} "
                    "eV/angstrom; start from a better structure"
                )
        moved.set_positions(atoms.positions)
        return moved

    def advance(
        self,
        system: HasAtoms,
        conditions: Conditions,
        stretch: Stretch,
        start: Path | None,
        end: Path,
        progress: Progress,
    ) -> "Segment":
        """Run a stretch of dynamics; see :class:`caloris.atoms.engines.Engine`.

        Parameters
        ----------
        system:
            Anything with ``atoms``.
        conditions, stretch:
            How, how far.
        start:
            State to start from; None for the atoms of ``system`` and their velocities.
        end:
            Where to write the state.
        progress:
            Called with the part that is done.

        Returns
        -------
        :
            Frames and thermodynamics; no pressure if the calculator has no stress.

        Raises
        ------
        InputError
            If the virial of each atom is asked for, or the cell or the calculator does not go with the ensemble.
        """
        if stretch.virial:
            raise InputError("virial: calculators of ASE have no virial of single atoms; take the engine lammps")
        atoms = self._prepared(system.atoms)
        kept: dict[str, Array] = {}
        if start is not None:
            kept = _read_state(start, atoms, _kind(conditions))
        with self._failures():
            _check(atoms, conditions)
            rng = np.random.default_rng([conditions.seed, stretch.first_step])
            recorder = _Recorder(atoms, conditions, stretch)
            for chunk in range(stretch.chunks):
                part = (chunk + 0.5) / stretch.chunks
                temperature = conditions.temperature + (conditions.final_temperature - conditions.temperature) * part
                dynamics, variables = self._dynamics(atoms, conditions, temperature, rng)
                for name, owner in variables.items():
                    setattr(owner, f"_{name}", kept.get(name, getattr(owner, f"_{name}")))
                dynamics.run(stretch.observe_every)
                kept = {name: getattr(owner, f"_{name}") for name, owner in variables.items()}
                recorder.keep(chunk)
                progress((chunk + 1) / stretch.chunks)
        _write_state(end, atoms, _kind(conditions), kept)
        return recorder.segment()

    def _dynamics(
        self, atoms: "Atoms", conditions: Conditions, temperature: float, rng: np.random.Generator
    ) -> tuple[Any, dict[str, Any]]:
        """The equations of motion, and what besides the atoms has a memory: names of variables and who has them."""
        from ase.units import fs

        step, tau = conditions.time_step * fs, conditions.thermostat_time * 1000 * fs
        if conditions.ensemble == "NVE":
            from ase.md.verlet import VelocityVerlet

            return VelocityVerlet(atoms, step), {}
        if conditions.ensemble == "NPT":
            return _constant_pressure(atoms, conditions, temperature)
        if self._thermostat == "langevin":
            from ase.md.langevin import Langevin

            return Langevin(atoms, step, temperature_K=temperature, friction=1 / tau, fixcm=False, rng=rng), {}
        from ase.md.bussi import Bussi

        return Bussi(atoms, step, temperature, tau, rng=rng), {}

    def _prepared(self, atoms: "Atoms") -> "Atoms":
        if atoms.constraints:
            raise InputError("structure: it has constraints, which dynamics here does not keep; remove them")
        prepared: Atoms = atoms.copy()
        with self._failures():
            prepared.calc = self._factory()
        return prepared

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what a calculator says when it stops into one line."""
        try:
            yield
        except (CalorisError, OSError):
            raise
        except Exception as error:  # every calculator has its own
            raise ComputationError(f"the calculator {self.name} stopped: {_words(error)}") from None


def _kind(conditions: Conditions) -> str:
    return f"NPT {conditions.cell}" if conditions.ensemble == "NPT" else conditions.ensemble


def _check(atoms: "Atoms", conditions: Conditions) -> None:
    if conditions.ensemble == "NPT":
        if atoms.cell.rank != 3 or not atoms.pbc.all():
            raise InputError("structure: constant pressure needs a periodic cell; take NVT or NVE")
        if conditions.cell == "orthorhombic" and not np.allclose(atoms.cell.angles(), 90.0, atol=1e-3):
            raise InputError("cell: three lengths alone need right angles with ASE; take 'triclinic' or 'isotropic'")
        atoms.get_potential_energy()
        if _stress(atoms, kinetic=False) is None:
            raise InputError("NPT: the calculator has no stress; take NVT, or another calculator")
    if conditions.ensemble == "NVT":
        from ase.constraints import FixCom

        if not atoms.get_momenta().any():
            raise InputError("structure: NVT needs velocities; draw them first")
        atoms.set_constraint(FixCom())  # 3 N - 3 degrees of freedom


def _constant_pressure(atoms: "Atoms", conditions: Conditions, temperature: float) -> tuple[Any, dict[str, Any]]:
    from ase.units import fs

    try:
        from ase.md.nose_hoover_chain import MTKNPT, IsotropicMTKNPT, MaskedMTKNPT
    except ImportError:
        raise InputError("NPT: this ASE is too old for it; pip install --upgrade ase") from None
    kinds = {"isotropic": IsotropicMTKNPT, "orthorhombic": MaskedMTKNPT, "triclinic": MTKNPT}
    momentum = {"isotropic": "p_eps", "orthorhombic": "p_c", "triclinic": "p_g"}[conditions.cell]
    dynamics = kinds[conditions.cell](
        atoms,
        conditions.time_step * fs,
        temperature_K=temperature,
        pressure_au=conditions.pressure / MPA_PER_EV_A3,
        tdamp=conditions.thermostat_time * 1000 * fs,
        pdamp=conditions.barostat_time * 1000 * fs,
        **({"mask": (True, True, True)} if conditions.cell == "orthorhombic" else {}),
    )
    thermostat, barostat = dynamics._thermostat, dynamics._barostat
    # the total momentum stays 0, and a cell that does not turn has six degrees of freedom, where ASE counts nine
    thermostat._num_atoms_global = len(atoms) - 1
    if conditions.cell == "triclinic":
        barostat._cell_dof = 6
    return dynamics, {"eta": thermostat, "p_eta": thermostat, "xi": barostat, "p_xi": barostat, momentum: dynamics}


class _Recorder:
    """Keeps frames and thermodynamics of a stretch."""

    def __init__(self, atoms: "Atoms", conditions: Conditions, stretch: Stretch) -> None:
        self._atoms, self._conditions, self._stretch = atoms, conditions, stretch
        self._rows: list[dict[str, float]] = []
        self._frames: list[tuple[float, Array, Array, Array]] = []

    def keep(self, chunk: int) -> None:
        from ase.units import fs, kB

        atoms, conditions, stretch = self._atoms, self._conditions, self._stretch
        step = stretch.first_step + (chunk + 1) * stretch.observe_every
        time, n = step * conditions.time_step / 1000, len(atoms)
        potential, kinetic = float(atoms.get_potential_energy()), float(atoms.get_kinetic_energy())
        temperature = 2 * kinetic / (kB * max(3 * n - 3, 1))
        row = {"time": time, "temperature": temperature, "potential_energy": potential, "kinetic_energy": kinetic}
        volume = float(atoms.get_volume()) if atoms.cell.rank == 3 else np.nan
        expected = max(conditions.temperature, conditions.final_temperature)
        check_alive(step, conditions.time_step, temperature, expected, potential, 0.0 if np.isnan(volume) else volume)
        if np.isfinite(volume):
            row["volume"] = volume
            if conditions.ensemble == "NPT":
                row["enthalpy"] = potential + kinetic + conditions.pressure / MPA_PER_EV_A3 * volume
            row |= dict(zip(("a", "b", "c", "alpha", "beta", "gamma"), atoms.cell.cellpar().tolist(), strict=True))
            stress = _stress(atoms, kinetic=True)
            if stress is not None:
                pressure = -stress * MPA_PER_EV_A3
                row["pressure"] = float(pressure[:3].mean())
                if conditions.ensemble != "NPT":
                    row["enthalpy"] = potential + kinetic + row["pressure"] / MPA_PER_EV_A3 * volume
                row |= {f"pressure_{axes}": float(p) for axes, p in zip(_TENSOR, pressure, strict=True)}
        self._rows.append(row)
        if stretch.frame_every and step % stretch.frame_every == 0:
            velocities = np.array(atoms.get_velocities() * fs * 1000)
            self._frames.append((time, atoms.cell.array.copy(), atoms.get_positions(), velocities))

    def segment(self) -> "Segment":
        from caloris.atoms.trajectory import Segment

        n, atoms = len(self._frames), len(self._atoms)
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


def _stress(atoms: "Atoms", *, kinetic: bool) -> Array | None:
    """Stress (eV/angstrom^3; xx, yy, zz, xy, xz, yz; > 0 under tension), None if the calculator has none."""
    from ase.calculators.calculator import PropertyNotImplementedError

    if atoms.cell.rank != 3:
        return None
    try:
        return np.asarray(atoms.get_stress(include_ideal_gas=kinetic))[_VOIGT]
    except (PropertyNotImplementedError, NotImplementedError):
        return None


def _write_state(path: Path, atoms: "Atoms", kind: str, kept: dict[str, Any]) -> None:
    values: dict[str, Any] = {"positions": atoms.positions, "momenta": atoms.get_momenta(), "cell": atoms.cell.array}
    with whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, format=np.array(_FORMAT), kind=np.array(kind), **values, **kept)


def _read_state(path: Path, atoms: "Atoms", kind: str) -> dict[str, Array]:
    """Put a state into the atoms; return the variables of thermostat and barostat if it is of the same ensemble."""
    try:
        with np.load(path, allow_pickle=False) as file:
            saved = {name: file[name] for name in file.files}
    except OSError as error:
        raise InputError(f"{path}: cannot read the state: {error.strerror or error}") from None
    except (ValueError, EOFError):
        saved = {}
    if str(saved.pop("format", "")) != _FORMAT:
        raise InputError(f"{path}: not a state of the engine ase; go on with the engine that wrote it")
    if len(saved["positions"]) != len(atoms):
        raise InputError(f"{path}: a state of {len(saved['positions'])} atoms, but the structure has {len(atoms)}")
    atoms.set_cell(saved.pop("cell"))
    atoms.set_positions(saved.pop("positions"))
    atoms.set_momenta(saved.pop("momenta"))
    return saved if str(saved.pop("kind")) == kind else {}


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
