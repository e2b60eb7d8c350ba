"""From the blocks of an export to one recording: units, time that increases, mass, pressure and sign.

Temperature to K, time to s, heat flow to mW (where it is per mass and the mass is known) with endothermic > 0. Nothing
is repaired in silence: a row that is left out or a time that is rebuilt stands in the remarks.
"""

import itertools
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.calorimetry.readers.export import Block, Direction, Export
from caloris.heat.calorimetry.readers.numbers import decimal_mark, read_columns
from caloris.heat.calorimetry.readers.sign import find_sign
from caloris.heat.calorimetry.recording import Recording, recording
from caloris.units import Quantity, magnitude

_IN_NAME = re.compile(r"(?<![\dp.,])(\d+(?:[.p]\d+)?)[ _-]?(GPa|MPa|kbar|bar)(?![A-Za-z])", re.IGNORECASE)
_SPELLED = {"gpa": "GPa", "mpa": "MPa", "kbar": "kbar", "bar": "bar"}
_SCALE = ("time", "temperature", "heat_flow", "pressure")


@dataclass(frozen=True)
class _Stretch:
    """Rows of one segment in SI-like units (s, K, mW or mW/g, MPa) with their line numbers."""

    values: dict[str, np.ndarray]
    lines: np.ndarray
    unit: str
    title: str
    rounded: float = 0.0
    """Step in which the time was written, s, if that hides the order of rows."""

    def part(self, rows: np.ndarray | slice) -> "_Stretch":
        return replace(self, values={k: v[rows] for k, v in self.values.items()}, lines=self.lines[rows])

    def at(self, time: np.ndarray, rounded: float | None = None) -> "_Stretch":
        rounded = self.rounded if rounded is None else rounded
        return replace(self, values={**self.values, "time": time}, rounded=rounded)


def assemble(
    export: Export,
    path: Path,
    *,
    pressure: Quantity | None = None,
    mass: Quantity | None = None,
    endothermic: Direction | None = None,
) -> Recording:
    """Make the recording of an export.

    Parameters
    ----------
    export:
        What a reader found in the file.
    path:
        The file.
    pressure, mass:
        Scalars that the user gives; they win over the file's.
    endothermic:
        Which way is endothermic in the file, if the user says.

    Returns
    -------
    :
        The recording.

    Raises
    ------
    InputError
        If a number, the order of time, or a unit cannot be trusted.
    """
    where = str(path)
    remarks = list(export.remarks)
    # numbers near the limit of a float may overflow in a difference; what is not finite is refused at the end
    with np.errstate(over="ignore", invalid="ignore"):
        return _assemble(where, export, path, remarks, pressure, mass, endothermic)


def _assemble(
    where: str,
    export: Export,
    path: Path,
    remarks: list[str],
    pressure: Quantity | None,
    mass: Quantity | None,
    endothermic: Direction | None,
) -> Recording:
    stretches = [_in_order(where, stretch, remarks) for stretch in _read_blocks(where, export, remarks)]
    whole = _join(where, stretches, remarks)
    q, unit = whole.values["heat_flow"], whole.unit
    file_mass = _mass(export, remarks)
    if unit == "mW/g":
        per_gram = file_mass if file_mass else None if mass is None else magnitude(mass, "mg", "mass", positive=True)
        if per_gram:
            q, unit = q * per_gram * 1e-3, "mW"
    time, temperature = whole.values["time"], whole.values["temperature"]
    sign = find_sign(
        time,
        temperature,
        q,
        asked=endothermic,
        stated=export.endothermic,
        stated_words=export.sign_words,
        default=export.default,
        vendor=export.vendor,
    )
    remarks += [sign.remark] if sign.remark else []
    p = export.pressure
    if p is None and pressure is None and "pressure" not in whole.values:
        p = _pressure_in_name(path, remarks)
    try:
        data = recording(
            time,
            temperature,
            -q if sign.endothermic == "down" else q,
            unit=unit,
            pressure=whole.values.get("pressure"),
        )
        return Recording(
            data,
            name=export.name,
            vendor=export.vendor,
            path=path,
            mass=sc.scalar(file_mass, unit="mg") if file_mass else None,
            pressure=None if p is None else sc.scalar(p, unit="MPa"),
            sign=sign.words,
            sign_is_certain=sign.is_certain,
            remarks=tuple(dict.fromkeys(remarks)),
        ).with_conditions(pressure=pressure, mass=mass, replaced=True)
    except InputError as error:
        raise InputError(str(error) if where in str(error) else f"{where}: {error}") from None


