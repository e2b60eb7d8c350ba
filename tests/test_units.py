"""Units at the door: every spelling converts exactly, everything else is refused in one line."""

import json
import math

import numpy as np
import pytest
import scipp as sc
from hypothesis import given, settings
from hypothesis import strategies as st

from caloris.errors import InputError
from caloris.units import magnitude, parse_unit, quantity, to_json


@pytest.mark.parametrize(
    ("words", "unit", "expected"),
    [
        ("90 MPa", "Pa", 90e6),
        ("0.09 GPa", "MPa", 90.0),
        ("900 bar", "MPa", 90.0),
        ("349 K", "K", 349.0),
        ("75.85 degC", "K", 349.0),
        ("75.85 °C", "K", 349.0),
        ("75.85 C", "K", 349.0),
        ("-40 degC", "K", 233.15),
        ("10 min", "s", 600.0),
        ("10 minutes", "s", 600.0),
        ("0.5 h", "s", 1800.0),
        ("2 hours", "s", 7200.0),
        ("1.5 sec", "s", 1.5),
        ("3 K/min", "K/s", 0.05),
        ("43 J/g", "J/kg", 43e3),
        ("1 mW/g", "W/kg", 1.0),
        ("-3.8e-5 m^3/kg", "m^3/kg", -3.8e-5),
        ("1.61 J/kg/K/MPa", "J/kg/K/Pa", 1.61e-6),
        ("5mm", "m", 5e-3),
        (" .5 mm ", "m", 5e-4),
        ("0.3", "dimensionless", 0.3),
    ],
)
def test_words_become_numbers(words, unit, expected):
    assert magnitude(words, unit, "it") == pytest.approx(expected, rel=1e-12)


def test_variables_are_converted_with_their_variance():
    found = quantity(sc.scalar(43.0, variance=4.0, unit="J/g"), "J/kg", "latent heat")
    assert found.value == pytest.approx(43e3)
    assert found.variance == pytest.approx(4e6)
    assert found.dtype == sc.DType.float64
    assert quantity(sc.scalar(5, unit="mm"), "m", "radius").value == pytest.approx(5e-3)
    assert quantity(sc.scalar(20.0, unit="degC"), "K", "T").value == pytest.approx(293.15)


BAD = {
    "no unit": ("90", "MPa", "p: '90' has no unit; write for example '90 MPa'"),
    "a bare number": (90, "MPa", "p: 90 has no unit; give '90 MPa'"),
    "a bare float": (1.5, "MPa", "p: 1.5 has no unit"),
    "wrong unit": ("90 K", "MPa", "p: '90 K' has the unit K, expected one like MPa"),
    "wrong unit of a variable": (sc.scalar(90.0, unit="K"), "MPa", "has the unit K, expected one like MPa"),
    "unknown unit": ("90 blorps", "MPa", "p: 'blorps' is not a unit"),
    "words": ("much", "MPa", "cannot read 'much'; write a number and a unit"),
    "empty": ("", "MPa", "cannot read ''"),
    "NaN in words": ("nan MPa", "MPa", "cannot read 'nan MPa'"),
    "inf in words": ("inf MPa", "MPa", "cannot read 'inf MPa'"),
    "overflow": ("1e999 MPa", "MPa", "inf is not a finite number"),
    "NaN": (sc.scalar(math.nan, unit="MPa"), "MPa", "nan is not a finite number"),
    "infinite": (sc.scalar(-math.inf, unit="MPa"), "MPa", "-inf is not a finite number"),
    "an array": (sc.array(dims=["x"], values=[1.0, 2.0], unit="MPa"), "MPa", "expected one value"),
    "a list": ([90, "MPa"], "MPa", "got list"),
    "nothing": (None, "MPa", "got NoneType"),
    "text in a variable": (sc.scalar("90 MPa"), "MPa", "p: "),
    "no unit in a variable": (sc.scalar(90.0, unit=None), "MPa", "expected one like MPa"),
    "without dimension": (sc.scalar(90.0), "MPa", "has the unit dimensionless"),
    "NaN without dimension": (math.nan, "dimensionless", "nan is not a finite number"),
    "two units": ("90 MPa K", "MPa", "p: "),
    "two lines": ("90\nMPa 5", "MPa", "p: "),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_quantity_is_refused_in_one_line(case):
    given_value, unit, fragment = BAD[case]
    with pytest.raises(InputError) as caught:
        quantity(given_value, unit, "p")
    assert fragment in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_positive_magnitude_is_above_zero():
    for words in ("0 mm", "-1 mm"):
        with pytest.raises(InputError, match="radius: must be greater than 0 m"):
            magnitude(words, "m", "radius", positive=True)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_quantity_or_one_line(text):
    try:
        assert math.isfinite(quantity(text, "MPa", "p").value)
        message = "one line"
    except InputError as refused:
        message = str(refused)
    assert len(message.splitlines()) == 1


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e200, max_value=1e200))
def test_a_printed_number_is_read_back_exactly(number):
    assert magnitude(f"{number!r} K", "K", "T") == number


