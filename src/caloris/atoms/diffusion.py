"""Self-diffusion: mean square displacement over all time origins, D with an error, and the Arrhenius law over D.

MSD(t) = <|r(t0 + t) - r(t0)|^2>, D = slope / 6 where atoms diffuse. Displacements are of fractional coordinates in the
mean cell, so that a barostat that breathes moves no atom, less the drift of the centre of mass of all atoms.
No correction for the finite size of the cell is made. Units: angstrom, ps; D in cm^2/s.
FFT over all origins: Calandrini et al., Collection SFN 12, 201 (2011).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import statistical_inefficiency
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]

_CM2_PER_S = 1e-4
"""angstrom^2/ps in cm^2/s."""
_BOLTZMANN = 8.617333262e-5
"""eV/K, CODATA 2018."""
_REPLICATES = 16
"""Fewer atoms than this are split in time as well."""
_GROUPS = 64
"""Most groups of atoms whose scatter gives errors."""
_ONE_SIDED = 1.645
"""Standard deviations of a bound that holds in 95 of 100 cases."""


@dataclass(frozen=True)
class Diffusion:
    """A coefficient of self-diffusion and whether it may be called one."""

    value: sc.Variable
    """cm^2/s, with variance; read :attr:`upper_bound` where it is not diffusive."""
    diffusive: bool
    """Whether displacements grow linearly in time, beyond a jump, and D is not 0 within its error."""
    exponent: sc.Variable
    """MSD - constant ~ t^exponent over the window, with variance: 1 for diffusion."""
    window: tuple[sc.Variable, sc.Variable]
    """Shortest and longest time that D was taken from, ps."""
    displacement: sc.Variable
    """Root mean square at the end of the window, angstrom."""
    upper_bound: sc.Variable
    """D is below this with 95 % confidence, cm^2/s."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        if self.diffusive:
            error = math.sqrt(self.value.variance)
            return f"<Diffusion: D = {self.value.value:.3g} +- {error:.1g} cm^2/s>"
        return f"<Diffusion: not diffusive; D < {self.upper_bound.value:.2g} cm^2/s>"


@dataclass(frozen=True)
class Arrhenius:
    """D = prefactor exp(-activation_energy / kT)."""

    activation_energy: sc.Variable
    """eV, with variance."""
    prefactor: sc.Variable
    """cm^2/s, with variance (from that of its logarithm)."""
    chi_square: float
    """NaN if the coefficients came without errors."""
    degrees_of_freedom: int

    def __call__(self, temperature: Quantity) -> sc.Variable:
        """Return D in cm^2/s at a temperature, without error."""
        T = magnitude(temperature, "K", "temperature", positive=True)
        D = self.prefactor.value * math.exp(-self.activation_energy.value / (_BOLTZMANN * T))
        return sc.scalar(float(D), unit="cm^2/s")


def mean_square_displacement(
    trajectory: Trajectory, species: Selection, *, longest: Quantity | None = None
) -> sc.DataArray:
    """Return the mean square displacement over time, from every time origin.

    Parameters
    ----------
    trajectory:
        At least 8 frames.
    species:
        Atoms, for example ``"Li"``.
    longest:
        Longest time, up to the default: half of the trajectory, less for fewer than 16 atoms, whose trajectory is cut
        into parts.

    Returns
    -------
    :
        Dimension ``time`` (ps), angstrom^2; the variance is from the scatter between (groups of) atoms, which are
        taken as independent. Values at different times are strongly correlated.

    Raises
    ------
    InputError
        If there are no such atoms or too few frames.

    Source
    ------
    Calandrini et al., Collection SFN 12, 201 (2011), the algorithm of nMoldyn.
    """
    time, curves, counts = _curves(trajectory, species)
    if longest is not None:
        last = magnitude(longest, "ps", "longest", positive=True)
        keep = time <= last * (1 + 1e-9)
        time, curves = time[keep], curves[keep]
    mean, error = _mean_and_error(curves, counts)
    values = sc.array(dims=["time"], values=mean, variances=error**2, unit="angstrom^2")
    coords = {"time": sc.array(dims=["time"], values=time, unit="ps")}
    return sc.DataArray(values, coords=coords, name="mean square displacement")


