"""Entropy change from magnetisation against magnets whose entropy is known exactly, and against a peer's recipe.

The peer is magnetocaloric.mcepy (github.com/supratimdasinfo/magnetocaloric.mcepy), whose recipe is written out here.
"""

import numpy as np
import pytest
import scipp as sc
from exact_magnets import R, axis, curie, lopsided, magnet, paramagnet, weiss
from scipy.optimize import brentq

from caloris.errors import InputError
from caloris.heat import full_width_half_maximum, peak, refrigerant_capacity, relative_cooling_power
from caloris.heat.magnetocaloric import (
    entropy_peak,
    maxwell_covariance,
    maxwell_entropy_change,
    maxwell_temperature_change,
    table,
)


def peer_recipe(B, T, M):
    """Left rectangles over the field, labelled at the lower isotherm, as the peer sums them (Tesla, per mass)."""
    slope = np.diff(M, axis=1) / np.diff(T)
    return T[:-1], (slope[:-1] * np.diff(B)[:, None]).sum(axis=0)


def midpoints(T):
    return 0.5 * (np.asarray(T)[1:] + np.asarray(T)[:-1])


def test_curie_law_entropy_is_exact_in_the_field_and_second_order_in_temperature():
    B, T = np.linspace(0, 5, 6), np.linspace(10, 20, 11)
    found = maxwell_entropy_change(magnet(B, T, curie(B, T)))
    middle = midpoints(T)
    np.testing.assert_allclose(found.coords["temperature"].values, middle)
    # 1/T1 - 1/T2 over T2 - T1 is 1/(T1 T2): the midpoint value times 1 + (step/2T)^2 + ...
    np.testing.assert_allclose(found.values, -2.0 * B[:, None] ** 2 / (2 * T[1:] * T[:-1]), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.values[1:], -((B[1:, None] / middle) ** 2), rtol=3e-3)


def test_brillouin_paramagnet_entropy():
    B, T = np.linspace(0, 7, 141), np.linspace(2, 12, 201)
    M, _ = paramagnet(B, T)
    S = paramagnet(B, midpoints(T))[1]
    found = maxwell_entropy_change(magnet(B, T, M))
    np.testing.assert_allclose(found.values, S - S[0], atol=2e-3 * np.abs(S - S[0]).max())


def test_weiss_ferromagnet_entropy_converges_with_the_grid():
    errors, peaks = [], []
    for fields, step in ((11, 4.0), (21, 2.0), (41, 1.0), (81, 0.5)):
        # at the Curie temperature dM/dT grows as B^(-1/3) towards zero field: closer fields there
        B, T = 5 * np.linspace(0, 1, fields) ** 2, np.arange(260.0, 340.1, step)
        middle = midpoints(T)
        M, _ = weiss(B, T)
        S = weiss(B, middle)[1]
        found = maxwell_entropy_change(magnet(B, T, M), field_change="5 T")
        exact = S[-1] - S[0]
        away = np.abs(middle - 300) > 8  # the spontaneous magnetisation has a kink at the Curie temperature
        errors.append(np.abs(found.values - exact)[away].max())
        peaks.append(abs(entropy_peak(found).value.value / exact.min() - 1))
    assert np.all(np.array(errors[:-1]) / np.array(errors[1:]) > 3.4)  # second order: towards 4
    assert errors[-1] < 1e-3 * np.abs(exact).max()
    assert peaks[-1] < peaks[0]
    assert peaks[-1] < 1e-3


def test_entropy_of_saturation_is_the_full_spin_entropy():
    """A field that aligns all spins takes R ln 2 away."""
    B, T = np.concatenate([np.linspace(0, 5, 201), np.linspace(5.5, 60, 110)]), np.linspace(0.98, 1.02, 3)
    M, _ = paramagnet(B, T)
    found = maxwell_entropy_change(magnet(B, T, M))
    np.testing.assert_allclose(found.values[-1], -R * np.log(2), rtol=2e-3)


