"""What is typed after ``caloris calorimetry``: files, pressures, limits, heat capacities, uncertainties."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from caloris.errors import InputError
from caloris.heat.calorimetry import Recording, read


def read_files(
    files: Sequence[Path],
    *,
    pressures: Sequence[str] = (),
    mass: str | None = None,
    endothermic: str | None = None,
) -> list[Recording]:
    """Read calorimeter files and settle their pressures.

    Parameters
    ----------
    files:
        Of any vendor that :func:`caloris.heat.calorimetry.read` knows.
    pressures:
        None, one for all files, or one for each, in their order.
    mass, endothermic:
        For all files; they win over what a file says, which is remarked.

    Returns
    -------
    :
        One recording a file. A single file without any pressure is taken as ambient, and says so.

    Raises
    ------
    InputError
        If a file cannot be read, or a pressure is missing.
    """
    files = _expanded(files)
    if len(pressures) not in (0, 1, len(files)):
        raise InputError(
            f"--pressure: {len(pressures)} given for {len(files)} files; give one for all, or one for each"
        )
    found = []
    for number, file in enumerate(files):
        pressure = None if not pressures else pressures[number if len(pressures) > 1 else 0]
        found.append(read(file, pressure=pressure, mass=mass, endothermic=endothermic))  # type: ignore[arg-type]
    if len(found) == 1 and found[0].pressure is None and "pressure" not in found[0].heat_flow.coords:
        ambient = found[0].with_conditions(pressure="0.1 MPa")
        found = [replace(ambient, remarks=(*ambient.remarks, "no pressure stated: taken as ambient, 0.1 MPa"))]
    return found


def _expanded(files: Sequence[Path]) -> list[Path]:
    """The files, with those of a folder in place of the folder; each once."""
    found: list[Path] = []
    for file in files:
        within = (
            sorted(f for f in file.iterdir() if f.is_file() and not f.name.startswith(".")) if file.is_dir() else [file]
        )
        if not within:
            raise InputError(f"{file}: the folder holds no file")
        found += within
    seen: dict[Path, Path] = {}
    for file in found:
        if file.resolve() in seen:
            raise InputError(f"{file}: given twice; each file counts once")
        seen[file.resolve()] = file
    return found


def parse_errors(pairs: Sequence[str]) -> dict[str, str]:
    """Read ``name=value`` pairs of standard uncertainties.

    Parameters
    ----------
    pairs:
        For example ``["mass=0.2 %", "temperature=0.1 K"]``.

    Returns
    -------
    :
        Values by name, for :func:`caloris.heat.calorimetry.uncertainties`.

    Raises
    ------
    InputError
        If a pair has no equals sign.
    """
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not value.strip():
            raise InputError(f"--uncertainty: {pair!r}; write name=value, for example 'mass=0.2 %'")
        found[name.strip().replace("-", "_")] = value.strip()
    return found


def parse_limits(texts: Sequence[str]) -> tuple[str, str] | dict[str, tuple[str, str]] | None:
    """Read limits of peaks.

    Parameters
    ----------
    texts:
        ``"330 K, 380 K"`` for all scans, or several such as ``"heating: 330 K, 380 K"``, ``"40 MPa: ..."`` and
        ``"40 MPa, heating: ..."``; none gives None.

    Returns
    -------
    :
        For :func:`caloris.heat.calorimetry.analyse`.

    Raises
    ------
    InputError
        If one has not two temperatures.
    """
    found: dict[str, tuple[str, str]] = {}
    for text in texts:
        key, colon, rest = text.rpartition(":")
        parts = [part.strip() for part in rest.split(",")]
        if len(parts) != 2:
            raise InputError(f"--limits: {text!r}; write two temperatures: '330 K, 380 K' or 'heating: 330 K, 380 K'")
        found[key.strip() if colon else ""] = (parts[0], parts[1])
    return found[""] if list(found) == [""] else found or None


def parse_heat_capacity(values: Sequence[str]) -> str | Mapping[str, str] | None:
    """Read heat capacities: one for both phases, ``low=...`` and ``high=...``, or ``scans``.

    Parameters
    ----------
    values:
        As typed; none gives None.

    Returns
    -------
    :
        For :func:`caloris.heat.calorimetry.analyse`.

    Raises
    ------
    InputError
        If more than one is given without naming the phases.
    """
    if not values:
        return None
    if len(values) == 1 and "=" not in values[0]:
        return values[0]
    pairs = {}
    for value in values:
        phase, equals, number = value.partition("=")
        if not equals or phase.strip() not in ("low", "high"):
            raise InputError(f"--heat-capacity: {value!r}; write one value, or 'low=1500 J/kg/K' and 'high=...'")
        pairs[phase.strip()] = number.strip()
    return pairs


def refuse_unused(
    *,
    isothermal: bool,
    sapphire: Path | None,
    mass: str | None,
    material: str | None,
    other: Sequence[tuple[str, object]],
) -> None:
    """Refuse options that the chosen job does not use.

    Parameters
    ----------
    isothermal, sapphire, mass, material:
        ``--isothermal``, ``--sapphire``, ``--sapphire-mass`` and ``--material``.
    other:
        Options of the analysis of scans with their values.

    Raises
    ------
    InputError
        If one of them was given and would be ignored.
    """
    if isothermal and sapphire is not None:
        raise InputError("--isothermal, --sapphire: these are two jobs; give one of them")
    if mass is not None and sapphire is None:
        raise InputError("--sapphire-mass: says nothing without --sapphire FILE")
    if material is not None and not isothermal:
        raise InputError("--material: only with --isothermal, for T dS beside each heat")
    for name, value in other if isothermal or sapphire is not None else ():
        if value is not None:
            raise InputError(f"{name}: not used with {'--isothermal' if isothermal else '--sapphire'}; leave it out")
