"""Isothermal pressurisation: the heat of pressing and releasing a sample at constant temperature.

At each temperature that is held, heat flow rises above its baseline when pressure crosses the transition. The peak is
integrated over time, q = int (flow - baseline) dt, and compared with T dS. J/kg, K, MPa.
Source: Zhang et al. (2023), Fig. 1c and Extended Data Fig. 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.heat.calorimetry.baseline import BASELINES, integrate
from caloris.heat.calorimetry.monte_carlo import binned, coloured_noise
from caloris.heat.calorimetry.peak import side_noise
from caloris.heat.calorimetry.peak_limits import peak_window
from caloris.heat.calorimetry.recording import Recording
from caloris.heat.calorimetry.recording import recording as columns_of
from caloris.heat.calorimetry.scan import Scan
from caloris.heat.calorimetry.segments import Direction
from caloris.heat.calorimetry.uncertainty import Estimate, Uncertainties, estimate, uncertainties
from caloris.heat.two_phase import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from caloris.heat.caloric import CaloricEffect

_HELD = 0.1 / 60
"""Temperature counts as held while it changes by less than this, K/s."""
_BIN = 30.0
"""The rate is judged by means over so many seconds."""
_SAME_HOLD = 1.0
"""Two holds within this of one another (K) ..."""
_LONGEST_STROKE = 1800.0
"""... and within this time (s) are one, in which the sample changed its own temperature."""
_SIGNIFICANT = 5.0
"""A stroke is larger than so many of its errors by noise, and than a fiftieth of the largest."""
_SHORTEST = 60.0
"""A shorter hold is none, s."""
_DRAWS = 400


@dataclass(frozen=True)
class Stroke:
    """One pressing or releasing that transforms the sample."""

    kind: str
    """``"charge"``: the sample takes heat up, ``"discharge"``: it gives heat off."""
    start: sc.Variable
    """Of the peak, s."""
    duration: sc.Variable
    """Of the peak, s."""
    temperature: sc.Variable
    """K, mean over the peak."""
    pressure: tuple[sc.Variable, sc.Variable] | None
    """Before and after, MPa; None where it was not recorded."""
    heat: Estimate
    """Taken up (positive) or given off (negative) per mass, J/kg."""
    baseline_spread: float
    """Half the range of the heat over the baselines, relative."""
    noise: float
    """Standard deviation of the heat by noise alone, J/kg."""
    expected: sc.Variable | None = None
    """T dS of the caloric effect at this temperature, J/kg; None where no effect was given."""

    @property
    def difference(self) -> float | None:
        """Heat over T dS, less 1; None where no effect was given or none is expected."""
        if self.expected is None or self.expected.value == 0:
            return None
        return self.heat.value / float(self.expected.value) - 1


@dataclass(frozen=True, repr=False)
class Pressurisation:
    """All strokes of a run, and the heat flow they were read from."""

    name: str
    heat_flow: sc.DataArray
    """W/kg over ``time`` (s), empty cell subtracted where one was given; coordinate ``temperature`` (K)."""
    strokes: tuple[Stroke, ...]
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Pressurisation {self.name}: {len(self.strokes)} strokes; see .summary(), .plot()>"

    def summary(self) -> str:
        """Return strokes in words and numbers."""
        lines = [f"{self.name}: {len(self.strokes)} strokes"]
        for stroke in self.strokes:
            heat = stroke.heat.scaled(1e-3, "J/g")
            words = f"  {stroke.kind} at {stroke.temperature.value:.2f} K"
            if stroke.pressure is not None:
                words += f", {stroke.pressure[0].value:.4g} to {stroke.pressure[1].value:.4g} MPa"
            words += f": {heat}"
            if stroke.expected is not None and stroke.difference is not None:
                words += f"; T dS {stroke.expected.value / 1e3:.4g} J/g ({100 * stroke.difference:+.1f} %)"
            lines.append(words)
        return "\n".join([*lines, *(f"  warning: {line}" for line in self.remarks)])

    def plot(self) -> "Figure":
        """Draw the heat flow over time with the strokes filled; a matplotlib figure."""
        from caloris.heat.calorimetry.figures import pressurisation_figure

        return pressurisation_figure(self)


def pressurisation(
    recording: Recording,
    *,
    blank: Recording | None = None,
    effect: "CaloricEffect | None" = None,
    errors: Uncertainties | None = None,
    seed: int = 1,
) -> Pressurisation:
    """Find and integrate charge and discharge in an isothermal pressurisation run.

    Parameters
    ----------
    recording:
        With a mass; a ``pressure`` coordinate tells the strokes' pressures.
    blank:
        The same programme with an empty cell: subtracted at equal times.
    effect:
        Its entropy change gives T dS beside each heat.
    errors:
        Standard uncertainties; guesses if absent.
    seed:
        Of the noise that is drawn for the intervals.

    Returns
    -------
    :
        The strokes in order of time.

    Raises
    ------
    InputError
        If no temperature is held, the blank is shorter than the run, or no peak rises above the noise.

    Examples
    --------
    >>> from caloris.heat.calorimetry.recording import recording
    >>> t = np.arange(0.0, 7200.0)
    >>> flow = 20.0 * np.exp(-(((t - 2000) / 60) ** 2)) - 20.0 * np.exp(-(((t - 5000) / 60) ** 2))
    >>> run = Recording(recording(t, 349.0 + 0 * t, flow), mass=sc.scalar(50.0, unit="mg"))
    >>> [(stroke.kind, round(stroke.heat.value)) for stroke in pressurisation(run).strokes]
    [('charge', 42539), ('discharge', -42539)]
    """
    errors = uncertainties() if errors is None else errors
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed: expected a whole number that is not negative, got {seed!r}")
    recording = _evenly_spaced(recording)
    q = _net_flow(recording, blank)
    t, T = recording.time, recording.temperature
    rng = np.random.default_rng(seed)
    found = []
    for part in _holds(t, T):
        for window, scan in _peaks(t[part], T[part], q[part], recording.name):
            found.append(_stroke(recording, scan, window, part.start, errors, rng))
    if not found:
        raise InputError(
            f"{recording.path or recording.name}: no charge or discharge rises above the noise at a held temperature"
        )
    largest = max(abs(stroke.heat.value) for stroke in found)
    found = [s for s in found if abs(s.heat.value) > max(0.02 * largest, _SIGNIFICANT * s.noise)]
    found.sort(key=lambda stroke: float(stroke.start.value))
    if effect is not None:
        found = [_with_expected(stroke, effect) for stroke in found]
    remarks = [] if blank is not None else ["no empty-cell run subtracted: pressing the gas alone makes heat, too"]
    return Pressurisation(
        recording.name or "run",
        sc.DataArray(sc.array(dims=["time"], values=q, unit="W/kg"), coords=dict(recording.heat_flow.coords)),
        tuple(found),
        tuple(remarks),
    )


def _evenly_spaced(record: Recording) -> Recording:
    """The recording at equal steps of time, as a calorimeter writes it; a simulated run may have others."""
    t = record.time
    steps = np.diff(t)
    if steps.max() < 3 * steps.min():
        return record
    even = np.linspace(t[0], t[-1], int(np.clip((t[-1] - t[0]) / max(steps.min(), 0.2), 1000, 100_000)) + 1)
    columns = {str(name): np.interp(even, t, c.values) for name, c in record.heat_flow.coords.items() if c.ndim}
    columns["time"] = even
    return replace(
        record,
        heat_flow=columns_of(
            columns.pop("time"),
            columns.pop("temperature"),
            np.interp(even, t, np.asarray(record.heat_flow.values, dtype=float)),
            unit="mW" if record.heat_flow.unit == sc.Unit("mW") else "mW/g",
            pressure=columns.get("pressure"),
        ),
    )


def _net_flow(recording: Recording, blank: Recording | None) -> Array:
    """Heat flow less that of the empty cell, W/kg."""
    q = recording.specific_heat_flow()
    if blank is None:
        return q
    if blank.heat_flow.unit != sc.Unit("mW") or recording.mass is None:
        raise InputError("blank: the run needs its mass and the blank must be in mW, not per mass")
    t = recording.time - recording.time[0]
    t_blank = blank.time - blank.time[0]
    if t_blank[-1] < 0.99 * t[-1]:
        raise InputError(f"blank: it lasts {t_blank[-1]:.0f} s, the run {t[-1]:.0f} s; record the same programme")
    for name, most in (("temperature", 2.0), ("pressure", 2.0)):
        if name in recording.heat_flow.coords and name in blank.heat_flow.coords:
            own = recording.heat_flow.coords[name].values
            other = np.interp(t, t_blank, blank.heat_flow.coords[name].values)
            if float(np.median(np.abs(own - other))) > max(most, 0.05 * float(np.ptp(own))):
                raise InputError(f"blank: its {name} is not that of the run; record the same programme")
    empty = np.interp(t, t_blank, np.asarray(blank.heat_flow.values, dtype=float))
    return np.asarray(q - empty * 1e-3 / (float(recording.mass.value) * 1e-6))


def _holds(t: Array, T: Array) -> Iterator[slice]:
    """Stretches in which the temperature is held; a sample that cools or warms itself for a while does not end one."""
    held = _is_held(t, T)
    runs = [(int(a), int(b)) for a, b in zip(*_ends(held), strict=True)]
    joined: list[tuple[int, int]] = []
    for begin, end in runs:
        if joined:
            before = joined[-1]
            same = abs(float(np.median(T[slice(*before)]) - np.median(T[begin:end]))) < _SAME_HOLD
            if same and t[begin] - t[before[1] - 1] < _LONGEST_STROKE:
                joined[-1] = (before[0], end)
                continue
        joined.append((begin, end))
    some = False
    for begin, end in joined:
        if t[end - 1] - t[begin] >= _SHORTEST and end - begin >= 40:
            some = True
            yield slice(begin, end)
    if not some:
        raise InputError("pressurisation: no temperature is held for a minute; is this a heating or cooling scan?")


def _is_held(t: Array, T: Array) -> npt.NDArray[np.bool_]:
    """Whether the temperature changes slowly, by its means over bins of half a minute."""
    count = max(4, int((t[-1] - t[0]) / _BIN))
    edges = np.unique(np.linspace(0, len(t), min(count, len(t) // 4) + 1).astype(int))
    means = np.add.reduceat(T, edges[:-1]) / np.diff(edges)
    centres = np.add.reduceat(t, edges[:-1]) / np.diff(edges)
    slow = np.abs(np.gradient(means, centres)) < _HELD
    return np.repeat(slow, np.diff(edges))


def _ends(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Begins and ends (exclusive) of the runs of True."""
    padded = np.concatenate([[False], mask, [False]])
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    return changes[::2], changes[1::2]


