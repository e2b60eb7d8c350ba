"""What words for atoms mean: elements, isotopes by their masses, formulas of molecules."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from caloris.atoms.segments import Array, Indices
from caloris.errors import InputError

_ISOTOPE = 0.1
"""u, between the mass of an isotope and its number."""


def atoms_named(path: Path, symbols: Sequence[str], masses: Array, name: str) -> Indices:
    """Return the atoms of an element, or those that weigh as much as an isotope of it.

    Parameters
    ----------
    path:
        The trajectory, for messages.
    symbols, masses:
        (N,) each; u.
    name:
        ``"Li"``, ``"7Li"`` or ``"D"``.

    Returns
    -------
    :
        Indices, increasing; none where it is not an element among the symbols.

    Raises
    ------
    InputError
        If no atom of the element has the mass of the isotope.

    Examples
    --------
    >>> atoms_named(Path("t.h5"), ["H", "H", "O"], np.array([1.008, 2.014, 15.999]), "D").tolist()
    [1]
    """
    of_symbol, name = np.array(symbols), {"D": "2H", "T": "3H"}.get(name, name)
    isotope = re.fullmatch(r"(\d+)([A-Z][a-z]?)", name)
    if isotope is None:
        return np.flatnonzero(of_symbol == name)
    found = np.flatnonzero((of_symbol == isotope[2]) & (np.abs(masses - int(isotope[1])) < _ISOTOPE))
    if not len(found):
        raise InputError(
            f"{path}: no {isotope[2]} has the mass of {name}; the trajectory has to hold masses of isotopes"
        )
    return found


def composition(formula: str) -> Counter[str]:
    """Count the atoms of a formula.

    Parameters
    ----------
    formula:
        For example ``"NH4"``.

    Returns
    -------
    :
        How many of each element.

    Raises
    ------
    InputError
        If it is none.
    """
    from ase.formula import Formula

    try:
        return Counter(Formula(formula).count())
    except ValueError:
        raise InputError(f"{formula!r} is neither an element nor a formula; write for example 'Li' or 'NH4'") from None
