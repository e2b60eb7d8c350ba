"""Volume of both phases over temperature and pressure, and what it adds to the entropy.

V_i(T, p) of each phase is fitted by a polynomial as far as the data go: with t = T - T_m and p,
V = v + a t + b p (+ c t p, d p^2, f t^2). Then S+(T, p) = - int_0^p (dV/dT)_p' dp' in the low phase (quasi-direct
method), the volume change gives Clausius-Clapeyron, and both give the Maxwell route. SI units: m3/kg, K, Pa.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.files import read_rows
from caloris.heat.two_phase import Array
from caloris.units import magnitude, parse_unit


@dataclass(frozen=True)
class PhaseVolume:
    """Specific volume of one phase: sum of coefficients times t^i p^j."""

    name: str
    centre: float
    """Mean temperature of the data, from which t is counted, K."""
    coefficients: tuple[tuple[int, int, float], ...]
    """(power of t, power of p, coefficient)."""
    temperatures: tuple[float, float]
    """Range of the data, K."""
    highest_pressure: float
    """Of the data, Pa."""
    scatter: float
    """Standard deviation of the data about the fit, m3/kg."""

    def volume(self, T: Array | float, p: Array | float) -> Array:
        """Return the specific volume, m3/kg.

        Parameters
        ----------
        T, p:
            K and Pa, of shapes that broadcast.
        """
        t = np.asarray(T, dtype=float) - self.centre
        return np.asarray(sum(k * t**i * np.asarray(p, dtype=float) ** j for i, j, k in self.coefficients))

    def expansion(self, T: Array | float, p: Array | float) -> Array:
        """Return (dV/dT)_p, m3/(kg K); parameters as for :meth:`volume`."""
        t, p = np.asarray(T, dtype=float) - self.centre, np.asarray(p, dtype=float)
        terms = [i * k * t ** (i - 1) * p**j for i, j, k in self.coefficients if i > 0]
        return np.asarray(sum(terms, start=np.zeros(np.broadcast(t, p).shape)))

    def entropy(self, T: Array | float, p: Array | float, p_0: float) -> Array:
        """Return S(T, p) - S(T, p_0) = - int (dV/dT) dp, J/(kg K); exact for the polynomial.

        Parameters
        ----------
        T, p, p_0:
            K, Pa and Pa.
        """
        t, p = np.asarray(T, dtype=float) - self.centre, np.asarray(p, dtype=float)
        terms = [
            -i * k * t ** (i - 1) * (p ** (j + 1) - p_0 ** (j + 1)) / (j + 1) for i, j, k in self.coefficients if i > 0
        ]
        return np.asarray(sum(terms, start=np.zeros(np.broadcast(t, p).shape)))


@dataclass(frozen=True)
class Volume:
    """Specific volume of the low- and the high-temperature phase."""

    low: PhaseVolume
    high: PhaseVolume | None

    def change(self, T: Array | float, p: Array | float) -> Array:
        """Return V(high) - V(low), m3/kg; NaN where only one phase is known.

        Parameters
        ----------
        T, p:
            K and Pa.
        """
        if self.high is None:
            return np.full(np.broadcast(np.asarray(T), np.asarray(p)).shape, np.nan)
        return self.high.volume(T, p) - self.low.volume(T, p)


def phase_volume(name: str, temperature: Array, pressure: Array, volume: Array) -> PhaseVolume:
    """Fit the volume of one phase by as rich a polynomial as the data determine.

    Parameters
    ----------
    name:
        Of the phase.
    temperature, pressure, volume:
        K, Pa and m3/kg, of one length.

    Returns
    -------
    :
        The fit.

    Raises
    ------
    InputError
        If there are fewer than two temperatures: no expansion then.
    """
    n_T, n_p = len(np.unique(np.round(temperature, 3))), len(np.unique(np.round(pressure, -3)))
    if n_T < 2:
        raise InputError(f"volume: the phase {name!r} has only one temperature; its expansion needs at least two")
    powers = [(0, 0), (1, 0)]
    if n_p >= 2:
        powers.append((0, 1))
    if n_p >= 2 and len(volume) >= 6:
        powers.append((1, 1))
    if n_p >= 4 and len(volume) >= 10:
        powers.append((0, 2))
    if n_T >= 6 and len(volume) >= 12:
        powers.append((2, 0))
    centre = float(np.mean(temperature))
    t, scale_t, scale_p = temperature - centre, max(float(np.ptp(temperature)), 1.0), max(float(np.max(pressure)), 1e5)
    columns = [(t / scale_t) ** i * (pressure / scale_p) ** j for i, j in powers]
    solution, _, rank, _ = np.linalg.lstsq(np.stack(columns, axis=1), volume, rcond=None)
    while rank < len(powers):  # too few different points for the last term
        powers, columns = powers[:-1], columns[:-1]
        solution, _, rank, _ = np.linalg.lstsq(np.stack(columns, axis=1), volume, rcond=None)
    residual = volume - np.stack(columns, axis=1) @ solution
    freedom = max(len(volume) - len(powers), 1)
    return PhaseVolume(
        name,
        centre,
        tuple((i, j, float(k) / scale_t**i / scale_p**j) for (i, j), k in zip(powers, solution, strict=True)),
        (float(temperature.min()), float(temperature.max())),
        float(np.max(pressure)),
        float(np.sqrt(residual @ residual / freedom)),
    )


def read_volume(path: str | Path) -> Volume:
    r"""Read volumes, or lattice parameters from diffraction, over temperature and pressure.

    Parameters
    ----------
    path:
        CSV with the header ``temperature/K,pressure/MPa,phase,volume/(m3/kg)`` (units as you like), or with
        ``a/angstrom,b/angstrom,c/angstrom,alpha/deg,beta/deg,gamma/deg`` instead of the volume, and then the comment
        lines ``# cell mass: 304.5 g/mol`` (molar mass of all that is in the cell, one a phase as
        ``# cell mass of PHASE: ...`` where they differ). Comment lines first; angles that are absent are 90 degrees,
        b and c that are absent equal a.

    Returns
    -------
    :
        The volume of the phase that lies at lower temperatures, and of the other if there is one.

    Raises
    ------
    InputError
        If the file cannot be read, a row or a unit is wrong, or there are more than two phases.

    Examples
    --------
    >>> import tempfile
    >>> rows = ["300,0.1,low,7.60e-4", "340,0.1,low,7.66e-4", "350,0.1,high,7.30e-4", "390,0.1,high,7.38e-4"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "volumes.csv"
    ...     _ = file.write_text("\n".join(["temperature/K,pressure/MPa,phase,volume/(m3/kg)", *rows, ""]))
    ...     volume = read_volume(file)
    >>> round(float(volume.low.expansion(320.0, 1e5)) * 1e7, 6), round(float(volume.change(350.0, 1e5)) * 1e5, 3)
    (1.5, -3.75)
    """
    file = Path(path)
    lines, rows = read_rows(file, "the volumes")
    comments = _comments(lines)
    if len(rows) < 3:
        raise InputError(f"{file}: expected a header and at least two rows, found {len(rows)} lines")
    header = rows[0][1]
    columns = _columns(header, f"{file}: line {rows[0][0]}")
    table: dict[str, list[list[float]]] = {}
    for number, cells in rows[1:]:
        if len(cells) != len(header):
            raise InputError(f"{file}: line {number}: {len(cells)} columns, the header has {len(header)}")
        phase, values = _row(cells, columns, f"{file}: line {number}")
        T, p, *rest = values
        v = rest[0] if "volume" in columns else _cell_volume(columns, rest) / _cell_mass(comments, phase, file)
        if v <= 0:
            raise InputError(f"{file}: line {number}: volume must be greater than 0, got {v:g} m^3/kg")
        table.setdefault(phase, []).append([T, p, v])
    return volume_of({phase: np.array(points) for phase, points in table.items()}, str(file))


def volume_of(phases: Mapping[str, Array], where: str = "volume") -> Volume:
    """Fit both phases and order them: by their names low and high, or by their temperatures at the lowest pressure.

    Parameters
    ----------
    phases:
        Per phase an array (points, 3) of K, Pa and m3/kg.
    where:
        For error messages.

    Returns
    -------
    :
        The volumes.

    Raises
    ------
    InputError
        If there is no phase, more than two, or one of them cannot be fitted.
    """
    if not 1 <= len(phases) <= 2:
        raise InputError(f"{where}: expected one or two phases, found {len(phases)}: {', '.join(phases)}")
    try:
        fits = {name: phase_volume(name, *points.T) for name, points in phases.items()}
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix('volume: ')}") from None
    if set(fits) == {"low", "high"}:
        return Volume(fits["low"], fits["high"])
    if len(fits) == 1:
        return Volume(next(iter(fits.values())), None)
    # at one pressure the high phase is the warmer one; at different ones it need not be
    lowest = {name: float(points[:, 1].min()) for name, points in phases.items()}
    if np.ptp(list(lowest.values())) > _SAME_PRESSURE:
        raise InputError(
            f"{where}: {' and '.join(phases)} have no pressure in common, so which one is the high-temperature phase "
            "cannot be told; call the phases low and high"
        )
    near = {name: points[points[:, 1] < lowest[name] + _SAME_PRESSURE, 0] for name, points in phases.items()}
    low, high = sorted(fits, key=lambda name: float(near[name].mean()))
    return Volume(fits[low], fits[high])


_SAME_PRESSURE = 5e6
"""Pressures within this (Pa) compare two phases."""

_UNITS = {
    "temperature": "K",
    "pressure": "Pa",
    "volume": "m^3/kg",
    **dict.fromkeys(("a", "b", "c"), "angstrom"),
    **dict.fromkeys(("alpha", "beta", "gamma"), "rad"),
}
_NEEDED = ("temperature", "pressure", "phase")


def _columns(header: Sequence[str], where: str) -> dict[str, tuple[int, str]]:
    """Position and unit of every column that is known."""
    found = {}
    for position, title in enumerate(header):
        name, _, unit = title.strip().partition("/")
        name, unit = name.strip().lower(), unit.strip().strip("()").replace("m3", "m^3").replace("cm^3", "cm^3")
        if name == "phase":
            found[name] = (position, "")
        elif name in _UNITS:
            if not unit:
                raise InputError(f"{where}: the column {name!r} has no unit; write {name}/{_UNITS[name]}")
            try:
                magnitude(sc.scalar(1.0, unit=parse_unit(unit)), _UNITS[name], f"column {name!r}")
            except InputError as error:
                raise InputError(f"{where}: {error}") from None
            found[name] = (position, unit)
    for name in _NEEDED:
        if name not in found:
            raise InputError(f"{where}: no column {name!r}; write temperature/K,pressure/MPa,phase,volume/(m3/kg)")
    if "volume" not in found and "a" not in found:
        raise InputError(f"{where}: neither a column volume/(m3/kg) nor lattice parameters a/angstrom ...")
    return found


def _row(cells: Sequence[str], columns: Mapping[str, tuple[int, str]], where: str) -> tuple[str, list[float]]:
    """Phase and SI values: temperature, pressure, then the volume or a, b, c (angstrom), alpha, beta, gamma (rad)."""
    wanted = ["temperature", "pressure"]
    wanted += ["volume"] if "volume" in columns else ["a", "b", "c", "alpha", "beta", "gamma"]
    values = []
    for name in wanted:
        if name not in columns:
            values.append(float("nan"))
            continue
        position, unit = columns[name]
        try:
            number = float(cells[position])
        except ValueError:
            raise InputError(f"{where}: {name}: {cells[position]!r} is not a number") from None
        if not np.isfinite(number):
            raise InputError(f"{where}: {name}: {cells[position]!r} is not a finite number")
        values.append(magnitude(sc.scalar(number, unit=parse_unit(unit)), _UNITS[name], f"{where}: {name}"))
    if values[0] <= 0 or values[1] < 0:
        raise InputError(f"{where}: temperature must be above 0 K and pressure not negative")
    phase = cells[columns["phase"][0]].strip()
    if not phase:
        raise InputError(f"{where}: no phase named")
    return phase, values


def _cell_volume(columns: Mapping[str, tuple[int, str]], cell: Sequence[float]) -> float:
    """Volume of a unit cell, m3, from a, b, c (angstrom) and angles (rad)."""
    a, b, c, *angles = cell
    b, c = (b if "b" in columns else a), (c if "c" in columns else a)
    cos = [np.cos(angle) if angle == angle else 0.0 for angle in angles]
    squared = 1 - sum(k**2 for k in cos) + 2 * cos[0] * cos[1] * cos[2]
    return float(a * b * c * np.sqrt(max(squared, 0.0))) * 1e-30


def _comments(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.lstrip("# ").partition(":") for line in lines)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _cell_mass(comments: Mapping[str, str], phase: str, file: Path) -> float:
    """Mass of what is in a unit cell, kg."""
    text = comments.get(f"cell mass of {phase.lower()}", comments.get("cell mass"))
    if text is None:
        raise InputError(f"{file}: lattice parameters need a line '# cell mass: 304.5 g/mol' (all that is in the cell)")
    return magnitude(text, "kg/mol", f"{file}: cell mass", positive=True) / 6.02214076e23


def maxwell_entropy_change(volume: sc.DataArray) -> sc.DataArray:
    """Return the isothermal entropy change from isobars of the volume: dS = - int (dV/dT)_p dp (Maxwell).

    Parameters
    ----------
    volume:
        Dimensions ``pressure`` (MPa) and ``temperature`` (K), ascending, at least two of each; m^3/kg. Isobars of one
        branch (all on heating, or all on cooling).

    Returns
    -------
    :
        Dimensions ``pressure`` and ``temperature`` (midpoints of the given temperatures), J/kg/K, counted from the
        lowest pressure. Trapezoidal rule in pressure.

    Raises
    ------
    InputError
        If a dimension or a unit is wrong, or a coordinate does not ascend.

    Examples
    --------
    >>> p = sc.array(dims=["pressure"], values=[0.0, 100.0], unit="MPa")
    >>> T = sc.array(dims=["temperature"], values=[300.0, 310.0], unit="K")
    >>> V = sc.array(dims=["pressure", "temperature"], values=[[7e-4, 7.01e-4]] * 2, unit="m^3/kg")
    >>> dS = maxwell_entropy_change(sc.DataArray(V, coords={"pressure": p, "temperature": T}))
    >>> round(float(dS["pressure", 1].values[0]), 9)
    -10.0
    """
    if not isinstance(volume, sc.DataArray) or set(volume.dims) != {"pressure", "temperature"}:
        raise InputError("volume: expected a data array over 'pressure' and 'temperature'")
    table = volume.transpose(["pressure", "temperature"])
    if not {"pressure", "temperature"} <= set(table.coords):
        raise InputError("volume: needs the coordinates 'pressure' and 'temperature'")
    try:
        p = table.coords["pressure"].to(unit="Pa").values
        T = table.coords["temperature"].to(unit="K").values
        V = np.asarray(table.data.to(unit="m^3/kg").values, dtype=float)
    except sc.UnitError as error:
        raise InputError(f"volume: expected m^3/kg over MPa and K: {' '.join(str(error).split())}") from None
    if not np.all(np.isfinite(V)):
        raise InputError("volume: every value must be finite; leave out the isobar or the temperature that is not")
    for name, values in (("pressure", p), ("temperature", T)):
        if len(values) != table.sizes[name] or len(values) < 2 or not np.all(np.diff(values) > 0):
            raise InputError(f"volume: needs one value each at two or more ascending values of {name}")
    expansion = np.diff(V, axis=1) / np.diff(T)
    steps = 0.5 * (expansion[1:] + expansion[:-1]) * np.diff(p)[:, None]
    change = -np.concatenate([np.zeros((1, len(T) - 1)), np.cumsum(steps, axis=0)])
    return sc.DataArray(
        sc.array(dims=["pressure", "temperature"], values=change, unit="J/kg/K"),
        coords={
            "pressure": table.coords["pressure"],
            "temperature": sc.array(dims=["temperature"], values=0.5 * (T[1:] + T[:-1]), unit="K"),
        },
    )


def as_volume(volume: Volume | str | Path) -> Volume:
    """Take volumes as they come at a public door.

    Parameters
    ----------
    volume:
        A :class:`Volume`, or the path of a file for :func:`read_volume`.

    Returns
    -------
    :
        The volumes.

    Raises
    ------
    InputError
        If it is neither, or :func:`read_volume` refuses the file.
    """
    if isinstance(volume, Volume):
        return volume
    if isinstance(volume, str | Path):
        return read_volume(volume)
    raise InputError(f"volume: expected the path of a table or volumes read from one, got {type(volume).__name__}")
