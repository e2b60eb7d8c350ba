"""The published results of Zhang et al. (2023): every entry computes, the paper's numbers are met."""

import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import scipp as sc

from caloris import cli
from caloris.errors import InputError
from caloris.study import Comparison, Reproduction, as_json, choose, write_table
from caloris.study.registry import REPRODUCTIONS

DATA = Path(os.environ.get("CALORIS_DATA", Path(__file__).parents[3] / "shared" / "data"))
ENTRIES = {entry.key: entry for entry in REPRODUCTIONS}
SLOW = {"fig-1d", "extended-1cd"}
QUICK = ("eq-12", "fig-2", "table-1")
TABLE = Path(__file__).parents[2] / "docs" / "reproductions.md"

TOGETHER = ("fig-1c", "efficiency")  # they share their cycles, so one test computes both
EVERY = [pytest.param(key, marks=pytest.mark.slow) if key in SLOW else key for key in ENTRIES if key not in TOGETHER]


def rows_of(key: str) -> dict[str, Comparison]:
    return {row.what: row for row in ENTRIES[key].compute()}


def value(row: Comparison, unit: str) -> float:
    return float(row.ours.to(unit=unit).value)


def test_keys_are_unique() -> None:
    assert len(ENTRIES) == len(REPRODUCTIONS)
    assert len({entry.title for entry in REPRODUCTIONS}) == len(REPRODUCTIONS)


def test_commands_are_what_people_type() -> None:
    for entry in REPRODUCTIONS:
        assert choose(REPRODUCTIONS, entry.command.split()[2:]) == [entry]
    assert choose(REPRODUCTIONS, ["all"]) == [entry for entry in REPRODUCTIONS if entry.is_possible]
    assert choose(REPRODUCTIONS, ["fig-2", "eq-12", "fig-2"]) == [ENTRIES["fig-2"], ENTRIES["eq-12"]]
    with pytest.raises(InputError, match="eq-12"):
        choose(REPRODUCTIONS, ["eq-13"])


