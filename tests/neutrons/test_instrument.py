"""Spectrometers against published numbers, kinematics against vectors, maps against what they must conserve."""

import math

import numpy as np
import pytest
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons.instrument_table import instrument, instruments
from caloris.neutrons.spectrum_maps import on_map_of

HBAR2_2M = 2.0721248


def energies(*values: float) -> sc.Variable:
    return sc.array(dims=["energy_transfer"], values=list(values), unit="meV")


@pytest.mark.parametrize(("wavelength", "energy", "fwhm"), [(2.345, 14.9, 0.7), (4.69, 3.7, 0.135), (5.96, 2.3, 0.065)])
def test_pelican_is_as_the_thermal_battery_paper_used_it(wavelength: float, energy: float, fwhm: float) -> None:
    pelican = instrument("Pelican", wavelength=f"{wavelength} angstrom")
    assert pelican.fixed_energy.value == pytest.approx(energy, abs=0.06)
    assert pelican.elastic_fwhm is not None
    assert pelican.elastic_fwhm.value == fwhm
    assert "eadd0374" in pelican.sources["elastic_fwhm"]


def test_pelican_reaches_the_elastic_q_of_its_angles() -> None:
    """4 pi sin(62.5 deg) / lambda: 4.75, 2.38 and 1.87 1/angstrom."""
    for wavelength, Q in ((2.345, 4.75), (4.69, 2.38), (5.96, 1.87)):
        ends = instrument("Pelican", wavelength=f"{wavelength} angstrom").kinematic_range(energies(0.0))
        assert ends["maximum"].values[0] == pytest.approx(Q, abs=0.006)


def test_toftof_resolution_and_range_are_those_of_its_control_software() -> None:
    """6 angstrom, 14000 rpm, small slits: Ei 2.2723 meV, Q 0.1386 to 1.9629 1/angstrom, 32.98 ueV."""
    toftof = instrument("TOFTOF", wavelength="6 angstrom", chopper_speed="14000 1/min")
    assert toftof.fixed_energy.value == pytest.approx(2.2723, abs=2e-4)
    assert toftof.elastic_fwhm is not None
    assert toftof.elastic_fwhm.value == pytest.approx(0.0329835, rel=1e-4)
    ends = toftof.kinematic_range(energies(0.0))
    assert ends["minimum"].values[0] == pytest.approx(0.1386, abs=1e-4)
    assert ends["maximum"].values[0] == pytest.approx(1.9629, abs=1e-4)


def test_resolutions_of_the_review_are_in_the_table() -> None:
    for setting, fwhm in (({"energy": "3.134 meV"}, 0.053), ({"energy": "7.738 meV"}, 0.223)):
        found = instrument("AMATERAS", **setting).elastic_fwhm
        assert found is not None
        assert found.value == fwhm
    assert pytest.approx(0.017, abs=2e-4) == 0.053 / 3.134  # 1.7 % in its text
    basis = instrument("BASIS")
    assert basis.elastic_fwhm is not None
    assert (basis.geometry, basis.elastic_fwhm.value, basis.fixed_energy.value) == ("indirect", 0.0035, 2.082)


def test_every_row_of_the_table_cites_each_of_its_numbers() -> None:
    for name in instruments():
        found = instrument(name, energy="2.082 meV")
        for key in ("sample_detector", "chopper_sample", "smallest_angle", "largest_angle", "elastic_fwhm"):
            if getattr(found, key) is not None:
                assert found.sources[key].split(":")[0] in ("published", "software", "derived"), (name, key)


@pytest.mark.parametrize("geometry", ["direct", "indirect"])
def test_momentum_transfer_is_the_difference_of_wave_vectors(geometry: str) -> None:
    own = instrument("own", geometry=geometry, energy="5 meV", two_theta=("10 deg", "140 deg"))
    transfer = energies(-3.0, -0.5, 0.0, 1.0, 4.0)
    E = transfer.values
    initial, final = (5.0, 5.0 - E) if geometry == "direct" else (5.0 + E, 5.0)
    for angle in (10.0, 77.0, 140.0):
        ki = np.sqrt(initial / HBAR2_2M) * np.ones(5)
        kf = np.sqrt(final / HBAR2_2M) * np.ones(5)
        theta = math.radians(angle)
        vector = np.hypot(ki - kf * math.cos(theta), kf * math.sin(theta))
        assert own.momentum_transfer(transfer, f"{angle} deg").values == pytest.approx(vector, rel=1e-9)
    ends = own.kinematic_range(transfer)
    assert np.all(ends["minimum"].values < ends["maximum"].values)


