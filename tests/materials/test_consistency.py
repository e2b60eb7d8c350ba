"""The numbers of a card against one another: what agrees, what does not, what cannot be said."""

from pathlib import Path

import pytest

import caloris.materials
from caloris.materials import check, implausible, load, unchecked


def find(findings, *words):
    found = [f for f in findings if all(word in f.quantity for word in words)]
    assert found, words
    return found


@pytest.fixture(scope="module")
def salt():
    return load("NH4SCN")


@pytest.fixture(scope="module")
def findings(salt):
    return check(salt)


def changed(card, transition="monoclinic-orthorhombic", **fields):
    """Copy of a card with fields of one value or of one transition replaced."""
    entry = card.transitions[transition]
    update = {}
    for name, change in fields.items():
        update[name] = None if change is None else getattr(entry, name).model_copy(update=change)
    transitions = card.transitions | {transition: entry.model_copy(update=update)}
    return card.model_copy(update={"transitions": transitions})


def test_clausius_clapeyron_of_the_heating_branch_agrees(findings):
    [finding] = find(findings, "Clausius-Clapeyron")
    assert "heating" in finding.quantity
    assert finding.stated.value == pytest.approx(-0.3003)
    assert finding.implied.value == pytest.approx(-0.2953, abs=5e-5)
    assert str(finding.implied.unit) == "K/MPa"
    assert finding.difference == pytest.approx(-0.0168, abs=1e-4)
    assert finding.agrees


@pytest.mark.parametrize(("slope", "agrees"), [(-0.31, False), (-0.309, True), (-0.29, True), (0.3, False)])
def test_stated_uncertainty_decides_over_the_slope(salt, slope, agrees):
    # dV/dS is -0.29526 K/MPa; twice the stated 0.007 K/MPa lets slopes from -0.3093 to -0.2813 pass
    [finding] = find(check(changed(salt, slope_heating={"value": slope})), "Clausius-Clapeyron")
    assert finding.agrees is agrees


@pytest.mark.parametrize(("slope", "agrees"), [(-0.32, False), (-0.31, True), (-0.282, True), (-0.28, False)])
def test_five_percent_without_stated_uncertainty(salt, slope, agrees):
    card = changed(salt, slope_heating={"value": slope, "uncertainty": None})
    [finding] = find(check(card), "Clausius-Clapeyron")
    assert finding.agrees is agrees
    assert "5%" in finding.remark


def test_cooling_branch_is_checked_where_its_slope_is_known(salt):
    entry = salt.transition()
    entry = entry.model_copy(update={"slope_cooling": entry.slope_heating})
    card = salt.model_copy(update={"transitions": {"t": entry}})
    assert len(find(check(card), "cooling", "Clausius-Clapeyron")) == 1


def test_cells_give_three_quarters_of_the_stated_volume_change(findings):
    [finding] = find(findings, "volume change", "cells")
    assert finding.stated.value == -3.8e-5
    assert finding.implied.value == pytest.approx((373.370 - 387.534) / 4 / 76.117 * 6.02214e-4, rel=1e-3)
    assert finding.difference == pytest.approx(-0.263, abs=0.002)
    assert not finding.agrees
    assert "thermal expansion" in finding.remark


def test_latent_heat_lies_within_the_hysteresis(findings):
    heats = find(findings, "latent heat")
    assert [f.implied.value for f in heats] == pytest.approx([46.847, 44.981, 43.115], abs=1e-3)
    assert all(f.stated.value == 43 and f.agrees for f in heats)


@pytest.mark.parametrize(("heat", "agrees"), [(40.5, False), (41.5, True), (49, True), (50, False)])
def test_latent_heat_outside_the_hysteresis_disagrees(salt, heat, agrees):
    heats = find(check(changed(salt, latent_heat={"value": heat})), "latent heat")
    assert [f.agrees for f in heats] == [agrees] * 3


