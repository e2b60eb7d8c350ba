"""What is written of a pressure series: the same numbers in every file, whole files or none, pages without links."""

import csv
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import scipp as sc
from exact_barocalorics import heat_capacities, material, series, volumes

from caloris.errors import InputError
from caloris.heat.calorimetry import analyse
from caloris.report.calorimetry import write_calorimetry

MODEL = material(-1, 8.0)
NAMES = {"calorimetry.h5", "calorimetry.csv", "calorimetry.json", "calorimetry.png", "transitions.csv", "headline.csv"}


@cache
def result(draws=60, pressures=(0.1, 40.0, 80.0), capacity=True):
    return analyse(
        series(MODEL, 3.0, pressures=pressures, points=1200, noise=0.005),
        heat_capacity=heat_capacities(MODEL) if capacity else None,
        volume=volumes(MODEL) if capacity else None,
        draws=draws,
        name="made <up> salt",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    write_calorimetry(result(), out)
    return out


def no_constant(name):
    raise AssertionError(f"{name} is not JSON")


def numbers(folder):
    return json.loads((folder / "calorimetry.json").read_text(encoding="utf-8"), parse_constant=no_constant)


def rows(file):
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def curves(found):
    """Values by quantity, process and pressure."""
    return {
        (quantity, curve["process"], curve["pressure"]["value"]): curve
        for quantity in ("entropy_change", "temperature_change")
        for curve in found[quantity]
    }


def test_all_files_are_there_and_nothing_else(folder):
    assert {file.name for file in folder.iterdir()} == NAMES | {"report.html"}
    assert (folder / "calorimetry.png").read_bytes().startswith(b"\x89PNG")


def test_json_holds_the_result_and_the_versions(folder):
    found = numbers(folder)
    assert "caloris" in found.pop("versions")
    assert found == json.loads(json.dumps(result().to_json()))


def test_csv_holds_the_curves_of_the_json(folder):
    table = rows(folder / "calorimetry.csv")
    every = curves(numbers(folder))
    assert len(every) == 2 * 3 * 2
    for (quantity, process, pressure), curve in every.items():
        own = [
            row
            for row in table
            if (row["quantity"], row["process"], float(row["pressure/MPa"])) == (quantity, process, pressure)
        ]
        for column, values in (
            ("temperature/K", curve["temperature"]),
            ("value", curve["value"]),
            ("low_68", curve["interval_68"][0]),
            ("high_68", curve["interval_68"][1]),
        ):
            assert [float(row[column]) for row in own] == values
        assert {row["unit"] for row in own} == {curve["unit"]}


def test_hdf5_holds_the_curves_the_scans_and_the_json(folder):
    found = sc.io.load_hdf5(folder / "calorimetry.h5")
    inside = json.loads(found["numbers"].value)
    assert inside["transitions"] == numbers(folder)["transitions"]
    for (quantity, process, pressure), curve in curves(numbers(folder)).items():
        stored = found["curves"][f"{quantity}, {process}, {pressure:g} MPa"]
        assert stored["value"].unit == sc.Unit(curve["unit"])
        assert stored["value"].values.tolist() == curve["value"]
        assert stored["value"].coords["temperature"].values.tolist() == curve["temperature"]
        assert stored["low_68"].values.tolist() == curve["interval_68"][0]
    assert len(found["scans"]) == 6
    for peak in result().peaks:
        scan = found["scans"][peak.scan.name]
        np.testing.assert_array_equal(scan["heat_flow"].values, peak.scan.heat_flow)
        np.testing.assert_array_equal(scan["heat_flow"].coords["temperature"].values, peak.scan.temperature)
        np.testing.assert_array_equal(scan["baseline"].values, peak.integral.baseline[0])


def test_the_table_of_transitions_holds_every_scan(folder):
    table = rows(folder / "transitions.csv")
    assert len(table) == 6
    for row, entry in zip(table, result().transitions, strict=True):
        assert row["scan"] == entry.name
        assert row["direction"] == entry.direction
        assert float(row["temperature/K"]) == pytest.approx(entry.temperature.value, rel=1e-7)
        assert float(row["entropy_change/(J/kg/K)"]) == pytest.approx(entry.entropy_change.value, rel=1e-7)
        assert float(row["latent_heat/(J/kg)"]) == pytest.approx(entry.latent_heat.value, rel=1e-7)
        for name, T in entry.temperatures.items():
            assert float(row[f"{name}/K"]) == pytest.approx(T, abs=1e-6)


def test_json_agrees_with_the_exact_model(folder):
    found = numbers(folder)
    for row in found["transitions"]:
        p = row["pressure"]["value"] * 1e6
        T = float(MODEL.transition_temperature(p, row["direction"]))
        assert row["temperature"]["value"] == pytest.approx(T, abs=0.1)
        assert row["entropy_change"]["value"] == pytest.approx(float(MODEL.delta_entropy(T, p)), rel=0.03)
        assert (row["temperature"]["unit"], row["entropy_change"]["unit"]) == ("K", "J/kg/K")
    for branch in ("heating", "cooling"):
        low, high = MODEL.transition_temperature(np.array([0.1e6, 80e6]), branch)
        assert found["slope"][branch]["value"] == pytest.approx((high - low) / 79.9, rel=0.02)


def test_the_report_is_one_page_that_loads_nothing(folder):
    from html.parser import HTMLParser

    html = (folder / "report.html").read_text(encoding="utf-8")
    loads, opened = [], []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            opened.append(tag)
            loads.extend(value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action"))

    Parser().feed(html)
    assert loads
    assert all(load.startswith("data:image/png;base64,") for load in loads)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(opened)
    assert "@import" not in html
    assert "url(" not in html
    assert "made &lt;up&gt; salt" in html
    assert "<up>" not in html
    for words in ("Transitions", "The caloric effect", "Does it close?", "What the intervals rest on"):
        assert words in html


def test_one_pressure_without_draws_is_written_too(tmp_path):
    single = result(0, (20.0,), False)
    files = write_calorimetry(single, tmp_path / "here" / "there")
    assert {file.name for file in files} == NAMES | {"report.html"}
    found = numbers(tmp_path / "here" / "there")
    assert found["entropy_change"] == []
    assert found["reversible_pressure"] is None
    assert [row["temperature"]["error"] for row in found["transitions"]] == [None, None]
    assert rows(tmp_path / "here" / "there" / "calorimetry.csv") == []


def test_without_heat_capacity_there_is_no_temperature_change(tmp_path):
    found = analyse(series(MODEL, 3.0, pressures=(0.1, 60.0), points=1200), draws=0)
    write_calorimetry(found, tmp_path)
    written = numbers(tmp_path)
    assert written["temperature_change"] == []
    assert len(written["entropy_change"]) == 3
    assert any("S+ omitted" in line for line in written["warnings"])


@pytest.mark.parametrize("broken", ["figure", "json"])
def test_what_fails_half_way_leaves_no_half_file(tmp_path, monkeypatch, broken):
    from caloris.heat.calorimetry.result import CalorimetryResult

    def stop(*_, **__):
        raise RuntimeError("stopped")

    if broken == "figure":
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", stop)
    else:
        monkeypatch.setattr(Path, "write_text", stop)
    with pytest.raises(RuntimeError, match="stopped"):
        CalorimetryResult.save(result(), tmp_path)
    left = {file.name for file in tmp_path.iterdir()}
    assert left <= NAMES
    assert ("calorimetry.png" if broken == "figure" else "calorimetry.json") not in left
    if "calorimetry.json" in left:
        assert numbers(tmp_path)["name"] == "made <up> salt"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="taken"):
        result().save(tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == ""


def test_the_summary_says_what_the_json_says():
    text, found = result().summary(), result().to_json()
    for row in result().transitions:
        assert str(row.temperature) in text
        assert str(row.entropy_change) in text
    for line in found["warnings"]:
        assert line in text
    assert "inverse barocaloric effect" in text
    assert "slope, heating" in text
