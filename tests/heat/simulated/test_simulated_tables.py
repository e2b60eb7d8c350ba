"""What is said of tables that cannot be used: one line, naming the entry and the point."""

import numpy as np
import pytest
import scipp as sc
from exact_simulations import material, simulate

from caloris.errors import InputError
from caloris.heat.simulated import analyse, from_campaign
from caloris.heat.simulated.table import table_of

MODEL = material(1, 10.0)
T = np.arange(300.0, 440.0, 10.0)


def table(**options):
    return simulate(MODEL, (0.0, 50.0, 100.0), T, **options)


class Campaign:
    """Anything that has a table."""

    def __init__(self, found):
        self.found = found

    def table(self):
        return self.found


def test_a_campaign_is_asked_for_its_table():
    direct, asked = from_campaign(table()), from_campaign(Campaign(table()))
    np.testing.assert_array_equal(direct.entropy_change("100 MPa").values, asked.entropy_change("100 MPa").values)


def test_a_data_group_in_other_units_and_order_is_the_same_table():
    given = table(volume=1e-7, enthalpy=200)
    other = sc.DataGroup(
        {
            "specific_volume": given["specific_volume"]
            .to(unit="cm^3/g")
            .transpose(["temperature", "history", "pressure"]),
            "specific_enthalpy": given["specific_enthalpy"].to(unit="kJ/kg"),
            "diffusion_coefficient": sc.scalar(1.0),
        }
    )
    for name in ("specific_volume", "specific_enthalpy"):
        p = other[name].coords["pressure"].to(unit="GPa")
        data = other[name].assign_coords(pressure=p)
        other[name] = sc.concat([data["pressure", k] for k in (2, 0, 1)], "pressure")
    a, b = table_of(given), table_of(other)
    assert [bar.name for bar in a.isobars] == [bar.name for bar in b.isobars]
    for x, y in zip(a.isobars, b.isobars, strict=True):
        np.testing.assert_allclose(x.volume, y.volume, rtol=1e-12)
        np.testing.assert_allclose(x.enthalpy_error, y.enthalpy_error, rtol=1e-12)


def test_a_table_without_histories_is_one_of_equilibrium():
    given = simulate(MODEL, (0.0, 50.0), T, ("equilibrium",))
    plain = sc.Dataset({k: v.drop_coords(["history"]) for k, v in given["history", 0].copy().items()})
    assert table_of(plain).histories == ("equilibrium",)


def test_masked_points_are_left_out_whatever_they_hold():
    given = table()
    hole = sc.zeros(sizes=given.sizes, dtype=bool)
    hole.values[0, 1, 3] = hole.values[1, 2, 7] = True
    for name in ("specific_volume", "specific_enthalpy"):
        given[name].values[hole.values] = np.nan
    given["specific_volume"].masks["failed"] = hole
    given["specific_enthalpy"].masks["failed"] = hole
    found = table_of(given)
    assert found.masked == 2
    assert sorted(len(bar.temperature) for bar in found.isobars) == [13, 13, 14, 14, 14, 14]
    assert any("2 points of the grid are masked" in line for line in analyse(given, draws=0).warnings())


def test_a_point_without_an_error_makes_the_scatter_give_them_all():
    given = table(volume=2e-7, enthalpy=300)
    given["specific_volume"].variances[0, 1, 4] = np.nan
    result = analyse(given, draws=50)
    assert any("the table gives no errors" in line for line in result.warnings())
    known = analyse(table(volume=2e-7, enthalpy=300), draws=50)
    for name in ("enthalpy of transition, 50 MPa, heating", "volume of transition, 50 MPa, heating"):
        ratio = result.headline[name].error / known.headline[name].error
        assert 0.5 < ratio < 2.0


def changed(change):
    given = table()
    found = change(given)
    return given if found is None else found


def set_value(given, name, value):
    given[name].values[0, 1, 4] = value


WRONG = {
    "no volume": (lambda t: t.__delitem__("specific_volume"), "no 'specific_volume'; it holds specific_enthalpy"),
    "nan": (
        lambda t: set_value(t, "specific_volume", np.nan),
        "specific_volume at 50 MPa, 340 K .heating. is not finite; mask",
    ),
    "negative": (lambda t: set_value(t, "specific_volume", -1.0), "specific_volume at 50 MPa .* greater than 0"),
    "unit": (lambda t: t["specific_enthalpy"].__setattr__("unit", "kJ/mol"), "specific_enthalpy in .*mol.*J/kg"),
    "one pressure": (lambda t: t["pressure", :1].copy(), "two pressures or more with results, found 1"),
    "history": (
        lambda t: t.assign_coords(history=sc.array(dims=["history"], values=["up", "cooling"])),
        "history 'up' is none of 'heating'",
    ),
    "mixed": (
        lambda t: t.assign_coords(history=sc.array(dims=["history"], values=["heating", "equilibrium"])),
        "one kind of table",
    ),
    "no coordinate": (lambda t: t.drop_coords(["temperature"]), "needs the dimension 'temperature' with a coordinate"),
    "twice": (
        lambda t: t.assign_coords(temperature=sc.array(dims=["temperature"], values=np.r_[300.0, T[:-1]], unit="K")),
        "the same temperature stands twice",
    ),
    "one phase": (lambda t: t["temperature", :4].copy(), "no transition at any pressure between 300 and 330 K"),
}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(case):
    change, words = WRONG[case]
    with pytest.raises(InputError, match=words) as caught:
        from_campaign(changed(change))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": "cubic"}, "shape: 'cubic' is none of auto"),
        ({"draws": 7}, "draws: expected 0"),
        ({"seed": -1}, "seed"),
        ({"heat_capacity": "4100 K"}, "heat_capacity.*unit K"),
        ({"heat_capacity_correction": sc.scalar(1.0)}, "heat_capacity_correction: expected a data array"),
        ({"heat_capacity_correction": {"low": None}}, "keys 'low' and 'high'"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        analyse(table(), **options)


def test_no_table_is_no_table():
    for wrong in (None, 3, [1.0], "lbh.csv"):
        with pytest.raises(InputError, match="expected a scipp Dataset"):
            from_campaign(wrong)


def test_an_extra_dimension_must_be_chosen_from():
    given = table()
    wide = {name: sc.concat([given[name], given[name]], "size") for name in given}
    with pytest.raises(InputError, match="dimension 'size' of length 2; choose one"):
        from_campaign(wide)
    effect = from_campaign({name: data["size", :1] for name, data in wide.items()})
    assert not effect.surfaces.is_inverse


def test_an_enthalpy_that_falls_on_heating_is_a_warning_with_the_place():
    given = table(volume=1e-7, enthalpy=100)
    given["specific_enthalpy"].values[0, 1, 2] -= 30e3
    words = [line for line in analyse(given, draws=0).warnings() if "the enthalpy falls from" in line]
    assert len(words) == 1
    assert words[0].startswith("50 MPa, heating: the enthalpy falls from 310 to 320 K by")
