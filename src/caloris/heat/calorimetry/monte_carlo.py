"""Draws of a whole pressure series: every scan with its noise, limits and calibrations, through the same physics.

The scans are averaged into bins first (which keeps every integral); white or correlated noise is estimated beside the
peak and added anew. What the scans share is drawn once for all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from caloris.heat.calorimetry.baseline import integrate
from caloris.heat.calorimetry.measured_surfaces import MeasuredSurfaces, Profile, profile_of
from caloris.heat.calorimetry.peak import Peak, side_noise
from caloris.heat.calorimetry.segments import Direction
from caloris.heat.calorimetry.series import Ingredients, surfaces_of
from caloris.heat.calorimetry.temperatures import Definition, characteristic_temperatures
from caloris.heat.calorimetry.uncertainty import Uncertainties
from caloris.heat.calorimetry.volume import Volume
from caloris.heat.two_phase import Array

_BINS = 1200
_COPIES = 40
_LIMIT_GROUPS = 20
"""Draws share this many different pairs of limits."""


@dataclass(frozen=True)
class Shared:
    """What all scans have in common in each draw, (draws,) each."""

    sensitivity: Array
    """Factor."""
    temperature: Array
    """Shift, K."""
    temperature_with_pressure: Array
    """Shift per 100 MPa, K."""
    temperature_lag: Array
    """Shift on heating less that on cooling, in units of its uncertainty (which grows with the rate)."""
    pressure: Array
    """Factor - 1."""
    heat_capacity: Array
    """Factor."""
    expansion: Array
    """Factor."""
    baseline: Array
    """-1 to 1: from one end of the baselines to the other."""
    mass: dict[float | None, Array]
    """Factor, by the mass of the sample: scans of one mass are scans of one sample."""


def shared_draws(peaks: Sequence[Peak], sigma: Uncertainties, draws: int, rng: np.random.Generator) -> Shared:
    """Draw what the scans share; the first draw is undisturbed.

    Parameters
    ----------
    peaks, sigma, draws, rng:
        The peaks, the standard uncertainties, the number of draws, and the source of chance.
    """

    def normal(name: str, scale: float | None = None) -> Array:
        values = (sigma[name] if scale is None else scale) * rng.standard_normal(draws)
        values[0] = 0.0
        return np.asarray(values)

    baseline = rng.uniform(-1.0, 1.0, draws)
    baseline[0] = 0.0
    masses = dict.fromkeys(peak.scan.mass for peak in peaks)
    return Shared(
        np.exp(normal("sensitivity")),
        normal("temperature"),
        normal("temperature_with_pressure"),
        normal("temperature_lag", 1.0),
        normal("pressure"),
        np.exp(normal("heat_capacity")),
        1 + normal("expansion"),
        baseline,
        {mass: np.exp(normal("mass")) for mass in masses},
    )


@dataclass(frozen=True)
class ScanDraws:
    """One scan in every draw."""

    direction: Direction
    pressure: float
    """Pa."""
    temperature: Array
    """(points,), K, along the scan; without the shift."""
    cumulative_entropy: Array
    """(draws, points), J/(kg K)."""
    shift: Array
    """(draws,), K: calibration of the thermometer."""
    pressure_shift: Array
    """(draws,), Pa: true pressure less the one that was read."""
    transition_temperature: Array
    """(draws,), K, with the shift of the thermometer but at the pressure that was read."""
    entropy_change: Array
    """(draws,), J/(kg K)."""
    latent_heat: Array
    """(draws,), J/kg."""


def scan_draws(
    peak: Peak,
    ingredients: Ingredients,
    shared: Shared,
    sigma: Uncertainties,
    repeatability: float,
    rng: np.random.Generator,
) -> ScanDraws:
    """Draw one scan.

    Parameters
    ----------
    peak, ingredients, shared, sigma:
        The peak and how it is read, what the scans share, and the standard uncertainties.
    repeatability:
        Of the temperature from scan to scan, K: that of ``sigma``, or what the scatter of the scans says.
    rng:
        The source of chance.

    Returns
    -------
    :
        The scan in every draw; the first is undisturbed.
    """
    scan, draws = peak.scan, len(shared.sensitivity)
    part = peak.window.part
    t, T, q, edges = binned(scan.time[part], scan.temperature[part], scan.heat_flow[part])
    first = int(np.searchsorted(edges, peak.window.first - peak.window.begin, side="right")) - 1
    last = int(np.searchsorted(edges, peak.window.last - peak.window.begin, side="right")) - 1
    first, last = max(first, 3), min(last, len(t) - 5)
    flow = q + coloured_noise(draws, len(q), *side_noise(t, q, first, last), rng)
    entropy, heat = np.zeros((draws, len(t))), np.zeros(draws)
    begin, end = len(t), 0
    for rows, a, b in _limits(peak, t, first, last, draws, sigma["limits"], rng):
        found = integrate(t, T, flow[rows] if len(flow) > 1 else flow, a, b, peak.baseline)
        entropy[rows, a : b + 1] = found.cumulative_entropy
        entropy[rows, b + 1 :] = found.entropy[:, None]
        heat[rows] = found.heat
        begin, end = min(begin, a), max(end, b)
    # half the memory: a draw needs no more digits
    T, entropy = T[begin : end + 1], entropy[:, begin : end + 1].astype(np.float32)
    factor = shared.sensitivity / shared.mass[scan.mass] * (1 + shared.baseline * peak.entropy_spread)
    # bins are not the scan itself: what they leave out is the same in every draw
    factor = factor * abs(float(peak.integral.entropy[0]) / float(entropy[0, -1]))
    own = repeatability * rng.standard_normal(draws)
    own_pressure = sigma["pressure_repeatability"] * 1e6 * rng.standard_normal(draws)
    own[0] = own_pressure[0] = 0.0
    shift = shared.temperature + own + shared.temperature_with_pressure * scan.pressure / 1e8
    shift = shift + 0.5 * scan.sign * sigma.lag(scan.rate) * shared.temperature_lag
    T50 = _half(T, entropy)
    moved = T50 - T50[0]
    if ingredients.definition != "T50":
        moved = _scatter_of(peak, ingredients.definition, rng) * rng.standard_normal(draws)
        moved[0] = 0.0
    entropy = entropy * (factor / (1 + shift / peak.temperatures["T50"]))[:, None]
    return ScanDraws(
        scan.direction,
        scan.pressure,
        T,
        entropy,
        shift,
        scan.pressure * shared.pressure + own_pressure,
        peak.temperatures[ingredients.definition] + moved + shift,
        np.abs(entropy[:, -1]),
        np.abs(heat * factor) * abs(peak.latent_heat / float(heat[0] * factor[0])),
    )


def binned(t: Array, T: Array, q: Array) -> tuple[Array, Array, Array, Array]:
    """Return means over bins of equal numbers of points, and the first point of each bin.

    Parameters
    ----------
    t, T, q:
        Time, temperature and heat flow, of one length.
    """
    edges = np.unique(np.linspace(0, len(t), min(_BINS, len(t)) + 1).astype(int))
    counts = np.diff(edges)
    means = (np.add.reduceat(values, edges[:-1]) / counts for values in (t, T, q))
    return (*means, edges[:-1])  # type: ignore[return-value]


def coloured_noise(draws: int, points: int, scatter: float, correlation: float, rng: np.random.Generator) -> Array:
    """Return noise with a scatter and a correlation of neighbours; none in the first draw.

    Parameters
    ----------
    draws, points:
        Shape of the result; one row of zeros where there is no scatter.
    scatter, correlation, rng:
        Standard deviation, correlation of neighbouring points, and the source of chance.
    """
    if scatter == 0:
        return np.zeros((1, points))
    noise = scatter * rng.standard_normal((draws, points))
    if correlation > 0.05:
        fresh = np.sqrt(1 - correlation**2)
        for k in range(1, points):
            noise[:, k] = correlation * noise[:, k - 1] + fresh * noise[:, k]
    noise[0] = 0.0
    return noise


def _limits(
    peak: Peak, t: Array, first: int, last: int, draws: int, spread: float, rng: np.random.Generator
) -> Iterator[tuple[npt.NDArray[np.intp], int, int]]:
    """Rows of draws with their limits: these move by a part of the width between 1 % and 99 %."""
    x = np.abs(peak.integral.fraction[0])
    inside = peak.scan.time[peak.window.first : peak.window.last + 1][(x > 0.01) & (x < 0.99)]
    width = float(np.ptp(inside)) if len(inside) > 1 else 0.0
    bins = spread * width / float(np.median(np.diff(t)))
    yield np.array([0]), first, last
    for rows in np.array_split(np.arange(1, draws), _LIMIT_GROUPS):
        if len(rows):
            a, b = np.rint([first, last] + bins * rng.standard_normal(2)).astype(int)
            a = int(np.clip(a, 3, len(t) - 9))
            yield rows, a, int(np.clip(b, a + 3, len(t) - 5))


def _half(T: Array, entropy: Array) -> Array:
    """T50 of every draw, K."""
    x = entropy / entropy[:, -1:]
    k = np.maximum(np.argmax(x >= 0.5, axis=1), 1)
    rows = np.arange(len(x))
    below, above = x[rows, k - 1], x[rows, k]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.nan_to_num((0.5 - below) / (above - below))
    return np.asarray(T[k - 1] + part * (T[k] - T[k - 1]))


def _scatter_of(peak: Peak, definition: Definition, rng: np.random.Generator) -> float:
    """How far noise moves a characteristic temperature: standard deviation over noisy copies of the scan, K."""
    scan, window = peak.scan, peak.window
    part = window.part
    first, last = window.first - window.begin, window.last - window.begin
    scatter, correlation = side_noise(scan.time[part], scan.heat_flow[part], first, last)
    if scatter == 0:
        return 0.0
    inside = slice(window.first, window.last + 1)
    t, T = scan.time[inside], scan.temperature[inside]
    excess = scan.sign * (scan.heat_flow[inside] - peak.integral.baseline[0])
    noise = coloured_noise(_COPIES + 1, len(t), scatter, correlation, rng)[1:]
    found = []
    for copy in excess + noise:
        cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (copy[1:] / T[1:] + copy[:-1] / T[:-1]) * np.diff(t))])
        found.append(characteristic_temperatures(t, T, copy, cumulative / cumulative[-1])[definition])
    return float(np.std(found))


def draw_surfaces(
    scans: Sequence[ScanDraws],
    ingredients: Ingredients,
    shared: Shared,
    nominal: MeasuredSurfaces,
    advance: Callable[[float], None],
) -> Iterator[MeasuredSurfaces]:
    """Yield the entropy surfaces of every draw.

    Parameters
    ----------
    scans, ingredients, shared:
        What was drawn.
    nominal:
        The undisturbed surfaces: their slopes turn an error in pressure into one in temperature.
    advance:
        Told the part that is done.

    Yields
    ------
    :
        Surfaces, the first of the undisturbed draw.
    """
    for k in range(len(shared.sensitivity)):
        advance(k / len(shared.sensitivity))
        capacity = ingredients.heat_capacity
        own = replace(
            ingredients,
            pressure_error=0.0,  # plain least squares: the draws themselves carry the errors
            heat_capacity=None if capacity is None else capacity.scaled(float(shared.heat_capacity[k])),
            volume=_expanded(ingredients.volume, float(shared.expansion[k])),
        )
        profiles: dict[Direction, list[Profile]] = {"heating": [], "cooling": []}
        for scan in scans:
            # the pressure was another one than was read: at the one read, the transition lies elsewhere
            moved = -float(nominal.slope(scan.pressure, scan.direction)) * scan.pressure_shift[k]
            profiles[scan.direction].append(
                profile_of(
                    scan.pressure,
                    float(scan.transition_temperature[k] + moved),
                    scan.direction,
                    scan.temperature + scan.shift[k] + moved,
                    scan.cumulative_entropy[k],
                    own.heat_capacity,
                )
            )
        yield surfaces_of({branch: found for branch, found in profiles.items() if found}, own)


def _expanded(volume: Volume | None, factor: float) -> Volume | None:
    """The volumes with another expansion of the low phase."""
    if volume is None or factor == 1:
        return volume
    low = volume.low
    terms = tuple((i, j, k * factor if i > 0 else k) for i, j, k in low.coefficients)
    return Volume(replace(low, coefficients=terms), volume.high)
