"""Jumps of ions between sites: residence times, rates, lengths, and how much of diffusion they make.

An ion belongs to the site whose core it entered last; it has jumped when it enters the core of another, so that
vibrations and attempts that fail are no jumps. Rate = jumps / time watched, which is the maximum likelihood of
exponential residence times whether they ended within the run or not. Jumps that forget each other diffuse with
D = <l^2> nu / 6 (Chudley and Elliott); D of the paths over that is the correlation factor f.
Units: angstrom, ps; rates 1/ps, D cm^2/s.
Sources: Chudley and Elliott, Proc. Phys. Soc. 77, 353 (1961); Compaan and Haven, Trans. Faraday Soc. 52, 786 (1956).
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc
from scipy.special import stdtrit

from caloris.atoms.block_statistics import halves_apart, jackknife
from caloris.atoms.parallel import Progress
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.atoms.transport.diffusive_regime import Line, covariant_line
from caloris.atoms.transport.independence import grouped, independent_units
from caloris.atoms.transport.jump_events import JumpEvents, Parts, follow
from caloris.atoms.transport.sites import Sites
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]

_CORE = 0.35
"""Radius of a core, in distances to the nearest site; half would make neighbours touch."""
_GROUPS = 20
"""Groups of ions (whole molecules), or of stretches of time of few ions, whose scatter gives errors."""
_PARTS = 4
"""Fewer parts of the run have no scatter that is worth a look."""
_FAST = 5
"""Frames between jumps below which some are missed."""
_SHORTEST = 16
"""Fewer frames make no jumps."""
_PAST = 3
"""Residence times after which displacements are taken to be diffusive."""
_NONE = 1.14
"""Jumps below which the truth is in 68 % of cases where none was seen, -log(0.32)."""
_DOUBTFUL = 0.4
"""Share of positions in a core below which sites are doubtful; a harmonic ion in good cores has more."""
_BIN = 0.1
"""Of the histogram of lengths, angstrom."""
_FEW = 100
"""Fewer jumps than this have at least the error of counting."""
_CM2_PER_S = 1e-4
"""angstrom^2/ps in cm^2/s."""


@dataclass(frozen=True, eq=False, repr=False)
class Jumps:
    """How ions jump between sites."""

    events: JumpEvents
    residence_time: sc.Variable
    """Mean, ps, with variance; NaN without jumps."""
    residence_by_kind: sc.DataArray
    """Dimension ``kind``, of site, ps, with variances."""
    occupation: sc.DataArray
    """Share of the time of all ions that they belong to sites of each ``kind``, with variances."""
    rates: sc.DataArray
    """From ``origin`` to ``destination`` kinds of site, jumps per ion at the origin and ps, with variances."""
    jump_rate: sc.Variable
    """Of an ion, 1/ps, with variance."""
    upper_bound: sc.Variable
    """The rate is below this with 95 % confidence, 1/ps."""
    jump_lengths: sc.DataArray
    """Distribution over ``r`` (edges, angstrom), 1/angstrom, with variances."""
    mean_square_length: sc.Variable
    """angstrom^2, with variance."""
    mean_cosine: sc.Variable
    """Of the angle between successive jumps, with variance: -1 for an ion that always goes back."""
    jump_diffusion: sc.Variable
    """<l^2> nu / 6, as if jumps forgot each other, cm^2/s, with variance."""
    path_diffusion: sc.Variable
    """From the mean square displacement from site to site, cm^2/s, with variance."""
    correlation_factor: sc.Variable
    """Path over jump diffusion, with variance."""
    core_radius: sc.Variable
    """Dimension ``site``, angstrom."""
    in_core: float
    """Share of all positions that are in a core."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        tau, f = self.residence_time, self.correlation_factor
        return (
            f"<Jumps: {len(self.events)} of {self.events.ions} ions; residence time {tau.value:.3g} +- "
            f"{math.sqrt(tau.variance):.1g} ps; correlation factor {f.value:.2g} +- {math.sqrt(f.variance):.1g}>"
        )


