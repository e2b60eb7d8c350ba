"""Figures say what they show: numbers with errors, criteria, maxima, bounds."""

import numpy as np
import pytest
from exact_trajectories import stored
from turning_molecules import AMMONIUM, TETRAHEDRON, about, diffusing, jumping, molecules_of

from caloris.atoms.orientation.hydrogen_bonding import hydrogen_bonds
from caloris.atoms.orientation.lifetimes import reorientation
from caloris.atoms.orientation.sphere import orientation_map
from caloris.atoms.orientation.survey import reorientation_survey


@pytest.fixture(scope="module")
def turning(tmp_path_factory):
    rng = np.random.default_rng(1)
    return molecules_of(tmp_path_factory.mktemp("turning"), AMMONIUM, "NH4", diffusing(400, 24, 0.05, rng))


def test_reorientation_shows_the_lifetimes_that_it_found(turning):
    found = reorientation(turning, ("N", "H"), frame_interval="1 ps", duration="100 ps")
    left, right = found.plot().axes
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    for part, label in zip((found.first, found.second), labels, strict=True):
        assert f"{part.exponential.value:.3g}" in label
    assert "first zero" in right.get_title()


def test_map_marks_each_maximum(tmp_path):
    operations = np.concatenate([about(TETRAHEDRON, angle) for angle in (120, 240)])
    jumps = jumping(300, 24, operations, 0.4, np.random.default_rng(2))
    figure = orientation_map(molecules_of(tmp_path, AMMONIUM, "NH4", jumps), ("N", "H")).plot()
    crosses = figure.axes[0].get_lines()[0]
    latitude = np.sort(crosses.get_ydata())
    np.testing.assert_allclose(latitude, np.arcsin(np.array([-1, -1, 1, 1]) / np.sqrt(3)), atol=0.1)
    assert figure.axes[0].get_title().endswith("4 maxima")


def test_survey_draws_bounds_where_nothing_turns(turning, tmp_path):
    still = molecules_of(tmp_path, AMMONIUM, "NH4", np.broadcast_to(np.eye(3), (100, 12, 3, 3)))
    found = reorientation_survey([turning, still], "NH4", states=[("0 MPa", "400 K"), ("0 MPa", "300 K")])
    lines = found.plot().axes[0].get_lines()
    triangles = next(line for line in lines if line.get_marker() == "v")
    shown = np.isfinite(triangles.get_ydata())
    assert triangles.get_xdata()[shown] == pytest.approx([1000 / 300])
    assert triangles.get_ydata()[shown] == pytest.approx([3 / (12 * 100 * 1e-12)])


def test_hydrogen_bonds_state_their_criteria(tmp_path):
    frames, count = 40, 24
    site = 8.0 * np.stack(np.unravel_index(np.arange(count), (3, 3, 3)), axis=-1)
    there = np.random.default_rng(3).random((frames, count)) < 0.8
    shape = np.array([[0, 0, 0], [1.0, 0, 0], [2.9, 0, 0], [3.3, 1.1, 0]])
    positions = site[:, None] + np.broadcast_to(shape, (frames, count, 4, 3)).copy()
    positions[..., 1, :] = site + np.where(there[..., None], [1.0, 0, 0], [-1.0, 0, 0])
    bonds = np.concatenate([np.array([[0, 1], [2, 3]]) + 4 * m for m in range(count)])
    run = stored(tmp_path, positions.reshape(frames, -1, 3), ["O", "H", "N", "C"] * count, cell=24.0, bonds=bonds)
    found = hydrogen_bonds(run, donor="O", acceptors={"N": "2.2 angstrom"})
    assert found.plot().get_suptitle() == "H...N < 2.2 angstrom, O-H...A > 130 deg"
