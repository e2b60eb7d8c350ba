"""Whether the numbers of a pressure series fit together.

- latent heat over entropy change lies within the peak;
- dS_t(p) = dS_t(p_0) + (C_high - C_low) ln(T_t(p)/T_t(p_0)) - (e_high - e_low) (p - p_0), with e = (dV/dT)_p;
- Clausius-Clapeyron, dT/dp = dV/dS, on each branch;
- the Maxwell route from the volumes against the quasi-direct entropy change;
- max |dS| <= |dS_t| + |S+| + |(C_high - C_low) ln(...)|.
"""

from collections.abc import Sequence

import numpy as np
import scipp as sc

from caloris.heat.calorimetry.measured_surfaces import MeasuredSurfaces
from caloris.heat.calorimetry.peak import Peak
from caloris.heat.calorimetry.series import common_pressures, heat_capacity_beside, same_pressure
from caloris.heat.processes import BRANCHES, PROCESSES, entropy_difference, families
from caloris.heat.two_phase import Array, Branch
from caloris.materials import Finding

_TOLERANCE = 0.05


def closure(peaks: Sequence[Peak], surfaces: MeasuredSurfaces | None) -> list[Finding]:
    """Compare what was measured with what the rest of the data implies.

    Parameters
    ----------
    peaks, surfaces:
        Of a series; no surfaces where there was one pressure only.

    Returns
    -------
    :
        One finding per comparison that the data allow.
    """
    found = [_heat_over_entropy(peak) for peak in peaks]
    if surfaces is None:
        return found
    found += _branches_agree(peaks)
    found += _heat_capacities(peaks, surfaces)
    for branch in BRANCHES:
        found += _entropy_over_pressure(peaks, surfaces, branch)
        found += _clausius_clapeyron(surfaces, branch)
    return [*found, *maxwell_route(surfaces), _largest_change(surfaces)]


def _finding(
    quantity: str, stated: float, implied: float, unit: str, remark: str, tolerance: float = _TOLERANCE
) -> Finding:
    difference = implied / stated - 1 if stated else float("nan")
    return Finding(
        quantity,
        sc.scalar(stated, unit=unit),
        sc.scalar(implied, unit=unit),
        difference,
        bool(abs(difference) <= tolerance),
        remark,
    )


def _heat_over_entropy(peak: Peak) -> Finding:
    T = peak.latent_heat / peak.entropy_change
    low, high = sorted((peak.temperatures["start"], peak.temperatures["finish"]))
    inside = low - 0.5 <= T <= high + 0.5
    return Finding(
        f"latent heat over entropy change, {peak.scan.name}",
        sc.scalar(peak.temperatures["T50"], unit="K"),
        sc.scalar(T, unit="K"),
        T / peak.temperatures["T50"] - 1,
        inside,
        f"L/dS must lie within the peak, {low:.1f} to {high:.1f} K",
    )


def _branches_agree(peaks: Sequence[Peak]) -> list[Finding]:
    """Above the transition heating and cooling meet: their entropies of transition differ little."""
    found = []
    groups: list[tuple[float, dict[str, list[float]]]] = []
    for peak in sorted(peaks, key=lambda entry: entry.scan.pressure):
        if not groups or not same_pressure(peak.scan.pressure, groups[-1][0]):
            groups.append((peak.scan.pressure, {}))
        groups[-1][1].setdefault(peak.scan.direction, []).append(peak.entropy_change)
    for p, both in groups:
        if len(both) == 2:
            up, down = (float(np.mean(both[direction])) for direction in ("heating", "cooling"))
            remark = "both branches end in one high phase; heat capacities make the rest"
            found.append(
                _finding(f"entropy on heating and on cooling, {p / 1e6:g} MPa", up, down, "J/kg/K", remark, 0.1)
            )
    return found


