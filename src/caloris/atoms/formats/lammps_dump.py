"""LAMMPS text dumps: columns in any order, atoms in any order, boxes of any shape; plain, gzip, bzip2 or xz.

Source: LAMMPS documentation, ``dump custom``, "How to: triclinic (non-orthogonal) simulation boxes", ``units``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from caloris.atoms.formats._kernels import (
    ATOM_TWICE,
    CUT,
    FINE,
    LABEL,
    NOT_FINITE,
    NUMBER,
    OTHER_LABEL,
    ROW,
    SKIP,
    TOO_FEW,
    TOO_MANY,
    UNKNOWN_ATOM,
    table,
)
from caloris.atoms.formats.reader import Frame, Layout, Mark, Particles, Reader, boundaries
from caloris.atoms.formats.text_buffer import TextBuffer
from caloris.atoms.segments import Array, Indices
from caloris.errors import InputError


@dataclass(frozen=True)
class UnitStyle:
    """Units of a LAMMPS style: length in angstrom, time in ps."""

    length: float
    time: float


_BOHR = 0.529177210903
_ELECTRON_VELOCITY = _BOHR / 1.03275e-3
"""Velocities of style electron are in Bohr per 1.03275 fs, its times in fs."""
STYLES = {
    "real": UnitStyle(1.0, 1e-3),
    "metal": UnitStyle(1.0, 1.0),
    "si": UnitStyle(1e10, 1e12),
    "cgs": UnitStyle(1e8, 1e12),
    "micro": UnitStyle(1e4, 1e6),
    "nano": UnitStyle(10.0, 1e3),
    "electron": UnitStyle(_BOHR, 1e-3),
}
_TRIPLES = (("xu", "yu", "zu"), ("xsu", "ysu", "zsu"), ("x", "y", "z"), ("xs", "ys", "zs"))
_IMAGES, _VELOCITIES = ("ix", "iy", "iz"), ("vx", "vy", "vz")
_SIGNATURES = (b"ITEM: TIMESTEP", b"ITEM: UNITS", b"ITEM: TIME")


def is_dump(first: bytes) -> bool:
    """Say whether a file that begins so is a LAMMPS text dump."""
    return first.startswith(_SIGNATURES)


@dataclass(frozen=True)
class _Header:
    """What stands before the atoms of a frame."""

    step: int
    time: float | None
    units: str | None
    atoms: int
    box: tuple[bytes, tuple[bytes, bytes, bytes]]
    columns: tuple[str, ...]


class _CutError(Exception):
    """The file ends within a header."""


class LammpsDump(Reader):
    """A LAMMPS text dump."""

    def __init__(self, path: Path, incomplete: Literal["error", "skip"] = "error", units: str | None = None) -> None:
        super().__init__(path, incomplete)
        self.kind = "LAMMPS text dump"
        self._text = TextBuffer(path, forgiving=incomplete == "skip")
        self._frame = 0
        self._units = units
        self._boxes: tuple[object, tuple[Array, Array]] | None = None
        self._begin()

    # -- the first frame -------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Read the first frame for what holds for all of them, and go back to its beginning."""
        try:
            head = self._head()
        except _CutError as error:
            self.nothing_whole(f"frame 1 (line {self._text.lines})", str(error))
        if head is None:
            raise InputError(f"{self.path}: the file is empty; there are no frames in it")
        self._columns = head.columns
        rows = self._rows(head)
        self._size = self._text.offset
        self._units = self._style(head)
        self._plan(head, rows)
        self._cell(head)
        self._text.seek(0, 0)

    def _rows(self, head: _Header) -> list[list[bytes]]:
        """The words of the first frame."""
        nothing = np.zeros(len(head.columns), dtype=np.int64)
        unused, stamps = np.empty(0, dtype=np.int64), np.full(head.atoms, -1)
        labels, values = np.zeros(head.atoms, dtype=np.uint64), np.empty((head.atoms, 0))
        while True:
            t = self._text
            state, at, row = table(t.array, t.start, t.end, nothing, nothing, unused, labels, False, stamps, 0, values)
            if state != CUT:
                break
            stamps[:] = -1
            if not t.more():
                self.nothing_whole(self._where(head), f"{row} of {head.atoms} atoms")
        if state != FINE:
            self._complain(state, at, row, head)
        rows = [line.split() for line in t.text(t.start, at).splitlines()]
        self._text.start = at
        return rows

    def _style(self, head: _Header) -> str | None:
        given, said = self._units, head.units
        if given is not None and given not in STYLES:
            reason = "has no lengths; convert the dump" if given == "lj" else "is no LAMMPS style"
            raise InputError(f"units: {given!r} {reason}; known are {', '.join(STYLES)}")
        if said is not None and said not in STYLES:
            raise InputError(f"{self.path}: units {said!r} have no lengths in angstrom; known are {', '.join(STYLES)}")
        if given and said and given != said:
            raise InputError(f"units: {given!r} was given, {self.path} says {said!r}; leave units out")
        if given is None and said is None:
            if any(name in head.columns for name in _VELOCITIES):
                raise InputError(
                    f"{self.path}: holds velocities, in units that it does not say; give units='metal' (angstrom/ps) "
                    "or units='real' (angstrom/fs)"
                )
            self.notes.append("lengths were taken as angstrom, the dump does not say its units")
        return given or said

    def _plan(self, head: _Header, rows: list[list[bytes]]) -> None:
        columns = list(head.columns)
        triple = next((t for t in _TRIPLES if all(name in columns for name in t)), None)
        if triple is None:
            raise InputError(
                f"{self.path}: line {self._text.lines}: no positions among the columns "
                f"{' '.join(columns)}; dump x y z, xu yu zu, xs ys zs or xsu ysu zsu"
            )
        images = "u" not in triple[0] and all(name in columns for name in _IMAGES)
        velocities = all(name in columns for name in _VELOCITIES)
        wanted = [*triple, *(_IMAGES if images else ()), *(_VELOCITIES if velocities else ())]
        style = STYLES.get(self._units or "", UnitStyle(1.0, 1.0))
        speed = _ELECTRON_VELOCITY if self._units == "electron" else style.length / style.time
        chosen = [columns.index(name) for name in triple]
        self.layout = Layout(
            atoms=head.atoms,
            scaled="s" in triple[0],
            images=images,
            velocities=velocities,
            length=style.length,
            speed=speed,
            wrapped="u" not in triple[0] and not images,
            periodic=self._periodic(head),
            digits=max(significant_digits(row[column]) for row in rows for column in chosen),
        )
        self._targets = np.zeros(len(columns), dtype=np.int64)
        self._kinds = np.full(len(columns), SKIP, dtype=np.int64)
        for target, name in enumerate(wanted):
            self._kinds[columns.index(name)], self._targets[columns.index(name)] = NUMBER, target
        for name in ("type", "element"):
            if name in columns:
                self._kinds[columns.index(name)] = LABEL
        numbers = self._numbers(head, rows)
        self._known, self._order = np.empty(0, dtype=np.int64), np.arange(head.atoms)
        if numbers is None:
            self.notes.append("the dump has no column id: its rows were taken to be in the same order in every frame")
        else:
            self._kinds[columns.index("id")] = ROW
            self._order = np.argsort(numbers, kind="stable")
            self._known = np.full(numbers.max() + 1, -1)
            self._known[numbers[self._order]] = np.arange(head.atoms)
        self._labels = np.zeros(head.atoms, dtype=np.uint64)
        self._stamps = np.full(head.atoms, -1)
        self._labelled = False
        self.particles = self._particles(columns, [rows[i] for i in self._order], numbers)

    def _numbers(self, head: _Header, rows: list[list[bytes]]) -> Indices | None:
        if "id" not in head.columns:
            return None
        column = head.columns.index("id")
        try:
            numbers = np.array([int(row[column]) for row in rows], dtype=np.int64)
        except (ValueError, OverflowError):
            raise InputError(f"{self.path}: {self._where(head)}: the column id holds what is no number") from None
        if np.any(numbers < 0) or numbers.max() > 1_000_000_000:
            raise InputError(f"{self.path}: {self._where(head)}: the column id holds numbers out of reason")
        unique, count = np.unique(numbers, return_counts=True)
        if np.any(count > 1):
            raise InputError(f"{self.path}: {self._where(head)}: atom {unique[np.argmax(count)]} is there twice")
        return numbers

    def _particles(self, columns: list[str], rows: list[list[bytes]], numbers: Indices | None) -> Particles:
        def words(name: str) -> list[str] | None:
            if name not in columns:
                return None
            at = columns.index(name)
            return [row[at].decode(errors="replace") for row in rows]

        def floats(name: str) -> Array | None:
            found = words(name)
            try:
                return None if found is None else np.array([float(word) for word in found])
            except ValueError:
                raise InputError(f"{self.path}: frame 1: the column {name} holds what is no number") from None

        return Particles(
            symbols=words("element"),
            masses=floats("mass"),
            charges=floats("q"),
            types=words("type"),
            numbers=None if numbers is None else np.sort(numbers),
        )

    # -- frame after frame -----------------------------------------------------------------------------

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

    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, width); None at the end."""
        try:
            head = self._head()
        except _CutError as error:
            self.cut(f"frame {self._frame + 1} (line {self._text.lines})", str(error), first=self._frame == 0)
            return None
        if head is None:
            return None
        self._compare(head)
        text = self._text
        while True:
            state, at, row = table(
                text.array, text.start, text.end, self._kinds, self._targets, self._known, self._labels,
                self._labelled, self._stamps, self._frame, out,
            )  # fmt: skip
            if state != CUT:
                break
            self._stamps[:] = -1
            if not text.more():
                self.cut(self._where(head), f"{row} of {head.atoms} atoms", first=self._frame == 0)
                return None
        if state != FINE:
            self._complain(state, at, row, head)
        cell, corner = self._cell(head)
        time = None
        if head.time is not None and self._units is not None:
            time = head.time * STYLES[self._units].time
        frame = Frame(cell=cell, where=self._where(head), time=time, step=head.step, corner=corner)
        text.start = at
        text.lines += head.atoms
        self._frame += 1
        self._labelled = True
        return frame

    def _where(self, head: _Header) -> str:
        return f"frame {self._frame + 1} (step {head.step}, line {self._text.lines})"

    def _compare(self, head: _Header) -> None:
        if head.atoms != self.layout.atoms:
            raise InputError(
                f"{self.path}: {self._where(head)}: {head.atoms} atoms, the first frame has {self.layout.atoms}; "
                "the number of atoms must not change"
            )
        if head.columns != self._columns:
            raise InputError(
                f"{self.path}: {self._where(head)}: columns {' '.join(head.columns)}, the first frame has "
                f"{' '.join(self._columns)}; dump the same columns in every frame"
            )

    def _complain(self, state: int, at: int, row: int, head: _Header) -> None:
        """Say what is wrong with a row."""
        text, line = self._text, self._text.lines + row + 1
        begin = text.text(text.start, at).rfind(b"\n") + 1 + text.start
        words = text.text(begin, min(begin + 300, text.end)).split(b"\n")[0].decode(errors="replace")
        rest = text.text(at, min(at + 40, text.end)).split()
        word = rest[0].decode(errors="replace") if rest else ""
        place = f"{self.path}: frame {self._frame + 1} (step {head.step}), line {line}"
        if words.startswith("ITEM:"):
            raise InputError(f"{place}: the frame has {row} rows of atoms, its header says {head.atoms}")
        reasons = {
            NOT_FINITE: f"{word!r} is not finite; the simulation has failed there",
            TOO_FEW: f"{words.strip()[:60]!r} has fewer than {len(self._columns)} columns ({' '.join(self._columns)})",
            TOO_MANY: f"{words.strip()[:60]!r} has more than {len(self._columns)} columns ({' '.join(self._columns)})",
            UNKNOWN_ATOM: f"no atom {word} in the first frame; the atoms must stay the same",
            ATOM_TWICE: f"the atom of {words.strip()[:60]!r} is there twice",
            OTHER_LABEL: f"the atom of {words.strip()[:60]!r} has another type or element than in the first frame",
        }
        raise InputError(f"{place}: {reasons.get(state, f'{word!r} is not a number; the file is damaged')}")

    # -- headers ---------------------------------------------------------------------------------------

    def _line(self) -> bytes:
        line = self._text.line()
        if line is None or self._text.unfinished:
            raise _CutError("its header is cut")
        return line.strip()

    def _head(self) -> _Header | None:
        """Read up to the rows of atoms; None at the end of the file."""
        found: dict[str, object] = {}
        line = self._text.line()
        while line is not None and not line.strip():  # blank lines at the end
            line = self._text.line()
        if line is None:
            return None
        if self._text.unfinished:
            raise _CutError("its header is cut")
        line = line.strip()
        while not line.startswith(b"ITEM: ATOMS"):
            self._item(line, found)
            line = self._line()
        missing = [name for name in ("TIMESTEP", "NUMBER OF ATOMS", "BOX BOUNDS") if name not in found]
        if missing:
            raise InputError(
                f"{self.path}: frame {self._frame + 1}, line {self._text.lines}: no 'ITEM: {missing[0]}' before the "
                "atoms; dump with LAMMPS's 'dump custom' or 'dump atom'"
            )
        return _Header(
            step=int(str(found["TIMESTEP"])),
            time=float(str(found["TIME"])) if "TIME" in found else None,
            units=str(found["UNITS"]) if "UNITS" in found else None,
            atoms=int(str(found["NUMBER OF ATOMS"])),
            box=found["BOX BOUNDS"],  # type: ignore[arg-type]
            columns=tuple(word.decode(errors="replace") for word in line.split()[2:]),
        )

    def _item(self, line: bytes, found: dict[str, object]) -> None:
        place = f"{self.path}: frame {self._frame + 1}, line {self._text.lines}"
        shown = line[:60].decode(errors="replace")
        if not line.startswith(b"ITEM: "):
            more = "; there are more rows of atoms than the header says" if self._frame and not found else ""
            raise InputError(f"{place}: expected 'ITEM: ...', found {shown!r}{more}")
        if line.startswith(b"ITEM: BOX BOUNDS"):
            found["BOX BOUNDS"] = (line[16:].strip(), (self._line(), self._line(), self._line()))
            return
        name = line[6:].decode(errors="replace")
        if name not in ("TIMESTEP", "TIME", "UNITS", "NUMBER OF ATOMS"):
            raise InputError(f"{place}: {shown!r} is not known here; dump with LAMMPS's 'dump custom' or 'dump atom'")
        value = self._line().decode(errors="replace")
        try:
            good = name == "UNITS" or np.isfinite(float(value) if name == "TIME" else int(value))
            good = good and not (name == "NUMBER OF ATOMS" and int(value) <= 0)
        except (ValueError, OverflowError):
            good = False
        if not good:
            raise InputError(f"{place[: place.rfind(' ')]} {self._text.lines}: {value[:40]!r} is no {name.lower()}")
        found[name] = value

    # -- boxes -----------------------------------------------------------------------------------------

    def _periodic(self, head: _Header) -> tuple[bool, bool, bool]:
        words = [word for word in head.box[0].split() if len(word) == 2 and set(word) <= set(b"pfsm")]
        found = tuple(word == b"pp" for word in words) if len(words) == 3 else (True, True, True)
        if any(found):
            return boundaries(found, self.notes)
        self.notes.append("the box is not periodic along any vector")
        return False, False, False

    def _cell(self, head: _Header) -> tuple[Array, Array]:
        """Cell vectors and the corner of the box."""
        if self._boxes is None or self._boxes[0] != head.box:
            self._boxes = (head.box, self._box(head))
        return self._boxes[1]

    def _box(self, head: _Header) -> tuple[Array, Array]:
        try:
            rows = [[float(word) for word in line.split()] for line in head.box[1]]
            found = np.array(rows)
        except ValueError:
            found = np.empty(0)
        if found.shape not in ((3, 2), (3, 3), (3, 4)) or not np.all(np.isfinite(found)):
            shown = " / ".join(line.decode(errors="replace") for line in head.box[1])
            raise InputError(f"{self.path}: {self._where(head)}: cannot read the box {shown[:80]!r}")
        found *= STYLES[self._units].length if self._units else 1.0
        if found.shape == (3, 4):  # any shape: abc origin
            cell, corner = found[:, :3], found[:, 3]
        else:
            xy, xz, yz = found[:, 2] if found.shape == (3, 3) else (0.0, 0.0, 0.0)
            low = found[:, 0] - [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
            high = found[:, 1] - [max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0]
            a, b, c = high - low
            cell, corner = np.array([[a, 0, 0], [xy, b, 0], [xz, yz, c]]), low
        if not np.linalg.det(cell) > 0 or (np.any(np.diag(cell) <= 0) and found.shape != (3, 4)):
            raise InputError(f"{self.path}: {self._where(head)}: the box has no volume; dump the whole box")
        return cell, corner


def significant_digits(word: bytes) -> int:
    """Count the significant digits of a number in a text.

    Parameters
    ----------
    word:
        The number.

    Returns
    -------
    :
        How many digits there are, zeros before the first other digit aside.

    Examples
    --------
    >>> significant_digits(b"-0.01230e5")
    4
    """
    mantissa = word.lower().replace(b"d", b"e").split(b"e")[0].replace(b".", b"").lstrip(b"+-0")
    return len(mantissa)
