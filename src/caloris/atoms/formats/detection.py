"""Which format a file has, by its first bytes, and the reader for it."""

from pathlib import Path

from caloris.atoms.formats.amber import AmberNetcdf, is_netcdf
from caloris.atoms.formats.ase_trajectory import AseTrajectory, is_ase
from caloris.atoms.formats.dcd import Dcd, is_dcd
from caloris.atoms.formats.foreign_h5md import ForeignH5md, is_hdf5
from caloris.atoms.formats.gromacs import Trr, Xtc, is_trr, is_xtc
from caloris.atoms.formats.lammps_dump import LammpsDump, is_dump
from caloris.atoms.formats.options import Options
from caloris.atoms.formats.reader import Reader
from caloris.atoms.formats.text_buffer import first_bytes
from caloris.atoms.formats.vasp import Vasprun, Xdatcar, is_vasprun, is_xdatcar
from caloris.atoms.formats.xyz import Xyz, is_xyz
from caloris.errors import InputError

KNOWN = "LAMMPS dump, DCD, XTC, TRR, Amber NetCDF, XYZ, XDATCAR, vasprun.xml, ASE .traj and H5MD"
_BINARY = ((is_trr, Trr), (is_xtc, Xtc), (is_netcdf, AmberNetcdf), (is_ase, AseTrajectory))
_TEXT = ((is_vasprun, Vasprun), (is_xdatcar, Xdatcar))
_WITH_UNITS = ((is_dump, LammpsDump), (is_xyz, Xyz), (is_dcd, Dcd), (is_hdf5, ForeignH5md))


def open_reader(path: Path, options: Options) -> Reader:
    """Open a trajectory with the reader of its format.

    Parameters
    ----------
    path, options:
        The file, and what the user says of it.

    Returns
    -------
    :
        The reader, at the first frame.

    Raises
    ------
    InputError
        If the format is not known, or the first frame cannot be read.
    """
    first = first_bytes(path)
    if not first:
        raise InputError(f"{path}: the file is empty; there are no frames in it")
    for is_one, reader in (*_BINARY, *_TEXT):
        if is_one(first):
            return reader(path, options.incomplete)
    for is_one, reader_with_units in _WITH_UNITS:
        if is_one(first):
            return reader_with_units(path, options.incomplete, options.units)
    word = first.split(maxsplit=1)[0][:20].decode(errors="replace") if first.split() else ""
    hint = f" (it begins with {word!r})" if word.isprintable() else ""
    raise InputError(f"{path}: not a trajectory that can be read here{hint}; known are {KNOWN}")
