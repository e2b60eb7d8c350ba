"""First-order transitions: Clausius-Clapeyron bound, guard against spurious Maxwell peaks, hysteresis.

dS_CC = -dM dB_t/dT = -dM / (dT_t/dB), J/kg/K. Where phases coexist and the transition is hysteretic, isotherms that
do not start from one phase (a continuous protocol) make the Maxwell relation count the change of the phase mixture with
temperature as entropy: the peak has no physical meaning and may exceed every bound.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.magnetocaloric.maxwell import entropy_peak, field_weights
from caloris.heat.magnetocaloric.tables import Grid, checked, per_mass
from caloris.heat.merit import half_maximum, refrigerant_capacity
from caloris.units import Quantity, magnitude, quantity

Protocol = Literal["discontinuous", "continuous"]
"""Discontinuous: before each isotherm the sample is brought through the transition into one phase, in zero field."""


@dataclass(frozen=True)
class MaxwellCheck:
    """What speaks against a Maxwell entropy change, in words and numbers."""

    largest: sc.Variable
    """Signed, J/kg/K."""
    temperature: sc.Variable
    """Of the largest change, K."""
    bounds: dict[str, sc.Variable]
    """By name, J/kg/K."""
    exceeding: sc.DataArray
    """True where the curve exceeds the lowest bound, over temperature."""
    warnings: tuple[str, ...]

    @property
    def is_spurious(self) -> bool:
        """Whether the curve exceeds a bound."""
        return bool(np.any(self.exceeding.values))

    def __str__(self) -> str:
        head = f"largest entropy change {self.largest.value:.4g} J/kg/K at {self.temperature.value:.4g} K"
        return "\n".join([head, *(f"warning: {line}" for line in self.warnings)])


def clausius_clapeyron_entropy_change(
    magnetisation_change: Quantity, slope: Quantity, *, density: Quantity | None = None
) -> sc.Variable:
    """Return the entropy change of a field-driven transition, -dM dB_t/dT.

    Parameters
    ----------
    magnetisation_change:
        M of the phase at high field less that at low field, scalar; A/m or A*m^2/kg (emu/g).
    slope:
        Of the transition: dT_t/dB (K/T) or dB_t/dT (T/K), scalar.
    density:
        kg/m^3; needed for A/m.

    Returns
    -------
    :
        Entropy of the phase at high field less that at low field, J/kg/K.

    Raises
    ------
    InputError
        If a unit is wrong, the density missing, or the slope 0.

    Notes
    -----
    Giguere et al., Phys. Rev. Lett. 83, 2262 (1999).

    Examples
    --------
    >>> clausius_clapeyron_entropy_change("80 emu/g", "4 K/T")
    <scipp.Variable> ()    float64       [J/kg/K]  -20
    """
    per_field = None
    for unit, invert in (("K/T", True), ("T/K", False)):
        try:
            number = magnitude(slope, unit, "slope")
        except InputError:
            continue
        if number == 0:
            raise InputError("slope: is 0; the transition does not move with the field, the bound does not exist")
        per_field = 1 / number if invert else number
    if per_field is None:
        raise InputError(f"slope: expected dT_t/dB such as '4 K/T' or dB_t/dT such as '0.25 T/K', got {slope!r}")
    try:
        change = magnitude(magnetisation_change, "A*m^2/kg", "magnetisation_change")
    except InputError:
        change = magnitude(magnetisation_change, "A/m", "magnetisation_change")
        if density is None:
            raise InputError("density: is needed for a magnetisation per volume, e.g. '7000 kg/m^3'") from None
        change /= magnitude(density, "kg/m^3", "density", positive=True)
    else:
        if density is not None:
            raise InputError("density: the magnetisation is per mass already; leave the density out")
    return sc.scalar(-change * per_field, unit="J/kg/K")


def check_maxwell(
    entropy_change: sc.DataArray,
    *,
    clausius_clapeyron: Quantity | None = None,
    transition_entropy: Quantity | None = None,
    protocol: Protocol | None = None,
) -> MaxwellCheck:
    """Hold a Maxwell entropy change against what thermodynamics allows.

    Parameters
    ----------
    entropy_change:
        J/kg/K over ``temperature``, for one field change.
    clausius_clapeyron:
        From :func:`clausius_clapeyron_entropy_change`, scalar; its magnitude counts.
    transition_entropy:
        Entropy of the whole transition, for example from calorimetry, scalar, J/kg/K; its magnitude counts.
    protocol:
        How the isotherms were measured; None if it is not known.

    Returns
    -------
    :
        Where the curve exceeds the bounds, and warnings in words.

    Raises
    ------
    InputError
        If the curve or a bound is not as described, or the protocol unknown.

    Notes
    -----
    The bounds are those of the transition alone. The change within each phase comes on top of them: an excess of a
    few per cent need not be spurious, a sharp spike is. Liu et al., Appl. Phys. Lett. 90, 032507 (2007); protocol:
    Caron et al., J. Magn. Magn. Mater. 321, 3559 (2009).

    Examples
    --------
    >>> T = sc.array(dims=["temperature"], values=[290.0, 300.0, 310.0], unit="K")
    >>> dS = sc.array(dims=["temperature"], values=[-10.0, -60.0, -5.0], unit="J/kg/K")
    >>> found = check_maxwell(
    ...     sc.DataArray(dS, coords={"temperature": T}), clausius_clapeyron="-20 J/kg/K", protocol="discontinuous"
    ... )
    >>> print(found)
    largest entropy change -60 J/kg/K at 300 K
    warning: exceeds the Clausius-Clapeyron bound of 20 J/kg/K at 300 K by a factor of 3: a spurious peak is likely
    """
    if protocol not in (None, "discontinuous", "continuous"):
        raise InputError(f"protocol: expected 'discontinuous', 'continuous' or None, got {protocol!r}")
    largest = entropy_peak(entropy_change)
    if entropy_change.unit != sc.Unit("J/kg/K"):
        raise InputError(f"entropy change: is in {entropy_change.unit}, expected J/kg/K")
    given = {"Clausius-Clapeyron bound": clausius_clapeyron, "transition entropy": transition_entropy}
    bounds = {
        name: abs(quantity(value, "J/kg/K", name.replace(" ", "_")))
        for name, value in given.items()
        if value is not None
    }
    magnitudes = np.abs(entropy_change.values)
    lowest = min((float(bound.value) for bound in bounds.values()), default=np.inf)
    warnings = [_excess(name, float(bound.value), entropy_change) for name, bound in bounds.items()]
    if protocol == "continuous":
        warnings.append(
            "measured with a continuous protocol: if the transition is of first order with hysteresis, isotherms that "
            "start from a mixture of phases make a spurious peak; measure discontinuously"
        )
    if protocol is None:
        warnings.append(
            "the protocol is not stated: for a first-order transition with hysteresis the Maxwell relation holds only "
            "if each isotherm starts from one phase (discontinuous protocol)"
        )
    if not bounds:
        warnings.append("no bound given: a spurious peak cannot be excluded; give clausius_clapeyron or another")
    exceeding = sc.DataArray(
        sc.array(dims=["temperature"], values=magnitudes > lowest),
        coords={"temperature": entropy_change.coords["temperature"]},
    )
    return MaxwellCheck(largest.value, largest.temperature, bounds, exceeding, tuple(line for line in warnings if line))


def hysteresis_loss(
    increasing: sc.DataArray,
    decreasing: sc.DataArray,
    *,
    density: Quantity | None = None,
    field_change: Quantity | None = None,
) -> sc.DataArray:
    """Return the work lost in a field cycle, the area between both branches of the isotherms.

    Parameters
    ----------
    increasing, decreasing:
        Magnetisation while the field rises and falls, on the same fields (increasing order) and temperatures.
    density, field_change:
        As for :func:`caloris.heat.magnetocaloric.maxwell_entropy_change`; the whole range of fields if absent.

    Returns
    -------
    :
        J/kg over ``temperature``.

    Raises
    ------
    InputError
        If the tables are not as described or do not share their axes.
    """
    up = per_mass(checked(increasing, "magnetisation"), density)
    down = per_mass(checked(decreasing, "magnetisation"), density)
    if not _same_axes(up, down):
        raise InputError("decreasing: has other fields or temperatures than the increasing branch; interpolate first")
    span = up.field[-1] - up.field[0]
    change = span if field_change is None else magnitude(field_change, "T", "field_change", positive=True)
    if change > span * (1 + 1e-9):
        raise InputError(f"field_change: {change:g} T is more than the tables have ({span:g} T)")
    weights = field_weights(up.field, np.array([up.field[0] + change]))[0]
    variances = None
    if up.variances is not None and down.variances is not None:
        variances = weights**2 @ (up.variances + down.variances)
    return sc.DataArray(
        sc.array(dims=["temperature"], values=weights @ (down.values - up.values), variances=variances, unit="J/kg"),
        coords={"temperature": sc.array(dims=["temperature"], values=up.temperature, unit="K")},
    )


def net_refrigerant_capacity(entropy_change: sc.DataArray, loss: Quantity | sc.DataArray) -> sc.Variable:
    """Return the refrigerant capacity less the hysteresis loss.

    Parameters
    ----------
    entropy_change:
        J/kg/K over ``temperature``; conventional or inverse.
    loss:
        Scalar, J/kg, or the curve of :func:`hysteresis_loss`, of which the mean over the half-maximum width counts.

    Returns
    -------
    :
        J/kg; negative where hysteresis costs more than the material gives.

    Raises
    ------
    InputError
        If :func:`caloris.heat.refrigerant_capacity` refuses the curve, or the loss is negative, has a wrong unit or
        does not cover the peak.

    Notes
    -----
    Provenzano, Shapiro and Shull, Nature 429, 853 (2004): the average hysteresis loss is taken off the refrigerant
    capacity.

    Examples
    --------
    >>> T = sc.array(dims=["temperature"], values=[300.0, 310.0, 320.0, 330.0, 340.0], unit="K")
    >>> dS = sc.array(dims=["temperature"], values=[0.0, 0.0, 100.0, 0.0, 0.0], unit="J/kg/K")
    >>> net_refrigerant_capacity(sc.DataArray(dS, coords={"temperature": T}), "50 J/kg")
    <scipp.Variable> ()    float64         [J/kg]  700
    """
    capacity = refrigerant_capacity(entropy_change)
    lost = _mean_loss(entropy_change, loss) if isinstance(loss, sc.DataArray) else magnitude(loss, "J/kg", "loss")
    if lost < 0:
        raise InputError(f"loss: must not be negative, got {lost:g} J/kg; are the branches swapped?")
    return sc.scalar(float(capacity.value) - lost, unit="J/kg")


def _excess(name: str, bound: float, curve: sc.DataArray) -> str:
    magnitudes = np.abs(curve.values)
    if not np.any(magnitudes > bound):
        return ""
    at = int(np.argmax(magnitudes))
    T = curve.coords["temperature"].values[at]
    factor = f"by a factor of {magnitudes[at] / bound:.3g}" if bound > 0 else "of 0"
    return f"exceeds the {name} of {bound:.4g} J/kg/K at {T:.4g} K {factor}: a spurious peak is likely"


def _same_axes(a: Grid, b: Grid) -> bool:
    pairs = ((a.field, b.field), (a.temperature, b.temperature))
    return all(len(x) == len(y) and bool(np.allclose(x, y, rtol=1e-9)) for x, y in pairs)


def _mean_loss(curve: sc.DataArray, loss: sc.DataArray) -> float:
    if loss.dims != ("temperature",) or loss.unit != sc.Unit("J/kg") or "temperature" not in loss.coords:
        raise InputError(f"loss: expected J/kg over temperature, got {loss.unit} over {loss.dims}")
    low, high = half_maximum(curve.coords["temperature"].values, curve.values)
    width = high - low
    known = loss.coords["temperature"].values
    if known[0] > low or known[-1] < low + width:
        raise InputError(
            f"loss: is known from {known[0]:g} to {known[-1]:g} K, the peak reaches from {low:g} to {low + width:g} K"
        )
    grid = np.unique(np.concatenate([[low, low + width], known[(known > low) & (known < low + width)]]))
    return float(np.trapezoid(np.interp(grid, known, loss.values), grid) / width)
