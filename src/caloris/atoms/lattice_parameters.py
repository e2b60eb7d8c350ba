"""Lattice parameters of a structure beside measured or published ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caloris.errors import InputError
from caloris.units import Quantity, quantity

if TYPE_CHECKING:
    from ase import Atoms

    from caloris.atoms.relaxation import Relaxation

LATTICE = ("a", "b", "c", "alpha", "beta", "gamma")
"""Lengths and angles of a cell."""


@dataclass(frozen=True, repr=False)
class LatticeComparison:
    """Relaxed lattice parameters beside those of a reference; made by :func:`compare_lattice`."""

    relaxed: dict[str, float]
    """Angstrom, deg, angstrom^3."""
    reference: dict[str, float]
    name: str

    @property
    def deviation(self) -> dict[str, float]:
        """Relaxed less reference: per cent of a length and of the volume, degrees of an angle."""
        found = {}
        for key, value in self.reference.items():
            difference = self.relaxed[key] - value
            found[key] = difference if key in LATTICE[3:] else 100 * difference / value
        return found

    def to_json(self) -> dict[str, Any]:
        """Return both and their deviation as plain values; angstrom, deg, angstrom^3, and per cent (angles: deg)."""
        return {"reference_name": self.name} | {
            key: {"relaxed": self.relaxed[key], "reference": value, "deviation": self.deviation[key]}
            for key, value in self.reference.items()
        }

    def __str__(self) -> str:
        lines = [f"{'':8s} {'relaxed':>12s} {self.name[:24]:>24s} {'deviation':>12s}"]
        for key, value in self.reference.items():
            unit = "deg" if key in LATTICE[3:] else "%"
            lines.append(f"{key:8s} {self.relaxed[key]:12.4f} {value:24.4f} {self.deviation[key]:+8.2f} {unit}")
        return "\n".join(lines)

    __repr__ = __str__


def compare_lattice(
    relaxed: "Relaxation | Atoms", reference: "Atoms | Mapping[str, Quantity]", name: str = "reference"
) -> LatticeComparison:
    """Put relaxed lattice parameters beside measured or published ones, in the same setting.

    Parameters
    ----------
    relaxed:
        What :func:`relax` returned, or a structure.
    reference:
        A structure, or quantities by name: a, b, c (lengths), alpha, beta, gamma (angles); not all are needed.
    name:
        What the reference is.

    Returns
    -------
    :
        The table; the volume is in it if the reference is a structure or has three lengths (angles that are absent are
        right ones).

    Raises
    ------
    InputError
        If a name or unit is wrong, or the settings differ (a length by over a fifth, an angle by over 10 deg).

    Examples
    --------
    >>> from ase.build import bulk
    >>> table = compare_lattice(bulk("Cu", a=3.59, cubic=True), {"a": "3.615 angstrom"}, "experiment")
    >>> print(round(table.deviation["a"], 2))
    -0.69
    """
    structure: Any = getattr(relaxed, "structure", relaxed)
    found = dict(zip(LATTICE, structure.cell.cellpar().tolist(), strict=True)) | {
        "volume": float(structure.cell.volume)
    }
    table = _reference(reference)
    for key, value in table.items():
        apart = abs(found[key] - value) > 10 if key in LATTICE[3:] else abs(found[key] / value - 1) > 0.2
        if apart and key != "volume":
            raise InputError(
                f"reference: {key} is {value:.4g} there and {found[key]:.4g} here: two settings of the cell, or two "
                "crystals; give the reference in the setting of the structure"
            )
    return LatticeComparison({key: found[key] for key in table}, table, name)


def _reference(reference: "Atoms | Mapping[str, Quantity]") -> dict[str, float]:
    from ase.cell import Cell

    if not isinstance(reference, Mapping):
        return dict(zip(LATTICE, reference.cell.cellpar().tolist(), strict=True)) | {
            "volume": float(reference.cell.volume)
        }
    unknown = sorted(set(reference) - set(LATTICE))
    if unknown or not reference:
        raise InputError(f"reference: expected {', '.join(LATTICE)}, got {', '.join(unknown) or 'nothing'}")
    table = {}
    for key in (key for key in LATTICE if key in reference):
        unit = "deg" if key in LATTICE[3:] else "angstrom"
        table[key] = float(quantity(reference[key], unit, key).value)
    if all(key in table for key in LATTICE[:3]):
        parameters = [table.get(key, 90.0) for key in LATTICE]
        table["volume"] = float(Cell.fromcellpar(parameters).volume)
    return table
