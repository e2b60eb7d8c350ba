"""Structure from trajectories: g(r) of pairs, coordination, partial structure factors, pair distribution function."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caloris.atoms.pair_distribution.partials import PartialDistributions, partial_distributions
    from caloris.atoms.pair_distribution.radial import RadialDistribution, radial_distribution
    from caloris.atoms.pair_distribution.scattering import (
        pair_distribution_function,
        partial_structure_factors,
        total_structure_factor,
    )

_HOME = {
    "PartialDistributions": "partials",
    "RadialDistribution": "radial",
    "pair_distribution_function": "scattering",
    "partial_distributions": "partials",
    "partial_structure_factors": "scattering",
    "radial_distribution": "radial",
    "total_structure_factor": "scattering",
}
"""Which module a public name lives in; modules are imported when they are first used."""

__all__ = [
    "PartialDistributions",
    "RadialDistribution",
    "pair_distribution_function",
    "partial_distributions",
    "partial_structure_factors",
    "radial_distribution",
    "total_structure_factor",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"caloris.atoms.pair_distribution.{_HOME[name]}"), name)
    raise AttributeError(f"module 'caloris.atoms.pair_distribution' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
