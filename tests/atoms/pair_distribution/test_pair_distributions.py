"""g(r) of ideal gases, crystals and molecules of which it is known, of cells of any shape, and what peers find."""

import numpy as np
import pytest
import scipp as sc
from ase.build import bulk
from ase.geometry.cell import cellpar_to_cell
from exact_trajectories import stored
from scipy.signal import lfilter

from caloris.atoms.pair_distribution import (
    pair_distribution_function,
    partial_distributions,
    partial_structure_factors,
    radial_distribution,
    total_structure_factor,
)
from caloris.errors import InputError

TRICLINIC = cellpar_to_cell([9.0, 11.0, 13.0, 70.0, 80.0, 65.0])


def gas(folder, frames, symbols, rng, cell=TRICLINIC, breathing=0.0, **how):
    """Independent uniform positions, wherever in space, in cells that change."""
    scale = 1 + breathing * rng.standard_normal((frames, 1, 1))
    cells = cell * scale
    x = rng.uniform(-2, 3, (frames, len(symbols), 3)) @ cells
    return stored(folder, x, symbols, cell=cells, **how)


def centres(curve):
    r = curve.coords["r"].values
    return 0.5 * (r[1:] + r[:-1])


def test_ideal_gas_has_no_structure_at_any_distance_of_any_cell(tmp_path):
    """g is 1, and 1 - 1/N of equal atoms, also beyond half of the cell and while the cell breathes."""
    symbols = ["Li"] * 30 + ["B"] * 20
    trajectory = gas(tmp_path, 400, symbols, np.random.default_rng(1), breathing=0.03)
    found = partial_distributions(trajectory, longest="7 angstrom", width="0.25 angstrom")
    assert found.pairs == (("Li", "Li"), ("Li", "B"), ("B", "B"))
    exact = np.array([1 - 1 / 30, 1.0, 1 - 1 / 20])[:, None]
    z = ((found.g.values - exact) / np.sqrt(found.g.variances))[:, 4:]
    assert np.sqrt(np.mean(z**2)) == pytest.approx(1, abs=0.2)
    assert "half of the cell" in found.warnings[0]
    Q = sc.linspace("Q", 2.0, 12.0, 40, unit="1/angstrom")
    S = partial_structure_factors(found, Q)
    z = (S.values - 1) / np.sqrt(S.variances)
    assert np.sqrt(np.mean(z**2)) == pytest.approx(1, abs=0.35)


@pytest.mark.parametrize("decay", [0.0, 0.97])
def test_errors_hold_the_truth_two_times_in_three_even_if_frames_are_correlated(tmp_path, decay):
    """Free diffusion in a box: any density is uniform, and frames resemble those before them."""
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(6):
        noise = rng.standard_normal((1200, 24, 3)) * np.sqrt(1 - decay**2)
        x = lfilter([1.0], [1.0, -decay], noise, axis=0)[200:] * 30.0  # far wider than the cell: uniform in it
        found = radial_distribution(stored(tmp_path, x, "Li12B12", cell=10.0), ("Li", "B"), width="0.5 angstrom")
        inside.append(np.abs(found.g.values - 1)[2:] < np.sqrt(found.g.variances)[2:])
    assert 0.58 < np.mean(inside) < 0.78


@pytest.mark.parametrize("step", [0.0, 0.05])
def test_a_structure_that_outlives_the_run_has_the_error_of_one_sample(tmp_path, step):
    """An ideal gas that stands still, or all but: more frames of it tell nothing more."""
    rng = np.random.default_rng(10)
    inside, counted, factors = [], [], []
    for _ in range(12):
        x = rng.uniform(0, 20.0, (100, 3)) + np.cumsum(step * rng.standard_normal((40, 100, 3)), axis=0)
        trajectory = stored(tmp_path, x, "Li50Na50", cell=20.0)
        found = radial_distribution(trajectory, ("Li", "Na"), longest="8 angstrom", width="1 angstrom")
        inside.append(np.abs(found.g.values - 1)[2:] < np.sqrt(found.g.variances)[2:])
        n = found.coordination
        exact = 50 / 8000 * 4 / 3 * np.pi * n.coords["r"].values ** 3
        counted.append(np.abs(n.values - exact)[2:] < np.sqrt(n.variances)[2:])
        all_ = partial_distributions(trajectory, longest="8 angstrom", width="1 angstrom")
        S = total_structure_factor(all_, {"Li": 1.0, "Na": 2.0}, sc.linspace("Q", 2.0, 8.0, 8, unit="1/angstrom"))
        factors.append(np.abs(S.values - 1) < np.sqrt(S.variances))
    assert 0.55 < np.mean(inside) < 0.85
    assert 0.5 < np.mean(counted) < 0.95
    assert 0.5 < np.mean(factors) < 0.9


