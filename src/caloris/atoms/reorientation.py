"""Reorientation of molecules: orientation correlation, its rate, and which molecules have turned at all.

C1(t) = <u(0).u(t)>, C2(t) = <3 (u(0).u(t))^2 - 1> / 2 with unit vectors u along bonds, or from the centre of a molecule
to its vertices, over all time origins; for rotational diffusion exp(-2 D t) and exp(-6 D t). Units: ps, 1/s, deg.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import autocorrelation
from caloris.atoms.h5md import SLAB
from caloris.atoms.trajectory import Trajectory
from caloris.errors import ComputationError, InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Order = Literal[1, 2]
Groups = list[tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.integer[Any]]]]
"""Of each molecule: atoms whose mean is the start of its vectors (vectors, atoms), and their ends (vectors,)."""

_GROUPS = 20
"""Most groups of molecules that are left out one at a time for errors."""
_REPLICATES = 12
"""Fewer molecules than this are split in time as well."""
_FRAMES = 16
"""Fewer frames make no correlation."""


@dataclass(frozen=True)
class Reorientation:
    """How fast molecules turn."""

    rate: sc.Variable
    """lambda of amplitude exp(-lambda t) fitted to the correlation, 1/s, with variance."""
    amplitude: float
    """Of that exponential: what libration leaves of the correlation."""
    one_over_e: sc.Variable
    """Time at which the correlation falls to 1/e, ps, with variance; NaN if it does not."""
    first_zero: sc.Variable
    """Time at which the correlation first vanishes, ps; it depends on the number of molecules and the length of the
    run, so that it only serves to compare with published values of that definition. NaN if it does not vanish."""
    upper_bound: sc.Variable
    """The rate is below this with 95 % confidence, 1/s."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        error = math.sqrt(self.rate.variance)
        return f"<Reorientation: rate {self.rate.value:.3g} +- {error:.1g} 1/s, 1/e at {self.one_over_e.value:.3g} ps>"


@dataclass(frozen=True)
class RotatingMolecules:
    """Which molecules have turned."""

    rotating: int
    """Molecules that turned by more than ``angle`` at any time."""
    total: int
    largest_angle: sc.Variable
    """Largest angle of each, dimension ``molecule``, deg."""
    angle: sc.Variable
    """What counts as turned, deg."""

    def __repr__(self) -> str:
        return f"<RotatingMolecules: {self.rotating} of {self.total} beyond {self.angle.value:g} deg>"


def orientation_correlation(
    trajectory: Trajectory,
    *,
    bond: tuple[str, str] | None = None,
    molecule: str | None = None,
    order: Order = 1,
) -> sc.DataArray:
    """Return the orientation correlation C1 or C2 over time.

    Parameters
    ----------
    trajectory:
        At least 16 frames.
    bond:
        Elements of the bonds to follow, for example ``("N", "H")``.
    molecule:
        Instead: formula of the molecules, for example ``"B12H12"``; the vectors go from the centre of its atoms to
        those of the element that lies farthest out.
    order:
        1 or 2, of the Legendre polynomial.

    Returns
    -------
    :
        Dimension ``time`` (ps), up to half of the trajectory (less for fewer than 12 molecules, whose trajectory is
        cut into parts); the variance is from the scatter between molecules.

    Raises
    ------
    InputError
        If there are no such bonds or molecules, or too few frames.
    """
    time, curves, counts = _curves(trajectory, bond, molecule, order)
    weights = counts / counts.sum()
    mean = curves @ weights
    groups = len(counts)
    variance = (((curves - mean[:, None]) * weights) ** 2).sum(axis=1) * groups / max(groups - 1, 1)
    values = sc.array(dims=["time"], values=mean, variances=variance, unit="one")
    coords = {"time": sc.array(dims=["time"], values=time, unit="ps")}
    return sc.DataArray(values, coords=coords, name=f"orientation correlation C{order}")


