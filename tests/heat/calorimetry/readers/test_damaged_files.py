"""Damaged files of calorimeters: refused in one line, or read with true rows only; never a silent wrong number.

What can be recognised is demanded: a decimal mark changed in a part of the file, digit grouping, fields and columns
that are missing, words in place of numbers, a second header, an unknown unit, a time that goes back, a cut file.
A changed digit is another valid number and cannot be recognised; such damage may only not break the readers.
"""

import random
import re
from pathlib import Path

import numpy as np
import pytest
from calorimeter_layouts import LAYOUTS, Layout, truth
from hypothesis import given, settings
from hypothesis import strategies as st

from caloris.errors import InputError
from caloris.heat.calorimetry.readers import read
from caloris.heat.calorimetry.recording import Recording

EXAMPLES = settings(max_examples=1000, derandomize=True, database=None, deadline=None)
SEEDS = st.integers(0, 2**40)
TRUTH = truth()
JUNK = (
    "nan",
    "inf",
    "-",
    "#N/A",
    "1e999",
    "0x10",
    "1_0",
    "1.2.3",
    "--3",
    "12-",
    "1.",
    "+",
    "e5",
    "١",
    "1 2",
    "-1.#IND00",
)
each_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


def read_or_refuse(data: bytes, folder: Path) -> Recording | None:
    """Read a damaged file: a recording, or an error of one line that names the file."""
    path = folder / "scan.txt"
    path.write_bytes(data)
    try:
        return read(path)
    except InputError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert str(path) in refusal
    return None


def assert_true_rows(scan: Recording | None) -> None:
    """Every row of the recording is a row of the original, to the digits that the layouts write."""
    if scan is None:
        return
    nearest = np.abs(TRUTH[None, :, 0] - scan.time[:, None]).argmin(axis=1)
    rows = TRUTH[nearest]
    np.testing.assert_allclose(scan.time, rows[:, 0], atol=1e-4)
    np.testing.assert_allclose(scan.temperature, rows[:, 1] + 273.15, atol=2e-4)
    np.testing.assert_allclose(scan.heat_flow.values, rows[:, 2], atol=2e-4)


def fields(layout: Layout, line: str) -> list[re.Match[str]]:
    """Return the fields of a row, with their places."""
    return list(re.finditer(r"\S+" if layout.delimiter is None else rf"[^{layout.delimiter}\s]+", line))


def replace_field(layout: Layout, line: str, which: int, new: str) -> str:
    match = fields(layout, line)[which]
    return line[: match.start()] + new + line[match.end() :]


def other_mark(text: str) -> str:
    return text.translate(str.maketrans(",.", ".,"))


# each damage: random source, layout, lines, numbers of the rows -> lines; the truth of every row left is known
def one_decimal_mark(r: random.Random, layout: Layout, lines: list[str], rows: list[int]) -> list[str]:
    line = r.choice(rows)
    which = r.randrange(len(fields(layout, lines[line])))
    lines[line] = replace_field(layout, lines[line], which, other_mark(fields(layout, lines[line])[which][0]))
    return lines


def decimal_marks_of_a_part(r: random.Random, layout: Layout, lines: list[str], rows: list[int]) -> list[str]:
    begin = r.randrange(1, len(rows))
    swap = layout.mark + ("," if layout.mark == "." else ".")
    for line in rows[begin : begin + r.randrange(1, len(rows))]:
        lines[line] = lines[line].replace(layout.mark, swap[1])
    return lines


def digit_grouping(r: random.Random, layout: Layout, lines: list[str], rows: list[int]) -> list[str]:
    line = r.choice(rows)
    which = r.randrange(len(fields(layout, lines[line])))
    field = fields(layout, lines[line])[which][0]
    place = r.randrange(1, len(field)) if len(field) > 1 else 0
    if layout.mark in field[:place] or layout.mark not in field:
        return lines  # grouping stands before the decimal mark
    grouped = field[:place] + r.choice([".", ",", "'", "\xa0"]) + field[place:]
    if grouped.count(layout.mark) < 2 and layout.mark not in grouped:
        return lines
    lines[line] = replace_field(layout, lines[line], which, grouped)
    return lines


def field_missing(r: random.Random, layout: Layout, lines: list[str], rows: list[int]) -> list[str]:
    line = r.choice(rows)
    which = r.randrange(len(fields(layout, lines[line])))
    lines[line] = replace_field(layout, lines[line], which, "")
    return lines


def column_missing(r: random.Random, layout: Layout, lines: list[str], rows: list[int]) -> list[str]:
    which = r.randrange(len(fields(layout, lines[rows[0]])))
    for line in rows[r.randrange(len(rows)) :]:
        match = fields(layout, lines[line])[which]
        lines[line] = lines[line][: match.start()] + lines[line][match.end() + 1 :]
    return lines


def junk(r: random.Random, layout: Layout, lines: list[str], rows: list[int]) -> list[str]:
    line = r.choice(rows)
    which = r.randrange(len(fields(layout, lines[line])))
    new = r.choice([word for word in JUNK if word != "1."])
    lines[line] = replace_field(layout, lines[line], which, new)
    return lines


def lines_missing(r: random.Random, layout: Layout, lines: list[str], rows: list[int]) -> list[str]:
    begin = r.choice(rows)
    del lines[begin : begin + r.randrange(1, 20)]
    return lines


