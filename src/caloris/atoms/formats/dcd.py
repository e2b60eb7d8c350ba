"""DCD of CHARMM, NAMD, OpenMM and LAMMPS: Fortran records of single precision, little or big endian.

The time in the header is in units that differ between programs (AKMA, or those of LAMMPS), so that it is not used.
Source: CHARMM documentation, ``dynamc``; the molfile plugin of VMD for the order of the cell.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from caloris.atoms.formats.binary_file import BinaryFile
from caloris.atoms.formats.lammps_dump import STYLES
from caloris.atoms.formats.reader import Frame, Layout, Mark, Particles, Reader, cell_vectors
from caloris.atoms.segments import Array
from caloris.errors import InputError

_HEADER = 84
_CELL = 48
"""Bytes of these records."""


def is_dcd(first: bytes) -> bool:
    """Say whether a file that begins so is a DCD."""
    return first[4:8] == b"CORD" and first[:4] in (b"\x54\0\0\0", b"\0\0\0\x54")


class Dcd(Reader):
    """A DCD file."""

    def __init__(self, path: Path, incomplete: Literal["error", "skip"] = "error", units: str | None = None) -> None:
        super().__init__(path, incomplete)
        self.kind = "DCD"
        self._file = BinaryFile(path)
        self._frame = 0
        order = self._file.take(1, "<i4")
        self._order = "<" if order is not None and order[0] == _HEADER else ">"
        head = self._header()
        atoms = int(head[1])
        if units is not None and units not in STYLES:
            raise InputError(f"units: {units!r} has no lengths in angstrom; known are {', '.join(STYLES)}")
        self._with_cell = bool(head[0])
        self._begin = self._file.offset
        self._length = (_CELL + 8) * self._with_cell + 3 * (4 * atoms + 8)
        self.layout = Layout(atoms=atoms, length=STYLES[units].length if units else 1.0, single=True)
        self.particles = Particles()

    def _header(self) -> tuple[int, int]:
        """Whether there are cells, and the number of atoms."""
        self._file.seek(0)
        control = self._record(_HEADER)
        title = self._record(None)
        count = self._record(4)
        if control is None or title is None or count is None:
            raise InputError(f"{self.path}: the header is cut; copy the file again")
        numbers = np.frombuffer(control[4:], dtype=f"{self._order}i4")
        atoms = int(np.frombuffer(count, dtype=f"{self._order}i4")[0])
        if numbers[8] > 0:
            raise InputError(f"{self.path}: holds fixed atoms, which is not supported; write all atoms in every frame")
        if atoms <= 0:
            raise InputError(f"{self.path}: the header says {atoms} atoms; the file is damaged")
        if numbers[11] == 1:
            raise InputError(f"{self.path}: holds a fourth dimension, which is not supported; write three")
        return int(numbers[10]), atoms

    def _record(self, size: int | None) -> bytes | None:
        """A record with the lengths around it."""
        before = self._file.take(1, f"{self._order}i4")
        if before is None:
            return None
        if before[0] < 0 or (size is not None and before[0] != size):
            raise InputError(
                f"{self.path}: frame {self._frame + 1}: a record of {before[0]} bytes, expected {size}; the file is "
                "damaged, or of another kind of DCD"
            )
        data = self._file.take(int(before[0]), "u1")
        after = self._file.take(1, f"{self._order}i4")
        if data is None or after is None:
            return None
        if after[0] != before[0]:
            raise InputError(f"{self.path}: frame {self._frame + 1}: a record does not end where it should; copy again")
        return data.tobytes()

    @property
    def frames(self) -> int | None:
        """How many frames there are."""
        return (self._file.size - self._begin) // self._length

    @property
    def done(self) -> float:
        """Part of the file that has been read, 0 to 1."""
        return self._file.done

    def mark(self) -> Mark:
        """Where the next frame begins."""
        return {"frame": self._frame}

    def seek(self, mark: Mark) -> None:
        """Go to where a frame begins."""
        self._frame = mark["frame"]
        self._file.seek(self._begin + self._frame * self._length)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, 3); None at the end."""
        where, left = f"frame {self._frame + 1}", self._file.left
        if left == 0:
            return None
        if left < self._length:
            self.cut(where, f"{left} of {self._length} bytes", first=self._frame == 0)
            return None
        cell = self._cell(where) if self._with_cell else None
        for axis in range(3):
            record = self._record(4 * self.layout.atoms)
            assert record is not None  # there are bytes enough
            out[:, axis] = np.frombuffer(record, dtype=f"{self._order}f4")
        self._frame += 1
        return Frame(cell=cell, where=where)

    def _cell(self, where: str) -> Array:
        """Cell vectors from a, gamma, b, beta, alpha, c; angles in degrees or as cosines."""
        record = self._record(_CELL)
        assert record is not None
        a, gamma, b, beta, alpha, c = np.frombuffer(record, dtype=f"{self._order}f8").tolist()
        lengths, angles = np.array([a, b, c]), np.array([alpha, beta, gamma])
        if np.all(np.abs(angles) <= 1):
            angles = 90 - np.degrees(np.arcsin(angles))
        if not (np.all(np.isfinite(lengths)) and np.all(lengths > 0) and np.all((angles > 5) & (angles < 175))):
            raise InputError(
                f"{self.path}: {where}: a cell of {a:g}, {b:g}, {c:g} angstrom and {alpha:g}, {beta:g}, {gamma:g} "
                "degrees; the file is damaged, or of another kind of DCD"
            )
        return cell_vectors(lengths, angles) * self.layout.length
