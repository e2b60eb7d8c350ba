"""The line T_t(p) of a simulated branch: all that is known of it are intervals that it passes through.

At each pressure the transition lies somewhere between two simulated temperatures, or beyond the grid. Every line that
passes all intervals is as likely as any other: such lines are drawn evenly, their mean is the branch, their spread its
error. Where no line passes them all (chance moves a nucleation), the middles are fitted by least squares instead.
SI units: K, Pa.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from caloris.heat.calorimetry.phase_diagram import Shape, TransitionLine, fit_line
from caloris.heat.two_phase import Array

LineShape = Literal["auto", "linear", "quadratic", "clausius-clapeyron"]
LINE_SHAPES: tuple[LineShape, ...] = get_args(LineShape)
_TRIES = 100_000
_ENOUGH = 60
"""Lines that must pass all intervals before their mean means anything."""
_SURE_SIGN = 0.95


@dataclass(frozen=True)
class Passage:
    """What one isobar says of a branch."""

    pressure: float
    """Pa."""
    low: float
    """The transition lies above this temperature, K; -inf if unknown."""
    high: float
    """... and below this one, K; inf if unknown."""

    @property
    def is_bounded(self) -> bool:
        """Whether the transition lies within the grid."""
        return bool(np.isfinite([self.low, self.high]).all())

    @property
    def middle(self) -> float:
        """Of the interval, K."""
        return 0.5 * (self.low + self.high)


@dataclass(frozen=True)
class BranchLine:
    """A branch and draws of it."""

    line: TransitionLine
    draws: Array
    """(draws, coefficients) in powers of p - p_0, K and Pa; the first is the branch itself."""
    kind: str
    """How it was found: ``"linear"``, ``"quadratic"``, ``"bent"`` (its slope free, its bend that of equilibrium) or
    ``"clausius-clapeyron"``."""
    remarks: tuple[str, ...] = ()

    def drawn(self, k: int) -> TransitionLine:
        """Return a draw of the branch.

        Parameters
        ----------
        k:
            Its number.
        """
        return TransitionLine(
            self.line.shape, self.line.reference, self.draws[k], self.line.covariance, self.line.reduced_chi_square
        )


def branch_line(
    passages: list[Passage],
    slope: tuple[float, float],
    shape: LineShape,
    draws: int,
    rng: np.random.Generator,
    name: str,
) -> BranchLine:
    """Find the line of a branch.

    Parameters
    ----------
    passages:
        Of its isobars, ascending in pressure, one bounded at least.
    slope:
        dT/dp by Clausius-Clapeyron at the lowest pressure (K/Pa) and its change with pressure (K/Pa^2).
    shape:
        Of the line; ``"auto"``: the slope is free and the bend that of Clausius-Clapeyron, or if that passes by the
        intervals, the bend is free as well.
    draws, rng, name:
        How many, the source of chance, and the name of the branch for remarks.

    Returns
    -------
    :
        The branch.
    """
    bounded = [passage for passage in passages if passage.is_bounded]
    if shape == "clausius-clapeyron" or len(bounded) < 2:
        words = (
            f"{name}: the transition lies within the grid at one pressure alone; its line follows Clausius-Clapeyron"
        )
        remarks = () if shape == "clausius-clapeyron" else (words,)
        return _parallel(passages, slope, draws, rng, name, remarks)
    bend = 0.5 * slope[1] * _distance(passages) ** 2 if shape == "auto" else np.zeros(len(passages))
    attempts: list[tuple[int, Array, str]] = []
    if shape != "quadratic":
        attempts.append((1, bend, "bent" if bend.any() else "linear"))
    if (shape == "quadratic" and len(bounded) > 2) or (shape == "auto" and len(bounded) > 3):
        attempts.append((2, np.zeros(len(passages)), "quadratic"))
    for degree, offset, kind in attempts:
        found = _passing(passages, offset, degree, rng)
        if found is None:
            continue
        if kind == "bent":
            found = np.column_stack([found, np.full(len(found), 0.5 * slope[1])])
        if shape == "auto" and _unsure_sign(found, passages):
            remark = (
                f"{name}: the grid is too coarse to see which way pressure moves the transition; its line follows "
                "Clausius-Clapeyron"
            )
            return _parallel(passages, slope, draws, rng, name, (remark,))
        return _of_sample(found, passages, kind, draws, rng)
    last: Shape = "quadratic" if shape == "quadratic" and len(bounded) > 2 else "linear"
    return _scattered(passages, last, draws, rng, name)


def _distance(passages: list[Passage]) -> Array:
    """Pressures above the lowest one, Pa."""
    p = np.array([passage.pressure for passage in passages])
    return np.asarray(p - p.min())


def _unsure_sign(sample: Array, passages: list[Passage]) -> bool:
    """Whether lines that rise and lines that fall with pressure both pass the intervals."""
    far = float(_distance(passages).max())
    rise = sum(sample[:, k] * far**k for k in range(1, sample.shape[1]))
    rising = float(np.mean(rise > 0))
    return max(rising, 1 - rising) < _SURE_SIGN


def _passing(passages: list[Passage], offset: Array, degree: int, rng: np.random.Generator) -> Array | None:
    """Coefficients of lines, drawn evenly among those that pass all intervals; None if hardly any does."""
    p = np.array([passage.pressure for passage in passages])
    x, scale = _scaled(p)
    low = np.array([passage.low for passage in passages]) - offset
    high = np.array([passage.high for passage in passages]) - offset
    bounded = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
    pivots = bounded[np.unique(np.linspace(0, len(bounded) - 1, degree + 1).round().astype(int))]
    if degree == 0:  # an offset alone: what all intervals have in common
        a, b = float(low.max()), float(high.min())
        return None if b <= a else rng.uniform(a, b, (_TRIES // 10, 1))
    values = rng.uniform(low[pivots], high[pivots], (_TRIES, len(pivots)))
    powers = np.arange(degree + 1)
    coefficients = values @ np.linalg.inv(x[pivots][:, None] ** powers).T
    lines = coefficients @ (x[:, None] ** powers).T
    kept = coefficients[((lines >= low) & (lines <= high)).all(axis=1)]
    return None if len(kept) < _ENOUGH else kept / scale**powers


def _scaled(p: Array) -> tuple[Array, float]:
    scale = max(float(np.ptp(p)), 1.0)
    return (p - p.min()) / scale, scale


def _of_sample(
    sample: Array,
    passages: list[Passage],
    kind: str,
    draws: int,
    rng: np.random.Generator,
    remarks: tuple[str, ...] = (),
) -> BranchLine:
    shape: Shape = "linear" if sample.shape[1] == 2 else "quadratic"
    mean = sample.mean(axis=0)
    chosen = sample[_rows(len(sample), draws, rng)]
    covariance = np.atleast_2d(np.cov(sample.T))
    line = TransitionLine(shape, min(passage.pressure for passage in passages), mean, covariance, float("nan"))
    return BranchLine(line, np.concatenate([mean[None], chosen]), kind, remarks)


def _rows(count: int, draws: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    return rng.choice(count, draws, replace=count < draws) if draws else np.zeros(0, dtype=np.intp)


def _parallel(
    passages: list[Passage],
    slope: tuple[float, float],
    draws: int,
    rng: np.random.Generator,
    name: str,
    remarks: tuple[str, ...],
) -> BranchLine:
    """A line with a known slope through the intervals."""
    dp = _distance(passages)
    offset = slope[0] * dp + 0.5 * slope[1] * dp**2
    sample = _passing(passages, offset, 0, rng)
    if sample is None:
        bounded = [k for k, passage in enumerate(passages) if passage.is_bounded]
        middle = np.array([passages[k].middle - offset[k] for k in bounded])
        width = float(np.mean([passages[k].high - passages[k].low for k in bounded])) / np.sqrt(12)
        error = max(width, float(middle.std())) / np.sqrt(len(bounded))
        sample = middle.mean() + error * rng.standard_normal((_TRIES // 10, 1))
        remarks = (*remarks, f"{name}: Clausius-Clapeyron passes by some of the intervals that hold the transition")
    rest = np.broadcast_to([slope[0], 0.5 * slope[1]], (len(sample), 2))
    return _of_sample(np.concatenate([sample, rest], axis=1), passages, "clausius-clapeyron", draws, rng, remarks)


def _scattered(passages: list[Passage], shape: Shape, draws: int, rng: np.random.Generator, name: str) -> BranchLine:
    """Least squares through the middles, errors widened by the scatter."""
    bounded = [passage for passage in passages if passage.is_bounded]
    p = np.array([passage.pressure for passage in bounded])
    middle = np.array([passage.middle for passage in bounded])
    width = np.array([passage.high - passage.low for passage in bounded]) / np.sqrt(12)
    line = fit_line(p, middle, 0.0, width, shape)
    chi = max(1.0, line.reduced_chi_square if np.isfinite(line.reduced_chi_square) else 1.0)
    sample = rng.multivariate_normal(line.coefficients, line.covariance * chi, _TRIES // 10, method="eigh")
    lowest = min(passage.pressure for passage in passages)
    shift = lowest - line.reference  # powers count from the lowest pressure of all
    if shift:
        columns = [np.polynomial.Polynomial(row)(np.polynomial.Polynomial([shift, 1.0])).coef for row in sample]
        sample = np.array(columns)
    far = float(np.abs(line.temperature(p) - middle).max())
    remark = f"{name}: no {shape} line passes all intervals that hold the transition (one lies {far:.3g} K off)"
    return _of_sample(sample, passages, shape, draws, rng, (f"{remark}; the middles are fitted by least squares",))
