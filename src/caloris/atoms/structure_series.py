"""Searches on disk: structures with energies, forces and stress, and what the search began with, so that it can go on.

A file is written whole, but not more often than costs a twentieth of the time of the search.
"""

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caloris.errors import InputError
from caloris.files import output_folder, whole, write_json

if TYPE_CHECKING:
    from ase import Atoms

Array = NDArray[np.float64]

_INPUTS = "inputs.json"
_FREE = ("maximum_steps",)
"""What may differ when a search goes on."""


class SeriesFile:
    """A file of structures (extended XYZ), rewritten as a search goes on; without a folder nothing is written."""

    def __init__(self, folder: Path | None, name: str) -> None:
        self._path = None if folder is None else folder / name
        self._written, self._pause = -math.inf, 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time to write again."""
        return self._path is not None and time.monotonic() - self._written > self._pause

    def write(self, frames: Sequence["Atoms"]) -> None:
        """Write all structures.

        Parameters
        ----------
        frames:
            With a calculator that knows energy and forces.
        """
        if self._path is None or not frames:
            return
        began = time.monotonic()
        write_series(self._path, frames)
        self._written = time.monotonic()
        self._pause = 20 * (self._written - began)

    def read(self) -> list["Atoms"]:
        """Return the structures that are there, none if there is no file.

        Raises
        ------
        InputError
            If the file is broken.
        """
        if self._path is None or not self._path.is_file():
            return []
        from ase.io import read

        try:
            found: Any = read(self._path, ":", format="extxyz")
        except Exception as error:  # ASE's reader raises whatever comes up in a broken file
            raise InputError(f"{self._path}: cannot read it: {error}; remove the file to begin anew") from None
        return list(found)


def write_series(path: Path, frames: Sequence["Atoms"]) -> None:
    """Write structures as extended XYZ, whole or not at all.

    Parameters
    ----------
    path:
        The file.
    frames:
        The structures.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    from ase.io import write

    with whole(path) as temporary:
        write(temporary, list(frames), format="extxyz")


def frozen(atoms: "Atoms", energy: float, forces: Array, stress: Array | None = None) -> "Atoms":
    """Return a copy of a structure that knows its energy, forces and stress and computes nothing.

    Parameters
    ----------
    atoms:
        The structure.
    energy, forces, stress:
        eV, eV/angstrom, eV/angstrom^3 as ASE orders it.

    Returns
    -------
    :
        The copy, without constraints.
    """
    from ase.calculators.singlepoint import SinglePointCalculator

    frame: Any = atoms.copy()
    frame.set_constraint()
    known = {} if stress is None else {"stress": stress}
    frame.calc = SinglePointCalculator(frame, energy=energy, forces=forces, **known)
    return frame  # type: ignore[no-any-return]


def claim_folder(
    folder: str | Path | None, settings: Mapping[str, Any], structures: Mapping[str, "Atoms"]
) -> Path | None:
    """Make the folder of a search and note what it begins with, or see that the search there is the same.

    Parameters
    ----------
    folder:
        Where, or None for nowhere.
    settings:
        Plain values.
    structures:
        Where it begins.

    Returns
    -------
    :
        The folder.

    Raises
    ------
    InputError
        If it cannot be written, or holds another search.
    """
    if folder is None:
        return None
    place = output_folder(folder)
    inputs = json.loads(json.dumps({**settings, **{name: _plain(atoms) for name, atoms in structures.items()}}))
    recorded = place / _INPUTS
    if not recorded.is_file():
        write_json(recorded, inputs)
        return place
    try:
        there = json.loads(recorded.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{recorded}: cannot read it: {error}; choose another folder") from None
    for name in sorted(set(there) | set(inputs)):
        if name not in _FREE and there.get(name) != inputs.get(name):
            shown = "" if name in structures else f" ({there.get(name)!r} there, {inputs.get(name)!r} here)"
            raise InputError(f"{place}: holds another search, its {name} differs{shown}; choose another folder")
    return place


def _plain(atoms: "Atoms") -> dict[str, Any]:
    return {
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.round(8).tolist(),
        "cell": atoms.cell.array.round(8).tolist(),
    }
