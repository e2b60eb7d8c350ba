"""Curves of independent groups, and what they say of any quantity that is made of them, with its error.

Incoherent scattering is grouped by molecules, separately for each kind of molecule (strata), a kind with few of them by
blocks of time origins too; coherent scattering by blocks of time origins. Errors of whatever is computed from the
curves come from leaving groups out, one at a time. What blocks of time do not tell, because correlations outlast them,
is added by the ratio of both for a mode that forgets exponentially.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Weights = Mapping[str, Array]
"""Of each part, (Q,) or a scalar array."""

_ENOUGH = 25.0
"""Independent stretches of time below which errors are said to be rough."""
_OUTLAST = 0.5
"""I(Q,t)/I(Q,0) at the longest time above which a mode has not been seen to forget."""


@dataclass(frozen=True, eq=False)
class Stratum:
    """Curves of groups that may be averaged with one another, of several parts of the whole."""

    parts: Mapping[str, Array]
    """(groups, Q, time) of each part, such as an element or a pair of them: the mean of each group, on such a scale
    that the sum of the parts of all strata, times their weights, is the whole."""
    counts: Mapping[str, Array]
    """(groups, time) of each part: how much each group counts."""
    block: float = 0.0
    """Length of the blocks of time that groups are, ps; 0 if groups are molecules."""
    duration: float = 0.0
    """Of all blocks together, ps."""

    @property
    def groups(self) -> int:
        """How many there are."""
        return len(next(iter(self.parts.values())))

    def mean(self, weights: Weights) -> Array:
        """Return the whole, (Q, time)."""
        return sum_of(
            np.reshape(weights[name], (-1, 1)) * _mean(curves, self.counts[name]) for name, curves in self.parts.items()
        )

    def each_left_out(self, weights: Weights) -> Iterator[Array]:
        """Yield the whole without each group."""
        totals = {name: np.einsum("gqt,gt->qt", curves, self.counts[name]) for name, curves in self.parts.items()}
        numbers = {name: counts.sum(axis=0) for name, counts in self.counts.items()}
        for group in range(self.groups):
            found: Any = 0.0
            for name, curves in self.parts.items():
                count = self.counts[name][group]
                rest = numbers[name] - count
                without = (totals[name] - curves[group] * count) / np.where(rest > 0, rest, 1.0)
                everything = totals[name] / np.maximum(numbers[name], 1e-300)
                found = found + np.reshape(weights[name], (-1, 1)) * np.where(rest > 0, without, everything)
            yield found


@dataclass(frozen=True, eq=False)
class GroupedCurves:
    """What a trajectory gives before weights and averages."""

    strata: tuple[Stratum, ...]
    time: Array
    """(time,), ps."""
    Q: Array
    """(Q,), 1/angstrom."""
    sampling: Stratum | None = None
    """Of coherent powder averages: groups of vectors, whose scatter tells what vectors left out may do."""
    left_out: Array | None = None
    """(Q,), share of the vectors of each shell that were left out."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parts."""
        return tuple(dict.fromkeys(name for stratum in self.strata for name in stratum.parts))

    @property
    def without_errors(self) -> tuple[str, ...]:
        """Parts of which there is one group only."""
        return tuple(name for stratum in self.strata if stratum.groups < 2 for name in stratum.parts)

    def mean(self, weights: Weights) -> Array:
        """Return the whole, (Q, time)."""
        return sum_of(stratum.mean(weights) for stratum in self.strata)

    def only(self, name: str) -> "GroupedCurves":
        """Return one part."""

        def part(stratum: Stratum) -> Stratum:
            own, counts = {name: stratum.parts[name]}, {name: stratum.counts[name]}
            return Stratum(own, counts, stratum.block, stratum.duration)

        strata = tuple(part(stratum) for stratum in self.strata if name in stratum.parts)
        sampling = part(self.sampling) if self.sampling is not None and name in self.sampling.parts else None
        return GroupedCurves(strata, self.time, self.Q, sampling, self.left_out)

    def propagate(self, function: Callable[[Array], Array], weights: Weights) -> tuple[Array, Array]:
        """Return a function of the whole, (Q, time) to any shape that begins with Q, and its variance.

        Parameters
        ----------
        function:
            Any smooth function of the curves.
        weights:
            Of every part.

        Returns
        -------
        :
            The value, and its variance from leaving out groups of every stratum; NaN where a stratum is one group.
        """
        whole = self.mean(weights)
        value = np.asarray(function(whole))
        variance = np.zeros(value.shape)
        for stratum in self.strata:
            own = _jackknife(function, whole, stratum, weights)
            if stratum.block:
                inflation = self._inflation(stratum, weights)
                own = own * (
                    inflation.reshape(-1, *[1] * (own.ndim - 1)) if len(own) == len(inflation) else inflation.max()
                )
            variance += own
        if self.sampling is not None and self.left_out is not None:
            chosen = _jackknife(function, whole, self.sampling, weights)
            variance += chosen * self.left_out.reshape(-1, *[1] * (chosen.ndim - 1))
        return value, variance

    def outlasting(self, weights: Weights) -> npt.NDArray[np.bool_]:
        """Return which Q have correlations in blocks of time that are not seen to decay, (Q,)."""
        found = np.zeros(len(self.Q), dtype=bool)
        for stratum in self.strata:
            if stratum.block:
                curve = stratum.mean(weights)
                found |= curve[:, -1] > _OUTLAST * curve[:, 0]
        return found

    def rough(self, weights: Weights) -> npt.NDArray[np.bool_]:
        """Return which Q have too few independent stretches of time to tell their own error well, (Q,)."""
        found = np.zeros(len(self.Q), dtype=bool)
        for stratum in self.strata:
            if stratum.block:
                tau = self._memory(stratum, weights)
                found |= (tau > 0) & (2 / _variance_of_mean(tau, stratum.duration) < _ENOUGH)
        return np.asarray(found & np.logical_not(self.outlasting(weights)))

    def _memory(self, stratum: Stratum, weights: Weights) -> Array:
        """How long products of two modes correlate, ps, (Q,); 0 where that was not seen to end."""
        curve = stratum.mean(weights)
        relative = curve / np.where(curve[:, :1] == 0, 1.0, curve[:, :1])
        # products of two Gaussian modes forget as the square of one
        tau = np.trapezoid(np.clip(relative, 0, 1) ** 2, self.time, axis=1)
        return np.asarray(np.where(relative[:, -1] > _OUTLAST, 0.0, tau))  # not guessed, but said

    def _inflation(self, stratum: Stratum, weights: Weights) -> Array:
        """Variance of the mean over the whole run over what blocks tell of it, (Q,), for exponential modes."""
        from scipy.special import stdtrit

        tau = self._memory(stratum, weights)
        run, block = (_variance_of_mean(tau, length) for length in (stratum.duration, stratum.block))
        ratio = (stratum.groups - 1) * run / np.maximum(block - run, 1e-300)
        samples = 2 / np.maximum(run, 1e-3)  # independent ones of the run: few of them tell their scatter badly
        widening = stdtrit(np.maximum(samples - 1, 1.0), 0.8413447) ** 2
        return np.asarray(np.where(tau > 0, np.maximum(1.0, ratio) * widening, 1.0))


def sum_of(arrays: "Any") -> Array:
    """Return the sum of arrays, of which there is one at least."""
    total: Any = 0.0
    for array in arrays:
        total = total + array
    return np.asarray(total)


def _jackknife(function: Callable[[Array], Array], whole: Array, stratum: Stratum, weights: Weights) -> Array:
    from scipy.special import stdtrit

    rest = whole - stratum.mean(weights)
    left = np.array([function(rest + without) for without in stratum.each_left_out(weights)])
    if stratum.groups < 2:
        return np.full(left.shape[1:], np.nan)
    # a standard deviation that holds 68.3 % also for few groups
    widening = float(stdtrit(stratum.groups - 1, 0.8413447))
    return np.asarray(widening**2 * (stratum.groups - 1) * np.var(left, axis=0))


def _mean(curves: Array, counts: Array) -> Array:
    return np.asarray(np.einsum("gqt,gt->qt", curves, counts) / np.maximum(counts.sum(axis=0), 1e-300))


def _variance_of_mean(tau: Array, length: float) -> Array:
    """Of an exponentially correlated series of variance 1 over a length."""
    ratio = np.maximum(tau, 1e-12) / length
    return np.asarray(2 * ratio * (1 - ratio * -np.expm1(-1 / ratio)))
