"""Series as laboratories have them: scans that are missing, exchanged, miscalibrated, noisy, repeated or interrupted.

The truth is that of the synthetic scans; a result that cannot hold says so in words.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipp as sc

from caloris.errors import InputError
from caloris.heat import PhaseProperties, TwoPhase
from caloris.heat.calorimetry import (
    STANDARDS,
    Calibration,
    CalorimetryResult,
    Scan,
    analyse,
    calibration_point,
    measure,
    scans_of,
    synthetic_recording,
)
from caloris.heat.calorimetry.volume import volume_of
from caloris.materials import load
from caloris.report.calorimetry import write_calorimetry

MODEL = TwoPhase.from_material(load("NH4SCN"))
CAPACITY = "1590 J/kg/K"


def scans(*pressures: float, **options: object) -> list[Scan]:
    """Heating and cooling of the synthetic material at each pressure (MPa)."""
    return scans_of([synthetic_recording(MODEL, pressure=f"{p} MPa", **options) for p in pressures])  # type: ignore[arg-type]


def series(chosen: list[Scan], draws: int = 0) -> CalorimetryResult:
    return analyse(chosen, heat_capacity=CAPACITY, draws=draws)


def said(result: CalorimetryResult, *words: str) -> bool:
    return any(all(word in line for word in words) for line in result.warnings())


# -- calibration errors are no reversible effect ----------------------------------------------------------


def test_a_heating_that_reads_three_per_cent_more_gives_no_reversible_effect_where_nothing_transforms() -> None:
    chosen = [
        replace(scan, heat_flow=scan.heat_flow * (1.03 if scan.direction == "heating" else 1.0))
        for scan in scans(0.1, 20, 40, 60)
    ]
    result = series(chosen)
    assert result.headline["entropy change, 60 MPa, reversible"].value < 0.01
    assert result.headline["temperature change, 60 MPa, reversible"].value < 0.01
    assert result.headline["entropy change, 60 MPa, compression"].value == pytest.approx(1.015 * 128.7, rel=2e-3)


def test_one_pressure_that_reads_a_third_more_is_named_and_gives_no_reversible_effect() -> None:
    chosen = [replace(s, heat_flow=s.heat_flow * (1.3 if s.pressure == 50e6 else 1.0)) for s in scans(0.1, 25, 50, 75)]
    result = series(chosen)
    assert said(result, "50 MPa", "off that of the series")
    for p in (25, 50, 75):
        assert result.headline[f"entropy change, {p} MPa, reversible"].value < 0.05


def test_both_branches_end_in_one_high_phase() -> None:
    """Entropy is a function of state: above both transitions heating and cooling agree."""
    chosen = [
        replace(scan, heat_flow=scan.heat_flow * (1.02 if scan.direction == "heating" else 0.99))
        for scan in scans(0.1, 50, 100)
    ]
    surfaces = series(chosen).surfaces
    assert surfaces is not None
    T = np.array([390.0])
    for p in (0.1e6, 30e6, 100e6):
        assert surfaces.entropy(T, p, "heating") == pytest.approx(surfaces.entropy(T, p, "cooling"), rel=1e-9)


# -- noise ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "noise"), [(4000, 0.05), (4000, 0.2), (20000, 0.2)])
def test_noise_does_not_move_the_limits_onto_the_summit(points: int, noise: float) -> None:
    found = [measure(scans(0.1, points=points, noise=noise, seed=seed)[0]).entropy_change for seed in range(6)]
    assert np.mean(found) == pytest.approx(128.7, rel=0.05)
    assert np.min(found) > 0.8 * 128.7


def test_noise_in_the_temperature_is_no_recalescence() -> None:
    scan = scans(0.1)[0]
    noisy = scan.temperature + 0.03 * np.random.default_rng(1).standard_normal(len(scan.temperature))
    peak = measure(replace(scan, temperature=noisy))
    assert not any("recalescence" in line for line in peak.remarks)
    assert peak.entropy_change == pytest.approx(128.7, rel=2e-3)


def test_a_spike_on_the_baseline_is_remarked() -> None:
    scan = scans(0.1)[0]
    flow = scan.heat_flow.copy()
    near = int(np.argmin(np.abs(scan.temperature - 372.0)))
    flow[near] += 0.3 * np.ptp(flow)
    assert any("spike" in line and "372" in line for line in measure(replace(scan, heat_flow=flow)).remarks)
    assert not any("spike" in line for line in measure(scan).remarks)


# -- what is missing or exchanged ---------------------------------------------------------------------------


def test_exchanged_pressures_are_found_by_their_scatter() -> None:
    swap = {20e6: 80e6, 80e6: 20e6}
    result = series(
        [replace(s, pressure=swap.get(s.pressure, s.pressure)) for s in scans(0.1, 20, 40, 60, 80, 100)], 60
    )
    assert said(result, "scatter", "is a pressure wrong")
    slope = result.headline["slope, heating"]
    assert slope.low < -0.2 < slope.high  # the interval is as wide as the scatter


def test_scatter_of_the_transition_temperatures_widens_the_intervals() -> None:
    """Random shifts of 1 K: the truth lies within three of the quoted errors."""
    rng = np.random.default_rng(3)
    chosen = [replace(s, temperature=s.temperature + rng.normal()) for s in scans(0.1, 20, 40, 60, 80, 100)]
    result = series(chosen, 100)
    slope = result.headline["slope, heating"]
    assert abs(slope.value - -0.3003) < 3 * slope.error
    assert said(result, "scatter")


def test_one_branch_alone_has_no_hysteresis_and_no_reversible_pressure() -> None:
    result = series([s for s in scans(0.1, 50, 100) if s.direction == "heating"], 60)
    assert not any(name.startswith(("hysteresis", "reversible pressure", "slope, cooling")) for name in result.headline)
    found = result.to_json()
    assert found["reversible_pressure"] is None
    assert found["slope"]["cooling"] is None
    reversible = [c for c in found["entropy_change"] if c["process"] == "reversible"]
    assert {curve["reversibility"] for curve in reversible} == {"upper bound"}
    assert "upper bound" in result.summary()
    assert sum("hysteresis" in line for line in result.warnings()) == 1


def test_scans_that_cannot_be_used_are_named() -> None:
    missing = {("cooling", 40e6), ("cooling", 100e6), ("heating", 0.1e6)}
    result = series([s for s in scans(0.1, 20, 40, 60, 80, 100) if (s.direction, s.pressure) not in missing])
    assert said(result, "0.1 MPa, cooling", "not part of the caloric effect")
    assert said(result, "100 MPa, heating", "not part of the caloric effect")
    assert said(result, "at 40 MPa only one branch")
    assert "hysteresis, 40 MPa" not in result.headline
    assert result.to_json()["low_pressure"]["value"] == pytest.approx(20)


def test_one_pressure_on_a_branch_is_said_to_be_the_reason() -> None:
    result = series([s for s in scans(0.1, 50, 100) if s.direction == "heating" or s.pressure < 1e6])
    assert result.effect is None
    assert said(result, "cooling", "one pressure only")


def test_different_rates_are_remarked() -> None:
    chosen = [*scans(0.1, rate="1 K/min"), *scans(50, rate="5 K/min")]
    assert said(series(chosen), "1 to 5 K/min", "lag")


def test_repeats_that_differ_are_remarked_and_averaged() -> None:
    first = [replace(s, temperature=s.temperature + 4.0) for s in scans(0.1) if s.direction == "heating"]
    result = series([*first, *scans(0.1, 50)])
    assert said(result, "2 scans at 0.1 MPa on heating differ by 4.00 K")
    assert result.headline["hysteresis, 0.1 MPa"].value == pytest.approx(31.0, abs=0.01)
    assert result.hysteresis()[0.1]["T50"] == pytest.approx(31.0, abs=0.01)


def test_pressures_that_differ_a_little_between_the_branches_are_one() -> None:
    chosen = [
        replace(s, pressure=s.pressure * (1.003 if s.direction == "cooling" else 1.0)) for s in scans(0.1, 50, 100)
    ]
    result = series(chosen)
    assert len(result.hysteresis()) == 3
    assert len([name for name in result.headline if name.startswith("hysteresis")]) >= 2


def test_without_hysteresis_the_effect_is_reversible_and_nothing_fails(tmp_path: object) -> None:
    soft = replace(
        MODEL, barrier_heating=0.0, barrier_cooling=0.0, barrier_heating_slope=0.0, barrier_cooling_slope=0.0
    )
    found = [synthetic_recording(soft, pressure=f"{p} MPa", noise=0.01, seed=p) for p in (1, 50, 100)]
    result = analyse(found, heat_capacity=CAPACITY, draws=60)
    assert result.headline["reversible pressure"].value == pytest.approx(0.0, abs=0.5)
    assert result.headline["entropy change, 100 MPa, reversible"].value == pytest.approx(128.7, rel=0.02)
    assert result.effect is not None
    assert result.effect.merits("100 MPa")


def test_pressure_that_moves_nothing_has_no_reversible_pressure() -> None:
    still = [replace(s, pressure=p * 1e6) for p in (0.1, 50.0, 100.0) for s in scans(0.1)]
    assert series(still).to_json()["reversible_pressure"] is None


def test_branches_that_move_apart_are_remarked() -> None:
    swap = {0.1e6: 100e6, 100e6: 0.1e6}
    chosen = [
        replace(s, pressure=swap.get(s.pressure, s.pressure)) if s.direction == "cooling" else s
        for s in scans(0.1, 50, 100)
    ]
    assert said(series(chosen), "opposite directions")


# -- scans that are interrupted or cut -----------------------------------------------------------------------


def test_a_hold_within_a_heating_is_remarked() -> None:
    scan = scans(0.1)[0]
    k = int(np.argmin(np.abs(scan.temperature - 366.0)))
    n = int(600 / float(np.median(np.diff(scan.time))))
    step = float(np.median(np.diff(scan.time)))
    held = replace(
        scan,
        time=np.concatenate([scan.time[:k], scan.time[k] + step * np.arange(n), scan.time[k:] + step * n]),
        temperature=np.concatenate([scan.temperature[:k], np.full(n, scan.temperature[k]), scan.temperature[k:]]),
        heat_flow=np.concatenate([scan.heat_flow[:k], np.zeros(n), scan.heat_flow[k:]]),
    )
    assert any("stands still near 366" in line for line in measure(held).remarks)


def test_limits_within_the_peak_are_remarked() -> None:
    scan = scans(0.1)[0]
    assert any("cut into the peak" in line for line in measure(scan, limits=(363.0, 365.0)).remarks)
    assert not measure(scan, limits=(356.0, 372.0)).remarks


def test_the_wrong_sign_is_named() -> None:
    scan = scans(0.1)[0]
    with pytest.raises(InputError, match="sign of the heat flow"):
        measure(replace(scan, heat_flow=-scan.heat_flow))


def test_a_curved_baseline_is_part_of_the_systematic_spread() -> None:
    scan = scans(0.1)[0]
    bent = replace(scan, heat_flow=scan.heat_flow + 10.0 * ((scan.temperature - 364.0) / 20.0) ** 2)
    straight, curved = measure(scan), measure(bent)
    error = abs(curved.entropy_change / 128.7 - 1)
    assert error > 5 * straight.entropy_spread
    assert curved.entropy_spread > 0.4 * error
    assert curved.others == ()


# -- heat capacities ------------------------------------------------------------------------------------------


def test_heat_capacities_that_the_baselines_contradict_do_not_close() -> None:
    result = analyse(scans(0.1, 50), heat_capacity={"low": "1000 J/kg/K", "high": "3000 J/kg/K"}, draws=0)
    assert said(result, "does not close", "step of the heat capacity")


def test_a_table_that_still_holds_the_peak_is_refused() -> None:
    T = np.linspace(330.0, 400.0, 71)
    values = 1590 + 20000 * np.exp(-(((T - 364) / 2) ** 2))
    table = sc.DataArray(
        sc.array(dims=["temperature"], values=values, unit="J/kg/K"),
        coords={"temperature": sc.array(dims=["temperature"], values=T, unit="K")},
    )
    with pytest.raises(InputError, match="still holds a transition"):
        analyse(scans(0.1, 50), heat_capacity={"low": table, "high": "1600 J/kg/K"}, draws=0)


def test_a_table_that_ends_below_the_transition_is_remarked() -> None:
    table = sc.DataArray(
        sc.array(dims=["temperature"], values=[1500.0, 1550.0], unit="J/kg/K"),
        coords={"temperature": sc.array(dims=["temperature"], values=[280.0, 300.0], unit="K")},
    )
    result = analyse(scans(0.1, 50), heat_capacity={"low": table, "high": "1600 J/kg/K"}, draws=0)
    assert said(result, "heat capacity of the low phase", "held beyond")


@pytest.mark.parametrize("T", [250.0, 330.0, 440.0])
def test_one_temperature_alone_has_the_same_temperature_change_as_in_company(T: float) -> None:
    effect = series(scans(0.1, 50, 100)).effect
    assert effect is not None

    def change(*values: float) -> np.ndarray:
        given = sc.array(dims=["temperature"], values=list(values), unit="K")
        return np.asarray(effect.temperature_change("100 MPa", temperature=given).values)

    assert change(T)[0] == pytest.approx(change(T, 345.0, 360.0)[0], abs=1e-3)
    assert abs(change(T)[0]) < 0.01


# -- numbers that cannot be right -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "words"), [(1e-3, "entropy of transition of 0.12"), (1e3, "entropy of transition of 1.2")]
)
def test_a_wrong_unit_of_the_heat_flow_is_remarked(factor: float, words: str) -> None:
    result = series([replace(s, heat_flow=s.heat_flow * factor) for s in scans(0.1, 50)])
    assert said(result, words, "is the unit")


def test_a_file_given_twice_is_remarked() -> None:
    assert said(series([*scans(0.1, 50), *scans(50)]), "same numbers", "given twice")


def test_heating_and_cooling_baselines_tell_the_heat_capacity() -> None:
    """Half the distance of the two baselines over the rate is C: an offset of the calorimeter drops out."""
    moved = [replace(s, heat_flow=s.heat_flow + 500.0) for s in scans(0.1, 50)]
    (finding,) = (f for f in series(moved).closure if f.quantity.startswith("heat capacity, heating against cooling"))
    assert finding.implied.value == pytest.approx(1590.0, rel=1e-3)
    assert finding.agrees
    wrong = analyse(moved, heat_capacity="500 J/kg/K", draws=0)
    assert said(wrong, "does not close", "heating against cooling")


@pytest.mark.parametrize("top", [100.12367, 99.99999999, 33.333333333])
def test_any_pressure_of_a_gauge_can_be_reported(top: float, tmp_path: Path) -> None:
    chosen = [replace(s, pressure=top * 1e6) if s.pressure > 50e6 else s for s in scans(0.1, 20, 100)]
    names = {path.name for path in write_calorimetry(series(chosen), tmp_path)}
    assert "report.html" in names


def test_branches_without_a_common_range_of_pressures_give_transitions_only(tmp_path: Path) -> None:
    chosen = [s for s in scans(0.1, 50, 60, 100) if (s.direction == "heating") == (s.pressure < 55e6)]
    result = series(chosen)
    assert result.effect is None
    assert said(result, "common range of pressures")
    assert len(result.transitions) == 4
    write_calorimetry(result, tmp_path)


def test_nearly_one_pressure_gives_transitions_only() -> None:
    assert series(scans(100, 100.5)).effect is None


def test_close_pressures_stay_apart() -> None:
    """97 and 100 MPa differ by 0.9 K in T_t: they are two pressures."""
    result = series(scans(0.1, 97, 100))
    assert {"hysteresis, 97 MPa", "hysteresis, 100 MPa"} <= set(result.headline)


def test_a_scan_without_a_peak_is_left_out_and_named() -> None:
    (flat, *_) = scans(50)
    T = flat.temperature
    still = replace(flat, heat_flow=1590 * flat.rate + 0 * T, name="flat.txt, 50 MPa, heating 1")
    result = series([*scans(0.1, 50, 100), still])
    assert said(result, "flat.txt", "left out")
    assert len(result.peaks) == 6


def test_calibration_and_blank_need_recordings() -> None:
    with pytest.raises(InputError, match="recordings"):
        analyse(scans(0.1, 50), blank=[synthetic_recording(MODEL, pressure="50 MPa")], draws=0)


def test_thermal_lag_that_nobody_stated_grows_with_the_rate() -> None:
    errors = [
        series(scans(0.1, 50, rate=f"{rate} K/min"), 200).headline["hysteresis, 0.1 MPa"].error for rate in (1, 10)
    ]
    assert errors[1] > 5 * errors[0]


def test_below_the_reversible_pressure_the_result_says_that_only_expansion_is_reversible() -> None:
    """A conventional material whose phases expand: at 50 MPa nothing transforms there and back."""
    model = TwoPhase(
        low=PhaseProperties(heat_capacity=1500, expansion=2e-7),
        high=PhaseProperties(heat_capacity=1600, expansion=3e-7),
        temperature=330.0,
        pressure=1e5,
        entropy_change=200.0,
        volume_change=4e-5,
        volume=8e-4,
        barrier_heating=2000.0,
        barrier_cooling=2000.0,
    )
    points = [
        (phase, T, p, float(model.low_volume(T, p * 1e6) + (phase == "high") * model.delta_volume(T, p * 1e6)))
        for phase in ("low", "high")
        for T in (280.0, 320.0, 360.0)
        for p in (0.1, 60.0, 120.0)
    ]
    rows = {name: np.array([[T, p * 1e6, v] for phase, T, p, v in points if phase == name]) for name in ("low", "high")}
    chosen = scans_of([synthetic_recording(model, pressure=f"{p} MPa") for p in (0.1, 50, 120)])
    result = analyse(
        chosen, heat_capacity={"low": "1500 J/kg/K", "high": "1600 J/kg/K"}, volume=volume_of(rows), draws=0
    )
    assert said(result, "at 50 MPa the reversible changes are those of thermal expansion")
    assert result.headline["entropy change, 50 MPa, reversible"].value == pytest.approx(3e-7 * 49.9e6, rel=0.35)
    assert result.headline["relative cooling power, 50 MPa, reversible"].value < 1.0
    effect = result.effect
    assert effect is not None
    merits = effect.merits("120 MPa")
    for name in ("entropy_change", "temperature_change"):
        told = result.headline[f"{name.replace('_', ' ')}, 120 MPa, reversible"].value
        assert merits[f"reversible_{name}"].value.value == pytest.approx(told, rel=5e-3)


@pytest.mark.parametrize(("standard", "estimated"), [("naphthalene", True), ("indium", False)])
def test_a_standard_with_an_estimated_slope_is_called_one(standard: str, estimated: bool) -> None:
    melting = STANDARDS[standard]
    point = calibration_point(
        standard,
        pressure="0.1 MPa",
        onset=f"{melting.melting_temperature} K",
        heat_of_fusion=f"{melting.heat_of_fusion} J/kg",
    )
    found = [synthetic_recording(MODEL, pressure=f"{p} MPa") for p in (0.1, 50)]
    result = analyse(found, heat_capacity=CAPACITY, calibration=Calibration((point,)), draws=0)
    assert said(result, f"melting of {standard} is an estimate") == estimated
