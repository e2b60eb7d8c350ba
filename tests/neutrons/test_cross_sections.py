"""Neutron scattering lengths against the literature, mixtures against their algebra, form factors against an ion."""

import math

import numpy as np
import periodictable
import pytest
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons.cross_sections import scattering_lengths, xray_form_factor


@pytest.mark.parametrize(
    ("symbol", "coherent_fm", "incoherent_barn", "absorption_barn"),
    # Sears, Neutron News 3(3), 26 (1992); H and V as Rauch and Waschkowski (2003) or newer
    [
        ("H", -3.739, 80.26, 0.3326),
        ("D", 6.671, 2.05, 0.000519),
        ("C", 6.646, 0.001, 0.0035),
        ("N", 9.36, 0.5, 1.9),
        ("S", 2.847, 0.007, 0.53),
        ("Li", -1.90, 0.92, 70.5),
        ("7Li", -2.22, 0.78, 0.0454),
        ("11B", 6.65, 0.21, 0.0055),
        ("V", -0.443, 5.08, 5.08),
        ("Ni", 10.3, 5.2, 4.49),
    ],
)
def test_bound_lengths_and_cross_sections_are_those_of_the_tables(
    symbol: str, coherent_fm: float, incoherent_barn: float, absorption_barn: float
) -> None:
    found = scattering_lengths([symbol])
    assert found.coherent_length.values[0] == pytest.approx(coherent_fm, rel=0.03)
    assert found.incoherent_cross_section.values[0] == pytest.approx(incoherent_barn, rel=1e-6)
    assert found.absorption_cross_section.values[0] == pytest.approx(absorption_barn, rel=1e-6)


def test_hydrogen_is_as_sears_has_it_within_a_tenth_of_a_percent() -> None:
    assert scattering_lengths(["H"]).coherent_length.values[0] == pytest.approx(-3.739, rel=1e-3)


def test_every_element_with_data_agrees_with_the_sum_of_its_own_cross_sections() -> None:
    disagreeing = []
    for element in periodictable.elements:
        neutron = element.neutron
        # the table holds lengths and cross sections that were measured apart; strong absorbers have complex lengths
        if neutron.b_c is None or neutron.is_energy_dependent or element.symbol in ("n", "V", "B"):
            continue
        found = scattering_lengths([element.symbol])
        if abs(found.coherent_cross_section.values[0] / neutron.coherent - 1) > 0.12:
            disagreeing.append((element.symbol, found.coherent_cross_section.values[0], neutron.coherent))
    assert not disagreeing


def test_light_and_heavy_hydrogen_at_36_percent_deuterium_scatter_nothing_coherently() -> None:
    h, d = scattering_lengths(["H"], {"H": "1H"}), scattering_lengths(["D"])
    b = float(h.coherent_length.values[0]), float(d.coherent_length.values[0])
    share = -b[0] / (b[1] - b[0])
    mixture = scattering_lengths(["H"], {"H": {"1H": 1 - share, "2H": share}})
    assert abs(mixture.coherent_length.values[0]) < 1e-12
    spins = (1 - share) * h.incoherent_cross_section.values[0] + share * d.incoherent_cross_section.values[0]
    disorder = 4 * math.pi * 0.01 * share * (1 - share) * (b[1] - b[0]) ** 2
    assert mixture.incoherent_cross_section.values[0] == pytest.approx(spins + disorder, rel=1e-12)
    total = (1 - share) * h.total_cross_section.values[0] + share * d.total_cross_section.values[0]
    assert mixture.total_cross_section.values[0] == pytest.approx(total, rel=1e-12)


def test_natural_elements_are_the_mixture_of_their_isotopes() -> None:
    for symbol, tolerance in (("Cl", 0.03), ("Ni", 0.03)):
        element = periodictable.elements.symbol(symbol)
        shares = {f"{n}{symbol}": element[n].abundance for n in element.isotopes if element[n].abundance}
        mixture = scattering_lengths([symbol], {symbol: shares})
        natural = scattering_lengths([symbol])
        assert mixture.coherent_length.values[0] == pytest.approx(natural.coherent_length.values[0], rel=tolerance)
        assert mixture.incoherent_cross_section.values[0] == pytest.approx(
            natural.incoherent_cross_section.values[0], rel=0.1
        )


