"""The transition on one simulated isobar: where volume and enthalpy leave one phase and arrive in another.

For every pair (last point of the low phase, first point of the high phase) both phases are fitted by polynomials of
degree 1 or 2 in T, weighted, in H and V at once; points between belong to neither. The pair with the least Bayesian
information criterion, chi^2 + k ln N, wins, if it beats one phase throughout and its heat is beyond doubt. The excess
over the low phase, x = (H - H_low)/(H_high - H_low) (and the same of V), says where half has transformed. SI units.
"""

from dataclasses import dataclass

import numpy as np

from caloris.heat.simulated.table import Isobar
from caloris.heat.two_phase import Array

FEWEST = 4
"""Points on an isobar below which no transition is looked for."""
_CERTAIN = 6.0
"""By how much two phases must beat one (strong evidence), besides 2 ln n for having looked at n places."""
_GROSS = 4.0
"""Reduced chi square beyond which the errors given say nothing any more."""
_CHANCE = 1e-3
"""Of taking one phase for two where the errors given are too small."""
_SIGNIFICANT = 4.0
"""Standard errors that the heat of transition must have."""
_HARDLY = 0.05
"""A point of which less has transformed still lies in its phase."""
_EXACT = 1e-4
"""Part of a step between points below which no error counts: simulations without noise have none."""


@dataclass(frozen=True)
class Place:
    """Where an isobar transforms."""

    last_low: int
    """Number of the last point in the low phase."""
    first_high: int
    """Number of the first point in the high phase."""
    temperature: float
    """Where half has transformed, K: the middle of the interval if no point lies within the transition."""
    interval: tuple[float, float]
    """Temperatures (K) between which half has transformed: no wider than two neighbouring points."""
    fraction: Array
    """Fraction of the high phase at the points from ``last_low`` to ``first_high``."""

    def nodes(self, bar: Isobar) -> Array:
        """Return the temperatures of :attr:`fraction`, K."""
        return bar.temperature[self.last_low : self.first_high + 1]


@dataclass(frozen=True)
class _Fit:
    """A weighted polynomial over t = T - centre."""

    centre: float
    coefficients: Array
    covariance: Array
    chi_square: float

    def at(self, T: Array | float) -> Array:
        """Value."""
        return np.asarray(np.polynomial.polynomial.polyval(np.asarray(T) - self.centre, self.coefficients))

    def variance(self, T: float) -> float:
        """Variance of the value."""
        row = (T - self.centre) ** np.arange(len(self.coefficients))
        return float(row @ self.covariance @ row)


def find_transition(bar: Isobar) -> Place | None:
    """Find the transition on an isobar.

    Parameters
    ----------
    bar:
        Volume and enthalpy over temperature.

    Returns
    -------
    :
        The place, or None where one phase describes all points as well.
    """
    n = len(bar.temperature)
    if n < FEWEST:
        return None
    sigma = [
        point_errors(bar.temperature, values, errors)
        for values, errors in ((bar.enthalpy, bar.enthalpy_error), (bar.volume, bar.volume_error))
    ]
    best, criterion = _best_pair(bar, sigma, 1.0)
    scale = max(1.0, _two_phases(bar, sigma, best)[0] / max(_two_phases(bar, sigma, best)[1], 1))
    if scale > 1:  # errors that are too small must not make two phases out of one
        best, criterion = _best_pair(bar, sigma, scale)
    one = _one_phase(bar, sigma, scale)
    if criterion + _CERTAIN + 2 * np.log(n) > one[0]:
        return None
    chi, freedom = _two_phases(bar, sigma, best)
    if scale > _GROSS and not _better(one[1], one[2], chi, freedom, n):
        return None
    low, high = _fits(bar, sigma, *best)
    place = _place(bar, best, low, high)
    heat = float(high[0].at(place.temperature) - low[0].at(place.temperature))
    error = np.sqrt(scale * (high[0].variance(place.temperature) + low[0].variance(place.temperature)))
    return place if heat > _SIGNIFICANT * error else None


def point_errors(temperature: Array, values: Array, errors: Array) -> Array:
    """Return standard errors of the points of an isobar: those given, or what the scatter of the points says.

    Parameters
    ----------
    temperature, values, errors:
        Of one quantity; errors NaN where unknown.

    Returns
    -------
    :
        Of the values; no less than a small part of a step between points.
    """
    least = _EXACT * float(np.median(np.abs(np.diff(values)))) + 1e-12 * float(np.abs(values).max())
    if np.isfinite(errors).all():
        return np.hypot(errors, least)
    T = temperature
    part = (T[1:-1] - T[:-2]) / (T[2:] - T[:-2])
    bend = values[1:-1] - (1 - part) * values[:-2] - part * values[2:]
    # the lower quartile (of a normal scatter 0.3186 sigma) leaves out the points that a transition bends
    scatter = np.quantile(np.abs(bend) / np.sqrt(1 + part**2 + (1 - part) ** 2), 0.25) / 0.3186
    return np.full(len(values), np.hypot(scatter, least))


def _fit(T: Array, values: Array, sigma: Array, degree: int) -> _Fit:
    centre = float(T.mean())
    scale = max(float(np.ptp(T)), 1e-3)
    design = ((T - centre) / scale)[:, None] ** np.arange(degree + 1) / sigma[:, None]
    solution = np.linalg.lstsq(design, values / sigma, rcond=None)[0]
    residual = values / sigma - design @ solution
    units = scale ** -np.arange(degree + 1, dtype=float)
    covariance = np.linalg.pinv(design.T @ design) * np.outer(units, units)
    return _Fit(centre, solution * units, covariance, float(residual @ residual))


