"""Motions whose every observable has a closed form: vibration, diffusion, jumps on a lattice, turning molecules.

Motions of one atom add up (``Vibration(...) + LatticeJumps(...)``), are independent of each other and stationary: mean
square displacements add, I(Q,t) multiply. Inside: angstrom, ps, 1/angstrom, rad/ps. ``synthetic_trajectory.py`` draws
them, each exactly for any distance of frames.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Parts = list[tuple[Array, Array]]
"""Weight (Q,) and decay rate (Q,), 1/ps, of every exponential of I(Q,t)."""

HBAR = 0.6582119569
"""meV ps."""


class Motion:
    """One motion, or a sum of them: closed forms of what an average over all time and all atoms tends to."""

    def __add__(self, other: "Motion") -> "Motion":
        return Together((*_parts(self), *_parts(other)))

    def mean_square_displacement(self, time: sc.Variable) -> sc.DataArray:
        """Return <|r(t) - r(0)|^2> over ``time``, angstrom^2."""
        t, coords = _axis(time, "time", "ps")
        return _array(["time"], self._square(t), coords, "angstrom^2", "mean square displacement")

    def intermediate_scattering(self, momentum_transfer: sc.Variable, time: sc.Variable) -> sc.DataArray:
        """Return the incoherent I(Q,t).

        Parameters
        ----------
        momentum_transfer:
            Lengths, for the average over all directions, or vectors; one dimension, 1/angstrom.
        time:
            One dimension.

        Returns
        -------
        :
            Dimensions ``Q`` and ``time``. The average over directions is by quadrature where there is no formula
            (jumps on a lattice), to 1e-9.
        """
        q, coords = _axis(momentum_transfer, "Q", "1/angstrom")
        t, more = _axis(time, "time", "ps")
        return _array(["Q", "time"], self._intermediate(q, t), coords | more, "one", "incoherent I(Q,t)")

    def eisf(self, momentum_transfer: sc.Variable) -> sc.DataArray:
        """Return I(Q, t -> infinity): elastic part of all scattering, vibrations included (Debye-Waller factor)."""
        q, coords = _axis(momentum_transfer, "Q", "1/angstrom")
        return _array(["Q"], self._elastic(q), coords, "one", "EISF")

    def lorentzians(self, momentum_transfer: sc.Variable) -> sc.DataArray:
        """Return the delta function and the Lorentzians of S(Q,E); what vibrations scatter inelastically is left out.

        Parameters
        ----------
        momentum_transfer:
            As for :meth:`intermediate_scattering`; vectors for jumps on a lattice.

        Returns
        -------
        :
            Weights over ``component`` and ``Q``, with the coordinate ``hwhm`` in meV, 0 for the delta function.
        """
        q, coords = _axis(momentum_transfer, "Q", "1/angstrom")
        parts = self._exponentials(q)
        widths = HBAR * np.array([rate for _, rate in parts])
        coords["hwhm"] = sc.array(dims=["component", "Q"], values=widths, unit="meV")
        return _array(["component", "Q"], np.array([weight for weight, _ in parts]), coords, "one", "weight")

    def orientation_correlation(self, time: sc.Variable, order: int = 1) -> sc.DataArray:
        """Return <P_l(u(0).u(t))> of the bonds over ``time``; of the rotation alone, vibrations are left out."""
        t, coords = _axis(time, "time", "ps")
        turning = [part for part in _parts(self) if isinstance(part, Rotation)]
        if len(turning) != 1:
            raise InputError("orientation_correlation: expected a motion with one rotation in it")
        return _array(["time"], turning[0]._legendre(t, order), coords, "one", f"orientation correlation C{order}")

    def velocity_autocorrelation(self, time: sc.Variable) -> sc.DataArray:
        """Return <v(0).v(t)> over ``time``, angstrom^2/ps^2, of the motions that have a velocity; jumps have none."""
        t, coords = _axis(time, "time", "ps")
        values = sum((part._velocity(t) for part in _with_velocity(self)), np.zeros(len(t)))
        return _array(["time"], values, coords, "angstrom^2/ps^2", "velocity autocorrelation")

    def density_of_states(self, energy_transfer: sc.Variable) -> sc.DataArray:
        """Return the spectrum of the velocity over energies, 1/meV; its integral from 0 on is 1."""
        e, coords = _axis(energy_transfer, "energy_transfer", "meV")
        parts = _with_velocity(self)
        if not parts:
            raise InputError("density_of_states: nothing in this motion has a velocity; add a Vibration")
        total = sum(float(part._velocity(np.zeros(1))[0]) for part in parts) / 3
        values = sum((part._spectrum(e / HBAR) for part in parts), np.zeros(len(e))) / total / HBAR
        return _array(["energy_transfer"], values, coords, "1/meV", "density of states")

    # what each motion defines; numbers in, numbers out

    def _square(self, t: Array) -> Array:
        raise NotImplementedError

    def _intermediate(self, q: Array, t: Array) -> Array:
        return np.asarray(sum(weight[:, None] * np.exp(-rate[:, None] * t) for weight, rate in self._exponentials(q)))

    def _elastic(self, q: Array) -> Array:
        weights = [np.where(rate <= 1e-12, weight, 0.0) for weight, rate in self._exponentials(q)]
        return np.asarray(np.sum(weights, axis=0))

    def _exponentials(self, q: Array) -> Parts:
        raise NotImplementedError


@dataclass(frozen=True)
class Together(Motion):
    """Independent motions of one atom, at the same time."""

    parts: tuple[Motion, ...]

    def _square(self, t: Array) -> Array:
        return np.asarray(sum((part._square(t) for part in self.parts), np.zeros(len(t))))

    def _intermediate(self, q: Array, t: Array) -> Array:
        return np.asarray(math.prod((part._intermediate(q, t) for part in self.parts), start=np.ones((len(q), len(t)))))

    def _elastic(self, q: Array) -> Array:
        return np.asarray(math.prod((part._elastic(q) for part in self.parts), start=np.ones(len(q))))

    def _exponentials(self, q: Array) -> Parts:
        found: Parts = [(np.ones(len(q)), np.zeros(len(q)))]
        for part in self.parts:
            more = part._exponentials(q)
            found = [(w * weight, r + rate) for w, r in found for weight, rate in more]
        return found


class Gaussian(Motion):
    """Position and velocity follow a linear stochastic equation, so that displacements are Gaussian at all times."""

    def propagator(self, dt: float) -> tuple[Array, Array]:
        """Return the matrix that carries (x, v) over a time, and the covariance of the noise, both (2, 2)."""
        raise NotImplementedError

    def start(self) -> tuple[float, float]:
        """Return the standard deviations of x and v at the start."""
        raise NotImplementedError

    def _velocity(self, t: Array) -> Array:
        raise NotImplementedError

    def _spectrum(self, w: Array) -> Array:
        raise NotImplementedError

    def _intermediate(self, q: Array, t: Array) -> Array:
        return np.asarray(np.exp(-square_length(q)[:, None] * self._square(t) / 6))


@dataclass(frozen=True)
class Vibration(Gaussian):
    """A damped oscillator in a heat bath: x'' = -w0^2 x - gamma x' + noise, each component by itself."""

    mean_square: Quantity
    """<u_x^2> of one component, angstrom^2."""
    frequency: Quantity
    """w0 / 2 pi, THz."""
    damping: Quantity
    """gamma, 1/ps; 0 for none."""

    @cached_property
    def _numbers(self) -> tuple[float, float, float]:
        square = magnitude(self.mean_square, "angstrom^2", "mean_square", positive=True)
        frequency = magnitude(self.frequency, "THz", "frequency", positive=True)
        damping = magnitude(self.damping, "1/ps", "damping")
        if damping < 0:
            raise InputError(f"damping: must not be less than 0 1/ps, got {damping:g} 1/ps")
        return square, 2 * math.pi * frequency, damping

    def propagator(self, dt: float) -> tuple[Array, Array]:
        """Return the matrix that carries (x, v) over a time, and the covariance of the noise, both (2, 2)."""
        return oscillator_propagator(*self._numbers, dt)

    def start(self) -> tuple[float, float]:
        """Return the standard deviations of x and v in equilibrium."""
        square, w0, _ = self._numbers
        return math.sqrt(square), math.sqrt(square) * w0

    def _square(self, t: Array) -> Array:
        square, w0, damping = self._numbers
        return 6 * square * (1 - oscillator_correlations(w0, damping, t)[0])

    def _velocity(self, t: Array) -> Array:
        square, w0, damping = self._numbers
        return 3 * square * w0**2 * oscillator_correlations(w0, damping, t)[1]

    def _spectrum(self, w: Array) -> Array:
        square, w0, damping = self._numbers
        return square * w0**2 * oscillator_spectrum(w0, damping, w)

    def _exponentials(self, q: Array) -> Parts:
        square = self._numbers[0]
        return [(np.exp(-square_length(q) * square), np.zeros(len(q)))]


