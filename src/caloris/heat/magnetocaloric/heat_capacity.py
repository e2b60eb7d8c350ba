"""Entropy and adiabatic temperature change from heat capacity at constant field, cp(T, B) in J/kg/K.

S(T, B) = S(T0, B) + int_T0^T cp/T dT. Heat capacity says nothing about S(T0, B) - S(T0, B0): that difference, the
anchor, must come from elsewhere and shifts every entropy change. cp is a straight line between two temperatures; its
integral is taken in closed form, and isentropes are followed by inverting it.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.magnetocaloric.tables import DIMS, Numbers, checked
from caloris.units import Quantity, magnitude


@dataclass(frozen=True, repr=False)
class HeatCapacityEntropy:
    """Entropy over field and temperature; made by :func:`entropy_from_heat_capacity`."""

    heat_capacity: sc.DataArray
    """What it was made from; J/kg/K."""
    entropy: sc.DataArray
    """S(T, B) - S(T0, B0) at the temperatures of the heat capacity; J/kg/K."""
    anchor: str
    """What was taken for the entropy change at the anchor temperature, in words."""
    anchor_temperature: sc.Variable
    """K."""
    _anchor: Numbers = field(repr=False)
    """Entropy change from the lowest field at the anchor temperature, one for each field, J/kg/K."""
    _anchor_variances: Numbers | None = field(repr=False)

    def __repr__(self) -> str:
        return f"<HeatCapacityEntropy {dict(self.entropy.sizes)}; anchor: {self.anchor}>"

    def entropy_change(self, field_change: Quantity | None = None) -> sc.DataArray:
        """Return the isothermal entropy change from the lowest field.

        Parameters
        ----------
        field_change:
            Scalar, T, counted from the lowest field; entropies are interpolated between two fields. All fields if
            absent.

        Returns
        -------
        :
            J/kg/K, over ``("field", "temperature")`` or over ``temperature``; coordinate ``initial_field``. The
            variances hold those of heat capacity and anchor; neighbouring temperatures are correlated.

        Raises
        ------
        InputError
            If the field change is not within the heat capacity.
        """
        cp = checked(self.heat_capacity, "heat_capacity")
        weights = log_weights(cp.temperature, cp.temperature, float(self.anchor_temperature.value))
        mix = _mixing(cp.field, field_change)
        from_first = mix - np.eye(1, len(cp.field))
        values = from_first @ cp.values @ weights.T + (mix @ self._anchor)[:, None]
        variances = None
        if cp.variances is not None or self._anchor_variances is not None:
            own = np.zeros_like(cp.values) if cp.variances is None else cp.variances
            anchor = np.zeros(len(cp.field)) if self._anchor_variances is None else self._anchor_variances
            variances = from_first**2 @ own @ (weights**2).T + (mix**2 @ anchor)[:, None]
        return _over_field(mix @ cp.field, cp.temperature, values, variances, "J/kg/K", cp.field[0], field_change)

    def temperature_change(self, field_change: Quantity | None = None) -> sc.DataArray:
        """Return the adiabatic temperature change from the lowest field, S(T + dT, B) = S(T, B0).

        Parameters
        ----------
        field_change:
            As for :meth:`entropy_change`.

        Returns
        -------
        :
            K, against the starting temperature T in the lowest field; NaN where the isentrope leaves the heat
            capacity. Errors are not propagated.

        Raises
        ------
        InputError
            If the field change is not within the heat capacity.
        """
        cp = checked(self.heat_capacity, "heat_capacity")
        T0 = float(self.anchor_temperature.value)
        mix = _mixing(cp.field, field_change)
        capacity, anchors = mix @ cp.values, mix @ self._anchor
        start = log_weights(cp.temperature, cp.temperature, T0) @ cp.values[0]
        ends = np.array(
            [_invert(cp.temperature, row, T0, start - anchor) for row, anchor in zip(capacity, anchors, strict=True)]
        )
        changes = ends - cp.temperature
        return _over_field(mix @ cp.field, cp.temperature, changes, None, "K", cp.field[0], field_change)


def entropy_from_heat_capacity(
    heat_capacity: sc.DataArray, *, anchor: Literal["zero"] | sc.Variable | sc.DataArray
) -> HeatCapacityEntropy:
    """Integrate a heat capacity measured in several fields to the entropy.

    Parameters
    ----------
    heat_capacity:
        J/kg/K over ``field`` (T) and ``temperature`` (K).
    anchor:
        The entropy change from the lowest field at one temperature. ``"zero"``: none at the lowest temperature of the
        heat capacity. A variable over ``field`` (J/kg/K): its values there, 0 for the lowest field. A data array over
        field and temperature, such as :func:`maxwell_entropy_change` returns: its values at its lowest temperature
        within the heat capacity.

    Returns
    -------
    :
        Entropy, entropy change and temperature change; the anchor is named in words.

    Raises
    ------
    InputError
        If the heat capacity is not as described, or the anchor does not cover its fields.

    Examples
    --------
    Without anything known about the entropy at 280 K, a field that lowers cp by 10 J/(kg K) lowers the entropy at
    300 K by 10 ln(300/280):

    >>> from caloris.heat.magnetocaloric import table
    >>> B = sc.array(dims=["field"], values=[0.0, 1.0], unit="T")
    >>> T = sc.array(dims=["temperature"], values=[280.0, 290.0, 300.0], unit="K")
    >>> cp = table(B, T, np.array([[500.0, 500, 500], [490, 490, 490]]), unit="J/kg/K")
    >>> found = entropy_from_heat_capacity(cp, anchor="zero")
    >>> found.anchor
    'no entropy change at 280 K, the lowest temperature (assumed)'
    >>> found.entropy_change("1 T").values.round(4)
    array([ 0.    , -0.3509, -0.6899])
    """
    cp = checked(heat_capacity, "heat_capacity")
    T0, values, variances, words = float(cp.temperature[0]), np.zeros(len(cp.field)), None, ""
    if isinstance(anchor, sc.DataArray):
        T0, values, variances = _anchor_from_curve(anchor, cp.field, cp.temperature)
        words = f"given entropy change at {T0:g} K, its lowest temperature within the heat capacity"
    elif isinstance(anchor, sc.Variable):
        values, variances = _anchor_from_values(anchor, len(cp.field))
        words = f"given values at {T0:g} K, the lowest temperature"
    elif isinstance(anchor, str) and anchor == "zero":
        words = f"no entropy change at {T0:g} K, the lowest temperature (assumed)"
    else:
        raise InputError("anchor: expected 'zero', a variable over 'field' or a data array of entropy changes")
    weights = log_weights(cp.temperature, cp.temperature, T0)
    entropy = cp.values @ weights.T + values[:, None]
    start = entropy[0, 0]
    spread = None
    if cp.variances is not None or variances is not None:
        spread = np.zeros_like(entropy) if cp.variances is None else cp.variances @ (weights**2).T
        spread = spread + (0.0 if variances is None else variances[:, None])
    return HeatCapacityEntropy(
        heat_capacity=heat_capacity,
        entropy=_over_field(cp.field, cp.temperature, entropy - start, spread, "J/kg/K", cp.field[0], None),
        anchor=words,
        anchor_temperature=sc.scalar(T0, unit="K"),
        _anchor=values,
        _anchor_variances=variances,
    )


def log_weights(temperature: Numbers, ends: Numbers, start: float) -> Numbers:
    """Weights of cp at the temperatures in int_start^end cp/T dT, cp a straight line between two temperatures."""
    return np.asarray(_log_weights(temperature, ends) - _log_weights(temperature, np.array([start])))


def _log_weights(temperature: Numbers, ends: Numbers) -> Numbers:
    low, high = temperature[:-1], temperature[1:]
    reached = np.clip(ends[:, None], low, high)
    step, log = reached - low, np.log(reached / low)
    weights = np.zeros((len(ends), len(temperature)))
    weights[:, :-1] += (high * log - step) / (high - low)
    weights[:, 1:] += (step - low * log) / (high - low)
    return weights


def _invert(temperature: Numbers, capacity: Numbers, start: float, entropy: Numbers) -> Numbers:
    """Temperatures at which int_start^T cp/T dT has the given values; NaN outside; bisection to the last digit."""
    low = np.full_like(entropy, temperature[0])
    high = np.full_like(entropy, temperature[-1])
    first, last = log_weights(temperature, temperature[[0, -1]], start) @ capacity
    tolerance = 1e-12 * (last - first)
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = log_weights(temperature, middle, start) @ capacity < entropy
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    outside = (entropy < first - tolerance) | (entropy > last + tolerance)
    return np.asarray(np.where(outside, np.nan, 0.5 * (low + high)))


def _mixing(fields: Numbers, field_change: Quantity | None) -> Numbers:
    """Matrix that interpolates rows over field to the wanted fields."""
    if field_change is None:
        return np.eye(len(fields))
    change = magnitude(field_change, "T", "field_change", positive=True)
    if change > (fields[-1] - fields[0]) * (1 + 1e-9):
        raise InputError(f"field_change: {change:g} T is more than the table has ({fields[0]:g} to {fields[-1]:g} T)")
    end = min(fields[0] + change, fields[-1])
    return _interpolation(fields, np.array([end]))


def _interpolation(grid: Numbers, points: Numbers) -> Numbers:
    right = np.clip(np.searchsorted(grid, points), 1, len(grid) - 1)
    part = (points - grid[right - 1]) / (grid[right] - grid[right - 1])
    matrix = np.zeros((len(points), len(grid)))
    rows = np.arange(len(points))
    matrix[rows, right - 1], matrix[rows, right] = 1 - part, part
    return matrix


def _anchor_from_values(anchor: sc.Variable, number: int) -> tuple[Numbers, Numbers | None]:
    if anchor.dims != ("field",) or anchor.size != number:
        raise InputError(f"anchor: expected {number} values over 'field', one for each field of the heat capacity")
    try:
        converted = anchor.to(unit="J/kg/K", dtype="float64")
    except sc.UnitError:
        raise InputError(f"anchor: is in {anchor.unit}, expected J/kg/K") from None
    values = np.asarray(converted.values, dtype=float)
    if not np.all(np.isfinite(values)) or values[0] != 0:
        raise InputError("anchor: must be finite, and 0 for the lowest field, from which changes are counted")
    return values, None if converted.variances is None else np.asarray(converted.variances, dtype=float)


def _anchor_from_curve(
    anchor: sc.DataArray, fields: Numbers, temperature: Numbers
) -> tuple[float, Numbers, Numbers | None]:
    if anchor.dims != DIMS or anchor.unit != sc.Unit("J/kg/K") or not all(name in anchor.coords for name in DIMS):
        raise InputError(
            f"anchor: expected entropy changes in J/kg/K over {DIMS}, got {anchor.unit} over {anchor.dims}"
        )
    T = anchor.coords["temperature"].values
    inside = np.flatnonzero(np.clip(T, temperature[0], temperature[-1]) == T)
    if not len(inside):
        raise InputError("anchor: none of its temperatures lies within those of the heat capacity")
    given = anchor.coords["field"].values
    begin = float(anchor.coords["initial_field"].value) if "initial_field" in anchor.coords else float(given[0])
    if abs(begin - fields[0]) > 1e-9 or given[0] > fields[0] + 1e-9 or given[-1] < fields[-1] - 1e-9:
        raise InputError(
            f"anchor: counts from {begin:g} T up to {given[-1]:g} T, the heat capacity from {fields[0]:g} T "
            f"up to {fields[-1]:g} T"
        )
    at = int(inside[0])
    mix = _interpolation(given, fields)
    variances = None if anchor.variances is None else mix**2 @ anchor.variances[:, at]
    values = mix @ np.asarray(anchor.values[:, at], dtype=float)
    if not np.all(np.isfinite(values)):
        raise InputError(f"anchor: its values at {T[at]:g} K are not finite")
    return float(T[at]), values, variances


def _over_field(
    fields: Numbers,
    temperature: Numbers,
    values: Numbers,
    variances: Numbers | None,
    unit: str,
    initial: float,
    field_change: Quantity | None,
) -> sc.DataArray:
    result = sc.DataArray(
        sc.array(dims=list(DIMS), values=values, variances=variances, unit=unit),
        coords={
            "field": sc.array(dims=["field"], values=fields, unit="T"),
            "temperature": sc.array(dims=["temperature"], values=temperature, unit="K"),
            "initial_field": sc.scalar(float(initial), unit="T"),
        },
    )
    return result if field_change is None else result["field", 0].copy()
