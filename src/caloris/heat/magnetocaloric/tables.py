"""Tables of magnetisation M(B, T) and heat capacity cp(B, T): reading, making, checking, field inside the sample.

Every table is a data array with the dimensions ``("field", "temperature")``; ``field`` is mu0 H in T, ``temperature``
is in K. Magnetisation is per volume (A/m) or per mass (A m2/kg, the same as emu/g), heat capacity in J/kg/K.
"""

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.units import Quantity, magnitude, parse_unit, quantity

Kind = Literal["magnetisation", "heat_capacity"]
Numbers: TypeAlias = np.ndarray
MU0 = 1.25663706127e-6
"""Vacuum permeability, T m/A (CODATA 2022)."""
DIMS = ("field", "temperature")
_UNITS: dict[Kind, tuple[str, ...]] = {
    "magnetisation": ("A/m", "A*m^2/kg"),
    "heat_capacity": ("J/kg/K",),
}


@dataclass(frozen=True)
class Grid:
    """A checked table as plain numbers: field (T), temperature (K), values (field, temperature) and variances."""

    field: Numbers
    temperature: Numbers
    values: Numbers
    variances: Numbers | None
    unit: str


def table(
    field: sc.Variable, temperature: sc.Variable, values: Numbers, *, unit: str, errors: Numbers | None = None
) -> sc.DataArray:
    """Put plain numbers into a table over field and temperature.

    Parameters
    ----------
    field:
        mu0 H, dim ``field``, in a unit of flux density (T) or of field strength (A/m, Oe), which is multiplied by mu0.
    temperature:
        Dim ``temperature``, K.
    values:
        Shape (field, temperature).
    unit:
        Of the values: ``"A/m"``, ``"emu/g"``, ``"J/kg/K"`` or one that converts to it.
    errors:
        Standard deviations, same shape and unit.

    Returns
    -------
    :
        Dimensions ``("field", "temperature")``; magnetisation in A/m or A*m^2/kg, heat capacity in J/kg/K.

    Raises
    ------
    InputError
        If the shapes do not fit or :func:`maxwell_entropy_change` could not use the table.

    Examples
    --------
    >>> B = sc.array(dims=["field"], values=[0.0, 10.0], unit="kOe")
    >>> T = sc.array(dims=["temperature"], values=[290.0, 300.0], unit="K")
    >>> M = table(B, T, np.array([[0.0, 0.0], [120.0, 80.0]]), unit="emu/g")
    >>> round(float(M.coords["field"].values[1]), 6), str(M.unit)
    (1.0, 'A*m^2/kg')
    """
    values = np.asarray(values, dtype=float)
    for name, axis, position in (("field", field, 0), ("temperature", temperature, 1)):
        if not isinstance(axis, sc.Variable) or axis.dims != (name,):
            raise InputError(f"{name}: expected a scipp variable with the dimension '{name}'")
        if values.ndim != 2 or values.shape[position] != axis.size:
            raise InputError(f"values: shape {values.shape} does not fit {axis.size} values of {name}")
    if errors is not None and np.shape(errors) != values.shape:
        raise InputError(f"errors: shape {np.shape(errors)}, expected {values.shape} as the values")
    given = parse_unit(unit)
    kind, target = _kind_of(given, unit)
    data = sc.array(
        dims=list(DIMS),
        values=values,
        variances=None if errors is None else np.asarray(errors, dtype=float) ** 2,
        unit=given,
    ).to(unit=target)
    try:
        kelvin = temperature.to(unit="K", dtype="float64")
    except sc.UnitError:
        raise InputError(f"temperature: has the unit {temperature.unit}, expected K") from None
    made = sc.DataArray(data, coords={"field": _in_tesla(field), "temperature": kelvin})
    checked(made, kind)
    return made


