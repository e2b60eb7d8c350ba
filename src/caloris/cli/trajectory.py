"""``caloris trajectory FILE ANALYSIS``: open any trajectory, once; every analysis is a command after it."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup, TyperOption

from caloris.cli.application import JsonOption, OutOption, app, print_json, progress_bar
from caloris.errors import InputError

if TYPE_CHECKING:
    from caloris.atoms import Trajectory
    from caloris.report.analysis import Analysis

    Analyse = Callable[[Trajectory, Any], Analysis]


class FileFirst(TyperGroup):
    """FILE, then the analysis; the options of the file may stand anywhere."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the options of the file first, as the parser wants them."""
        if not args:
            print(ctx.get_help())
            raise typer.Exit(2)
        return super().parse_args(ctx, self._in_order(args))

    def _in_order(self, args: list[str]) -> list[str]:
        """Split words into options of the file, FILE, analysis and its options."""
        own = _takes_value(self)
        options: list[str] = []
        rest: list[str] = []
        theirs: dict[str, bool] = {}
        words = iter(args)
        for word in words:
            name = word.partition("=")[0]
            if name == "--help" and len(rest) > 1:
                rest.append(word)
                continue
            target = options if name in own and name not in theirs else rest
            target.append(word)
            if (own | theirs).get(name) and "=" not in word:
                target += [value for value in (next(words, None),) if value is not None]
            if target is rest and len(rest) == 2 and word in self.commands:
                theirs = _takes_value(self.commands[word])
        return [*options, *rest]


def _takes_value(command: Any) -> dict[str, bool]:
    """Options of a command, and whether a value follows each."""
    return {
        name: not option.is_flag for option in command.params if isinstance(option, TyperOption) for name in option.opts
    } | {"--help": False}


_ARGUMENTS = {
    "timestep=": "--timestep",
    "elements=": "--elements",
    "units=": "--units",
    "cell=": "--cell",
    "topology=": "--topology",
    "incomplete='skip'": "--skip-incomplete",
}

