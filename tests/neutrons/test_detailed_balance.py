"""Quantum corrections against the exact oscillator and the exact gas of free atoms, moments, and a thermometer."""

import math

import numpy as np
import pytest
import scipp as sc
from scipy.special import ive

from caloris.errors import InputError
from caloris.neutrons.detailed_balance import check_detailed_balance, quantum_correction, quantum_factor, symmetrised

KB = 8.617333262e-2
HBAR2_2M = 2.0721248  # meV angstrom^2, of a neutron
T = 300.0


def spectrum(energy: np.ndarray, values: np.ndarray, variances: np.ndarray | None = None) -> sc.DataArray:
    data = sc.array(dims=["energy_transfer"], values=values, variances=variances)
    coord = sc.array(dims=["energy_transfer"], values=energy, unit="meV")
    return sc.DataArray(data, coords={"energy_transfer": coord})


def free_atom(energy: np.ndarray, recoil: float, *, quantum: bool) -> np.ndarray:
    """Exact S(Q,E) of an ideal gas: a Gaussian around the recoil energy, or around 0 if classical."""
    width = 2 * KB * T * recoil
    return np.exp(-((energy - (recoil if quantum else 0.0)) ** 2) / (2 * width)) / math.sqrt(2 * math.pi * width)


@pytest.mark.parametrize("energy", [5.0, 30.0, 150.0])
def test_one_phonon_of_an_oscillator_is_exact_with_the_harmonic_factor_only(energy: float) -> None:
    """Classical line Q^2 kT / (2 M w^2) at +-E; quantum (hbar Q^2 / 2 M w) (n + 1) at +E and n at -E."""
    n = 1 / math.expm1(energy / (KB * T))
    exact = np.array([n, n + 1])
    lines = spectrum(np.array([-energy, energy]), np.full(2, KB * T / energy))
    found = quantum_correction(lines, f"{T} K", "harmonic")
    assert found.values == pytest.approx(exact, rel=1e-12)
    for kind in ("standard", "Schofield"):
        wrong = quantum_correction(lines, f"{T} K", kind).values
        assert np.abs(wrong / exact - 1).max() > 1e-3
        assert wrong[0] / wrong[1] == pytest.approx(n / (n + 1), rel=1e-12)  # balance itself holds for each


def test_two_phonons_are_not_exact_with_the_harmonic_factor() -> None:
    """Line at 2E of an oscillator, from the exact sum over orders: the corrected classical one is off."""
    energy, strength = 30.0, 0.1
    x = energy / (KB * T)
    n = 1 / math.expm1(x)
    argument = 2 * strength * math.sqrt(n * (n + 1))
    exact = ive(2, argument) * math.exp(argument - strength * (2 * n + 1)) * math.exp(x)
    classical_argument = 2 * strength / x
    classical = ive(2, classical_argument)
    corrected = quantum_correction(spectrum(np.array([2 * energy]), np.array([classical])), f"{T} K").values[0]
    assert abs(corrected / exact - 1) > 0.05


def test_free_atoms_are_exact_with_schofields_factor_but_for_his_constant() -> None:
    recoil = HBAR2_2M * 3.0**2 / 1.0
    energy = np.linspace(-400, 400, 4001)
    found = quantum_correction(spectrum(energy, free_atom(energy, recoil, quantum=False)), f"{T} K", "Schofield")
    exact = free_atom(energy, recoil, quantum=True) * math.exp(recoil / (4 * KB * T))
    assert found.values == pytest.approx(exact, rel=1e-10)


def test_moments_are_conserved_as_stated() -> None:
    recoil = HBAR2_2M * 2.0**2 / 1.0
    energy = np.linspace(-600, 600, 12001)
    classical = spectrum(energy, free_atom(energy, recoil, quantum=False))
    moments = {}
    for kind in ("harmonic", "standard", "Schofield"):
        values = quantum_correction(classical, f"{T} K", kind).values
        moments[kind] = np.trapezoid(values, energy), np.trapezoid(values * energy, energy)
    assert moments["standard"][0] == pytest.approx(1.0, rel=1e-9)
    assert moments["standard"][1] < 0.99 * recoil
    assert moments["harmonic"][1] == pytest.approx(recoil, rel=1e-9)
    assert moments["harmonic"][0] > 1.01
    assert moments["Schofield"][0] == pytest.approx(math.exp(recoil / (4 * KB * T)), rel=1e-9)
    assert moments["Schofield"][1] > 1.01 * recoil