@dataclass(frozen=True)
class FreeDiffusion(Gaussian):
    """Brownian motion, or a free particle in a heat bath if its velocity has a relaxation time."""

    coefficient: Quantity
    """D, angstrom^2/ps or cm^2/s."""
    relaxation_time: Quantity | None = None
    """Of the velocity, ps; without it there is no velocity."""

    @cached_property
    def _numbers(self) -> tuple[float, float]:
        diffusion = magnitude(self.coefficient, "angstrom^2/ps", "coefficient", positive=True)
        if self.relaxation_time is None:
            return diffusion, 0.0
        return diffusion, magnitude(self.relaxation_time, "ps", "relaxation_time", positive=True)

    def propagator(self, dt: float) -> tuple[Array, Array]:
        """Return the matrix that carries (x, v) over a time, and the covariance of the noise, both (2, 2)."""
        diffusion, tau = self._numbers
        if tau == 0:
            return np.diag([1.0, 0.0]), np.diag([2 * diffusion * dt, 0.0])
        lost = -math.expm1(-dt / tau)
        matrix = np.array([[1.0, tau * lost], [0.0, 1 - lost]])
        xx = 2 * diffusion * (dt - tau * lost) - diffusion * tau * lost**2
        return matrix, diffusion * np.array([[xx / diffusion, lost**2], [lost**2, (1 - (1 - lost) ** 2) / tau]])

    def start(self) -> tuple[float, float]:
        """Return the standard deviations of x and v at the start."""
        diffusion, tau = self._numbers
        return 0.0, math.sqrt(diffusion / tau) if tau else 0.0

    def _square(self, t: Array) -> Array:
        diffusion, tau = self._numbers
        return np.asarray(6 * diffusion * (t + tau * np.expm1(-t / tau) if tau else t))

    def _velocity(self, t: Array) -> Array:
        diffusion, tau = self._numbers
        return np.asarray(3 * diffusion / tau * np.exp(-t / tau) if tau else np.zeros(len(t)))

    def _spectrum(self, w: Array) -> Array:
        diffusion, tau = self._numbers
        return np.asarray(diffusion * (2 / math.pi) / (1 + (w * tau) ** 2) if tau else np.zeros(len(w)))

    def _exponentials(self, q: Array) -> Parts:
        diffusion, tau = self._numbers
        if tau:
            raise InputError("lorentzians: only Brownian motion has one; leave out relaxation_time")
        return [(np.ones(len(q)), diffusion * square_length(q))]

    def _elastic(self, q: Array) -> Array:
        return np.where(square_length(q) == 0, 1.0, 0.0)