def _peaks(t: Array, T: Array, q: Array, name: str) -> Iterator[tuple[tuple[int, int, int, int], Scan]]:
    """Every peak up or down of a stretch, the largest first, each then taken out."""
    q = q.copy()
    directions: tuple[Direction, Direction] = ("heating", "cooling")
    height = float(np.ptp(q))
    taken: list[tuple[int, int]] = []
    for _ in range(20):
        best = None
        for direction in directions:
            scan = Scan(direction, t, T, q.copy(), float("nan"), name or "run")
            try:
                window, _ = peak_window(scan)
            except InputError:
                continue
            rise = float(np.max(scan.sign * (q[window.first : window.last + 1] - np.median(q))))
            if rise > 0.05 * height and (best is None or rise > best[0]):
                best = rise, window, scan
        if best is None:
            return
        _, window, scan = best
        # noise that is left at the edge of a peak is no peak of its own
        if not any(window.first <= last and first <= window.last for first, last in taken):
            yield (window.begin, window.first, window.last, window.end), scan
        taken.append((window.first, window.last))
        inside = slice(window.first, window.last + 1)
        q[inside] = np.interp(t[inside], [t[window.first], t[window.last]], [q[window.first], q[window.last]])


def _stroke(
    recording: Recording,
    scan: Scan,
    window: Sequence[int],
    offset: int,
    errors: Uncertainties,
    rng: np.random.Generator,
) -> Stroke:
    begin, first, last, end = window
    part = slice(begin, end + 1)
    t, T, q = scan.time[part], scan.temperature[part], scan.heat_flow[part]
    a, b = first - begin, last - begin
    heats = [float(integrate(t, T, q, a, b, kind).heat[0]) for kind in BASELINES]
    heat = heats[BASELINES.index("linear")]
    spread = 0.5 * (max(heats) - min(heats)) / abs(heat)
    t_b, T_b, q_b, edges = binned(t, T, q)
    first_b = max(int(np.searchsorted(edges, a, side="right")) - 1, 3)
    last_b = min(int(np.searchsorted(edges, b, side="right")) - 1, len(t_b) - 5)
    noisy = q_b + coloured_noise(_DRAWS, len(q_b), *side_noise(t_b, q_b, first_b, last_b), rng)
    found = integrate(t_b, T_b, noisy, first_b, last_b, "linear").heat
    draws = np.broadcast_to(found * (heat / float(found[0])), (_DRAWS,))
    by_noise = float(np.std(draws))
    for name in ("mass", "sensitivity"):
        draws = draws * np.exp(errors[name] * rng.standard_normal(_DRAWS))
    draws = draws * (1 + spread * rng.uniform(-1, 1, _DRAWS))
    pressure = None
    if "pressure" in recording.heat_flow.coords:
        p = recording.heat_flow.coords["pressure"].values
        before, after = p[offset + begin], p[min(offset + end, len(p) - 1)]
        pressure = sc.scalar(float(before), unit="MPa"), sc.scalar(float(after), unit="MPa")
    return Stroke(
        "charge" if heat > 0 else "discharge",
        sc.scalar(float(t[a]), unit="s"),
        sc.scalar(float(t[b] - t[a]), unit="s"),
        sc.scalar(float(T[a : b + 1].mean()), unit="K"),
        pressure,
        estimate(heat, draws, "J/kg"),
        spread,
        by_noise,
    )


def _with_expected(stroke: Stroke, effect: "CaloricEffect") -> Stroke:
    """Add T dS between the two pressures."""
    if stroke.pressure is None:
        return stroke
    before, after = stroke.pressure
    low, high = (before, after) if before.value < after.value else (after, before)
    process = "compression" if before.value < after.value else "decompression"
    T = sc.array(dims=["temperature"], values=[float(stroke.temperature.value)], unit="K")
    dS = effect.entropy_change(high, process, low_pressure=low, temperature=T)  # type: ignore[arg-type]
    return replace(stroke, expected=sc.scalar(float(stroke.temperature.value) * float(dS.values[0]), unit="J/kg"))
