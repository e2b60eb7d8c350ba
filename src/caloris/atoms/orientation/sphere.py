"""How directions are spread over the sphere: maps of equal area, their maxima, in the frame of the crystal.

The grid is even in cos theta and phi, so that every bin has the same solid angle. The frame: x along a, z along a x b
of the mean cell. Units: 1/sr; 1 / (4 pi) everywhere if orientations are random. Errors: scatter between molecules.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import mean_of_groups
from caloris.atoms.orientation._kernels import count_directions
from caloris.atoms.orientation.crystal_frame import bodies, centres_of_mass, crystal_frame, frame_axes
from caloris.atoms.orientation.unit_vectors import Groups, batches, followed, unit_vectors
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[np.floating[Any]]

_GROUPS = 24
"""Most groups of molecules whose scatter gives errors."""
_MOST_ROWS = 2000
"""More make a map that fits into no memory."""
_NARROW = 0.01
"""Of a bin: a narrower kernel smooths nothing, and its exponents are rounding."""
_STANDS_OUT = 4.0
"""Standard deviations by which a maximum must stand above the saddle to a higher one."""
_RELIEF = 0.1
"""Part of its own height by which it must."""


@dataclass(frozen=True)
class OrientationMap:
    """Probability density of directions over the sphere."""

    density: sc.DataArray
    """Dimensions ``cos_theta`` and ``phi`` (bin edges, the latter in deg), 1/sr, variance from the scatter between
    molecules; its integral is 1."""
    vectors: str
    molecules: int
    cell: sc.Variable
    """Mean cell in the frame of the map: vectors, dimension ``cell_vector``, angstrom."""
    groups: Array
    """The map of every group of molecules (cos_theta, phi, groups), 1/sr."""
    counts: Array
    """Molecules in each group."""

    def __repr__(self) -> str:
        top = float(self.density.max().value) * 4 * math.pi
        return f"<OrientationMap of {self.vectors} in {self.molecules} molecules: up to {top:.3g} times the random one>"

    def smoothed(self, width: Quantity = "10 deg") -> "OrientationMap":
        """Return the map smoothed on the sphere.

        Parameters
        ----------
        width:
            Standard deviation of the kernel in angle; of Fisher and von Mises, exp(cos(angle) / width^2).

        Returns
        -------
        :
            A map on the same grid, with errors of smoothed values.

        Raises
        ------
        InputError
            If the width is less than a hundredth of a bin.
        """
        sigma = math.radians(magnitude(width, "deg", "width", positive=True))
        rows, columns, _ = self.groups.shape
        if sigma < _NARROW * math.pi / rows:
            raise InputError(f"width: {math.degrees(sigma):g} deg is far below the bins of {180 / rows:.3g} deg")
        u = _centres(rows, columns).reshape(-1, 3)
        kernel = np.exp((u @ u.T - 1) / sigma**2)
        kernel /= kernel.sum(axis=1, keepdims=True)
        groups = (kernel @ self.groups.reshape(rows * columns, -1)).reshape(self.groups.shape)
        return _mapped(groups, self.counts, self.vectors, self.molecules, self.cell)

    def maxima(self, width: Quantity = "5 deg") -> sc.DataArray:
        """Return the directions that stand out of the smoothed map, the highest first.

        Parameters
        ----------
        width:
            Of the smoothing.

        Returns
        -------
        :
            Density at the maxima, dimension ``maximum``, 1/sr with variance; coordinates ``direction`` (unit vectors),
            ``theta`` and ``phi`` (deg) and ``prominence`` (standard deviations above the saddle to a higher maximum,
            infinite for the highest). Maxima that stand out by less than 4 of them, or by a tenth of their own height,
            are left out.
        """
        smooth = self.smoothed(width)
        values, errors = smooth.density.values, np.sqrt(smooth.density.variances)
        peaks, prominence = _stand_out(smooth.groups, smooth.counts)
        u = _centres(*values.shape)[peaks]
        angles = np.rad2deg([np.arccos(u[:, 2]), np.arctan2(u[:, 1], u[:, 0])])
        coords = {
            "direction": sc.vectors(dims=["maximum"], values=u, unit="one"),
            "theta": sc.array(dims=["maximum"], values=angles[0], unit="deg"),
            "phi": sc.array(dims=["maximum"], values=angles[1], unit="deg"),
            "prominence": sc.array(dims=["maximum"], values=prominence),
        }
        found = sc.array(dims=["maximum"], values=values[peaks], variances=errors[peaks] ** 2, unit="1/sr")
        return sc.DataArray(found, coords=coords, name="maxima")

    def plot(self, width: Quantity | None = "5 deg") -> "Figure":
        """Draw the map in the projection of Mollweide, which keeps areas, with its maxima and the cell vectors."""
        from caloris.atoms.orientation.figures import plot_orientation_map

        return plot_orientation_map(self, width)


def orientation_map(
    trajectory: Trajectory,
    bond: tuple[str, str] | None = None,
    *,
    molecule: str | None = None,
    select: Sequence[int] | None = None,
    repeat: tuple[int, int, int] | None = None,
    rows: int = 36,
    rotations: npt.ArrayLike | None = None,
    progress: Progress | None = None,
) -> OrientationMap:
    """Return how directions of bonds are spread over the sphere, in the frame of the crystal.

    Parameters
    ----------
    trajectory:
        The trajectory.
    bond:
        Elements of the bonds, for example ``("N", "H")``.
    molecule:
        Instead: formula of the molecules, from whose centre vectors go to the atoms that lie farthest out.
    select:
        Numbers of the molecules that count, in the order in which the trajectory has them; for example those on one
        site, see :func:`crystal_sites`.
    repeat:
        How often the unit cell is repeated along each vector of the supercell. Molecules on different sites have
        different maps; with this the errors are from the scatter between unit cells, without it sites count as scatter.
    rows:
        Bins in cos theta, 2 or more; twice as many in phi.
    rotations:
        (n, 3, 3) rotations or reflections of the crystal's point group: every direction counts in each of its images.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        The map.

    Raises
    ------
    InputError
        If there are no such bonds or molecules, or a rotation is none.

    Source
    ------
    Thermal batteries paper, insets of Fig. 3d, e.
    """
    if not isinstance(rows, int | np.integer) or isinstance(rows, bool) or not 2 <= rows <= _MOST_ROWS:
        raise InputError(f"rows: expected a whole number from 2 to {_MOST_ROWS}, got {rows!r}")
    molecules = followed(trajectory, bond, molecule, select)
    operations = (np.eye(3)[None] if rotations is None else orthogonal(rotations)) @ frame_axes(trajectory)
    molecules, member = by_unit_cells(trajectory, molecules, _GROUPS, repeat)
    sizes = np.bincount(member).astype(float)
    counts = np.zeros((len(sizes), rows, 2 * rows))

    def task(batch: Groups) -> list[Array]:
        found: list[Array] = []
        for u in unit_vectors(trajectory, batch):
            one = np.zeros((rows, 2 * rows))
            for operation in operations:
                flat = np.ascontiguousarray(u.reshape(-1, 3) @ operation.T)
                count_directions(flat, one, 1 / (len(flat) * len(operations)))
            found.append(one)
        return found

    done = 0
    work = batches(trajectory, molecules, at_least=8)
    for found in map_blocks(task, work, progress=progress, title="orientation map"):
        for one in found:
            counts[member[done]] += one
            done += 1
    density = counts.transpose(1, 2, 0) / sizes / (4 * math.pi / (2 * rows**2))
    cell = np.asarray(trajectory.cell.values).mean(axis=0) @ frame_axes(trajectory).T
    label = "-".join(bond) if bond else str(molecule)
    vectors = sc.vectors(dims=["cell_vector"], values=cell, unit="angstrom")
    return _mapped(density, sizes, label, len(molecules), vectors)


def crystal_sites(trajectory: Trajectory, molecule: str, repeat: tuple[int, int, int]) -> npt.NDArray[np.integer[Any]]:
    """Number the site that each molecule has in the unit cell, from where it is on average.

    Parameters
    ----------
    trajectory:
        A supercell.
    molecule:
        Formula, for example ``"NH4"``, or an element.
    repeat:
        How often the unit cell is repeated along each vector of the supercell.

    Returns
    -------
    :
        (molecules,) numbers from 0; molecules whose mean places coincide modulo a vector of the unit cell share one.

    Raises
    ------
    InputError
        If there are not equally many molecules on each site.
    """
    return _sites(trajectory, bodies(trajectory, molecule), repeat)


def by_unit_cells(
    trajectory: Trajectory, molecules: Groups, most: int, repeat: tuple[int, int, int] | None
) -> tuple[Groups, npt.NDArray[np.integer[Any]]]:
    """Order molecules, and number the group of each, so that all groups have equally many on each site."""
    count = len(molecules)
    if repeat is None:
        return molecules, np.arange(count) * min(count, most) // count
    labels = _sites(trajectory, np.array([starts[0] for starts, _ in molecules]), repeat)
    sites = int(labels.max()) + 1
    rank = np.empty(count, dtype=int)
    for site in range(sites):
        rank[labels == site] = np.arange(count // sites)
    order = np.lexsort((labels, rank))
    cells = count // sites
    return [molecules[k] for k in order.tolist()], rank[order] * min(cells, most) // cells


def _sites(
    trajectory: Trajectory, members: npt.NDArray[np.integer[Any]], repeat: tuple[int, int, int]
) -> npt.NDArray[np.integer[Any]]:
    frame, cells = crystal_frame(trajectory), int(np.prod(repeat))
    if cells < 1 or len(members) % cells:
        raise InputError(f"repeat: {len(members)} molecules do not share {repeat} unit cells evenly")
    mean = np.concatenate([x.mean(axis=0) for _, x in centres_of_mass(trajectory, members, frame)]) * repeat
    unit = frame.cell / np.asarray(repeat)[:, None]
    labels = np.full(len(members), -1)
    for site in range(len(members) // cells):
        free = np.flatnonzero(labels < 0)
        away = mean[free] - mean[free[0]]
        distance = np.linalg.norm((away - np.round(away)) @ unit, axis=1)
        labels[free[np.argsort(distance, kind="stable")[:cells]]] = site
    return labels


def _mapped(groups: Array, counts: Array, vectors: str, molecules: int, cell: sc.Variable) -> OrientationMap:
    mean, error = mean_of_groups(groups, counts)
    rows, columns = mean.shape
    coords = {
        "cos_theta": sc.linspace("cos_theta", -1.0, 1.0, rows + 1),
        "phi": sc.linspace("phi", -180.0, 180.0, columns + 1, unit="deg"),
    }
    values = sc.array(dims=["cos_theta", "phi"], values=mean, variances=error**2, unit="1/sr")
    density = sc.DataArray(values, coords=coords, name=f"directions of {vectors}")
    return OrientationMap(density, vectors, molecules, cell, groups, counts)


def orthogonal(rotations: npt.ArrayLike) -> Array:
    """Check rotations (n, 3, 3) at the door."""
    try:
        matrices = np.asarray(rotations, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"rotations: expected numbers (n, 3, 3), got {rotations!r}") from None
    if matrices.ndim != 3 or matrices.shape[1:] != (3, 3) or not len(matrices):
        raise InputError(f"rotations: expected (n, 3, 3), got {matrices.shape}")
    if not np.allclose(matrices @ matrices.transpose(0, 2, 1), np.eye(3), atol=1e-6):
        raise InputError("rotations: not orthogonal; give them in Cartesian coordinates, x along a, z along a x b")
    return matrices


def _centres(rows: int, columns: int) -> Array:
    """Unit vectors of the bins (rows, columns, 3)."""
    z = (np.arange(rows) + 0.5) * 2 / rows - 1
    phi = (np.arange(columns) + 0.5) * 2 * math.pi / columns - math.pi
    s = np.sqrt(1 - z**2)[:, None]
    return np.stack([s * np.cos(phi), s * np.sin(phi), np.broadcast_to(z[:, None], (rows, columns))], axis=-1)


def _stand_out(groups: Array, counts: Array) -> tuple[tuple[Any, ...], Array]:
    """Bins of the maxima that stand out, the highest first, and by how many standard deviations.

    Bins are flooded from the highest down; where two hills meet, the lower one ends.
    """
    rows, columns, _ = groups.shape
    flat = groups.reshape(rows * columns, -1)
    mean = mean_of_groups(flat, counts)[0]
    hill = np.full(rows * columns, -1)
    height: dict[int, float] = {}

    def root(k: int) -> int:
        while hill[k] != k:
            hill[k] = hill[hill[k]]
            k = int(hill[k])
        return k

    for k in np.argsort(-mean, kind="stable").tolist():
        hill[k] = k
        for other in {root(n) for n in _neighbours(k, rows, columns) if hill[n] >= 0} - {k}:
            low, high = sorted((root(k), other), key=lambda n: mean[n])
            if low == high:
                continue
            relief, scatter = mean_of_groups(flat[low] - flat[k], counts)
            error = float(scatter) if np.isfinite(scatter) else 0.0  # one molecule
            if low != k and relief > max(_STANDS_OUT * error, _RELIEF * mean[low]):
                height[low] = float(relief / error) if error > 0 else math.inf
            hill[low] = high
    top = int(np.argmax(mean))
    height[top] = math.inf
    found = sorted(height, key=lambda n: -mean[n])
    return np.unravel_index(found, (rows, columns)), np.array([height[n] for n in found])


def _neighbours(k: int, rows: int, columns: int) -> list[int]:
    """Bins beside a bin; all bins around a pole touch each other."""
    i, j = divmod(k, columns)
    found = [
        (i + di) * columns + (j + dj) % columns
        for di in (-1, 0, 1)
        for dj in (-1, 0, 1)
        if (di or dj) and 0 <= i + di < rows
    ]
    if i in (0, rows - 1):
        found += [i * columns + other for other in range(columns) if other != j]
    return found
