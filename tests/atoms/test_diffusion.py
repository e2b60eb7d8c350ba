"""Diffusion of walkers whose coefficient is known, of a solid that has none, and the Arrhenius line of Li2B12H12."""

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import cells, stored
from hypothesis import given
from hypothesis import strategies as st

from caloris.atoms.diffusion import (
    arrhenius,
    diffusion_coefficient,
    mean_square_displacement,
)
from caloris.atoms.transport.displacements import square_displacements
from caloris.errors import InputError

D_TRUE = 0.05
"""angstrom^2/ps; 5e-6 cm^2/s."""


def brownian(atoms, frames, rng, *, dt=1.0, vibration=0.0):
    """<r^2> = 6 D t, each component shaken by a white <u^2>."""
    x = np.cumsum(np.sqrt(2 * D_TRUE * dt) * rng.standard_normal((frames, atoms, 3)), axis=0)
    return x + np.sqrt(vibration) * rng.standard_normal(x.shape)


def lattice_jumps(atoms, frames, tau, edge, rng, *, dt=1.0):
    """Jumps along one of six directions, on average one in tau: D = edge^2 / (6 tau)."""
    x = np.zeros((frames, atoms, 3))
    for atom in range(atoms):
        count = rng.poisson(dt * frames / tau)
        frame = rng.integers(0, frames, count)
        np.add.at(x, (frame, atom, rng.integers(0, 3, count)), edge * rng.choice([-1, 1], count))
    return np.cumsum(x, axis=0)


def beside_a_frame(folder, positions, **how):
    """Walkers in a heavy frame at rest, so that the centre of mass stays."""
    frames, atoms, _ = positions.shape
    everything = np.concatenate([positions, np.zeros((frames, 1, 3))], axis=1)
    return stored(folder, everything, ["Li"] * atoms + ["U"], masses=[7.0] * atoms + [1e12], **how)


@given(st.integers(8, 60), st.integers(1, 4), st.floats(0.01, 1e3))
def test_all_origins_by_fourier_are_the_direct_average(frames, atoms, scale):
    x = scale * np.cumsum(np.random.default_rng(frames).standard_normal((frames, atoms, 3)), axis=0) + 100.0
    lags = frames // 2
    direct = [((x[m:] - x[: frames - m]) ** 2).sum(-1).mean(0) for m in range(lags)]
    np.testing.assert_allclose(
        square_displacements(x.transpose(1, 2, 0), lags).T, direct, rtol=1e-9, atol=1e-9 * scale**2
    )


def test_mean_square_displacement_of_brownian_motion_is_6_d_t(tmp_path):
    rng = np.random.default_rng(4)
    trajectory = beside_a_frame(tmp_path, brownian(400, 400, rng, dt=0.5), time_step=0.5)
    curve = mean_square_displacement(trajectory, "Li", longest="40 ps")
    assert curve.unit == sc.Unit("angstrom^2")
    t = curve.coords["time"].values
    assert t[-1] == 40.0
    exact = 6 * D_TRUE * t
    z = (curve.values[1:] - exact[1:]) / np.sqrt(curve.variances[1:])
    assert np.abs(z).max() < 4
    assert np.all(np.sqrt(curve.variances[1:]) < 0.1 * exact[1:])


def test_mean_square_displacement_of_a_harmonic_solid_is_exact(tmp_path):
    """x = A cos(w t + phase), phases evenly spread: <dx^2> = A^2 (1 - cos w t)."""
    frames, period, atoms = 400, 40, 40
    t = np.arange(frames)[:, None, None]
    phases = 2 * np.pi * (np.arange(atoms)[:, None] / atoms + np.array([0, 0.3, 0.6]))
    trajectory = beside_a_frame(tmp_path, 0.3 * np.cos(2 * np.pi * t / period + phases))
    curve = mean_square_displacement(trajectory, "Li")
    lag = curve.coords["time"].values
    # every frame is an average over all phases, so the average over origins is exact
    np.testing.assert_allclose(curve.values, 3 * 0.3**2 * (1 - np.cos(2 * np.pi * lag / period)), atol=1e-9)
    found = diffusion_coefficient(trajectory, "Li")
    assert not found.diffusive
    assert abs(found.value.value) < 2 * np.sqrt(found.value.variance) + 1e-12
    assert any("less than a jump" in line for line in found.warnings)
    assert "not diffusive" in repr(found)


