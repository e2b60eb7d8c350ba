"""From simulated tables V(T, p) and H(T, p) to the caloric effect with errors: the whole chain.

``analyse`` finds the transition of every isobar, fits both phases, builds entropy surfaces by the quasi-direct method,
draws what is uncertain, goes the indirect (Maxwell) route besides, and tests whether the numbers fit together;
``from_campaign`` returns the caloric effect alone.
"""

from collections.abc import Callable, Mapping

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.caloric import CaloricEffect
from caloris.heat.calorimetry.phase_heat_capacity import Curve
from caloris.heat.simulated.assignment import Assigned, assign
from caloris.heat.simulated.branch_line import LINE_SHAPES, LineShape
from caloris.heat.simulated.closure import by_history, closure
from caloris.heat.simulated.indirect import Indirect, indirect
from caloris.heat.simulated.model import SimulatedModel, build
from caloris.heat.simulated.numbers import CHECKS, collect, grids_of, headline_of, numbers_of
from caloris.heat.simulated.result import SimulationResult
from caloris.heat.simulated.table import History, SimulatedTable, table_of
from caloris.heat.two_phase import HYSTERESIS_UNKNOWN, Array
from caloris.units import Quantity, magnitude

Correction = sc.DataArray | Mapping[str, sc.DataArray]
Progress = Callable[[str, float], None]
CLASSICAL = (
    "heat capacities are classical (every vibration counts in full), so too high for stiff bonds: the adiabatic "
    "temperature change is understated; give heat_capacity_correction"
)


def from_campaign(
    source: object,
    *,
    name: str = "simulation",
    shape: LineShape = "auto",
    heat_capacity_correction: Correction | None = None,
    seed: int = 1,
) -> CaloricEffect:
    """Return the barocaloric effect of a simulation over pressure, temperature and history.

    Parameters
    ----------
    source, name, shape, heat_capacity_correction, seed:
        As for :func:`analyse`.

    Returns
    -------
    :
        The effect: one type with that of a card and of calorimetry, so that they overlay.

    Raises
    ------
    InputError
        As for :func:`analyse`.

    Notes
    -----
    Source: quasi-direct method of Moya, Lloveras, Manosa and Tamarit, with simulated enthalpies and volumes.

    Examples
    --------
    >>> from caloris.heat import TwoPhase
    >>> from caloris.heat.simulated import synthetic_table
    >>> from caloris.materials import load
    >>> model = TwoPhase.from_material(load("NH4SCN"))
    >>> temperatures = [f"{T} K" for T in range(290, 420, 5)]
    >>> table = synthetic_table(model, pressures=["0 MPa", "50 MPa", "100 MPa"], temperatures=temperatures)
    >>> effect = from_campaign(table)
    >>> round(float(effect.entropy_change("100 MPa").max().value))
    128
    """
    result = analyse(
        source, name=name, shape=shape, heat_capacity_correction=heat_capacity_correction, draws=0, seed=seed
    )
    return result.effect


def analyse(
    source: object,
    *,
    name: str = "simulation",
    shape: LineShape = "auto",
    heat_capacity: Quantity | None = None,
    heat_capacity_correction: Correction | None = None,
    draws: int = 200,
    seed: int = 1,
    progress: Progress | None = None,
) -> SimulationResult:
    """Analyse a simulation over pressure, temperature and history.

    Parameters
    ----------
    source:
        A table (``scipp.Dataset`` or ``DataGroup``) with ``specific_volume`` (m^3/kg) and ``specific_enthalpy`` (J/kg),
        with variances, over ``pressure`` and ``temperature``, and ``history`` (``"heating"``, ``"cooling"`` or
        ``"equilibrium"``) where there are several; masked where a point failed. Or anything whose ``table()`` gives
        one, such as a campaign. Without variances the scatter about the fits gives the errors.
    name:
        Of the material.
    shape:
        Of the branches T_t(p): ``"linear"``, ``"quadratic"``, ``"clausius-clapeyron"`` (slope dV/dS, for grids too
        coarse to see the transition move) or ``"auto"``.
    heat_capacity:
        One constant, to show the temperature change of the indirect route as it is often published.
    heat_capacity_correction:
        Quantum minus classical heat capacity over ``temperature`` (J/kg/K), of both phases or
        ``{"low": ..., "high": ...}``; added to the simulated one.
    draws, seed:
        Number of Monte Carlo draws (0: no intervals) and the seed of chance.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        Transitions, caloric effect, intervals, the indirect route, closure tests and warnings.

    Raises
    ------
    InputError
        If the table cannot be used (an entry, unit or pressure is missing, a value is not finite and not masked), no
        transition lies within the grid, or an option is unknown.

    Examples
    --------
    >>> from caloris.heat import TwoPhase
    >>> from caloris.heat.simulated import synthetic_table
    >>> from caloris.materials import load
    >>> model = TwoPhase.from_material(load("NH4SCN"))
    >>> table = synthetic_table(
    ...     model,
    ...     pressures=["0 MPa", "50 MPa", "100 MPa"],
    ...     temperatures=[f"{T} K" for T in range(290, 420, 5)],
    ...     histories=("heating", "cooling"),
    ... )
    >>> result = analyse(table, draws=0)
    >>> round(result.headline["slope, heating"].value, 2)
    -0.3
    """
    tell = progress or (lambda words, part: None)
    _check_options(shape, draws, seed)
    constant = None if heat_capacity is None else magnitude(heat_capacity, "J/kg/K", "heat_capacity", positive=True)
    corrections = _corrections(heat_capacity_correction)
    table = table_of(source)
    tell("finding transitions", 0.0)
    entries = assign(table)
    model = build(table, entries, corrections, shape, draws, seed)
    grids = grids_of(model.surfaces, table.pressures)
    numbers, _ = numbers_of(model, model.surfaces, grids)
    drawn = None
    if draws:
        every = model.draw(draws, seed, lambda part: tell("draws", 0.1 + 0.8 * part))
        drawn = collect(model, every, grids)
    found = headline_of(numbers, drawn)
    checks = {key: value for key, value in found.items() if key.startswith(CHECKS)}
    tell("the indirect route", 0.92)
    routes = _indirect(model, constant, draws, seed)
    tell("closure tests", 0.99)
    return SimulationResult(
        name=name,
        table=table,
        model=model,
        assumed=_assumed(table, model, corrections),
        headline={key: value for key, value in found.items() if key not in checks},
        drawn=drawn,
        indirect=routes,
        closure=tuple(closure(model, checks)),
        seed=seed,
    )


