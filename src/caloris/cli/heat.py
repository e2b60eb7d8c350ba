"""Commands of the heat: demo, caloric, battery, calorimetry."""

from pathlib import Path
from typing import Annotated

import typer

from caloris.cli.application import JsonOption, OutOption, app, print_json, progress_bar


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the report and the result files.")] = Path("demo"),
    as_json: JsonOption = False,
) -> None:
    """Run the main job: NH4SCN charged, stored and discharged, with a report."""
    from caloris.files import output_folder

    output_folder(out)
    with progress_bar("demo", quiet=as_json) as advance:
        from caloris.report.demo import run_demo

        report, cycle = run_demo(out, advance)
    if as_json:
        return print_json({"report": str(report), **cycle.to_json()})
    print(cycle.summary())
    print(f"\nReport: {report}")


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

        return print_json(caloric_json(effect, pressure, low_pressure=low_pressure))
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
    with progress_bar("battery", quiet=as_json) as advance:
        cycle = cell.run(protocol, advance)
    if folder is not None:
        from caloris.report.battery import write_battery

        write_battery(cell, cycle, folder)
    if as_json:
        return print_json(cycle.to_json())
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
    with progress_bar("calorimetry", quiet=as_json) as advance:
        advance("reading files", 0.0)
        recordings = options.read_files(files, pressures=pressure or (), mass=mass, endothermic=endothermic)
        empty = [read(file, mass=None) for file in blank or ()]
        if isothermal or sapphire is not None:
            from caloris.report.calorimetry_runs import run_pressurisation, run_three_runs

            if sapphire is None:
                text, found = run_pressurisation(recordings, empty, errors, seed, folder, material)
            else:
                text, found = run_three_runs(recordings, read(sapphire), empty, sapphire_mass, folder)
            return print_json(found) if as_json else print(text)
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
        return print_json(result.to_json())
    print(result.summary())
    if folder is not None:
        print(f"\nReport: {folder / 'report.html'}")
    return None
