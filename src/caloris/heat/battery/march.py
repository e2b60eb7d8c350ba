"""Time integration: the nodal enthalpy method with adaptive steps that end on every event.

One backward-Euler (theta = 1) or Crank-Nicolson (theta = 1/2) step solves for the heat q that each pellet node
absorbs and for the die temperatures,

    M q + dt K (theta T(q) + (1 - theta) T_0) = 0,

where T(q) is the pointwise inverse that the transition model offers. T(q) is monotone and Lipschitz even where
x(T) is a step, so Newton's method converges in a few iterations at any width of the transition.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from scipy.optimize import brentq
from scipy.sparse.linalg import splu

from caloris.errors import ComputationError
from caloris.heat.battery.conduction import ConductionSystem
from caloris.heat.battery.protocol import Leg
from caloris.heat.battery.transition import MaterialState, TransitionModel, specific_enthalpy, specific_volume
from caloris.heat.two_phase import Array

CONVERGED = 1e-13
"""Newton stops when the summed residual is below this part of the latent heat of the pellet."""
ACCEPTABLE = 1e-10
"""Rounding may stop Newton earlier; above this part of the latent heat the step is tried again, shorter."""
NEWTON_LIMIT = 30
SHORTEST_STEP = 1e-9
"""s; below this the integration gives up."""
QUIET_THETA = 0.55
QUIET_FALL, TRANSFORMING_FALL = 0.15, 0.06
"""Largest part by which a dying heat flow may fall in one step, at the default tolerance."""
NEGLIGIBLE_FLOW = 1e-3
"""W/kg; a heat flow below this is not followed."""


@dataclass(frozen=True)
class CellState:
    """The state of the whole cell."""

    time: float
    """s."""
    temperature: Array
    """Of every pellet unknown, K."""
    fraction: Array
    """Of the high phase at every pellet unknown."""
    pressure: float
    """Pa."""
    wall: float
    """Temperature of the thermostat, K."""
    die_rise: Array
    """Of every die and thermostat unknown over the wall, K (kept as a difference: steel and a good contact conduct
    so well that the rounding of absolute temperatures would be felt as heat)."""
    remainder: Array | float = 0.0
    """What rounding cuts off the pellet's temperature, K."""

    @property
    def material(self) -> MaterialState:
        """The part of the state that belongs to the caloric material."""
        return MaterialState(self.temperature, self.pressure, self.fraction)

    @property
    def rise(self) -> Array:
        """Every unknown over the wall, K."""
        return np.concatenate([self.temperature - self.wall + self.remainder, self.die_rise])


@dataclass(frozen=True)
class Advance:
    """An accepted time step and what flowed in it."""

    state: CellState
    duration: float
    """s."""
    pellet_heat: float
    """Heat that entered the pellet through its contact, J."""
    wall_heat: float
    """Heat that entered the cell from the thermostat, J."""
    work: float
    """Work done on the pellet by the pressure, -int p dV, J."""
    elastic_work: float
    """Part of the work that stretches the phases without transforming them, J."""
    dissipation: float
    """Driving force times transformed mass, J."""
    latent: float
    """Enthalpy of the phase change, int dH dx, J."""
    heat_rate: Array
    """Heat absorbed per mass and time at every pellet unknown, W/kg."""
    leg: int = 0
    """Number of the leg that it belongs to."""


