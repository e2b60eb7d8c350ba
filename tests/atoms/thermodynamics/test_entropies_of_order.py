"""Entropies of orientations and of correlated Gaussians, of which the exact ones are known."""

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import random_rotations, stored
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from caloris.atoms.thermodynamics import orientational_entropy, partial_entropies, transition_shares
from caloris.atoms.thermodynamics.orientational import direction_entropy, rotation_entropy
from caloris.errors import InputError

R = 8.31446261815324
"""J/mol/K."""
BOLTZMANN, HBAR = 0.8314462618, 6.35077993
"""u angstrom^2/ps^2/K; u angstrom^2/ps."""


def fisher(count, kappa, rng):
    """Directions about z with p ~ exp(kappa cos(theta))."""
    u = rng.random(count)
    z = 1 + np.log(u + (1 - u) * np.exp(-2 * kappa)) / kappa
    phi = 2 * np.pi * rng.random(count)
    s = np.sqrt(1 - z**2)
    return np.stack([s * np.cos(phi), s * np.sin(phi), z], axis=1)


@pytest.mark.parametrize("kappa", [0.5, 5.0, 60.0])
def test_entropy_of_directions_of_von_mises_and_fisher(kappa):
    """-<ln(4 pi p)> = -(kappa <cos> + ln(kappa / sinh(kappa)))."""
    rng = np.random.default_rng(1)
    exact = -(kappa / np.tanh(kappa) - 1 + np.log(2 * kappa) - kappa - np.log1p(-np.exp(-2 * kappa)))
    found = [direction_entropy(fisher(1000, kappa, rng), 1) for _ in range(8)]
    assert np.mean(found) == pytest.approx(exact, abs=0.04)
    both = [direction_entropy(fisher(1000, kappa, rng) * rng.choice([-1, 1], (1000, 1)), 1, both_ways=True)]
    if kappa == 60.0:  # a direction or its opposite: as much more room as there is less of it
        assert both[0] == pytest.approx(exact + np.log(2), abs=0.1)


def turned(rng, frames, sigma, sites=None):
    """Quaternions (w first) that librate by sigma (radian) about sites, at random among them."""
    libration = Rotation.from_rotvec(sigma * rng.standard_normal((frames, 3)))
    if sites is not None:
        libration = libration * Rotation.from_matrix(sites[rng.integers(len(sites), size=frames)])
    return np.ascontiguousarray(np.roll(libration.as_quat(), 1, axis=1))


def tetrahedral():
    return Rotation.create_group("T").as_matrix()


def test_librations_have_the_entropy_of_a_gaussian_and_jumps_add_k_ln_n():
    """Small turns fill the group as d^3 phi / 8 pi^2; n sites apart from each other add ln n, until they are one."""
    rng = np.random.default_rng(2)
    sigma, frames = 0.06, 1500
    exact = 1.5 * (1 + np.log(2 * np.pi * sigma**2)) - np.log(8 * np.pi**2)
    group = np.ascontiguousarray(np.roll(Rotation.create_group("T").as_quat(), 1, axis=1))
    still = np.mean([rotation_entropy(turned(rng, frames, sigma), 1) for _ in range(6)])
    assert still == pytest.approx(exact, abs=0.09)  # the estimator is 0.03 low for a Gaussian in three dimensions
    for n in (2, 12):
        jumping = [turned(rng, frames, sigma, tetrahedral()[:n]) for _ in range(6)]
        assert np.mean([rotation_entropy(q, 1) for q in jumping]) == pytest.approx(exact + np.log(n), abs=0.1)
    folded = np.mean([rotation_entropy(q, 1, group) for q in jumping])
    assert folded == pytest.approx(
        exact + np.log(12), abs=0.05
    )  # relative to free ones, of which there are 12 times less
    free = np.roll(Rotation.random(1500, rng=rng).as_quat(), 1, axis=1)
    assert rotation_entropy(np.ascontiguousarray(free), 1) == pytest.approx(0, abs=0.05)
    assert rotation_entropy(np.ascontiguousarray(free), 1, group) == pytest.approx(0, abs=0.05)


