"""I(Q,t) of trajectories: equal to direct sums, to closed forms within its errors, and free of the known traps."""

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import cells, stored

import caloris as cal
from caloris.atoms.reference_frame import paths, reference_frame, snapshots
from caloris.atoms.synthetic_trajectory import (
    FreeDiffusion,
    HarmonicCrystal,
    LatticeJumps,
    Molecules,
    Particles,
    RotationalDiffusion,
    SiteJumps,
    SyntheticTrajectory,
    Vibration,
    cubic_sites,
)
from caloris.errors import InputError
from caloris.neutrons import gpu
from caloris.neutrons.incoherent import isotropic_sum, vector_sum

Q = sc.array(dims=["Q"], values=[0.5, 1.2, 2.0, 4.0], unit="1/angstrom")
VIBRATION = Vibration(mean_square="0.01 angstrom^2", frequency="5 THz", damping="2 1/ps")


def walk(frames=300, atoms=40, seed=1, step=0.05):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 20, (1, atoms, 3)) + np.cumsum(step * rng.standard_normal((frames, atoms, 3)), axis=0)


def still(positions, masses=None):
    """Without the drift of the centre of mass."""
    weights = np.ones(positions.shape[1]) if masses is None else masses
    centre = np.einsum("taj,a->tj", positions, weights) / weights.sum()
    return positions - (centre - centre[0])[:, None]


def direct_incoherent(positions, vectors, lags):
    found = np.empty((len(vectors), lags))
    for k, vector in enumerate(vectors):
        phase = np.exp(1j * positions @ vector)
        for lag in range(lags):
            found[k, lag] = np.mean(np.conj(phase[: len(phase) - lag]) * phase[lag:]).real
    return found


def direct_isotropic(positions, lengths, lags):
    found = np.empty((len(lengths), lags))
    for lag in range(lags):
        d = np.linalg.norm(positions[lag:] - positions[: len(positions) - lag], axis=-1)
        found[:, lag] = [np.mean(np.sinc(q * d / np.pi)) for q in lengths]
    return found


def direct_coherent(positions, vectors, lags, b):
    found = np.empty((len(vectors), lags))
    for k, vector in enumerate(vectors):
        rho = np.exp(1j * positions @ vector) @ b
        for lag in range(lags):
            found[k, lag] = np.mean(np.conj(rho[: len(rho) - lag]) * rho[lag:]).real / len(b)
    return found


def test_isotropic_average_equals_the_direct_sum_of_sines(tmp_path):
    x = walk(frames=400, atoms=60)
    found = isotropic_sum(x.transpose(1, 2, 0), Q.values, 200) / x.shape[1]
    np.testing.assert_allclose(found, direct_isotropic(x, Q.values, 200), atol=1e-6)


