"""Where a simulated isobar transforms: exact two-phase isobars, noise, smeared transitions, and Li2B12H12."""

import numpy as np
import pytest
from exact_simulations import material, simulate
from hypothesis import given, settings
from hypothesis import strategies as st

from caloris.heat.simulated.assignment import assign
from caloris.heat.simulated.phases import choose_form, fit_phase
from caloris.heat.simulated.table import Isobar, table_of
from caloris.heat.simulated.transition import find_transition

FORMULA_MASS = (2 * 6.94 + 12 * 10.81 + 12 * 1.008) * 1e-3
"""Li2B12H12, kg/mol."""
AVOGADRO = 6.02214076e23
LBH = np.array(
    [
        [349, 256.49, -667.77],
        [400, 258.29, -633.98],
        [424, 263.04, -614.13],
        [450, 266.88, -593.17],
        [474, 271.48, -572.91],
        [501, 274.07, -554.00],
        [551, 277.03, -519.51],
        [601, 279.92, -484.79],
        [700, 284.59, -418.08],
    ]
)
"""Classical molecular dynamics of 832 atoms at zero pressure, short single runs: K, A^3 and kJ/mol per formula unit."""


def isobar(T, volume, enthalpy, volume_error=None, enthalpy_error=None):
    nan = np.full(len(T), np.nan)
    errors = [nan if e is None else np.full(len(T), float(e)) for e in (volume_error, enthalpy_error)]
    return Isobar("equilibrium", 0.0, np.asarray(T, float), np.asarray(volume, float), errors[0], enthalpy, errors[1])


def lithium_borohydride(**errors):
    T, volume, enthalpy = LBH.T
    return isobar(T, volume * 1e-30 * AVOGADRO / FORMULA_MASS, enthalpy * 1e3 / FORMULA_MASS, **errors)


@settings(max_examples=25)
@given(
    sign=st.sampled_from([-1, 1]),
    hysteresis=st.floats(0, 40),
    entropy_change=st.floats(60, 400),
    step=st.floats(2, 15),
    phase=st.floats(0.05, 0.95),
    inverse_heat=st.floats(-0.1, 0.1),
)
def test_a_sharp_transition_is_found_within_half_a_step(sign, hysteresis, entropy_change, step, phase, inverse_heat):
    model = material(sign, hysteresis, entropy_change=entropy_change, difference=1600 * inverse_heat)
    T = 350 + (np.arange(-12, 13) + phase) * step
    table = table_of(simulate(model, (0.0, 50.0), T))
    for bar in table.isobars:
        true = float(model.transition_temperature(bar.pressure, bar.history))
        if not T[1] < true < T[-2]:
            continue
        place = find_transition(bar)
        assert abs(place.temperature - true) <= 0.5 * step * (1 + 1e-9)
        assert place.first_high == place.last_low + 1


@pytest.mark.parametrize("seed", range(20))
def test_noise_of_a_tenth_of_the_steps_does_not_hide_them(seed):
    model = material(1, 12.0)
    T = np.arange(300.0, 460.0, 10.0)
    noisy = simulate(model, (0.0, 100.0), T, volume=0.1 * model.volume_change, enthalpy=0.1 * 45e3, seed=seed)
    for entry in assign(table_of(noisy)):
        true = float(model.transition_temperature(entry.bar.pressure, entry.bar.history))
        assert entry.place.interval[0] - 10 <= true <= entry.place.interval[1] + 10


@pytest.mark.parametrize("seed", range(40))
def test_one_phase_with_noise_or_a_bend_is_not_taken_for_two(seed):
    rng = np.random.default_rng(seed)
    T = np.arange(300.0, 460.0, 10.0)
    bend = rng.uniform(-3, 3)
    enthalpy = 1500 * (T - 300) + bend * (T - 300) ** 2 + 300 * rng.standard_normal(len(T))
    volume = 7e-4 + 2e-7 * (T - 300) + 2e-10 * (T - 300) ** 2 + 3e-7 * rng.standard_normal(len(T))
    assert find_transition(isobar(T, volume, enthalpy, 3e-7, 300)) is None


def test_errors_that_are_ten_times_too_small_make_no_transition():
    rng = np.random.default_rng(5)
    T = np.arange(300.0, 460.0, 10.0)
    taken = 0
    for _ in range(40):
        enthalpy = 1500 * (T - 300) + 300 * rng.standard_normal(len(T))
        volume = 7e-4 + 2e-7 * (T - 300) + 3e-7 * rng.standard_normal(len(T))
        taken += find_transition(isobar(T, volume, enthalpy, 3e-8, 30)) is not None
    assert taken <= 1


