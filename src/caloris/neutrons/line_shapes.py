"""Shapes of lines of area 1 in energy, their Fourier transforms, and their convolution on a grid of bins.

Plain arrays: energies and widths in meV, times in ps. All widths are full widths at half maximum.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Complex = npt.NDArray[np.complexfloating[Any, Any]]
Shape = Literal["Gaussian", "Lorentzian", "triangle", "delta"]

HBAR = 0.6582119569
"""meV ps, CODATA 2018."""
_SIGMA = 1 / (2 * math.sqrt(2 * math.log(2)))
"""Standard deviation of a Gaussian of FWHM 1."""
_RESOLVED = 3.0
"""Bins per FWHM from which on a line is sampled at points; below one bin it is averaged over bins."""
_SAME_EDGE = 1e-9
"""Of a bin: a line without width that is this close to an edge is on it."""


class LineShape(Protocol):
    """A line of area 1 around 0."""

    def density(self, x: Array) -> Array:
        """1/meV at x."""

    def cell(self, x: Array, h: Array | float) -> Array:
        """1/meV for a bin of width h around x: at its centre, or averaged over it where the line is narrow."""

    def below(self, x: Array) -> Array:
        """Area below x."""

    def transform(self, t: Array) -> tuple[Complex, Array]:
        """Integral of density(x) exp(i x t / hbar) over x, and the variance of its real part."""

    def density_variance(self, x: Array) -> Array:
        """Variance of the density at x."""

    def fwhm(self) -> float:
        """Full width at half maximum, meV."""


@dataclass(frozen=True)
class Line:
    """Part of a line: a shape of FWHM ``width`` at ``centre``, meV."""

    shape: Shape
    width: float
    area: float = 1.0
    centre: float = 0.0

    def density(self, x: Array) -> Array:
        """Of area 1."""
        u = x - self.centre
        if self.shape == "Gaussian":
            s = self.width * _SIGMA
            return np.asarray(np.exp(-0.5 * (u / s) ** 2) / (s * math.sqrt(2 * math.pi)))
        if self.shape == "Lorentzian":
            return np.asarray(0.5 * self.width / math.pi / (u**2 + 0.25 * self.width**2))
        if self.shape == "triangle":
            return np.asarray(np.maximum(1 - np.abs(u) / self.width, 0) / self.width)
        return np.zeros_like(u)

    def below(self, x: Array) -> Array:
        """Area below x."""
        from scipy.special import ndtr

        u = x - self.centre
        if self.shape == "Gaussian":
            return np.asarray(ndtr(u / (self.width * _SIGMA)))
        if self.shape == "Lorentzian":
            return np.asarray(0.5 + np.arctan(2 * u / self.width) / math.pi)
        if self.shape == "triangle":
            v = np.clip(u / self.width, -1, 1)
            return np.asarray(0.5 + v - 0.5 * v * np.abs(v))
        return np.asarray(0.5 * (np.sign(np.where(np.abs(u) < _SAME_EDGE, 0.0, u)) + 1))

    def transform(self, t: Array) -> Complex:
        """Of area 1."""
        w = t / HBAR
        if self.shape == "Gaussian":
            size = np.exp(-0.5 * (w * self.width * _SIGMA) ** 2)
        elif self.shape == "Lorentzian":
            size = np.exp(-0.5 * self.width * np.abs(w))
        elif self.shape == "triangle":
            size = np.sinc(w * self.width / (2 * math.pi)) ** 2
        else:
            size = np.ones_like(w)
        return np.asarray(size * np.exp(1j * w * self.centre))

    def cell(self, x: Array, h: Array | float) -> Array:
        """Of area 1."""
        return _blend(self, self.width, x, h)


@dataclass(frozen=True)
class Model:
    """Sum of lines."""

    lines: tuple[Line, ...]

    def density(self, x: Array) -> Array:
        """1/meV at x."""
        return np.asarray(sum(line.area * line.density(x) for line in self.lines))

    def cell(self, x: Array, h: Array | float) -> Array:
        """Each line at points or averaged, by its own width."""
        return np.asarray(sum(line.area * line.cell(x, h) for line in self.lines))

    def below(self, x: Array) -> Array:
        """Area below x."""
        return np.asarray(sum(line.area * line.below(x) for line in self.lines))

    def transform(self, t: Array) -> tuple[Complex, Array]:
        """Exact, variance 0."""
        return np.asarray(sum(line.area * line.transform(t) for line in self.lines)), np.zeros(len(t))

    def density_variance(self, x: Array) -> Array:
        """0."""
        return np.zeros_like(x)

    def fwhm(self) -> float:
        """Of the sum."""
        if len(self.lines) == 1:
            return self.lines[0].width
        reach = max(line.width for line in self.lines)
        ends = [line.centre for line in self.lines]
        x = np.linspace(min(ends) - 2 * reach, max(ends) + 2 * reach, 40001)
        return half_maximum(x, self.density(x))[1]


@dataclass(frozen=True)
class Table:
    """Measured line: values of area 1 and their variances at increasing x, a cubic spline between, 0 beyond."""

    x: Array
    values: Array
    variances: Array
    widths: Array
    """Of the bins."""

    @functools.cached_property
    def _spline(self) -> Any:
        # straight lines between values would widen a line of three bins by 7 %
        from scipy.interpolate import CubicSpline

        return CubicSpline(self.x, self.values)

    @functools.cached_property
    def _integral(self) -> Any:
        return self._spline.antiderivative()

    def density(self, x: Array) -> Array:
        """1/meV at x."""
        inside = (x >= self.x[0]) & (x <= self.x[-1])
        return np.asarray(np.where(inside, self._spline(np.clip(x, self.x[0], self.x[-1])), 0.0))

    def cell(self, x: Array, h: Array | float) -> Array:
        """1/meV at points or averaged."""
        return _blend(self, self.fwhm(), x, h)

    def below(self, x: Array) -> Array:
        """Area below x."""
        return np.asarray(self._integral(np.clip(x, self.x[0], self.x[-1])) / self._integral(self.x[-1]))

    def transform(self, t: Array) -> tuple[Complex, Array]:
        """Values are averages over bins already: the comb of them, up to the time that the bins resolve, 0 beyond."""
        phase = np.exp(1j * np.outer(t / HBAR, self.x))
        seen = np.abs(t) <= math.pi * HBAR / float(np.median(self.widths))
        found = phase @ (self.values * self.widths) * seen
        # the area is 1 by division: what all bins share drops out, so that nothing is uncertain at t = 0
        away = phase.real - found.real[:, None]
        return np.asarray(found), np.asarray((away**2 @ (self.variances * self.widths**2)) * seen)

    def density_variance(self, x: Array) -> Array:
        """Of the nearest values, straight in between; a spline averages little noise away."""
        return np.asarray(np.interp(x, self.x, self.variances, left=0.0, right=0.0))

    def fwhm(self) -> float:
        """Full width at half maximum, meV."""
        return self.peak[1]

    @functools.cached_property
    def peak(self) -> tuple[float, float]:
        """Centre between the half maxima, and the width between them."""
        fine = np.unique(np.concatenate([self.x, np.linspace(self.x[0], self.x[-1], 20 * len(self.x))]))
        return half_maximum(fine, self._spline(fine))


@dataclass(frozen=True)
class Varying:
    """Gaussian whose FWHM depends on the energy transfer, straight between the given points."""

    energy: Array
    widths: Array

    def at(self, energy: float) -> Model:
        """Line of a given energy transfer."""
        return Model((Line("Gaussian", float(np.interp(energy, self.energy, self.widths))),))

    def fwhm(self) -> float:
        """At the elastic line."""
        return float(np.interp(0.0, self.energy, self.widths))


def _blend(line: Any, width: float, x: Array, h: Array | float) -> Array:
    """Between the average over a bin (line narrower than it) and the value at its centre (wider than three)."""
    share = np.clip((width / np.asarray(h) - 1) / (_RESOLVED - 1), 0.0, 1.0)
    found = share * line.density(x) if np.any(share > 0) else np.zeros(np.shape(x))
    if np.any(share < 1):
        found = found + (1 - share) * (line.below(x + 0.5 * h) - line.below(x - 0.5 * h)) / h
    return np.asarray(found)


def half_maximum(x: Array, y: Array) -> tuple[float, float]:
    """Centre and full width at half maximum of the highest peak, from where it first falls below the half.

    Parameters
    ----------
    x:
        Increasing.
    y:
        Same shape.

    Returns
    -------
    :
        Centre, FWHM; the width is NaN where the peak does not fall to the half within the window.
    """
    top = int(np.argmax(y))
    half = 0.5 * y[top]
    ends = []
    for step in (-1, 1):
        side = y[top::step]
        low = np.flatnonzero(side < half)
        if not len(low):
            return float(x[top]), math.nan
        k = top + step * int(low[0])
        share = (half - y[k]) / (y[k - step] - y[k])
        ends.append(float(x[k] + share * (x[k - step] - x[k])))
    return 0.5 * (ends[0] + ends[1]), ends[1] - ends[0]


def convolve(shape: LineShape | Varying, edges: Array, values: Array, variances: Array | None) -> tuple[Array, Array]:
    """Spread every bin by a line; the area of each bin that stays in the window is kept exactly.

    Parameters
    ----------
    shape:
        The line.
    edges:
        (bins + 1,), increasing.
    values:
        (rows, bins), per energy.
    variances:
        Same shape, or none.

    Returns
    -------
    :
        Values and variances, (rows, bins). The variances hold those of a measured line too.
    """
    widths = np.diff(edges)
    h = float(widths.mean())
    if not isinstance(shape, Varying) and np.allclose(widths, h, rtol=1e-6, atol=0.0):
        return _on_even_grid(shape, edges, h, values, variances)
    centres = 0.5 * (edges[1:] + edges[:-1])
    kernel = np.empty((len(centres), len(centres)))
    spread = np.zeros_like(kernel)
    for j, centre in enumerate(centres):
        line = shape.at(float(centre)) if isinstance(shape, Varying) else shape
        column = line.cell(centres - centre, widths)
        stays = line.below(edges[-1:] - centre) - line.below(edges[:1] - centre)
        scale = widths[j] * float(_ratio(stays, np.atleast_1d(widths @ column))[0])
        kernel[:, j] = scale * column
        spread[:, j] = scale**2 * line.density_variance(centres - centre)
    errors = values**2 @ spread.T
    if variances is not None:
        errors = errors + variances @ (kernel**2).T
    return values @ kernel.T, errors


def _on_even_grid(
    line: LineShape, edges: Array, h: float, values: Array, variances: Array | None
) -> tuple[Array, Array]:
    """One kernel for all bins: by FFT."""
    from scipy.signal import fftconvolve

    n = len(edges) - 1
    steps = h * np.arange(-(n - 1), n)
    kernel = line.cell(steps, h)
    sums = h * np.concatenate([[0.0], np.cumsum(kernel)])
    centres = 0.5 * (edges[1:] + edges[:-1])
    stays = line.below(edges[-1] - centres) - line.below(edges[0] - centres)
    j = np.arange(n)
    scaled = values * h * _ratio(stays, sums[2 * n - 1 - j] - sums[n - 1 - j])

    def over(array: Array, with_kernel: Array) -> Array:
        return np.asarray(fftconvolve(array, with_kernel[None], axes=-1)[:, n - 1 : 2 * n - 1])

    spread = line.density_variance(steps)
    errors = np.maximum(over(scaled**2, spread), 0.0) if spread.any() else np.zeros_like(scaled)
    if variances is not None:
        scale = h * _ratio(stays, sums[2 * n - 1 - j] - sums[n - 1 - j])
        errors = errors + np.maximum(over(variances * scale**2, kernel**2), 0.0)
    return over(scaled, kernel), errors


def _ratio(wanted: Array, found: Array) -> Array:
    """Factor that mends the area of a sampled line; 1 where next to nothing of it is in the window."""
    safe = np.abs(found) > 1e-3
    return np.asarray(np.where(safe, wanted / np.where(safe, found, 1.0), 1.0))
