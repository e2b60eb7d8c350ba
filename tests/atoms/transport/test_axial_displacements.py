"""Linear molecules whose vibrations along and across their axis are known."""

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import cells, random_rotations, stored

from caloris.atoms.transport.axial import axial_mean_square_displacement, displacement_distribution
from caloris.errors import InputError

ROD = 1.6 * np.array([[0.0, 0, -1], [0, 0, 0], [0, 0, 1]])
"""S, C, N along z, angstrom."""


def rods(folder, molecules, frames, along, across, rng, *, axes=None, libration=0.0, motion=None, **how):
    """SCN whose centres shake by white noise of variance ``along`` their axis and ``across`` it (each of two)."""
    axes = random_rotations(molecules, rng)[:, :, 2] if axes is None else axes
    shake = np.sqrt(across) * rng.standard_normal((frames, molecules, 3))
    shake += ((np.sqrt(along) - np.sqrt(across)) * np.einsum("tmc,mc->tm", shake, axes) / np.sqrt(across))[
        ..., None
    ] * axes
    tilt = axes + libration * rng.standard_normal((frames, molecules, 3))
    tilt /= np.linalg.norm(tilt, axis=-1, keepdims=True)
    centres = rng.uniform(0, 40, (molecules, 3)) + shake + (0.0 if motion is None else motion)
    positions = centres[:, :, None] + tilt[:, :, None] * ROD[:, 2, None]
    positions = np.concatenate([positions.reshape(frames, -1, 3), np.zeros((frames, 1, 3))], axis=1)
    bonds = 3 * np.arange(molecules)[:, None, None] + np.array([[0, 1], [1, 2]])
    masses = [16.0, 12.0, 16.0] * molecules + [1e12]  # the centre of mass is the middle
    return stored(
        folder, positions, ["S", "C", "N"] * molecules + ["U"], bonds=bonds.reshape(-1, 2), masses=masses, **how
    )


def test_harmonic_rods_move_by_twice_their_mean_squares(tmp_path):
    rng = np.random.default_rng(5)
    along, across = 0.01, 0.03
    trajectory = rods(tmp_path, 100, 400, along, across, rng, libration=0.05)
    found = axial_mean_square_displacement(trajectory, "SCN", ("S", "N"), longest="20 ps")
    for name, exact in (("longitudinal", 2 * along), ("transverse", 4 * across), ("total", 2 * along + 4 * across)):
        curve = found[name]
        pull = (curve.values[1:] - exact) / np.sqrt(curve.variances[1:])
        assert np.abs(pull).max() < 4
        assert np.sqrt(curve.variances[1:]).max() < 0.015 * exact
    np.testing.assert_allclose(
        (found["longitudinal"].data + found["transverse"].data).values, found["total"].values, rtol=1e-12
    )
    # the mean of a unit vector tilted by two small angles of variance s^2 each is 1 - s^2
    assert found["total"].coords["alignment"].value == pytest.approx(1 - 0.05**2, abs=3e-4)


def test_walk_along_the_axis_is_longitudinal_and_a_walk_across_it_transverse(tmp_path):
    rng = np.random.default_rng(6)
    axes = np.tile([0.6, 0.0, 0.8], (50, 1))
    for direction, kind, other in (
        (axes[0], "longitudinal", "transverse"),
        ([0.8, 0, -0.6], "transverse", "longitudinal"),
    ):
        walk = np.cumsum(np.sqrt(0.02) * rng.standard_normal((300, 50, 1)), axis=0) * np.array(direction)
        trajectory = rods(tmp_path, 50, 300, 1e-12, 1e-12, rng, axes=axes, motion=walk)
        found = axial_mean_square_displacement(trajectory, "SCN", ("S", "N"))
        t = found[kind].coords["time"].values[1:]
        pull = (found[kind].values[1:] - 0.02 * t) / np.sqrt(found[kind].variances[1:])
        assert np.abs(pull).max() < 4
        assert found[other].values.max() < 1e-9


