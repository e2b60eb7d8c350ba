"""Ashby plots: a caloric material among the published ones, each number with what it is worth in a cycle.

Filled symbols are reversible, hollow ones hold for one direction only or state no reversibility; theory is a diamond.
Panels as Figs 2c, 2d and Extended Data Fig. 2 of Zhang et al., Sci. Adv. 9, eadd0374 (2023). Units: K, MPa, J/kg.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from caloris.errors import InputError
from caloris.heat.ashby_labels import Label, place_labels
from caloris.heat.ashby_points import PANELS, Line, OwnPoint, PanelKind, Point, lines, own_points, points, reasons
from caloris.heat.caloric import CaloricEffect
from caloris.heat.figures import COLD, HOT, INK, QUIET
from caloris.heat.two_phase import Branch
from caloris.materials.comparison import PublishedMaterial, published_materials
from caloris.units import Quantity, magnitude

Materials = Mapping[str, PublishedMaterial] | None

_COLOURS = {"conventional": HOT, "inverse": COLD, None: QUIET}
_TRANSITION = "transition-temperature"


@dataclass(frozen=True)
class AshbyPanel:
    """What one panel shows: published points or lines, the user's own points, and why the rest is left out."""

    title: str
    drawn: tuple[Point | Line, ...]
    own: tuple[OwnPoint, ...]
    left_out: Mapping[str, str]
    """Reason by name of the material."""

    @property
    def caption(self) -> str:
        """How many points are drawn and which materials are left out, in words."""
        number = len({entry.material.name for entry in self.drawn})
        parts = [f"{self.title}: {len(self.drawn)} entries of {number} published materials."]
        parts += [f"Left out, {why}: {', '.join(names)}." for why, names in reasons(self.left_out).items()]
        return " ".join(parts)


@dataclass(frozen=True, repr=False)
class AshbyPlot:
    """A figure and what it shows."""

    figure: Figure
    panels: Mapping[str, AshbyPanel]

    def __repr__(self) -> str:
        return f"<AshbyPlot: {', '.join(f'{key} ({len(p.drawn)} drawn)' for key, p in self.panels.items())}>"

    @property
    def caption(self) -> str:
        """The captions of all panels."""
        how = (
            "Filled: reversible. Hollow: one direction only, or reversibility not stated. Each point has all its "
            "numbers at one pressure or field. Whether an effect is conventional or inverse rests in part on what is "
            "known of the material."
        )
        return "\n".join([how, *(panel.caption for panel in self.panels.values())])


def entropy_plot(
    materials: Materials = None, *, mine: CaloricEffect | None = None, pressures: Sequence[Quantity] = ()
) -> AshbyPlot:
    """Draw |dS|max against |dS|max divided by the driving pressure.

    Parameters
    ----------
    materials:
        Cards; :func:`~caloris.materials.comparison.published_materials` if absent.
    mine:
        An effect of your own to draw on top, one-branch and reversible.
    pressures:
        Its high pressures, scalars.

    Returns
    -------
    :
        The figure, its points, and what is left out and why.

    Raises
    ------
    InputError
        If there is an effect but no pressure, or one lies outside its model.

    Notes
    -----
    As Zhang et al. (2023), Fig. 2c. The pressure is the published driving pressure; for ``mine`` it is the pressure
    change.

    Examples
    --------
    >>> plot = entropy_plot()
    >>> sorted({point.material.name for point in plot.panels["entropy-per-pressure"].drawn})[:3]
    ['agi', 'c10mncl', 'c60-landau']
    """
    return _plot(("entropy-per-pressure",), materials, mine, pressures)


def temperature_plot(
    materials: Materials = None, *, mine: CaloricEffect | None = None, pressures: Sequence[Quantity] = ()
) -> AshbyPlot:
    """Draw |dT_ad|max against |dS|max where both are published at one condition.

    Parameters
    ----------
    materials, mine, pressures:
        As for :func:`entropy_plot`; errors too.

    Returns
    -------
    :
        The figure, its points, and what is left out and why.
    """
    return _plot(("temperature-change",), materials, mine, pressures)


def cooling_power_plot(
    materials: Materials = None, *, mine: CaloricEffect | None = None, pressures: Sequence[Quantity] = ()
) -> AshbyPlot:
    """Draw RCP, and RCP divided by the driving pressure, against |dS|max.

    Parameters
    ----------
    materials, mine, pressures:
        As for :func:`entropy_plot`; errors too.

    Returns
    -------
    :
        The figure of two panels, its points, and what is left out and why.

    Notes
    -----
    As Zhang et al. (2023), Fig. 2d; for ``mine`` RCP is its eq. 1, |dS|max times FWHM.
    """
    return _plot(("cooling-power", "cooling-power-per-pressure"), materials, mine, pressures)


