"""The plain file of caloris: comments that say what it is, one line of columns with units, then numbers.

``# caloris-dsc 1`` first; then ``# key: value`` with the keys pressure, mass, endothermic, name and remark (others are
kept as remarks); ``time/s,temperature/K,heat_flow/mW`` with any unit known here, optionally ``pressure/MPa``; decimal
points, commas between columns.
"""

from pathlib import Path

import numpy as np

from caloris.errors import InputError
from caloris.files import whole
from caloris.heat.calorimetry.readers.export import Block, Direction, Export, Names, Vendor, columns
from caloris.heat.calorimetry.readers.numbers import Rows
from caloris.heat.calorimetry.readers.signals import split_label
from caloris.heat.calorimetry.recording import Recording
from caloris.units import magnitude

FIRST_LINE = "# caloris-dsc 1"
_NAMES = Names(("time",), ("temperature",), ("heat_flow",), segment=(), index=())


def recognises(text: str) -> bool:
    """Say whether a text is a plain file."""
    return text.startswith("# caloris-dsc")


def parse(text: str, where: str) -> Export:
    """Take a plain file apart.

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
        If a line does not follow the format.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != FIRST_LINE:
        raise InputError(f"{where}: line 1: {lines[0].strip()[:40]!r}, expected {FIRST_LINE!r}")
    comments = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    known, remarks = _comments(lines[1:comments], where)
    header = lines[comments] if comments < len(lines) else ""
    labels = [split_label(label) for label in header.split(",")]
    at = f"{where}: line {comments + 1}"
    if len(labels) < 3:
        raise InputError(f"{at}: expected a line like 'time/s,temperature/K,heat_flow/mW', got {header[:60]!r}")
    unknown = [name for name, _ in labels if name not in {"time", "temperature", "heat_flow", "pressure"}]
    if unknown:
        raise InputError(f"{at}: unknown column {unknown[0][:40]!r}; expected time, temperature, heat_flow, pressure")
    found, _ = columns(at, [name for name, _ in labels], [unit for _, unit in labels], _NAMES)
    if not {"time", "heat_flow"} <= found.keys():
        raise InputError(f"{at}: no column 'time' or 'heat_flow'; expected 'time/s,temperature/K,heat_flow/mW'")
    rows = Rows(lines[comments + 1 :], comments + 2, ",", len(labels), cut=not text.endswith("\n"))
    endothermic: Direction | None = None
    if "endothermic" in known:
        if known["endothermic"] not in {"up", "down"}:
            raise InputError(f"{where}: endothermic: {known['endothermic']!r}, expected 'up' or 'down'")
        endothermic = "up" if known["endothermic"] == "up" else "down"
    try:
        mass = magnitude(known["mass"], "mg", "mass") if "mass" in known else None
        pressure = magnitude(known["pressure"], "MPa", "pressure") if "pressure" in known else None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    if (mass or 0.0) < 0 or (pressure or 0.0) < 0:
        raise InputError(f"{where}: mass and pressure must not be negative")
    return Export(
        vendor="plain",
        blocks=[Block(rows, found)],
        default="up",
        name=known.get("name", ""),
        mass=mass,
        pressure=pressure,
        endothermic=endothermic,
        sign_words=f"endothermic: {endothermic}",
        remarks=remarks,
    )


def write_plain(recording: Recording, path: str | Path) -> None:
    """Write a recording as a plain file; :func:`caloris.heat.calorimetry.readers.read` gives the same numbers back.

    Parameters
    ----------
    recording:
        The recording.
    path:
        The file to write; it is there whole or not at all.

    Raises
    ------
    InputError
        If the place cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from caloris.heat.calorimetry import read, recording
    >>> t = np.arange(600.0)
    >>> scan = Recording(recording(t, 300 + t / 60, 2.5 + 0 * t), name="salt")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_plain(scan, Path(folder) / "salt.csv")
    ...     read(Path(folder) / "salt.csv").name
    'salt'
    """
    q = recording.heat_flow
    header = [FIRST_LINE, "# endothermic: up"]
    if recording.name:
        header.append(f"# name: {_one_line(recording.name)}")
    for key, value in (("pressure", recording.pressure), ("mass", recording.mass)):
        if value is not None:
            header.append(f"# {key}: {float(value.value):.15g} {value.unit}")
    if not recording.sign_is_certain:
        header.append(f"# remark: the sign was uncertain: {_one_line(recording.sign)}")
    header += [f"# remark: {_one_line(remark)}" for remark in recording.remarks]
    names = ["time/s", "temperature/K", f"heat_flow/{'W/kg' if str(q.unit) == 'mW/g' else q.unit}"]
    table = [recording.time, recording.temperature, np.asarray(q.values, dtype=float)]
    if "pressure" in q.coords:
        names.append("pressure/MPa")
        table.append(np.asarray(q.coords["pressure"].values, dtype=float))
    with whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join([*header, ",".join(names)]) + "\n")
        # repr of a float is the shortest text that reads back as the same number
        file.writelines(",".join(map(repr, row)) + "\n" for row in zip(*(x.tolist() for x in table), strict=True))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _comments(lines: list[str], where: str) -> tuple[dict[str, str], list[str]]:
    """Read the comment lines: known keys, and all others as remarks."""
    known: dict[str, str] = {}
    remarks = []
    for number, line in enumerate(lines, 2):
        key, colon, value = (part.strip() for part in line[1:].partition(":"))
        if not colon:
            remarks += [key] if key else []
        elif key in {"pressure", "mass", "endothermic", "name"}:
            if key in known:
                raise InputError(f"{where}: line {number}: {key} is given twice; keep one")
            known[key] = value
        else:
            remarks.append(value if key == "remark" else f"{key}: {value}")
    return known, remarks


VENDOR = Vendor("plain", recognises, parse)
