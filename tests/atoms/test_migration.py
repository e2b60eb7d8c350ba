"""Barriers of hops: model potentials whose saddle is known, and a vacancy in copper against a constrained drag."""

import json

import numpy as np
import pytest
import scipp as sc
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.constraints import FixedPlane
from ase.optimize import BFGS
from scipy.optimize import brentq

from caloris.atoms.elastic_band import saddle_energy
from caloris.atoms.migration import migration_barrier, vacancy_hop
from caloris.errors import ComputationError, InputError

LENGTH, HEIGHT, BEND, STIFF = 3.0, 0.4, 0.6, 2.0  # angstrom, eV, angstrom, eV/angstrom^2


class BentValley(Calculator):
    """V = A/2 (1 - cos 2 pi x/L) + D/2 (1 - cos pi x/L) + k/2 ((y - B sin^2 pi x/L)^2 + z^2).

    The valley is y = B sin^2(pi x/L), z = 0; without the tilt D its saddle is at x = L/2, y = B, with the energy A. The
    straight line from end to end would pass A + k B^2/2.
    """

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, tilt=0.0):
        super().__init__()
        self.tilt = tilt

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        x, y, z = self.atoms.positions[0]
        q = np.pi / LENGTH
        away = y - BEND * np.sin(q * x) ** 2
        along = valley(x, self.tilt)
        slope = HEIGHT * q * np.sin(2 * q * x) + self.tilt / 2 * q * np.sin(q * x)
        force = [-slope + STIFF * away * BEND * q * np.sin(2 * q * x), -STIFF * away, -STIFF * z]
        self.results = {"energy": along + STIFF / 2 * (away**2 + z**2), "forces": np.array([force])}


def valley(x, tilt):
    q = np.pi / LENGTH
    return HEIGHT / 2 * (1 - np.cos(2 * q * x)) + tilt / 2 * (1 - np.cos(q * x))


def exact_barrier(tilt):
    q = np.pi / LENGTH
    top = brentq(lambda x: HEIGHT * np.sin(2 * q * x) + tilt / 2 * np.sin(q * x), 0.3 * LENGTH, 0.8 * LENGTH)
    return valley(top, tilt)


def particle(x=0.0):
    return Atoms("Li", positions=[[x, 0, 0]], cell=[2 * LENGTH, 12, 12], pbc=True)


def place(x):
    return sc.vector([x, 0.0, 0.0], unit="angstrom")


@pytest.mark.parametrize("tilt", [0.0, 0.3, -0.2])
def test_climbing_image_finds_the_known_saddle_of_a_bent_valley(tilt):
    found = migration_barrier(
        particle(0.1), 0, place(LENGTH - 0.1), BentValley(tilt), force_tolerance="2 meV/angstrom", images=7
    )
    assert found.converged
    assert found.forward.value == pytest.approx(exact_barrier(tilt), abs=2e-5)
    assert found.backward.value == pytest.approx(exact_barrier(tilt) - tilt, abs=2e-5)
    assert found.hop.value == pytest.approx(LENGTH, abs=5e-3)
    saddle = found.saddle.positions[0]
    assert saddle[1] == pytest.approx(BEND * np.sin(np.pi * saddle[0] / LENGTH) ** 2, abs=3e-3)
    # the whole curve follows the valley, not the straight line
    curve = found.curve()
    assert curve.values.max() == pytest.approx(exact_barrier(tilt), abs=3e-3)


@pytest.mark.parametrize("images", [4, 5, 6, 8])
def test_without_climbing_the_error_covers_what_interpolation_is_wrong_by(images):
    found = migration_barrier(
        particle(), 0, place(LENGTH), BentValley(0.3), force_tolerance="2 meV/angstrom", images=images, climb=False
    )
    wrong = abs(found.forward.value - exact_barrier(0.3))
    assert wrong <= 2 * np.sqrt(found.forward.variance)
    assert wrong < 0.05


def test_top_of_a_sampled_cosine_is_found_between_the_samples():
    s = np.linspace(0, 1, 7)[:-1] * 1.1  # the top lies between two samples
    s = np.append(s, 1.1)
    energy, slope = (1 - np.cos(2 * np.pi * s)) / 2, np.pi * np.sin(2 * np.pi * s)
    value, error = saddle_energy(s, energy, slope, climbed=False)
    assert abs(value - 1) < 5e-3
    assert abs(value - 1) <= error
    assert energy.max() < 0.99


def test_hop_over_the_boundary_of_the_cell_takes_the_short_way():
    found = migration_barrier(particle(-0.0), 0, place(-LENGTH + 2 * LENGTH), BentValley(), images=3, relax_ends=False)
    assert found.hop.value == pytest.approx(LENGTH)
    copper = bulk("Cu", a=3.6, cubic=True).repeat(2)
    distances = copper.get_distances(0, range(len(copper)), mic=True)
    across = max((i for i in range(1, len(copper)) if distances[i] < 2.6), key=lambda i: copper.get_distance(0, i))
    before, after = vacancy_hop(copper, 0, across)
    assert copper.get_distance(0, across) > 3.6
    assert np.linalg.norm(after.positions - before.positions) == pytest.approx(3.6 / np.sqrt(2))
    assert len(before) == len(copper) - 1


