"""The results of a campaign as labelled arrays over its axes: values, errors as variances, what is missing masked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipp as sc

from caloris.campaigns.grid import coordinate
from caloris.campaigns.keys import base_quantity, canonical_text, in_unit, quantity_unit
from caloris.campaigns.plan import CampaignStatus, PlannedPoint
from caloris.errors import ComputationError
from caloris.units import parse_unit


@dataclass(frozen=True)
class Result:
    """A finished point.

    Attributes
    ----------
    coordinates:
        Its place in the grid.
    outputs:
        What its task returned: ``{"value", "unit", "error"}`` or plain JSON values.
    folder:
        Where its files are.
    point:
        The point.
    """

    coordinates: dict[str, Any]
    outputs: dict[str, Any]
    folder: Path
    point: PlannedPoint

    def quantity(self, output: str) -> sc.Variable:
        """Return an output as a scipp variable; ComputationError if there is none of that name, or no number."""
        given = self.outputs.get(output)
        value, unit, error = _number(given)
        if value is None:
            raise ComputationError(f"{output}: no number at {self.point}; there are {', '.join(self.outputs)}")
        variances = None if error is None else np.square(error)
        if np.ndim(value):
            dims = [output if n == 0 else f"{output}_{n}" for n in range(np.ndim(value))]
            return sc.array(dims=dims, values=value, variances=variances, unit=parse_unit(unit))
        return sc.scalar(float(value), variance=variances, unit=parse_unit(unit))


def _number(given: Any) -> tuple[Any, str, Any]:
    """Value, unit and error of an output; the value is None if it is no number or array of numbers."""
    unit, error = "dimensionless", None
    if isinstance(given, dict) and "value" in given and "unit" in given:
        given, unit, error = given["value"], str(given["unit"]), given.get("error")
    if isinstance(given, bool | str | dict) or given is None:
        return None, unit, None
    try:
        value = np.asarray(given, dtype=float)
        spread = None if error is None else np.broadcast_to(np.asarray(error, dtype=float), value.shape)
    except (TypeError, ValueError):
        return None, unit, None
    return value, unit, spread


@dataclass(frozen=True)
class Axis:
    """An axis of the table: its values as they are written, in order."""

    name: str
    values: list[Any]

    def variable(self) -> sc.Variable:
        """Return the values as a coordinate, in the unit of the first."""
        return coordinate_variable(self.name, self.values)

    def places(self) -> dict[str, int]:
        """Where a value is, by its canonical text."""
        return {canonical_text(value): n for n, value in enumerate(self.values)}


def coordinate_variable(dim: str, values: Sequence[Any]) -> sc.Variable:
    """Return values of one kind as a scipp array.

    Parameters
    ----------
    dim:
        Its dimension.
    values:
        Quantities in words, numbers, texts or truth values.

    Returns
    -------
    :
        Numbers in the unit of the first value, or texts.
    """
    unit = quantity_unit(values[0])
    places = [coordinate(value) for value in values]
    dimensions = {(base_quantity(value) or (None, None))[1] for value in values}
    if any(place is None for place in places) or len(dimensions) > 1:
        return sc.array(dims=[dim], values=[v if isinstance(v, str | bool) else str(v) for v in values])
    numbers = [float(in_unit(place, unit)) for place in places if place is not None]
    return sc.array(dims=[dim], values=numbers, unit=parse_unit(unit) if unit else "dimensionless")


def grid_table(axes: Sequence[Axis], results: Sequence[Result], status: CampaignStatus) -> "sc.DataGroup[sc.DataArray]":
    """Lay results out on a grid.

    Parameters
    ----------
    axes:
        The dimensions.
    results:
        The finished points.
    status:
        Of all points.

    Returns
    -------
    :
        One array per output that is a number, a text or a truth value everywhere, or an array of one shape. Masks:
        ``failed``, and ``missing`` (not computed yet, not part of the campaign, or not among the outputs).
    """
    places = {axis.name: axis.places() for axis in axes}

    def place(coordinates: Mapping[str, Any]) -> tuple[int, ...]:
        return tuple(places[axis.name][canonical_text(coordinates[axis.name])] for axis in axes)

    shape = tuple(len(axis.values) for axis in axes)
    failed = np.zeros(shape, dtype=bool)
    for item in status.failed:
        failed[place(item.point.coordinates)] = True
    dims, coords = [axis.name for axis in axes], {axis.name: axis.variable() for axis in axes}
    return _arrays(dims, shape, coords, failed, [(place(result.coordinates), result) for result in results])


def list_table(
    points: Sequence[PlannedPoint], results: Sequence[Result], status: CampaignStatus
) -> "sc.DataGroup[sc.DataArray]":
    """Lay results out along one dimension ``point``; parameters that all points have become coordinates."""
    places = {point.key: (n,) for n, point in enumerate(points)}
    failed = np.zeros(len(points), dtype=bool)
    for item in status.failed:
        failed[places[item.point.key]] = True
    shared = set(points[0].coordinates) if points else set()
    for point in points:
        shared &= set(point.coordinates)
    coords = {}
    for name in sorted(shared):
        values = [point.coordinates[name] for point in points]
        if all(isinstance(value, str | int | float) for value in values):
            coords[name] = coordinate_variable("point", values)
    placed: list[tuple[tuple[int, ...], Result]] = [(places[result.point.key], result) for result in results]
    return _arrays(["point"], (len(points),), coords, failed, placed)


def _arrays(
    dims: list[str],
    shape: tuple[int, ...],
    coords: dict[str, sc.Variable],
    failed: np.ndarray[Any, Any],
    placed: list[tuple[tuple[int, ...], Result]],
) -> "sc.DataGroup[sc.DataArray]":
    names: dict[str, None] = {}
    for _, result in placed:
        names |= dict.fromkeys(result.outputs)
    table = {}
    for name in names:
        given = [(where, result) for where, result in placed if result.outputs.get(name) is not None]
        data = _numbers(name, dims, shape, given)
        data = _words(name, dims, shape, given) if data is None else data
        if data is not None:
            missing = ~failed
            for where, _ in given:
                missing[where] = False
            masks = {"failed": failed, "missing": missing}
            array = {mask: sc.array(dims=dims, values=values) for mask, values in masks.items()}
            table[name] = sc.DataArray(data, coords=coords, masks=array, name=name)
    return sc.DataGroup(table)


def _numbers(
    name: str, dims: list[str], shape: tuple[int, ...], given: list[tuple[tuple[int, ...], Result]]
) -> sc.Variable | None:
    read = [(where, result, _number(result.outputs[name])) for where, result in given]
    shapes = {np.shape(value) for _, _, (value, _, _) in read}
    if not read or any(value is None for _, _, (value, _, _) in read) or len(shapes) != 1:
        return None
    inner = shapes.pop()
    unit = parse_unit(read[0][2][1])
    values = np.full(shape + inner, np.nan)
    variances = np.full(shape + inner, np.nan)
    for where, result, (value, own, error) in read:
        try:
            scale = float(sc.scalar(1.0, unit=parse_unit(own)).to(unit=unit).value)
        except sc.UnitError:
            raise ComputationError(f"{name}: is in {own} at {result.point}, elsewhere in {unit}") from None
        values[where] = value * scale
        variances[where] = np.nan if error is None else np.square(error * scale)
    has_errors = any(error is not None for _, _, (_, _, error) in read)
    all_dims = dims + [name if n == 0 else f"{name}_{n}" for n in range(len(inner))]
    return sc.array(dims=all_dims, values=values, variances=variances if has_errors else None, unit=unit)


def _words(
    name: str, dims: list[str], shape: tuple[int, ...], given: list[tuple[tuple[int, ...], Result]]
) -> sc.Variable | None:
    kinds = {type(result.outputs[name]) for _, result in given}
    if kinds != {str} and kinds != {bool}:
        return None
    values = np.full(shape, "" if kinds == {str} else False, dtype=object if kinds == {str} else bool)
    for where, result in given:
        values[where] = result.outputs[name]
    if kinds == {bool}:
        return sc.array(dims=dims, values=values)
    flat = sc.array(dims=["flat"], values=values.ravel().tolist())  # scipp takes texts along one dimension only
    return flat.fold("flat", sizes=dict(zip(dims, shape, strict=True)))
