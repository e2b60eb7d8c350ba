"""Lifetimes of orientations whose correlation is known: one and two exponentials, a constant, one origin."""

import numpy as np
import pytest
from turning_molecules import AMMONIUM, about, decay_per_step, diffusing, jumping, molecules_of, steps_of

from caloris.atoms.orientation.exponentials import fit_exponentials
from caloris.atoms.orientation.lifetimes import reorientation
from caloris.atoms.orientation.one_origin import one_origin_cosine
from caloris.errors import InputError


def within(found, exact, errors):
    assert abs(found.value - exact) < errors * np.sqrt(found.variance)


def test_every_definition_agrees_for_rotational_diffusion(tmp_path):
    """C1 = exp(-2 D t), C2 = exp(-6 D t): 1/lambda, 1/e, the integral and one exponential are all the same time."""
    rng = np.random.default_rng(1)
    variance = 0.02
    found = reorientation(
        molecules_of(tmp_path, AMMONIUM, "NH4", diffusing(1500, 80, variance, rng), time_step=0.1), ("N", "H")
    )
    for order, lifetimes in ((1, found.first), (2, found.second)):
        tau = -0.1 / np.log(decay_per_step(order, variance))
        assert np.sqrt(lifetimes.exponential.variance) < 0.06 * tau
        within(lifetimes.exponential, tau, 3)
        within(lifetimes.one_over_e, tau, 3)
        within(lifetimes.integral, tau, 3)
        within(lifetimes.amplitude, 1, 3)
        assert lifetimes.exponentials.times.sizes == {"component": 1}
        assert lifetimes.exponentials.times.values[0] == pytest.approx(
            tau, abs=3 * np.sqrt(lifetimes.exponentials.times.variances[0])
        )
        assert lifetimes.exponentials.constant.value == 0
    assert found.first.exponential.value == pytest.approx(3 * found.second.exponential.value, rel=0.1)
    assert found.warnings == ()
    assert "80 molecules" in repr(found)


def tumbling_with_jumps(frames, molecules, slow, probability, rng):
    """Three-fold jumps about z of the body, which tumbles as a whole."""
    operations = about([[0, 0, 1], [0, 0, 1]], 120)
    operations[1] = operations[1].T
    return diffusing(frames, molecules, slow, rng) @ jumping(frames, molecules, operations, probability, rng)


RING = np.concatenate(
    [np.zeros((1, 3)), [[np.sin(1.2) * np.cos(a), np.sin(1.2) * np.sin(a), np.cos(1.2)] for a in (0, 2.0944, 4.18879)]]
)
"""XH3 with bonds at 1.2 rad from its axis."""


def test_two_motions_are_told_apart_with_their_shares(tmp_path):
    """C1 = cos^2 b s^m + sin^2 b (s f)^m with s = decay by tumbling, f = 1 - 3 p / 2 by jumps about the axis."""
    rng = np.random.default_rng(2)
    slow, probability = 0.004, 0.12
    orientations = tumbling_with_jumps(3000, 120, slow, probability, rng)
    sums = reorientation(molecules_of(tmp_path, RING, "NH3", orientations), ("N", "H")).first.exponentials
    exact = [-1 / np.log(decay_per_step(1, slow) * (1 - 1.5 * probability)), -1 / np.log(decay_per_step(1, slow))]
    shares = [np.sin(1.2) ** 2, np.cos(1.2) ** 2]
    assert sums.times.sizes == {"component": 2}
    np.testing.assert_array_less(np.sqrt(sums.times.variances), 0.25 * np.array(exact))
    np.testing.assert_array_less(np.abs(sums.times.values - exact), 3 * np.sqrt(sums.times.variances))
    np.testing.assert_array_less(np.abs(sums.amplitudes.values - shares), 3 * np.sqrt(sums.amplitudes.variances) + 0.01)


def test_what_is_never_lost_is_a_constant(tmp_path):
    """Jumps about one axis leave cos^2 b."""
    rng = np.random.default_rng(3)
    operations = about([[0, 0, 1], [0, 0, 1]], 120)
    operations[1] = operations[1].T
    orientations = jumping(3000, 100, operations, 0.12, rng)
    sums = reorientation(molecules_of(tmp_path, RING, "NH3", orientations), ("N", "H")).first.exponentials
    assert sums.times.sizes == {"component": 1}
    within(sums.constant, np.cos(1.2) ** 2, 3)
    assert 0 < np.sqrt(sums.constant.variance) < 0.02


def test_a_richer_form_wins_by_chance_in_few_of_a_hundred_and_errors_cover():
    """Noise of known covariance about one exponential: one is chosen, and 68 % intervals hold its time."""
    rng = np.random.default_rng(4)
    time = np.arange(200) * 0.1
    truth = 0.9 * np.exp(-time / 2.5)
    single, hits, draws = 0, 0, 60
    for _ in range(draws):
        # slowly varying noise, as that of correlations
        noise = np.cumsum(rng.standard_normal((200, 40)), axis=0) / np.sqrt(np.arange(1, 201))[:, None]
        found = fit_exponentials(time, truth[:, None] + 0.05 * noise, np.ones(40))
        if found.times.sizes["component"] == 1 and found.constant.value == 0:
            single += 1
            hits += abs(found.times.values[0] - 2.5) < np.sqrt(found.times.variances[0])
    assert single >= 0.85 * draws
    assert 0.52 < hits / single < 0.84  # 68 %, two and a half sigma


