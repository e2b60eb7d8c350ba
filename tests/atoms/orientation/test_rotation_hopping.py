"""Ions that hop by chance, or when a neighbour turns, with a built-in lag."""

import numpy as np
import pytest
from exact_trajectories import stored
from turning_molecules import TETRAHEDRON, about

from caloris.atoms.orientation.body_rotation import rotation_angles
from caloris.atoms.orientation.coupling import rotation_hopping_coupling
from caloris.errors import InputError

EDGE = 24.0
SHAPE = np.concatenate([np.zeros((1, 3)), 1.5 * TETRAHEDRON])


def crystal(folder, rng, *, frames=600, coupled=0.0, lag=0, rate=0.04):
    """27 tetrahedra on a cubic lattice of 8 angstrom and 27 ions that hop to and fro beside them, 3 angstrom away.

    A share of the hops happens just when the neighbour turns by 120 deg, some frames later.
    """
    folder.mkdir(exist_ok=True)
    sites = 8.0 * np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) + 2.0
    count = len(sites)
    turns = rng.random((frames, count)) < rate
    own = rng.random((frames, count)) < rate
    follow = np.roll(turns, lag, axis=0)
    hops = np.where(rng.random((frames, count)) < coupled, follow, own)
    axis = about(TETRAHEDRON[:1], 120)[0]
    powers = np.stack([np.eye(3), axis, axis @ axis])
    orientation = powers[np.cumsum(turns, axis=0) % 3]
    molecules = np.einsum("tmij,aj->tmai", orientation, SHAPE) + sites[:, None]
    molecules += 0.05 * rng.standard_normal(molecules.shape)
    side = np.where(np.cumsum(hops, axis=0) % 2, 0.7, -0.7)[..., None] * np.array([0, 1.0, 0])
    ions = sites + np.array([3.0, 0, 0]) + side + 0.05 * rng.standard_normal((frames, count, 3))
    positions = np.concatenate([molecules.reshape(frames, -1, 3), ions], axis=1)
    bonds = np.concatenate([np.array([[0, k] for k in range(1, 5)]) + 5 * m for m in range(count)])
    return stored(folder, positions, ["B", "H", "H", "H", "H"] * count + ["Li"] * count, cell=EDGE, bonds=bonds)


def coupling_of(trajectory, **how):
    settings = {"distance": "4 angstrom", "interval": "2 ps", "longest": "10 ps"} | how
    return rotation_hopping_coupling(trajectory, "BH4", "Li", **settings)


def test_correlation_is_the_direct_sum_over_pairs(tmp_path):
    rng = np.random.default_rng(1)
    trajectory = crystal(tmp_path, rng, frames=120, coupled=0.5, lag=2)
    found = coupling_of(trajectory)
    x = trajectory.read("position").astype(float)
    x -= np.average(x, axis=1, weights=trajectory.masses.values)[:, None] - np.average(
        x[0], axis=0, weights=trajectory.masses.values
    )
    bodies, ions = x[:, :135].reshape(120, 27, 5, 3), x[:, 135:]
    shape = bodies - bodies.mean(axis=2, keepdims=True)
    angle = np.stack([rotation_angles(shape[:-2, m], shape[2:, m]) for m in range(27)], axis=1)
    square = ((ions[2:] - ions[:-2]) ** 2).sum(-1)
    a, b = angle - angle.mean(axis=0), square - square.mean(axis=0)
    away = bodies.mean(axis=2)[1:-1, :, None] - ions[1:-1, None]
    distance = np.linalg.norm(away - EDGE * np.round(away / EDGE), axis=-1)
    for curve, near in ((found.neighbours, distance < 4), (found.far, distance >= 8)):
        for k, lag in enumerate(range(-10, 11)):
            t = np.arange(max(0, -lag), min(118, 118 - lag))
            pairs = near[t]
            products = a[t][:, :, None] * b[t + lag][:, None, :]
            direct = products[pairs].sum() / (27 * (near.sum() / 27))
            # the number of pairs in range of the lag, of all pairs: as the kernel counts them
            direct = products[pairs].sum() / pairs.sum() / np.sqrt((a**2).mean() * (b**2).mean())
            assert curve.values[k] == pytest.approx(direct, abs=1e-9)


