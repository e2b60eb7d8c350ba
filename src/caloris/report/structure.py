"""Where neighbours are, as analyses: g(r) of pairs, structure factors and the pair distribution function."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipp as sc

from caloris.atoms import (
    Trajectory,
    pair_distribution_function,
    partial_distributions,
    partial_structure_factors,
    radial_distribution,
    total_structure_factor,
)
from caloris.atoms.pair_distribution.time_blocks import mean_over_time
from caloris.atoms.parallel import Progress
from caloris.errors import InputError
from caloris.neutrons import scattering_lengths, xray_form_factor
from caloris.report.analysis import COLOURS, Analysis, asked, curve_figure, draw_curve, draw_curves
from caloris.units import Quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Weights = Literal["neutron", "xray"]
_BLOCKS = "Errors are from blocks of time."


def radial_analysis(
    trajectory: Trajectory,
    pair: tuple[str, str] | None = None,
    *,
    longest: Quantity = "10 angstrom",
    width: Quantity = "0.05 angstrom",
    progress: Progress | None = None,
) -> Analysis:
    """Return g(r) and coordination numbers of a pair, or g(r) of every pair of elements."""
    if pair is None:
        return _every_pair(trajectory, longest, width, progress)
    found = radial_distribution(trajectory, pair, longest=longest, width=width, progress=progress)
    numbers, words = _shell(found.intermolecular, found.coordination)
    return Analysis(
        name=f"rdf-{pair[0]}-{pair[1]}",
        title=f"Pair distribution of {pair[0]} and {pair[1]}",
        numbers={f"density of {pair[1]}": found.density} | numbers,
        curves={
            "g(r)": found.g,
            "within molecules": found.intramolecular,
            "between molecules": found.intermolecular,
            "coordination": found.coordination,
        },
        words=["g(r) is 1 at the density of an ideal gas; a formula stands for centres of mass. " + _BLOCKS, *words],
        warnings=found.warnings,
        figure=_pair_figure(found.g, found.intramolecular, found.coordination),
        inputs=asked(trajectory, pair=pair, longest=longest, width=width),
    )


def _shell(g: sc.DataArray, coordination: sc.DataArray) -> tuple[dict[str, sc.Variable], list[str]]:
    """First peak between molecules, and neighbours up to the minimum after it."""
    values, edges = g.values, g.coords["r"].values
    smooth = np.convolve(values, np.ones(5) / 5, mode="same")
    peaks = np.flatnonzero((smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & (smooth[1:-1] > 1)) + 1
    if not len(peaks):
        return {}, ["No peak between molecules stands above 1."]
    # the highest within a shell: a shoulder before it is no shell of its own
    first = peaks[smooth[peaks] > 0.5 * smooth[peaks].max()][0]
    after = smooth[first:]
    rises = np.flatnonzero(np.diff(after) > 0)
    valley = first + int(rises[0] if len(rises) else len(after) - 1)
    r = coordination.coords["r"].values
    at = int(np.argmin(np.abs(r - 0.5 * (edges[valley] + edges[valley + 1]))))
    middle = 0.5 * (edges[first] + edges[first + 1])
    return {
        "first peak": sc.scalar(float(middle), unit="angstrom"),
        "first minimum": sc.scalar(float(r[at]), unit="angstrom"),
        "neighbours up to there": coordination["r", at].data,
    }, ["Peak and minimum are of g(r) between molecules, smoothed over five bins; the number counts all neighbours."]


def _pair_figure(g: sc.DataArray, within: sc.DataArray, coordination: sc.DataArray) -> "Figure":
    figure = curve_figure({"all": g, "within molecules": within}, label="g(r)")
    axes = figure.axes[0]
    right = axes.twinx()
    draw_curve(right, coordination, "coordination", COLOURS[5])
    right.set_ylabel("neighbours nearer than r", color=COLOURS[5])
    right.set_ylim(0, None)
    right.spines[["top"]].set_visible(False)
    beyond = g.values[sc.midpoints(g.coords["r"]).values > 1.8]
    if len(beyond) and np.isfinite(beyond).any():  # bonds are so sharp that nothing else could be seen
        axes.set_ylim(0, min(float(np.nanmax(g.values)), 3 * float(np.nanmax(beyond))) * 1.05 or 1)
    return figure


def _every_pair(trajectory: Trajectory, longest: Quantity, width: Quantity, progress: Progress | None) -> Analysis:
    found = partial_distributions(trajectory, longest=longest, width=width, progress=progress)
    mean, error = mean_over_time(found.blocks[:, 1])
    between = found.g.copy()
    between.values, between.variances = mean, None if error is None else error**2
    curves = {str(name): between["pair", i] for i, name in enumerate(found.g.coords["pair"].values)}
    figure = curve_figure(_nearest(curves), label="g(r) between molecules")
    figure.axes[0].set_ylim(0, None)
    return Analysis(
        name="rdf",
        title="Pair distributions of all elements",
        numbers={"density of atoms": found.density, "frames used": sc.scalar(found.frames)},
        curves={"g(r)": found.g, "within molecules": found.intramolecular, "between molecules": between},
        words=["g(r) is 1 at the density of an ideal gas; drawn without pairs in one molecule. " + _BLOCKS],
        warnings=found.warnings,
        figure=figure,
        inputs=asked(trajectory, longest=longest, width=width),
    )


def _nearest(curves: Mapping[str, sc.DataArray], most: int = 8) -> dict[str, sc.DataArray]:
    """Pairs whose contacts are sharpest: more cannot be told apart in one panel."""
    order = sorted(curves, key=lambda name: -float(np.nanmax(curves[name].values)))
    return {name: curves[name] for name in curves if name in order[:most]}


def structure_factor_analysis(
    trajectory: Trajectory,
    momentum_transfer: sc.Variable | None = None,
    *,
    weights: Weights = "neutron",
    isotopes: Mapping[str, Any] | None = None,
    longest: Quantity = "10 angstrom",
    window: Literal["lorch"] | None = "lorch",
    progress: Progress | None = None,
) -> Analysis:
    """Return the total structure factor (Faber-Ziman) and those of pairs, from g(r)."""
    Q = sc.linspace("Q", 0.5, 20, 391, unit="1/angstrom") if momentum_transfer is None else momentum_transfer
    partials = partial_distributions(trajectory, longest=longest, progress=progress)
    factors = _weights(trajectory, weights, isotopes, Q)
    total = total_structure_factor(partials, factors, Q, window=window)
    pairs = partial_structure_factors(partials, Q, window=window)
    return Analysis(
        name=f"structure-factor-{weights}",
        title=f"Total structure factor S(Q), {weights}",
        curves={"S(Q)": total, "partial": pairs},
        words=[
            "Faber-Ziman: 1 at large Q; from g(r), so that Bragg peaks of a crystal are as broad as the longest "
            f"distance ({longest}) makes them" + (" and Lorch's window" if window else "") + ". " + _BLOCKS
        ],
        warnings=partials.warnings,
        figure=curve_figure({"S(Q)": total}, label="S(Q)"),
        inputs=asked(trajectory, Q=Q, weights=weights, isotopes=isotopes, longest=longest, window=window),
    )


def pair_function_analysis(
    trajectory: Trajectory,
    *,
    weights: Weights = "neutron",
    isotopes: Mapping[str, Any] | None = None,
    longest: Quantity = "20 angstrom",
    progress: Progress | None = None,
) -> Analysis:
    """Return the pair distribution function G(r) of total scattering."""
    from matplotlib.figure import Figure

    partials = partial_distributions(trajectory, longest=longest, progress=progress)
    found = pair_distribution_function(partials, _weights(trajectory, weights, isotopes, None))
    figure = Figure(figsize=(7, 4.3), layout="constrained")
    draw_curves(figure.subplots(), {"G(r)": found}, label="G(r)")
    return Analysis(
        name=f"pdf-{weights}",
        title=f"Pair distribution function G(r), {weights}",
        curves={"G(r)": found},
        words=[
            "G(r) = 4πr times the density times (weighted g(r) - 1), without the resolution of an instrument or the "
            "end of a measured Q range. " + _BLOCKS
        ],
        warnings=partials.warnings,
        figure=figure,
        inputs=asked(trajectory, weights=weights, isotopes=isotopes, longest=longest),
    )


def _weights(
    trajectory: Trajectory, weights: Weights, isotopes: Mapping[str, Any] | None, Q: sc.Variable | None
) -> dict[str, Any]:
    """Coherent scattering length of each element, or its form factor."""
    elements = list(dict.fromkeys(trajectory.symbols))
    if weights == "xray":
        at = sc.scalar(0.0, unit="1/angstrom") if Q is None else Q
        return {element: xray_form_factor(element, at).data for element in elements}
    if weights != "neutron":
        raise InputError(f"weights: expected neutron or xray, got {weights!r}")
    coherent, _ = scattering_lengths(trajectory.symbols, isotopes, masses=trajectory.masses).of_atoms()
    symbols = np.array(trajectory.symbols)
    return {
        element: sc.scalar(float(coherent.values[symbols == element].mean()), unit=coherent.unit)
        for element in elements
    }
