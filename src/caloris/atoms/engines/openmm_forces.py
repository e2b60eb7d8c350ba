"""A force field in the words of OpenMM: nonbonded forces with their exceptions, bonds, angles, torsions, the cell.

nm, ps, kJ/mol, u, as OpenMM wants them. Pair terms are one expression A exp(-B r) - C/r^6 + D/r^12 with tables over
kinds of atoms, or OpenMM's own Lennard-Jones where its mixing rule gives every pair of the force field.

Pair terms that end at the cutoff with a step have an energy whose derivative with the volume is not the virial: every
pair that the strain pushes over the cutoff takes its energy along (20 to 45 MPa in NH4SCN at 10 angstrom). Forces know
nothing of the step, so what a barostat should see is the shifted energy. The shift is a force of its own in
``SHIFT_GROUP``; the energy of the force field is that of the group 0.
"""

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from caloris.atoms.system import MolecularSystem
    from caloris.materials.force_field import ForceField, PairTerm

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

EV = 6.02214076e23 * 1.602176634e-19 / 1000.0
"""1 eV per particle in kJ/mol; exact (SI 2019)."""
SHIFT_GROUP = 1
"""Force group of minus the pair terms at the cutoff."""
_NM = 0.1  # 1 angstrom in nm


def define(mm: Any, system: "MolecularSystem", accuracy: float | None = None) -> Any:
    """Make the OpenMM system of a structure with a force field.

    Parameters
    ----------
    mm:
        The module openmm.
    system:
        What :func:`caloris.atoms.assemble` made.
    accuracy:
        Of the Ewald forces, relative to two unit charges 1 angstrom apart; without it the force field's.

    Returns
    -------
    :
        The ``openmm.System``.
    """
    model = mm.System()
    for mass in system.atoms.get_masses():
        model.addParticle(float(mass))
    box = [mm.Vec3(*row) for row in reduced(system.atoms.cell.array) * _NM]
    model.setDefaultPeriodicBoxVectors(*box)
    for force in (*_nonbonded(mm, system, accuracy), *_bonded(mm, system)):
        model.addForce(force)
    return model


def reduced(cell: Array) -> Array:
    """Return the cell vectors of the same lattice that lean over by half a cell at most, as OpenMM wants them.

    Parameters
    ----------
    cell:
        Cell vectors in standard form.

    Returns
    -------
    :
        Cell vectors in standard form.
    """
    a, b, c = np.array(cell, dtype=float)
    c = c - b * np.round(c[1] / b[1])
    c = c - a * np.round(c[0] / a[0])
    b = b - a * np.round(b[0] / a[0])
    return np.array([a, b, c])


@dataclass(frozen=True)
class WholeMolecules:
    """Positions with no molecule cut by the cell, and what a barostat moves as one."""

    positions: Array
    """Angstrom."""
    rigid: bool
    """False where bonds go on through the whole crystal; then every atom moves for itself."""
    group: Indices
    """Of each atom: its molecule, or the atom itself."""

    def centres(self, values: Array) -> Array:
        """Mean over each group.

        Parameters
        ----------
        values:
            (N, 3).

        Returns
        -------
        :
            (groups, 3).
        """
        sums = np.zeros((int(self.group.max()) + 1, 3))
        np.add.at(sums, self.group, values)
        return np.asarray(sums / np.bincount(self.group)[:, None])


def molecules_made_whole(system: "MolecularSystem") -> WholeMolecules:
    """Walk along the bonds and put every atom next to the one before it.

    Parameters
    ----------
    system:
        What :func:`caloris.atoms.assemble` made.

    Returns
    -------
    :
        Positions, and the groups that a barostat moves.
    """
    from ase.geometry import find_mic

    atoms, bonds = system.atoms, system.bonds.atoms
    positions = np.array(atoms.positions)
    if not len(bonds):
        return WholeMolecules(positions, True, np.asarray(system.molecule))
    vectors, _ = find_mic(positions[bonds[:, 1]] - positions[bonds[:, 0]], atoms.cell)
    neighbours: list[list[tuple[int, Array]]] = [[] for _ in range(len(atoms))]
    for (i, j), vector in zip(bonds.tolist(), vectors, strict=True):
        neighbours[i].append((j, vector))
        neighbours[j].append((i, -vector))
    seen = np.zeros(len(atoms), dtype=bool)
    for first in range(len(atoms)):
        waiting = [] if seen[first] else [first]
        seen[first] = True
        while waiting:
            i = waiting.pop()
            for j, vector in neighbours[i]:
                if not seen[j]:
                    seen[j] = True
                    positions[j] = positions[i] + vector
                    waiting.append(j)
    rigid = bool(np.allclose(positions[bonds[:, 1]] - positions[bonds[:, 0]], vectors, atol=1e-6))
    return WholeMolecules(positions, rigid, np.asarray(system.molecule) if rigid else np.arange(len(atoms)))


