"""The comparison library holds the published numbers, with what they are worth, and takes a user's own cards."""

import csv
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from caloris.errors import InputError
from caloris.materials.comparison import (
    DIRECTED,
    UNITS,
    Property,
    PublishedMaterial,
    add,
    published_materials,
    read_published,
    user_folder,
)
from caloris.units import parse_unit

ROOT = Path(__file__).parents[2]
TABLE = Path(os.environ.get("CALORIS_DATA", ROOT.parent / "shared" / "data")) / "caloric_materials.csv"
RENAMED = {
    "reversible_entropy_change": "isothermal_entropy_change",
    "reversible_refrigerant_capacity": "refrigerant_capacity",
    "reversible_temperature_span": "temperature_span",
    "isothermal_entropy_change_earlier_report": "isothermal_entropy_change",
    "isothermal_entropy_change_vol": "volumetric_entropy_change",
    "entropy_ratio_to_Mn3GaN": "entropy_change_ratio",
    "volume_change": "relative_volume_change",
}
"""Properties of the table whose name says a reversibility, a unit or a reference that a card states elsewhere."""

CARD = """
schema = 1
name = "my-salt"
title = "My salt"
effect = "barocaloric"
driver = "hydrostatic pressure"
sources.us.citation = "Us (2026)"
[[effects]]
property = "isothermal_entropy_change"
value = 120.0
unit = "J/kg/K"
pressure = "100 MPa"
reversibility = "one-branch"
basis = "experiment"
status = "measured"
source = "us"
"""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PublishedMaterial]:
    return published_materials(tmp_path_factory.mktemp("nobody"))


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "card.toml"
    path.write_text(CARD, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    if not TABLE.exists():
        pytest.skip(f"no table of published materials at {TABLE}")
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(shipped: dict[str, PublishedMaterial]) -> Counter:
    return Counter(
        (card.name, str(entry.property), entry.value, str(parse_unit(entry.unit)), entry.basis, entry.condition)
        for card in shipped.values()
        for entry in card.effects
    )


def as_number(row: dict[str, str]) -> tuple:
    unit = {"m3/kg": "m^3/kg", "J/m3/K": "J/m^3/K", "1": "dimensionless"}.get(row["unit"], row["unit"])
    return (
        row["id"].replace("_", "-"),
        RENAMED.get(row["property"], row["property"]),
        float(row["value"]),
        str(parse_unit(unit)),
        row["basis"],
        row["condition"].replace("see conflicts", "see note"),
    )


def test_every_number_equals_its_row_of_the_table(shipped, rows):
    assert numbers(shipped) == Counter(as_number(row) for row in rows if row["ship"] == "yes")


def test_no_number_is_there_that_may_not_be(shipped, rows):
    present = {key[:4] for key in numbers(shipped)}
    withheld = {as_number(row)[:4] for row in rows if row["ship"] != "yes"}
    assert withheld
    assert not present & withheld


def test_what_is_withheld_is_not_in_a_note_either(shipped):
    notes = " ".join(entry.note for card in shipped.values() for entry in card.effects)
    assert not re.search(r"\b(89|389|47\.3|70\.1|4\.45|0\.81)\b", notes)


def test_quotations_stay_out(rows):
    cards = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/caloris/materials").rglob("*.toml"))
    found = [row["quote"] for row in rows if len(row["quote"]) > 20 and row["quote"] in cards]
    assert found == []


def test_sources_are_those_of_the_table(shipped, rows):
    dois = {match.group(0) for row in rows if (match := re.search(r"10\.\d{4,}/[^\s)]+", row["doi"]))}
    cited = {source.doi for card in shipped.values() for source in card.sources.values() if source.doi}
    assert cited <= dois
    for card in shipped.values():
        assert {entry.source for entry in card.effects} == set(card.sources)


def test_a_pressure_or_field_stands_in_its_condition(shipped):
    for card in shipped.values():
        for entry in card.effects:
            stated = entry.condition.replace("0-", "").replace("150(30)", "150")
            for drive in (entry.pressure, entry.field):
                assert drive is None or drive in stated, f"{card.name}: {drive} not in {entry.condition!r}"


def test_only_what_is_called_reversible_is_reversible(shipped, rows):
    said = {as_number(row): row["property"].startswith("reversible_") for row in rows}
    for card in shipped.values():
        for entry in card.effects:
            if entry.property == Property.VOLUMETRIC_ENTROPY_CHANGE or entry.property not in DIRECTED:
                continue  # AgI: the same effect as the 60 J/kg/K beside it
            key = (card.name, str(entry.property), entry.value, str(parse_unit(entry.unit)), entry.basis)
            named = any(yes for row, yes in said.items() if row[:5] == key and row[5] in (entry.condition, ""))
            words = re.sub(r"not reversible|irreversible", "", entry.condition)
            claimed = named or "reversible" in words or "_rev" in words
            assert (entry.reversibility == "reversible") == claimed, (card.name, entry.condition)
            if entry.property == Property.ISOTHERMAL_ENTROPY_CHANGE and not claimed:
                assert entry.reversibility == "one-branch"


def test_every_property_has_a_unit_and_every_card_keeps_it(shipped):
    assert set(UNITS) == set(Property)
    assert all(
        (entry.reversibility is not None) == (entry.property in DIRECTED)
        for c in shipped.values()
        for entry in c.effects
    )
    assert all(entry.magnitude() > 0 for card in shipped.values() for entry in card.effects)


def test_theory_is_no_measurement(shipped):
    for card in shipped.values():
        for entry in card.effects:
            assert (entry.status == "measured") <= (entry.basis == "experiment")


def test_nh4scn_is_one_branch_and_inverse(shipped):
    salt = shipped["nh4scn"]
    assert salt.sign == "inverse"
    assert salt.best("isothermal_entropy_change", reversibility="reversible") is None
    assert salt.best("isothermal_entropy_change", reversibility="one-branch").value == 128.7
    assert salt.best("isothermal_entropy_change").drive() is None  # stated for 40 to 100 MPa


def test_best_takes_the_largest_magnitude_not_the_largest_number(shipped):
    assert shipped["lafesi-delta-m"].best("isothermal_entropy_change").value == -11.5
    assert shipped["lafesi-delta-m"].best("isothermal_entropy_change").drive().unit == "T"
    with pytest.raises(InputError, match="property: 'entropy' is none of isothermal_entropy_change"):
        shipped["agi"].best("entropy")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'unit = "J/kg/K"',
            'unit = "K"',
            "unit: 'K' does not fit isothermal_entropy_change; expected one like 'J/kg/K'",
        ),
        ('unit = "J/kg/K"', 'unit = "gloop"', "unit: 'gloop' is not a unit"),
        ('reversibility = "one-branch"\n', "", "reversibility: is missing"),
        ('"one-branch"', '"perhaps"', r"effects\.0\.reversibility: Input should be 'reversible'"),
        ("isothermal_entropy_change", "entropy", r"effects\.0\.property: Input should be"),
        ("isothermal_entropy_change", "heat_capacity", "heat_capacity is neither reversible nor one-branch"),
        ('"100 MPa"', '"100 K"', r"effects\.0\.pressure: '100 K' has the unit K"),
        ('"100 MPa"', '"-3 MPa"', r"effects\.0\.pressure: must be greater than 0"),
        ('source = "us"', 'source = "them"', r"effects\.0\.source: 'them' is not among"),
        ("value = 120.0", "value = nan", r"effects\.0\.value"),
        ('name = "my-salt"', 'name = "../salt"', "name: String should match"),
        ('"hydrostatic pressure"', '"magnetic field"', "driver: 'magnetic field' does not drive a barocaloric effect"),
        ("basis", "base", r"effects\.0\.base: is not a field that caloris knows"),
        ("schema = 1", "schema = 2", "schema"),
        ("schema = 1", "schema 1", "not a TOML file"),
    ],
)
def test_wrong_card_is_refused_in_one_line_that_names_the_field(card, old, new, message):
    card.write_text(CARD.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_published(card)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(card))


