"""Where points are worked on: processes of this machine, a running scheduler, or any Dask cluster object."""

import contextlib
import functools
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

from caloris.errors import ComputationError, InputError

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENMM_CPU_THREADS",
)
CONNECT_TIMEOUT = 30.0
"""Seconds."""


@contextlib.contextmanager
def connected(
    scheduler: str | None, cluster: Any, workers: int | None, threads: int, most_useful: int
) -> Iterator[tuple[Any, Callable[[], None] | None]]:
    """Connect to the workers.

    Parameters
    ----------
    scheduler:
        Address of a scheduler, such as ``"tcp://host:8786"``.
    cluster:
        A Dask cluster object, instead.
    workers, threads:
        How many processes to start on this machine, and threads of each, if neither is given.
    most_useful:
        There is never more work at once than this.

    Yields
    ------
    :
        The client; and, if its workers are processes of this machine, what starts those again that are gone.

    Raises
    ------
    InputError
        If both scheduler and cluster are given.
    ComputationError
        If there is no scheduler.
    """
    if scheduler is not None and cluster is not None:
        raise InputError("scheduler, cluster: give one of them")
    if (workers is not None and workers < 1) or threads < 1:
        raise InputError(f"workers, threads: at least 1, got {workers} and {threads}")
    with _quiet():
        if scheduler is None and cluster is None:
            with _local_cluster(workers, threads, most_useful) as own, _client(own, "this machine") as client:
                yield client, functools.partial(_revive, own)
        else:
            with _client(scheduler or cluster, scheduler or "the cluster") as client:
                yield client, None


@contextlib.contextmanager
def _client(address: Any, name: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client: Any = Client(  # type: ignore[no-untyped-call]
            address, timeout=CONNECT_TIMEOUT, set_as_default=False
        )
    except (OSError, TimeoutError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ComputationError(f"no scheduler answers at {name} ({reason}); start one: dask scheduler") from None
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            client.close(timeout=2)


@contextlib.contextmanager
def _local_cluster(workers: int | None, threads: int, most_useful: int) -> Iterator[Any]:
    import dask
    from dask.system import CPU_COUNT
    from distributed import LocalCluster

    count = workers or max(1, CPU_COUNT // threads)
    settings = {
        "distributed.nanny.pre-spawn-environ": dict.fromkeys(_THREAD_VARIABLES, str(threads)),
        # an engine may keep Python's lock for an hour; whether its process lives, the nanny sees
        "distributed.scheduler.worker-ttl": None,
        # on a busy machine a killed worker may need longer to come back than Dask's 15 s
        "distributed.deploy.lost-worker-timeout": "10 minutes",
        "logging": {"distributed": "critical"},
    }
    with dask.config.set(settings), _without_main_module():
        try:
            cluster: Any = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=min(count, max(1, most_useful)),
                threads_per_worker=1,
                processes=True,
                memory_limit=0,  # one large point must not be killed for having more than its share
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
                # deaths are counted per point, see worker.py
                scheduler_kwargs={"allowed_failures": 1_000_000, "dashboard": False},
            )
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ComputationError(f"cannot start workers on this machine: {reason}") from None
        try:
            yield cluster
        finally:
            with contextlib.suppress(Exception):
                cluster.close(timeout=10)


def _revive(cluster: Any) -> None:
    """Start workers again whose nanny has given up: one that is killed while it starts is not restarted by Dask."""

    async def replace() -> None:
        for name, nanny in list(cluster.workers.items()):
            if nanny.status.name in ("closed", "failed"):
                del cluster.workers[name]
        with contextlib.suppress(Exception):  # the next look tries again
            await cluster._correct_state()

    cluster.loop.add_callback(replace)


@contextlib.contextmanager
def _without_main_module() -> Iterator[None]:
    """Keep workers from running the user's script again: they need nothing of it.

    Without this, a script that runs a campaign had to stand under ``if __name__ == "__main__":``.
    """
    main = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    for name in kept:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(main, name, value)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Dask says of lost connections; the campaign says it in one line."""
    import distributed  # noqa: F401  it sets the levels of its loggers when it is imported

    families = ("distributed", "tornado", "asyncio")
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in families]
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
