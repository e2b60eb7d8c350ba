"""Ions whose conductivity is known: alone, bound in pairs of like and of unlike charge, and dragged molecules."""

from dataclasses import replace

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import cells, stored

from caloris.atoms.transport.charge_transport import ionic_conductivity
from caloris.errors import InputError

D = 0.05
"""angstrom^2/ps."""
EDGE, TEMPERATURE = 20.0, 500.0


def nernst_einstein(ions):
    """n e^2 D / kT in S/m."""
    return ions / (EDGE * 1e-10) ** 3 * 1.602176634e-19**2 * D * 1e-8 / (1.380649e-23 * TEMPERATURE)


def walks(ions, frames, rng):
    return np.cumsum(np.sqrt(2 * D) * rng.standard_normal((frames, ions, 3)), axis=0)


def in_a_frame(folder, positions, symbols, rng, *, vibration=0.05, **how):
    shaken = positions + np.sqrt(vibration) * rng.standard_normal(positions.shape)
    everything = np.concatenate([shaken, np.zeros((len(positions), 1, 3))], axis=1)
    masses = [7.0] * len(symbols) + [1e12]
    return stored(folder, everything, [*symbols, "U"], masses=masses, cell=EDGE, **how)


def independent(rng):
    return walks(24, 1500, rng), ["Li"] * 12 + ["Cl"] * 12, 1.0


def like_pairs(rng):
    """Two ions that always move together carry twice as much."""
    return np.repeat(walks(12, 1500, rng), 2, axis=1), ["Li"] * 24, 0.5


def some_neutral_pairs(rng):
    """Half of either kind is bound to one of the other and carries nothing."""
    bound, free = walks(6, 1500, rng), walks(12, 1500, rng)
    return np.concatenate([bound, free[:, :6], bound, free[:, 6:]], axis=1), ["Li"] * 12 + ["Cl"] * 12, 2.0


@pytest.mark.parametrize("ions", [independent, like_pairs, some_neutral_pairs])
def test_haven_ratio_of_known_correlations_is_covered_by_its_error(tmp_path, ions):
    rng = np.random.default_rng(3)
    rows = []
    for _ in range(60):
        positions, symbols, haven = ions(rng)
        charges = {"Li": 1, "Cl": "-1 e"} if "Cl" in symbols else {"Li": 1}
        found = ionic_conductivity(in_a_frame(tmp_path, positions, symbols, rng), temperature="500 K", charges=charges)
        quantities = found.conductivity, found.nernst_einstein, found.haven_ratio
        rows.append([(q.value, np.sqrt(q.variance)) for q in quantities])
    alone = nernst_einstein(24)
    values, errors = np.moveaxis(np.array(rows), 2, 0)
    for k, exact in enumerate((alone / haven, alone, haven)):
        inside = np.abs(values[:, k] - exact) < errors[:, k]
        assert 0.52 < inside.mean() < 0.84  # 68 %, 2.6 sigma of 60 draws
        bias = 0.01 * exact + exact * (k == 2) * np.mean((errors[:, 0] / values[:, 0]) ** 2)  # of a ratio
        assert values[:, k].mean() == pytest.approx(exact, abs=bias + 3 * errors[:, k].mean() / np.sqrt(60))
    assert errors[:, 0].mean() < 0.2 * alone / haven
    assert errors[:, 1].mean() < 0.05 * alone


