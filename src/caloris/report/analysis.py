"""One analysis of a trajectory as people take it away: words, numbers, curves with errors, a figure.

``write_analysis`` puts it into a folder: NAME.json (numbers, cautions), NAME.csv and NAME.h5 (curves), NAME.png.
"""

import csv
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.files import output_folder, versions, whole, write_hdf5, write_json
from caloris.units import to_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from caloris.atoms import Trajectory

COLOURS = ("#1f6f8b", "#c1462f", "#6a994e", "#7b4fa3", "#d98c21", "#444444", "#3f88c5", "#a23b72")
_LINES = 8
"""Most curves of one panel."""
_BESIDE = 5
"""More curves than this have their names beside the panel."""
_LABELS = {
    "time": "time (ps)",
    "Q": "Q (Å⁻¹)",
    "energy_transfer": "energy transfer (meV)",
    "r": "r (Å)",
    "temperature": "temperature (K)",
    "angle": "angle (°)",
    "stress": "von Mises stress (GPa)",
    "squared_displacement": "squared displacement (Å²)",
}
_UNITS = {"1/angstrom": "Å⁻¹", "1/Å": "Å⁻¹", "angstrom": "Å", "angstrom^2": "Å²", "Å^2": "Å²", "1/meV": "meV⁻¹"}
_UNITS |= {
    "1/Å^2": "Å⁻²",
    "1/Å^3": "Å⁻³",
    "1/angstrom^2": "Å⁻²",
    "1/angstrom^3": "Å⁻³",
    "barn*angstrom^2": "barn Å²",
    "THz": "1/ps",
    "kg/m^3": "kg/m³",
}
_WIDTH = 110
"""Of lines on a terminal."""


@dataclass(frozen=True)
class Analysis:
    """What one analysis found."""

    name: str
    """Stem of its files."""
    title: str
    numbers: Mapping[str, sc.Variable] = field(default_factory=dict)
    """Headline scalars by what they are, with variances where known."""
    curves: Mapping[str, sc.DataArray] = field(default_factory=dict)
    words: Sequence[str] = ()
    """What else is to be said of it, such as definitions."""
    warnings: Sequence[str] = ()
    figure: "Figure | None" = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """JSON values: what was asked."""
    files: Mapping[str, Callable[[Path], object]] = field(default_factory=dict)
    """More files, by name, and what writes each."""

    def to_json(self) -> dict[str, Any]:
        """Return numbers and warnings as plain values."""
        return {
            "analysis": self.name,
            "numbers": {name: to_json(value) for name, value in self.numbers.items()},
            "words": list(self.words),
            "warnings": list(self.warnings),
            "inputs": dict(self.inputs),
        }

    def summary(self) -> str:
        """Return the numbers and what is to be said of them, for people."""
        lines = [self.title]
        width = max((len(name) for name in self.numbers), default=0)
        lines += [f"  {name:{width}}  {value_and_error(value)}" for name, value in self.numbers.items()]
        for words in (*self.words, *(f"Caution: {warning}" for warning in self.warnings)):
            lines += textwrap.wrap(words, _WIDTH, initial_indent="  ", subsequent_indent="    ")
        return "\n".join(lines)


def value_and_error(value: sc.Variable) -> str:
    """Write a scalar with its error, to two digits of the error, and its unit.

    Examples
    --------
    >>> value_and_error(sc.scalar(3.9123e-5, variance=4e-12, unit="cm^2/s"))
    '(3.91 ± 0.20)e-05 cm^2/s'
    >>> value_and_error(sc.scalar(0.52345, variance=0.0144**2, unit="ps"))
    '0.523 ± 0.014 ps'
    >>> value_and_error(sc.scalar(float("nan"), unit="ps"))
    'not resolved'
    """
    unit = "" if value.unit in (None, sc.units.one) else f" {unit_name(value.unit)}"
    number = value.value
    if not isinstance(number, float):
        return f"{number}{unit}"
    if not math.isfinite(number):
        return "not resolved" if math.isnan(number) else f"{number}{unit}"
    error = 0.0 if value.variance is None else math.sqrt(max(value.variance, 0.0))
    if not (math.isfinite(error) and error > 0):
        return f"{number:.4g}{unit}"
    power = math.floor(math.log10(max(abs(number), error)))
    if not -4 < power < 4:
        decimals = min(max(0, 1 - math.floor(math.log10(error)) + power), 9)
        scale = 10.0**power
        return f"({number / scale:.{decimals}f} ± {error / scale:.{decimals}f})e{power:+03d}{unit}"
    decimals = min(max(0, 1 - math.floor(math.log10(error))), 9)
    return f"{number:.{decimals}f} ± {error:.{decimals}f}{unit}"


