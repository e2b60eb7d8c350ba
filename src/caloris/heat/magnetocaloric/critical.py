"""Order of a magnetic transition: Arrott plot with the Banerjee criterion, field exponent n, universal curve.

Landau: B/M = A(T) + b M^2 (+ c M^4); b < 0, a negative slope of M^2 over B/M, marks a first-order transition.
n(T, B) = d ln|dS| / d ln B: 1 deep in a ferromagnet, 2 in a paramagnet, above 2 near a first-order transition.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.magnetocaloric.tables import DIMS, Numbers, checked
from caloris.units import Quantity, magnitude


@dataclass(frozen=True, repr=False)
class ArrottPlot:
    """Isotherms of M^2 over B/M, their straight lines and what they say; made by :func:`arrott_plot`."""

    square: sc.DataArray
    """M^2 over field and temperature, without the zero field."""
    ratio: sc.DataArray
    """B/M over field and temperature; NaN where M = 0."""
    intercept: sc.DataArray
    """A(T) of B/M = A + b M^2, over temperature."""
    slope: sc.DataArray
    """b(T), over temperature."""
    curie_temperature: sc.Variable | None
    """Where A(T) passes from negative to positive, K; None if it does not within the table."""
    negative_slope: sc.DataArray
    """True where an isotherm has a negative slope, over temperature."""
    remarks: tuple[str, ...]

    @property
    def order(self) -> Literal["first", "second"]:
        """By the Banerjee criterion."""
        return "first" if bool(np.any(self.negative_slope.values)) else "second"

    def __repr__(self) -> str:
        T = "unknown" if self.curie_temperature is None else f"{self.curie_temperature.value:.2f} K"
        return f"<ArrottPlot: {self.order} order (Banerjee), A(T) = 0 at {T}>"


@dataclass(frozen=True, repr=False)
class UniversalCurve:
    """Entropy changes rescaled to one curve; made by :func:`universal_curve`."""

    curve: sc.DataArray
    """dS / dS_peak over ``field`` and ``reduced_temperature``."""
    dispersion: sc.Variable
    """Largest difference between two fields at one reduced temperature; 0 for a perfect collapse."""
    dropped_fields: sc.Variable
    """Fields whose curve is cut by the temperature window, T."""

    def __repr__(self) -> str:
        return f"<UniversalCurve of {self.curve.sizes['field']} fields, dispersion {self.dispersion.value:.3g}>"


def arrott_plot(
    magnetisation: sc.DataArray, *, fields: tuple[Quantity, Quantity] | None = None, tolerance: float = 0.01
) -> ArrottPlot:
    """Draw M^2 against B/M and fit straight lines.

    Parameters
    ----------
    magnetisation:
        Over internal ``field`` (T) and ``temperature`` (K), in A/m or A*m^2/kg.
    fields:
        Lowest and highest field of the straight lines; the upper half of the fields if absent. Low fields are left
        out because domains bend the isotherms there, fields far above because higher powers of M do.
    tolerance:
        By which fraction B/M must fall along an isotherm, as the field rises, to count as a negative slope; 5
        standard deviations come on top, of the variances of M or, without, of its jumps from field to field.

    Returns
    -------
    :
        Isotherms, lines, Curie temperature and order.

    Raises
    ------
    InputError
        If the magnetisation is not as described, or fewer than 2 fields are left for the lines.

    Notes
    -----
    Arrott, Phys. Rev. 108, 1394 (1957); Banerjee, Phys. Lett. 12, 16 (1964). At a first-order transition A(T) = 0 marks
    the end of metastability and not the transition. Fluctuations bend the isotherms of a second-order transition too:
    the lines are those of mean field, the Curie temperature is no better than that.

    Examples
    --------
    B = 0.01 (T - 300) M + 1e-5 M^3 is of second order, with its Curie temperature at 300 K:

    >>> from caloris.heat.magnetocaloric import table
    >>> T = np.linspace(292.5, 307.5, 4)
    >>> field = np.linspace(0, 2, 9)
    >>> roots = [[max(np.roots([1e-5, 0, 0.01 * (t - 300), -b]).real) for t in T] for b in field]
    >>> axes = [sc.array(dims=[d], values=v, unit=u) for d, v, u in (("field", field, "T"), ("temperature", T, "K"))]
    >>> arrott_plot(table(*axes, np.array(roots), unit="A*m^2/kg"))
    <ArrottPlot: second order (Banerjee), A(T) = 0 at 300.00 K>
    """
    grid = checked(magnetisation, "magnetisation")
    if not 0 <= tolerance < 1:
        raise InputError(f"tolerance: a fraction between 0 and 1, got {tolerance!r}")
    B, M = grid.field[grid.field > 0], grid.values[grid.field > 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(M > 0, B[:, None] / np.where(M > 0, M, 1.0), np.nan)
    low, high = _field_range(B, fields)
    chosen = np.clip(B, low, high) == B
    if np.count_nonzero(chosen) < 2:
        raise InputError(f"fields: only {np.count_nonzero(chosen)} field from {low:g} to {high:g} T; a line needs 2")
    slope, intercept = _lines(M[chosen] ** 2, ratio[chosen])
    error = np.zeros_like(M) if grid.variances is None else np.sqrt(grid.variances[grid.field > 0])
    judged = low <= B if fields is not None else np.ones(len(B), dtype=bool)
    susceptibility = M[judged] / B[judged][:, None]
    error = error[judged] / B[judged][:, None] if grid.variances is not None else _noise(susceptibility)
    negative = _rises(susceptibility, error, tolerance)
    curie = _crossing(grid.temperature, intercept)
    remarks = [f"straight lines from {low:g} to {high:g} T"]
    if curie is None:
        remarks.append("A(T) does not pass through 0 from below: no Curie temperature within the table")
    if negative.any():
        remarks.append("a slope is negative: first order; A(T) = 0 is the end of metastability, not the transition")
    unit, ratio_unit = sc.Unit(grid.unit), sc.Unit("T") / sc.Unit(grid.unit)
    coords = {
        "field": sc.array(dims=["field"], values=B, unit="T"),
        "temperature": sc.array(dims=["temperature"], values=grid.temperature, unit="K"),
    }

    def over_temperature(values: Numbers, unit: sc.Unit | None) -> sc.DataArray:
        data = sc.array(dims=["temperature"], values=values, unit=unit)
        return sc.DataArray(data, coords={"temperature": coords["temperature"]})

    return ArrottPlot(
        square=sc.DataArray(sc.array(dims=list(DIMS), values=M**2, unit=unit**2), coords=coords),
        ratio=sc.DataArray(sc.array(dims=list(DIMS), values=ratio, unit=ratio_unit), coords=coords),
        intercept=over_temperature(intercept, ratio_unit),
        slope=over_temperature(slope, ratio_unit / unit**2),
        curie_temperature=None if curie is None else sc.scalar(curie, unit="K"),
        negative_slope=over_temperature(negative, None),
        remarks=tuple(remarks),
    )


def field_exponent(entropy_change: sc.DataArray, *, method: Literal["local", "fit"] = "local") -> sc.DataArray:
    """Return the exponent n of dS ~ B^n.

    Parameters
    ----------
    entropy_change:
        J/kg/K over ``field`` (T) and ``temperature`` (K), counted from zero field.
    method:
        ``"local"``: the slope of ln|dS| over ln B at each field. ``"fit"``: of one straight line through all fields.

    Returns
    -------
    :
        Dimensionless, over ``("field", "temperature")`` without the zero field, or over ``temperature``. NaN where
        the entropy change is 0 or changes its sign between neighbouring fields.

    Raises
    ------
    InputError
        If the entropy change is not over field and temperature, does not count from zero field, has fewer than 3
        fields above 0 or values that are not finite.

    Notes
    -----
    Law et al., Nat. Commun. 9, 2680 (2018): n > 2 near the transition marks first order. Where conventional and
    inverse effects meet, or noise is as large as dS, n exceeds 2 as well and means nothing.

    Examples
    --------
    >>> B = sc.array(dims=["field"], values=[0.0, 1.0, 2.0, 4.0], unit="T")
    >>> T = sc.array(dims=["temperature"], values=[400.0], unit="K")
    >>> dS = sc.array(dims=["field", "temperature"], values=[[0.0], [-0.1], [-0.4], [-1.6]], unit="J/kg/K")
    >>> n = field_exponent(sc.DataArray(dS, coords={"field": B, "temperature": T}))
    >>> n.values[:, 0].round(6)
    array([2., 2., 2.])
    """
    B, values = _checked_changes(entropy_change)
    with np.errstate(divide="ignore"):
        log = np.log(np.abs(values))
    log_field = np.log(B)
    coords = {"temperature": entropy_change.coords["temperature"]}
    if method == "fit":
        usable = np.all(np.isfinite(log), axis=0) & (np.all(values > 0, axis=0) | np.all(values < 0, axis=0))
        centred = log_field - log_field.mean()
        slope = centred @ np.where(usable, log, 0.0) / (centred @ centred)
        fitted = sc.array(dims=["temperature"], values=np.where(usable, slope, np.nan), unit="dimensionless")
        return sc.DataArray(fitted, coords=coords)
    if method != "local":
        raise InputError(f"method: expected 'local' or 'fit', got {method!r}")
    with np.errstate(invalid="ignore"):
        n = np.gradient(log, log_field, axis=0)
    sign = np.sign(values)
    same = sign[1:] * sign[:-1] > 0
    kept = np.ones(values.shape, dtype=bool)
    kept[1:] &= same
    kept[:-1] &= same
    return sc.DataArray(
        sc.array(dims=list(DIMS), values=np.where(kept, n, np.nan), unit="dimensionless"),
        coords={"field": sc.array(dims=["field"], values=B, unit="T"), **coords},
    )


def universal_curve(entropy_change: sc.DataArray, *, level: float = 0.5) -> UniversalCurve:
    """Rescale entropy changes at several fields to one curve.

    Parameters
    ----------
    entropy_change:
        J/kg/K over ``field`` (T) and ``temperature`` (K).
    level:
        Part of the peak that defines the two reference temperatures, between 0 and 1.

    Returns
    -------
    :
        dS/dS_peak over theta, which is -1 and 1 at the reference temperatures and 0 at the peak, and its dispersion
        between -1 and 1.

    Raises
    ------
    InputError
        If the entropy change is not as described, or fewer than 2 fields have both reference temperatures.

    Notes
    -----
    Franco, Blazquez and Conde, Appl. Phys. Lett. 89, 222512 (2006), with two reference temperatures; second-order
    transitions collapse, first-order ones do not (Bonilla et al., Phys. Rev. B 81, 224424 (2010)). The peak is taken
    at a temperature of the grid: a coarse grid disperses the curves by itself.
    """
    if not 0 < level < 1:
        raise InputError(f"level: a part of the peak between 0 and 1, got {level!r}")
    B, values = _checked_changes(entropy_change, least=2)
    T = np.asarray(entropy_change.coords["temperature"].values, dtype=float)
    theta = np.linspace(-1.0, 1.0, 81)
    rows: list[Numbers] = []
    kept: list[float] = []
    dropped: list[float] = []
    for field, row in zip(B, np.abs(values), strict=True):
        scaled = _rescaled(T, row, level, theta)
        (kept if scaled is not None else dropped).append(field)
        if scaled is not None:
            rows.append(scaled)
    if len(rows) < 2:
        raise InputError(f"entropy change: at {len(rows)} field only both flanks reach {level:g} of the peak; needs 2")
    curves = np.array(rows)
    return UniversalCurve(
        curve=sc.DataArray(
            sc.array(dims=["field", "reduced_temperature"], values=curves, unit="dimensionless"),
            coords={
                "field": sc.array(dims=["field"], values=kept, unit="T"),
                "reduced_temperature": sc.array(dims=["reduced_temperature"], values=theta, unit="dimensionless"),
            },
        ),
        dispersion=sc.scalar(float(np.max(curves.max(axis=0) - curves.min(axis=0)))),
        dropped_fields=sc.array(dims=["field"], values=np.array(dropped, dtype=float), unit="T"),
    )


def _field_range(B: Numbers, fields: tuple[Quantity, Quantity] | None) -> tuple[float, float]:
    if fields is None:
        return float(0.5 * B[-1]), float(B[-1])
    low, high = (magnitude(value, "T", "fields") for value in fields)
    if not low < high:
        raise InputError(f"fields: the first must be below the second, got {low:g} and {high:g} T")
    return low, high


def _lines(square: Numbers, ratio: Numbers) -> tuple[Numbers, Numbers]:
    """Least-squares lines ratio = A + b square, one for each temperature; NaN where M = 0 at a chosen field."""
    x, y = square - square.mean(axis=0), ratio - ratio.mean(axis=0)
    spread = (x * x).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(spread > 0, (x * y).sum(axis=0) / spread, np.nan)
    return slope, ratio.mean(axis=0) - slope * square.mean(axis=0)


def _noise(susceptibility: Numbers) -> Numbers:
    """Noise of every point, from how its isotherm jumps from field to field; a smooth bend counts little."""
    if len(susceptibility) < 4:
        return np.zeros_like(susceptibility)
    relative = np.abs(np.diff(np.log(np.maximum(susceptibility, 1e-300)), 3, axis=0)) / np.sqrt(20.0)
    return np.asarray(1.4826 * np.median(relative, axis=0) * susceptibility)


def _rises(susceptibility: Numbers, error: Numbers, tolerance: float) -> Numbers:
    """Whether M/B rises with the field, so that B/M falls and M^2 over B/M goes backwards, at each temperature.

    M/B and not B/M: its errors stay symmetric where M is small. 5 standard deviations, as all pairs are compared.
    """
    rises = np.zeros(susceptibility.shape[1], dtype=bool)
    for later in range(1, len(susceptibility)):
        before, now = susceptibility[:later], susceptibility[later]
        noise = 5 * np.hypot(error[:later], error[later])
        rises |= np.any((before > 0) & (now - before > tolerance * now + noise), axis=0)
    return rises


def _crossing(T: Numbers, intercept: Numbers) -> float | None:
    rising = np.flatnonzero((intercept[:-1] <= 0) & (intercept[1:] > 0))
    if not len(rising):
        return None
    at = int(rising[-1])
    part = -intercept[at] / (intercept[at + 1] - intercept[at])
    return float(T[at] + part * (T[at + 1] - T[at]))


def _checked_changes(changes: sc.DataArray, *, least: int = 3) -> tuple[Numbers, Numbers]:
    if not isinstance(changes, sc.DataArray) or changes.dims != DIMS or any(d not in changes.coords for d in DIMS):
        raise InputError(f"entropy change: expected a data array over {DIMS}, as without field_change")
    if changes.unit != sc.Unit("J/kg/K") or changes.coords["field"].unit != sc.Unit("T"):
        raise InputError(f"entropy change: is in {changes.unit} over {changes.coords['field'].unit}; use J/kg/K and T")
    B = np.asarray(changes.coords["field"].values, dtype=float)
    initial = float(changes.coords["initial_field"].value) if "initial_field" in changes.coords else 0.0
    if initial != 0:
        raise InputError(
            f"entropy change: counts from {initial:g} T; it must count from 0: add the magnetisation in zero field"
        )
    values = np.asarray(changes.values, dtype=float)[B > 0]
    if len(values) < least or np.any(np.diff(B) <= 0):
        raise InputError(f"entropy change: needs at least {least} increasing fields above 0, has {len(values)}")
    if not np.all(np.isfinite(values)):
        raise InputError("entropy change: has values that are not finite; select the temperatures where it is known")
    return B[B > 0], values


def _rescaled(T: Numbers, row: Numbers, level: float, theta: Numbers) -> Numbers | None:
    at, top = int(np.argmax(row)), float(row.max())
    low = np.flatnonzero(row[:at] < level * top)
    high = np.flatnonzero(row[at + 1 :] < level * top)
    if top == 0 or not len(low) or not len(high):
        return None
    i, j = int(low[-1]), at + 1 + int(high[0])
    first = np.interp(level * top, [row[i], row[i + 1]], [T[i], T[i + 1]])
    last = np.interp(level * top, [row[j], row[j - 1]], [T[j], T[j - 1]])
    where = T[at] + np.where(theta < 0, theta * (T[at] - first), theta * (last - T[at]))
    return np.asarray(np.interp(where, T, row) / top)
