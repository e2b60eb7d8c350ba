"""Populations of a synthetic trajectory: single atoms, and molecules, with how each of their atoms moves.

A population draws its units (atoms, molecules) in blocks, each with its own random numbers. Angstrom, ps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipp as sc

from caloris.atoms.synthetic import _kernels as kernels
from caloris.atoms.synthetic.motions import Array, Gaussian, LatticeJumps, Motion, Together, lower_root
from caloris.atoms.synthetic.rotations import Indices, RotationalDiffusion, SiteJumps
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

REST = Together(())
"""No motion."""


class Population(Protocol):
    """Atoms or molecules that are alike."""

    @property
    def units(self) -> int:
        """How many atoms or molecules."""

    @property
    def members(self) -> int:
        """Atoms of each."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Element of every atom, unit by unit."""

    @property
    def bonds(self) -> Indices:
        """(bonds, 2) indices within the population."""

    @property
    def motions(self) -> list[tuple[str, int, Motion]]:
        """Element, how many atoms of it, how they move."""

    def drawing(self, units: range, dt: float, seed: list[int]) -> Callable[[Array, Array], None]:
        """Return a function that adds the next frames to x and v, (frames, units, members, 3)."""


@dataclass(frozen=True)
class Particles:
    """Single atoms."""

    symbol: str
    sites: sc.Variable
    """Vectors, one dimension: where they start, or vibrate about."""
    motion: Motion = REST

    @property
    def units(self) -> int:
        """How many atoms."""
        return len(self.sites)

    @property
    def members(self) -> int:
        """Atoms of each: 1."""
        return 1

    @property
    def symbols(self) -> tuple[str, ...]:
        """Element of every atom."""
        return (self.symbol,) * self.units

    @property
    def bonds(self) -> Indices:
        """None."""
        return np.empty((0, 2), dtype=int)

    @property
    def motions(self) -> list[tuple[str, int, Motion]]:
        """Element, how many atoms of it, how they move."""
        return [(self.symbol, self.units, self.motion)]

    def drawing(self, units: range, dt: float, seed: list[int]) -> Callable[[Array, Array], None]:
        """Return a function that adds the next frames to x and v, (frames, units, 1, 3)."""
        sites = np.asarray(self.sites.to(unit="angstrom").values)[units.start : units.stop, None]
        return _drawing(sites, [(slice(None), self.motion)], len(units), dt, seed)


