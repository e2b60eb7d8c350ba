"""Stress of single atoms and molecules from their virial, and the von Mises stress of it, eq. 10 of the paper.

sigma_i = -(m v v + W_i) / V_i, > 0 under tension, W_i the virial of the store. Summed over the cell and divided by its
volume it is the pressure of the engine. The stress of one atom at one time is that of its bonds, tens of GPa, and it
scales with the volume it is given: only differences at one convention mean something. Units: angstrom, eV, GPa.
Source: Thompson, Plimpton and Mattson, J. Chem. Phys. 131, 154107 (2009).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import mean_of_groups
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.segments import Indices
from caloris.atoms.thermodynamics.windowed_spectra import kinds_of
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Volume = Literal["equal", "voronoi"] | sc.Variable

_GPA = 160.21766340
"""eV/angstrom^3 in GPa, CODATA 2018."""
_KINETIC = 1.0364269656262e-4
"""u angstrom^2/ps^2 in eV, CODATA 2018."""
_BLOCKS = 16
"""Of time, whose scatter gives errors."""
_SLAB = 64_000_000
"""Bytes of one array of a block of frames."""
_VORONOI_FRAMES = 5
"""Frames that volumes of atoms are averaged over."""
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
"""Components in the order of the store: xx, yy, zz, xy, xz, yz."""


@dataclass(frozen=True, eq=False, repr=False)
class StressDistribution:
    """Von Mises stresses of atoms or molecules of each species over a trajectory."""

    probability: "sc.DataGroup[sc.DataArray]"
    """By species: probability density over ``stress`` (GPa, bin edges), 1/GPa, with variances."""
    mean: "sc.DataGroup[sc.Variable]"
    """By species: mean von Mises stress, GPa, with variance."""
    share_above: "sc.DataGroup[sc.Variable]"
    """By species: share of the stresses above the threshold, 0 to 1, with variance."""
    threshold: sc.Variable
    """GPa."""
    pressure: sc.Variable
    """MPa, of the sum over atoms, with variance: the pressure of the engine if all parts are counted."""
    convention: str
    """Of what, with which volume, with or without the kinetic part."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        means = ", ".join(
            f"{name} {value.value:.3g} +- {math.sqrt(value.variance or 0):.1g} GPa, "
            f"{100 * self.share_above[name].value:.2g} % above {self.threshold.value:g}"
            for name, value in self.mean.items()
        )
        return f"<StressDistribution: {means}; {self.convention}>"


def von_mises(stress: sc.Variable | sc.DataArray) -> sc.Variable | sc.DataArray:
    """Return the von Mises stress of stress tensors.

    Parameters
    ----------
    stress:
        With a dimension ``component`` of xx, yy, zz, xy, xz, yz.

    Returns
    -------
    :
        Without that dimension, in its unit, not negative. The sign of the stress does not matter.

    Raises
    ------
    InputError
        If there are no six components.

    Source
    ------
    Eq. 10 of the paper on barocaloric thermal batteries.

    Examples
    --------
    >>> shear = sc.array(dims=["component"], values=[0.0, 0, 0, 2.0, 0, 0], unit="GPa")
    >>> round(float(von_mises(shear).value / 2), 4)
    1.7321
    """
    if not isinstance(stress, sc.Variable | sc.DataArray):
        raise InputError(f"stress: expected a scipp array with a dimension 'component', got {type(stress).__name__}")
    if "component" not in stress.dims or stress.sizes["component"] != 6:
        raise InputError("stress: expected a dimension 'component' of xx, yy, zz, xy, xz, yz")
    xx, yy, zz, xy, xz, yz = (stress["component", k] for k in range(6))
    normal = (xx - yy) ** 2 + (yy - zz) ** 2 + (xx - zz) ** 2
    return sc.sqrt(0.5 * (normal + 6.0 * (xy**2 + yz**2 + xz**2)))


