"""How atoms and ions move through a crystal, as analyses: displacements, diffusion, conductivity, jumps, van Hove."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipp as sc

from caloris.atoms import (
    ChargeTransport,
    Diffusion,
    Jumps,
    Sites,
    Trajectory,
    axial_mean_square_displacement,
    concerted_jumps,
    diffusion_coefficient,
    displacement_distribution,
    distinct_van_hove,
    find_sites,
    follow_jumps,
    ionic_conductivity,
    mean_square_displacement,
    non_gaussian_parameter,
    self_van_hove,
    sites_of_structure,
)
from caloris.atoms.parallel import Progress
from caloris.errors import InputError
from caloris.report.analysis import COLOURS, Analysis, asked, draw_curve, draw_curves
from caloris.units import Quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POSITIONS = (
    "Positions are taken in the mean cell, less the drift of the centre of mass of all atoms; every frame is a time "
    "origin. The band is one standard deviation of the mean, from the scatter between molecules; values at different "
    "times go together."
)


def displacement_analysis(
    trajectory: Trajectory,
    species: str | None = None,
    *,
    partial: Literal["element", "molecule"] | None = None,
    longest: Quantity | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Return mean square displacements, of every element if no species is named."""
    split = partial or ("element" if species is None else None)
    found = mean_square_displacement(trajectory, species, longest=longest, partial=split, progress=progress)
    curves = {species or "all": found} if isinstance(found, sc.DataArray) else dict(found)
    last = next(iter(curves.values())).coords["time"].values[-1]
    return Analysis(
        name="mean-square-displacement",
        title=f"Mean square displacement, to {last:g} ps",
        numbers={f"of {name} at {last:g} ps": curve["time", -1].data for name, curve in curves.items()},
        curves=curves,
        words=["<|r(t) - r(0)|^2>, three components. " + _POSITIONS],
        figure=_displacement_figure(curves),
        inputs=asked(trajectory, species=species, partial=split, longest=longest),
    )


def _displacement_figure(curves: Mapping[str, sc.DataArray]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_curves(left, curves, label="mean square displacement")
    draw_curves(right, curves, label="mean square displacement", logarithmic=(True, True))
    return figure


def diffusion_analysis(
    trajectory: Trajectory,
    species: str | None = None,
    *,
    window: tuple[Quantity, Quantity] | None = None,
    method: Literal["weighted least squares", "generalised least squares"] = "weighted least squares",
    progress: Progress | None = None,
) -> Analysis:
    """Return coefficients of self-diffusion, of every element if no species is named."""
    kinds = [species] if species is not None else list(dict.fromkeys(trajectory.symbols))
    found, curves = {}, {}
    for number, kind in enumerate(kinds):
        if progress is not None:
            progress(f"diffusion of {kind}", number / len(kinds))
        found[kind] = diffusion_coefficient(trajectory, kind, window=window, method=method)
        curve = mean_square_displacement(trajectory, kind)
        assert isinstance(curve, sc.DataArray)  # no parts were asked for
        curves[kind] = curve
    numbers: dict[str, sc.Variable] = {}
    for kind, D in found.items():
        numbers |= {f"D of {kind}": D.value} if D.diffusive else {f"D of {kind}, at most (95 %)": D.upper_bound}
        if D.diffusive or not _at_rest(D):
            numbers[f"exponent of {kind}"] = D.exponent
    still = [kind for kind, D in found.items() if _at_rest(D) and species is None]
    begin, end = next(iter(found.values())).window
    return Analysis(
        name="diffusion",
        title="Self-diffusion",
        numbers=numbers,
        curves=curves,
        words=[
            "D = slope / 6 of the mean square displacement, a line with a constant (the vibrations), from "
            f"{begin.value:g} to {end.value:g} ps; {method}. The exponent of the growth, which is 1 for diffusion, "
            "is tested; where nothing diffuses an upper bound is given instead.",
            _POSITIONS,
            *([f"No diffusion was found of {', '.join(still)}: see the bounds."] if still else []),
        ],
        warnings=[f"{kind}: {words}" for kind, D in found.items() if kind not in still for words in D.warnings],
        figure=_diffusion_figure(curves, found),
        inputs=asked(trajectory, species=species, window=window, method=method),
    )


def _at_rest(D: Diffusion) -> bool:
    """Whether nothing diffuses, beyond the error."""
    return not D.diffusive and float(D.value.value) < 2 * float(D.value.variance) ** 0.5


def _diffusion_figure(curves: Mapping[str, sc.DataArray], found: Mapping[str, Diffusion]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.3), layout="constrained")
    axes = figure.subplots()
    draw_curves(axes, curves, label="mean square displacement")
    for (kind, curve), colour in zip(curves.items(), COLOURS, strict=False):
        D = found[kind]
        t = curve.coords["time"].values
        inside = (t >= D.window[0].value * (1 - 1e-9)) & (t <= D.window[1].value * (1 + 1e-9))
        if D.diffusive and inside.any():
            slope = 6 * D.value.to(unit="angstrom^2/ps").value
            line = curve.values[inside].mean() + slope * (t[inside] - t[inside].mean())
            axes.plot(t[inside], line, color="black", lw=1.0, ls="--")
        if D.diffusive or len(found) == 1:
            axes.axvspan(D.window[0].value, D.window[1].value, color=colour, alpha=0.05, lw=0)
    axes.set_title("dashed: the fitted line; shaded: its window", fontsize=10)
    return figure


