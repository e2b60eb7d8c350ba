"""What a calorimeter recorded: heat flow into the sample over time, with temperature and pressure.

One file is one :class:`Recording`, whatever program wrote it: heat flow endothermic > 0, in mW (or mW/g where the
file gives it per mass and states no mass), temperature of the sample in K, time in s, pressure in MPa.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.units import Quantity, magnitude


@dataclass(frozen=True, repr=False)
class Recording:
    """Heat flow into a sample over time; read one with :func:`caloris.heat.calorimetry.read`."""

    heat_flow: sc.DataArray
    """Dimension ``time``; mW or mW/g, endothermic > 0; coordinates ``time`` (s), ``temperature`` (K, of the sample)
    and, where it was recorded, ``pressure`` (MPa)."""
    name: str = ""
    """What the file calls the sample."""
    vendor: str = "arrays"
    path: Path | None = None
    mass: sc.Variable | None = None
    """Of the sample, mg; None if unknown."""
    pressure: sc.Variable | None = None
    """Constant pressure of the recording, MPa; None if unknown or recorded over time."""
    sign: str = "endothermic up, as given"
    """How the sign of the heat flow was found, in words."""
    sign_is_certain: bool = True
    """False where neither the file nor the heat capacity says which way is endothermic."""
    remarks: tuple[str, ...] = field(default=())
    """What a reader of the results must know about the file, in words."""

    def __post_init__(self) -> None:
        where = self.path or self.name or "recording"
        if self.mass is not None:
            mass = magnitude(self.mass, "mg", f"{where}: mass", positive=True)
            object.__setattr__(self, "mass", sc.scalar(mass, unit="mg"))
        if self.pressure is not None:
            p = magnitude(self.pressure, "MPa", f"{where}: pressure")
            if p < 0:
                raise InputError(f"{where}: pressure must not be negative, got {p:g} MPa")
            object.__setattr__(self, "pressure", sc.scalar(p, unit="MPa"))
        q = self.heat_flow
        if not isinstance(q, sc.DataArray) or q.dims != ("time",):
            raise InputError(f"{where}: heat_flow must be a data array over 'time'")
        for coordinate, unit in (("time", "s"), ("temperature", "K")):
            if coordinate not in q.coords or q.coords[coordinate].unit != sc.Unit(unit):
                raise InputError(f"{where}: heat_flow needs a coordinate '{coordinate}' in {unit}")
        if q.unit not in (sc.Unit("mW"), sc.Unit("mW/g")):
            raise InputError(f"{where}: heat flow is in {q.unit}, expected mW or mW/g")
        columns = {"heat flow": q.values, **{str(name): c.values for name, c in q.coords.items() if c.ndim}}
        for name, values in columns.items():
            if not np.all(np.isfinite(values)):
                bad = int(np.flatnonzero(~np.isfinite(values))[0])
                raise InputError(f"{where}: {name} number {bad + 1} is not finite; remove that row")
        if q.sizes["time"] < 10:
            raise InputError(f"{where}: only {q.sizes['time']} points; a recording needs at least 10")
        if np.any(np.diff(q.coords["time"].values) <= 0):
            bad = int(np.flatnonzero(np.diff(q.coords["time"].values) <= 0)[0])
            raise InputError(f"{where}: time does not increase after point {bad + 1}; sort or clean the file")
        if np.any(q.coords["temperature"].values <= 0):
            raise InputError(f"{where}: a temperature is not above 0 K; is its unit right?")

    def __repr__(self) -> str:
        T = self.heat_flow.coords["temperature"].values
        pressure = "" if self.pressure is None else f", {self.pressure.value:g} MPa"
        return (
            f"<Recording {self.name or self.path or ''}: {len(T)} points, {T.min():.2f}-{T.max():.2f} K{pressure}; "
            f"{self.vendor}; {self.sign}>"
        )

    @property
    def time(self) -> np.ndarray:
        """Time, s."""
        return np.asarray(self.heat_flow.coords["time"].values, dtype=float)

    @property
    def temperature(self) -> np.ndarray:
        """Temperature of the sample, K."""
        return np.asarray(self.heat_flow.coords["temperature"].values, dtype=float)

    def specific_heat_flow(self) -> np.ndarray:
        """Return the heat flow per mass of sample, W/kg, endothermic > 0.

        Raises
        ------
        InputError
            If the mass is unknown.
        """
        values = np.asarray(self.heat_flow.values, dtype=float)
        if self.heat_flow.unit == sc.Unit("mW/g"):
            return values
        if self.mass is None:
            raise InputError(f"{self.path or self.name}: the file states no mass; give it: mass='10.2 mg' (--mass)")
        return values * 1e-3 / (float(self.mass.value) * 1e-6)

    def with_conditions(
        self, *, pressure: Quantity | None = None, mass: Quantity | None = None, replaced: bool = False
    ) -> "Recording":
        """Return the recording with a pressure or a mass that the file does not state, or states wrongly.

        Parameters
        ----------
        pressure, mass:
            Scalars.
        replaced:
            Whether to remark it where another value is replaced.

        Returns
        -------
        :
            A copy.

        Raises
        ------
        InputError
            If a value has no or a wrong unit, the pressure is negative or the mass not positive.
        """
        changed = self
        if pressure is not None:
            p = magnitude(pressure, "MPa", "pressure")
            if p < 0:
                raise InputError(f"pressure: must not be negative, got {p:g} MPa")
            changed = replace(changed, pressure=sc.scalar(p, unit="MPa"))
            if replaced and self.pressure is not None and not np.isclose(self.pressure.value, p, rtol=1e-3):
                words = f"the file states {self.pressure.value:g} MPa, {p:g} MPa is used as given"
                changed = replace(changed, remarks=(*changed.remarks, words))
        if mass is not None:
            m = magnitude(mass, "mg", "mass", positive=True)
            changed = replace(changed, mass=sc.scalar(m, unit="mg"))
            if replaced and self.mass is not None and not np.isclose(self.mass.value, m, rtol=1e-3):
                words = f"the file states {self.mass.value:g} mg, {m:g} mg is used as given"
                changed = replace(changed, remarks=(*changed.remarks, words))
        return changed


def recording(
    time: np.ndarray,
    temperature: np.ndarray,
    heat_flow: np.ndarray,
    *,
    unit: str = "mW",
    pressure: np.ndarray | None = None,
) -> sc.DataArray:
    """Put plain columns into the data array of a :class:`Recording`.

    Parameters
    ----------
    time, temperature, heat_flow:
        s, K, and ``unit`` (endothermic > 0); of one length.
    unit:
        ``"mW"`` or ``"mW/g"``.
    pressure:
        MPa, of the same length, where it changes with time.

    Returns
    -------
    :
        Dimension ``time``.

    Raises
    ------
    InputError
        If the columns differ in length, or the unit is neither of the two.

    Examples
    --------
    >>> t = np.arange(100.0)
    >>> scan = Recording(recording(t, 300 + t / 60, 2.5 + 0 * t), mass=sc.scalar(10.0, unit="mg"))
    >>> round(float(scan.specific_heat_flow()[0]), 6)
    250.0
    """
    if unit not in ("mW", "mW/g"):
        raise InputError(f"unit: {unit!r} is neither 'mW' nor 'mW/g'")
    columns = {"time": (time, "s"), "temperature": (temperature, "K")}
    if pressure is not None:
        columns["pressure"] = (pressure, "MPa")
    for name, (values, _) in columns.items():
        if np.shape(values) != np.shape(heat_flow):
            raise InputError(f"{name}: {np.size(values)} values for {np.size(heat_flow)} of heat flow")
    return sc.DataArray(
        sc.array(dims=["time"], values=np.asarray(heat_flow, dtype=float), unit=unit),
        coords={
            name: sc.array(dims=["time"], values=np.asarray(values, dtype=float), unit=u)
            for name, (values, u) in columns.items()
        },
    )