def test_density_is_compared_with_the_formula_of_the_card_not_with_deuterium(findings):
    # the cell of ND4SCN with H masses; with D the monoclinic phase would have 1374 kg/m^3
    monoclinic, orthorhombic, tetragonal = find(findings, "density")
    assert monoclinic.implied.value == pytest.approx(1304.6, abs=0.1)
    assert orthorhombic.implied.value == pytest.approx(1354.1, abs=0.1)
    assert tetragonal.implied.value == pytest.approx(1330.6, abs=0.1)
    assert monoclinic.agrees
    assert orthorhombic.agrees
    assert tetragonal.agrees
    assert "itself derived" in tetragonal.remark


def test_wrong_density_disagrees(salt):
    phase = salt.phase("monoclinic")
    wrong = phase.model_copy(update={"density": phase.density.model_copy(update={"value": 1320.0})})
    card = salt.model_copy(update={"phases": salt.phases | {"monoclinic": wrong}})
    assert not find(check(card), "monoclinic: density")[0].agrees


def test_sign_of_the_hysteresis(salt, findings):
    [finding] = find(findings, "hysteresis")
    assert finding.agrees
    assert "29 K" in finding.remark
    [finding] = find(check(changed(salt, temperature_cooling={"value": 370.0})), "hysteresis")
    assert not finding.agrees


def test_units_of_the_card_do_not_change_the_verdict(salt):
    card = changed(
        salt,
        entropy_change={"value": 0.1287, "unit": "J/g/K"},
        volume_change={"value": -0.038, "unit": "cm^3/g"},
        latent_heat={"value": 43000.0, "unit": "J/kg"},
    )
    before, after = check(salt), check(card)
    assert [f.difference for f in after] == pytest.approx([f.difference for f in before])
    assert [f.agrees for f in after] == [f.agrees for f in before]


def test_a_derived_volume_change_is_not_compared_with_the_slope_it_came_from():
    card = load("NH4I")
    assert not [f for f in check(card) if "Clausius" in f.quantity]
    assert any("volume change is itself derived" in line for line in unchecked(card))


def test_missing_numbers_are_listed_and_not_compared(salt):
    assert check(load("steel-4340")) == []
    assert unchecked(load("steel-4340")) == ["solid: density against the cell: no structure for the phase 'solid'"]
    lines = unchecked(changed(salt, entropy_change=None, latent_heat=None))
    assert any("on heating" in line and line.endswith("no entropy_change") for line in lines)
    assert any(line.endswith("no latent_heat and no entropy_change") for line in lines)


@pytest.mark.parametrize("formula", ["", "steel", "NH4SCN(", "Xy2"])
def test_formula_that_is_none_stops_the_cell_checks_only(salt, formula):
    card = salt.model_copy(update={"formula": formula})
    assert not [f for f in check(card) if "cell" in f.quantity]
    assert find(check(card), "Clausius-Clapeyron")
    assert sum("is not a chemical formula" in line for line in unchecked(card)) == 4


def test_absent_structure_file_is_listed_as_unchecked(salt):
    phase = salt.phase("monoclinic").model_copy(update={"structure": "absent.cif"})
    card = salt.model_copy(update={"phases": salt.phases | {"monoclinic": phase}})
    assert sum("absent.cif" in line for line in unchecked(card)) == 2


def test_finding_prints_as_one_line(findings):
    text = str(find(findings, "Clausius-Clapeyron")[0])
    assert "-0.3003 against -0.2953 K/MPa (-1.7%), agrees" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("volume_change", 'value = -3.8e-5, unit = "m^3/kg"', 'value = -3.8e-5, unit = "cm^3/g"'),
        ("entropy_change", 'value = 128.7, unit = "J/kg/K"', 'value = 128.7, unit = "J/g/K"'),
        ("heat_capacity", 'value = 1590, unit = "J/kg/K"', 'value = 1.59, unit = "J/kg/K"'),
        ("density", 'value = 1305, unit = "kg/m^3"', 'value = 1.305, unit = "kg/m^3"'),
    ],
)
def test_a_slip_of_a_unit_is_implausible(tmp_path, field, old, new):
    library = Path(caloris.materials.__file__).parent / "library"
    text = (library / "NH4SCN.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "slip.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert implausible(load("NH4SCN")) == []
    assert any(field in line for line in implausible(load(path)))
