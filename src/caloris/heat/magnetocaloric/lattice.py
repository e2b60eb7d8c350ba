"""Lattice and magnetic parts of a transition entropy: do they add or cancel, and in which shares.

dS_total = dS_lattice + dS_magnetic. The lattice part follows from Debye temperatures, phonon densities of states or the
volume change (harmonic phonons, J/kg/K). What is found by difference holds the electronic part too.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.magnetocaloric.tables import Numbers
from caloris.units import Quantity, magnitude, quantity

GAS_CONSTANT = 8.31446261815324
"""R, J/mol/K (CODATA 2018, exact)."""
MEV_PER_KELVIN = 8.617333262e-2
"""kB, meV/K (CODATA 2018)."""
Relation = Literal["add", "cancel", "undecided"]


@dataclass(frozen=True)
class EntropyBalance:
    """Total, lattice and magnetic entropy change, J/kg/K; made by :func:`entropy_balance`."""

    total: sc.Variable
    lattice: sc.Variable
    magnetic: sc.Variable
    found_by_difference: Literal["total", "lattice", "magnetic"]
    relation: Relation
    """``"undecided"`` where the smaller part is not larger than its standard deviation."""
    lattice_share: sc.Variable
    """dS_lattice / dS_total; NaN where both cancel exactly."""

    @property
    def magnetic_share(self) -> sc.Variable:
        """dS_magnetic / dS_total."""
        return 1.0 - self.lattice_share

    def __str__(self) -> str:
        words = {
            "add": "have the same sign and add",
            "cancel": "have opposite signs and cancel in part",
            "undecided": "cannot be told to add or cancel within the errors",
        }
        parts = ", ".join(f"{name} {_words(getattr(self, name))}" for name in ("total", "lattice", "magnetic"))
        return (
            f"{parts} J/kg/K ({self.found_by_difference} by difference): lattice and magnetic entropy "
            f"{words[self.relation]}; lattice share {_words(self.lattice_share)}"
        )


def entropy_balance(
    *, total: Quantity | None = None, lattice: Quantity | None = None, magnetic: Quantity | None = None
) -> EntropyBalance:
    """Split a transition entropy into lattice and magnetic part.

    Parameters
    ----------
    total, lattice, magnetic:
        Entropy changes of the same process, with their signs, scalars in J/kg/K; give two of the three. Variances
        are taken as independent.

    Returns
    -------
    :
        All three, the share of the lattice and whether the parts add or cancel.

    Raises
    ------
    InputError
        If not exactly two are given, or one has a wrong unit.

    Notes
    -----
    Whether both have the same sign, and their shares, decides what a first-order magneto-structural transition gives
    to a caloric effect.

    Examples
    --------
    >>> print(entropy_balance(total="-9 J/kg/K", lattice="-3 J/kg/K"))
    total -9, lattice -3, magnetic -6 J/kg/K (magnetic by difference): lattice and magnetic entropy have the same sign
    and add; lattice share 0.3333
    """
    given = {"total": total, "lattice": lattice, "magnetic": magnetic}
    known = {k: quantity(v, "J/kg/K", k) for k, v in given.items() if v is not None}
    if len(known) != 2:
        raise InputError(f"entropy balance: give two of total, lattice and magnetic, got {', '.join(known) or 'none'}")
    if "total" not in known:
        missing: Literal["total", "lattice", "magnetic"] = "total"
        known["total"] = known["lattice"] + known["magnetic"]
    else:
        missing = "magnetic" if "lattice" in known else "lattice"
        known[missing] = known["total"] - known["lattice" if missing == "magnetic" else "magnetic"]
    L, M = known["lattice"], known["magnetic"]
    weak = any(p.value == 0 or (p.variance is not None and p.value**2 <= p.variance) for p in (L, M))
    relation: Relation = "undecided" if weak else "add" if float(L.value) * float(M.value) > 0 else "cancel"
    return EntropyBalance(known["total"], L, M, missing, relation, _share(known, missing))


def debye_entropy(
    temperature: Quantity, debye_temperature: Quantity, *, atomic_mass: Quantity, atoms: int = 1
) -> sc.Variable:
    """Return the vibrational entropy of a Debye solid.

    Parameters
    ----------
    temperature, debye_temperature:
        Scalars, K.
    atomic_mass:
        Mean molar mass of an atom, g/mol; or the molar mass of a formula unit with its number of ``atoms``.
    atoms:
        Atoms for which the molar mass stands.

    Returns
    -------
    :
        J/kg/K.

    Raises
    ------
    InputError
        If a value is not positive or has a wrong unit.

    Notes
    -----
    S = (3R/M) [4/3 D3(x) - ln(1 - exp(-x))], x = theta/T, D3(x) = 3/x^3 int_0^x t^3/(e^t - 1) dt; by quadrature.

    Examples
    --------
    At T = theta: 3R (4/3 * 0.6744156 + 0.4586751) = 33.87 J/(mol K), here per mole of 100 g:

    >>> round(float(debye_entropy("300 K", "300 K", atomic_mass="100 g/mol").value), 1)
    338.7
    """
    from scipy.integrate import quad

    T = magnitude(temperature, "K", "temperature", positive=True)
    x = magnitude(debye_temperature, "K", "debye_temperature", positive=True) / T
    # beyond t = 100 the integrand is below 1e-37 of its maximum
    integral = quad(lambda t: t**3 / np.expm1(t) if t > 0 else 0.0, 0.0, min(x, 100.0), epsabs=0, epsrel=1e-12)[0]
    per_mode = 4.0 * integral / x**3 - np.log(-np.expm1(-x))
    return sc.scalar(3 * _per_mass(atomic_mass, atoms) * float(per_mode), unit="J/kg/K")


def vibrational_entropy(
    density_of_states: sc.DataArray, temperature: Quantity, *, atomic_mass: Quantity, atoms: int = 1
) -> sc.Variable:
    """Return the vibrational entropy of a phonon density of states.

    Parameters
    ----------
    density_of_states:
        Over ``energy`` (meV > 0, points, not bins); normalised here to 3 modes an atom.
    temperature:
        Scalar, K.
    atomic_mass, atoms:
        As for :func:`debye_entropy`.

    Returns
    -------
    :
        J/kg/K.

    Raises
    ------
    InputError
        If the density of states is negative, not finite, empty or not over increasing positive energies.

    Notes
    -----
    S = (3R/M) int g(E) [x coth x - ln(2 sinh x)] dE, x = E / (2 kB T), harmonic phonons; trapezoidal rule. The lattice
    entropy change is the difference of two phases: give each its own density of states.

    Examples
    --------
    A sharp mode at E = kB T has 1.0407 R:

    >>> E = sc.array(dims=["energy"], values=[25.849, 25.852, 25.855], unit="meV")
    >>> g = sc.array(dims=["energy"], values=[0.0, 1.0, 0.0], unit="1/meV")
    >>> S = vibrational_entropy(sc.DataArray(g, coords={"energy": E}), "300 K", atomic_mass="1000 g/mol")
    >>> round(float(S.value) / 3 / GAS_CONSTANT, 4)
    1.0407
    """
    energy, g = _checked_dos(density_of_states)
    x = energy / (2 * MEV_PER_KELVIN * magnitude(temperature, "K", "temperature", positive=True))
    # ln(2 sinh x) = x + ln(1 - exp(-2x)): neither overflows at large x
    per_mode = x / np.tanh(x) - x - np.log(-np.expm1(-2 * x))
    mean = float(np.trapezoid(g * per_mode, energy) / np.trapezoid(g, energy))
    return sc.scalar(3 * _per_mass(atomic_mass, atoms) * mean, unit="J/kg/K")


def gruneisen_entropy_change(
    volume_change: Quantity | float, gruneisen: Quantity | float, *, atomic_mass: Quantity, atoms: int = 1
) -> sc.Variable:
    """Return the lattice entropy change that a change of volume brings, at high temperature.

    Parameters
    ----------
    volume_change:
        (V_after - V_before) / V_before, dimensionless.
    gruneisen:
        Mean Grueneisen parameter, -d ln(omega) / d ln(V), dimensionless.
    atomic_mass, atoms:
        As for :func:`debye_entropy`.

    Returns
    -------
    :
        J/kg/K; positive for an expansion, which softens the phonons.

    Raises
    ------
    InputError
        If the volume would not stay positive, or a value has a unit.

    Notes
    -----
    dS = -3 N kB dln(omega) = 3 N kB gamma ln(1 + dV/V), which is 3 N kB gamma dV/V for small changes; valid where
    T is well above the Debye temperature, an upper bound below.

    Examples
    --------
    >>> dS = gruneisen_entropy_change(-0.01, 2.0, atomic_mass="56 g/mol")
    >>> round(float(dS.value), 2)
    -8.95
    """
    strain = _plain(volume_change, "volume_change")
    if strain <= -1:
        raise InputError(f"volume_change: the volume would not stay positive, got {strain:g}; write 0.01 for 1 %")
    gamma = _plain(gruneisen, "gruneisen")
    return sc.scalar(3 * _per_mass(atomic_mass, atoms) * gamma * float(np.log1p(strain)), unit="J/kg/K")


def _per_mass(atomic_mass: Quantity, atoms: int) -> float:
    """N kB per mass of the material, J/kg/K."""
    if not isinstance(atoms, int) or atoms < 1:
        raise InputError(f"atoms: give a whole number of at least 1, got {atoms!r}")
    return atoms * GAS_CONSTANT / magnitude(atomic_mass, "kg/mol", "atomic_mass", positive=True)


def _plain(value: Quantity | float, name: str) -> float:
    return magnitude(sc.scalar(float(value)) if isinstance(value, int | float) else value, "dimensionless", name)


def _checked_dos(dos: sc.DataArray) -> tuple[Numbers, Numbers]:
    if not isinstance(dos, sc.DataArray) or dos.dims != ("energy",) or "energy" not in dos.coords:
        raise InputError("density of states: expected a data array over 'energy' with that coordinate")
    coordinate = dos.coords["energy"]
    if coordinate.unit != sc.Unit("meV") or coordinate.size != dos.sizes["energy"]:
        raise InputError("density of states: needs energies in meV, one for each value (points, not bins)")
    energy, g = np.asarray(coordinate.values, dtype=float), np.asarray(dos.values, dtype=float)
    if len(energy) < 2 or not np.all(np.isfinite(energy)) or energy[0] <= 0 or np.any(np.diff(energy) <= 0):
        raise InputError("density of states: energies must be above 0 and increase; leave the elastic line out")
    if not np.all(np.isfinite(g)) or np.any(g < 0) or not g.any():
        raise InputError("density of states: values must be finite, not negative and not all 0")
    return energy, g


def _share(known: dict[str, sc.Variable], missing: str) -> sc.Variable:
    """Share of the lattice with its error, from the two that are independent."""
    value = {k: float(v.value) for k, v in known.items()}
    variance = {k: float(v.variance or 0.0) if v.variance is not None else 0.0 for k, v in known.items()}
    T, L, M = value["total"], value["lattice"], value["magnetic"]
    if T == 0:
        return sc.scalar(float("nan"))
    if missing == "total":
        spread = (M**2 * variance["lattice"] + L**2 * variance["magnetic"]) / T**4
    else:
        part = "lattice" if missing == "magnetic" else "magnetic"
        spread = (variance[part] + (value[part] / T) ** 2 * variance["total"]) / T**2
    return sc.scalar(L / T, variance=spread) if spread > 0 else sc.scalar(L / T)


def _words(value: sc.Variable) -> str:
    number = f"{float(value.value):.4g}"
    return number if value.variance is None else f"{number} ± {float(value.variance) ** 0.5:.2g}"
