"""Densities that are known: Boltzmann's in a periodic potential, spheres, sites in skewed cells that breathe."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import stored

from caloris.atoms.density.grid import density_map
from caloris.atoms.density.landscape import density_maxima, migration_path, percolation
from caloris.errors import ComputationError, InputError

KT = 8.617333262e-5 * 400
CELL = np.array([[8.0, 0, 0], [2.0, 7.0, 0], [-1.0, 1.5, 9.0]])
BARRIERS = np.array([2.5, 3.0, 3.5])
"""Of the potential along a, b, c, in kT."""


def sampled(frames, atoms, rng, *, repeat=(1, 1, 1)):
    """Fractional places in V = sum_k B_k / 2 (1 - cos 4 pi f_k) kT: two wells along each vector; exact draws.

    The density is a product of exp(B cos(4 pi f) / 2), von Mises distributions of the angle 4 pi f.
    """
    angle = np.stack([rng.vonmises(0.0, barrier / 2, (frames, atoms)) for barrier in BARRIERS], axis=-1)
    well = rng.integers(0, 2, (frames, atoms, 3))
    cells = np.stack([rng.integers(0, n, (frames, atoms)) for n in repeat], axis=-1)
    return (angle / (4 * math.pi) + well / 2 + cells) / np.array(repeat)


def crystal(folder, fractional, cell, *, breathe=0.0, drift=0.0):
    """Atoms at fractional places beside a heavy frame that drifts with the crystal."""
    frames, atoms, _ = fractional.shape
    every = np.concatenate([fractional, np.full((frames, 1, 3), 0.5)], axis=1)
    cells = cell * (1 + breathe * np.sin(np.arange(frames))[:, None, None])
    x = every @ cells + drift * np.arange(frames)[:, None, None]
    return stored(folder, x, ["Li"] * atoms + ["U"], cell=cells, masses=[7.0] * atoms + [1e12])


@pytest.fixture(scope="module")
def boltzmann(tmp_path_factory):
    rng = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("boltzmann")
    return crystal(folder, sampled(4000, 250, rng), CELL, breathe=0.02, drift=0.01)


def test_density_is_counted_exactly_though_the_cell_breathes_drifts_and_is_folded(tmp_path):
    """Atoms at rest in a skewed 2 x 1 x 3 supercell: each in its voxel, by its share."""
    rng = np.random.default_rng(2)
    places = (rng.integers(0, 10, (12, 3)) + rng.uniform(0.3, 0.7, (12, 3))) / 10
    cells = np.stack(np.meshgrid(range(2), range(1), range(3), indexing="ij"), axis=-1).reshape(-1, 1, 3)
    fractional = (places + cells).reshape(-1, 3) / [2, 1, 3] - 3.0  # far away from the first cell
    supercell = CELL * np.array([[2], [1], [3]])
    run = crystal(tmp_path, np.broadcast_to(fractional, (20, 72, 3)), supercell, breathe=0.03, drift=0.2)
    found = density_map(run, "Li", sc.scalar(0.0937, unit="nm"), repeat=(2, 1, 3))
    assert found.density.shape == (9, 8, 10)
    voxel = found.volume / found.density.size
    expected = np.zeros(found.density.shape)
    np.add.at(expected, tuple(np.floor(places * expected.shape).astype(int).T), 1 / voxel)
    np.testing.assert_allclose(found.density.values, expected, rtol=1e-6)
    assert found.atoms == 12
    assert found.mean == pytest.approx(12 / found.volume)
    assert np.all(found.density.variances < 1e-10)


def test_density_of_boltzmann_has_honest_errors(boltzmann):
    found = density_map(boltzmann, "Li", "0.5 angstrom")
    exact = exact_map(found).density.values
    z = (found.density.values - exact) / np.sqrt(np.maximum(found.density.variances, 1e-30))
    assert 0.6 < np.mean(np.abs(z) < 1) < 0.72  # 10 stretches: 65.7 % by Student
    assert found.warnings == ()


def exact_map(found):
    """The density of the potential itself on the same grid, averaged over voxels."""
    factors = []
    for barrier, n in zip(BARRIERS, found.density.shape, strict=True):
        f = (np.arange(n * 8) + 0.5) / (n * 8)
        factors.append(np.exp(barrier / 2 * np.cos(4 * np.pi * f)).reshape(-1, 8).mean(axis=1) / np.i0(barrier / 2))
    values = found.mean * np.einsum("i,j,k->ijk", *factors)
    density = found.density.copy()
    density.values, density.variances = values, 1e-12 * values
    return replace(found, density=density, blocks=np.broadcast_to(values, (4, *values.shape)), frames=np.ones(4))


ENDS = (([0.5, 0, 0], 2.5), ([0, 0.5, 0], 3.0), ([0, 0, 0.5], 3.5), ([0.5, 0.5, 0], 3.0))
"""From the well at the origin, and the barrier of the potential in kT."""


def test_barriers_and_crossings_of_a_known_potential_are_exact_on_a_fine_grid(boltzmann):
    """From well to well along a, b, c it is 2.5, 3.0, 3.5 kT, and at these the crystal conducts along them."""
    fine = exact_map(density_map(boltzmann, "Li", "0.2 angstrom"))
    levels = percolation(fine, "400 K").threshold
    np.testing.assert_allclose(levels.values / KT, BARRIERS, rtol=0.02)
    for end, barrier in ENDS:
        path = migration_path(fine, [0, 0, 0], end, temperature="400 K")
        assert path.barrier.value == pytest.approx(barrier * KT, rel=0.02)
        assert path.reverse_barrier.value == pytest.approx(barrier * KT, rel=0.02)
        assert path.barrier.value <= path.energy.values.max() <= path.barrier.value + 0.1 * KT
        # two wells in a row are the length of two edges, the others straight
        length = sum(np.linalg.norm(CELL[k]) * end[k] for k in range(3))
        assert path.length.value == pytest.approx(length, rel=0.1)


def test_barriers_of_a_sampled_density_are_within_their_errors(boltzmann):
    found = density_map(boltzmann, "Li", "0.45 angstrom")
    truth = exact_map(found)
    levels, exact = percolation(found, "400 K").threshold, percolation(truth, "400 K").threshold
    z = [(levels.values - exact.values) / np.sqrt(levels.variances)]
    assert np.sqrt(levels.variances).max() < 0.25 * KT
    for end, barrier in ENDS:
        path = migration_path(found, [0, 0, 0], end, temperature="400 K")
        known = migration_path(truth, [0, 0, 0], end, temperature="400 K")
        z.append([(path.barrier.value - known.barrier.value) / np.sqrt(path.barrier.variance)])
        assert known.barrier.value == pytest.approx(barrier * KT, rel=0.1)
        assert [line for line in path.warnings if "Voxels are so wide" not in line] == []
    assert np.abs(np.concatenate(z)).max() < 3


def test_barrier_error_covers_its_scatter(tmp_path):
    """The same potential drawn anew: the jackknife's error is that from draw to draw."""
    rng = np.random.default_rng(3)
    values, errors = [], []
    for k in range(14):
        folder = tmp_path / str(k)
        folder.mkdir()
        run = crystal(folder, sampled(600, 100, rng), CELL)
        path = migration_path(density_map(run, "Li", "0.8 angstrom"), [0, 0, 0], [0.5, 0, 0], temperature="400 K")
        values.append(path.barrier.value)
        errors.append(path.barrier.variance)
    assert 0.6 < math.sqrt(np.median(errors)) / np.std(values, ddof=1) < 1.8


