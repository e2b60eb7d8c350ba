"""Two-phase thermodynamics (2PT): entropy, energy and heat capacity of a liquid, a superionic solid or rotating ions.

The density of states of each motion is split into a gas of hard spheres (translation) or free rotors (rotation),
which holds all of it at zero frequency, and a solid of oscillators. Sources: Lin, Blanco and Goddard, J. Chem. Phys.
119, 11792 (2003); molecules: Lin, Maiti and Goddard, J. Phys. Chem. B 114, 8191 (2010); the excess entropy of hard
spheres at constant density: Carnahan and Starling, J. Chem. Phys. 53, 600 (1970). Units: meV, K, angstrom^3; J/mol/K.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import jackknife
from caloris.atoms.parallel import Progress
from caloris.atoms.thermodynamics.drift import drift_velocity
from caloris.atoms.thermodynamics.geometry import mean_geometry, moments_of_inertia
from caloris.atoms.thermodynamics.hard_spheres import (
    HardSphereEntropy,
    fluidicity,
    gas_modes,
    normalised_diffusivity,
    rotational_entropy,
    translational_entropy,
)
from caloris.atoms.thermodynamics.oscillators import energy_of_mode, entropy_of_mode, heat_capacity_of_mode
from caloris.atoms.thermodynamics.symmetry import symmetry_number
from caloris.atoms.thermodynamics.windowed_spectra import (
    BOLTZMANN,
    MOTIONS,
    OVERLAP_CORRELATION,
    PLANCK,
    Kind,
    energies,
    held_rigid,
    kinds_of,
    motion_spectra,
    twice_as_coarse,
    window_length,
)
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]

_GAS_CONSTANT = 8.31446261815324
"""J/mol/K, CODATA 2018."""
_FEWEST = 8
"""Windows below which an error is only rough."""
_GROUPS = 16
"""Of molecules, where there are fewer."""
_EQUIPARTITION, _FARTHEST = 0.05, 0.5
"""How far, relative, the temperatures of motions may lie from that of all: of many modes, and of few."""
_SMEARED = 0.005
"""Share of the entropy, above which what the resolution does to it is said."""


@dataclass(frozen=True, eq=False, repr=False)
class TwoPhaseThermodynamics:
    """What two-phase thermodynamics makes of a trajectory; arrays have dimensions ``species`` and ``motion``."""

    temperature: sc.Variable
    """K, of all modes less three."""
    entropy: sc.DataArray
    """J/mol/K of molecules of the species, with variances; motions: translation, rotation, vibration."""
    diffusive_entropy: sc.DataArray
    """J/mol/K: the part of the entropy that the gas holds, with variances."""
    energy: sc.DataArray
    """kJ/mol above the bottom of the wells (V0 of Lin et al.), with the zero point if quantum, with variances."""
    heat_capacity: sc.DataArray
    """J/mol/K at constant volume, with variances; its solid part is harmonic."""
    free_energy: sc.DataArray
    """Helmholtz, kJ/mol above V0, with variances."""
    fluidicity: sc.DataArray
    """Part of the modes that is gas, 0 to 1, with variances."""
    total: "sc.DataGroup[sc.Variable]"
    """``entropy``, ``heat capacity`` (J/K/kg), ``energy`` and ``free energy`` (J/kg) of all, with variances."""
    by_species: "sc.DataGroup[sc.Variable]"
    """Entropy of all molecules of each species, J/K/kg of the whole, with variances."""
    volumes: dict[str, float]
    """angstrom^3 that a molecule of each species is given."""
    symmetry_numbers: dict[str, int]
    assumptions: str
    """What was assumed, in a sentence."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        S = self.total["entropy"]
        liquid = ", ".join(
            f"f({name}) = {self.fluidicity['species', k]['motion', 0].value:.3f}"
            for k, name in enumerate(self.fluidicity.coords["species"].values)
        )
        error = math.nan if S.variance is None else math.sqrt(S.variance)
        return (
            f"<TwoPhaseThermodynamics at {self.temperature.value:.0f} K: S = {S.value:.4g} +- {error:.1g} J/K/kg; "
            f"translation {liquid}>"
        )