def copper_vacancy():
    cell = bulk("Cu", a=3.59, cubic=True).repeat(2)
    neighbour = next(i for i in range(1, len(cell)) if cell.get_distance(0, i, mic=True) < 2.6)
    return cell, neighbour


def dragged_barrier(cell, ion, neighbour):
    """Hold the ion in the plane half way, where the saddle lies by symmetry, and relax all else."""
    before, after = vacancy_hop(cell, ion, neighbour)
    energies = []
    for structure, fixed in ((before, False), ((before, after), True)):
        if fixed:
            moved = before.copy()
            moved.positions = (before.positions + after.positions) / 2
            direction = (after.positions - before.positions)[ion]
            moved.set_constraint(FixedPlane([ion], direction))
        else:
            moved = structure.copy()
        moved.calc = EMT()
        BFGS(moved, logfile=None).run(fmax=0.003, steps=200)
        energies.append(moved.get_potential_energy())
    return energies[1] - energies[0]


def test_copper_vacancy_hops_over_the_barrier_of_a_constrained_drag():
    cell, neighbour = copper_vacancy()
    found = migration_barrier(cell, 0, neighbour, "emt", images=5, force_tolerance="15 meV/angstrom")
    assert found.converged
    assert found.forward.value == pytest.approx(dragged_barrier(cell, 0, neighbour), abs=2e-3)
    assert found.backward.value == pytest.approx(found.forward.value, abs=1e-3)
    assert any("own image" in caution for caution in found.cautions)


def test_a_place_without_a_minimum_is_refused():
    cell, neighbour = copper_vacancy()
    before, _ = vacancy_hop(cell, 0, neighbour)
    near = sc.vector(before.positions[0] + [0.0, 0.3, 0.0], unit="angstrom")
    with pytest.raises(ComputationError, match="relax to one structure"):
        migration_barrier(before, 0, near, "emt", images=3)


def test_a_stopped_search_goes_on_to_the_same_barrier(tmp_path):
    options = {"images": 5, "force_tolerance": "2 meV/angstrom", "relax_ends": False}
    stopped = migration_barrier(
        particle(), 0, place(LENGTH), BentValley(), maximum_steps=3, folder=tmp_path / "hop", **options
    )
    assert not stopped.converged
    assert any("not converged" in caution for caution in stopped.cautions)
    resumed = migration_barrier(particle(), 0, place(LENGTH), BentValley(), folder=tmp_path / "hop", **options)
    assert resumed.converged
    assert resumed.forward.value == pytest.approx(HEIGHT, abs=1e-4)
    written = json.loads((tmp_path / "hop" / "barrier.json").read_text())
    assert written["forward"]["value"] == pytest.approx(HEIGHT, abs=1e-4)
    assert written["forward"]["unit"] == "eV"
    with pytest.raises(InputError, match="its images differs"):
        migration_barrier(
            particle(), 0, place(LENGTH), BentValley(), folder=tmp_path / "hop", **(options | {"images": 7})
        )


def test_a_minimum_on_the_way_is_said():
    # two hops in a row: the period is L, the way 2 L
    wide = Atoms("Li", positions=[[0, 0, 0]], cell=[4 * LENGTH, 12, 12], pbc=True)
    found = migration_barrier(wide, 0, place(2 * LENGTH - 0.001), BentValley(), images=9, relax_ends=False)
    assert any("minimum of its own" in caution for caution in found.cautions)


@pytest.mark.parametrize(
    ("ion", "to", "words"),
    [
        (99, 1, "ion: expected the index"),
        (0, 99, "to: expected the index"),
        (0, 0, "the ion itself"),
        (0, sc.scalar(1.0, unit="angstrom"), "a position such as"),
        (0, sc.vector([1.0, 0, 0], unit="K"), "a position such as"),
        (0, "here", "a position such as"),
        (0, sc.vector([0.0, 0, 0], unit="angstrom"), "give the place where it goes"),
    ],
)
def test_wrong_hops_are_refused(ion, to, words):
    with pytest.raises(InputError, match=words):
        migration_barrier(bulk("Cu", a=3.6, cubic=True), ion, to, "emt")


def test_a_hop_to_another_element_is_refused():
    alloy = bulk("Cu", a=3.6, cubic=True)
    alloy.symbols[1] = "Au"
    with pytest.raises(InputError, match="must be alike"):
        vacancy_hop(alloy, 0, 1)


def test_a_figure_shows_images_and_curve():
    found = migration_barrier(particle(), 0, place(LENGTH), BentValley(), images=5, relax_ends=False)
    curve, points = found.plot().axes[0].lines
    assert len(points.get_xdata()) == 5
    assert max(curve.get_ydata()) == pytest.approx(found.forward.value, abs=5e-3)
