"""Scans out of recordings: local rates, the empty cell subtracted exactly, what does not fit refused."""

from dataclasses import replace

import numpy as np
import pytest
import scipp as sc
from exact_barocalorics import material, series

from caloris.errors import InputError
from caloris.heat.calorimetry import Calibration, Recording, analyse, calibration_point, recording, scans_of

MASS = 8.0  # mg
LOW, HIGH = 300.0, 380.0


def programme(rate=1.0, points=3000, hold=200):
    """Time (s) and temperature (K) of heating, hold and cooling; rate in K/min."""
    up = np.linspace(LOW, HIGH, points)
    step = (up[1] - up[0]) / (rate / 60)
    T = np.concatenate([up, np.full(hold, HIGH), up[::-1]])
    return step * np.arange(len(T)), T


def record(flow, rate=1.0, *, mass=MASS, pressure=40.0, unit="mW", points=3000):
    """A recording with a heat flow in mW, a function of temperature (K) and rate (K/s)."""
    time, T = programme(rate, points)
    return Recording(
        recording(time, T, flow(T, np.gradient(T, time)), unit=unit),
        name="made up",
        mass=None if mass is None else sc.scalar(mass, unit="mg"),
        pressure=None if pressure is None else sc.scalar(pressure, unit="MPa"),
    )


def cell(T, beta):
    """Heat flow of an empty cell, mW: an offset, a drift with temperature, and its own heat capacity."""
    return 3.0 - 0.02 * (T - 340) + 90.0 * beta


def sample(T, beta):
    """mW of 8 mg with 1500 J/(kg K) and a bell of 40 J/g at 340 K."""
    capacity = 1500.0 + 40e3 * np.exp(-0.5 * (T - 340) ** 2) / np.sqrt(2 * np.pi)
    return MASS * 1e-6 * capacity * beta * 1e3


def both(T, beta):
    return sample(T, beta) + cell(T, beta)


def test_a_recording_gives_its_heating_and_its_cooling():
    scans = scans_of([record(sample)])
    assert [scan.direction for scan in scans] == ["heating", "cooling"]
    assert [scan.rate for scan in scans] == pytest.approx([1 / 60, -1 / 60])
    assert [scan.pressure for scan in scans] == [40e6, 40e6]
    assert [scan.mass for scan in scans] == [8e-6, 8e-6]
    assert not any(scan.blank_subtracted for scan in scans)


def test_heat_flow_over_the_rate_is_the_heat_capacity_in_both_directions():
    for scan in scans_of([record(lambda T, beta: 0.0 * T + MASS * 1e-3 * 1500 * beta)]):
        np.testing.assert_allclose(scan.apparent_heat_capacity().values, 1500.0, rtol=1e-9)
        assert scan.apparent_heat_capacity().unit == sc.Unit("J/kg/K")


def test_the_empty_cell_is_subtracted_exactly():
    bare = scans_of([record(sample)])
    net = scans_of([record(both)], blank=[record(cell, mass=None)])
    for a, b in zip(bare, net, strict=True):
        assert b.blank_subtracted
        np.testing.assert_allclose(b.heat_flow, np.interp(b.time, a.time, a.heat_flow), rtol=1e-9, atol=1e-9)


def test_the_empty_cell_may_have_other_points_of_time():
    """The cell's heat flow is straight in temperature: interpolation is exact."""
    net = scans_of([record(both)], blank=[record(cell, mass=None, points=700)])
    for scan in net:
        T = scan.temperature
        np.testing.assert_allclose(
            scan.heat_flow * MASS * 1e-3, sample(T, scan.sign / 60), atol=1e-6 * sample(340.0, 1 / 60)
        )


def test_the_blank_of_the_same_pressure_is_chosen():
    def at(offset, pressure):
        return record(lambda T, beta: cell(T, beta) + offset, mass=None, pressure=pressure)

    (scan, _) = scans_of([record(both)], blank=[at(5.0, 0.1), at(0.0, 40.0), at(-5.0, 80.0)])
    np.testing.assert_allclose(scan.heat_flow * MASS * 1e-3, sample(scan.temperature, 1 / 60), atol=1e-9)


def test_one_blank_serves_all_pressures():
    for pressure in (0.1, None):
        (scan, _) = scans_of([record(both)], blank=[record(cell, mass=None, pressure=pressure)])
        np.testing.assert_allclose(scan.heat_flow * MASS * 1e-3, sample(scan.temperature, 1 / 60), atol=1e-9)


