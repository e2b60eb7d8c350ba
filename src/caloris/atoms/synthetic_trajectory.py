"""Synthetic trajectories: atoms that move as models say, written as an engine would, with closed forms to compare with.

What a model says of every observable stands in the folder ``synthetic``. Units: angstrom, ps. Velocities are those of
vibrations and of diffusion with a relaxation time; jumps and Brownian steps have none.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.h5md import SLAB, UNITS, begin_file, chunk_shape, connected, steps_per_picosecond
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.synthetic import _kernels as kernels
from caloris.atoms.synthetic.crystal import HarmonicCrystal
from caloris.atoms.synthetic.motions import Array, FreeDiffusion, Gaussian, LatticeJumps, Motion, Vibration
from caloris.atoms.synthetic.populations import REST, Molecules, Particles, Population, cubic_sites
from caloris.atoms.synthetic.rotations import RotationalDiffusion, SiteJumps
from caloris.atoms.trajectory import Trajectory, open_trajectory
from caloris.errors import InputError
from caloris.files import whole
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    import h5py

__all__ = [
    "REST",
    "FreeDiffusion",
    "HarmonicCrystal",
    "LatticeJumps",
    "Molecules",
    "Motion",
    "Particles",
    "RotationalDiffusion",
    "SiteJumps",
    "SyntheticTrajectory",
    "Vibration",
    "benchmark_trajectory",
    "cubic_sites",
]

_UNITS = 64
"""Atoms or molecules with one stream of random numbers: part of what a seed means, so that it must not change."""
_FRAMES = 512
"""Frames drawn at once: whole chunks of the file."""
_WITHOUT = np.empty((0, 1, 1, 3))


@dataclass(frozen=True)
class SyntheticTrajectory:
    """Populations in a box; the same seed gives the same trajectory, whatever the number of cores and the file."""

    populations: tuple[Population, ...]
    cell: Quantity | sc.Variable
    """Edge of the cubic box, or three edges, angstrom; positions are unwrapped, and nothing feels the box."""
    frames: int
    timestep: Quantity
    """From frame to frame, ps."""
    seed: int = 1
    at_rest: bool = False
    """Whether to take the motion of the centre of mass of all atoms away from positions, as analyses do; closed forms
    then hold but for a part of about an atom's share of the mass. Velocities stay."""

    def __post_init__(self) -> None:
        if not self.populations or self.frames < 1:
            raise InputError("synthetic trajectory: expected a population and a frame at least")

    def __repr__(self) -> str:
        return f"<SyntheticTrajectory: {len(self.symbols)} atoms, {self.frames} frames, seed {self.seed}>"

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Element of every atom."""
        return tuple(symbol for population in self.populations for symbol in population.symbols)

    @property
    def elements(self) -> dict[int, str]:
        """Element of every type of the LAMMPS dump, from 1."""
        return dict(enumerate(dict.fromkeys(self.symbols), start=1))

    @property
    def time(self) -> sc.Variable:
        """Of every frame, ps."""
        return sc.array(dims=["time"], values=self._dt * np.arange(self.frames), unit="ps")

    @property
    def _dt(self) -> float:
        return magnitude(self.timestep, "ps", "timestep", positive=True)

    @property
    def _edges(self) -> Array:
        if isinstance(self.cell, sc.Variable) and self.cell.ndim == 1:
            return np.asarray(self.cell.to(unit="angstrom", dtype="float64").values)
        return np.full(3, magnitude(self.cell, "angstrom", "cell", positive=True))

    # closed forms

    def mean_square_displacement(self, species: str, time: sc.Variable) -> sc.DataArray:
        """Return <|r(t) - r(0)|^2> of an element over ``time``, angstrom^2."""
        return self._mean(species, lambda motion: motion.mean_square_displacement(time))

    def intermediate_scattering(self, species: str, momentum_transfer: sc.Variable, time: sc.Variable) -> sc.DataArray:
        """Return the incoherent I(Q,t) of an element, as :meth:`Motion.intermediate_scattering` does."""
        return self._mean(species, lambda motion: motion.intermediate_scattering(momentum_transfer, time))

    def eisf(self, species: str, momentum_transfer: sc.Variable) -> sc.DataArray:
        """Return I(Q, t -> infinity) of an element over ``Q``."""
        return self._mean(species, lambda motion: motion.eisf(momentum_transfer))

    def velocity_autocorrelation(self, species: str, time: sc.Variable) -> sc.DataArray:
        """Return <v(0).v(t)> of an element over ``time``, angstrom^2/ps^2."""
        return self._mean(species, lambda motion: motion.velocity_autocorrelation(time))

    def orientation_correlation(self, time: sc.Variable, order: int = 1) -> sc.DataArray:
        """Return C1 or C2 of the bonds of the molecules over ``time``; vibrations are left out."""
        turning = [(p.units, p.rotation) for p in self.populations if isinstance(p, Molecules)]
        if not turning:
            raise InputError("orientation_correlation: there are no molecules")
        total = sum(count for count, _ in turning)
        found = [count / total * motion.orientation_correlation(time, order) for count, motion in turning]
        return sum(found[1:], found[0])

    def density_of_states(self, species: str | None, energy_transfer: sc.Variable) -> sc.DataArray:
        """Return the density of states of an element, or of all weighted with m <v^2>, 1/meV; its integral is 1."""
        from ase import Atoms

        start = sc.zeros(dims=["time"], shape=[1], unit="ps")
        total, found = 0.0, None
        for symbol, count, motion in self._motions(species):
            weight = count * float(Atoms(symbol).get_masses()[0] * motion.velocity_autocorrelation(start).values[0])
            if weight > 0:
                part = weight * motion.density_of_states(energy_transfer)
                total, found = total + weight, part if found is None else found + part
        if found is None:
            raise InputError(f"density_of_states: no {species or 'atom'} has a velocity; add a Vibration")
        return found / total

    def _motions(self, species: str | None) -> list[tuple[str, int, Motion]]:
        every = [part for population in self.populations for part in population.motions]
        found = [part for part in every if species in (None, part[0])]
        if not found:
            raise InputError(f"species: no {species!r}; there are {', '.join(self.elements.values())}")
        return found

    def _mean(self, species: str, of: Callable[[Motion], sc.DataArray]) -> sc.DataArray:
        parts = self._motions(species)
        total = sum(count for _, count, _ in parts)
        found = [count / total * of(motion) for _, count, motion in parts]
        return sum(found[1:], found[0])

    # files

    def write(
        self,
        path: str | Path,
        *,
        velocities: bool = True,
        precision: Literal["float32", "float64"] = "float32",
        progress: Progress | None = None,
    ) -> Trajectory:
        """Write the trajectory as caloris stores them, block of atoms by block, never more than a little in memory.

        Parameters
        ----------
        path:
            The H5MD file.
        velocities:
            Whether to write them, where anything has one.
        precision:
            float32 keeps 4e-6 angstrom at 50 angstrom.
        progress:
            Called with the part that is done.

        Returns
        -------
        :
            The trajectory; its ``inputs`` say that it is synthetic.
        """
        import h5py

        moving = velocities and self._moving
        with whole(path) as temporary, h5py.File(temporary, "w") as file:
            values = self._create(file, ["position", "velocity"] if moving else ["position"], precision)
            task = partial(self._write_block, values)
            for _ in map_blocks(task, self._blocks(), progress=progress, title="synthetic trajectory"):
                pass
        return open_trajectory(path)

    def write_lammps_dump(
        self, path: str | Path, *, velocities: bool = False, decimals: int = 6, progress: Progress | None = None
    ) -> None:
        """Write the trajectory as a LAMMPS text dump, "id type xu yu zu" (and "vx vy vz", angstrom/ps).

        Parameters
        ----------
        path:
            The file. Types are those of :attr:`elements`; step numbers count frames.
        velocities:
            Whether to write them, where anything has one.
        decimals:
            Of every number.
        progress:
            Called with the part that is done.
        """
        if not 1 <= decimals <= 9:
            raise InputError(f"decimals: expected 1 to 9, got {decimals!r}")
        moving = velocities and self._moving
        numbers = {symbol: number for number, symbol in self.elements.items()}
        types = np.array([numbers[symbol] for symbol in self.symbols])
        bounds = "".join(f"0 {edge:.6f}\n" for edge in self._edges)
        names = "id type xu yu zu" + " vx vy vz" * moving
        head = f"\nITEM: NUMBER OF ATOMS\n{len(types)}\nITEM: BOX BOUNDS pp pp pp\n{bounds}ITEM: ATOMS {names}\n"
        text = np.empty(len(types) * (30 + (6 if moving else 3) * (12 + decimals)), dtype=np.uint8)
        done = 0
        with whole(path) as temporary, temporary.open("wb", buffering=1 << 20) as file:
            for x, v in self.slabs(velocities=moving):
                rows = np.concatenate([x, v], axis=-1) if moving else x
                for frame in rows:
                    file.write(f"ITEM: TIMESTEP\n{done}{head}".encode())
                    file.write(text[: kernels.write_rows(text, frame, types, decimals)].data)
                    done += 1
                if progress is not None:
                    progress("synthetic trajectory", done / self.frames)

    def slabs(self, *, velocities: bool = True) -> Iterator[tuple[Array, Array]]:
        """Yield positions and velocities, (frames, atoms, 3), of a few frames at a time; without any, (0, atoms, 3)."""
        blocks = self._blocks()
        draws = [self._drawing(block) for block in blocks]
        moving = velocities and self._moving
        most = max(1, SLAB // (48 * len(self.symbols)))
        for start in range(0, self.frames, most):
            count = min(most, self.frames - start)
            x = np.zeros((count, len(self.symbols), 3))
            v = np.zeros((count if moving else 0, len(self.symbols), 3))

            def task(number: int, count: int = count, x: Array = x, v: Array = v) -> None:
                _, shape, atoms, _ = blocks[number]
                drawn = np.zeros((count, *shape, 3)), np.zeros((len(v), *shape, 3))
                draws[number](*drawn)
                x[:, atoms], v[:, atoms] = (part.reshape(len(part), atoms.stop - atoms.start, 3) for part in drawn)

            for _ in map_blocks(task, range(len(blocks))):
                pass
            if self.at_rest:
                x -= self._drift[start : start + count, None]
            yield x, v

    @property
    def _moving(self) -> bool:
        return any(
            isinstance(part, Gaussian) and part.start()[1] > 0
            for _, _, motion in self._motions(None)
            for part in getattr(motion, "parts", (motion,))
        )

    def _blocks(self) -> list[tuple[int, tuple[int, int], slice, range]]:
        """Of each block: its population, (units, members), its atoms, its units."""
        found, first = [], 0
        for number, population in enumerate(self.populations):
            cuts = [*range(0, population.units, _UNITS), population.units]
            for start, stop in pairwise(cuts):
                size = (stop - start) * population.members
                found.append(
                    (number, (stop - start, population.members), slice(first, first + size), range(start, stop))
                )
                first += size
        return found

    def _drawing(self, block: tuple[int, tuple[int, int], slice, range]) -> Callable[[Array, Array], None]:
        number, _, _, units = block
        return self.populations[number].drawing(units, self._dt, [self.seed, number, units.start])

    @cached_property
    def _drift(self) -> Array:
        """(T, 3), of the centre of mass from where it was in the first frame."""
        from ase import Atoms

        masses = Atoms(self.symbols).get_masses()

        def moment(block: tuple[int, tuple[int, int], slice, range]) -> Array:
            _, shape, atoms, _ = block
            draw, own = self._drawing(block), masses[atoms].reshape(shape)
            found = np.empty((self.frames, 3))
            most = max(1, min(_FRAMES, SLAB // (48 * math.prod(shape))))
            for start in range(0, self.frames, most):
                x = np.zeros((min(most, self.frames - start), *shape, 3))
                draw(x, _WITHOUT)
                found[start : start + most] = np.einsum("tuma,um->ta", x, own)
            return found

        centre = sum(map_blocks(moment, self._blocks()), start=np.zeros((self.frames, 3))) / masses.sum()
        return np.asarray(centre - centre[0])

    def _write_block(self, values: "dict[str, h5py.Dataset]", block: tuple[int, tuple[int, int], slice, range]) -> None:
        _, shape, atoms, _ = block
        draw = self._drawing(block)
        most = max(1, min(_FRAMES, SLAB // (48 * math.prod(shape))))
        for start in range(0, self.frames, most):
            count = min(most, self.frames - start)
            x = np.zeros((count, *shape, 3))
            v = np.zeros_like(x) if "velocity" in values else _WITHOUT
            draw(x, v)
            if self.at_rest:
                x -= self._drift[start : start + count, None, None]
            for name, drawn in zip(values, (x, v), strict=False):
                kind = values[name].dtype
                values[name][start : start + count, atoms] = drawn.reshape(count, -1, 3).astype(kind, copy=False)

    def _create(self, file: "h5py.File", names: list[str], precision: str) -> "dict[str, h5py.Dataset]":
        """Everything of the file but the frames; return where they go."""
        from ase import Atoms

        if precision not in ("float32", "float64"):
            raise InputError(f"precision: expected 'float32' or 'float64', got {precision!r}")
        atoms, bonds = Atoms(self.symbols), self._bonds()
        inputs = {
            "synthetic": True,
            "seed": self.seed,
            "at_rest": self.at_rest,
            "populations": [repr(population.motions) for population in self.populations],
        }
        group = begin_file(
            file,
            numbers=atoms.numbers,
            masses=atoms.get_masses(),
            charges=None,
            molecules=connected(bonds, len(atoms)),
            bonds=bonds,
            known={"inputs": inputs},
        )
        file.create_group("observables")
        edges, time = group.create_group("box/edges"), self.time.values
        edges["step"] = np.round(steps_per_picosecond(time) * time).astype(np.int64)
        edges["time"] = time
        edges["time"].attrs["unit"] = "ps"
        cells = np.broadcast_to(np.diag(self._edges), (self.frames, 3, 3))
        edges.create_dataset("value", data=cells).attrs["unit"] = "Angstrom"
        shape = (self.frames, len(atoms), 3)
        chunks = chunk_shape(len(atoms), 3, np.dtype(precision).itemsize, self.frames)
        for name in names:
            element = group.create_group(name)
            element["step"], element["time"] = edges["step"], edges["time"]
            element.create_dataset("value", shape=shape, dtype=precision, chunks=chunks).attrs["unit"] = UNITS[name]
        return {name: group[f"{name}/value"] for name in names}

    def _bonds(self) -> npt.NDArray[np.integer[Any]]:
        first, found = 0, [np.empty((0, 2), dtype=int)]
        for population in self.populations:
            found.append(first + population.bonds)
            first += population.units * population.members
        return np.concatenate(found)


def benchmark_trajectory(
    cells: tuple[int, int, int] = (10, 10, 10), frames: int = 2000, seed: int = 1, *, at_rest: bool = False
) -> SyntheticTrajectory:
    """Return the trajectory of the benchmarks: turning SiH4 and jumping Li in a crystal of Si, all of them vibrating.

    Simple cubic cells of 5 angstrom. In the middle of each an SiH4 (1.48 angstrom) that turns by +-120 deg about one of
    its bonds, on average once in 2 ps; on its corner an Si, or in one of five cells an Li that jumps to one of the six
    neighbouring corners, on average once in 5 ps. <u_x^2> = 0.02 (H), 0.005 (Si), 0.01 (Li) angstrom^2; 15, 4, 6 THz;
    damping 3, 1, 1 1/ps. Frames are 10 fs apart.

    Parameters
    ----------
    cells:
        How many along each edge; 6 atoms in each.
    frames, seed, at_rest:
        As of :class:`SyntheticTrajectory`.

    Returns
    -------
    :
        The trajectory, not yet written.

    Examples
    --------
    >>> benchmark_trajectory((2, 2, 2), 100)
    <SyntheticTrajectory: 48 atoms, 100 frames, seed 1>
    """
    hydrogen = Vibration("0.02 angstrom^2", "15 THz", "3 1/ps")
    silicon = Vibration("0.005 angstrom^2", "4 THz", "1 1/ps")
    lithium = Vibration("0.01 angstrom^2", "6 THz", "1 1/ps")
    corners = cubic_sites("5 angstrom", cells).values
    chosen = np.zeros(len(corners), dtype=bool)
    chosen[np.random.default_rng([seed, 2]).permutation(len(corners))[: len(corners) // 5]] = True
    mobile, framework = (sc.vectors(dims=["atom"], values=corners[w], unit="angstrom") for w in (chosen, ~chosen))
    middle = cubic_sites("5 angstrom", cells, (0.5, 0.5, 0.5))
    turning = SiteJumps.threefold("1.48 angstrom", "2 ps")
    populations: list[Population] = [
        Molecules("Si", "H", middle, turning, centre_motion=silicon, outer_motion=hydrogen),
        Particles("Si", framework, silicon),
    ]
    if len(mobile):
        populations.append(Particles("Li", mobile, lithium + LatticeJumps("5 angstrom", "5 ps")))
    edges = sc.array(dims=["axis"], values=5.0 * np.array(cells), unit="angstrom")
    return SyntheticTrajectory(tuple(populations), edges, frames, "10 fs", seed, at_rest)