@pytest.mark.parametrize("key", EVERY)
def test_every_entry_computes(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALORIS_DATA", str(DATA))
    if not ENTRIES[key].is_possible:
        pytest.skip(f"no {ENTRIES[key].needs} in {DATA}")
    assert_complete(key, ENTRIES[key].compute())


def test_without_measured_data_their_results_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALORIS_DATA", raising=False)
    with_data = {entry.key for entry in REPRODUCTIONS if entry.needs}
    assert with_data == {"eicosane", "la-fe-co-si"}
    assert not with_data & {entry.key for entry in choose(REPRODUCTIONS, ["all"])}
    with pytest.raises(InputError, match="CALORIS_DATA"):
        ENTRIES["eicosane"].compute()


def test_fig_2_comes_back_from_scans() -> None:
    """dS 128.7, dT/dp -0.30, RCP = 128.7 times the shift, a window of 1 K at 100 MPa: within the intervals."""
    rows = rows_of("fig-2-scans")
    assert value(rows["dS maximum, 0.1 to 80 MPa"], "J/kg/K") == pytest.approx(128.7, rel=5e-3)
    assert value(rows["dT/dp on heating"], "K/MPa") == pytest.approx(-0.3003, abs=5e-4)
    assert value(rows["dT/dp on cooling"], "K/MPa") == pytest.approx(-3.8e-5 / 128.7 * 1e6, rel=5e-3)
    for p in (20, 40, 60, 80, 100):
        assert value(rows[f"RCP at {p} MPa"], "J/kg") == pytest.approx(128.7 * 0.3003 * (p - 0.1), rel=0.01)
    assert value(rows["reversible window at 100 MPa"], "K") == pytest.approx(1.0, abs=0.1)
    assert value(rows["least pressure of a reversible cycle"], "MPa") == pytest.approx(96.57, rel=5e-3)
    assert value(rows["dS maximum, 0.1 to 80 MPa, reversible"], "J/kg/K") < 0.1
    assert 20 < value(rows["dS maximum, 0.1 to 100 MPa, reversible"], "J/kg/K") < 128.7


def assert_complete(key: str, rows: Sequence[Comparison]) -> None:
    assert len(rows) >= 4
    for row in rows:
        assert np.isfinite(row.ours.value), row.what
        if row.paper is not None:
            row.ours.to(unit=row.paper.unit)  # the same quantity
        assert len(row.cells()) == 5
        assert all(isinstance(cell, str) for cell in row.cells())
    json.dumps(as_json(ENTRIES[key], rows), allow_nan=False)


# -- the paper's numbers -------------------------------------------------------------------------------


def test_heat_and_efficiency_of_the_papers_cycle() -> None:
    for key in TOGETHER:
        assert_complete(key, ENTRIES[key].compute())
    assert_heat_of_fig_1c(rows_of("fig-1c"))
    assert_efficiency(rows_of("efficiency"))


def assert_heat_of_fig_1c(rows: dict[str, Comparison]) -> None:
    """43 J/g in, 43 J/g out ('well consistent'); exact thermodynamics gives 43.05 and 42.15."""
    charged = rows["heat charged, 349 K, 8.2 to 90 MPa, quasi-static"]
    discharged = rows["heat discharged, 313 K, quasi-static"]
    assert value(charged, "J/g") == pytest.approx(43.05, rel=5e-3)
    assert value(discharged, "J/g") == pytest.approx(42.15, rel=5e-3)
    assert charged.paper is not None
    assert charged.paper.value == 43
    lost = next(row for what, row in rows.items() if "heat lost in storage" in what)
    left = next(row for what, row in rows.items() if "8.2 to 90 MPa: heat discharged" in what)
    assert value(lost, "J/g") == pytest.approx(104, rel=0.02)
    assert abs(value(left, "J/g")) < 0.05
    assert value(rows["leak pressure at 313 K"], "MPa") < 90 < value(rows["equilibrium pressure at 313 K"], "MPa")


def assert_efficiency(rows: dict[str, Comparison]) -> None:
    """3.85 J/g, 'eleven times', 'about 92 %'."""
    assert value(rows["input mechanical energy, p |dV|"], "J/g") == pytest.approx(3.85, abs=0.02)
    published = {float(row.paper.value): row for row in rows.values() if row.paper is not None}
    assert value(published[11.0], "dimensionless") == pytest.approx(11, abs=0.5)
    assert value(published[0.92], "dimensionless") == pytest.approx(0.92, abs=0.005)
    assert value(rows["round trip"], "dimensionless") < 0.5  # nothing recovered: far below 92 %


def test_boundary_of_eq_12_passes_through_its_points() -> None:
    rows = rows_of("eq-12")
    assert value(rows["Step at (20 MPa, 358 K)"], "dimensionless") == pytest.approx(0.5, abs=1e-6)
    assert value(rows["Step at (0.1 MPa, 363.83 K)"], "dimensionless") == pytest.approx(0.5, abs=1e-6)
    assert value(rows["slope of the boundary"], "K/MPa") == pytest.approx((358 - 363.83) / (20 - 0.1), rel=1e-6)
    # a logistic in 100 P/MPa: its 10-90 % width is 2 ln 9 / 100 MPa
    assert value(rows["10-90 % width in pressure"], "MPa") == pytest.approx(2 * np.log(9) / 100, rel=1e-4)


def test_phase_diagram_and_entropy_of_fig_2() -> None:
    rows = rows_of("fig-2")
    for row in rows.values():
        if row.paper is not None and not row.paper_words:
            assert row.difference == pytest.approx(0, abs=2e-3), row.what
    assert value(rows["pressure for a reversible cycle"], "MPa") == pytest.approx(29 / 0.3003, rel=1e-4)


def test_cells_of_the_table() -> None:
    rows = rows_of("table-1")
    beta = math.radians(97.751)
    volumes = {
        "monoclinic": 4.22430 * 7.1294 * 12.9864 * math.sin(beta),
        "orthorhombic": 6.867 * 6.853 * 7.934,
        "tetragonal": 6.8810**2 * 8.0252,
    }
    for name, volume in volumes.items():
        assert value(rows[f"cell volume, {name}"], "angstrom**3") == pytest.approx(volume, rel=1e-5)


@pytest.mark.slow
def test_discharge_times_of_fig_1d() -> None:
    """Check values of an independent calculation: t90/t99 = 200/407 s at h = 50 down to 31/69 s at h = 1500."""
    rows = rows_of("fig-1d")
    expected = {50: (200, 407), 100: (113, 230), 200: (69, 142), 500: (43, 91), 1000: (34, 74), 1500: (31, 69)}
    for h, times in expected.items():
        for name, seconds in zip(("t90", "t99"), times, strict=True):
            assert value(rows[f"{name} at h = {h} W/m^2/K"], "s") == pytest.approx(seconds, rel=0.07)
    assert value(rows["t90 at h = 1500 W/m^2/K"], "s") < 60  # 'within 1 minute'


# -- the table -----------------------------------------------------------------------------------------


def entry(rows: Sequence[Comparison]) -> Reproduction:
    return Reproduction("mine", "Nobody 2023, Fig. 1", "A | title", lambda: rows)


def columns(line: str) -> int:
    """Columns of a Markdown row: unescaped bars separate."""
    return line.replace("\\|", "").count("|") - 1


def assert_valid_tables(text: str) -> int:
    """Every table has a header, a rule and rows of as many columns; returns the number of rows."""
    lines, rows = text.splitlines(), 0
    for number, line in enumerate(lines):
        if not line.startswith("|"):
            continue
        first = number
        while lines[first - 1].startswith("|"):
            first -= 1
        assert set(lines[first + 1]) <= set("|-: ")
        assert columns(line) == columns(lines[first]), line
        assert line.endswith("|")
        assert lines[first - 1] == ""
        rows += number > first + 1
    return rows


def test_table_escapes_bars_and_keeps_its_columns(tmp_path: Path) -> None:
    rows = [
        Comparison("p |dV|", sc.scalar(3.85, unit="J/g"), sc.scalar(3838.0, unit="J/kg"), "a | b || c"),
        Comparison("slope", None, sc.scalar(-0.3, unit="K/MPa"), paper_words="'about | 0.3'"),
        Comparison("nothing", sc.scalar(0.0, unit="J/g"), sc.scalar(float("nan"), unit="J/g")),
    ]
    path = write_table([(entry(rows), rows)], tmp_path / "table.md")
    text = path.read_text(encoding="utf-8")
    assert assert_valid_tables(text) == 3
    assert "| p \\|dV\\| | 3.85 J/g | 3838 J/kg | −0.3 % | a \\| b \\|\\| c |" in text
    assert "| slope | 'about \\| 0.3' | −0.3 K/MPa |  |  |" in text
    assert "| nothing | 0 J/g | – |  |  |" in text


def test_difference_is_relative_and_in_the_papers_unit() -> None:
    row = Comparison("x", sc.scalar(2.0, unit="J/g"), sc.scalar(2100.0, unit="J/kg"))
    assert row.difference == pytest.approx(0.05)
    assert row.cells()[3] == "+5.0 %"
    assert Comparison("x", sc.scalar(1.0, unit="K"), sc.scalar(0.9999999, unit="K")).cells()[3] == "0 %"


def test_table_of_the_quick_entries_is_valid_markdown(tmp_path: Path) -> None:
    done = [(ENTRIES[key], ENTRIES[key].compute()) for key in QUICK]
    text = write_table(done, tmp_path / "table.md").read_text(encoding="utf-8")
    assert assert_valid_tables(text) == sum(len(rows) for _, rows in done)
    assert "Gy" not in text
    assert "nan" not in text


def test_table_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        write_table([], tmp_path / "none" / "table.md")
    assert list(tmp_path.iterdir()) == []


needs_table = pytest.mark.skipif(not TABLE.exists(), reason="no docs/reproductions.md here")


@needs_table
@pytest.mark.parametrize("key", ENTRIES)
def test_documented_table_has_every_entry(key: str) -> None:
    text = TABLE.read_text(encoding="utf-8")
    assert f"## {ENTRIES[key].title}\n" in text
    assert f"`{ENTRIES[key].command}`" in text


@needs_table
def test_documented_table_is_valid_and_has_nothing_else() -> None:
    text = TABLE.read_text(encoding="utf-8")
    assert assert_valid_tables(text) > 40
    assert text.count("\n## ") == len(ENTRIES)


@needs_table
@pytest.mark.parametrize("key", QUICK)
def test_documented_table_is_of_this_version(key: str, tmp_path: Path) -> None:
    """Run `make reproduce` if this fails."""
    fresh = write_table([(ENTRIES[key], ENTRIES[key].compute())], tmp_path / "table.md").read_text(encoding="utf-8")
    section = fresh[fresh.index("## ") :].strip()
    assert section in TABLE.read_text(encoding="utf-8")


# -- the command ---------------------------------------------------------------------------------------


def test_reproduce_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["caloris", "reproduce", "eq-12", "table-1", "--json"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    results = json.loads(capsys.readouterr().out)["results"]
    assert [result["key"] for result in results] == ["eq-12", "table-1"]
    for result in results:
        assert set(result) == {"key", "source", "title", "command", "rows"}
        for row in result["rows"]:
            assert set(row) == {"what", "paper", "paper_words", "ours", "difference", "remark"}
            assert set(row["ours"]) == {"value", "unit", "error"}
            assert (row["paper"] is None) or set(row["paper"]) == {"value", "unit", "error"}


def test_a_table_keeps_what_cannot_be_computed_here(tmp_path: Path) -> None:
    rows = ENTRIES["eq-12"].compute()
    table = tmp_path / "table.md"
    write_table([(ENTRIES["eq-12"], rows), (ENTRIES["fig-2"], rows)], table)
    before = table.read_text(encoding="utf-8")
    write_table([(ENTRIES["eq-12"], rows)], table, [ENTRIES["fig-2"], ENTRIES["eicosane"]])
    after = table.read_text(encoding="utf-8")
    assert f"## {ENTRIES['fig-2'].title}" in after
    assert f"## {ENTRIES['eicosane'].title}" not in after
    assert sorted(after.splitlines()) == sorted(before.splitlines())
