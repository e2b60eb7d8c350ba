"""S(Q,E) and elastic fractions of trajectories against their closed forms, within their errors."""

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import stored
from scipy.special import voigt_profile

import caloris as cal
from caloris.atoms.synthetic_trajectory import (
    LatticeJumps,
    Molecules,
    Particles,
    SiteJumps,
    SyntheticTrajectory,
    Vibration,
    cubic_sites,
)
from caloris.errors import InputError
from caloris.neutrons.line_shapes import HBAR
from caloris.neutrons.resolution import gaussian, ideal, sum_of_gaussians

Q = sc.array(dims=["Q"], values=[0.6, 1.2, 1.9, 3.0], unit="1/angstrom")
HEAVY = Particles("U", cubic_sites("5 angstrom", (6, 6, 6)))
ENERGY = sc.linspace("energy_transfer", -3.0, 3.0, 121, unit="meV")


def ammonium(rotation, seed=1, frames=600):
    molecules = Molecules("N", "H", cubic_sites("5 angstrom", (6, 6, 6)), rotation)
    return SyntheticTrajectory((HEAVY, molecules), cell="30 angstrom", frames=frames, timestep="50 fs", seed=seed)


def voigt(weights, hwhm, sigma):
    """Sum of Lorentzians and delta functions (hwhm 0) through a Gaussian, (Q, E)."""
    lines = [voigt_profile(ENERGY.values[None], sigma, np.reshape(w, (-1, 1)) + 1e-12) for w in hwhm]
    return sum(np.reshape(a, (-1, 1)) * line for a, line in zip(weights, lines, strict=True))


def test_threefold_jumps_give_delta_and_lorentzian(tmp_path):
    synthetic = ammonium(SiteJumps.threefold("1.02 angstrom", "1 ps"))
    trajectory = synthetic.write(tmp_path / "x.h5")
    resolution = gaussian("0.4 meV")
    found = cal.neutrons.dynamic_structure_factor(
        trajectory, Q, atoms="H", weights="number", energy_transfer=ENERGY, resolution=resolution
    )
    j0 = np.sinc(Q.values * 1.02 * np.sqrt(8 / 3) / np.pi)
    eisf = 0.25 + 0.75 * (1 + 2 * j0) / 3  # one hydrogen in four lies on the axis
    exact = voigt([eisf, 1 - eisf], [np.zeros(4), np.full(4, 1.5 * HBAR / 1.0)], 0.4 / 2.354820045)
    difference = found.values - exact
    assert found.unit == "1/meV"
    assert np.abs(difference).max() < 0.02 * exact.max()
    z = difference / np.sqrt(found.variances)
    assert np.sqrt(np.mean(z**2)) < 2.0
    np.testing.assert_allclose(found.values, found.values[:, ::-1], atol=1e-9)  # classical: alike at E and -E


def test_chudley_elliott_width_of_lattice_jumps(tmp_path):
    jumping = Particles(
        "Li", cubic_sites("5 angstrom", (6, 6, 6)), LatticeJumps(length="3 angstrom", residence_time="2 ps")
    )
    synthetic = SyntheticTrajectory((HEAVY, jumping), cell="30 angstrom", frames=800, timestep="50 fs", seed=3)
    trajectory = synthetic.write(tmp_path / "x.h5")
    vectors = sc.vectors(dims=["Q"], values=[[0.5, 0, 0], [1.0, 0, 0], [0.7, 0.7, 0.7]], unit="1/angstrom")
    found = cal.neutrons.dynamic_structure_factor(
        trajectory, vectors, atoms="Li", weights="number", energy_transfer=ENERGY, resolution=gaussian("0.3 meV")
    )
    hwhm = HBAR / 2.0 * (1 - np.cos(3 * vectors.values).mean(axis=1))
    exact = voigt([np.ones(3)], [hwhm], 0.3 / 2.354820045)
    z = (found.values - exact) / np.sqrt(found.variances)
    assert np.sqrt(np.mean(z**2)) < 2.0
    assert np.abs(found.values - exact).max() < 0.08 * exact.max()


