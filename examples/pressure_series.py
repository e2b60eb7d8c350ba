"""From calorimeter files at six pressures to the barocaloric effect with errors, on SYNTHETIC scans.

The scans are computed from an exact two-phase model (the numbers of NH4SCN, transitions 2 K wide, 0.3 % noise), so the
truth is known: dS_t = 128.7 J/(kg K), dT/dp = -0.3003 K/MPa on heating, and a cycle needs 29 K / 0.3003 K/MPa =
96.57 MPa. Everything below that line is what a laboratory would do with its own files.
"""

import tempfile
from pathlib import Path

import caloris as cal
from caloris.heat.calorimetry import analyse, read, synthetic_recording, uncertainties, write_plain

model = cal.heat.TwoPhase.from_material(cal.materials.load("NH4SCN"))
folder = Path(tempfile.mkdtemp())
for seed, pressure in enumerate(("0.1 MPa", "20 MPa", "40 MPa", "60 MPa", "80 MPa", "100 MPa")):
    scan = synthetic_recording(model, pressure=pressure, width="2 K", noise=0.003, seed=seed)
    write_plain(scan, folder / f"synthetic {pressure}.csv")

# -- with your own files it begins here ---------------------------------------------------------------

scans = [read(file) for file in sorted(folder.glob("*.csv"))]
result = analyse(
    scans,
    heat_capacity="1590 J/kg/K",
    errors=uncertainties(mass="0.5 %", sensitivity="1 %", temperature="0.2 K"),
    name="NH4SCN (synthetic scans)",
    draws=300,
)
print(result.summary())
result.plot().savefig("pressure_series.png", dpi=130)
result.save("pressure_series")

effect = result.effect  # of one type with the effect of a card
assert effect is not None
print(effect.merits("100 MPa")["reversible_entropy_change"])

slope, p_rev = result.headline["slope, heating"], result.headline["reversible pressure"]
assert abs(slope.value - -0.3003) < 3 * slope.error
assert abs(p_rev.value - 96.57) < 3 * p_rev.error
