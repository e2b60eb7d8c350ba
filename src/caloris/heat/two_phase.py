"""Two phases and the first-order transition between them: exact Gibbs thermodynamics with two branches.

Phase i has S_i = s_i + c_i ln(T/T_e) - e_i (p - p_0) and V_i = v_i + e_i (T - T_e) - k_i (p - p_0), so
everything follows from one Gibbs energy and obeys Maxwell and Clausius-Clapeyron by construction. On heating
the transition waits until G_low - G_high = D_h, on cooling until G_high - G_low = D_c (the barriers, which make
the hysteresis). Behind the door all numbers are floats in SI units: K, Pa, J/kg, J/(kg K), m3/kg.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from caloris.errors import InputError
from caloris.materials import Material
from caloris.units import Quantity

Array = npt.NDArray[np.float64]
Branch = Literal["heating", "cooling", "equilibrium"]
HYSTERESIS_UNKNOWN = "hysteresis: not known, taken as none; what is called reversible is an upper bound"


@dataclass(frozen=True, kw_only=True)
class PhaseProperties:
    """Constant properties of one phase, SI units per kilogram."""

    heat_capacity: float
    """c, J/(kg K)."""
    expansion: float = 0.0
    """e = (dV/dT)_p, m3/(kg K)."""
    compression: float = 0.0
    """k = -(dV/dp)_T, m3/(kg Pa)."""


@dataclass(frozen=True, kw_only=True)
class TwoPhase:
    """A low- and a high-temperature phase with an exact Gibbs energy difference and a barrier per branch.

    All fields are SI floats; build one from a card with :meth:`from_material`. The methods take temperatures T (K)
    and pressures p (Pa) as numbers or arrays.

    Source: the Gibbs energy of the module's docstring. Without barriers, on the line of eq. 12 of Zhang et al.
    (2023), it is the sharp limit of that equation.
    """

    low: PhaseProperties
    high: PhaseProperties
    temperature: float
    """Equilibrium temperature T_e at the reference pressure, K."""
    pressure: float
    """Reference pressure p_0, Pa."""
    entropy_change: float
    """S(high) - S(low) at (T_e, p_0), J/(kg K)."""
    volume_change: float
    """V(high) - V(low) at (T_e, p_0), m3/kg."""
    volume: float
    """V(low) at (T_e, p_0), m3/kg."""
    barrier_heating: float = 0.0
    """D_h at p_0, J/kg."""
    barrier_cooling: float = 0.0
    """D_c at p_0, J/kg."""
    barrier_heating_slope: float = 0.0
    """dD_h/dp, J/(kg Pa)."""
    barrier_cooling_slope: float = 0.0
    """dD_c/dp, J/(kg Pa)."""
    assumed: tuple[str, ...] = ()
    """What the card does not say and the model takes, in words."""

    @classmethod
    def from_material(cls, material: Material, transition: str | None = None, /, **overrides: Quantity) -> "TwoPhase":
        """Build the model from a card.

        The equilibrium line passes midway between the branches at the card's reference pressure, with the
        Clausius-Clapeyron slope of the card's volume and entropy change. A branch whose slope is on the card
        keeps that slope (its barrier then depends on pressure); otherwise the branch runs parallel.

        A missing cooling temperature is taken equal to the heating temperature, a heat capacity that only one phase
        has for both, a missing density as unknown; ``assumed`` says so.

        Parameters
        ----------
        material:
            The card.
        transition:
            Name of the transition on the card; the first complete one if absent.
        overrides:
            Values that replace the card's: ``heat_capacity``, ``entropy_change``, ``volume_change``,
            ``temperature_heating``, ``temperature_cooling``, ``slope_heating``, ``slope_cooling``, ``density``.

        Returns
        -------
        :
            The two-phase model.

        Raises
        ------
        InputError
            If the card lacks what the model needs.

        Examples
        --------
        >>> from caloris.materials import load
        >>> model = TwoPhase.from_material(load("NH4SCN"))
        >>> round(float(model.transition_temperature(100e6, "heating")), 1)
        334.0
        """
        from caloris.heat.from_card import two_phase_of

        return two_phase_of(material, transition, overrides)

    def __post_init__(self) -> None:
        if self.entropy_change <= 0:
            raise InputError(f"entropy_change must be greater than 0, got {self.entropy_change:g} J/kg/K")
        if self.low.heat_capacity <= 0 or self.high.heat_capacity <= 0:
            raise InputError("heat_capacity must be greater than 0 in both phases")

    @property
    def is_inverse(self) -> bool:
        """Whether pressure favours the high-temperature phase (dT/dp < 0)."""
        return self.volume_change < 0

    @property
    def delta_heat_capacity(self) -> float:
        """C(high) - C(low), J/(kg K)."""
        return self.high.heat_capacity - self.low.heat_capacity

    def delta_entropy(self, T: Array | float, p: Array | float) -> Array:
        """Return S(high) - S(low).

        Parameters
        ----------
        T, p:
            Temperature (K) and pressure (Pa), of shapes that broadcast.

        Returns
        -------
        :
            J/(kg K), of the broadcast shape.
        """
        return np.asarray(
            self.entropy_change
            + self.delta_heat_capacity * np.log(np.asarray(T) / self.temperature)
            - (self.high.expansion - self.low.expansion) * (np.asarray(p) - self.pressure)
        )

    def delta_volume(self, T: Array | float, p: Array | float) -> Array:
        """Return V(high) - V(low).

        Parameters
        ----------
        T, p:
            As for :meth:`delta_entropy`.

        Returns
        -------
        :
            m3/kg, of the broadcast shape.
        """
        return np.asarray(
            self.volume_change
            + (self.high.expansion - self.low.expansion) * (np.asarray(T) - self.temperature)
            - (self.high.compression - self.low.compression) * (np.asarray(p) - self.pressure)
        )

    def delta_gibbs(self, T: Array | float, p: Array | float) -> Array:
        """Return G(high) - G(low); its negative drives the transition to the high phase.

        Parameters
        ----------
        T, p:
            As for :meth:`delta_entropy`.

        Returns
        -------
        :
            J/kg, of the broadcast shape; 0 on the equilibrium line.
        """
        T, dp = np.asarray(T), np.asarray(p) - self.pressure
        dT = T - self.temperature
        return np.asarray(
            -self.entropy_change * dT
            - self.delta_heat_capacity * (T * np.log(T / self.temperature) - dT)
            + self.volume_change * dp
            + (self.high.expansion - self.low.expansion) * dT * dp
            - 0.5 * (self.high.compression - self.low.compression) * dp**2
        )

    def delta_enthalpy(self, T: Array | float, p: Array | float) -> Array:
        """Return H(high) - H(low): the transition enthalpy where the transition happens at (T, p).

        Parameters
        ----------
        T, p:
            As for :meth:`delta_entropy`.

        Returns
        -------
        :
            J/kg, of the broadcast shape.
        """
        return np.asarray(self.delta_gibbs(T, p) + np.asarray(T) * self.delta_entropy(T, p))

    def low_enthalpy(self, T: Array | float, p: Array | float) -> Array:
        """Return H(low) - H(low; T_e, p_0), J/kg.

        Parameters
        ----------
        T, p:
            As for :meth:`delta_entropy`.
        """
        dp = np.asarray(p) - self.pressure
        return np.asarray(
            self.low.heat_capacity * (np.asarray(T) - self.temperature)
            + (self.volume - self.low.expansion * self.temperature) * dp
            - 0.5 * self.low.compression * dp**2
        )

    def low_volume(self, T: Array | float, p: Array | float) -> Array:
        """Return V(low), m3/kg.

        Parameters
        ----------
        T, p:
            As for :meth:`delta_entropy`.
        """
        return np.asarray(
            self.volume
            + self.low.expansion * (np.asarray(T) - self.temperature)
            - self.low.compression * (np.asarray(p) - self.pressure)
        )

    def low_entropy(self, T: Array | float, p: Array | float) -> Array:
        """Return S(low) - S(low; T_e, p_0), J/(kg K).

        Parameters
        ----------
        T, p:
            As for :meth:`delta_entropy`.
        """
        return np.asarray(
            self.low.heat_capacity * np.log(np.asarray(T) / self.temperature)
            - self.low.expansion * (np.asarray(p) - self.pressure)
        )

    def barrier(self, p: Array | float, branch: Branch) -> Array:
        """Return the driving force at which a branch transforms, J/kg (0 at equilibrium), one per pressure.

        Parameters
        ----------
        p, branch:
            As for :meth:`transition_temperature`.
        """
        dp = np.asarray(p) - self.pressure
        if branch == "heating":
            return np.asarray(self.barrier_heating + self.barrier_heating_slope * dp)
        if branch == "cooling":
            return np.asarray(self.barrier_cooling + self.barrier_cooling_slope * dp)
        return np.zeros_like(dp)

    def transition_temperature(self, p: Array | float, branch: Branch) -> Array:
        """Solve G(high) - G(low) = -D_h (heating), +D_c (cooling) or 0 (equilibrium) for T, in K.

        Parameters
        ----------
        p:
            Pressure, Pa.
        branch:
            ``"heating"``, ``"cooling"`` or ``"equilibrium"``.

        Returns
        -------
        :
            The transition temperature, exact to rounding; one per pressure.

        Raises
        ------
        InputError
            If the two phases do not meet at a pressure: it lies outside the model.
        """
        p = np.asarray(p, dtype=float)
        sign = {"heating": -1.0, "cooling": 1.0, "equilibrium": 0.0}[branch]
        target = sign * self.barrier(p, branch)
        T = np.full_like(p, self.temperature)
        for _ in range(100):
            slope = self.delta_entropy(T, p)
            if np.any(~np.isfinite(slope) | (slope <= 0)):
                break
            with np.errstate(over="ignore", invalid="ignore"):  # an absurd pressure: refused below
                step = (self.delta_gibbs(T, p) - target) / slope
            T = np.where(T + step > 0.2 * T, T + step, 0.2 * T)
            if np.all(np.abs(step) <= 1e-13 * T):
                return T
        worst = float(np.max(np.abs(p))) / 1e6
        raise InputError(
            f"pressure: up to {worst:g} MPa lies outside the two-phase model (no {branch} transition there); "
            "stay nearer to the card's reference pressure"
        )

    def transition_pressure(self, T: float, branch: Branch) -> float:
        """Return the pressure at which a branch passes a temperature: :meth:`transition_temperature` inverted.

        Parameters
        ----------
        T, branch:
            Temperature (K), and branch as for :meth:`transition_temperature`.

        Returns
        -------
        :
            Pa; negative where only tension would do.

        Raises
        ------
        InputError
            If no pressure moves the branch there.
        """
        p = self.pressure
        sign = {"heating": -1.0, "cooling": 1.0, "equilibrium": 0.0}[branch]
        rate = {"heating": self.barrier_heating_slope, "cooling": self.barrier_cooling_slope}.get(branch, 0.0)
        for _ in range(100):
            value = float(self.delta_gibbs(T, p) - sign * self.barrier(p, branch))
            change = float(self.delta_volume(T, p)) - sign * rate
            if change == 0:
                break
            step = -value / change
            p += step
            if not np.isfinite(p):
                break
            if abs(step) <= 1e-12 * max(abs(p), 1e5):
                return p
        raise InputError(f"temperature: no pressure moves the {branch} transition to {T:g} K in this model")

    def slope(self, p: Array | float, branch: Branch) -> Array:
        """Return dT/dp of a branch; on the equilibrium line this is Clausius-Clapeyron, dV/dS.

        Parameters
        ----------
        p, branch:
            As for :meth:`transition_temperature`, with its errors.

        Returns
        -------
        :
            K/Pa, one per pressure.
        """
        T = self.transition_temperature(p, branch)
        sign = {"heating": -1.0, "cooling": 1.0, "equilibrium": 0.0}[branch]
        rate = {"heating": self.barrier_heating_slope, "cooling": self.barrier_cooling_slope}.get(branch, 0.0)
        return np.asarray((self.delta_volume(T, p) - sign * rate) / self.delta_entropy(T, p))

    def entropy(self, T: Array, p: float, branch: Branch) -> Array:
        """Return S(T, p) along a branch, counted from S(low; T_e, p_0) = 0.

        Parameters
        ----------
        T, p, branch:
            Temperatures (K); pressure and branch as for :meth:`transition_temperature`, with its errors.

        Returns
        -------
        :
            J/(kg K), one per temperature; a step at the transition.
        """
        high = np.asarray(T) >= self.transition_temperature(p, branch)
        return np.asarray(self.low_entropy(T, p) + high * self.delta_entropy(T, p))

    def isentropic_temperature(self, entropy: Array, p: float, branch: Branch) -> Array:
        """Return the temperature at which a branch has a given entropy: :meth:`entropy` inverted.

        Parameters
        ----------
        entropy, p, branch:
            Entropies, J/(kg K), counted as in :meth:`entropy`; pressure and branch as there.

        Returns
        -------
        :
            K, one per entropy; the transition temperature for every entropy within the step.
        """
        T_t = float(self.transition_temperature(p, branch))
        S_low = float(self.low_entropy(T_t, p))
        S_high = S_low + float(self.delta_entropy(T_t, p))
        below = T_t * np.exp((entropy - S_low) / self.low.heat_capacity)
        above = T_t * np.exp((entropy - S_high) / self.high.heat_capacity)
        return np.where(entropy <= S_low, below, np.where(entropy >= S_high, above, T_t))

    @property
    def has_heat_capacity(self) -> bool:
        """Always: both phases have one."""
        return True

    @property
    def knows_expansion(self) -> bool:
        """Always: as the card has it, or none."""
        return True

    def fraction(self, T: Array, p: float, branch: Branch) -> Array:
        """Return the fraction of the high phase, 0 or 1; parameters and errors as for :meth:`entropy`."""
        return np.asarray(np.asarray(T) >= self.transition_temperature(p, branch), dtype=float)

    @property
    def pressure_range(self) -> tuple[float, float]:
        """Pressures (Pa) that the model holds for: it has no bounds of its own above zero."""
        return 0.0, float("inf")

    def transition_range(self, p: float, branch: Branch) -> tuple[float, float]:
        """Return where the transition of a branch begins and ends: a sharp one has one temperature, K.

        Parameters
        ----------
        p, branch:
            As for :meth:`transition_temperature`, with its errors.
        """
        T = float(self.transition_temperature(p, branch))
        return T, T

    def transition_changes(self, p: float) -> tuple[float, float, float]:
        """Return temperature (K), entropy change (J/(kg K)) and volume change (m3/kg) of the equilibrium transition.

        Parameters
        ----------
        p:
            Pressure, Pa; errors as for :meth:`transition_temperature`.
        """
        T = float(self.transition_temperature(p, "equilibrium"))
        return T, float(self.delta_entropy(T, p)), float(self.delta_volume(T, p))
