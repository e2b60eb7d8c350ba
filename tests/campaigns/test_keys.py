"""Keys of points: equal for what is equal, different for what is not, whatever way it is written."""

from decimal import Decimal

import numpy as np
import pytest
import scipp as sc
from hypothesis import assume, given
from hypothesis import strategies as st

from caloris.campaigns.keys import base_quantity, canonical_text, in_unit, plain, point_key
from caloris.errors import InputError

SAME_UNITS = [
    ("GPa", 3, "MPa"),
    ("MPa", 6, "Pa"),
    ("ns", 3, "ps"),
    ("ps", 3, "fs"),
    ("eV", 3, "meV"),
    ("nm", 1, "angstrom"),
    ("kJ/kg", 0, "J/g"),
    ("kg", 6, "mg"),
    ("1/angstrom", 1, "1/nm"),
    ("J/g/K", 3, "J/kg/K"),
]
names = st.text("abcdefgh_", min_size=1, max_size=6)
scalars = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
parameters = st.dictionaries(names, values, max_size=5)
decimals = st.decimals("-1e6", "1e6", places=4)


def key(given, *, task="m:f", version=1, files=None, previous=None):
    return point_key(task, version, given, files or {}, previous)


@given(parameters, st.randoms())
def test_order_of_parameters_does_not_matter(given, random):
    items = list(given.items())
    random.shuffle(items)
    assert key(dict(items)) == key(given)


@given(decimals, st.sampled_from(SAME_UNITS))
def test_equal_quantities_have_one_key_in_any_unit(number, units):
    large, power, small = units
    scaled = number.scaleb(power)
    assert key({"x": f"{number} {large}"}) == key({"x": f"{scaled} {small}"})
    assert key({"x": f"{number:f}00 {large}" if "." in f"{number:f}" else f"{number} {large}"}) == key(
        {"x": f"{scaled:e} {small}"}
    )


@given(decimals, decimals, st.sampled_from(SAME_UNITS))
def test_different_quantities_have_different_keys(a, b, units):
    assume(a != b)
    assert key({"x": f"{a} {units[0]}"}) != key({"x": f"{b} {units[0]}"})


@given(st.decimals("-273", "1000", places=2))
def test_celsius_and_kelvin_are_one_scale(celsius):
    assert key({"T": f"{celsius} degC"}) == key({"T": f"{celsius + Decimal('273.15')} K"})
    assert key({"T": f"{celsius} °C"}) == key({"T": f"{celsius} C"})


@given(values, values)
def test_different_values_have_different_keys(a, b):
    assume(a != b or repr(a) != repr(b))
    # equal numbers are one value, also as 1 and 1.0; Python takes True for 1 as well, JSON does not
    same = canonical_text(a) == canonical_text(b)
    assert same == (key({"x": a}) == key({"x": b}))
    if isinstance(a, str) and isinstance(b, str) and base_quantity(a) is None:
        assert not same


def test_key_depends_on_everything_that_makes_the_result():
    base = key({"x": 1})
    others = [
        key({"x": 2}),
        key({"y": 1}),
        key({"x": True}),
        key({"x": "1"}),
        key({"x": None}),
        key({"x": 1}, task="m:g"),
        key({"x": 1}, version=2),
        key({"x": 1}, files={"f": "0" * 64}),
        key({"x": 1}, previous=base),
    ]
    assert len({base, *others}) == 10
    assert key({"x": 1.0}) == base
    assert key({"x": -0.0}) == key({"x": 0})


def test_the_key_of_a_point_stays_what_it_is():
    """Another value here would make every campaign on disk start anew."""
    found = key({"pressure": "0.4 GPa", "temperature": "475 K", "steps": 1000, "history": "heating"})
    assert found == "9863e226143674f4dded7d9ca81bbe103c4eabbb8637c92dcf05c2d67f46b423"


def test_table_of_quantities_is_not_taken_for_a_quantity():
    assert key({"x": "1 K"}) != key({"x": {"quantity": ["1", "K^1"]}})


@given(decimals, st.sampled_from(["MPa", "K", "degC", "meV", "deg"]))
def test_base_units_and_back(number, unit):
    found = base_quantity(f"{number} {unit}")
    assert found is not None
    assert float(in_unit(found[0], unit)) == pytest.approx(float(number), rel=1e-10, abs=1e-9)


def test_texts_that_are_no_quantities_stay_texts():
    for text in (
        "475",
        "hybrid NPT",
        "3 formula units",
        "run 7",
        "P21/c",
        "4 quux",
        "",
        "2 degF",
        "0/0",
        "5/K",
        "1e9999999 K",
    ):
        assert base_quantity(text) is None
        assert canonical_text(text) == f'"{text}"'


def test_parameters_become_plain_json():
    given = {"a": np.float64(1.5), "b": (1, np.int64(2)), "c": sc.scalar(0.4, unit="GPa"), "d": sc.scalar("x")}
    assert plain(given, "x") == {"a": 1.5, "b": [1, 2], "c": "0.4 GPa", "d": "x"}
    assert plain(sc.scalar(3.0), "x") == 3.0
    for wrong, why in (
        (float("inf"), "not a finite number"),
        ({1, 2}, "a set cannot be a parameter"),
        (sc.array(dims=["x"], values=[1.0], unit="K"), "expected one value"),
        (sc.scalar(1.0, variance=1.0, unit="K"), "a parameter has no error"),
    ):
        with pytest.raises(InputError, match=why):
            plain({"deep": [wrong]}, "settings")
