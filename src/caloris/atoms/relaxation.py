"""Structures at rest: atoms and cell where forces and stress vanish, at a pressure, with any calculator of ASE.

The enthalpy E + pV is minimised over positions and the logarithm of the strain of the cell (ASE's Frechet filter).
The result is a static minimum at 0 K without zero-point motion, as are the calculated lattice parameters of Zhang et
al., Sci. Adv. 9, eadd0374 (2023), Extended Data Table 2. Forces in eV/angstrom, pressures in MPa.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipp as sc
from numpy.typing import NDArray

from caloris.atoms.calculators import CalculatorLike, calculator, describe, failures_in_one_line
from caloris.atoms.engines.engine import MPA_PER_EV_A3
from caloris.atoms.lattice_parameters import LATTICE, LatticeComparison, compare_lattice
from caloris.atoms.structure import check_contacts, check_structure, formulas
from caloris.atoms.structure_series import SeriesFile, claim_folder, frozen, write_series
from caloris.errors import ComputationError, InputError
from caloris.files import output_folder, versions, write_json
from caloris.materials.crystal import occupancies
from caloris.units import Quantity, magnitude, to_json

if TYPE_CHECKING:
    from ase import Atoms

__all__ = ["LatticeComparison", "Relaxation", "compare_lattice", "relax"]

Array = NDArray[np.float64]
CellChange = Literal["full", "orthorhombic", "fixed"]
Progress = Callable[[str, float], None]

_PATH, _RESULT, _FINAL = "path.extxyz", "relaxation.json", "relaxed.extxyz"
_MASKS = {"full": [True] * 6, "orthorhombic": [True] * 3 + [False] * 3, "fixed": [False] * 6}
_DENSE_HESSIAN = 200
"""Up to so many atoms the whole matrix of second derivatives is kept; its eigenvectors cost less than the forces."""
_STEP = 0.1
"""Longest step of an atom, angstrom."""
_CELL_WEIGHT = 0.5
"""A strain counts as a move of so many angstrom per root of the volume; found by trial on NH4SCN (10 of 4 to 32)."""
_FIRST = 0.3
"""eV/angstrom: above it the atoms go first, since bonds that are too long or too short would drag the cell along."""
_PATIENCE = 80
"""Steps without a new lowest residual after which the quasi-Newton search is given up."""


@dataclass(frozen=True, repr=False)
class Relaxation:
    """A structure at rest, or as near to it as the steps allowed; made by :func:`relax`."""

    structure: "Atoms"
    """The relaxed structure in the setting given, without a calculator."""
    initial: "Atoms"
    energy: sc.Variable
    """Of the cell, eV."""
    enthalpy: sc.Variable
    """E + pV of the cell, eV."""
    volume: sc.Variable
    """Of the cell, angstrom^3."""
    lattice: dict[str, sc.Variable]
    """a, b, c (angstrom), alpha, beta, gamma (deg)."""
    largest_force: sc.Variable
    """eV/angstrom."""
    residual_stress: sc.Variable
    """Largest component of stress plus pressure among those the cell may follow, MPa; NaN for a fixed cell."""
    steps: int
    converged: bool
    calculator: str
    cautions: tuple[str, ...]
    inputs: dict[str, Any]

    def __repr__(self) -> str:
        return f"<Relaxation of {self.structure.get_chemical_formula()}: {self.steps} steps; see .summary(), .lattice>"

    def __str__(self) -> str:
        return self.summary()

    def summary(self) -> str:
        """Return what came out, in a few lines for people."""
        cell = ", ".join(f"{name} {value.value:.4f}" for name, value in self.lattice.items())
        stress = "" if math.isnan(self.residual_stress.value) else f", stress to {self.residual_stress.value:.2g} MPa"
        lines = [
            f"{self.structure.get_chemical_formula()} at {self.inputs['pressure']:g} MPa, at rest (no thermal motion)",
            f"  {self.calculator}",
            f"  {cell} (angstrom, deg)",
            f"  volume {self.volume.value:.3f} angstrom^3, energy {self.energy.value:.6f} eV",
            f"  {'converged' if self.converged else 'not converged'} in {self.steps} steps: "
            f"forces to {self.largest_force.value:.2g} eV/angstrom{stress}",
        ]
        return "\n".join(lines + [f"  warning: {caution}" for caution in self.cautions])

    def to_json(self) -> dict[str, Any]:
        """Return the numbers, how they were made, and what to know of them, as plain values."""
        return {
            "formula": self.structure.get_chemical_formula(),
            "calculator": self.calculator,
            "lattice": to_json(self.lattice),
            **{
                name: to_json(getattr(self, name))
                for name in ("volume", "energy", "enthalpy", "largest_force", "residual_stress", "steps", "converged")
            },
            "cautions": list(self.cautions),
            "inputs": self.inputs,
            "versions": versions(),
        }

    def save(self, folder: str | Path) -> None:
        """Write the structure (extended XYZ) and the numbers (JSON).

        Parameters
        ----------
        folder:
            Where; made if absent.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        place = output_folder(folder)
        write_series(place / _FINAL, [self.structure])
        write_json(place / _RESULT, self.to_json())