def normalised_plot(
    materials: Materials = None, *, mine: CaloricEffect | None = None, pressures: Sequence[Quantity] = ()
) -> AshbyPlot:
    """Draw RCP against |dS|max, both divided by the driving pressure.

    Parameters
    ----------
    materials, mine, pressures:
        As for :func:`entropy_plot`; errors too.

    Returns
    -------
    :
        The figure, its points, and what is left out and why.

    Notes
    -----
    As Zhang et al. (2023), Extended Data Fig. 2b.
    """
    return _plot(("both-per-pressure",), materials, mine, pressures)


def transition_plot(
    materials: Materials = None, *, mine: CaloricEffect | None = None, pressures: Sequence[Quantity] = ()
) -> AshbyPlot:
    """Draw transition temperatures over pressure, as straight lines from a published temperature and dT/dp.

    Parameters
    ----------
    materials, mine, pressures:
        As for :func:`entropy_plot`; errors too. Of ``mine`` both branches are drawn.

    Returns
    -------
    :
        The figure, its lines, and what is left out and why.

    Notes
    -----
    As Zhang et al. (2023), Extended Data Fig. 2a. How far a line stays straight is not part of the cards.
    """
    return _plot((_TRANSITION,), materials, mine, pressures)


def overview(
    materials: Materials = None, *, mine: CaloricEffect | None = None, pressures: Sequence[Quantity] = ()
) -> AshbyPlot:
    """Draw all panels in one figure.

    Parameters
    ----------
    materials, mine, pressures:
        As for :func:`entropy_plot`; errors too.

    Returns
    -------
    :
        The figure, the points of each panel, and what is left out and why.
    """
    entropy, temperature, *power = PANELS
    return _plot((entropy, temperature, _TRANSITION, *power), materials, mine, pressures)


def _plot(
    keys: Sequence[str], materials: Materials, mine: CaloricEffect | None, pressures: Sequence[Quantity]
) -> AshbyPlot:
    if mine is not None and not isinstance(mine, CaloricEffect):
        raise InputError(
            f"mine: expected a caloric effect (see caloris.heat.caloric_effect), got {type(mine).__name__}"
        )
    if mine is not None and not pressures:
        raise InputError("pressures: give at least one for your own material, for example '100 MPa'")
    cards = list((published_materials() if materials is None else materials).values())
    columns = min(3, len(keys))
    rows = -(-len(keys) // columns)
    width = 7.4 if columns == 1 else 5.4 * columns
    figure = Figure(figsize=(width, 4.9 * rows + 0.7), layout="constrained")
    panels: dict[str, AshbyPanel] = {}
    labels: list[tuple[Axes, list[Label]]] = []
    for number, (key, axis) in enumerate(
        zip(keys, np.ravel(figure.subplots(rows, columns, squeeze=False)), strict=True)
    ):
        letter = f"{'abcdef'[number]}  " if len(keys) > 1 else ""
        if key == _TRANSITION:
            panels[key], found = _draw_lines(axis, cards, mine, pressures)
        else:
            panels[key], found = _draw_points(axis, PANELS[key], cards, own_points(PANELS[key], mine, pressures), mine)
        axis.set_title(letter + panels[key].title, fontsize=10, loc="left", color=INK, pad=16)
        axis.xaxis.label.set_fontsize(9)
        axis.yaxis.label.set_fontsize(9)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        labels.append((axis, found))
    handles = _legend(panels.values(), mine)
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=3 if columns == 1 else 5 if columns < 3 else 10,
        fontsize=8,
        frameon=False,
    )
    for axis, found in labels:
        place_labels(axis, found)
    return AshbyPlot(figure, panels)


def _draw_points(
    axis: Axes, kind: PanelKind, cards: Iterable[PublishedMaterial], own: Sequence[OwnPoint], mine: CaloricEffect | None
) -> tuple[AshbyPanel, list[Label]]:
    drawn, left_out = points(kind, cards)
    places = [(p.x, p.y) for p in drawn] + [p.one_branch for p in own] + [p.reversible for p in own]
    places = [place for place in places if min(place) > 0]
    axis.set(xscale="log", yscale="log", xlabel=kind.x.label, ylabel=kind.y.label)
    if places:
        axis.set(xlim=_limits([x for x, _ in places]), ylim=_limits([y for _, y in places]))
    else:
        axis.set(xlim=(0.1, 10), ylim=(0.1, 10))
    _set_ticks(axis)
    _draw_guides(axis, kind)
    labels = []
    for point in sorted(drawn, key=lambda p: (p.material.name, not p.reversible, -p.y)):
        _mark(axis, point)
        words = f"{_formula(point.material.short)} {point.drive}"
        labels.append(Label(point.x, point.y, words, _ink(point.material)))
    labels += _draw_own(axis, own, mine)
    if not drawn:
        words = "no published material has\nthese numbers at one pressure"
        axis.text(0.97, 0.03, words, transform=axis.transAxes, fontsize=8, color=QUIET, ha="right", va="bottom")
    panel = AshbyPanel(kind.title, tuple(drawn), tuple(own), left_out)
    return panel, labels


