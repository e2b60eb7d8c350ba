"""Density of phonon states from the exact one-phonon scattering of a Debye solid, and from real vanadium."""

import math
from pathlib import Path

import numpy as np
import pytest
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons.density_of_states import phonon_density_of_states
from caloris.neutrons.instrument_table import instrument
from caloris.neutrons.multiphonon import incoherent_phonon_scattering, one_phonon_part

KB = 8.617333262e-2
HBAR2_2U = 2.0901110
T, MASS, CUTOFF, U2 = 300.0, 51.0, 35.0, 0.02


def debye(E: np.ndarray) -> np.ndarray:
    return np.where(E < CUTOFF, 3 * E**2 / CUTOFF**3, 0.0)


def one_phonon(Q: np.ndarray, E: np.ndarray) -> np.ndarray:
    """Exact, with the Debye-Waller factor exp(-Q^2 <u^2> / 3); even g over E of both signs."""
    g = debye(np.abs(E))
    return np.exp(-(Q[:, None] ** 2) * U2 / 3) * HBAR2_2U / MASS * Q[:, None] ** 2 * g / (-E * np.expm1(-E / (KB * T)))


def spectrum(Q: np.ndarray, E: np.ndarray, values: np.ndarray, variances: np.ndarray | None = None) -> sc.DataArray:
    return sc.DataArray(
        sc.array(dims=["Q", "energy_transfer"], values=values, variances=variances, unit="1/meV"),
        coords={
            "Q": sc.array(dims=["Q"], values=Q, unit="1/angstrom"),
            "energy_transfer": sc.array(dims=["energy_transfer"], values=E, unit="meV"),
        },
    )


