"""Published results next to ours: what the paper says, what caloris gets, and why they differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scipp as sc

from caloris.errors import InputError
from caloris.files import whole
from caloris.units import to_json


@dataclass(frozen=True)
class Comparison:
    """One number of a paper and ours."""

    what: str
    paper: sc.Variable | None
    """As printed; None where the paper gives no number."""
    ours: sc.Variable
    remark: str = ""
    paper_words: str = ""
    """What the paper says where it gives no plain number."""

    @property
    def difference(self) -> float | None:
        """ours/paper - 1; None without a published number."""
        if self.paper is None or self.paper.value == 0:
            return None
        return float(self.ours.to(unit=self.paper.unit).value / self.paper.value) - 1

    def cells(self) -> list[str]:
        """The row of a table: what, paper, ours, difference, remark."""
        paper = self.paper_words or ("not stated" if self.paper is None else _number(self.paper))
        difference = "" if self.difference is None else f"{100 * self.difference + 0.0:+.1f} %".replace("-", "−")
        difference = "0 %" if difference in ("+0.0 %", "−0.0 %") else difference
        return [self.what, paper, _number(self.ours), difference, self.remark]


@dataclass(frozen=True)
class Reproduction:
    """A published result with the command that makes ours."""

    key: str
    source: str
    """Figure, table or equation of the paper."""
    title: str
    compute: Callable[[], Sequence[Comparison]]

    @property
    def command(self) -> str:
        """What to type."""
        return f"caloris reproduce {self.key}"


def choose(registry: Sequence[Reproduction], keys: Sequence[str]) -> list[Reproduction]:
    """Pick reproductions by key; ``all`` picks every one.

    Raises
    ------
    InputError
        If a key is unknown.
    """
    known = {entry.key: entry for entry in registry}
    if "all" in keys:
        return list(registry)
    for key in keys:
        if key not in known:
            raise InputError(f"no published result {key!r}; there are: {', '.join(known)}, or all")
    return [known[key] for key in dict.fromkeys(keys)]


def write_table(results: Sequence[tuple[Reproduction, Sequence[Comparison]]], path: str | Path) -> Path:
    """Write the reproduction table as Markdown.

    Raises
    ------
    InputError
        If the place cannot be written.
    """
    lines = [
        "# Published results, reproduced",
        "",
        "Made by `make reproduce` (`caloris reproduce all --table docs/reproductions.md`): the paper's value, ours,",
        "the difference and its reason. Rows without a published number say what the paper says in words. Cycles run",
        "with a heat capacity of 1700 J/kg/K (the card's estimate is 1590 ± 130) in a cell of guessed geometry.",
        "",
    ]
    for entry, comparisons in results:
        lines += [f"## {entry.title}", "", f"{entry.source} · `{entry.command}`", ""]
        lines += ["| result | paper | caloris | difference | reason or remark |", "|---|---|---|---|---|"]
        for comparison in comparisons:
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in comparison.cells()) + " |")
        lines.append("")
    with whole(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")
    return Path(path)


def as_json(entry: Reproduction, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Return a reproduction as plain JSON values."""
    rows = [
        {
            "what": c.what,
            "paper": None if c.paper is None else to_json(c.paper),
            "paper_words": c.paper_words,
            "ours": to_json(c.ours),
            "difference": c.difference,
            "remark": c.remark,
        }
        for c in comparisons
    ]
    return {
        "key": entry.key,
        "source": entry.source,
        "title": entry.title,
        "command": entry.command,
        "rows": rows,
    }


def _number(value: sc.Variable) -> str:
    unit = "" if value.unit in (None, sc.units.one) else f" {value.unit}"
    number = float(value.value)
    if number != number:
        return "–"
    digits = f"{number:.4g}"
    return digits.replace("-", "−") + unit
