"""Errors of correlated series, on AR(1): x(k+1) = phi x(k) + noise, whose mean has an exactly known variance."""

import numpy as np
import pytest
import scipp as sc
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from caloris.atoms.block_statistics import (
    autocorrelation,
    average,
    block_error,
    equilibration,
    statistical_inefficiency,
)
from caloris.errors import InputError


def autoregressive(phi, count, rng, start=None):
    """Unit noise; starts in equilibrium unless told otherwise."""
    noise = rng.standard_normal(count)
    noise[0] = noise[0] / np.sqrt(1 - phi**2) if start is None else start
    return lfilter([1.0], [1.0, -phi], noise)


def variance_of_mean(phi, count):
    """Exact: sigma^2/N (1 + 2 sum (1 - t/N) phi^t), sigma^2 = 1/(1 - phi^2)."""
    t = np.arange(1, count)
    return (1 + 2 * np.sum((1 - t / count) * phi**t)) / (1 - phi**2) / count


def array(values, unit="K"):
    return sc.DataArray(sc.array(dims=["time"], values=values, unit=unit))


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.98])
def test_inefficiency_and_errors_are_those_of_the_exact_autoregression(phi):
    rng = np.random.default_rng(7)
    count, repeats = 20000, 20
    series = [autoregressive(phi, count, rng) for _ in range(repeats)]
    g = np.mean([statistical_inefficiency(x) for x in series])
    assert g == pytest.approx((1 + phi) / (1 - phi), rel=0.07)
    exact = np.sqrt(variance_of_mean(phi, count))
    blocks = [block_error(x) for x in series]
    assert all(b.converged for b in blocks)
    assert np.mean([b.error for b in blocks]) == pytest.approx(exact, rel=0.06)
    # what a block error says of itself is how it scatters
    scatter = np.std([b.error for b in blocks], ddof=1)
    assert 0.5 < scatter / np.mean([b.uncertainty for b in blocks]) < 1.7
    assert np.mean([average(array(x)).variance for x in series]) == pytest.approx(exact**2, rel=0.12)


@pytest.mark.parametrize(
    ("phi", "count", "start"),
    [(0.0, 200, None), (0.9, 1000, None), (0.98, 4000, None), (0.9, 2000, 15.0), (0.98, 6000, -40.0)],
)
def test_one_standard_deviation_covers_the_truth_in_two_of_three_series(phi, count, start):
    rng = np.random.default_rng(11)
    found = [average(array(autoregressive(phi, count, rng, start))) for _ in range(300)]
    z = np.array([x.value / np.sqrt(x.variance) for x in found])
    assert 0.60 < np.mean(np.abs(z) < 1) < 0.76
    assert abs(z.mean()) < 0.3  # what is left of the start


def test_the_cut_removes_a_start_out_of_equilibrium():
    rng = np.random.default_rng(5)
    relaxation = 500
    x = 10 * np.exp(-np.arange(10000) / relaxation) + autoregressive(0.5, 10000, rng)
    part = equilibration(x)
    assert 2 * relaxation < part.start < 10 * relaxation
    found = average(array(x))
    assert found.coords["discarded"].value == pytest.approx(part.start / 10000)
    assert abs(found.value) < 4 * np.sqrt(found.variance)
    assert abs(x.mean()) > 15 * np.sqrt(found.variance)  # the whole series would not do


def test_few_independent_samples_are_said():
    rng = np.random.default_rng(3)
    assert "independent samples" in average(array(autoregressive(0.99, 300, rng))).coords["caution"].value
    assert average(array(autoregressive(0.5, 3000, rng))).coords["caution"].value == ""


def test_averages_of_different_runs_can_be_subtracted():
    rng = np.random.default_rng(3)
    a, b = (average(array(5 + autoregressive(0.5, n, rng), "MPa")) for n in (1000, 2000))
    difference = b - a
    assert difference.unit == sc.Unit("MPa")
    assert difference.variance == pytest.approx(a.variance + b.variance)


@given(st.lists(st.floats(-10, 10), min_size=8, max_size=60), st.floats(0.1, 100), st.floats(-100, 100))
def test_statistics_follow_scale_and_shift(values, scale, shift):
    x = np.array(values) + np.sin(np.arange(len(values)))
    g = statistical_inefficiency(x)
    assert g >= 1
    assert statistical_inefficiency(scale * x + shift) == pytest.approx(g, rel=1e-6)
    assert block_error(scale * x + shift).error == pytest.approx(scale * block_error(x).error, rel=1e-6)
    error = np.sqrt(average(array(x)).variance)
    assert np.sqrt(average(array(scale * x)).variance) == pytest.approx(scale * error, rel=1e-6)


@given(st.integers(2, 40), st.integers(1, 3))
def test_autocorrelation_is_the_direct_sum(count, width):
    x = np.random.default_rng(count).standard_normal((count, width))
    direct = [np.mean(x[: count - m] * x[m:], axis=0) for m in range(count)]
    np.testing.assert_allclose(autocorrelation(x), direct, atol=1e-12)


def test_a_constant_series_has_no_error():
    found = average(array(np.full(50, 3.5)))
    assert (found.value, found.variance) == (3.5, 0.0)
    assert block_error(np.full(50, 3.5)).error == 0.0


@pytest.mark.parametrize("bad", [np.zeros(7), np.zeros((10, 2)), np.full(20, np.nan)])
def test_what_is_no_series_is_refused(bad):
    with pytest.raises(InputError, match="series"):
        average(sc.DataArray(sc.array(dims=["time", "x"][: bad.ndim], values=bad)))


@pytest.mark.parametrize("phi", [0.5, 0.9])
def test_pymbar_finds_the_same(phi):
    timeseries = pytest.importorskip("pymbar.timeseries")
    rng = np.random.default_rng(2)
    x = autoregressive(phi, 50000, rng)
    assert statistical_inefficiency(x) == pytest.approx(timeseries.statistical_inefficiency(x), rel=0.1)
    x = 20 * np.exp(-np.arange(5000) / 200) + autoregressive(phi, 5000, rng)
    start, _, independent = timeseries.detect_equilibration(x, nskip=50)
    ours = equilibration(x)
    assert ours.independent == pytest.approx(independent, rel=0.25)
    assert abs(ours.start - start) < 600
