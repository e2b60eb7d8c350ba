"""Order of the transition of exact models: Landau of first and second order, Weiss ferromagnet, Curie paramagnet."""

import numpy as np
import pytest
import scipp as sc
from exact_magnets import axis, curie, landau, magnet, weiss

from caloris.errors import InputError
from caloris.heat.magnetocaloric import arrott_plot, field_exponent, maxwell_entropy_change, universal_curve

FIRST = {"a": 0.01, "b": -2e-5, "c": 1.5e-8, "T0": 300.0}
"""Transition in zero field at a (T - T0) = 3 b^2 / (16 c): 300.5 K; M jumps to sqrt(-3b/4c) = 31.6 A m2/kg."""


def changes(B, T, entropy):
    """Entropy change as a data array, straight from the exact entropy."""
    data = sc.array(dims=["field", "temperature"], values=entropy - entropy[0], unit="J/kg/K")
    return sc.DataArray(data, coords={"field": axis("field", B, "T"), "temperature": axis("temperature", T, "K")})


def test_curie_paramagnet_has_exponent_2():
    B, T = np.linspace(0, 2, 21), np.linspace(290, 300, 3)
    found = maxwell_entropy_change(magnet(B, T, curie(B, T)))
    np.testing.assert_allclose(field_exponent(found, method="fit").values, 2.0, rtol=1e-9)
    np.testing.assert_allclose(field_exponent(found).values, 2.0, rtol=1e-9)


def test_weiss_ferromagnet_has_exponents_1_two_thirds_and_2():
    B = np.concatenate([[0.0], np.geomspace(0.01, 0.1, 11)])
    T = np.array([150.0, 300.0, 450.0])
    n = field_exponent(changes(B, T, weiss(B, T)[1])).values[5]
    assert n == pytest.approx([1.0, 2 / 3, 2.0], abs=0.01)  # deep below, at, far above the Curie temperature


def test_second_order_never_exceeds_2_and_first_order_does():
    B = np.linspace(0, 2, 81)
    T = np.arange(297.0, 312.0, 0.5)
    second = field_exponent(changes(B, T, landau(B, T, T0=300.0)[1]))
    assert np.nanmax(second.values) <= 2.0 + 1e-3
    first = field_exponent(changes(B, T, landau(B, T, **FIRST)[1]))
    above = T > 300.5
    assert np.nanmax(first.values[:, above]) > 2.5


def test_first_order_shows_in_the_exponent_of_a_maxwell_entropy_change_too():
    B, T = np.linspace(0, 2, 81), np.arange(297.0, 312.0, 0.25)
    M, _ = landau(B, T, **FIRST)
    assert np.nanmax(field_exponent(maxwell_entropy_change(magnet(B, T, M))).values) > 2.5


def test_arrott_plot_of_landau_gives_its_coefficients_back():
    B, T = np.linspace(0, 2, 21), np.arange(290.0, 311.0, 2.0)
    plot = arrott_plot(magnet(B, T, landau(B, T, a=0.01, b=1e-5, T0=301.3)[0]))
    assert plot.curie_temperature.value == pytest.approx(301.3, abs=1e-6)
    np.testing.assert_allclose(plot.slope.values, 1e-5, rtol=1e-6)
    np.testing.assert_allclose(plot.intercept.values, 0.01 * (T - 301.3), atol=1e-8)
    assert plot.order == "second"
    assert str(plot.ratio.unit) == "T*kg/A/m^2"


def test_arrott_plot_of_a_weiss_ferromagnet_finds_its_curie_temperature():
    """Higher powers of M, which the straight lines leave out, fade as the field goes down."""
    found = []
    for highest in (1.0, 0.25, 0.0625):
        B, T = np.linspace(0, highest, 21), np.arange(290.0, 311.0, 2.0)
        plot = arrott_plot(magnet(B, T, weiss(B, T)[0]))
        assert plot.order == "second"
        found.append(abs(plot.curie_temperature.value - 300.0))
    assert found[0] < 0.25
    assert found[2] < 0.03
    assert found[0] > found[1] > found[2]