def _read_blocks(where: str, export: Export, remarks: list[str]) -> list[_Stretch]:
    needed = [[column.index for column in block.columns.values()] for block in export.blocks]
    tables = list(zip([block.rows for block in export.blocks], needed, strict=True))
    mark = decimal_mark(where, tables, export.decimal)
    stretches = []
    for block, wanted in zip(export.blocks, needed, strict=True):
        values, lines, remark = read_columns(where, block.rows, wanted, mark)
        remarks += [remark] if remark else []
        if len(values):
            stretches += _split(_scaled(where, block, values, lines, remarks), remarks)
        else:
            remarks.append(f"no rows in {block.title or f'the table at line {block.rows.first}'}")
    units = {stretch.unit for stretch in stretches}
    if len(units) > 1:
        raise InputError(f"{where}: heat flow in {' and in '.join(sorted(units))}; export all segments in one unit")
    return stretches


def _scaled(where: str, block: Block, table: np.ndarray, lines: np.ndarray, remarks: list[str]) -> _Stretch:
    """Bring the columns of a block to s, K, mW or mW/g and MPa."""
    raw = dict(zip(block.columns, table.T, strict=True))
    if block.marker_rows and "time" in raw:
        marker = (raw["time"] < 0) & (raw["time"] == np.round(raw["time"])) & (raw["heat_flow"] == 0)
        if np.any(marker):
            remarks.append(f"{int(marker.sum())} marker rows between the segments left out")
            raw, lines = {name: column[~marker] for name, column in raw.items()}, lines[~marker]
    values = {}
    for name, column in raw.items():
        scale = block.columns[name]
        values[name] = column * scale.factor + (273.15 if scale.unit == "degC" else 0.0)
    for name in _SCALE:
        if name in values and not np.all(np.isfinite(values[name])):
            line = lines[np.flatnonzero(~np.isfinite(values[name]))[0]]
            raise InputError(f"{where}: line {line}: the {name.replace('_', ' ')} is beyond all numbers; correct it")
    if "time" not in values:
        values["time"] = _time_from_rate(where, block, values["temperature"], lines, remarks)
    return _Stretch(values, lines, block.columns["heat_flow"].unit, block.title)


def _time_from_rate(
    where: str, block: Block, temperature: np.ndarray, lines: np.ndarray, remarks: list[str]
) -> np.ndarray:
    """Rebuild a missing time from a constant rate that the header states."""
    if not block.rate:
        raise InputError(f"{where}: no column of time, and no constant rate is stated; export the time too")
    elapsed: np.ndarray = (temperature - temperature[0]) / block.rate
    elapsed = -elapsed if temperature[-1] < temperature[0] else elapsed
    back = np.flatnonzero(np.diff(elapsed) < 0)
    if len(back):
        raise InputError(
            f"{where}: line {lines[back[0] + 1]}: no column of time, and the temperature turns back; export the time"
        )
    remarks.append(f"no column of time: rebuilt from the temperature at {block.rate * 60:g} K/min")
    return elapsed


def _split(stretch: _Stretch, remarks: list[str]) -> list[_Stretch]:
    """Cut where the column of segment numbers changes; look for rows that the column of row numbers misses."""
    index = stretch.values.pop("index", None)
    if index is not None and len(index) > 1:
        steps = np.diff(index)
        if float(np.median(steps)) == 1.0 and np.any(steps > 1):
            first = int(np.flatnonzero(steps > 1)[0])
            missing = f"{np.sum(steps[steps > 1] - 1):g}"
            remarks.append(f"{missing} rows are missing by their row numbers, first after line {stretch.lines[first]}")
    segment = stretch.values.pop("segment", None)
    if segment is None:
        return [stretch]
    cuts = np.flatnonzero(np.diff(segment)) + 1
    return [stretch.part(rows) for rows in np.split(np.arange(len(segment)), cuts)]


def _in_order(where: str, stretch: _Stretch, remarks: list[str]) -> _Stretch:
    """Return a stretch whose time increases, without rows that stand twice; refuse what cannot be explained."""
    columns = np.column_stack([stretch.values[name] for name in _SCALE if name in stretch.values])
    step = np.diff(stretch.values["time"])
    same = np.all(columns[1:] == columns[:-1], axis=1) if len(step) else np.zeros(0, dtype=bool)
    standing = (step == 0) & ~same
    if np.sum(standing) > max(5, 0.1 * len(step)) and np.all(step >= 0):
        return _finer_time(stretch, remarks)
    if np.any(same):
        twice = int(np.sum(same))
        remarks.append(f"{twice} {'row that stands' if twice == 1 else 'rows that stand'} twice left out")
        stretch = stretch.part(np.concatenate([[True], ~same]))
        step = np.diff(stretch.values["time"])
    bad = np.flatnonzero(step <= 0)
    if len(bad):
        row = int(bad[0])
        line, before, after = stretch.lines[row + 1], *stretch.values["time"][row : row + 2]
        what = "a second row at the time" if before == after else f"time goes back from {before:.10g} s to"
        raise InputError(f"{where}: line {line}: {what} {after:.10g} s; correct the row or export again")
    return stretch


