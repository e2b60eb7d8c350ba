"""Hopping ions as a spectrometer sees them: diffusion, jumps, line widths and S(Q,E); the trajectory is synthetic.

Ions hop between the sites of a simple cubic lattice of edge a, to each of six neighbours, after tau on average, and
vibrate. Diffusion: D = a^2 / 6 tau. Incoherent scattering: one Lorentzian, averaged over directions here, of
HWHM(Q) = hbar / tau (1 - 1/3 sum cos Q_i a) along each (Chudley and Elliott, Proc. Phys. Soc. 77, 353 (1961)).
Exact check: D, tau, and I(Q,t) against the closed form at every time and Q, each within its error.
"""

import sys
from pathlib import Path

import numpy as np
import scipp as sc

import caloris as cal
from caloris.atoms.synthetic_trajectory import LatticeJumps, Particles, SyntheticTrajectory, Vibration, cubic_sites
from caloris.report.analysis import write_analysis
from caloris.report.scattering import spectrum_analysis
from caloris.report.transport import jump_analysis

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
EDGE, TAU = 4.0, 3.0  # angstrom, ps: invented

motion = Vibration(mean_square="0.02 angstrom^2", frequency="6 THz", damping="2 1/ps") + LatticeJumps(
    length=f"{EDGE} angstrom", residence_time=f"{TAU} ps"
)
lattice = cubic_sites(f"{EDGE} angstrom", (8, 8, 8))
populations = (Particles("Li", lattice, motion), Particles("U", lattice))  # uranium at rest holds the frame
synthetic = SyntheticTrajectory(populations, cell=f"{8 * EDGE} angstrom", frames=1200, timestep="50 fs", seed=2)
trajectory = synthetic.write(folder / "synthetic-hops.h5")

diffusion = cal.atoms.diffusion_coefficient(trajectory, "Li")
exact_D = 1e-4 * EDGE**2 / (6 * TAU)  # cm^2/s
print(diffusion, f"exact {exact_D:.3g}")
assert diffusion.diffusive
assert abs(diffusion.value.value - exact_D) < 4 * np.sqrt(diffusion.value.variance)

# the sites are those of the lattice, which every ion can reach; they may be given, here they are found
jumps = jump_analysis(trajectory, "Li", smallest_distance="2 angstrom")
print(jumps.summary())
residence = jumps.numbers["residence time"]
assert abs(residence.value - TAU) < 4 * np.sqrt(residence.variance) + 0.02 * TAU

Q = sc.linspace("Q", 0.3, 1.8, 6, unit="1/angstrom")
found = cal.neutrons.intermediate_scattering(trajectory, Q, atoms="Li", weights="number", longest="15 ps")
exact = synthetic.intermediate_scattering("Li", Q, found.coords["time"])
off = (found.values - exact.values) / np.sqrt(found.variances + 2e-3**2)
print(f"I(Q,t): {np.abs(found.values - exact.values).max():.4f} off the closed form at most")
assert np.sqrt(np.mean(off**2)) < 2

pelican = cal.neutrons.instrument("Pelican", wavelength="5.96 angstrom")
map_of = spectrum_analysis(
    trajectory, sc.linspace("Q", 0.2, 1.9, 18, unit="1/angstrom"), instrument=pelican, temperature="600 K", atoms="Li"
)
print(map_of.summary())
print(*write_analysis(map_of, folder / "hopping-ions"), sep="\n")
