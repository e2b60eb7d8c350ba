"""The caloric effect of exact synthetic simulations against the two-phase model that made them.

Without noise the phases come back exactly; the place of the transition only as well as the grid tells it.
"""

from functools import cache

import numpy as np
import pytest
import scipp as sc
from exact_simulations import BRANCHES, material, simulate, truth

from caloris.heat import CaloricEffect
from caloris.heat.processes import PROCESSES, entropy_difference, temperature_difference
from caloris.heat.simulated import analyse, from_campaign

PRESSURES = (0.0, 50.0, 100.0, 150.0, 200.0)
STEP = 4.0
LOW, HIGH = 0.0, 200e6
CASES = [(sign, hysteresis) for sign in (1, -1) for hysteresis in (0.0, 15.0)]
every_case = pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{'conventional' if c[0] > 0 else 'inverse'}-{c[1]:g}K"
)


@cache
def analysed(case):
    sign, hysteresis = case
    model = material(sign, hysteresis, compression=(1e-13, 1.1e-13))
    T = np.arange(250.3 if sign < 0 else 300.3, 440.0, STEP)
    histories = BRANCHES if hysteresis else ("equilibrium",)
    return model, histories, analyse(simulate(model, PRESSURES, T, histories), draws=0)


def away_from_steps(models, T, p, width):
    edges = [float(s.transition_temperature(q, b)) for s in models for q in (LOW, p) for b in BRANCHES]
    return np.min([np.abs(T - edge) for edge in edges], axis=0) > width


@every_case
def test_every_transition_lies_within_half_a_step_of_the_truth(case):
    model, histories, result = analysed(case)
    assert len(result.transitions) == len(PRESSURES) * len(histories)
    for row in result.transitions:
        true = float(model.transition_temperature(row.pressure.value * 1e6, row.history))
        assert row.where == "inside"
        assert abs(row.temperature.value - true) <= 0.5 * STEP
        assert row.interval[0] <= true <= row.interval[1]
        assert row.standard_error.value == pytest.approx(STEP / np.sqrt(12))
        assert abs(row.on_branch.value - true) <= 0.5 * STEP


@every_case
def test_phases_and_changes_at_the_transition(case):
    """At T_t as found, not as it is: dH, dV, dS, Cp and expansion there are those of the model."""
    model, _, result = analysed(case)
    for row in result.transitions:
        T, p = row.on_branch.value, row.pressure.value * 1e6
        assert row.enthalpy_change.value == pytest.approx(float(model.delta_enthalpy(T, p)), rel=1e-6)
        assert row.volume_change.value == pytest.approx(float(model.delta_volume(T, p)), rel=1e-6)
        for word in ("low", "high"):
            phase = getattr(model, word)
            assert row.heat_capacity[word].value == pytest.approx(phase.heat_capacity, rel=1e-6)
            assert row.expansion[word].value == pytest.approx(phase.expansion, rel=1e-6)


@every_case
def test_entropy_of_transition_is_that_of_state_whatever_the_hysteresis(case):
    """dH/T differs from it by what the barrier dissipates; the mean of heating and cooling does not."""
    model, histories, result = analysed(case)
    exact = truth(model, PRESSURES, histories)
    for row in result.transitions:
        dS = exact[f"entropy of transition, {row.name}"]
        error = dS * 0.5 * STEP / row.on_branch.value  # dH/T at a T that is half a step off
        assert row.entropy_change.value == pytest.approx(dS, abs=error + 0.002 * dS)
        heat = row.enthalpy_change.value / row.on_branch.value
        assert row.heat_over_temperature.value == pytest.approx(heat, rel=1e-12)
    if len(histories) == 2:
        late = {row.history: row.heat_over_temperature.value - row.entropy_change.value for row in result.transitions}
        barrier = model.barrier_heating / 350
        assert late["heating"] == pytest.approx(-barrier, rel=0.5)
        assert late["cooling"] == pytest.approx(barrier, rel=0.5)


