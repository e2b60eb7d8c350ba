"""Peaks that are found, limited and measured: against bells whose temperatures and heat are known in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from caloris.errors import ComputationError, InputError
from caloris.heat.calorimetry import DEFINITIONS, Scan, measure
from caloris.heat.calorimetry.peak import find_peaks, peak_window, side_noise

RATE = 1.0 / 60
LATENT = 45e3


def bell(T, centre, spread, heat=LATENT):
    return heat * np.exp(-0.5 * ((T - centre) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))


def scan(
    peaks=((350.0, 1.0, LATENT),),
    direction="heating",
    *,
    level=1500.0,
    tilt=0.0,
    noise=0.0,
    points=6000,
    span=(310.0, 390.0),
    seed=1,
):
    """A scan with bells (centre, standard deviation, heat) on a heat capacity of level + tilt (T - 350)."""
    T = np.linspace(*span, points)
    time = (T - span[0]) / RATE
    heat = level + tilt * (T - 350) + sum(bell(T, *peak) for peak in peaks)
    flow = RATE * heat
    if direction == "cooling":
        T, flow = T[::-1].copy(), -flow[::-1]
    flow = flow + noise * np.ptp(flow) * np.random.default_rng(seed).standard_normal(points)
    return Scan(direction, time, T, flow, 1e5, "bell", 1e-5)


each_direction = pytest.mark.parametrize("direction", ["heating", "cooling"])


@each_direction
def test_temperatures_of_a_bell_by_every_definition(direction):
    found = measure(scan(direction=direction, points=20000)).temperatures
    way = 1.0 if direction == "heating" else -1.0
    assert found["peak"] == pytest.approx(350.0, abs=0.01)
    assert found["T50"] == pytest.approx(350.0, abs=0.01)
    assert found["start"] == pytest.approx(350.0 + way * ndtri(0.01), abs=0.02)
    assert found["finish"] == pytest.approx(350.0 + way * ndtri(0.99), abs=0.02)
    # the tangent at the inflection of a bell, one standard deviation before its summit, meets zero two before it
    assert found["onset"] == pytest.approx(350.0 - way * 2.0, abs=0.02)


@each_direction
@pytest.mark.parametrize("tilt", [0.0, 3.0, -3.0])
def test_latent_heat_and_entropy_of_a_bell(direction, tilt):
    peak = measure(scan(direction=direction, tilt=tilt))
    assert peak.latent_heat == pytest.approx(LATENT, rel=2e-4)
    # <1/T> over a narrow bell: (1 + variance/T^2)/T
    assert peak.entropy_change == pytest.approx(LATENT / 350 * (1 + 1 / 350**2), rel=2e-4)
    assert peak.entropy_spread < 1e-3


@each_direction
def test_onset_of_a_triangle_is_its_foot(direction):
    """A flank that is straight has its tangent everywhere: the onset is where it leaves the baseline."""
    s = scan((), points=20000)
    T = s.temperature
    triangle = np.interp(T, [345.0, 350.0, 351.0], [0.0, 40e3, 0.0])
    flow = RATE * (1500 + triangle)
    if direction == "cooling":
        T, flow = (700 - T), -flow  # mirrored: the flank begins at 355 K
    found = measure(Scan(direction, s.time, T, flow, 1e5, "triangle")).temperatures
    foot = 345.0 if direction == "heating" else 355.0
    assert found["onset"] == pytest.approx(foot, abs=0.05)
    assert found["peak"] == pytest.approx(350.0, abs=0.1)


@settings(max_examples=30)
@given(
    st.floats(330, 370),
    st.floats(0.3, 2.5),
    st.floats(5e3, 3e5),
    st.sampled_from(["heating", "cooling"]),
    st.integers(0, 10**6),
)
def test_any_bell_in_noise_of_one_per_cent_comes_back(centre, spread, heat, direction, seed):
    peak = measure(scan(((centre, spread, heat),), direction, noise=0.01, seed=seed))
    assert peak.temperatures["T50"] == pytest.approx(centre, abs=0.05 * spread + 0.02)
    assert peak.temperatures["peak"] == pytest.approx(centre, abs=0.25 * spread + 0.05)
    assert peak.latent_heat == pytest.approx(heat, rel=0.03)
    assert peak.noise == pytest.approx(0.01 * np.ptp(peak.scan.heat_flow), rel=0.2)


def test_the_largest_peak_is_taken_and_the_others_are_told():
    s = scan(((325.0, 0.8, 0.3 * LATENT), (350.0, 1.0, LATENT), (372.0, 1.0, 0.5 * LATENT)))
    assert [s.temperature[summit] for _, summit, _ in find_peaks(s)] == pytest.approx([350.0, 372.0, 325.0], abs=0.1)
    peak = measure(s)
    assert sorted(peak.others) == pytest.approx([325.0, 372.0], abs=0.1)
    assert peak.latent_heat == pytest.approx(LATENT, rel=1e-3)


def test_limits_choose_another_peak():
    s = scan(((330.0, 0.8, 0.3 * LATENT), (360.0, 1.0, LATENT)))
    peak = measure(s, limits=(324.0, 336.0))
    assert peak.temperatures["T50"] == pytest.approx(330.0, abs=0.01)
    assert peak.latent_heat == pytest.approx(0.3 * LATENT, rel=1e-3)
    assert peak.others == pytest.approx((360.0,), abs=0.1)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ((360.0, 340.0), "must be below the second"),
        ((300.0, 360.0), "does not lie within"),
        ((340.0, 395.0), "does not lie within"),
        ((400.0, 420.0), "does not lie within"),
        ((349.99, 350.01), "too few points"),
        ((310.02, 360.0), "too few points"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits, words):
    with pytest.raises(InputError, match=words):
        measure(scan(), limits=limits)


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_a_flat_scan_has_no_peak(noise):
    flat = scan((), tilt=2.0)
    rng = np.random.default_rng(3)
    flow = flat.heat_flow + noise * rng.standard_normal(len(flat.time))
    with pytest.raises(InputError, match="no peak rises above the noise"):
        measure(Scan("heating", flat.time, flat.temperature, flow, 1e5, "flat"))


@pytest.mark.parametrize("centre", [310.5, 389.5])
def test_a_peak_that_the_scan_cuts_is_refused(centre):
    with pytest.raises(InputError, match=r"cut by the (first|last) temperature|no peak"):
        measure(scan(((centre, 1.0, LATENT),)))


@each_direction
def test_a_peak_of_the_wrong_sign_is_no_transition(direction):
    s = scan(direction=direction)
    with pytest.raises((ComputationError, InputError), match=r"sign of the heat flow|no peak"):
        measure(Scan(direction, s.time, s.temperature, -s.heat_flow, 1e5, "turned"), limits=(340.0, 360.0))


def test_the_window_holds_the_whole_peak_and_sides_of_its_length():
    s = scan(points=20000)
    window, others = peak_window(s)
    assert others == ()
    T = s.temperature
    assert window.begin < window.first < window.last < window.end
    assert T[window.first] < 350 - 4
    assert T[window.last] > 350 + 4
    assert window.first - window.begin >= window.last - window.first - 1


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_noise_beside_the_peak_is_measured_with_its_correlation(correlation):
    rng = np.random.default_rng(5)
    noise = rng.standard_normal(40000)
    for k in range(1, len(noise)):
        noise[k] = correlation * noise[k - 1] + np.sqrt(1 - correlation**2) * noise[k]
    scatter, found = side_noise(np.arange(40000.0), 3.0 * noise + 0.01 * np.arange(40000), 18000, 22000)
    assert scatter == pytest.approx(3.0, rel=0.05)
    assert found == pytest.approx(correlation, abs=0.03)


def test_recalescence_is_told():
    s = scan(direction="cooling", points=6000)
    T = s.temperature + 3.0 * np.exp(-0.5 * ((s.time - s.time[3000]) / 60) ** 2)
    peak = measure(Scan("cooling", s.time, T, s.heat_flow, 1e5, "supercooled"))
    (remark,) = peak.remarks
    assert "goes back by 0.78 K" in remark
    assert "recalescence" in remark
    assert measure(s).remarks == ()


def test_every_definition_has_a_temperature():
    assert set(measure(scan()).temperatures) == set(DEFINITIONS)
