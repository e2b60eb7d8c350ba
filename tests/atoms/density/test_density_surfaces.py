"""Surfaces of spheres and planes, whose area and topology are known, and files that other programs read."""

from dataclasses import replace

import numpy as np
import pytest
import scipp as sc
from ase.io.cube import read_cube_data
from ase.io.xsf import read_xsf
from exact_trajectories import stored

from caloris.atoms.density.grid import density_map
from caloris.errors import InputError

CELL = np.array([[10.0, 0, 0], [3.0, 9.0, 0], [-2.0, 1.0, 11.0]])


@pytest.fixture
def with_values(tmp_path):
    """A map of any function of the vector from the centre of a skewed cell."""
    x = np.broadcast_to(np.full((1, 3), 0.5) @ CELL, (16, 1, 3))
    cell = np.broadcast_to(CELL, (16, 3, 3))
    bare = density_map(stored(tmp_path, x, ["Li"], cell=cell), "Li", "0.25 angstrom")
    centres = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n for n in bare.density.shape], indexing="ij"), axis=-1)

    def build(function):
        density = bare.density.copy()
        density.values = function((centres - 0.5) @ CELL, centres)
        return replace(bare, density=density)

    return build


def edges_of(surface, cell):
    """Euler characteristic of a surface whose corners are the same modulo the cell."""
    inverse = np.linalg.inv(cell)
    fractional = surface.triangles.reshape(-1, 3) @ inverse
    keys = np.round((fractional % 1.0) * 1e6).astype(int) % 1_000_000
    _, number = np.unique(keys, axis=0, return_inverse=True)
    faces = number.reshape(-1, 3)
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])]
    pairs = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    edges, shared = np.unique(pairs, axis=0, return_counts=True)
    return len(np.unique(faces)) - len(edges) + len(faces), shared


def test_sphere_is_closed_and_has_its_area_and_volume(with_values):
    radius = 3.0
    density = with_values(lambda r, _: np.exp(-np.linalg.norm(r, axis=-1)))
    surface = density.isosurface(sc.scalar(np.exp(-radius), unit="1/angstrom^3"))
    assert surface.area.value == pytest.approx(4 * np.pi * radius**2, rel=0.01)
    assert surface.volume_share * density.volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)
    euler, shared = edges_of(surface, CELL)
    assert euler == 2
    assert np.all(shared == 2)
    # outward: the divergence theorem gives the volume
    a, b, c = np.moveaxis(surface.triangles - 0.5 * CELL.sum(axis=0), 1, 0)
    assert np.einsum("ni,ni->", a, np.cross(b, c)) / 6 == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)


def test_a_slab_has_two_faces_of_the_cell_and_the_topology_of_tori(with_values):
    density = with_values(lambda _, f: 2 + np.cos(2 * np.pi * f[..., 2]))
    surface = density.isosurface("2 1/angstrom^3")
    assert surface.area.value == pytest.approx(2 * np.linalg.norm(np.cross(CELL[0], CELL[1])), rel=1e-3)
    euler, shared = edges_of(surface, CELL)
    assert euler == 0
    assert np.all(shared == 2)
    assert surface.volume_share == pytest.approx(0.5, abs=0.02)


def test_surface_says_what_its_level_encloses(with_values):
    density = with_values(lambda r, _: np.exp(-(r**2).sum(axis=-1) / 2))
    half = density.isosurface()
    assert half.atom_share == pytest.approx(0.5, abs=0.02)
    # half of a Gaussian of three dimensions is within 1.538 sigma
    assert half.volume_share * density.volume == pytest.approx(4 / 3 * np.pi * 1.538**3, rel=0.03)
    assert "% of the atoms" in repr(half)
    with pytest.raises(InputError, match="outside of the map"):
        density.isosurface("5 1/angstrom^3")


def test_files_hold_the_same_numbers_for_others(with_values, tmp_path):
    density = with_values(lambda r, f: 1 + f[..., 0] + 10 * f[..., 1] + 100 * f[..., 2])
    density.save(tmp_path / "map.cube")
    values, atoms = read_cube_data(str(tmp_path / "map.cube"))
    np.testing.assert_allclose(values, density.density.values, rtol=1e-5)
    np.testing.assert_allclose(atoms.cell[:], CELL, rtol=1e-5)
    density.save(tmp_path / "map.xsf")
    with (tmp_path / "map.xsf").open() as file:
        values, origin, vectors = read_xsf(file, read_data=True)[:3]
    np.testing.assert_allclose(values[:-1, :-1, :-1], density.density.values, rtol=1e-5)
    np.testing.assert_allclose(values[-1, :-1, :-1], density.density.values[0], rtol=1e-5)
    np.testing.assert_allclose(vectors, CELL, atol=1e-6)
    np.testing.assert_allclose(origin, (0.5 / np.array(density.density.shape)) @ CELL, atol=1e-6)
    density.save(tmp_path / "map.h5")
    again = sc.io.load_hdf5(tmp_path / "map.h5")
    assert sc.identical(again["density"], density.density)
    with pytest.raises(InputError, match=r"\.cube"):
        density.save(tmp_path / "map.png")


def test_figures_are_drawn_with_what_the_level_encloses(with_values):
    figure = with_values(lambda r, _: np.exp(-(r**2).sum(axis=-1) / 2)).plot()
    assert "50 % of the atoms" in figure.axes[0].get_title()


def test_default_surface_of_an_atom_in_one_voxel_is_around_it(with_values):
    found = with_values(lambda x, f: np.where(np.all(np.abs(f - f[20, 18, 22]) < 1e-9, axis=-1), 3.0, 0.0))
    surface = found.isosurface()
    assert surface.level.value == pytest.approx(1.5)
    assert surface.atom_share == 1
