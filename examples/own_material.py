"""A card of your own, from text to battery: a made-up (synthetic) conventional barocaloric.

The numbers are invented to show the format; every one of them says so in its status. A conventional material gives
off heat when it is pressed: it is charged by releasing. Check: Clausius-Clapeyron gives dT/dp = dV/dS = 0.4 K/MPa.
"""

from pathlib import Path

import caloris as cal

CARD = """
schema = 1
name = "synthetic-conventional"
title = "Synthetic conventional barocaloric (example)"

[sources.invented]
citation = "Invented for this example"

[phases.ordered]
density = { value = 1200, unit = "kg/m^3", status = "guess", source = "invented" }
heat_capacity = { value = 1500, unit = "J/kg/K", status = "guess", source = "invented" }
thermal_conductivity = { value = 0.3, unit = "W/m/K", status = "guess", source = "invented" }

[phases.disordered]
heat_capacity = { value = 1600, unit = "J/kg/K", status = "guess", source = "invented" }

[transitions.order-disorder]
low = "ordered"
high = "disordered"
pressure = { value = 0.1, unit = "MPa", status = "guess", source = "invented" }
temperature_heating = { value = 310, unit = "K", status = "guess", source = "invented" }
temperature_cooling = { value = 300, unit = "K", status = "guess", source = "invented" }
entropy_change = { value = 200, unit = "J/kg/K", status = "guess", source = "invented" }
volume_change = { value = 8e-5, unit = "m^3/kg", status = "guess", source = "invented" }
"""

path = Path("synthetic-conventional.toml")
path.write_text(CARD, encoding="utf-8")
material = cal.materials.load(path)

effect = cal.heat.caloric_effect(material)
assert abs(effect.slope("equilibrium").value - 0.4) < 1e-9
print(effect.slope("heating"))

battery = cal.heat.Battery(material, contact_conductance="500 W/m^2/K", geometry=cal.heat.Geometry(cells=8))
cycle = battery.run(
    [
        "Start at 320 K and 0.1 MPa",
        "Press to 120 MPa in 10 s",
        "Hold until heat flow < 0.1 mW/g",
        "Release to 0.1 MPa in 10 s",
        "Hold until heat flow < 0.1 mW/g",
    ]
)
print(cycle.summary())
assert cycle.first_law_residual < 1e-9