def unit_name(unit: sc.Unit | None) -> str:
    """Return a unit as people write it."""
    written = str(unit)
    known = _compound_units().get(written, written)
    return _UNITS.get(known, known)


@cache
def _compound_units() -> dict[str, str]:
    """What scipp writes for units that it has no name for, and what the field calls them."""
    names = ("barn/meV", "barn*angstrom^2", "g/cm^3", "J/mol/K", "kJ/mol", "S/m", "angstrom^2/ps")
    return {str(sc.Unit(name)): name for name in names}


def asked(trajectory: "Trajectory", **options: Any) -> dict[str, Any]:
    """Return what was asked of a trajectory as plain values, for :attr:`Analysis.inputs`."""
    plain = {name: _plain(value) for name, value in options.items() if value is not None and not callable(value)}
    frames = {"frames": len(trajectory), "skipped": trajectory.skipped, "every": trajectory.every}
    return {"trajectory": str(trajectory.path), **frames, **plain}


def _plain(value: Any) -> Any:
    if isinstance(value, sc.Variable | sc.DataArray):
        return to_json(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def write_analysis(analysis: Analysis, folder: str | Path) -> list[Path]:
    """Write the files of an analysis.

    Parameters
    ----------
    analysis, folder:
        What, and where to; the folder is made if absent.

    Returns
    -------
    :
        The files.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    out = output_folder(folder)
    files = [out / f"{analysis.name}.json"]
    write_json(files[0], analysis.to_json() | {"versions": versions()})
    if analysis.curves:
        files += [out / f"{analysis.name}.h5", out / f"{analysis.name}.csv"]
        write_hdf5(files[1], sc.DataGroup(dict(analysis.curves)))
        _write_table(files[2], analysis.curves)
    if analysis.figure is not None:
        files.append(out / f"{analysis.name}.png")
        with whole(files[-1]) as temporary:
            analysis.figure.savefig(temporary, dpi=150)
    for name, write in analysis.files.items():
        files.append(out / name)
        write(files[-1])
    return files


def curve_figure(
    curves: Mapping[str, sc.DataArray],
    *,
    label: str = "",
    title: str = "",
    logarithmic: tuple[bool, bool] = (False, False),
) -> "Figure":
    """Draw curves over one dimension with their errors, or an array over two as curves of its first one.

    Parameters
    ----------
    curves:
        By name, of one unit.
    label:
        What is up, without its unit; by default the name of the first array.
    title:
        Above the panel.
    logarithmic:
        Axis along, axis across.

    Returns
    -------
    :
        A matplotlib figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.3), layout="constrained")
    axes = figure.subplots()
    draw_curves(axes, curves, label=label, logarithmic=logarithmic)
    axes.set_title(title, fontsize=10)
    return figure


def draw_curves(
    axes: "Axes",
    curves: Mapping[str, sc.DataArray],
    *,
    label: str = "",
    logarithmic: tuple[bool, bool] = (False, False),
) -> None:
    """Draw curves into a panel; parameters as for :func:`curve_figure`."""
    lines = [line for name, array in curves.items() for line in _lines(name, array)]
    if logarithmic[0]:
        lines = [(name, _after_zero(line)) for name, line in lines]
    for (name, line), colour in zip(lines, _colours(len(lines)), strict=True):
        draw_curve(axes, line, name, colour)
    first = next(iter(curves.values()))
    dim = first.dims[-1]
    axes.set_xlabel(_LABELS.get(dim, f"{dim} ({unit_name(first.coords[dim].unit)})" if dim in first.coords else dim))
    unit = "" if first.unit in (None, sc.units.one) else f" ({unit_name(first.unit)})"
    axes.set_ylabel(f"{label or first.name or next(iter(curves))}{unit}")
    if logarithmic[0]:
        axes.set_xscale("log")
    if logarithmic[1]:
        axes.set_yscale("log")
        _leave_out_noise(axes, [line for _, line in lines])
    if len(lines) > _BESIDE:
        axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    elif len(lines) > 1:
        axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _after_zero(line: sc.DataArray) -> sc.DataArray:
    coord = line.coords[line.dim]
    if coord.sizes[line.dim] > line.sizes[line.dim] or float(coord.values[0]) > 0:
        return line
    return line[line.dim, 1:]


