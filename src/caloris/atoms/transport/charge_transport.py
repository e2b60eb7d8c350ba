"""Ionic conductivity: what all charges carry together (Einstein), and what each would carry alone (Nernst-Einstein).

sigma = lim d/dt <|M(t0 + t) - M(t0)|^2> / (6 V k T) with M = sum q r; alone: the sum over carriers of d/dt <|q dr|^2> /
(6 V k T). Haven ratio = alone / together. Displacements are those in the mean cell relative to the centre of mass of
all atoms. Of collective motion there is one sample at a time, not one for every ion: errors are from stretches of time.
Units: e, angstrom, ps, S/m.
Sources: Haven ratio: Murch, Solid State Ionics 7, 177 (1982); correlations between ions: France-Lanord and Grossman,
Phys. Rev. Lett. 122, 136001 (2019); transference from pairs of species: Fong et al., AIChE J. 66, e17091 (2020).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc
from scipy.special import stdtrit

from caloris.atoms.block_statistics import jackknife
from caloris.atoms.parallel import map_blocks
from caloris.atoms.reference_frame import ReferenceFrame, batches, paths, reference_frame
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.atoms.transport._kernels import displacement_products
from caloris.atoms.transport.diffusive_regime import Line, covariant_line, fitting_window, growth_exponent
from caloris.atoms.transport.displacements import group_curves, square_displacements
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Charge = Quantity | float

_BOLTZMANN = 8.617333262e-5
"""eV/K, CODATA 2018."""
_SIEMENS = 1602.176634
"""e^2/(eV angstrom ps) in S/m: the elementary charge over 1e-22 m s, CODATA 2018."""
_LAST = 10
"""The longest time of the fit is the run over this."""
_STRETCHES = 20
"""Most stretches of time whose scatter gives errors."""
_FEW = 8
"""Fewer stretches make a rough error."""
_SHORTEST = 100
"""Fewer frames make no conductivity."""
_ROUGH = 0.2
"""Relative error that is worth a word."""
_NEUTRAL = 1e-3
"""Net charge that is not rounding, of the sum of the sizes of all."""


@dataclass(frozen=True)
class ChargeTransport:
    """Conductivity of ions, together and alone."""

    conductivity: sc.Variable
    """Of all charges together (Einstein), S/m, with variance."""
    nernst_einstein: sc.Variable
    """Of all carriers as if each moved alone, S/m, with variance."""
    haven_ratio: sc.Variable
    """Nernst-Einstein over Einstein, with variance: 1 for independent ions, below 1 where like charges move together,
    above 1 where unlike ones do. NaN where nothing is conducted within the error."""
    transference: sc.DataArray
    """Share of each species in the conductivity (dimension ``species``), with variances; they sum to 1 and may be
    negative where a species is dragged along. NaN where nothing is conducted within the error."""
    pairs: sc.DataArray
    """What displacements of each pair of species contribute (``species``, ``other``), S/m, with variances; they sum to
    the conductivity."""
    alone: sc.DataArray
    """Nernst-Einstein conductivity by ``species``, S/m, with variances."""
    window: tuple[sc.Variable, sc.Variable]
    """Shortest and longest time of the fit, ps."""
    stretches: int
    """Of time, that the errors are from."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        error, haven_error = (math.sqrt(x.variance) for x in (self.conductivity, self.haven_ratio))
        return (
            f"<ChargeTransport: {self.conductivity.value:.3g} +- {error:.1g} S/m, "
            f"Haven ratio {self.haven_ratio.value:.2g} +- {haven_error:.1g}>"
        )


