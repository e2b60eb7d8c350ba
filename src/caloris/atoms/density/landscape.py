"""The free energy that a density stands for: barriers, paths of lowest barrier, and where a way crosses the cell.

F = -kT ln(rho / rho_max). Barriers are found by flooding the grid from the lowest voxel up: two sites are joined at the
level at which their lakes meet, and the crystal conducts along a vector at the level at which a lake meets itself in
the next cell. That is exact on the grid. The way that is drawn has the least resistance, the integral of exp(F / kT),
among those that are no higher than that level by more than its error, or a tenth of kT: no detour for a trifle.

Errors: leaving stretches of time out. Of many noisy ways the lowest is too low, too: the saddle and the sites that one
half of the run picks are judged by the other half. That is the barrier between two sites; of a level of percolation
what the halves differ by beyond chance is part of the error.

Voxels average the density over their width w, and their centres are up to w / 2 beside a top: a well loses depth and a
saddle height, together up to w^2 / 6 times the difference of their curvatures. Units: eV, angstrom, K.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.density._kernels import cheapest_way, flood
from caloris.atoms.density.grid import DensityMap
from caloris.errors import ComputationError, InputError
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[np.floating[Any]]

_BOLTZMANN = 8.617333262e-5
"""eV/K, CODATA 2018."""
_HALVINGS = 5
"""Ways to halve the run."""
_FEW = 25.0
"""Independent counts below which a saddle is rough: 20 % of its density, 0.2 kT."""
_TRIFLE = 0.1
"""Of kT, that nobody minds."""


@dataclass(frozen=True)
class MigrationPath:
    """The way of lowest barrier from one site to another."""

    barrier: sc.Variable
    """Lowest level at which both are joined, less that of the start, eV, with variance: as one half of the run judges
    the saddle and the start that the other half picks, if both have seen them; else as :attr:`lowest`."""
    reverse_barrier: sc.Variable
    """Less that of the end."""
    held_out: sc.Variable
    """The barrier at the saddle that one half of the run picks, in the other half, and vice versa: mean over several
    ways to halve the run, eV; NaN where a half has not seen it."""
    lowest: sc.Variable
    """The barrier as the whole map has it, eV, which is too low where voxels hold few counts."""
    energy: sc.DataArray
    """Free energy along the way, dimension ``distance`` (angstrom), eV above the start, with variances; its highest
    point is :attr:`lowest`, or up to the error of the barrier or kT / 10 above."""
    points: sc.Variable
    """The way, vectors, dimension ``distance``, angstrom; not wrapped."""
    length: sc.Variable
    """angstrom, along voxels: up to a tenth too long."""
    temperature: sc.Variable
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        barrier = self.barrier
        return (
            f"<MigrationPath: barrier {barrier.value:.3f} +- {math.sqrt(barrier.variance):.1g} eV, "
            f"{self.length.value:.3g} angstrom>"
        )

    def plot(self) -> "Figure":
        """Draw the free energy along the way."""
        from caloris.atoms.density.figures import plot_path

        return plot_path(self)


@dataclass(frozen=True)
class Percolation:
    """Free energies, above the lowest, at which ways cross the cell."""

    threshold: sc.DataArray
    """Dimension ``axis`` (a, b, c), eV, with variances; infinite where no way was ever seen."""
    held_out: sc.DataArray
    """The same as one half of the run judges what the other half picks, eV, mean of both; NaN where that fails."""
    temperature: sc.Variable
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        parts = [
            f"{name} {value:.3f} +- {error:.1g}"
            for name, value, error in zip("abc", self.threshold.values, np.sqrt(self.threshold.variances), strict=True)
        ]
        return f"<Percolation: {', '.join(parts)} eV>"


def free_energy(density: DensityMap, temperature: Quantity | None = None) -> sc.DataArray:
    """Return F = -kT ln(rho / rho_max); see :meth:`DensityMap.free_energy`."""
    kT = _BOLTZMANN * _kelvin(density, temperature)
    rho, variance = density.density.values, density.density.variances
    seen = rho > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        F = np.where(seen, -kT * np.log(rho / rho.max()), np.nan)
        spread = np.where(seen, (kT / rho) ** 2 * variance, np.nan)
    values = sc.array(dims=["a", "b", "c"], values=F, variances=spread, unit="eV")
    masks = {"unvisited": sc.array(dims=["a", "b", "c"], values=~seen)}
    return sc.DataArray(
        values, coords=dict(density.density.coords), masks=masks, name=f"free energy of {density.species}"
    )


def percolation(density: DensityMap, temperature: Quantity | None = None) -> Percolation:
    """Return the lowest free energy at which a connected way crosses the cell, along each vector.

    Parameters
    ----------
    density:
        A map; smooth it first if its voxels hold few counts.
    temperature:
        By default that of the thermostat.

    Returns
    -------
    :
        Levels above the lowest free energy, with errors.

    Raises
    ------
    InputError
        If the temperature is neither given nor known.
    """
    kT = _BOLTZMANN * _kelvin(density, temperature)
    values, errors = _leaving_out(density, kT, _crossings)
    judged = _held_out(density, kT, _crossings)
    errors = _with_selection(errors, judged - np.where(np.isfinite(values), values, np.nan))
    warnings = []
    if np.any(~np.isfinite(values)):
        never = ", ".join(name for name, value in zip("abc", values, strict=True) if not np.isfinite(value))
        warnings.append(f"No way along {never} was seen: its level is higher than the run can show.")
    if np.any(np.isfinite(values) & ~np.isfinite(errors)):
        warnings.append("A way is gone if one stretch of time is left out: its level rests on a few frames.")
    data = sc.array(dims=["axis"], values=values, variances=errors**2, unit="eV")
    coords = {"axis": sc.array(dims=["axis"], values=["a", "b", "c"])}
    return Percolation(
        threshold=sc.DataArray(data, coords=coords, name="percolation"),
        held_out=sc.DataArray(sc.array(dims=["axis"], values=judged, unit="eV"), coords=coords, name="held out"),
        temperature=sc.scalar(kT / _BOLTZMANN, unit="K"),
        warnings=(*density.warnings, *warnings),
    )


def migration_path(
    density: DensityMap,
    start: npt.ArrayLike,
    end: npt.ArrayLike,
    *,
    temperature: Quantity | None = None,
    site_radius: Quantity = "0.5 angstrom",
) -> MigrationPath:
    """Return the way of lowest barrier between two sites.

    Parameters
    ----------
    density:
        A map; smooth it first if its voxels hold few counts.
    start, end:
        Fractional coordinates in the cell of the map; each is moved to the highest density nearby. Periodic images of
        the end are one.
    temperature:
        By default that of the thermostat.
    site_radius:
        What is nearby.

    Returns
    -------
    :
        Barrier, way, and the free energy along it. Warnings say where the saddle rests on few counts, and where voxels
        are so wide that they flatten the barrier by more than its error.

    Raises
    ------
    InputError
        If a site was never visited, or both are the same one.
    ComputationError
        If no way between them was ever seen.
    """
    kT = _BOLTZMANN * _kelvin(density, temperature)
    radius = magnitude(site_radius, "angstrom", "site_radius", positive=True)
    near = [_nearby(density, place, radius, name) for place, name in ((start, "start"), (end, "end"))]
    sites = [int(voxels[np.argmax(density.density.values.reshape(-1)[voxels])]) for voxels in near]
    if sites[0] == sites[1]:
        raise InputError("start, end: both are the same site; percolation() gives the level of ways to its images")

    def levels(F: Array) -> Array:
        flat = F.reshape(-1)
        met = _meeting(F, sites[0], sites[1])
        return np.array([met - flat[sites[0]], met - flat[sites[1]], met])

    (forward, backward, met), errors = _leaving_out(density, kT, levels)
    if not math.isfinite(met):
        raise ComputationError("no way between the two sites was ever seen: run longer, or smooth the map")
    warnings = list(density.warnings)
    if not np.all(np.isfinite(errors)):
        warnings.append("The way is gone if one stretch of time is left out: its barrier rests on a few frames.")
    judged = _judged(density, kT, near)
    forward_lowest = forward
    if np.all(np.isfinite(judged)):  # what the choice of the lowest takes away is known to about half of itself
        errors[:2] = np.hypot(errors[:2], 0.5 * (judged - [forward, backward]))
        forward, backward = judged
    else:
        warnings.append("One half of the run has not seen what the other picks as the saddle: the barrier is too low.")
    allowed = np.fmax(0.1 * kT, errors[0])
    fractions, numbers = _way(density, kT, sites, met + float(allowed))
    F = free_energy(density, sc.scalar(kT / _BOLTZMANN, unit="K"))
    points = fractions @ density.cell.values
    distance = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    warnings += _flattened(density, kT, sites[0], met, float(errors[0]))
    along = F.values.reshape(-1)[numbers] - F.values.reshape(-1)[sites[0]]
    spread = F.variances.reshape(-1)[numbers]
    energy = sc.array(dims=["distance"], values=along, variances=spread, unit="eV")
    coords = {"distance": sc.array(dims=["distance"], values=distance, unit="angstrom")}
    return MigrationPath(
        barrier=sc.scalar(float(forward), variance=float(errors[0]) ** 2, unit="eV"),
        reverse_barrier=sc.scalar(float(backward), variance=float(errors[1]) ** 2, unit="eV"),
        held_out=sc.scalar(float(judged[0]), unit="eV"),
        lowest=sc.scalar(float(forward_lowest), unit="eV"),
        energy=sc.DataArray(energy, coords=coords, name="free energy"),
        points=sc.vectors(dims=["distance"], values=points, unit="angstrom"),
        length=sc.scalar(float(distance[-1]), unit="angstrom"),
        temperature=sc.scalar(kT / _BOLTZMANN, unit="K"),
        warnings=tuple(warnings),
    )


def density_maxima(density: DensityMap, *, separation: Quantity = "1.5 angstrom", least: float = 1.0) -> sc.DataArray:
    """Return the places where the density is highest, which are sites where they are well apart.

    Parameters
    ----------
    density:
        A map; smooth it first if its voxels hold few counts.
    separation:
        Of two maxima nearer than this only the higher one counts.
    least:
        Lowest density of a maximum, in mean densities.

    Returns
    -------
    :
        Density, dimension ``site``, with variances, the highest first; coordinates ``fractional`` (vectors) and
        ``position`` (angstrom).
    """
    from scipy.ndimage import maximum_filter

    apart = magnitude(separation, "angstrom", "separation", positive=True)
    rho, variance = density.density.values, density.density.variances
    top = (rho == maximum_filter(rho, size=3, mode="wrap")) & (rho >= least * density.mean)
    found = np.argwhere(top)
    found = found[np.argsort(-rho[top], kind="stable")]
    places = (found + 0.5) / rho.shape
    kept: list[int] = []
    for k, place in enumerate(places):
        away = place - places[kept] if kept else np.empty((0, 3))
        if np.all(np.linalg.norm((away - np.round(away)) @ density.cell.values, axis=1) >= apart):
            kept.append(k)
    rows = tuple(found[kept].T)
    data = sc.array(dims=["site"], values=rho[rows], variances=variance[rows], unit="1/angstrom^3")
    coords = {
        "fractional": sc.vectors(dims=["site"], values=places[kept], unit="one"),
        "position": sc.vectors(dims=["site"], values=places[kept] @ density.cell.values, unit="angstrom"),
    }
    return sc.DataArray(data, coords=coords, name=f"sites of {density.species}")


def _kelvin(density: DensityMap, temperature: Quantity | None) -> float:
    given = density.temperature if temperature is None else temperature
    if given is None:
        raise InputError("temperature: the trajectory does not say it; give for example temperature='500 K'")
    return magnitude(given, "K", "temperature", positive=True)


def _leaving_out(density: DensityMap, kT: float, levels: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Levels of the whole map and their errors from leaving stretches of time out; NaN errors where ways vanish."""
    frames = density.frames
    total = np.einsum("g,gabc->abc", frames, density.blocks.astype(np.float64))
    values = np.asarray(levels(_relative(total, kT)))
    parts = np.array([levels(_relative(total - n * b, kT)) for n, b in zip(frames, density.blocks, strict=True)])
    with np.errstate(invalid="ignore"):
        spread = np.sqrt((len(frames) - 1) * np.var(parts, axis=0))
    return values, np.where(np.all(np.isfinite(parts), axis=0), spread, np.nan)


