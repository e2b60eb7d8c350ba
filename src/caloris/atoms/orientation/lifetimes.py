"""How long an orientation lasts, by each definition in use, side by side.

C1 and C2 over all time origins with: the rate of one exponential, the time to 1/e, the integral, sums of exponentials,
and the cosine from one origin with its first zero (thermal batteries paper, eq. 8). Units: ps, 1/s.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import jackknife_of_parts, mean_of_groups
from caloris.atoms.orientation.correlation import Curves, correlation_curves, crossing, decay, doubts, rates_apart
from caloris.atoms.orientation.exponentials import Exponentials, fit_exponentials
from caloris.atoms.orientation.one_origin import OneOrigin, one_origin_cosine
from caloris.atoms.parallel import Progress
from caloris.atoms.trajectory import Trajectory
from caloris.errors import ComputationError
from caloris.units import Quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[np.floating[Any]]

_GROUPS = 64
"""Most groups of molecules; as many as the covariance of a fit can use."""


@dataclass(frozen=True)
class Lifetimes:
    """How one correlation is lost, by each definition; ps unless said otherwise, NaN where the run does not show it."""

    rate: sc.Variable
    """lambda of amplitude exp(-lambda t), fitted as by ``reorientation_rate``; 1/s, with variance."""
    amplitude: sc.Variable
    """Of that exponential: what libration leaves; with variance."""
    exponential: sc.Variable
    """1 / lambda, with variance; NaN where lambda is 0 within its error, or fewer than three turns can have been seen:
    read :attr:`lower_bound`."""
    one_over_e: sc.Variable
    """Time to 1/e, with variance."""
    integral: sc.Variable
    """Integral of the correlation to where it is a tenth, or to a quarter of the run if that is earlier, and from there
    of the exponential; with variance. A warning says how much was not seen."""
    exponentials: Exponentials | None
    """One to three exponentials, with their own errors; ``None`` for fewer than 12 groups of molecules."""
    lower_bound: sc.Variable
    """1 / lambda is longer than this with 95 % confidence, ps."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        named = {"1/lambda": self.exponential, "1/e": self.one_over_e, "integral": self.integral}
        parts = [f"{name} {x.value:.3g} +- {math.sqrt(x.variance):.1g} ps" for name, x in named.items()]
        return f"<Lifetimes: {', '.join(parts)}>"