def test_area_is_what_is_there_at_time_zero(tmp_path):
    trajectory = ammonium(SiteJumps.tetrahedral("1.02 angstrom", "0.5 ps")).write(tmp_path / "x.h5")
    scattering = cal.neutrons.scattering(trajectory, Q, "incoherent")
    spectrum = scattering.spectrum(resolution=gaussian("0.5 meV"))
    area = np.trapezoid(spectrum.values, spectrum.coords["energy_transfer"].values, axis=1)
    np.testing.assert_allclose(area, scattering.intermediate()["time", 0].values, rtol=1e-2)
    assert spectrum.unit == "barn/meV"


def test_partial_spectra_add_up_and_detailed_balance_holds(tmp_path):
    trajectory = ammonium(SiteJumps.tetrahedral("1.02 angstrom", "0.5 ps")).write(tmp_path / "x.h5")
    group = cal.neutrons.dynamic_structure_factor(
        trajectory, Q, partial=True, energy_transfer=ENERGY, resolution=gaussian("0.5 meV"), temperature="300 K"
    )
    total = group["total"].values
    np.testing.assert_allclose(sum(group[name].values for name in ("U", "N", "H")), total, rtol=1e-9)
    ratio = total[:, ::-1] / total
    wings = np.abs(ENERGY.values) > 1.5  # the elastic line is smeared by the instrument, and alike on both sides
    exact = np.exp(-ENERGY.values / (8.617333e-2 * 300))[None].repeat(4, axis=0)
    np.testing.assert_allclose(ratio[:, wings], exact[:, wings], rtol=0.01)


def test_a_resolution_finer_than_the_run_is_said(tmp_path):
    trajectory = ammonium(SiteJumps.threefold("1.02 angstrom", "1 ps"), frames=100).write(tmp_path / "x.h5")
    scattering = cal.neutrons.scattering(trajectory, Q)
    fine = scattering.spectrum(resolution=gaussian("0.01 meV"), energy_transfer=ENERGY)
    assert "finer than" in fine.coords["caution"].value
    assert "No resolution" in scattering.spectrum().coords["caution"].value
    coarse = scattering.spectrum(resolution=gaussian("5 meV"), energy_transfer=ENERGY)
    assert coarse.coords["caution"].value == ""
    with pytest.raises(InputError, match="keep frames more often"):
        scattering.spectrum(energy_transfer=sc.linspace("energy_transfer", -100.0, 100.0, 11, unit="meV"))
    with pytest.raises(InputError, match="meV"):
        scattering.spectrum(energy_transfer=sc.linspace("energy_transfer", 0.0, 1.0, 11, unit="K"))
    with pytest.raises(InputError, match="needs a width"):
        scattering.spectrum(resolution=ideal())
    other_name = scattering.spectrum(energy_transfer=sc.linspace("omega", -1.0, 1.0, 11, unit="meV"))
    assert other_name.dims == ("Q", "energy_transfer")


@pytest.mark.parametrize(
    ("rotation", "eisf"),
    [
        (SiteJumps.threefold("1.02 angstrom", "1 ps"), lambda hh, nh: 0.5 * (1 + hh)),
        (SiteJumps.tetrahedral("1.02 angstrom", "1 ps"), lambda hh, nh: 0.25 * (1 + 3 * hh)),
    ],
)
def test_eisf_is_that_of_equations_4_and_5_of_the_paper(tmp_path, rotation, eisf):
    """Zhang et al.: eq. 4 of all four hydrogens of an ion that turns about one N-H axis, eq. 5 tetrahedral."""
    trajectory = ammonium(rotation, frames=1200).write(tmp_path / "x.h5")
    found = cal.neutrons.elastic_incoherent_structure_factor(trajectory, Q, atoms="H", after="0 ps")
    exact = eisf(np.sinc(Q.values * 1.02 * np.sqrt(8 / 3) / np.pi), None)
    for curve in (found.eisf, found.infinite_time):
        z = (curve.values - exact) / np.sqrt(curve.variances)
        assert np.abs(z).max() < 4
        np.testing.assert_allclose(curve.values, exact, atol=0.03)
    assert found.warnings == ()


