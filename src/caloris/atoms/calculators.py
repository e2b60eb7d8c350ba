"""Calculators of energies, forces and stresses by name: first principles, tight binding, models, our force fields.

Everything here is a calculator of ASE, and whatever takes one takes any other as well. The defaults of "gpaw" are
those of Zhang et al., Sci. Adv. 9, eadd0374 (2023), Methods: PAW, PBE, plane waves to 550 eV, a Gamma-centred mesh of
k-points and the D3 dispersion correction with zero damping (Grimme et al., J. Chem. Phys. 132, 154104 (2010)).
"""

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, cast

from ase.calculators.calculator import BaseCalculator
from ase.calculators.mixing import SumCalculator

from caloris.atoms.engines import Availability, choose_engine
from caloris.atoms.force_field_calculator import ForceFieldCalculator
from caloris.atoms.pulay_stress import PulayStress
from caloris.errors import ComputationError, InputError
from caloris.units import Quantity, magnitude

__all__ = [
    "CalculatorLike",
    "ForceFieldCalculator",
    "available_calculators",
    "calculator",
    "describe",
    "emt",
    "failures_in_one_line",
    "gpaw",
    "lennard_jones",
    "tblite",
]

CalculatorLike = str | Mapping[str, Any] | BaseCalculator
"""A name, a table with a name and options (as from a TOML file), or a calculator of ASE."""

_FORCE_FIELD = "force-field:"


def calculator(spec: CalculatorLike, **options: Any) -> BaseCalculator:
    """Make a calculator from its name.

    Parameters
    ----------
    spec:
        ``"emt"`` (effective medium theory of metals, ASE's), ``"lj"`` (Lennard-Jones, ASE's), ``"gpaw"``, ``"tblite"``,
        ``"force-field:NAME"`` (a force field of caloris or the path of its file), ``"package.module:Class"``; or a
        table ``{"name": ..., option: ...}``; or a calculator, which is returned as it is.
    options:
        Options of that calculator; they win over those of a table. See :func:`emt`, :func:`lennard_jones`,
        :func:`gpaw`, :func:`tblite` and :class:`ForceFieldCalculator`; a class of your own gets them unchanged.

    Returns
    -------
    :
        A calculator of ASE.

    Raises
    ------
    InputError
        If there is none of that name, its package is not installed (the message says what to install), or an option is
        wrong.

    Examples
    --------
    >>> from ase.build import bulk
    >>> copper = bulk("Cu", a=3.6)
    >>> copper.calc = calculator("emt")
    >>> bool(abs(copper.get_potential_energy()) < 0.01)
    True
    >>> calculator("emtt")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: calculator: no calculator 'emtt'; there are emt, lj, gpaw, tblite, force-field:NAME and \
package.module:Class
    """
    if isinstance(spec, Mapping):
        table = dict(spec)
        name = table.pop("name", None)
        if not isinstance(name, str):
            raise InputError("calculator: the table has no name; write for example name = 'gpaw'")
        return calculator(name, **table | options)
    if not isinstance(spec, str):
        if not hasattr(spec, "get_potential_energy"):
            raise InputError(f"calculator: expected a name, a table or a calculator of ASE, got {type(spec).__name__}")
        if options:
            raise InputError("calculator: it is made already, options come too late; give its name or set them on it")
        return spec
    if spec.startswith(_FORCE_FIELD):
        return _call(ForceFieldCalculator, spec, force_field=spec.removeprefix(_FORCE_FIELD), **options)
    if spec in _BY_NAME:
        return _call(_BY_NAME[spec], spec, **options)
    if ":" in spec:
        return _call(_load_class(spec), spec, **options)
    names = ", ".join(_BY_NAME)
    raise InputError(
        f"calculator: no calculator {spec!r}; there are {names}, {_FORCE_FIELD}NAME and package.module:Class"
    )


def describe(given: CalculatorLike) -> str:
    """Say in one line what a calculator is, for results: its name, its options, the version of its package.

    Parameters
    ----------
    given:
        What :func:`calculator` takes.

    Returns
    -------
    :
        The line.

    Examples
    --------
    >>> describe({"name": "gpaw", "cutoff": "400 eV"}).startswith("gpaw (cutoff=400 eV)")
    True
    """
    if isinstance(given, str):
        return _with_version(given, given)
    if isinstance(given, Mapping):
        options = ", ".join(f"{key}={value}" for key, value in given.items() if key != "name")
        return _with_version(
            f"{given.get('name')} ({options})" if options else str(given.get("name")), given.get("name")
        )
    if isinstance(given, SumCalculator):
        return " + ".join(describe(part) for part in given.mixer.calcs)
    if isinstance(given, PulayStress):
        return "stress at constant cutoff"
    if isinstance(given, ForceFieldCalculator):
        return repr(given)
    table = getattr(given, "parameters", {})
    table = table.todict() if hasattr(table, "todict") else dict(table)  # GPAW has a class of its own
    parameters = ", ".join(f"{key}={value}" for key, value in sorted(table.items()) if value not in (None, {}))
    module = type(given).__module__.split(".")[0]
    label = f"{type(given).__name__}({parameters})" if len(parameters) < 500 else type(given).__name__
    return f"{label}, {module} {_version(module)}".rstrip()


