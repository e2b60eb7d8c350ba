"""Translation, rotation and vibration of molecules of which the motion is known, and their symmetry numbers."""

import numpy as np
import pytest
from ase.build import molecule
from exact_trajectories import random_rotations, stored

from caloris.atoms.thermodynamics._kernels import orientations, separate_motion
from caloris.atoms.thermodynamics.geometry import matrices, mean_geometry, moments_of_inertia
from caloris.atoms.thermodynamics.orientational import orientational_entropy
from caloris.atoms.thermodynamics.symmetry import proper_rotations, symmetry_number
from caloris.atoms.thermodynamics.windowed_spectra import kinds_of
from caloris.atoms.vibrations import vibrational_density_of_states
from caloris.errors import InputError

PLANCK = 4.135667696
"""meV ps."""


def icosahedron(radius):
    g = (1 + np.sqrt(5)) / 2
    corners = np.array([p for a in (-1, 1) for b in (-g, g) for p in ((0, a, b), (a, b, 0), (b, 0, a))])
    return radius * corners / np.linalg.norm(corners[0])


@pytest.mark.parametrize(
    ("name", "number"), [("H2O", 2), ("NH3", 3), ("CH4", 12), ("C6H6", 12), ("C2H6", 6), ("CH3OH", 1), ("SF6", 24)]
)
def test_symmetry_numbers_of_molecules(name, number):
    atoms = molecule(name) if name != "SF6" else None
    if atoms is None:
        x = 1.56 * np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])
        symbols = ["S"] + ["F"] * 6
    else:
        x, symbols = atoms.positions - atoms.get_center_of_mass(), atoms.get_chemical_symbols()
    rng = np.random.default_rng(1)
    x = x @ random_rotations(1, rng)[0].T + rng.normal(0, 0.02, x.shape)
    assert symmetry_number(x, symbols, linear=False, tolerance=0.2) == number


def test_dodecaborate_has_sixty_rotations_and_they_are_a_group():
    x = np.vstack([icosahedron(1.7), icosahedron(2.9)])
    found = proper_rotations(x, ["B"] * 12 + ["H"] * 12)
    assert len(found) == 60
    np.testing.assert_allclose(np.linalg.det(found), 1)
    products = np.einsum("aij,bjk->abik", found[:5], found).reshape(-1, 1, 3, 3)
    assert np.abs(products - found).max(axis=(2, 3)).min(axis=1).max() < 1e-6
    assert symmetry_number(np.array([[0, 0, -1.2], [0, 0, 0], [0, 0, 1.2]]), list("OCO"), linear=True) == 2
    assert symmetry_number(np.array([[0, 0, -1.6], [0, 0, 0], [0, 0, 1.2]]), list("SCN"), linear=True) == 1


def rigid(rng, frames, shape, masses, *, linear=False):
    """Positions, velocities and angular velocities (space) of molecules at random, moving as rigid bodies."""
    shape = shape - masses @ shape / masses.sum()
    turn = random_rotations(frames, rng)
    x = np.einsum("tcd,id->tic", turn, shape)
    omega = rng.standard_normal((frames, 3))
    if linear:
        axis = x[:, -1] / np.linalg.norm(x[:, -1], axis=1)[:, None]
        omega -= axis * (omega * axis).sum(axis=1)[:, None]
    V = rng.standard_normal((frames, 3))
    return x + rng.standard_normal((frames, 1, 3)), V[:, None] + np.cross(omega[:, None], x), V, omega, turn


@pytest.mark.parametrize("linear", [False, True])
def test_rigid_bodies_translate_and_turn_and_nothing_else(linear):
    rng = np.random.default_rng(2)
    masses = np.array([16.0, 1.0, 2.0, 12.0])
    shape = rng.standard_normal((4, 3)) * ([0, 0, 1] if linear else [1, 1, 1])
    frames = 50
    x, v, V, omega, turn = rigid(rng, frames, shape, masses, linear=linear)
    centre, turning, internal = np.empty((frames, 1, 3)), np.empty((frames, 1, 3)), np.empty((frames, 1, 4, 3))
    reference = (shape - masses @ shape / masses.sum())[None]
    separate_motion(x[:, None], v[:, None], reference, masses, linear, centre, turning, internal)
    np.testing.assert_allclose(internal, 0, atol=1e-10)
    np.testing.assert_allclose(centre[:, 0], np.sqrt(masses.sum()) * V, rtol=1e-10)
    gyration = np.einsum("i,ic,id->cd", masses, reference[0], reference[0])
    inertia = np.trace(gyration) * np.eye(3) - gyration
    if linear:  # in space
        np.testing.assert_allclose(turning[:, 0], np.sqrt(inertia[0, 0]) * omega, rtol=1e-9, atol=1e-9)
    else:  # in the body: I^1/2 R^T omega
        values, axes = np.linalg.eigh(inertia)
        root = axes * np.sqrt(values) @ axes.T
        np.testing.assert_allclose(
            turning[:, 0], np.einsum("cd,td->tc", root, np.einsum("tcd,tc->td", turn, omega)), rtol=1e-8, atol=1e-8
        )