def test_vibrations_are_told_from_slow_motion(tmp_path):
    """Infinite time has the Debye-Waller factor in it, the EISF of the fit has not."""
    shake = Vibration(mean_square="0.02 angstrom^2", frequency="10 THz", damping="5 1/ps")
    molecules = Molecules(
        "N", "H", cubic_sites("5 angstrom", (6, 6, 6)), SiteJumps.threefold("1.02 angstrom", "2 ps"), outer_motion=shake
    )
    synthetic = SyntheticTrajectory((HEAVY, molecules), cell="30 angstrom", frames=1500, timestep="20 fs", seed=5)
    found = cal.neutrons.elastic_incoherent_structure_factor(
        synthetic.write(tmp_path / "x.h5"), Q, atoms="H", after="1 ps"
    )
    hh = np.sinc(Q.values * 1.02 * np.sqrt(8 / 3) / np.pi)
    debye_waller = np.exp(-(Q.values**2) * 0.02)
    np.testing.assert_allclose(found.debye_waller.values, debye_waller, atol=0.03)
    np.testing.assert_allclose(found.eisf.values, 0.5 * (1 + hh), atol=0.04)
    np.testing.assert_allclose(found.infinite_time.values, debye_waller * 0.5 * (1 + hh), atol=0.03)
    np.testing.assert_allclose(found.hwhm.values[1:], 1.5 * HBAR / 2, rtol=0.15)


def test_eisf_errors_hold_the_truth_in_two_of_three_cases(tmp_path):
    inside = []
    hh = np.sinc(Q.values * 1.02 * np.sqrt(8 / 3) / np.pi)
    for seed in range(50):
        trajectory = ammonium(SiteJumps.threefold("1.02 angstrom", "0.5 ps"), seed=seed, frames=200).write(
            tmp_path / "x.h5"
        )
        found = cal.neutrons.elastic_incoherent_structure_factor(trajectory, Q, atoms="H", after="0 ps")
        z = (found.eisf.values - 0.5 * (1 + hh)) / np.sqrt(found.eisf.variances)
        inside += (np.abs(z) < 1).tolist()
    assert 0.60 < np.mean(inside) < 0.76


def test_nothing_moves_or_all_is_over(tmp_path):
    rng = np.random.default_rng(1)
    still = rng.uniform(0, 20, (1, 40, 3)) + 0.01 * rng.standard_normal((100, 40, 3))
    found = cal.neutrons.elastic_incoherent_structure_factor(stored(tmp_path, still, "H40", cell=20.0), Q)
    assert np.all(found.infinite_time.values > 0.99)
    assert np.all(np.isnan(found.hwhm.values))
    assert any("No slow motion" in warning for warning in found.warnings)
    with pytest.raises(InputError, match="a fit needs 8"):
        cal.neutrons.elastic_incoherent_structure_factor(
            stored(tmp_path, still, "H40", cell=20.0), Q, after="1 ps", until="3 ps"
        )


