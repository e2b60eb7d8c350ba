"""caloris: a barocaloric material from its atoms, through what a neutron sees, to the heat it stores.

The rooms are imported when they are first used, so that ``import caloris`` costs nothing:
``caloris.materials`` (the catalogue), ``caloris.atoms`` (molecular dynamics), ``caloris.neutrons`` (what a neutron
sees), ``caloris.campaigns`` (any function over a grid) and ``caloris.heat`` (caloric effects and the thermal battery).
"""

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING

from caloris.errors import CalorisError, ComputationError, InputError

if TYPE_CHECKING:
    from types import ModuleType

    from caloris import atoms, campaigns, heat, materials, neutrons, units

__version__ = _version("caloris")
__all__ = [
    "CalorisError",
    "ComputationError",
    "InputError",
    "__version__",
    "atoms",
    "campaigns",
    "heat",
    "materials",
    "neutrons",
    "units",
]

_ROOMS = ("atoms", "campaigns", "heat", "materials", "neutrons", "units")


def __getattr__(name: str) -> "ModuleType":
    if name in _ROOMS:
        return import_module(f"caloris.{name}")
    raise AttributeError(f"module 'caloris' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
