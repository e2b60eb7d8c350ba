"""Which way is endothermic: the words of the file, checked against a heat capacity that must be positive.

q = m Cp dT/dt: with endothermic up, heat flow steps up where heating begins and down where it ends. The steps between
neighbouring stretches of different rate, and heating against cooling at the same temperature, each have one vote;
medians over stretches keep a peak from deciding.
"""

import itertools
import warnings
from dataclasses import dataclass

import numpy as np

from caloris.heat.calorimetry.readers.export import Direction

_STRETCHES = 400  # medians over which the recording is condensed
_MAJORITY = 0.75


@dataclass(frozen=True)
class Sign:
    """How the sign of the heat flow was found."""

    endothermic: Direction
    words: str
    is_certain: bool
    remark: str = ""


def find_sign(
    time: np.ndarray,
    temperature: np.ndarray,
    heat_flow: np.ndarray,
    *,
    asked: Direction | None,
    stated: Direction | None,
    stated_words: str,
    default: Direction,
    vendor: str,
) -> Sign:
    """Decide which way is endothermic.

    Parameters
    ----------
    time, temperature, heat_flow:
        Columns as the file has them, s, K and any unit.
    asked:
        What the user says; wins over all else.
    stated, stated_words:
        What the file says, and in which words.
    default:
        The habit of the vendor's program.
    vendor:
        Its name.

    Returns
    -------
    :
        The direction, how it was found, and a remark where file and physics disagree.
    """
    if asked:
        return Sign(asked, f"as asked: endothermic {asked}{_turned(asked)}", True)
    physics = heat_capacity_sign(time, temperature, heat_flow)
    if stated:
        words = f"file says '{stated_words}'{_turned(stated)}"
        if physics is None:
            return Sign(stated, f"{words}; no change of rate to check it against the heat capacity", True)
        if physics == stated:
            return Sign(stated, f"{words}; agrees with a positive heat capacity", True)
        remark = f"with '{stated_words}' the heat capacity is negative; check, or give endothermic='{physics}'"
        return Sign(stated, f"{words}; disagrees with a positive heat capacity", False, remark)
    if physics:
        return Sign(physics, f"from a positive heat capacity: endothermic {physics}{_turned(physics)}", True)
    words = f"not stated, and no change of rate to tell: endothermic {default} as {vendor} writes{_turned(default)}"
    return Sign(default, words, False, "the sign of the heat flow is a guess; give endothermic='up' or 'down'")


def heat_capacity_sign(time: np.ndarray, temperature: np.ndarray, heat_flow: np.ndarray) -> Direction | None:
    """Return which way is endothermic if the heat capacity is positive.

    Parameters
    ----------
    time, temperature, heat_flow:
        s, K and any unit; of one length, time increasing.

    Returns
    -------
    :
        ``"up"``, ``"down"``, or None where the rate never changes or the votes are divided.

    Examples
    --------
    Heating takes up heat, here 5 mW, after 100 s at rest:

    >>> t = np.arange(200.0)
    >>> heat_capacity_sign(t, 300 + np.maximum(t - 100, 0), np.where(t < 100, 0.0, 5.0))
    'up'
    """
    size = max(1, len(time) // _STRETCHES)
    count = len(time) // size
    t, T, q = (np.median(x[: count * size].reshape(count, size), axis=1) for x in (time, temperature, heat_flow))
    if count < 6 or np.any(np.diff(t) <= 0):
        return None
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rate = np.gradient(T, t)
        scale = float(np.percentile(np.abs(rate), 90))
        if not np.isfinite(scale) or scale <= 0 or not np.all(np.isfinite(q)):
            return None
        kind = np.where(rate > 0.3 * scale, 1, np.where(rate < -0.3 * scale, -1, 0))
        kind[(kind == 0) & (np.abs(rate) > 0.1 * scale)] = 2  # between rest and scan: no vote
        votes = [*_steps(kind, q), *_same_temperature(kind, T, q)]
    up = sum(vote > 0 for vote in votes)
    down = sum(vote < 0 for vote in votes)
    if up + down and up >= _MAJORITY * (up + down):
        return "up"
    if up + down and down >= _MAJORITY * (up + down):
        return "down"
    return None


def _steps(kind: np.ndarray, q: np.ndarray) -> list[float]:
    """Vote where one stretch of constant kind follows another: the step of q in the direction of the rate's."""
    edges = np.flatnonzero(np.diff(kind)) + 1
    runs = [run for run in np.split(np.arange(len(kind)), edges) if len(run) >= 3 and kind[run[0]] != 2]
    votes = []
    for before, after in itertools.pairwise(runs):
        change = int(kind[after[0]]) - int(kind[before[0]])
        near, far = q[before[-10:]], q[after[:10]]
        step = float(np.median(far) - np.median(near))
        noise = max(float(np.median(np.abs(x - np.median(x)))) for x in (near, far))
        if change and abs(step) > 3.0 * noise:
            votes.append(step * change)
    return votes


def _same_temperature(kind: np.ndarray, T: np.ndarray, q: np.ndarray) -> list[float]:
    """Vote by heating against cooling in ten bins of the temperature range that both cover."""
    heating, cooling = kind == 1, kind == -1
    if heating.sum() < 3 or cooling.sum() < 3:
        return []
    low, high = max(T[heating].min(), T[cooling].min()), min(T[heating].max(), T[cooling].max())
    if not high > low:
        return []
    which = np.floor((T - low) / (high - low) * 10)
    votes = []
    for number in range(10):
        warm, cold = q[heating & (which == number)], q[cooling & (which == number)]
        if len(warm) and len(cold):
            votes.append(float(np.median(warm) - np.median(cold)))
    return votes


def _turned(endothermic: Direction) -> str:
    return ": turned round" if endothermic == "down" else ""