def test_factors_are_one_at_rest_and_finite_at_any_energy() -> None:
    energy = sc.array(dims=["energy_transfer"], values=[-1e6, -1e-9, 0.0, 1e-9, 1e6], unit="meV")
    for kind in ("harmonic", "standard", "Schofield"):
        values = quantum_factor(energy, "2 K", kind).values
        assert np.all(np.isfinite(values))
        assert values[1:4] == pytest.approx(1.0, abs=1e-8)


def test_symmetrised_spectrum_in_balance_is_symmetric() -> None:
    energy = np.linspace(-100, 100, 401)
    quantum = spectrum(energy, free_atom(energy, 8.0, quantum=True))
    found = symmetrised(quantum, f"{T} K").values
    assert found == pytest.approx(found[::-1], rel=1e-9)


def test_a_spectrum_is_not_corrected_twice() -> None:
    once = quantum_correction(spectrum(np.linspace(-1, 1, 5), np.ones(5)), "300 K", "standard")
    with pytest.raises(InputError, match="standard quantum correction already"):
        quantum_correction(once, "300 K")
    with pytest.raises(InputError, match="'harmonic'"):
        quantum_factor(sc.scalar(1.0, unit="meV"), "300 K", "classical")


def counted(seed: int, temperature: float, counts: float, background: float = 0.0) -> sc.DataArray:
    """Synthetic counts of a relaxing liquid in balance, on bins that are not symmetric about 0."""
    edges = np.concatenate([np.linspace(-40, -5, 71)[:-1], np.linspace(-5, 22, 109)])
    centres = 0.5 * (edges[1:] + edges[:-1])
    line = 3.0 / (centres**2 + 9.0)
    factor = quantum_factor(
        sc.array(dims=["energy_transfer"], values=centres, unit="meV"), f"{temperature} K", "standard"
    ).values
    widths = np.diff(edges)
    expected = counts * line * factor * widths + background * widths
    drawn = np.random.default_rng(seed).poisson(expected).astype(float)
    return spectrum(edges, drawn / widths, np.maximum(drawn, 1.0) / widths**2)


def test_fitted_temperature_holds_the_truth_in_two_of_three_cases() -> None:
    inside = []
    for seed in range(200):
        found = check_detailed_balance(counted(seed, 300.0, 3e4), "300 K").balance
        inside.append(abs(found.value - 1) < math.sqrt(found.variance))
    assert 0.60 < np.mean(inside) < 0.76


def test_thermometer_reads_the_sample_not_the_label() -> None:
    found = check_detailed_balance(counted(1, 380.0, 3e6), "300 K")
    assert abs(found.temperature.value - 380.0) < 3 * math.sqrt(found.temperature.variance)
    assert math.sqrt(found.temperature.variance) < 5
    assert "not on 300 K" in found.warnings[0]
    assert not check_detailed_balance(counted(1, 380.0, 3e6), "380 K").warnings


def test_classical_and_reversed_spectra_and_backgrounds_are_recognised() -> None:
    energy = np.linspace(-20, 20, 81)
    line = 3.0 / (energy**2 + 9.0)
    errors = (0.01 * line) ** 2
    assert "symmetric" in check_detailed_balance(spectrum(energy, line, errors), "300 K").warnings[0]
    quantum = quantum_correction(spectrum(energy, line, errors), "300 K")
    reverse = spectrum(energy, quantum.values[::-1].copy(), quantum.variances[::-1].copy())
    assert "reversed" in check_detailed_balance(reverse, "300 K").warnings[0]
    assert not check_detailed_balance(quantum, "300 K").warnings
    assert "background" in check_detailed_balance(counted(2, 300.0, 3e6, background=2e4), "300 K").warnings[0]


def test_without_variances_the_scatter_gives_the_error() -> None:
    pulls = []
    for seed in range(60):
        data = counted(seed, 300.0, 3e5)
        found = check_detailed_balance(spectrum(data.coords["energy_transfer"].values, data.values), "300 K").balance
        pulls.append((found.value - 1) / math.sqrt(found.variance))
    assert 0.5 < np.std(pulls) < 2.0


def test_one_sided_spectra_are_refused() -> None:
    with pytest.raises(InputError, match="both sides"):
        check_detailed_balance(spectrum(np.linspace(1, 20, 20), np.ones(20)), "300 K")
