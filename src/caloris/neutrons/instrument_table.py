"""Real spectrometers, from a table of cited numbers (instruments.toml), and spectrometers of your own.

A value that was not found in any source is absent from the table: what needs it asks for it. Units: deg, m, meV.
"""

import functools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import scipp as sc

from caloris.errors import InputError
from caloris.files import read_toml
from caloris.neutrons.spectrometer import HBAR2_2M, Geometry, Instrument
from caloris.units import Quantity, magnitude

_TABLE = Path(__file__).parent / "instruments.toml"
_SAME_SETTING = 0.01
"""Relative difference of wavelengths that are one setting."""
_LENGTHS = ("pulse_monochromator", "chopper_sample", "sample_detector", "path_uncertainty")


def instruments() -> tuple[str, ...]:
    """Return the names of the instruments in the table.

    Returns
    -------
    :
        Names for :func:`instrument`.

    Examples
    --------
    >>> "Pelican" in instruments()
    True
    """
    return tuple(_table())


def instrument(
    name: str,
    *,
    wavelength: Quantity | None = None,
    energy: Quantity | None = None,
    elastic_fwhm: Quantity | None = None,
    chopper_speed: Quantity | None = None,
    geometry: Geometry | None = None,
    two_theta: tuple[Quantity, Quantity] | None = None,
    chopper_sample: Quantity | None = None,
    sample_detector: Quantity | None = None,
    pulse_monochromator: Quantity | None = None,
) -> Instrument:
    """Return a spectrometer of the table in one setting, or one of your own.

    Parameters
    ----------
    name:
        Of the table (see :func:`instruments`), or any other if ``geometry`` is given.
    wavelength, energy:
        One of them: incident if direct, final if indirect. Not needed where the table has one setting.
    elastic_fwhm:
        Full width at half maximum at the elastic line; overrides the table, whose values hold for their settings only.
    chopper_speed:
        Of an instrument whose chopper windows are in the table (TOFTOF), such as ``"14000 1/min"``.
    geometry:
        ``"direct"`` or ``"indirect"``, of an instrument that is not in the table.
    two_theta:
        Smallest and largest scattering angle, deg; overrides the table.
    chopper_sample, sample_detector, pulse_monochromator:
        Flight paths, m; they override the table. Without ``pulse_monochromator`` the beam comes from a crystal.

    Returns
    -------
    :
        The instrument, with the source of each number and warnings for what is not known.

    Raises
    ------
    InputError
        If the name is not in the table and no geometry is given, or the setting is not clear.

    Examples
    --------
    >>> instrument("Pelican", wavelength="4.69 angstrom")
    <Instrument: Pelican, Ei = 3.719 meV, elastic FWHM = 0.135 meV>
    >>> instrument("mine", geometry="direct", energy="20 meV", elastic_fwhm="0.8 meV", two_theta=("5 deg", "120 deg"))
    <Instrument: mine, Ei = 20 meV, elastic FWHM = 0.8 meV>
    """
    table = _table()
    if name not in table and geometry is None:
        raise InputError(f"instrument: no {name!r} in the table, which has {', '.join(table)}; or give geometry=")
    row = table.get(name, {"geometry": geometry})
    if geometry not in (None, "direct", "indirect"):
        raise InputError(f"geometry: expected 'direct' or 'indirect', got {geometry!r}")
    if geometry not in (None, row["geometry"]):
        raise InputError(f"geometry: {name} is {row['geometry']}; give it another name if it is another instrument")
    settings = row.get("settings", [])
    fixed = _fixed_energy(name, settings, wavelength, energy)
    sources: dict[str, str] = {}
    given = {"chopper_sample": chopper_sample, "sample_detector": sample_detector}
    given["pulse_monochromator"] = pulse_monochromator
    lengths: dict[str, Any] = {key: _length(row, key, given.get(key), sources) for key in _LENGTHS}
    angles = _angle_limits(row, fixed, two_theta, sources)
    width = _elastic_width(settings, fixed, elastic_fwhm, sources)
    found = Instrument(
        name=name,
        geometry=row["geometry"],
        fixed_energy=sc.scalar(fixed, unit="meV"),
        elastic_fwhm=width,
        smallest_angle=angles[0],
        largest_angle=angles[1],
        window=_window(row, sources),
        openings=None if width is not None else _openings(name, row, chopper_speed, sources),
        sources=sources,
        **lengths,
    )
    return _completed(found, row)


@functools.cache
def _table() -> dict[str, Any]:
    return read_toml(_TABLE, "table of instruments")


def _energy(setting: dict[str, Any]) -> float:
    """Of a setting of the table, meV."""
    if "energy" in setting:
        return float(setting["energy"])
    return HBAR2_2M * (2 * math.pi / float(setting["wavelength"])) ** 2


def _fixed_energy(
    name: str, settings: list[dict[str, Any]], wavelength: Quantity | None, energy: Quantity | None
) -> float:
    if wavelength is not None and energy is not None:
        raise InputError(f"{name}: give the wavelength or the energy, not both")
    if wavelength is not None:
        return HBAR2_2M * (2 * math.pi / magnitude(wavelength, "angstrom", "wavelength", positive=True)) ** 2
    if energy is not None:
        return magnitude(energy, "meV", "energy", positive=True)
    if len(settings) == 1:
        return _energy(settings[0])
    known = ", ".join(_words(setting) for setting in settings)
    raise InputError(f"{name}: give wavelength= or energy=" + (f"; the table has {known}" if known else ""))


