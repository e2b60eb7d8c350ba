"""Any table whose column names carry their units: what a spreadsheet or a plotting program exports.

One line of names such as ``Time (s);Temperature (°C);Heat Flow (mW)``, separated by ``;``, tab or comma, then numbers
with decimal points or commas; lines before it are ignored. Time, temperature and heat flow are needed.
"""

from caloris.errors import InputError
from caloris.heat.calorimetry.readers.export import Block, Export, Names, Vendor, columns
from caloris.heat.calorimetry.readers.numbers import Rows
from caloris.heat.calorimetry.readers.signals import choose, split_label

_NAMES = Names(
    time=("time", "t", "zeit", "temps"),
    temperature=("sample temperature", "temperature", "temp", "temp.", "temperatur", "ts"),
    heat_flow=("heat flow", "heatflow", "heat_flow", "heat flow rate", "dsc", "hf"),
    other_temperature=("furnace temperature", "program temperature", "programme temperature"),
)
_DELIMITERS = (";", "\t", ",")
_SEARCHED = 60


def recognises(text: str) -> bool:
    """Say whether one of the first lines names time, temperature and heat flow."""
    return _header(text.split("\n")) is not None


def parse(text: str, where: str) -> Export:
    """Take a table apart.

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
        If there is no line of names, or a needed column has no unit.
    """
    lines = text.split("\n")
    header = _header(lines)
    if header is None:
        raise InputError(f"{where}: no line with the names of time, temperature and heat flow and their units")
    number, delimiter = header
    labels = [split_label(label.strip().strip('"')) for label in lines[number].split(delimiter)]
    found, remarks = columns(f"{where}: line {number + 1}", [n for n, _ in labels], [u for _, u in labels], _NAMES)
    rows = Rows(lines[number + 1 :], number + 2, delimiter, len(labels), cut=not text.endswith("\n"))
    return Export(vendor="table", blocks=[Block(rows, found)], default="up", remarks=tuple(remarks))


def _header(lines: list[str]) -> tuple[int, str] | None:
    """Number of the line of names, and what separates them."""
    for number, line in enumerate(lines[:_SEARCHED]):
        for delimiter in _DELIMITERS:
            names = [split_label(label.strip().strip('"'))[0] for label in line.split(delimiter)]
            wanted = (_NAMES.time, (*_NAMES.temperature, *_NAMES.other_temperature), _NAMES.heat_flow)
            if len(names) >= 3 and all(choose(names, known) is not None for known in wanted):
                return number, delimiter
    return None


VENDOR = Vendor("table", recognises, parse)
