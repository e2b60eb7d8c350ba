"""What an Ashby plot may draw: pairs of published numbers that hold at one condition, and why the rest is left out.

A point needs all its numbers at one driving pressure (or field) and on one basis, experiment or theory. It counts as
reversible only if each of its numbers is. Nothing is multiplied up from a strength or a slope.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from caloris.errors import InputError
from caloris.heat.caloric import CaloricEffect
from caloris.heat.merit import Reversibility
from caloris.materials.comparison import AMBIENT, Basis, Property, PublishedEffect, PublishedMaterial
from caloris.units import Quantity, magnitude

_DS = Property.ISOTHERMAL_ENTROPY_CHANGE
_DT = Property.ADIABATIC_TEMPERATURE_CHANGE
_RCP = Property.RELATIVE_COOLING_POWER

MERITS: Mapping[Property, str] = {_DS: "entropy_change", _DT: "temperature_change", _RCP: "relative_cooling_power"}
"""The merit of :meth:`CaloricEffect.merits` that goes beside each published property."""


@dataclass(frozen=True)
class Axis:
    """One axis of a plot: the magnitude of a property, perhaps divided by the driving pressure."""

    what: Property
    per_pressure: bool = False

    @property
    def label(self) -> str:
        """Name and unit, as matplotlib text."""
        name, unit = {
            _DS: (r"$|\Delta S|_\mathrm{max}$", "J/(kg K)"),
            _DT: (r"$|\Delta T_\mathrm{ad}|_\mathrm{max}$", "K"),
            _RCP: ("RCP", "J/kg"),
        }[self.what]
        if not self.per_pressure:
            return f"{name} ({unit})"
        return f"{name} / p ({unit.removesuffix(')')} MPa))" if "(" in unit else f"{name} / p ({unit[:-2]}(kg MPa))"


@dataclass(frozen=True)
class PanelKind:
    """A panel: what is on its axes."""

    key: str
    title: str
    x: Axis
    y: Axis

    @property
    def properties(self) -> tuple[Property, ...]:
        """The published properties that a point needs, the entropy change first."""
        return (_DS,) if self.x.what == self.y.what else (_DS, self.y.what)

    @property
    def per_pressure(self) -> bool:
        """Whether an axis is divided by the driving pressure."""
        return self.x.per_pressure or self.y.per_pressure


PANELS: Mapping[str, PanelKind] = {
    kind.key: kind
    for kind in (
        PanelKind("entropy-per-pressure", "Entropy change and the pressure it takes", Axis(_DS, True), Axis(_DS)),
        PanelKind("temperature-change", "Entropy and temperature change", Axis(_DS), Axis(_DT)),
        PanelKind("cooling-power", "Relative cooling power", Axis(_DS), Axis(_RCP)),
        PanelKind(
            "cooling-power-per-pressure", "Relative cooling power per driving pressure", Axis(_DS), Axis(_RCP, True)
        ),
        PanelKind(
            "both-per-pressure",
            "Relative cooling power and entropy change per driving pressure",
            Axis(_DS, True),
            Axis(_RCP, True),
        ),
    )
}


@dataclass(frozen=True)
class Point:
    """A published material at one driving pressure or field, in J/kg, K and MPa."""

    material: PublishedMaterial
    drive: str
    """In words, such as ``"100 MPa"``."""
    x: float
    y: float
    reversible: bool
    """Whether every number of the point is published as reversible."""
    basis: Basis


@dataclass(frozen=True)
class OwnPoint:
    """The user's material at one pressure: what one direction gives, and what a cycle can use."""

    drive: str
    one_branch: tuple[float, float]
    reversible: tuple[float, float]
    """(0, 0) where nothing comes back."""
    reversibility: Reversibility
    """Of ``reversible``: an upper bound if nobody measured the hysteresis."""


@dataclass(frozen=True)
class Line:
    """A transition temperature (K) that moves with pressure (MPa) along a straight line."""

    material: PublishedMaterial
    pressure: float
    temperature: float
    slope: float
    branch: str
    basis: Basis
    how: Literal["published slope", "two published temperatures"]


def points(kind: PanelKind, materials: Iterable[PublishedMaterial]) -> tuple[list[Point], dict[str, str]]:
    """Return what a panel draws of published materials, and why the others are not there.

    Parameters
    ----------
    kind:
        The panel.
    materials:
        The cards.

    Returns
    -------
    :
        Points, and the reason by the name of each material that has none.
    """
    drawn: list[Point] = []
    left_out: dict[str, str] = {}
    for material in materials:
        found, reason = _of_material(kind, material)
        drawn += found
        if not found:
            left_out[material.name] = reason
    return drawn, left_out


_Group = dict[tuple[str, Basis, str | None], PublishedEffect]


def _of_material(kind: PanelKind, material: PublishedMaterial) -> tuple[list[Point], str]:
    if kind.per_pressure and material.driver != "hydrostatic pressure":
        return [], f"driven by a {material.driver}"
    entries = {what: list(material.values(what)) for what in kind.properties}
    missing = [what for what, found in entries.items() if not found]
    if missing:
        return [], f"no {_words(missing[-1])} published"
    groups = []
    for what, found in entries.items():
        group = _largest(found)
        if not group:
            return [], f"no single pressure or field stated for its {_words(what)}"
        groups.append(group)
    pairs = [(entry, entry) for entry in groups[0].values()] if len(groups) == 1 else _pairs(groups[0], groups[1])
    if not pairs:
        return [], f"{_words(_DS)} and {_words(kind.properties[1])} not published at one condition"
    return [_point(kind, material, entropy, other) for entropy, other in pairs], ""


