"""Synthetic trajectories do what their closed forms say, and the closed forms are those of the papers."""

import math

import numpy as np
import pytest
import scipp as sc
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import expm, solve_continuous_lyapunov

from caloris.atoms.synthetic import _kernels as kernels
from caloris.atoms.synthetic.motions import HBAR, lower_root
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
    benchmark_trajectory,
    cubic_sites,
)
from caloris.atoms.trajectory import open_trajectory
from caloris.errors import InputError

N_H = 1.02
"""angstrom, of the paper."""
H_H = math.sqrt(8 / 3) * N_H
TURNING = {
    "twofold": SiteJumps.twofold(f"{N_H} angstrom", "0.5 ps"),
    "threefold": SiteJumps.threefold(f"{N_H} angstrom", "0.5 ps"),
    "XH3": SiteJumps.threefold(f"{N_H} angstrom", "0.5 ps", atoms=3),
    "tetrahedral": SiteJumps.tetrahedral(f"{N_H} angstrom", "0.5 ps"),
    "any of T": SiteJumps.tetrahedral(f"{N_H} angstrom", "0.5 ps", axes="T"),
    "cubic": SiteJumps.cubic(f"{N_H} angstrom", "0.5 ps"),
    "diffusion": RotationalDiffusion(f"{N_H} angstrom", "0.4 1/ps"),
}


def wave(*lengths):
    return sc.array(dims=["Q"], values=np.array(lengths, dtype=float), unit="1/angstrom")


def waves(vectors):
    return sc.vectors(dims=["Q"], values=np.array(vectors, dtype=float), unit="1/angstrom")


def times(values):
    return sc.array(dims=["time"], values=np.asarray(values, dtype=float), unit="ps")


def energies(values):
    return sc.array(dims=["energy_transfer"], values=np.asarray(values, dtype=float), unit="meV")


def j0(x):
    return np.sinc(np.asarray(x) / np.pi)


def drawn(motion, *, atoms=400, frames=200, dt="0.05 ps", seed=1):
    """Positions and velocities of atoms that start at the origin, and the trajectory."""
    origin = sc.vectors(dims=["atom"], values=np.zeros((atoms, 3)), unit="angstrom")
    if isinstance(motion, SiteJumps | RotationalDiffusion):
        population = Molecules("N", "H", origin, motion)
    else:
        population = Particles("Li", origin, motion)
    synthetic = SyntheticTrajectory((population,), "10 angstrom", frames, dt, seed)
    x, v = (np.concatenate(parts) for parts in zip(*synthetic.slabs(), strict=True))
    return x, v, synthetic


def agree(samples, exact, scale=None):
    """Means of (independent samples, values) are the exact values within errors that are small beside ``scale``."""
    error = samples.std(axis=0, ddof=1) / math.sqrt(len(samples))
    assert np.all(error[exact != samples.mean(axis=0)] > 0)
    z = (samples.mean(axis=0) - exact) / np.maximum(error, 1e-12)
    assert np.abs(z).max() < 4.5, z
    assert np.all(error < 0.1 * (scale or np.max(np.abs(exact))))


@given(st.floats(0.5, 20), st.floats(0, 300), st.floats(1e-3, 0.3))
def test_propagator_of_the_oscillator_solves_the_langevin_equation(frequency, damping, dt):
    """Against the matrix exponential and the stationary covariance; weak, critical and strong damping."""
    w0, square = 2 * np.pi * frequency, 0.02
    matrix, covariance = Vibration("0.02 angstrom^2", f"{frequency} THz", f"{damping} 1/ps").propagator(dt)
    drift = np.array([[0, 1], [-(w0**2), -damping]])
    scale = np.outer([1, w0], [1, 1 / w0])
    np.testing.assert_allclose(matrix / scale, expm(drift * dt) / scale, atol=2e-9)
    kicks = np.diag([0.0, 2 * damping * square * w0**2])
    if damping > 0.01:
        stationary = solve_continuous_lyapunov(drift, -kicks)
        exact = stationary - expm(drift * dt) @ stationary @ expm(drift * dt).T
        np.testing.assert_allclose(covariance / np.outer([1, w0], [1, w0]) / square,
                                   exact / np.outer([1, w0], [1, w0]) / square, atol=1e-8)  # fmt: skip
    root = lower_root(covariance)
    assert np.abs((root @ root.T - covariance) / np.outer([1, w0], [1, w0])).max() < 1e-9


