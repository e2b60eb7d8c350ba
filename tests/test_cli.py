"""The command line: what it prints, what it writes, how it refuses bad input."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import scipp as sc

from caloris.errors import ComputationError
from caloris.heat import Battery, Geometry, caloric_effect
from caloris.materials import available, check, load
from caloris.materials import card as card_module
from caloris.study import thermal_battery_paper as paper
from caloris.study.registry import REPRODUCTIONS
from command_line import Answer, Caloris

LIBRARY = Path(card_module.__file__).parent / "library"
CHARGE = ("Press from 8.2 to 90 MPa at 349 K in 10 s", "Hold until heat flow < 5 mW/g")
CYCLE = (*CHARGE, "Cool to 313 K in 5 min", "Release to 8.2 MPa in 10 s", "Hold until heat flow < 5 mW/g")


def run_file(path: Path, *, protocol: object = CYCLE, geometry: str = "cells = 4", **fields: object) -> str:
    """Write a run file; a field that is None is left out, an ``overrides`` field is a table's text."""
    overrides = fields.pop("overrides", "")
    fields = {"material": "NH4SCN", "protocol": protocol, **fields}
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items() if value is not None]
    path.write_text("\n".join([*lines, "[geometry]", geometry, "[overrides]", str(overrides), ""]))
    return str(path)


def quantities(value: Any) -> list[dict[str, Any]]:
    """Every {"value", "unit", ...} in a JSON answer."""
    if isinstance(value, list):
        return [found for entry in value for found in quantities(entry)]
    if not isinstance(value, dict):
        return []
    here = [value] if "value" in value and "unit" in value else []
    return here + [found for entry in value.values() for found in quantities(entry)]


# -- what works ----------------------------------------------------------------------------------------


def test_materials_lists_every_card(caloris: Caloris) -> None:
    answer = caloris("materials")
    assert answer.code == 0
    assert answer.err == ""
    assert [line.split()[0] for line in answer.out.splitlines()] == available()
    assert list(caloris("materials", "--json").json()["materials"]) == available()


@pytest.mark.parametrize("name", available())
def test_material_shows_every_value_with_its_status(caloris: Caloris, name: str) -> None:
    card = load(name)
    text = caloris("materials", name).out
    for _, value in card.values():
        assert str(value) in text
    for source in card.sources.values():
        assert str(source) in text
    shown = caloris("materials", name, "--json").json()
    assert shown["name"] == card.name
    numbers = [entry for entry in quantities(shown) if "status" in entry]
    assert len(numbers) == len(list(card.values()))
    assert all(entry["source"] in card.sources for entry in numbers)


@pytest.mark.parametrize("name", available())
def test_check_of_a_card_gives_the_findings_of_the_library(caloris: Caloris, name: str) -> None:
    findings = check(load(name))
    assert caloris("materials", name, "--check").out.count("stated") >= len(findings)
    shown = caloris("materials", name, "--check", "--json").json()
    assert [row["stated"]["value"] for row in shown["findings"]] == [float(f.stated.value) for f in findings]
    assert all(set(entry) == {"value", "unit", "error"} for entry in quantities(shown))


def test_check_of_all_cards_is_one_json_object(caloris: Caloris) -> None:
    assert caloris("materials", "--check").code == 0
    assert list(caloris("materials", "--check", "--json").json()["materials"]) == available()


def test_caloric_prints_the_numbers_of_the_library(caloris: Caloris) -> None:
    answer = caloris("caloric", "NH4SCN", "--pressure", "80 MPa", "--pressure", "100 MPa")
    assert answer.code == 0
    effect = caloric_effect(load("NH4SCN"))
    for pressure in ("80 MPa", "100 MPa"):
        for merit in effect.merits(pressure).values():
            assert str(merit) in answer.out
    assert f"{effect.reversible_pressure().value:.1f} MPa" in answer.out