def _ink(material: PublishedMaterial) -> str:
    return INK if material.sign is None else _COLOURS[material.sign]


def _mark(axis: Axes, point: Point) -> None:
    colour = _COLOURS[point.material.sign]
    marker = "s" if point.material.effect == "magnetocaloric" else "D" if point.basis == "theory" else "o"
    face = colour if point.reversible else "white"
    size = 5.5 if marker in "sD" else 6.5
    axis.plot([point.x], [point.y], marker, ms=size, mfc=face, mec=colour, mew=1.4, ls="", zorder=3)


def _draw_own(axis: Axes, own: Sequence[OwnPoint], mine: CaloricEffect | None) -> list[Label]:
    labels = []
    for number, point in enumerate(own):
        name = f"{_formula(mine.name)} " if mine is not None and number == len(own) - 1 else ""
        none = "" if min(point.reversible) > 0 else f" ({point.reversibility}: 0)"
        axis.plot(*point.one_branch, "*", ms=15, mfc="white", mec=INK, mew=1.2, zorder=5)
        labels.append(Label(*point.one_branch, f"{name}{point.drive}{none}", INK, bold=True))
        if min(point.reversible) > 0:
            both = np.array([point.one_branch, point.reversible]).T
            axis.plot(both[0], both[1], color=INK, lw=1.1, zorder=4)
            face = INK if point.reversibility == "reversible" else QUIET
            axis.plot(*point.reversible, "*", ms=8, mfc=face, mec=INK, mew=0.8, zorder=6)
            if np.abs(np.log(both[:, 0] / both[:, 1])).max() > 0.1:
                labels.append(Label(*point.reversible, f"{point.reversibility}, {point.drive}", INK))
            continue
        # off the plot: a logarithmic axis has no zero
        arrow = {"arrowstyle": "<|-", "color": INK, "lw": 1.1, "shrinkA": 0, "shrinkB": 6}
        axis.annotate(
            "", xy=point.one_branch, xytext=(-26, -26), textcoords="offset points", zorder=4, arrowprops=arrow
        )
    return labels


