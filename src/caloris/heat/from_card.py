"""The two-phase model of a material card: its values, those that replace them, and what it takes for want of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from caloris.errors import InputError
from caloris.heat.two_phase import HYSTERESIS_UNKNOWN, PhaseProperties, TwoPhase
from caloris.materials import Material, Phase
from caloris.units import Quantity, magnitude

_OVERRIDES = {
    "heat_capacity": "J/kg/K",
    "entropy_change": "J/kg/K",
    "volume_change": "m^3/kg",
    "temperature_heating": "K",
    "temperature_cooling": "K",
    "slope_heating": "K/Pa",
    "slope_cooling": "K/Pa",
    "density": "kg/m^3",
}
_POSITIVE = ("density", "temperature_heating", "temperature_cooling")


@dataclass(frozen=True)
class _Values:
    """Values of a card, or those that replace them."""

    material: str
    overrides: Mapping[str, Quantity]

    def get(self, field: str, entry: object) -> float | None:
        if field in self.overrides:
            return magnitude(self.overrides[field], _OVERRIDES[field], field, positive=field in _POSITIVE)
        value = getattr(entry, field, None)
        return None if value is None else float(value.to(_OVERRIDES[field]))

    def need(self, field: str, entry: object, where: str) -> float:
        value = self.get(field, entry)
        if value is None:
            raise InputError(
                f"{self.material}: {where} has no {field}; add it to a copy of the card, or give {field}=... here"
            )
        return value


def two_phase_of(material: Material, name: str | None, overrides: Mapping[str, Quantity]) -> TwoPhase:
    """Build the two-phase model of a card; parameters, result and errors are those of ``TwoPhase.from_material``."""
    for key in overrides:
        if key not in _OVERRIDES:
            raise InputError(f"{key!r} cannot replace a value of the card; these can: {', '.join(_OVERRIDES)}")
    transition = material.transition(name)
    low, high = material.phase(transition.low), material.phase(transition.high)
    where = f"the transition {transition.low} -> {transition.high}"
    values = _Values(material.name, overrides)
    assumed: list[str] = []
    T_h = values.need("temperature_heating", transition, where)
    T_c = values.get("temperature_cooling", transition)
    if T_c is None:
        T_c = T_h
        assumed.append(HYSTERESIS_UNKNOWN)
    if T_c > T_h:
        raise InputError(f"temperature_cooling {T_c:g} K lies above temperature_heating {T_h:g} K")
    c_low, c_high = values.get("heat_capacity", low), values.get("heat_capacity", high)
    if c_low is None and c_high is None:
        values.need("heat_capacity", low, f"the phase {transition.low!r}")
    for phase, c in ((transition.low, c_low), (transition.high, c_high)):
        if c is None:
            assumed.append(f"heat capacity of {phase}: not on the card, taken equal to the other phase")
    density = values.get("density", low)
    volume = float("nan") if density is None else 1 / density
    model = TwoPhase(
        low=_phase_properties(low, c_low or c_high or 0.0, volume, high),
        high=_phase_properties(high, c_high or c_low or 0.0, volume, low),
        temperature=0.5 * (T_h + T_c),
        pressure=transition.pressure.to("Pa"),
        entropy_change=values.need("entropy_change", transition, where),
        volume_change=values.need("volume_change", transition, where),
        volume=volume,
    )
    slopes = [values.get(f"slope_{branch}", transition) for branch in ("heating", "cooling")]
    for branch, slope in zip(("heating", "cooling"), slopes, strict=True):
        if slope is None:
            assumed.append(f"dT/dp on {branch}: not on the card, taken from Clausius-Clapeyron")
        elif slope * model.volume_change < 0:
            raise InputError(
                f"{material.name}: slope_{branch} {slope * 1e6:g} K/MPa and volume_change {model.volume_change:g} "
                "m^3/kg have opposite signs; with a positive entropy change Clausius-Clapeyron gives them the same"
            )
    return _with_branches(replace(model, assumed=tuple(assumed)), T_h, T_c, slopes[0], slopes[1])


def _phase_properties(phase: Phase, heat_capacity: float, volume: float, other: Phase) -> PhaseProperties:
    """Expansion and compression enter only where the card has them for both phases."""
    dense = volume == volume
    both_expand = dense and phase.thermal_expansion is not None and other.thermal_expansion is not None
    both_yield = dense and phase.bulk_modulus is not None and other.bulk_modulus is not None
    return PhaseProperties(
        heat_capacity=heat_capacity,
        expansion=volume * phase.thermal_expansion.to("1/K") if both_expand else 0.0,  # type: ignore[union-attr]
        compression=volume / phase.bulk_modulus.to("Pa") if both_yield else 0.0,  # type: ignore[union-attr]
    )


def _with_branches(model: TwoPhase, T_h: float, T_c: float, slope_h: float | None, slope_c: float | None) -> TwoPhase:
    """Choose the barriers so that both branches pass through their temperatures with their slopes."""
    p = model.pressure

    def barrier_slope(T: float, slope: float | None, sign: float) -> float:
        if slope is None:  # a branch whose slope nobody measured keeps its distance to equilibrium
            return 0.0
        return sign * float(model.delta_volume(T, p) - model.delta_entropy(T, p) * slope)

    return replace(
        model,
        barrier_heating=-float(model.delta_gibbs(T_h, p)),
        barrier_cooling=float(model.delta_gibbs(T_c, p)),
        barrier_heating_slope=barrier_slope(T_h, slope_h, -1.0),
        barrier_cooling_slope=barrier_slope(T_c, slope_c, 1.0),
    )
