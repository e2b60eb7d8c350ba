"""The run file: what it may hold, and what is said of what it may not."""

from pathlib import Path

import pytest

from caloris.campaigns import Campaign
from caloris.errors import InputError

GOOD = """
task = "hash_chain:chain"
[settings]
duration = 0.0
ensemble = "NPT"
[grid]
pressure = ["0.1 MPa", "0.2 GPa"]
temperature = {from = "440 K", to = "450 K", step = "5 K"}
[history]
axis = "temperature"
directions = ["heating", "cooling"]
"""


def campaign(text: str, folder: Path) -> Campaign:
    path = folder / "lbh.toml"
    path.write_text(text, encoding="utf-8")
    return Campaign(path)


def test_run_file_becomes_points_with_everything_their_task_is_given(tmp_path):
    found = campaign(GOOD, tmp_path)
    assert found.folder == tmp_path / "lbh"
    assert not found.folder.exists()  # nothing is written before the first run
    assert len(found.points) == 2 * 3 * 2
    first, last = found.points[0], found.points[-1]
    assert first.coordinates == {"pressure": "0.1 MPa", "temperature": "440 K", "history": "heating"}
    assert first.parameters == {"duration": 0.0, "ensemble": "NPT", **first.coordinates}
    assert first.previous is None
    assert last.coordinates == {"pressure": "0.2 GPa", "temperature": "440 K", "history": "cooling"}
    assert last.previous == found.points[-2].key


def test_run_file_and_python_make_the_same_points(tmp_path):
    import hash_chain

    from caloris.campaigns import History

    other = Campaign(
        task=hash_chain.chain,
        grid={"pressure": ["100 kPa", "200 MPa"], "temperature": ["450 K", "440 K", "445 K"]},
        history=History("temperature"),
        settings={"ensemble": "NPT", "duration": 0},
        folder=tmp_path / "other",
    )
    assert {point.key for point in other.points} == {point.key for point in campaign(GOOD, tmp_path).points}


def test_cooling_from_the_start_begins_anew(tmp_path):
    found = campaign(GOOD + 'cooling_from = "start"\n', tmp_path)
    assert sum(point.previous is None for point in found.points) == 4
    assert sum(point.previous is None for point in campaign(GOOD, tmp_path).points) == 2


def test_content_of_a_file_is_part_of_the_key_and_its_place_is_not(tmp_path):
    text = GOOD.replace("[grid]", '[files]\nforce_field = "ff.toml"\n[grid]')
    (tmp_path / "ff.toml").write_text("a = 1")
    first = campaign(text, tmp_path)
    assert first.points[0].parameters["force_field"] == str((tmp_path / "ff.toml").resolve())
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "ff.toml").write_text("a = 1")
    assert campaign(text, tmp_path / "elsewhere").points[0].key == first.points[0].key
    (tmp_path / "ff.toml").write_text("a = 2")
    assert campaign(text, tmp_path).points[0].key != first.points[0].key


def test_task_beside_the_run_file_is_found(tmp_path):
    (tmp_path / "task_beside_run_file.py").write_text(
        "def f(parameters, folder, previous, progress):\n    return {'a': 1.0}\nf.version = 7\n"
    )
    found = campaign('task = "task_beside_run_file:f"\ngrid = {a = [1, 2]}\n', tmp_path)
    assert len(found.points) == 2


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("hash_chain:chain", "hash_chain.chain", "task: 'hash_chain.chain' is no function; write 'package.module:func"),
        ("hash_chain:chain", "hash_chains:chain", "task: there is no module hash_chains; install it or add"),
        ("hash_chain:chain", "hash_chain:chains", "task: the module hash_chain has no function chains"),
        ("task =", "tusk =", "tusk: is not a field of a run file .*; task: is missing"),
        ("[grid]", "[gird]", "gird: is not a field of a run file .*; grid: is missing"),
        ("[grid]", "[files]\nff = 'none.toml'\n[grid]", "files.ff: cannot read .*none.toml: No such file"),
        ("[grid]", "[files]\nduration = 'lbh.toml'\n[grid]", "duration: is in the settings and in the files"),
        ("[settings]", "[settings]\npressure = '1 MPa'", "pressure: is in the settings and in the points"),
        ("[settings]", "[settings]\nday = 2020-01-01", "settings.day: a date cannot be a parameter"),
        ("[settings]", "[settings]\nx = nan", "settings.x: nan is not a finite number"),
        ('"5 K"', '"7 K"', "temperature: 440 K to 450 K is no whole number of steps of 7 K; end at 447 K or 454 K"),
        ('"0.2 GPa"', '"100 kPa"', "pressure: '0.1 MPa' and '100 kPa' are the same value"),
        ('axis = "temperature"', 'axis = "T"', "history.axis: no axis 'T'; the grid has pressure, temperature"),
        ('axis = "temperature"', "axis = 3", "history.axis: Input should be a valid string, got 3"),
        ('"cooling"]', '"cooking"]', "history.directions: 'cooking'; choose among heating"),
        ('["heating", "cooling"]', "[]", "history.directions: .* at least 1 item"),
        ('["heating", "cooling"]', '["cooling"]\ncooling_from="heating"', "history.cooling_from: there is no heating"),
        (
            '["heating", "cooling"]',
            '["cooling"]\ncooling_from="top"',
            "history.cooling_from: Input should be 'heating'",
        ),
        ("pressure =", "history =", "grid: an axis cannot be named 'history'"),
        ("[grid]", "[grid", "not a TOML file"),
    ],
)
def test_wrong_field_is_named_with_the_reason(old, new, why, tmp_path):
    assert old in GOOD
    with pytest.raises(InputError, match=why) as caught:
        campaign(GOOD.replace(old, new, 1), tmp_path)
    assert str(caught.value).startswith(str(tmp_path / "lbh.toml"))
    assert "\n" not in str(caught.value)


def test_missing_run_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none.toml: cannot read the run file: No such file"):
        Campaign(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "give a run file, or task and either points or grid"),
        ({"task": "hash_chain:chain"}, "give a run file, or task and either points or grid"),
        ({"task": "hash_chain:chain", "points": []}, "give the folder"),
        ({"task": "hash_chain:chain", "points": [], "folder": "x"}, "no points"),
        ({"task": "hash_chain:chain", "points": ["475 K"], "folder": "x"}, "points: expected Point"),
        ({"task": lambda: 1, "points": [{}], "folder": "x"}, "workers cannot import '<lambda>'"),
        ({"run_file": "a.toml", "grid": {}}, "of the rest only folder"),
    ],
)
def test_arguments_that_make_no_campaign_are_refused(arguments, why):
    with pytest.raises(InputError, match=why):
        Campaign(**arguments)
