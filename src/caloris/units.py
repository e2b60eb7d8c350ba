"""Units at the door: quantities in words or scipp scalars, floats only behind it.

scipp prints J/(kg K) as Gy/K unless it is told otherwise; the aliases below are set once, here.
"""

import contextlib
import math
import re
from typing import Any

import numpy as np
import scipp as sc

from caloris.errors import InputError

Quantity = sc.Variable | str
"""What a public function takes: a scipp scalar, or words such as ``"90 MPa"``."""

_ALIASES = (
    "J/kg",
    "J/g",
    "J/kg/K",
    "J/g/K",
    "J/kg/K/MPa",
    "J/kg/MPa",
    "mW/g",
    "W/m/K",
    "W/m^2/K",
    "m^3/kg",
    "kg/m^3",
    "K/MPa",
    "MPa/s",
    "A*m^2/kg",
    "T*m/A",
    "T*kg/A/m^2",
    "angstrom/ps",
    "1/s",
    "K/ns",
    "cm^2/s",
    "e",
    "ps",
    "1/ps",
    "angstrom^2/ps",
    "u*ps",
    "barn/meV",
    "barn/u",
    "barn*angstrom^2",
    "barn*angstrom",
    "barn*angstrom/meV",
    "meV*angstrom^2",
    "S/cm",
    "J/mol/K",
)

for _alias in _ALIASES:
    with contextlib.suppress(ValueError):  # the unit has that name already
        sc.units.aliases[_alias] = _alias

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$")
_SPELLINGS = {"hr": "h", "hour": "h", "hours": "h", "minute": "min", "minutes": "min", "sec": "s"}
_SPELLINGS |= {"second": "s", "seconds": "s", "°C": "degC", "C": "degC", "": "dimensionless"}


def parse_unit(text: str) -> sc.Unit:
    """Read a unit written in words.

    Parameters
    ----------
    text:
        For example ``"J/kg/K"``, ``"min"`` or ``"degC"``.

    Returns
    -------
    :
        The scipp unit.

    Raises
    ------
    InputError
        If the words are no unit.

    Examples
    --------
    >>> str(parse_unit("minutes"))
    'min'
    """
    text = _SPELLINGS.get(text, text)
    if "/" in text:  # per degree is per kelvin
        text = text.replace("°C", "K").replace("degC", "K")
    try:
        return sc.Unit(text)
    except sc.UnitError:
        raise InputError(f"{text!r} is not a unit; write for example 'MPa', 'K', 'min' or 'J/kg/K'") from None


def quantity(value: object, unit: str, name: str, *, interval: bool = False) -> sc.Variable:
    """Check a scalar quantity at a public door and convert it to the unit used behind it.

    Parameters
    ----------
    value:
        A scipp scalar or words such as ``"90 MPa"``.
    unit:
        The unit to convert to.
    name:
        What the quantity is, for the error message.
    interval:
        A difference of temperatures: 1 degC is 1 K then, not 274.15 K.

    Returns
    -------
    :
        A float64 scipp scalar in ``unit`` (variance kept).

    Raises
    ------
    InputError
        If there is no unit, a wrong one, more than one value, or the value is not finite.

    Examples
    --------
    >>> float(quantity("10 min", "s", "duration").value)
    600.0
    >>> quantity("90 K", "MPa", "pressure")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: pressure: '90 K' has the unit K, expected one like MPa
    """
    given = value
    if isinstance(value, str):
        match = _NUMBER.match(value)
        if not match:
            raise InputError(f"{name}: cannot read {value!r}; write a number and a unit, for example '1 {unit}'")
        if not match.group(2) and unit != "dimensionless":
            raise InputError(f"{name}: {value!r} has no unit; write for example '{match.group(1)} {unit}'")
        if match.group(2).startswith(","):
            raise InputError(f"{name}: {value!r} has a decimal comma; write a point")
        try:
            unit_given = parse_unit(match.group(2))
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
        value = sc.scalar(float(match.group(1)), unit=unit_given)
    if isinstance(value, int | float | np.number) and unit == "dimensionless":
        value = sc.scalar(float(value))
    if not isinstance(value, sc.Variable):
        raise InputError(
            f"{name}: {given!r} has no unit; give '{given} {unit}' or scipp.scalar({given}, unit='{unit}')"
            if isinstance(given, int | float)
            else f"{name}: expected a quantity such as '1 {unit}' or a scipp scalar, got {type(given).__name__}"
        )
    if value.ndim:
        raise InputError(f"{name}: expected one value, got an array with dims {value.dims}")
    if value.unit == sc.Unit("degC") and unit == "K":
        value = sc.scalar(float(value.value) + (0.0 if interval else 273.15), unit="K")
    try:
        value = value.to(unit=unit, dtype="float64", copy=False)
    except (sc.UnitError, sc.DTypeError):
        shown = repr(given) if isinstance(given, str) else f"a value of {value.value!r}"
        raise InputError(f"{name}: {shown} has the unit {value.unit}, expected one like {unit}") from None
    if not math.isfinite(value.value):
        raise InputError(f"{name}: {value.value} is not a finite number")
    return value


def magnitude(value: object, unit: str, name: str, *, positive: bool = False, interval: bool = False) -> float:
    """Return a scalar quantity as a float, optionally only if it is greater than 0.

    Parameters
    ----------
    value:
        A scipp scalar or words such as ``"90 MPa"``.
    unit:
        The unit to convert to.
    name:
        What the quantity is, for the error message.
    positive:
        Whether it must be greater than 0.
    interval:
        A difference of temperatures, as for :func:`quantity`.

    Returns
    -------
    :
        The number in ``unit``.

    Raises
    ------
    InputError
        If :func:`quantity` refuses it, or it is not greater than 0 where it must be.

    Examples
    --------
    >>> magnitude("0.09 GPa", "MPa", "pressure")
    90.0
    """
    number = float(quantity(value, unit, name, interval=interval).value)
    if positive and number <= 0:
        raise InputError(f"{name}: must be greater than 0 {unit}, got {number:g} {unit}")
    return number


def to_json(value: Any) -> Any:
    """Turn quantities and arrays, also within dicts and lists, into plain JSON values.

    Parameters
    ----------
    value:
        A scipp variable or data array, a NumPy or plain value, or a dict, list or tuple of such.

    Returns
    -------
    :
        ``{"value", "unit", "error"}`` for a quantity, with its standard deviation as ``error``; a data array has
        ``coords`` besides. NaN and infinity become null; other values stay as they are.

    Examples
    --------
    >>> to_json(sc.scalar(43.05, unit="J/g"))
    {'value': 43.05, 'unit': 'J/g', 'error': None}
    """
    if isinstance(value, sc.DataArray):
        coords = {str(k): to_json(c) for k, c in value.coords.items()}
        return {"coords": coords, **to_json(value.data)}
    if isinstance(value, sc.Variable):
        error: Any
        if value.ndim:
            error = None if value.variances is None else _finite(np.sqrt(value.variances).tolist())
            return {"value": _finite(value.values.tolist()), "unit": str(value.unit), "error": error}
        if value.dtype == sc.DType.string or value.dtype == sc.DType.bool:
            return value.value
        error = None if value.variance is None else _finite(math.sqrt(value.variance))
        return {"value": _finite(value.value), "unit": str(value.unit), "error": error}
    if isinstance(value, dict):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(v) for v in value]
    return _finite(value)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: both become null."""
    if isinstance(value, np.ndarray):
        return _finite(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return value