def read_table(path: str | Path, quantity: Kind = "magnetisation", *, unit: str, field_unit: str = "T") -> sc.DataArray:
    r"""Read a table of magnetisation or heat capacity over field and temperature.

    Parameters
    ----------
    path:
        Text in columns, separated by commas, semicolons or white space. First row: a corner that is no number (such
        as ``NaN``), then the temperatures in K. Every further row: a field, then the values. ``#`` begins a comment.
    quantity:
        ``"magnetisation"`` or ``"heat_capacity"``.
    unit:
        Of the values, for example ``"A/m"``, ``"emu/g"`` or ``"J/kg/K"``.
    field_unit:
        Of the fields: ``"T"`` or ``"mT"`` for mu0 H, ``"Oe"`` or ``"A/m"`` for H.

    Returns
    -------
    :
        As from :func:`table`.

    Raises
    ------
    InputError
        With the line, if rows differ in length, an entry is no finite number, or fields or temperatures do not
        increase; if the file cannot be read or the unit does not belong to the quantity.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "m.csv"
    >>> _ = path.write_text("NaN,290,300\n0,0,0\n1,60,40\n")
    >>> read_table(path, unit="emu/g").sizes
    {'field': 2, 'temperature': 2}
    """
    source = Path(path)
    if quantity not in _UNITS:
        raise InputError(f"quantity: expected 'magnetisation' or 'heat_capacity', got {quantity!r}")
    if _kind_of(parse_unit(unit), unit)[0] != quantity:
        raise InputError(f"unit: {unit!r} is no unit of {quantity.replace('_', ' ')}; write '{_UNITS[quantity][0]}'")
    try:
        text = source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{source}: cannot read the table: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{source}: not a text file in UTF-8; export it as CSV") from None
    temperature, field, values = _parse(text, source)
    try:
        return table(
            sc.array(dims=["field"], values=field, unit=parse_unit(field_unit)),
            sc.array(dims=["temperature"], values=temperature, unit="K"),
            values,
            unit=unit,
        )
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def internal_field(
    magnetisation: sc.DataArray, demagnetising_factor: Quantity | float, *, density: Quantity | None = None
) -> sc.DataArray:
    """Correct a magnetisation for the demagnetising field, H = H_applied - N M.

    Parameters
    ----------
    magnetisation:
        Over applied field and temperature.
    demagnetising_factor:
        N, between 0 and 1 (1/3 for a sphere); dimensionless.
    density:
        kg/m^3; needed where the magnetisation is per mass.

    Returns
    -------
    :
        The magnetisation on a common grid of internal fields, as many as before, that all temperatures reach. Where
        domains keep the internal field at 0, the value at 0 is that of the last such point.

    Raises
    ------
    InputError
        If N is not between 0 and 1, the density is missing, or the internal field would be negative or would not
        increase: N is too large then.

    Notes
    -----
    Variances hold the slope of the shearing, (1 + N dM/dH)^2; interpolation correlates neighbouring fields, which is
    not kept.

    Examples
    --------
    A linear material of susceptibility 2 has H = H_applied / (1 + 2 N):

    >>> B = sc.array(dims=["field"], values=[0.0, 0.5, 1.0], unit="T")
    >>> T = sc.array(dims=["temperature"], values=[290.0, 300.0], unit="K")
    >>> M = np.outer([0.0, 0.5, 1.0], [1.0, 1.0]) / MU0 * 2 / (1 + 2 * 0.5)
    >>> internal_field(table(B, T, M, unit="A/m"), 0.5).coords["field"].values
    array([0.  , 0.25, 0.5 ])
    """
    factor = magnitude(
        sc.scalar(float(demagnetising_factor))
        if isinstance(demagnetising_factor, int | float)
        else demagnetising_factor,
        "dimensionless",
        "demagnetising_factor",
    )
    if not 0 <= factor <= 1:
        raise InputError(f"demagnetising_factor: lies between 0 and 1, got {factor:g}")
    grid = checked(magnetisation, "magnetisation")
    per_volume = 1.0 if grid.unit == "A/m" else _density(density, needed=True)
    if grid.unit == "A/m" and density is not None:
        raise InputError("density: the magnetisation is per volume already; leave the density out")
    inside = grid.field[:, None] - MU0 * factor * per_volume * grid.values
    kept = [_increasing(inside[:, i], grid, i, factor) for i in range(len(grid.temperature))]
    low = max(max(float(inside[rows[0], i]), 0.0) for i, rows in enumerate(kept))
    common = np.linspace(low, inside[-1].min(), len(grid.field))
    values = np.empty_like(grid.values)
    variances = None if grid.variances is None else np.empty_like(grid.values)
    for i, rows in enumerate(kept):
        H = np.maximum(inside[rows, i], 0.0)
        values[:, i] = np.interp(common, H, grid.values[rows, i])
        if variances is not None and grid.variances is not None:
            shear = (1 + MU0 * factor * per_volume * np.gradient(grid.values[rows, i], H)) ** 2
            variances[:, i] = _interpolated_variances(common, H, grid.variances[rows, i] * shear)
    corrected = sc.array(dims=list(DIMS), values=values, variances=variances, unit=grid.unit)
    coords = {
        "field": sc.array(dims=["field"], values=common, unit="T"),
        "temperature": sc.array(dims=["temperature"], values=grid.temperature, unit="K"),
    }
    return sc.DataArray(corrected, coords=coords)


