"""Trajectories on disk, read lazily: segments joined into one H5MD file, opened as a :class:`Trajectory`.

Units: angstrom, ps, u, e, eV, K, MPa. Positions are unwrapped and molecules whole. The file: ``h5md.py``; what an
engine hands back: ``segments.py``.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.atoms.atom_names import atoms_named, composition
from caloris.atoms.h5md import SLAB, is_store, read_atoms, read_boundary, read_observables, write_h5md
from caloris.atoms.parallel import Progress
from caloris.atoms.segments import (
    OBSERVABLE_UNITS,
    Array,
    Indices,
    Segment,
    opened,
    read_segment,
    unwrap,
    write_segment,
)
from caloris.errors import InputError
from caloris.units import Quantity

if TYPE_CHECKING:
    from ase import Atoms

    from caloris.atoms.formats.options import Bonds, Elements

__all__ = [
    "OBSERVABLE_UNITS",
    "Segment",
    "Selection",
    "Trajectory",
    "join_segments",
    "open_trajectory",
    "read_segment",
    "unwrap",
    "write_segment",
]

Selection = str | Sequence[int] | Indices | None
"""Atoms: all (None), an element, the formula of a molecule, or indices."""
_UNITS = {"position": "angstrom", "velocity": "angstrom/ps", "virial": "eV"}


def join_segments(
    paths: Sequence[str | Path],
    path: str | Path,
    *,
    atoms: "Atoms",
    bonds: Indices | None = None,
    molecules: Indices | None = None,
    charges: Array | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> "Trajectory":
    """Join segments into one H5MD file, never holding more than a slab of frames in memory.

    Frames at times that an earlier segment has are left out. Molecules are made whole along their bonds.

    Parameters
    ----------
    paths:
        Files of the segments, in the order of time.
    path:
        The H5MD file.
    atoms:
        Elements and masses.
    bonds:
        (B, 2) indices of bonded atoms.
    molecules:
        (N,) number of the molecule of each atom; by default what bonds connect.
    charges:
        (N,) in e.
    inputs:
        What made the trajectory, JSON values.

    Returns
    -------
    :
        The trajectory.

    Raises
    ------
    InputError
        If segments do not fit together, leave a gap, or wrap positions anew; if a file cannot be read or written.
    """
    write_h5md(paths, path, atoms=atoms, bonds=bonds, molecules=molecules, charges=charges, inputs=inputs or {})
    return _open_store(Path(path))


def open_trajectory(
    path: str | Path | Sequence[str | Path],
    *,
    timestep: Quantity | None = None,
    topology: str | Path | None = None,
    elements: "Elements | None" = None,
    units: str | None = None,
    cell: sc.Variable | str | Path | None = None,
    wrapped: bool | None = None,
    bonds: "Bonds" = "guess",
    incomplete: str = "error",
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> "Trajectory":
    """Open a trajectory; atoms and times are read, frames only when they are asked for.

    An H5MD file of caloris is opened as it is, and needs none of the options. A file of another program (LAMMPS dump,
    DCD, XTC, TRR, Amber NetCDF, XYZ, XDATCAR, vasprun.xml, ASE .traj, other H5MD) is converted once into such a file
    beside it, which is opened from then on; it is made anew when the source or an option changes. What was said once
    need not be said again: an option that is left out is what it was; remove the store to return to the defaults.

    Parameters
    ----------
    path:
        The file; or the files of one trajectory, in the order of time: a later file replaces what an earlier one has
        of the same times.
    timestep:
        Time between frames, for example ``"10 fs"``; where the file has no times. LAMMPS dumps have step numbers only.
    topology:
        File that says what the atoms are, where the trajectory does not: LAMMPS data, PDB, GRO, PSF, CIF, POSCAR, XYZ.
    elements:
        Element of each LAMMPS type, ``{1: "H", 2: "Si"}`` or a list; ``"D"`` is H of mass 2.014.
    units:
        LAMMPS unit style of a dump, ``"metal"`` or ``"real"``; asked for only where there are velocities. Without it
        lengths are angstrom.
    cell:
        Where the file has none: edge of a cube, scipp variable of 3 edges or (3, 3) vectors, or a .cell file of CP2K.
    wrapped:
        Whether atoms are put back into the cell when they leave it; by default as the file says. If it does not, no
        atom moves by more than half a cell from one frame to the next.
    bonds:
        ``"guess"``: of the topology, or by covalent radii in most of the first frames. None: none. Or (B, 2) indices.
    incomplete:
        ``"skip"`` leaves out a last frame that is cut; it is an error otherwise.
    store:
        The converted file; by default beside the first file, with ``.caloris.h5`` added to its name.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        The trajectory; its ``inputs`` say how it was converted, what was guessed, and ``warnings``.

    Raises
    ------
    InputError
        If the file cannot be read, is truncated, holds no particles, or something is missing to convert it.
    """
    said = {"timestep": timestep, "topology": topology, "elements": elements, "units": units, "cell": cell}
    if isinstance(path, str | Path) and is_store(path):
        if any(value is not None for value in (*said.values(), wrapped, store)):
            raise InputError(f"{path}: is a trajectory of caloris and needs no options; leave them out")
        return _open_store(Path(path))
    from caloris.atoms.formats import convert_trajectory

    how: dict[str, Any] = said | {"wrapped": wrapped, "bonds": bonds, "incomplete": incomplete}
    return _open_store(convert_trajectory(path, store, **how, progress=progress))


def _open_store(path: Path) -> "Trajectory":
    from ase.data import chemical_symbols

    with opened(path, "trajectory") as file:
        if "particles/all/position/value" not in file:
            raise InputError(f"{path}: holds no particles (no particles/all/position in it)")
        group = file["particles/all"]
        known = json.loads(file["parameters/caloris"][()])
        charges = sc.array(dims=["atom"], values=group["charge"][()], unit="e") if "charge" in group else None
        return Trajectory(
            path=path,
            time=sc.array(dims=["time"], values=group["position/time"][()], unit="ps"),
            symbols=tuple(chemical_symbols[number] for number in group["species"][()]),
            masses=sc.array(dims=["atom"], values=group["mass"][()], unit="u"),
            charges=charges,
            bonds=file["connectivity/bonds"][()],
            molecules=group["molecule"][()],
            holds=frozenset(_UNITS) & frozenset(group),
            inputs=known["inputs"],
            versions=known["versions"],
            chunk=group["position/value"].chunks or (1, 1, 3),
            periodic=read_boundary(group),
        )


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """A trajectory on disk, read lazily; make one with :func:`open_trajectory`. Every reading opens the file anew."""

    path: Path
    time: sc.Variable
    """Dimension ``time``, ps; evenly spaced."""
    symbols: tuple[str, ...]
    masses: sc.Variable
    """Dimension ``atom``, u."""
    charges: sc.Variable | None
    """Dimension ``atom``, e."""
    bonds: Indices
    """(bonds, 2)."""
    molecules: Indices
    """Number of the molecule of each atom."""
    holds: frozenset[str]
    """Which of position, velocity and virial the file holds."""
    inputs: dict[str, Any]
    versions: dict[str, str]
    skipped: int = 0
    """Frames at the beginning of the file that are left out; see :meth:`after`."""
    every: int = 1
    """Of the frames of the file only each so many-th; see :meth:`sample`."""
    chunk: tuple[int, int, int] = (1, 1, 3)
    """Frames and atoms that lie together on disk."""
    periodic: tuple[bool, bool, bool] = (True, True, True)
    """Along which cell vectors."""

    def __len__(self) -> int:
        return len(self.time)

    def __reduce__(self) -> tuple[Any, ...]:
        # scipp's arrays cannot be pickled, and the file is there
        return _view, (self.path, self.every, self.skipped, self.skipped + self.every * len(self))

    def __repr__(self) -> str:
        count = Counter(self.formulas)
        what = ", ".join(f"{count[name]} {name}" for name in list(count)[:8]) + ", ..." * (len(count) > 8)
        last = float(self.time.values[-1])
        return (
            f"<Trajectory {self.path.name}: {what}; {len(self)} frames to {last:g} ps; {', '.join(sorted(self.holds))}>"
        )

    @property
    def timestep(self) -> sc.Variable:
        """Distance of frames, scalar in ps; an error if there is only one."""
        if len(self) < 2:
            raise InputError(f"{self.path}: one frame only; an analysis over time needs more")
        return sc.scalar(float(np.ptp(self.time.values) / (len(self) - 1)), unit="ps")

    @cached_property
    def formulas(self) -> tuple[str, ...]:
        """Formula of each molecule, elements in the order of its atoms."""
        members = (Counter(self.symbols[i] for i in group) for group in self._members)
        return tuple("".join(f"{s}{n if n > 1 else ''}" for s, n in count.items()) for count in members)

    @cached_property
    def _members(self) -> list[Indices]:
        order = np.argsort(self.molecules, kind="stable")
        cuts = np.flatnonzero(np.diff(self.molecules[order])) + 1
        return list(np.split(order, cuts))

    def molecules_of(self, formula: str) -> Indices:
        """Return the atoms of every molecule of one kind.

        Parameters
        ----------
        formula:
            For example ``"NH4"``; the order of the elements does not matter.

        Returns
        -------
        :
            (molecules, atoms) indices.

        Raises
        ------
        InputError
            If there is no such molecule.
        """
        wanted = composition(formula)
        found = [group for group in self._members if Counter(self.symbols[i] for i in group) == wanted]
        if not found:
            kinds = ", ".join(dict.fromkeys((*self.symbols, *self.formulas)))
            raise InputError(f"{self.path}: no molecule {formula!r}; there are {kinds}")
        return np.array(found)

    def select(self, atoms: Selection) -> Indices:
        """Return indices of atoms.

        Parameters
        ----------
        atoms:
            ``None`` for all, an element (``"Li"``) or isotope by its mass (``"D"``, ``"2H"``), the formula of a
            molecule (``"B12H12"``), or indices, each once.

        Returns
        -------
        :
            Indices; increasing, unless given.

        Raises
        ------
        InputError
            If there is none such, or an index is there twice.
        """
        indices = self._indices(atoms)
        if not len(indices) or len(np.unique(indices)) < len(indices):
            raise InputError("atoms: no atom is chosen, or one twice; give each index once, an element or a formula")
        return indices

    def _indices(self, atoms: Selection) -> Indices:
        if atoms is None:
            return np.arange(len(self.symbols))
        if isinstance(atoms, str):
            element = atoms_named(self.path, self.symbols, self.masses.values, atoms)
            return element if len(element) else np.sort(self.molecules_of(atoms), axis=None)
        try:
            indices = np.asarray(atoms)
        except ValueError:  # lists of different lengths
            indices = np.empty(0)
        whole_numbers = indices.ndim == 1 and np.issubdtype(indices.dtype, np.integer)
        if not whole_numbers or np.any((indices < 0) | (indices >= len(self.symbols))):
            raise InputError(f"atoms: expected indices from 0 to {len(self.symbols) - 1}, an element or a formula")
        return indices

    def positions(self, atoms: Selection = None, frames: slice = slice(None)) -> sc.Variable:
        """Return unwrapped positions: vectors, dimensions ``time`` and ``atom``, angstrom."""
        return self._vectors("position", atoms, frames)

    def velocities(self, atoms: Selection = None, frames: slice = slice(None)) -> sc.Variable:
        """Return velocities: vectors, dimensions ``time`` and ``atom``, angstrom/ps."""
        return self._vectors("velocity", atoms, frames)

    def virial(self, atoms: Selection = None, frames: slice = slice(None)) -> sc.Variable:
        """Return the virial W (see :class:`Segment`): ``time``, ``atom``, ``component`` (xx yy zz xy xz yz), eV."""
        return sc.array(dims=["time", "atom", "component"], values=self.read("virial", atoms, frames), unit="eV")

    def _vectors(self, name: str, atoms: Selection, frames: slice) -> sc.Variable:
        return sc.vectors(dims=["time", "atom"], values=self.read(name, atoms, frames), unit=_UNITS[name])

    @cached_property
    def cell(self) -> sc.Variable:
        """Cell vectors, dimensions ``time`` and ``cell_vector``, angstrom."""
        with opened(self.path, "trajectory") as file:
            values = file["particles/all/box/edges/value"][self._rows(slice(None))].astype(np.float64)
        return sc.vectors(dims=["time", "cell_vector"], values=values, unit="angstrom")

    @property
    def volume(self) -> sc.Variable:
        """Dimension ``time``, angstrom^3."""
        return sc.array(dims=["time"], values=np.abs(np.linalg.det(self.cell.values)), unit="angstrom^3")

    @property
    def observables(self) -> sc.Dataset:
        """What the engine recorded, over ``time`` with its own sampling."""
        curves, time = read_observables(self.path)
        found = {name: sc.array(dims=["time"], values=v, unit=OBSERVABLE_UNITS[name]) for name, v in curves.items()}
        return sc.Dataset(found, coords={"time": sc.array(dims=["time"], values=time, unit="ps")})

    def after(self, frames: int) -> "Trajectory":
        """Return the trajectory without its first frames, such as those of the equilibration; nothing is copied.

        Parameters
        ----------
        frames:
            How many to leave out.

        Returns
        -------
        :
            The rest; ``observables`` stay whole.

        Raises
        ------
        InputError
            If nothing would be left.
        """
        if not 0 <= frames < len(self):
            raise InputError(f"{self.path}: cannot leave out {frames} of {len(self)} frames")
        return self.sample(start=frames)

    def sample(self, every: int = 1, *, start: int = 0, stop: int | None = None) -> "Trajectory":
        """Return some of the frames, evenly spaced; nothing is copied.

        Parameters
        ----------
        every:
            Each so many-th frame.
        start, stop:
            The first, and the one before which to stop; negative numbers count from the end.

        Returns
        -------
        :
            Those; ``observables`` stay whole.

        Raises
        ------
        InputError
            If nothing would be left.
        """
        good = isinstance(every, int | np.integer) and every >= 1
        chosen = range(*slice(start, stop, int(every) if good else 1).indices(len(self)))
        if not good or not len(chosen):
            raise InputError(
                f"{self.path}: no frames from {start} to {stop} by {every} among {len(self)}; every is >= 1"
            )
        time = self.time["time", chosen.start : chosen.stop : chosen.step].copy()
        skipped = self.skipped + chosen.start * self.every
        return replace(self, time=time, skipped=skipped, every=self.every * chosen.step)

    def _rows(self, frames: slice) -> slice:
        """Frames of the file."""
        start, stop, step = frames.indices(len(self))
        count = len(range(start, stop, step))
        first = self.skipped + start * self.every
        return slice(first, first + max(0, (count - 1) * step * self.every + 1) if count else first, step * self.every)

    def read(self, name: str, atoms: Selection = None, frames: slice = slice(None)) -> Array:
        """Read plain numbers, for kernels.

        Parameters
        ----------
        name:
            ``"position"``, ``"velocity"`` or ``"virial"``, in the units of this module.
        atoms:
            As for :meth:`select`.
        frames:
            Which frames, a slice that goes forward.

        Returns
        -------
        :
            (frames, atoms, components), as precise as it was written.

        Raises
        ------
        InputError
            If the file does not hold it.
        """
        if name not in self.holds:
            raise InputError(f"{self.path}: holds no {name}; record it in the simulation")
        if not isinstance(frames, slice) or (frames.step or 1) < 1:
            raise InputError("frames: expected a slice that goes forward, for example slice(100, None, 2)")
        indices = self._indices(atoms)
        rows = self._rows(frames)
        with opened(self.path, "trajectory") as file:
            values = file[f"particles/all/{name}/value"]
            return read_atoms(values, rows, indices)

    def blocks(self, atoms: Selection = None, *, rows: int = 1, copies: int = 1) -> Iterator[Indices]:
        """Split atoms into blocks of which all frames fit into memory.

        Parameters
        ----------
        atoms:
            As for :meth:`select`, or (molecules, atoms) indices flattened.
        rows:
            How many atoms stay together.
        copies:
            How many arrays of that size the caller needs.

        Yields
        ------
        :
            Indices of each block.
        """
        indices = self._indices(atoms)
        size = rows * max(1, SLAB // (24 * copies * rows * len(self)))
        together = math.lcm(rows, self.chunk[1])
        size -= size % together if size >= together else 0  # so that no chunk is read twice
        for start in range(0, len(indices), size):
            yield indices[start : start + size]

    def frame_blocks(self, atoms: Selection = None, *, copies: int = 1) -> Iterator[slice]:
        """Split frames into blocks that fit into memory, along the borders of what lies together on disk.

        Parameters
        ----------
        atoms:
            As for :meth:`select`.
        copies:
            How many arrays of that size the caller needs.

        Yields
        ------
        :
            Frames of each block, for :meth:`read`.
        """
        size = max(1, SLAB // (24 * copies * max(1, len(self._indices(atoms))))) * self.every
        size -= size % self.chunk[0] if size >= self.chunk[0] else 0
        start, end = 0, size * (self.skipped // size + 1)  # a view, and the file
        while start < len(self):
            stop = min(len(self), -(-(end - self.skipped) // self.every))
            if stop > start:
                yield slice(start, stop)
            start, end = stop, end + size


def _view(path: Path, every: int, start: int, stop: int) -> Trajectory:
    whole = _open_store(path)
    return whole.sample(every, start=start, stop=stop) if stop > start else whole
