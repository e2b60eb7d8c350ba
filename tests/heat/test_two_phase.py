"""Two phases with exact Gibbs energies: an oracle in 30 digits, from the Gibbs energies of the phases themselves.

Phase i has S_i = s_i + c_i ln(T/T0) - e_i p and V_i = v_i + e_i (T - T0) - k_i p, hence
G_i = G_i(T0, 0) - int S_i dT + int V_i dp. The oracle knows these, finds roots by bisection and differentiates
nothing by hand; the package is given only what a card would hold (differences at the reference point).
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
import scipp as sc
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st

from caloris.errors import InputError
from caloris.heat import CaloricEffect, PhaseProperties, TwoPhase
from caloris.materials import load

mp.mp.dps = 30
T0 = mp.mpf(300)  # reference of the oracle's Gibbs energies, not the transition
RELATIVE = 1e-6


@dataclass(frozen=True)
class Phase:
    """One phase of the oracle: every number at (T0, p = 0)."""

    g: mp.mpf
    s: mp.mpf
    v: mp.mpf
    c: mp.mpf
    e: mp.mpf
    k: mp.mpf

    def S(self, T, p):
        return self.s + self.c * mp.log(T / T0) - self.e * p

    def V(self, T, p):
        return self.v + self.e * (T - T0) - self.k * p

    def G(self, T, p):
        entropic = self.s * (T - T0) + self.c * (T * mp.log(T / T0) - (T - T0))
        return self.g - entropic + self.v * p + self.e * (T - T0) * p - self.k * p**2 / 2

    def H(self, T, p):
        return self.G(T, p) + T * self.S(T, p)


@dataclass(frozen=True)
class Oracle:
    """Low and high phase with barriers; the branches are roots of G(high) - G(low)."""

    low: Phase
    high: Phase
    barriers: dict[str, mp.mpf]

    def difference(self, what, T, p):
        return getattr(self.high, what)(T, p) - getattr(self.low, what)(T, p)

    def transition(self, p, branch):
        """The root of dG = -D (heating), +D (cooling), 0 (equilibrium), by bisection."""
        sign = {"heating": -1, "cooling": 1, "equilibrium": 0}[branch]
        target = sign * self.barriers.get(branch, 0)
        low, high = mp.mpf(120), mp.mpf(900)
        for _ in range(100):  # 780 K / 2^100: exact in 30 digits
            middle = (low + high) / 2
            if self.difference("G", middle, p) > target:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def entropy(self, T, p, branch):
        phase = self.high if self.transition(p, branch) <= T else self.low
        return phase.S(T, p)

    def isentropic(self, entropy, p, branch):
        """Bisection of S(T, p) along a branch; at a jump it lands on the transition."""
        T_t = self.transition(p, branch)
        low, high = mp.mpf(5), mp.mpf(5000)
        for _ in range(110):
            middle = (low + high) / 2
            phase = self.high if middle >= T_t else self.low
            if phase.S(middle, p) < entropy:
                low = middle
            else:
                high = middle
        return (low + high) / 2


@st.composite
def pairs(draw):
    """An oracle and the package's model of the same material, built from what a card would hold."""
    number = lambda a, b: draw(st.floats(a, b, allow_nan=False))  # noqa: E731
    T_e, p_0 = number(250, 450), number(0, 2e6)
    dS = number(5, 300)
    # differences that keep the entropy of transition positive and the line within about 70 K
    dV = draw(st.sampled_from([-1.0, 1.0])) * number(0.05, 1) * min(6e-5, 70 * dS / 100e6)
    c_low = number(300, 3000)
    c_high = min(max(c_low + 1.5 * dS * number(-1, 1), 300), 3000)
    e_low = number(0, 3e-7)
    e_high = e_low + 0.3 * dS / 100e6 * number(-1, 1)
    k_low, k_high = number(0, 8e-14), number(0, 8e-14)
    v_low = number(2e-4, 1.2e-3)
    D_h, D_c = (dS * number(0, 30) for _ in range(2))

    m = mp.mpf
    T_e_, p_0_ = m(T_e), m(p_0)

    def phase(c, e, k, S_at, V_at, G_at):
        s = m(S_at) - m(c) * mp.log(T_e_ / T0) + m(e) * p_0_
        v = m(V_at) - m(e) * (T_e_ - T0) + m(k) * p_0_
        bare = Phase(m(0), s, v, m(c), m(e), m(k))
        return replace(bare, g=m(G_at) - bare.G(T_e_, p_0_))

    oracle = Oracle(
        phase(c_low, e_low, k_low, 0, v_low, 0),
        phase(c_high, e_high, k_high, dS, m(v_low) + m(dV), 0),
        {"heating": m(D_h), "cooling": m(D_c)},
    )
    model = TwoPhase(
        low=PhaseProperties(heat_capacity=c_low, expansion=e_low, compression=k_low),
        high=PhaseProperties(heat_capacity=c_high, expansion=e_high, compression=k_high),
        temperature=T_e,
        pressure=p_0,
        entropy_change=dS,
        volume_change=dV,
        volume=v_low,
        barrier_heating=D_h,
        barrier_cooling=D_c,
    )
    for p in (p_0, 60e6, 100e6):
        for branch in ("heating", "cooling", "equilibrium"):
            T = oracle.transition(m(p), branch)
            assume(150 < T < 650)
            assume(oracle.difference("S", T, m(p)) > 0.2 * dS)
    return oracle, model


