"""Columns of numbers from lines of text: fast where all is well, with the line and the field where it is not.

Decimal comma or point is decided once for a whole file. A number with thousands separators is refused: after them
nobody can tell 50.026 from 50026.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from caloris.errors import InputError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = "the export wrote thousands separators: export again without digit grouping"


@dataclass(frozen=True)
class Rows:
    """Lines of numbers as they stand in a file."""

    lines: Sequence[str]
    first: int
    """Line number of the first one, from 1."""
    delimiter: str | None
    """None: any white space."""
    width: int
    """Number of columns."""
    cut: bool = False
    """Whether the file ends in the last line without a line end: its last number may be incomplete."""

    def fields(self, line: str) -> list[str]:
        """Split a line."""
        return [field.strip() for field in line.split(self.delimiter)]

    def filled(self) -> tuple[list[str], np.ndarray]:
        """Return the lines that are not blank, and their numbers."""
        kept = [(number, line) for number, line in enumerate(self.lines, self.first) if line and not line.isspace()]
        return [line for _, line in kept], np.array([number for number, _ in kept], dtype=int)


def decimal_mark(where: str, tables: Sequence[tuple[Rows, Sequence[int]]], stated: str | None = None) -> str:
    """Decide between decimal point and decimal comma, once for a whole file.

    Parameters
    ----------
    where:
        Name of the file, for the error message.
    tables:
        All rows of the file, each with the columns that will be read.
    stated:
        What the header says, ``"."`` or ``","``.

    Returns
    -------
    :
        ``"."`` or ``","``.

    Raises
    ------
    InputError
        If both are in use, or not the one that the header states.
    """
    commas = any("," in line for rows, _ in tables if rows.delimiter != "," for line in rows.lines)
    points = any("." in line for rows, _ in tables for line in rows.lines)
    if commas and points:
        commas, points = _marks_in_use(where, tables)
    found = "," if commas else "." if points else stated or "."
    if stated and found != stated:
        raise InputError(
            f"{where}: the header says decimal {_name(stated)}, the numbers have a decimal {_name(found)}; export again"
        )
    return found


def read_columns(where: str, rows: Rows, wanted: Sequence[int], mark: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Read columns of numbers.

    Parameters
    ----------
    where:
        Name of the file, for the error message.
    rows:
        The lines.
    wanted:
        Which columns, from 0.
    mark:
        Decimal mark, as :func:`decimal_mark` found it.

    Returns
    -------
    :
        The numbers (row, column), the line number of each row, and a remark if a row was left out (or ``""``).

    Raises
    ------
    InputError
        If a row has too many or too few columns or a field that is not a finite number.

    Examples
    --------
    >>> read_columns("scan.txt", Rows(["0;1,5", "1;2,5"], first=7, delimiter=";", width=2), [0, 1], ",")[0].tolist()
    [[0.0, 1.5], [1.0, 2.5]]
    """
    lines, numbers = rows.filled()
    remark = ""
    if rows.cut and lines:
        lines, numbers, remark = _without_cut_number(where, rows, lines, numbers, wanted, mark)
    if not lines:
        return np.empty((0, len(wanted))), numbers, remark
    if rows.delimiter is None:
        counts = [len(line.split()) for line in lines]
    else:
        counts = [line.count(rows.delimiter) + 1 for line in lines]
    if counts.count(rows.width) == len(counts):
        plain = "\n".join(lines).replace(",", ".").split("\n") if mark == "," else lines
        try:
            values = np.loadtxt(plain, delimiter=rows.delimiter, comments=None, usecols=list(wanted), ndmin=2)
        except ValueError:
            pass
        else:
            if values.shape == (len(lines), len(wanted)) and np.all(np.isfinite(values)):
                return values, numbers, remark
    _refuse(where, rows, lines, numbers, wanted, mark)


def looks_like_row(line: str, delimiter: str | None, width: int) -> bool:
    """Say whether a line is a full row of numbers."""
    fields = [field.strip() for field in line.split(delimiter)]
    return len(fields) == width and all(_NUMBER.fullmatch(field.replace(",", ".")) for field in fields)


