"""Energy and forces of a force field by direct sums in double precision, written from the formulas alone.

Coulomb (Ewald, with tin foil at infinity): U = 1/2 sum_ij sum_n q_i q_j erfc(alpha r)/r
+ 2 pi/V sum_{k != 0} exp(-k^2/(4 alpha^2))/k^2 |S(k)|^2 - alpha/sqrt(pi) sum q^2, in units of e^2/(4 pi eps0); a pair
of bonded neighbours with factor f loses (1 - f) q_i q_j/r. alpha and both cutoffs of the sums follow from one wish for
accuracy, not from the force field's cutoff. Pair terms: every image within the cutoff, half of them, without those of
bonded neighbours (the nearest image times 1 - f). Bonds, angles, torsions by the formula at the nearest images.

Forces are analytic where that is a line, and central differences of the energy of one term elsewhere (what is bonded).
"""

import itertools
from dataclasses import replace

import numpy as np
from scipy.special import erfc

COULOMB = 14.399645  # e^2/(4 pi eps0), eV angstrom


def energy_and_forces(system, accuracy=1e-9, shifted=False):
    """Energy (eV) and forces (eV/angstrom); ``shifted``: pair terms less their value at the cutoff."""
    positions, cell = np.array(system.atoms.positions), np.array(system.atoms.cell.array)
    parts = [ewald(positions, cell, system.charges, accuracy), pair_terms(system, positions, cell, shifted)]
    parts += [special_pairs(system, positions, cell), bonded(system, positions, cell)]
    return sum(part[0] for part in parts), sum(part[1] for part in parts)


def slope_with_strain(system, strain, step=2e-4):
    """-dU/d(strain)/V in MPa, of the energy to which the forces belong, the shifted one; = sum of pressure * strain."""
    energies = []
    for sign in (1, -1):
        atoms = system.atoms.copy()
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + sign * step * strain), scale_atoms=True)
        energies.append(energy_and_forces(replace(system, atoms=atoms), shifted=True)[0])
    return -(energies[0] - energies[1]) / (2 * step) / system.atoms.get_volume() * 160217.6634


def heights(cell):
    return 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)


def images(cell, radius):
    """Lattice vectors that a pair within ``radius`` can need, if both atoms are in the cell."""
    most = np.ceil(radius / heights(cell)).astype(int)
    return np.array(list(itertools.product(*(range(-m - 1, m + 2) for m in most)))) @ cell


