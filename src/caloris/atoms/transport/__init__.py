"""Transport: paths of atoms through a crystal, how far, how fast, how together, by which jumps."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caloris.atoms.transport.axial import axial_mean_square_displacement, displacement_distribution
    from caloris.atoms.transport.charge_transport import ChargeTransport, ionic_conductivity
    from caloris.atoms.transport.concerted import ConcertedJumps, concerted_jumps
    from caloris.atoms.transport.jumps import Jumps, follow_jumps
    from caloris.atoms.transport.sites import Sites, find_sites, sites_of_structure
    from caloris.atoms.transport.van_hove import distinct_van_hove, non_gaussian_parameter, self_van_hove

_HOME = {
    "axial_mean_square_displacement": "axial",
    "displacement_distribution": "axial",
    "ChargeTransport": "charge_transport",
    "ionic_conductivity": "charge_transport",
    "ConcertedJumps": "concerted",
    "concerted_jumps": "concerted",
    "Jumps": "jumps",
    "follow_jumps": "jumps",
    "Sites": "sites",
    "find_sites": "sites",
    "sites_of_structure": "sites",
    "distinct_van_hove": "van_hove",
    "non_gaussian_parameter": "van_hove",
    "self_van_hove": "van_hove",
}
"""Which module a public name lives in; modules are imported when they are first used."""

__all__ = [
    "ChargeTransport",
    "ConcertedJumps",
    "Jumps",
    "Sites",
    "axial_mean_square_displacement",
    "concerted_jumps",
    "displacement_distribution",
    "distinct_van_hove",
    "find_sites",
    "follow_jumps",
    "ionic_conductivity",
    "non_gaussian_parameter",
    "self_van_hove",
    "sites_of_structure",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"caloris.atoms.transport.{_HOME[name]}"), name)
    raise AttributeError(f"module 'caloris.atoms.transport' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
