"""Tables of a simulation: specific volume and enthalpy over pressure, temperature and history, checked and sorted.

Behind this door everything is an isobar of one history: floats in K, Pa, m3/kg and J/kg, ascending in temperature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.processes import BRANCHES
from caloris.heat.two_phase import Array, Branch

History = Literal["heating", "cooling", "equilibrium"]
HISTORIES: tuple[History, ...] = ("heating", "cooling", "equilibrium")
DIMS = ("history", "pressure", "temperature")
ENTRIES = {"specific_volume": "m^3/kg", "specific_enthalpy": "J/kg"}


@runtime_checkable
class Tabulated(Protocol):
    """Anything that can give its results as one table, such as a campaign."""

    def table(self) -> "sc.Dataset | sc.DataGroup[Any]":
        """Return the results over the dimensions of the grid."""


@dataclass(frozen=True)
class Isobar:
    """Volume and enthalpy over temperature, at one pressure and of one history."""

    history: History
    pressure: float
    """Pa."""
    temperature: Array
    """K, ascending."""
    volume: Array
    """m3/kg."""
    volume_error: Array
    """Standard errors, m3/kg; NaN where nobody gave them."""
    enthalpy: Array
    """J/kg."""
    enthalpy_error: Array
    """Standard errors, J/kg; NaN where nobody gave them."""

    @property
    def name(self) -> str:
        """Pressure and history in words."""
        return f"{self.pressure / 1e6:g} MPa, {self.history}"


@dataclass(frozen=True)
class SimulatedTable:
    """All isobars of a simulation."""

    isobars: tuple[Isobar, ...]
    """By history, ascending in pressure."""
    masked: int
    """How many points of the grid are left out: they failed, or were not simulated."""
    remarks: tuple[str, ...]
    """What a reader must know of the numbers, in words."""

    @property
    def histories(self) -> tuple[History, ...]:
        """The histories that were simulated."""
        return tuple(history for history in HISTORIES if any(bar.history == history for bar in self.isobars))

    @property
    def pressures(self) -> Array:
        """All pressures, ascending, Pa."""
        return np.unique([bar.pressure for bar in self.isobars])

    @property
    def knows_errors(self) -> bool:
        """Whether every point has standard errors of both quantities."""
        return all(np.isfinite([*bar.volume_error, *bar.enthalpy_error]).all() for bar in self.isobars)


def own_branch(history: History) -> Branch:
    """Return the branch that a history is: equilibrium counts as heating, and as cooling too.

    Parameters
    ----------
    history:
        Of a simulation.
    """
    return "heating" if history == "equilibrium" else history


def branch_of(histories: tuple[History, ...]) -> dict[Branch, History]:
    """Return which history serves each branch: its own, or the only one there is.

    Parameters
    ----------
    histories:
        Those simulated.
    """
    return {branch: branch if branch in histories else histories[0] for branch in BRANCHES}


def table_of(source: object) -> SimulatedTable:
    """Check a table of a simulation and take it apart into isobars.

    Parameters
    ----------
    source:
        A ``scipp.Dataset`` or ``scipp.DataGroup`` with the entries ``specific_volume`` and ``specific_enthalpy`` over
        ``pressure`` and ``temperature`` (and ``history``), masked where a point failed; or anything whose ``table()``
        gives one.

    Returns
    -------
    :
        The isobars.

    Raises
    ------
    InputError
        If an entry, a dimension or a coordinate is missing, a unit is wrong, a value is not finite and not masked, or
        there are fewer than two pressures.

    Examples
    --------
    >>> table_of("lbh.csv")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: table: expected a scipp Dataset or something with .table() that gives one, got str
    """
    if not isinstance(source, sc.Dataset | Mapping) and isinstance(source, Tabulated):
        source = source.table()
    if not isinstance(source, sc.Dataset | sc.DataGroup | Mapping):
        raise InputError(
            f"table: expected a scipp Dataset or something with .table() that gives one, got {type(source).__name__}"
        )
    entries = {name: _entry(source, name) for name in ENTRIES}
    V, H = (entries[name] for name in ENTRIES)
    for dim in DIMS:
        if not sc.identical(V.coords[dim], H.coords[dim]):
            raise InputError(f"table: specific_volume and specific_enthalpy have different coordinates {dim!r}")
    masked = _masked(V) | _masked(H)
    isobars = []
    for i, history in enumerate(V.coords["history"].values):
        for j in range(V.sizes["pressure"]):
            bar = _isobar(V, H, masked[i, j], i, j, str(history))
            if bar is not None:
                isobars.append(bar)
    isobars.sort(key=lambda bar: (HISTORIES.index(bar.history), bar.pressure))
    count = len({bar.pressure for bar in isobars})
    if count < 2:
        raise InputError(f"table: a caloric effect needs two pressures or more with results, found {count}")
    found = {bar.history for bar in isobars}
    if "equilibrium" in found and len(found) > 1:
        raise InputError("table: history 'equilibrium' beside heating or cooling; give one kind of table")
    return SimulatedTable(tuple(isobars), int(masked.sum()), tuple(_falling(isobars)))


def _entry(source: Any, name: str) -> sc.DataArray:
    """One quantity over history, pressure and temperature, in SI units behind ascending coordinates."""
    if name not in source:
        known = ", ".join(map(str, source)) or "nothing"
        raise InputError(f"table: no {name!r}; it holds {known}")
    data = source[name]
    if not isinstance(data, sc.DataArray):
        raise InputError(f"table: {name} must be a scipp data array, got {type(data).__name__}")
    for dim in [dim for dim in data.dims if dim not in DIMS]:
        if data.sizes[dim] != 1:
            raise InputError(
                f"table: {name} has the dimension {dim!r} of length {data.sizes[dim]}; choose one: table[{dim!r}, 0]"
            )
        data = data[dim, 0]
    for dim in DIMS[1:]:
        if dim not in data.dims or dim not in data.coords or data.coords[dim].dims != (dim,):
            raise InputError(f"table: {name} needs the dimension {dim!r} with a coordinate; it has {data.dims}")
    if "history" not in data.dims:
        label = data.coords["history"].value if "history" in data.coords else "equilibrium"
        data = sc.concat([data.drop_coords([c for c in ("history",) if c in data.coords])], "history")
        data = data.assign_coords(history=sc.array(dims=["history"], values=[str(label)]))
    if "history" not in data.coords:
        raise InputError(f"table: {name} needs the coordinate 'history' of {' or '.join(map(repr, HISTORIES))}")
    wrong = [str(word) for word in data.coords["history"].values if str(word) not in HISTORIES]
    if wrong:
        raise InputError(f"table: history {wrong[0]!r} is none of {', '.join(map(repr, HISTORIES))}")
    data = data.transpose(DIMS)
    try:
        data = data.to(unit=ENTRIES[name], dtype="float64")
        data = data.assign_coords(
            pressure=data.coords["pressure"].to(unit="Pa", dtype="float64"),
            temperature=data.coords["temperature"].to(unit="K", dtype="float64"),
        )
    except (sc.UnitError, sc.DTypeError):
        T, p = data.coords["temperature"].unit, data.coords["pressure"].unit
        raise InputError(
            f"table: {name} in {data.unit} over {T} and {p}; expected one like {ENTRIES[name]} over K and MPa"
        ) from None
    _check_coordinates(data, name)
    return data


def _check_coordinates(data: sc.DataArray, name: str) -> None:
    T, p = data.coords["temperature"].values, data.coords["pressure"].values
    if len(T) != data.sizes["temperature"] or len(p) != data.sizes["pressure"]:
        raise InputError(f"table: {name} is given between bin edges; give one pressure and temperature per point")
    if not np.all(np.isfinite(T)) or np.any(T <= 0):
        raise InputError(f"table: {name}: temperatures must be finite and above 0 K")
    if not np.all(np.isfinite(p)) or np.any(p < 0):
        raise InputError(f"table: {name}: pressures must be finite and not negative")
    for axis, values in (("temperature", T), ("pressure", p), ("history", data.coords["history"].values)):
        if len(np.unique(values)) < len(values):
            raise InputError(f"table: {name}: the same {axis} stands twice in the grid")


def _masked(data: sc.DataArray) -> np.ndarray:
    """Where any mask of a data array is set, over history, pressure and temperature."""
    found = np.zeros(data.shape, dtype=bool)
    for mask in data.masks.values():
        found |= sc.broadcast(mask, sizes=data.sizes).transpose(data.dims).values
    return found


def _isobar(V: sc.DataArray, H: sc.DataArray, masked: np.ndarray, i: int, j: int, history: str) -> Isobar | None:
    """One isobar without its masked points; None where none is left."""
    order = np.argsort(V.coords["temperature"].values)
    keep = order[~masked[order]]
    if not len(keep):
        return None
    pressure = float(V.coords["pressure"].values[j])
    T = np.asarray(V.coords["temperature"].values[keep])
    columns = []
    for name, data in (("specific_volume", V), ("specific_enthalpy", H)):
        values = np.asarray(data.values[i, j][keep])
        variances = np.full(len(keep), np.nan) if data.variances is None else np.asarray(data.variances[i, j][keep])
        # a variance that is not a number is an error that nobody gave
        bad = ~np.isfinite(values) | (variances < 0) | np.isinf(variances)
        if bad.any():
            raise InputError(
                f"table: {name} at {pressure / 1e6:g} MPa, {T[np.argmax(bad)]:g} K ({history}) is not finite; mask the "
                "points that failed"
            )
        columns += [values, np.sqrt(variances)]
    if np.any(columns[0] <= 0):
        raise InputError(f"table: specific_volume at {pressure / 1e6:g} MPa ({history}) must be greater than 0")
    return Isobar(history, pressure, T, *columns)  # type: ignore[arg-type]


def _falling(isobars: list[Isobar]) -> list[str]:
    """Enthalpies that fall on heating by more than three standard errors: no equilibrium does that."""
    found = []
    for bar in isobars:
        step = np.diff(bar.enthalpy)
        error = np.nan_to_num(np.hypot(bar.enthalpy_error[1:], bar.enthalpy_error[:-1]))
        for k in np.flatnonzero(step < -3 * error):
            found.append(
                f"{bar.name}: the enthalpy falls from {bar.temperature[k]:g} to {bar.temperature[k + 1]:g} K by "
                f"{-step[k]:.4g} J/kg, more than its errors allow: not equilibrated there?"
            )
    return found
