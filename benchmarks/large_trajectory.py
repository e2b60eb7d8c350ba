"""A trajectory that does not fit in memory: CPU and peak memory of caloris by the number of atoms and of frames.

Writes the synthetic benchmark trajectory (turning SiH4, jumping Li, a framework of Si) straight into stores of several
sizes, and measures the mean square displacement (all lags up to half of the trajectory), the density of states and the
powder-averaged incoherent scattering at 20 Q (lags up to 5 ps, or an eighth of the trajectory) of all atoms. Each
measurement is a process of its own, warmed up first; peak memory is that of the whole process, libraries included.

    python benchmarks/large_trajectory.py [--full] [--cells 12] [--frames 1000] [--folder DIR] [--cores 1]

10,368 atoms x 1000 frames by default; ``--full``: 105,456 atoms x 10,000 frames, 25 GB of positions and velocities in
single precision, on a disk with 35 GB free.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import scipp as sc

import caloris as cal
from caloris.atoms.synthetic_trajectory import benchmark_trajectory

Q = sc.array(dims=["Q"], values=np.arange(0.2, 4.01, 0.2), unit="1/angstrom")


def displacement(trajectory, longest: str) -> np.ndarray:
    return cal.atoms.mean_square_displacement(trajectory).values


def density_of_states(trajectory, longest: str) -> np.ndarray:
    return cal.atoms.vibrational_density_of_states(trajectory, resolution="3 meV").values


def powder(trajectory, longest: str) -> np.ndarray:
    found = cal.neutrons.intermediate_scattering(trajectory, Q, "incoherent", weights="number", longest=longest)
    return found.values


ANALYSES: dict[str, Callable] = {
    "mean square displacement": displacement,
    "density of states": density_of_states,
    "powder incoherent": powder,
}


def peak_memory() -> float:
    """MB at most so far; that of the system, where a process inherits from who started it, only if nothing better."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(request: dict) -> dict:
    """In a process of its own: one analysis, or writing, under the clock."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-request["cores"] :])
    path, cells, frames = Path(request["path"]), request["cells"], request["frames"]
    small = path.with_name(f"small-{os.getpid()}.h5")
    trajectory = benchmark_trajectory((2, 2, 2), 1200).write(small)
    if request["task"] == "writing":
        run = partial(benchmark_trajectory((cells,) * 3, frames).write, path)
    else:
        analysis = ANALYSES[request["task"]]
        analysis(trajectory, request["longest"])
        run = partial(analysis, cal.atoms.open_trajectory(path).sample(stop=frames), request["longest"])
    small.unlink()
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu, "wall": wall, "peak": peak_memory()}


def measure(task: str, path: Path, cells: int, frames: int, cores: int, longest: str = "") -> dict:
    size = {"cells": cells, "frames": frames, "longest": longest}
    request = json.dumps({"task": task, "path": str(path), "cores": cores, **size})
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    answer = subprocess.run(
        [sys.executable, __file__, "--measure", request], env=os.environ | threads, capture_output=True, text=True
    )
    if answer.returncode:
        raise SystemExit(f"{request}\n{answer.stderr[-3000:]}")
    found = json.loads(answer.stdout.splitlines()[-1])
    rate = f"{1e9 * found['cpu'] / (6 * cells**3 * frames):8.0f}"
    sizes = f"{6 * cells**3:9d} {frames:8d}"
    print(f"  {task:26s} {sizes} {found['cpu']:10.1f} {found['wall']:10.1f} {rate} {found['peak']:10.0f}", flush=True)
    return found


def table(folder: Path, cells: int, frames: int, cores: int) -> None:
    """The whole, a part of its atoms, a part of its frames."""
    fewer = round(cells / 4 ** (1 / 3))
    print(f"  {'':26s} {'atoms':>9s} {'frames':>8s} {'CPU s':>10s} {'wall s':>10s} {'ns each':>8s} {'peak MB':>10s}")
    stores = {size: folder / f"{size}.h5" for size in (fewer, cells)}
    for size, path in stores.items():
        measure("writing", path, size, frames, cores)
    print(f"  the store: {stores[cells].stat().st_size / 1e9:.2f} GB")
    longest = f"{min(5.0, frames / 800)} ps"  # frames are 10 fs apart
    for task in ANALYSES:
        part = measure(task, stores[fewer], fewer, frames, cores, longest)
        short = measure(task, stores[cells], cells, frames // 4, cores, longest)
        whole = measure(task, stores[cells], cells, frames, cores, longest)
        atoms = math.log(whole["cpu"] / part["cpu"]) / math.log((cells / fewer) ** 3)
        time_exponent = math.log(whole["cpu"] / short["cpu"]) / math.log(4)
        print(f"  {'':26s} CPU grows as atoms^{atoms:.2f}, frames^{time_exponent:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="105,456 atoms, 10,000 frames, 25 GB")
    parser.add_argument("--cells", type=int, default=12)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the files go and stay; by default they are removed")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measured(json.loads(given.measure))))
        return
    cells, frames = (26, 10_000) if given.full else (given.cells, given.frames)
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        table(folder, cells, frames, given.cores)


if __name__ == "__main__":
    main()
