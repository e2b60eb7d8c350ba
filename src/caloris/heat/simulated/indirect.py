"""The indirect route, as simulations are usually evaluated: Maxwell's relation on the simulated grid.

dS(T, p_0 -> p) = - int (dV/dT)_p dp and dT(T, p_0 -> p) = int (T/Cp) (dV/dT)_p dp, both at fixed T, with differences
of neighbouring temperatures and the trapezoidal rule in pressure. At a transition V(T) is steep and the grid coarse:
an isobar either has its step between two given temperatures or has it elsewhere. How far that moves the result is
found by replaying the grid on the fitted phases, with the transition at other places between the points. SI units.

Source: the evaluation of Li2B12H12 by Sau et al. and Cazorla et al. (with a constant Cp, 4100 J/kg/K).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipp as sc

from caloris.heat.simulated.simulated_surfaces import SimulatedSurfaces
from caloris.heat.simulated.table import History, Isobar, own_branch
from caloris.heat.two_phase import Array, Branch

_REPLAYS = 32
_FINE = 400


@dataclass(frozen=True)
class Indirect:
    """The caloric effect of one history by Maxwell's relation on the grid, from the lowest pressure."""

    history: History
    entropy_change: sc.DataArray
    """Over ``pressure`` (MPa) and ``temperature`` (K, between the simulated ones), J/kg/K; variances: those of the
    volumes. NaN where an isobar does not reach."""
    temperature_change: sc.DataArray
    """K, with the simulated heat capacity of the phase that is there."""
    published_temperature_change: sc.DataArray | None
    """K, with one constant heat capacity, as published; None if none was given."""
    discretisation: sc.Variable
    """Standard error of the entropy change by the coarseness of the grid, J/kg/K."""
    heat_capacity: float | None
    """The constant one, J/(kg K)."""


def maxwell(bars: Sequence[Isobar], volumes: Sequence[Array], T: Array) -> tuple[Array, Array]:
    """Integrate Maxwell's relation over the isobars of one history.

    Parameters
    ----------
    bars, volumes:
        Isobars, ascending in pressure, and their volumes, (..., points) each (m3/kg).
    T:
        Temperatures at which the slope is taken, K: each isobar's between its two neighbouring points.

    Returns
    -------
    :
        (pressures, ..., temperatures): (dV/dT)_p in m3/(kg K), and dS in J/(kg K); NaN where an isobar does not reach.
    """
    p = np.array([bar.pressure for bar in bars])
    slopes = []
    for bar, V in zip(bars, volumes, strict=True):
        t = bar.temperature
        slope = np.diff(V, axis=-1) / np.diff(t)
        k = np.clip(np.searchsorted(t, T) - 1, 0, len(t) - 2)
        slopes.append(np.where((t[0] < T) & (t[-1] > T), slope[..., k], np.nan))
    expansion = np.array(slopes)
    steps = 0.5 * (expansion[1:] + expansion[:-1]) * np.diff(p).reshape(-1, *[1] * (expansion.ndim - 1))
    return expansion, -np.concatenate([0 * expansion[:1], np.cumsum(steps, axis=0)])


def indirect(
    bars: Sequence[Isobar],
    surfaces: SimulatedSurfaces,
    volume_errors: Sequence[Array],
    heat_capacity: float | None,
    draws: int,
    seed: int,
) -> Indirect:
    """Return the caloric effect of one history by Maxwell's relation on the grid.

    Parameters
    ----------
    bars, volume_errors:
        Isobars of one history, ascending in pressure, of two points or more; standard errors of their volumes (m3/kg).
    surfaces:
        The fitted phases and branches: for Cp, and to find the error of the grid.
    heat_capacity:
        A constant one, J/(kg K), for the published form; None to leave that out.
    draws, seed:
        Of the volumes; 0 for no errors.

    Returns
    -------
    :
        The effect.
    """
    T = _midpoints(bars)
    p = np.array([bar.pressure for bar in bars])
    expansion, dS = maxwell(bars, [bar.volume for bar in bars], T)
    history = bars[0].history
    capacity = np.array([_capacity(surfaces, T, own, history) for own in p])
    dT = _cumulative(T / capacity * expansion, p)
    published = None if heat_capacity is None else -T / heat_capacity * dS
    spread: tuple[Array | None, Array | None] = (None, None)
    if draws:
        rng = np.random.default_rng([seed, 2])
        noisy = [
            bar.volume + error * rng.standard_normal((draws, len(error)))
            for bar, error in zip(bars, volume_errors, strict=True)
        ]
        slopes, changes = maxwell(bars, noisy, T)
        temperatures = _cumulative(T / capacity[:, None] * slopes, p)
        spread = changes.var(axis=1), temperatures.var(axis=1)

    def array(values: Array, variances: Array | None, unit: str) -> sc.DataArray:
        return sc.DataArray(
            sc.array(dims=["pressure", "temperature"], values=values, variances=variances, unit=unit),
            coords={
                "pressure": sc.array(dims=["pressure"], values=p / 1e6, unit="MPa"),
                "temperature": sc.array(dims=["temperature"], values=T, unit="K"),
            },
        )

    constant = None
    if published is not None and heat_capacity is not None:
        variances = None if spread[0] is None else spread[0] * (T / heat_capacity) ** 2
        constant = array(published, variances, "K")
    grid = _grid_error(bars, surfaces, T, history)
    return Indirect(
        history,
        array(dS, spread[0], "J/kg/K"),
        array(dT, spread[1], "K"),
        constant,
        sc.array(dims=["pressure", "temperature"], values=grid, unit="J/kg/K"),
        heat_capacity,
    )


