"""Calibration with melting standards: exact at the standards, linear between them in temperature and pressure."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_peak import scan as bell_scan

from caloris.errors import InputError
from caloris.heat.calorimetry import (
    STANDARDS,
    Calibration,
    Standard,
    calibration_point,
    measure,
    read_calibration,
)


def point(standard, pressure, shift, factor):
    """What a calorimeter reads that is off by a shift (K) and a factor."""
    entry = STANDARDS[standard] if isinstance(standard, str) else standard
    true = entry.melting_temperature + entry.slope * (pressure - 0.1) * 1e6
    return calibration_point(
        entry,
        pressure=f"{pressure!r} MPa",
        onset=f"{true - shift!r} K",
        heat_of_fusion=f"{entry.heat_of_fusion / factor!r} J/kg",
    )


@pytest.mark.parametrize(
    ("standard", "kelvin", "joule_per_gram"),
    # Della Gatta, Richardson, Sarge, Stolen, Pure Appl. Chem. 78, 1455 (2006)
    [("indium", 429.7485, 28.62), ("gallium", 302.9146, 79.88), ("naphthalene", 353.35, 148.7)],
)
def test_standards_melt_where_the_iupac_report_says(standard, kelvin, joule_per_gram):
    entry = STANDARDS[standard]
    assert entry.melting_temperature == pytest.approx(kelvin, abs=0.1)
    assert entry.heat_of_fusion == pytest.approx(1e3 * joule_per_gram, rel=0.01)


def test_gallium_melts_lower_and_indium_higher_under_pressure():
    """ITS-90: dT/dp is 4.9e-8 K/Pa for indium and -2.0e-8 K/Pa for gallium."""
    for name, change in (("indium", 4.9), ("gallium", -2.0)):
        at = calibration_point(
            name,
            pressure="100.1 MPa",
            onset=f"{STANDARDS[name].melting_temperature} K",
            heat_of_fusion=f"{STANDARDS[name].heat_of_fusion} J/kg",
        )
        assert at.shift == pytest.approx(change, rel=1e-9)
        assert at.factor == pytest.approx(1.0)


@given(st.floats(-3, 3), st.floats(0.8, 1.2), st.floats(0.1, 100))
def test_one_standard_shifts_and_scales_everything_alike(shift, factor, pressure):
    calibration = Calibration((point("indium", pressure, shift, factor),))
    T = np.linspace(250, 500, 11)
    np.testing.assert_allclose(calibration.temperature(T, 50e6), T + shift, atol=1e-9)
    np.testing.assert_allclose(calibration.sensitivity(T, 50e6), factor, rtol=1e-9)


def test_linear_between_two_standards_and_held_beyond_them():
    points = point("gallium", 0.1, 0.5, 1.02), point("indium", 0.1, -0.3, 0.98)
    calibration = Calibration(points)
    a, b = (entry.onset_read for entry in points)
    assert calibration.temperature(np.array([a, b]), 1e5) == pytest.approx([302.9146, 429.7485])
    middle = np.array([0.5 * (a + b)])
    assert calibration.temperature(middle, 1e5) - middle == pytest.approx([0.1])
    # factors lie at the true temperatures
    assert calibration.sensitivity(np.array([0.5 * (302.9146 + 429.7485)]), 1e5) == pytest.approx([1.00])
    assert calibration.sensitivity(np.array([302.9146, 429.7485]), 1e5) == pytest.approx([1.02, 0.98])
    outside = np.array([200.0, 600.0])
    assert calibration.temperature(outside, 1e5) - outside == pytest.approx([0.5, -0.3])
    assert calibration.sensitivity(outside, 1e5) == pytest.approx([1.02, 0.98])


@pytest.mark.parametrize(
    ("pressure", "shift", "factor"),
    [(0.1, 0.2, 1.0), (50.05, 0.6, 1.05), (100.0, 1.0, 1.1), (200.0, 1.0, 1.1), (float("nan"), 0.2, 1.0)],
)
def test_linear_between_pressures_and_held_beyond_them(pressure, shift, factor):
    calibration = Calibration((point("indium", 0.1, 0.2, 1.0), point("indium", 100.0, 1.0, 1.1)))
    T = np.array([430.0])
    assert calibration.temperature(T, pressure * 1e6) - T == pytest.approx([shift])
    assert calibration.sensitivity(T, pressure * 1e6) == pytest.approx([factor])


def test_a_calibrated_calorimeter_reads_its_own_standard_right():
    """Melting of a standard as the calorimeter shows it, through the calibration that it gives."""
    shown = bell_scan(((355.0, 1.0, 26.8e3),), points=20000)
    before = measure(shown)
    mine = Standard("mine", 353.0, 28.0e3, 0.0, "made up")
    calibration = Calibration(
        (
            calibration_point(
                mine,
                pressure="0.1 MPa",
                onset=f"{before.temperatures['onset']!r} K",
                heat_of_fusion=f"{before.latent_heat!r} J/kg",
            ),
        )
    )
    T = calibration.temperature(shown.temperature, 1e5)
    after = measure(replace(shown, temperature=T, heat_flow=shown.heat_flow * calibration.sensitivity(T, 1e5)))
    assert after.temperatures["onset"] == pytest.approx(353.0, abs=1e-6)
    assert after.latent_heat == pytest.approx(28.0e3, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"standard": "gold"}, "'gold' is none of indium, gallium"),
        ({"onset": "403 K"}, "is it that standard"),
        ({"heat_of_fusion": "2.8 J/g"}, "is it that standard"),
        ({"onset": "156 J/g"}, "expected one like K"),
        ({"heat_of_fusion": "28.6"}, "has no unit"),
        ({"pressure": "0.1 K"}, "expected one like MPa"),
        ({"heat_of_fusion": "-28 J/g"}, "must be greater than 0"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_what_no_calorimeter_would_read_is_refused(options, words):
    given_ = {"standard": "indium", "pressure": "0.1 MPa", "onset": "430 K", "heat_of_fusion": "28.4 J/g"} | options
    with pytest.raises(InputError, match=words):
        calibration_point(given_.pop("standard"), **given_)


def test_a_calibration_needs_a_point():
    with pytest.raises(InputError, match="no points"):
        Calibration(())


HEADER = "standard,pressure/MPa,onset/K,heat_of_fusion/(J/g)"


def test_a_table_of_standards_gives_the_same_points(tmp_path):
    file = tmp_path / "calibration.csv"
    file.write_text(f"# two standards\n{HEADER}\nindium,0.1,430.05,28.2\n\ngallium, 100, 300.4, 79.0\n")
    found = read_calibration(file).points
    assert found == (
        calibration_point("indium", pressure="0.1 MPa", onset="430.05 K", heat_of_fusion="28.2 J/g"),
        calibration_point("gallium", pressure="100 MPa", onset="300.4 K", heat_of_fusion="79.0 J/g"),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected the header"),
        ("indium,0.1,430,28\n", "expected the header"),
        (f"{HEADER}\n", "no points"),
        (f"{HEADER}\nindium,0.1,430\n", "line 2: expected 4 columns, found 3"),
        (f"{HEADER}\nindium,0.1,430,28\ngold,0.1,430,28\n", "line 3: standard: 'gold'"),
        (f"{HEADER}\nindium,0.1,many,28\n", "line 2: onset"),
        (f"{HEADER}\nindium,0.1,500,28\n", "line 2: .*is it that standard"),
    ],
)
def test_a_wrong_table_of_standards_is_refused_with_its_line(tmp_path, text, words):
    file = tmp_path / "calibration.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=words):
        read_calibration(file)
