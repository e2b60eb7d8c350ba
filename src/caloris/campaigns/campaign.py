"""A campaign: one function called at every point of a grid, in parallel, and resumed after whatever stops it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caloris.campaigns.folder import Folder
from caloris.campaigns.grid import History, Point, axis_values, coordinate, grid_points
from caloris.campaigns.keys import base_quantity, canonical_text, content_digest, digest, plain
from caloris.campaigns.plan import Call, CampaignStatus, PlannedPoint, plan_points, read_status
from caloris.campaigns.runfile import read_run_file
from caloris.campaigns.task import Task, load_task, source_folder, task_name, task_version
from caloris.errors import ComputationError, InputError
from caloris.files import versions, write_json

if TYPE_CHECKING:
    import scipp as sc

    from caloris.campaigns.table import Axis, Result


class Campaign:
    """A function, the points at which to call it, and the folder that keeps what is known.

    Parameters
    ----------
    run_file:
        A TOML file; see the documentation of campaigns. Give this, or the following.
    task:
        A function of a module, or ``"package.module:function"``.
    points:
        The points: ``Point(parameters, previous)`` or plain mappings of parameters.
    grid:
        Instead of points: axes by name, each a sequence of values or a mapping with from, to, step.
    history:
        The walk along one axis of the grid.
    settings:
        Given to the task at every point, besides the point's own parameters.
    files:
        Paths given to the task; their content, not their name, tells points apart.
    folder:
        Where results are kept; for a run file by default its name without ``.toml``.

    Raises
    ------
    InputError
        If a field is wrong or the task cannot be imported.

    Examples
    --------
    >>> campaign = Campaign(task="caloris.campaigns.example:pendulum", grid={"length": ["1 m", "2 m"]}, folder="none")
    >>> campaign.status()
    2 points: 2 waiting
      waiting length 1 m
      waiting length 2 m
    """

    def __init__(
        self,
        run_file: str | Path | None = None,
        *,
        task: Task | str | None = None,
        points: Iterable[Point | Mapping[str, Any]] | None = None,
        grid: Mapping[str, Any] | None = None,
        history: History | None = None,
        settings: Mapping[str, Any] | None = None,
        files: Mapping[str, str | Path] | None = None,
        folder: str | Path | None = None,
    ) -> None:
        beside = Path()
        if run_file is not None:
            if any(given is not None for given in (task, points, grid, history, settings, files)):
                raise InputError("Campaign: give a run file, or task and points; of the rest only folder")
            path = Path(run_file)
            run, beside = read_run_file(path), path.parent
            folder = beside / (run.folder or path.stem) if folder is None else folder
            task, grid, settings, files = run.task, run.grid, run.settings, run.files
            history = _located(path, lambda: run.history.history() if run.history else None)
        if task is None or (points is None) == (grid is None):
            raise InputError("Campaign: give a run file, or task and either points or grid")
        if folder is None:
            raise InputError("Campaign: give the folder where results are kept")
        self._folder = Folder(Path(folder))
        self._source: str | None = None
        self._axes: dict[str, list[Any]] | None = None
        self._history = history

        def plan() -> None:
            self._call = self._read_call(task, settings or {}, files or {}, beside)
            if grid is not None:
                self._axes = {name: axis_values(name, values) for name, values in grid.items()}
            self._points = plan_points(self._given_points(points), self._call)
            self._read_refinements()

        _located(Path(run_file) if run_file is not None else None, plan)
        if not self._points:
            raise InputError("Campaign: no points")

    def _read_call(
        self, task: Task | str, settings: Mapping[str, Any], files: Mapping[str, str | Path], beside: Path
    ) -> Call:
        name = task_name(task)
        function = load_task(name, beside.resolve())
        self._source = source_folder(function)
        paths = {parameter: (beside / path).resolve() for parameter, path in files.items()}
        twice = sorted(set(paths) & set(settings))
        if twice:
            raise InputError(f"{twice[0]}: is in the settings and in the files; leave one out")
        return Call(
            task=name,
            version=plain(task_version(function), "version of the task"),
            settings={str(key): plain(value, f"settings.{key}") for key, value in settings.items()},
            files={parameter: str(path) for parameter, path in paths.items()},
            contents={parameter: content_digest(path, f"files.{parameter}") for parameter, path in paths.items()},
        )

    def _given_points(self, points: Iterable[Point | Mapping[str, Any]] | None) -> list[Point]:
        if self._axes is not None:
            return grid_points(self._axes, self._history)
        return [Point(point) if isinstance(point, Mapping) else point for point in points or ()]

    @property
    def folder(self) -> Path:
        """Where the campaign is kept."""
        return self._folder.path

    @property
    def points(self) -> list[PlannedPoint]:
        """All points, with refinements; a predecessor comes before its successors."""
        return list(self._points.values())

    def run(
        self,
        scheduler: str | None = None,
        *,
        cluster: Any = None,
        workers: int | None = None,
        threads: int = 1,
        retry_failed: bool = False,
        raise_on_failure: bool = False,
        show: bool | None = None,
        resources: Mapping[str, float] | None = None,
    ) -> CampaignStatus:
        """Work on all points that are not done, until nothing can be done any more.

        Parameters
        ----------
        scheduler:
            Address of a Dask scheduler, ``"tcp://host:8786"``; its workers must see the folder.
        cluster:
            A Dask cluster object, for example of dask_jobqueue, instead.
        workers:
            Without both, how many processes to start here; by default one per core.
        threads:
            Threads that each of these may use.
        retry_failed:
            Whether to try points again that failed; they go on from what they left in their folders.
        raise_on_failure:
            Whether to raise at the end if any point failed.
        show:
            Whether to show a table of progress; by default on terminals only.
        resources:
            Of a worker that each point needs, ``{"GPU": 1}``; see Dask's worker resources.

        Returns
        -------
        :
            How far every point is.

        Raises
        ------
        InputError
            If the folder cannot be written.
        ComputationError
            If the scheduler is lost (run again, nothing is lost with it), or nothing could be finished, or if asked.
        """
        from caloris.campaigns.cluster import connected
        from caloris.campaigns.live import shown
        from caloris.campaigns.run import Run

        self._folder.make()
        self._record(None)
        run = Run(self._folder, self._points, self._call, self._source)
        left = run.look(retry_failed=retry_failed)
        if left:
            options = {"resources": dict(resources)} if resources else {}
            with (
                connected(scheduler, cluster, workers, threads, left) as (client, revive),
                shown(run, client, show) as tick,
            ):
                run.drive(client, revive=revive, options=options, tick=tick)
        status = self.status()
        if status.failed and (raise_on_failure or not status.count("done")):
            first = status.failed[0]
            raise ComputationError(f"{status.summary()}; {first.point}: {first.reason}")
        return status

    def status(self) -> CampaignStatus:
        """Return how far every point is; also while another process runs the campaign."""
        return read_status(self._folder, self._points)

    def results(self) -> "list[Result]":
        """Return the finished points with their outputs and folders.

        Returns
        -------
        :
            In the order of the points.

        Raises
        ------
        ComputationError
            If a result is damaged.
        """
        from caloris.campaigns.table import Result

        done = self._folder.keys("points")
        return [
            Result(point.coordinates, self._folder.result(key)["outputs"], self._folder.finished(key), point)
            for key, point in self._points.items()
            if key in done
        ]

    def table(self) -> "sc.DataGroup[sc.DataArray]":
        """Return the outputs as labelled arrays.

        Returns
        -------
        :
            One data array per output, over the axes of the grid (and ``history``), or over ``point`` where points
            were given; variances from errors; masks ``failed`` and ``missing``. Outputs that are no numbers, texts or
            arrays of one shape are left out: see :meth:`results`.

        Raises
        ------
        ComputationError
            If a result is damaged, or an output has units of different kinds.
        """
        from caloris.campaigns.table import grid_table, list_table

        status, results = self.status(), self.results()
        if self._axes is None:
            return list_table(self.points, results, status)
        return grid_table(self._table_axes(), results, status)

    def _table_axes(self) -> "list[Axis]":
        from caloris.campaigns.table import Axis

        found = []
        names = [*(self._axes or {}), *(["history"] if self._history else [])]
        for name in names:
            values = {canonical_text(p.coordinates[name]): p.coordinates[name] for p in self._points.values()}
            given = (self._axes or {}).get(name, list(self._history.directions) if self._history else [])
            ordered = list(given)
            added = [value for text, value in values.items() if text not in {canonical_text(v) for v in given}]
            if added:
                falling = len(given) > 1 and (coordinate(given[0]) or 0) > (coordinate(given[-1]) or 0)
                ordered = sorted([*given, *added], key=lambda value: coordinate(value) or 0, reverse=falling)
            found.append(Axis(name, ordered))
        return found

    def refine(
        self, output: str, along: str, *, intervals: int = 1, smallest: str | float | None = None
    ) -> list[PlannedPoint]:
        """Add points half-way between neighbours whose output differs most, such as around a transition.

        Each row of the grid (points that differ along one axis only) is refined on its own, so that points go where
        its transition is. Existing points stay as they are. With a history a new point continues its neighbour
        upstream. Call :meth:`run` afterwards, and both again for more.

        Parameters
        ----------
        output:
            Name of an output that is a number.
        along:
            Name of the axis.
        intervals:
            How many intervals to halve in each row.
        smallest:
            Leave intervals up to this width alone, for example ``"0.5 K"``.

        Returns
        -------
        :
            The new points. A row whose largest difference lies within twice its error gets none.

        Raises
        ------
        InputError
            If the campaign has no grid, or no such axis.
        ComputationError
            If a finished point has no such output.
        """
        from caloris.campaigns.refine import midpoints

        if self._axes is None:
            raise InputError("refine: only a campaign on a grid can be refined")
        if along not in self._axes or any(coordinate(value) is None for value in self._axes[along]):
            raise InputError(f"along: {along!r} is no axis with an order; the grid has {', '.join(self._axes)}")
        if intervals < 1:
            raise InputError(f"intervals: at least 1, got {intervals}")
        width = _interval(smallest, self._axes[along][0])
        found = midpoints(self.results(), output, along, intervals=intervals, smallest=width)
        planned = [self._call.plan(coordinates, previous) for coordinates, previous in self._successors(found)]
        new = [point for point in planned if point.key not in self._points]
        self._points |= {point.key: point for point in new}
        if new:
            self._folder.make()
            self._record([{"coordinates": point.coordinates, "previous": point.previous} for point in new])
        return new

    def _successors(
        self, found: Sequence[tuple[dict[str, Any], PlannedPoint]]
    ) -> Iterable[tuple[dict[str, Any], str | None]]:
        for coordinates, upstream in found:
            yield coordinates, upstream.key if self._history else None

    def __repr__(self) -> str:
        return f"<Campaign of {self._call.task} in {self.folder}: {self.status().summary()}>"

    # -- campaign.json: what the campaigns of this folder are, and which points refinements added

    def _definition(self) -> dict[str, Any]:
        history = self._history
        return {
            "task": self._call.task,
            "task_version": self._call.version,
            "settings": self._call.settings,
            "files": self._call.files,
            "contents": self._call.contents,
            "grid": self._axes,
            "points": None if self._axes else [point.coordinates for point in self._points.values()],
            "history": vars(history) | {"directions": list(history.directions)} if history else None,
        }

    def _id(self) -> str:
        return digest(canonical_text({k: v for k, v in self._definition().items() if k != "files"}))[:16]

    def _campaigns(self) -> dict[str, Any]:
        path = self.folder / "campaign.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["campaigns"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(
                f"{path}: cannot be read; move it away (results are kept, refinements must be repeated)"
            ) from None
        return found

    def _record(self, added: list[dict[str, Any]] | None) -> None:
        """Write down what the campaign is; several may share a folder."""
        with self._folder.locked("campaign", wait=True):
            campaigns = self._campaigns()
            mine = campaigns.setdefault(self._id(), {"refined": []})
            mine |= self._definition() | {"versions": versions()}
            mine["refined"] += [point for point in added or [] if point not in mine["refined"]]
            write_json(self.folder / "campaign.json", {"schema": 1, "campaigns": campaigns})

    def _read_refinements(self) -> None:
        for point in self._campaigns().get(self._id(), {}).get("refined", []):
            planned = self._call.plan(point["coordinates"], point["previous"])
            self._points.setdefault(planned.key, planned)


def _interval(width: str | float | None, like: Any) -> float:
    """Return a width along an axis in base units; a scale with its own zero has none for differences."""
    if width is None:
        return 0.0
    quantity, other = base_quantity(width), base_quantity(like)
    if (quantity and quantity[1]) != (other and other[1]) or (isinstance(width, str) and quantity is None):
        raise InputError(f"smallest: {width!r} does not fit an axis with the value {like!r}")
    zero = base_quantity(f"0 {str(width).split()[-1]}") if quantity else None
    number = quantity[0] - zero[0] if quantity and zero else coordinate(width)
    return float(number or 0)


def _located(path: Path | None, call: Any) -> Any:
    """Name the run file in front of what is wrong in it."""
    try:
        return call()
    except InputError as error:
        raise InputError(f"{path}: {error}" if path and not str(error).startswith(str(path)) else str(error)) from None
