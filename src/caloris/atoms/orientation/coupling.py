"""Whether ions hop when their neighbours turn: cross-correlation of rotation and hopping, against chance.

A_i(t): angle by which molecule i turns during an interval about t (Kabsch). B_j(t): square of the displacement of ion j
during the same interval. With deviations from the mean of each molecule and of each ion over the run,

    C(tau) = <dA_i(t) dB_j(t + tau)> / (sigma_A sigma_B)

over pairs that are neighbours at t, and over pairs that are far apart. What the neighbours have more than the far pairs
is the excess: motions of the whole crystal and of its temperature fall out. tau > 0: the ion moves after the molecule
has turned. Chance: A of every molecule is shifted in time by a random amount, which leaves what each motion is by
itself. Errors: scatter between molecules. Units: ps, angstrom, deg.
Source of the question: Li2B12H12 paper, supplementary Fig. 3; "paddle wheel": Jansen, Angew. Chem. 30, 1547 (1991).
"""

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.orientation._kernels import lagged_neighbours
from caloris.atoms.orientation.body_rotation import rigid_members, rotation_angles
from caloris.atoms.orientation.crystal_frame import CrystalFrame, bodies, body_blocks, crystal_frame
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[np.floating[Any]]

_DRAWS = 1000
"""Random shifts in time."""
_FRAMES = 64
"""Fewer steps make no correlation."""