def test_nothing_is_seen_beyond_the_energy_of_the_neutron() -> None:
    direct = instrument("own", geometry="direct", energy="5 meV", two_theta=("10 deg", "140 deg"))
    indirect = instrument("own", geometry="indirect", energy="5 meV", two_theta=("10 deg", "140 deg"))
    assert np.isnan(direct.kinematic_range(energies(5.5))["maximum"].values[0])
    assert np.isfinite(direct.kinematic_range(energies(-50.0))["maximum"].values[0])
    assert np.isnan(indirect.kinematic_range(energies(-5.5))["maximum"].values[0])
    assert np.isfinite(indirect.kinematic_range(energies(50.0))["maximum"].values[0])
    assert np.isnan(instrument("BASIS").kinematic_range(energies(0.15))["maximum"].values[0])  # outside its bandwidth


def test_mask_holds_what_no_detector_saw() -> None:
    pelican = instrument("Pelican", wavelength="4.69 angstrom", two_theta=("15 deg", "125 deg"))
    Q = sc.linspace("Q", 0.1, 4.0, 40, unit="1/angstrom")
    E = sc.linspace("energy_transfer", -10.0, 3.5, 55, unit="meV")
    flat = sc.DataArray(sc.ones(dims=["energy_transfer", "Q"], shape=[55, 40]), coords={"Q": Q, "energy_transfer": E})
    hidden = pelican.mask(flat).masks["outside kinematic range"].transpose(["Q", "energy_transfer"]).values
    k = np.sqrt(np.array([pelican.fixed_energy.value - E.values, np.full(55, pelican.fixed_energy.value)]) / HBAR2_2M)
    cosine = (k[0] ** 2 + k[1] ** 2 - Q.values[:, None] ** 2) / (2 * k[0] * k[1])
    seen = (cosine <= math.cos(math.radians(15))) & (cosine >= math.cos(math.radians(125)))
    assert np.array_equal(~hidden, seen)


def test_time_of_flight_resolution_is_that_of_simulated_neutrons() -> None:
    """Monte Carlo of two choppers and a flight path against the formula, away from the elastic line."""
    toftof = instrument("TOFTOF", wavelength="6 angstrom", chopper_speed="14000 1/min")
    assert toftof.openings is not None
    pulse, mono = (opening.to(unit="s").value for opening in toftof.openings)
    random, n = np.random.default_rng(1), 200_000
    sigma = 1 / (2 * math.sqrt(2 * math.log(2)))
    mass, meV = 1.67492749804e-27, 1.602176634e-22
    v = math.sqrt(2 * toftof.fixed_energy.value * meV / mass)
    for transfer in (-2.0, 0.0, 1.2):
        start, pass_ = random.normal(0, pulse * sigma, n), 10.0 / v + random.normal(0, mono * sigma, n)
        path = 4.0 + random.normal(0, 0.02 * sigma, n)
        v_in = 10.0 / (pass_ - start)
        v_out = np.sqrt(v**2 - 2 * transfer * meV / mass)  # what detectors time for a fixed loss, nominal beam
        arrival = pass_ + 1.4 / v_in + path / np.sqrt(v_in**2 - v**2 + v_out**2)
        taken = 10.0 / v + 1.4 / v
        seen = 0.5 * mass * (v**2 - (4.0 / (arrival - taken)) ** 2) / meV
        width = np.std(seen) / sigma
        # analysis by nominal times sees the spread that the formula gives
        assert toftof.energy_resolution(energies(transfer)).values[0] == pytest.approx(width, rel=0.02)


def test_estimated_width_is_calibrated_narrows_with_loss_and_says_what_it_is() -> None:
    pelican = instrument("Pelican", wavelength="4.69 angstrom")
    found = pelican.energy_resolution(energies(-20.0, -5.0, 0.0, 2.0, 5.0))
    assert found.values[2] == pytest.approx(0.135, rel=1e-12)
    assert found.variances[2] == pytest.approx(0.0, abs=1e-20)
    assert found.values[0] > found.values[1] > found.values[2] > found.values[3]
    assert np.isnan(found.values[4])
    assert "estimate" in found.coords["status"].value
    # all of it of the secondary flight: (Ef / Ei)^(3/2)
    whole = 0.135 * ((3.719 + 20) / 3.719) ** 1.5
    assert found.values[0] < whole
    assert pelican.resolution(energies(-20.0, 0.0)).fwhm.value == pytest.approx(0.135)
    assert pelican.resolution().kind == "Gaussian"