@pytest.mark.parametrize(("atoms", "frames", "vibration"), [(64, 600, 0.0), (64, 600, 0.1), (1, 4000, 0.1)])
def test_diffusion_of_walkers_is_covered_by_its_error(tmp_path, atoms, frames, vibration):
    rng = np.random.default_rng(8)
    found = [
        diffusion_coefficient(beside_a_frame(tmp_path, brownian(atoms, frames, rng, vibration=vibration)), "Li")
        for _ in range(50)
    ]
    values = np.array([f.value.value for f in found])
    errors = np.sqrt([f.value.variance for f in found])
    assert values.mean() == pytest.approx(1e-4 * D_TRUE, rel=4 * errors.mean() / 1e-4 / D_TRUE / np.sqrt(50))
    assert 0.53 < np.mean(np.abs(values - 1e-4 * D_TRUE) < errors) < 0.83  # 68 %, two sigma of 50 draws
    assert errors.mean() < 0.1 * 1e-4 * D_TRUE
    assert np.mean([f.diffusive for f in found]) > 0.85
    assert np.mean([f.upper_bound.value > 1e-4 * D_TRUE for f in found]) > 0.85


@pytest.mark.parametrize("motion", ["walk", "jumps"])
def test_generalised_least_squares_is_narrower_and_covered(tmp_path, motion):
    """Against the weighted line over the same windows; McCluskey, Coles and Morgan (2025)."""
    rng = np.random.default_rng(11)
    rows = []
    for _ in range(80):
        positions = (
            brownian(64, 600, rng, vibration=0.1) if motion == "walk" else lattice_jumps(64, 600, 30.0, 3.0, rng)
        )
        trajectory = beside_a_frame(tmp_path, positions)
        for method in ("weighted least squares", "generalised least squares"):
            value = diffusion_coefficient(trajectory, "Li", window=("15 ps", "150 ps"), method=method).value
            rows.append((value.value * 1e4, np.sqrt(value.variance) * 1e4))
    weighted, generalised = np.array(rows).reshape(-1, 2, 2).transpose(1, 0, 2)
    assert generalised[:, 0].mean() == pytest.approx(D_TRUE, abs=3 * generalised[:, 1].mean() / np.sqrt(80))
    assert generalised[:, 0].std() < 0.85 * weighted[:, 0].std()
    assert generalised[:, 1].mean() < 0.85 * weighted[:, 1].mean()
    assert 0.54 < np.mean(np.abs(generalised[:, 0] - D_TRUE) < generalised[:, 1]) < 0.82  # 68 %, 2.6 sigma of 80 draws
    with pytest.raises(InputError, match="method"):
        diffusion_coefficient(trajectory, "Li", method="by eye")


def test_covariance_of_a_walk_seen_through_noise_is_that_of_many_walks():
    from caloris.atoms.transport._kernels import walk_covariance

    rng = np.random.default_rng(12)
    lags, frames, step, noise = np.array([2, 7, 25, 60]), 150, 0.3, 0.2
    walks = np.cumsum(np.sqrt(step) * rng.standard_normal((20000, 1, frames)), axis=-1)
    walks += np.sqrt(noise) * rng.standard_normal(walks.shape)
    sampled = np.cov(square_displacements(walks, 61)[:, lags].T)
    exact = walk_covariance(lags, frames, step, noise)
    # standard error of a covariance of 20000 heavy-tailed squares
    np.testing.assert_allclose(sampled, exact, rtol=0.1)
    # one step from each of n origins, no noise: independent squares of variance 2 s^2
    assert walk_covariance(np.array([1]), 101, step, 0.0)[0, 0] == pytest.approx(2 * step**2 / 100)


def test_parts_by_element_and_molecule_are_the_curves_of_those_atoms(tmp_path):
    rng = np.random.default_rng(13)
    positions = np.concatenate([brownian(20, 60, rng), 2 * brownian(40, 60, rng), np.zeros((60, 1, 3))], axis=1)
    bonds = np.stack([np.arange(20), np.arange(20, 40)], axis=1)
    symbols = ["O"] * 20 + ["H"] * 40 + ["U"]
    trajectory = stored(tmp_path, positions, symbols, masses=[1.0] * 60 + [1e12], bonds=bonds)
    by_element = mean_square_displacement(trajectory, partial="element")
    assert list(by_element) == ["O", "H", "U"]
    for name in by_element:
        assert sc.identical(by_element[name], mean_square_displacement(trajectory, name))
    by_molecule = mean_square_displacement(trajectory, partial="molecule")
    assert list(by_molecule) == ["OH", "H", "U"]
    assert sc.identical(by_molecule["OH"], mean_square_displacement(trajectory, "OH"))
    lone = mean_square_displacement(trajectory, np.arange(40, 60))
    assert sc.identical(by_molecule["H"], lone)
    hydrogen = mean_square_displacement(trajectory, "H", partial="molecule")
    assert list(hydrogen) == ["OH", "H"]
    with pytest.raises(InputError, match="partial"):
        mean_square_displacement(trajectory, partial="ion")


def test_progress_is_told_and_reaches_the_end(tmp_path):
    told = []
    trajectory = beside_a_frame(tmp_path, brownian(30, 100, np.random.default_rng(3)))
    mean_square_displacement(trajectory, "Li", progress=lambda words, part: told.append((words, part)))
    assert told[-1] == ("mean square displacement", 1.0)


