"""Densities of states of oscillators and of free diffusion, both exact, and the textbook limits of heat and entropy."""

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import stored
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from caloris.atoms.vibrations import (
    mass_weighted_spectrum,
    quantum_heat_capacity,
    vibrational_density_of_states,
    vibrational_entropy,
)
from caloris.errors import InputError

PLANCK = 4.135667696
"""meV ps."""
K = 0.08617333262
"""meV/K."""
GAS = 8314.46261815
"""J/K/kg of one k per u."""


def oscillators(frames, dt, energies, amplitudes, rng):
    """Velocities of one atom for each energy (meV), along three axes, random phases."""
    phases = 2 * np.pi * rng.random((1, len(energies), 3))
    turns = np.arange(frames)[:, None, None] * dt * np.asarray(energies)[:, None] / PLANCK
    return np.asarray(amplitudes)[:, None] * np.cos(2 * np.pi * turns + phases)


def moving(folder, velocities, symbols, dt, **how):
    return stored(folder, np.zeros_like(velocities), symbols, velocities=velocities, time_step=dt, **how)


def integral(density):
    return np.trapezoid(density.values, density.coords["energy_transfer"].values)


def density_of(energy, values, mass=10.0):
    """A density of states by hand: energy in meV, mass in u."""
    return sc.DataArray(
        sc.array(dims=["energy_transfer"], values=values, unit="1/meV"),
        coords={
            "energy_transfer": sc.array(dims=["energy_transfer"], values=energy, unit="meV"),
            "mass": sc.scalar(mass, unit="u"),
        },
    )


def test_harmonic_oscillators_appear_at_their_energies_each_with_three_modes(tmp_path):
    """Equal kinetic energies: amplitudes go as 1/sqrt(m); the partial densities hold 3 modes an atom."""
    rng = np.random.default_rng(1)
    energies, symbols, masses = [20.0, 60.0, 110.0, 110.0], ["Na", "B", "H", "H"], [22.99, 10.81, 1.008, 1.008]
    velocities = oscillators(8000, 0.005, energies, 10 / np.sqrt(masses), rng)
    trajectory = moving(tmp_path, velocities, symbols, 0.005, masses=masses, bonds=np.array([[1, 2], [1, 3]]))
    total = vibrational_density_of_states(trajectory)
    energy = total.coords["energy_transfer"].values
    assert integral(total) == pytest.approx(12, rel=1e-12)
    assert total.unit == sc.Unit("1/meV")
    by_element = vibrational_density_of_states(trajectory, "element")
    assert list(by_element) == ["Na", "B", "H"]
    for name, position, modes in (("Na", 20.0, 3), ("B", 60.0, 3), ("H", 110.0, 6)):
        part = by_element[name]
        assert integral(part) == pytest.approx(modes, rel=2e-3)
        assert np.sum(part.values * energy) / np.sum(part.values) == pytest.approx(position, abs=0.05)
        width = energy[part.values > 0.5 * part.values.max()]
        assert np.ptp(width) < 1.0  # meV, the resolution
    by_molecule = vibrational_density_of_states(trajectory, "molecule")
    assert list(by_molecule) == ["Na", "BH2"]
    assert integral(by_molecule["BH2"]) == pytest.approx(9, rel=2e-3)
    summed = sum(part.values for part in by_molecule.values())
    np.testing.assert_allclose(summed, total.values, rtol=1e-9, atol=1e-12)
    assert by_molecule["BH2"].coords["mass"].value == pytest.approx(10.81 + 2 * 1.008)
    assert total.coords["diffusive_share"].value < 1e-6
    assert total.coords["caution"].value == ""


@pytest.mark.parametrize("width", ["1 meV", "3 meV"])
def test_resolution_is_the_width_of_a_sharp_mode(tmp_path, width):
    velocities = oscillators(6000, 0.01, np.linspace(50, 51, 40), np.ones(40), np.random.default_rng(2))
    one = moving(tmp_path, velocities[:, :1], "H", 0.01)
    density = vibrational_density_of_states(one, resolution=width)
    energies, values = density.coords["energy_transfer"].values, density.values
    # a Hann window's lobe, between the few points that a sharp mode gives: fit its second moment
    second = np.sum(values * (energies - 50) ** 2) / np.sum(values)
    wanted = float(width.split()[0])
    assert np.sqrt(second) * 1.44 / np.sqrt(1 / 3) == pytest.approx(wanted, rel=0.1)


