"""Orientation correlation over time and the rate at which orientations are lost.

C1(t) = <u(0).u(t)>, C2(t) = <3 (u(0).u(t))^2 - 1> / 2 with unit vectors u along bonds, or from the centre of a molecule
to its vertices, over all time origins; for rotational diffusion exp(-2 D t) and exp(-6 D t). Units: ps, 1/s.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import (
    autocorrelation,
    halves_apart,
    in_parts,
    jackknife_of_parts,
    mean_of_groups,
    mean_of_parts,
)
from caloris.atoms.orientation.unit_vectors import Groups, batches, followed, unit_vectors
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.trajectory import Trajectory
from caloris.errors import ComputationError, InputError

Array = npt.NDArray[np.floating[Any]]
Order = Literal[1, 2]

_GROUPS = 20
"""Most groups of molecules that are left out one at a time for errors."""
_REPLICATES = 12
"""Fewer molecules than this are split in time as well."""
_FRAMES = 16
"""Fewer frames make no correlation."""
_AT_LEAST = 8
"""Batches of molecules, so that all cores have some."""


@dataclass(frozen=True)
class ReorientationRate:
    """How fast molecules turn."""

    rate: sc.Variable
    """lambda of amplitude exp(-lambda t) fitted to the correlation, 1/s, with variance."""
    amplitude: float
    """Of that exponential: what libration leaves of the correlation."""
    one_over_e: sc.Variable
    """Time at which the correlation falls to 1/e, ps, with variance; NaN if it does not."""
    first_zero: sc.Variable
    """Time at which the correlation first vanishes, ps; it depends on the number of molecules and the length of the
    run, so that it only serves to compare with published values of that definition. NaN if it does not vanish."""
    upper_bound: sc.Variable
    """The rate is below this with 95 % confidence, 1/s."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        error = math.sqrt(self.rate.variance)
        return f"<ReorientationRate: {self.rate.value:.3g} +- {error:.1g} 1/s, 1/e at {self.one_over_e.value:.3g} ps>"


@dataclass(frozen=True)
class Curves:
    """Correlations of groups of molecules."""

    time: Array
    """Lags (lags,), ps."""
    by_order: dict[int, Array]
    """C1 and C2 of every group (lags, groups)."""
    counts: Array
    """Molecules in each group; all groups of the first part of the run first."""
    molecules: int
    parts: int
    """Of the run, each with all molecules."""
    observed: float
    """Molecules times the length of the run, ps."""
    halves: dict[int, Array]
    """Mean over all molecules in each half of the run (lags of a half, 2), where it was asked for."""

    def mean(self, order: int) -> sc.DataArray:
        """Return the mean over groups with the variance from their scatter."""
        mean, error = mean_of_parts(self.by_order[order], self.counts, self.parts)
        values = sc.array(dims=["time"], values=mean, variances=error**2, unit="one")
        coords = {"time": sc.array(dims=["time"], values=self.time, unit="ps")}
        return sc.DataArray(values, coords=coords, name=f"orientation correlation C{order}")


def orientation_correlation(
    trajectory: Trajectory,
    *,
    bond: tuple[str, str] | None = None,
    molecule: str | None = None,
    order: Order = 1,
) -> sc.DataArray:
    """Return the orientation correlation C1 or C2 over time.

    Parameters
    ----------
    trajectory:
        At least 16 frames.
    bond:
        Elements of the bonds to follow, for example ``("N", "H")``.
    molecule:
        Instead: formula of the molecules, for example ``"B12H12"``; the vectors go from the centre of its atoms to
        those of the element that lies farthest out.
    order:
        1 or 2, of the Legendre polynomial.

    Returns
    -------
    :
        Dimension ``time`` (ps), up to half of the trajectory (less for fewer than 12 molecules, whose trajectory is
        cut into parts); the variance is from the scatter between molecules.

    Raises
    ------
    InputError
        If there are no such bonds or molecules, or too few frames.
    """
    return correlation_curves(trajectory, bond, molecule, [order]).mean(order)