def _heat_capacities(peaks: Sequence[Peak], surfaces: MeasuredSurfaces) -> list[Finding]:
    """The step of the baseline, and the level of blank-subtracted scans, against the heat capacities used."""
    capacity = surfaces.heat_capacity
    if capacity is None:
        return []
    T = float(np.median([peak.temperatures["T50"] for peak in peaks]))
    low, high = float(capacity.low.at(T)), float(capacity.high.at(T))
    step = float(np.median([peak.heat_capacity_step for peak in peaks]))
    found = [
        Finding(
            "step of the heat capacity",
            sc.scalar(high - low, unit="J/kg/K"),
            sc.scalar(step, unit="J/kg/K"),
            step / (high - low) - 1 if high != low else float("nan"),
            abs(step - (high - low)) <= max(0.15 * low, 0.5 * abs(high - low)),
            "the heat capacities used against the step of the baselines (median over the scans)",
        )
    ]
    found += _by_both_directions(peaks, low)
    levels = [_level(peak) for peak in peaks if peak.scan.blank_subtracted]
    if levels:
        remark = "the heat capacity used against that of the blank-subtracted scans (median)"
        found.append(_finding("heat capacity of the low phase", low, float(np.median(levels)), "J/kg/K", remark, 0.1))
    return found


def _by_both_directions(peaks: Sequence[Peak], low: float) -> list[Finding]:
    """Heat capacity of the low phase from the baselines of heating and cooling: their offset drops out."""
    values = []
    for up in peaks:
        for down in peaks:
            if (up.scan.direction, down.scan.direction) != ("heating", "cooling"):
                continue
            if not same_pressure(up.scan.pressure, down.scan.pressure) or up.scan.blank_subtracted:
                continue
            T_up, q_up = _side(up, slice(0, up.window.first))
            T_down, q_down = _side(down, slice(down.window.last + 1, None))
            low_T, high_T = max(T_up[0], T_down[0]), min(T_up[-1], T_down[-1])
            if high_T - low_T > 1.0:
                T = np.linspace(low_T, high_T, 50)
                flow = np.interp(T, T_up, q_up) - np.interp(T, T_down, q_down)
                values.append(float(np.median(flow)) / (up.scan.rate - down.scan.rate))
    if not values:
        return []
    remark = (
        "the heat capacity used against half the distance of the heating and cooling baselines; the empty cell adds"
    )
    return [_finding("heat capacity, heating against cooling", low, float(np.median(values)), "J/kg/K", remark, 0.5)]


def _side(peak: Peak, part: slice) -> tuple[Array, Array]:
    """Temperature, ascending, and heat flow of a stretch beside a peak."""
    order = np.argsort(peak.scan.temperature[part])
    return peak.scan.temperature[part][order], peak.scan.heat_flow[part][order]


def _level(peak: Peak) -> float:
    """Heat capacity of the low phase beside a peak, J/(kg K)."""
    scan, window = peak.scan, peak.window
    before, after = slice(window.begin, window.first), slice(window.last + 1, window.end + 1)
    return heat_capacity_beside(peak, before if scan.direction == "heating" else after)


def _entropy_over_pressure(peaks: Sequence[Peak], surfaces: MeasuredSurfaces, branch: Branch) -> list[Finding]:
    """The change of the transition entropy with pressure, from heat capacities and expansions."""
    capacity, volume = surfaces.heat_capacity, surfaces.volume
    if capacity is None or volume is None or volume.high is None:
        return []
    own = sorted((peak for peak in peaks if peak.scan.direction == branch), key=lambda peak: peak.scan.pressure)
    found = []
    for peak in own[1:]:
        T_0, T = own[0].temperatures["T50"], peak.temperatures["T50"]
        p_0, p = own[0].scan.pressure, peak.scan.pressure
        by_heat = (capacity.high.entropy(T) - capacity.high.entropy(T_0)) - (
            capacity.low.entropy(T) - capacity.low.entropy(T_0)
        )
        by_volume = volume.high.entropy(T, p, p_0) - volume.low.entropy(T, p, p_0)
        found.append(
            _finding(
                f"entropy of transition, {peak.scan.name}",
                peak.entropy_change,
                own[0].entropy_change + float(by_heat) + float(by_volume),
                "J/kg/K",
                f"from {own[0].scan.name}, with the heat capacities and expansions of both phases",
            )
        )
    return found