def free_diffusion(frames, atoms, decay, rng):
    """Velocities with the correlation exp(-t / tau), decay = exp(-dt / tau): a Langevin particle."""
    noise = rng.standard_normal((frames + 1000, atoms, 3))
    return lfilter([1.0], [1.0, -decay], noise, axis=0)[1000:]


def test_free_diffusion_is_a_lorentzian_within_the_errors(tmp_path):
    rng = np.random.default_rng(3)
    dt, decay, atoms = 0.02, 0.9, 20
    trajectory = moving(tmp_path, free_diffusion(20000, atoms, decay, rng), f"Li{atoms}", dt)
    density = vibrational_density_of_states(trajectory)
    energy = density.coords["energy_transfer"].values
    # expected of a Hann window: the correlation times that of the window, Fourier transformed
    length = 2 * (len(energy) - 1)
    window = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    lag = np.abs(np.arange(-length + 1, length))
    product = decay**lag * np.correlate(window, window, "full")
    spectrum = np.cos(2 * np.pi * dt / PLANCK * energy[:, None] * lag) @ product
    exact = 3 * atoms * spectrum / np.trapezoid(spectrum, energy)
    z = (density.values - exact)[1:] / np.sqrt(density.variances[1:])
    assert np.sqrt(np.mean(z**2)) == pytest.approx(1, abs=0.15)
    assert np.abs(z).max() < 4.5
    # g(0) = 12 N tau / h, tau of the sampled process by its own sum
    tau = dt * (0.5 + decay / (1 - decay))
    assert density.values[0] == pytest.approx(12 * atoms * tau / PLANCK, rel=0.06)
    share = np.trapezoid(exact[:3], energy[:3]) / (3 * atoms)
    assert density.coords["diffusive_share"].value == pytest.approx(share, rel=0.05)
    caution = density.coords["caution"].value
    assert "harmonic oscillators are a wrong picture" in caution
    assert "harmonic oscillators" in quantum_heat_capacity(density, "300 K").coords["caution"].value


def test_blocks_of_atoms_give_the_same_density(tmp_path, monkeypatch):
    import caloris.atoms.trajectory as store

    trajectory = moving(tmp_path, free_diffusion(400, 20, 0.5, np.random.default_rng(4)), "LiH" * 10, 0.1)
    whole = vibrational_density_of_states(trajectory, "element")["H"].values
    monkeypatch.setattr(store, "SLAB", 24 * 4 * 400 * 3)
    assert len(list(trajectory.blocks(copies=4))) == 7
    np.testing.assert_allclose(vibrational_density_of_states(trajectory, "element")["H"].values, whole, rtol=1e-10)


def test_frames_too_far_apart_are_said(tmp_path):
    rng = np.random.default_rng(5)
    slow = moving(tmp_path, oscillators(2000, 0.05, [39.0], [1.0], rng), "H", 0.05)  # Nyquist at 41 meV
    assert "highest that frames 0.05 ps apart can show" in vibrational_density_of_states(slow).coords["caution"].value
    with pytest.raises(InputError, match=r"0\.01 meV needs .* ps"):
        vibrational_density_of_states(slow, resolution="0.01 meV")
    still = stored(tmp_path, np.zeros((2000, 1, 3)), "H")
    with pytest.raises(InputError, match="holds no velocity"):
        vibrational_density_of_states(still, resolution="0.01 meV")


