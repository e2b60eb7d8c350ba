"""Figures show the data they are given: curves, moments of the phase front, frames of an animation."""

import numpy as np
import pytest
from PIL import Image

from caloris.errors import InputError
from caloris.heat import Battery, Cycle, Geometry, caloric_effect
from caloris.heat.figures import caloric_figure, phase_diagram_figure, sweep_figure
from caloris.materials import load


@pytest.fixture(scope="module")
def cycle() -> Cycle:
    return Battery("NH4SCN", geometry=Geometry(cells=4), tolerance=0.02).run("fig-1c")


def test_cycle_figure_draws_the_recorded_heat_flow(cycle):
    line = cycle.plot().axes[0].lines[0]
    np.testing.assert_allclose(line.get_xdata() * 60, cycle.heat_flow.coords["time"].values)
    np.testing.assert_allclose(line.get_ydata(), cycle.heat_flow.values)


def test_phase_diagram_path_has_the_corners_of_the_cycle(cycle):
    axis = phase_diagram_figure(caloric_effect(load("NH4SCN")), cycle).axes[0]
    path = next(line for line in axis.lines if "cycle" in line.get_label())
    points = set(zip(np.round(path.get_xdata(), 6), np.round(path.get_ydata(), 6), strict=True))
    assert {(8.2, 349.0), (90.0, 349.0), (90.0, 313.0), (8.2, 313.0)} <= points


def test_phase_diagram_heating_branch_meets_the_card():
    axis = phase_diagram_figure(caloric_effect(load("NH4SCN"))).axes[0]
    heating = next(line for line in axis.lines if line.get_label() == "heating")
    assert np.interp(100.0, heating.get_xdata(), heating.get_ydata()) == pytest.approx(334.0, abs=0.01)


def test_caloric_figure_shows_reversible_area_only_where_it_exists():
    effect = caloric_effect(load("NH4SCN"))
    for pressure, expected in (("90 MPa", 0.0), ("110 MPa", 128.7)):
        filled = caloric_figure(effect, [pressure]).axes[0].collections[0]
        assert filled.get_paths()[0].vertices[:, 1].max() == pytest.approx(expected)


@pytest.mark.parametrize("stage", ["charge", "discharge"])
def test_film_strip_begins_and_ends_with_the_stage(cycle, stage):
    figure = cycle.film_strip(stage, 5)
    titles = [float(axis.get_title().split()[0]) for axis in figure.axes if axis.get_title()]
    spans = [(step.start, step.end) for step in cycle.steps if step.stage == stage]
    assert len(titles) >= 3
    assert titles == sorted(titles)
    assert titles[-1] == pytest.approx(spans[-1][1] - spans[0][0], rel=0.02)


def test_film_strip_of_a_missing_stage_is_refused(cycle):
    with pytest.raises(InputError, match="has no 'explosion'; it has: charge"):
        cycle.film_strip("explosion")


def test_sweep_marks_t90_on_the_discharge_curve(cycle):
    axis = sweep_figure({"100": cycle}).axes[1]
    dot = next(line for line in axis.lines if line.get_marker() == "o")
    assert dot.get_xdata()[0] == pytest.approx(cycle.discharge_times["t90"].value)
    curve = axis.lines[0]
    assert np.interp(dot.get_xdata()[0], curve.get_xdata(), curve.get_ydata()) == pytest.approx(0.9, abs=1e-3)


def test_animation_has_the_frames_and_is_whole_or_absent(cycle, tmp_path):
    path = cycle.animate(tmp_path / "front.gif", frames=5)
    with Image.open(path) as image:
        assert image.n_frames >= 4
    with pytest.raises(InputError, match=r"is a \.gif file"):
        cycle.animate(tmp_path / "front.mp4")
    with pytest.raises(InputError, match="no folder"):
        cycle.animate(tmp_path / "nowhere" / "front.gif")
    assert [entry.name for entry in tmp_path.iterdir()] == ["front.gif"]


def test_no_pressure_is_refused():
    with pytest.raises(InputError, match="give at least one"):
        caloric_figure(caloric_effect(load("NH4SCN")), [])
