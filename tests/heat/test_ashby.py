"""Ashby plots draw what the cards hold at one condition, and keep reversible and one-branch values apart."""

import json
from collections import Counter

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from caloris.errors import InputError
from caloris.heat import caloric_effect
from caloris.heat.ashby import (
    cooling_power_plot,
    entropy_plot,
    normalised_plot,
    overview,
    temperature_plot,
    transition_plot,
)
from caloris.heat.ashby_points import OwnPoint
from caloris.materials.comparison import published_materials
from caloris.report.compare import compare

KEY = "entropy-per-pressure"


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    return published_materials(tmp_path_factory.mktemp("nobody"))


@pytest.fixture(scope="module")
def salt():
    return caloric_effect("NH4SCN")


def dots(axis, marker):
    return [line for line in axis.lines if line.get_marker() == marker]


def test_points_are_the_entropy_changes_at_one_pressure(cards):
    expected = {
        (card.name, entry.pressure, entry.reversibility)
        for card in cards.values()
        if card.driver == "hydrostatic pressure"
        for entry in card.values("isothermal_entropy_change")
        if entry.pressure is not None
    }
    panel = entropy_plot(cards).panels[KEY]
    assert len(panel.drawn) == len(expected) == 19
    assert Counter(p.material.name for p in panel.drawn) == Counter(name for name, *_ in expected)
    names = {p.material.name for p in panel.drawn}
    assert names | set(panel.left_out) == set(cards)
    assert not names & set(panel.left_out)


def test_point_is_the_value_over_its_pressure(cards):
    point = next(p for p in entropy_plot(cards).panels[KEY].drawn if p.material.name == "nh4i")
    assert (point.x, point.y) == (pytest.approx(71 / 40), 71)
    assert point.x == pytest.approx(cards["nh4i"].best("barocaloric_strength").value, rel=0.01)  # as published


def test_symbols_are_as_many_as_points_and_filled_only_where_reversible(cards):
    plot = entropy_plot(cards)
    axis, drawn = plot.figure.axes[0], plot.panels[KEY].drawn
    symbols = dots(axis, "o") + dots(axis, "D")
    assert len(symbols) == len(drawn)
    assert len(dots(axis, "D")) == sum(p.basis == "theory" for p in drawn)
    filled = {(s.get_xdata()[0], s.get_ydata()[0]) for s in symbols if to_rgba(s.get_mfc()) != to_rgba("white")}
    assert filled == {(p.x, p.y) for p in drawn if p.reversible}


def test_one_branch_and_reversible_of_one_material_are_two_points(cards):
    found = [p for p in entropy_plot(cards).panels[KEY].drawn if p.material.name == "fe-pap5no2"]
    assert {(p.reversible, p.y) for p in found} == {(True, 70.0), (False, 79.0)}


def test_pair_is_reversible_only_if_both_numbers_are(cards):
    drawn = temperature_plot(cards).panels["temperature-change"].drawn
    found = {(p.material.name, p.drive): (p.x, p.y, p.reversible) for p in drawn if p.material.name != "fe-pap5no2"}
    assert found["licb11h12", "230 MPa"] == (280, 32, True)
    assert found["agi", "250 MPa"] == (60, 18, False)  # the source calls only the entropy change reversible
    assert found["ferh-m-ncomms", "2 T"] == (20, 13, False)
    pap = {(p.x, p.y, p.reversible) for p in drawn if p.material.name == "fe-pap5no2"}
    assert pap == {(70, 14, True), (79, 26, False)}


def test_what_has_no_single_pressure_is_left_out_with_the_reason(cards):
    left_out = entropy_plot(cards).panels[KEY].left_out
    assert left_out["nh4scn"] == "no single pressure or field stated for its isothermal entropy change"
    assert left_out["mil53al"] == "driven by a gas pressure"
    assert left_out["ferh"] == "no isothermal entropy change published"  # a strength is no effect


def test_only_one_published_cooling_power_has_an_entropy_change_at_its_field(cards):
    panels = cooling_power_plot(cards).panels
    (point,) = panels["cooling-power"].drawn
    assert (point.material.name, point.x, point.y, point.drive) == ("lafesi-delta-m", 11.5, 418, "7 T")
    assert panels["cooling-power-per-pressure"].drawn == ()
    assert normalised_plot(cards).panels["both-per-pressure"].drawn == ()