def test_weights_count_atoms_as_a_neutron_does(tmp_path):
    """sigma / m of each atom: H outshines the rest; every atom alike is the plain density."""
    rng = np.random.default_rng(7)
    energies, masses = [20.0, 60.0, 110.0], np.array([22.99, 10.81, 1.008])
    trajectory = moving(
        tmp_path, oscillators(8000, 0.005, energies, 10 / np.sqrt(masses), rng), "NaBH", 0.005, masses=masses
    )
    weight = np.array([3.28, 5.24, 82.02]) / masses
    found = vibrational_density_of_states(trajectory, "element", weights=sc.array(dims=["atom"], values=weight))
    assert sum(integral(part) for part in found.values()) == pytest.approx(9, rel=1e-12)
    for name, w in zip(("Na", "B", "H"), weight, strict=True):
        assert integral(found[name]) == pytest.approx(9 * w / weight.sum(), rel=2e-3)
    plain = vibrational_density_of_states(trajectory)
    alike = vibrational_density_of_states(trajectory, weights=sc.full(dims=["atom"], shape=[3], value=7.0, unit="barn"))
    np.testing.assert_allclose(alike.values, plain.values, rtol=1e-12)
    with pytest.raises(InputError, match="one for each atom"):
        vibrational_density_of_states(trajectory, weights=sc.array(dims=["atom"], values=[1.0]))
    with pytest.raises(InputError, match="motions"):
        vibrational_density_of_states(trajectory, "motion", weights=sc.array(dims=["atom"], values=weight))


def test_a_species_has_its_own_density(tmp_path):
    rng = np.random.default_rng(8)
    velocities = oscillators(4000, 0.01, [20.0, 60.0, 110.0], [1.0, 1.0, 1.0], rng)
    trajectory = moving(tmp_path, velocities, "NaBH", 0.01, bonds=np.array([[1, 2]]))
    alone = vibrational_density_of_states(trajectory, species="BH")
    assert integral(alone) == pytest.approx(6, rel=1e-12)
    part = vibrational_density_of_states(trajectory, "ion")["BH"]
    np.testing.assert_allclose(alone.values / integral(alone), part.values / integral(part), rtol=1e-9, atol=1e-12)
    assert list(vibrational_density_of_states(trajectory, "element", species="BH")) == ["B", "H"]


# -- eq. 9 of the paper on NH4SCN ----------------------------------------------------------------------


def test_eq_9_of_harmonic_oscillators(tmp_path):
    """Re int_0^tau cos(w0 t) cos(w t) dt of each atom times its mass, whatever its velocity."""
    rng = np.random.default_rng(9)
    energies, masses, dt = np.array([20.0, 60.0]), np.array([30.0, 2.0]), 0.005
    trajectory = moving(tmp_path, oscillators(8000, dt, energies, [1.0, 7.0], rng), "PH", dt, masses=masses)
    found = mass_weighted_spectrum(trajectory, longest="2 ps", window=None)
    E = found.coords["energy_transfer"].values[:, None]
    sums, differences = ((2 * np.pi / PLANCK * (E + sign * energies)) for sign in (1, -1))
    tau = 2.0
    exact = 0.5 * tau * (np.sinc(sums * tau / np.pi) + np.sinc(differences * tau / np.pi)) @ masses
    low = E[:, 0] < 120
    np.testing.assert_allclose(found.values[low], exact[low], atol=0.04 * exact.max())
    assert found.unit == sc.Unit("u*ps")
    peaks = [found.values[np.argmin(np.abs(E[:, 0] - e))] for e in energies]
    assert peaks[0] / peaks[1] == pytest.approx(15, rel=0.1)  # the heavier counts 15 times, not once
    smooth = mass_weighted_spectrum(trajectory, longest="2 ps")
    ripple = smooth.values[low & (np.abs(E - energies).min(axis=1) > 5)]
    assert np.abs(ripple).max() < 0.03 * smooth.values.max()


def test_eq_9_is_the_density_of_states_times_mass(tmp_path):
    """D = h / 12 sum m g: of free diffusion with one correlation, times 5 for an atom 5 times heavier."""
    rng = np.random.default_rng(10)
    dt, atoms = 0.02, 20
    trajectory = moving(tmp_path, free_diffusion(20000, atoms, 0.9, rng), f"Li{atoms}", dt, masses=np.full(atoms, 5.0))
    D = mass_weighted_spectrum(trajectory, longest="3 ps")
    g = vibrational_density_of_states(trajectory, resolution="1 meV")
    E = D.coords["energy_transfer"].values
    known = np.interp(E, g.coords["energy_transfer"].values, g.values) * 5 * PLANCK / 12
    kept = (E > 2) & (E < 40)
    np.testing.assert_allclose(D.values[kept], known[kept], rtol=0.1)
    error = np.sqrt(D.variances[kept])
    assert 0.005 < np.median(error / D.values[kept]) < 0.05
    total = mass_weighted_spectrum(trajectory, longest="3 ps", species=range(8)).values
    other = mass_weighted_spectrum(trajectory, longest="3 ps", species=range(8, 20)).values
    np.testing.assert_allclose(total + other, D.values, rtol=1e-9, atol=1e-12)