def test_density_of_states_by_equation_2_is_that_of_the_velocities(tmp_path):
    """Zhang et al., eq. 2 on a simulated S(Q,E), against the spectrum of the damped oscillator that made it."""
    shake = Vibration(mean_square="0.003 angstrom^2", frequency="6 THz", damping="6 1/ps")
    hydrogen = Particles("H", cubic_sites("5 angstrom", (6, 6, 6)), shake)
    synthetic = SyntheticTrajectory((HEAVY, hydrogen), cell="30 angstrom", frames=4000, timestep="10 fs", seed=2)
    trajectory = synthetic.write(tmp_path / "x.h5")
    energies = sc.linspace("energy_transfer", -60.0, 60.0, 241, unit="meV")
    wanted = sc.array(dims=["Q"], values=[1.0, 1.5, 2.0, 2.5], unit="1/angstrom")
    spectrum = cal.neutrons.dynamic_structure_factor(
        trajectory, wanted, atoms="H", energy_transfer=energies, resolution=gaussian("1.5 meV"), temperature="300 K"
    )
    density = cal.neutrons.phonon_density_of_states(spectrum, "300 K", elastic="6 meV", area=("0 meV", "60 meV"))
    middle = sc.midpoints(density.coords["energy_transfer"])
    exact = shake.density_of_states(middle)
    inside = (middle.values > 8) & (middle.values < 50)
    scale = np.trapezoid(exact.values[inside], middle.values[inside]) / np.trapezoid(
        density.values[inside], middle.values[inside]
    )
    np.testing.assert_allclose(scale * density.values[inside], exact.values[inside], atol=0.1 * exact.values.max())
    peak = middle.values[inside][np.argmax(density.values[inside])]
    assert peak == pytest.approx(float(middle.values[np.argmax(exact.values)]), abs=1.0)


def test_neutrons_weigh_vibrations_by_cross_section_over_mass(tmp_path):
    """At one temperature, m <v^2> alike, an atom with k times sigma / m shows k times as much."""
    light = Particles("H", cubic_sites("5 angstrom", (6, 6, 6)), Vibration("0.002 angstrom^2", "12 THz", "3 1/ps"))
    heavy = Particles("Si", cubic_sites("5 angstrom", (6, 6, 6)), Vibration("0.000646 angstrom^2", "4 THz", "3 1/ps"))
    synthetic = SyntheticTrajectory((HEAVY, light, heavy), cell="30 angstrom", frames=2000, timestep="10 fs", seed=2)
    trajectory = synthetic.write(tmp_path / "x.h5", velocities=True)
    found = cal.neutrons.neutron_weighted_density_of_states(trajectory, partial="element", resolution="2 meV")
    areas = {name: float(np.trapezoid(g.values, g.coords["energy_transfer"].values)) for name, g in found.items()}
    ratio = (82.02 / 1.008) / (2.167 / 28.085)
    assert areas["H"] / areas["Si"] == pytest.approx(ratio, rel=0.02)


def test_a_line_that_nothing_moves_stays_where_it_is(tmp_path):
    """Detailed balance comes before the resolution: an elastic line keeps its centre and area at any temperature."""
    trajectory = stored(tmp_path, np.zeros((64, 4, 3)) + np.arange(4)[None, :, None], "H4", cell=20.0)
    found = cal.neutrons.scattering(trajectory, Q, weights="number")
    for energies in (
        sc.linspace("energy_transfer", -1.5, 1.5, 301, unit="meV"),
        sc.linspace("E", -2.0, 2.0, 9, unit="meV"),
    ):
        spectrum = found.spectrum(energy_transfer=energies, resolution=gaussian("0.5 meV"), temperature="10 K")
        step = float(energies.values[1] - energies.values[0])
        np.testing.assert_allclose(step * spectrum.values.sum(axis=1), 1.0, rtol=1e-3)  # also on a coarse grid
        np.testing.assert_allclose(step * spectrum.values @ energies.values, 0.0, atol=1e-3)


def test_a_lopsided_line_smears_what_moves_as_it_smears_what_rests(tmp_path):
    """Mean energy of a resolution with a tail is that of the line itself, elastic or quasielastic."""
    trajectory = ammonium(SiteJumps.tetrahedral("1.02 angstrom", "0.5 ps")).write(tmp_path / "x.h5")
    widths, centres = (sc.array(dims=["line"], values=v, unit="meV") for v in ([0.6, 1.0], [0.0, 0.8]))
    tailed = sum_of_gaussians(widths, [0.7, 0.3], centres)
    energies = sc.linspace("energy_transfer", -20.0, 20.0, 801, unit="meV")
    spectrum = cal.neutrons.dynamic_structure_factor(
        trajectory, Q, atoms="H", weights="number", energy_transfer=energies, resolution=tailed
    )
    mean = np.trapezoid(spectrum.values * energies.values, energies.values, axis=1)
    np.testing.assert_allclose(mean, 0.3 * 0.8, atol=0.02)


