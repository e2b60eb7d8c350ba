"""What one mode of vibration holds: energy, heat capacity and entropy of an oscillator, quantum or classical.

x = E / kT; energy in kT (with the zero point), heat capacity and entropy in k. A mode at x = 0 has no finite entropy:
the average over the lowest half bin of the grid stands for it. Source: Berens et al., J. Chem. Phys. 79, 2375 (1983).
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Kind = Literal["quantum", "classical", "correction"]


def heat_capacity_of_mode(x: Array, kind: str) -> Array:
    """Return the heat capacity in k.

    Parameters
    ----------
    x:
        E / kT >= 0.
    kind:
        ``"quantum"``, ``"classical"`` or ``"correction"`` (quantum less classical).

    Returns
    -------
    :
        As many values.

    Examples
    --------
    >>> heat_capacity_of_mode(np.array([0.0, 1.0, 50.0]), "quantum").round(3).tolist()
    [1.0, 0.921, 0.0]
    """
    if kind == "classical":
        return np.ones_like(x)
    half = np.clip(0.5 * x, 1e-8, 300.0)
    quantum = (half / np.sinh(half)) ** 2
    return np.asarray(quantum - (1.0 if kind == "correction" else 0.0))


def energy_of_mode(x: Array, kind: str) -> Array:
    """Return the mean energy in kT, quantum with the zero point; parameters as for :func:`heat_capacity_of_mode`.

    Examples
    --------
    >>> energy_of_mode(np.array([0.0, 1.0]), "quantum").round(3).tolist()
    [1.0, 1.082]
    """
    if kind == "classical":
        return np.ones_like(x)
    half = np.maximum(0.5 * x, 1e-8)
    quantum = half / np.tanh(half)
    return np.asarray(quantum - (1.0 if kind == "correction" else 0.0))


def entropy_of_mode(x: Array, kind: str) -> Array:
    """Return the entropy in k; parameters as for :func:`heat_capacity_of_mode`, of values that increase.

    Examples
    --------
    >>> entropy_of_mode(np.array([0.0, 0.1, 1.0]), "classical").round(3).tolist()
    [4.996, 3.303, 1.0]
    """
    safe = np.maximum(x, 1e-8)
    classical = 1 - np.log(safe)
    small = np.exp(-np.minimum(safe, 600.0))
    quantum = safe * small / -np.expm1(-safe) - np.log(-np.expm1(-safe))
    if kind == "correction":
        return np.asarray(np.where(x > 0, quantum - classical, 0.0))
    found = quantum if kind == "quantum" else classical
    # 1/h int (1 - ln x) dx from 0 to h = 2 - ln h; quantum oscillators are classical there
    return np.asarray(np.where(x > 0, found, 2 - np.log(0.5 * x[1] - 0.5 * x[0])))
