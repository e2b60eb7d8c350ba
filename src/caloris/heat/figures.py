"""Figures of the heat room: caloric effect, phase diagram, cycle, phase front, sweep of the contact.

Each function returns a ``matplotlib.figure.Figure`` made without pyplot, so nothing pops up and nothing is global.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.tri import Triangulation

from caloris.errors import InputError
from caloris.files import whole
from caloris.heat.battery.logistic import paper_boundary_pressure
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from caloris.heat.battery.cycle import Cycle
    from caloris.heat.caloric import CaloricEffect

HOT, COLD, INK, QUIET = "#c8442e", "#2f6fae", "#22272e", "#8a929c"
"""Heating and charge, cooling and discharge, text, everything that stays in the background."""
SEQUENCE = colormaps["viridis"]
FIELD = colormaps["RdYlBu_r"]


def caloric_figure(
    effect: "CaloricEffect", pressures: Sequence[Quantity], low_pressure: Quantity | None = None
) -> Figure:
    """Draw entropy change, adiabatic temperature change and phase diagram of an effect.

    Parameters
    ----------
    effect:
        From :func:`caloris.heat.caloric_effect`.
    pressures:
        High pressures to draw, scalars.
    low_pressure:
        Scalar; the card's reference pressure if absent.

    Returns
    -------
    :
        Three panels.

    Raises
    ------
    InputError
        If there is no pressure, or one lies outside the model.
    """
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    axes = figure.subplots(1, 3)
    if not pressures:
        raise InputError("pressures: give at least one, for example '100 MPa'")
    highest = max(pressures, key=lambda p: magnitude(p, "MPa", "pressure"))
    for axis, method, label in (
        (axes[0], effect.entropy_change, "Isothermal entropy change (J/(kg K))"),
        (axes[1], effect.temperature_change, "Adiabatic temperature change (K)"),
    ):
        for number, p in enumerate(pressures):
            curve = method(p, "compression", low_pressure=low_pressure)
            colour = SEQUENCE(0.85 * number / max(1, len(pressures) - 1))
            # the curves overlap where they saturate: thinner lines on top
            width = 3.2 - 2.2 * number / max(1, len(pressures) - 1)
            label_p = f"{magnitude(p, 'MPa', 'pressure'):g} MPa"
            axis.plot(curve.coords["temperature"].values, curve.values, color=colour, lw=width, label=label_p)
        usable = method(highest, "reversible", low_pressure=low_pressure)
        axis.fill_between(
            usable.coords["temperature"].values,
            usable.values,
            color=HOT,
            alpha=0.9,
            lw=0,
            zorder=5,
            label=f"reversible, {magnitude(highest, 'MPa', 'pressure'):g} MPa",
        )
        axis.set(xlabel="Temperature (K)", ylabel=label)
        axis.axhline(0, color=QUIET, lw=0.6)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        title="on compression (one-branch); filled: reversible",
        loc="outside lower center",
        ncols=8,
        fontsize=7,
        title_fontsize=7,
        frameon=False,
    )
    _draw_branches(axes[2], effect, 1.2 * magnitude(highest, "MPa", "pressure"))
    axes[2].legend(fontsize=7)
    return _finish(figure)


def phase_diagram_figure(effect: "CaloricEffect", cycle: "Cycle | None" = None) -> Figure:
    """Draw both branches over pressure and, if given, the path of a cycle between them.

    Parameters
    ----------
    effect:
        From :func:`caloris.heat.caloric_effect`.
    cycle:
        Its path is that of pressure and wall temperature; one made with eqs 11-12 brings their boundary instead of
        the branches.

    Returns
    -------
    :
        One panel: temperature (K) over pressure (MPa).
    """
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axis = figure.subplots()
    top = 120.0
    if cycle is not None:
        top = max(top, 1.25 * float(cycle.pressure.max().value))
    if cycle is not None and cycle.inputs["transition"] == "paper":
        wall = cycle.wall_temperature.values
        T = np.array([wall.min() - 10, wall.max() + 15])
        axis.plot(paper_boundary_pressure(T) / 1e6, T, color=HOT, lw=1.8, label="boundary of eq. 12")
        axis.set(xlabel="Pressure (MPa)", ylabel="Temperature (K)", xlim=(0, top))
    else:
        _draw_branches(axis, effect, top)
    if cycle is not None:
        p, T = cycle.pressure.values, cycle.wall_temperature.values
        axis.plot(p, T, color=INK, lw=1.8, label="cycle (wall temperature)")
        for a, b in _corners(p, T):
            axis.annotate("", xy=b, xytext=a, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.2})
    figure.legend(fontsize=8, loc="outside right upper", frameon=False)  # the path may run anywhere
    return _finish(figure)


def cycle_figure(cycle: "Cycle") -> Figure:
    """Draw heat flow, pressure, temperatures and phase fraction of a cycle over time.

    Parameters
    ----------
    cycle:
        The cycle.

    Returns
    -------
    :
        Four panels over time (min): mW/g, MPa, K and the fraction.
    """
    figure = Figure(figsize=(9, 7.2), layout="constrained")
    axes = figure.subplots(4, 1, sharex=True, height_ratios=[2.4, 1, 1.4, 1])
    minutes = cycle.heat_flow.coords["time"].values / 60
    flow = cycle.heat_flow.values
    axes[0].plot(minutes, flow, color=INK, lw=1.3)
    axes[0].margins(y=0.12)
    axes[0].fill_between(minutes, flow, where=flow > 0, color=HOT, alpha=0.35, lw=0, label="absorbed")
    axes[0].fill_between(minutes, flow, where=flow < 0, color=COLD, alpha=0.35, lw=0, label="given off")
    axes[0].axhline(0, color=QUIET, lw=0.6)
    axes[0].set_ylabel("Heat flow (mW/g)\nendothermic up")
    axes[0].legend(loc="upper right", fontsize=8)
    for step in cycle.steps:
        kind = step.words.split()[0]
        for axis in axes:
            axis.axvline(step.start / 60, color=QUIET, lw=0.5, ls=":")
        if kind in ("Press", "Release"):
            sign = 1 if kind == "Press" else -1
            axes[0].annotate(
                kind.lower(),
                xy=(step.start / 60, 0),
                xytext=(step.start / 60, -sign * 0.22 * np.ptp(flow)),
                ha="center",
                fontsize=8,
                arrowprops={"arrowstyle": "-|>", "color": INK},
            )
    axes[1].plot(minutes, cycle.pressure.values, color=INK, lw=1.3)
    axes[1].set_ylabel("Pressure\n(MPa)")
    axes[2].plot(minutes, cycle.centre_temperature.values, color=HOT, lw=1.2, label="centre of the pellet")
    axes[2].plot(minutes, cycle.temperature.values, color=INK, lw=1.2, label="mean of the pellet")
    axes[2].plot(minutes, cycle.wall_temperature.values, color=COLD, lw=1.2, ls="--", label="wall")
    axes[2].set_ylabel("Temperature\n(K)")
    axes[2].legend(fontsize=8)
    axes[3].plot(minutes, cycle.fraction.values, color=INK, lw=1.3)
    axes[3].set(ylabel="Charged\nfraction", ylim=(-0.05, 1.05), xlabel="Time (min)")
    return _finish(figure)


def film_strip(cycle: "Cycle", stage: str = "discharge", frames: int = 6) -> Figure:
    """Draw temperature and phase fraction across the pellet at some moments of a stage.

    Parameters
    ----------
    cycle:
        The cycle.
    stage:
        ``"charge"`` or ``"discharge"``, or another stage that the cycle has.
    frames:
        How many moments at most, at equal steps of transformed fraction; moments that coincide are drawn once.

    Returns
    -------
    :
        One section per moment: temperature in its left half, charged fraction in its right half, each mirrored at
        half height.

    Raises
    ------
    InputError
        If the cycle has no such stage or ``frames`` is not at least 1.
    """
    chosen, begin = _moments(cycle, stage, frames)
    figure = Figure(figsize=(1.55 * len(chosen) + 2.0, 2.7), layout="constrained")
    ratios = [0.1, *[1.0] * len(chosen), 0.1]
    left, *axes, right = figure.subplots(1, len(chosen) + 2, width_ratios=ratios)
    low, high = _temperature_range(cycle, chosen)
    for axis, number in zip(axes, chosen, strict=True):
        images = _draw_frame(axis, cycle, number, low, high)
        seconds = cycle.frames["time"].values[number] - begin
        axis.set_title(f"{seconds:.0f} s" if seconds >= 100 else f"{seconds:.3g} s", fontsize=9)
    for bar, image, label, side in (
        (left, images[0], "left half: T (K)", "left"),
        (right, images[1], "right half: charged fraction", "right"),
    ):
        figure.colorbar(image, cax=bar, ticklocation=side).set_label(label, fontsize=8)
        bar.tick_params(labelsize=7)
    figure.suptitle(f"{stage.capitalize()}: section through the axis, time after its beginning", fontsize=9)
    return figure


def animate(cycle: "Cycle", path: Path, stage: str = "discharge", frames: int = 60) -> Path:
    """Write an animated GIF of temperature and phase fraction in a stage, 12 frames per second.

    Parameters
    ----------
    cycle:
        The cycle.
    path:
        A ``.gif`` file; its folder must exist.
    stage, frames:
        As for :func:`film_strip`.

    Returns
    -------
    :
        The path.

    Raises
    ------
    InputError
        If it is no ``.gif`` file or cannot be written, the cycle has no such stage, or ``frames`` is not at least 1.
    """
    from matplotlib.animation import FuncAnimation, PillowWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if path.suffix.lower() != ".gif":
        raise InputError(f"{path}: an animation is a .gif file")
    chosen, begin = _moments(cycle, stage, frames)
    low, high = _temperature_range(cycle, chosen)
    figure = Figure(figsize=(3.2, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()

    def draw(number: int) -> list[Any]:
        axis.clear()
        _draw_frame(axis, cycle, number, low, high)
        axis.set_title(f"{stage}, {cycle.frames['time'].values[number] - begin:.1f} s", fontsize=9)
        return []

    with whole(path) as temporary:
        animation = FuncAnimation(figure, draw, frames=chosen, blit=False)
        animation.save(str(temporary), writer=PillowWriter(fps=12), dpi=90)
    return path


def sweep_figure(cycles: Mapping[str, "Cycle"]) -> Figure:
    """Draw the discharge of several cycles: heat flow and discharged part over the time after release.

    Parameters
    ----------
    cycles:
        By label, for example the contact conductance.

    Returns
    -------
    :
        Two panels; t90 is marked.

    Raises
    ------
    InputError
        If a cycle has no discharge.
    """
    figure = Figure(figsize=(9.5, 3.8), layout="constrained")
    flow_axis, part_axis = figure.subplots(1, 2)
    longest = 0.0
    for number, (label, cycle) in enumerate(cycles.items()):
        colour = SEQUENCE(0.9 * number / max(1, len(cycles) - 1))
        given = cycle.discharge
        clock = given.coords["time"].values
        begin = min(step.start for step in cycle.accounted if step.stage == "discharge")
        flow = np.interp(begin + clock, cycle.heat_flow.coords["time"].values, cycle.heat_flow.values)
        flow_axis.plot(clock[1:], flow[1:], color=colour, lw=1.4, label=label)
        part_axis.plot(clock, given.values / given.values[-1], color=colour, lw=1.4, label=label)
        t90 = float(cycle.discharge_times["t90"].value)
        longest = max(longest, t90)
        part_axis.plot([t90], [0.9], "o", color=colour, ms=4)
    flow_axis.set(xlabel="Time after the release (s)", ylabel="Heat flow (mW/g), endothermic up")
    flow_axis.set_xscale("log")
    flow_axis.set_xlim(left=0.5)
    flow_axis.axhline(0, color=QUIET, lw=0.6)
    part_axis.axhline(0.9, color=QUIET, lw=0.6, ls=":")
    part_axis.set(xlabel="Time after the release (s)", ylabel="Part of the heat given off (dots: t90)")
    part_axis.set_xlim(0, 1.6 * longest)
    part_axis.legend(title="contact h (W/(m² K))", fontsize=8, title_fontsize=8, loc="lower right")
    return _finish(figure)


def _drawable(effect: "CaloricEffect", top: float) -> float:
    """The highest pressure (MPa) up to the given one at which both branches exist."""
    for part in np.linspace(1.0, 0.1, 19):
        try:
            for branch in ("heating", "cooling", "equilibrium"):
                effect.transition_temperature(branch, f"{part * top} MPa")
        except InputError:
            continue
        return float(part * top)
    return 0.1 * top


def _draw_branches(axis: Axes, effect: "CaloricEffect", top: float) -> None:
    p = np.linspace(0.1, _drawable(effect, top), 60)
    for branch, colour, style in (
        ("heating", HOT, "-"),
        ("cooling", COLD, "-"),
        ("equilibrium", QUIET, "--"),
    ):
        T = effect.surfaces.transition_temperature(p * 1e6, branch)  # type: ignore[arg-type]
        axis.plot(p, T, color=colour, ls=style, lw=1.8, label=branch if branch != "equilibrium" else "mid-line")
    limit = effect.maximum_pressure
    if limit is not None and limit / 1e6 < top:
        axis.axvspan(limit / 1e6, top, color=QUIET, alpha=0.12, lw=0, label="beyond the data")
    axis.set(xlabel="Pressure (MPa)", ylabel="Temperature (K)", xlim=(0, top))


def _corners(p: np.ndarray, T: np.ndarray) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Places along the path for arrow heads: the middle of every straight piece."""
    found = []
    turn = [0, *np.flatnonzero((np.diff(p) != 0) != np.roll(np.diff(p) != 0, 1)).tolist(), len(p) - 1]
    for a, b in pairwise(turn):
        length = abs(p[b] - p[a]) + abs(T[b] - T[a])
        if length > 1:
            middle = (0.5 * (p[a] + p[b]), 0.5 * (T[a] + T[b]))
            before = (middle[0] - 0.02 * (p[b] - p[a]), middle[1] - 0.02 * (T[b] - T[a]))
            found.append((before, middle))
    return found


