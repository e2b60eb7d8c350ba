"""What velocities and forces say, as analyses: density of states, two-phase thermodynamics, stresses of atoms."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipp as sc

from caloris.atoms import (
    Trajectory,
    quantum_heat_capacity,
    two_phase_thermodynamics,
    vibrational_density_of_states,
    vibrational_entropy,
    von_mises_stress,
)
from caloris.atoms.parallel import Progress
from caloris.neutrons import neutron_weighted_density_of_states
from caloris.report.analysis import COLOURS, Analysis, asked, curve_figure
from caloris.units import Quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from caloris.atoms.thermodynamics import TwoPhaseThermodynamics


def density_of_states_analysis(
    trajectory: Trajectory,
    *,
    partial: Literal["element", "molecule", "motion"] | None = "element",
    species: str | None = None,
    neutron: bool = False,
    isotopes: Mapping[str, Any] | None = None,
    resolution: Quantity = "1 meV",
    temperature: Quantity | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Return the density of vibrational states and its parts; with a temperature heat capacity and entropy of it."""
    options: dict[str, Any] = {"resolution": resolution, "progress": progress}
    if species is not None:
        options["species"] = species
    if neutron:
        options["isotopes"] = isotopes
    compute = neutron_weighted_density_of_states if neutron else vibrational_density_of_states
    whole = compute(trajectory, **options)
    assert isinstance(whole, sc.DataArray)  # no parts were asked for
    curves = {"total": whole}
    if partial is not None:
        parts: Any = compute(trajectory, partial=partial, **options)
        curves |= {name: part for name, part in parts.items() if name != "total"}
    numbers: dict[str, sc.Variable] = {
        f"modes near zero energy, {name}": curve.coords["diffusive_share"]
        for name, curve in curves.items()
        if "diffusive_share" in curve.coords
    }
    warnings = [str(whole.coords["caution"].value)] if "caution" in whole.coords else []
    if temperature is not None and not neutron:
        for name, function in (("heat capacity", quantum_heat_capacity), ("entropy", vibrational_entropy)):
            found = function(whole, temperature)
            numbers[f"vibrational {name} (quantum)"] = found.data
            warnings.append(str(found.coords["caution"].value))
    return Analysis(
        name="density-of-states-neutron" if neutron else "density-of-states",
        title="Density of vibrational states" + (", weighted as neutrons see it (sigma/m)" if neutron else ""),
        numbers=numbers,
        curves=curves,
        words=[
            "From velocities, weighted with mass; its integral is 3 N modes. Rotation and diffusion are in it. A "
            f"sharp mode has a full width at half maximum of {_words(resolution)}; errors from windows in time."
        ],
        warnings=[text for text in dict.fromkeys(warnings) if text],
        figure=_density_figure(curves),
        inputs=asked(
            trajectory, partial=partial, species=species, neutron=neutron, isotopes=isotopes, resolution=resolution
        ),
    )


def _density_figure(curves: Mapping[str, sc.DataArray]) -> "Figure":
    figure = curve_figure(curves, label="g(E)")
    axes = figure.axes[0]
    top = max(float(np.nanmax(curve.values)) for curve in curves.values())
    energies = curves["total"].coords["energy_transfer"].values
    # up to where modes are
    seen = curves["total"].values > 2e-3 * top
    axes.set_xlim(0, 1.05 * float(energies[seen].max()) if seen.any() else None)
    axes.set_ylim(0, None)
    axes.set_xlabel("energy (meV)")
    return figure


