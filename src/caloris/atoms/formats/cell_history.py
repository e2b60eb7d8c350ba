"""Cells from frame to frame: vectors that go on where a program flips them, and the corner of a box that moves."""

from typing import Any

import numpy as np

from caloris.atoms.segments import Array, followed_cell

_STILL = 1e-9
"""A corner that moves by a smaller part of the cell has not moved."""


class CellHistory:
    """The cells of one trajectory, in the order of time."""

    def __init__(self, periodic: tuple[bool, bool, bool]) -> None:
        self._periodic = periodic
        self._last: Array | None = None
        self._turned: Array = np.eye(3)
        self._origin: Array | None = None
        self.flips = 0
        """How often the program went over to other vectors of the same lattice."""

    def lattice(self, cell: Array) -> Array:
        """Return vectors that span the lattice of a cell and go on from the frame before: (3, 3), angstrom."""
        if self._last is not None and np.array_equal(cell, self._last):
            return self._last
        found = cell if self._last is None else followed_cell(self._last, cell, self._periodic)
        turned = np.eye(3) if found is cell else np.round(found @ np.linalg.inv(cell))
        self.flips += not np.array_equal(turned, self._turned)
        self._last, self._turned = found.copy(), turned
        return self._last

    def shift(self, lattice: Array, corner: Array, scaled: bool) -> Array:
        """Return what to add to positions, so that those at rest in a box that moves and grows keep their place in it.

        Parameters
        ----------
        lattice, corner:
            Of the frame: vectors that go on, and where the file's cell begins; angstrom.
        scaled:
            Whether positions are counted from the corner, in cell vectors.

        Returns
        -------
        :
            (3,), angstrom.
        """
        inverse = np.linalg.inv(lattice)
        if self._origin is None:
            self._origin = corner @ inverse
        # the corner of a box that is not periodic follows the outermost atom, and tells nothing of the others
        moved = np.where(self._periodic, self._origin - corner @ inverse, 0.0) @ lattice
        if np.abs(moved).max() < _STILL * np.abs(lattice).max():
            moved = np.zeros(3)
        return np.asarray(moved + corner if scaled else moved)

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on, JSON values."""
        lists = {"last": self._last, "turned": self._turned, "origin": self._origin}
        return {"flips": self.flips} | {k: None if v is None else v.tolist() for k, v in lists.items()}

    def go_on(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`state` returned."""
        self.flips = state["flips"]
        self._last, self._origin = (None if state[k] is None else np.array(state[k]) for k in ("last", "origin"))
        self._turned = np.array(state["turned"])
