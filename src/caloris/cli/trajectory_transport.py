"""Commands of transport: msd, axial-msd, diffusion, conductivity, jumps, van-hove."""

from pathlib import Path
from typing import Annotated

import typer

from caloris.cli.trajectory import Opened, trajectory_app
from caloris.cli.trajectory_options import (
    LongestOption,
    SpeciesOption,
    TemperatureOption,
    by_name,
    names,
    numbers,
    window,
)
from caloris.errors import InputError

WindowOption = Annotated[str | None, typer.Option("--window", help="Times of the fit, '5 to 30 ps'.")]

_PANEL = "Transport"


@trajectory_app.command("msd", rich_help_panel=_PANEL)
def msd_command(
    context: typer.Context,
    species: SpeciesOption = None,
    by: Annotated[str | None, typer.Option("--by", help="element or molecule: one curve for each.")] = None,
    longest: LongestOption = None,
) -> None:
    """Mean square displacement, of every element if no species is named."""
    from caloris.report.transport import displacement_analysis

    opened: Opened = context.obj
    opened.show(
        "mean square displacement",
        lambda trajectory, advance: displacement_analysis(
            trajectory,
            species,
            partial=by,  # type: ignore[arg-type]
            longest=longest,
            progress=advance,
        ),
    )


@trajectory_app.command("axial-msd", rich_help_panel=_PANEL)
def axial_command(
    context: typer.Context,
    molecule: Annotated[str, typer.Option("--molecule", help="Formula of the molecules, 'SCN'.")],
    axis: Annotated[str, typer.Option("--axis", help="Elements that the axis runs between, 'S N'.")],
    atoms: Annotated[bool, typer.Option("--atoms", help="Of every atom, not of the centre of mass.")] = False,
    longest: LongestOption = None,
) -> None:
    """Displacement of molecules along and across their axis."""
    from caloris.report.transport import axial_analysis

    opened: Opened = context.obj
    ends = names(axis, 2, "--axis")
    assert ends is not None
    opened.show(
        "displacement along the axis",
        lambda trajectory, advance: axial_analysis(
            trajectory,
            molecule,
            (ends[0], ends[1]),
            of="atoms" if atoms else "centre of mass",
            longest=longest,
            progress=advance,
        ),
    )


@trajectory_app.command("diffusion", rich_help_panel=_PANEL)
def diffusion_command(
    context: typer.Context,
    species: SpeciesOption = None,
    fit: WindowOption = None,
    generalised: Annotated[
        bool, typer.Option("--generalised", help="Generalised least squares: the narrowest error.")
    ] = False,
) -> None:
    """Coefficient of self-diffusion, and whether anything diffuses."""
    from caloris.report.transport import diffusion_analysis

    opened: Opened = context.obj
    opened.show(
        "diffusion",
        lambda trajectory, advance: diffusion_analysis(
            trajectory,
            species,
            window=window(fit),
            method="generalised least squares" if generalised else "weighted least squares",
            progress=advance,
        ),
    )


@trajectory_app.command("conductivity", rich_help_panel=_PANEL)
def conductivity_command(
    context: typer.Context,
    temperature: TemperatureOption = None,
    charges: Annotated[
        str | None, typer.Option("--charges", help="In e, 'Li=1 B12H12=-2'; of the file if absent.")
    ] = None,
    at_rest: Annotated[
        str | None, typer.Option("--at-rest", help="What is at rest, 'B12H12'; the centre of mass if absent.")
    ] = None,
    fit: WindowOption = None,
) -> None:
    """Ionic conductivity, Haven ratio and transference."""
    from caloris.report.trajectory import temperature_of
    from caloris.report.transport import conductivity_analysis

    opened: Opened = context.obj
    given = _charges(charges)
    opened.show(
        "conductivity",
        lambda trajectory, advance: conductivity_analysis(
            trajectory,
            temperature_of(trajectory, temperature),
            charges=given,
            at_rest=at_rest,
            window=window(fit),
            progress=advance,
        ),
    )


def _charges(text: str | None) -> dict[str, float] | None:
    pairs = by_name(text, "--charges", "Li=1 B12H12=-2")
    if pairs is None:
        return None
    try:
        return {name: float(value) for name, value in pairs.items()}
    except ValueError:
        raise InputError(f"--charges: numbers in e, 'Li=1 B12H12=-2'; got {text!r}") from None


@trajectory_app.command("jumps", rich_help_panel=_PANEL)
def jumps_command(
    context: typer.Context,
    species: Annotated[str, typer.Option("--species", help="Element of the ions that jump.")],
    sites: Annotated[
        Path | None, typer.Option("--sites", help="Structure file with an atom at every site; found if absent.")
    ] = None,
    apart: Annotated[str, typer.Option("--apart", help="Smallest distance of sites that are found.")] = "1.5 angstrom",
    core: Annotated[str | None, typer.Option("--core", help="Radius of a site; 0.35 of their distance.")] = None,
    together: Annotated[
        str | None, typer.Option("--together", help="Count concerted jumps, '0.5 ps within 5 angstrom'.")
    ] = None,
) -> None:
    """Jumps of ions between sites: residence times, lengths, correlation."""
    from caloris.report.transport import jump_analysis

    opened: Opened = context.obj
    near = _together(together)
    opened.show(
        "jumps",
        lambda trajectory, advance: jump_analysis(
            trajectory,
            species,
            structure=sites,
            smallest_distance=apart,
            core_radius=core,
            together=near,
            progress=advance,
        ),
    )


def _together(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    time, within, distance = text.partition(" within ")
    if not within:
        raise InputError(f"--together: write for example '0.5 ps within 5 angstrom', got {text!r}")
    return (time, distance)


@trajectory_app.command("van-hove", rich_help_panel=_PANEL)
def van_hove_command(
    context: typer.Context,
    species: Annotated[str, typer.Option("--species", help="Element; two, 'Li Li', for the distinct part.")],
    times: Annotated[str | None, typer.Option("--times", help="In ps, '1 5 20'.")] = None,
) -> None:
    """Van Hove function, self or distinct, and non-Gaussian parameter."""
    import scipp as sc

    from caloris.report.transport import van_hove_analysis

    opened: Opened = context.obj
    words = species.replace(",", " ").split()
    if len(words) not in (1, 2):
        raise InputError(f"--species: one, 'Li', or two for the distinct part, 'Li Li'; got {species!r}")
    at = None if times is None else sc.array(dims=["time"], values=numbers(times, "--times"), unit="ps")
    opened.show(
        "van Hove function",
        lambda trajectory, advance: van_hove_analysis(trajectory, *words, times=at, progress=advance),
    )
