"""Trajectories to neutrons: caloris beside MDANSE and dynasor, on the same text dump, in the same interpreter.

The synthetic trajectory of caloris.atoms.synthetic_trajectory.benchmark_trajectory: 6000 atoms (turning SiH4, jumping
Li, a framework of Si, all vibrating), 2000 frames, correlations over 1001 lags, 20 shells of Q of up to 50 reciprocal
vectors, the same ones for everybody. The centre of mass rests, because caloris takes its drift away and peers do not.

    python benchmarks/trajectories_against_peers.py [--full] [--cells 10] [--frames 2000] [--only WORD ...]

Every measurement is a process of its own, pinned to one core, warmed up on a small trajectory first so that no clock
sees a compiler; CPU is user and system time. Peers that take minutes run on a few atoms, at two numbers of them, and a
straight line extrapolates, which the table says; ``--full`` runs them on everything. Needs MDANSE and dynasor: the
extra ``bench-trajectories``.
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
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import scipp as sc
from trajectory_tasks import FEMTOSECONDS, ORIGINS, TASKS, Case, held, mdanse_convert

from caloris.atoms.synthetic_trajectory import SyntheticTrajectory, benchmark_trajectory

# one process for each measurement ------------------------------------------------------------------------------------


def peak_memory() -> float:
    """MB at most so far; that of the system, where a process inherits from who started it, only if nothing better."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(request: dict) -> dict:
    """In the process of the measurement: warm up, then one run under the clock."""
    folder = Path(request["folder"])
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if cores:
        os.sched_setaffinity(0, cores[-request["cores"] :])
    velocities = request["velocities"]
    options = {key: request[key] for key in ("origins",) if request.get(key)}
    task = TASKS[request["task"]]
    small = Case(folder, 3, _SMALL[velocities], velocities)
    task(small, 40 if request["atoms"] else None, **options)
    case = Case(folder, request["cells"], request["frames"], velocities)
    _ = case.vectors, case.synthetic.symbols
    if "_kernel_" in request["task"]:
        held(case, request["atoms"])
    if request["atoms"] and request["task"].startswith("dynasor"):
        case.dump_of(request["atoms"])
    wall, cpu = time.perf_counter(), time.process_time()
    found = task(case, request["atoms"], **options)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    np.savez(request["result"], **found)
    return {"cpu": cpu, "wall": wall, "peak": peak_memory()}


Errors = dict[str, float]
WORDS = ("agreement", "convert", "incoherent", "coherent", "msd", "kernel", "dos", "scaling")
_DONE: dict[str, dict] = {}
_SMALL = {False: 96, True: 700}
"""Frames of what every measurement is warmed up on; a density of states needs more of them."""


@dataclass(frozen=True)
class Bench:
    """Runs measurements in processes of their own."""

    folder: Path
    cells: int
    frames: int
    velocities: bool = False

    @cached_property
    def case(self) -> Case:
        return Case(self.folder, self.cells, self.frames, self.velocities)

    def run(self, task: str, atoms: int | None = None, *, cores: int = 1, **options) -> dict:
        """What the clock says, and the result; what ran before is not run again."""
        request = {
            "folder": str(self.folder),
            "cells": self.cells,
            "frames": self.frames,
            "velocities": self.velocities,
            "task": task,
            "atoms": atoms,
            "cores": cores,
            "result": str(self.folder / "result.npz"),
            **options,
        }
        key = json.dumps(request)
        if key not in _DONE:
            _DONE[key] = self._measured(key)
        return _DONE[key]

    def _measured(self, request: str) -> dict:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
        answer = subprocess.run(
            [sys.executable, __file__, "--measure", request],
            env=os.environ | threads | {"MPLBACKEND": "Agg"},
            capture_output=True,
            text=True,
        )
        if answer.returncode:
            print(answer.stderr[-3000:], file=sys.stderr)
            raise SystemExit(f"failed: {request}")
        with np.load(self.folder / "result.npz") as file:
            return json.loads(answer.stdout.splitlines()[-1]) | {"found": {key: file[key] for key in file.files}}

    def prepare(self) -> None:
        for case in (Case(self.folder, 3, _SMALL[self.velocities], self.velocities), self.case):
            case.prepare()
            if not case.mdt.exists() and (case.cells, case.frames) != (self.cells, self.frames):
                mdanse_convert(case, None)

    def extrapolated(self, task: str, some: tuple[int, int], **options) -> tuple[float, str]:
        """CPU of a task at two numbers of atoms, carried on to all of them."""
        first, second = (self.run(task, count, **options)["cpu"] for count in some)
        slope = (second - first) / (some[1] - some[0])
        every = first + slope * (self.case.atoms - some[0])
        return every, f"extrapolated from {some[0]} and {some[1]} atoms ({1000 * slope:.3g} ms/atom)"