def test_energies_of_the_motions_sum_to_that_of_the_atoms():
    rng = np.random.default_rng(3)
    masses = rng.uniform(1, 20, 6)
    x, v = rng.standard_normal((2, 7, 3, 6, 3))
    centre, turning, internal = np.empty((7, 3, 3)), np.empty((7, 3, 3)), np.empty((7, 3, 6, 3))
    separate_motion(x, v, x[0].copy(), masses, False, centre, turning, internal)
    parts = (centre**2).sum(axis=2) + (turning**2).sum(axis=2) + (internal**2).sum(axis=(2, 3))
    np.testing.assert_allclose(parts, np.einsum("i,tmic->tm", masses, v**2), rtol=1e-10)


def test_orientations_are_those_molecules_were_turned_by():
    rng = np.random.default_rng(4)
    shape = rng.standard_normal((5, 3))
    masses = np.ones(5)
    shape -= shape.mean(axis=0)
    turn = random_rotations(40, rng)
    x = np.einsum("tcd,id->tic", turn, shape)[:, None] + rng.standard_normal((40, 1, 1, 3))
    q = np.empty((40, 1, 4))
    orientations(x, shape[None], masses, q)
    np.testing.assert_allclose(matrices(q[:, 0]), turn, atol=1e-9)


def librating(folder, energies, frames=4000, dt=0.005):
    """Water that shakes as a whole, librates about its axis and stretches, at three energies."""
    shape = np.array([[0.0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    masses = np.array([15.999, 1.008, 1.008])
    shape -= masses @ shape / masses.sum()
    phase = 2 * np.pi * dt / PLANCK * np.arange(frames)
    shift, angle, stretch = (a * np.sin(phase * E) for a, E in zip((0.1, 0.02, 0.02), energies, strict=True))
    body = shape[None] * (1 + stretch[:, None, None] * np.array([0, 1, 1])[None, :, None])
    body -= np.einsum("i,tic->tc", masses, body)[:, None] / masses.sum()
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0 * c], [s, c, 0 * c], [0 * c, 0 * c, 1 + 0 * c]]).transpose(2, 0, 1)
    x = np.einsum("tcd,tid->tic", turn, body) + shift[:, None, None] * np.array([0, 0, 1.0])
    x = np.concatenate([x, x + 10.0], axis=1)
    v = np.gradient(x, dt, axis=0)
    bonds = np.array([[0, 1], [0, 2], [3, 4], [3, 5]])
    return stored(folder, x, "OH2OH2", velocities=v, time_step=dt, bonds=bonds, cell=30.0)


def test_each_motion_appears_at_its_own_energy(tmp_path):
    trajectory = librating(tmp_path, (15.0, 40.0, 90.0))
    found = vibrational_density_of_states(trajectory, "motion", resolution="2 meV")
    assert list(found) == ["translation", "rotation", "vibration"]
    for (name, density), energy, modes in zip(found.items(), (15.0, 40.0, 90.0), (6, 6, 6), strict=True):
        E, g = density.coords["energy_transfer"].values, density.values
        assert np.trapezoid(g, E) == pytest.approx(modes, rel=1e-12)
        assert np.sum(g * E) / np.sum(g) == pytest.approx(energy, abs=0.6), name
    only = vibrational_density_of_states(trajectory, "motion", species="OH2", resolution="2 meV")
    np.testing.assert_allclose(only["rotation"].values, found["rotation"].values)
    with pytest.raises(InputError, match="whole molecules"):
        vibrational_density_of_states(trajectory, "motion", species="H")