def test_neighbours_are_counted_in_a_cell_that_breathes(tmp_path):
    """Rock salt that swings by a tenth: six neighbours at every time."""
    sites = np.array(list(np.ndindex(4, 4, 4)))
    scale = 1 + 0.1 * np.sin(np.arange(40))[:, None, None]
    symbols = ["Li" if site.sum() % 2 else "Na" for site in sites]
    trajectory = stored(tmp_path, 3.0 * sites * scale, symbols, cell=12.0 * np.eye(3) * scale)
    found = radial_distribution(trajectory, ("Li", "Na"), longest="4 angstrom", width="0.1 angstrom")
    assert found.coordination.values[-1] == pytest.approx(6, rel=1e-12)
    like = radial_distribution(trajectory, ("Li", "Li"), longest="5 angstrom", width="0.1 angstrom")
    assert like.coordination.values[-1] == pytest.approx(12, rel=1e-12)


def test_coordination_numbers_of_crystals(tmp_path):
    """Rock salt: 6 at a/2, 12 at a/sqrt(2), 8 at sqrt(3)/2 a; a primitive cell is enough, by its images."""
    a = 5.64
    crystal = bulk("NaCl", "rocksalt", a=a)  # 2 atoms, cell angles of 60 degrees
    trajectory = stored(tmp_path, crystal.positions[None], crystal.get_chemical_symbols(), cell=crystal.cell[:][None])
    unlike = radial_distribution(trajectory, ("Na", "Cl"), longest="6 angstrom", width="0.02 angstrom")
    like = radial_distribution(trajectory, ("Cl", "Cl"), longest="6 angstrom", width="0.02 angstrom")
    n = unlike.coordination
    r = n.coords["r"].values
    for distance, number in ((a / 2, 6), (np.sqrt(3) / 2 * a, 14)):
        assert n.values[np.searchsorted(r, distance) - 1] < number - 0.5
        assert n.values[np.searchsorted(r, distance) + 1] == pytest.approx(number, rel=1e-9)
    assert like.coordination.values[np.searchsorted(r, a / np.sqrt(2)) + 1] == pytest.approx(12, rel=1e-9)
    assert "half of the cell" in unlike.warnings[0]
    assert unlike.g.variances is None


def test_every_pair_is_counted_once(tmp_path):
    """Against all images by brute force, in a cell that the sphere leaves on every side."""
    rng = np.random.default_rng(3)
    trajectory = gas(tmp_path, 3, ["Li"] * 5 + ["B"] * 4, rng)
    found = partial_distributions(trajectory, longest="15 angstrom", width="0.5 angstrom")
    edges = found.g.coords["r"].values
    shifts = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    x, cells = trajectory.read("position"), trajectory.cell.values
    counts = np.zeros((3, len(edges) - 1))
    for positions, cell in zip(x, cells, strict=True):
        inside = np.mod(positions @ np.linalg.inv(cell), 1) @ cell
        d = np.linalg.norm(inside[:, None, None] - inside[None, :, None] - shifts @ cell, axis=-1)
        for row, (p, q) in enumerate(((slice(0, 5), slice(0, 5)), (slice(0, 5), slice(5, 9)), (slice(5, 9),) * 2)):
            counts[row] += np.histogram(d[p, q][d[p, q] > 1e-9], edges)[0]
    volume = abs(np.linalg.det(TRICLINIC))
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    exact = counts / 3 * volume / shells / np.array([25, 20, 16])[:, None]
    np.testing.assert_allclose(found.g.values, exact, rtol=1e-10)


