"""Specific heat by three runs, and the sapphire that it rests on."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipp as sc
from hypothesis import given, settings
from hypothesis import strategies as st

from caloris.errors import InputError
from caloris.heat.calorimetry import Recording, read, recording, sapphire_heat_capacity, three_run_heat_capacity

DATA = Path(os.environ.get("CALORIS_DATA", Path(__file__).parents[4] / "shared" / "data")) / "calorimetry"
real_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no measured files in {DATA}; set CALORIS_DATA")
MOLAR_MASS = 0.1019613  # kg/mol of Al2O3
JANAF = {298.15: 79.015, 400.0: 96.086, 500.0: 106.131, 600.0: 112.545}
"""J/(mol K): NIST-JANAF thermochemical tables, 4th edition (1998), Al2O3 (corundum)."""
SAPPHIRE_MASS, SAMPLE_MASS = 40.0, 12.5  # mg


def kelvin(values):
    return sc.array(dims=["temperature"], values=np.asarray(values, dtype=float), unit="K")


def sapphire(T):
    return sapphire_heat_capacity(kelvin(T)).values


def empty(T, beta):
    """Heat flow of empty pans, mW."""
    return 1.5 + 0.004 * (T - 350) - 2e-5 * (T - 350) ** 2 + 30.0 * beta


def run(mass, heat_capacity, *, direction=1, rate=10.0, points=4000, noise=0.0, seed=1, span=(310.0, 450.0), hold=300):
    """Hold, ramp, hold with empty pans and a mass (mg) of something; rate in K/min."""
    beta = direction * rate / 60
    low, high = span if direction > 0 else span[::-1]
    ramp = np.linspace(low, high, points)
    T = np.concatenate([np.full(hold, low), ramp, np.full(hold, high)])
    t = np.arange(len(T)) * (ramp[1] - ramp[0]) / beta
    slope = np.concatenate([np.zeros(hold), np.full(points, beta), np.zeros(hold)])
    flow = empty(T, slope) + mass * 1e-6 * heat_capacity(T) * slope * 1e3
    flow = flow + noise * np.random.default_rng(seed).standard_normal(len(T))
    return Recording(
        recording(t, T, flow), name="made up", mass=None if mass == 0 else sc.scalar(float(mass), unit="mg")
    )


def three(heat_capacity, **options):
    found = [run(m, C, **options, seed=n) for n, (m, C) in enumerate(
        [(SAMPLE_MASS, heat_capacity), (SAPPHIRE_MASS, sapphire), (0.0, sapphire)]
    )]  # fmt: skip
    return three_run_heat_capacity(*found, sapphire_mass=f"{SAPPHIRE_MASS} mg")


# -- sapphire ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("T", JANAF)
def test_sapphire_agrees_with_nist_janaf(T):
    found = float(sapphire_heat_capacity(sc.scalar(T, unit="K")).value) * MOLAR_MASS
    assert found == pytest.approx(JANAF[T], rel=1e-3)


def test_sapphire_is_not_the_polynomial_that_is_39_percent_too_large():
    """A peer (pkynetics 0.4) has 1.0289 + 2.3506e-4 T - 1.6818e-7 T^2 J/(g K) with T in K: 1.08 instead of 0.78."""
    T = 300.0
    peer = 1e3 * (1.0289 + 2.3506e-4 * T - 1.6818e-7 * T**2)
    ours = float(sapphire_heat_capacity(sc.scalar(T, unit="K")).value)
    assert peer / ours == pytest.approx(1.39, abs=0.01)
    assert ours == pytest.approx(779, abs=1)


def test_sapphire_rises_smoothly():
    C = sapphire(np.linspace(150, 690, 541))
    assert np.all(np.diff(C) > 0)
    assert np.all(np.diff(C, 2) < 0.002)  # concave, but for the rounding of the table


def test_sapphire_outside_its_table_or_in_other_units_is_refused():
    for T in (149.0, 1001.0, float("nan")):
        with pytest.raises(InputError, match="150 to 1000 K"):
            sapphire_heat_capacity(sc.scalar(T, unit="K"))
    with pytest.raises(InputError, match="in K"):
        sapphire_heat_capacity(sc.scalar(300.0, unit="degC"))
    with pytest.raises(InputError, match="in K"):
        sapphire_heat_capacity(300.0)


# -- three runs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [1, -1], ids=["heating", "cooling"])
@pytest.mark.parametrize("rate", [2.0, 10.0])
def test_the_heat_capacity_comes_back(direction, rate):
    found = three(lambda T: 1200.0 + 2.0 * (T - 350), direction=direction, rate=rate)
    T = found.coords["temperature"].values
    assert found.coords["direction"].value == ("heating" if direction > 0 else "cooling")
    assert found.unit == sc.Unit("J/kg/K")
    assert T[0] < 322
    assert T[-1] > 438
    assert np.all(np.diff(T) > 0)
    np.testing.assert_allclose(found.values, 1200.0 + 2.0 * (T - 350), rtol=1e-4)


@settings(max_examples=20)
@given(st.floats(300, 5000), st.floats(-3, 3), st.floats(2, 30))
def test_any_heat_capacity_comes_back(level, slope, rate):
    found = three(lambda T: level + 0.1 * slope * (T - 380), rate=rate, points=1500, hold=100)
    T = found.coords["temperature"].values
    np.testing.assert_allclose(found.values, level + 0.1 * slope * (T - 380), rtol=2e-4)


def test_the_mass_may_be_stated_and_counts_inversely():
    sample, sapphire_run, blank = (run(m, sapphire) for m in (10.0, SAPPHIRE_MASS, 0.0))
    a = three_run_heat_capacity(sample, sapphire_run, blank, sapphire_mass="40 mg")
    b = three_run_heat_capacity(sample, sapphire_run, blank, sapphire_mass="40 mg", sample_mass="20 mg")
    c = three_run_heat_capacity(sample, sapphire_run, blank, sapphire_mass="80 mg")
    np.testing.assert_allclose(b.values, a.values / 2, rtol=1e-12)
    np.testing.assert_allclose(c.values, a.values * 2, rtol=1e-12)


def test_the_variance_is_that_of_repeated_measurements():
    repeats = []
    for seed in range(40):
        runs = [
            run(m, C, noise=0.05, seed=100 * seed + n)
            for n, (m, C) in enumerate([(SAMPLE_MASS, lambda T: 1300.0 + 0 * T), (40.0, sapphire), (0.0, sapphire)])
        ]
        repeats.append(three_run_heat_capacity(*runs, sapphire_mass="40 mg"))
    values = np.array([r.values for r in repeats])
    stated = np.mean([r.variances for r in repeats])
    assert np.mean(values) == pytest.approx(1300.0, rel=1e-3)
    assert np.mean(values.var(axis=0, ddof=1)) == pytest.approx(stated, rel=0.1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda runs: [runs[0], runs[2], runs[2]], "does not differ from the blank"),
        (lambda runs: [runs[0], runs[1], run(0.0, sapphire, rate=8.0)], "share no heating or cooling at one rate"),
        (lambda runs: [runs[0], run(40.0, sapphire, direction=-1), runs[2]], "share no heating or cooling"),
        (lambda runs: [run(12.5, sapphire, span=(500.0, 600.0)), *runs[1:]], "share no heating or cooling"),
        (lambda runs: [replace(runs[0], mass=None), *runs[1:]], "sample_mass: the file states none"),
        (
            lambda runs: [replace(runs[0], heat_flow=recording(
                runs[0].time, runs[0].temperature, runs[0].heat_flow.values, unit="mW/g")), *runs[1:]],
            "the three-run method needs mW",
        ),
    ],
    ids=["sapphire-is-blank", "rate", "direction", "elsewhere", "no-mass", "per-mass"],
)  # fmt: skip
def test_runs_that_do_not_belong_together_are_refused(change, words):
    runs = [run(m, sapphire) for m in (SAMPLE_MASS, SAPPHIRE_MASS, 0.0)]
    with pytest.raises(InputError, match=words):
        three_run_heat_capacity(*change(runs), sapphire_mass="40 mg")


def test_masses_without_sense_are_refused():
    runs = [run(m, sapphire) for m in (SAMPLE_MASS, SAPPHIRE_MASS, 0.0)]
    for mass, words in (("0 mg", "greater than 0"), ("40", "no unit"), ("40 K", "expected one like mg")):
        with pytest.raises(InputError, match=words):
            three_run_heat_capacity(*runs, sapphire_mass=mass)
    with pytest.raises(InputError, match="sample_mass"):
        three_run_heat_capacity(*runs, sapphire_mass="40 mg", sample_mass="-3 mg")


@real_data
def test_the_measured_three_runs_say_that_they_had_not_settled():
    """The Setaram set climbs in stairs, 95 K at 5 K/min and an hour's hold; sample and blank differ by 7 K.

    Between the runs the level of the holds moves by 1 to 6 mW, as much as the sample gives: heat flow counts from the
    holds. The calorimeter follows so slowly that neighbouring ramps disagree where they meet; the mass of the sapphire
    is not in the file, so that only that disagreement means anything.
    """
    sample, reference, blank = (read(DATA / f"{name}.txt.gz") for name in ("sample", "sapphire", "zero"))
    assert float(sample.mass.value) == pytest.approx(58.3)
    assert reference.mass is None
    levels = [np.interp(12000.0, entry.time, entry.heat_flow.values) for entry in (sample, blank)]
    assert levels[1] - levels[0] > 3.0
    soon = three_run_heat_capacity(sample, reference, blank, sapphire_mass="40 mg")
    late = three_run_heat_capacity(sample, reference, blank, sapphire_mass="40 mg", settling="5 min")
    assert np.all(soon.values > 0)
    spread = [float(curve.coords["spread_between_ramps"].value) for curve in (soon, late)]
    assert spread[0] > 0.3
    assert spread[1] < 0.5 * spread[0]


def test_stairs_with_drifting_levels_give_the_heat_capacity():
    """Ramps of 40 K between holds; every run has its own level, and drifts: the line between the holds takes it off."""
    ramps = [part for a in (320.0, 360.0) for part in (np.linspace(a, a + 40, 480), np.full(600, a + 40))]
    T = np.concatenate([np.full(600, 320.0), *ramps])
    t = np.arange(len(T), dtype=float)
    rate = np.gradient(T, t)
    sapphire = np.asarray(sapphire_heat_capacity(sc.array(dims=["T"], values=T, unit="K")).values)
    empty = 0.5 * rate

    def run(own, level, drift, mass=None):
        flow = empty + own * rate * 1e-3 + level + drift * t / t[-1]
        unit = None if mass is None else sc.scalar(mass, unit="mg")
        return Recording(recording(t, T, flow), mass=unit)

    found = three_run_heat_capacity(
        run(1500.0 * 10, 3.0, 1.0, 10.0), run(sapphire * 25, -2.0, -0.5), run(0.0, 1.0, 2.0), sapphire_mass="25 mg"
    )
    assert found.values == pytest.approx(1500.0, rel=2e-3)
    assert float(found.coords["spread_between_ramps"].value) < 3e-3


def test_a_heat_capacity_that_is_not_positive_is_refused():
    T = np.concatenate([np.full(300, 320.0), np.linspace(320, 380, 1200), np.full(300, 380.0)])
    t = np.arange(len(T), dtype=float)
    rate = np.gradient(T, t)
    sapphire = np.asarray(sapphire_heat_capacity(sc.array(dims=["T"], values=T, unit="K")).values)
    sample, reference, blank = (
        Recording(recording(t, T, own * rate * 1e-3), mass=sc.scalar(10.0, unit="mg"))
        for own in (0 * sapphire, 25 * sapphire, 5000 + 0 * sapphire)
    )
    with pytest.raises(InputError, match="not positive"):
        three_run_heat_capacity(sample, reference, blank, sapphire_mass="25 mg")
