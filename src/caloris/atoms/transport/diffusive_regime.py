"""Where a mean square displacement grows as a straight line, and what times the curve its slope is.

A line is a set of lags and coefficients of which the product with the curve is the slope: weighted least squares with
the weights of a random walk, or generalised least squares with the covariance of a random walk seen through noise,
cov(n, m) = 2 d sum(c^2) / (origins of n, of m), c the covariance of two displacements of one component. Curves are
(lags, groups), angstrom^2, over lags in ps.
Sources: covariance of overlapping windows: Qian, Sheetz and Elson, Biophys. J. 60, 910 (1991); with noise: Michalet and
Berglund, Phys. Rev. E 85, 061916 (2012); least squares with it, for atoms: McCluskey, Coles and Morgan, J. Chem. Theory
Comput. 21, 79 (2025).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.block_statistics import mean_of_groups, statistical_inefficiency
from caloris.atoms.segments import Indices
from caloris.atoms.transport._kernels import walk_covariance
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]

_MOST = 200
"""Most lags of a weighted line."""
_MOST_COVARIANT = 48
"""Most lags of a line with a covariance; they are spaced evenly in the logarithm."""
_ROUNDS = 3
"""Of the slope and noise that the covariance is made of."""
_STARTS = (0.1, 0.15, 0.22, 0.33)
"""Where a window may begin, in parts of where it ends."""


@dataclass(frozen=True, eq=False)
class Line:
    """Lags, and what times the curve there is its slope."""

    rows: Indices
    coefficients: Array
    """(rows,), 1/ps."""
    weights: Array
    """(rows,), sum 1; for what the line leaves of a curve."""
    expected_error: float = math.nan
    """Standard error of the slope of one walker, angstrom^2/ps, if it is a random walk; NaN if that was not asked."""

    def slope(self, curves: Array) -> Array:
        """Return the slope of curves (lags, ...)."""
        return np.asarray(self.coefficients @ curves[self.rows])


def weighted_line(time: Array, first: int, last: int) -> Line:
    """Return the line of weighted least squares between two lags; weights t^-3 of a random walk at spaced lags.

    Examples
    --------
    >>> time = np.arange(20.0)
    >>> round(float(weighted_line(time, 2, 10).slope(6 * 0.5 * time + 1)), 9)
    3.0
    """
    rows = np.unique(np.linspace(first, last, min(_MOST, last - first + 1)).astype(int))
    weights = time[rows] ** -3.0
    weights = weights / weights.sum()
    away = weights * (time[rows] - weights @ time[rows])
    return Line(rows, away / (away @ time[rows]), weights)


def covariant_line(
    time: Array, curve: Array, first: int, last: int, *, frames: int, components: int = 3, constant: bool = True
) -> Line:
    """Return the line of generalised least squares between two lags, for a random walk seen through white noise.

    Parameters
    ----------
    time, curve:
        (lags,), ps and angstrom^2 (or the square of a charge times a length): the mean curve, of which the slope and
        the constant make the covariance.
    first, last:
        Lags.
    frames:
        Length of the stretch that the curve was averaged over.
    components:
        Of the displacement.
    constant:
        Whether the line has one; without, it goes through 0.

    Returns
    -------
    :
        The line with the error that is expected for one walker.

    Examples
    --------
    >>> time = np.arange(200.0)
    >>> line = covariant_line(time, 3 * time + 1, 10, 100, frames=400)
    >>> round(float(line.slope(3 * time + 1)), 6), round(line.expected_error, 1)
    (3.0, 0.6)
    """
    # lags as far apart as the first is from 0: what vibrations leave at close lags would be taken for much diffusion
    spaced = np.unique(np.round(np.geomspace(first, last, _MOST_COVARIANT)).astype(int))
    rows = spaced[np.unique(spaced // first, return_index=True)[1]]
    start = weighted_line(time, first, last)
    slope = float(start.slope(curve))
    if slope <= 0 or len(rows) < 3:
        return start
    dt = float(time[1])
    design = np.stack([np.ones(len(rows)), time[rows]], axis=1)[:, 0 if constant else 1 :]
    line = start
    for _ in range(_ROUNDS):
        noise = max(float(line.weights @ (curve[line.rows] - slope * time[line.rows])), 0.0) / (2 * components)
        step = max(slope, 0.1 * float(start.slope(curve))) * dt / components
        covariance = components * walk_covariance(rows, frames, step, noise)
        covariance += 1e-9 * np.diag(np.diag(covariance))  # neighbours among many lags are nearly the same
        try:
            solved = np.linalg.solve(covariance, design)
            inner = np.linalg.inv(design.T @ solved)
        except np.linalg.LinAlgError:  # lags that cannot be told apart
            return start
        coefficients = (inner @ solved.T)[-1]
        line = Line(rows, coefficients, np.full(len(rows), 1 / len(rows)), math.sqrt(float(inner[-1, -1])))
        slope = float(line.slope(curve))
    return line


def misfit(time: Array, mean: Array, line: Line) -> float:
    """Return the error of the slope from what the mean curve leaves beside a line: vibrations that all atoms share."""
    t, y = time[line.rows], mean[line.rows]
    left = y - line.weights @ y - float(line.slope(mean)) * (t - line.weights @ t)
    g = statistical_inefficiency(left) if len(left) >= 8 else float(len(left))
    return math.sqrt(g * float(np.sum((line.coefficients * left) ** 2)))


def growth_exponent(time: Array, curves: Array, counts: Array, first: int, last: int) -> tuple[float, float]:
    """Return the exponent of the growth of the MSD less a constant, and its error, from the slopes of two halves."""
    middle = round(math.sqrt(first * last))
    early, late = (weighted_line(time, *ends).slope(curves) for ends in ((first, middle), (middle, last)))
    (e, _), (s, _) = mean_of_groups(early, counts), mean_of_groups(late, counts)
    if e <= 0 or s <= 0:
        return 0.0, math.inf
    _, error = mean_of_groups(late / s - early / e, counts)
    scale = math.log(last / first) / 2
    return 1 + math.log(s / e) / scale, float(error) / scale


def fitting_window(
    time: Array, curves: Array, counts: Array, window: tuple[Quantity, Quantity] | None, last: int | None = None
) -> tuple[int, int]:
    """Return the first and last lag of a fit.

    Parameters
    ----------
    time, curves, counts:
        (lags,), (lags, groups), (groups,).
    window:
        Given shortest and longest time.
    last:
        Longest lag where no window is given; by default half of the longest there is. The shortest is then the earliest
        from a tenth of that on from which the exponent of the growth is 1 within its error.

    Returns
    -------
    :
        Lags.

    Raises
    ------
    InputError
        If the window is not within the curve, or holds fewer than 4 lags.
    """
    if window is not None:
        ends = [magnitude(end, "ps", "window") for end in window]
        first, last = (round(end / time[1]) for end in ends)
        if not 1 <= first <= last - 3 <= len(time) - 4:
            raise InputError(
                f"window: {ends[0]:g} to {ends[1]:g} ps; it must lie between {time[1]:g} and {time[-1]:g} ps "
                f"and span at least 3 frames of {time[1]:g} ps"
            )
        return first, last
    last = (len(time) - 1) // 2 if last is None else last
    candidates = [max(1, round(last * share)) for share in _STARTS]
    for first in candidates:
        exponent, error = growth_exponent(time, curves, counts, first, last) if last >= first + 3 else (0.0, 0.0)
        if abs(exponent - 1) <= error < math.inf:
            return first, last
    return candidates[1], last