def relax(
    atoms: "Atoms",
    calculator: CalculatorLike,
    *,
    force_tolerance: Quantity = "1 meV/angstrom",
    stress_tolerance: Quantity = "5 MPa",
    cell: CellChange = "full",
    pressure: Quantity = "0 MPa",
    symmetry: bool = False,
    maximum_steps: int = 500,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Relaxation:
    """Move the atoms and the cell of a crystal to where forces and stress vanish.

    Parameters
    ----------
    atoms:
        An ordered crystal; constraints of ASE on its atoms are kept.
    calculator:
        A calculator of ASE, or what :func:`caloris.atoms.calculators.calculator` takes, such as ``"gpaw"``.
    force_tolerance:
        Largest force on an atom at the end.
    stress_tolerance:
        Largest component of stress plus pressure at the end, among those that the cell may follow.
    cell:
        ``"full"``: lengths and angles; ``"orthorhombic"``: three lengths of a cell with right angles; ``"fixed"``.
    pressure:
        From outside, the same from all sides.
    symmetry:
        Whether the symmetry that the structure has at the beginning is imposed (needs the package spglib).
    maximum_steps:
        Steps after which the search ends even if it has not converged; the result says so.
    folder:
        Where the path, the result and the inputs are kept. A search that was stopped goes on from the last structure
        there; one that is finished is returned without any computation.
    progress:
        Called after each step with words and the part that is done, by the logarithm of the residual.

    Returns
    -------
    :
        Structure, lattice parameters, energy, residuals, cautions.

    Raises
    ------
    InputError
        If an input is wrong, a package is missing, or the folder holds another relaxation.
    ComputationError
        If the calculator fails.

    Examples
    --------
    >>> from ase.build import bulk
    >>> copper = relax(bulk("Cu", a=3.7, cubic=True), "emt")
    >>> print(f"{copper.lattice['a'].value:.3f} {copper.lattice['a'].unit}")
    3.590 Å
    """
    settings = _settings(locals())
    start = _prepared(atoms, cell, symmetry)
    place = claim_folder(folder, settings, {"structure": start})
    search = _Search(start, calculator, settings, SeriesFile(place, _PATH), progress)
    search.run()
    result = _result(settings, search)
    if folder is not None:
        result.save(folder)
    return result


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check the inputs and make plain values of them."""
    if given["cell"] not in _MASKS:
        raise InputError(f"cell: expected 'full', 'orthorhombic' or 'fixed', got {given['cell']!r}")
    steps = given["maximum_steps"]
    if not isinstance(steps, int) or steps < 1:
        raise InputError(f"maximum_steps: expected a whole number above 0, got {steps!r}")
    return {
        "calculator": describe(given["calculator"]),
        "force_tolerance": magnitude(given["force_tolerance"], "eV/angstrom", "force_tolerance", positive=True),
        "stress_tolerance": magnitude(given["stress_tolerance"], "MPa", "stress_tolerance", positive=True),
        "cell": given["cell"],
        "pressure": magnitude(given["pressure"], "MPa", "pressure"),
        "symmetry": bool(given["symmetry"]),
        "maximum_steps": steps,
    }


def _prepared(atoms: "Atoms", cell: CellChange, symmetry: bool) -> "Atoms":
    check_structure(atoms)
    if (occupancies(atoms) < 1).any():
        raise InputError(
            "structure: it has sites of fractional occupancy; choose an ordered one with "
            "caloris.atoms.resolve_disorder(structure, repeat, seed)"
        )
    check_contacts(atoms)
    angles = atoms.cell.cellpar()[3:]
    if cell == "orthorhombic" and np.abs(angles - 90).max() > 1e-3:
        shown = ", ".join(f"{angle:.3f}" for angle in angles)
        raise InputError(f"cell: 'orthorhombic' needs right angles, this cell has {shown} deg; take 'full'")
    start: Any = atoms.copy()
    start.calc = None
    if symmetry:
        start.set_constraint([*start.constraints, _symmetry_constraint(start)])
    return start  # type: ignore[no-any-return]


def _symmetry_constraint(atoms: "Atoms") -> Any:
    try:
        import spglib  # noqa: F401
    except ImportError:
        raise InputError("symmetry: imposing it needs the package spglib; pip install spglib") from None
    from ase.constraints import FixSymmetry

    return FixSymmetry(atoms, symprec=1e-3)


class _Search:
    """Goes down in enthalpy with one calculator and keeps every step."""

    def __init__(
        self,
        start: "Atoms",
        given: CalculatorLike,
        settings: dict[str, Any],
        file: SeriesFile,
        progress: Progress | None,
    ) -> None:
        self._given, self.settings, self._file, self._progress = given, settings, file, progress
        self.atoms: Any = start.copy()
        self.frames = file.read()
        """Every structure so far, with energy, forces and stress."""
        self._mask = np.array(_MASKS[settings["cell"]])
        self._worst = 0.0

    def run(self) -> None:
        if self.frames and self.residual_of(self.frames[-1]) <= 1:
            return
        if self.frames:
            self._go_to(self.frames[-1])
        self.atoms.calc = calculator(self._given)
        left = self.settings["maximum_steps"] - max(len(self.frames) - 1, 0)
        for stage in ("atoms", "quasi-newton", "fire"):
            if left <= 0:
                break
            with failures_in_one_line():
                left, done = self._stage(stage, left)
            if done:
                break
        self._file.write(self.frames)

    def _go_to(self, frame: "Atoms") -> None:
        self.atoms.set_cell(frame.cell, scale_atoms=False)
        self.atoms.set_positions(frame.positions, apply_constraint=False)

    def _stage(self, stage: str, left: int) -> tuple[int, bool]:
        """Run one optimiser; return the steps that are left, and whether all tolerances are met."""
        moves_cell = bool(self._mask.any()) and stage != "atoms"
        best, since = math.inf, 0
        optimiser = self._optimiser(stage, moves_cell)
        for _ in optimiser.irun(fmax=0.0, steps=left):
            force, stress = self._keep()
            residual = self._residual(force, stress)
            if residual <= 1:
                return left - optimiser.nsteps, True
            if stage == "atoms" and force < _FIRST:
                break
            best, since = (residual, 0) if residual < best else (best, since + 1)
            if stage == "quasi-newton" and since >= _PATIENCE:
                self._go_to(min(self.frames, key=self.residual_of))
                break
        return left - optimiser.nsteps, False

    def _optimiser(self, stage: str, moves_cell: bool) -> Any:
        from ase.filters import FrechetCellFilter
        from ase.optimize import BFGS, FIRE, LBFGS

        moved = self.atoms
        make: Any = BFGS if len(self.atoms) <= _DENSE_HESSIAN else LBFGS
        if moves_cell:
            moved = FrechetCellFilter(
                self.atoms,
                mask=self._mask.tolist(),
                exp_cell_factor=_CELL_WEIGHT * math.sqrt(self.atoms.cell.volume),
                scalar_pressure=self.settings["pressure"] / MPA_PER_EV_A3,
            )
        if stage == "fire":
            return FIRE(moved, logfile=None, maxstep=_STEP)
        return make(moved, logfile=None, maxstep=_STEP)

    def _keep(self) -> tuple[float, float]:
        """Compute forces and stress of the present structure, keep them, and say how far there is to go."""
        forces = self.atoms.get_forces()
        energy = self.atoms.get_potential_energy()
        stress = self._stress()
        if not (np.isfinite(forces).all() and np.isfinite(energy)):
            raise ComputationError("the calculator gave a force or energy that is not finite; look for close atoms")
        # the first structure of a stage is the last of the one before
        if not (self.frames and _same(self.frames[-1], self.atoms)):
            self.frames.append(frozen(self.atoms, energy, forces, stress))
        if self._file.is_due:
            self._file.write(self.frames)
        left = max(self.residual_of(self.frames[-1]), 1e-12)
        self._worst = max(self._worst, left)
        if self._progress:
            part = 0.0 if self._worst <= 1 else min(1.0, max(0.0, 1 - math.log(left) / math.log(self._worst)))
            words = f"step {len(self.frames) - 1}: forces to {_largest(forces):.3g} eV/angstrom"
            self._progress(words, part)
        return _largest(forces), self._stress_residual(stress)

    def _stress(self) -> Array | None:
        from ase.calculators.calculator import PropertyNotImplementedError

        try:
            return np.asarray(self.atoms.get_stress(), dtype=float)
        except PropertyNotImplementedError as error:
            if self._mask.any():
                words = f"{' '.join(str(error).split())[:150]}; " if str(error) else ""
                raise InputError(f"this calculator has no stress: {words}relax with cell='fixed'") from None
            return None

    def _stress_residual(self, stress: Array | None) -> float:
        """Largest free component of stress + p, MPa; 0 where the cell is fixed."""
        if stress is None or not self._mask.any():
            return 0.0
        excess = stress * MPA_PER_EV_A3 + np.array([1, 1, 1, 0, 0, 0]) * self.settings["pressure"]
        return float(np.abs(excess[self._mask]).max())

    def _residual(self, force: float, stress: float) -> float:
        """How far from done, in tolerances; 1 or less is done."""
        return float(max(force / self.settings["force_tolerance"], stress / self.settings["stress_tolerance"]))

    def residual_of(self, frame: Any) -> float:
        """How far a kept structure is from rest, in tolerances."""
        results = frame.calc.results
        return self._residual(_largest(results["forces"]), self._stress_residual(results.get("stress")))

    def stress_of(self, frame: Any) -> float:
        """Largest free component of the stress of a kept structure, MPa; NaN for a fixed cell."""
        stress: Array | None = frame.calc.results.get("stress")
        return self._stress_residual(stress) if stress is not None and self._mask.any() else math.nan


def _same(one: "Atoms", other: "Atoms") -> bool:
    moved = np.abs(one.positions - other.positions).max()
    return bool(moved < 1e-7 and np.abs(one.cell.array - other.cell.array).max() < 1e-7)  # as the file rounds


def _largest(forces: Array) -> float:
    return float(np.linalg.norm(forces, axis=1).max())


def _result(settings: dict[str, Any], search: _Search) -> Relaxation:
    frames = search.frames
    last: Any = frames[-1]
    converged = search.residual_of(last) <= 1
    energy = float(last.calc.results["energy"])
    structure, initial = last.copy(), frames[0].copy()
    initial.calc = None
    volume = float(structure.cell.volume)
    units = ("angstrom",) * 3 + ("deg",) * 3
    lattice = {
        name: sc.scalar(float(value), unit=unit)
        for name, value, unit in zip(LATTICE, structure.cell.cellpar(), units, strict=True)
    }
    return Relaxation(
        structure=structure,
        initial=initial,
        energy=sc.scalar(energy, unit="eV"),
        enthalpy=sc.scalar(energy + settings["pressure"] / MPA_PER_EV_A3 * volume, unit="eV"),
        volume=sc.scalar(volume, unit="angstrom^3"),
        lattice=lattice,
        largest_force=sc.scalar(_largest(last.calc.results["forces"]), unit="eV/angstrom"),
        residual_stress=sc.scalar(search.stress_of(last), unit="MPa"),
        steps=len(frames) - 1,
        converged=converged,
        calculator=settings["calculator"],
        cautions=tuple(_cautions(initial, structure, converged, settings)),
        inputs=settings,
    )


def _cautions(initial: "Atoms", structure: "Atoms", converged: bool, settings: dict[str, Any]) -> list[str]:
    found = []
    if not converged:
        found.append(
            f"not converged within {settings['maximum_steps']} steps; go on with more in the same folder, "
            "and do not use the lattice parameters yet"
        )
    before, after = initial.cell.cellpar(), structure.cell.cellpar()
    for name, one, other in zip(LATTICE[3:], before[3:], after[3:], strict=True):
        if abs(one - 90) < 1e-3 and abs(other - 90) > 0.02:
            found.append(
                f"{name} deviates from 90 deg: {other:.2f} (one frozen arrangement lacks the symmetry of the average)"
            )
    change = structure.cell.volume / initial.cell.volume - 1
    if abs(change) > 0.1:
        found.append(
            f"the volume changed by {100 * change:+.1f} %: check cutoffs and k-points, "
            "or start again from the relaxed structure"
        )
    if formulas(initial) != formulas(structure):
        found.append("bonds broke or formed on the way: the molecules are not those of the structure given")
    return found
