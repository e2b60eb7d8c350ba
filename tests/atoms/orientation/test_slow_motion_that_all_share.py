"""What all molecules do together is in no scatter between them: two halves of the run that differ are told."""

import numpy as np
import pytest
from exact_trajectories import stored
from turning_molecules import AMMONIUM, diffusing, molecules_of

from caloris.atoms.block_statistics import halves_apart, jackknife, mean_of_groups, mean_of_parts
from caloris.atoms.diffusion import diffusion_coefficient, mean_square_displacement
from caloris.atoms.orientation.correlation import orientation_correlation, reorientation_rate
from caloris.atoms.orientation.hydrogen_bonding import hydrogen_bonds
from caloris.atoms.orientation.lifetimes import reorientation
from caloris.atoms.orientation.order import orientational_order


def differ(found):
    return [line for line in found.warnings if "half of the run" in line]


def walkers(folder, rng, late):
    step = np.where(np.arange(600) < 300, 0.5, late)[:, None, None]
    x = np.cumsum(step * rng.standard_normal((600, 64, 3)), axis=0)
    everything = np.concatenate([x, np.zeros((600, 1, 3))], axis=1)
    return stored(folder, everything, ["Li"] * 64 + ["U"], masses=[7.0] * 64 + [1e12])


@pytest.mark.parametrize("method", ["weighted least squares", "generalised least squares"])
def test_diffusion_that_doubles_in_all_is_said_and_steady_diffusion_is_not(tmp_path, method):
    rng = np.random.default_rng(1)
    found = diffusion_coefficient(walkers(tmp_path, rng, 0.9), "Li", method=method)
    assert len(differ(found)) == 1
    assert found.diffusive  # it is diffusion, of a coefficient that is known worse than said
    assert not differ(diffusion_coefficient(walkers(tmp_path, rng, 0.5), "Li", method=method))


def turning(folder, rng, late):
    frames = 800
    slow, fast = diffusing(frames // 2, 40, 0.02, rng), diffusing(frames // 2, 40, late, rng)
    return molecules_of(folder, AMMONIUM, "NH4", np.concatenate([slow, fast @ slow[-1:]]))


def test_rates_that_differ_in_the_halves_are_said(tmp_path):
    rng = np.random.default_rng(2)
    changing, steady = turning(tmp_path / "a", rng, 0.06), turning(tmp_path / "b", rng, 0.02)
    assert differ(reorientation_rate(changing, bond=("N", "H")))
    assert not differ(reorientation_rate(steady, bond=("N", "H")))
    assert len(differ(reorientation(changing, ("N", "H")))) == 2
    assert not differ(reorientation(steady, ("N", "H")))


def test_order_that_changes_is_said(tmp_path):
    rng = np.random.default_rng(3)
    still = np.broadcast_to(np.eye(3), (100, 20, 3, 3))
    shaken = diffusing(100, 20, 0.02, rng)
    found = orientational_order(
        molecules_of(tmp_path, AMMONIUM, "NH4", np.concatenate([still[:99], shaken])), ("N", "H")
    )
    assert {line.split()[3] for line in differ(found)} >= {"cubic_4", "tetrahedral_square"}
    assert not differ(orientational_order(molecules_of(tmp_path, AMMONIUM, "NH4", shaken), ("N", "H")))


@pytest.mark.parametrize("breaks", [0.1, 0.4])
def test_bonds_that_become_rare_are_said(tmp_path, breaks):
    rng = np.random.default_rng(4)
    state = np.empty((600, 48), bool)
    state[0] = rng.random(48) < 0.5
    for k in range(1, 600):
        gone = 0.1 if k < 300 else breaks
        draw = rng.random(48)
        state[k] = np.where(state[k - 1], draw >= gone, draw < 0.1)
    sites = 9.0 * np.stack(np.unravel_index(np.arange(48), (5, 5, 5)), axis=-1)
    oxygen = np.broadcast_to(sites, (600, 48, 3))
    hydrogen = oxygen + np.where(state[..., None], np.array([1.0, 0, 0]), np.array([-0.6, 0.8, 0]))
    nitrogen = oxygen + np.array([2.9, 0, 0])
    positions = np.stack([oxygen, hydrogen, nitrogen], axis=2).reshape(600, -1, 3)
    bonds = np.array([(3 * m, 3 * m + 1) for m in range(48)])
    trajectory = stored(tmp_path, positions, ["O", "H", "N"] * 48, bonds=bonds, cell=45.0)
    said = differ(hydrogen_bonds(trajectory, donor="O", acceptors={"N": "2.5 angstrom"}))
    kinds = [any(word in line for line in said) for word in ("number", "continuous")]
    assert kinds == [breaks == 0.4] * 2


def test_parts_of_time_show_what_groups_share():
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(300):
        shared = np.repeat(rng.standard_normal(8), 20) + rng.standard_normal(160)
        mean, error = mean_of_parts(shared, np.ones(160), 8)
        inside.append(abs(mean) < error)
        assert error >= mean_of_groups(shared, np.ones(160))[1]
    assert 0.58 < np.mean(inside) < 0.74  # 68 % of Student's t with 7 degrees is 65 %


def test_one_group_has_no_error(tmp_path):
    assert np.isnan(mean_of_groups(np.ones((3, 1)), np.ones(1))[1]).all()
    assert np.isnan(jackknife(np.square, np.ones(1), np.ones(1))[1])
    assert halves_apart("rate", (1.0, 2.0), np.nan) == ()
    rng = np.random.default_rng(6)
    trajectory = stored(tmp_path, np.cumsum(rng.standard_normal((15, 1, 3)), axis=0), ["Li"])
    assert np.isnan(mean_square_displacement(trajectory, "Li").variances).all()
    found = diffusion_coefficient(trajectory, "Li", window=("1 ps", "4 ps"))
    assert not found.diffusive
    assert "no error" in found.warnings[0]
    short = molecules_of(tmp_path / "one", AMMONIUM, "NH4", diffusing(30, 1, 0.02, rng))
    assert np.isnan(orientation_correlation(short, bond=("N", "H")).variances).all()
    assert "no error" in reorientation_rate(short, bond=("N", "H")).warnings[0]
