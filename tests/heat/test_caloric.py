"""The barocaloric effect of NH4SCN against Zhang et al. (2023), and of a conventional material by hand."""

import numpy as np
import pytest
import scipp as sc

from caloris.errors import InputError
from caloris.heat import CaloricEffect, PhaseProperties, TwoPhase, caloric_effect
from caloris.materials import load

DS, DV = 128.7, -3.8e-5
SLOPE_H, SLOPE_C = -0.3003, DV / DS * 1e6  # K/MPa: the card's, and Clausius-Clapeyron
RISE = 99.9  # MPa, 0.1 to 100


@pytest.fixture(scope="module")
def salt():
    return caloric_effect(load("NH4SCN"))


@pytest.fixture(scope="module")
def conventional():
    """Pressure favours the low phase: the mirror image of the salt, 10 K of hysteresis, 0.4 K/MPa."""
    return CaloricEffect(
        "conventional",
        TwoPhase(
            low=PhaseProperties(heat_capacity=1200.0),
            high=PhaseProperties(heat_capacity=1200.0),
            temperature=300.0,
            pressure=0.1e6,
            entropy_change=100.0,
            volume_change=4e-5,
            volume=1e-3,
            barrier_heating=500.0,
            barrier_cooling=500.0,
        ),
    )


def test_heating_branch_passes_the_published_points(salt):
    assert salt.transition_temperature("heating", "0.1 MPa").value == pytest.approx(364.0, abs=1e-9)
    assert salt.transition_temperature("heating", "100 MPa").value == pytest.approx(334.0, abs=0.02)


def test_slopes_of_both_branches(salt):
    assert salt.slope("heating").value == pytest.approx(-0.3003, abs=1e-9)
    assert salt.slope("cooling").value == pytest.approx(-0.2953, abs=5e-5)
    assert salt.slope("equilibrium").value == pytest.approx(SLOPE_C, rel=1e-9)
    assert salt.slope("equilibrium", "80 MPa").value == pytest.approx(SLOPE_C, rel=1e-9)


def test_hysteresis_of_the_salt(salt):
    assert salt.hysteresis().value == pytest.approx(29.0, abs=1e-9)
    assert salt.hysteresis("100 MPa").value == pytest.approx(29 - RISE * (SLOPE_C - SLOPE_H), abs=1e-6)


def test_reversible_pressure_is_hysteresis_over_slope(salt):
    found = salt.reversible_pressure()
    assert str(found.unit) == "MPa"
    assert found.value == pytest.approx(29 / 0.3003, rel=1e-6)
    # the notes give 97 to 99 MPa with slopes of -0.300 to -0.293 K/MPa
    assert 96 < found.value < 99.5


def test_largest_entropy_change_is_that_of_the_transition(salt):
    for process in ("compression", "decompression", "reversible"):
        curve = salt.entropy_change("100 MPa", process)
        sign = -1 if process == "decompression" else 1
        assert (sign * curve).max().value == pytest.approx(DS, rel=1e-9)
        assert (sign * curve).min().value == pytest.approx(0.0, abs=1e-9)
        assert str(curve.unit) == "J/kg/K"


def test_compression_acts_between_the_heating_branches(salt):
    T = sc.array(dims=["temperature"], values=[333.9, 334.1, 350.0, 363.9, 364.1], unit="K")
    assert salt.entropy_change("100 MPa", temperature=T).values == pytest.approx([0, DS, DS, DS, 0], abs=1e-9)
    T = sc.array(dims=["temperature"], values=[305.4, 305.6, 320.0, 334.9, 335.1], unit="K")
    back = salt.entropy_change("100 MPa", "decompression", temperature=T).values
    assert back == pytest.approx([0, -DS, -DS, -DS, 0], abs=1e-9)


def test_reversible_window_is_one_kelvin_at_100_megapascal(salt):
    merits = salt.merits("100 MPa")
    # from T_heating(100 MPa) to T_cooling(0.1 MPa)
    assert merits["reversible_width"].value.value == pytest.approx(335 - (364 - RISE * 0.3003), rel=1e-6)
    assert merits["reversible_width"].value.value == pytest.approx(1.0, abs=0.01)


def test_relative_cooling_power_by_both_definitions(salt):
    merits = salt.merits("100 MPa")
    by_hand = DS * 0.3003 * RISE
    for name in ("relative_cooling_power", "integrated_entropy_change", "refrigerant_capacity"):
        assert merits[name].value.value == pytest.approx(by_hand, rel=1e-6)
        assert merits[name].reversibility == "one-branch"
    reversible = merits["reversible_relative_cooling_power"]
    assert reversible.value.value == pytest.approx(DS * (335 - (364 - RISE * 0.3003)), rel=1e-6)
    assert reversible.reversibility == "reversible"


