"""The caloric effect from simulations: tables of volume and enthalpy over pressure, temperature and history."""

from caloris.heat.simulated.analysis import analyse, from_campaign
from caloris.heat.simulated.branch_line import LINE_SHAPES
from caloris.heat.simulated.indirect import Indirect
from caloris.heat.simulated.result import SimulatedTransition, SimulationResult
from caloris.heat.simulated.simulated_surfaces import SimulatedSurfaces
from caloris.heat.simulated.synthetic import synthetic_table

__all__ = [
    "LINE_SHAPES",
    "Indirect",
    "SimulatedSurfaces",
    "SimulatedTransition",
    "SimulationResult",
    "analyse",
    "from_campaign",
    "synthetic_table",
]