def checked(data: sc.DataArray, kind: Kind, *, temperatures: int = 2) -> Grid:
    """Return a table as plain numbers in SI units, or say what is wrong with it.

    Raises
    ------
    InputError
        If it is no data array over ('field', 'temperature'), has wrong units, fewer than 2 fields or temperatures,
        values that are not finite, a negative field, or coordinates that do not increase.
    """
    name = kind.replace("_", " ")
    if not isinstance(data, sc.DataArray):
        raise InputError(f"{name}: expected a scipp data array over field and temperature, got {type(data).__name__}")
    if data.dims != DIMS:
        hint = "; write .transpose(['field', 'temperature'])" if set(data.dims) == set(DIMS) else ""
        raise InputError(f"{name}: expected the dimensions {DIMS}, got {data.dims}{hint}")
    unit = next((u for u in _UNITS[kind] if data.unit == sc.Unit(u)), None)
    if unit is None:
        raise InputError(f"{name}: is in {data.unit}, expected {' or '.join(_UNITS[kind])}")
    axes = {}
    for axis, axis_unit in (("field", "T"), ("temperature", "K")):
        if axis not in data.coords or data.coords[axis].unit != sc.Unit(axis_unit):
            raise InputError(f"{name}: needs a coordinate '{axis}' in {axis_unit}")
        values = np.asarray(data.coords[axis].values, dtype=float)
        least = temperatures if axis == "temperature" else 2
        if len(values) != data.sizes[axis] or len(values) < least:
            raise InputError(f"{name}: needs at least {least} values of {axis}, one for each row, got {len(values)}")
        if not np.all(np.isfinite(values)) or np.any(np.diff(values) <= 0):
            raise InputError(f"{name}: the values of {axis} must be finite and increase; sort the table")
        axes[axis] = values
    if axes["field"][0] < 0:
        raise InputError(f"{name}: a field is negative ({axes['field'][0]:g} T); give the branch from 0 upwards only")
    if axes["temperature"][0] <= 0:
        raise InputError(f"{name}: a temperature is not above 0 K; is its unit right?")
    numbers = np.asarray(data.values, dtype=float)
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        B, T = axes["field"][bad[0][0]], axes["temperature"][bad[0][1]]
        raise InputError(f"{name}: the value at {B:g} T and {T:g} K is not finite; remove that row or column")
    if kind == "heat_capacity" and np.any(numbers <= 0):
        raise InputError("heat capacity: must be greater than 0 everywhere")
    variances = None if data.variances is None else np.asarray(data.variances, dtype=float)
    return Grid(axes["field"], axes["temperature"], numbers, variances, unit)


def density_error(density: Quantity | None) -> float:
    """Return the relative standard deviation of a density; 0 where none is given."""
    if density is None:
        return 0.0
    rho = quantity(density, "kg/m^3", "density")
    return 0.0 if rho.variance is None else math.sqrt(rho.variance) / float(rho.value)


def per_mass(grid: Grid, density: Quantity | None) -> Grid:
    """Return a magnetisation per mass (A m2/kg): per volume it is divided by the density.

    Raises
    ------
    InputError
        If a density is missing where it is needed, or given where it is not.
    """
    if grid.unit == "A*m^2/kg":
        if density is not None:
            raise InputError("density: the magnetisation is per mass already; leave the density out")
        return grid
    rho = _density(density, needed=True)
    variances = None if grid.variances is None else grid.variances / rho**2
    return Grid(grid.field, grid.temperature, grid.values / rho, variances, "A*m^2/kg")


def _density(density: Quantity | None, *, needed: bool) -> float:
    if density is None and needed:
        raise InputError("density: is needed to go between magnetisation per volume and per mass, e.g. '7000 kg/m^3'")
    assert density is not None
    return magnitude(density, "kg/m^3", "density", positive=True)