def _check_options(shape: str, draws: int, seed: int) -> None:
    if shape not in LINE_SHAPES:
        raise InputError(f"shape: {shape!r} is none of {', '.join(LINE_SHAPES)}")
    if not isinstance(draws, int) or draws < 0 or 0 < draws < 50:
        raise InputError(f"draws: expected 0 (no intervals) or at least 50, got {draws!r}")
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed: expected a whole number that is not negative, got {seed!r}")


def _corrections(given: Correction | None) -> tuple[Curve | None, Curve | None]:
    """Quantum minus classical heat capacity of the low and of the high phase."""
    if given is None:
        return None, None
    if isinstance(given, Mapping):
        if set(given) != {"low", "high"}:
            raise InputError(f"heat_capacity_correction: expected the keys 'low' and 'high', got {', '.join(given)}")
        return _correction(given["low"]), _correction(given["high"])
    curve = _correction(given)
    return curve, curve


def _correction(table: object) -> Curve:
    word = "heat_capacity_correction"
    if not isinstance(table, sc.DataArray) or table.dims != ("temperature",) or "temperature" not in table.coords:
        raise InputError(f"{word}: expected a data array over 'temperature', quantum minus classical, in J/kg/K")
    try:
        values = np.asarray(sc.values(table.data).to(unit="J/kg/K", dtype="float64").values)
        T = np.asarray(table.coords["temperature"].to(unit="K", dtype="float64").values)
    except sc.UnitError:
        raise InputError(f"{word}: {table.unit} over {table.coords['temperature'].unit} is not J/kg/K over K") from None
    if len(T) != len(values) or len(T) < 2 or not np.isfinite([*T, *values]).all() or np.any(np.diff(T) <= 0):
        raise InputError(f"{word}: needs one finite value at each of at least two ascending temperatures")
    return Curve(T, values)


def _assumed(
    table: SimulatedTable, model: SimulatedModel, corrections: tuple[Curve | None, Curve | None]
) -> tuple[str, ...]:
    """What the table does not hold and the result takes."""
    found = []
    if len(table.histories) < 2:
        found.append(HYSTERESIS_UNKNOWN)
        if table.histories != ("equilibrium",):
            (history,) = table.histories
            found.append(
                f"only {history} was simulated: its transition is taken as equilibrium; if it is late by dT, dH/T is "
                "off by dT/T of the entropy of transition"
            )
    if corrections == (None, None):
        found.append(CLASSICAL)
    for word, curve in zip(("low", "high"), corrections, strict=True):
        phase = model.surfaces.low if word == "low" else model.surfaces.high
        first, last = phase.volume.temperatures
        if curve is not None and (curve.temperature[0] > first or curve.temperature[-1] < last):
            found.append(
                f"the correction of the heat capacity reaches from {curve.temperature[0]:g} to "
                f"{curve.temperature[-1]:g} K and is held beyond; the {word} phase spans {first:g} to {last:g} K"
            )
    return tuple(found)


def _indirect(model: SimulatedModel, constant: float | None, draws: int, seed: int) -> dict[History, Indirect]:
    found = {}
    for history, bars in by_history(model).items():
        if len(bars) > 1:
            own = [entry for entry in model.entries if entry.bar.history == history]
            errors = [_volume_error(entry, model) for entry in own if len(entry.bar.temperature) > 1]
            found[history] = indirect(bars, model.surfaces, errors, constant, draws, seed)
    return found


def _volume_error(entry: Assigned, model: SimulatedModel) -> Array:
    return entry.bar.volume_error * model.widened[0]