def atomic_stress(
    trajectory: Trajectory,
    atoms: Selection = None,
    frames: slice = slice(None),
    *,
    volume: Volume = "equal",
    kinetic: bool = True,
) -> sc.DataArray:
    """Return the stress tensor of each atom at each time, for a display or for :func:`von_mises`.

    Parameters
    ----------
    trajectory:
        With the virial of each atom (the engine LAMMPS records it), and velocities for the kinetic part.
    atoms, frames:
        Which; all in memory.
    volume:
        Of an atom: ``"equal"``, V / N of each frame; ``"voronoi"``, its periodic Voronoi cell, averaged over 5 frames;
        or one volume for each atom of the trajectory.
    kinetic:
        Whether m v v counts; without it the stress of forces alone.

    Returns
    -------
    :
        Dimensions ``time``, ``atom``, ``component`` (xx, yy, zz, xy, xz, yz), GPa, > 0 under tension.

    Raises
    ------
    InputError
        If the trajectory has no virial, no velocities where they are needed, or volumes do not fit.
    """
    indices = trajectory.select(atoms)
    volumes = _volumes(trajectory, volume, frames)
    tension = _tension(trajectory, indices, frames, kinetic)
    values = tension / (volumes[:, indices] if volumes.shape[1] > 1 else volumes)[..., None] * _GPA
    coords = {"time": trajectory.time["time", frames], "atom": sc.array(dims=["atom"], values=indices, unit=None)}
    data = sc.array(dims=["time", "atom", "component"], values=values, unit="GPa")
    return sc.DataArray(data, coords=coords, name="stress")


def von_mises_stress(
    trajectory: Trajectory,
    by: Literal["molecule", "element"] = "molecule",
    *,
    of: Literal["atom", "molecule"] = "atom",
    volume: Volume = "equal",
    kinetic: bool = True,
    threshold: Quantity = "50 GPa",
    width: Quantity = "2 GPa",
    highest: Quantity = "400 GPa",
    progress: Progress | None = None,
) -> StressDistribution:
    """Return the distribution of von Mises stresses over atoms and time, for each ion or element.

    Parameters
    ----------
    trajectory:
        As for :func:`atomic_stress`.
    by:
        A distribution for the atoms of each kind of molecule, or of each element.
    of:
        Stress of each atom, or of each molecule (the tensors and volumes of its atoms summed): forces within a
        molecule cancel there for the most part, and what neighbours do to it remains.
    volume, kinetic:
        As for :func:`atomic_stress`.
    threshold:
        Whose exceedance is counted; 50 GPa in the paper.
    width, highest:
        Of the bins, and where they end; the last holds what lies beyond.
    progress:
        Called with the part that is done.

    Returns
    -------
    :
        Distributions, means, shares above the threshold, with errors from the scatter between 16 blocks of time.

    Raises
    ------
    InputError
        As for :func:`atomic_stress`, or if the options do not go together.

    Source
    ------
    Eq. 10 and Extended Data Fig. 7 of the paper on barocaloric thermal batteries (NH4SCN).
    """
    if of not in ("atom", "molecule") or by not in ("molecule", "element") or (of == "molecule" and by == "element"):
        raise InputError("by, of: expected 'atom' by 'molecule' or 'element', or 'molecule' by 'molecule'")
    step = magnitude(width, "GPa", "width", positive=True)
    edges = step * np.arange(round(magnitude(highest, "GPa", "highest", positive=True) / step) + 1)
    limit = magnitude(threshold, "GPa", "threshold")
    members = _members(trajectory, by, of)
    volumes = _volumes(trajectory, volume, slice(None))
    blocks = list(_blocks(trajectory, min(_BLOCKS, len(trajectory))))

    def task(frames: slice) -> tuple[Array, Array, float]:
        V = volumes[frames] if len(volumes) > 1 else volumes
        return _tally(trajectory, frames, V, kinetic, members, edges, limit)

    number = max(k for k, _ in blocks) + 1
    counts = np.zeros((number, len(members), len(edges) - 1))
    sums = np.zeros((number, len(members), 3))
    pressures = np.zeros((number, 2))
    done = map_blocks(task, [f for _, f in blocks], progress=progress, title="stress")
    for (k, frames), (histogram, moments, pressure) in zip(blocks, done, strict=True):
        number_of_frames = frames.stop - frames.start
        counts[k] += histogram
        sums[k] += moments
        pressures[k] += np.array([pressure * number_of_frames, number_of_frames])
    return _distribution(list(members), counts, sums, pressures, edges, limit, _convention(of, volume, kinetic))


