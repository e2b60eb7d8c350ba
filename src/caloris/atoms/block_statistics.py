"""Averages of correlated series with honest errors: where equilibrium begins and how many samples count.

Statistical inefficiency g = 1 + 2 sum(rho): automatic window of Wolff, Comput. Phys. Commun. 156, 143 (2004).
Equilibration: Chodera, J. Chem. Theory Comput. 12, 1799 (2016). Blocks: Flyvbjerg and Petersen, J. Chem. Phys. 91,
461 (1989). Series in any unit, evenly spaced.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]
Series = Array | sc.Variable | sc.DataArray

_WINDOW = 1.5
"""Wolff's S: decay time of the error of the window in units of that of the correlation."""
_STARTS = 60
"""How many starts of the equilibrium are tried."""
_SHORTEST = 8
"""Fewer values make no series."""
_PARTS = 4
"""Fewer parts of a run have no scatter that is worth a look."""
_APART = 3.0
"""Standard deviations of the difference of two halves of a run that are worth a word."""
ENOUGH = 10.0
"""Independent samples below which an error is itself not known to a quarter."""


@dataclass(frozen=True)
class Equilibration:
    """Where a series has reached equilibrium."""

    start: int
    """Index of the first value that counts."""
    inefficiency: float
    """g of what counts: values per independent sample."""
    independent: float
    """Independent samples that count."""


@dataclass(frozen=True)
class BlockError:
    """Standard error of a mean from blocks."""

    error: float
    """In the unit of the series."""
    uncertainty: float
    """Standard uncertainty of the error itself, from the number of blocks."""
    blocks: int
    block_length: int
    converged: bool
    """Whether a plateau was reached; if not, the error is a lower bound."""


def statistical_inefficiency(series: Series) -> float:
    """Return how many values of a series make one independent sample, g = 2 tau, at least 1.

    Parameters
    ----------
    series:
        One dimension, at least 8 values.

    Returns
    -------
    :
        g; its relative standard uncertainty is about 2 sqrt(W / N) with W some 3 g values, N the length.

    Raises
    ------
    InputError
        If the series is too short, has more dimensions, or is not finite.

    Source
    ------
    Wolff, Comput. Phys. Commun. 156, 143 (2004): eqs 31, 49-52.

    Examples
    --------
    >>> noise = np.random.default_rng(1).standard_normal(20000)
    >>> round(statistical_inefficiency(np.repeat(noise, 5)))
    5
    """
    return _inefficiency(_values(series))


def equilibration(series: Series) -> Equilibration:
    """Find the start that leaves the most independent samples.

    Parameters
    ----------
    series:
        One dimension, at least 8 values.

    Returns
    -------
    :
        Start, inefficiency and independent samples of what counts.

    Raises
    ------
    InputError
        As for :func:`statistical_inefficiency`.

    Source
    ------
    Chodera, J. Chem. Theory Comput. 12, 1799 (2016).

    Examples
    --------
    >>> relaxing = 10 * np.exp(-np.arange(2000) / 50) + np.random.default_rng(1).standard_normal(2000)
    >>> 100 < equilibration(relaxing).start < 600
    True
    """
    values = _values(series)
    last = max(0, min(int(0.9 * len(values)), len(values) - 4 * _SHORTEST))
    best = None
    for start in np.unique(np.linspace(0, last, _STARTS).astype(int)).tolist():
        g = _inefficiency(values[start:])
        found = Equilibration(start, g, (len(values) - start) / g)
        if best is None or found.independent > best.independent:
            best = found
    assert best is not None  # one start at least: 0
    return best