def test_peers_find_the_same(tmp_path):
    """MDAnalysis and ASE, up to half of the cell."""
    MDAnalysis = pytest.importorskip("MDAnalysis")
    from ase import Atoms
    from ase.geometry.rdf import get_rdf
    from MDAnalysis.analysis.rdf import InterRDF

    rng = np.random.default_rng(4)
    frames, edge = 5, 12.0
    x = rng.uniform(0, edge, (frames, 60, 3))
    trajectory = stored(tmp_path, x, ["Li"] * 40 + ["B"] * 20, cell=edge)
    found = radial_distribution(trajectory, ("Li", "B"), longest="5 angstrom", width="0.1 angstrom")
    universe = MDAnalysis.Universe.empty(60, trajectory=True)
    boxes = np.tile([edge, edge, edge, 90, 90, 90], (frames, 1))
    universe.load_new(x.astype(np.float32), dimensions=boxes)
    peer = InterRDF(universe.atoms[:40], universe.atoms[40:], nbins=50, range=(0, 5)).run()
    wide = np.abs(found.g.values - peer.results.rdf) > 1e-6  # float32 of the peer: a pair may change its bin
    assert wide.sum() <= 4
    np.testing.assert_allclose(found.g.values[~wide], peer.results.rdf[~wide], rtol=2e-5, atol=1e-6)
    one = Atoms("Li60", positions=x[0], cell=[edge] * 3, pbc=True)
    g, _ = get_rdf(one, 5.0, 50)
    like = radial_distribution(
        stored(tmp_path, x[:1], "Li60", cell=edge), ("Li", "Li"), longest="5 angstrom", width="0.1 angstrom"
    )
    np.testing.assert_allclose(like.g.values, g, rtol=1e-9, atol=1e-12)


def molecules(folder, rng, frames=40, count=12):
    """Rigid BH4 that cross the faces of the cell."""
    h = 1.2 / np.sqrt(3) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    places = rng.uniform(0, 1, (frames, count, 3)) @ TRICLINIC
    x = np.concatenate([places[:, :, None], places[:, :, None] + h], axis=2).reshape(frames, -1, 3)
    bonds = np.array([[5 * m, 5 * m + k] for m in range(count) for k in range(1, 5)])
    cell = np.broadcast_to(TRICLINIC, (frames, 3, 3))
    return stored(folder, x, ["B", "H", "H", "H", "H"] * count, cell=cell, bonds=bonds), places


def test_molecules_are_told_from_their_surroundings(tmp_path):
    trajectory, places = molecules(tmp_path, np.random.default_rng(5))
    found = radial_distribution(trajectory, ("B", "H"), longest="5 angstrom", width="0.05 angstrom")
    np.testing.assert_allclose(
        found.g.values, found.intramolecular.values + found.intermolecular.values, rtol=1e-12, atol=1e-12
    )
    r = centres(found.g)
    within = found.intramolecular.values
    assert np.all(within[np.abs(r - 1.2) > 0.05] == 0)
    shells = 4 / 3 * np.pi * np.diff(found.g.coords["r"].values ** 3)
    assert found.density.value * np.sum(within * shells) == pytest.approx(4, rel=1e-12)
    assert found.intermolecular.values[r > 2].mean() == pytest.approx(11 / 12, abs=0.05)
    centre = radial_distribution(trajectory, ("BH4", "BH4"), longest="5 angstrom", width="0.5 angstrom")
    atoms = stored(tmp_path, places, "B12", cell=np.broadcast_to(TRICLINIC, (len(places), 3, 3)))
    same = radial_distribution(atoms, ("B", "B"), longest="5 angstrom", width="0.5 angstrom")
    np.testing.assert_allclose(centre.g.values, same.g.values, rtol=1e-10)
    np.testing.assert_array_equal(centre.intramolecular.values, 0)


