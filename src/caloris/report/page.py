"""A report is one HTML file that opens anywhere: figures inside, no link to anything else."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import scipp as sc
from jinja2 import Environment
from matplotlib.figure import Figure

from caloris.files import versions, whole


@dataclass(frozen=True)
class Table:
    """Rows under a heading; the first column names the row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a report: words, then figures, then tables, then a list."""

    title: str
    text: Sequence[str] = ()
    figures: Sequence[tuple[str, str, int]] = ()
    """(data URI, caption, width); make them with :func:`picture`."""
    tables: Sequence[Table] = ()
    items: Sequence[str] = ()
    warning: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    lead: str
    facts: Sequence[tuple[str, str]] = ()
    """Headline numbers: (number with unit, what it is)."""
    sections: Sequence[Section] = field(default_factory=list)
    warning: Sequence[str] = ()

    def write(self, path: str | Path) -> Path:
        """Write the report.

        Raises
        ------
        InputError
            If the place cannot be written; nothing is left behind then.
        """
        template = files("caloris.report").joinpath("page.html").read_text(encoding="utf-8")
        environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        environment.filters["shown"] = shown
        environment.filters["status"] = _status
        html = environment.from_string(template).render(page=self, versions=versions())
        with whole(path) as temporary:
            temporary.write_text(html, encoding="utf-8")
        return Path(path)


def picture(figure: Figure, caption: str) -> tuple[str, str, int]:
    """Return a figure as an embedded PNG (sharp on dense screens), its caption and its width in CSS pixels."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=170)
    return (
        "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(),
        caption,
        round(figure.get_figwidth() * 96),
    )


def shown(value: object, digits: int = 4) -> str:
    """Write a value for people: four digits and its unit.

    Examples
    --------
    >>> shown(sc.scalar(43.0512, unit="J/g"))
    '43.05 J/g'
    >>> shown(0.000000012)
    '1.2e-08'
    """
    if isinstance(value, sc.Variable):
        unit = "" if value.unit in (None, sc.units.one) else f" {value.unit}"
        return shown(float(value.value), digits) + unit
    if isinstance(value, float):
        if value == 0:
            return "0"
        if value != value:
            return "–"
        if value != 0 and (abs(value) < 1e-3 or abs(value) >= 10**6):
            return f"{value:.{digits - 1}g}".replace("-", "−", 1) if value < 0 else f"{value:.{digits - 1}g}"
        text = f"{value:.{digits}g}"
        return text.replace("-", "−") if value < 0 else text
    return str(value)


def _status(value: Any) -> str:
    """CSS class of a cell: the status of a value, or a number to align."""
    text = str(value)
    if text in ("measured", "derived", "estimate", "guess"):
        return f"status {text}"
    if text in ("one-branch", "reversible"):
        return f"status {text}"
    if text in ("agrees", "disagrees"):
        return f"status {'measured' if text == 'agrees' else 'guess'}"
    return "number" if isinstance(value, sc.Variable | float | int) else ""
