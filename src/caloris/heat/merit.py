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
    """A figure of merit with its definition and whether a cycle can use it.

    Parameters
    ----------
    name:
        As in ``CaloricEffect.merits``.
    value:
        Scalar with its unit.
    definition:
        In words.
    reversibility:
        ``"one-branch"``, ``"reversible"`` or ``"upper bound"``.
    """

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
        If the curve is no data array over increasing temperatures, or has fewer than 3 values or one not finite.

    Examples
    --------
    >>> from caloris.heat import caloric_effect
    >>> peak(caloric_effect("NH4SCN").entropy_change("100 MPa"))
    <scipp.Variable> ()    float64       [J/kg/K]  128.7
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
        If :func:`peak` refuses the curve, or the temperature window cuts the peak: the width would only be a
        lower bound.

    Notes
    -----
    Zhang et al. (2023), eq. 1 uses this width for the relative cooling power.

    Examples
    --------
    >>> from caloris.heat import caloric_effect
    >>> round(float(full_width_half_maximum(caloric_effect("NH4SCN").entropy_change("100 MPa")).value), 3)
    30.0
    """
    low, high = _half_maximum(curve)
    return sc.scalar(high - low, unit="K")


def relative_cooling_power(curve: sc.DataArray) -> sc.Variable:
    """Return RCP = |dS|max times FWHM.

    Parameters
    ----------
    curve:
        Entropy change over ``temperature`` (K).

    Returns
    -------
    :
        Scalar in J/kg.

    Raises
    ------
    InputError
        As for :func:`full_width_half_maximum`.
    scipp.UnitError
        If the curve is not in a unit of specific entropy.

    Notes
    -----
    Source: Zhang et al. (2023), eq. 1.

    Examples
    --------
    >>> from caloris.heat import caloric_effect
    >>> round(float(relative_cooling_power(caloric_effect("NH4SCN").entropy_change("100 MPa")).value))
    3861
    """
    return (peak(curve) * full_width_half_maximum(curve)).to(unit="J/kg")


def integrated_entropy_change(curve: sc.DataArray) -> sc.Variable:
    """Return the area under |dS| over temperature.

    Parameters
    ----------
    curve:
        Entropy change over ``temperature`` (K).

    Returns
    -------
    :
        Scalar in J/kg, by the trapezoidal rule over the whole curve.

    Raises
    ------
    InputError
        As for :func:`peak`.
    scipp.UnitError
        If the curve is not in a unit of specific entropy.

    Notes
    -----
    Source: the relative cooling power in the main text of Zhang et al. (2023), which differs from its eq. 1.

    Examples
    --------
    A sharp transition, moved 30 K by 100 MPa, sweeps the rectangle 128.7 J/(kg K) times 30 K:

    >>> from caloris.heat import caloric_effect
    >>> round(float(integrated_entropy_change(caloric_effect("NH4SCN").entropy_change("100 MPa")).value))
    3861
    """
    temperature, values = _checked(curve)
    return _area(np.abs(values), temperature, curve)


def refrigerant_capacity(curve: sc.DataArray) -> sc.Variable:
    """Return RC, the area under |dS| between its half-maximum temperatures.

    Parameters
    ----------
    curve:
        Entropy change over ``temperature`` (K).

    Returns
    -------
    :
        Scalar in J/kg, by the trapezoidal rule.

    Raises
    ------
    InputError
        As for :func:`full_width_half_maximum`.
    scipp.UnitError
        If the curve is not in a unit of specific entropy.

    Examples
    --------
    A triangle of height 100 J/(kg K) and base 20 K has 3/4 of its area within its half width:

    >>> T = sc.array(dims=["temperature"], values=[300.0, 310.0, 320.0, 330.0, 340.0], unit="K")
    >>> dS = sc.array(dims=["temperature"], values=[0.0, 0.0, 100.0, 0.0, 0.0], unit="J/kg/K")
    >>> refrigerant_capacity(sc.DataArray(dS, coords={"temperature": T}))
    <scipp.Variable> ()    float64         [J/kg]  750
    """
    low, high = _half_maximum(curve)
    temperature, values = _checked(curve)
    inside = (temperature > low) & (temperature < high)
    grid = np.concatenate([[low], temperature[inside], [high]])
    # the half-maximum points sit on the flanks: for a step they belong to the plateau
    magnitude = np.interp(grid, temperature, np.abs(values))
    return _area(magnitude, grid, curve)


def cycle_refrigerant_capacity(curve: sc.DataArray, cold: Quantity, hot: Quantity) -> sc.Variable:
    """Return the area under |dS| between the two temperatures that a refrigerator works between.

    Parameters
    ----------
    curve:
        Entropy change over ``temperature`` (K); of the reversible process, if a cycle is meant to repeat.
    cold, hot:
        Temperatures of the cold and the hot end, scalars.

    Returns
    -------
    :
        Scalar in J/kg, by the trapezoidal rule.

    Raises
    ------
    InputError
        If :func:`peak` refuses the curve, or the two temperatures are not in order or not within it.
    scipp.UnitError
        If the curve is not in a unit of specific entropy.

    Notes
    -----
    Source: the refrigerant capacity of Wood and Potter, Cryogenics 25, 667 (1985), which names both temperatures.

    Examples
    --------
    >>> from caloris.heat import caloric_effect
    >>> dS = caloric_effect("NH4SCN").entropy_change("100 MPa")
    >>> round(float(cycle_refrigerant_capacity(dS, "340 K", "350 K").value))
    1287
    """
    temperature, values = _checked(curve)
    low, high = magnitude(cold, "K", "cold"), magnitude(hot, "K", "hot")
    if not temperature[0] <= low < high <= temperature[-1]:
        raise InputError(
            f"cold, hot: {low:g} and {high:g} K must be in order and within the curve, "
            f"{temperature[0]:.1f} to {temperature[-1]:.1f} K"
        )
    grid = np.concatenate([[low], temperature[(temperature > low) & (temperature < high)], [high]])
    return _area(np.interp(grid, temperature, np.abs(values)), grid, curve)


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
        If :func:`peak` refuses the curve, or the lift is not positive or wider than the curve.

    Notes
    -----
    Source: Griffith, Mudryk, Slaughter and Pecharsky, J. Appl. Phys. 123, 034902 (2018).

    Examples
    --------
    >>> from caloris.heat import caloric_effect
    >>> dS = caloric_effect("NH4SCN").entropy_change("100 MPa")
    >>> [round(float(temperature_averaged_entropy_change(dS, lift).value), 1) for lift in ("10 K", "40 K")]
    [128.7, 96.5]
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


def transition_part(curve: sc.DataArray, first: float, last: float) -> sc.DataArray:
    """Take the elastic background off a curve: the curve itself outside the transitions, a line between them.

    Parameters
    ----------
    curve:
        Entropy change over ``temperature`` (K), before anything is cut off.
    first, last:
        Lowest and highest transition temperature of both branches at both pressures, K.

    Returns
    -------
    :
        The part of the curve that the transition makes, same shape and unit.
    """
    part = curve.copy()
    part.values = without_background(curve.coords["temperature"].values, curve.values, first, last)
    return part


def without_background(T: np.ndarray, values: np.ndarray, first: float, last: float) -> np.ndarray:
    """Take the elastic background off values over temperature; as :func:`transition_part`.

    Parameters
    ----------
    T, values, first, last:
        Ascending temperatures (K), values over them, and where the transitions begin and end (K).

    Returns
    -------
    :
        Of the shape of ``values``: 0 outside the transitions.
    """
    begin, end = max(int(np.searchsorted(T, first)) - 1, 0), min(int(np.searchsorted(T, last)), len(T) - 1)
    background = np.array(values, dtype=float)
    inside = slice(begin, end + 1)
    background[inside] = np.interp(T[inside], [T[begin], T[end]], [values[begin], values[end]])
    return np.asarray(values - background)


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
    return half_maximum(*_checked(curve))


def half_maximum(temperature: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Return the outermost temperatures at which |values| is half of its largest.

    Parameters
    ----------
    temperature, values:
        Ascending temperatures (K), and a curve over them.

    Returns
    -------
    :
        K; twice the first temperature where the curve vanishes.

    Raises
    ------
    InputError
        If the temperature window cuts the peak.
    """
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
