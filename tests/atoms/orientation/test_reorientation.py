"""Reorientation with an exact correlation: rotational diffusion, three-fold and tetrahedral jumps, libration."""

import numpy as np
import pytest
from exact_trajectories import random_rotations, stored
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from turning_molecules import AMMONIUM, SPACING, TETRAHEDRON, about, decay_per_step, diffusing, steps_of

from caloris.atoms.orientation.body_rotation import rotating_molecules, rotation_angles
from caloris.atoms.orientation.correlation import (
    legendre_correlation,
    orientation_correlation,
    reorientation_rate,
)
from caloris.errors import ComputationError, InputError

GOLDEN = (1 + np.sqrt(5)) / 2
ICOSAHEDRON = np.array([np.roll([0, a, b * GOLDEN], k) for k in range(3) for a in (-1, 1) for b in (-1, 1)]) / np.hypot(
    1, GOLDEN
)
BORANE = np.concatenate([1.7 * ICOSAHEDRON, 2.9 * ICOSAHEDRON])


def body_jumps(frames, molecules, operations, probability, rng):
    """Jumps by a random symmetry operation of the body, which maps its vertices on each other."""
    which = rng.integers(0, len(operations), (frames, molecules))
    jumps = np.where((rng.random((frames, molecules)) < probability)[..., None, None], operations[which], np.eye(3))
    first = random_rotations(molecules, rng)
    return first @ steps_of(np.concatenate([np.broadcast_to(np.eye(3), jumps[:1].shape), jumps[1:]]))


def molecules_of(folder, shape, symbols, orientations, *, bonds=None, noise=None, **how):
    """One molecule of this shape for each orientation, on a lattice, drifting."""
    frames, count = orientations.shape[:2]
    sites = SPACING * np.stack(np.unravel_index(np.arange(count), (10, 10, 10)), axis=-1)
    sites = sites + 0.01 * np.arange(frames)[:, None, None]
    atoms = np.einsum("tmij,aj->tmai", orientations, shape) + sites[:, :, None]
    if noise is not None:
        atoms = atoms + noise
    size = len(shape)
    star = np.array([[0, k] for k in range(1, size)]) if bonds is None else bonds
    every = np.concatenate([star + size * m for m in range(count)])
    return stored(folder, atoms.reshape(frames, -1, 3), symbols * count, bonds=every, cell=10 * SPACING, **how)