@pytest.mark.parametrize(("frames", "atoms"), [(9, 1), (50, 2), (5000, 3)])
def test_isotropic_average_of_few_atoms_and_of_many_frames(frames, atoms):
    x = walk(frames=frames, atoms=atoms, step=0.3)
    lags = min(frames // 2, 40)
    found = isotropic_sum(x.transpose(1, 2, 0), Q.values, lags) / atoms
    if frames > 4096:  # origins are thinned out, the same mean within its scatter
        np.testing.assert_allclose(found, direct_isotropic(x, Q.values, lags), atol=0.02)
        assert not np.array_equal(found[:, 1], direct_isotropic(x, Q.values, lags)[:, 1])
    else:
        np.testing.assert_allclose(found, direct_isotropic(x, Q.values, lags), atol=2e-5)


def test_single_vectors_equal_the_direct_sum_of_exponentials(tmp_path):
    x = walk()
    vectors = np.random.default_rng(2).normal(size=(70, 3))
    found = vector_sum(x.transpose(1, 2, 0), vectors, 100) / x.shape[1]
    np.testing.assert_allclose(found, direct_incoherent(x, vectors, 100), atol=1e-6)


def test_coherent_scattering_equals_the_direct_sum(tmp_path):
    x = walk(frames=200)
    trajectory = stored(tmp_path, x, "Si20H20", cell=20.0)
    shells = cal.neutrons.reciprocal_shells(trajectory.cell["time", 0], Q, width="0.4/angstrom", most=7)
    found = cal.neutrons.intermediate_scattering(trajectory, shells, "coherent", longest="80 ps")
    masses = np.asarray(trajectory.masses.values)
    b = np.repeat([4.1491, -3.7390], 20)
    direct = shells.average(direct_coherent(still(x, masses), shells.vectors.values, 81, b)) / 100
    np.testing.assert_allclose(found.values, direct, rtol=1e-3, atol=1e-6)  # tabulated lengths have four digits
    assert found.unit == "barn"
    numbers = cal.neutrons.intermediate_scattering(trajectory, shells, "coherent", longest="80 ps", weights="number")
    exact = shells.average(direct_coherent(still(x, masses), shells.vectors.values, 81, np.ones(40)))
    np.testing.assert_allclose(numbers.values, exact, atol=1e-6)


def test_non_uniform_fft_equals_the_direct_sum(tmp_path, monkeypatch):
    from caloris.neutrons import coherent

    trajectory = stored(tmp_path, walk(frames=64), "Ar40", cell=20.0)
    sphere = cal.neutrons.reciprocal_sphere(trajectory.cell["time", 0], "1.5/angstrom")
    direct = cal.neutrons.intermediate_scattering(trajectory, sphere, "coherent", weights="number")
    monkeypatch.setattr(coherent, "_NUFFT", 10)
    monkeypatch.setattr(coherent, "_IN_MEMORY", 1000)  # and through a file, in single precision
    fast = cal.neutrons.intermediate_scattering(trajectory, sphere, "coherent", weights="number")
    np.testing.assert_allclose(fast.values, direct.values, atol=2e-6 * direct.values.max())
    np.testing.assert_allclose(fast.variances, direct.variances, rtol=1e-3, atol=1e-9)


def test_parts_and_kinds_add_up(tmp_path):
    trajectory = stored(tmp_path, walk(frames=120), "Si20H20", cell=20.0)
    shells = cal.neutrons.reciprocal_shells(trajectory.cell["time", 0], Q, width="0.4/angstrom", most=5)
    parts = {
        kind: cal.neutrons.intermediate_scattering(trajectory, shells, kind, partial=True, longest="50 ps")
        for kind in ("incoherent", "coherent", "total")
    }
    assert set(parts["coherent"]) == {"Si-Si", "Si-H", "H-H", "total"}
    for kind, group in parts.items():
        whole = sum(group[name].values for name in group if name != "total")
        np.testing.assert_allclose(group["total"].values, whole, rtol=1e-9, err_msg=kind)
    both = parts["incoherent"]["total"].values + parts["coherent"]["total"].values
    np.testing.assert_allclose(parts["total"]["total"].values, both, rtol=1e-9)


def test_nothing_is_rescaled(tmp_path):
    """At t = 0 incoherent scattering is the mean cross section over 4 pi, whatever the mixture: no hidden weights."""
    trajectory = stored(tmp_path, walk(frames=40), "Si20H20", cell=20.0)
    found = cal.neutrons.intermediate_scattering(trajectory, Q)
    np.testing.assert_allclose(found["time", 0].values, 0.5 * (80.26 + 0.004) / (4 * np.pi), rtol=2e-3)
    only = cal.neutrons.intermediate_scattering(trajectory, Q, atoms="H", normalised=True)
    np.testing.assert_allclose(only["time", 0].values, 1.0, rtol=1e-12)
    heavy = cal.neutrons.intermediate_scattering(trajectory, Q, isotopes={"H": "2H"})
    np.testing.assert_allclose(heavy["time", 0].values, 0.5 * (2.05 + 0.004) / (4 * np.pi), rtol=1e-2)


def test_deuterium_is_known_by_its_mass(tmp_path):
    light = stored(tmp_path, walk(frames=40), "H40", cell=20.0)
    (tmp_path / "d").mkdir()
    heavy = stored(tmp_path / "d", walk(frames=40), "H40", cell=20.0, masses=[2.014] * 40)
    ratio = [float(cal.neutrons.intermediate_scattering(t, Q)["Q", 0]["time", 0].value) for t in (heavy, light)]
    assert ratio[0] / ratio[1] == pytest.approx(2.05 / 80.26, rel=5e-3)


def test_xrays_weigh_with_form_factors(tmp_path):
    trajectory = stored(tmp_path, walk(frames=64), "Si20O20", cell=20.0)
    vectors = cal.neutrons.reciprocal_path(trajectory.cell["time", 0], [(2, 0, 0), (6, 0, 0)])
    found = cal.neutrons.intermediate_scattering(trajectory, vectors, "coherent", weights="xray")
    factors = {s: cal.neutrons.xray_form_factor(s, vectors.Q).values for s in ("Si", "O")}
    x = still(walk(frames=64), np.asarray(trajectory.masses.values))
    for k, vector in enumerate(vectors.vectors.values):
        b = np.repeat([factors["Si"][k], factors["O"][k]], 20)
        np.testing.assert_allclose(found.values[k], direct_coherent(x, [vector], 33, b)[0], rtol=1e-6, atol=1e-4)
    with pytest.raises(InputError, match="Compton"):
        cal.neutrons.scattering(trajectory, Q, weights="xray")


def test_breathing_cell_and_drift_are_no_motion(tmp_path):
    """Atoms at rest in a cell that breathes and drifts scatter elastically, coherent and incoherent."""
    rng = np.random.default_rng(1)
    scale = 1 + 0.02 * np.sin(np.arange(64) / 5)
    fractional = rng.random((30, 3))
    cell = cells(15.0, 64) * scale[:, None, None]
    positions = np.einsum("aj,tjk->tak", fractional, cell) + 0.3 * np.arange(64)[:, None, None]
    trajectory = stored(tmp_path, positions, "Ar30", cell=cell)
    shells = cal.neutrons.reciprocal_shells(trajectory.cell, Q, width="0.4/angstrom", most=5)
    for kind, where in (("incoherent", Q), ("coherent", shells)):
        found = cal.neutrons.intermediate_scattering(trajectory, where, kind, normalised=True)
        np.testing.assert_allclose(found.values, 1.0, atol=1e-5, err_msg=kind)


def test_wrapping_makes_no_difference(tmp_path):
    """Coherent scattering at reciprocal vectors does not feel in which cell an atom is written."""
    x = walk(frames=64)
    hops = 20.0 * np.random.default_rng(3).integers(-1, 2, (1, 40, 3))
    found = []
    for name, positions in (("a", x), ("b", x + hops)):
        (tmp_path / name).mkdir()
        trajectory = stored(tmp_path / name, positions, "Ar40", cell=20.0)
        path = cal.neutrons.reciprocal_path(trajectory.cell["time", 0], [(1, 0, 0), (5, 5, 0)])
        found.append(cal.neutrons.intermediate_scattering(trajectory, path, "coherent").values)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8)


