"""Heat capacity of both phases, away from the transition, as the quasi-direct method needs it.

C_low(T) and C_high(T) in J/(kg K), constants or tables; between the points of a table C is linear in T, and
int C/T dT is exact for that. Beyond a table its end value is held.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.files import read_rows
from caloris.heat.two_phase import Array
from caloris.units import Quantity, magnitude


@dataclass(frozen=True)
class Curve:
    """A heat capacity over temperature, J/(kg K)."""

    temperature: Array
    """K, ascending; one point for a constant."""
    values: Array

    def at(self, T: Array | float) -> Array:
        """Return the heat capacity, J/(kg K).

        Parameters
        ----------
        T:
            K.
        """
        return np.asarray(np.interp(T, self.temperature, self.values))

    def entropy(self, T: Array | float) -> Array:
        """Return int C/T dT from 1 K, of which only differences mean anything, J/(kg K).

        Parameters
        ----------
        T:
            K.
        """
        T = np.asarray(T, dtype=float)
        x, c = self.temperature, self.values
        if len(x) == 1:
            return np.asarray(c[0] * np.log(T))
        slope = np.diff(c) / np.diff(x)
        start = c[:-1] - slope * x[:-1]
        steps = start * np.log(x[1:] / x[:-1]) + slope * np.diff(x)
        nodes = c[0] * np.log(x[0]) + np.concatenate([[0.0], np.cumsum(steps)])
        k = np.clip(np.searchsorted(x, T, side="right") - 1, 0, len(x) - 2)
        inside = nodes[k] + start[k] * np.log(T / x[k]) + slope[k] * (T - x[k])
        below, above = c[0] * np.log(T), nodes[-1] + c[-1] * np.log(T / x[-1])
        return np.asarray(np.where(x[0] > T, below, np.where(x[-1] < T, above, inside)))


@dataclass(frozen=True)
class PhaseHeatCapacity:
    """Heat capacities of the low- and the high-temperature phase."""

    low: Curve
    high: Curve
    origin: str
    """Where they come from, in words."""

    def scaled(self, factor: float) -> "PhaseHeatCapacity":
        """Return both heat capacities times a factor.

        Parameters
        ----------
        factor:
            Dimensionless.
        """
        low = Curve(self.low.temperature, self.low.values * factor)
        return PhaseHeatCapacity(low, Curve(self.high.temperature, self.high.values * factor), self.origin)


def phase_heat_capacity(
    heat_capacity: "Quantity | sc.DataArray | Mapping[str, Quantity | sc.DataArray] | PhaseHeatCapacity",
) -> PhaseHeatCapacity:
    """Take heat capacities as they come at a public door.

    Parameters
    ----------
    heat_capacity:
        One scalar for both phases, or ``{"low": ..., "high": ...}`` of scalars or data arrays over ``temperature``
        (K), each in a unit like J/kg/K.

    Returns
    -------
    :
        Both phases.

    Raises
    ------
    InputError
        If a unit or a shape is wrong, a value is not positive or not finite, or a phase is missing.

    Examples
    --------
    >>> both = phase_heat_capacity({"low": "1500 J/kg/K", "high": "1.6 J/g/K"})
    >>> float(both.low.at(300.0)), float(both.high.at(300.0))
    (1500.0, 1600.0)
    """
    if isinstance(heat_capacity, PhaseHeatCapacity):
        return heat_capacity
    if isinstance(heat_capacity, Mapping):
        if set(heat_capacity) != {"low", "high"}:
            raise InputError(f"heat_capacity: expected the keys 'low' and 'high', got {', '.join(heat_capacity)}")
        return PhaseHeatCapacity(_curve(heat_capacity["low"]), _curve(heat_capacity["high"]), "given for each phase")
    curve = _curve(heat_capacity)
    return PhaseHeatCapacity(curve, curve, "given, the same for both phases")


def read_heat_capacity(path: str | Path) -> PhaseHeatCapacity:
    r"""Read heat capacities of the phases from a table.

    Parameters
    ----------
    path:
        CSV with the header ``temperature/K,phase,heat_capacity/(J/kg/K)`` (phases ``low`` and ``high``), or without the
        column ``phase`` for one curve that serves both. Comment lines begin with #.

    Returns
    -------
    :
        Both phases.

    Raises
    ------
    InputError
        If the file cannot be read or a row is wrong; the message names the line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "cp.csv"
    ...     _ = file.write_text("temperature/K,heat_capacity/(J/kg/K)\n300,1500\n400,1700\n")
    ...     both = read_heat_capacity(file)
    >>> float(both.low.at(350.0)), float(both.high.at(350.0))
    (1600.0, 1600.0)
    """
    file = Path(path)
    _, rows = read_rows(file, "heat capacities")
    header = rows[0][1] if rows else []
    if header not in (["temperature/K", "phase", _COLUMN], ["temperature/K", _COLUMN]):
        raise InputError(f"{file}: expected the header temperature/K,phase,{_COLUMN} (or without phase)")
    table: dict[str, list[tuple[float, float]]] = {}
    for number, cells in rows[1:]:
        if len(cells) != len(header):
            raise InputError(f"{file}: line {number}: {len(cells)} columns, the header has {len(header)}")
        phase = cells[1] if len(header) == 3 else "both"
        if phase not in ("low", "high", "both"):
            raise InputError(f"{file}: line {number}: phase {phase!r} is neither 'low' nor 'high'")
        try:
            table.setdefault(phase, []).append((float(cells[0]), float(cells[-1])))
        except ValueError:
            raise InputError(f"{file}: line {number}: {','.join(cells)!r} holds no two numbers") from None
    if set(table) not in ({"low", "high"}, {"both"}):
        raise InputError(f"{file}: needs rows of both phases, low and high, found: {', '.join(table) or 'none'}")
    try:
        found = phase_heat_capacity({phase: _data_array(points) for phase, points in _both(table).items()})
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    return PhaseHeatCapacity(found.low, found.high, f"from {file.name}")


_COLUMN = "heat_capacity/(J/kg/K)"


def _both(table: dict[str, list[tuple[float, float]]]) -> dict[str, list[tuple[float, float]]]:
    return dict.fromkeys(("low", "high"), table["both"]) if "both" in table else table


def _data_array(points: list[tuple[float, float]]) -> sc.DataArray:
    T, values = np.array(sorted(points)).T
    return sc.DataArray(
        sc.array(dims=["temperature"], values=values, unit="J/kg/K"),
        coords={"temperature": sc.array(dims=["temperature"], values=T, unit="K")},
    )


def _curve(value: object) -> Curve:
    if isinstance(value, str) and value.lower().endswith(".csv"):
        return read_heat_capacity(value).low
    if not isinstance(value, sc.DataArray):
        number = magnitude(value, "J/kg/K", "heat_capacity", positive=True)
        return Curve(np.array([300.0]), np.array([number]))
    if value.dims != ("temperature",) or "temperature" not in value.coords:
        raise InputError("heat_capacity: expected a data array over 'temperature'")
    try:
        values = np.asarray(sc.values(value.data).to(unit="J/kg/K", dtype="float64").values)
        T = np.asarray(value.coords["temperature"].to(unit="K", dtype="float64").values)
    except sc.UnitError:
        raise InputError(
            f"heat_capacity: {value.unit} over {value.coords['temperature'].unit} is not J/kg/K over K"
        ) from None
    if len(T) != len(values) or len(T) < 2 or not np.all(np.isfinite(T)) or np.any(np.diff(T) <= 0) or T[0] <= 0:
        raise InputError("heat_capacity: needs one value at each of at least two ascending temperatures")
    if not np.all(np.isfinite(values)) or np.any(values <= 0):
        raise InputError("heat_capacity: every value must be finite and greater than 0")
    if values.max() > 2 * np.median(values):
        raise InputError(
            f"heat_capacity: {values.max():.4g} J/kg/K at {T[int(np.argmax(values))]:.1f} K is more than twice the "
            "rest: the table still holds a transition; give the phases apart from it"
        )
    return Curve(T, values)
