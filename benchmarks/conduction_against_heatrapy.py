"""Linear heat conduction in a bar, next to heatrapy 2.1.1 (the ``bench`` extra): accuracy first, then speed.

A bar of length 2 H at 300 K; both ends jump to 310 K. Exact solution, z from the middle, l_n = (2 n + 1) pi / (2 H):

    (T - T_end)/(T_0 - T_end) = sum_n 4 (-1)^n / ((2 n + 1) pi) exp(-l_n^2 alpha t) cos(l_n z)

Same material, same spacing dx, same time step dt = 0.4 dx^2 / alpha (heatrapy's explicit solver bears no more), no
phase change, one thread, one process. Both codes take Crank-Nicolson steps, heatrapy also explicit ones.

What is alike and what is not:

- heatrapy solves the whole bar with both ends at a fixed temperature (its insulated end lags by one step, which
  would cost it accuracy). caloris has a mirror plane at half height and solves half of it. Cell-steps count the
  cells that each code really solves, so the mirror plane earns caloris nothing here.
- caloris has no 1-D mesh: the bar is one row of quadrilaterals, two unknowns per cell.
- heatrapy looks up k, c and rho of every node in every step, as temperature tables; caloris has constants.
- "caloris, conduction system" is the linear problem itself: assembled once, factored once, one solve per step.
  "caloris, full battery step" is the step of a battery, with the enthalpy method, Newton's method and a new
  factorisation in every iteration, although nothing transforms here; heatrapy has no counterpart of it.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is imported
os.environ["OMP_NUM_THREADS"] = "1"

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
import numpy as np
from scipy.sparse.linalg import splu

from caloris.heat import Battery, Geometry
from caloris.heat.battery.march import Marcher

mpl.use("Agg")

HALF = 5e-3  # m
DENSITY, CAPACITY, CONDUCTIVITY = 1305.0, 1590.0, 0.5  # kg/m3, J/(kg K), W/(m K): the card of NH4SCN
DIFFUSIVITY = CONDUCTIVITY / (DENSITY * CAPACITY)
START, END = 300.0, 310.0  # K; NH4SCN transforms from 335 K on
COURANT = 0.4
CHECKED_CELLS, CHECKED_FOURIER = 25, 0.2
SPEED_CELLS = (25, 100, 400)
SPEED_SECONDS = 1.0

Profile = tuple[np.ndarray, np.ndarray]
Solver = Callable[[int, int], tuple[Profile, float, int]]
"""(cells on half the bar, steps) -> (distance from the middle and temperature), CPU seconds, cells solved."""


def spacing(cells: int) -> tuple[float, float]:
    """dx and dt of a mesh."""
    dx = HALF / cells
    return dx, COURANT * dx**2 / DIFFUSIVITY


def exact(z: np.ndarray, t: float) -> np.ndarray:
    n = np.arange(60)[:, None]
    wave = (2 * n + 1) * np.pi / (2 * HALF)
    terms = 4 * (-1.0) ** n / ((2 * n + 1) * np.pi) * np.exp(-(wave**2) * DIFFUSIVITY * t) * np.cos(wave * z)
    return END + (START - END) * terms.sum(axis=0)


def heatrapy_bar(scheme: str) -> Solver:
    import heatrapy

    def solve(cells: int, steps: int) -> tuple[Profile, float, int]:
        dx, dt = spacing(cells)
        with tempfile.TemporaryDirectory() as folder:
            material = Path(folder) / "salt"
            material.mkdir()
            tables = {"cp": CAPACITY, "k": CONDUCTIVITY, "rho": DENSITY}
            for name, value in tables.items():
                for state in ("0", "a"):  # without and with field
                    (material / f"{name}{state}.txt").write_text(f"200 {value}\n400 {value}\n")
            for name in ("tadi", "tadd"):
                (material / f"{name}.txt").write_text("200 0\n400 0\n")
            for name in ("lheat0", "lheata"):
                (material / f"{name}.txt").write_text("")
            bar = heatrapy.SingleObject1D(
                START,
                materials=("salt",),
                borders=(1, 2 * cells),  # nodes 1 ... 2 cells - 1 inside, 0 and 2 cells on the ends
                dx=dx,
                dt=dt,
                boundaries=(END, END),
                materials_path=f"{folder}/",
                draw=[],
            )
        for end in (0, -1):  # its first step would still see the start temperature there
            bar.object.temperature[end] = [END, END]
        begin = time.process_time()
        bar.compute((steps + 0.5) * dt, steps + 1, solver=scheme, verbose=False)
        seconds = time.process_time() - begin
        T = np.array([node[0] for node in bar.object.temperature])
        return (np.abs(np.arange(T.size) - cells) * dx, T), seconds, 2 * cells

    return solve


def _battery(cells: int) -> Battery:
    geometry = Geometry(radius=f"{HALF / cells:.15g} m", height=f"{2 * HALF} m", wall="0 mm", contact="ends", cells=1)
    return Battery("NH4SCN", geometry=geometry, contact_conductance="perfect")


def caloris_system(cells: int, steps: int) -> tuple[Profile, float, int]:
    """Crank-Nicolson on the assembled system, factored once."""
    _, dt = spacing(cells)
    system = _battery(cells).system()
    assert system.n_pellet == 2 * (cells + 1)
    free = system.free
    mass = CAPACITY * system.mass[free][:, free]
    stiffness = system.stiffness[free][:, free]
    rise = np.full(free.size, START - END)
    rise[system.contact] = 0.0  # the ends begin at their temperature, as in heatrapy
    begin = time.process_time()
    factor = splu((mass + 0.5 * dt * stiffness).tocsc())
    right = (mass - 0.5 * dt * stiffness).tocsr()
    for _ in range(steps):
        rise = factor.solve(right @ rise)
    seconds = time.process_time() - begin
    return (system.points[1], rise + END), seconds, cells


def caloris_marcher(cells: int, steps: int) -> tuple[Profile, float, int]:
    """The step of a battery, Crank-Nicolson."""
    _, dt = spacing(cells)
    battery = _battery(cells)
    marcher = Marcher(battery.system(), battery.transition_model)
    pressure = 1e5
    state = replace(marcher.initial(START, pressure), wall=END)
    state.temperature[marcher.system.contact] = END
    guess = None
    begin = time.process_time()
    for _ in range(steps):
        step = marcher.advance(state, dt, pressure, END, guess, theta=0.5)
        assert step is not None
        state, guess = step.state, step.heat_rate * dt
    seconds = time.process_time() - begin
    return (marcher.system.points[1, : marcher.system.n_pellet], state.temperature), seconds, cells


def error(solver: Solver) -> float:
    """Largest deviation from the exact profile, as a part of the jump."""
    _, dt = spacing(CHECKED_CELLS)
    steps = round(CHECKED_FOURIER * HALF**2 / DIFFUSIVITY / dt)
    (z, T), _, _ = solver(CHECKED_CELLS, steps)
    return float(np.abs(T - exact(z, steps * dt)).max()) / (END - START)


def rate(solver: Solver, cells: int) -> float:
    """Cell-steps per CPU second, the best of three runs of about a second each."""
    steps, best = 4, 0.0
    for _ in range(3):
        _, seconds, solved = solver(cells, steps)
        while seconds < 0.3 * SPEED_SECONDS:
            steps = max(2 * steps, int(steps * SPEED_SECONDS / max(seconds, 1e-3)))
            _, seconds, solved = solver(cells, steps)
        best = max(best, solved * steps / seconds)
    return best


def main() -> None:
    try:
        found = version("heatrapy")
    except ModuleNotFoundError:
        sys.exit("heatrapy is not installed: pip install 'caloris[bench]'")
    solvers: dict[str, Solver] = {
        f"heatrapy {found}, explicit": heatrapy_bar("explicit_k(x)"),
        f"heatrapy {found}, Crank-Nicolson": heatrapy_bar("implicit_k(x)"),
        "caloris, conduction system": caloris_system,
        "caloris, full battery step": caloris_marcher,
    }
    print(f"largest error against the series, {CHECKED_CELLS} cells on half the bar, Fo = {CHECKED_FOURIER}")
    for name, solver in solvers.items():
        print(f"  {name:34s} {error(solver):9.1e}", flush=True)
    print("\nthousand cell-steps per CPU second, cells on half the bar")
    print(f"  {'':34s}" + "".join(f"{cells:10d}" for cells in SPEED_CELLS))
    rates: dict[str, list[float]] = {}
    for name, solver in solvers.items():
        rates[name] = [rate(solver, cells) for cells in SPEED_CELLS]
        print(f"  {name:34s}" + "".join(f"{value / 1e3:10.1f}" for value in rates[name]), flush=True)
    peer = np.max([values for name, values in rates.items() if name.startswith("heatrapy")], axis=0)
    print("\ntimes the better of heatrapy's two solvers")
    for name, values in rates.items():
        if name.startswith("caloris"):
            print(f"  {name:34s}" + "".join(f"{value:10.1f}" for value in np.array(values) / peer))


if __name__ == "__main__":
    main()
