"""Whether numbers that belong together close, and whether numbers that do not are found out."""

from dataclasses import replace

import pytest
from exact_barocalorics import PRESSURES, heat_capacities, material, series, volumes

from caloris.heat import PhaseProperties
from caloris.heat.calorimetry import analyse, scans_of

kinds = pytest.mark.parametrize("sign", [-1, 1], ids=["inverse", "conventional"])


def analysed(model, *, volume=None, heat_capacity=None, width=3.0, scans=None, **options):
    return analyse(
        scans or series(model, width, points=3000),
        heat_capacity=heat_capacity or heat_capacities(model),
        volume=volume or volumes(model),
        shape="quadratic",
        draws=0,
        **options,
    )


def findings(result, words):
    found = [finding for finding in result.closure if words in finding.quantity]
    assert found
    return found


@kinds
@pytest.mark.parametrize("width", [0.0, 3.0])
def test_the_exact_model_closes(sign, width):
    model = material(sign, 10.0)
    result = analysed(model, width=width, scans=series(model, width, points=3000 if width else 20000))
    assert all(finding.agrees for finding in result.closure), [str(f) for f in result.closure]
    for finding in findings(result, "entropy of transition"):
        assert finding.difference == pytest.approx(0.0, abs=1e-3)
    for finding in findings(result, "latent heat over entropy"):
        assert finding.difference == pytest.approx(0.0, abs=1e-3)
    # dT/dp of a branch with a constant barrier is dV/dS on that branch
    for finding in findings(result, "dT/dp"):
        assert finding.difference == pytest.approx(0.0, abs=5e-3)
    for finding in findings(result, "entropy change at"):
        assert finding.difference == pytest.approx(0.0, abs=0.01)
    assert not [line for line in result.warnings() if line.startswith("does not close")]


@kinds
def test_every_comparison_that_the_data_allow_is_made(sign):
    result = analysed(material(sign, 10.0))
    count = len(PRESSURES)
    assert len(findings(result, "latent heat over entropy")) == 2 * count
    assert len(findings(result, "entropy of transition")) == 2 * (count - 1)
    assert len(findings(result, "dT/dp")) == 2
    assert len(findings(result, "entropy change at")) == 2
    assert len(findings(result, "largest |dS|")) == 1


def test_without_volumes_only_heats_are_compared():
    model = material(-1, 10.0)
    result = analyse(series(model, 3.0, points=2000, pressures=(0.1, 60.0)), draws=0)
    assert {finding.quantity.split(",")[0] for finding in result.closure} == {
        "latent heat over entropy change",
        "entropy on heating and on cooling",
        "largest |dS| against its bound",
    }


@kinds
def test_a_wrong_volume_change_is_found_by_clausius_clapeyron_and_by_maxwell(sign):
    model = material(sign, 10.0)
    wrong = replace(model, volume_change=1.2 * model.volume_change)
    result = analysed(model, volume=volumes(wrong))
    for words in ("dT/dp", "entropy change at"):
        for finding in findings(result, words):
            assert not finding.agrees
    for finding in findings(result, "dT/dp"):
        assert finding.difference == pytest.approx(0.2, abs=0.02)
    assert any(line.startswith("does not close: dT/dp") for line in result.warnings())


def test_a_wrong_expansion_is_found_by_the_entropies_of_transition():
    model = material(-1, 10.0, expansion=(2e-7, 2e-7))
    wrong = replace(model, high=PhaseProperties(heat_capacity=1670.0, expansion=4e-7, compression=1.2e-13))
    result = analysed(model, volume=volumes(wrong))
    last = [finding for finding in findings(result, "entropy of transition") if "100 MPa" in finding.quantity]
    assert len(last) == 2
    assert all(not finding.agrees for finding in last)
    # (e_high - e_low) (p - p_0) = 2e-7 * 99.9e6 = 20 J/kg/K too much
    for finding in last:
        assert float(finding.stated.value) - float(finding.implied.value) == pytest.approx(20.0, abs=0.3)


def test_a_pressure_with_a_wrong_mass_is_found():
    """At one pressure the sample was another: its entropy of transition is too large by that factor."""
    model = material(-1, 10.0)
    scans = scans_of(series(model, 3.0, points=3000))
    scans = [
        replace(scan, heat_flow=1.12 * scan.heat_flow) if abs(scan.pressure - 60e6) < 1e5 else scan for scan in scans
    ]
    result = analysed(model, scans=scans)
    (line,) = (line for line in result.warnings() if "off that of the series" in line)
    assert "60 MPa" in line
    wrong = [finding.quantity for finding in findings(result, "entropy of transition") if not finding.agrees]
    assert len(wrong) == 2
    assert all("60 MPa" in name for name in wrong)


def test_heat_over_entropy_is_the_temperature_of_the_transition():
    for finding in findings(analysed(material(-1, 10.0)), "latent heat over entropy"):
        assert finding.agrees
        assert float(finding.implied.value) == pytest.approx(float(finding.stated.value), abs=0.1)
