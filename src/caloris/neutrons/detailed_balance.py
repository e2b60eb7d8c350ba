"""Detailed balance, S(Q,-E) = exp(-E / kT) S(Q,E), E > 0 for neutron energy loss, and what a classical S lacks of it.

A classical trajectory gives an S_cl that is symmetric in E. It is multiplied by f(x), x = E / kT, f(x) = exp(x) f(-x):

    harmonic   x / (1 - exp(-x))    exact for one phonon; keeps the first moment, hbar^2 Q^2 / 2m; raises int S dE
    standard   2 / (1 + exp(-x))    keeps int S dE = S(Q); the first moment comes out too small
    Schofield  exp(x / 2)           exact for free atoms but for a factor exp(hbar^2 Q^2 / 8 m kT); keeps neither

Source: Schofield, Phys. Rev. Lett. 4, 239 (1960); Ramirez et al., J. Chem. Phys. 121, 3973 (2004); the moments follow
from f(x) + f(-x), which is x coth(x / 2), 2, and 2 cosh(x / 2), and f(x) - f(-x), which is x, 2 tanh(x / 2), and
2 sinh(x / 2), with the classical second moment hbar^2 Q^2 kT / m. Units: meV, K.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons.spectrum_grid import axis_values, both_sides, by_Q, energy_edges
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Correction = Literal["harmonic", "standard", "Schofield"]

BOLTZMANN = 8.617333262e-2
"""meV/K, CODATA 2018."""
_LARGEST = 700.0
"""Exponent that a float still holds."""
_DOUBT = 3.0
"""Standard deviations, and _DOUBT_SHARE of the temperature, from which on a deviation is warned of."""
_DOUBT_SHARE = 0.02


@dataclass(frozen=True)
class DetailedBalance:
    """How well the two sides of a spectrum are in detailed balance at a temperature."""

    balance: sc.Variable
    """Slope of ln S(E) / S(-E) times kT, with variance: 1 in balance, 0 if symmetric, -1 if E has the other sign."""
    temperature: sc.Variable
    """Fitted, K, with variance; infinite where the spectrum is symmetric or falls the other way."""
    expected: sc.Variable
    """K."""
    chi_square: float
    degrees_of_freedom: int
    largest_energy: sc.Variable
    """Up to which both sides were measured, meV."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        verdict = "in doubt" if self.warnings else "in balance"
        reach = f"both sides up to {self.largest_energy.value:.3g} meV"
        if not math.isfinite(self.temperature.value):
            error = math.sqrt(self.balance.variance)
            return f"<DetailedBalance: {self.balance.value:.3g} +- {error:.1g} (1 expected) from {reach}: {verdict}>"
        error = math.sqrt(self.temperature.variance)
        return (
            f"<DetailedBalance: T = {self.temperature.value:.4g} +- {error:.2g} K from {reach}, "
            f"expected {self.expected.value:.4g} K: {verdict}>"
        )


def quantum_factor(energy_transfer: sc.Variable, temperature: Quantity, kind: Correction = "harmonic") -> sc.Variable:
    """Return what a classical, symmetric S(Q,E) is multiplied by.

    Parameters
    ----------
    energy_transfer:
        Any shape, meV; > 0 for neutron energy loss.
    temperature:
        Scalar.
    kind:
        ``"harmonic"``, ``"standard"`` or ``"Schofield"``; see the head of this module for what each conserves.

    Returns
    -------
    :
        Same shape, dimensionless.

    Raises
    ------
    InputError
        If the kind is unknown or the temperature is not above 0.

    Examples
    --------
    >>> E = sc.array(dims=["energy_transfer"], values=[-25.852, 0.0, 25.852], unit="meV")
    >>> quantum_factor(E, "300 K").values.round(3).tolist()
    [0.582, 1.0, 1.582]
    """
    T = magnitude(temperature, "K", "temperature", positive=True)
    if kind not in ("harmonic", "standard", "Schofield"):
        raise InputError(f"kind: expected 'harmonic', 'standard' or 'Schofield', got {kind!r}")
    try:
        x = energy_transfer.to(unit="meV", dtype="float64").values / (BOLTZMANN * T)
    except (AttributeError, sc.UnitError):
        raise InputError("energy_transfer: expected a scipp variable in meV") from None
    values = _factor(np.asarray(x), kind)
    return sc.array(dims=energy_transfer.dims, values=values) if energy_transfer.ndim else sc.scalar(float(values))


