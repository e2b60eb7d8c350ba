"""A pressure series: peaks of all scans put together into two families of entropy curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from caloris.errors import InputError
from caloris.heat.calorimetry.measured_surfaces import MeasuredSurfaces, Profile, profile_of
from caloris.heat.calorimetry.peak import Peak
from caloris.heat.calorimetry.phase_diagram import Shape, TransitionLine, fit_line
from caloris.heat.calorimetry.phase_heat_capacity import Curve, PhaseHeatCapacity
from caloris.heat.calorimetry.segments import Direction
from caloris.heat.calorimetry.temperatures import Definition
from caloris.heat.calorimetry.volume import Volume
from caloris.heat.two_phase import HYSTERESIS_UNKNOWN, Array, Branch

_SAME_PRESSURE, _SAME_PRESSURE_LOW = 0.008, 0.2e6
"""Scans whose pressures differ by less than this part, or this many Pa, are scans at one pressure."""


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


def same_pressure(p: float, other: float) -> bool:
    """Return whether two pressures (Pa) count as one: a gauge never shows the same twice."""
    return abs(p - other) <= max(_SAME_PRESSURE_LOW, _SAME_PRESSURE * max(p, other))


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
        if groups and same_pressure(profile.pressure, groups[-1][0].pressure):
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
    families: dict[Direction, tuple[Profile, ...]] = {
        "heating": together(profiles.get("heating", ())),
        "cooling": together(profiles.get("cooling", ())),
    }
    if not families["heating"] and not families["cooling"]:
        raise InputError("calorimetry: no transition in any scan")
    measured = frozenset(branch for branch, family in families.items() if family)
    pairs: tuple[tuple[Direction, Direction], ...] = (("heating", "cooling"), ("cooling", "heating"))
    for branch, other in pairs:
        if not families[branch]:
            families[branch] = families[other]
    if min(map(len, families.values())) < 2:
        count = {branch: len(family) for branch, family in families.items()}
        raise InputError(
            f"calorimetry: entropy change needs scans at two pressures or more on each branch, found "
            f"{count['heating']} on heating and {count['cooling']} on cooling"
        )
    families = one_high_phase(families, ingredients.heat_capacity)
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
        measured=measured,
    )


def one_high_phase(
    families: Mapping[Direction, tuple[Profile, ...]], heat_capacity: PhaseHeatCapacity | None
) -> dict[Direction, tuple[Profile, ...]]:
    """Scale profiles so that heating and cooling end in one and the same high phase.

    Above all transitions the entropy is a function of state: at one temperature S(high) - S(low) cannot depend on the
    branch, and changes with pressure as the expansions do, linearly. A straight line through all scans gives it; what
    a scan deviates from that is an error of its calibration or its baseline (see the closure tests), and would
    otherwise count as a reversible effect where nothing transforms.

    Parameters
    ----------
    families:
        Profiles by branch, ascending in pressure.
    heat_capacity:
        Of both phases, or None.

    Returns
    -------
    :
        The profiles, scaled.
    """
    every = [profile for family in families.values() for profile in family]
    T = max(float(profile.temperature[-1]) for profile in every)
    rest = [_beyond(profile, T, heat_capacity) for profile in every]
    ends = np.array([float(profile.entropy[-1]) + more for profile, more in zip(every, rest, strict=True)])
    p = np.array([profile.pressure for profile in every])
    degree = 1 if len(np.unique(np.round(p, -3))) > 1 else 0
    common = np.polynomial.Polynomial.fit(p, ends, degree)
    found = {}
    for branch, family in families.items():
        scaled = []
        for profile in family:
            more = _beyond(profile, T, heat_capacity)
            factor = (float(common(profile.pressure)) - more) / float(profile.entropy[-1])
            scaled.append(replace(profile, entropy=profile.entropy * factor, change=profile.change * factor))
        found[branch] = tuple(scaled)
    return found


def _beyond(profile: Profile, T: float, heat_capacity: PhaseHeatCapacity | None) -> float:
    """What the heat capacities add to S(high) - S(low) from the end of a profile to a temperature."""
    if heat_capacity is None:
        return 0.0
    end = float(profile.temperature[-1])
    high = float(heat_capacity.high.entropy(T) - heat_capacity.high.entropy(end))
    return high - float(heat_capacity.low.entropy(T) - heat_capacity.low.entropy(end))


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


_BENDS = 0.1
"""A branch bends if a quadratic line leaves less than this part of what a straight one does."""


def excess_scatter(surfaces: MeasuredSurfaces | None, branch: Branch, ingredients: Ingredients) -> float:
    """Return how many times more the transition temperatures scatter than their errors say.

    Parameters
    ----------
    surfaces, branch, ingredients:
        The surfaces, one of their branches, and the errors. A branch that only bends does not scatter: with four
        pressures or more the scatter is that about a quadratic line.

    Returns
    -------
    :
        The square root of the reduced chi square, but no less than 1.
    """
    if surfaces is None:
        return 1.0
    chi = surfaces.lines[branch].reduced_chi_square
    family = surfaces.cooling if branch == "cooling" else surfaces.heating
    if surfaces.lines[branch].shape == "linear" and len(family) > 3:
        bent = branch_line(family, replace(ingredients, shape="quadratic")).reduced_chi_square
        chi = bent if bent < _BENDS * chi else chi
    return float(np.sqrt(chi)) if chi > 1 else 1.0


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
        first, second = (heat_capacity_beside(peak, part) for part in (before, after))
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


def heat_capacity_beside(peak: Peak, part: slice) -> float:
    """Return heat over temperature difference of a stretch beside the peak, J/(kg K).

    Parameters
    ----------
    peak, part:
        A peak, and a stretch of its scan.
    """
    t, T, q = peak.scan.time[part], peak.scan.temperature[part], peak.scan.heat_flow[part]
    return float(np.trapezoid(q, t)) / float(T[-1] - T[0])


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
        if low - 1 <= p <= high + 1 and (not kept or not same_pressure(p, kept[-1])):
            kept.append(p)
    return np.array(kept)
