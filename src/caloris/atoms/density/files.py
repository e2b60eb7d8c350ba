"""Densities on disk, for VESTA, ParaView and others: Gaussian cube, XCrySDen, or HDF5 of scipp."""

from pathlib import Path

import numpy as np
import scipp as sc

from caloris.atoms.density.grid import DensityMap
from caloris.errors import InputError
from caloris.files import whole, write_hdf5


def save_density(density: DensityMap, path: str | Path) -> None:
    """Write a map.

    Parameters
    ----------
    density:
        The map.
    path:
        ``.cube``, ``.xsf`` (values in 1/angstrom^3 in both; the cell of a cube is in bohr by that format), or ``.h5``
        with errors, the cell and what the map is of.

    Raises
    ------
    InputError
        If the suffix is another, or the place cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".h5":
        parts = {"density": density.density, "cell": density.cell, "species": sc.scalar(density.species)}
        write_hdf5(path, sc.DataGroup(parts))
        return
    if suffix not in (".cube", ".xsf"):
        raise InputError(f"{path}: expected a name that ends in .cube, .xsf or .h5")
    with whole(path) as temporary:
        if suffix == ".cube":
            _write_cube(density, temporary)
        else:
            temporary.write_text(_xsf(density), encoding="ascii")


def _write_cube(density: DensityMap, path: Path) -> None:
    from ase import Atoms
    from ase.io.cube import write_cube

    # a cube wants an atom; one without a charge at the origin is drawn by nobody
    holder = Atoms("X", positions=[[0, 0, 0]], cell=density.cell.values, pbc=True)
    values = density.density.values
    origin = (0.5 / np.array(values.shape)) @ density.cell.values
    comment = f"density of {density.species} in 1/angstrom^3, by caloris"
    with path.open("w", encoding="ascii") as file:
        write_cube(file, holder, values, origin=origin, comment=comment)


def _xsf(density: DensityMap) -> str:
    """General grids of the format repeat the first layer at the end, and the first index runs fastest."""
    cell = density.cell.values
    values = np.pad(density.density.values, ((0, 1),) * 3, mode="wrap")
    origin = (0.5 / np.array(density.density.shape)) @ cell
    vectors = "\n".join(" ".join(f"{x:.10f}" for x in vector) for vector in cell)
    numbers = values.transpose(2, 1, 0).reshape(-1)
    lines = [" ".join(f"{x:.6e}" for x in numbers[k : k + 6]) for k in range(0, len(numbers), 6)]
    name = "".join(c if c.isalnum() else "_" for c in density.species)
    return "\n".join(
        [
            f"# density of {density.species} in 1/angstrom^3, by caloris",
            "CRYSTAL",
            "PRIMVEC",
            vectors,
            # a crystal wants an atom; element 0 is drawn by nobody
            "PRIMCOORD",
            "1 1",
            "0 0.0 0.0 0.0",
            "BEGIN_BLOCK_DATAGRID_3D",
            f"density_{name}",
            "BEGIN_DATAGRID_3D_density",
            " ".join(str(n) for n in values.shape),
            " ".join(f"{x:.10f}" for x in origin),
            vectors,
            *lines,
            "END_DATAGRID_3D",
            "END_BLOCK_DATAGRID_3D",
            "",
        ]
    )
