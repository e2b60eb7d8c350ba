"""Commands of the atoms: md, hysteresis, convergence, campaign, doctor."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caloris.cli.application import JsonOption, OutOption, app, print_json, progress_bar
from caloris.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

    from caloris.materials import ForceField


@app.command()
def md(
    structure: Annotated[str, typer.Argument(help="Name or path of a card, or a structure file such as a CIF.")],
    temperature: Annotated[str, typer.Option("--temperature", help="'400 K'; a ramp: '300 K to 600 K'.")],
    duration: Annotated[str, typer.Option("--duration", help="'30 ps', equilibration included.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the simulation; one that was stopped goes on.")],
    phase: Annotated[str | None, typer.Option("--phase", help="Phase of the card to start from.")] = None,
    repeat: Annotated[str, typer.Option("--repeat", help="Supercell, '2 2 2'.")] = "1 1 1",
    force_field: Annotated[
        str | None, typer.Option("--force-field", help="Name, or path of your own; the card's if absent.")
    ] = None,
    pressure: Annotated[str, typer.Option("--pressure", help="'400 MPa'.")] = "0 MPa",
    ensemble: Annotated[str, typer.Option("--ensemble", help="NPT, NVT or NVE.")] = "NPT",
    cell: Annotated[
        str | None, typer.Option("--cell", help="What the barostat changes: isotropic, orthorhombic or triclinic.")
    ] = None,
    frames: Annotated[str, typer.Option("--frames", help="Time between frames of the trajectory.")] = "100 fs",
    virial: Annotated[bool, typer.Option("--virial", help="Keep the virial of every atom.")] = False,
    engine: Annotated[str | None, typer.Option("--engine", help="lammps or openmm; the fastest if absent.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of velocities and of disordered sites.")] = 1,
    hydrogen: Annotated[
        str | None, typer.Option("--hydrogen", help="1H or 2H; as the structure has it if absent.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run molecular dynamics at one temperature and pressure, or along a ramp."""
    from caloris.atoms import simulate

    atoms, field = start(structure, phase, repeat, seed, hydrogen)
    first, _, last = temperature.partition(" to ")
    with progress_bar("md", quiet=as_json) as advance:
        simulation = simulate(
            atoms,
            force_field or field,
            temperature=first,
            final_temperature=last or None,
            duration=duration,
            folder=out,
            pressure=pressure,
            ensemble=ensemble,  # type: ignore[arg-type]
            cell=cell,  # type: ignore[arg-type]
            frame_interval=frames,
            virial=virial,
            seed=seed,
            engine=engine,
            progress=advance,
        )
        simulation.plot().savefig(out / "simulation.png", dpi=150)
    if as_json:
        return print_json(simulation.to_json())
    print(simulation.summary())
    print(f"\nTrajectory: {simulation.trajectory.path}")
    return None


def _whole_numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.replace(",", " ").replace("x", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != 3:
        raise InputError(f"--repeat: write three whole numbers such as '2 2 2', got {text!r}")
    return numbers


@app.command()
def campaign(
    run_file: Annotated[
        Path,
        typer.Argument(help="Run file (TOML): task, settings, grid, history; or the name of ours."),
    ],
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Of the points; beside the run file if absent."),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Show where it stands, run nothing.")] = False,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Address of a dask scheduler, 'tcp://host:8786'.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Here; as many as cores if absent.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run points again that have failed.")] = False,
    refine: Annotated[
        str | None, typer.Option("--refine", help="Add points where an output jumps: 'specific_volume temperature'.")
    ] = None,
    effect: Annotated[bool, typer.Option("--effect", help="The caloric effect of V and H over T and p.")] = False,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a grid of simulations, go on after any stop, and make a caloric effect of it."""
    from caloris.campaigns import Campaign
    from caloris.study.campaigns import find_run_file

    ours = Path(run_file.name) if run_file.suffix != ".toml" else None
    grid = Campaign(find_run_file(run_file), folder=folder or ours)
    if refine is not None:
        output, _, axis = refine.partition(" ")
        added = grid.refine(output, axis or "temperature")
        if not as_json:
            print(f"{len(added)} points added where {output} jumps")
    state = grid.status() if status else grid.run(scheduler, workers=workers, retry_failed=retry_failed)
    if not effect:
        return print_json(state.to_json()) if as_json else print(state if status else state.summary())
    from caloris.heat.simulated import analyse

    result = analyse(grid, name=run_file.stem)
    if out is not None:
        result.save(out)
    if as_json:
        return print_json(result.to_json())
    print(result.summary())
    return None


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Say which engines and calculators work here, and what the others need."""
    from caloris.atoms import availability
    from caloris.atoms.calculators import available_calculators
    from caloris.files import versions

    tried = {"engines": availability(), "calculators": available_calculators()}
    if as_json:
        found = {kind: [vars(entry) for entry in entries] for kind, entries in tried.items()}
        return print_json({"versions": versions(), **found})
    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    for kind, entries in tried.items():
        print(kind)
        for entry in entries:
            print(f"  {entry.name:22s} {entry.version or 'no: ' + entry.reason}")
    return None


