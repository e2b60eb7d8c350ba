"""Means of independent parts with the error of their scatter, and whether a statement of a paper is reproduced."""

from collections.abc import Sequence

import numpy as np
import scipp as sc


def over_parts(values: Sequence[float], unit: str) -> sc.Variable:
    """Return the mean of parts with the error of their scatter.

    Parameters
    ----------
    values:
        Of parts that are independent: two at least.
    unit:
        Of them.

    Returns
    -------
    :
        With variance.

    Examples
    --------
    >>> float(over_parts([1.0, 3.0], "K").value)
    2.0
    """
    return sc.scalar(float(np.mean(values)), variance=float(np.var(values, ddof=1)) / len(values), unit=unit)


def verdict(holds: bool) -> str:
    """Return whether a statement is reproduced, in words.

    Parameters
    ----------
    holds:
        Whether it is.

    Examples
    --------
    >>> verdict(False)
    'not reproduced'
    """
    return "reproduced" if holds else "not reproduced"


def is_larger(one: sc.Variable, other: sc.Variable, deviations: float = 2.0) -> bool:
    """Return whether a value is larger than another by more than chance.

    Parameters
    ----------
    one, other:
        With variances, of one unit.
    deviations:
        Standard deviations of the difference that it must be larger by.

    Examples
    --------
    >>> is_larger(sc.scalar(3.0, variance=1.0), sc.scalar(1.0, variance=1.0))
    False
    """
    difference = one - other
    return bool(difference.value > deviations * float(np.sqrt(difference.variance)))
