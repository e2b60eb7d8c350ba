"""Scattering by several phonons against the exact oscillator, sum rules and detailed balance."""

import math

import numpy as np
import pytest
import scipp as sc
from scipy.special import ive

from caloris.errors import InputError
from caloris.neutrons.density_of_states import phonon_density_of_states
from caloris.neutrons.multiphonon import (
    incoherent_phonon_scattering,
    mean_square_displacement_of_phonons,
    one_phonon_part,
)

KB = 8.617333262e-2
HBAR2_2U = 2.0901110
T, MASS = 300.0, 12.0


def density(E: np.ndarray, g: np.ndarray) -> sc.DataArray:
    coord = sc.array(dims=["energy_transfer"], values=E, unit="meV")
    return sc.DataArray(sc.array(dims=["energy_transfer"], values=g), coords={"energy_transfer": coord})


def debye(cutoff: float = 40.0, step: float = 0.5) -> sc.DataArray:
    E = np.arange(0.5 * step, cutoff, step)
    return density(E, E**2)


def axes(Q: list[float], E: np.ndarray) -> tuple[sc.Variable, sc.Variable]:
    return (
        sc.array(dims=["Q"], values=Q, unit="1/angstrom"),
        sc.array(dims=["energy_transfer"], values=E, unit="meV"),
    )


def test_area_with_the_elastic_line_is_one_and_the_first_moment_is_the_recoil() -> None:
    Q, E = axes([1.0, 4.0, 8.0], np.linspace(-600, 900, 6001))
    S = incoherent_phonon_scattering(debye(), Q, E, f"{T} K", f"{MASS} u")
    h = E.values[1] - E.values[0]
    assert S.values.sum(axis=1) * h + S.coords["debye_waller"].values == pytest.approx(np.ones(3), abs=1e-6)
    assert (S.values @ E.values) * h == pytest.approx(HBAR2_2U / MASS * Q.values**2, rel=1e-5)


def test_groups_of_an_oscillator_are_the_exact_bessel_functions() -> None:
    """S at n E0: exp(-s (2N + 1)) exp(n x / 2) I_n(2 s sqrt(N (N + 1))), s = hbar^2 Q^2 / 2 M E0."""
    E0 = 30.0
    narrow = np.linspace(E0 - 0.5, E0 + 0.5, 41)
    Q, E = axes([5.0], np.arange(-150.0, 180.0, 0.25))
    S = incoherent_phonon_scattering(density(narrow, np.ones(41)), Q, E, f"{T} K", f"{MASS} u")
    x = E0 / (KB * T)
    N, s = 1 / math.expm1(x), HBAR2_2U * 25 / (MASS * E0)
    argument = 2 * s * math.sqrt(N * (N + 1))
    for n in (-2, -1, 1, 2, 3):
        group = S.values[0][np.abs(E.values - n * E0) < 14].sum() * 0.25
        exact = math.exp(-s * (2 * N + 1) + argument + 0.5 * n * x) * ive(abs(n), argument)
        assert group == pytest.approx(exact, rel=3e-3)
    elastic = S.coords["debye_waller"].values[0] + S.values[0][np.abs(E.values) < 14].sum() * 0.25
    assert elastic == pytest.approx(math.exp(-s * (2 * N + 1) + argument) * ive(0, argument), rel=3e-3)


def test_every_order_is_in_detailed_balance() -> None:
    E = np.arange(-120.0, 120.1, 0.25)
    Q, at = axes([6.0], E)
    for orders in ((1, 1), (2, 2), (2, None)):
        S = incoherent_phonon_scattering(debye(), Q, at, f"{T} K", f"{MASS} u", phonons=orders).values[0]
        up, down = S[E > 5], S[E < -5][::-1]
        big = up > 1e-6 * up.max()
        big[(np.abs(E[E > 5] - 40) < 1) | (np.abs(E[E > 5] - 80) < 1)] = False  # the cut-off falls within a bin
        assert down[big] == pytest.approx(np.exp(-E[E > 5] / (KB * T))[big] * up[big], rel=2e-3)


def test_displacement_of_a_debye_solid_is_classical_when_it_is_hot() -> None:
    """<u^2> = 9 hbar^2 kT / (M E_D^2), with the first quantum term 1 + (E_D / kT)^2 / 36."""
    hot, cutoff = 900.0, 40.0
    found = mean_square_displacement_of_phonons(debye(cutoff, 0.1), f"{hot} K", f"{MASS} u").value
    classical = 9 * 2 * HBAR2_2U * KB * hot / (MASS * cutoff**2)
    assert found == pytest.approx(classical * (1 + (cutoff / (KB * hot)) ** 2 / 36), rel=2e-3)


def test_one_phonon_part_of_synthetic_scattering_gives_its_density_back() -> None:
    E = np.arange(-60.0, 110.1, 0.5)
    Q, at = axes(np.arange(1.0, 7.0, 0.1).tolist(), E)
    given = debye(35.0)
    S = incoherent_phonon_scattering(given, Q, at, f"{T} K", "20 u")
    del S.coords["debye_waller"]
    assert "not one phonon" in str(phonon_density_of_states(S, f"{T} K", elastic="3 meV").coords["caution"].value)
    one = one_phonon_part(S * 7.0, f"{T} K", "20 u", elastic="3 meV", repetitions=10)
    g = phonon_density_of_states(
        one,
        f"{T} K",
        elastic="3 meV",
        side="loss",
        mean_square_displacement=one.coords["mean_square_displacement"],
        area=("0 meV", "36 meV"),
    )
    edges = g.coords["energy_transfer"].values
    middle = 0.5 * (edges[1:] + edges[:-1])
    exact = 3 * middle**2 / 35.0**3
    inside = (middle > 3) & (middle < 34)
    assert np.abs(g.values[inside] / exact[inside] - 1).max() < 0.06
    assert np.abs(g.values[(middle > 37) & (middle < 100)]).max() < 0.03 * exact[inside].max()
    true_u2 = mean_square_displacement_of_phonons(given, f"{T} K", "20 u").value
    assert one.coords["mean_square_displacement"].value == pytest.approx(true_u2, rel=0.05)
    orders = [
        incoherent_phonon_scattering(given, Q, at, f"{T} K", "20 u", phonons=which).values[:, np.abs(E) > 3].sum()
        for which in ((2, None), (1, None))
    ]
    assert one.coords["several_phonons"].value == pytest.approx(orders[0] / orders[1], abs=0.02)


def test_uneven_energies_and_negative_densities_are_refused() -> None:
    Q, E = axes([1.0], np.array([0.0, 1.0, 3.0]))
    with pytest.raises(InputError, match="equal steps"):
        incoherent_phonon_scattering(debye(), Q, E, "300 K", "12 u")
    with pytest.raises(InputError, match="not negative"):
        incoherent_phonon_scattering(
            density(np.array([1.0, 2.0]), np.array([1.0, -1.0])), *axes([1.0], np.arange(5.0)), "300 K", "12 u"
        )
    with pytest.raises(InputError, match="phonons"):
        incoherent_phonon_scattering(debye(), *axes([1.0], np.arange(5.0)), "300 K", "12 u", phonons=(0, 1))
