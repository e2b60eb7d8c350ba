"""Force fields as data: what atoms of molecules and ions do to one another, each number with unit and source.

U = sum q_i q_j / r + pairs + sum k (r - r0)^2 + sum k (theta - theta0)^2 + sum k [1 + cos(n phi - phi0)],
pairs: Buckingham A exp(-r/rho) - C/r^6 or Lennard-Jones eps [(rmin/r)^12 - 2 (rmin/r)^6]; a file may say that its
harmonic terms carry a factor 1/2. A force field is a TOML file; the models below check it and say which field is
wrong. Energies and lengths leave here in eV and angstrom.
"""

import itertools
import math
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from caloris.errors import InputError
from caloris.materials.card import Source

_EV_PER_MOL = 6.02214076e23 * 1.602176634e-19  # J/mol in 1 eV per particle; exact (SI 2019)
_ENERGY = {"eV": 1.0, "kJ/mol": 1e3 / _EV_PER_MOL, "kcal/mol": 4184.0 / _EV_PER_MOL}
_LENGTH = {"angstrom": 1.0, "nm": 10.0}
_ANGLE = {"rad": 1.0, "deg": math.pi / 180.0}
COULOMB = 14.399645
"""e^2/(4 pi eps0), eV angstrom."""

Names = list[str]
Status = Literal["published", "derived", "estimate", "guess"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Units(_Strict):
    """Units of the numbers in a file; charges are in e, force constants in energy/length^2 and energy/rad^2."""

    energy: Literal["eV", "kJ/mol", "kcal/mol"]
    length: Literal["angstrom", "nm"]
    angle: Literal["rad", "deg"]


class LennardJones(_Strict):
    """eps [(rmin/r)^12 - 2 (rmin/r)^6] with rmin = 2 ``rmin_half``."""

    rmin_half: float = Field(ge=0)
    epsilon: float = Field(ge=0)


class Buckingham(_Strict):
    """A exp(-r/rho) - C/r^6; ``rho`` may be absent where ``A`` is 0."""

    A: float = Field(default=0.0, ge=0)
    rho: float | None = Field(default=None, gt=0)
    C: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.A > 0 and self.rho is None:
            raise ValueError("A > 0 needs a rho")
        return self


class AtomType(_Strict):
    """One kind of atom: its element, its charge in e, and its own Lennard-Jones parameters if it has any."""

    element: str = Field(min_length=1)
    charge: float
    lennard_jones: LennardJones | None = None
    status: Status
    source: str


class Pair(_Strict):
    """What two kinds of atoms do to one another besides Coulomb; wins over the mixing rule."""

    types: Annotated[Names, Field(min_length=2, max_length=2)]
    buckingham: Buckingham | None = None
    lennard_jones: LennardJones | None = None
    status: Status
    source: str

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.buckingham is None) == (self.lennard_jones is None):
            raise ValueError("give either buckingham or lennard_jones")
        return self


class Bond(_Strict):
    """k (r - r0)^2, or half of it where the file says so."""

    types: Annotated[Names, Field(min_length=2, max_length=2)]
    k: float = Field(gt=0)
    r0: float = Field(gt=0)
    status: Status
    source: str


class Angle(_Strict):
    """k (theta - theta0)^2, or half of it; the atom in the middle is the second."""

    types: Annotated[Names, Field(min_length=3, max_length=3)]
    k: float = Field(gt=0)
    theta0: float = Field(gt=0)
    status: Status
    source: str


class Torsion(_Strict):
    """k [1 + cos(n phi - phi0)] over the four atoms of a chain."""

    types: Annotated[Names, Field(min_length=4, max_length=4)]
    k: float
    n: int = Field(ge=1, le=6)
    phi0: float
    status: Status
    source: str