def z_scores(curve, exact):
    """In errors of the mean, without time 0 and what has decayed to noise of few origins."""
    keep = slice(1, len(exact) // 3)
    return (curve.values[keep] - exact[keep]) / np.sqrt(curve.variances[keep])


@given(st.integers(4, 40), st.integers(1, 3))
def test_correlation_by_fourier_is_the_direct_average(frames, vectors):
    u = np.random.default_rng(frames).standard_normal((frames, vectors, 3))
    u /= np.linalg.norm(u, axis=-1, keepdims=True)
    for order, polynomial in ((1, lambda x: x), (2, lambda x: (3 * x**2 - 1) / 2)):
        direct = [polynomial((u[: frames - m] * u[m:]).sum(-1)).mean() for m in range(frames)]
        np.testing.assert_allclose(legendre_correlation(u, frames, order), direct, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_rotational_diffusion_decays_exponentially(tmp_path, order):
    """C1 = exp(-2 D t), C2 = exp(-6 D t)."""
    rng = np.random.default_rng(1)
    variance = 0.02  # D = 0.01 per frame of 0.5 ps
    orientations = diffusing(1200, 60, variance, rng)
    trajectory = molecules_of(tmp_path, AMMONIUM, "NH4", orientations, time_step=0.5)
    curve = orientation_correlation(trajectory, bond=("N", "H"), order=order)
    t = curve.coords["time"].values
    exact = decay_per_step(order, variance) ** (t / 0.5)
    np.testing.assert_allclose(exact, np.exp(-order * (order + 1) * 0.02 * t), atol=3e-3)
    assert np.abs(z_scores(curve, exact)).max() < 4
    found = reorientation_rate(trajectory, bond=("N", "H"), order=order)
    rate = -np.log(decay_per_step(order, variance)) / 0.5e-12
    error = np.sqrt(found.rate.variance)
    assert error < 0.06 * rate
    assert found.rate.value == pytest.approx(rate, abs=3 * error)
    assert found.amplitude == pytest.approx(1, abs=0.03)
    assert found.one_over_e.value == pytest.approx(1e12 / rate, abs=3 * np.sqrt(found.one_over_e.variance))
    assert found.upper_bound.value > found.rate.value + error
    assert found.warnings == ()


@pytest.mark.parametrize("molecules", [4, 40])
def test_error_of_the_rate_covers_the_truth(tmp_path, molecules):
    rng = np.random.default_rng(2)
    variance = 0.1
    exact = -1e12 * np.log(decay_per_step(1, variance))
    pulls = []
    for _ in range(50):
        orientations = diffusing(12000 // molecules, molecules, variance, rng)
        found = reorientation_rate(molecules_of(tmp_path, AMMONIUM, "NH4", orientations), bond=("N", "H"))
        pulls.append((found.rate.value - exact) / np.sqrt(found.rate.variance))
    assert 0.53 < np.mean(np.abs(pulls) < 1) < 0.83  # 68 %, two sigma of 50 draws
    assert abs(np.mean(pulls)) < 0.5


@pytest.mark.parametrize("order", [1, 2])
def test_three_fold_jumps_leave_what_lies_along_their_axis(tmp_path, order):
    """XH3 about an axis at the angle beta: C1 = cos^2 beta + sin^2 beta (1 - 3 p / 2)^m, C2 likewise."""
    rng = np.random.default_rng(3)
    probability, beta = 0.05, np.deg2rad(70.5)
    azimuth = 2 * np.pi * np.arange(3) / 3
    ring = np.stack([np.sin(beta) * np.cos(azimuth), np.sin(beta) * np.sin(azimuth), np.full(3, np.cos(beta))], axis=1)
    operations = about([[0, 0, 1], [0, 0, 1]], 120)
    operations[1] = operations[1].T
    orientations = body_jumps(1200, 60, operations, probability, rng)
    shape = np.concatenate([np.zeros((1, 3)), 1.02 * ring])
    curve = orientation_correlation(molecules_of(tmp_path, shape, "NH3", orientations), bond=("N", "H"), order=order)
    decay = (1 - 1.5 * probability) ** np.arange(len(curve))
    if order == 1:
        exact = np.cos(beta) ** 2 + np.sin(beta) ** 2 * decay
    else:
        left = ((3 * np.cos(beta) ** 2 - 1) / 2) ** 2
        exact = left + 0.75 * (np.sin(2 * beta) ** 2 + np.sin(beta) ** 4) * decay
    assert exact[0] == pytest.approx(1)
    assert np.abs(z_scores(curve, exact)).max() < 4


@pytest.mark.parametrize("order", [1, 2])
def test_tetrahedral_jumps_decay_by_the_jump_rate(tmp_path, order):
    """A three-fold jump about any of four bonds leaves every bond with each direction alike: C1 = C2 = (1 - p)^m."""
    rng = np.random.default_rng(4)
    probability = 0.05
    operations = np.concatenate([about(TETRAHEDRON, angle) for angle in (120, 240)])
    orientations = body_jumps(1200, 60, operations, probability, rng)
    trajectory = molecules_of(tmp_path, AMMONIUM, "NH4", orientations)
    curve = orientation_correlation(trajectory, bond=("N", "H"), order=order)
    assert np.abs(z_scores(curve, (1 - probability) ** np.arange(len(curve)))).max() < 4
    found = reorientation_rate(trajectory, bond=("N", "H"), order=order)
    exact = -1e12 * np.log(1 - probability)
    assert found.rate.value == pytest.approx(exact, abs=3 * np.sqrt(found.rate.variance))


def test_icosahedra_turn_about_their_centre_and_libration_shows_in_the_amplitude(tmp_path):
    rng = np.random.default_rng(5)
    frames, molecules, probability = 800, 32, 0.02
    axes = ICOSAHEDRON
    operations = np.concatenate([about(axes, angle) for angle in (72, 144, 216, 288)])
    orientations = body_jumps(frames, molecules, operations, probability, rng)
    libration = Rotation.from_rotvec(0.12 * rng.standard_normal((frames * molecules, 3))).as_matrix()
    orientations = orientations @ libration.reshape(frames, molecules, 3, 3)
    trajectory = molecules_of(tmp_path, BORANE, "B12H12", orientations, bonds=np.array([[0, k] for k in range(1, 24)]))
    found = reorientation_rate(trajectory, molecule="B12H12", order=1)
    # trace: a jump about one of 6 five-fold axes keeps 1/3 (1 + 2 <cos>) = 1/3 (1 - 1/2) of the vector representation
    exact = -1e12 * np.log(1 - probability * (1 - (1 + 2 * -0.25) / 3))
    assert found.rate.value == pytest.approx(exact, abs=3 * np.sqrt(found.rate.variance))
    assert found.amplitude == pytest.approx(decay_per_step(1, 0.12**2) ** 2, abs=0.02)


def test_paper_definition_first_zero_is_where_the_correlation_vanishes(tmp_path):
    """Vectors that turn at one speed: C1 = cos w t, zero at a quarter of the period."""
    frames, period = 400, 40
    turn = Rotation.from_rotvec([[0, 0, 2 * np.pi * k / period] for k in range(frames)]).as_matrix()
    shape = np.array([[0, 0, 0], [1.0, 0, 0]])
    trajectory = molecules_of(tmp_path, shape, "OH", np.broadcast_to(turn[:, None], (frames, 12, 3, 3)))
    found = reorientation_rate(trajectory, bond=("O", "H"))
    assert found.first_zero.value == pytest.approx(period / 4, abs=1e-9)
    assert found.one_over_e.value == pytest.approx(period * np.arccos(np.exp(-1)) / 2 / np.pi, abs=0.05)


def test_a_molecule_that_librates_has_no_rate_but_an_upper_bound(tmp_path):
    rng = np.random.default_rng(6)
    libration = Rotation.from_rotvec(0.1 * rng.standard_normal((500 * 32, 3))).as_matrix().reshape(500, 32, 3, 3)
    found = reorientation_rate(molecules_of(tmp_path, AMMONIUM, "NH4", libration), bond=("N", "H"))
    assert np.isnan(found.one_over_e.value)
    assert abs(found.rate.value) < 3 * np.sqrt(found.rate.variance)
    assert 3e12 / (32 * 500) < found.upper_bound.value < 1e10
    assert "run longer" in found.warnings[0]


def test_rotating_icosahedra_are_counted_and_librating_ones_are_not(tmp_path):
    """Half of them jump by 72 deg once; all librate by 0.15 rad and their vertices shake by 0.1 angstrom."""
    rng = np.random.default_rng(7)
    frames, molecules = 200, 32
    libration = Rotation.from_rotvec(0.15 * rng.standard_normal((frames * molecules, 3))).as_matrix()
    orientations = libration.reshape(frames, molecules, 3, 3)
    orientations[100:, ::2] = orientations[100:, ::2] @ about(ICOSAHEDRON[:1], 72)[0]
    noise = 0.1 * rng.standard_normal((frames, molecules, 24, 3))
    trajectory = molecules_of(
        tmp_path, BORANE, "B12H12", orientations, bonds=np.array([[0, k] for k in range(1, 24)]), noise=noise
    )
    found = rotating_molecules(trajectory, "B12H12")
    assert (found.rotating, found.total) == (16, 32)
    assert np.all(found.largest_angle.values[1::2] < 60)
    assert np.all(found.largest_angle.values[::2] > 72)
    assert rotating_molecules(trajectory, "B12H12", angle="170 deg").rotating == 0
    assert repr(found) == "<RotatingMolecules: 16 of 32 beyond 60 deg>"


@given(st.floats(0, 180), st.integers(0, 1000))
def test_angle_of_a_rotation_is_found_exactly(angle, seed):
    rng = np.random.default_rng(seed)
    axis = rng.standard_normal(3)
    turn = about([axis / np.linalg.norm(axis)], angle)[0]
    for shape in (BORANE, 1.02 * TETRAHEDRON, np.array([[0, 0, 0], [1, 0, 0], [0, 1.3, 0.0]])):
        shape = shape - shape.mean(axis=0)
        assert np.rad2deg(rotation_angles(shape[None], (shape @ turn.T)[None])[0]) == pytest.approx(angle, abs=1e-4)


def test_a_linear_ion_turns_by_the_angle_of_its_axis(tmp_path):
    """Turning about its own axis is nothing."""
    shape = np.array([[-1.6, 0, 0], [0, 0, 0], [1.15, 0.0, 0]])
    spin = Rotation.from_rotvec([[0.3 * k, 0, 0] for k in range(20)]).as_matrix()
    flip = Rotation.from_rotvec([[0, np.deg2rad(5 * k), 0] for k in range(20)]).as_matrix()
    orientations = np.stack([spin, flip], axis=1)
    trajectory = molecules_of(tmp_path, shape, "SCN", orientations, bonds=np.array([[0, 1], [1, 2]]))
    np.testing.assert_allclose(rotating_molecules(trajectory, "SCN").largest_angle.values, [0, 95], atol=1e-4)


def test_what_cannot_be_followed_is_refused(tmp_path):
    rng = np.random.default_rng(8)
    trajectory = molecules_of(tmp_path, AMMONIUM, "NH4", diffusing(40, 12, 0.05, rng))
    with pytest.raises(InputError, match="no bonds N-C"):
        orientation_correlation(trajectory, bond=("N", "C"))
    with pytest.raises(InputError, match="either bond"):
        orientation_correlation(trajectory)
    with pytest.raises(InputError, match="no molecule 'SCN'"):
        rotating_molecules(trajectory, "SCN")
    with pytest.raises(InputError, match="order"):
        orientation_correlation(trajectory, bond=("N", "H"), order=3)
    fast = molecules_of(tmp_path, AMMONIUM, "NH4", diffusing(100, 12, 50.0, rng))
    with pytest.raises(ComputationError, match="keep frames more often"):
        reorientation_rate(fast, bond=("N", "H"))
