"""Walkers on a cubic lattice whose residence time, jump length, correlation factor and company are known."""

import numpy as np
import pytest
from ase import Atoms
from exact_trajectories import stored

from caloris.atoms.diffusion import diffusion_coefficient
from caloris.atoms.transport.concerted import concerted_jumps
from caloris.atoms.transport.jumps import follow_jumps
from caloris.atoms.transport.sites import Sites, find_sites, sites_of_structure
from caloris.errors import InputError

EDGE, CELLS = 3.0, 4
SIX = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])


def lattice(kinds=None):
    grid = np.stack(np.meshgrid(*[np.arange(CELLS)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return Sites(grid / CELLS, np.eye(3) * EDGE * CELLS, kinds or ("a",) * len(grid))


def hops(ions, frames, tau, rng, *, back=0.0):
    """Integer positions of walkers that jump with probability 1 / tau a frame, with probability ``back`` whence they
    came, else anywhere: <cos> = -back."""
    at, before = rng.integers(0, CELLS, (ions, 3)), np.full(ions, -1)
    if back == 0:
        jumping = rng.random((frames, ions, 1)) < 1 / tau
        return at + np.cumsum(jumping * SIX[rng.integers(0, 6, (frames, ions))], axis=0)
    out = np.empty((frames, ions, 3))
    for frame in range(frames):
        jumping = rng.random(ions) < 1 / tau
        way = np.where((rng.random(ions) < back) & (before >= 0), before ^ 1, rng.integers(0, 6, ions))
        at = at + jumping[:, None] * SIX[way]
        before = np.where(jumping, way, before)
        out[frame] = at
    return out


def in_a_frame(folder, positions, rng, *, vibration=0.05, cell=EDGE * CELLS, **how):
    shaken = positions + np.sqrt(vibration) * rng.standard_normal(positions.shape)
    ions = positions.shape[1]
    everything = np.concatenate([shaken, np.zeros((len(positions), 1, 3))], axis=1)
    return stored(folder, everything, ["Li"] * ions + ["U"], masses=[7.0] * ions + [1e12], cell=cell, **how)


@pytest.mark.parametrize("back", [0.0, 0.4])
def test_lattice_walk_has_its_residence_time_and_correlation_factor(tmp_path, back):
    """f = (1 + <cos>) / (1 - <cos>) for a walk that remembers one jump (Compaan and Haven)."""
    rng = np.random.default_rng(2)
    tau, rows, noticed = 30.0, [], 0
    for _ in range(40):
        trajectory = in_a_frame(tmp_path, EDGE * hops(40, 1200, tau, rng, back=back), rng)
        found = follow_jumps(trajectory, "Li", lattice())
        assert [line for line in found.warnings if "half of the run" not in line] == []
        noticed += len(found.warnings)
        assert found.mean_square_length.value == pytest.approx(EDGE**2)
        quantities = found.residence_time, found.mean_cosine, found.correlation_factor
        rows.append([(q.value, np.sqrt(q.variance)) for q in quantities])
    assert noticed <= 1  # halves are three standard deviations apart in 1 of 370 runs
    values, errors = np.moveaxis(np.array(rows), 2, 0)
    for k, exact in enumerate((tau, -back, (1 - back) / (1 + back))):
        assert values[:, k].mean() == pytest.approx(exact, abs=3.5 * errors[:, k].mean() / np.sqrt(40))
        assert 0.49 < np.mean(np.abs(values[:, k] - exact) < errors[:, k]) < 0.87  # 68 %, 2.6 sigma of 40 draws
    np.testing.assert_array_less(errors.mean(axis=0), [1.2, 0.02, 0.07])
    jump, path = found.jump_diffusion, found.path_diffusion
    assert jump.value == pytest.approx(1e-4 * EDGE**2 / (6 * found.residence_time.value))
    msd = diffusion_coefficient(trajectory, "Li", method="generalised least squares").value
    assert path.value == pytest.approx(msd.value, abs=3 * np.sqrt(msd.variance))
    assert path.value == pytest.approx(jump.value * found.correlation_factor.value)
    lengths = found.jump_lengths
    assert float((lengths.data * 0.1).sum().value) == pytest.approx(1)
    assert lengths.coords["r"].values[int(np.argmax(lengths.values))] == pytest.approx(EDGE, abs=0.11)


def test_two_kinds_of_site_exchange_at_their_own_rates(tmp_path):
    """Alternate sites of a cubic lattice; ions leave a after 20 frames and b after 60: occupied as 1 to 3."""
    rng = np.random.default_rng(3)
    frames, ions = 3000, 60
    at = rng.integers(0, CELLS, (ions, 3))
    positions = np.empty((frames, ions, 3))
    for frame in range(frames):
        leaving = rng.random(ions) < np.where(at.sum(axis=1) % 2 == 0, 1 / 20, 1 / 60)
        at = at + leaving[:, None] * SIX[rng.integers(0, 6, ions)]
        positions[frame] = EDGE * at
    kinds = tuple("ab"[round(x) % 2] for x in (lattice().fractional * CELLS).sum(axis=1))
    found = follow_jumps(in_a_frame(tmp_path, positions, rng), "Li", lattice(kinds))
    tau = found.residence_by_kind
    assert list(tau.coords["kind"].values) == ["a", "b"]
    np.testing.assert_array_less(np.abs(tau.values - [20, 60]), 3 * np.sqrt(tau.variances))
    np.testing.assert_array_less(np.sqrt(tau.variances), [1.0, 3.0])
    rates = found.rates.values
    assert rates[0, 0] == rates[1, 1] == 0
    assert rates[0, 1] == pytest.approx(1 / tau.values[0])
    share = found.occupation
    np.testing.assert_array_less(np.abs(share.values - [0.25, 0.75]), 3 * np.sqrt(share.variances))


def test_long_vibrations_and_attempts_that_return_are_no_jumps(tmp_path):
    """An ion that goes to the middle of two sites and comes back has not jumped, one that goes on has."""
    path = np.zeros((40, 2, 3))
    path[10:14, 0, 0] = 0.6 * EDGE  # beyond the middle, outside the other core
    path[20:, 1, 0] = EDGE
    trajectory = in_a_frame(tmp_path, path, np.random.default_rng(0), vibration=1e-6)
    events = follow_jumps(trajectory, "Li", lattice()).events
    assert events.ion.tolist() == [1]
    assert events.time.tolist() == [19.5]
    np.testing.assert_allclose(events.vector, [[EDGE, 0, 0]], atol=1e-4)


def test_jumps_through_faces_of_a_sheared_breathing_drifting_cell(tmp_path):
    rng = np.random.default_rng(4)
    frames = 400
    shear = np.array([[1.0, 0, 0], [0.3, 1, 0], [-0.2, 0.4, 1]])
    steps = hops(20, frames, 20.0, rng)
    breath = 1 + 0.02 * np.sin(0.05 * np.arange(frames))
    cell = EDGE * CELLS * shear * breath[:, None, None]
    drift = 0.1 * np.arange(frames)[:, None, None] * np.array([1.0, 0.5, -1])
    fractional = np.concatenate([steps, np.zeros((frames, 1, 3))], axis=1) / CELLS
    positions = np.einsum("tnc,tcj->tnj", fractional, cell) + drift
    trajectory = stored(tmp_path, positions, ["Li"] * 20 + ["U"], masses=[1.0] * 20 + [1e12], cell=cell)
    found = follow_jumps(trajectory, "Li", Sites(lattice().fractional, cell.mean(axis=0), ("a",) * 64))
    truth = np.diff(steps, axis=0)
    assert len(found.events) == np.count_nonzero(truth.any(axis=2))
    frame = np.round(found.events.time - 0.5).astype(int)
    exact = truth[frame, found.events.ion] @ (shear * EDGE * breath.mean())
    np.testing.assert_allclose(found.events.vector, exact, atol=1e-4)


def test_one_ion_is_split_in_time_and_still_covered(tmp_path):
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(60):
        trajectory = in_a_frame(tmp_path, EDGE * hops(1, 3000, 20.0, rng), rng)
        tau = follow_jumps(trajectory, "Li", lattice()).residence_time
        inside.append(abs(tau.value - 20) < np.sqrt(tau.variance))
    assert 0.52 < np.mean(inside) < 0.84


def test_no_jump_gives_a_bound(tmp_path):
    found = follow_jumps(in_a_frame(tmp_path, np.zeros((100, 10, 3)), np.random.default_rng(0)), "Li", lattice())
    assert found.jump_rate.value == 0
    assert np.isnan(found.residence_time.value)
    assert found.upper_bound.value == pytest.approx(3 / (10 * 99))
    assert any("upper bound" in line for line in found.warnings)


def test_sites_are_found_where_ions_vibrate(tmp_path):
    """A basis of two sites in a sheared cell, one visited half as often."""
    rng = np.random.default_rng(6)
    cell = np.array([[9.0, 0, 0], [2, 8, 0], [-1, 2, 8.5]])
    basis = np.array([[0.1, 0.2, 0.3], [0.6, 0.7, 0.95], [0.3, 0.9, 0.6]])
    sites = basis[[0, 0, 1, 1, 2]] @ cell
    trajectory = in_a_frame(
        tmp_path, np.broadcast_to(sites, (2000, 5, 3)), rng, vibration=0.04, cell=np.broadcast_to(cell, (2000, 3, 3))
    )
    found = find_sites(trajectory, "Li")
    assert len(found) == 3
    away = found.fractional[:, None] - basis[None]
    away -= np.round(away)
    nearest = np.linalg.norm(away @ cell, axis=2).min(axis=0)
    assert nearest.max() < 0.03  # a grid of 0.25 and 0.2 / sqrt(2000)
    given = sites_of_structure(Atoms("LiLiNa", scaled_positions=basis, cell=cell), trajectory, species="Li")
    assert len(given) == 2
    assert given.kinds == ("Li", "Li")
    with pytest.raises(InputError, match="repeat it"):
        sites_of_structure(Atoms("Li", cell=0.5 * cell), trajectory)


# -- company -------------------------------------------------------------------------------------------


def test_independent_walkers_have_no_excess(tmp_path):
    rng = np.random.default_rng(7)
    rows = []
    for _ in range(50):
        jumps = follow_jumps(in_a_frame(tmp_path, EDGE * hops(30, 800, 20.0, rng), rng), "Li", lattice())
        found = concerted_jumps(jumps, window="2 ps", distance="4 angstrom")
        rows.append([(q.value, np.sqrt(q.variance)) for q in (found.excess, found.string_excess)])
    values, errors = np.moveaxis(np.array(rows), 2, 0)
    for k in range(2):
        assert values[:, k].mean() == pytest.approx(0, abs=3.5 * errors[:, k].mean() / np.sqrt(50))
        assert 0.51 < np.mean(np.abs(values[:, k]) < errors[:, k]) < 0.86
    assert errors[:, 0].mean() < 0.1


def test_counts_of_pairs_are_those_of_all_pairs_one_by_one(tmp_path):
    rng = np.random.default_rng(8)
    jumps = follow_jumps(in_a_frame(tmp_path, EDGE * hops(12, 200, 10.0, rng), rng), "Li", lattice())
    found = concerted_jumps(jumps, window="3 ps", distance="4 angstrom")
    events = jumps.events
    middle = events.sites.fractional[events.origin] + 0.5 * events.vector / (EDGE * CELLS)
    near = together = links = linked = 0
    for i in range(len(events)):
        for j in range(len(events)):
            if events.ion[i] == events.ion[j]:
                continue
            soon = abs(events.time[i] - events.time[j]) < 3.1
            away = middle[i] - middle[j]
            if np.linalg.norm((away - np.round(away)) * EDGE * CELLS) < 4.0 and i < j:
                near, together = near + 1, together + soon
            if events.destination[i] == events.origin[j]:
                links, linked = links + 1, linked + soon
    chance = sum(199 - abs(d) for d in range(-3, 4)) / 199**2
    assert (found.counted, found.strings) == (together, linked)
    assert found.expected == pytest.approx(chance * near)
    assert found.excess.value == pytest.approx(together / (chance * near) - 1)
    assert found.string_excess.value == pytest.approx(linked / (chance * links) - 1)


def test_ring_exchange_is_a_string(tmp_path):
    """Four ions on the corners of a square turn by one corner at a time: every jump ends where another begins."""
    rng = np.random.default_rng(9)
    frames, corners = 2000, np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    turns = np.cumsum(rng.random(frames) < 1 / 40)
    positions = EDGE * corners[(np.arange(4) + turns[:, None]) % 4]
    jumps = follow_jumps(in_a_frame(tmp_path, positions.astype(float), rng, vibration=0.01), "Li", lattice())
    found = concerted_jumps(jumps, window="0 ps", distance="4 angstrom")
    count = len(np.unique(jumps.events.time))
    assert found.strings == 4 * count  # each of four jumps is followed by one
    # all pairs of links at any two times: jumps from corner to corner go round, so each of 4 ions' jumps meets those
    # of the others: 4 at the same time in the whole, spread over 1999 intervals
    assert found.counted == 6 * count
    assert found.string_excess.value > 10 * np.sqrt(found.string_excess.variance)


def test_what_makes_no_jumps_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    trajectory = in_a_frame(tmp_path, EDGE * hops(3, 100, 10.0, rng), rng)
    with pytest.raises(InputError, match="overlap"):
        follow_jumps(trajectory, "Li", lattice(), core_radius="2 angstrom")
    elsewhere = Sites(np.array([[0.125, 0.125, 0.125]]), np.eye(3) * 12.0, ("a",))
    with pytest.raises(InputError, match="elsewhere"):
        follow_jumps(trajectory, "Li", elsewhere, core_radius="0.5 angstrom")
    with pytest.raises(InputError, match="same place"):
        Sites(np.zeros((2, 3)), np.eye(3) * 12.0, ("a", "a"))
    jumps = follow_jumps(trajectory, "Li", lattice())
    with pytest.raises(InputError, match="half of the smallest width"):
        concerted_jumps(jumps, window="1 ps", distance="7 angstrom")
    with pytest.raises(InputError, match="window"):
        concerted_jumps(jumps, window="200 ps", distance="3 angstrom")


def test_sites_may_be_lists_and_must_be_numbers():
    assert len(Sites([[0, 0, 0], [0.5, 0.5, 0.5]], [[4, 0, 0], [0, 4, 0], [0, 0, 4]], ["a", "b"])) == 2
    with pytest.raises(InputError, match="expected numbers"):
        Sites([["x", 0, 0]], np.eye(3), ("a",))
    with pytest.raises(InputError, match="finite"):
        Sites([[np.nan, 0, 0]], np.eye(3), ("a",))