def test_estimate_holds_what_choppers_compute_exactly() -> None:
    """TOFTOF by its windows lies between the two extremes of the estimate from its elastic line."""
    exact = instrument("TOFTOF", wavelength="6 angstrom", chopper_speed="14000 1/min")
    assert exact.elastic_fwhm is not None
    guess = instrument("TOFTOF", wavelength="6 angstrom", elastic_fwhm=exact.elastic_fwhm)
    at = energies(-10.0, -3.0, 0.0, 1.0)
    found = guess.energy_resolution(at)
    off = np.abs(exact.energy_resolution(at).values - found.values)
    assert np.all(off <= 2.5 * np.sqrt(found.variances) + 1e-12)


def test_what_the_table_does_not_have_is_asked_for() -> None:
    with pytest.raises(InputError, match="Pelican, AMATERAS"):
        instrument("Merlin", energy="5 meV")
    with pytest.raises(InputError, match=r"2\.345 angstrom, 4\.69"):
        instrument("Pelican")
    with pytest.raises(InputError, match="not both"):
        instrument("Pelican", energy="5 meV", wavelength="4 angstrom")
    odd = instrument("Pelican", wavelength="3 angstrom")
    assert "No elastic resolution" in odd.warnings[0]
    with pytest.raises(InputError, match="elastic_fwhm="):
        odd.resolution()
    with pytest.raises(InputError, match="two_theta="):
        instrument("AMATERAS", energy="3.134 meV").kinematic_range(energies(0.0))
    with pytest.raises(InputError, match="chopper_sample="):
        instrument("IN5", wavelength="5 angstrom").energy_resolution(energies(1.0))
    with pytest.raises(InputError, match="windows"):
        instrument("LET", energy="5 meV", chopper_speed="240 Hz")
    with pytest.raises(InputError, match="Pelican is direct"):
        instrument("Pelican", wavelength="4.69 angstrom", geometry="indirect")


def own_map(kind: str, axis: np.ndarray, E: np.ndarray, values: np.ndarray, variances: np.ndarray) -> sc.DataArray:
    unit = {"two_theta": "deg", "Q": "1/angstrom"}[kind]
    return sc.DataArray(
        sc.array(dims=[kind, "energy_transfer"], values=values, variances=variances),
        coords={
            kind: sc.array(dims=[kind], values=axis, unit=unit),
            "energy_transfer": sc.array(dims=["energy_transfer"], values=E, unit="meV"),
        },
    )


def test_map_over_angle_becomes_the_same_function_of_q_and_comes_back() -> None:
    own = instrument("own", geometry="direct", energy="10 meV", two_theta=("5 deg", "135 deg"))
    angle, E = np.linspace(5, 135, 261), np.linspace(-20, 8, 29)
    middle = 0.5 * (angle[1:] + angle[:-1])
    Q_at = np.array([own.momentum_transfer(energies(e), f"{a} deg").values[0] for a in middle for e in E])
    Q_at = Q_at.reshape(len(middle), len(E))
    seen = own_map("two_theta", angle, E, 1 + Q_at**2, np.full(Q_at.shape, 0.04))
    Q = sc.linspace("Q", 0.0, 6.0, 61, unit="1/angstrom")
    found = own.on_momentum_transfer(seen, Q)
    centre = 0.5 * (Q.values[1:] + Q.values[:-1])[:, None] * np.ones(len(E))
    hidden = found.masks["outside kinematic range"].values
    ends = own.kinematic_range(sc.array(dims=["energy_transfer"], values=E, unit="meV"))
    whole = (centre - 0.05 > ends["minimum"].values) & (centre + 0.05 < ends["maximum"].values)
    assert not hidden[whole].any()
    assert np.abs(found.values[whole] - 1 - centre[whole] ** 2).max() < 0.05
    assert np.all(found.variances[whole] < 0.0401)  # several angles in a bin: smaller errors
    assert hidden[~np.isfinite(found.values)].all()
    back = own.on_two_theta(found, sc.array(dims=["two_theta"], values=np.linspace(10, 130, 61), unit="deg"))
    good = ~back.masks["outside kinematic range"].values
    at = 0.5 * (np.linspace(10, 130, 61)[1:] + np.linspace(10, 130, 61)[:-1])
    Q_back = np.array([own.momentum_transfer(energies(e), f"{a} deg").values[0] for a in at for e in E])
    exact = 1 + Q_back.reshape(len(at), len(E)) ** 2
    assert good.mean() > 0.99
    assert np.abs(back.values[good] / exact[good] - 1).max() < 0.06


