"""A measured scan of eicosane (TA 2920 export, 1 K/min, pkynetics, MIT) against what others read from it.

Latent heat 280-285 J/g on heating and 283-288 J/g on cooling; hysteresis 2.8 K by onset, 3.5 K by T50, 3.9 K by peak.
"""

import os
from functools import cache
from pathlib import Path

import pytest

from caloris.heat.calorimetry import BASELINES, analyse, read

FILE = (
    Path(os.environ.get("CALORIS_DATA", Path(__file__).parents[4] / "shared" / "data"))
    / "calorimetry"
    / "sample_dsc_tainstruments.txt"
)
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no measured file {FILE}; set CALORIS_DATA")
each_baseline = pytest.mark.parametrize("baseline", BASELINES)


@cache
def eicosane(baseline="fraction-weighted", definition="T50"):
    recording = read(FILE, pressure="0.1 MPa")
    return analyse([recording], baseline=baseline, definition=definition, draws=0, name="eicosane")


def rows(result):
    return {row.direction: row for row in result.transitions}


def test_melting_is_endothermic_although_the_file_has_exotherm_up():
    recording = read(FILE, pressure="0.1 MPa")
    assert recording.sign_is_certain
    assert "Exotherm Up" in recording.sign
    for peak in eicosane().peaks:
        assert float(peak.integral.heat[0]) * peak.scan.sign > 0
    assert set(rows(eicosane())) == {"heating", "cooling"}


@each_baseline
def test_latent_heat_on_both_branches(baseline):
    found = rows(eicosane(baseline))
    assert 0.98 * 280e3 < found["heating"].latent_heat.value < 1.02 * 285e3
    assert 0.98 * 283e3 < found["cooling"].latent_heat.value < 1.02 * 288e3


@each_baseline
def test_entropy_of_transition_on_both_branches(baseline):
    for row in rows(eicosane(baseline)).values():
        assert 0.98 * 915 < row.entropy_change.value < 1.02 * 941


@each_baseline
@pytest.mark.parametrize(("definition", "kelvin"), [("onset", 2.8), ("T50", 3.5), ("peak", 3.9)])
def test_hysteresis_depends_on_the_definition(baseline, definition, kelvin):
    ((_, by),) = eicosane(baseline).hysteresis().items()
    assert by[definition] == pytest.approx(kelvin, rel=0.02)


@pytest.mark.parametrize("definition", ["onset", "T50", "peak"])
def test_the_stated_temperature_is_the_one_of_the_definition(definition):
    result = eicosane(definition=definition)
    for row in result.transitions:
        assert row.definition == definition
        assert row.temperature.value == row.temperatures[definition]


@each_baseline
def test_latent_heat_over_entropy_lies_within_the_peak(baseline):
    result = eicosane(baseline)
    for row in result.transitions:
        T = row.latent_heat.value / row.entropy_change.value
        low, high = sorted((row.temperatures["start"], row.temperatures["finish"]))
        assert low < T < high
    assert [finding.agrees for finding in result.closure] == [True, True]


def test_melting_begins_near_the_published_melting_point():
    """36.6 °C (309.8 K) is the melting point of eicosane in the CRC handbook."""
    assert rows(eicosane())["heating"].temperatures["peak"] == pytest.approx(309.8, abs=1.5)


def test_the_baselines_agree_within_a_few_tenths_of_a_per_cent():
    heats = {baseline: rows(eicosane(baseline)) for baseline in BASELINES}
    for direction in ("heating", "cooling"):
        values = [found[direction].entropy_change.value for found in heats.values()]
        spread = 0.5 * (max(values) - min(values)) / heats["fraction-weighted"][direction].entropy_change.value
        assert spread <= 1.001 * rows(eicosane())[direction].baseline_spread < 0.003


def test_recalescence_is_told_of_the_cooling_and_not_of_the_heating():
    (line,) = (line for line in eicosane().warnings() if "recalescence" in line)
    assert "cooling 1" in line
    assert "goes back by 1.1" in line


def test_one_pressure_gives_transitions_and_no_caloric_effect():
    result = eicosane()
    assert result.effect is None
    assert result.surfaces is None
    assert result.to_json()["slope"] is None
    assert result.to_json()["entropy_change"] == []
