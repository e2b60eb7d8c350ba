"""More points where they tell most: half-way between neighbours on one axis whose output differs most."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caloris.campaigns.grid import DOWNWARDS, coordinate, midpoint
from caloris.campaigns.keys import canonical_text
from caloris.campaigns.plan import PlannedPoint
from caloris.campaigns.table import Result

SIGNIFICANT = 2.0
"""A difference below so many standard errors is no jump."""


@dataclass(frozen=True)
class Gap:
    """Two neighbours on an axis, in ascending order."""

    low: Result
    high: Result
    jump: float
    width: float


def midpoints(
    results: Sequence[Result], output: str, along: str, *, intervals: int, smallest: float
) -> list[tuple[dict[str, Any], PlannedPoint]]:
    """Find where to add points.

    Parameters
    ----------
    results:
        Finished points of a grid.
    output:
        Name of the output that jumps.
    along:
        Name of the axis.
    intervals:
        How many intervals to halve in each row: all points that differ along the axis only.
    smallest:
        Intervals up to this width, in base units, are left alone.

    Returns
    -------
    :
        Coordinates of each new point, and its neighbour upstream: the one below, or above on cooling.
    """
    rows: dict[str, list[Result]] = {}
    for result in results:
        others = {name: value for name, value in result.coordinates.items() if name != along}
        rows.setdefault(canonical_text(others), []).append(result)
    added = []
    for row in rows.values():
        for gap in _largest(_gaps(row, output, along), intervals, smallest):
            upstream = gap.high if gap.low.coordinates.get("history") in DOWNWARDS else gap.low
            middle = midpoint(gap.low.coordinates[along], gap.high.coordinates[along])
            added.append(({**upstream.coordinates, along: middle}, upstream.point))
    return added


def _gaps(row: Sequence[Result], output: str, along: str) -> list[Gap]:
    ordered = sorted(row, key=lambda result: _place(result.coordinates, along))
    gaps = []
    for low, high in itertools.pairwise(ordered):
        unit = str(low.quantity(output).unit)
        a, b = low.quantity(output), high.quantity(output).to(unit=unit)
        jump = abs(float(b.value) - float(a.value))
        if jump > SIGNIFICANT * math.sqrt((a.variance or 0.0) + (b.variance or 0.0)):
            gaps.append(Gap(low, high, jump, _place(high.coordinates, along) - _place(low.coordinates, along)))
    return gaps


def _largest(gaps: Sequence[Gap], intervals: int, smallest: float) -> list[Gap]:
    # a relative margin: 2.5 K written as a difference of two temperatures is not exactly 2.5 K
    found = sorted(gaps, key=lambda gap: gap.jump, reverse=True)[:intervals]
    return [gap for gap in found if gap.width > smallest * (1 + 1e-9)]


def _place(coordinates: Mapping[str, Any], along: str) -> float:
    return float(coordinate(coordinates[along]) or 0)