def _moments(cycle: "Cycle", stage: str, frames: int) -> tuple[list[int], float]:
    if not isinstance(frames, int) or frames < 1:
        raise InputError(f"frames: give a whole number of at least 1, got {frames!r}")
    spans = [(step.start, step.end) for step in cycle.accounted if step.stage == stage]
    if not spans:
        known = sorted({step.stage for step in cycle.steps})
        raise InputError(f"stage: the cycle has no {stage!r}; it has: {', '.join(known)}")
    begin, end = spans[0][0], spans[-1][1]
    time = cycle.frames["time"].values
    inside = np.flatnonzero((time >= begin) & (time <= end))
    if not inside.size:  # frames are thinned out: take the nearest
        inside = np.array([int(np.argmin(np.abs(time - end)))])
    fraction = cycle.frames["fraction"].values[inside].mean(axis=1)
    # equal steps of transformed fraction show the front; a few more where only heat flows
    progress = np.abs(fraction - fraction[0]) + 0.15 * (time[inside] - begin) / max(end - begin, 1e-9)
    wanted = np.linspace(progress[0], progress[-1], frames)
    order = np.maximum.accumulate(progress)
    chosen = np.clip(np.searchsorted(order, wanted), 0, len(inside) - 1)
    return [int(inside[i]) for i in dict.fromkeys(chosen.tolist())], begin


