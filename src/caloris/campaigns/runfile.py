"""A campaign as a TOML file.

task = "my_simulations:lattice"
[settings]                      # given to every point, unchanged
duration = "50 ps"
[files]                         # given as paths; their content is part of the key
force_field = "nh4scn.toml"
[grid]
pressure = ["0.1 MPa", "200 MPa"]
temperature = {from = "430 K", to = "500 K", step = "5 K"}
[history]
axis = "temperature"
directions = ["heating", "cooling"]
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from caloris.campaigns.grid import DOWNWARDS, UPWARDS, History
from caloris.errors import InputError
from caloris.files import read_toml

SHOWN = 3
"""How many wrong fields a message names."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class HistoryTable(_Table):
    """The ``[history]`` table; ``cooling_from`` says where the downward walk starts."""

    axis: str
    directions: list[str] = Field(default=["heating", "cooling"], min_length=1)
    cooling_from: Literal["heating", "start"] | None = None

    def history(self) -> History:
        """Return the walk; InputError if it cannot start where it is told to."""
        rises = [direction for direction in self.directions if direction in UPWARDS]
        falls = [direction for direction in self.directions if direction in DOWNWARDS]
        if self.cooling_from == "heating" and not rises and falls:
            raise InputError("history.cooling_from: there is no heating; write 'start' or add it to directions")
        return History(self.axis, tuple(self.directions), continues=self.cooling_from != "start")


class RunFile(_Table):
    """A run file; the fields are the arguments of :class:`caloris.campaigns.Campaign`."""

    task: str = Field(pattern=r"^[\w.]+:\w+$")
    folder: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    grid: dict[str, Any] = Field(min_length=1)
    history: HistoryTable | None = None


def read_run_file(path: Path) -> RunFile:
    """Read a run file.

    Parameters
    ----------
    path:
        A TOML file, see the module's example.

    Returns
    -------
    :
        Its fields.

    Raises
    ------
    InputError
        If the file cannot be read or a field is wrong; the message names file, field and reason.
    """
    try:
        return RunFile.model_validate(read_toml(path, "run file"))
    except ValidationError as error:
        raise InputError(f"{path}: {_describe(error)}") from None


def _describe(error: ValidationError) -> str:
    parts = []
    for item in error.errors():
        field = ".".join(str(part) for part in item["loc"])
        given = item.get("input")
        reason = item["msg"] + (f", got {given!r}" if isinstance(given, str | int | float) else "")
        if item["type"] == "missing":
            reason = "is missing"
        elif item["type"] == "extra_forbidden":
            reason = "is not a field of a run file (misspelt?)"
        elif field == "task" and isinstance(given, str):
            reason = f"{given!r} is no function; write 'package.module:function'"
        parts.append(f"{field}: {reason}")
    parts.sort(key=lambda part: "misspelt" not in part)  # a misspelt field explains a missing one
    more = f" (and {len(parts) - SHOWN} more)" if len(parts) > SHOWN else ""
    return " ".join(("; ".join(parts[:SHOWN]) + more).split())