def test_deuterium_is_recognised_by_its_mass_and_atoms_keep_their_order() -> None:
    masses = sc.array(dims=["atom"], values=[14.007, 2.01410178, 1.008, 2.014, 11.009, 6.015], unit="u")
    found = scattering_lengths(["N", "H", "H", "H", "B", "Li"], masses=masses)
    assert found.names == ("N", "2H", "H", "11B", "6Li")
    assert found.index.tolist() == [0, 1, 2, 1, 3, 4]
    coherent, incoherent = found.of_atoms()
    assert coherent.values[1] == pytest.approx(6.67, abs=0.01)
    assert 4 * math.pi * 0.01 * incoherent.values[2] ** 2 == pytest.approx(80.26)
    assert found.table()["atoms"].values.tolist() == [1, 2, 1, 1, 1]
    assert not [warning for warning in found.warnings if "B absorbs" in warning]


def test_repartitioned_masses_are_doubted_and_named_isotopes_win() -> None:
    heavy = sc.array(dims=["atom"], values=[1.5, 1.5], unit="u")
    assert "neither natural" in scattering_lengths(["H", "H"], masses=heavy).warnings[0]
    assert not scattering_lengths(["H", "H"], {"H": "D"}, masses=heavy).warnings


def test_natural_boron_and_resonances_are_warned_of() -> None:
    assert "767" in scattering_lengths(["B"]).warnings[0]
    assert "11B" in scattering_lengths(["B"]).warnings[0]
    assert any("resonance" in warning for warning in scattering_lengths(["Gd"]).warnings)
    assert not scattering_lengths(["B"], {"B": "11B"}).warnings


@pytest.mark.parametrize(
    ("symbols", "isotopes", "said"),
    [
        (["Po"], None, "no coherent length"),
        (["Xx"], None, "no element"),
        (["H"], {"Li": "7Li"}, "no Li among the atoms"),
        (["H"], {"H": "7Li"}, "give isotopes of H"),
        (["H"], {"H": {"1H": -1.0, "2H": 2.0}}, "shares"),
        (["H"], {"H": "99H"}, "no element or isotope"),
        ("NH4", None, "list of chemical symbols"),
    ],
)
def test_what_cannot_be_known_is_refused_in_one_line(symbols: list[str], isotopes: dict, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        scattering_lengths(symbols, isotopes)
    assert "\n" not in str(refused.value)


def test_form_factor_starts_with_the_number_of_electrons() -> None:
    zero = sc.array(dims=["Q"], values=[0.0], unit="1/angstrom")
    for symbol, electrons in (("H", 1), ("D", 1), ("N", 7), ("S", 16), ("Li1+", 2), ("I1-", 54), ("Cs", 55)):
        assert xray_form_factor(symbol, zero).values[0] == pytest.approx(electrons, abs=0.02)


def test_form_factor_of_hydrogen_is_that_of_its_1s_orbital() -> None:
    Q = sc.linspace("Q", 0.0, 8.0, 30, unit="1/angstrom")
    exact = 1 / (1 + (0.529177 * Q.values / 2) ** 2) ** 2
    # the table holds the bonded hydrogen's near relative: free atom, fitted to 5 Gaussians
    assert np.abs(xray_form_factor("H", Q).values - exact).max() < 0.01


def test_form_factor_of_a_lithium_ion_is_that_of_a_screened_1s_shell() -> None:
    Q = sc.linspace("Q", 0.0, 12.0, 30, unit="1/angstrom")
    exact = 2 / (1 + (0.529177 / (3 - 5 / 16) * Q.values / 2) ** 2) ** 2  # variational helium-like ion
    assert np.abs(xray_form_factor("Li1+", Q).values - exact).max() < 0.03


def test_form_factor_refuses_unknown_ions_and_far_q() -> None:
    with pytest.raises(InputError, match="no 'Xx'"):
        xray_form_factor("Xx", sc.array(dims=["Q"], values=[1.0], unit="1/angstrom"))
    with pytest.raises(InputError, match=r"75\.4"):
        xray_form_factor("O", sc.array(dims=["Q"], values=[80.0], unit="1/angstrom"))
