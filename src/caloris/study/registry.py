"""Every published result that caloris reproduces, in the order of the table."""

from caloris.study import (
    calorimetry_chain,
    li2b12h12_supplement,
    measured_data,
    nh4scn_simulation,
    thermal_battery_paper,
)
from caloris.study.comparison import Reproduction

REPRODUCTIONS: tuple[Reproduction, ...] = (
    *thermal_battery_paper.REPRODUCTIONS,
    *calorimetry_chain.REPRODUCTIONS,
    *measured_data.REPRODUCTIONS,
    *nh4scn_simulation.REPRODUCTIONS,
    *li2b12h12_supplement.REPRODUCTIONS,
)