def test_transition_and_heat_capacity_of_a_blank_subtracted_series():
    """Heat capacities from beside the peaks are those of the model, and so is the effect."""
    model = material(-1, 10.0, expansion=(0.0, 0.0))
    raw = series(model, 2.0, pressures=(0.1, 50.0, 100.0))
    blanks, filled = [], []
    for entry in raw:
        T, t = entry.temperature, entry.time
        empty = cell(T, np.gradient(T, t))
        blanks.append(replace(entry, heat_flow=recording(t, T, empty), mass=None, name="empty cell"))
        filled.append(replace(entry, heat_flow=recording(t, T, entry.heat_flow.values + empty)))
    result = analyse(filled, blank=blanks, heat_capacity="scans", draws=0)
    capacity = result.surfaces.heat_capacity
    assert float(capacity.low.at(300.0)) == pytest.approx(model.low.heat_capacity, rel=1e-3)
    assert float(capacity.high.at(300.0)) == pytest.approx(model.high.heat_capacity, rel=1e-3)
    bare = analyse(raw, heat_capacity={"low": "1590 J/kg/K", "high": "1670 J/kg/K"}, draws=0)
    dT = [r.effect.temperature_change("100 MPa").values.min() for r in (result, bare)]
    assert dT[0] == pytest.approx(dT[1], rel=1e-3)


def test_heat_capacity_from_scans_without_a_blank_is_refused():
    with pytest.raises(InputError, match="no blank run subtracted"):
        analyse(series(material(), 2.0, pressures=(0.1, 50.0)), heat_capacity="scans", draws=0)


@pytest.mark.parametrize(
    ("blank", "words"),
    [
        (record(cell, rate=2.0, mass=None), "the blank ran at 2 K/min, the sample at 1 K/min"),
        (record(cell, mass=None, unit="mW/g"), "must be in mW"),
    ],
    ids=["rate", "unit"],
)
def test_a_blank_that_does_not_fit_is_refused(blank, words):
    with pytest.raises(InputError, match=words):
        scans_of([record(both)], blank=[blank])


def test_a_blank_over_other_temperatures_or_at_other_pressures_is_refused():
    blank = record(cell, mass=None)
    time, T = programme()
    elsewhere = replace(blank, heat_flow=recording(time, T + 200, cell(T, np.gradient(T, time))))
    with pytest.raises(InputError, match="the sample lies outside"):
        scans_of([record(both)], blank=[elsewhere])
    others = [record(cell, mass=None, pressure=p) for p in (0.1, 80.0)]
    with pytest.raises(InputError, match="no blank run with heating at 40 MPa"):
        scans_of([record(both)], blank=others)


def test_a_sample_without_mass_or_pressure_is_refused():
    with pytest.raises(InputError, match="the file states no mass"):
        scans_of([record(sample, mass=None)])
    with pytest.raises(InputError, match="no pressure in the file"):
        scans_of([record(sample, pressure=None)])
    with pytest.raises(InputError, match="needs the mass of the sample"):
        scans_of([record(both, mass=None, unit="mW/g")], blank=[record(cell, mass=None)])


def test_a_held_temperature_is_no_scan():
    time = np.arange(0.0, 3000.0)
    still = Recording(recording(time, np.full(3000, 350.0), np.zeros(3000)), mass=sc.scalar(1.0, unit="mg"))
    with pytest.raises(InputError, match="no heating or cooling to analyse"):
        scans_of([still.with_conditions(pressure="1 MPa")])


def test_calibration_shifts_the_temperature_and_scales_the_heat_flow():
    point = calibration_point("indium", pressure="40 MPa", onset="432.7 K", heat_of_fusion="27.2 J/g")
    plain = scans_of([record(sample)])
    corrected = scans_of([record(sample)], calibration=Calibration((point,)))
    for a, b in zip(plain, corrected, strict=True):
        np.testing.assert_allclose(b.temperature, a.temperature + point.shift, rtol=1e-12)
        np.testing.assert_allclose(b.heat_flow, a.heat_flow * 28.62 / 27.2, rtol=1e-9)


def test_a_single_recording_is_analysed_like_a_list_of_one():
    (entry,) = series(material(), 2.0, pressures=(20.0,))
    assert analyse(entry, draws=0).summary() == analyse([entry], draws=0).summary()


def test_repeated_scans_are_one_point_of_the_phase_diagram():
    model = material(-1, 10.0)
    once = series(model, 2.0, pressures=(0.1, 50.0, 100.0))
    one, two = (analyse(entry, draws=0) for entry in (once, [*once, *once]))
    assert len(two.transitions) == 2 * len(one.transitions)
    assert len({row.name for row in two.transitions}) == len(two.transitions)
    assert two.headline["slope, heating"].value == pytest.approx(one.headline["slope, heating"].value, rel=1e-9)
    a, b = (r.effect.entropy_change("100 MPa").values.max() for r in (one, two))
    assert a == pytest.approx(b, rel=1e-6)