def follow_jumps(
    trajectory: Trajectory,
    species: Selection,
    sites: Sites,
    *,
    core_radius: Quantity | None = None,
    progress: Progress | None = None,
    scheduler: str | None = None,
) -> Jumps:
    """Follow ions from site to site.

    Parameters
    ----------
    trajectory:
        At least 16 frames, closer than residence times.
    species:
        Atoms, for example ``"Li"``.
    sites:
        Of :func:`find_sites` or :func:`sites_of_structure`.
    core_radius:
        Of all sites; by default of each 0.35 of the distance to the nearest other one.
    progress, scheduler:
        As for :func:`caloris.atoms.parallel.map_blocks`.

    Returns
    -------
    :
        Residence times, rates, lengths and diffusion, with errors from leaving out groups of ions (or stretches of time
        of few ions), at least those of counting where jumps are few. Ions of one molecule are one sample. Ions that
        never enter a core belong to no site and count in no average; a warning says how many.

    Raises
    ------
    InputError
        If there are no such atoms, too few frames, cores that overlap, or no atom that ever is in a core.

    Source
    ------
    Chudley and Elliott, Proc. Phys. Soc. 77, 353 (1961); correlation factor: Compaan and Haven (1956).
    """
    core = _CORE * sites.nearest
    if core_radius is not None:
        core = np.full(len(sites), magnitude(core_radius, "angstrom", "core_radius", positive=True))
        if core[0] > 0.5 * sites.smallest_distance * (1 + 1e-9):
            raise InputError(
                f"core_radius: cores of {core[0]:.3g} angstrom overlap, sites are {sites.smallest_distance:.3g} apart"
            )
    ions = trajectory.select(species)
    if len(trajectory) < _SHORTEST or not len(ions):
        raise InputError(f"{trajectory.path}: {len(trajectory)} frames of {len(ions)} ions are too few for jumps")
    bodies = int(independent_units(trajectory, ions).max()) + 1
    parts = max(1, min(-(-_GROUPS // bodies), len(trajectory) // _SHORTEST))
    events, sums, in_core = follow(trajectory, ions, sites, core, parts, progress=progress, scheduler=scheduler)
    watched = sums[1 : 1 + len(set(sites.kinds))].sum(axis=(0, 2))
    if not np.any(watched):
        raise InputError(f"{trajectory.path}: no ion ever is in the core of a site; sites are elsewhere")
    return _result(events, sums, float(trajectory.timestep.value), core, in_core)


def _by_body(events: JumpEvents, sums: Array) -> tuple[Array, int]:
    """Sums (quantities, bodies, parts) over the ions of each molecule that ever have a site, and how many ions have."""
    kinds = len(set(events.sites.kinds))
    known = np.flatnonzero(sums[1 : 1 + kinds].sum(axis=(0, 2)) > 0)
    _, body = np.unique(events.units[known], return_inverse=True)
    out = np.zeros((len(sums), int(body.max()) + 1, sums.shape[2]))
    for row, ion in zip(body, known, strict=True):
        out[:, row] += sums[:, ion]
    return out, len(known)


_NAMES = ("tau", "rate", "square", "cosine", "jump", "path", "factor")


def _derived(kinds: int, step: float, line: Line, sums: Array) -> Array:
    """Averages of sums, :data:`_NAMES` first, then by kind: residence time, share of time, rates."""
    parts = Parts.of(sums, kinds)
    watched, count = parts.frames.sum() * step, parts.jumps.sum()
    square, rate = parts.square_length / count, count / watched
    jump = _CM2_PER_S * square * rate / 6
    path = _CM2_PER_S * line.slope(parts.square_displacement / parts.units) / 6
    one = [watched / count, rate, square, parts.cosine / parts.successions, jump, path, path / jump]
    tau = parts.frames * step / parts.jumps.sum(axis=1)
    rates = parts.jumps / (parts.frames * step)[:, None]
    return np.concatenate([one, tau, parts.frames / parts.frames.sum(), rates.ravel()])


def _result(events: JumpEvents, sums: Array, step: float, core: Array, in_core: float) -> Jumps:
    kinds = tuple(dict.fromkeys(events.sites.kinds))
    sums, known = _by_body(events, sums)
    k, parts = len(kinds), sums.shape[2]
    flat = sums.reshape(len(sums), -1)
    owner = grouped(np.arange(flat.shape[1]), flat.shape[1] if parts > 1 else _GROUPS)
    samples = np.add.reduceat(flat, np.flatnonzero(np.diff(owner, prepend=-1)), axis=1)
    groups = samples.shape[1]
    whole = Parts.of(samples.sum(axis=1), k)
    frames = (round(events.duration / step) + 1) // parts
    with np.errstate(divide="ignore", invalid="ignore"):
        estimator = partial(_derived, k, step, _line(whole, step, frames))
        mean, error = jackknife(estimator, samples, np.ones(groups))
        error = error * float(stdtrit(max(groups - 1, 1), 0.8413447))  # holds 68.3 % also for few groups
        if parts >= _PARTS:  # what all ions do together
            _, in_time = jackknife(estimator, sums.sum(axis=1), np.ones(parts))
            error = np.fmax(error, in_time)
        mean, error = _counted(whole, step, mean, error)
    one = {name: (float(mean[n]), float(error[n])) for n, name in enumerate(_NAMES)}
    start = len(_NAMES)
    tau, share, rates = np.split(np.stack([mean, error])[:, start:], [k, 2 * k], axis=1)
    kind = sc.array(dims=["kind"], values=list(kinds))
    ends = {"origin": kind.rename_dims(kind="origin"), "destination": kind.rename_dims(kind="destination")}
    watched = float(whole.frames.sum()) * step
    return Jumps(
        events=events,
        residence_time=_scalar(*one["tau"], "ps"),
        residence_by_kind=sc.DataArray(_array(["kind"], tau, "ps"), coords={"kind": kind}),
        occupation=sc.DataArray(_array(["kind"], share, "dimensionless"), coords={"kind": kind}),
        rates=sc.DataArray(_array(["origin", "destination"], rates.reshape(2, k, k), "1/ps"), coords=ends),
        jump_rate=_scalar(*one["rate"], "1/ps"),
        upper_bound=sc.scalar(one["rate"][0] + 1.645 * one["rate"][1] if len(events) else 3 / watched, unit="1/ps"),
        jump_lengths=_lengths(events),
        mean_square_length=_scalar(*one["square"], "angstrom^2"),
        mean_cosine=_scalar(*one["cosine"], "dimensionless"),
        jump_diffusion=_scalar(*one["jump"], "cm^2/s"),
        path_diffusion=_scalar(*one["path"], "cm^2/s"),
        correlation_factor=_scalar(*one["factor"], "dimensionless"),
        core_radius=sc.array(dims=["site"], values=core, unit="angstrom"),
        in_core=in_core,
        warnings=_doubts(events, one["tau"][0], step, in_core, known)
        + _between_halves(events, known, watched, *one["rate"]),
    )


def _line(whole: Parts, step: float, frames: int) -> Line:
    """Slope of the square displacements of paths from site to site, past some jumps where the run allows it."""
    curve = whole.square_displacement / whole.units
    last = len(curve) - 1
    count = float(whole.jumps.sum())
    past = _PAST * float(whole.frames.sum()) / count if count else 0.0
    first = int(np.clip(max(past, 0.1 * last), 1, max(1, last // 3)))
    return covariant_line(step * np.arange(last + 1), curve, first, last, frames=frames)


def _counted(whole: Parts, step: float, mean: Array, error: Array) -> tuple[Array, Array]:
    """Let errors of rates and residence times be at least those of counting, where few jumps were counted."""
    k, start = len(whole.frames), len(_NAMES)
    counts = np.full(len(mean), np.inf)
    counts[:2] = whole.jumps.sum()
    counts[start : start + k] = whole.jumps.sum(axis=1)
    counts[start + 2 * k :] = whole.jumps.ravel()
    few = counts < _FEW
    error[few] = np.fmax(error[few], mean[few] / np.sqrt(counts[few]))
    none = np.flatnonzero(counts == 0)
    watched = np.broadcast_to((whole.frames * step)[:, None], (k, k)).ravel()
    for n in none:
        if n == 1:
            error[n] = _NONE / (whole.frames.sum() * step)
        elif n >= start + 2 * k:
            error[n] = _NONE / watched[n - start - 2 * k]
    mean[~np.isfinite(mean)] = math.nan
    return mean, np.where(np.isfinite(mean), error, math.nan)


def _scalar(value: float, error: float, unit: str) -> sc.Variable:
    return sc.scalar(value, variance=error**2, unit=unit)


def _array(dims: list[str], found: Array, unit: str) -> sc.Variable:
    return sc.array(dims=dims, values=found[0], variances=found[1] ** 2, unit=unit)


def _lengths(events: JumpEvents) -> sc.DataArray:
    length = np.linalg.norm(events.vector, axis=1)
    edges = _BIN * np.arange(math.ceil(length.max(initial=0.0) / _BIN + 1e-9) + 2)
    counts = np.histogram(length, edges)[0].astype(float)
    norm = max(len(events), 1) * _BIN
    data = sc.array(dims=["r"], values=counts / norm, variances=counts / norm**2, unit="1/angstrom")
    return sc.DataArray(data, coords={"r": sc.array(dims=["r"], values=edges, unit="angstrom")}, name="jump lengths")


def _between_halves(events: JumpEvents, known: int, watched: float, rate: float, error: float) -> tuple[str, ...]:
    """Whether ions jump as often in both halves of the run; ions are not watched before their first core."""
    half = 0.5 * events.duration
    first = watched - known * half
    if not rate > 0 or first <= 0.5 * half * known:
        return ()
    early = int(np.count_nonzero(events.time < half))
    return halves_apart("jump rate", (early / first, (len(events) - early) / (known * half)), error, "1/ps")


def _doubts(events: JumpEvents, tau: float, step: float, in_core: float, known: int) -> tuple[str, ...]:
    found = []
    if known < events.ions:
        found.append(
            f"{events.ions - known} of {events.ions} ions never entered a core: sites are missing, and averages are "
            "those of the others."
        )
    if not len(events):
        found.append(f"No ion jumped in {events.duration:g} ps: only the upper bound of the rate means something.")
    elif tau < _FAST * step:
        found.append(f"Ions stay for {tau / step:.1f} frames only: jumps are missed; keep frames more often.")
    elif len(events) < 3 * known:
        found.append(f"{len(events)} jumps of {known} ions: the correlation factor sees only the first few jumps.")
    if in_core < _DOUBTFUL:
        found.append(f"Only {100 * in_core:.0f} % of all positions are in a core: sites are missing or too small.")
    return tuple(found)
