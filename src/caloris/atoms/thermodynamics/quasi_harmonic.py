"""Partial entropies of two species and of their interplay, from the covariance of how they move.

S_A and S_B are quasi-harmonic entropies of the displacements (and turns) of each species as if the other were not
there, S_AB is that of both together; S_AB - S_A - S_B <= 0 is what their correlation takes away, minus k times their
mutual information. What few frames pretend to be correlated is measured with the species shifted in time against each
other, and taken off; so is what they lack in width, and what quantum modes of few frames have too much (see
:mod:`caloris.atoms.thermodynamics.few_frames`). That is our reading of the "uncorrelated" ions and the interplay of
Supplementary Fig. 3 of the paper on Li2B12H12, which names no method. It is exact for harmonic crystals; for atoms that
diffuse or molecules that turn over it is that of a Gaussian as wide, which is an upper bound. Sources: Karplus and
Kushick, Macromolecules 14, 325 (1981); Andricioaei and Karplus, J. Chem. Phys. 115, 6289 (2001). Units: angstrom, ps,
u, K; J/K/kg.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.thermodynamics.collective_coordinates import Coordinates, coordinates_of
from caloris.atoms.thermodynamics.few_frames import (
    log_determinant_bias,
    mode_ratios,
    quantum_bias,
    quantum_correction,
)
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude, quantity

Array = npt.NDArray[np.floating[Any]]

_GAS_CONSTANT = 8.31446261815324e3
"""J/K/kg of one k per u, CODATA 2018."""
_BLOCKS = 16
"""Of time, left out one by one for the errors."""
_SHIFTS = 12
"""Of one species against the other, by which nothing is correlated."""
_LARGE = 0.02
"""k for each coordinate, above which the correction of quantum modes for few frames is said."""


@dataclass(frozen=True, eq=False, repr=False)
class PartialEntropies:
    """Quasi-harmonic entropies of two species; all J/K/kg of both, with variances."""

    species: tuple[str, str]
    alone: "sc.DataGroup[sc.Variable]"
    """Of each species as if the other were not there."""
    joint: sc.Variable
    interplay: sc.Variable
    """joint less the sum of those alone, at most 0 within its error."""
    temperature: sc.Variable
    """K."""
    independent: float
    """Independent frames that would pretend as much correlation as is seen where there is none."""
    coordinates: int
    """Of both species, in each of the wave vectors that are told apart."""
    method: str
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        parts = ", ".join(f"S({name}) = {_words(value)}" for name, value in self.alone.items())
        return f"<PartialEntropies: {parts}, interplay {_words(self.interplay)} J/K/kg; {self.method}>"


@dataclass(frozen=True, eq=False, repr=False)
class TransitionShares:
    """What species and their interplay contribute to the entropy of a transition; J/K/kg, with variances."""

    alone: "sc.DataGroup[sc.Variable]"
    interplay: sc.Variable
    total: sc.Variable
    method: str

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {_words(value)}" for name, value in self.alone.items())
        return (
            f"<TransitionShares: {parts}, interplay {_words(self.interplay)}, total {_words(self.total)} J/K/kg; "
            f"{self.method}>"
        )


def partial_entropies(
    trajectory: Trajectory,
    species: tuple[str, str],
    temperature: Quantity,
    *,
    kind: Literal["quantum", "classical"] = "quantum",
    rotation: bool = True,
    repeat: tuple[int, int, int] = (1, 1, 1),
) -> PartialEntropies:
    """Return the quasi-harmonic entropies of two species alone and together.

    Parameters
    ----------
    trajectory:
        A crystal; displacements are of fractional coordinates in the mean cell, less the drift of all atoms. Where the
        two species are all there is, one determines how the other moves as a whole: those six coordinates are left out.
    species:
        Two elements or formulas of molecules; molecules move by their centre of mass and, as rigid bodies, turn.
    temperature:
        Of the run.
    kind:
        How the modes count; the interplay of classical modes does not depend on temperature. Quantum modes need more
        frames: what few of them have too much is estimated and taken off, and said in a warning where it is large.
    rotation:
        Whether molecules turn; without it only centres count.
    repeat:
        How often the cell holds a smaller one along each vector. Motions of different wave vectors are independent in
        a crystal, so that fewer frames are enough: more independent ones than coordinates in the small cell.

    Returns
    -------
    :
        Entropies, free of the bias of few frames as far as modes forget at one rate (classical: exactly; quantum: to
        the first order in 1 / frames); errors by a jackknife over time, that of the interplay at least its scatter
        while the species are shifted in time against each other.

    Raises
    ------
    InputError
        If there are fewer independent frames than coordinates, or sites do not repeat.
    """
    if kind not in ("quantum", "classical"):
        raise InputError(f"kind: expected 'quantum' or 'classical', got {kind!r}")
    if not isinstance(species, tuple) or len(species) != 2 or species[0] == species[1]:
        raise InputError(f"species: expected two, for example ('Li', 'B12H12'), got {species!r}")
    T = magnitude(temperature, "K", "temperature", positive=True)
    atoms = np.concatenate([trajectory.select(name) for name in species])
    whole = len(np.unique(atoms)) == len(trajectory.symbols)
    given = [coordinates_of(trajectory, name, repeat, rotation=rotation, rigid=not whole) for name in species]
    waves = [np.concatenate(both, axis=1) for both in zip(given[0].waves, given[1].waves, strict=True)]
    splits = [first.shape[1] for first in given[0].waves]
    frames, size = len(waves[0]), max(wave.shape[1] for wave in waves)
    shifted = np.array([_information(_shifted(waves, splits, by), splits) for by in _shifts(frames)])
    independent = _independent(float(shifted.mean()), waves, splits)
    if frames < size + 2 or independent < size + 2:
        raise InputError(
            f"{trajectory.path}: {min(independent, frames):.0f} independent frames for {size} coordinates; take a "
            "longer run, rotation=False, or tell with repeat that the cell is a supercell"
        )

    everything, errors = _jackknife(waves, splits, independent, T, kind)
    scatter, taken = float(shifted.std(ddof=1)), 0.0
    if kind == "quantum":
        bias, scatter, taken = _quantum_bias(waves, splits, independent, T)
        everything -= bias
    errors[3] = max(errors[3], scatter)
    scale = _GAS_CONSTANT / float(trajectory.masses.values[atoms].sum())
    a, b, joint, interplay = (
        sc.scalar(float(scale * v), variance=float(scale * e) ** 2, unit="J/K/kg")
        for v, e in zip(everything, errors, strict=True)
    )
    return PartialEntropies(
        species=species,
        alone=sc.DataGroup({species[0]: a, species[1]: b}),
        joint=joint,
        interplay=interplay,
        temperature=sc.scalar(T, unit="K"),
        independent=independent,
        coordinates=size,
        method=f"quasi-harmonic covariance, {kind}, {'centres and turns' if rotation else 'centres only'}",
        warnings=_warnings(given, species, independent, size, taken),
    )


def transition_shares(
    before: "PartialEntropies | Mapping[str, sc.Variable]",
    after: "PartialEntropies | Mapping[str, sc.Variable]",
    *,
    total: Quantity | None = None,
) -> TransitionShares:
    """Return what each species alone, and their interplay, contribute to the entropy of a transition.

    Parameters
    ----------
    before, after:
        Of the two phases at one temperature: from :func:`partial_entropies`, or entropies of single species (J/K/kg),
        such as ``by_species`` of :func:`two_phase_thermodynamics`.
    total:
        Entropy of the transition by another way, such as the enthalpy over the temperature (J/K/kg): then the interplay
        is what the species alone leave of it. Needed for entropies of single species.

    Returns
    -------
    :
        Shares that sum to the total.

    Raises
    ------
    InputError
        If the species differ, an entropy has no unit, or there is no total.

    Examples
    --------
    >>> alpha = {"Li": sc.scalar(400.0, unit="J/K/kg"), "B12H12": sc.scalar(900.0, unit="J/K/kg")}
    >>> beta = {"Li": sc.scalar(440.0, unit="J/K/kg"), "B12H12": sc.scalar(930.0, unit="J/K/kg")}
    >>> float(transition_shares(alpha, beta, total="100 J/K/kg").interplay.value)
    30.0
    """
    first, second = _single(before, "before"), _single(after, "after")
    if set(first) != set(second):
        raise InputError(f"before, after: species differ, {', '.join(first)} and {', '.join(second)}")
    alone = {name: second[name] - first[name] for name in first}
    if total is not None:
        whole = quantity(total, "J/K/kg", "total")
        interplay = whole - sum(alone.values(), sc.scalar(0.0, unit="J/K/kg"))
        return TransitionShares(sc.DataGroup(alone), interplay, whole, "interplay: total less species alone")
    if not (isinstance(before, PartialEntropies) and isinstance(after, PartialEntropies)):
        raise InputError("total: entropies of single species know no interplay; give the entropy of the transition")
    return TransitionShares(
        alone=sc.DataGroup(alone),
        interplay=after.interplay - before.interplay,
        total=after.joint - before.joint,
        method=after.method,
    )


def _single(entropies: "PartialEntropies | Mapping[str, sc.Variable]", name: str) -> dict[str, sc.Variable]:
    """Entropies of single species, J/K/kg."""
    if isinstance(entropies, PartialEntropies):
        return dict(entropies.alone.items())
    if not isinstance(entropies, Mapping | sc.DataGroup):
        raise InputError(f"{name}: expected entropies by species, got {type(entropies).__name__}")
    return {one: quantity(value, "J/K/kg", f"{name}[{one!r}]") for one, value in entropies.items()}


def _jackknife(
    waves: list[npt.NDArray[Any]], splits: list[int], independent: float, T: float, kind: str
) -> tuple[Array, Array]:
    """Entropies as :func:`_entropies` gives them, and their errors: blocks of time left out one by one."""
    frames = len(waves[0])
    owner = np.arange(frames) * _BLOCKS // frames

    def entropies(use: npt.NDArray[np.bool_]) -> Array:
        return _entropies([wave[use] for wave in waves], splits, independent * use.sum() / frames, T, kind)

    parts = np.array([entropies(owner != k) for k in range(_BLOCKS)])
    return entropies(np.ones(frames, dtype=bool)), np.sqrt((_BLOCKS - 1) * parts.var(axis=0))


def _entropies(waves: list[npt.NDArray[Any]], splits: list[int], free: float, T: float, kind: str) -> Array:
    """Of the first species, the second, both, and what both have less: k."""
    found = np.zeros(3)
    for spreads, wave in zip(_spreads(waves, splits), waves, strict=True):
        complex_ = np.iscomplexobj(wave)
        for k, spread in enumerate(spreads):
            bias = log_determinant_bias(len(spread), max(free, wave.shape[1] + 2.0), complex_)
            found[k] += float(np.sum(1 - np.log(mode_ratios(spread, T)))) - 0.5 * bias
            if kind == "quantum":
                found[k] += quantum_correction(spread, T)
    return np.append(found, found[2] - found[0] - found[1])


def _spreads(waves: list[npt.NDArray[Any]], splits: list[int]) -> list[list[Array]]:
    """Eigenvalues of the mass-weighted covariance (u angstrom^2) of the first species, the second and both."""
    found = []
    for wave, split in zip(waves, splits, strict=True):
        covariance = wave.T @ wave.conj() / len(wave)
        parts = (slice(0, split), slice(split, None), slice(None))
        spreads = [
            np.linalg.eigvalsh(covariance[part, part]) if covariance[part].size else np.empty(0) for part in parts
        ]
        for spread in spreads:
            if len(spread) and not spread[0] > 1e-12 * spread[-1]:
                raise InputError("species: a coordinate does not move, or two of them move as one; there is no entropy")
        found.append(spreads)
    return found


def _quantum_bias(
    waves: list[npt.NDArray[Any]], splits: list[int], free: float, T: float
) -> tuple[Array, float, float]:
    """What few frames make too great of :func:`_entropies`, the scatter of the interplay, and k for each coordinate.

    The species alone: of frames drawn with their covariance. The interplay: of the species shifted against each other.
    """
    bias = np.zeros(2)
    for spreads, wave in zip(_spreads(waves, splits), waves, strict=True):
        for k in range(2):
            if len(spreads[k]):
                own = max(free, wave.shape[1] + 2.0)
                bias[k] += quantum_bias(spreads[k], own, T, waves=np.iscomplexobj(wave))
    shifted = np.array(
        [_entropies(_shifted(waves, splits, by), splits, free, T, "quantum")[3] for by in _shifts(len(waves[0]))]
    )
    pretended = float(shifted.mean())
    large = max(abs(pretended), float(bias.max())) / sum(wave.shape[1] for wave in waves)
    return np.array([*bias, bias.sum() + pretended, pretended]), float(shifted.std(ddof=1)), large


def _information(waves: list[npt.NDArray[Any]], splits: list[int]) -> float:
    """Mutual information of the two species as the frames have it, in units of 1."""
    found = 0.0
    for wave, split in zip(waves, splits, strict=True):
        if 0 < split < wave.shape[1]:
            covariance = wave.T @ wave.conj() / len(wave)
            own, other, both = (
                float(np.linalg.slogdet(c)[1])
                for c in (covariance[:split, :split], covariance[split:, split:], covariance)
            )
            found += 0.5 * (own + other - both)
    return found


def _shifts(frames: int) -> list[int]:
    return [round(share * frames) for share in np.linspace(0.2, 0.8, _SHIFTS)]


def _shifted(waves: list[npt.NDArray[Any]], splits: list[int], by: int) -> list[npt.NDArray[Any]]:
    return [
        np.concatenate([wave[:, :split], np.roll(wave[:, split:], by, axis=0)], axis=1)
        for wave, split in zip(waves, splits, strict=True)
    ]


def _independent(pretended: float, waves: list[npt.NDArray[Any]], splits: list[int]) -> float:
    """How many independent frames would pretend as much mutual information as the frames do."""

    def of(free: float) -> float:
        return 0.5 * sum(
            log_determinant_bias(split, free, np.iscomplexobj(wave))
            + log_determinant_bias(wave.shape[1] - split, free, np.iscomplexobj(wave))
            - log_determinant_bias(wave.shape[1], free, np.iscomplexobj(wave))
            for wave, split in zip(waves, splits, strict=True)
        )

    low, high = max(wave.shape[1] for wave in waves) + 1.0, float(len(waves[0]))
    if of(high) >= pretended:
        return high
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if of(middle) > pretended else (low, middle)
    return high


def _warnings(
    given: list[Coordinates], species: tuple[str, str], independent: float, size: int, taken: float
) -> tuple[str, ...]:
    said = []
    for name, one in zip(species, given, strict=True):
        if one.wandering:
            said.append(f"{name} leaves its sites: its entropy is an upper bound that grows with the length of the run")
        if one.turning:
            said.append(f"{name} turns over: its entropy is that of a Gaussian as wide, an upper bound")
    if independent < 3 * size:
        said.append(
            f"{independent:.0f} independent frames for {size} coordinates; the correction for few frames is large"
        )
    if taken > _LARGE:
        said.append(
            f"quantum modes of so few frames have {taken:.2g} k too much for each coordinate; that is taken off, but "
            "large: take a longer run, or kind='classical'"
        )
    return tuple(said)


def _words(value: sc.Variable) -> str:
    return f"{value.value:.4g}" + ("" if value.variance is None else f" +- {math.sqrt(value.variance):.1g}")
