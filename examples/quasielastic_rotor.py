"""Quasielastic scattering of a tetrahedral ion, from a LAMMPS dump to EISF and line width; the dump is synthetic.

XH4 jumps by 120 degrees about one X-H bond at random times tau apart (C3). A hydrogen that moves has, averaged over
all directions, I(Q,t) = A + (1 - A) exp(-3 t / 2 tau) with A = (1 + 2 j0(Q d)) / 3, d the distance of two H. Over the
four H of the ion, one of which lies on the axis, the elastic fraction is (1 + j0(Q d)) / 2, eq. 4 of Zhang et al.,
Sci. Adv. 9, eadd0374 (2023), and the quasielastic line is hbar 3 / 2 tau wide (HWHM).
Exact check: both, at every Q, within four standard deviations and one percent.
"""

import sys
from pathlib import Path

import numpy as np
import scipp as sc

import caloris as cal
from caloris.atoms.synthetic_trajectory import Molecules, SiteJumps, SyntheticTrajectory, Vibration, cubic_sites
from caloris.report.analysis import write_analysis
from caloris.report.scattering import elastic_analysis

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
TAU, BOND = 2.0, 1.48  # ps, angstrom: invented
HBAR = 0.6582119569  # meV ps

# a simulation would have written this: types 1 and 2, step numbers instead of times
vibration = Vibration(mean_square="0.003 angstrom^2", frequency="15 THz", damping="3 1/ps")
rotation = SiteJumps.threefold(f"{BOND} angstrom", residence_time=f"{TAU} ps")
ions = Molecules("Si", "H", cubic_sites("5 angstrom", (6, 6, 6)), rotation, outer_motion=vibration)
synthetic = SyntheticTrajectory((ions,), cell="30 angstrom", frames=1500, timestep="20 fs", seed=4, at_rest=True)
dump = folder / "synthetic.lammpstrj"
synthetic.write_lammps_dump(dump)

# the file holds neither times nor elements: say them once; what was made of it stays beside the dump
trajectory = cal.atoms.open_trajectory(dump, timestep="20 fs", elements={1: "Si", 2: "H"})
print(trajectory)

Q = sc.linspace("Q", 0.4, 2.4, 11, unit="1/angstrom")
apart = BOND * np.sqrt(8 / 3)
exact = sc.DataArray(
    sc.array(dims=["Q"], values=0.5 * (1 + np.sinc(Q.values * apart / np.pi))), coords={"Q": Q}, name="eq. 4"
)
analysis = elastic_analysis(trajectory, Q, atoms="H", longest="12 ps", models={"C3, exact": exact})
print(analysis.summary())
eisf, hwhm = analysis.curves["EISF"], analysis.curves["quasielastic HWHM"]

width = HBAR * 1.5 / TAU
off = (eisf.values - exact.values) / np.sqrt(eisf.variances + 1e-4)
print(f"EISF: at most {np.abs(eisf.values - exact.values).max():.3f} off eq. 4")
print(f"HWHM: {hwhm.values.mean():.4f} meV; 3 hbar / 2 tau = {width:.4f} meV")
assert np.abs(off).max() < 4
assert np.all(np.abs(hwhm.values - width) < 4 * np.sqrt(hwhm.variances) + 0.01 * width)

files = write_analysis(analysis, folder / "quasielastic-rotor")
print(*files, sep="\n")
