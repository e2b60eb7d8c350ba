"""How long hydrogen bonds last: unbroken, and whatever happens between. Units: ps.

Continuous: S(t) = share of the bonds that are there at 0 and at all frames until t. Intermittent: C(t) = share of those
that are there at 0 and at t. Only frames are looked at: what breaks and heals between two of them is not seen.
Source: Luzar and Chandler, Phys. Rev. Lett. 76, 928 (1996); Rapaport, Mol. Phys. 50, 1151 (1983).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import autocorrelation, halves_apart, jackknife, mean_of_groups
from caloris.atoms.orientation._kernels import unbroken
from caloris.atoms.orientation.correlation import crossing
from caloris.atoms.orientation.exponentials import Exponentials, fit_exponentials

Array = npt.NDArray[np.floating[Any]]

_PAIRS = 512
"""Pairs at a time."""
NONE = 1e-6
"""Weight of a group that has no bonds."""


@dataclass(frozen=True)
class BondLifetime:
    """A correlation of bonds and its lifetime by each definition."""

    correlation: sc.DataArray
    """Dimension ``time`` (ps), up to half of the run, variance from the scatter between donor molecules."""
    one_over_e: sc.Variable
    """Time to 1/e, ps, with variance; NaN if it does not fall so far."""
    integral: sc.Variable
    """Integral up to where it is a hundredth, ps, with variance; NaN if it does not fall so far."""
    exponentials: Exponentials | None
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        tau = self.one_over_e
        return f"<BondLifetime: 1/e at {tau.value:.3g} +- {math.sqrt(tau.variance):.1g} ps>"


def bond_lifetime(
    events: npt.NDArray[np.int64],
    group: npt.NDArray[np.integer[Any]],
    acceptors: int,
    groups: int,
    frames: int,
    step: float,
) -> tuple[BondLifetime, BondLifetime]:
    """Return the continuous and the intermittent lifetime.

    Parameters
    ----------
    events:
        (bonds, 3): frame, hydrogen, acceptor.
    group:
        Group of the donor molecule of each hydrogen.
    acceptors, groups, frames:
        How many.
    step:
        ps.

    Returns
    -------
    :
        Continuous and intermittent.
    """
    counted = _counted(events, group, acceptors, groups, frames)
    half = frames // 2
    early, late = events[events[:, 0] < half], events[events[:, 0] >= frames - half]
    late = late - np.array([frames - half, 0, 0], dtype=np.int64)
    halves = [_counted(part, np.zeros_like(group), acceptors, 1, half) for part in (early, late)]
    there = counted[2]
    weights = np.maximum(there[:, 0], NONE)
    time = step * np.arange(there.shape[1])
    found = []
    for k, name in enumerate(("continuous", "intermittent")):
        parts = [_shares(part[k], part[2])[:, 0] for part in halves]
        found.append(_lifetime(time, _shares(counted[k], there), weights, name, parts))
    return found[0], found[1]


def _shares(counted: Array, there: Array) -> Array:
    """Share of the bonds that are left, (lags, groups)."""
    return np.divide(counted, there, out=np.zeros_like(there), where=there > 0).T


def _counted(
    events: npt.NDArray[np.int64], group: npt.NDArray[np.integer[Any]], acceptors: int, groups: int, frames: int
) -> tuple[Array, Array, Array]:
    """Bonds that lasted, bonds that are there again, and bonds that could be: (groups, lags) each."""
    order = np.lexsort((events[:, 0], events[:, 1] * acceptors + events[:, 2]))
    events = events[order]
    pair = events[:, 1] * acceptors + events[:, 2]
    start = np.concatenate([[0], np.flatnonzero(np.diff(pair)) + 1, [len(pair)]]) if len(pair) else np.array([0])
    owner = group[events[start[:-1], 1]] if len(pair) else np.empty(0, int)
    lags = frames // 2 + 1
    lasting, returning, there = (np.zeros((groups, lags)) for _ in range(3))
    for g in range(groups):
        mine = np.flatnonzero(owner == g)
        if not len(mine):
            continue
        rows = np.concatenate([np.arange(start[p], start[p + 1]) for p in mine])
        own_start = np.concatenate([[0], np.cumsum(start[mine + 1] - start[mine])])
        own_frames = np.ascontiguousarray(events[rows, 0])
        found = np.zeros(frames)
        unbroken(own_start, own_frames, frames, found)
        lasting[g] = found[:lags]
        returning[g] = _returning(own_start, own_frames, frames, lags)
        # bonds at times that have a later frame at each lag
        there[g] = np.cumsum(np.bincount(own_frames, minlength=frames))[::-1][:lags]
    return lasting, returning, there


def _returning(start: npt.NDArray[np.integer[Any]], frame: Array, frames: int, lags: int) -> Array:
    """Sum over pairs and origins of h(t) h(t + m)."""
    total = np.zeros(lags)
    counts = frames - np.arange(lags)
    for first in range(0, len(start) - 1, _PAIRS):
        part = start[first : first + _PAIRS + 1]
        there = np.zeros((frames, len(part) - 1))
        there[frame[part[0] : part[-1]], np.repeat(np.arange(len(part) - 1), np.diff(part))] = 1
        total += autocorrelation(there)[:lags].sum(axis=1) * counts
    return total


def _lifetime(time: Array, curves: Array, weights: Array, name: str, halves: list[Array]) -> BondLifetime:
    mean, error = mean_of_groups(curves, weights)
    end = crossing(time, mean, 0.01)

    def definitions(curve: Array) -> Array:
        last = round(end / time[1]) if math.isfinite(end) else 0
        integral = float(np.trapezoid(curve[: last + 1], time[: last + 1])) if last else math.nan
        return np.array([crossing(time, curve, math.exp(-1)), integral])

    (one_over_e, integral), errors = jackknife(definitions, curves, weights)
    none = bool(weights.max() < 1)
    times = [crossing(time[: len(half)], half, math.exp(-1)) for half in halves]
    warnings = ["There are no bonds."] if none else []
    warnings += halves_apart(f"{name} lifetime", (times[0], times[1]), float(errors[0]), "ps")
    if one_over_e < 3 * time[1]:
        warnings.append(f"Bonds break within 3 frames of {time[1]:g} ps: keep frames more often.")
    if math.isnan(one_over_e) and not none:
        longer = f"within half of the run, {time[-1]:g} ps"
        warnings.append(
            f"Bonds do not break {longer}: run longer."
            if name == "continuous"
            else f"The share of bonds that are there again does not fall to 1/e {longer}: partners stay, or meet again."
        )
    data = sc.array(dims=["time"], values=mean, variances=error**2, unit="one")
    coords = {"time": sc.array(dims=["time"], values=time, unit="ps")}
    return BondLifetime(
        correlation=sc.DataArray(data, coords=coords, name=f"{name} correlation of bonds"),
        one_over_e=sc.scalar(float(one_over_e), variance=float(errors[0]) ** 2, unit="ps"),
        integral=sc.scalar(float(integral), variance=float(errors[1]) ** 2, unit="ps"),
        exponentials=fit_exponentials(time, curves, weights) if weights.min() >= 1 else None,
        warnings=tuple(warnings),
    )
