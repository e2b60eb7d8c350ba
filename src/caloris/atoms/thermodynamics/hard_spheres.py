"""The gas of hard spheres of two-phase thermodynamics: how much of a liquid it is, its spectrum and its entropy.

Delta = (2 s0 / 9 N) sqrt(pi kT / m) (N / V)^(1/3) (6 / pi)^(2/3), s0 the density of states at zero frequency, in time;
f from eq. 34 of Lin, Blanco and Goddard, J. Chem. Phys. 119, 11792 (2003): 2 Delta^-9/2 f^15/2 - 6 Delta^-3 f^5 -
Delta^-3/2 f^7/2 + 6 Delta^-3/2 f^5/2 + 2 f - 2 = 0. Packing of the gas y = (f^5 / Delta^3)^(1/2).
Equation of state: Carnahan and Starling, J. Chem. Phys. 51, 635 (1969). Units: angstrom, ps, u, K.
"""

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]
HardSphereEntropy = Literal["carnahan-starling", "lin"]

_BOLTZMANN = 0.8314462618
"""u angstrom^2/ps^2/K, CODATA 2018."""
_PLANCK = 39.903127
"""u angstrom^2/ps, CODATA 2018."""
_LEAST = 1e-8
"""Fluidity below which nothing is a gas."""


def normalised_diffusivity(
    density_at_zero: float, molecules: int, mass: float, temperature: float, volume: float
) -> float:
    """Return Delta, the diffusivity over that of hard spheres in the limit of zero pressure.

    Parameters
    ----------
    density_at_zero:
        Density of states of the 3 N translations (or of the rotations) at zero frequency, ps.
    molecules:
        N.
    mass:
        Of one, u.
    temperature:
        K.
    volume:
        Of all N, angstrom^3.

    Returns
    -------
    :
        Delta.

    Examples
    --------
    Argon at 100 K that diffuses with 2e-5 cm^2/s = 0.2 angstrom^2/ps, s0 = 12 m N D / kT:

    >>> s0 = 12 * 39.95 * 0.2 / (0.8314 * 100)
    >>> round(normalised_diffusivity(s0, 1, 39.95, 100.0, 48.0), 3)
    0.278
    """
    thermal = math.sqrt(math.pi * _BOLTZMANN * temperature / mass)
    distance = (molecules / volume) ** (1 / 3)
    return float(2 * density_at_zero / (9 * molecules) * thermal * distance * (6 / math.pi) ** (2 / 3))


def fluidicity(diffusivity: float) -> float:
    """Return f, the part of the modes that belongs to the gas of hard spheres: 0 for a solid, 1 for an ideal gas.

    Parameters
    ----------
    diffusivity:
        Delta, as :func:`normalised_diffusivity` gives it.

    Returns
    -------
    :
        f.

    Raises
    ------
    InputError
        If Delta is negative or not finite.

    Examples
    --------
    >>> [round(fluidicity(delta), 3) for delta in (0.0, 0.144, 1.0, 1e4)]
    [0.0, 0.225, 0.541, 1.0]
    """
    if not 0 <= diffusivity < math.inf:
        raise InputError(f"diffusivity: expected a number that is not negative, got {diffusivity}")
    if diffusivity < _LEAST:
        return 0.0
    d = diffusivity

    def balance(f: float) -> float:
        y = f**2.5 / d**1.5
        # eq. 34 is 2 (1 - y)^3 = f (2 - y): free of powers that overflow
        return float(f * (2 - y) - 2 * (1 - y) ** 3)

    low, high = 0.0, min(1.0, d**0.6)  # y < 1
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if balance(middle) < 0 else (low, middle)
    return float(0.5 * (low + high))


def gas_modes(energy: Array, density_at_zero: float, modes: float) -> Array:
    """Return how many modes of the gas lie in each bin of a spectrum; its density of states is a Lorentzian.

    The bins reach half way to the next energy: a gas that flows freely has a peak narrower than one of them.

    Parameters
    ----------
    energy:
        meV, from 0.
    density_at_zero:
        Density of states of the gas at zero energy, 1/meV.
    modes:
        f times the number of modes; those beyond the last energy are not counted.

    Returns
    -------
    :
        As many numbers.

    Examples
    --------
    >>> energy = np.linspace(0.0, 1000.0, 2001)
    >>> round(float(gas_modes(energy, 2.0, 3.0).sum()), 3)
    2.998
    """
    if modes <= 0:
        return np.zeros_like(energy)
    width = 2 * modes / (math.pi * density_at_zero)
    edges = np.concatenate([energy[:1], 0.5 * (energy[1:] + energy[:-1]), energy[-1:]])
    return np.asarray(2 * modes / math.pi * np.diff(np.arctan(edges / width)))


def translational_entropy(
    f: float, diffusivity: float, mass: float, temperature: float, volume: float, hard_spheres: HardSphereEntropy
) -> float:
    """Return the entropy of a molecule of the gas of hard spheres.

    Parameters
    ----------
    f, diffusivity:
        Fluidicity and Delta.
    mass:
        u.
    temperature:
        K.
    volume:
        Of one molecule, angstrom^3; one of the gas has volume / f.
    hard_spheres:
        ``"carnahan-starling"``: Sackur-Tetrode at the density of the gas and y (3 y - 4) / (1 - y)^2, the excess at
        that density. ``"lin"``: with ln z(y) besides, as Lin et al. print it, which belongs to the excess over an
        ideal gas at equal pressure, not at equal density.

    Returns
    -------
    :
        In k.

    Examples
    --------
    Argon as a gas at 298.15 K and 1 bar, 154.85 J/mol/K:

    >>> S = translational_entropy(1.0, 1e6, 39.948, 298.15, 1.380649 * 298.15 * 100, "carnahan-starling")
    >>> round(8.31446 * S, 1)
    154.8
    """
    y = f**2.5 / diffusivity**1.5
    wave = (2 * math.pi * mass * _BOLTZMANN * temperature) ** 1.5 / _PLANCK**3
    entropy = 2.5 + math.log(wave * volume / f) + y * (3 * y - 4) / (1 - y) ** 2
    if hard_spheres == "lin":
        entropy += math.log((1 + y + y**2 - y**3) / (1 - y) ** 3)
    return float(entropy)


def rotational_entropy(moments: Array, temperature: float, symmetry_number: int) -> float:
    """Return the classical entropy of a free rotor.

    Parameters
    ----------
    moments:
        Principal moments of inertia, u angstrom^2: three, or two for a linear molecule.
    temperature:
        K.
    symmetry_number:
        Rotations that exchange equal atoms.

    Returns
    -------
    :
        In k.

    Examples
    --------
    Nitrogen at 298.15 K, B = 1.998 1/cm, has 41.1 J/mol/K:

    >>> inertia = 14.0 * 1.0977**2 / 2
    >>> round(8.31446 * rotational_entropy(np.array([inertia, inertia]), 298.15, 2), 1)
    41.1
    """
    ratio = 8 * math.pi**2 * moments * _BOLTZMANN * temperature / _PLANCK**2
    if len(moments) == 2:
        return 1 + math.log(math.sqrt(float(np.prod(ratio))) / symmetry_number)
    return 1.5 + math.log(math.sqrt(math.pi * float(np.prod(ratio))) / symmetry_number)
