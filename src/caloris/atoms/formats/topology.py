"""Topologies: files beside a trajectory that say what its atoms are, and how they are bound.

LAMMPS data, PSF, PDB and GRO are read here; CIF, POSCAR, XYZ and more through ASE; others (prmtop, tpr) through
MDAnalysis where that is installed.
"""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from caloris.atoms.formats.lammps_data import read_lammps_data
from caloris.atoms.formats.reader import Particles, cell_vectors
from caloris.atoms.segments import Array
from caloris.errors import InputError

_THROUGH_MDANALYSIS = (".prmtop", ".parm7", ".top", ".tpr", ".itp", ".mol2", ".data.gz")
_NAMED = "elements were told from the names of atoms"


def read_topology(path: Path) -> Particles:
    """Read what a file says of the atoms.

    Parameters
    ----------
    path:
        The file.

    Returns
    -------
    :
        Elements, and masses, charges, bonds and cell where it has them.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in _THROUGH_MDANALYSIS:
        return _through_mdanalysis(path)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot read the topology: {error.strerror}") from None
    head = text[:4000]
    try:
        if head.startswith("PSF"):
            return _psf(text)
        if suffix in (".pdb", ".ent") or re.search(r"^(ATOM  |HETATM)", head, re.MULTILINE):
            return _pdb(text)
        if suffix == ".gro":
            return _gro(text)
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: cannot read the topology: {error}; it is damaged or cut") from None
    if re.search(r"^\s*\d+\s+atom types", head, re.MULTILINE):
        return read_lammps_data(path, text)
    return _through_ase(path)


def _psf(text: str) -> Particles:
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if "!NATOM" in line)
    count = int(lines[start].split()[0])
    rows = [line.split() for line in lines[start + 1 : start + 1 + count]]
    if len(rows) < count:
        raise ValueError(f"{len(rows)} of {count} atoms")
    masses, charges = np.array([float(row[7]) for row in rows]), np.array([float(row[6]) for row in rows])
    at = next((i for i, line in enumerate(lines) if "!NBOND" in line), None)
    bonds = None
    if at is not None:
        number = int(lines[at].split()[0])
        words = " ".join(lines[at + 1 : at + 2 + number // 4 + 1]).split("!")[0].split()
        bonds = np.array([int(word) for word in words[: 2 * number]]).reshape(-1, 2) - 1
        if len(bonds) < number or np.any((bonds < 0) | (bonds >= count)):
            raise ValueError("bonds are missing")
    return Particles(masses=masses, charges=charges, bonds=bonds)


def _pdb(text: str) -> Particles:
    symbols: list[str | None] = []
    serial: dict[int, int] = {}
    pairs: set[tuple[int, int]] = set()
    cell, notes = None, set()
    for line in text.splitlines():
        kind = line[:6].strip()
        if kind in ("ATOM", "HETATM"):
            element = line[76:78].strip()
            if not element:
                notes.add(_NAMED)
                element = _from_name(line[12:16].strip(), line[17:20].strip())
            serial[int(line[6:11])] = len(symbols)
            symbols.append(element.capitalize())
        elif kind == "CRYST1":
            values = [float(line[i : i + n]) for i, n in ((6, 9), (15, 9), (24, 9), (33, 7), (40, 7), (47, 7))]
            if values[0] > 1.5:  # a cell of 1 is none
                cell = cell_vectors(np.array(values[:3]), np.array(values[3:]))
        elif kind == "CONECT":
            numbers = [
                int(line[i : i + 5]) for i in range(6, min(len(line.rstrip()), 31), 5) if line[i : i + 5].strip()
            ]
            pairs |= {(min(numbers[0], other), max(numbers[0], other)) for other in numbers[1:]}
        elif kind in ("END", "ENDMDL") and symbols and kind == "ENDMDL":
            break  # the first model
    if not symbols:
        raise ValueError("there are no atoms in it")
    bonds = np.array(sorted((serial[i], serial[j]) for i, j in pairs if i in serial and j in serial), dtype=np.int64)
    return Particles(symbols=symbols, bonds=bonds if len(bonds) else None, cell=cell, notes=tuple(notes))


def _gro(text: str) -> Particles:
    lines = text.splitlines()
    count = int(lines[1])
    rows = lines[2 : 2 + count]
    if len(rows) < count:
        raise ValueError(f"{len(rows)} of {count} atoms")
    symbols = [_from_name(row[10:15].strip(), row[5:10].strip()) for row in rows]
    box = 10 * np.array([float(word) for word in lines[2 + count].split()])
    cell = np.diag(box[:3])
    if len(box) == 9:
        (cell[0, 1], cell[0, 2], cell[1, 0], cell[1, 2], cell[2, 0], cell[2, 1]) = box[3:]
    return Particles(symbols=symbols, cell=cell if np.all(box[:3] > 0) else None, notes=(_NAMED,))


def _from_name(name: str, residue: str) -> str:
    """Element from the name of an atom: CA is carbon, but in a residue CA it is calcium."""
    from ase.data import atomic_numbers

    letters = re.sub(r"[^A-Za-z].*$", "", name.lstrip("0123456789"))
    residue = re.sub(r"[^A-Za-z]", "", residue)
    for word in (letters.capitalize(), letters[:2].capitalize()):
        alone = word.upper() == residue.upper() or residue.upper().startswith(word.upper())
        if len(word) == 2 and word in atomic_numbers and (alone or word[0] not in "CHNOPSBFIKVWYUD"):
            return word
    if letters[:1].upper() in atomic_numbers or letters[:1].upper() == "D":
        return letters[:1].upper()
    raise ValueError(f"the atom {name!r} is of no element")


def _through_ase(path: Path) -> Particles:
    from ase.io import read

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            atoms: Any = read(path, index=0)
    except Exception as error:  # what ASE raises is of many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: cannot read the topology ({reason[:80]}); known are LAMMPS data, PDB, GRO, PSF, CIF, POSCAR, XYZ"
        ) from None
    masses = atoms.get_masses() if atoms.has("masses") else None
    return Particles(
        symbols=atoms.get_chemical_symbols(),
        masses=masses,
        charges=atoms.get_initial_charges() if atoms.has("initial_charges") else None,
        cell=np.array(atoms.cell) if atoms.cell.rank == 3 else None,
    )


def _through_mdanalysis(path: Path) -> Particles:
    try:
        import MDAnalysis
    except ImportError:
        raise InputError(
            f"{path}: such a topology needs MDAnalysis; pip install 'caloris[trajectories]', or give a PDB, GRO or PSF"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            atoms: Any = MDAnalysis.Universe(str(path)).atoms
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: MDAnalysis cannot read the topology ({reason[:80]})") from None
    symbols = list(atoms.elements) if hasattr(atoms, "elements") and all(atoms.elements) else None
    return Particles(
        symbols=symbols,
        masses=np.array(atoms.masses, dtype=float) if hasattr(atoms, "masses") else None,
        charges=np.array(atoms.charges, dtype=float) if hasattr(atoms, "charges") else None,
        bonds=np.array(atoms.bonds.indices, dtype=np.int64) if hasattr(atoms, "bonds") else None,
    )


def cells_of_cp2k(path: Path) -> dict[int, Array]:
    """Read a .cell file of CP2K.

    Parameters
    ----------
    path:
        The file: step, time (fs), three vectors (angstrom), volume.

    Returns
    -------
    :
        Cell vectors by step.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        rows = np.loadtxt(path, ndmin=2, comments="#")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot read cells of CP2K: {' '.join(str(error).split())[:80]}") from None
    if not len(rows) or rows.shape[1] != 12 or not np.all(np.isfinite(rows)):
        raise InputError(f"{path}: expected rows of 12 numbers: step, time, three vectors, volume, as CP2K writes them")
    return {int(row[0]): row[2:11].reshape(3, 3) for row in rows}
