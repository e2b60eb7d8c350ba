"""How far molecules stray from their mean places: standard deviation of their centres of mass.

sigma^2 = <|r - <r>|^2> in the frame that breathes and drifts with the crystal; the mean place is taken from the run
itself, and what that takes away from a correlated series is put back. Units: angstrom.
Source: supplement of the Li2B12H12 paper, Fig. 4.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import ENOUGH, statistical_inefficiency
from caloris.atoms.orientation.crystal_frame import bodies, centres_of_mass, crystal_frame, state_of
from caloris.atoms.parallel import Progress
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]

_SHORTEST = 32
"""Fewer frames make no fluctuation."""
_ROUNDING = 1e-7
"""Of a coordinate, in single precision."""


@dataclass(frozen=True)
class Fluctuation:
    """Standard deviation of positions about their means."""

    value: sc.Variable
    """sqrt(<|r - <r>|^2>), angstrom, with variance: the larger of the scatters between bodies and over time."""
    mean_square: sc.Variable
    """Its square, angstrom^2, with variance."""
    bodies: int
    independent: float
    """Independent samples in time of the mean square over all bodies."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Fluctuation: {self.value.value:.4g} +- {math.sqrt(self.value.variance):.1g} angstrom>"


def position_fluctuation(
    trajectory: Trajectory, kind: str, *, site_displacement: Quantity = "1 angstrom"
) -> Fluctuation:
    """Return how far centres of mass stray from their mean places.

    Parameters
    ----------
    trajectory:
        In equilibrium, at least 32 frames.
    kind:
        Formula of molecules, for example ``"B12H12"``, or an element.
    site_displacement:
        A body whose mean places in the two halves of the run differ by more has left its site: a warning says so.

    Returns
    -------
    :
        The standard deviation with its error.

    Raises
    ------
    InputError
        If there are no such bodies, or too few frames.

    Source
    ------
    Li2B12H12 paper, supplementary Fig. 4.
    """
    from scipy.special import stdtrit

    frames = len(trajectory)
    if frames < _SHORTEST:
        raise InputError(f"{trajectory.path}: {frames} frames are too few; fluctuations need {_SHORTEST}")
    limit = magnitude(site_displacement, "angstrom", "site_displacement", positive=True)
    frame, members = crystal_frame(trajectory), bodies(trajectory, kind)
    each, moved = [], 0
    over_time = np.zeros(frames)
    smallest = 0.0
    for _, fractional in centres_of_mass(trajectory, members, frame):
        x = (fractional - fractional.mean(axis=0)) @ frame.cell
        smallest = max(smallest, (_ROUNDING * float(np.abs(fractional @ frame.cell).max())) ** 2)
        halves = x[: frames // 2].mean(axis=0) - x[frames - frames // 2 :].mean(axis=0)
        moved += int(np.sum(np.linalg.norm(halves, axis=-1) > limit))
        each += [_unbiased(x[:, m]) for m in range(x.shape[1])]
        over_time += (x**2).sum(axis=(1, 2))
    mean = float(np.mean(each))
    if mean <= smallest:
        return _frozen(len(each))
    between = float(np.std(each, ddof=1)) / math.sqrt(len(each)) if len(each) > 1 else 0.0
    independent = frames / statistical_inefficiency(over_time)
    # few independent samples: their scatter is widened as by Student, and by what the mean place takes away
    widening = float(stdtrit(max(independent - 1, 1.0), 0.8413447)) * mean * frames / float(over_time.sum() / len(each))
    in_time = widening * float(np.std(over_time)) / len(each) / math.sqrt(max(independent - 1, 1.0))
    error = max(between, in_time)
    warnings = []
    if independent < ENOUGH:
        warnings.append(f"Only {independent:.1f} independent samples in time: the error is a guess, run longer.")
    if moved:
        warnings.append(f"{moved} of {len(each)} bodies left their sites: this is no vibration about a mean place.")
    return Fluctuation(
        value=sc.scalar(math.sqrt(mean), variance=(error / (2 * math.sqrt(mean))) ** 2, unit="angstrom"),
        mean_square=sc.scalar(mean, variance=error**2, unit="angstrom^2"),
        bodies=len(each),
        independent=independent,
        warnings=tuple(warnings),
    )


def _frozen(count: int) -> Fluctuation:
    """What stays where it is to the last digit: no fluctuation, and no error that could be told."""
    return Fluctuation(
        value=sc.scalar(0.0, variance=math.nan, unit="angstrom"),
        mean_square=sc.scalar(0.0, variance=math.nan, unit="angstrom^2"),
        bodies=count,
        independent=math.nan,
        warnings=("No body moves at all: this is no simulation of motion, and there is no error.",),
    )


def relative_fluctuation(
    trajectories: Iterable[Trajectory],
    kind: str,
    *,
    reference: Quantity = "0 MPa",
    states: Iterable[tuple[Quantity, Quantity]] | None = None,
    progress: Progress | None = None,
) -> sc.DataArray:
    """Return by how much fluctuations differ from those at a reference pressure, at each temperature.

    Parameters
    ----------
    trajectories:
        In equilibrium, one for each state.
    kind:
        As for :func:`position_fluctuation`.
    reference:
        The pressure to compare with.
    states:
        Pressure and temperature of each; by default what the runs say.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        sigma(p, T) / sigma(reference, T) - 1 with variances, dimensions ``pressure`` (MPa) and ``temperature`` (K); NaN
        where a run is missing. Coordinate ``fluctuation``: sigma itself, angstrom, with variances.

    Raises
    ------
    InputError
        If the reference pressure is missing, or as for :func:`position_fluctuation`.

    Source
    ------
    Li2B12H12 paper, supplementary Fig. 4.
    """
    runs = list(trajectories)
    if states is None:
        found = [state_of(run) for run in runs]
    else:
        found = [(magnitude(p, "MPa", "pressure"), magnitude(T, "K", "temperature", positive=True)) for p, T in states]
    zero = magnitude(reference, "MPa", "reference")
    if len(found) != len(runs) or not any(math.isclose(p, zero, abs_tol=1e-6) for p, _ in found):
        raise InputError(f"trajectories: expected a state for each and runs at the reference {zero:g} MPa among them")
    pressures, temperatures = (np.unique(column) for column in zip(*found, strict=True))
    sigma, variance = (np.full((len(pressures), len(temperatures)), math.nan) for _ in range(2))
    for number, (run, (p, T)) in enumerate(zip(runs, found, strict=True), start=1):
        value = position_fluctuation(run, kind).value
        at = np.searchsorted(pressures, p), np.searchsorted(temperatures, T)
        sigma[at], variance[at] = value.value, value.variance
        if progress is not None:
            progress("fluctuations", number / len(runs))
    row = int(np.flatnonzero(np.isclose(pressures, zero, atol=1e-6))[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sigma / sigma[row]
        relative = variance / sigma**2
    ratio[~np.isfinite(ratio)] = math.nan
    spread = ratio**2 * (relative + relative[row])
    spread[row] *= 0.0  # a run compared with itself
    dims = ["pressure", "temperature"]
    coords = {
        "pressure": sc.array(dims=["pressure"], values=pressures, unit="MPa"),
        "temperature": sc.array(dims=["temperature"], values=temperatures, unit="K"),
        "fluctuation": sc.array(dims=dims, values=sigma, variances=variance, unit="angstrom"),
    }
    data = sc.array(dims=dims, values=ratio - 1, variances=spread, unit="one")
    return sc.DataArray(data, coords=coords, name=f"relative fluctuation of {kind}")


def _unbiased(x: Array) -> float:
    """Mean square of (T, 3) about its mean, with what the mean of a correlated series takes away put back."""
    frames = len(x)
    found = 0.0
    for component in x.T:
        g = min(statistical_inefficiency(component), 0.9 * frames)
        found += float(component @ component) / frames / (1 - g / frames)
    return found
