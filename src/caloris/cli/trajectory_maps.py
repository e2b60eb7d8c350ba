"""Commands of places and directions: density, path, reorientation, orientation-map, coupling, bonds, fluctuation."""

from typing import Annotated

import typer

from caloris.cli.trajectory import Opened, trajectory_app
from caloris.cli.trajectory_options import (
    BondOption,
    MoleculeOption,
    RepeatOption,
    TemperatureOption,
    by_name,
    names,
    numbers,
    repetition,
)
from caloris.errors import InputError

IonOption = Annotated[str, typer.Option("--species", help="Element, or formula of a molecule.")]
SpacingOption = Annotated[str, typer.Option("--spacing", help="Largest width of a voxel.")]
SmoothOption = Annotated[str, typer.Option("--smooth", help="Gaussian, standard deviation; '0 angstrom' for none.")]

_PANEL = "Places and directions"


@trajectory_app.command("density", rich_help_panel=_PANEL)
def density_command(
    context: typer.Context,
    species: IonOption,
    spacing: SpacingOption = "0.2 angstrom",
    repeat: RepeatOption = None,
    smooth: SmoothOption = "0.3 angstrom",
    level: Annotated[
        str | None, typer.Option("--level", help="Of the surface, '0.01 1/angstrom^3'; half of the atoms if absent.")
    ] = None,
    temperature: TemperatureOption = None,
) -> None:
    """Density map, isosurface and free energy; .cube and .h5 of it in --out."""
    from caloris.report.density import density_analysis

    opened: Opened = context.obj
    cells = repetition(repeat)
    opened.show(
        "density",
        lambda trajectory, advance: density_analysis(
            trajectory,
            species,
            spacing=spacing,
            repeat=cells,
            smooth=smooth,
            level=level,
            temperature=temperature,
            progress=advance,
        ),
    )


@trajectory_app.command("path", rich_help_panel=_PANEL)
def path_command(
    context: typer.Context,
    species: IonOption,
    begin: Annotated[str | None, typer.Option("--from", help="Fractional coordinates, '0 0 0'.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Fractional coordinates, '0.5 0 0'.")] = None,
    spacing: SpacingOption = "0.2 angstrom",
    repeat: RepeatOption = None,
    smooth: SmoothOption = "0.3 angstrom",
    temperature: TemperatureOption = None,
) -> None:
    """Way of lowest barrier between two sites, from the density."""
    from caloris.report.density import path_analysis

    if (begin is None) != (end is None):
        raise InputError("--from, --to: give both, or neither")
    opened: Opened = context.obj
    cells = repetition(repeat)
    places = [
        None if text is None else numbers(text, option, count=3) for text, option in ((begin, "--from"), (end, "--to"))
    ]
    opened.show(
        "path",
        lambda trajectory, advance: path_analysis(
            trajectory,
            species,
            start=places[0],
            end=places[1],
            spacing=spacing,
            repeat=cells,
            smooth=smooth,
            temperature=temperature,
            progress=advance,
        ),
    )


@trajectory_app.command("reorientation", rich_help_panel=_PANEL)
def reorientation_command(
    context: typer.Context,
    bond: BondOption = None,
    molecule: MoleculeOption = None,
    origin: Annotated[str, typer.Option("--origin", help="Of the published cosine (eq. 8).")] = "0 ps",
    interval: Annotated[str, typer.Option("--interval", help="Between its frames.")] = "200 fs",
    duration: Annotated[str, typer.Option("--duration", help="Its longest time.")] = "40 ps",
) -> None:
    """Orientation correlations C1 and C2 and lifetimes of an orientation."""
    from caloris.report.orientation import reorientation_analysis

    opened: Opened = context.obj
    followed = _vectors(bond, molecule)
    opened.show(
        "reorientation",
        lambda trajectory, advance: reorientation_analysis(
            trajectory,
            followed,
            molecule=molecule,
            origin=origin,
            frame_interval=interval,
            duration=duration,
            progress=advance,
        ),
    )