def entropy_analysis(
    trajectory: Trajectory,
    *,
    temperature: Quantity | None = None,
    kind: Literal["quantum", "classical"] = "quantum",
    resolution: Quantity = "0.5 meV",
    progress: Progress | None = None,
) -> Analysis:
    """Return entropy, energy and heat capacity by two-phase thermodynamics."""
    found = two_phase_thermodynamics(
        trajectory, temperature=temperature, kind=kind, resolution=resolution, progress=progress
    )
    numbers: dict[str, sc.Variable] = {"temperature": found.temperature}
    numbers |= {f"{name} of all": value for name, value in found.total.items()}
    numbers |= {f"entropy of {name}": value for name, value in found.by_species.items()}
    return Analysis(
        name="two-phase-thermodynamics",
        title=f"Two-phase thermodynamics, {kind} oscillators",
        numbers=numbers,
        curves={
            "entropy": found.entropy,
            "energy": found.energy,
            "heat capacity": found.heat_capacity,
            "fluidicity": found.fluidicity,
        },
        words=[
            found.assumptions,
            "The density of states is split into a gas of hard spheres or free rotors, which holds all of it at zero "
            "energy, and a solid of oscillators. Energies are above the bottom of the wells.",
        ],
        warnings=found.warnings,
        figure=_entropy_figure(found),
        inputs=asked(trajectory, temperature=temperature, kind=kind, resolution=resolution),
    )


def _entropy_figure(found: "TwoPhaseThermodynamics") -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.3), layout="constrained")
    axes = figure.subplots()
    species = [str(name) for name in found.entropy.coords["species"].values]
    motions = [str(name) for name in found.entropy.coords["motion"].values]
    width = 0.8 / len(motions)
    for k, (motion, colour) in enumerate(zip(motions, COLOURS, strict=False)):
        part, gas = (array["motion", k] for array in (found.entropy, found.diffusive_entropy))
        at = np.arange(len(species)) + (k - 0.5 * (len(motions) - 1)) * width
        axes.bar(at, part.values, 0.92 * width, yerr=np.sqrt(part.variances), capsize=3, color=colour, label=motion)
        axes.bar(at, gas.values, 0.92 * width, color="white", alpha=0.45, hatch="//", lw=0)
    axes.set_xticks(np.arange(len(species)), species)
    axes.set_ylabel("entropy (J/mol/K)")
    axes.set_title("hatched: held by the gas", fontsize=10)
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def stress_analysis(
    trajectory: Trajectory,
    *,
    by: Literal["molecule", "element"] = "molecule",
    of: Literal["atom", "molecule"] = "atom",
    volume: Literal["equal", "molecule", "voronoi"] = "equal",
    kinetic: bool = True,
    threshold: Quantity = "50 GPa",
    highest: Quantity = "400 GPa",
    progress: Progress | None = None,
) -> Analysis:
    """Return the distribution of von Mises stresses of atoms or molecules."""
    found = von_mises_stress(
        trajectory,
        by,
        of=of,
        volume=volume,  # type: ignore[arg-type]
        kinetic=kinetic,
        threshold=threshold,
        highest=highest,
        progress=progress,
    )
    numbers: dict[str, sc.Variable] = {}
    for name in found.mean:
        numbers[f"mean von Mises stress of {name}"] = found.mean[name]
        numbers[f"share above {found.threshold.value:g} GPa, {name}"] = found.share_above[name]
    figure = curve_figure(dict(found.probability), label="probability density", logarithmic=(False, True))
    figure.axes[0].axvline(float(found.threshold.value), color="black", lw=0.8, ls=":")
    figure.axes[0].set_xlim(0, 1.05 * max(_last(curve, "stress") for curve in found.probability.values()))
    return Analysis(
        name="stress",
        title="Von Mises stress",
        numbers=numbers | {"pressure from the sum over atoms": found.pressure},
        curves=dict(found.probability),
        words=[f"Convention: {found.convention}. Values depend on it; compare only like with like."],
        warnings=found.warnings,
        figure=figure,
        inputs=asked(trajectory, by=by, of=of, volume=volume, kinetic=kinetic, threshold=threshold, highest=highest),
    )


def _last(curve: sc.DataArray, dim: str) -> float:
    """Where a distribution ends."""
    seen = np.flatnonzero(curve.values > 0)
    return float(curve.coords[dim].values[seen[-1] + 1]) if len(seen) else 1.0


def _words(quantity: Quantity) -> str:
    return quantity if isinstance(quantity, str) else f"{quantity.value:g} {quantity.unit}"