def test_series_that_remember_need_neighbours_apart():
    """A slow libration: without leaving out near times its neighbours in time make it look ordered."""
    rng = np.random.default_rng(3)
    sigma, decay = 0.1, 0.95
    exact = 1.5 * (1 + np.log(2 * np.pi * sigma**2)) - np.log(8 * np.pi**2)
    close, apart = [], []
    for _ in range(6):
        noise = rng.standard_normal((1700, 3)) * np.sqrt(1 - decay**2)
        vectors = sigma * lfilter([1.0], [1.0, -decay], noise, axis=0)[200:]
        q = np.ascontiguousarray(np.roll(Rotation.from_rotvec(vectors).as_quat(), 1, axis=1))
        close.append(rotation_entropy(q, 1))
        apart.append(rotation_entropy(q, 60))
    assert np.mean(close) < exact - 0.3
    assert np.mean(apart) == pytest.approx(exact, abs=0.1)


def ammonium(folder, rng, frames, sites, count=16, sigma=0.15):
    """ND4 that librate and jump at random among the first rotations of the tetrahedral group."""
    h = 1.03 / np.sqrt(3) * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    own = random_rotations(count, rng)
    jump = tetrahedral()[rng.integers(sites, size=(frames, count))]
    libration = Rotation.from_rotvec(sigma * rng.standard_normal((frames * count, 3))).as_matrix()
    turn = libration.reshape(frames, count, 3, 3) @ own @ jump
    x = np.einsum("tmcd,id->tmic", turn, h) + 6.0 * np.arange(count)[:, None, None] * [1.0, 0, 0]
    bonds = np.array([[5 * m, 5 * m + k] for m in range(count) for k in range(1, 5)])
    return stored(folder, x.reshape(frames, -1, 3), ["N", "H", "H", "H", "H"] * count, bonds=bonds, cell=100.0)


def test_jumps_of_ammonium_count_only_if_its_atoms_are_labelled(tmp_path):
    rng = np.random.default_rng(4)
    sigma = 0.15
    exact = R * (1.5 * (1 + np.log(2 * np.pi * sigma**2)) - np.log(8 * np.pi**2))
    for sites in (1, 12):
        trajectory = ammonium(tmp_path, rng, 1000, sites)
        labelled = orientational_entropy(trajectory, "NH4", atoms="labelled")
        assert labelled.value.value == pytest.approx(exact + R * np.log(sites), abs=0.15 * R)
        same = orientational_entropy(trajectory, "NH4")
        assert same.symmetry_number == 12
        assert same.value.value == pytest.approx(exact + R * np.log(12), abs=0.06 * R)
        assert 0 < np.sqrt(same.value.variance) < 0.05 * R
        assert same.warnings == ()


def test_orientations_that_were_not_all_seen_are_said(tmp_path):
    """A molecule that changes its orientation once has ln 2 more in all of the run than in its halves."""
    rng = np.random.default_rng(5)
    early, late = (ammonium(tmp_path, rng, 300, 1, sigma=0.1).read("position") for _ in range(2))
    bonds = np.array([[5 * m, 5 * m + k] for m in range(16) for k in range(1, 5)])
    trajectory = stored(
        tmp_path, np.concatenate([early, late]), ["N", "H", "H", "H", "H"] * 16, bonds=bonds, cell=100.0
    )
    found = orientational_entropy(trajectory, "NH4", atoms="labelled")
    assert found.growth.value == pytest.approx(R * np.log(2), abs=0.15 * R)
    assert "lower bound" in found.warnings[0]
    with pytest.raises(InputError, match="too few"):
        orientational_entropy(ammonium(tmp_path, rng, 50, 1), "NH4")


def test_what_few_frames_are_off_by_is_in_the_error(tmp_path):
    """Librations in three dimensions: the estimator alone is 0.06 k low of 400 frames, three times its scatter."""
    rng = np.random.default_rng(15)
    sigma = 0.1
    exact = R * (1.5 * (1 + np.log(2 * np.pi * sigma**2)) - np.log(8 * np.pi**2))
    z = []
    for _ in range(10):
        found = orientational_entropy(ammonium(tmp_path, rng, 400, 1, sigma=sigma), "NH4", atoms="labelled")
        z.append((found.value.value - exact) / np.sqrt(found.value.variance))
    assert np.sqrt(np.mean(np.square(z))) < 1.6


