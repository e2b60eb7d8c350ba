"""Charge, store, discharge: the paper's cycle of Fig. 1c, and the picture of the README.

The heat that comes out on release is dH = dS T_e + dV (p - p0) at the pressure where the cooling branch passes the
storage temperature. Exact check (quasi-static, NH4SCN card): 42.15 J/g at 313 K; with a release of 10 s it comes at
a lower pressure, so up to 44.7 J/g.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

import caloris as cal

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

battery = cal.heat.Battery("NH4SCN", contact_conductance="100 W/m^2/K")
cycle = battery.run(
    [
        "Press from 8.2 to 90 MPa at 349 K in 10 s",
        "Hold until heat flow < 0.1 mW/g",
        "Cool to 313 K at 3 K/min",
        "Hold until heat flow < 0.1 mW/g",
        "Release to 8.2 MPa in 10 s",
        "Hold until heat flow < 0.1 mW/g",
    ]
)
print(cycle.summary())

model = cal.heat.TwoPhase.from_material(battery.card)
slow = model.delta_enthalpy(313.0, model.transition_pressure(313.0, "cooling")) / 1e3
most = model.delta_enthalpy(313.0, 8.2e6) / 1e3
assert slow < cycle.heat.discharged.value < most
print(f"\nquasi-static discharge {slow:.2f} J/g < {cycle.heat.discharged.value:.2f} J/g < {most:.2f} J/g")

figure = Figure(figsize=(10, 3.4), layout="constrained")
flow, path = figure.subplots(1, 2, width_ratios=[1.7, 1])
minutes = cycle.heat_flow.coords["time"].values / 60
flow.plot(minutes, cycle.heat_flow.values, color="#22272e", lw=1.4)
flow.fill_between(minutes, cycle.heat_flow.values, where=cycle.heat_flow.values > 0, color="#c8442e", alpha=0.4, lw=0)
flow.fill_between(minutes, cycle.heat_flow.values, where=cycle.heat_flow.values < 0, color="#2f6fae", alpha=0.4, lw=0)
for x, y, text in (
    (4.0, 330, f"pressed at 349 K:\n{cycle.heat.charged.value:.1f} J/g go in"),
    (13.5, -260, "cooled to 313 K\nunder pressure"),
    (24.0, -560, f"released at 313 K:\n{cycle.heat.discharged.value:.1f} J/g come out"),
):
    flow.text(x, y, text, ha="left" if x < 10 else "center" if x < 20 else "right", fontsize=10)
flow.set(xlabel="Time (min)", ylabel="Heat flow into NH4SCN (mW/g)")
effect = cal.heat.caloric_effect(battery.card)
pressures = [0.1, 120.0]
for branch, colour in (("heating", "#c8442e"), ("cooling", "#2f6fae")):
    line = [effect.transition_temperature(branch, f"{p} MPa").value for p in pressures]
    path.plot(pressures, line, color=colour, lw=2, label=f"transition on {branch}")
path.plot([8.2, *cycle.pressure.values], [349, *cycle.wall_temperature.values], color="#22272e", lw=1.6, label="cycle")
path.set(xlabel="Pressure (MPa)", ylabel="Temperature (K)")
path.legend(frameon=False, fontsize=9)
for axis in (flow, path):
    axis.spines[["top", "right"]].set_visible(False)
figure.savefig(folder / "charge_store_discharge.png", dpi=130)