def diffusion_coefficient(
    trajectory: Trajectory,
    species: Selection,
    *,
    window: tuple[Quantity, Quantity] | None = None,
    jump_length: Quantity = "2 angstrom",
) -> Diffusion:
    """Return the coefficient of self-diffusion, with its error, and whether the motion is diffusive.

    A straight line with a constant (the vibrations) is fitted to the MSD of each group of atoms, weighted as for a
    random walk; the scatter between groups gives the error, or the misfit of the line where that is larger. Whether
    the line is straight is tested by its two halves: their slopes give the exponent of the growth, which must be 1
    within two standard deviations.

    Parameters
    ----------
    trajectory, species:
        As for :func:`mean_square_displacement`.
    window:
        Shortest and longest time of the fit. By default the longest is a quarter of the trajectory, and the shortest
        the earliest from a tenth of that on from which the exponent is 1 within its error.
    jump_length:
        Atoms must have moved farther than this, and a run without jumps bounds D by three missed jumps of this length.

    Returns
    -------
    :
        D with everything that was tested. Where nothing diffuses its upper bound is what counts.

    Raises
    ------
    InputError
        If the window holds fewer than 4 times, or as for :func:`mean_square_displacement`.
    """
    time, curves, counts = _curves(trajectory, species)
    jump = magnitude(jump_length, "angstrom", "jump_length", positive=True)
    first, last = _window(time, curves, counts, window)
    slopes = _slopes(time, curves, first, last)
    mean, scatter = (float(value) for value in _mean_and_error(slopes / 6, counts))
    error = max(scatter, _misfit(time, _mean_and_error(curves, counts)[0], first, last) / 6)
    exponent, exponent_error = _exponent(time, curves, counts, first, last)
    displacement = math.sqrt(max(float(_mean_and_error(curves[last], counts)[0]), 0.0))
    # three jumps in all that were not seen: 95 % confidence of a Poisson process
    observed = len(trajectory.select(species)) * float(trajectory.timestep.value) * len(trajectory)
    bound = max(mean, 0.0) + _ONE_SIDED * error + 3 * jump**2 / (6 * observed)
    warnings = _verdict(mean, error, exponent, exponent_error, displacement, jump, bound)
    return Diffusion(
        value=sc.scalar(mean, variance=error**2, unit="angstrom^2/ps").to(unit="cm^2/s"),
        diffusive=not warnings,
        exponent=sc.scalar(exponent, variance=exponent_error**2),
        window=(sc.scalar(float(time[first]), unit="ps"), sc.scalar(float(time[last]), unit="ps")),
        displacement=sc.scalar(displacement, unit="angstrom"),
        upper_bound=sc.scalar(bound * _CM2_PER_S, unit="cm^2/s"),
        warnings=warnings,
    )


def arrhenius(temperature: sc.Variable, diffusion: sc.Variable) -> Arrhenius:
    """Fit the Arrhenius law to coefficients of diffusion.

    Parameters
    ----------
    temperature:
        One dimension, K.
    diffusion:
        Same dimension, in units of D; with variances the fit is weighted and errors follow from them, without
        variances errors follow from the scatter about the line.

    Returns
    -------
    :
        Activation energy, prefactor, chi^2.

    Raises
    ------
    InputError
        If there are fewer than 2 points (3 without variances), or D is not greater than 0: leave such points out.

    Examples
    --------
    >>> T = sc.array(dims=["temperature"], values=[500.0, 600.0, 700.0], unit="K")
    >>> D = sc.array(dims=["temperature"], values=[4.88e-6, 2.33e-5, 4.89e-5], unit="cm^2/s")
    >>> round(float(arrhenius(T, D).activation_energy.value), 2)
    0.35
    """
    T, D, sigma = _points(temperature, diffusion)
    x = -1 / (_BOLTZMANN * T)
    weights = np.ones_like(T) if sigma is None else (D / sigma) ** 2
    design = np.stack([np.ones_like(x), x])
    normal = (design * weights) @ design.T
    covariance = np.linalg.inv(normal)
    log_prefactor, energy = covariance @ (design * weights) @ np.log(D)
    chi_square = float(np.sum(weights * (np.log(D) - log_prefactor - energy * x) ** 2))
    freedom = len(T) - 2
    if sigma is None:
        covariance, chi_square = covariance * chi_square / freedom, math.nan
    prefactor = math.exp(log_prefactor)
    return Arrhenius(
        activation_energy=sc.scalar(float(energy), variance=float(covariance[1, 1]), unit="eV"),
        prefactor=sc.scalar(prefactor, variance=float(covariance[0, 0]) * prefactor**2, unit="cm^2/s"),
        chi_square=chi_square,
        degrees_of_freedom=freedom,
    )