def _words(setting: dict[str, Any]) -> str:
    return f"{setting['wavelength']:g} angstrom" if "wavelength" in setting else f"{setting['energy']:g} meV"


def _cited(row: dict[str, Any], key: str, sources: dict[str, str]) -> float | None:
    """Value of the table, its source noted."""
    if key not in row:
        return None
    sources[key] = f"{row[key]['status']}: {row[key]['source']}"
    return float(row[key]["value"])


def _length(row: dict[str, Any], key: str, given: Quantity | None, sources: dict[str, str]) -> sc.Variable | None:
    if given is not None:
        sources[key] = "given by the user"
        return sc.scalar(magnitude(given, "m", key, positive=True), unit="m")
    value = _cited(row, key, sources)
    return None if value is None else sc.scalar(value, unit="m")


def _angle_limits(
    row: dict[str, Any], fixed: float, given: tuple[Quantity, Quantity] | None, sources: dict[str, str]
) -> tuple[sc.Variable | None, sc.Variable | None]:
    """Smallest and largest 2theta, deg; where the table has Q at the elastic line, from sin(theta) = Q / 2k."""
    if given is not None:
        low, high = (magnitude(angle, "deg", "two_theta") for angle in given)
        if not 0 <= low < high <= 180:
            raise InputError(f"two_theta: expected two angles from 0 to 180 deg, got {low:g} and {high:g}")
        sources["two_theta"] = "given by the user"
        return sc.scalar(low, unit="deg"), sc.scalar(high, unit="deg")
    limits = []
    for end in ("smallest", "largest"):
        value = _cited(row, f"{end}_angle", sources)
        Q = _cited(row, f"{end}_Q", sources)
        if value is None and Q is not None:
            value = 2 * math.degrees(math.asin(min(1.0, Q / (2 * math.sqrt(fixed / HBAR2_2M)))))
            sources[f"{end}_angle"] = f"derived: from Q = {Q:g} 1/angstrom at the elastic line"
        limits.append(None if value is None else sc.scalar(value, unit="deg"))
    return limits[0], limits[1]


def _window(row: dict[str, Any], sources: dict[str, str]) -> tuple[sc.Variable, sc.Variable] | None:
    low, high = (_cited(row, key, sources) for key in ("smallest_transfer", "largest_transfer"))
    if low is None or high is None:
        return None
    return sc.scalar(low, unit="meV"), sc.scalar(high, unit="meV")


def _elastic_width(
    settings: list[dict[str, Any]], fixed: float, given: Quantity | None, sources: dict[str, str]
) -> sc.Variable | None:
    if given is not None:
        sources["elastic_fwhm"] = "given by the user"
        return sc.scalar(magnitude(given, "meV", "elastic_fwhm", positive=True), unit="meV")
    for setting in settings:
        if abs(math.sqrt(_energy(setting) / fixed) - 1) < _SAME_SETTING:
            sources["elastic_fwhm"] = f"{setting['status']}: {setting['source']}"
            return sc.scalar(float(setting["elastic_fwhm"]), unit="meV")
    return None


def _openings(
    name: str, row: dict[str, Any], speed: Quantity | None, sources: dict[str, str]
) -> tuple[sc.Variable, sc.Variable] | None:
    """FWHM of the opening times of two pairs of counter-rotating disks."""
    if speed is None:
        return None
    windows = [_cited(row, key, sources) for key in ("pulse_window", "monochromator_window")]
    if windows[0] is None or windows[1] is None:
        raise InputError(f"chopper_speed: the windows of the choppers of {name} are not known; give elastic_fwhm=")
    frequency = magnitude(speed, "Hz", "chopper_speed", positive=True)
    pulse, monochromator = (sc.scalar(1e6 * window / (2 * 360 * frequency), unit="us") for window in windows if window)
    return pulse, monochromator


def _completed(found: Instrument, row: dict[str, Any]) -> Instrument:
    """Fill in the elastic width of known choppers, and say what is not known."""
    if found.openings is not None:
        elastic = found.energy_resolution(sc.array(dims=["energy_transfer"], values=[0.0], unit="meV"))
        width = sc.scalar(float(elastic.values[0]), unit="meV")
        sources = {**found.sources, "elastic_fwhm": "derived: from chopper windows, speed and flight paths"}
        return replace(found, elastic_fwhm=width, sources=sources)
    warnings = []
    if found.elastic_fwhm is None:
        known = ", ".join(_words(setting) for setting in row.get("settings", []))
        advice = " or chopper_speed=" if "pulse_window" in row else ""
        warnings.append(
            f"No elastic resolution of {found.name} at {found.wavelength.value:.4g} angstrom in the table"
            + (f" (it has {known})" if known else "")
            + f"; give elastic_fwhm={advice}."
        )
    if found.largest_angle is None:
        warnings.append(f"The angles of the detectors of {found.name} are not in the table; give two_theta=.")
    elif found.smallest_angle is None:
        warnings.append(f"The smallest angle of {found.name} is not in the table; 0 deg is taken, a guess.")
    return replace(found, warnings=tuple(warnings))
