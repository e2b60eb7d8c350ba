"""Force fields as files: those that come with caloris, and your own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from caloris.errors import InputError
from caloris.files import read_toml
from caloris.materials.card import describe
from caloris.materials.force_field import ForceField

_LIBRARY = Path(__file__).parent / "force_fields"


def available_force_fields() -> list[str]:
    """Return the names of the force fields that come with caloris.

    Returns
    -------
    :
        Names for :func:`load_force_field`, in alphabetical order.

    Examples
    --------
    >>> available_force_fields()
    ['Li2B12H12', 'NH4SCN']
    """
    return sorted(path.stem for path in _LIBRARY.glob("*.toml"))


def load_force_field(force_field: "str | Path | ForceField") -> ForceField:
    """Load a force field from the library by name, or your own by its path.

    Parameters
    ----------
    force_field:
        A name from :func:`available_force_fields`, the path of a TOML file, or a force field, which is returned.

    Returns
    -------
    :
        The checked force field.

    Raises
    ------
    InputError
        If there is none or it is wrong; the message names the field.

    Examples
    --------
    >>> load_force_field("Li2B12H12").types["Li"].charge
    0.85
    """
    if isinstance(force_field, ForceField):
        return force_field
    if not isinstance(force_field, str | Path):
        raise InputError(f"force field: expected its name or path, got {type(force_field).__name__}")
    path = Path(force_field)
    if path.suffix != ".toml":
        names = {name.lower(): name for name in available_force_fields()}
        if str(force_field).lower() not in names:
            raise InputError(
                f"no force field {str(force_field)!r}: the library has {', '.join(names.values())}; "
                "for your own give the path of its .toml file"
            )
        path = _LIBRARY / f"{names[str(force_field).lower()]}.toml"
    return parse_force_field(read_toml(path, "force field"), str(path))


def parse_force_field(tables: Mapping[str, Any], where: str = "force field") -> ForceField:
    """Check a force field given as tables.

    Parameters
    ----------
    tables:
        What the TOML file holds.
    where:
        Its name, for error messages.

    Returns
    -------
    :
        The checked force field.

    Raises
    ------
    InputError
        If a field is wrong; the message names it.
    """
    try:
        return ForceField.model_validate(dict(tables))
    except ValidationError as error:
        raise InputError(f"{where}: {describe(error)}") from None
