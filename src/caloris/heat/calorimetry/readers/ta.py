"""Text exports of TA Instruments: Universal Analysis (``StartOfData``) and TRIOS (``[step]``).

Seen in public files. Universal Analysis (2920, Q2000): key, tab, value (``Size 9.00000 mg``, ``Exotherm Up``, ``Nsig``,
``Sig1 Time (min)`` ...), then rows after StartOfData; a row with the time -1 and zeros between segments. TRIOS (DSC
2500): sections in brackets with ``Sample Mass`` and ``Exotherm Direction``, then for each ``[step]`` a title, a line of
names, a line of units and rows, separated by tabs, or commas (.csv); minutes with two decimals, so that several rows
share one time.
"""

import re

from caloris.errors import InputError
from caloris.heat.calorimetry.readers.export import Block, Direction, Export, Names, Vendor, columns
from caloris.heat.calorimetry.readers.numbers import Rows, header_number
from caloris.heat.calorimetry.readers.signals import milligrams, split_label

_NAMES = Names(
    time=("time",),
    temperature=("temperature", "sample temperature"),
    heat_flow=("heat flow", "heat flow t4p", "heat flow t4", "heat flow t1", "heat flow (normalized)"),
    other_temperature=("tzero temperature",),
    segment=(),
    index=(),
)
_RAMP = re.compile(r"Ramp\s+([\d.,]+)\s*°C/min")


def recognises(text: str) -> bool:
    """Say whether a text is an export of Universal Analysis or TRIOS."""
    return bool(re.search(r"^(StartOfData|\[step\])\s*$", text, re.MULTILINE))


def parse(text: str, where: str) -> Export:
    """Take an export of Universal Analysis or TRIOS apart.

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
    starts = [i for i, line in enumerate(lines) if line.strip() in {"StartOfData", "[step]"}]
    if not starts:
        raise InputError(f"{where}: neither a line 'StartOfData' nor '[step]'; export the whole file as text")
    if lines[starts[0]].strip() == "StartOfData":
        return _universal_analysis(lines, starts, where, text.endswith("\n"))
    return _trios(lines, starts, where, text.endswith("\n"))


def _universal_analysis(lines: list[str], starts: list[int], where: str, ended: bool) -> Export:
    start = starts[0]
    header: dict[str, tuple[int, str]] = {}
    signals = []
    for number, line in enumerate(lines[:start], 1):
        key, _, value = line.partition("\t")
        if re.fullmatch(r"Sig\d+", key.strip()):
            signals.append(value.strip())
        else:
            header.setdefault(key.strip(), (number, value.strip()))
    count = header.get("Nsig", (0, str(len(signals))))[1]
    if count != str(len(signals)):
        raise InputError(f"{where}: the header counts {count} signals and names {len(signals)}; export again")
    labels = [split_label(signal) for signal in signals]
    at = f"{where}: line {start + 1}"
    found, remarks = columns(at, [name for name, _ in labels], [unit for _, unit in labels], _NAMES)
    if "heat_flow" not in found:
        raise InputError(f"{at}: no signal 'Heat Flow'; export it too")
    first = lines[start + 1] if start + 1 < len(lines) else ""
    rows = Rows(lines[start + 1 :], start + 2, "\t" if "\t" in first else None, len(labels), cut=not ended)
    number, size = header.get("Size", (0, ""))
    endothermic, words = _exotherm("Exotherm", header.get("Exotherm", (0, ""))[1], remarks)
    return Export(
        vendor="ta",
        blocks=[Block(rows, found, marker_rows=True)],
        default="down",
        name=header.get("Sample", (0, ""))[1],
        mass=milligrams(size.replace("\t", " "), f"{where}: line {number}") if number else None,
        endothermic=endothermic,
        sign_words=words,
        remarks=tuple(remarks),
    )


def _trios(lines: list[str], starts: list[int], where: str, ended: bool) -> Export:
    header: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines[: starts[0]], 1):
        match = re.match(r"([^\t;,]*)[\t;,](.*)", line)
        if match:
            header.setdefault(match[1].strip(), (number, match[2].strip()))
    remarks: list[str] = []
    blocks = []
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        block = _step(lines, start, stop, where, ended, remarks)
        blocks += [block] if block else []
    if not blocks:
        raise InputError(f"{where}: no step has a column 'Heat Flow'; export it too")
    number, mass = header.get("Sample Mass", (0, ""))
    endothermic, words = _exotherm("Exotherm Direction", header.get("Exotherm Direction", (0, ""))[1], remarks)
    return Export(
        vendor="ta",
        blocks=blocks,
        default="up",
        name=header.get("Sample name", header.get("Sample Name", (0, "")))[1],
        mass=milligrams(mass, f"{where}: line {number}") if number else None,
        endothermic=endothermic,
        sign_words=words,
        remarks=tuple(remarks),
    )


def _step(lines: list[str], start: int, stop: int, where: str, ended: bool, remarks: list[str]) -> Block | None:
    """Read one step: title, names, units, rows."""
    head = next((i for i in range(start + 1, min(start + 4, stop)) if re.match(r"\s*Time[\t;,]", lines[i])), None)
    if head is None or head + 1 >= stop:
        raise InputError(f"{where}: line {start + 1}: no line of column names after [step]; was the file cut?")
    delimiter = next(d for d in "\t;," if d in lines[head])
    names = [name.strip() for name in lines[head].rstrip(delimiter).split(delimiter)]
    units = [unit.strip() for unit in lines[head + 1].rstrip(delimiter).split(delimiter)]
    at = f"{where}: line {head + 2}"
    if len(units) != len(names):
        raise InputError(f"{at}: {len(units)} units for {len(names)} columns; export again")
    title = lines[start + 1].strip() if head > start + 1 else f"the step at line {start + 1}"
    found, said = columns(at, names, units, _NAMES)
    remarks += said
    if "heat_flow" not in found:
        remarks.append(f"{title}: no heat flow, left out")
        return None
    body = lines[head + 2 : stop]
    if body and all(line.endswith(delimiter) for line in body if line.strip()):
        body = [line.rstrip(delimiter) for line in body]  # an empty column at the end of every row
    ramp = _RAMP.match(title)
    rate = header_number(ramp[1], at) / 60.0 if ramp else None
    rows = Rows(body, head + 3, delimiter, len(names), cut=not ended and stop == len(lines))
    return Block(rows, found, title, rate or None)


def _exotherm(key: str, value: str, remarks: list[str]) -> tuple[Direction | None, str]:
    """Turn 'Exotherm Up' round to which way is endothermic."""
    if value.lower() not in {"up", "down"}:
        if value:
            remarks.append(f"'{key} {value}' is neither Up nor Down: not used")
        return None, ""
    return ("down" if value.lower() == "up" else "up"), f"{key} {value}"


VENDOR = Vendor("ta", recognises, parse)