@dataclass(frozen=True, eq=False)
class _Part:
    """One motion of one species."""

    species: int
    motion: int
    modes: int
    molecules: int
    mass: float
    volume: float
    moments: Array
    symmetry: int


def two_phase_thermodynamics(
    trajectory: Trajectory,
    *,
    temperature: Quantity | None = None,
    kind: Literal["quantum", "classical"] = "quantum",
    resolution: Quantity = "0.5 meV",
    volumes: Mapping[str, Quantity] | None = None,
    symmetry_numbers: Mapping[str, int] | None = None,
    hard_spheres: HardSphereEntropy = "lin",
    progress: Progress | None = None,
) -> TwoPhaseThermodynamics:
    """Return entropy, energy, heat capacity and free energy of each species and motion.

    Parameters
    ----------
    trajectory:
        With velocities, frames at most half a period of the fastest vibration apart. A drift of the centre of mass is
        taken off.
    temperature:
        By default that of the kinetic energy.
    kind:
        How oscillators of the solid part count.
    resolution:
        Full width at half maximum of a sharp mode. It must be finer than the peak of diffusion: coarser ones make
        less of a liquid a gas.
    volumes:
        Volume of one molecule of each species. By default equal shares of the cell, so that every species has the
        number density of all; ideal mixing is not added, as ions of a solid do not exchange sites.
    symmetry_numbers:
        Of free rotors, by formula; by default found in the mean geometry. They count as far as rotation is a gas.
    hard_spheres:
        Entropy of the gas: ``"lin"`` as Lin et al. print it, with the logarithm of the compressibility, or
        ``"carnahan-starling"`` without it, which is the exact one of hard spheres at their density. Of liquid argon
        (Lennard-Jones) the first gives 0.2 k too much, the second 0.3 k too little.
    progress:
        Called with the part that is done.

    Returns
    -------
    :
        Contributions and totals; errors by a jackknife over the windows in time, or over groups of molecules as well
        where there are fewer than 8 windows, and what the resolution changes. Motions with less than 5 % of the
        temperature of the others are held rigid, by constraints: they have no modes, and a warning says so.

    Raises
    ------
    InputError
        If there are no velocities, the run is too short, or names of species are unknown.

    Source
    ------
    Lin et al., J. Chem. Phys. 119, 11792 (2003): eqs 11, 16-21, 34; Lin et al., J. Phys. Chem. B 114, 8191 (2010).
    """
    if kind not in ("quantum", "classical"):
        raise InputError(f"kind: expected 'quantum' or 'classical', got {kind!r}")
    if hard_spheres not in ("carnahan-starling", "lin"):
        raise InputError(f"hard_spheres: expected 'carnahan-starling' or 'lin', got {hard_spheres!r}")
    length = window_length(trajectory, magnitude(resolution, "meV", "resolution", positive=True))
    energy = energies(length, float(trajectory.timestep.value))
    kinds = kinds_of(trajectory)
    shares = _volumes(trajectory, kinds, volumes)
    turns = _symmetries(trajectory, kinds, symmetry_numbers)
    groups = _groups(trajectory, kinds, length)
    parts, densities, own, held = _motions(trajectory, kinds, energy, length, groups, shares, turns, progress)
    modes = np.array([part.modes for part in parts])
    measured = float(own @ modes / (modes.sum() - 3))
    T = measured if temperature is None else magnitude(temperature, "K", "temperature", positive=True)
    members = np.zeros((len(kinds) + 1, len(parts)))  # all molecules of each species, and of all
    for column, part in enumerate(parts):
        members[[part.species, -1], column] = part.molecules

    def estimate(densities: Array) -> Array:
        rows = np.array(
            [_contribution(part, g, energy, T, kind, hard_spheres) for part, g in zip(parts, densities, strict=True)]
        )
        return np.vstack([rows, members @ rows])

    values, errors, smeared = _with_errors(estimate, densities)
    names = [one.name for one in kinds]
    mass = float(trajectory.masses.values.sum())
    return TwoPhaseThermodynamics(
        temperature=sc.scalar(T, unit="K"),
        **_tables(parts, names, values, errors, T),
        by_species=sc.DataGroup(
            {
                name: _totals(values[row], None if errors is None else errors[row], T, mass)["entropy"]
                for row, name in enumerate(names, start=len(parts))
            }
        ),
        total=_totals(values[-1], None if errors is None else errors[-1], T, mass),
        volumes=shares,
        symmetry_numbers=turns,
        assumptions=_assumptions(kind, hard_spheres, volumes is None, len(kinds)),
        warnings=(*held, *smeared, *_warnings(parts, names, own, measured, T, densities, energy, groups)),
    )


