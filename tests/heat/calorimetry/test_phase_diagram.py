"""Lines of the phase diagram fitted with errors in both axes: against York's solution and exact parabolas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caloris.errors import InputError
from caloris.heat.calorimetry import fit_line

PEARSON_X = np.array([0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4])
PEARSON_Y = np.array([5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5])
YORK_WEIGHT_X = np.array([1000.0, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1.0])
YORK_WEIGHT_Y = np.array([1.0, 1.8, 4, 8, 20, 20, 70, 70, 100, 500])
PRESSURES = np.array([0.1, 20, 40, 60, 80, 100]) * 1e6


def york():
    return fit_line(PEARSON_X * 1e6, PEARSON_Y, 1e6 / np.sqrt(YORK_WEIGHT_X), 1 / np.sqrt(YORK_WEIGHT_Y))


def test_pearsons_data_with_yorks_weights():
    """York, Evensen, Martinez, De Basabe Delgado, Am. J. Phys. 72, 367 (2004), table II."""
    line = york()
    assert float(line.slope(0.0)) * 1e6 == pytest.approx(-0.4805, abs=5e-5)
    assert float(line.temperature(0.0)) == pytest.approx(5.4799, abs=5e-5)
    assert line.reduced_chi_square == pytest.approx(11.866 / 8, abs=1e-3)
    # other conventions for the errors give 0.0577 and 0.292
    assert line.slope_error * 1e6 == pytest.approx(0.0580, abs=5e-4)
    assert float(np.sqrt(line.covariance[0, 0])) == pytest.approx(0.2950, abs=3e-3)


def test_the_fit_does_not_depend_on_the_order_of_the_points():
    order = np.random.default_rng(1).permutation(len(PEARSON_X))
    again = fit_line(
        PEARSON_X[order] * 1e6,
        PEARSON_Y[order],
        1e6 / np.sqrt(YORK_WEIGHT_X[order]),
        1 / np.sqrt(YORK_WEIGHT_Y[order]),
    )
    np.testing.assert_allclose(again.coefficients, york().coefficients, rtol=1e-7)


def test_axes_exchanged_give_the_same_line():
    """With errors in both axes no axis is the independent one: p(T) is T(p) turned round."""
    turned = fit_line(PEARSON_Y * 1e6, PEARSON_X, 1e6 / np.sqrt(YORK_WEIGHT_Y), 1 / np.sqrt(YORK_WEIGHT_X))
    assert 1 / (float(turned.slope(0.0)) * 1e6) == pytest.approx(float(york().slope(0.0)) * 1e6, rel=1e-6)


@given(
    st.floats(250, 450),
    st.floats(-0.5, 0.5),
    st.just(0.0) | st.floats(1e-4, 0.5),
    st.just(0.0) | st.floats(1.0, 1e6),
)
def test_points_on_a_line_give_the_line(T_0, slope, sigma_T, sigma_p):
    T = T_0 + slope * 1e-6 * PRESSURES
    line = fit_line(PRESSURES, T, sigma_p, sigma_T)
    assert float(line.slope(50e6)) * 1e6 == pytest.approx(slope, abs=1e-9)
    np.testing.assert_allclose(line.temperature(PRESSURES), T, atol=1e-9)
    assert float(line.temperature(200e6)) == pytest.approx(T_0 + 200 * slope, abs=1e-7)


@given(st.floats(250, 450), st.floats(-0.5, 0.5), st.floats(-1e-3, 1e-3), st.sampled_from([0.0, 0.1]))
def test_points_on_a_parabola_give_the_parabola(T_0, slope, bend, sigma):
    x = PRESSURES * 1e-6
    T = T_0 + slope * x + bend * x**2
    line = fit_line(PRESSURES, T, sigma * 1e6, sigma, "quadratic")
    np.testing.assert_allclose(line.temperature(PRESSURES), T, atol=1e-7)
    for p in (0.0, 50e6, 150e6):
        assert float(line.slope(p)) * 1e6 == pytest.approx(slope + 2 * bend * p * 1e-6, abs=1e-7)


def test_without_errors_it_is_least_squares_with_its_scatter():
    rng = np.random.default_rng(2)
    T = 360 - 0.3e-6 * PRESSURES + 0.1 * rng.standard_normal(6)
    line = fit_line(PRESSURES, T)
    coefficients, covariance = np.polyfit(PRESSURES * 1e-6, T, 1, cov=True)
    assert float(line.slope(0.0)) * 1e6 == pytest.approx(coefficients[0], rel=1e-9)
    assert line.slope_error * 1e6 == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-9)
    assert np.isnan(line.reduced_chi_square)


@pytest.mark.parametrize("shape", ["linear", "quadratic"])
def test_stated_errors_are_those_of_repeated_experiments(shape):
    rng = np.random.default_rng(3)
    slopes, errors = [], []
    for _ in range(300):
        p = PRESSURES + 0.4e6 * rng.standard_normal(6)
        T = 360 - 0.3e-6 * PRESSURES + 0.1 * rng.standard_normal(6)
        line = fit_line(p, T, 0.4e6, 0.1, shape)
        slopes.append(float(line.slope(0.1e6)))
        errors.append(line.slope_error)
    assert np.mean(slopes) == pytest.approx(-0.3e-6, abs=4 * np.std(slopes) / np.sqrt(300))
    assert np.std(slopes) == pytest.approx(np.mean(errors), rel=0.12)


def test_an_error_in_pressure_counts_by_the_slope():
    T = 360 - 0.3e-6 * PRESSURES
    by_pressure = fit_line(PRESSURES, T, 1e6, 0.0).slope_error
    by_temperature = fit_line(PRESSURES, T, 0.0, 0.3).slope_error
    assert by_pressure == pytest.approx(by_temperature, rel=1e-9)


@pytest.mark.parametrize(
    ("pressures", "shape", "words"),
    [
        ([1e6], "linear", "needs 2 pressures, there are 1"),
        ([1e6, 1e6, 1e6], "linear", "needs 2 pressures, there are 1"),
        ([1e6, 2e6, 2e6], "quadratic", "needs 3 pressures, there are 2"),
        ([1e6, 2e6, 3e6], "cubic", "neither 'linear' nor 'quadratic'"),
    ],
)
def test_too_few_pressures_are_refused(pressures, shape, words):
    with pytest.raises(InputError, match=words):
        fit_line(np.array(pressures), np.linspace(300, 310, len(pressures)), shape=shape)
