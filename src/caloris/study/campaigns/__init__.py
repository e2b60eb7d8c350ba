"""Campaigns that come with caloris: the simulations of the papers as run files."""

from pathlib import Path

from caloris.errors import InputError

_FOLDER = Path(__file__).parent


def available_campaigns() -> list[str]:
    """Return the names of the campaigns that come along.

    Returns
    -------
    :
        Names for :func:`find_run_file`, in alphabetical order.

    Examples
    --------
    >>> "nh4scn" in available_campaigns()
    True
    """
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def find_run_file(name: str | Path) -> Path:
    """Return the path of a run file: your own by its path, one of these by its name.

    Parameters
    ----------
    name:
        A path that ends in ``.toml``, or a name from :func:`available_campaigns`.

    Returns
    -------
    :
        The path.

    Raises
    ------
    InputError
        If there is none of that name.

    Examples
    --------
    >>> find_run_file("li2b12h12").name
    'li2b12h12.toml'
    """
    path = Path(name)
    if path.suffix == ".toml":
        return path
    if str(name) not in available_campaigns():
        raise InputError(
            f"no campaign {str(name)!r}: there are {', '.join(available_campaigns())}; "
            "for your own give the path of its .toml file"
        )
    return _FOLDER / f"{name}.toml"
