"""CPU time of a battery cycle, of the sweep of Fig. 1d, and how it grows with the mesh.

Run it alone on the machine: ``python benchmarks/battery_cycle.py``. One thread; CPU seconds of this process,
median of three. The targets are those of a two-core machine.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is imported
os.environ["OMP_NUM_THREADS"] = "1"

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

from caloris.heat import Battery, Geometry

CONTACTS = (50, 100, 200, 500, 1000, 1500)
"""W/(m2 K), Fig. 1d of Zhang et al. (2023)."""
CYCLE_TARGET, SWEEP_TARGET, EXPONENT_TARGET = 3.0, 15.0, 1.3
REPEATS = 3


def one_cycle(cells: int = 16) -> None:
    Battery("NH4SCN", geometry=Geometry(cells=cells)).run("fig-1c")


def sweep() -> None:
    for h in CONTACTS:
        Battery("NH4SCN", contact_conductance=f"{h} W/m^2/K", transition="paper").run("fig-1d")


def seconds(job: Callable[..., None], *arguments: Any) -> float:
    """Median CPU time of a job, s."""
    times = []
    for _ in range(REPEATS):
        begin = time.process_time()
        job(*arguments)
        times.append(time.process_time() - begin)
    return statistics.median(times)


def row(what: str, value: float, unit: str, target: float) -> None:
    verdict = "ok" if value <= target else "MISSED"
    print(f"{what:48s} {value:8.2f} {unit:2s} {target:8.1f} {unit:2s}  {verdict}", flush=True)


def main() -> None:
    Battery("NH4SCN", geometry=Geometry(cells=2)).run("fig-1c")  # imports and caches are not the point
    print(f"{'':48s} {'measured':>11s} {'target':>11s}")
    coarse = seconds(one_cycle)
    row("one demo cycle, 16 x 16 cells", coarse, "s", CYCLE_TARGET)
    row(f"sweep of Fig. 1d, {len(CONTACTS)} contacts", seconds(sweep), "s", SWEEP_TARGET)
    fine = seconds(one_cycle, 32)
    print(f"{'one demo cycle, 32 x 32 cells':48s} {fine:8.2f} s")
    exponent = math.log(fine / coarse) / math.log(4)
    row("cost exponent, log(t2/t1)/log(4)", exponent, "", EXPONENT_TARGET)


if __name__ == "__main__":
    main()