def test_path_through_the_wall_of_the_cell_is_the_short_one(tmp_path):
    """Two wells at 0.1 and 0.9 with a corridor only through the periodic wall."""
    rng = np.random.default_rng(4)
    x = 0.9 + 0.2 * rng.random((400, 200))
    yz = 0.5 + 0.04 * rng.standard_normal((2, 400, 200))
    x[:, :150] = np.where(rng.random((400, 150)) < 0.5, 0.1, 0.9) + 0.01 * rng.standard_normal((400, 150))
    run = crystal(tmp_path, np.stack([x, *yz], axis=-1), 10 * np.eye(3))
    found = density_map(run, "Li", "0.4 angstrom")
    path = migration_path(found, [0.1, 0.5, 0.5], [0.9, 0.5, 0.5], temperature="300 K")
    assert path.length.value == pytest.approx(2.0, abs=0.6)
    assert path.points.values[-1][0] < path.points.values[0][0]
    levels = percolation(found, "300 K")
    assert np.all(np.isinf(levels.threshold.values))
    assert "No way along a, b, c" in levels.warnings[0]
    maxima = density_maxima(found.smoothed("0.5 angstrom"), separation="1.5 angstrom", least=5)
    assert sorted(np.round(maxima.coords["fractional"].values[:, 0], 1).tolist()) == [0.1, 0.9]


def test_a_winding_along_a_diagonal_crosses_both_vectors(tmp_path):
    rng = np.random.default_rng(5)
    s = rng.random((300, 300))
    places = np.stack([s, s, np.full_like(s, 0.5)], axis=-1) + 0.005 * rng.standard_normal((300, 300, 3))
    levels = percolation(density_map(crystal(tmp_path, places, 6 * np.eye(3)), "Li", "0.4 angstrom"), "300 K")
    assert np.all(np.isfinite(levels.threshold.values[:2]))
    assert np.isinf(levels.threshold.values[2])


