"""Power spectra of velocities in overlapping Hann windows (Welch), by groups of atoms and by kinds of motion.

Squares integrate over energy (trapezoidal) to the mean of the squared series. Units: angstrom, ps, u, meV.
Source: Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967); rigid bodies: Lin, Maiti and Goddard, J. Phys. Chem. B
114, 8191 (2010).
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.segments import Indices
from caloris.atoms.thermodynamics.isomers import isomers
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]

PLANCK = 4.135667696
"""meV ps, CODATA 2018."""
BOLTZMANN = 8.617333262e-2
"""meV/K, CODATA 2018."""
KINETIC = 0.10364269656262
"""u angstrom^2/ps^2 in meV, CODATA 2018."""
MOTIONS = ("translation", "rotation", "vibration")
HANN_WIDTH = 1.44
"""Full width at half maximum of the power of a Hann window, in units of 1 / its length."""
OVERLAP_CORRELATION = 1 / 36
"""Of the power of white noise in windows that overlap by half."""
_RIGID = 0.05
"""Temperature of a motion, relative to that of the others, below which something holds it."""
_TWICE = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
"""What makes the peak of a Hann window, whose variance is a third of a squared bin, twice as wide."""
_LINEAR = 0.03
"""Smallest over largest moment of inertia, below which a molecule is linear (0.34 for water)."""


@dataclass(frozen=True, eq=False)
class Kind:
    """Molecules of one composition."""

    name: str
    molecules: Indices
    """(M, n) atoms; elements in the same order in each."""
    masses: Array
    """(n,), u."""
    linear: bool

    @property
    def modes(self) -> dict[str, int]:
        """Degrees of freedom of each motion, of all molecules together."""
        count, n = self.molecules.shape
        turns = 0 if n == 1 else 2 if self.linear else 3
        return {"translation": 3 * count, "rotation": turns * count, "vibration": (3 * n - 3 - turns) * count}


def window_length(trajectory: Trajectory, width: float) -> int:
    """Return how many frames a Hann window of a full width (meV) has; an error if the trajectory has fewer."""
    dt = float(trajectory.timestep.value)
    length = math.ceil(HANN_WIDTH * PLANCK / (width * dt))
    if not 8 <= length <= len(trajectory):
        raise InputError(
            f"resolution: {width:g} meV needs {length * dt:.3g} ps in at least 8 frames; {trajectory.path.name} has "
            f"{len(trajectory)} frames of {dt:g} ps"
        )
    return length


def energies(length: int, time_step: float) -> Array:
    """Energies (meV) of a window of so many frames, time step in ps."""
    return np.asarray(PLANCK * np.fft.rfftfreq(length, time_step))


def power_spectra(series: Array, length: int, members: Array, time_step: float) -> Array:
    """Return summed power spectra of groups of series in each window.

    Parameters
    ----------
    series:
        (T, series), any unit.
    length:
        Frames of a window; windows overlap by half.
    members:
        (series, groups), the weight of each series in each group.
    time_step:
        ps.

    Returns
    -------
    :
        (windows, length // 2 + 1, groups), square of the unit per meV.

    Examples
    --------
    >>> noise = np.random.default_rng(1).standard_normal((20000, 4))
    >>> power = power_spectra(noise, 100, np.ones((4, 1)), 0.01).mean(axis=0)[:, 0]
    >>> round(float(np.trapezoid(power, energies(100, 0.01))), 1)
    4.0
    """
    from scipy.fft import rfft

    window = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    scale = 2 * time_step / (PLANCK * (window**2).sum())
    along = np.ascontiguousarray(series.T, dtype=np.float64)
    starts = range(0, along.shape[1] - length + 1, max(1, length // 2))
    power = np.empty((len(starts), length // 2 + 1, members.shape[1]))
    for k, start in enumerate(starts):
        spectrum = rfft(along[:, start : start + length] * window, axis=1, overwrite_x=True)
        power[k] = (spectrum.real**2 + spectrum.imag**2).T @ members
    return np.asarray(scale * power)


def twice_as_coarse(density: Array) -> Array:
    """Return densities of states (..., energies from 0) as windows half as long would show them.

    Examples
    --------
    >>> sharp = np.array([0.0, 0, 0, 1 / 6, 2 / 3, 1 / 6, 0, 0, 0])
    >>> where = np.arange(9) - 4
    >>> [round(float(g @ where**2), 3) for g in (sharp, twice_as_coarse(sharp))]
    [0.333, 1.333]
    """
    wide = np.pad(density, [(0, 0)] * (density.ndim - 1) + [(2, 2)], mode="reflect")
    count = density.shape[-1]
    return np.asarray(sum(weight * wide[..., k : k + count] for k, weight in enumerate(_TWICE)))


def held_rigid(temperatures: Array, modes: Array, share: float = _RIGID) -> npt.NDArray[np.bool_]:
    """Return which motions are held by constraints: they are much colder than those that hold the energy.

    Examples
    --------
    >>> held_rigid(np.array([300.0, 320.0, 0.02]), np.array([90.0, 90.0, 270.0])).tolist()
    [False, False, True]
    """
    energy = temperatures * modes
    return np.asarray(temperatures < share * float(energy @ temperatures) / float(energy.sum()))


def kinds_of(trajectory: Trajectory, species: Selection = None) -> list[Kind]:
    """Return the kinds of molecules, all of them or those of one species; names by the first order of elements.

    Molecules of one composition but other isotopes are kinds of their own, with their mass in the name; so are isomers,
    of which the atoms are bonded in another way.
    """
    atoms = set(trajectory.select(species).tolist())
    order = np.argsort(trajectory.molecules, kind="stable")
    cuts = np.flatnonzero(np.diff(trajectory.molecules[order])) + 1
    mass = np.round(trajectory.masses.values, 3).tolist()
    found: dict[frozenset[tuple[tuple[str, float], int]], list[tuple[str, Indices]]] = {}
    for name, group in zip(trajectory.formulas, np.split(order, cuts), strict=True):
        chosen = atoms.intersection(group.tolist())
        if chosen and len(chosen) < len(group):
            raise InputError(f"species: {species!r} is a part of {name}; motion is told apart for whole molecules only")
        if chosen:
            sort = sorted(group.tolist(), key=lambda i: (trajectory.symbols[i], mass[i], i))
            key = frozenset(Counter((trajectory.symbols[i], mass[i]) for i in sort).items())
            found.setdefault(key, []).append((name, np.array(sort)))
    elements = [Counter(trajectory.symbols[i] for i in same[0][1].tolist()) for same in found.values()]
    kinds = []
    for same, own in zip(found.values(), elements, strict=True):
        isotopes = f" ({sum(mass[i] for i in same[0][1].tolist()):.1f} u)" if elements.count(own) > 1 else ""
        for name, groups in isomers(same, trajectory.bonds, trajectory.symbols):
            kinds.append(_kind(trajectory, name + isotopes, np.array(groups)))
    return kinds


def kind_of(trajectory: Trajectory, species: str) -> Kind:
    """Return the kind of an element or formula; an error if its molecules have different masses."""
    kinds = kinds_of(trajectory, species)
    if len(kinds) > 1:
        raise InputError(f"species: {species} has molecules of different kinds, {', '.join(k.name for k in kinds)}")
    return kinds[0]


def _kind(trajectory: Trajectory, name: str, molecules: Indices) -> Kind:
    masses = np.asarray(trajectory.masses.values[molecules[0]], dtype=np.float64)
    linear = molecules.shape[1] == 2
    if molecules.shape[1] > 2:
        few = slice(None, None, max(1, len(trajectory) // 5))
        some = molecules[:: max(1, len(molecules) // 8)]
        x = trajectory.read("position", some.ravel(), few).astype(np.float64).reshape(-1, molecules.shape[1], 3)
        x -= np.einsum("i,gic->gc", masses, x)[:, None] / masses.sum()
        gyration = np.linalg.eigvalsh(np.einsum("i,gic,gid->gcd", masses, x, x))
        moments = np.stack([gyration[:, 0] + gyration[:, 1], gyration[:, 1] + gyration[:, 2]])
        linear = float(moments[0].mean()) < _LINEAR * float(moments[1].mean())
    return Kind(name, molecules, masses, linear)


def motion_spectra(
    trajectory: Trajectory,
    kind: Kind,
    length: int,
    *,
    groups: int = 1,
    drift: Array | None = None,
    progress: Progress | None = None,
) -> dict[str, Array]:
    """Return the power spectra of translation, rotation and internal vibration of the molecules of one kind.

    Parameters
    ----------
    trajectory:
        With positions and velocities.
    kind:
        Which molecules.
    length:
        Frames of a window.
    groups:
        Into how many groups molecules are split.
    drift:
        (T, 3), angstrom/ps, a velocity of all atoms that is taken off.
    progress:
        Called with the part that is done.

    Returns
    -------
    :
        (windows * groups, length // 2 + 1) for each motion the kind has: twice its kinetic energy, meV per meV; that of
        a group is scaled to all molecules, so that the mean over groups is the whole.
    """
    dt = float(trajectory.timestep.value)
    n = kind.molecules.shape[1]
    count = len(kind.molecules)
    sizes = [len(block) // n for block in trajectory.blocks(kind.molecules.ravel(), rows=n, copies=6)]
    blocks = np.split(np.arange(count), np.cumsum(sizes)[:-1])
    members = np.zeros((count, groups))
    members[np.arange(count), np.arange(count) * groups // count] = 1.0
    members *= count / members.sum(axis=0)

    def task(rows: Indices) -> dict[str, Array]:
        series = dict(_motions(trajectory, kind.molecules[rows], kind, drift))
        return {
            motion: power_spectra(x, length, np.repeat(members[rows], x.shape[1] // len(rows), axis=0), dt)
            for motion, x in series.items()
        }

    total: dict[str, Array] = {}
    for found in map_blocks(task, blocks, progress=progress, title=f"motion of {kind.name}"):
        for motion, power in found.items():
            total[motion] = total.get(motion, 0.0) + KINETIC * power
    flat = {motion: np.moveaxis(power, 2, 1).reshape(-1, power.shape[1]) for motion, power in total.items()}
    return {motion: power for motion, power in flat.items() if kind.modes[motion]}


def _motions(
    trajectory: Trajectory, molecules: Indices, kind: Kind, drift: Array | None
) -> Iterator[tuple[str, Array]]:
    """Series (T, ...) of which the squares sum to twice the kinetic energy, u angstrom^2/ps^2."""
    from caloris.atoms.thermodynamics._kernels import separate_motion  # numba: only where molecules are told apart

    count, n = molecules.shape
    v = trajectory.read("velocity", molecules.ravel()).astype(np.float64)
    if drift is not None:
        v -= drift[:, None]
    frames = len(v)
    if n == 1:
        yield "translation", v.reshape(frames, -1) * math.sqrt(kind.masses[0])
        return
    x = trajectory.read("position", molecules.ravel()).astype(np.float64).reshape(frames, count, n, 3)
    reference = x[0] - np.einsum("i,mic->mc", kind.masses, x[0])[:, None] / kind.masses.sum()
    centre, turning = np.empty((frames, count, 3)), np.empty((frames, count, 3))
    internal = np.empty(x.shape)
    v = v.reshape(x.shape)
    separate_motion(x, v, reference, kind.masses, kind.linear, centre, turning, internal)
    for motion, series in zip(MOTIONS, (centre, turning, internal), strict=True):
        yield motion, series.reshape(frames, -1)
