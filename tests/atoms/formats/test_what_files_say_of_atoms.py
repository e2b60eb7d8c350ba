"""Masses of isotopes, boundaries and bonds are what the file and the motion say."""

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from caloris.atoms.formats.particles import guessed_bonds
from caloris.atoms.trajectory import open_trajectory
from caloris.errors import InputError

DEUTERIUM = 2.014102


def ammonia(frames=12):
    rng = np.random.default_rng(2)
    places = np.array([[5, 5, 5], [6, 5, 5], [5, 6, 5], [5, 5, 6]])
    for _ in range(frames):
        atoms = Atoms("NH3", positions=places + 0.02 * rng.standard_normal((4, 3)), cell=[10] * 3, pbc=True)
        atoms.set_masses([14.007, DEUTERIUM, DEUTERIUM, 1.008])
        yield atoms


def test_masses_of_an_extended_xyz_are_read(tmp_path):
    path = tmp_path / "t.xyz"
    write(path, list(ammonia()), format="extxyz")
    found = open_trajectory(path, timestep="1 fs")
    assert found.masses.values.tolist() == [14.007, DEUTERIUM, DEUTERIUM, 1.008]
    assert found.select("D").tolist() == found.select("2H").tolist() == [1, 2]
    assert found.select("H").tolist() == [1, 2, 3]
    # an isotope that is named is that one, whatever the file weighs it
    named = open_trajectory(path, timestep="1 fs", elements={"N": "N", "H": "D"}, store=tmp_path / "d.h5")
    assert named.masses.values[3] == pytest.approx(DEUTERIUM, abs=1e-3)
    path.write_text(path.read_text().replace("1.008", "heavy"))
    with pytest.raises(InputError, match="line 6: no mass, which Properties says is there"):
        open_trajectory(path, timestep="1 fs")


def vasprun(mass):
    kinds = (
        '<array name="atomtypes"><field type="int">atomspertype</field><field type="string">element</field>'
        '<field>mass</field><field>valence</field><field type="string">pseudopotential</field><set>'
        f"<rc><c>1</c><c>O </c><c>16.0</c><c>6.0</c><c>PAW O</c></rc><rc><c>2</c><c>H </c><c>{mass}</c><c>1.0</c>"
        "<c>PAW H</c></rc></set></array>"
    )
    step = (
        '<calculation><structure><crystal><varray name="basis"><v>10 0 0</v><v>0 10 0</v><v>0 0 10</v></varray>'
        '</crystal><varray name="positions"><v>0.5 0.5 0.5</v><v>0.6 0.5 0.5</v><v>0.5 0.6 0.5</v></varray></structure>'
        "</calculation>"
    )
    return (
        '<?xml version="1.0"?>\n<modeling><incar><i name="IBRION">0</i><i name="POTIM">1.0</i></incar><atominfo>'
        '<array name="atoms"><set><rc><c>O </c><c>1</c></rc><rc><c>H </c><c>2</c></rc><rc><c>H </c><c>2</c></rc></set>'
        f"</array>{kinds}</atominfo>{3 * step}</modeling>"
    )


def test_masses_of_a_vasprun_are_read(tmp_path):
    path = tmp_path / "vasprun.xml"
    path.write_text(vasprun("2.01400000"))
    assert open_trajectory(path).masses.values.tolist() == [16.0, 2.014, 2.014]
    path.write_text(vasprun("*******"))  # what cannot be read is not there
    assert open_trajectory(path).masses.values[1] == pytest.approx(1.008)


def hopping(pbc):
    """An atom that moves by more than half a cell along z, far from any face."""
    for t in range(6):
        atoms = Atoms("Ar2", positions=[[1, 1, 9.8 if t % 2 else 4.0], [5, 5, 5]], cell=[10] * 3, pbc=pbc)
        if t % 2 and pbc[0]:
            atoms.positions[0, 0] = 9.9  # through a face
        yield atoms


@pytest.mark.parametrize("suffix", ["xyz", "traj"])
def test_along_what_is_not_periodic_nothing_is_unwrapped(tmp_path, suffix):
    path = tmp_path / f"t.{suffix}"
    write(path, list(hopping((True, True, False))), format="extxyz" if suffix == "xyz" else None)
    found = open_trajectory(path, timestep="1 fs", bonds=None)
    assert found.periodic == (True, True, False)
    np.testing.assert_allclose(found.read("position")[:2, 0], [[1, 1, 4], [-0.1, 1, 9.8]], atol=1e-6)
    assert "the box is not periodic along every vector" in found.inputs["warnings"]
    write(path, list(hopping((False, False, False))), format="extxyz" if suffix == "xyz" else None)
    silent = open_trajectory(path, timestep="1 fs", bonds=None)
    assert silent.periodic == (True, True, True)
    assert any("along no vector" in note for note in silent.inputs["warnings"])


