"""GROMACS trajectories: TRR (positions and velocities) and XTC (positions on a grid, compressed). nm and ps.

Sources: GROMACS reference manual, "File formats"; van Spoel et al., XDR library ``xdrfile`` (BSD), for the compression.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from caloris.atoms.formats._xtc_kernels import MAGIC, decompress
from caloris.atoms.formats.binary_file import BinaryFile
from caloris.atoms.formats.reader import Frame, Layout, Mark, Particles, Reader
from caloris.atoms.segments import Array
from caloris.errors import InputError

_TRR, _XTC, _LARGE_XTC = 1993, 1995, 2023
_ANGSTROM = 10.0
"""Per nm."""
_FEW = 9
"""So many atoms or fewer are not compressed."""


def is_trr(first: bytes) -> bool:
    """Say whether a file that begins so is a TRR."""
    return first[:4] == _TRR.to_bytes(4, "big")


def is_xtc(first: bytes) -> bool:
    """Say whether a file that begins so is an XTC."""
    return first[:4] in (_XTC.to_bytes(4, "big"), _LARGE_XTC.to_bytes(4, "big"))


def time_of_single(time: float) -> float:
    """Return what was meant by a time in single precision: 0.1 for 0.10000000149.

    Parameters
    ----------
    time:
        As read.

    Returns
    -------
    :
        The shortest decimal number that is the same in single precision.

    Examples
    --------
    >>> time_of_single(np.float32(0.1))
    0.1
    """
    return float(str(np.float32(time)))


class _Gromacs(Reader):
    """What the two formats share."""

    def __init__(self, path: Path, incomplete: Literal["error", "skip"] = "error") -> None:
        super().__init__(path, incomplete)
        self._file = BinaryFile(path)
        self._frame = 0
        self.particles = Particles()
        self._begin()
        self._size = max(self._file.offset, 1)
        self.seek({"offset": 0, "frame": 0})

    def _begin(self) -> None:
        """Read the first frame for its layout."""
        raise NotImplementedError

    @property
    def frames(self) -> int | None:
        """About how many frames there are."""
        return max(1, round(self._file.size / self._size))

    @property
    def done(self) -> float:
        """Part of the file that has been read, 0 to 1."""
        return self._file.done

    def mark(self) -> Mark:
        """Where the next frame begins."""
        return {"offset": self._file.offset, "frame": self._frame}

    def seek(self, mark: Mark) -> None:
        """Go to where a frame begins."""
        self._file.seek(mark["offset"])
        self._frame = mark["frame"]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _short(self) -> None:
        self.cut(f"frame {self._frame + 1}", "the file ends within it", first=self._frame == 0)

    def _checked(self, cell: Array, where: str) -> Array | None:
        """Cell vectors in angstrom; none if they are 0."""
        if not np.any(cell):
            return None
        if not np.all(np.isfinite(cell)) or np.linalg.det(cell) <= 0:
            raise InputError(f"{self.path}: {where}: the cell has no volume; the file is damaged")
        return np.asarray(_ANGSTROM * cell, dtype=np.float64)

    def _same_atoms(self, atoms: int, where: str) -> None:
        if atoms != self.layout.atoms:
            raise InputError(
                f"{self.path}: {where}: {atoms} atoms, the first frame has {self.layout.atoms}; the number of atoms "
                "must not change"
            )


class Trr(_Gromacs):
    """A TRR file; frames without positions are passed over."""

    def _begin(self) -> None:
        self.kind = "GROMACS TRR"
        head = self._head()
        while head is not None and not head["x"]:
            self._file.seek(self._file.offset + sum(head[name] for name in ("box", "vir", "pres", "v", "f")))
            head = self._head()
        if head is None:
            raise InputError(f"{self.path}: there is no whole frame with positions in the file")
        self._file.seek(self._file.offset + sum(head[name] for name in ("box", "vir", "pres", "x", "v", "f")))
        self.layout = Layout(
            atoms=head["atoms"],
            velocities=head["v"] > 0,
            length=_ANGSTROM,
            speed=_ANGSTROM,
            single=head["bytes"] == 4,
        )

    def _head(self) -> dict[str, Any] | None:
        """Sizes, step and time of a frame; None if it is cut."""
        first = self._file.take(3, ">i4")
        if first is None:
            return None
        if first[0] != _TRR or not 0 < first[2] < 100:
            raise InputError(
                f"{self.path}: frame {self._frame + 1}: does not begin as a frame does; copy the file again"
            )
        words = self._file.take(-(-int(first[2]) // 4) * 4, "u1")
        numbers = self._file.take(13, ">i4")
        if words is None or numbers is None:
            return None
        names = ("ir", "e", "box", "vir", "pres", "top", "sym", "x", "v", "f", "atoms", "step", "nre")
        head: dict[str, Any] = dict(zip(names, numbers.tolist(), strict=True))
        size = head["box"] // 9 if head["box"] else (head["x"] or head["v"] or head["f"]) // max(3 * head["atoms"], 1)
        sizes = {head[name] for name in ("x", "v", "f")} - {0}
        if size not in (4, 8) or head["atoms"] <= 0 or sizes - {3 * size * head["atoms"]}:
            raise InputError(f"{self.path}: frame {self._frame + 1}: its header makes no sense; copy the file again")
        times = self._file.take(2, f">f{size}")
        if times is None:
            return None
        head["bytes"] = size
        head["time"] = time_of_single(times[0]) if size == 4 else float(times[0])
        return head

    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, 3 or 6); None at the end."""
        while self._file.left:
            head = self._head()
            total = 0 if head is None else sum(head[name] for name in ("box", "vir", "pres", "x", "v", "f"))
            if head is None or total > self._file.left:
                self._short()
                return None
            end = self._file.offset + total
            if head["x"]:
                frame = self._values(head, out)
                self._file.seek(end)
                self._frame += 1
                return frame
            self._file.seek(end)
        return None

    def _values(self, head: dict[str, Any], out: Array) -> Frame:
        where, kind = f"frame {self._frame + 1} (step {head['step']})", f">f{head['bytes']}"
        self._same_atoms(head["atoms"], where)
        if self.layout.velocities and not head["v"]:
            raise InputError(f"{self.path}: {where}: has no velocities, the first frame has; write both equally often")
        cell = self._file.take(9, kind) if head["box"] else np.zeros(9)
        self._file.seek(self._file.offset + head["vir"] + head["pres"])
        count = 3 * head["atoms"]
        positions = self._file.take(count, kind)
        assert cell is not None and positions is not None  # noqa: PT018  # there are bytes enough
        out[:, :3] = positions.reshape(-1, 3)
        if self.layout.velocities:
            out[:, 3:] = self._file.take(count, kind).reshape(-1, 3)  # type: ignore[union-attr]
        if not np.all(np.isfinite(out)):
            raise InputError(
                f"{self.path}: {where}: holds a number that is not finite; the simulation has failed there"
            )
        cell = self._checked(cell.reshape(3, 3).astype(np.float64), where)
        return Frame(cell=cell, where=where, time=head["time"], step=head["step"])