def test_half_of_a_smeared_transition_is_where_half_the_heat_is_taken_up():
    T = np.arange(300.0, 420.0, 6.0)
    x = np.clip((T - 345) / 30, 0, 1)
    place = find_transition(isobar(T, 7e-4 + 2e-7 * (T - 300) + 4e-5 * x, 1600 * (T - 300) + 4e4 * x, 1e-8, 20.0))
    assert place.temperature == pytest.approx(360.0, abs=1.0)
    np.testing.assert_allclose(place.fraction, np.interp(place.nodes(isobar(T, T, T)), T, x), atol=0.02)


@pytest.mark.parametrize("errors", [{}, {"volume_error": 1e-6, "enthalpy_error": 1000.0}], ids=["no errors", "errors"])
def test_lithium_borohydride_transforms_between_424_and_475_kelvin(errors):
    bar = lithium_borohydride(**errors)
    place = find_transition(bar)
    assert 424 < place.temperature < 475
    low, high = bar.temperature[place.last_low], bar.temperature[place.first_high]
    assert (low, high) == (400, 474)  # short runs of a small crystal: spread over 74 K


def test_heat_capacities_of_lithium_borohydride_lie_above_the_classical_limit():
    bar = lithium_borohydride()
    place = find_transition(bar)
    H, T = bar.enthalpy, bar.temperature
    low = np.polyfit(T[: place.last_low + 1], H[: place.last_low + 1], 1)[0]
    high = np.polyfit(T[place.first_high :], H[place.first_high :], 1)[0]
    assert 4280 * 0.99 < low < 4480  # 4256: two points alone, half a per cent below the quoted range
    assert 4280 < high < 4480
    assert min(low, high) > 3 * 26 * 8.314462618 / FORMULA_MASS  # 4165: the harmonic crystal


def test_lithium_borohydride_loses_230_joules_when_400_megapascal_keep_it_ordered():
    """S(475 K): high phase at zero pressure, low phase at 0.4 GPa (its volume there is 248.1 A^3 per formula unit)."""
    bar = lithium_borohydride(volume_error=1e-6, enthalpy_error=1000.0)
    place = find_transition(bar)
    low, high = slice(0, place.last_low + 1), slice(place.first_high, None)
    T = place.temperature
    heat = [np.polyfit(bar.temperature[part], bar.enthalpy[part], 1) for part in (low, high)]
    dH = float(np.polyval(heat[1], T) - np.polyval(heat[0], T))
    expansion = np.polyfit(bar.temperature[low], bar.volume[low], 1)[0]
    dS = -dH / T - (heat[1][0] - heat[0][0]) * np.log(475 / T) - expansion * 0.4e9
    assert dS == pytest.approx(-230, rel=0.05)


def test_an_isobar_that_ends_before_its_transition_tells_on_which_side_it_lies():
    model = material(1, 0.0)
    T = np.arange(320.0, 381.0, 5.0)
    found = assign(table_of(simulate(model, (0.0, 50.0, 200.0, 400.0), T, ("equilibrium",))))
    assert [entry.where for entry in found] == ["inside", "inside", "above the grid", "above the grid"]
    model = material(-1, 0.0)
    found = assign(table_of(simulate(model, (0.0, 50.0, 200.0), T, ("equilibrium",))))
    assert [entry.where for entry in found] == ["inside", "inside", "below the grid"]


def test_one_point_beyond_the_transition_is_recognised_by_its_volume():
    model = material(1, 0.0)
    T_t = float(model.transition_temperature(100e6, "equilibrium"))
    T = T_t + np.arange(-13.5, 1.0) * 6
    found = assign(table_of(simulate(model, (0.0, 50.0, 100.0), T, ("equilibrium",))))
    assert found[2].where == "inside"
    assert found[2].place.interval == pytest.approx((T[-2], T[-1]))


def test_heat_capacity_and_expansion_of_a_phase_whose_expansion_grows_with_temperature():
    """H - int (V - T dV/dT) dp has one slope on all isobars; Cp falls with pressure by T int d2V/dT2 dp."""
    from caloris.heat.simulated.phases import PhasePoints

    T, p = (axis.ravel() for axis in np.meshgrid(np.linspace(300, 420, 9), np.linspace(0, 4e8, 6)))
    v, e, f, k, c = 7e-4, 2e-7, 3e-10, 1e-13, 1700.0
    t = T - 300
    volume = v + e * t + f * t**2 - k * p
    # H = c T + int (V - T dV/dT) dp
    enthalpy = c * t + (v + e * t + f * t**2 - T * (e + 2 * f * t)) * p - 0.5 * k * p**2
    ones = np.ones(len(T))
    points = PhasePoints(T, p, volume, 1e-9 * ones, enthalpy, 1.0 * ones)
    phase = fit_phase("low", points, choose_form(points), 0.0)
    for temperature in (310.0, 400.0):
        for pressure in (0.0, 3e8):
            assert float(phase.capacity(temperature, pressure)) == pytest.approx(
                c - temperature * 2 * f * pressure, rel=1e-4
            )
            exact = e + 2 * f * (temperature - 300)
            assert float(phase.expansion(temperature, pressure)) == pytest.approx(exact, rel=1e-6)
