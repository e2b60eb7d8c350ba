"""From I(Q,t) to S(Q,E): the elastic part becomes the line of the resolution, what decays is transformed.

S(Q,E) = I(Q,inf) R(E) + (1 / pi hbar) int_0^tmax Re{J(Q,t) R(t) exp(-i E t / hbar)} dt, I(Q,inf) being the mean over
the last times and J what is left: I(Q,t) - I(Q,inf), or with a temperature that with the spectrum of it brought into
detailed balance, before the resolution smears it. For a resolution that decays within the trajectory this is the
transform itself; for a narrower one it keeps the end of the trajectory from rippling. Units: ps, meV.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons.detailed_balance import Correction, quantum_factor
from caloris.neutrons.line_shapes import HBAR
from caloris.neutrons.resolution import Resolution, gaussian
from caloris.units import Quantity

Array = npt.NDArray[np.floating[Any]]
Complex = npt.NDArray[np.complexfloating[Any, Any]]

_PLATEAU = 0.25
"""Share of the times, the last ones, whose mean is taken for I(Q, inf)."""
_AT_THE_END = 3.0
"""Standard deviations of the default resolution in time within the trajectory."""
_NARROW = 0.05
"""R(t) at the longest time above which the resolution is finer than the trajectory."""
_POINTS = 4
"""Energies in a full width at half maximum of the default grid."""
_MOST = 4000
"""Most energies of the default grid."""


def finest_resolution(time: Array) -> Resolution:
    """Return the Gaussian that decays to one percent within the times (ps)."""
    sigma = _AT_THE_END * HBAR / float(time[-1])
    return gaussian(sc.scalar(2 * math.sqrt(2 * math.log(2)) * sigma, unit="meV"))


def default_energies(time: Array, resolution: Resolution | None) -> sc.Variable:
    """Return energies from the highest that frames show, on the side of gain, to that of loss, meV."""
    top = 0.98 * math.pi * HBAR / float(time[1] - time[0])
    width = float(np.min((resolution or finest_resolution(time)).fwhm.to(unit="meV").values))
    number = int(np.clip(math.ceil(_POINTS * top / width), 50, _MOST // 2)) if width > 0 else _MOST // 2
    return sc.array(dims=["energy_transfer"], values=top * np.arange(-number, number + 1) / number, unit="meV")


def spectrum_transform(
    time: Array,
    energy: sc.Variable,
    resolution: Resolution | None,
    Q: Array,
    *,
    temperature: Quantity | None = None,
    correction: Correction = "harmonic",
) -> tuple[Callable[[Array], Array], list[str]]:
    """Return the linear map from (Q, time) to (Q, energies), and cautions.

    Raises
    ------
    InputError
        If energies are no points in meV within what the frames show, or the resolution has no width.
    """
    E = _points(time, energy)
    used = resolution or finest_resolution(time)
    if np.any(used.fwhm.values == 0):
        raise InputError("resolution: S(Q,E) of a trajectory needs a width; leave it out for the finest that there is")
    axis = sc.array(dims=["time"], values=time, unit="ps")
    in_time = _rows(used.of_time(axis), Q) + 1j * _rows(used.of_time(axis, part="sine"), Q)
    line = _rows(_cells(used, E), Q)
    weights = np.full(len(time), float(time[1] - time[0]) / (math.pi * HBAR))
    weights[[0, -1]] *= 0.5
    phases = np.outer(time, E) / HBAR
    cosines, sines = np.cos(phases) * weights[:, None], np.sin(phases) * weights[:, None]
    last = max(1, round(_PLATEAU * len(time)))
    balance = _balance(time, temperature, correction)

    def transform(curves: Array) -> Array:
        left = curves[:, -last:].mean(axis=1, keepdims=True)
        decaying = balance(curves - left) * in_time
        return np.asarray(left * line + decaying.real @ cosines + decaying.imag @ sines)

    cautions = list(used.warnings)
    if resolution is None:
        cautions.append(f"No resolution was given: a Gaussian of {_words(used)} FWHM, the finest of this trajectory.")
    elif np.abs(in_time[:, -1]).max() > _NARROW:
        cautions.append(
            f"The resolution of {_words(used)} FWHM is finer than {time[-1]:g} ps can tell: what has not decayed by "
            "then counts as elastic."
        )
    return transform, cautions


def _points(time: Array, energy: sc.Variable) -> Array:
    try:
        E = np.asarray(energy.to(unit="meV", dtype="float64").values)
    except (AttributeError, sc.UnitError, sc.DTypeError):
        raise InputError("energy transfer: expected a scipp array in meV") from None
    step = float(time[1] - time[0])
    top = math.pi * HBAR / step
    if E.ndim != 1 or len(E) < 2 or not np.all(np.isfinite(E)) or np.any(np.diff(E) <= 0):
        raise InputError("energy transfer: expected at least two points that increase, in one dimension")
    if np.abs(E).max() > top * (1 + 1e-9):
        raise InputError(
            f"energy transfer: up to {np.abs(E).max():g} meV; frames {step:g} ps apart show {top:.4g} meV at most, "
            "keep frames more often"
        )
    return E


def _balance(time: Array, temperature: Quantity | None, correction: Correction) -> Callable[[Array], Complex]:
    """Map from the classical, even (Q, time) to the complex one whose spectrum is in detailed balance."""
    if temperature is None:
        return lambda curves: curves.astype(complex)
    from scipy.fft import fft, fftfreq, ifft

    size = 2 * (len(time) - 1)
    E = 2 * math.pi * HBAR * fftfreq(size, float(time[1] - time[0]))
    factor = quantum_factor(sc.array(dims=["E"], values=E, unit="meV"), temperature, correction).values

    def balance(curves: Array) -> Complex:
        even = np.concatenate([curves, curves[:, -2:0:-1]], axis=1)
        # I(t) = int S(E) exp(+i E t / hbar) dE
        found = ifft(fft(even, axis=1) * factor[None], axis=1)[:, : len(time)]
        return np.asarray(found)

    return balance


def _cells(resolution: Resolution, E: Array) -> sc.DataArray:
    """The line averaged over the cell around each energy, so that its area is kept on any grid."""
    edges = np.concatenate([[1.5 * E[0] - 0.5 * E[1]], 0.5 * (E[1:] + E[:-1]), [1.5 * E[-1] - 0.5 * E[-2]]])

    width = float(np.min(resolution.fwhm.to(unit="meV").values))
    if np.max(np.diff(edges)) < 0.2 * width:
        return resolution.line_shape(sc.array(dims=["energy_transfer"], values=E, unit="meV"))
    # a cell much wider than the line is averaged over points that are finer than it
    many = max(16, math.ceil(4 * float(np.max(np.diff(edges))) / width))
    inside = (np.arange(many) + 0.5) / many
    fine = (edges[:-1, None] + np.diff(edges)[:, None] * inside).ravel()
    line = resolution.line_shape(sc.array(dims=["energy_transfer"], values=fine, unit="meV"))
    values = line.values.reshape(*line.shape[:-1], len(E), many).mean(axis=-1)
    found = sc.DataArray(sc.array(dims=line.dims, values=values, unit="1/meV"))
    if "Q" in line.coords:
        found.coords["Q"] = line.coords["Q"]
    return found


def _rows(array: sc.DataArray, Q: Array) -> Array:
    """One row, or one for each Q."""
    if array.ndim == 1:
        return np.asarray(array.values)[None]
    own = array.coords["Q"].to(unit="1/angstrom").values
    if own.shape != Q.shape or not np.allclose(own, Q, rtol=1e-3):
        raise InputError("resolution: it is known at other momentum transfers than these; give one of the same Q")
    return np.asarray(array.values)


def _words(resolution: Resolution) -> str:
    width = np.atleast_1d(resolution.fwhm.to(unit="meV").values)
    return f"{width.min():.3g} meV" if np.ptp(width) == 0 else f"{width.min():.3g} to {width.max():.3g} meV"