@app.command()
def hysteresis(
    structure: Annotated[str, typer.Argument(help="Name or path of a card, or a structure file such as a CIF.")],
    low: Annotated[str, typer.Option("--low", help="Where the loop begins and ends, '350 K'.")],
    high: Annotated[str, typer.Option("--high", help="Where it turns, '550 K'.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the simulations and of the result.")],
    rate: Annotated[str, typer.Option("--rate", help="Of both ramps.")] = "100 K/ns",
    phase: Annotated[str | None, typer.Option("--phase", help="Phase of the card to start from.")] = None,
    repeat: Annotated[str, typer.Option("--repeat", help="Supercell, '2 2 2'.")] = "1 1 1",
    force_field: Annotated[
        str | None, typer.Option("--force-field", help="Name, or path of your own; the card's if absent.")
    ] = None,
    pressure: Annotated[str, typer.Option("--pressure", help="'400 MPa'.")] = "0 MPa",
    bins: Annotated[int, typer.Option("--bins", help="Of temperature, in the result.")] = 40,
    seed: Annotated[int, typer.Option("--seed", help="Of velocities and of disordered sites.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Heat a crystal through its transition and cool it back at a constant rate."""
    from caloris.atoms import hysteresis_loop

    atoms, field = start(structure, phase, repeat, seed)
    with progress_bar("hysteresis", quiet=as_json) as advance:
        loop = hysteresis_loop(
            atoms,
            force_field or field,
            low=low,
            high=high,
            rate=rate,
            pressure=pressure,
            bins=bins,
            seed=seed,
            folder=out,
            progress=advance,
        )
        loop.save(out)
    return print_json(loop.to_json()) if as_json else print(loop.summary())


@app.command()
def convergence(
    folder: Annotated[Path, typer.Argument(help="Folder of a finished simulation.")],
    tolerance: Annotated[float, typer.Option("--tolerance", help="Relative standard error asked for.")] = 1e-3,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how the errors of a simulation fall with its length, and how long is long enough."""
    from caloris.atoms import convergence as converge
    from caloris.atoms import open_simulation

    found = converge(open_simulation(folder), tolerance=tolerance)
    if out is not None:
        found.save(out)
    return print_json(found.to_json()) if as_json else print(found.summary())


def start(
    structure: str, phase: str | None, repeat: str, seed: int, hydrogen: str | None = None
) -> "tuple[Atoms, ForceField | None]":
    """Return the supercell that a command names, and the force field of its card."""
    from caloris.atoms import build_structure

    settings = {"repeat": _whole_numbers(repeat), "seed": seed, "hydrogen": hydrogen}
    if phase is None and Path(structure).is_file() and Path(structure).suffix != ".toml":
        return build_structure({"file": structure, **settings})
    return build_structure({"material": structure, **({"phase": phase} if phase else {}), **settings})