@dataclass(frozen=True)
class LatticeJumps(Motion):
    """Jumps to one of the six neighbours in a simple cubic lattice, each as likely, at random times; no site is full.

    Source
    ------
    Chudley and Elliott, Proc. Phys. Soc. 77, 353 (1961).
    """

    length: Quantity
    """Of a jump, angstrom."""
    residence_time: Quantity
    """Mean time between jumps, ps."""
    DIRECTIONS: ClassVar[Array] = np.concatenate([np.eye(3), -np.eye(3)])

    @cached_property
    def _numbers(self) -> tuple[Array, float]:
        length = magnitude(self.length, "angstrom", "length", positive=True)
        return length * self.DIRECTIONS, magnitude(self.residence_time, "ps", "residence_time", positive=True)

    def _square(self, t: Array) -> Array:
        vectors, tau = self._numbers
        return np.asarray((vectors**2).sum(axis=1).mean() * t / tau)

    def _rate(self, vectors: Array) -> Array:
        jumps, tau = self._numbers
        return np.asarray((1 - np.cos(vectors @ jumps.T).mean(axis=-1)) / tau)

    def _intermediate(self, q: Array, t: Array) -> Array:
        if q.ndim == 2:
            return np.asarray(np.exp(-self._rate(q)[:, None] * t))
        jumps, _ = self._numbers
        found = np.empty((len(q), len(t)))
        for row, value in enumerate(q):
            directions, weights = _octant(32 + math.ceil(value * np.abs(jumps).max()))
            rate = self._rate(value * directions)
            for first in range(0, len(t), 256):
                found[row, first : first + 256] = weights @ np.exp(-rate[:, None] * t[first : first + 256])
        return found

    def _exponentials(self, q: Array) -> Parts:
        if q.ndim == 1:
            raise InputError("momentum_transfer: jumps on a lattice are one Lorentzian for a vector Q; give vectors")
        return [(np.ones(len(q)), self._rate(q))]

    def _elastic(self, q: Array) -> Array:
        return np.where(square_length(q) == 0, 1.0, 0.0) if q.ndim == 1 else super()._elastic(q)


class Rotation(Motion):
    """A rigid group turns about its centre; orientations of the groups are random."""

    @property
    def vertices(self) -> Array:
        """Positions of the outer atoms about the centre, (n, 3), angstrom."""
        raise NotImplementedError

    def _legendre(self, t: Array, order: int) -> Array:
        raise NotImplementedError


