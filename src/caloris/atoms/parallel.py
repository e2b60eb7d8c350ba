"""One task over many blocks of atoms or of time: on the cores here, or on a dask cluster; knows no physics.

Tasks are pure functions of one block. Kernels release the interpreter (numba's ``nogil``), so that threads are enough.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from caloris.errors import ComputationError, InputError

Block = TypeVar("Block")
Found = TypeVar("Found")
Progress = Callable[[str, float], None]
"""Called with words and the part that is done, 0 to 1."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_blocks(
    task: Callable[[Block], Found],
    blocks: Iterable[Block],
    *,
    scheduler: str | None = None,
    progress: Progress | None = None,
    title: str = "",
    workers: int | None = None,
) -> Iterator[Found]:
    """Run a task on every block and yield the results in order; only a few blocks are held at once.

    Parameters
    ----------
    task:
        A function of one block; for a scheduler one that pickle can carry, with what it holds.
    blocks:
        The blocks.
    scheduler:
        Address of a dask scheduler, ``"tcp://host:8786"``, whose workers see the same files; by default the cores here.
    progress, title:
        Called with the title and the part that is done.
    workers:
        Blocks at a time; by default as many as cores.

    Yields
    ------
    :
        Results, in the order of the blocks.

    Raises
    ------
    InputError
        If the scheduler does not answer.
    ComputationError
        If a worker of it was lost.
    """
    waiting = list(blocks)
    results = _on_cluster(task, waiting, scheduler) if scheduler else _here(task, waiting, workers or cores())
    for done, found in enumerate(results, start=1):
        if progress is not None:
            progress(title, done / len(waiting))
        yield found


def _here(task: Callable[[Block], Found], blocks: list[Block], workers: int) -> Iterator[Found]:
    if workers == 1 or len(blocks) == 1:
        yield from map(task, blocks)
        return
    running: deque[Future[Found]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for block in blocks:
            running.append(pool.submit(task, block))
            if len(running) > workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:  # also if the caller stops, or Ctrl-C
        pool.shutdown(wait=True, cancel_futures=True)


def _on_cluster(task: Callable[[Block], Found], blocks: list[Block], scheduler: str) -> Iterator[Found]:
    client = _connected(scheduler)
    with client:
        most = 2 * max(1, sum(client.nthreads().values()))
        running: deque[Any] = deque()
        for block in blocks:
            running.append(client.submit(task, block, pure=False))
            if len(running) > most:
                yield _result(running.popleft(), scheduler)
        while running:
            yield _result(running.popleft(), scheduler)


def _connected(scheduler: str) -> Any:
    from distributed import Client

    try:
        return Client(scheduler, timeout=5, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"scheduler: {scheduler!r} does not answer: {reason}; start one with 'dask scheduler'"
        ) from None


def _result(future: Any, scheduler: str) -> Any:
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except (KilledWorker, FutureCancelledError) as error:
        raise ComputationError(f"{scheduler}: a worker was lost ({type(error).__name__}); run again") from None
