"""Magnets whose magnetisation and entropy are known exactly; plain numbers, per mass, R/M = 1 unless stated."""

import numpy as np
import scipp as sc

from caloris.heat.magnetocaloric import table


def axis(name, values, unit):
    return sc.array(dims=[name], values=np.asarray(values, dtype=float), unit=unit)


def magnet(B, T, M, unit="A*m^2/kg", errors=None):
    return table(axis("field", B, "T"), axis("temperature", T, "K"), np.asarray(M), unit=unit, errors=errors)


def curie(B, T, C=2.0):
    """Magnetisation C B / T; entropy change -C B^2 / (2 T^2)."""
    return C * np.asarray(B)[:, None] / np.asarray(T)


def spin_half_entropy(x):
    """Entropy of free spins 1/2 over x = mu B / kB T, in units of R."""
    return np.logaddexp(x, -x) - x * np.tanh(x)


MOMENT_PER_KELVIN = 0.6717
"""mu_B / kB, K/T: the moment of a spin 1/2 with g = 2."""
R = 100.0
"""N kB per mass, J/kg/K."""


def paramagnet(B, T):
    """(magnetisation A m2/kg, entropy J/kg/K) of free spins 1/2 (Brillouin)."""
    x = MOMENT_PER_KELVIN * np.asarray(B)[:, None] / np.asarray(T)
    return R * MOMENT_PER_KELVIN * np.tanh(x), R * spin_half_entropy(x)


def weiss(B, T, curie_temperature=300.0, moment=2.0):
    """(magnetisation, entropy) of a mean-field ferromagnet: m = tanh((moment B + Tc m) / T)."""
    h = moment * np.asarray(B, dtype=float)[:, None]
    T = np.asarray(T, dtype=float)
    low, high = np.zeros((len(h), len(T))), np.ones((len(h), len(T)))
    for _ in range(60):  # tanh is concave: below the stable root it lies above m
        m = 0.5 * (low + high)
        below = np.tanh((h + curie_temperature * m) / T) > m
        low, high = np.where(below, m, low), np.where(below, high, m)
    x = (h + curie_temperature * 0.5 * (low + high)) / T
    return R * moment * np.tanh(x), R * spin_half_entropy(x)


def landau(B, T, *, a=0.01, b=1e-5, c=0.0, T0=300.0):
    """(M, entropy) that minimise a (T - T0) M^2/2 + b M^4/4 + c M^6/6 - B M, by roots of the equation of state."""
    M = np.zeros((len(B), len(T)))
    for i, field in enumerate(B):
        for j, temperature in enumerate(T):
            A = a * (temperature - T0)
            roots = np.roots([c, 0, b, 0, A, -field] if c else [b, 0, A, -field])
            real = np.append(roots[np.abs(roots.imag) < 1e-7 * np.abs(roots).max() + 1e-12].real, 0.0)
            real = real[real >= 0]
            energy = A * real**2 / 2 + b * real**4 / 4 + c * real**6 / 6 - field * real
            M[i, j] = real[np.argmin(energy)]
    return M, -a * M**2 / 2


def lopsided(B, T, T0=300.0, rise=3.0, fall=9.0):
    """Magnetisation chi(T) B; entropy chi'(T) B^2 / 2: inverse below T0, a third of that and conventional above."""
    T = np.asarray(T, dtype=float)
    width = np.where(T < T0, rise, fall)
    chi = np.exp(-((T - T0) ** 2) / (2 * width**2))
    B = np.asarray(B, dtype=float)[:, None]
    return chi * B, -(T - T0) / width**2 * chi * B**2 / 2
