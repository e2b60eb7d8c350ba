"""Figures of a simulated effect; each returns a ``matplotlib.figure.Figure`` made without pyplot."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from caloris.heat.figures import COLD, HOT, INK, QUIET, SEQUENCE
from caloris.heat.processes import Process, entropy_difference, temperature_difference, usable
from caloris.heat.simulated.assignment import Assigned
from caloris.heat.simulated.numbers import grids_of
from caloris.heat.simulated.table import own_branch
from caloris.heat.two_phase import Array

if TYPE_CHECKING:
    from caloris.heat.simulated.result import SimulationResult

_STYLES = {"heating": (HOT, "^"), "cooling": (COLD, "v"), "equilibrium": (INK, "o")}
_FILLS = {"heating": True, "cooling": False, "equilibrium": True}


def isobars_figure(result: "SimulationResult") -> Figure:
    """Draw V(T) and H(T) of every isobar with the fits of both phases, T_t marked.

    Parameters
    ----------
    result:
        Of :func:`caloris.heat.simulated.analyse`.

    Returns
    -------
    :
        Two panels; of the enthalpy one straight line in T is taken off, so that its step shows.
    """
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    axes = figure.subplots(1, 2)
    low = result.surfaces.low
    slope = float(low.heat_capacity.at(low.volume.centre))
    T_0 = result.surfaces.anchor
    for entry in result.model.entries:
        p = entry.bar.pressure
        colour = _colour(result, p)
        T = entry.bar.temperature
        face = colour if _FILLS[entry.bar.history] else "none"
        options = {
            "fmt": _STYLES[entry.bar.history][1],
            "color": colour,
            "mfc": face,
            "ms": 4,
            "lw": 0.8,
            "capsize": 1.5,
        }
        axes[0].errorbar(T, entry.bar.volume * 1e6, yerr=entry.bar.volume_error * 1e6, **options)
        excess = _excess(entry.bar.enthalpy, T, p, slope, T_0, result)
        axes[1].errorbar(T, excess / 1e3, yerr=entry.bar.enthalpy_error / 1e3, **options)
        _draw_fits(axes, entry, result, colour, slope)
    for p in result.table.pressures:
        axes[0].plot([], [], color=_colour(result, float(p)), lw=2, label=f"{p / 1e6:g} MPa")
    for history in result.table.histories if len(result.table.histories) > 1 else ():
        face = INK if _FILLS[history] else "none"
        axes[0].plot([], [], _STYLES[history][1], color=INK, mfc=face, ms=4, label=history)
    axes[0].plot([], [], color=QUIET, ls=":", lw=1, label="T_t, half transformed")
    axes[0].set(xlabel="Temperature (K)", ylabel="Specific volume (mm³/g)")
    axes[1].set(
        xlabel="Temperature (K)",
        ylabel=f"H less flow work, less {slope / 1e3:.3g} kJ/(kg K) (T − {T_0:.0f} K)  (kJ/kg)",
    )
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", fontsize=8, frameon=False)
    return _finish(figure)


def _colour(result: "SimulationResult", p: float) -> tuple[float, ...]:
    pressures = result.table.pressures
    return SEQUENCE(0.85 * int(np.argmin(np.abs(pressures - p))) / max(1, len(pressures) - 1))


def _excess(H: Array, T: Array, p: float, slope: float, T_0: float, result: "SimulationResult") -> Array:
    """Enthalpy less what the low phase has at T_0 and a straight line."""
    low = result.surfaces.low
    base = float(low.enthalpy_shape(T_0, p)) + float(np.mean([constant for constant, _ in low.constants.values()]))
    return np.asarray(H - base - slope * (T - T_0))


def _draw_fits(axes: "np.ndarray", entry: Assigned, result: "SimulationResult", colour: object, slope: float) -> None:
    p, T_0 = entry.bar.pressure, result.surfaces.anchor
    phases = (result.surfaces.low, result.surfaces.high)
    for phase, part in zip(phases, entry.parts, strict=True):
        own = entry.bar.temperature[part]
        if not len(own) or p not in phase.constants:
            continue
        T = np.linspace(own[0], own[-1], 60)
        if entry.place is not None:
            T_t = entry.place.temperature
            T = np.linspace(min(own[0], T_t), max(own[-1], T_t), 60)
        axes[0].plot(T, phase.volume.volume(T, p) * 1e6, color=colour, lw=1.1)
        excess = _excess(phase.enthalpy(T, p), T, p, slope, T_0, result)
        axes[1].plot(T, excess / 1e3, color=colour, lw=1.1)
    if entry.place is None:
        return
    T_t = entry.place.temperature
    volumes = [float(phase.volume.volume(T_t, p)) * 1e6 for phase in phases]
    heats = [float(_excess(phase.enthalpy(T_t, p), np.array(T_t), p, slope, T_0, result)) / 1e3 for phase in phases]
    for axis, pair in zip(axes, (volumes, heats), strict=True):
        axis.plot([T_t, T_t], pair, color=colour, ls=":", lw=1.2)


def simulation_figure(result: "SimulationResult") -> Figure:
    """Draw phase diagram, entropy change by both routes, what a cycle can use, and temperature change.

    Parameters
    ----------
    result:
        Of :func:`caloris.heat.simulated.analyse`.

    Returns
    -------
    :
        Four panels.
    """
    figure = Figure(figsize=(11.5, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    _draw_phase_diagram(axes[0, 0], result)
    process: Process = "compression"
    _draw_curves(axes[0, 1], result, "entropy", process)
    _draw_indirect(axes[0, 1], result, process)
    _draw_curves(axes[1, 0], result, "entropy", "reversible")
    _draw_curves(axes[1, 1], result, "temperature", process)
    if any("classical" in line for line in result.assumed):
        axes[1, 1].text(
            0.02,
            0.02,
            "classical heat capacities: |dT| understated",
            transform=axes[1, 1].transAxes,
            fontsize=7,
            color=INK,
        )
    return _finish(figure)


def _draw_phase_diagram(axis: Axes, result: "SimulationResult") -> None:
    top = result.table.pressures[-1] / 1e6
    for history in result.table.histories:
        colour, marker = _STYLES[history]
        branch = own_branch(history)
        for row in result.transitions:
            if row.history != history:
                continue
            p = row.pressure.value
            if row.interval is not None:
                axis.plot([p, p], row.interval, color=colour, lw=1.0)
                axis.plot([p], [row.temperature.value], marker, color=colour, ms=5)
        for entry in result.model.entries:
            if entry.bar.history == history and entry.where in ("above the grid", "below the grid"):
                above = entry.where == "above the grid"
                T = entry.bar.temperature[-1 if above else 0]
                arrow = r"$\uparrow$" if above else r"$\downarrow$"
                axis.plot([entry.bar.pressure / 1e6], [T], marker=arrow, color=colour, ms=9)
        p = np.linspace(result.surfaces.pressure / 1e6, top, 60)
        found = result.model.branches[history]
        slope = result.headline[f"slope, {history}"]
        axis.plot(
            p,
            result.surfaces.transition_temperature(p * 1e6, branch),
            color=colour,
            lw=1.2,
            label=f"{history} ({found.kind}): {slope.plus_minus}",
        )
        if len(found.draws) > 1:
            lines = np.array([found.drawn(k).temperature(p * 1e6) for k in range(1, len(found.draws))])
            axis.fill_between(p, *np.percentile(lines, [16, 84], axis=0), color=colour, alpha=0.2, lw=0)
    axis.set(xlabel="Pressure (MPa)", ylabel="Transition temperature (K)")
    axis.set_title("Phase diagram (bars: interval of the grid)", fontsize=10, color=INK)
    axis.legend(fontsize=8, frameon=False)


def _draw_curves(axis: Axes, result: "SimulationResult", quantity: str, process: Process) -> None:
    surfaces, p_0 = result.surfaces, result.surfaces.pressure
    for p, grid in grids_of(surfaces, result.table.pressures).items():
        colour = _colour(result, p)
        T = np.unique(np.concatenate([grid, np.linspace(grid[0], grid[-1], 6 * len(grid))]))
        difference = entropy_difference if quantity == "entropy" else temperature_difference
        values = difference(surfaces, T, p, p_0, process)
        if process == "reversible":
            values = usable(surfaces, T, p, p_0, values, quantity)  # type: ignore[arg-type]
        axis.plot(T, values, color=colour, lw=1.4, label=f"{p / 1e6:g} MPa")
        band = result.band(quantity, p, process)
        if band is not None:
            axis.fill_between(*band, color=colour, alpha=0.2, lw=0)
    axis.axhline(0, color=QUIET, lw=0.6)
    name = "Isothermal entropy change" if quantity == "entropy" else "Adiabatic temperature change"
    axis.set(xlabel="Temperature (K)", ylabel=f"{name} ({'J/(kg K)' if quantity == 'entropy' else 'K'})")
    label = result.label(process)
    words = label if process != "reversible" else ("a cycle can use this" if label == "reversible" else label)
    axis.set_title(f"{name}, {process}: {words}", fontsize=10, color=INK)
    axis.legend(fontsize=7, frameon=False, title="bands: 68 %" if result.drawn else None, title_fontsize=7)


def _draw_indirect(axis: Axes, result: "SimulationResult", process: Process) -> None:
    """Maxwell on the grid at the highest pressure, on the branch of the process; bars: volumes and grid together."""
    from caloris.heat.processes import families

    branch = families(result.surfaces, process)[0]
    history = branch if branch in result.indirect else next(iter(result.indirect), None)
    if history is None:
        return
    route = result.indirect[history]
    values = route.entropy_change.values[-1]
    variances = route.entropy_change.variances
    error = np.hypot(route.discretisation.values[-1], 0 if variances is None else np.sqrt(variances[-1]))
    p = float(route.entropy_change.coords["pressure"].values[-1])
    T = route.entropy_change.coords["temperature"].values
    axis.errorbar(
        T,
        values,
        yerr=error,
        fmt="s",
        ms=3,
        lw=0.7,
        capsize=1.5,
        color=INK,
        mfc="none",
        label=f"Maxwell on the grid, {p:g} MPa",
    )
    axis.legend(fontsize=7, frameon=False, title="bands: 68 %" if result.drawn else None, title_fontsize=7)


def _finish(figure: Figure) -> Figure:
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.xaxis.label.set_fontsize(9)
        axis.yaxis.label.set_fontsize(9)
    return figure
