"""Points from axes, and the order in which one continues another.

An axis is a list of values, or a range {from, to, step}. A history walks along one axis: on heating (upwards) each
point starts from the end of the one below it, on cooling (downwards) from the one above it.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from caloris.campaigns.keys import QUANTITY, base_quantity, canonical_text, in_unit, plain, quantity_unit
from caloris.errors import InputError

UPWARDS = ("heating", "compression", "ascending")
DOWNWARDS = ("cooling", "decompression", "descending")
MOST_POINTS = 1_000_000


@dataclass(frozen=True)
class Point:
    """One call of the task.

    Attributes
    ----------
    parameters:
        What distinguishes it from other points: JSON values or scipp scalars, quantities as ``"475 K"``.
    previous:
        The point that it continues, if any.
    """

    parameters: Mapping[str, Any]
    previous: "Point | None" = None


@dataclass(frozen=True)
class History:
    """A walk along one axis of a grid.

    Attributes
    ----------
    axis:
        Name of the axis.
    directions:
        ``"heating"``, ``"compression"`` or ``"ascending"`` go upwards; ``"cooling"``, ``"decompression"`` or
        ``"descending"`` go downwards. The direction becomes the parameter ``history``.
    continues:
        Whether the downward walk starts from the end of the upward one (else from nothing).
    """

    axis: str
    directions: tuple[str, ...] = ("heating", "cooling")
    continues: bool = True


def axis_values(name: str, value: Any) -> list[Any]:
    """Read an axis.

    Parameters
    ----------
    name:
        Its name, for the error message.
    value:
        A sequence of values (quantities in words, numbers, texts), or a mapping with ``from``, ``to``, ``step``, and
        ``unit`` unless they are written with one.

    Returns
    -------
    :
        The values, all different.

    Raises
    ------
    InputError
        If it is empty, holds a value twice or values of different kinds, or the range makes no sense.

    Examples
    --------
    >>> axis_values("temperature", {"from": "450 K", "to": "460 K", "step": "5 K"})
    ['450 K', '455 K', '460 K']
    """
    if isinstance(value, Mapping):
        return _range(name, value)
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InputError(f"{name}: expected a list of values or a table with from, to and step, got {value!r}")
    values = [plain(item, name) for item in value]
    if not values:
        raise InputError(f"{name}: the axis is empty; give at least one value")
    for item in values:
        if not isinstance(item, str | int | float):
            raise InputError(f"{name}: {item!r} cannot be a value of an axis; write a number, a text or '475 K'")
    for item in values[1:]:
        if _kind(item) != _kind(values[0]):
            raise InputError(
                f"{name}: {values[0]!r} and {item!r} are of different kinds; an axis has one kind of value"
            )
    seen: dict[str, Any] = {}
    for item in values:
        text = canonical_text(item)
        if text in seen:
            raise InputError(f"{name}: {seen[text]!r} and {item!r} are the same value; leave one out")
        seen[text] = item
    return values


def _kind(value: Any) -> str:
    quantity = base_quantity(value)
    if quantity:
        return f"quantity {quantity[1]}"
    if isinstance(value, bool):
        return "truth value"
    return "text" if isinstance(value, str) else "number"


def _range(name: str, table: Mapping[str, Any]) -> list[Any]:
    unknown = sorted(set(table) - {"from", "to", "step", "unit"})
    if unknown:
        raise InputError(f"{name}: {unknown[0]} is not a field of an axis; it has from, to, step and unit")
    for field in ("from", "to", "step"):
        if field not in table:
            raise InputError(f"{name}: {field} is missing; write for example {{from = '300 K', to = '400 K', ...}}")
    unit = table.get("unit")
    read = {field: _written(f"{name}.{field}", table[field], unit) for field in ("from", "to", "step")}
    units = {text for _, text in read.values()}
    if len(units) > 1:
        raise InputError(f"{name}: from, to and step must have one unit, got {', '.join(map(repr, sorted(units)))}")
    (start, text), (end, _), (step, _) = read["from"], read["to"], read["step"]
    if step == 0 or step < 0 < end - start:
        raise InputError(f"{name}: a step of {table['step']} does not lead from {table['from']} to {table['to']}")
    step = abs(step) if end >= start else -abs(step)
    count, rest = divmod(end - start, step)
    if rest:
        nearest = f"{_joined(start + count * step, text)} or {_joined(start + (count + 1) * step, text)}"
        raise InputError(
            f"{name}: {table['from']} to {table['to']} is no whole number of steps of {table['step']}; end at {nearest}"
        )
    if count >= MOST_POINTS:
        raise InputError(f"{name}: {count + 1} values; a campaign has at most {MOST_POINTS} points")
    return [_joined(start + n * step, text) for n in range(int(count) + 1)]


def _written(name: str, value: Any, unit: Any) -> tuple[Decimal, str]:
    """Number and unit as they are written: a range is counted in decimals, so 0.1 + 2 * 0.1 is 0.3."""
    value = plain(value, name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"{name}: expected a number or a quantity, got {value!r}")
    if isinstance(value, int | float):
        if unit is not None and base_quantity(f"1 {unit}") is None:
            raise InputError(f"{name}: {unit!r} is not a unit")
        return Decimal(repr(value)), str(unit or "")
    match = QUANTITY.match(value)
    if match is None or base_quantity(value) is None:
        raise InputError(f"{name}: cannot read {value!r}; write a number and a unit, for example '300 K'")
    if unit is not None and unit != match.group(2):
        raise InputError(f"{name}: {value!r} has its own unit besides unit = {unit!r}; leave one out")
    return Decimal(match.group(1)), match.group(2)


def _joined(number: Decimal, unit: str) -> Any:
    number = number.normalize() + 0
    if unit:
        return f"{number:f} {unit}"
    return int(number) if number == int(number) else float(number)


def coordinate(value: Any) -> Decimal | None:
    """Return where a value lies on its axis, in base units; None for texts and truth values."""
    quantity = base_quantity(value)
    if quantity:
        return quantity[0]
    return None if isinstance(value, str | bool) else Decimal(repr(value))


def midpoint(low: Any, high: Any) -> Any:
    """Return the value half-way between two of one axis, in the unit of the first.

    Parameters
    ----------
    low, high:
        Quantities in words, or numbers.

    Returns
    -------
    :
        A quantity in words, or a number.

    Examples
    --------
    >>> midpoint("460 K", "465 K")
    '462.5 K'
    """
    a, b = coordinate(low), coordinate(high)
    assert a is not None  # the caller has checked the axis
    assert b is not None
    unit = quantity_unit(low)
    return _joined(in_unit((a + b) / 2, unit), unit)


def grid_points(axes: Mapping[str, Sequence[Any]], history: History | None = None) -> list[Point]:
    """Expand a grid into points, each after the one that it continues.

    Parameters
    ----------
    axes:
        Values by the axis' name.
    history:
        The walk along one axis, if any.

    Returns
    -------
    :
        All combinations, the last axis running fastest; with a history, chain after chain.

    Raises
    ------
    InputError
        If the history's axis is not there or has no order, or there are too many points.

    Examples
    --------
    >>> points = grid_points({"temperature": ["2 K", "1 K"]}, History("temperature", ("heating",)))
    >>> points[1].parameters, points[1].previous is points[0]
    ({'temperature': '2 K', 'history': 'heating'}, True)
    """
    count = len(history.directions) if history else 1
    for values in axes.values():
        count *= len(values)
    if count > MOST_POINTS:
        raise InputError(f"grid: {count} points; a campaign has at most {MOST_POINTS}")
    if history is None:
        return [Point(dict(zip(axes, values, strict=True))) for values in itertools.product(*axes.values())]
    check_history(axes, history)
    return list(_chains(axes, history))


def check_history(axes: Mapping[str, Sequence[Any]], history: History) -> None:
    """Check that a history fits the axes; raises InputError."""
    if history.axis not in axes:
        raise InputError(f"history.axis: no axis {history.axis!r}; the grid has {', '.join(axes)}")
    if "history" in axes:
        raise InputError("grid: an axis cannot be named 'history' besides a history; rename it")
    if any(coordinate(value) is None for value in axes[history.axis]):
        raise InputError(f"history.axis: the values of {history.axis} have no order; choose an axis of quantities")
    for group in (UPWARDS, DOWNWARDS):
        same = [direction for direction in history.directions if direction in group]
        if len(same) > 1:
            raise InputError(f"history.directions: {' and '.join(same)} go the same way; leave one out")
    unknown = [direction for direction in history.directions if direction not in UPWARDS + DOWNWARDS]
    if unknown or not history.directions:
        given = repr(unknown[0]) if unknown else "none"
        raise InputError(f"history.directions: {given}; choose among {', '.join(UPWARDS + DOWNWARDS)}")


def _chains(axes: Mapping[str, Sequence[Any]], history: History) -> Iterator[Point]:
    up = next((d for d in history.directions if d in UPWARDS), None)
    down = next((d for d in history.directions if d in DOWNWARDS), None)
    rising = sorted(axes[history.axis], key=lambda value: coordinate(value) or Decimal(0))
    others = [name for name in axes if name != history.axis]
    for combination in itertools.product(*(axes[name] for name in others)):
        fixed = dict(zip(others, combination, strict=True))
        previous: Point | None = None
        for direction, values in ((up, rising), (down, rising[::-1])):
            if direction is None:
                continue
            if not history.continues:
                previous = None
            for value in values:
                given = {name: fixed.get(name, value) for name in axes}
                previous = Point({**given, "history": direction}, previous)
                yield previous