def _finer_time(stretch: _Stretch, remarks: list[str]) -> _Stretch:
    """Undo the rounding of a time that was written with too few digits: rows were sampled at equal intervals.

    TRIOS writes minutes with two decimals, six or seven rows to each. A straight line is taken if it stays within one
    unit of the last digit, otherwise the rows of each written time are spread over that unit.
    """
    time = stretch.values["time"]
    unit = float(np.min(np.diff(time)[np.diff(time) > 0], initial=np.inf))
    if not np.isfinite(unit):
        return stretch
    remarks.append(f"time was written in steps of {unit:.4g} s: rows at equal time spread over them")
    rows = np.arange(len(time), dtype=float)
    slope, start = np.polyfit(rows, time, 1)
    line = start + slope * rows
    if slope > 0 and float(np.max(np.abs(line - time))) <= unit:
        return stretch.at(line - line[0] + time[0], unit)
    _, first, count = np.unique(time, return_index=True, return_counts=True)
    inside = rows - np.repeat(first, count)
    return stretch.at(time + unit * (inside + 0.5) / np.repeat(count, count), unit)


def _join(where: str, stretches: list[_Stretch], remarks: list[str]) -> _Stretch:
    """Put the segments one after the other; where each has a clock of its own, time runs on."""
    stretches = [stretch for stretch in stretches if len(stretch.lines)]
    if not stretches:
        raise InputError(f"{where}: no rows of numbers under the header; was the file cut?")
    if all("pressure" in s.values for s in stretches) != any("pressure" in s.values for s in stretches):
        raise InputError(f"{where}: only some of the segments have a pressure; export it with all or with none")
    begins = [float(s.values["time"][0]) for s in stretches]
    ends = [float(s.values["time"][-1]) for s in stretches]
    order = np.argsort(begins, kind="stable")
    apart = all(ends[a] < begins[b] for a, b in itertools.pairwise(order))
    if apart and list(order) != list(range(len(stretches))):
        remarks.append("the segments are sorted by time")
        stretches = [stretches[i] for i in order]
    joined, restarts = [stretches[0]], 0
    for stretch in stretches[1:]:
        before, last, time = joined[-1], joined[-1].values["time"], stretch.values["time"]
        interval = float(np.median(np.diff(time if len(time) > 1 else last))) if len(time) + len(last) > 2 else 1.0
        if time[0] > last[-1]:
            joined.append(stretch)
        elif all(v[0] == before.values[name][-1] for name, v in stretch.values.items()):
            remarks.append("a row that ends one segment and begins the next is taken once")
            joined.append(stretch.part(slice(1, None)))
        elif time[0] <= 2.0 * interval or time[0] > last[-1] - 2.0 * max(stretch.rounded, before.rounded):
            restarts += int(time[0] <= 2.0 * interval)
            joined.append(stretch.at(time - time[0] + last[-1] + interval))
        else:
            raise InputError(
                f"{where}: line {stretch.lines[0]}: time goes back from {last[-1]:.10g} s to {time[0]:.10g} s in "
                f"{stretch.title or 'a new segment'}; export the segments one by one"
            )
    if restarts:
        remarks.append(f"the clock starts anew in {restarts} segments: joined, pauses between them are not known")
    names = joined[0].values.keys()
    values = {name: np.concatenate([s.values[name] for s in joined]) for name in names}
    return _Stretch(values, np.concatenate([s.lines for s in joined]), joined[0].unit, "")


def _mass(export: Export, remarks: list[str]) -> float | None:
    if export.mass == 0:
        remarks.append("the file gives the mass as 0: taken as unknown")
        return None
    return export.mass


def _pressure_in_name(path: Path, remarks: list[str]) -> float | None:
    """Return the pressure in the name of the file in MPa, if there is exactly one."""
    found = _IN_NAME.findall(path.name)
    if len(found) != 1:
        if found:
            remarks.append("the file name holds more than one pressure: none is taken from it")
        return None
    number, unit = found[0]
    p = magnitude(f"{number.lower().replace('p', '.')} {_SPELLED[unit.lower()]}", "MPa", "pressure")
    remarks.append(f"pressure {p:g} MPa is taken from the file name")
    return p