@dataclass(frozen=True)
class Reorientation:
    """How orientations are lost in time."""

    vectors: str
    """What was followed."""
    molecules: int
    c1: sc.DataArray
    """Dimension ``time`` (ps), variance from the scatter between molecules; values at different times go together."""
    c2: sc.DataArray
    first: Lifetimes
    """Of C1."""
    second: Lifetimes
    """Of C2."""
    one_origin: OneOrigin
    """The published definition: one origin, first zero."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        t1, t2 = self.first.exponential, self.second.exponential
        return (
            f"<Reorientation of {self.vectors} in {self.molecules} molecules: C1 {t1.value:.3g} +- "
            f"{math.sqrt(t1.variance):.1g} ps, C2 {t2.value:.3g} +- {math.sqrt(t2.variance):.1g} ps>"
        )

    def plot(self) -> "Figure":
        """Draw both correlations with their fits, and the cosine from one origin with the scatter of its zero."""
        from caloris.atoms.orientation.figures import plot_reorientation

        return plot_reorientation(self)


def reorientation(
    trajectory: Trajectory,
    bond: tuple[str, str] | None = None,
    *,
    molecule: str | None = None,
    origin: Quantity = "0 ps",
    frame_interval: Quantity = "200 fs",
    duration: Quantity = "40 ps",
    progress: Progress | None = None,
) -> Reorientation:
    """Return the orientation correlations C1 and C2 and the lifetime of an orientation by each definition in use.

    Parameters
    ----------
    trajectory:
        At least 16 frames.
    bond:
        Elements of the bonds to follow, for example ``("N", "H")``.
    molecule:
        Instead: formula of the molecules, from whose centre vectors go to the atoms that lie farthest out.
    origin, frame_interval, duration:
        Of the cosine from one origin, see :func:`caloris.atoms.orientation.one_origin.one_origin_cosine`.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        Correlations and lifetimes, errors from leaving groups of molecules out.

    Raises
    ------
    InputError
        If there are no such bonds or molecules, or too few frames.

    Source
    ------
    Thermal batteries paper, Methods, eq. 8; C1 and C2: Berne and Pecora, Dynamic Light Scattering (1976), ch. 7.
    """
    curves = correlation_curves(trajectory, bond, molecule, [1, 2], most=_GROUPS, halves=True, progress=progress)
    alone = one_origin_cosine(
        trajectory,
        bond=bond,
        molecule=molecule,
        origin=origin,
        frame_interval=frame_interval,
        duration=duration,
    )
    first, second = (_lifetimes(curves, order) for order in (1, 2))
    return Reorientation(
        vectors="-".join(bond) if bond else str(molecule),
        molecules=curves.molecules,
        c1=curves.mean(1),
        c2=curves.mean(2),
        first=first,
        second=second,
        one_origin=alone,
        warnings=tuple(dict.fromkeys((*first.warnings, *second.warnings, *alone.warnings))),
    )


def _lifetimes(curves: Curves, order: int) -> Lifetimes:
    time, values, counts = curves.time, curves.by_order[order], curves.counts
    mean = mean_of_groups(values, counts)[0]
    fallen = crossing(time, mean, 0.1)
    # not farther than half of the lags: beyond there is noise, which decides whether a curve falls at all
    last = min(round(fallen / time[1]), len(time) // 2) if math.isfinite(fallen) else len(time) // 2

    def definitions(curve: Array) -> Array:
        rate, amplitude, one_over_e = decay(time, curve)
        return np.array([rate, amplitude, one_over_e, _integral(time, curve, last, rate)])

    try:
        (rate, amplitude, one_over_e, integral), errors = jackknife_of_parts(definitions, values, counts, curves.parts)
        warnings = doubts(time, float(rate), float(errors[0]), float(one_over_e))
        warnings += rates_apart(curves, order, float(errors[0]))
    except ComputationError as error:
        rate = amplitude = one_over_e = integral = np.array(math.nan)
        errors, warnings = np.full(4, math.nan), (f"C{order}: {error}.",)
    # three turns in all that may not have been seen: 95 % confidence of a Poisson process
    unseen = 3 / curves.observed
    bound = 1 / (max(float(rate), 0.0) + 1.645 * float(errors[0]) + unseen)
    positive = float(rate) if rate > max(2 * float(errors[0]), unseen) else math.nan
    if math.isnan(positive):
        integral = np.array(math.nan)
    if math.isnan(positive) and math.isfinite(bound):
        warnings += (f"C{order}: no loss of orientation within its error: 1/lambda > {bound:.3g} ps (95 %).",)
    elif mean[last] > 0.11:  # the end is where it is a tenth, between two frames
        share = float(mean[last] / rate / integral)
        warnings += (f"C{order}: {100 * share:.0f} % of the integral is the exponential beyond {time[last]:.3g} ps.",)
    sums = fit_exponentials(time, values, counts)
    return Lifetimes(
        rate=_scalar(1e12 * rate, 1e12 * errors[0], "1/s"),
        amplitude=_scalar(amplitude, errors[1], "one"),
        exponential=_scalar(1 / positive, errors[0] / positive**2, "ps"),
        one_over_e=_scalar(one_over_e, errors[2], "ps"),
        integral=_scalar(integral, errors[3], "ps"),
        exponentials=sums,
        lower_bound=sc.scalar(bound, unit="ps"),
        warnings=warnings + tuple(f"C{order}: {line}" for line in (sums.warnings if sums else ())),
    )


def _integral(time: Array, curve: Array, last: int, rate: float) -> float:
    """Integral to a lag, and from there of an exponential of this rate; NaN if that does not decay."""
    if rate <= 0:
        return math.nan
    return float(np.trapezoid(curve[: last + 1], time[: last + 1]) + curve[last] / rate)


def _scalar(value: Any, error: Any, unit: str) -> sc.Variable:
    return sc.scalar(float(value), variance=float(error) ** 2, unit=unit)
