"""Files in the order of time as one trajectory: a restart replaces what it did again; uneven times are refused."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from caloris.atoms.formats.cell_history import CellHistory
from caloris.atoms.formats.reader import Frame, Layout, Mark, Particles, Reader
from caloris.atoms.formats.restarts import beginnings, compare, place_in_time
from caloris.atoms.segments import Array, Indices
from caloris.errors import InputError

_EVEN = 1e-3
"""How uneven frames may be, of their distance."""
_SINGLE = 4e-7
"""Rounding of a time that was written in single precision."""


@dataclass
class Slab:
    """Frames in a row, and where the next one begins."""

    raw: Array
    """(T, atoms, width)."""
    cell: Array
    """(T, 3, 3), angstrom, as the file has it."""
    lattice: Array
    """(T, 3, 3), angstrom: the same lattices, by vectors that go on from frame to frame."""
    shift: Array
    """(T, 3), angstrom, to add to positions."""
    time: Array
    """(T,), ps."""
    mark: Mark

    def only(self, frames: Indices) -> "Slab":
        """Return some of the frames, copied."""
        lattice, shift = self.lattice[frames], self.shift[frames]
        return Slab(self.raw[frames], self.cell[frames], lattice, shift, self.time[frames], self.mark)


class FileSequence:
    """One or more files, read frame after frame."""

    def __init__(
        self,
        paths: Sequence[Path],
        open_reader: Callable[[Path], Reader],
        timestep: float | None,
        cell: Array | dict[int, Array] | None,
        fallback: Array | None = None,
    ) -> None:
        """Open the first file; ``cell`` is what the user gave, for all frames or by step, ``fallback`` a topology's."""
        self.paths = paths
        self._open = open_reader
        self._timestep = timestep
        self._number = 0
        self.reader = open_reader(paths[0])
        self.layout: Layout = self.reader.layout
        self.particles: Particles = self.reader.particles
        self.kind = self.reader.kind
        self._given = cell
        self._fallback = fallback if fallback is not None else self.particles.cell
        self._notes: list[str] = []
        self._count = self._repeated = 0
        self._last: float | None = None
        self._distance: float | None = None
        self._last_time: float | None = None
        self._cells = CellHistory(self.layout.periodic)
        self._begins = beginnings(paths, open_reader) if len(paths) > 1 else [None]
        after = [[at for at in self._begins[number + 1 :] if at is not None] for number in range(len(paths))]
        self._limits = [min(later, default=None) for later in after]

    @property
    def frames(self) -> int | None:
        """About how many frames there are, if that is known."""
        here = self.reader.frames
        if here is None or len(self.paths) == 1:
            return here
        sizes = [path.stat().st_size for path in self.paths]
        return round(here * sum(sizes) / max(sizes[self._number], 1))

    @property
    def done(self) -> float:
        """Part of the files that has been read, 0 to 1."""
        sizes = [path.stat().st_size for path in self.paths]
        return (sum(sizes[: self._number]) + sizes[self._number] * self.reader.done) / max(sum(sizes), 1)

    @property
    def notes(self) -> list[str]:
        """What can be doubted."""
        repeated = [f"{self._repeated} frames that a restart wrote twice are left out"] if self._repeated else []
        flips = self._cells.flips
        flipped = [f"flips of the box: {flips}; the cell keeps vectors that go on"] if flips else []
        return list(dict.fromkeys([*self._notes, *self.reader.notes, *repeated, *flipped]))

    def fill(self, raw: Array) -> Slab:
        """Read frames until there is no more room, or there are no more.

        Parameters
        ----------
        raw:
            (T, atoms, width), to read into.

        Returns
        -------
        :
            At most T frames.
        """
        most = len(raw)
        cell, lattice, shift, time = *np.empty((2, most, 3, 3)), np.zeros((most, 3)), np.empty(most)
        count = 0
        while count < most and (frame := self._next(raw[count])) is not None:
            cell[count] = self._cell(frame)
            lattice[count] = self._cells.lattice(cell[count])
            if frame.corner is not None:
                shift[count] = self._cells.shift(lattice[count], frame.corner, self.layout.scaled)
            time[count] = self._time(frame)
            count += 1
            self._count += 1
        return Slab(raw[:count], cell[:count], lattice[:count], shift[:count], time[:count], self.mark())

    def _next(self, out: Array) -> Frame | None:
        """Read the next frame that is new."""
        while True:
            frame = self.reader.next(out)
            if frame is not None and self._is_superseded(frame):
                self._leave(frame, out)
                frame = None
            if frame is None:
                if not self._advance():
                    return None
                continue
            if self._is_new(frame):
                return frame
            self._repeated += 1

    def _advance(self) -> bool:
        """Go to the next file."""
        if self._number + 1 >= len(self.paths):
            return False
        self._close()
        self._number += 1
        self.reader = self._open(self.paths[self._number])
        for name, one, other in (
            ("columns", self.layout, self.reader.layout),
            ("atoms", self.particles.numbers, self.reader.particles.numbers),
            ("types", self.particles.types, self.reader.particles.types),
            ("elements", self.particles.symbols, self.reader.particles.symbols),
        ):
            if isinstance(one, Layout) and isinstance(other, Layout):
                same = replace(one, digits=0, resolution=0.0) == replace(other, digits=0, resolution=0.0)
            else:
                same = np.array_equal(one, other)  # type: ignore[arg-type]
            if not same:
                raise InputError(
                    f"{self.paths[self._number]}: other {name} than {self.paths[0]}; pieces of one trajectory must "
                    "hold the same"
                )
        return True

    def _leave(self, frame: Frame, out: Array) -> None:
        """Leave the rest of the file to a later one, which went on from an earlier step than this one reached."""
        limit = self._limits[self._number]
        number = next(k for k in range(self._number + 1, len(self.paths)) if self._begins[k] == limit)
        with closing(self._open(self.paths[number])) as later:
            overlap = compare(self.reader, frame, out, later, self._slack, self._cell)
        if overlap.differs:
            word = "step" if frame.step is not None else "time"
            self._notes.append(
                f"{self.reader.path.name}: its last {overlap.frames} frames are left out: {later.path.name} goes "
                f"another way from {word} {overlap.since:g} on, with an atom up to {overlap.apart:.2g} angstrom away"
            )
        else:
            self._repeated += overlap.frames

    @property
    def _slack(self) -> float:
        """Steps or times as near as this are the same."""
        return 0.01 * (self._distance or 0.0)

    def _is_superseded(self, frame: Frame) -> bool:
        """Whether a later file has the frame too."""
        at, limit = place_in_time(frame), self._limits[self._number]
        return at is not None and limit is not None and at >= limit - self._slack

    def _is_new(self, frame: Frame) -> bool:
        """Compare the step, or else the time, with those before."""
        at, last = place_in_time(frame), self._last
        if at is None:
            return True
        if last is None:
            self._last = at
            return True
        word = "step" if frame.step is not None else "time"
        place = f"{self.reader.path}: {frame.where}"
        if at < last:
            raise InputError(
                f"{place}: {word} {at:g} comes after {last:g}; the frames are out of order: sort the file, or cut "
                "off what a restart has done again"
            )
        if at == last:
            return False
        distance = at - last
        if self._distance is None:
            self._distance = distance
        slack = _EVEN * self._distance + (_SINGLE * abs(at) if word == "time" else 0.0)
        if abs(distance - self._distance) > slack:
            raise InputError(
                f"{place}: {word} {at:g} comes after {last:g}, expected {last + self._distance:g}; frames must be "
                "evenly spaced: write every frame, or cut the file"
            )
        self._last = at
        return True

    def _cell(self, frame: Frame) -> Array:
        """Cell vectors of a frame: the file's, the user's, or the topology's."""
        place = f"{self.reader.path}: {frame.where}"
        if frame.cell is not None:
            if self._given is not None:
                raise InputError(f"{place}: has a cell; leave cell out")
            return frame.cell
        if isinstance(self._given, dict):
            if frame.step is None or frame.step not in self._given:
                raise InputError(f"{place}: no cell of this step in the .cell file; give that of the same run")
            return self._given[frame.step]
        found = self._given if self._given is not None else self._fallback
        if found is None:
            raise InputError(
                f"{place}: no cell; give cell='12.4 angstrom', its vectors, or a file with a cell as topology"
            )
        return found

    def _time(self, frame: Frame) -> float:
        """Time of a frame, ps: the file's, or counted."""
        given, said = self._timestep, frame.time
        if said is None:
            if given is None:
                steps = "step numbers but no times" if frame.step is not None else "no times"
                raise InputError(
                    f"{self.reader.path}: holds {steps}; give the time between frames, for example timestep='10 fs'"
                )
            return self._count * given
        if given is not None and self._last_time is not None:
            found = said - self._last_time
            if abs(found - given) > _EVEN * given + _SINGLE * abs(said):
                raise InputError(
                    f"{self.reader.path}: {frame.where}: timestep is {given:g} ps, but frames of the file are "
                    f"{found:g} ps apart; leave timestep out, or give the time between frames"
                )
        self._last_time = said
        return said

    def mark(self) -> Mark:
        """Where the next frame begins."""
        names = ("_number", "_count", "_repeated", "_last", "_distance", "_last_time")
        kept = {name: getattr(self, name) for name in names} | {"_notes": [*self._notes, *self.reader.notes]}
        return {"reader": self.reader.mark(), "cells": self._cells.state()} | kept

    def seek(self, mark: Mark) -> None:
        """Go to where a frame begins.

        Parameters
        ----------
        mark:
            What :meth:`mark` said there.
        """
        if mark["_number"] != self._number:
            self._close()
            self.reader = self._open(self.paths[mark["_number"]])
        for name, value in mark.items():
            if name.startswith("_"):
                setattr(self, name, value)
        self._cells.go_on(mark["cells"])
        self.reader.seek(mark["reader"])

    def _close(self) -> None:
        self._notes += self.reader.notes
        self.reader.close()

    def close(self) -> None:
        """Close the file."""
        self.reader.close()


def even_times(time: Array, where: Path) -> Array:
    """Put times on an even grid, from which they may differ by their rounding.

    Parameters
    ----------
    time:
        (T,), ps.
    where:
        For the message.

    Returns
    -------
    :
        (T,), ps.
    """
    if len(time) < 2:
        return time
    distance = (time[-1] - time[0]) / (len(time) - 1)
    even = time[0] + distance * np.arange(len(time))
    away = np.abs(time - even)
    if np.any(away > _EVEN * distance + _SINGLE * np.abs(time)):
        worst = int(np.argmax(away))
        raise InputError(f"{where}: frames must be evenly spaced; frame {worst + 1} is at {time[worst]:g} ps")
    return np.asarray(even)