def _largest(entries: Sequence[PublishedEffect]) -> _Group:
    """The largest value at each driving pressure or field, basis and reversibility."""
    found: _Group = {}
    for entry in entries:
        drive = entry.pressure or entry.field
        if drive is None or drive == AMBIENT:
            continue
        key = (_plain(entry), entry.basis, entry.reversibility)
        if key not in found or entry.magnitude() > found[key].magnitude():
            found[key] = entry
    return found


def _plain(entry: PublishedEffect) -> str:
    drive = entry.drive()
    assert drive is not None
    return f"{drive.value:g} {drive.unit}"


def _pairs(first: _Group, second: _Group) -> list[tuple[PublishedEffect, PublishedEffect]]:
    """Entries at one drive and basis; of one reversibility, or with a partner that does not state it."""
    found = []
    for (drive, basis, reversibility), entry in first.items():
        for wanted in (reversibility, "not stated"):
            partner = second.get((drive, basis, wanted))
            if partner is not None:
                found.append((entry, partner))
                break
    return found


def _point(kind: PanelKind, material: PublishedMaterial, entropy: PublishedEffect, other: PublishedEffect) -> Point:
    drive = entropy.drive()
    assert drive is not None

    def at(axis: Axis) -> float:
        entry = entropy if axis.what == _DS else other
        return entry.magnitude() / (float(drive.value) if axis.per_pressure else 1.0)

    reversible = entropy.reversibility == other.reversibility == "reversible"
    return Point(material, _plain(entropy), at(kind.x), at(kind.y), reversible, entropy.basis)


def own_points(kind: PanelKind, mine: CaloricEffect | None, pressures: Sequence[Quantity]) -> list[OwnPoint]:
    """Return what a panel draws of the user's own material.

    Parameters
    ----------
    kind:
        The panel.
    mine:
        The effect; none if absent.
    pressures:
        High pressures, scalars; the low one is the effect's reference pressure.

    Returns
    -------
    :
        One point for each pressure; divided by the pressure change where the panel is.

    Raises
    ------
    InputError
        If there is an effect but no pressure, or one lies outside the model.
    """
    if mine is None:
        return []
    if not pressures:
        raise InputError("pressures: give at least one for your own material, for example '100 MPa'")
    found = []
    for pressure in pressures:
        merits = mine.merits(pressure)
        if not {MERITS[kind.x.what], MERITS[kind.y.what]} <= merits.keys():
            continue  # without a heat capacity there is no temperature change
        high = magnitude(pressure, "MPa", "pressure")
        change = high - mine.surfaces.pressure / 1e6

        def at(axis: Axis, prefix: str, merits: Mapping[str, object] = merits, change: float = change) -> float:
            value = float(merits[prefix + MERITS[axis.what]].value.value)  # type: ignore[attr-defined]
            return value / (change if axis.per_pressure else 1.0)

        one_branch, reversible = ((at(kind.x, prefix), at(kind.y, prefix)) for prefix in ("", "reversible_"))
        label = merits["reversible_entropy_change"].reversibility
        found.append(OwnPoint(f"{high:g} MPa", one_branch, reversible, label))
    return found


def lines(materials: Iterable[PublishedMaterial]) -> tuple[list[Line], dict[str, str]]:
    """Return the published transition lines, and why other materials have none.

    Parameters
    ----------
    materials:
        The cards.

    Returns
    -------
    :
        A line for each branch with a temperature at a stated pressure and a dT/dp, or temperatures at two pressures;
        and the reason by the name of each material without one.
    """
    drawn: list[Line] = []
    left_out: dict[str, str] = {}
    for material in materials:
        temperatures = list(material.values(Property.TRANSITION_TEMPERATURE))
        stated = [entry for entry in temperatures if entry.pressure is not None]
        slopes = list(material.values(Property.TRANSITION_SLOPE))
        found = _lines_of(material, stated, slopes)
        drawn += found
        if found:
            continue
        if not temperatures:
            left_out[material.name] = "no transition temperature published"
        elif not stated:
            left_out[material.name] = "its transition temperature states no pressure"
        else:
            left_out[material.name] = "no dT/dp published"
    return drawn, left_out


def _lines_of(
    material: PublishedMaterial, temperatures: Sequence[PublishedEffect], slopes: Sequence[PublishedEffect]
) -> list[Line]:
    found = []
    for branch in dict.fromkeys(entry.branch for entry in temperatures):
        known = sorted(
            (_pressure(entry), entry.to("K"), entry.basis) for entry in temperatures if entry.branch == branch
        )
        p, T, basis = known[0]
        slope = next((s for s in slopes if s.branch == branch and s.basis == basis), None)
        if slope is not None:
            found.append(Line(material, p, T, slope.to("K/MPa"), branch or "", basis, "published slope"))
        elif known[-1][0] > p:
            through = (known[-1][1] - T) / (known[-1][0] - p)
            found.append(Line(material, p, T, through, branch or "", basis, "two published temperatures"))
    return found


def _pressure(entry: PublishedEffect) -> float:
    drive = entry.drive()
    assert drive is not None
    return float(drive.value)


def _words(what: Property) -> str:
    return what.replace("_", " ")


def reasons(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the names of what is left out by reason, the most frequent reason first.

    Parameters
    ----------
    left_out:
        Reason by name.

    Returns
    -------
    :
        Names by reason.

    Examples
    --------
    >>> reasons({"a": "no value", "b": "driven by a gas", "c": "no value"})
    {'no value': ['a', 'c'], 'driven by a gas': ['b']}
    """
    found: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        found.setdefault(reason, []).append(name)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))
