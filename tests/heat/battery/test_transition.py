"""The phase fraction: eq. 12 as printed, the play between two branches, and heat that balances to rounding."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caloris.errors import InputError
from caloris.heat import PhaseProperties, TwoPhase
from caloris.heat.battery.logistic import Logistic, paper_boundary_pressure, paper_step
from caloris.heat.battery.transition import Hysteresis, MaterialState, specific_enthalpy, specific_volume
from caloris.materials import load

often = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])


def salt(**overrides):
    return TwoPhase.from_material(load("NH4SCN"), heat_capacity="1700 J/kg/K", **overrides)


def unequal_phases(sign=-1.0):
    """Different heat capacity, expansion and compression in the two phases; either sign of dV."""
    return TwoPhase(
        low=PhaseProperties(heat_capacity=1400.0, expansion=1e-7, compression=5e-14),
        high=PhaseProperties(heat_capacity=1550.0, expansion=2e-7, compression=9e-14),
        temperature=340.0,
        pressure=0.1e6,
        entropy_change=120.0,
        volume_change=sign * 3.5e-5,
        volume=7.5e-4,
        barrier_heating=1500.0,
        barrier_cooling=1300.0,
        barrier_heating_slope=1e-6,
        barrier_cooling_slope=-1e-6,
    )


MODELS = {
    "hysteresis": Hysteresis(salt(), 0.2),
    "wide ramps": Hysteresis(salt(), 5.0),
    "relaxing": Hysteresis(salt(), 0.2, 30.0),
    "unequal phases": Hysteresis(unequal_phases(), 1.0),
    "conventional": Hysteresis(unequal_phases(+1.0), 1.0),
    "conventional, relaxing": Hysteresis(unequal_phases(+1.0), 0.3, 10.0),
    "paper": Logistic.of(salt()),
    "paper, unequal phases": Logistic.of(unequal_phases()),
}


# -- eq. 12 -----------------------------------------------------------------------------------------


def equation_12(P, T):
    """Zhang et al. (2023), eqs 11-12: P in MPa, through (20 MPa, 358 K) and (0.1 MPa, 363.83 K)."""
    P_b = ((20 - 0.1) * T + 358 * 0.1 - 363.83 * 20) / (358 - 363.83)
    return 1 / (1 + np.exp(-100 * (P - P_b)))


@often
@given(st.floats(0.1, 400), st.floats(-6, 6))
def test_paper_step_is_equation_12_as_printed(P, exponent):
    T = 363.83 + (P - 0.1) * (358 - 363.83) / (20 - 0.1) + exponent * 0.00293
    assert float(paper_step(P * 1e6, T)) == pytest.approx(float(equation_12(P, T)), rel=1e-6)


@pytest.mark.parametrize(("P", "T"), [(20.0, 358.0), (0.1, 363.83)])
def test_boundary_of_the_paper_passes_its_two_points(P, T):
    assert float(paper_step(P * 1e6, T)) == pytest.approx(0.5, abs=1e-9)
    assert float(paper_boundary_pressure(T)) == pytest.approx(P * 1e6, abs=1e-3)
    assert MODELS["paper"].boundary(P * 1e6) == pytest.approx(T, abs=1e-9)
    assert float(MODELS["paper"].model.transition_temperature(P * 1e6, "heating")) == pytest.approx(T, abs=1e-6)


def test_slope_and_width_of_the_paper_s_step():
    model = MODELS["paper"]
    slope = (model.boundary(21e6) - model.boundary(20e6)) / 1.0
    assert slope == pytest.approx(-0.2930, abs=5e-5)
    assert float(model.model.slope(20e6, "equilibrium")) * 1e6 == pytest.approx(slope, rel=1e-9)
    # 10-90 %: 2 ln 9 / 100 MPa and that times the slope
    P = np.linspace(19.9, 20.1, 200001)
    x = paper_step(P * 1e6, 358.0)
    assert np.interp([0.9], x, P)[0] - np.interp([0.1], x, P)[0] == pytest.approx(0.044, abs=5e-4)
    T = np.linspace(357.97, 358.03, 200001)
    x = paper_step(20e6, T)
    assert np.interp([0.9], x, T)[0] - np.interp([0.1], x, T)[0] == pytest.approx(0.013, abs=5e-4)


def test_pressing_and_warming_make_the_orthorhombic_phase():
    assert float(paper_step(90e6, 349.0)) == pytest.approx(1.0)
    assert float(paper_step(8.2e6, 349.0)) == pytest.approx(0.0)
    # no hysteresis: at 90 MPa the paper's boundary is 337.5 K, so 313 K cannot hold the phase
    assert MODELS["paper"].boundary(90e6) == pytest.approx(337.5, abs=0.05)
    assert float(paper_step(90e6, 313.0)) == pytest.approx(0.0)
    assert MODELS["paper"].boundary(200e6) == pytest.approx(305.3, abs=0.1)


# -- the heat of a step -----------------------------------------------------------------------------


def pressure_of(transition, part):
    return 0.1e6 + part * 120e6


def heat_by_hand(model, before, after):
    """q = h1 - h0 - (v0 + v1)/2 (p1 - p0)."""
    dp = after.pressure - before.pressure
    dh = specific_enthalpy(model, after) - specific_enthalpy(model, before)
    return dh - 0.5 * (specific_volume(model, before) + specific_volume(model, after)) * dp


states = st.tuples(
    st.sampled_from(list(MODELS)),
    st.floats(0, 1),  # fraction of the high phase
    st.floats(-60, 60),  # K from the equilibrium line
    st.floats(0, 1),  # pressures before and after
    st.floats(0, 1),
    st.floats(-1.5, 1.5),  # heat, in latent heats
    st.floats(1e-3, 100),  # s
)


@often
@given(states)
def test_a_step_absorbs_exactly_the_heat_it_is_given(case):
    name, x, away, before, after, share, dt = case
    transition = MODELS[name]
    model = transition.model
    p_0, p_1 = pressure_of(transition, before), pressure_of(transition, after)
    T = float(model.transition_temperature(p_0, "equilibrium")) + away
    state = MaterialState(np.array([T]), p_0, np.array([x]))
    latent = float(model.delta_enthalpy(model.temperature, model.pressure))
    heat = np.array([share * latent])
    T_1, x_1, slope = transition.step(state, p_1, dt).at_heat(heat)
    assert 0 <= x_1[0] <= 1
    assert slope[0] > 0
    found = heat_by_hand(model, state, MaterialState(T_1, p_1, x_1))
    assert found[0] == pytest.approx(heat[0], abs=1e-9 * latent)


@often
@given(states)
def test_temperature_rises_with_heat_at_the_stated_rate(case):
    name, x, away, before, after, share, dt = case
    transition = MODELS[name]
    model = transition.model
    p_0, p_1 = pressure_of(transition, before), pressure_of(transition, after)
    T = float(model.transition_temperature(p_0, "equilibrium")) + away
    latent = float(model.delta_enthalpy(model.temperature, model.pressure))
    state = MaterialState(np.full(3, T), p_0, np.full(3, x))
    step = 1e-5 * latent
    found, _, slopes = transition.step(state, p_1, dt).at_heat(share * latent + np.array([-step, 0.0, step]))
    assert np.all(np.diff(found) >= 0)
    steepest = slopes.max() / slopes.min()
    if steepest < 1.01:  # away from the kinks
        assert (found[2] - found[0]) / (2 * step) == pytest.approx(slopes[1], rel=0.02)
    # and never faster than a single phase warms
    slowest_capacity = 0.9 * min(model.low.heat_capacity, model.high.heat_capacity)
    assert slopes.max() <= 1 / slowest_capacity


@pytest.mark.parametrize("name", MODELS)
def test_nothing_happens_to_a_settled_state_without_heat(name):
    transition = MODELS[name]
    T = np.array([290.0, 300.0, 400.0, 410.0])
    x = transition.initial_fraction(T, 0.1e6)
    assert x == pytest.approx([0, 0, 1, 1], abs=1e-12)
    after, fraction, _ = transition.step(MaterialState(T, 0.1e6, x), 0.1e6, 1.0).at_heat(np.zeros(4))
    assert after == pytest.approx(T, abs=1e-9)
    assert fraction == pytest.approx(x, abs=1e-9)


# -- the play ---------------------------------------------------------------------------------------


def at_temperature(transition, state, T, p=None, dt=1.0):
    """Step to a temperature: find the heat that leads there."""
    from scipy.optimize import brentq

    p = state.pressure if p is None else p
    step = transition.step(state, p, dt)
    heat = brentq(lambda q: step.at_heat(np.array([q]))[0][0] - T, -5e5, 5e5, xtol=1e-9, rtol=1e-15)
    T_1, x_1, _ = step.at_heat(np.array([heat]))
    return MaterialState(T_1, p, x_1)


def follow(transition, temperatures, x=0.0, p=0.1e6, dt=1.0):
    state = MaterialState(np.array([temperatures[0]]), p, np.array([x]))
    for T in temperatures[1:]:
        state = at_temperature(transition, state, T, dt=dt)
    return float(state.fraction[0])


def play(transition, temperatures, x=0.0, p=0.1e6):
    """The generalised play by hand: x <- clip(x, heating ramp, cooling ramp)."""
    T_h, T_c = (float(transition.model.transition_temperature(p, b)) for b in ("heating", "cooling"))
    ramp = lambda T, T_t: min(max((T - T_t) / transition.width + 0.5, 0.0), 1.0)  # noqa: E731
    for T in temperatures[1:]:
        x = min(max(x, ramp(T, T_h)), ramp(T, T_c))
    return x


@settings(often, max_examples=60)
@given(
    st.sampled_from(["hysteresis", "wide ramps", "unequal phases", "conventional"]),
    st.lists(st.floats(300, 380), min_size=2, max_size=8),
    st.floats(0, 1),
)
def test_any_history_is_the_play_between_the_ramps(name, temperatures, x):
    transition = MODELS[name]
    assert follow(transition, temperatures, x) == pytest.approx(play(transition, temperatures, x), abs=1e-6)


def test_minor_loop_returns_to_the_point_where_it_left():
    transition = Hysteresis(salt(), 4.0)  # 362 to 366 K on heating, 333 to 337 K on cooling
    left = follow(transition, [300, 363.5])
    assert left == pytest.approx((363.5 - 362) / 4, abs=1e-6)
    for turn in (350.0, 340.0, 335.5):
        assert follow(transition, [300, 363.5, turn, 363.5]) == pytest.approx(max(left, 0), abs=1e-6)
    # a turn deep in the cooling ramp is forgotten once the old maximum is passed
    assert follow(transition, [300, 363.5, 334.0, 364.5]) == pytest.approx(follow(transition, [300, 364.5]), abs=1e-6)


def test_small_excursions_are_wiped_out_by_a_larger_one():
    transition = Hysteresis(salt(), 4.0)
    plain = follow(transition, [300, 365.0, 334.5])
    nested = follow(transition, [300, 365.0, 336.0, 363.0, 336.2, 362.5, 334.5])
    assert plain == pytest.approx((334.5 - 333) / 4, abs=1e-6)
    assert nested == pytest.approx(plain, abs=1e-6)


def test_between_the_branches_the_fraction_waits():
    transition = MODELS["hysteresis"]
    for x in (0.0, 0.3, 1.0):
        assert follow(transition, [350, 336, 362, 345], x) == pytest.approx(x, abs=1e-9)


def test_pressing_and_releasing_move_the_branches_over_the_material():
    transition = MODELS["hysteresis"]
    state = MaterialState(np.array([349.0]), 8.2e6, np.array([0.0]))
    pressed = at_temperature(transition, state, 349.0, p=90e6)
    assert pressed.fraction[0] == pytest.approx(1.0)
    cold = at_temperature(transition, pressed, 313.0)
    assert cold.fraction[0] == pytest.approx(1.0)
    assert at_temperature(transition, cold, 313.0, p=76e6).fraction[0] == pytest.approx(1.0)
    assert at_temperature(transition, cold, 313.0, p=73e6).fraction[0] == pytest.approx(0.0)


def test_relaxation_at_fixed_temperature_is_exponential_and_first_order():
    tau, duration = 30.0, 20.0
    transition = Hysteresis(salt(), 0.2, tau)
    errors = []
    for steps in (20, 40, 80):
        x = follow(transition, [370.0] * (steps + 1), dt=duration / steps)
        errors.append(x - (1 - np.exp(-duration / tau)))
        # each step is backward Euler: the distance to the branch shrinks by 1/(1 + dt/tau)
        assert 1 - x == pytest.approx((1 + duration / steps / tau) ** -steps, abs=1e-6)
    assert np.log2(np.abs(errors[:-1]) / np.abs(errors[1:])) == pytest.approx(1.0, abs=0.03)


def test_a_vanishing_relaxation_time_is_none():
    fast, instant = Hysteresis(salt(), 0.2, 1e-9), Hysteresis(salt(), 0.2)
    history = [300, 363.98, 340, 335.03]
    assert follow(fast, history) == pytest.approx(follow(instant, history), abs=1e-6)


@settings(often, max_examples=80)
@given(
    st.sampled_from(["hysteresis", "relaxing", "unequal phases", "conventional", "conventional, relaxing"]),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 1), st.floats(-0.8, 0.8), st.floats(0.01, 50)), min_size=1, max_size=6),
)
def test_driving_force_never_does_negative_work(name, x, moves):
    """-dG dx >= 0: whatever the history, hysteresis only makes heat."""
    transition = MODELS[name]
    model = transition.model
    state = MaterialState(np.array([model.temperature]), 0.1e6, np.array([x]))
    latent = model.entropy_change * model.temperature
    for part, share, dt in moves:
        p = pressure_of(transition, part)
        T, fraction, _ = transition.step(state, p, dt).at_heat(np.array([share * latent]))
        force = -model.delta_gibbs(T, p)
        dx = fraction - state.fraction
        # the driving force where the step ends: at or beyond the edge of a ramp
        slack = model.entropy_change * 0.51 * transition.width + 500.0 * transition.width
        least = min(float(model.barrier(p, "heating")), float(model.barrier(p, "cooling"))) - slack
        if abs(dx[0]) > 1e-9:
            assert float(force[0] * np.sign(dx[0])) >= least > 0
        state = MaterialState(T, p, fraction)


# -- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan")])
def test_a_ramp_needs_a_width(width):
    with pytest.raises(InputError, match="transition width: must be greater than 0 K"):
        Hysteresis(salt(), width)


@pytest.mark.parametrize("time", [-1.0, float("nan")])
def test_a_relaxation_time_is_not_negative(time):
    with pytest.raises(InputError, match="relaxation time: must not be negative"):
        Hysteresis(salt(), 0.2, time)


def test_a_pressure_at_which_the_branches_cross_is_refused():
    transition = Hysteresis(salt(slope_heating="-0.6 K/MPa", slope_cooling="-0.3 K/MPa"), 0.2)
    transition.edges(90e6)
    with pytest.raises(InputError, match="heating branch falls below the cooling branch"):
        transition.edges(100e6)
