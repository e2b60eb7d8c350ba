"""A force field of caloris as a calculator of ASE, so that whatever takes a calculator takes a force field."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from caloris.atoms.engines import Engine, choose_engine
from caloris.atoms.engines.engine import MPA_PER_EV_A3
from caloris.atoms.system import MolecularSystem, assemble
from caloris.errors import ComputationError, InputError
from caloris.materials import load_force_field
from caloris.materials.force_field import ForceField

if TYPE_CHECKING:
    from ase import Atoms

_TORN = 1.5
"""Of the length at rest; thermal motion and first guesses stay well below."""
_TO_VOIGT = [0, 1, 2, 5, 4, 3]  # xx yy zz xy xz yz to xx yy zz yz xz xy, as ASE has them


class ForceFieldCalculator(Calculator):
    """A force field of caloris as a calculator of ASE: energy, forces, stress of any periodic cell.

    A cell that is smaller than twice the cutoff is repeated inside; results are those of the cell given. Bonds are
    found in the first structure and stay while none of them is torn. With ``charged`` the sum of the charges may
    differ from 0, as with a vacancy: the Ewald sum then holds a uniform background of the opposite charge, energies
    depend on the size of the cell, and there is no stress.

    Parameters
    ----------
    force_field:
        A force field, its name, or the path of its TOML file.
    engine:
        "lammps", "openmm" or an engine; without it the fastest that is installed.
    accuracy:
        Of the Ewald forces, relative to two unit charges 1 angstrom apart.
    charged:
        Whether the cell may carry a charge.

    Examples
    --------
    >>> ForceFieldCalculator("Li2B12H12").force_field.name
    'Li2B12H12'
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012 - a list is what ASE wants

    def __init__(
        self,
        force_field: ForceField | str,
        *,
        engine: str | Engine | None = None,
        accuracy: float = 1e-6,
        charged: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.force_field = load_force_field(force_field)
        self.engine = choose_engine(engine)
        if not 0 < accuracy < 0.1:
            raise InputError(f"accuracy: expected a number between 0 and 0.1, got {accuracy!r}")
        self.accuracy = accuracy
        self.charged = charged
        self.charge = 0.0
        """Charge of the cell last computed, e."""
        self._system: MolecularSystem | None = None
        self._key: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        charged = ", charged cells allowed" if self.charged else ""
        return f"force field {self.force_field.name}, {self.engine.name}, Ewald accuracy {self.accuracy:g}{charged}"

    def calculate(
        self,
        atoms: "Atoms | None" = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Compute everything at once; called by ASE.

        Parameters
        ----------
        atoms, properties, system_changes:
            As ASE gives them.

        Raises
        ------
        InputError
            If the structure does not fit the force field.
        ComputationError
            If the engine stops, or a number is not finite.
        """
        super().calculate(atoms, list(properties), list(system_changes))  # type: ignore[no-untyped-call]
        given: Any = self.atoms
        times = self._repetitions(given)
        system = self._assembled(given, times)
        self.charge = float(system.charges.sum()) / np.prod(times)
        if "stress" in properties and abs(self.charge) > 1e-6:
            raise PropertyNotImplementedError(
                f"the cell carries {self.charge:+.3g} e: there is no stress of a charged cell; keep the cell fixed"
            )
        static = self.engine.energy(system, accuracy=self.accuracy)
        copies = int(np.prod(times))
        # the engine works in a cell that is turned to its standard form: turn the vectors back
        turn = np.linalg.solve(system.atoms.cell.array, np.diag(times) @ given.cell.array)
        forces = static.forces[: len(given)] @ turn
        if not np.isfinite(forces).all() or not np.isfinite(static.energy):
            raise ComputationError("force field: energy or forces are not finite; look for atoms that are too close")
        energy = static.energy / copies
        self.results = {"energy": energy, "free_energy": energy, "forces": forces}
        if abs(self.charge) <= 1e-6:
            xx, yy, zz, xy, xz, yz = -np.asarray(static.pressure) / MPA_PER_EV_A3
            stress = turn.T @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ turn
            self.results["stress"] = stress[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]][_TO_VOIGT]

    def _repetitions(self, atoms: "Atoms") -> tuple[int, ...]:
        if not atoms.pbc.all() or atoms.cell.rank != 3:
            raise InputError("force field: the structure is not periodic along three vectors; put it into a cell")
        heights = 1.0 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
        # a twentieth to spare, so that a cell that shrinks a little does not change the sum
        return tuple(int(n) for n in np.ceil(2.1 * self.force_field.cutoff_radius / heights))

    def _assembled(self, atoms: "Atoms", times: tuple[int, ...]) -> MolecularSystem:
        large: Any = cast("Any", atoms).repeat(times)
        large.set_constraint()
        key = (times, atoms.numbers.tobytes())
        if self._system is not None and key == self._key:
            system = self._system.with_atoms(large)
            if not _is_torn(system):
                return system
        self._system, self._key = self._assemble(large), key
        return self._system

    def _assemble(self, atoms: "Atoms") -> MolecularSystem:
        if not self.charged:
            try:
                return assemble(atoms, self.force_field)
            except InputError as error:
                hint = "; charged = true allows it, with a uniform background" if "carries" in str(error) else ""
                raise InputError(f"{error}{hint}") from None
        silent = {name: entry.model_copy(update={"charge": 0.0}) for name, entry in self.force_field.types.items()}
        system = assemble(atoms, self.force_field.model_copy(update={"types": silent}))
        return replace(system, force_field=self.force_field)


def _is_torn(system: MolecularSystem) -> bool:
    """Whether a bond is so long that the structure must be another one with the same atoms."""
    from ase.geometry import find_mic

    bonds, atoms = system.bonds, system.atoms
    if not len(bonds.atoms):
        return False
    first, second = bonds.atoms.T
    _, lengths = find_mic(atoms.positions[second] - atoms.positions[first], atoms.cell, atoms.pbc)
    rest = np.array([constants[1] for constants in bonds.constants])[bonds.kind]
    return bool((lengths > _TORN * rest).any())
