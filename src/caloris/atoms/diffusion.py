"""Self-diffusion: mean square displacement over all time origins, D with an error, and the Arrhenius law over D.

MSD(t) = <|r(t0 + t) - r(t0)|^2>, D = slope / 6 where atoms diffuse. Displacements are of fractional coordinates in the
mean cell, so that a barostat that breathes moves no atom, less the drift of the centre of mass of all atoms.
No correction for the finite size of the cell is made. Units: angstrom, ps; D in cm^2/s.
FFT over all origins: Calandrini et al., Collection SFN 12, 201 (2011).
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import halves_apart, mean_of_groups, mean_of_parts
from caloris.atoms.parallel import Progress
from caloris.atoms.reference_frame import reference_frame
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.atoms.transport.diffusive_regime import (
    Line,
    covariant_line,
    fitting_window,
    growth_exponent,
    misfit,
    weighted_line,
)
from caloris.atoms.transport.displacements import Curves, group_curves
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Method = Literal["weighted least squares", "generalised least squares"]
Partial = Literal["element", "molecule"]

_CM2_PER_S = 1e-4
"""angstrom^2/ps in cm^2/s."""
_BOLTZMANN = 8.617333262e-5
"""eV/K, CODATA 2018."""
_DISAGREE = 5.0
"""Standard deviations of their difference by which two lines disagree."""
_ONE_SIDED = 1.645
"""Standard deviations of a bound that holds in 95 of 100 cases."""


@dataclass(frozen=True)
class Diffusion:
    """A coefficient of self-diffusion and whether it may be called one."""

    value: sc.Variable
    """cm^2/s, with variance; read :attr:`upper_bound` where it is not diffusive."""
    diffusive: bool
    """Whether displacements grow linearly in time, beyond a jump, and D is known and not 0 within its error."""
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
    trajectory: Trajectory,
    species: Selection = None,
    *,
    longest: Quantity | None = None,
    partial: Partial | None = None,
    progress: Progress | None = None,
    scheduler: str | None = None,
) -> "sc.DataArray | sc.DataGroup[sc.DataArray]":
    """Return the mean square displacement over time, from every time origin.

    Parameters
    ----------
    trajectory:
        At least 8 frames.
    species:
        Atoms, for example ``"Li"``; all by default.
    longest:
        Longest time, up to the default: half of the trajectory, less for fewer than 16 molecules (or atoms without
        bonds), whose trajectory is cut into parts.
    partial:
        ``"element"`` or ``"molecule"`` (by the formula that an atom is in): one curve for each.
    progress, scheduler:
        As for :func:`caloris.atoms.parallel.map_blocks`.

    Returns
    -------
    :
        Dimension ``time`` (ps), angstrom^2; the variance is from the scatter between (groups of) molecules, or of atoms
        without bonds, which are taken as independent: it does not see slow motion that all share, except where the
        trajectory is cut into 4 parts or more. Values at different times are strongly correlated. With ``partial`` a
        group of such curves.

    Raises
    ------
    InputError
        If there are no such atoms or too few frames.

    Source
    ------
    Calandrini et al., Collection SFN 12, 201 (2011), the algorithm of nMoldyn.
    """
    last = math.inf if longest is None else magnitude(longest, "ps", "longest", positive=True)
    atoms, frame = trajectory.select(species), reference_frame(trajectory)
    found = {}
    for name, chosen in _parts(trajectory, atoms, partial).items():
        title = f"mean square displacement{f' of {name}' if name else ''}"
        curves = group_curves(trajectory, chosen, frame, progress=progress, title=title, scheduler=scheduler)
        found[name] = _data(curves, last)
    return sc.DataGroup(found) if partial else found[""]


def _data(curves: Curves, last: float) -> sc.DataArray:
    keep = curves.time <= last * (1 + 1e-9)
    mean, error = mean_of_parts(curves.values[0][keep], curves.counts, curves.parts)
    values = sc.array(dims=["time"], values=mean, variances=error**2, unit="angstrom^2")
    coords = {"time": sc.array(dims=["time"], values=curves.time[keep], unit="ps")}
    return sc.DataArray(values, coords=coords, name="mean square displacement")


def _parts(trajectory: Trajectory, atoms: Indices, partial: str | None) -> dict[str, Indices]:
    """Atoms of every element or of molecules of every composition."""
    if partial is None:
        return {"": atoms}
    if partial not in get_args(Partial):
        raise InputError(f"partial: expected None, 'element' or 'molecule', got {partial!r}")
    of_atom = np.array(trajectory.symbols)
    if partial == "molecule":  # the same molecule may be written in another order of its elements: NH4, H4N
        by_composition: dict[tuple[str, ...], str] = {}
        numbers, which = np.unique(trajectory.molecules, return_inverse=True)
        members = [tuple(sorted(of_atom[trajectory.molecules == number])) for number in numbers]
        names = [by_composition.setdefault(m, f) for m, f in zip(members, trajectory.formulas, strict=True)]
        of_atom = np.array(names)[which]
    return {str(name): atoms[of_atom[atoms] == name] for name in dict.fromkeys(of_atom[atoms])}


def diffusion_coefficient(
    trajectory: Trajectory,
    species: Selection,
    *,
    window: tuple[Quantity, Quantity] | None = None,
    jump_length: Quantity = "2 angstrom",
    method: Method = "weighted least squares",
) -> Diffusion:
    """Return the coefficient of self-diffusion, with its error, and whether the motion is diffusive.

    A straight line with a constant (the vibrations) is fitted to the MSD of each group of molecules (or atoms without
    bonds); the scatter between groups gives the error, or that between 4 or more parts of the run, or the misfit of the
    line, where those are larger. Whether the line is straight is tested by its two halves: their slopes give the
    exponent of the growth, which must be 1 within two standard deviations. A warning says where the two halves of the
    run differ by more than their errors.

    Parameters
    ----------
    trajectory, species:
        As for :func:`mean_square_displacement`.
    window:
        Shortest and longest time of the fit. By default the longest is a quarter of the trajectory, and the shortest
        the earliest from a tenth of that on from which the exponent is 1 within its error.
    jump_length:
        Atoms must have moved farther than this, and a run without jumps bounds D by three missed jumps of this length.
    method:
        Lags are weighted as for a random walk; ``"generalised least squares"`` also takes their correlation from the
        covariance of a random walk seen through the vibrations, which is the narrowest that the window allows. Where
        the two differ by more than chance, the motion is no such walk: the first is taken, and a warning says so.
        Either way the error comes from the scatter, not from the model.

    Returns
    -------
    :
        D with everything that was tested. Where nothing diffuses its upper bound is what counts.

    Raises
    ------
    InputError
        If the window holds fewer than 4 times, or as for :func:`mean_square_displacement`.

    Source
    ------
    Generalised least squares over an MSD: McCluskey, Coles and Morgan, J. Chem. Theory Comput. 21, 79 (2025).
    """
    if method not in get_args(Method):
        raise InputError(f"method: expected {' or '.join(map(repr, get_args(Method)))}, got {method!r}")
    atoms = trajectory.select(species)
    curves = group_curves(trajectory, atoms, reference_frame(trajectory), halves=True)
    jump = magnitude(jump_length, "angstrom", "jump_length", positive=True)
    time, values, counts = curves.time, curves.values[0], curves.counts
    first, last = fitting_window(time, values, counts, window)
    total, _ = mean_of_groups(values, counts)
    line = weighted_line(time, first, last)
    error = misfit(time, total, line) / 6
    words: tuple[str, ...] = ()
    if method == "generalised least squares":
        line, words = _agreed(line, covariant_line(time, total, first, last, frames=curves.frames), curves)
    mean, scatter = (float(value) for value in mean_of_parts(line.slope(values) / 6, counts, curves.parts))
    error = max(error, scatter) if math.isfinite(scatter) else math.nan
    exponent, exponent_error = growth_exponent(time, values, counts, first, last)
    displacement = math.sqrt(max(float(total[last]), 0.0))
    # three jumps in all that were not seen: 95 % confidence of a Poisson process
    observed = curves.units * float(trajectory.timestep.value) * len(trajectory)
    bound = max(mean, 0.0) + _ONE_SIDED * error + 3 * jump**2 / (6 * observed)
    doubts = _verdict(mean, error, exponent, exponent_error, displacement, jump, bound)
    warnings = (*doubts, *words, *_between_halves(curves, line, error))
    return Diffusion(
        value=sc.scalar(mean, variance=error**2, unit="angstrom^2/ps").to(unit="cm^2/s"),
        diffusive=not doubts,
        exponent=sc.scalar(exponent, variance=exponent_error**2),
        window=(sc.scalar(float(time[first]), unit="ps"), sc.scalar(float(time[last]), unit="ps")),
        displacement=sc.scalar(displacement, unit="angstrom"),
        upper_bound=sc.scalar(bound * _CM2_PER_S, unit="cm^2/s"),
        warnings=warnings,
    )


def _agreed(weighted: Line, covariant: Line, curves: Curves) -> tuple[Line, tuple[str, ...]]:
    """The covariant line, or the weighted one where they differ beyond chance, so that the covariance is another."""
    difference = covariant.slope(curves.values[0]) - weighted.slope(curves.values[0])
    mean, error = mean_of_parts(difference, curves.counts, curves.parts)
    if np.isfinite(covariant.coefficients).all() and not abs(mean) > _DISAGREE * error:
        return covariant, ()
    return weighted, (
        "Generalised and weighted least squares differ by more than chance, as they do where motion is no random walk "
        "seen through vibrations that forget between frames: D is that of weighted least squares.",
    )


def _between_halves(curves: Curves, line: Line, error: float) -> tuple[str, ...]:
    if curves.halves is None or int(line.rows.max()) >= curves.halves.shape[1]:
        return ()
    first, second = (float(D) * _CM2_PER_S for D in line.slope(curves.halves[0]) / 6)
    return halves_apart("coefficient", (first, second), error * _CM2_PER_S, "cm^2/s")


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


def _verdict(
    mean: float, error: float, exponent: float, exponent_error: float, displacement: float, jump: float, bound: float
) -> tuple[str, ...]:
    """Why this is not diffusion, in words; empty if it is."""
    found = []
    if not math.isfinite(error):
        found.append("One group of atoms in one stretch of time: no error, and no bound; run longer.")
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
