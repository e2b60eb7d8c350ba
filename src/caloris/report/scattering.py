"""What a neutron sees of a trajectory, as analyses: I(Q,t), S(Q,E), elastic fractions, density of states."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.atoms import Trajectory
from caloris.errors import InputError
from caloris.neutrons import (
    ElasticFraction,
    Instrument,
    Resolution,
    Scattering,
    phonon_density_of_states,
    scattering,
)
from caloris.report.analysis import COLOURS, Analysis, asked, curve_figure, draw_curve, unit_name
from caloris.units import Quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CONVENTIONS = "Positions in the mean cell, less the drift of the whole."
_MOST = 4000
"""Most energies of an instrument's grid."""


def intermediate_analysis(
    trajectory: Trajectory, momentum_transfer: sc.Variable, *, normalised: bool = True, **options: Any
) -> Analysis:
    """Return I(Q,t), its parts, and their figure; options are those of :func:`caloris.neutrons.scattering`."""
    found = scattering(trajectory, momentum_transfer, **options)
    return _intermediate(trajectory, found, normalised, options)


def _intermediate(trajectory: Trajectory, found: Scattering, normalised: bool, options: Mapping[str, Any]) -> Analysis:
    whole = found.intermediate(normalised=normalised)
    assert isinstance(whole, sc.DataArray)  # no parts were asked for
    curves = {"total": whole}
    if not normalised:
        curves |= _parts(found.intermediate(partial=True))
    return Analysis(
        name=f"intermediate-scattering-{found.kind}",
        title=f"Intermediate scattering function I(Q,t), {found.kind}, {found.weighting} weights",
        curves=curves,
        words=[f"{_scale(found, normalised)} {_CONVENTIONS}"],
        warnings=found.cautions,
        figure=curve_figure({"I(Q,t)": whole}, logarithmic=(True, False)),
        inputs=_inputs(trajectory, found, options),
    )


def spectrum_analysis(
    trajectory: Trajectory,
    momentum_transfer: sc.Variable,
    *,
    energy_transfer: sc.Variable | None = None,
    resolution: Resolution | None = None,
    temperature: Quantity | None = None,
    instrument: Instrument | None = None,
    **options: Any,
) -> Analysis:
    """Return S(Q,E) and its figure; options are those of :func:`caloris.neutrons.scattering`.

    An instrument gives the resolution, unless there is one, and masks what it does not see.
    """
    found = scattering(trajectory, momentum_transfer, **options)
    whole, warnings = _spectrum(found, energy_transfer, resolution, temperature, instrument)
    return _spectral(trajectory, found, whole, warnings, temperature, instrument, options)


def _spectral(
    trajectory: Trajectory,
    found: Scattering,
    whole: sc.DataArray,
    warnings: Sequence[str],
    temperature: Quantity | None,
    instrument: Instrument | None,
    options: Mapping[str, Any],
) -> Analysis:
    return Analysis(
        name=f"dynamic-structure-factor-{found.kind}",
        title=f"Dynamic structure factor S(Q,E), {found.kind}, {found.weighting} weights",
        curves={"S(Q,E)": whole},
        words=[
            _scale(found, False),
            "Energy transfer > 0: the neutron loses energy. "
            + ("Classical, alike at E and -E." if temperature is None else "In detailed balance (harmonic correction).")
            + f" {_CONVENTIONS} What is left of I(Q,t) over the last quarter of the times counts as elastic.",
            *_seen_by(instrument),
        ],
        warnings=warnings,
        figure=spectrum_figure(whole),
        inputs=_inputs(trajectory, found, options),
    )


def _spectrum(
    found: Scattering,
    energy_transfer: sc.Variable | None,
    resolution: Resolution | None,
    temperature: Quantity | None,
    instrument: Instrument | None,
) -> tuple[sc.DataArray, list[str]]:
    """S(Q,E), on an instrument if there is one, and what is to be said of it."""
    warnings = []
    if instrument is not None:
        if resolution is None:
            resolution = instrument.resolution()
            warnings.append(
                f"The resolution of {instrument.name} is that of its elastic line at every energy; it is another one "
                "away from there."
            )
        if energy_transfer is None:
            energy_transfer = _energies_of(instrument, resolution, found.curves.time)
        warnings += instrument.warnings
    whole = found.spectrum(energy_transfer=energy_transfer, resolution=resolution, temperature=temperature)
    assert isinstance(whole, sc.DataArray)  # no parts were asked for
    caution = str(whole.coords["caution"].value)
    for said in found.cautions:
        caution = caution.replace(said, "").strip()
        warnings.insert(0, said)
    return (whole if instrument is None else instrument.mask(whole)), [*([caution] if caution else []), *warnings]