def reorientation_rate(
    trajectory: Trajectory,
    *,
    bond: tuple[str, str] | None = None,
    molecule: str | None = None,
    order: Order = 1,
) -> Reorientation:
    """Return the rate at which orientations are lost, with its error.

    ``A exp(-lambda t)`` is fitted to the correlation from a tenth of its 1/e time (past libration, which takes 1 - A)
    to where it has fallen to a tenth; where it does not fall to 1/e, from a tenth of the longest time on. Errors come
    from leaving groups of molecules out, one at a time.

    Parameters
    ----------
    trajectory, bond, molecule, order:
        As for :func:`orientation_correlation`.

    Returns
    -------
    :
        Rate, amplitude, 1/e time, first zero.

    Raises
    ------
    InputError
        As for :func:`orientation_correlation`.
    ComputationError
        If orientations are lost between two frames.
    """
    time, curves, counts = _curves(trajectory, bond, molecule, order)
    groups = len(counts)
    total = curves @ counts
    full = _decay(time, total / counts.sum())
    # jackknife
    parts = [_decay(time, (total - curves[:, g] * counts[g]) / (counts.sum() - counts[g])) for g in range(groups)]
    rates, times = np.array([p[0] for p in parts]), np.array([p[2] for p in parts])
    rate_error, time_error = (math.sqrt((groups - 1) * float(np.var(x))) for x in (rates, times))
    rate, amplitude, one_over_e, first_zero = full
    observed = float(counts.sum()) * len(trajectory) * float(time[1])
    bound = max(rate, 0.0) + 1.645 * rate_error + 3 / observed
    warnings = []
    if rate < 2 * rate_error or math.isnan(one_over_e):
        warnings.append(
            f"The correlation does not fall to 1/e within {time[-1]:.3g} ps: the rate is rough, run longer."
        )
    if one_over_e < 3 * time[1]:
        warnings.append(f"The correlation falls to 1/e within 3 frames of {time[1]:g} ps: keep frames more often.")
    return Reorientation(
        rate=sc.scalar(1e12 * rate, variance=(1e12 * rate_error) ** 2, unit="1/s"),
        amplitude=amplitude,
        one_over_e=sc.scalar(one_over_e, variance=time_error**2, unit="ps"),
        first_zero=sc.scalar(first_zero, unit="ps"),
        upper_bound=sc.scalar(1e12 * bound, unit="1/s"),
        warnings=tuple(warnings),
    )


def rotating_molecules(trajectory: Trajectory, molecule: str, *, angle: Quantity = "60 deg") -> RotatingMolecules:
    """Count molecules that have turned, by the rotation that carries a molecule as a whole from the first frame on.

    Each frame is laid over the first by the best rotation (Kabsch), so that vertices that librate count little. The
    angle of linear molecules is that of their axis.

    Parameters
    ----------
    trajectory:
        At least 2 frames.
    molecule:
        Formula, at least 2 atoms.
    angle:
        What counts as turned: more than libration, less than the smallest rotation that a molecule jumps by (72 deg for
        an icosahedron, 120 deg for a tetrahedron).

    Returns
    -------
    :
        The number of molecules that turned, and the largest angle of each.

    Raises
    ------
    InputError
        If there are no such molecules, or they are atoms.

    Source
    ------
    Kabsch, Acta Cryst. A 32, 922 (1976).
    """
    limit = magnitude(angle, "deg", "angle", positive=True)
    members = trajectory.molecules_of(molecule)
    count, size = members.shape
    if size < 2:
        raise InputError(f"molecule: {molecule!r} is one atom, which has no orientation")
    largest = []
    for block in trajectory.blocks(members.ravel(), rows=size, copies=4):
        positions = trajectory.read("position", block).astype(np.float64)
        shape = positions.reshape(len(trajectory), -1, size, 3)
        shape = shape - shape.mean(axis=2, keepdims=True)
        largest += [_angles(shape[:, m]).max() for m in range(shape.shape[1])]
    degrees = np.rad2deg(largest)
    return RotatingMolecules(
        rotating=int(np.sum(degrees > limit)),
        total=count,
        largest_angle=sc.array(dims=["molecule"], values=degrees, unit="deg"),
        angle=sc.scalar(limit, unit="deg"),
    )


def _angles(shape: Array) -> Array:
    """Angle of the best rotation from the first frame to every other, rad; shape (T, atoms, 3) about the centre."""
    first = shape[0]
    spread = np.linalg.svd(first, compute_uv=False)
    if spread[1] < 0.05 * spread[0]:  # linear: turning about the axis is nothing
        outer = int(np.argmax((first**2).sum(axis=1)))
        lengths = np.linalg.norm(shape[:, outer], axis=1)
        cosine = shape[:, outer] @ first[outer] / (lengths * lengths[0])
    else:  # rotation V diag(1, 1, +-1) U^T, of which only the trace is needed
        u, _, vt = np.linalg.svd(np.einsum("ai,taj->tij", first, shape))
        vt[:, 2] *= np.sign(np.linalg.det(u) * np.linalg.det(vt))[:, None]
        cosine = 0.5 * (np.einsum("tik,tki->t", u, vt) - 1)
    return np.asarray(np.arccos(np.clip(cosine, -1, 1)))


