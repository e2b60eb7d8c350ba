"""Hysteresis of a transition: volume along a ramp of temperature upwards and back, at a constant rate.

The temperature of each branch is the middle of the step in V(T) = (a + b T) + (c + d T)/(1 + exp(-(T - T_t)/w)). A
ramp is no equilibrium: the transition comes late by what nucleation needs, and the loop grows with the rate.
Source: Supplementary Fig. 6 of Sau et al., Sci. Rep. (2021), 100 K/ns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.atoms.molecular_dynamics import simulate
from caloris.atoms.simulation import Simulation
from caloris.errors import InputError
from caloris.files import output_folder, whole, write_json
from caloris.materials.force_field import ForceField
from caloris.units import Quantity, magnitude, to_json

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.figure import Figure

Progress = Callable[[str, float], None]
_OWN = ("temperature", "final_temperature", "duration", "pressure", "folder", "progress")


@dataclass(frozen=True)
class Branch:
    """One direction of a loop."""

    direction: str
    volume: sc.DataArray
    """Mean volume in bins of temperature, standard errors of the scatter as variances; bin edges in K."""
    transition_temperature: sc.Variable | None
    """K, with its error; None if there is no step."""
    volume_change: sc.Variable | None
    """High phase minus low phase at the transition, relative to the low phase."""


@dataclass(frozen=True)
class HysteresisLoop:
    """Volume over temperature, upwards and back; made by :func:`hysteresis_loop`."""

    heating: Branch
    cooling: Branch
    rate: sc.Variable
    """K/ns."""
    pressure: sc.Variable
    cautions: list[str]

    @property
    def width(self) -> sc.Variable | None:
        """Transition temperature on heating minus that on cooling, K; None if one of them is not in the loop."""
        up, down = self.heating.transition_temperature, self.cooling.transition_temperature
        return None if up is None or down is None else up - down

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain values."""
        return {
            "rate": to_json(self.rate),
            "pressure": to_json(self.pressure),
            "width": to_json(self.width),
            **{
                branch.direction: {
                    "transition_temperature": to_json(branch.transition_temperature),
                    "volume_change": to_json(branch.volume_change),
                }
                for branch in (self.heating, self.cooling)
            },
            "cautions": self.cautions,
        }

    def summary(self) -> str:
        """Return the numbers in a few lines for people."""
        lines = [f"ramp of {self.rate.value:g} K/ns at {self.pressure.value:g} MPa"]
        for branch in (self.heating, self.cooling):
            if branch.transition_temperature is None or branch.volume_change is None:
                lines.append(f"  {branch.direction}: no single step stands out")
                continue
            T, dv = branch.transition_temperature, branch.volume_change
            lines.append(
                f"  {branch.direction}: {T.value:.1f} ± {T.variance**0.5:.1f} K, "
                f"volume {100 * dv.value:+.2f} ± {100 * dv.variance**0.5:.2f} %"
            )
        if self.width is not None:
            lines.append(f"  hysteresis {self.width.value:.1f} ± {self.width.variance**0.5:.1f} K")
        return "\n".join([*lines, *(f"  warning: {caution}" for caution in self.cautions)])

    def __str__(self) -> str:
        return self.summary()

    def plot(self) -> "Figure":
        """Draw volume over temperature, both branches.

        Returns
        -------
        :
            A matplotlib figure.
        """
        from caloris.atoms.figures import plot_hysteresis

        return plot_hysteresis(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Write hysteresis.json, hysteresis.csv and hysteresis.png.

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
        files = [place / f"hysteresis.{suffix}" for suffix in ("json", "csv", "png")]
        write_json(files[0], self.to_json())
        rows = ["direction,temperature/K,volume/angstrom^3,error/angstrom^3"]
        for branch in (self.heating, self.cooling):
            centres = sc.midpoints(branch.volume.coords["temperature"]).values
            errors = np.sqrt(branch.volume.variances)
            for T, volume, error in zip(centres, branch.volume.values, errors, strict=True):
                rows.append(f"{branch.direction},{T:.3f},{volume:.4f},{error:.4f}")
        with whole(files[1]) as temporary:
            temporary.write_text("\n".join(rows) + "\n", encoding="utf-8")
        with whole(files[2]) as temporary:
            self.plot().savefig(temporary, dpi=150)
        return files


def hysteresis_loop(
    structure: "Atoms",
    force_field: ForceField | str | Path | None,
    *,
    low: Quantity,
    high: Quantity,
    folder: str | Path,
    rate: Quantity = "100 K/ns",
    pressure: Quantity = "0 MPa",
    hold: Quantity = "10 ps",
    bins: int = 40,
    progress: Progress | None = None,
    **settings: Any,
) -> HysteresisLoop:
    """Heat a crystal through its transition and cool it back, both at a constant rate.

    Parameters
    ----------
    structure:
        The low-temperature phase, an ordered supercell.
    force_field:
        A force field, its name or its path.
    low, high:
        Ends of the loop.
    folder:
        Where the three simulations live (hold, heating, cooling); goes on after a stop.
    rate:
        Of both ramps.
    pressure:
        Held all the while.
    hold:
        How long to stay at the low end before.
    bins:
        Of temperature, in the result.
    progress:
        Called with words and the part that is done.
    settings:
        Anything else that :func:`caloris.atoms.simulate` takes.

    Returns
    -------
    :
        The loop.

    Raises
    ------
    InputError
        If the ends are the wrong way round, or a setting is not one of a simulation.
    ComputationError
        If a run explodes.

    Examples
    --------
    >>> from caloris.materials import load
    >>> alpha = load("Li2B12H12").structure("alpha").repeat(2)
    >>> hysteresis_loop(alpha, "Li2B12H12", low="500 K", high="300 K", folder="loop")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: low, high: 500 K is not below 300 K
    """
    T_low = magnitude(low, "K", "low", positive=True)
    T_high = magnitude(high, "K", "high", positive=True)
    speed = magnitude(rate, "K/ns", "rate", positive=True, interval=True)
    if T_low >= T_high:
        raise InputError(f"low, high: {T_low:g} K is not below {T_high:g} K")
    for name in settings:
        if name in _OWN:
            raise InputError(f"{name}: the loop sets it itself")
    if settings.get("ensemble", "NPT") != "NPT":
        raise InputError("ensemble: the loop looks at the volume, so it must be NPT")
    place = output_folder(folder)
    report = progress or (lambda words, part: None)
    duration = f"{(T_high - T_low) / speed * 1000!r} ps"
    settings = {"velocities": True, **settings, "pressure": pressure}

    def part(first: float, span: float, name: str) -> Progress:
        return lambda words, done: report(f"{name}, {words}", first + span * done)

    start = simulate(
        structure,
        force_field,
        temperature=f"{T_low} K",
        duration=hold,
        folder=place / "hold",
        progress=part(0.0, 0.02, "hold"),
        **settings,
    )
    heating = simulate(
        start.final,
        force_field,
        temperature=f"{T_low} K",
        final_temperature=f"{T_high} K",
        duration=duration,
        folder=place / "heating",
        progress=part(0.02, 0.49, "heating"),
        **settings,
    )
    cooling = simulate(
        heating.final,
        force_field,
        temperature=f"{T_high} K",
        final_temperature=f"{T_low} K",
        duration=duration,
        folder=place / "cooling",
        progress=part(0.51, 0.49, "cooling"),
        **settings,
    )
    edges = np.linspace(T_low, T_high, bins + 1)
    branches = [_branch("heating", heating, edges), _branch("cooling", cooling, edges)]
    cautions = [f"at {speed:g} K/ns the transitions come late: the loop is wider than at rest"]
    return HysteresisLoop(
        branches[0],
        branches[1],
        sc.scalar(speed, unit="K/ns"),
        sc.scalar(magnitude(pressure, "MPa", "pressure"), unit="MPa"),
        cautions,
    )


def _branch(direction: str, simulation: Simulation, edges: np.ndarray) -> Branch:
    observables = simulation.trajectory.observables
    held = simulation.inputs["conditions"]
    time = observables.coords["time"].values
    span = held["final_temperature"] - held["temperature"]
    T = held["temperature"] + span * time / time[-1]
    volume = observables["volume"].values
    binned = bin_means(T, volume, edges)
    step = fit_step(sc.midpoints(binned.coords["temperature"]).values, binned.values, binned.variances)
    if step is None:
        return Branch(direction, binned, None, None)
    temperature, change = step
    return Branch(
        direction,
        binned,
        sc.scalar(temperature[0], variance=temperature[1] ** 2, unit="K"),
        sc.scalar(change[0], variance=change[1] ** 2, unit="dimensionless"),
    )


def bin_means(temperature: np.ndarray, values: np.ndarray, edges: np.ndarray) -> sc.DataArray:
    """Average a fluctuating series in bins of temperature.

    Parameters
    ----------
    temperature:
        K, of every value.
    values:
        Volume, angstrom^3.
    edges:
        Of the bins, K; every bin must hold ten values or more.

    Returns
    -------
    :
        Means; standard errors from the correlation time of the whole ramp as variances.

    Raises
    ------
    InputError
        If a bin holds fewer than ten values, or fewer than three independent ones.
    """
    from caloris.atoms.block_statistics import statistical_inefficiency

    rows = np.clip(np.digitize(temperature, edges) - 1, 0, len(edges) - 2)
    groups = [values[rows == row] for row in range(len(edges) - 1)]
    if min(len(group) for group in groups) < 10:
        raise InputError(f"bins: {len(groups)} are too many for {len(values)} values; take fewer, or a slower ramp")
    means = np.array([group.mean() for group in groups])
    # one correlation time for all bins, which are too short to see it: of eighths of the ramp, each about a line of its
    # own; the median leaves out the eighth that has the step
    eighths = zip(np.array_split(temperature, 8), np.array_split(values, 8), strict=True)
    samples = float(np.median([statistical_inefficiency(v - np.polyval(np.polyfit(T, v, 1), T)) for T, v in eighths]))
    if samples > min(len(group) for group in groups) / 3:
        raise InputError(
            f"bins: {len(groups)} are too many, one independent value takes {samples:.0f} of "
            f"{min(len(group) for group in groups)} in a bin; take fewer, or a slower ramp"
        )
    variances = np.array(
        [group.var(ddof=1) * samples / (len(group) - min(samples, len(group) - 1)) for group in groups]
    )
    return sc.DataArray(
        sc.array(dims=["temperature"], values=means, variances=variances, unit="angstrom^3"),
        coords={"temperature": sc.array(dims=["temperature"], values=edges, unit="K")},
    )


def fit_step(
    temperature: np.ndarray, volume: np.ndarray, variance: np.ndarray
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Fit a step between two straight lines.

    Parameters
    ----------
    temperature:
        K.
    volume, variance:
        Angstrom^3 and its square.

    Returns
    -------
    :
        Temperature of the middle (K) and relative change of volume there, each with its error; None where a parabola
        does as well.

    Examples
    --------
    >>> T = np.linspace(300.0, 500.0, 81)
    >>> V = 100.0 + 0.01 * (T - 300.0) + 5.0 / (1 + np.exp(-(T - 410.0) / 3.0))
    >>> (T_t, _), (change, _) = fit_step(T, V, np.full(81, 0.01))
    >>> round(T_t, 3), round(change, 4)
    (410.0, 0.0495)
    """
    from scipy.optimize import least_squares

    weight = 1.0 / np.sqrt(variance)
    scale = np.ptp(temperature)
    x = (temperature - temperature.mean()) / scale

    def model(p: np.ndarray) -> np.ndarray:
        found: np.ndarray = p[0] + p[1] * x + (p[2] + p[3] * x) / (1.0 + np.exp(-np.clip((x - p[4]) / p[5], -60, 60)))
        return found

    straight = np.polyfit(x, volume, 2, w=weight)
    without = float(((np.polyval(straight, x) - volume) ** 2 * weight**2).sum())
    best = None
    for middle in np.linspace(x[0], x[-1], 11)[1:-1]:
        start = [volume[0], 0.0, np.ptp(volume), 0.0, middle, max(0.03, 0.5 / len(x))]
        found = least_squares(
            lambda p: (model(p) - volume) * weight,
            start,
            bounds=([-np.inf] * 4 + [x[0], 0.25 / len(x)], [np.inf] * 4 + [x[-1], 0.25]),
            x_scale=np.maximum(np.abs(start), 1e-2),
        )
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    chi_square, degrees = 2 * best.cost, max(len(x) - 6, 1)
    p = best.x
    # three more numbers than the parabola: no step where they gain no more than noise would
    if without - chi_square < 16.0 * max(chi_square / degrees, 1.0) or not x[1] < p[4] < x[-2]:
        return None
    covariance = np.linalg.pinv(best.jac.T @ best.jac) * max(chi_square / degrees, 1.0)
    low = p[0] + p[1] * p[4]
    step = p[2] + p[3] * p[4]
    gradient = np.array([-step / low**2, -step * p[4] / low**2, 1 / low, p[4] / low, 0.0, 0.0])
    return (
        (float(p[4] * scale + temperature.mean()), float(np.sqrt(covariance[4, 4]) * scale)),
        (float(step / low), float(np.sqrt(gradient @ covariance @ gradient))),
    )
