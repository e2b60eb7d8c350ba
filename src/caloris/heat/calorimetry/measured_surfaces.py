"""Entropy surfaces from calorimetry: the quasi-direct method.

S(T, p) = int C_low/T dT + S+(T, p) + sigma(T, p), where sigma is what the transition adds to the low phase,
sigma = int [x (C_high - C_low) + excess heat per kelvin]/T dT, from the scan at p. Between two measured pressures
sigma is interpolated at equal distance from the transition temperature. SI units.

Source: quasi-direct method of Moya, Lloveras, Manosa and Tamarit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from caloris.errors import InputError
from caloris.heat.calorimetry.phase_diagram import TransitionLine
from caloris.heat.calorimetry.phase_heat_capacity import PhaseHeatCapacity
from caloris.heat.calorimetry.segments import Direction
from caloris.heat.calorimetry.volume import Volume
from caloris.heat.two_phase import Array, Branch


@dataclass(frozen=True)
class Profile:
    """What a transition adds to the entropy of the low phase, at one pressure and on one branch."""

    pressure: float
    """Pa."""
    transition_temperature: float
    """K, by the chosen definition."""
    temperature: Array
    """K, strictly ascending, from before to after the transition."""
    entropy: Array
    """sigma, J/(kg K); 0 at the first temperature."""
    change: float
    """dS_t: the excess alone, without the difference of the heat capacities, J/(kg K)."""
    start: float
    """1 % transformed, K, counted upwards in temperature."""
    finish: float
    """99 % transformed, K."""

    def shifted(self, temperature: float) -> "Profile":
        """Return the profile moved along temperature.

        Parameters
        ----------
        temperature:
            K.
        """
        return Profile(
            self.pressure,
            self.transition_temperature + temperature,
            self.temperature + temperature,
            self.entropy,
            self.change,
            self.start + temperature,
            self.finish + temperature,
        )


def profile_of(
    pressure: float,
    transition_temperature: float,
    direction: Direction,
    temperature: Array,
    cumulative_entropy: Array,
    heat_capacity: PhaseHeatCapacity | None,
) -> Profile:
    """Turn the excess entropy along a scan into what the transition adds over ascending temperature.

    Parameters
    ----------
    pressure, transition_temperature:
        Pa and K.
    direction:
        Of the scan.
    temperature, cumulative_entropy:
        Along the scan, K and J/(kg K): the integral of the excess heat flow over temperature.
    heat_capacity:
        Of both phases; None if unknown, and then taken as equal.

    Returns
    -------
    :
        The profile.
    """
    T, excess = temperature, cumulative_entropy
    if direction == "cooling":
        T, excess = T[::-1], (excess - excess[-1])[::-1]
    # a sample that warms itself while it crystallises comes back to a temperature: count it once
    T = np.maximum.accumulate(T)
    keep = np.concatenate([np.diff(T) > 0, [True]])
    T, excess = T[keep], excess[keep]
    excess = excess - excess[0]
    change = float(excess[-1])
    x = np.maximum.accumulate(np.clip(excess / change, 0.0, 1.0))
    sigma = excess
    if heat_capacity is not None:
        difference = heat_capacity.high.at(T) - heat_capacity.low.at(T)
        steps = 0.5 * ((x * difference)[1:] + (x * difference)[:-1]) * np.diff(np.log(T))
        sigma = excess + np.concatenate([[0.0], np.cumsum(steps)])
    start, finish = (float(np.interp(level, x, T)) for level in (0.01, 0.99))
    return Profile(pressure, transition_temperature, T, sigma, change, start, finish)


@dataclass(frozen=True)
class MeasuredSurfaces:
    """Two families of entropy curves from scans; satisfies ``EntropySurfaces``."""

    heating: tuple[Profile, ...]
    """Ascending in pressure."""
    cooling: tuple[Profile, ...]
    """Ascending in pressure; those of heating where cooling was not measured."""
    lines: dict[Branch, TransitionLine]
    """Fitted branches, for slopes and for what lies between the branches."""
    heat_capacity: PhaseHeatCapacity | None = None
    volume: Volume | None = None
    anchor: float = field(default=0.0)
    """T_0 (K): where the heat capacity of the low phase begins to count, below all transitions."""
    measured: frozenset[Direction] = frozenset({"heating", "cooling"})
    """The branches that were measured; the other one is taken equal."""

    @cached_property
    def is_inverse(self) -> bool:
        """Whether pressure lowers the transition temperature."""
        return float(self.lines["heating"].slope(self.pressure)) < 0

    @property
    def has_heat_capacity(self) -> bool:
        """Whether heat capacities were given."""
        return self.heat_capacity is not None

    @property
    def knows_expansion(self) -> bool:
        """Whether the volumes of both phases were given."""
        return self.volume is not None and self.volume.high is not None

    def fraction(self, T: Array, p: float, branch: Branch) -> Array:
        """Return the fraction of the high phase, by entropy.

        Parameters
        ----------
        T, p, branch:
            As for :meth:`entropy`, with its errors.
        """
        p = float(self._within(p))
        a, b, weight = self._bracket(p, branch)
        u = np.asarray(T, dtype=float) - float(self.transition_temperature(p, branch))
        shares = [
            share
            * np.interp(profile.transition_temperature + u, profile.temperature, profile.entropy / profile.entropy[-1])
            for profile, share in ((a, 1 - weight), (b, weight))
            if share > 0
        ]
        return np.asarray(np.clip(np.sum(shares, axis=0), 0.0, 1.0))

    @property
    def pressure(self) -> float:
        """The lowest pressure that both branches were measured at, Pa."""
        return self.pressure_range[0]

    @cached_property
    def pressure_range(self) -> tuple[float, float]:
        """Lowest and highest pressure that both branches were measured at, Pa."""
        return (
            max(self.heating[0].pressure, self.cooling[0].pressure),
            min(self.heating[-1].pressure, self.cooling[-1].pressure),
        )

    def _profiles(self, branch: Branch) -> tuple[Profile, ...]:
        return self.cooling if branch == "cooling" else self.heating

    @cached_property
    def _interpolants(self) -> dict[Branch, object]:
        from scipy.interpolate import PchipInterpolator

        found: dict[Branch, object] = {}
        for branch in ("heating", "cooling"):
            profiles = self._profiles(branch)
            p = np.array([profile.pressure for profile in profiles])
            T = np.array([profile.transition_temperature for profile in profiles])
            found[branch] = PchipInterpolator(p, T)
        return found

    def transition_temperature(self, p: Array | float, branch: Branch) -> Array:
        """Return the transition temperature, through the measured points (monotone between them).

        Parameters
        ----------
        p, branch:
            Pa, within :attr:`pressure_range`; ``"equilibrium"`` is taken midway between the branches.

        Raises
        ------
        InputError
            If a pressure lies outside the data.
        """
        if branch == "equilibrium":
            both = [self.transition_temperature(p, b) for b in ("heating", "cooling")]
            return np.asarray(0.5 * (both[0] + both[1]))
        p = self._within(p)
        return np.asarray(self._interpolants[branch](p))  # type: ignore[operator]

    def _within(self, p: Array | float) -> Array:
        low, high = self.pressure_range
        p = np.asarray(p, dtype=float)
        if np.any((p < low - 1.0) | (p > high + 1.0)):
            worst = float(np.ravel(p)[np.argmax(np.abs(np.ravel(p) - 0.5 * (low + high)))])
            raise InputError(
                f"pressure: {worst / 1e6:g} MPa lies outside the data ({low / 1e6:g} to {high / 1e6:g} MPa); "
                "choose one within"
            )
        return np.clip(p, low, high)

    def slope(self, p: Array | float, branch: Branch) -> Array:
        """Return dT/dp of the fitted branch, K/Pa.

        Parameters
        ----------
        p, branch:
            As for :meth:`transition_temperature`.
        """
        if branch == "equilibrium":
            return np.asarray(0.5 * (self.lines["heating"].slope(p) + self.lines["cooling"].slope(p)))
        return self.lines[branch].slope(p)

    def _bracket(self, p: float, branch: Branch) -> tuple[Profile, Profile, float]:
        """The profiles at the measured pressures around p, and the weight of the second."""
        profiles = self._profiles(branch)
        pressures = [profile.pressure for profile in profiles]
        upper = min(max(int(np.searchsorted(pressures, p)), 1), len(profiles) - 1)
        a, b = profiles[upper - 1], profiles[upper]
        return a, b, float(np.clip((p - a.pressure) / (b.pressure - a.pressure), 0.0, 1.0))

    def transition_range(self, p: float, branch: Branch) -> tuple[float, float]:
        """Return where a branch begins and ends to transform, K: the whole of its profile.

        Parameters
        ----------
        p, branch:
            As for :meth:`transition_temperature`.
        """
        a, b, weight = self._bracket(float(self._within(p)), branch)
        T = float(self.transition_temperature(p, branch))
        return (
            T + min(profile.temperature[0] - profile.transition_temperature for profile in _used(a, b, weight)),
            T + max(profile.temperature[-1] - profile.transition_temperature for profile in _used(a, b, weight)),
        )

    def transition_changes(self, p: float) -> tuple[float, float, float]:
        """Return temperature, entropy and volume change of the transition between the branches.

        Parameters
        ----------
        p:
            Pa, within :attr:`pressure_range`.

        Returns
        -------
        :
            K; J/(kg K); m3/kg, from the volumes where they are known for both phases, by Clausius-Clapeyron
            otherwise.
        """
        T = float(self.transition_temperature(p, "equilibrium"))
        changes = []
        for branch in ("heating", "cooling"):
            a, b, weight = self._bracket(float(self._within(p)), branch)
            changes.append((1 - weight) * a.change + weight * b.change)
        dS = 0.5 * sum(changes)
        dV = float("nan") if self.volume is None else float(self.volume.change(T, p))
        return T, dS, dV if np.isfinite(dV) else dS * float(self.slope(p, "equilibrium"))

    def entropy(self, T: Array, p: float, branch: Branch) -> Array:
        """Return S(T, p) - S(T_0, p_0) along a branch.

        Parameters
        ----------
        T, p, branch:
            Temperatures (K), and as for :meth:`transition_temperature`, with its errors.

        Returns
        -------
        :
            J/(kg K), one per temperature. Without heat capacities their part is left out (0).
        """
        T, p = np.asarray(T, dtype=float), float(self._within(p))
        a, b, weight = self._bracket(p, branch)
        u = T - float(self.transition_temperature(p, branch))
        total = np.zeros_like(T)
        for profile, share in ((a, 1 - weight), (b, weight)):
            if share > 0:
                total = total + share * self._sigma(profile, profile.transition_temperature + u)
        if self.heat_capacity is not None:
            total = total + self.heat_capacity.low.entropy(T) - self.heat_capacity.low.entropy(self.anchor)
        if self.volume is not None:
            total = total + self.volume.low.entropy(T, p, self.pressure)
        return total

    def _sigma(self, profile: Profile, T: Array) -> Array:
        """What the transition adds, also above the end of the profile."""
        sigma = np.interp(T, profile.temperature, profile.entropy)
        if self.heat_capacity is None:
            return sigma
        end = float(profile.temperature[-1])
        above = np.maximum(T, end)
        high, low = self.heat_capacity.high, self.heat_capacity.low
        return np.asarray(sigma + (high.entropy(above) - high.entropy(end)) - (low.entropy(above) - low.entropy(end)))

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
            If no heat capacity is known: without it there is no adiabatic temperature change.
        """
        if self.heat_capacity is None:
            raise InputError(
                "heat_capacity: not given, and an adiabatic temperature change needs it; "
                "give heat_capacity='1600 J/kg/K' (or both phases), or scans with a blank run and heat_capacity='scans'"
            )
        first, last = self.transition_range(p, branch)
        below, above = self._reach(entropy, p, branch, first, last)
        a, b, weight = self._bracket(float(self._within(p)), branch)
        T_t = float(self.transition_temperature(p, branch))
        nodes = [profile.temperature - profile.transition_temperature + T_t for profile in _used(a, b, weight)]
        sides = np.concatenate([np.arange(below, first, 0.25), np.arange(last, above + 0.25, 0.25)])
        grid = np.unique(np.concatenate([*nodes, sides]))
        S = np.maximum.accumulate(self.entropy(grid, p, branch))
        return np.asarray(np.interp(entropy, S, grid))

    def _reach(self, entropy: Array, p: float, branch: Branch, first: float, last: float) -> tuple[float, float]:
        """Temperatures below and above the transition between which a branch has all these entropies."""
        below, above = first - 20.0, last + 20.0
        least, most = float(np.min(entropy)), float(np.max(entropy))
        for _ in range(60):
            S = self.entropy(np.array([below, above]), p, branch)
            low, high = S[0] <= least, S[1] >= most
            if low and high:
                return below, above
            below = below if low else max(first - 1.5 * (first - below), 0.5 * below)
            above = above if high else last + 1.5 * (above - last)
        raise _unreachable(entropy)


def _unreachable(entropy: Array) -> InputError:
    return InputError(f"entropy: no temperature has {float(np.ravel(entropy)[0]):g} J/kg/K on this branch")


def _used(a: Profile, b: Profile, weight: float) -> Sequence[Profile]:
    """The profiles that have a share."""
    return [profile for profile, share in ((a, 1 - weight), (b, weight)) if share > 0]