def _leave_out_noise(axes: "Axes", lines: Sequence[sc.DataArray]) -> None:
    """Let a logarithmic axis end at the smallest value that is not noise."""
    values = np.concatenate([line.values for line in lines])
    errors = np.concatenate(
        [np.zeros(line.size) if line.variances is None else np.sqrt(np.maximum(line.variances, 0)) for line in lines]
    )
    known = values[np.isfinite(values) & (values > 0) & (values > errors)]
    if len(known):
        axes.set_ylim(max(0.5 * float(known.min()), 1e-7 * float(known.max())), 2 * float(known.max()))


def draw_curve(axes: "Axes", array: sc.DataArray, label: str, colour: str) -> None:
    """Draw a curve over one dimension, its error as a band."""
    dim = array.dim
    coord = array.coords[dim]
    x = (sc.midpoints(coord) if coord.sizes[dim] > array.sizes[dim] else coord).values
    y = array.values
    axes.plot(x, y, color=colour, lw=1.3, label=label)
    if array.variances is not None:
        error = np.sqrt(np.maximum(array.variances, 0))
        axes.fill_between(x, y - error, y + error, color=colour, alpha=0.25, lw=0)


def _lines(name: str, array: sc.DataArray) -> list[tuple[str, sc.DataArray]]:
    if array.ndim == 1:
        return [(name, array)]
    if array.ndim != 2:
        raise InputError(f"{name}: cannot draw {array.ndim} dimensions as curves")
    dim = array.dims[0]
    chosen = np.unique(np.linspace(0, array.sizes[dim] - 1, min(_LINES, array.sizes[dim])).round().astype(int))
    coord = array.coords[dim]
    return [(f"{dim} = {coord.values[i]:.3g} {unit_name(coord.unit)}", array[dim, int(i)]) for i in chosen]


def _colours(count: int) -> list[str]:
    if count <= len(COLOURS):
        return list(COLOURS[:count])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](0.9 * k / (count - 1))) for k in range(count)]


def _write_table(path: Path, curves: Mapping[str, sc.DataArray]) -> None:
    """One row for each point: name of the curve, its coordinates, value, error."""
    with whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for name, array in curves.items():
            if array.ndim == 0:
                continue
            coords = [_centres(array, dim) for dim in array.dims]
            heads = [f"{dim}/{_plain_unit(coord.unit)}" for dim, coord in zip(array.dims, coords, strict=True)]
            writer.writerow(["curve", *heads, f"value/{_plain_unit(array.unit)}", "error"])
            grid = np.meshgrid(*[coord.values for coord in coords], indexing="ij")
            values, errors = _columns(array)
            for *place, value, error in zip(*(axis.ravel() for axis in grid), values, errors, strict=True):
                known = "" if np.isnan(value) else f"{value:.8g}"
                spread = "" if np.isnan(error) or not known else f"{error:.3g}"
                writer.writerow([name, *(_cell(number) for number in place), known, spread])


def _columns(array: sc.DataArray) -> tuple[Any, Any]:
    """Values and errors, NaN where masked or without."""
    values = array.values.astype(float).ravel()
    errors = (
        np.full(values.size, np.nan) if array.variances is None else np.sqrt(np.maximum(array.variances, 0)).ravel()
    )
    for mask in array.masks.values():
        values = np.where(np.asarray(mask.broadcast(sizes=array.sizes).values).ravel(), np.nan, values)
    return values, errors


def _cell(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, int | float | np.number) else str(value)


def _plain_unit(unit: sc.Unit | None) -> str:
    """Return a unit as other programs read it."""
    return (
        "one" if unit in (None, sc.units.one) else _compound_units().get(str(unit), str(unit)).replace("Å", "angstrom")
    )


def _centres(array: sc.DataArray, dim: str) -> sc.Variable:
    if dim not in array.coords:
        return sc.arange(dim, array.sizes[dim], unit="one")
    coord = array.coords[dim]
    return sc.midpoints(coord, dim) if coord.sizes[dim] > array.sizes[dim] else coord