def reorientation_rate(
    trajectory: Trajectory,
    *,
    bond: tuple[str, str] | None = None,
    molecule: str | None = None,
    order: Order = 1,
) -> ReorientationRate:
    """Return the rate at which orientations are lost, with its error.

    ``A exp(-lambda t)`` is fitted to the correlation from a tenth of its 1/e time (past libration, which takes 1 - A)
    to where it has fallen to a tenth; where it does not fall to 1/e, from a tenth of the longest time on. Errors come
    from leaving groups of molecules out, one at a time, or parts of the run where it was cut into 4 or more; what all
    molecules do together is not in them else, but a warning says where the two halves of the run differ.

    Parameters
    ----------
    trajectory, bond, molecule, order:
        As for :func:`orientation_correlation`.

    Returns
    -------
    :
        Rate, amplitude, 1/e time, first zero.

    Raises
    ------
    InputError
        As for :func:`orientation_correlation`.
    ComputationError
        If orientations are lost between two frames.
    """
    curves = correlation_curves(trajectory, bond, molecule, [order], halves=True)
    time, counts = curves.time, curves.counts
    (rate, amplitude, one_over_e), errors = jackknife_of_parts(
        lambda curve: np.array(decay(time, curve)), curves.by_order[order], counts, curves.parts
    )
    rate_error, _, time_error = (float(error) for error in errors)
    bound = max(float(rate), 0.0) + 1.645 * rate_error + 3 / curves.observed
    return ReorientationRate(
        rate=sc.scalar(1e12 * float(rate), variance=(1e12 * rate_error) ** 2, unit="1/s"),
        amplitude=float(amplitude),
        one_over_e=sc.scalar(float(one_over_e), variance=time_error**2, unit="ps"),
        first_zero=sc.scalar(crossing(time, mean_of_groups(curves.by_order[order], counts)[0], 0.0), unit="ps"),
        upper_bound=sc.scalar(1e12 * bound, unit="1/s"),
        warnings=doubts(time, float(rate), rate_error, float(one_over_e)) + rates_apart(curves, order, rate_error),
    )


def doubts(time: Array, rate: float, error: float, one_over_e: float) -> tuple[str, ...]:
    """Say why a rate (1/ps) may be doubted."""
    warnings = []
    if not math.isfinite(error):
        warnings.append("One group of molecules in one stretch of time: no error, and no bound; run longer.")
    if rate < 2 * error or math.isnan(one_over_e):
        warnings.append(
            f"The correlation does not fall to 1/e within {time[-1]:.3g} ps: the rate is rough, run longer."
        )
    if one_over_e < 3 * time[1]:
        warnings.append(f"The correlation falls to 1/e within 3 frames of {time[1]:g} ps: keep frames more often.")
    return tuple(warnings)


def rates_apart(curves: Curves, order: int, error: float) -> tuple[str, ...]:
    """Say that the rates of the two halves of the run differ by more than their errors (1/ps)."""
    if order not in curves.halves:
        return ()
    values, halves = curves.by_order[order], curves.halves[order]
    time = curves.time[: len(halves)]
    begin, end, _ = _window(curves.time, mean_of_groups(values, curves.counts)[0])

    def rate(curve: Array) -> Array:
        return np.array(_exponential(time, curve[: len(time)], begin, end)[0])

    try:
        both = rate(halves[:, 0]), rate(halves[:, 1])
        _, same = jackknife_of_parts(rate, values, curves.counts, curves.parts)  # in the lags that halves have
    except ComputationError:
        return ()
    first, second = (1e12 * float(one) for one in both)
    return halves_apart(f"rate of C{order}", (first, second), 1e12 * max(error, float(same)), "1/s")


