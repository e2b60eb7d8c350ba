"""Figures of merit of curves whose height, width and area are known."""

import numpy as np
import pytest
import scipp as sc

from caloris.errors import InputError
from caloris.heat import (
    full_width_half_maximum,
    integrated_entropy_change,
    peak,
    refrigerant_capacity,
    relative_cooling_power,
)

ALL = (peak, full_width_half_maximum, relative_cooling_power, refrigerant_capacity, integrated_entropy_change)


def curve(temperature, values, unit="J/kg/K", dim="temperature"):
    return sc.DataArray(
        sc.array(dims=[dim], values=np.asarray(values, dtype=float), unit=unit),
        coords={dim: sc.array(dims=[dim], values=np.asarray(temperature, dtype=float), unit="K")},
    )


def triangle(sign=1.0):
    """Height 40 at 300 K, from 280 to 310 K; corners and half-maximum points need not be on the grid."""
    T = np.unique(np.concatenate([np.linspace(270, 320, 173), [280, 300, 310]]))
    return curve(T, sign * np.interp(T, [280, 300, 310], [0, 40, 0]))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_triangle(sign):
    shape = triangle(sign)
    assert peak(shape).value == pytest.approx(40, rel=1e-12)
    assert full_width_half_maximum(shape).value == pytest.approx(15, rel=1e-12)
    assert relative_cooling_power(shape).value == pytest.approx(600, rel=1e-12)
    assert integrated_entropy_change(shape).value == pytest.approx(600, rel=1e-12)
    # between the half-maximum points: the whole area less two small triangles of a quarter each
    assert refrigerant_capacity(shape).value == pytest.approx(450, rel=1e-12)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gaussian(sign):
    from scipy.special import erf

    sigma, height = 6.0, 25.0
    T = np.linspace(240, 360, 6001)
    shape = curve(T, sign * height * np.exp(-((T - 300) ** 2) / (2 * sigma**2)))
    width = 2 * np.sqrt(2 * np.log(2)) * sigma
    area = height * sigma * np.sqrt(2 * np.pi)
    assert full_width_half_maximum(shape).value == pytest.approx(width, rel=1e-6)
    assert relative_cooling_power(shape).value == pytest.approx(height * width, rel=1e-6)
    assert integrated_entropy_change(shape).value == pytest.approx(area, rel=1e-6)
    assert refrigerant_capacity(shape).value == pytest.approx(area * erf(np.sqrt(np.log(2))), rel=1e-6)


def test_rectangle_with_both_sides_of_its_steps():
    T = [280, np.nextafter(290, 0), 290, 300, np.nextafter(320, 0), 320, 330]
    shape = curve(T, [0, 0, 128.7, 128.7, 128.7, 0, 0])
    assert full_width_half_maximum(shape).value == pytest.approx(30, rel=1e-12)
    for area in (relative_cooling_power, refrigerant_capacity, integrated_entropy_change):
        assert area(shape).value == pytest.approx(128.7 * 30, rel=1e-9)


def test_width_reaches_over_a_double_peak():
    shape = curve([270, 280, 290, 300, 310, 320, 330], [0, 10, 1, 1, 1, 10, 0])
    # outermost half-maximum points: 275 and 325 K
    assert full_width_half_maximum(shape).value == pytest.approx(50, rel=1e-12)


def test_units_of_the_curve_are_kept_and_converted():
    shape = curve([280, 290, 300, 310], [0, 0.04, 0.04, 0], unit="J/g/K")
    assert str(peak(shape).unit) == "J/g/K"
    width = full_width_half_maximum(shape)
    assert (width.value, str(width.unit)) == (pytest.approx(20), "K")
    for area, expected in (
        (relative_cooling_power, 800),
        (refrigerant_capacity, 700),
        (integrated_entropy_change, 800),
    ):
        assert str(area(shape).unit) == "J/kg"
        assert area(shape).value == pytest.approx(expected, rel=1e-9)


def test_a_curve_that_vanishes_has_no_width_and_no_power():
    flat = curve([280, 290, 300], [0, 0, 0])
    for merit in ALL:
        assert merit(flat).value == 0.0


@pytest.mark.parametrize("values", [[40, 40, 20, 0], [0, 5, 40, 40], [30, 40, 40, 30], [25, 40, 0, 0]], ids=str)
def test_a_peak_cut_by_the_window_is_refused(values):
    cut = curve([280, 290, 300, 310], values)
    for merit in (full_width_half_maximum, relative_cooling_power, refrigerant_capacity):
        with pytest.raises(InputError, match="cut by the temperature window"):
            merit(cut)
    assert peak(cut).value == 40  # the height needs no window


BAD = {
    "NaN": (curve([280, 290, 300], [0, np.nan, 0]), "finite"),
    "infinite": (curve([280, 290, 300], [0, np.inf, 0]), "finite"),
    "two points": (curve([280, 290], [0, 1]), "at least 3"),
    "falling temperatures": (curve([300, 290, 280], [0, 1, 0]), "increasing"),
    "repeated temperatures": (curve([280, 280, 290], [0, 1, 0]), "increasing"),
    "NaN temperature": (curve([280, np.nan, 290], [0, 1, 0]), "increasing"),
    "wrong dimension": (curve([280, 290, 300], [0, 1, 0], dim="time"), "one dimension 'temperature'"),
    "no dimension": (sc.DataArray(sc.scalar(1.0)), "one dimension 'temperature'"),
    "no temperatures": (sc.DataArray(sc.array(dims=["temperature"], values=[0.0, 1, 0])), "temperature"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("merit", ALL, ids=lambda f: f.__name__)
def test_what_is_no_curve_is_refused_in_one_line(case, merit):
    bad, fragment = BAD[case]
    with pytest.raises(InputError, match=fragment) as caught:
        merit(bad)
    assert "\n" not in str(caught.value)
