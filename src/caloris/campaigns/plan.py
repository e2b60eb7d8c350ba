"""A campaign's points with their keys, and what follows from the folder: done, failed, running or waiting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from caloris.campaigns.folder import Folder
from caloris.campaigns.grid import Point
from caloris.campaigns.keys import plain, point_key
from caloris.errors import InputError

State = Literal["waiting", "running", "done", "failed"]
STATES: tuple[State, ...] = ("done", "running", "waiting", "failed")
SHOWN = 12
"""How many points that have not finished a status names."""


@dataclass(frozen=True)
class PlannedPoint:
    """A point of a campaign.

    Attributes
    ----------
    key:
        What it is stored under.
    coordinates:
        Its place in the grid: the parameters that distinguish it from other points.
    parameters:
        Everything its task is given, settings and files included.
    previous:
        Key of the point that it continues.
    """

    key: str
    coordinates: dict[str, Any]
    parameters: dict[str, Any]
    previous: str | None = None

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.coordinates.items()) or self.key[:12]


@dataclass(frozen=True)
class PointStatus:
    """How far a point is.

    Attributes
    ----------
    point:
        The point.
    state:
        ``"waiting"``, ``"running"``, ``"done"`` or ``"failed"``.
    reason:
        Why it failed or cannot begin, one line.
    what, fraction:
        What a point under way last said of itself.
    """

    point: PlannedPoint
    state: State
    reason: str = ""
    what: str = ""
    fraction: float = 0.0

    def __str__(self) -> str:
        more = self.reason
        if self.state == "running":
            more = f"{self.fraction:.0%} {self.what}".strip()
        return f"{self.state:8}{self.point}" + (f": {more}" if more else "")


@dataclass(frozen=True, repr=False)
class CampaignStatus:
    """How far a campaign is; prints as a list, iterates over its points."""

    points: tuple[PointStatus, ...]

    def count(self, state: State) -> int:
        """Return how many points are in a state."""
        return sum(point.state == state for point in self.points)

    @property
    def failed(self) -> list[PointStatus]:
        """The points that failed, each with its reason."""
        return [point for point in self.points if point.state == "failed"]

    @property
    def is_complete(self) -> bool:
        """Whether every point is done."""
        return all(point.state == "done" for point in self.points)

    def summary(self) -> str:
        """Return the counts in one line."""
        counts = ", ".join(f"{self.count(state)} {state}" for state in STATES if self.count(state))
        return f"{len(self.points)} points: {counts}" if self.points else "no points"

    def to_json(self) -> dict[str, Any]:
        """Return counts and points as plain JSON values."""
        points = [
            {
                "key": item.point.key,
                "coordinates": item.point.coordinates,
                "state": item.state,
                "reason": item.reason,
                "fraction": 1.0 if item.state == "done" else item.fraction,
            }
            for item in self.points
        ]
        return {**{state: self.count(state) for state in STATES}, "points": points}

    def __iter__(self) -> Any:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        order = {"failed": 0, "running": 1, "waiting": 2}
        left = sorted((point for point in self.points if point.state != "done"), key=lambda p: order[p.state])
        lines = [self.summary(), *(f"  {point}" for point in left[:SHOWN])]
        if len(left) > SHOWN:
            lines.append(f"  and {len(left) - SHOWN} more")
        return "\n".join(lines)


@dataclass(frozen=True)
class Call:
    """What all points of a campaign share: the function and what it is given everywhere."""

    task: str
    version: Any
    settings: dict[str, Any]
    files: dict[str, str]
    """Paths of files, by the parameter's name."""
    contents: dict[str, str]
    """SHA-256 of those files."""

    def plan(self, coordinates: dict[str, Any], previous: str | None) -> PlannedPoint:
        """Give a point its key; raises InputError if it sets what the settings set."""
        both = sorted(set(coordinates) & (set(self.settings) | set(self.files)))
        if both:
            raise InputError(f"{both[0]}: is in the settings and in the points; leave one out")
        given = {**self.settings, **coordinates}
        key = point_key(self.task, self.version, given, self.contents, previous)
        return PlannedPoint(key, coordinates, {**given, **self.files}, previous)


def plan_points(points: Iterable[Point], call: Call) -> dict[str, PlannedPoint]:
    """Give points their keys, each predecessor before its successor.

    Parameters
    ----------
    points:
        The points; a predecessor that is not among them is added.
    call:
        What they share.

    Returns
    -------
    :
        Points by key; what is written twice is there once.

    Raises
    ------
    InputError
        If parameters cannot be written as JSON, or a point is none.
    """
    planned: dict[str, PlannedPoint] = {}
    keys: dict[int, str] = {}
    kept = []  # id() names a point only as long as the point lives
    for point in points:
        chain: list[Point] = []
        walk: Point | None = point
        while walk is not None and id(walk) not in keys:
            if not isinstance(walk, Point) or not isinstance(walk.parameters, Mapping):
                raise InputError(f"points: expected Point(parameters, previous), got {type(walk).__name__}")
            chain.append(walk)
            walk = walk.previous
        for link in reversed(chain):
            previous = keys[id(link.previous)] if link.previous is not None else None
            new = call.plan({str(k): plain(v, str(k)) for k, v in link.parameters.items()}, previous)
            planned.setdefault(new.key, new)
            keys[id(link)] = new.key
        kept += chain
    return planned


def read_status(folder: Folder, points: Mapping[str, PlannedPoint]) -> CampaignStatus:
    """Find out how far each point is, from what is in the folder.

    Parameters
    ----------
    folder:
        Of the campaign.
    points:
        By key.

    Returns
    -------
    :
        One entry per point.
    """
    done, failed, reported = (folder.keys(room) for room in ("points", "failed", "progress"))
    blocked = blocked_points(points, failed - done)
    found = []
    for key, point in points.items():
        if key in done:
            found.append(PointStatus(point, "done", fraction=1.0))
        elif key in failed:
            reason = (folder.failure(key) or {}).get("reason", "its record cannot be read")
            found.append(PointStatus(point, "failed", str(reason)))
        elif key in blocked:
            found.append(PointStatus(point, "waiting", f"waits for a failed point ({points[blocked[key]]})"))
        else:
            said = folder.progress(key) or {} if key in reported else {}
            what, fraction = str(said.get("what", "")), float(said.get("fraction") or 0.0)
            running = key in reported and folder.is_locked(key)
            found.append(PointStatus(point, "running" if running else "waiting", what=what, fraction=fraction))
    return CampaignStatus(tuple(found))


def blocked_points(points: Mapping[str, PlannedPoint], failed: set[str]) -> dict[str, str]:
    """Return the points that can never begin, each with the failed point that it waits for."""
    blocked: dict[str, str] = {}
    for key, point in points.items():  # a predecessor comes before its successors
        if point.previous in failed:
            blocked[key] = point.previous
        elif point.previous in blocked:
            blocked[key] = blocked[point.previous]
    return blocked