def available_calculators() -> list[Availability]:
    """Look which calculators work here.

    Returns
    -------
    :
        For each its name, its version if its package is there, and otherwise the reason why not.

    Examples
    --------
    >>> [found.name for found in available_calculators()]
    ['emt', 'lj', 'gpaw', 'tblite', 'force-field']
    """
    found = [Availability(name, _version("ase"), "") for name in ("emt", "lj")]
    for name, packages in _PACKAGES.items():
        missing = [package for package in packages if importlib.util.find_spec(package) is None]
        found.append(Availability(name, "" if missing else _version(name), _reason(name) if missing else ""))
    try:
        engine = choose_engine()
        found.append(Availability("force-field", f"{engine.name} {engine.version()}", ""))
    except (InputError, OSError) as error:  # a library of the engine may be absent
        found.append(Availability("force-field", "", str(error)))
    return found


@contextmanager
def failures_in_one_line() -> Iterator[None]:
    """Turn whatever a calculator raises when it fails into one line; each has its own ways.

    Raises
    ------
    ComputationError
        If something else than an error of caloris was raised inside.
    """
    try:
        yield
    except (InputError, ComputationError):
        raise
    except Exception as error:
        words = " ".join(str(error).split())[:300] or type(error).__name__
        raise ComputationError(f"the calculator failed: {words}") from None


# -- calculators of other packages, with units at the door ----------------------------------------------


def emt() -> BaseCalculator:
    """Make ASE's effective medium theory: Al, Cu, Ag, Au, Ni, Pd, Pt; quick, for tests and for learning.

    Returns
    -------
    :
        The calculator.
    """
    return _load_class("ase.calculators.emt:EMT")()


def lennard_jones(
    *, epsilon: Quantity, sigma: Quantity, cutoff: Quantity | None = None, smooth: bool = False
) -> BaseCalculator:
    """Make ASE's Lennard-Jones potential, 4 eps [(sigma/r)^12 - (sigma/r)^6] less its value at the cutoff; one element.

    Parameters
    ----------
    epsilon, sigma:
        Depth, and where the energy passes 0.
    cutoff:
        Without it 3 sigma.
    smooth:
        Whether forces go to 0 at the cutoff too.

    Returns
    -------
    :
        The calculator.

    Raises
    ------
    InputError
        If a value is no energy or length greater than 0.
    """
    depth, length = (
        magnitude(epsilon, "eV", "epsilon", positive=True),
        magnitude(sigma, "angstrom", "sigma", positive=True),
    )
    radius = 3 * length if cutoff is None else magnitude(cutoff, "angstrom", "cutoff", positive=True)
    make = _load_class("ase.calculators.lj:LennardJones")
    return make(epsilon=depth, sigma=length, rc=radius, smooth=smooth)


def gpaw(
    *,
    cutoff: Quantity = "550 eV",
    kpoints: Sequence[int] | Quantity = (6, 6, 4),
    functional: str = "PBE",
    dispersion: Literal["d3zero", "d3bj"] | None = "d3zero",
    occupations: Mapping[str, Any] | None = None,
    constant_cutoff: bool = True,
    log: str | None = None,
    **options: Any,
) -> BaseCalculator:
    """Make a GPAW calculator with plane waves and a dispersion correction; the defaults are those of the paper.

    Parameters
    ----------
    cutoff:
        Kinetic energy of the highest plane wave. The 550 eV of the paper are for the softer cores of VASP: at 550 eV
        GPAW's energy of NH4SCN still falls by 25 meV per eV of the cutoff, which is 4 GPa in an uncorrected stress.
    kpoints:
        Gamma-centred mesh, three numbers; or a density of points, a length such as ``"4 angstrom"``: points along each
        reciprocal vector per 1/angstrom of it.
    functional:
        Exchange and correlation, as GPAW writes it; the dispersion correction takes its parameters from the same name.
    dispersion:
        D3 with zero damping, D3 with Becke-Johnson damping, or none.
    occupations:
        As GPAW has them; without it a Fermi-Dirac width of 0.01 eV: NH4SCN is an insulator.
    constant_cutoff:
        Whether the stress is made that of a constant cutoff, see :class:`caloris.atoms.pulay_stress.PulayStress`; costs
        two energies more, once.
    log:
        File for GPAW's own output; none without it.
    options:
        Anything else that GPAW takes, unchanged; wins over what is set here.

    Returns
    -------
    :
        The sum of GPAW, the correction of its stress, and D3.

    Raises
    ------
    InputError
        If a package is missing or a value is wrong.
    """
    if dispersion not in ("d3zero", "d3bj", None):
        raise InputError(f"dispersion: expected 'd3zero', 'd3bj' or none, got {dispersion!r}")
    for package in ("gpaw", "dftd3") if dispersion else ("gpaw",):
        if importlib.util.find_spec(package) is None:
            raise InputError(_reason("gpaw"))
    energy = magnitude(cutoff, "eV", "cutoff", positive=True)
    settings: dict[str, Any] = {
        "xc": functional,
        "kpts": _mesh(kpoints),
        "occupations": dict(occupations or {"name": "fermi-dirac", "width": 0.01}),
        "convergence": {"density": 1e-6, "eigenstates": 1e-9},
        "txt": log,
    }

    def electrons(cut: float, **others: Any) -> BaseCalculator:
        return _load_class("gpaw:GPAW")(**{"mode": {"name": "pw", "ecut": cut}} | settings | options | others)

    parts = [electrons(energy)]
    if constant_cutoff and "mode" not in options:
        parts.append(PulayStress(lambda cut: electrons(cut, txt=None), energy))
    if dispersion is not None:
        parts.append(_load_class("dftd3.ase:DFTD3")(method=functional, damping=dispersion))
    return parts[0] if len(parts) == 1 else _load_class("ase.calculators.mixing:SumCalculator")(parts)


