"""Material cards: every wrong field gives one line that names the file and the field."""

import pytest
import scipp as sc

from caloris.errors import InputError
from caloris.materials import available, load

CARD = """
schema = 1
name = "salt"
formula = "NH4SCN"

[sources.paper]
citation = "A paper"

[phases.low]
structure = "absent.cif"
formula_units = 4
density = { value = 1305, unit = "kg/m^3", uncertainty = 5, status = "measured", source = "paper" }

[phases.high]

[transitions.melt]
low = "low"
high = "high"
pressure = { value = 0.1, unit = "MPa", status = "measured", source = "paper" }
temperature_heating = { value = 364, unit = "K", status = "measured", source = "paper" }
temperature_cooling = { value = 335, unit = "K", status = "measured", source = "paper" }
entropy_change = { value = 128.7, unit = "J/kg/K", status = "measured", source = "paper" }
volume_change = { value = -3.8e-5, unit = "m^3/kg", status = "measured", source = "paper" }
"""


def write(folder, text):
    path = folder / "salt.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path):
    with pytest.raises(InputError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_the_unchanged_card_is_accepted(tmp_path):
    assert load(write(tmp_path, CARD)).transition().entropy_change.to("J/kg/K") == 128.7


DENSITY = "phases.low.density"
HEATING = "transitions.melt.temperature_heating"

WRONG = {
    "no name": ('name = "salt"\n', "", "name: is missing"),
    "empty name": ('name = "salt"', 'name = ""', "name:"),
    "no schema": ("schema = 1\n", "", "schema: is missing"),
    "later schema": ("schema = 1", "schema = 2", "schema:"),
    "no sources": ('[sources.paper]\ncitation = "A paper"\n', "", "sources: is missing"),
    "source without citation": (
        'citation = "A paper"',
        'doi = "10.1/x"',
        "sources.paper.citation: is missing",
    ),
    "no unit": ('value = 1305, unit = "kg/m^3"', "value = 1305", f"{DENSITY}.unit: is missing"),
    "no status": (
        'status = "measured", source = "paper" }\n\n[phases.high]',
        'source = "paper" }\n\n[phases.high]',
        f"{DENSITY}.status: is missing",
    ),
    "bare number": (
        'temperature_heating = { value = 364, unit = "K", status = "measured", source = "paper" }',
        "temperature_heating = 364",
        f"{HEATING}:",
    ),
    "no heating temperature": ("temperature_heating", "temperature_cool", f"{HEATING}: is missing"),
    "unknown card field": ('formula = "NH4SCN"', 'fromula = "NH4SCN"', "fromula: is not a field"),
    "unknown phase field": ("density =", "densty =", "phases.low.densty: is not a field"),
    "unknown value field": ("uncertainty = 5", "error = 5", f"{DENSITY}.error: is not a field"),
    "wrong dimension": ('"kg/m^3"', '"K"', f"{DENSITY}: unit 'K' does not fit"),
    "unknown unit": ('"kg/m^3"', '"blorp/m"', f"{DENSITY}: 'blorp/m' is not a unit"),
    "temperature in degC": ('364, unit = "K"', '91, unit = "degC"', f"{HEATING}: unit 'degC' does not fit"),
    "negative density": ("1305", "-1305", f"{DENSITY}: must be greater than 0"),
    "zero temperature": ("364", "0", f"{HEATING}: must be greater than 0"),
    "negative uncertainty": ("uncertainty = 5", "uncertainty = -5", f"{DENSITY}.uncertainty:"),
    "NaN": ("1305", "nan", f"{DENSITY}.value:"),
    "infinite": ("1305", "inf", f"{DENSITY}.value:"),
    "infinite uncertainty": ("uncertainty = 5", "uncertainty = inf", f"{DENSITY}.uncertainty:"),
    "words for a number": ("1305", '"heavy"', f"{DENSITY}.value:"),
    "number in quotes": ("1305", '"1305"', f"{DENSITY}.value:"),
    "truth for a number": ("1305", "true", f"{DENSITY}.value:"),
    "list for a number": ("1305", "[1305, 1300]", f"{DENSITY}.value:"),
    "unknown status": ('uncertainty = 5, status = "measured"', 'status = "certain"', f"{DENSITY}.status:"),
    "empty source": (
        'source = "paper" }\n\n[phases.high]',
        'source = "" }\n\n[phases.high]',
        f"{DENSITY}.source:",
    ),
    "unknown source": (
        'source = "paper" }\n\n[phases.high]',
        'source = "book" }\n\n[phases.high]',
        f"{DENSITY}: source 'book' is not among",
    ),
    "unknown phase": (
        'high = "high"',
        'high = "hihg"',
        "transitions.melt: phase 'hihg' is not among: low, high",
    ),
    "same phase twice": (
        'high = "high"',
        'high = "low"',
        "transitions.melt: low and high are the same phase",
    ),
    "swapped branches": ("value = 364", "value = 330", "transitions.melt: temperature_cooling lies above"),
    "negative entropy": ("128.7", "-128.7", "transitions.melt: entropy_change must be greater than 0"),
    "negative formula units": ("formula_units = 4", "formula_units = -4", "phases.low.formula_units:"),
    "phase not a table": ("[phases.high]\n", "[phases]\nhigh = 3\n", "phases.high:"),
    "line break in a field": ('formula = "NH4SCN"', '"for\\nmula" = "NH4SCN"', "for mula: is not a field"),
    "not TOML": (CARD, "a material card\n", "not a TOML file"),
    "truncated": (CARD, CARD[: CARD.index("128.7")], "not a TOML file"),
    "empty": (CARD, "", "schema: is missing"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_card_names_file_and_field_in_one_line(case, tmp_path):
    old, new, field = WRONG[case]
    assert old in CARD  # or the case would test nothing
    message = refusal(write(tmp_path, CARD.replace(old, new, 1)))
    assert field in message


def test_two_mistakes_are_both_named(tmp_path):
    text = CARD.replace("1305", "nan").replace('name = "salt"\n', "")
    message = refusal(write(tmp_path, text))
    assert "name: is missing" in message
    assert "density.value: Input should be a finite number" in message


def test_binary_file_is_refused(tmp_path):
    path = tmp_path / "salt.toml"
    path.write_bytes(bytes(range(128, 256)))
    assert "not a TOML file" in refusal(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    assert "cannot read the card" in refusal(tmp_path / "absent.toml")
    (tmp_path / "folder.toml").mkdir()
    assert "cannot read the card" in refusal(tmp_path / "folder.toml")


def one_line(caught):
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_unknown_material_lists_the_library():
    with pytest.raises(InputError, match="no material card 'unobtainium'") as caught:
        load("unobtainium")
    assert all(name in one_line(caught) for name in available())


def test_unknown_phase_and_transition_list_those_of_the_card(tmp_path):
    card = load(write(tmp_path, CARD))
    with pytest.raises(InputError, match="salt: phase 'liquid' is not on the card") as caught:
        card.phase("liquid")
    assert "'low', 'high'" in one_line(caught)
    with pytest.raises(InputError, match="salt: transition 'boil' is not on the card") as caught:
        card.transition("boil")
    assert "'melt'" in one_line(caught)


def test_card_without_a_complete_transition_says_what_to_add(tmp_path):
    text = "\n".join(line for line in CARD.splitlines() if not line.startswith("volume_change"))
    with pytest.raises(InputError, match="entropy_change and volume_change") as caught:
        load(write(tmp_path, text)).transition()
    one_line(caught)


def test_phase_without_or_with_absent_structure_is_refused(tmp_path):
    card = load(write(tmp_path, CARD))
    with pytest.raises(InputError, match="no structure file for the phase 'high'") as caught:
        card.structure("high")
    one_line(caught)
    with pytest.raises(InputError, match=r"no structure file 'absent\.cif'") as caught:
        card.structure("low")
    assert str(tmp_path) in one_line(caught)


@pytest.mark.parametrize("name", available())
def test_library_card_loads_and_every_value_has_a_source(name):
    card = load(name)
    assert card.name == name
    assert load(name.lower()).name == name
    for _, value in card.values():
        assert str(card.sources[value.source])
        assert sc.isfinite(value.quantity).value


def test_library_holds_the_four_cards():
    assert {"NH4SCN", "NH4I", "Li2B12H12", "steel-4340"} <= set(available())


def test_uncertainty_becomes_the_variance():
    density = load("NH4SCN").phase("monoclinic").density.quantity
    assert density.variance == pytest.approx(5.0**2)


def test_what_is_not_known_stays_blank():
    assert load("Li2B12H12").transitions["alpha-beta"].entropy_change is None
    assert load("NH4I").transition().temperature_cooling is None
    assert load("NH4I").transition().temperature_heating.status == "estimate"


def test_derived_numbers_of_the_cards_follow_from_their_sources():
    iodide = load("NH4I")
    dt, ds = iodide.transition().slope_heating.to("K/Pa"), iodide.transition().entropy_change.to("J/kg/K")
    assert iodide.transition().volume_change.to("m^3/kg") == pytest.approx(dt * ds, rel=1e-9)
    assert iodide.phase("alpha").heat_capacity.to("J/kg/K") == pytest.approx(81.755 / 0.144943, rel=1e-3)
    lithium = load("Li2B12H12")
    density = 4 * 155.70 * 1.66053907 / 9.577**3 * 1000
    assert lithium.phase("alpha").density.to("kg/m^3") == pytest.approx(density, rel=1e-3)
    assert lithium.transitions["alpha-beta"].volume_change.to("m^3/kg") == pytest.approx(0.087 / density, rel=1e-3)
    xray_cell = 6.89071 * 6.87274 * 7.96787
    density = 4 * 76.117 * 1.66053907 / xray_cell * 1000
    assert load("NH4SCN").phase("orthorhombic").density.to("kg/m^3") == pytest.approx(density, rel=1e-3)