def test_masked_and_missing_angles_stay_missing() -> None:
    own = instrument("own", geometry="direct", energy="10 meV", two_theta=("5 deg", "135 deg"))
    angle = np.linspace(5, 135, 14)
    values = np.ones((13, 3))
    values[4:8] = np.nan
    seen = own_map("two_theta", angle, np.array([-1.0, 0.0, 1.0]), values, np.ones((13, 3)))
    found = own.on_momentum_transfer(seen, sc.linspace("Q", 0.0, 4.5, 46, unit="1/angstrom"))
    hidden = found.masks["outside kinematic range"].values[:, 1]
    Q = own.momentum_transfer(energies(0.0), f"{angle[6]} deg").values[0]
    assert hidden[int(Q / 0.1)]
    assert not hidden[int(own.momentum_transfer(energies(0.0), f"{angle[2]} deg").values[0] / 0.1)]


# ---- a simulation on the map of a measurement -----------------------------------------------------------------------


def test_simulation_lies_on_the_bins_and_masks_of_the_measurement() -> None:
    E, Q = np.linspace(-4, 4, 1601), np.linspace(0.2, 3.2, 31)
    plane = (2.0 + 3.0 * Q[:, None]) * np.exp(-0.5 * E**2)
    simulated = own_map("Q", Q, E, plane, np.full(plane.shape, 0.01))
    edges_E, edges_Q = np.linspace(-3, 3, 41), np.array([0.0, 0.5, 1.0, 1.7, 2.5, 3.0])
    given = np.ones((5, 40))
    given[2, 7] = np.nan
    measured = own_map("Q", edges_Q, edges_E, given, np.ones((5, 40)))
    measured.masks["beam stop"] = sc.array(dims=["Q"], values=[True, False, False, False, False])
    found = on_map_of(simulated, measured)
    below = np.vectorize(math.erf)(edges_E / math.sqrt(2)) * math.sqrt(math.pi / 2)
    exact = (2 + 3 * 0.5 * (edges_Q[1:] + edges_Q[:-1]))[:, None] * np.diff(below) / np.diff(edges_E)
    assert found.values[1:] == pytest.approx(exact[1:], rel=3e-5)
    assert found.masks["outside simulated range"].values[0].all()  # Q from 0 to 0.5 was not simulated whole
    assert not found.masks["outside simulated range"].values[1:].any()
    assert np.argwhere(found.masks["not measured"].values).tolist() == [[2, 7]]
    assert found.masks["beam stop"].values.tolist() == [True, False, False, False, False]
    assert sc.identical(found.coords["energy_transfer"], measured.coords["energy_transfer"])
    assert np.all(found.variances[1:] < 0.01)


def test_area_is_kept_and_coarse_simulations_are_interpolated() -> None:
    E = np.linspace(-4, 4, 41)
    line = sc.DataArray(
        sc.array(dims=["energy_transfer"], values=np.exp(-0.5 * E**2)),
        coords={"energy_transfer": sc.array(dims=["energy_transfer"], values=E, unit="meV")},
    )
    fine = np.linspace(-3.9, 3.9, 391)
    measured = sc.DataArray(
        sc.array(dims=["energy_transfer"], values=np.ones(390)),
        coords={"energy_transfer": sc.array(dims=["energy_transfer"], values=fine, unit="meV")},
    )
    found = on_map_of(line, measured)
    assert found.values.sum() * (fine[1] - fine[0]) == pytest.approx(math.sqrt(2 * math.pi), rel=2e-4)
    middle = 0.5 * (fine[1:] + fine[:-1])
    assert found.values == pytest.approx(np.interp(middle, E, line.values), abs=2e-3)


def test_spectra_over_different_things_are_refused() -> None:
    line = sc.DataArray(sc.ones(dims=["energy_transfer"], shape=[3]), coords={"energy_transfer": energies(-1, 0, 1)})
    with pytest.raises(InputError, match="simulated is over"):
        on_map_of(line, own_map("Q", np.arange(1.0, 4), np.array([-1.0, 0, 1]), np.ones((3, 3)), np.ones((3, 3))))