def agreement(folder: Path) -> None:
    """Everybody in full on a small trajectory, against direct sums in double precision with the same time origins."""
    bench = Bench(folder, 3, 300)
    bench.prepare()
    bench.run("mdanse_convert")
    case = bench.case
    lags = np.array([0, 1, 2, 5, 10, 20, 50, 100, case.lags - 1])
    direct = direct_sums(case, lags, lambda m: case.frames - m)
    fixed = direct_sums(case, lags, lambda m: case.frames - case.lags + 1, one_order=True)
    print(f"\nLargest difference, {case.atoms} atoms, {case.frames} frames, {len(case.vectors)} vectors, all of it run")
    names = ("caloris", "dynasor", "MDANSE", "caloris-dynasor", "caloris-MDANSE*")
    print(" " * 12 + " ".join(f"{name:>16s}" for name in names))
    for name, exact in direct.items():
        ours = bench.run(f"caloris_{name}")["found"]["curve"].T[lags]
        mdanse = bench.run(f"mdanse_{name}")["found"]["curve"].T[lags]
        other = bench.run(f"dynasor_{name}")["found"]["curve"].T[lags] if name != "msd" else np.full_like(ours, np.nan)
        pairs = [(ours, exact), (other, exact), (mdanse, fixed[name]), (ours, other), (ours[-1], mdanse[-1])]
        found = [float(np.abs(a - b).max() / np.abs(exact).max()) for a, b in pairs]
        if name == "coherent":
            found[-1] = math.nan
        print(f"{name:12s}" + " ".join(f"{value:16.1e}" for value in found), flush=True)
    print("First three: from direct sums in double precision over the time origins that each program uses, over the")
    print("largest value. * At the longest lag, the only one for which MDANSE and caloris use the same time origins;")
    print("not for coherent scattering: MDANSE correlates unlike elements in one order, the others in both.")


def direct_sums(case: Case, lags: np.ndarray, origins: Callable[[int], int], *, one_order: bool = False) -> dict:
    """Plain averages over the first so many time origins, (lags, shells) or (lags,).

    With ``one_order`` a pair of elements correlates the later of the first in the alphabet with the earlier of the
    second, counted twice, instead of both orders.
    """
    trajectory = case.open()
    x = trajectory.read("position").astype(float)
    elements = sorted(case.synthetic.elements.values())
    squares = [((x[m : m + origins(int(m))] - x[: origins(int(m))]) ** 2).sum(-1).mean() for m in lags]
    incoherent, coherent = np.empty((2, len(lags), len(case.by_shell)))
    for shell, vectors in enumerate(case.by_shell):
        phases = np.exp(1j * (x @ vectors.T))
        density = [phases[:, trajectory.select(element)].sum(axis=1) for element in elements]
        for number, m in enumerate(lags):
            start, end = slice(origins(int(m))), slice(m, m + origins(int(m)))
            incoherent[number, shell] = np.vdot(phases[start], phases[end]).real / phases[start].size
            products = [[np.vdot(b[start], a[end]).real / b[start].size for b in density] for a in density]
            both = np.triu(products) + np.triu(products, 1) if one_order else np.array(products)
            coherent[number, shell] = both.sum() / case.atoms
    return {"incoherent": incoherent, "coherent": coherent, "msd": np.array(squares)}


