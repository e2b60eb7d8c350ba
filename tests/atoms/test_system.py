"""Structures with force fields: kinds, bonds, exclusions, and what is refused before anything runs."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given
from hypothesis import strategies as st

from caloris.atoms.system import assemble, standard_cell
from caloris.errors import InputError
from caloris.materials import load, load_force_field
from caloris.materials.force_field_files import parse_force_field

LIBRARY = Path(load_force_field.__code__.co_filename).parent / "force_fields"


@pytest.fixture(scope="module")
def borate() -> Atoms:
    return load("Li2B12H12").structure("alpha").repeat(2)


@pytest.fixture(scope="module")
def thiocyanate() -> Atoms:
    return load("NH4SCN").structure("monoclinic").repeat((6, 3, 2))


def changed(name: str, change: Callable[[dict[str, Any]], Any]) -> Any:
    tables = tomllib.loads((LIBRARY / f"{name}.toml").read_text(encoding="utf-8"))
    change(tables)
    return parse_force_field(tables)


def test_an_icosahedron_has_thirty_edges_and_sixty_angles_at_its_hydrogens(borate: Atoms) -> None:
    system = assemble(borate, "Li2B12H12")
    assert system.contents == {"B12H12": 32, "Li": 64}
    per_anion = [len(terms) / 32 for terms in (system.bonds.atoms, system.angles.atoms)]
    assert per_anion == [30 + 12, 60]
    middle = {system.types[j] for j in system.angles.atoms[:, 1]}
    assert middle == {"B"}
    # one apart: 30 B-B and 12 B-H. Two apart: 30 B-B and 60 H-B. Three apart: 6 B-B, 60 B-H and 30 H-H
    assert [len(pairs) / 32 for pairs in system.special_pairs] == [42, 90, 96]
    assert system.charges.sum() == pytest.approx(0.0, abs=1e-9)


def test_thiocyanate_and_ammonium_are_found_with_their_terms(thiocyanate: Atoms) -> None:
    system = assemble(thiocyanate, "NH4SCN")
    assert system.contents == {"SCN": 144, "NH4": 144}
    assert len(system.bonds.atoms) == 144 * (2 + 4)
    assert len(system.angles.atoms) == 144 * (1 + 6)
    for symbol, name in zip(system.atoms.symbols, system.types, strict=True):
        assert load_force_field("NH4SCN").types[name].element == symbol
    straight = system.angles.atoms[[system.angles.constants[k][1] > 3 for k in system.angles.kind]]
    found = np.degrees([system.atoms.get_angle(*angle, mic=True) for angle in straight[:3]])
    assert np.degrees(np.radians(found)) == pytest.approx(found)
    assert (np.array([system.atoms.get_angle(*angle, mic=True) for angle in straight]) > 160).all()


@given(seed=st.integers(0, 2**32 - 1))
def test_terms_do_not_depend_on_the_order_of_atoms_or_on_wrapping(seed: int) -> None:
    cell = load("NH4SCN").structure("monoclinic").repeat((6, 3, 2))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(cell))
    mixed = cell[order]
    mixed.positions += rng.integers(-1, 2, (len(cell), 3)) @ cell.cell.array + rng.uniform(-9, 9, 3)
    one, other = assemble(cell, "NH4SCN"), assemble(mixed, "NH4SCN")
    assert {frozenset(order[pair]) for pair in other.bonds.atoms} == {
        frozenset(pair) for pair in one.bonds.atoms.tolist()
    }
    assert [one.types[i] for i in order] == other.types


def test_the_standard_cell_is_the_same_crystal() -> None:
    cell = load("NH4SCN").structure("monoclinic")
    turned = cell.copy()
    turned.rotate(37, (1, 2, 3), rotate_cell=True)
    turned.set_velocities(turned.positions)
    back = standard_cell(turned)
    assert np.allclose(np.triu(back.cell.array, 1), 0, atol=1e-12)
    assert back.get_all_distances(mic=True) == pytest.approx(cell.get_all_distances(mic=True), abs=1e-9)
    assert np.linalg.norm(back.get_velocities(), axis=1) == pytest.approx(np.linalg.norm(turned.positions, axis=1))
    assert back.get_velocities() == pytest.approx(back.positions, abs=1e-9)


def test_a_charge_that_does_not_cancel_is_named_with_its_ions(borate: Atoms) -> None:
    field = changed("Li2B12H12", lambda t: t["types"]["Li"].update(charge=0.9))
    with pytest.raises(InputError, match=r"carries \+3\.2 e \(.*64 Li of \+0\.9 e.*correct the charges"):
        assemble(borate, field)
    missing = borate.copy()
    del missing[next(atom.index for atom in borate if atom.symbol == "Li")]
    with pytest.raises(InputError, match=r"carries -0\.85 e"):
        assemble(missing, "Li2B12H12")


def test_opposite_charges_without_repulsion_are_refused(borate: Atoms) -> None:
    def without_lithium_hydrogen(tables: dict[str, Any]) -> None:
        tables["pairs"] = [pair for pair in tables["pairs"] if pair["types"] != ["Li", "H"]]

    with pytest.raises(InputError, match=r"no repulsion between Li and H.*add a pair Li-H"):
        assemble(borate, changed("Li2B12H12", without_lithium_hydrogen))


def test_atoms_on_top_of_one_another_are_named(borate: Atoms) -> None:
    crowded = borate.copy()
    one, other = [atom.index for atom in crowded if atom.symbol == "Li"][:2]
    crowded.positions[other] = crowded.positions[one] + (0.0, 0.0, 0.3)
    with pytest.raises(InputError, match=rf"atoms {one} \(Li\) and {other} \(Li\) are 0.30 angstrom apart"):
        assemble(crowded, "Li2B12H12")


def test_a_pair_inside_the_buckingham_barrier_is_refused(borate: Atoms) -> None:
    """A stronger attraction between hydrogens moves the barrier outwards; two ions are pushed until two lie inside."""
    field = changed("Li2B12H12", lambda t: t["pairs"][2]["buckingham"].update(C=3000.0))
    near = borate.copy()
    symbols = np.array(near.get_chemical_symbols())
    hydrogens = np.flatnonzero(symbols == "H")
    distances = near.get_all_distances(mic=True)[np.ix_(hydrogens, hydrogens)]
    molecule = assemble(near, "Li2B12H12").molecule[hydrogens]
    distances[molecule[:, None] == molecule[None, :]] = np.inf
    i, j = np.unravel_index(np.argmin(distances), distances.shape)
    one, other = int(hydrogens[i]), int(hydrogens[j])
    limit = field.collapse_distance("H", "H")
    assert limit is not None
    vector = near.get_distance(one, other, mic=True, vector=True)
    shift = vector * (1 - 0.9 * min(limit, 1.2) / np.linalg.norm(vector))
    moving = np.flatnonzero(assemble(borate, "Li2B12H12").molecule == assemble(borate, "Li2B12H12").molecule[one])
    near.positions[moving] += shift
    with pytest.raises(InputError, match=r"fall into one another \(Buckingham collapse\)"):
        assemble(near, field)


def test_a_small_cell_is_refused_with_the_supercell_that_will_do() -> None:
    with pytest.raises(InputError, match=r"less than twice the cutoff of 10; repeat it 5 x 3 x 2 times"):
        assemble(load("NH4SCN").structure("monoclinic"), "NH4SCN")


def test_disorder_molecules_and_broken_numbers_are_refused(thiocyanate: Atoms) -> None:
    with pytest.raises(InputError, match="fractional occupancy"):
        assemble(load("NH4SCN").structure("orthorhombic").repeat(4), "NH4SCN")
    with pytest.raises(InputError, match="does not know"):
        assemble(thiocyanate, "Li2B12H12")
    broken = thiocyanate.copy()
    broken.positions[3, 1] = np.nan
    with pytest.raises(InputError, match="not a finite number"):
        assemble(broken, "NH4SCN")
    with pytest.raises(InputError, match="no atoms or no periodic cell"):
        assemble(Atoms("H2", positions=[(0, 0, 0), (0, 0, 0.7)]), "NH4SCN")


def test_a_type_can_depend_on_what_is_bound_to_an_atom() -> None:
    """Formic acid: its two hydrogens and two oxygens differ only by their neighbours."""
    tables = {
        "schema": 1,
        "name": "acid",
        "units": {"energy": "eV", "length": "angstrom", "angle": "deg"},
        "cutoff": 5.0,
        "mixing": "lorentz-berthelot",
        "sources": {"me": {"citation": "made for this test"}},
        "types": {
            name: {
                "element": name[0].upper(),
                "charge": 0.0,
                "lennard_jones": {"rmin_half": 1.5, "epsilon": 0.001},
                "status": "guess",
                "source": "me",
            }
            for name in ("c", "h1", "ho", "o", "oh")
        },
        "molecules": {
            "acid": {
                "formula": {"C": 1, "H": 2, "O": 2},
                "types": {"C": "c", "H": "h1", "H(O)": "ho", "O": "o", "O(CH)": "oh"},
            }
        },
        "bonds": [
            {"types": pair, "k": 20.0, "r0": r0, "status": "guess", "source": "me"}
            for pair, r0 in ((["c", "h1"], 1.1), (["c", "o"], 1.21), (["c", "oh"], 1.33), (["oh", "ho"], 0.98))
        ],
        "torsions": [
            {"types": ["o", "c", "oh", "ho"], "k": 0.1, "n": 2, "phi0": 180.0, "status": "guess", "source": "me"}
        ],
    }
    from ase.build import molecule

    acid = molecule("HCOOH", vacuum=6.0)
    acid.pbc = True
    system = assemble(acid, parse_force_field(tables))
    assert sorted(system.types) == ["c", "h1", "ho", "o", "oh"]
    chain = [system.types[i] for i in system.torsions.atoms[0]]
    assert chain in (["o", "c", "oh", "ho"], ["ho", "oh", "c", "o"])
    assert system.torsions.constants == [(0.1, 2, pytest.approx(np.pi))]


def water(without: str = "") -> tuple[Atoms, Any]:
    """TIP3P: the hydrogens have no Lennard-Jones of their own, the oxygen keeps others away."""
    from ase.build import molecule

    types: dict[str, Any] = {
        "ow": {"element": "O", "charge": -0.834, "lennard_jones": {"rmin_half": 1.7683, "epsilon": 0.1521}},
        "hw": {"element": "H", "charge": 0.417, "lennard_jones": {"rmin_half": 0.0, "epsilon": 0.0}},
    }
    if without:
        del types[without]["lennard_jones"]
    rest = {"status": "published", "source": "jorgensen"}
    tables = {
        "schema": 1,
        "name": "TIP3P",
        "units": {"energy": "kcal/mol", "length": "angstrom", "angle": "deg"},
        "cutoff": 5.0,
        "mixing": "lorentz-berthelot",
        "sources": {"jorgensen": {"citation": "Jorgensen et al., J. Chem. Phys. 79, 926 (1983)"}},
        "types": {name: {**entry, **rest} for name, entry in types.items()},
        "molecules": {"water": {"formula": {"H": 2, "O": 1}, "types": {"O": "ow", "H": "hw"}}},
        "bonds": [{"types": ["ow", "hw"], "k": 553.0, "r0": 0.9572, **rest}],
        "angles": [{"types": ["hw", "ow", "hw"], "k": 100.0, "theta0": 104.52, **rest}],
    }
    one = molecule("H2O")
    one.set_cell([5.0, 5.0, 5.0])
    one.pbc = True
    return one.repeat(2), parse_force_field(tables)


def test_bare_hydrogens_are_kept_apart_by_what_they_are_bound_to() -> None:
    assert assemble(*water()).contents == {"water": 8}
    with pytest.raises(InputError, match=r"no repulsion between (ow and hw|hw and ow)"):
        assemble(*water(without="ow"))


def test_crystals_must_be_periodic_and_molecules_told_apart(borate: Atoms) -> None:
    open_crystal = borate.copy()
    open_crystal.pbc = (True, True, False)
    with pytest.raises(InputError, match="not periodic in all directions"):
        assemble(open_crystal, "Li2B12H12")
    with pytest.raises(InputError, match="two of them have one formula"):
        changed("Li2B12H12", lambda t: t["molecules"].update(Li2=t["molecules"]["Li"]))
    with pytest.raises(InputError, match=r"exclusions.coulomb.2"):
        changed("Li2B12H12", lambda t: t["exclusions"].update(coulomb=[0.0, 0.0, 2.0]))