@dataclass(frozen=True)
class Coupling:
    """Cross-correlation of the rotation of molecules with the hopping of ions."""

    neighbours: sc.DataArray
    """Correlation of near pairs, dimension ``time`` (tau, ps), variance from the scatter between molecules."""
    far: sc.DataArray
    """Of pairs that are far apart."""
    excess: sc.DataArray
    """Near less far."""
    chance: sc.DataArray
    """What shifts in time give for the excess: mean, and its variance as that of one draw."""
    strength: sc.Variable
    """Excess where it stands out most, with variance."""
    lag: sc.Variable
    """tau there, ps; > 0: ions move after molecules have turned. The resolution is the interval."""
    p_value: float
    """Share of the shifts that stand out somewhere as far: the lags that were looked at are accounted for."""
    distance: sc.Variable
    """Neighbours are nearer, angstrom."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        error = math.sqrt(self.strength.variance)
        return (
            f"<Coupling: excess {self.strength.value:.3g} +- {error:.1g} at {self.lag.value:.3g} ps, "
            f"p = {self.p_value:.2g}>"
        )

    def plot(self) -> "Figure":
        """Draw the correlations of near and far pairs and the excess against chance."""
        from caloris.atoms.orientation.figures import plot_coupling

        return plot_coupling(self)


@dataclass(frozen=True)
class _Setting:
    trajectory: Trajectory
    frame: CrystalFrame
    ions: Array
    """Deviations of B (ions, steps), divided by their standard deviation."""
    places: Array
    """Fractional places of the ions in the middle of each step (ions, steps, 3)."""
    step: int
    lags: int
    near: float
    beyond: float


def rotation_hopping_coupling(
    trajectory: Trajectory,
    molecule: str,
    species: str,
    *,
    distance: Quantity = "5 angstrom",
    interval: Quantity = "1 ps",
    longest: Quantity = "10 ps",
    seed: int = 1,
    progress: Progress | None = None,
) -> Coupling:
    """Return whether ions hop when, before or after the molecules beside them turn.

    Parameters
    ----------
    trajectory:
        At least 64 intervals at half their length.
    molecule:
        Formula of the molecules that turn, for example ``"B12H12"``.
    species:
        Element or formula of the ions that hop, for example ``"Li"``.
    distance:
        Ions nearer than this to the centre of a molecule are its neighbours at that moment; far ones are beyond twice
        it, or beyond the farthest that the cell allows.
    interval:
        Over which rotation and displacement are taken: longer than a libration, shorter than the time between jumps.
    longest:
        Longest tau, to either side.
    seed:
        Of the shifts.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        Correlations, the excess of neighbours, its strength, lag and p-value.

    Raises
    ------
    InputError
        If there are no such molecules or ions, the trajectory is too short, or there are no neighbours or no far pairs.
    """
    every = max(1, round(magnitude(interval, "ps", "interval", positive=True) / float(trajectory.timestep.value) / 2))
    lags = round(magnitude(longest, "ps", "longest", positive=True) / float(trajectory.timestep.value) / every)
    steps = (len(trajectory) - 1) // every - 1
    if steps < max(_FRAMES, 4 * lags):
        raise InputError(
            f"{trajectory.path}: {max(steps, 0)} half intervals; {max(_FRAMES, 4 * lags)} are needed, run longer"
        )
    near = magnitude(distance, "angstrom", "distance", positive=True)
    members = rigid_members(trajectory, molecule)
    setting = _setting(trajectory, species, every, lags, near)
    rng = np.random.default_rng(seed)
    shifts = rng.integers(2 * lags, steps - 2 * lags, (len(members), _DRAWS))
    work = [part for block in body_blocks(trajectory, members, copies=8) for part in _quarters(block)]

    def task(part: slice) -> tuple[Array, ...]:
        return _correlated(setting, members[part], shifts[part])

    found = list(map_blocks(task, work, progress=progress, title="coupling of rotation and hopping"))
    sums, pairs, square, drawn = (np.concatenate([one[k] for one in found]) for k in range(4))
    if not np.all(pairs.sum(axis=0) > 0):
        raise InputError(f"distance: no pairs of {molecule} and {species} within {near:g} angstrom, or none beyond")
    step = float(trajectory.timestep.value) * every
    return _coupling(sums, pairs, square, drawn, step * np.arange(-lags, lags + 1), setting)


def _quarters(block: slice) -> list[slice]:
    """Cut a block for the cores."""
    cuts = np.unique(np.linspace(block.start, block.stop, 5).astype(int)).tolist()
    return [slice(a, b) for a, b in itertools.pairwise(cuts)]


def _setting(trajectory: Trajectory, species: str, every: int, lags: int, near: float) -> _Setting:
    """Read the ions: displacement over two half intervals, place in the middle."""
    frame, ions = crystal_frame(trajectory), bodies(trajectory, species)
    masses = trajectory.masses.values
    squares, places = [], []
    for part in body_blocks(trajectory, ions):
        x = trajectory.read("position", ions[part].ravel()).reshape(len(trajectory), -1, ions.shape[1], 3)
        weights = masses[ions[part]] / masses[ions[part]].sum(axis=1, keepdims=True)
        fractional = frame.fractional(np.einsum("tmaj,ma->tmj", x, weights))[::every]
        moved = (fractional[2:] - fractional[:-2]) @ frame.cell
        squares.append((moved**2).sum(axis=-1).T)
        places.append(fractional[1:-1].transpose(1, 0, 2))
    b = np.concatenate(squares)
    heights = 1 / np.linalg.norm(np.linalg.inv(frame.cell), axis=0)
    if near > 0.5 * heights.min():
        raise InputError(f"distance: {near:g} angstrom is more than half of the cell, {heights.min():g} angstrom")
    # pairs beyond the sphere that fits into the cell are cut by its corners, which matters for counts but not here
    beyond = min(2 * near, 0.5 * float(heights.min()))
    place = np.ascontiguousarray(np.concatenate(places))
    return _Setting(trajectory, frame, _normed(b), place, every, lags, near, beyond)


def _normed(values: Array) -> Array:
    """Deviations of each row from its mean, in the standard deviation of all."""
    away = values - values.mean(axis=1, keepdims=True)
    spread = math.sqrt(float(np.mean(away**2)))
    return np.ascontiguousarray(away / spread) if spread > 0 else away


def _correlated(setting: _Setting, members: Indices, shifts: npt.NDArray[np.integer[Any]]) -> tuple[Array, ...]:
    """Of each molecule: sums of dA dB (near or far, lags), pairs (near or far, lags), mean dA^2, sums of draws."""
    from scipy.fft import irfft, rfft

    trajectory, (count, size) = setting.trajectory, members.shape
    x = trajectory.read("position", members.ravel()).astype(np.float64).reshape(len(trajectory), count, size, 3)
    centre = setting.frame.fractional(x.mean(axis=2))[:: setting.step][1:-1]
    shape = (x - x.mean(axis=2, keepdims=True))[:: setting.step]
    steps, width = centre.shape[0], 2 * setting.lags + 1
    total = setting.ions.sum(axis=0)
    sums, pairs = np.zeros((count, 2, width)), np.zeros((count, 2, width))
    square, drawn = np.zeros(count), np.zeros((count, shifts.shape[1], 2, width))
    for m in range(count):
        angle = rotation_angles(shape[:-2, m], shape[2:, m])
        a = angle - angle.mean()
        lagged, pairs[m] = lagged_neighbours(
            np.ascontiguousarray(centre[:, m]),
            setting.places,
            setting.ions,
            total,
            setting.frame.cell,
            setting.lags,
            setting.near,
            setting.beyond,
        )
        # sum over t of a(t + s) times what the ions do, for every shift s at once
        crossed = irfft(rfft(lagged, axis=-1).conj() * rfft(a), steps, axis=-1)
        sums[m], square[m] = crossed[..., 0], float(a @ a) / steps
        drawn[m] = crossed[..., shifts[m]].transpose(2, 0, 1)
    return sums, pairs, square, drawn


def _coupling(sums: Array, pairs: Array, square: Array, drawn: Array, time: Array, setting: _Setting) -> Coupling:
    molecules = len(sums)
    scale = pairs.mean(axis=0) * math.sqrt(float(square.mean()))
    curves = sums.mean(axis=0) / scale
    left = (sums - curves * (pairs * math.sqrt(float(square.mean())))) / scale
    widening = math.sqrt(molecules * max(molecules - 1, 1))
    errors = np.sqrt((left**2).sum(axis=0)) / widening
    excess, error = curves[0] - curves[1], np.sqrt(((left[:, 0] - left[:, 1]) ** 2).sum(axis=0)) / widening
    chance = (drawn / scale).mean(axis=0)
    chance = chance[:, 0] - chance[:, 1]
    spread = chance.std(axis=0) + 1e-300
    stand = np.abs(excess - chance.mean(axis=0)) / spread
    highest = (np.abs(chance - chance.mean(axis=0)) / spread).max(axis=1)
    p_value = (1 + int(np.sum(highest >= stand.max()))) / (1 + len(chance))
    k = int(np.argmax(stand))

    def curve(values: Array, deviation: Array, name: str) -> sc.DataArray:
        data = sc.array(dims=["time"], values=values, variances=deviation**2, unit="one")
        return sc.DataArray(data, coords={"time": sc.array(dims=["time"], values=time, unit="ps")}, name=name)

    return Coupling(
        neighbours=curve(curves[0], errors[0], "neighbours"),
        far=curve(curves[1], errors[1], "far"),
        excess=curve(excess, error, "excess"),
        chance=curve(chance.mean(axis=0), spread, "chance"),
        strength=sc.scalar(float(excess[k]), variance=float(error[k]) ** 2, unit="one"),
        lag=sc.scalar(float(time[k]), unit="ps"),
        p_value=p_value,
        distance=sc.scalar(setting.near, unit="angstrom"),
        warnings=_doubts(p_value, molecules, curves[1], errors[1]),
    )


def _doubts(p_value: float, molecules: int, far: Array, error: Array) -> tuple[str, ...]:
    warnings = []
    if np.mean(np.abs(far) > 3 * error) > 0.5 and np.abs(far).max() > 0.05:
        warnings.append(
            f"Far pairs go together too (up to {np.abs(far).max():.2g}): the run drifts, or passes a transition."
        )
    if p_value > 0.05:
        warnings.append(f"Chance does as much in {100 * p_value:.0f} of 100 draws: strength and lag mean nothing.")
    if molecules < 8:
        warnings.append(f"Only {molecules} molecules: errors are rough.")
    return tuple(warnings)
