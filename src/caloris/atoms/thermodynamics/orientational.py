"""Orientational entropy, -k int p ln p over orientations, relative to free ones, with no grid.

p is estimated from the distance to the k-th nearest orientation: a ball of angle theta is (theta - sin theta) / pi of
all rotations, and a cap of chord d is d^2 / 4 of the sphere, both exactly. Free orientations have 0, ordered ones less;
n equally likely ones have k ln n more than one of them. Sources: Kozachenko and Leonenko, Probl. Inf. Transm. 23, 95
(1987); times close to each other left out: Theiler, Phys. Rev. A 34, 2427 (1986). Of few frames the estimator is right
for free orientations and too low for librations with tails (Berrett, Samworth and Yuan, Ann. Stat. 47, 288 (2019)):
half of what a Gaussian lacks is added, and 0.6 of it, or what every second frame lacks if that is more, is an error.
J/mol/K.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import mean_of_groups
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.segments import Indices
from caloris.atoms.thermodynamics._kernels import nearest_overlaps, nearest_rotations, orientations
from caloris.atoms.thermodynamics.geometry import matrices
from caloris.atoms.thermodynamics.symmetry import proper_rotations, symmetry_number
from caloris.atoms.thermodynamics.windowed_spectra import Kind, kind_of
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Atoms = Literal["exchangeable", "labelled"]

_GAS_CONSTANT = 8.31446261815324
"""J/mol/K, CODATA 2018."""
_NEIGHBOUR = 4
"""Which neighbour gives the density: more scatter less and smooth more."""
_FRAMES = 1500
"""Frames beyond which more of them cost more than they tell."""
_FEWEST = 64
_LACK = {2: (0.65, -0.5), 3: (0.29, -0.27)}
"""k that Gaussians of so many angles lack of n frames, factor and exponent of n: fitted to 300 000 numbers that were
drawn for each n from 125 to 2000, fourth neighbour."""
_TURNS = 1e-4
"""Radian to the k-th neighbour, below which positions are rounded and no molecule turns."""
_GROWTH = 0.1
"""k by which the entropy may grow from half of the run to all of it."""


@dataclass(frozen=True, eq=False, repr=False)
class OrientationalEntropy:
    """Entropy of the orientations that one molecule takes in time, averaged over molecules, relative to free ones."""

    value: sc.Variable
    """J/mol/K, at most about 0, with variance from the scatter between molecules and from what few frames are off by;
    NaN for one molecule."""
    growth: sc.Variable
    """How much of it came with the second half of the run, J/mol/K, with variance; 0 if all orientations were seen."""
    molecules: int
    atoms: Atoms
    """Whether orientations that differ by an exchange of equal atoms are the same."""
    symmetry_number: int
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        error = math.sqrt(self.value.variance or 0.0)
        return (
            f"<OrientationalEntropy: {self.value.value:.2f} +- {error:.1g} J/mol/K relative to free orientations, "
            f"{self.molecules} molecules, {self.atoms} atoms>"
        )


def orientational_entropy(
    trajectory: Trajectory,
    formula: str,
    *,
    atoms: Atoms = "exchangeable",
    apart: Quantity = "1 ps",
    progress: Progress | None = None,
) -> OrientationalEntropy:
    """Return the orientational entropy of the molecules of one kind, each in its own surroundings.

    Disorder that is frozen in for as long as the run lasts is not in it, nor are correlations between molecules.

    Parameters
    ----------
    trajectory:
        Molecules whole.
    formula:
        Which, of two atoms at least; linear ones have a direction, others an orientation.
    atoms:
        ``"exchangeable"``: orientations that differ by a rotation of the molecule onto itself are one, as they are in
        nature, so that jumps between them add nothing. ``"labelled"``: they differ, and n-fold jumps add k ln n.
    apart:
        Orientations closer in time do not count as neighbours: longer than a libration takes to forget itself.
    progress:
        Called with the part that is done.

    Returns
    -------
    :
        The entropy and whether it still grows.

    Raises
    ------
    InputError
        If there is no such molecule, none of them turns, or fewer than 64 frames are so far apart.
    """
    if atoms not in ("exchangeable", "labelled"):
        raise InputError(f"atoms: expected 'exchangeable' or 'labelled', got {atoms!r}")
    trajectory.molecules_of(formula)  # says what there is if there is none
    kind = kind_of(trajectory, formula)
    n = kind.molecules.shape[1]
    if n < 2:
        raise InputError(f"formula: {formula} is one atom; it has no orientation")
    step = max(1, -(-len(trajectory) // _FRAMES))
    frames = -(-len(trajectory) // step)
    window = max(1, math.ceil(magnitude(apart, "ps", "apart") / (step * float(trajectory.timestep.value))))
    if frames < max(_FEWEST, 4 * window + 4 * _NEIGHBOUR):
        raise InputError(
            f"{trajectory.path}: {frames} frames, of which {window} are not apart, are too few for an entropy"
        )
    symbols = [trajectory.symbols[i] for i in kind.molecules[0]]

    def task(block: Indices) -> tuple[Array, list[int]]:
        x = trajectory.read("position", block, slice(None, None, step)).astype(np.float64)
        return _of_molecules(x.reshape(len(x), -1, n, 3), kind, symbols, window, atoms == "exchangeable")

    blocks = list(trajectory.blocks(kind.molecules.ravel(), rows=n * max(1, len(kind.molecules) // 16), copies=4))
    found = list(map_blocks(task, blocks, progress=progress, title="orientational entropy"))
    values = np.concatenate([f for f, _ in found], axis=1)  # (whole, first and second half; molecules)
    order = round(float(np.median([g for _, groups in found for g in groups])))
    turns = np.all(np.isfinite(values), axis=0)
    if not turns.any():
        raise InputError(f"{trajectory.path}: no {formula} turns; there is no entropy of its orientations")
    factor, exponent = _LACK[2 if kind.linear else 3]
    return _entropy(values[:, turns], atoms, order, int((~turns).sum()), 0.6 * factor * frames**exponent)


def _of_molecules(x: Array, kind: Kind, symbols: list[str], window: int, exchangeable: bool) -> tuple[Array, list[int]]:
    """Entropy in k of the whole and of the halves, and what the whole may be off by (4, M), and symmetry numbers.

    NaN for molecules that do not turn.
    """
    frames, count = x.shape[:2]
    x = x - np.einsum("i,tmic->tmc", kind.masses, x)[:, :, None] / kind.masses.sum()
    parts = (slice(0, frames), slice(0, frames // 2), slice(frames // 2, frames))
    values = np.empty((4, count))
    orders = []
    if kind.linear:
        axis = x[:, :, -1] - x[:, :, 0]
        axis = axis / np.linalg.norm(axis, axis=2, keepdims=True)
    else:
        q = np.empty((frames, count, 4))
        reference = np.ascontiguousarray(x[0])
        orientations(x, reference, kind.masses, q)
        geometry = np.einsum("tmdc,tmid->mic", matrices(q), x) / frames
    for m in range(count):
        if kind.linear:
            order = symmetry_number(x[0, m], symbols, linear=True)
            both = exchangeable and order == 2
            estimate: Callable[[Array, int], float] = partial(direction_entropy, both_ways=both)
            found = [_centred(estimate, axis[p, m], window, 2) for p in parts]
        else:
            group = _quaternions(proper_rotations(geometry[m], symbols)) if exchangeable else _IDENTITY
            order = len(group)
            estimate = partial(rotation_entropy, group=group)
            found = [_centred(estimate, q[p, m], window, 3) for p in parts]
        values[:, m] = [*(value for value, _ in found), found[0][1]]
        orders.append(order)
    return values, orders


def _centred(estimate: Callable[[Array, int], float], series: Array, apart: int, angles: int) -> tuple[float, float]:
    """The entropy in the middle of what it can be for so few frames, what it may be off by; NaN if nothing turns."""
    whole = estimate(series, apart)
    if not math.isfinite(whole):
        return whole, whole
    factor, exponent = _LACK[angles]
    half = [estimate(series[k::2], max(1, -(-apart // 2))) for k in range(2)]
    return whole + 0.5 * factor * len(series) ** exponent, (whole - sum(half) / 2) / (2 ** (2 / angles) - 1)


def rotation_entropy(quaternions: Array, apart: int, group: Array | None = None) -> float:
    """Return the entropy of a series of orientations relative to free ones.

    Parameters
    ----------
    quaternions:
        (T, 4), of unit length.
    apart:
        Rows closer than this are no neighbours.
    group:
        (G, 4) rotations of the body that change nothing, with the identity.

    Returns
    -------
    :
        In k; NaN if nothing turns by more than 1e-4 radian.

    Examples
    --------
    >>> free = np.random.default_rng(1).standard_normal((2000, 4))
    >>> free /= np.linalg.norm(free, axis=1)[:, None]
    >>> abs(rotation_entropy(free, 1)) < 0.05
    True
    """
    turns = _IDENTITY if group is None else np.ascontiguousarray(group)
    overlap = np.empty(len(quaternions))
    nearest_rotations(np.ascontiguousarray(quaternions), turns, apart, _NEIGHBOUR, overlap)
    angle = 2 * np.arccos(np.clip(overlap, -1.0, 1.0 - 1e-15))
    share = np.minimum(1.0, len(turns) * np.where(angle < 1e-3, angle**3 / 6, angle - np.sin(angle)) / math.pi)
    return _kozachenko_leonenko(share, apart) if float(np.median(angle)) > _TURNS else math.nan


def direction_entropy(directions: Array, apart: int, *, both_ways: bool = False) -> float:
    """Return the entropy of a series of directions relative to free ones.

    Parameters
    ----------
    directions:
        (T, 3), of unit length.
    apart:
        Rows closer than this are no neighbours.
    both_ways:
        Whether u and -u are the same.

    Returns
    -------
    :
        In k; NaN if nothing turns by more than 1e-4 radian.

    Examples
    --------
    Half of the sphere has k ln 2 less:

    >>> half = np.random.default_rng(1).standard_normal((2000, 3))
    >>> half[:, 2] = abs(half[:, 2])
    >>> round(direction_entropy(half / np.linalg.norm(half, axis=1)[:, None], 1), 1)
    -0.7
    """
    overlap = np.empty(len(directions))
    nearest_overlaps(np.ascontiguousarray(directions), apart, _NEIGHBOUR, both_ways, overlap)
    if not float(np.median(1 - overlap)) > 0.5 * _TURNS**2:
        return math.nan
    share = np.clip((1 - overlap) * (1.0 if both_ways else 0.5), 1e-15, 1.0)
    return _kozachenko_leonenko(share, apart)


def _kozachenko_leonenko(share: Array, apart: int) -> float:
    """Mean of ln p from the share of all space that holds the k nearest of the candidates."""
    from scipy.special import digamma

    n = len(share)
    row = np.arange(n)
    candidates = n - (np.minimum(row, apart - 1) + np.minimum(n - 1 - row, apart - 1) + 1)
    return float(np.mean(np.log(np.maximum(share, 1e-300)) + digamma(candidates + 1)) - digamma(_NEIGHBOUR))


_IDENTITY = np.array([[1.0, 0.0, 0.0, 0.0]])


def _quaternions(rotations: Array) -> Array:
    """Quaternions (G, 4), w first, of rotation matrices."""
    from scipy.spatial.transform import Rotation

    return np.ascontiguousarray(np.roll(Rotation.from_matrix(rotations).as_quat(), 1, axis=1))


def _entropy(values: Array, atoms: Atoms, order: int, frozen: int, least: float) -> OrientationalEntropy:
    count = values.shape[1]
    growing = values[0] - values[1:3].mean(axis=0)
    mean, growth = float(values[0].mean()), float(growing.mean())
    error, growth_error = math.nan, math.nan
    if count > 1:
        error, growth_error = (float(mean_of_groups(v, np.ones(count))[1]) for v in (values[0], growing))
        error = math.hypot(error, max(least, float(values[3].mean())))
    limit = _GROWTH if count == 1 else max(_GROWTH, 3 * growth_error)
    warnings = []
    if growth > limit:
        warnings.append(
            f"the entropy grew by {growth:.2f} k in the second half of the run: not all orientations were seen, "
            "and the value is a lower bound"
        )
    if growth < -limit:
        warnings.append(
            f"half of the frames give {-growth:.2f} k more: frames are few for so many orientations, and the value is "
            "too high by about as much"
        )
    if frozen:
        warnings.append(f"{frozen} of {frozen + count} molecules do not turn; they are left out")
    if count == 1:
        warnings.append("one molecule only: there is no scatter between molecules, and so no error")
    elif count < 8:
        warnings.append(f"{count} molecules only; the error is rough")
    R = _GAS_CONSTANT
    return OrientationalEntropy(
        value=sc.scalar(R * mean, variance=(R * error) ** 2, unit="J/mol/K"),
        growth=sc.scalar(R * growth, variance=(R * growth_error) ** 2, unit="J/mol/K"),
        molecules=count,
        atoms=atoms,
        symmetry_number=order,
        warnings=tuple(warnings),
    )
