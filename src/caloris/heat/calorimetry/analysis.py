"""From scans to publishable barocaloric results with errors: the whole analysis of a pressure series.

``analyse`` finds and integrates the peaks, builds entropy surfaces by the quasi-direct method, draws what is
uncertain, and tests whether the numbers fit together; ``quasi_direct`` returns the caloric effect alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.caloric import CaloricEffect
from caloris.heat.calorimetry.baseline import BASELINES, BaselineKind
from caloris.heat.calorimetry.calibration import Calibration, read_calibration
from caloris.heat.calorimetry.cautions import cautions
from caloris.heat.calorimetry.closure import closure
from caloris.heat.calorimetry.headline import Draws, Headline, collect, headline_of
from caloris.heat.calorimetry.measured_surfaces import MeasuredSurfaces, Profile
from caloris.heat.calorimetry.monte_carlo import draw_surfaces, scan_draws, shared_draws
from caloris.heat.calorimetry.peak import Peak, measure
from caloris.heat.calorimetry.peak_limits import NoPeakError
from caloris.heat.calorimetry.phase_diagram import Shape
from caloris.heat.calorimetry.phase_heat_capacity import (
    PhaseHeatCapacity,
    phase_heat_capacity,
    read_heat_capacity,
)
from caloris.heat.calorimetry.recording import Recording
from caloris.heat.calorimetry.result import CalorimetryResult
from caloris.heat.calorimetry.scan import Scan, scans_of
from caloris.heat.calorimetry.segments import Direction
from caloris.heat.calorimetry.series import (
    Ingredients,
    assumed_of,
    excess_scatter,
    heat_capacity_from_scans,
    profile_of_peak,
    same_pressure,
    surfaces_of,
    together,
)
from caloris.heat.calorimetry.temperatures import DEFINITIONS, Definition
from caloris.heat.calorimetry.uncertainty import Uncertainties, uncertainties
from caloris.heat.calorimetry.volume import Volume, as_volume
from caloris.units import Quantity, magnitude

HeatCapacity = Quantity | Path | sc.DataArray | Mapping[str, Quantity | sc.DataArray] | PhaseHeatCapacity
"""What ``heat_capacity=`` takes: both phases at once or each, the path of a table, or ``"scans"``."""
Limits = tuple[Quantity, Quantity] | Mapping[str, tuple[Quantity, Quantity]]
"""Temperatures of the peak: for all scans, or by direction and pressure."""
Progress = Callable[[str, float], None]


def quasi_direct(
    scans: Sequence[Recording | Scan],
    *,
    heat_capacity: HeatCapacity | None = None,
    volume: Volume | str | None = None,
    name: str = "sample",
    baseline: BaselineKind = "fraction-weighted",
    definition: Definition = "T50",
    limits: Limits | None = None,
    shape: Shape = "linear",
    blank: Recording | Sequence[Recording] = (),
    calibration: Calibration | str | Path | None = None,
) -> CaloricEffect:
    """Return the barocaloric effect of a pressure series by the quasi-direct method.

    Parameters
    ----------
    scans:
        Recordings at two pressures or more, see :func:`~caloris.heat.calorimetry.read`.
    heat_capacity:
        Of the phases away from the transition: one scalar for both, ``{"low": ..., "high": ...}`` of scalars or data
        arrays over ``temperature``, the path of a table ``temperature/K,phase,heat_capacity/(J/kg/K)``, or ``"scans"``
        to take it from scans with a blank run. Without it the effect is
        that of the transition alone and there is no adiabatic temperature change.
    volume:
        Volumes of the phases, or the path of their table (see :func:`~caloris.heat.calorimetry.read_volume`); without
        them S+ is omitted, and the effect says so.
    name, baseline, definition, limits, shape, blank, calibration:
        As for :func:`analyse`.

    Returns
    -------
    :
        The effect: one type with that of a card, so that they overlay.

    Raises
    ------
    InputError
        As for :func:`analyse`; and if there are fewer than two pressures.

    Notes
    -----
    Source: quasi-direct method of Moya, Lloveras, Manosa and Tamarit.

    Examples
    --------
    >>> from caloris.heat import TwoPhase
    >>> from caloris.heat.calorimetry.synthetic import synthetic_recording
    >>> from caloris.materials import load
    >>> model = TwoPhase.from_material(load("NH4SCN"))
    >>> series = [synthetic_recording(model, pressure=f"{p} MPa") for p in (0.1, 50, 100)]
    >>> effect = quasi_direct(series, heat_capacity="1590 J/kg/K")
    >>> round(float(effect.reversible_pressure().value), 1)
    96.6
    """
    result = analyse(
        scans,
        heat_capacity=heat_capacity,
        volume=volume,
        name=name,
        baseline=baseline,
        definition=definition,
        limits=limits,
        shape=shape,
        blank=blank,
        calibration=calibration,
        draws=0,
    )
    if result.effect is None:
        raise InputError("calorimetry: a caloric effect needs scans at two pressures or more")
    return result.effect


def analyse(
    scans: Sequence[Recording | Scan],
    *,
    heat_capacity: HeatCapacity | None = None,
    volume: Volume | str | None = None,
    blank: Recording | Sequence[Recording] = (),
    calibration: Calibration | str | Path | None = None,
    name: str = "sample",
    baseline: BaselineKind = "fraction-weighted",
    definition: Definition = "T50",
    limits: Limits | None = None,
    shape: Shape = "linear",
    errors: Uncertainties | None = None,
    draws: int = 1000,
    seed: int = 1,
    progress: Progress | None = None,
) -> CalorimetryResult:
    """Analyse scans at one or many pressures.

    Parameters
    ----------
    scans:
        Recordings (each may hold several heatings and coolings), or scans.
    heat_capacity, volume:
        As for :func:`quasi_direct`.
    blank:
        Recordings (or one) of the empty cell, subtracted at the same pressure, direction and rate.
    calibration:
        Of temperature and sensitivity, or the path of its table.
    name:
        Of the material.
    baseline:
        ``"fraction-weighted"``, ``"linear"``, ``"tangential"`` or ``"spline"``.
    definition:
        Of the transition temperature: ``"T50"``, ``"onset"``, ``"peak"``, ``"start"`` or ``"finish"``.
    limits:
        Lower and upper temperature of the peak, or a mapping of such pairs by ``"heating"``, ``"cooling"``,
        ``"40 MPa"`` or ``"40 MPa, heating"`` (the most particular one counts); found in a scan where absent.
    shape:
        Of the branches in the phase diagram: ``"linear"`` or ``"quadratic"``.
    errors:
        Standard uncertainties, see :func:`~caloris.heat.calorimetry.uncertainties`; guesses, and called so, if absent.
    draws, seed:
        Number of Monte Carlo draws (0: no intervals) and the seed of chance.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        Transitions, phase diagram, caloric effect, intervals, closure tests and warnings.

    Raises
    ------
    InputError
        If there is no scan, a pressure or mass is missing, no peak is found, or an option is unknown.
    ComputationError
        If a peak has the wrong sign.

    Examples
    --------
    >>> from caloris.heat import TwoPhase
    >>> from caloris.heat.calorimetry.synthetic import synthetic_recording
    >>> from caloris.materials import load
    >>> model = TwoPhase.from_material(load("NH4SCN"))
    >>> series = [synthetic_recording(model, pressure=f"{p} MPa") for p in (0.1, 50, 100)]
    >>> result = analyse(series, heat_capacity="1590 J/kg/K", draws=0)
    >>> round(result.headline["slope, heating"].value, 4)
    -0.3003
    """
    tell = progress or (lambda words, part: None)
    errors = uncertainties() if errors is None else errors
    if not isinstance(errors, Uncertainties):
        raise InputError("errors: expected standard uncertainties; make them with uncertainties(mass='0.5 %', ...)")
    blank = [blank] if isinstance(blank, Recording) else blank
    calibration = read_calibration(calibration) if isinstance(calibration, str | Path) else calibration
    _check_options(baseline, definition, shape, draws, seed)
    tell("reading scans", 0.0)
    scans = [scans] if isinstance(scans, Recording | Scan) else scans
    measured = sorted(_scans(scans, blank, calibration), key=lambda scan: scan.pressure)
    chosen_limits = limits_by_scan(limits, measured)
    peaks: list[Peak] = []
    without: list[NoPeakError] = []
    for number, scan in enumerate(measured):
        tell(f"peak of {scan.name}", 0.1 * number / len(measured))
        try:
            peaks.append(measure(scan, baseline=baseline, limits=chosen_limits[number]))
        except NoPeakError as error:
            without.append(error)
    if not peaks:
        raise without[0]
    capacity = _capacity(heat_capacity, peaks)
    ingredients = Ingredients(
        definition,
        shape,
        capacity,
        None if volume is None else as_volume(volume),
        pressure_error=errors["pressure_repeatability"] * 1e6,
        temperature_error=errors["temperature_repeatability"],
    )
    directions: set[Direction] = {scan.direction for scan in measured}
    surfaces = _surfaces(peaks, ingredients)
    if surfaces is not None:
        ingredients = replace(ingredients, assumed=assumed_of(directions, ingredients))
    headline, found = _with_draws(peaks, surfaces, ingredients, errors, draws, seed, tell)
    tell("closure tests", 0.99)
    return CalorimetryResult(
        name=name,
        peaks=tuple(peaks),
        surfaces=surfaces,
        ingredients=ingredients,
        errors=errors,
        headline=headline,
        draws=found,
        closure=tuple(closure(peaks, surfaces)),
        cautions=(
            *(f"{str(error).split(';')[0]}: left out" for error in without),
            *cautions(peaks, surfaces, ingredients, calibration),
        ),
        remarks=tuple(dict.fromkeys(line for entry in scans for line in _words(entry))),
        seed=seed,
    )


def limits_by_scan(limits: Limits | None, scans: Sequence[Scan]) -> list[tuple[float, float] | None]:
    """Return which limits hold for each scan.

    Parameters
    ----------
    limits, scans:
        As for :func:`analyse`, and the scans.

    Returns
    -------
    :
        Lower and upper temperature (K) of each scan's peak, or None where they are to be found.

    Raises
    ------
    InputError
        If a key or a temperature cannot be read, or a key fits no scan.
    """
    if limits is None:
        return [None] * len(scans)
    known = {key: _one_limit(key, pair) for key, pair in _limit_pairs(limits).items()}
    used: set[str] = set()

    def of(scan: Scan) -> tuple[float, float] | None:
        fits = [
            ((pressure is None, not direction, abs((pressure or 0.0) - scan.pressure) if pressure else 0.0), key)
            for key, (pressure, direction, _) in known.items()
            if direction in ("", scan.direction) and (pressure is None or same_pressure(pressure, scan.pressure))
        ]
        used.update(key for _, key in fits)
        return known[min(fits)[1]][2] if fits else None

    found = [of(scan) for scan in scans]
    for key in known:
        if key not in used:
            raise InputError(f"limits: {key!r} fits no scan; there are: {', '.join(scan.name for scan in scans)[:200]}")
    return found


def _limit_pairs(limits: object) -> Mapping[str, object]:
    return limits if isinstance(limits, Mapping) else {"": limits}


def _one_limit(key: object, pair: object) -> tuple[float | None, str, tuple[float, float]]:
    """Pressure (Pa), direction and temperatures of one entry."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise InputError(f"limits: {pair!r}; give two temperatures, for example ('330 K', '380 K')")
    if not isinstance(key, str):
        raise InputError(f"limits: the key {key!r} is no text such as '40 MPa, heating'")
    low, high = (magnitude(T, "K", "limits") for T in pair)
    words = [word.strip() for word in key.split(",") if word.strip()]
    direction = next((word for word in words if word in ("heating", "cooling")), "")
    pressures = [magnitude(word, "Pa", f"limits of {key!r}") for word in words if word != direction]
    if len(pressures) > 1:
        raise InputError(f"limits: {key!r} names more than one pressure; write for example '40 MPa, heating'")
    return pressures[0] if pressures else None, direction, (low, high)


