"""What a worker does with one point: take its lock, work in its folder, move it to the finished ones.

Whatever kills the worker, the lock is freed and the folder is kept; the next worker goes on from there.
"""

import contextlib
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from caloris.campaigns.folder import Folder, now, read_lock, write_lock
from caloris.campaigns.task import checked_outputs, load_task, one_line, task_version
from caloris.errors import ComputationError, InputError
from caloris.files import versions

ALLOWED_DEATHS = 3
"""How many workers may die in one run on a point that gets no farther, before it counts as failed."""
REPORT_EVERY = 0.5
"""Seconds between two reports of a point."""

State = Literal["done", "failed", "busy", "stopped"]


@dataclass(frozen=True)
class Order:
    """One point for a worker: plain values, so that it can be sent anywhere."""

    folder: str
    run: str
    key: str
    task: str
    version: Any
    source: str | None
    parameters: dict[str, Any]
    previous: str | None
    local: bool = False


class Stopped(BaseException):
    """The run does not want this point any more; no Exception, so that a task does not catch it by accident."""


def work(order: Order) -> State:
    """Work on one point; called on a worker.

    Parameters
    ----------
    order:
        The point.

    Returns
    -------
    :
        ``"done"``; ``"failed"`` (the reason is in the folder); ``"busy"`` if somebody else works on it;
        ``"stopped"`` if the run has ended meanwhile.
    """
    folder = Folder(Path(order.folder))
    with folder.locked(order.key) as lock:
        if lock is None:
            return "busy"
        if folder.is_finished(order.key):
            return "done"
        if folder.failure(order.key) is not None:
            return "failed"
        if not folder.run_marker(order.run).exists():
            return "stopped"
        return _attempt(folder, order, lock)


def _attempt(folder: Folder, order: Order, lock: IO[str]) -> State:
    begun = time.monotonic()
    with _own_process(folder.work(order.key), order) as where:
        try:
            attempt = _begin(folder, order, lock)
            result = None
            if not (folder.work(order.key) / "result.json").is_file():  # else only the move is missing
                result = {
                    **_identity(order),
                    "outputs": _call(folder, order),
                    "versions": versions(),
                    "wall_time": {"value": round(time.monotonic() - begun, 3), "unit": "s", "error": None},
                    "attempts": attempt,
                    "host": socket.gethostname(),
                    "finished": now(),
                }
            folder.finish(order.key, order.run, result)
        except Stopped:
            return "stopped"
        except (Exception, SystemExit) as error:
            details = traceback.format_exc()
            reason = one_line(error)
            folder.fail(order.key, order.run, {**_identity(order), "reason": reason, "details": details, **where})
            return "failed"
        finally:
            folder.write_progress(order.key, None)
    return "done"


def _identity(order: Order) -> dict[str, Any]:
    return {
        "schema": 1,
        "key": order.key,
        "task": order.task,
        "task_version": order.version,
        "parameters": order.parameters,
        "previous": order.previous,
    }


def _begin(folder: Folder, order: Order, lock: IO[str]) -> int:
    """Count the attempts; refuse a point that has killed its workers and gets no farther."""
    note, last = read_lock(lock), folder.progress(order.key) or {}
    fraction = float(last.get("fraction") or 0.0)
    deaths, farthest = 0, fraction
    if note.get("run") == order.run and fraction <= note.get("fraction", 0.0):
        deaths, farthest = int(note.get("deaths", 0)) + 1, float(note.get("fraction", 0.0))
    attempts = int(note.get("attempts", 0)) + 1
    if deaths > ALLOWED_DEATHS:
        raise ComputationError(f"{deaths} workers were killed while they worked on it, and it got no farther")
    write_lock(lock, {"run": order.run, "deaths": deaths, "fraction": farthest, "attempts": attempts})
    folder.write_progress(order.key, {"what": last.get("what", ""), "fraction": fraction, "run": order.run})
    folder.journal("start", order.key, order.run)
    return attempts


def _call(folder: Folder, order: Order) -> dict[str, Any]:
    task = load_task(order.task, order.source)
    if task_version(task) != order.version:
        raise InputError(
            f"{order.task}: this worker has version {task_version(task)}, the campaign {order.version}; "
            "restart the workers with the same code"
        )
    previous = None
    if order.previous is not None:
        previous = folder.finished(order.previous)
        if not _appears(folder, order.previous):
            raise ComputationError(f"the point that it continues, {previous}, is not there any more")
    return checked_outputs(task(order.parameters, folder.work(order.key), previous, _reporter(folder, order)))


def _appears(folder: Folder, key: str) -> bool:
    """A network file system may show late what another machine has finished."""
    for _ in range(60):
        if folder.is_finished(key):
            return True
        time.sleep(0.5)
    return False


def _reporter(folder: Folder, order: Order) -> Callable[[str, float], None]:
    last = 0.0

    def progress(what: str, fraction: float) -> None:
        nonlocal last
        if time.monotonic() - last < REPORT_EVERY:
            return
        last = time.monotonic()
        if not folder.run_marker(order.run).exists():
            raise Stopped
        shown = min(max(float(fraction), 0.0), 1.0)
        folder.write_progress(order.key, {"what": str(what), "fraction": shown, "run": order.run})

    return progress


@contextlib.contextmanager
def _own_process(work_folder: Path, order: Order) -> Iterator[dict[str, Any]]:
    """Send what the task prints to output.log, if this process works on one point at a time."""
    work_folder.mkdir(parents=True, exist_ok=True)
    where = {"host": socket.gethostname(), "time": now(), "output": ""}
    if not _alone():
        yield where
        return
    if order.local and os.getpgrp() != os.getpid():
        with contextlib.suppress(OSError):  # Ctrl-C is for who runs the campaign, not for the engines of its tasks
            os.setpgid(0, 0)
    log = work_folder / "output.log"
    where["output"] = str(log)
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    kept = [os.dup(stream) for stream in (1, 2)]
    try:
        for stream in (1, 2):
            os.dup2(handle, stream)
        yield where
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, original in zip((1, 2), kept, strict=True):
            os.dup2(original, stream)
            os.close(original)
        os.close(handle)


def _alone() -> bool:
    """Whether this is a worker process of its own with a single thread."""
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:
        return False
    return worker.nanny is not None and worker.state.nthreads == 1