@every_case
@pytest.mark.parametrize("p", [50e6, 120e6, HIGH], ids=lambda p: f"{p / 1e6:g}MPa")
def test_entropy_and_temperature_change_of_every_process(case, p):
    model, _, result = analysed(case)
    T = np.linspace(280 if case[0] < 0 else 320, 420, 500)
    far = away_from_steps((model, result.surfaces), T, p, 0.5 * STEP)
    dS_t = model.entropy_change
    for process in PROCESSES:
        found, true = (entropy_difference(s, T, p, LOW, process) for s in (result.surfaces, model))
        assert np.abs(found - true)[far].max() < 0.01 * dS_t
        found, true = (temperature_difference(s, T, p, LOW, process) for s in (result.surfaces, model))
        assert np.abs(found - true)[far].max() < STEP


@every_case
def test_signs_are_those_of_the_model(case):
    sign, _ = case
    _, _, result = analysed(case)
    effect = result.effect
    assert effect.surfaces.is_inverse == (sign < 0)
    dS = effect.entropy_change("200 MPa").values
    dT = effect.temperature_change("200 MPa").values
    # a conventional material gives off heat when it is pressed
    assert (dS.min() < -100) == (sign > 0)
    assert (dT.min() < -10) == (sign < 0)


@every_case
def test_simulation_overlays_the_card(case):
    model, _, result = analysed(case)
    card = CaloricEffect("card", model).merits("200 MPa", low_pressure="0 MPa")
    found = result.effect.merits("200 MPa")
    for name in ("entropy_change", "temperature_change", "reversible_entropy_change", "integrated_entropy_change"):
        allowed = 0.1 if name == "integrated_entropy_change" else 0.02
        assert found[name].value.value == pytest.approx(card[name].value.value, rel=allowed)
    assert result.effect.plot(["100 MPa", "200 MPa"]) is not None


def test_one_history_is_an_upper_bound_and_two_are_reversible():
    one = analysed((1, 0.0))[2]
    two = analysed((1, 15.0))[2]
    assert one.effect.reversibility("compression") == two.effect.reversibility("compression") == "one-branch"
    assert one.effect.reversibility("reversible") == "upper bound"
    assert two.effect.reversibility("reversible") == "reversible"
    assert any("hysteresis: not known" in line for line in one.warnings())
    heating_only = simulate(material(1, 15.0), PRESSURES, np.arange(300, 440, 4.0), ("heating",))
    assert any("only heating was simulated" in line for line in from_campaign(heating_only).warnings("100 MPa"))


def test_a_pressure_at_which_nothing_transforms_within_the_grid_follows_clausius_clapeyron():
    """As in 475 K, 0 -> 0.4 GPa of Li2B12H12: the low phase stays, and dS = - dS_t - int dV/dT dp."""
    model = material(1, 0.0, entropy_change=170.0, heat_capacity=4300.0, slope=0.25, temperature=437.0)
    T = np.arange(380.0, 500.0, 10.0)
    result = analyse(simulate(model, (0.0, 400.0), T, ("equilibrium",)), draws=0)
    assert [row.where for row in result.transitions] == ["inside", "above the grid"]
    assert result.model.branches["equilibrium"].kind == "clausius-clapeyron"
    at = sc.array(dims=["temperature"], values=[475.0], unit="K")
    found = result.effect.entropy_change("400 MPa", temperature=at).values
    true = entropy_difference(model, np.array([475.0]), 400e6, 0.0, "compression")
    assert found[0] == pytest.approx(true[0], rel=0.01)
    assert any("extrapolated" in line for line in result.effect.warnings("400 MPa"))
    phase_diagram = result.plot().axes[0]
    arrows = [line for line in phase_diagram.lines if "arrow" in str(line.get_marker())]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in arrows] == [(400.0, T[-1])]
    volumes = result.isobars_figure().axes[0]
    drawn = [line.get_ydata() for line in volumes.lines if len(line.get_xdata()) == 60]
    assert len(drawn) == 3  # both phases at zero pressure, the low one at 400 MPa


def test_a_grid_too_coarse_for_the_slope_takes_it_from_volume_and_entropy():
    model = material(1, 0.0, slope=0.05)
    result = analyse(simulate(model, (0.0, 20.0, 40.0), np.arange(285.0, 430.0, 10.0), ("equilibrium",)), draws=0)
    assert result.model.branches["equilibrium"].kind == "clausius-clapeyron"
    assert result.headline["slope, equilibrium"].value == pytest.approx(0.05, rel=0.03)
    assert any("too coarse to see" in line for line in result.warnings())