def test_ways_that_were_never_seen_are_said_to_be_so(tmp_path):
    still = np.broadcast_to(np.array([[0.2, 0.2, 0.2], [0.7, 0.7, 0.7]]), (40, 2, 3))
    found = density_map(crystal(tmp_path, still, 10 * np.eye(3)), "Li", "0.5 angstrom")
    with pytest.raises(ComputationError, match="no way"):
        migration_path(found, [0.2, 0.2, 0.2], [0.7, 0.7, 0.7], temperature="300 K")
    with pytest.raises(InputError, match="same site"):
        migration_path(found, [0.2, 0.2, 0.2], [0.2, 0.2, 0.21], temperature="300 K")
    with pytest.raises(InputError, match="was ever within"):
        migration_path(found, [0.2, 0.2, 0.2], [0.45, 0.2, 0.2], temperature="300 K")
    with pytest.raises(InputError, match="temperature"):
        percolation(found)


def test_free_energy_is_minus_kt_log_of_the_density(boltzmann):
    found = density_map(boltzmann, "Li", "0.8 angstrom")
    F = found.free_energy("400 K")
    rho = found.density.values
    np.testing.assert_allclose(F.values, -KT * np.log(rho / rho.max()), atol=1e-12)
    np.testing.assert_allclose(F.variances, KT**2 * found.density.variances / rho**2)


def test_smoothing_is_that_of_a_gaussian_in_any_cell(tmp_path):
    """One atom at rest: the map becomes a Gaussian with that width, also in a skewed cell, and keeps its number."""
    still = np.full((16, 1, 3), (np.array([16, 14, 18]) // 2 + 0.5) / np.array([16, 14, 18]))
    run = crystal(tmp_path, still, CELL)
    found = density_map(run, "Li", "0.52 angstrom")
    smooth = found.smoothed("0.8 angstrom")
    assert smooth.density.values.sum() == pytest.approx(found.density.values.sum(), rel=1e-3)
    centres = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n for n in found.density.shape], indexing="ij"), axis=-1)
    away = (centres - centres[found.density.values > 0][0]) @ CELL
    weight = smooth.density.values / smooth.density.values.sum()
    near = np.linalg.norm(away, axis=-1) < 3.2
    spread = np.einsum("xyz,xyzi,xyzj->ij", weight * near, away, away)
    np.testing.assert_allclose(spread, 0.8**2 * np.eye(3), atol=0.06)


def test_frozen_disorder_that_still_changes_is_noticed(tmp_path):
    """Atoms that change sites once in half of the run: stretches of time are no independent samples."""
    rng = np.random.default_rng(6)
    places = rng.random((2, 200, 3))
    walk = np.repeat(places, 50, axis=0)
    found = density_map(crystal(tmp_path, walk, 8 * np.eye(3)), "Li", "1 angstrom")
    assert "still changes" in found.warnings[0]


def test_barriers_of_few_counts_are_not_too_low(tmp_path):
    """Several counts in a voxel: the lowest of many noisy saddles is too low, that of another half not."""
    rng = np.random.default_rng(9)
    rows = []
    for number in range(16):
        (tmp_path / str(number)).mkdir()
        run = crystal(tmp_path / str(number), sampled(1000, 20, rng), np.diag([8.0, 8.0, 8.0]))
        found = density_map(run, "Li", "0.5 angstrom")
        path, exact = (
            migration_path(one.smoothed("0.3 angstrom"), [0.01] * 3, [0.01, 0.01, 0.51], temperature="400 K")
            for one in (found, exact_map(found))
        )
        truth = exact.barrier
        rows.append([path.barrier.value - truth.value, path.lowest.value - truth.value, path.barrier.variance**0.5])
    barrier, lowest, error = np.array(rows).mean(axis=0) / KT
    assert lowest < -0.1
    assert abs(barrier) < 0.6 * abs(lowest)
    assert np.mean(np.abs(np.array(rows)[:, 0]) < np.array(rows)[:, 2]) > 0.5
    assert error < 0.25


def test_saddles_of_few_counts_and_wide_voxels_are_said(tmp_path):
    rng = np.random.default_rng(10)
    run = crystal(tmp_path, sampled(200, 20, rng), np.diag([8.0, 8.0, 8.0]))
    path = migration_path(density_map(run, "Li", "1 angstrom"), [0.01] * 3, [0.01, 0.01, 0.51], temperature="400 K")
    assert any("independent counts" in line for line in path.warnings)
    run = crystal(tmp_path, sampled(4000, 100, rng), np.diag([8.0, 8.0, 8.0]))
    path = migration_path(density_map(run, "Li", "1 angstrom"), [0.01] * 3, [0.01, 0.01, 0.51], temperature="400 K")
    assert any("Voxels are so wide" in line for line in path.warnings)
    assert path.barrier.value < BARRIERS[2] * KT
