"""Free diffusion, an ideal gas, a harmonic crystal and lattice jumps: where atoms are is known."""

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import cells, stored
from scipy.special import erf

from caloris.atoms.transport.van_hove import distinct_van_hove, non_gaussian_parameter, self_van_hove
from caloris.errors import InputError

D = 0.05
"""angstrom^2/ps."""
SHEARED = np.array([[12.0, 0, 0], [4, 11, 0], [-3, 4, 10]])


def ps(*values):
    return sc.array(dims=["time"], values=[float(v) for v in values], unit="ps")


def beside_a_frame(folder, positions, **how):
    frames, atoms, _ = positions.shape
    everything = np.concatenate([positions, np.zeros((frames, 1, 3))], axis=1)
    return stored(folder, everything, ["Li"] * atoms + ["U"], masses=[7.0] * atoms + [1e12], **how)


def walks(atoms, frames, rng):
    return np.cumsum(np.sqrt(2 * D) * rng.standard_normal((frames, atoms, 3)), axis=0)


def gaussian_share(edges, variance):
    """Share of each shell for a Gaussian of that variance of each component."""
    x = edges / np.sqrt(variance)
    return np.diff(erf(x / np.sqrt(2)) - np.sqrt(2 / np.pi) * x * np.exp(-(x**2) / 2))


def shells(function):
    return 4 / 3 * np.pi * np.diff(function.coords["r"].values ** 3)


@pytest.mark.parametrize(("atoms", "frames"), [(200, 200), (2, 3000)])
def test_self_part_of_free_diffusion_is_gaussian(tmp_path, atoms, frames):
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(4 if atoms > 16 else 12):
        trajectory = beside_a_frame(tmp_path, walks(atoms, frames, rng))
        found = self_van_hove(trajectory, "Li", times=ps(5, 20, 60), bin_width="0.2 angstrom")
        assert found.unit == sc.Unit("1/angstrom^3")
        for k, t in enumerate((5, 20, 60)):
            share = found.values[k] * shells(found)
            exact = gaussian_share(found.coords["r"].values, 2 * D * t)
            beyond = found.coords["outside"].values[k]
            assert share.sum() + beyond == pytest.approx(1, abs=1e-12)
            visited = exact > 0.01
            pull = (share - exact)[visited] / (np.sqrt(found.variances[k]) * shells(found))[visited]
            inside.append(np.mean(np.abs(pull) < 1))
            assert np.abs(pull).max() < 5
    assert 0.55 < np.mean(inside) < 0.8


def test_non_gaussian_parameter_is_0_for_a_walk_and_known_for_jumps(tmp_path):
    """Jumps of length l at rate nu in one of six directions: <r^2> = n l^2, <r^4> = n l^4 + 5/3 n^2 l^4 with n = nu t,
    so that alpha2 = 3 / (5 nu t)."""
    rng = np.random.default_rng(3)
    trajectory = beside_a_frame(tmp_path, walks(200, 400, rng))
    found = non_gaussian_parameter(trajectory, "Li")
    assert np.abs(found.values / np.sqrt(found.variances)).max() < 4
    assert np.sqrt(found.variances).max() < 0.1
    rate, length, atoms, frames = 0.05, 3.0, 300, 600
    count = rng.poisson(rate, (frames, atoms))
    steps = np.zeros((frames, atoms, 3))
    for _ in range(count.max()):
        axis, sign = rng.integers(0, 3, count.shape), rng.choice([-1, 1], count.shape)
        np.add.at(steps, (*np.nonzero(count > 0), axis[count > 0]), length * sign[count > 0])
        count -= count > 0
    found = non_gaussian_parameter(beside_a_frame(tmp_path, np.cumsum(steps, axis=0)), "Li", times=ps(1, 5, 20, 60))
    exact = 0.6 / (rate * found.coords["time"].values)
    assert np.abs((found.values - exact) / np.sqrt(found.variances)).max() < 3.5
    assert np.all(np.sqrt(found.variances) < 0.05 * exact + 0.05)