def _side(bar: Isobar, sigma: list[Array], part: slice, penalty: float, scale: float) -> tuple[list[_Fit], float]:
    """Both quantities of one phase by the degree that the criterion prefers."""
    found, total = [], 0.0
    T = bar.temperature[part]
    # where nobody gave errors, a curved phase cannot be told from a smeared transition
    known = bool(np.isfinite([*bar.enthalpy_error, *bar.volume_error]).all())
    for values, s in zip((bar.enthalpy, bar.volume), sigma, strict=True):
        degrees = (1, 2) if len(T) >= 5 and known else (1,)
        fits = [_fit(T, values[part], s[part], degree) for degree in degrees]
        costs = [fit.chi_square / scale + penalty * len(fit.coefficients) for fit in fits]
        k = int(np.argmin(costs))
        found.append(fits[k])
        total += costs[k]
    return found, total


def _best_pair(bar: Isobar, sigma: list[Array], scale: float) -> tuple[tuple[int, int], float]:
    """Last point of the low and first point of the high phase, and the criterion."""
    n = len(bar.temperature)
    penalty = float(np.log(2 * n))
    low = {a: _side(bar, sigma, slice(0, a + 1), penalty, scale)[1] for a in range(1, n - 2)}
    high = {b: _side(bar, sigma, slice(b, n), penalty, scale)[1] for b in range(2, n - 1)}
    widest = 1 + n // 4  # points within the transition must not outnumber those that say what the phases are
    costs = {(a, b): low[a] + high[b] + 2 * (b - a - 1) * penalty for a in low for b in high if a < b <= a + widest}
    best = min(costs, key=lambda pair: costs[pair])
    return best, costs[best]


def _fits(bar: Isobar, sigma: list[Array], a: int, b: int) -> tuple[list[_Fit], list[_Fit]]:
    n = len(bar.temperature)
    penalty = float(np.log(2 * n))
    return (
        _side(bar, sigma, slice(0, a + 1), penalty, 1.0)[0],
        _side(bar, sigma, slice(b, n), penalty, 1.0)[0],
    )


def _one_phase(bar: Isobar, sigma: list[Array], scale: float) -> tuple[float, float, int]:
    """One polynomial throughout, degree 1 to 3, the best one for each quantity: criterion, chi square, freedom."""
    n = len(bar.temperature)
    total, chi, freedom = 0.0, 0.0, 2 * n
    penalty = float(np.log(2 * n))
    for values, s in zip((bar.enthalpy, bar.volume), sigma, strict=True):
        fits = [_fit(bar.temperature, values, s, degree) for degree in range(1, min(3, max(n - 3, 1)) + 1)]
        costs = [fit.chi_square / scale + penalty * len(fit.coefficients) for fit in fits]
        k = int(np.argmin(costs))
        total, chi, freedom = total + costs[k], chi + fits[k].chi_square, freedom - len(fits[k].coefficients)
    return total, chi, freedom


def _two_phases(bar: Isobar, sigma: list[Array], pair: tuple[int, int]) -> tuple[float, int]:
    """Chi square and freedom of both phases; the place of the transition counts as two parameters."""
    low, high = _fits(bar, sigma, *pair)
    used = sum(len(fit.coefficients) for fit in (*low, *high)) + 2 * (pair[1] - pair[0] - 1) + 2
    return sum(fit.chi_square for fit in (*low, *high)), 2 * len(bar.temperature) - used


def _better(one: float, freedom_one: int, two: float, freedom_two: int, places: int) -> bool:
    """F test of two phases against one, for errors that are known but for a factor."""
    from scipy.special import fdtrc

    if freedom_two < 1:
        return False
    more = max(freedom_one - freedom_two, 1)
    ratio = max(one - two, 0.0) / more / max(two / freedom_two, 1e-300)
    return bool(fdtrc(more, freedom_two, ratio) * places < _CHANCE)


def _place(bar: Isobar, pair: tuple[int, int], low: list[_Fit], high: list[_Fit]) -> Place:
    """Where half has transformed, by enthalpy and volume together."""
    a, b = pair
    T = bar.temperature[a : b + 1]
    shares, weights = [], []
    for k, values in enumerate((bar.enthalpy, bar.volume)):
        below, above = low[k].at(T), high[k].at(T)
        gap = above - below
        shares.append((values[a : b + 1] - below) / np.where(gap == 0, np.inf, gap))
        middle = float(T.mean())
        weights.append(float(np.mean(gap)) ** 2 / (low[k].variance(middle) + high[k].variance(middle)))
    x = np.average(shares, axis=0, weights=weights)
    return place_of(bar, a, b, x)


def place_of(bar: Isobar, last_low: int, first_high: int, fraction: Array) -> Place:
    """Return where half has transformed.

    Parameters
    ----------
    bar, last_low, first_high:
        The isobar and its two phases.
    fraction:
        Of the high phase at the points from the last of the low to the first of the high phase.

    Returns
    -------
    :
        The place.
    """
    x = np.clip(fraction, 0.0, 1.0)
    x[0], x[-1] = 0.0, 1.0
    x = np.maximum.accumulate(x)
    while x[1] < _HARDLY:  # left out of a phase by noise alone
        x, last_low = x[1:], last_low + 1
    while x[-2] > 1 - _HARDLY:
        x, first_high = x[:-1], first_high - 1
    x[0], x[-1] = 0.0, 1.0
    T = bar.temperature[last_low : first_high + 1]
    k = int(np.argmax(x >= 0.5))
    width = float(T[k] - T[k - 1])
    middle = float(T[k - 1] + width * (0.5 - x[k - 1]) / (x[k] - x[k - 1]))
    return Place(last_low, first_high, middle, (middle - 0.5 * width, middle + 0.5 * width), x)
