"""Bytes of a calorimeter's file to text: whatever encoding the vendor's program wrote, and nothing but text.

Calisto writes UTF-16 with a byte order mark, TRIOS UTF-8, Proteus Latin-1 (also behind a UTF-8 mark), older programs
the code page 437 of DOS, in which the degree sign is 0xF8. Only the degree and the micro sign matter; all numbers are
ASCII.
"""

import codecs
import gzip
import re
import zlib
from pathlib import Path

from caloris.errors import InputError

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def read_text(path: Path) -> str:
    r"""Read a text file, also a compressed one (``.gz``).

    Parameters
    ----------
    path:
        The file.

    Returns
    -------
    :
        Its text; every line ends with ``\n``, the last one only if it does in the file.

    Raises
    ------
    InputError
        If the file cannot be read or is not text.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{path}: the compressed file is damaged or cut; copy it again") from None
    except OSError as error:
        raise InputError(f"{path}: cannot read the file: {error.strerror or error}") from None
    return decode(data, str(path))


def decode(data: bytes, where: str) -> str:
    r"""Decode the bytes of a text file.

    Parameters
    ----------
    data:
        UTF-16 (with or without a byte order mark), UTF-8, Latin-1 or code page 437.
    where:
        Name of the file, for the error message.

    Returns
    -------
    :
        Text with ``\n`` as line end and ``°`` as degree sign.

    Raises
    ------
    InputError
        If the file is binary, or cut in the middle of a character.

    Examples
    --------
    >>> decode(b"Temp./\xf8C\r\n", "old.txt")
    'Temp./°C\n'
    """
    encoding = _utf16(data)
    if encoding:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            raise InputError(f"{where}: the UTF-16 text is damaged or cut in a character; copy it again") from None
    else:
        data = data.removeprefix(codecs.BOM_UTF8)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    # 0xF8 is the degree sign of code page 437; the other two are degree signs decoded twice or written as an ordinal
    text = text.removeprefix("\ufeff").replace("øC", "°C").replace("Â°", "°").replace("º", "°")
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a")
    odd = _CONTROL.search(text)
    if odd:
        line = text.count("\n", 0, odd.start()) + 1
        raise InputError(f"{where}: line {line}: not text (character code {ord(odd[0])}); export the curves as text")
    return text


def _utf16(data: bytes) -> str | None:
    """Return which UTF-16 it is: by its mark, or because every other byte of mostly ASCII text is zero."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = data[:4096]
    even, odd = start[0::2].count(0), start[1::2].count(0)
    half = len(start) // 2
    if odd > 0.8 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.8 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None