def _temperature_range(cycle: "Cycle", chosen: Sequence[int]) -> tuple[float, float]:
    values = cycle.frames["temperature"].values[list(chosen)]
    low, high = float(values.min()), float(values.max())
    return (low, high) if high - low > 0.5 else (low - 0.5, high + 0.5)


def _draw_frame(axis: Axes, cycle: "Cycle", number: int, low: float, high: float) -> list[Any]:
    """Left half: temperature; right half: charged fraction; lower half is the mirror image."""
    frames = cycle.frames
    r, z = frames["r"].values * 1e3, frames["z"].values * 1e3
    cells = frames["cells"].values
    triangles = np.concatenate([cells[:, [0, 1, 2]], cells[:, [0, 2, 3]]])
    images = []
    for side, name, limits, colours in (
        (-1, "temperature", (low, high), FIELD),
        (1, "fraction", (0.0, 1.0), colormaps["Greens"]),
    ):
        for half in (1, -1):
            image = axis.tripcolor(
                Triangulation(side * r, half * z, triangles),
                frames[name].values[number],
                shading="gouraud",
                cmap=colours,
                vmin=limits[0],
                vmax=limits[1],
                rasterized=True,
            )
        images.append(image)
    axis.axvline(0, color=INK, lw=0.6, ls="-.")
    axis.set_aspect("equal")
    axis.tick_params(labelsize=7)
    axis.set_xlabel("r (mm)", fontsize=8)
    axis.set_ylabel("z (mm)", fontsize=8)
    return images


def _finish(figure: Figure) -> Figure:
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.xaxis.label.set_fontsize(9)
        axis.yaxis.label.set_fontsize(9)
        legend = axis.get_legend()
        if legend is not None:
            legend.set_frame_on(False)
    return figure