def pairs_within(positions, cell, radius):
    """Every ordered pair (i, j, vector from i to j) within ``radius``, images of i itself included."""
    inside = positions - np.floor(positions @ np.linalg.inv(cell)) @ cell
    found = []
    for shift in images(cell, radius):
        vectors = inside[None, :, :] + shift - inside[:, None, :]
        r2 = (vectors**2).sum(axis=-1)
        i, j = np.nonzero((r2 < radius**2) & (r2 > 1e-12))
        found.append((i, j, vectors[i, j]))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def ewald(positions, cell, charges, accuracy):
    n = len(positions)
    if not charges.any():
        return 0.0, np.zeros((n, 3))
    volume = abs(np.linalg.det(cell))
    digits = -np.log(accuracy)
    alpha = np.sqrt(np.pi) * (n / volume**2) ** (1 / 6)  # the same work in both sums
    alpha = max(alpha, np.sqrt(digits) / 12.0)
    i, j, d = pairs_within(positions, cell, np.sqrt(digits) / alpha)
    r = np.linalg.norm(d, axis=1)
    qq = charges[i] * charges[j]
    total = 0.5 * np.sum(qq * erfc(alpha * r) / r)
    slope = qq * (erfc(alpha * r) / r + 2 * alpha / np.sqrt(np.pi) * np.exp(-((alpha * r) ** 2))) / r**2
    forces = gather(i, -slope[:, None] * d, n)

    reciprocal = 2 * np.pi * np.linalg.inv(cell).T
    longest = 2 * alpha * np.sqrt(digits)
    most = np.ceil(longest / heights(reciprocal)).astype(int)
    half = [m for m in itertools.product(*(range(-a, a + 1) for a in most)) if m > (0, 0, 0)]
    k = np.array(half) @ reciprocal
    k = k[(k**2).sum(axis=1) < longest**2]
    for part in np.array_split(k, max(1, len(k) * n // 2_000_000)):
        k2 = (part**2).sum(axis=1)
        phase = np.exp(1j * part @ positions.T)
        structure = phase @ charges
        weight = 2 * np.pi / volume * np.exp(-k2 / (4 * alpha**2)) / k2 * 2  # k and -k
        total += np.sum(weight * abs(structure) ** 2)
        # -d/dx |S|^2 = 2 q k Im(conj(S) exp(ikx))
        forces += 2 * charges[:, None] * ((weight * np.conj(structure))[:, None] * phase).imag.T @ part
    total -= alpha / np.sqrt(np.pi) * np.sum(charges**2)
    return COULOMB * total, COULOMB * forces


def gather(i, vectors, n):
    return np.stack([np.bincount(i, vectors[:, axis], n) for axis in range(3)], axis=1)


def pair_function(term, r):
    """Energy and its derivative with r."""
    if term.kind == "buckingham":
        A, rho, C = term.parameters
        return A * np.exp(-r / rho) - C / r**6, -A / rho * np.exp(-r / rho) + 6 * C / r**7
    epsilon, sigma = term.parameters
    twelve, six = 4 * epsilon * sigma**12 / r**12, 4 * epsilon * sigma**6 / r**6
    return twelve - six, (6 * six - 12 * twelve) / r


def pair_terms(system, positions, cell, shifted):
    """Half of all ordered pairs of images within the cutoff, those of bonded neighbours too."""
    n, field = len(positions), system.force_field
    i, j, d = pairs_within(positions, cell, field.cutoff_radius)
    r = np.linalg.norm(d, axis=1)
    types = np.array(system.types)
    total, forces = 0.0, np.zeros((n, 3))
    for one, other in itertools.product(sorted(set(system.types)), repeat=2):
        term = field.pair_term(one, other)
        of = (types[i] == one) & (types[j] == other)
        if term is not None and of.any():
            u, slope = pair_function(term, r[of])
            total += 0.5 * (u - shifted * pair_function(term, field.cutoff_radius)[0]).sum()
            forces += gather(i[of], (slope / r[of])[:, None] * d[of], n)
    return total, forces


def nearest(vectors, cell):
    """The shortest image of each vector."""
    shifts = np.array(list(itertools.product((-1, 0, 1), repeat=3))) @ cell
    vectors = vectors - np.round(vectors @ np.linalg.inv(cell)) @ cell
    candidates = vectors[:, None, :] + shifts
    return np.take_along_axis(candidates, (candidates**2).sum(-1).argmin(1)[:, None, None], 1)[:, 0]


def special_pairs(system, positions, cell):
    """Take back what bonded neighbours do not see of each other."""
    field, n = system.force_field, len(positions)
    exclusions, charges = field.exclusions, system.charges
    total, forces = 0.0, np.zeros((n, 3))
    for pairs, lj, coulomb in zip(system.special_pairs, exclusions.lennard_jones, exclusions.coulomb, strict=True):
        if not len(pairs):
            continue
        i, j = pairs.T
        d = nearest(positions[j] - positions[i], cell)
        r = np.linalg.norm(d, axis=1)
        qq = COULOMB * charges[i] * charges[j]
        u, slope = (coulomb - 1) * qq / r, -(coulomb - 1) * qq / r**2
        for n_pair, (a, b) in enumerate(pairs.tolist()):
            term = field.pair_term(system.types[a], system.types[b])
            if term is not None and r[n_pair] < field.cutoff_radius:
                value, derivative = pair_function(term, r[n_pair])
                u[n_pair] += (lj - 1) * value
                slope[n_pair] += (lj - 1) * derivative
        total += u.sum()
        pull = (slope / r)[:, None] * d
        forces += gather(i, pull, n) - gather(j, pull, n)
    return total, forces


def bond_energy(x, k, r0):
    return k * (np.linalg.norm(x[:, 1] - x[:, 0], axis=-1) - r0) ** 2


def angle_energy(x, k, theta0):
    one, two = x[:, 0] - x[:, 1], x[:, 2] - x[:, 1]
    angle = np.arctan2(np.linalg.norm(np.cross(one, two), axis=-1), (one * two).sum(-1))
    return k * (angle - theta0) ** 2


def torsion_energy(x, k, n, phi0):
    """IUPAC: phi = 0 for cis."""
    b1, b2, b3 = x[:, 1] - x[:, 0], x[:, 2] - x[:, 1], x[:, 3] - x[:, 2]
    n1, n2 = np.cross(b1, b2), np.cross(b2, b3)
    sine = np.linalg.norm(b2, axis=-1) * (b1 * n2).sum(-1)
    return k * (1 + np.cos(n * np.arctan2(sine, (n1 * n2).sum(-1)) - phi0))


def bonded(system, positions, cell):
    n, step = len(positions), 1e-3
    total, forces = 0.0, np.zeros((n, 3))
    for terms, function in (
        (system.bonds, bond_energy),
        (system.angles, angle_energy),
        (system.torsions, torsion_energy),
    ):
        if not len(terms.atoms):
            continue
        constants = np.array(terms.constants, dtype=float)[terms.kind].T
        x = np.zeros((*terms.atoms.shape, 3))
        for m in range(1, terms.atoms.shape[1]):  # each atom next to the one before
            vectors = positions[terms.atoms[:, m]] - positions[terms.atoms[:, m - 1]]
            x[:, m] = x[:, m - 1] + nearest(vectors, cell)
        total += function(x, *constants).sum()
        for m, axis in itertools.product(range(terms.atoms.shape[1]), range(3)):
            slope = np.zeros(len(x))
            for move, weight in zip((-3, -2, -1, 1, 2, 3), (-1, 9, -45, 45, -9, 1), strict=True):  # error of order 6
                moved = x.copy()
                moved[:, m, axis] += move * step
                slope += weight * function(moved, *constants) / (60 * step)
            forces[:, axis] -= np.bincount(terms.atoms[:, m], slope, n)
    return total, forces