def test_libration_moves_the_ends_and_not_the_centre(tmp_path):
    rng = np.random.default_rng(7)
    trajectory = rods(tmp_path, 60, 300, 1e-12, 1e-12, rng, libration=0.1)
    centre = axial_mean_square_displacement(trajectory, "SCN", ("S", "N"))["transverse"]
    atoms = axial_mean_square_displacement(trajectory, "SCN", ("S", "N"), of="atoms")["transverse"]
    assert centre.values.max() < 1e-9
    # two of three atoms at 1.6 angstrom, tilted by an angle of variance 2 s^2, s^2 = 0.01
    assert atoms.values[5] == pytest.approx(2 / 3 * 1.6**2 * 2 * 2 * 0.01, rel=0.05)


def test_squared_amplitudes_of_harmonic_rods_are_chi_square(tmp_path):
    rng = np.random.default_rng(8)
    along, across = 0.01, 0.03
    trajectory = rods(tmp_path, 100, 600, along, across, rng)
    edges = sc.array(dims=["squared_displacement"], values=np.linspace(0, 0.2, 41), unit="angstrom^2")
    found = displacement_distribution(trajectory, "SCN", ("S", "N"), bins=edges)
    from scipy.stats import chi2

    pulls = []
    for name, mean, freedom in (("longitudinal", along, 1), ("transverse", across, 2)):
        share = np.diff(chi2.cdf(edges.values / mean, freedom))
        density = found[name]
        full = share > 1e-4
        pull = (density.values * 0.005 - share)[full] / np.sqrt(density.variances[full]) / 0.005
        assert np.abs(pull).max() < 4
        pulls += pull.tolist()
        got = density.coords["mean"]
        assert got.value == pytest.approx(freedom * mean, abs=3 * np.sqrt(got.variance) + freedom * mean / 600)
        assert density.coords["outside"].value == pytest.approx(chi2.sf(0.2 / mean, freedom), abs=2e-3)
    assert 0.55 < np.mean(np.abs(pulls) < 1) < 0.82


def test_a_breathing_cell_moves_no_molecule(tmp_path):
    rng = np.random.default_rng(9)
    frames = 200
    breath = 1 + 0.03 * np.sin(0.1 * np.arange(frames))[:, None, None]
    still = rods(tmp_path, 30, frames, 1e-14, 1e-14, rng)
    positions = still.read("position")[:, :-1].astype(float)
    centres = positions.reshape(frames, 30, 3, 3).mean(axis=2)
    moved = (positions.reshape(frames, 30, 3, 3) + ((breath - 1) * centres)[:, :, None]).reshape(frames, -1, 3)
    bonds = 3 * np.arange(30)[:, None, None] + np.array([[0, 1], [1, 2]])
    trajectory = stored(
        tmp_path,
        moved,
        ["S", "C", "N"] * 30,
        bonds=bonds.reshape(-1, 2),
        masses=[16.0, 12.0, 16.0] * 30,
        cell=cells(40.0, frames) * breath,
    )
    assert np.ptp(trajectory.read("position"), axis=0).max() > 1
    found = axial_mean_square_displacement(trajectory, "SCN", ("S", "N"))
    assert found["total"].values.max() < 1e-8


def test_tumbling_molecules_have_no_axis(tmp_path):
    rng = np.random.default_rng(10)
    trajectory = rods(tmp_path, 20, 200, 0.01, 0.01, rng, libration=20.0)
    with pytest.raises(InputError, match="no axis"):
        axial_mean_square_displacement(trajectory, "SCN", ("S", "N"))
    trajectory = rods(tmp_path, 20, 50, 0.01, 0.01, rng)
    for axis in (("S", "H"), ("S", "S")):
        with pytest.raises(InputError, match="two elements"):
            axial_mean_square_displacement(trajectory, "SCN", axis)
    with pytest.raises(InputError, match="edges"):
        displacement_distribution(
            trajectory, "SCN", ("S", "N"), bins=sc.array(dims=["x"], values=[1.0, 0.5], unit="angstrom^2")
        )
    with pytest.raises(InputError, match="of:"):
        axial_mean_square_displacement(trajectory, "SCN", ("S", "N"), of="ends")
