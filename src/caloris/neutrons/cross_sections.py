"""How strongly a nucleus scatters neutrons, and an electron shell X-rays: lengths in fm, cross sections in barn.

sigma_coh = 4 pi <b>^2 and sigma_inc = 4 pi (<b^2> - <b>^2) over isotopes, plus what the spin of each adds. Lengths and
incoherent and absorption cross sections are those of the package periodictable (Rauch and Waschkowski 2003, with newer
values); X-ray form factors are those of Waasmaier and Kirfel, Acta Cryst. A51, 416 (1995).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]
Isotopes = Mapping[str, str | Mapping[str, float]]

_BARN_PER_FM2 = 0.01
_THERMAL = 1.798
"""Angstrom, the wavelength of tabulated absorption: 2200 m/s."""
_MASS_TOLERANCE = 0.004
"""u, between the mass of an atom and that of an isotope."""
_NATURAL_TOLERANCE = 0.01
"""u, and relative 0.1 %: the masses that programs give an element of natural composition scatter by this much."""
_STRONG_ABSORPTION = 100.0
"""Barn at 1.798 angstrom from which on a caution is given."""
_FORM_FACTOR_LIMIT = 24 * math.pi
"""1/angstrom, up to which the form factors were fitted: sin(theta)/lambda = 6 1/angstrom."""
_ALIASES = {"D": "2H", "T": "3H"}


@dataclass(frozen=True)
class ScatteringLengths:
    """Bound scattering lengths of the species of a sample, and which species each atom is."""

    names: tuple[str, ...]
    """Species in the order of their first appearance: ``"H"``, ``"2H"``, ``"Li"`` ..."""
    index: npt.NDArray[np.int64]
    """Species of each given atom, (atoms,)."""
    coherent_length: sc.Variable
    """Mean bound length, fm, over ``species``."""
    incoherent_length: sc.Variable
    """sqrt(sigma_inc / 4 pi), fm, never negative."""
    absorption_cross_section: sc.Variable
    """Barn at 1.798 angstrom; proportional to the wavelength."""
    warnings: tuple[str, ...]
    source: str

    def __repr__(self) -> str:
        pairs = zip(self.names, self.coherent_length.values, self.incoherent_cross_section.values, strict=True)
        shown = ", ".join(f"{name} b = {b:.4g} fm, sigma_inc = {inc:.4g} barn" for name, b, inc in pairs)
        return f"<ScatteringLengths: {shown}>"

    @property
    def coherent_cross_section(self) -> sc.Variable:
        """4 pi b^2, barn, over ``species``."""
        return _cross_section(self.coherent_length)

    @property
    def incoherent_cross_section(self) -> sc.Variable:
        """Barn, over ``species``."""
        return _cross_section(self.incoherent_length)

    @property
    def total_cross_section(self) -> sc.Variable:
        """Coherent and incoherent scattering, without absorption, barn, over ``species``."""
        return self.coherent_cross_section + self.incoherent_cross_section

    def of_atoms(self) -> tuple[sc.Variable, sc.Variable]:
        """Return the coherent and the incoherent length of each atom, fm, over ``atom``."""
        found = (self.coherent_length, self.incoherent_length)
        coherent, incoherent = (
            sc.array(dims=["atom"], values=length.values[self.index], unit="fm") for length in found
        )
        return coherent, incoherent

    def table(self) -> sc.Dataset:
        """Return lengths and cross sections of every species, with the number of its atoms."""
        atoms = np.bincount(self.index, minlength=len(self.names))
        columns = {
            "atoms": sc.array(dims=["species"], values=atoms, unit=None),
            "coherent_length": self.coherent_length,
            "incoherent_length": self.incoherent_length,
            "coherent_cross_section": self.coherent_cross_section,
            "incoherent_cross_section": self.incoherent_cross_section,
            "absorption_cross_section": self.absorption_cross_section,
        }
        return sc.Dataset(columns, coords={"species": sc.array(dims=["species"], values=list(self.names))})


@dataclass(frozen=True)
class _Nucleus:
    """b (fm), sigma_inc and sigma_abs (barn) of an element or isotope."""

    length: float
    incoherent: float
    absorption: float
    resonant: bool


def scattering_lengths(
    symbols: Sequence[str], isotopes: Isotopes | None = None, *, masses: sc.Variable | None = None
) -> ScatteringLengths:
    """Return the neutron scattering lengths of atoms, of natural elements unless isotopes are named or weighed.

    Parameters
    ----------
    symbols:
        Of each atom: ``"H"``, ``"D"``, ``"Li"`` ...
    isotopes:
        What an element is made of: ``{"H": "2H"}`` or ``{"H": {"1H": 0.02, "2H": 0.98}}`` (shares are normalised;
        ``"D"`` and ``"T"`` are 2H and 3H). Isotopes are mixed at random, which scatters incoherently.
    masses:
        One for each atom, u. An atom whose mass is that of an isotope is that isotope, so that the deuterium of a
        trajectory (H of 2.014 u) is recognised; ``isotopes`` decides where it names the element.

    Returns
    -------
    :
        Lengths and cross sections of every species, with warnings for strong absorbers, resonances and odd masses.

    Raises
    ------
    InputError
        If an element or isotope is unknown or has no tabulated value, shares are no shares, or masses do not fit.

    Source
    ------
    Sears, Neutron News 3(3), 26 (1992), eqs. 16-20; Rauch and Waschkowski, Neutron Data Booklet (2003).

    Examples
    --------
    >>> lengths = scattering_lengths(["Li", "H", "D"])
    >>> [round(float(barn), 2) for barn in lengths.incoherent_cross_section.values]
    [0.92, 80.26, 2.05]
    >>> mixture = scattering_lengths(["H"], {"H": {"1H": 0.5, "2H": 0.5}})
    >>> round(float(mixture.coherent_length.values[0]), 2), round(float(mixture.incoherent_cross_section.values[0]), 1)
    (1.46, 44.6)
    """
    if isinstance(symbols, str) or not len(symbols):
        raise InputError("symbols: expected a list of chemical symbols, one for each atom, such as ['Li', 'H']")
    named = {_species(key): value for key, value in (isotopes or {}).items()}
    labels, warnings = _labels([str(symbol) for symbol in symbols], named, masses)
    names = tuple(dict.fromkeys(labels))
    unused = set(named) - set(names)
    if unused:
        raise InputError(f"isotopes: no {', '.join(sorted(unused))} among the atoms, which are {', '.join(names)}")
    nuclei = [_mixture(name, named[name]) if name in named else _nucleus(name) for name in names]
    for name, nucleus in zip(names, nuclei, strict=True):
        warnings += _cautions(name, nucleus)
    number = {name: n for n, name in enumerate(names)}
    return ScatteringLengths(
        names=names,
        index=np.array([number[label] for label in labels], dtype=np.int64),
        coherent_length=_over_species([nucleus.length for nucleus in nuclei], "fm"),
        incoherent_length=_over_species(
            [math.sqrt(nucleus.incoherent / (4 * math.pi * _BARN_PER_FM2)) for nucleus in nuclei], "fm"
        ),
        absorption_cross_section=_over_species([nucleus.absorption for nucleus in nuclei], "barn"),
        warnings=tuple(dict.fromkeys(warnings)),
        source=_source(),
    )


def xray_form_factor(symbol: str, Q: sc.Variable) -> sc.DataArray:
    """Return the X-ray form factor f(Q) of a free atom or ion.

    Parameters
    ----------
    symbol:
        ``"O"``, ``"Li1+"``, ``"O2-"``; ``"D"`` and ``"T"`` are H.
    Q:
        One dimension or scalar, 1/angstrom, up to 75.4.

    Returns
    -------
    :
        Over ``Q``, in electrons (dimensionless); anomalous dispersion is not in it.

    Raises
    ------
    InputError
        If the table has no such atom or ion, or Q is beyond it.

    Source
    ------
    Waasmaier and Kirfel, Acta Cryst. A51, 416 (1995).

    Examples
    --------
    >>> Q = sc.array(dims=["Q"], values=[0.0, 10.0], unit="1/angstrom")
    >>> xray_form_factor("Li1+", Q).values.round(2).tolist()
    [2.0, 0.51]
    """
    from periodictable.cromermann import fxrayatq

    try:
        q = Q.to(unit="1/angstrom", dtype="float64")
    except (AttributeError, sc.UnitError):
        raise InputError("Q: expected a scipp variable in 1/angstrom") from None
    if not np.all(np.isfinite(q.values)) or np.any(q.values < 0) or np.any(q.values > _FORM_FACTOR_LIMIT):
        raise InputError(f"Q: form factors are known from 0 to {_FORM_FACTOR_LIMIT:.1f} 1/angstrom; keep within that")
    name = re.sub(r"^[DT](?=$|\d*[+-])", "H", symbol)
    try:
        values = np.asarray(fxrayatq(name, q.values))
    except KeyError:
        raise InputError(f"X-ray form factor: no {symbol!r} in the table; write 'O', 'Li1+' or 'O2-'") from None
    return sc.DataArray(
        sc.array(dims=q.dims, values=values) if q.ndim else sc.scalar(float(values)),
        coords={"Q": q},
        name=f"X-ray form factor of {symbol}",
    )


def _labels(symbols: list[str], named: Isotopes, masses: sc.Variable | None) -> tuple[list[str], list[str]]:
    """Species of each atom: an element, or an isotope such as 2H; warnings about masses."""
    species = {symbol: _species(symbol) for symbol in set(symbols)}
    if masses is None:
        return [species[symbol] for symbol in symbols], []
    try:
        weights = masses.to(unit="u", dtype="float64").values
    except (AttributeError, sc.UnitError):
        raise InputError("masses: expected a scipp variable in u, one for each atom") from None
    if np.shape(weights) != (len(symbols),):
        raise InputError(f"masses: expected {len(symbols)}, one for each symbol, got {np.shape(weights)}")
    found: dict[tuple[str, float], str] = {}
    warnings: list[str] = []
    for pair in set(zip(symbols, weights.tolist(), strict=True)):
        found[pair] = species[pair[0]]
        if species[pair[0]] not in named and species[pair[0]] == pair[0]:
            found[pair], caution = _weighed(*pair)
            warnings += caution
    return [found[pair] for pair in zip(symbols, weights.tolist(), strict=True)], sorted(warnings)


def _weighed(symbol: str, mass: float) -> tuple[str, list[str]]:
    """Tell an isotope by its mass; the element where the mass is natural or nothing fits."""
    element = _element(symbol)
    isotopes = [number for number in element.isotopes if abs(element[number].mass - mass) < _MASS_TOLERANCE]
    if abs(element.mass - mass) < max(_NATURAL_TOLERANCE, 1e-3 * element.mass):
        return symbol, []
    if isotopes:
        return f"{isotopes[0]}{symbol}", []
    return symbol, [
        f"{symbol} of {mass:.4g} u is neither natural ({element.mass:.4g} u) nor an isotope; taken as natural {symbol}."
    ]


def _species(symbol: str) -> str:
    """Symbol as the tables here write it; refuses what is no element or isotope."""
    name = _ALIASES.get(symbol, symbol)
    _element(name)
    return name


def _element(name: str) -> Any:
    """Element or isotope of periodictable by a name such as Li or 7Li."""
    import periodictable

    match = re.fullmatch(r"(\d*)([A-Z][a-z]?)", _ALIASES.get(name, name))
    try:
        if match is None:
            raise ValueError(name)
        element = periodictable.elements.symbol(match.group(2))
        return element[int(match.group(1))] if match.group(1) else element
    except (ValueError, KeyError):
        raise InputError(f"{name!r} is no element or isotope; write for example 'Li', '7Li' or 'D'") from None


def _nucleus(name: str) -> _Nucleus:
    """Tabulated values of an element of natural composition, or of an isotope."""
    neutron = _element(name).neutron
    absent = [
        what
        for what, value in (
            ("coherent length", neutron.b_c),
            ("incoherent cross section", neutron.incoherent),
            ("absorption cross section", neutron.absorption),
        )
        if value is None
    ]
    if absent:
        raise InputError(f"{name}: no {' and no '.join(absent)} for neutrons in the table; choose another isotope")
    return _Nucleus(
        float(neutron.b_c), float(neutron.incoherent), float(neutron.absorption), bool(neutron.is_energy_dependent)
    )


def _mixture(name: str, made_of: str | Mapping[str, float]) -> _Nucleus:
    """Average of isotopes at random places: their spread and their own spins scatter incoherently."""
    shares = {made_of: 1.0} if isinstance(made_of, str) else dict(made_of)
    parts = [_species(key) for key in shares]
    strangers = [part for part in parts if part.lstrip("0123456789") != name.lstrip("0123456789")]
    if strangers or not parts:
        raise InputError(f"isotopes: {', '.join(strangers) or 'nothing'} given for {name}; give isotopes of {name}")
    weights = np.array([float(share) for share in shares.values()])
    if np.any(weights < 0) or not np.isfinite(weights).all() or weights.sum() <= 0:
        raise InputError(f"isotopes: the shares of {name} must not be negative and not all 0, got {weights.tolist()}")
    weights = weights / weights.sum()
    nuclei = [_nucleus(part) for part in parts]
    lengths = np.array([nucleus.length for nucleus in nuclei])
    mean = float(weights @ lengths)
    spread = 4 * math.pi * _BARN_PER_FM2 * float(weights @ (lengths - mean) ** 2)
    return _Nucleus(
        length=mean,
        incoherent=spread + float(weights @ [nucleus.incoherent for nucleus in nuclei]),
        absorption=float(weights @ [nucleus.absorption for nucleus in nuclei]),
        resonant=any(nucleus.resonant for nucleus in nuclei),
    )


def _cautions(name: str, nucleus: _Nucleus) -> list[str]:
    found = []
    if nucleus.resonant:
        found.append(f"{name} has a resonance: its scattering length depends on the wavelength, here it is thermal.")
    if nucleus.absorption > _STRONG_ABSORPTION:
        advice = "; measured samples are of 11B" if name == "B" else ""
        found.append(f"{name} absorbs {nucleus.absorption:.3g} barn at {_THERMAL} angstrom{advice}.")
    return found


def _cross_section(length: sc.Variable) -> sc.Variable:
    return sc.array(dims=length.dims, values=4 * math.pi * _BARN_PER_FM2 * length.values**2, unit="barn")


def _over_species(values: list[float], unit: str) -> sc.Variable:
    return sc.array(dims=["species"], values=values, unit=unit)


def _source() -> str:
    import periodictable

    return f"periodictable {periodictable.__version__}: Rauch and Waschkowski (2003) with newer values"
