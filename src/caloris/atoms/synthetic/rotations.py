"""Rotations of rigid groups XH4 and XH3: jumps between sites, and rotational diffusion; orientations are random.

Jumps by rotations of a finite group make a random walk on its elements: the probability to be turned by each is a sum
of exponentials, and every observable an average over elements. Angstrom, ps, 1/angstrom.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.synthetic.motions import Array, Parts, Rotation, square_length
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Indices = npt.NDArray[np.integer[Any]]

TETRAHEDRON = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]) / math.sqrt(3)
"""Directions of the four bonds."""


@dataclass(frozen=True)
class SiteJumps(Rotation):
    """Rotational jumps at random times, each one of the given rotations, as likely; the axes are fixed in the crystal.

    Make one with :meth:`twofold`, :meth:`threefold`, :meth:`tetrahedral` or :meth:`cubic`.
    """

    distance: Quantity
    """From the centre to the outer atoms, angstrom."""
    residence_time: Quantity
    """Mean time between jumps, ps."""
    rotations: Any
    """(n, 3, 3); with each its inverse."""
    directions: Any = None
    """(atoms, 3) unit vectors to the outer atoms; a tetrahedron by default."""

    @classmethod
    def twofold(cls, distance: Quantity, residence_time: Quantity) -> "SiteJumps":
        """XH4 that turns by 180 deg about one axis between its bonds: every H has two sites."""
        return cls(distance, residence_time, _turns([[0, 0, 1]], [180]))

    @classmethod
    def threefold(cls, distance: Quantity, residence_time: Quantity, *, atoms: int = 4) -> "SiteJumps":
        """XH4 that turns by +-120 deg about its first bond, whose H does not move; with ``atoms=3`` XH3 about its axis.

        A moving H has I(Q,t) = A + (1 - A) exp(-3 t / 2 tau), A = (1 + 2 j0(Q d_HH)) / 3.
        """
        if atoms not in (3, 4):
            raise InputError(f"atoms: expected 3 (XH3) or 4 (XH4), got {atoms!r}")
        return cls(distance, residence_time, _turns([[1, 1, 1]], [120, 240]), TETRAHEDRON[4 - atoms :])

    @classmethod
    def tetrahedral(cls, distance: Quantity, residence_time: Quantity, *, axes: str = "C3") -> "SiteJumps":
        """XH4 among the orientations that put H in the same four places.

        With ``axes="C3"`` by +-120 deg about any bond, 1/rate = tau; ``"C2"``: by 180 deg between bonds, 3 tau / 4;
        ``"T"``: any of these 11, 11 tau / 12.
        """
        three = _turns(TETRAHEDRON, [120, 240])
        two = _turns(np.eye(3), [180])
        sets = {"C3": three, "C2": two, "T": np.concatenate([three, two])}
        if axes not in sets:
            raise InputError(f"axes: expected 'C3', 'C2' or 'T', got {axes!r}")
        return cls(distance, residence_time, sets[axes])

    @classmethod
    def cubic(cls, distance: Quantity, residence_time: Quantity) -> "SiteJumps":
        """XH4 that turns by +-90 deg about the axes of a cube, so that H visit its eight corners."""
        return cls(distance, residence_time, _turns(np.eye(3), [90, 270]))

    @cached_property
    def _numbers(self) -> tuple[Array, float]:
        distance = magnitude(self.distance, "angstrom", "distance", positive=True)
        directions = TETRAHEDRON if self.directions is None else np.asarray(self.directions, dtype=float)
        return distance * directions, magnitude(self.residence_time, "ps", "residence_time", positive=True)

    @property
    def vertices(self) -> Array:
        """Positions of the outer atoms about the centre, (n, 3), angstrom."""
        return self._numbers[0]

    @property
    def residence(self) -> float:
        """Mean time between jumps, ps."""
        return self._numbers[1]

    @cached_property
    def group(self) -> tuple[Array, Indices]:
        """Every rotation that jumps lead to, (g, 3, 3), and where each jump leads from there, (jumps, g)."""
        jumps = np.asarray(self.rotations, dtype=float)
        found = [np.eye(3)]
        for element in found:  # grows while it is walked through
            for jump in jumps:
                new = jump @ element
                if min(np.abs(new - known).max() for known in found) > 1e-6:
                    found.append(new)
            if len(found) > 120:
                raise InputError("rotations: they do not close to a finite group")
        elements = np.array(found)
        products = np.einsum("jab,gbc->jgac", jumps, elements)
        table = np.abs(products[:, :, None] - elements).max(axis=(-1, -2)).argmin(axis=2)
        return elements, table

    @cached_property
    def _decay(self) -> tuple[Array, Array]:
        """Rates (n,), 1/ps, and for each the part (n, g) of the probability to be turned by every element."""
        elements, table = self.group
        count = len(elements)
        matrix = np.zeros((count, count))
        for targets in table:
            matrix[targets, np.arange(count)] += 1 / len(table)
        if np.abs(matrix - matrix.T).max() > 1e-9:
            raise InputError("rotations: expected with each rotation its inverse")
        values, vectors = np.linalg.eigh(np.eye(count) - matrix)
        rates = np.unique(np.round(values, 9))
        parts = [vectors[:, np.abs(values - rate) < 1e-6] for rate in rates]
        return rates / self._numbers[1], np.array([part @ part[0] for part in parts])

    def _pairs(self) -> tuple[Array, Array]:
        """Cosine of the angle and distance, angstrom, between a vertex and where each element takes it: (g, n)."""
        elements, _ = self.group
        vertices = self._numbers[0]
        starts = np.einsum("gab,nb->gna", elements, vertices).reshape(-1, 3)  # any element may be where it starts
        ends = np.einsum("gab,nb->gna", elements, starts)
        distance = np.linalg.norm(ends - starts, axis=-1)
        return np.einsum("gna,na->gn", ends, starts) / (vertices[0] @ vertices[0]), distance

    def _square(self, t: Array) -> Array:
        rates, parts = self._decay
        squares = parts @ (self._pairs()[1] ** 2).mean(axis=1)
        return np.asarray(squares @ np.exp(-np.outer(rates, t)))

    def _legendre(self, t: Array, order: int) -> Array:
        rates, parts = self._decay
        values = np.polynomial.legendre.Legendre.basis(order)(self._pairs()[0]).mean(axis=1)
        return np.asarray(parts @ values @ np.exp(-np.outer(rates, t)))

    def _exponentials(self, q: Array) -> Parts:
        rates, parts = self._decay
        length = np.sqrt(square_length(q))
        distance = self._pairs()[1]
        mean = np.array([np.sinc(value * distance / math.pi).mean(axis=1) for value in length])
        return [(mean @ part, np.full(len(q), rate)) for rate, part in zip(rates, parts, strict=True)]


@dataclass(frozen=True)
class RotationalDiffusion(Rotation):
    """XH4 that turns by isotropic rotational diffusion: C_l = exp(-l (l + 1) D t).

    Source
    ------
    Sears, Can. J. Phys. 44, 1299 (1966).
    """

    distance: Quantity
    """From the centre to the outer atoms, angstrom."""
    coefficient: Quantity
    """D, 1/ps (of rad^2)."""

    @cached_property
    def _numbers(self) -> tuple[float, float]:
        distance = magnitude(self.distance, "angstrom", "distance", positive=True)
        return distance, magnitude(self.coefficient, "1/ps", "coefficient", positive=True)

    @property
    def vertices(self) -> Array:
        """Positions of the outer atoms about the centre, (n, 3), angstrom."""
        return self._numbers[0] * TETRAHEDRON

    def angles(self, dt: float) -> tuple[Array, Array]:
        """Return angles, rad, and the probability to turn by less in a time, both (4097,).

        Turns about random axes by angles drawn so compose to rotational diffusion exactly, however large they are; what
        is left is the linear interpolation in this table, some 1e-6 of the rate.
        """
        step = self._numbers[1] * dt
        angle = np.linspace(0, min(math.pi, 12 * math.sqrt(2 * step)), 4097)
        cumulated = angle - np.sin(angle)
        for order in range(1, 3 + math.ceil(math.sqrt(45 / step))):
            weight = (2 * order + 1) * math.exp(-order * (order + 1) * step)
            cumulated += weight * (np.sin(order * angle) / order - np.sin((order + 1) * angle) / (order + 1))
        return angle, np.maximum.accumulate(cumulated) / cumulated.max()

    def _square(self, t: Array) -> Array:
        distance, _ = self._numbers
        return np.asarray(2 * distance**2 * (1 - self._legendre(t, 1)))

    def _legendre(self, t: Array, order: int) -> Array:
        return np.asarray(np.exp(-order * (order + 1) * self._numbers[1] * t))

    def _exponentials(self, q: Array) -> Parts:
        from scipy.special import spherical_jn

        distance, diffusion = self._numbers
        x = np.sqrt(square_length(q)) * distance
        orders = np.arange(12 + math.ceil(1.5 * x.max(initial=0.0)))
        rates = orders * (orders + 1) * diffusion
        weights = [(2 * order + 1) * spherical_jn(order, x) ** 2 for order in orders]
        return [(weight, np.full(len(q), rate)) for weight, rate in zip(weights, rates, strict=True)]


def _turns(axes: npt.ArrayLike, degrees: list[int]) -> Array:
    """Rotations about each axis by each angle, (n, 3, 3)."""
    from scipy.spatial.transform import Rotation as Turn

    units = np.asarray(axes, dtype=float)
    units = units / np.linalg.norm(units, axis=1, keepdims=True)
    return np.array([Turn.from_rotvec(np.deg2rad(angle) * axis).as_matrix() for axis in units for angle in degrees])