def _bonded(mm: Any, system: "MolecularSystem") -> list[Any]:
    """OpenMM's harmonic terms have a factor 1/2, ours do not."""
    bonds, angles, torsions = mm.HarmonicBondForce(), mm.HarmonicAngleForce(), mm.PeriodicTorsionForce()
    for kind, members in zip(system.bonds.kind, system.bonds.atoms.tolist(), strict=True):
        k, r0 = system.bonds.constants[kind]
        bonds.addBond(*members, r0 * _NM, 2 * k * EV / _NM**2)
    for kind, members in zip(system.angles.kind, system.angles.atoms.tolist(), strict=True):
        k, theta0 = system.angles.constants[kind]
        angles.addAngle(*members, theta0, 2 * k * EV)
    for kind, members in zip(system.torsions.kind, system.torsions.atoms.tolist(), strict=True):
        k, n, phi0 = system.torsions.constants[kind]
        torsions.addTorsion(*members, int(n), phi0, k * EV)
    forces = [bonds, angles, torsions]
    for force in forces:
        force.setUsesPeriodicBoundaryConditions(True)
    return [
        force
        for force, terms in zip(forces, (system.bonds, system.angles, system.torsions), strict=True)
        if len(terms.atoms)
    ]


def _nonbonded(mm: Any, system: "MolecularSystem", accuracy: float | None) -> list[Any]:
    cutoff = system.force_field.cutoff_radius * _NM
    mixed = _follows_mixing_rule(system)
    forces = []
    if mixed or np.any(system.charges != 0):
        force = _coulomb(mm, system, mixed)
        force.setCutoffDistance(cutoff)
        if np.any(system.charges != 0):
            force.setNonbondedMethod(mm.NonbondedForce.PME)
            wanted = system.force_field.ewald_accuracy if accuracy is None else accuracy
            force.setEwaldErrorTolerance(_ewald_tolerance(system, wanted))
        else:
            force.setNonbondedMethod(mm.NonbondedForce.CutoffPeriodic)
        forces.append(force)
    if not mixed:
        forces += _pair_terms(mm, system, cutoff)
    return forces + _shift(mm, system, cutoff)


def _shift(mm: Any, system: "MolecularSystem", cutoff: float) -> list[Any]:
    """Minus the value at the cutoff for every pair within it that the bonds leave alone."""
    names = sorted(set(system.types))
    terms = [[system.force_field.pair_term(one, other) for one in names] for other in names]
    radius = system.force_field.cutoff_radius
    values = np.array([[0.0 if term is None else term.energy(radius) * EV for term in row] for row in terms])
    if not values.any():
        return []
    force = mm.CustomNonbondedForce("-S(kind1,kind2)")
    force.addTabulatedFunction("S", mm.Discrete2DFunction(len(names), len(names), values.ravel().tolist()))
    _prepare(mm, force, [names.index(name) for name in system.types], cutoff)
    for i, j, _, _ in _factors(system):
        force.addExclusion(i, j)
    force.setForceGroup(SHIFT_GROUP)
    return [force]


def _prepare(mm: Any, force: Any, kinds: list[int], cutoff: float) -> None:
    force.addPerParticleParameter("kind")
    for kind in kinds:
        force.addParticle([kind])
    force.setNonbondedMethod(mm.CustomNonbondedForce.CutoffPeriodic)
    force.setCutoffDistance(cutoff)


def _ewald_tolerance(system: "MolecularSystem", accuracy: float) -> float:
    """OpenMM's tolerance that gives the splitting with this error of the real-space forces.

    Kolafa and Perram, Mol. Simul. 9, 351 (1992): error = 2 sum(q^2) exp(-(alpha rc)^2) / sqrt(N rc V), e^2/angstrom^2;
    OpenMM: alpha rc = sqrt(-ln(2 tolerance)). Never looser than OpenMM's own 5e-4, which also sets the mesh.
    """
    rc, volume = system.force_field.cutoff_radius, system.atoms.get_volume()
    scale = 2 * float(np.sum(system.charges**2)) / math.sqrt(len(system.atoms) * rc * volume)
    return float(np.clip(accuracy / scale / 2, 1e-12, 5e-4))


