"""Density of atoms on a grid in the mean cell, or folded into the unit cell that the supercell repeats.

Counted in the frame that breathes and drifts with the crystal. Errors: scatter between stretches of time, which is too
small where atoms stay put for longer than a stretch; a warning says where that shows. Units: angstrom, 1/angstrom^3.

A level of such a map means something only against the mean density N / V of the species. The 9e-6 1/angstrom^3 of the
supplement of the Li2B12H12 paper (Fig. 1) is a thousandth of the mean density of Li there, 7e-3: it encloses all that
Li has visited at all, not what it prefers, and grows with the length of the run. Surfaces here say what is inside.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import mean_of_groups
from caloris.atoms.density._kernels import count_places
from caloris.atoms.orientation.crystal_frame import crystal_frame
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from caloris.atoms.density.surface import Isosurface

Array = npt.NDArray[np.floating[Any]]

_BLOCKS = 10
"""Stretches of time."""
_MOST = 200_000_000
"""Bytes of all stretches together."""
_FACTOR = 1.6
"""Variance of the mean from stretches twice as long, over that from single ones, that says they are not independent."""


@dataclass(frozen=True)
class DensityMap:
    """Density of a species on a periodic grid."""

    density: sc.DataArray
    """Dimensions ``a``, ``b``, ``c`` (fractional bin edges), 1/angstrom^3, with variances."""
    cell: sc.Variable
    """Vectors of the cell of the map, dimension ``cell_vector``, angstrom."""
    species: str
    atoms: float
    """In the cell of the map."""
    temperature: sc.Variable | None
    """K, of the thermostat, if the run says so."""
    blocks: npt.NDArray[np.float32]
    """The map of every stretch of time (stretches, a, b, c), 1/angstrom^3."""
    frames: Array
    """Frames of each stretch."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        shape = " x ".join(str(size) for size in self.density.shape)
        top = float(self.density.values.max())
        return f"<DensityMap of {self.species}: {shape}, mean {self.mean:.3g}, highest {top:.3g} 1/angstrom^3>"

    @property
    def mean(self) -> float:
        """Mean density, atoms over volume, 1/angstrom^3."""
        return self.atoms / self.volume

    @property
    def volume(self) -> float:
        """Of the cell of the map, angstrom^3."""
        return float(abs(np.linalg.det(self.cell.values)))

    def smoothed(self, width: Quantity = "0.3 angstrom") -> "DensityMap":
        """Return the map smoothed by a Gaussian.

        Parameters
        ----------
        width:
            Its standard deviation. Free energies become flatter: a well of the width s by s^2 / (s^2 + width^2). A gap
            of the width w that nothing has visited is bridged at w^2 / (8 width^2) kT: keep the width below that of
            what matters.

        Returns
        -------
        :
            A map on the same grid, with errors of smoothed values.
        """
        from scipy.fft import fftfreq, irfftn, rfftfreq, rfftn

        sigma = magnitude(width, "angstrom", "width", positive=True)
        shape = self.blocks.shape[1:]
        orders = np.stack(
            np.meshgrid(*(fftfreq(n, 1 / n) for n in shape[:2]), rfftfreq(shape[2], 1 / shape[2]), indexing="ij"),
            axis=-1,
        )
        waves = 2 * math.pi * orders @ np.linalg.inv(self.cell.values).T
        damping = np.exp(-0.5 * sigma**2 * (waves**2).sum(axis=-1))
        blocks = np.stack([irfftn(rfftn(block) * damping, s=shape) for block in self.blocks.astype(np.float64)])
        words = f"Smoothed by {sigma:g} angstrom: narrower wells are filled and narrower gaps bridged."
        return replace(_mapped(np.maximum(blocks, 0.0), self), warnings=(*self.warnings, words))

    def free_energy(self, temperature: Quantity | None = None) -> sc.DataArray:
        """Return F = -kT ln(rho / rho_max).

        Parameters
        ----------
        temperature:
            By default that of the thermostat.

        Returns
        -------
        :
            eV, on the grid, with variances; NaN and masked ``unvisited`` where nothing was ever seen.

        Raises
        ------
        InputError
            If the temperature is neither given nor known.
        """
        from caloris.atoms.density.landscape import free_energy

        return free_energy(self, temperature)

    def level_enclosing(self, share: float) -> sc.Variable:
        """Return the density above which a share of the atoms is.

        Parameters
        ----------
        share:
            0 to 1.

        Returns
        -------
        :
            1/angstrom^3.

        Raises
        ------
        InputError
            If the share is not between 0 and 1.
        """
        if not 0 < share < 1:
            raise InputError(f"share: expected a number between 0 and 1, got {share:g}")
        values = np.sort(self.density.values, axis=None)[::-1]
        inside = np.cumsum(values) / values.sum()
        last = values[int(np.searchsorted(inside, share))]
        lower = values[values < last]
        # half way to the next lower voxel: the last one is inside, even if it holds all
        return sc.scalar(float(0.5 * (last + lower[0]) if len(lower) else last), unit="1/angstrom^3")

    def isosurface(self, level: Quantity | None = None) -> "Isosurface":
        """Return the surface at a density; by default the one that encloses half of the atoms."""
        from caloris.atoms.density.surface import isosurface

        return isosurface(self, level)

    def plot(self, level: Quantity | None = None) -> "Figure":
        """Draw the surface in three dimensions, and the mean density seen along c."""
        from caloris.atoms.density.figures import plot_density

        return plot_density(self, level)

    def save(self, path: str | Path) -> None:
        """Write the map for VESTA, ParaView and the like; see :func:`caloris.atoms.density.files.save_density`."""
        from caloris.atoms.density.files import save_density

        save_density(self, path)