def test_cosine_from_one_origin_is_the_plain_average_of_equation_8(tmp_path):
    rng = np.random.default_rng(5)
    orientations = diffusing(300, 20, 0.01, rng)
    trajectory = molecules_of(tmp_path, AMMONIUM, "NH4", orientations, time_step=0.05)
    found = one_origin_cosine(trajectory, bond=("N", "H"), origin="1 ps", frame_interval="200 fs", duration="8 ps")
    n = np.einsum("tmij,aj->tmai", orientations, AMMONIUM[1:] / 1.02)
    direct = (n[20 : 20 + 161 : 4] * n[20]).sum(-1).mean(axis=(1, 2))
    np.testing.assert_allclose(found.cosine.values, direct, atol=1e-12)
    np.testing.assert_allclose(found.cosine.coords["time"].values, 0.2 * np.arange(41), atol=1e-12)


def test_first_zero_grows_with_the_number_of_molecules_and_one_over_e_does_not(tmp_path):
    """The average must sink to its noise, exp(-t / tau) = 1 / sqrt(vectors): t grows by tau / 2 times their log."""
    rng = np.random.default_rng(6)
    variance = 0.1
    tau = -1 / np.log(decay_per_step(1, variance))
    zeros, scatter = {}, {}
    for molecules in (10, 640):
        trajectory = molecules_of(tmp_path / str(molecules), AMMONIUM, "NH4", diffusing(400, molecules, variance, rng))
        found = reorientation(trajectory, ("N", "H"), frame_interval="1 ps", duration="150 ps")
        zeros[molecules] = np.nanmean(found.one_origin.other_origins.values)
        scatter[molecules] = np.nanstd(found.one_origin.other_origins.values)
        assert found.first.one_over_e.value == pytest.approx(tau, rel=0.15)
        assert found.one_origin.interval[0].value < found.one_origin.interval[1].value
    assert zeros[640] - zeros[10] == pytest.approx(0.5 * tau * np.log(64), rel=0.5)
    assert scatter[10] > 0.15 * tau  # from origin to origin, whatever the run


def test_libration_is_left_out_of_the_exponentials(tmp_path):
    """A damped oscillation on top of the decay lasts some frames: the fit begins after it."""
    rng = np.random.default_rng(7)
    variance, frames, molecules = 0.01, 1500, 80
    swing = np.zeros((frames, molecules, 3))
    velocity = np.zeros((molecules, 3))
    for k in range(1, frames):  # Langevin oscillator, period 4 frames
        velocity += -2.0 * swing[k - 1] - 0.4 * velocity + 0.3 * rng.standard_normal((molecules, 3))
        swing[k] = swing[k - 1] + velocity
    from scipy.spatial.transform import Rotation

    libration = Rotation.from_rotvec(swing.reshape(-1, 3)).as_matrix().reshape(frames, molecules, 3, 3)
    orientations = diffusing(frames, molecules, variance, rng) @ libration
    sums = reorientation(molecules_of(tmp_path, AMMONIUM, "NH4", orientations), ("N", "H")).first.exponentials
    tau = -1 / np.log(decay_per_step(1, variance))
    assert sums.start.value > 1
    assert sums.times.values[-1] == pytest.approx(tau, abs=3 * np.sqrt(sums.times.variances[-1]))
    assert sums.amplitudes.values.sum() < 0.97
    assert sums.warnings == ()


def test_a_run_too_short_for_the_origin_is_refused(tmp_path):
    orientations = steps_of(np.broadcast_to(np.eye(3), (40, 4, 3, 3)).copy())
    trajectory = molecules_of(tmp_path, AMMONIUM, "NH4", orientations)
    with pytest.raises(InputError, match="leaves"):
        one_origin_cosine(trajectory, bond=("N", "H"), origin="38 ps", frame_interval="1 ps")


def test_integral_is_not_conditioned_on_having_fallen(tmp_path):
    """Runs of four lifetimes: some fall to a tenth, some do not; the integral is unbiased over all of them."""
    rng = np.random.default_rng(8)
    tau, rows = -0.2 / np.log(decay_per_step(1, 0.04)), []
    for number in range(30):
        run = molecules_of(tmp_path / str(number), AMMONIUM, "NH4", diffusing(100, 24, 0.04, rng), time_step=0.2)
        found = reorientation(run, ("N", "H")).first
        rows.append((found.integral.value, found.integral.variance))
        assert any("of the integral is the exponential" in line for line in found.warnings)
    values, variances = np.array(rows).T
    assert np.all(np.isfinite(values))
    assert values.mean() == pytest.approx(tau, abs=3.5 * np.sqrt(variances.mean() / 30))
    assert 0.4 < np.mean(np.abs(values - tau) < np.sqrt(variances)) < 0.92


def test_molecules_that_do_not_turn_have_a_bound_and_no_lifetime(tmp_path):
    still = np.broadcast_to(np.eye(3), (100, 16, 3, 3))
    found = reorientation(molecules_of(tmp_path, AMMONIUM, "NH4", still), ("N", "H"))
    for lifetimes in (found.first, found.second):
        assert np.isnan(lifetimes.exponential.value)
        assert np.isnan(lifetimes.integral.value)
        assert lifetimes.lower_bound.value == pytest.approx(16 * 100 / 3, rel=0.01)
        assert any("1/lambda >" in line for line in lifetimes.warnings)
