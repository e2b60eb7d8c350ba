"""Kernels of scattering from trajectories: arrays in, arrays out, no units but those of the caller.

The sines of the phases are polynomials in double precision, exact to 1e-14, that compilers turn into vector code.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]

# sin(pi u) / u and cos(pi u) over u^2 in [0, 1/4], Chebyshev interpolation; largest error 3e-15
_S0, _S1, _S2, _S3, _S4, _S5, _S6, _S7 = (
    3.141592653589794,
    -5.1677127800495954,
    2.550164039851157,
    -0.5992645285904536,
    0.08214587630786897,
    -0.007370350323922082,
    0.0004659477007037566,
    -2.1089756159244988e-05,
)
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = (
    0.9999999999999996,
    -4.934802200544511,
    4.058712126408442,
    -1.335262768667685,
    0.2353306280374374,
    -0.02580687430759991,
    0.0019294990567325272,
    -0.00010444621263727208,
    4.0460974570458275e-06,
)


@njit(nogil=True, cache=True, fastmath=True)
def _half_angle(turns: float) -> tuple[float, float]:
    """Sine and cosine of half the angle, which is given in turns."""
    u = turns - np.rint(turns)
    z = u * u
    sine = u * (_S0 + z * (_S1 + z * (_S2 + z * (_S3 + z * (_S4 + z * (_S5 + z * (_S6 + z * _S7)))))))
    rest = _C4 + z * (_C5 + z * (_C6 + z * (_C7 + z * _C8)))
    return sine, _C0 + z * (_C1 + z * (_C2 + z * (_C3 + z * rest)))


@njit(nogil=True, cache=True, fastmath=True)
def count_displacements(
    x: Array, frames: int, first: int, begin: int, end: int, bins_per_length: Any, counts: Array
) -> None:
    """Add the lengths of displacements of every atom, over the origins of some rows, to histograms.

    ``x`` (atoms, 3, stride, rows) float32 holds frame ``stride * row + phase``; origins are the frames of phase 0 of
    the rows from ``begin`` to ``end``. ``counts`` (lags, bins) int32, of lags from ``first`` on.
    """
    atoms, _, stride, rows = x.shape
    found = np.empty(rows, np.int32)
    for atom in range(atoms):
        x0, y0, z0 = x[atom, 0, 0, begin:], x[atom, 1, 0, begin:], x[atom, 2, 0, begin:]
        for row in range(counts.shape[0]):
            lag = first + row
            origins = min(end, (frames - 1 - lag) // stride + 1) - begin
            phase, shift = lag % stride, lag // stride + begin
            x1, y1, z1 = x[atom, 0, phase, shift:], x[atom, 1, phase, shift:], x[atom, 2, phase, shift:]
            for k in range(origins):
                dx, dy, dz = x1[k] - x0[k], y1[k] - y0[k], z1[k] - z0[k]
                found[k] = np.int32(math.sqrt(dx * dx + dy * dy + dz * dz) * bins_per_length)
            own = counts[row]
            for k in range(origins):
                own[found[k]] += 1


@njit(nogil=True, cache=True, fastmath=True)
def add_transform(counts: Array, transform: Array, found: Array) -> None:
    """Add the transform of histograms: ``counts`` (lags, bins), ``transform`` (bins, Q), ``found`` (lags, Q)."""
    for lag in range(counts.shape[0]):
        own = found[lag]
        for length in range(counts.shape[1]):
            count = counts[lag, length]
            if count > 0:
                for q in range(own.shape[0]):
                    own[q] += count * transform[length, q]


@njit(nogil=True, cache=True, fastmath=True)
def phase_factors(x: Array, q: Array, factors: Array) -> None:
    """Write exp(i 2 pi q.x) of one atom: ``x`` (3, T), ``q`` (K, 3) in turns, ``factors`` (K, >= T) complex64."""
    frames = x.shape[1]
    for k in range(q.shape[0]):
        a, b, c = q[k, 0], q[k, 1], q[k, 2]
        row = factors[k]
        for t in range(frames):
            turns = a * x[0, t] + b * x[1, t] + c * x[2, t]
            sine, cosine = _half_angle(turns)
            row[t] = complex(1.0 - 2.0 * sine * sine, 2.0 * sine * cosine)
        for t in range(frames, row.shape[0]):
            row[t] = 0.0


@njit(nogil=True, cache=True, fastmath=True)
def add_power(spectrum: Array, power: Array) -> None:
    """Add |spectrum|^2 to ``power``, both (K, frequencies)."""
    for k in range(power.shape[0]):
        for w in range(power.shape[1]):
            z = spectrum[k, w]
            power[k, w] += z.real * z.real + z.imag * z.imag


@njit(nogil=True, cache=True, fastmath=True)
def density_modes(x: Array, q: Array, modes: Array) -> None:
    """Add sum over atoms of exp(i 2 pi q.x): ``x`` (T, 3, atoms), ``q`` (K, 3) in turns, ``modes`` (T, K)."""
    atoms = x.shape[2]
    for t in range(x.shape[0]):
        for k in range(q.shape[0]):
            a, b, c = q[k, 0], q[k, 1], q[k, 2]
            real = 0.0
            imaginary = 0.0
            for i in range(atoms):
                turns = a * x[t, 0, i] + b * x[t, 1, i] + c * x[t, 2, i]
                sine, cosine = _half_angle(turns)
                real += sine * sine
                imaginary += sine * cosine
            modes[t, k] += complex(atoms - 2.0 * real, 2.0 * imaginary)
