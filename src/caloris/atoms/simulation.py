"""A finished simulation: its folder, trajectory, thermodynamics, and averages with errors."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.files import whole, write_json
from caloris.units import to_json

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.figure import Figure

    from caloris.atoms.trajectory import Segment, Trajectory

INPUTS = "inputs.json"
TRAJECTORY = "trajectory.h5"
RESULT = "averages.json"
FINAL = "final.npz"

_JOULE_PER_KG = 1.602176634e-19 / 1.66053906892e-27
"""1 eV/u in J/kg (CODATA 2022)."""
_M3_PER_KG = 1e-30 / 1.66053906892e-27
"""1 angstrom^3/u in m^3/kg."""
_AVERAGED = (
    "temperature",
    "pressure",
    "volume",
    "potential_energy",
    "enthalpy",
    "a",
    "b",
    "c",
    "alpha",
    "beta",
    "gamma",
)
_SHOWN = ("temperature", "pressure", "specific_volume", "density", "specific_enthalpy", "a", "b", "c", "beta")


@dataclass(frozen=True)
class Simulation:
    """Molecular dynamics that came to its end; made by :func:`caloris.atoms.simulate`."""

    folder: Path
    inputs: dict[str, Any]
    averages: dict[str, sc.Variable]
    """Mean of every observable over the equilibrated part, its standard error as variance."""
    equilibration: sc.Variable
    """What was left out at the beginning: until the slowest of energy and volume had settled, ps."""
    cautions: list[str]

    @cached_property
    def trajectory(self) -> "Trajectory":
        """Frames and thermodynamics over time."""
        from caloris.atoms.trajectory import open_trajectory

        return open_trajectory(self.folder / TRAJECTORY)

    @property
    def final(self) -> "Atoms":
        """The last structure with its velocities: where another simulation can go on."""
        return read_final(self.folder)

    @property
    def specific_volume(self) -> sc.Variable:
        """Volume per mass, m^3/kg, with its error."""
        return self.averages["specific_volume"]

    @property
    def specific_enthalpy(self) -> sc.Variable:
        """Enthalpy per mass, J/kg, with its error; zero is where all atoms are apart (or as the engine has it)."""
        return self.averages["specific_enthalpy"]

    def to_json(self) -> dict[str, Any]:
        """Return averages, conditions and cautions as plain values."""
        return {
            "conditions": self.inputs["conditions"],
            "contents": self.inputs["structure"]["contents"],
            "remarks": self.inputs["structure"].get("remarks", []),
            "engine": self.inputs["engine"],
            "averages": {name: to_json(value) for name, value in self.averages.items()},
            "equilibration": to_json(self.equilibration),
            "cautions": self.cautions,
        }

    def summary(self) -> str:
        """Return what came out, in a few lines for people."""
        held = self.inputs["conditions"]
        contents = ", ".join(f"{count} {name}" for name, count in self.inputs["structure"]["contents"].items())
        plan = self.inputs["plan"]
        length = plan["steps"] * held["time_step"] / 1000
        ramp = "" if held["final_temperature"] == held["temperature"] else f" to {held['final_temperature']:g}"
        lines = [
            f"{contents}; {self.inputs['force_field']['name']}, {self.inputs['engine']}",
            f"{held['ensemble']}, {held['temperature']:g}{ramp} K, {held['pressure']:g} MPa, {length:g} ps, "
            f"of which {self.equilibration.value:.3g} ps are left out as equilibration",
        ]
        for name in _SHOWN:
            value = self.averages.get(name)
            if value is not None:
                lines.append(f"  {name.replace('_', ' '):18s} {value.value:.6g} ± {_error(value):.2g} {value.unit}")
        lines += [f"  structure: {remark}" for remark in self.inputs["structure"].get("remarks", [])]
        lines += [f"  warning: {caution}" for caution in self.cautions]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def plot(self) -> "Figure":
        """Draw temperature, volume and enthalpy over time, what was left out greyed.

        Returns
        -------
        :
            A matplotlib figure.
        """
        from caloris.atoms.figures import plot_simulation

        return plot_simulation(self)


def _error(value: sc.Variable) -> float:
    return float("nan") if value.variance is None else float(np.sqrt(value.variance))


def open_simulation(folder: str | Path) -> Simulation:
    """Open a finished simulation.

    Parameters
    ----------
    folder:
        Where it lives.

    Returns
    -------
    :
        The simulation.

    Raises
    ------
    InputError
        If there is none, or it is not finished.

    Examples
    --------
    >>> open_simulation("nowhere")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: nowhere: no finished simulation there
    """
    place = Path(folder)
    try:
        inputs = json.loads((place / INPUTS).read_text(encoding="utf-8"))
        result = json.loads((place / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{place}: no finished simulation there") from None
    try:
        averages = {name: _scalar(entry) for name, entry in result["averages"].items()}
        return Simulation(place, inputs, averages, _scalar(result["equilibration"]), list(result["cautions"]))
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{place / RESULT}: damaged; remove the folder and simulate again") from None


def _scalar(entry: dict[str, Any]) -> sc.Variable:
    error = entry.get("error")
    return sc.scalar(float(entry["value"]), variance=None if error is None else float(error) ** 2, unit=entry["unit"])


def write_result(folder: Path, atoms: "Atoms") -> None:
    """Average the thermodynamics of a simulation and write the averages.

    Parameters
    ----------
    folder:
        Where it lives; the trajectory is there.
    atoms:
        Its structure, for the mass.
    """
    from caloris.atoms.trajectory import open_trajectory

    inputs = json.loads((folder / INPUTS).read_text(encoding="utf-8"))
    observables = open_trajectory(folder / TRAJECTORY).observables
    averages, start, cautions = _averages(observables, inputs)
    mass = float(atoms.get_masses().sum())
    _per_mass(averages, mass)
    write_json(
        folder / RESULT,
        {
            "averages": {name: to_json(value) for name, value in averages.items()},
            "equilibration": to_json(start),
            "cautions": cautions,
        },
    )


def _averages(observables: sc.Dataset, inputs: dict[str, Any]) -> tuple[dict[str, sc.Variable], sc.Variable, list[str]]:
    """Means after the part that energy and volume need to settle."""
    from caloris.atoms.block_statistics import average, equilibration

    conditions = inputs["conditions"]
    time = observables.coords["time"]
    leading = [name for name in ("potential_energy", "volume") if _varies(observables, name)]
    first = max((equilibration(observables[name]).start for name in leading), default=0)
    cautions = []
    ramp = conditions["final_temperature"] != conditions["temperature"]
    if ramp:
        first = 0
        cautions.append("the temperature was ramped: the means are over the whole ramp, no equilibrium")
    elif first > 0.5 * len(time):
        cautions.append(
            f"{100 * first / len(time):.0f} % are left out: energy or volume drifts, or hops between two states; "
            "look at the plot and run longer"
        )
    found = {}
    for name in _AVERAGED:
        if name in observables and _varies(observables, name):
            mean = average(observables[name], start=first)
            found[name] = mean.data
            caution = str(mean.coords["caution"].value)
            if name in leading and caution and first <= 0.5 * len(time):
                cautions.append(f"{name.replace('_', ' ')}: {caution}")
        elif name in observables:
            value = observables[name]
            found[name] = sc.scalar(float(value.values[0]), variance=0.0, unit=value.unit)
    T = found.get("temperature")
    if T is not None and not ramp and abs(T.value / conditions["temperature"] - 1) > 0.05:
        cautions.append(
            f"the mean temperature is {T.value:.1f} K, not {conditions['temperature']:g} K"
            + (": NVE has no thermostat" if conditions["ensemble"] == "NVE" else "; run longer")
        )
    left_out = sc.scalar(float(time.values[first] - time.values[0]), unit=time.unit)
    return found, left_out, cautions


def _varies(observables: sc.Dataset, name: str) -> bool:
    return name in observables and bool(np.ptp(observables[name].values) > 1e-10 * abs(observables[name].values[0]))


def _per_mass(averages: dict[str, sc.Variable], mass: float) -> None:
    def scaled(name: str, factor: float, unit: str) -> sc.Variable:
        value = averages[name]
        return sc.scalar(value.value * factor, variance=value.variance * factor**2, unit=unit)

    averages["specific_volume"] = scaled("volume", _M3_PER_KG / mass, "m^3/kg")
    if "enthalpy" in averages:  # a calculator without stress has none at constant volume
        averages["specific_enthalpy"] = scaled("enthalpy", _JOULE_PER_KG / mass, "J/kg")
    volume = averages["specific_volume"]
    density = 1.0 / volume.value
    averages["density"] = sc.scalar(density, variance=volume.variance * density**4, unit="kg/m^3")


def final_file(folder: Path, atoms: "Atoms", segment: "Segment") -> None:
    """Write the last frame of a simulation, in full precision.

    Parameters
    ----------
    folder:
        Where it lives.
    atoms:
        Its structure, for elements and masses.
    segment:
        The last stretch.
    """
    from ase.units import fs

    momenta = None
    if segment.velocities is not None:
        momenta = segment.velocities[-1] / (1000 * fs) * atoms.get_masses()[:, None]
    with whole(folder / FINAL) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            numbers=atoms.numbers,
            masses=atoms.get_masses(),
            positions=segment.positions[-1],
            cell=segment.cell[-1],
            momenta=np.zeros((0, 3)) if momenta is None else momenta,
        )


def read_final(folder: str | Path) -> "Atoms":
    """Read the last structure of a simulation, with its velocities.

    Parameters
    ----------
    folder:
        Where the simulation lives.

    Returns
    -------
    :
        The structure; positions go on across the faces of the cell.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> read_final("nowhere")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: nowhere/final.npz: no last structure of a simulation
    """
    from ase import Atoms

    path = Path(folder) / FINAL
    try:
        with np.load(path) as data:
            atoms = Atoms(
                numbers=data["numbers"], positions=data["positions"], cell=data["cell"], pbc=True, masses=data["masses"]
            )
            if len(data["momenta"]):
                atoms.set_momenta(data["momenta"])
    except (OSError, ValueError, KeyError, BadZipFile):
        raise InputError(f"{path}: no last structure of a simulation") from None
    return atoms
