"""Magnetocalorics: entropy and temperature change from magnetisation and heat capacity, and what to trust of them."""

from caloris.heat.magnetocaloric.critical import (
    ArrottPlot,
    UniversalCurve,
    arrott_plot,
    field_exponent,
    universal_curve,
)
from caloris.heat.magnetocaloric.figures import magnetocaloric_figure
from caloris.heat.magnetocaloric.first_order import (
    MaxwellCheck,
    check_maxwell,
    clausius_clapeyron_entropy_change,
    hysteresis_loss,
    net_refrigerant_capacity,
)
from caloris.heat.magnetocaloric.heat_capacity import HeatCapacityEntropy, entropy_from_heat_capacity
from caloris.heat.magnetocaloric.lattice import (
    EntropyBalance,
    debye_entropy,
    entropy_balance,
    gruneisen_entropy_change,
    vibrational_entropy,
)
from caloris.heat.magnetocaloric.maxwell import (
    EntropyPeak,
    entropy_peak,
    maxwell_covariance,
    maxwell_entropy_change,
    maxwell_temperature_change,
)
from caloris.heat.magnetocaloric.tables import internal_field, read_table, table
from caloris.heat.merit import full_width_half_maximum, refrigerant_capacity, relative_cooling_power

__all__ = [
    "ArrottPlot",
    "EntropyBalance",
    "EntropyPeak",
    "HeatCapacityEntropy",
    "MaxwellCheck",
    "UniversalCurve",
    "arrott_plot",
    "check_maxwell",
    "clausius_clapeyron_entropy_change",
    "debye_entropy",
    "entropy_balance",
    "entropy_from_heat_capacity",
    "entropy_peak",
    "field_exponent",
    "full_width_half_maximum",
    "gruneisen_entropy_change",
    "hysteresis_loss",
    "internal_field",
    "magnetocaloric_figure",
    "maxwell_covariance",
    "maxwell_entropy_change",
    "maxwell_temperature_change",
    "net_refrigerant_capacity",
    "read_table",
    "refrigerant_capacity",
    "relative_cooling_power",
    "table",
    "universal_curve",
    "vibrational_entropy",
]
