"""Force fields: the published numbers in eV and angstrom, and what a wrong file says."""

import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caloris.errors import InputError
from caloris.materials import available_force_fields, load, load_force_field
from caloris.materials.force_field_files import parse_force_field

KJ = 1 / 96.48533212331  # eV
KCAL = 4.184 * KJ

LIBRARY = Path(load_force_field.__code__.co_filename).parent / "force_fields"


def tables(name: str) -> dict[str, Any]:
    return tomllib.loads((LIBRARY / f"{name}.toml").read_text(encoding="utf-8"))


def test_li2b12h12_has_the_numbers_of_the_supplement() -> None:
    field = load_force_field("Li2B12H12")
    assert field.types["Li"].charge == 0.85
    assert field.types["H"].charge == pytest.approx(-0.1417, abs=5e-5)
    term = field.pair_term("H", "H")
    assert term is not None
    assert term.parameters == pytest.approx((209905.0 * KJ, 0.2085, 418.4 * KJ), rel=1e-9)
    assert field.pair_term("B", "Li") == field.pair_term("Li", "B")
    assert field.pair_term("Li", "Li") is None  # only a rho is printed, so A is zero
    assert field.angle_term("H", "B", "B") == pytest.approx((83.7 * KJ, 2.0944))
    assert field.angle_term("B", "H", "B") is None  # as printed; no icosahedron has it


def test_reading_the_half_as_printed_halves_the_harmonic_terms_and_nothing_else() -> None:
    whole = load_force_field("Li2B12H12")
    half = whole.with_harmonic("K/2")
    assert half.bond_term("B", "B") == pytest.approx((0.5 * 125.0 * KJ, 1.79))
    assert half.angle_term("B", "B", "H") == pytest.approx((0.5 * 83.7 * KJ, 2.0944))
    assert half.pair_term("H", "H") == whole.pair_term("H", "H")


def test_the_constants_of_the_supplement_are_round_in_kcal() -> None:
    """The remark that the 1/2 is a misprint rests on this: k in kcal/mol is 230, 20, 97 (C of B-B) and 100."""
    field = load_force_field("Li2B12H12")
    bond, angle = field.bond_term("B", "H"), field.angle_term("H", "B", "B")
    boron, hydrogen = field.pair_term("B", "B"), field.pair_term("H", "H")
    assert bond
    assert angle
    assert boron
    assert hydrogen
    found = (bond[0], angle[0], boron.parameters[2], hydrogen.parameters[2])
    assert [value / KCAL for value in found] == pytest.approx([230, 20, 97, 100], rel=5e-4)


def test_b_h_stretch_tells_the_two_readings_apart() -> None:
    """nu = sqrt(2 k/mu)/(2 pi c) for U = k (r - r0)^2: 2429 1/cm, and 1717 with the printed 1/2."""
    reduced = 11.0 * 1.008 / (11.0 + 1.008)  # u; boron 11
    for harmonic, expected in (("K", 2429.0), ("K/2", 1717.0)):
        term = load_force_field("Li2B12H12").with_harmonic(harmonic).bond_term("B", "H")  # type: ignore[arg-type]
        assert term
        omega = math.sqrt(2 * term[0] * 1.602176634e-19 / 1e-20 / (reduced * 1.66053907e-27))
        assert omega / (2 * math.pi * 2.99792458e10) == pytest.approx(expected, rel=0.02)


def test_lorentz_berthelot_fills_the_pairs_of_gaff() -> None:
    field = load_force_field("NH4SCN")
    term = field.pair_term("n4", "ss")
    assert term is not None
    epsilon, sigma = term.parameters
    assert epsilon == pytest.approx(math.sqrt(0.17 * 0.25) * KCAL)
    assert sigma * 2 ** (1 / 6) == pytest.approx(1.824 + 2.0)
    assert term.energy(1.824 + 2.0) == pytest.approx(-epsilon)