class Molecule(_Strict):
    """A molecule or ion: its formula, and the type of each element in it.

    A key of ``types`` is an element, or an element with the elements bound to it in alphabetical order, such as
    ``"C(CHHH)"``; the longer key wins.
    """

    formula: dict[str, int] = Field(min_length=1)
    types: dict[str, str] = Field(min_length=1)

    @property
    def is_single_ion(self) -> bool:
        """Whether it is one atom alone."""
        return sum(self.formula.values()) == 1


Factor = Annotated[float, Field(ge=0, le=1)]


class Exclusions(_Strict):
    """Factors on pairs that are one, two and three bonds apart; 0 leaves them out."""

    lennard_jones: tuple[Factor, Factor, Factor] = (0.0, 0.0, 0.0)
    coulomb: tuple[Factor, Factor, Factor] = (0.0, 0.0, 0.0)


class PairTerm(NamedTuple):
    """Pair interaction in eV and angstrom: Buckingham (A, rho, C) or Lennard-Jones (epsilon, sigma)."""

    kind: Literal["buckingham", "lennard-jones"]
    parameters: tuple[float, ...]

    def energy(self, r: float) -> float:
        """Return the energy of two atoms at a distance.

        Parameters
        ----------
        r:
            Distance, angstrom.

        Returns
        -------
        :
            Energy, eV.

        Examples
        --------
        >>> round(PairTerm("lennard-jones", (0.01, 3.0)).energy(3.0 * 2 ** (1 / 6)), 6)
        -0.01
        """
        if self.kind == "buckingham":
            A, rho, C = self.parameters
            return (A * math.exp(-r / rho) if A > 0 else 0.0) - C / r**6
        epsilon, sigma = self.parameters
        s = (sigma / r) ** 6
        return 4 * epsilon * (s * s - s)


