"""How long is long enough: what a simulation says after a part of it, and how its error falls with length.

The mean over the first t of the equilibrated run against the mean over all of it; the standard error falls as t^(-1/2)
once t is long against the correlation time. Errors of energies are relative to the kinetic energy. Source:
Supplementary Fig. 7 of Sau et al., Sci. Rep. (2021), where energy, structure and diffusion are converged after 2 ns.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.atoms.simulation import Simulation
from caloris.errors import InputError
from caloris.files import output_folder, whole, write_json
from caloris.units import Quantity, magnitude, to_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ENERGIES = ("potential_energy", "total_energy", "enthalpy")
_LEAST = 200
"""Values that the shortest part must have."""


@dataclass(frozen=True)
class Convergence:
    """Means over growing parts of a simulation; made by :func:`convergence`."""

    name: str
    """What it is of."""
    means: dict[str, sc.DataArray]
    """Over ``time``: mean and standard error (as variance) after so long."""
    needed: dict[str, sc.Variable]
    """How long a run must be for the stated relative error, ps."""
    scales: dict[str, float]
    """What the errors are relative to: the mean; for energies, whose zero means nothing, the mean kinetic energy."""
    tolerance: float
    cautions: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain values."""
        return {
            "name": self.name,
            "tolerance": self.tolerance,
            "means": {
                name: {"time": to_json(mean.coords["time"]), "mean": to_json(mean.data)}
                for name, mean in self.means.items()
            },
            "needed": {name: to_json(value) for name, value in self.needed.items()},
            "cautions": self.cautions,
        }

    def summary(self) -> str:
        """Return the numbers in a few lines for people."""
        lines = [f"{self.name}: relative standard error, and the length that brings it to {100 * self.tolerance:g} %"]
        for name, mean in self.means.items():
            error = float(np.sqrt(mean.variances[-1]) / abs(self.scales[name]))
            length = float(mean.coords["time"].values[-1])
            lines.append(
                f"  {name.replace('_', ' '):18s} {100 * error:8.3g} % after {length:g} ps, "
                f"needs {self.needed[name].value:.3g} ps"
            )
        return "\n".join([*lines, *(f"  warning: {caution}" for caution in self.cautions)])

    def __str__(self) -> str:
        return self.summary()

    def plot(self) -> "Figure":
        """Draw every mean over the length of the run.

        Returns
        -------
        :
            A matplotlib figure.
        """
        from caloris.atoms.figures import plot_convergence

        return plot_convergence(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Write convergence.json and convergence.png.

        Parameters
        ----------
        folder:
            Made if absent.

        Returns
        -------
        :
            The files.
        """
        place = output_folder(folder)
        files = [place / "convergence.json", place / "convergence.png"]
        write_json(files[0], self.to_json())
        with whole(files[1]) as temporary:
            self.plot().savefig(temporary, dpi=150)
        return files


def convergence(
    simulation: Simulation,
    *,
    quantities: tuple[str, ...] = ("volume", "enthalpy", "potential_energy"),
    parts: int = 8,
    tolerance: Quantity | float = 1e-3,
) -> Convergence:
    """Say how the means of a simulation and their errors change with its length.

    Parameters
    ----------
    simulation:
        At one temperature; its equilibration is left out.
    quantities:
        Observables.
    parts:
        How many lengths, each 2^(1/2) times the one before, up to the whole.
    tolerance:
        Relative standard error that is asked for.

    Returns
    -------
    :
        Means with errors over the length, and the length that the error asked for needs.

    Raises
    ------
    InputError
        If the simulation is a ramp, too short, or has no such observable.

    Examples
    --------
    >>> from caloris.atoms import open_simulation
    >>> convergence(open_simulation("nowhere"))
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: nowhere: no finished simulation there
    """
    goal = magnitude(tolerance, "dimensionless", "tolerance", positive=True)
    held = simulation.inputs["conditions"]
    if held["temperature"] != held["final_temperature"]:
        raise InputError(f"{simulation.folder}: a ramp of temperature does not converge; simulate at one temperature")
    observables = simulation.trajectory.observables
    time = observables.coords["time"].values
    kept = time > time[0] + simulation.equilibration.value - 1e-9
    lengths = _lengths(int(kept.sum()), parts)
    if not lengths:
        raise InputError(f"{simulation.folder}: only {int(kept.sum())} values after equilibration; simulate longer")
    means, needed, scales, cautions = {}, {}, {}, []
    for name in quantities:
        if name not in observables:
            raise InputError(f"quantities: {name!r} was not kept; there are {', '.join(observables)}")
        values = observables[name].values[kept]
        mean, slowest = running_means(values, lengths, float(time[1] - time[0]))
        mean.unit = observables[name].unit
        means[name] = mean
        relative = float(np.sqrt(mean.variances[-1])) / abs(_scale(name, mean, observables, kept))
        scales[name] = _scale(name, mean, observables, kept)
        length = float(mean.coords["time"].values[-1])
        needed[name] = sc.scalar(length * (relative / goal) ** 2, unit="ps")
        if slowest > lengths[-1] / 20:
            cautions.append(
                f"{name.replace('_', ' ')}: one independent sample takes {slowest * (time[1] - time[0]):.3g} ps, "
                "more than a twentieth of the run: its error is a guess"
            )
    contents = ", ".join(f"{count} {name}" for name, count in simulation.inputs["structure"]["contents"].items())
    return Convergence(f"{contents} at {held['temperature']:g} K", means, needed, scales, goal, cautions)


def _scale(name: str, mean: sc.DataArray, observables: sc.Dataset, kept: np.ndarray) -> float:
    """What an error is relative to: the mean, or for energies, whose zero means nothing, the kinetic energy."""
    if name in _ENERGIES:
        return float(observables["kinetic_energy"].values[kept].mean())
    return float(mean.values[-1])


def _lengths(whole_length: int, parts: int) -> list[int]:
    lengths = [round(whole_length / 2 ** (k / 2)) for k in range(parts)]
    return sorted(length for length in lengths if length >= _LEAST)


def running_means(values: np.ndarray, lengths: list[int], step: float) -> tuple[sc.DataArray, float]:
    """Return mean and standard error over the first so many values, with one correlation time for all.

    Parameters
    ----------
    values:
        A stationary series.
    lengths:
        How many values each mean takes.
    step:
        Time between values, ps.

    Returns
    -------
    :
        Means over ``time`` (ps) without a unit, and how many values make one independent sample.

    Examples
    --------
    >>> series = np.random.default_rng(1).normal(10.0, 1.0, 10000)
    >>> means, samples = running_means(series, [2500, 10000], 0.1)
    >>> [round(float(error), 3) for error in np.sqrt(means.variances)], means.coords["time"].values.tolist()
    ([0.02, 0.01], [250.0, 1000.0])
    """
    from caloris.atoms.block_statistics import statistical_inefficiency

    samples = statistical_inefficiency(values)
    spread = float(np.var(values, ddof=1))
    means = [float(values[:length].mean()) for length in lengths]
    variances = [spread * samples / length for length in lengths]
    data = sc.DataArray(
        sc.array(dims=["time"], values=means, variances=variances),
        coords={"time": sc.array(dims=["time"], values=[length * step for length in lengths], unit="ps")},
    )
    return data, samples
