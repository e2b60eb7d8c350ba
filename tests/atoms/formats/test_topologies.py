"""Elements, masses, charges, bonds and cells come from the file beside the trajectory, whatever its format."""

import h5py
import numpy as np
import pytest
from written_trajectories import BONDS, SYMBOLS, check, truth

from caloris.atoms.formats.topology import read_topology
from caloris.atoms.trajectory import open_trajectory
from caloris.errors import InputError

TRUE = truth(5)
SORTED_BONDS = sorted(tuple(sorted(pair)) for pair in BONDS)


def atoms():
    from ase import Atoms

    return Atoms(SYMBOLS, positions=TRUE.positions[0], cell=TRUE.cell[0], pbc=True)


@pytest.fixture
def trajectory(tmp_path):
    """A file that says nothing but where atoms are."""
    with h5py.File(tmp_path / "t.h5", "w") as file:
        group = file.create_group("particles/some")
        group["position/value"] = TRUE.wrapped
        group["position/value"].attrs["unit"] = "Angstrom"
        group["position/time"] = 100.0 * np.arange(5)
        group["position/time"].attrs["unit"] = "fs"
        group["box/edges/value"] = TRUE.cell
    return tmp_path / "t.h5"


@pytest.mark.parametrize("name", ["t.pdb", "t.cif", "POSCAR", "t.xyz", "t.gro", "t.traj"])
def test_what_ase_writes(tmp_path, trajectory, name):
    from ase.io import write

    write(tmp_path / name, atoms(), **({"sort": False} if name == "POSCAR" else {}))
    found = read_topology(tmp_path / name)
    assert list(found.symbols) == SYMBOLS
    assert found.cell is not None
    lengths = np.linalg.norm(found.cell, axis=1)
    np.testing.assert_allclose(lengths, np.linalg.norm(TRUE.cell[0], axis=1), atol=2e-3)
    check(open_trajectory(trajectory, topology=tmp_path / name), TRUE, precision=1e-9)


def test_pdb_with_connections_and_psf(tmp_path, trajectory):
    rows = "".join(
        f"HETATM{i + 1:5d} {s:<4} MOL A   1    {0:8.3f}{0:8.3f}{0:8.3f}  1.00  0.00          {s:>2}\n"
        for i, s in enumerate(SYMBOLS)
    )
    connections = "".join(f"CONECT{i + 1:5d}{j + 1:5d}\nCONECT{j + 1:5d}{i + 1:5d}\n" for i, j in BONDS)
    (tmp_path / "t.pdb").write_text(rows + connections + "END\n")
    masses = {"N": 14.007, "H": 2.0141, "S": 32.06, "C": 12.011, "Li": 6.94}
    lines = "".join(
        f"{i + 1:8d} SYS  1    MOL  {s:<4} {s:<4} {0.1 * i:10.6f} {masses[s]:13.4f} {0:8d}\n"
        for i, s in enumerate(SYMBOLS)
    )
    flat = [f"{i + 1:8d}" for pair in BONDS for i in pair]
    pairs = "\n".join("".join(flat[k : k + 8]) for k in range(0, len(flat), 8))
    (tmp_path / "t.psf").write_text(
        f"PSF\n\n       1 !NTITLE\n title\n\n{len(SYMBOLS):8d} !NATOM\n{lines}\n{len(BONDS):8d} !NBOND\n{pairs}\n\n"
        "       0 !NTHETA: angles\n"
    )
    for name in ("t.pdb", "t.psf"):
        found = open_trajectory(trajectory, topology=tmp_path / name)
        check(found, TRUE, precision=1e-9)
        assert sorted(tuple(sorted(pair)) for pair in found.bonds.tolist()) == SORTED_BONDS
        assert found.inputs["bonds"] == "from the topology"
    assert found.masses.values[1] == 2.0141
    np.testing.assert_allclose(found.charges.values, 0.1 * np.arange(len(SYMBOLS)))