def test_diffusion_by_lattice_jumps(tmp_path):
    rng = np.random.default_rng(6)
    tau, edge = 50.0, 3.0
    trajectory = beside_a_frame(tmp_path, lattice_jumps(200, 1500, tau, edge, rng))
    found = diffusion_coefficient(trajectory, "Li")
    exact = 1e-4 * edge**2 / (6 * tau)
    assert found.diffusive
    assert found.warnings == ()
    assert found.value.value == pytest.approx(exact, abs=3 * np.sqrt(found.value.variance))
    assert found.value.unit == sc.Unit("cm^2/s")
    assert np.sqrt(found.value.variance) < 0.05 * exact
    assert found.exponent.value == pytest.approx(1, abs=3 * np.sqrt(found.exponent.variance))


def test_confined_walkers_are_not_called_diffusive(tmp_path):
    """In a well of 3 angstrom the displacement grows beyond a jump, and then no more."""
    rng = np.random.default_rng(2)
    frames, atoms, relaxation = 1000, 64, 150.0
    keep = np.exp(-1 / relaxation)
    x = np.zeros((frames, atoms, 3))
    x[0] = 3.0 * rng.standard_normal((atoms, 3))
    for k in range(1, frames):
        x[k] = keep * x[k - 1] + 3.0 * np.sqrt(1 - keep**2) * rng.standard_normal((atoms, 3))
    found = diffusion_coefficient(beside_a_frame(tmp_path, x), "Li")
    assert found.displacement.value > 2.0
    assert not found.diffusive
    assert found.exponent.value + 2 * np.sqrt(found.exponent.variance) < 1
    assert any("not as t" in line or "D = 0" in line for line in found.warnings)


def test_no_jump_seen_bounds_diffusion_by_the_time_watched(tmp_path):
    """Of 64 atoms watched for 500 ps none jumps: fewer than three missed jumps of 2 angstrom, 95 % confidence."""
    found = diffusion_coefficient(beside_a_frame(tmp_path, np.zeros((500, 64, 3))), "Li")
    assert found.value.value == 0
    assert found.upper_bound.value == pytest.approx(1e-4 * 3 * 2.0**2 / (6 * 64 * 500))


def test_neither_drift_nor_a_breathing_cell_moves_atoms(tmp_path):
    frames, atoms = 300, 30
    rng = np.random.default_rng(1)
    sites = rng.uniform(0, 20, (atoms, 3))
    breath = 1 + 0.03 * np.sin(0.1 * np.arange(frames))[:, None, None]
    drift = 0.05 * np.arange(frames)[:, None, None] * np.array([1.0, -2.0, 0.5])
    trajectory = stored(tmp_path, sites * breath + drift, f"Li{atoms}", cell=cells(20.0, frames) * breath)
    assert np.ptp(trajectory.read("position"), axis=0).max() > 10
    np.testing.assert_allclose(mean_square_displacement(trajectory, "Li").values, 0, atol=1e-9)


def test_memory_blocks_do_not_change_the_result(tmp_path, monkeypatch):
    import caloris.atoms.trajectory as store

    trajectory = beside_a_frame(tmp_path, brownian(30, 100, np.random.default_rng(3)))
    whole = mean_square_displacement(trajectory, "Li").values
    monkeypatch.setattr(store, "SLAB", 24 * 8 * 100 * 7)
    assert [len(block) for block in trajectory.blocks("Li", copies=8)] == [7, 7, 7, 7, 2]
    np.testing.assert_allclose(mean_square_displacement(trajectory, "Li").values, whole, rtol=1e-12)


def test_a_window_outside_the_trajectory_is_refused(tmp_path):
    trajectory = beside_a_frame(tmp_path, brownian(20, 100, np.random.default_rng(3)))
    assert diffusion_coefficient(trajectory, "Li", window=("5 ps", "20 ps")).window[1].value == 20
    for window in (("5 ps", "60 ps"), ("5 ps", "6 ps"), ("0 ps", "20 ps")):
        with pytest.raises(InputError, match="window"):
            diffusion_coefficient(trajectory, "Li", window=window)
    with pytest.raises(InputError, match="too few for diffusion"):
        mean_square_displacement(beside_a_frame(tmp_path, np.zeros((5, 3, 3))), "Li")


# -- Arrhenius -----------------------------------------------------------------------------------------


def over_temperature(values, unit, errors=None):
    variances = None if errors is None else np.square(errors)
    return sc.array(dims=["temperature"], values=np.array(values), variances=variances, unit=unit)


T_PAPER = over_temperature([500.0, 600.0, 700.0], "K")
D_PAPER = np.array([4.88e-6, 2.33e-5, 4.89e-5])