def density_map(
    trajectory: Trajectory,
    species: Selection,
    spacing: Quantity = "0.2 angstrom",
    *,
    repeat: tuple[int, int, int] = (1, 1, 1),
    progress: Progress | None = None,
) -> DensityMap:
    """Return the density of atoms on a grid.

    Parameters
    ----------
    trajectory:
        At least 8 frames.
    species:
        Element, formula of a molecule (all its atoms), or indices.
    spacing:
        Largest width of a voxel.
    repeat:
        How often the unit cell is repeated along each vector of the supercell: the map is folded into it.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        The map.

    Raises
    ------
    InputError
        If there are no such atoms, too few frames, or a grid that does not fit into memory.
    """
    atoms, frames = trajectory.select(species), len(trajectory)
    if frames < 8:
        raise InputError(f"{trajectory.path}: {frames} frames are too few; a density with errors needs 8")
    folds = np.asarray(repeat)
    if folds.shape != (3,) or not np.issubdtype(folds.dtype, np.integer) or folds.min() < 1:
        raise InputError(f"repeat: expected three whole numbers from 1 on, got {repeat!r}")
    width = magnitude(spacing, "angstrom", "spacing", positive=True)
    frame = crystal_frame(trajectory)
    cell = frame.cell / folds[:, None]
    # along each vector, so that no edge of a voxel is longer
    shape = tuple(int(n) for n in np.maximum(np.ceil(np.linalg.norm(cell, axis=1) / width - 1e-9), 2))
    stretches = min(_BLOCKS, frames // 4, _MOST // (4 * math.prod(shape)))
    if stretches < 2:
        raise InputError(f"spacing: a grid of {shape[0]} x {shape[1]} x {shape[2]} is too fine; fold it or widen it")
    member = np.arange(frames) * stretches // frames

    def task(block: Indices) -> npt.NDArray[np.uint32]:
        counts = np.zeros((stretches, *shape), np.uint32)
        for part in np.array_split(np.arange(frames), max(1, frames * len(block) // 2_000_000)):
            piece = slice(int(part[0]), int(part[-1]) + 1)
            places = frame.fractional(trajectory.read("position", block, piece), piece)
            count_places(places, member[piece], folds.astype(np.float64), counts)
        return counts

    blocks = [part for block in trajectory.blocks(atoms, copies=3) for part in np.array_split(block, 2) if len(part)]
    counts = np.zeros((stretches, *shape))
    for found in map_blocks(task, blocks, progress=progress, title="density"):
        counts += found
    sizes = np.bincount(member).astype(float)
    voxel = abs(np.linalg.det(cell)) / math.prod(shape) * int(folds.prod())
    density = (counts / sizes[:, None, None, None] / voxel).astype(np.float32)
    kelvin = trajectory.inputs.get("conditions", {}).get("temperature")
    bare = DensityMap(
        density=sc.DataArray(sc.scalar(0.0)),
        cell=sc.vectors(dims=["cell_vector"], values=cell, unit="angstrom"),
        species=species if isinstance(species, str) else f"{len(atoms)} atoms",
        atoms=len(atoms) / int(folds.prod()),
        temperature=None if kelvin is None else sc.scalar(float(kelvin), unit="K"),
        blocks=density,
        frames=sizes,
        warnings=_doubts(density, sizes),
    )
    return _mapped(density, bare)


def _mapped(blocks: Array, like: DensityMap) -> DensityMap:
    mean, error = mean_of_groups(np.moveaxis(blocks, 0, -1).astype(np.float64), like.frames)
    values = sc.array(dims=["a", "b", "c"], values=mean, variances=error**2, unit="1/angstrom^3")
    coords = {name: sc.linspace(name, 0.0, 1.0, size + 1) for name, size in zip("abc", mean.shape, strict=True)}
    return DensityMap(
        density=sc.DataArray(values, coords=coords, name=f"density of {like.species}"),
        cell=like.cell,
        species=like.species,
        atoms=like.atoms,
        temperature=like.temperature,
        blocks=blocks.astype(np.float32),
        frames=like.frames,
        warnings=like.warnings,
    )


def _doubts(blocks: npt.NDArray[np.float32], frames: Array) -> tuple[str, ...]:
    """Whether stretches twice as long scatter as independent ones would, in sums over voxels that hold many counts."""
    pairs = len(blocks) // 2
    if pairs < 3:
        return (f"Only {len(blocks)} stretches of time: errors are rough.",)
    even = blocks[: 2 * pairs].reshape(2 * pairs, -1)
    coarse = np.add.reduceat(even, np.arange(0, even.shape[1], max(1, even.shape[1] // 4096)), axis=1)
    single = coarse.var(axis=0, ddof=1).sum() / (2 * pairs)
    double = (0.5 * (coarse[::2] + coarse[1::2])).var(axis=0, ddof=1).sum() / pairs
    if double > _FACTOR * single > 0:
        return ("The density still changes from one stretch of time to the next: errors are lower bounds, run longer.",)
    return ()