def _motions(
    trajectory: Trajectory,
    kinds: list[Kind],
    energy: Array,
    length: int,
    groups: int,
    shares: dict[str, float],
    turns: dict[str, int],
    progress: Progress | None,
) -> tuple[list[_Part], Array, Array, list[str]]:
    """Every motion, its densities of states (parts, windows, energies; 1/meV) and its temperature (parts; K).

    Those that constraints hold are left out, and said.
    """
    parts, powers, heats = [], [], []
    drift = drift_velocity(trajectory, length)
    for number, one in enumerate(kinds):
        spectra = motion_spectra(trajectory, one, length, groups=groups, drift=drift, progress=progress)
        for motion, power in spectra.items():
            parts.append(_part(trajectory, one, number, motion, shares[one.name], turns[one.name]))
            powers.append(power)
            heats.append(float(np.trapezoid(power.mean(axis=0), energy)))
    if not sum(heats) > 0:
        raise InputError(f"{trajectory.path}: nothing moves; there is no kinetic energy")
    modes = np.array([part.modes for part in parts])
    own = np.array(heats) / (modes * BOLTZMANN)
    held = held_rigid(own, modes)
    said = [
        f"{MOTIONS[part.motion]} of {kinds[part.species].name} has {t:.2g} K: it is held rigid, and has no modes here"
        for part, t, cold in zip(parts, own, held, strict=True)
        if cold
    ]
    free = np.flatnonzero(~held).tolist()
    densities = np.array([powers[k] * (parts[k].modes / heats[k]) for k in free])
    return [parts[k] for k in free], densities, own[free], said


def _groups(trajectory: Trajectory, kinds: list[Kind], length: int) -> int:
    """Into how many groups molecules are split: 1 if there are enough windows in time to give errors."""
    windows = (len(trajectory) - length) // max(1, length // 2) + 1
    return 1 if windows >= _FEWEST else max(1, min(_GROUPS, *(len(one.molecules) for one in kinds), _GROUPS))


def _volumes(trajectory: Trajectory, kinds: list[Kind], volumes: Mapping[str, Quantity] | None) -> dict[str, float]:
    """angstrom^3 of a molecule of each species."""
    whole = float(trajectory.volume.values.mean())
    share = whole / sum(len(one.molecules) for one in kinds)
    given = dict(volumes or {})
    found = {
        one.name: magnitude(given.pop(one.name), "angstrom^3", f"volumes[{one.name!r}]", positive=True)
        if one.name in given
        else share
        for one in kinds
    }
    if given:
        raise InputError(f"volumes: no species {', '.join(given)}; there are {', '.join(found)}")
    filled = sum(found[one.name] * len(one.molecules) for one in kinds)
    if filled > 1.01 * whole:
        raise InputError(f"volumes: they fill {filled:.4g} angstrom^3, more than the cell of {whole:.4g} angstrom^3")
    return found


