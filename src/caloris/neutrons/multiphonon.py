"""Incoherent scattering by any number of harmonic phonons, from a density of states.

S(Q,E) = exp(-2W) sum_n (2W)^n / n! T_n(E), 2W = hbar^2 Q^2 / 2M int g(E) coth(E / 2kT) / E dE for a g of area 1;
T_1 = g(E) / (E (1 - exp(-E / kT))), E of both signs, made an area of 1; T_n = T_1 convolved with T_(n-1). Cubic and
incoherent: Sjolander, Arkiv Fysik 14, 315 (1958). Units: meV, 1/angstrom, K, u.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons.density_of_states import phonon_density_of_states
from caloris.neutrons.detailed_balance import BOLTZMANN
from caloris.neutrons.spectrum_grid import axis_values, bin_edges, by_Q, energy_edges
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]

_HBAR2_2U = 2.0901110
"""meV angstrom^2, hbar^2 / 2u, CODATA 2018."""
_TAIL = 1e-10
"""Weight of the last number of phonons that is computed."""
_FINEST = 4000
"""Most energies of the highest phonon's range; above, steps are made wider."""


def incoherent_phonon_scattering(
    density: sc.DataArray,
    momentum_transfer: sc.Variable,
    energy_transfer: sc.Variable,
    temperature: Quantity,
    mass: Quantity,
    *,
    phonons: tuple[int, int | None] = (1, None),
) -> sc.DataArray:
    """Return the incoherent inelastic S(Q,E) of a harmonic solid for an atom of one mass, by all orders of phonons.

    Parameters
    ----------
    density:
        Over ``energy_transfer`` (edges or centres, from 0), any scale.
    momentum_transfer:
        One dimension, 1/angstrom.
    energy_transfer:
        One dimension, equal steps: centres of bins over which S is averaged, meV.
    temperature:
        Scalar.
    mass:
        Of the atom, u.
    phonons:
        Fewest and most; ``(1, 1)`` is one-phonon scattering, None is as many as count. The elastic line is not here.

    Returns
    -------
    :
        Over ``Q`` and ``energy_transfer``, 1/meV, of one atom: with the elastic line exp(-2W) its integral is 1. The
        coordinate ``debye_waller`` is exp(-2W) over ``Q``.

    Raises
    ------
    InputError
        If the density is no such array, steps are not equal, or ranges are empty.

    Source
    ------
    Sjolander, Arkiv Fysik 14, 315 (1958); Squires, Thermal Neutron Scattering (1978), section 3.10.

    Examples
    --------
    >>> E = sc.linspace("energy_transfer", 0.25, 39.75, 80, unit="meV")
    >>> debye = sc.DataArray((E / E[-1]) ** 2, coords={"energy_transfer": E})
    >>> Q = sc.array(dims=["Q"], values=[2.0], unit="1/angstrom")
    >>> at = sc.linspace("energy_transfer", -200.0, 200.0, 801, unit="meV")
    >>> S = incoherent_phonon_scattering(debye, Q, at, "300 K", "51 u")
    >>> round(float(S.sum().value) * 0.5 + float(S.coords["debye_waller"].values[0]), 3)
    1.0
    """
    T = magnitude(temperature, "K", "temperature", positive=True)
    M = magnitude(mass, "u", "mass", positive=True)
    Q, E = axis_values(momentum_transfer, "1/angstrom", "Q"), axis_values(energy_transfer, "meV", "energy_transfer")
    fewest, most = phonons
    if fewest < 1 or (most is not None and most < fewest):
        raise InputError(f"phonons: expected (1, 1), (2, None) or the like, got {phonons}")
    h = float(np.mean(np.diff(E))) if len(E) > 1 else 0.0
    if h <= 0 or np.any(np.abs(np.diff(E) - h) > 1e-6 * h):
        raise InputError("energy_transfer: expected increasing energies in equal steps")
    step, line, weight = _one_phonon(density, T, h)
    two_W = _HBAR2_2U / M * Q**2 * weight
    values = np.zeros((len(Q), len(E)))
    current, factor, n = line, two_W.copy(), 1
    while True:
        if n >= fewest:
            values += (np.exp(-two_W) * factor)[:, None] * _averaged(current, step, E, h)
        n += 1
        factor = factor * two_W / n
        late = n > float(two_W.max())
        if (most is not None and n > most) or (late and float(np.max(np.exp(-two_W) * factor)) < _TAIL):
            break
        current = _convolved(current, line, step)
    return sc.DataArray(
        sc.array(dims=["Q", "energy_transfer"], values=values, unit="1/meV"),
        coords={
            "Q": sc.array(dims=["Q"], values=Q, unit="1/angstrom"),
            "energy_transfer": sc.array(dims=["energy_transfer"], values=E, unit="meV"),
            "debye_waller": sc.array(dims=["Q"], values=np.exp(-two_W)),
        },
        name="incoherent phonon scattering",
    )