def _kind_of(unit: sc.Unit, words: str) -> tuple[Kind, str]:
    for kind, targets in _UNITS.items():
        for target in targets:
            try:
                sc.scalar(1.0, unit=unit).to(unit=target)
            except sc.UnitError:
                continue
            return kind, target
    raise InputError(f"unit: {words!r} is neither magnetisation ('A/m', 'emu/g') nor heat capacity ('J/kg/K')")


def _in_tesla(field: sc.Variable) -> sc.Variable:
    for factor in (sc.scalar(1.0), sc.scalar(MU0, unit="T*m/A")):
        try:
            return (field.to(dtype="float64") * factor).to(unit="T")
        except sc.UnitError:
            continue
    raise InputError(f"field: has the unit {field.unit}, expected T for mu0 H, or A/m or Oe for H")


def _parse(text: str, source: Path) -> tuple[Numbers, Numbers, Numbers]:
    lines = [(number, line.split("#")[0].strip()) for number, line in enumerate(text.splitlines(), start=1)]
    rows = [(number, _cells(line)) for number, line in lines if line]
    if len(rows) < 3:
        raise InputError(f"{source}: needs a row of temperatures and at least 2 rows of fields, has {len(rows)} rows")
    first, header = rows[0]
    if math.isfinite(_number(header[0], default=math.nan)):
        raise InputError(f"{source}, line {first}: begins with the number {header[0]}, expected NaN, then temperatures")
    temperature = [_finite(cell, source, first) for cell in header[1:]]
    if any(b <= a for a, b in pairwise(temperature)):
        raise InputError(f"{source}, line {first}: temperatures must increase; sort the columns")
    numbers: list[list[float]] = []
    for line, cells in rows[1:]:
        if len(cells) != len(header):
            raise InputError(f"{source}, line {line}: has {len(cells)} entries, the first row has {len(header)}")
        numbers.append([_finite(cell, source, line) for cell in cells])
        if numbers[-1][0] < 0:
            raise InputError(f"{source}, line {line}: the field {cells[0]} is negative; give the branch from 0 upwards")
        if len(numbers) > 1 and numbers[-1][0] <= numbers[-2][0]:
            raise InputError(f"{source}, line {line}: the field {cells[0]} is not above the one before; sort the rows")
    values = np.array(numbers)
    return np.array(temperature), values[:, 0], values[:, 1:]


def _cells(line: str) -> list[str]:
    separator = ";" if ";" in line else "," if "," in line else None
    return [cell.strip() for cell in line.split(separator)] if separator else re.split(r"\s+", line)


def _number(cell: str, *, default: float) -> float:
    try:
        return float(cell)
    except ValueError:
        return default


def _finite(cell: str, source: Path, line: int) -> float:
    try:
        number = float(cell)
    except ValueError:
        raise InputError(f"{source}, line {line}: {cell!r} is no number; write a point, no thousands mark") from None
    if not math.isfinite(number):
        raise InputError(f"{source}, line {line}: {cell!r} is not finite; remove that row or column")
    return number


def _increasing(inside: Numbers, grid: Grid, column: int, factor: float) -> Numbers:
    """Rows to keep: from the last one in which domains hold the internal field at 0."""
    T = grid.temperature[column]
    tolerance = 0.02 * grid.field[-1]  # noise of M, and of a rounded N, around H = 0
    if inside.min() < -tolerance:
        raise InputError(
            f"demagnetising_factor: {factor:g} makes the field inside negative ({inside.min():.3g} T) at {T:g} K; "
            "it is too large"
        )
    held = np.flatnonzero(inside <= 0)
    rows = np.arange(held[-1] if len(held) else 0, len(inside))
    if len(rows) < 2 or np.any(np.diff(np.maximum(inside[rows], 0.0)) <= 0):
        raise InputError(
            f"demagnetising_factor: with {factor:g} the field inside does not increase at {T:g} K; it is too large"
        )
    return rows


def _interpolated_variances(x: Numbers, grid: Numbers, variances: Numbers) -> Numbers:
    right = np.clip(np.searchsorted(grid, x), 1, len(grid) - 1)
    weight = np.clip((x - grid[right - 1]) / (grid[right] - grid[right - 1]), 0.0, 1.0)
    found: Numbers = (1 - weight) ** 2 * variances[right - 1] + weight**2 * variances[right]
    return found
