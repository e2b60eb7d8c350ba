"""Numbers out of text are those of Python's float: exactly up to 15 digits, within 2 units in the last place beyond."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caloris.atoms.formats._kernels import FINE, NOT_A_NUMBER, NOT_FINITE, number


def parsed(text):
    data = np.frombuffer(f"{text} ".encode(), dtype=np.uint8)
    return number(data, 0, len(data))


def units_in_the_last_place(x, y):
    def ordered(value):
        (bits,) = struct.unpack("<q", struct.pack("<d", value))
        return bits if bits >= 0 else -(bits & 0x7FFFFFFFFFFFFFFF)

    return abs(ordered(x) - ordered(y))


@given(st.floats(-1e300, 1e300), st.sampled_from([".17g", ".6g", ".15e", ".3f", "r"]))
def test_any_number_in_any_style(value, style):
    text = repr(value) if style == "r" else format(value, style)
    expected = float(text)
    if not math.isfinite(expected) or 0 < abs(expected) < 1e-300:
        return
    found, end, state = parsed(text)
    assert (state, end) == (FINE, len(text))
    assert math.copysign(1, found) == math.copysign(1, expected)
    exact = style == ".6g" and 1e-15 < abs(value) < 1e22
    assert units_in_the_last_place(found, expected) <= (0 if exact else 2)


@given(st.one_of(st.floats(1e-9, 1e4), st.floats(-1e4, -1e-9)))
def test_coordinates_as_programs_write_them_are_exact(value):
    for style in (".6g", ".8f", ".10g", "12.3f", "+.6f"):
        text = format(value, style).strip()
        assert parsed(text)[0] == float(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "0",
            "-0",
            "-0.0",
            "+7",
            ".5",
            "5.",
            "1e5",
            "1E+05",
            "1d-3",
            "-1.5D+02",
            "1e-320",
            "1e308",
            "0e999",
            "1e-999",
        ),
        *("123456789012345678901234567890", "0.00000000000000000000000000000012345", "9007199254740993", "4.9e-324"),
    ],
)
def test_unusual_numbers(text):
    expected = float(text.lower().replace("d", "e"))
    found, _, state = parsed(text)
    assert state == FINE
    assert found == pytest.approx(expected, rel=4e-16, abs=1e-322)
    assert math.copysign(1, found) == math.copysign(1, expected)


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan", "inf", "-Inf", "1e999", "-infinity", "1e400"])
def test_what_is_not_finite(text):
    assert parsed(text)[2] == NOT_FINITE


@pytest.mark.parametrize(
    "text", ["", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", "12a", "0x10", "1,5", "--1", "1_0", "*", "1-2", "\x00"]
)
def test_what_is_no_number(text):
    assert parsed(text)[2] == NOT_A_NUMBER
