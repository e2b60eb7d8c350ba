"""Commands of structure: rdf, structure-factor, pdf."""

from typing import Annotated

import typer

from caloris.cli.trajectory import Opened, trajectory_app
from caloris.cli.trajectory_options import IsotopesOption, by_name, momentum_transfers, names

FarOption = Annotated[str, typer.Option("--longest", help="Longest distance.")]
WeightsOption = Annotated[str, typer.Option("--weights", help="neutron or xray.")]

_PANEL = "Structure"


@trajectory_app.command("rdf", rich_help_panel=_PANEL)
def rdf_command(
    context: typer.Context,
    pair: Annotated[
        str | None, typer.Option("--pair", help="'Li B12H12', elements or molecules; all elements if absent.")
    ] = None,
    longest: FarOption = "10 angstrom",
    width: Annotated[str, typer.Option("--width", help="Of a bin.")] = "0.05 angstrom",
) -> None:
    """Pair distribution g(r) and coordination numbers."""
    from caloris.report.structure import radial_analysis

    opened: Opened = context.obj
    kinds = names(pair, 2, "--pair")
    opened.show(
        "g(r)",
        lambda trajectory, advance: radial_analysis(
            trajectory,
            None if kinds is None else (kinds[0], kinds[1]),
            longest=longest,
            width=width,
            progress=advance,
        ),
    )


@trajectory_app.command("structure-factor", rich_help_panel=_PANEL)
def structure_factor_command(
    context: typer.Context,
    Q: Annotated[str, typer.Option("--Q", help="1/angstrom: '0.3 0.6 1.2', or '0.5 to 20 in 391'.")] = (
        "0.5 to 20 in 391"
    ),
    weights: WeightsOption = "neutron",
    isotopes: IsotopesOption = None,
    longest: FarOption = "10 angstrom",
    no_window: Annotated[bool, typer.Option("--no-window", help="Sharp, with ripples of the end of g(r).")] = False,
) -> None:
    """Total structure factor S(Q), from g(r)."""
    from caloris.report.structure import structure_factor_analysis

    opened: Opened = context.obj
    at, changed = momentum_transfers(Q), by_name(isotopes, "--isotopes", "H=2H")
    opened.show(
        "structure factor",
        lambda trajectory, advance: structure_factor_analysis(
            trajectory,
            at,
            weights=weights,  # type: ignore[arg-type]
            isotopes=changed,
            longest=longest,
            window=None if no_window else "lorch",
            progress=advance,
        ),
    )


@trajectory_app.command("pdf", rich_help_panel=_PANEL)
def pdf_command(
    context: typer.Context,
    weights: WeightsOption = "neutron",
    isotopes: IsotopesOption = None,
    longest: FarOption = "20 angstrom",
) -> None:
    """Pair distribution function G(r) of total scattering."""
    from caloris.report.structure import pair_function_analysis

    opened: Opened = context.obj
    changed = by_name(isotopes, "--isotopes", "H=2H")
    opened.show(
        "pair distribution function",
        lambda trajectory, advance: pair_function_analysis(
            trajectory,
            weights=weights,  # type: ignore[arg-type]
            isotopes=changed,
            longest=longest,
            progress=advance,
        ),
    )
