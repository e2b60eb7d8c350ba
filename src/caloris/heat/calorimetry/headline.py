"""The headline numbers of a pressure series: what stands in the abstract, each with its interval."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caloris.errors import InputError
from caloris.heat.calorimetry.measured_surfaces import MeasuredSurfaces
from caloris.heat.calorimetry.monte_carlo import ScanDraws
from caloris.heat.calorimetry.peak import Peak
from caloris.heat.calorimetry.series import Ingredients, common_pressures, same_pressure
from caloris.heat.calorimetry.temperatures import DEFINITIONS, Definition
from caloris.heat.calorimetry.uncertainty import Estimate, estimate
from caloris.heat.merit import half_maximum, without_background
from caloris.heat.processes import (
    BRANCHES,
    PROCESSES,
    Process,
    entropy_difference,
    moving_branch,
    reversible_pressure,
    temperature_difference,
    usable,
    window,
)
from caloris.heat.two_phase import Array, Branch

Headline = dict[str, Estimate]
"""By name, such as ``"slope, heating"`` or ``"entropy change, 40 MPa, reversible"``."""

_GRID = 240


@dataclass(frozen=True)
class Draws:
    """Results of every draw; the first, undisturbed draw is kept apart."""

    transition_temperature: Array
    """(scans, draws), K."""
    entropy_change: Array
    """(scans, draws), J/(kg K)."""
    latent_heat: Array
    """(scans, draws), J/kg."""
    numbers: dict[str, Array]
    """By the names of the headline, (draws,)."""
    temperature: dict[float, Array]
    """Grid of the curves by pressure (Pa), K."""
    curves: dict[tuple[str, float, Process], Array]
    """(draws, temperatures) by ``"entropy"`` or ``"temperature"``, pressure (Pa) and process."""


def _span(surfaces: "MeasuredSurfaces | _OnGrid", p: float) -> tuple[float, float]:
    """Lowest beginning and highest end of the transitions of both branches at the lowest and at a high pressure, K."""
    ranges = [surfaces.transition_range(q, b) for q in (surfaces.pressure, p) for b in BRANCHES]
    return min(r[0] for r in ranges), max(r[1] for r in ranges)


def curve_grid(surfaces: MeasuredSurfaces, p: float) -> Array:
    """Return the temperatures at which the curves of a pressure are given, K.

    Parameters
    ----------
    surfaces, p:
        The surfaces and the high pressure, Pa.
    """
    low, high = _span(surfaces, p)
    margin = max(5.0, 0.1 * (high - low))
    return np.linspace(low - margin, high + margin, _GRID)


def curves_of(surfaces: "MeasuredSurfaces | _OnGrid", T: Array, p: float) -> dict[tuple[str, Process], Array]:
    """Return entropy and temperature change of the three processes from the lowest pressure.

    Parameters
    ----------
    surfaces, T, p:
        The surfaces, temperatures (K) and the high pressure (Pa).

    Returns
    -------
    :
        J/(kg K) and K by quantity and process; no temperature change without heat capacities.
    """
    p_0 = surfaces.pressure
    found: dict[tuple[str, Process], Array] = {}
    for process in PROCESSES:
        reversible = process == "reversible"
        dS = entropy_difference(surfaces, T, p, p_0, process)
        found["entropy", process] = usable(surfaces, T, p, p_0, dS, "entropy") if reversible else dS
        if surfaces.heat_capacity is not None:
            dT = temperature_difference(surfaces, T, p, p_0, process)
            found["temperature", process] = usable(surfaces, T, p, p_0, dT, "temperature") if reversible else dT
    return found


def numbers_of(
    surfaces: MeasuredSurfaces, grids: dict[float, Array]
) -> tuple[dict[str, float], dict[tuple[str, float, Process], Array]]:
    """Return the headline numbers of entropy surfaces, and the curves that they come from.

    Parameters
    ----------
    surfaces:
        The surfaces.
    grids:
        Temperatures (K) of the curves by pressure (Pa).

    Returns
    -------
    :
        Numbers by name in K, MPa, J/kg/K ..., and curves.
    """
    numbers: dict[str, float] = {}
    curves: dict[tuple[str, float, Process], Array] = {}
    p_0 = surfaces.pressure
    for branch in BRANCHES:
        if branch in surfaces.measured:
            numbers[f"slope, {branch}"] = float(surfaces.lines[branch].slope(p_0)) * 1e6
    if len(surfaces.measured) == 2:
        for p in pressures_of_both(surfaces):
            T_h, T_c = (float(surfaces.transition_temperature(p, branch)) for branch in BRANCHES)
            numbers[f"hysteresis, {p / 1e6:g} MPa"] = T_h - T_c
        numbers["reversible pressure"] = reversible_pressure_of(surfaces)
    for p, T in grids.items():
        known = _OnGrid(surfaces, T)
        first, last = _span(surfaces, p)
        within = (first <= T) & (last >= T)  # beyond the transitions the elastic part grows without end
        for (quantity, process), values in curves_of(known, T, p).items():
            curves[quantity, p, process] = values
            numbers[f"{quantity} change, {p / 1e6:g} MPa, {process}"] = float(np.max(np.abs(values[within])))
        for process in PROCESSES:
            own = _transition_part(known, T, p, process)
            label = f"{p / 1e6:g} MPa, {process}"
            numbers[f"integrated entropy change, {label}"] = float(np.trapezoid(np.abs(own), T))
            numbers[f"relative cooling power, {label}"] = _relative_cooling_power(T, own)
    return numbers, curves


class _OnGrid:
    """Surfaces that keep the entropies of one grid of temperatures: every process asks for the same four curves."""

    def __init__(self, surfaces: MeasuredSurfaces, T: Array) -> None:
        self._surfaces, self._T = surfaces, T
        self._known: dict[tuple[float, Branch], Array] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._surfaces, name)

    def entropy(self, T: Array, p: float, branch: Branch) -> Array:
        """S(T, p) along a branch, J/(kg K)."""
        if T is not self._T:
            return self._surfaces.entropy(T, p, branch)
        if (p, branch) not in self._known:
            self._known[p, branch] = self._surfaces.entropy(T, p, branch)
        return self._known[p, branch]


def _transition_part(surfaces: "MeasuredSurfaces | _OnGrid", T: Array, p: float, process: Process) -> Array:
    """The part of an entropy change that the transition makes; of a reversible process what comes back."""
    first, last = _span(surfaces, p)
    own = without_background(T, entropy_difference(surfaces, T, p, surfaces.pressure, process), first, last)
    if process != "reversible":
        return own
    return usable(surfaces, T, p, surfaces.pressure, own, "entropy", transition_only=True)


def _relative_cooling_power(T: Array, own: Array) -> float:
    """|dS|max times FWHM, J/kg; NaN where the window cuts the peak."""
    try:
        low, high = half_maximum(T, own)
    except InputError:
        return float("nan")
    return float(np.abs(own).max()) * (high - low)


def pressures_of_both(surfaces: MeasuredSurfaces) -> list[float]:
    """Return the pressures that both branches were measured at, Pa.

    Parameters
    ----------
    surfaces:
        The surfaces.
    """
    return [
        float(p)
        for p in common_pressures(surfaces)
        if all(
            any(same_pressure(float(p), profile.pressure) for profile in family)
            for family in (surfaces.heating, surfaces.cooling)
        )
    ]


_FAR = 10.0
"""A reversible pressure so many times beyond the data is no result."""

UNITS = {
    "slope": "K/MPa",
    "hysteresis": "K",
    "reversible pressure": "MPa",
    "entropy change": "J/kg/K",
    "temperature change": "K",
    "integrated entropy change": "J/kg",
    "relative cooling power": "J/kg",
}
"""Unit of a headline number by the first words of its name."""


def reversible_pressure_of(surfaces: MeasuredSurfaces) -> float:
    """Return the least pressure change of a reversible cycle, MPa; beyond the data along the fitted branch.

    Parameters
    ----------
    surfaces:
        The surfaces.

    Returns
    -------
    :
        NaN where pressure hardly moves the branch.
    """
    try:
        return reversible_pressure(surfaces) / 1e6
    except InputError:
        p_0, highest = surfaces.pressure_range
        slope = abs(float(surfaces.slope(highest, moving_branch(surfaces))))
        missing = -window(surfaces, highest, p_0)
        if slope * _FAR * highest < missing:
            return float("nan")
        return (highest - p_0 + missing / slope) / 1e6


def collect(
    scans: Sequence[ScanDraws], every: Iterable[MeasuredSurfaces] | None, nominal: MeasuredSurfaces | None
) -> Draws:
    """Run through the draws and keep what the headline needs.

    Parameters
    ----------
    scans, every, nominal:
        The draws of the scans, those of the surfaces, and the surfaces themselves; None with one pressure only.

    Returns
    -------
    :
        All of it.
    """
    numbers: dict[str, list[float]] = {}
    curves: dict[tuple[str, float, Process], list[Array]] = {}
    grids = grids_of(nominal)
    for surfaces in every or ():
        try:
            found, lines = numbers_of(surfaces, grids)
        except InputError:  # a draw without a transition where it is asked for
            found = dict.fromkeys(numbers, float("nan"))
            lines = {key: np.full_like(values[0], np.nan) for key, values in curves.items()}
        for name, value in found.items():
            numbers.setdefault(name, []).append(value)
        for key, values in lines.items():
            curves.setdefault(key, []).append(values)
    return Draws(
        np.array([scan.transition_temperature for scan in scans]),
        np.array([scan.entropy_change for scan in scans]),
        np.array([scan.latent_heat for scan in scans]),
        {name: np.array(values) for name, values in numbers.items()},
        grids,
        {key: np.array(values) for key, values in curves.items()},
    )


def grids_of(surfaces: MeasuredSurfaces | None) -> dict[float, Array]:
    """Return the temperatures of the curves of every measured pressure above the lowest.

    Parameters
    ----------
    surfaces:
        None gives none.
    """
    if surfaces is None:
        return {}
    return {float(p): curve_grid(surfaces, float(p)) for p in common_pressures(surfaces)[1:]}


def headline_of(
    peaks: Sequence[Peak], surfaces: MeasuredSurfaces | None, ingredients: Ingredients, draws: Draws | None
) -> Headline:
    """Return the headline numbers with their intervals.

    Parameters
    ----------
    peaks, surfaces, ingredients, draws:
        Of the series; no draws, no intervals.

    Returns
    -------
    :
        By name: of every scan its transition temperature, entropy change and latent heat, then what the series gives.
    """
    found: Headline = {}

    def per_scan(kind: str, number: int, value: float, values: Array | None, unit: str) -> None:
        label = f"{kind}, {peaks[number].scan.name}"
        found[label] = estimate(value, None if values is None else values[number, 1:], unit, _centre(values, number))

    for number, peak in enumerate(peaks):
        T = peak.temperatures[ingredients.definition]
        per_scan("transition temperature", number, T, draws.transition_temperature if draws else None, "K")
        per_scan("transition entropy", number, peak.entropy_change, draws.entropy_change if draws else None, "J/kg/K")
        per_scan("latent heat", number, peak.latent_heat, draws.latent_heat if draws else None, "J/kg")
    if surfaces is None:
        return found
    numbers, _ = numbers_of(surfaces, _fine(surfaces))
    for name, value in numbers.items():
        values = None if draws is None else draws.numbers[name]
        unit = UNITS[name.split(",")[0]]
        centre = None if values is None else float(values[0])
        found[name] = estimate(value, None if values is None else values[1:], unit, centre)
    return found


def _centre(values: Array | None, number: int) -> float | None:
    return None if values is None else float(values[number, 0])


def _fine(surfaces: MeasuredSurfaces) -> dict[float, Array]:
    """Grids that resolve every step of the undisturbed result."""
    found = {}
    for p, T in grids_of(surfaces).items():
        nodes = [T]
        for q in (surfaces.pressure, p):
            for branch in BRANCHES:
                start, finish = surfaces.transition_range(q, branch)
                nodes.append(np.linspace(start, finish, 400))
        found[p] = np.unique(np.concatenate(nodes))
    return found


def hysteresis_by_definition(peaks: Sequence[Peak]) -> dict[float, dict[Definition, float]]:
    """Return T(heating) - T(cooling), mean of all heatings and coolings at each pressure, by every definition.

    Parameters
    ----------
    peaks:
        Of the series.

    Returns
    -------
    :
        K, by pressure (Pa) and definition; only where both were measured.
    """
    groups: list[tuple[float, dict[str, list[Peak]]]] = []
    for peak in sorted(peaks, key=lambda entry: entry.scan.pressure):
        if not groups or not same_pressure(peak.scan.pressure, groups[-1][0]):
            groups.append((peak.scan.pressure, {"heating": [], "cooling": []}))
        groups[-1][1][peak.scan.direction].append(peak)
    found: dict[float, dict[Definition, float]] = {}
    for p, by in groups:
        if by["heating"] and by["cooling"]:
            found[p] = {
                definition: _mean_temperature(by["heating"], definition) - _mean_temperature(by["cooling"], definition)
                for definition in DEFINITIONS
            }
    return found


def _mean_temperature(peaks: Sequence[Peak], definition: Definition) -> float:
    return float(np.mean([peak.temperatures[definition] for peak in peaks]))
