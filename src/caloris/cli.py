"""The command line: a thin skin over the library.

Every command prints a short summary, or with ``--json`` one JSON object and nothing else on standard output.
Exit codes: 0 done, 1 the computation failed, 2 bad input.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from caloris.errors import CalorisError, InputError
from caloris.files import write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from caloris.materials import Material


app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A barocaloric material, from its card to the heat that a thermal battery made of it stores.",
)

INTERRUPTED = 130
"""Exit code after Ctrl-C, by the custom of shells."""

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
    kept = "finished cycles are kept, run again to go on" if "demo" in sys.argv[1:2] else "nothing was written"
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


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the report and the result files.")] = Path("demo"),
    as_json: JsonOption = False,
) -> None:
    """Run the main job: NH4SCN charged, stored and discharged, with a report."""
    from caloris.files import output_folder

    output_folder(out)
    with _progress("demo", quiet=as_json) as advance:
        from caloris.report.demo import run_demo

        report, cycle = run_demo(out, advance)
    if as_json:
        return _print_json({"report": str(report), **cycle.to_json()})
    print(cycle.summary())
    print(f"\nReport: {report}")


@app.command()
def materials(
    material: Annotated[str | None, typer.Argument(help="Name of a card, or the path of your own.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Test the card's inner consistency.")] = False,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the material cards, or show one with status and source of every value."""
    from caloris.materials import available, load

    if out is not None:
        write_json(out / "materials.json", _materials_json(material, check))
    if material is None:
        cards = {name: load(name) for name in available()}
        if as_json:
            return _print_json(_materials_json(None, check))
        if check:
            for card in cards.values():
                _show_check(card)
            return None
        for name, card in cards.items():
            print(f"{name:14s} {card.title}")
        return None
    card = load(material)
    if as_json:
        return _print_json(_materials_json(material, check))
    return _show_check(card) if check else _show_card(card)