def mean_square_displacement_of_phonons(density: sc.DataArray, temperature: Quantity, mass: Quantity) -> sc.Variable:
    """Return <u^2> = 3 <u_x^2> of an atom in a harmonic solid: 2W = Q^2 <u^2> / 3.

    Parameters
    ----------
    density:
        Over ``energy_transfer`` (edges or centres, from 0), any scale.
    temperature:
        Scalar.
    mass:
        Of the atom, u.

    Returns
    -------
    :
        angstrom^2.

    Raises
    ------
    InputError
        As for :func:`incoherent_phonon_scattering`.
    """
    T = magnitude(temperature, "K", "temperature", positive=True)
    M = magnitude(mass, "u", "mass", positive=True)
    return sc.scalar(3 * _HBAR2_2U / M * _one_phonon(density, T, 1.0)[2], unit="angstrom^2")


def one_phonon_part(
    spectrum: sc.DataArray, temperature: Quantity, mass: Quantity, *, elastic: Quantity, repetitions: int = 4
) -> sc.DataArray:
    """Return S(Q,E) less the scattering by two and more phonons, found self-consistently from its own density.

    The density of states of the spectrum gives the scattering by several phonons in the incoherent approximation, which
    is taken off; what is left gives a better density, and so on. One scale for all Q and E is fitted each time. Above
    the highest energy where the density is significant it is taken as 0. The Debye-Waller factor stays in the result;
    :func:`caloris.neutrons.density_of_states.phonon_density_of_states` takes the ``mean_square_displacement`` for it.

    Parameters
    ----------
    spectrum:
        Over ``Q`` and ``energy_transfer`` with equal steps in energy, in detailed balance.
    temperature:
        Scalar.
    mass:
        Of the atom that scatters most, u. For a sample of several elements this is an approximation.
    elastic:
        Energy below which the elastic line is, as for the density of states.
    repetitions:
        How often; on vanadium the density no longer changes after four.

    Returns
    -------
    :
        As ``spectrum``; variances are those of the data. The unaligned coordinates ``several_phonons`` (their share of
        the inelastic scattering that was seen) and ``mean_square_displacement`` (angstrom^2) say what was found.

    Raises
    ------
    InputError
        As for :func:`incoherent_phonon_scattering` and the density of states.
    """
    limit = magnitude(elastic, "meV", "elastic", positive=True)
    values, spread = by_Q(spectrum, "energy_transfer", finite=False)
    edges = energy_edges(spectrum)
    E = sc.array(dims=["energy_transfer"], values=0.5 * (edges[1:] + edges[:-1]), unit="meV")
    Q = axis_values(spectrum.coords["Q"], "1/angstrom", "Q")
    Q = 0.5 * (Q[1:] + Q[:-1]) if len(Q) == spectrum.sizes["Q"] + 1 else Q
    at = sc.array(dims=["Q"], values=Q, unit="1/angstrom")
    data = values[:, 0]
    seen = np.isfinite(data) & (np.abs(E.values) > limit)
    several, share, u2 = np.zeros_like(data), 0.0, 0.0
    for _ in range(repetitions):
        left = _like(spectrum, data - several, None if spread is None else spread[:, 0])
        given = None if u2 == 0 else sc.scalar(u2, unit="angstrom^2")
        density = _positive(
            phonon_density_of_states(left, temperature, side="loss", elastic=elastic, mean_square_displacement=given)
        )
        u2 = float(mean_square_displacement_of_phonons(density, temperature, mass).value)
        one, more = (
            incoherent_phonon_scattering(density, at, E, temperature, mass, phonons=which).values
            for which in ((1, 1), (2, None))
        )
        whole = (one + more)[seen]
        scale = float(whole @ data[seen]) / float(whole @ whole)
        several, share = scale * more, float(more[seen].sum() / whole.sum())
    result = _like(spectrum, data - several, None if spread is None else spread[:, 0])
    result.coords["several_phonons"] = sc.scalar(share)
    result.coords["mean_square_displacement"] = sc.scalar(u2, unit="angstrom^2")
    for name in ("several_phonons", "mean_square_displacement"):
        result.coords.set_aligned(name, False)
    return result