def test_mean_geometry_and_inertia_of_molecules_that_turn(tmp_path):
    rng = np.random.default_rng(5)
    masses = np.array([32.06, 12.011, 14.007])
    shape = np.array([[0, 0, -1.63], [0, 0, 0], [0, 0, 1.17]])
    x = np.concatenate([rigid(rng, 60, shape, masses, linear=True)[0] for _ in range(3)], axis=1)
    bonds = np.array([[3 * m + k, 3 * m + k + 1] for m in range(3) for k in range(2)])
    trajectory = stored(tmp_path, x + 0.01 * rng.standard_normal(x.shape), "SCN" * 3, bonds=bonds)
    (kind,) = kinds_of(trajectory)
    assert kind.linear
    assert kind.modes == {"translation": 9, "rotation": 6, "vibration": 12}
    z = shape[:, 2] - masses @ shape[:, 2] / masses.sum()
    moments = moments_of_inertia(mean_geometry(trajectory, kind), kind.masses, linear=True)
    np.testing.assert_allclose(moments, np.sum(masses * z**2), rtol=0.02)


def test_order_of_atoms_makes_no_other_kind(tmp_path):
    x = np.random.default_rng(6).standard_normal((40, 4, 3))
    trajectory = stored(tmp_path, x, ["N", "H", "H", "N"], bonds=np.array([[0, 1], [2, 3]]), velocities=x)
    assert len(set(trajectory.formulas)) == 2
    (kind,) = kinds_of(trajectory)
    assert kind.molecules.tolist() == [[1, 0], [2, 3]]
    assert len(vibrational_density_of_states(trajectory, "ion", resolution="0.4 meV")) == 1


def test_isotopes_are_kinds_of_their_own(tmp_path):
    x = np.random.default_rng(7).standard_normal((40, 4, 3))
    trajectory = stored(
        tmp_path, x, "OHOH", bonds=np.array([[0, 1], [2, 3]]), masses=[16.0, 1.0, 16.0, 2.0], velocities=x
    )
    assert [kind.name for kind in kinds_of(trajectory)] == ["OH (17.0 u)", "OH (18.0 u)"]
    assert list(vibrational_density_of_states(trajectory, "ion", resolution="0.4 meV")) == [
        "OH (17.0 u)",
        "OH (18.0 u)",
    ]
    with pytest.raises(InputError, match="different kinds"):
        orientational_entropy(trajectory, "OH")


def test_isomers_are_kinds_of_their_own_whatever_the_order_of_their_atoms(tmp_path):
    """Thiocyanate and a chain with carbon at its end; propanol and isopropanol, which differ two bonds away."""
    x = np.random.default_rng(8).standard_normal((40, 9, 3))
    bonds = np.array([[0, 1], [1, 2], [3, 4], [4, 5], [6, 7], [6, 8]])
    trajectory = stored(tmp_path, x, ["S", "C", "N", "C", "S", "N", "C", "N", "S"], bonds=bonds, velocities=x)
    first, second = kinds_of(trajectory)
    assert [first.name, second.name] == ["SCN", "CSN"]
    assert first.molecules.tolist() == [[1, 2, 0], [6, 7, 8]]
    assert second.molecules.tolist() == [[3, 5, 4]]
    carbons = np.array([[0, 1], [1, 2], [0, 3], [4, 5], [5, 6], [5, 7]])  # the oxygen at the end, or in the middle
    x = np.random.default_rng(9).standard_normal((40, 8, 3))
    trajectory = stored(tmp_path, x, "CCCOCCCO", bonds=carbons, velocities=x)
    assert [kind.name for kind in kinds_of(trajectory)] == ["C3O 1", "C3O 2"]


def test_a_bond_that_was_overlooked_makes_no_other_kind(tmp_path):
    x = np.random.default_rng(10).standard_normal((40, 6, 3))
    bonds = np.array([[0, 1], [1, 2], [2, 0], [3, 4], [4, 5]])
    assert len(kinds_of(stored(tmp_path, x, "B6", bonds=bonds, velocities=x))) == 1


def test_motions_that_are_held_are_left_out_and_nothing_at_all_is_refused(tmp_path):
    rng = np.random.default_rng(11)
    x = np.repeat(rng.standard_normal((1, 8, 3)), 200, axis=0)
    v = np.repeat(rng.standard_normal((200, 4, 3)), 2, axis=1)
    how = {"bonds": np.array([[2 * m, 2 * m + 1] for m in range(4)]), "time_step": 0.05}
    found = vibrational_density_of_states(stored(tmp_path, x, "N8", velocities=v, **how), "motion")
    assert list(found) == ["translation"]
    assert "vibration is held rigid" in found["translation"].coords["caution"].value
    with pytest.raises(InputError, match="nothing moves"):
        vibrational_density_of_states(stored(tmp_path, x, "N8", velocities=0 * v, **how), "motion")
