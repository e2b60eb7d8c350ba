"""Reading tables, units at the door, and the field inside a magnetised body."""

import numpy as np
import pytest
import scipp as sc
from exact_magnets import axis, magnet

from caloris.errors import InputError
from caloris.heat.magnetocaloric import internal_field, read_table, table

MU0 = 4e-7 * np.pi
GOOD = "NaN 290 300 310\n0 0 0 0\n0.5 30 20 10\n1 50 35 20\n"


def write(folder, text, name="table.txt"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [" ", "\t", ",", ";", " ; "])
def test_separators_give_the_same_table(tmp_path, separator):
    path = write(tmp_path, GOOD.replace(" ", separator))
    found = read_table(path, unit="emu/g")
    assert found.dims == ("field", "temperature")
    assert str(found.unit) == "A*m^2/kg"
    np.testing.assert_allclose(found.values, [[0, 0, 0], [30, 20, 10], [50, 35, 20]])


def test_empty_corner_comments_and_units(tmp_path):
    path = write(tmp_path, "# made for this test\n,290,300\n0,0,0 # no field\n5,1,2\n", "table.csv")
    found = read_table(path, unit="kA/m", field_unit="kOe")
    assert found.values[1, 1] == pytest.approx(2000)
    assert found.coords["field"].values[1] == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("30 20 10", "30 20"), "line 3: has 3 entries, the first row has 4"),
        (GOOD.replace("35", "35,5x"), "line 4"),
        (GOOD.replace("35", "1.234.567"), "line 4: '1.234.567' is no number"),
        (GOOD.replace("35", "nan"), "line 4: 'nan' is not finite"),
        (GOOD.replace("300", "290"), "line 1: temperatures must increase"),
        (GOOD.replace("0.5", "-0.5"), "line 3: the field -0.5 is negative"),
        (GOOD.replace("0.5", "1.5"), "line 4: the field 1 is not above"),
        (GOOD.replace("NaN", "250"), "line 1: begins with the number 250"),
        ("NaN 290\n0 1\n1 2\n", "at least 2 values of temperature"),
        ("NaN 290 300\n0 0 0\n", "at least 2 rows of fields"),
        ("", "has 0 rows"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        read_table(write(tmp_path, text), unit="emu/g")
    assert "\n" not in str(caught.value)


def test_units_must_belong_to_the_quantity(tmp_path):
    path = write(tmp_path, GOOD)
    with pytest.raises(InputError, match="is no unit of heat capacity"):
        read_table(path, "heat_capacity", unit="emu/g")
    with pytest.raises(InputError, match="neither magnetisation"):
        read_table(path, unit="MPa")
    with pytest.raises(InputError, match="heat capacity: must be greater than 0"):
        read_table(path, "heat_capacity", unit="J/kg/K")
    with pytest.raises(InputError, match="cannot read the table"):
        read_table(tmp_path / "absent.txt", unit="emu/g")
    with pytest.raises(InputError, match="field: has the unit K"):
        read_table(path, unit="emu/g", field_unit="K")
    with pytest.raises(InputError, match="does not fit 3 values of field"):
        table(axis("field", [0, 1, 2], "T"), axis("temperature", [1, 2], "K"), np.ones((2, 2)), unit="A/m")


@pytest.mark.parametrize("factor", [0.0, 1 / 3, 1.0])
def test_demagnetising_field_of_a_linear_sphere(factor):
    """M = chi H inside; H_applied = H (1 + N chi)."""
    chi = np.array([3.0, 2.0, 1.0])
    B = np.linspace(0, 2, 41)
    M = chi * B[:, None] / MU0 / (1 + factor * chi)
    inside = internal_field(magnet(B, [290, 300, 310], M, unit="A/m"), factor)
    expected = chi * inside.coords["field"].values[:, None] / MU0
    np.testing.assert_allclose(inside.values, expected, rtol=1e-6, atol=1e-3)


def test_domains_keep_the_internal_field_at_zero_and_leave_the_spontaneous_magnetisation():
    """Soft ferromagnet: M = H_applied / N up to Ms; inside, M is Ms from zero field on."""
    N, Ms = 1 / 3, np.array([8e5, 6e5])
    B = np.linspace(0, 1, 101)
    M = np.minimum(B[:, None] / MU0 / N, Ms)
    inside = internal_field(magnet(B, [250, 260], M, unit="A/m"), N)
    assert inside.coords["field"].values[0] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(inside.values[1:], np.broadcast_to(Ms, (100, 2)), rtol=0.02)
    np.testing.assert_allclose(inside.values[20:], np.broadcast_to(Ms, (81, 2)), rtol=1e-9)
    with pytest.raises(InputError, match="it is too large"):
        internal_field(magnet(B, [250, 260], M, unit="A/m"), 0.6)


def test_demagnetising_factor_and_density_are_checked():
    B = np.linspace(0, 1, 5)
    M = magnet(B, [290, 300], np.outer(B, [1.0, 1.0]))
    with pytest.raises(InputError, match="between 0 and 1"):
        internal_field(M, 1.5, density="7000 kg/m^3")
    with pytest.raises(InputError, match="density: is needed"):
        internal_field(M, 0.3)
    same = internal_field(M, 0.3, density="7000 kg/m^3")
    assert same.unit == sc.Unit("A*m^2/kg")


def test_errors_of_the_magnetisation_grow_by_the_shear():
    """At fixed internal field dM = dM_measured (1 + N chi)."""
    chi, N = 2.0, 0.5
    B = np.linspace(0, 1, 5)
    M = np.outer(B, [1.0, 1.0]) * chi / MU0 / (1 + N * chi)
    inside = internal_field(magnet(B, [290, 300], M, unit="A/m", errors=np.full((5, 2), 10.0)), N)
    np.testing.assert_allclose(np.sqrt(inside.variances), 10.0 * (1 + N * chi), rtol=1e-6)
