"""Atoms of one molecule move together: they are one sample, whatever their number and order."""

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import stored

from caloris.atoms.diffusion import diffusion_coefficient, mean_square_displacement
from caloris.atoms.transport.independence import independent_units
from caloris.atoms.transport.jumps import follow_jumps
from caloris.atoms.transport.sites import Sites
from caloris.atoms.transport.van_hove import distinct_van_hove, non_gaussian_parameter, self_van_hove

SIZE, MOLECULES, CELL = 6, 24, 40.0
TIME = sc.array(dims=["time"], values=[20.0], unit="ps")


@pytest.fixture(scope="module", params=["molecule by molecule", "atom by atom"])
def rigid(request, tmp_path_factory):
    """Rigid molecules whose centres walk, and the atoms that come first in each."""
    rng = np.random.default_rng(1)
    centres = np.cumsum(0.6 * rng.standard_normal((300, MOLECULES, 1, 3)), axis=0) + CELL * rng.random(
        (MOLECULES, 1, 3)
    )
    positions = centres + rng.standard_normal((MOLECULES, SIZE, 3))
    number = np.arange(MOLECULES * SIZE).reshape(MOLECULES, SIZE)
    if request.param == "atom by atom":
        positions, number = positions.transpose(0, 2, 1, 3), number.reshape(SIZE, MOLECULES).T
    flat = np.concatenate([positions.reshape(300, -1, 3), np.zeros((300, 1, 3))], axis=1)
    bonds = np.array([(atoms[0], other) for atoms in number for other in atoms[1:]])
    symbols, masses = ["B"] * number.size + ["U"], [10.8] * number.size + [1e12]
    return stored(tmp_path_factory.mktemp("rigid"), flat, symbols, masses=masses, bonds=bonds, cell=CELL), number[:, 0]


def test_errors_of_rigid_molecules_are_those_of_one_atom_in_each(rigid):
    trajectory, first = rigid
    for function in (
        lambda atoms: mean_square_displacement(trajectory, atoms),
        lambda atoms: self_van_hove(trajectory, atoms, times=TIME, bin_width="2 angstrom"),
        lambda atoms: non_gaussian_parameter(trajectory, atoms, times=TIME),
        lambda atoms: diffusion_coefficient(trajectory, atoms).value,
    ):
        every, one = function("B"), function(first)
        np.testing.assert_allclose(every.values, one.values, rtol=1e-6, atol=1e-9)  # positions are stored in 32 bit
        np.testing.assert_allclose(every.variances, one.variances, rtol=1e-3, atol=1e-12)
    bounds = [diffusion_coefficient(trajectory, atoms).upper_bound.value for atoms in ("B", first)]
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-4)
    near = distinct_van_hove(trajectory, ("B", "U"), times=TIME, bin_width="10 angstrom")
    alone = distinct_van_hove(trajectory, (first, "U"), times=TIME, bin_width="10 angstrom")
    assert near.variances[0, -1] > 0.5 * alone.variances[0, -1]


def test_few_molecules_of_many_atoms_are_split_in_time(tmp_path):
    rng = np.random.default_rng(2)
    walk = np.cumsum(rng.standard_normal((320, 2, 1, 3)), axis=0)
    positions = (walk + rng.standard_normal((2, 20, 3))).reshape(320, 40, 3)
    bonds = np.array([(20 * m, 20 * m + k) for m in range(2) for k in range(1, 20)])
    trajectory = stored(tmp_path, positions, ["C"] * 40, bonds=bonds)
    assert len(mean_square_displacement(trajectory, "C")) == 320 // 8 // 2 + 1


def test_atoms_of_a_network_count_one_by_one(tmp_path):
    """A chain that is bonded to its own image is no molecule; the same chain cut open is one."""
    positions = np.broadcast_to(np.arange(6)[:, None] * np.array([1.5, 0, 0]), (16, 6, 3))
    chain = np.array([(k, k + 1) for k in range(5)])
    open_chain = stored(tmp_path, positions, ["Si"] * 6, bonds=chain, cell=9.0)
    assert independent_units(open_chain, np.arange(6)).tolist() == [0] * 6
    closed = stored(tmp_path, positions, ["Si"] * 6, bonds=np.concatenate([chain, [[5, 0]]]), cell=9.0)
    assert independent_units(closed, np.array([4, 2, 5])).tolist() == [0, 1, 2]


def pairs_on_a_lattice(folder, frames, rng, *, bonds=True, rate=lambda t: 0.05, outside=0):
    """Pairs of ions a lattice vector apart that jump together between the points of a lattice of 4 angstrom."""
    steps = np.concatenate([np.eye(3), -np.eye(3)])[rng.integers(0, 6, (frames, 12))]
    jumping = rng.random((frames, 12, 1)) < np.array([rate(t) for t in range(frames)])[:, None, None]
    at = 4.0 * (rng.integers(0, 4, (12, 3)) + np.cumsum(jumping * steps, axis=0))
    positions = np.stack([at, at + np.array([4.0, 0, 0])], axis=2).reshape(frames, 24, 3)
    stuck = np.broadcast_to(4.0 * rng.integers(0, 4, (outside, 3)) + 2.0, (frames, outside, 3))
    every = np.concatenate([positions, stuck], axis=1) + 0.1 * rng.standard_normal((frames, 24 + outside, 3))
    every = np.concatenate([every, np.zeros((frames, 1, 3))], axis=1)
    pairs = np.array([(2 * k, 2 * k + 1) for k in range(12)]) if bonds else None
    symbols = ["Li"] * (24 + outside) + ["U"]
    masses = [7.0] * (24 + outside) + [1e12]
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) / 4
    sites = Sites(grid, 16 * np.eye(3), ("s",) * 64)
    return stored(folder, every, symbols, masses=masses, bonds=pairs, cell=16.0), sites


def test_jumps_of_a_molecule_are_one_sample(tmp_path):
    trajectory, sites = pairs_on_a_lattice(tmp_path, 600, np.random.default_rng(3))
    every, one = follow_jumps(trajectory, "Li", sites), follow_jumps(trajectory, np.arange(0, 24, 2), sites)
    assert len(every.events) == 2 * len(one.events)
    for name in ("jump_rate", "correlation_factor", "mean_cosine"):
        both = getattr(every, name), getattr(one, name)
        assert both[0].value == pytest.approx(both[1].value)
        assert both[0].variance == pytest.approx(both[1].variance, rel=1e-6)


def test_ions_that_never_enter_a_core_do_not_halve_the_correlation_factor(tmp_path):
    trajectory, sites = pairs_on_a_lattice(tmp_path, 800, np.random.default_rng(4), bonds=False, outside=24)
    found = follow_jumps(trajectory, "Li", sites)
    assert found.correlation_factor.value == pytest.approx(1, abs=4 * np.sqrt(found.correlation_factor.variance))
    assert found.correlation_factor.value > 0.75
    assert "24 of 48 ions never entered a core" in found.warnings[0]


def test_a_jump_rate_that_changes_within_the_run_is_said(tmp_path):
    rng = np.random.default_rng(5)
    found = follow_jumps(*_with_li(pairs_on_a_lattice(tmp_path, 600, rng, rate=lambda t: 0.02 if t < 300 else 0.08)))
    assert any("jump rate" in line and "half of the run" in line for line in found.warnings)


def _with_li(both):
    return both[0], "Li", both[1]