def correlation_curves(
    trajectory: Trajectory,
    bond: tuple[str, str] | None,
    molecule: str | None,
    orders: Sequence[int],
    *,
    most: int = _GROUPS,
    halves: bool = False,
    progress: Progress | None = None,
) -> Curves:
    """Return the correlations of groups of molecules.

    Parameters
    ----------
    trajectory, bond, molecule:
        As for :func:`orientation_correlation`.
    orders:
        1, 2 or both.
    most:
        Most groups.
    halves:
        Whether each half of the run is looked at as well, which takes as long again as the whole.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        Correlations of every group.
    """
    if not set(orders) <= {1, 2}:
        raise InputError(f"order: expected 1 or 2, got {orders[0]!r}")
    molecules = followed(trajectory, bond, molecule)
    parts = max(1, min(-(-_REPLICATES // len(molecules)), len(trajectory) // _FRAMES))
    length = len(trajectory) // parts
    if length < _FRAMES:
        raise InputError(f"{trajectory.path}: {len(trajectory)} frames are too few; a correlation needs {_FRAMES}")
    lags = length // 2 + 1
    groups = min(len(molecules), max(2, most // parts))
    member = np.arange(len(molecules)) * groups // len(molecules)
    curves = np.zeros((len(orders), lags, parts, groups))
    apart = np.zeros((2, len(orders), len(trajectory) // 4 + 1)) if halves and parts == 1 else None

    def task(batch: Groups) -> tuple[Array, Array]:
        found, half = (
            np.empty((len(batch), len(orders), lags, parts)),
            np.zeros((2, len(orders), len(trajectory) // 4 + 1)),
        )
        for number, u in enumerate(unit_vectors(trajectory, batch)):
            for part in range(parts):
                piece = u[part * length : (part + 1) * length]
                found[number, :, :, part] = [legendre_correlation(piece, lags, order) for order in orders]
            if apart is not None:
                for k, piece in enumerate((u[: len(u) // 2], u[-(len(u) // 2) :])):
                    half[k] += [legendre_correlation(piece, half.shape[2], order) for order in orders]
        return found, half

    done = 0
    work = batches(trajectory, molecules, at_least=_AT_LEAST)
    for found, half in map_blocks(task, work, progress=progress, title="orientation correlation"):
        if apart is not None:
            apart += half / len(molecules)
        for one in found:
            curves[..., member[done]] += one
            done += 1
    counts = np.bincount(member, minlength=groups).astype(float)
    by_order = {order: (curves[k] / counts).reshape(lags, -1) for k, order in enumerate(orders)}
    time = float(trajectory.timestep.value) * np.arange(lags)
    counts = np.tile(counts / parts, parts)
    observed = len(molecules) * len(trajectory) * float(time[1])
    both: dict[int, Array] = {}
    if apart is not None:
        both = {order: apart[:, k].T for k, order in enumerate(orders)}
    elif halves:
        both = {order: _of_halves(by_order[order], counts, parts) for order in orders}
    return Curves(time, by_order, counts, len(molecules), parts, observed, both)


def _of_halves(values: Array, counts: Array, parts: int) -> Array:
    """Mean in each half of the run, (lags, 2), from the parts that it was cut into."""
    mean, half = in_parts(values, counts, parts)[0], parts // 2
    return np.stack([mean[:, :half].mean(axis=1), mean[:, -half:].mean(axis=1)], axis=1)


def legendre_correlation(u: Array, lags: int, order: int) -> Array:
    """Return C1 or C2 of unit vectors (T, vectors, 3), averaged over vectors; (lags,)."""
    if order == 1:
        return np.asarray(autocorrelation(u)[:lags].sum(axis=2).mean(axis=1))
    i, j = np.triu_indices(3)
    squares = autocorrelation(u[..., i] * u[..., j])[:lags]
    return np.asarray(1.5 * (squares @ np.where(i == j, 1.0, 2.0)).mean(axis=1) - 0.5)


def decay(time: Array, curve: Array) -> tuple[float, float, float]:
    """Return rate (1/ps) and amplitude of the exponential of a correlation, and its 1/e time (ps)."""
    begin, end, one_over_e = _window(time, curve)
    return (*_exponential(time, curve, begin, end), one_over_e)


def _window(time: Array, curve: Array) -> tuple[float, float, float]:
    """Where an exponential is fitted, and the 1/e time."""
    one_over_e = crossing(time, curve, math.exp(-1))
    begin = 0.1 * (one_over_e if math.isfinite(one_over_e) else float(time[-1]))
    end = crossing(time, curve, 0.1)
    return begin, end if math.isfinite(end) else float(time[-1]), one_over_e


def _exponential(time: Array, curve: Array, begin: float, end: float) -> tuple[float, float]:
    """Rate and amplitude."""
    keep = (time >= begin) & (time <= end) & (curve > 0)
    if np.count_nonzero(keep) < 3:
        raise ComputationError(
            f"orientations are lost within 3 frames of {time[1]:g} ps; keep frames more often to see their rate"
        )
    t, y = time[keep], curve[keep]
    # log C, weighted by C^2: errors of C are about the same at all times
    slope, offset = np.polyfit(t, np.log(y), 1, w=y)
    return float(-slope), float(math.exp(offset))


def crossing(time: Array, curve: Array, level: float) -> float:
    """Return the first time at which a curve is at a level or below, linear between points; NaN if never.

    Examples
    --------
    >>> crossing(np.array([0.0, 1.0, 2.0]), np.array([1.0, 0.6, 0.2]), 0.5)
    1.25
    """
    below = np.flatnonzero(curve <= level)
    if not len(below) or below[0] == 0:
        return math.nan
    k = int(below[0])
    return float(time[k - 1] + (time[k] - time[k - 1]) * (curve[k - 1] - level) / (curve[k - 1] - curve[k]))