def test_printed_arrhenius_line_of_li2b12h12_does_not_fit_its_own_points():
    """Supplement of the Li2B12H12 paper: 0.22 eV and 9.54e-4 cm^2/s are printed; the three points give other values."""
    found = arrhenius(T_PAPER, over_temperature(D_PAPER, "cm^2/s"))
    assert found.activation_energy.value == pytest.approx(0.352, abs=0.002)
    assert found.prefactor.value == pytest.approx(1.8e-2, rel=0.05)
    printed = 9.54e-4 * np.exp(-0.22 / (8.617333e-5 * T_PAPER.values))
    assert np.abs(np.log(printed / D_PAPER)).max() > 0.6  # a factor of two
    ours = np.array([found(f"{T} K").value for T in T_PAPER.values])
    assert np.abs(np.log(ours / D_PAPER)).max() < 0.25


def test_arrhenius_returns_its_own_line_and_chi_square():
    rng = np.random.default_rng(9)
    T = over_temperature(np.linspace(400, 800, 9), "K")
    exact = 2e-3 * np.exp(-0.3 / (8.617333262e-5 * T.values))
    fit = arrhenius(T, over_temperature(1e-4 * exact, "m^2/s", 1e-5 * exact))
    assert fit.activation_energy.value == pytest.approx(0.3, rel=1e-9)
    assert fit.prefactor.value == pytest.approx(2e-3, rel=1e-9)
    assert fit.chi_square == pytest.approx(0, abs=1e-12)
    for weighted in (True, False):
        pulls, chi = [], []
        for _ in range(300):
            D = exact * np.exp(0.1 * rng.standard_normal(9))
            found = arrhenius(T, over_temperature(D, "cm^2/s", 0.1 * D if weighted else None))
            pulls.append((found.activation_energy.value - 0.3) / np.sqrt(found.activation_energy.variance))
            chi.append(found.chi_square)
        assert 0.58 < np.mean(np.abs(pulls) < 1) < 0.78
        if weighted:
            assert np.mean(chi) == pytest.approx(7, rel=0.1)


def test_arrhenius_refuses_what_has_no_logarithm():
    with pytest.raises(InputError, match="greater than 0"):
        arrhenius(T_PAPER, over_temperature([0.0, 1e-6, 1e-5], "cm^2/s"))
    with pytest.raises(InputError, match="at least 3"):
        arrhenius(T_PAPER[:2], over_temperature([1e-6, 1e-5], "cm^2/s"))
    with pytest.raises(InputError, match="scipp arrays"):
        arrhenius(T_PAPER, over_temperature([1.0, 2.0, 3.0], "K"))


def test_vibrations_that_frames_resolve_do_not_pass_for_diffusion(tmp_path):
    """What vibrations leave at neighbouring lags is no walk: both ways of fitting give D of the jumps."""
    from caloris.atoms.synthetic_trajectory import LatticeJumps, Particles, SyntheticTrajectory, Vibration, cubic_sites

    motion = Vibration("0.02 angstrom^2", "6 THz", "2 1/ps") + LatticeJumps("4 angstrom", "3 ps")
    sites = cubic_sites("4 angstrom", (6, 6, 6))
    populations = (Particles("Li", sites, motion), Particles("U", sites))
    ratios = []
    for seed in range(4):
        synthetic = SyntheticTrajectory(populations, cell="24 angstrom", frames=1200, timestep="50 fs", seed=seed)
        trajectory = synthetic.write(tmp_path / f"{seed}.h5")
        for window in (None, ("5 ps", "8 ps")):
            found = diffusion_coefficient(trajectory, "Li", method="generalised least squares", window=window)
            ratios.append(found.value.value / (16 / (6 * 3) * 1e-4))
    assert np.mean(ratios[::2]) == pytest.approx(1.0, abs=0.03)
    assert np.mean(ratios[1::2]) == pytest.approx(1.0, abs=0.04)


def test_where_the_covariance_is_another_generalised_gives_way_to_weighted(tmp_path):
    """Walkers in cages that relax as slowly as the window: no walk seen through white noise."""
    rng = np.random.default_rng(15)
    cage = np.empty((600, 64, 3))
    cage[0] = rng.standard_normal((64, 3))
    for k in range(1, 600):
        cage[k] = 0.98 * cage[k - 1] + np.sqrt(1 - 0.98**2) * rng.standard_normal((64, 3))
    trajectory = beside_a_frame(tmp_path, 0.3 * brownian(64, 600, rng) + np.sqrt(3) * cage)
    weighted, generalised = (
        diffusion_coefficient(trajectory, "Li", method=f"{method} least squares")
        for method in ("weighted", "generalised")
    )
    assert any("that of weighted least squares" in line for line in generalised.warnings)
    assert generalised.value.value == weighted.value.value
