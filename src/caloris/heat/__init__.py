"""Heat: the caloric effect of a material and the thermal battery made of it."""

from typing import TYPE_CHECKING, Any

from caloris.heat.battery import (
    PROTOCOLS,
    Battery,
    Geometry,
    Protocol,
    Step,
    cool,
    heat,
    hold,
    parse_protocol,
    press,
    release,
)
from caloris.heat.caloric import CaloricEffect, Process, caloric_effect
from caloris.heat.entropy_surfaces import EntropySurfaces
from caloris.heat.merit import (
    Merit,
    full_width_half_maximum,
    integrated_entropy_change,
    peak,
    refrigerant_capacity,
    relative_cooling_power,
    temperature_averaged_entropy_change,
)
from caloris.heat.two_phase import Branch, PhaseProperties, TwoPhase

if TYPE_CHECKING:
    from caloris.heat.battery.cycle import Cycle

__all__ = [
    "PROTOCOLS",
    "Battery",
    "Branch",
    "CaloricEffect",
    "Cycle",
    "EntropySurfaces",
    "Geometry",
    "Merit",
    "PhaseProperties",
    "Process",
    "Protocol",
    "Step",
    "TwoPhase",
    "caloric_effect",
    "cool",
    "full_width_half_maximum",
    "heat",
    "hold",
    "integrated_entropy_change",
    "parse_protocol",
    "peak",
    "press",
    "refrigerant_capacity",
    "relative_cooling_power",
    "release",
    "temperature_averaged_entropy_change",
]


def __getattr__(name: str) -> Any:
    if name == "Cycle":  # it brings the finite elements along
        from caloris.heat.battery.cycle import Cycle

        return Cycle
    raise AttributeError(f"module 'caloris.heat' has no attribute {name!r}")
