"""A run of a battery: what flowed, what was stored, what came back, and how well.

Everything a reader sees is computed from the recorded time steps, so a cycle loaded from its file is the same.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.files import whole
from caloris.heat.battery.ledger import (
    AMBIENT,
    Efficiency,
    Heat,
    Stage,
    StepAccount,
    Work,
    accounted_cycle,
    cycle_numbers,
    efficiencies,
    heat_account,
    stages,
    step_account,
    work_account,
)
from caloris.heat.battery.protocol import Protocol, parse_protocol
from caloris.heat.battery.summary import Summary
from caloris.materials import Value
from caloris.units import to_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = "caloris-cycle 1"
COLUMNS = {
    "time": "s",
    "duration": "s",
    "leg": "dimensionless",
    "pressure": "Pa",
    "wall": "K",
    "fraction": "dimensionless",
    "mean_temperature": "K",
    "centre_temperature": "K",
    "surface_temperature": "K",
    "heat_flow": "mW/g",
    "pellet_heat": "J",
    "wall_heat": "J",
    "work": "J",
    "elastic_work": "J",
    "latent": "J",
    "dissipation": "J",
    "pellet_energy": "J",
    "die_energy": "J",
    "enthalpy": "J/kg",
    "held": "J/kg",
    "leak_pressure": "Pa",
    "equilibrium_pressure": "Pa",
}


@dataclass(frozen=True, repr=False)
class Cycle:
    """The result of :meth:`caloris.heat.Battery.run`."""

    inputs: dict[str, Any]
    """What made it: the fields of a run file with the whole cards, protocol and versions."""
    columns: dict[str, np.ndarray]
    """One entry per time step; SI units."""
    scalars: dict[str, float]
    """Mass and the material's constants, SI units; ``inverse`` is 0 or 1."""
    frames: sc.DataGroup[Any]
    """Mesh, and fields of temperature and phase fraction over time."""
    assumptions: list[str]
    """What rests on an estimate or a guess."""

    def __repr__(self) -> str:
        heat = ", ".join(f"{name} {getattr(self.heat, name).value:.4g} J/g" for name in ("charged", "discharged"))
        return f"<Cycle of {self.inputs['material']['name']}: {len(self.steps)} steps, {heat}; print(cycle.summary())>"

    # -- curves ------------------------------------------------------------------------------------

    def _curve(self, name: str, unit: str, title: str) -> sc.DataArray:
        data = sc.array(dims=["time"], values=self.columns[name], unit=COLUMNS[name]).to(unit=unit, copy=False)
        time = sc.array(dims=["time"], values=self.columns["time"], unit="s")
        return sc.DataArray(data, coords={"time": time}, name=title)

    @property
    def heat_flow(self) -> sc.DataArray:
        """Heat flow into the material (endothermic > 0), mW/g over ``time`` (s)."""
        return self._curve("heat_flow", "mW/g", "heat flow into the material")

    @property
    def pressure(self) -> sc.DataArray:
        """Pressure, MPa over ``time``."""
        return self._curve("pressure", "MPa", "pressure")

    @property
    def wall_temperature(self) -> sc.DataArray:
        """Temperature of the thermostat, K over ``time``."""
        return self._curve("wall", "K", "wall temperature")

    @property
    def temperature(self) -> sc.DataArray:
        """Mean temperature of the pellet, K over ``time``."""
        return self._curve("mean_temperature", "K", "mean temperature of the pellet")

    @property
    def centre_temperature(self) -> sc.DataArray:
        """Temperature at the centre of the pellet, K over ``time``."""
        return self._curve("centre_temperature", "K", "temperature at the centre of the pellet")

    @property
    def fraction(self) -> sc.DataArray:
        """Fraction of the high-temperature phase in the pellet over ``time``."""
        return self._curve("fraction", "dimensionless", "fraction of the high-temperature phase")

    # -- account -----------------------------------------------------------------------------------

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol that was run."""
        return parse_protocol(self.inputs["protocol"])

    @property
    def mass(self) -> sc.Variable:
        """Mass of the pellet, g."""
        return sc.scalar(self.scalars["mass"] * 1e3, unit="g")

    @cached_property
    def stages(self) -> list[Stage]:
        """The stage of every step of the protocol."""
        return stages(self.protocol, inverse=bool(self.scalars["inverse"]))

    @cached_property
    def steps(self) -> list[StepAccount]:
        """The account of every step of the protocol."""
        found = []
        numbers = cycle_numbers(self.stages)
        for number, step in enumerate(self.protocol.steps):
            rows = np.flatnonzero(self.columns["leg"] == number)
            mass = self.scalars["mass"]
            found.append(step_account(step, self.stages[number], numbers[number], rows, self.columns, mass))
        return found

    @property
    def cycles(self) -> int:
        """How many charge-discharge cycles the protocol has; the last with a discharge is accounted."""
        return max(cycle_numbers(self.stages)) + 1

    @property
    def accounted(self) -> list[StepAccount]:
        """The steps that heat, work, efficiencies, times and storage speak of."""
        chosen = accounted_cycle(self.stages)
        return [step for step in self.steps if step.cycle == chosen]

    @property
    def accounted_rows(self) -> tuple[int, int]:
        """The time step at whose end the accounted cycle begins, and its last."""
        return self.accounted[0].row_before, self.accounted[-1].rows[1]

    @property
    def release_row(self) -> int:
        """The time step at whose end the discharge of the accounted cycle begins (its last, if there is none)."""
        releases = [step.row_before for step in self.accounted if step.stage == "discharge"]
        return min(releases) if releases else self.accounted_rows[1]

    @property
    def storage_row(self) -> int:
        """The time step between charge and discharge at which the store is nearest to leaking."""
        charged = [step.rows[1] for step in self.accounted if step.stage == "charge"]
        first = min(charged[-1] if charged else self.release_row, self.release_row)
        rows = slice(first, self.release_row + 1)
        margin = self.columns["pressure"][rows] - self.columns["leak_pressure"][rows]
        margin = margin if self.scalars["inverse"] else -margin
        return self.release_row if np.all(np.isnan(margin)) else first + int(np.nanargmin(margin))

    @cached_property
    def heat(self) -> Heat:
        """Heat charged, stored, lost and discharged, J/g."""
        begin, end = (float(self.columns["enthalpy"][row]) for row in self.accounted_rows)
        return heat_account(self.accounted, begin - end, float(self.columns["held"][self.release_row]))

    @cached_property
    def work(self) -> Work:
        """Work in and out, J/g."""
        return work_account(self.accounted)

    @cached_property
    def efficiencies(self) -> dict[str, Efficiency]:
        """Efficiencies by name, each with its definition."""
        first, last = self.accounted_rows
        p = self.columns["pressure"][first : last + 1]
        start, end = (float(self.columns["mean_temperature"][row]) for row in (first, last))
        capacity = self.scalars["low_heat_capacity"]
        return efficiencies(
            self.heat,
            self.work,
            self.accounted,
            pressure_volume=float(np.ptp(p)) * abs(self.scalars["volume_change"]),
            reheat_exergy=capacity * (start - end - AMBIENT * float(np.log(start / end))),
            published_work=self._published_work(float(p.max())),
        )

    def _published_work(self, pressure: float) -> float | None:
        """The input work (J/g) that the source of the card states, if this cycle goes to about its pressure (Pa)."""
        entry = self.inputs["material"].get("published", {}).get("input-work")
        if entry is None:
            return None
        work = Value(**entry["value"]).to("J/g")
        driving = work * 1e3 / abs(self.scalars["volume_change"])
        return work if abs(pressure / driving - 1) < 0.2 else None

    @cached_property
    def first_law_residual(self) -> float:
        """Largest imbalance of energy, heat and work at any time, as a part of the latent heat.

        The energies come from the states, the heat from conduction through contact and wall, so this also
        tells how well the nonlinear equations were solved.
        """
        c, s = self.columns, self.scalars
        pellet = c["pellet_energy"] - c["pellet_energy"][0] - np.cumsum(c["pellet_heat"] + c["work"])
        die = c["die_energy"] - c["die_energy"][0] - np.cumsum(c["wall_heat"] - c["pellet_heat"])
        return float(max(np.abs(pellet).max(), np.abs(die).max()) / (s["mass"] * s["latent_heat"]))

    @property
    def discharge(self) -> sc.DataArray:
        """Heat given off since the beginning of the release, J/g over ``time`` (s) from there.

        Raises
        ------
        InputError
            If the protocol has no discharge.
        """
        steps = [step for step in self.accounted if step.stage == "discharge"]
        if not steps:
            raise InputError("the protocol has no discharge")
        rows = np.concatenate([np.arange(step.row_before + 1, step.rows[1] + 1) for step in steps])
        given = -np.cumsum(self.columns["pellet_heat"][rows]) / self.scalars["mass"] / 1e3
        time = self.columns["time"][rows] - steps[0].start
        return sc.DataArray(
            sc.array(dims=["time"], values=np.concatenate([[0.0], given]), unit="J/g"),
            coords={"time": sc.array(dims=["time"], values=np.concatenate([[0.0], time]), unit="s")},
            name="heat given off since the release",
        )

    @cached_property
    def discharge_times(self) -> dict[str, sc.Variable]:
        """Times from the beginning of the release until 50, 90 and 99 % of the discharged heat have left, s.

        They refer to what is discharged before the wall is changed again or the protocol ends; NaN without discharge.
        """
        percents = (50, 90, 99)
        if "discharge" not in self.stages or self.discharge.values[-1] <= 1e-6 * self.scalars["latent_heat"]:
            return {f"t{percent}": sc.scalar(float("nan"), unit="s") for percent in percents}
        given, clock = self.discharge.values, self.discharge.coords["time"].values
        # before the heat turns round (a pellet may first take heat up) nothing counts as given
        part = np.maximum.accumulate(np.clip(given / given[-1], 0.0, 1.0))
        return {
            f"t{percent}": sc.scalar(float(np.interp(percent / 100, part, clock)), unit="s") for percent in percents
        }

    @cached_property
    def storage(self) -> dict[str, sc.Variable]:
        """Where the stored phase stood when it was nearest to leaking: temperature, pressures and margin (K, MPa)."""
        row = self.storage_row
        names = {"hold_pressure": "pressure", "leak_pressure": "leak_pressure"}
        names["equilibrium_pressure"] = "equilibrium_pressure"
        found = {name: sc.scalar(float(self.columns[c][row]) / 1e6, unit="MPa") for name, c in names.items()}
        margin = found["hold_pressure"] - found["leak_pressure"]
        T = sc.scalar(float(self.columns["wall"][row]), unit="K")
        return {"storage_temperature": T, **found, "leak_margin": margin if self.scalars["inverse"] else -margin}

    @cached_property
    def warnings(self) -> list[str]:
        """What a reader must know before using the numbers."""
        from caloris.heat.battery.advice import warnings

        return warnings(self)

    def summary(self) -> Summary:
        """Return the numbers of the cycle by name; ``print`` shows them as a table.

        Returns
        -------
        :
            Heat and work (J/g), times (s), pressures (MPa), efficiencies, warnings and assumptions; a dict.
        """
        heat = {f"heat_{name}": value for name, value in vars(self.heat).items()}
        work = {f"work_{name}": value for name, value in vars(self.work).items()}
        return Summary(
            material=self.inputs["material"]["name"],
            transition=self.inputs["transition"],
            **heat,
            **work,
            **self.discharge_times,
            **self.storage,
            first_law_residual=self.first_law_residual,
            efficiencies=self.efficiencies,
            warnings=self.warnings,
            assumptions=self.assumptions,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the summary, the steps and the protocol as plain JSON values.

        Returns
        -------
        :
            The names of :meth:`summary`, each quantity with value, unit and error, and ``steps`` and ``protocol``.
        """
        summary: dict[str, Any] = {
            key: to_json(value) for key, value in self.summary().items() if key != "efficiencies"
        }
        summary["efficiencies"] = {
            name: {**to_json(sc.scalar(entry.value)), "definition": entry.definition}
            for name, entry in self.efficiencies.items()
        }
        summary["first_law_residual"] = {
            **to_json(sc.scalar(self.first_law_residual)),
            "definition": "largest imbalance of energy, heat and work over the latent heat",
        }
        summary["steps"] = [to_json(step.quantities()) for step in self.steps]
        summary["protocol"] = self.protocol.words
        return summary

    # -- faces -------------------------------------------------------------------------------------

    def plot(self) -> "Figure":
        """Draw heat flow, pressure, temperatures and phase fraction over time; returns a matplotlib figure."""
        from caloris.heat.figures import cycle_figure

        return cycle_figure(self)

    def film_strip(self, stage: str = "discharge", frames: int = 6) -> "Figure":
        """Draw temperature and phase fraction across the pellet at some moments of a stage.

        Parameters
        ----------
        stage:
            ``"charge"`` or ``"discharge"``, or another stage that the cycle has.
        frames:
            How many moments at most.

        Returns
        -------
        :
            A matplotlib figure.

        Raises
        ------
        InputError
            If the cycle has no such stage or ``frames`` is not at least 1.
        """
        from caloris.heat.figures import film_strip

        return film_strip(self, stage, frames)

    def animate(self, path: str | Path, stage: str = "discharge", frames: int = 60) -> Path:
        """Write an animated GIF of the phase front in a stage; returns its path.

        Parameters
        ----------
        path:
            A ``.gif`` file; its folder must exist.
        stage, frames:
            As for :meth:`film_strip`.

        Raises
        ------
        InputError
            As for :meth:`film_strip`, or if it is no ``.gif`` file or cannot be written.
        """
        from caloris.heat.figures import animate

        return animate(self, Path(path), stage, frames)

    def save(self, path: str | Path) -> Path:
        """Write the cycle with its inputs and versions to HDF5 (read it back with :meth:`load`).

        Parameters
        ----------
        path:
            The file to write; its folder must exist.

        Returns
        -------
        :
            The path.

        Raises
        ------
        InputError
            If the place cannot be written; nothing is left behind then.
        """
        group = sc.DataGroup(
            format=sc.scalar(FORMAT),
            inputs=sc.scalar(json.dumps(self.inputs)),
            assumptions=sc.scalar(json.dumps(self.assumptions)),
            scalars=sc.scalar(json.dumps(self.scalars)),
            steps=sc.DataGroup(
                {name: sc.array(dims=["step"], values=self.columns[name], unit=unit) for name, unit in COLUMNS.items()}
            ),
            frames=self.frames,
            checksum=sc.scalar(self._checksum()),
        )
        with whole(path) as temporary:
            sc.io.save_hdf5(group, temporary)
        return Path(path)

    def save_csv(self, path: str | Path) -> Path:
        """Write the curves of the cycle as a table that people can read, one row per time step, units in its head.

        Parameters
        ----------
        path:
            As for :meth:`save`, with its result and errors.
        """
        header = ",".join(f"{name}/{unit}" if unit != "dimensionless" else name for name, unit in COLUMNS.items())
        with whole(path) as temporary:
            np.savetxt(
                temporary,
                np.column_stack([self.columns[name] for name in COLUMNS]),
                delimiter=",",
                header=header,
                comments="",
                fmt="%.9g",
            )
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> "Cycle":
        """Read a cycle from the file that :meth:`save` wrote.

        Parameters
        ----------
        path:
            The file.

        Returns
        -------
        :
            The same cycle.

        Raises
        ------
        InputError
            If the file is missing, damaged or something else.
        """
        try:
            group: dict[str, Any] = dict(sc.io.load_hdf5(path))  # type: ignore[call-overload]
            steps = group["steps"]
            if group["format"].value != FORMAT:
                raise InputError(f"{path}: format {group['format'].value!r}, expected {FORMAT!r}")
            cycle = cls(
                inputs=json.loads(group["inputs"].value),
                columns={name: np.asarray(steps[name].values) for name in COLUMNS},
                scalars=json.loads(group["scalars"].value),
                frames=group["frames"],
                assumptions=json.loads(group["assumptions"].value),
            )
            if cycle._checksum() != group["checksum"].value:
                raise InputError(f"{path}: damaged: its content does not match its checksum; run it again")
            return cycle
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except InputError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(f"{path}: not a cycle that caloris saved, or damaged ({reason})") from None

    def _checksum(self) -> str:
        """Fingerprint of everything that is saved: the file format itself does not notice a flipped byte."""
        digest = hashlib.sha256(json.dumps([self.inputs, self.scalars, self.assumptions]).encode())
        for name in COLUMNS:
            digest.update(np.ascontiguousarray(self.columns[name]).tobytes())
        for name in sorted(self.frames.keys()):
            digest.update(f"{name} {self.frames[name].unit}".encode())
            digest.update(np.ascontiguousarray(self.frames[name].values).tobytes())
        return digest.hexdigest()