NAMES = ["J/kg", "J/g", "J/kg/K", "J/g/K", "J/kg/K/MPa", "J/kg/MPa", "mW/g", "W/m/K", "W/m^2/K", "m^3/kg"]
NAMES += ["kg/m^3", "K/MPa", "MPa/s"]


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_prints_as_people_write_it(name):
    """Without aliases scipp prints J/kg as Gy (gray, a dose of radiation)."""
    assert str(parse_unit(name)) == name
    assert str(sc.scalar(1.0, unit=name).unit) == name
    assert "Gy" not in str(sc.scalar(1.0, unit=name))


def test_computed_units_print_without_gray():
    heat = sc.scalar(43.0, unit="J/g")
    for found, name in (
        ((heat / sc.scalar(349.0, unit="K")).unit, "J/g/K"),
        ((sc.scalar(129.0, unit="J/kg/K") / sc.scalar(80.0, unit="MPa")).unit, "J/kg/K/MPa"),
        (sc.scalar(2.0, unit="mW").unit / sc.scalar(1.0, unit="g").unit, "mW/g"),
        (sc.scalar(2.0, unit="J").unit / sc.scalar(1.0, unit="kg").unit, "J/kg"),
    ):
        assert str(found) == name


def test_json_has_value_unit_and_error():
    assert to_json(sc.scalar(43.0, variance=4.0, unit="J/g")) == {"value": 43.0, "unit": "J/g", "error": 2.0}
    curve = sc.DataArray(
        sc.array(dims=["t"], values=[1.0, 2.0], variances=[1.0, 9.0], unit="mW/g"),
        coords={"t": sc.array(dims=["t"], values=[0.0, 1.0], unit="s")},
    )
    assert to_json(curve) == {
        "coords": {"t": {"value": [0.0, 1.0], "unit": "s", "error": None}},
        "value": [1.0, 2.0],
        "unit": "mW/g",
        "error": [1.0, 3.0],
    }


def test_json_has_no_nan_and_no_infinity():
    found = to_json(
        {
            "scalar": sc.scalar(math.nan, unit="s"),
            "array": sc.array(dims=["x"], values=[1.0, math.inf, math.nan], unit="s"),
            "uncertain": sc.scalar(1.0, variance=math.nan, unit="s"),
            "uncertain array": sc.array(dims=["x"], values=[1.0], variances=[math.nan], unit="s"),
            "plain": -math.inf,
            "numpy": np.float64("nan"),
            "nested": [{"a": (math.nan, 2)}],
            "array of numpy": np.array([1.0, math.nan]),
            "whole": np.int64(3),
            "yes": np.bool_(True),
            "text": sc.scalar("compression"),
        }
    )
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        "scalar": {"value": None, "unit": "s", "error": None},
        "array": {"value": [1.0, None, None], "unit": "s", "error": None},
        "uncertain": {"value": 1.0, "unit": "s", "error": None},
        "uncertain array": {"value": [1.0], "unit": "s", "error": [None]},
        "plain": None,
        "numpy": None,
        "nested": [{"a": [None, 2]}],
        "array of numpy": [1.0, None],
        "whole": 3,
        "yes": True,
        "text": "compression",
    }
