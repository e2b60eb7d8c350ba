"""Heatings and coolings found in temperature programmes whose turning points are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caloris.errors import InputError
from caloris.heat.calorimetry.segments import local_rate, segments

TIME = np.arange(0.0, 12000.0)


def programme(times, temperatures):
    return np.interp(TIME, times, temperatures)


def test_cycles_with_holds_give_every_heating_and_cooling():
    T = programme([0, 500, 2500, 3000, 5000, 5500, 7500, 8000, 10000], [300, 300, 350, 350, 300, 300, 350, 350, 310])
    found = segments(TIME, T)
    assert [direction for direction, _ in found] == ["heating", "cooling", "heating", "cooling"]
    for (_, part), (begin, end) in zip(found, [(500, 2500), (3000, 5000), (5500, 7500), (8000, 10000)], strict=True):
        # within the ramp, and at most the settling and the smoothing of the rate shorter
        assert begin <= part.start <= begin + 130
        assert end - 130 <= part.stop <= end + 1


def test_settling_is_dropped_at_both_ends():
    T = programme([0, 500, 4500, 12000], [300, 300, 400, 400])
    ((_, short),) = segments(TIME, T, settling=0.0)
    ((_, long),) = segments(TIME, T, settling=90.0)
    assert long.start - short.start == pytest.approx(90, abs=1)
    assert short.stop - long.stop == pytest.approx(90, abs=1)


def test_settling_never_eats_a_short_segment():
    T = programme([0, 500, 1000, 12000], [300, 300, 330, 330])
    ((_, part),) = segments(TIME, T, settling=1e4)
    assert part.stop - part.start > 400


def test_a_sample_that_warms_itself_does_not_split_its_cooling():
    T = programme([0, 6000, 12000], [350, 300, 250])
    T = T + 2.5 * np.exp(-0.5 * ((TIME - 6000) / 40) ** 2)  # recalescence by about 2 K
    assert np.any(np.diff(T) > 0)
    ((direction, part),) = segments(TIME, T)
    assert direction == "cooling"
    assert part.stop - part.start > 11000


@pytest.mark.parametrize("span", [0.0, 0.5, 2.9])
def test_a_held_temperature_has_no_segments(span):
    assert segments(TIME, 300 + span * np.sin(TIME / 500) / 2) == []


@given(
    st.lists(st.floats(20.0, 60.0), min_size=1, max_size=6),
    st.sampled_from([1.0, -1.0]),
    st.floats(0.0, 0.02),
    st.integers(0, 100),
)
def test_any_zigzag_is_split_at_its_turns(spans, first, noise, seed):
    signs = first * (-1.0) ** np.arange(len(spans))
    turns = 400.0 + np.concatenate([[0.0], np.cumsum(signs * np.array(spans))])
    times = np.concatenate([[0.0], np.cumsum(spans)]) / 0.02
    t = np.arange(0.0, times[-1], 2.0)
    T = np.interp(t, times, turns) + noise * np.random.default_rng(seed).standard_normal(len(t))
    found = segments(t, T)
    assert [direction for direction, _ in found] == ["heating" if s > 0 else "cooling" for s in signs]
    for (_, part), begin, end in zip(found, times[:-1], times[1:], strict=True):
        assert begin - 40 <= t[part.start] < t[part.stop - 1] <= end + 40
        assert t[part.stop - 1] - t[part.start] > 0.8 * (end - begin)


def test_the_local_rate_follows_a_programme_of_two_rates():
    T = programme([0, 6000, 12000], [300, 360, 480])
    rate = local_rate(TIME, T)
    np.testing.assert_allclose(rate[100:5900], 0.01, rtol=1e-9)
    np.testing.assert_allclose(rate[6100:11900], 0.02, rtol=1e-9)


def test_a_rate_needs_three_points():
    with pytest.raises(InputError, match="fewer than three points"):
        local_rate(np.array([0.0, 1.0]), np.array([300.0, 301.0]))
