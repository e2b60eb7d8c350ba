"""Atoms: structures, molecular dynamics, first principles through ASE, and what the trajectories say."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caloris.atoms.block_statistics import average, equilibration
    from caloris.atoms.density.files import save_density
    from caloris.atoms.density.grid import DensityMap, density_map
    from caloris.atoms.density.landscape import density_maxima, migration_path, percolation
    from caloris.atoms.density.surface import isosurface
    from caloris.atoms.diffusion import Diffusion, arrhenius, diffusion_coefficient, mean_square_displacement
    from caloris.atoms.disorder import resolve_disorder
    from caloris.atoms.engines import availability, choose_engine
    from caloris.atoms.formats import convert_trajectory
    from caloris.atoms.hysteresis import HysteresisLoop, hysteresis_loop
    from caloris.atoms.isotopes import deuterate, protonate
    from caloris.atoms.lattice_parameters import compare_lattice
    from caloris.atoms.migration import Barrier, migration_barrier, vacancy_hop
    from caloris.atoms.molecular_dynamics import simulate
    from caloris.atoms.orientation.body_rotation import rotating_molecules
    from caloris.atoms.orientation.correlation import orientation_correlation, reorientation_rate
    from caloris.atoms.orientation.coupling import Coupling, rotation_hopping_coupling
    from caloris.atoms.orientation.fluctuations import position_fluctuation, relative_fluctuation
    from caloris.atoms.orientation.hydrogen_bonding import HydrogenBonds, hydrogen_bonds
    from caloris.atoms.orientation.lifetimes import Reorientation, reorientation
    from caloris.atoms.orientation.one_origin import one_origin_cosine
    from caloris.atoms.orientation.order import orientational_order
    from caloris.atoms.orientation.sphere import OrientationMap, crystal_sites, orientation_map
    from caloris.atoms.orientation.survey import reorientation_survey
    from caloris.atoms.pair_distribution import (
        pair_distribution_function,
        partial_distributions,
        partial_structure_factors,
        radial_distribution,
        total_structure_factor,
    )
    from caloris.atoms.relaxation import Relaxation, relax
    from caloris.atoms.run_length import Convergence, convergence
    from caloris.atoms.simulation import Simulation, open_simulation
    from caloris.atoms.state_point import build_structure
    from caloris.atoms.stress import atomic_stress, von_mises, von_mises_stress, voronoi_volumes
    from caloris.atoms.structure import check_contacts, formulas, make_whole, molecules, shortest_contact, supercell
    from caloris.atoms.synthetic_trajectory import SyntheticTrajectory, benchmark_trajectory
    from caloris.atoms.system import MolecularSystem, assemble
    from caloris.atoms.thermodynamics import (
        orientational_entropy,
        partial_entropies,
        transition_shares,
        two_phase_thermodynamics,
    )
    from caloris.atoms.trajectory import Trajectory, open_trajectory
    from caloris.atoms.transport import (
        ChargeTransport,
        ConcertedJumps,
        Jumps,
        Sites,
        axial_mean_square_displacement,
        concerted_jumps,
        displacement_distribution,
        distinct_van_hove,
        find_sites,
        follow_jumps,
        ionic_conductivity,
        non_gaussian_parameter,
        self_van_hove,
        sites_of_structure,
    )
    from caloris.atoms.vibrations import (
        heat_capacity_correction,
        mass_weighted_spectrum,
        quantum_heat_capacity,
        vibrational_density_of_states,
        vibrational_entropy,
    )

_HOME = {
    "average": "block_statistics",
    "equilibration": "block_statistics",
    "save_density": "density.files",
    "DensityMap": "density.grid",
    "density_map": "density.grid",
    "density_maxima": "density.landscape",
    "migration_path": "density.landscape",
    "percolation": "density.landscape",
    "isosurface": "density.surface",
    "Diffusion": "diffusion",
    "arrhenius": "diffusion",
    "diffusion_coefficient": "diffusion",
    "mean_square_displacement": "diffusion",
    "resolve_disorder": "disorder",
    "availability": "engines",
    "choose_engine": "engines",
    "convert_trajectory": "formats",
    "HysteresisLoop": "hysteresis",
    "hysteresis_loop": "hysteresis",
    "deuterate": "isotopes",
    "protonate": "isotopes",
    "compare_lattice": "lattice_parameters",
    "Barrier": "migration",
    "migration_barrier": "migration",
    "vacancy_hop": "migration",
    "simulate": "molecular_dynamics",
    "rotating_molecules": "orientation.body_rotation",
    "orientation_correlation": "orientation.correlation",
    "reorientation_rate": "orientation.correlation",
    "Coupling": "orientation.coupling",
    "rotation_hopping_coupling": "orientation.coupling",
    "position_fluctuation": "orientation.fluctuations",
    "relative_fluctuation": "orientation.fluctuations",
    "HydrogenBonds": "orientation.hydrogen_bonding",
    "hydrogen_bonds": "orientation.hydrogen_bonding",
    "Reorientation": "orientation.lifetimes",
    "reorientation": "orientation.lifetimes",
    "one_origin_cosine": "orientation.one_origin",
    "orientational_order": "orientation.order",
    "OrientationMap": "orientation.sphere",
    "crystal_sites": "orientation.sphere",
    "orientation_map": "orientation.sphere",
    "reorientation_survey": "orientation.survey",
    "pair_distribution_function": "pair_distribution",
    "partial_distributions": "pair_distribution",
    "partial_structure_factors": "pair_distribution",
    "radial_distribution": "pair_distribution",
    "total_structure_factor": "pair_distribution",
    "Relaxation": "relaxation",
    "relax": "relaxation",
    "Convergence": "run_length",
    "convergence": "run_length",
    "Simulation": "simulation",
    "open_simulation": "simulation",
    "build_structure": "state_point",
    "atomic_stress": "stress",
    "von_mises": "stress",
    "von_mises_stress": "stress",
    "voronoi_volumes": "stress",
    "check_contacts": "structure",
    "formulas": "structure",
    "make_whole": "structure",
    "molecules": "structure",
    "shortest_contact": "structure",
    "supercell": "structure",
    "SyntheticTrajectory": "synthetic_trajectory",
    "benchmark_trajectory": "synthetic_trajectory",
    "MolecularSystem": "system",
    "assemble": "system",
    "orientational_entropy": "thermodynamics",
    "partial_entropies": "thermodynamics",
    "transition_shares": "thermodynamics",
    "two_phase_thermodynamics": "thermodynamics",
    "Trajectory": "trajectory",
    "open_trajectory": "trajectory",
    "ChargeTransport": "transport",
    "ConcertedJumps": "transport",
    "Jumps": "transport",
    "Sites": "transport",
    "axial_mean_square_displacement": "transport",
    "concerted_jumps": "transport",
    "displacement_distribution": "transport",
    "distinct_van_hove": "transport",
    "find_sites": "transport",
    "follow_jumps": "transport",
    "ionic_conductivity": "transport",
    "non_gaussian_parameter": "transport",
    "self_van_hove": "transport",
    "sites_of_structure": "transport",
    "heat_capacity_correction": "vibrations",
    "mass_weighted_spectrum": "vibrations",
    "quantum_heat_capacity": "vibrations",
    "vibrational_density_of_states": "vibrations",
    "vibrational_entropy": "vibrations",
}
"""Which module a public name lives in; modules are imported when they are first used."""

__all__ = [
    "Barrier",
    "ChargeTransport",
    "ConcertedJumps",
    "Convergence",
    "Coupling",
    "DensityMap",
    "Diffusion",
    "HydrogenBonds",
    "HysteresisLoop",
    "Jumps",
    "MolecularSystem",
    "OrientationMap",
    "Relaxation",
    "Reorientation",
    "Simulation",
    "Sites",
    "SyntheticTrajectory",
    "Trajectory",
    "arrhenius",
    "assemble",
    "atomic_stress",
    "availability",
    "average",
    "axial_mean_square_displacement",
    "benchmark_trajectory",
    "build_structure",
    "check_contacts",
    "choose_engine",
    "compare_lattice",
    "concerted_jumps",
    "convergence",
    "convert_trajectory",
    "crystal_sites",
    "density_map",
    "density_maxima",
    "deuterate",
    "diffusion_coefficient",
    "displacement_distribution",
    "distinct_van_hove",
    "equilibration",
    "find_sites",
    "follow_jumps",
    "formulas",
    "heat_capacity_correction",
    "hydrogen_bonds",
    "hysteresis_loop",
    "ionic_conductivity",
    "isosurface",
    "make_whole",
    "mass_weighted_spectrum",
    "mean_square_displacement",
    "migration_barrier",
    "migration_path",
    "molecules",
    "non_gaussian_parameter",
    "one_origin_cosine",
    "open_simulation",
    "open_trajectory",
    "orientation_correlation",
    "orientation_map",
    "orientational_entropy",
    "orientational_order",
    "pair_distribution_function",
    "partial_distributions",
    "partial_entropies",
    "partial_structure_factors",
    "percolation",
    "position_fluctuation",
    "protonate",
    "quantum_heat_capacity",
    "radial_distribution",
    "relative_fluctuation",
    "relax",
    "reorientation",
    "reorientation_rate",
    "reorientation_survey",
    "resolve_disorder",
    "rotating_molecules",
    "rotation_hopping_coupling",
    "save_density",
    "self_van_hove",
    "shortest_contact",
    "simulate",
    "sites_of_structure",
    "supercell",
    "total_structure_factor",
    "transition_shares",
    "two_phase_thermodynamics",
    "vacancy_hop",
    "vibrational_density_of_states",
    "vibrational_entropy",
    "von_mises",
    "von_mises_stress",
    "voronoi_volumes",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"caloris.atoms.{_HOME[name]}"), name)
    raise AttributeError(f"module 'caloris.atoms' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
