"""Maps and order parameters of directions that are known: isotropic, tetrahedral, cubic."""

import numpy as np
import pytest
from exact_trajectories import random_rotations
from turning_molecules import AMMONIUM, TETRAHEDRON, about, jumping, molecules_of

from caloris.atoms.orientation._kernels import count_directions
from caloris.atoms.orientation.order import orientational_order
from caloris.atoms.orientation.sphere import crystal_sites, orientation_map
from caloris.errors import InputError

THREE_FOLD = np.concatenate([about(TETRAHEDRON, angle) for angle in (120, 240)])
FOUR_FOLD = about([[0, 0, 1], [1, 0, 0], [0, 1, 0]], 90)


def librating(orientations, angle, rng):
    frames, molecules = orientations.shape[:2]
    from scipy.spatial.transform import Rotation

    noise = Rotation.from_rotvec(angle * rng.standard_normal((frames * molecules, 3))).as_matrix()
    return noise.reshape(frames, molecules, 3, 3) @ orientations


def random(frames, molecules, rng):
    return random_rotations(frames * molecules, rng).reshape(frames, molecules, 3, 3)


def test_random_orientations_are_even_over_the_sphere(tmp_path):
    rng = np.random.default_rng(1)
    trajectory = molecules_of(tmp_path, AMMONIUM, "NH4", random(400, 48, rng))
    found = orientation_map(trajectory, ("N", "H"), rows=12)
    z = (found.density.values - 1 / (4 * np.pi)) / np.sqrt(found.density.variances)
    assert 0.6 < np.mean(np.abs(z) < 1) < 0.76
    assert float(found.density.sum().value) * 4 * np.pi / found.density.size == pytest.approx(1)
    assert len(found.maxima("20 deg")) == 1


def test_tetrahedral_jumps_have_four_maxima_and_cubic_ones_eight(tmp_path):
    rng = np.random.default_rng(2)
    for operations, corners in (
        (THREE_FOLD, TETRAHEDRON),
        (FOUR_FOLD, np.concatenate([TETRAHEDRON, -TETRAHEDRON])),
    ):
        orientations = librating(jumping(1500, 48, operations, 0.3, rng), 0.15, rng)
        trajectory = molecules_of(tmp_path / str(len(corners)), AMMONIUM, "NH4", orientations)
        peaks = orientation_map(trajectory, ("N", "H")).maxima("8 deg")
        cosines = peaks.coords["direction"].values @ corners.T
        assert len(peaks) == len(corners)
        assert sorted(cosines.argmax(axis=1)) == list(range(len(corners)))
        assert np.all(cosines.max(axis=1) > np.cos(np.deg2rad(8)))


def test_symmetry_puts_a_direction_on_all_its_images(tmp_path):
    still = np.broadcast_to(about([[0, 0, 1]], 23), (16, 12, 3, 3))
    shape = np.array([[0, 0, 0], [1.0, 0, 0.1]])
    trajectory = molecules_of(tmp_path, shape, "OH", still)
    turns = about([[0, 0, 1]] * 4, 0).copy()
    for k in range(4):
        turns[k] = about([[0, 0, 1]], 90 * k)[0]
    alone, all_four = (
        orientation_map(trajectory, ("O", "H"), rotations=r, rows=18).density.values for r in (None, turns)
    )
    np.testing.assert_allclose(all_four, sum(np.roll(alone, 9 * k, axis=1) for k in range(4)) / 4, atol=1e-12)
    assert np.count_nonzero(alone) == 1


def test_map_turns_with_the_crystal(tmp_path):
    """The same crystal laid differently in space has the same map: x along a, z along a x b."""
    rng = np.random.default_rng(3)
    orientations = librating(np.broadcast_to(np.eye(3), (50, 24, 3, 3)), 0.1, rng)
    cell = np.array([[80.0, 0, 0], [-10, 70, 0], [5, 8, 90]])
    laid = about([[0.6, 0, 0.8]], 70)[0]
    sites = rng.random((24, 3)) @ cell
    maps = []
    for k, turn in enumerate((np.eye(3), laid)):
        trajectory = molecules_of(
            tmp_path / str(k),
            AMMONIUM,
            "NH4",
            turn @ orientations,
            sites=sites @ turn.T,
            cell=np.broadcast_to(cell @ turn.T, (50, 3, 3)),
        )
        maps.append(orientation_map(trajectory, ("N", "H")))
    np.testing.assert_allclose(maps[0].density.values, maps[1].density.values, atol=1e-9)
    np.testing.assert_allclose(maps[1].cell.values, cell, atol=1e-9)


@pytest.mark.parametrize(
    ("operations", "exact"),
    [
        (THREE_FOLD, {"Q": [0, 0, 5 / 9, 7 / 27, 0, 32 / 81], "four": -2 / 3, "six": 16 / 9, "M": 1.0, "M2": 1.0}),
        (FOUR_FOLD, {"Q": [0, 0, 0, 7 / 27, 0, 32 / 81], "four": -2 / 3, "six": 16 / 9, "M": 0.0, "M2": 1.0}),
        (None, {"Q": [0] * 6, "four": 0.0, "six": 0.0, "M": 0.0, "M2": 1 / 7}),
    ],
    ids=["tetrahedral", "cubic", "isotropic"],
)
def test_order_parameters_of_known_distributions(tmp_path, operations, exact):
    rng = np.random.default_rng(4)
    orientations = random(300, 48, rng) if operations is None else jumping(600, 48, operations, 0.5, rng)
    found = orientational_order(molecules_of(tmp_path, AMMONIUM, "NH4", orientations), ("N", "H"))
    deviation = np.abs(found.invariants.values - exact["Q"])
    assert np.all(deviation < 4 * np.sqrt(found.invariants.variances) + 1e-4)
    for name, value in (("cubic_4", "four"), ("cubic_6", "six"), ("tetrahedral", "M"), ("tetrahedral_square", "M2")):
        got = getattr(found, name)
        assert abs(got.value - exact[value]) < 4 * np.sqrt(got.variance) + 1e-9, name
        assert np.sqrt(got.variance) < 0.05


