"""What a reader of a format gives: the particles once, then frame after frame of plain numbers, from any mark on."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np

from caloris.atoms.segments import Array, Indices
from caloris.errors import InputError

Mark = dict[str, Any]
"""Where a reader is, JSON values."""


@dataclass(frozen=True)
class Particles:
    """What a file says of its particles; what it does not say is None."""

    symbols: Sequence[str | None] | None = None
    """Elements; None where one is not known."""
    masses: Array | None = None
    """(N,), u."""
    charges: Array | None = None
    """(N,), e."""
    types: Sequence[str] | None = None
    """Words or numbers that stand for elements."""
    numbers: Indices | None = None
    """(N,) what the file calls each atom."""
    bonds: Indices | None = None
    """(B, 2)."""
    cell: Array | None = None
    """(3, 3), angstrom."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """What the columns of a frame are: positions, counts of images if ``images``, velocities if ``velocities``."""

    atoms: int
    scaled: bool = False
    """Positions are in cell vectors."""
    images: bool = False
    velocities: bool = False
    length: float = 1.0
    """Angstrom per unit of length."""
    speed: float = 1.0
    """Angstrom/ps per unit of velocity."""
    wrapped: bool | None = None
    """Whether positions are wrapped into the cell, if the file says."""
    periodic: tuple[bool, bool, bool] = (True, True, True)
    digits: int = 17
    """Significant digits of the positions in a text."""
    resolution: float = 0.0
    """Angstrom, of positions written on a grid."""
    single: bool = False
    """Whether numbers come in single precision."""

    @property
    def width(self) -> int:
        """Numbers of an atom in a frame."""
        return 3 + 3 * self.images + 3 * self.velocities


@dataclass(frozen=True)
class Frame:
    """What a frame says besides the numbers of its atoms."""

    cell: Array | None
    """(3, 3), angstrom; rows are the cell vectors."""
    where: str
    """For messages: which frame, which line."""
    time: float | None = None
    """ps."""
    step: int | None = None
    corner: Array | None = None
    """(3,), angstrom, where the cell begins, if the file says."""


@dataclass
class Reader(ABC):
    """One file, opened at its first frame."""

    path: Path
    incomplete: Literal["error", "skip"] = "error"
    notes: list[str] = field(default_factory=list, init=False)
    kind: str = field(default="", init=False)
    layout: Layout = field(init=False)
    particles: Particles = field(init=False)

    @abstractmethod
    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, width); None at the end."""

    @abstractmethod
    def mark(self) -> Mark:
        """Where the next frame begins."""

    @abstractmethod
    def seek(self, mark: Mark) -> None:
        """Go to where a frame begins."""

    @property
    @abstractmethod
    def frames(self) -> int | None:
        """How many frames there are, or about so many; None if nobody knows."""

    @property
    @abstractmethod
    def done(self) -> float:
        """Part of the file that has been read, 0 to 1."""

    def close(self) -> None:  # noqa: B027  # some have nothing to close
        """Close the file."""

    def cut(self, where: str, found: str, *, first: bool = False) -> None:
        """Say that a frame is cut: an error, or a note if it is to be left out.

        Parameters
        ----------
        where, found:
            The frame, and what of it is there.
        first:
            Whether no frame came before it.
        """
        if first:
            self.nothing_whole(where, found)
        if self.incomplete == "error":
            raise InputError(
                f"{self.path}: {where} is incomplete: {found}; wait until the simulation is done, or leave the frame "
                "out with incomplete='skip'"
            )
        self.notes.append(f"{self.path.name}: {where} is incomplete ({found}) and is left out")

    def nothing_whole(self, where: str, found: str) -> NoReturn:
        """Say that the first frame is cut; parameters as for :meth:`cut`."""
        raise InputError(f"{self.path}: {where} is incomplete: {found}; there is no whole frame in the file")


def boundaries(found: Sequence[bool], notes: list[str]) -> tuple[bool, bool, bool]:
    """Say along which vectors a cell is periodic, from what a file says of it.

    Parameters
    ----------
    found:
        (3,), what it says; a file that gives a cell and says "nowhere" mostly says nothing, and is not believed.
    notes:
        What can be doubted is added to it.

    Returns
    -------
    :
        Along each vector.
    """
    a, b, c = (bool(along) for along in found)
    if not (a or b or c):
        notes.append("the file says that its cell is periodic along no vector: was taken for periodic along all")
        return True, True, True
    if not (a and b and c):
        notes.append("the box is not periodic along every vector")
    return a, b, c


def cell_vectors(lengths: Array, angles: Array) -> Array:
    """Return cell vectors: a along x, b in the plane of x and y.

    Parameters
    ----------
    lengths, angles:
        (3,) each; degrees.

    Returns
    -------
    :
        (3, 3), rows.

    Examples
    --------
    >>> cell_vectors(np.array([2.0, 3.0, 4.0]), np.array([90.0, 90.0, 90.0])).tolist()
    [[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 4.0]]
    """
    cosine = np.where(np.asarray(angles) == 90.0, 0.0, np.cos(np.radians(angles)))
    alpha, beta, gamma = cosine
    sine = np.sqrt(1 - gamma**2)
    c_y = (alpha - beta * gamma) / sine
    unit = [[1, 0, 0], [gamma, sine, 0], [beta, c_y, np.sqrt(max(0.0, 1 - beta**2 - c_y**2))]]
    return np.asarray(lengths)[:, None] * np.array(unit)