def test_own_material_shows_what_a_cycle_loses(cards, salt):
    plot = entropy_plot(cards, mine=salt, pressures=["40 MPa", "120 MPa"])
    low, high = plot.panels[KEY].own
    assert low == OwnPoint("40 MPa", (pytest.approx(128.7 / 39.9), pytest.approx(128.7)), (0, 0), "reversible")
    assert high.reversible[1] == pytest.approx(128.7)
    power = cooling_power_plot(cards, mine=salt, pressures=["120 MPa"]).panels["cooling-power"].own[0]
    merits = salt.merits("120 MPa")
    assert power.one_branch[1] == pytest.approx(merits["relative_cooling_power"].value.value)
    assert power.reversible[1] == pytest.approx(merits["reversible_relative_cooling_power"].value.value)
    stars = dots(plot.figure.axes[0], "*")
    assert len(stars) == 3  # at 40 MPa nothing comes back: an arrow, no filled star
    words = [text.get_text() for text in plot.figure.axes[0].texts]
    assert any(text.startswith("40 MPa (reversible: 0)") for text in words)


def test_unknown_hysteresis_is_an_upper_bound(cards):
    plot = entropy_plot(cards, mine=caloric_effect("NH4I"), pressures=["40 MPa"])
    (own,) = plot.panels[KEY].own
    assert own.reversibility == "upper bound"
    assert own.reversible[1] == pytest.approx(71)
    assert "upper bound" in plot.figure.legends[0].get_texts()[-1].get_text()


def test_transition_lines_have_the_published_slopes(cards, salt):
    plot = transition_plot(cards, mine=salt, pressures=["120 MPa"])
    drawn = {line.material.name: line for line in plot.panels["transition-temperature"].drawn}
    assert set(drawn) == {"nh4scn", "k2taf7", "dma-mn-formate", "fe3bntrz"}
    assert drawn["nh4scn"].slope == -0.3
    assert drawn["nh4scn"].branch == "heating"
    assert drawn["fe3bntrz"].slope == pytest.approx((383 - 318) / 260, rel=1e-3)
    solid = [line for line in plot.figure.axes[0].lines if len(line.get_xdata()) == 2]
    assert len(solid) == len(drawn)
    own = [line for line in plot.figure.axes[0].lines if len(line.get_xdata()) > 2]
    ends = {round(float(line.get_ydata()[-1]), 6) for line in own}
    assert ends == {round(salt.transition_temperature(b, "120 MPa").value, 6) for b in ("heating", "cooling")}
    # published for 100 MPa: 334 K
    shown = next(line for line in solid if line.get_ydata()[0] == 364)
    assert np.interp(100, shown.get_xdata(), shown.get_ydata()) == pytest.approx(334, abs=0.1)


def test_labels_lie_apart_in_the_overview(cards, salt):
    plot = overview(cards, mine=salt, pressures=["40 MPa", "100 MPa"])
    axis = plot.figure.axes[0]
    plot.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axis.texts if "Pa" in text.get_text() and text.get_fontsize() > 7]
    assert len(boxes) == len(plot.panels[KEY].drawn) + len(plot.panels[KEY].own)
    overlaps = [
        (i, j)
        for i, a in enumerate(boxes)
        for j, b in enumerate(boxes[:i])
        if a.shrunk(1, 0.8).overlaps(b.shrunk(1, 0.8))
    ]
    assert overlaps == []


def test_same_cards_give_the_same_figure(cards):
    first, second = (entropy_plot(cards).figure.axes[0].texts for _ in range(2))
    assert [text.get_position() for text in first] == [text.get_position() for text in second]


def test_own_material_needs_a_pressure_and_must_be_an_effect(cards, salt):
    with pytest.raises(InputError, match="pressures: give at least one"):
        overview(cards, mine=salt)
    with pytest.raises(InputError, match="mine: expected a caloric effect"):
        overview(cards, mine="NH4SCN")  # type: ignore[arg-type]


def test_empty_library_gives_empty_panels():
    plot = overview({})
    assert all(panel.drawn == () for panel in plot.panels.values())


def test_comparison_files_hold_every_number(cards, tmp_path):
    text, found = compare(tmp_path / "out", "NH4SCN", ["100 MPa"], folder=tmp_path / "nobody")
    table = (tmp_path / "out" / "comparison.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == 1 + sum(len(card.effects) for card in cards.values())
    saved = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert saved["materials"] == found["materials"]
    assert set(saved["ashby"]["left_out"]) == set(overview(cards).panels)
    assert (tmp_path / "out" / "ashby.png").read_bytes().startswith(b"\x89PNG")
    header, *rows = text.splitlines()
    row = next(line for line in rows if line.startswith("Fe(pap-5NO2)2"))
    begin, middle = header.index("dS rev."), header.index("dS one-branch")
    assert row[begin:middle].strip() == "70 at 200 MPa"
    assert row[middle : middle + 13] == "79 at 200 MPa"
    with pytest.raises(InputError, match="say which"):
        compare(pressures=["100 MPa"])
