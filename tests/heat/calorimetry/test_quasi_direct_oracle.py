"""Quasi-direct entropy surfaces from synthetic scans against the exact two-phase model, within 0.1 %.

The scans have no noise; volumes are given as a table or exactly, heat capacities as numbers. The truth of a smeared
transition is first checked by itself: its entropy against the integral of its heat over temperature.
"""

from functools import cache

import numpy as np
import pytest
from exact_barocalorics import PRESSURES, Exact, coming_back, heat_capacities, material, series, volume_table, volumes
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st

from caloris.errors import InputError
from caloris.heat.calorimetry import SmearedBranches, analyse
from caloris.heat.processes import (
    PROCESSES,
    entropy_difference,
    reversible_pressure,
    temperature_difference,
)

TOLERANCE = 1e-3
BRANCHES = ("heating", "cooling")
LOW, HIGH = 0.1e6, 100e6
CASES = [(sign, hysteresis, width) for sign in (-1, 1) for hysteresis in (2.0, 10.0, 30.0) for width in (0.0, 3.0)]
every_case = pytest.mark.parametrize(
    "case",
    CASES,
    ids=lambda c: f"{'inverse' if c[0] < 0 else 'conventional'}-{c[1]:g}K-{'sharp' if c[2] == 0 else 'smeared'}",
)


def points(width):
    """A sharp step is known no better than the distance of two points."""
    return 20000 if width == 0 else 6000


@cache
def analysed(case, model=None):
    sign, hysteresis, width = case
    model = model or material(sign, hysteresis)
    scans = series(model, width, points=points(width))
    result = analyse(
        scans, heat_capacity=heat_capacities(model), volume=volumes(model), shape="quadratic", draws=0, name="oracle"
    )
    return model, Exact(model, width), result, float(scans[0].temperature[1] - scans[0].temperature[0])


def temperatures(exact, p, count=1200, margin=20.0):
    ranges = [exact.transition_range(q, b) for q in (LOW, p) for b in BRANCHES]
    return np.linspace(min(r[0] for r in ranges) - margin, max(r[1] for r in ranges) + margin, count)


def half_by_entropy(model, width, p, branch):
    """T50 of a smeared transition: C_high - C_low tilts the bell, which moves the median."""
    T = float(model.transition_temperature(p, branch))
    spread = width / 2.5631
    return T + spread**2 * model.delta_heat_capacity / T / float(model.delta_entropy(T, p))


def away_from_steps(exact, T, p, step):
    """Which temperatures lie two sampling steps from every sharp edge; all, for a smeared transition."""
    if exact.width > 0:
        return np.ones(len(T), dtype=bool)
    edges = [float(exact.transition_temperature(q, b)) for q in (LOW, p) for b in BRANCHES]
    return np.min([np.abs(T - edge) for edge in edges], axis=0) > 2.5 * step


def images(exact, T, p, process):
    """Temperatures at which the isentropes of a process arrive."""
    return T + temperature_difference(exact, T, p, LOW, process)


# -- the oracle itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize("branch", BRANCHES)
@pytest.mark.parametrize("sign", [-1, 1])
def test_smeared_entropy_is_the_integral_of_heat_over_temperature(sign, branch):
    from scipy.integrate import quad

    model = material(sign)
    truth = SmearedBranches(model, 3.0)
    for p in (LOW, 60e6):
        T_t = float(model.transition_temperature(p, branch))
        for T in (T_t - 1.0, T_t, T_t + 2.0, T_t + 30.0):
            integral, _ = quad(
                lambda x, p=p: float(truth.heat_per_kelvin(np.array(x), p, branch)) / x,
                T_t - 30.0,
                T,
                points=[T_t - 5, T_t, T_t + 5],
                epsabs=1e-9,
                epsrel=1e-11,
                limit=200,
            )
            change = truth.entropy(np.array([T]), p, branch) - truth.entropy(np.array([T_t - 30.0]), p, branch)
            # x' and C of the smeared model: the slow change of C_high - C_low inside the step is in both
            assert integral == pytest.approx(float(change[0]), rel=1e-8)


@pytest.mark.parametrize("width", [0.0, 3.0])
def test_smeared_branches_are_pure_phases_far_from_the_transition(width):
    model = material()
    truth = SmearedBranches(model, width)
    for branch in BRANCHES:
        T = float(model.transition_temperature(60e6, branch)) + np.array([-20.0, 20.0])
        low, high = truth.entropy(T, 60e6, branch)
        assert low == pytest.approx(float(model.low_entropy(T[0], 60e6)), abs=1e-9)
        pure = float(model.low_entropy(T[1], 60e6) + model.delta_entropy(T[1], 60e6))
        assert high == pytest.approx(pure, abs=1e-9)


def test_a_synthetic_recording_holds_all_heat_of_a_sharp_step():
    model = material()
    (scan,) = series(model, 0.0, pressures=(40.0,), points=3000)
    up = slice(0, 3000)
    t, T, q = scan.time[up], scan.temperature[up], scan.specific_heat_flow()[up]
    heat = np.trapezoid(q, t)
    T_t = float(model.transition_temperature(40e6, "heating"))
    low, high = model.low.heat_capacity, model.high.heat_capacity
    exact = low * (T_t - T[0]) + high * (T[-1] - T_t) + T_t * float(model.delta_entropy(T_t, 40e6))
    assert heat == pytest.approx(exact, rel=2e-5)