def test_one_molecule_has_no_error_and_frozen_ones_no_entropy(tmp_path):
    rng = np.random.default_rng(16)
    found = orientational_entropy(ammonium(tmp_path, rng, 300, 1, count=1), "NH4")
    assert np.isnan(found.value.variance)
    assert "no error" in found.warnings[0]
    still = ammonium(tmp_path, rng, 300, 1, count=3, sigma=1e-9)
    with pytest.raises(InputError, match="no NH4 turns"):
        orientational_entropy(still, "NH4")
    x = ammonium(tmp_path, rng, 300, 1, count=3).read("position")
    x[:, :5] = x[0, :5]
    bonds = np.array([[5 * m, 5 * m + k] for m in range(3) for k in range(1, 5)])
    some = orientational_entropy(stored(tmp_path, x, ["N", "H", "H", "H", "H"] * 3, bonds=bonds, cell=100.0), "NH4")
    assert some.molecules == 2
    assert "1 of 3 molecules do not turn" in some.warnings[0]
    assert some.value.value > -60


def test_directions_of_linear_molecules(tmp_path):
    rng = np.random.default_rng(6)
    kappa, frames, count = 25.0, 800, 12
    u = np.einsum(
        "mcd,tmd->tmc", random_rotations(count, rng), fisher(frames * count, kappa, rng).reshape(frames, count, 3)
    )
    x = np.array([-1.63, 0, 1.17])[:, None] * u[:, :, None] + 5.0 * rng.random((1, count, 1, 3))
    bonds = np.array([[3 * m + k, 3 * m + k + 1] for m in range(count) for k in range(2)])
    found = orientational_entropy(stored(tmp_path, x.reshape(frames, -1, 3), "SCN" * count, bonds=bonds), "SCN")
    exact = -(kappa / np.tanh(kappa) - 1 + np.log(2 * kappa) - kappa)
    assert found.value.value == pytest.approx(R * exact, abs=max(3 * np.sqrt(found.value.variance), 0.03 * R))


# -- partial entropies ---------------------------------------------------------------------------------

EDGE = 8.0


def coupled(folder, rng, *, frames=1500, rho=0.6, decay=0.7, repeat=(2, 1, 1), sigma=(0.12, 0.08)):
    """Li and B on their sites, each Li tied to its B; a heavy frame of Xe keeps still. One pair in each small cell."""
    cells = np.array(list(np.ndindex(*repeat)))
    count = len(cells)
    noise = rng.standard_normal((frames + 200, 2, count, 3)) * np.sqrt(1 - decay**2)
    z = lfilter([1.0], [1.0, -decay], noise, axis=0)[200:]
    u = np.stack([sigma[0] * z[:, 0], sigma[1] * (rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1])], axis=1)
    places = EDGE * cells[None, :] + np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[:, None]
    x = np.concatenate([places[None] + u, np.zeros((frames, 1, count, 3)) + EDGE * cells], axis=1)
    masses = np.repeat([6.94, 10.81, 1e9], count)
    symbols = ["Li"] * count + ["B"] * count + ["Xe"] * count
    cell = np.broadcast_to(np.diag(EDGE * np.array(repeat)), (frames, 3, 3))
    return stored(folder, x.reshape(frames, -1, 3), symbols, cell=cell, masses=masses)


def exact_entropies(T, rho, count, sigma=(0.12, 0.08)):
    """Classical, J/K/kg of both species."""
    spread = np.array([6.94, 10.81]) * np.square(sigma)
    alone = 3 * count * (1 - np.log(HBAR / np.sqrt(spread * BOLTZMANN * T)))
    interplay = 1.5 * count * np.log(1 - rho**2)
    return 1000 * R / (count * 17.75) * np.append(alone, interplay)


@pytest.mark.parametrize("repeat", [(1, 1, 1), (3, 2, 1)])
def test_correlated_gaussians_have_their_mutual_information(tmp_path, repeat):
    rng = np.random.default_rng(7)
    exact = exact_entropies(300.0, 0.6, 6)
    inside, away = [], []
    for _ in range(12):
        trajectory = coupled(tmp_path, rng, repeat=(3, 2, 1), frames=500)
        found = partial_entropies(trajectory, ("Li", "B"), "300 K", kind="classical", repeat=repeat)
        values = [*found.alone.values(), found.interplay]
        errors = np.sqrt([v.variance for v in values])
        away.append(np.array([v.value for v in values]) - exact)
        inside.append(np.abs(away[-1]) < errors)
        assert found.joint.value == pytest.approx(sum(v.value for v in values))
    scatter = np.std(away, axis=0) / np.sqrt(12)
    assert np.all(np.abs(np.mean(away, axis=0)) < 4 * scatter + 0.004 * np.abs(exact))
    assert 0.5 < np.mean(inside) < 0.85
    assert "quasi-harmonic" in repr(found)


