"""A text file, perhaps compressed, read through one buffer that kernels can look into; lines are counted."""

import bz2
import gzip
import lzma
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from caloris.errors import InputError

_SIZE = 1 << 25
"""Bytes of the buffer; it grows where a frame is larger."""
_PIECE = 1 << 20
_COMPRESSED: tuple[tuple[bytes, Any], ...] = (
    (b"\x1f\x8b", lambda raw: gzip.GzipFile(fileobj=raw)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ", lzma.LZMAFile),
)
_FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError)


class TextBuffer:
    """The text between ``start`` and ``end`` of ``array`` is what comes next; ``lines`` have been taken before.

    With ``forgiving`` a compressed file that is cut short ends where it is cut, and ``cut_short`` says so.
    """

    def __init__(self, path: Path, *, forgiving: bool = False, size: int = _SIZE) -> None:
        self.path = path
        self.lines = 0
        self.start = self.end = 0
        self.ended = self.cut_short = self.unfinished = False
        self._forgiving = forgiving
        self._raw, self._file, self.compressed = _opened(path)
        self.size = path.stat().st_size
        self._before = 0
        self._hold(bytearray(size))

    def _hold(self, data: bytearray) -> None:
        self._data = data
        self.array: npt.NDArray[np.uint8] = np.frombuffer(data, dtype=np.uint8)

    @property
    def offset(self) -> int:
        """Bytes of the text (decompressed) that have been taken."""
        return self._before + self.start

    @property
    def done(self) -> float:
        """Part of the file that has been taken, 0 to 1."""
        taken = self._raw.tell() if self.compressed else self.offset
        return min(1.0, taken / max(self.size, 1))

    def seek(self, offset: int, lines: int) -> None:
        """Go to a place in the text.

        Parameters
        ----------
        offset, lines:
            The place, and how many lines are before it.
        """
        try:
            self._file.seek(offset)
        except _FAULTS as error:
            raise _damaged(self.path, error) from None
        self.start = self.end = 0
        self._before, self.lines, self.ended, self.unfinished = offset, lines, False, False

    def more(self) -> bool:
        """Read on, keeping what has not been taken.

        Returns
        -------
        :
            Whether there was more.
        """
        if self.ended:
            return False
        left = self.end - self.start
        larger = 2 * left > len(self._data)  # a frame that does not fit
        data = bytearray(2 * len(self._data)) if larger else self._data
        data[:left] = self._data[self.start : self.end]
        if larger:
            self._hold(data)
        self._before += self.start
        self.start, self.end = 0, left
        self._fill()
        return self.end > left

    def _fill(self) -> None:
        """Read until the buffer is full, piece by piece: what comes before a fault is kept."""
        view = memoryview(self._data)
        while self.end < len(view) and not self.ended:
            try:
                if self.compressed:
                    piece = self._file.read1(min(_PIECE, len(view) - self.end))
                    view[self.end : self.end + len(piece)] = piece
                    found = len(piece)
                else:
                    found = self._file.readinto(view[self.end :])
            except EOFError as error:
                if not self._forgiving:
                    raise _damaged(self.path, error) from None
                found, self.cut_short = 0, True
            except _FAULTS as error:
                raise _damaged(self.path, error) from None
            self.end += found
            self.ended = found == 0

    def line(self) -> bytes | None:
        """Take the next line, without its end.

        Returns
        -------
        :
            The line, or none at the end of the file. A last line without an end counts; ``unfinished`` is true then.
        """
        done = 0
        while (at := self._data.find(b"\n", self.start + done, self.end)) < 0:
            done = self.end - self.start
            if not self.more():
                if self.start == self.end:
                    return None
                self.unfinished = True
                at = self.end
                break
        found = bytes(self._data[self.start : at])
        self.start = min(at + 1, self.end)
        self.lines += 1
        return found

    def text(self, start: int, stop: int) -> bytes:
        """Return a part of what is in the buffer.

        Parameters
        ----------
        start, stop:
            Of ``array``.

        Returns
        -------
        :
            The bytes.
        """
        return bytes(self._data[start:stop])

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()


def first_bytes(path: Path, count: int = 4096) -> bytes:
    """Return the beginning of a file, decompressed.

    Parameters
    ----------
    path, count:
        The file, and how many bytes.

    Returns
    -------
    :
        At most so many bytes; fewer where a compressed file is damaged.
    """
    text = TextBuffer(path, forgiving=True, size=count)
    try:
        text.more()
        return text.text(0, text.end)
    finally:
        text.close()


def _opened(path: Path) -> tuple[IO[bytes], Any, bool]:
    """The file as it is, and as what its first bytes say."""
    try:
        raw = path.open("rb", buffering=0)
        first = raw.read(8)
        raw.seek(0)
    except OSError as error:
        raise InputError(f"{path}: cannot read the trajectory: {error.strerror}") from None
    for magic, opener in _COMPRESSED:
        if first.startswith(magic):
            return raw, opener(raw), True
    return raw, raw, False


def _damaged(path: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, EOFError):
        return InputError(
            f"{path}: the compressed file is cut short; copy it again, or leave its end out with incomplete='skip'"
        )
    return InputError(f"{path}: cannot read the trajectory: {reason}; copy it again")