def test_caloric_json_equals_the_library(caloris: Caloris) -> None:
    shown = caloris("caloric", "NH4SCN", "--pressure", "80 MPa", "--json").json()
    effect = caloric_effect(load("NH4SCN"))
    assert shown["reversible_pressure"] == {"value": effect.reversible_pressure().value, "unit": "MPa", "error": None}
    assert shown["slope"]["heating"]["value"] == effect.slope("heating").value
    assert shown["slope"]["heating"]["unit"] == "K/MPa"
    (at_80,) = shown["pressures"]
    for name, merit in effect.merits("80 MPa").items():
        assert at_80["merits"][name]["value"] == merit.value.value
        assert at_80["merits"][name]["unit"] == str(merit.value.unit)
    for curve in at_80["curves"]:
        assert curve["entropy_change"]["value"] == effect.entropy_change("80 MPa", curve["process"]).values.tolist()


def test_caloric_writes_its_files(caloris: Caloris, tmp_path: Path) -> None:
    assert caloris("caloric", "NH4SCN", "--pressure", "80 MPa", "--out", "here/there", "--json").code == 0
    folder = tmp_path / "here" / "there"
    assert {file.name for file in folder.iterdir()} == {f"caloric.{end}" for end in ("csv", "h5", "json", "png")}
    assert json.loads((folder / "caloric.json").read_text())["material"] == "NH4SCN"
    assert (folder / "caloric.csv").read_text().startswith("quantity,process,")


def test_battery_prints_and_writes_what_the_library_computes(caloris: Caloris, tmp_path: Path) -> None:
    run = run_file(tmp_path / "run.toml")
    cycle = Battery("NH4SCN", geometry=Geometry(cells=4)).run(CYCLE)
    summary = cycle.summary()

    assert caloris("battery", run).out.rstrip() == str(summary)

    shown = caloris("battery", run, "--out", "results", "--json").json()
    assert set(summary) <= set(shown)
    for name, value in summary.items():
        if isinstance(value, sc.Variable):
            assert shown[name] == {"value": value.value, "unit": str(value.unit), "error": None}
    assert shown["heat_charged"]["unit"] == "J/g"
    assert [step["words"] for step in shown["steps"]] == shown["protocol"][1:]
    assert all(entry["definition"] for entry in shown["efficiencies"].values())
    names = {file.name for file in (tmp_path / "results").iterdir()}
    assert names == {"cycle.h5", "cycle.csv", "cycle.json", "cycle.png", "report.html"}
    assert json.loads((tmp_path / "results" / "cycle.json").read_text()) == shown


@pytest.mark.parametrize(
    "protocol",
    [
        ["Start at 349 K and 8.2 MPa", "Hold for 10 s"],
        ["Start at 349 K and 90 MPa", "Release to 8.2 MPa in 10 s"],
        ["Start at 349 K and 8.2 MPa", "Cool to 313 K in 10 min"],
    ],
    ids=["hold", "release", "cool"],
)
def test_battery_json_has_no_nan_where_something_is_undefined(
    caloris: Caloris, tmp_path: Path, protocol: list[str]
) -> None:
    shown = caloris("battery", run_file(tmp_path / "run.toml", protocol=protocol), "--json").json()
    assert shown["t90"]["value"] is None or protocol[-1].startswith("Release")