def test_banerjee_marks_the_first_order_landau_magnet():
    B, T = np.linspace(0, 2, 81), np.arange(297.0, 312.0, 0.5)
    plot = arrott_plot(magnet(B, T, landau(B, T, **FIRST)[0]))
    assert plot.order == "first"
    assert any("first order" in line for line in plot.remarks)
    # b < 0 and a (T - T0) < 9 b^2 / 20 c, where B(M) folds over, bounds the S shape: T < 301.2 K
    assert plot.negative_slope.values[(T > 300.5) & (T < 301.2)].all()


def test_arrott_plot_of_a_paramagnet_has_no_curie_temperature():
    B, T = np.linspace(0, 2, 11), np.array([290.0, 300.0, 310.0])
    x = B[:, None] / T
    plot = arrott_plot(magnet(B, T, 100 * np.tanh(20 * x)))
    assert plot.curie_temperature is None
    assert "unknown" in repr(plot)


def test_flat_or_noisy_isotherms_are_not_taken_for_a_first_order_transition():
    B, T = np.linspace(0, 2, 41), np.linspace(290, 310, 11)
    assert arrott_plot(magnet(B, T, curie(B, T))).order == "second"  # B/M is constant
    M = curie(B, T)
    error = np.full(M.shape, 5e-4)  # 150 % of M at the lowest field, 4 % at the highest
    noisy = M + error * np.random.default_rng(2).standard_normal(M.shape)
    assert (noisy[1] <= 0).any()
    assert arrott_plot(magnet(B, T, noisy, errors=error)).order == "second"
    assert arrott_plot(magnet(B, T, noisy)).order == "first"  # without errors, noise looks like it


def test_second_order_collapses_to_a_universal_curve_and_first_order_does_not():
    B, T = np.array([0.0, 0.5, 1.0, 2.0]), np.arange(270.0, 350.0, 0.1)
    second = universal_curve(changes(B, T, landau(B, T, a=0.01, b=1e-5)[1]))
    assert second.curve.sizes["field"] == 3
    assert second.dispersion.value < 0.01
    first = universal_curve(changes(B, T, landau(B, T, **FIRST)[1]))
    assert first.dispersion.value > 0.1


def test_fields_with_a_cut_peak_are_left_out_of_the_universal_curve():
    B, T = np.array([0.0, 0.05, 0.1, 2.0]), np.arange(295.0, 305.0, 0.1)
    found = universal_curve(changes(B, T, landau(B, T, a=0.01, b=1e-5)[1]))
    np.testing.assert_allclose(found.dropped_fields.values, [2.0])


def test_sign_change_and_wrong_input_give_no_exponent():
    B, T = np.array([0.0, 1.0, 2.0, 3.0]), np.array([300.0])
    n = field_exponent(changes(B, T, np.array([[0.0], [-1.0], [1.0], [3.0]])))
    assert np.isnan(n.values[:2, 0]).all()
    assert np.isnan(field_exponent(changes(B, T, np.array([[0.0], [-1.0], [1.0], [3.0]])), method="fit").values[0])
    low = maxwell_entropy_change(magnet([1.0, 2, 3, 4], [290, 300], curie([1.0, 2, 3, 4], [290, 300])))
    with pytest.raises(InputError, match="must count from 0"):
        field_exponent(low)
    few = maxwell_entropy_change(magnet([0.0, 1, 2], [290, 300], curie([0.0, 1, 2], [290, 300])))
    with pytest.raises(InputError, match="at least 3 increasing fields"):
        field_exponent(few)
    with pytest.raises(InputError, match="expected a data array over"):
        field_exponent(few["field", 1])
    with pytest.raises(InputError, match="method: expected"):
        field_exponent(low.drop_coords("initial_field"), method="cubic")
    with pytest.raises(InputError, match="level"):
        universal_curve(few, level=1.0)
    with pytest.raises(InputError, match="fields: only 1 field"):
        arrott_plot(magnet([0.0, 1, 2], [290, 300], curie([0.0, 1, 2], [290, 300])), fields=("1.5 T", "2 T"))
