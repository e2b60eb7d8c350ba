"""The headline numbers of a simulated effect and its curves, of the surfaces themselves and of every draw."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from caloris.errors import InputError
from caloris.heat.calorimetry.uncertainty import Estimate, estimate
from caloris.heat.processes import (
    BRANCHES,
    PROCESSES,
    Process,
    families,
    reversible_pressure,
    usable,
)
from caloris.heat.simulated.closure import areas
from caloris.heat.simulated.model import SimulatedModel, clausius_clapeyron
from caloris.heat.simulated.simulated_surfaces import SimulatedSurfaces
from caloris.heat.simulated.table import History, own_branch
from caloris.heat.two_phase import Array, Branch

_GRID = 240
UNITS = {
    "slope": "K/MPa",
    "hysteresis": "K",
    "reversible pressure": "MPa",
    "entropy change": "J/kg/K",
    "temperature change": "K",
    "transition temperature": "K",
    "enthalpy of transition": "J/kg",
    "entropy of transition": "J/kg/K",
    "heat over temperature": "J/kg/K",
    "volume of transition": "m^3/kg",
    "heat capacity": "J/kg/K",
    "expansion": "m^3/kg/K",
    "Clausius-Clapeyron slope": "K/MPa",
    "enthalpy over pressure": "J/kg",
    "entropy over pressure": "J/kg/K",
    "area under the entropy change": "J/kg",
    "mean slope": "K/MPa",
}
"""Unit of a number by the first words of its name."""
CHECKS = (
    "Clausius-Clapeyron slope",
    "mean slope",
    "enthalpy over pressure",
    "entropy over pressure",
    "area under the entropy change",
)
"""Numbers that only the closure tests compare, by their first words."""
Place = tuple[float, Branch]
"""Pressure (Pa) and branch."""
Numbers = dict[str, float]
Curves = dict[tuple[str, float, Process], Array]


@dataclass(frozen=True)
class Drawn:
    """Numbers and curves of every draw."""

    numbers: dict[str, Array]
    """By name, (draws,)."""
    temperature: dict[float, Array]
    """Grid of the curves by pressure (Pa), K."""
    curves: dict[tuple[str, float, Process], Array]
    """(draws, temperatures) by ``"entropy"`` or ``"temperature"``, pressure (Pa) and process."""


def grids_of(surfaces: SimulatedSurfaces, pressures: Array) -> dict[float, Array]:
    """Return the temperatures of the curves of each pressure above the lowest, K.

    Parameters
    ----------
    surfaces, pressures:
        The surfaces, and the simulated pressures, Pa.
    """
    found = {}
    for p in pressures[1:]:
        first, last = span(surfaces, float(p))
        margin = max(10.0, 0.15 * (last - first))
        found[float(p)] = np.linspace(first - margin, last + margin, _GRID)
    return found


def span(surfaces: SimulatedSurfaces, p: float) -> tuple[float, float]:
    """Return the lowest beginning and the highest end of the transitions at the lowest and at a high pressure, K.

    Parameters
    ----------
    surfaces, p:
        The surfaces, and Pa.
    """
    ranges = [surfaces.transition_range(q, branch) for q in (surfaces.pressure, p) for branch in BRANCHES]
    return min(r[0] for r in ranges), max(r[1] for r in ranges)


def numbers_of(model: SimulatedModel, surfaces: SimulatedSurfaces, grids: dict[float, Array]) -> tuple[Numbers, Curves]:
    """Return the numbers of surfaces and the curves that they come from.

    Parameters
    ----------
    model, surfaces, grids:
        The simulation, its surfaces or a draw of them, and temperatures (K) by pressure (Pa).

    Returns
    -------
    :
        Numbers by name in the units of :data:`UNITS`, and curves.
    """
    numbers: Numbers = {}
    curves: Curves = {}
    p_0 = surfaces.pressure
    histories = tuple(model.branches)
    for history in histories:
        branch = own_branch(history)
        numbers[f"slope, {history}"] = float(surfaces.slope(p_0, branch)) * 1e6
    for entry in model.entries:
        if entry.place is not None and entry.bar.pressure in model.both:
            numbers |= _transition(surfaces, entry.bar.pressure, entry.bar.history)
    if len(histories) == 2:
        for p in (p_0, *grids):
            T_h, T_c = (float(surfaces.transition_temperature(p, branch)) for branch in BRANCHES)
            numbers[f"hysteresis, {p / 1e6:g} MPa"] = T_h - T_c
        try:
            numbers["reversible pressure"] = reversible_pressure(surfaces) / 1e6
        except InputError:
            numbers["reversible pressure"] = float("nan")
    numbers |= _consistency(model, surfaces)
    for p, T in grids.items():
        every, within = _with_edges(surfaces, p, T)
        for (process, quantity), values in _changes(surfaces, every, p).items():
            curves[quantity, p, process] = values[: len(T)]
            numbers[f"{quantity} change, {p / 1e6:g} MPa, {process}"] = float(np.abs(values[within]).max())
    return numbers, curves


def _with_edges(surfaces: SimulatedSurfaces, p: float, T: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """A grid and, behind it, both sides of every step; which of these lie where the transitions run."""
    steps = np.ravel([surfaces.transition_range(q, branch) for q in (surfaces.pressure, p) for branch in BRANCHES])
    sides = np.nextafter(steps, 0.0)
    every = np.concatenate([T, np.unique(np.concatenate([steps, sides]))])
    # beyond the transitions the elastic part grows without end
    return every, (every >= sides.min()) & (every <= steps.max())


def _changes(surfaces: SimulatedSurfaces, T: Array, p: float) -> dict[tuple[Process, str], Array]:
    """Entropy and temperature change of every process; each family of entropy curves is evaluated once."""
    p_0 = surfaces.pressure
    single = len(surfaces.simulated) == 1  # both branches are one
    ends: dict[Process, tuple[Place, Place]] = {}
    for process in PROCESSES:
        first, last = families(surfaces, process)
        if single:
            first = last = "heating"
        start, end = (p, p_0) if process == "decompression" else (p_0, p)
        ends[process] = ((start, first), (end, last))
    known: dict[Place, Array] = {}
    for place in {place for path in ends.values() for place in path}:
        known[place] = surfaces.entropy(T, *place)
    paths = dict.fromkeys(ends.values())
    arrived = {path: surfaces.isentropic_temperature(known[path[0]], *path[1]) for path in paths}
    found = {}
    for process, path in ends.items():
        dS, dT = known[path[1]] - known[path[0]], arrived[path] - T
        if process == "reversible":
            dS = usable(surfaces, T, p, p_0, dS, "entropy")
            dT = usable(surfaces, T, p, p_0, dT, "temperature")
        found[process, "entropy"], found[process, "temperature"] = dS, dT
    return found


def _transition(surfaces: SimulatedSurfaces, p: float, history: History) -> Numbers:
    """What happens at the transition of one isobar."""
    low, high = surfaces.low, surfaces.high
    T = float(surfaces.transition_temperature(p, own_branch(history)))
    heat = float(high.enthalpy(T, p) - low.enthalpy(T, p))
    S_low, S_high = surfaces.phase_entropies(T, p)
    name = f"{p / 1e6:g} MPa, {history}"
    found = {
        f"transition temperature, {name}": T,
        f"enthalpy of transition, {name}": heat,
        f"entropy of transition, {name}": float(S_high - S_low),
        f"heat over temperature, {name}": heat / T,
        f"volume of transition, {name}": float(high.volume.volume(T, p) - low.volume.volume(T, p)),
    }
    for word, phase in (("low", low), ("high", high)):
        found[f"heat capacity, {word} phase, {name}"] = float(phase.capacity(T, p))
        found[f"expansion, {word} phase, {name}"] = float(phase.expansion(T, p))
    return found


def _consistency(model: SimulatedModel, surfaces: SimulatedSurfaces) -> Numbers:
    """What the closure tests compare."""
    found = {}
    far = surfaces.pressures[1] - surfaces.pressures[0]
    for history in model.branches:
        branch = own_branch(history)
        start, change = clausius_clapeyron(surfaces, branch)
        found[f"Clausius-Clapeyron slope, {history}"] = (start + 0.5 * change * far) * 1e6
        ends = surfaces.lines[branch].temperature(np.array(surfaces.pressures))
        found[f"mean slope, {history}"] = float(ends[1] - ends[0]) / far * 1e6
    for word, phase in (("low", surfaces.low), ("high", surfaces.high)):
        p = sorted(phase.constants)
        if len(p) > 1:
            found[f"enthalpy over pressure, {word}"] = phase.constants[p[-1]][0] - phase.constants[p[0]][0]
    found["entropy over pressure"] = surfaces.offset[1] * (surfaces.pressures[1] - surfaces.pressures[0])
    return found | areas(model, surfaces)


def collect(model: SimulatedModel, every: Iterable[SimulatedSurfaces], grids: dict[float, Array]) -> Drawn:
    """Run through the draws.

    Parameters
    ----------
    model, every, grids:
        The simulation, its draws, and temperatures (K) of the curves by pressure (Pa).

    Returns
    -------
    :
        All numbers and curves.
    """
    numbers: dict[str, list[float]] = {}
    curves: dict[tuple[str, float, Process], list[Array]] = {}
    for surfaces in every:
        found, lines = numbers_of(model, surfaces, grids)
        for name, value in found.items():
            numbers.setdefault(name, []).append(value)
        for key, values in lines.items():
            curves.setdefault(key, []).append(values)
    return Drawn(
        {name: np.array(values) for name, values in numbers.items()},
        grids,
        {key: np.array(values) for key, values in curves.items()},
    )


def headline_of(numbers: Numbers, drawn: Drawn | None) -> dict[str, Estimate]:
    """Return the numbers with the intervals of the draws.

    Parameters
    ----------
    numbers, drawn:
        Of the surfaces and of their draws; None for no intervals.
    """
    found = {}
    for name, value in numbers.items():
        unit = UNITS[name.split(",")[0]]
        found[name] = estimate(value, None if drawn is None else drawn.numbers.get(name), unit)
    return found
