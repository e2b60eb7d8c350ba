"""A binary file read piece by piece; a piece that is not there whole is None."""

from pathlib import Path
from typing import Any

import numpy as np

from caloris.errors import InputError


class BinaryFile:
    """A file, and where in it the next piece begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise InputError(f"{path}: cannot read the trajectory: {error.strerror}") from None

    @property
    def offset(self) -> int:
        """Bytes that have been taken."""
        return self._file.tell()

    @property
    def left(self) -> int:
        """Bytes that have not been taken."""
        return self.size - self.offset

    @property
    def done(self) -> float:
        """Part of the file that has been taken, 0 to 1."""
        return min(1.0, self.offset / max(self.size, 1))

    def seek(self, offset: int) -> None:
        """Go to a place in the file."""
        self._file.seek(offset)

    def take(self, count: int, kind: str) -> np.ndarray[Any, Any] | None:
        """Take so many numbers.

        Parameters
        ----------
        count, kind:
            How many, of which NumPy type, byte order included.

        Returns
        -------
        :
            (count,), or None if there are not so many left.
        """
        size = count * np.dtype(kind).itemsize
        if count < 0 or size > self.left:
            return None
        try:
            data = self._file.read(size)
        except OSError as error:
            raise InputError(f"{self.path}: cannot read the trajectory: {error.strerror}; copy it again") from None
        return np.frombuffer(data, dtype=kind) if len(data) == size else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()