def test_entropy_change_per_pressure_is_the_published_value_at_80_megapascal(salt):
    merit = salt.merits("80 MPa")["entropy_change_per_pressure"]
    assert merit.value.value == pytest.approx(DS / 79.9, rel=1e-9)
    assert round(merit.value.value, 2) == 1.61
    assert str(merit.value.unit) == "J/kg/K/MPa"


def test_adiabatic_temperature_change_is_cut_off_by_the_transition(salt):
    """From T in the window a pressed pellet cools to T exp(-dS/c), but not below T_heating(p)."""
    T = sc.array(dims=["temperature"], values=[336.0, 345.0, 363.9], unit="K")
    found = salt.temperature_change("100 MPa", temperature=T).values
    full = T.values * np.expm1(-DS / 1590)
    stop = (364 - RISE * 0.3003) - T.values
    assert found == pytest.approx(np.maximum(full, stop), rel=1e-9)
    assert found[0] == pytest.approx(stop[0])
    assert found[2] == pytest.approx(full[2])


def test_conventional_material_warms_and_gives_up_entropy_under_pressure(conventional):
    p = "60 MPa"  # 23.96 K of shift, 10 K of hysteresis
    assert conventional.slope("cooling").value == pytest.approx(0.4, rel=1e-9)
    assert conventional.hysteresis().value == pytest.approx(10.0, rel=1e-9)
    assert conventional.reversible_pressure().value == pytest.approx(25.0, rel=1e-6)
    shift = 0.4 * 59.9
    pressing = conventional.entropy_change(p)
    assert pressing.min().value == pytest.approx(-100)
    assert pressing.max().value == pytest.approx(0.0, abs=1e-9)
    T = sc.array(dims=["temperature"], values=[294.9, 295.1, 310.0, 295 + shift - 0.1, 295 + shift + 0.1], unit="K")
    assert conventional.entropy_change(p, temperature=T).values == pytest.approx([0, -100, -100, -100, 0], abs=1e-9)
    merits = conventional.merits(p)
    assert merits["relative_cooling_power"].value.value == pytest.approx(100 * shift, rel=1e-6)
    assert merits["reversible_width"].value.value == pytest.approx(shift - 10, rel=1e-6)
    hot = conventional.temperature_change(p, temperature=T).values
    assert hot[2] == pytest.approx(min(310 * np.expm1(100 / 1200), 295 + shift - 310), rel=1e-9)
    assert np.all(hot >= 0)


def test_expansion_of_a_single_phase_shows_as_entropy_of_compression():
    model = TwoPhase(
        low=PhaseProperties(heat_capacity=1000.0, expansion=2e-7),
        high=PhaseProperties(heat_capacity=1000.0, expansion=2e-7),
        temperature=300.0,
        pressure=0.0,
        entropy_change=50.0,
        volume_change=1e-5,
        volume=1e-3,
    )
    T = sc.array(dims=["temperature"], values=[200.0, 400.0], unit="K")
    dS = CaloricEffect("expanding", model).entropy_change("50 MPa", temperature=T)
    assert dS.values == pytest.approx([-10.0, -10.0], rel=1e-9)  # Maxwell: -e p
    dT = CaloricEffect("expanding", model).temperature_change("50 MPa", temperature=T)
    assert dT.values == pytest.approx(T.values * np.expm1(10 / 1000), rel=1e-9)


@pytest.mark.parametrize(
    ("process", "label"),
    [("compression", "one-branch"), ("decompression", "one-branch"), ("reversible", "reversible")],
)
def test_every_curve_says_whether_a_cycle_can_use_it(salt, process, label):
    for curve in (salt.entropy_change("90 MPa", process), salt.temperature_change("90 MPa", process)):
        assert curve.coords["reversibility"].value == label
        assert curve.coords["process"].value == process
        assert f"({label})" in curve.name


def test_every_merit_says_whether_a_cycle_can_use_it(salt):
    for name, merit in salt.merits("90 MPa").items():
        expected = "reversible" if name.startswith("reversible_") else "one-branch"
        assert merit.reversibility == expected
        assert expected in str(merit)


