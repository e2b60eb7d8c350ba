"""XYZ: plain, extended (ASE, OVITO, GPUMD) and CP2K's ``-pos-1.xyz``; lengths in angstrom.

The comment of an extended frame says its columns and its cell; CP2K's says step (``i``) and ``time`` in fs. A time
in an extended comment has no unit and is not used.
Sources: libAtoms/extxyz for the comment; CP2K manual, MOTION/PRINT/TRAJECTORY.
"""

import re
from pathlib import Path
from typing import Literal

import numpy as np

from caloris.atoms.formats._kernels import (
    CUT,
    FINE,
    LABEL,
    NOT_FINITE,
    NUMBER,
    OTHER_LABEL,
    SKIP,
    TOO_FEW,
    TOO_MANY,
    table,
)
from caloris.atoms.formats.lammps_dump import STYLES, significant_digits
from caloris.atoms.formats.reader import Frame, Layout, Mark, Particles, Reader, boundaries
from caloris.atoms.formats.text_buffer import TextBuffer
from caloris.atoms.segments import Array
from caloris.errors import InputError

_CP2K = re.compile(r"\bi\s*=\s*(\d+),\s*time\s*=\s*([-+.\deE]+)")
_PAIR = re.compile(r"([A-Za-z_][\w-]*)\s*=\s*(\"[^\"]*\"|\{[^}]*\}|'[^']*'|\[[^\]]*\]|\S+)")
_SPECIES = ("species", "element", "elements", "type")
_POSITIONS = ("pos", "positions", "position")
_MASSES = ("masses", "mass")
_VELOCITIES = ("velo", "vel", "velocities", "velocity", "vels")


def is_xyz(first: bytes) -> bool:
    """Say whether a file that begins so is an XYZ: a number, a comment, then words with three numbers."""
    lines = first.split(b"\n")[:3]
    words = lines[2].split() if len(lines) == 3 else []
    return lines[0].strip().isdigit() and (len(words) >= 4 or not words) and len(lines) > 1


