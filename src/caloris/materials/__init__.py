"""The catalogue: materials as cards, each value with unit, status and source."""

from pathlib import Path

from caloris.errors import InputError
from caloris.materials.card import Material, Phase, Source, Status, Transition, Value, describe, read_card
from caloris.materials.consistency import Finding, check, implausible, unchecked
from caloris.materials.force_field import ForceField
from caloris.materials.force_field_files import available_force_fields, load_force_field

__all__ = [
    "Finding",
    "ForceField",
    "Material",
    "Phase",
    "Source",
    "Status",
    "Transition",
    "Value",
    "as_card",
    "available",
    "available_force_fields",
    "check",
    "describe",
    "implausible",
    "load",
    "load_force_field",
    "unchecked",
]

_LIBRARY = Path(__file__).parent / "library"


def available() -> list[str]:
    """Return the names of the cards that come with caloris.

    Returns
    -------
    :
        Names for :func:`load`, in alphabetical order.

    Examples
    --------
    >>> "NH4SCN" in available()
    True
    """
    return sorted(path.stem for path in _LIBRARY.glob("*.toml"))


def as_card(material: Material | str | Path, name: str = "material") -> Material:
    """Return a card as it is, or load it by name or path.

    Parameters
    ----------
    material:
        A card, a name from :func:`available`, or the path of a TOML card.
    name:
        What the card is for, for the error message.

    Returns
    -------
    :
        The card.

    Raises
    ------
    InputError
        If there is no such card, the card is wrong, or what is given is none of the three.

    Examples
    --------
    >>> as_card("NH4SCN").title
    'Ammonium thiocyanate'
    """
    if isinstance(material, Material):
        return material
    if not isinstance(material, str | Path):
        raise InputError(f"{name}: expected a card, its name or its path, got {type(material).__name__}")
    return load(material)


def load(material: str | Path) -> Material:
    """Load a material card from the library by name, or your own by its path.

    Parameters
    ----------
    material:
        A name from :func:`available`, or the path of a TOML card.

    Returns
    -------
    :
        The checked card.

    Raises
    ------
    InputError
        If there is no such card or the card is wrong; the message names the field.

    Examples
    --------
    >>> load("NH4SCN").transition().entropy_change.quantity
    <scipp.Variable> ()    float64       [J/kg/K]  128.7
    """
    if not isinstance(material, str | Path):
        raise InputError(f"material: expected the name or the path of a card, got {type(material).__name__}")
    path = Path(material)
    if path.suffix == ".toml":
        return read_card(path)
    names = {name.lower(): name for name in available()}
    if str(material).lower() not in names:
        raise InputError(
            f"no material card {str(material)!r}: the library has {', '.join(names.values())}; "
            "for your own card give the path of its .toml file"
        )
    return read_card(_LIBRARY / f"{names[str(material).lower()]}.toml")