def _check_options(baseline: str, definition: str, shape: str, draws: int, seed: int) -> None:
    for option, value, known in (
        ("baseline", baseline, BASELINES),
        ("definition", definition, DEFINITIONS),
        ("shape", shape, ("linear", "quadratic")),
    ):
        if value not in known:
            raise InputError(f"{option}: {value!r} is none of {', '.join(known)}")
    if not isinstance(draws, int) or draws < 0 or 0 < draws < 50:
        raise InputError(f"draws: expected 0 (no intervals) or at least 50, got {draws!r}")
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed: expected a whole number that is not negative, got {seed!r}")


def _scans(
    entries: Sequence[Recording | Scan], blank: Sequence[Recording], calibration: Calibration | None
) -> list[Scan]:
    if not entries:
        raise InputError("calorimetry: no scans given")
    found: list[Scan] = []
    for entry in entries:
        if isinstance(entry, Scan):
            if blank or calibration is not None:
                raise InputError("scans: blank and calibration need recordings; give them to scans_of(...) instead")
            found.append(entry)
        elif isinstance(entry, Recording):
            found += scans_of([entry], blank=blank, calibration=calibration)
        else:
            raise InputError(
                f"scans: expected recordings, got {type(entry).__name__}; read files with calorimetry.read"
            )
    return _named_apart(found)


