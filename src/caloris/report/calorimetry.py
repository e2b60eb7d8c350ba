"""The report of a pressure series, beside its result files."""

from pathlib import Path

import numpy as np
import scipp as sc

from caloris.files import output_folder
from caloris.heat.ashby import entropy_plot
from caloris.heat.calorimetry import CalorimetryResult, Estimate, fit_line
from caloris.heat.calorimetry.figures import calorimetry_figure, scans_figure
from caloris.heat.processes import PROCESSES
from caloris.materials import Finding
from caloris.report.page import Page, Section, Table, picture


def write_calorimetry(result: CalorimetryResult, folder: str | Path) -> list[Path]:
    """Write ``calorimetry.h5`` and the other files of ``CalorimetryResult.save``, and ``report.html``.

    Parameters
    ----------
    result:
        Of :func:`caloris.heat.calorimetry.analyse`.
    folder:
        Where to; made if absent.

    Returns
    -------
    :
        The files.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    out = output_folder(folder)
    pressures = sorted({peak.scan.pressure / 1e6 for peak in result.peaks})
    page = Page(
        title=f"{result.name}: calorimetry",
        lead=f"{len(result.peaks)} scans at {', '.join(f'{p:g}' for p in pressures)} MPa; transition temperature: "
        f"{result.ingredients.definition}; baseline: {result.peaks[0].baseline}.",
        facts=_facts(result),
        warning=result.warnings(),
        sections=[section for section in _sections(result) if section is not None],
    )
    return [*result.save(out), page.write(out / "report.html")]


def _number(value: Estimate) -> str:
    """Value, half width of its interval and unit."""
    large = value.unit == "J/kg" and abs(value.value) > 1e4  # latent heats
    text = (value.scaled(1e-3, "J/g") if large else value).plus_minus
    return text.replace("-", "−", 1) if text.startswith("-") else text


def _facts(result: CalorimetryResult) -> list[tuple[str, str]]:
    if result.surfaces is None:
        row = result.transitions[0]
        return [
            (_number(row.temperature), f"{row.definition}, {row.direction}"),
            (_number(row.entropy_change), "entropy of transition"),
            (_number(row.latent_heat), "latent heat"),
        ]
    moving = "heating" if result.surfaces.is_inverse else "cooling"
    moving = moving if moving in result.surfaces.measured else next(iter(result.surfaces.measured))
    p_rev = result.headline.get("reversible pressure")
    known = p_rev is not None and p_rev.value == p_rev.value
    top = f"{result.pressures[-1] / 1e6:g} MPa"
    return [
        (_number(result.headline[f"slope, {moving}"]), f"dT/dp on {moving}"),
        (_number(result.headline[f"entropy change, {top}, compression"]), f"largest |dS| to {top}, one-branch"),
        (
            _number(result.headline[f"entropy change, {top}, reversible"]),
            f"largest |dS| to {top}, {result.label('reversible')}",
        ),
        (
            _number(p_rev) if known and p_rev is not None else "unknown",
            f"least pressure change of a reversible cycle, from {result.surfaces.pressure / 1e6:g} MPa",
        ),
    ]


def _sections(result: CalorimetryResult) -> list[Section | None]:
    return [
        _transitions_section(result),
        _effect_section(result),
        _comparison_section(result),
        _closure_section(result),
        _uncertainty_section(result),
        Section(title="About the files", items=result.remarks) if result.remarks else None,
    ]


def _transitions_section(result: CalorimetryResult) -> Section:
    rows = [
        (
            row.name,
            row.pressure,
            _number(row.temperature),
            _number(row.entropy_change),
            _number(row.latent_heat),
            f"±{100 * row.baseline_spread:.2g} %",
        )
        for row in result.transitions
    ]
    names = ("onset", "T50", "peak")
    hysteresis = [(f"{p:g} MPa", *(f"{by[name]:.2f} K" for name in names)) for p, by in result.hysteresis().items()]
    tables = [
        Table(
            (
                "scan",
                "pressure",
                result.ingredients.definition,
                "entropy of transition",
                "latent heat",
                "baseline spread",
            ),
            rows,
            note="± is half of the 68 % interval; the last column is half the range over all baselines, a systematic.",
        )
    ]
    if hysteresis:
        tables.append(
            Table(
                ("hysteresis", *names),
                hysteresis,
                note="By definition of the transition temperature: a hysteresis holds for one of them only.",
            )
        )
    caption = "Heat per kelvin of every scan (heat flow over the scan's rate) with its baseline between the limits."
    return Section(title="Transitions", figures=[picture(scans_figure(result), caption)], tables=tables)


def _effect_section(result: CalorimetryResult) -> Section | None:
    effect = result.effect
    if effect is None or result.surfaces is None:
        return None
    top = f"{result.pressures[-1] / 1e6:g} MPa"
    branches = [*_quadratic(result)]
    branches += [
        (name, _number(value))
        for name, value in result.headline.items()
        if name.startswith(("slope", "hysteresis", "reversible"))
    ]
    tables = [Table(("branches", "value ± half of the 68 % interval"), branches), _effect_table(result)]
    merits = effect.merits(sc.scalar(float(result.pressures[-1]) / 1e6, unit="MPa"))
    rows = [(m.name.replace("_", " "), m.value, m.reversibility, m.definition) for m in merits.values()]
    tables.append(Table((f"figure of merit at {top}", "value", "", "definition"), rows))
    return Section(
        title="The caloric effect",
        text=[
            "Quasi-direct method: entropy curves on both branches from the scans. Compression and decompression follow "
            "one branch each; what a cycle can use again and again lies between both."
        ],
        figures=[picture(calorimetry_figure(result), "Phase diagram, entropy and temperature change; bands: 68 %.")],
        tables=tables,
    )


def _quadratic(result: CalorimetryResult) -> list[tuple[str, str]]:
    """What a quadratic fit of the branches gives, where there are pressures enough to tell."""
    found = []
    for direction in ("heating", "cooling"):
        rows = [row for row in result.transitions if row.direction == direction]
        p = np.array([row.pressure.value for row in rows]) * 1e6
        if len(np.unique(p)) < 4:
            continue
        T = np.array([row.temperature.value for row in rows])
        ingredients = result.ingredients
        line = fit_line(p, T, ingredients.pressure_error, ingredients.temperature_error, "quadratic")
        bend, error = 2e12 * float(line.coefficients[2]), 2e12 * float(np.sqrt(line.covariance[2, 2]))
        slope = f"{1e6 * line.coefficients[1]:.4f} ± {1e6 * line.slope_error:.4f} K/MPa at the lowest pressure"
        found.append((f"quadratic fit, {direction}", f"{slope}, changing by {bend:.1e} ± {error:.1e} K/MPa²"))
    return found


_QUANTITIES = ("entropy change", "temperature change", "relative cooling power", "integrated entropy change")


def _effect_table(result: CalorimetryResult) -> Table:
    """Largest changes and cooling power, a row for each pressure and process."""
    rows = []
    for p in result.pressures:
        for process in PROCESSES:
            label = f"{p / 1e6:g} MPa, {process}"
            found = [result.headline.get(f"{quantity}, {label}") for quantity in _QUANTITIES]
            label = result.label(process)
            words = process if label in ("one-branch", "reversible") else f"{process} ({label})"
            rows.append((f"{p / 1e6:g} MPa", words, *("–" if entry is None else _number(entry) for entry in found)))
    title = ("pressure", "process", "largest |dS|", "largest |dT_ad|", "RCP, |dS|max FWHM", "area under |dS|")
    return Table(
        title,
        rows,
        note="RCP and area count the transition alone, without the elastic background. Compression and decompression "
        "are one-branch values; only the reversible ones come back in every cycle.",
    )


def _comparison_section(result: CalorimetryResult) -> Section | None:
    """The measured material among the published ones."""
    effect = result.effect
    if effect is None:
        return None
    plot = entropy_plot(mine=effect, pressures=[sc.scalar(float(result.pressures[-1]) / 1e6, unit="MPa")])
    caption = "Published materials that state both numbers at one pressure; reversible values filled. " + plot.caption
    return Section(title="Among published materials", figures=[picture(plot.figure, caption)])


def _closure_section(result: CalorimetryResult) -> Section:
    trivial = [f for f in result.closure if f.quantity.startswith(_WITHIN) and f.agrees]
    rows = [
        (f.quantity, f.stated, f.implied, _difference(f), "agrees" if f.agrees else "disagrees", f.remark)
        for f in result.closure
        if f not in trivial
    ]
    return Section(
        title="Does it close?",
        text=[f"In {len(trivial)} of {len(result.peaks)} scans latent heat over entropy change lies within the peak."],
        tables=[Table(("test", "measured", "implied", "difference", "", "what is compared"), rows)],
    )


_WITHIN = "latent heat over entropy change"


def _difference(finding: Finding) -> str:
    return "–" if finding.difference != finding.difference else f"{100 * finding.difference:+.1f} %"


def _uncertainty_section(result: CalorimetryResult) -> Section:
    status = {"given": "measured", "guess": "guess"}
    rows = [(of, value, status[kind]) for of, value, kind in result.errors.table()]
    draws = "no draws" if result.draws is None else f"{result.draws.entropy_change.shape[1] - 1} draws"
    return Section(
        title="What the intervals rest on",
        text=[
            f"{draws}, seed {result.seed}. What all scans share (mass of one sample, sensitivity, both calibrations, "
            "heat capacity, expansion, the choice of the baseline) is drawn once for all of them; noise, limits and "
            "repeatability for each."
        ],
        tables=[Table(("standard uncertainty", "value", "status"), rows, note="measured: given by the user.")],
    )
