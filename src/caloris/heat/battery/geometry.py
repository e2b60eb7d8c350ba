"""The pellet and its die: an axisymmetric cell of revolution, meshed with quadrilaterals.

A cylinder (radius R, height H) of the caloric material sits in a die of wall thickness w whose outer surface is
thermostatted. Only the upper half is meshed (mirror plane at half height). Coordinates are (r, z) in metres.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from caloris.errors import InputError
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from skfem import MeshQuad

Contact = Literal["all", "side", "ends"]
MOST_CELLS = 1_000_000
"""A mesh of more cells is refused before it fills the memory."""


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Shape and mesh of a battery cell.

    The default is a guess: the paper's geometry (its Supplementary Tables S3-S5) is not public.

    Parameters
    ----------
    radius, height:
        Of the pellet.
    wall:
        Thickness of the die around it; ``"0 mm"`` puts the pellet on the thermostat directly.
    contact:
        Which faces of the pellet touch: ``"all"``, the ``"side"`` only, or the ``"ends"`` only. The other
        faces are insulated.
    cells:
        Number of cells across the radius; all other cell sizes follow.
    grading:
        How much the cells shrink towards a contact face, where the first seconds happen: the outermost is
        1 - grading of the mean, the innermost 1 + grading; 0 is uniform.

    Raises
    ------
    InputError
        If a length is not positive, has a wrong unit, or the mesh would be absurd.

    Examples
    --------
    >>> geometry = Geometry(radius="5 mm", height="10 mm")
    >>> f"{geometry.volume * 1e9:.1f} mm3"
    '785.4 mm3'
    """

    radius: Quantity = "5 mm"
    height: Quantity = "10 mm"
    wall: Quantity = "5 mm"
    contact: Contact = "all"
    cells: int = 16
    grading: float = 0.6

    def __post_init__(self) -> None:
        for name in ("radius", "height"):
            value = magnitude(getattr(self, name), "m", f"geometry {name}", positive=True)
            if not 1e-6 <= value <= 100:
                raise InputError(f"geometry {name}: {value:g} m is outside 1 um to 100 m; check the unit")
        wall = magnitude(self.wall, "m", "geometry wall")
        if not 0 <= wall <= 100:
            raise InputError(f"geometry wall: must lie between 0 and 100 m, got {wall:g} m")
        if self.contact not in ("all", "side", "ends"):
            raise InputError(f"geometry contact: {self.contact!r} is none of 'all', 'side', 'ends'")
        if not isinstance(self.cells, int) or isinstance(self.cells, bool) or not 1 <= self.cells <= 512:
            raise InputError(
                f"geometry cells: must be a whole number from 1 to 512 across the radius, got {self.cells!r}"
            )
        if isinstance(self.grading, bool) or not isinstance(self.grading, int | float) or not 0 <= self.grading <= 0.9:
            raise InputError(f"geometry grading: must be a number from 0 (uniform) to 0.9, got {self.grading!r}")
        if self.axial_cells > 4096:
            raise InputError(
                f"geometry: height/radius = {self.half_height_m * 2 / self.radius_m:g} needs {self.axial_cells} "
                "cells along the axis; use fewer cells or a shorter pellet"
            )
        thick = self._wall_cells
        across = self.cells + (0 if self.contact == "ends" else thick)
        along = self.axial_cells + (0 if self.contact == "side" else thick)
        if across * along > MOST_CELLS:
            raise InputError(
                f"geometry: pellet and die need {across} x {along} cells, more than {MOST_CELLS:,}; "
                "use fewer cells or a thinner wall"
            )

    @property
    def radius_m(self) -> float:
        """Pellet radius, m."""
        return magnitude(self.radius, "m", "geometry radius")

    @property
    def half_height_m(self) -> float:
        """Half the pellet height, m."""
        return 0.5 * magnitude(self.height, "m", "geometry height")

    @property
    def wall_m(self) -> float:
        """Wall thickness of the die, m."""
        return magnitude(self.wall, "m", "geometry wall")

    @property
    def volume(self) -> float:
        """Volume of the whole pellet, m3."""
        return float(2 * np.pi * self.radius_m**2 * self.half_height_m)

    @property
    def axial_cells(self) -> int:
        """Number of cells along half the height."""
        return max(1, round(self.cells * self.half_height_m / self.radius_m))

    @property
    def has_die(self) -> bool:
        """Whether there is a die between pellet and thermostat."""
        return self.wall_m > 0

    def pellet_mesh(self) -> "MeshQuad":
        """Mesh the upper half of the pellet.

        Returns
        -------
        :
            Quadrilaterals; nodes (r, z) in m, from the axis and the mirror plane outwards.

        Examples
        --------
        >>> Geometry(cells=4).pellet_mesh().p.shape
        (2, 25)
        """
        from skfem import MeshQuad

        return MeshQuad.init_tensor(*self._pellet_lines())

    def die_mesh(self) -> "MeshQuad":
        """Mesh the upper half of the die; its nodes on the contact faces coincide with the pellet's.

        Returns
        -------
        :
            Quadrilaterals; nodes (r, z) in m.

        Examples
        --------
        >>> Geometry(cells=4).die_mesh().p.shape
        (2, 48)
        """
        from skfem import MeshQuad

        r, z = self._pellet_lines()
        wall = np.linspace(0, self.wall_m, self._wall_cells + 1)[1:]
        if self.contact in ("all", "side"):
            r = np.concatenate([r, self.radius_m + wall])
        if self.contact in ("all", "ends"):
            z = np.concatenate([z, self.half_height_m + wall])
        mesh = MeshQuad.init_tensor(r, z)
        centre = mesh.p[:, mesh.t].mean(axis=1)
        outside = (centre[0] > self.radius_m) | (centre[1] > self.half_height_m)
        return mesh.restrict(np.flatnonzero(outside))

    def on_contact(self, x: np.ndarray) -> np.ndarray:
        """Say which points lie on a contact face of the pellet.

        Parameters
        ----------
        x:
            Points (r, z), shape (2, ...), m.

        Returns
        -------
        :
            Truth values, shape (...).
        """
        tolerance = 1e-9 * (self.radius_m + self.half_height_m)
        side = (np.abs(x[0] - self.radius_m) < tolerance) & (x[1] < self.half_height_m + tolerance)
        ends = (np.abs(x[1] - self.half_height_m) < tolerance) & (x[0] < self.radius_m + tolerance)
        return np.asarray({"all": side | ends, "side": side, "ends": ends}[self.contact])

    def on_thermostat(self, x: np.ndarray) -> np.ndarray:
        """Say which points lie on the thermostatted outside of the die.

        Parameters
        ----------
        x:
            Points (r, z), shape (2, ...), m.

        Returns
        -------
        :
            Truth values, shape (...).
        """
        tolerance = 1e-9 * (self.radius_m + self.half_height_m + self.wall_m)
        side = x[0] > self.radius_m + self.wall_m - tolerance
        ends = x[1] > self.half_height_m + self.wall_m - tolerance
        return np.asarray({"all": side | ends, "side": side, "ends": ends}[self.contact])

    @property
    def _wall_cells(self) -> int:
        size = max(self.radius_m / self.cells, self.half_height_m / self.axial_cells)
        return max(3, round(self.wall_m / (2 * size))) if self.has_die else 0

    def _pellet_lines(self) -> tuple[np.ndarray, np.ndarray]:
        return (
            _divided(self.radius_m, self.cells, self.grading if self.contact != "ends" else 0.0),
            _divided(self.half_height_m, self.axial_cells, self.grading if self.contact != "side" else 0.0),
        )


def _divided(length: float, cells: int, grading: float) -> np.ndarray:
    """Divide a length into cells that shrink smoothly towards its end."""
    part = np.linspace(0.0, 1.0, cells + 1)
    return length * (part + grading * part * (1.0 - part))