def test_volume_magnetisation_with_density_is_mass_magnetisation():
    B, T = np.linspace(0, 2, 5), np.linspace(290, 310, 5)
    M, _ = weiss(B, T)
    per_mass = maxwell_entropy_change(magnet(B, T, M))
    per_volume = maxwell_entropy_change(magnet(B, T, M * 7000.0, unit="A/m"), density="7 g/cm^3")
    np.testing.assert_allclose(per_volume.values, per_mass.values, rtol=1e-12)
    with pytest.raises(InputError, match="density: is needed"):
        maxwell_entropy_change(magnet(B, T, M * 7000.0, unit="A/m"))
    with pytest.raises(InputError, match="per mass already"):
        maxwell_entropy_change(magnet(B, T, M), density="7000 kg/m^3")


def test_field_change_between_fields_and_from_a_field_above_zero():
    B, T = np.array([1.0, 2.0, 4.0]), np.array([9.9, 10.1])
    found = maxwell_entropy_change(magnet(B, T, curie(B, T)), field_change="2 T")
    assert found.coords["initial_field"].value == 1.0
    assert found.values[0] == pytest.approx(-2 * (9 - 1) / (2 * 9.9 * 10.1), rel=1e-12)
    with pytest.raises(InputError, match="more than the table has"):
        maxwell_entropy_change(magnet(B, T, curie(B, T)), field_change="3.1 T")


def test_peer_labels_the_lower_isotherm_half_a_step_too_low():
    B, T = np.linspace(0, 5, 501), np.arange(10.0, 31.0, 2.0)
    M = curie(B, T)

    def exact(temperature):
        return -2.0 * 5.0**2 / (2 * temperature**2)

    found = maxwell_entropy_change(magnet(B, T, M), field_change="5 T")
    ours = np.abs(found.values / exact(found.coords["temperature"].values) - 1)
    label, values = peer_recipe(B, T, M)
    peer = np.abs(values / exact(label) - 1)
    assert ours.max() < 0.01
    assert peer.max() > 0.15
    assert np.all(peer > 5 * ours)


def test_peer_sums_the_field_by_left_rectangles_and_loses_the_last_one():
    B, T = np.linspace(0, 1, 21), np.array([299.5, 300.5])
    M = curie(B, T)
    exact = -2.0 / (2 * 299.5 * 300.5)
    ours = maxwell_entropy_change(magnet(B, T, M), field_change="1 T").values[0]
    _, values = peer_recipe(B, T, M)
    assert ours == pytest.approx(exact, rel=1e-9)
    assert values[0] == pytest.approx(0.95 * exact, rel=1e-9)  # 1/20 of the field is lost


def test_peer_takes_the_minimum_and_misses_an_inverse_effect():
    B, T = np.linspace(0, 2, 41), np.linspace(280, 340, 241)
    M, _ = lopsided(B, T)
    found = maxwell_entropy_change(magnet(B, T, M), field_change="2 T")
    exact = lopsided(B, found.coords["temperature"].values)[1][-1]
    np.testing.assert_allclose(found.values, exact, atol=2e-3 * exact.max())
    largest = entropy_peak(found)
    height = 4 / 2 * np.exp(-0.5) / 3  # B^2/2 times the steepest rise, at T0 - 3 K
    assert largest.is_inverse
    assert largest.value.value == pytest.approx(height, rel=3e-3)
    assert largest.temperature.value == pytest.approx(297, abs=0.13)
    _, values = peer_recipe(B, T, M)
    assert values.min() == pytest.approx(-height / 3, rel=0.06)  # the peer's answer: the wrong peak


def test_figures_of_merit_of_an_inverse_effect():
    B, T = np.linspace(0, 2, 41), np.linspace(280, 300, 801)
    found = maxwell_entropy_change(magnet(B, T, lopsided(B, T)[0]), field_change="2 T")
    mirrored = found.copy()
    mirrored.values = -found.values
    for merit in (peak, full_width_half_maximum, relative_cooling_power, refrigerant_capacity):
        assert merit(found).value == pytest.approx(merit(mirrored).value, rel=1e-12)
    # half maxima of u exp(-u^2/2) at u = 0.3226 and 1.9223
    assert full_width_half_maximum(found).value == pytest.approx(3 * 1.5997, rel=2e-3)


