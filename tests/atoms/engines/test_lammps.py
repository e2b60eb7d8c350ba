"""The engine lammps: what it alone has."""

import numpy as np
import pytest
from small_crystals import ammonium_thiocyanate, lithium_dodecaborate, peroxide, with_velocities
from test_dynamics import EV, run
from test_energies import lammps

from caloris.atoms.engines import Conditions, Stretch


@pytest.mark.parametrize("crystal", [lithium_dodecaborate, ammonium_thiocyanate, peroxide])
def test_virials_of_the_atoms_and_kinetic_energy_make_the_pressure(crystal, tmp_path):
    """P_ab V = sum m v_a v_b + W_ab, W > 0 under compression."""
    system = with_velocities(crystal(), 300)
    stretch = Stretch(0, 20, 10, 10, velocities=True, virial=True)
    segment = run(lammps(), system, Conditions("NVE", 300, 300, time_step=0.5), stretch, tmp_path)
    m = system.atoms.get_masses()
    assert segment.virial.shape == (2, len(m), 6)
    for frame in range(2):
        v = segment.velocities[frame]
        for number, axes in enumerate(("xx", "yy", "zz", "xy", "xz", "yz")):
            a, b = ("xyz".index(axis) for axis in axes)
            total = EV * np.sum(m * v[:, a] * v[:, b]) + segment.virial[frame, :, number].sum()
            pressure = total / segment.observables["volume"][frame] * 160217.6634
            assert pressure == pytest.approx(segment.observables[f"pressure_{axes}"][frame], abs=0.01)


def test_a_crystal_that_is_pulled_has_a_negative_virial(tmp_path):
    virials = []
    for scale in (0.97, 1.03):
        system = lithium_dodecaborate()
        atoms = system.atoms.copy()
        atoms.set_cell(atoms.cell.array * scale, scale_atoms=True)
        stretch = Stretch(0, 1, 1, 1, virial=True)
        segment = run(lammps(), system.with_atoms(atoms), Conditions("NVE", 1, 1, time_step=0.01), stretch, tmp_path)
        virials.append(segment.virial[0, :, :3].sum())
    assert virials[0] > 0 > virials[1]
