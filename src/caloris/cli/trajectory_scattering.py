"""Commands of what a neutron sees of a trajectory: scattering, spectrum, eisf, gdos."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from caloris.cli.trajectory import Opened, trajectory_app
from caloris.cli.trajectory_options import (
    IsotopesOption,
    LongestOption,
    by_name,
    energies,
    momentum_transfers,
)
from caloris.errors import InputError

if TYPE_CHECKING:
    from caloris.neutrons import Instrument

QOption = Annotated[str, typer.Option("--Q", help="1/angstrom: '0.3 0.6 1.2', or '0.2 to 2 in 10'.")]
KindOption = Annotated[str, typer.Option("--kind", help="incoherent, coherent or total.")]
AtomsOption = Annotated[str | None, typer.Option("--atoms", help="Element, or formula of a molecule; all if absent.")]
WeightsOption = Annotated[str, typer.Option("--weights", help="neutron, xray (coherent only) or number.")]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, or gpu through CuPy.")]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Address of a dask scheduler, 'tcp://host:8786'.")
]
EnergyOption = Annotated[str | None, typer.Option("--energy", help="'-10 to 40 meV in 501'.")]
ResolutionOption = Annotated[
    str | None, typer.Option("--resolution", help="Gaussian full width at half maximum, '0.065 meV'.")
]
InstrumentOption = Annotated[
    str | None, typer.Option("--instrument", help="Its resolution and kinematic range: 'Pelican'.")
]
WavelengthOption = Annotated[str | None, typer.Option("--wavelength", help="Of the instrument, '5.96 angstrom'.")]
_Q = "0.2 to 2 in 10"

_PANEL = "Neutrons"


@trajectory_app.command("scattering", rich_help_panel=_PANEL)
def scattering_command(
    context: typer.Context,
    Q: QOption = _Q,
    kind: KindOption = "incoherent",
    atoms: AtomsOption = None,
    isotopes: IsotopesOption = None,
    weights: WeightsOption = "neutron",
    longest: LongestOption = None,
    absolute: Annotated[bool, typer.Option("--absolute", help="In barn, not divided by I(Q,0).")] = False,
    device: DeviceOption = "cpu",
    scheduler: SchedulerOption = None,
) -> None:
    """Intermediate scattering function I(Q,t)."""
    from caloris.report.scattering import intermediate_analysis

    opened: Opened = context.obj
    at = momentum_transfers(Q)
    options = _options(kind, atoms, isotopes, weights, longest, device, scheduler)
    opened.show(
        "scattering",
        lambda trajectory, advance: intermediate_analysis(
            trajectory, at, normalised=not absolute, progress=advance, **options
        ),
    )


@trajectory_app.command("spectrum", rich_help_panel=_PANEL)
def spectrum_command(
    context: typer.Context,
    Q: QOption = _Q,
    kind: KindOption = "incoherent",
    atoms: AtomsOption = None,
    isotopes: IsotopesOption = None,
    weights: WeightsOption = "neutron",
    longest: LongestOption = None,
    energy: EnergyOption = None,
    resolution: ResolutionOption = None,
    instrument: InstrumentOption = None,
    wavelength: WavelengthOption = None,
    temperature: Annotated[
        str | None, typer.Option("--temperature", help="For detailed balance; classical if absent.")
    ] = None,
    device: DeviceOption = "cpu",
    scheduler: SchedulerOption = None,
) -> None:
    """Dynamic structure factor S(Q,E), also as an instrument sees it."""
    from caloris.report.scattering import spectrum_analysis

    opened: Opened = context.obj
    at = momentum_transfers(Q)
    options = _options(kind, atoms, isotopes, weights, longest, device, scheduler)
    options |= _spectral(energy, resolution, instrument, wavelength)
    opened.show(
        "spectrum",
        lambda trajectory, advance: spectrum_analysis(
            trajectory, at, temperature=temperature, progress=advance, **options
        ),
    )


@trajectory_app.command("eisf", rich_help_panel=_PANEL)
def eisf_command(
    context: typer.Context,
    Q: QOption = _Q,
    atoms: AtomsOption = None,
    isotopes: IsotopesOption = None,
    longest: LongestOption = None,
    after: Annotated[str | None, typer.Option("--after", help="Where the fit begins; 0.5 ps if absent.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Where it ends.")] = None,
    device: DeviceOption = "cpu",
    scheduler: SchedulerOption = None,
) -> None:
    """Elastic incoherent structure factor and quasielastic width."""
    from caloris.report.scattering import elastic_analysis

    opened: Opened = context.obj
    at = momentum_transfers(Q)
    options = _options(None, atoms, isotopes, "neutron", longest, device, scheduler)
    opened.show(
        "elastic fraction",
        lambda trajectory, advance: elastic_analysis(
            trajectory, at, after=after, until=until, progress=advance, **options
        ),
    )


@trajectory_app.command("gdos", rich_help_panel=_PANEL)
def gdos_command(
    context: typer.Context,
    temperature: Annotated[str, typer.Option("--temperature", help="Of the sample.")],
    Q: QOption = "1 to 4 in 16",
    atoms: AtomsOption = None,
    isotopes: IsotopesOption = None,
    longest: LongestOption = None,
    energy: EnergyOption = None,
    resolution: ResolutionOption = None,
    instrument: InstrumentOption = None,
    wavelength: WavelengthOption = None,
    elastic: Annotated[
        str | None, typer.Option("--elastic", help="Below this energy g is continued as E^2, '2 meV'.")
    ] = None,
    device: DeviceOption = "cpu",
    scheduler: SchedulerOption = None,
) -> None:
    """Generalised density of states from S(Q,E), as from a measurement."""
    from caloris.report.scattering import generalised_density_analysis

    opened: Opened = context.obj
    at = momentum_transfers(Q)
    options = _options("incoherent", atoms, isotopes, "neutron", longest, device, scheduler)
    options |= _spectral(energy, resolution, instrument, wavelength)
    opened.show(
        "density of states",
        lambda trajectory, advance: generalised_density_analysis(
            trajectory, at, temperature, elastic=elastic, progress=advance, **options
        ),
    )


def _options(
    kind: str | None,
    atoms: str | None,
    isotopes: str | None,
    weights: str,
    longest: str | None,
    device: str,
    scheduler: str | None,
) -> dict[str, Any]:
    found: dict[str, Any] = {"atoms": atoms, "weights": weights, "longest": longest, "device": device}
    if kind is not None:
        found["kind"] = kind
    if isotopes is not None:
        found["isotopes"] = by_name(isotopes, "--isotopes", "H=2H")
    if scheduler is not None:
        found["scheduler"] = scheduler
    return found


def _spectral(
    energy: str | None, resolution: str | None, instrument: str | None, wavelength: str | None
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if resolution is not None:
        from caloris.neutrons.resolution import gaussian

        found["resolution"] = gaussian(resolution)
    if energy is not None:
        found["energy_transfer"] = energies(energy)
    if instrument is not None:
        found["instrument"] = _instrument(instrument, wavelength)
    elif wavelength is not None:
        raise InputError("--wavelength: of which instrument? give --instrument too, for example Pelican")
    return found


def _instrument(name: str, wavelength: str | None) -> "Instrument":
    from caloris.neutrons import instrument, instruments

    try:
        return instrument(name, wavelength=wavelength)
    except InputError as error:
        if name not in instruments():
            raise InputError(f"--instrument: {name!r} is not in the table: {', '.join(instruments())}") from None
        raise InputError(f"--instrument: {error}") from None
