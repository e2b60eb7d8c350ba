"""Melting and freezing of eicosane, from a real TA 2920 export: latent heat by four baselines, hysteresis three ways.

L = int (q - q_base) dt / m and dS = int (q - q_base)/T dt / m; L/dS must lie within the peak. The file is not part of
caloris: give its path, or set CALORIS_DATA to the folder of the measured data.
"""

import os
import sys
from pathlib import Path

from caloris.heat.calorimetry import BASELINES, analyse, read

file = Path(os.environ.get("CALORIS_DATA", ".")) / "calorimetry" / "sample_dsc_tainstruments.txt"
file = Path(sys.argv[1]) if len(sys.argv) > 1 else file
if not file.is_file():
    print(f"{file} is not there: give the path of the TA export of eicosane")
    sys.exit()

scan = read(file, pressure="0.1 MPa")
print(scan)
for baseline in BASELINES:
    for row in analyse([scan], baseline=baseline, draws=0).transitions:
        print(f"{baseline:18s} {row.direction}: {row.latent_heat.value / 1e3:.1f} J/g")

result = analyse([scan], name="eicosane")
print(result.summary())
result.plot().savefig("eicosane.png", dpi=130)
assert all(finding.agrees for finding in result.closure)
