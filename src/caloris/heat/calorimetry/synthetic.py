"""Synthetic scans with a known truth: what a perfect calorimeter would record of a two-phase model.

The transition of a branch runs as x(T) = 1/2 + 1/2 erf((T - T_t)/(s sqrt 2)) around the exact T_t(p), so that
S(T, p) = S_low + x (S_high - S_low) and the heat flow is m T dS/dT dT/dt, exactly. Whatever is made here is named
synthetic.
"""

from dataclasses import dataclass

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.calorimetry.recording import Recording, recording
from caloris.heat.calorimetry.segments import Direction
from caloris.heat.two_phase import Array, TwoPhase
from caloris.units import Quantity, magnitude

_TEN_TO_NINETY = 2.5631031310892007
"""Width from x = 0.1 to x = 0.9 in units of s."""


@dataclass(frozen=True)
class SmearedBranches:
    """The exact truth behind synthetic scans: a two-phase model whose transitions are spread in temperature."""

    model: TwoPhase
    width: float
    """From x = 0.1 to x = 0.9, K; 0 for a sharp step."""

    def fraction(self, T: Array, p: float, direction: Direction) -> Array:
        """Return the fraction of the high phase.

        Parameters
        ----------
        T, p, direction:
            K, Pa, and the branch.
        """
        u = T - float(self.model.transition_temperature(p, direction))
        if self.width == 0:
            return np.asarray(u >= 0, dtype=float)
        from scipy.special import ndtr

        return np.asarray(ndtr(u / (self.width / _TEN_TO_NINETY)))

    def entropy(self, T: Array, p: float, direction: Direction) -> Array:
        """Return S(T, p), J/(kg K), counted as in the model; parameters as for :meth:`fraction`."""
        return np.asarray(
            self.model.low_entropy(T, p) + self.fraction(T, p, direction) * self.model.delta_entropy(T, p)
        )

    def heat_per_kelvin(self, T: Array, p: float, direction: Direction) -> Array:
        """Return T dS/dT, J/(kg K), without the spike of a sharp step; parameters as for :meth:`fraction`."""
        model, x = self.model, self.fraction(T, p, direction)
        smooth = model.low.heat_capacity + x * model.delta_heat_capacity
        if self.width == 0:
            return np.asarray(smooth)
        s = self.width / _TEN_TO_NINETY
        u = T - float(model.transition_temperature(p, direction))
        density = np.exp(-0.5 * (u / s) ** 2) / (s * np.sqrt(2 * np.pi))
        return np.asarray(smooth + T * density * model.delta_entropy(T, p))


def synthetic_recording(
    model: TwoPhase,
    *,
    pressure: Quantity,
    width: Quantity = "2 K",
    mass: Quantity = "10 mg",
    rate: Quantity = "1 K/min",
    temperatures: tuple[Quantity, Quantity] | None = None,
    points: int = 4000,
    noise: float = 0.0,
    seed: int = 0,
    hold: Quantity = "2 min",
) -> Recording:
    """Return what a perfect calorimeter would record of a model that is heated and cooled; synthetic.

    Parameters
    ----------
    model:
        From a card: ``TwoPhase.from_material(card)``.
    pressure, mass, rate:
        Scalars.
    width:
        Of the transition, from 10 % to 90 %; ``"0 K"`` for a sharp one, whose heat then falls into one point.
    temperatures:
        Lowest and highest; 40 K beyond both branches if absent.
    points:
        In each of heating and cooling.
    noise:
        Standard deviation of white noise, as a part of the largest heat flow of the peak.
    seed:
        Of the noise.
    hold:
        At the turning point, scalar.

    Returns
    -------
    :
        Heating, hold and cooling.

    Raises
    ------
    InputError
        If a unit is wrong, the pressure lies outside the model or a transition outside the temperatures, or a number
        is negative.

    Examples
    --------
    >>> from caloris.heat import TwoPhase
    >>> from caloris.materials import load
    >>> synthetic_recording(TwoPhase.from_material(load("NH4SCN")), pressure="40 MPa").name
    'synthetic'
    """
    if not isinstance(model, TwoPhase):
        raise InputError(f"model: expected a two-phase model, got {type(model).__name__}; TwoPhase.from_material(card)")
    p = magnitude(pressure, "Pa", "pressure")
    beta = magnitude(rate, "K/s", "rate", positive=True)
    m = magnitude(mass, "kg", "mass", positive=True)
    truth = SmearedBranches(model, magnitude(width, "K", "width", interval=True))
    for name, number in (("width", truth.width), ("noise", noise), ("hold", magnitude(hold, "s", "hold"))):
        if not number >= 0:
            raise InputError(f"{name}: must not be negative, got {number:g}")
    if not isinstance(points, int) or points < 20:
        raise InputError(f"points: expected a whole number of at least 20, got {points!r}")
    T_h, T_c = (float(model.transition_temperature(p, branch)) for branch in ("heating", "cooling"))
    if temperatures is None:
        low, high = min(T_h, T_c) - 40.0, max(T_h, T_c) + 40.0
    else:
        low, high = (magnitude(T, "K", "temperatures") for T in temperatures)
    if not 0 < low < min(T_h, T_c) <= max(T_h, T_c) < high:
        raise InputError(
            f"temperatures: {low:g} to {high:g} K must hold both transitions, at {T_c:.1f} K on cooling and "
            f"{T_h:.1f} K on heating"
        )
    up = np.linspace(low, high, points)
    step = (up[1] - up[0]) / beta
    flows = [
        m * beta * _recorded(truth, up, p, "heating"),
        -m * beta * _recorded(truth, up, p, "cooling")[::-1],
    ]
    rest = max(2, int(magnitude(hold, "s", "hold") / step))
    T = np.concatenate([up, np.full(rest, high), up[::-1]])
    q = np.concatenate([flows[0], np.zeros(rest), flows[1]])
    if noise:
        tallest = max(float(np.ptp(flow)) for flow in flows)
        q = q + noise * tallest * np.random.default_rng(seed).standard_normal(len(q))
    return Recording(
        recording(np.arange(len(T)) * step, T, q * 1e3),
        name="synthetic",
        vendor="synthetic",
        mass=sc.scalar(m * 1e6, unit="mg"),
        pressure=sc.scalar(p / 1e6, unit="MPa"),
        remarks=("synthetic: computed from a two-phase model, not measured",),
    )


def _recorded(truth: SmearedBranches, T: Array, p: float, direction: Direction) -> Array:
    """Heat per kelvin at ascending temperatures; the heat of a sharp step falls into the points beside it."""
    values = truth.heat_per_kelvin(T, p, direction)
    if truth.width == 0:
        T_t = float(truth.model.transition_temperature(p, direction))
        k = int(np.searchsorted(T, T_t))
        heat = T_t * float(truth.model.delta_entropy(T_t, p)) / (T[1] - T[0])
        part = (T_t - T[k - 1]) / (T[k] - T[k - 1])
        values[k - 1] += (1 - part) * heat
        values[k] += part * heat
    return values
