"""Specific heat capacity by three runs: empty pans, sapphire, sample (ASTM E1269).

C(T) = C_sapphire(T) (m_sapphire / m) (q - q_0) / (q_sapphire - q_0), with the heat flows q at the same temperature,
direction and rate. Heat flow in mW, masses in mg, heat capacity in J/(kg K).
"""

from itertools import pairwise

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.calorimetry.recording import Recording
from caloris.heat.calorimetry.segments import local_rate, ramps
from caloris.heat.two_phase import Array
from caloris.units import Quantity, magnitude

_SAPPHIRE = np.array(
    [
        (150.0, 313.3), (170.0, 391.3), (190.0, 465.9), (210.0, 535.6), (230.0, 599.6), (250.0, 657.9),
        (270.0, 710.3), (290.0, 757.2), (310.0, 799.4), (330.0, 837.3), (350.0, 871.3), (370.0, 902.0),
        (390.0, 929.6), (410.0, 954.5), (430.0, 977.0), (450.0, 997.5), (470.0, 1016.1), (490.0, 1033.0),
        (510.0, 1048.4), (530.0, 1062.7), (550.0, 1075.6), (570.0, 1087.5), (590.0, 1098.6), (610.0, 1108.8),
        (630.0, 1118.2), (650.0, 1127.0), (670.0, 1135.3), (690.0, 1143.1), (800.0, 1178.2), (900.0, 1203.0),
        (1000.0, 1223.7),
    ]
)  # fmt: skip
"""K and J/(kg K) of synthetic sapphire: ASTM E1269, table 1, up to 690 K, where NIST-JANAF (1998) has the
same values within 0.1 %; NIST-JANAF above."""


def sapphire_heat_capacity(temperature: sc.Variable) -> sc.Variable:
    """Return the specific heat capacity of synthetic sapphire, 150 to 1000 K.

    Parameters
    ----------
    temperature:
        Scalar or array, in K.

    Returns
    -------
    :
        J/kg/K, of the shape of ``temperature``.

    Raises
    ------
    InputError
        If a temperature lies outside 150 to 1000 K, or is not in K.

    Notes
    -----
    Source: ASTM E1269, table 1, and NIST-JANAF (1998) above 690 K; cubic spline between their rows.

    Examples
    --------
    >>> round(float(sapphire_heat_capacity(sc.scalar(400.0, unit="K")).value), 1)
    942.4
    """
    if not isinstance(temperature, sc.Variable) or temperature.unit != sc.Unit("K"):
        raise InputError("temperature: expected a scipp variable in K")
    values = _sapphire(np.asarray(temperature.values, dtype=float))
    return sc.scalar(float(values), unit="J/kg/K") if temperature.ndim == 0 else sc.array(
        dims=temperature.dims, values=values, unit="J/kg/K"
    )  # fmt: skip


def _sapphire(T: Array) -> Array:
    from scipy.interpolate import CubicSpline

    low, high = _SAPPHIRE[0, 0], _SAPPHIRE[-1, 0]
    if np.any((low > T) | (high < T)) or not np.all(np.isfinite(T)):
        raise InputError(f"sapphire: its heat capacity is tabulated from {low:g} to {high:g} K only")
    return np.asarray(CubicSpline(*_SAPPHIRE.T)(T))


