"""Deuterium for hydrogen and back; deuterium is H with the mass 2.014 u, as in the structures of the cards.

Neutrons tell the two apart, force fields do not: only masses change. Masses in u.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from caloris.atoms.structure import check_atoms, formulas, hill_formula, molecules, random_numbers
from caloris.errors import InputError
from caloris.units import magnitude

if TYPE_CHECKING:
    from ase import Atoms

_DEUTERIUM = 2.01410178  # u, AME2020
_HYDROGEN = 1.008  # u, natural; what ASE gives H


def deuterate(
    atoms: "Atoms", fraction: float = 1.0, seed: int = 0, *, only: str | Collection[str] | None = None
) -> "Atoms":
    """Replace hydrogen by deuterium, all of it or a random part.

    Deuterium is H with the mass 2.014 u; velocities stay as they are.

    Parameters
    ----------
    atoms:
        The structure.
    fraction:
        Share of the hydrogen that is deuterium afterwards; the atoms are drawn at random, their number is rounded.
    seed:
        Of the random numbers; without meaning where ``fraction`` is 0 or 1.
    only:
        Formulas of the molecules that exchange, for example ``"NH4"``; all if absent.

    Returns
    -------
    :
        A copy with other masses.

    Raises
    ------
    InputError
        If ``fraction`` is outside 0 to 1, there is no hydrogen, or no such molecule.

    Examples
    --------
    >>> from ase.build import molecule
    >>> deuterate(molecule("CH3OH"), only="CH4O").get_masses().round(3).tolist()
    [12.011, 15.999, 2.014, 2.014, 2.014, 2.014]
    """
    share = magnitude(fraction, "dimensionless", "fraction")
    if not 0 <= share <= 1:
        raise InputError(f"fraction: expected a number from 0 to 1, got {share:g}")
    hydrogen = _hydrogen(atoms, only)
    count = round(share * len(hydrogen))
    heavy = random_numbers(seed).choice(hydrogen, size=count, replace=False)
    return _with_masses(_with_masses(atoms, hydrogen, _HYDROGEN), heavy, _DEUTERIUM)


def protonate(atoms: "Atoms", *, only: str | Collection[str] | None = None) -> "Atoms":
    """Replace deuterium by hydrogen of its natural mass, 1.008 u.

    Parameters
    ----------
    atoms, only:
        As for :func:`deuterate`.

    Returns
    -------
    :
        A copy with other masses.

    Raises
    ------
    InputError
        If there is no hydrogen, or no such molecule.

    Examples
    --------
    >>> from caloris.materials import load
    >>> cell = load("NH4SCN").structure("monoclinic")  # refined with D
    >>> round(float(cell.get_masses().sum() - protonate(cell).get_masses().sum()), 2)
    16.1
    """
    return _with_masses(atoms, _hydrogen(atoms, only), _HYDROGEN)


def _hydrogen(atoms: "Atoms", only: str | Collection[str] | None) -> NDArray[np.int64]:
    """NDArray[np.int64] of the hydrogen atoms of the molecules with these formulas, of all without."""
    check_atoms(atoms)
    hydrogen = np.flatnonzero(atoms.numbers == 1)
    if only is not None:
        wanted = {hill_formula(formula) for formula in ([only] if isinstance(only, str) else only)}
        found = molecules(atoms)
        names = formulas(atoms, found)
        missing = sorted(wanted - set(names))
        if missing:
            raise InputError(
                f"only: no molecule {', '.join(missing)} in the structure; it has {', '.join(sorted(set(names)))}"
            )
        chosen = np.concatenate([group for group, name in zip(found, names, strict=True) if name in wanted])
        hydrogen = np.intersect1d(hydrogen, chosen)
    if len(hydrogen) == 0:
        raise InputError("structure: no hydrogen to replace, neither H nor D; give a structure that has some")
    return hydrogen


def _with_masses(atoms: "Atoms", which: NDArray[np.int64], mass: float) -> "Atoms":
    changed = atoms.copy()
    masses = atoms.get_masses()
    masses[which] = mass
    changed.set_masses(masses)
    if atoms.has("momenta"):
        changed.set_velocities(atoms.get_velocities())
    return cast("Atoms", changed)
