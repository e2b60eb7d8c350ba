"""Eqs 11-12 of Zhang et al. (2023): the phase fraction as a logistic step, without hysteresis.

SI units: K, Pa, J/kg.
"""

from dataclasses import dataclass, replace

import numpy as np

from caloris.errors import InputError
from caloris.heat.battery.transition import MaterialState, StepHeat
from caloris.heat.two_phase import Array, TwoPhase

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
            StepHeat.of(self.model, state, p),
            self.boundary(p) - self.model.temperature,
            self.temperature_scale,
        )


@dataclass(frozen=True)
class _LogisticStep:
    """x(T) = 1/(1 + exp(-(t - centre)/scale)); q(T) is inverted by a safeguarded Newton iteration."""

    coefficients: StepHeat
    centre: float
    scale: float

    def temperature_change(self, heat: Array, T: Array, x: Array) -> Array:
        """Return the change of temperature in the step."""
        return self.coefficients.temperature_change(heat, T, x)

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