def ionic_conductivity(
    trajectory: Trajectory,
    *,
    temperature: Quantity,
    charges: Mapping[str, Charge] | None = None,
    at_rest: Selection = None,
    window: tuple[Quantity, Quantity] | None = None,
) -> ChargeTransport:
    """Return the ionic conductivity, the Haven ratio and the transference of each species.

    The slope is fitted by generalised least squares with the covariance of a random walk to products of displacements
    of q r; carriers are molecules, with the charges of all their atoms. Errors are from leaving out one stretch of time
    origins at a time, widened as Student's t is.

    Parameters
    ----------
    trajectory:
        At least 100 frames.
    temperature:
        K.
    charges:
        Formula of a molecule to its charge, which then moves with its centre of mass (``{"Li": "1 e", "B12H12": -2}``),
        or element to the charge of each of its atoms; numbers are in e. By default those that the trajectory has, which
        are the charges of the force field: scaled charges scale the conductivity.
    at_rest:
        Atoms whose centre of mass defines the frame, such as the framework of a solid; all by default. The conductivity
        of neutral matter does not depend on it, transference does: of two kinds of ions it is then fixed by their
        masses.
    window:
        Shortest and longest time of the fit. By default the longest is a tenth of the run, and the shortest the
        earliest from a tenth of that on from which carriers move diffusively.

    Returns
    -------
    :
        Everything with errors; :attr:`ChargeTransport.warnings` say what is to be doubted.

    Raises
    ------
    InputError
        If there are no charges, too few frames, or the window is not within the run.

    Source
    ------
    Fong et al., AIChE J. 66, e17091 (2020).
    """
    T = magnitude(temperature, "K", "temperature", positive=True)
    if len(trajectory) < _SHORTEST:
        raise InputError(f"{trajectory.path}: {len(trajectory)} frames are too few for a conductivity; it needs 100")
    charge, frame = _charges(trajectory, charges), reference_frame(trajectory, at_rest)
    carriers = _carriers(trajectory, charge)
    fastest = _fastest(trajectory, carriers, charge, frame)
    first, last = _window(len(trajectory), *fastest, window)
    moments = np.stack([_moment(trajectory, members, charge, frame) for members in carriers.values()])
    line = _collective_line(moments.sum(axis=0), float(fastest[0][1]), first, last)
    origins = len(trajectory) - last
    stretches = max(2, min(_STRETCHES, origins // last))
    edges = np.linspace(0, origins, stretches + 1).astype(int)
    fit = line.rows, line.coefficients, edges
    together = [[displacement_products(a[None], b[None], *fit) for b in moments] for a in moments]
    alone = [_squares(trajectory, members, charge, frame, fit) for members in carriers.values()]
    scale = _SIEMENS / (6 * float(np.mean(trajectory.volume.values)) * _BOLTZMANN * T)
    values = scale * np.concatenate([np.reshape(together, (-1, stretches)), alone])
    mean, error = jackknife(_derived, values, np.diff(edges).astype(float))
    # an interval that holds 68.3 % also for few stretches
    error = error * float(stdtrit(stretches - 1, 0.8413447))
    warnings = (
        *_regime(*fastest, first, last),
        *_doubts(mean[0], error[0], charge, stretches),
        *_frame(trajectory, carriers, at_rest),
    )
    ends = tuple(sc.scalar(float(fastest[0][1]) * row, unit="ps") for row in (first, last))
    return _result(tuple(carriers), mean, error, ends, stretches, warnings)


def _charges(trajectory: Trajectory, given: Mapping[str, Charge] | None) -> Array:
    """Charge of every atom, e; that of a molecule spread as its mass is, so that it moves with the centre of mass."""
    if given is None:
        if trajectory.charges is None:
            raise InputError(
                f"{trajectory.path}: holds no charges; give charges={{'Li': '1 e', 'B12H12': '-2 e'}}, for example"
            )
        return np.asarray(trajectory.charges.to(unit="e", dtype="float64").values)
    if not isinstance(given, Mapping):
        raise InputError(f"charges: expected names with charges, for example {{'Li': '1 e'}}, got {given!r}")
    masses = np.asarray(trajectory.masses.values)
    charge, taken = np.zeros(len(masses)), np.zeros(len(masses), dtype=bool)
    for name, value in given.items():
        number = float(value) if isinstance(value, int | float) else magnitude(value, "e", f"charges: {name}")
        if not math.isfinite(number):
            raise InputError(f"charges: {name}: expected a number of e, got {value!r}")
        atoms = trajectory.select(name)
        if np.any(taken[atoms]):
            raise InputError(f"charges: {name!r} has atoms that another name has; give each atom one charge")
        taken[atoms] = True
        if name in trajectory.symbols:
            charge[atoms] = number
        else:
            members = trajectory.molecules_of(name)
            charge[members] = number * masses[members] / masses[members].sum(axis=1, keepdims=True)
    if not np.any(charge):
        raise InputError("charges: all are 0")
    return charge


def _carriers(trajectory: Trajectory, charge: Array) -> dict[str, Indices]:
    """(molecules, atoms) of every composition in which there are charges."""
    found: dict[str, Indices] = {}
    taken: set[int] = set()
    for formula in dict.fromkeys(trajectory.formulas):
        members = trajectory.molecules_of(formula)  # of that composition in any order
        if int(members[0, 0]) not in taken and np.any(charge[members]):
            found[formula] = members
        taken.add(int(members[0, 0]))
    return found


def _charged(charge: Array, size: int, trajectory: Trajectory, atoms: Indices, frame: ReferenceFrame) -> list[Array]:
    """Sum of q r of every molecule: (molecules, 3, T), e angstrom."""
    at = paths(trajectory, atoms, frame).reshape(-1, size, 3, len(trajectory))
    return [np.einsum("mk,mkct->mct", charge[atoms.reshape(-1, size)], at)]


def _fastest(
    trajectory: Trajectory, carriers: Mapping[str, Indices], charge: Array, frame: ReferenceFrame
) -> tuple[Array, Array, Array]:
    """Time, square displacements of q r by group and their counts, of the kind that carries most if each were alone."""
    found = []
    for members in carriers.values():
        size = members.shape[1]
        follow = partial(_charged, charge, size)
        curves = group_curves(trajectory, members.ravel(), frame, rows=size, pathway=follow)
        late = min(len(trajectory) // _LAST, len(curves.time) - 1)
        growth = curves.values[0, late] - curves.values[0, late // 2]
        found.append((float(growth @ curves.counts), curves))
    best = max(found, key=lambda item: item[0])[1]
    return best.time, best.values[0], best.counts


def _window(
    frames: int, time: Array, curves: Array, counts: Array, window: tuple[Quantity, Quantity] | None
) -> tuple[int, int]:
    """First and last lag; curves of few carriers, which are split in time, are shorter than those of all together."""
    if window is not None:
        return fitting_window(time[1] * np.arange(frames // 2 + 1), curves, counts, window)
    return fitting_window(time, curves, counts, None, min(frames // _LAST, len(time) - 1))


def _moment(trajectory: Trajectory, members: Indices, charge: Array, frame: ReferenceFrame) -> Array:
    """Sum of q r over molecules, (3, T), e angstrom."""
    blocks = batches(trajectory, members.ravel(), rows=members.shape[1])
    return np.asarray(sum(_charged(charge, members.shape[1], trajectory, b, frame)[0].sum(axis=0) for b in blocks))


def _squares(
    trajectory: Trajectory, members: Indices, charge: Array, frame: ReferenceFrame, fit: tuple[Any, Any, Any]
) -> Array:
    """Slope of the squares of single carriers in every stretch of time."""
    task = partial(_square_block, trajectory, charge, members.shape[1], frame, fit)
    return np.asarray(sum(map_blocks(task, batches(trajectory, members.ravel(), rows=members.shape[1]))))


def _square_block(
    trajectory: Trajectory, charge: Array, size: int, frame: ReferenceFrame, fit: tuple[Any, Any, Any], block: Indices
) -> Array:
    (walks,) = _charged(charge, size, trajectory, block, frame)
    return np.asarray(displacement_products(walks, walks, *fit))


def _collective_line(moment: Array, step: float, first: int, last: int) -> Line:
    curve = square_displacements(moment[None], last + 1)[0]
    return covariant_line(step * np.arange(last + 1), curve, first, last, frames=moment.shape[-1])


def _derived(values: Array) -> Array:
    """Conductivity, Nernst-Einstein, Haven ratio, transference of each, pairs, alone."""
    kinds = round((math.sqrt(1 + 4 * len(values)) - 1) / 2)  # kinds^2 + kinds values
    pairs, alone = values[: kinds**2].reshape(kinds, kinds), values[kinds**2 :]
    total = pairs.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        haven, shares = alone.sum() / total, pairs.sum(axis=1) / total
    return np.concatenate([[total, alone.sum(), haven], shares, pairs.ravel(), alone])


def _result(
    names: tuple[str, ...],
    mean: Array,
    error: Array,
    window: tuple[sc.Variable, ...],
    stretches: int,
    warnings: tuple[str, ...],
) -> ChargeTransport:
    kinds = len(names)
    variance = error**2
    if mean[0] <= 2 * error[0]:  # a ratio to nothing
        mean[2 : 3 + kinds], variance[2 : 3 + kinds] = math.nan, math.nan
    species = sc.array(dims=["species"], values=list(names))
    other = species.rename_dims(species="other")

    def scalar(k: int, unit: str) -> sc.Variable:
        return sc.scalar(float(mean[k]), variance=float(variance[k]), unit=unit)

    def over(start: int, unit: str, *dims: str) -> sc.DataArray:
        shape, part = (kinds,) * len(dims), slice(start, start + kinds ** len(dims))
        data = sc.array(
            dims=list(dims), values=mean[part].reshape(shape), variances=variance[part].reshape(shape), unit=unit
        )
        return sc.DataArray(data, coords={"species": species, **({"other": other} if "other" in dims else {})})

    return ChargeTransport(
        conductivity=scalar(0, "S/m"),
        nernst_einstein=scalar(1, "S/m"),
        haven_ratio=scalar(2, "dimensionless"),
        transference=over(3, "dimensionless", "species"),
        pairs=over(3 + kinds, "S/m", "species", "other"),
        alone=over(3 + kinds + kinds**2, "S/m", "species"),
        window=(window[0], window[1]),
        stretches=stretches,
        warnings=warnings,
    )


def _regime(time: Array, curves: Array, counts: Array, first: int, last: int) -> tuple[str, ...]:
    last = min(last, len(time) - 1)
    exponent, error = growth_exponent(time, curves, counts, first, last) if last >= first + 3 else (1.0, 0.0)
    if abs(exponent - 1) <= 2 * error and error < 0.5:
        return ()
    how = f"grow as t^{exponent:.2f} (error {error:.2f})" if error < 0.5 else "do not grow steadily"
    return (
        f"Displacements of the fastest carriers {how} over the window: not diffusive, neither conductivity is one.",
    )


def _frame(trajectory: Trajectory, carriers: Mapping[str, Indices], at_rest: Selection) -> tuple[str, ...]:
    if at_rest is not None or len(carriers) != 2 or sum(map(np.size, carriers.values())) != len(trajectory.symbols):
        return ()
    heaviest = max(carriers, key=lambda name: float(trajectory.masses.values[carriers[name]].sum()))
    return (
        "Of two kinds of ions that are all there is, transference relative to the centre of mass is fixed by their "
        f"masses; say what is at rest, for example at_rest={heaviest!r}.",
    )


def _doubts(value: float, error: float, charge: Array, stretches: int) -> tuple[str, ...]:
    found = []
    if abs(charge.sum()) > _NEUTRAL * np.abs(charge).sum():
        found.append(
            f"The charges sum to {charge.sum():.3g} e: the conductivity then depends on the frame, here that of the "
            "centre of mass."
        )
    if value <= 2 * error:
        found.append("The conductivity is 0 within its error: there is no Haven ratio and no transference.")
    elif error > _ROUGH * value:
        found.append(
            f"The conductivity is known to {100 * error / value:.0f} % only: all ions together are one sample at a "
            f"time, of which the run has some {stretches}; run longer."
        )
    if stretches < _FEW:
        found.append(f"Errors are from {stretches} stretches of time only and rough; choose a shorter window.")
    return tuple(found)