def test_same_numbers_by_the_interface_of_numpy_as_by_kernels():
    """The code for GPUs, run on numpy."""
    x = walk(frames=100, atoms=10)
    vectors = np.random.default_rng(2).normal(size=(5, 3))
    lines = x.transpose(1, 2, 0)
    np.testing.assert_allclose(
        gpu.vector_sum(np, lines, vectors, 50, (0, 100)), vector_sum(lines, vectors, 50), atol=1e-5
    )
    modes = gpu.density_modes(np, x, vectors)
    np.testing.assert_allclose(modes, np.exp(2j * np.pi * x @ vectors.T).sum(axis=1), atol=1e-9)
    counts = gpu.count_displacements(np, (lines - lines[..., :1]).astype(np.float32), 30, 1, (0, 100), 0.01, 2000)
    assert counts.sum(axis=1).tolist() == [10 * (100 - lag) for lag in range(30)]
    d = np.linalg.norm(x[7:] - x[:-7], axis=-1)
    assert np.abs(counts[7] - np.histogram(d, 0.01 * np.arange(2001))[0]).sum() < 20  # rounding at edges only


def test_a_cluster_gives_the_same_numbers(tmp_path):
    from distributed import LocalCluster

    trajectory = stored(tmp_path, walk(frames=64), "Si20H20", cell=20.0).after(4)
    shells = cal.neutrons.reciprocal_shells(trajectory.cell["time", 0], Q, width="0.4/angstrom", most=5)
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        for where, kind in ((Q, "incoherent"), (shells, "total")):
            here = cal.neutrons.intermediate_scattering(trajectory, where, kind, longest="30 ps")
            there = cal.neutrons.intermediate_scattering(
                trajectory, where, kind, longest="30 ps", scheduler=cluster.scheduler_address
            )
            np.testing.assert_allclose(there.values, here.values, rtol=1e-9)
            np.testing.assert_allclose(there.variances, here.variances, rtol=1e-6)


