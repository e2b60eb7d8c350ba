"""Grids, ranges and histories: how many points, which values, and what continues what."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caloris.campaigns.grid import History, Point, axis_values, coordinate, grid_points, midpoint
from caloris.campaigns.plan import Call, blocked_points, plan_points
from caloris.errors import InputError

CALL = Call("m:f", 1, {}, {}, {})
axes = st.dictionaries(
    st.sampled_from(["pressure", "field", "size"]), st.lists(st.integers(-5, 5), min_size=1, max_size=4, unique=True)
)
temperatures = st.lists(st.integers(1, 900), min_size=1, max_size=6, unique=True).map(lambda n: [f"{i} K" for i in n])


@given(st.decimals("-100", "100", places=2), st.decimals("0.01", "10", places=2), st.integers(0, 50))
def test_range_holds_exact_decimals(start, step, count):
    end = start + count * step
    for first, last in ((start, end), (end, start)):
        found = axis_values("x", {"from": f"{first} MPa", "to": f"{last} MPa", "step": f"{step} MPa"})
        sign = 1 if last >= first else -1
        assert [Decimal(value.split()[0]) for value in found] == [first + sign * n * step for n in range(count + 1)]


def test_range_of_plain_numbers_and_of_a_unit_on_its_own():
    assert axis_values("n", {"from": 0.1, "to": 0.3, "step": 0.1}) == [0.1, 0.2, 0.3]
    assert axis_values("n", {"from": 1, "to": 3, "step": 1}) == [1, 2, 3]
    assert axis_values("p", {"from": 0, "to": 20, "step": 10, "unit": "MPa"}) == ["0 MPa", "10 MPa", "20 MPa"]
    assert axis_values("T", {"from": 20, "to": 10, "step": 5, "unit": "degC"}) == ["20 degC", "15 degC", "10 degC"]


@pytest.mark.parametrize(
    ("axis", "why"),
    [
        ([], "T: the axis is empty"),
        ("475 K", "T: expected a list of values or a table"),
        (["475 K", "475.0 K"], "T: '475 K' and '475.0 K' are the same value"),
        (["0.4 GPa", "1 MPa", "400 MPa"], "T: '0.4 GPa' and '400 MPa' are the same value"),
        (["475 K", "1 MPa"], "T: '475 K' and '1 MPa' are of different kinds"),
        (["475 K", 475], "T: '475 K' and 475 are of different kinds"),
        ([[1]], r"T: \[1\] cannot be a value of an axis"),
        ({"from": "1 K", "to": "2 K"}, "T: step is missing"),
        ({"from": "1 K", "to": "2 K", "step": "1 K", "by": 3}, "T: by is not a field of an axis"),
        ({"from": "1 K", "to": "2 K", "step": "0 K"}, "T: a step of 0 K does not lead from 1 K to 2 K"),
        ({"from": "1 K", "to": "2 K", "step": "-1 K"}, "T: a step of -1 K does not lead"),
        ({"from": "430 K", "to": "500 K", "step": "30 K"}, "T: .* no whole number of steps .* end at 490 K or 520 K"),
        ({"from": "430 K", "to": "0.5 K", "step": "30 MPa"}, "T: from, to and step must have one unit"),
        ({"from": "hot", "to": "0.5 K", "step": "30 K"}, "T.from: cannot read 'hot'"),
        ({"from": 1, "to": 2, "step": 1, "unit": "quux"}, "T.from: 'quux' is not a unit"),
        ({"from": "1 K", "to": 2, "step": 1, "unit": "degC"}, "T.from: '1 K' has its own unit"),
        ({"from": 0, "to": 1e9, "step": 1}, "T: 1000000001 values; a campaign has at most"),
    ],
)
def test_axis_that_makes_no_sense_is_refused(axis, why):
    with pytest.raises(InputError, match=why):
        axis_values("T", axis)


@given(axes, temperatures)
def test_grid_without_history_is_the_product_of_its_axes(others, kelvins):
    points = grid_points({**others, "temperature": kelvins})
    count = len(kelvins)
    for values in others.values():
        count *= len(values)
    assert len({str(sorted(point.parameters.items())) for point in points}) == len(points) == count
    assert all(point.previous is None for point in points)
    assert len(plan_points(points, CALL)) == count


@given(axes, temperatures, st.booleans(), st.sampled_from([("heating",), ("cooling",), ("cooling", "heating")]))
def test_chains_walk_up_and_down_the_axis(others, kelvins, continues, directions):
    points = grid_points({"temperature": kelvins, **others}, History("temperature", directions, continues))
    rows: dict[str, list[Point]] = {}
    for point in points:
        rest = {name: value for name, value in point.parameters.items() if name not in ("temperature", "history")}
        rows.setdefault(str(rest), []).append(point)
    rising = sorted(coordinate(value) for value in kelvins)
    up, down = "heating" in directions, "cooling" in directions
    expected = [("heating", T) for T in rising] * up + [("cooling", T) for T in reversed(rising)] * down
    for row in rows.values():
        assert [(p.parameters["history"], coordinate(p.parameters["temperature"])) for p in row] == expected
        starts = [n for n, point in enumerate(row) if point.previous is None]
        assert starts == ([0, len(rising)] if up and down and not continues else [0])
        assert all(later.previous is earlier for n, (earlier, later) in enumerate(pairwise(row)) if n + 1 not in starts)
    planned = plan_points(points, CALL)
    assert len(planned) == len(points)
    seen: set[str] = set()
    for key, point in planned.items():
        assert point.previous is None or point.previous in seen
        seen.add(key)


@pytest.mark.parametrize(
    ("history", "why"),
    [
        (History("T"), "no axis 'T'"),
        (History("label"), "the values of label have no order"),
        (History("temperature", ("heating", "compression")), "heating and compression go the same way"),
        (History("temperature", ("annealing",)), "'annealing'; choose among"),
        (History("temperature", ()), "none; choose among"),
    ],
)
def test_history_that_makes_no_sense_is_refused(history, why):
    with pytest.raises(InputError, match=why):
        grid_points({"temperature": ["1 K", "2 K"], "label": ["a", "b"]}, history)


def test_a_point_twice_is_one_point_and_a_predecessor_is_added():
    first = Point({"T": "1 K"})
    planned = plan_points([Point({"T": "2 K"}, first), Point({"T": "2000 mK"}, Point({"T": "1.0 K"}))], CALL)
    assert [point.coordinates["T"] for point in planned.values()] == ["1 K", "2 K"]


def test_long_chains_need_no_recursion():
    point = Point({"n": 0})
    for n in range(1, 5000):
        point = Point({"n": n}, point)
    planned = plan_points([point], CALL)
    assert [found.coordinates["n"] for found in planned.values()] == list(range(5000))
    start = next(iter(planned))
    blocked = blocked_points(planned, {start})
    assert len(blocked) == 4999
    assert set(blocked.values()) == {start}


@given(st.decimals("-50", "50", places=2), st.decimals("0.01", "50", places=2))
def test_midpoint_lies_half_way_in_the_unit_of_the_first(low, width):
    assert Decimal(midpoint(f"{low} degC", f"{low + width} degC").split()[0]) == low + width / 2
    kelvin = midpoint(f"{low} degC", f"{low + width + Decimal('273.15')} K")
    assert kelvin.endswith(" degC")
    assert Decimal(kelvin.split()[0]) == low + width / 2
    assert midpoint(float(low), float(low + width)) == pytest.approx(float(low + width / 2), abs=1e-9)
