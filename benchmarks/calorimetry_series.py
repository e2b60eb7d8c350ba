"""A pressure series of 12 scans of 20,000 points with 1000 Monte Carlo draws; reading a TA export next to pkynetics.

Run it alone on the machine: ``python benchmarks/calorimetry_series.py``. One thread; CPU seconds of this process.
The series is synthetic. The TA export is not part of caloris: CALORIS_DATA names its folder; pkynetics (MIT) is the
closest reader on PyPI, and has to give the same numbers before any clock runs.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is imported
os.environ["OMP_NUM_THREADS"] = "1"

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from caloris.heat import TwoPhase
from caloris.heat.calorimetry import analyse, read, synthetic_recording, write_plain
from caloris.materials import load

TARGET = 20.0
REPEATS = 5


def seconds(job: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Median CPU time of a job, s."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        job()
        times.append(time.process_time() - begin)
    return statistics.median(times)


def series(folder: Path) -> list[Path]:
    """Six files, each with a heating and a cooling of 20,000 points."""
    model = TwoPhase.from_material(load("NH4SCN"))
    files = []
    for seed, p in enumerate((0.1, 20, 40, 60, 80, 100)):
        files.append(folder / f"{p} MPa.csv")
        scan = synthetic_recording(model, pressure=f"{p} MPa", points=20_000, noise=0.005, seed=seed)
        write_plain(scan, files[-1])
    return files


def against_pkynetics(path: Path) -> None:
    try:
        from pkynetics.data_import import dsc_importer
    except ImportError:
        print("reading a TA export: pkynetics is not installed, no comparison")
        return
    if not path.is_file():
        print("reading a TA export: set CALORIS_DATA to the folder that holds it, no comparison")
        return
    theirs, ours = dsc_importer(str(path), manufacturer="TA"), read(path, pressure="0.1 MPa")
    assert np.allclose(theirs["temperature"] + 273.15, ours.temperature)
    assert np.allclose(-theirs["heat_flow"], ours.heat_flow.values)  # the file is exotherm up; pkynetics leaves it so
    t_theirs = seconds(lambda: dsc_importer(str(path), manufacturer="TA"))
    t_ours = seconds(lambda: read(path, pressure="0.1 MPa"))
    print(f"TA export of {len(ours.time)} rows: pkynetics {1e3 * t_theirs:.0f} ms, caloris {1e3 * t_ours:.0f} ms")
    print(f"ratio pkynetics/caloris: {t_theirs / t_ours:.1f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = series(Path(folder))
        t_read = seconds(lambda: [read(file) for file in files], 3)
        scans = [read(file) for file in files]
    t = seconds(lambda: analyse(scans, heat_capacity="1590 J/kg/K"), 1)
    verdict = "ok" if t + t_read < TARGET else "TOO SLOW"
    print(f"12 scans of 20,000 points: reading {t_read:.2f} s, analysis with 1000 draws {t:.1f} s")
    print(f"together {t + t_read:.1f} s, target {TARGET:g} s: {verdict}")
    against_pkynetics(Path(os.environ.get("CALORIS_DATA", ".")) / "calorimetry" / "sample_dsc_tainstruments.txt")


if __name__ == "__main__":
    main()
