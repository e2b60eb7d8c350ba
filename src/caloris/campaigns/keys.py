"""What makes two points the same: a key from the task, its version, all parameters and the predecessor's key.

Quantities are compared by what they are, not by how they are written: "0.4 GPa" and "400 MPa" give one key. The
arithmetic is decimal, so that 0.7 GPa and 700 MPa do not differ in the sixteenth digit.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from decimal import Context, Decimal, DecimalException
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.units import parse_unit

QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*((?:(?<=\s)1/)?(?:[^\W\d_]|°)\S*|%)\s*$")
_DIGITS = Context(prec=13)
"""Digits that count: a factor such as pi/180 is known to 15 only."""
_FACTOR = Context(prec=15)


def plain(value: Any, name: str) -> Any:
    """Turn a parameter into plain JSON values; quantities become words such as ``"475 K"``.

    Parameters
    ----------
    value:
        A JSON value, a scipp scalar with unit, a NumPy number, or a dict, list or tuple of such.
    name:
        What it is, for the error message.

    Returns
    -------
    :
        The same in JSON's types.

    Raises
    ------
    InputError
        If it cannot be written as JSON, or is not finite.

    Examples
    --------
    >>> plain(sc.scalar(475.0, unit="K"), "temperature")
    '475 K'
    """
    if isinstance(value, sc.Variable):
        return _words(value, name)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{name}: {value} is not a finite number")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [plain(item, f"{name}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{name}.{key}") for key, item in value.items()}
    raise InputError(f"{name}: a {type(value).__name__} cannot be a parameter; write a number, a text or '475 K'")


def _words(value: sc.Variable, name: str) -> Any:
    if value.ndim:
        raise InputError(f"{name}: expected one value, got an array with dims {value.dims}")
    if value.variance is not None:
        raise InputError(f"{name}: a parameter has no error; give sc.values(...)")
    if value.dtype == sc.DType.string or value.dtype == sc.DType.bool:
        return value.value
    number = plain(value.value, name)
    if value.unit is None or value.unit == sc.units.one:
        return number
    return f"{shortest(number)} {value.unit}"


def shortest(number: float) -> str:
    """Write a number with no more digits than it has."""
    return repr(int(number)) if float(number).is_integer() and abs(number) < 1e15 else repr(float(number))


@cache
def _unit(text: str) -> tuple[Decimal, Decimal, str] | None:
    """Return factor, offset and name in base units of a unit in words; None if it is none."""
    try:
        parts: dict[str, Any] = dict(parse_unit(text).to_dict())
    except (InputError, ValueError, RuntimeError):
        return None
    powers = parts.pop("powers", {})
    parts.pop("__version__", None)
    factor = _FACTOR.create_decimal(repr(float(parts.pop("multiplier"))))
    offset = Decimal(0)
    if parts.pop("e_flag", False):  # a scale with its own zero
        if text not in ("degC", "°C", "C"):
            return None
        offset = Decimal("273.15")
    if parts or not factor.is_finite() or factor <= 0:
        return None
    return factor, offset, "*".join(f"{base}^{power}" for base, power in sorted(powers.items()))


def base_quantity(value: object) -> tuple[Decimal, str] | None:
    """Read words such as ``"0.4 GPa"`` as a number in base units.

    Parameters
    ----------
    value:
        Anything; only a text of number and unit is a quantity.

    Returns
    -------
    :
        The number, and its dimension in words; None if it is no quantity.

    Examples
    --------
    >>> base_quantity("0.4 GPa") == base_quantity("400 MPa")
    True
    """
    match = QUANTITY.match(value) if isinstance(value, str) else None
    unit = _unit(match.group(2)) if match else None
    if match is None or unit is None:
        return None
    factor, offset, dimension = unit
    try:
        number = _DIGITS.plus(Decimal(match.group(1)) * factor + offset).normalize()
    except DecimalException:  # no quantity has an exponent of a million
        return None
    return (number if number else Decimal(0)), dimension


def quantity_unit(value: object) -> str:
    """Return the unit of words such as ``"475 K"`` as it is written; empty if it is no quantity."""
    match = QUANTITY.match(value) if isinstance(value, str) else None
    return match.group(2) if match and _unit(match.group(2)) else ""


def in_unit(number: Decimal, unit: str) -> Decimal:
    """Convert a number in base units.

    Parameters
    ----------
    number:
        In base units.
    unit:
        A unit in words; empty for none.

    Returns
    -------
    :
        The number in ``unit``, to twelve digits.

    Examples
    --------
    >>> in_unit(base_quantity("0.4 GPa")[0], "MPa")
    Decimal('400')
    """
    found = _unit(unit) if unit else None
    factor, offset = (found[0], found[1]) if found else (Decimal(1), Decimal(0))
    converted = Context(prec=12).plus((number - offset) / factor)
    return converted.quantize(Decimal(1)) if converted == converted.to_integral_value() else converted.normalize()


def canonical(value: Any) -> Any:
    """Return the form of a plain value that is equal for equal quantities and equal numbers.

    Parameters
    ----------
    value:
        As :func:`plain` returns it.

    Returns
    -------
    :
        JSON values.

    Examples
    --------
    >>> canonical(["60 min", 2.0]) == canonical(["1 h", 2])
    True
    """
    quantity = base_quantity(value)
    if quantity:
        return {"quantity": [str(quantity[0]), quantity[1]]}
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, dict):
        return {"table": {key: canonical(item) for key, item in value.items()}}
    return value


def canonical_text(value: Any) -> str:
    """Write :func:`canonical` as one line of JSON, keys in order."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def content_digest(path: Path, name: str) -> str:
    """Return the SHA-256 of a file that a campaign reads; InputError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{name}: cannot read {path}: {error.strerror}") from None


def point_key(
    task: str, version: Any, parameters: Mapping[str, Any], files: Mapping[str, str], previous: str | None
) -> str:
    """Return the key of a point.

    Parameters
    ----------
    task:
        Name of the function, ``"package.module:function"``.
    version:
        Its version.
    parameters:
        Everything it is given, settings included, except files.
    files:
        SHA-256 of each file it is given, by the parameter's name.
    previous:
        Key of the point that it continues.

    Returns
    -------
    :
        64 hexadecimal digits.

    Examples
    --------
    >>> a = point_key("m:f", 1, {"p": "0.4 GPa", "T": "475 K"}, {}, None)
    >>> a == point_key("m:f", 1, {"T": "475.0 K", "p": "400 MPa"}, {}, None)
    True
    """
    parts = [task, version, dict(parameters), dict(files), previous]
    return digest(canonical_text(parts))
