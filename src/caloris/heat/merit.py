"""Figures of merit of a caloric effect, each with its definition: they are not interchangeable.

Input are curves of isothermal entropy change over temperature, as ``CaloricEffect.entropy_change`` gives them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Reversibility = Literal["one-branch", "reversible", "upper bound"]
"""Upper bound: would be reversible if there were no hysteresis, which nobody measured."""


@dataclass(frozen=True)
class Merit:
    """A figure of merit with its definition and whether a cycle can use it."""

    name: str
    value: sc.Variable
    definition: str
    reversibility: Reversibility

    def __str__(self) -> str:
        value = float(self.value.value)
        return f"{self.name}: {value:.4g} {self.value.unit} ({self.reversibility}; {self.definition})"


def peak(curve: sc.DataArray) -> sc.Variable:
    """Return the largest magnitude of a curve, |dS|max.

    Parameters
    ----------
    curve:
        Entropy or temperature change over ``temperature``.

    Returns
    -------
    :
        A scalar in the unit of the curve.

    Raises
    ------
    InputError
        If the curve has no temperature axis or is not finite.
    """
    _, values = _checked(curve)
    return sc.scalar(float(np.max(np.abs(values))), unit=curve.unit)


def full_width_half_maximum(curve: sc.DataArray) -> sc.Variable:
    """Return the full width at half maximum of |curve| over temperature.

    Parameters
    ----------
    curve:
        Entropy change over ``temperature`` (K).

    Returns
    -------
    :
        The width between the outermost half-maximum points, in K; 0 where the curve vanishes.

    Raises
    ------
    InputError
        If the peak is cut by the temperature window: the width would only be a lower bound.

    Notes
    -----
    Zhang et al. (2023), eq. 1 uses this width for the relative cooling power.
    """
    low, high = _half_maximum(curve)
    return sc.scalar(high - low, unit="K")


def relative_cooling_power(curve: sc.DataArray) -> sc.Variable:
    """Return RCP = |dS|max times FWHM, in J/kg (Zhang et al. 2023, eq. 1)."""
    return (peak(curve) * full_width_half_maximum(curve)).to(unit="J/kg")


def integrated_entropy_change(curve: sc.DataArray) -> sc.Variable:
    """Return the area under |dS| over temperature, in J/kg (RCP in the main text of Zhang et al. 2023)."""
    temperature, values = _checked(curve)
    return _area(np.abs(values), temperature, curve)


def refrigerant_capacity(curve: sc.DataArray) -> sc.Variable:
    """Return RC, the area under |dS| between its half-maximum temperatures, in J/kg."""
    low, high = _half_maximum(curve)
    temperature, values = _checked(curve)
    inside = (temperature > low) & (temperature < high)
    grid = np.concatenate([[low], temperature[inside], [high]])
    # the half-maximum points sit on the flanks: for a step they belong to the plateau
    magnitude = np.interp(grid, temperature, np.abs(values))
    return _area(magnitude, grid, curve)


def temperature_averaged_entropy_change(curve: sc.DataArray, lift: Quantity) -> sc.Variable:
    """Return TEC(lift), the largest mean of |dS| over a temperature span of the given width.

    Parameters
    ----------
    curve:
        Entropy change over ``temperature`` (K).
    lift:
        Width of the span, scalar.

    Returns
    -------
    :
        Scalar in the unit of the curve.

    Raises
    ------
    InputError
        If the lift is not positive or wider than the curve.
    """
    temperature, values = _checked(curve)
    width = magnitude(lift, "K", "lift", positive=True)
    if width > temperature[-1] - temperature[0]:
        raise InputError(f"lift: {width:g} K is wider than the curve")
    steps = 0.5 * (np.abs(values[1:]) + np.abs(values[:-1])) * np.diff(temperature)
    area = np.concatenate([[0.0], np.cumsum(steps)])
    # the best span begins or ends at a point of the curve, where its slope changes
    begins = np.concatenate([temperature, temperature - width])
    begins = begins[(begins >= temperature[0]) & (begins + width <= temperature[-1])]
    inside = np.interp(begins + width, temperature, area) - np.interp(begins, temperature, area)
    return sc.scalar(float(inside.max() / width), unit=curve.unit)


def _area(values: np.ndarray, temperature: np.ndarray, curve: sc.DataArray) -> sc.Variable:
    area = sc.scalar(float(np.trapezoid(values, temperature)), unit=curve.unit) * sc.scalar(1.0, unit="K")
    return area.to(unit="J/kg")


def _checked(curve: sc.DataArray) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(curve, sc.DataArray):
        raise InputError(f"curve: expected a scipp data array over 'temperature', got {type(curve).__name__}")
    if curve.dims != ("temperature",):
        raise InputError(f"curve: expected one dimension 'temperature', got {curve.dims}")
    if "temperature" not in curve.coords:
        raise InputError("curve: has no coordinate 'temperature' to go with its values")
    temperature = curve.coords["temperature"].to(unit="K").values
    values = np.asarray(curve.values, dtype=float)
    if len(values) < 3 or not np.all(np.isfinite(values)) or not np.all(np.diff(temperature) > 0):
        raise InputError("curve: needs at least 3 finite values over increasing temperatures")
    return temperature, values


def _half_maximum(curve: sc.DataArray) -> tuple[float, float]:
    temperature, values = _checked(curve)
    magnitude = np.abs(values)
    half = 0.5 * float(magnitude.max())
    if half == 0:
        return float(temperature[0]), float(temperature[0])
    above = np.flatnonzero(magnitude >= half)
    first, last = int(above[0]), int(above[-1])
    if first == 0 or last == len(magnitude) - 1:
        raise InputError(
            "curve: the peak is cut by the temperature window, its FWHM would only be a lower bound; "
            "widen the temperature range"
        )

    def crossing(outside: int, inside: int) -> float:
        rise = (half - magnitude[outside]) / (magnitude[inside] - magnitude[outside])
        return float(temperature[outside] + rise * (temperature[inside] - temperature[outside]))

    return crossing(first - 1, first), crossing(last + 1, last)