def test_below_the_reversible_pressure_a_cycle_can_use_nothing(salt):
    merits = salt.merits("40 MPa")
    assert merits["entropy_change"].value.value == pytest.approx(DS)
    for name in ("entropy_change", "temperature_change", "width", "relative_cooling_power"):
        assert merits[f"reversible_{name}"].value.value == pytest.approx(0.0, abs=1e-9)
    assert any("no temperature lets the transition go there and back" in text for text in salt.warnings("40 MPa"))
    assert not any("there and back" in text for text in salt.warnings("100 MPa"))
    assert any("beyond the measured range" in text for text in salt.warnings("101 MPa"))


T3 = sc.array(dims=["temperature"], values=[300.0, 310, 320], unit="K")
BAD = {
    "no unit": (lambda e: e.entropy_change("90"), "has no unit"),
    "a bare number": (lambda e: e.entropy_change(90), "has no unit"),
    "wrong unit": (lambda e: e.entropy_change("90 K"), "has the unit K"),
    "no pressure": (lambda e: e.entropy_change(None), "expected a quantity"),
    "negative": (lambda e: e.entropy_change("-5 MPa"), "must not be negative"),
    "not a number": (lambda e: e.entropy_change(sc.scalar(float("nan"), unit="MPa")), "not a finite number"),
    "below the low pressure": (lambda e: e.entropy_change("0.05 MPa"), "not above the low pressure"),
    "the low pressure": (lambda e: e.temperature_change("0.1 MPa"), "not above the low pressure"),
    "low above high": (lambda e: e.merits("50 MPa", low_pressure="60 MPa"), "not above the low pressure"),
    "negative low": (lambda e: e.merits("50 MPa", low_pressure="-1 MPa"), "must not be negative"),
    "unknown process": (lambda e: e.entropy_change("50 MPa", "squeezing"), "'squeezing' is none of 'compression'"),
    "unknown branch": (lambda e: e.transition_temperature("up", "50 MPa"), "'up' is none of 'heating'"),
    "unknown branch of a slope": (lambda e: e.slope("up"), "'up' is none of 'heating'"),
    "crossed branches": (lambda e: e.entropy_change("6 GPa"), "outside the"),
    "crossed branches of a warning": (lambda e: e.warnings("6 GPa"), "outside the"),
    "far outside": (lambda e: e.transition_temperature("heating", "1000 GPa"), "outside the"),
    "wrong dimension": (lambda e: e.entropy_change("50 MPa", temperature=T3.rename(temperature="T")), "dimension"),
    "wrong unit of temperature": (
        lambda e: e.entropy_change("50 MPa", temperature=sc.array(dims=["temperature"], values=[1.0], unit="MPa")),
        "temperature",
    ),
    "no array": (lambda e: e.entropy_change("50 MPa", temperature=300.0), "temperature"),
    "temperature at zero": (lambda e: e.entropy_change("50 MPa", temperature=0.0 * T3), "above 0 K"),
    "temperature not a number": (lambda e: e.entropy_change("50 MPa", temperature=np.nan * T3), "finite"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_computed_is_refused_in_one_line(salt, case):
    call, fragment = BAD[case]
    with pytest.raises(InputError) as caught:
        call(salt)
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pressure_beyond_the_crossing_of_the_branches_is_refused():
    steep = caloric_effect(load("NH4SCN"), slope_heating="-0.6 K/MPa", slope_cooling="-0.3 K/MPa")
    crossing = 0.1 + 29 / 0.3  # hysteresis over the difference of the slopes
    assert steep.hysteresis(f"{crossing - 1} MPa").value == pytest.approx(0.3, abs=0.1)
    with pytest.raises(InputError, match=r"the heating branch .* would fall below the cooling branch"):
        steep.entropy_change(f"{crossing + 1} MPa")


def test_without_hysteresis_reversible_merits_are_those_of_one_branch():
    """With expansion and different heat capacities, for both signs of dV."""
    for sign in (-1.0, 1.0):
        model = TwoPhase(
            low=PhaseProperties(heat_capacity=1500.0, expansion=1.5e-7),
            high=PhaseProperties(heat_capacity=1600.0, expansion=2.5e-7),
            temperature=350.0,
            pressure=1e5,
            entropy_change=130.0,
            volume_change=sign * 3.8e-5,
            volume=8e-4,
        )
        merits = CaloricEffect("synthetic", model).merits("100 MPa")
        for name in ("width", "relative_cooling_power", "tec_10K"):
            one_branch = merits[name].value.value
            assert merits[f"reversible_{name}"].value.value == pytest.approx(one_branch, rel=1e-9), (sign, name)