def _tension(trajectory: Trajectory, atoms: Indices, frames: slice, kinetic: bool) -> Array:
    """-(m v v + W) of each atom, (T, n, 6), eV."""
    found = -trajectory.read("virial", atoms, frames).astype(np.float64)
    if kinetic:
        v = trajectory.read("velocity", atoms, frames).astype(np.float64)
        mass = _KINETIC * trajectory.masses.values[atoms]
        for k, (a, b) in enumerate(_PAIRS):
            found[..., k] -= mass * v[..., a] * v[..., b]
    return found


def _volumes(trajectory: Trajectory, volume: Volume, frames: slice) -> Array:
    """(T, 1), (1, N) or (T, N), angstrom^3."""
    count = len(trajectory.symbols)
    if isinstance(volume, sc.Variable):
        try:
            values = volume.to(unit="angstrom^3", dtype="float64").values
        except sc.UnitError:
            raise InputError(f"volume: has the unit {volume.unit}, expected one like angstrom^3") from None
        if np.shape(values) != (count,) or not np.all(values > 0):
            raise InputError(f"volume: expected {count} volumes greater than 0, one for each atom")
        return np.asarray(values)[None]
    whole = trajectory.volume.values[frames]
    if volume == "equal":
        return np.asarray(whole[:, None] / count, dtype=np.float64)
    if volume == "voronoi":
        return np.asarray(voronoi_volumes(trajectory).values[None])
    raise InputError(f"volume: expected 'equal', 'voronoi' or volumes of the atoms, got {volume!r}")


def voronoi_volumes(trajectory: Trajectory, *, frames: int = _VORONOI_FRAMES) -> sc.Variable:
    """Return the volume of the Voronoi cell of each atom, averaged over frames that are spread over the trajectory.

    Parameters
    ----------
    trajectory:
        Periodic, cells of any shape.
    frames:
        How many.

    Returns
    -------
    :
        Dimension ``atom``, angstrom^3; they sum to the mean volume of the cell in these frames.
    """
    chosen = np.unique(np.linspace(0, len(trajectory) - 1, max(1, frames)).astype(int))
    found = [
        _voronoi(trajectory.read("position", None, slice(k, k + 1))[0].astype(np.float64), trajectory.cell.values[k])
        for k in chosen.tolist()
    ]
    return sc.array(dims=["atom"], values=np.mean(found, axis=0), unit="angstrom^3")


def _voronoi(positions: Array, cell: Array) -> Array:
    """Volumes (N,), angstrom^3; images of atoms near the faces are added until the cells fill the volume."""
    from scipy.spatial import ConvexHull, Voronoi

    volume = abs(float(np.linalg.det(cell)))
    inside = np.mod(positions @ np.linalg.inv(cell), 1.0)
    heights = volume / np.linalg.norm(np.cross(np.roll(cell, -1, axis=0), np.roll(cell, -2, axis=0)), axis=1)
    margin = 2.5 * (volume / len(inside)) ** (1 / 3)
    while True:
        reach = np.maximum(margin / heights, 1e-6)
        most = np.ceil(reach).astype(int)
        shifts = np.stack(np.meshgrid(*(np.arange(-m, m + 1) for m in most), indexing="ij"), axis=-1).reshape(-1, 3)
        shifts = shifts[np.argsort(np.abs(shifts).sum(axis=1), kind="stable")]  # no shift first
        images = (inside + shifts[:, None]).reshape(-1, 3)
        near = np.all((images > -reach) & (images < 1 + reach), axis=1)
        diagram = Voronoi(images[near] @ cell)
        regions = [diagram.regions[diagram.point_region[i]] for i in range(len(inside))]
        if all(region and -1 not in region for region in regions):
            volumes = np.array([ConvexHull(diagram.vertices[region]).volume for region in regions])
            if abs(float(volumes.sum()) / volume - 1) < 1e-6:
                return np.asarray(volumes)
        margin *= 1.5


def _members(trajectory: Trajectory, by: str, of: str) -> dict[str, Indices]:
    """Atoms (n, 1) or molecules (M, n) of each name."""
    if by == "element":
        symbols = np.array(trajectory.symbols)
        return {name: np.flatnonzero(symbols == name)[:, None] for name in dict.fromkeys(trajectory.symbols)}
    return {
        kind.name: kind.molecules if of == "molecule" else np.sort(kind.molecules, axis=None)[:, None]
        for kind in kinds_of(trajectory)
    }


