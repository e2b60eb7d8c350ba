"""What a finite set of plane waves adds to the stress, taken off again.

Codes compute stress with the number of plane waves held; a relaxation needs the derivative of the energy with the
cutoff held. They differ by (2/3) E_cut (dE/dE_cut) / V on the diagonal (Froyen and Cohen, J. Phys. C 19, 2623 (1986);
Francis and Payne, J. Phys. Condens. Matter 2, 4395 (1990)). dE/dE_cut, < 0, belongs to the cores and hardly moves with
the atoms: it is measured once, from two energies. Units: eV, angstrom.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import BaseCalculator, Calculator, all_changes

if TYPE_CHECKING:
    from ase import Atoms

_STEP = 0.02
"""Of the cutoff, to both sides."""


class PulayStress(Calculator):
    """The correction as a calculator to add: no energy, no forces, a stress.

    Parameters
    ----------
    at_cutoff:
        Makes a calculator with a cutoff (eV) and otherwise the same settings.
    cutoff:
        Of the calculation that is corrected, eV.

    Attributes
    ----------
    slope:
        dE/dE_cut, eV/eV, once it has been measured: in the first structure whose stress is asked for.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012 - a list is what ASE wants

    def __init__(self, at_cutoff: Callable[[float], BaseCalculator], cutoff: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._at_cutoff, self._cutoff = at_cutoff, cutoff
        self.slope: float | None = None

    def calculate(
        self,
        atoms: "Atoms | None" = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Compute the correction; called by ASE.

        Parameters
        ----------
        atoms, properties, system_changes:
            As ASE gives them.
        """
        super().calculate(atoms, list(properties), list(system_changes))  # type: ignore[no-untyped-call]
        given: Any = self.atoms
        self.results = {"energy": 0.0, "free_energy": 0.0, "forces": np.zeros((len(given), 3))}
        if "stress" in properties:
            if self.slope is None:
                self.slope = self._measured(given)
            pressure = 2 / 3 * self._cutoff * self.slope / given.get_volume()
            self.results["stress"] = np.array([pressure, pressure, pressure, 0.0, 0.0, 0.0])

    def _measured(self, given: Any) -> float:
        energies = []
        for factor in (1 + _STEP, 1 - _STEP):
            other = given.copy()
            other.calc = self._at_cutoff(self._cutoff * factor)
            energies.append(float(other.get_potential_energy()))
        return (energies[0] - energies[1]) / (2 * _STEP * self._cutoff)