def test_errors_of_eq_9_hold_the_truth(tmp_path):
    rng = np.random.default_rng(11)
    dt, decay, atoms, tau = 0.02, 0.8, 6, 1.0
    t = dt * np.arange(round(tau / dt) + 1)
    weights = np.full(len(t), dt)
    weights[[0, -1]] *= 0.5
    inside = []
    for _ in range(20):
        D = mass_weighted_spectrum(
            moving(tmp_path, free_diffusion(4000, atoms, decay, rng), f"Li{atoms}", dt, masses=np.ones(atoms)),
            longest="1 ps",
            window=None,
        )
        E = D.coords["energy_transfer"].values
        exact = atoms * np.cos(2 * np.pi / PLANCK * E[:, None] * t) @ (weights * decay ** (t / dt))
        inside.append(np.abs(D.values - exact)[::2] < np.sqrt(D.variances)[::2])
    assert 0.58 < np.mean(inside) < 0.78


def test_eq_9_needs_a_trajectory_twice_as_long(tmp_path):
    trajectory = moving(tmp_path, free_diffusion(100, 2, 0.5, np.random.default_rng(12)), "Li2", 0.1)
    with pytest.raises(InputError, match="half of the trajectory"):
        mass_weighted_spectrum(trajectory, longest="6 ps")
    with pytest.raises(InputError, match="window"):
        mass_weighted_spectrum(trajectory, window="blackman")


# -- heat capacity and entropy -------------------------------------------------------------------------


def einstein(E, modes=3.0):
    """One narrow line on a grid of 0.5 meV."""
    energy = 0.5 * np.arange(round(4 * E))
    values = np.zeros_like(energy)
    values[round(2 * E)] = modes / 0.5
    return density_of(energy, values)


@settings(max_examples=40)
@given(st.integers(1, 300), st.floats(20, 2000))
def test_einstein_oscillator(E, T):
    x = E / (K * T)
    density = einstein(float(E))
    C = 3 * x**2 * np.exp(-x) / (-np.expm1(-x)) ** 2
    S = 3 * (x * np.exp(-x) / -np.expm1(-x) - np.log(-np.expm1(-x)))
    scale = GAS / 10
    assert quantum_heat_capacity(density, f"{T} K").value == pytest.approx(scale * C, rel=1e-9, abs=1e-12)
    assert vibrational_entropy(density, f"{T} K").value == pytest.approx(scale * S, rel=1e-7, abs=1e-12)
    assert quantum_heat_capacity(density, f"{T} K", kind="classical").value == pytest.approx(scale * 3)
    assert vibrational_entropy(density, f"{T} K", kind="classical").value == pytest.approx(scale * 3 * (1 - np.log(x)))
    for function in (quantum_heat_capacity, vibrational_entropy):
        quantum, classical, correction = (
            function(density, f"{T} K", kind=kind).value for kind in ("quantum", "classical", "correction")
        )
        assert correction == pytest.approx(quantum - classical, rel=1e-6, abs=1e-6)


def test_classical_limit_is_k_for_each_mode():
    """Li2B12H12, 26 atoms: 3 N k is the 4165 J/K/kg of a classical simulation."""
    mass = 2 * 6.94 + 12 * 10.81 + 12 * 1.008
    energy = np.linspace(0, 300, 3001)
    density = density_of(energy, 78 * energy**2 * 3 / 300**3, mass)
    assert quantum_heat_capacity(density, "100000 K").value == pytest.approx(4165, rel=1e-3)
    assert quantum_heat_capacity(density, "300 K", kind="classical").value == pytest.approx(4165, rel=1e-3)
    assert quantum_heat_capacity(density, "300 K", kind="correction").value < -1000


def test_debye_solid_at_low_temperature():
    """C = 12 pi^4 / 5 N k (T / theta)^3 and S = C / 3."""
    cutoff, atoms = 40.0, 4
    energy = np.linspace(0, cutoff, 40001)
    density = density_of(energy, 9 * atoms * energy**2 / cutoff**3)
    theta = cutoff / K
    for ratio in (50, 100):
        exact = 12 * np.pi**4 / 5 * atoms / ratio**3 * GAS / 10
        assert quantum_heat_capacity(density, f"{theta / ratio} K").value == pytest.approx(exact, rel=1e-3)
        assert vibrational_entropy(density, f"{theta / ratio} K").value == pytest.approx(exact / 3, rel=1e-3)