def test_structure_factor_of_a_molecule_is_debyes(tmp_path):
    """One rigid pair in a large cell: S(Q) = 1 + sin(Qd) / (Qd) but for the hole that the mean density leaves."""
    d, edge, frames = 1.705, 30.0, 200  # the middle of a bin
    rng = np.random.default_rng(6)
    axis = rng.standard_normal((frames, 1, 3))
    axis *= d / np.linalg.norm(axis, axis=2, keepdims=True)
    place = rng.uniform(0, edge, (frames, 1, 3))
    trajectory = stored(tmp_path, np.concatenate([place, place + axis], axis=1), "N2", cell=edge)
    found = partial_distributions(trajectory, longest="14 angstrom", width="0.01 angstrom")
    Q = np.linspace(3.0, 20.0, 60)
    S = total_structure_factor(found, {"N": 9.36}, sc.array(dims=["Q"], values=Q, unit="1/angstrom"), window=None)
    R = 14.0
    hole = 4 * np.pi * 2 / edge**3 * (np.sin(Q * R) - Q * R * np.cos(Q * R)) / Q**3
    np.testing.assert_allclose(S.values, 1 + np.sin(Q * d) / (Q * d) - hole, atol=2e-4)
    G = pair_distribution_function(found, {"N": 9.36})
    r = centres(G)
    low = r < 1.5
    np.testing.assert_allclose(G.values[low], -4 * np.pi * found.density.value * r[low], rtol=1e-12)


def test_weights_of_faber_and_ziman(tmp_path):
    """The total is the sum of partials weighted by concentrations and scattering lengths, negative ones too."""
    trajectory = gas(tmp_path, 20, ["Li"] * 6 + ["H"] * 3, np.random.default_rng(7))
    found = partial_distributions(trajectory, longest="6 angstrom", width="0.2 angstrom")
    b = {"Li": -1.90, "H": -3.74}
    G = pair_distribution_function(found, b)
    c, w = np.array([2 / 3, 1 / 3]), np.array([-1.90, -3.74])
    mean = c @ w
    g = found.g.values
    weighted = c[0] ** 2 * w[0] ** 2 * (g[0] - 1) + 2 * c[0] * c[1] * w[0] * w[1] * (g[1] - 1)
    weighted = (weighted + c[1] ** 2 * w[1] ** 2 * (g[2] - 1)) / mean**2
    np.testing.assert_allclose(G.values, 4 * np.pi * found.density.value * centres(G) * weighted, rtol=1e-12)
    Q = sc.linspace("Q", 1.0, 9.0, 12, unit="1/angstrom")
    S = total_structure_factor(found, {"Li": sc.full(dims=["Q"], shape=[12], value=-1.90), "H": -3.74}, Q)
    parts = partial_structure_factors(found, Q).values
    factor = np.array([c[0] ** 2 * w[0] ** 2, 2 * c[0] * c[1] * w[0] * w[1], c[1] ** 2 * w[1] ** 2]) / mean**2
    np.testing.assert_allclose(S.values, 1 + factor @ (parts - 1), rtol=1e-12)
    with pytest.raises(InputError, match="none for H"):
        pair_distribution_function(found, {"Li": 1.0})
    with pytest.raises(InputError, match="mean is 0"):
        pair_distribution_function(found, {"Li": 1.0, "H": -2.0})


def test_blocks_of_frames_do_not_change_the_result(tmp_path, monkeypatch):
    import caloris.atoms.pair_distribution.partials as module

    trajectory = gas(tmp_path, 50, ["Li"] * 10, np.random.default_rng(8))
    whole = radial_distribution(trajectory, ("Li", "Li"), every=3)
    monkeypatch.setattr(module, "_SLAB", 24 * 10 * 3 * 2)
    parts = radial_distribution(trajectory, ("Li", "Li"), every=3)
    np.testing.assert_array_equal(whole.g.values, parts.g.values)
    np.testing.assert_allclose(whole.g.variances, parts.g.variances, rtol=1e-9, atol=1e-12)


def test_what_makes_no_pairs_is_refused(tmp_path):
    trajectory, _ = molecules(tmp_path, np.random.default_rng(9), frames=2)
    with pytest.raises(InputError, match="share atoms"):
        radial_distribution(trajectory, ("B", "BH4"))
    with pytest.raises(InputError, match="no molecule 'Li'"):
        radial_distribution(trajectory, ("Li", "H"))
    with pytest.raises(InputError, match="two kinds"):
        radial_distribution(trajectory, "BH")
    with pytest.raises(InputError, match="bins"):
        radial_distribution(trajectory, ("B", "H"), width="1 m")
    with pytest.raises(InputError, match="whole number"):
        radial_distribution(trajectory, ("B", "H"), every=1.5)
