"""Orientational order: invariants of the distribution of directions, and cubic and tetrahedral order parameters.

Invariants: Q_l^2 = 4 pi / (2 l + 1) sum_m |<Y_lm>|^2, 1 for one direction, 0 for random ones, whatever the frame.
For four directions of a tetrahedron Q_3^2 = 5/9, Q_4^2 = 7/27, Q_6^2 = 32/81; for the eight of a cube Q_3 = 0, Q_4 and
Q_6 as before. In the frame of the crystal: kubic harmonics of degree 4 and 6, and the tetrahedral one, of degree 3.
Sources: Steinhardt, Nelson and Ronchetti, Phys. Rev. B 28, 784 (1983); rotor functions: Press, Single-Particle
Rotations in Molecular Crystals (1981). Without units.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import halves_apart, mean_of_groups
from caloris.atoms.orientation._kernels import sum_harmonics
from caloris.atoms.orientation.crystal_frame import frame_axes
from caloris.atoms.orientation.sphere import by_unit_cells, orthogonal
from caloris.atoms.orientation.unit_vectors import Groups, batches, followed, unit_vectors
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]

_GROUPS = 24
_DEGREE = 6


@dataclass(frozen=True)
class OrientationalOrder:
    """How far orientations are from random."""

    invariants: sc.DataArray
    """Q_l^2, dimension ``l`` from 1 to 6, with variances; without bias from few molecules, so that random orientations
    give values about 0, of either sign."""
    cubic_4: sc.Variable
    """<x^4 + y^4 + z^4 - 3/5> * 5/2 of directions: 1 along <100>, -2/3 along <111>, 0 if random."""
    cubic_6: sc.Variable
    """<x^2 y^2 z^2 + (x^4 + y^4 + z^4 - 3/5) / 22 - 1/105> * 231/2: 1 along <100>, 16/9 along <111>, 0 if random."""
    tetrahedral: sc.Variable
    """<M>, M = 3 sqrt(3) / n sum xyz over the n directions of a molecule: 1 or -1 for the two orientations of a
    tetrahedron with directions along <111>, 0 if they are equally often taken."""
    tetrahedral_square: sc.Variable
    """<M^2>: 1 for a tetrahedron in either of those, 1/7 for one turned at random."""
    molecules: int
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        named = {"cubic_4": self.cubic_4, "<M>": self.tetrahedral, "<M^2>": self.tetrahedral_square}
        parts = [f"{name} {x.value:.3f} +- {math.sqrt(x.variance):.1g}" for name, x in named.items()]
        return f"<OrientationalOrder: {', '.join(parts)}>"


def orientational_order(
    trajectory: Trajectory,
    bond: tuple[str, str] | None = None,
    *,
    molecule: str | None = None,
    select: Sequence[int] | None = None,
    repeat: tuple[int, int, int] | None = None,
    axes: npt.ArrayLike | None = None,
    progress: Progress | None = None,
) -> OrientationalOrder:
    """Return invariants and cubic and tetrahedral order parameters of the directions of bonds.

    Parameters
    ----------
    trajectory, bond, molecule, select, repeat:
        As for :func:`caloris.atoms.orientation.sphere.orientation_map`.
    axes:
        (3, 3), rows are the cubic axes in the frame of the crystal (x along a, z along a x b); by default that frame.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        Order parameters with errors from the scatter between groups of molecules; a warning says where the two halves
        of the run differ by more than those.

    Raises
    ------
    InputError
        If there are no such bonds or molecules, fewer than 2 molecules, or the axes are not orthogonal.
    """
    molecules, member = by_unit_cells(trajectory, followed(trajectory, bond, molecule, select), _GROUPS, repeat)
    counts = np.bincount(member).astype(float)
    groups = len(counts)
    if groups < 2:
        raise InputError(
            f"{trajectory.path}: order parameters with errors need two molecules or unit cells, there is one"
        )
    turn = frame_axes(trajectory) if axes is None else orthogonal(np.asarray(axes)[None])[0] @ frame_axes(trajectory)

    def task(batch: Groups) -> list[tuple[Array, Array]]:
        return [_moments(u @ turn.T) for u in unit_vectors(trajectory, batch)]

    work = batches(trajectory, molecules, at_least=8)
    found = [one for part in map_blocks(task, work, progress=progress, title="orientational order") for one in part]
    harmonics = _grouped(np.stack([one[0] for one in found], axis=-1), member, counts)
    halves = _grouped(np.stack([one[1] for one in found], axis=-1), member, counts)
    averages = halves.mean(axis=0)
    mean, error = mean_of_groups(averages, counts)
    four, six, tetrahedral, square = (
        sc.scalar(float(m), variance=float(e) ** 2, unit="one") for m, e in zip(mean, error, strict=True)
    )
    warnings: tuple[str, ...] = () if groups >= 8 else (f"Only {groups} independent molecules: errors are rough.",)
    first, second = mean_of_groups(halves, counts)[0]
    for k, name in enumerate(("cubic_4", "cubic_6", "tetrahedral", "tetrahedral_square")):
        warnings += halves_apart(f"order parameter {name}", (float(first[k]), float(second[k])), float(error[k]))
    return OrientationalOrder(
        invariants=_invariants(harmonics, counts),
        cubic_4=four,
        cubic_6=six,
        tetrahedral=tetrahedral,
        tetrahedral_square=square,
        molecules=len(molecules),
        warnings=warnings,
    )


def _moments(u: Array) -> tuple[Array, Array]:
    """Mean harmonics of the directions of a molecule (degrees, orders), and its four averages in each half (2, 4)."""
    frames, vectors, _ = u.shape
    sums = np.zeros((_DEGREE + 1, 2 * _DEGREE + 1))
    sum_harmonics(np.ascontiguousarray(u.reshape(-1, 3)), _DEGREE, sums)
    four = (u**4).sum(axis=-1) - 0.6
    xyz = u.prod(axis=-1)
    tetrahedral = 3 * math.sqrt(3) * xyz.mean(axis=1)
    in_time = np.stack(
        [
            2.5 * four.mean(axis=1),
            115.5 * (xyz**2 + four / 22 - 1 / 105).mean(axis=1),
            tetrahedral,
            tetrahedral**2,
        ]
    )
    # of the frame in the middle half counts in each
    first, last = in_time[:, : frames // 2].sum(axis=1), in_time[:, frames - frames // 2 :].sum(axis=1)
    middle = 0.5 * in_time[:, frames // 2 : frames - frames // 2].sum(axis=1)
    return sums / (frames * vectors), 2 / frames * np.stack([first + middle, last + middle])


def _grouped(values: Array, member: npt.NDArray[np.integer[Any]], counts: Array) -> Array:
    """Mean of each group over the last axis."""
    return np.stack([values[..., member == g].mean(axis=-1) for g in range(len(counts))], axis=-1)


def _invariants(harmonics: Array, counts: Array) -> sc.DataArray:
    """Q_l^2 without the square of the noise: products of different groups only, so that noise averages to nothing."""
    groups = len(counts)
    products = np.einsum("lmg,lmh->lgh", harmonics, harmonics)[1:] * (1 - np.eye(groups))
    total, own = products.sum(axis=(1, 2)), products.sum(axis=2)
    values = total / (groups * (groups - 1))
    errors = np.full(len(values), math.nan)
    if groups > 2:  # leaving groups out one at a time
        parts = (total[:, None] - 2 * own) / ((groups - 1) * (groups - 2))
        errors = np.sqrt((groups - 1) * np.var(parts, axis=1))
    data = sc.array(dims=["l"], values=values, variances=errors**2, unit="one")
    return sc.DataArray(data, coords={"l": sc.arange("l", 1, _DEGREE + 1)}, name="Q_l^2")
