"""Text exports of PerkinElmer Pyris: sample and method, numbered steps with rows, calibration values at the end.

Seen in a public file of a DSC 8500: key, tab, value (``Sample ID``, ``Sample Weight: 7.244 mg``), the method
(``1)<tab>Hold for 1.0 min at -15.00°C``), then ``1) DSC 8500 Isothermal`` with column names over two lines (Time,
Unsubtracted / Heat Flow, Baseline / Heat Flow, Program / Temperature, Sample / Temperature, ...) without units, which
are min, mW and degC, rows that begin with a tab, further steps without column names, and a footer
``DSC8500 MANUAL TUNE CALIBRATION VALUES:``. A line of units below the names is read too. Endothermic is up.
"""

import re

from caloris.errors import InputError
from caloris.heat.calorimetry.readers.export import Block, Column, Export, Names, Vendor, columns
from caloris.heat.calorimetry.readers.numbers import Rows, looks_like_row
from caloris.heat.calorimetry.readers.signals import milligrams

_NAMES = Names(
    time=("time",),
    temperature=("sample temperature",),
    heat_flow=("unsubtracted heat flow", "heat flow"),
    other_temperature=("program temperature",),
    segment=(),
    index=(),
)
_ASSUMED = {"time": "min", "temperature": "degC", "heat_flow": "mW"}
_NAME_LINE = re.compile(r"\s*Time\s*\t.*Unsubtracted")
_STEP = re.compile(r"\s*\d+\)")
_FOOTER = re.compile(r"\s*[A-Z][A-Za-z0-9 ]*:\s*$")


def recognises(text: str) -> bool:
    """Say whether a text is an export of Pyris."""
    return any(_NAME_LINE.match(line) for line in text.split("\n", 2000)[:2000])


def parse(text: str, where: str) -> Export:
    """Take an export of Pyris apart.

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
        If there is no table, or rows stand outside the steps.
    """
    lines = text.split("\n")
    head = next((i for i, line in enumerate(lines) if _NAME_LINE.match(line)), None)
    if head is None:
        raise InputError(f"{where}: no line of column names with Time and Unsubtracted Heat Flow; was the file cut?")
    found, width, body, remarks = _columns(lines, head, where)
    last = next((i for i in range(body, len(lines)) if _FOOTER.match(lines[i])), len(lines))
    for i in range(last, len(lines)):
        if looks_like_row(lines[i].strip(), "\t", width):
            raise InputError(f"{where}: line {i + 1}: a row of numbers after the steps; export again")
    blocks = []
    begin, title = body, lines[head - 1].strip() if head and _STEP.match(lines[head - 1]) else ""
    for i in range(body, last + 1):
        if i < last and not _STEP.match(lines[i]):
            continue
        cut = not text.endswith("\n") and i == len(lines)
        rows = Rows([line.strip() for line in lines[begin:i]], begin + 1, "\t", width, cut=cut)
        blocks.append(Block(rows, found, title))
        if i < last:
            begin, title = i + 1, lines[i].strip()
            if begin < last and _NAME_LINE.match(lines[begin]):  # some versions repeat the names
                again, _, begin, _ = _columns(lines, begin, where)
                if again != found:
                    raise InputError(f"{where}: line {i + 2}: the columns change between the steps; export again")
    name, mass = _header(lines[:head], where)
    return Export(vendor="perkinelmer", blocks=blocks, default="up", name=name, mass=mass, remarks=tuple(remarks))


def _columns(lines: list[str], head: int, where: str) -> tuple[dict[str, Column], int, int, list[str]]:
    """Read names over two lines, or names and a line of units; return columns, their number and the first row."""
    above = [name.strip() for name in lines[head].strip().split("\t")]
    at = f"{where}: line {head + 1}"
    if head + 1 >= len(lines):
        raise InputError(f"{at}: the file ends after the column names; was it cut?")
    # the first column has no second line, so that line is taken apart without stripping its tabs
    below = [name.strip() for name in lines[head + 1].rstrip().removeprefix("\t").split("\t")]
    if len(below) != len(above):
        raise InputError(f"{at}: {len(above)} column names over {len(below)} in the next line; export again")
    if re.fullmatch(r"[(\[]?(?:s|min|sec)[)\]]?", below[0]):
        names, units = above, [unit or None for unit in below]
    else:
        names, units = [f"{a} {b}".strip() for a, b in zip(above, below, strict=True)], [None] * len(above)
    found, remarks = columns(at, names, units, _NAMES, assumed=_ASSUMED)
    if not {"heat_flow", "time"} <= found.keys():
        raise InputError(f"{at}: no column 'Unsubtracted Heat Flow' or 'Time'; export them too")
    return found, len(above), head + 2, remarks


def _header(lines: list[str], where: str) -> tuple[str, float | None]:
    name, mass = "", None
    for number, line in enumerate(lines, 1):
        key, _, value = line.partition(":")
        if key.strip() == "Sample ID":
            name = value.strip()
        elif key.strip() == "Sample Weight":
            mass = milligrams(value.strip(), f"{where}: line {number}")
    return name, mass


VENDOR = Vendor("perkinelmer", recognises, parse)
