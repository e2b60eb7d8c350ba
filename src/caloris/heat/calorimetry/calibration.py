"""Calibration of temperature and sensitivity with melting standards, at the pressures at which one measures.

A calorimeter under pressure reads other temperatures and another heat than at ambient: the gas carries heat away. The
melting of a standard at pressure p gives T_true - T_read and H_true / H_read there; between standards and pressures
both are interpolated linearly, beyond them they are held.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from caloris.errors import InputError
from caloris.files import read_rows
from caloris.heat.two_phase import Array
from caloris.units import Quantity, magnitude


@dataclass(frozen=True)
class Standard:
    """A melting standard at ambient pressure, SI units."""

    name: str
    melting_temperature: float
    """K."""
    heat_of_fusion: float
    """J/kg; its change with pressure, well under 1 % per 100 MPa, is neglected."""
    slope: float
    """dT/dp of melting, K/Pa."""
    source: str


STANDARDS = {
    "indium": Standard(
        "indium", 429.7485, 28.62e3, 4.9e-8, "Della Gatta et al., Pure Appl. Chem. 78, 1455 (2006); slope: ITS-90"
    ),
    "gallium": Standard(
        "gallium", 302.9146, 79.88e3, -2.0e-8, "Della Gatta et al., Pure Appl. Chem. 78, 1455 (2006); slope: ITS-90"
    ),
    "naphthalene": Standard(
        "naphthalene",
        353.35,
        148.7e3,
        3.5e-7,
        "Della Gatta et al., Pure Appl. Chem. 78, 1455 (2006); slope: estimate by Clausius-Clapeyron "
        "(19.06 kJ/mol, 18.7 cm3/mol), good to some 5 %",
    ),
}
"""Standards by name. Temperature and heat of fusion as the IUPAC report recommends them."""


@dataclass(frozen=True)
class CalibrationPoint:
    """What the calorimeter read for a standard at a pressure; SI units."""

    standard: Standard
    pressure: float
    onset_read: float
    """K."""
    heat_read: float
    """J/kg."""

    @property
    def temperature_true(self) -> float:
        """Melting temperature of the standard at this pressure, K."""
        return self.standard.melting_temperature + self.standard.slope * (self.pressure - 0.1e6)

    @property
    def shift(self) -> float:
        """What to add to a temperature that was read, K."""
        return self.temperature_true - self.onset_read

    @property
    def factor(self) -> float:
        """What to multiply a heat flow with that was read."""
        return self.standard.heat_of_fusion / self.heat_read


@dataclass(frozen=True)
class Calibration:
    """Corrections over temperature and pressure, from points of :func:`calibration_point`."""

    points: tuple[CalibrationPoint, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.points:
            raise InputError("calibration: no points; make them with calibration_point('indium', ...)")

    def temperature(self, T: Array, p: float) -> Array:
        """Return true temperatures.

        Parameters
        ----------
        T:
            As read, K.
        p:
            Pressure, Pa; not a number counts as the lowest pressure of the calibration.

        Returns
        -------
        :
            K, of the shape of ``T``.
        """
        return np.asarray(T + self._correction(T, p, "shift"))

    def sensitivity(self, T: Array, p: float) -> Array:
        """Return the factor from heat flow as read to true heat flow; as :meth:`temperature`.

        Parameters
        ----------
        T, p:
            True temperatures (K) and pressure (Pa).

        Returns
        -------
        :
            Dimensionless, of the shape of ``T``.
        """
        return self._correction(T, p, "factor")

    def _correction(self, T: Array, p: float, which: str) -> Array:
        pressures = sorted({point.pressure for point in self.points})
        p = pressures[0] if p != p else min(max(p, pressures[0]), pressures[-1])
        rows = []
        for pressure in pressures:
            here = sorted((pt for pt in self.points if pt.pressure == pressure), key=lambda pt: pt.onset_read)
            # shifts go with temperatures as read, factors with true ones
            nodes = [pt.onset_read if which == "shift" else pt.temperature_true for pt in here]
            rows.append(np.interp(T, nodes, [float(getattr(pt, which)) for pt in here]))
        upper = min(int(np.searchsorted(pressures, p)), len(pressures) - 1)
        lower = max(upper - 1, 0)
        if upper == lower or pressures[upper] == p:
            return np.asarray(rows[upper], dtype=float)
        weight = (p - pressures[lower]) / (pressures[upper] - pressures[lower])
        return np.asarray((1 - weight) * rows[lower] + weight * rows[upper])


def read_calibration(path: str | Path) -> Calibration:
    r"""Read what the calorimeter showed for melting standards from a table.

    Parameters
    ----------
    path:
        CSV with the header ``standard,pressure/MPa,onset/K,heat_of_fusion/(J/g)``, one row for each run.

    Returns
    -------
    :
        The calibration.

    Raises
    ------
    InputError
        If the file cannot be read or a row is wrong; the message names the line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "standards.csv"
    ...     _ = file.write_text("standard,pressure/MPa,onset/K,heat_of_fusion/(J/g)\nindium,0.1,430.05,28.2\n")
    ...     calibration = read_calibration(file)
    >>> round(calibration.points[0].shift, 4)
    -0.3015
    """
    file = Path(path)
    _, rows = read_rows(file, "the calibration")
    header = rows[0][1] if rows else []
    if header != _HEADER:
        raise InputError(f"{file}: expected the header {','.join(_HEADER)}")
    points = []
    for number, cells in rows[1:]:
        if len(cells) != len(_HEADER):
            raise InputError(f"{file}: line {number}: expected {len(_HEADER)} columns, found {len(cells)}")
        name, p, onset, heat = cells
        try:
            points.append(
                calibration_point(name, pressure=f"{p} MPa", onset=f"{onset} K", heat_of_fusion=f"{heat} J/g")
            )
        except InputError as error:
            raise InputError(f"{file}: line {number}: {error}") from None
    return Calibration(tuple(points))


_HEADER = ["standard", "pressure/MPa", "onset/K", "heat_of_fusion/(J/g)"]


def calibration_point(
    standard: str | Standard, *, pressure: Quantity, onset: Quantity, heat_of_fusion: Quantity
) -> CalibrationPoint:
    """Say what the calorimeter read for the melting of a standard.

    Parameters
    ----------
    standard:
        ``"indium"``, ``"gallium"``, ``"naphthalene"``, or a :class:`Standard` of your own.
    pressure, onset, heat_of_fusion:
        Scalars: pressure of the run, and the onset temperature and the heat that were read there.

    Returns
    -------
    :
        The point; put all of them into a :class:`Calibration`.

    Raises
    ------
    InputError
        If the standard is unknown, a unit is wrong, or what was read is more than 20 K or a factor of 3 off.

    Examples
    --------
    >>> point = calibration_point("indium", pressure="0.1 MPa", onset="430.05 K", heat_of_fusion="28.2 J/g")
    >>> round(point.shift, 4), round(point.factor, 4)
    (-0.3015, 1.0149)
    """
    if isinstance(standard, str):
        if standard.lower() not in STANDARDS:
            raise InputError(f"standard: {standard!r} is none of {', '.join(STANDARDS)}; give a Standard of your own")
        standard = STANDARDS[standard.lower()]
    point = CalibrationPoint(
        standard,
        magnitude(pressure, "MPa", "pressure") * 1e6,
        magnitude(onset, "K", "onset", positive=True),
        magnitude(heat_of_fusion, "J/kg", "heat_of_fusion", positive=True),
    )
    if abs(point.shift) > 20 or not 1 / 3 < point.factor < 3:
        raise InputError(
            f"calibration: {standard.name} read {point.onset_read:.2f} K and {point.heat_read / 1e3:.3g} J/g, expected "
            f"{point.temperature_true:.2f} K and {standard.heat_of_fusion / 1e3:.4g} J/g: is it that standard?"
        )
    return point
