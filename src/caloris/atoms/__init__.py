"""Atoms: structures, molecular dynamics, first principles through ASE, and what the trajectories say."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caloris.atoms.block_statistics import average, equilibration
    from caloris.atoms.diffusion import arrhenius, diffusion_coefficient, mean_square_displacement
    from caloris.atoms.disorder import resolve_disorder
    from caloris.atoms.engines import availability, choose_engine
    from caloris.atoms.hysteresis import HysteresisLoop, hysteresis_loop
    from caloris.atoms.isotopes import deuterate, protonate
    from caloris.atoms.lattice_parameters import compare_lattice
    from caloris.atoms.migration import Barrier, migration_barrier, vacancy_hop
    from caloris.atoms.molecular_dynamics import simulate
    from caloris.atoms.relaxation import Relaxation, relax
    from caloris.atoms.reorientation import orientation_correlation, reorientation_rate, rotating_molecules
    from caloris.atoms.run_length import Convergence, convergence
    from caloris.atoms.simulation import Simulation, open_simulation
    from caloris.atoms.state_point import build_structure
    from caloris.atoms.structure import check_contacts, formulas, make_whole, molecules, shortest_contact, supercell
    from caloris.atoms.system import MolecularSystem, assemble
    from caloris.atoms.trajectory import Trajectory, open_trajectory
    from caloris.atoms.vibrations import (
        heat_capacity_correction,
        quantum_heat_capacity,
        vibrational_density_of_states,
        vibrational_entropy,
    )

_HOME = {
    "average": "block_statistics",
    "equilibration": "block_statistics",
    "arrhenius": "diffusion",
    "diffusion_coefficient": "diffusion",
    "mean_square_displacement": "diffusion",
    "resolve_disorder": "disorder",
    "availability": "engines",
    "choose_engine": "engines",
    "HysteresisLoop": "hysteresis",
    "hysteresis_loop": "hysteresis",
    "deuterate": "isotopes",
    "protonate": "isotopes",
    "compare_lattice": "lattice_parameters",
    "Barrier": "migration",
    "migration_barrier": "migration",
    "vacancy_hop": "migration",
    "simulate": "molecular_dynamics",
    "Relaxation": "relaxation",
    "relax": "relaxation",
    "orientation_correlation": "reorientation",
    "reorientation_rate": "reorientation",
    "rotating_molecules": "reorientation",
    "Convergence": "run_length",
    "convergence": "run_length",
    "Simulation": "simulation",
    "open_simulation": "simulation",
    "build_structure": "state_point",
    "check_contacts": "structure",
    "formulas": "structure",
    "make_whole": "structure",
    "molecules": "structure",
    "shortest_contact": "structure",
    "supercell": "structure",
    "MolecularSystem": "system",
    "assemble": "system",
    "Trajectory": "trajectory",
    "open_trajectory": "trajectory",
    "heat_capacity_correction": "vibrations",
    "quantum_heat_capacity": "vibrations",
    "vibrational_density_of_states": "vibrations",
    "vibrational_entropy": "vibrations",
}
"""Which module a public name lives in; modules are imported when they are first used."""

__all__ = [
    "Barrier",
    "Convergence",
    "HysteresisLoop",
    "MolecularSystem",
    "Relaxation",
    "Simulation",
    "Trajectory",
    "arrhenius",
    "assemble",
    "availability",
    "average",
    "build_structure",
    "check_contacts",
    "choose_engine",
    "compare_lattice",
    "convergence",
    "deuterate",
    "diffusion_coefficient",
    "equilibration",
    "formulas",
    "heat_capacity_correction",
    "hysteresis_loop",
    "make_whole",
    "mean_square_displacement",
    "migration_barrier",
    "molecules",
    "open_simulation",
    "open_trajectory",
    "orientation_correlation",
    "protonate",
    "quantum_heat_capacity",
    "relax",
    "reorientation_rate",
    "resolve_disorder",
    "rotating_molecules",
    "shortest_contact",
    "simulate",
    "supercell",
    "vacancy_hop",
    "vibrational_density_of_states",
    "vibrational_entropy",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"caloris.atoms.{_HOME[name]}"), name)
    raise AttributeError(f"module 'caloris.atoms' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
