"""Caloric effects that others have published, one TOML card a material, for comparison with one's own.

A number stays as its paper states it: with unit, condition, pressure or field where the paper states one, and whether
a cycle can use it. What nobody states is absent; what disagrees stands side by side.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

import scipp as sc
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from caloris.errors import InputError
from caloris.files import output_folder, read_toml, whole
from caloris.materials.card import Source, Value, describe
from caloris.units import magnitude, parse_unit

Reversibility = Literal["reversible", "one-branch", "not stated"]
"""Whether a cycle can use the value: the paper calls it reversible, it holds for one direction, or nobody says."""
Basis = Literal["experiment", "theory"]

AMBIENT = "ambient"
"""Instead of a pressure: at ambient pressure, 0.1 MPa."""

_SHIPPED = Path(__file__).parent / "published_effects"


class Property(StrEnum):
    """What a published number is; :data:`UNITS` says in which unit it must be."""

    ISOTHERMAL_ENTROPY_CHANGE = "isothermal_entropy_change"
    VOLUMETRIC_ENTROPY_CHANGE = "volumetric_entropy_change"
    ENTROPY_CHANGE_RATIO = "entropy_change_ratio"
    ADIABATIC_TEMPERATURE_CHANGE = "adiabatic_temperature_change"
    BAROCALORIC_STRENGTH = "barocaloric_strength"
    BAROCALORIC_TEMPERATURE_STRENGTH = "barocaloric_temperature_strength"
    MAGNETOCALORIC_STRENGTH = "magnetocaloric_strength"
    RELATIVE_COOLING_POWER = "relative_cooling_power"
    REFRIGERANT_CAPACITY = "refrigerant_capacity"
    TEMPERATURE_SPAN = "temperature_span"
    SATURATION_PRESSURE = "saturation_pressure"
    REVERSIBLE_PRESSURE = "reversible_pressure"
    TRANSITION_TEMPERATURE = "transition_temperature"
    TRANSITION_SLOPE = "transition_slope"
    TRANSITION_ENTROPY_CHANGE = "transition_entropy_change"
    TOTAL_ENTROPY_CHANGE = "total_entropy_change"
    TRANSITION_ENTHALPY = "transition_enthalpy"
    RELATIVE_VOLUME_CHANGE = "relative_volume_change"
    SPECIFIC_VOLUME_CHANGE = "specific_volume_change"
    HYSTERESIS = "hysteresis"
    MAGNETIC_HYSTERESIS = "magnetic_hysteresis"
    HEAT_CAPACITY = "heat_capacity"
    THERMAL_CONDUCTIVITY = "thermal_conductivity"
    CHARGE_HEAT = "charge_heat"
    DISCHARGE_HEAT = "discharge_heat"
    INPUT_MECHANICAL_ENERGY = "input_mechanical_energy"


UNITS: Mapping[Property, str] = {
    Property.ISOTHERMAL_ENTROPY_CHANGE: "J/kg/K",
    Property.VOLUMETRIC_ENTROPY_CHANGE: "J/m^3/K",
    Property.ENTROPY_CHANGE_RATIO: "dimensionless",
    Property.ADIABATIC_TEMPERATURE_CHANGE: "K",
    Property.BAROCALORIC_STRENGTH: "J/kg/K/MPa",
    Property.BAROCALORIC_TEMPERATURE_STRENGTH: "K/MPa",
    Property.MAGNETOCALORIC_STRENGTH: "J/kg/K/T",
    Property.RELATIVE_COOLING_POWER: "J/kg",
    Property.REFRIGERANT_CAPACITY: "J/kg",
    Property.TEMPERATURE_SPAN: "K",
    Property.SATURATION_PRESSURE: "MPa",
    Property.REVERSIBLE_PRESSURE: "MPa",
    Property.TRANSITION_TEMPERATURE: "K",
    Property.TRANSITION_SLOPE: "K/MPa",
    Property.TRANSITION_ENTROPY_CHANGE: "J/kg/K",
    Property.TOTAL_ENTROPY_CHANGE: "J/kg/K",
    Property.TRANSITION_ENTHALPY: "J/kg",
    Property.RELATIVE_VOLUME_CHANGE: "%",
    Property.SPECIFIC_VOLUME_CHANGE: "m^3/kg",
    Property.HYSTERESIS: "K",
    Property.MAGNETIC_HYSTERESIS: "T",
    Property.HEAT_CAPACITY: "J/kg/K",
    Property.THERMAL_CONDUCTIVITY: "W/m/K",
    Property.CHARGE_HEAT: "J/kg",
    Property.DISCHARGE_HEAT: "J/kg",
    Property.INPUT_MECHANICAL_ENERGY: "J/kg",
}
"""The unit that each property's own unit must convert to."""

