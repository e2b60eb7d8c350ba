"""The material card: what is known of a material, each number with unit, status and source.

A card is a TOML file. The models below check it and say which field is wrong and why. Values are read as
scipp scalars (``value.quantity``), structures as ``ase.Atoms``.
"""

import math
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

import scipp as sc
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from caloris.errors import InputError
from caloris.files import read_toml
from caloris.units import parse_unit

if TYPE_CHECKING:
    from ase import Atoms

    from caloris.materials.force_field import ForceField


class Status(StrEnum):
    """How far a value can be trusted: measured, derived from other values, estimated or guessed."""

    MEASURED = "measured"
    DERIVED = "derived"
    ESTIMATE = "estimate"
    GUESS = "guess"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True)


class Value(_Strict):
    """One number of a card with its unit, uncertainty, status and source.

    Attributes
    ----------
    value:
        The number, in ``unit``.
    unit:
        In words, for example ``"J/kg/K"``.
    status:
        How far it can be trusted.
    source:
        Key of its source on the card.
    uncertainty:
        Standard uncertainty, in ``unit``; absent if nobody states one.
    condition, note:
        Under what it holds, and what else a reader must know.
    """

    value: float = Field(strict=True)
    unit: str
    status: Status
    source: str = Field(min_length=1)
    uncertainty: float | None = Field(default=None, ge=0, strict=True)
    condition: str = ""
    note: str = ""

    @property
    def quantity(self) -> sc.Variable:
        """The number as a scipp scalar; the uncertainty, where known, as its variance."""
        variance = None if self.uncertainty is None else self.uncertainty**2
        return sc.scalar(self.value, variance=variance, unit=parse_unit(self.unit))

    def to(self, unit: str) -> float:
        """Return the bare number in another unit.

        Parameters
        ----------
        unit:
            A unit of the same dimension; scipp converts no degC to K.

        Returns
        -------
        :
            The number in ``unit``, without its uncertainty.

        Raises
        ------
        InputError
            If the value's own unit is none.
        scipp.UnitError
            If the two units do not fit.

        Examples
        --------
        >>> Value(value=43, unit="J/g", status=Status.MEASURED, source="zhang2023").to("J/kg")
        43000.0
        """
        return float(sc.scalar(self.value, unit=parse_unit(self.unit)).to(unit=unit).value)

    def __str__(self) -> str:
        error = "" if self.uncertainty is None else f" ± {self.uncertainty:g}"
        return f"{self.value:g}{error} {self.unit}"


def _like(unit: str, *, positive: bool = False) -> AfterValidator:
    """Check that a value has the dimension of ``unit`` and, if asked, that it is greater than 0."""

    def check(value: Value) -> Value:
        try:
            number = value.to(unit)
        except InputError as error:
            raise ValueError(str(error)) from None
        except sc.UnitError:
            raise ValueError(f"unit {value.unit!r} does not fit; expected one like {unit!r}") from None
        if positive and number <= 0:
            raise ValueError(f"must be greater than 0, got {value.value:g} {value.unit}")
        return value

    return AfterValidator(check)


Temperature = Annotated[Value, _like("K", positive=True)]
Pressure = Annotated[Value, _like("MPa", positive=True)]
Slope = Annotated[Value, _like("K/MPa")]
SpecificEntropy = Annotated[Value, _like("J/kg/K")]
SpecificVolume = Annotated[Value, _like("m^3/kg")]
SpecificEnergy = Annotated[Value, _like("J/g")]
Density = Annotated[Value, _like("kg/m^3", positive=True)]
HeatCapacity = Annotated[Value, _like("J/kg/K", positive=True)]
Conductivity = Annotated[Value, _like("W/m/K", positive=True)]
Expansion = Annotated[Value, _like("1/K")]
Ratio = Annotated[Value, _like("dimensionless")]


class Source(_Strict):
    """Where a value was read: a citation and, if there is one, its DOI."""

    citation: str = Field(min_length=1)
    doi: str = ""

    def __str__(self) -> str:
        return self.citation + (f" doi:{self.doi}" if self.doi else "")


