"""Reciprocal vectors: all of them, each pair once, on the shells, paths and planes that were asked for."""

import numpy as np
import pytest
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons import reciprocal_path, reciprocal_plane, reciprocal_shells, reciprocal_sphere

TRICLINIC = sc.vectors(dims=["cell_vector"], values=[[21.0, 0, 0], [3.0, 19.0, 0], [-2.0, 4.0, 23.0]], unit="angstrom")


def array(*values):
    return sc.array(dims=["Q"], values=list(values), unit="1/angstrom")


def test_sphere_holds_every_vector_once():
    """The number of reciprocal vectors in a sphere is its volume times that of the cell over (2 pi)^3."""
    sphere = reciprocal_sphere(TRICLINIC, "3/angstrom")
    volume = np.linalg.det(TRICLINIC.values)
    expected = 0.5 * 4 / 3 * np.pi * 27 * volume / (2 * np.pi) ** 3
    assert len(sphere) == pytest.approx(expected, rel=0.01)
    indices = {tuple(row) for row in sphere.indices.tolist()}
    assert len(indices) == len(sphere)
    assert not indices & {tuple(-x for x in row) for row in indices}
    np.testing.assert_allclose(np.exp(1j * sphere.vectors.values @ TRICLINIC.values.T), 1.0, atol=1e-9)
    assert np.all(np.diff(sphere.Q.values) >= 0)
    assert sphere.Q.values[-1] <= 3


def test_shells_are_unbiased_and_repeatable():
    shells = reciprocal_shells(TRICLINIC, array(1.0, 2.0, 3.0), width="0.1/angstrom", most=None)
    lengths = np.linalg.norm(shells.vectors.values, axis=1)
    assert np.all(np.abs(lengths - shells.Q.values[shells.shell]) <= 0.05 + 1e-9)
    counts = np.bincount(shells.shell)
    np.testing.assert_allclose(
        counts, 0.5 * 4 * np.pi * np.array([1.0, 4.0, 9.0]) * 0.1 * 9177 / (2 * np.pi) ** 3, rtol=0.1
    )
    some = [reciprocal_shells(TRICLINIC, array(3.0), width="0.1/angstrom", most=40, seed=1).indices for _ in range(2)]
    np.testing.assert_array_equal(*some)
    other = reciprocal_shells(TRICLINIC, array(3.0), width="0.1/angstrom", most=40, seed=2).indices
    assert not np.array_equal(some[0], other)


def test_directions_of_a_shell_are_isotropic():
    """<kx^2> = k^2/3 over a full shell: no direction is preferred, as in a shell of random directions."""
    shells = reciprocal_shells(TRICLINIC, array(4.0), width="0.2/angstrom", most=None)
    k = shells.vectors.values
    tensor = np.einsum("ki,kj->ij", k, k) / np.sum(k**2)
    np.testing.assert_allclose(tensor, np.eye(3) / 3, atol=0.02)


def test_path_and_plane_hold_the_vectors_of_the_supercell():
    path = reciprocal_path(TRICLINIC, [(0, 0, 0), (1, 0, 0), (1, 1, 0)], repeat=(4, 4, 5), labels=["G", "X", "M"])
    assert path.indices.tolist() == [[h, 0, 0] for h in range(5)] + [[4, k, 0] for k in range(1, 5)]
    assert [path.labels[i] for i in (0, 4, 8)] == ["G", "X", "M"]
    plane = reciprocal_plane(TRICLINIC, (1, 0, 0), (0, 1, 0), longest="2/angstrom", repeat=(4, 4, 5), origin=(0, 0, 1))
    assert set(plane.indices[:, 2].tolist()) == {5}
    assert not plane.averages


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reciprocal_shells(TRICLINIC, array(0.05), width="0.01/angstrom"), "no reciprocal vector"),
        (lambda: reciprocal_shells(TRICLINIC, array(1.0), width="-1/angstrom"), "width"),
        (lambda: reciprocal_path(TRICLINIC, [(0, 0, 0), (0.3, 0, 0)], repeat=(4, 4, 5)), "near is"),
        (lambda: reciprocal_path(TRICLINIC, [(0, 0, 0)]), "at least two points"),
        (lambda: reciprocal_path(TRICLINIC, [(0, 0, 0), (0, 0, 0)]), "the same"),
        (lambda: reciprocal_plane(TRICLINIC, (1, 0, 0), (2, 0, 0), longest="1/angstrom"), "parallel"),
        (lambda: reciprocal_sphere(TRICLINIC, "1000/angstrom"), "ask for less"),
        (lambda: reciprocal_sphere(TRICLINIC["cell_vector", :2], "1/angstrom"), "three cell vectors"),
    ],
)
def test_what_cannot_be_is_said(call, message):
    with pytest.raises(InputError, match=message):
        call()