# closed forms


SETTINGS = {"cell": "30 angstrom", "frames": 400, "timestep": "50 fs"}
HEAVY = Particles("U", cubic_sites("5 angstrom", (6, 6, 6)))


def hydrogens(motion, **other):
    return SyntheticTrajectory(
        (HEAVY, Particles("H", cubic_sites("5 angstrom", (6, 6, 6)), motion)), **SETTINGS, **other
    )


def rotors(rotation, **other):
    molecules = Molecules("N", "H", cubic_sites("5 angstrom", (6, 6, 6)), rotation)
    return SyntheticTrajectory((HEAVY, molecules), **SETTINGS, **other)


CASES = {
    "vibration": hydrogens(VIBRATION),
    "free diffusion": hydrogens(FreeDiffusion("0.05 angstrom^2/ps")),
    "lattice jumps": hydrogens(VIBRATION + LatticeJumps(length="3 angstrom", residence_time="3 ps")),
    "threefold jumps": rotors(SiteJumps.threefold("1.02 angstrom", "1 ps")),
    "tetrahedral jumps": rotors(SiteJumps.tetrahedral("1.02 angstrom", "1 ps")),
    "rotational diffusion": rotors(RotationalDiffusion("1.02 angstrom", coefficient="0.2 1/ps")),
}


@pytest.mark.parametrize("name", CASES)
def test_powder_average_has_its_closed_form_within_errors(tmp_path, name):
    synthetic = CASES[name]
    trajectory = synthetic.write(tmp_path / "x.h5")
    found = cal.neutrons.intermediate_scattering(trajectory, Q, atoms="H", weights="number")
    exact = synthetic.intermediate_scattering("H", Q, found.coords["time"])
    difference = found.values - exact.values
    error = np.sqrt(found.variances)
    assert np.abs(difference).max() < 0.05
    z = difference[:, 1:] / error[:, 1:]
    assert np.sqrt(np.mean(z**2)) < 1.8  # curves are strongly correlated in time and Q
    assert np.abs(z).max() < 6


