"""What a reader of a pressure series must know: scatter, scans that were left out, data that were stretched."""

from collections.abc import Iterator, Sequence

import numpy as np

from caloris.heat.calorimetry.calibration import Calibration
from caloris.heat.calorimetry.headline import pressures_of_both
from caloris.heat.calorimetry.measured_surfaces import MeasuredSurfaces
from caloris.heat.calorimetry.peak import Peak
from caloris.heat.calorimetry.series import Ingredients, excess_scatter, same_pressure
from caloris.heat.calorimetry.volume import PhaseVolume, Volume
from caloris.heat.processes import BRANCHES, window

_MUCH_SCATTER = 4.0
"""Reduced chi square of a branch."""
_RATES_DIFFER = 0.2
_LEAST_ENTROPY, _MOST_ENTROPY = 0.5, 3000.0
"""J/(kg K): from weak magnetic transitions to the melting of light molecules."""
_FASTEST = 50.0 / 60
"""K/s."""
_HEAVIEST = 1e-3
"""kg."""
_REPEATS_DIFFER = 0.05
_FAR_STANDARD = 50.0
"""A melting standard farther away than this (K) says little."""
_STRETCH = 10.0
"""Data used this far beyond their range (K) are worth a word."""


def cautions(
    peaks: Sequence[Peak],
    surfaces: MeasuredSurfaces | None,
    ingredients: Ingredients,
    calibration: Calibration | None = None,
) -> Iterator[str]:
    """Yield what a reader must know of a series, one sentence each.

    Parameters
    ----------
    peaks, surfaces, ingredients, calibration:
        Of the series.

    Yields
    ------
    :
        Sentences.
    """
    yield from _implausible(peaks)
    yield from _twice(peaks)
    yield from _rates(peaks)
    yield from _repeats(peaks, ingredients)
    yield from _left_out(peaks, surfaces)
    if calibration is not None:
        yield from _calibration(peaks, calibration)
    if surfaces is None:
        return
    yield from _scatter(peaks, surfaces, ingredients)
    yield from _entropies(peaks)
    yield from _branches(surfaces)
    yield from _stretched(surfaces)
    if ingredients.shape == "quadratic" and "linear" in {surfaces.lines[b].shape for b in surfaces.measured}:
        yield "too few pressures for a quadratic line: the branches are fitted straight"
    blanks = {peak.scan.blank_pressure for peak in peaks if peak.scan.blank_subtracted}
    pressures = {peak.scan.pressure for peak in peaks}
    if len(blanks) == 1 and len(pressures) > 1:
        yield "one blank run is subtracted at all pressures; the empty cell changes with pressure"


def _implausible(peaks: Sequence[Peak]) -> Iterator[str]:
    """Numbers that no solid has: a unit or a mass is wrong by orders of magnitude."""
    for peak in peaks:
        scan = peak.scan
        found = []
        if not _LEAST_ENTROPY < peak.entropy_change < _MOST_ENTROPY:
            found.append(f"an entropy of transition of {peak.entropy_change:.3g} J/kg/K")
        if abs(scan.rate) > _FASTEST:
            found.append(f"a rate of {60 * scan.rate:.3g} K/min")
        if scan.mass is not None and scan.mass > _HEAVIEST:
            found.append(f"a sample of {scan.mass * 1e3:.3g} g")
        if found:
            yield f"{scan.name}: {' and '.join(found)}: is the unit of mass, heat flow or time right?"
            return


def _twice(peaks: Sequence[Peak]) -> Iterator[str]:
    """One scan under two names counts twice."""
    for number, peak in enumerate(peaks):
        for other in peaks[:number]:
            same = len(peak.scan.heat_flow) == len(other.scan.heat_flow) and peak.scan.pressure == other.scan.pressure
            if same and np.array_equal(peak.scan.heat_flow, other.scan.heat_flow):
                yield f"{peak.scan.name} holds the same numbers as {other.scan.name}: one file given twice?"


def _rates(peaks: Sequence[Peak]) -> Iterator[str]:
    rates = np.array([60 * abs(peak.scan.rate) for peak in peaks])
    if rates.max() > (1 + _RATES_DIFFER) * rates.min():
        yield (
            f"the scans run at {rates.min():.3g} to {rates.max():.3g} K/min: thermal lag moves the transition "
            "temperatures by different amounts"
        )


