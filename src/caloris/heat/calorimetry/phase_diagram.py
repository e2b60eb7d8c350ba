"""The line of a transition in the phase diagram: T_t(p) fitted with errors in both axes.

Straight or quadratic, T = T_0 + s (p - p_0) (+ c (p - p_0)^2), by least squares of the distance in units of the
effective variance sigma_T^2 + (dT/dp)^2 sigma_p^2 (for a straight line that is York's exact solution for uncorrelated
errors). SI units behind the door: K, Pa.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from caloris.errors import InputError
from caloris.heat.two_phase import Array

Shape = Literal["linear", "quadratic"]


@dataclass(frozen=True)
class TransitionLine:
    """A fitted branch of the phase diagram, SI floats."""

    shape: Shape
    reference: float
    """p_0, Pa."""
    coefficients: Array
    """T_0 (K), s (K/Pa) and, if quadratic, c (K/Pa^2)."""
    covariance: Array
    reduced_chi_square: float
    """NaN where no point is left over, or no errors were given."""

    def temperature(self, p: Array | float) -> Array:
        """Return T_t, K, also beyond the data.

        Parameters
        ----------
        p:
            Pa.
        """
        return np.asarray(np.polynomial.polynomial.polyval(np.asarray(p) - self.reference, self.coefficients))

    def slope(self, p: Array | float) -> Array:
        """Return dT/dp, K/Pa.

        Parameters
        ----------
        p:
            Pa.
        """
        bend = 2 * self.coefficients[2] if len(self.coefficients) > 2 else 0.0
        return np.asarray(self.coefficients[1] + bend * (np.asarray(p) - self.reference))

    @property
    def slope_error(self) -> float:
        """Standard error of dT/dp at the reference pressure, K/Pa."""
        return float(np.sqrt(self.covariance[1, 1]))


def fit_line(
    pressure: Array,
    temperature: Array,
    pressure_error: Array | float = 0.0,
    temperature_error: Array | float = 0.0,
    shape: Shape = "linear",
) -> TransitionLine:
    """Fit a branch.

    Parameters
    ----------
    pressure, temperature:
        Pa and K, of one length.
    pressure_error, temperature_error:
        Standard errors, Pa and K; without any, the scatter about the line gives the errors of the fit.
    shape:
        ``"linear"`` or ``"quadratic"``.

    Returns
    -------
    :
        The line.

    Raises
    ------
    InputError
        If there are fewer pressures than coefficients.

    Notes
    -----
    Source: York, Evensen, Martinez, De Basabe Delgado, Am. J. Phys. 72, 367 (2004).

    Examples
    --------
    >>> p = np.array([0.0, 20e6, 40e6, 60e6])
    >>> line = fit_line(p, 364 - 0.3e-6 * p, temperature_error=0.1)
    >>> round(float(line.slope(0.0)) * 1e6, 6)
    -0.3
    """
    degree = {"linear": 1, "quadratic": 2}.get(shape)
    if degree is None:
        raise InputError(f"fit: {shape!r} is neither 'linear' nor 'quadratic'")
    pressure, temperature = np.asarray(pressure, dtype=float), np.asarray(temperature, dtype=float)
    if pressure.shape != temperature.shape or pressure.ndim != 1:
        raise InputError(f"phase diagram: {pressure.size} pressures for {temperature.size} temperatures")
    errors = np.concatenate([np.ravel(pressure_error), np.ravel(temperature_error)])
    if not np.all(np.isfinite(np.concatenate([pressure, temperature, errors]))) or np.any(errors < 0):
        raise InputError("phase diagram: pressures, temperatures and errors must be finite, and errors not negative")
    different = len(np.unique(np.round(pressure, -3)))
    if different < degree + 1:
        raise InputError(f"phase diagram: a {shape} fit needs {degree + 1} pressures, there are {different}")
    reference = float(np.min(pressure))
    scale = float(np.ptp(pressure))
    x = (pressure - reference) / scale
    s_T = np.broadcast_to(np.asarray(temperature_error, dtype=float), x.shape)
    s_p = np.broadcast_to(np.asarray(pressure_error, dtype=float), x.shape) / scale
    start: Array = np.asarray(np.polynomial.polynomial.polyfit(x, temperature, degree), dtype=float)
    # where the line is flat an error of pressure alone says nothing about temperature
    steep = np.polynomial.polynomial.polyval(x, np.polynomial.polynomial.polyder(start))
    known = bool(np.all(s_T**2 + (steep * s_p) ** 2 > 0))

    if degree == 1 and np.ptp(s_T) == 0 and not s_p.any():  # equal errors in temperature alone: least squares
        design = np.stack([np.ones_like(x), x], axis=1)
        weight = 1 / s_T[0] if known else 1.0
        residual = weight * (temperature - design @ start)
        curvature = weight**2 * design.T @ design
    else:
        start, residual, curvature = _least_distance(x, temperature, s_T, s_p, start, known=known)
    freedom = len(x) - degree - 1
    chi = float(residual @ residual / freedom) if freedom > 0 else float("nan")
    covariance = np.linalg.inv(curvature)
    if not known:
        covariance = covariance * chi
    units = np.array([1.0, 1 / scale, 1 / scale**2])[: degree + 1]
    return TransitionLine(
        shape, reference, start * units, covariance * np.outer(units, units), chi if known else float("nan")
    )


def _least_distance(
    x: Array, temperature: Array, s_T: Array, s_p: Array, start: Array, *, known: bool
) -> tuple[Array, Array, Array]:
    """Coefficients, residuals in units of the effective error, and curvature of half their square."""
    from scipy.optimize import least_squares

    def residuals(k: Array) -> Array:
        distance = temperature - np.polynomial.polynomial.polyval(x, k)
        if not known:
            return np.asarray(distance)
        slope = np.polynomial.polynomial.polyval(x, np.polynomial.polynomial.polyder(k))
        return np.asarray(distance / np.sqrt(s_T**2 + (slope * s_p) ** 2))

    found = least_squares(residuals, start, method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14)
    return np.asarray(found.x), np.asarray(found.fun), np.asarray(found.jac.T @ found.jac)