def test_errors_hold_the_truth_in_two_of_three_cases(tmp_path):
    inside = []
    for seed in range(60):
        synthetic = SyntheticTrajectory(
            (
                HEAVY,
                Molecules("N", "H", cubic_sites("6 angstrom", (4, 4, 4)), SiteJumps.threefold("1.02 angstrom", "1 ps")),
            ),
            cell="30 angstrom",
            frames=200,
            timestep="100 fs",
            seed=seed,
        )
        trajectory = synthetic.write(tmp_path / f"{seed}.h5")
        found = cal.neutrons.intermediate_scattering(trajectory, Q, atoms="H", weights="number", longest="5 ps")
        exact = synthetic.intermediate_scattering("H", Q, found.coords["time"])
        z = (found.values - exact.values) / np.sqrt(np.maximum(found.variances, 1e-30))
        inside += np.abs(z[1:, [5, 15, 50]]).ravel().tolist()
    share = np.mean(np.array(inside) < 1)
    assert 0.60 < share < 0.76


def test_coherent_scattering_of_a_harmonic_crystal(tmp_path):
    """I_coh at Bragg points and away from them, where phonons are all there is."""
    z = []
    for seed in range(12):
        crystal = HarmonicCrystal(
            "Ni",
            cells=(4, 4, 4),
            edge="3 angstrom",
            mean_square="0.01 angstrom^2",
            highest_frequency="8 THz",
            damping="3 1/ps",
        )
        synthetic = SyntheticTrajectory((crystal,), cell="12 angstrom", frames=1500, timestep="50 fs", seed=seed)
        trajectory = synthetic.write(tmp_path / f"{seed}.h5")
        path = cal.neutrons.reciprocal_path(trajectory.cell["time", 0], [(1, 0, 0), (2, 0, 0)], repeat=(4, 4, 4))
        found = cal.neutrons.intermediate_scattering(trajectory, path, "coherent", weights="number", longest="5 ps")
        exact = crystal.coherent_scattering(path.vectors.rename_dims(vector="Q"), found.coords["time"])
        z.append((found.values - exact.values) / np.sqrt(found.variances))
    z = np.array(z)[:, 1:-1, ::10]
    assert 0.55 < np.mean(np.abs(z) < 1) < 0.80
    assert abs(np.mean(z)) < 0.3


# the door


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum_transfer": sc.array(dims=["Q"], values=[1.0], unit="angstrom")}, "1/angstrom"),
        ({"momentum_transfer": sc.array(dims=["Q"], values=[2.0, 1.0], unit="1/angstrom")}, "must increase"),
        ({"momentum_transfer": sc.array(dims=["Q"], values=[np.nan], unit="1/angstrom")}, "finite"),
        ({"momentum_transfer": "1/angstrom"}, "expected a scipp array"),
        (
            {"momentum_transfer": sc.vectors(dims=["Q"], values=[[1.0, 0, 0]], unit="1/angstrom"), "kind": "coherent"},
            "no reciprocal vector",
        ),
        (
            {"momentum_transfer": sc.array(dims=["Q"], values=[0.01], unit="1/angstrom"), "kind": "coherent"},
            "cell has no reciprocal vector",
        ),
        (
            {"momentum_transfer": sc.array(dims=["Q"], values=[0.0, 1.0], unit="1/angstrom"), "kind": "coherent"},
            "number of atoms",
        ),
        ({"kind": "both"}, "expected the kind"),
        ({"weights": "electron"}, "expected the kind"),
        ({"longest": "1 fs"}, "shorter than the distance"),
        ({"longest": "1 ns"}, "too few"),
        ({"longest": "1 K"}, "longest"),
        ({"atoms": "Xe"}, "no molecule 'Xe'"),
        ({"isotopes": {"H": "2H"}, "weights": "number"}, "no difference"),
        ({"atoms": np.array([], dtype=int)}, "atoms"),
        ({"vectors_per_shell": 0, "kind": "coherent"}, "at least one vector"),
        ({"seed": -1, "kind": "coherent"}, "seed"),
        (
            {"momentum_transfer": sc.vectors(dims=["Q"], values=np.zeros((0, 3)), unit="1/angstrom")},
            "at least one vector",
        ),
        (
            {
                "momentum_transfer": sc.vectors(dims=["Q"], values=np.zeros((1, 3)), unit="1/angstrom"),
                "kind": "coherent",
            },
            "number of atoms",
        ),
        ({"device": "abacus"}, "expected 'cpu' or 'gpu'"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "does not answer"),
    ],
)
def test_wrong_questions_get_one_line(tmp_path, arguments, message):
    trajectory = stored(tmp_path, walk(frames=64), "Si20H20", cell=20.0)
    with pytest.raises(InputError, match=message) as caught:
        cal.neutrons.intermediate_scattering(trajectory, **({"momentum_transfer": Q} | arguments))
    assert "\n" not in str(caught.value)


