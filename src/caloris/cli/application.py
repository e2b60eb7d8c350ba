"""The command line itself: errors of one line, options that commands share, progress on standard error."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from caloris.errors import CalorisError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable


app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A barocaloric material, from its card to the heat that a thermal battery made of it stores.",
)


INTERRUPTED = 130
"""Exit code after Ctrl-C, by the custom of shells."""

RESUMING = ("demo", "md", "campaign", "hysteresis", "relax", "barrier", "reproduce", "trajectory")
"""Commands that go on where they were stopped."""


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


OutOption = Annotated[Path | None, typer.Option("--out", help="Folder for the result files.")]


def main() -> None:
    """Run the command line; one line for every error, no traceback."""
    try:
        code = app(standalone_mode=False)
    except CalorisError as error:
        print(f"caloris: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)
    except Exception as error:
        # typer brings its own copy of click: a usage error is known by what it offers
        if not hasattr(error, "format_message"):
            raise
        print(f"caloris: {' '.join(error.format_message().split())} (see --help)", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        _interrupted()
    if code == INTERRUPTED:  # typer catches Ctrl-C itself
        _interrupted()
    sys.exit(code or 0)


def _interrupted() -> NoReturn:
    resumes = sys.argv[1:2] and sys.argv[1] in RESUMING
    kept = "what is finished is kept, run the same command to go on" if resumes else "nothing was written"
    print(f"caloris: interrupted; {kept}", file=sys.stderr)
    sys.exit(INTERRUPTED)


@app.callback(invoke_without_command=True)
def _version(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from caloris import __version__

        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)


@contextmanager
def progress_bar(title: str, *, quiet: bool) -> "Iterator[Callable[[str, float], None]]":
    """Show a progress bar on standard error, if that is a terminal and nobody asked for silence."""
    if quiet or not sys.stderr.isatty():
        yield lambda words, part: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.percentage:3.0f} %"),
        BarColumn(30),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda words, part: bar.update(task, description=words, completed=part)


def print_json(value: Any) -> None:
    """Print plain values as one JSON object."""
    print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))