def test_quantum_correction_is_that_of_the_unsmeared_line(tmp_path):
    """A classical Lorentzian times E/kT / (1 - exp(-E/kT)), then the resolution: by quadrature."""
    trajectory = ammonium(SiteJumps.tetrahedral("1.02 angstrom", "1 ps"), frames=1200).write(tmp_path / "x.h5")
    found = cal.neutrons.dynamic_structure_factor(
        trajectory,
        Q,
        atoms="H",
        weights="number",
        energy_transfer=ENERGY,
        resolution=gaussian("1.0 meV"),
        temperature="20 K",
    )
    hh = np.sinc(Q.values * 1.02 * np.sqrt(8 / 3) / np.pi)
    eisf, kT = 0.25 * (1 + 3 * hh), 8.617333e-2 * 20
    fine = np.linspace(-12, 12, 4801) + 1e-9
    rate = cal.neutrons.elastic_incoherent_structure_factor(trajectory, Q, atoms="H", after="0 ps").hwhm.values.mean()
    classical = rate / np.pi / (fine**2 + rate**2)
    quantum = classical * (fine / kT) / -np.expm1(-fine / kT)
    line = gaussian("1.0 meV").line_shape(sc.array(dims=["energy_transfer"], values=ENERGY.values, unit="meV")).values
    smear = np.exp(-((ENERGY.values[:, None] - fine) ** 2) / (2 * (1.0 / 2.354820045) ** 2))
    smear /= np.sqrt(2 * np.pi) / 2.354820045
    exact = eisf[:, None] * line + (1 - eisf)[:, None] * (smear @ quantum * (fine[1] - fine[0]))
    np.testing.assert_allclose(found.values, exact, atol=0.03 * exact.max())


def walk_of_carbon():
    return np.zeros((64, 4, 3)) + np.arange(4)[None, :, None]


def test_motion_slower_than_the_run_has_no_eisf(tmp_path):
    trajectory = ammonium(SiteJumps.threefold("1.02 angstrom", "40 ps"), frames=600).write(tmp_path / "x.h5")
    found = cal.neutrons.elastic_incoherent_structure_factor(trajectory, Q, atoms="H")
    unknown = np.isnan(found.eisf.values)
    assert unknown.any()
    assert np.array_equal(unknown, np.isnan(found.debye_waller.values))
    assert any("slower than" in warning and "Q = " in warning for warning in found.warnings)
    assert any("still falls" in warning for warning in found.warnings)
    assert not any("No slow motion" in warning for warning in found.warnings)
    with pytest.raises(InputError, match="from 0 ps on"):
        cal.neutrons.elastic_incoherent_structure_factor(trajectory, Q, after="-5 ps")
    with pytest.raises(InputError, match="nothing incoherently"):
        cal.neutrons.elastic_incoherent_structure_factor(
            stored(tmp_path, walk_of_carbon(), "C4", cell=20.0), Q, isotopes={"C": "12C"}
        )


def test_frames_too_far_apart_are_said(tmp_path):
    shake = Vibration(mean_square="0.02 angstrom^2", frequency="15 THz", damping="3 1/ps")
    hydrogen = Particles("H", cubic_sites("5 angstrom", (6, 6, 6)), shake)
    synthetic = SyntheticTrajectory((HEAVY, hydrogen), cell="30 angstrom", frames=400, timestep="50 fs", seed=2)
    spectrum = cal.neutrons.dynamic_structure_factor(synthetic.write(tmp_path / "x.h5"), Q, atoms="H")
    assert "between two frames" in spectrum.coords["caution"].value