def bins() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Edges and centres in Q and E; the energies are not symmetric about 0."""
    Q, E = np.linspace(0.5, 8.0, 76), np.linspace(-60.0, 45.0, 211)
    return Q, E, 0.5 * (Q[1:] + Q[:-1]), 0.5 * (E[1:] + E[:-1])


def centres(g: sc.DataArray) -> np.ndarray:
    edges = g.coords["energy_transfer"].values
    return np.asarray(0.5 * (edges[1:] + edges[:-1]))


@pytest.mark.parametrize("side", ["both", "loss", "gain"])
def test_debye_density_comes_back_from_either_side_without_its_debye_waller_factor(side: str) -> None:
    Qe, Ee, Q, E = bins()
    S = spectrum(Qe, Ee, one_phonon(Q, E))
    g = phonon_density_of_states(S, f"{T} K", side=side, mean_square_displacement=f"{U2} angstrom^2")
    at = centres(g)
    low = at < 44 if side != "gain" else at < 59
    assert g.values[low] == pytest.approx(HBAR2_2U / MASS * debye(at[low]), rel=1e-9, abs=1e-15)
    assert g.unit == sc.Unit("angstrom^2")


def test_debye_waller_factor_that_is_left_in_scales_but_does_not_shape() -> None:
    Qe, Ee, Q, E = bins()
    g = phonon_density_of_states(spectrum(Qe, Ee, one_phonon(Q, E)), f"{T} K", side="loss")
    at = centres(g)
    inside = (at > 1) & (at < CUTOFF)
    ratio = g.values[inside] / (HBAR2_2U / MASS * debye(at[inside]))
    assert ratio == pytest.approx(np.full(inside.sum(), np.mean(np.exp(-(Q**2) * U2 / 3))), rel=1e-9)


def test_equation_2_as_printed_carries_the_kinematic_range_and_dividing_by_it_does_not() -> None:
    Qe, Ee, Q, E = bins()
    pelican = instrument("Pelican", wavelength="2.345 angstrom", two_theta=("10 deg", "125 deg"))
    S = pelican.mask(spectrum(Qe, Ee, one_phonon(Q, E)))
    u2 = f"{U2} angstrom^2"
    printed = phonon_density_of_states(S, f"{T} K", normalise="none", side="loss", mean_square_displacement=u2)
    divided = phonon_density_of_states(S, f"{T} K", side="loss", mean_square_displacement=u2)
    at = centres(divided)
    exact = HBAR2_2U / MASS * debye(at)
    inside = (at > 1) & (at < 14)
    assert divided.values[inside] == pytest.approx(exact[inside], rel=1e-9)
    ends = pelican.kinematic_range(sc.array(dims=["energy_transfer"], values=at[inside], unit="meV"))
    length = ends["maximum"].values - ends["minimum"].values
    assert printed.values[inside] / exact[inside] == pytest.approx(length, abs=0.21)  # two bins of 0.1 1/angstrom
    assert printed.values[inside] == pytest.approx(exact[inside] * divided.coords["accessible_Q"].values[inside])
    assert length.max() > 1.2 * length.min()  # so eq. 2 as printed is no density here


def test_errors_hold_the_truth_in_two_of_three_cases() -> None:
    Qe, Ee, Q, E = bins()
    exact_S = one_phonon(Q, E)
    sigma = 0.05 * exact_S.max() * (0.3 + 0.7 * Q[:, None] / Q.max()) * np.ones(len(E))
    random, inside = np.random.default_rng(5), []
    for _ in range(12):
        S = spectrum(Qe, Ee, exact_S + sigma * random.normal(size=exact_S.shape), sigma**2)
        g = phonon_density_of_states(S, f"{T} K", mean_square_displacement=f"{U2} angstrom^2")
        at = centres(g)
        known = (at > 1) & (at < 44)
        pull = (g.values - HBAR2_2U / MASS * debye(at)) / np.sqrt(g.variances)
        inside.append(np.abs(pull[known]) < 1)
    assert 0.63 < np.mean(inside) < 0.73


def test_both_sides_together_are_more_precise_than_one() -> None:
    Qe, Ee, Q, E = bins()
    S = one_phonon(Q, E)
    S = spectrum(Qe, Ee, S, np.full(S.shape, (0.05 * S.max()) ** 2))
    both, loss, gain = (
        np.sqrt(phonon_density_of_states(S, f"{T} K", side=side).variances) for side in ("both", "loss", "gain")
    )
    assert np.all(both[2:85] < loss[2:85])
    assert np.all(both[2:85] <= 1.02 * gain[2:85])
    assert both[20] == pytest.approx(1 / math.hypot(1 / loss[20], 1 / gain[20]), rel=0.02)


@pytest.mark.parametrize("with_errors", [False, True])
def test_elastic_line_is_replaced_by_debyes_law(with_errors: bool) -> None:
    Qe, Ee, Q, E = bins()
    values = one_phonon(Q, E) + 5.0 * np.exp(-0.5 * (E / 0.6) ** 2)
    S = spectrum(Qe, Ee, values, (0.01 * values) ** 2 + 1e-12 if with_errors else None)
    u2 = f"{U2} angstrom^2"
    raw = phonon_density_of_states(S, f"{T} K", mean_square_displacement=u2)
    g = phonon_density_of_states(S, f"{T} K", mean_square_displacement=u2, elastic="4 meV")
    at = centres(g)
    exact = HBAR2_2U / MASS * debye(at)
    assert raw.values[0] > 10 * exact[0]
    assert "elastic line is in it" in raw.coords["caution"].value
    assert g.values[at < 40] == pytest.approx(exact[at < 40], rel=2e-3, abs=1e-12)
    assert "elastic" not in g.coords["caution"].value


def test_area_is_one_where_it_was_asked_to_be() -> None:
    Qe, Ee, Q, E = bins()
    S = spectrum(Qe, Ee, one_phonon(Q, E), np.full((len(Q), len(E)), 1e-12))
    g = phonon_density_of_states(S, f"{T} K", elastic="4 meV", area=("0 meV", "40 meV"))
    edges = g.coords["energy_transfer"].values
    low = edges[1:] <= 40
    assert np.sum(g.values[low] * np.diff(edges)[low]) == pytest.approx(1.0, rel=1e-9)
    assert g.unit == sc.Unit("1/meV")
    at = centres(g)
    assert g.values[(at > 5) & (at < 34)] == pytest.approx(debye(at)[(at > 5) & (at < 34)], rel=2e-3)


def test_several_phonons_and_broken_balance_are_warned_of_and_one_phonon_is_not() -> None:
    Qe, Ee, Q, E = bins()
    dense = sc.DataArray(
        sc.array(dims=["energy_transfer"], values=debye(np.arange(0.25, 35, 0.5))),
        coords={"energy_transfer": sc.array(dims=["energy_transfer"], values=np.arange(0.25, 35, 0.5), unit="meV")},
    )
    Q_axis = sc.array(dims=["Q"], values=Q, unit="1/angstrom")
    E_axis = sc.array(dims=["energy_transfer"], values=E, unit="meV")
    every = incoherent_phonon_scattering(dense, Q_axis, E_axis, f"{T} K", "10 u").values
    only = incoherent_phonon_scattering(dense, Q_axis, E_axis, f"{T} K", "10 u", phonons=(1, 1)).values
    for values, said in ((every, True), (only, False)):
        noise = np.random.default_rng(3).normal(size=values.shape) * 0.002 * values.max()
        S = spectrum(Qe, Ee, values + noise, np.full(values.shape, (0.002 * values.max()) ** 2))
        caution = phonon_density_of_states(S, f"{T} K", elastic="4 meV").coords["caution"].value
        assert ("not one phonon alone" in caution) is said
        assert ("disagree" in caution) is False
    classical = spectrum(Qe, Ee, np.where(E > 0, only, only * np.exp(-E / KB / T)), np.full(only.shape, 1e-9))
    assert "disagree" in phonon_density_of_states(classical, f"{T} K", elastic="4 meV").coords["caution"].value


def test_what_cannot_be_done_is_refused() -> None:
    Qe, Ee, Q, E = bins()
    S = spectrum(Qe, Ee, one_phonon(Q, E))
    with pytest.raises(InputError, match="side='loss' or 'gain'"):
        phonon_density_of_states(S, "300 K", normalise="none")
    with pytest.raises(InputError, match="fewer than 2"):
        phonon_density_of_states(S, "300 K", momentum_transfer=("20 1/angstrom", "30 1/angstrom"))
    with pytest.raises(InputError, match="Q and energy_transfer"):
        phonon_density_of_states(S["Q", 0], "300 K")
    with pytest.raises(InputError, match="not known at every energy"):
        phonon_density_of_states(S["energy_transfer", :150], "300 K", area=("0 meV", "50 meV"), side="loss")


def real_vanadium() -> tuple[sc.DataArray, np.ndarray, np.ndarray]:
    h5py = pytest.importorskip("h5py")
    folder = Path(__file__).parents[3] / "shared/data/neutron"
    if not (folder / "V-iqe.h5").exists():
        pytest.skip(f"no {folder}/V-iqe.h5")
    with h5py.File(folder / "V-iqe.h5") as stored:
        grid = stored["iqe/grid"]
        Q, E = (grid[f"{axis}/bin boundaries"][()] for axis in ("Q", "energy"))
        S = spectrum(Q, E, stored["iqe/data"][()], stored["iqe/errors"][()] ** 2)
    with h5py.File(folder / "V-final-dos.h5") as stored:
        return S, stored["DOS/grid/E/bin centers"][()], stored["DOS/data"][()]


def distance(g: sc.DataArray, E: np.ndarray, reference: np.ndarray) -> float:
    """L1 of two densities of area 1 from 7.5 to 36 meV."""
    x = np.linspace(7.5, 36, 300)
    one, other = np.interp(x, centres(g), g.values), np.interp(x, E, reference)
    return float(np.trapezoid(np.abs(one / np.trapezoid(one, x) - other / np.trapezoid(other, x)), x))


def test_vanadium_of_arcs_is_as_the_package_multiphonon_has_it_once_several_phonons_are_off() -> None:
    S, E, reference = real_vanadium()
    raw = phonon_density_of_states(S, "300 K", side="loss", elastic="6 meV")
    assert distance(raw, E, reference) < 0.17
    assert "not one phonon alone" in raw.coords["caution"].value
    S = S["Q", sc.scalar(3.0, unit="1/angstrom") : sc.scalar(8.0, unit="1/angstrom")]
    one = one_phonon_part(S, "300 K", "50.94 u", elastic="6 meV")
    # X-ray and neutron work has B = 0.54-0.58 angstrom^2 for vanadium at room temperature: <u^2> = 3 B / 8 pi^2
    assert one.coords["mean_square_displacement"].value == pytest.approx(3 * 0.56 / (8 * math.pi**2), rel=0.25)
    g = phonon_density_of_states(
        one,
        "300 K",
        side="loss",
        elastic="6 meV",
        mean_square_displacement=one.coords["mean_square_displacement"],
    )
    assert distance(g, E, reference) < 0.085
    assert distance(g, E, reference) < 0.6 * distance(raw, E, reference)
