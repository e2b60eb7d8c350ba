"""What is drawn together moves together, what is drawn apart does not, and the first draw is the result itself."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import scipp as sc
from exact_barocalorics import heat_capacities, material, series, volumes

from caloris.errors import InputError
from caloris.heat.calorimetry import analyse, uncertainties
from caloris.heat.calorimetry.monte_carlo import coloured_noise
from caloris.heat.calorimetry.uncertainty import estimate

READ = (0.1, 40.0, 80.0)
DRAWS = 400
NOTHING = {
    "mass": "0 %",
    "sensitivity": "0 %",
    "temperature": "0 K",
    "temperature_with_pressure": "0 K",
    "temperature_lag": "0 K",
    "temperature_repeatability": "0 K",
    "pressure": "0 %",
    "pressure_repeatability": "0 MPa",
    "limits": "0 %",
    "heat_capacity": "0 %",
    "expansion": "0 %",
}
MODEL = material(-1, 8.0)


@cache
def recordings(noise=0.0):
    return tuple(series(MODEL, 3.0, pressures=READ, points=1500, noise=noise))


def drawn(noise=0.0, scans=None, **errors):
    """The analysis with these errors alone."""
    return analyse(
        scans or list(recordings(noise)),
        heat_capacity=heat_capacities(MODEL),
        volume=volumes(MODEL),
        errors=uncertainties(**(NOTHING | errors)),
        draws=DRAWS,
    )


def relative(values):
    """Draws as parts of the undisturbed one, which comes first."""
    values = np.asarray(values)
    return values[..., 1:] / values[..., :1] - 1


def test_a_mass_error_moves_every_entropy_and_heat_together():
    draws = drawn(mass="1 %").draws
    factor = relative(draws.entropy_change)
    assert factor.std() == pytest.approx(0.01, rel=0.1)
    for row in factor[1:]:  # but for the baseline, which is each scan's own size
        assert np.corrcoef(factor[0], row)[0, 1] > 0.999
    np.testing.assert_allclose(relative(draws.latent_heat), factor, atol=2e-3)
    np.testing.assert_allclose(np.ptp(draws.transition_temperature, axis=1), 0.0, atol=1e-9)


def test_a_sensitivity_moves_all_samples_and_a_mass_only_its_own():
    other = [
        replace(entry, mass=sc.scalar(11.0, unit="mg"), heat_flow=entry.heat_flow * 1.1) if n == 1 else entry
        for n, entry in enumerate(recordings())
    ]
    by_mass = relative(drawn(mass="1 %", scans=other).draws.entropy_change)
    assert np.corrcoef(by_mass[0], by_mass[4])[0, 1] > 0.999
    assert abs(np.corrcoef(by_mass[0], by_mass[2])[0, 1]) < 0.15
    by_sensitivity = relative(drawn(sensitivity="1 %", scans=other).draws.entropy_change)
    assert np.corrcoef(by_sensitivity[0], by_sensitivity[2])[0, 1] > 0.999


def test_a_thermometer_that_is_off_moves_all_temperatures_and_no_slope():
    found = drawn(temperature="0.2 K")
    T = found.draws.transition_temperature
    shifts = T[:, 1:] - T[:, :1]
    np.testing.assert_allclose(shifts, np.broadcast_to(shifts[:1], shifts.shape), atol=1e-9)
    assert shifts[0].std() == pytest.approx(0.2, rel=0.1)
    for name in ("slope, heating", "slope, cooling", "hysteresis, 40 MPa", "reversible pressure"):
        assert np.std(found.draws.numbers[name]) < 1e-6 * abs(found.headline[name].value)


def test_repeatability_is_drawn_for_every_scan():
    T = drawn(temperature_repeatability="0.1 K").draws.transition_temperature[:, 1:]
    correlation = np.corrcoef(T)
    assert np.all(np.abs(correlation[~np.eye(len(T), dtype=bool)]) < 0.2)
    assert T.std(axis=1) == pytest.approx(np.full(len(T), 0.1), rel=0.15)


def test_repeatability_gives_the_error_of_a_straight_line():
    found = drawn(temperature_repeatability="0.1 K").headline["slope, heating"]
    p = np.array(READ)
    exact = 0.1 / np.sqrt(np.sum((p - p.mean()) ** 2))
    assert found.error == pytest.approx(exact, rel=0.15)


def test_a_gauge_that_is_off_scales_the_slope():
    found = drawn(pressure="1 %")
    slope = found.draws.numbers["slope, heating"]
    assert relative(slope).std() == pytest.approx(0.01, rel=0.15)
    assert np.std(found.draws.numbers["hysteresis, 0.1 MPa"]) < 1e-4
    np.testing.assert_allclose(np.ptp(found.draws.transition_temperature, axis=1), 0.0, atol=1e-9)
    # p_rev = hysteresis / slope
    p_rev = found.draws.numbers["reversible pressure"]
    assert np.corrcoef(slope, p_rev)[0, 1] > 0.99


def test_pressure_repeatability_moves_each_transition_by_the_slope():
    found = drawn(pressure_repeatability="0.5 MPa").headline["hysteresis, 40 MPa"]
    assert found.error == pytest.approx(np.sqrt(2) * 0.5 * 0.295, rel=0.2)


def test_heat_capacity_counts_for_the_temperature_change_alone():
    found = drawn(heat_capacity="5 %")
    dT = relative(found.draws.numbers["temperature change, 80 MPa, compression"])
    assert dT.std() > 0.005
    assert np.std(relative(found.draws.entropy_change)) < 1e-3
    assert np.std(relative(found.draws.numbers["slope, heating"])) < 1e-6


def test_expansion_counts_by_s_plus():
    found = drawn(expansion="10 %")
    dS = found.draws.curves["entropy", 80e6, "compression"]
    T = found.draws.temperature[80e6]
    before = dS[:, 0]  # below every transition there is only S+
    s_plus = MODEL.low.expansion * 79.9e6
    assert T[0] < float(MODEL.transition_temperature(80e6, "cooling"))
    assert before[0] == pytest.approx(-s_plus, rel=1e-3)
    assert before[1:].std() == pytest.approx(0.1 * s_plus, rel=0.15)


def test_nothing_uncertain_gives_no_interval():
    found = drawn()
    assert set(NOTHING) == set(found.errors.values)
    for name, value in found.headline.items():  # but for the choice of the baseline, which cannot be switched off
        assert value.error <= 1e-3 * abs(value.value) + 1e-9, name


def test_the_first_draw_is_the_result_itself():
    found = drawn(noise=0.01, mass="1 %", temperature="0.2 K", pressure="1 %", limits="10 %", heat_capacity="3 %")
    for number, peak in enumerate(found.peaks):
        assert found.draws.transition_temperature[number, 0] == pytest.approx(peak.temperatures["T50"], abs=1e-9)
        assert found.draws.entropy_change[number, 0] == pytest.approx(peak.entropy_change, rel=1e-9)
        assert found.draws.latent_heat[number, 0] == pytest.approx(peak.latent_heat, rel=1e-9)
    for name, values in found.draws.numbers.items():
        # but for the coarser grid of the draws' curves
        rel = 0.02 if "change" in name or "cooling power" in name else 1e-3
        assert values[0] == pytest.approx(found.headline[name].value, rel=rel), name


def test_intervals_surround_the_result():
    found = drawn(noise=0.01, mass="1 %", sensitivity="1 %", temperature="0.2 K", pressure="1 %", limits="10 %")
    for name, value in found.headline.items():
        assert value.low <= value.value <= value.high, name
        assert value.error > 0, name


def test_noise_alone_gives_the_scatter_of_repeated_scans():
    repeats, stated = [], []
    for seed in range(60):
        scans = series(MODEL, 3.0, pressures=READ[:1], points=1000, noise=0.02, seed=seed)
        found = analyse(
            scans,
            heat_capacity=heat_capacities(MODEL),
            errors=uncertainties(**NOTHING),
            draws=100,
            seed=seed,
        )
        rows = found.transitions[:1]
        repeats.append([row.entropy_change.value for row in rows])
        stated.append([row.entropy_change.error for row in rows])
    assert np.std(repeats) == pytest.approx(np.mean(stated), rel=0.3)


def test_the_same_seed_gives_the_same_intervals_and_another_one_others():
    one, two = (drawn(noise=0.01, mass="1 %") for _ in range(2))
    assert one.headline == two.headline
    other = analyse(list(recordings(0.01)), errors=uncertainties(**NOTHING), draws=100, seed=2)
    again = analyse(list(recordings(0.01)), errors=uncertainties(**NOTHING), draws=100, seed=3)
    name = next(iter(other.headline))
    assert other.headline[name].value == again.headline[name].value
    assert other.headline[name].low != again.headline[name].low


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_noise_is_drawn_with_its_scatter_and_correlation(correlation):
    noise = coloured_noise(400, 500, 2.0, correlation, np.random.default_rng(4))
    assert np.all(noise[0] == 0)
    assert noise[1:].std() == pytest.approx(2.0, rel=0.05)
    a, b = noise[1:, 250:-1].ravel(), noise[1:, 251:].ravel()
    assert np.corrcoef(a, b)[0, 1] == pytest.approx(correlation, abs=0.02)


def test_no_scatter_no_noise():
    assert not coloured_noise(10, 5, 0.0, 0.5, np.random.default_rng(1)).any()


# -- estimates and uncertainties -----------------------------------------------------------------------


def test_an_interval_is_the_central_68_percent_of_normal_draws():
    draws = 5.0 + 2.0 * np.random.default_rng(6).standard_normal(200000)
    found = estimate(5.0, draws, "K")
    assert (found.low, found.high) == pytest.approx((3.0, 7.0), abs=0.05)  # 0.9945 standard deviations
    assert found.quantity.value == 5.0
    assert float(np.sqrt(found.quantity.variance)) == pytest.approx(found.error)


def test_draws_that_fail_are_left_out_unless_they_are_many():
    draws = np.linspace(0, 10, 300)
    few, many = draws.copy(), draws.copy()
    few[::10], many[::2] = np.nan, np.nan
    assert estimate(5.0, few, "K").error == pytest.approx(3.4, rel=0.02)
    assert np.isnan(estimate(5.0, many, "K").error)
    assert estimate(5.0, many, "K").to_json()["error"] is None


def test_defaults_are_called_guesses():
    u = uncertainties(mass="0.2 %", temperature="0.1 K")
    status = {of: kind for of, _, kind in u.table()}
    assert status["mass of the sample"] == "given"
    assert status["calibration of the heat flow"] == "guess"
    assert u["mass"] == pytest.approx(0.002)
    warnings = analyse(list(recordings()), errors=u, draws=50).warnings()
    (line,) = (line for line in warnings if "guessed" in line)
    assert "sensitivity" in line
    assert "mass" not in line


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"colour": "1 %"}, "'colour' is none of mass"),
        ({"mass": "1 mg"}, "uncertainty of mass"),
        ({"mass": "-1 %"}, "must not be negative"),
        ({"temperature": "1 %"}, "uncertainty of temperature"),
        ({"temperature": "0.1"}, "has no unit"),
        ({"pressure_repeatability": "1 K"}, "expected one like MPa"),
        ({"mass": "many %"}, "cannot read"),
        ({"mass": "nan %"}, "uncertainty of mass"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_uncertainties_without_sense_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        uncertainties(**given)


@pytest.mark.parametrize("draws", [-1, 1, 49, 2.5, "100"])
def test_too_few_draws_for_an_interval_are_refused(draws):
    with pytest.raises(InputError, match="0 \\(no intervals\\) or at least 50"):
        analyse(list(recordings()), draws=draws)