def _named_apart(scans: list[Scan]) -> list[Scan]:
    """Number scans of one name, so that each result belongs to one."""
    seen: dict[str, int] = {}
    found = []
    for scan in scans:
        seen[scan.name] = seen.get(scan.name, 0) + 1
        again = seen[scan.name]
        found.append(scan if again == 1 else replace(scan, name=f"{scan.name} ({again})"))
    return found


def _words(entry: Recording | Scan) -> tuple[str, ...]:
    """Remarks of a recording, each with the file that it is about."""
    if isinstance(entry, Scan):
        return ()
    label = entry.path.name if entry.path is not None else entry.name or "recording"
    sign = () if entry.sign_is_certain else (f"{label}: {entry.sign}",)
    return tuple(f"{label}: {line}" for line in entry.remarks) + sign


def _capacity(heat_capacity: HeatCapacity | None, peaks: Sequence[Peak]) -> PhaseHeatCapacity | None:
    if heat_capacity is None:
        return None
    if isinstance(heat_capacity, str) and heat_capacity.strip().lower() == "scans":
        return heat_capacity_from_scans(peaks)
    if isinstance(heat_capacity, Path) or (isinstance(heat_capacity, str) and heat_capacity.lower().endswith(".csv")):
        return read_heat_capacity(heat_capacity)
    return phase_heat_capacity(heat_capacity)