DIRECTED = frozenset(list(Property)[: list(Property).index(Property.REVERSIBLE_PRESSURE)])
"""Properties that differ between one direction and a cycle: they must state their reversibility, others must not."""


@lru_cache(maxsize=256)
def _converts(unit: str, wanted: str) -> bool:
    try:
        sc.scalar(1.0, unit=parse_unit(unit)).to(unit=parse_unit(wanted))
    except sc.UnitError:
        return False
    return True


def _drive(unit: str) -> AfterValidator:
    """Check a driving pressure or field in words, such as ``"100 MPa"``."""

    def check(words: str) -> str:
        if not (unit == "MPa" and words == AMBIENT):
            try:
                magnitude(words, unit, "it", positive=True)
            except InputError as error:
                raise ValueError(str(error).removeprefix("it: ")) from None
        return words

    return AfterValidator(check)


class PublishedEffect(Value):
    """One published number, with the condition under which it holds.

    Attributes
    ----------
    property:
        What it is.
    reversibility:
        Whether a cycle can use it; absent where the question makes no sense, as for a transition temperature.
    basis:
        ``"experiment"`` or ``"theory"``.
    pressure, field:
        The driving pressure or magnetic field in words, only where the paper states a single one; the pressure may
        be ``"ambient"``.
    branch:
        ``"heating"`` or ``"cooling"`` where the paper says on which branch it holds.
    """

    property: Property
    reversibility: Reversibility | None = None
    basis: Basis
    pressure: Annotated[str, _drive("MPa")] | None = None
    field: Annotated[str, _drive("T")] | None = None
    branch: Literal["heating", "cooling"] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            fits = _converts(self.unit, UNITS[self.property])
        except InputError as error:
            raise ValueError(f"unit: {error}") from None
        if not fits:
            raise ValueError(
                f"unit: {self.unit!r} does not fit {self.property}; expected one like {UNITS[self.property]!r}"
            )
        if self.property in DIRECTED and self.reversibility is None:
            raise ValueError(
                f"reversibility: is missing; {self.property} is 'reversible', 'one-branch' or 'not stated'"
            )
        if self.property not in DIRECTED and self.reversibility is not None:
            raise ValueError(f"reversibility: {self.property} is neither reversible nor one-branch; leave it out")
        return self

    def drive(self) -> sc.Variable | None:
        """Return the driving pressure (MPa) or field (T), scalar; None where no single one is stated.

        Examples
        --------
        >>> published_materials()["agi"].best("isothermal_entropy_change").drive()
        <scipp.Variable> ()    float64          [MPa]  250
        """
        if self.pressure is not None:
            words = "0.1 MPa" if self.pressure == AMBIENT else self.pressure
            return sc.scalar(magnitude(words, "MPa", "pressure"), unit="MPa")
        return None if self.field is None else sc.scalar(magnitude(self.field, "T", "field"), unit="T")

    def magnitude(self) -> float:
        """Return |value| in the property's own unit of :data:`UNITS`."""
        return abs(self.to(str(parse_unit(UNITS[self.property]))))


