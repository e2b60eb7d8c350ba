"""The generalised density of phonon states from S(Q,E), measured or simulated.

g(E) = int E / Q^2 S(Q,E) (1 - exp(-E / kT)) dQ over the Q that are seen at E (eq. 2 of Zhang et al., Sci. Adv. 9,
eadd0374 (2023)), on both sides of the elastic line. One phonon scatters incoherently as S = exp(-2W) hbar^2 Q^2 / 2M
g(E) / (E (1 - exp(-E / kT))): the integrand does not depend on Q but for 2W = Q^2 <u^2> / 3, and eq. 2 as printed is g
times the length of the Q range at E, which the instrument shapes. Divided by that length it is g. Scattering by several
phonons stays in it; whether it matters is tested. Units: meV, 1/angstrom, K.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons.detailed_balance import BOLTZMANN
from caloris.neutrons.spectrum_grid import axis_values, bin_edges, both_sides, by_Q, energy_edges
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Normalise = Literal["accessible Q", "none"]
Side = Literal["both", "loss", "gain"]
Continuation = Literal["Debye", "linear"]

_LARGEST = 700.0
"""Exponent that a float still holds."""
_SMOOTH = 5
"""Bins over which variances are averaged before they weigh two sides: counts that fluctuate low must not weigh more."""
_SHORTEST = 0.1
"""Share of the longest Q range below which an energy is not used."""
_MULTIPHONON = 0.02
"""Relative difference of mean energies between low and high Q from which on a caution is given, if beyond 3 errors."""
_DISAGREE = 2.0
"""chi^2 per energy between the two sides from which on a caution is given."""


def phonon_density_of_states(
    spectrum: sc.DataArray,
    temperature: Quantity,
    *,
    momentum_transfer: tuple[Quantity, Quantity] | None = None,
    normalise: Normalise = "accessible Q",
    side: Side = "both",
    mean_square_displacement: Quantity | None = None,
    elastic: Quantity | None = None,
    continuation: Continuation = "Debye",
    area: tuple[Quantity, Quantity] | None = None,
) -> sc.DataArray:
    """Return the generalised density of phonon states, by the same formula for measured and simulated S(Q,E).

    Parameters
    ----------
    spectrum:
        Over ``Q`` and ``energy_transfer`` (edges or centres), in detailed balance. What is masked, not finite, or has
        no positive variance (where there are variances) was not seen.
    temperature:
        Scalar.
    momentum_transfer:
        Smallest and largest Q to use, 1/angstrom; all by default.
    normalise:
        ``"accessible Q"`` divides by the length of the Q range that was seen at each energy; ``"none"`` is eq. 2 as
        printed, whose shape holds that of the kinematic range.
    side:
        ``"loss"``, ``"gain"``, or both averaged by their variances; eq. 2 as printed has another range on each side, so
        that both cannot be averaged there.
    mean_square_displacement:
        <u^2> = 3 <u_x^2>, angstrom^2: divides by exp(-Q^2 <u^2> / 3). By default the Debye-Waller factor stays.
    elastic:
        Energy below which g is replaced, because the elastic line is there: by a E^2 (``"Debye"``) or a E
        (``"linear"``), fitted to g from there to twice that energy.
    continuation:
        Which of the two.
    area:
        Energies between which the integral of g is made 1; by default the scale is left as it is.

    Returns
    -------
    :
        Over ``energy_transfer`` (edges, from 0 or from the end of the bin that 0 lies in), with variances if given, NaN
        where nothing was seen. Unaligned coordinates: ``accessible_Q`` (length of the Q range, 1/angstrom; the shorter
        one of two sides) and ``caution``: several phonons, sides that disagree, an elastic line that was left in; empty
        if there is nothing.

    Raises
    ------
    InputError
        If dims, ranges or options are wrong, or nothing is left.

    Source
    ------
    Zhang et al., Sci. Adv. 9, eadd0374 (2023), eq. 2.
    """
    T = magnitude(temperature, "K", "temperature", positive=True)
    if side not in ("both", "loss", "gain") or normalise not in ("accessible Q", "none"):
        raise InputError("side: 'both', 'loss' or 'gain'; normalise: 'accessible Q' or 'none'")
    if side == "both" and normalise == "none":
        raise InputError("normalise: eq. 2 as printed has another Q range on each side; give side='loss' or 'gain'")
    Q, widths, rows, variances = _grid(spectrum, momentum_transfer)
    if mean_square_displacement is not None:
        u2 = magnitude(mean_square_displacement, "angstrom^2", "mean_square_displacement")
        rows, variances = _scaled(rows, variances, np.exp(Q**2 * u2 / 3)[:, None])
    edges, *sides = both_sides(energy_edges(spectrum), rows, variances)
    chosen = {"both": sides, "loss": sides[:1], "gain": sides[1:]}[side]
    signs = {"both": (1, -1), "loss": (1,), "gain": (-1,)}[side]
    balanced = [_scaled(one[0], one[1], _balance(edges, T, sign)) for one, sign in zip(chosen, signs, strict=True)]
    per_range = normalise == "accessible Q"
    found = [_over_Q(Q, widths, one, per_range) for one in balanced]
    g, error, length = _combined(found)
    if not np.isfinite(g).any():
        raise InputError("density of states: nothing was seen on this side in this range of Q; widen it")
    cautions = _disagreement(found) + _several_phonons(Q, widths, balanced, edges)
    if elastic is None:
        cautions.append("the elastic line is in it at low energy; give elastic= to replace that part")
    else:
        limit = magnitude(elastic, "meV", "elastic", positive=True)
        g, error = _continued(edges, g, error, limit, continuation)
    unit = (spectrum.unit or sc.units.one) * sc.Unit("meV*angstrom^2" if per_range else "meV*angstrom")
    if area is not None:
        scale = _area(edges, g, area)
        g, error, unit = g / scale, None if error is None else error / scale**2, sc.Unit("1/meV")
    return _result(edges, g, error, length, unit, "; ".join(cautions))


def _grid(spectrum: sc.DataArray, limits: tuple[Quantity, Quantity] | None) -> tuple[Array, Array, Array, Array | None]:
    """Centres and widths in Q, S and its variances (Q, energies) with NaN where nothing was seen."""
    if not isinstance(spectrum, sc.DataArray) or set(spectrum.dims) != {"Q", "energy_transfer"}:
        raise InputError("density of states: expected a data array over Q and energy_transfer")
    values, spread = by_Q(spectrum, "energy_transfer", finite=False)
    rows, variances = values[:, 0], None if spread is None else spread[:, 0]
    if variances is not None:
        rows = np.where(np.isfinite(variances) & (variances > 0), rows, np.nan)
    edges = bin_edges(axis_values(spectrum.coords["Q"], "1/angstrom", "Q"), spectrum.sizes["Q"])
    Q, widths = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    used = Q > 0
    if limits is not None:
        low, high = (magnitude(end, "1/angstrom", "momentum_transfer") for end in limits)
        used &= (low <= Q) & (high >= Q)
    if used.sum() < 2 or np.any(widths <= 0):
        raise InputError("momentum_transfer: fewer than 2 increasing Q lie in this range; widen it")
    return Q[used], widths[used], rows[used], None if variances is None else variances[used]


def _scaled(rows: Array, variances: Array | None, factor: Array) -> tuple[Array, Array | None]:
    return rows * factor, None if variances is None else variances * factor**2


def _balance(edges: Array, T: float, sign: int) -> Array:
    """E (1 - exp(-E / kT)) at E or -E."""
    E = sign * 0.5 * (edges[1:] + edges[:-1])
    return np.asarray(-E * np.expm1(np.clip(-E / (BOLTZMANN * T), None, _LARGEST)))


def _over_Q(
    Q: Array, widths: Array, side: tuple[Array, Array | None], per_range: bool
) -> tuple[Array, Array | None, Array]:
    """Integral over Q of S / Q^2 that was seen, its variance, and the length of that range."""
    rows, variances = side
    seen = np.isfinite(rows)
    length = widths @ seen
    enough = length > _SHORTEST * length.max() if seen.any() else np.zeros(rows.shape[1], dtype=bool)
    weights = np.where(seen, (widths / Q**2)[:, None], 0.0)
    scale = np.where(enough, 1.0, np.nan)
    if per_range:
        scale = scale / np.where(enough, length, 1.0)
    g = np.sum(weights * np.where(seen, rows, 0.0), axis=0) * scale
    if variances is None:
        return g, None, length
    return g, np.sum(weights**2 * np.where(seen, variances, 0.0), axis=0) * scale**2, length


def _combined(found: list[tuple[Array, Array | None, Array]]) -> tuple[Array, Array | None, Array]:
    """Average of both sides by their (smoothed) variances; one side where the other sees nothing."""
    if len(found) == 1:
        return found[0]
    g = np.array([one[0] for one in found])
    length = np.array([one[2] for one in found])
    known = np.isfinite(g)
    if found[0][1] is None:
        weights = known.astype(float)
    else:
        error = np.array([one[1] for one in found])
        weights = np.where(known, 1 / np.array([_smooth(row) for row in error]), 0.0)
    total = weights.sum(axis=0)
    share = weights / np.where(total > 0, total, 1.0)
    mean = np.where(total > 0, np.sum(share * np.where(known, g, 0.0), axis=0), np.nan)
    shortest = np.where(known, length, np.inf).min(axis=0)
    shortest = np.where(np.isfinite(shortest), shortest, 0.0)
    if found[0][1] is None:
        return mean, None, shortest
    spread = np.sum(share**2 * np.where(known, error, 0.0), axis=0)
    return mean, np.where(total > 0, spread, np.nan), shortest


def _smooth(variances: Array) -> Array:
    """Running mean over neighbours that are known; 1 where none is (it has no weight then)."""
    known = np.isfinite(variances)
    window = np.ones(min(_SMOOTH, len(variances)))
    sums = np.convolve(np.where(known, variances, 0.0), window, "same")
    numbers = np.convolve(known.astype(float), window, "same")
    mean = sums / np.maximum(numbers, 1.0)
    return np.asarray(np.where(mean > 0, mean, 1.0))


def _continued(edges: Array, g: Array, error: Array | None, limit: float, kind: str) -> tuple[Array, Array | None]:
    """Density with a E^2 or a E below a limit, fitted from there to twice the limit."""
    if kind not in ("Debye", "linear"):
        raise InputError(f"continuation: expected 'Debye' or 'linear', got {kind!r}")
    power = 2 if kind == "Debye" else 1
    E = 0.5 * (edges[1:] + edges[:-1])
    fitted = (limit <= E) & (2 * limit >= E) & np.isfinite(g)
    if error is not None:
        fitted &= error > 0
    if fitted.sum() < 2:
        raise InputError(f"elastic: g is known at fewer than 2 energies from {limit:g} to {2 * limit:g} meV")
    basis = E[fitted] ** power
    weights = np.ones(int(fitted.sum())) if error is None else 1 / _smooth(np.where(fitted, error, np.nan))[fitted]
    norm = float(np.sum(weights * basis**2))
    below = limit > E
    slope = float(np.sum(weights * basis * g[fitted])) / norm
    g = np.where(below, slope * E**power, g)
    if error is None:
        return g, None
    spread = float(np.sum((weights * basis) ** 2 * error[fitted])) / norm**2
    return g, np.where(below, spread * E ** (2 * power), error)


def _area(edges: Array, g: Array, limits: tuple[Quantity, Quantity]) -> float:
    low, high = (magnitude(end, "meV", "area") for end in limits)
    inside = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0.0, None)
    if np.any(~np.isfinite(g) & (inside > 0)) or not inside.any():
        raise InputError(f"area: g is not known at every energy from {low:g} to {high:g} meV; choose another range")
    found = float(np.sum(inside * np.where(inside > 0, g, 0.0)))
    if not found > 0:
        raise InputError(f"area: the integral of g from {low:g} to {high:g} meV is not greater than 0")
    return found


def _disagreement(found: list[tuple[Array, Array | None, Array]]) -> list[str]:
    """Caution where energy gain and loss give another g."""
    if len(found) < 2 or found[0][1] is None or found[1][1] is None:
        return []
    squares = (found[0][0] - found[1][0]) ** 2 / (found[0][1] + found[1][1])
    known = np.isfinite(squares)
    if known.sum() < 5 or float(np.mean(squares[known])) < _DISAGREE:
        return []
    return [
        "energy gain and loss disagree (chi^2 = "
        f"{float(np.mean(squares[known])):.2g} per energy): several phonons, a background, or no detailed balance"
    ]


def _several_phonons(Q: Array, widths: Array, sides: list[tuple[Array, Array | None]], edges: Array) -> list[str]:
    """Caution where high Q give a higher mean energy than low Q, as one phonon cannot: the mean of g must not move."""
    E = 0.5 * (edges[1:] + edges[:-1])
    low = 0.5 * (Q[0] + Q[-1]) > Q
    for rows, variances in sides:
        halves = [
            _over_Q(Q[part], widths[part], (rows[part], None if variances is None else variances[part]), True)
            for part in (low, ~low)
        ]
        known = np.isfinite(halves[0][0]) & np.isfinite(halves[1][0])
        known &= 0.1 * (E[known].max() if known.any() else 0.0) < E  # the elastic line is no phonon
        if known.sum() < 5:
            continue
        step = np.diff(edges)[known]
        means, errors = [], []
        for g, error, _ in halves:
            total = float(np.sum(g[known] * step))
            if total <= 0:
                break
            mean = float(np.sum(g[known] * step * E[known])) / total
            means.append(mean)
            spread = 0.0 if error is None else float(np.sum(((E[known] - mean) * step / total) ** 2 * error[known]))
            errors.append(spread)
        if len(means) == 2 and abs(means[1] / means[0] - 1) > max(
            _MULTIPHONON, 3 * float(np.sqrt(sum(errors))) / means[0]
        ):
            return [
                f"mean energy {means[0]:.3g} meV at low Q, {means[1]:.3g} meV at high Q: not one phonon alone; several "
                "phonons (or a background) are in it, take smaller Q, or one_phonon_part first"
            ]
    return []


def _result(edges: Array, g: Array, error: Array | None, length: Array, unit: sc.Unit, caution: str) -> sc.DataArray:
    result = sc.DataArray(
        sc.array(dims=["energy_transfer"], values=g, variances=error, unit=unit),
        coords={
            "energy_transfer": sc.array(dims=["energy_transfer"], values=edges, unit="meV"),
            "accessible_Q": sc.array(dims=["energy_transfer"], values=length, unit="1/angstrom"),
            "caution": sc.scalar(caution),
        },
        name="density of phonon states",
    )
    for name in ("accessible_Q", "caution"):
        result.coords.set_aligned(name, False)
    return result
