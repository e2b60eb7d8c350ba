"""Thermodynamics from trajectories: two-phase thermodynamics, orientational and quasi-harmonic entropies."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caloris.atoms.thermodynamics.hard_spheres import fluidicity, normalised_diffusivity
    from caloris.atoms.thermodynamics.orientational import OrientationalEntropy, orientational_entropy
    from caloris.atoms.thermodynamics.quasi_harmonic import (
        PartialEntropies,
        TransitionShares,
        partial_entropies,
        transition_shares,
    )
    from caloris.atoms.thermodynamics.two_phase import TwoPhaseThermodynamics, two_phase_thermodynamics

_HOME = {
    "OrientationalEntropy": "orientational",
    "PartialEntropies": "quasi_harmonic",
    "TransitionShares": "quasi_harmonic",
    "TwoPhaseThermodynamics": "two_phase",
    "fluidicity": "hard_spheres",
    "normalised_diffusivity": "hard_spheres",
    "orientational_entropy": "orientational",
    "partial_entropies": "quasi_harmonic",
    "transition_shares": "quasi_harmonic",
    "two_phase_thermodynamics": "two_phase",
}
"""Which module a public name lives in; modules are imported when they are first used."""

__all__ = [
    "OrientationalEntropy",
    "PartialEntropies",
    "TransitionShares",
    "TwoPhaseThermodynamics",
    "fluidicity",
    "normalised_diffusivity",
    "orientational_entropy",
    "partial_entropies",
    "transition_shares",
    "two_phase_thermodynamics",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"caloris.atoms.thermodynamics.{_HOME[name]}"), name)
    raise AttributeError(f"module 'caloris.atoms.thermodynamics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
