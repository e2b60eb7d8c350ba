"""What ``trajectories_against_peers.py`` measures: one trajectory in every form, and what each program does with it."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import scipp as sc

import caloris as cal
from caloris.atoms.synthetic import _kernels as synthetic_kernels
from caloris.atoms.synthetic_trajectory import SyntheticTrajectory, benchmark_trajectory

FEMTOSECONDS = 10.0
SHELLS = np.arange(0.2, 4.01, 0.2)
"""1/angstrom."""
WIDTH = 0.05
ORIGINS = 20
"""Of dynasor where it does not use them all."""


@dataclass(frozen=True)
class Case:
    """A trajectory on disk in every form that somebody reads."""

    folder: Path
    cells: int
    frames: int
    velocities: bool = False

    @cached_property
    def synthetic(self) -> SyntheticTrajectory:
        return benchmark_trajectory((self.cells,) * 3, self.frames, at_rest=True)

    @property
    def atoms(self) -> int:
        return len(self.synthetic.symbols)

    @property
    def lags(self) -> int:
        return self.frames // 2 + 1

    @property
    def longest(self) -> str:
        return f"{(self.lags - 1) * FEMTOSECONDS / 1000} ps"

    def path(self, name: str) -> Path:
        return self.folder / f"{self.cells}x{self.frames}{'v' if self.velocities else ''}-{name}"

    @property
    def dump(self) -> Path:
        return self.path("dump.lammpstrj")

    @property
    def mdt(self) -> Path:
        return self.path("mdanse.mdt")

    def open(self, store: str = "store.h5"):
        return cal.atoms.open_trajectory(
            self.dump,
            timestep=f"{FEMTOSECONDS} fs",
            elements=self.synthetic.elements,
            bonds=self.synthetic._bonds(),
            units="metal",
            store=self.path(store),
        )

    @cached_property
    def vectors(self):
        """One of each pair k, -k; on a box too small for the first shells those are left out."""
        edge = float(self.synthetic._edges[0])
        cell = sc.vectors(dims=["cell_vector"], values=edge * np.eye(3), unit="angstrom")
        shells = SHELLS[2 * math.pi / edge + WIDTH < SHELLS] if self.cells < 10 else SHELLS
        Q = sc.array(dims=["Q"], values=shells, unit="1/angstrom")
        width = WIDTH if self.cells >= 10 else 0.4
        return cal.neutrons.reciprocal_shells(cell, Q, width=f"{width} 1/angstrom", most=50, seed=0)

    @property
    def by_shell(self) -> list[np.ndarray]:
        return [self.vectors.vectors.values[self.vectors.shell == shell] for shell in range(len(self.vectors.Q))]

    def some(self, count: int | None) -> np.ndarray:
        """Atoms, evenly spread over the file."""
        return np.arange(self.atoms) if count is None else np.linspace(0, self.atoms - 1, count).astype(int)

    def prepare(self) -> None:
        self.synthetic.write_lammps_dump(self.dump, velocities=self.velocities)
        self.open()
        symbols, edge = self.synthetic.symbols, float(self.synthetic._edges[0])
        types = {symbol: number for number, symbol in self.synthetic.elements.items()}
        positions = next(iter(self.synthetic.slabs(velocities=False)))[0][0]
        masses = "".join(f"{n} {mass_of(symbol)} # {symbol}\n" for symbol, n in types.items())
        rows = zip(symbols, positions.tolist(), strict=True)
        lines = "".join(f"{n} {types[s]} {x} {y} {z}\n" for n, (s, (x, y, z)) in enumerate(rows, start=1))
        box = "".join(f"0 {edge} {axis}lo {axis}hi\n" for axis in "xyz")
        head = f"synthetic\n\n{len(symbols)} atoms\n{len(types)} atom types\n\n{box}"
        self.path("data.lammps").write_text(f"{head}\nMasses\n\n{masses}\nAtoms # atomic\n\n{lines}")

    def dump_of(self, count: int | None) -> Path:
        """A dump of some of the atoms, for those who read all that is in it."""
        if count is None:
            return self.dump
        path, trajectory, atoms = self.path(f"{count}.lammpstrj"), self.open(), self.some(count)
        if not path.exists():
            types = {symbol: number for number, symbol in self.synthetic.elements.items()}
            kinds = np.array([types[trajectory.symbols[atom]] for atom in atoms])
            edge = float(self.synthetic._edges[0])
            head = f"\nITEM: NUMBER OF ATOMS\n{count}\nITEM: BOX BOUNDS pp pp pp\n" + f"0 {edge}\n" * 3
            text = np.empty(100 * count, dtype=np.uint8)
            with path.open("wb") as file:
                for number, frame in enumerate(trajectory.read("position", atoms).astype(float)):
                    file.write(f"ITEM: TIMESTEP\n{number}{head}ITEM: ATOMS id type xu yu zu\n".encode())
                    file.write(text[: synthetic_kernels.write_rows(text, frame, kinds, 6)].data)
        return path


def mass_of(symbol: str) -> float:
    from ase.data import atomic_masses, atomic_numbers

    return float(atomic_masses[atomic_numbers[symbol]])


# what is measured: functions of a case, of how many atoms (None: all) and of options; arrays out ---------------------


def caloris_convert(case: Case, atoms: int | None, fresh: bool = True) -> dict[str, np.ndarray]:
    for path in case.folder.glob("*converted.h5"):
        path.unlink()
    trajectory = case.open("converted.h5")
    return {"last": trajectory.read("position", None, slice(-1, None))}


def caloris_incoherent(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    found = cal.neutrons.intermediate_scattering(
        case.open(), case.vectors, "incoherent", atoms=case.some(atoms), weights="number", longest=case.longest
    )
    return {"curve": found.values, "error": np.sqrt(found.variances)}


def caloris_powder(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    found = cal.neutrons.intermediate_scattering(
        case.open(), case.vectors.Q, "incoherent", atoms=case.some(atoms), weights="number", longest=case.longest
    )
    return {"curve": found.values, "error": np.sqrt(found.variances)}


def caloris_coherent(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    found = cal.neutrons.intermediate_scattering(
        case.open(), case.vectors, "coherent", atoms=case.some(atoms), weights="number", longest=case.longest
    )
    return {"curve": found.values, "error": np.sqrt(found.variances)}


def caloris_msd(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    found = cal.atoms.mean_square_displacement(case.open(), case.some(atoms), longest=case.longest)
    return {"curve": found.values, "error": np.sqrt(found.variances)}


def caloris_dos(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    found = cal.atoms.vibrational_density_of_states(case.open(), resolution="1 meV")
    energy = found.coords["energy_transfer"].values
    return {"energy": energy, "curve": found.values / np.trapezoid(found.values, energy)}


def mdanse_job(name: str, case: Case, atoms: int | None, **settings):
    from MDANSE.Framework.Jobs.IJob import IJob

    if atoms is not None:
        chosen = {"function_name": "select_atoms", "index_list": case.some(atoms).tolist(), "operation_type": "union"}
        settings["atom_selection"] = json.dumps({"0": chosen})
    job = IJob.create(name)
    job.run(
        {
            "trajectory": str(case.mdt),
            "frames": (0, case.frames, 1, case.lags),
            "output_files": (str(case.path("mdanse-result")), ["FileInMemory"], "no logs"),
            "running_mode": ("single-core", 1),
            **settings,
        }
    )
    return job.results


def mdanse_vectors(case: Case):
    """Setting of MDANSE that gives it our vectors (1/nm)."""
    from MDANSE.Framework.QVectors.IQVectors import IQVectors
    from MDANSE.Framework.QVectors.LatticeQVectors import LatticeQVectors

    shells = {10 * float(q): 10 * vectors.T for q, vectors in zip(case.vectors.Q.values, case.by_shell, strict=True)}
    name = f"GivenQVectors{case.cells}"
    if name not in IQVectors.indirect_subclasses():

        def generate(self):
            self._configuration["q_vectors"] = {
                q: {
                    "q_vectors": found,
                    "n_q_vectors": found.shape[1],
                    "n_q_found": found.shape[1],
                    "weights": np.ones(found.shape[1]),
                    "q": q,
                    "hkls": self.qvectors_to_hkl(found, self._unit_cell),
                }
                for q, found in shells.items()
            }

        type(LatticeQVectors)(name, (LatticeQVectors,), {"settings": {}, "_generate": generate})
    return name, {}


def mdanse_convert(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    from MDANSE.Framework.Converters.Converter import Converter

    Converter.create("LAMMPS").run(
        {
            "config_file": str(case.path("data.lammps")),
            "trajectory_file": str(case.dump),
            "trajectory_format": "custom",
            "lammps_units": "metal",
            "atom_type": "atomic",
            "atom_aliases": "{}",
            "time_step": FEMTOSECONDS / 1000,
            "n_steps": 0,
            "fold": False,
            "output_files": (str(case.mdt.with_suffix("")), 64, 128, "none", "no logs"),
        }
    )
    import h5py

    with h5py.File(case.mdt) as file:
        return {"last": 10 * file["configuration/coordinates"][-1:]}


def mdanse_incoherent(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    found = mdanse_job(
        "DynamicIncoherentStructureFactor",
        case,
        atoms,
        q_vectors=mdanse_vectors(case),
        instrument_resolution=("ideal", {}),
        weights="equal",
    )
    return {"curve": found["disf/f(q,t)/total"][()]}


def mdanse_coherent(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    found = mdanse_job(
        "DynamicCoherentStructureFactor",
        case,
        atoms,
        q_vectors=mdanse_vectors(case),
        instrument_resolution=("ideal", {}),
        weights="equal",
    )
    return {"curve": found["dcsf/f(q,t)/total"][()]}


def mdanse_msd(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    return {"curve": 100 * mdanse_job("MeanSquareDisplacement", case, atoms)["msd/total"][()]}


def mdanse_dos(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    found = mdanse_job(
        "DensityOfStates",
        case,
        atoms,
        instrument_resolution=("gaussian", {"mu": 0.0, "sigma": 0.645}),  # FWHM 1 meV, in rad/ps
        interpolation_order=0,
        weights="atomic_weight",
    )
    energy, curve = 0.6582119569 * found["dos/axes/romega"][()], found["dos/isotropic/total"][()]
    return {"energy": energy, "curve": curve / np.trapezoid(curve, energy)}


def dynasor(case: Case, atoms: int | None, origins: int | None, incoherent: bool) -> dict[str, np.ndarray]:
    from dynasor import Trajectory, compute_dynamic_structure_factors

    kinds = [case.synthetic.symbols[atom] for atom in case.some(atoms)]
    indices = {kind: [n for n, k in enumerate(kinds) if k == kind] for kind in dict.fromkeys(kinds)}
    trajectory = Trajectory(
        str(case.dump_of(atoms)), trajectory_format="lammps_internal", atomic_indices=indices, length_unit="Angstrom"
    )
    found = compute_dynamic_structure_factors(
        trajectory,
        q_points=case.vectors.vectors.values,
        dt=FEMTOSECONDS,
        window_size=case.lags - 1,
        window_step=1 if origins is None else case.frames // origins,
        calculate_incoherent=incoherent,
        logging_interval=0,
    )
    return {"curve": case.vectors.average(found.Fqt_incoh if incoherent else found.Fqt_coh)}


def dynasor_incoherent(case: Case, atoms: int | None, origins: int | None = None) -> dict[str, np.ndarray]:
    return dynasor(case, atoms, origins, True)


def dynasor_coherent(case: Case, atoms: int | None, origins: int | None = None) -> dict[str, np.ndarray]:
    return dynasor(case, atoms, origins, False)


def dynasor_kernel_incoherent(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    """One time origin and all lags, without reading: what dynasor does per origin."""
    from dynasor.core.reciprocal import _calc_rho_q_incoherent

    x = held(case, atoms)[: case.lags]
    return {
        "curve": _calc_rho_q_incoherent(
            np.ascontiguousarray((x - x[0]).transpose(0, 2, 1)), case.vectors.vectors.values
        )
    }


def dynasor_kernel_density(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    """Density modes of 20 frames."""
    from dynasor.core.reciprocal import calc_rho_q

    vectors = case.vectors.vectors.values
    return {"curve": np.array([calc_rho_q(frame, vectors) for frame in held(case, atoms)[:20]])}


def caloris_kernel_incoherent(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    """All time origins and all lags, without reading."""
    from caloris.neutrons.incoherent import vector_sum

    paths = held(case, atoms).transpose(1, 2, 0)
    return {"curve": vector_sum(paths, case.vectors.vectors.values, case.lags)}


def caloris_kernel_density(case: Case, atoms: int | None) -> dict[str, np.ndarray]:
    """Density modes of 20 frames."""
    from caloris.neutrons.coherent import _direct

    x, vectors = held(case, atoms)[:20], case.vectors.vectors.values
    modes = np.zeros((len(x), len(vectors)), dtype=np.complex128)
    _direct(x, np.ascontiguousarray(vectors / (2 * np.pi)), modes)
    return {"curve": modes}


_HELD: dict[tuple[Path, int | None], np.ndarray] = {}


def held(case: Case, atoms: int | None) -> np.ndarray:
    """Positions in memory; read outside the clock."""
    key = case.dump, atoms
    if key not in _HELD:
        _HELD[key] = case.open().read("position", case.some(atoms)).astype(float)
    return _HELD[key]


TASKS: dict[str, Callable[..., dict[str, np.ndarray]]] = {
    name: function
    for name, function in globals().items()
    if name.startswith(("caloris_", "mdanse_", "dynasor_")) and name not in ("mdanse_job", "mdanse_vectors")
}