def test_entropy_is_the_integral_of_heat_capacity_over_temperature():
    energy = np.linspace(0, 60, 2001)
    density = density_of(energy, energy**2 * (60 - energy) * 1e-6)
    T = np.geomspace(1, 400, 300)
    C = [quantum_heat_capacity(density, f"{t} K").value for t in T]
    S = vibrational_entropy(density, "400 K").value - vibrational_entropy(density, "1 K").value
    assert np.trapezoid(np.array(C) / T, T) == pytest.approx(S, rel=1e-4)


def test_errors_of_heat_capacity_are_its_scatter(tmp_path):
    rng = np.random.default_rng(6)
    found = []
    for _ in range(25):
        noise = rng.standard_normal((2000, 5, 3))
        velocities = lfilter([1.0], [1.0, -1.2, 0.8], noise, axis=0)[500:]  # a damped vibration
        density = vibrational_density_of_states(moving(tmp_path, velocities, "Li5", 0.02))
        found.append(quantum_heat_capacity(density, "100 K"))
    scatter = np.std([f.value for f in found], ddof=1)
    error = np.sqrt(np.mean([f.variance for f in found]))
    assert 0.75 < error / scatter < 1.35


def test_what_the_resolution_smears_is_in_the_error(tmp_path):
    """Undamped modes of 6 meV seen 2 meV wide: their entropy grows by more than it scatters."""
    rng = np.random.default_rng(21)
    energies = rng.uniform(5.5, 6.5, 12)
    trajectory = moving(tmp_path, oscillators(3000, 0.02, energies, np.ones(12), rng), "Li12", 0.02)
    x = energies / (K * 300)
    exact = GAS / 6.94 * 3 * np.mean(x / np.expm1(x) - np.log(-np.expm1(-x)))
    found = vibrational_entropy(vibrational_density_of_states(trajectory, resolution="2 meV"), "300 K")
    error = np.sqrt(found.variance)
    assert 0.2 * error < found.value - exact < 1.2 * error
    assert error < 0.01 * exact
    fine = vibrational_entropy(vibrational_density_of_states(trajectory, resolution="0.5 meV"), "300 K")
    assert np.sqrt(fine.variance) < 0.2 * error


@pytest.mark.parametrize("drift", [0.3, 3.0])
def test_a_drift_of_all_atoms_is_no_mode(tmp_path, drift):
    """All atoms together have no momentum but that of the drift."""
    v = np.sqrt(1 / 6.94) * oscillators(3000, 0.01, np.linspace(20, 60, 9), np.ones(9), np.random.default_rng(22))
    v -= v.mean(axis=1, keepdims=True)
    rest, moves = (moving(tmp_path, v + u * np.array([1.0, 0.5, 0.0]), "Li9", 0.01) for u in (0.0, drift))
    still = vibrational_density_of_states(rest).values
    np.testing.assert_allclose(vibrational_density_of_states(moves).values, still, rtol=1e-9, atol=1e-12)
    motion = vibrational_density_of_states(moves, "motion")["translation"].values
    np.testing.assert_allclose(motion, still, rtol=1e-9, atol=1e-12)
    eq_9, known = (mass_weighted_spectrum(t, longest="1 ps").values for t in (moves, rest))
    np.testing.assert_allclose(eq_9, known, rtol=1e-9, atol=1e-9 * np.abs(known).max())


def test_what_has_no_mass_or_temperature_is_refused():
    density = einstein(10.0).drop_coords("mass")
    with pytest.raises(InputError, match="mass"):
        quantum_heat_capacity(density, "300 K")
    assert quantum_heat_capacity(density, "3000 K", mass="10 u").value == pytest.approx(3 * GAS / 10, rel=1e-3)
    with pytest.raises(InputError, match="temperature"):
        vibrational_entropy(einstein(10.0), "0 K")
    with pytest.raises(InputError, match="kind"):
        vibrational_entropy(einstein(10.0), "300 K", kind="both")