class PublishedMaterial(BaseModel):
    """What is published of a material's caloric effect.

    ``sign`` and ``material_class`` rest in part on what is known of the material besides the numbers. ``label`` is the
    short name in figures and tables; ``origin`` is the path that the card was read from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    schema_version: int = Field(alias="schema", ge=1, le=1)
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
    title: str = Field(min_length=1)
    label: str = ""
    formula: str = ""
    material_class: str = ""
    effect: Literal["barocaloric", "magnetocaloric"]
    driver: Literal["hydrostatic pressure", "gas pressure", "magnetic field"]
    sign: Literal["conventional", "inverse"] | None = None
    remark: str = ""
    sources: dict[str, Source]
    effects: tuple[PublishedEffect, ...]
    origin: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _references(self) -> Self:
        if not self.effects:
            raise ValueError("effects: the card has none; write one as [[effects]]")
        for number, entry in enumerate(self.effects):
            if entry.source not in self.sources:
                raise ValueError(f"effects.{number}.source: {entry.source!r} is not among the card's [sources]")
        if (self.effect == "magnetocaloric") != (self.driver == "magnetic field"):
            raise ValueError(f"driver: {self.driver!r} does not drive a {self.effect} effect")
        return self

    def __repr__(self) -> str:
        return f"<PublishedMaterial {self.name}: {self.title}, {self.effect}; {len(self.effects)} numbers>"

    __str__ = __repr__

    @property
    def short(self) -> str:
        """The label, or the formula, or the name."""
        return self.label or self.formula or self.name

    def values(
        self, what: Property | str, *, reversibility: Reversibility | None = None, basis: Basis | None = None
    ) -> Iterator[PublishedEffect]:
        """Iterate over the numbers of one property.

        Parameters
        ----------
        what:
            The property.
        reversibility, basis:
            Only those; all if absent.

        Yields
        ------
        :
            The numbers in the order of the card.

        Raises
        ------
        InputError
            If there is no such property.
        """
        wanted = as_property(what)
        for entry in self.effects:
            if (
                entry.property == wanted
                and reversibility in (None, entry.reversibility)
                and basis in (None, entry.basis)
            ):
                yield entry

    def best(
        self, what: Property | str, *, reversibility: Reversibility | None = None, basis: Basis | None = None
    ) -> PublishedEffect | None:
        """Return the number of largest magnitude of one property, with its condition.

        Parameters
        ----------
        what, reversibility, basis:
            As for :meth:`values`.

        Returns
        -------
        :
            The entry; None if nobody published one.

        Raises
        ------
        InputError
            If there is no such property.

        Examples
        --------
        >>> entry = published_materials()["licb11h12"].best("isothermal_entropy_change", reversibility="reversible")
        >>> str(entry), entry.pressure
        ('280 J/kg/K', '230 MPa')
        """
        return max(
            self.values(what, reversibility=reversibility, basis=basis), key=lambda e: e.magnitude(), default=None
        )


def as_property(what: Property | str) -> Property:
    """Return a property by its name.

    Parameters
    ----------
    what:
        For example ``"isothermal_entropy_change"``.

    Returns
    -------
    :
        The property.

    Raises
    ------
    InputError
        If there is no such property.

    Examples
    --------
    >>> UNITS[as_property("transition_slope")]
    'K/MPa'
    """
    try:
        return Property(what)
    except ValueError:
        raise InputError(f"property: {what!r} is none of {', '.join(Property)}") from None


def read_published(path: str | Path) -> PublishedMaterial:
    """Read and check a card of published effects.

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
    path = Path(path)
    data = read_toml(path, "card")
    if "phases" in data:
        raise InputError(
            f"{path}: this is a material card, not one of published effects: compare it by --with {path.name}"
        )
    try:
        return PublishedMaterial.model_validate(data | {"origin": path})
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error)}") from None


def user_folder() -> Path:
    """Return the folder of the user's own cards: ``$CALORIS_LIBRARY``, or the place for data on this platform."""
    chosen = os.environ.get("CALORIS_LIBRARY")
    if chosen:
        return Path(chosen)
    home = Path.home()
    places = {"win32": ("LOCALAPPDATA", home / "AppData/Local"), "darwin": ("", home / "Library/Application Support")}
    variable, default = places.get(sys.platform, ("XDG_DATA_HOME", home / ".local/share"))
    base = os.environ.get(variable) if variable else None
    return Path(base or default) / "caloris" / "comparison"


def published_materials(folder: str | Path | None = None) -> dict[str, PublishedMaterial]:
    """Return all cards of the library and the user's own, which replace the library's of the same name.

    Parameters
    ----------
    folder:
        Folder of the user's own cards; :func:`user_folder` if absent.

    Returns
    -------
    :
        Cards by name, in alphabetical order.

    Raises
    ------
    InputError
        If a card is wrong, or two of the user's own have one name.

    Examples
    --------
    >>> published_materials()["nh4scn"].best("transition_slope").value
    -0.3
    """
    cards = {card.name: card for card in map(read_published, sorted(_SHIPPED.glob("*.toml")))}
    own: dict[str, PublishedMaterial] = {}
    for path in sorted((user_folder() if folder is None else Path(folder)).glob("*.toml")):
        card = read_published(path)
        if card.name in own:
            raise InputError(f"{path}: name {card.name!r} is also that of {own[card.name].origin}; rename one of them")
        own[card.name] = card
    return dict(sorted((cards | own).items()))


def add(path: str | Path, *, folder: str | Path | None = None, replace: bool = False) -> Path:
    """Check a card and copy it into the folder of the user's own.

    Parameters
    ----------
    path:
        A TOML card.
    folder:
        Where to; :func:`user_folder` if absent. It is made if absent.
    replace:
        Whether a card of the same name, also one of the library, may be replaced.

    Returns
    -------
    :
        The new file.

    Raises
    ------
    InputError
        If the card is wrong, its name is taken, or the place cannot be written; the folder is as before then.
    """
    card = read_published(path)
    target_folder = user_folder() if folder is None else Path(folder)
    present = published_materials(target_folder)
    target = target_folder / f"{card.name}.toml"
    if card.name in present and present[card.name].origin.parent == target_folder:
        target = present[card.name].origin
    if not replace and (card.name in present or target.exists()):
        where = present[card.name].origin if card.name in present else target
        raise InputError(f"{path}: name: {card.name!r} is taken by {where}; choose another name or allow to replace it")
    text = Path(path).read_bytes()
    output_folder(target_folder)
    with whole(target) as temporary:
        temporary.write_bytes(text)
    return target