def test_species_that_know_nothing_of_each_other_have_no_interplay(tmp_path):
    rng = np.random.default_rng(8)
    z = []
    for _ in range(12):
        trajectory = coupled(tmp_path, rng, rho=0.0, decay=0.9)
        found = partial_entropies(trajectory, ("Li", "B"), "300 K", kind="classical")
        z.append(found.interplay.value / np.sqrt(found.interplay.variance))
        assert 60 < found.independent < 1200  # of 1500 frames
    assert abs(np.mean(z)) < 1.2
    assert np.std(z) < 1.7


def test_quantum_entropy_is_that_of_an_oscillator_as_wide(tmp_path):
    """Where hbar omega is greater than kT."""
    T = 150.0
    trajectory = coupled(tmp_path, np.random.default_rng(9), rho=0.0, decay=0.0, frames=4000)
    found = partial_entropies(trajectory, ("Li", "B"), f"{T} K")
    x = HBAR / np.sqrt(np.array([6.94, 10.81]) * np.square((0.12, 0.08)) * BOLTZMANN * T)
    exact = 1000 * R / (2 * 17.75) * 6 * (x / np.expm1(x) - np.log(-np.expm1(-x)))
    for value, known in zip(found.alone.values(), exact, strict=True):
        assert value.value == pytest.approx(known, abs=3 * np.sqrt(value.variance))
        assert np.sqrt(value.variance) < 0.05 * known
    assert np.all(x > 1)


def test_few_frames_of_quantum_modes_pretend_nothing(tmp_path):
    """150 frames for 24 coordinates, of which none knows of another, with hbar omega of 3 kT."""
    rng = np.random.default_rng(14)
    T, frames, count, sigma = 300.0, 150, 4, 0.05
    places = 5.0 * np.array(list(np.ndindex(3, 3, 1)))
    masses = np.array([7.0] * count + [23.0] * count + [1e8])
    x = HBAR / np.sqrt(masses[:count] * sigma**2 * BOLTZMANN * T)
    exact = 1000 * R / (count * 30.0) * 3 * np.sum(x / np.expm1(x) - np.log(-np.expm1(-x)))
    z, away = [], []
    for _ in range(16):
        u = sigma * rng.standard_normal((frames, 2 * count + 1, 3)) * [[1.0]] * (masses < 1e8)[:, None]
        trajectory = stored(tmp_path, places + u, "Li4Na4U", cell=15.0, masses=masses)
        found = partial_entropies(trajectory, ("Li", "Na"), f"{T} K")
        z.append(found.interplay.value / np.sqrt(found.interplay.variance))
        away.append((found.alone["Li"].value - exact) / exact)
        assert found.joint.value == pytest.approx(sum(v.value for v in (*found.alone.values(), found.interplay)))
    assert abs(np.mean(z)) < 1
    assert np.mean(np.abs(z) < 1) > 0.5
    assert abs(np.mean(away)) < 0.03  # 0.1 without a correction