def header_number(text: str, where: str) -> float:
    """Read a single number of a header, with decimal point or comma.

    Parameters
    ----------
    text:
        For example ``"10,0"``.
    where:
        Name of the file and of the entry, for the error message.

    Returns
    -------
    :
        The number.

    Raises
    ------
    InputError
        If it is none, or has thousands separators.
    """
    if _NUMBER.fullmatch(text.strip().replace(",", ".", 1)):
        number = float(text.strip().replace(",", ".", 1))
        if math.isfinite(number):
            return number
    raise InputError(f"{where}: cannot read {text.strip()!r} as a number; correct it in the file")


def _without_cut_number(
    where: str, rows: Rows, lines: list[str], numbers: np.ndarray, wanted: Sequence[int], mark: str
) -> tuple[list[str], np.ndarray, str]:
    """Look at the last row of a file that ends without a line end: refuse half a row, leave out a doubtful number."""
    if len(rows.fields(lines[-1])) < rows.width:
        raise InputError(f"{where}: line {numbers[-1]}: the file ends in the middle of a row; copy or export it again")
    if rows.width - 1 not in wanted:
        return lines, numbers, ""
    # digits after the mark, with an exponent: the number is whole if every row has as many
    tails = {len(rows.fields(line)[-1].partition(mark)[2]) for line in lines if len(rows.fields(line)) == rows.width}
    if len(tails) == 1 and len(lines) > 2 and tails != {0}:
        return lines, numbers, ""
    remark = f"line {numbers[-1]} has no line end, its last number may be cut: left out"
    return lines[:-1], numbers[:-1], remark


def _needed(where: str, rows: Rows, wanted: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Go through the fields that will be read, with their line numbers."""
    lines, numbers = rows.filled()
    for number, line in zip(numbers.tolist(), lines, strict=True):
        fields = rows.fields(line)
        if len(fields) == rows.width:
            _refuse_thousands(where, number, fields, wanted)
            yield from ((number, fields[column]) for column in wanted)


def _marks_in_use(where: str, tables: Sequence[tuple[Rows, Sequence[int]]]) -> tuple[bool, bool]:
    """Look at the needed fields alone, where a file holds both commas and points."""
    first: dict[str, tuple[int, str]] = {}
    for rows, wanted in tables:
        for number, field in _needed(where, rows, wanted):
            for mark in ",.":
                if mark in field:
                    first.setdefault(mark, (number, field))
            if len(first) == 2:
                line, other = min(first.values())
                raise InputError(
                    f"{where}: line {number}: {field!r} has another decimal mark than {other!r} in line {line}; "
                    "export again with one decimal mark"
                )
    return "," in first, "." in first


def _refuse_thousands(where: str, number: int, fields: Sequence[str], wanted: Sequence[int]) -> None:
    """Refuse a row if a needed field has more than one mark; name the first field of the row that has."""
    if all(fields[column].count(".") + fields[column].count(",") < 2 for column in wanted):
        return
    field = next(field for field in fields if field.count(".") + field.count(",") > 1)
    marks = [mark for mark in ",." if mark in field]
    what = f"more than one decimal {_name(marks[0])}" if len(marks) == 1 else "a comma and a point"
    raise InputError(f"{where}: line {number}: {field!r} has {what}; {_THOUSANDS}")


def _refuse(
    where: str, rows: Rows, lines: list[str], numbers: np.ndarray, wanted: Sequence[int], mark: str
) -> NoReturn:
    """Name the first row that cannot be read."""
    for number, line in zip(numbers.tolist(), lines, strict=True):
        fields = rows.fields(line)
        if len(fields) != rows.width:
            shown = line.strip()[:60]
            raise InputError(
                f"{where}: line {number}: {len(fields)} columns, expected {rows.width}: {shown!r}; correct the row "
                "or export again"
            )
        _refuse_thousands(where, number, fields, wanted)
        for column in wanted:
            field = fields[column]
            if not field:
                raise InputError(f"{where}: line {number}: column {column + 1} is empty; correct the row")
            plain = field.replace(mark, ".")
            if not _NUMBER.fullmatch(plain) or not math.isfinite(float(plain)):
                raise InputError(
                    f"{where}: line {number}: {field[:40]!r} in column {column + 1} is not a finite number; correct it "
                    "or export again"
                )
    raise InputError(f"{where}: lines {numbers[0]}-{numbers[-1]} are no table of numbers; export again")


def _name(mark: str) -> str:
    return "comma" if mark == "," else "point"
