"""First-order transitions: two phases whose entropy difference is exact, and isotherms that start from a mixture."""

import numpy as np
import pytest
import scipp as sc
from exact_magnets import axis, magnet

from caloris.errors import InputError
from caloris.heat import refrigerant_capacity
from caloris.heat.magnetocaloric import (
    check_maxwell,
    clausius_clapeyron_entropy_change,
    entropy_peak,
    hysteresis_loss,
    maxwell_entropy_change,
    net_refrigerant_capacity,
)

JUMP, SLOPE, T0 = 80.0, 4.0, 300.0
"""Magnetisation change (A m2/kg), dT_t/dB (K/T), transition temperature in zero field (K)."""
B = np.linspace(0, 3, 601)
T = np.arange(290.0, 320.1, 1.0)


def two_phases(mixture=None):
    """The field switches paramagnet to ferromagnet at B_t = (T - T0)/slope; a part is ferromagnetic at the start."""
    switching = (np.asarray(T) - T0) / SLOPE
    fraction = np.clip((B[:, None] - switching) / 0.05 + 0.5, 0, 1)  # over 0.05 T: the grid resolves it
    if mixture is not None:
        fraction = np.maximum(fraction, mixture(T))
    return JUMP * fraction


def test_maxwell_entropy_of_a_sharp_transition_is_that_of_clausius_clapeyron():
    found = maxwell_entropy_change(magnet(B, T, two_phases()), field_change="3 T")
    bound = clausius_clapeyron_entropy_change("80 emu/g", "4 K/T")
    assert bound.value == pytest.approx(-20.0)
    swept = (found.coords["temperature"].values > T0 + 1) & (found.coords["temperature"].values < T0 + 10)
    np.testing.assert_allclose(found.values[swept], bound.value, rtol=1e-9)
    assert not check_maxwell(found, clausius_clapeyron="-20.1 J/kg/K", protocol="discontinuous").is_spurious


def test_clausius_clapeyron_takes_either_slope_and_either_magnetisation():
    expected = clausius_clapeyron_entropy_change("80 emu/g", "4 K/T")
    for change, slope, density in (
        ("80 emu/g", "0.25 T/K", None),
        (sc.scalar(560.0, unit="kA/m"), "4 K/T", "7000 kg/m^3"),
    ):
        found = clausius_clapeyron_entropy_change(change, slope, density=density)
        assert found.value == pytest.approx(expected.value, rel=1e-12)
    inverse = clausius_clapeyron_entropy_change("80 emu/g", "-4 K/T")  # the field stabilises the hot phase
    assert inverse.value == pytest.approx(20.0)
    with pytest.raises(InputError, match="slope: is 0"):
        clausius_clapeyron_entropy_change("80 emu/g", "0 K/T")
    with pytest.raises(InputError, match="slope: expected"):
        clausius_clapeyron_entropy_change("80 emu/g", "4 K")
    with pytest.raises(InputError, match="density: is needed"):
        clausius_clapeyron_entropy_change("560 kA/m", "4 K/T")


def test_isotherms_that_start_from_a_mixture_make_a_spurious_peak_that_is_flagged():
    """A ferromagnetic part left over from the isotherm before, in zero field, between 300 and 302 K."""
    found = maxwell_entropy_change(
        magnet(B, T, two_phases(lambda t: np.clip((303 - t) / 2, 0, 1) * (t > T0))), field_change="3 T"
    )
    bound = clausius_clapeyron_entropy_change("80 emu/g", "4 K/T")
    assert abs(entropy_peak(found).value.value) > 1.5 * abs(bound.value)
    check = check_maxwell(found, clausius_clapeyron=bound, transition_entropy="20 J/kg/K", protocol="continuous")
    assert check.is_spurious
    assert sum("spurious peak is likely" in line for line in check.warnings) == 2
    assert any("continuous protocol" in line for line in check.warnings)
    assert check.exceeding.coords["temperature"].values[check.exceeding.values].min() > T0


def test_unknown_protocol_and_missing_bounds_are_said_in_words():
    found = maxwell_entropy_change(magnet(B, T, two_phases()), field_change="3 T")
    warnings = check_maxwell(found).warnings
    assert any("not stated" in line for line in warnings)
    assert any("no bound given" in line for line in warnings)
    assert check_maxwell(found, transition_entropy="25 J/kg/K", protocol="discontinuous").warnings == ()
    with pytest.raises(InputError, match="protocol: expected"):
        check_maxwell(found, protocol="zigzag")


def test_hysteresis_loss_is_the_area_of_the_loop():
    """Field-induced transition at B_t on the way up and 0.4 T lower on the way down."""
    up = two_phases()
    switching = (T - T0) / SLOPE - 0.4
    down = JUMP * np.clip((B[:, None] - switching) / 0.05 + 0.5, 0, 1)
    loss = hysteresis_loss(magnet(B, T, up), magnet(B, T, down))
    swept = (T >= 303) & (T <= 310)
    np.testing.assert_allclose(loss.values[swept], JUMP * 0.4, rtol=1e-9)
    curve = maxwell_entropy_change(magnet(B, T, up), field_change="3 T")
    net = net_refrigerant_capacity(curve, loss)
    # up to T0 + 1.6 K the way down does not switch back: a triangle of 1.6 K is missing from a width of 12 K
    mean = JUMP * 0.4 * (1 - 0.5 * 1.6 / 12)
    assert net.value == pytest.approx(refrigerant_capacity(curve).value - mean, abs=0.4)
    assert net_refrigerant_capacity(curve, "10 J/kg").value == refrigerant_capacity(curve).value - 10
    with pytest.raises(InputError, match="branches swapped"):
        net_refrigerant_capacity(curve, hysteresis_loss(magnet(B, T, down), magnet(B, T, up)))
    with pytest.raises(InputError, match="other fields or temperatures"):
        hysteresis_loss(magnet(B, T, up), magnet(B[:-1], T, down[:-1]))
    narrow = loss["temperature", 12:14].copy()
    with pytest.raises(InputError, match="loss: is known from"):
        net_refrigerant_capacity(curve, narrow)
    wrong = sc.DataArray(axis("temperature", T, "J"), coords={"temperature": axis("temperature", T, "K")})
    with pytest.raises(InputError, match="loss: expected J/kg"):
        net_refrigerant_capacity(curve, wrong)