@dataclass(frozen=True)
class Molecules:
    """Rigid groups XH4 or XH3, in random orientations, whose atoms may vibrate about where the group puts them."""

    centre: str
    outer: str
    sites: sc.Variable
    """Vectors, one dimension: where the centres start, or vibrate about."""
    rotation: SiteJumps | RotationalDiffusion
    centre_motion: Motion = REST
    """Of the centre alone."""
    outer_motion: Motion = REST
    """Of each outer atom alone."""
    motion: Motion = REST
    """Of the molecule as a whole."""

    @property
    def units(self) -> int:
        """How many molecules."""
        return len(self.sites)

    @property
    def members(self) -> int:
        """Atoms of each."""
        return 1 + len(self.rotation.vertices)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Element of every atom: a centre, its outer atoms, the next centre."""
        return (self.centre, *[self.outer] * (self.members - 1)) * self.units

    @property
    def bonds(self) -> Indices:
        """From each centre to its outer atoms."""
        pairs = np.array([[0, outer] for outer in range(1, self.members)])
        return np.asarray((self.members * np.arange(self.units)[:, None, None] + pairs).reshape(-1, 2))

    @property
    def motions(self) -> list[tuple[str, int, Motion]]:
        """Element, how many atoms of it, how they move."""
        outer = self.motion + self.rotation + self.outer_motion
        return [
            (self.centre, self.units, self.motion + self.centre_motion),
            (self.outer, self.units * (self.members - 1), outer),
        ]

    def drawing(self, units: range, dt: float, seed: list[int]) -> Callable[[Array, Array], None]:
        """Return a function that adds the next frames to x and v, (frames, units, members, 3)."""
        sites = np.asarray(self.sites.to(unit="angstrom").values)[units.start : units.stop, None]
        outer, centre = slice(1, None), slice(0, 1)
        moves = [(outer, self.rotation), (centre, self.centre_motion), (outer, self.outer_motion)]
        return _drawing(sites, [*moves, (None, self.motion)], len(units), dt, seed, self.members)


def cubic_sites(
    edge: Quantity, cells: tuple[int, int, int], offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> sc.Variable:
    """Return one site in each cell of a cubic lattice.

    Parameters
    ----------
    edge:
        Of a cell.
    cells:
        How many along each edge of the box.
    offset:
        Of the site in its cell, in edges.

    Returns
    -------
    :
        Vectors over ``atom``, angstrom.

    Examples
    --------
    >>> cubic_sites("5 angstrom", (1, 1, 2), (0.5, 0.5, 0.5)).values.tolist()
    [[2.5, 2.5, 2.5], [2.5, 2.5, 7.5]]
    """
    length = magnitude(edge, "angstrom", "edge", positive=True)
    corners = np.stack(np.meshgrid(*(np.arange(n) for n in cells), indexing="ij"), axis=-1).reshape(-1, 3)
    return sc.vectors(dims=["atom"], values=length * (corners + np.asarray(offset)), unit="angstrom")


def _drawing(
    sites: Array,
    moves: list[tuple[slice | None, Motion]],
    units: int,
    dt: float,
    seed: list[int],
    members: int = 1,
) -> Callable[[Array, Array], None]:
    """Sum of independent motions; each moves a slice of the members by themselves, or all of them alike (None)."""
    processes = []
    for number, (which, motion) in enumerate(moves):
        count = 1 if which is None else len(range(*which.indices(members)))
        for order, part in enumerate(getattr(motion, "parts", (motion,))):
            rng = np.random.default_rng([*seed, number, order])
            processes.append((which, _process(part, (units, count), dt, rng)))

    def draw(x: Array, v: Array) -> None:
        x += sites
        for which, process in processes:
            if which is None:
                alike, too = np.zeros((len(x), units, 1, 3)), np.zeros((len(v), units, 1, 3))
                process(alike, too)
                x += alike
                v += too
            else:
                process(x[:, :, which], v[:, :, which] if len(v) else v)

    return draw


def _process(
    motion: Motion, shape: tuple[int, int], dt: float, rng: np.random.Generator
) -> Callable[[Array, Array], None]:
    """One motion with its state: adds the next frames to x and v."""
    if isinstance(motion, Gaussian):
        matrix, covariance = motion.propagator(dt)
        sizes = np.array(motion.start()).reshape(2, 1, 1, 1)
        state, noise = sizes * rng.standard_normal((2, *shape, 3)), lower_root(covariance)
        return lambda x, v: kernels.linear(x, v, state, matrix, noise, rng)
    if isinstance(motion, LatticeJumps):
        jumps, tau = motion._numbers
        place, waiting = np.zeros((*shape, 3)), tau * rng.standard_exponential(shape)
        return lambda x, v: kernels.lattice_jumps(x, place, waiting, jumps, tau, dt, rng)
    if isinstance(motion, SiteJumps):
        elements, table = motion.group
        sites = np.einsum("gab,nb->gna", elements, motion.vertices)
        axes, element = _random_rotations(shape[0], rng), rng.integers(0, len(elements), shape[0])
        tau, waiting = motion.residence, motion.residence * rng.standard_exponential(shape[0])
        return lambda x, v: kernels.site_jumps(x, element, waiting, axes, sites, table, tau, dt, rng)
    if isinstance(motion, RotationalDiffusion):
        angles, cumulated = motion.angles(dt)
        turned, vertices = rng.standard_normal((shape[0], 4)), motion.vertices
        turned /= np.linalg.norm(turned, axis=1, keepdims=True)
        return lambda x, v: kernels.rotational_diffusion(x, turned, vertices, angles, cumulated, rng)
    raise InputError(f"synthetic trajectory: cannot draw {type(motion).__name__}")


def _random_rotations(count: int, rng: np.random.Generator) -> Array:
    """(count, 3, 3), uniform."""
    from scipy.spatial.transform import Rotation as Turn

    return np.asarray(Turn.from_quat(rng.standard_normal((count, 4))).as_matrix())
