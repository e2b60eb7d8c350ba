"""Entropy change from magnetisation by the Maxwell relation, dS = (1/rho) int (dM/dT)_B dB.

M in A/m (with a density) or A m2/kg, B = mu0 H in T, dS in J/kg/K. The slope between two isotherms belongs to the
temperature midway between them; fields are summed by the trapezoidal rule. The sign is kept: a conventional effect is
negative, an inverse one positive.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.magnetocaloric.tables import DIMS, Grid, Numbers, checked, density_error, per_mass
from caloris.heat.merit import peak
from caloris.units import Quantity, magnitude


@dataclass(frozen=True)
class EntropyPeak:
    """The largest change of a curve, with its sign and place."""

    value: sc.Variable
    """In the unit of the curve; positive for an inverse effect."""
    temperature: sc.Variable
    """K."""

    @property
    def is_inverse(self) -> bool:
        """Whether the entropy rises with the field."""
        return bool(self.value.value > 0)


def maxwell_entropy_change(
    magnetisation: sc.DataArray, *, density: Quantity | None = None, field_change: Quantity | None = None
) -> sc.DataArray:
    """Return the isothermal entropy change from the lowest field of a magnetisation to higher ones.

    Parameters
    ----------
    magnetisation:
        Over ``field`` (T) and ``temperature`` (K), in A/m or A*m^2/kg; isotherms need not be equally spaced.
    density:
        Scalar, kg/m^3; needed where the magnetisation is per volume, refused where it is per mass. Its variance is a
        common error of all values.
    field_change:
        Scalar, T, counted from the lowest field; between two fields of the table the magnetisation is interpolated.
        All fields of the table if absent.

    Returns
    -------
    :
        J/kg/K at the midpoints of neighbouring temperatures, over ``("field", "temperature")``, or over
        ``temperature`` for one field change; coordinate ``initial_field`` (T). Variances where the magnetisation has
        them.

    Raises
    ------
    InputError
        If the magnetisation or the density is not as described, or the field change not within the table.

    Notes
    -----
    Maxwell relation (dS/dB)_T = (dM/dT)_B. Two neighbouring midpoints share an isotherm, so their errors are
    correlated (by -1/2 for equal steps and errors): see :func:`maxwell_covariance` before adding errors over
    temperature. The error of the finite steps themselves is not in the variances.

    Examples
    --------
    Curie's law, M = C B / T, has dS = -C B^2 / (2 T^2):

    >>> from caloris.heat.magnetocaloric import table
    >>> B, T = np.linspace(0, 5, 11), np.linspace(9.9, 10.1, 3)
    >>> axes = [sc.array(dims=[d], values=v, unit=u) for d, v, u in (("field", B, "T"), ("temperature", T, "K"))]
    >>> M = table(*axes, 2.0 * B[:, None] / T, unit="A*m^2/kg")
    >>> maxwell_entropy_change(M, field_change="5 T").values.round(3)
    array([-0.253, -0.248])
    """
    grid = per_mass(checked(magnetisation, "magnetisation"), density)
    ends = _ends(grid.field, field_change)
    weights = field_weights(grid.field, ends)
    steps = np.diff(grid.temperature)
    values = weights @ (np.diff(grid.values, axis=1) / steps)
    variances = None
    if grid.variances is not None or density_error(density) > 0:
        own = np.zeros_like(grid.values) if grid.variances is None else grid.variances
        variances = weights**2 @ ((own[:, 1:] + own[:, :-1]) / steps**2) + (values * density_error(density)) ** 2
    changes = sc.array(dims=list(DIMS), values=values, variances=variances, unit="J/kg/K")
    middle = 0.5 * (grid.temperature[1:] + grid.temperature[:-1])
    coords = {
        "field": sc.array(dims=["field"], values=ends, unit="T"),
        "temperature": sc.array(dims=["temperature"], values=middle, unit="K"),
        "initial_field": sc.scalar(float(grid.field[0]), unit="T"),
    }
    result = sc.DataArray(changes, coords=coords)
    return result if field_change is None else result["field", 0].copy()


def maxwell_covariance(
    magnetisation: sc.DataArray, field_change: Quantity, *, density: Quantity | None = None
) -> sc.DataArray:
    """Return the covariance of the entropy changes at different temperatures.

    Parameters
    ----------
    magnetisation:
        As for :func:`maxwell_entropy_change`, with variances.
    field_change, density:
        As for :func:`maxwell_entropy_change`.

    Returns
    -------
    :
        (J/kg/K)^2 over ``("temperature", "other_temperature")``, K.

    Raises
    ------
    InputError
        As for :func:`maxwell_entropy_change`, or if the magnetisation has no variances.

    Notes
    -----
    Readings of M are taken as independent. Neighbouring midpoints share an isotherm, with opposite signs.
    """
    grid = per_mass(checked(magnetisation, "magnetisation"), density)
    if grid.variances is None:
        raise InputError("magnetisation: has no variances; give its standard deviations as errors of the table")
    change = maxwell_entropy_change(magnetisation, density=density, field_change=field_change)
    weights = field_weights(grid.field, _ends(grid.field, field_change))[0]
    along = weights**2 @ grid.variances  # variance of int M dB on each isotherm
    steps = np.diff(grid.temperature)
    covariance = np.diag((along[1:] + along[:-1]) / steps**2)
    shared = -along[1:-1] / (steps[1:] * steps[:-1])
    covariance += np.diag(shared, 1) + np.diag(shared, -1)
    covariance += density_error(density) ** 2 * np.outer(change.values, change.values)
    middle = change.coords["temperature"]
    return sc.DataArray(
        sc.array(dims=["temperature", "other_temperature"], values=covariance, unit=sc.Unit("J/kg/K") ** 2),
        coords={"temperature": middle, "other_temperature": middle.rename_dims(temperature="other_temperature")},
    )


def entropy_peak(curve: sc.DataArray) -> EntropyPeak:
    """Return the largest change of a curve with its sign: conventional effects negative, inverse ones positive.

    Parameters
    ----------
    curve:
        Entropy or temperature change over ``temperature``.

    Returns
    -------
    :
        Value and temperature; the variance of that point is kept.

    Raises
    ------
    InputError
        As for :func:`caloris.heat.peak`.

    Examples
    --------
    >>> T = sc.array(dims=["temperature"], values=[290.0, 300.0, 310.0], unit="K")
    >>> dS = sc.array(dims=["temperature"], values=[-1.0, 8.0, 0.5], unit="J/kg/K")
    >>> found = entropy_peak(sc.DataArray(dS, coords={"temperature": T}))
    >>> float(found.value.value), found.is_inverse
    (8.0, True)
    """
    peak(curve)  # checks the curve
    at = int(np.argmax(np.abs(curve.values)))
    return EntropyPeak(curve.data["temperature", at].copy(), curve.coords["temperature"]["temperature", at].copy())


def maxwell_temperature_change(
    magnetisation: sc.DataArray,
    heat_capacity: sc.DataArray,
    *,
    density: Quantity | None = None,
    field_change: Quantity | None = None,
) -> sc.DataArray:
    """Return the adiabatic temperature change from magnetisation and heat capacity together.

    Parameters
    ----------
    magnetisation:
        As for :func:`maxwell_entropy_change`.
    heat_capacity:
        cp at constant field, J/kg/K over ``field`` and ``temperature``; its fields must cover those of the
        magnetisation.
    density, field_change:
        As for :func:`maxwell_entropy_change`.

    Returns
    -------
    :
        K, over ``("field", "temperature")`` or over ``temperature``, against the starting temperature in the lowest
        field; NaN where the isentrope leaves the tables. Errors are not propagated.

    Raises
    ------
    InputError
        As for :func:`maxwell_entropy_change`, or if the fields of the heat capacity do not cover those of M.

    Notes
    -----
    dT = -int (T / cp) (dM/dT)_B dB along the isentrope: T and cp are those reached at each field, not those at the
    start. Fourth-order Runge-Kutta from field to field, linear interpolation within the tables.
    """
    from scipy.interpolate import RegularGridInterpolator

    grid = per_mass(checked(magnetisation, "magnetisation"), density)
    cp = checked(heat_capacity, "heat_capacity")
    ends = _ends(grid.field, field_change)
    path = np.unique(np.concatenate([grid.field[grid.field < ends[-1]], ends]))
    if cp.field[0] > path[0] or cp.field[-1] < path[-1] * (1 - 1e-12):
        raise InputError(
            f"heat capacity: is known from {cp.field[0]:g} to {cp.field[-1]:g} T, "
            f"the field change goes from {path[0]:g} to {path[-1]:g} T"
        )
    middle = 0.5 * (grid.temperature[1:] + grid.temperature[:-1])
    slope = np.diff(grid.values, axis=1) / np.diff(grid.temperature)
    options = {"bounds_error": False, "fill_value": np.nan}
    slope_at = RegularGridInterpolator((grid.field, _padded(middle, grid)), _pad(slope), **options)
    capacity_at = RegularGridInterpolator((cp.field, cp.temperature), cp.values, **options)

    def rate(B: float, T: Numbers) -> Numbers:
        at = np.column_stack([np.full_like(T, min(B, cp.field[-1])), T])
        found: Numbers = -T / capacity_at(at) * slope_at(at)
        return found

    changes = _isentropes(rate, path, middle)
    rows = np.searchsorted(path, ends)
    result = sc.DataArray(
        sc.array(dims=list(DIMS), values=changes[rows], unit="K"),
        coords={
            "field": sc.array(dims=["field"], values=ends, unit="T"),
            "temperature": sc.array(dims=["temperature"], values=middle, unit="K"),
            "initial_field": sc.scalar(float(path[0]), unit="T"),
        },
    )
    return result if field_change is None else result["field", 0].copy()


def field_weights(field: Numbers, ends: Numbers) -> Numbers:
    """Weights of the trapezoidal rule from the lowest field to each end, shape (ends, field), in T.

    The integrand is a straight line between two fields, so an end may lie between them.
    """
    steps = np.diff(field)
    weights = np.zeros((len(ends), len(field)))
    part = np.clip((ends[:, None] - field[:-1]) / steps, 0.0, 1.0)
    weights[:, :-1] += steps * (part - 0.5 * part**2)
    weights[:, 1:] += steps * 0.5 * part**2
    return weights


def _ends(field: Numbers, field_change: Quantity | None) -> Numbers:
    if field_change is None:
        return field
    change = magnitude(field_change, "T", "field_change", positive=True)
    most = field[-1] - field[0]
    if change > most * (1 + 1e-9):
        raise InputError(f"field_change: {change:g} T is more than the table has ({field[0]:g} to {field[-1]:g} T)")
    return np.array([min(field[0] + change, field[-1])])


def _padded(middle: Numbers, grid: Grid) -> Numbers:
    """Midpoints and both outermost isotherms: in the outer half steps the slope is that of the whole step."""
    return np.concatenate([grid.temperature[:1], middle, grid.temperature[-1:]])


def _pad(slope: Numbers) -> Numbers:
    return np.concatenate([slope[:, :1], slope, slope[:, -1:]], axis=1)


def _isentropes(rate: Callable[[float, Numbers], Numbers], path: Numbers, start: Numbers) -> Numbers:
    """Temperature change at each field of the path, shape (path, start)."""
    T = start.copy()
    changes = [np.zeros_like(T)]
    for B, B_next in pairwise(path):
        h = B_next - B
        k1 = rate(B, T)
        k2 = rate(B + 0.5 * h, T + 0.5 * h * k1)
        k3 = rate(B + 0.5 * h, T + 0.5 * h * k2)
        k4 = rate(B_next, T + h * k3)
        T = T + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        changes.append(T - start)
    return np.array(changes)
