"""Which momentum transfers to compute: shells and whole spheres of reciprocal space, paths and planes of a crystal.

Coherent scattering of a periodic cell is defined at the reciprocal vectors of that cell alone; elsewhere the edges of
the cell scatter. Vectors here are such ones, and follow the cell where a barostat changes it. Units: 1/angstrom,
2 pi included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.integer[Any]]

_MOST = 20_000_000
"""Most reciprocal vectors that are listed."""


@dataclass(frozen=True, eq=False)
class ReciprocalVectors:
    """Reciprocal vectors of a cell, each of which belongs to a shell, or stands for itself."""

    vectors: sc.Variable
    """Dimension ``vector``, 1/angstrom."""
    indices: Indices
    """(vectors, 3), h k l of the simulated cell."""
    shell: Indices
    """(vectors,), number of the point of ``Q`` that each belongs to."""
    Q: sc.Variable
    """Dimension ``Q``, 1/angstrom: what was asked for; the length of each vector if each stands for itself."""
    labels: tuple[str, ...] = ()
    """Name of each point of a path, empty where it has none."""
    available: Indices | None = None
    """(Q,), how many vectors each shell has, of which these may be some."""

    def __len__(self) -> int:
        return len(self.shell)

    def __reduce__(self) -> tuple[Any, ...]:
        # scipp's arrays cannot be pickled
        return _vectors, (self.vectors.values, self.indices, self.shell, self.Q.values, self.labels, self.available)

    @property
    def mean_length(self) -> sc.Variable:
        """Mean length of the vectors of each point, dimension ``Q``."""
        lengths = np.linalg.norm(self.vectors.values, axis=1)
        return sc.array(dims=["Q"], values=self.average(lengths), unit="1/angstrom")

    def average(self, values: Array) -> Array:
        """Return means over the vectors of each point, (vectors, ...) to (Q, ...)."""
        found = np.zeros((len(self.Q), *values.shape[1:]))
        np.add.at(found, self.shell, values)
        counts = np.bincount(self.shell, minlength=len(self.Q))
        return np.asarray(found / counts.reshape(-1, *[1] * (values.ndim - 1)))

    @property
    def averages(self) -> bool:
        """Whether points are averages over vectors."""
        return len(self.shell) != len(self.Q)


def reciprocal_shells(
    cell: sc.Variable, Q: sc.Variable, *, width: Quantity | None = None, most: int | None = 50, seed: int = 0
) -> ReciprocalVectors:
    """Return reciprocal vectors whose lengths lie around given ones, for powder averages of coherent scattering.

    Of each pair k, -k one is taken: both scatter alike.

    Parameters
    ----------
    cell:
        Cell vectors, dimension ``cell_vector``, angstrom, such as the mean over time of those of a trajectory.
    Q:
        One dimension, 1/angstrom, increasing.
    width:
        Full width of the shells; by default the spacing of ``Q``, or a tenth of a single one.
    most:
        Most vectors of a shell, chosen at random; ``None`` for all.
    seed:
        Of the choice.

    Returns
    -------
    :
        The vectors.

    Raises
    ------
    InputError
        If a shell is empty: the cell is too small for it.

    Examples
    --------
    >>> cell = sc.vectors(dims=["cell_vector"], values=20 * np.eye(3), unit="angstrom")
    >>> Q = sc.array(dims=["Q"], values=[1.0, 2.0], unit="1/angstrom")
    >>> np.bincount(reciprocal_shells(cell, Q, width="0.1/angstrom").shell).tolist()
    [24, 50]
    """
    lengths = magnitudes(Q)
    rows = _cell_rows(cell)
    if (most is not None and most < 1) or seed < 0:
        raise InputError(f"shells: expected at least one vector of each and a seed >= 0, got {most} and {seed}")
    if width is None:
        spacing = float(np.min(np.diff(lengths))) if len(lengths) > 1 else 0.1 * float(lengths[0])
    else:
        spacing = magnitude(width, "1/angstrom", "width", positive=True)
    indices, found = _sphere(rows, float(lengths[-1]) + spacing / 2)
    norm = np.linalg.norm(found, axis=1)
    rng = np.random.default_rng(seed)
    chosen, shell, available = [], [], []
    for number, length in enumerate(lengths):
        inside = np.flatnonzero(np.abs(norm - length) <= spacing / 2 * (1 + 1e-9))
        if not len(inside):
            nearest = float(norm[np.argmin(np.abs(norm - length))]) if len(norm) else float("nan")
            raise InputError(
                f"momentum transfer {length:g}/angstrom: the cell has no reciprocal vector within {spacing / 2:g} "
                f"of it (the nearest is {nearest:.4g}); widen the shells or ask for others"
            )
        available.append(len(inside))
        if most is not None and len(inside) > most:
            inside = np.sort(rng.choice(inside, most, replace=False))
        chosen.append(inside)
        shell.append(np.full(len(inside), number))
    picked = np.concatenate(chosen)
    return _vectors(found[picked], indices[picked], np.concatenate(shell), lengths, available=np.array(available))


def reciprocal_sphere(cell: sc.Variable, longest: Quantity) -> ReciprocalVectors:
    """Return every reciprocal vector up to a length, one of each pair k, -k.

    Parameters
    ----------
    cell:
        As for :func:`reciprocal_shells`.
    longest:
        Radius of the sphere.

    Returns
    -------
    :
        The vectors, sorted by length; each stands for itself.
    """
    radius = magnitude(longest, "1/angstrom", "longest", positive=True)
    indices, found = _sphere(_cell_rows(cell), radius)
    lengths = np.linalg.norm(found, axis=1)
    order = np.argsort(lengths, kind="stable")
    return _vectors(found[order], indices[order], np.arange(len(order)), lengths[order])


def reciprocal_path(
    cell: sc.Variable,
    points: Sequence[tuple[float, float, float]],
    *,
    repeat: Sequence[int] = (1, 1, 1),
    labels: Sequence[str] = (),
) -> ReciprocalVectors:
    """Return the reciprocal vectors of the simulated cell along straight lines between points of a crystal.

    Parameters
    ----------
    cell:
        Of the simulation, as for :func:`reciprocal_shells`.
    points:
        Corners of the path in units of the reciprocal unit cell, for example ``[(2, 0, 0), (3, 0, 0)]``.
    repeat:
        How many unit cells the simulated cell is, along each of its vectors.
    labels:
        Names of the corners.

    Returns
    -------
    :
        The vectors in the order of the path.

    Raises
    ------
    InputError
        If a corner is no reciprocal vector of the simulated cell, or labels do not fit.

    Examples
    --------
    >>> cell = sc.vectors(dims=["cell_vector"], values=20 * np.eye(3), unit="angstrom")
    >>> reciprocal_path(cell, [(1, 0, 0), (2, 0, 0)], repeat=(4, 4, 4)).indices[:, 0].tolist()
    [4, 5, 6, 7, 8]
    """
    if len(points) < 2 or (labels and len(labels) != len(points)):
        raise InputError(f"path: expected at least two points and as many labels, got {len(points)} and {len(labels)}")
    corners = np.asarray(points, dtype=float) * np.asarray(repeat)
    whole = np.round(corners).astype(int)
    for point, corner, near in zip(points, corners, whole, strict=True):
        if np.any(np.abs(corner - near) > 1e-6):
            raise InputError(
                f"path: {tuple(point)} is not commensurate with a cell of {tuple(repeat)} unit cells; near is "
                f"{tuple(float(v) for v in np.round(near / np.asarray(repeat), 6))}"
            )
    indices, names = [whole[:1]], [labels[0] if labels else ""]
    for number, (start, stop) in enumerate(pairwise(whole)):
        steps = int(np.gcd.reduce(stop - start))
        if steps == 0:
            raise InputError(f"path: the points {number} and {number + 1} are the same")
        indices.append(start + np.arange(1, steps + 1)[:, None] * (stop - start) // steps)
        names += [""] * (steps - 1) + [labels[number + 1] if labels else ""]
    found = np.concatenate(indices)
    vectors = found @ reciprocal_rows(_cell_rows(cell))
    return _vectors(vectors, found, np.arange(len(found)), np.linalg.norm(vectors, axis=1), tuple(names))


def reciprocal_plane(
    cell: sc.Variable,
    first: tuple[int, int, int],
    second: tuple[int, int, int],
    *,
    longest: Quantity,
    origin: tuple[int, int, int] = (0, 0, 0),
    repeat: Sequence[int] = (1, 1, 1),
) -> ReciprocalVectors:
    """Return the reciprocal vectors of the simulated cell in a plane of reciprocal space.

    Parameters
    ----------
    cell, repeat:
        As for :func:`reciprocal_path`.
    first, second:
        Two directions in the plane, whole numbers in units of the reciprocal unit cell, such as (1, 0, 0), (0, 1, 0).
    longest:
        Longest vector.
    origin:
        A point of the plane.

    Returns
    -------
    :
        The vectors, of both signs; each stands for itself.

    Raises
    ------
    InputError
        If the directions are parallel.
    """
    radius = magnitude(longest, "1/angstrom", "longest", positive=True)
    scale = np.asarray(repeat)
    normal = np.cross(np.asarray(first) * scale, np.asarray(second) * scale)
    if not np.any(normal):
        raise InputError(f"plane: {first} and {second} are parallel")
    indices, found = _sphere(_cell_rows(cell), radius, half=False)
    inside = (indices - np.asarray(origin) * scale) @ normal == 0
    lengths = np.linalg.norm(found[inside], axis=1)
    return _vectors(found[inside], indices[inside], np.arange(np.count_nonzero(inside)), lengths)


def magnitudes(Q: sc.Variable) -> Array:
    """Return lengths of momentum transfers in 1/angstrom, checked: one dimension, >= 0, increasing."""
    try:
        values = np.atleast_1d(Q.to(unit="1/angstrom", dtype="float64").values)
    except (AttributeError, sc.UnitError, sc.DTypeError):
        raise InputError("momentum transfer: expected a scipp array of lengths in 1/angstrom") from None
    if values.ndim != 1 or not len(values) or not np.all(np.isfinite(values)) or values[0] < 0:
        raise InputError("momentum transfer: expected one dimension of finite lengths >= 0")
    if np.any(np.diff(values) <= 0):
        raise InputError("momentum transfer: lengths must increase")
    return np.asarray(values)


def reciprocal_rows(cell: Array) -> Array:
    """Return reciprocal cell vectors as rows, 2 pi included."""
    return np.asarray(2 * np.pi * np.linalg.inv(cell).T)


def _cell_rows(cell: sc.Variable) -> Array:
    rows = np.asarray(cell.to(unit="angstrom").values)
    if rows.ndim == 3:  # of every frame
        rows = rows.mean(axis=0)
    if rows.shape != (3, 3) or abs(np.linalg.det(rows)) < 1e-6:
        raise InputError("cell: expected three cell vectors that span a volume")
    return rows


def _sphere(cell: Array, radius: float, *, half: bool = True) -> tuple[Indices, Array]:
    """Indices and vectors, without 0, of length up to the radius."""
    reach = np.floor(radius * np.linalg.norm(cell, axis=1) / (2 * np.pi) + 1e-9).astype(int)
    number = int(np.prod(2.0 * reach + 1))
    if number > _MOST:
        raise InputError(f"momentum transfer: {number:.2g} reciprocal vectors up to {radius:g}/angstrom; ask for less")
    axes = [np.arange(-r, r + 1) for r in reach]
    indices = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    if half:
        h, k, l = indices.T  # noqa: E741 the names of the field
        indices = indices[(h > 0) | ((h == 0) & ((k > 0) | ((k == 0) & (l > 0))))]
    vectors = indices @ reciprocal_rows(cell)
    inside = np.linalg.norm(vectors, axis=1) <= radius * (1 + 1e-12)
    inside &= np.any(indices != 0, axis=1)
    return indices[inside], vectors[inside]


def _vectors(
    vectors: Array,
    indices: Indices,
    shell: Indices,
    Q: Array,
    labels: tuple[str, ...] = (),
    available: Indices | None = None,
) -> ReciprocalVectors:
    return ReciprocalVectors(
        vectors=sc.vectors(dims=["vector"], values=vectors, unit="1/angstrom"),
        indices=indices,
        shell=shell,
        Q=sc.array(dims=["Q"], values=np.asarray(Q, dtype=float), unit="1/angstrom"),
        labels=labels,
        available=available,
    )
