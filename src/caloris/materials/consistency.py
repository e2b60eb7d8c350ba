"""Whether the numbers of a card fit together.

Clausius-Clapeyron ``dT/dp = dV/dS`` on each branch; latent heat ``L = T dS``; volume change and density
against the crystal structures, ``v = V_cell / (Z M)`` with M the mass of the card's formula (H where the
structure was refined with D); hysteresis ``T_cooling <= T_heating``. A volume change, entropy change or
latent heat that is itself derived is not put into the first two: the comparison would be empty.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import scipp as sc

from caloris.errors import InputError
from caloris.materials.card import Material, Phase, Status, Transition, Value

_TOLERANCE = 0.05
_ANGSTROM3_PER_UNIT = 602.214076e-6  # m^3/kg in one Å^3/u: 1e-30 / 1.66053907e-27


@dataclass(frozen=True)
class Finding:
    """One comparison of a number on a card with what its other numbers imply."""

    quantity: str
    """What was compared with what."""
    stated: sc.Variable
    """The number on the card."""
    implied: sc.Variable
    """What the other numbers give, in the same unit."""
    difference: float
    """implied/stated - 1."""
    agrees: bool
    """Whether the difference lies within the tolerance."""
    remark: str
    """The tolerance, and why the two may differ."""

    def __str__(self) -> str:
        verdict = "agrees" if self.agrees else "DISAGREES"
        numbers = f"{self.stated.value:.4g} against {self.implied.value:.4g} {self.stated.unit}"
        difference = "" if self.difference != self.difference else f" ({self.difference:+.1%})"
        return f"{self.quantity}: {numbers}{difference}, {verdict}; {self.remark}"


def check(material: Material) -> list[Finding]:
    """Compare the numbers of a card with one another, as far as they allow it.

    Parameters
    ----------
    material:
        A material card.

    Returns
    -------
    :
        One finding per comparison that was possible; see :func:`unchecked` for the others.

    Examples
    --------
    >>> from caloris.materials import load
    >>> print(check(load("NH4SCN"))[0].agrees)
    True
    """
    return [outcome for outcome in _outcomes(material) if isinstance(outcome, Finding)]


def unchecked(material: Material) -> list[str]:
    """Say which comparisons a card does not allow, and what is missing.

    Parameters
    ----------
    material:
        A material card.

    Returns
    -------
    :
        One line per comparison that :func:`check` could not make.

    Examples
    --------
    >>> from caloris.materials import load
    >>> unchecked(load("NH4SCN"))[0]
    'monoclinic-orthorhombic: dT/dp on cooling against dV/dS (Clausius-Clapeyron): no slope_cooling'
    """
    return [outcome for outcome in _outcomes(material) if isinstance(outcome, str)]


def _outcomes(material: Material) -> Iterator[Finding | str]:
    for name, transition in material.transitions.items():
        yield _clapeyron(f"{name}: dT/dp on heating", "slope_heating", transition)
        yield _clapeyron(f"{name}: dT/dp on cooling", "slope_cooling", transition)
        yield _volume_change(name, transition, material)
        yield from _latent_heat(name, transition)
        yield _hysteresis(name, transition)
    for name, phase in material.phases.items():
        yield _density(name, phase, material)


def _clapeyron(what: str, field: str, transition: Transition) -> Finding | str:
    quantity = f"{what} against dV/dS (Clausius-Clapeyron)"
    slope, dv, ds = getattr(transition, field), transition.volume_change, transition.entropy_change
    lacking = _lacking({field: slope, "volume_change": dv, "entropy_change": ds})
    if slope is None or dv is None or ds is None:
        return f"{quantity}: {lacking}"
    for name, value in (("volume change", dv), ("entropy change", ds)):
        if value.status is Status.DERIVED:
            return f"{quantity}: the {name} is itself derived, the comparison may be empty"
    why = "the slope is a mean over a pressure range, dV and dS hold at one pressure"
    return _compare(quantity, slope.quantity, dv.quantity / ds.quantity, why)


def _volume_change(name: str, transition: Transition, material: Material) -> Finding | str:
    quantity = f"{name}: volume change against the difference of the two cells"
    if transition.volume_change is None:
        return f"{quantity}: no volume_change"
    try:
        low = _specific_volume(transition.low, material)
        high = _specific_volume(transition.high, material)
    except InputError as error:
        return f"{quantity}: {error}"
    why = (
        "each cell was measured at its own temperature, so their difference includes the thermal expansion "
        "of both phases between there and the transition"
    )
    return _compare(quantity, transition.volume_change.quantity, high - low, why)


def _density(name: str, phase: Phase, material: Material) -> Finding | str:
    quantity = f"{name}: density against the cell"
    if phase.density is None:
        return f"{quantity}: no density"
    try:
        volume = _specific_volume(name, material)
    except InputError as error:
        return f"{quantity}: {error}"
    why = "the cell may belong to another temperature or isotope; pores and impurities change a bulk density"
    if phase.density.status is Status.DERIVED:
        why = "the density is itself derived, from this cell or from another one"
    return _compare(quantity, phase.density.quantity, sc.reciprocal(volume), why)


def _latent_heat(name: str, transition: Transition) -> Iterator[Finding | str]:
    quantity = f"{name}: latent heat against T dS"
    latent, ds = transition.latent_heat, transition.entropy_change
    if latent is None or ds is None:
        yield f"{quantity}: {_lacking({'latent_heat': latent, 'entropy_change': ds})}"
        return
    if Status.DERIVED in (latent.status, ds.status):
        yield f"{quantity}: one of the two is itself derived, the comparison may be empty"
        return
    temperatures = {"heating": transition.temperature_heating.to("K")}
    if transition.temperature_cooling is not None:
        cooling = transition.temperature_cooling.to("K")
        temperatures |= {"mid": (temperatures["heating"] + cooling) / 2, "cooling": cooling}
    stated = latent.quantity
    implied = {at: (sc.scalar(t, unit="K") * ds.quantity).to(unit=stated.unit) for at, t in temperatures.items()}
    ends = sorted(float(value.value) for value in implied.values())
    tolerance, words = _tolerance(stated, implied["heating"])
    agrees = ends[0] * (1 - tolerance) <= stated.value <= ends[-1] * (1 + tolerance)
    remark = (
        f"agrees where it lies between {ends[0]:.4g} and {ends[-1]:.4g} {stated.unit}, widened by {words}; "
        "heat is taken up at a temperature within the hysteresis, and dS may hold on one branch only"
    )
    for at, value in implied.items():
        where = f"{quantity} at the {at} temperature, {temperatures[at]:g} K"
        yield Finding(where, stated, value, _difference(stated, value), bool(agrees), remark)


def _hysteresis(name: str, transition: Transition) -> Finding | str:
    quantity = f"{name}: sign of the hysteresis, temperature on heating against cooling"
    if transition.temperature_cooling is None:
        return f"{quantity}: no temperature_cooling"
    stated = transition.temperature_heating.quantity
    implied = transition.temperature_cooling.quantity.to(unit=stated.unit)
    width = stated.value - implied.value
    remark = f"hysteresis {width:.4g} {stated.unit}; it must not be negative"
    return Finding(quantity, stated, implied, _difference(stated, implied), bool(width >= 0), remark)


def _specific_volume(phase: str, material: Material) -> sc.Variable:
    """Volume per mass of a phase from its cell and the mass of the card's formula."""
    entry = material.phase(phase)
    if not entry.structure:
        raise InputError(f"no structure for the phase {phase!r}")
    if not entry.formula_units:
        raise InputError(f"no formula_units for the phase {phase!r}")
    mass = entry.formula_units * _formula_mass(material.formula)
    volume = float(material.structure(phase).cell.volume)
    return sc.scalar(volume / mass * _ANGSTROM3_PER_UNIT, unit="m^3/kg")