def _coulomb(mm: Any, system: "MolecularSystem", mixed: bool) -> Any:
    """Charges, with Lennard-Jones where its mixing rule is OpenMM's."""
    field, charges = system.force_field, system.charges
    force = mm.NonbondedForce()
    force.setUseDispersionCorrection(False)
    force.setExceptionsUsePeriodicBoundaryConditions(True)
    own = {name: _own(field, name) if mixed else (0.0, 1.0) for name in set(system.types)}
    for name, charge in zip(system.types, charges.tolist(), strict=True):
        epsilon, sigma = own[name]
        force.addParticle(charge, sigma * _NM, epsilon * EV)
    for i, j, lj, coulomb in _factors(system):
        (e1, s1), (e2, s2) = own[system.types[i]], own[system.types[j]]
        force.addException(i, j, coulomb * charges[i] * charges[j], (s1 + s2) / 2 * _NM, lj * math.sqrt(e1 * e2) * EV)
    return force


def _pair_terms(mm: Any, system: "MolecularSystem", cutoff: float) -> list[Any]:
    """Buckingham and Lennard-Jones by tables over the kinds of atoms; scaled pairs as bonds."""
    names = sorted(set(system.types))
    table = np.zeros((4, len(names), len(names)))
    for i, j in itertools.product(range(len(names)), repeat=2):
        table[:, i, j] = _abcd(system.force_field.pair_term(names[i], names[j]))
    if not table.any():
        return []
    terms = [("A", "*exp(-B{}*r)", table[0]), ("C", "/r^6", -table[2]), ("D", "/r^12", table[3])]
    used = [(letter, shape, values) for letter, shape, values in terms if values.any()]
    index = "(kind1,kind2)"
    force = mm.CustomNonbondedForce(" + ".join(letter + index + shape.format(index) for letter, shape, _ in used))
    for letter, _, values in [*used, ("B", "", table[1])] if table[0].any() else used:
        force.addTabulatedFunction(letter, mm.Discrete2DFunction(len(names), len(names), values.T.ravel().tolist()))
    kinds = [names.index(name) for name in system.types]
    _prepare(mm, force, kinds, cutoff)
    scaled = mm.CustomBondForce("A*exp(-B*r) - C/r^6 + D/r^12")
    scaled.setUsesPeriodicBoundaryConditions(True)
    for letter in "ABCD":
        scaled.addPerBondParameter(letter)
    for i, j, lj, _ in _factors(system):
        force.addExclusion(i, j)
        a, b, c, d = table[:, kinds[i], kinds[j]]
        if lj * (abs(a) + abs(c) + abs(d)) > 0:
            scaled.addBond(i, j, [lj * a, b, lj * c, lj * d])
    return [force, scaled] if scaled.getNumBonds() else [force]


def _abcd(term: "PairTerm | None") -> tuple[float, float, float, float]:
    """A, B, C, D in kJ/mol and nm."""
    if term is None:
        return 0.0, 0.0, 0.0, 0.0
    if term.kind == "buckingham":
        A, rho, C = term.parameters
        return A * EV, 1 / (rho * _NM), C * EV * _NM**6, 0.0
    epsilon, sigma = term.parameters
    return 0.0, 0.0, 4 * epsilon * EV * (sigma * _NM) ** 6, 4 * epsilon * EV * (sigma * _NM) ** 12


def _factors(system: "MolecularSystem") -> list[tuple[int, int, float, float]]:
    """Pairs of bonded neighbours with their factors on pair terms and on Coulomb, where one of them is not 1."""
    exclusions = system.force_field.exclusions
    found = []
    for pairs, lj, coulomb in zip(system.special_pairs, exclusions.lennard_jones, exclusions.coulomb, strict=True):
        if (lj, coulomb) != (1.0, 1.0):
            found += [(i, j, lj, coulomb) for i, j in pairs.tolist()]
    return found


def _own(field: "ForceField", name: str) -> tuple[float, float]:
    """Epsilon (eV) and sigma (angstrom) of a type; a type without them has epsilon 0."""
    term = field.pair_term(name, name)
    return (0.0, 1.0) if term is None else (term.parameters[0], term.parameters[1])


def _follows_mixing_rule(system: "MolecularSystem") -> bool:
    """Whether OpenMM's rule (geometric epsilon, arithmetic sigma) gives every pair of the types that are there."""
    field, names = system.force_field, sorted(set(system.types))
    terms = {(i, j): field.pair_term(i, j) for i, j in itertools.combinations_with_replacement(names, 2)}
    if any(term is not None and term.kind != "lennard-jones" for term in terms.values()):
        return False
    for (i, j), term in terms.items():
        (e1, s1), (e2, s2) = _own(field, i), _own(field, j)
        epsilon, sigma = (0.0, 1.0) if term is None else term.parameters
        if not math.isclose(math.sqrt(e1 * e2), epsilon, rel_tol=1e-12):
            return False
        if epsilon > 0 and not math.isclose((s1 + s2) / 2, sigma, rel_tol=1e-12):
            return False
    return any(term is not None for term in terms.values())
