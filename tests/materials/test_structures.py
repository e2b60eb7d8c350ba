"""Crystal structures of the library against Extended Data Table 1 of the paper, and wrong files."""

import numpy as np
import pytest

from caloris.errors import InputError
from caloris.materials import load
from caloris.materials.crystal import occupancies, read_structure

S, C, N1, N2 = range(4)  # sites in the order of the CIFs; D after them
PHASES = ("monoclinic", "orthorhombic", "tetragonal")


def cell(phase):
    return load("NH4SCN").structure(phase)


def distances(atoms, first, second):
    kinds = atoms.arrays["spacegroup_kinds"]
    matrix = atoms.get_all_distances(mic=True)
    second = kinds >= 4 if second is None else kinds == second
    return matrix[np.ix_(kinds == first, second)]


@pytest.mark.parametrize("phase", PHASES)
def test_cell_holds_four_formula_units(phase):
    atoms = cell(phase)
    occupied = occupancies(atoms)
    content = {s: occupied[np.array(atoms.get_chemical_symbols()) == s].sum() for s in ("N", "H", "S", "C")}
    assert content == {"N": 8, "H": 16, "S": 4, "C": 4}


@pytest.mark.parametrize(("phase", "sites"), [("monoclinic", 32), ("orthorhombic", 48), ("tetragonal", 60)])
def test_number_of_sites_follows_the_site_multiplicities(phase, sites):
    assert len(cell(phase)) == sites


@pytest.mark.parametrize(
    ("phase", "volume"),
    [
        ("monoclinic", 4.22430 * 7.1294 * 12.9864 * np.sin(np.radians(97.751))),
        ("orthorhombic", 6.867 * 6.853 * 7.934),
        ("tetragonal", 6.8810**2 * 8.0252),
    ],
)
def test_cell_volume_is_that_of_the_table(phase, volume):
    assert cell(phase).get_volume() == pytest.approx(volume, rel=1e-12)


@pytest.mark.parametrize("phase", PHASES)
def test_hydrogen_of_the_refinement_is_deuterium(phase):
    atoms = cell(phase)
    assert atoms.get_masses()[atoms.numbers == 1] == pytest.approx(2.014102, abs=1e-6)
    mass = (atoms.get_masses() * occupancies(atoms)).sum()
    assert mass == pytest.approx(4 * (76.117 + 4 * (2.014 - 1.008)), rel=1e-4)


@pytest.mark.parametrize("phase", ["monoclinic", "orthorhombic"])
def test_ammonium_bonds_are_102_picometres(phase):
    bonds = distances(cell(phase), N2, None)
    near = bonds[bonds < 1.5]
    assert near.size == {"monoclinic": 16, "orthorhombic": 32}[phase]
    assert near == pytest.approx(1.02, abs=0.01)


def test_tetragonal_ammonium_bond_is_unphysical_as_printed():
    bonds = distances(cell("tetragonal"), N2, None)
    assert bonds[bonds < 1.5] == pytest.approx(1.246, abs=1e-3)


@pytest.mark.parametrize(
    ("phase", "carbon_sulphur", "carbon_nitrogen"),
    [("monoclinic", 1.732, 1.127), ("orthorhombic", 1.683, 1.132), ("tetragonal", 1.679, 1.188)],
)
def test_thiocyanate_bonds(phase, carbon_sulphur, carbon_nitrogen):
    atoms = cell(phase)
    sulphur, nitrogen = distances(atoms, C, S), distances(atoms, C, N1)
    assert sulphur[(sulphur > 1.3) & (sulphur < 2.2)] == pytest.approx(carbon_sulphur, abs=1e-3)
    assert nitrogen[nitrogen < 1.5] == pytest.approx(carbon_nitrogen, abs=1e-3)


def test_monoclinic_ammonium_is_a_tetrahedron_and_thiocyanate_a_rod():
    atoms = cell("monoclinic")
    kinds = atoms.arrays["spacegroup_kinds"]
    matrix = atoms.get_all_distances(mic=True)
    for nitrogen in np.flatnonzero(kinds == N2):
        near = np.flatnonzero((matrix[nitrogen] < 1.5) & (kinds >= 4))
        angles = [atoms.get_angle(i, nitrogen, j, mic=True) for i in near for j in near if i < j]
        assert angles == pytest.approx([109.47] * 6, abs=0.2)
    for carbon in np.flatnonzero(kinds == C):
        sulphur, nitrogen = (
            np.flatnonzero((matrix[carbon] < 2) & (kinds == S))[0],
            np.flatnonzero((matrix[carbon] < 2) & (kinds == N1))[0],
        )
        assert atoms.get_angle(sulphur, carbon, nitrogen, mic=True) == pytest.approx(178.6, abs=0.1)


@pytest.mark.parametrize(("phase", "site"), [("orthorhombic", 4), ("tetragonal", 4), ("tetragonal", S)])
def test_disordered_sites_are_half_occupied(phase, site):
    atoms = cell(phase)
    assert set(occupancies(atoms)[atoms.arrays["spacegroup_kinds"] == site]) == {0.5}


def test_file_beside_the_card_comes_before_the_library(tmp_path):
    from ase import Atoms
    from ase.io import write

    name = "NH4SCN-monoclinic.cif"
    write(tmp_path / name, Atoms("Na", cell=[3, 3, 3], pbc=True))
    assert len(read_structure(name, tmp_path)) == 1
    assert len(read_structure(name, tmp_path / "elsewhere")) == 32


def test_hydrogen_stays_hydrogen_and_full_occupancy_is_one(tmp_path):
    from ase import Atoms
    from ase.io import write

    write(tmp_path / "hydrogen.cif", Atoms("H", cell=[3, 3, 3], pbc=True))
    atoms = read_structure("hydrogen.cif", tmp_path)
    assert atoms.get_masses() == pytest.approx([1.008])
    assert occupancies(atoms) == pytest.approx([1.0])


CELL = b"data_x\n_cell_length_a 3\n_cell_length_b 3\n_cell_length_c 3\n"
CELL += b"_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
SITES = b"loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
WRONG = {
    "empty": b"",
    "binary": bytes(range(256)),
    "words": b"this is no CIF\n",
    "cell only": CELL,
    "cut off": CELL + SITES[:40],
    "no sites": CELL + SITES,
    "words for numbers": CELL + SITES + b"Na one two three\n",
    "no such element": CELL + SITES + b"Xq 0 0 0\n",
}


def test_the_right_file_is_read(tmp_path):
    (tmp_path / "right.cif").write_bytes(CELL + SITES + b"Na 0 0 0\n")
    assert read_structure("right.cif", tmp_path).get_volume() == pytest.approx(27)


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.filterwarnings("ignore")
def test_wrong_structure_file_gives_one_line_with_its_name(case, tmp_path):
    (tmp_path / "wrong.cif").write_bytes(WRONG[case])
    with pytest.raises(InputError) as caught:
        read_structure("wrong.cif", tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "wrong.cif") in str(caught.value)


def test_molecule_without_a_cell_is_refused(tmp_path):
    (tmp_path / "wrong.xyz").write_text("1\n\nH 0 0 0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"wrong\.xyz: no unit cell"):
        read_structure("wrong.xyz", tmp_path)


def test_absent_structure_file_says_where_to_put_it(tmp_path):
    with pytest.raises(InputError, match="put it beside the card") as caught:
        read_structure("absent.cif", tmp_path)
    assert "absent.cif" in str(caught.value)
    assert "\n" not in str(caught.value)