def _repeats(peaks: Sequence[Peak], ingredients: Ingredients) -> Iterator[str]:
    """Scans at one pressure and in one direction that do not repeat one another."""
    groups: list[list[Peak]] = []
    for peak in sorted(peaks, key=lambda entry: (entry.scan.direction, entry.scan.pressure)):
        last = groups[-1][0].scan if groups else None
        if last and last.direction == peak.scan.direction and same_pressure(last.pressure, peak.scan.pressure):
            groups[-1].append(peak)
        else:
            groups.append([peak])
    for group in groups:
        T = np.array([peak.temperatures[ingredients.definition] for peak in group])
        dS = np.array([peak.entropy_change for peak in group])
        scan = group[0].scan
        if np.ptp(T) > max(6 * ingredients.temperature_error, 0.3) or np.ptp(dS) > _REPEATS_DIFFER * dS.mean():
            yield (
                f"{len(group)} scans at {scan.pressure / 1e6:g} MPa on {scan.direction} differ by {np.ptp(T):.2f} K "
                f"and {100 * np.ptp(dS) / dS.mean():.1f} % in entropy; their mean is used (leave out a first cycle "
                "that differs)"
            )


def _left_out(peaks: Sequence[Peak], surfaces: MeasuredSurfaces | None) -> Iterator[str]:
    """Scans that the caloric effect does not use, and branches that are interpolated."""
    directions = {peak.scan.direction for peak in peaks}
    if surfaces is None:
        every = _distinct([peak.scan.pressure for peak in peaks])
        by = {
            d: _distinct([peak.scan.pressure for peak in peaks if peak.scan.direction == d]) for d in sorted(directions)
        }
        few = [direction for direction, pressures in by.items() if len(pressures) < 2]
        for direction in few if len(every) > 1 else ():
            yield f"{direction} was measured at one pressure only: no caloric effect, no slope"
        if not few:
            yield "heating and cooling were not measured over a common range of pressures: no caloric effect"
        return
    low, high = surfaces.pressure_range
    for peak in peaks:
        p = peak.scan.pressure
        if not low - 1 <= p <= high + 1 and not (same_pressure(p, low) or same_pressure(p, high)):
            yield (
                f"{peak.scan.name}: not part of the caloric effect, because the other branch was not measured "
                f"{'below' if p < low else 'above'} {low / 1e6 if p < low else high / 1e6:g} MPa"
            )
    if len(surfaces.measured) == 2:
        both = pressures_of_both(surfaces)
        single = [p for p in surfaces_pressures(surfaces) if not any(same_pressure(p, q) for q in both)]
        inside = [f"{p / 1e6:g}" for p in single if low < p < high]
        if inside:
            yield f"at {', '.join(inside)} MPa only one branch was measured; the other is interpolated there"


def _distinct(pressures: Sequence[float]) -> list[float]:
    """Pressures (Pa) that do not count as one."""
    kept: list[float] = []
    for p in sorted(pressures):
        if not kept or not same_pressure(p, kept[-1]):
            kept.append(p)
    return kept


def surfaces_pressures(surfaces: MeasuredSurfaces) -> list[float]:
    """Return every pressure of either branch, ascending, Pa.

    Parameters
    ----------
    surfaces:
        The surfaces.
    """
    return sorted({profile.pressure for family in (surfaces.heating, surfaces.cooling) for profile in family})


def _scatter(peaks: Sequence[Peak], surfaces: MeasuredSurfaces, ingredients: Ingredients) -> Iterator[str]:
    for branch in BRANCHES:
        line = surfaces.lines[branch]
        own = [peak for peak in peaks if peak.scan.direction == branch]
        if not own or not line.reduced_chi_square > _MUCH_SCATTER:
            continue
        more = excess_scatter(surfaces, branch, ingredients)
        if more**2 < _MUCH_SCATTER:
            yield f"the {branch} branch bends: the straight line leaves more than the errors say; try a quadratic one"
            continue
        far = [peak.temperatures[ingredients.definition] - float(line.temperature(peak.scan.pressure)) for peak in own]
        worst = int(np.argmax(np.abs(far)))
        yield (
            f"the transition temperatures on {branch} scatter {more:.1f} times more than their errors say "
            f"(farthest from the {line.shape} line: {own[worst].scan.name}, {far[worst]:+.2f} K); is a "
            "pressure wrong, or another peak chosen? The intervals are widened by that"
        )