def _blocks(trajectory: Trajectory, count: int) -> Iterator[tuple[int, slice]]:
    """Number of the block of time, and frames of a part of it that fits into memory."""
    most = max(1, _SLAB // (48 * len(trajectory.symbols)))
    for k, part in enumerate(np.array_split(np.arange(len(trajectory)), count)):
        for start in range(int(part[0]), int(part[-1]) + 1, most):
            yield k, slice(start, min(start + most, int(part[-1]) + 1))


def _tally(
    trajectory: Trajectory,
    frames: slice,
    volumes: Array,
    kinetic: bool,
    members: dict[str, Indices],
    edges: Array,
    limit: float,
) -> tuple[Array, Array, float]:
    """Histogram (species, bins), count, sum and number above the limit (species, 3), pressure (GPa)."""
    tension = _tension(trajectory, np.arange(len(trajectory.symbols)), frames, kinetic)
    histogram = np.zeros((len(members), len(edges) - 1))
    moments = np.zeros((len(members), 3))
    for row, groups in enumerate(members.values()):
        own = volumes[:, groups].sum(axis=2) if volumes.shape[1] > 1 else volumes * groups.shape[1]
        stress = tension[:, groups].sum(axis=2) / own[..., None] * _GPA
        values = _von_mises(stress)
        histogram[row] = np.histogram(np.minimum(values, edges[-1]), edges)[0]
        moments[row] = values.size, values.sum(), (values > limit).sum()
    whole = trajectory.volume.values[frames]
    pressure = -float((tension[..., :3].sum(axis=(1, 2)) / (3 * whole)).mean()) * _GPA
    return histogram, moments, pressure


def _von_mises(stress: Array) -> Array:
    xx, yy, zz, xy, xz, yz = np.moveaxis(stress, -1, 0)
    normal = (xx - yy) ** 2 + (yy - zz) ** 2 + (xx - zz) ** 2
    return np.asarray(np.sqrt(0.5 * normal + 3 * (xy**2 + xz**2 + yz**2)))


def _distribution(
    names: list[str], counts: Array, sums: Array, pressures: Array, edges: Array, limit: float, convention: str
) -> StressDistribution:
    width = float(edges[1])
    blocks = len(counts)

    def scalar(values: Array, weights: Array, unit: str) -> sc.Variable:
        mean, error = mean_of_groups(values, weights)
        return sc.scalar(float(mean), variance=float(error) ** 2 if blocks > 1 else None, unit=unit)

    probability, mean, share = {}, {}, {}
    warnings = []
    for row, name in enumerate(names):
        number = sums[:, row, 0]
        density, error = mean_of_groups((counts[:, row] / number[:, None] / width).T, number)
        variances = error**2 if blocks > 1 else None
        data = sc.array(dims=["stress"], values=density, variances=variances, unit="1/GPa")
        coords = {"stress": sc.array(dims=["stress"], values=edges, unit="GPa")}
        probability[name] = sc.DataArray(data, coords=coords, name="probability")
        mean[name] = scalar(sums[:, row, 1] / number, number, "GPa")
        share[name] = scalar(sums[:, row, 2] / number, number, "dimensionless")
        beyond = float(density[-1] * width)
        if beyond > 0.01:
            warnings.append(f"{100 * beyond:.1f} % of the stresses of {name} lie beyond {edges[-2]:g} GPa, in one bin")
    if blocks < 8:
        warnings.append(f"{blocks} blocks of time only; errors are rough")
    frames = pressures[:, 1]
    return StressDistribution(
        probability=sc.DataGroup(probability),
        mean=sc.DataGroup(mean),
        share_above=sc.DataGroup(share),
        threshold=sc.scalar(limit, unit="GPa"),
        pressure=scalar(1000 * pressures[:, 0] / frames, frames, "MPa"),
        convention=convention,
        warnings=tuple(warnings),
    )


def _convention(of: str, volume: Volume, kinetic: bool) -> str:
    share = {"equal": "V/N", "voronoi": "Voronoi cell"}[volume] if isinstance(volume, str) else "given volumes"
    parts = "virial and kinetic part" if kinetic else "virial only"
    bonds = "; dominated by bonds" if of == "atom" else ""
    return f"of each {of}, {share}, {parts}{bonds}"
