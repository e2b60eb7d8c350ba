"""Molecular dynamics through caloris against the bare engine: the same LAMMPS, the same input, the same frames kept.

Li2B12H12, 832 atoms, NPT at 400 K, 1 fs; thermodynamics every 20 fs, positions and velocities every 100 fs. The bare
engine runs in one piece and writes its own log and dump; caloris keeps checkpoints and writes H5MD. Both in one
process, one after the other, the order changed from round to round; the ratio of the medians is printed.

    python benchmarks/molecular_dynamics_overhead.py [picoseconds] [rounds]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from caloris.atoms import assemble, simulate
from caloris.atoms.engines import Conditions
from caloris.atoms.engines import lammps as engine
from caloris.atoms.molecular_dynamics import with_velocities
from caloris.materials import load


def bare(system, conditions: Conditions, steps: int, folder: Path) -> float:
    """Seconds of CPU that LAMMPS takes by itself."""
    begin = time.process_time()
    lmp = engine._load()(cmdargs=["-log", str(folder / "log.lammps"), "-screen", "none", "-nocite"])
    engine._define(lmp, system)
    engine._interactions(lmp, system)
    lmp.command(f"timestep {conditions.time_step / 1000}")
    lmp.command(engine._integrator(conditions))
    lmp.command("thermo_style custom step temp press pe ke vol lx ly lz pxx pyy pzz pxy pxz pyz")
    lmp.command("thermo 20")
    lmp.command(f'dump frames all custom 100 "{folder}/frames.lammpstrj" id xu yu zu vx vy vz')
    lmp.command("dump_modify frames sort id")
    lmp.command(f"run {steps}")
    lmp.close()
    return time.process_time() - begin


def through_caloris(system, picoseconds: int, folder: Path) -> float:
    begin = time.process_time()
    simulate(system, temperature="400 K", duration=f"{picoseconds} ps", folder=folder, engine="lammps")
    return time.process_time() - begin


def main(picoseconds: int, rounds: int) -> None:
    cell = load("Li2B12H12").structure("alpha")
    cell.set_cell(cell.cell * 1.026, scale_atoms=True)
    system = assemble(cell.repeat(2), "Li2B12H12")
    system = system.with_atoms(with_velocities(engine.Lammps().minimise(system), 400.0, seed=1))
    conditions = Conditions("NPT", 400.0, 400.0)
    times: dict[str, list[float]] = {"bare": [], "caloris": []}
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            jobs = [
                ("bare", lambda folder=folder: bare(system, conditions, 1000 * picoseconds, folder)),
                ("caloris", lambda folder=folder: through_caloris(system, picoseconds, folder / "md")),
            ]
            for key, job in jobs if number % 2 == 0 else jobs[::-1]:
                times[key].append(job())
    for key, values in times.items():
        speed = picoseconds / 1000 / statistics.median(values) * 86400
        print(f"{key:8s} {statistics.median(values):7.2f} s CPU (median of {rounds}), {speed:.0f} ns/day")
    print(f"ratio caloris/bare {statistics.median(times['caloris']) / statistics.median(times['bare']):.3f}")


if __name__ == "__main__":
    main(*(int(text) for text in (sys.argv[1:] + ["10", "5"][len(sys.argv) - 1 :])))