class Xyz(Reader):
    """An XYZ file."""

    def __init__(self, path: Path, incomplete: Literal["error", "skip"] = "error", units: str | None = None) -> None:
        super().__init__(path, incomplete)
        self.kind = "XYZ"
        self._text = TextBuffer(path, forgiving=incomplete == "skip")
        self._frame = 0
        self._begin(units)
        self._text.seek(0, 0)

    def _begin(self, units: str | None) -> None:
        """Read the first frame for what holds for all of them."""
        head = self._head()
        if head is None:
            raise InputError(f"{self.path}: there is no whole frame in the file")
        atoms, comment = head
        rows: list[list[bytes]] = []
        for _ in range(atoms):
            line = self._text.line()
            if line is None or self._text.unfinished:
                self.nothing_whole("frame 1 (line 1)", f"{len(rows)} of {atoms} atoms")
            rows.append(line.split())
        self._size = self._text.offset
        said = self._said(comment)
        self._properties, self._boundary = said.get("Properties"), self._periodic(said, "frame 1 (line 1)")
        species, start, velocity, mass = self._columns(self._properties, len(rows[0]))
        width = len(rows[0])
        if start + 3 > width or species >= width:
            raise InputError(f"{self.path}: line 3: expected an element and three coordinates, found {rows[0]!r}")
        if units is not None and units not in STYLES:
            raise InputError(f"units: {units!r} has no lengths in angstrom; known are {', '.join(STYLES)}")
        if velocity is not None and units is None:
            velocity = None
            self.notes.append(
                "velocities were left out, the file does not say their unit: give units='metal' or 'real'"
            )
        style = STYLES[units or "metal"]
        self._kinds, self._targets = np.full(width, SKIP), np.zeros(width, dtype=np.int64)
        self._kinds[species] = LABEL
        for target, column in enumerate([start, *([] if velocity is None else [velocity])]):
            self._kinds[column : column + 3] = NUMBER
            self._targets[column : column + 3] = 3 * target + np.arange(3)
        self.layout = Layout(
            atoms=atoms,
            velocities=velocity is not None,
            length=style.length,
            speed=style.length / style.time,
            periodic=(True, True, True) if self._boundary is None else boundaries(self._boundary, self.notes),
            digits=max((significant_digits(word) for row in rows for word in row[start : start + 3]), default=17),
        )
        words = [row[species].decode(errors="replace") if species < len(row) else "" for row in rows]
        self.particles = Particles(symbols=words, types=words, masses=self._masses(rows, mass))
        self._labels, self._stamps = np.zeros(atoms, dtype=np.uint64), np.full(atoms, -1)
        self._labelled = False
        self._factor = style.length

    def _columns(self, properties: str | None, width: int) -> tuple[int, int, int | None, int | None]:
        """Columns of the element, of x, of the velocity along x if there is one, and of the mass if there is one."""
        if properties is None:
            return 0, 1, None, None
        at: dict[str, int] = {}
        column = 0
        words = properties.split(":")
        if len(words) % 3 or not all(words[i].isdigit() for i in range(2, len(words), 3)):
            raise InputError(f"{self.path}: line 2: cannot read Properties={properties}")
        for name, count in zip(words[::3], words[2::3], strict=True):
            at[name.lower()] = column
            column += int(count)
        species = next((at[name] for name in _SPECIES if name in at), None)
        start = next((at[name] for name in _POSITIONS if name in at), None)
        if species is None or start is None:
            raise InputError(f"{self.path}: line 2: Properties={properties} has no species or no pos; write both")
        if column != width:
            raise InputError(f"{self.path}: line 3: {width} columns, Properties={properties} says {column}")
        velocity, mass = (next((at[n] for n in names if n in at), None) for names in (_VELOCITIES, _MASSES))
        return species, start, velocity, mass

    def _masses(self, rows: list[list[bytes]], column: int | None) -> Array | None:
        """Masses of the first frame; of a mass that is no number the line is said."""
        found = np.empty(len(rows))
        for number, row in enumerate(rows if column is not None else ()):
            try:
                found[number] = float(row[column or 0])
            except (ValueError, IndexError):
                raise InputError(f"{self.path}: line {number + 3}: no mass, which Properties says is there") from None
        return None if column is None else found

    def _periodic(self, said: dict[str, str], where: str) -> tuple[bool, ...] | None:
        """Along which vectors the comment says that the cell is periodic."""
        words = said.get("pbc", "").replace(",", " ").split()
        if not words or "Properties" not in said:
            return None
        known = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}
        if len(words) != 3 or any(word.lower() not in known for word in words):
            raise InputError(f'{self.path}: {where}: cannot read pbc={said["pbc"]!r}; write for example pbc="T T F"')
        return tuple(known[word.lower()] for word in words)

    @staticmethod
    def _said(comment: str) -> dict[str, str]:
        return {key: value.strip("\"'{}[]") for key, value in _PAIR.findall(comment)}

    @property
    def frames(self) -> int | None:
        """About how many frames there are."""
        return None if self._text.compressed else max(1, round(self._text.size / self._size))

    @property
    def done(self) -> float:
        """Part of the file that has been read, 0 to 1."""
        return self._text.done

    def mark(self) -> Mark:
        """Where the next frame begins."""
        return {"offset": self._text.offset, "lines": self._text.lines, "frame": self._frame}

    def seek(self, mark: Mark) -> None:
        """Go to where a frame begins."""
        self._text.seek(mark["offset"], mark["lines"])
        self._frame = mark["frame"]

    def close(self) -> None:
        """Close the file."""
        self._text.close()

    def _head(self) -> tuple[int, str] | None:
        """Number of atoms and comment; None at the end, or where the file is cut."""
        line = self._text.line()
        while line is not None and not line.strip():
            line = self._text.line()
        if line is None:
            return None
        number = self._text.lines
        comment = None if self._text.unfinished else self._text.line()
        if comment is None or self._text.unfinished:
            self.cut(f"frame {self._frame + 1} (line {number})", "its header is cut", first=self._frame == 0)
            return None
        try:
            atoms = int(line)
        except ValueError:
            atoms = 0
        if atoms <= 0:
            shown = line.strip()[:40].decode(errors="replace")
            raise InputError(
                f"{self.path}: frame {self._frame + 1}, line {number}: expected the number of atoms, found {shown!r}; "
                "the file is damaged, or the frame before has more rows than it says"
            )
        return atoms, comment.decode(errors="replace")

    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, 3 or 6); None at the end."""
        head = self._head()
        if head is None:
            return None
        atoms, comment = head
        where = f"frame {self._frame + 1} (line {self._text.lines - 1})"
        if atoms != self.layout.atoms:
            raise InputError(
                f"{self.path}: {where}: {atoms} atoms, the first frame has {self.layout.atoms}; the number of atoms "
                "must not change"
            )
        said = self._said(comment)
        if said.get("Properties") != self._properties:
            raise InputError(f"{self.path}: {where}: other Properties than in the first frame; write the same")
        if self._periodic(said, where) != self._boundary:
            raise InputError(f"{self.path}: {where}: another pbc than in the first frame; it must stay the same")
        if not self._rows(out, where):
            return None
        frame = self._said_frame(comment, said, where)
        self._frame += 1
        return frame

    def _rows(self, out: Array, where: str) -> bool:
        text = self._text
        while True:
            state, at, row = table(
                text.array, text.start, text.end, self._kinds, self._targets, np.empty(0, dtype=np.int64), self._labels,
                self._labelled, self._stamps, self._frame, out,
            )  # fmt: skip
            if state != CUT:
                break
            self._stamps[:] = -1
            if not text.more():
                self.cut(where, f"{row} of {self.layout.atoms} atoms", first=self._frame == 0)
                return False
        if state != FINE:
            self._complain(state, at, row)
        text.start = at
        text.lines += self.layout.atoms
        self._labelled = True
        return True

    def _complain(self, state: int, at: int, row: int) -> None:
        text = self._text
        begin = text.text(text.start, at).rfind(b"\n") + 1 + text.start
        words = text.text(begin, min(begin + 300, text.end)).split(b"\n")[0].decode(errors="replace").strip()[:60]
        rest = text.text(at, min(at + 40, text.end)).split()
        word = rest[0].decode(errors="replace") if rest else ""
        reasons = {
            NOT_FINITE: f"{word!r} is not finite; the simulation has failed there",
            TOO_FEW: f"{words!r} has fewer than {len(self._kinds)} columns; the frame has fewer rows than it says",
            TOO_MANY: f"{words!r} has more than {len(self._kinds)} columns",
            OTHER_LABEL: f"{words!r} is another element than in the first frame; the atoms must stay the same",
        }
        reason = reasons.get(state, f"{word!r} is not a number; the file is damaged")
        raise InputError(f"{self.path}: frame {self._frame + 1}, line {text.lines + row + 1}: {reason}")

    def _said_frame(self, comment: str, said: dict[str, str], where: str) -> Frame:
        cell, time, step = None, None, None
        if "Lattice" in said:
            try:
                cell = np.array([float(word) for word in said["Lattice"].replace(",", " ").split()]).reshape(3, 3)
                cell = cell * self._factor
            except ValueError:
                cell = np.zeros((3, 3))
            if not np.all(np.isfinite(cell)) or not abs(np.linalg.det(cell)) > 0:
                raise InputError(f"{self.path}: {where}: Lattice={said['Lattice']!r} is no cell with a volume")
        if (match := _CP2K.search(comment)) is not None and self._properties is None:
            try:
                step, time = int(match[1]), float(match[2]) / 1000
            except ValueError:
                raise InputError(f"{self.path}: {where}: cannot read the time {match[2]!r}") from None
        return Frame(cell=cell, where=where, time=time, step=step)