# -- the analysis --------------------------------------------------------------------------------------


@every_case
def test_transition_temperature_entropy_and_latent_heat_of_every_scan(case):
    model, _, result, step = analysed(case)
    assert len(result.transitions) == 2 * len(PRESSURES)
    for row in result.transitions:
        p = row.pressure.value * 1e6
        T = float(model.transition_temperature(p, row.direction))
        dS = float(model.delta_entropy(T, p))
        T50 = half_by_entropy(model, case[2], p, row.direction)
        assert row.temperature.value == pytest.approx(T50, abs=0.002 if case[2] else step)
        assert row.entropy_change.value == pytest.approx(dS, rel=TOLERANCE)
        assert row.latent_heat.value == pytest.approx(T * dS, rel=TOLERANCE)


@every_case
def test_entropy_of_both_branches_up_to_one_constant(case):
    _, exact, result, step = analysed(case)
    surfaces = result.surfaces
    T = temperatures(exact, HIGH)
    anchor = T[:1]
    constant = float((exact.entropy(anchor, LOW, "heating") - surfaces.entropy(anchor, LOW, "heating"))[0])
    scale = exact.model.entropy_change
    for p in (LOW, 20e6, 50e6, 70e6, HIGH):
        far = away_from_steps(exact, T, p, step)
        for branch in BRANCHES:
            difference = surfaces.entropy(T, p, branch) + constant - exact.entropy(T, p, branch)
            assert np.abs(difference[far]).max() < TOLERANCE * scale


@every_case
@pytest.mark.parametrize("p", [20e6, 50e6, HIGH], ids=lambda p: f"{p / 1e6:g}MPa")
def test_isothermal_entropy_change_of_every_process(case, p):
    model, exact, result, step = analysed(case)
    T = temperatures(exact, p)
    far = away_from_steps(exact, T, p, step)
    sign = 1.0 if model.is_inverse else -1.0
    for process in PROCESSES:
        found, true = (entropy_difference(s, T, p, LOW, process) for s in (result.surfaces, exact))
        largest = np.abs(true).max()
        assert np.abs(found - true)[far].max() < TOLERANCE * largest
        assert np.abs(found).max() == pytest.approx(largest, rel=TOLERANCE)
        if process == "reversible":
            found, true = coming_back(found, sign), coming_back(true, sign)
            assert np.abs(found - true)[far].max() < TOLERANCE * largest


@every_case
@pytest.mark.parametrize("p", [20e6, 50e6, HIGH], ids=lambda p: f"{p / 1e6:g}MPa")
def test_adiabatic_temperature_change_of_every_process(case, p):
    _, exact, result, step = analysed(case)
    T = temperatures(exact, p)
    for process in PROCESSES:
        found, true = (temperature_difference(s, T, p, LOW, process) for s in (result.surfaces, exact))
        largest = np.abs(true).max()
        far = away_from_steps(exact, T, p, step)
        # a sharp step is spread over two sampling steps, also where the isentrope arrives in it
        allowed = TOLERANCE * largest + (0.0 if exact.width else 2 * step)
        assert np.abs(found - true)[far].max() < allowed
        beyond = far & away_from_steps(exact, images(exact, T, p, process), p, step)
        assert np.abs(found - true)[beyond].max() < TOLERANCE * largest
        assert np.abs(found[far]).max() == pytest.approx(np.abs(true[far]).max(), abs=allowed)


@every_case
def test_reversible_pressure_within_or_beyond_the_data(case):
    _, exact, result, _ = analysed(case)
    p_rev = reversible_pressure(exact) / 1e6
    found = result.headline["reversible pressure"].value
    if p_rev <= PRESSURES[-1] - PRESSURES[0]:
        assert found == pytest.approx(p_rev, rel=TOLERANCE)
        assert result.effect.reversible_pressure().value == pytest.approx(p_rev, rel=TOLERANCE)
    else:
        assert found == pytest.approx(p_rev, rel=5e-3)
        assert any("extrapolated" in line for line in result.warnings())


@every_case
def test_effect_of_calorimetry_overlays_the_effect_of_the_model(case):
    from caloris.heat import CaloricEffect

    model, exact, result, _ = analysed(case)
    card = CaloricEffect("card", model)
    merits = result.effect.merits("100 MPa")
    sharp = card.merits("100 MPa", low_pressure="0.1 MPa")
    names = ["entropy_change", "relative_cooling_power", "integrated_entropy_change"]
    if exact.width == 0:
        for name in names:
            assert merits[name].value.value == pytest.approx(sharp[name].value.value, rel=TOLERANCE)
    else:  # smearing keeps the area, not the height
        assert merits[names[-1]].value.value == pytest.approx(sharp[names[-1]].value.value, rel=5e-3)


