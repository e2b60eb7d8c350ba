"""Commands of velocities and forces: dos, entropy, stress; and convert."""

from typing import Annotated

import typer

from caloris.cli.trajectory import Opened, trajectory_app
from caloris.cli.trajectory_options import IsotopesOption, SpeciesOption, by_name

_PANEL = "Velocities and forces"


@trajectory_app.command("convert")
def convert_command(context: typer.Context) -> None:
    """Convert the file, if that was not done yet, and say where the converted one is."""
    from caloris.report.trajectory import describe

    opened: Opened = context.obj
    trajectory = opened.open()
    opened.tell(describe(trajectory), [trajectory.path], "")


@trajectory_app.command("dos", rich_help_panel=_PANEL)
def dos_command(
    context: typer.Context,
    by: Annotated[str, typer.Option("--by", help="Parts: element, molecule, motion or none.")] = "element",
    species: SpeciesOption = None,
    neutron: Annotated[bool, typer.Option("--neutron", help="Weighted with sigma/m, as neutrons see it.")] = False,
    isotopes: IsotopesOption = None,
    resolution: Annotated[str, typer.Option("--resolution", help="Full width at half maximum.")] = "1 meV",
    temperature: Annotated[
        str | None, typer.Option("--temperature", help="For heat capacity and entropy of the modes.")
    ] = None,
) -> None:
    """Density of vibrational states and its parts, from velocities."""
    from caloris.report.dynamics import density_of_states_analysis

    opened: Opened = context.obj
    changed = by_name(isotopes, "--isotopes", "H=2H")
    opened.show(
        "density of states",
        lambda trajectory, advance: density_of_states_analysis(
            trajectory,
            partial=None if by == "none" else by,  # type: ignore[arg-type]
            species=species,
            neutron=neutron or changed is not None,
            isotopes=changed,
            resolution=resolution,
            temperature=temperature,
            progress=advance,
        ),
    )


@trajectory_app.command("entropy", rich_help_panel=_PANEL)
def entropy_command(
    context: typer.Context,
    temperature: Annotated[
        str | None, typer.Option("--temperature", help="Of the run; from the velocities if absent.")
    ] = None,
    classical: Annotated[bool, typer.Option("--classical", help="Classical oscillators, not quantum.")] = False,
    resolution: Annotated[str, typer.Option("--resolution", help="Full width at half maximum.")] = "0.5 meV",
) -> None:
    """Entropy, energy and heat capacity by two-phase thermodynamics."""
    from caloris.report.dynamics import entropy_analysis

    opened: Opened = context.obj
    opened.show(
        "two-phase thermodynamics",
        lambda trajectory, advance: entropy_analysis(
            trajectory,
            temperature=temperature,
            kind="classical" if classical else "quantum",
            resolution=resolution,
            progress=advance,
        ),
    )


@trajectory_app.command("stress", rich_help_panel=_PANEL)
def stress_command(
    context: typer.Context,
    by: Annotated[str, typer.Option("--by", help="molecule or element: a distribution for each.")] = "molecule",
    of: Annotated[str, typer.Option("--of", help="atom, or molecule as a whole.")] = "atom",
    volume: Annotated[str, typer.Option("--volume", help="Of an atom: equal, molecule or voronoi.")] = "equal",
    virial: Annotated[bool, typer.Option("--virial-only", help="Without the kinetic part.")] = False,
    threshold: Annotated[str, typer.Option("--threshold", help="Whose exceedance is counted.")] = "50 GPa",
    highest: Annotated[str, typer.Option("--highest", help="Where the bins end.")] = "400 GPa",
) -> None:
    """Von Mises stresses of atoms or molecules, from the virial."""
    from caloris.report.dynamics import stress_analysis

    opened: Opened = context.obj
    opened.show(
        "stress",
        lambda trajectory, advance: stress_analysis(
            trajectory,
            by=by,  # type: ignore[arg-type]
            of=of,  # type: ignore[arg-type]
            volume=volume,  # type: ignore[arg-type]
            kinetic=not virial,
            threshold=threshold,
            highest=highest,
            progress=advance,
        ),
    )
