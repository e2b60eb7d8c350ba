"""How the phase fraction x (of the high-temperature phase) answers to temperature and pressure.

Both models share one thermodynamics (:class:`~caloris.heat.TwoPhase`) and differ in x(T, p):

- ``Hysteresis``: generalised play, x <- clip(x, x_heating(T, p), x_cooling(T, p)), where each branch is a ramp of
  a given width; with a relaxation time x follows as dx/dt = (target - x)/tau.
- ``Logistic``: eqs 11-12 of Zhang et al. (2023), without hysteresis.

Over a time step the material absorbs the heat q = h_1 - h_0 - (v_0 + v_1)/2 (p_1 - p_0) per mass. With the work
-(p_0 + p_1)/2 (v_1 - v_0) this is the first law for the internal energy h - p v, exactly. A step offers the
inverse T(q), which the nodal enthalpy method needs. SI units per kilogram.
"""

from dataclasses import dataclass, replace
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
class _Coefficients:
    """q(T, x) = constant + slope * t + x * (latent + latent_slope * t) with t = T - T_e."""

    origin: float
    constant: Array
    slope: float
    latent: float
    latent_slope: float

    @classmethod
    def of(cls, model: TwoPhase, state: MaterialState, p: float) -> "_Coefficients":
        dp = p - state.pressure
        T_e = model.temperature
        old = specific_enthalpy(model, state) + 0.5 * dp * specific_volume(model, state)
        new = float(model.low_enthalpy(T_e, p)) - 0.5 * dp * float(model.low_volume(T_e, p))
        return cls(
            origin=T_e,
            constant=new - old,
            slope=model.low.heat_capacity - 0.5 * dp * model.low.expansion,
            latent=float(model.delta_enthalpy(T_e, p) - 0.5 * dp * model.delta_volume(T_e, p)),
            latent_slope=model.delta_heat_capacity - 0.5 * dp * (model.high.expansion - model.low.expansion),
        )

    def heat(self, t: Array, x: Array) -> Array:
        return np.asarray(self.constant + self.slope * t + x * (self.latent + self.latent_slope * t))


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

    coefficients: _Coefficients
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
        coefficients = _Coefficients.of(model, state, p)
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


PAPER_POINTS = ((20.0, 358.0), (0.1, 363.83))
"""(MPa, K) of the boundary of eq. 12, Zhang et al. (2023)."""
PAPER_STEEPNESS = 100.0
"""1/MPa, the 100 of eq. 12."""


def paper_boundary_pressure(T: Array | float) -> Array:
    """Return the pressure of the phase boundary of eq. 12 of Zhang et al. (2023).

    Parameters
    ----------
    T:
        Temperature, K.

    Returns
    -------
    :
        Pa, in the shape of ``T``.

    Examples
    --------
    >>> f"{paper_boundary_pressure(349.0) / 1e6:.1f} MPa"
    '50.7 MPa'
    """
    (P_1, T_1), (P_2, T_2) = PAPER_POINTS
    return np.asarray(((P_1 - P_2) * np.asarray(T) + T_1 * P_2 - T_2 * P_1) / (T_1 - T_2) * 1e6)


def paper_step(p: Array | float, T: Array | float) -> Array:
    """Return Step(P, T), the fraction of the orthorhombic phase; eq. 12 of Zhang et al. (2023) as printed.

    Parameters
    ----------
    p, T:
        Pressure (Pa) and temperature (K), of shapes that broadcast.

    Returns
    -------
    :
        From 0 to 1, of the broadcast shape.

    Examples
    --------
    >>> [round(float(paper_step(p * 1e6, 358.0)), 3) for p in (19.9, 20.0, 20.01, 20.1)]
    [0.0, 0.5, 0.731, 1.0]
    """
    (P_1, T_1), (P_2, T_2) = PAPER_POINTS
    P = np.asarray(p) / 1e6
    bracket = (T_1 - T_2) * P - (P_1 - P_2) * np.asarray(T) - T_1 * P_2 + T_2 * P_1
    exponent = -PAPER_STEEPNESS / (T_1 - T_2) * bracket
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(exponent, -700.0, 700.0))))