def _curves(trajectory: Trajectory, species: Selection) -> tuple[Array, Array, Array]:
    """Lag times (lags,), ps; MSD of every group of atoms (lags, groups); atoms in each group."""
    atoms = trajectory.select(species)
    parts = max(1, min(-(-_REPLICATES // max(len(atoms), 1)), len(trajectory) // 8))
    length = len(trajectory) // parts
    if length < 8 or not len(atoms):
        raise InputError(f"{trajectory.path}: {len(trajectory)} frames of {len(atoms)} atoms are too few for diffusion")
    lags = length // 2 + 1
    groups = min(len(atoms), _GROUPS)
    member = np.arange(len(atoms)) * groups // len(atoms)
    curves = np.zeros((lags, parts, groups))
    mean_cell, inverse, drift = _frame_of_reference(trajectory)
    done = 0
    for block in trajectory.blocks(atoms, copies=8):
        fractional = trajectory.read("position", block).astype(np.float64) @ inverse - drift[:, None]
        x = (fractional - fractional[0]) @ mean_cell
        own = member[done : done + len(block)]
        starts = np.flatnonzero(np.diff(own, prepend=-1))
        for part in range(parts):
            found = square_displacements(x[part * length : (part + 1) * length], lags)
            curves[:, part, own[starts]] += np.add.reduceat(found, starts, axis=1)
        done += len(block)
    counts = np.bincount(member, minlength=groups).astype(float)
    time = float(trajectory.timestep.value) * np.arange(lags)
    return time, (curves / counts).reshape(lags, -1), np.tile(counts, parts)


def _frame_of_reference(trajectory: Trajectory) -> tuple[Array, Array, Array]:
    """Mean cell (3, 3), inverse cells (T, 3, 3), fractional centre of mass of all atoms (T, 3)."""
    cell = np.asarray(trajectory.cell.values)
    inverse = np.linalg.inv(cell)
    masses = trajectory.masses.values
    centre = np.zeros((len(trajectory), 3))
    for block in trajectory.blocks(copies=2):
        positions = trajectory.read("position", block).astype(np.float64)
        centre += np.einsum("taj,a->tj", positions, masses[block])
    drift = (centre[:, None] @ inverse)[:, 0] / masses.sum()
    return cell.mean(axis=0), inverse, drift


def square_displacements(x: Array, lags: int) -> Array:
    """Average |x(k + m) - x(k)|^2 over all k.

    Parameters
    ----------
    x:
        (T, n, 3).
    lags:
        How many m, from 0.

    Returns
    -------
    :
        (lags, n).
    """
    from scipy.fft import irfft, next_fast_len, rfft

    frames = len(x)
    x = x - x.mean(axis=0)
    size = next_fast_len(frames + lags, real=True)
    spectrum = rfft(x, size, axis=0)
    products = irfft((spectrum.real**2 + spectrum.imag**2).sum(axis=-1), size, axis=0)[:lags]
    squares = np.concatenate([np.zeros((1, x.shape[1])), np.cumsum((x**2).sum(axis=-1), axis=0)])
    m = np.arange(lags)
    found = squares[frames - m] + squares[-1] - squares[m] - 2 * products
    found[0] = 0.0
    return np.asarray(found / (frames - m)[:, None])


def _mean_and_error(values: Array, counts: Array) -> tuple[Array, Array]:
    """Weighted mean over the last axis (groups) and its standard error."""
    weights = counts / counts.sum()
    mean = values @ weights
    groups = len(counts)
    deviations = (values - np.expand_dims(mean, -1)) * weights
    return mean, np.sqrt((deviations**2).sum(axis=-1) * groups / max(groups - 1, 1))


def _slopes(time: Array, curves: Array, first: int, last: int) -> Array:
    """Slope of the MSD of each group between two lags."""
    rows, _, coefficients = _line(time, first, last)
    return np.asarray(coefficients @ curves[rows])


def _line(time: Array, first: int, last: int) -> tuple[Indices, Array, Array]:
    """Lags of a straight line, their weights (of a random walk, sum 1), and what times the MSD gives its slope."""
    rows = np.unique(np.linspace(first, last, min(200, last - first + 1)).astype(int))
    weights = time[rows] ** -3.0
    weights = weights / weights.sum()
    away = weights * (time[rows] - weights @ time[rows])
    return rows, weights, away / (away @ time[rows])


def _misfit(time: Array, mean: Array, first: int, last: int) -> float:
    """Error of the slope from what the mean curve leaves beside a straight line: vibrations that all atoms share."""
    rows, weights, coefficients = _line(time, first, last)
    t, y = time[rows], mean[rows]
    left = y - weights @ y - (coefficients @ y) * (t - weights @ t)
    g = statistical_inefficiency(left) if len(left) >= 8 else float(len(left))
    return math.sqrt(g * float(np.sum((coefficients * left) ** 2)))


def _exponent(time: Array, curves: Array, counts: Array, first: int, last: int) -> tuple[float, float]:
    """Exponent of the growth of the MSD less a constant, and its error: from the slopes of two halves of the window."""
    middle = round(math.sqrt(first * last))
    early, late = _slopes(time, curves, first, middle), _slopes(time, curves, middle, last)
    (e, _), (s, _) = _mean_and_error(early, counts), _mean_and_error(late, counts)
    if e <= 0 or s <= 0:
        return 0.0, math.inf
    _, error = _mean_and_error(late / s - early / e, counts)
    scale = math.log(last / first) / 2
    return 1 + math.log(s / e) / scale, float(error) / scale


def _window(time: Array, curves: Array, counts: Array, window: tuple[Quantity, Quantity] | None) -> tuple[int, int]:
    """First and last lag of the fit."""
    if window is not None:
        ends = [magnitude(end, "ps", "window") for end in window]
        first, last = (round(end / time[1]) for end in ends)
        if not 1 <= first <= last - 3 <= len(time) - 4:
            raise InputError(
                f"window: {ends[0]:g} to {ends[1]:g} ps; it must lie between {time[1]:g} and {time[-1]:g} ps "
                f"and span at least 3 frames of {time[1]:g} ps"
            )
        return first, last
    last = (len(time) - 1) // 2
    candidates = [max(1, round(last * share)) for share in (0.1, 0.15, 0.22, 0.33)]
    for first in candidates:
        exponent, error = _exponent(time, curves, counts, first, last) if last >= first + 3 else (0.0, 0.0)
        if abs(exponent - 1) <= error < math.inf:
            return first, last
    return candidates[1], last


def _verdict(
    mean: float, error: float, exponent: float, exponent_error: float, displacement: float, jump: float, bound: float
) -> tuple[str, ...]:
    """Why this is not diffusion, in words; empty if it is."""
    found = []
    if mean < 2 * error:
        found.append(f"D = 0 within its error: D < {bound * _CM2_PER_S:.2g} cm^2/s with 95 % confidence.")
    if displacement < jump:
        found.append(
            f"Atoms move by {displacement:.2g} angstrom over the window, less than a jump of {jump:g}: "
            "vibration, or too short a run."
        )
    if not found and abs(exponent - 1) > 2 * exponent_error:
        found.append(
            f"Displacements grow as t^{exponent:.2f} (error {exponent_error:.2f}), not as t: not yet diffusive."
        )
    if not found and exponent_error > 0.5:
        found.append("The run is too short to tell whether the motion is diffusive.")
    return tuple(found)


def _points(temperature: sc.Variable, diffusion: sc.Variable) -> tuple[Array, Array, Array | None]:
    """T (K), D (cm^2/s) and its standard deviation, checked."""
    try:
        T = temperature.to(unit="K", dtype="float64").values
        given = diffusion.to(unit="cm^2/s", dtype="float64")
    except (AttributeError, sc.UnitError):
        raise InputError("arrhenius: expected scipp arrays of temperature (K) and diffusion (cm^2/s)") from None
    D = given.values
    least = 3 if given.variances is None else 2
    if T.shape != D.shape or T.ndim != 1 or len(T) < least:
        raise InputError(
            f"arrhenius: expected at least {least} temperatures with one D each, got {T.shape} and {D.shape}"
        )
    if np.any(T <= 0) or np.any(D <= 0) or not np.all(np.isfinite([T, D])):
        raise InputError("arrhenius: T and D must be greater than 0; leave out points where nothing diffuses")
    if given.variances is None:
        return T, D, None
    if np.any(given.variances <= 0) or not np.all(np.isfinite(given.variances)):
        raise InputError("arrhenius: variances must be greater than 0")
    return T, D, np.sqrt(given.variances)
