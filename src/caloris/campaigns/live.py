"""The table that is shown while a campaign runs: on the error stream, and only on a terminal."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from caloris.campaigns.run import Run, count_workers

if TYPE_CHECKING:
    from rich.console import Group

REFRESH = 1.0
"""Seconds between two looks into the folder."""
ROWS = 10
"""How many running points are shown."""


class Account:
    """What is known of the speed of a run, for an estimate of what is left."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.began = time.monotonic()
        self.done_before = len(run.done)
        self.fractions: dict[str, float] = {}
        self.first_seen: dict[str, float] = {}
        """Fraction of each point when this run first saw it: a resumed point does not begin at 0."""
        self.reports: list[tuple[str, str, float]] = []

    def look(self) -> None:
        """Read what the running points say of themselves."""
        folder, run = self.run.folder, self.run
        self.reports = []
        for key in sorted(folder.keys("progress") & set(run.pending)):
            said = folder.progress(key) or {}
            if said.get("run") == run.id:
                fraction = float(said.get("fraction") or 0.0)
                self.first_seen.setdefault(key, fraction)
                self.fractions[key] = fraction
                name = ", ".join(str(value) for value in run.points[key].coordinates.values())
                self.reports.append((name, str(said.get("what", "")), fraction))

    def time_left(self, workers: int) -> float | None:
        """Return the seconds left, None if nothing is known yet.

        What has been done by so many workers in the time gone sets the speed; chains bound how much goes on at once.
        """
        run, gone = self.run, time.monotonic() - self.began
        ended = len(run.done) - self.done_before
        under_way = sum(
            fraction - self.first_seen[key] for key, fraction in self.fractions.items() if key in run.pending
        )
        if ended + under_way < 0.05 or gone < 1.0:
            return None
        left = [key for key in run.points if key not in run.done and key not in run.failed]
        seconds_per_point = gone * max(1, min(workers, len(self.reports) or workers)) / (ended + under_way)
        total = len(left) - sum(self.fractions.get(key, 0.0) for key in left)
        return seconds_per_point * max(total / max(workers, 1), self._longest_chain(set(left)))

    def _longest_chain(self, left: set[str]) -> float:
        length: dict[str, float] = {}
        for key, point in self.run.points.items():
            if key in left:
                own = 1.0 - self.fractions.get(key, 0.0)
                length[key] = own + length.get(point.previous or "", 0.0)
        return max(length.values(), default=0.0)


@contextlib.contextmanager
def shown(run: Run, client: Any, show: bool | None) -> Iterator[Callable[[Run], None]]:
    """Show a run while it goes on.

    Parameters
    ----------
    run:
        The run.
    client:
        Of Dask, to count workers.
    show:
        Whether to; None: if the error stream is a terminal.

    Yields
    ------
    :
        To be called now and then.
    """
    if not (sys.stderr.isatty() if show is None else show):
        yield lambda run: None
        return
    from rich.console import Console
    from rich.live import Live

    account, last = Account(run), 0.0
    with Live(console=Console(stderr=True), auto_refresh=False) as live:

        def tick(run: Run) -> None:
            nonlocal last
            if time.monotonic() - last >= REFRESH:
                last = time.monotonic()
                account.look()
                live.update(progress_table(account, count_workers(client)), refresh=True)

        yield tick
        account.look()
        live.update(progress_table(account, count_workers(client)), refresh=True)


def progress_table(account: Account, workers: int) -> "Group":
    """Lay out one state of a run.

    Parameters
    ----------
    account:
        Of the run, after a look.
    workers:
        How many there are.

    Returns
    -------
    :
        To print with rich.
    """
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    run = account.run
    counts = f"{len(run.done)} of {len(run.points)} done, {len(account.reports)} running, {len(run.failed)} failed"
    left = account.time_left(workers)
    headline = f"{counts}, {workers} workers" + (f", about {duration(left)} left" if left else "")
    table = Table(show_header=False, box=None)
    for name, what, fraction in account.reports[:ROWS]:
        table.add_row(name, ProgressBar(total=1.0, completed=fraction, width=20), f"{fraction:4.0%}", what)
    if len(account.reports) > ROWS:
        table.add_row(f"and {len(account.reports) - ROWS} more")
    return Group(Text(headline), table)


def duration(seconds: float) -> str:
    """Write a time in the largest two units.

    Examples
    --------
    >>> duration(3900)
    '1 h 5 min'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((n for n, (value, _) in enumerate(parts) if value), 3)
    return " ".join(f"{value} {unit}" for value, unit in parts[first : first + 2] if value) or "0 s"