@dataclass(frozen=True)
class Logistic:
    """Eqs 11-12 of Zhang et al. (2023): x = Step(P, T), a function of state without hysteresis.

    The paper does not say how the heat of transition depends on pressure. A constant one breaks the first law by
    the work of the cycle; here it follows from the boundary of eq. 12 and the entropy change of the card
    (Clausius-Clapeyron), so that the volume change is dS times the slope of eq. 12.
    """

    model: TwoPhase

    @classmethod
    def of(cls, model: TwoPhase) -> "Logistic":
        """Take heat capacities, volume and entropy change from a model, the boundary from eq. 12.

        Parameters
        ----------
        model:
            The two-phase model of the card; its barriers and its volume change are replaced.

        Returns
        -------
        :
            The model of eqs 11-12.
        """
        (P_1, T_1), (P_2, T_2) = PAPER_POINTS
        slope = (T_1 - T_2) / (P_1 - P_2) / 1e6
        return cls(
            replace(
                model,
                temperature=T_2,
                pressure=P_2 * 1e6,
                volume_change=slope * model.entropy_change,
                barrier_heating=0.0,
                barrier_cooling=0.0,
                barrier_heating_slope=0.0,
                barrier_cooling_slope=0.0,
            )
        )

    @property
    def description(self) -> str:
        """One line for reports."""
        return "paper: eqs 11-12, a logistic step without hysteresis"

    @property
    def temperature_scale(self) -> float:
        """Width of the logistic in T, K (its 10-90 % width is 4.39 times this)."""
        (P_1, T_1), (P_2, T_2) = PAPER_POINTS
        return abs((T_1 - T_2) / (P_1 - P_2)) / PAPER_STEEPNESS

    def boundary(self, p: float) -> float:
        """Return the temperature of the boundary of eq. 12.

        Parameters
        ----------
        p:
            Pressure, Pa.

        Returns
        -------
        :
            K.
        """
        (P_1, T_1), (P_2, T_2) = PAPER_POINTS
        return ((T_1 - T_2) * p / 1e6 - T_1 * P_2 + T_2 * P_1) / (P_1 - P_2)

    def initial_fraction(self, T: Array, p: float) -> Array:
        """Eq. 12; see :meth:`TransitionModel.initial_fraction`."""
        return paper_step(p, T)

    def edges(self, p: float) -> tuple[float, ...]:
        """Where the step begins and ends to 1e-6, K; see :meth:`TransitionModel.edges`, with its errors."""
        centre, reach = self.boundary(p), 14 * self.temperature_scale
        if centre < reach:
            raise InputError(f"pressure: {p / 1e6:g} MPa lies outside eq. 12: its boundary falls below 0 K there")
        return centre - reach, centre + reach

    def step(self, state: MaterialState, p: float, dt: float) -> "_LogisticStep":
        """Begin a time step; see :meth:`TransitionModel.step`."""
        return _LogisticStep(
            _Coefficients.of(self.model, state, p),
            self.boundary(p) - self.model.temperature,
            self.temperature_scale,
        )


@dataclass(frozen=True)
class _LogisticStep:
    """x(T) = 1/(1 + exp(-(t - centre)/scale)); q(T) is inverted by a safeguarded Newton iteration."""

    coefficients: _Coefficients
    centre: float
    scale: float

    def at_heat(self, heat: Array) -> tuple[Array, Array, Array]:
        """Return T, x and dT/dq where the heat q is absorbed."""
        c = self.coefficients
        wanted = heat - c.constant
        at_centre = wanted - c.slope * self.centre
        latent = c.latent + c.latent_slope * self.centre
        middle = np.clip(at_centre / latent, 1e-12, 1 - 1e-12)
        y = np.where(
            at_centre <= 0,
            at_centre / c.slope / self.scale,
            np.where(
                at_centre >= latent,
                (at_centre - latent) / (c.slope + c.latent_slope) / self.scale,
                np.log(middle / (1 - middle)),
            ),
        )
        low, high = np.full_like(y, -1e9), np.full_like(y, 1e9)
        for _ in range(80):
            x = 1.0 / (1.0 + np.exp(np.clip(-y, -700.0, 700.0)))
            t = self.centre + self.scale * y
            excess = c.slope * t + x * (c.latent + c.latent_slope * t) - wanted
            low, high = np.where(excess < 0, y, low), np.where(excess > 0, y, high)
            dq = self.scale * (c.slope + x * c.latent_slope) + x * (1 - x) * (c.latent + c.latent_slope * t)
            new = y - excess / dq
            outside = (new <= low) | (new >= high)  # only once both ends of the bracket are known
            new[outside] = 0.5 * (low[outside] + high[outside])
            moved = np.abs(new - y) * dq
            y = new
            if np.all(moved <= 1e-13 * abs(c.latent)):
                break
        x = 1.0 / (1.0 + np.exp(np.clip(-y, -700.0, 700.0)))
        t = self.centre + self.scale * y
        dq = c.slope + x * c.latent_slope + x * (1 - x) / self.scale * (c.latent + c.latent_slope * t)
        return c.origin + t, x, 1.0 / dq
