"""Text exports of NETZSCH Proteus: ``#KEY:value`` lines, then ``##Temp./°C;Time/min;DSC/(mW/mg);...`` and rows.

Seen in public files: ``#SEPARATOR`` SEMICOLON, TAB or COMMA, ``#DECIMAL`` POINT or COMMA (the header may have commas
where the rows have points), numbers padded with blanks, Latin-1 behind a UTF-8 mark, a column Segment. ``#EXO`` is the
direction of exothermic effects: in a public curve with ``#EXO:-1`` melting points up. ``#RANGE`` and ``#SEG. 1`` state
the rate. Several tables in one file are read too; several samples side by side (DATA COMPARE) are refused.
"""

import re
from dataclasses import dataclass

from caloris.errors import InputError
from caloris.heat.calorimetry.readers.export import Block, Direction, Export, Names, Vendor, columns
from caloris.heat.calorimetry.readers.numbers import Rows, header_number
from caloris.heat.calorimetry.readers.signals import factor, split_label

_NAMES = Names(
    time=("time", "zeit"),
    temperature=("temp.", "temperature", "temperatur"),
    heat_flow=("dsc", "dsc signal", "dsc-signal", "heat flow", "wärmestrom"),
    pressure=("pressure", "druck"),
)
_MASS = re.compile(r"#(?:SAMPLE MASS|PROBENMASSE|EINWAAGE) */ *(\w+)")
_DECIMAL = {"POINT": ".", "COMMA": ",", "PUNKT": ".", "KOMMA": ","}
_RATE = re.compile(r"(-?[\d.,]+)\s*°C\s*/\s*([\d.,]+)\s*\(K/min\)\s*/\s*(-?[\d.,]+)\s*°C")


@dataclass
class _Header:
    """What the lines with one # say."""

    name: str = ""
    mass: float | None = None
    decimal: str | None = None
    exo: str = ""
    rate: float | None = None


def recognises(text: str) -> bool:
    """Say whether a text is an export of Proteus."""
    return bool(re.search(r"^##(?:Temp|Time|Zeit)", text, re.MULTILINE)) or text.startswith("#EXPORTTYPE")


def parse(text: str, where: str) -> Export:
    """Take an export of Proteus apart.

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
    tables = [i for i, line in enumerate(lines) if line.startswith("##")]
    if not tables:
        raise InputError(f"{where}: no line of column names that begins with ##; was the file cut?")
    header = _header(lines[: tables[0]], where)
    remarks: list[str] = []
    blocks = []
    for start, stop in zip(tables, [*tables[1:], len(lines)], strict=True):
        body = start + 1
        # a header of the next segment may stand between two tables
        end = next((i for i in range(body, stop) if lines[i].startswith("#")), stop)
        if any(line.strip() and not line.startswith("#") for line in lines[end:stop]):
            line = next(i for i in range(end, stop) if lines[i].strip() and not lines[i].startswith("#"))
            raise InputError(f"{where}: line {line + 1}: rows after a header without column names; export again")
        delimiter = max(";\t,", key=lines[start].count)
        labels = [split_label(label) for label in lines[start].lstrip("#").split(delimiter)]
        at = f"{where}: line {start + 1}"
        found, said = columns(at, [name for name, _ in labels], [unit for _, unit in labels], _NAMES)
        remarks += said
        if "heat_flow" not in found:
            raise InputError(f"{at}: no column 'DSC'; export it too")
        cut = not text.endswith("\n") and end == len(lines)
        rows = Rows(lines[body:end], body + 1, delimiter, len(labels), cut=cut)
        blocks.append(Block(rows, found, rate=header.rate if len(tables) == 1 else None))
    endothermic: Direction | None = {"1": "down", "+1": "down", "-1": "up"}.get(header.exo)  # type: ignore[assignment]
    if header.exo and endothermic is None:
        remarks.append(f"'#EXO:{header.exo}' is neither 1 nor -1: not used")
    return Export(
        vendor="netzsch",
        blocks=blocks,
        default="up",
        name=header.name,
        mass=header.mass,
        endothermic=endothermic,
        sign_words=f"#EXO:{header.exo}",
        decimal=header.decimal,
        remarks=tuple(remarks),
    )


def _header(lines: list[str], where: str) -> _Header:
    header = _Header()
    segments = []
    for number, line in enumerate(lines, 1):
        if not line.startswith("#"):
            continue
        key, _, rest = line.partition(":")
        key, value = key.strip(), rest.strip(" ,;\t")
        at = f"{where}: line {number}"
        mass = _MASS.fullmatch(key)
        if mass:
            header.mass = (header_number(value, at) if value else 0.0) * factor("mass", mass[1], at)[0]
            if header.mass < 0:
                raise InputError(f"{at}: the mass is negative; correct it in the file")
        elif key == "#EXPORTTYPE" and value.upper().startswith("DATA COMPARE"):
            raise InputError(f"{at}: several samples side by side; export each sample by itself (not DATA COMPARE)")
        elif key in {"#SAMPLE", "#PROBE"}:
            header.name = value
        elif key == "#DECIMAL":
            if value.upper() not in _DECIMAL:
                raise InputError(f"{at}: decimal mark {value!r}, expected POINT or COMMA")
            header.decimal = _DECIMAL[value.upper()]
        elif key == "#EXO":
            header.exo = value
        elif key.startswith(("#SEG.", "#RANGE")):
            segments.append((key, value, at))
    steps = [entry for entry in segments if entry[0].startswith("#SEG.")] or segments
    match = _RATE.search(steps[0][1]) if len(steps) == 1 else None
    if match:
        begin, rate, end = (header_number(part, steps[0][2]) for part in match.groups())
        header.rate = rate / 60.0 if begin != end and rate > 0 else None
    return header


VENDOR = Vendor("netzsch", recognises, parse)
