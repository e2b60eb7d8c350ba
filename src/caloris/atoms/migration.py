"""Barriers of migration: how much energy an ion needs to hop, by a nudged elastic band between two structures at rest.

The band is a chain of images between the ends, each at rest across the path; the highest one climbs to the saddle.
Henkelman, Uberuaga and Jonsson, J. Chem. Phys. 113, 9901 and 9978 (2000) (improved tangent, climbing image); first
guess of the path: image-dependent pair potential, Smidstrup et al., J. Chem. Phys. 140, 214106 (2014). The cell is
fixed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc
from numpy.typing import NDArray

from caloris.atoms.bonding import IONS
from caloris.atoms.calculators import CalculatorLike, ForceFieldCalculator, calculator, describe, failures_in_one_line
from caloris.atoms.elastic_band import BAND, Band, curve_through, profile, saddle_energy
from caloris.atoms.relaxation import relax
from caloris.atoms.structure import check_structure
from caloris.atoms.structure_series import claim_folder, frozen, write_series
from caloris.errors import ComputationError, InputError
from caloris.files import output_folder, versions, write_json
from caloris.units import Quantity, magnitude, to_json

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Progress = Callable[[str, float], None]

_RESULT = "barrier.json"
_SAME = 0.1
"""Angstrom: ends that differ less are one structure."""
_NARROW = 8.0
"""Angstrom: an ion that is nearer to its own image feels it."""


@dataclass(frozen=True, repr=False)
class Barrier:
    """Energy along the path of a hop; made by :func:`migration_barrier`."""

    path: tuple["Atoms", ...]
    """The images, ends included."""
    distance: sc.Variable
    """Along the path, all atoms together, angstrom; dims (image)."""
    energy: sc.Variable
    """Above the first image, eV; dims (image)."""
    slope: sc.Variable
    """dE/ds from the forces, eV/angstrom; dims (image)."""
    forward: sc.Variable
    """Barrier from the first end, eV; its variance is of interpolation and of the force left, not of the calculator."""
    backward: sc.Variable
    """Barrier from the last end, eV."""
    hop: sc.Variable
    """How far the ion is from the one end to the other, angstrom."""
    largest_force: sc.Variable
    """On the band, eV/angstrom."""
    steps: int
    converged: bool
    calculator: str
    cautions: tuple[str, ...]
    inputs: dict[str, Any]

    @property
    def saddle(self) -> "Atoms":
        """The highest image."""
        return self.path[int(np.argmax(self.energy.values))]

    def curve(self, points: int = 200) -> sc.DataArray:
        """Return the curve through energies and slopes of the images.

        Parameters
        ----------
        points:
            How many.

        Returns
        -------
        :
            Energy (eV) over distance (angstrom), dims (distance).
        """
        s = np.linspace(0, float(self.distance.values[-1]), points)
        values = curve_through(self.distance.values, self.energy.values, self.slope.values)(s)
        return sc.DataArray(
            sc.array(dims=["distance"], values=values, unit="eV"),
            coords={"distance": sc.array(dims=["distance"], values=s, unit="angstrom")},
        )

    def __repr__(self) -> str:
        return f"<Barrier: {self.forward.value:.3f} eV forward, {self.backward.value:.3f} eV back; see .summary()>"

    def __str__(self) -> str:
        return self.summary()

    def summary(self) -> str:
        """Return what came out, in a few lines for people."""
        error = math.sqrt(self.forward.variance)
        lines = [
            f"hop of {self.hop.value:.2f} angstrom in {self.path[0].get_chemical_formula()}, {len(self.path)} images",
            f"  {self.calculator}",
            f"  barrier {self.forward.value:.4f} eV forward, {self.backward.value:.4f} eV back "
            f"(± {error:.1g} eV from interpolation and the force left)",
            f"  {'converged' if self.converged else 'not converged'} in {self.steps} steps: "
            f"forces on the band to {self.largest_force.value:.2g} eV/angstrom",
        ]
        return "\n".join(lines + [f"  warning: {caution}" for caution in self.cautions])

    def to_json(self) -> dict[str, Any]:
        """Return the numbers, how they were made, and what to know of them, as plain values."""
        names = ("forward", "backward", "hop", "distance", "energy", "slope", "largest_force", "steps", "converged")
        return {
            "calculator": self.calculator,
            **{name: to_json(getattr(self, name)) for name in names},
            "cautions": list(self.cautions),
            "inputs": self.inputs,
            "versions": versions(),
        }

    def save(self, folder: str | Path) -> None:
        """Write the numbers (JSON) and the images (extended XYZ).

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
        write_series(place / BAND, self.path)
        write_json(place / _RESULT, self.to_json())

    def plot(self) -> "Figure":
        """Draw energy over distance: images, and the curve through them.

        Returns
        -------
        :
            A matplotlib figure.
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5, 3.5), layout="constrained")
        axes = figure.subplots()
        curve = self.curve()
        axes.plot(curve.coords["distance"].values, curve.values, color="C0")
        axes.plot(self.distance.values, self.energy.values, "o", color="C0")
        axes.set_xlabel("distance along the path / Å")
        axes.set_ylabel("energy / eV")
        axes.set_title(f"barrier {self.forward.value:.3f} eV forward, {self.backward.value:.3f} eV back", fontsize=10)
        return figure


def vacancy_hop(atoms: "Atoms", ion: int, to: int) -> tuple["Atoms", "Atoms"]:
    """Make the two ends of a hop into a vacancy: remove one atom, and let a neighbour take its place.

    Parameters
    ----------
    atoms:
        The crystal without defects, large enough that a vacancy does not feel its images.
    ion:
        Index of the atom that hops.
    to:
        Index of the atom that is removed.

    Returns
    -------
    :
        Before and after, unrelaxed, the same atoms in the same order.

    Raises
    ------
    InputError
        If an index is not in the structure, or the two atoms are not of one element.

    Examples
    --------
    >>> from ase.build import bulk
    >>> before, after = vacancy_hop(bulk("Cu", a=3.59, cubic=True), 0, 1)
    >>> len(before), round(float(abs(after.positions - before.positions).max()), 3)
    (3, 1.795)
    """
    check_structure(atoms)
    _check_index(atoms, ion, "ion")
    _check_index(atoms, to, "to")
    if ion == to:
        raise InputError(f"to: atom {to} is the ion itself; give the index of a neighbour to remove, or a position")
    if atoms.symbols[ion] != atoms.symbols[to]:
        raise InputError(
            f"to: atom {to} is {atoms.symbols[to]}, the ion is {atoms.symbols[ion]}; the two must be alike"
        )
    vector = atoms.get_distance(ion, to, mic=True, vector=True)
    before: Any = atoms.copy()
    before.calc = None
    after = before.copy()
    after.positions[ion] += vector
    del before[to], after[to]
    return before, after


def migration_barrier(
    atoms: "Atoms",
    ion: int,
    to: int | sc.Variable,
    calculator: CalculatorLike,
    *,
    images: int = 7,
    climb: bool = True,
    force_tolerance: Quantity = "20 meV/angstrom",
    relax_ends: bool = True,
    maximum_steps: int = 500,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Barrier:
    """Compute the barrier that an ion passes on its way to a vacancy or to an empty place.

    Parameters
    ----------
    atoms:
        The crystal, its cell as it is to stay; constraints of ASE are kept.
    ion:
        Index of the ion that moves.
    to:
        Index of an atom that is removed, so that the ion hops into the vacancy; or a position (three lengths).
    calculator:
        A calculator of ASE, or what :func:`caloris.atoms.calculators.calculator` takes; a force field of ions needs
        ``charged = true`` for a vacancy.
    images:
        Images of the band, ends included, at least 3; an odd number has one in the middle.
    climb:
        Whether the highest image climbs to the saddle.
    force_tolerance:
        Largest force on the band, and on the ends, at the end.
    relax_ends:
        Whether the ends are relaxed first; otherwise they must be at rest.
    maximum_steps:
        Steps after which the search ends even if it has not converged; the result says so.
    folder:
        Where ends, band and result are kept; a search that was stopped goes on there.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        Energies along the path, barriers with errors, cautions.

    Raises
    ------
    InputError
        If an input is wrong, a package is missing, or the folder holds another search.
    ComputationError
        If the calculator fails, or both ends relax to one structure.
    """
    tolerance = magnitude(force_tolerance, "eV/angstrom", "force_tolerance", positive=True)
    _check_counts(images, maximum_steps)
    initial, final = _ends(atoms, ion, to)
    settings = {
        "calculator": describe(calculator),
        "images": images,
        "climb": bool(climb),
        "force_tolerance": tolerance,
        "relax_ends": bool(relax_ends),
        "maximum_steps": maximum_steps,
    }
    place = claim_folder(folder, settings, {"initial": initial, "final": final})
    shared = _make(calculator)
    first = _end(initial, "initial", shared, settings, place, progress)
    last = _end(final, "final", shared, settings, place, progress)
    moved_ion = ion - (isinstance(to, int) and to < ion)
    _check_ends(first, last, moved_ion)
    band = Band(first, last, shared, settings, place, progress)
    band.run()
    result = _result(band, moved_ion, isinstance(to, int), shared, settings)
    if place is not None:
        result.save(place)
    return result


def _make(given: CalculatorLike) -> Any:
    return calculator(given)


def _check_counts(images: int, steps: int) -> None:
    if not isinstance(images, int) or images < 3:
        raise InputError(f"images: expected a whole number of at least 3, ends included, got {images!r}")
    if not isinstance(steps, int) or steps < 1:
        raise InputError(f"maximum_steps: expected a whole number above 0, got {steps!r}")


def _check_index(atoms: "Atoms", index: int, name: str) -> None:
    if not isinstance(index, int | np.integer) or not 0 <= index < len(atoms):
        raise InputError(f"{name}: expected the index of an atom, 0 to {len(atoms) - 1}, got {index!r}")


def _ends(atoms: "Atoms", ion: int, to: int | sc.Variable) -> tuple["Atoms", "Atoms"]:
    if isinstance(to, int | np.integer):
        return vacancy_hop(atoms, ion, int(to))
    check_structure(atoms)
    _check_index(atoms, ion, "ion")
    try:
        place = np.asarray(to.to(unit="angstrom", dtype=None, copy=False).values, dtype=float).reshape(-1)
    except (AttributeError, sc.UnitError, sc.DTypeError, TypeError):
        place = np.empty(0)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise InputError(
            "to: expected the index of an atom, or a position such as scipp.vector([1.0, 2.0, 3.0], unit='angstrom')"
        )
    from ase.geometry import find_mic

    initial: Any = atoms.copy()
    initial.calc = None
    final = initial.copy()
    vector, length = find_mic(place - initial.positions[ion], initial.cell, initial.pbc)
    if length < _SAME:
        raise InputError(f"to: the position is {length:.2f} angstrom from the ion; give the place where it goes")
    final.positions[ion] += vector
    return initial, final


def _end(
    atoms: "Atoms", name: str, shared: Any, settings: dict[str, Any], place: Path | None, progress: Progress | None
) -> "Atoms":
    """Return an end of the band with its energy and forces."""
    structure: Any = atoms
    if settings["relax_ends"]:
        rest = relax(
            atoms,
            shared,
            cell="fixed",
            force_tolerance=sc.scalar(settings["force_tolerance"] / 2, unit="eV/angstrom"),
            maximum_steps=settings["maximum_steps"],
            folder=None if place is None else place / name,
            progress=progress and (lambda words, part: progress(f"{name} end, {words}", part)),
        )
        if not rest.converged:
            raise ComputationError(
                f"the {name} end did not come to rest in {rest.steps} steps (forces to "
                f"{rest.largest_force.value:.2g} eV/angstrom); give more steps or a better structure"
            )
        structure = rest.structure
    structure.calc = shared
    with failures_in_one_line():
        energy, forces = structure.get_potential_energy(), structure.get_forces(apply_constraint=False)
    known: Any = frozen(structure, energy, forces)
    known.set_constraint(atoms.constraints)
    return known  # type: ignore[no-any-return]


def _check_ends(initial: "Atoms", final: "Atoms", ion: int) -> None:
    from ase.geometry import find_mic

    _, apart = find_mic(final.positions - initial.positions, initial.cell, initial.pbc)
    if apart.max() < _SAME:
        raise ComputationError(
            f"both ends relax to one structure: the ion ({initial.symbols[ion]}) does not stay at the other place, "
            "there is no minimum; give another place"
        )


def _result(band: Band, ion: int, vacancy: bool, shared: Any, settings: dict[str, Any]) -> Barrier:
    path = band.known()
    distance, energy, slope = profile(path)
    top, error = saddle_energy(distance, energy, slope, climbed=settings["climb"], residual=band.force)
    converged = band.force <= settings["force_tolerance"]
    hop = float(np.linalg.norm(path[-1].positions[ion] - path[0].positions[ion]))
    return Barrier(
        path=tuple(path),
        distance=sc.array(dims=["image"], values=distance, unit="angstrom"),
        energy=sc.array(dims=["image"], values=energy, unit="eV"),
        slope=sc.array(dims=["image"], values=slope, unit="eV/angstrom"),
        forward=sc.scalar(top, variance=error**2, unit="eV"),
        backward=sc.scalar(top - energy[-1], variance=error**2, unit="eV"),
        hop=sc.scalar(hop, unit="angstrom"),
        largest_force=sc.scalar(band.force, unit="eV/angstrom"),
        steps=band.steps,
        converged=converged,
        calculator=settings["calculator"],
        cautions=tuple(_cautions(path, energy, ion, vacancy, converged, shared)),
        inputs=settings,
    )


def _cautions(
    path: Sequence["Atoms"], energy: Array, ion: int, vacancy: bool, converged: bool, shared: Any
) -> list[str]:
    found = []
    first = path[0]
    if not converged:
        found.append("not converged: give more steps in the same folder; the barrier is too high rather than too low")
    if energy.argmax() in (0, len(energy) - 1):
        found.append("no barrier: the highest image is an end; is it a minimum?")
    inner = energy[1:-1]
    dips = np.flatnonzero((inner < energy[:-2] - 1e-3) & (inner < energy[2:] - 1e-3)) + 1
    if len(dips):
        found.append(f"the path has a minimum of its own at image {dips[0]}: compute the two hops by themselves")
    if isinstance(shared, ForceFieldCalculator) and abs(shared.charge) > 1e-6:
        found.append(
            f"the cell carries {shared.charge:+.3g} e, neutralised by a uniform background: the barrier depends on the "
            "size of the cell; repeat it in a larger one"
        )
    elif vacancy and first.symbols[ion] in IONS:
        found.append(
            f"the vacancy took a neutral {first.symbols[ion]} atom out of the cell; for that of an ion give the "
            "calculator the charge of the cell"
        )
    nearest = _own_image(first)
    if nearest < _NARROW:
        found.append(
            f"the hopping ion is {nearest:.1f} angstrom from its own image: repeat it in a larger cell and compare"
        )
    return found


def _own_image(atoms: "Atoms") -> float:
    """Shortest vector of the lattice, angstrom."""
    from ase.geometry import minkowski_reduce

    reduced, _ = minkowski_reduce(atoms.cell.array, pbc=True)
    return float(np.linalg.norm(reduced, axis=1).min())