@pytest.mark.parametrize(("pbc", "message"), [("T T", "cannot read pbc='T T'"), ("T F F", "frame 2 .*another pbc")])
def test_boundaries_that_are_no_good_are_one_line(tmp_path, pbc, message):
    path = tmp_path / "t.xyz"
    write(path, list(hopping((True, True, False))), format="extxyz")
    head, tail = path.read_text().split("Ar ", 1)
    path.write_text(head + "Ar " + tail.replace("T T F", pbc))
    with pytest.raises(InputError, match=message):
        open_trajectory(path, timestep="1 fs")


def test_boundaries_of_an_h5md_are_read(tmp_path):
    import h5py

    write(tmp_path / "t.xyz", list(hopping((True, True, False))), format="extxyz")
    stored = open_trajectory(tmp_path / "t.xyz", timestep="1 fs", bonds=None)
    with h5py.File(stored.path, "r+") as file:  # as another program would have written it
        del file["parameters/caloris"]
        species = [b"Ar", b"Ar"]
        del file["particles/all/species"]
        file["particles/all/species"] = species
    other = open_trajectory(stored.path, store=tmp_path / "o.h5", bonds=None)
    assert other.periodic == (True, True, False)
    np.testing.assert_allclose(other.read("position"), stored.read("position"), atol=1e-6)


def xdatcar(numbers):
    rows = "".join(
        f"Direct configuration={number}\n0.1 0.1 {0.1 + 0.001 * t:.4f}\n0.5 0.5 0.5\n"
        for t, number in enumerate(numbers)
    )
    return f"title\n1.0\n10 0 0\n0 10 0\n0 0 10\nLi\n2\n{rows}"


@pytest.mark.parametrize(
    "numbers",
    [
        [10, 20, 30, 40, 50],
        [10, 20, 30, 10, 20, 30],
        ["   999998", "   999999", "******", "******", "******"],
        ["999990", "******", "******", 10, 20],
    ],
)
def test_an_xdatcar_of_every_so_many_steps(tmp_path, numbers):
    (tmp_path / "XDATCAR").write_text(xdatcar(numbers))
    found = open_trajectory(tmp_path / "XDATCAR", timestep="10 fs")
    np.testing.assert_allclose(found.read("position")[:, 0, 2], 1 + 0.01 * np.arange(len(numbers)), atol=1e-9)


@pytest.mark.parametrize("numbers", [[10, 20, 40], [10, 20, 20], [1, 2, 3, 2], [10, 20, 5]])
def test_an_xdatcar_with_frames_missing_is_refused(tmp_path, numbers):
    (tmp_path / "XDATCAR").write_text(xdatcar(numbers))
    with pytest.raises(InputError, match="frames must be evenly spaced"):
        open_trajectory(tmp_path / "XDATCAR", timestep="10 fs")


def test_a_bond_that_is_stretched_in_one_frame_is_one(tmp_path):
    """Also the first frame; and what comes near for a moment is none."""
    frames = []
    for t in range(10):
        atoms = Atoms("NHAr", positions=[[0.2, 5, 5], [9.1, 5, 5], [4, 4, 4]], cell=[10] * 3, pbc=True)
        if t == 0:
            atoms.positions[1, 0] = 8.8  # N-H of 1.4 angstrom, more than 1.25 sums of radii
            atoms.positions[2] = [0.2, 6.5, 5]  # near N
        frames.append(atoms)
    write(tmp_path / "t.xyz", frames, format="extxyz")
    found = open_trajectory(tmp_path / "t.xyz", timestep="1 fs")
    assert found.bonds.tolist() == [[0, 1]]
    assert found.inputs["bonds"] == (
        "guessed from 10 of the first 10 frames: nearer than 1.25 sums of covalent radii in most of them"
    )
    alone = guessed_bonds(frames[0].numbers, frames[0].positions, frames[0].cell.array, (True,) * 3)
    assert alone[0].tolist() == [[0, 2]]


def test_vibrating_molecules_stay_whole(tmp_path):
    from caloris.atoms.synthetic_trajectory import benchmark_trajectory

    made = benchmark_trajectory(cells=(4, 4, 4), frames=60, seed=1)
    made.write_lammps_dump(tmp_path / "t.dump", decimals=6)
    found = open_trajectory(tmp_path / "t.dump", timestep=made.timestep, elements=made.elements)
    assert found.formulas.count("SiH4") == 64
    assert "H" not in found.formulas