def three_run_heat_capacity(
    sample: Recording,
    sapphire: Recording,
    blank: Recording,
    *,
    sapphire_mass: Quantity,
    sample_mass: Quantity | None = None,
    settling: Quantity = "60 s",
) -> sc.DataArray:
    """Return the specific heat capacity of a sample from three runs with one programme.

    Where the temperature is held before and after a ramp, heat flow counts from the line between the two holds.

    Parameters
    ----------
    sample, sapphire, blank:
        Runs in mW; only what all three heat or cool through at the same rate is used.
    sapphire_mass, sample_mass:
        Scalars; the mass of the sample is that of its file if absent.
    settling:
        Dropped at both ends of each segment, scalar; longer than the calorimeter needs to follow.

    Returns
    -------
    :
        Dimension ``temperature`` (K, ascending), in J/kg/K; coordinate ``direction``. All ramps of one direction are
        joined, in order of temperature; ``spread_between_ramps`` is the largest relative difference where two of them
        meet: large where the calorimeter had not settled. Variance: from the noise of the three runs.

    Raises
    ------
    InputError
        If a run is not in mW, the runs do not share a segment, the rates differ by more than 5 %, or the sapphire
        gives less signal than the noise.

    Notes
    -----
    Source: ASTM E1269.
    """
    runs = {"sample": sample, "sapphire": sapphire, "blank": blank}
    for name, run in runs.items():
        if run.heat_flow.unit != sc.Unit("mW"):
            raise InputError(f"{name}: heat flow is in {run.heat_flow.unit}; the three-run method needs mW")
    mass = sample.mass if sample_mass is None else sc.scalar(magnitude(sample_mass, "mg", "sample_mass"), unit="mg")
    if mass is None or float(mass.value) <= 0:
        raise InputError("sample_mass: the file states none; give it, for example sample_mass='20.8 mg'")
    ratio = magnitude(sapphire_mass, "mg", "sapphire_mass", positive=True) / float(mass.value)
    wait = magnitude(settling, "s", "settling")
    pieces: dict[str, list[tuple[Array, Array, Array]]] = {"heating": [], "cooling": []}
    for direction, part in ramps(sample.time, sample.temperature, settling=wait):
        piece = _one_segment(sample, part, sapphire, blank, ratio, wait)
        if piece is not None:
            pieces[direction].append(piece)
    direction = "heating" if pieces["heating"] else "cooling"
    if not pieces[direction]:
        raise InputError("three-run heat capacity: the three runs share no heating or cooling at one rate")
    T, C, variance = (np.concatenate(columns) for columns in zip(*pieces[direction], strict=True))
    order = np.argsort(T, kind="stable")
    if np.any(C <= 0):
        worst = int(np.argmin(C))
        raise InputError(
            f"three-run heat capacity: {C[worst]:.4g} J/kg/K at {T[worst]:.1f} K is not positive; the runs drift "
            "against one another, or sample, sapphire and blank are exchanged"
        )
    return sc.DataArray(
        sc.array(dims=["temperature"], values=C[order], variances=variance[order], unit="J/kg/K"),
        coords={
            "temperature": sc.array(dims=["temperature"], values=T[order], unit="K"),
            "direction": sc.scalar(direction),
            "spread_between_ramps": sc.scalar(_where_they_meet(pieces[direction])),
        },
        name=f"specific heat capacity of {sample.name or 'the sample'}, three runs",
    )


def _where_they_meet(pieces: list[tuple[Array, Array, Array]]) -> float:
    """Largest relative difference of the heat capacity between the end of a ramp and the beginning of the next."""
    ordered = sorted(
        ((T, C) if T[0] < T[-1] else (T[::-1], C[::-1]) for T, C, _ in pieces), key=lambda piece: piece[0][0]
    )
    jumps = [abs(C_b[0] / C_a[-1] - 1) for (_, C_a), (_, C_b) in pairwise(ordered)]
    return float(max(jumps, default=0.0))


