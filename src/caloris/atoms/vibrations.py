"""Vibrational density of states from velocities, and heat capacity and entropy of quantum oscillators over it.

g(E) is the spectrum of sqrt(m) v, averaged over Hann windows that overlap by half (Welch), normalised to 3 N modes.
Oscillators: C = k int g x^2 e^x / (e^x - 1)^2 dE, S = k int g [x / (e^x - 1) - ln(1 - e^-x)] dE, x = E / kT.
Units: meV; J/kg/K. Source: Berens, Mackay, White and Wilson, J. Chem. Phys. 79, 2375 (1983).
"""

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Kind = Literal["quantum", "classical", "correction"]

_PLANCK = 4.135667696
"""meV ps, CODATA 2018."""
_BOLTZMANN = 8.617333262e-2
"""meV/K, CODATA 2018."""
_GAS_CONSTANT = 8.31446261815324e3
"""J/K/kg of one k per u, CODATA 2018."""
_HANN_WIDTH = 1.44
"""Full width at half maximum of the power of a Hann window, in units of 1 / its length."""
_OVERLAP_CORRELATION = 1 / 36
"""Of the power of white noise in windows that overlap by half."""
_NEIGHBOUR_CORRELATION = 1 + 2 * (4 / 9 + 1 / 36)
"""Sum over the correlations of a bin with its neighbours in a Hann window."""
_FEWEST = 8
"""Windows below which an error is only rough."""
_SUPERIONIC = 0.01
"""Share of modes at zero frequency from which on a caution is given."""


def vibrational_density_of_states(
    trajectory: Trajectory,
    partial: Literal["element", "molecule"] | None = None,
    *,
    resolution: Quantity = "1 meV",
) -> "sc.DataArray | sc.DataGroup[sc.DataArray]":
    """Return the density of vibrational states from the velocities, 3 N modes in all, weighted with mass.

    Parameters
    ----------
    trajectory:
        With velocities, frames at most half a period of the fastest vibration apart. Rotation and diffusion are in it
        too. Bonds that are held rigid make the number of modes smaller than 3 N; that is not corrected.
    partial:
        ``"element"`` or ``"molecule"``: one density for each, which sum to the total.
    resolution:
        Full width at half maximum of a sharp mode.

    Returns
    -------
    :
        Dimension ``energy_transfer`` (meV, from 0), 1/meV, its integral (trapezoidal) 3 N; a group of such by name for
        a partial density. The variance is from the scatter between windows in time. Unaligned coordinates: ``mass`` (u)
        of the atoms, ``diffusive_share`` (share of the modes that are not told apart from zero frequency, 0 to 1) and
        ``caution`` (a sentence, empty if there is nothing to say).

    Raises
    ------
    InputError
        If there are no velocities, or the run is too short for the resolution.

    Source
    ------
    Berens et al., J. Chem. Phys. 79, 2375 (1983); windows: Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967).
    """
    dt = float(trajectory.timestep.value)
    width = magnitude(resolution, "meV", "resolution", positive=True)
    length = math.ceil(_HANN_WIDTH * _PLANCK / (width * dt))
    if not 8 <= length <= len(trajectory):
        raise InputError(
            f"resolution: {width:g} meV needs {length * dt:.3g} ps in at least 8 frames; {trajectory.path.name} has "
            f"{len(trajectory)} frames of {dt:g} ps"
        )
    names, labels = _labels(trajectory, partial)
    power = _power(trajectory, labels, len(names), length)
    energy = _PLANCK * np.fft.rfftfreq(length, dt)
    scale = 3 * len(trajectory.symbols) / float(np.trapezoid(power.sum(axis=0).mean(axis=0), energy))
    masses = np.bincount(labels, weights=trajectory.masses.values)
    found = {name: _density(scale * power[k], energy, float(masses[k]), dt) for k, name in enumerate(names)}
    return found["total"] if partial is None else sc.DataGroup(found)


def quantum_heat_capacity(
    density: sc.DataArray, temperature: Quantity, *, mass: Quantity | None = None, kind: Kind = "quantum"
) -> sc.DataArray:
    """Return the heat capacity of harmonic oscillators with a density of states, at constant volume.

    Parameters
    ----------
    density:
        As :func:`vibrational_density_of_states` gives it.
    temperature:
        Scalar.
    mass:
        Of what has these modes; by default that of the atoms.
    kind:
        ``"quantum"``, ``"classical"`` (k for each mode) or ``"correction"``: quantum less classical, to be added to the
        heat capacity of a classical simulation.

    Returns
    -------
    :
        Scalar in J/kg/K with variance; the unaligned coordinate ``caution`` says where oscillators are a wrong picture.

    Raises
    ------
    InputError
        If the temperature is not above 0, or the density has no mass and none is given.

    Examples
    --------
    >>> energy = sc.linspace("energy_transfer", 0.0, 40.0, 400, unit="meV")
    >>> debye = sc.DataArray(9 * energy**2 / sc.scalar(40.0, unit="meV") ** 3, coords={"energy_transfer": energy})
    >>> [round(float(quantum_heat_capacity(debye, f"{T} K", mass="26.98 u").value)) for T in (50, 300)]
    [86, 823]
    """
    return _integrate(density, temperature, mass, kind, _heat_capacity_of_mode)