def test_invariants_do_not_depend_on_the_frame_and_cubic_ones_do(tmp_path):
    turn = about([[0.48, 0.6, 0.64]], 33)[0]
    still = np.broadcast_to(turn, (10, 24, 3, 3))
    trajectory = molecules_of(tmp_path, AMMONIUM, "NH4", still)
    found = orientational_order(trajectory, ("N", "H"))
    np.testing.assert_allclose(found.invariants.values, [0, 0, 5 / 9, 7 / 27, 0, 32 / 81], atol=1e-12)
    assert abs(found.tetrahedral.value) < 0.9
    along = orientational_order(trajectory, ("N", "H"), axes=turn.T)
    assert along.tetrahedral.value == pytest.approx(1)


def test_frozen_disorder_of_few_molecules_is_no_order(tmp_path):
    """Molecules that never turn, laid at random: Q_l^2 without the noise of few is 0 within its error, on average."""
    rng = np.random.default_rng(5)
    pulls = []
    for k in range(30):
        still = np.broadcast_to(random_rotations(32, rng), (8, 32, 3, 3))
        found = orientational_order(molecules_of(tmp_path / str(k), AMMONIUM, "NH4", still), ("N", "H")).invariants
        pulls.append(found.values[2:] / np.sqrt(found.variances[2:]))
    assert abs(np.mean([p[0] for p in pulls])) < 0.6
    assert np.mean(np.abs([p[0] for p in pulls]) < 1.5) > 0.7


def test_sites_are_told_apart_and_errors_are_between_unit_cells(tmp_path):
    """Two sites with opposite tetrahedra: with the unit cells known the average is exact, without them it scatters."""
    cells = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * 8.0
    sites = np.concatenate([cells + 1.0, cells + 5.0])
    opposite = np.concatenate([np.broadcast_to(np.eye(3), (27, 3, 3)), np.broadcast_to(-np.eye(3), (27, 3, 3))])
    trajectory = molecules_of(
        tmp_path, AMMONIUM, "NH4", np.broadcast_to(opposite, (8, 54, 3, 3)), sites=sites, cell=24.0
    )
    labels = crystal_sites(trajectory, "NH4", (3, 3, 3))
    assert labels.tolist() == [0] * 27 + [1] * 27
    known = orientational_order(trajectory, ("N", "H"), repeat=(3, 3, 3))
    assert (known.tetrahedral.value, known.tetrahedral.variance) == pytest.approx((0, 0), abs=1e-12)
    assert orientational_order(trajectory, ("N", "H")).tetrahedral.variance > 0.01
    one = orientational_order(trajectory, ("N", "H"), select=np.flatnonzero(labels == 1))
    assert one.tetrahedral.value == pytest.approx(-1)
    with pytest.raises(InputError, match="evenly"):
        crystal_sites(trajectory, "NH4", (4, 3, 3))


def test_doors_of_maps_say_what_is_wrong(tmp_path):
    still = np.broadcast_to(np.eye(3), (8, 2, 3, 3))
    trajectory = molecules_of(tmp_path, AMMONIUM, "NH4", still)
    with pytest.raises(InputError, match="orthogonal"):
        orientation_map(trajectory, ("N", "H"), rotations=2 * np.eye(3)[None])
    with pytest.raises(InputError, match="select"):
        orientation_map(trajectory, ("N", "H"), select=[5])


@pytest.mark.parametrize("rows", [0, 1, -3, 1.5, "6", True])
def test_a_map_needs_rows(tmp_path, rows):
    trajectory = molecules_of(tmp_path, AMMONIUM, "NH4", np.broadcast_to(np.eye(3), (8, 2, 3, 3)))
    with pytest.raises(InputError, match="rows: expected a whole number"):
        orientation_map(trajectory, ("N", "H"), rows=rows)
    with pytest.raises(InputError, match="rotations: expected numbers"):
        orientation_map(trajectory, ("N", "H"), rotations="x")


def test_a_kernel_far_below_the_bins_is_refused(tmp_path):
    trajectory = molecules_of(tmp_path, AMMONIUM, "NH4", np.broadcast_to(np.eye(3), (8, 2, 3, 3)))
    found = orientation_map(trajectory, ("N", "H"), rows=12)
    with pytest.raises(InputError, match="far below the bins"):
        found.smoothed("1e-9 deg")
    assert np.isfinite(found.smoothed("1 deg").density.values).all()


def test_bonds_without_length_have_no_direction(tmp_path):
    shape = np.array([[0.0, 0, 0], [1.0, 0, 0]])
    trajectory = molecules_of(tmp_path, 0 * shape, "OH", np.broadcast_to(np.eye(3), (8, 2, 3, 3)))
    with pytest.raises(InputError, match="no direction"):
        orientation_map(trajectory, ("O", "H"), rows=4)
    counts = np.zeros((4, 8))
    count_directions(np.array([[np.nan, 0, 0], [0, 0, 1.0]]), counts, 1.0)
    assert counts.sum() == 1