def _midpoints(bars: Sequence[Isobar]) -> Array:
    T = np.unique(np.concatenate([bar.temperature for bar in bars]))
    return np.asarray(0.5 * (T[1:] + T[:-1]))


def _cumulative(values: Array, p: Array) -> Array:
    """Trapezoidal rule from the lowest pressure, along the first axis."""
    steps = 0.5 * (values[1:] + values[:-1]) * np.diff(p).reshape(-1, *[1] * (values.ndim - 1))
    return np.concatenate([0 * values[:1], np.cumsum(steps, axis=0)])


def _capacity(surfaces: SimulatedSurfaces, T: Array, p: float, history: History) -> Array:
    """Heat capacity of the phase that is there; the transition itself left out."""
    own = own_branch(history)
    x = surfaces.fraction(T, p, own)
    return np.asarray((1 - x) * surfaces.low.capacity(T, p) + x * surfaces.high.capacity(T, p))


def _grid_error(bars: Sequence[Isobar], surfaces: SimulatedSurfaces, T: Array, history: History) -> Array:
    """Root mean square of what the grid gives less what is exact, with the transition moved between the points."""
    own = own_branch(history)
    p = np.array([bar.pressure for bar in bars])
    line = surfaces.lines[own]
    widths = []
    for bar in bars:
        k = int(np.clip(np.searchsorted(bar.temperature, line.temperature(bar.pressure)), 1, len(bar.temperature) - 1))
        widths.append(bar.temperature[k] - bar.temperature[k - 1])
    width = float(max(widths))
    total = np.zeros((len(p), len(T)))
    for shift in width * ((np.arange(_REPLAYS) + 0.5) / _REPLAYS - 0.5):
        first = np.array([line.coefficients[0] + shift])
        moved = replace(
            surfaces,
            lines={own: replace(line, coefficients=np.concatenate([first, line.coefficients[1:]]))},
            smears={own: surfaces.smears[own]},
        )
        volumes = []
        for bar in bars:
            low, high = (phase.volume.volume(bar.temperature, bar.pressure) for phase in (moved.low, moved.high))
            volumes.append(low + moved.fraction(bar.temperature, bar.pressure, own) * (high - low))
        total += (maxwell(bars, volumes, T)[1] - exact_maxwell(moved, T, p, own)) ** 2
    return np.asarray(np.sqrt(total / _REPLAYS))


def exact_maxwell(surfaces: SimulatedSurfaces, T: Array, p: Array, branch: Branch) -> Array:
    """Return - int (dV/dT)_p dp of the fitted phases, with dV dp/dT_t where a branch passes.

    Parameters
    ----------
    surfaces, T, p, branch:
        K and Pa, ascending; the branch.

    Returns
    -------
    :
        (pressures, temperatures), J/(kg K), counted from the first pressure; the transition is taken as sharp.
    """
    fine = np.linspace(p[0], p[-1], _FINE)
    line = surfaces.lines[branch].temperature(fine)
    order = np.argsort(line)
    where = np.interp(T, line[order], fine[order], left=np.nan, right=np.nan)
    rate = np.abs(surfaces.lines[branch].slope(where))
    jump = (surfaces.high.volume.volume(T, where) - surfaces.low.volume.volume(T, where)) / np.where(
        rate > 0, rate, np.inf
    )

    def low(q: Array | float) -> Array:
        return surfaces.low.volume.entropy(T, q, p[0])

    def high(q: Array | float) -> Array:
        return surfaces.high.volume.entropy(T, q, p[0])

    begins_high = line[0] <= T
    first = np.where(begins_high, high(where), low(where))
    rows = []
    for own in p:
        one = np.where(begins_high, high(own), low(own))
        last = np.where(begins_high, low(own) - low(where), high(own) - high(where))
        rows.append(np.where(np.isfinite(where) & (where < own), first + last - jump, one))
    return np.array(rows)
