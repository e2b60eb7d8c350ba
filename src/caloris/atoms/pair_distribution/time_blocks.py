"""Errors of g(r): the scatter between blocks of time, or between sites where structure outlives the run. Any unit."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from caloris.atoms.block_statistics import mean_of_groups

Array = npt.NDArray[np.floating[Any]]

MOST = 64
"""Blocks of time that are kept."""
_LONG = 16
"""Blocks from which correlation is judged."""
GROUPS = 20
"""Of sites, at random, whole molecules: their scatter is an error too."""


def mean_over_time(blocks: Array) -> tuple[Array, Array | None]:
    """Return the mean over blocks and its standard error.

    The scatter between all blocks gives the error of each value; that between 16 longer blocks, pooled over the values,
    tells by how much correlation makes the errors larger.

    Parameters
    ----------
    blocks:
        (blocks, ...), of equal length.

    Returns
    -------
    :
        Mean (...) and error (...), none for one block.

    Examples
    --------
    >>> slow = np.repeat(np.random.default_rng(1).standard_normal((16, 500)), 4, axis=0)
    >>> round(float(mean_over_time(slow)[1].mean()), 2)
    0.24
    """
    count = len(blocks)
    if count < 2:
        return blocks.mean(axis=0), None
    mean, error = mean_of_groups(np.moveaxis(blocks, 0, -1), np.ones(count))
    joined = count // _LONG
    if joined < 2:
        return mean, error
    longer = blocks[: joined * _LONG].reshape(_LONG, joined, *blocks.shape[1:]).mean(axis=1)
    _, later = mean_of_groups(np.moveaxis(longer, 0, -1), np.ones(_LONG))
    known = error > 0
    ratio = float(np.mean((later[known] / error[known]) ** 2)) if np.any(known) else 1.0
    return mean, error * math.sqrt(max(1.0, ratio))


def scatter_of_sites(around: tuple[Array, Array], sizes: tuple[Array, Array], *, like: bool) -> Array:
    """Return the standard error of a mean over sites from the scatter between groups of them.

    A structure that does not change within the run is one sample for every group, however many frames show it.

    Parameters
    ----------
    around:
        (groups, ...), what surrounds the sites of each group: of the first kind, and of the second.
    sizes:
        (groups,), how many sites each group has.
    like:
        Whether the kinds are one: every pair is in two of the groups, which makes twice the variance.

    Returns
    -------
    :
        The larger error of the two kinds (...), NaN where neither has two groups.

    Examples
    --------
    >>> one = np.array([[1.0], [3.0]])
    >>> scatter_of_sites((one, one), (np.ones(2), np.ones(2)), like=False).tolist()
    [1.0]
    """
    found = np.full(around[0].shape[1:], np.nan)
    for values, size in zip(around, sizes, strict=True):
        used = size > 0
        if used.sum() > 1:
            found = np.fmax(found, mean_of_groups(np.moveaxis(values[used], 0, -1), size[used])[1])
    return np.asarray(found * (math.sqrt(2) if like else 1.0))


def larger_error(over_time: Array | None, over_sites: Array) -> Array | None:
    """Return the larger of two errors of the same mean; none if there is neither."""
    if np.all(np.isnan(over_sites)):
        return over_time
    return over_sites if over_time is None else np.fmax(over_time, over_sites)
