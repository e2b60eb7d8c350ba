"""The thermal battery: a pellet in a press die, a protocol in words, a cycle with its account."""

from caloris.heat.battery.battery import Battery
from caloris.heat.battery.geometry import Geometry
from caloris.heat.battery.protocol import (
    Protocol,
    Step,
    cool,
    heat,
    hold,
    parse_protocol,
    parse_step,
    press,
    release,
)
from caloris.heat.battery.published_protocols import PROTOCOLS

__all__ = [
    "PROTOCOLS",
    "Battery",
    "Geometry",
    "Protocol",
    "Step",
    "cool",
    "heat",
    "hold",
    "parse_protocol",
    "parse_step",
    "press",
    "release",
]