@pytest.mark.parametrize(
    ("name", "residue", "element"),
    [
        *(("CA", "ALA", "C"), ("CA", "CA", "Ca"), ("Li1", "LI", "Li"), ("1HB", "ALA", "H"), ("CL", "CL", "Cl")),
        *(
            ("OW", "SOL", "O"),
            ("NA", "NA", "Na"),
            ("SI", "SIO", "Si"),
            ("HW1", "SOL", "H"),
            ("MG", "MG", "Mg"),
            ("ZN", "PRO", "Zn"),
        ),
    ],
)
def test_elements_from_names_of_atoms(tmp_path, name, residue, element):
    path = tmp_path / "t.gro"
    path.write_text(f"t\n1\n{1:5d}{residue:<5}{name:>5}{1:5d}{0:8.3f}{0:8.3f}{0:8.3f}\n1 1 1\n")
    assert list(read_topology(path).symbols) == [element]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("PSF\n\n  30 !NATOM\n 1 A 1 M H H 0.0 1.0 0\n", "t.psf", "1 of 30 atoms"),
        ("title\n30\n    1MOL      H    1   0.000   0.000   0.000\n", "t.gro", "1 of 30 atoms"),
        ("ATOM      x  H   MOL     1\n", "t.pdb", "cannot read the topology"),
        (
            "title\n\n2 atoms\n1 atom types\n\nAtoms\n\n1 1 0.5 0 0 0\n2 1 0.5 0 0 0\n",
            "t.data",
            "does not say its atom style",
        ),
        (
            "title\n\n2 atoms\n1 atom types\n\nAtoms # full\n\n1 1 1 0.5 0 0 0\n",
            "t.data",
            "1 rows in Atoms, the header says 2",
        ),
        (
            "title\n\n1 atoms\n1 atom types\n\nMasses\n\n1 heavy\n\nAtoms # full\n\n1 1 1 0.5 0 0 0\n",
            "t.data",
            "cannot read Masses",
        ),
        ("nothing\n", "t.cif", "cannot read the topology"),
        ("nothing\n", "t.prmtop", "MDAnalysis"),
        ("H 0 0 0\n", "t.dat", "known are LAMMPS data, PDB"),
    ],
)
def test_topologies_that_cannot_be_read(tmp_path, trajectory, content, name, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        open_trajectory(trajectory, topology=tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_topology_of_another_system(tmp_path, trajectory):
    from ase.io import write

    write(tmp_path / "t.xyz", atoms()[:-1])
    with pytest.raises(InputError, match="25 atoms, the topology has 24"):
        open_trajectory(trajectory, topology=tmp_path / "t.xyz")


def test_h5md_of_another_program_with_images_masses_and_units_of_its_own(tmp_path):
    images = np.floor(TRUE.fractional).astype(np.int32)
    with h5py.File(tmp_path / "t.h5", "w") as file:
        group = file.create_group("particles/all")
        group["position/value"] = 0.1 * TRUE.wrapped
        group["position/value"].attrs["unit"] = "nm"
        group["position/step"] = np.arange(5)
        group["position/time"] = 1e-4  # between frames
        group["position/time"].attrs["unit"] = "ns"
        group["image/value"] = images
        group["velocity/value"] = 1e-4 * TRUE.velocities
        group["velocity/value"].attrs["unit"] = b"nm fs-1"
        group["box/edges/value"] = 0.1 * TRUE.cell
        group["box/edges/value"].attrs["unit"] = "nm"
        group["mass"] = atoms().get_masses()
        group["charge"] = np.ones(len(SYMBOLS))
        group["species"] = np.ones(len(SYMBOLS), dtype=int)
        file["connectivity/bonds"] = np.array(BONDS)
    found = open_trajectory(tmp_path / "t.h5")
    check(found, TRUE, precision=1e-9, velocities=1e-9)
    assert sorted(map(tuple, found.bonds.tolist())) == sorted(map(tuple, np.array(BONDS).tolist()))
    assert "images" in found.inputs["positions"]
    with h5py.File(tmp_path / "t.h5", "a") as file:
        del file["particles/all/position/value"].attrs["unit"]
        file["particles/all/position/value"][...] *= 10
    check(open_trajectory(tmp_path / "t.h5", units="metal"), TRUE, precision=1e-9)
    with h5py.File(tmp_path / "t.h5", "a") as file:
        file["particles/all/position/value"].attrs["unit"] = "furlong"
    with pytest.raises(InputError, match="position has the unit 'furlong'"):
        open_trajectory(tmp_path / "t.h5")