def _symmetries(trajectory: Trajectory, kinds: list[Kind], numbers: Mapping[str, int] | None) -> dict[str, int]:
    given = dict(numbers or {})
    found = {}
    for one in kinds:
        if one.name in given:
            found[one.name] = int(given.pop(one.name))
            continue
        symbols = [trajectory.symbols[i] for i in one.molecules[0]]
        found[one.name] = max(1, symmetry_number(mean_geometry(trajectory, one), symbols, linear=one.linear))
    if given or min(found.values()) < 1:
        raise InputError(f"symmetry_numbers: expected numbers from 1 for {', '.join(found)}, got {dict(numbers or {})}")
    return found


def _part(trajectory: Trajectory, one: Kind, species: int, motion: str, volume: float, symmetry: int) -> _Part:
    moments: Array = np.empty(0)
    if motion == "rotation":
        moments = moments_of_inertia(mean_geometry(trajectory, one), one.masses, linear=one.linear)
    return _Part(
        species=species,
        motion=MOTIONS.index(motion),
        modes=one.modes[motion],
        molecules=len(one.molecules),
        mass=float(one.masses.sum()),
        volume=volume,
        moments=moments,
        symmetry=symmetry,
    )


def _contribution(
    part: _Part, density: Array, energy: Array, T: float, kind: str, hard_spheres: HardSphereEntropy
) -> tuple[float, ...]:
    """Entropy and that of the gas (k), energy (kT), heat capacity (k), fluidity, free energy (kT), of one molecule."""
    widths = np.gradient(energy)
    widths[[0, -1]] *= 0.5  # trapezoidal
    density = density * (part.modes / float(density @ widths))  # each motion has its modes, however warm it was
    x = energy / (BOLTZMANN * T)
    gas: Array = np.zeros(density.shape)
    f, of_gas = 0.0, 0.0
    if MOTIONS[part.motion] != "vibration":
        volume = part.volume * part.molecules
        delta = normalised_diffusivity(PLANCK * density[0], part.molecules, part.mass, T, volume)
        f = fluidicity(delta)
    if f > 0:
        gas = gas_modes(energy, float(density[0]), f * part.modes)
        if MOTIONS[part.motion] == "translation":
            of_gas = translational_entropy(f, delta, part.mass, T, part.volume, hard_spheres) / 3
        else:
            of_gas = rotational_entropy(part.moments, T, part.symmetry) / len(part.moments)
    solid = (density * widths - gas) / part.molecules
    flowing = float(gas.sum()) / part.molecules  # modes; those beyond the last energy are not in the density either
    S_gas = flowing * of_gas
    S = S_gas + float(solid @ entropy_of_mode(x, kind))
    E = 0.5 * flowing + float(solid @ energy_of_mode(x, kind))
    C = 0.5 * flowing + float(solid @ heat_capacity_of_mode(x, kind))
    return S, S_gas, E, C, f, E - S


def _with_errors(estimate: Any, densities: Array) -> tuple[Array, Array | None, list[str]]:
    """The estimate of (parts, windows, energies), its errors if there are windows to leave out, and what is smeared.

    Windows half as long smear by four times as much: a third of what they change is what these windows have changed.
    """
    windows = densities.shape[1]
    mean = densities.mean(axis=1)
    values = np.asarray(estimate(mean))
    resolution = (np.asarray(estimate(twice_as_coarse(mean))) - values) / 3
    errors = np.zeros_like(values)
    if windows > 1:
        _, errors = jackknife(estimate, np.moveaxis(densities, 1, 2), np.ones(windows))
        errors = errors * math.sqrt(1 + 2 * OVERLAP_CORRELATION)
    said = []
    share = abs(float(resolution[-1, 0] / values[-1, 0])) if values[-1, 0] else 0.0
    if share > _SMEARED and abs(resolution[-1, 0]) > errors[-1, 0]:
        said.append(
            f"the resolution changes the entropy by about {100 * share:.1g} %, more than its scatter; a finer one helps"
        )
    return values, np.hypot(errors, resolution) if windows > 1 else None, said


