"""Every analysis gives the same whether all atoms fit into memory or a few at a time, here or on other processes."""

import pickle

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import stored

import caloris.atoms.reference_frame as reading
from caloris.atoms.diffusion import mean_square_displacement
from caloris.atoms.transport.axial import axial_mean_square_displacement, displacement_distribution
from caloris.atoms.transport.charge_transport import ionic_conductivity
from caloris.atoms.transport.concerted import concerted_jumps
from caloris.atoms.transport.jumps import follow_jumps
from caloris.atoms.transport.sites import Sites, find_sites
from caloris.atoms.transport.van_hove import distinct_van_hove, non_gaussian_parameter, self_van_hove

SITES = Sites(
    np.stack(np.meshgrid(*[[0.0, 0.25, 0.5, 0.75]] * 3, indexing="ij"), -1).reshape(-1, 3), 12 * np.eye(3), ("a",) * 64
)


@pytest.fixture
def trajectory(tmp_path):
    """Twenty ions that jump on a lattice of 3 angstrom among twelve rods."""
    rng = np.random.default_rng(1)
    frames = 300
    steps = np.eye(3)[rng.integers(0, 3, (frames, 20))] * rng.choice([-1, 1], (frames, 20, 1))
    ions = 3 * (rng.integers(0, 4, (20, 3)) + np.cumsum(steps * (rng.random((frames, 20, 1)) < 0.05), axis=0))
    rods = np.repeat(rng.uniform(0, 12, (12, 3)), 3, axis=0) + np.tile([[0, 0, -1.6], [0, 0, 0], [0, 0, 1.2]], (12, 1))
    positions = np.concatenate([ions, np.broadcast_to(rods, (frames, 36, 3))], axis=1)
    positions += 0.1 * rng.standard_normal(positions.shape)
    bonds = (20 + 3 * np.arange(12)[:, None, None] + np.array([[0, 1], [1, 2]])).reshape(-1, 2)
    return stored(tmp_path, positions, ["Li"] * 20 + ["S", "C", "N"] * 12, bonds=bonds, cell=12.0)


def everything(t):
    """All curves and numbers, in one flat list."""
    charges = {"Li": 0.6, "SCN": -1}
    carried = ionic_conductivity(t, temperature="400 K", charges=charges, at_rest="SCN")
    jumps = follow_jumps(t, "Li", SITES)
    together = concerted_jumps(jumps, window="2 ps", distance="4 angstrom")
    axis = t, "SCN", ("S", "N")
    curves = [
        mean_square_displacement(t),
        *axial_mean_square_displacement(*axis).values(),
        *displacement_distribution(*axis, of="atoms").values(),
        self_van_hove(t, "Li"),
        non_gaussian_parameter(t, "Li"),
        distinct_van_hove(t, ("Li", "N"), origins=20),
        carried.pairs,
        carried.alone,
        jumps.rates,
        jumps.jump_lengths,
        jumps.correlation_factor,
        together.excess,
        together.string_excess,
        find_sites(t, "Li").positions.fields.x,
    ]
    arrays = [c.data if isinstance(c, sc.DataArray) else c for c in curves]
    values = [np.ravel(a.values) for a in arrays] + [np.ravel(a.variances) for a in arrays if a.variances is not None]
    return np.concatenate([*values, jumps.events.time, jumps.events.ion, jumps.events.vector.ravel()])


def test_blocks_of_atoms_do_not_change_any_result(trajectory, monkeypatch):
    whole = everything(trajectory)
    monkeypatch.setattr(reading, "_BLOCK", 4)
    np.testing.assert_allclose(everything(trajectory), whole, rtol=1e-7, atol=1e-9)


def test_slabs_of_frames_do_not_change_pairs(trajectory, monkeypatch):
    import caloris.atoms.transport.van_hove as van_hove

    whole = distinct_van_hove(trajectory, ("Li", "Li"), origins=50)
    monkeypatch.setattr(van_hove, "SLAB", 24 * 4 * 40 * 7)  # seven frames
    assert sc.identical(distinct_van_hove(trajectory, ("Li", "Li"), origins=50), whole)


def test_tasks_can_be_sent_to_other_processes(trajectory, monkeypatch):
    """What a dask cluster would be sent is pickled and back."""
    import caloris.atoms.transport.displacements as displacements
    import caloris.atoms.transport.jump_events as jump_events
    import caloris.atoms.transport.van_hove as van_hove

    whole = everything(trajectory)
    sent = []

    def elsewhere(task, blocks, **how):
        for block in blocks:
            message = pickle.dumps((task, block))
            sent.append(len(message))
            far, piece = pickle.loads(message)
            yield far(piece)

    for module in (displacements, jump_events, van_hove):
        monkeypatch.setattr(module, "map_blocks", elsewhere)
    np.testing.assert_allclose(everything(trajectory), whole, rtol=1e-12)
    assert len(sent) > 6
    assert max(sent) < 1e6
