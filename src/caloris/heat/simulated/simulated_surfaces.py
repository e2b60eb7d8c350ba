"""Entropy surfaces from two simulated phases and the lines between them: the quasi-direct method.

S_low(T, p) = int Cp/T dT + S+(T, p) counts from (T_0, p_0); S_high(T, p) likewise, and differs from it by dH/T where
the phases are at equilibrium: S_high - S_low = dH/T there, on every isobar, with a straight line over pressure for
what is left over after heat capacities and expansions. Each branch passes from one to the other at its T_t(p).
Satisfies ``EntropySurfaces``. SI units.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from caloris.errors import InputError
from caloris.heat.calorimetry.phase_diagram import TransitionLine
from caloris.heat.simulated.phases import Phase
from caloris.heat.simulated.table import History
from caloris.heat.two_phase import Array, Branch

_STEP = 0.5
"""Of the grid on which an isentrope is inverted, K."""


@dataclass(frozen=True)
class Smear:
    """How a branch passes through a transition that is spread over several points."""

    pressure: Array
    """Pa, ascending."""
    distance: tuple[Array, ...]
    """T - T_t at each of these pressures, K; empty where the step is sharp."""
    fraction: tuple[Array, ...]

    def at(self, u: Array, p: float) -> Array:
        """Return the fraction of the high phase.

        Parameters
        ----------
        u, p:
            T - T_t (K) and pressure (Pa).
        """
        total = np.zeros_like(u)
        for k, share in self._shares(p):
            sharp = not len(self.distance[k])
            total = total + share * (u >= 0 if sharp else np.interp(u, self.distance[k], self.fraction[k]))
        return np.asarray(total)

    def span(self, p: float) -> tuple[float, float]:
        """Return the beginning and the end of the transition, from T_t, K.

        Parameters
        ----------
        p:
            Pa.
        """
        used = [self.distance[k] for k, share in self._shares(p) if share > 0 and len(self.distance[k])]
        return min((float(u[0]) for u in used), default=0.0), max((float(u[-1]) for u in used), default=0.0)

    def nodes(self, p: float) -> Array:
        """Return where the fraction bends, from T_t, K.

        Parameters
        ----------
        p:
            Pa.
        """
        return np.concatenate([np.zeros(1), *(self.distance[k] for k, share in self._shares(p) if share > 0)])

    def _shares(self, p: float) -> list[tuple[int, float]]:
        if len(self.pressure) == 1 or p <= self.pressure[0]:
            return [(0, 1.0)]
        if p >= self.pressure[-1]:
            return [(len(self.pressure) - 1, 1.0)]
        k = int(np.searchsorted(self.pressure, p, side="right"))
        weight = float((p - self.pressure[k - 1]) / (self.pressure[k] - self.pressure[k - 1]))
        return [(k - 1, 1 - weight), (k, weight)] if weight > 0 else [(k - 1, 1.0)]


@dataclass(frozen=True)
class SimulatedSurfaces:
    """Two families of entropy curves from a simulation; satisfies ``EntropySurfaces``."""

    low: Phase
    high: Phase
    lines: dict[Branch, TransitionLine]
    """Of heating and cooling; equal where there is one history."""
    smears: dict[Branch, Smear]
    offset: tuple[float, float]
    """Entropy of the high phase at (T_0, p_0), J/(kg K), and what it changes with pressure beyond its expansion."""
    pressures: tuple[float, float]
    """Lowest and highest pressure that was simulated, Pa."""
    simulated: frozenset[History] = field(default=frozenset({"heating", "cooling"}))

    @cached_property
    def is_inverse(self) -> bool:
        """Whether pressure lowers the transition temperature."""
        return float(self.lines["heating"].slope(0.5 * sum(self.pressures))) < 0

    @property
    def pressure(self) -> float:
        """The lowest pressure, Pa."""
        return self.pressures[0]

    @property
    def pressure_range(self) -> tuple[float, float]:
        """Lowest and highest pressure that was simulated, Pa."""
        return self.pressures

    @property
    def has_heat_capacity(self) -> bool:
        """Always: the slope of the enthalpy."""
        return True

    @property
    def knows_expansion(self) -> bool:
        """Always: a simulation knows its volume."""
        return True

    @property
    def anchor(self) -> float:
        """T_0, K: the lowest simulated temperature."""
        return self.low.volume.temperatures[0]

    def _within(self, p: Array | float) -> Array:
        low, high = self.pressures
        p = np.asarray(p, dtype=float)
        if np.any((p < low - 1.0) | (p > high + 1.0)):
            worst = float(np.ravel(p)[np.argmax(np.abs(np.ravel(p) - 0.5 * (low + high)))])
            raise InputError(
                f"pressure: {worst / 1e6:g} MPa was not simulated ({low / 1e6:g} to {high / 1e6:g} MPa); choose one "
                "within"
            )
        return np.clip(p, low, high)

    def phase_entropies(self, T: Array | float, p: Array | float) -> tuple[Array, Array]:
        """Return the entropies of the low and the high phase, J/(kg K).

        Parameters
        ----------
        T, p:
            K and Pa.
        """
        low = self.low.entropy(T, p) - self._zero[0]
        high = self.high.entropy(T, p) - self._zero[1]
        return low, high + self.offset[0] + self.offset[1] * (p - self.pressure)

    @cached_property
    def _zero(self) -> tuple[float, float]:
        """Where the entropies of both phases count from."""
        low, high = (float(phase.entropy(self.anchor, self.pressure)) for phase in (self.low, self.high))
        return low, high

    def transition_temperature(self, p: Array | float, branch: Branch) -> Array:
        """Return the transition temperature, K.

        Parameters
        ----------
        p, branch:
            Pa, within the simulated pressures; ``"equilibrium"`` is taken midway between the branches.

        Raises
        ------
        InputError
            If a pressure was not simulated.
        """
        p = self._within(p)
        if branch == "equilibrium":
            return np.asarray(0.5 * (self.lines["heating"].temperature(p) + self.lines["cooling"].temperature(p)))
        return self.lines[branch].temperature(p)

    def slope(self, p: Array | float, branch: Branch) -> Array:
        """Return dT/dp, K/Pa.

        Parameters
        ----------
        p, branch:
            As for :meth:`transition_temperature`.
        """
        if branch == "equilibrium":
            return np.asarray(0.5 * (self.lines["heating"].slope(p) + self.lines["cooling"].slope(p)))
        return self.lines[branch].slope(p)

    def transition_range(self, p: float, branch: Branch) -> tuple[float, float]:
        """Return where a branch begins and ends to transform, K; one temperature where the step is sharp.

        Parameters
        ----------
        p, branch:
            As for :meth:`transition_temperature`.
        """
        T = float(self.transition_temperature(p, branch))
        first, last = self.smears[branch].span(p)
        return T + first, T + last

    def transition_changes(self, p: float) -> tuple[float, float, float]:
        """Return temperature (K), entropy (J/(kg K)) and volume change (m3/kg) midway between the branches.

        Parameters
        ----------
        p:
            Pa, within the simulated pressures.
        """
        T = float(self.transition_temperature(p, "equilibrium"))
        low, high = self.phase_entropies(T, p)
        return T, float(high - low), float(self.high.volume.volume(T, p) - self.low.volume.volume(T, p))

    def fraction(self, T: Array, p: float, branch: Branch) -> Array:
        """Return the fraction of the high phase.

        Parameters
        ----------
        T, p, branch:
            K, and as for :meth:`transition_temperature`.
        """
        u = np.asarray(T, dtype=float) - float(self.transition_temperature(p, branch))
        return self.smears[branch].at(u, float(p))

    def entropy(self, T: Array, p: float, branch: Branch) -> Array:
        """Return S(T, p) - S(T_0, p_0) along a branch.

        Parameters
        ----------
        T, p, branch:
            Temperatures (K), and as for :meth:`transition_temperature`, with its errors.

        Returns
        -------
        :
            J/(kg K), one per temperature.
        """
        T, p = np.asarray(T, dtype=float), float(self._within(p))
        low, high = self.phase_entropies(T, p)
        return np.asarray(low + self.fraction(T, p, branch) * (high - low))

    def isentropic_temperature(self, entropy: Array, p: float, branch: Branch) -> Array:
        """Return the temperature at which a branch has a given entropy.

        Parameters
        ----------
        entropy, p, branch:
            As :meth:`entropy` gives and takes them.

        Returns
        -------
        :
            K, one per entropy.

        Raises
        ------
        InputError
            If no temperature has that entropy.
        """
        p = float(self._within(p))
        T_t = float(self.transition_temperature(p, branch))
        first, last = self.transition_range(p, branch)
        below, above = first - 20.0, last + 20.0
        least, most = float(np.min(entropy)), float(np.max(entropy))
        for _ in range(60):
            S = self.entropy(np.array([below, above]), p, branch)
            if S[0] <= least and S[1] >= most:
                break
            below = below if S[0] <= least else max(first - 1.5 * (first - below), 0.5 * below)
            above = above if S[1] >= most else last + 1.5 * (above - last)
        else:
            raise InputError(f"entropy: no temperature has {least:g} to {most:g} J/kg/K on this branch")
        nodes = T_t + self.smears[branch].nodes(p)
        sides = [np.arange(below, above + _STEP, _STEP), nodes, np.nextafter(nodes, 0.0)]
        grid = np.unique(np.concatenate(sides))
        S = np.maximum.accumulate(self.entropy(grid, p, branch))
        return np.asarray(np.interp(entropy, S, grid))