def _tables(
    parts: list[_Part], names: list[str], values: Array, errors: Array | None, T: float
) -> dict[str, sc.DataArray]:
    """Arrays over species and motion, by the name of their field."""
    R = _GAS_CONSTANT
    columns = {
        "entropy": (0, R, "J/mol/K"),
        "diffusive_entropy": (1, R, "J/mol/K"),
        "energy": (2, R * T / 1000, "kJ/mol"),
        "heat_capacity": (3, R, "J/mol/K"),
        "fluidicity": (4, 1.0, "dimensionless"),
        "free_energy": (5, R * T / 1000, "kJ/mol"),
    }
    coords = {
        "species": sc.array(dims=["species"], values=names),
        "motion": sc.array(dims=["motion"], values=list(MOTIONS)),
    }
    found = {}
    for name, (column, scale, unit) in columns.items():
        table = np.zeros((2, len(names), len(MOTIONS)))
        for row, part in enumerate(parts):
            table[0, part.species, part.motion] = scale * values[row, column]
            table[1, part.species, part.motion] = 0.0 if errors is None else scale * errors[row, column]
        variances = None if errors is None else table[1] ** 2
        data = sc.array(dims=["species", "motion"], values=table[0], variances=variances, unit=unit)
        found[name] = sc.DataArray(data, coords=coords, name=name.replace("_", " "))
    return found


def _totals(values: Array, errors: Array | None, T: float, mass: float) -> "sc.DataGroup[sc.Variable]":
    R = 1000 * _GAS_CONSTANT / mass
    columns = {
        "entropy": (0, R, "J/K/kg"),
        "heat capacity": (3, R, "J/K/kg"),
        "energy": (2, R * T, "J/kg"),
        "free energy": (5, R * T, "J/kg"),
    }
    return sc.DataGroup(
        {
            name: sc.scalar(
                float(scale * values[column]),
                variance=None if errors is None else float(scale * errors[column]) ** 2,
                unit=unit,
            )
            for name, (column, scale, unit) in columns.items()
        }
    )


def _assumptions(kind: str, hard_spheres: str, equal_shares: bool, species: int) -> str:
    said = [
        f"{kind} oscillators",
        f"hard spheres of {'Carnahan and Starling' if hard_spheres != 'lin' else 'Lin et al.'}",
    ]
    if species > 1:
        said.append("every molecule has the same share of the volume" if equal_shares else "volumes as given")
        said.append("no entropy of mixing")
    return "; ".join(said)


def _warnings(
    parts: list[_Part],
    names: list[str],
    own: Array,
    measured: float,
    T: float,
    densities: Array,
    energy: Array,
    groups: int,
) -> tuple[str, ...]:
    said = []
    windows = densities.shape[1] // groups
    for part, t in zip(parts, own, strict=True):
        # 3 modes of the centre of mass rest, and the kinetic energy of few modes fluctuates
        fluctuation = 3 / part.modes + 3 * math.sqrt(2 / (part.modes * windows))
        bound = min(_FARTHEST, max(_EQUIPARTITION, fluctuation))
        if abs(t / measured - 1) > bound:
            said.append(f"{MOTIONS[part.motion]} of {names[part.species]} has {t:.0f} K, all modes {measured:.0f} K")
    if abs(T / measured - 1) > 0.02:
        said.append(f"the kinetic energy is that of {measured:.1f} K, not of {T:.1f} K")
    edge = slice(int(0.9 * len(energy)), None)
    total = densities.mean(axis=1).sum(axis=0)
    if float(total[edge].sum() / total.sum()) > 0.01:
        said.append(f"vibrations reach {energy[-1]:.3g} meV, the highest that these frames can show")
    if windows < _FEWEST:
        said.append(
            f"{windows} windows in time only: errors are from groups of molecules, too small where those move together"
        )
    return tuple(said)