def line_twice(r: random.Random, layout: Layout, lines: list[str], rows: list[int]) -> list[str]:
    line = r.randrange(len(lines))
    lines.insert(line, lines[line])
    return lines


def lines_swapped(r: random.Random, layout: Layout, lines: list[str], rows: list[int]) -> list[str]:
    a, b = r.sample(range(rows[0], len(lines)), 2)
    lines[a], lines[b] = lines[b], lines[a]
    return lines


def header_again(r: random.Random, layout: Layout, lines: list[str], rows: list[int]) -> list[str]:
    lines.insert(r.choice(rows), lines[r.randrange(rows[0])])
    return lines


DAMAGES = (
    one_decimal_mark,
    decimal_marks_of_a_part,
    digit_grouping,
    field_missing,
    column_missing,
    junk,
    lines_missing,
    line_twice,
    lines_swapped,
    header_again,
)


@each_layout
@EXAMPLES
@given(seed=SEEDS)
def test_no_damage_gives_a_silent_wrong_number(
    layout: Layout, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    r = random.Random(seed)
    lines, rows = layout.lines()
    lines = r.choice(DAMAGES)(r, layout, lines, rows)
    data = layout.data(lines)
    if r.random() < 0.3:  # and then cut
        begin = len(layout.data(lines[: rows[0]]))
        data = data[: r.randrange(begin, len(data))]
    assert_true_rows(read_or_refuse(data, tmp_path_factory.getbasetemp()))


@each_layout
def test_a_file_cut_at_any_byte_gives_true_rows_or_none(layout: Layout, tmp_path: Path) -> None:
    data = layout.data()
    step = 7 if len(data) > 4000 else 3
    for end in range(0, len(data), step):
        assert_true_rows(read_or_refuse(data[:end], tmp_path))


@each_layout
@EXAMPLES
@given(seed=SEEDS)
def test_no_damage_breaks_a_reader(layout: Layout, seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    r = random.Random(seed)
    lines, _ = layout.lines()
    for _ in range(r.randrange(3)):
        lines = r.choice((line_twice_anywhere, lines_missing_anywhere, lines_swapped_anywhere, other_word))(r, lines)
    data = bytearray(layout.data(lines))
    for _ in range(r.randrange(6)):
        place = r.randrange(len(data))
        data[place] = r.choice([r.randrange(256), ord(r.choice("0123456789.,;:-#[]()\t\n /eE"))])
    if r.random() < 0.3:
        data = data[: r.randrange(len(data))]
    read_or_refuse(bytes(data), tmp_path_factory.getbasetemp())


def line_twice_anywhere(r: random.Random, lines: list[str]) -> list[str]:
    lines.insert(r.randrange(len(lines)), r.choice(lines))
    return lines


def lines_missing_anywhere(r: random.Random, lines: list[str]) -> list[str]:
    begin = r.randrange(len(lines))
    return [*lines[:begin], *lines[begin + r.randrange(1, 6) :]] or [""]


def lines_swapped_anywhere(r: random.Random, lines: list[str]) -> list[str]:
    a, b = r.randrange(len(lines)), r.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return lines


def other_word(r: random.Random, lines: list[str]) -> list[str]:
    line = r.randrange(len(lines))
    words = re.split(r"([\s;,:]+)", lines[line])
    words[r.randrange(len(words))] = r.choice([*JUNK, "", "kPa", "min", "999999999999", "-0", "1e308", "mg"])
    lines[line] = "".join(words)
    return lines


# what must be refused, not only survived


@each_layout
def test_an_unknown_unit_is_refused(layout: Layout, tmp_path: Path) -> None:
    good, bad = layout.unit_line
    if not good:
        pytest.skip(f"{layout.name} states no units")
    lines, _ = layout.lines()
    changed = [line.replace(good, bad) for line in lines]
    assert changed != lines
    assert read_or_refuse(layout.data(changed), tmp_path) is None


@each_layout
def test_two_rows_in_the_wrong_order_are_refused(layout: Layout, tmp_path: Path) -> None:
    for first in range(5, 55, 5):
        lines, rows = layout.lines()
        if rows[first + 1] != rows[first] + 1:
            continue
        lines[rows[first]], lines[rows[first + 1]] = lines[rows[first + 1]], lines[rows[first]]
        assert read_or_refuse(layout.data(lines), tmp_path) is None or layout.vendor == "netzsch"


@each_layout
def test_marks_that_change_in_the_middle_are_refused(layout: Layout, tmp_path: Path) -> None:
    for begin in range(10, 50, 7):
        lines, rows = layout.lines()
        for line in rows[begin:]:
            lines[line] = lines[line].replace(layout.mark, "," if layout.mark == "." else ".")
        assert read_or_refuse(layout.data(lines), tmp_path) is None


@each_layout
@pytest.mark.parametrize("word", [word for word in JUNK if word != "1."])
def test_words_in_place_of_a_heat_flow_are_refused(layout: Layout, word: str, tmp_path: Path) -> None:
    lines, rows = layout.lines()
    which = {"netzsch": 2, "perkinelmer": 1}.get(layout.vendor, len(fields(layout, lines[rows[20]])) - 1)
    lines[rows[20]] = replace_field(layout, lines[rows[20]], which, word)
    assert read_or_refuse(layout.data(lines), tmp_path) is None
