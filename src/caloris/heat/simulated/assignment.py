"""Which point of a simulated table lies in which phase.

Isobars that show their transition say it themselves. An isobar that shows none lies in one phase throughout, or leaves
one point alone on the other side; the volumes of both phases, known from the other isobars, tell which. SI units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from caloris.errors import InputError
from caloris.heat.simulated.branch_line import Passage
from caloris.heat.simulated.phases import Phase, PhasePoints, choose_form, fit_phase
from caloris.heat.simulated.table import Isobar, SimulatedTable
from caloris.heat.simulated.transition import Place, find_transition, place_of, point_errors
from caloris.heat.two_phase import Array

Where = Literal["inside", "above the grid", "below the grid", "unknown"]
_APART = 6.0
"""Standard errors by which the volumes of the phases must differ to tell them apart."""


@dataclass(frozen=True)
class Assigned:
    """An isobar and its transition."""

    bar: Isobar
    """With errors at every point."""
    where: Where
    place: Place | None

    @property
    def parts(self) -> tuple[slice, slice]:
        """The points in the low and in the high phase."""
        n = len(self.bar.temperature)
        if self.place is not None:
            return slice(0, self.place.last_low + 1), slice(self.place.first_high, n)
        low = n if self.where == "above the grid" else 0
        return slice(0, low), slice(0, n if self.where == "below the grid" else 0)

    @property
    def passage(self) -> Passage:
        """What the isobar says of the line of its branch."""
        T = self.bar.temperature
        if self.place is not None:
            return Passage(self.bar.pressure, *self.place.interval)
        low = float(T[-1]) if self.where == "above the grid" else -np.inf
        return Passage(self.bar.pressure, low, float(T[0]) if self.where == "below the grid" else np.inf)


def assign(table: SimulatedTable) -> tuple[Assigned, ...]:
    """Find the transition of every isobar.

    Parameters
    ----------
    table:
        The simulation.

    Returns
    -------
    :
        One entry per isobar, in their order.

    Raises
    ------
    InputError
        If no isobar of a history shows a transition, or a phase has too few points.
    """
    bars = [
        replace(
            bar,
            volume_error=point_errors(bar.temperature, bar.volume, bar.volume_error),
            enthalpy_error=point_errors(bar.temperature, bar.enthalpy, bar.enthalpy_error),
        )
        if len(bar.temperature) > 2 or table.knows_errors
        else None
        for bar in table.isobars
    ]
    found = []
    for raw, bar in zip(table.isobars, bars, strict=True):
        if bar is None:
            continue
        place = find_transition(raw)
        found.append(Assigned(bar, "unknown" if place is None else "inside", place))
    if not any(entry.place for entry in found):
        T = np.concatenate([bar.temperature for bar in table.isobars])
        raise InputError(
            f"table: no transition at any pressure between {T.min():g} and {T.max():g} K; simulate a wider range of "
            "temperatures, or more points with smaller errors"
        )
    found = _place_the_rest(found)
    for history in table.histories:
        if not any(entry.place for entry in found if entry.bar.history == history):
            raise InputError(
                f"table: no transition on {history} within the grid at any pressure; leave this history out, or "
                "simulate it over a wider range of temperatures"
            )
    return tuple(found)


def points_of(entries: Sequence[Assigned], phase: int) -> PhasePoints:
    """Return all points within a phase.

    Parameters
    ----------
    entries, phase:
        The isobars, and 0 for the low or 1 for the high phase.
    """
    names = ("volume", "volume_error", "enthalpy", "enthalpy_error")
    parts = [(entry.bar, entry.parts[phase]) for entry in entries]
    pressure = [np.full(len(bar.temperature[part]), bar.pressure) for bar, part in parts]
    columns = [np.concatenate([getattr(bar, name)[part] for bar, part in parts]) for name in names]
    return PhasePoints(
        np.concatenate([bar.temperature[part] for bar, part in parts]), np.concatenate(pressure), *columns
    )


def _place_the_rest(found: list[Assigned]) -> list[Assigned]:
    """Isobars without a transition: by the volumes of the phases, nearest pressures first."""
    entries = list(found)
    while True:
        known = [entry for entry in entries if entry.where != "unknown"]
        open_ones = [k for k, entry in enumerate(entries) if entry.where == "unknown"]
        pressures = np.array([entry.bar.pressure for entry in known])
        open_ones.sort(key=lambda k: float(np.abs(pressures - entries[k].bar.pressure).min()))
        for k in open_ones:
            settled = _settle(entries[k].bar, known)
            if settled is not None:
                entries[k] = settled
                break
        else:
            return entries


def _settle(bar: Isobar, known: list[Assigned]) -> Assigned | None:
    """Tell in which phase an isobar lies; None if that cannot be told."""
    phases = []
    for number, name in enumerate(("low", "high")):
        points = points_of(known, number)
        phases.append(fit_phase(name, points, choose_form(points), float(points.pressure.min())))
    seen = [{entry.bar.pressure for entry in known if entry.parts[k] != slice(0, 0)} for k in (0, 1)]
    if bar.pressure in seen[0] & seen[1] or min(map(len, seen)) > 1:
        return _by_volume(bar, phases)
    return _by_clapeyron(bar, phases, known)


def _by_volume(bar: Isobar, phases: list[Phase]) -> Assigned | None:
    low, high = (phase.volume.volume(bar.temperature, bar.pressure) for phase in phases)
    gap = high - low
    noise = float(np.median(bar.volume_error)) + max(phase.scatter[0] for phase in phases)
    if np.abs(gap).min() < _APART * noise:
        return None
    transformed: Array = (bar.volume - low) / gap
    is_high = transformed > 0.5
    if is_high.all() or not is_high.any():
        return Assigned(bar, "below the grid" if is_high.all() else "above the grid", None)
    first = int(np.argmax(is_high))
    if not is_high[first:].all():
        return None
    return Assigned(bar, "inside", place_of(bar, first - 1, first, np.array([0.0, 1.0])))


def _by_clapeyron(bar: Isobar, phases: list[Phase], known: list[Assigned]) -> Assigned | None:
    """Tell it by where Clausius-Clapeyron puts the transition, if a phase is known at one pressure only."""
    own = [entry for entry in known if entry.place is not None and entry.bar.history == bar.history]
    own = own or [entry for entry in known if entry.place is not None]
    nearest = min(own, key=lambda entry: abs(entry.bar.pressure - bar.pressure))
    assert nearest.place is not None
    T, p = nearest.place.temperature, nearest.bar.pressure
    low, high = phases
    heat = float(high.enthalpy(T, p) - low.enthalpy(T, p))
    there = T + T * float(high.volume.volume(T, p) - low.volume.volume(T, p)) / heat * (bar.pressure - p)
    step = float(np.median(np.diff(bar.temperature))) if len(bar.temperature) > 1 else 0.0
    if there > bar.temperature[-1] - step:
        return Assigned(bar, "above the grid", None)
    return Assigned(bar, "below the grid", None) if there < bar.temperature[0] + step else None