class Xtc(_Gromacs):
    """An XTC file."""

    def _begin(self) -> None:
        self.kind = "GROMACS XTC"
        head = self._file.take(3, ">i4")
        if head is None or head[1] <= 0:
            raise InputError(f"{self.path}: there is no whole frame in the file")
        self._file.seek(0)
        self.layout = Layout(atoms=int(head[1]), length=_ANGSTROM)
        out = np.empty((int(head[1]), 3))
        if self.next(out) is None:
            raise InputError(f"{self.path}: there is no whole frame in the file")
        # on the grid of the file, 0.001 nm by default
        self.layout = Layout(atoms=int(head[1]), length=_ANGSTROM, resolution=_ANGSTROM / self._precision)

    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, 3); None at the end."""
        if not self._file.left:
            return None
        head, rest, box, size = (
            self._file.take(n, kind) for n, kind in ((3, ">i4"), (1, ">f4"), (9, ">f4"), (1, ">i4"))
        )
        if size is None or head is None or rest is None or box is None:
            self._short()
            return None
        magic, atoms, step = head.tolist()
        if magic == _LARGE_XTC:
            raise InputError(f"{self.path}: an XTC of more than 300 million atoms, which is not supported")
        where = f"frame {self._frame + 1} (step {step})"
        if magic != _XTC:
            raise InputError(
                f"{self.path}: frame {self._frame + 1}: does not begin as a frame does; copy the file again"
            )
        self._same_atoms(atoms, where)
        if size[0] != atoms:
            raise InputError(f"{self.path}: {where}: {size[0]} positions of {atoms} atoms; the file is damaged")
        if not self._positions(atoms, out, where):
            self._short()
            return None
        self._frame += 1
        cell = self._checked(box.reshape(3, 3).astype(np.float64), where)
        return Frame(cell=cell, where=where, time=time_of_single(rest[0]), step=step)

    def _positions(self, atoms: int, out: Array, where: str) -> bool:
        if atoms <= _FEW:
            values = self._file.take(3 * atoms, ">f4")
            if values is None:
                return False
            self._precision = 1e6
            out[:] = values.reshape(-1, 3)
            return bool(np.all(np.isfinite(out)))
        precision, numbers = self._file.take(1, ">f4"), self._file.take(8, ">i4")
        data = None if numbers is None else self._file.take(-(-int(numbers[7]) // 4) * 4, "u1")
        if precision is None or numbers is None or data is None:
            return False
        self._precision = float(precision[0])
        low, high, small = numbers[:3].astype(np.int64), numbers[3:6].astype(np.int64), int(numbers[6])
        sizes = high - low + 1
        sane = self._precision > 0 and np.all(sizes > 0) and 0 <= small < len(MAGIC)
        if not sane or not _decompressed(data, low, sizes, small, self._precision, out):
            raise InputError(f"{self.path}: {where}: its compressed positions are damaged; copy the file again")
        return True


def _decompressed(
    data: "np.ndarray[Any, Any]", low: "np.ndarray[Any, Any]", sizes: "np.ndarray[Any, Any]", small: int,
    precision: float, out: Array,
) -> bool:  # fmt: skip
    bits = np.array([int(size).bit_length() for size in sizes])
    together = 0 if np.any(sizes > 0xFFFFFF) else (int(sizes[0]) * int(sizes[1]) * int(sizes[2])).bit_length()
    return bool(decompress(data, low, sizes, bits, together, small, 1 / precision, out))
