"""A run as a TOML file: the options of a battery and its protocol, the same words as in Python.

material = "NH4SCN"
protocol = "fig-1c"                       # or a list of sentences
contact_conductance = "100 W/m^2/K"
[geometry]
radius = "5 mm"
[overrides]
heat_capacity = "1700 J/kg/K"
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from caloris.errors import InputError
from caloris.files import read_toml
from caloris.heat.battery.battery import Battery
from caloris.heat.battery.geometry import Geometry
from caloris.heat.battery.protocol import Protocol, parse_protocol
from caloris.materials import Material, describe, load


def _in_words(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError(f"{value} has no unit; write number and unit in quotes")
    return value


QuantityText = Annotated[str, BeforeValidator(_in_words)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GeometryTable(_Table):
    """The ``[geometry]`` table; see :class:`caloris.heat.Geometry`."""

    radius: QuantityText = "5 mm"
    height: QuantityText = "10 mm"
    wall: QuantityText = "5 mm"
    contact: str = "all"
    cells: int = 16
    grading: float = 0.6


class BatteryRun(_Table):
    """A run file; the fields are the options of :class:`caloris.heat.Battery` and the protocol."""

    material: str
    protocol: str | list[str]
    die: str = "steel-4340"
    contact_conductance: QuantityText = "100 W/m^2/K"
    transition: str = "hysteresis"
    transition_width: QuantityText = "0.2 K"
    relaxation_time: QuantityText = "0 s"
    conductivity: QuantityText | None = None
    element_order: int = 1
    tolerance: float = 0.005
    geometry: GeometryTable = Field(default_factory=GeometryTable)
    card_transition: str | None = None
    overrides: dict[str, QuantityText] = Field(default_factory=dict)

    def battery(self, folder: Path = Path()) -> Battery:
        """Build the battery.

        Parameters
        ----------
        folder:
            Where cards given by a relative path are: beside the run file.

        Returns
        -------
        :
            The battery.

        Raises
        ------
        InputError
            If a card is missing or wrong, or an option is.
        """
        options: dict[str, Any] = self.model_dump(exclude={"material", "protocol", "die", "geometry"})
        return Battery(
            _card(self.material, folder),
            die=_card(self.die, folder),
            geometry=Geometry(**self.geometry.model_dump()),
            **options,
        )

    def steps(self) -> Protocol:
        """Read the protocol.

        Returns
        -------
        :
            The protocol, checked as a whole.

        Raises
        ------
        InputError
            If it is not understood, see :func:`caloris.heat.parse_protocol`.
        """
        return parse_protocol(self.protocol)


def read_run(path: str | Path) -> tuple[Battery, Protocol]:
    """Read a run file.

    Parameters
    ----------
    path:
        A TOML file, see the module's example.

    Returns
    -------
    :
        The battery and the protocol to run on it.

    Raises
    ------
    InputError
        If the file cannot be read or a field is wrong; the message names file, field and reason.
    """
    path = Path(path)
    data = read_toml(path, "run file")
    try:
        run = BatteryRun.model_validate(data)
        return run.battery(path.parent), run.steps()
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error)}") from None
    except InputError as error:
        message = str(error)
        raise InputError(message if message.startswith(str(path)) else f"{path}: {message}") from None


def _card(name: str, folder: Path) -> Material:
    path = Path(name)
    return load(folder / path if path.suffix == ".toml" and not path.is_absolute() else name)
