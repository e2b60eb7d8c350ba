"""Small crystals for tests: the two of the library with short cutoffs, rattled, and a made-up one with torsions."""

import functools

import numpy as np

from caloris.atoms.system import assemble
from caloris.materials import load
from caloris.materials.force_field_files import load_force_field, parse_force_field


def rattled(atoms, by=0.03, seed=0):
    moved = atoms.copy()
    moved.positions += np.random.default_rng(seed).normal(scale=by, size=moved.positions.shape)
    return moved


def with_velocities(system, temperature, seed=0):
    """Maxwell's velocities without total momentum."""
    from ase.units import kB

    atoms = system.atoms.copy()
    masses = atoms.get_masses()[:, None]
    momenta = np.random.default_rng(seed).normal(size=(len(atoms), 3)) * np.sqrt(masses * kB * temperature)
    atoms.set_momenta(momenta - masses * momenta.sum(axis=0) / masses.sum())
    return system.with_atoms(atoms)


@functools.cache
def lithium_dodecaborate():
    """One cell, 104 atoms, cubic, cutoff 4 angstrom: Buckingham, no charge on B."""
    field = load_force_field("Li2B12H12").model_copy(update={"cutoff": 4.0})
    return assemble(rattled(load("Li2B12H12").structure("alpha")), field)


@functools.cache
def ammonium_thiocyanate(times=(3, 2, 1), cutoff=5.0):
    """192 atoms, monoclinic: Lennard-Jones with a mixing rule, straight SCN."""
    field = load_force_field("NH4SCN").model_copy(update={"cutoff": cutoff})
    return assemble(rattled(load("NH4SCN").structure("monoclinic").repeat(times)), field)


def peroxide(pair="lennard_jones", phi0=(0.0, 180.0, 25.0), charge=0.4):
    """A made-up H2O2: torsions of three periods, scaled 1-4 pairs, twelve molecules turned at random, triclinic.

    ``pair``: "lennard_jones", "buckingham" or None.
    """
    guess = {"status": "guess", "source": "made up"}
    own = {"H": (0.9, 0.02), "O": (1.7, 0.15)}
    types = {name: {"element": name, "charge": q, **guess} for name, q in (("H", charge), ("O", -charge))}
    pairs = []
    if pair == "lennard_jones":
        for name, (rmin_half, epsilon) in own.items():
            types[name]["lennard_jones"] = {"rmin_half": rmin_half, "epsilon": epsilon}
    elif pair == "buckingham":
        terms = {"HH": (2500.0, 0.27, 30.0), "HO": (9000.0, 0.27, 100.0), "OO": (40000.0, 0.27, 400.0)}
        for (one, other), (A, rho, C) in terms.items():
            pairs.append({"types": [one, other], "buckingham": {"A": A, "rho": rho, "C": C}, **guess})
    torsions = [
        {"types": list("HOOH"), "k": k, "n": n, "phi0": phase, **guess}
        for k, n, phase in zip((1.1, 0.7, 0.4), (1, 2, 3), phi0, strict=True)
    ]
    field = {
        "schema": 1,
        "name": "peroxide",
        "units": {"energy": "kcal/mol", "length": "angstrom", "angle": "deg"},
        "mixing": "lorentz-berthelot" if pair == "lennard_jones" else "none",
        "cutoff": 4.5,
        "sources": {"made up": {"citation": "numbers made up for tests"}},
        "types": types,
        "molecules": {"H2O2": {"formula": {"H": 2, "O": 2}, "types": {"H": "H", "O": "O"}}},
        "pairs": pairs,
        "bonds": [
            {"types": ["O", "O"], "k": 300.0, "r0": 1.47, **guess},
            {"types": ["O", "H"], "k": 500.0, "r0": 0.97, **guess},
        ],
        "angles": [{"types": list("HOO"), "k": 50.0, "theta0": 100.0, **guess}],
        "torsions": torsions,
        "exclusions": {"lennard_jones": [0.0, 0.0, 0.5], "coulomb": [0.0, 0.0, 0.8333]},
    }
    return assemble(_peroxide_atoms(), parse_force_field(field))


def _peroxide_atoms():
    from ase import Atoms

    rng = np.random.default_rng(3)
    cell = np.array([[10.5, 0, 0], [2.0, 10.0, 0], [-1.5, 2.5, 15.0]])
    one = np.array([[0.85, 0.45, -0.9], [0.0, 0.0, -0.735], [0.0, 0.0, 0.735], [0.3, -0.9, 0.9]])
    atoms = Atoms(cell=cell, pbc=True)
    for place in np.ndindex(2, 2, 3):
        q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        q *= np.sign(np.linalg.det(q))
        atoms += Atoms("HOOH", one @ q + (np.array(place) / (2, 2, 3)) @ cell)
    return rattled(atoms, 0.02)