def _curves(
    trajectory: Trajectory, bond: tuple[str, str] | None, molecule: str | None, order: Order
) -> tuple[Array, Array, Array]:
    """Lag times (lags,), ps; correlation of every group of molecules (lags, groups); molecules in each group."""
    if order not in (1, 2):
        raise InputError(f"order: expected 1 or 2, got {order!r}")
    molecules = _vectors(trajectory, bond, molecule)
    parts = max(1, min(-(-_REPLICATES // len(molecules)), len(trajectory) // _FRAMES))
    length = len(trajectory) // parts
    if length < _FRAMES:
        raise InputError(f"{trajectory.path}: {len(trajectory)} frames are too few; a correlation needs {_FRAMES}")
    lags = length // 2 + 1
    groups = min(len(molecules), max(2, _GROUPS // parts))
    member = np.arange(len(molecules)) * groups // len(molecules)
    curves = np.zeros((lags, parts, groups))
    for own, u in zip(member, _unit_vectors(trajectory, molecules), strict=True):
        for part in range(parts):
            curves[:, part, own] += _correlation(u[part * length : (part + 1) * length], lags, order)
    counts = np.bincount(member, minlength=groups).astype(float)
    time = float(trajectory.timestep.value) * np.arange(lags)
    return time, (curves / counts).reshape(lags, -1), np.tile(counts / parts, parts)


def _unit_vectors(trajectory: Trajectory, molecules: Groups) -> Iterator[Array]:
    """(T, vectors, 3) of one molecule after the other; read for as many at once as memory allows."""
    involved = [np.union1d(starts, ends) for starts, ends in molecules]
    size = max(len(atoms) for atoms in involved)
    batch = max(1, SLAB // (48 * size * len(trajectory)))
    for first in range(0, len(molecules), batch):
        atoms = np.unique(np.concatenate(involved[first : first + batch]))
        positions = trajectory.read("position", atoms)
        for starts, ends in molecules[first : first + batch]:
            heads = positions[:, np.searchsorted(atoms, ends)].astype(np.float64)
            tails = positions[:, np.searchsorted(atoms, starts)].astype(np.float64).mean(axis=2)
            yield (heads - tails) / np.linalg.norm(heads - tails, axis=-1, keepdims=True)


def _vectors(trajectory: Trajectory, bond: tuple[str, str] | None, molecule: str | None) -> Groups:
    """Which vectors to follow, by molecule."""
    if (bond is None) == (molecule is None):
        raise InputError('give either bond=("N", "H") or molecule="B12H12"')
    if bond is not None:
        return _bonds(trajectory, bond)
    assert molecule is not None
    members = trajectory.molecules_of(molecule)
    if members.shape[1] < 2:
        raise InputError(f"molecule: {molecule!r} is one atom, which has no orientation")
    positions = trajectory.read("position", members[0], slice(0, 1))[0]
    away = np.linalg.norm(positions - positions.mean(axis=0), axis=1)
    outer = trajectory.symbols[members[0, int(np.argmax(away))]]
    found = []
    for atoms in members:
        ends = np.array([i for i in atoms if trajectory.symbols[i] == outer])
        found.append((np.broadcast_to(atoms, (len(ends), len(atoms))), ends))
    return found


def _bonds(trajectory: Trajectory, bond: tuple[str, str]) -> Groups:
    symbols = np.array(trajectory.symbols)
    pairs = np.concatenate([trajectory.bonds, trajectory.bonds[:, ::-1]])
    pairs = pairs[(symbols[pairs[:, 0]] == bond[0]) & (symbols[pairs[:, 1]] == bond[1])]
    if bond[0] == bond[1]:
        pairs = pairs[: len(pairs) // 2]
    if not len(pairs):
        raise InputError(
            f"{trajectory.path}: no bonds {bond[0]}-{bond[1]} in it; bonds are what join_segments was given"
        )
    owner = trajectory.molecules[pairs[:, 0]]
    return [(pairs[owner == number][:, :1], pairs[owner == number][:, 1]) for number in np.unique(owner)]


def _correlation(u: Array, lags: int, order: Order) -> Array:
    """C1 or C2 of unit vectors (T, vectors, 3), averaged over vectors; (lags,)."""
    if order == 1:
        return np.asarray(autocorrelation(u)[:lags].sum(axis=2).mean(axis=1))
    i, j = np.triu_indices(3)
    squares = autocorrelation(u[..., i] * u[..., j])[:lags]
    return np.asarray(1.5 * (squares @ np.where(i == j, 1.0, 2.0)).mean(axis=1) - 0.5)


def _decay(time: Array, curve: Array) -> tuple[float, float, float, float]:
    """Rate (1/ps), amplitude, 1/e time and first zero (ps) of a correlation."""
    one_over_e, first_zero = _crossing(time, curve, math.exp(-1)), _crossing(time, curve, 0.0)
    begin = 0.1 * (one_over_e if math.isfinite(one_over_e) else time[-1])
    end = _crossing(time, curve, 0.1)
    keep = (time >= begin) & (time <= (end if math.isfinite(end) else time[-1])) & (curve > 0)
    if np.count_nonzero(keep) < 3:
        raise ComputationError(
            f"orientations are lost within 3 frames of {time[1]:g} ps; keep frames more often to see their rate"
        )
    t, y = time[keep], curve[keep]
    # log C, weighted by C^2: errors of C are about the same at all times
    slope, offset = np.polyfit(t, np.log(y), 1, w=y)
    return float(-slope), float(math.exp(offset)), one_over_e, first_zero


def _crossing(time: Array, curve: Array, level: float) -> float:
    """First time at which a curve is at a level or below, linear between points; NaN if never."""
    below = np.flatnonzero(curve <= level)
    if not len(below) or below[0] == 0:
        return math.nan
    k = int(below[0])
    return float(time[k - 1] + (time[k] - time[k - 1]) * (curve[k - 1] - level) / (curve[k - 1] - curve[k]))