@app.command()
def caloric(
    material: Annotated[str, typer.Argument(help="Name of a card, or the path of your own.")],
    pressure: Annotated[
        list[str], typer.Option("--pressure", help="High pressure, for example '100 MPa'; repeatable.")
    ],
    low_pressure: Annotated[
        str | None, typer.Option("--low-pressure", help="Low pressure; the card's reference pressure if absent.")
    ] = None,
    transition: Annotated[str | None, typer.Option("--transition", help="Name of the transition on the card.")] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Entropy change, temperature change and figures of merit of a card."""
    from caloris.heat import caloric_effect
    from caloris.materials import load

    effect = caloric_effect(load(material), transition)
    merits = {p: effect.merits(p, low_pressure=low_pressure) for p in pressure}
    warnings = {p: effect.warnings(p, low_pressure=low_pressure) for p in pressure}
    if out is not None:
        from caloris.heat.tables import save_caloric

        files = save_caloric(effect, pressure, out, low_pressure=low_pressure)
    if as_json:
        from caloris.heat.tables import caloric_json

        return _print_json(caloric_json(effect, pressure, low_pressure=low_pressure))
    p_rev = effect.reversible_pressure()
    print(f"{effect.name}: {'inverse' if effect.surfaces.is_inverse else 'conventional'} barocaloric effect")
    for branch in ("heating", "cooling"):
        p_0 = f"{effect.surfaces.pressure / 1e6:g} MPa"
        T = effect.transition_temperature(branch, p_0)
        print(f"  {branch}: {T.value:.2f} K at {p_0}, dT/dp {effect.slope(branch).value:.4f} K/MPa")
    if effect.hysteresis_is_known:
        print(f"  a reversible cycle needs {p_rev.value:.1f} MPa")
    else:
        print("  the pressure of a reversible cycle is unknown: no hysteresis on the card")
    for p, found in merits.items():
        print(f"\n{p}")
        for merit in found.values():
            print(f"  {merit}")
        for line in warnings[p]:
            print(f"  warning: {line}")
    if out is not None:
        print("\nFiles: " + ", ".join(str(file) for file in files))
    return None


@app.command()
def battery(
    run: Annotated[Path, typer.Argument(help="Run file (TOML): material, protocol, contact, geometry ...")],
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a thermal battery from a run file."""
    from caloris.files import output_folder
    from caloris.heat.battery.runfile import read_run

    cell, protocol = read_run(run)
    folder = None if out is None else output_folder(out)
    with _progress("battery", quiet=as_json) as advance:
        cycle = cell.run(protocol, advance)
    if folder is not None:
        from caloris.report.battery import write_battery

        write_battery(cell, cycle, folder)
    if as_json:
        return _print_json(cycle.to_json())
    print(cycle.summary())
    if folder is not None:
        print(f"\nReport: {folder / 'report.html'}")
    return None


@app.command()
def calorimetry(
    files: Annotated[list[Path], typer.Argument(help="Calorimeter files of any vendor, one or several scans in each.")],
    volume: Annotated[Path | None, typer.Option("--volume", help="Table of volumes, or of lattice parameters.")] = None,
    blank: Annotated[list[Path] | None, typer.Option("--blank", help="Run of the empty cell; repeatable.")] = None,
    calibration: Annotated[
        Path | None, typer.Option("--calibration", help="Table of melting standards as the calorimeter read them.")
    ] = None,
    pressure: Annotated[
        list[str] | None, typer.Option("--pressure", help="'40 MPa': one for all files, or one each in their order.")
    ] = None,
    mass: Annotated[str | None, typer.Option("--mass", help="Of the sample; wins over what a file says.")] = None,
    heat_capacity: Annotated[
        list[str] | None,
        typer.Option(
            "--heat-capacity", help="'1600 J/kg/K', low=... and high=..., TABLE.csv, or scans (with --blank)."
        ),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Of the material.")] = "sample",
    baseline: Annotated[
        str, typer.Option("--baseline", help="fraction-weighted, linear, tangential or spline.")
    ] = "fraction-weighted",
    definition: Annotated[
        str, typer.Option("--definition", help="Of the transition temperature: T50, onset, peak, start or finish.")
    ] = "T50",
    shape: Annotated[
        str, typer.Option("--shape", help="Of the phase diagram's lines: linear or quadratic.")
    ] = "linear",
    limits: Annotated[
        list[str] | None,
        typer.Option("--limits", help="Of the peak: '330 K, 380 K', or '40 MPa, heating: ...'; repeatable."),
    ] = None,
    endothermic: Annotated[
        str | None, typer.Option("--endothermic", help="up or down, where the files say it wrongly or not at all.")
    ] = None,
    uncertainty: Annotated[
        list[str] | None, typer.Option("--uncertainty", help="'mass=0.2 %', 'temperature=0.1 K' ...; repeatable.")
    ] = None,
    draws: Annotated[int, typer.Option("--draws", help="Monte Carlo draws for the intervals; 0 for none.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.")] = 1,
    isothermal: Annotated[
        bool, typer.Option("--isothermal", help="Pressure steps at held temperatures instead of scans; one file.")
    ] = False,
    material: Annotated[
        str | None, typer.Option("--material", help="With --isothermal: a card whose T dS is set beside each heat.")
    ] = None,
    sapphire: Annotated[
        Path | None, typer.Option("--sapphire", help="Run of sapphire: heat capacity by three runs instead (--blank).")
    ] = None,
    sapphire_mass: Annotated[
        str | None, typer.Option("--sapphire-mass", help="Where its file does not say it.")
    ] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """From calorimeter files to transitions, phase diagram and barocaloric effect, with errors."""
    from caloris.files import output_folder
    from caloris.heat.calorimetry import analyse, read, read_calibration, uncertainties
    from caloris.report import calorimetry_options as options

    other = [
        ("--volume", volume),
        ("--calibration", calibration),
        ("--heat-capacity", heat_capacity),
        ("--limits", limits),
    ]
    options.refuse_unused(isothermal=isothermal, sapphire=sapphire, mass=sapphire_mass, material=material, other=other)
    errors = uncertainties(**options.parse_errors(uncertainty or ()))
    window, capacity = options.parse_limits(limits or ()), options.parse_heat_capacity(heat_capacity or ())
    folder = None if out is None else output_folder(out)
    with _progress("calorimetry", quiet=as_json) as advance:
        advance("reading files", 0.0)
        recordings = options.read_files(files, pressures=pressure or (), mass=mass, endothermic=endothermic)
        empty = [read(file, mass=None) for file in blank or ()]
        if isothermal or sapphire is not None:
            from caloris.report.calorimetry_runs import run_pressurisation, run_three_runs

            if sapphire is None:
                text, found = run_pressurisation(recordings, empty, errors, seed, folder, material)
            else:
                text, found = run_three_runs(recordings, read(sapphire), empty, sapphire_mass, folder)
            return _print_json(found) if as_json else print(text)
        result = analyse(
            recordings,
            heat_capacity=capacity,
            volume=None if volume is None else str(volume),
            blank=empty,
            calibration=None if calibration is None else read_calibration(calibration),
            name=name,
            baseline=baseline,  # type: ignore[arg-type]
            definition=definition,  # type: ignore[arg-type]
            limits=window,
            shape=shape,  # type: ignore[arg-type]
            errors=errors,
            draws=draws,
            seed=seed,
            progress=advance,
        )
        if folder is not None:
            from caloris.report.calorimetry import write_calorimetry

            write_calorimetry(result, folder)
    if as_json:
        return _print_json(result.to_json())
    print(result.summary())
    if folder is not None:
        print(f"\nReport: {folder / 'report.html'}")
    return None


@app.command()
def compare(
    mine: Annotated[str | None, typer.Option("--with", help="Your own material: a card, its name or its path.")] = None,
    pressure: Annotated[
        list[str] | None, typer.Option("--pressure", help="Its high pressure, for example '100 MPa'; repeatable.")
    ] = None,
    add: Annotated[
        Path | None, typer.Option("--add", help="Card of published effects to put into your own library first.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Let --add replace a card of the same name.")] = False,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare published caloric materials, with your own among them."""
    from caloris.report.compare import compare as compare_materials

    text, found = compare_materials(out, mine, pressure or (), add, replace=replace)
    if as_json:
        return _print_json(found)
    print(text)
    return None


@app.command()
def reproduce(
    results: Annotated[list[str] | None, typer.Argument(help="Keys of published results, or all.")] = None,
    table: Annotated[Path | None, typer.Option("--table", help="Write the comparison as a Markdown table.")] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the published results, or reproduce them and print paper and ours side by side."""
    from caloris.study import as_json as result_json
    from caloris.study import choose, write_table
    from caloris.study.registry import REPRODUCTIONS

    if not results:
        if table is not None or out is not None:
            raise InputError("--table, --out: say which results, for example 'caloris reproduce all --table FILE'")
        if as_json:
            return _print_json({entry.key: entry.title for entry in REPRODUCTIONS})
        for entry in REPRODUCTIONS:
            missing = "" if entry.is_possible else f"; needs CALORIS_DATA with {entry.needs}"
            print(f"{entry.key:14s} {entry.title} ({entry.source}{missing})")
        return None
    chosen = choose(REPRODUCTIONS, results)
    done = []
    with _progress("reproduce", quiet=as_json) as advance:
        for number, entry in enumerate(chosen):
            advance(entry.title, number / len(chosen))
            done.append((entry, entry.compute()))
    found = {"results": [result_json(entry, rows) for entry, rows in done]}
    if out is not None:
        write_json(out / "reproduce.json", found)
    if table is not None:
        write_table(done, table)
    if as_json:
        return _print_json(found)
    for entry, rows in done:
        print(f"\n{entry.title} ({entry.source})")
        for row in rows:
            what, paper, ours, difference, remark = row.cells()
            stated = paper if paper.startswith("check value") else f"paper {paper}"
            print(f"  {what}: {stated}, caloris {ours}{', ' + difference if difference else ''}")
            if remark:
                print(f"      {remark}")
    return None


def _show_card(card: "Material") -> None:
    print(f"{card.name}: {card.title}")
    for line in card.warnings:
        print(f"  warning: {line}")
    sections = (("phase", card.phases), ("transition", card.transitions), ("published", card.published))
    for section, entries in sections:
        for key, entry in entries.items():
            label = getattr(entry, "label", "") or getattr(entry, "what", "")
            print(f"\n{section} {key}" + (f" ({label})" if label else ""))
            if structure := getattr(entry, "structure", ""):
                print(f"  {'structure':22s} {structure}")
            for field in type(entry).model_fields:
                value = getattr(entry, field)
                if hasattr(value, "status"):
                    extra = "; ".join(part for part in (value.condition, value.note) if part)
                    print(
                        f"  {field:22s} {value!s:28s} {value.status:10s} {value.source}"
                        + (f" ({extra})" if extra else "")
                    )
    print("\nsources")
    for key, source in card.sources.items():
        print(f"  {key}: {source}")


def _show_check(card: "Material") -> None:
    from caloris.materials import check, implausible, unchecked

    print(card.name)
    findings, missing = check(card), unchecked(card)
    for line in implausible(card):
        print(f"  IMPLAUSIBLE {line}")
    for f in findings:
        verdict = "agrees" if f.agrees else "DISAGREES"
        print(
            f"  {verdict:9s} {f.quantity}: stated {f.stated.value:.4g}, implied {f.implied.value:.4g} "
            f"{f.stated.unit} ({100 * f.difference:+.1f} %)"
        )
        if f.remark:
            print(f"            {f.remark}")
    for line in missing:
        print(f"  not checked: {line}")
    against = sum(not f.agrees for f in findings)
    print(f"  {len(findings)} comparisons made, {against} disagree, {len(missing)} not possible")


def _materials_json(material: str | None, check: bool) -> dict[str, Any]:
    from caloris.materials import available, load

    if material is not None:
        card = load(material)
        return _check_json(card) if check else card.model_dump(mode="json", by_alias=True)
    cards = {name: load(name) for name in available()}
    return {"materials": {name: _check_json(card) if check else card.title for name, card in cards.items()}}


def _check_json(card: "Material") -> dict[str, Any]:
    from caloris.materials import check, implausible, unchecked
    from caloris.units import to_json

    rows = [{key: to_json(value) for key, value in vars(finding).items()} for finding in check(card)]
    return {
        "material": card.name,
        "implausible": implausible(card),
        "findings": rows,
        "unchecked": unchecked(card),
    }


@contextmanager
def _progress(title: str, *, quiet: bool) -> "Iterator[Callable[[str, float], None]]":
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


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))


if __name__ == "__main__":
    main()
