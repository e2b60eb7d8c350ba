"""What the columns of an export mean: names and units in the header of the table.

Only units of which the meaning is certain are taken; a heat flow in microvolt was never calibrated and is refused.
"""

import re
from collections.abc import Sequence

from caloris.errors import InputError
from caloris.heat.calorimetry.readers.numbers import header_number

_UNITS: dict[str, dict[str, tuple[float, str]]] = {
    "time": {"s": (1.0, "s"), "ms": (1e-3, "s"), "min": (60.0, "s"), "h": (3600.0, "s")},
    "temperature": {"K": (1.0, "K"), "degC": (1.0, "degC")},
    "heat_flow": {
        "mW": (1.0, "mW"),
        "W": (1e3, "mW"),
        "uW": (1e-3, "mW"),
        "W/g": (1e3, "mW/g"),
        "mW/mg": (1e3, "mW/g"),
        "W/kg": (1.0, "mW/g"),
        "mW/g": (1.0, "mW/g"),
        "uW/mg": (1.0, "mW/g"),
    },
    "pressure": {
        "MPa": (1.0, "MPa"),
        "GPa": (1e3, "MPa"),
        "kPa": (1e-3, "MPa"),
        "Pa": (1e-6, "MPa"),
        "bar": (0.1, "MPa"),
        "kbar": (100.0, "MPa"),
    },
    "mass": {"mg": (1.0, "mg"), "g": (1e3, "mg"), "ug": (1e-3, "mg"), "kg": (1e6, "mg")},
}
_SPELLINGS = {"sec": "s", "seconds": "s", "minutes": "min", "hr": "h", "hours": "h", "Sek": "s"}
_SPELLINGS |= {"C": "degC", "°C": "degC", ">C": "degC", "deg C": "degC", "Kelvin": "K"}
_SPELLINGS |= {
    "Wg^-1": "W/g",
    "W g^-1": "W/g",
    "Wg-1": "W/g",
    "W*g^-1": "W/g",
    "mJ/s": "mW",
    "J/s": "W",
    "J/s/g": "W/g",
}
_MASS = re.compile(r"\s*(\S+)\s+(\S+?)[.,;]?\s*")


def factor(quantity: str, unit: str, where: str) -> tuple[float, str]:
    """Return what a column must be multiplied by, and the unit it has then.

    Parameters
    ----------
    quantity:
        ``"time"``, ``"temperature"``, ``"heat_flow"``, ``"pressure"`` or ``"mass"``.
    unit:
        As the file writes it.
    where:
        Name of the file and line, for the error message.

    Returns
    -------
    :
        Factor and unit: s, K or degC, mW or mW/g, MPa, mg.

    Raises
    ------
    InputError
        If the unit is none of the quantity, or a voltage.

    Examples
    --------
    >>> factor("heat_flow", "(mW/mg)", "scan.txt")
    (1000.0, 'mW/g')
    """
    plain = unit.strip().strip("()[]").strip().replace("µ", "u").replace("μ", "u")
    plain = _SPELLINGS.get(plain, plain)
    if plain in _UNITS[quantity]:
        return _UNITS[quantity][plain]
    name = quantity.replace("_", " ")
    if quantity == "heat_flow" and re.match(r"[um]?V(/|$)", plain):
        raise InputError(f"{where}: heat flow in {unit.strip()} is not calibrated; export it in mW or W/g")
    known = ", ".join(_UNITS[quantity])
    raise InputError(f"{where}: {unit.strip()!r} is no unit of {name} known here; expected one of {known}")


def split_label(label: str) -> tuple[str, str | None]:
    """Split the label of a column into name and unit.

    Parameters
    ----------
    label:
        ``"Heat Flow (mW)"``, ``"DSC/(mW/mg)"``, ``"Value [mW]"`` or a name alone.

    Returns
    -------
    :
        Name, and the unit or None.

    Examples
    --------
    >>> split_label("DSC/(mW/mg)"), split_label("Time (s)"), split_label("HeatFlow")
    (('DSC', '(mW/mg)'), ('Time', '(s)'), ('HeatFlow', None))
    """
    name, slash, unit = label.strip().partition("/")
    if slash and "(" not in name and "[" not in name:
        return name.strip(), unit.strip()
    match = re.fullmatch(r"(.*?)\s*([(\[].*[)\]])", label.strip())
    return (match[1], match[2]) if match else (label.strip(), None)


def choose(names: Sequence[str], known: Sequence[str]) -> int | None:
    """Return which column has one of the known names, the first known one first; capitals do not matter.

    Parameters
    ----------
    names:
        Names of the columns.
    known:
        Names to look for, in lower case.

    Returns
    -------
    :
        The column, from 0, or None.
    """
    plain = [" ".join(name.lower().split()) for name in names]
    return next((plain.index(name) for name in known if name in plain), None)


def milligrams(text: str, where: str) -> float:
    """Read a mass with its unit from a header.

    Parameters
    ----------
    text:
        For example ``"34.04 mg"`` or ``"9,5 mg"``; an empty number is 0.
    where:
        Name of the file and entry, for the error message.

    Returns
    -------
    :
        mg; 0 where the file leaves it open.

    Raises
    ------
    InputError
        If it cannot be read or is negative.

    Examples
    --------
    >>> milligrams("0.01 g", "scan.txt")
    10.0
    """
    match = _MASS.fullmatch(text)
    if not match:
        if text.strip() in {"", "mg", "g"}:
            return 0.0
        raise InputError(f"{where}: cannot read the mass {text.strip()!r}; expected for example '10.2 mg'")
    mass = header_number(match[1], where) * factor("mass", match[2], where)[0]
    if mass < 0:
        raise InputError(f"{where}: the mass {text.strip()!r} is negative; correct it in the file")
    return mass
