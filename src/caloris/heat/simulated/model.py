"""From isobars to entropy surfaces, and draws of them: everything that a simulated table says of two phases.

Errors: every volume and enthalpy is drawn anew with its standard error (Monte Carlo), and the lines of the branches
are drawn evenly among those that pass the intervals which hold the transitions. SI units.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from caloris.heat.calorimetry.phase_diagram import TransitionLine
from caloris.heat.calorimetry.phase_heat_capacity import Curve
from caloris.heat.simulated.assignment import Assigned, points_of
from caloris.heat.simulated.branch_line import BranchLine, LineShape, branch_line
from caloris.heat.simulated.phases import Form, Phase, PhasePoints, choose_form, fit_phase
from caloris.heat.simulated.simulated_surfaces import SimulatedSurfaces, Smear
from caloris.heat.simulated.table import History, SimulatedTable, branch_of, own_branch
from caloris.heat.two_phase import Array, Branch

_PRESSURES = 9
"""At which a slope along a branch is taken."""
_SHARE_OF_RANGE = 0.5
"""Part of the pressures that isobars with both phases must span, before they say how dH/T changes with pressure."""
Lines = Mapping[History, TransitionLine]


@dataclass(frozen=True)
class SimulatedModel:
    """Two fitted phases and the branches between them."""

    entries: tuple[Assigned, ...]
    points: tuple[PhasePoints, PhasePoints]
    """Within the low and the high phase, with the errors that count."""
    forms: tuple[Form, Form]
    branches: dict[History, BranchLine]
    clapeyron: dict[History, tuple[float, float]]
    """dV/dS along each branch: at the lowest pressure (K/Pa), and its change with pressure (K/Pa^2)."""
    corrections: tuple[Curve | None, Curve | None]
    """Added to the heat capacities of the low and the high phase."""
    pressures: tuple[float, float]
    surfaces: SimulatedSurfaces
    widened: tuple[float, float]
    """Factors by which the errors of volume and enthalpy were widened, because the points scatter more."""

    @property
    def both(self) -> Array:
        """Pressures at which both phases were simulated, Pa."""
        return np.array(sorted(set(self.surfaces.low.constants) & set(self.surfaces.high.constants)))

    def draw(self, count: int, seed: int, advance: Callable[[float], None]) -> Iterator[SimulatedSurfaces]:
        """Yield the surfaces of every draw.

        Parameters
        ----------
        count, seed, advance:
            How many, the seed of chance, and what is told the part that is done.

        Yields
        ------
        :
            Surfaces.
        """
        rng = np.random.default_rng([seed, 1])
        for k in range(count):
            advance(k / count)
            phases = tuple(
                fit_phase(
                    name,
                    own.moved(
                        own.volume_error * rng.standard_normal(len(own.volume)),
                        own.enthalpy_error * rng.standard_normal(len(own.volume)),
                    ),
                    form,
                    self.pressures[0],
                ).corrected(correction)
                for name, own, form, correction in zip(
                    ("low", "high"), self.points, self.forms, self.corrections, strict=True
                )
            )
            low, high = phases
            lines = {history: branch.drawn(k + 1) for history, branch in self.branches.items()}
            found = surfaces_of(low, high, lines, self.surfaces.smears, self.pressures)
            if any(branch.kind == "clausius-clapeyron" for branch in self.branches.values()):
                lines = self._steered(lines, found)
                found = surfaces_of(low, high, lines, self.surfaces.smears, self.pressures)
            yield found

    def _steered(self, lines: dict[History, TransitionLine], drawn: SimulatedSurfaces) -> dict[History, TransitionLine]:
        """Lines along Clausius-Clapeyron, with the slope that the drawn phases have."""
        steered = dict(lines)
        for history, line in lines.items():
            nominal = self.clapeyron[history][0]
            if self.branches[history].kind == "clausius-clapeyron" and nominal:
                factor = clausius_clapeyron(drawn, own_branch(history))[0] / nominal
                scale = np.array([1.0, factor, factor])[: len(line.coefficients)]
                steered[history] = replace(line, coefficients=line.coefficients * scale)
        return steered


def build(
    table: SimulatedTable,
    entries: tuple[Assigned, ...],
    corrections: tuple[Curve | None, Curve | None],
    shape: LineShape,
    draws: int,
    seed: int,
) -> SimulatedModel:
    """Fit both phases and the branches.

    Parameters
    ----------
    table, entries:
        The simulation and its isobars, each with its transition.
    corrections:
        Of the heat capacities of the low and the high phase.
    shape:
        Of the branches.
    draws, seed:
        How many draws of the branches, and the seed of chance.

    Returns
    -------
    :
        The model.
    """
    settled = tuple(entry for entry in entries if entry.where != "unknown")
    pressures = (float(table.pressures[0]), float(table.pressures[-1]))
    points = [points_of(settled, phase) for phase in (0, 1)]
    forms = [choose_form(own) for own in points]
    phases = [
        fit_phase(name, own, form, pressures[0]) for name, own, form in zip(("low", "high"), points, forms, strict=True)
    ]
    widened = (1.0, 1.0)
    if not table.knows_errors:
        points = [_scattered(own, phase) for own, phase in zip(points, phases, strict=True)]
    else:
        widened = _widening(phases, points, forms)
        points = [
            replace(own, volume_error=own.volume_error * widened[0], enthalpy_error=own.enthalpy_error * widened[1])
            for own in points
        ]
    low, high = (phase.corrected(extra) for phase, extra in zip(phases, corrections, strict=True))
    smears = {branch: _smear(settled, history) for branch, history in branch_of(table.histories).items()}
    guess = {history: _through_middles(settled, history) for history in table.histories}
    first = surfaces_of(low, high, guess, smears, pressures)
    slopes = {history: clausius_clapeyron(first, own_branch(history)) for history in table.histories}
    rng = np.random.default_rng([seed, 0])
    branches = {
        history: branch_line(
            [entry.passage for entry in settled if entry.bar.history == history],
            slopes[history],
            shape,
            draws,
            rng,
            history,
        )
        for history in table.histories
    }
    lines = {history: branch.line for history, branch in branches.items()}
    surfaces = surfaces_of(low, high, lines, smears, pressures)
    return SimulatedModel(
        entries,
        (points[0], points[1]),
        (forms[0], forms[1]),
        branches,
        slopes,
        corrections,
        pressures,
        surfaces,
        widened,
    )


def surfaces_of(
    low: Phase, high: Phase, lines: Lines, smears: dict[Branch, Smear], pressures: tuple[float, float]
) -> SimulatedSurfaces:
    """Put phases and branches together: the high phase lies above the low one by dH/T at equilibrium.

    Parameters
    ----------
    low, high, lines, smears, pressures:
        The phases, the branches by history and how they pass the transition, and the range of pressures (Pa).

    Returns
    -------
    :
        The surfaces.
    """
    both = branch_of(tuple(lines))
    own: dict[Branch, TransitionLine] = {branch: lines[history] for branch, history in both.items()}
    bare = SimulatedSurfaces(low, high, own, smears, (0.0, 0.0), pressures, frozenset(lines))
    p = np.array(sorted(set(low.constants) & set(high.constants)))
    T = bare.transition_temperature(p, "equilibrium")
    S_low, S_high = bare.phase_entropies(T, p)
    constants = np.array([[(*high.constants[own], *low.constants[own])] for own in p]).reshape(-1, 4)
    heat = high.enthalpy_shape(T, p) - low.enthalpy_shape(T, p) + constants[:, 0] - constants[:, 2]
    missing = heat / T - (S_high - S_low)
    weight = T / np.sqrt(constants[:, 1] + constants[:, 3])
    enough = len(p) > 1 and np.ptp(p) >= _SHARE_OF_RANGE * (pressures[1] - pressures[0])
    x = (p - pressures[0]) / max(pressures[1] - pressures[0], 1.0)
    design = x[:, None] ** np.arange(2 if enough else 1) * weight[:, None]
    found = np.linalg.lstsq(design, missing * weight, rcond=None)[0]
    change = float(found[1]) / max(pressures[1] - pressures[0], 1.0) if enough else 0.0
    return replace(bare, offset=(float(found[0]), change))


def clausius_clapeyron(surfaces: SimulatedSurfaces, branch: Branch) -> tuple[float, float]:
    """Return dV/dS of the phases along a branch: its slope, if what delays it does not change with pressure.

    Parameters
    ----------
    surfaces, branch:
        The surfaces (those with a guess of the branches will do), and one of their branches.

    Returns
    -------
    :
        dT/dp at the lowest pressure (K/Pa) and its change with pressure (K/Pa^2), 0 where the volume of a phase is
        known at one pressure alone.
    """
    low, high = surfaces.low, surfaces.high
    first, last = surfaces.pressures
    if min(len(low.constants), len(high.constants)) < 2:
        known = sorted(set(low.constants) & set(high.constants))
        return float(np.mean(_equilibrium_slope(surfaces, branch, np.array(known)))), 0.0
    p = np.linspace(first, last, _PRESSURES)
    change, start = np.polyfit(p - first, _equilibrium_slope(surfaces, branch, p), 1)
    return float(start), float(change)


def _equilibrium_slope(surfaces: SimulatedSurfaces, branch: Branch, p: Array) -> Array:
    """dV/dS at some pressures of a branch, K/Pa."""
    T = surfaces.lines[branch].temperature(p)
    S_low, S_high = surfaces.phase_entropies(T, p)
    return np.asarray((surfaces.high.volume.volume(T, p) - surfaces.low.volume.volume(T, p)) / (S_high - S_low))


def _through_middles(entries: tuple[Assigned, ...], history: History) -> TransitionLine:
    """A first guess of a branch: a straight line through the middles of the intervals."""
    own = [entry for entry in entries if entry.bar.history == history and entry.place is not None]
    p = np.array([entry.bar.pressure for entry in own])
    T = np.array([entry.place.temperature for entry in own if entry.place is not None])
    degree = 1 if len(p) > 1 else 0
    coefficients = np.append(np.polynomial.polynomial.polyfit(p - p[0], T, degree), [0.0] * (1 - degree))
    return TransitionLine("linear", float(p[0]), coefficients, np.zeros((2, 2)), float("nan"))


def _smear(entries: tuple[Assigned, ...], history: History) -> Smear:
    """How a branch passes through the transition at each pressure."""
    distances, fractions, pressures = [], [], []
    for entry in entries:
        if entry.bar.history != history or entry.place is None:
            continue
        place = entry.place
        sharp = place.first_high == place.last_low + 1
        distances.append(np.zeros(0) if sharp else place.nodes(entry.bar) - place.temperature)
        fractions.append(np.zeros(0) if sharp else place.fraction)
        pressures.append(entry.bar.pressure)
    return Smear(np.array(pressures), tuple(distances), tuple(fractions))


def _scattered(points: PhasePoints, phase: Phase) -> PhasePoints:
    """Points with the errors that their scatter about the fits says."""
    n = len(points.temperature)
    own = [
        np.full(n, s) if np.isfinite(s) else errors
        for s, errors in zip(phase.scatter, (points.volume_error, points.enthalpy_error), strict=True)
    ]
    return replace(points, volume_error=own[0], enthalpy_error=own[1])


def _widening(phases: list[Phase], points: list[PhasePoints], forms: list[Form]) -> tuple[float, float]:
    """Factors for the errors of volume and enthalpy, where the points scatter more than chance explains."""
    factors = []
    for k in (0, 1):
        total, freedom = 0.0, 0.0
        for phase, own, form in zip(phases, points, forms, strict=True):
            terms = len(form.volume_terms) if k == 0 else form.capacity_degree + 1 + len(phase.constants)
            if np.isfinite(phase.chi_square[k]):
                total += phase.chi_square[k] * (len(own.temperature) - terms)
                freedom += len(own.temperature) - terms
        reduced = total / freedom if freedom else 1.0
        surprising = freedom > 0 and reduced > 1 + 2 * np.sqrt(2 / freedom)
        factors.append(float(np.sqrt(reduced)) if surprising else 1.0)
    return factors[0], factors[1]