def _formula_mass(formula: str) -> float:
    """Mass of a chemical formula in u."""
    from ase.data import atomic_masses, atomic_numbers
    from ase.formula import Formula

    try:
        counts = Formula(formula).count()
        mass = sum(number * float(atomic_masses[atomic_numbers[symbol]]) for symbol, number in counts.items())
    except (ValueError, KeyError):
        mass = 0.0
    if mass <= 0:
        raise InputError(f"the formula {formula!r} of the card is not a chemical formula")
    return mass


def _compare(quantity: str, stated: sc.Variable, implied: sc.Variable, why: str) -> Finding:
    implied = implied.to(unit=stated.unit)
    difference = _difference(stated, implied)
    tolerance, words = _tolerance(stated, implied)
    return Finding(quantity, stated, implied, difference, abs(difference) <= tolerance, f"{words}; {why}")


def _difference(stated: sc.Variable, implied: sc.Variable) -> float:
    if stated.value == 0:
        return 0.0 if implied.value == 0 else math.inf
    return float(implied.value / stated.value - 1)


def _tolerance(stated: sc.Variable, implied: sc.Variable) -> tuple[float, str]:
    """Relative tolerance, and in words what it is."""
    if not stated.variance or stated.value == 0:
        return _TOLERANCE, f"tolerance {_TOLERANCE:.0%}, no uncertainty is stated"
    tolerance = 2 * math.hypot(*(_relative_error(value) for value in (stated, implied)))
    return tolerance, f"tolerance {100 * tolerance:.2g}%, twice the stated uncertainty"