def test_pairs_of_species_sum_to_the_whole_and_give_transference(tmp_path):
    """Cl moves four times as fast: it carries four fifths, and pairs of unlike ions nothing."""
    rng = np.random.default_rng(4)
    positions = walks(40, 4000, rng)
    positions[:, 20:] *= 2
    trajectory = in_a_frame(tmp_path, positions, ["Li"] * 20 + ["Cl"] * 20, rng)
    found = ionic_conductivity(trajectory, temperature="500 K", charges={"Li": 1, "Cl": -1})
    assert found.pairs.sum().value == pytest.approx(found.conductivity.value)
    assert found.transference.sum().value == pytest.approx(1)
    assert found.alone.sum().value == pytest.approx(found.nernst_einstein.value)
    for got, exact in zip(found.transference.values, (0.2, 0.8), strict=True):
        assert got == pytest.approx(exact, abs=3 * np.sqrt(found.transference.variances[0]))
    share = found.alone.values / nernst_einstein(20)
    np.testing.assert_allclose(share, [1, 4], rtol=3 * np.sqrt(found.alone.variances[0]) / found.alone.values[0])
    cross = found.pairs["species", 0]["other", 1]
    assert abs(cross.value) < 3 * np.sqrt(cross.variance)
    assert found.pairs.values[0, 1] == found.pairs.values[1, 0]


def test_charges_of_a_molecule_move_with_its_centre_of_mass(tmp_path):
    """Diatomic ions that spin: given -1 each, or as -1.5 and 0.5 on their atoms, they carry as much."""
    rng = np.random.default_rng(5)
    frames, ions = 2000, 16
    centre = walks(ions, frames, rng)
    angle = np.cumsum(0.5 * rng.standard_normal((frames, ions)), axis=0)
    arm = 0.5 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    positions = np.stack([centre + arm, centre - arm], axis=2).reshape(frames, -1, 3)
    bonds = 2 * np.arange(ions)[:, None] + [0, 1]
    trajectory = stored(
        tmp_path,
        np.concatenate([positions, np.zeros((frames, 1, 3))], axis=1),
        ["O", "H"] * ions + ["U"],
        masses=[1.0, 1.0] * ions + [1e12],
        cell=EDGE,
        bonds=bonds,
    )
    by_molecule, by_atom = (
        ionic_conductivity(trajectory, temperature="500 K", charges=charges, at_rest="U")
        for charges in ({"OH": -1, "U": 16}, {"O": -1.5, "H": 0.5, "U": 16})
    )
    assert by_molecule.alone.values[0] == pytest.approx(
        nernst_einstein(ions), abs=3 * np.sqrt(by_molecule.alone.variances[0])
    )
    for a, b in (
        (by_molecule.conductivity, by_atom.conductivity),
        (by_molecule.nernst_einstein, by_atom.nernst_einstein),
    ):
        assert a.value == pytest.approx(b.value, abs=2 * np.sqrt(b.variance))
    assert tuple(by_atom.transference.coords["species"].values) == ("OH", "U")
    assert by_atom.warnings == ()


def test_charges_of_the_file_are_those_that_are_given(tmp_path):
    rng = np.random.default_rng(9)
    trajectory = in_a_frame(tmp_path, walks(20, 500, rng), ["Li"] * 10 + ["Cl"] * 10, rng)
    scaled = np.repeat([0.8, -0.8, 0.0], [10, 10, 1])
    with_charges = replace(trajectory, charges=sc.array(dims=["atom"], values=scaled, unit="e"))
    found = ionic_conductivity(with_charges, temperature="500 K")
    given = ionic_conductivity(trajectory, temperature="500 K", charges={"Li": 1, "Cl": -1})
    assert found.conductivity.value == pytest.approx(0.8**2 * given.conductivity.value)
    assert found.haven_ratio.value == pytest.approx(given.haven_ratio.value)


def test_transference_depends_on_what_is_at_rest_and_conductivity_does_not(tmp_path):
    """Relative to the centre of mass the heavier of two ions carries the less, by the ratio of the masses."""
    rng = np.random.default_rng(8)
    positions = walks(40, 1000, rng)
    trajectory = stored(tmp_path, positions, ["Li"] * 20 + ["Cl"] * 20, masses=[1.0] * 20 + [4.0] * 20, cell=EDGE)
    by_mass = ionic_conductivity(trajectory, temperature="500 K", charges={"Li": 1, "Cl": -1})
    by_anions = ionic_conductivity(trajectory, temperature="500 K", charges={"Li": 1, "Cl": -1}, at_rest="Cl")
    np.testing.assert_allclose(by_mass.transference.values, [0.8, 0.2], atol=1e-4)
    np.testing.assert_allclose(by_anions.transference.values, [1, 0], atol=1e-4)
    assert any("fixed by their masses" in line for line in by_mass.warnings)
    assert not any("fixed by their masses" in line for line in by_anions.warnings)
    assert by_anions.conductivity.value == pytest.approx(by_mass.conductivity.value, rel=1e-3)


