"""Options that several analyses of trajectories share, and how their words are read."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from caloris.errors import InputError

if TYPE_CHECKING:
    import scipp as sc

SpeciesOption = Annotated[str | None, typer.Option("--species", help="Element, or formula of a molecule.")]
MoleculeOption = Annotated[str | None, typer.Option("--molecule", help="Formula of the molecules, 'NH4'.")]
BondOption = Annotated[str | None, typer.Option("--bond", help="Elements of the bonds to follow, 'N H'.")]
LongestOption = Annotated[str | None, typer.Option("--longest", help="Longest time; half of the trajectory if absent.")]
TemperatureOption = Annotated[str | None, typer.Option("--temperature", help="Of the run; as the file says if absent.")]
RepeatOption = Annotated[
    str | None, typer.Option("--repeat", help="How often the unit cell is repeated in the supercell, '4 2 2'.")
]
IsotopesOption = Annotated[str | None, typer.Option("--isotopes", help="'H=2H', for neutrons; the file stays.")]


def names(text: str | None, count: int, option: str) -> tuple[str, ...] | None:
    """Read so many names, 'N H' or 'N-H'."""
    if text is None:
        return None
    words = text.replace(",", " ").replace("-", " ").split()
    if len(words) != count:
        example = {1: "'Li'", 2: "'N H'"}.get(count, "names")
        raise InputError(f"{option}: expected {count} names such as {example}, got {text!r}")
    return tuple(words)


def numbers(text: str, option: str, *, count: int | None = None) -> list[float]:
    """Read numbers, '0 0.5 0'."""
    try:
        found = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        found = []
    if not found or (count is not None and len(found) != count):
        raise InputError(f"{option}: expected {count or 'some'} numbers, got {text!r}")
    return found


def repetition(text: str | None) -> tuple[int, int, int] | None:
    """Read '4 2 2' or '4x2x2'."""
    if text is None:
        return None
    words = text.replace(",", " ").replace("x", " ").split()
    if len(words) != 3 or not all(word.isdigit() and int(word) for word in words):
        raise InputError(f"--repeat: write three whole numbers such as '4 2 2', got {text!r}")
    return (int(words[0]), int(words[1]), int(words[2]))


def window(text: str | None, option: str = "--window") -> tuple[str, str] | None:
    """Read '5 ps to 30 ps'; a unit at the end is for both."""
    if text is None:
        return None
    first, to, last = (part.strip() for part in text.partition(" to "))
    unit = last.split()[-1] if len(last.split()) == 2 else ""
    if not to or not first or not unit:
        raise InputError(f"{option}: write for example '5 to 30 ps', got {text!r}")
    return (first if len(first.split()) == 2 else f"{first} {unit}", last)


def by_name(text: str | None, option: str, example: str) -> dict[str, str] | None:
    """Read 'Li=1 B12H12=-2'."""
    if text is None:
        return None
    pairs = [word.partition("=")[::2] for word in text.replace(",", " ").split()]
    if not pairs or any(not name or not value for name, value in pairs):
        raise InputError(f"{option}: write {example!r}, got {text!r}")
    return dict(pairs)


def momentum_transfers(text: str) -> "sc.Variable":
    """Read momentum transfers in 1/angstrom: '0.3 0.6 1.2' or '0.2 to 2 in 10'."""
    import numpy as np
    import scipp as sc

    wrong = InputError(f"--Q: write values in 1/angstrom, '0.3 0.6 1.2', or a range, '0.2 to 2 in 10'; got {text!r}")
    words = text.replace(",", " ").split()
    try:
        if "to" in words:
            first, middle, last, within, number = words
            if (middle, within) != ("to", "in") or not 0 < int(number) <= 10_000:
                raise wrong
            values = np.linspace(float(first), float(last), int(number))
        else:
            values = np.array([float(word) for word in words])
    except ValueError:
        raise wrong from None
    if not len(values) or not np.all(np.isfinite(values)):
        raise wrong
    return sc.array(dims=["Q"], values=values, unit="1/angstrom")


def energies(text: str | None) -> Any:
    """Read '-10 to 40 meV in 501'."""
    import scipp as sc

    if text is None:
        return None
    words = text.split()
    try:
        first, to, last, unit, within, number = words
        if (to, within) != ("to", "in") or not 1 < int(number) <= 1_000_000:
            raise ValueError
        return sc.linspace("energy_transfer", float(first), float(last), int(number), unit=unit).to(unit="meV")
    except (ValueError, sc.UnitError):
        raise InputError(f"--energy: write for example '-10 to 40 meV in 501', got {text!r}") from None