@given(st.floats(0.01, 1), st.floats(0.05, 5), st.floats(1e-2, 2), st.integers(2, 5))
def test_propagator_of_free_diffusion_composes(diffusion, tau, dt, parts):
    """Many short steps are one long one, position and velocity; <x^2> is that of Ornstein and Uhlenbeck."""
    motion = FreeDiffusion(f"{diffusion} angstrom^2/ps", f"{tau} ps")
    matrix, covariance = motion.propagator(dt)
    short, noise = motion.propagator(dt / parts)
    total, spread = np.eye(2), np.zeros((2, 2))
    for _ in range(parts):
        total, spread = short @ total, short @ spread @ short.T + noise
    np.testing.assert_allclose(matrix, total, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(covariance, spread, rtol=1e-6, atol=1e-15)
    square = covariance[0, 0] + matrix[0, 1] ** 2 * diffusion / tau
    assert motion.mean_square_displacement(times([dt])).values[0] == pytest.approx(3 * square, rel=1e-9)


@pytest.mark.parametrize(
    "motion",
    [
        Vibration("0.02 angstrom^2", "4 THz", "3 1/ps"),
        Vibration("0.02 angstrom^2", "1 THz", "40 1/ps"),
        FreeDiffusion("0.1 angstrom^2/ps"),
        FreeDiffusion("0.1 angstrom^2/ps", "0.7 ps"),
        LatticeJumps("3 angstrom", "2 ps"),
        Vibration("0.02 angstrom^2", "4 THz", "3 1/ps") + LatticeJumps("3 angstrom", "2 ps"),
    ],
    ids=["vibration", "overdamped", "brownian", "langevin", "lattice", "sum"],
)
def test_single_atoms_move_as_their_closed_forms_say(motion):
    x, v, synthetic = drawn(motion, atoms=600)
    lags = np.array([1, 3, 10, 40])
    time = synthetic.time[:100]
    squares = [((x[m:] - x[: len(x) - m]) ** 2).sum(-1).mean(0) for m in lags]
    agree(np.transpose(squares), motion.mean_square_displacement(time).values[lags])
    vectors = [[0.7, 0, 0], [0, 1.1, 0.4], [0.9, 0.9, 0.9]]
    exact = motion.intermediate_scattering(waves(vectors), time).values
    powder = motion.intermediate_scattering(wave(0.6, 1.3), time).values
    for m in lags:
        d = x[m::5] - x[: len(x) - m : 5]
        agree(np.cos(d @ np.array(vectors).T).mean(axis=0), exact[:, m])
        agree(j0(np.linalg.norm(d, axis=-1)[..., None] * [0.6, 1.3]).mean(axis=0), powder[:, m])
    velocity = motion.velocity_autocorrelation(time).values
    if velocity[0] > 0:
        found = np.array([(v[: len(v) - m] * v[m:]).sum(-1).mean(0) for m in lags])
        agree(found.T, velocity[lags])
    else:
        assert len(v) == 0


@pytest.mark.parametrize("name", TURNING)
def test_molecules_turn_as_their_closed_forms_say(name):
    motion = TURNING[name]
    x, _, synthetic = drawn(motion, atoms=600)
    x = x.reshape(len(x), 600, -1, 3)
    assert np.abs(x[:, :, 0]).max() == 0
    bonds = x[:, :, 1:]
    np.testing.assert_allclose(np.linalg.norm(bonds, axis=-1), N_H, rtol=1e-12)
    time = synthetic.time[:100]
    exact = motion.intermediate_scattering(wave(1.0, 2.5), time).values
    orientation = [motion.orientation_correlation(time, order).values for order in (1, 2)]
    square = motion.mean_square_displacement(time).values
    for m in (1, 4, 12, 60):
        start, end = bonds[: len(x) - m : 5], bonds[m::5]
        distance = np.linalg.norm(end - start, axis=-1)
        agree(j0(distance[..., None] * [1.0, 2.5]).mean(axis=(0, 2)), exact[:, m])
        vector = np.cos((end - start) @ [0, 0, 2.5]).mean(axis=(0, 2))[:, None]
        agree(vector, exact[1:, m])
        cosine = (end * start).sum(-1) / N_H**2
        agree(cosine.mean(axis=(0, 2))[:, None], orientation[0][m : m + 1], 0.5)
        agree((1.5 * cosine**2 - 0.5).mean(axis=(0, 2))[:, None], orientation[1][m : m + 1], 0.5)
        agree((distance**2).mean(axis=(0, 2))[:, None], square[m : m + 1])


def test_eisf_of_turning_ammonium_is_that_of_the_thermal_battery_paper():
    """Eqs 4-7. Eq. 4 is the average over all four H: for three-fold turning one of them stays on the axis."""
    Q = np.linspace(0, 6, 25)
    found = {name: motion.eisf(wave(*Q)).values for name, motion in TURNING.items()}
    equation_4 = (1 + j0(Q * H_H)) / 2
    np.testing.assert_allclose(found["twofold"], equation_4, atol=1e-12)
    np.testing.assert_allclose(found["threefold"], equation_4, atol=1e-12)
    np.testing.assert_allclose(found["threefold"], 1 / 4 + 3 / 4 * (1 + 2 * j0(Q * H_H)) / 3, atol=1e-12)
    np.testing.assert_allclose(found["XH3"], (1 + 2 * j0(Q * H_H)) / 3, atol=1e-12)
    for name in ("tetrahedral", "any of T"):
        np.testing.assert_allclose(found[name], (1 + 3 * j0(Q * H_H)) / 4, atol=1e-12)
    eight = (1 + 3 * j0(2 / math.sqrt(3) * Q * N_H) + 3 * j0(Q * H_H) + j0(2 * Q * N_H)) / 8
    np.testing.assert_allclose(found["cubic"], eight, atol=1e-12)
    np.testing.assert_allclose(found["diffusion"], j0(Q * N_H) ** 2, atol=1e-12)


def test_rates_of_rotational_jumps():
    """Among n sites, all reached alike, at the rate p / tau from each: n p / (n - 1) / tau."""
    tau = 0.5
    for name, rate in [("twofold", 2), ("threefold", 3 / 2), ("tetrahedral", 1), ("any of T", 12 / 11)]:
        curve = TURNING[name].intermediate_scattering(wave(2.0), times([0, 0.3])).values[0]
        rest = TURNING[name].eisf(wave(2.0)).values[0]
        assert (curve[1] - rest) / (curve[0] - rest) == pytest.approx(math.exp(-rate * 0.3 / tau), rel=1e-9)


@pytest.mark.parametrize("name", TURNING)
def test_lorentzians_make_the_intermediate_scattering(name):
    motion = TURNING[name] + Vibration("0.01 angstrom^2", "5 THz", "1 1/ps")
    Q, t = wave(0.0, 1.0, 3.0), times([0, 0.2, 1.0, 50.0])
    parts = motion.lorentzians(Q)
    rates = parts.coords["hwhm"].values / HBAR
    summed = (parts.values[..., None] * np.exp(-rates[..., None] * t.values)).sum(axis=0)
    debye_waller = np.exp(-0.01 * Q.values**2)[:, None]
    np.testing.assert_allclose(summed, debye_waller * TURNING[name].intermediate_scattering(Q, t).values, atol=1e-12)
    np.testing.assert_allclose(summed[:, -1], motion.eisf(Q).values, atol=1e-12)
    np.testing.assert_allclose(summed[:, 0], debye_waller[:, 0], atol=1e-9)


def test_chudley_elliott_average_over_directions():
    """Against adaptive quadrature for one Q; and D = l^2 / (6 tau) where Q is small."""
    motion = LatticeJumps("5 angstrom", "5 ps")
    t, Q = 7.0, 1.7

    def over_phi(cosine):
        sine = math.sqrt(1 - cosine**2)
        phases = [5 * Q * cosine, 5 * Q * sine]
        return quad(
            lambda phi: math.exp(
                -t / 5 * (1 - (math.cos(phases[0]) + math.cos(phases[1] * math.cos(phi))
                               + math.cos(phases[1] * math.sin(phi))) / 3)),
            0, math.pi / 2, epsabs=1e-12,
        )[0]  # fmt: skip

    exact = quad(over_phi, 0, 1, epsabs=1e-12)[0] / (math.pi / 2)
    assert motion.intermediate_scattering(wave(Q), times([t])).values[0, 0] == pytest.approx(exact, abs=1e-10)
    small = motion.intermediate_scattering(wave(0.01), times([100.0])).values[0, 0]
    assert -math.log(small) / 0.01**2 / 100 == pytest.approx(25 / 30, rel=1e-3)
    width = motion.lorentzians(waves([[math.pi / 5, 0, 0]])).coords["hwhm"].values[0, 0]
    assert width == pytest.approx(HBAR * 2 / 3 / 5)  # 1 - cos = 2 for two of six jumps
    assert motion.eisf(wave(1.0)).values[0] == 0


@pytest.mark.parametrize("step", [1e-4, 0.01, 0.3, 3.0])
def test_steps_of_rotational_diffusion_are_exact_however_large(step):
    """<cos> of a bond after one step is exp(-2 D dt): the mean over axes of the turn's trace."""
    angle, cumulated = RotationalDiffusion("1 angstrom", "1 1/ps").angles(step)
    centre, weight = (angle[1:] + angle[:-1]) / 2, np.diff(cumulated)
    for order in (1, 2):
        character = sum(np.cos(m * centre) for m in range(-order, order + 1)) / (2 * order + 1)
        lost = 1 - np.exp(-order * (order + 1) * step)
        assert weight @ (1 - character) == pytest.approx(lost, rel=2e-6)


def test_density_of_states_is_the_spectrum_of_the_velocity():
    motion = Vibration("0.02 angstrom^2", "4 THz", "3 1/ps") + FreeDiffusion("0.1 angstrom^2/ps", "0.7 ps")
    t = np.linspace(0, 40, 80001)
    velocity = motion.velocity_autocorrelation(times(t)).values
    E = np.array([0.5, 10.0, 16.5, 30.0])
    found = motion.density_of_states(energies(E)).values
    exact = [2 / math.pi / HBAR * np.trapezoid(velocity * np.cos(e / HBAR * t), t) / velocity[0] for e in E]
    np.testing.assert_allclose(found, exact, atol=1e-7)
    everything = quad(lambda e: motion.density_of_states(energies([e])).values[0], 0, 2000, limit=400, points=[1, 16.5])
    assert everything[0] == pytest.approx(1, abs=2e-3)


@pytest.fixture(scope="module")
def crystal():
    """A small crystal, long enough for averages, with positions less sites."""
    motion = HarmonicCrystal("Ni", (4, 3, 5), "3 angstrom", "0.02 angstrom^2", "3 THz", "1.5 1/ps")
    synthetic = SyntheticTrajectory((motion,), sc.array(dims=["axis"], values=[12.0, 9, 15], unit="angstrom"), 40000,
                                    "0.05 ps")  # fmt: skip
    x, v = (np.concatenate(parts) for parts in zip(*synthetic.slabs(), strict=True))
    return motion, x, v


def test_harmonic_crystal_moves_as_its_modes_say(crystal):
    """Blocks of 50 ps are independent; the crystal as a whole stays where it is."""
    motion, x, v = crystal
    u = x - motion.sites.values
    assert np.abs(u.mean(axis=1)).max() < 1e-12
    blocks = u.reshape(40, 1000, -1, 3)
    agree((blocks**2).mean(axis=(1, 2)), np.full(3, 0.02))
    time = times([0.05, 0.2, 1.0])
    exact = motion.mean_square_displacement(time).values
    for m, value in zip((1, 4, 20), exact, strict=True):
        agree(((blocks[:, m:] - blocks[:, :-m]) ** 2).sum(-1).mean(axis=(1, 2))[:, None], np.array([value]))
    speeds = v.reshape(40, 1000, -1, 3)
    for m, value in zip((0, 4), motion.velocity_autocorrelation(times([0, 0.2])).values, strict=True):
        agree((speeds[:, : 1000 - m] * speeds[:, m:]).sum(-1).mean(axis=(1, 2))[:, None], np.array([value]))
    incoherent = motion.intermediate_scattering(wave(3.0), time).values[0]
    d = blocks[:, 20:] - blocks[:, :-20]
    agree(np.cos(3.0 * d).mean(axis=(1, 2, 3))[:, None], incoherent[2:])


def test_coherent_scattering_of_the_harmonic_crystal(crystal):
    motion, x, _ = crystal
    box = 2 * math.pi / np.array([12.0, 9, 15])
    Q = box * np.array([[1, 0, 0], [4, 1, 0], [3, 2, 4], [4, 3, 5]])  # the last is a Bragg peak
    found = np.exp(1j * x @ Q.T).sum(axis=1).reshape(40, 1000, 4)
    exact = motion.coherent_scattering(waves(Q), times([0, 0.2, 2.0])).values
    for column, m in enumerate((0, 4, 40)):
        products = (found[:, : 1000 - m].conj() * found[:, m:]).real / 60
        agree(products.mean(axis=1)[:, :3], exact[:3, column])
        agree(products.mean(axis=1)[:, 3:], exact[3:, column])


def test_file_dump_and_slabs_hold_the_same_trajectory(tmp_path):
    """Each draws it in its own order: by atoms, or by frames."""
    synthetic = benchmark_trajectory((5, 4, 4), 700, seed=3)
    x, v = (np.concatenate(parts) for parts in zip(*synthetic.slabs(), strict=True))
    trajectory = synthetic.write(tmp_path / "synthetic.h5", precision="float64")
    np.testing.assert_array_equal(trajectory.read("position"), x)
    np.testing.assert_array_equal(trajectory.read("velocity"), v)
    assert trajectory.inputs["synthetic"]
    assert set(trajectory.formulas) == {"SiH4", "Si", "Li"}
    assert len(trajectory.molecules_of("SiH4")) == 80
    assert trajectory.cell.values[-1].tolist() == np.diag([25.0, 20.0, 20.0]).tolist()
    assert trajectory.timestep.value == pytest.approx(0.01)
    synthetic.write_lammps_dump(tmp_path / "synthetic.lammpstrj", velocities=True)
    lines = (tmp_path / "synthetic.lammpstrj").read_text().splitlines()
    assert lines[:9][3] == "480"
    assert lines[8] == "ITEM: ATOMS id type xu yu zu vx vy vz"
    assert len(lines) == 700 * 489
    rows = np.array([line.split() for line in lines[-480:]], dtype=float)
    np.testing.assert_allclose(rows[:, 2:], np.concatenate([x[-1], v[-1]], axis=1), atol=0.51e-6)
    assert [synthetic.elements[int(number)] for number in rows[:, 1]] == list(trajectory.symbols)


def test_the_centre_of_mass_may_be_kept_at_rest(tmp_path):
    """Everything else stays: positions differ by the drift alone, and files hold the same."""
    free, still = (benchmark_trajectory((3, 3, 3), 600, at_rest=rest) for rest in (False, True))
    (x, v), (y, w) = ([np.concatenate(parts) for parts in zip(*each.slabs(), strict=True)] for each in (free, still))
    trajectory = still.write(tmp_path / "synthetic.h5", precision="float64")
    masses = trajectory.masses.values
    centre = np.average(x, axis=1, weights=masses)
    assert np.ptp(centre, axis=0).min() > 1e-3
    assert np.ptp(np.average(y, axis=1, weights=masses), axis=0).max() < 1e-12
    np.testing.assert_allclose(x - y, (centre - centre[0])[:, None] + np.zeros_like(x), atol=1e-12)
    np.testing.assert_array_equal(v, w)
    np.testing.assert_allclose(trajectory.read("position"), y, atol=1e-12)


def test_another_seed_is_another_trajectory_and_the_same_seed_the_same(tmp_path):
    first, again, other = (benchmark_trajectory((2, 2, 2), 20, seed=seed) for seed in (1, 1, 2))
    (x, _), (y, _), (z, _) = (next(iter(each.slabs())) for each in (first, again, other))
    np.testing.assert_array_equal(x, y)
    assert np.abs(x - z).max() > 0.1


def test_benchmark_trajectory_against_its_closed_forms(tmp_path):
    """Of every element: <u^2> and jumps in the MSD, and the powder I(Q,t) of vibration times jump."""
    synthetic = benchmark_trajectory((12, 12, 12), 400)
    trajectory = synthetic.write(tmp_path / "synthetic.h5", velocities=False)
    assert trajectory.holds == {"position"}
    lags = np.array([2, 20, 100])
    for species in ("H", "Si", "Li"):
        x = trajectory.read("position", species).astype(float)
        count = 1728 if species == "H" else x.shape[1]
        x = x.reshape(400, count, -1, 3)
        exact = synthetic.mean_square_displacement(species, synthetic.time).values
        scattering = synthetic.intermediate_scattering(species, wave(1.0, 3.0), synthetic.time).values
        for m in lags:
            d = np.linalg.norm(x[m::4] - x[: 400 - m : 4], axis=-1)
            agree((d**2).mean(axis=(0, 2))[:, None], exact[m : m + 1], max(1.0, exact[m]))
            agree(j0(d[..., None] * [1.0, 3.0]).mean(axis=(0, 2)), scattering[:, m])
    kinetic = [count for _, count, _ in synthetic._motions("Si")]
    assert kinetic == [1728, 1383]


@given(st.lists(st.floats(-99999, 99999), min_size=3, max_size=3), st.integers(1, 9), st.integers(1, 1234567))
@settings(max_examples=300)
def test_rows_of_the_dump_are_the_numbers(numbers, decimals, kind):
    text = np.zeros(200, dtype=np.uint8)
    size = kernels.write_rows(text, np.array([numbers]), np.array([kind]), decimals)
    words = text[:size].tobytes().decode().removesuffix("\n").split(" ")
    assert words[:2] == ["1", str(kind)]
    for word, number in zip(words[2:], numbers, strict=True):
        assert len(word.partition(".")[2]) == decimals
        assert abs(float(word) - number) <= 0.5 * 10.0**-decimals * (1 + 1e-9) + 2e-11


def test_kernel_of_linear_motion_against_numpy():
    matrix, covariance = Vibration("0.02 angstrom^2", "4 THz", "3 1/ps").propagator(0.02)
    noise = lower_root(covariance)
    state = np.random.default_rng(1).standard_normal((2, 5, 2, 3))
    reference = state.copy()
    x, v = np.ones((7, 5, 2, 3)), np.zeros((7, 5, 2, 3))
    kernels.linear(x, v, state, matrix, noise, np.random.default_rng(2))
    rng = np.random.default_rng(2)
    for frame in range(7):
        np.testing.assert_allclose(x[frame] - 1, reference[0], atol=1e-12)
        np.testing.assert_allclose(v[frame], reference[1], atol=1e-12)
        kicks = np.moveaxis(rng.standard_normal((5, 2, 3, 2)), -1, 0)
        reference = np.einsum("ij,jabc->iabc", matrix, reference) + np.einsum("ij,jabc->iabc", noise, kicks)
    np.testing.assert_allclose(state, reference, atol=1e-12)


def test_a_molecule_moves_as_a_whole_too():
    """Diffusion of the molecule: the same for all its atoms, so that bonds keep their lengths."""
    where = cubic_sites("4 angstrom", (3, 3, 3))
    wandering = FreeDiffusion("0.2 angstrom^2/ps")
    molecules = Molecules("N", "H", where, TURNING["tetrahedral"], motion=wandering)
    synthetic = SyntheticTrajectory((molecules,), "12 angstrom", 60, "0.1 ps")
    x, _ = next(iter(synthetic.slabs()))
    x = x.reshape(60, 27, 5, 3)
    np.testing.assert_allclose(np.linalg.norm(x[:, :, 1:] - x[:, :, :1], axis=-1), N_H, rtol=1e-12)
    assert np.linalg.norm(x[-1, :, 0] - x[0, :, 0], axis=-1).max() > 1
    time = times([1.0])
    sum_of_both = TURNING["tetrahedral"].mean_square_displacement(time) + wandering.mean_square_displacement(time)
    assert sc.allclose(synthetic.mean_square_displacement("H", time).data, sum_of_both.data)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: drawn(Vibration("-0.02 angstrom^2", "4 THz", "3 1/ps")), "mean_square: must be greater than 0"),
        (lambda: drawn(Vibration("0.02 angstrom^2", "4 THz", "-3 1/ps")), "damping: must not be less than 0"),
        (lambda: drawn(LatticeJumps("3 ps", "5 ps")), "length: '3 ps' has the unit ps"),
        (lambda: SiteJumps.tetrahedral("1 angstrom", "1 ps", axes="C5"), "axes: expected 'C3', 'C2' or 'T'"),
        (lambda: SiteJumps.threefold("1 angstrom", "1 ps", atoms=2), "atoms: expected 3"),
        (lambda: LatticeJumps("3 angstrom", "1 ps").lorentzians(wave(1.0)), "give vectors"),
        (lambda: LatticeJumps("3 angstrom", "1 ps").density_of_states(energies([1.0])), "add a Vibration"),
        (lambda: LatticeJumps("3 angstrom", "1 ps").orientation_correlation(times([1.0])), "one rotation"),
        (lambda: LatticeJumps("3 angstrom", "1 ps").mean_square_displacement(energies([1.0])), "time: expected"),
        (lambda: benchmark_trajectory((2, 2, 2)).eisf("Ni", wave(1.0)), "no 'Ni'; there are Si, H, Li"),
        (lambda: benchmark_trajectory((2, 2, 2), 0), "a frame at least"),
        (lambda: SiteJumps("1 angstrom", "1 ps", [np.diag([1.0, 2, 3])]).eisf(wave(1.0)), "finite group"),
    ],
)
def test_wrong_input_is_one_line_that_says_what_to_do(wrong, message):
    with pytest.raises(InputError, match=message) as found:
        wrong()
    assert "\n" not in str(found.value)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="precision: expected"):
        benchmark_trajectory((1, 1, 1), 5).write(tmp_path / "synthetic.h5", precision="float16")
    assert list(tmp_path.iterdir()) == []
    assert open_trajectory(benchmark_trajectory((1, 1, 1), 5).write(tmp_path / "synthetic.h5").path)
