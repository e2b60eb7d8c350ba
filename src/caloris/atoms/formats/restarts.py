"""Files of one run that overlap: a restart went on from an earlier step, so that the later file is what came of it."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from caloris.atoms.formats.reader import Frame, Reader
from caloris.atoms.segments import Array
from caloris.errors import InputError

_SAME = 1e-3
"""Angstrom: frames that differ by more are of another branch."""


@dataclass(frozen=True)
class Overlap:
    """What two files have of the same times."""

    frames: int
    """So many of the earlier file are left out."""
    apart: float
    """Angstrom, the largest distance of an atom from itself in the other file."""
    since: float
    """Step or time from which on the files differ."""

    @property
    def differs(self) -> bool:
        """Whether the later file is another branch."""
        return self.apart > _SAME


def place_in_time(frame: Frame) -> float | None:
    """Return the step of a frame, else its time, ps; None where the file says neither."""
    return frame.step if frame.step is not None else frame.time


def beginnings(paths: Sequence[Path], open_reader: Callable[[Path], Reader]) -> list[float | None]:
    """Return the step or time at which each of several files begins; refuse files out of the order of time."""
    found: list[float | None] = []
    for path in paths:
        with closing(open_reader(path)) as reader:
            frame = reader.next(np.empty((reader.layout.atoms, reader.layout.width)))
        at = None if frame is None else place_in_time(frame)
        before = [one for one in found if one is not None]
        # a restart that was stopped at once may begin where the next one does, but not where the run did
        if frame is not None and at is not None and before and (at <= before[0] or at < before[-1]):
            word = "step" if frame.step is not None else "time"
            raise InputError(
                f"{path}: {frame.where}: the file begins at {word} {at:g}, the one before at {before[-1]:g}; give the "
                "pieces in the order of time"
            )
        found.append(at)
    return found


def compare(
    earlier: Reader, frame: Frame, raw: Array, later: Reader, slack: float, cell: Callable[[Frame], Array]
) -> Overlap:
    """Read an earlier file to its end beside the later one.

    Parameters
    ----------
    earlier, frame, raw:
        The reader, and the frame it has just read: the first that both files have; ``raw`` is overwritten.
    later:
        The reader of the later file, at its beginning.
    slack:
        Steps or times that are as near are the same.
    cell:
        Cell vectors of a frame.

    Returns
    -------
    :
        How many frames there were, and how far apart.
    """
    count, apart, since = 0, 0.0, np.inf
    beside = np.empty((later.layout.atoms, later.layout.width))
    comparable = beside.shape == raw.shape
    mine: Frame | None = frame
    other: Frame | None = None
    try:
        while mine is not None:
            count += 1
            at = place_in_time(mine) or 0.0
            while comparable and (other is None or (place_in_time(other) or 0.0) < at - slack):
                other = later.next(beside)
                comparable = other is not None
            if comparable and other is not None and abs((place_in_time(other) or 0.0) - at) <= slack:
                here = _distance(earlier, raw, cell(mine), beside, cell(other))
                apart, since = max(apart, here), min(since, at if here > _SAME else np.inf)
            mine = earlier.next(raw)
    except InputError:  # a run that was killed leaves such an end, which is not used
        count += 1
    return Overlap(count, apart, since)


def _distance(reader: Reader, one: Array, cell: Array, other: Array, other_cell: Array) -> float:
    """Largest distance between the same atoms of two frames, up to cell vectors, angstrom."""
    scale = reader.layout.length

    def fractional(raw: Array, vectors: Array) -> Array:
        return np.asarray(raw[:, :3] if reader.layout.scaled else scale * raw[:, :3] @ np.linalg.inv(vectors))

    away = fractional(one, cell) - fractional(other, other_cell)
    away -= np.where(reader.layout.periodic, np.round(away), 0.0)
    return float(np.sqrt(((away @ cell) ** 2).sum(axis=1).max()))