def statistics(seeds: int) -> Errors:
    """Errors of I(Q,t) by time origins, over independent trajectories, over the error with all origins.

    A property of the time origins alone, whoever sums over them: incoherent of turning H about the closed form, and
    coherent of all atoms about the mean of a trajectory five times as long, because every one has its own structure.
    """
    frames, lags, stretches = 2000, 1001, 5
    chosen = np.unique(np.geomspace(5, lags - 1, 24).astype(int))
    edge = 2 * math.pi / 15
    vectors = edge * np.array([[4, 2, 2], [2, 4, 2], [2, 2, 4], [-4, 2, 2], [2, -4, 2], [2, 2, -4]])
    starts = {
        "all origins": [np.arange(frames - m) for m in chosen],
        "MDANSE": [np.arange(frames - lags + 1) for _ in chosen],
        "dynasor": [np.arange(0, frames - m, frames // ORIGINS) for m in chosen],
    }
    found: dict[str, list[np.ndarray]] = {f"{name}{kind}": [] for name in starts for kind in ("", ", coherent")}
    for seed in range(-(-seeds // stretches)):
        synthetic = benchmark_trajectory((3, 3, 3), stretches * frames, seed=1000 + seed)
        x = np.concatenate([part for part, _ in synthetic.slabs(velocities=False)])
        hydrogen = np.array([symbol == "H" for symbol in synthetic.symbols])
        phases = np.exp(1j * (x @ vectors.T))
        for name, origins in starts.items():
            for kind, values in (("", phases[:, hydrogen].reshape(len(x), -1)), (", coherent", phases.sum(axis=1))):
                curves = [correlations(part, origins, chosen) for part in np.split(values, stretches)]
                found[name + kind].append(np.array(curves))
    time_axis = sc.array(dims=["time"], values=FEMTOSECONDS / 1000 * chosen, unit="ps")
    exact = synthetic.intermediate_scattering("H", sc.vectors(dims=["Q"], values=vectors, unit="1/angstrom"), time_axis)
    means = {"": exact.values.mean(axis=0), ", coherent": np.mean(found["all origins, coherent"], axis=1)[:, None]}
    ratios = {}
    print(f"\nStandard error by time origins; {seeds} stretches of {frames} frames, 162 atoms, rms over lags")
    for name, curves in found.items():
        kind = ", coherent" if name.endswith(", coherent") else ""
        errors = [np.sqrt(((np.array(c) - means[kind]) ** 2).mean()) for c in (curves, found["all origins" + kind])]
        ratios[name] = float(errors[0] / errors[1])
        print(f"  {name:28s} {errors[0]:.5f}   {ratios[name]:.3f} times that of all origins")
    print(f"  (MDANSE: the same {frames - lags + 1} for every lag; dynasor: {ORIGINS} windows)")
    return ratios


def correlations(values: np.ndarray, origins: list[np.ndarray], lags: np.ndarray) -> np.ndarray:
    """Averages over the given time origins of each lag."""
    return np.array([(values[k].conj() * values[k + m]).real.mean() for k, m in zip(origins, lags, strict=True)])


def row(
    what: str, cpu: float, wall: float | None, ours: float | None, *, worse: float = 1.0, peak=None, note=""
) -> None:
    """A line of the table; ``worse`` is the ratio of standard errors."""
    ratio = f"{cpu / ours:8.1f}" if ours else " " * 8
    scaled = f"{cpu * worse**2 / ours:8.1f}" if ours else " " * 8
    shown = f"{wall:9.2f}" if wall is not None else " " * 9
    memory = f"{peak:8.0f}" if peak is not None else " " * 8
    print(f"  {what:52s} {cpu:10.2f} {shown} {ratio} {scaled} {memory}  {note}", flush=True)


def ours(bench: Bench, what: str, task: str, cores: int) -> float:
    one = bench.run(task)
    row(f"caloris, {what}", one["cpu"], one["wall"], None, peak=one["peak"])
    if cores > 1:
        two = bench.run(task, cores=cores)
        row(f"caloris, {what}, {cores} cores", two["cpu"], two["wall"], None, peak=two["peak"])
    return one["cpu"]


def peer(bench: Bench, what: str, task: str, mine: float, some: tuple[int, int] | None, worse: float = 1.0, **options):
    if some is None:
        found = bench.run(task, **options)
        row(what, found["cpu"], found["wall"], mine, worse=worse, peak=found["peak"])
    else:
        cpu, note = bench.extrapolated(task, some, **options)
        row(what, cpu, None, mine, worse=worse, note=note)


def speed(bench: Bench, some: tuple[int, int] | None, errors: Errors, only: set[str], cores: int) -> None:
    case = bench.case
    size = f"{case.atoms} atoms, {case.frames} frames, {case.lags} lags"
    print(f"\n{size}, {len(case.vectors)} vectors in {len(case.vectors.Q)} shells")
    print(f"  {'':52s} {'CPU s':>10s} {'wall s':>9s} {'ratio':>8s} {'at equal':>8s} {'peak':>8s}")
    print(f"  {'':52s} {'':>10s} {'':>9s} {'':>8s} {'error':>8s} {'MB':>8s}")
    few = f"dynasor, {ORIGINS} time origins"
    more = some and (10 * some[0], 10 * some[1])
    if "convert" in only:
        mine = ours(bench, "converting the text dump", "caloris_convert", cores)
        peer(bench, "MDANSE, converting the text dump", "mdanse_convert", mine, None)
    if not case.mdt.exists():
        bench.run("mdanse_convert")
    if "incoherent" in only:
        powder = ours(bench, "incoherent, powder average, any Q", "caloris_powder", cores)
        peer(bench, "MDANSE, incoherent, vectors", "mdanse_incoherent", powder, some, errors["MDANSE"])
        peer(bench, f"{few}, both", "dynasor_incoherent", powder, None, errors["dynasor"], origins=ORIGINS)
        mine = ours(bench, "incoherent, the same vectors", "caloris_incoherent", cores)
        peer(bench, "MDANSE, incoherent, the same vectors", "mdanse_incoherent", mine, some, errors["MDANSE"])
        peer(bench, f"{few}, both", "dynasor_incoherent", mine, None, errors["dynasor"], origins=ORIGINS)
        print("  (both: dynasor has no incoherent scattering without the coherent)")
    if "coherent" in only:
        mine = ours(bench, "coherent", "caloris_coherent", cores)
        peer(bench, "MDANSE, coherent", "mdanse_coherent", mine, more, errors["MDANSE, coherent"])
        worse = errors["dynasor, coherent"]
        peer(bench, f"{few}, coherent", "dynasor_coherent", mine, None, worse, origins=ORIGINS)
        peer(bench, "dynasor, all time origins, coherent", "dynasor_coherent", mine, None)
    if "msd" in only:
        mine = ours(bench, "mean square displacement", "caloris_msd", cores)
        peer(bench, "MDANSE, mean square displacement", "mdanse_msd", mine, more, errors["MDANSE"])
    if "kernel" in only:
        kernels(bench, 300)


def kernels(bench: Bench, atoms: int) -> None:
    """Arithmetic alone, positions in memory: time for one phase."""
    case = bench.case
    number = atoms * len(case.vectors)
    pairs = sum(case.frames - m for m in range(case.lags))
    print(f"\nKernels alone, {atoms} atoms, {len(case.vectors)} vectors: ns for each atom and vector and ...")
    for name, per, count in [
        ("dynasor_kernel_incoherent", "lag and time origin", case.lags),
        ("caloris_kernel_incoherent", "lag and time origin", pairs),
        ("dynasor_kernel_density", "frame", 20),
        ("caloris_kernel_density", "frame", 20),
    ]:
        found = bench.run(name, atoms)
        print(f"  {name.replace('_kernel_', ', '):52s} {1e9 * found['cpu'] / (number * count):10.4f}  {per}")


def density_of_states(folder: Path, cells: int, frames: int, cores: int) -> None:
    """On a box of its own, because MDANSE needs a dump with velocities."""
    bench = Bench(folder, cells, frames, velocities=True)
    bench.prepare()
    bench.run("mdanse_convert")
    mine = ours(bench, f"density of states, {bench.case.atoms} atoms", "caloris_dos", cores)
    peer(bench, f"MDANSE, density of states, {bench.case.atoms} atoms", "mdanse_dos", mine, None)
    for name in ("caloris_dos", "mdanse_dos"):
        found = bench.run(name)["found"]
        inside = (found["energy"] > 2) & (found["energy"] < 80)
        exact = broadened(bench.case.synthetic, found["energy"][inside])
        error = np.sqrt(np.mean((found["curve"][inside] - exact) ** 2))
        print(
            f"  {name}: rms from the closed form, with the resolution, {error:.1e} of at most {exact.max():.2f} 1/meV"
        )


def broadened(synthetic: SyntheticTrajectory, energy: np.ndarray) -> np.ndarray:
    """The closed form with a resolution of 1 meV (full width at half maximum)."""
    fine = np.arange(0.0, 120.0, 0.02)
    exact = synthetic.density_of_states(None, sc.array(dims=["energy_transfer"], values=fine, unit="meV")).values
    weights = np.exp(-4 * math.log(2) * (energy[:, None] - fine) ** 2)
    return (weights @ exact) / weights.sum(axis=1)


def scaling(bench: Bench) -> None:
    """Exponents of the cost of caloris in atoms and frames."""
    print("\nCost of caloris by size: log2 of the CPU for twice the atoms, twice the frames (powder, vectors, msd)")
    for task in ("caloris_powder", "caloris_incoherent", "caloris_coherent", "caloris_msd"):
        whole = bench.run(task)["cpu"]
        fewer = bench.run(task, bench.case.atoms // 2)["cpu"]
        short = Bench(bench.folder, bench.cells, bench.frames // 2)
        if not short.case.dump.exists():
            short.prepare()
        sooner = short.run(task)["cpu"]
        print(f"  {task:20s} atoms {math.log2(whole / fewer):.2f}   frames {math.log2(whole / sooner):.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="peers on all atoms: hours")
    parser.add_argument("--cells", type=int, default=10)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--atoms", type=int, nargs=2, default=(30, 60), help="on how many peers are extrapolated from")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=WORDS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(json.loads(given.measure))))
        return
    some = None if given.full else tuple(given.atoms)
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        run(given, folder, some)


def run(given: argparse.Namespace, folder: Path, some: tuple[int, int] | None) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    only = set(given.only or WORDS)
    if "agreement" in only:
        agreement(folder)
    bench = Bench(folder, given.cells, given.frames)
    if only & {"convert", "incoherent", "coherent", "msd", "kernel", "scaling"}:
        bench.prepare()
        speed(bench, some, statistics(given.seeds), only, cores)
    if "dos" in only:
        density_of_states(folder, 4, max(given.frames, 800), cores)
    if "scaling" in only:
        scaling(bench)


if __name__ == "__main__":
    main()