def axial_analysis(
    trajectory: Trajectory,
    molecule: str,
    axis: tuple[str, str],
    *,
    of: Literal["centre of mass", "atoms"] = "centre of mass",
    longest: Quantity | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Return displacements of molecules along and across their axis, and how squared amplitudes are distributed."""
    from matplotlib.figure import Figure

    found = axial_mean_square_displacement(trajectory, molecule, axis, of=of, longest=longest, progress=progress)
    spread = displacement_distribution(trajectory, molecule, axis, of=of, progress=progress)
    figure = Figure(figsize=(10.5, 4.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_curves(left, dict(found), label="mean square displacement")
    draw_curves(right, dict(spread), label="probability density", logarithmic=(False, True))
    alignment = found["total"].coords["alignment"]
    numbers = {f"{name} at the longest time": curve["time", -1].data for name, curve in found.items()}
    numbers |= {f"{name} mean square amplitude": curve.coords["mean"] for name, curve in spread.items()}
    return Analysis(
        name="axial-displacement",
        title=f"Displacement of {molecule} along {axis[0]}-{axis[1]} and across, {of}",
        numbers=numbers | {"alignment of the axis": alignment},
        curves={**dict(found), **{f"distribution, {name}": curve for name, curve in spread.items()}},
        words=[
            "Longitudinal: one component, along the mean axis of the molecule; transverse: the two others. Amplitudes "
            "are distances from the mean place over the run. Alignment: length of the mean unit vector of the axis.",
            _POSITIONS,
        ],
        figure=figure,
        inputs=asked(trajectory, molecule=molecule, axis=axis, of=of, longest=longest),
    )


def conductivity_analysis(
    trajectory: Trajectory,
    temperature: Quantity,
    *,
    charges: Mapping[str, Any] | None = None,
    at_rest: str | None = None,
    window: tuple[Quantity, Quantity] | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Return the ionic conductivity, the Haven ratio and transference."""
    if progress is not None:
        progress("conductivity", 0.0)
    found = ionic_conductivity(trajectory, temperature=temperature, charges=charges, at_rest=at_rest, window=window)
    shares = found.transference
    return Analysis(
        name="conductivity",
        title="Ionic conductivity",
        numbers={
            "conductivity (Einstein)": found.conductivity,
            "conductivity (Nernst-Einstein)": found.nernst_einstein,
            "Haven ratio": found.haven_ratio,
            **{f"share of {name}": shares["species", i].data for i, name in enumerate(shares.coords["species"].values)},
        },
        curves={"pairs of species": found.pairs, "alone": found.alone},
        words=[
            "Einstein: displacements of all charges together; Nernst-Einstein: each carrier alone; Haven ratio: "
            f"Nernst-Einstein over Einstein. Fitted from {found.window[0].value:g} to {found.window[1].value:g} ps; "
            f"errors from {found.stretches} stretches of time.",
            f"Charges: {', '.join(f'{k} {v}' for k, v in charges.items()) if charges else 'those of the file'}. "
            f"Velocities relative to {at_rest or 'the centre of mass of all atoms'}.",
        ],
        warnings=found.warnings,
        figure=_conductivity_figure(found),
        inputs=asked(trajectory, temperature=temperature, charges=charges, at_rest=at_rest, window=window),
    )


def _conductivity_figure(found: ChargeTransport) -> "Figure":
    from matplotlib.figure import Figure

    names = list(found.alone.coords["species"].values)
    bars = [("all", found.conductivity), ("Nernst-\nEinstein", found.nernst_einstein)]
    bars += [
        (f"{a}-{b}", found.pairs["species", i]["other", j].data * (1.0 if i == j else 2.0))
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if j >= i
    ]
    figure = Figure(figsize=(7, 4.3), layout="constrained")
    axes = figure.subplots()
    heights = [bar.value for _, bar in bars]
    errors = [bar.variance**0.5 for _, bar in bars]
    axes.bar([name for name, _ in bars], heights, yerr=errors, capsize=4, color=COLOURS[: len(bars)], alpha=0.8)
    axes.axhline(0, color="black", lw=0.6)
    axes.set_ylabel("contribution to the conductivity (S/m)")
    axes.set_title("unlike pairs count twice", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def jump_analysis(
    trajectory: Trajectory,
    species: str,
    *,
    structure: str | Path | None = None,
    smallest_distance: Quantity = "1.5 angstrom",
    core_radius: Quantity | None = None,
    together: tuple[Quantity, Quantity] | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Return residence times, rates and lengths of jumps; sites are found unless a structure gives them.

    ``together``: within which time and distance jumps are counted as concerted.
    """
    if structure is None:
        sites = find_sites(trajectory, species, smallest_distance=smallest_distance, progress=progress)
    else:
        sites = sites_of_structure(_structure(structure), trajectory, species=species)
    found = follow_jumps(trajectory, species, sites, core_radius=core_radius, progress=progress)
    numbers, words, warnings = _jump_numbers(found, sites)
    if together is not None:
        excess = concerted_jumps(found, window=together[0], distance=together[1])
        numbers |= {"pairs of jumps over chance": excess.excess, "strings over chance": excess.string_excess}
        words.append(
            f"Concerted: {excess.counted} pairs of jumps within {excess.window.value:g} ps and "
            f"{excess.distance.value:g} Å, {excess.expected:.1f} by chance; 0 is for independent ions."
        )
        warnings += excess.warnings
    return Analysis(
        name="jumps",
        title=f"Jumps of {species} between sites",
        numbers=numbers,
        curves={"jump lengths": found.jump_lengths, "occupation": found.occupation, "rates": found.rates},
        words=words,
        warnings=warnings,
        figure=_jump_figure(found),
        inputs=asked(
            trajectory,
            species=species,
            structure=structure,
            smallest_distance=smallest_distance,
            core_radius=core_radius,
            together=together,
        ),
    )


def _jump_numbers(found: Jumps, sites: Sites) -> tuple[dict[str, sc.Variable], list[str], list[str]]:
    numbers = {
        "jumps": sc.scalar(len(found.events)),
        "ions": sc.scalar(found.events.ions),
        "sites": sc.scalar(len(sites)),
        "residence time": found.residence_time,
        "jump rate of an ion": found.jump_rate,
        "jump rate, at most (95 %)": found.upper_bound,
        "mean square length": found.mean_square_length,
        "mean cosine of successive jumps": found.mean_cosine,
        "D of independent jumps": found.jump_diffusion,
        "D of the path from site to site": found.path_diffusion,
        "correlation factor": found.correlation_factor,
    }
    radii = found.core_radius.values
    core = f"{radii.min():.3g}" + (f" to {radii.max():.3g}" if np.ptp(radii) > 0.01 else "")
    words = [
        f"An ion belongs to the site whose core (radius {core} Å) it was in last: vibrations "
        f"and attempts that turn back are no jumps. {100 * found.in_core:.0f} % of all positions are in a core. "
        f"Sites are at least {sites.smallest_distance:.3g} Å apart."
    ]
    return numbers, words, list(found.warnings)


def _structure(path: str | Path) -> Any:
    from ase.io import read

    try:
        found = read(path)
    except Exception as error:  # ase raises whatever its readers raise
        raise InputError(f"{path}: cannot read the structure: {error or type(error).__name__}") from None
    return found[-1] if isinstance(found, list) else found


def _jump_figure(found: Jumps) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.3), layout="constrained")
    axes = figure.subplots()
    draw_curves(axes, {"jump lengths": found.jump_lengths}, label="distribution of jump lengths")
    axes.set_xlabel("jump length (Å)")
    return figure


def van_hove_analysis(
    trajectory: Trajectory,
    species: str,
    other: str | None = None,
    *,
    times: sc.Variable | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Return the self part of the van Hove function and its non-Gaussian parameter, or the distinct part of a pair."""
    if other is not None:
        return _distinct_analysis(trajectory, (species, other), times, progress)
    from matplotlib.figure import Figure

    found = self_van_hove(trajectory, species, times=times, progress=progress)
    alpha = non_gaussian_parameter(trajectory, species, progress=progress)
    radius = sc.midpoints(found.coords["r"])
    density = found * (4 * np.pi * radius**2)
    figure = Figure(figsize=(10.5, 4.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_curves(left, {"self": density}, label="4πr² G(r,t)")
    draw_curve(right, alpha["time", 1:], "", COLOURS[0])
    right.set_xscale("log")
    right.axhline(0, color="black", lw=0.6)
    right.set_xlabel("time (ps)")
    right.set_ylabel("non-Gaussian parameter α₂")
    right.spines[["top", "right"]].set_visible(False)
    peak = int(np.nanargmax(alpha.values)) if np.isfinite(alpha.values).any() else 0
    return Analysis(
        name="van-hove-self",
        title=f"Self part of the van Hove function of {species}",
        numbers={"largest non-Gaussian parameter": alpha["time", peak].data, "at": alpha.coords["time"][peak]},
        curves={"G(r,t)": found, "non-Gaussian parameter": alpha},
        words=[
            "4πr² G is the probability density of the distance that an atom has gone in the time; its integral over r "
            "is 1. α₂ = 3<r⁴>/(5<r²>²) - 1 is 0 where displacements are Gaussian.",
            _POSITIONS,
        ],
        figure=figure,
        inputs=asked(trajectory, species=species, times=times),
    )


def _distinct_analysis(
    trajectory: Trajectory, pair: tuple[str, str], times: sc.Variable | None, progress: Progress | None
) -> Analysis:
    from caloris.report.analysis import curve_figure

    found = distinct_van_hove(trajectory, pair, times=times, progress=progress)
    return Analysis(
        name="van-hove-distinct",
        title=f"Distinct part of the van Hove function of {pair[0]} and {pair[1]}",
        curves={"G(r,t)": found},
        words=[
            f"Density of {pair[1]} at a distance r from where {pair[0]} was a time t before; at t = 0 the density "
            "times g(r), far away and late the density."
        ],
        figure=curve_figure({"distinct": found}, label="G(r,t)"),
        inputs=asked(trajectory, pair=pair, times=times),
    )