def _energies_of(instrument: Instrument, resolution: Resolution, time: Any) -> sc.Variable:
    """Energies that an instrument sees and the frames show, four in a width."""
    top = 0.98 * np.pi * 0.6582119569 / float(time[1] - time[0])  # hbar in meV ps
    fixed = float(instrument.fixed_energy.to(unit="meV").value)
    loss, gain = (0.95 * fixed, 10 * fixed) if instrument.geometry == "direct" else (10 * fixed, 0.95 * fixed)
    if instrument.window is not None:
        gain, loss = -float(instrument.window[0].value), float(instrument.window[1].value)
    low, high = -min(gain, top), min(loss, top)
    width = float(np.min(resolution.fwhm.to(unit="meV").values))
    number = int(np.clip(np.ceil(4 * (high - low) / width), 50, _MOST)) if width > 0 else _MOST
    return sc.linspace("energy_transfer", low, high, number + 1, unit="meV")


def _seen_by(instrument: Instrument | None) -> list[str]:
    if instrument is None:
        return []
    return [f"As {instrument!r} sees it; outside its kinematic range S is masked (empty in the figure and the table)."]


def _parts(found: Any) -> dict[str, sc.DataArray]:
    return dict(found.items())


def elastic_analysis(
    trajectory: Trajectory,
    momentum_transfer: sc.Variable,
    *,
    after: Quantity | None = None,
    until: Quantity | None = None,
    models: Mapping[str, sc.DataArray] | None = None,
    **options: Any,
) -> Analysis:
    """Return elastic fractions, and their figure with EISF of models; options are those of ``scattering``."""
    found = scattering(trajectory, momentum_transfer, "incoherent", **options)
    elastic = found.elastic_fraction(after=after, until=until)
    return _elastic(trajectory, found, elastic, models or {}, options)


def _elastic(
    trajectory: Trajectory,
    found: Scattering,
    elastic: ElasticFraction,
    models: Mapping[str, sc.DataArray],
    options: Mapping[str, Any],
) -> Analysis:
    return Analysis(
        name="elastic-fraction",
        title="Elastic incoherent structure factor",
        numbers=_at_some(elastic),
        curves={
            "EISF": elastic.eisf,
            "infinite time": elastic.infinite_time,
            "Debye-Waller factor": elastic.debye_waller,
            "quasielastic HWHM": elastic.hwhm,
        },
        words=[
            f"I(Q,t) = I(Q,0) DW [A + (1 - A) exp(-t/tau)] from {elastic.window[0].value:g} to "
            f"{elastic.window[1].value:g} ps; A is the EISF, HWHM = hbar/tau. Infinite time: mean of I(Q,t)/I(Q,0) "
            "over the later half of the times, DW A."
        ],
        warnings=[*found.cautions, *elastic.warnings],
        figure=elastic_figure(elastic, models),
        inputs=_inputs(trajectory, found, options),
    )


def _at_some(elastic: ElasticFraction) -> dict[str, sc.Variable]:
    """EISF and width at a few momentum transfers, for those who do not open the files."""
    Q = elastic.eisf.coords["Q"].values
    chosen = np.unique(np.linspace(0, len(Q) - 1, min(5, len(Q))).round().astype(int))
    found: dict[str, sc.Variable] = {}
    for i in chosen:
        found[f"EISF at {Q[i]:.3g} Å⁻¹"] = elastic.eisf["Q", int(i)].data
        found[f"quasielastic HWHM at {Q[i]:.3g} Å⁻¹"] = elastic.hwhm["Q", int(i)].data
    return found


def generalised_density_analysis(
    trajectory: Trajectory,
    momentum_transfer: sc.Variable,
    temperature: Quantity,
    *,
    energy_transfer: sc.Variable | None = None,
    resolution: Resolution | None = None,
    elastic: Quantity | None = None,
    instrument: Instrument | None = None,
    **options: Any,
) -> Analysis:
    """Return the generalised density of states by eq. 2 of Zhang et al., as from a measured S(Q,E)."""
    found = scattering(trajectory, momentum_transfer, **options)
    spectrum, warnings = _spectrum(found, energy_transfer, resolution, temperature, instrument)
    density = phonon_density_of_states(spectrum, temperature, elastic=elastic)
    if found.unit == "barn":
        density.unit = "barn*angstrom^2"  # the unit that it has, free of what rounding made of its name
    return Analysis(
        name="generalised-density-of-states",
        title="Generalised density of phonon states by eq. 2 of Zhang et al. (2023)",
        curves={"g(E)": density},
        words=[
            "From S(Q,E) of the trajectory in detailed balance, as an experiment does it, divided by the length of "
            f"the Q range that was seen; the Debye-Waller factor stays in. {_CONVENTIONS}",
            *_seen_by(instrument),
        ],
        warnings=[*warnings, *([str(density.coords["caution"].value)] if density.coords["caution"].value else [])],
        figure=curve_figure({"g(E)": density}, label="g(E)"),
        inputs=_inputs(trajectory, found, options),
    )


