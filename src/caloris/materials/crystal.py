"""Crystal structures of the cards: CIF files beside the card or in the library, read with ASE.

Deuterium becomes hydrogen of mass 2.014; sites of fractional occupancy stay, with their occupancies in
``atoms.info["occupancy"]``. Lengths in Å, masses in u.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from caloris.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

_LIBRARY = Path(__file__).parent / "structures"
_DEUTERIUM_MASS = 2.01410178  # u, AME2020


def read_structure(file_name: str, folder: Path) -> "Atoms":
    """Read the unit cell of a structure file, from ``folder`` or else from the library.

    Parameters
    ----------
    file_name:
        Name of the file, a CIF or another crystal format that ASE reads.
    folder:
        Where to look first: the folder of the card.

    Returns
    -------
    :
        The full unit cell. Sites of fractional occupancy are all there, with their occupancies in
        ``atoms.info["occupancy"]``, a dict from ``str(kind)`` of ``atoms.arrays["spacegroup_kinds"]`` to
        ``{symbol: occupancy}``. Deuterium is H with the mass 2.014 u.

    Raises
    ------
    InputError
        If the file is absent, unreadable, empty or has no unit cell.

    Examples
    --------
    >>> cell = read_structure("NH4SCN-monoclinic.cif", Path())
    >>> len(cell), round(float(cell.cell.volume), 1)
    (32, 387.5)
    """
    path = _find(file_name, folder)
    atoms: Any = _read(path)
    if len(atoms) == 0:
        raise InputError(f"{path}: the structure file has no atoms; give a CIF with all sites of the cell")
    if atoms.cell.rank != 3:
        raise InputError(f"{path}: no unit cell in the structure file; give a crystal structure such as a CIF")
    masses = atoms.get_masses()
    masses[(atoms.numbers == 1) & (masses > 1.5)] = _DEUTERIUM_MASS
    atoms.set_masses(masses)
    return cast("Atoms", atoms)


def occupancies(atoms: "Atoms") -> NDArray[np.float64]:
    """Return the occupancy of every atom of a cell from :func:`read_structure`, 1 where none is given.

    Parameters
    ----------
    atoms:
        The cell.

    Returns
    -------
    :
        One number per atom, in the order of ``atoms``.
    """
    table = atoms.info.get("occupancy")
    if table is None or "spacegroup_kinds" not in atoms.arrays:
        return np.ones(len(atoms))
    kinds = atoms.arrays["spacegroup_kinds"]
    pairs = zip(kinds, atoms.symbols, strict=True)
    return np.array([float(table[str(kind)][symbol]) for kind, symbol in pairs])


def _find(file_name: str, folder: Path) -> Path:
    for path in (folder / file_name, _LIBRARY / file_name):
        if path.is_file():
            return path
    raise InputError(
        f"no structure file {file_name!r}, neither in {str(folder)!r} nor in the library; "
        "put it beside the card or correct the card's 'structure'"
    )


def _read(path: Path) -> "Atoms":
    from ase.io import read

    try:
        return cast("Atoms", read(path, format="cif" if path.suffix.lower() == ".cif" else None))
    except OSError as error:
        raise InputError(f"{path}: cannot read the structure file: {error.strerror}") from None
    except Exception as error:  # ASE raises nearly every kind on a file it cannot read
        reason = " ".join(f"{type(error).__name__} {error}".split())[:120]
        raise InputError(f"{path}: not a structure file that can be read ({reason}); give a valid CIF") from None