def test_kernel_counts_every_origin_as_a_direct_sum_does(tmp_path):
    rng = np.random.default_rng(4)
    positions = walks(7, 60, rng)
    trajectory = beside_a_frame(tmp_path, positions)
    found = self_van_hove(trajectory, "Li", times=ps(3), bin_width="0.1 angstrom", longest_distance="2 angstrom")
    parts = np.split(positions[:60], 3)  # seven atoms are split in three, so that there are 16 samples
    lengths = np.concatenate([np.linalg.norm(p[3:] - p[:-3], axis=-1).ravel() for p in parts])
    share = np.histogram(lengths, found.coords["r"].values)[0] / len(lengths)
    np.testing.assert_allclose(found.values[0] * shells(found), share, atol=1e-3)
    moments = non_gaussian_parameter(trajectory, "Li", times=ps(3)).values
    assert moments[0] == pytest.approx(0.6 * np.mean(lengths**4) / np.mean(lengths**2) ** 2 - 1, abs=1e-4)


def test_distinct_part_of_an_ideal_gas_is_its_density(tmp_path):
    """In a sheared cell, for moving atoms at any time: (N - 1) / V at every distance, up to half the smallest width."""
    rng = np.random.default_rng(5)
    atoms, frames, inside, values = 60, 60, [], []
    for _ in range(40):
        start = rng.uniform(0, 1, (atoms, 3)) @ SHEARED
        trajectory = beside_a_frame(
            tmp_path, start + walks(atoms, frames, rng), cell=np.broadcast_to(SHEARED, (frames, 3, 3))
        )
        found = distinct_van_hove(trajectory, ("Li", "Li"), times=ps(0, 10), bin_width="0.5 angstrom", origins=40)
        ratio = found.values[:, 3:] / ((atoms - 1) / np.linalg.det(SHEARED))
        values.append(ratio)
        error = np.sqrt(found.variances[:, 3:]) / ((atoms - 1) / np.linalg.det(SHEARED))
        inside.append(np.abs(ratio - 1) < error)
    half = 0.5 * 1 / np.linalg.norm(np.linalg.inv(SHEARED), axis=0).max()
    assert found.coords["r"].values[-1] == pytest.approx(0.5 * (half // 0.5))
    spread = np.std(values, axis=0) / np.sqrt(40)
    assert np.abs((np.mean(values, axis=0) - 1) / spread).max() < 4
    assert 0.58 < np.mean(inside) < 0.85


def test_distinct_part_of_a_harmonic_crystal_has_its_shells(tmp_path):
    """Atoms on a cubic lattice that shake by white noise: around each shell of n neighbours a Gaussian of variance
    2 u^2 along the line, whatever the time; as many atoms in the bins as neighbours."""
    rng = np.random.default_rng(6)
    grid = 3.0 * np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    u2 = 0.01
    positions = grid + np.sqrt(u2) * rng.standard_normal((100, len(grid), 3))
    trajectory = stored(tmp_path, positions, f"Li{len(grid)}", cell=15.0)
    found = distinct_van_hove(trajectory, ("Li", "Li"), times=ps(0, 7), bin_width="0.05 angstrom", origins=50)
    edges = found.coords["r"].values
    number = found.values * shells(found)
    middle = 0.5 * (edges[1:] + edges[:-1])
    for distance, neighbours in ((3.0, 6), (3 * np.sqrt(2), 12)):
        near = np.abs(middle - distance) < 0.45
        assert number[:, near].sum(axis=1) == pytest.approx(neighbours, rel=2e-3)
        mean = (number * middle)[:, near].sum(axis=1) / number[:, near].sum(axis=1)
        assert mean == pytest.approx(distance + 2 * u2 / distance, abs=3e-3)  # two transverse displacements lengthen it
        variance = (number * middle**2)[:, near].sum(axis=1) / number[:, near].sum(axis=1) - mean**2
        assert variance == pytest.approx(2 * u2, rel=0.03)
    assert number[:, middle < 2.2].sum() == 0


def test_pairs_of_two_species_in_few_large_boxes_are_a_direct_sum(tmp_path):
    rng = np.random.default_rng(7)
    cell = 3 * SHEARED
    frames = np.broadcast_to(cell, (20, 3, 3))
    positions = rng.uniform(-1, 2, (1, 90, 3)) @ cell + walks(90, 20, rng)
    trajectory = stored(tmp_path, positions, ["Li"] * 40 + ["Cl"] * 49 + ["U"], masses=[1.0] * 89 + [1e12], cell=frames)
    stays = positions - (positions[:, -1:] - positions[:1, -1:])  # the heavy one is the centre of mass
    found = distinct_van_hove(
        trajectory, ("Li", "Cl"), times=ps(2), bin_width="0.5 angstrom", longest_distance="6 angstrom", origins=18
    )
    images = np.stack(np.meshgrid(*[np.arange(-5, 6)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) @ cell
    counted = np.zeros(12)
    for k in range(18):
        for i in range(40):
            away = stays[k + 2, 40:89] - stays[k, i]
            away = (away[:, None] + images).reshape(-1, 3)
            counted += np.histogram(np.linalg.norm(away, axis=1), found.coords["r"].values)[0]
    np.testing.assert_allclose(found.values[0] * shells(found) * 18 * 40, counted, atol=2)  # float32 at an edge


def test_neither_drift_nor_a_breathing_cell_moves_atoms(tmp_path):
    frames, atoms = 100, 30
    rng = np.random.default_rng(1)
    sites = rng.uniform(0, 20, (atoms, 3))
    breath = 1 + 0.03 * np.sin(0.1 * np.arange(frames))[:, None, None]
    drift = 0.05 * np.arange(frames)[:, None, None] * np.array([1.0, -2.0, 0.5])
    trajectory = stored(tmp_path, sites * breath + drift, f"Li{atoms}", cell=cells(20.0, frames) * breath)
    found = self_van_hove(trajectory, "Li", bin_width="0.01 angstrom")
    assert (found.values * shells(found))[:, 0] == pytest.approx(1)
    pairs = distinct_van_hove(trajectory, ("Li", "Li"), times=ps(0, 30), bin_width="0.1 angstrom")
    np.testing.assert_allclose(pairs.values[0], pairs.values[1], atol=1e-9)
    assert np.isnan(non_gaussian_parameter(stored(tmp_path, np.ones((50, 2, 3)), "Li2"), "Li").values).all()


def test_times_and_distances_out_of_reach_are_refused(tmp_path):
    trajectory = beside_a_frame(tmp_path, walks(20, 50, np.random.default_rng(0)))
    for times in (ps(60), ps(-1, 2), ps(1, 1.2)):
        with pytest.raises(InputError, match="times"):
            self_van_hove(trajectory, "Li", times=times)
    with pytest.raises(InputError, match="scipp array"):
        self_van_hove(trajectory, "Li", times="5 ps")
    with pytest.raises(InputError, match="half of the smallest width"):
        distinct_van_hove(trajectory, ("Li", "Li"), longest_distance="26 angstrom")
    with pytest.raises(InputError, match="origins"):
        distinct_van_hove(trajectory, ("Li", "Li"), origins=0)
    with pytest.raises(InputError, match="too few"):
        self_van_hove(beside_a_frame(tmp_path, np.zeros((5, 3, 3))), "Li")


@pytest.mark.parametrize("origins", [2.5, 0, "10"])
def test_origins_are_a_whole_number(tmp_path, origins):
    trajectory = beside_a_frame(tmp_path, walks(4, 20, np.random.default_rng(1)))
    with pytest.raises(InputError, match="origins: expected a whole number"):
        distinct_van_hove(trajectory, ("Li", "Li"), origins=origins)
