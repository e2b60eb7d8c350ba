"""Vibrational density of states from velocities, and heat capacity and entropy of quantum oscillators over it.

g(E) is the spectrum of sqrt(m) v, averaged over Hann windows that overlap by half (Welch), normalised to 3 N modes.
Oscillators: C = k int g x^2 e^x / (e^x - 1)^2 dE, S = k int g [x / (e^x - 1) - ln(1 - e^-x)] dE, x = E / kT.
Units: meV; J/kg/K. Source: Berens, Mackay, White and Wilson, J. Chem. Phys. 79, 2375 (1983). The spectrum that weights
atoms with their mass once more, eq. 9 of the paper on thermal batteries: :func:`mass_weighted_spectrum`.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import mean_of_groups
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.segments import Indices
from caloris.atoms.thermodynamics.drift import drift_velocity
from caloris.atoms.thermodynamics.oscillators import Kind, entropy_of_mode, heat_capacity_of_mode
from caloris.atoms.thermodynamics.windowed_spectra import (
    BOLTZMANN,
    HANN_WIDTH,
    MOTIONS,
    OVERLAP_CORRELATION,
    energies,
    held_rigid,
    kinds_of,
    motion_spectra,
    power_spectra,
    twice_as_coarse,
    window_length,
)
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Partial = Literal["element", "molecule", "ion", "motion"] | None

_GAS_CONSTANT = 8.31446261815324e3
"""J/K/kg of one k per u, CODATA 2018."""
_NEIGHBOUR_CORRELATION = 1 + 2 * (4 / 9 + 1 / 36)
"""Sum over the correlations of a bin with its neighbours in a Hann window."""
_FEWEST = 8
"""Windows below which an error is only rough."""
_SUPERIONIC = 0.01
"""Share of modes at zero frequency from which on a caution is given."""
_SMEARED = 0.005
"""Share of a heat or an entropy, above which what the resolution does to it is said."""
_HELD = 1e-4
"""Temperature of a motion, relative to that of the others, that constraints leave."""
_BLOCKS = 16
"""Most blocks of time that give the errors of a correlation function."""


def vibrational_density_of_states(
    trajectory: Trajectory,
    partial: Partial = None,
    *,
    species: Selection = None,
    weights: sc.Variable | None = None,
    resolution: Quantity = "1 meV",
    progress: Progress | None = None,
) -> "sc.DataArray | sc.DataGroup[sc.DataArray]":
    """Return the density of vibrational states from the velocities, 3 modes for each atom, weighted with mass.

    Parameters
    ----------
    trajectory:
        With velocities, frames at most half a period of the fastest vibration apart. Rotation and diffusion are in it
        too; a drift of the centre of mass is taken off. Bonds that are held rigid make the number of modes smaller than
        3 N; that is not corrected.
    partial:
        ``"element"`` or ``"molecule"`` (the same: ``"ion"``): one density for each, which sum to the total; or
        ``"motion"``: translation, rotation and internal vibration of molecules, each normalised to its own number of
        modes. There rotation is I^1/2 omega in the frame of the body, as kinetic energy counts it, so that the three
        sum to the total in energy but not at each frequency.
    species:
        Only these atoms (whole molecules for ``"motion"``), 3 modes for each.
    weights:
        One number for each atom of the trajectory, in any unit: g = sum w_i g_i / <w>, where g_i holds 3 modes. With
        sigma_i / m_i a neutron's one-phonon spectrum, but for the Debye-Waller factor.
    resolution:
        Full width at half maximum of a sharp mode, that of the Hann window.
    progress:
        Called with the part that is done.

    Returns
    -------
    :
        Dimension ``energy_transfer`` (meV, from 0), 1/meV, its integral (trapezoidal) 3 N; a group of such by name for
        a partial density, without motions that constraints hold (1e-4 of the temperature of the others).
        The variance is from the scatter between windows in time. Unaligned coordinates: ``mass`` (u) of the atoms,
        ``resolution`` (meV, full width at half maximum), ``diffusive_share`` (share of the modes that are not told
        apart from zero frequency, 0 to 1) and ``caution`` (a sentence, empty if there is nothing to say).

    Raises
    ------
    InputError
        If there are no velocities, the run is too short for the resolution, or weights do not fit.

    Source
    ------
    Berens et al., J. Chem. Phys. 79, 2375 (1983); windows: Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967);
    motions: Lin, Maiti and Goddard, J. Phys. Chem. B 114, 8191 (2010).
    """
    dt = float(trajectory.timestep.value)
    length = window_length(trajectory, magnitude(resolution, "meV", "resolution", positive=True))
    energy = energies(length, dt)
    if partial == "motion":
        if weights is not None:
            raise InputError("weights: atoms have weights, motions of molecules have none; leave one of the two out")
        return _by_motion(trajectory, species, length, energy, progress)
    atoms = trajectory.select(species)
    names, labels = _labels(trajectory, partial, atoms)
    weight = _weights(trajectory, weights)[atoms] * trajectory.masses.values[atoms]
    power = _power(trajectory, atoms, labels, weight, len(names), length, progress)
    whole = float(np.trapezoid(power.sum(axis=0).mean(axis=0), energy))
    if not whole > 0:
        raise InputError(f"{trajectory.path}: nothing moves, or no atom has a weight; there is no density of states")
    masses = np.bincount(labels, weights=trajectory.masses.values[atoms], minlength=len(names))
    scale = 3 * len(atoms) / whole
    found = {name: _density(scale * power[k], energy, float(masses[k]), dt) for k, name in enumerate(names)}
    return found["total"] if partial is None else sc.DataGroup(found)


def mass_weighted_spectrum(
    trajectory: Trajectory,
    species: Selection = None,
    *,
    longest: Quantity | None = None,
    window: Literal["hann"] | None = "hann",
    progress: Progress | None = None,
) -> sc.DataArray:
    """Return the spectrum of eq. 9 of the paper as printed: each atom's correlation is normalised, then times its mass.

    D = Re int_0^tau sum_i m_i <v_i(t).v_i(0)> / <v_i(0).v_i(0)> e^(-i omega t) dt. The usual density of states sums
    m_i <v_i(t).v_i(0)>, and as m <v^2> = 3 kT for every atom it counts each atom alike; here the mass stays, and an
    atom m_i times heavier counts m_i times more: D = sum_i m_i g_i h / 12, where g_i holds 3 modes in energy. It is no
    count of modes, and no heat capacity comes from it.

    Parameters
    ----------
    trajectory:
        With velocities; a drift of the centre of mass is taken off.
    species:
        Only these atoms, such as ``"NH4"``; contributions of ions sum to the total.
    longest:
        tau, by default an eighth of the trajectory, at most half. The resolution, full width at half maximum, is
        h / tau (Hann) or 0.6 h / tau (none): 4.1 meV for 1 ps with a Hann window.
    window:
        What multiplies the correlation: ``"hann"``, (1 + cos(pi t / tau)) / 2, or ``None`` as printed, which cuts it
        off and leaves ripples of a fifth of a sharp peak beside it.
    progress:
        Called with the part that is done.

    Returns
    -------
    :
        Dimension ``energy_transfer`` (meV), u ps; variances from the scatter between blocks of time of 2 tau at least.

    Raises
    ------
    InputError
        If there are no velocities, or tau is not between 8 frames and half of the trajectory.

    Source
    ------
    Eq. 9 of the paper on barocaloric thermal batteries (NH4SCN).
    """
    from scipy.fft import rfft

    if window not in ("hann", None):
        raise InputError(f"window: expected 'hann' or None, got {window!r}")
    dt, frames = float(trajectory.timestep.value), len(trajectory)
    tau = dt * (frames // 8) if longest is None else magnitude(longest, "ps", "longest", positive=True)
    lags = round(tau / dt) + 1
    if not 8 <= lags <= frames // 2 + 1:
        raise InputError(
            f"longest: {tau:g} ps; it must lie between {7 * dt:g} and {dt * (frames // 2):g} ps, half of the trajectory"
        )
    correlation = _normalised_correlations(trajectory, trajectory.select(species), lags, progress)
    if window == "hann":
        correlation = correlation * 0.5 * (1 + np.cos(np.pi * np.arange(lags) / (lags - 1)))
    correlation[:, [0, -1]] *= 0.5  # trapezoidal
    size = 4 * lags
    spectrum = dt * rfft(correlation, size, axis=1).real
    mean, error = mean_of_groups(spectrum.T, np.ones(len(spectrum)))
    few = f"{len(spectrum)} blocks of time only; errors are rough" if len(spectrum) < _FEWEST else ""
    result = sc.DataArray(
        sc.array(dims=["energy_transfer"], values=mean, variances=None if len(spectrum) < 2 else error**2, unit="u*ps"),
        coords={
            "energy_transfer": sc.array(dims=["energy_transfer"], values=energies(size, dt), unit="meV"),
            "caution": sc.scalar(few),
        },
        name="mass-weighted spectrum",
    )
    result.coords.set_aligned("caution", False)
    return result


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
        Scalar in J/kg/K with variance, of the scatter and of what the resolution changes; the unaligned coordinate
        ``caution`` says where oscillators are a wrong picture.

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
    return _integrate(density, temperature, mass, kind, heat_capacity_of_mode)


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
    return _integrate(density, temperature, mass, kind, entropy_of_mode)


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


def _labels(
    trajectory: Trajectory, partial: str | None, atoms: Indices
) -> tuple[list[str], npt.NDArray[np.integer[Any]]]:
    """Names of the parts, and which part each atom belongs to."""
    if partial not in (None, "element", "molecule", "ion"):
        raise InputError(f"partial: expected None, 'element', 'molecule', 'ion' or 'motion', got {partial!r}")
    if partial is None:
        return ["total"], np.zeros(len(atoms), dtype=int)
    if partial == "element":
        of_atom = list(trajectory.symbols)
    else:
        of_atom = [""] * len(trajectory.symbols)
        for kind in kinds_of(trajectory):
            for i in kind.molecules.ravel().tolist():
                of_atom[i] = kind.name
    names = list(dict.fromkeys(of_atom[i] for i in atoms.tolist()))
    return names, np.array([names.index(of_atom[i]) for i in atoms.tolist()])


def _weights(trajectory: Trajectory, weights: sc.Variable | None) -> Array:
    if weights is None:
        return np.ones(len(trajectory.symbols))
    if not isinstance(weights, sc.Variable) or weights.shape != (len(trajectory.symbols),):
        raise InputError(f"weights: expected a scipp array of {len(trajectory.symbols)} numbers, one for each atom")
    values = np.asarray(weights.values, dtype=np.float64)
    if not np.all(values >= 0):
        raise InputError("weights: expected numbers that are not negative")
    return values


def _power(
    trajectory: Trajectory,
    atoms: Indices,
    labels: Indices,
    weight: Array,
    parts: int,
    length: int,
    progress: Progress | None,
) -> Array:
    """Weighted power of each part in each window, (parts, windows, length // 2 + 1)."""
    members = np.zeros((len(atoms), parts))
    members[np.arange(len(atoms)), labels] = weight
    dt = float(trajectory.timestep.value)
    drift = drift_velocity(trajectory, length)

    def task(rows: Indices) -> Array:
        v = trajectory.read("velocity", atoms[rows])
        v = v if drift is None else v - drift[:, None]
        return power_spectra(v.reshape(len(v), -1), length, np.repeat(members[rows], 3, axis=0), dt)

    sizes = [len(block) for block in trajectory.blocks(atoms, copies=6)]
    blocks = np.split(np.arange(len(atoms)), np.cumsum(sizes)[:-1])
    total: Array = sum(map_blocks(task, blocks, progress=progress, title="density of states"), np.zeros(()))
    return np.moveaxis(total, 2, 0)


def _by_motion(
    trajectory: Trajectory, species: Selection, length: int, energy: Array, progress: Progress | None
) -> "sc.DataGroup[sc.DataArray]":
    """Translation, rotation and vibration, each with its own number of modes."""
    power: dict[str, Array] = {}
    modes = dict.fromkeys(MOTIONS, 0)
    mass = 0.0
    drift = drift_velocity(trajectory, length)
    for kind in kinds_of(trajectory, species):
        mass += float(kind.masses.sum()) * len(kind.molecules)
        for motion, found in motion_spectra(trajectory, kind, length, drift=drift, progress=progress).items():
            power[motion] = power.get(motion, 0.0) + found
            modes[motion] += kind.modes[motion]
    names = list(power)
    heats = np.array([float(np.trapezoid(power[name].mean(axis=0), energy)) for name in names])
    if not heats.sum() > 0:
        raise InputError(f"{trajectory.path}: nothing moves; there is no density of states")
    counts = np.array([modes[name] for name in names])
    held = held_rigid(heats / counts, counts, _HELD)
    said = [f"{name} is held rigid, and has no modes here" for name, cold in zip(names, held, strict=True) if cold]
    dt = float(trajectory.timestep.value)
    return sc.DataGroup(
        {
            name: _density(power[name] * (modes[name] / heat), energy, mass, dt, said)
            for name, heat, cold in zip(names, heats.tolist(), held, strict=True)
            if not cold
        }
    )


def _normalised_correlations(trajectory: Trajectory, atoms: Indices, lags: int, progress: Progress | None) -> Array:
    """Sum over atoms of m <v(t).v(0)> / <v(0).v(0)> in each block of time, (blocks, lags), u."""
    from scipy.fft import irfft, next_fast_len, rfft

    count = max(1, min(_BLOCKS, len(trajectory) // (2 * (lags - 1))))
    part = len(trajectory) // count
    size = next_fast_len(part + lags, real=True)
    drift = drift_velocity(trajectory, lags)

    def task(block: Indices) -> Array:
        v = trajectory.read("velocity", block).astype(np.float64)
        if drift is not None:
            v -= drift[:, None]
        squares = (v**2).sum(axis=2).mean(axis=0)
        scale = np.divide(trajectory.masses.values[block], squares, out=np.zeros(len(block)), where=squares > 0)
        along = np.ascontiguousarray(v.transpose(1, 2, 0))
        found = np.empty((count, lags))
        for k in range(count):
            spectrum = rfft(along[..., k * part : (k + 1) * part], size, axis=2)
            power = np.einsum("i,icf->f", scale, spectrum.real**2 + spectrum.imag**2)
            found[k] = irfft(power, size)[:lags] / (part - np.arange(lags))
        return found

    total = np.zeros((count, lags))
    for found in map_blocks(task, trajectory.blocks(atoms, copies=8), progress=progress, title="correlations"):
        total += found
    return total


def _density(power: Array, energy: Array, mass: float, dt: float, said: Sequence[str] = ()) -> sc.DataArray:
    windows = len(power)
    mean = power.mean(axis=0)
    variances = None
    if windows > 1:
        variances = power.var(axis=0, ddof=1) / windows * (1 + 2 * OVERLAP_CORRELATION)
    total = float(np.trapezoid(mean, energy)) or 1.0  # atoms that are held fixed have no vibrations
    low = float(np.trapezoid(mean[:3], energy[:3])) / total  # the main lobe of a window ends two bins from its centre
    edge = mean[int(0.9 * len(mean)) :]
    high = float(edge.sum() * energy[1]) / total
    cautions = list(said)
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
            "resolution": sc.scalar(HANN_WIDTH * float(energy[1]), unit="meV"),
            "diffusive_share": sc.scalar(low),
            "caution": sc.scalar("; ".join(cautions)),
        },
        name="vibrational density of states",
    )
    for name in ("mass", "resolution", "diffusive_share", "caution"):
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
    x = energy / (BOLTZMANN * T)
    held = of_mode(x, kind)
    total = float(modes @ held)
    mean = total / float(modes.sum())
    spread = None
    if density.variances is not None:  # the number of modes is fixed: only their distribution is uncertain
        spread = float(np.sum(((held - mean) * widths) ** 2 * density.variances)) * _NEIGHBOUR_CORRELATION
    factor = _GAS_CONSTANT / u
    caution = str(density.coords["caution"].value) if "caution" in density.coords else ""
    if "resolution" in density.coords and len(energy) > 4:
        smeared = _smeared(density.values, widths, held)
        if abs(smeared) > _SMEARED * abs(total) and smeared**2 > (spread or 0.0):
            width = float(density.coords["resolution"].to(unit="meV").value)
            said = (
                f"the resolution, {width:.2g} meV, changes it by {factor * smeared:.2g} J/kg/K, more than its scatter"
            )
            caution = f"{caution}; {said}" if caution else said
        spread = None if spread is None else spread + smeared**2
    value = sc.scalar(factor * total, variance=None if spread is None else factor**2 * spread, unit="J/kg/K")
    result = sc.DataArray(value, coords={"caution": sc.scalar(caution)})
    result.coords.set_aligned("caution", False)
    return result


def _smeared(density: Array, widths: Array, held: Array) -> float:
    """What the resolution changes of an integral: a third of what twice the width, four times the variance, does."""
    coarse = twice_as_coarse(density)
    coarse *= float(density @ widths) / float(coarse @ widths)
    return float((coarse - density) * widths @ held) / 3
