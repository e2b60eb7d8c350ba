"""Text exports of Setaram's Calisto: a short header, one line of column names, one table.

Seen in public files: UTF-16 with a byte order mark, sample name first, ``HeatFlow :`` with `` Initial Mass : 34.04 mg``
(0 mg in blank runs); the table either in fixed columns with names alone (Index Time Furnace Sample TG HeatFlow: s,
degC, mW) or separated by ``;`` with units (``Sample Temperature (°C)``), or a CSV without header and with decimal
comma. No word on the sign: with Calisto's habit exothermic is up.
"""

import re

from caloris.errors import InputError
from caloris.heat.calorimetry.readers.export import Block, Export, Names, Vendor, columns
from caloris.heat.calorimetry.readers.numbers import Rows
from caloris.heat.calorimetry.readers.signals import milligrams, split_label

_NAMES = Names(
    time=("time", "temps"),
    temperature=("sample temperature", "sample"),
    heat_flow=("heatflow", "heat flow"),
    other_temperature=("furnace temperature", "furnace", "temperature"),
    pressure=("pressure",),
    segment=(),
)
_ASSUMED = {"time": "s", "temperature": "degC", "heat_flow": "mW"}
_HEADER = re.compile(r"^(?=.*\bTime\b)(?=.*\bHeat ?Flow\b)(?=.*(?:\bSample\b|\bFurnace\b)).*$", re.MULTILINE)
_MASS = re.compile(r"\s*Initial Mass\s*:\s*(.*)")


def recognises(text: str) -> bool:
    """Say whether a text is an export of Calisto."""
    return bool(_HEADER.search(text[:20_000]))


def parse(text: str, where: str) -> Export:
    """Take an export of Calisto apart.

    Parameters
    ----------
    text:
        Content of the file.
    where:
        Its name, for error messages.

    Returns
    -------
    :
        Header and rows.

    Raises
    ------
    InputError
        If there is no table, or a needed column or unit is missing.
    """
    lines = text.split("\n")
    header = next((i for i, line in enumerate(lines) if _HEADER.match(line)), None)
    if header is None:
        raise InputError(
            f"{where}: no line of column names with Time, Sample and HeatFlow; export the table with names"
        )
    line = lines[header]
    delimiter = next((d for d in (";", "\t") if d in line), None)
    if delimiter is None and "," in line:
        delimiter = ","
    labels = [split_label(label) for label in line.split(delimiter)]
    at = f"{where}: line {header + 1}"
    found, remarks = columns(at, [n for n, _ in labels], [u for _, u in labels], _NAMES, assumed=_ASSUMED)
    if "heat_flow" not in found:
        raise InputError(f"{at}: no column 'HeatFlow'; export it too")
    name, mass = _header(lines[:header], where, remarks)
    rows = Rows(lines[header + 1 :], header + 2, delimiter, len(labels), cut=not text.endswith("\n"))
    return Export(
        vendor="setaram", blocks=[Block(rows, found)], default="down", name=name, mass=mass, remarks=tuple(remarks)
    )


def _header(lines: list[str], where: str, remarks: list[str]) -> tuple[str, float | None]:
    """Find the name of the sample and the mass of the heat flow's section."""
    masses: dict[str, float] = {}
    section = ""
    for number, line in enumerate(lines, 1):
        match = _MASS.match(line)
        if match:
            masses[section] = milligrams(match[1], f"{where}: line {number}")
        elif line.rstrip().endswith(":") and not line.startswith(" "):
            section = line.rstrip(" :").replace(" ", "")
    if len(set(masses.values())) > 1:
        remarks.append("the sections state different masses: that of the heat flow is taken")
    mass = masses.get("HeatFlow", next(iter(masses.values()), None))
    name = lines[0].strip() if lines and ":" not in lines[0] else ""
    return name, mass


VENDOR = Vendor("setaram", recognises, parse)
