"""Both phases of a simulation over temperature and pressure, fitted to the points that lie in them.

The volume of a phase is a polynomial in T and p. The enthalpy obeys (dH/dp)_T = V - T (dV/dT)_p, so that with
W(T, p) = int_p0^p (V - T dV/dT) dp' the heat capacity at p_0 is the slope of H - W: one polynomial in T for all
isobars, with a constant of its own for each (the heat of transition needs it), and
Cp(T, p) = Cp(T, p_0) - T int d2V/dT2 dp. SI units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from caloris.errors import InputError
from caloris.heat.calorimetry.phase_heat_capacity import Curve
from caloris.heat.calorimetry.volume import PhaseVolume
from caloris.heat.two_phase import Array

_VOLUME_TERMS = ((1, 1), (0, 2), (2, 0), (0, 3), (1, 2), (2, 1))
"""Powers of t and p that a volume may have besides 1, t and p, in the order in which they are tried."""
_CLEARLY = 4.0
"""By how much a further term must better the criterion: one that chance suggests spoils slope and interval."""
_HIGHEST_CAPACITY = 2
"""Degree of Cp(T)."""
_NODES = 60


@dataclass(frozen=True)
class PhasePoints:
    """Points within one phase, (points,) each."""

    temperature: Array
    """K."""
    pressure: Array
    """Pa."""
    volume: Array
    volume_error: Array
    enthalpy: Array
    enthalpy_error: Array

    def moved(self, volume: Array, enthalpy: Array) -> "PhasePoints":
        """Return the points with other volumes (m3/kg) and enthalpies (J/kg).

        Parameters
        ----------
        volume, enthalpy:
            What to add.
        """
        return replace(self, volume=self.volume + volume, enthalpy=self.enthalpy + enthalpy)


@dataclass(frozen=True)
class Form:
    """Which terms the fits of a phase have; chosen once, then kept in every draw."""

    volume_terms: tuple[tuple[int, int], ...]
    capacity_degree: int


@dataclass(frozen=True)
class Phase:
    """One phase: its volume, its heat capacity, and its enthalpy on each isobar."""

    name: str
    reference: float
    """p_0, Pa."""
    volume: PhaseVolume
    heat_capacity: Curve
    """At p_0, with any correction."""
    enthalpy_polynomial: Array
    """int Cp(T, p_0) dT as simulated, over T - centre, without a constant; J/kg."""
    constants: dict[float, tuple[float, float]]
    """Constant of the enthalpy and its variance by pressure (Pa)."""
    chi_square: tuple[float, float]
    """Reduced, of the volume and of the enthalpy; NaN where no point is left over."""
    scatter: tuple[float, float]
    """Standard deviation of the points about the fits, m3/kg and J/kg."""

    def expansion(self, T: Array | float, p: Array | float) -> Array:
        """Return (dV/dT)_p, m3/(kg K).

        Parameters
        ----------
        T, p:
            K and Pa.
        """
        return self.volume.expansion(T, p)

    def capacity(self, T: Array | float, p: float) -> Array:
        """Return Cp(T, p), J/(kg K): at p_0, less T int d2V/dT2 dp.

        Parameters
        ----------
        T, p:
            K and Pa.
        """
        T = np.asarray(T, dtype=float)
        step = 0.01
        entropy = [self.volume.entropy(T + s, p, self.reference) for s in (-step, step)]
        return np.asarray(self.heat_capacity.at(T) + T * (entropy[1] - entropy[0]) / (2 * step))

    def entropy(self, T: Array | float, p: Array | float) -> Array:
        """Return the entropy but for a constant, J/(kg K).

        Parameters
        ----------
        T, p:
            K and Pa.
        """
        return self.heat_capacity.entropy(T) + self.volume.entropy(T, p, self.reference)

    def enthalpy_shape(self, T: Array | float, p: Array | float) -> Array:
        """Return the enthalpy but for the constant of its isobar, J/kg.

        Parameters
        ----------
        T, p:
            K and Pa.
        """
        t = np.asarray(T, dtype=float) - self.volume.centre
        heat = np.polynomial.polynomial.polyval(t, self.enthalpy_polynomial)
        return np.asarray(heat + flow_work(self.volume, T, p, self.reference))

    def enthalpy(self, T: Array | float, p: float) -> Array:
        """Return the enthalpy on an isobar that was simulated in this phase, J/kg.

        Parameters
        ----------
        T, p:
            K, and one of the pressures of :attr:`constants`, Pa.
        """
        return np.asarray(self.enthalpy_shape(T, p) + self.constants[p][0])

    def corrected(self, correction: Curve | None) -> "Phase":
        """Return the phase with a table added to its heat capacity.

        Parameters
        ----------
        correction:
            J/(kg K), or None.
        """
        if correction is None:
            return self
        own = self.heat_capacity.temperature
        T = np.unique(np.concatenate([own, correction.temperature]))
        curve = Curve(T, self.heat_capacity.at(T) + correction.at(T))
        return replace(self, heat_capacity=_positive(curve, self.name))


def flow_work(volume: PhaseVolume, T: Array | float, p: Array | float, p_0: float) -> Array:
    """Return int_p0^p (V - T dV/dT) dp, J/kg: how the enthalpy of a phase changes with pressure.

    Parameters
    ----------
    volume, T, p, p_0:
        The phase; K, Pa and Pa.
    """
    T, p = np.asarray(T, dtype=float), np.asarray(p, dtype=float)
    t = T - volume.centre
    total = np.zeros(np.broadcast(t, p).shape)
    for i, j, k in volume.coefficients:
        slope = i * t ** (i - 1) if i > 0 else 0.0
        total = total + k * (t**i - T * slope) * (p ** (j + 1) - p_0 ** (j + 1)) / (j + 1)
    return total


def choose_form(points: PhasePoints) -> Form:
    """Choose how rich the fits of a phase are, by the Bayesian information criterion.

    Parameters
    ----------
    points:
        Within the phase, with errors.

    Returns
    -------
    :
        The terms.

    Raises
    ------
    InputError
        If the phase has fewer than two temperatures.
    """
    T, p = points.temperature, points.pressure
    counts = len(np.unique(np.round(T, 6))), len(np.unique(p))
    if counts[0] < 2:
        raise InputError("table: a phase needs points at two temperatures or more; simulate more on both sides")
    terms = [(0, 0), (1, 0)] + ([(0, 1)] if counts[1] > 1 else [])
    penalty = float(np.log(len(T)))
    cost = _volume_fit(points, terms)[2] + penalty * len(terms)
    for term in _VOLUME_TERMS:
        if counts[0] <= term[0] + 1 or counts[1] <= term[1] or len(T) < len(terms) + 3:
            continue
        more = _volume_fit(points, [*terms, term])[2] + penalty * (len(terms) + 1)
        if more < cost - _CLEARLY:
            terms, cost = [*terms, term], more
    volume = _phase_volume("", points, terms)[0]
    costs = []
    for degree in range(_HIGHEST_CAPACITY + 1):
        if degree and (counts[0] <= degree + 2 or len(T) < counts[1] + degree + 3):
            break
        costs.append(_enthalpy_fit(points, volume, float(p.min()), degree)[2] + penalty * degree)
    degree = 0
    for candidate in range(1, len(costs)):
        if costs[candidate] < costs[degree] - _CLEARLY:
            degree = candidate
    return Form(tuple(terms), degree)


def fit_phase(name: str, points: PhasePoints, form: Form, reference: float) -> Phase:
    """Fit volume and enthalpy of a phase.

    Parameters
    ----------
    name, points, form, reference:
        Of the phase, its points, the terms of the fits, and p_0 (Pa).

    Returns
    -------
    :
        The phase.

    Raises
    ------
    InputError
        If its heat capacity comes out negative.
    """
    volume, chi_V = _phase_volume(name, points, form.volume_terms)
    solution, covariance, chi_H, isobars = _enthalpy_fit(points, volume, reference, form.capacity_degree)
    n = len(points.temperature)
    count = form.capacity_degree + 1
    polynomial = np.concatenate([[0.0], solution[:count]])
    low, high = float(points.temperature.min()), float(points.temperature.max())
    T = np.linspace(low, high, (1, 2, _NODES)[form.capacity_degree])  # one point: constant; two: a straight line
    t = T - volume.centre
    slope = np.polynomial.polynomial.polyder(polynomial)
    capacity = np.asarray(np.polynomial.polynomial.polyval(t, slope), dtype=np.float64)
    constants = {
        float(p): (float(solution[count + k]), float(covariance[count + k, count + k])) for k, p in enumerate(isobars)
    }
    residual = points.enthalpy - np.array([constants[float(p)][0] for p in points.pressure])
    residual = residual - np.polynomial.polynomial.polyval(points.temperature - volume.centre, polynomial)
    residual = residual - flow_work(volume, points.temperature, points.pressure, reference)
    freedom = (n - len(form.volume_terms), n - count - len(isobars))
    chi = [c / f if f > 0 else float("nan") for c, f in zip((chi_V, chi_H), freedom, strict=True)]
    scatter_H = float(np.sqrt(residual @ residual / freedom[1])) if freedom[1] > 0 else float("nan")
    curve = _positive(Curve(T, capacity), name)
    scatter = volume.scatter, scatter_H
    return Phase(name, reference, volume, curve, polynomial, constants, (chi[0], chi[1]), scatter)


def _positive(curve: Curve, name: str) -> Curve:
    if curve.values.min() <= 0:
        raise InputError(
            f"table: the heat capacity of the {name} phase comes out as {curve.values.min():.4g} J/kg/K at "
            f"{curve.temperature[np.argmin(curve.values)]:g} K; the enthalpies are too noisy or too few"
        )
    return curve


def _scales(points: PhasePoints) -> tuple[float, float, float]:
    T = points.temperature
    return float(T.mean()), max(float(np.ptp(T)), 1.0), max(float(points.pressure.max()), 1e5)


def _volume_fit(points: PhasePoints, terms: Sequence[tuple[int, int]]) -> tuple[Array, Array, float]:
    """Coefficients of scaled powers, residuals and chi square."""
    centre, scale_t, scale_p = _scales(points)
    t, q = (points.temperature - centre) / scale_t, points.pressure / scale_p
    design = np.stack([t**i * q**j for i, j in terms], axis=1)
    weight = 1 / points.volume_error
    found = np.linalg.lstsq(design * weight[:, None], points.volume * weight, rcond=None)[0]
    solution = np.asarray(found, dtype=np.float64)
    residual = points.volume - design @ solution
    return solution, residual, float(np.sum((residual * weight) ** 2))


def _phase_volume(name: str, points: PhasePoints, terms: Sequence[tuple[int, int]]) -> tuple[PhaseVolume, float]:
    centre, scale_t, scale_p = _scales(points)
    solution, residual, chi = _volume_fit(points, terms)
    freedom = max(len(residual) - len(terms), 1)
    volume = PhaseVolume(
        name,
        centre,
        tuple((i, j, float(k) / scale_t**i / scale_p**j) for (i, j), k in zip(terms, solution, strict=True)),
        (float(points.temperature.min()), float(points.temperature.max())),
        float(points.pressure.max()),
        float(np.sqrt(residual @ residual / freedom)),
    )
    return volume, chi


def _enthalpy_fit(
    points: PhasePoints, volume: PhaseVolume, reference: float, degree: int
) -> tuple[Array, Array, float, Array]:
    """Coefficients of t, t^2 ... and the constants of the isobars; covariance, chi square, pressures."""
    T, p = points.temperature, points.pressure
    isobars = np.unique(p)
    t, scale = T - volume.centre, max(float(np.ptp(T)), 1.0)
    columns = [(t / scale) ** (k + 1) for k in range(degree + 1)]
    columns += [(p == own).astype(float) for own in isobars]
    weight = 1 / points.enthalpy_error
    design = np.stack(columns, axis=1) * weight[:, None]
    target = (points.enthalpy - flow_work(volume, T, p, reference)) * weight
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    residual = target - design @ solution
    units = np.concatenate([scale ** -np.arange(1.0, degree + 2), np.ones(len(isobars))])
    covariance = np.linalg.pinv(design.T @ design) * np.outer(units, units)
    return np.asarray(solution * units), np.asarray(covariance, dtype=np.float64), float(residual @ residual), isobars
