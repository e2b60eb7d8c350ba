"""A Gaussian fitted to a distribution of angles, with errors from leaving groups of molecules out. Units: deg."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import jackknife, mean_of_groups

Array = npt.NDArray[np.floating[Any]]

_REACH = 2.0
"""Standard deviations to either side that the fit looks at."""
_MISFIT = 0.03
"""Root mean square of what the fit leaves beyond noise, in its height, that makes it no Gaussian."""


@dataclass(frozen=True)
class Gaussian:
    """height exp(-(x - centre)^2 / 2 sigma^2).

    Errors are statistical only: of the Gaussian that fits best. Through a peak that is none, such as a skewed one, its
    centre depends on how far the fit reaches, by more than that; a warning says where.
    """

    centre: sc.Variable
    """deg, with variance (statistical only)."""
    sigma: sc.Variable
    """Standard deviation, deg, with variance."""
    height: sc.Variable
    """1/deg, with variance."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Gaussian: {self.centre.value:.4g} +- {math.sqrt(self.centre.variance):.1g} deg>"

    def __call__(self, angle: Array) -> Array:
        """Return values at angles in deg, without units."""
        return np.asarray(self.height.value * np.exp(-0.5 * ((angle - self.centre.value) / self.sigma.value) ** 2))


def fit_gaussian(x: Array, groups: Array, counts: Array) -> Gaussian:
    """Fit a Gaussian to the highest peak, over two standard deviations to either side of it.

    Parameters
    ----------
    x:
        (bins,), deg.
    groups:
        (bins, groups), 1/deg.
    counts:
        (groups,).

    Returns
    -------
    :
        Centre, width and height; NaN if there is nothing to fit.

    Examples
    --------
    >>> x = np.arange(1.0, 180.0, 2.0)
    >>> groups = np.exp(-((x - 101.0)**2) / 200.0)[:, None] * np.array([0.9, 1.0, 1.1])
    >>> round(float(fit_gaussian(x, groups, np.ones(3)).centre.value), 6)
    101.0
    """
    mean, noise = mean_of_groups(groups, counts)
    if not np.all(np.isfinite(mean)) or mean.max() <= 0:
        nothing = sc.scalar(math.nan, variance=math.nan, unit="deg")
        return Gaussian(nothing, nothing, sc.scalar(math.nan, variance=math.nan, unit="1/deg"), ())
    start = _moments(x, mean)
    for _ in range(3):  # the reach follows the width
        keep = np.abs(x - start[1]) <= max(_REACH * start[2], 2.5 * (x[1] - x[0]))
        start = _fitted(x[keep], mean[keep], start)
    found, errors = jackknife(lambda y: _fitted(x[keep], y[keep], start), groups, counts)
    left = float(np.mean((mean[keep] - _shape(x[keep], found)) ** 2))
    expected = float(np.mean(np.nan_to_num(noise[keep]) ** 2))
    warnings: tuple[str, ...] = ()
    beyond = math.sqrt(max(left - expected, 0.0)) / max(abs(float(found[0])), 1e-300)
    # noise squared has itself a scatter, of sqrt(2 / bins)
    if beyond > _MISFIT and left > expected * (1 + 3 * math.sqrt(2 / np.count_nonzero(keep))):
        warnings = (
            f"The distribution of angles is no Gaussian about its peak (off by {100 * beyond:.0f} % of its height): "
            "the error of the centre is statistical only.",
        )
    units = ("1/deg", "deg", "deg")
    height, centre, sigma = (
        sc.scalar(float(value), variance=float(error) ** 2, unit=unit)
        for value, error, unit in zip(found, errors, units, strict=True)
    )
    return Gaussian(centre, sigma, height, warnings)


def _moments(x: Array, y: Array) -> Array:
    """Start: the highest bin of a running mean, and the width at half of it."""
    smooth = np.convolve(y, np.ones(5) / 5, mode="same")
    top = int(np.argmax(smooth))
    half = np.count_nonzero(smooth > 0.5 * smooth[top]) * (x[1] - x[0])
    return np.array([smooth[top], x[top], half / 2.355])


def _shape(x: Array, parameters: Array) -> Array:
    height, centre, sigma = parameters
    return np.asarray(height * np.exp(-0.5 * ((x - centre) / sigma) ** 2))


def _fitted(x: Array, y: Array, start: Array) -> Array:
    from scipy.optimize import least_squares

    scale = np.abs(start) + 1e-12
    # a peak narrower than the bins has no width that could be seen
    low = np.array([0.0, x[0] - 30.0, 0.4 * (x[1] - x[0])]) / scale
    high = np.array([np.inf, x[-1] + 30.0, 120.0]) / scale
    first = np.clip(start / scale, low * (1 + 1e-9), high)
    return np.asarray(
        least_squares(lambda p: _shape(x, p * scale) - y, first, bounds=(low, high), max_nfev=60).x * scale
    )
