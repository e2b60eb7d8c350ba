"""g(r) and running coordination number of one pair of kinds. Angstrom."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.pair_distribution.partials import PartialDistributions, partial_distributions
from caloris.atoms.pair_distribution.time_blocks import larger_error, mean_over_time
from caloris.atoms.parallel import Progress
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False, repr=False)
class RadialDistribution:
    """g(r) of two kinds; arrays over ``r`` (bin edges, angstrom) have variances."""

    pair: tuple[str, str]
    g: sc.DataArray
    """Pairs over those of an ideal gas."""
    intramolecular: sc.DataArray
    """What of it is within molecules."""
    intermolecular: sc.DataArray
    """What is between them."""
    coordination: sc.DataArray
    """How many of the second kind are nearer to one of the first than ``r``, counted; there ``r`` are distances."""
    density: sc.Variable
    """Of the second kind, 1/angstrom^3."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        r = self.g.coords["r"].values
        peak = int(np.argmax(self.g.values))
        where = 0.5 * (r[peak] + r[peak + 1])
        return (
            f"<RadialDistribution {'-'.join(self.pair)}: highest at {where:.3g} angstrom, g = "
            f"{self.g.values[peak]:.3g}; to {r[-1]:g} angstrom>"
        )


def radial_distribution(
    trajectory: Trajectory,
    pair: tuple[str, str],
    *,
    longest: Quantity = "10 angstrom",
    width: Quantity = "0.05 angstrom",
    every: int | None = None,
    progress: Progress | None = None,
) -> RadialDistribution:
    """Return the pair distribution of two kinds, and how many of the second surround one of the first.

    Parameters
    ----------
    trajectory:
        Cells of any shape, that may change in time.
    pair:
        Two elements, or formulas of molecules, which stand for their centre of mass: ``("Li", "B12H12")``.
    longest, width, every, progress:
        As for :func:`partial_distributions`.

    Returns
    -------
    :
        g(r), its parts within and between molecules, the running coordination number, with errors from blocks of time
        or from groups of sites, whichever are larger.

    Raises
    ------
    InputError
        As for :func:`partial_distributions`.
    """
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise InputError(f"pair: expected two kinds, for example ('Li', 'B12H12'), got {pair!r}")
    partials = partial_distributions(
        trajectory,
        pair,
        longest=longest,
        width=width,
        every=every,
        unlike_only=pair[0] != pair[1],
        progress=progress,
    )
    row = partials.row(*pair)
    number = partials.counts[partials.kinds.index(pair[1])]
    density = number / float(trajectory.volume.values.mean())
    within, between = partials.blocks[:, 0, row], partials.blocks[:, 1, row]
    around = partials.around[:, row]
    return RadialDistribution(
        pair=pair,
        g=_over_bins(partials, row, within + between, around.sum(axis=0), "pair distribution"),
        intramolecular=_over_bins(partials, row, within, around[0], "within molecules"),
        intermolecular=_over_bins(partials, row, between, around[1], "between molecules"),
        coordination=_running(partials, row, density),
        density=sc.scalar(density, unit="1/angstrom^3"),
        warnings=partials.warnings,
    )


def _over_bins(partials: PartialDistributions, row: int, blocks: Array, around: Array, name: str) -> sc.DataArray:
    mean, error = mean_over_time(blocks)
    error = larger_error(error, partials.site_error(row, around))
    data = sc.array(dims=["r"], values=mean, variances=None if error is None else error**2)
    return sc.DataArray(data, coords={"r": partials.g.coords["r"]}, name=name)


def _running(partials: PartialDistributions, row: int, density: float) -> sc.DataArray:
    """Neighbours that are counted: in a cell that breathes they are not the mean density times g."""
    edges = partials.g.coords["r"].values
    a, b = partials.pairs[row]
    each = (2 if a == b else 1) / partials.counts[partials.kinds.index(a)]
    mean, error = mean_over_time(np.cumsum(partials.neighbours[:, :, row].sum(axis=1) * each, axis=1))
    shells = 4 / 3 * math.pi * np.diff(edges**3)
    running = density * np.cumsum(partials.around[:, row].sum(axis=0) * shells, axis=-1)
    error = larger_error(error, partials.site_error(row, running))
    data = sc.array(dims=["r"], values=mean, variances=None if error is None else error**2)
    coords = {"r": sc.array(dims=["r"], values=edges[1:], unit="angstrom")}
    return sc.DataArray(data, coords=coords, name="coordination number")