@dataclass
class Marcher:
    """Steps a cell through the legs of a protocol."""

    system: ConductionSystem
    transition: TransitionModel
    tolerance: float = 0.005
    """Allowed error of one step: root mean square over the pellet, as a part of the latent heat."""
    theta: float | None = None
    """Fixed theta; by default 1 while anything transforms (monotone) and 0.55 else (nearly second order)."""
    longest_step: float = np.inf
    """s."""
    newton_iterations: int = field(default=0, init=False)
    """Of all steps so far, accepted or not."""
    rejected: int = field(default=0, init=False)
    """Steps that were tried again, shorter."""
    _quiet: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        system = self.system
        self._n = system.n_pellet
        self._weights = system.pellet_weights
        self._mass = float(self._weights.sum())
        model = self.transition.model
        self._latent = float(model.delta_enthalpy(model.temperature, model.pressure))
        self._scale = self._mass * self._latent
        free = system.free
        self._stiffness = system.stiffness[free][:, free].tocsc()
        mass = system.mass[free][:, free].tocsc()
        self._lumped = mass.nnz <= mass.shape[0]
        # what the rounding of pellet temperatures near 500 K makes of the stiffness, per second
        stiff = float(abs(system.stiffness[: self._n]).sum())
        self._rounding = 4 * np.finfo(float).eps * 500.0 * stiff / self._scale
        # rows of the free die unknowns, columns of all: a consistent mass feels the ramping wall too
        self._die_mass = system.mass[free[self._n :]][:, self._n :]
        self._pellet_mass = mass[: self._n][:, : self._n]
        self._mass_matrix = mass

    def initial(self, temperature: float, pressure: float) -> CellState:
        """Return the uniform state in which material that came from lower temperatures starts.

        Parameters
        ----------
        temperature:
            Of pellet, die and wall, K.
        pressure:
            Pa.

        Returns
        -------
        :
            The state at time 0.
        """
        T = np.full(self._n, temperature)
        rest = np.zeros(self.system.stiffness.shape[0] - self._n)
        return CellState(0.0, T, self.transition.initial_fraction(T, pressure), pressure, temperature, rest)

    @property
    def mass(self) -> float:
        """Mass of the pellet, kg."""
        return self._mass

    @property
    def latent_heat(self) -> float:
        """Enthalpy of the whole transition at the reference point, J/kg."""
        return self._latent

    def energies(self, state: CellState) -> tuple[float, float]:
        """Return the internal energy of the pellet and the heat content of the die inside its wall.

        Parameters
        ----------
        state:
            The state of the cell.

        Returns
        -------
        :
            Both in J, from arbitrary zeros.
        """
        model, material = self.transition.model, state.material
        energy = specific_enthalpy(model, material) - state.pressure * specific_volume(model, material)
        die = self._die_mass @ (state.die_rise + state.wall)
        return float(self._weights @ energy), float(die.sum())

    def heat_flow(self, state: CellState) -> float:
        """Return the heat flow into the pellet through its contact at this moment.

        Parameters
        ----------
        state:
            The state of the cell.

        Returns
        -------
        :
            W per kg of pellet, which is mW/g; endothermic > 0.
        """
        return -float((self.system.stiffness @ state.rise)[: self._n].sum()) / self._mass

    def advance(
        self,
        state: CellState,
        dt: float,
        pressure: float,
        wall: float,
        guess: Array | None = None,
        theta: float = 1.0,
    ) -> Advance | None:
        """Take one time step; None if Newton's method does not converge.

        Parameters
        ----------
        state:
            At the beginning of the step.
        dt:
            s.
        pressure, wall:
            Pressure (Pa) and wall temperature (K) at the end of the step.
        guess:
            Heat absorbed per mass at every pellet unknown, (n_pellet,), J/kg.
        theta:
            1 is backward Euler, 1/2 Crank-Nicolson.

        Returns
        -------
        :
            The state after the step and what flowed in it.
        """
        system, n = self.system, self._n
        step = self.transition.step(state.material, pressure, dt)
        die = system.free[n:]
        old_rise = state.rise
        rise = old_rise.copy()
        heat = np.zeros(n) if guess is None else guess.copy()
        T, x, slope = step.at_heat(heat)
        previous = np.inf
        for _ in range(NEWTON_LIMIT):
            rise[:n] = old_rise[:n] + (step.temperature_change(heat, T, x) - (wall - state.wall))
            flow = system.stiffness @ (theta * rise + (1 - theta) * old_rise)
            residual = dt * flow[system.free]
            residual[:n] += self._pellet_mass @ heat
            residual[n:] += self._die_mass @ (rise[n:] - old_rise[n:] + (wall - state.wall))
            size = float(np.abs(residual).sum()) / self._scale
            if size <= CONVERGED or (size >= 0.5 * previous and size <= max(ACCEPTABLE, self._rounding * dt)):
                T = wall + rise[:n]
                remainder = rise[:n] - (T - wall)
                after = CellState(state.time + dt, T, x, pressure, wall, rise[n:].copy(), remainder)
                return self._finish(state, after, heat, flow)
            previous = size
            change = self._solve(residual, slope, dt * theta)
            if not np.all(np.isfinite(change)):
                return None
            heat += change[:n] / slope
            rise[die] += change[n:]
            T, x, slope = step.at_heat(heat)
            self.newton_iterations += 1
        return None

    def _solve(self, residual: Array, slope: Array, weight: float) -> Array:
        """Newton correction as temperatures: the matrix M / (dT/dq) + theta dt K is symmetric where M is lumped."""
        scale = np.ones(residual.size)
        scale[: self._n] = 1.0 / slope
        matrix = (self._mass_matrix @ sp.diags(scale) + weight * self._stiffness).tocsc()
        options = {"SymmetricMode": True} if self._lumped else {}
        try:
            factor = splu(
                matrix,
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0 if self._lumped else 1.0,
                options=options,
            )
        except RuntimeError:  # singular: only absurd values get here, the step is refused
            return np.full_like(residual, np.nan)
        return np.asarray(factor.solve(-residual))

    def _finish(self, before: CellState, after: CellState, heat: Array, flow: Array) -> Advance:
        n, model, dt = self._n, self.transition.model, after.time - before.time
        dV = specific_volume(model, after.material) - specific_volume(model, before.material)
        dx = after.fraction - before.fraction
        middle_T = 0.5 * (after.temperature + before.temperature)
        middle_p = 0.5 * (after.pressure + before.pressure)
        weights = self._weights
        return Advance(
            state=after,
            duration=dt,
            pellet_heat=-dt * float(flow[:n].sum()),
            wall_heat=dt * float(flow[self.system.fixed].sum()),
            work=-middle_p * float(weights @ dV),
            elastic_work=-middle_p * float(weights @ (dV - model.delta_volume(middle_T, middle_p) * dx)),
            dissipation=-float(weights @ (model.delta_gibbs(middle_T, middle_p) * dx)),
            latent=float(weights @ (model.delta_enthalpy(middle_T, middle_p) * dx)),
            heat_rate=heat / dt,
        )

    def march(
        self, state: CellState, legs: list[Leg], report: Callable[[int, float], None] | None = None
    ) -> Iterator[Advance]:
        """Step through the legs of a protocol.

        Parameters
        ----------
        state:
            Where to begin.
        legs:
            The resolved protocol.
        report:
            Called after every step with the number of the leg and the part of it that is done.

        Yields
        ------
        :
            Every accepted step.

        Raises
        ------
        ComputationError
            If no step, however short, converges.
        """
        rate: Array | None = None
        dt = max(1e-3 * legs[0].duration, 1e-7) if legs else 0.0
        for number, leg in enumerate(legs):
            begin = state.time
            dt = min(dt, leg.duration)
            for stop in self._stops(leg):
                while begin + stop - state.time > max(1e-12 * leg.duration, 8 * np.spacing(state.time)):
                    left = begin + stop - state.time
                    step, dt_next = self._controlled(state, leg, begin, min(dt, left), left, rate)
                    waiting = leg.step.heat_flow is not None
                    if waiting and self._has_died_down(leg, state, step):
                        step = self._at_threshold(state, leg, begin, step, rate)
                        yield Advance(**{**vars(step), "leg": number})
                        state, rate = step.state, step.heat_rate
                        break
                    # a step cut short by an event says nothing about the next one
                    dt = dt_next if step.duration < left else max(dt, dt_next)
                    state, rate = step.state, step.heat_rate
                    yield Advance(**{**vars(step), "leg": number})
                    if report is not None:
                        report(number, (state.time - begin) / leg.duration)
                else:
                    continue
                break
            if report is not None:
                report(number, 1.0)

    def _controlled(
        self, state: CellState, leg: Leg, begin: float, dt: float, left: float, rate: Array | None
    ) -> tuple[Advance, float]:
        """Take the longest step that is accurate enough; return it with the length proposed for the next."""
        dt = min(dt, self.longest_step)
        if dt > 0.5 * left and dt < left:
            dt = 0.5 * left
        while dt > SHORTEST_STEP:
            step = self._attempt(state, leg, begin, dt, rate)
            if step is None:
                self.rejected += 1
                dt *= 0.25
                continue
            factor = self._growth(state, step, rate)
            if factor < 0.65:
                self.rejected += 1
                dt *= max(0.25, factor)
                continue
            return step, min(dt * min(factor, 2.0), self.longest_step)
        raise ComputationError(
            f"the step at {state.time:.6g} s of {leg.step.words!r} does not converge; "
            "try a finer mesh, a wider transition or a looser contact"
        )

    def _attempt(self, state: CellState, leg: Leg, begin: float, dt: float, rate: Array | None) -> Advance | None:
        """Take one step; Newton starts from the last rate and, if that fails, from rest."""
        p, wall = _along(leg, state.time + dt - begin)
        guesses = [None] if rate is None else [rate * dt, None]
        quiet = self.theta is None and rate is not None and self._quiet
        for theta in (QUIET_THETA, 1.0) if quiet else (self.theta or 1.0,):
            for guess in guesses:
                with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # such a step does not converge
                    step = self.advance(state, dt, p, wall, guess, theta)
                if step is None:
                    continue
                self._quiet = _is_quiet(state, step)
                if theta == QUIET_THETA and not self._quiet:
                    break  # something transforms after all: again, monotone
                return step
        return None

    def _growth(self, state: CellState, step: Advance, rate: Array | None) -> float:
        """Return the factor by which the next step may be longer; below 0.65 the step is not accurate enough.

        Two limits: the error of backward Euler, half the change over the step of the heat absorbed, and the
        part by which a dying heat flow falls in one step.
        """
        if rate is None:
            return 1.0
        error = 0.5 * step.duration * (step.heat_rate - rate)
        mean = float(np.sqrt(self._weights @ error**2 / self._mass)) / (self.tolerance * self._latent)
        factor = 0.9 / float(np.sqrt(max(mean, 1e-4)))
        before, now = abs(self.heat_flow(state)), abs(self.heat_flow(step.state))
        if before > NEGLIGIBLE_FLOW and now < before and _steady(state, step):
            fall = 1.0 - now / before
            limit = QUIET_FALL if self._quiet else TRANSFORMING_FALL
            factor = min(factor, 0.9 * limit * np.sqrt(self.tolerance / 0.01) / max(fall, 1e-3))
        return float(factor)

    def _stops(self, leg: Leg) -> list[float]:
        """Times within the leg at which the wall crosses an edge of the transition, and its end."""
        if leg.pressures[0] == leg.pressures[1] and leg.temperatures[0] == leg.temperatures[1]:
            return [leg.duration]
        times = np.linspace(0.0, leg.duration, 65)

        def distances(t: float) -> Array:
            p, wall = _along(leg, t)
            return wall - np.array(self.transition.edges(p))

        sampled = np.array([distances(t) for t in times])
        stops = {leg.duration}
        for edge in range(sampled.shape[1]):
            for i in np.flatnonzero(np.sign(sampled[:-1, edge]) * np.sign(sampled[1:, edge]) < 0):
                stops.add(float(brentq(lambda t, e=edge: distances(t)[e], times[i], times[i + 1])))
        close = max(10 * SHORTEST_STEP, 1e-9 * leg.duration)
        kept = [leg.duration]
        for stop in sorted(stops - {leg.duration}, reverse=True):
            if kept[-1] - stop > close and stop > close:
                kept.append(stop)
        return kept[::-1]

    def _has_died_down(self, leg: Leg, state: CellState, step: Advance) -> bool:
        assert leg.step.heat_flow is not None
        flow = abs(self.heat_flow(step.state))
        if flow >= leg.step.heat_flow or flow > abs(self.heat_flow(state)):
            return False
        # the flow may pass through zero while the material still transforms or evens out inside
        inside = float(np.sqrt(self._weights @ step.heat_rate**2 / self._mass))
        transforming = abs(step.latent) / step.duration / self._mass
        return max(inside, transforming) < 2 * leg.step.heat_flow

    def _at_threshold(self, state: CellState, leg: Leg, begin: float, step: Advance, rate: Array | None) -> Advance:
        """Shorten the last step of a waiting hold so that it ends where the heat flow passes the threshold."""
        threshold = leg.step.heat_flow or 0.0
        before = abs(self.heat_flow(state))
        for _ in range(6):
            flow = abs(self.heat_flow(step.state))
            if flow > 0.98 * threshold or before <= threshold or flow <= 0:
                break
            part = np.log(before / (0.99 * threshold)) / np.log(before / flow)
            shorter = self._attempt(state, leg, begin, step.duration * float(np.clip(part, 0.05, 0.95)), rate)
            if shorter is None or abs(self.heat_flow(shorter.state)) > threshold:
                break
            step = shorter
        return step


def _along(leg: Leg, time: float) -> tuple[float, float]:
    """Pressure and wall temperature at a time within a leg."""
    part = min(1.0, max(0.0, time / leg.duration))
    (p_0, p_1), (T_0, T_1) = leg.pressures, leg.temperatures
    # the end is hit exactly, not to rounding
    return (p_1, T_1) if part == 1.0 else (p_0 + part * (p_1 - p_0), T_0 + part * (T_1 - T_0))


def _is_quiet(state: CellState, step: Advance) -> bool:
    """Whether nothing transformed in a step."""
    return float(np.max(np.abs(step.state.fraction - state.fraction))) < 1e-9


def _steady(state: CellState, step: Advance) -> bool:
    """Whether pressure and wall temperature kept still in a step."""
    return state.pressure == step.state.pressure and state.wall == step.state.wall