def incoherent_analyses(
    trajectory: Trajectory,
    momentum_transfer: sc.Variable,
    *,
    temperature: Quantity | None = None,
    **options: Any,
) -> list[Analysis]:
    """Return I(Q,t), elastic fractions and S(Q,E) of incoherent scattering that is computed once."""
    found = scattering(trajectory, momentum_transfer, "incoherent", **options)
    whole, warnings = _spectrum(found, None, None, temperature, None)
    return [
        _intermediate(trajectory, found, True, options),
        _elastic(trajectory, found, found.elastic_fraction(), {}, options),
        _spectral(trajectory, found, whole, warnings, temperature, None, options),
    ]


def spectrum_figure(spectrum: sc.DataArray) -> "Figure":
    """Draw S(Q,E) as curves and, from four Q on, as a map."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    if spectrum.sizes["Q"] < 4 or np.any(np.diff(spectrum.coords["Q"].values) <= 0):
        return curve_figure({"S(Q,E)": spectrum}, logarithmic=(False, True))
    figure = Figure(figsize=(10.5, 4.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    Q, E = spectrum.coords["Q"].values, spectrum.coords["energy_transfer"].values
    hidden = np.zeros(spectrum.shape, dtype=bool)
    for mask in spectrum.masks.values():
        hidden |= mask.values
    values = np.where((spectrum.values > 0) & ~hidden, spectrum.values, np.nan)
    if not np.isfinite(values).any():
        raise InputError("S(Q,E): nothing of it is within what the instrument sees; choose other Q")
    top = float(np.nanmax(values))
    mesh = left.pcolormesh(
        Q, E, values.T, norm=LogNorm(1e-4 * top, top), cmap="magma", shading="nearest", rasterized=True
    )
    figure.colorbar(mesh, ax=left, label=f"S(Q,E) ({unit_name(spectrum.unit)})")
    left.set_xlabel("Q (Å⁻¹)")
    left.set_ylabel("energy transfer (meV)")
    seen = E[np.isfinite(values).any(axis=0)]
    left.set_ylim(seen.min(), seen.max())
    chosen = np.unique(np.linspace(0, len(Q) - 1, 5).round().astype(int))
    for index, colour in zip(chosen, COLOURS, strict=False):
        row = spectrum["Q", int(index)].copy()
        row.values = np.where(hidden[index], np.nan, row.values)
        draw_curve(right, row, f"Q = {Q[index]:.3g} Å⁻¹", colour)
    right.set_yscale("log")
    right.set_ylim(1e-5 * top, 2 * top)
    right.set_xlabel("energy transfer (meV)")
    right.legend(fontsize=8, frameon=False)
    right.spines[["top", "right"]].set_visible(False)
    return figure


def elastic_figure(elastic: ElasticFraction, models: Mapping[str, sc.DataArray]) -> "Figure":
    """Draw the EISF with curves of models, and the quasielastic width, over Q."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    Q = elastic.eisf.coords["Q"].values
    for curve, marker, colour in ((elastic.eisf, "o", COLOURS[0]), (elastic.infinite_time, "s", COLOURS[5])):
        error = np.sqrt(curve.variances)
        left.errorbar(Q, curve.values, error, fmt=marker, ms=4, color=colour, label=curve.name, capsize=2)
    for (name, model), colour in zip(models.items(), COLOURS[1:], strict=False):
        left.plot(model.coords["Q"].values, model.values, color=colour, lw=1.2, label=name)
    left.set_ylim(0, 1.05)
    left.set_xlabel("Q (Å⁻¹)")
    left.set_ylabel("elastic fraction")
    left.legend(fontsize=8, frameon=False)
    right.errorbar(Q, elastic.hwhm.values, np.sqrt(elastic.hwhm.variances), fmt="o", ms=4, color=COLOURS[0], capsize=2)
    right.set_xlabel("Q (Å⁻¹)")
    right.set_ylabel("quasielastic HWHM (meV)")
    high = elastic.hwhm.values + np.sqrt(elastic.hwhm.variances)
    seen = high[np.isfinite(high)]
    if len(seen):
        right.set_ylim(0, 1.1 * min(float(seen.max()), 4 * float(np.median(seen))))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _scale(found: Scattering, normalised: bool) -> str:
    if normalised:
        return "Divided by its value at t = 0."
    return {
        "neutron": "In barn per atom and steradian, bound lengths of natural elements unless isotopes are given.",
        "xray": "In electrons squared per atom.",
        "number": "Every atom counts 1.",
    }[found.weighting]


def _inputs(trajectory: Trajectory, found: Scattering, options: Mapping[str, Any]) -> dict[str, Any]:
    if not len(found.curves.Q):
        raise InputError("momentum transfer: none was given")
    plain = {name: value for name, value in options.items() if isinstance(value, str | int | float | bool | dict)}
    return asked(trajectory, Q=[float(q) for q in found.curves.Q], **plain)