def _limits(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.log10(min(values)), np.log10(max(values))
    missing = max(0.0, 1.0 - (high - low)) / 2  # at least a decade
    margin = 0.12 * max(1.0, high - low)
    return float(10 ** (low - missing - margin)), float(10 ** (high + missing + margin))


def _set_ticks(axis: Axes) -> None:
    """Plain numbers on logarithmic axes; 1, 2, 5 where an axis spans little."""
    for scale, (low, high) in ((axis.xaxis, axis.get_xlim()), (axis.yaxis, axis.get_ylim())):
        subs = (1.0, 2.0, 5.0) if high / low < 200 else (1.0,)
        scale.set_major_locator(LogLocator(subs=subs))
        scale.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        scale.set_minor_formatter(NullFormatter())


def _draw_guides(axis: Axes, kind: PanelKind) -> None:
    """Faint diagonals: one driving pressure where both axes are dS, one width where they are dS and RCP."""
    if kind.x.what == kind.y.what:
        ratios, unit = (10, 30, 100, 300, 1000), "MPa"
    elif kind.y.what == "relative_cooling_power" and kind.x.per_pressure == kind.y.per_pressure:
        ratios, unit = (1, 3, 10, 30, 100), "K wide"
    else:
        return
    (x_low, x_high), (y_low, y_high) = axis.get_xlim(), axis.get_ylim()
    for ratio in ratios:
        low, high = max(x_low, y_low / ratio), min(x_high, y_high / ratio)
        if high > 1.5 * low:
            axis.plot([low, high], [ratio * low, ratio * high], color=QUIET, lw=0.6, ls=":", zorder=1)
            axis.annotate(
                f"{ratio} {unit}",
                (high, ratio * high),
                xytext=(2, 2),
                textcoords="offset points",
                fontsize=6.5,
                color=QUIET,
                annotation_clip=False,
            )


def _draw_lines(
    axis: Axes, cards: Iterable[PublishedMaterial], mine: CaloricEffect | None, pressures: Sequence[Quantity]
) -> tuple[AshbyPanel, list[Label]]:
    drawn, left_out = lines(cards)
    top = max([100.0, *(magnitude(p, "MPa", "pressure") for p in pressures)])
    labels = []
    for line in drawn:
        colour = _COLOURS[line.material.sign]
        dashes = "--" if line.basis == "theory" else "-"
        axis.plot([line.pressure, top], [line.temperature, _on(line, top)], color=colour, lw=2.8, ls=dashes)
        branch = f" {line.branch}" if line.branch else ""
        words = f"{_formula(line.material.short)}{branch}\n{_signed(line.slope)} K/MPa"
        p = _clearest(line, drawn, top)
        labels.append(Label(p, _on(line, p), words, _ink(line.material)))
    if mine is not None:
        labels += _draw_own_branches(axis, mine, max(magnitude(p, "MPa", "pressure") for p in pressures))
    axis.set(xlim=(0, top), xlabel="Pressure (MPa)", ylabel="Transition temperature (K)")
    axis.margins(y=0.1)
    return AshbyPanel("Transition temperature over pressure", tuple(drawn), (), left_out), labels


def _on(line: Line, p: float) -> float:
    return line.temperature + line.slope * (p - line.pressure)


def _clearest(line: Line, drawn: Sequence[Line], top: float) -> float:
    """Where along a line its label is farthest from the other lines."""
    others = [other for other in drawn if other is not line]
    places = [part * top for part in (0.85, 0.6, 0.45)]
    return max(places, key=lambda p: min((abs(_on(line, p) - _on(other, p)) for other in others), default=0.0))


def _draw_own_branches(axis: Axes, mine: CaloricEffect, top: float) -> list[Label]:
    p = np.linspace(mine.surfaces.pressure / 1e6, top, 25)
    labels = []
    branches: tuple[tuple[Branch, str], ...] = (("heating", "-"), ("cooling", "--"))
    for branch, dashes in branches:
        T = [float(mine.transition_temperature(branch, f"{float(each)!r} MPa").value) for each in p]
        axis.plot(p, T, color=INK, lw=1.2, ls=dashes, zorder=4)
        labels.append(Label(float(p[6]), T[6], f"{_formula(mine.name)} {branch}", INK, bold=True))
    return labels


def _signed(slope: float) -> str:
    return f"{'+' if slope > 0 else '−'}{abs(slope):.2g}"


def _legend(panels: Iterable[AshbyPanel], mine: CaloricEffect | None) -> list[Line2D]:
    shown = [entry for panel in panels for entry in panel.drawn]
    found = [p for p in shown if isinstance(p, Point)]

    def dot(marker: str, face: str, edge: str, label: str, size: float = 6.5) -> Line2D:
        return Line2D([], [], marker=marker, ls="", mfc=face, mec=edge, mew=1.4, ms=size, label=label)

    handles = [
        Line2D([], [], color=_COLOURS[sign], lw=4, label=sign or "sign not stated")
        for sign in ("conventional", "inverse", None)
        if any(entry.material.sign == sign for entry in shown)
    ]
    choices: tuple[tuple[Callable[[Point], bool], Line2D], ...] = (
        (lambda p: p.reversible, dot("o", QUIET, QUIET, "reversible")),
        (lambda p: not p.reversible, dot("o", "white", QUIET, "one direction or not stated")),
        (lambda p: p.basis == "theory", dot("D", "white", QUIET, "theory", 5.5)),
        (lambda p: p.material.effect == "magnetocaloric", dot("s", "white", QUIET, "magnetocaloric", 5.5)),
    )
    handles += [handle for shows, handle in choices if any(shows(p) for p in found)]
    own = [point for panel in panels for point in panel.own]
    if mine is not None and own:
        usable = own[0].reversibility
        handles.append(dot("*", "white", INK, f"{_formula(mine.name)}, one-branch", 13))
        handles.append(dot("*", INK if usable == "reversible" else QUIET, INK, f"{_formula(mine.name)}, {usable}", 8))
    return handles


def _formula(text: str) -> str:
    """Set the numbers of a formula as subscripts: those that follow a letter or a bracket, also ``1-x``."""
    return re.sub(r"(?<=[A-Za-z)\]])(\d+(?:\.\d+)?(?:[+-][a-z](?![a-z]))?|(?<=\))x(?![a-z]))", r"$_{\1}$", text)