def _relative_error(value: sc.Variable) -> float:
    if value.variance is None or value.value == 0:
        return 0.0
    return math.sqrt(value.variance) / abs(float(value.value))


def _lacking(values: dict[str, Value | None]) -> str:
    return "no " + " and no ".join(name for name, value in values.items() if value is None)


PLAUSIBLE = {
    "density": ("kg/m^3", 50, 25000),
    "heat_capacity": ("J/kg/K", 50, 10000),
    "thermal_conductivity": ("W/m/K", 0.01, 3000),
    "thermal_expansion": ("1/K", -1e-2, 1e-2),
    "bulk_modulus": ("GPa", 0.05, 1000),
    "temperature_heating": ("K", 1, 3000),
    "temperature_cooling": ("K", 1, 3000),
    "entropy_change": ("J/kg/K", 0.1, 2000),
    "volume_change": ("m^3/kg", -1e-3, 1e-3),
    "latent_heat": ("J/g", 0.01, 1000),
    "slope_heating": ("K/MPa", -10, 10),
    "slope_cooling": ("K/MPa", -10, 10),
}
"""Ranges that solids keep to; a value outside is most often a unit slip. Labelled an estimate."""
_LEAST_SLOPE = 1e-3
"""K/MPa; a transition that moves less has no barocaloric use: most often a volume change in the wrong unit."""


def implausible(material: Material) -> list[str]:
    """List values of a card that solids do not have, most often slips of a unit.

    Parameters
    ----------
    material:
        The card.

    Returns
    -------
    :
        One line each: field, value, the range expected.

    Examples
    --------
    >>> from caloris.materials import load
    >>> implausible(load("NH4SCN"))
    []
    """
    found = []
    for field, value in material.values():
        unit, low, high = PLAUSIBLE.get(field.rsplit(".", 1)[1], ("", 0.0, 0.0))
        if unit and not low <= value.to(unit) <= high:
            found.append(f"{field}: {value} lies outside {low:g} to {high:g} {unit}; check the unit")
    for name, transition in material.transitions.items():
        if transition.entropy_change is not None and transition.volume_change is not None:
            slope = transition.volume_change.to("m^3/kg") / transition.entropy_change.to("J/kg/K") * 1e6
            if not _LEAST_SLOPE <= abs(slope) <= 10:
                ratio = "volume_change / entropy_change"
                found.append(f"transitions.{name}: {ratio} gives dT/dp = {slope:.3g} K/MPa; check the units")
    return found