def test_errors_and_their_correlation_match_noise():
    rng = np.random.default_rng(5)
    B, T = np.linspace(0, 2, 9), np.array([290.0, 293.0, 298.0, 300.0])
    M = curie(B, T, C=500.0)
    error = 0.02 + 0.01 * rng.random(M.shape)
    data = magnet(B, T, M, errors=error)
    found = maxwell_entropy_change(data, field_change="1.9 T")
    covariance = maxwell_covariance(data, "1.9 T").values
    np.testing.assert_allclose(np.diag(covariance), found.variances, rtol=1e-12)
    draws = []
    for _ in range(4000):
        noisy = magnet(B, T, M + error * rng.standard_normal(M.shape))
        draws.append(maxwell_entropy_change(noisy, field_change="1.9 T").values)
    sampled = np.cov(np.array(draws).T)
    np.testing.assert_allclose(sampled, covariance, atol=0.08 * covariance.max())
    assert covariance[0, 1] < 0


def test_density_error_is_common_to_all_values():
    B, T = np.linspace(0, 2, 5), np.array([290.0, 300.0, 310.0])
    M = magnet(B, T, 7e6 * curie(B, T), unit="A/m")
    found = maxwell_entropy_change(M, density=sc.scalar(7000.0, variance=70.0**2, unit="kg/m^3"), field_change="2 T")
    np.testing.assert_allclose(np.sqrt(found.variances), 0.01 * np.abs(found.values), rtol=1e-12)


def test_adiabatic_temperature_change_follows_the_isentrope_of_a_paramagnet():
    """Lattice c ln T and Curie spins: S = c ln T - C B^2 / (2 T^2), cp = c + C B^2 / T^2."""
    c, C = 10.0, 50.0
    B, T = np.linspace(0, 5, 51), np.linspace(8, 30, 1101)
    cp = table(axis("field", B, "T"), axis("temperature", T, "K"), c + C * B[:, None] ** 2 / T**2, unit="J/kg/K")
    found = maxwell_temperature_change(magnet(B, T, curie(B, T, C)), cp, field_change="5 T")
    for start in (9.0, 12.0, 18.0):
        end = brentq(lambda t: c * np.log(t / start) - C * 25 / (2 * t**2), start, 60)  # noqa: B023
        at = np.interp(start, found.coords["temperature"].values, found.values)
        assert at == pytest.approx(end - start, rel=1e-4)
        # at the starting temperature throughout it would be far off
        assert abs(C * 25 / (2 * start * c) / (end - start) - 1) > 0.02
    assert np.isnan(found.values[-1])  # leaves the table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.transpose(["temperature", "field"]).copy(), "transpose"),
        (lambda m: m["temperature", :1].copy(), "needs at least 2 values of temperature"),
        (lambda m: sc.DataArray(m.data * sc.scalar(1.0, unit="s"), coords=dict(m.coords)), "is in .*expected A/m"),
        (lambda m: sc.DataArray(m.data, coords={"field": m.coords["field"]}), "needs a coordinate 'temperature'"),
        (lambda m: m.data, "expected a scipp data array"),
    ],
)
def test_what_is_no_magnetisation_is_refused(change, message):
    B, T = np.linspace(0, 2, 5), np.array([290.0, 300.0, 310.0])
    with pytest.raises(InputError, match=message):
        maxwell_entropy_change(change(magnet(B, T, curie(B, T))))


@pytest.mark.parametrize(
    ("B", "T", "spoil", "message"),
    [
        ([-0.1, 1.0], [290, 300], None, "a field is negative"),
        ([0.0, 1.0], [300, 290], None, "increase"),
        ([0.0, 1.0], [0, 290], None, "not above 0 K"),
        ([0.0, 1.0], [290, 300], np.nan, "at 1 T and 300 K is not finite"),
    ],
)
def test_bad_tables_are_refused(B, T, spoil, message):
    M = np.ones((2, 2))
    M[1, 1] = 1.0 if spoil is None else spoil
    with pytest.raises(InputError, match=message):
        magnet(B, T, M)
