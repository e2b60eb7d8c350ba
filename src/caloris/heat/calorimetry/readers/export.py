"""What a reader finds in a vendor's file before the numbers are looked at: blocks of rows, and the words of the header.

Every reader turns the text of a file into one :class:`Export`; from there on all vendors are treated alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from caloris.errors import InputError
from caloris.heat.calorimetry.readers.numbers import Rows
from caloris.heat.calorimetry.readers.signals import choose, factor

Direction = Literal["up", "down"]


@dataclass(frozen=True)
class Column:
    """One needed column of a table."""

    index: int
    factor: float
    unit: str


@dataclass(frozen=True)
class Block:
    """Rows under one header: a whole file, a segment or a curve."""

    rows: Rows
    columns: Mapping[str, Column]
    """By quantity: ``temperature`` and ``heat_flow`` always; ``time``, ``pressure``, ``segment``, ``index`` if any."""
    title: str = ""
    rate: float | None = None
    """Speed of the temperature up or down, K/s, where the header states a constant one."""
    marker_rows: bool = False
    """Whether rows with a whole negative time and zeros separate segments (TA)."""


@dataclass(frozen=True)
class Export:
    """A file of one vendor."""

    vendor: str
    blocks: Sequence[Block]
    default: Direction
    """Which way is endothermic if nothing tells: the habit of the vendor's program."""
    name: str = ""
    mass: float | None = None
    """mg; 0 if the file leaves it open, None if it does not speak of it."""
    pressure: float | None = None
    """MPa."""
    endothermic: Direction | None = None
    """What the file says, if it does."""
    sign_words: str = ""
    """In which words."""
    decimal: str | None = None
    """The decimal mark that the header states."""
    remarks: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Vendor:
    """A reader: whose files it knows by their content, and how it takes them apart."""

    name: str
    recognises: Callable[[str], bool]
    """Whether a text is of this vendor."""
    parse: Callable[[str, str], Export]
    """Text and name of the file to an export."""


@dataclass(frozen=True)
class Names:
    """How a vendor calls what is needed, in lower case, preferred names first."""

    time: Sequence[str]
    temperature: Sequence[str]
    heat_flow: Sequence[str]
    other_temperature: Sequence[str] = ()
    """Of furnace or program: taken only where the sample's is missing."""
    pressure: Sequence[str] = ("pressure",)
    segment: Sequence[str] = ("segment",)
    index: Sequence[str] = ("index",)


def columns(
    where: str,
    names: Sequence[str],
    units: Sequence[str | None],
    known: Names,
    *,
    assumed: Mapping[str, str] | None = None,
) -> tuple[dict[str, Column], list[str]]:
    """Find the needed columns of a table.

    Parameters
    ----------
    where:
        Name of the file and line, for the error message.
    names, units:
        Of every column.
    known:
        What the vendor calls them.
    assumed:
        Units by quantity that the vendor's program is known to use where the table states none at all.

    Returns
    -------
    :
        The columns by quantity, and remarks; without ``heat_flow`` if the table has none.

    Raises
    ------
    InputError
        If there is no temperature, a unit is unknown, or a needed column has none.
    """
    labels = list(zip(names, units, strict=True))  # TA writes "Heat Flow" twice, in mW and in W/g
    remarks: list[str] = []
    found: dict[str, Column] = {}
    wanted = {
        "time": choose(names, known.time),
        "temperature": choose(names, known.temperature),
        "heat_flow": choose(names, known.heat_flow),
        "pressure": choose(names, known.pressure),
    }
    if wanted["temperature"] is None:
        wanted["temperature"] = choose(names, known.other_temperature)
        if wanted["temperature"] is not None:
            remarks.append(f"temperature is '{names[wanted['temperature']]}', not that of the sample")
    if wanted["temperature"] is None:
        listed = ", ".join(repr(name) for name in names)[:150]
        raise InputError(f"{where}: no column of temperature among {listed}; export it too")
    silent = assumed is not None and not any(units)
    for quantity, index in wanted.items():
        if index is None:
            continue
        if labels.count(labels[index]) > 1:
            raise InputError(f"{where}: two columns are called {names[index]!r}; export each once")
        unit = (assumed or {}).get(quantity) if silent else units[index]
        if not unit:
            raise InputError(f"{where}: the column {names[index]!r} has no unit; export the table with units")
        found[quantity] = Column(index, *factor(quantity, unit, where))
    if silent and assumed:
        remarks.append(f"the table states no units: taken as {', '.join(assumed.values())}, which the program writes")
    for quantity, choices in (("segment", known.segment), ("index", known.index)):
        index = choose(names, choices)
        if index is not None:
            found[quantity] = Column(index, 1.0, "")
    return found, remarks
