"""What a calorimetric result is uncertain by, and intervals from draws.

Each quantity has one standard deviation. Parts that all scans share (mass of one sample, sensitivity, the calibration
of the thermometer at each pressure and in each direction, that of the gauge, heat capacity, expansion, the choice of
the baseline) are drawn once for all of them; parts of their own (repeatability of temperature and pressure, limits of
the peak, noise) once for each. Intervals are the central 68 % of the draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.two_phase import Array
from caloris.units import Quantity, magnitude

_DEFAULTS: dict[str, tuple[str, str, str]] = {
    "mass": ("0.5 %", "dimensionless", "mass of the sample"),
    "sensitivity": ("1 %", "dimensionless", "calibration of the heat flow"),
    "temperature": ("0.2 K", "K", "calibration of the temperature"),
    "temperature_with_pressure": ("0.1 K", "K", "calibration of the temperature, change with 100 MPa"),
    "temperature_lag": ("0.1 K", "K", "calibration of the temperature, heating against cooling (guess: per K/min)"),
    "temperature_repeatability": ("0.05 K", "K", "temperature, from scan to scan"),
    "pressure": ("0.5 %", "dimensionless", "calibration of the pressure gauge"),
    "pressure_repeatability": ("0.1 MPa", "MPa", "pressure, from scan to scan"),
    "limits": ("10 %", "dimensionless", "limits of the peak, in parts of its width"),
    "heat_capacity": ("3 %", "dimensionless", "heat capacity of both phases"),
    "expansion": ("10 %", "dimensionless", "thermal expansion of the low phase"),
}


@dataclass(frozen=True)
class Uncertainties:
    """Standard uncertainties; make one with :func:`uncertainties`."""

    values: Mapping[str, float]
    """By name; relative, or in K or MPa."""
    guessed: tuple[str, ...]
    """Which of them nobody stated: the defaults of caloris, which are guesses."""

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def lag(self, rate: float) -> float:
        """Return the uncertainty of heating against cooling at a rate, K.

        Parameters
        ----------
        rate:
            Of the scan, K/s. Thermal lag grows with it: the guess is for 1 K/min, what is given holds as it is.
        """
        return self["temperature_lag"] * (max(1.0, 60 * abs(rate)) if "temperature_lag" in self.guessed else 1.0)

    def table(self) -> list[tuple[str, str, str]]:
        """Return name, value in words and whether it was given or guessed."""
        rows = []
        for name, (_, unit, words) in _DEFAULTS.items():
            value = self.values[name]
            shown = f"{100 * value:g} %" if unit == "dimensionless" else f"{value:g} {unit}"
            rows.append((words, shown, "guess" if name in self.guessed else "given"))
        return rows


def uncertainties(**given: Quantity) -> Uncertainties:
    """Collect standard uncertainties; what is not given is a guess, and is called one in every output.

    Parameters
    ----------
    given:
        ``mass``, ``sensitivity``, ``pressure`` (the gauge), ``limits`` (of the peak, in parts of its width),
        ``heat_capacity`` and ``expansion`` as parts or per cent; ``temperature``, ``temperature_with_pressure`` (in
        100 MPa), ``temperature_lag`` (heating against cooling) and ``temperature_repeatability`` in K;
        ``pressure_repeatability`` in MPa.

    Returns
    -------
    :
        All of them.

    Raises
    ------
    InputError
        If a name is unknown, a unit is wrong, or a value is negative.

    Examples
    --------
    >>> u = uncertainties(mass="1 %", temperature="0.1 K")
    >>> u["mass"], "mass" in u.guessed, "sensitivity" in u.guessed
    (0.01, False, True)
    """
    for name in given:
        if name not in _DEFAULTS:
            raise InputError(f"uncertainties: {name!r} is none of {', '.join(_DEFAULTS)}")
    values = {}
    for name, (default, unit, _) in _DEFAULTS.items():
        value = _relative(given.get(name, default)) if unit == "dimensionless" else given.get(name, default)
        try:
            number = magnitude(value, unit, f"uncertainty of {name}", interval=True)
        except InputError as error:
            wanted = "a part or per cent, such as '0.5 %'" if unit == "dimensionless" else f"a value in {unit}"
            raise InputError(f"{error}; write {wanted}") from None
        if number < 0:
            raise InputError(f"uncertainty of {name}: must not be negative, got {number:g}")
        if unit == "dimensionless" and number >= 1:
            raise InputError(f"uncertainty of {name}: {100 * number:g} % is no uncertainty; write for example '0.5 %'")
        values[name] = number
    return Uncertainties(values, tuple(name for name in _DEFAULTS if name not in given))


def _relative(value: Quantity) -> Quantity:
    """Read per cent written in words."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return sc.scalar(float(value.strip().removesuffix("%")) / 100)
        except ValueError:
            return value
    return value


@dataclass(frozen=True)
class Estimate:
    """A value with the interval that holds 68 % of the draws."""

    value: float
    low: float
    """NaN without draws."""
    high: float
    unit: str

    @property
    def error(self) -> float:
        """Half the width of the interval."""
        return 0.5 * (self.high - self.low)

    @property
    def quantity(self) -> sc.Variable:
        """The value as a scipp scalar, the half width of the interval as its standard deviation."""
        variance = self.error**2 if np.isfinite(self.error) else None
        return sc.scalar(self.value, variance=variance, unit=self.unit)

    def to_json(self) -> dict[str, Any]:
        """Return value, unit, error and the interval as plain JSON values."""
        known = bool(np.isfinite(self.error))
        return {
            "value": float(self.value) if np.isfinite(self.value) else None,
            "unit": self.unit,
            "error": float(self.error) if known else None,
            "interval_68": [float(self.low), float(self.high)] if known else None,
        }

    def scaled(self, factor: float, unit: str) -> "Estimate":
        """Return the same in another unit.

        Parameters
        ----------
        factor, unit:
            From the present unit to the new one.
        """
        return Estimate(self.value * factor, self.low * factor, self.high * factor, unit)

    @property
    def plus_minus(self) -> str:
        """Value and half width of the interval, with two digits of the latter."""
        if not np.isfinite(self.error) or self.error == 0:
            return f"{self.value:.5g} {self.unit}"
        return f"{self.value:.{self._digits}f} ± {self.error:.{self._digits}f} {self.unit}"

    @property
    def _digits(self) -> int:
        return int(np.clip(1 - np.floor(np.log10(self.error)), 0, 6))

    def __str__(self) -> str:
        if not np.isfinite(self.error) or self.error == 0:
            return f"{self.value:.5g} {self.unit}"
        interval = f"{self.low:.{self._digits}f} to {self.high:.{self._digits}f}"
        return f"{self.value:.{self._digits}f} {self.unit} (68 %: {interval})"


def estimate(value: float, draws: Array | None, unit: str, centre: float | None = None) -> Estimate:
    """Return a value with its interval.

    Parameters
    ----------
    value:
        The result.
    draws:
        The result of every draw; None if there were none.
    unit:
        Of all of them.
    centre:
        The result of an undisturbed draw, if it is not the value itself.

    Returns
    -------
    :
        Value and interval; draws that are not finite are left out, and the interval is unknown if they are more than
        a third.
    """
    if draws is None or np.isfinite(draws).mean() < 2 / 3 or not np.isfinite(value):
        return Estimate(value, float("nan"), float("nan"), unit)
    low, high = np.nanpercentile(draws[np.isfinite(draws)], [16.0, 84.0]) + (0.0 if centre is None else value - centre)
    return Estimate(value, min(float(low), value), max(float(high), value), unit)
