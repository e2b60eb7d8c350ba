"""One run of a campaign: send points whose predecessor is done, take what comes back, until nothing is left.

All that is known lies in the folder; the run itself may die at any moment.
"""

import contextlib
import queue
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from caloris.campaigns.folder import Folder, now
from caloris.campaigns.plan import Call, PlannedPoint, blocked_points
from caloris.campaigns.task import one_line
from caloris.campaigns.worker import ALLOWED_DEATHS, Order, work
from caloris.errors import ComputationError

POLL = 0.25
"""Seconds between two looks at what runs."""
LOOK_AFTER_WORKERS = 5.0
"""Seconds between two looks whether workers of this machine have to be started again."""
ASK_AGAIN = 2.0
"""Seconds until a point that somebody else works on is asked for again."""
LOST = "the connection to the scheduler was lost; run the same command again: what is finished is kept"


@dataclass
class Run:
    """The state of one run, in the process that called it."""

    folder: Folder
    points: Mapping[str, PlannedPoint]
    call: Call
    source: str | None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    done: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    pending: dict[str, Any] = field(default_factory=dict)
    """Futures by key."""
    later: dict[str, float] = field(default_factory=dict)
    """When to ask again for a point that somebody else works on."""
    lost: dict[str, tuple[int, float]] = field(default_factory=dict)
    """How often Dask gave up a point that got no farther than this fraction."""
    answers: "queue.SimpleQueue[tuple[str, Any]]" = field(default_factory=queue.SimpleQueue)
    successors: dict[str, list[str]] = field(default_factory=dict)
    sent: int = 0

    def __post_init__(self) -> None:
        for key, point in self.points.items():
            if point.previous is not None:
                self.successors.setdefault(point.previous, []).append(key)

    def look(self, *, retry_failed: bool) -> int:
        """Find out what is done and failed already; returns how many points can still be worked on."""
        self.done = self.folder.keys("points") & set(self.points)
        self.failed = (self.folder.keys("failed") & set(self.points)) - self.done
        if retry_failed:
            for key in self.failed:
                self.folder.forgive(key)
            self.failed = set()
        blocked = blocked_points(self.points, self.failed)
        return len(self.points) - len(self.done) - len(self.failed) - len(blocked)

    def drive(
        self,
        client: Any,
        *,
        revive: Callable[[], None] | None,
        options: dict[str, Any],
        tick: Callable[["Run"], None],
    ) -> None:
        """Work until nothing is left.

        Parameters
        ----------
        client:
            Of Dask.
        revive:
            Starts workers again that are gone, if they are processes of this machine.
        options:
            For ``client.submit``: resources, priority.
        tick:
            Called several times a second with the run.

        Raises
        ------
        ComputationError
            If the scheduler is lost.
        """
        marker = self.folder.run_marker(self.id)
        marker.write_text(f"{now()}\n")
        local, looked = revive is not None, time.monotonic()
        try:
            for key, point in self.points.items():
                if point.previous is None or point.previous in self.done:
                    self._send(key, client, local, options)
            while self.pending or self.later:
                self._take(client, local, options)
                tick(self)
                if revive and time.monotonic() - looked > LOOK_AFTER_WORKERS:
                    looked = time.monotonic()
                    revive()
        finally:
            marker.unlink(missing_ok=True)
            if client.status == "running":
                with contextlib.suppress(Exception):
                    client.cancel(list(self.pending.values()))

    def _send(self, key: str, client: Any, local: bool, options: dict[str, Any]) -> None:
        if key in self.done or key in self.failed:
            return
        point = self.points[key]
        order = Order(
            folder=str(self.folder.path.resolve()),
            run=self.id,
            key=key,
            task=self.call.task,
            version=self.call.version,
            source=self.source,
            parameters=point.parameters,
            previous=point.previous,
            local=local,
        )
        self.sent += 1
        future = client.submit(work, order, key=f"caloris-{key[:16]}-{self.id}-{self.sent}", pure=False, **options)
        self.pending[key] = future
        future.add_done_callback(lambda future, key=key: self.answers.put((key, future)))

    def _take(self, client: Any, local: bool, options: dict[str, Any]) -> None:
        """Take one answer, or wait a moment; then send what has become possible."""
        try:
            key, future = self.answers.get(timeout=POLL)
        except queue.Empty:
            key, future = "", None
        if client.status != "running" or (future is not None and future.status == "cancelled"):
            raise ComputationError(LOST)
        if future is not None and self.pending.get(key) is future:
            del self.pending[key]
            self._answered(key, future)
            if key in self.done:
                for successor in self.successors.get(key, []):
                    self._send(successor, client, local, options)
        for waiting in [key for key, moment in self.later.items() if moment <= time.monotonic()]:
            del self.later[waiting]
            self._send(waiting, client, local, options)

    def _answered(self, key: str, future: Any) -> None:
        """Ask the folder, not the worker: it may have died since, and the answer with it."""
        if self.folder.is_finished(key):
            self.done.add(key)
        elif self.folder.failure(key) is not None:
            self.failed.add(key)
        elif future.status == "error":
            self._worker_error(key, future.exception())
        else:  # somebody else works on it, or the answer got lost
            self.later[key] = time.monotonic() + ASK_AGAIN

    def _worker_error(self, key: str, error: BaseException) -> None:
        """No error of the task, those are caught: the worker died, or cannot work at all."""
        fraction = float((self.folder.progress(key) or {}).get("fraction") or 0.0)
        count, farthest = self.lost.get(key, (0, 0.0))
        count = 1 if fraction > farthest else count + 1
        self.lost[key] = (count, max(fraction, farthest))
        if count <= ALLOWED_DEATHS:
            self.later[key] = time.monotonic()
            return
        killed = type(error).__name__ == "KilledWorker"
        reason = "its workers were killed again and again" if killed else f"no worker can begin: {one_line(error)}"
        point = self.points[key]
        failure = {"schema": 1, "key": key, "parameters": point.parameters, "reason": reason, "time": now()}
        self.folder.fail(key, self.id, failure)
        self.failed.add(key)


def count_workers(client: Any) -> int:
    """Return how many workers the scheduler has at this moment; 0 if it does not answer."""
    try:
        return len(client.nthreads())
    except Exception:
        return 0
