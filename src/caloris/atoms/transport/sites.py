"""Sites that ions jump between: given by a structure, or found where the density of a trajectory has its maxima.

Sites are points of the mean cell, in fractional coordinates, with a kind each. Units: angstrom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.reference_frame import ReferenceFrame, batches, paths, reference_frame
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.atoms.transport._kernels import basins
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from ase import Atoms

Array = npt.NDArray[np.floating[Any]]

_SHARE = 0.05
"""Of the highest density, below which nothing belongs to a site."""


@dataclass(frozen=True, eq=False, repr=False)
class Sites:
    """Sites in the mean cell of a trajectory.

    Examples
    --------
    >>> Sites(np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), 4 * np.eye(3), ("corner", "centre"))
    <Sites: 1 corner, 1 centre; at least 3.46 angstrom apart>
    """

    fractional: Array
    """(sites, 3), in [0, 1)."""
    cell: Array
    """(3, 3), angstrom."""
    kinds: tuple[str, ...]
    """Of each site."""

    def __post_init__(self) -> None:
        try:
            arrays = [np.array(x, dtype=np.float64) for x in (self.fractional, self.cell)]
        except (TypeError, ValueError):
            raise InputError("sites: expected numbers for fractional coordinates and the cell") from None
        object.__setattr__(self, "fractional", arrays[0])
        object.__setattr__(self, "cell", arrays[1])
        object.__setattr__(self, "kinds", tuple(self.kinds))
        if (
            self.cell.shape != (3, 3)
            or not abs(np.linalg.det(self.cell)) > 0
            or not np.all(np.isfinite(self.fractional))
        ):
            raise InputError("sites: expected finite fractional coordinates and a cell of three vectors with a volume")
        if self.fractional.ndim != 2 or self.fractional.shape[1] != 3 or not len(self.fractional):
            raise InputError(f"sites: expected (sites, 3) fractional coordinates, got {self.fractional.shape}")
        if len(self.kinds) != len(self.fractional):
            raise InputError(f"sites: {len(self.kinds)} kinds for {len(self.fractional)} sites")
        if len(self.fractional) > 1 and self.smallest_distance < 1e-3:
            raise InputError("sites: two sites are at the same place")

    def __len__(self) -> int:
        return len(self.fractional)

    def __repr__(self) -> str:
        number = {kind: self.kinds.count(kind) for kind in dict.fromkeys(self.kinds)}
        what = ", ".join(f"{count} {kind}" for kind, count in number.items())
        return f"<Sites: {what}; at least {self.smallest_distance:.3g} angstrom apart>"

    @property
    def positions(self) -> sc.Variable:
        """Vectors, dimension ``site``, angstrom, in the mean cell."""
        return sc.vectors(dims=["site"], values=self.fractional @ self.cell, unit="angstrom")

    @cached_property
    def nearest(self) -> Array:
        """Distance of each site to the nearest other one or image, (sites,), angstrom."""
        from scipy.spatial import cKDTree

        images = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        everywhere = (self.fractional[None] + images[:, None]).reshape(-1, 3) @ self.cell
        return np.asarray(cKDTree(everywhere).query(self.fractional @ self.cell, k=2)[0][:, 1])

    @property
    def smallest_distance(self) -> float:
        """Between two sites or a site and its own image, angstrom."""
        return float(self.nearest.min())


def sites_of_structure(
    structure: "Atoms", trajectory: Trajectory, *, kinds: Sequence[str] | None = None, species: str | None = None
) -> Sites:
    """Return sites at the atoms of a structure.

    Parameters
    ----------
    structure:
        As many cells of the crystal as the trajectory has, with an atom at every site (also those that are empty), and
        the same origin: fractional coordinates are taken over.
    trajectory:
        Whose mean cell they are put into.
    kinds:
        Of each site that is taken; by default the atomic symbols.
    species:
        Element of the atoms that are taken; all by default.

    Returns
    -------
    :
        The sites.

    Raises
    ------
    InputError
        If there are no such atoms, or the cells differ by more than a tenth.
    """
    cell = np.asarray(trajectory.cell.values).mean(axis=0)
    if np.abs(structure.cell.lengths() / np.linalg.norm(cell, axis=1) - 1).max() > 0.1:
        raise InputError(
            f"structure: its cell has edges {np.round(structure.cell.lengths(), 2).tolist()} angstrom, that of the "
            f"trajectory {np.round(np.linalg.norm(cell, axis=1), 2).tolist()}; repeat it"
        )
    symbols = np.array(structure.get_chemical_symbols())
    chosen = np.flatnonzero(symbols == species) if species else np.arange(len(symbols))
    if not len(chosen):
        raise InputError(f"species: the structure has no {species}")
    fractional = structure.get_scaled_positions(wrap=False)[chosen]
    return Sites(fractional - np.floor(fractional), cell, tuple(symbols[chosen].tolist() if kinds is None else kinds))


def find_sites(
    trajectory: Trajectory,
    species: Selection,
    *,
    smallest_distance: Quantity = "1.5 angstrom",
    barrier: float = 1.0,
    grid_spacing: Quantity = "0.25 angstrom",
    progress: Progress | None = None,
) -> Sites:
    """Return the basins of the density of a species over the run.

    The density is counted on a grid and smoothed by a Gaussian of a quarter of the smallest distance. Two maxima are
    two sites if the pass between them is lower than the lesser by exp(-barrier): a free energy in kT. A site is the
    mean of the density of its basin. Sites that were hardly visited are missed: give a structure then.

    Parameters
    ----------
    trajectory:
        A crystal: ions that diffuse in a liquid have no sites.
    species:
        Atoms, for example ``"Li"``.
    smallest_distance:
        Of two sites; of two that are nearer the denser stays.
    barrier:
        Least free energy between two sites, in kT.
    grid_spacing:
        Of the grid.
    progress:
        As for :func:`caloris.atoms.parallel.map_blocks`.

    Returns
    -------
    :
        The sites, all of the kind ``"site"``, the densest first.

    Raises
    ------
    InputError
        If there are no such atoms or the barrier is not above 0.
    """
    spacing = magnitude(grid_spacing, "angstrom", "grid_spacing", positive=True)
    apart = magnitude(smallest_distance, "angstrom", "smallest_distance", positive=True)
    if not barrier > 0:
        raise InputError(f"barrier: expected more than 0 kT, got {barrier}")
    frame = reference_frame(trajectory)
    shape = np.maximum(np.ceil(np.linalg.norm(frame.mean_cell, axis=1) / spacing), 4).astype(int)
    atoms = trajectory.select(species)
    if not len(atoms):
        raise InputError(f"{trajectory.path}: no atoms chosen")
    task = partial(_density, trajectory, frame, shape)
    density = np.zeros(int(np.prod(shape)))
    for found in map_blocks(task, batches(trajectory, atoms, copies=10), progress=progress, title="density of sites"):
        density += found
    centres = _centres(density.reshape(shape), frame.mean_cell, 0.25 * apart, barrier)
    kept: list[Array] = []
    for site in centres:
        others = np.array(kept).reshape(-1, 3) - site
        others -= np.round(others)
        if not np.any(np.linalg.norm(others @ frame.mean_cell, axis=1) < apart):
            kept.append(site - np.floor(site))
    return Sites(np.array(kept), frame.mean_cell, ("site",) * len(kept))


def _density(trajectory: Trajectory, frame: ReferenceFrame, shape: Indices, block: Indices) -> Indices:
    path = paths(trajectory, block, frame)
    fractional = np.tensordot(np.linalg.inv(frame.mean_cell).T, path, axes=([1], [1]))
    most = shape[:, None, None]
    index = np.minimum(((fractional - np.floor(fractional)) * most).astype(int), most - 1)
    return np.bincount(np.ravel_multi_index(tuple(index), tuple(shape)).ravel(), minlength=int(np.prod(shape)))


def _centres(density: Array, cell: Array, width: float, barrier: float) -> Array:
    """Fractional coordinates of the centres of the basins of the smoothed density, the densest first."""
    from scipy.ndimage import gaussian_filter

    voxels = np.linalg.norm(cell, axis=1) / density.shape
    smooth = gaussian_filter(density.astype(float), width / voxels, mode="wrap")
    flat = smooth.ravel()
    counts = np.flatnonzero(flat > _SHARE * flat.max())
    order = counts[np.argsort(-flat[counts], kind="stable")]
    peak = basins(smooth, order, float(np.exp(barrier)))
    found = []
    for top in order[peak == order]:
        start = np.array(np.unravel_index(top, density.shape))
        members = np.stack(np.unravel_index(order[peak == top], density.shape), axis=1)
        away = (members - start) / density.shape
        away -= np.round(away)
        weights = smooth[tuple(members.T)]
        found.append((start + 0.5) / density.shape + weights @ away / weights.sum())
    return np.array(found)
