"""Commands of the crystal at rest: relax, barrier."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caloris.cli.application import JsonOption, app, print_json, progress_bar
from caloris.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

StructureArgument = Annotated[str, typer.Argument(help="Name or path of a card, or a structure file such as a CIF.")]
CalculatorOption = Annotated[
    str, typer.Option("--calculator", help="gpaw, tblite, emt, 'force-field:NAME' or 'package.module:Class'.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Option of the calculator, 'cutoff=400 eV'; repeatable.")
]
PhaseOption = Annotated[str | None, typer.Option("--phase", help="Phase of the card to start from.")]
RepeatOption = Annotated[str, typer.Option("--repeat", help="Supercell, '2 2 2'.")]


@app.command()
def relax(
    structure: StructureArgument,
    calculator: CalculatorOption,
    out: Annotated[Path, typer.Option("--out", help="Folder; one that was stopped goes on.")],
    phase: PhaseOption = None,
    repeat: RepeatOption = "1 1 1",
    cell: Annotated[str, typer.Option("--cell", help="full, orthorhombic or fixed.")] = "full",
    pressure: Annotated[str, typer.Option("--pressure", help="'400 MPa'.")] = "0 MPa",
    forces: Annotated[str, typer.Option("--forces", help="Largest force that may be left.")] = "1 meV/angstrom",
    steps: Annotated[int, typer.Option("--steps", help="At most so many.")] = 500,
    options: SetOption = None,
    seed: Annotated[int, typer.Option("--seed", help="Of disordered sites.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Move atoms and cell to where forces and stress vanish, next to the structure that was given."""
    from caloris.atoms import compare_lattice
    from caloris.atoms import relax as relax_structure
    from caloris.atoms.calculators import calculator as make

    atoms = _start(structure, phase, repeat, seed)
    engine = make(calculator, **_options(options or []))
    with progress_bar("relax", quiet=as_json) as advance:
        relaxed = relax_structure(
            atoms,
            engine,
            force_tolerance=forces,
            cell=cell,  # type: ignore[arg-type]
            pressure=pressure,
            maximum_steps=steps,
            folder=out,
            progress=advance,
        )
    if as_json:
        return print_json(relaxed.to_json())
    print(relaxed.summary())
    try:
        print(compare_lattice(relaxed, atoms))
    except InputError as error:  # cells too different to compare: the result stands
        print(error)
    return None


@app.command()
def barrier(
    structure: StructureArgument,
    calculator: CalculatorOption,
    ion: Annotated[int, typer.Option("--ion", help="Number of the ion that moves, from 0.")],
    to: Annotated[int, typer.Option("--to", help="Number of the ion that it replaces: its site is made vacant.")],
    out: Annotated[Path, typer.Option("--out", help="Folder; one that was stopped goes on.")],
    phase: PhaseOption = None,
    repeat: RepeatOption = "1 1 1",
    images: Annotated[int, typer.Option("--images", help="Of the band, its ends included.")] = 7,
    options: SetOption = None,
    seed: Annotated[int, typer.Option("--seed", help="Of disordered sites.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Compute the barrier of an ion that hops into a vacancy, by a nudged elastic band."""
    from caloris.atoms import migration_barrier
    from caloris.atoms.calculators import calculator as make

    atoms = _start(structure, phase, repeat, seed)
    engine = make(calculator, **_options(options or []))
    with progress_bar("barrier", quiet=as_json) as advance:
        found = migration_barrier(atoms, ion, to, engine, images=images, folder=out, progress=advance)
    if as_json:
        return print_json(found.to_json())
    print(found.summary())
    return None


def _start(structure: str, phase: str | None, repeat: str, seed: int) -> "Atoms":
    from caloris.cli.atoms import start

    return start(structure, phase, repeat, seed)[0]


def _options(given: list[str]) -> dict[str, Any]:
    """``kpoints=2,2,1`` to numbers, ``cutoff=400 eV`` to words."""
    import ast

    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"--set: write name=value, got {text!r}")
        try:
            found[name.strip()] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name.strip()] = value.strip()
    return found
