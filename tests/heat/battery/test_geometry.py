"""The cell: volumes and masses exact, contact faces whole, and no absurd geometry."""

import numpy as np
import pytest

from caloris.errors import InputError
from caloris.heat import Geometry
from caloris.heat.battery.conduction import Solid, assemble

SALT, STEEL = Solid(1305.0, 1590.0, 0.5), Solid(7850.0, 475.0, 44.5)
R, H, W = 4e-3, 9e-3, 3e-3


def cell(contact="all", cells=5, wall="3 mm"):
    return Geometry(radius="4 mm", height="9 mm", wall=wall, contact=contact, cells=cells)


def test_volume_of_the_pellet():
    assert cell().volume == pytest.approx(np.pi * R**2 * H, rel=1e-14)
    assert Geometry(radius="0.5 cm", height="0.01 m").volume == pytest.approx(Geometry().volume, rel=1e-14)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("cells", [1, 2, 7])
def test_weights_of_the_pellet_add_up_to_its_mass(order, cells):
    geometry = cell(cells=cells)
    weights = assemble(geometry, SALT, None, 100.0, order).pellet_weights
    assert weights.sum() == pytest.approx(1305.0 * np.pi * R**2 * H, rel=1e-12)
    assert weights.min() >= -1e-12 * weights.max()


@pytest.mark.parametrize("order", [1, 2])
def test_moments_of_the_pellet(order):
    system = assemble(cell(), SALT, None, 100.0, order)
    r, z = system.points
    mass = 1305.0 * np.pi * R**2 * H
    # linear in z and, weighted with r, of second degree: exact with the consistent mass
    assert system.pellet_weights @ z == pytest.approx(mass * H / 4, rel=1e-12)
    assert system.pellet_weights @ r == pytest.approx(mass * 2 * R / 3, rel=1e-12)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    ("contact", "volume"),
    [
        ("side", np.pi * ((R + W) ** 2 - R**2) * H),
        ("ends", np.pi * R**2 * 2 * W),
        ("all", np.pi * (R + W) ** 2 * (H + 2 * W) - np.pi * R**2 * H),
    ],
)
def test_heat_capacity_of_the_die_is_that_of_its_volume(order, contact, volume):
    system = assemble(cell(contact), SALT, STEEL, 100.0, order)
    capacity = system.mass[system.n_pellet :].sum()
    assert capacity == pytest.approx(7850 * 475 * volume, rel=1e-12)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    ("contact", "area"),
    [
        ("side", 2 * np.pi * R * H),
        ("ends", 2 * np.pi * R**2),
        ("all", 2 * np.pi * R * H + 2 * np.pi * R**2),
    ],
)
def test_conductance_of_the_contact_is_that_of_its_area(order, contact, area):
    for die, wall in ((None, "0 mm"), (STEEL, "3 mm")):
        system = assemble(cell(contact, wall=wall), SALT, die, 100.0, order)
        n = system.n_pellet
        assert -system.stiffness[:n, n:].sum() == pytest.approx(100 * area, rel=1e-12)


def test_pellet_is_meshed_as_coarsely_along_the_axis_as_across():
    geometry = Geometry(radius="5 mm", height="20 mm", cells=8)
    assert geometry.axial_cells == 16
    mesh = geometry.pellet_mesh()
    assert mesh.p[0].max() == pytest.approx(5e-3)
    assert mesh.p[1].max() == pytest.approx(10e-3)
    flat = Geometry(radius="50 mm", height="1 mm", cells=8)
    assert flat.axial_cells == 1


@pytest.mark.parametrize("contact", ["all", "side", "ends"])
def test_die_meets_the_pellet_node_by_node(contact):
    geometry = cell(contact)
    pellet, die = geometry.pellet_mesh().p, geometry.die_mesh().p
    face = pellet[:, geometry.on_contact(pellet)]
    distance = np.linalg.norm(face[:, :, None] - die[:, None, :], axis=0).min(axis=1)
    assert face.shape[1] > 1
    assert distance.max() < 1e-15


BAD = {
    "zero radius": ({"radius": "0 mm"}, "geometry radius: must be greater than 0"),
    "negative radius": ({"radius": "-5 mm"}, "geometry radius: must be greater than 0"),
    "zero height": ({"height": "0 mm"}, "geometry height: must be greater than 0"),
    "negative height": ({"height": "-1 mm"}, "geometry height: must be greater than 0"),
    "negative wall": ({"wall": "-1 mm"}, "geometry wall: must lie between 0 and 100 m"),
    "radius without unit": ({"radius": "5"}, "'5' has no unit"),
    "bare radius": ({"radius": 5}, "5 has no unit; give '5 m'"),
    "radius in kelvin": ({"radius": "5 K"}, "has the unit K"),
    "height as an area": ({"height": "5 mm^2"}, "geometry height"),
    "wall in seconds": ({"wall": "5 s"}, "geometry wall"),
    "NaN radius": ({"radius": "nan mm"}, "cannot read 'nan mm'"),
    "infinite height": ({"height": "1e999 mm"}, "not a finite number"),
    "words": ({"radius": "small"}, "cannot read 'small'"),
    "nothing": ({"radius": None}, "expected a quantity"),
    "nanometres": ({"radius": "5 nm"}, "outside 1 um to 100 m; check the unit"),
    "kilometres": ({"height": "5 km"}, "outside 1 um to 100 m; check the unit"),
    "a wall of kilometres": ({"wall": "5 km"}, "must lie between 0 and 100 m"),
    "unknown contact": ({"contact": "top"}, "geometry contact: 'top' is none of"),
    "no cells": ({"cells": 0}, "geometry cells: must be a whole number from 1 to 512"),
    "negative cells": ({"cells": -4}, "geometry cells"),
    "half a cell": ({"cells": 1.5}, "got 1.5"),
    "yes cells": ({"cells": True}, "got True"),
    "cells in words": ({"cells": "16"}, "got '16'"),
    "too many cells": ({"cells": 10000}, "got 10000"),
    "a needle": ({"radius": "0.01 mm", "height": "1 m"}, "use fewer cells or a shorter pellet"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_geometry_is_refused_in_one_line(case):
    fields, fragment = BAD[case]
    with pytest.raises(InputError) as caught:
        Geometry(**fields)
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("contact", ["all", "side", "ends"])
def test_cells_shrink_towards_the_contact_and_keep_the_volume(contact):
    geometry = Geometry(cells=8, contact=contact, grading=0.6)
    for axis, touching in ((0, contact != "ends"), (1, contact != "side")):
        lines = np.unique(np.round(geometry.pellet_mesh().p[axis], 12))
        size = np.diff(lines)
        assert lines[-1] == pytest.approx(5e-3)
        assert (size[-1] < 0.5 * size.mean()) == touching
        assert np.all(np.diff(size) < 0) == touching


@pytest.mark.parametrize("grading", [-0.1, 1.0, float("nan"), True, "0.5"])
def test_a_bad_grading_is_refused(grading):
    with pytest.raises(InputError, match="geometry grading"):
        Geometry(grading=grading)