def tblite(*, method: str = "GFN2-xTB", **options: Any) -> BaseCalculator:
    """Make a tight-binding calculator of tblite; only the Gamma point is sampled, so that cells must be large.

    Parameters
    ----------
    method:
        ``"GFN2-xTB"``, ``"GFN1-xTB"`` or ``"IPEA1-xTB"``.
    options:
        Anything else that ``tblite.ase.TBLite`` takes.

    Returns
    -------
    :
        The calculator.

    Raises
    ------
    InputError
        If tblite is not installed.
    """
    if importlib.util.find_spec("tblite") is None:
        raise InputError(_reason("tblite"))
    return _load_class("tblite.ase:TBLite")(**{"method": method, "verbosity": 0} | options)


# -- inside ---------------------------------------------------------------------------------------------

_BY_NAME: dict[str, Callable[..., BaseCalculator]] = {
    "emt": emt,
    "lj": lennard_jones,
    "gpaw": gpaw,
    "tblite": tblite,
}
_PACKAGES = {"gpaw": ("gpaw", "dftd3"), "tblite": ("tblite",)}
_INSTALL = {
    "gpaw": "pip install gpaw gpaw-data dftd3 (needs a C++ compiler, libxc-dev and libopenblas-dev), "
    "or Debian's package gpaw and pip install dftd3",
    "tblite": "pip install tblite",
}


def _reason(name: str) -> str:
    missing = [package for package in _PACKAGES[name] if importlib.util.find_spec(package) is None]
    return f"calculator {name}: no package {' and no '.join(missing)} here; {_INSTALL[name]}"


def _call(make: Callable[..., BaseCalculator], name: str, **options: Any) -> BaseCalculator:
    """Call with options, and say in one line which of them is not known."""
    try:
        inspect.signature(make).bind(**options)
    except TypeError as error:
        raise InputError(f"calculator {name}: {error}") from None
    except ValueError:  # a builtin without a signature
        pass
    try:
        return make(**options)
    except (InputError, ComputationError):
        raise
    except Exception as error:  # what a class of someone else raises when its options are wrong
        raise InputError(f"calculator {name}: {' '.join(str(error).split())[:300] or type(error).__name__}") from None


def _load_class(path: str) -> Callable[..., BaseCalculator]:
    module_name, _, name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InputError(
            f"calculator: cannot import {module_name}: {error}; install the package, or correct the name"
        ) from None
    found = getattr(module, name, None)
    if not callable(found):
        raise InputError(f"calculator: {module_name} has no class {name!r}; write package.module:Class")
    return cast("Callable[..., BaseCalculator]", found)


def _mesh(kpoints: Sequence[int] | Quantity) -> dict[str, Any]:
    if isinstance(kpoints, list | tuple):
        if len(kpoints) != 3 or not all(isinstance(n, int) and n > 0 for n in kpoints):
            raise InputError(f"kpoints: expected three whole numbers above 0 such as (6, 6, 4), got {kpoints!r}")
        return {"size": tuple(kpoints), "gamma": True}
    return {"density": magnitude(kpoints, "angstrom", "kpoints", positive=True), "gamma": True}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _with_version(label: str, name: Any) -> str:
    package = {"emt": "ase", "lj": "ase"}.get(str(name), str(name).split(":")[0].split(".")[0])
    found = _version(package)
    return f"{label}, {package} {found}" if found else label
