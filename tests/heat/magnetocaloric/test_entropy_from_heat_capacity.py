"""Entropy from heat capacity against a Curie paramagnet in a lattice, S = c ln T - C B^2 / (2 T^2)."""

import numpy as np
import pytest
import scipp as sc
from exact_magnets import axis, curie, magnet
from scipy.optimize import brentq

from caloris.errors import InputError
from caloris.heat.magnetocaloric import entropy_from_heat_capacity, maxwell_entropy_change, table

c, C = 10.0, 50.0
B = np.linspace(0, 5, 11)
T = np.linspace(8, 40, 641)


def capacity(errors=None):
    values = c + C * B[:, None] ** 2 / T**2
    return table(axis("field", B, "T"), axis("temperature", T, "K"), values, unit="J/kg/K", errors=errors)


def exact_anchor(temperature=T[0]):
    return axis("field", -C * B**2 / (2 * temperature**2), "J/kg/K")


def test_entropy_change_with_the_exact_anchor():
    found = entropy_from_heat_capacity(capacity(), anchor=exact_anchor()).entropy_change()
    np.testing.assert_allclose(found.values, -C * B[:, None] ** 2 / (2 * T**2), atol=1e-4)


def test_zero_anchor_shifts_every_entropy_change_by_what_it_leaves_out():
    result = entropy_from_heat_capacity(capacity(), anchor="zero")
    exact = -C * 25 / (2 * T**2)
    np.testing.assert_allclose(result.entropy_change("5 T").values, exact - exact[0], atol=1e-4)
    assert "assumed" in result.anchor
    assert "assumed" in repr(result)


def test_anchor_from_the_maxwell_relation_brings_both_routes_together():
    coarse = np.arange(10.0, 39.0, 0.5)
    changes = maxwell_entropy_change(magnet(B, coarse, curie(B, coarse, C)))
    result = entropy_from_heat_capacity(capacity(), anchor=changes)
    assert result.anchor_temperature.value == pytest.approx(10.25)
    found = result.entropy_change("5 T")
    exact = -C * 25 / (2 * T**2)
    np.testing.assert_allclose(found.values, exact, atol=5e-3 * np.abs(exact).max())


def test_adiabatic_temperature_change_is_the_exact_isentrope():
    found = entropy_from_heat_capacity(capacity(), anchor=exact_anchor()).temperature_change("5 T")
    for at in (0, 100, 300):
        start = T[at]
        end = brentq(lambda t: c * np.log(t / start) - C * 25 / (2 * t**2), start, 80)  # noqa: B023
        assert found.values[at] == pytest.approx(end - start, rel=1e-4)
    assert np.isnan(found.values[-1])  # its end lies above the last temperature


def test_temperature_change_lands_on_the_same_entropy():
    result = entropy_from_heat_capacity(capacity(), anchor=exact_anchor())
    low, high = result.entropy.values[0], result.entropy.values[-1]
    ends = T + result.temperature_change("5 T").values
    inside = np.isfinite(ends)
    np.testing.assert_allclose(np.interp(ends[inside], T, high), low[inside], atol=2e-4)


def test_constant_heat_capacity_is_integrated_in_closed_form_on_any_grid():
    coarse = table(
        axis("field", [0, 1], "T"), axis("temperature", [100, 200, 400], "K"), [[5.0] * 3, [4.0] * 3], unit="J/kg/K"
    )
    found = entropy_from_heat_capacity(coarse, anchor="zero")
    np.testing.assert_allclose(found.entropy.values[0], 5 * np.log([1, 2, 4]), rtol=1e-12)
    # 4 ln(T2/100) = 5 ln(T/100): T2 = 100 (T/100)^(5/4)
    change = found.temperature_change("1 T").values
    assert change[1] == pytest.approx(100 * 2**1.25 - 200, rel=1e-12)


def test_errors_of_heat_capacity_match_noise():
    rng = np.random.default_rng(3)
    grid = np.linspace(10, 20, 6)
    values = c + C * B[:, None] ** 2 / grid**2
    error = np.full(values.shape, 0.1)

    def of(cp, errors=None):
        made = table(axis("field", B, "T"), axis("temperature", grid, "K"), cp, unit="J/kg/K", errors=errors)
        return entropy_from_heat_capacity(made, anchor="zero").entropy_change("5 T")

    spread = np.sqrt(of(values, error).variances)
    draws = [of(values + error * rng.standard_normal(values.shape)).values for _ in range(2000)]
    np.testing.assert_allclose(np.std(draws, axis=0), spread, rtol=0.08, atol=1e-12)
    assert spread[0] == 0  # the anchor


@pytest.mark.parametrize(
    ("anchor", "message"),
    [
        ("lowest", "anchor: expected 'zero'"),
        (axis("field", [0.0, 1.0], "J/kg/K"), "expected 11 values"),
        (axis("field", np.ones(11), "J/kg/K"), "0 for the lowest field"),
        (axis("field", np.zeros(11), "K"), "anchor: is in K"),
        (maxwell_entropy_change(magnet(B, [300, 310], curie(B, [300, 310]))), "none of its temperatures"),
        (maxwell_entropy_change(magnet(B[:5], [10, 12], curie(B[:5], [10, 12]))), "counts from 0 T up to 2 T"),
        (
            maxwell_entropy_change(magnet(B, [10, 12], curie(B, [10, 12])), field_change="1 T"),
            "expected entropy changes",
        ),
    ],
)
def test_anchors_that_do_not_fit_are_refused(anchor, message):
    with pytest.raises(InputError, match=message):
        entropy_from_heat_capacity(capacity(), anchor=anchor)


def test_field_change_beyond_the_heat_capacity_is_refused():
    result = entropy_from_heat_capacity(capacity(), anchor="zero")
    with pytest.raises(InputError, match="more than the table has"):
        result.entropy_change("6 T")
    with pytest.raises(InputError, match="greater than 0"):
        result.temperature_change(sc.scalar(0.0, unit="T"))
