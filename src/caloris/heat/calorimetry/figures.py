"""Figures of a pressure series; each returns a ``matplotlib.figure.Figure`` made without pyplot."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from caloris.heat.calorimetry.headline import curve_grid, curves_of
from caloris.heat.figures import COLD, HOT, INK, QUIET, SEQUENCE
from caloris.heat.processes import Process
from caloris.heat.two_phase import Branch

if TYPE_CHECKING:
    from caloris.heat.calorimetry.pressurisation import Pressurisation
    from caloris.heat.calorimetry.result import CalorimetryResult

_MOST_POINTS = 4000


def scans_figure(result: "CalorimetryResult") -> Figure:
    """Draw the heat per kelvin of every scan with its baseline and limits; heating left, cooling right.

    Parameters
    ----------
    result:
        Of :func:`caloris.heat.calorimetry.analyse`.

    Returns
    -------
    :
        Two panels, or one where only one branch was measured.
    """
    directions = sorted({peak.scan.direction for peak in result.peaks}, reverse=True)
    figure = Figure(figsize=(5.5 * len(directions), 3.8), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(directions), sharey=True))
    for axis, direction in zip(axes, directions, strict=True):
        peaks = [peak for peak in result.peaks if peak.scan.direction == direction]
        for number, peak in enumerate(peaks):
            scan = peak.scan
            colour = SEQUENCE(0.85 * number / max(1, len(peaks) - 1))
            step = max(1, len(scan.time) // _MOST_POINTS)
            # without a blank run the level is the calorimeter's own: only what rises above the baseline means anything
            middle = peak.integral.baseline[0][len(peak.integral.baseline[0]) // 2]
            level = 0.0 if scan.blank_subtracted else middle
            flow = (scan.heat_flow - level) / scan.rate / 1e3
            axis.plot(
                scan.temperature[::step], flow[::step], color=colour, lw=1.1, label=f"{scan.pressure / 1e6:g} MPa"
            )
            part = slice(peak.window.first, peak.window.last + 1)
            axis.plot(
                scan.temperature[part],
                (peak.integral.baseline[0] - level) / scan.rate / 1e3,
                color=HOT,
                lw=0.9,
                ls="--",
            )
        axis.set(title=f"on {direction}", xlabel="Temperature (K)")
        axis.legend(fontsize=7, frameon=False, ncols=1 + len(peaks) // 7)
    blank = all(peak.scan.blank_subtracted for peak in result.peaks)
    words = "empty cell subtracted" if blank else "above the level of the baseline"
    axes[0].set_ylabel("Heat per kelvin (kJ/(kg K))")
    figure.suptitle(f"{words}; positive: heat taken up on heating, given off on cooling", fontsize=9, color=INK)
    return figure


def calorimetry_figure(result: "CalorimetryResult") -> Figure:
    """Draw scans, phase diagram, entropy and temperature change of a pressure series.

    Parameters
    ----------
    result:
        Of :func:`caloris.heat.calorimetry.analyse`.

    Returns
    -------
    :
        Four panels; with one pressure the scans alone.
    """
    if result.surfaces is None:
        return scans_figure(result)
    figure = Figure(figsize=(11, 7.6), layout="constrained")
    axes = figure.subplots(2, 2)
    _draw_phase_diagram(axes[0, 0], result)
    _draw_curves(axes[0, 1], result, "entropy", "compression")
    _draw_curves(axes[1, 0], result, "entropy", "reversible")
    if result.surfaces.heat_capacity is None:
        _draw_curves(axes[1, 1], result, "entropy", "decompression")
    else:
        _draw_curves(axes[1, 1], result, "temperature", "compression")
    return figure


def _draw_phase_diagram(axis: Axes, result: "CalorimetryResult") -> None:
    surfaces = result.surfaces
    assert surfaces is not None
    styles: tuple[tuple[Branch, str, str], ...] = (("heating", HOT, "^"), ("cooling", COLD, "v"))
    for branch, colour, marker in styles:
        rows = [row for row in result.transitions if row.direction == branch]
        if not rows:
            continue
        p = np.array([row.pressure.value for row in rows])
        T = np.array([row.temperature.value for row in rows])
        error = np.nan_to_num([row.temperature.error for row in rows])
        slope = result.headline[f"slope, {branch}"]
        axis.errorbar(p, T, yerr=error, fmt=marker, color=colour, ms=5, capsize=2, lw=0.9)
        line = np.linspace(0, 1.05 * p.max(), 50)
        label = f"{branch}: {slope.plus_minus}"
        axis.plot(line, surfaces.lines[branch].temperature(line * 1e6), color=colour, lw=1.2, label=label)
    axis.set(
        xlabel="Pressure (MPa)",
        ylabel=f"Transition temperature (K), {result.ingredients.definition}",
        title="Phase diagram",
    )
    axis.legend(fontsize=8, frameon=False)


def _draw_curves(axis: Axes, result: "CalorimetryResult", quantity: str, process: Process) -> None:
    surfaces = result.surfaces
    assert surfaces is not None
    pressures = result.pressures
    for number, p in enumerate(pressures):
        colour = SEQUENCE(0.85 * number / max(1, len(pressures) - 1))
        T = curve_grid(surfaces, float(p))
        fine = np.unique(np.concatenate([T, np.linspace(T[0], T[-1], 4 * len(T))]))
        values = curves_of(surfaces, fine, float(p))[quantity, process]
        axis.plot(fine, values, color=colour, lw=1.4, label=f"{p / 1e6:g} MPa")
        band = result.band(quantity, float(p), process)
        if band is not None:
            axis.fill_between(*band, color=colour, alpha=0.22, lw=0)
    axis.axhline(0, color=QUIET, lw=0.6)
    usable = "a cycle can use this" if result.label(process) == "reversible" else result.label(process)
    words = usable if process == "reversible" else f"on {process}: one-branch"
    name = "Isothermal entropy change" if quantity == "entropy" else "Adiabatic temperature change"
    unit = "J/(kg K)" if quantity == "entropy" else "K"
    axis.set(xlabel="Temperature (K)", ylabel=f"{name} ({unit})")
    axis.set_title(
        f"{name}, {process}: {words}" if process == "reversible" else f"{name} {words}", fontsize=10, color=INK
    )
    axis.legend(fontsize=7, frameon=False, title="bands: 68 %" if result.draws else None, title_fontsize=7)


def pressurisation_figure(run: "Pressurisation") -> Figure:
    """Draw the heat flow of a pressurisation run over time, its strokes filled; below it the temperature and pressure.

    Parameters
    ----------
    run:
        Of :func:`caloris.heat.calorimetry.pressurisation`.

    Returns
    -------
    :
        Two or three panels.
    """
    coords = run.heat_flow.coords
    has_pressure = "pressure" in coords
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    axes = figure.subplots(
        3 if has_pressure else 2, 1, sharex=True, height_ratios=[3, 1, 1][: 3 if has_pressure else 2]
    )
    t, q = coords["time"].values / 60, run.heat_flow.values
    axes[0].plot(t, q, color=INK, lw=1.0)
    for stroke in run.strokes:
        begin = stroke.start.value / 60
        end = begin + stroke.duration.value / 60
        inside = (t >= begin) & (t <= end)
        base = np.interp(t[inside], [begin, end], np.interp([begin, end], t, q))
        colour = HOT if stroke.kind == "charge" else COLD
        axes[0].fill_between(t[inside], base, q[inside], color=colour, alpha=0.35, lw=0)
        top = q[inside][np.argmax(np.abs(q[inside] - base))]
        heat = f"{stroke.heat.value / 1e3:.1f} ± {stroke.heat.error / 1e3:.1f} J/g"
        axes[0].annotate(f"{stroke.kind}\n{heat}", (end, 0.7 * top), fontsize=8, color=INK, ha="left", va="center")
    axes[0].axhline(0, color=QUIET, lw=0.6)
    axes[0].set_ylabel("Heat flow (mW/g)\nendothermic up")
    axes[1].plot(t, coords["temperature"].values, color=INK, lw=1.2)
    axes[1].set_ylabel("Temperature\n(K)")
    if has_pressure:
        axes[2].plot(t, coords["pressure"].values, color=INK, lw=1.2)
        axes[2].set_ylabel("Pressure\n(MPa)")
    axes[-1].set_xlabel("Time (min)")
    return figure
