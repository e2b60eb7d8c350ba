"""The demonstration: everything is written, and what is finished is never computed twice."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from caloris.errors import InputError
from caloris.heat import Battery, Cycle, Geometry
from caloris.report import demo

CYCLES = ("cycle", "eq12", "contact-1500")


@pytest.fixture(scope="module")
def small() -> Iterator[pytest.MonkeyPatch]:
    """A demonstration with one contact and a coarse mesh."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "CONTACTS", (1500,))
        patch.setattr(demo, "Battery", partial(Battery, geometry=Geometry(cells=3)))
        yield patch


@pytest.fixture(scope="module")
def finished(small: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Cycle, list]:
    """The folder, the report, the cycle and what was said of the progress."""
    folder = tmp_path_factory.mktemp("made") / "deep" / "demo"
    said: list[tuple[str, float]] = []
    report, cycle = demo.run_demo(folder, lambda words, part: said.append((words, part)))
    return folder, report, cycle, said


@pytest.fixture
def runs(small: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which protocols are really run."""
    made: list[str] = []
    original = Battery.run

    def counted(battery: Battery, protocol: object, progress: object = None) -> Cycle:
        made.append(battery.transition)
        return original(battery, protocol, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(Battery, "run", counted)
    return made


def copied(folder: Path, target: Path) -> Path:
    target.mkdir()
    for name in CYCLES:
        (target / f"{name}.h5").write_bytes((folder / f"{name}.h5").read_bytes())
    return target


def without_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is not what is tested: leave its figures out."""
    monkeypatch.setattr(demo, "demo_page", lambda *_: demo.Page(title="t", lead="l"))


def test_everything_is_there(finished: tuple[Path, Path, Cycle, list]) -> None:
    folder, report, _, _ = finished
    assert report == folder / "report.html"
    wanted = {f"{name}.h5" for name in CYCLES} | {"report.html", "cycle.csv", "cycle.json"}
    wanted |= {f"caloric.{suffix}" for suffix in ("csv", "h5", "json", "png")}
    assert {path.name for path in folder.iterdir()} == wanted


def test_report_is_self_contained_and_has_the_numbers(
    finished: tuple[Path, Path, Cycle, list], self_contained: Callable[[str], Any]
) -> None:
    _, report, cycle, _ = finished
    page = self_contained(report.read_text(encoding="utf-8"))
    text = " ".join("".join(page.text).split())
    assert page.elements.count("img") >= 6
    for number in (cycle.heat.charged, cycle.heat.discharged, cycle.work.input, cycle.storage["leak_margin"]):
        assert demo.shown(number, 3) in text
    for words in (*cycle.assumptions, *cycle.warnings):
        assert " ".join(words.split()) in text
    for entry in cycle.efficiencies.values():
        assert entry.definition in text


def test_files_hold_the_cycle(finished: tuple[Path, Path, Cycle, list]) -> None:
    folder, _, cycle, _ = finished
    assert json.loads((folder / "cycle.json").read_text()) == cycle.to_json()
    assert Cycle.load(folder / "cycle.h5").to_json() == cycle.to_json()
    rows = (folder / "cycle.csv").read_text().splitlines()
    assert rows[0].startswith("time/s,")
    assert len(rows) == 1 + len(cycle.columns["time"])


def test_progress_runs_from_0_to_1(finished: tuple[Path, Path, Cycle, list]) -> None:
    said = finished[3]
    parts = [part for _, part in said]
    assert parts == sorted(parts)
    assert said[-1] == ("report", 1.0)
    assert {words.split(":")[0] for words, _ in said} == {*CYCLES, "report"}


def test_second_run_takes_the_finished_cycles(
    finished: tuple[Path, Path, Cycle, list], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a finished cycle was computed again")

    folder = copied(finished[0], tmp_path / "demo")
    without_page(monkeypatch)
    monkeypatch.setattr(Battery, "run", never)
    _, cycle = demo.run_demo(folder)
    assert cycle.to_json() == finished[2].to_json()


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("not HDF5"),
        lambda path: path.write_bytes((path.parent / "cycle.h5").read_bytes()),
    ],
    ids=["cut", "empty", "text", "other-cycle"],
)
def test_damaged_file_is_made_again(
    finished: tuple[Path, Path, Cycle, list],
    tmp_path: Path,
    runs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], object],
) -> None:
    folder = copied(finished[0], tmp_path / "demo")
    without_page(monkeypatch)
    damage(folder / "eq12.h5")
    demo.run_demo(folder)
    assert runs == ["paper"]
    assert Cycle.load(folder / "eq12.h5").inputs["transition"] == "paper"


def test_cycle_of_other_inputs_is_made_again(
    finished: tuple[Path, Path, Cycle, list], tmp_path: Path, runs: list[str]
) -> None:
    folder = copied(finished[0], tmp_path / "demo")
    battery = Battery("NH4SCN", geometry=Geometry(cells=3), relaxation_time="1 s")
    cycle = demo.run_or_load(battery, "fig-1c", folder / "cycle.h5", None)
    assert runs == ["hysteresis"]
    assert cycle.inputs["relaxation_time"] == "1 s"
    again = demo.run_or_load(battery, "fig-1c", folder / "cycle.h5", None)
    assert runs == ["hysteresis"]
    assert again.to_json() == cycle.to_json()


def test_interrupted_run_keeps_what_is_finished(
    small: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, made = Battery.run, []

    def interrupted(battery: Battery, protocol: object, progress: object = None) -> Cycle:
        made.append(battery.transition)
        if len(made) == 3:
            raise KeyboardInterrupt
        return original(battery, protocol, progress)  # type: ignore[arg-type]

    without_page(monkeypatch)
    monkeypatch.setattr(Battery, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo.run_demo(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"cycle.h5", "eq12.h5"}
    demo.run_demo(tmp_path)  # goes on where it stopped
    assert made == ["hysteresis", "paper", "paper", "paper"]
    assert (tmp_path / "report.html").exists()


def test_unwritable_folder_is_refused_before_any_work(tmp_path: Path, runs: list[str]) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="choose another --out"):
        demo.run_demo(tmp_path / "taken" / "demo")
    assert runs == []
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
