"""Trajectories on disk, read lazily: segments joined into one H5MD file, opened as a :class:`Trajectory`.

Units: angstrom, ps, u, e, eV, K, MPa. Positions are unwrapped and molecules whole. The file: ``h5md.py``; what an
engine hands back: ``segments.py``.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.atoms.h5md import SLAB, connected, write_h5md
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

if TYPE_CHECKING:
    from ase import Atoms

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
    pairs = np.empty((0, 2), dtype=int) if bonds is None else np.asarray(bonds, dtype=int)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or np.any((pairs < 0) | (pairs >= len(atoms))):
        raise InputError(f"bonds: expected pairs of indices from 0 to {len(atoms) - 1}")
    for name, values in (("molecules", molecules), ("charges", charges)):
        if values is not None and np.shape(values) != (len(atoms),):
            raise InputError(f"{name}: expected {len(atoms)} values, one for each atom, got {np.shape(values)}")
    numbers = connected(pairs, len(atoms)) if molecules is None else np.asarray(molecules)
    write_h5md(paths, path, atoms=atoms, bonds=pairs, molecules=numbers, charges=charges, inputs=inputs or {})
    return open_trajectory(path)


def open_trajectory(path: str | Path) -> "Trajectory":
    """Open a trajectory; atoms and times are read, frames only when they are asked for.

    Parameters
    ----------
    path:
        An H5MD file that caloris wrote.

    Returns
    -------
    :
        The trajectory.

    Raises
    ------
    InputError
        If the file cannot be read, is truncated, or holds no particles.
    """
    from ase.data import chemical_symbols

    with opened(path, "trajectory") as file:
        if "particles/all/position/value" not in file:
            raise InputError(f"{path}: holds no particles (no particles/all/position in it)")
        if "parameters/caloris" not in file:
            raise InputError(f"{path}: written by another program; positions may be wrapped or in other units")
        group = file["particles/all"]
        known = json.loads(file["parameters/caloris"][()])
        charges = sc.array(dims=["atom"], values=group["charge"][()], unit="e") if "charge" in group else None
        return Trajectory(
            path=Path(path),
            time=sc.array(dims=["time"], values=group["position/time"][()], unit="ps"),
            symbols=tuple(chemical_symbols[number] for number in group["species"][()]),
            masses=sc.array(dims=["atom"], values=group["mass"][()], unit="u"),
            charges=charges,
            bonds=file["connectivity/bonds"][()],
            molecules=group["molecule"][()],
            holds=frozenset(_UNITS) & frozenset(group),
            inputs=known["inputs"],
            versions=known["versions"],
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

    def __len__(self) -> int:
        return len(self.time)

    def __reduce__(self) -> tuple[Any, ...]:
        return open_trajectory, (self.path,)  # scipp's arrays cannot be pickled, and the file is there

    def __repr__(self) -> str:
        count = Counter(self.formulas)
        what = ", ".join(f"{number} {name}" for name, number in count.items())
        last = float(self.time.values[-1])
        return (
            f"<Trajectory {self.path.name}: {what}; {len(self)} frames to {last:g} ps; {', '.join(sorted(self.holds))}>"
        )

    @property
    def timestep(self) -> sc.Variable:
        """Distance of frames, scalar in ps; an error if there is only one."""
        if len(self) < 2:
            raise InputError(f"{self.path}: one frame only; an analysis over time needs more")
        t = self.time.values
        return sc.scalar(float((t[-1] - t[0]) / (len(t) - 1)), unit="ps")

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
        wanted = _composition(formula)
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
            ``None`` for all, an element (``"Li"``), the formula of a molecule (``"B12H12"``), or indices.

        Returns
        -------
        :
            Indices; increasing, unless given.

        Raises
        ------
        InputError
            If there is none such.
        """
        if atoms is None:
            return np.arange(len(self.symbols))
        if isinstance(atoms, str):
            element = np.flatnonzero(np.array(self.symbols) == atoms)
            return element if len(element) else np.sort(self.molecules_of(atoms), axis=None)
        indices = np.asarray(atoms)
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
        values = self.read(name, atoms, frames).astype(np.float64)
        return sc.vectors(dims=["time", "atom"], values=values, unit=_UNITS[name])

    @cached_property
    def cell(self) -> sc.Variable:
        """Cell vectors, dimensions ``time`` and ``cell_vector``, angstrom."""
        with opened(self.path, "trajectory") as file:
            values = file["particles/all/box/edges/value"][self.skipped :].astype(np.float64)
        return sc.vectors(dims=["time", "cell_vector"], values=values, unit="angstrom")

    @property
    def volume(self) -> sc.Variable:
        """Dimension ``time``, angstrom^3."""
        return sc.array(dims=["time"], values=np.abs(np.linalg.det(self.cell.values)), unit="angstrom^3")

    @property
    def observables(self) -> sc.Dataset:
        """What the engine recorded, over ``time`` with its own sampling."""
        with opened(self.path, "trajectory") as file:
            group = file["observables"]
            curves = {
                name: sc.array(dims=["time"], values=item["value"][()], unit=OBSERVABLE_UNITS[name])
                for name, item in group.items()
            }
            times = [item["time"][()] for item in group.values()]
        coords = {"time": sc.array(dims=["time"], values=times[0] if times else np.empty(0), unit="ps")}
        return sc.Dataset(curves, coords=coords)

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
        return replace(self, time=self.time["time", frames:].copy(), skipped=self.skipped + frames)

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
        indices = self.select(atoms)
        start, stop, step = frames.indices(len(self))
        count = len(range(start, stop, step))
        rows = slice(start + self.skipped, max(stop, start) + self.skipped, step)
        order = np.argsort(indices, kind="stable")
        with opened(self.path, "trajectory") as file:
            values = file[f"particles/all/{name}/value"]
            found = np.empty((count, len(indices), values.shape[2]), dtype=values.dtype)
            # spans of atoms rather than single ones: h5py picks scattered atoms very slowly
            for part in np.split(order, np.flatnonzero(np.diff(indices[order] // 64)) + 1):
                if len(part):
                    first, last = int(indices[part[0]]), int(indices[part[-1]])
                    found[:, part] = values[rows, first : last + 1][:, indices[part] - first]
        return found

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
        indices = self.select(atoms)
        groups = max(1, SLAB // (24 * copies * rows * len(self)))
        for start in range(0, len(indices), groups * rows):
            yield indices[start : start + groups * rows]


def _composition(formula: str) -> Counter[str]:
    from ase.formula import Formula

    try:
        return Counter(Formula(formula).count())
    except ValueError:
        raise InputError(f"{formula!r} is neither an element nor a formula; write for example 'Li' or 'NH4'") from None
