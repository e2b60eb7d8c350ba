"""What comes out of a simulated table: transitions, caloric effect, intervals, indirect route, closure, warnings."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.heat.caloric import CaloricEffect
from caloris.heat.calorimetry.uncertainty import Estimate
from caloris.heat.processes import PROCESSES, Process, window
from caloris.heat.simulated.assignment import Assigned, Where
from caloris.heat.simulated.closure import crossed_branches
from caloris.heat.simulated.indirect import Indirect
from caloris.heat.simulated.model import SimulatedModel
from caloris.heat.simulated.numbers import Drawn
from caloris.heat.simulated.simulated_surfaces import SimulatedSurfaces
from caloris.heat.simulated.table import History, SimulatedTable
from caloris.heat.two_phase import Array
from caloris.materials import Finding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNIFORM_68 = 0.34
"""Half of the interval that holds 68 % of an even distribution, in parts of its width."""
_MUCH = 2.0
"""Errors that must be widened by more than this factor are worth a word."""


@dataclass(frozen=True)
class SimulatedTransition:
    """The transition on one isobar of one history."""

    history: History
    pressure: sc.Variable
    where: Where
    """``"inside"`` the grid; ``"above the grid"``: low phase throughout; ``"below the grid"``: high phase."""
    interval: tuple[float, float] | None
    """Temperatures (K) between which half has transformed."""
    temperature: Estimate
    """Middle of the interval; every place in it is equally likely. NaN outside the grid."""
    on_branch: Estimate
    """Of the line through all isobars of the history, K."""
    enthalpy_change: Estimate
    """dH at the transition, from the fits of both phases, J/kg."""
    entropy_change: Estimate
    """S(high) - S(low) there, J/kg/K."""
    heat_over_temperature: Estimate
    """dH/T, J/kg/K: less than the entropy change on a late heating, more on a late cooling."""
    volume_change: Estimate
    """m^3/kg."""
    heat_capacity: dict[str, Estimate]
    """Of the ``"low"`` and the ``"high"`` phase, J/kg/K."""
    expansion: dict[str, Estimate]
    """(dV/dT)_p of both phases, m^3/kg/K."""

    @property
    def standard_error(self) -> sc.Variable:
        """Of the temperature: width of the interval over the square root of 12, K."""
        width = float("nan") if self.interval is None else self.interval[1] - self.interval[0]
        return sc.scalar(width / np.sqrt(12), unit="K")

    @property
    def name(self) -> str:
        """Pressure and history in words."""
        return f"{self.pressure.value:g} MPa, {self.history}"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        names = ("temperature", "on_branch", "enthalpy_change", "entropy_change", "heat_over_temperature")
        return {
            "history": self.history,
            "pressure": {"value": float(self.pressure.value), "unit": "MPa", "error": None},
            "where": self.where,
            "interval": None if self.interval is None else list(self.interval),
            **{name: getattr(self, name).to_json() for name in (*names, "volume_change")},
            "heat_capacity": {phase: value.to_json() for phase, value in self.heat_capacity.items()},
            "expansion": {phase: value.to_json() for phase, value in self.expansion.items()},
        }


@dataclass(frozen=True, repr=False)
class SimulationResult:
    """The analysis of a simulated table; make one with :func:`caloris.heat.simulated.analyse`."""

    name: str
    table: SimulatedTable
    model: SimulatedModel
    assumed: tuple[str, ...]
    """What the table does not hold and the result takes, in words."""
    headline: dict[str, Estimate]
    """By name, such as ``"slope, heating"`` or ``"entropy change, 40 MPa, reversible"``."""
    drawn: Drawn | None
    indirect: dict[History, Indirect]
    """Maxwell's relation on the grid, by history."""
    closure: tuple[Finding, ...]
    seed: int

    def __repr__(self) -> str:
        words = ", ".join(f"{p / 1e6:g}" for p in self.table.pressures)
        return (
            f"<SimulationResult of {self.name}: {' and '.join(self.table.histories)} at {words} MPa; "
            "see .summary(), .plot()>"
        )

    @property
    def surfaces(self) -> SimulatedSurfaces:
        """The entropy surfaces."""
        return self.model.surfaces

    @property
    def effect(self) -> CaloricEffect:
        """The barocaloric effect, of one type with that of a card and of calorimetry."""
        highest = min(
            max(entry.bar.pressure for entry in self.model.entries if entry.place and entry.bar.history == history)
            for history in self.table.histories
        )
        remarks = [line for branch in self.model.branches.values() for line in branch.remarks]
        return CaloricEffect(self.name, self.surfaces, highest, (*self.assumed, *remarks))

    @property
    def transitions(self) -> tuple[SimulatedTransition, ...]:
        """The transition of every isobar, also where it lies outside the grid."""
        return tuple(self._row(entry) for entry in self.model.entries)

    def _row(self, entry: Assigned) -> SimulatedTransition:
        p, history, place = entry.bar.pressure, entry.bar.history, entry.place
        name = f"{p / 1e6:g} MPa, {history}"
        nan = float("nan")
        temperature = Estimate(nan, nan, nan, "K")
        if place is not None:
            half = _UNIFORM_68 * (place.interval[1] - place.interval[0])
            temperature = Estimate(place.temperature, place.temperature - half, place.temperature + half, "K")

        def known(kind: str, unit: str) -> Estimate:
            return self.headline.get(f"{kind}, {name}", Estimate(nan, nan, nan, unit))

        return SimulatedTransition(
            history,
            sc.scalar(p / 1e6, unit="MPa"),
            entry.where,
            None if place is None else place.interval,
            temperature,
            known("transition temperature", "K"),
            known("enthalpy of transition", "J/kg"),
            known("entropy of transition", "J/kg/K"),
            known("heat over temperature", "J/kg/K"),
            known("volume of transition", "m^3/kg"),
            {phase: known(f"heat capacity, {phase} phase", "J/kg/K") for phase in ("low", "high")},
            {phase: known(f"expansion, {phase} phase", "m^3/kg/K") for phase in ("low", "high")},
        )

    @property
    def pressures(self) -> Array:
        """Simulated pressures above the lowest, Pa."""
        return self.table.pressures[1:]

    def label(self, process: Process) -> str:
        """Return how far a result of a process holds: one-branch, reversible or, with one history, an upper bound."""
        return self.effect.reversibility(process)

    def band(self, quantity: str, pressure: float, process: Process) -> tuple[Array, Array, Array] | None:
        """Return the 68 % band of a curve.

        Parameters
        ----------
        quantity:
            ``"entropy"`` or ``"temperature"``.
        pressure, process:
            One of :attr:`pressures` (Pa), and the process.

        Returns
        -------
        :
            Temperatures (K), lower and upper edge (J/(kg K) or K); None without draws.
        """
        if self.drawn is None or (quantity, pressure, process) not in self.drawn.curves:
            return None
        low, high = np.nanpercentile(self.drawn.curves[quantity, pressure, process], [16.0, 84.0], axis=0)
        return self.drawn.temperature[pressure], low, high

    def warnings(self) -> list[str]:
        """Return what a reader must know: one sentence each."""
        found = [*self.effect.assumed, *self.table.remarks, *self._grid_words(), *self._error_words()]
        found += [f"does not close: {finding}" for finding in self.closure if not finding.agrees]
        found += self._hysteresis_words()
        return list(dict.fromkeys(found))

    def _grid_words(self) -> Iterator[str]:
        if self.table.masked:
            yield f"{self.table.masked} points of the grid are masked (failed, or not simulated) and left out"
        for history in self.table.histories:
            rows = [entry for entry in self.model.entries if entry.bar.history == history]
            for where in ("above the grid", "below the grid", "unknown"):
                p = ", ".join(f"{entry.bar.pressure / 1e6:g}" for entry in rows if entry.where == where)
                if p:
                    far = "cannot be told (isobar left out)" if where == "unknown" else f"lies {where}"
                    yield f"{history}: the transition at {p} MPa {far}"
            wide = [e for e in rows if e.place is not None and e.place.first_high > e.place.last_low + 1]
            if wide:
                p = ", ".join(f"{entry.bar.pressure / 1e6:g}" for entry in wide)
                yield f"{history}: at {p} MPa the transition is spread over several points; half of it counts as T_t"
        for word, phase in (("low", self.surfaces.low), ("high", self.surfaces.high)):
            if len(phase.constants) < 2:
                yield f"the {word} phase was simulated at one pressure alone: its volume counts as incompressible"

    def _error_words(self) -> Iterator[str]:
        if not self.table.knows_errors:
            yield "the table gives no errors; those here come from the scatter about the fits of the phases"
        for word, factor in zip(("volumes", "enthalpies"), self.model.widened, strict=True):
            if factor > _MUCH:
                yield (
                    f"the {word} scatter {factor:.1f} times more than their errors say (points not equilibrated, or "
                    "errors of correlated samples?); errors are widened by that"
                )

    def _hysteresis_words(self) -> Iterator[str]:
        surfaces, known = self.surfaces, self.effect.hysteresis_is_known
        if not known:
            return
        yield (
            "heating and cooling within a simulation are many orders of magnitude faster, and its crystal smaller, "
            "than in a laboratory: its hysteresis need not be, and is mostly larger than, the real one"
        )
        crossed = crossed_branches(surfaces, self.table.pressures)
        if crossed:
            words = ", ".join(f"{p / 1e6:g}" for p in crossed)
            yield f"the cooling branch lies above the heating branch at {words} MPa: no hysteresis beyond the errors?"
        low, high = surfaces.pressure_range
        if window(surfaces, high, low) <= 0:
            yield (
                "no simulated pressure makes the effect reversible: the changes of compression and decompression are "
                "one-branch"
            )

    def summary(self) -> str:
        """Return the result in words and numbers, a few lines."""
        kind = "inverse" if self.surfaces.is_inverse else "conventional"
        lines = [f"{self.name}: simulated, {' and '.join(self.table.histories)}; {kind} barocaloric effect"]
        for row in self.transitions:
            if row.where != "inside":
                lines.append(f"  {row.pressure.value:6g} MPa {row.history:11s} no transition: it is {row.where}")
                continue
            error = float(row.standard_error.value)
            lines.append(
                f"  {row.pressure.value:6g} MPa {row.history:11s} T_t {row.temperature.value:.1f} ± {error:.1f} K "
                f"(middle of the interval ± width/√12), dH {row.enthalpy_change.scaled(1e-3, 'kJ/kg').plus_minus}, "
                f"dS {row.entropy_change.plus_minus}, dV {row.volume_change.scaled(1e6, 'mm^3/g').plus_minus}"
            )
        for name, value in self.headline.items():
            if name.startswith(("slope", "hysteresis", "reversible pressure")):
                lines.append(f"  {name}: {value}")
        for p in self.pressures:
            for process in PROCESSES:
                where = f"{p / 1e6:g} MPa, {process}"
                label = "" if self.label(process) == process else f" ({self.label(process)})"
                dS, dT = (self.headline[f"{quantity} change, {where}"] for quantity in ("entropy", "temperature"))
                lines.append(f"  largest |dS|, {where}{label}: {dS}; largest |dT|: {dT}")
        lines += self._indirect_lines()
        agree = sum(finding.agrees for finding in self.closure)
        lines.append(f"  closure tests: {agree} of {len(self.closure)} agree")
        lines += [f"  warning: {line}" for line in self.warnings()]
        return "\n".join(lines)

    def _indirect_lines(self) -> Iterator[str]:
        for history, route in self.indirect.items():
            dS = route.entropy_change.values[-1]
            if not np.isfinite(dS).any():
                continue
            k = int(np.nanargmax(np.abs(dS)))
            T = route.entropy_change.coords["temperature"].values[k]
            grid = route.discretisation.values[-1, k]
            words = f"dT {route.temperature_change.values[-1, k]:.1f} K with the simulated Cp"
            if route.published_temperature_change is not None:
                published = route.published_temperature_change.values[-1, k]
                words += f", {published:.1f} K with a constant Cp of {route.heat_capacity:g} J/kg/K"
            yield (
                f"  indirect (Maxwell on the grid), {history}, largest at {T:.1f} K: dS {dS[k]:.1f} J/kg/K, of which "
                f"the grid makes ± {grid:.1f}; {words}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain JSON values, in the form of a calorimetric result."""
        from caloris.heat.simulated.files import result_json

        return result_json(self)

    def plot(self) -> "Figure":
        """Draw phase diagram, entropy and temperature change with bands, and both routes; a matplotlib figure."""
        from caloris.heat.simulated.figures import simulation_figure

        return simulation_figure(self)

    def isobars_figure(self) -> "Figure":
        """Draw V(T) and H(T) of every isobar with the fits of both phases; a matplotlib figure."""
        from caloris.heat.simulated.figures import isobars_figure

        return isobars_figure(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``simulated.json``, ``simulated.h5``, ``simulated.csv``, ``simulated.png`` and ``isobars.png``.

        Parameters
        ----------
        folder:
            Made if absent.

        Returns
        -------
        :
            The files.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        from caloris.heat.simulated.files import save_simulated

        return save_simulated(self, folder)
