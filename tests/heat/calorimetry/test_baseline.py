"""Baselines under a peak against peaks whose heat and baseline are known exactly."""

import numpy as np
import pytest
from scipy.special import ndtr

from caloris.errors import InputError
from caloris.heat.calorimetry.baseline import BASELINES, integrate

T_T, SPREAD, RATE = 330.0, 0.6, 0.05
TIME = np.linspace(0.0, 1000.0, 10001)
TEMPERATURE = 305.0 + RATE * TIME
FIRST, LAST = 4000, 6000
"""Limits 10 K apart, each 8 standard deviations from the summit."""
each_baseline = pytest.mark.parametrize("kind", BASELINES)


def fraction(T=TEMPERATURE):
    return ndtr((T - T_T) / SPREAD)


def bell(heat=40e3):
    """Heat flow of a transition with this latent heat, W/kg."""
    return heat * RATE * np.exp(-0.5 * ((TEMPERATURE - T_T) / SPREAD) ** 2) / (SPREAD * np.sqrt(2 * np.pi))


@each_baseline
def test_every_baseline_is_exact_under_a_straight_line(kind):
    found = integrate(TIME, TEMPERATURE, bell() + 80.0 + 0.01 * TIME, FIRST, LAST, kind)
    assert found.heat[0] == pytest.approx(40e3, rel=1e-9)
    entropy = np.trapezoid(bell() / TEMPERATURE, TIME)
    assert found.entropy[0] == pytest.approx(entropy, rel=1e-9)
    np.testing.assert_allclose(found.baseline[0], (80.0 + 0.01 * TIME)[FIRST : LAST + 1], rtol=1e-9)
    assert found.step[0] == pytest.approx(0.0, abs=1e-6)


@each_baseline
def test_cooling_has_the_same_size_and_the_other_sign(kind):
    up = integrate(TIME, TEMPERATURE, bell() + 80.0, FIRST, LAST, kind)
    down = integrate(TIME, TEMPERATURE, -bell() - 80.0, FIRST, LAST, kind)
    assert down.heat[0] == pytest.approx(-up.heat[0], rel=1e-12)
    assert down.entropy[0] == pytest.approx(-up.entropy[0], rel=1e-12)
    np.testing.assert_allclose(down.fraction[0], up.fraction[0], atol=1e-12)


def test_fraction_weighted_baseline_is_exact_for_a_step_in_heat_capacity():
    """C = (1 - x) C_low + x C_high: the peak is the excess over it."""
    x = fraction()
    baseline = RATE * (1500.0 + 300.0 * x)
    found = integrate(TIME, TEMPERATURE, bell() + baseline, FIRST, LAST, "fraction-weighted")
    assert found.heat[0] == pytest.approx(40e3, rel=1e-5)
    np.testing.assert_allclose(found.baseline[0], baseline[FIRST : LAST + 1], atol=1e-3 * baseline.max())
    np.testing.assert_allclose(found.fraction[0], x[FIRST : LAST + 1], atol=1e-3)
    assert found.step[0] == pytest.approx(RATE * 300.0, rel=1e-6)


def test_tangential_baseline_changes_sides_where_half_is_transformed():
    baseline = RATE * np.where(TEMPERATURE < T_T, 1500.0, 1800.0)
    found = integrate(TIME, TEMPERATURE, bell() + baseline, FIRST, LAST, "tangential")
    assert found.heat[0] == pytest.approx(40e3, rel=1e-3)
    T = TEMPERATURE[FIRST : LAST + 1]
    np.testing.assert_allclose(found.baseline[0][T < T_T - 0.1], RATE * 1500.0, rtol=1e-9)
    np.testing.assert_allclose(found.baseline[0][T > T_T + 0.1], RATE * 1800.0, rtol=1e-9)


def test_linear_baseline_under_a_step_is_the_chord():
    """Over a symmetric step the chord has the same area as the step."""
    baseline = RATE * (1500.0 + 300.0 * fraction())
    found = integrate(TIME, TEMPERATURE, bell() + baseline, FIRST, LAST, "linear")
    np.testing.assert_allclose(found.baseline[0], np.linspace(75.0, 90.0, LAST - FIRST + 1), rtol=1e-9)
    assert found.heat[0] == pytest.approx(40e3, rel=1e-6)


def test_spline_leaves_both_sides_with_their_slopes():
    left, right = 80.0 + 0.02 * TIME, 110.0 - 0.03 * (TIME - 600.0)
    flow = np.where(TIME < 500, left, right) + bell()
    b = integrate(TIME, TEMPERATURE, flow, FIRST, LAST, "spline").baseline[0]
    assert b[0] == pytest.approx(left[FIRST])
    assert b[-1] == pytest.approx(right[LAST])
    step = TIME[1] - TIME[0]
    assert (b[1] - b[0]) / step == pytest.approx(0.02, abs=2e-3)
    assert (b[-1] - b[-2]) / step == pytest.approx(-0.03, abs=2e-3)
    t = TIME[FIRST : LAST + 1]
    np.testing.assert_allclose(np.diff(b, 4), 0.0, atol=1e-9)  # a cubic
    assert len(t) == len(b)


def test_draws_are_integrated_as_if_each_were_alone():
    rng = np.random.default_rng(1)
    flow = bell() + 80.0 + rng.normal(0, 2.0, (4, len(TIME)))
    for kind in BASELINES:
        together = integrate(TIME, TEMPERATURE, flow, FIRST, LAST, kind)
        alone = [float(integrate(TIME, TEMPERATURE, row, FIRST, LAST, kind).entropy[0]) for row in flow]
        np.testing.assert_allclose(together.entropy, alone, rtol=1e-8)


def test_a_peak_without_sides_is_refused():
    with pytest.raises(InputError, match="fewer than three points beside it"):
        integrate(TIME, TEMPERATURE, bell(), 2, LAST)
    with pytest.raises(InputError, match="fewer than three points beside it"):
        integrate(TIME, TEMPERATURE, bell(), FIRST, len(TIME) - 3)
    with pytest.raises(InputError, match="is none of linear, tangential"):
        integrate(TIME, TEMPERATURE, bell(), FIRST, LAST, "flat")