def _calibration(peaks: Sequence[Peak], calibration: Calibration) -> Iterator[str]:
    """Standards that were measured far from the scans."""
    for name in sorted({pt.standard.name for pt in calibration.points if "estimate" in pt.standard.source}):
        yield f"the pressure dependence of the melting of {name} is an estimate; give a Standard of your own if known"
    standards = np.array([[point.onset_read, point.pressure] for point in calibration.points])
    T = np.array([peak.temperatures["T50"] for peak in peaks])
    p = np.array([peak.scan.pressure for peak in peaks])
    if T.min() < standards[:, 0].min() - _FAR_STANDARD or T.max() > standards[:, 0].max() + _FAR_STANDARD:
        yield (
            f"the melting standards lie at {standards[:, 0].min():.0f} to {standards[:, 0].max():.0f} K, the "
            f"transitions at {T.min():.0f} to {T.max():.0f} K: the calibration is held beyond the standards"
        )
    if p.max() > 1.1 * standards[:, 1].max() + 1e6:
        yield (
            f"the melting standards were measured up to {standards[:, 1].max() / 1e6:g} MPa, the scans up to "
            f"{p.max() / 1e6:g} MPa: the calibration is held beyond"
        )


def _entropies(peaks: Sequence[Peak]) -> Iterator[str]:
    """Entropies of transition that do not lie on one straight line over pressure."""
    p = np.array([peak.scan.pressure for peak in peaks])
    dS = np.array([peak.entropy_change for peak in peaks])
    degree = 1 if len(np.unique(np.round(p, -3))) > 2 else 0
    far = dS / np.polynomial.Polynomial.fit(p, dS, degree)(p) - 1
    worst = int(np.argmax(np.abs(far)))
    if abs(far[worst]) > _REPEATS_DIFFER:
        yield (
            f"the entropy of transition of {peaks[worst].scan.name} is {100 * far[worst]:+.1f} % off that of the "
            "series; the entropy curves use one high phase for all scans, fitted through them"
        )


def _branches(surfaces: MeasuredSurfaces) -> Iterator[str]:
    if len(surfaces.measured) < 2:
        return
    crossed = [p for p in pressures_of_both(surfaces) if window(surfaces, p, p) > 0.02]
    if crossed:
        words = ", ".join(f"{p / 1e6:g}" for p in crossed)
        yield f"the cooling branch lies above the heating branch at {words} MPa: no hysteresis, or files exchanged?"
    slopes = [float(surfaces.lines[branch].slope(surfaces.pressure)) for branch in BRANCHES]
    if slopes[0] * slopes[1] < 0:
        yield "the branches move in opposite directions under pressure: is each scan given its own pressure?"


def _stretched(surfaces: MeasuredSurfaces) -> Iterator[str]:
    """Volumes and heat capacities used far beyond their range."""
    every = (*surfaces.heating, *surfaces.cooling)
    low = min(float(profile.temperature[0]) for profile in every)
    high = max(float(profile.temperature[-1]) for profile in every)
    volume: Volume | None = surfaces.volume
    for phase in () if volume is None else (volume.low, volume.high):
        if phase is not None:
            yield from _volume_range(phase, low, high, surfaces.pressure_range[1])
    capacity = surfaces.heat_capacity
    for name, curve in () if capacity is None else (("low", capacity.low), ("high", capacity.high)):
        T = curve.temperature
        if len(T) > 1 and (low < T[0] - _STRETCH or high > T[-1] + _STRETCH):
            yield (
                f"the heat capacity of the {name} phase is known from {T[0]:.0f} to {T[-1]:.0f} K and held beyond; the "
                f"transitions span {low:.0f} to {high:.0f} K"
            )


def _volume_range(phase: PhaseVolume, low: float, high: float, highest: float) -> Iterator[str]:
    if low < phase.temperatures[0] - 3 * _STRETCH or high > phase.temperatures[1] + 3 * _STRETCH:
        yield (
            f"the volume of {phase.name} is known from {phase.temperatures[0]:.0f} to {phase.temperatures[1]:.0f} K "
            f"and extrapolated; the transitions span {low:.0f} to {high:.0f} K"
        )
    if phase.highest_pressure < 0.5 * highest:
        yield (
            f"the volume of {phase.name} is known up to {phase.highest_pressure / 1e6:g} MPa; its expansion is taken "
            f"the same up to {highest / 1e6:g} MPa"
        )
