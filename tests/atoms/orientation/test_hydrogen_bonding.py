"""Hydrogen bonds of known geometry, of known making and breaking, and by brute force in skewed cells that breathe."""

import numpy as np
import pytest
from exact_trajectories import stored

from caloris.atoms.orientation.gaussians import fit_gaussian
from caloris.atoms.orientation.hydrogen_bonding import hydrogen_bonds
from caloris.errors import InputError

PHI = np.deg2rad(110.0)
OFF = np.array([-0.6, 0.8, 0.0])


def donors_beside_acceptors(folder, bonded, rng, *, phi=PHI, spread=0.0, time_step=1.0):
    """O-H beside N-C: H points to N where bonded, else away; the angle C-N...H is phi."""
    frames, count = bonded.shape
    sites = 9.0 * np.stack(np.unravel_index(np.arange(count), (5, 5, 5)), axis=-1).astype(float)
    oxygen = np.broadcast_to(sites, (frames, count, 3))
    hydrogen = oxygen + np.where(bonded[..., None], np.array([1.0, 0, 0]), OFF)
    nitrogen = oxygen + np.array([2.9, 0, 0])
    angle = phi + spread * rng.standard_normal((frames, count))
    carbon = nitrogen + 1.2 * np.stack([-np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=-1)
    positions = np.stack([oxygen, hydrogen, nitrogen, carbon], axis=2).reshape(frames, -1, 3)
    bonds = np.concatenate([np.array([[0, 1], [2, 3]]) + 4 * m for m in range(count)])
    return stored(folder, positions, ["O", "H", "N", "C"] * count, bonds=bonds, cell=45.0, time_step=time_step)


def bonds_of(trajectory, **how):
    return hydrogen_bonds(trajectory, **({"donor": "O", "acceptors": {"N": "2.5 angstrom"}} | how))


def two_state(frames, count, make, breaks, rng):
    state = np.empty((frames, count), bool)
    state[0] = rng.random(count) < make / (make + breaks)
    for k in range(1, frames):
        draw = rng.random(count)
        state[k] = np.where(state[k - 1], draw >= breaks, draw < make)
    return state


def test_geometry_of_a_bond_is_found_exactly(tmp_path):
    bonded = np.ones((20, 8), bool)
    found = bonds_of(donors_beside_acceptors(tmp_path, bonded, np.random.default_rng(1), phi=np.deg2rad(111)))
    part = found.by_acceptor["N"]
    assert part.per_molecule.value == 1
    assert part.length.value == pytest.approx(1.9, abs=1e-9)
    assert part.donor_angle.value == pytest.approx(180, abs=1e-5)
    assert part.acceptor_angle.values.argmax() == 111 // 2
    assert part.acceptor_angle.values.sum() * 2 == pytest.approx(1)
    assert found.criteria == "H...N < 2.5 angstrom, O-H...A > 130 deg"


def test_gaussian_angles_are_recovered_per_degree(tmp_path):
    rng = np.random.default_rng(2)
    trajectory = donors_beside_acceptors(tmp_path, np.ones((400, 48), bool), rng, spread=np.deg2rad(9))
    part = bonds_of(trajectory).by_acceptor["N"]
    assert part.peak.centre.value == pytest.approx(110, abs=3 * np.sqrt(part.peak.centre.variance))
    assert 0.02 < np.sqrt(part.peak.centre.variance) < 0.15
    assert part.peak.sigma.value == pytest.approx(9, abs=0.3)
    assert part.peak.warnings == ()
    # 1 / sin(phi) pushes the peak away from 90 deg, by sigma^2 cot(110 deg)
    shift = -np.rad2deg(np.deg2rad(9) ** 2 / np.tan(np.deg2rad(110)))
    assert part.peak_per_solid_angle.centre.value - part.peak.centre.value == pytest.approx(shift, abs=0.3)


def test_making_and_breaking_give_exact_lifetimes(tmp_path):
    """S = (1 - b)^m; C = p + (1 - p) (1 - b - a)^m, p = a / (a + b)."""
    rng = np.random.default_rng(3)
    make, breaks = 0.05, 0.1
    trajectory = donors_beside_acceptors(tmp_path, two_state(1500, 100, make, breaks, rng), rng, time_step=0.1)
    part = bonds_of(trajectory).by_acceptor["N"]
    lags = np.arange(1, 40)
    p = make / (make + breaks)
    assert part.per_molecule.value == pytest.approx(p, abs=3 * np.sqrt(part.per_molecule.variance))
    for lifetime, exact in (
        (part.continuous, (1 - breaks) ** lags),
        (part.intermittent, p + (1 - p) * (1 - make - breaks) ** lags),
    ):
        z = (lifetime.correlation.values[1:40] - exact) / np.sqrt(lifetime.correlation.variances[1:40])
        assert np.abs(z).max() < 4
        assert np.sqrt(lifetime.correlation.variances[1:40]).max() < 0.02
    tau = -0.1 / np.log(1 - breaks)
    assert part.continuous.one_over_e.value == pytest.approx(tau, abs=3 * np.sqrt(part.continuous.one_over_e.variance))
    assert part.continuous.integral.value == pytest.approx(tau, rel=0.08)
    fit = part.intermittent.exponentials
    assert fit.constant.value == pytest.approx(p, abs=3 * np.sqrt(fit.constant.variance))


def test_numbers_have_honest_errors(tmp_path):
    rng = np.random.default_rng(4)
    pulls = []
    for k in range(50):
        folder = tmp_path / str(k)
        folder.mkdir()
        number = bonds_of(donors_beside_acceptors(folder, two_state(240, 10, 0.1, 0.1, rng), rng)).per_molecule
        pulls.append((number.value - 0.5) / np.sqrt(number.variance))
    assert 0.5 < np.mean(np.abs(pulls) < 1) < 0.86  # 68 %, two and a half sigma of 50 draws


def test_bonds_are_those_of_brute_force_in_a_skewed_cell_that_breathes(tmp_path):
    rng = np.random.default_rng(5)
    frames, count = 16, 60
    base = np.array([[12.0, 0, 0], [5.0, 11, 0], [-4.0, 3, 13]])
    cell = base * (1 + 0.05 * rng.standard_normal((frames, 1, 1)))
    oxygen = (rng.random((count, 3)) @ base)[None] + 0.3 * rng.standard_normal((frames, count, 3))
    way = rng.standard_normal((frames, count, 3))
    hydrogen = oxygen + way / np.linalg.norm(way, axis=-1, keepdims=True)
    nitrogen = (rng.random((count, 3)) @ base)[None] + np.zeros((frames, 1, 1))
    positions = np.concatenate([np.stack([oxygen, hydrogen], axis=2).reshape(frames, -1, 3), nitrogen], axis=1)
    pairs = np.array([[2 * m, 2 * m + 1] for m in range(count)])
    trajectory = stored(tmp_path, positions, ["O", "H"] * count + ["N"] * count, bonds=pairs, cell=cell)
    found = bonds_of(trajectory, acceptors={"N": "3.5 angstrom"}, angle="120 deg").per_molecule.value
    images = np.stack(np.meshgrid(*[[-2, -1, 0, 1, 2]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    number = 0
    for t in range(frames):
        away = nitrogen[t][None] - hydrogen[t][:, None]
        every = away[:, :, None] + images @ cell[t]
        length = np.linalg.norm(every, axis=-1)
        back = oxygen[t] - hydrogen[t]
        cosine = np.einsum("haki,hi->hak", every, back) / length
        number += int(np.sum((length < 3.5) & (cosine <= np.cos(np.deg2rad(120)))))
    assert number > 200
    assert found * frames * count == pytest.approx(number)


def test_bonds_within_a_molecule_and_thin_cells_are_refused(tmp_path):
    one = np.array([[0, 0, 0], [1.0, 0, 0], [2.9, 0, 0]])
    positions = np.zeros((20, 6, 3)) + np.concatenate([one, one + np.array([0, 2.2, 0])])
    bonds = np.array([[0, 1], [0, 2], [3, 4], [3, 5]])
    trajectory = stored(tmp_path, positions, ["O", "H", "N"] * 2, bonds=bonds, cell=4.3)
    with pytest.raises(InputError, match="thin"):
        bonds_of(trajectory)
    assert bonds_of(trajectory, acceptors={"N": "1.95 angstrom"}).per_molecule.value == 0
    with pytest.raises(InputError, match="no bonds O-D"):
        bonds_of(trajectory, hydrogen="D")
    with pytest.raises(InputError, match="no S"):
        bonds_of(trajectory, acceptors={"S": "3 angstrom"})


def test_without_bonds_there_is_no_lifetime_and_no_word_of_bonds_that_last(tmp_path):
    trajectory = donors_beside_acceptors(tmp_path, np.zeros((40, 6), bool), np.random.default_rng(9))
    assert bonds_of(trajectory).warnings == ("N: There are no bonds.",)


def test_a_skewed_peak_is_no_gaussian_and_noise_is_no_skew():
    x = np.arange(1.0, 180.0, 2.0)
    rng = np.random.default_rng(10)

    def peak(shape):
        draws = 110 + 9 * (rng.standard_normal((24, 4000)) if shape is None else rng.gamma(shape, 1.0, (24, 4000)))
        groups = np.stack([np.histogram(one, np.arange(0.0, 181.0, 2.0), density=True)[0] for one in draws], axis=1)
        return fit_gaussian(x, groups, np.full(24, 4000.0))

    assert peak(None).warnings == ()
    assert "statistical only" in peak(2.0).warnings[0]
    few = np.stack([np.histogram(110 + 9 * rng.standard_normal(40), np.arange(0.0, 181.0, 2.0))[0] for _ in range(24)])
    assert fit_gaussian(x, few.T / 80.0, np.full(24, 40.0)).warnings == ()
