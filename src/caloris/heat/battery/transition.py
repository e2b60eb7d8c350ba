"""How the phase fraction x (of the high-temperature phase) answers to temperature and pressure.

Both models share one thermodynamics (:class:`~caloris.heat.TwoPhase`) and differ in x(T, p):

- ``Hysteresis``: generalised play, x <- clip(x, x_heating(T, p), x_cooling(T, p)), where each branch is a ramp of
  a given width; with a relaxation time x follows as dx/dt = (target - x)/tau.
- ``Logistic`` (in ``logistic.py``): eqs 11-12 of Zhang et al. (2023), without hysteresis.

Over a time step the material absorbs the heat q = h_1 - h_0 - (v_0 + v_1)/2 (p_1 - p_0) per mass. With the work
-(p_0 + p_1)/2 (v_1 - v_0) this is the first law for the internal energy h - p v, exactly. A step offers the
inverse T(q), which the nodal enthalpy method needs. SI units per kilogram.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from caloris.errors import InputError
from caloris.heat.two_phase import Array, TwoPhase


@dataclass(frozen=True)
class MaterialState:
    """Temperature (n,), K; pressure, Pa; and fraction of the high phase (n,) at n nodes."""

    temperature: Array
    pressure: float
    fraction: Array


class TimeStep(Protocol):
    """One time step of the material at a prescribed new pressure and duration."""

    def at_heat(self, heat: Array) -> tuple[Array, Array, Array]:
        """Return what absorbs a heat in the step.

        Parameters
        ----------
        heat:
            q at every node, (n,), J/kg.

        Returns
        -------
        :
            T (K), x and dT/dq (K kg/J), each (n,).
        """

    def temperature_change(self, heat: Array, T: Array, x: Array) -> Array:
        """Return the change of temperature in the step, exact to its own size where nothing transforms.

        Parameters
        ----------
        heat, T, x:
            What was given to and returned by :meth:`at_heat`, each (n,).

        Returns
        -------
        :
            K, (n,). A difference of two absolute temperatures would be rounded to 6e-14 K, which a stiff contact
            over a long step turns into heat.
        """


class TransitionModel(Protocol):
    """A rule for the phase fraction, with the thermodynamics it belongs to."""

    @property
    def model(self) -> TwoPhase:
        """The two-phase thermodynamics."""

    @property
    def description(self) -> str:
        """One line for reports."""

    def initial_fraction(self, T: Array, p: float) -> Array:
        """Return the fraction of the high phase of material that has come from lower temperatures.

        Parameters
        ----------
        T, p:
            Temperatures (n,), K, and pressure, Pa.

        Returns
        -------
        :
            x (n,), from 0 to 1.
        """

    def edges(self, p: float) -> tuple[float, ...]:
        """Return the temperatures at which the behaviour changes abruptly; time steps hit them.

        Parameters
        ----------
        p:
            Pressure, Pa.

        Returns
        -------
        :
            K, the ends of a ramp in pairs, the lower ramp first.

        Raises
        ------
        InputError
            If the pressure lies outside the model.
        """

    def step(self, state: MaterialState, p: float, dt: float) -> TimeStep:
        """Begin a time step.

        Parameters
        ----------
        state:
            At its beginning.
        p:
            Pressure at its end, Pa.
        dt:
            Its length, s.

        Returns
        -------
        :
            The step, which answers to the heat it absorbs.
        """


def specific_enthalpy(model: TwoPhase, state: MaterialState) -> Array:
    """Return H of the mixture, from H(low; T_e, p_0) = 0.

    Parameters
    ----------
    model:
        The thermodynamics.
    state:
        The material at n nodes.

    Returns
    -------
    :
        (n,), J/kg.
    """
    T, p = state.temperature, state.pressure
    return np.asarray(model.low_enthalpy(T, p) + state.fraction * model.delta_enthalpy(T, p))


def specific_volume(model: TwoPhase, state: MaterialState) -> Array:
    """Return V of the mixture.

    Parameters
    ----------
    model:
        The thermodynamics.
    state:
        The material at n nodes.

    Returns
    -------
    :
        (n,), m3/kg.
    """
    T, p = state.temperature, state.pressure
    return np.asarray(model.low_volume(T, p) + state.fraction * model.delta_volume(T, p))


@dataclass(frozen=True)
class StepHeat:
    """q(T, x) = constant + slope * t + x * (latent + latent_slope * t) with t = T - T_e."""

    origin: float
    constant: Array
    slope: float
    latent: float
    latent_slope: float
    before: MaterialState
    heat_before: Array
    """q at the old temperature and fraction: the heat of the pressure change alone."""

    @classmethod
    def of(cls, model: TwoPhase, state: MaterialState, p: float) -> "StepHeat":
        """Take the coefficients for a step from a state to a pressure p (Pa)."""
        dp = p - state.pressure
        T_e = model.temperature
        old = specific_enthalpy(model, state) + 0.5 * dp * specific_volume(model, state)
        new = float(model.low_enthalpy(T_e, p)) - 0.5 * dp * float(model.low_volume(T_e, p))
        unheated = MaterialState(state.temperature, p, state.fraction)
        alone = specific_enthalpy(model, unheated) - 0.5 * dp * specific_volume(model, unheated) - old
        return cls(
            origin=T_e,
            constant=new - old,
            slope=model.low.heat_capacity - 0.5 * dp * model.low.expansion,
            latent=float(model.delta_enthalpy(T_e, p) - 0.5 * dp * model.delta_volume(T_e, p)),
            latent_slope=model.delta_heat_capacity - 0.5 * dp * (model.high.expansion - model.low.expansion),
            before=state,
            heat_before=alone if dp else np.zeros_like(old),
        )

    def heat(self, t: Array, x: Array) -> Array:
        """Heat q (J/kg) that brings the material to t = T - T_e (K) and x."""
        return np.asarray(self.constant + self.slope * t + x * (self.latent + self.latent_slope * t))

    def temperature_change(self, heat: Array, T: Array, x: Array) -> Array:
        """Change of temperature in the step; see :meth:`TimeStep.temperature_change`."""
        x_0 = self.before.fraction
        untransformed = (heat - self.heat_before) / (self.slope + x_0 * self.latent_slope)
        return np.where(np.abs(x - x_0) < 1e-15, untransformed, T - self.before.temperature)


@dataclass(frozen=True)
class Hysteresis:
    """Rate-independent hysteresis between two ramps, with an optional relaxation time.

    Parameters
    ----------
    model:
        Thermodynamics and branches.
    width:
        Width of each ramp, K.
    relaxation_time:
        s; 0 lets the fraction follow at once.
    """

    model: TwoPhase
    width: float = 0.2
    relaxation_time: float = 0.0

    def __post_init__(self) -> None:
        if not self.width > 0:
            raise InputError(f"transition width: must be greater than 0 K, got {self.width:g} K")
        if not self.relaxation_time >= 0:
            raise InputError(f"relaxation time: must not be negative, got {self.relaxation_time:g} s")

    @property
    def description(self) -> str:
        """One line for reports."""
        relaxing = f", relaxation time {self.relaxation_time:g} s" if self.relaxation_time else ""
        return f"hysteresis between ramps of {self.width:g} K{relaxing}"

    def branches(self, p: float) -> tuple[float, float]:
        """Return the transition temperatures on cooling and on heating.

        Parameters
        ----------
        p:
            Pressure, Pa.

        Returns
        -------
        :
            Cooling and heating, K.

        Raises
        ------
        InputError
            If the pressure lies outside the model.
        """
        cooling = float(self.model.transition_temperature(p, "cooling"))
        heating = float(self.model.transition_temperature(p, "heating"))
        if heating < cooling - 1e-6:
            raise InputError(
                f"pressure: {p / 1e6:g} MPa lies outside the model: the heating branch falls below the cooling branch"
            )
        return cooling, max(heating, cooling)

    def initial_fraction(self, T: Array, p: float) -> Array:
        """The heating ramp; see :meth:`TransitionModel.initial_fraction`."""
        return np.clip((T - self.branches(p)[1]) / self.width + 0.5, 0.0, 1.0)

    def edges(self, p: float) -> tuple[float, ...]:
        """Both ends of both ramps, K; see :meth:`TransitionModel.edges`."""
        return tuple(T + side * self.width / 2 for T in self.branches(p) for side in (-1, 1))

    def step(self, state: MaterialState, p: float, dt: float) -> "_PlayStep":
        """Begin a time step; see :meth:`TransitionModel.step`."""
        following = dt / (dt + self.relaxation_time)
        cooling, heating = self.branches(p)
        return _PlayStep.begin(self.model, state, p, (cooling, heating), self.width, following)


@dataclass(frozen=True)
class _PlayStep:
    """x(T) is piecewise linear: cooling ramp, plateau at the old x, heating ramp; q(T) piecewise quadratic."""

    coefficients: StepHeat
    corner_t: Array
    """(5, n): where the five pieces begin; the first only anchors the line below the cooling ramp."""
    corner_x: Array
    corner_q: Array
    rate: Array
    """(5, 1): dx/dT of each piece."""

    @classmethod
    def begin(
        cls,
        model: TwoPhase,
        state: MaterialState,
        p: float,
        branches: tuple[float, float],
        width: float,
        following: float,
    ) -> "_PlayStep":
        coefficients = StepHeat.of(model, state, p)
        x = state.fraction
        cooling, heating = (T - model.temperature for T in branches)
        inner = (x - 0.5) * width
        t = np.stack(
            [
                np.full_like(x, cooling - width / 2),  # below: the line is anchored at its end
                np.full_like(x, cooling - width / 2),
                cooling + inner,
                heating + inner,
                np.full_like(x, heating + width / 2),
            ]
        )
        t[2] = np.clip(t[2], t[1], None)
        t[3] = np.clip(t[3], t[2], t[4])
        lowest, highest = x * (1 - following), x + following * (1 - x)
        corner_x = np.stack([lowest, lowest, x, x, highest])
        slope = following / width
        rate = np.array([0.0, slope, 0.0, slope, 0.0])[:, None]
        return cls(coefficients, t, corner_x, coefficients.heat(t, corner_x), rate)

    def temperature_change(self, heat: Array, T: Array, x: Array) -> Array:
        """Return the change of temperature in the step."""
        return self.coefficients.temperature_change(heat, T, x)

    def at_heat(self, heat: Array) -> tuple[Array, Array, Array]:
        """Return T, x and dT/dq where the heat q is absorbed: one quadratic per node, in closed form."""
        piece = np.sum(heat > self.corner_q[1:], axis=0)
        node = np.arange(heat.size)
        t_0, x_0 = self.corner_t[piece, node], self.corner_x[piece, node]
        rate = self.rate[piece, 0]
        c = self.coefficients
        excess = heat - self.corner_q[piece, node]
        linear = c.slope + x_0 * c.latent_slope + rate * (c.latent + c.latent_slope * t_0)
        root = np.sqrt(linear**2 + 4 * rate * c.latent_slope * excess)
        distance = 2 * excess / (linear + root)
        T = c.origin + t_0 + distance
        return T, np.clip(x_0 + rate * distance, 0.0, 1.0), 1.0 / root