@trajectory_app.command("orientation-map", rich_help_panel=_PANEL)
def orientation_map_command(
    context: typer.Context,
    bond: BondOption = None,
    molecule: MoleculeOption = None,
    repeat: RepeatOption = None,
    smooth: Annotated[str, typer.Option("--smooth", help="Gaussian, standard deviation.")] = "5 deg",
) -> None:
    """Directions of bonds on the sphere, and order parameters."""
    from caloris.report.orientation import orientation_map_analysis

    opened: Opened = context.obj
    followed, cells = _vectors(bond, molecule), repetition(repeat)
    opened.show(
        "orientation map",
        lambda trajectory, advance: orientation_map_analysis(
            trajectory, followed, molecule=molecule, repeat=cells, smooth=smooth, progress=advance
        ),
    )


def _vectors(bond: str | None, molecule: str | None) -> tuple[str, str] | None:
    if (bond is None) == (molecule is None):
        raise InputError("what turns? give either --bond 'N H' or --molecule B12H12")
    ends = names(bond, 2, "--bond")
    return None if ends is None else (ends[0], ends[1])


@trajectory_app.command("coupling", rich_help_panel=_PANEL)
def coupling_command(
    context: typer.Context,
    molecule: Annotated[str, typer.Option("--molecule", help="Formula of the molecules that turn.")],
    species: Annotated[str, typer.Option("--species", help="Ions that hop.")],
    distance: Annotated[str, typer.Option("--distance", help="Neighbours are nearer.")] = "5 angstrom",
    interval: Annotated[
        str, typer.Option("--interval", help="Longer than a libration, shorter than between jumps.")
    ] = "1 ps",
    longest: Annotated[str, typer.Option("--longest", help="Longest lag to either side.")] = "10 ps",
) -> None:
    """Whether ions hop when the molecules beside them turn (paddle wheel)."""
    from caloris.report.orientation import coupling_analysis

    opened: Opened = context.obj
    opened.show(
        "coupling",
        lambda trajectory, advance: coupling_analysis(
            trajectory, molecule, species, distance=distance, interval=interval, longest=longest, progress=advance
        ),
    )


@trajectory_app.command("hydrogen-bonds", rich_help_panel=_PANEL)
def hydrogen_bonds_command(
    context: typer.Context,
    donor: Annotated[str, typer.Option("--donor", help="Element that gives.")] = "N",
    hydrogen: Annotated[str, typer.Option("--hydrogen", help="Element between.")] = "H",
    acceptors: Annotated[
        str | None, typer.Option("--acceptors", help="Longest H...A in angstrom, 'N=2.5 S=3.0'.")
    ] = None,
    within: Annotated[str | None, typer.Option("--acceptor-molecule", help="Formula of what takes, 'SCN'.")] = None,
    angle: Annotated[str, typer.Option("--angle", help="Smallest D-H...A.")] = "130 deg",
) -> None:
    """Hydrogen bonds: numbers, angles, lifetimes."""
    from caloris.report.orientation import hydrogen_bond_analysis

    opened: Opened = context.obj
    pairs = by_name(acceptors, "--acceptors", "N=2.5 S=3.0")
    lengths = None if pairs is None else {name: f"{value} angstrom" for name, value in pairs.items()}
    opened.show(
        "hydrogen bonds",
        lambda trajectory, advance: hydrogen_bond_analysis(
            trajectory,
            donor=donor,
            hydrogen=hydrogen,
            acceptors=lengths,
            acceptor_molecule=within,
            angle=angle,
            progress=advance,
        ),
    )


@trajectory_app.command("fluctuation", rich_help_panel=_PANEL)
def fluctuation_command(context: typer.Context, species: IonOption) -> None:
    """How far centres of mass stray from their mean places."""
    from caloris.report.orientation import fluctuation_analysis

    opened: Opened = context.obj
    opened.show("fluctuation", lambda trajectory, advance: fluctuation_analysis(trajectory, species, progress=advance))
