"""Whether the numbers of a simulated table fit together.

- the area under dS(T): by enthalpies (quasi-direct) against volumes alone, - int [V(T_2, p) - V(T_1, p)] dp (Maxwell);
- Clausius-Clapeyron, dT/dp = dV/dS, on each branch;
- (dH/dp)_T = V - T (dV/dT)_p in each phase: an energy without p V, or in another unit, shows here;
- S(high) - S(low) over pressure: by dH/T against heat capacities and expansions.

Two numbers agree if they differ by less than 3 standard errors, or by less than a small part.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipp as sc

from caloris.heat.calorimetry.uncertainty import Estimate
from caloris.heat.processes import window
from caloris.heat.simulated.phases import Phase, flow_work
from caloris.heat.simulated.table import History, Isobar, own_branch
from caloris.heat.two_phase import Array
from caloris.materials import Finding

if TYPE_CHECKING:
    from caloris.heat.simulated.model import SimulatedModel
    from caloris.heat.simulated.simulated_surfaces import SimulatedSurfaces

_PART, _PART_OF_ENTHALPY = 0.05, 0.02
_ERRORS = 3.0
_FINE = 1000
Checks = dict[str, Estimate]


def closure(model: "SimulatedModel", checks: Checks) -> list[Finding]:
    """Compare what was simulated with what the rest of the table implies.

    Parameters
    ----------
    model, checks:
        The simulation, and the numbers to compare, with intervals where there were draws.

    Returns
    -------
    :
        One finding per comparison that the table allows.
    """
    found: list[Finding] = []
    for history, branch in model.branches.items():
        found += _maxwell(model, history, checks)
        if branch.kind != "clausius-clapeyron":
            stated, implied = (checks[f"{name} slope, {history}"] for name in ("mean", "Clausius-Clapeyron"))
            words = "Clausius-Clapeyron, dV/dS; a branch with a hysteresis that changes with pressure need not obey it"
            found.append(finding(f"mean dT/dp, {history}", stated, implied.value, implied.error, words))
    for word, phase in (("low", model.surfaces.low), ("high", model.surfaces.high)):
        found += _enthalpy(phase, checks, word)
    if len(model.both) > 1 and model.surfaces.offset[1]:
        found.append(_entropy(model, checks))
    return found


def finding(quantity: str, stated: Estimate, implied: float, error: float, remark: str, part: float = _PART) -> Finding:
    """Return a comparison.

    Parameters
    ----------
    quantity, stated, implied, error, remark, part:
        What is compared, both numbers, the standard error of the implied one, why they may differ, and the part by
        which they may.
    """
    both = float(np.hypot(*np.nan_to_num([stated.error, error])))
    away = abs(implied - stated.value)
    ratio = implied / stated.value - 1 if stated.value else float("nan")
    words = f"errors allow {_ERRORS * both:.2g} {stated.unit}; " if both > 0 else ""
    return Finding(
        quantity,
        sc.scalar(stated.value, unit=stated.unit),
        sc.scalar(implied, unit=stated.unit),
        ratio,
        bool(away <= max(_ERRORS * both, part * abs(stated.value))),
        words + remark,
    )


def shared_window(bars: Sequence[Isobar]) -> tuple[float, float] | None:
    """Return the temperatures that all isobars of a history reach, K; None if there are none.

    Parameters
    ----------
    bars:
        Of one history.
    """
    low = max(float(bar.temperature[0]) for bar in bars)
    high = min(float(bar.temperature[-1]) for bar in bars)
    return (low, high) if high > low else None


def areas(model: "SimulatedModel", surfaces: "SimulatedSurfaces") -> dict[str, float]:
    """Return the area under the isothermal entropy change of each history over its grid, by enthalpies.

    Parameters
    ----------
    model, surfaces:
        The simulation, and its surfaces or a draw of them.

    Returns
    -------
    :
        J/kg, from the lowest to the highest pressure of the history.
    """
    found = {}
    for history, bars in by_history(model).items():
        reach = shared_window(bars)
        if reach is None or len(bars) < 2:
            continue
        branch = own_branch(history)
        T = np.linspace(*reach, _FINE)
        change = surfaces.entropy(T, bars[-1].pressure, branch) - surfaces.entropy(T, bars[0].pressure, branch)
        found[f"area under the entropy change, {history}"] = float(np.trapezoid(change, T))
    return found


def by_history(model: "SimulatedModel") -> dict[History, list[Isobar]]:
    """Return the isobars of each history, ascending in pressure, of two points or more.

    Parameters
    ----------
    model:
        The simulation.
    """
    found: dict[History, list[Isobar]] = {}
    for entry in model.entries:
        if len(entry.bar.temperature) > 1:
            found.setdefault(entry.bar.history, []).append(entry.bar)
    return found


def _maxwell(model: "SimulatedModel", history: History, checks: Checks) -> Iterator[Finding]:
    stated = checks.get(f"area under the entropy change, {history}")
    if stated is None:
        return
    bars = by_history(model)[history]
    reach = shared_window(bars)
    assert reach is not None
    p = np.array([bar.pressure for bar in bars])
    ends = np.array([np.interp(reach, bar.temperature, bar.volume) for bar in bars])
    errors = np.array([np.interp(reach, bar.temperature, bar.volume_error) for bar in bars]) * model.widened[0]
    weight = 0.5 * (np.diff(p, prepend=p[0]) + np.diff(p, append=p[-1]))
    implied = -float(np.trapezoid(ends[:, 1] - ends[:, 0], p))
    error = float(np.sqrt(np.sum((weight[:, None] * errors) ** 2)))
    yield finding(
        f"area under dS(T) to {p[-1] / 1e6:g} MPa, {reach[0]:g} to {reach[1]:g} K, {history}",
        stated,
        implied,
        float(np.hypot(error, _crossed(model, history, reach, p))),
        "quasi-direct from the enthalpies against Maxwell from the volumes",
    )


def _crossed(model: "SimulatedModel", history: History, reach: tuple[float, float], p: Array) -> float:
    """Error of the trapezoidal rule in pressure where the transition passes an end of the window, J/kg."""
    surfaces = model.surfaces
    branch = own_branch(history)
    T = surfaces.transition_temperature(p, branch)
    _, _, dV = surfaces.transition_changes(float(p[0]))
    crossed = sum(bool(T.min() < end < T.max()) for end in reach)
    return float(np.sqrt(crossed / 12) * abs(dV) * np.diff(p).max())


def _enthalpy(phase: Phase, checks: Checks, word: str) -> Iterator[Finding]:
    """Enthalpy of a phase over pressure against V - T dV/dT."""
    name = f"enthalpy over pressure, {word}"
    if name not in checks:
        return
    pressures = sorted(phase.constants)
    T = phase.volume.centre
    work = [float(flow_work(phase.volume, T, p, phase.reference)) for p in (pressures[0], pressures[-1])]
    own = checks[name]
    flow = work[1] - work[0]
    stated = Estimate(flow + own.value, flow + own.low, flow + own.high, "J/kg")
    remark = f"simulated against int (V - T dV/dT) dp at {T:.0f} K"
    missing = float(phase.volume.volume(T, pressures[-1])) * (pressures[-1] - pressures[0])
    if abs(own.value + missing) < 0.2 * missing:
        remark += "; the difference is about p V: is it an energy instead of an enthalpy?"
    label = f"enthalpy of the {word} phase, {pressures[0] / 1e6:g} to {pressures[-1] / 1e6:g} MPa"
    yield finding(label, stated, flow, 0.0, remark, _PART_OF_ENTHALPY)


def _entropy(model: "SimulatedModel", checks: Checks) -> Finding:
    surfaces = model.surfaces
    own = checks["entropy over pressure"]
    p = surfaces.pressures[1]
    T = float(surfaces.transition_temperature(p, "equilibrium"))
    low, high = surfaces.phase_entropies(T, p)
    dS = float(high - low)
    stated = Estimate(dS, dS + own.low - own.value, dS + own.high - own.value, "J/kg/K")
    remark = "by dH/T at each pressure against dH/T at the lowest one with heat capacities and expansions"
    return finding(f"entropy of transition at {p / 1e6:g} MPa", stated, dS - own.value, 0.0, remark)


def crossed_branches(surfaces: "SimulatedSurfaces", pressures: Array) -> list[float]:
    """Return the pressures (Pa) at which the cooling branch lies above the heating branch.

    Parameters
    ----------
    surfaces, pressures:
        The surfaces, and Pa.
    """
    return [float(p) for p in pressures if window(surfaces, float(p), float(p)) > 1e-6]