def test_a_card_beside_the_run_file_is_found(caloris: Caloris, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    text = (LIBRARY / "NH4SCN.toml").read_text().replace('name = "NH4SCN"', 'name = "mine"')
    (folder / "mine.toml").write_text(text)
    run = run_file(folder / "run.toml", material="mine.toml", protocol=CHARGE)
    assert caloris("battery", run, "--json").json()["material"] == "mine"


def test_reproduce_lists_and_computes(caloris: Caloris, tmp_path: Path) -> None:
    keys = [entry.key for entry in REPRODUCTIONS]
    assert [line.split()[0] for line in caloris("reproduce").out.splitlines()] == keys
    assert list(caloris("reproduce", "--json").json()) == keys
    assert "paper 334 K, caloris 334 K" in caloris("reproduce", "fig-2").out
    (result,) = caloris("reproduce", "fig-2", "--json", "--table", "table.md").json()["results"]
    assert result["key"] == "fig-2"
    expected = {row.what: row for row in paper.caloric()}
    for row in result["rows"]:
        ours = expected[row["what"]].ours
        assert row["ours"] == {"value": ours.value, "unit": str(ours.unit), "error": None}
        assert row["difference"] == expected[row["what"]].difference
    assert (tmp_path / "table.md").read_text().startswith("# ")


@pytest.mark.parametrize("command", ["demo", "materials", "caloric", "battery", "calorimetry", "compare", "reproduce"])
def test_every_command_explains_itself(caloris: Caloris, command: str) -> None:
    answer = caloris(command, "--help")
    assert answer.code == 0
    assert "--json" in answer.out


def test_version(caloris: Caloris) -> None:
    from caloris import __version__

    assert caloris("--version").out.strip() == __version__


# -- as a real process ---------------------------------------------------------------------------------


def process(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "caloris.cli", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_the_console_script_is_installed(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("caloris")
    if not script.exists():
        pytest.skip("caloris is not installed beside this Python")
    done = subprocess.run([script, "materials", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert list(json.loads(done.stdout)["materials"]) == available()
    assert done.stderr == ""


def test_process_of_a_battery_run(tmp_path: Path) -> None:
    run_file(tmp_path / "run.toml", protocol=CHARGE)
    done = process("battery", "run.toml", "--out", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert 40 < json.loads(done.stdout)["heat_charged"]["value"] < 43
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def test_process_of_bad_input(tmp_path: Path) -> None:
    done = process("caloric", "NH4SCN", "--pressure", "90 K", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "caloris: pressure: '90 K' has the unit K, expected one like MPa\n"


# -- bad input -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bad:
    """One way to get it wrong: the arguments, a word that the message must contain, files to prepare."""

    arguments: tuple[str, ...]
    says: str
    prepare: Callable[[Path], object] = lambda folder: None


def card(says: str, old: str, new: str, *, command: str = "materials", of: str = "NH4SCN") -> Bad:
    """A card with one thing changed."""

    def prepare(folder: Path) -> None:
        text = (LIBRARY / f"{of}.toml").read_text()
        assert old in text
        (folder / "mine.toml").write_text(text.replace(old, new, 1))

    return Bad((command, "mine.toml", *(("--pressure", "90 MPa") if command == "caloric" else ())), says, prepare)


def pressure(says: str, value: str) -> Bad:
    return Bad(("caloric", "NH4SCN", "--pressure", value, "--out", "out"), says)


def run(says: str, **fields: Any) -> Bad:
    """A run file with one thing wrong."""
    return Bad(
        ("battery", "run.toml", "--out", "out"), says, lambda folder: run_file(folder / "run.toml", **fields) and None
    )


def written(says: str, content: bytes, *, command: str = "battery") -> Bad:
    name = "run.toml"
    return Bad((command, name), says, lambda folder: (folder / name).write_bytes(content))


def steel_without_conductivity(folder: Path) -> None:
    lines = (LIBRARY / "steel-4340.toml").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("thermal_conductivity")]
    (folder / "die.toml").write_text("\n".join(kept))
    run_file(folder / "run.toml", die="die.toml")


def occupied(folder: Path) -> None:
    """A file where a folder is wanted (permissions would not stop root)."""
    (folder / "taken").write_text("")
    run_file(folder / "run.toml", protocol=CHARGE)


CAPACITY = (
    'heat_capacity = { value = 1590, unit = "J/kg/K", uncertainty = 130, status = "estimate", '
    'source = "estimate-cp", condition = "298 K" }'
)
BAD_INPUT = {
    # cards
    "material-unknown": Bad(("materials", "NaCl"), "the library has"),
    "material-unknown-caloric": Bad(("caloric", "NaCl", "--pressure", "90 MPa", "--out", "out"), "the library has"),
    "card-missing": Bad(("materials", "no/such.toml"), "No such file"),
    "card-is-a-folder": Bad(("materials", "d.toml"), "cannot read", lambda folder: (folder / "d.toml").mkdir()),
    "card-not-toml": written("not a TOML file", b"a = = 3", command="materials"),
    "card-not-text": written("not a TOML file", b"\xff\xfe\x00", command="materials"),
    "card-empty": written("schema: is missing", b"", command="materials"),
    "card-unit-wrong": card("expected one like 'J/kg/K'", '1590, unit = "J/kg/K"', '1590, unit = "J/kg"'),
    "card-unit-unknown": card("furlong", '128.7, unit = "J/kg/K"', '128.7, unit = "furlong"'),
    "card-density-negative": card("density: must be greater than 0", "value = 1305", "value = -1305"),
    "card-value-nan": card("density.value", "value = 1305", "value = nan"),
    "card-value-words": card("valid number, got '1305'", "value = 1305", 'value = "1305"'),
    "card-status-unknown": card("got 'sure'", 'status = "measured"', 'status = "sure"'),
    "card-source-unknown": card("nowhere", 'source = "handbook"', 'source = "nowhere"'),
    "card-field-misspelt": card("heat_capcity", "heat_capacity", "heat_capcity"),
    "card-branches-swapped": card("swapped", "value = 335", "value = 375"),
    "card-phase-unknown": card("cubic", 'low = "monoclinic"', 'low = "cubic"'),
    "card-entropy-negative": card("entropy_change must be greater than 0", "value = 128.7", "value = -128.7"),
    "card-from-the-future": card("schema", "schema = 1", "schema = 2"),
    "card-capacity-in-kelvin": card("expected one like 'J/kg/K'", CAPACITY, CAPACITY.replace("J/kg/K", "K")),
    "card-without-volume-change": card("no barocaloric effect", "value = -3.8e-5", "value = 0", command="caloric"),
    "caloric-of-steel": Bad(("caloric", "steel-4340", "--pressure", "90 MPa"), "no transition with both"),
    "transition-unknown": Bad(("caloric", "NH4SCN", "--pressure", "90 MPa", "--transition", "x"), "is not on the card"),
    # pressures
    "pressure-without-unit": pressure("'90' has no unit; write for example '90 MPa'", "90"),
    "pressure-unit-wrong": pressure("unit K", "90 K"),
    "pressure-unit-unknown": pressure("'MPaa' is not a unit", "90 MPaa"),
    "pressure-negative": pressure("must not be negative", "-90 MPa"),
    "pressure-too-low": pressure("not above the low pressure", "0.05 MPa"),
    "pressure-at-the-low-one": pressure("not above the low pressure", "0.1 MPa"),
    "pressure-nan": pressure("cannot read 'nan MPa'", "nan MPa"),
    "pressure-infinite": pressure("not a finite number", "1e400 MPa"),
    "pressure-empty": pressure("cannot read ''", ""),
    "pressure-where-branches-end": pressure("outside the two-phase model", "5000 MPa"),
    "pressure-absurd": pressure("outside the two-phase model", "1e300 MPa"),
    "pressure-second-wrong": Bad(
        ("caloric", "NH4SCN", "--pressure", "90 MPa", "--pressure", "-3 MPa", "--out", "out"), "must not be negative"
    ),
    # run files
    "run-missing": Bad(("battery", "none.toml", "--out", "out"), "none.toml: cannot read the run file"),
    "run-is-a-folder": Bad(
        ("battery", "d.toml"), "cannot read the run file", lambda folder: (folder / "d.toml").mkdir()
    ),
    "run-not-toml": written("not a TOML file", b"material == 3"),
    "run-not-text": written("not a TOML file", b"\xff\xfe\x00"),
    "run-empty": written("material: is missing", b""),
    "run-field-unknown": run("colour: is not a field", colour="red"),
    "run-without-material": run("material: is missing", material=None),
    "run-without-protocol": run("protocol: is missing", protocol=None),
    "run-material-number": run("material: Input should be a valid string, got 3", material=3),
    "run-material-unknown": run("no material card 'NaCl'", material="NaCl"),
    "run-card-missing": run("mine.toml: cannot read the card", material="mine.toml"),
    "run-of-steel": run("no transition with both", material="steel-4340"),
    "contact-number": run("contact_conductance", contact_conductance=100),
    "contact-zero": run("contact_conductance: must be greater than 0", contact_conductance="0 W/m^2/K"),
    "contact-negative": run("contact_conductance: must be greater than 0", contact_conductance="-5 W/m^2/K"),
    "contact-unit": run("contact_conductance: '5 W/m/K' has the unit", contact_conductance="5 W/m/K"),
    "contact-words": run("contact_conductance: cannot read 'good'", contact_conductance="good"),
    "radius-zero": run("radius: must be greater than 0", geometry='radius = "0 mm"'),
    "radius-negative": run("radius: must be greater than 0", geometry='radius = "-5 mm"'),
    "radius-unit": run("radius: '5 K' has the unit K", geometry='radius = "5 K"'),
    "radius-without-unit": run("radius: '5' has no unit", geometry='radius = "5"'),
    "radius-number": run("geometry.radius", geometry="radius = 5"),
    "height-zero": run("height: must be greater than 0", geometry='height = "0 mm"'),
    "height-unit-slipped": run("check the unit", geometry='height = "1 km"'),
    "wall-negative": run("geometry wall", geometry='wall = "-1 mm"'),
    "wall-fills-the-memory": run("thinner wall", geometry='wall = "50 m"'),
    "cells-zero": run("cells: must be a whole number", geometry="cells = 0"),
    "cells-half": run("geometry.cells: Input should be a valid integer, got 1.5", geometry="cells = 1.5"),
    "cells-too-many": run("cells: must be a whole number", geometry="cells = 100000"),
    "contact-faces": run("'top' is none of", geometry='contact = "top"'),
    "geometry-field-unknown": run("geometry.colour", geometry='colour = "red"'),
    "transition-model-unknown": run("'magic' is neither", transition="magic"),
    "width-zero": run("transition_width: must be greater than 0", transition_width="0 K"),
    "width-unit": run("transition_width", transition_width="1 MPa"),
    "relaxation-negative": run("must not be negative", relaxation_time="-1 s"),
    "tolerance-zero": run("tolerance: must lie between", tolerance=0.0),
    "tolerance-words": run("tolerance", tolerance="fine"),
    "element-order": run("element_order: must be 1 or 2", element_order=3),
    "conductivity-zero": run("conductivity: must be greater than 0", conductivity="0 W/m/K"),
    "override-unknown": run("'colour' cannot replace", overrides='colour = "1 K"'),
    "override-unit": run("heat_capacity: '1700 K' has the unit K", overrides='heat_capacity = "1700 K"'),
    "override-number": run("overrides.heat_capacity", overrides="heat_capacity = 1700"),
    "override-capacity-zero": run("heat_capacity must be greater than 0", overrides='heat_capacity = "0 J/kg/K"'),
    "override-branches-swapped": run("lies above temperature_heating", overrides='temperature_cooling = "370 K"'),
    "die-unknown": run("no material card", die="gold"),
    "die-without-conductivity": Bad(
        ("battery", "run.toml", "--out", "out"), "has no thermal_conductivity", steel_without_conductivity
    ),
    # protocols
    "protocol-name-unknown": run("no protocol is named 'fig-9'", protocol="fig-9"),
    "protocol-numbers": run("protocol", protocol=[1, 2]),
    "protocol-empty": run("no steps", protocol=[]),
    "protocol-empty-step": run("an empty step", protocol=[""]),
    "protocol-verb-unknown": run("'Squeeze' begins no step", protocol=["Squeeze to 90 MPa in 10 s"]),
    "protocol-without-start": run("must say where it starts", protocol=["Hold for 10 min"]),
    "protocol-wrong-way": run("goes the other way", protocol=[*CHARGE, "Cool to 360 K at 3 K/min"]),
    "protocol-no-time": run("must be greater than 0 s", protocol=["Start at 349 K and 8.2 MPa", "Hold for 0 s"]),
    "protocol-to-absolute-zero": run("0.1 K lies outside the model", protocol=[*CHARGE, "Cool to 0.1 K in 10 min"]),
    "protocol-to-the-sun": run("1e+30 K lies outside the model", protocol=[*CHARGE, "Heat to 1e30 K in 10 min"]),
    "protocol-leaves-the-model": run(
        "outside the two-phase model", protocol=["Press from 8.2 to 5000 MPa at 349 K in 10 s"]
    ),
    "protocol-where-branches-cross": run(
        "falls below the cooling branch", overrides='slope_heating = "-1 K/MPa"', protocol=CHARGE
    ),
    "slope-against-volume-change": run("have opposite signs", overrides='volume_change = "3.8e-5 m^3/kg"'),
    # places to write
    "out-is-a-file": Bad(("battery", "run.toml", "--out", "taken"), "choose another --out", occupied),
    "out-below-a-file": Bad(("battery", "run.toml", "--out", "taken/here"), "choose another --out", occupied),
    "caloric-out-is-a-file": Bad(
        ("caloric", "NH4SCN", "--pressure", "90 MPa", "--out", "taken"), "choose another --out", occupied
    ),
    "demo-out-is-a-file": Bad(("demo", "--out", "taken"), "choose another --out", occupied),
    # reproductions
    "reproduce-unknown": Bad(("reproduce", "fig-99", "--table", "out.md"), "no published result 'fig-99'"),
    "reproduce-table-of-nothing": Bad(("reproduce", "--table", "out.md"), "say which results"),
    "reproduce-table-nowhere": Bad(("reproduce", "eq-12", "--table", "none/out.md"), "no folder none"),
    "reproduce-table-is-a-folder": Bad(
        ("reproduce", "eq-12", "--table", "d"), "it is a folder", lambda folder: (folder / "d").mkdir()
    ),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_refused_in_one_line(caloris: Caloris, tmp_path: Path, name: str) -> None:
    bad = BAD_INPUT[name]
    bad.prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    answer = caloris(*bad.arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("caloris: ")
    assert answer.err.count("\n") == 1, answer.err
    assert answer.err.endswith("\n")
    assert "Traceback" not in answer.err
    assert bad.says in answer.err
    left = [path for path in sorted(tmp_path.rglob("*")) if path not in before and path.is_file()]
    assert left == []


def test_bad_input_is_refused_alike_with_json(caloris: Caloris) -> None:
    answer = caloris("caloric", "NH4SCN", "--pressure", "90 K", "--json")
    assert (answer.code, answer.out) == (2, "")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("bogus",),
        ("caloric",),
        ("caloric", "NH4SCN"),
        ("battery",),
        ("battery", "a.toml", "b.toml"),
        ("materials", "--colour"),
        ("battery", "run.toml", "--out"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2(caloris: Caloris, arguments: tuple[str, ...]) -> None:
    answer = caloris(*arguments)
    assert answer.code == 2
    assert "Traceback" not in answer.err


# -- what fails on the way -----------------------------------------------------------------------------


def raising(error: BaseException) -> Callable[..., None]:
    def stop(*_: object, **__: object) -> None:
        raise error

    return stop


def test_failed_computation_exits_1(caloris: Caloris, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_file(tmp_path / "run.toml")
    monkeypatch.setattr(Battery, "run", raising(ComputationError("the step at 3 s does not converge")))
    answer = caloris("battery", run, "--out", "out")
    assert answer == Answer(1, "", "caloris: the step at 3 s does not converge\n")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_a_step_that_cannot_converge_is_one_line(caloris: Caloris, tmp_path: Path) -> None:
    answer = caloris("battery", run_file(tmp_path / "run.toml", overrides='heat_capacity = "1e300 J/kg/K"'))
    assert answer.code == 1
    assert "does not converge" in answer.err
    assert answer.err.count("\n") == 1


def test_interruption_exits_130_with_one_line(
    caloris: Caloris, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_file(tmp_path / "run.toml")
    monkeypatch.setattr(Battery, "run", raising(KeyboardInterrupt()))
    answer = caloris("battery", run, "--out", "out")
    assert answer.code == 130
    assert answer.out == ""
    assert answer.err.startswith("caloris: interrupted")
    assert answer.err.count("\n") == 1
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.skipif(os.name != "posix", reason="pipes of a shell")
def test_a_reader_that_stops_early_causes_no_traceback(tmp_path: Path) -> None:
    command = f"{sys.executable} -m caloris.cli caloric NH4SCN --pressure '80 MPa' --json | head -n 1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
