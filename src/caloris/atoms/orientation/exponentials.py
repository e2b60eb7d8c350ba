"""One to three exponentials, with or without a constant, fitted to a correlation by what its errors can tell apart.

C(t) = sum A_k exp(-t / tau_k) + A_inf, A >= 0, at a few times spread evenly in log t. The fit is a generalised least
squares one: values at different times are correlated, and their covariance is taken from the scatter between groups of
molecules. A form with more parameters wins only if chi^2 falls by more than chance would in one of a hundred.
Libration is no exponential: the fit begins at the earliest time from which on such a sum describes the correlation.
Units: ps.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

Array = npt.NDArray[np.floating[Any]]

_POINTS = 18
"""Most times of a fit."""
_GRID = 20
"""Times that are tried for each exponential."""
_STARTS = 6
"""First times that are tried."""
_FALLEN = 0.2
"""What is left of the correlation at the last of them."""
_GONE = 0.01
"""What is left of it at the last time of a fit."""
_CHANCE = 0.01
"""Probability below which fewer parameters are given up."""
_FORMS = ((1, False), (1, True), (2, False), (2, True), (3, False))
"""Exponentials, and whether there is a constant; by the number of parameters."""


@dataclass(frozen=True)
class Exponentials:
    """Sum of exponentials fitted to a correlation."""

    times: sc.Variable
    """Dimension ``component``, ps, with variances; from the fastest on."""
    amplitudes: sc.Variable
    """Dimension ``component``, with variances; what is missing to 1 is lost before the first frame, by libration."""
    constant: sc.Variable
    """What is never lost, with variance; 0 without error where no constant was needed."""
    start: sc.Variable
    """First time of the fit, ps."""
    chi_square: float
    degrees_of_freedom: int
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        errors = np.sqrt(self.times.variances)
        parts = [
            f"{a:.2f} x {t:.3g} +- {e:.1g} ps"
            for a, t, e in zip(self.amplitudes.values, self.times.values, errors, strict=True)
        ]
        rest = f", constant {self.constant.value:.2f}" if self.constant.value else ""
        quality = f"from {self.start.value:g} ps on, chi^2 {self.chi_square:.1f}/{self.degrees_of_freedom}"
        return f"<Exponentials: {', '.join(parts)}{rest}; {quality}>"

    def __call__(self, time: sc.Variable) -> sc.Variable:
        """Return the sum at times in ps, without errors."""
        t = time.to(unit="ps", dtype="float64", copy=False)
        design = np.exp(-np.divide.outer(t.values, self.times.values))
        return sc.array(dims=t.dims, values=design @ self.amplitudes.values + self.constant.value)


@dataclass(frozen=True)
class _Problem:
    """Times, the whitening of their errors, and the bounds of the logarithms of tau."""

    t: Array
    whiten: Array
    low: float
    high: float

    def solve(self, log_tau: Array, y: Array, constant: bool) -> tuple[float, Array]:
        """Best amplitudes for given times, and chi^2."""
        from scipy.optimize import nnls

        columns = [np.exp(-self.t / tau) for tau in np.exp(np.clip(log_tau, self.low, self.high))]
        design = np.stack([*columns, np.ones_like(self.t)] if constant else columns, axis=1)
        amplitudes, norm = nnls(self.whiten @ design, self.whiten @ y)
        return float(norm) ** 2, amplitudes

    def search(self, y: Array, count: int, constant: bool) -> Array:
        """Start of the times, from a grid."""
        grid = np.linspace(self.low, self.high, _GRID)
        best = min(itertools.combinations(grid, count), key=lambda tau: self.solve(np.array(tau), y, constant)[0])
        return np.array(best)

    def polish(self, y: Array, start: Array, constant: bool) -> tuple[float, Array]:
        """Best times from a start on: chi^2 and parameters (log tau, amplitudes)."""
        from scipy.optimize import minimize

        found = minimize(
            lambda x: self.solve(x, y, constant)[0],
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-4, "fatol": 1e-6, "maxiter": 400 * len(start)},
        )
        log_tau = np.clip(found.x, self.low, self.high)
        chi_square, amplitudes = self.solve(log_tau, y, constant)
        order = np.argsort(log_tau)
        return chi_square, np.concatenate([log_tau[order], amplitudes[: len(order)][order], amplitudes[len(order) :]])


@dataclass(frozen=True)
class _Fit:
    """One form fitted."""

    problem: _Problem
    rows: npt.NDArray[np.integer[Any]]
    count: int
    constant: bool
    chi_square: float
    parameters: Array

    @property
    def freedom(self) -> int:
        return len(self.rows) - 2 * self.count - self.constant

    @property
    def good(self) -> bool:
        from scipy.stats import chi2

        return bool(self.chi_square < chi2.isf(_CHANCE, self.freedom)) and not self.at_edge

    @property
    def at_edge(self) -> bool:
        tau = self.parameters[: self.count]
        return bool(np.any((tau < self.problem.low + 0.01) | (tau > self.problem.high - 0.01)))


def fit_exponentials(time: Array, curves: Array, counts: Array) -> Exponentials | None:
    """Fit sums of exponentials to a correlation and choose among them.

    Parameters
    ----------
    time:
        (lags,) from 0, ps.
    curves:
        (lags, groups), correlation of each group of molecules.
    counts:
        (groups,), molecules of each.

    Returns
    -------
    :
        The form that is chosen, with errors from leaving groups out; ``None`` for fewer than 12 groups.
    """
    groups = len(counts)
    if groups < 12:
        return None
    fit = _earliest(time, curves, counts)
    total = curves[fit.rows] @ counts
    without = (total[:, None] - curves[fit.rows] * counts) / (counts.sum() - counts)
    start = fit.parameters[: fit.count]
    parts = np.array([fit.problem.polish(one, start, fit.constant)[1] for one in without.T])
    return _told(fit, _widening(groups, fit.freedom) * np.sqrt((groups - 1) * np.var(parts, axis=0)))


def _widening(groups: int, freedom: int) -> float:
    """What errors grow by because the weights, chosen to make them small, come from the same few groups.

    The estimate is that of a regression on ``freedom`` covariates: its residual variance and its prediction error.
    """
    return math.sqrt((groups - 1) / (groups - 1 - freedom) * (groups - 2) / (groups - 2 - freedom))


def _told(fit: _Fit, errors: Array) -> Exponentials:
    n = fit.count
    tau, amplitudes = np.exp(fit.parameters[:n]), fit.parameters[n : 2 * n]
    left = (fit.parameters[-1], errors[-1] ** 2) if fit.constant else (0.0, 0.0)
    warnings = []
    if fit.at_edge:
        warnings.append("A time lies at the edge of what the run can show: it is no measurement.")
    elif not fit.good:
        warnings.append(f"No sum of exponentials describes it: chi^2 {fit.chi_square:.3g} for {fit.freedom} degrees.")
    return Exponentials(
        times=sc.array(dims=["component"], values=tau, variances=(tau * errors[:n]) ** 2, unit="ps"),
        amplitudes=sc.array(dims=["component"], values=amplitudes, variances=errors[n : 2 * n] ** 2),
        constant=sc.scalar(float(left[0]), variance=float(left[1])),
        start=sc.scalar(float(fit.problem.t[0]), unit="ps"),
        chi_square=fit.chi_square,
        degrees_of_freedom=fit.freedom,
        warnings=tuple(warnings),
    )


def _earliest(time: Array, curves: Array, counts: Array) -> _Fit:
    """The fit from the earliest time on that describes the correlation; the best one if none does."""
    mean = curves @ (counts / counts.sum())
    fallen = int(np.argmax(mean < _FALLEN)) or len(time) // 4
    # what has sunk to nothing, or to noise, tells no more times
    last = int(np.argmax(mean < _GONE)) or len(time) - 1
    best = None
    for first in np.unique(np.round(np.geomspace(1, max(2, fallen), _STARTS)).astype(int)).tolist():
        rows = _spread(first, max(last, first + 8, 16), len(time), min(_POINTS, len(counts) // 4 + 1))
        fit = _choose(_problem(time[rows], curves[rows]), rows, mean[rows])
        if fit.good:
            return fit
        if best is None or fit.chi_square / fit.freedom < best.chi_square / best.freedom:
            best = fit
    assert best is not None  # one start at least
    return best


def _choose(problem: _Problem, rows: npt.NDArray[np.integer[Any]], y: Array) -> _Fit:
    """The simplest form that no richer one beats beyond chance."""
    from scipy.stats import chi2

    chosen: _Fit | None = None
    for count, constant in _FORMS:
        if chosen is not None and 2 * count + constant >= len(y):
            break
        fit = _Fit(problem, rows, count, constant, *problem.polish(y, problem.search(y, count, constant), constant))
        if chosen is None or chosen.chi_square - fit.chi_square > chi2.isf(_CHANCE, chosen.freedom - fit.freedom):
            chosen = fit
    assert chosen is not None  # the first form is always tried
    return chosen


def _spread(first: int, last: int, lags: int, points: int) -> npt.NDArray[np.integer[Any]]:
    """Lags from first to last, evenly in their logarithm; fewer than points where they would coincide."""
    return np.unique(np.round(np.geomspace(first, min(last, lags - 1), points)).astype(int))


def _problem(t: Array, curves: Array) -> _Problem:
    points, groups = curves.shape
    covariance = np.cov(curves) / groups
    scale = np.sqrt(np.diag(covariance)) + 1e-9
    correlation = covariance / np.outer(scale, scale)
    # few groups: correlations are drawn towards none, and the inverse is scaled (Hartlap et al., A&A 464, 399 (2007))
    correlation = 0.95 * correlation + 0.05 * np.eye(points) + 1e-9 * np.eye(points)
    hartlap = (groups - points - 2) / (groups - 1)
    whiten = math.sqrt(hartlap) * np.linalg.inv(np.linalg.cholesky(correlation)) / scale
    return _Problem(t, whiten, math.log(t[0]), math.log(3 * t[-1]))