def oscillator_correlations(w0: Any, damping: float, t: Array) -> tuple[Array, Array]:
    """Return <x(0) x(t)> / <x^2> and <v(0) v(t)> / <v^2> of a damped oscillator, of w0 broadcast with t."""
    cosine, sine = _cosine_and_sine(w0, damping, t)
    return cosine + damping / 2 * sine, cosine - damping / 2 * sine


def oscillator_propagator(square: Any, w0: Any, damping: float, dt: float) -> tuple[Array, Array]:
    """Return the matrix that carries (x, v) over a time and the covariance of its noise: (2, 2), or (2, 2, *w0.shape).

    <x^2> is ``square`` and <v^2> is w0^2 times that, at all times, so that the covariance follows from the matrix.
    """
    w0, square = np.asarray(w0, dtype=float), np.asarray(square, dtype=float)
    cosine, sine = _cosine_and_sine(w0, damping, np.full(w0.shape, dt))
    matrix = np.array([[cosine + damping / 2 * sine, sine], [-(w0**2) * sine, cosine - damping / 2 * sine]])
    zero = np.zeros(w0.shape)
    equilibrium = np.array([[square + zero, zero], [zero, square * w0**2]])
    return matrix, equilibrium - np.einsum("ij...,jk...,lk...->il...", matrix, equilibrium, matrix)


def oscillator_spectrum(w0: Any, damping: float, w: Array) -> Array:
    """Return the spectrum of the velocity, ps; its integral over w from 0 on is 1."""
    if damping == 0:
        raise InputError("density_of_states: an undamped vibration has a line without a width; give a damping")
    return np.asarray((2 / math.pi) * damping * w**2 / ((w0**2 - w**2) ** 2 + (damping * w) ** 2))


def lower_root(covariance: Array) -> Array:
    """Return the lower triangle L with L L^T = covariance, (2, 2, ...); Cholesky, where rounding may leave -1e-18."""
    first = np.sqrt(np.maximum(covariance[0, 0], 0.0))
    mixed = np.divide(covariance[1, 0], first, out=np.zeros_like(first), where=first > 0)
    return np.array([[first, np.zeros_like(first)], [mixed, np.sqrt(np.maximum(covariance[1, 1] - mixed**2, 0.0))]])


def _cosine_and_sine(w0: Any, damping: float, t: Array) -> tuple[Array, Array]:
    """exp(-gamma t / 2) times cos(W t) and sin(W t) / W; W is imaginary if the damping is strong."""
    w = np.sqrt(np.asarray(w0, dtype=complex) ** 2 - damping**2 / 4)
    w = np.where(np.abs(w) < 1e-6 * np.abs(w0), 1e-6 * w0, w)
    forth, back = np.exp((1j * w - damping / 2) * t), np.exp((-1j * w - damping / 2) * t)
    return np.real(forth + back) / 2, np.real((forth - back) / (2j * w))


def _parts(motion: Motion) -> tuple[Motion, ...]:
    return motion.parts if isinstance(motion, Together) else (motion,)


def _with_velocity(motion: Motion) -> list[Gaussian]:
    return [part for part in _parts(motion) if isinstance(part, Gaussian) and part.start()[1] > 0]


def _axis(values: sc.Variable, name: str, unit: str) -> tuple[Array, dict[str, sc.Variable]]:
    """Plain numbers, (n,) or for vectors (n, 3), and the coordinate."""
    try:
        found = values.to(unit=unit, copy=False)
    except (AttributeError, sc.UnitError):
        raise InputError(f"{name}: expected a scipp array in {unit}, got {values!r}") from None
    if found.ndim != 1:
        raise InputError(f"{name}: expected one dimension, got {found.dims}")
    return np.asarray(found.values, dtype=float), {name: found.rename_dims({found.dim: name})}


def _array(dims: list[str], values: Array, coords: dict[str, sc.Variable], unit: str, name: str) -> sc.DataArray:
    return sc.DataArray(sc.array(dims=dims, values=values, unit=unit), coords=coords, name=name)


def square_length(q: Array) -> Array:
    """Return Q^2 of lengths (n,) or vectors (n, 3)."""
    return np.asarray((q**2).sum(axis=1) if q.ndim == 2 else q**2)


def _octant(points: int) -> tuple[Array, Array]:
    """Directions in one octant of the sphere and their weights, sum 1: Gauss and Legendre in cos(theta) and phi."""
    x, weight = np.polynomial.legendre.leggauss(points)
    cosine, phi = (x[:, None] + 1) / 2, (x[None, :] + 1) * math.pi / 4
    sine = np.sqrt(1 - cosine**2)
    vectors = np.stack(np.broadcast_arrays(sine * np.cos(phi), sine * np.sin(phi), cosine), axis=-1)
    return vectors.reshape(-1, 3), np.outer(weight, weight).ravel() / 4
