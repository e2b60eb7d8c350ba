"""Readers of the text files that calorimeters' programs export: one file, one recording.

Which program wrote a file is found from its content, not from its suffix. Numbers, units, mass and sign come from the
file; whatever was assumed, left out or joined stands in ``Recording.remarks`` and ``Recording.sign``.
"""

from pathlib import Path

from caloris.errors import InputError
from caloris.heat.calorimetry.readers import mettler, netzsch, perkinelmer, plain, setaram, ta, table
from caloris.heat.calorimetry.readers.assemble import assemble
from caloris.heat.calorimetry.readers.export import Direction, Export, Vendor
from caloris.heat.calorimetry.readers.plain import write_plain
from caloris.heat.calorimetry.readers.text import read_text
from caloris.heat.calorimetry.recording import Recording
from caloris.units import Quantity

__all__ = ["VENDORS", "Direction", "Export", "Vendor", "detect", "read", "write_plain"]

VENDORS: dict[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        plain.VENDOR,
        ta.VENDOR,
        netzsch.VENDOR,
        mettler.VENDOR,
        perkinelmer.VENDOR,
        setaram.VENDOR,
        table.VENDOR,
    )
}
"""Every reader by the name of the vendor, in the order in which :func:`detect` asks them."""


def read(
    path: str | Path,
    *,
    pressure: Quantity | None = None,
    mass: Quantity | None = None,
    endothermic: Direction | None = None,
    vendor: str | None = None,
) -> Recording:
    r"""Read the text file of a calorimeter.

    Parameters
    ----------
    path:
        The file, as the vendor's program exported it, or a plain file; also compressed (``.gz``).
    pressure:
        Scalar; needed where the file does not state it. If neither does, one pressure in the file name is taken.
    mass:
        Of the sample, scalar; wins over the file's.
    endothermic:
        ``"up"`` or ``"down"``: which way endothermic effects point in the file; wins over what the file says.
    vendor:
        One of :data:`VENDORS`; found from the content if not given.

    Returns
    -------
    :
        Heat flow in mW (mW/g where it is per mass and no mass is known), endothermic > 0, over time (s) with the
        temperature of the sample (K).

    Raises
    ------
    InputError
        If the file cannot be read, or a number, unit or order of time in it cannot be trusted; with the line.

    Notes
    -----
    The sign is what the user says, else what the file says, else what makes the heat capacity positive, else the
    vendor's habit; ``Recording.sign`` says which.

    Examples
    --------
    >>> import tempfile
    >>> rows = "\n".join(f"{t},{300 + max(t - 20, 0) / 10},{5.0 * (t > 20)}" for t in range(60))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "scan-40MPa.csv"
    ...     _ = file.write_text(f"# caloris-dsc 1\n# mass: 10.2 mg\ntime/s,temperature/K,heat_flow/mW\n{rows}\n")
    ...     scan = read(file)
    >>> scan.heat_flow.sizes["time"], float(scan.pressure.value), scan.sign
    (60, 40.0, 'from a positive heat capacity: endothermic up')
    >>> scan.remarks
    ('pressure 40 MPa is taken from the file name',)
    """
    path = Path(path)
    if endothermic not in (None, "up", "down"):
        raise InputError(f"endothermic: {endothermic!r}, expected 'up' or 'down'")
    if vendor is not None and vendor not in VENDORS:
        raise InputError(f"vendor: {vendor!r} is not known; choose one of {', '.join(VENDORS)}")
    text = read_text(path)
    try:
        name = vendor or detect(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    export = VENDORS[name].parse(text, str(path))
    return assemble(export, path, pressure=pressure, mass=mass, endothermic=endothermic)


def detect(text: str) -> str:
    r"""Find out which program wrote a text.

    Parameters
    ----------
    text:
        Content of a file.

    Returns
    -------
    :
        A name of :data:`VENDORS`.

    Raises
    ------
    InputError
        If none of the readers knows it.

    Examples
    --------
    >>> detect("Sample\tEicosane\nStartOfData\n0.0\t20.0\t1.0\n")
    'ta'
    """
    for vendor in VENDORS.values():
        if vendor.recognises(text):
            return vendor.name
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    raise InputError(
        f"no calorimeter's file that is known here (it begins {first[:40]!r}); known: {', '.join(VENDORS)}; "
        "or a table with columns called time, temperature and heat flow and their units, 'Time (s);...'; "
        f"or write it as a plain file, first line '{plain.FIRST_LINE}'"
    )