def test_the_frame_of_reference_is_the_mean_cell(tmp_path):
    x = walk(frames=10)
    trajectory = stored(tmp_path, x, "Ar40", cell=20.0)
    frame = reference_frame(trajectory)
    here = snapshots(trajectory, np.arange(40), frame, slice(None))
    np.testing.assert_allclose(here, still(x), atol=1e-9)
    np.testing.assert_allclose(paths(trajectory, np.arange(40), frame).transpose(2, 0, 1), here, atol=1e-12)
    np.testing.assert_allclose(frame.reciprocal_cell, 2 * np.pi / 20 * np.eye(3))


# what a review found


def test_atoms_of_one_kind_may_be_of_two_isotopes(tmp_path):
    """One hydrogen among deuterons counts with its own number, not with that of its group."""
    masses = [14.007, 2.014, 2.014] * 40
    masses[1] = 1.008
    bonds = np.array([[3 * k, 3 * k + j] for k in range(40) for j in (1, 2)])
    x = walk(frames=40, atoms=120)
    trajectory = stored(tmp_path, x, ["N", "H", "H"] * 40, cell=20.0, masses=masses, bonds=bonds)
    parts = cal.neutrons.intermediate_scattering(trajectory, Q, partial=True)
    table = cal.neutrons.scattering_lengths(trajectory.symbols, masses=trajectory.masses)
    sigma = dict(zip(table.names, table.incoherent_cross_section.values, strict=True))
    for name, number in (("N", 40), ("2H", 79), (next(n for n in table.names if n not in ("N", "2H")), 1)):
        expected = number / 120 * sigma[name] / (4 * np.pi)
        np.testing.assert_allclose(parts[name]["time", 0].values, expected, rtol=1e-9)
    some = cal.neutrons.intermediate_scattering(trajectory, Q, atoms=np.arange(1, 118), weights="number")
    np.testing.assert_allclose(some["time", 0].values, 1.0, rtol=1e-12)


def test_a_rare_molecule_shortens_nothing_and_has_an_error(tmp_path):
    x = walk(frames=400, atoms=65)
    trajectory = stored(tmp_path, x, ["Li"] * 64 + ["Cl"], cell=20.0)
    parts = cal.neutrons.intermediate_scattering(trajectory, Q, partial=True, weights="number")
    assert parts["total"].sizes["time"] == 201
    own = still(x, np.asarray(trajectory.masses.values))[:, 64:]
    np.testing.assert_allclose(parts["Cl"].values * 65, direct_isotropic(own, Q.values, 201), atol=1e-4)
    assert np.all(parts["Cl"].variances[:, 1:] > 0)
    vectors = sc.vectors(dims=["Q"], values=[[1.0, 0.3, 0.2]], unit="1/angstrom")
    found = cal.neutrons.intermediate_scattering(trajectory, vectors, atoms="Cl", weights="number")
    np.testing.assert_allclose(found.values, direct_incoherent(own, vectors.values, 201), atol=1e-5)


