"""By how much entropies from the covariance of few frames are wrong on average. Units: k, u angstrom^2, K.

One frame goes to the mean. The logarithm of a determinant: Misra, Singh and Demchuk, J. Multivar. Anal. 92, 324 (2005).
What quantum oscillators have more than classical ones bends upwards as a mode gets narrower, and the spreads of few
frames scatter about the true ones: its bias is that of frames drawn from the covariance that was found (parametric
bootstrap; Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 10), matrices of Wishart by Bartlett,
Proc. R. Soc. Edinb. 53, 260 (1933).
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.thermodynamics.oscillators import entropy_of_mode

Array = npt.NDArray[np.floating[Any]]

_BOLTZMANN = 0.8314462618
"""u angstrom^2/ps^2/K, CODATA 2018."""
_HBAR = 6.35077993
"""u angstrom^2/ps, CODATA 2018."""
_DRAWS = 12
"""Matrices of Wishart; they scatter by less than a tenth of what the frames do."""


def mode_ratios(spread: Array, temperature: float) -> Array:
    """Return hbar omega / kT of classical modes as wide as ``spread`` (u angstrom^2)."""
    return np.asarray(_HBAR / np.sqrt(spread * _BOLTZMANN * temperature))


def log_determinant_bias(size: int, free: float, waves: bool) -> float:
    """Return what the logarithm of the determinant of a covariance of few frames lacks on average (negative).

    Parameters
    ----------
    size:
        Rows of the covariance.
    free:
        Independent frames, more than ``size``, of which the mean was taken off.
    waves:
        Whether it is complex: two numbers each.

    Returns
    -------
    :
        The bias.

    Examples
    --------
    >>> round(log_determinant_bias(1, 100.0, False), 4)
    -0.0202
    """
    from scipy.special import digamma

    order = np.arange(size)
    if waves:
        return float(np.sum(digamma(free - 1 - order) - math.log(free)))
    return float(np.sum(digamma(0.5 * (free - 1 - order)) - math.log(0.5 * free)))


def quantum_correction(spread: Array, temperature: float) -> float:
    """Return what quantum oscillators have more entropy than classical ones as wide, k."""
    return float(np.sum(entropy_of_mode(np.sort(mode_ratios(spread, temperature)), "correction")))


def quantum_bias(spread: Array, free: float, temperature: float, *, waves: bool) -> float:
    """Return by how much :func:`quantum_correction` is too great on average, of a covariance of few frames.

    Parameters
    ----------
    spread:
        Its eigenvalues, u angstrom^2.
    free, waves:
        As for :func:`log_determinant_bias`.
    temperature:
        K.

    Returns
    -------
    :
        The bias, k.

    Examples
    --------
    >>> few, many = (quantum_bias(np.full(6, 0.02), n, 300.0, waves=False) for n in (30.0, 3000.0))
    >>> 0.1 < few < 0.6 and abs(many) < 0.03
    True
    """
    rng = np.random.default_rng(1)
    size = len(spread)
    rows = np.arange(size)
    root = np.sqrt(spread)[:, None]
    drawn = []
    for _ in range(_DRAWS):
        below = rng.standard_normal((size, size))
        if waves:
            below = (below + 1j * rng.standard_normal((size, size))) / math.sqrt(2)
        factor = np.tril(below, -1)
        shape = free - 1 - rows if waves else 0.5 * (free - 1 - rows)
        factor[rows, rows] = np.sqrt(rng.gamma(shape) * (1 if waves else 2))
        factor = root * factor / math.sqrt(free)
        drawn.append(quantum_correction(np.linalg.svd(factor, compute_uv=False) ** 2, temperature))
    return float(np.mean(drawn)) - quantum_correction(spread, temperature)
