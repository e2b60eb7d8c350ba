"""One heating or cooling of a sample at one pressure: specific heat flow over time and temperature.

Heat flow is endothermic > 0, in W/kg; divided by the rate dT/dt it is the apparent heat capacity, J/(kg K), positive
on heating and on cooling. Without a blank run the apparent heat capacity holds the calorimeter's own offset.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.calorimetry.calibration import Calibration
from caloris.heat.calorimetry.recording import Recording
from caloris.heat.calorimetry.segments import SETTLING, Direction, local_rate, segments
from caloris.heat.two_phase import Array


@dataclass(frozen=True, repr=False)
class Scan:
    """A heating or a cooling; SI floats behind the door, scipp arrays from the methods."""

    direction: Direction
    time: Array
    """s."""
    temperature: Array
    """K, of the sample."""
    heat_flow: Array
    """W/kg, endothermic > 0."""
    pressure: float
    """Pa."""
    name: str
    """File and number of the segment."""
    mass: float | None = None
    """kg."""
    blank_subtracted: bool = False
    blank_pressure: float | None = None
    """Of the blank run, Pa; NaN where it states none."""

    def __repr__(self) -> str:
        T = self.temperature
        return (
            f"<Scan {self.name}: {self.direction} at {self.pressure / 1e6:g} MPa, {T.min():.1f}-{T.max():.1f} K, "
            f"{60 * self.rate:.3g} K/min, {len(T)} points>"
        )

    @property
    def sign(self) -> float:
        """1 on heating, -1 on cooling."""
        return 1.0 if self.direction == "heating" else -1.0

    @property
    def rate(self) -> float:
        """Typical dT/dt, K/s; negative on cooling."""
        return float(np.median(local_rate(self.time, self.temperature)))

    def apparent_heat_capacity(self) -> sc.DataArray:
        """Return heat flow over the local rate, the heat per kelvin.

        Returns
        -------
        :
            Dimension ``temperature`` (K, as recorded: it may go back during recalescence), in J/kg/K.
        """
        values = self.heat_flow / self._safe_rate()
        return sc.DataArray(
            sc.array(dims=["temperature"], values=values, unit="J/kg/K"),
            coords={"temperature": sc.array(dims=["temperature"], values=self.temperature, unit="K")},
            name=self.name,
        )

    def _safe_rate(self) -> Array:
        """The local rate; where a transition holds the temperature, no less than a tenth of the typical rate."""
        rate, least = local_rate(self.time, self.temperature), 0.1 * abs(self.rate)
        return np.asarray(np.where(self.sign * rate < least, self.sign * least, rate))


def scans_of(
    recordings: Sequence[Recording],
    *,
    blank: Sequence[Recording] = (),
    calibration: Calibration | None = None,
    settling: float = SETTLING,
) -> list[Scan]:
    """Split recordings into scans, calibrate them and subtract the empty cell.

    Parameters
    ----------
    recordings:
        Each at one pressure and with a mass.
    blank:
        Recordings of the empty cell; the one at the pressure of a scan (or the only one), with the same direction and
        rate, is subtracted.
    calibration:
        Of temperature and sensitivity, at each pressure.
    settling:
        Dropped at both ends of each segment, s.

    Returns
    -------
    :
        All scans, in the order of the recordings.

    Raises
    ------
    InputError
        If a pressure or a mass is unknown, a recording neither heats nor cools, or the blank does not fit.

    Examples
    --------
    >>> from caloris.heat import TwoPhase
    >>> from caloris.heat.calorimetry.synthetic import synthetic_recording
    >>> from caloris.materials import load
    >>> model = TwoPhase.from_material(load("NH4SCN"))
    >>> [scan.direction for scan in scans_of([synthetic_recording(model, pressure="40 MPa")])]
    ['heating', 'cooling']
    """
    empty = [
        scan for record in blank for scan in _split(_as_blank(record), settling, calibration, needs_pressure=False)
    ]
    found: list[Scan] = []
    for record in recordings:
        for scan in _split(record, settling, calibration):
            found.append(_minus_blank(scan, empty, has_mass=record.mass is not None) if empty else scan)
    return found


def _as_blank(record: Recording) -> Recording:
    """An empty cell has no mass: its heat flow in mW counts as that of one milligram until it is subtracted."""
    if record.heat_flow.unit != sc.Unit("mW"):
        raise InputError(f"{record.path or record.name}: a blank run must be in mW, not per mass of a sample")
    return replace(record, mass=sc.scalar(1.0, unit="mg"))


def _split(
    record: Recording, settling: float, calibration: Calibration | None, *, needs_pressure: bool = True
) -> list[Scan]:
    where = str(record.path or record.name or "recording")
    recorded = record.heat_flow.coords.get("pressure") if record.pressure is None else None
    if record.pressure is None and recorded is None and needs_pressure:
        raise InputError(f"{where}: no pressure in the file; give it: pressure='0.1 MPa' (--pressure)")
    p = float("nan") if record.pressure is None else float(record.pressure.value) * 1e6
    if recorded is not None and recorded.ndim:
        p = _constant(np.asarray(recorded.values, dtype=float), where) * 1e6
    time, T, q = record.time, record.temperature, record.specific_heat_flow()
    if calibration is not None:
        T, q = calibration.temperature(T, p), q * calibration.sensitivity(T, p)
    parts = segments(time, T, settling=settling)
    if not parts:
        raise InputError(
            f"{where}: no heating or cooling to analyse in {len(T)} points over {np.ptp(T):.1f} K "
            "(for pressure steps at constant temperature: --isothermal, or calorimetry.pressurisation)"
        )
    mass = None if record.mass is None else float(record.mass.value) * 1e-6
    label = record.path.name if record.path is not None else record.name or "recording"
    if p == p:
        label += f", {p / 1e6:g} MPa"
    numbers = {"heating": 0, "cooling": 0}
    scans = []
    for direction, part in parts:
        numbers[direction] += 1
        scans.append(
            Scan(direction, time[part], T[part], q[part], p, f"{label}, {direction} {numbers[direction]}", mass)
        )
    return scans


def _constant(pressure: Array, where: str) -> float:
    """Mean of a recorded pressure, MPa, if it was held."""
    mean = float(pressure.mean())
    if float(np.ptp(pressure)) > max(0.05 * mean, 0.5):
        raise InputError(
            f"{where}: the pressure runs from {pressure.min():g} to {pressure.max():g} MPa; a scan needs one pressure "
            "(for pressure steps at constant temperature see caloris.heat.calorimetry.pressurisation)"
        )
    return mean


def _minus_blank(scan: Scan, empty: Sequence[Scan], *, has_mass: bool) -> Scan:
    """Subtract the heat flow of the empty cell at the same temperatures."""
    if scan.mass is None:
        raise InputError(f"{scan.name}: subtracting a blank needs the mass of the sample; the file states none")
    same = [e for e in empty if e.direction == scan.direction]
    here = [e for e in same if abs(e.pressure - scan.pressure) <= 0.02 * max(scan.pressure, 1e6)]
    if not here and len({e.pressure for e in same if e.pressure == e.pressure}) <= 1:
        here = same  # one empty-cell run serves all pressures
    if not here:
        raise InputError(f"{scan.name}: no blank run with {scan.direction} at {scan.pressure / 1e6:g} MPa")
    fitting = [e for e in here if abs(e.rate / scan.rate - 1) < 0.05]
    if not fitting:
        raise InputError(
            f"{scan.name}: the blank ran at {60 * here[0].rate:.3g} K/min, the sample at {60 * scan.rate:.3g} K/min; "
            "measure the blank at the same rate"
        )
    other = fitting[0]
    order = np.argsort(other.temperature, kind="stable")
    T = other.temperature[order]
    inside = (scan.temperature >= T[0]) & (scan.temperature <= T[-1])
    if inside.sum() < 20:
        raise InputError(f"{scan.name}: the blank covers {T[0]:.1f}-{T[-1]:.1f} K, the sample lies outside")
    # the blank counts as that of a milligram, see _as_blank
    empty_flow = np.interp(scan.temperature[inside], T, other.heat_flow[order]) * 1e-6 / scan.mass
    return replace(
        scan,
        time=scan.time[inside],
        temperature=scan.temperature[inside],
        heat_flow=scan.heat_flow[inside] - empty_flow,
        blank_subtracted=True,
        blank_pressure=other.pressure,
    )
