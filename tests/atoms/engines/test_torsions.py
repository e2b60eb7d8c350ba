"""Torsions: the energy of one, by the formula, at every angle."""

import numpy as np
import pytest
from small_crystals import peroxide
from test_energies import every_engine

from caloris.atoms.system import assemble


def turned(phi):
    """One H2O2 alone in a wide cell, at a torsion angle phi (deg; 0 is cis), bonds and angles at rest."""
    from ase import Atoms

    bend, phi = np.radians(180.0 - 100.0), np.radians(phi)
    out, up = 0.97 * np.cos(bend), 0.97 * np.sin(bend)
    last = [1.47 + out, up * np.cos(phi), up * np.sin(phi)]
    atoms = Atoms("HOOH", [[-out, up, 0], [0, 0, 0], [1.47, 0, 0], last], cell=[20, 20, 20], pbc=True)
    atoms.center()
    return atoms


@every_engine
@pytest.mark.parametrize("phases", [(0.0, 180.0, 0.0), (0.0, 180.0, 25.0)], ids=["0 and 180", "25"])
def test_energy_follows_the_torsion_angle(make, phases):
    """U = sum k [1 + cos(n phi - phi0)] + half of the Lennard-Jones energy of the outer atoms, and nothing else."""
    field = peroxide(phi0=phases, charge=0.0).force_field
    engine, k, n = make(), np.array([1.1, 0.7, 0.4]), np.array([1, 2, 3])
    for phi in np.arange(-170.0, 190.0, 36.0):
        system = assemble(turned(phi), field)
        torsion = np.sum(k * (1 + np.cos(n * np.radians(phi) - np.radians(phases)))) / 23.0605478
        distance = np.linalg.norm(np.subtract(*system.atoms.positions[[0, 3]]))
        expected = torsion + 0.5 * field.pair_term("H", "H").energy(distance)
        assert engine.energy(system).energy == pytest.approx(expected, abs=2e-6)