def test_volumes_from_a_table_give_the_same_as_exact_ones(tmp_path):
    model = material()
    table = tmp_path / "volume.csv"
    table.write_text(volume_table(model, np.linspace(260, 430, 9).tolist(), np.linspace(0, 110, 5).tolist()))
    scans = series(model, 3.0, pressures=(0.1, 50.0, 100.0), points=3000)
    effects = [
        analyse(scans, heat_capacity=heat_capacities(model), volume=v, draws=0).effect
        for v in (str(table), volumes(model))
    ]
    a, b = (effect.entropy_change("100 MPa").values for effect in effects)
    np.testing.assert_allclose(a, b, atol=1e-6 * np.abs(b).max())


def test_a_pressure_series_that_is_too_short_is_extrapolated_and_says_so():
    model = material(-1, 30.0)
    scans = series(model, 3.0, pressures=(0.1, 30.0, 60.0), points=3000)
    result = analyse(scans, heat_capacity=heat_capacities(model), volume=volumes(model), shape="quadratic", draws=0)
    p_rev = reversible_pressure(Exact(model, 3.0)) / 1e6
    assert p_rev > 60
    assert result.headline["reversible pressure"].value == pytest.approx(p_rev, rel=0.02)
    assert any("extrapolated" in line for line in result.warnings())
    with pytest.raises(InputError, match="extrapolated"):
        result.effect.reversible_pressure()


@st.composite
def materials(draw):
    number = lambda a, b: draw(st.floats(a, b, allow_nan=False))  # noqa: E731
    sign = draw(st.sampled_from([-1, 1]))
    heat_capacity = number(800, 2500)
    entropy_change = number(20, 400)
    expansion, compression, slope = number(0, 3e-7), number(0, 2e-13), number(0.05, 0.5)
    # entropy and volume of transition keep their signs up to 100 MPa and over 60 K
    most = min(0.2 * heat_capacity, 2 * entropy_change)
    return material(
        sign,
        number(2, 30),
        slope=slope,
        entropy_change=entropy_change,
        heat_capacity=heat_capacity,
        difference=most * number(-1, 1),
        expansion=(expansion, max(0.0, expansion + 1e-9 * entropy_change * number(-1, 1))),
        compression=(compression, max(0.0, compression + 3e-15 * slope * entropy_change * number(-1, 1))),
        temperature=number(280, 420),
    )


@settings(
    max_examples=25,
    phases=(Stage.explicit, Stage.generate),
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(materials(), st.sampled_from([0.0, 3.0]), st.floats(30e6, 100e6))
def test_any_material_comes_back_from_its_scans(model, width, p):
    exact = Exact(model, width)
    for branch in BRANCHES:
        try:
            T = model.transition_temperature(np.array([LOW, HIGH]), branch)
        except InputError:
            reject()
        assume(np.all((T > 180) & (T < 600)))
        assume(np.all(model.delta_entropy(T, np.array([LOW, HIGH])) > 0.5 * model.entropy_change))
        slopes = model.slope(np.array([LOW, HIGH]), branch)
        assume(np.all(np.sign(slopes) == (-1 if model.is_inverse else 1)) and np.all(np.abs(slopes) > 2e-8))
    scans = series(model, width, points=points(width))
    step = float(scans[0].temperature[1] - scans[0].temperature[0])
    result = analyse(scans, heat_capacity=heat_capacities(model), volume=volumes(model), shape="quadratic", draws=0)
    for row in result.transitions:
        q = row.pressure.value * 1e6
        T_t = float(model.transition_temperature(q, row.direction))
        T50 = half_by_entropy(model, width, q, row.direction)
        assert row.temperature.value == pytest.approx(T50, abs=0.003 if width else step)
        assert row.entropy_change.value == pytest.approx(float(model.delta_entropy(T_t, q)), rel=TOLERANCE)
        assert row.latent_heat.value == pytest.approx(T_t * float(model.delta_entropy(T_t, q)), rel=TOLERANCE)
    T = temperatures(exact, p)
    far = away_from_steps(exact, T, p, step)
    for process in PROCESSES:
        found, true = (entropy_difference(s, T, p, LOW, process) for s in (result.surfaces, exact))
        assert np.abs(found - true)[far].max() < TOLERANCE * max(np.abs(true).max(), model.entropy_change)
        found, true = (temperature_difference(s, T, p, LOW, process) for s in (result.surfaces, exact))
        allowed = TOLERANCE * np.abs(true).max() + (0.0 if width else 2 * step)
        assert np.abs(found - true)[far].max() < allowed
    try:
        p_rev = reversible_pressure(exact) / 1e6
    except InputError:  # the phases differ less and less in volume: no pressure is enough
        p_rev = np.inf
    near = p_rev <= PRESSURES[-1] - PRESSURES[0]
    # a branch that bends is known to some 20 mK between pressures 20 MPa apart
    between = 0.02e-6 / abs(float(model.slope(LOW, "heating")))
    found = result.headline["reversible pressure"].value
    if near or p_rev < 1.5 * PRESSURES[-1]:  # farther away a parabola through the data is only a guess
        assert found == pytest.approx(p_rev, rel=TOLERANCE if near else 0.1, abs=between)
    assert near or any("extrapolated" in line for line in result.warnings())
