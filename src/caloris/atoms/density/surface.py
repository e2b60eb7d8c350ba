"""Surfaces of equal density by marching tetrahedra on the periodic grid, in any cell. Units: angstrom, 1/angstrom^3.

Source: Doi and Koide, IEICE Trans. E74, 214 (1991).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.density._kernels import march_tetrahedra
from caloris.atoms.density.grid import DensityMap
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Isosurface:
    """A surface of equal density."""

    level: sc.Variable
    """1/angstrom^3."""
    triangles: Array
    """Corners (n, 3, 3), angstrom, outward by the right hand; those at the edge of the cell reach into the next."""
    area: sc.Variable
    """angstrom^2, of one cell."""
    volume_share: float
    """Share of the cell that is denser."""
    atom_share: float
    """Share of the atoms that is inside."""
    relative_level: float
    """Level over the mean density."""

    def __repr__(self) -> str:
        return (
            f"<Isosurface: {self.level.value:.3g} 1/angstrom^3 ({self.relative_level:.2g} of the mean), "
            f"{100 * self.volume_share:.3g} % of the cell, {100 * self.atom_share:.3g} % of the atoms>"
        )


def isosurface(density: DensityMap, level: Quantity | None = None) -> Isosurface:
    """Return the surface of a map at a density.

    Parameters
    ----------
    density:
        The map; smooth it first if its voxels hold few counts.
    level:
        1/angstrom^3; by default the one that encloses half of the atoms.

    Returns
    -------
    :
        Triangles, area, and what is inside: the level says little without it.

    Raises
    ------
    InputError
        If the density is nowhere above the level, or everywhere.
    """
    given = density.level_enclosing(0.5) if level is None else level
    value = magnitude(given, "1/angstrom^3", "level", positive=True)
    rho = np.ascontiguousarray(density.density.values)
    inside = rho > value
    if not inside.any() or inside.all():
        raise InputError(f"level: {value:g} 1/angstrom^3 is outside of the map, {rho.min():.3g} to {rho.max():.3g}")
    triangles, found = march_tetrahedra(rho, value, 1 << 16)
    if found > len(triangles):
        triangles, found = march_tetrahedra(rho, value, found)
    # values are those of the centres of voxels
    corners = (triangles[:found] + 0.5) / rho.shape @ density.cell.values
    sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if np.linalg.det(density.cell.values) < 0:
        corners = corners[:, ::-1]
    return Isosurface(
        level=sc.scalar(value, unit="1/angstrom^3"),
        triangles=corners,
        area=sc.scalar(float(0.5 * np.linalg.norm(sides, axis=1).sum()), unit="angstrom^2"),
        volume_share=float(inside.mean()),
        atom_share=float(rho[inside].sum() / rho.sum()),
        relative_level=value / density.mean,
    )