def _one_phonon(density: sc.DataArray, T: float, h: float) -> tuple[float, Array, float]:
    """Step, T_1 of area 1 on -n ... n steps, and int g coth(E / 2kT) / E dE of a g of area 1."""
    if not isinstance(density, sc.DataArray) or density.dims != ("energy_transfer",):
        raise InputError("density: expected a data array over energy_transfer")
    g = np.nan_to_num(np.asarray(density.values, dtype=float))
    edges = bin_edges(axis_values(density.coords["energy_transfer"], "meV", "energy_transfer"), len(g))
    E = 0.5 * (edges[1:] + edges[:-1])
    if np.any(np.diff(edges) <= 0) or not np.any(g > 0) or np.any(g < 0) or E[0] < 0:
        raise InputError("density: expected values that are not negative, at increasing energies from 0")
    top = float(edges[min(np.flatnonzero(g)[-1] + 2, len(g))])
    step = max(min(h, float(np.diff(edges).min())) / 2, top / _FINEST)
    x = step * np.arange(1, math.ceil(top / step) + 1)
    from_zero = edges[0] <= 0.5 * (edges[1] - edges[0])
    first = (0.0, 0.0) if from_zero else (float(edges[0]), float(g[0]))
    below = _integral(np.concatenate([[first[0]], E, edges[-1:]]), np.concatenate([[first[1]], g, g[-1:]]))
    fine = (below(x + 0.5 * step) - below(x - 0.5 * step)) / step
    fine = np.maximum(fine, 0.0) / (fine.sum() * step)
    up = -fine / (x * np.expm1(-x / (BOLTZMANN * T)))
    down = fine / (x * np.expm1(x / (BOLTZMANN * T)))
    # g ~ E^2 at low energy: T_1 runs through a finite value at 0
    line = np.concatenate([down[::-1], [0.5 * (up[0] + down[0])], up])
    weight = float(line.sum()) * step  # both sides of T_1 together: g coth(E / 2kT) / E
    return step, line / weight, weight


def _convolved(one: Array, other: Array, step: float) -> Array:
    from scipy.signal import fftconvolve

    return np.maximum(np.asarray(fftconvolve(one, other)) * step, 0.0)


def _averaged(line: Array, step: float, E: Array, h: float) -> Array:
    """Average over bins of width h around E of a line on its own steps, straight in between."""
    n = (len(line) - 1) // 2
    below = _integral(step * np.arange(-n - 1, n + 2), np.concatenate([[0.0], line, [0.0]]))
    return np.asarray((below(E + 0.5 * h) - below(E - 0.5 * h)) / h)


def _integral(x: Array, y: Array) -> Callable[[Array], Array]:
    """Integral from the first x of straight lines between points; nothing lies outside them."""
    steps = np.diff(x)
    sums = np.concatenate([[0.0], np.cumsum(0.5 * (y[1:] + y[:-1]) * steps)])

    def below(at: Array) -> Array:
        inside = np.clip(at, x[0], x[-1])
        k = np.clip(np.searchsorted(x, inside) - 1, 0, len(steps) - 1)
        f = (inside - x[k]) / np.where(steps[k] > 0, steps[k], 1.0)
        return np.asarray(sums[k] + steps[k] * (y[k] * f + 0.5 * (y[k + 1] - y[k]) * f**2))

    return below


def _positive(density: sc.DataArray) -> sc.DataArray:
    """Density up to where it first falls to nothing, without what is not known."""
    g = np.nan_to_num(np.asarray(density.values))
    peak = float(g.max())
    window = np.convolve(g, np.ones(3) / 3, "same")
    low = np.flatnonzero((window < 0.02 * peak) & (np.arange(len(g)) > int(np.argmax(g))))
    if len(low):
        g = np.where(np.arange(len(g)) >= low[0], 0.0, g)
    return sc.DataArray(
        sc.array(dims=["energy_transfer"], values=np.maximum(g, 0.0)),
        coords={"energy_transfer": density.coords["energy_transfer"]},
    )


def _like(spectrum: sc.DataArray, values: Array, variances: Array | None) -> sc.DataArray:
    """Spectrum with other values, over Q and energy."""
    data = sc.array(dims=["Q", "energy_transfer"], values=values, variances=variances, unit=spectrum.unit)
    masks = {
        name: mask.transpose([dim for dim in ("Q", "energy_transfer") if dim in mask.dims])
        for name, mask in spectrum.masks.items()
    }
    coords = {name: spectrum.coords[name] for name in ("Q", "energy_transfer")}
    return sc.DataArray(data, coords=coords, masks=masks)