def test_own_card_joins_the_library(card, tmp_path, monkeypatch):
    monkeypatch.setenv("CALORIS_LIBRARY", str(tmp_path / "own"))
    assert "my-salt" not in published_materials()
    assert add(card) == tmp_path / "own" / "my-salt.toml"
    assert published_materials()["my-salt"].best("isothermal_entropy_change").value == 120.0


def test_duplicate_is_refused_and_replaced_only_on_request(card, tmp_path):
    folder = tmp_path / "own"
    kept = add(card, folder=folder).read_bytes()
    card.write_text(CARD.replace("120.0", "130.0"), encoding="utf-8")
    with pytest.raises(InputError, match="name: 'my-salt' is taken by"):
        add(card, folder=folder)
    assert (folder / "my-salt.toml").read_bytes() == kept
    add(card, folder=folder, replace=True)
    assert published_materials(folder)["my-salt"].effects[0].value == 130.0
    card.write_text(CARD.replace("my-salt", "nh4scn"), encoding="utf-8")
    with pytest.raises(InputError, match="name: 'nh4scn' is taken by"):
        add(card, folder=folder)
    assert [path.name for path in folder.iterdir()] == ["my-salt.toml"]


def test_failed_write_leaves_the_folder_as_it_was(card, tmp_path, monkeypatch):
    folder = tmp_path / "own"
    kept = add(card, folder=folder).read_bytes()

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        add(card, folder=folder, replace=True)
    assert [path.name for path in folder.iterdir()] == ["my-salt.toml"]
    assert (folder / "my-salt.toml").read_bytes() == kept


def test_wrong_card_is_not_added(card, tmp_path):
    card.write_text(CARD.replace("J/kg/K", "K"), encoding="utf-8")
    with pytest.raises(InputError, match="does not fit"):
        add(card, folder=tmp_path / "own")
    assert not (tmp_path / "own").exists()


def test_two_own_cards_of_one_name_are_refused(card, tmp_path):
    (tmp_path / "other.toml").write_text(CARD, encoding="utf-8")
    with pytest.raises(InputError, match="name 'my-salt' is also that of"):
        published_materials(tmp_path)


def test_own_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("CALORIS_LIBRARY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert user_folder() == tmp_path / "caloris" / "comparison"


def test_card_in_the_documentation_is_valid(tmp_path):
    text = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "card.toml").write_text(block, encoding="utf-8")
    assert read_published(tmp_path / "card.toml").name == "my-salt"
    assert [name for name in Property if f"`{name}`" not in text] == []


def test_library_loads_fast_and_is_small():
    code = """
import time
from caloris.materials.comparison import published_materials
begin = time.perf_counter()
published_materials("/nobody")
print(time.perf_counter() - begin)
"""
    seconds = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    )
    size = sum(path.stat().st_size for path in (ROOT / "src/caloris/materials/published_effects").glob("*.toml"))
    print(f"library of published effects: {1000 * seconds:.0f} ms, {size / 1000:.0f} kB")
    assert seconds < 0.2
    assert size < 100_000


def test_a_material_card_is_told_apart(tmp_path: Path) -> None:
    card = tmp_path / "mine.toml"
    card.write_text('schema = 1\nname = "mine"\n[phases.low]\n')
    with pytest.raises(InputError, match="material card"):
        read_published(card)