def test_errors_of_coherent_scattering_hold_for_modes_that_outlast_the_blocks(tmp_path):
    """Brownian particles that forget in 3 % of the run, in 10 % (longer than a block), in 25 % (which is said)."""
    rng = np.random.default_rng(4)
    length, inside, said = 20.0, {0.03: [], 0.1: [], 0.25: []}, {0.03: 0, 0.1: 0, 0.25: 0}
    q = 2 * np.pi / length * np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    vectors = sc.vectors(dims=["Q"], values=q, unit="1/angstrom")
    for seed in range(25):
        for share, found in inside.items():
            D = 1 / (share * 400 * (2 * np.pi / length) ** 2)
            steps = np.sqrt(2 * D) * rng.standard_normal((400, 60, 3))
            x = rng.uniform(0, length, (1, 60, 3)) + np.cumsum(steps, axis=0)
            folder = tmp_path / f"{seed}-{share}"
            folder.mkdir()
            trajectory = stored(folder, x, "H60", cell=length)
            curve = cal.neutrons.intermediate_scattering(
                trajectory, vectors, "coherent", weights="number", longest="80 ps"
            )
            exact = np.exp(-D * (q**2).sum(axis=1)[:, None] * curve.coords["time"].values)
            z = (curve.values - exact)[:, ::20] / np.sqrt(curve.variances)[:, ::20]
            found.append(np.mean(np.abs(z) < 1))
            said[share] += "rough" in str(curve.coords["caution"].value)
    assert 0.58 < np.mean(inside[0.03]) < 0.78
    assert 0.48 < np.mean(inside[0.1]) < 0.78
    assert said[0.25] >= 20
    assert said[0.03] <= 2


def test_frozen_modes_are_said(tmp_path):
    trajectory = stored(tmp_path, walk(frames=64, step=0.001), "Ar40", cell=20.0)
    path = cal.neutrons.reciprocal_path(trajectory.cell["time", 0], [(1, 0, 0), (5, 0, 0)])
    found = cal.neutrons.intermediate_scattering(trajectory, path, "coherent")
    assert "lower bounds" in found.coords["caution"].value


def test_vectors_of_another_cell_are_refused(tmp_path):
    trajectory = stored(tmp_path, walk(frames=64), "Ar40", cell=20.0)
    other = sc.vectors(dims=["cell_vector"], values=21 * np.eye(3), unit="angstrom")
    with pytest.raises(InputError, match="no reciprocal vector of the cell"):
        cal.neutrons.scattering(trajectory, cal.neutrons.reciprocal_path(other, [(1, 0, 0), (2, 0, 0)]), "coherent")


def test_the_choice_of_vectors_is_in_the_error(tmp_path):
    """Static scattering of a frozen gas: some of the vectors of a shell, chosen by seed, scatter about all of them."""
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 30, (1, 200, 3)) + 0.05 * rng.standard_normal((64, 200, 3))
    trajectory = stored(tmp_path, x, "Ar200", cell=30.0)
    options = {"kind": "coherent", "weights": "number", "shell_width": "0.15/angstrom", "longest": "5 ps"}
    where = sc.array(dims=["Q"], values=[2.0, 3.0, 4.0], unit="1/angstrom")
    everything = cal.neutrons.intermediate_scattering(trajectory, where, vectors_per_shell=None, **options)
    z = []
    for seed in range(20):
        some = cal.neutrons.intermediate_scattering(trajectory, where, vectors_per_shell=40, seed=seed, **options)
        z.append((some.values - everything.values)[:, 0] / np.sqrt(some.variances)[:, 0])
    assert 0.5 < np.mean(np.abs(z) < 1) < 0.85


def test_cautions_of_the_trajectory_reach_the_result(tmp_path):
    trajectory = stored(tmp_path, walk(frames=64, atoms=3), "HUU", cell=20.0)
    trajectory.inputs["warnings"] = ["steps are too long to unwrap with certainty"]
    found = cal.neutrons.intermediate_scattering(trajectory, Q, at_rest="U")
    assert "unwrap with certainty" in found.coords["caution"].value
    assert "at_rest" not in found.coords["caution"].value
    assert "at_rest" in cal.neutrons.intermediate_scattering(trajectory, Q).coords["caution"].value
