"""Quasi-direct from enthalpies against Maxwell from volumes: they agree on consistent tables, and only there."""

import numpy as np
import pytest
from exact_simulations import BRANCHES, material, simulate

from caloris.heat.processes import entropy_difference
from caloris.heat.simulated import analyse

T = np.arange(300.0, 460.0, 10.0)
PRESSURES = np.arange(0.0, 201.0, 25.0)


def result_of(change=None, *, sign=1, hysteresis=10.0, seed=1, draws=60, **options):
    grid = T if sign > 0 else T - 70
    table = simulate(material(sign, hysteresis), PRESSURES, grid, volume=3e-7, enthalpy=400, seed=seed)
    if change is not None:
        change(table)
    return analyse(table, draws=draws, **options)


def disagreeing(result):
    return [finding.quantity for finding in result.closure if not finding.agrees]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("hysteresis", [4.0, 20.0])
def test_consistent_tables_close(sign, hysteresis):
    result = result_of(sign=sign, hysteresis=hysteresis)
    assert len(result.closure) == 7
    assert disagreeing(result) == []


def test_volumes_that_change_twice_as_much_do_not_close():
    def double(table):
        V = table["specific_volume"]
        V.values[:] = 7.6e-4 + 2 * (V.values - 7.6e-4)

    result = result_of(double)
    found = disagreeing(result)
    assert sum("area under dS(T)" in name for name in found) == 2
    assert sum("mean dT/dp" in name for name in found) == 2
    assert any("does not close" in line for line in result.warnings())


def test_an_energy_without_p_v_is_recognised():
    def energy(table):
        p = table.coords["pressure"].values[None, :, None] * 1e6
        table["specific_enthalpy"].values[:] -= p * table["specific_volume"].values

    result = result_of(energy)
    assert sum("enthalpy of the" in name for name in disagreeing(result)) == 2
    assert any("is it an energy instead of an enthalpy" in line for line in result.warnings())


def test_maxwell_on_the_grid_gives_the_area_of_the_exact_effect():
    """Pointwise the grid makes it jagged; the area under it is known, - int [V(T_2, p) - V(T_1, p)] dp."""
    model = material(1, 0.0)
    result = analyse(simulate(model, PRESSURES, T, ("equilibrium",)), draws=0)
    route = result.indirect["equilibrium"].entropy_change
    at, dS = route.coords["temperature"].values, route.values[-1]
    width = np.diff(T)
    fine = np.linspace(T[0], T[-1], 20001)
    exact = np.trapezoid(entropy_difference(model, fine, 200e6, 0.0, "compression"), fine)
    assert float(np.sum(dS * width)) == pytest.approx(exact, rel=0.002)
    assert len(at) == len(width)


def test_without_a_transition_between_the_points_maxwell_on_the_grid_is_exact():
    model = material(1, 0.0)
    result = analyse(simulate(model, PRESSURES, T, ("equilibrium",)), draws=0)
    route = result.indirect["equilibrium"].entropy_change
    at = route.coords["temperature"].values
    low, high = at < 335, at > 420
    assert route.values[-1][low] == pytest.approx(-model.low.expansion * 200e6, rel=1e-6)
    assert route.values[-1][high] == pytest.approx(-model.high.expansion * 200e6, rel=1e-6)


def test_stated_error_of_the_grid_holds_what_the_grid_makes():
    """Materials whose transition lies anywhere between the points: error over stated error has unit mean square."""
    rng = np.random.default_rng(8)
    ratios = []
    for _ in range(16):
        model = material(1, 0.0, temperature=350 + rng.uniform(-5, 5), slope=rng.uniform(0.25, 0.35))
        result = analyse(simulate(model, PRESSURES, T, ("equilibrium",)), draws=0)
        route = result.indirect["equilibrium"]
        at = route.entropy_change.coords["temperature"].values
        exact = entropy_difference(model, at, 200e6, 0.0, "compression")
        inside = (at > 365) & (at < 390)
        ratios += ((route.entropy_change.values[-1] - exact) / route.discretisation.values[-1])[inside].tolist()
    assert 0.7 < np.sqrt(np.mean(np.square(ratios))) < 1.3


def test_published_form_uses_one_heat_capacity():
    result = result_of(heat_capacity="4100 J/kg/K", draws=0)
    for branch in BRANCHES:
        route = result.indirect[branch]
        at = route.entropy_change.coords["temperature"].values
        published = route.published_temperature_change.values[-1]
        np.testing.assert_allclose(published, -at / 4100 * route.entropy_change.values[-1], rtol=1e-12)
        simulated = route.temperature_change.values[-1]
        ratio = simulated[0] / published[0]  # far below the transition: the low phase alone
        assert ratio == pytest.approx(4100 / 1600, rel=0.02)


def test_errors_of_maxwell_are_those_of_the_volumes():
    """Of a difference over 10 K between two points of 3e-7 m3/kg, summed over nine pressures by trapezoids."""
    result = result_of(draws=80)
    route = result.indirect["heating"].entropy_change
    weights = 25e6 * np.r_[0.5, np.ones(7), 0.5]
    exact = np.sqrt(2) * 3e-7 / 10 * np.sqrt(np.sum(weights**2))
    assert np.sqrt(np.median(route.variances[-1])) == pytest.approx(exact, rel=0.15)