def test_the_ions_of_both_force_fields_carry_whole_charges_or_neutral_crystals() -> None:
    nh4scn = load_force_field("NH4SCN").types
    assert nh4scn["n4"].charge + 4 * nh4scn["hn"].charge == pytest.approx(1.0)
    assert sum(nh4scn[name].charge for name in ("ss", "c1", "n1")) == pytest.approx(-1.0)
    lbh = load_force_field("Li2B12H12").types
    assert 2 * lbh["Li"].charge + 12 * lbh["H"].charge == pytest.approx(0.0, abs=1e-12)


def test_collapse_distance_is_the_maximum_of_the_pair_energy() -> None:
    field = load_force_field("Li2B12H12")
    found = field.collapse_distance("H", "H")
    term = field.pair_term("H", "H")
    assert found is not None
    assert term is not None
    charge = field.types["H"].charge ** 2 * 14.399645

    def energy(r: float) -> float:
        return term.energy(r) + charge / r

    assert energy(found) > energy(found * 0.97)
    assert energy(found) > energy(found * 1.03)


def test_units_of_a_file_do_not_change_the_physics() -> None:
    given = tables("Li2B12H12")
    given["units"] = {"energy": "kJ/mol", "length": "nm", "angle": "deg"}
    given["cutoff"] /= 10
    for pair in given["pairs"]:
        term = pair["buckingham"]
        if "rho" in term:
            term["rho"] /= 10
        term["C"] = term.get("C", 0.0) * 1e-6
    for bond in given["bonds"]:
        bond["k"], bond["r0"] = bond["k"] * 100, bond["r0"] / 10
    for angle in given["angles"]:
        angle["theta0"] = math.degrees(angle["theta0"])
    other, field = parse_force_field(given), load_force_field("Li2B12H12")
    assert other.cutoff_radius == pytest.approx(field.cutoff_radius)
    assert other.bond_term("B", "H") == pytest.approx(field.bond_term("B", "H"))
    assert other.angle_term("H", "B", "B") == pytest.approx(field.angle_term("H", "B", "B"))
    one, two = other.pair_term("H", "H"), field.pair_term("H", "H")
    assert one
    assert two
    assert one.parameters == pytest.approx(two.parameters)


def test_cards_name_their_force_fields() -> None:
    assert load("NH4SCN").force_field.name == "NH4SCN"
    with pytest.raises(InputError, match="NH4I: the card names no force field"):
        _ = load("NH4I").force_field


Change = Callable[[dict[str, Any]], Any]

WRONG: list[tuple[Change, str]] = [
    (lambda t: t["pairs"][0].update(types=["Li", "X"]), r"pairs\[0\]: type 'X' is not among"),
    (lambda t: t["pairs"][0].update(source="nobody"), r"pairs\[0\]: source 'nobody' is not among"),
    (lambda t: t["pairs"][0].update(lennard_jones={"rmin_half": 1.0, "epsilon": 0.1}), "either buckingham or lennard"),
    (lambda t: t["pairs"][0]["buckingham"].pop("rho"), "A > 0 needs a rho"),
    (lambda t: t["pairs"].append(t["pairs"][0]), "Li-B is listed twice|B-Li is listed twice"),
    (lambda t: t["bonds"][0].update(k=-1.0), "bonds.0.k"),
    (lambda t: t["bonds"][0].update(k=math.nan), "bonds.0.k"),
    (lambda t: t["units"].update(energy="erg"), "units.energy"),
    (lambda t: t["molecules"]["Li"]["types"].update(Li="B"), "type 'B' is B, not Li"),
    (lambda t: t.update(cutof=3.0), "cutof: is not a field"),
    (lambda t: t.pop("schema"), "schema: is missing"),
    (lambda t: t["types"]["Li"].pop("charge"), "types.Li.charge: is missing"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_wrong_force_field_names_the_field(change: Change, message: str) -> None:
    given = tables("Li2B12H12")
    change(given)
    with pytest.raises(InputError, match=message) as caught:
        parse_force_field(given, "mine.toml")
    assert "\n" not in str(caught.value)


def test_unknown_force_field_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="no force field 'tip4p': the library has Li2B12H12, NH4SCN"):
        load_force_field("tip4p")
    with pytest.raises(InputError, match="expected its name or path"):
        load_force_field(3)  # type: ignore[arg-type]
    assert available_force_fields() == ["Li2B12H12", "NH4SCN"]
