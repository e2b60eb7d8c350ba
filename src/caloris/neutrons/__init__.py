"""Neutrons: what a neutron (or an X-ray) sees of atoms that move; ``resolution`` is a module of line shapes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caloris.neutrons import resolution
    from caloris.neutrons.cross_sections import ScatteringLengths, scattering_lengths, xray_form_factor
    from caloris.neutrons.density_of_states import phonon_density_of_states
    from caloris.neutrons.detailed_balance import (
        DetailedBalance,
        check_detailed_balance,
        quantum_correction,
        symmetrised,
    )
    from caloris.neutrons.elastic import ElasticFraction
    from caloris.neutrons.from_trajectory import Scattering, scattering
    from caloris.neutrons.instrument_table import instrument, instruments
    from caloris.neutrons.momentum_transfer import (
        ReciprocalVectors,
        reciprocal_path,
        reciprocal_plane,
        reciprocal_shells,
        reciprocal_sphere,
    )
    from caloris.neutrons.multiphonon import (
        incoherent_phonon_scattering,
        mean_square_displacement_of_phonons,
        one_phonon_part,
    )
    from caloris.neutrons.resolution import Resolution
    from caloris.neutrons.spectrometer import Instrument
    from caloris.neutrons.spectrum_maps import on_map_of
    from caloris.neutrons.trajectory_scattering import (
        dynamic_structure_factor,
        elastic_incoherent_structure_factor,
        intermediate_scattering,
    )
    from caloris.neutrons.vibrations import neutron_weighted_density_of_states

_HOME = {
    "ScatteringLengths": "cross_sections",
    "scattering_lengths": "cross_sections",
    "xray_form_factor": "cross_sections",
    "phonon_density_of_states": "density_of_states",
    "DetailedBalance": "detailed_balance",
    "check_detailed_balance": "detailed_balance",
    "quantum_correction": "detailed_balance",
    "symmetrised": "detailed_balance",
    "ElasticFraction": "elastic",
    "Scattering": "from_trajectory",
    "scattering": "from_trajectory",
    "instrument": "instrument_table",
    "instruments": "instrument_table",
    "ReciprocalVectors": "momentum_transfer",
    "reciprocal_path": "momentum_transfer",
    "reciprocal_plane": "momentum_transfer",
    "reciprocal_shells": "momentum_transfer",
    "reciprocal_sphere": "momentum_transfer",
    "incoherent_phonon_scattering": "multiphonon",
    "mean_square_displacement_of_phonons": "multiphonon",
    "one_phonon_part": "multiphonon",
    "Resolution": "resolution",
    "Instrument": "spectrometer",
    "on_map_of": "spectrum_maps",
    "dynamic_structure_factor": "trajectory_scattering",
    "elastic_incoherent_structure_factor": "trajectory_scattering",
    "intermediate_scattering": "trajectory_scattering",
    "neutron_weighted_density_of_states": "vibrations",
}
"""Which module a public name lives in; modules are imported when they are first used."""

__all__ = [
    "DetailedBalance",
    "ElasticFraction",
    "Instrument",
    "ReciprocalVectors",
    "Resolution",
    "Scattering",
    "ScatteringLengths",
    "check_detailed_balance",
    "dynamic_structure_factor",
    "elastic_incoherent_structure_factor",
    "incoherent_phonon_scattering",
    "instrument",
    "instruments",
    "intermediate_scattering",
    "mean_square_displacement_of_phonons",
    "neutron_weighted_density_of_states",
    "on_map_of",
    "one_phonon_part",
    "phonon_density_of_states",
    "quantum_correction",
    "reciprocal_path",
    "reciprocal_plane",
    "reciprocal_shells",
    "reciprocal_sphere",
    "resolution",
    "scattering",
    "scattering_lengths",
    "symmetrised",
    "xray_form_factor",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"caloris.neutrons.{_HOME[name]}"), name)
    if name == "resolution":
        return import_module("caloris.neutrons.resolution")
    raise AttributeError(f"module 'caloris.neutrons' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
