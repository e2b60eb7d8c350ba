"""Barocaloric materials whose entropy curves are known exactly, and recordings of them; plain numbers in SI units."""

from dataclasses import dataclass

import numpy as np

from caloris.heat import PhaseProperties, TwoPhase
from caloris.heat.calorimetry import SmearedBranches, Volume, synthetic_recording
from caloris.heat.calorimetry.volume import phase_volume

PRESSURES = (0.1, 20.0, 40.0, 60.0, 80.0, 100.0)
"""MPa."""


def material(
    sign=-1,
    hysteresis=29.0,
    *,
    slope=0.295,
    entropy_change=128.7,
    heat_capacity=1590.0,
    difference=80.0,
    expansion=(2e-7, 1.5e-7),
    compression=(1e-13, 1.2e-13),
    temperature=350.0,
):
    """Two phases; slope (K/MPa, magnitude) and hysteresis (K) at the reference pressure of 0.1 MPa."""
    return TwoPhase(
        low=PhaseProperties(heat_capacity=heat_capacity, expansion=expansion[0], compression=compression[0]),
        high=PhaseProperties(
            heat_capacity=heat_capacity + difference, expansion=expansion[1], compression=compression[1]
        ),
        temperature=temperature,
        pressure=1e5,
        entropy_change=entropy_change,
        volume_change=sign * slope * 1e-6 * entropy_change,
        volume=7.6e-4,
        barrier_heating=0.5 * hysteresis * entropy_change,
        barrier_cooling=0.5 * hysteresis * entropy_change,
    )


def heat_capacities(model, factor=1.0):
    """Heat capacities of both phases in words."""
    low, high = model.low.heat_capacity, model.high.heat_capacity
    return {"low": f"{float(low * factor)!r} J/kg/K", "high": f"{float(high * factor)!r} J/kg/K"}


def volumes(model, expansion=1.0):
    """Volumes of both phases as exact tables give them; the expansion of the low phase times a factor."""
    low, high = model.low, model.high
    T, p = (axis.ravel() for axis in np.meshgrid(np.linspace(150, 650, 5), np.linspace(0, 2e8, 3)))
    t, dp = T - model.temperature, p - model.pressure
    v_low = model.volume + low.expansion * expansion * t - low.compression * dp
    v_high = model.volume + model.volume_change + high.expansion * t - high.compression * dp
    return Volume(phase_volume("low", T, p, v_low), phase_volume("high", T, p, v_high))


def volume_table(model, temperatures, pressures):
    """Volumes of both phases as rows of the table that ``read_volume`` reads."""
    rows = ["temperature/K,pressure/MPa,phase,volume/(m3/kg)"]
    for T in temperatures:
        for p in pressures:
            low = float(model.low_volume(T, p * 1e6))
            high = low + float(model.delta_volume(T, p * 1e6))
            rows += [f"{T!r},{p!r},low,{low!r}", f"{T + 1e-6!r},{p!r},high,{high!r}"]
    return "\n".join(rows) + "\n"


def series(model, width, *, pressures=PRESSURES, points=4000, **options):
    """One recording a pressure (MPa); width in K from 10 % to 90 %."""
    return [
        synthetic_recording(model, pressure=f"{p!r} MPa", width=f"{width!r} K", points=points, **options)
        for p in pressures
    ]


def coming_back(change, sign):
    """The part of a reversible change that has its sign; 0 elsewhere."""
    return sign * np.maximum(sign * change, 0.0)


@dataclass(frozen=True)
class Exact:
    """The truth in the form of ``EntropySurfaces``; the inverse by bisection."""

    model: TwoPhase
    width: float
    pressure: float = 1e5
    pressure_range: tuple[float, float] = (0.0, 1e12)

    @property
    def is_inverse(self):
        return self.model.is_inverse

    def entropy(self, T, p, branch):
        return SmearedBranches(self.model, self.width).entropy(np.asarray(T, dtype=float), p, branch)

    def transition_temperature(self, p, branch):
        return self.model.transition_temperature(p, branch)

    def slope(self, p, branch):
        return self.model.slope(p, branch)

    def transition_range(self, p, branch):
        T = float(self.model.transition_temperature(p, branch))
        return T - 2.5 * self.width, T + 2.5 * self.width

    def isentropic_temperature(self, entropy, p, branch):
        low, high = np.full(np.shape(entropy), 50.0), np.full(np.shape(entropy), 1500.0)
        for _ in range(64):
            middle = 0.5 * (low + high)
            below = self.entropy(middle, p, branch) < entropy
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return 0.5 * (low + high)