class Phase(_Strict):
    """One phase of a material: its structure and its properties.

    Every property is a :class:`Value` in a unit like kg/m^3 (density), J/kg/K (heat capacity), W/m/K (thermal
    conductivity), 1/K (thermal expansion), MPa (bulk and Young's modulus); what is not known is absent.
    """

    label: str = ""
    structure: str = ""
    """File name of the CIF: beside the card, or in the library."""
    formula_units: int = Field(default=0, ge=0)
    """Formula units in the cell of the CIF."""
    density: Density | None = None
    heat_capacity: HeatCapacity | None = None
    thermal_conductivity: Conductivity | None = None
    thermal_expansion: Expansion | None = None
    """Volumetric, (1/V) dV/dT."""
    bulk_modulus: Pressure | None = None
    young_modulus: Pressure | None = None
    poisson_ratio: Ratio | None = None


class Transition(_Strict):
    """A first-order transition between two phases of a card, given on heating.

    Every number is a :class:`Value` in a unit like K (temperatures), K/MPa (slopes dT/dp), J/kg/K (entropy change),
    m^3/kg (volume change), J/g (latent heat), MPa (pressures); what is not known is absent.
    """

    low: str
    """The phase stable at low temperature."""
    high: str
    """The phase stable at high temperature."""
    pressure: Pressure
    """The pressure at which the numbers below hold."""
    temperature_heating: Temperature
    temperature_cooling: Temperature | None = None
    slope_heating: Slope | None = None
    slope_cooling: Slope | None = None
    entropy_change: SpecificEntropy | None = None
    """S(high) - S(low) at the transition."""
    volume_change: SpecificVolume | None = None
    """V(high) - V(low) at the transition."""
    latent_heat: SpecificEnergy | None = None
    maximum_pressure: Pressure | None = None
    """Where the measured range of the transition ends."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low == self.high:
            raise ValueError(f"low and high are the same phase {self.low!r}")
        cooling = self.temperature_cooling
        if cooling is not None and cooling.to("K") > self.temperature_heating.to("K"):
            raise ValueError("temperature_cooling lies above temperature_heating: the two are swapped")
        entropy = self.entropy_change
        if entropy is not None and entropy.to("J/kg/K") <= 0:
            raise ValueError("entropy_change must be greater than 0: S(high) - S(low), given on heating")
        return self


class Published(_Strict):
    """A number that a paper states and caloris reproduces (it feeds no model)."""

    value: Value
    what: str


class Material(_Strict):
    """A material card: phases, transitions, sources.

    Load one with :func:`caloris.materials.load`. ``published`` holds numbers that a paper states and no model uses;
    ``origin`` is the path that the card was read from.
    """

    schema_version: int = Field(alias="schema", ge=1, le=1)
    name: str = Field(min_length=1)
    title: str = ""
    formula: str = ""
    warnings: list[str] = Field(default_factory=list)
    sources: dict[str, Source]
    phases: dict[str, Phase] = Field(min_length=1)
    transitions: dict[str, Transition] = Field(default_factory=dict)
    published: dict[str, Published] = Field(default_factory=dict)
    force_field_name: str = Field(default="", alias="force_field")
    """Name in the library, or a file beside the card."""
    origin: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _references(self) -> Self:
        for key, transition in self.transitions.items():
            for end in (transition.low, transition.high):
                if end not in self.phases:
                    known = ", ".join(self.phases)
                    raise ValueError(f"transitions.{key}: phase {end!r} is not among: {known}")
        for field, value in self.values():
            if value.source not in self.sources:
                raise ValueError(f"{field}: source {value.source!r} is not among the card's [sources]")
        return self

    def __repr__(self) -> str:
        transitions = ", ".join(self.transitions) or "none"
        return f"<Material {self.name}: phases {', '.join(self.phases)}; transitions {transitions}>"

    __str__ = __repr__

    def values(self) -> Iterator[tuple[str, Value]]:
        """Iterate over every number on the card.

        Yields
        ------
        :
            The field, for example ``"phases.monoclinic.density"``, and its value.

        Examples
        --------
        >>> from caloris.materials import load
        >>> field, value = next(load("NH4SCN").values())
        >>> field, str(value)
        ('phases.monoclinic.density', '1305 ± 5 kg/m^3')
        """
        for section in ("phases", "transitions", "published"):
            for key, entry in getattr(self, section).items():
                for field in type(entry).model_fields:
                    value = getattr(entry, field)
                    if isinstance(value, Value):
                        yield f"{section}.{key}.{field}", value

    def phase(self, name: str) -> Phase:
        """Return a phase by name.

        Parameters
        ----------
        name:
            Name of the phase on the card.

        Returns
        -------
        :
            The phase.

        Raises
        ------
        InputError
            If the card has no such phase.

        Examples
        --------
        >>> from caloris.materials import load
        >>> str(load("NH4SCN").phase("monoclinic").heat_capacity)
        '1590 ± 130 J/kg/K'
        """
        return _pick(self.phases, name, f"{self.name}: phase")

    def transition(self, name: str | None = None) -> Transition:
        """Return a transition by name; without a name, the first with an entropy and a volume change.

        Parameters
        ----------
        name:
            Name of the transition on the card.

        Returns
        -------
        :
            The transition.

        Raises
        ------
        InputError
            If the card has no such transition, or none that is complete.

        Examples
        --------
        >>> from caloris.materials import load
        >>> str(load("NH4SCN").transition().volume_change)
        '-3.8e-05 m^3/kg'
        """
        if name is not None:
            return _pick(self.transitions, name, f"{self.name}: transition")
        for transition in self.transitions.values():
            if transition.entropy_change is not None and transition.volume_change is not None:
                return transition
        raise InputError(
            f"{self.name}: no transition with both entropy_change and volume_change on the card; "
            "add them to a copy of the card and load it by its path"
        )

    @property
    def force_field(self) -> "ForceField":
        """The force field of the material; an InputError if the card names none."""
        from caloris.materials.force_field_files import load_force_field

        if not self.force_field_name:
            raise InputError(f"{self.name}: the card names no force field; give one by its name or path")
        beside = self.origin.parent / self.force_field_name
        return load_force_field(beside if beside.suffix == ".toml" else self.force_field_name)

    def structure(self, phase: str) -> "Atoms":
        """Read the crystal structure of a phase.

        Parameters
        ----------
        phase:
            Name of the phase on the card.

        Returns
        -------
        :
            The unit cell. Sites of fractional occupancy are all there, their occupancies in
            ``atoms.info["occupancy"]``: such a cell is an average, not a configuration.

        Raises
        ------
        InputError
            If the card has no such phase or the phase no structure.
        """
        from caloris.materials.crystal import read_structure

        entry = self.phase(phase)
        if not entry.structure:
            raise InputError(f"{self.name}: the card has no structure file for the phase {phase!r}")
        return read_structure(entry.structure, self.origin.parent)


_Entry = TypeVar("_Entry")


def _pick(entries: dict[str, _Entry], name: str, what: str) -> _Entry:
    try:
        return entries[name]
    except KeyError:
        known = ", ".join(repr(key) for key in entries) or "none"
        raise InputError(f"{what} {name!r} is not on the card, which has: {known}") from None


def read_card(path: Path) -> Material:
    """Read and check a material card.

    Parameters
    ----------
    path:
        A TOML file.

    Returns
    -------
    :
        The checked card.

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML, or a field is wrong; the message names field and reason.
    """
    data = read_toml(path, "card")
    try:
        return Material.model_validate(data | {"origin": path})
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error)}") from None


SHOWN = 3
"""How many wrong fields a message names."""


def describe(error: ValidationError) -> str:
    """Say in one line which field of a TOML file is wrong and why.

    Parameters
    ----------
    error:
        What pydantic found.

    Returns
    -------
    :
        Field and reason of the first few errors, and how many more there are.
    """
    parts = []
    for item in error.errors():
        field = ".".join(str(part) for part in item["loc"]) or "card"
        reason = item["msg"].removeprefix("Value error, ")
        given = _shown(item.get("input"))
        if item["type"] == "missing":
            reason = "is missing"
            reason += " (write schema = 1)" if field == "schema" else ""
        elif item["type"] == "extra_forbidden":
            reason = "is not a field that caloris knows (misspelt?)"
        elif item["type"] != "value_error" and given:
            reason = f"{reason}, got {given}"
        parts.append(f"{field}: {reason}")
    parts.sort(key=lambda part: "misspelt" not in part)  # a misspelt field explains a missing one
    more = f" (and {len(parts) - SHOWN} more)" if len(parts) > SHOWN else ""
    return " ".join(("; ".join(parts[:SHOWN]) + more).split())


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return repr(value) if isinstance(value, str | int | float | bool) else ""
