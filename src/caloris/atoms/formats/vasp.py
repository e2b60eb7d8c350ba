"""VASP: XDATCAR, with a cell that is fixed or written anew for each frame, and vasprun.xml. Positions are fractional.

A vasprun.xml says its time step, POTIM in fs; an XDATCAR does not.
"""

import itertools
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from caloris.atoms.formats._kernels import CUT, FINE, NOT_FINITE, NUMBER, table
from caloris.atoms.formats.lammps_dump import significant_digits
from caloris.atoms.formats.reader import Frame, Layout, Mark, Particles, Reader
from caloris.atoms.formats.text_buffer import TextBuffer
from caloris.atoms.segments import Array
from caloris.errors import InputError

_BEGIN = b"configuration="


def is_xdatcar(first: bytes) -> bool:
    """Say whether a file that begins so is an XDATCAR."""
    lines = first.split(b"\n")
    return len(lines) > 8 and lines[7].startswith(b"Direct") and _BEGIN in lines[7]


def is_vasprun(first: bytes) -> bool:
    """Say whether a file that begins so is a vasprun.xml."""
    return first.lstrip().startswith(b"<?xml") and b"<modeling" in first


class Xdatcar(Reader):
    """An XDATCAR; several of them one after the other count as one run."""

    def __init__(self, path: Path, incomplete: Literal["error", "skip"] = "error") -> None:
        super().__init__(path, incomplete)
        self.kind = "XDATCAR"
        self._text = TextBuffer(path, forgiving=incomplete == "skip")
        self._frame = 0
        self._last: int | None = None
        self._first: int | None = None
        self._interval: int | None = None
        self._header: list[bytes] = []
        if not self._head():
            raise InputError(f"{self.path}: there is no whole frame in the file")
        names, counts = self._header[5].split(), [int(word) for word in self._header[6].split()]
        atoms = sum(counts)
        rows = [self._text.line() or b"" for _ in range(atoms)]
        self._size = self._text.offset
        digits = max((significant_digits(word) for row in rows for word in row.split()[:3]), default=17)
        self.layout = Layout(atoms=atoms, scaled=True, digits=digits)
        pairs = zip(names, counts, strict=True)
        symbols = [name.decode(errors="replace").split("/")[0] for name, count in pairs for _ in range(count)]
        self.particles = Particles(symbols=symbols, types=symbols)
        self._stamps, self._labels = np.full(atoms, -1), np.zeros(atoms, dtype=np.uint64)
        self.seek({"offset": 0, "lines": 0, "frame": 0, "last": None, "first": None, "interval": None, "header": []})

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
        header = [line.decode(errors="replace") for line in self._header]
        place = {"offset": self._text.offset, "lines": self._text.lines}
        numbers = {"last": self._last, "first": self._first, "interval": self._interval}
        return place | numbers | {"frame": self._frame, "header": header}

    def seek(self, mark: Mark) -> None:
        """Go to where a frame begins."""
        self._text.seek(mark["offset"], mark["lines"])
        self._frame = mark["frame"]
        self._last, self._first, self._interval = mark["last"], mark["first"], mark["interval"]
        self._header = [line.encode() for line in mark["header"]]

    def close(self) -> None:
        """Close the file."""
        self._text.close()

    def _head(self) -> bool:
        """Read up to the rows of a frame, with the cell if it is written anew; False at the end."""
        lines: list[bytes] = []
        while True:
            line = self._text.line()
            if line is None and not any(one.strip() for one in lines):
                return False
            if line is None or self._text.unfinished:
                self.cut(self._where(), "its header is cut", first=self._frame == 0)
                return False
            if line.startswith((b"Direct", b"Cartesian")) and _BEGIN in line:
                break
            lines.append(line)
            if len(lines) > 8:
                raise InputError(
                    f"{self.path}: line {self._text.lines}: expected 'Direct configuration=', found "
                    f"{line[:40].decode(errors='replace')!r}; the file is damaged"
                )
        if not line.startswith(b"Direct"):
            raise InputError(f"{self.path}: line {self._text.lines}: positions that are not 'Direct' are not supported")
        if lines and any(one.strip() for one in lines):
            self._take_header(lines)
        self._number(line)
        return True

    def _take_header(self, lines: list[bytes]) -> None:
        place = f"{self.path}: line {self._text.lines}"
        if len(lines) != 7:
            raise InputError(f"{place}: a header of {len(lines)} lines, expected 7; the file is damaged")
        try:
            counts = [int(word) for word in lines[6].split()]
        except ValueError:
            counts = []
        if not counts or len(counts) != len(lines[5].split()) or min(counts) <= 0:
            raise InputError(f"{place}: cannot read elements and their numbers; XDATCAR of VASP 5 or later has both")
        if self._header and (
            lines[5].split() != self._header[5].split() or lines[6].split() != self._header[6].split()
        ):
            raise InputError(f"{place}: other elements or numbers of atoms than in the first frame")
        self._header = lines
        self._vectors()

    def _vectors(self) -> Array:
        try:
            scale = float(self._header[1])
            cell = np.array([[float(word) for word in line.split()] for line in self._header[2:5]])
            volume = float(abs(np.linalg.det(cell)))
        except (ValueError, np.linalg.LinAlgError):
            volume, scale, cell = 0.0, 1.0, np.zeros((3, 3))
        if not (np.isfinite(volume) and volume > 0 and scale != 0):
            raise InputError(f"{self.path}: line {self._text.lines}: cannot read the cell, or it has no volume")
        return cell * (scale if scale > 0 else (-scale / volume) ** (1 / 3))

    def _number(self, line: bytes) -> None:
        """Compare the number of the frame with the one before: NBLOCK more, or the first one again after a restart."""
        word = line.split(b"=")[1].strip()
        if word and not word.strip(b"*"):  # VASP has six digits for it
            self._last = None
            return
        try:
            number = int(word)
        except ValueError:
            raise InputError(f"{self.path}: line {self._text.lines}: cannot read the number of the frame") from None
        if self._first is None:
            self._first = number
        if self._last is not None and self._interval is None and number > self._last:
            self._interval = number - self._last
        if self._last is not None and number not in (self._last + (self._interval or 0), self._first):
            raise InputError(
                f"{self.path}: line {self._text.lines}: frame {number} comes after {self._last}; frames must be "
                "evenly spaced"
            )
        self._last = number

    def _where(self) -> str:
        return f"frame {self._frame + 1} (line {self._text.lines})"

    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, 3); None at the end."""
        if not self._head():
            return None
        where, text = self._where(), self._text
        kinds, targets = np.full(3, NUMBER), np.arange(3)
        while True:
            state, at, row = table(
                text.array, text.start, text.end, kinds, targets, np.empty(0, dtype=np.int64), self._labels, False,
                self._stamps, self._frame, out,
            )  # fmt: skip
            if state != CUT:
                break
            self._stamps[:] = -1
            if not text.more():
                self.cut(where, f"{row} of {self.layout.atoms} atoms", first=self._frame == 0)
                return None
        if state != FINE:
            rest = text.text(at, min(at + 40, text.end)).split()
            word = rest[0].decode(errors="replace") if rest else ""
            bad = "is not finite; the simulation has failed there" if state == NOT_FINITE else "is not in its place"
            raise InputError(
                f"{self.path}: frame {self._frame + 1}, line {text.lines + row + 1}: {word!r} {bad}; expected three "
                "numbers"
            )
        text.start = at
        text.lines += self.layout.atoms
        self._frame += 1
        return Frame(cell=self._vectors(), where=where)


class Vasprun(Reader):
    """A vasprun.xml."""

    def __init__(self, path: Path, incomplete: Literal["error", "skip"] = "error") -> None:
        super().__init__(path, incomplete)
        self.kind = "vasprun.xml"
        self._frame = 0
        self._size = path.stat().st_size
        self._about: dict[str, Any] = {"symbols": [], "kinds": [], "masses": {}, "incar": {}}
        self._calculations = self._read()
        first = next(self._calculations, None)
        if first is None:
            raise InputError(f"{self.path}: there is no whole frame in the file")
        symbols = self._about["symbols"]
        if len(symbols) != len(first[1]):
            raise InputError(f"{self.path}: {len(symbols)} elements of {len(first[1])} atoms; the file is damaged")
        self.layout = Layout(atoms=len(symbols), scaled=True)
        masses = np.array([self._about["masses"].get(kind, np.nan) for kind in self._about["kinds"]])
        whole = len(masses) == len(symbols) and bool(np.all(np.isfinite(masses)))
        self.particles = Particles(symbols=symbols, types=symbols, masses=masses if whole else None)
        incar = self._about["incar"]
        dynamics = incar.get("IBRION", "-1") == "0" and float(incar.get("NBLOCK", 1)) == 1 and "POTIM" in incar
        self._step = float(incar["POTIM"]) / 1000 if dynamics else None
        self._calculations = itertools.chain([first], self._calculations)

    def _read(self) -> Iterator[tuple[Array, Array]]:
        """Cell and positions of each calculation."""
        try:
            for _, element in ElementTree.iterparse(self.path, events=("end",)):
                if element.tag == "incar":
                    items = (item for item in element if item.text)
                    self._about["incar"] = {item.get("name"): str(item.text).strip() for item in items}
                elif element.tag == "array" and element.get("name") == "atoms":
                    rows = _rows(element)
                    self._about["symbols"] = [row[0] for row in rows]
                    self._about["kinds"] = [row[1] if len(row) > 1 else "" for row in rows]
                elif element.tag == "array" and element.get("name") == "atomtypes":
                    self._about["masses"] = _masses_of_types(element)
                elif element.tag == "calculation":
                    yield self._structure(element)
                    element.clear()
        except ElementTree.ParseError as error:
            where = f"frame {self._frame + 1} (line {error.position[0]})"
            self.cut(where, "the XML ends or is damaged there", first=self._frame == 0)
        except OSError as error:
            raise InputError(f"{self.path}: cannot read the trajectory: {error.strerror}") from None

    def _structure(self, element: ElementTree.Element) -> tuple[Array, Array]:
        found = []
        for path in ("structure/crystal/varray[@name='basis']", "structure/varray[@name='positions']"):
            rows = element.find(path)
            try:
                values = np.array([[float(w) for w in str(row.text).split()] for row in (() if rows is None else rows)])
            except ValueError:
                values = np.empty(0)
            if values.ndim != 2 or values.shape[1] != 3 or not np.all(np.isfinite(values)):
                raise InputError(f"{self.path}: frame {self._frame + 1}: cell or positions are missing or no numbers")
            found.append(values)
        if found[0].shape != (3, 3) or not abs(np.linalg.det(found[0])) > 0:
            raise InputError(f"{self.path}: frame {self._frame + 1}: the cell has no volume")
        return found[0], found[1]

    @property
    def frames(self) -> int | None:
        """Nobody knows."""
        return None

    @property
    def done(self) -> float:
        """Nobody knows either."""
        return 0.5

    def mark(self) -> Mark:
        """Where the next frame begins."""
        return {"frame": self._frame}

    def seek(self, mark: Mark) -> None:
        """Go to where a frame begins, through those before it."""
        self._frame = 0
        self._calculations = self._read()
        for _ in range(mark["frame"]):
            next(self._calculations)
            self._frame += 1

    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, 3); None at the end."""
        found = next(self._calculations, None)
        if found is None:
            return None
        where = f"frame {self._frame + 1}"
        if found[1].shape != out.shape:
            raise InputError(f"{self.path}: {where}: {len(found[1])} atoms, the first frame has {len(out)}")
        out[:] = found[1]
        time = None if self._step is None else self._frame * self._step
        self._frame += 1
        return Frame(cell=found[0], where=where, time=time)


def _rows(array: ElementTree.Element) -> list[list[str]]:
    """The words of an array's rows."""
    rows = ([str(cell.text).strip() for cell in row.iter("c")] for row in array.iter("rc"))
    return [row for row in rows if row]


def _masses_of_types(array: ElementTree.Element) -> dict[str, float]:
    """POMASS, u, by the number of the kind of atom."""
    fields = [str(field.text).strip() for field in array.iter("field")]
    try:
        column = fields.index("mass")
        return {str(number): float(row[column]) for number, row in enumerate(_rows(array), start=1)}
    except (ValueError, IndexError):
        return {}
