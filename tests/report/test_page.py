"""The report: one HTML file that opens anywhere, with every text escaped and every figure inside."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scipp as sc
from matplotlib.figure import Figure

from caloris.errors import InputError
from caloris.report import Page, Section, Table, picture, shown

Check = Callable[[str], Any]


def figure() -> Figure:
    drawn = Figure(figsize=(3, 2))
    drawn.add_subplot().plot([0, 1], [1, 0])
    return drawn


def page(**changes: object) -> Page:
    content: dict[str, object] = {
        "title": "Ammonium thiocyanate",
        "lead": "Press it and it takes up heat.",
        "facts": [(shown(sc.scalar(43.0512, unit="J/g")), "heat charged")],
        "warning": ["It partly converts from 343 K on."],
        "sections": [
            Section(
                title="Numbers",
                text=["The <b>published</b> value & ours."],
                figures=[picture(figure(), 'A "figure" of < 5 mm')],
                tables=[
                    Table(
                        ("what", "value", "status"),
                        [
                            ("heat", sc.scalar(42.15, unit="J/g"), "measured"),
                            ("slope", -0.3003, "guess"),
                            ("not known", float("nan"), "estimate"),
                        ],
                        note="Per gram.",
                    )
                ],
                items=["first", "second"],
                warning=["Beware."],
            )
        ],
    }
    return Page(**{**content, **changes})  # type: ignore[arg-type]


@pytest.fixture
def html(tmp_path: Path) -> str:
    return page().write(tmp_path / "report.html").read_text(encoding="utf-8")


def test_page_is_balanced_and_loads_nothing(html: str, self_contained: Check) -> None:
    found = self_contained(html)
    assert html.startswith("<!doctype html>")
    assert found.elements.count("h1") == 1
    assert found.elements.count("img") == 1
    assert found.elements.count("tr") == 4


def test_figure_is_a_png_inside_the_page(html: str, self_contained: Check) -> None:
    (source,) = self_contained(html).loads
    assert base64.b64decode(source.split(",", 1)[1]).startswith(b"\x89PNG\r\n\x1a\n")


def test_picture_keeps_the_size_of_the_figure_on_screen() -> None:
    _, caption, width = picture(figure(), "words")
    assert (caption, width) == ("words", 3 * 96)


def test_page_contains_its_numbers_with_units(html: str, self_contained: Check) -> None:
    text = " ".join(" ".join(self_contained(html).text).split())
    for expected in ("43.05 J/g", "42.15 J/g", "−0.3003", "–", "heat charged", "Per gram.", "first", "Beware."):
        assert expected in text
    assert "It partly converts from 343 K on." in text
    assert "Gy" not in text
    assert "nan" not in text


def test_page_names_the_versions_that_made_it(html: str) -> None:
    from caloris import __version__

    assert f"Made by caloris {__version__}" in html
    assert f"scipp {sc.__version__}" in html


@pytest.mark.parametrize(
    "place",
    ["title", "lead", "facts", "warning", "section", "text", "caption", "cell", "column", "note", "item"],
)
def test_text_is_escaped_everywhere(tmp_path: Path, self_contained: Check, place: str) -> None:
    evil = '<script>alert("x")</script>\' onload="y'
    changes: dict[str, object] = {
        "title": {"title": evil},
        "lead": {"lead": evil},
        "facts": {"facts": [(evil, evil)]},
        "warning": {"warning": [evil]},
        "section": {"sections": [Section(title=evil)]},
        "text": {"sections": [Section(title="s", text=[evil])]},
        "caption": {"sections": [Section(title="s", figures=[picture(figure(), evil)])]},
        "cell": {"sections": [Section(title="s", tables=[Table(("a",), [(evil,)])])]},
        "column": {"sections": [Section(title="s", tables=[Table((evil,), [("a",)])])]},
        "note": {"sections": [Section(title="s", tables=[Table(("a",), [("a",)], note=evil)])]},
        "item": {"sections": [Section(title="s", items=[evil])]},
    }[place]
    html = page(**changes).write(tmp_path / "report.html").read_text(encoding="utf-8")
    found = self_contained(html)
    assert "<script" not in html
    assert evil in "".join(found.text)  # the reader sees exactly these words


def test_status_of_a_value_is_coloured(html: str) -> None:
    for status in ("measured", "guess", "estimate"):
        assert f'class="status {status}"' in html


def test_empty_page_is_balanced(tmp_path: Path, self_contained: Check) -> None:
    self_contained(Page(title="t", lead="l").write(tmp_path / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("where", ["none/report.html", "taken/report.html", "folder"])
def test_unwritable_place_leaves_nothing(tmp_path: Path, where: str) -> None:
    (tmp_path / "taken").write_text("mine")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        page().write(tmp_path / where)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "taken"]
    assert (tmp_path / "taken").read_text() == "mine"


def test_an_older_report_is_kept_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.html"
    target.write_text("older")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match="No space left on device"):
        page().write(target)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text() == "older"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (43.0512, "43.05"),
        (-0.3003, "−0.3003"),
        (1.2e-8, "1.2e-08"),
        (123456.0, "1.235e+05"),
        (float("nan"), "–"),
        (7, "7"),
        ("words", "words"),
        (sc.scalar(0.92), "0.92"),
        (sc.scalar(1590.0, unit="J/kg/K"), "1590 J/kg/K"),
    ],
)
def test_values_are_written_for_people(value: object, text: str) -> None:
    assert shown(value) == text
