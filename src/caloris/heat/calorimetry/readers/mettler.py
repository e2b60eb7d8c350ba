"""Text exports of Mettler Toledo STARe: one or several curves, each with names, units and rows, then results.

Seen in public readers of such files: ``Curve Name:`` and the name in the next line, ``Curve Values:``, the names
``Index t Ts Tr Value``, a line of units in brackets (none for the index), rows by white space, then ``Results:``,
``Sample:`` with name and mass (``In, 10.3000 mg``) and ``Method:``. Ts is the sample's temperature, Tr the program's.
Curves may come in any order and need not be of heat flow. ``^exo`` where a curve shows the direction; STARe's habit is
exothermic up.
"""

import re

from caloris.errors import InputError
from caloris.heat.calorimetry.readers.export import Block, Direction, Export, Names, Vendor, columns
from caloris.heat.calorimetry.readers.numbers import Rows, looks_like_row
from caloris.heat.calorimetry.readers.signals import milligrams

_NAMES = Names(
    time=("t", "time"),
    temperature=("ts",),
    heat_flow=("value", "heatflow", "heat flow"),
    other_temperature=("tr",),
    segment=(),
)
_SECTION = re.compile(r"\s*[A-Za-z][\w .]*:\s*$")
_SAMPLE = re.compile(r"\s*(.*?),\s*([\d.,]+\s*[mµu]?g)\s*$")
_EXO = re.compile(r"\^\s*(exo|endo)", re.IGNORECASE)


def recognises(text: str) -> bool:
    """Say whether a text is an export of STARe."""
    return bool(re.search(r"^\s*Curve Values:\s*$", text, re.MULTILINE))


def parse(text: str, where: str) -> Export:
    """Take an export of STARe apart.

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
        If no curve has a heat flow, or rows stand outside the curves.
    """
    lines = text.split("\n")
    starts = [i for i, line in enumerate(lines) if line.strip() == "Curve Values:"]
    if not starts:
        raise InputError(f"{where}: no line 'Curve Values:'; was the file cut?")
    remarks: list[str] = []
    blocks: list[Block] = []
    words = lines[: starts[0]]
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        end = next((i for i in range(start + 1, stop) if _SECTION.match(lines[i])), stop)
        block = _curve(lines, start, end, where, text.endswith("\n"), remarks)
        blocks += [block] if block else []
        width = block.rows.width if block else 5
        for i in range(end, stop):
            if looks_like_row(lines[i], None, width):
                raise InputError(f"{where}: line {i + 1}: a row of numbers outside 'Curve Values:'; export again")
        words += lines[end:stop]
    if not blocks:
        raise InputError(f"{where}: no curve of heat flow ({'; '.join(remarks) or 'no rows'}); export the DSC curve")
    name, mass = _sample(words, where)
    endothermic, said = _direction(words, remarks)
    return Export(
        vendor="mettler",
        blocks=blocks,
        default="down",
        name=name,
        mass=mass,
        endothermic=endothermic,
        sign_words=said,
        remarks=tuple(remarks),
    )


def _curve(lines: list[str], start: int, end: int, where: str, ended: bool, remarks: list[str]) -> Block | None:
    """Read one curve; None if it is not one of heat flow."""
    title = _name_before(lines, start)
    if start + 2 >= end:
        raise InputError(f"{where}: line {start + 1}: no column names and units after 'Curve Values:'; was it cut?")
    names = lines[start + 1].split()
    units: list[str | None] = list(re.findall(r"\[[^\]]*\]", lines[start + 2]))
    at = f"{where}: line {start + 3}"
    if len(units) == len(names) - 1 and names[0].lower() == "index":
        units = [None, *units]
    if len(units) != len(names) or not names:
        raise InputError(f"{at}: {len(units)} units in brackets for {len(names)} columns; export again")
    kind = (units[-1] or "").strip("[] ")
    if not re.search("[WV]", kind):
        remarks.append(f"curve '{title}' in {kind or 'no unit'} is no heat flow, left out")
        return None
    found, said = columns(at, names, units, _NAMES)
    remarks += [remark for remark in said if remark not in remarks]
    if "heat_flow" not in found:
        raise InputError(f"{at}: no column 'Value'; export the curve with its values")
    rows = Rows(lines[start + 3 : end], start + 4, None, len(names), cut=not ended and end == len(lines))
    return Block(rows, found, title)


def _name_before(lines: list[str], start: int) -> str:
    for i in range(start - 1, max(-1, start - 12), -1):
        if lines[i].strip() == "Curve Name:":
            return lines[i + 1].strip()
    return f"at line {start + 1}"


def _sample(words: list[str], where: str) -> tuple[str, float | None]:
    """Find name and mass behind 'Sample:', in the same line or the next."""
    for i, line in enumerate(words):
        if line.strip().startswith("Sample:"):
            entry = line.strip().removeprefix("Sample:").strip() or (words[i + 1] if i + 1 < len(words) else "")
            match = _SAMPLE.match(entry)
            if not match:
                return entry.strip(), None
            return match[1], milligrams(re.sub(r"(?<=\d)\s*(?=[mµug])", " ", match[2], count=1), f"{where}: 'Sample:'")
    return "", None


def _direction(words: list[str], remarks: list[str]) -> tuple[Direction | None, str]:
    found = {match[1].lower() for line in words for match in _EXO.finditer(line)}
    if len(found) != 1:
        if found:
            remarks.append("the file says both '^exo' and '^endo': not used")
        return None, ""
    word = found.pop()
    return ("down" if word == "exo" else "up"), f"^{word}"


VENDOR = Vendor("mettler", recognises, parse)