trajectory_app = typer.Typer(cls=FileFirst, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(trajectory_app, name="trajectory")


@dataclass(frozen=True)
class Opened:
    """What the commands after FILE get; the file is opened when their options have been read."""

    open: "Callable[[], Trajectory]"
    out: Path | None
    as_json: bool

    def show(self, title: str, analyse: "Analyse") -> None:
        """Run an analysis, write its files and print what it found."""
        from caloris.report.analysis import write_analysis

        with _folder(self.out):
            trajectory = self.open()
            with progress_bar(title, quiet=self.as_json) as advance:
                analysis = _with_guesses(analyse(trajectory, advance), trajectory)
            files = write_analysis(analysis, self.out) if self.out is not None else []
        self.tell(analysis, files, "Curves and figure: --out DIR." if analysis.curves else "")

    def tell(self, analysis: "Analysis", files: list[Path], hint: str) -> None:
        """Print an analysis, and where its files are or how to get some."""
        if self.as_json:
            print_json(analysis.to_json() | {"files": [str(file) for file in files]})
            return
        print(analysis.summary())
        if files or hint:
            print("\n" + ("\n".join(str(file) for file in files) or hint))


def _with_guesses(analysis: "Analysis", trajectory: "Trajectory") -> "Analysis":
    """Add what was guessed when the file was converted."""
    guesses = [str(text) for text in trajectory.inputs.get("warnings", ())]
    return replace(
        analysis, warnings=[*analysis.warnings, *(text for text in guesses if text not in analysis.warnings)]
    )


@contextlib.contextmanager
def _folder(out: Path | None) -> Iterator[None]:
    """Make the folder for results before any work; if that fails nothing is left."""
    from caloris.files import output_folder

    made = out is not None and not out.exists()
    if out is not None:
        output_folder(out)
    try:
        yield
    except BaseException:
        if made and out is not None:
            with contextlib.suppress(OSError):
                out.rmdir()
        raise


@trajectory_app.callback(invoke_without_command=True)
def trajectory(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Trajectory of any program; converted once, beside the file.")],
    more: Annotated[
        list[Path] | None, typer.Option("--more", help="Next file of the same trajectory; can be repeated.")
    ] = None,
    timestep: Annotated[
        str | None, typer.Option("--timestep", help="Time between frames, '10 fs'; where the file has no times.")
    ] = None,
    topology: Annotated[
        Path | None, typer.Option("--topology", help="File that says what the atoms are: data, PDB, GRO, CIF ...")
    ] = None,
    elements: Annotated[
        str | None, typer.Option("--elements", help="Elements of LAMMPS types: '1=H 2=Si', or in order: 'H Si'.")
    ] = None,
    units: Annotated[
        str | None, typer.Option("--units", help="LAMMPS unit style, metal or real; where there are velocities.")
    ] = None,
    cell: Annotated[
        str | None, typer.Option("--cell", help="Edge of a cubic cell, '12.4 angstrom', or a CP2K .cell file.")
    ] = None,
    no_bonds: Annotated[bool, typer.Option("--no-bonds", help="Do not look for bonds.")] = False,
    skip_incomplete: Annotated[
        bool, typer.Option("--skip-incomplete", help="Leave out a last frame that is cut.")
    ] = False,
    store: Annotated[Path | None, typer.Option("--store", help="Where the converted file goes.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="Leave out what comes before this time.")] = None,
    every: Annotated[int, typer.Option("--every", help="Take every n-th frame.")] = 1,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Analyse a trajectory of any program: FILE, then an analysis; without one, what is in it, and a page with --out.

    The options below may stand before or after the name of the analysis.
    """

    def opened() -> "Trajectory":
        from caloris.atoms import open_trajectory

        with progress_bar("reading", quiet=as_json) as advance, _own_words():
            whole = open_trajectory(
                [file, *more] if more else file,
                timestep=timestep,
                topology=topology,
                elements=_elements(elements),
                units=units,
                cell=cell,
                bonds=None if no_bonds else "guess",
                incomplete="skip" if skip_incomplete else "error",
                store=store,
                progress=advance,
            )
        return _part(whole, start, every)

    context.obj = Opened(opened, out, as_json)
    if context.invoked_subcommand is None:
        _report(context.obj)


@contextlib.contextmanager
def _own_words() -> Iterator[None]:
    """Name the option of the command line where an error asks for an argument of Python."""
    try:
        yield
    except InputError as error:
        wanted = [option for argument, option in _ARGUMENTS.items() if argument in str(error)]
        raise InputError(f"{error} (here {' or '.join(wanted)})" if wanted else str(error)) from None


def _report(opened: Opened) -> None:
    """Say what is in a trajectory; with a folder write the page of one sheet."""
    from caloris.report.trajectory import describe, write_trajectory_report

    files: list[Path] = []
    with _folder(opened.out):
        chosen = opened.open()
        description = describe(chosen)
        if opened.out is not None:
            with progress_bar("report", quiet=opened.as_json) as advance:
                files = write_trajectory_report(chosen, opened.out, progress=advance)
    opened.tell(description, files, "A report: --out DIR. Analyses: --help.")


def _elements(text: str | None) -> dict[str, str] | list[str] | None:
    """Read '1=H 2=Si' or 'H Si'."""
    if text is None:
        return None
    words = text.replace(",", " ").split()
    if not words or any("=" in word for word in words) != all("=" in word for word in words):
        raise InputError(f"--elements: write '1=H 2=Si', or 'H Si' in the order of types; got {text!r}")
    if "=" not in words[0]:
        return words
    return {name: element for name, _, element in (word.partition("=") for word in words)}


def _part(whole: "Trajectory", start: str | None, every: int) -> "Trajectory":
    if every < 1:
        raise InputError(f"--every: expected 1 or more, got {every}")
    first = 0
    if start is not None:
        from caloris.units import magnitude

        begin = magnitude(start, "ps", "--start")
        first = int((whole.time.values < begin * (1 - 1e-9)).sum())
        if first >= len(whole) - 1:
            raise InputError(f"--start: the trajectory ends at {whole.time.values[-1]:g} ps")
    return whole.sample(every=every, start=first) if first or every > 1 else whole
