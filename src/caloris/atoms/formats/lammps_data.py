"""LAMMPS data files: box, masses, types, charges and bonds. Source: LAMMPS documentation, ``read_data``."""

import re
from pathlib import Path

import numpy as np

from caloris.atoms.formats.reader import Particles
from caloris.atoms.segments import Array
from caloris.errors import InputError

_COUNT = re.compile(r"^\s*(\d+)\s+(atoms|bonds|atom types)\b")
_BOX = re.compile(r"^\s*(\S+)\s+(\S+)\s+([xyz])lo\s+[xyz]hi")
_TILT = re.compile(r"^\s*(\S+)\s+(\S+)\s+(\S+)\s+xy\s+xz\s+yz")
_SECTION = re.compile(r"^\s*([A-Z][A-Za-z]*(?: [A-Z][A-Za-z/]*)*)\s*(?:#\s*(\S+).*)?$")
_COLUMNS = {
    "atomic": (1, None),
    "charge": (1, 2),
    "full": (2, 3),
    "molecular": (2, None),
    "bond": (2, None),
    "angle": (2, None),
}
"""Columns of the type and of the charge in each atom style."""


def read_lammps_data(path: Path, text: str) -> Particles:
    """Read a LAMMPS data file.

    Parameters
    ----------
    path, text:
        The file, and what is in it.

    Returns
    -------
    :
        Its particles in the order of their numbers; elements where a comment in ``Masses`` names them.

    Raises
    ------
    InputError
        If a section cannot be read.
    """
    counts, box, tilt, sections = _sections(text)
    atoms = sections.get("Atoms", ("", []))
    if not counts.get("atoms") or len(atoms[1]) != counts["atoms"]:
        raise InputError(f"{path}: {len(atoms[1])} rows in Atoms, the header says {counts.get('atoms', 0)} atoms")
    try:
        masses = {row[0]: float(row[1]) for row, _ in sections.get("Masses", ("", []))[1]}
        comments = {row[0]: comment for row, comment in sections.get("Masses", ("", []))[1]}
        columns = _columns(path, atoms[0], atoms[1][0][0])
        rows = sorted((row for row, _ in atoms[1]), key=lambda row: int(row[0]))
        numbers = np.array([int(row[0]) for row in rows])
        types = [row[columns[0]] for row in rows]
        charges = None if columns[1] is None else np.array([float(row[columns[1]]) for row in rows])
        pairs = np.array([[int(row[2]), int(row[3])] for row, _ in sections.get("Bonds", ("", []))[1]]).reshape(-1, 2)
        at = np.searchsorted(numbers, pairs)
        if np.any(numbers[np.minimum(at, len(numbers) - 1)] != pairs):
            raise InputError(f"{path}: Bonds names an atom that is not in Atoms")
        cell = _cell(box, tilt)
    except InputError:
        raise
    except (ValueError, IndexError):
        raise InputError(f"{path}: cannot read Masses, Atoms or Bonds; give the file that read_data reads") from None
    return Particles(
        symbols=_symbols(types, comments),
        masses=np.array([masses[word] for word in types]) if set(types) <= set(masses) else None,
        charges=charges,
        types=types,
        numbers=numbers,
        bonds=at if len(at) else None,
        cell=cell,
    )


def _sections(
    text: str,
) -> tuple[
    dict[str, int], dict[str, tuple[float, float]], list[float], dict[str, tuple[str, list[tuple[list[str], str]]]]
]:
    """Counts, box, tilt, and of each section its comment and its rows with theirs."""
    counts: dict[str, int] = {}
    box: dict[str, tuple[float, float]] = {}
    tilt: list[float] = []
    sections: dict[str, tuple[str, list[tuple[list[str], str]]]] = {}
    name = ""
    for line in text.splitlines()[1:]:  # the first line is a title
        words, _, comment = line.partition("#")
        if not words.strip():
            continue
        if match := _SECTION.match(line):
            name = match[1]
            sections[name] = (match[2] or "", [])
        elif name:
            sections[name][1].append((words.split(), comment.strip()))
        elif match := _COUNT.match(line):
            counts[match[2]] = int(match[1])
        elif match := _BOX.match(line):
            box[match[3]] = (float(match[1]), float(match[2]))
        elif match := _TILT.match(line):
            tilt = [float(word) for word in match.groups()]
    return counts, box, tilt, sections


def _columns(path: Path, style: str, row: list[str]) -> tuple[int, int | None]:
    if style in _COLUMNS:
        return _COLUMNS[style]
    guess = {5: "atomic", 8: "atomic", 7: "full", 10: "full"}.get(len(row))
    if guess is None:  # six columns may be charge or molecular
        raise InputError(f"{path}: does not say its atom style; write 'Atoms # full' (or charge, atomic, molecular)")
    return _COLUMNS[guess]


def _cell(box: dict[str, tuple[float, float]], tilt: list[float]) -> Array | None:
    if set(box) != set("xyz"):
        return None
    a, b, c = (box[axis][1] - box[axis][0] for axis in "xyz")
    xy, xz, yz = tilt or (0.0, 0.0, 0.0)
    return np.array([[a, 0, 0], [xy, b, 0], [xz, yz, c]])


def _symbols(types: list[str], comments: dict[str, str]) -> list[str] | None:
    from ase.data import atomic_numbers

    words = {kind: (comment.split() or [""])[0] for kind, comment in comments.items()}
    known = {kind: word for kind, word in words.items() if (word in atomic_numbers and word != "X") or word == "D"}
    return [known[kind] for kind in types] if set(types) <= set(known) else None