def test_without_coupling_the_excess_is_none_and_p_values_are_even(tmp_path):
    rng = np.random.default_rng(2)
    p, pulls = [], []
    for k in range(40):
        found = coupling_of(crystal(tmp_path / str(k), rng, frames=300))
        p.append(found.p_value)
        pulls.append(found.excess.values[10] / np.sqrt(found.excess.variances[10]))
    assert np.mean(np.array(p) < 0.1) < 0.25
    assert 0.3 < np.mean(p) < 0.7
    assert 0.5 < np.mean(np.abs(pulls) < 1) < 0.86  # 68 %, two and a half sigma of 40 draws


@pytest.mark.parametrize("lag", [-4, 0, 5])
def test_built_in_lag_and_strength_are_recovered(tmp_path, lag):
    """Half of the hops follow a turn: turns and hops share half of their events, so that C = 1/2."""
    rng = np.random.default_rng(3)
    found = coupling_of(crystal(tmp_path, rng, coupled=0.5, lag=lag))
    assert found.lag.value == lag
    assert found.p_value == pytest.approx(1 / 1001)
    # hops to and fro and turns on top of each other within an interval take some of it away
    assert 0.4 < found.strength.value < 0.55
    assert np.sqrt(found.strength.variance) < 0.05
    assert abs(found.far.values).max() < 0.1
    assert found.warnings == ()
    others = np.abs(found.excess.coords["time"].values - lag) > 1.5  # the window is two frames wide
    assert np.abs(found.excess.values[others]).max() < 0.1


def test_what_all_pairs_share_is_no_excess(tmp_path):
    """Turns and hops that all come in the same bad weather: far pairs go together as near ones do."""
    rng = np.random.default_rng(4)
    weather = np.repeat(rng.random(30) < 0.5, 20)
    folder = tmp_path / "weather"
    folder.mkdir()
    frames, count = 600, 27
    sites = 8.0 * np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) + 2.0
    turns, hops = (rng.random((2, frames, count)) < np.where(weather, 0.12, 0.01)[:, None]).astype(int)
    axis = about(TETRAHEDRON[:1], 120)[0]
    orientation = np.stack([np.eye(3), axis, axis @ axis])[np.cumsum(turns, axis=0) % 3]
    molecules = np.einsum("tmij,aj->tmai", orientation, SHAPE) + sites[:, None]
    ions = sites + [3.0, 0, 0] + np.where(np.cumsum(hops, axis=0) % 2, 0.7, -0.7)[..., None] * np.array([0, 1.0, 0])
    positions = np.concatenate([molecules.reshape(frames, -1, 3), ions], axis=1)
    bonds = np.concatenate([np.array([[0, k] for k in range(1, 5)]) + 5 * m for m in range(count)])
    found = coupling_of(stored(folder, positions, ["B", *"HHHH"] * count + ["Li"] * count, cell=EDGE, bonds=bonds))
    assert found.far.values.max() > 0.1
    assert abs(found.excess.values[10]) < 4 * np.sqrt(found.excess.variances[10])
    assert any("Far pairs go together too" in line for line in found.warnings)


def test_doors_of_the_coupling(tmp_path):
    trajectory = crystal(tmp_path, np.random.default_rng(5), frames=100)
    with pytest.raises(InputError, match="run longer"):
        coupling_of(trajectory, longest="60 ps")
    with pytest.raises(InputError, match="half of the cell"):
        coupling_of(trajectory, distance="13 angstrom")
    with pytest.raises(InputError, match="no pairs"):
        coupling_of(trajectory, distance="1 angstrom")
