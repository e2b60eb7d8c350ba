"""Lattice entropy from Debye, densities of states and volume; shares of lattice and magnetic entropy."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import scipp as sc
from exact_magnets import axis

from caloris.errors import InputError
from caloris.heat.magnetocaloric import (
    debye_entropy,
    entropy_balance,
    gruneisen_entropy_change,
    vibrational_entropy,
)

R = 8.31446261815324
MASS = "50 g/mol"
PER_MASS = R / 0.05
DATA = Path(os.environ.get("CALORIS_DATA", Path(__file__).parents[4] / "shared" / "data"))


def scalar(value, error=None):
    return sc.scalar(float(value), variance=None if error is None else float(error) ** 2, unit="J/kg/K")


def test_debye_entropy_at_both_ends():
    cold = debye_entropy("3 K", "300 K", atomic_mass=MASS).value
    assert cold == pytest.approx(PER_MASS * 4 * np.pi**4 / 5 * 0.01**3, rel=1e-9)
    hot = debye_entropy("3000 K", "300 K", atomic_mass=MASS).value
    x = 0.1  # S = 3R [4/3 - ln x + x^2/40 - x^4/2240 + ...]
    assert hot == pytest.approx(3 * PER_MASS * (4 / 3 - np.log(x) + x**2 / 40 - x**4 / 2240), rel=1e-9)


def test_debye_density_of_states_gives_the_debye_entropy():
    kB = 8.617333262e-2
    E = np.linspace(1e-3, kB * 300, 4001)
    dos = sc.DataArray(axis("energy", E**2, "1/meV"), coords={"energy": axis("energy", E, "meV")})
    for T in ("20 K", "300 K", "900 K"):
        found = vibrational_entropy(dos, T, atomic_mass=MASS).value
        assert found == pytest.approx(debye_entropy(T, "300 K", atomic_mass=MASS).value, rel=2e-4)


def test_formula_mass_with_its_number_of_atoms_is_the_mean_atomic_mass():
    one = debye_entropy("300 K", "250 K", atomic_mass="20 g/mol").value
    assert debye_entropy("300 K", "250 K", atomic_mass="100 g/mol", atoms=5).value == pytest.approx(one, rel=1e-12)


def test_expansion_softens_the_lattice_as_its_debye_temperature_does():
    """theta ~ V^-gamma; the high-temperature form holds to x^2/40."""
    gamma, strain = 1.8, 0.01
    after = debye_entropy("3000 K", f"{300 * (1 + strain) ** -gamma} K", atomic_mass=MASS)
    exact = after.value - debye_entropy("3000 K", "300 K", atomic_mass=MASS).value
    found = gruneisen_entropy_change(strain, gamma, atomic_mass=MASS).value
    assert found > 0
    assert found == pytest.approx(exact, rel=1e-3)
    assert gruneisen_entropy_change(strain, gamma, atomic_mass=MASS).value == pytest.approx(
        3 * PER_MASS * gamma * strain, rel=0.01
    )
    assert gruneisen_entropy_change(-strain, gamma, atomic_mass=MASS).value < 0


@pytest.mark.parametrize(
    ("lattice", "magnetic", "relation", "share"),
    [
        (-3.0, -6.0, "add", 1 / 3),
        (4.0, -12.0, "cancel", -0.5),
        (12.0, -4.0, "cancel", 1.5),
        (0.0, -4.0, "undecided", 0),
    ],
)
def test_parts_add_or_cancel(lattice, magnetic, relation, share):
    found = entropy_balance(lattice=scalar(lattice), magnetic=scalar(magnetic))
    assert found.total.value == lattice + magnetic
    assert found.relation == relation
    assert found.lattice_share.value == pytest.approx(share)
    assert found.lattice_share.value + found.magnetic_share.value == pytest.approx(1)
    again = entropy_balance(total=found.total, magnetic=scalar(magnetic))
    assert again.lattice.value == pytest.approx(lattice)
    assert again.found_by_difference == "lattice"


def test_share_errors_match_noise_whichever_two_are_known():
    rng = np.random.default_rng(8)
    L, M = 3.0 + 0.2 * rng.standard_normal(200000), 6.0 + 0.3 * rng.standard_normal(200000)
    found = entropy_balance(lattice=scalar(3, 0.2), magnetic=scalar(6, 0.3))
    assert np.sqrt(found.lattice_share.variance) == pytest.approx(np.std(L / (L + M)), rel=0.02)
    T = 9.0 + 0.3 * rng.standard_normal(200000)
    found = entropy_balance(total=scalar(9, 0.3), lattice=scalar(3, 0.2))
    assert np.sqrt(found.lattice_share.variance) == pytest.approx(np.std(L / T), rel=0.02)
    assert np.sqrt(found.magnetic.variance) == pytest.approx(np.hypot(0.3, 0.2))
    found = entropy_balance(total=scalar(9, 0.3), magnetic=scalar(6, 0.3))
    assert np.sqrt(found.lattice_share.variance) == pytest.approx(np.std(1 - M / T), rel=0.03)


def test_a_part_within_its_error_decides_nothing():
    found = entropy_balance(total=scalar(9), lattice=scalar(1.0, 1.5))
    assert found.relation == "undecided"
    assert "cannot be told" in str(found)


def test_lattice_of_la_fe_si_h_adds_to_its_magnetic_entropy():
    """LaFe11.4Si1.6H1.6: 3.2 +- 1.9 J/kg/K by nuclear resonant scattering, said to be 35 % of the total."""
    path = DATA / "caloric_materials.csv"
    if not path.exists():
        pytest.skip(f"no {path}; set CALORIS_DATA")
    with path.open(encoding="utf-8") as file:
        row = next(r for r in csv.reader(file) if r[0] == "lafesih_lattice")
    lattice = float(next(cell for cell in row if cell == "3.2"))
    assert any("+-1.9" in cell and "35% of total" in cell for cell in row)
    found = entropy_balance(total=scalar(lattice / 0.35), lattice=scalar(lattice, 1.9))
    assert found.relation == "add"
    assert found.magnetic.value == pytest.approx(5.9, abs=0.1)
    assert np.sqrt(found.lattice_share.variance) == pytest.approx(0.21, abs=0.01)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="give two"):
        entropy_balance(total="9 J/kg/K")
    with pytest.raises(InputError, match="lattice"):
        entropy_balance(total="9 J/kg/K", lattice="3 J/kg")
    with pytest.raises(InputError, match="would not stay positive"):
        gruneisen_entropy_change(-1.0, 2.0, atomic_mass=MASS)
    with pytest.raises(InputError, match="atoms"):
        debye_entropy("300 K", "300 K", atomic_mass=MASS, atoms=0)
    E = axis("energy", [0.0, 1.0, 2.0], "meV")
    with pytest.raises(InputError, match="leave the elastic line out"):
        vibrational_entropy(
            sc.DataArray(axis("energy", [1, 1, 1], "1/meV"), coords={"energy": E}), "300 K", atomic_mass=MASS
        )