def _surfaces(peaks: Sequence[Peak], ingredients: Ingredients) -> MeasuredSurfaces | None:
    """Entropy surfaces, if there are two pressures; None for one."""
    profiles = _by_branch(peaks, ingredients)
    families = [together(family) for family in profiles.values()]
    if min(map(len, families)) < 2:
        return None
    lowest = max(family[0].pressure for family in families)
    highest = min(family[-1].pressure for family in families)
    if highest <= lowest or same_pressure(highest, lowest):
        return None
    return surfaces_of(profiles, ingredients)


def _by_branch(peaks: Sequence[Peak], ingredients: Ingredients) -> dict[Direction, list[Profile]]:
    found: dict[Direction, list[Profile]] = {}
    for peak in peaks:
        found.setdefault(peak.scan.direction, []).append(profile_of_peak(peak, ingredients))
    return found


def _with_draws(
    peaks: Sequence[Peak],
    surfaces: MeasuredSurfaces | None,
    ingredients: Ingredients,
    errors: Uncertainties,
    draws: int,
    seed: int,
    tell: Progress,
) -> tuple[Headline, Draws | None]:
    """Headline numbers with their intervals."""
    if draws == 0:
        return headline_of(peaks, surfaces, ingredients, None), None
    rng = np.random.default_rng(seed)
    shared = shared_draws(peaks, errors, draws + 1, rng)
    scans = []
    for number, peak in enumerate(peaks):
        tell(f"drawing {peak.scan.name}", 0.1 + 0.2 * number / len(peaks))
        repeatability = errors["temperature_repeatability"] * excess_scatter(surfaces, peak.scan.direction, ingredients)
        scans.append(scan_draws(peak, ingredients, shared, errors, repeatability, rng))
    every = None
    if surfaces is not None:
        every = draw_surfaces(
            scans, ingredients, shared, surfaces, lambda part: tell("entropy surfaces of the draws", 0.3 + 0.68 * part)
        )
    found = collect(scans, every, surfaces)
    return headline_of(peaks, surfaces, ingredients, found), found