def vibrational_entropy(
    density: sc.DataArray, temperature: Quantity, *, mass: Quantity | None = None, kind: Kind = "quantum"
) -> sc.DataArray:
    """Return the entropy of harmonic oscillators with a density of states.

    Modes at zero frequency have no finite entropy as oscillators; what lies in the lowest half bin is spread over it
    evenly. The correction is free of that.

    Parameters
    ----------
    density, temperature, mass, kind:
        As for :func:`quantum_heat_capacity`, with its errors; classical: k (1 - ln x) for each mode.

    Returns
    -------
    :
        Scalar in J/kg/K with variance, and ``caution`` as for :func:`quantum_heat_capacity`.
    """
    return _integrate(density, temperature, mass, kind, _entropy_of_mode)


def heat_capacity_correction(density: sc.DataArray, temperature: sc.Variable) -> sc.DataArray:
    """Return quantum less classical heat capacity over temperature, from one density of states.

    Parameters
    ----------
    density:
        As :func:`vibrational_density_of_states` gives it; taken to be the same at every temperature.
    temperature:
        One dimension.

    Returns
    -------
    :
        J/kg/K over ``temperature``, with variances: what :func:`caloris.heat.from_campaign` takes of that name.

    Raises
    ------
    InputError
        As for :func:`quantum_heat_capacity`, or if the temperatures are no array.

    Examples
    --------
    >>> energy = sc.linspace("energy_transfer", 0.0, 40.0, 400, unit="meV")
    >>> debye = sc.DataArray(9 * energy**2 / sc.scalar(40.0, unit="meV") ** 3, coords={"energy_transfer": energy})
    >>> debye.coords["mass"] = sc.scalar(26.98, unit="u")
    >>> T = sc.array(dims=["temperature"], values=[100.0, 300.0], unit="K")
    >>> heat_capacity_correction(debye, T).values.round().tolist()
    [-542.0, -102.0]
    """
    if not isinstance(temperature, sc.Variable) or temperature.ndim != 1:
        raise InputError("temperature: expected an array with one dimension")
    found = [
        quantum_heat_capacity(density, temperature[temperature.dim, n], kind="correction").data
        for n in range(len(temperature))
    ]
    return sc.DataArray(
        sc.concat(found, "temperature"),
        coords={"temperature": temperature.rename_dims({temperature.dim: "temperature"})},
    )


def _labels(trajectory: Trajectory, partial: str | None) -> tuple[list[str], npt.NDArray[np.integer[Any]]]:
    """Names of the parts, and which part each atom belongs to."""
    if partial not in (None, "element", "molecule"):
        raise InputError(f"partial: expected None, 'element' or 'molecule', got {partial!r}")
    if partial is None:
        return ["total"], np.zeros(len(trajectory.symbols), dtype=int)
    if partial == "element":
        of_atom = list(trajectory.symbols)
    else:
        formulas = dict(zip(np.unique(trajectory.molecules).tolist(), trajectory.formulas, strict=True))
        of_atom = [formulas[number] for number in trajectory.molecules.tolist()]
    names = list(dict.fromkeys(of_atom))
    return names, np.array([names.index(name) for name in of_atom])


