"""Fluctuations of harmonic crystals, whose <u^2> is known: Einstein oscillators with memory, breathing and drifting."""

import numpy as np
import pytest
from exact_trajectories import stored

from caloris.atoms.orientation.fluctuations import position_fluctuation, relative_fluctuation


def einstein(folder, frames, bodies, mean_square, rng, *, memory=0.9, breathe=0.0, drift=0.0, shared=0.0):
    """Overdamped oscillators of the same <u_x^2> with exp(-t / tau) memory, in a cell that breathes and drifts."""
    folder.mkdir(exist_ok=True)
    u = np.empty((frames, bodies, 3))
    u[0] = rng.standard_normal((bodies, 3))
    for k in range(1, frames):
        kick = np.sqrt(1 - shared) * rng.standard_normal((bodies, 3)) + np.sqrt(shared) * rng.standard_normal(3)
        u[k] = memory * u[k - 1] + np.sqrt(1 - memory**2) * kick
    edge = 40 * (1 + breathe * np.sin(np.arange(frames) / 7))
    lattice = rng.random((bodies, 3))
    x = (lattice + np.sqrt(mean_square) * u / 40) * edge[:, None, None] + drift * np.arange(frames)[:, None, None]
    heavy = 0.5 * np.ones((frames, 1, 3)) * edge[:, None, None] + drift * np.arange(frames)[:, None, None]
    cell = edge[:, None, None] * np.eye(3)
    return stored(
        folder, np.concatenate([x, heavy], axis=1), ["Li"] * bodies + ["U"], cell=cell, masses=[7.0] * bodies + [1e12]
    )


def test_fluctuation_of_a_harmonic_crystal_is_exact_though_it_breathes_and_drifts(tmp_path):
    rng = np.random.default_rng(1)
    found = position_fluctuation(einstein(tmp_path, 600, 100, 0.04, rng, breathe=0.02, drift=0.05), "Li")
    exact = np.sqrt(3 * 0.04)
    assert np.sqrt(found.value.variance) < 0.02 * exact
    assert found.value.value == pytest.approx(exact, abs=3 * np.sqrt(found.value.variance))
    assert found.mean_square.value == pytest.approx(found.value.value**2)
    assert found.warnings == ()


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_error_covers_the_truth_also_for_short_runs_and_common_motion(tmp_path, shared):
    """The mean place comes from the run: without putting back what it takes, values would be 6 % too low."""
    rng = np.random.default_rng(2)
    pulls = []
    for k in range(60):
        run = einstein(tmp_path / str(k), 400, 24, 0.04, rng, memory=0.95, shared=shared)
        found = position_fluctuation(run, "Li").mean_square
        pulls.append((found.value - 0.12) / np.sqrt(found.variance))
    assert 0.52 < np.mean(np.abs(pulls) < 1) < 0.84  # 68 %, two and a half sigma of 60 draws
    assert abs(np.mean(pulls)) < 0.5


def test_relative_fluctuation_is_the_ratio_of_two_runs(tmp_path):
    rng = np.random.default_rng(3)
    runs = [einstein(tmp_path / str(k), 400, 60, u2, rng) for k, u2 in enumerate((0.04, 0.0324))]
    found = relative_fluctuation(runs, "Li", states=[("0 MPa", "300 K"), ("400 MPa", "300 K")])
    assert found.values[0, 0] == 0
    assert found.variances[0, 0] == 0
    assert found.values[1, 0] == pytest.approx(-0.1, abs=3 * np.sqrt(found.variances[1, 0]))
    assert np.sqrt(found.variances[1, 0]) < 0.02


def test_bodies_that_leave_their_sites_are_counted(tmp_path):
    frames = 100
    x = np.zeros((frames, 4, 3)) + 5.0 * np.arange(4)[:, None]
    x += 0.1 * np.random.default_rng(4).standard_normal(x.shape)
    x[50:, 1] += 3.0
    found = position_fluctuation(stored(tmp_path, x, ["Li"] * 3 + ["U"], masses=[7.0] * 3 + [1e9]), "Li")
    assert any(line.startswith("1 of 3 bodies left") for line in found.warnings)


def test_frozen_bodies_have_no_fluctuation_and_no_error(tmp_path):
    x = np.broadcast_to(4.0 * np.arange(3)[:, None] * np.ones(3) / 3, (64, 3, 3))
    found = position_fluctuation(stored(tmp_path, x, ["Li", "Li", "U"]), "Li")
    assert found.value.value == 0
    assert np.isnan(found.value.variance)
    assert "No body moves" in found.warnings[0]