def test_molecules_move_and_turn(tmp_path):
    """Rigid bodies: displacements with sqrt(M), turns with the roots of the moments of inertia."""
    rng = np.random.default_rng(10)
    T, frames, count, sigma, angle = 300.0, 3000, 3, 0.1, 0.07
    masses = np.array([15.999, 1.008, 1.008])
    shape = np.array([[0.0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    shape -= masses @ shape / masses.sum()
    own = random_rotations(count, rng)
    turn = (
        Rotation.from_rotvec(angle * rng.standard_normal((frames * count, 3))).as_matrix().reshape(frames, count, 3, 3)
    )
    x = np.einsum("tmcd,id->tmic", turn @ own, shape) + sigma * rng.standard_normal((frames, count, 1, 3))
    x = (x + 5.0 * np.arange(count)[:, None, None]).reshape(frames, -1, 3)
    li = 0.1 * rng.standard_normal((frames, 2, 3)) + [[1.0, 1, 9], [9, 1, 1]]
    still = np.zeros((frames, 1, 3))
    trajectory = stored(
        tmp_path,
        np.concatenate([x, li, still], axis=1),
        ["O", "H", "H"] * count + ["Li", "Li", "Xe"],
        bonds=np.array([[3 * m, 3 * m + k] for m in range(count) for k in (1, 2)]),
        masses=[*np.tile(masses, count), 6.94, 6.94, 1e9],
    )
    found = partial_entropies(trajectory, ("Li", "OH2"), f"{T} K", kind="classical")
    gyration = np.einsum("i,ic,id->cd", masses, shape, shape)
    moments = np.linalg.eigvalsh(np.trace(gyration) * np.eye(3) - gyration)
    spread = np.concatenate([np.full(3, masses.sum() * sigma**2), moments * angle**2])
    exact = count * np.sum(1 - np.log(HBAR / np.sqrt(spread * BOLTZMANN * T)))
    scale = 1000 * R / (count * masses.sum() + 2 * 6.94)
    alone = found.alone["OH2"]
    assert alone.value == pytest.approx(scale * exact, abs=3 * np.sqrt(alone.variance))
    assert np.sqrt(alone.variance) < 0.02 * alone.value
    assert found.coordinates == 6 * count + 6
    still_only = partial_entropies(trajectory, ("Li", "OH2"), f"{T} K", kind="classical", rotation=False)
    centres = count * np.sum(1 - np.log(HBAR / np.sqrt(spread[:3] * BOLTZMANN * T)))
    alone = still_only.alone["OH2"]
    assert alone.value == pytest.approx(scale * centres, abs=3 * np.sqrt(alone.variance))


def test_where_two_species_are_all_their_common_drift_is_not_counted(tmp_path):
    """The centre of mass rests: one species as a whole tells where the other is, and that is no interplay."""
    rng = np.random.default_rng(11)
    x = 0.1 * rng.standard_normal((1200, 8, 3)) + 4.0 * np.array(list(np.ndindex(2, 2, 2)))
    trajectory = stored(tmp_path, x, ["Li", "B"] * 4, cell=8.0)
    found = partial_entropies(trajectory, ("Li", "B"), "300 K", kind="classical")
    assert found.coordinates == 18
    assert abs(found.interplay.value) < 3.5 * np.sqrt(found.interplay.variance)


def test_what_cannot_be_told_is_said(tmp_path):
    rng = np.random.default_rng(12)
    with pytest.raises(InputError, match="do not repeat"):
        partial_entropies(coupled(tmp_path, rng), ("Li", "B"), "300 K", repeat=(1, 2, 1))
    with pytest.raises(InputError, match="independent frames for 48"):
        partial_entropies(coupled(tmp_path, rng, frames=40, repeat=(2, 2, 2)), ("Li", "B"), "300 K")
    with pytest.raises(InputError, match="expected two"):
        partial_entropies(coupled(tmp_path, rng), ("Li", "Li"), "300 K")
    walk = coupled(tmp_path, rng, frames=800, sigma=(3.0, 0.1))
    assert "leaves its sites" in partial_entropies(walk, ("Li", "B"), "300 K").warnings[0]


def test_shares_of_a_transition_sum_to_it(tmp_path):
    rng = np.random.default_rng(13)
    before, after = (
        partial_entropies(coupled(tmp_path, rng, rho=r), ("Li", "B"), "300 K", kind="classical") for r in (0.7, 0.2)
    )
    found = transition_shares(before, after)
    parts = [*found.alone.values(), found.interplay]
    assert sum(p.value for p in parts) == pytest.approx(found.total.value)
    assert found.interplay.value == pytest.approx(
        exact_entropies(300, 0.2, 2)[2] - exact_entropies(300, 0.7, 2)[2], abs=4 * np.sqrt(found.interplay.variance)
    )
    known = transition_shares(before.alone, after.alone, total=sc.scalar(100.0, variance=4.0, unit="J/K/kg"))
    assert sum(p.value for p in known.alone.values()) + known.interplay.value == pytest.approx(100)
    assert known.interplay.variance > 4.0
    with pytest.raises(InputError, match="know no interplay"):
        transition_shares(before.alone, after.alone)
    with pytest.raises(InputError, match="species differ"):
        transition_shares(before, {"Li": sc.scalar(1.0, unit="J/K/kg")})
    with pytest.raises(InputError, match="has no unit"):
        transition_shares({"Li": 1.0}, {"Li": 2.0}, total="1 J/K/kg")
