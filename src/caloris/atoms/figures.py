"""Figures of simulations."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from caloris.atoms.hysteresis import HysteresisLoop
    from caloris.atoms.run_length import Convergence
    from caloris.atoms.simulation import Simulation

_LINE = "#1f6f8b"
_MEAN = "#c1462f"
_LEFT_OUT = "#dddddd"


def plot_simulation(simulation: "Simulation") -> "Figure":
    """Draw temperature, volume and enthalpy of a simulation over time, what was left out greyed.

    Parameters
    ----------
    simulation:
        The simulation.

    Returns
    -------
    :
        A matplotlib figure.
    """
    from matplotlib.figure import Figure

    observables = simulation.trajectory.observables
    time = observables.coords["time"].values
    figure = Figure(figsize=(7, 6.5), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True)
    for axes, name, label in zip(
        panels, ("temperature", "volume", "enthalpy"), ("T (K)", "V (Å³)", "enthalpy (eV)"), strict=True
    ):
        _draw(axes, time, observables[name].values)
        mean = simulation.averages.get(name)
        if mean is not None and mean.variance is not None:
            axes.axhline(mean.value, color=_MEAN, lw=1.2)
            axes.axhspan(
                mean.value - mean.variance**0.5, mean.value + mean.variance**0.5, color=_MEAN, alpha=0.25, lw=0
            )
        axes.axvspan(time[0], time[0] + simulation.equilibration.value, color=_LEFT_OUT, lw=0, zorder=0)
        axes.set_ylabel(label)
    held = simulation.inputs["conditions"]
    panels[0].set_title(
        f"{simulation.inputs['force_field']['name']}, {held['temperature']:g} K, {held['pressure']:g} MPa, "
        f"{simulation.inputs['engine']}",
        fontsize=10,
    )
    panels[-1].set_xlabel("time (ps); grey: left out as equilibration; red: mean with standard error")
    panels[-1].set_xlim(time[0], time[-1])
    return figure


def _draw(axes: "Axes", time: np.ndarray, values: np.ndarray) -> None:
    """The values pale, their running mean over a hundredth of the run on top."""
    width = max(1, len(values) // 100)
    axes.plot(time, values, color=_LINE, lw=0.5, alpha=0.35)
    if width > 1:
        smooth = np.convolve(values, np.ones(width) / width, mode="valid")
        axes.plot(time[width - 1 :] - (time[width - 1] - time[0]) / 2, smooth, color=_LINE, lw=1.2)
    axes.margins(x=0)
    # the heating up of the first moments must not flatten the rest
    low, high = np.percentile(values, [1.0, 99.0])
    margin = 0.4 * (high - low) or 1e-3 * abs(high) or 1.0
    axes.set_ylim(low - margin, high + margin)


def plot_hysteresis(loop: "HysteresisLoop") -> "Figure":
    """Draw the volume over temperature on heating and cooling.

    Parameters
    ----------
    loop:
        The loop.

    Returns
    -------
    :
        A matplotlib figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 4.5), layout="constrained")
    axes = figure.subplots()
    for branch, color in ((loop.heating, _MEAN), (loop.cooling, _LINE)):
        edges = branch.volume.coords["temperature"].values
        centres = (edges[1:] + edges[:-1]) / 2
        axes.errorbar(
            centres,
            branch.volume.values,
            np.sqrt(branch.volume.variances),
            fmt="o",
            ms=3,
            lw=0.8,
            color=color,
            label=branch.direction,
        )
        if branch.transition_temperature is not None:
            axes.axvline(branch.transition_temperature.value, color=color, lw=0.8, ls="--")
    axes.set_xlabel("T (K)")
    axes.set_ylabel("V (Å³)")
    axes.set_title(f"{loop.rate.value:g} K/ns, {loop.pressure.value:g} MPa; dashed: middle of the step", fontsize=10)
    axes.legend(frameon=False)
    return figure


def plot_convergence(found: "Convergence") -> "Figure":
    """Draw the means of a simulation over its length, with their standard errors.

    Parameters
    ----------
    found:
        The means.

    Returns
    -------
    :
        A matplotlib figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 2.0 * len(found.means) + 0.6), layout="constrained")
    panels = np.atleast_1d(figure.subplots(len(found.means), 1, sharex=True))
    for axes, (name, mean) in zip(panels, found.means.items(), strict=True):
        last = float(mean.values[-1])
        scale = abs(found.scales[name])
        deviation = 100 * (mean.values - last) / scale
        error = 100 * np.sqrt(mean.variances) / scale
        axes.errorbar(mean.coords["time"].values, deviation, error, fmt="o-", ms=4, lw=1, color=_LINE)
        axes.axhspan(-100 * found.tolerance, 100 * found.tolerance, color=_LEFT_OUT, lw=0, zorder=0)
        axes.set_ylabel(f"{name.replace('_', ' ')} (%)")
        axes.set_xscale("log")
    panels[0].set_title(f"{found.name}: mean over the first part, against the mean over all", fontsize=10)
    panels[-1].set_xlabel(f"length (ps); grey: ± {100 * found.tolerance:g} %")
    return figure