def test_bound_ions_conduct_nothing_and_have_no_haven_ratio(tmp_path):
    rng = np.random.default_rng(6)
    bound = np.repeat(walks(12, 600, rng), 2, axis=1)
    found = ionic_conductivity(
        in_a_frame(tmp_path, bound, ["Li", "Cl"] * 12, rng), temperature="500 K", charges={"Li": 1, "Cl": -1}
    )
    assert abs(found.conductivity.value) < 3 * np.sqrt(found.conductivity.variance)
    assert np.sqrt(found.conductivity.variance) < 0.05 * found.nernst_einstein.value
    assert np.isnan(found.haven_ratio.value)
    assert any("no Haven ratio" in line for line in found.warnings)


def test_what_can_be_doubted_is_said(tmp_path):
    rng = np.random.default_rng(7)
    charged = in_a_frame(tmp_path, walks(12, 300, rng), ["Li"] * 12, rng)
    found = ionic_conductivity(charged, temperature="500 K", charges={"Li": 1})
    assert any("sum to 12 e" in line for line in found.warnings)
    assert any("run longer" in line for line in found.warnings) == (
        found.conductivity.variance**0.5 > 0.2 * found.conductivity.value
    )
    rough = ionic_conductivity(charged, temperature="500 K", charges={"Li": 1}, window=("5 ps", "100 ps"))
    assert rough.stretches == 2
    assert any("2 stretches" in line for line in rough.warnings)
    caged = in_a_frame(tmp_path, np.zeros((300, 12, 3)), ["Li"] * 12, rng)
    assert any(
        "neither conductivity is one" in line
        for line in ionic_conductivity(caged, temperature="500 K", charges={"Li": 1}).warnings
    )
    for charges, match in (({"Li": 0}, "all are 0"), ({"Li": 1, "U": "1 K"}, "U"), (None, "holds no charges")):
        with pytest.raises(InputError, match=match):
            ionic_conductivity(charged, temperature="500 K", charges=charges)
    with pytest.raises(InputError, match="too few"):
        ionic_conductivity(
            in_a_frame(tmp_path, walks(4, 50, rng), ["Li"] * 4, rng), temperature="500 K", charges={"Li": 1}
        )


def test_neither_drift_nor_a_breathing_cell_conducts(tmp_path):
    frames, atoms = 300, 30
    rng = np.random.default_rng(1)
    sites = rng.uniform(0, 20, (atoms, 3))
    breath = 1 + 0.03 * np.sin(0.1 * np.arange(frames))[:, None, None]
    drift = 0.05 * np.arange(frames)[:, None, None] * np.array([1.0, -2.0, 0.5])
    trajectory = stored(tmp_path, sites * breath + drift, f"Li{atoms}", cell=cells(20.0, frames) * breath)
    found = ionic_conductivity(trajectory, temperature="500 K", charges={"Li": 1})
    assert abs(found.conductivity.value) < 1e-9 * nernst_einstein(atoms)


@pytest.mark.parametrize("charges", [[1], "Li", {"Li": float("nan")}, {"Li": float("inf")}])
def test_charges_that_are_none_are_refused(tmp_path, charges):
    trajectory = stored(tmp_path, np.zeros((120, 2, 3)) + np.arange(2)[:, None], ["Li", "U"])
    with pytest.raises(InputError, match="charges: "):
        ionic_conductivity(trajectory, temperature="300 K", charges=charges)
