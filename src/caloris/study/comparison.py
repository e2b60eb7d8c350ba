"""Published results next to ours: what the paper says, what caloris gets, and why they differ."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.files import whole
from caloris.units import to_json

DATA_FOLDER = "CALORIS_DATA"
"""Environment variable that names the folder of measured data."""


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
    needs: str = ""
    """A file of measured data that is not part of caloris, within the folder that CALORIS_DATA names."""
    campaign: str = ""
    """A campaign of simulations that it runs, within the folder that CALORIS_SIMULATIONS names."""

    @property
    def is_possible(self) -> bool:
        """Whether the data that it needs are there, or the simulations finished."""
        if self.campaign:
            from caloris.study.simulations import is_finished

            return is_finished(self.campaign)
        return not self.needs or available(self.needs)

    @property
    def what_is_missing(self) -> str:
        """What must be there before it can be computed, in words."""
        if self.campaign:
            return f"simulations of about an hour; they run once CALORIS_SIMULATIONS names a folder for {self.campaign}"
        return f"needs CALORIS_DATA with {self.needs}"

    @property
    def command(self) -> str:
        """What to type."""
        return f"caloris reproduce {self.key}"


def available(file: str) -> bool:
    """Return whether a file is in the folder of measured data that the environment names.

    Parameters
    ----------
    file:
        Its path within that folder.
    """
    folder = os.environ.get(DATA_FOLDER, "")
    return bool(folder) and (Path(folder) / file).is_file()


def choose(registry: Sequence[Reproduction], keys: Sequence[str]) -> list[Reproduction]:
    """Pick reproductions by key; ``all`` picks every one whose data are there.

    Raises
    ------
    InputError
        If a key is unknown.
    """
    known = {entry.key: entry for entry in registry}
    if "all" in keys:
        return [entry for entry in registry if entry.is_possible]
    for key in keys:
        if key not in known:
            raise InputError(f"no published result {key!r}; there are: {', '.join(known)}, or all")
    return [known[key] for key in dict.fromkeys(keys)]


def write_table(
    results: Sequence[tuple[Reproduction, Sequence[Comparison]]],
    path: str | Path,
    kept: Sequence[Reproduction] = (),
) -> Path:
    """Write the reproduction table as Markdown.

    Results that could not be computed here, for want of data or simulations, stay as the file has them.

    Raises
    ------
    InputError
        If the place cannot be written.
    """
    there = _sections(Path(path))
    lines = [
        "# Published results, reproduced",
        "",
        "Made by `make reproduce` (`caloris reproduce all --table docs/reproductions.md`): the paper's value, ours,",
        "the difference and its reason. Rows without a published number say what the paper says in words. Cycles run",
        "with a heat capacity of 1700 J/kg/K (the card's estimate is 1590 ± 130) in a cell of guessed geometry.",
        "Errors are half of a 68 % interval. Measured data are not part of caloris: `CALORIS_DATA` names their folder.",
        "Simulated results come from campaigns of molecular dynamics, up to an hour each on two cores; they run in the",
        "folder that `CALORIS_SIMULATIONS` names, and `all` takes those that are finished.",
        "",
    ]
    for entry, comparisons in results:
        lines += [f"## {entry.title}", "", f"{entry.source} · `{entry.command}`", ""]
        lines += ["| result | paper | caloris | difference | reason or remark |", "|---|---|---|---|---|"]
        for comparison in comparisons:
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in comparison.cells()) + " |")
        lines.append("")
    for entry in kept:
        if entry.title in there:
            lines += [there[entry.title], ""]
    with whole(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")
    return Path(path)


def _sections(path: Path) -> dict[str, str]:
    """The sections of a table by their titles; none if there is no file."""
    if not path.is_file():
        return {}
    parts = path.read_text(encoding="utf-8").split("\n## ")[1:]
    return {part.split("\n")[0]: "## " + part.rstrip() for part in parts}


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
    if value.variance:
        error = float(value.variance) ** 0.5
        if not 1e-3 <= abs(number) < 1e5:
            exponent = int(np.floor(np.log10(max(abs(number), error))))
            scaled = sc.scalar(number / 10.0**exponent, variance=(error / 10.0**exponent) ** 2)
            return f"({_number(scaled)})e{exponent}{unit}".replace("e-", "e−")
        places = int(np.clip(1 - np.floor(np.log10(error)), 0, 6))
        digits = f"{number:.{places}f} ± {error:.{places}f}"
    return digits.replace("-", "−") + unit
