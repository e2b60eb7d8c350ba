"""What the user says of a trajectory that the file does not: checked once, and kept in the store."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import scipp as sc

from caloris.atoms.segments import Array, Indices
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Bonds = Literal["guess"] | Sequence[Sequence[int]] | Indices | None
Elements = Mapping[int, str] | Mapping[str, str] | Sequence[str]
_DEFAULTS = {"bonds": "guess"}
"""What options are that are left out, if not None: where a store is there already, they need not be said again."""
_END = 1 << 16
"""Bytes at both ends of a file that tell it from a changed one."""


@dataclass(frozen=True)
class Options:
    """How to read a trajectory; parameters as those of ``open_trajectory``, checked."""

    timestep: float | None
    """ps."""
    topology: Path | None
    elements: dict[str, str] | None
    """By type, a word."""
    units: str | None
    cell: Array | None
    """(3, 3), angstrom."""
    cell_file: Path | None
    wrapped: bool | None
    bonds: Bonds
    incomplete: Literal["error", "skip"]

    def stored(self) -> dict[str, Any]:
        """Return what a store keeps of them: JSON values."""
        return {
            "timestep": self.timestep,
            "topology": None if self.topology is None else identity(self.topology),
            "elements": self.elements,
            "units": self.units,
            "cell": identity(self.cell_file) if self.cell_file else None if self.cell is None else self.cell.tolist(),
            "wrapped": self.wrapped,
            "bonds": self.bonds if isinstance(self.bonds, str | None) else np.asarray(self.bonds).tolist(),
            "incomplete": self.incomplete,
        }


def same_options(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Say whether a store was made with these options; what is left out now may have been said then.

    Whether a last frame that is cut is left out makes no difference once there is a store of the same file.

    Parameters
    ----------
    wanted, found:
        What :meth:`Options.stored` returns, now and when the store was made.

    Returns
    -------
    :
        Whether.
    """
    return all(
        value in (found.get(name), _DEFAULTS.get(name)) for name, value in wanted.items() if name != "incomplete"
    )


def identity(path: Path) -> dict[str, Any]:
    """Return what tells a file from a changed one: its name, size, when it was written, a checksum of both its ends."""
    try:
        about = path.stat()
        with path.open("rb") as file:
            checksum = zlib.crc32(file.read(_END))
            file.seek(max(0, about.st_size - _END))
            checksum = zlib.crc32(file.read(_END), checksum)
    except OSError as error:
        raise InputError(f"{path}: cannot read the file: {error.strerror}") from None
    return {"name": path.name, "size": about.st_size, "modified": about.st_mtime_ns, "ends": checksum}


def checked_options(
    *,
    timestep: Quantity | None,
    topology: str | Path | None,
    elements: Elements | None,
    units: str | None,
    cell: sc.Variable | str | Path | None,
    wrapped: bool | None,
    bonds: Bonds,
    incomplete: str,
) -> Options:
    """Check options at the door; parameters as those of ``open_trajectory``, all given."""
    if incomplete not in ("error", "skip"):
        raise InputError(f"incomplete: expected 'error' or 'skip', got {incomplete!r}")
    if wrapped not in (None, True, False):
        raise InputError(f"wrapped: expected True, False or None (as the file says), got {wrapped!r}")
    if isinstance(bonds, str) and bonds != "guess":
        raise InputError(f"bonds: expected 'guess', None or pairs of indices, got {bonds!r}")
    if units is not None and not isinstance(units, str):
        raise InputError(f"units: expected a LAMMPS style such as 'metal' or 'real', got {units!r}")
    vectors, file = _cell(cell)
    return Options(
        timestep=None if timestep is None else magnitude(timestep, "ps", "timestep", positive=True),
        topology=None if topology is None else _file(topology, "topology"),
        elements=None if elements is None else _elements(elements),
        units=units,
        cell=vectors,
        cell_file=file,
        wrapped=wrapped,
        bonds=bonds if bonds is None or isinstance(bonds, str) else _pairs(bonds),
        incomplete="skip" if incomplete == "skip" else "error",
    )


def _pairs(bonds: Sequence[Sequence[int]] | Indices) -> Indices:
    try:
        pairs = np.asarray(bonds)
    except ValueError:  # of different lengths
        pairs = np.empty((1, 0))
    if not pairs.size and len(pairs) == 0:
        return np.empty((0, 2), dtype=np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not np.issubdtype(pairs.dtype, np.integer):
        raise InputError("bonds: expected pairs of indices, for example [[0, 1], [0, 2]]")
    return pairs


def _file(path: str | Path, name: str) -> Path:
    found = Path(path)
    if not found.is_file():
        raise InputError(f"{name}: {found}: no such file")
    return found


def _elements(elements: Elements) -> dict[str, str]:
    if isinstance(elements, str):
        raise InputError(f"elements: expected a mapping such as {{1: 'H', 2: 'Si'}} or a list, got {elements!r}")
    pairs = elements.items() if isinstance(elements, Mapping) else enumerate(elements, start=1)
    found = {str(key): value for key, value in pairs}
    for key, value in found.items():
        if not isinstance(value, str):
            raise InputError(f"elements: type {key} is to be {value!r}; give a symbol such as 'Si'")
    return found


def _cell(cell: sc.Variable | str | Path | None) -> tuple[Array | None, Path | None]:
    if cell is None:
        return None, None
    if isinstance(cell, Path) or (isinstance(cell, str) and Path(cell).is_file()):
        return None, _file(cell, "cell")
    if isinstance(cell, sc.Variable) and (cell.ndim or cell.dtype == sc.DType.vector3):
        try:
            values = cell.to(unit="angstrom", dtype=cell.dtype, copy=False).values.astype(float)
        except (sc.UnitError, sc.DTypeError):
            raise InputError(f"cell: has the unit {cell.unit}, expected one like angstrom") from None
        vectors = np.diag(values) if values.shape == (3,) else values
    else:
        vectors = magnitude(cell, "angstrom", "cell", positive=True) * np.eye(3)
    if vectors.shape != (3, 3) or not np.all(np.isfinite(vectors)) or not abs(np.linalg.det(vectors)) > 0:
        raise InputError("cell: expected an edge, three edges or three vectors that span a volume, in angstrom")
    return vectors, None