high_pressures = st.floats(5e6, 100e6)
branches = st.sampled_from(["heating", "cooling", "equilibrium"])
few = settings(
    max_examples=40,
    deadline=None,
    phases=(Stage.explicit, Stage.generate),  # shrinking in 30 digits would take minutes
    derandomize=True,  # the same materials every time
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def effect_of(model):
    return CaloricEffect("oracle", model)


def megapascal(p):
    return sc.scalar(p, unit="Pa")


def kelvin(values):
    return sc.array(dims=["temperature"], values=values, unit="K")


@few
@given(pairs(), high_pressures, branches)
def test_transition_temperature_is_the_root_of_the_gibbs_energies(pair, p, branch):
    oracle, model = pair
    found = effect_of(model).transition_temperature(branch, megapascal(p)).value
    assert found == pytest.approx(float(oracle.transition(mp.mpf(p), branch)), rel=RELATIVE)


@few
@given(pairs(), high_pressures, branches)
def test_entropy_and_enthalpy_of_transition_along_the_branches(pair, p, branch):
    oracle, model = pair
    T = oracle.transition(mp.mpf(p), branch)
    for what, found in (
        ("S", model.delta_entropy(float(T), p)),
        ("V", model.delta_volume(float(T), p)),
        ("H", model.delta_enthalpy(float(T), p)),
    ):
        exact = oracle.difference(what, T, mp.mpf(p))
        scale = {"S": model.entropy_change, "V": abs(model.volume_change), "H": 300 * model.entropy_change}
        assert float(found) == pytest.approx(float(exact), rel=RELATIVE, abs=RELATIVE * scale[what])


@few
@given(pairs(), high_pressures, st.floats(150, 600))
def test_enthalpy_entropy_and_volume_of_the_low_phase(pair, p, T):
    oracle, model = pair
    T_m, p_m = mp.mpf(T), mp.mpf(p)
    T_e, p_0 = mp.mpf(model.temperature), mp.mpf(model.pressure)
    for what, found in (("H", model.low_enthalpy), ("S", model.low_entropy)):
        exact = getattr(oracle.low, what)(T_m, p_m) - getattr(oracle.low, what)(T_e, p_0)
        assert float(found(T, p)) == pytest.approx(float(exact), rel=RELATIVE, abs=1e-6)
    assert float(model.low_volume(T, p)) == pytest.approx(float(oracle.low.V(T_m, p_m)), rel=RELATIVE)


def families(model, process):
    """Branches at the start and the end of a process (Moya et al.): conventional and inverse are swapped."""
    under_pressure, without = ("heating", "cooling") if model.volume_change < 0 else ("cooling", "heating")
    return {
        "compression": (under_pressure, under_pressure),
        "decompression": (without, without),
        "reversible": (without, under_pressure),
    }[process]


def probes(oracle, p_low, p):
    """Temperatures on both sides of every transition, none closer than 1 mK."""
    edges = sorted(float(oracle.transition(mp.mpf(q), b)) for q in (p_low, p) for b in ("heating", "cooling"))
    values = np.array([edges[0] - 8, *(0.5 * (a + b) for a, b in pairwise(edges)), edges[-1] + 8])
    clear = np.min(np.abs(values[:, None] - np.array(edges)), axis=1) > 1e-3
    return np.unique(values[clear])


@few
@given(pairs(), high_pressures, st.sampled_from(["compression", "decompression", "reversible"]))
def test_isothermal_entropy_change_over_temperature(pair, p, process):
    oracle, model = pair
    first, last = families(model, process)
    p_low, p_high = mp.mpf(model.pressure), mp.mpf(p)
    start, end = (p_high, p_low) if process == "decompression" else (p_low, p_high)
    T = probes(oracle, p_low, p_high)
    exact = np.array([float(oracle.entropy(mp.mpf(t), end, last) - oracle.entropy(mp.mpf(t), start, first)) for t in T])
    if process == "reversible":
        exact = np.maximum(exact, 0) if model.volume_change < 0 else np.minimum(exact, 0)
    curve = effect_of(model).entropy_change(megapascal(p), process, temperature=kelvin(T))
    assert curve.values == pytest.approx(exact, rel=RELATIVE, abs=1e-7)


@few
@given(pairs(), high_pressures, st.sampled_from(["compression", "decompression", "reversible"]))
def test_adiabatic_temperature_change_over_temperature(pair, p, process):
    oracle, model = pair
    first, last = families(model, process)
    p_low, p_high = mp.mpf(model.pressure), mp.mpf(p)
    start, end = (p_high, p_low) if process == "decompression" else (p_low, p_high)
    T = probes(oracle, p_low, p_high)
    exact = np.array(
        [float(oracle.isentropic(oracle.entropy(mp.mpf(t), start, first), end, last) - mp.mpf(t)) for t in T]
    )
    if process == "reversible":
        exact = np.minimum(exact, 0) if model.volume_change < 0 else np.maximum(exact, 0)
    curve = effect_of(model).temperature_change(megapascal(p), process, temperature=kelvin(T))
    assert curve.values == pytest.approx(exact, rel=RELATIVE, abs=1e-7)


@settings(few, max_examples=20)
@given(pairs())
def test_reversible_pressure_makes_the_branches_meet(pair):
    oracle, model = pair
    resting, moving = families(model, "reversible")
    p_0 = mp.mpf(model.pressure)
    goal = oracle.transition(p_0, resting)
    gap = lambda p: oracle.transition(p, moving) - goal  # noqa: E731
    low, high = p_0, p_0 + mp.mpf(200e6)
    up = model.volume_change > 0
    assume((gap(low) < 0) == up)
    assume((gap(high) > 0) == up)
    grid = [float(gap(low + (high - low) * i / 6)) for i in range(7)]
    assume(np.all(np.diff(grid) > 0) if up else np.all(np.diff(grid) < 0))
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if (gap(middle) < 0) == up else (low, middle)
    expected = float(low - p_0) / 1e6
    assert effect_of(model).reversible_pressure().value == pytest.approx(expected, rel=RELATIVE, abs=1e-5)


@few
@given(pairs(), high_pressures)
def test_equilibrium_line_obeys_clausius_clapeyron(pair, p):
    oracle, model = pair
    T = oracle.transition(mp.mpf(p), "equilibrium")
    ratio = oracle.difference("V", T, mp.mpf(p)) / oracle.difference("S", T, mp.mpf(p))
    found = effect_of(model).slope("equilibrium", megapascal(p))
    assert str(found.unit) == "K/MPa"
    assert found.value == pytest.approx(float(ratio) * 1e6, rel=RELATIVE, abs=1e-9)
    # and the line itself has that slope
    step = mp.mpf(1e-3)
    rise = oracle.transition(mp.mpf(p) + step, "equilibrium") - oracle.transition(mp.mpf(p) - step, "equilibrium")
    assert found.value == pytest.approx(float(rise / (2 * step)) * 1e6, rel=1e-6, abs=1e-9)


@few
@given(pairs(), high_pressures, branches)
def test_slope_of_a_branch_is_the_derivative_of_its_temperature(pair, p, branch):
    _, model = pair
    model = replace(model, barrier_heating_slope=2e-6, barrier_cooling_slope=-1e-6)
    step = 1e4
    try:
        rise = float(model.transition_temperature(p + step, branch) - model.transition_temperature(p - step, branch))
    except InputError:
        assume(False)
    assert float(model.slope(p, branch)) == pytest.approx(rise / (2 * step), rel=1e-5, abs=1e-12)


@few
@given(pairs(), high_pressures, st.floats(200, 500))
def test_phases_obey_the_maxwell_relation(pair, p, T):
    _, model = pair
    dp, dT = 1e5, 0.1
    for entropy, volume in (
        (model.delta_entropy, model.delta_volume),
        (model.low_entropy, model.low_volume),
    ):
        dS_dp = float(entropy(T, p + dp) - entropy(T, p - dp)) / (2 * dp)
        dV_dT = float(volume(T + dT, p) - volume(T - dT, p)) / (2 * dT)
        assert dS_dp == pytest.approx(-dV_dT, rel=1e-6, abs=1e-13)


@few
@given(pairs(), high_pressures, st.floats(200, 500))
def test_gibbs_energy_gives_entropy_and_volume_as_its_derivatives(pair, p, T):
    _, model = pair
    dp, dT = 1e5, 0.05
    dG_dT = float(model.delta_gibbs(T + dT, p) - model.delta_gibbs(T - dT, p)) / (2 * dT)
    dG_dp = float(model.delta_gibbs(T, p + dp) - model.delta_gibbs(T, p - dp)) / (2 * dp)
    assert -dG_dT == pytest.approx(float(model.delta_entropy(T, p)), rel=1e-5, abs=1e-4)
    assert dG_dp == pytest.approx(float(model.delta_volume(T, p)), rel=1e-6, abs=1e-11)


@few
@given(pairs(), st.floats(0, 100e6), branches)
def test_transition_pressure_inverts_transition_temperature(pair, p, branch):
    _, model = pair
    # both on a line that pressure moves one way only
    slopes = [float(model.slope(q, branch)) for q in np.linspace(0, 100e6, 9)]
    assume(min(np.abs(slopes)) > 1e-9)
    assume(len(set(np.sign(slopes))) == 1)
    T = float(model.transition_temperature(p, branch))
    found = model.transition_pressure(T, branch)
    assert float(model.transition_temperature(found, branch)) == pytest.approx(T, rel=1e-9)
    assert found == pytest.approx(p, rel=1e-6, abs=10.0)


@few
@given(pairs(), high_pressures, branches)
def test_entropy_of_transition_closes_over_pressure(pair, p, branch):
    """dS_t(p) = dS_t(p0) + dC ln(T_t(p)/T_t(p0)) - d(dV/dT) (p - p0)."""
    _, model = pair
    p_0 = model.pressure
    T, T_ref = (float(model.transition_temperature(q, branch)) for q in (p, p_0))
    expansion = model.high.expansion - model.low.expansion
    closed = (
        float(model.delta_entropy(T_ref, p_0)) + model.delta_heat_capacity * np.log(T / T_ref) - expansion * (p - p_0)
    )
    assert float(model.delta_entropy(T, p)) == pytest.approx(closed, rel=1e-9, abs=1e-9)


def test_card_without_hysteresis_or_slopes_has_one_straight_branch():
    model = TwoPhase.from_material(
        load("NH4SCN"),
        temperature_heating="350 K",
        temperature_cooling="350 K",
        slope_heating="-0.2952603 K/MPa",
    )
    line = [float(model.transition_temperature(p, "equilibrium")) for p in (0.1e6, 50e6, 100e6)]
    assert line == pytest.approx([350 - 3.8e-5 / 128.7 * (p - 0.1e6) for p in (0.1e6, 50e6, 100e6)], rel=1e-12)
    for branch in ("heating", "cooling"):
        assert float(model.transition_temperature(100e6, branch)) == pytest.approx(line[-1], abs=1e-5)


@pytest.mark.parametrize(
    ("overrides", "fragment"),
    [
        ({"entropy_change": "0 J/kg/K"}, "entropy_change must be greater than 0"),
        ({"entropy_change": "-5 J/kg/K"}, "entropy_change must be greater than 0"),
        ({"heat_capacity": "-1 J/kg/K"}, "heat_capacity must be greater than 0"),
        ({"heat_capacity": "1700 J"}, "has the unit J"),
        ({"heat_capacity": "1700"}, "has no unit"),
        ({"temperature_cooling": "370 K"}, "lies above temperature_heating"),
        ({"colour": "1 K"}, "cannot replace a value of the card"),
        ({"density": "0 kg/m^3"}, "density: must be greater than 0"),
        ({"density": "-1305 kg/m^3"}, "density: must be greater than 0"),
        ({"temperature_cooling": "-9 K"}, "temperature_cooling: must be greater than 0"),
        ({"temperature_heating": "-5 K", "temperature_cooling": "-9 K"}, "must be greater than 0"),
    ],
)
def test_a_wrong_override_is_refused_in_one_line(overrides, fragment):
    with pytest.raises(InputError) as caught:
        TwoPhase.from_material(load("NH4SCN"), **overrides)
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_temperature_that_no_pressure_reaches_is_refused():
    flat = TwoPhase(
        low=PhaseProperties(heat_capacity=1000.0),
        high=PhaseProperties(heat_capacity=1000.0, compression=1e-13),
        temperature=300.0,
        pressure=0.0,
        entropy_change=100.0,
        volume_change=1e-5,
        volume=1e-3,
    )
    # V(high) - V(low) changes sign at 100 MPa: the line turns round at 305 K
    assert float(flat.transition_temperature(100e6, "equilibrium")) == pytest.approx(305.0, abs=1e-9)
    with pytest.raises(InputError, match="no pressure moves the equilibrium transition to 310 K"):
        flat.transition_pressure(310.0, "equilibrium")
