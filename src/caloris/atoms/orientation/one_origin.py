"""The cosine of the angle to one initial orientation, averaged over molecules, and the time at which it vanishes.

cos theta(t - t0) = n(t).n(t0) from one origin t0 only. Its first zero is a poor lifetime: the average decays to noise
of size 1 / sqrt(independent vectors) and crosses zero only where it has sunk into that, so that the time grows with the
logarithm of the number of molecules and scatters from origin to origin. It is here because it is what was published.
Source: thermal batteries paper, Methods, eq. 8: frames every 200 fs, 40 ps, one origin. Units: ps.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import mean_of_groups
from caloris.atoms.orientation.correlation import crossing
from caloris.atoms.orientation.unit_vectors import batches, followed, unit_vectors
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]

_DRAWS = 400
"""Draws of molecules with replacement."""
_ORIGINS = 32
"""Most other origins."""


@dataclass(frozen=True)
class OneOrigin:
    """Averaged cosine from one origin and what its first zero is worth."""

    cosine: sc.DataArray
    """Dimension ``time`` (ps since the origin), variance from the scatter between molecules."""
    origin: sc.Variable
    """ps."""
    first_zero: sc.Variable
    """ps, NaN if it does not vanish; variance from drawing molecules anew, NaN if most draws do not."""
    interval: tuple[sc.Variable, sc.Variable]
    """68 % of the draws that vanish, ps."""
    never: float
    """Share of the draws that do not vanish within the duration."""
    other_origins: sc.Variable
    """First zero from other origins of the same run, dimension ``origin``, ps; NaN where it does not vanish."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        low, high = (float(end.value) for end in self.interval)
        return f"<OneOrigin: first zero at {self.first_zero.value:.3g} ps, 68 % of draws in {low:.3g} to {high:.3g} ps>"


def one_origin_cosine(
    trajectory: Trajectory,
    *,
    bond: tuple[str, str] | None = None,
    molecule: str | None = None,
    origin: Quantity = "0 ps",
    frame_interval: Quantity = "200 fs",
    duration: Quantity = "40 ps",
    seed: int = 1,
) -> OneOrigin:
    """Return the averaged cosine of the angle to one initial orientation, and the scatter of its first zero.

    Parameters
    ----------
    trajectory:
        At least 8 frames at the interval.
    bond, molecule:
        As for :func:`caloris.atoms.orientation.correlation.orientation_correlation`.
    origin:
        The initial time, since the first frame.
    frame_interval:
        Between the frames that are looked at; the nearest that the trajectory has.
    duration:
        Longest time since the origin; less where the trajectory ends before.
    seed:
        Of the draws.

    Returns
    -------
    :
        The averaged cosine, its first zero, and how that scatters if molecules are drawn anew or other origins taken.

    Raises
    ------
    InputError
        If there are no such bonds or molecules, or the origin leaves too few frames.

    Source
    ------
    Thermal batteries paper, Methods, eq. 8 and Extended Data Fig. 6.
    """
    step = float(trajectory.timestep.value)
    every = max(1, round(magnitude(frame_interval, "ps", "frame_interval", positive=True) / step))
    first = round(magnitude(origin, "ps", "origin") / step)
    wanted = round(magnitude(duration, "ps", "duration", positive=True) / (step * every))
    available = (len(trajectory) - 1 - first) // every if 0 <= first < len(trajectory) else 0
    count = min(wanted, available) + 1
    if count < 8:
        raise InputError(f"{trajectory.path}: the origin {first * step:g} ps leaves {count} frames; 8 are needed")
    latest = len(trajectory) - 1 - (count - 1) * every
    starts = [first, *np.unique(np.linspace(0, latest, _ORIGINS).astype(int)).tolist()]
    curves = np.stack(list(_cosines(trajectory, bond, molecule, starts, every, count)), axis=-1)
    time = step * every * np.arange(count)
    zeros = np.array([crossing(time, curve, 0.0) for curve in curves[1:].mean(axis=-1)])
    low, high, error, never = _drawn(time, curves[0], seed)
    mean, scatter = mean_of_groups(curves[0], np.ones(curves.shape[-1]))
    cosine = sc.array(dims=["time"], values=mean, variances=scatter**2, unit="one")
    warnings = (f"The trajectory allows {time[-1]:g} ps from this origin.",) if count <= wanted else ()
    return OneOrigin(
        cosine=sc.DataArray(cosine, coords={"time": sc.array(dims=["time"], values=time, unit="ps")}, name="cosine"),
        origin=sc.scalar(first * step, unit="ps"),
        first_zero=sc.scalar(crossing(time, mean, 0.0), variance=error**2, unit="ps"),
        interval=(sc.scalar(low, unit="ps"), sc.scalar(high, unit="ps")),
        never=never,
        other_origins=sc.array(dims=["origin"], values=zeros, unit="ps"),
        warnings=warnings,
    )


def _cosines(
    trajectory: Trajectory,
    bond: tuple[str, str] | None,
    molecule: str | None,
    starts: list[int],
    every: int,
    count: int,
) -> Iterator[Array]:
    """Mean cosine over the vectors of a molecule, from every start (starts, times); one molecule after the other."""
    for batch in batches(trajectory, followed(trajectory, bond, molecule)):
        for u in unit_vectors(trajectory, batch):
            later = [u[start : start + (count - 1) * every + 1 : every] for start in starts]
            yield np.array([np.einsum("tvj,vj->t", v, v[0]) / u.shape[1] for v in later])


def _drawn(time: Array, curves: Array, seed: int) -> tuple[float, float, float, float]:
    """68 % interval and standard deviation of the first zero over draws of molecules, and share that has none."""
    molecules = curves.shape[-1]
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(molecules, np.full(molecules, 1 / molecules), _DRAWS) / molecules
    zeros = np.array([crossing(time, curve, 0.0) for curve in draws @ curves.T])
    found = zeros[np.isfinite(zeros)]
    never = 1 - len(found) / _DRAWS
    if never > 0.5:
        return math.nan, math.nan, math.nan, never
    low, high = np.quantile(found, [0.16, 0.84])
    return float(low), float(high), float(np.std(found)), never