def quantum_correction(spectrum: sc.DataArray, temperature: Quantity, kind: Correction = "harmonic") -> sc.DataArray:
    """Return S(Q,E) in detailed balance from a classical one that is symmetric in E.

    Apply it before the resolution: what an instrument smears is in balance already.

    Parameters
    ----------
    spectrum:
        With the coordinate ``energy_transfer`` (meV, edges or centres).
    temperature:
        Scalar.
    kind:
        As for :func:`quantum_factor`.

    Returns
    -------
    :
        Same dims, with variances if given; the unaligned coordinate ``quantum_correction`` says which was used.

    Raises
    ------
    InputError
        If it was corrected before, or as for :func:`quantum_factor`.

    Source
    ------
    Schofield, Phys. Rev. Lett. 4, 239 (1960); Ramirez et al., J. Chem. Phys. 121, 3973 (2004).
    """
    before = spectrum.coords["quantum_correction"].value if "quantum_correction" in spectrum.coords else ""
    if before:
        raise InputError(f"spectrum: it has the {before} quantum correction already; a second one would be wrong")
    result = spectrum * quantum_factor(_centres(spectrum), temperature, kind)
    result.coords["quantum_correction"] = sc.scalar(kind)
    result.coords.set_aligned("quantum_correction", False)
    return result


def symmetrised(spectrum: sc.DataArray, temperature: Quantity) -> sc.DataArray:
    """Return exp(-E / 2kT) S(Q,E), which is symmetric in E where S is in detailed balance.

    Parameters
    ----------
    spectrum:
        With the coordinate ``energy_transfer`` (meV, edges or centres).
    temperature:
        Scalar.

    Returns
    -------
    :
        Same dims, with variances if given.

    Raises
    ------
    InputError
        If the temperature is not above 0.
    """
    return spectrum * quantum_factor(-_centres(spectrum), temperature, "Schofield")


def check_detailed_balance(
    spectrum: sc.DataArray, temperature: Quantity, *, outside: Quantity | None = None
) -> DetailedBalance:
    """Test a spectrum for detailed balance: fit the temperature that its two sides agree on.

    Every pair S(E), S(-E) is fitted by S(-E) = exp(-b E / kT) S(E), with the errors of both sides; no logarithm of
    noisy data is taken, so that bins without counts do no harm.

    Parameters
    ----------
    spectrum:
        S(E) or S(Q,E), not counts over time of flight; masked and not finite values are left out. Without variances the
        error is from the scatter.
    temperature:
        That of the sample.
    outside:
        Pairs at energies of less than this are left out: a FWHM or two of the resolution, whose line is symmetric
        itself. By default all pairs count.

    Returns
    -------
    :
        Fitted temperature with error (enlarged where chi^2 is too large), and warnings.

    Raises
    ------
    InputError
        If fewer than 3 energies have both sides.
    """
    T = magnitude(temperature, "K", "temperature", positive=True)
    least = 0.0 if outside is None else magnitude(outside, "meV", "outside")
    rows, variances = by_Q(spectrum, "energy_transfer", finite=False)
    flat = rows.reshape(-1, rows.shape[-1])
    spread = None if variances is None else variances.reshape(flat.shape)
    edges, (loss, loss_error), (gain, gain_error) = both_sides(energy_edges(spectrum), flat, spread)
    x = np.broadcast_to(0.5 * (edges[1:] + edges[:-1]), loss.shape)
    good = np.isfinite(loss) & np.isfinite(gain) & (x >= least)
    if spread is not None:
        good &= (loss_error > 0) & (gain_error > 0)
    if len(np.unique(x[good])) < 3:
        raise InputError("detailed balance: fewer than 3 energies have values on both sides; nothing can be compared")
    if loss_error is None or gain_error is None:  # as if counted, on a scale that chi^2 then finds
        loss_error = gain_error = np.maximum(0.5 * (np.abs(loss) + np.abs(gain)), 1e-300)
    slope, error, chi_square = _fit(
        x[good] / (BOLTZMANN * T), loss[good], gain[good], loss_error[good], gain_error[good]
    )
    freedom = int(good.sum()) - 1
    if spread is None or chi_square > freedom:
        error *= math.sqrt(chi_square / freedom)
    fitted = T / slope if slope > 0 else math.inf
    return DetailedBalance(
        balance=sc.scalar(slope, variance=error**2),
        temperature=sc.scalar(fitted, variance=(fitted * error / slope) ** 2 if slope > 0 else math.inf, unit="K"),
        expected=sc.scalar(T, unit="K"),
        chi_square=chi_square if spread is not None else math.nan,
        degrees_of_freedom=freedom,
        largest_energy=sc.scalar(float(x[good].max()), unit="meV"),
        warnings=_verdict(slope, error, fitted, T),
    )