class ForceField(_Strict):
    """A force field: kinds of atoms, molecules that it knows, and the terms of the energy.

    Load one with :func:`load_force_field`. ``harmonic`` is "K" for U = k (x - x0)^2 and "K/2" for half of it.
    ``mixing`` fills Lennard-Jones pairs that are not listed; without it an unlisted pair has Coulomb alone.
    """

    schema_version: int = Field(alias="schema", ge=1, le=1)
    name: str = Field(min_length=1)
    title: str = ""
    remarks: list[str] = Field(default_factory=list)
    units: Units
    harmonic: Literal["K", "K/2"] = "K"
    mixing: Literal["none", "lorentz-berthelot"] = "none"
    cutoff: float = Field(gt=0)
    """In the file's unit of length."""
    ewald_accuracy: float = Field(default=1e-4, gt=0, lt=1)
    """Root-mean-square error of the forces, relative to that of two unit charges 1 angstrom apart."""
    time_step: float = Field(default=1.0, gt=0, le=10)
    """fs."""
    sources: dict[str, Source]
    types: dict[str, AtomType] = Field(min_length=1)
    molecules: dict[str, Molecule] = Field(min_length=1)
    pairs: list[Pair] = Field(default_factory=list)
    bonds: list[Bond] = Field(default_factory=list)
    angles: list[Angle] = Field(default_factory=list)
    torsions: list[Torsion] = Field(default_factory=list)
    exclusions: Exclusions = Field(default_factory=Exclusions)

    @model_validator(mode="after")
    def _references(self) -> Self:
        terms: list[tuple[str, Any]] = [
            (f"{kind}[{number}]", term)
            for kind in ("pairs", "bonds", "angles", "torsions")
            for number, term in enumerate(getattr(self, kind))
        ]
        for where, term in terms:
            for name in term.types:
                if name not in self.types:
                    raise ValueError(f"{where}: type {name!r} is not among [types]: {', '.join(self.types)}")
        for where, term in [*terms, *((f"types.{key}", value) for key, value in self.types.items())]:
            if term.source not in self.sources:
                raise ValueError(f"{where}: source {term.source!r} is not among [sources]")
        formulas = [tuple(sorted(molecule.formula.items())) for molecule in self.molecules.values()]
        if len(set(formulas)) < len(formulas):
            raise ValueError("molecules: two of them have one formula and could not be told apart")
        for key, molecule in self.molecules.items():
            for element, name in molecule.types.items():
                if name not in self.types:
                    raise ValueError(f"molecules.{key}: type {name!r} is not among [types]: {', '.join(self.types)}")
                if self.types[name].element != element.split("(")[0]:
                    raise ValueError(f"molecules.{key}: type {name!r} is {self.types[name].element}, not {element}")
        return self

    @model_validator(mode="after")
    def _no_term_twice(self) -> Self:
        for kind in ("pairs", "bonds", "angles"):
            seen: set[tuple[str, ...]] = set()
            for term in getattr(self, kind):
                key = min(tuple(term.types), tuple(reversed(term.types)))
                if key in seen:
                    raise ValueError(f"{kind}: {'-'.join(key)} is listed twice")
                seen.add(key)
        return self

    @property
    def cutoff_radius(self) -> float:
        """Radius of the cutoff of the pair terms and of the real-space Coulomb sum, angstrom."""
        return self.cutoff * _LENGTH[self.units.length]

    def with_harmonic(self, harmonic: Literal["K", "K/2"]) -> "ForceField":
        """Return the same force field with its harmonic terms read as U = k x^2 ("K") or k x^2/2 ("K/2").

        Parameters
        ----------
        harmonic:
            How to read the constants.

        Returns
        -------
        :
            The force field, otherwise unchanged.

        Examples
        --------
        >>> from caloris.materials import load_force_field
        >>> whole = load_force_field("Li2B12H12")
        >>> whole.with_harmonic("K/2").bond_term("B", "H")[0] / whole.bond_term("B", "H")[0]
        0.5
        """
        if harmonic not in ("K", "K/2"):
            raise InputError(f"harmonic: {harmonic!r} is neither 'K' nor 'K/2'")
        return self.model_copy(update={"harmonic": harmonic})

    @cached_property
    def _energy(self) -> float:
        return _ENERGY[self.units.energy]

    @cached_property
    def _length(self) -> float:
        return _LENGTH[self.units.length]

    def pair_term(self, first: str, second: str) -> PairTerm | None:
        """Return what two kinds of atoms do to one another besides Coulomb.

        Parameters
        ----------
        first, second:
            Names of types.

        Returns
        -------
        :
            The term in eV and angstrom; None where there is Coulomb alone.

        Examples
        --------
        >>> from caloris.materials import load_force_field
        >>> load_force_field("Li2B12H12").pair_term("B", "H") is None
        True
        """
        for pair in self.pairs:
            if set(pair.types) == {first, second}:
                if pair.buckingham is not None:
                    return self._buckingham(pair.buckingham)
                assert pair.lennard_jones is not None
                return self._lennard_jones(pair.lennard_jones, pair.lennard_jones)
        one, other = self.types[first].lennard_jones, self.types[second].lennard_jones
        same = first == second
        if one is None or other is None or (self.mixing == "none" and not same):
            return None
        return self._lennard_jones(one, other)

    def _buckingham(self, term: Buckingham) -> PairTerm:
        rho = 1.0 if term.rho is None else term.rho * self._length
        return PairTerm("buckingham", (term.A * self._energy, rho, term.C * self._energy * self._length**6))

    def _lennard_jones(self, one: LennardJones, other: LennardJones) -> PairTerm:
        epsilon = math.sqrt(one.epsilon * other.epsilon) * self._energy
        return PairTerm("lennard-jones", (epsilon, (one.rmin_half + other.rmin_half) * self._length / 2 ** (1 / 6)))

    def bond_term(self, first: str, second: str) -> tuple[float, float] | None:
        """Return k (eV/angstrom^2, for U = k x^2) and r0 (angstrom) of a bond, None where there is none.

        Parameters
        ----------
        first, second:
            Names of types.

        Returns
        -------
        :
            The constants.

        Examples
        --------
        >>> from caloris.materials import load_force_field
        >>> k, r0 = load_force_field("Li2B12H12").bond_term("B", "H")
        >>> round(k, 3), r0
        (9.974, 1.2)
        """
        for bond in self.bonds:
            if sorted(bond.types) == sorted((first, second)):
                return bond.k * self._factor * self._energy / self._length**2, bond.r0 * self._length
        return None

    def angle_term(self, first: str, middle: str, last: str) -> tuple[float, float] | None:
        """Return k (eV/rad^2, for U = k x^2) and theta0 (rad) of an angle, None where there is none.

        Parameters
        ----------
        first, middle, last:
            Names of types.

        Returns
        -------
        :
            The constants.

        Examples
        --------
        >>> from caloris.materials import load_force_field
        >>> round(load_force_field("Li2B12H12").angle_term("H", "B", "B")[1], 4)
        2.0944
        """
        for angle in self.angles:
            if angle.types[1] == middle and sorted((angle.types[0], angle.types[2])) == sorted((first, last)):
                return angle.k * self._factor * self._energy, angle.theta0 * _ANGLE[self.units.angle]
        return None

    def torsion_terms(self, *types: str) -> list[tuple[float, int, float]]:
        """Return k (eV), n and phi0 (rad) of every term of a torsion.

        Parameters
        ----------
        types:
            Names of four types, along the chain.

        Returns
        -------
        :
            The terms; empty where there are none.
        """
        found = [t for t in self.torsions if tuple(t.types) in (types, types[::-1])]
        return [(t.k * self._energy, t.n, t.phi0 * _ANGLE[self.units.angle]) for t in found]

    @property
    def _factor(self) -> float:
        return 1.0 if self.harmonic == "K" else 0.5

    def collapse_distance(self, first: str, second: str) -> float | None:
        """Return the distance below which the attraction of a pair has no bound, None where it has one.

        Parameters
        ----------
        first, second:
            Names of types.

        Returns
        -------
        :
            Where the pair energy, Coulomb included, has its highest point on the way in, angstrom; infinity if
            nothing repels. Two atoms that come closer fall into one another.

        Examples
        --------
        >>> from caloris.materials import load_force_field
        >>> force_field = load_force_field("Li2B12H12")
        >>> force_field.collapse_distance("B", "B")
        inf
        >>> round(force_field.collapse_distance("H", "H"), 2)
        0.67
        """
        term = self.pair_term(first, second)
        charges = self.types[first].charge * self.types[second].charge * COULOMB
        if term is None:
            return math.inf if charges < 0 else None
        if term.kind == "lennard-jones":
            return None if term.parameters[0] > 0 else (math.inf if charges < 0 else None)
        if term.parameters[2] == 0 and charges >= 0:
            return None
        radii = [0.05 * 1.01**step for step in range(530)]  # to 9.8 angstrom
        energies = [term.energy(r) + charges / r for r in radii]
        for step in range(1, len(radii) - 1):
            if energies[step - 1] < energies[step] >= energies[step + 1]:
                return radii[step]
        return math.inf

    @cached_property
    def bonded_elements(self) -> dict[tuple[str, str], float]:
        """Longest bond length of every pair of elements that this force field binds, angstrom."""
        found: dict[tuple[str, str], float] = {}
        for bond in self.bonds:
            one, other = sorted(self.types[name].element for name in bond.types)
            found[one, other] = max(found.get((one, other), 0.0), bond.r0 * self._length)
        return found

    def type_pairs(self) -> list[tuple[str, str]]:
        """Return every pair of types once, in the order of the file."""
        return list(itertools.combinations_with_replacement(self.types, 2))

    def __repr__(self) -> str:
        return f"<ForceField {self.name}: {', '.join(self.types)}; molecules {', '.join(self.molecules)}>"

    __str__ = __repr__
