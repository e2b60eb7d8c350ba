"""Every published result that caloris reproduces, in the order of the table."""

from caloris.study import (
    calorimetry_chain,
    dynamics_equations,
    li2b12h12_anions,
    li2b12h12_ions,
    li2b12h12_supplement,
    measured_data,
    nh4scn_reorientation,
    nh4scn_simulation,
    nh4scn_under_pressure,
    nh4scn_vibrations,
    thermal_battery_paper,
)
from caloris.study.comparison import Reproduction

REPRODUCTIONS: tuple[Reproduction, ...] = (
    *thermal_battery_paper.REPRODUCTIONS,
    *calorimetry_chain.REPRODUCTIONS,
    *measured_data.REPRODUCTIONS,
    *nh4scn_simulation.REPRODUCTIONS,
    *dynamics_equations.REPRODUCTIONS,
    *nh4scn_reorientation.REPRODUCTIONS,
    *nh4scn_vibrations.REPRODUCTIONS,
    *nh4scn_under_pressure.REPRODUCTIONS,
    *li2b12h12_supplement.REPRODUCTIONS,
    *li2b12h12_ions.REPRODUCTIONS,
    *li2b12h12_anions.REPRODUCTIONS,
)
