"""What moves in a simulation, and what a neutron would see of it: one page, and the numbers of the ions.

Give the trajectory of a simulation of caloris (trajectory.h5) or of any other program as first argument; without one
a synthetic trajectory is made, and said to be one. D = slope / 6 of the mean square displacement; the orientation
is lost as C1 = <u(0).u(t)>. Exact check, of the synthetic one: C1 of the C3 jumps (residence time tau, the bond on
the axis rests) is 1/4 + 3/4 [1/9 + 8/9 exp(-3 t / 2 tau)] times what vibrations leave.
"""

import sys
from pathlib import Path

import numpy as np

import caloris as cal
from caloris.atoms.synthetic_trajectory import benchmark_trajectory
from caloris.report.trajectory import contents, describe, write_trajectory_report

folder = Path(sys.argv[2] if len(sys.argv) > 2 else ".")
synthetic = None
if len(sys.argv) > 1:
    trajectory = cal.atoms.open_trajectory(sys.argv[1])
else:
    synthetic = benchmark_trajectory(cells=(5, 5, 5), frames=1000, seed=7)  # SiH4 that turn, Li that hop
    trajectory = synthetic.write(folder / "synthetic-benchmark.h5", velocities=True)
print(describe(trajectory).summary())

for name in contents(trajectory):
    if name in trajectory.symbols:
        print(name, cal.atoms.diffusion_coefficient(trajectory, name))
    else:
        print(name, cal.atoms.reorientation(trajectory, molecule=name))

if synthetic is not None:
    c1 = cal.atoms.reorientation(trajectory, ("Si", "H")).c1
    exact = synthetic.orientation_correlation(c1.coords["time"]).values
    later = slice(20, None)  # past the vibrations, which the closed form of the rotation alone leaves out
    left = np.average(c1.values[later] / exact[later], weights=1 / c1.variances[later])
    off = (c1.values[later] - left * exact[later]) / np.sqrt(c1.variances[later])
    print(f"C1 over the closed form: {left:.3f}, left by vibrations; else {np.sqrt(np.mean(off**2)):.2f} errors off")
    assert 0.9 < left < 1
    assert np.sqrt(np.mean(off**2)) < 2

files = write_trajectory_report(trajectory, folder / "motion")
print(files[0])
