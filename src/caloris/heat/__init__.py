"""Heat: the caloric effect of a material, from its card, calorimetry or simulation, and the battery made of it."""

from importlib import import_module
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
from caloris.heat.caloric import CaloricEffect, caloric_effect
from caloris.heat.entropy_surfaces import EntropySurfaces
from caloris.heat.merit import (
    Merit,
    cycle_refrigerant_capacity,
    full_width_half_maximum,
    integrated_entropy_change,
    peak,
    refrigerant_capacity,
    relative_cooling_power,
    temperature_averaged_entropy_change,
)
from caloris.heat.processes import Process
from caloris.heat.two_phase import Branch, PhaseProperties, TwoPhase

if TYPE_CHECKING:
    from caloris.heat import ashby, calorimetry, magnetocaloric, simulated
    from caloris.heat.battery.cycle import Cycle
    from caloris.heat.calorimetry import quasi_direct
    from caloris.heat.simulated import from_campaign

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
    "ashby",
    "caloric_effect",
    "calorimetry",
    "cool",
    "cycle_refrigerant_capacity",
    "from_campaign",
    "full_width_half_maximum",
    "heat",
    "hold",
    "integrated_entropy_change",
    "magnetocaloric",
    "parse_protocol",
    "peak",
    "press",
    "quasi_direct",
    "refrigerant_capacity",
    "relative_cooling_power",
    "release",
    "simulated",
    "temperature_averaged_entropy_change",
]


_ROOMS = ("ashby", "calorimetry", "magnetocaloric", "simulated")


def __getattr__(name: str) -> Any:
    if name == "Cycle":  # it brings the finite elements along
        from caloris.heat.battery.cycle import Cycle

        return Cycle
    if name == "quasi_direct":
        from caloris.heat.calorimetry import quasi_direct

        return quasi_direct
    if name == "from_campaign":
        from caloris.heat.simulated import from_campaign

        return from_campaign
    if name in _ROOMS:
        return import_module(f"caloris.heat.{name}")
    raise AttributeError(f"module 'caloris.heat' has no attribute {name!r}")