def _fit(x: Array, loss: Array, gain: Array, loss_error: Array, gain_error: Array) -> tuple[float, float, float]:
    """Slope b of gain = exp(-b x) loss, its error, and chi^2 (profile likelihood of both sides)."""
    from scipy.optimize import minimize_scalar

    def misfit(b: float) -> float:
        ratio = np.exp(np.clip(-b * x, -_LARGEST / 3, _LARGEST / 3))
        return float(np.sum((gain - ratio * loss) ** 2 / (gain_error + ratio**2 * loss_error)))

    trial = np.linspace(-3.0, 6.0, 181)  # it has more than one minimum where data are poor: first look, then fit
    start = float(trial[int(np.argmin([misfit(b) for b in trial]))])
    found = minimize_scalar(misfit, bounds=(start - 0.1, start + 0.1), method="bounded", options={"xatol": 1e-10})
    b, lowest = float(found.x), float(found.fun)
    step = 1e-3
    for _ in range(3):  # a step of about one standard deviation
        curvature = (misfit(b + step) - 2 * lowest + misfit(b - step)) / step**2
        step = min(math.sqrt(2 / curvature), 0.5) if curvature > 0 else 0.5
    return b, step, lowest


def _verdict(slope: float, error: float, fitted: float, T: float) -> tuple[str, ...]:
    """Say why the spectrum is not in balance, in words; empty if it is."""
    if abs(slope - 1) <= max(_DOUBT * error, _DOUBT_SHARE):
        if error > 0.3:
            return (f"The two sides fix the temperature to {100 * error:.0f} % only; this is no test.",)
        return ()
    if abs(slope) <= _DOUBT * error:
        return ("The spectrum is symmetric: a classical one without quantum correction, or it was symmetrised.",)
    if slope < 0:
        return (
            "S is larger at negative energy transfer: its sign is reversed; it must be > 0 for neutron energy loss.",
        )
    hint = "a background, or kf/ki not taken out" if slope < 1 else "kf/ki taken out twice, or an absorber"
    return (f"Both sides agree on {fitted:.4g} K, not on {T:.4g} K: {hint}, or another temperature.",)


def _factor(x: Array, kind: str) -> Array:
    if kind == "Schofield":
        return np.asarray(np.exp(np.clip(0.5 * x, -_LARGEST, _LARGEST)))
    below = np.exp(np.clip(-x, -_LARGEST, _LARGEST))
    if kind == "standard":
        return np.asarray(2 / (1 + below))
    small = np.abs(x) < 1e-6
    safe = np.where(small, 1.0, x)
    return np.asarray(np.where(small, 1 + 0.5 * x, safe / np.where(small, 1.0, 1 - below)))


def _centres(spectrum: sc.DataArray) -> sc.Variable:
    """Energies of the values, meV."""
    if not isinstance(spectrum, sc.DataArray) or "energy_transfer" not in spectrum.coords:
        raise InputError("spectrum: expected a data array with the coordinate energy_transfer")
    coord = spectrum.coords["energy_transfer"]
    x = axis_values(coord, "meV", "energy_transfer")
    if len(x) == spectrum.sizes["energy_transfer"] + 1:
        x = 0.5 * (x[1:] + x[:-1])
    return sc.array(dims=["energy_transfer"], values=x, unit="meV")
