"""Molecules of one composition told apart by how their atoms are bonded.

Graphs are compared by the neighbours of the neighbours of each atom: Weisfeiler and Leman, Nauchno-Technicheskaya
Informatsiya 2, 12 (1968).
"""

from collections import Counter
from collections.abc import Hashable, Sequence

from caloris.atoms.segments import Indices

_ROUNDS = 4
"""How many bonds away an atom still sees a difference."""


def isomers(
    molecules: Sequence[tuple[str, Indices]], bonds: Indices, symbols: Sequence[str]
) -> list[tuple[str, list[Indices]]]:
    """Return the isomers among molecules of one composition, with names that differ.

    Parameters
    ----------
    molecules:
        Name and atoms of each, all of one composition.
    bonds:
        (bonds, 2) of the trajectory. Where molecules have not as many bonds as each other, some were overlooked by
        whoever guessed them: then only which elements are bonded to which counts.
    symbols:
        Of all atoms.

    Returns
    -------
    :
        Name and molecules of each isomer.

    Examples
    --------
    >>> import numpy as np
    >>> pair = [("SCN", np.array([1, 2, 0])), ("CSN", np.array([3, 5, 4]))]
    >>> bonds = np.array([[0, 1], [1, 2], [3, 4], [4, 5]])
    >>> [name for name, _ in isomers(pair, bonds, ["S", "C", "N", "C", "S", "N"])]
    ['SCN', 'CSN']
    """
    if len(molecules) == 1 or len(molecules[0][1]) < 3:
        return [(molecules[0][0], [atoms for _, atoms in molecules])]
    owner = {i: k for k, (_, atoms) in enumerate(molecules) for i in atoms.tolist()}
    own: list[list[tuple[int, int]]] = [[] for _ in molecules]
    for a, b in bonds.tolist():
        if a in owner:
            own[owner[a]].append((a, b))
    complete = len({len(pairs) for pairs in own}) == 1
    known: dict[Hashable, int] = {}
    found: dict[Hashable, tuple[str, str, list[Indices]]] = {}
    for (name, atoms), pairs in zip(molecules, own, strict=True):
        kinds = frozenset("-".join(sorted((symbols[a], symbols[b]))) for a, b in pairs)
        graph = _graph(atoms.tolist(), pairs, symbols, known) if complete else kinds
        found.setdefault(graph, (name, ", ".join(sorted(kinds)), []))[2].append(atoms)
    return _named(list(found.values()))


def _graph(
    atoms: list[int], pairs: list[tuple[int, int]], symbols: Sequence[str], known: dict[Hashable, int]
) -> Hashable:
    """What is the same for molecules with the same bonds, in whatever order their atoms are."""
    partners: dict[int, list[int]] = {i: [] for i in atoms}
    for a, b in pairs:
        partners[a].append(b)
        partners[b].append(a)
    labels: dict[int, Hashable] = {i: symbols[i] for i in atoms}
    for _ in range(_ROUNDS):
        around = {
            i: (labels[i], tuple(sorted(Counter(labels[j] for j in partners[i]).items(), key=str))) for i in atoms
        }
        labels = {i: known.setdefault(seen, len(known)) for i, seen in around.items()}
    return frozenset(Counter(labels.values()).items())


def _named(found: list[tuple[str, str, list[Indices]]]) -> list[tuple[str, list[Indices]]]:
    """By the formula where it differs, else with the bonds, else with a number."""
    names = [name for name, _, _ in found]
    if len(set(names)) < len(names):
        names = [f"{name} ({bonds})" for name, bonds, _ in found]
    if len(set(names)) < len(names):
        names = [f"{name} {number}" for number, (name, _, _) in enumerate(found, start=1)]
    return [(name, groups) for name, (_, _, groups) in zip(names, found, strict=True)]