def _one_segment(
    sample: Recording, part: slice, sapphire: Recording, blank: Recording, ratio: float, settling: float
) -> tuple[Array, Array, Array] | None:
    """Heat capacity over one segment of the sample, in bins of a hundredth of it; None where no other run follows."""
    T = sample.temperature[part]
    q, *levels = _above_holds(sample, part)
    rate = float(np.median(local_rate(sample.time[part], T)))
    others = []
    for run in (sapphire, blank):
        found = None
        for _, other in ramps(run.time, run.temperature, settling=settling):
            T_o = run.temperature[other]
            rate_o = float(np.median(local_rate(run.time[other], T_o)))
            covers = T_o.min() < np.median(T) < T_o.max()
            if covers and rate_o * rate > 0 and abs(rate_o / rate - 1) < 0.05:
                flow, level = _above_holds(run, other)
                found = T_o, flow
                break
        if found is None:
            return None
        others.append(found)
        levels.append(level)
    low = max(T.min(), *(T_o.min() for T_o, _ in others))
    high = min(T.max(), *(T_o.max() for T_o, _ in others))
    edges = np.linspace(low, high, 1 + max(2, min(100, len(T) // 20)))
    means, variances = zip(*(_binned(T_r, q_r, edges) for T_r, q_r in [(T, q), *others]), strict=True)
    centres = 0.5 * (edges[1:] + edges[:-1])
    numerator, denominator = means[0] - means[2], means[1] - means[2]
    good = np.isfinite(numerator) & np.isfinite(denominator)
    if not good.any() or np.any(np.abs(denominator[good]) <= 3 * np.sqrt(variances[1] + variances[2])[good]):
        raise InputError("sapphire: its heat flow does not differ from the blank's; are the files exchanged?")
    scale = _sapphire(centres[good]) * ratio / denominator[good]
    share = numerator[good] / denominator[good]
    own, reference, empty = (variance[good] + level for variance, level in zip(variances, levels, strict=True))
    # the empty pans stand in both differences, and partly cancel
    spread = own + reference * share**2 + empty * (1 - share) ** 2
    return centres[good], scale * numerator[good], scale**2 * spread


def _above_holds(run: Recording, part: slice) -> tuple[Array, float]:
    """Heat flow of a ramp above the line between the holds before and after it, mW; as it is without holds.

    With it the variance (mW2) that the noise of the holds puts on that line, mean over the ramp.

    The level of a hold is that of the calorimeter, not of the sample, and differs from run to run (ASTM E1269).
    """
    t, T, q = run.time, run.temperature, np.asarray(run.heat_flow.values, dtype=float)
    levels = []
    for edge, away in ((part.start, -1), (part.stop - 1, 1)):
        far = int(np.clip(np.searchsorted(t, t[edge] + away * _HOLD_REACH), 0, len(t) - 1))
        near = slice(min(edge, far), max(edge, far) + 1)
        rate = np.abs(local_rate(t[near], T[near])) if near.stop - near.start > 20 else np.array([])
        still = np.flatnonzero(rate < 0.02 * abs(float(T[part][-1] - T[part][0]) / float(t[part][-1] - t[part][0])))
        if len(still) < 10:
            return q[part], 0.0
        chosen = near.start + still[len(still) // 2 :]  # the end of a hold has settled
        jumps = float(np.var(np.diff(q[chosen]))) / 2  # a drift is no noise
        levels.append((float(t[chosen].mean()), float(q[chosen].mean()), jumps / len(chosen)))
    (t_0, q_0, v_0), (t_1, q_1, v_1) = levels
    return np.asarray(q[part] - (q_0 + (q_1 - q_0) * (t[part] - t_0) / (t_1 - t_0))), (v_0 + v_1) / 3


_HOLD_REACH = 600.0
"""A hold is looked for so far (s) before and after a ramp."""


def _binned(T: Array, q: Array, edges: Array) -> tuple[Array, Array]:
    """Mean of q in bins of T, and the variance of that mean from the scatter about a line within the bin."""
    index = np.searchsorted(edges, T, side="right") - 1
    inside = (index >= 0) & (index < len(edges) - 1)
    index, T, q = index[inside], T[inside], q[inside]
    n = np.bincount(index, minlength=len(edges) - 1).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):

        def mean(values: Array) -> Array:
            return np.asarray(np.bincount(index, values, minlength=len(edges) - 1) / n)

        mT, mq = mean(T), mean(q)
        dT, dq = T - mT[index], q - mq[index]
        slope = mean(dT * dq) / mean(dT**2)
        residual = dq - slope[index] * dT
        centre = mq + slope * (0.5 * (edges[1:] + edges[:-1]) - mT)
        variance = mean(residual**2) / np.maximum(n - 2, 1)
    return centre, np.where(n > 2, variance, 0.0)