def _held_out(density: DensityMap, kT: float, heights: Callable[[Array], Array]) -> Array:
    """Heights, above the lowest voxel, of the saddles that one half of the stretches picks, in the other half.

    The mean of both ways, or NaN.
    """
    halves = _halves(density, kT, np.arange(len(density.frames)) % 2 == 0)
    found = []
    for picking, judging in (halves, halves[::-1]):
        flat, other = picking.reshape(-1), judging.reshape(-1)
        saddles = [int(np.argmin(np.abs(flat - level))) if np.isfinite(level) else -1 for level in heights(picking)]
        found.append([other[k] if k >= 0 and np.isfinite(other[k]) else math.nan for k in saddles])
    return np.asarray(np.mean(found, axis=0))


def _judged(density: DensityMap, kT: float, near: list[npt.NDArray[np.int64]]) -> Array:
    """Barriers from either site, of which one half of the stretches picks saddle and sites and the other the heights.

    The mean over several ways to halve the run; NaN if a half has not seen what the other picked.
    """
    rng = np.random.default_rng(1)
    count = len(density.frames)
    found = []
    for number in range(_HALVINGS if count > 2 else 1):
        order = rng.permutation(count) if number else np.argsort(np.arange(count) % 2, kind="stable")
        halves = _halves(density, kT, np.isin(np.arange(count), order[: count // 2]))
        for picking, judging in (halves, halves[::-1]):
            flat, other = picking.reshape(-1), judging.reshape(-1)
            sites = [int(voxels[np.argmin(flat[voxels])]) for voxels in near]
            if not np.all(np.isfinite(flat[sites])):
                return np.full(2, math.nan)
            level = _meeting(picking, sites[0], sites[1])
            saddle = int(np.argmin(np.abs(flat - level))) if math.isfinite(level) else -1
            if saddle < 0 or not np.all(np.isfinite(other[[saddle, *sites]])):
                return np.full(2, math.nan)
            found.append(other[saddle] - other[sites])
    return np.asarray(np.mean(found, axis=0))


def _halves(density: DensityMap, kT: float, first: npt.NDArray[np.bool_]) -> list[Array]:
    """Free energies of some of the stretches, and of the others."""
    return [
        _relative(np.einsum("g,gabc->abc", density.frames[part], density.blocks[part].astype(np.float64)), kT)
        for part in (first, ~first)
    ]


def _flattened(density: DensityMap, kT: float, start: int, met: float, error: float) -> list[str]:
    """Whether the saddle rests on few counts, and whether voxels flatten the barrier by more than its error (eV)."""
    rho = density.density.values
    saddle = int(np.argmin(np.abs(_relative(rho, kT).reshape(-1) - met)))
    found = []
    variance = float(density.density.variances.reshape(-1)[saddle])
    counts = float(rho.reshape(-1)[saddle]) ** 2 / variance if variance > 0 else math.inf
    if counts < _FEW:
        found.append(
            f"The saddle rests on some {counts:.0f} independent counts: widen the voxels, smooth, or run longer."
        )
    second = sum(np.roll(rho, 1, axis) + np.roll(rho, -1, axis) - 2 * rho for axis in range(3)) / np.maximum(
        rho, 1e-300
    )
    lost = kT / 6 * float(second.reshape(-1)[saddle] - second.reshape(-1)[start])
    if lost > max(error, _TRIFLE * kT):
        found.append(
            f"Voxels are so wide that the barrier may be too low by up to some {lost:.2g} eV: use a finer grid."
        )
    return found


def _with_selection(errors: Array, difference: Array) -> Array:
    """Errors with what the choice of the lowest adds: the difference of halves has twice their variance by chance."""
    excess = np.maximum(np.nan_to_num(difference) ** 2 - 2 * errors**2, 0.0)
    return np.asarray(np.sqrt(errors**2 + excess))


def _relative(rho: Array, kT: float) -> Array:
    """Free energy above the lowest; infinite where nothing was seen, up to what rounding leaves of a difference."""
    highest = rho.max()
    with np.errstate(divide="ignore"):
        return np.asarray(
            np.where(rho > 1e-6 * highest * 1e-3, -kT * np.log(np.maximum(rho, 1e-300) / highest), np.inf)
        )


def _filled(F: Array) -> npt.NDArray[np.int64]:
    """Voxels that may be filled, the lowest first."""
    flat = F.reshape(-1)
    order = np.argsort(flat, kind="stable")
    return np.asarray(order[: int(np.isfinite(flat).sum())], dtype=np.int64)


def _crossings(F: Array) -> Array:
    crossed = np.empty(3)
    flood(_filled(F), np.ascontiguousarray(F.reshape(-1)), np.array(F.shape), -1, -1, crossed)
    return crossed


def _meeting(F: Array, start: int, end: int) -> float:
    crossed = np.empty(3)
    return float(flood(_filled(F), np.ascontiguousarray(F.reshape(-1)), np.array(F.shape), start, end, crossed))


def _nearby(density: DensityMap, place: npt.ArrayLike, radius: float, name: str) -> npt.NDArray[np.int64]:
    """Numbers of the voxels near a place."""
    try:
        at = np.asarray(place, dtype=float)
    except (TypeError, ValueError):
        at = np.empty(0)
    if at.shape != (3,) or not np.all(np.isfinite(at)):
        raise InputError(f"{name}: expected three fractional coordinates, got {place!r}")
    rho = density.density.values
    centres = [(np.arange(n) + 0.5) / n for n in rho.shape]
    away = np.stack(np.meshgrid(*(c - x for c, x in zip(centres, at, strict=True)), indexing="ij"), axis=-1)
    distance = np.linalg.norm((away - np.round(away)) @ density.cell.values, axis=-1)
    near = np.flatnonzero(distance <= max(radius, distance.min()))
    if rho.reshape(-1)[near].max() <= 0:
        raise InputError(f"{name}: no {density.species} was ever within {radius:g} angstrom of {at.tolist()}")
    return near


def _way(density: DensityMap, kT: float, sites: list[int], level: float) -> tuple[Array, npt.NDArray[np.int64]]:
    """Fractional points of the way, not wrapped, and the voxels that it passes."""
    rho = density.density.values
    F = _relative(rho, kT)
    shape = np.array(rho.shape)
    cost = np.where(level >= F, np.exp(np.minimum(F / kT, 600.0)), np.inf).reshape(-1)
    steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1)
    lengths = np.linalg.norm((steps / shape) @ density.cell.values, axis=-1)
    taken = cheapest_way(cost, lengths, shape, sites[0], sites[1])
    first = np.array(np.unravel_index(sites[0], rho.shape))
    voxels = np.concatenate([first[None], first + np.cumsum(taken, axis=0)])
    wrapped = voxels % shape
    return (voxels + 0.5) / shape, np.ravel_multi_index(tuple(wrapped.T), rho.shape).astype(np.int64)
