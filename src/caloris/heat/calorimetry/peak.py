"""One transition in one scan: integrated, with its temperatures, its systematic spread and what to know of it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from caloris.errors import ComputationError, InputError
from caloris.heat.calorimetry.baseline import BASELINES, BaselineKind, Integral, integrate
from caloris.heat.calorimetry.peak_limits import Window, find_peaks, peak_window
from caloris.heat.calorimetry.scan import Scan
from caloris.heat.calorimetry.segments import local_rate
from caloris.heat.calorimetry.temperatures import Definition, characteristic_temperatures, goes_back
from caloris.heat.two_phase import Array
from caloris.units import Quantity, magnitude

_STANDSTILL = 60.0
"""A temperature that stands still for longer than this (s) is remarked."""


@dataclass(frozen=True)
class Peak:
    """One transition in one scan, SI floats."""

    scan: Scan
    window: Window
    baseline: BaselineKind
    integral: Integral
    temperatures: dict[Definition, float]
    """K."""
    entropy_spread: float
    """Half of the range of |dS| over the baselines, or what shorter sides change if that is more, relative."""
    noise: float
    """Scatter of the heat flow beside the peak, W/kg."""
    others: tuple[float, ...] = ()
    """Summits of other peaks in the scan, K."""
    remarks: tuple[str, ...] = ()

    @property
    def latent_heat(self) -> float:
        """|L|, J/kg."""
        return abs(float(self.integral.heat[0]))

    @property
    def entropy_change(self) -> float:
        """|dS_t|, J/(kg K): the excess over the baseline."""
        return abs(float(self.integral.entropy[0]))

    @property
    def heat_capacity_step(self) -> float:
        """C(high) - C(low) by the step of the baseline, J/(kg K)."""
        return self.scan.sign * float(self.integral.step[0]) / self.scan.rate


def measure(
    scan: Scan,
    *,
    baseline: BaselineKind = "fraction-weighted",
    limits: tuple[Quantity | float, Quantity | float] | None = None,
) -> Peak:
    """Integrate the largest peak of a scan (or the one within the limits) and find its temperatures.

    Parameters
    ----------
    scan:
        A heating or cooling.
    baseline:
        One of :data:`BASELINES`.
    limits:
        Lower and upper temperature of the peak, in words, as scalars or as numbers in K; found if absent.

    Returns
    -------
    :
        The peak.

    Raises
    ------
    InputError
        As for :func:`~caloris.heat.calorimetry.peak_limits.peak_window` and
        :func:`~caloris.heat.calorimetry.baseline.integrate`.
    ComputationError
        If what lies above the baseline has the wrong sign.

    Examples
    --------
    >>> from caloris.heat import TwoPhase
    >>> from caloris.heat.calorimetry import scans_of, synthetic_recording
    >>> from caloris.materials import load
    >>> model = TwoPhase.from_material(load("NH4SCN"))
    >>> heating, cooling = scans_of([synthetic_recording(model, pressure="40 MPa")])
    >>> round(measure(heating).entropy_change, 1), round(measure(heating, limits=("340 K", "365 K")).latent_heat, -2)
    (128.7, 45300.0)
    """
    if baseline not in BASELINES:
        raise InputError(f"baseline: {baseline!r} is none of {', '.join(BASELINES)}")
    given = None if limits is None else (_kelvin(limits[0]), _kelvin(limits[1]))
    window, others = peak_window(scan, given)
    part = window.part
    t, T, q = scan.time[part], scan.temperature[part], scan.heat_flow[part]
    first, last = window.first - window.begin, window.last - window.begin
    results = {kind: integrate(t, T, q, first, last, kind) for kind in BASELINES}
    chosen = results[baseline]
    if scan.sign * float(chosen.entropy[0]) <= 0:
        way = "endothermic" if scan.direction == "heating" else "exothermic"
        cause = "are these its limits, and " if limits is not None else ""
        raise ComputationError(
            f"{scan.name}: the peak is not {way}; {cause}is the sign of the heat flow right (endothermic up or down)?"
        )
    size = abs(float(chosen.entropy[0]))
    sizes = [abs(float(r.entropy[0])) for r in results.values()]
    bends = [abs(abs(float(r.entropy[0])) - size) for r in _with_half_sides(t, T, q, first, last)]
    T_peak, excess = T[first : last + 1], scan.sign * (q[first : last + 1] - chosen.baseline[0])
    return Peak(
        scan,
        window,
        baseline,
        chosen,
        characteristic_temperatures(t[first : last + 1], T_peak, excess, chosen.fraction[0]),
        entropy_spread=max([0.5 * (max(sizes) - min(sizes)), *bends]) / size,
        noise=side_noise(t, q, first, last)[0],
        others=others,
        remarks=tuple(f"{scan.name}: {line}" for line in _remarks(scan, window, chosen, given)),
    )


def _kelvin(T: Quantity | float) -> float:
    return float(T) if isinstance(T, int | float) else magnitude(T, "K", "limits")


def _with_half_sides(t: Array, T: Array, q: Array, first: int, last: int) -> Iterator[Integral]:
    """The integral with baselines fitted to the nearer half of each side: another one where the baseline bends."""
    near = slice(first // 2, last + 1 + (len(t) - last - 1) // 2)
    if first - near.start >= 5 and near.stop - last > 5:
        yield integrate(t[near], T[near], q[near], first - near.start, last - near.start)


def _remarks(scan: Scan, window: Window, integral: Integral, limits: tuple[float, float] | None) -> Iterator[str]:
    """What a reader of the result must know."""
    inside = slice(window.first, window.last + 1)
    back = goes_back(scan.temperature[inside], scan.sign)
    if back:
        yield (
            f"the temperature goes back by {back:.2f} K during the transition (recalescence): onset and peak depend on "
            "how the sample nucleates, and a cycle has to reach the start, which T50 hides"
        )
    still = _standing_still(scan, window)
    if still is not None:
        yield (
            f"the temperature stands still near {still:.1f} K; if the programme held it there, the heat of the hold is "
            "counted: leave it out of the scan"
        )
    spike = _spike(scan, window)
    if spike is not None:
        yield f"a spike of one or few points near {spike:.1f} K counts as heat; remove it from the file"
    width = window.last - window.first
    short = min(window.first - window.begin, window.end - window.last)
    if short < max(20, 0.1 * width):
        yield f"only {short} points of baseline on one side of the peak; record more beside it"
    x = np.abs(integral.fraction[0])
    if int(np.sum((x > 0.05) & (x < 0.95))) < 5:
        yield "fewer than five points in the transition: a spike of the calorimeter, or recorded too slowly"
    if limits is not None:
        for begin, _, end in find_peaks(scan)[:1]:
            if begin < window.first <= end or begin <= window.last < end:
                yield f"the limits {limits[0]:g}-{limits[1]:g} K cut into the peak: its flank is taken for baseline"


def _standing_still(scan: Scan, window: Window) -> float | None:
    """Temperature at which the sample stands still for a minute or more; None if it does not."""
    part = window.part
    t, T = scan.time[part], scan.temperature[part]
    slow = np.concatenate([[False], np.abs(local_rate(t, T)) < 0.05 * abs(scan.rate), [False]])
    changes = np.flatnonzero(slow[1:] != slow[:-1])
    for begin, end in zip(changes[::2], changes[1::2], strict=True):
        if t[end - 1] - t[begin] > _STANDSTILL:
            return float(T[begin])
    return None


def _spike(scan: Scan, window: Window) -> float | None:
    """Temperature of the largest outlier that is no summit; None if there is none."""
    q, T = scan.heat_flow[window.part], scan.temperature[window.part]
    if len(q) < 50:
        return None
    around = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(q, 5, mode="edge"), 11), axis=1)
    residual = np.abs(q - around)
    height = float(np.ptp(around))
    usual = 1.4826 * float(np.median(residual))
    far = residual > max(15 * usual, 0.05 * height)
    summit = int(np.argmax(scan.sign * q))
    far[max(summit - 3, 0) : summit + 4] = False
    # the flank of a sharp peak runs through many points in one direction, a spike comes back at once
    steep = np.abs(np.gradient(around)) > 0.02 * height
    far &= ~steep
    return float(T[int(np.argmax(np.where(far, residual, 0.0)))]) if far.any() else None


def side_noise(time: Array, flow: Array, first: int, last: int) -> tuple[float, float]:
    """Return the scatter of the heat flow beside a peak about the two lines, and its correlation between neighbours.

    Parameters
    ----------
    time, flow:
        (points,), s and W/kg: the peak and its sides.
    first, last:
        Limits of the peak.

    Returns
    -------
    :
        Standard deviation (W/kg), and correlation of neighbouring points (0 where it is not positive).
    """
    residuals = []
    for side in (slice(0, first), slice(last + 1, len(time))):
        t, q = time[side] - time[side].mean(), flow[side]
        residuals.append(q - q.mean() - t * float(t @ q) / float(t @ t))
    freedom = sum(map(len, residuals)) - 4
    variance = sum(float(r @ r) for r in residuals) / max(freedom, 1)
    if variance == 0:
        return 0.0, 0.0
    neighbours = sum(float(r[1:] @ r[:-1]) for r in residuals) / max(freedom, 1)
    return float(np.sqrt(variance)), float(np.clip(neighbours / variance, 0.0, 0.98))