def _clausius_clapeyron(surfaces: MeasuredSurfaces, branch: Branch) -> list[Finding]:
    volume = surfaces.volume
    if volume is None or volume.high is None:
        return []
    p = 0.5 * sum(surfaces.pressure_range)
    profiles = surfaces.cooling if branch == "cooling" else surfaces.heating
    T = float(surfaces.transition_temperature(p, branch))
    dS = float(np.interp(p, [f.pressure for f in profiles], [f.change for f in profiles]))
    return [
        _finding(
            f"dT/dp at {p / 1e6:g} MPa, {branch}",
            float(surfaces.slope(p, branch)) * 1e6,
            float(volume.change(T, p)) / dS * 1e6,
            "K/MPa",
            "Clausius-Clapeyron, dV/dS; a branch with a hysteresis that changes with pressure need not obey it",
        )
    ]


def maxwell_route(surfaces: MeasuredSurfaces) -> list[Finding]:
    """Compare dS = - int (dV/dT)_p dp from the volumes with the quasi-direct entropy change.

    Parameters
    ----------
    surfaces:
        With volumes of both phases.

    Returns
    -------
    :
        On each branch at one temperature, midway between the transition temperatures of the lowest and the highest
        pressure: the low or high phase expands up to the transition, dV dp/dT_t at it, the other phase after it.
    """
    volume = surfaces.volume
    if volume is None or volume.high is None:
        return []
    from scipy.optimize import brentq

    low, high = surfaces.pressure_range
    found = []
    for process in ("compression", "decompression"):
        branch = families(surfaces, process)[0]
        ends = [float(surfaces.transition_temperature(p, branch)) for p in (low, high)]
        T = 0.5 * sum(ends)
        p_t = float(brentq(lambda p, b=branch, T=T: float(surfaces.transition_temperature(p, b)) - T, low, high))
        first, last = (volume.low, volume.high) if surfaces.is_inverse else (volume.high, volume.low)
        jump = float(volume.change(T, p_t)) / abs(float(surfaces.slope(p_t, branch)))
        change = float(first.entropy(T, p_t, low) + last.entropy(T, high, p_t)) - jump
        sign = -1.0 if process == "decompression" else 1.0
        stated = float(entropy_difference(surfaces, np.array([T]), high, low, process)[0])
        found.append(
            _finding(
                f"entropy change at {T:.1f} K to {high / 1e6:g} MPa, {process}",
                stated,
                sign * change,
                "J/kg/K",
                "Maxwell route from the volumes and the branch, against quasi-direct",
            )
        )
    return found


def _largest_change(surfaces: MeasuredSurfaces) -> Finding:
    """No entropy change can be larger than transition, expansion and heat capacities allow."""
    low, high = surfaces.pressure_range
    ranges = [surfaces.transition_range(p, b) for p in common_pressures(surfaces) for b in BRANCHES]
    T = np.linspace(min(r[0] for r in ranges) - 10, max(r[1] for r in ranges) + 10, 800)
    largest = max(float(np.abs(entropy_difference(surfaces, T, high, low, process)).max()) for process in PROCESSES)
    bound = max(profile.change for family in (surfaces.heating, surfaces.cooling) for profile in family)
    if surfaces.volume is not None:
        bound += float(np.abs(surfaces.volume.low.entropy(T, high, low)).max())
    if surfaces.heat_capacity is not None:
        difference = surfaces.heat_capacity.high.at(T) - surfaces.heat_capacity.low.at(T)
        bound += float(np.abs(difference).max()) * float(np.log(T[-1] / T[0]))
    return Finding(
        "largest |dS| against its bound",
        sc.scalar(largest, unit="J/kg/K"),
        sc.scalar(bound, unit="J/kg/K"),
        bound / largest - 1,
        largest <= 1.001 * bound,
        "max |dS| <= |dS_t| + |S+| + heat capacities",
    )
