"""Compression, decompression and reversible cycles on two families of entropy curves.

Pressure favours the high phase of an inverse material: compression then follows the heating branch and decompression
the cooling branch; for a conventional material it is the other way round. What a cycle can use again and again lies
between the branches. SI floats: K, Pa, J/(kg K). Source: Moya, Lloveras, Manosa, Tamarit.
"""

from typing import Literal, get_args

import numpy as np

from caloris.errors import InputError
from caloris.heat.entropy_surfaces import EntropySurfaces
from caloris.heat.two_phase import Array, Branch

Process = Literal["compression", "decompression", "reversible"]
PROCESSES: tuple[Process, ...] = get_args(Process)
BRANCHES: tuple[Branch, ...] = ("heating", "cooling")


def moving_branch(surfaces: EntropySurfaces) -> Branch:
    """Return the branch that must have passed under pressure: heating if pressure favours the high phase."""
    return "heating" if surfaces.is_inverse else "cooling"


def resting_branch(surfaces: EntropySurfaces) -> Branch:
    """Return the branch that must have passed at the low pressure."""
    return "cooling" if surfaces.is_inverse else "heating"


def families(surfaces: EntropySurfaces, process: str) -> tuple[Branch, Branch]:
    """Return the entropy family at the start and at the end of a process.

    Raises
    ------
    InputError
        If the process is unknown.
    """
    moving, resting = moving_branch(surfaces), resting_branch(surfaces)
    known: dict[str, tuple[Branch, Branch]] = {
        "compression": (moving, moving),
        "decompression": (resting, resting),
        "reversible": (resting, moving),
    }
    if process not in known:
        raise InputError(f"process: {process!r} is none of {', '.join(map(repr, known))}")
    return known[process]


def entropy_difference(surfaces: EntropySurfaces, T: Array, high: float, low: float, process: Process) -> Array:
    """Return the isothermal entropy change of a process, before what does not come back is cut off.

    Parameters
    ----------
    surfaces:
        The two families.
    T, high, low:
        Temperatures (K); high and low pressure (Pa).
    process:
        The process.

    Returns
    -------
    :
        J/(kg K), one per temperature.
    """
    first, last = families(surfaces, process)
    start, end = (high, low) if process == "decompression" else (low, high)
    return surfaces.entropy(T, end, last) - surfaces.entropy(T, start, first)


def temperature_difference(surfaces: EntropySurfaces, T: Array, high: float, low: float, process: Process) -> Array:
    """Return the adiabatic temperature change of a process over its starting temperature, before it is cut off.

    Parameters
    ----------
    surfaces, T, high, low, process:
        As for :func:`entropy_difference`.

    Returns
    -------
    :
        K, one per starting temperature.
    """
    first, last = families(surfaces, process)
    start, end = (high, low) if process == "decompression" else (low, high)
    change = surfaces.isentropic_temperature(surfaces.entropy(T, start, first), end, last) - T
    change[np.abs(change) < 1e-9] = 0.0  # rounding of the inversion
    return change


def usable(
    surfaces: EntropySurfaces,
    T: Array,
    high: float,
    low: float,
    change: Array,
    quantity: Literal["entropy", "temperature"],
    *,
    transition_only: bool = False,
) -> Array:
    """Cut off what does not come back of the reversible process.

    Parameters
    ----------
    surfaces, T, high, low:
        As for :func:`entropy_difference`.
    change:
        Entropy or temperature change of the reversible process.
    quantity:
        Which of the two: they have opposite signs.
    transition_only:
        Whether to leave out the thermal expansion of the phases.

    Returns
    -------
    :
        The change where it has the sign of the effect, 0 elsewhere; where the expansions of both phases are not known,
        also 0 where nothing transforms, because the elastic part is not known then.
    """
    sign = 1.0 if surfaces.is_inverse else -1.0
    sign = sign if quantity == "entropy" else -sign
    kept = np.maximum(change, 0.0) if sign > 0 else np.minimum(change, 0.0)
    if surfaces.knows_expansion and not transition_only:
        return kept
    more = surfaces.fraction(T, high, moving_branch(surfaces)) - surfaces.fraction(T, low, resting_branch(surfaces))
    transforms = (more if surfaces.is_inverse else -more) > _TRANSFORMS
    return np.where(transforms, kept, 0.0)


_TRANSFORMS = 0.005
"""Less of the sample does not count as transforming."""


def window(surfaces: EntropySurfaces, p: float, p_low: float) -> float:
    """Return the width (K) of the window in which a cycle between two pressures transforms; negative if none.

    Parameters
    ----------
    surfaces, p, p_low:
        The two families; high and low pressure, Pa.
    """
    moved = float(surfaces.transition_temperature(p, moving_branch(surfaces)))
    rest = float(surfaces.transition_temperature(p_low, resting_branch(surfaces)))
    return rest - moved if surfaces.is_inverse else moved - rest


def reversible_pressure(surfaces: EntropySurfaces, name: str = "material") -> float:
    """Return the least pressure change (Pa) at which a cycle transforms there and back; 0 without hysteresis.

    Parameters
    ----------
    surfaces:
        The two families.
    name:
        Of the material, for error messages.

    Raises
    ------
    InputError
        If pressure does not move the branch, or no pressure within the surfaces is high enough.
    """
    from scipy.optimize import brentq

    p_0 = surfaces.pressure
    if window(surfaces, p_0, p_0) >= 0:
        return 0.0
    moving, highest = moving_branch(surfaces), surfaces.pressure_range[1]
    slope = abs(float(surfaces.slope(p_0, moving)))
    if slope == 0:
        raise InputError(f"{name}: pressure does not move the {moving} branch: no barocaloric effect")
    step = -window(surfaces, p_0, p_0) / slope
    high = min(p_0 + step, highest)
    while window(surfaces, high, p_0) < 0:
        if high >= highest:
            raise InputError(
                f"{name}: a reversible cycle needs more than the highest measured pressure, {highest / 1e6:g} MPa; "
                f"straight branches would meet near {(p_0 + step) / 1e6:.3g} MPa (extrapolated)"
            )
        high = min(high + step, highest)
        if high > p_0 + 20 * step:
            raise InputError(f"{name}: no pressure within the model makes the effect reversible")
    return float(brentq(lambda p: window(surfaces, p, p_0), p_0, high, xtol=1.0, rtol=1e-14)) - p_0
