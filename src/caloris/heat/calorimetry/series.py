"""A pressure series: peaks of all scans put together into two families of entropy curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from caloris.errors import InputError
from caloris.heat.calorimetry.measured_surfaces import MeasuredSurfaces, Profile, profile_of
from caloris.heat.calorimetry.peak import Definition, Peak
from caloris.heat.calorimetry.phase_diagram import Shape, TransitionLine, fit_line
from caloris.heat.calorimetry.phase_heat_capacity import Curve, PhaseHeatCapacity
from caloris.heat.calorimetry.segments import Direction
from caloris.heat.calorimetry.volume import Volume
from caloris.heat.two_phase import HYSTERESIS_UNKNOWN, Array, Branch

_SAME_PRESSURE = 0.01
"""Scans whose pressures differ by less than this part (or 0.05 MPa) repeat one another."""


@dataclass(frozen=True)
class Ingredients:
    """What turns peaks into entropy surfaces, besides the peaks."""

    definition: Definition = "T50"
    shape: Shape = "linear"
    heat_capacity: PhaseHeatCapacity | None = None
    volume: Volume | None = None
    pressure_error: float = 0.0
    """Of one scan, Pa."""
    temperature_error: float = 0.0
    """Of one scan, K."""
    assumed: tuple[str, ...] = field(default=())


def profile_of_peak(peak: Peak, ingredients: Ingredients) -> Profile:
    """Return what a transition adds to the entropy, from its peak.

    Parameters
    ----------
    peak, ingredients:
        A peak, and how to read it.

    Returns
    -------
    :
        The profile.
    """
    scan, inside = peak.scan, slice(peak.window.first, peak.window.last + 1)
    return profile_of(
        scan.pressure,
        peak.temperatures[ingredients.definition],
        scan.direction,
        scan.temperature[inside],
        peak.integral.cumulative_entropy[0],
        ingredients.heat_capacity,
    )


def together(profiles: Sequence[Profile]) -> tuple[Profile, ...]:
    """Sort profiles by pressure and take the mean of those that repeat one another.

    Parameters
    ----------
    profiles:
        Of one branch.

    Returns
    -------
    :
        One profile per pressure, ascending.
    """
    groups: list[list[Profile]] = []
    for profile in sorted(profiles, key=lambda entry: entry.pressure):
        if groups and profile.pressure - groups[-1][0].pressure <= max(5e4, _SAME_PRESSURE * profile.pressure):
            groups[-1].append(profile)
        else:
            groups.append([profile])
    return tuple(group[0] if len(group) == 1 else _mean(group) for group in groups)


def _mean(group: Sequence[Profile]) -> Profile:
    """Mean of repeated scans, at equal distance from the transition temperature."""
    T_t = float(np.mean([profile.transition_temperature for profile in group]))
    moved = [profile.shifted(T_t - profile.transition_temperature) for profile in group]
    T = np.unique(np.concatenate([profile.temperature for profile in moved]))
    sigma = np.mean([np.interp(T, profile.temperature, profile.entropy) for profile in moved], axis=0)
    names = ("pressure", "change", "start", "finish")
    return replace(
        moved[0],
        temperature=T,
        entropy=np.asarray(sigma),
        **{name: float(np.mean([getattr(profile, name) for profile in moved])) for name in names},
    )


def surfaces_of(profiles: Mapping[Direction, Sequence[Profile]], ingredients: Ingredients) -> MeasuredSurfaces:
    """Put the profiles of both branches into entropy surfaces.

    Parameters
    ----------
    profiles:
        By branch; one branch may be missing.
    ingredients:
        The rest.

    Returns
    -------
    :
        The surfaces.

    Raises
    ------
    InputError
        If no branch has two pressures.
    """
    families = {branch: together(profiles.get(branch, ())) for branch in ("heating", "cooling")}
    if not families["heating"] and not families["cooling"]:
        raise InputError("calorimetry: no transition in any scan")
    for branch, other in (("heating", "cooling"), ("cooling", "heating")):
        if not families[branch]:
            families[branch] = families[other]
    if min(map(len, families.values())) < 2:
        count = {branch: len(family) for branch, family in families.items()}
        raise InputError(
            f"calorimetry: entropy change needs scans at two pressures or more on each branch, found "
            f"{count['heating']} on heating and {count['cooling']} on cooling"
        )
    lines: dict[Branch, TransitionLine] = {
        "heating": branch_line(families["heating"], ingredients),
        "cooling": branch_line(families["cooling"], ingredients),
    }
    lowest = min(profile.temperature[0] for family in families.values() for profile in family)
    return MeasuredSurfaces(
        families["heating"],
        families["cooling"],
        lines,
        ingredients.heat_capacity,
        ingredients.volume,
        anchor=float(lowest) - 10.0,
    )


def branch_line(family: Sequence[Profile], ingredients: Ingredients) -> TransitionLine:
    """Fit the transition temperatures of one branch.

    Parameters
    ----------
    family, ingredients:
        Profiles at different pressures, and the errors and the shape of the fit.

    Returns
    -------
    :
        The line; a straight one where there are too few pressures for the shape.
    """
    shape: Shape = ingredients.shape if len(family) > 2 else "linear"
    return fit_line(
        np.array([profile.pressure for profile in family]),
        np.array([profile.transition_temperature for profile in family]),
        ingredients.pressure_error,
        ingredients.temperature_error,
        shape,
    )


def assumed_of(directions: set[Direction], ingredients: Ingredients) -> tuple[str, ...]:
    """Say what the data do not hold and the result takes.

    Parameters
    ----------
    directions:
        The branches that were measured.
    ingredients:
        The rest.

    Returns
    -------
    :
        One sentence each.
    """
    found = list(ingredients.assumed)
    if len(directions) < 2:
        found.append(HYSTERESIS_UNKNOWN.replace("not on the card", "only one branch was measured"))
        found.append(HYSTERESIS_UNKNOWN)
    if ingredients.heat_capacity is None:
        found.append(
            "heat capacity not given: the entropy change is that of the transition alone, as if both phases had the "
            "same; no adiabatic temperature change"
        )
    if ingredients.volume is None:
        found.append(
            "S+ omitted (no volumes given): this overestimates an inverse and underestimates a conventional effect, by "
            "(dV/dT) (p - p_low) of the low phase; an expansion of 1e-4 /K at 1500 kg/m3 makes 6.7 J/kg/K at 100 MPa"
        )
    return tuple(found)


def heat_capacity_from_scans(peaks: Sequence[Peak]) -> PhaseHeatCapacity:
    """Take the heat capacities of both phases from beside the peaks of blank-subtracted scans.

    Parameters
    ----------
    peaks:
        Of scans from which the empty cell was subtracted.

    Returns
    -------
    :
        One constant per phase: the median over the scans.

    Raises
    ------
    InputError
        If a scan still holds the offset of the calorimeter, or a heat capacity is not positive.
    """
    low, high = [], []
    for peak in peaks:
        scan, window = peak.scan, peak.window
        if not scan.blank_subtracted:
            raise InputError(
                f"heat_capacity: {scan.name} has no blank run subtracted, so its heat flow holds the calorimeter's "
                "offset; give blank=... or heat capacities"
            )
        before, after = slice(window.begin, window.first), slice(window.last + 1, window.end + 1)
        first, second = (_mean_heat_capacity(peak, part) for part in (before, after))
        low.append(first if scan.direction == "heating" else second)
        high.append(second if scan.direction == "heating" else first)
    values = float(np.median(low)), float(np.median(high))
    if min(values) <= 0:
        raise InputError(
            f"heat_capacity: the scans give {values[0]:g} and {values[1]:g} J/kg/K; is the blank the right one?"
        )
    at = np.array([300.0])
    return PhaseHeatCapacity(
        Curve(at, np.array(values[:1])), Curve(at, np.array(values[1:])), "from the scans, blank run subtracted"
    )


def _mean_heat_capacity(peak: Peak, part: slice) -> float:
    """Heat over temperature difference of a stretch beside the peak."""
    t, T, q = peak.scan.time[part], peak.scan.temperature[part], peak.scan.heat_flow[part]
    heat = float(np.trapezoid(q, t))
    return heat / float(T[-1] - T[0])


def common_pressures(surfaces: MeasuredSurfaces) -> Array:
    """Return the measured pressures within the range of both branches, ascending, Pa.

    Parameters
    ----------
    surfaces:
        The surfaces.
    """
    low, high = surfaces.pressure_range
    every = sorted(profile.pressure for family in (surfaces.heating, surfaces.cooling) for profile in family)
    kept: list[float] = []
    for p in every:
        if low - 1 <= p <= high + 1 and (not kept or p - kept[-1] > max(5e4, _SAME_PRESSURE * p)):
            kept.append(p)
    return np.array(kept)