def test_temperatures_may_differ_from_pressure_to_pressure():
    """A grid refined around each transition, holes elsewhere: T_t is known as well as the fine grid tells it."""
    model = material(1, 0.0)
    coarse = np.arange(300.0, 440.0, 10.0)
    fine = {
        p: np.round(float(model.transition_temperature(p * 1e6, "equilibrium"))) + np.arange(-3, 4) for p in PRESSURES
    }
    T = np.unique(np.concatenate([coarse, *fine.values()]))
    table = simulate(model, PRESSURES, T, ("equilibrium",))
    hole = np.array([[t not in coarse and t not in fine[p] for t in T] for p in PRESSURES])[None]
    for name in ("specific_volume", "specific_enthalpy"):
        table[name].masks["not simulated"] = sc.array(dims=["history", "pressure", "temperature"], values=hole)
    result = analyse(table, draws=0)
    for row in result.transitions:
        true = float(model.transition_temperature(row.pressure.value * 1e6, "equilibrium"))
        assert abs(row.temperature.value - true) <= 0.5
    dS = result.effect.entropy_change("200 MPa").values
    true = CaloricEffect("card", model).entropy_change("200 MPa", low_pressure="0 MPa").values
    assert np.abs(dS).max() == pytest.approx(np.abs(true).max(), rel=2e-3)


def test_a_quantum_correction_of_both_phases_raises_the_temperature_change_and_keeps_the_entropy_change():
    model = material(1, 0.0, entropy_change=60.0)
    table = simulate(model, PRESSURES, np.arange(300, 440, 4.0), ("equilibrium",))
    correction = sc.DataArray(
        sc.array(dims=["temperature"], values=[-700.0, -500.0], unit="J/kg/K"),
        coords={"temperature": sc.array(dims=["temperature"], values=[300.0, 440.0], unit="K")},
    )
    T = sc.array(dims=["temperature"], values=[330.0, 360.0, 430.0], unit="K")
    plain = analyse(table, draws=0)
    quantum = analyse(table, heat_capacity_correction=correction, draws=0)
    dS = [result.effect.entropy_change("200 MPa", temperature=T).values for result in (plain, quantum)]
    np.testing.assert_allclose(dS[1], dS[0], rtol=1e-3)
    dT = [result.effect.temperature_change("200 MPa", temperature=T).values for result in (plain, quantum)]
    # far from the transition dT = T e dp / Cp, and Cp falls from 1600 to about 960
    exact = 1600 / (1600 - 700 + 200 * 32 / 140)
    assert dT[1][0] / dT[0][0] == pytest.approx(exact, rel=0.02)
    assert dT[1][1] > 1.2 * dT[0][1]
    assert any("heat capacities are classical" in line for line in plain.warnings())
    assert not any("classical" in line for line in quantum.warnings())


def test_result_as_numbers_figures_and_files(tmp_path):
    import json

    model = material(1, 12.0)
    table = simulate(model, (0.0, 100.0, 200.0), np.arange(300, 450, 10.0), volume=2e-7, enthalpy=300)
    result = analyse(table, heat_capacity="1600 J/kg/K", draws=50)
    paths = result.save(tmp_path / "out")
    assert all(path.stat().st_size > 0 for path in paths)
    numbers = json.loads((tmp_path / "out" / "simulated.json").read_text())
    assert len(numbers["transitions"]) == 6
    curve = next(c for c in numbers["entropy_change"] if c["process"] == "compression")
    assert np.all(np.array(curve["interval_68"][0]) <= np.array(curve["interval_68"][1]))
    assert numbers["headline"]["hysteresis, 0 MPa"]["value"] == pytest.approx(12.0, abs=10.0)
    words = result.summary()
    assert "middle of the interval" in words
    assert "constant Cp of 1600" in words
    again = analyse(table, heat_capacity="1600 J/kg/K", draws=50)
    assert again.to_json() == result.to_json()