def block_error(series: Series) -> BlockError:
    """Return the standard error of the mean from blocks of doubling length, at the plateau.

    The plateau is the shortest block length B with B^3 > 2 N g_B^2, where g_B is the square of the error over that of
    independent values: there what blocks leave of the correlation is as small as the scatter of the error.

    Parameters
    ----------
    series:
        One dimension, in equilibrium, at least 8 values.

    Returns
    -------
    :
        The error with its own uncertainty, error / sqrt(2 (blocks - 1)).

    Raises
    ------
    InputError
        As for :func:`statistical_inefficiency`.

    Source
    ------
    Flyvbjerg and Petersen, J. Chem. Phys. 91, 461 (1989); the plateau: Lee et al., Phys. Rev. E 83, 066706 (2011).

    Examples
    --------
    >>> found = block_error(np.random.default_rng(1).standard_normal(10000))
    >>> 0.009 < found.error < 0.011
    True
    """
    values = _values(series)
    length = 1
    naive = _standard_error(values)
    levels = []
    while len(values) >= 4:
        error = _standard_error(values)
        count = len(values)
        levels.append((error, count, length))
        if naive == 0 or length**3 > 2 * count * length * (error / naive) ** 4:
            return BlockError(error, error / math.sqrt(2 * (count - 1)), count, length, True)
        values = 0.5 * (values[: count // 2 * 2 : 2] + values[1 : count // 2 * 2 : 2])
        length *= 2
    error, count, length = max(levels)  # no plateau: the largest is nearest to it
    return BlockError(error, error / math.sqrt(2 * (count - 1)), count, length, False)


def average(series: sc.DataArray, *, start: int | None = None) -> sc.DataArray:
    """Average a series over its equilibrium, with the standard error of the mean as variance.

    The equilibrium is found by :func:`equilibration`; the variance is that of the values times g over their number,
    widened for few independent samples as Student's t is.

    Parameters
    ----------
    series:
        One dimension, evenly spaced.
    start:
        The first value that belongs to the equilibrium; without it :func:`equilibration` finds it.

    Returns
    -------
    :
        Scalar in the unit of the series. Unaligned coordinates: ``discarded`` (share of the series left out, 0 to 1),
        ``independent_samples``, and ``caution`` (a sentence, empty if there is nothing to say).

    Raises
    ------
    InputError
        As for :func:`statistical_inefficiency`.

    Examples
    --------
    >>> volume = np.random.default_rng(1).normal(100.0, 1.0, 10000)
    >>> found = average(sc.DataArray(sc.array(dims=["time"], values=volume, unit="angstrom^3")))
    >>> round(found.value), round(float(found.variance) ** 0.5, 3)
    (100, 0.01)
    """
    from scipy.special import stdtrit

    values = _values(series)
    part = equilibration(values) if start is None else _from(values, start)
    kept = values[part.start :]
    independent = max(part.independent, 1.0)
    spread = float(np.var(kept)) * len(kept) / max(len(kept) - part.inefficiency, 1.0)
    # a variance whose one standard deviation holds 68.3 % also for few samples
    widening = float(stdtrit(max(independent - 1, 1.0), 0.8413447))
    caution = ""
    if independent < ENOUGH:
        caution = f"only {independent:.1f} independent samples; the error is a guess, run longer"
    elif part.start > 0.5 * len(values):
        caution = f"the first {100 * part.start / len(values):.0f} % had not reached equilibrium; run longer"
    unit = series.unit if isinstance(series, sc.Variable | sc.DataArray) else None
    scalar = sc.scalar(float(kept.mean()), variance=spread / independent * widening**2, unit=unit)
    coords = {
        "discarded": sc.scalar(part.start / len(values)),
        "independent_samples": sc.scalar(independent),
        "caution": sc.scalar(caution),
    }
    result = sc.DataArray(scalar, coords=coords, name=getattr(series, "name", ""))
    for name in coords:  # so that averages of different runs can be subtracted
        result.coords.set_aligned(name, False)
    return result


def _from(values: Array, start: int) -> Equilibration:
    inefficiency = statistical_inefficiency(values[start:])
    return Equilibration(start, inefficiency, (len(values) - start) / inefficiency)


def mean_of_groups(values: Array, counts: Array) -> tuple[Array, Array]:
    """Return the weighted mean over independent groups (of atoms, or of stretches of time) and its standard error.

    Parameters
    ----------
    values:
        (..., groups), the mean of each group.
    counts:
        (groups,), how many members each group has.

    Returns
    -------
    :
        Mean (...) and its standard error (...), from the scatter between groups; NaN for one group, which has none.

    Examples
    --------
    >>> mean, error = mean_of_groups(np.array([1.0, 3.0]), np.array([10.0, 10.0]))
    >>> float(mean), float(error)
    (2.0, 1.0)
    """
    weights = counts / counts.sum()
    mean = values @ weights
    groups = len(counts)
    if groups < 2:
        return mean, np.full_like(mean, math.nan)
    deviations = (values - np.expand_dims(mean, -1)) * weights
    return mean, np.sqrt((deviations**2).sum(axis=-1) * groups / (groups - 1))


def mean_of_parts(values: Array, counts: Array, parts: int) -> tuple[Array, Array]:
    """Return the mean over groups of which each was watched in several parts of the run, and its standard error.

    The error is the larger of two scatters: between all groups and parts, and between the parts alone, which also sees
    slow motion that all groups share. Fewer than 4 parts show no scatter of their own.

    Parameters
    ----------
    values:
        (..., parts * groups), all groups of the first part first.
    counts:
        (parts * groups,), how many members each has.
    parts:
        Of the run.

    Returns
    -------
    :
        As for :func:`mean_of_groups`.

    Examples
    --------
    >>> shared = np.repeat([0.0, 2.0, 0.0, 2.0], 100)
    >>> mean, error = mean_of_parts(shared, np.ones(400), 4)
    >>> round(float(mean), 3), round(float(error), 3)
    (1.0, 0.577)
    """
    mean, error = mean_of_groups(values, counts)
    if parts < _PARTS:
        return mean, error
    return mean, np.fmax(error, mean_of_groups(*in_parts(values, counts, parts))[1])


def in_parts(values: Array, counts: Array, parts: int) -> tuple[Array, Array]:
    """Return the mean over the groups of each part of the run (..., parts), and how many members those have."""
    own = counts.reshape(parts, -1)
    sums = (values * counts).reshape(*values.shape[:-1], parts, -1).sum(axis=-1)
    return sums / own.sum(axis=1), own.sum(axis=1)


def jackknife_of_parts(
    estimator: Callable[[Array], Array], values: Array, counts: Array, parts: int
) -> tuple[Array, Array]:
    """Return an estimator as :func:`jackknife` does, with the larger of the errors of :func:`mean_of_parts`."""
    found, error = jackknife(estimator, values, counts)
    if parts < _PARTS:
        return found, error
    return found, np.fmax(error, jackknife(estimator, *in_parts(values, counts, parts))[1])


def halves_apart(what: str, halves: tuple[float, float], error: float, unit: str = "") -> tuple[str, ...]:
    """Say that the two halves of a run differ by more than their errors allow: slow motion that all share.

    Parameters
    ----------
    what:
        Name of the quantity.
    halves:
        Its value in each half.
    error:
        Standard error of the value of the whole run; that of the difference of the halves is twice as large.
    unit:
        Of all, for the words.

    Returns
    -------
    :
        A sentence, or nothing.

    Examples
    --------
    >>> halves_apart("rate", (1.0, 1.5), 0.05, "1/ps")
    ('The rate is 1 1/ps in the first half of the run and 1.5 in the second, 5 errors apart: the error is too small.',)
    >>> halves_apart("rate", (1.0, 1.5), 0.1)
    ()
    """
    first, second = halves
    apart = abs(first - second) / (2 * error) if error > 0 else math.nan
    if not apart > _APART:  # NaN is no difference
        return ()
    named = f"{first:.3g} {unit}".rstrip()
    return (
        f"The {what} is {named} in the first half of the run and {second:.3g} in the second, {apart:.2g} errors apart: "
        "the error is too small.",
    )


def jackknife(estimator: Callable[[Array], Array], values: Array, counts: Array) -> tuple[Array, Array]:
    """Return an estimator of the mean over groups and its standard error, from leaving groups out one at a time.

    Parameters
    ----------
    estimator:
        A function of the mean over groups, (...) to any shape.
    values, counts:
        As for :func:`mean_of_groups`.

    Returns
    -------
    :
        The estimator of the whole and its standard error, NaN for one group.

    Examples
    --------
    >>> square, error = jackknife(np.square, np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    >>> float(square), float(error)
    (4.0, 4.0)
    """
    total = values @ counts
    everything = np.asarray(estimator(total / counts.sum()))
    if len(counts) < 2:
        return everything, np.full(everything.shape, math.nan)
    parts = np.array(
        [estimator((total - values[..., g] * counts[g]) / (counts.sum() - counts[g])) for g in range(len(counts))]
    )
    return everything, np.sqrt((len(counts) - 1) * np.var(parts, axis=0))


def autocorrelation(values: Array) -> Array:
    """Return sum of x(k) x(k + m) / (n - m) over the first axis, by FFT, for every lag m.

    Parameters
    ----------
    values:
        (n, ...), real; the mean is not taken away.

    Returns
    -------
    :
        (n, ...), in the square of the unit.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    n = len(values)
    size = next_fast_len(2 * n - 1, real=True)
    spectrum = rfft(values, size, axis=0)
    power = spectrum.real**2 + spectrum.imag**2
    counts = np.arange(n, 0, -1).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(irfft(power, size, axis=0)[:n] / counts)


def _inefficiency(values: Array) -> float:
    n = len(values)
    covariance = autocorrelation(values - values.mean())
    if covariance[0] <= (1e-12 * np.abs(values).max()) ** 2:  # constant
        return 1.0
    tau = np.cumsum(covariance / covariance[0]) - 0.5
    window = np.arange(1, n)
    clipped = np.maximum(tau[1:], 0.5 + 1e-9)
    decay = _WINDOW / np.log((2 * clipped + 1) / (2 * clipped - 1))
    criterion = np.exp(-window / decay) - decay / np.sqrt(window * n)
    first = int(np.argmax(criterion < 0)) if np.any(criterion < 0) else n - 2
    w = int(window[first])
    # the mean of the series takes some of the correlation away
    return float(max(1.0, 2 * tau[w] * (1 + (2 * w + 1) / n)))


def _standard_error(values: Array) -> float:
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))


def _values(series: Series) -> Array:
    values = series.values if isinstance(series, sc.Variable | sc.DataArray) else series
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or len(found) < _SHORTEST:
        raise InputError(f"series: expected one dimension and at least {_SHORTEST} values, got the shape {found.shape}")
    if not np.all(np.isfinite(found)):
        raise InputError("series: holds values that are not finite")
    return found