def _power(trajectory: Trajectory, labels: Any, parts: int, length: int) -> Array:
    """Mass-weighted power of each part in each window, (parts, windows, length // 2 + 1); any scale."""
    from scipy.fft import rfft

    window = np.sin(np.pi * (np.arange(length) + 0.5) / length)[:, None, None] ** 2
    starts = range(0, len(trajectory) - length + 1, max(1, length // 2))
    power = np.zeros((parts, len(starts), length // 2 + 1))
    for block in trajectory.blocks(copies=4):
        v = trajectory.read("velocity", block) * np.sqrt(trajectory.masses.values[block])[:, None]
        for k, start in enumerate(starts):
            spectrum = rfft(window * v[start : start + length], axis=0)
            found = (spectrum.real**2 + spectrum.imag**2).sum(axis=2)
            for part in np.unique(labels[block]):
                power[part, k] += found[:, labels[block] == part].sum(axis=1)
    return power


def _density(power: Array, energy: Array, mass: float, dt: float) -> sc.DataArray:
    windows = len(power)
    mean = power.mean(axis=0)
    variances = None
    if windows > 1:
        variances = power.var(axis=0, ddof=1) / windows * (1 + 2 * _OVERLAP_CORRELATION)
    total = float(np.trapezoid(mean, energy))
    low = float(np.trapezoid(mean[:3], energy[:3])) / total  # the main lobe of a window ends two bins from its centre
    edge = mean[int(0.9 * len(mean)) :]
    high = float(edge.sum() * energy[1]) / total
    cautions = []
    if low > _SUPERIONIC:
        cautions.append(
            f"{100 * low:.1f} % of the modes lie below {energy[2]:.2g} meV: atoms diffuse or turn freely, "
            "for which harmonic oscillators are a wrong picture"
        )
    if high > 0.01:
        cautions.append(f"vibrations reach {energy[-1]:.3g} meV, the highest that frames {dt:g} ps apart can show")
    if windows < _FEWEST:
        cautions.append(f"{windows} windows in time only; errors are rough")
    result = sc.DataArray(
        sc.array(dims=["energy_transfer"], values=mean, variances=variances, unit="1/meV"),
        coords={
            "energy_transfer": sc.array(dims=["energy_transfer"], values=energy, unit="meV"),
            "mass": sc.scalar(mass, unit="u"),
            "diffusive_share": sc.scalar(low),
            "caution": sc.scalar("; ".join(cautions)),
        },
        name="vibrational density of states",
    )
    for name in ("mass", "diffusive_share", "caution"):
        result.coords.set_aligned(name, False)
    return result


def _integrate(
    density: sc.DataArray, temperature: Quantity, mass: Quantity | None, kind: str, of_mode: Any
) -> sc.DataArray:
    """Integral of the density times what a mode holds, per mass."""
    T = magnitude(temperature, "K", "temperature", positive=True)
    if kind not in ("quantum", "classical", "correction"):
        raise InputError(f"kind: expected 'quantum', 'classical' or 'correction', got {kind!r}")
    if mass is None and "mass" not in density.coords:
        raise InputError("mass: the density of states does not say it; give the mass of what has these modes")
    u = magnitude(density.coords["mass"] if mass is None else mass, "u", "mass", positive=True)
    energy = density.coords["energy_transfer"].to(unit="meV").values
    widths = np.gradient(energy)
    widths[[0, -1]] *= 0.5  # trapezoidal
    modes = density.values * widths
    x = energy / (_BOLTZMANN * T)
    held = of_mode(x, kind)
    total = float(modes @ held)
    mean = total / float(modes.sum())
    spread = None
    if density.variances is not None:  # the number of modes is fixed: only their distribution is uncertain
        spread = float(np.sum(((held - mean) * widths) ** 2 * density.variances)) * _NEIGHBOUR_CORRELATION
    factor = _GAS_CONSTANT / u
    value = sc.scalar(factor * total, variance=None if spread is None else factor**2 * spread, unit="J/kg/K")
    caution = density.coords["caution"] if "caution" in density.coords else sc.scalar("")
    result = sc.DataArray(value, coords={"caution": caution})
    result.coords.set_aligned("caution", False)
    return result


def _heat_capacity_of_mode(x: Array, kind: str) -> Array:
    """In k, of x = E / kT >= 0."""
    if kind == "classical":
        return np.ones_like(x)
    half = np.clip(0.5 * x, 1e-8, 300.0)
    quantum = (half / np.sinh(half)) ** 2
    return np.asarray(quantum - (1.0 if kind == "correction" else 0.0))


def _entropy_of_mode(x: Array, kind: str) -> Array:
    """In k, of x = E / kT >= 0 that increase; at x = 0 the average over the lowest half bin."""
    safe = np.maximum(x, 1e-8)
    classical = 1 - np.log(safe)
    small = np.exp(-np.minimum(safe, 600.0))
    quantum = safe * small / -np.expm1(-safe) - np.log(-np.expm1(-safe))
    if kind == "correction":
        return np.asarray(np.where(x > 0, quantum - classical, 0.0))
    found = quantum if kind == "quantum" else classical
    # 1/h int (1 - ln x) dx from 0 to h = 2 - ln h; quantum oscillators are classical there
    return np.asarray(np.where(x > 0, found, 2 - np.log(0.5 * x[1] - 0.5 * x[0])))
