"""The account of a protocol: stages, repeated cycles, storage before the release, and what the reader is warned of."""

import dataclasses

import numpy as np
import pytest
import scipp as sc

from caloris.errors import InputError
from caloris.heat import Battery, Cycle, Geometry, TwoPhase, caloric_effect, hold, parse_protocol, press
from caloris.heat.battery.ledger import cycle_numbers, stages
from caloris.heat.battery.protocol import Step
from caloris.materials import Material, load

COARSE = {"geometry": Geometry(cells=4), "tolerance": 0.02}
CHARGE = ["Press to 90 MPa in 10 s", "Hold until heat flow < 0.5 mW/g"]
STORE = ["Cool to 313 K at 6 K/min", "Hold until heat flow < 0.5 mW/g"]
DISCHARGE = ["Release to 8.2 MPa in 10 s", "Hold until heat flow < 0.5 mW/g"]
RETURN = ["Heat to 349 K at 6 K/min", "Hold until heat flow < 0.5 mW/g"]
START = "Start at 349 K and 8.2 MPa"


def nh4scn(steps: list[str], **options: object) -> Cycle:
    return Battery("NH4SCN", **{**COARSE, **options}).run(steps)


@pytest.fixture(scope="module")
def once() -> Cycle:
    return nh4scn([START, *CHARGE, *STORE, *DISCHARGE])


@pytest.fixture(scope="module")
def twice() -> Cycle:
    return nh4scn([START, *CHARGE, *STORE, *DISCHARGE, *RETURN, *CHARGE, *STORE, *DISCHARGE])


def conventional(tmp_path, **changes: str) -> Material:
    """A synthetic conventional material: dT/dp = 0.4 K/MPa, 310 K on heating, 300 K on cooling."""
    expansion = changes.get("expansion", "")
    path = tmp_path / "conventional.toml"
    path.write_text(
        f"""
schema = 1
name = "synthetic"
[sources.none]
citation = "synthetic"
[phases.low]
density = {{ value = 1200, unit = "kg/m^3", status = "guess", source = "none" }}
heat_capacity = {{ value = 1500, unit = "J/kg/K", status = "guess", source = "none" }}
thermal_conductivity = {{ value = 0.3, unit = "W/m/K", status = "guess", source = "none" }}
{expansion}
[phases.high]
heat_capacity = {{ value = 1600, unit = "J/kg/K", status = "guess", source = "none" }}
{expansion}
[transitions.t]
low = "low"
high = "high"
pressure = {{ value = 0.1, unit = "MPa", status = "guess", source = "none" }}
temperature_heating = {{ value = 310, unit = "K", status = "guess", source = "none" }}
{changes.get("cooling", 'temperature_cooling = { value = 300, unit = "K", status = "guess", source = "none" }')}
entropy_change = {{ value = 200, unit = "J/kg/K", status = "guess", source = "none" }}
volume_change = {{ value = 8e-5, unit = "m^3/kg", status = "guess", source = "none" }}
""",
        encoding="utf-8",
    )
    return load(path)


def test_stages_follow_the_physics_of_an_inverse_material():
    protocol = parse_protocol(
        ["Start at 300 K and 8.2 MPa", *RETURN, *CHARGE, *STORE, *DISCHARGE, "Cool to 300 K in 1 h"]
    )
    assert stages(protocol) == ["before"] * 2 + ["charge"] * 2 + ["storage"] * 2 + ["discharge"] * 2 + ["return"]


def test_heating_after_a_discharge_is_the_way_back():
    protocol = parse_protocol([START, *CHARGE, *STORE, *DISCHARGE, *RETURN])
    assert stages(protocol)[-2:] == ["return", "return"]


def test_a_charge_begins_a_cycle_and_its_discharge_closes_it():
    assert cycle_numbers(["discharge", "return", "charge", "storage", "discharge"]) == [-1, -1, 0, 0, 0]
    assert cycle_numbers(["charge", "storage", "charge", "discharge"]) == [0, 0, 0, 0]
    assert cycle_numbers(["charge", "discharge", "charge", "discharge", "charge"]) == [0, 0, 1, 1, 2]


def test_without_a_charge_that_is_discharged_later_a_discharge_begins_the_cycle():
    assert cycle_numbers(["discharge", "charge", "storage"]) == [0, 0, 0]
    assert cycle_numbers(["before", "discharge"]) == [-1, 0]
    assert cycle_numbers(["before", "before"]) == [-1, -1]


def test_heating_under_pressure_charges_and_cooling_begins_the_storage():
    protocol = parse_protocol(["Start at 300 K and 8.2 MPa", *CHARGE, *RETURN, *STORE, *DISCHARGE])
    assert stages(protocol) == ["charge"] * 4 + ["storage"] * 2 + ["discharge"] * 2


def test_charging_by_warming_under_pressure_counts_as_charged(once):
    cycle = nh4scn(["Start at 300 K and 8.2 MPa", *CHARGE, *RETURN, *STORE, *DISCHARGE])
    sensible = 49 * 1.59
    assert cycle.heat.charged.value == pytest.approx(once.heat.stored.value + sensible, rel=0.01)
    assert cycle.heat.lost_latent.value == pytest.approx(0.0, abs=1e-6)


def test_cooling_after_the_discharge_is_not_discharged_heat(once):
    cooled = nh4scn([START, *CHARGE, *STORE, *DISCHARGE, "Cool to 298 K at 6 K/min", "Hold for 10 min"])
    assert cooled.heat.discharged.value == pytest.approx(once.heat.discharged.value, rel=1e-6)
    assert cooled.discharge_times["t90"].value == pytest.approx(once.discharge_times["t90"].value, rel=1e-6)
    assert cooled.heat.returned.value < -20


def test_margin_is_that_of_the_coldest_storage(once):
    warmed = nh4scn([START, *CHARGE, *STORE, "Heat to 330 K at 6 K/min", "Hold for 10 min", *DISCHARGE])
    assert warmed.storage["storage_temperature"].value == pytest.approx(313.0)
    assert warmed.storage["leak_margin"].value == pytest.approx(once.storage["leak_margin"].value)
    assert any("metastable" in text for text in warmed.warnings)


def test_a_release_in_two_stages_adds_up_over_a_return():
    steps = ["Release to 60 MPa in 10 s", "Hold for 10 min", "Heat to 320 K at 6 K/min", "Hold for 5 min"]
    cycle = nh4scn([START, *CHARGE, *STORE, *steps, *DISCHARGE])
    assert cycle.discharge.values[-1] == pytest.approx(cycle.heat.discharged.value)


def test_charge_that_did_not_happen_is_said_without_a_discharge_too():
    cycle = nh4scn(["Press from 8.2 to 40 MPa at 349 K in 10 s", "Hold for 10 min"])
    assert any("Nothing was charged" in text for text in cycle.warnings)


def test_a_short_press_after_a_long_hold_is_not_lost():
    cycle = nh4scn(["Start at 349 K and 8.2 MPa", "Hold for 300 h", "Press to 90 MPa in 1e-6 s", "Hold for 10 min"])
    alone = nh4scn(["Press from 8.2 to 90 MPa at 349 K in 1e-6 s", "Hold for 10 min"])
    assert cycle.steps[1].work == pytest.approx(alone.steps[0].work, rel=0.01)
    assert cycle.heat.charged.value == pytest.approx(alone.heat.charged.value, rel=0.01)


def test_a_small_pellet_in_perfect_contact_is_cooled_in_few_steps():
    battery = Battery(
        "NH4SCN",
        contact_conductance="perfect",
        geometry=Geometry(radius="30 um", height="60 um", wall="30 um", cells=4),
    )
    cycle = battery.run(["Start at 349 K and 8.2 MPa", "Cool to 313 K at 3 K/min"])
    assert len(cycle.columns["time"]) < 500
    assert cycle.heat_flow.values[-1] == pytest.approx(-1590 * 3 / 60, rel=1e-3)


def test_two_edges_of_the_transition_at_one_time_are_one_stop():
    overrides = {"temperature_cooling": "364 K", "slope_heating": "-0.29526 K/MPa"}
    cycle = nh4scn(["Press from 0.1 to 90 MPa at 349 K in 1e-3 s", "Hold for 10 min"], overrides=overrides)
    assert cycle.fraction.values[-1] == pytest.approx(1.0, abs=1e-6)


def test_repeated_cycles_are_not_added_up(once, twice):
    assert twice.cycles == 2
    assert twice.heat.charged.value == pytest.approx(once.heat.charged.value, rel=0.01)
    assert twice.heat.discharged.value == pytest.approx(once.heat.discharged.value, rel=0.01)
    assert twice.discharge_times["t90"].value == pytest.approx(once.discharge_times["t90"].value, rel=0.05)
    for name, entry in once.efficiencies.items():
        assert twice.efficiencies[name].value == pytest.approx(entry.value, rel=0.03), name
    assert any("2 cycles" in text for text in twice.warnings)


def test_heat_of_the_way_back_counts_in_the_round_trip(once):
    back = nh4scn([START, *CHARGE, *STORE, *DISCHARGE, *RETURN])
    assert back.heat.returned.value == pytest.approx(once.heat.reheat.value, rel=0.01)
    assert back.heat.reheat.value == pytest.approx(0.0, abs=0.05)
    assert back.efficiencies["round_trip"].value == pytest.approx(once.efficiencies["round_trip"].value, rel=0.01)


def test_heating_up_before_the_first_pressing_is_not_a_loss(once):
    preheated = nh4scn(["Start at 330 K and 8.2 MPa", *RETURN, *CHARGE, *STORE, *DISCHARGE])
    assert preheated.heat.lost.value == pytest.approx(once.heat.lost.value, rel=0.01)
    assert preheated.heat.reheat.value == pytest.approx(once.heat.reheat.value, rel=0.01)


def test_the_store_of_a_conventional_material_is_what_stands_before_it_is_pressed(tmp_path):
    card = conventional(tmp_path)
    steps = ["Start at 320 K and 0.1 MPa", "Press to 120 MPa in 10 s", "Hold for 30 min", "Release to 0.1 MPa in 10 s"]
    cycle = Battery(card, **COARSE).run([*steps, "Hold for 30 min"])
    model = TwoPhase.from_material(card)
    assert cycle.storage["hold_pressure"].value == pytest.approx(0.1)
    assert cycle.heat.stored.value == pytest.approx(float(model.delta_enthalpy(320.0, 0.1e6)) / 1e3, rel=1e-9)
    assert cycle.heat.discharged.value > 60
    assert cycle.work.input.value > cycle.work.output.value  # a cycle with hysteresis takes work
    assert cycle.efficiencies["exergy"].value < 1


def test_nothing_charged_is_said():
    cycle = nh4scn(["Press from 8.2 to 20 MPa at 349 K in 10 s", "Hold for 10 min", *DISCHARGE])
    assert any("Nothing was charged" in text for text in cycle.warnings)
    assert not any("transformed back" in text for text in cycle.warnings)


def test_partial_charge_is_said():
    cycle = nh4scn([START, *CHARGE[:1], "Hold for 20 s", "Cool to 313 K at 60 K/min", "Hold for 5 min", *DISCHARGE])
    assert any("% of the material was charged" in text for text in cycle.warnings)


def test_release_that_does_not_bring_the_material_back_is_said():
    cycle = nh4scn([START, *CHARGE, "Release to 8.2 MPa in 10 s", "Hold for 10 min"])
    assert any("100 % of the material is still charged" in text for text in cycle.warnings)


def test_discharge_that_is_cut_short_is_said():
    cycle = nh4scn([START, *CHARGE, *STORE, "Release to 8.2 MPa in 10 s", "Hold for 30 s"])
    assert any("cut short" in text for text in cycle.warnings)


def test_another_transition_of_the_card_on_the_way_is_said():
    cycle = nh4scn([START, "Heat to 400 K at 20 K/min"])
    assert any("passes 390 K" in text and "orthorhombic-tetragonal" in text for text in cycle.warnings)


def test_a_hold_does_not_end_where_the_heat_flow_only_passes_zero():
    """With a slow transition and expansion the flow first leaves (adiabatic heating), then turns round."""
    cycle = nh4scn(
        ["Press from 8.2 to 90 MPa at 349 K in 2 s", "Hold until heat flow < 2 mW/g"], relaxation_time="10 min"
    )
    assert cycle.fraction.values[-1] > 0.95  # what still transforms then absorbs 2 mW/g: 1 - x = 2 * 600 / 43000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"transition_width": "20 K"}, "transition_width: has no effect"),
        ({"relaxation_time": "600 s"}, "relaxation_time: has no effect"),
        ({"overrides": {"volume_change": "-2e-5 m^3/kg"}}, "volume_change: has no effect"),
        ({"overrides": {"temperature_heating": "360 K"}}, "temperature_heating: has no effect"),
    ],
)
def test_options_that_eq_12_ignores_are_refused(options, says):
    with pytest.raises(InputError, match=says):
        Battery("NH4SCN", transition="paper", **options)


def test_eq_12_is_refused_for_another_material(tmp_path):
    with pytest.raises(InputError, match="hold for NH4SCN, not for synthetic"):
        Battery(conventional(tmp_path), transition="paper")


def test_unknown_hysteresis_makes_reversible_values_an_upper_bound(tmp_path):
    card = conventional(tmp_path, cooling="")
    effect = caloric_effect(card)
    assert effect.merits("50 MPa")["reversible_entropy_change"].reversibility == "upper bound"
    assert any("hysteresis: not known" in text for text in effect.warnings("50 MPa"))
    assert any("hysteresis: not known" in text for text in Battery(card).assumptions())


def test_missing_density_is_refused_for_a_battery_only():
    card = load("NH4I")
    assert caloric_effect(card).merits("40 MPa")["entropy_change"].value.value == pytest.approx(71.0)
    with pytest.raises(InputError, match="has no density"):
        Battery(card, conductivity="1 W/m/K")


def test_every_override_is_listed_among_the_assumptions():
    battery = Battery("NH4SCN", overrides={"slope_cooling": "-0.25 K/MPa"}, relaxation_time="5 s")
    assert "slope cooling: -0.25 K/MPa, set for this run" in battery.assumptions()
    assert any("relaxation time of the transition: 5 s, set for this run" in line for line in battery.assumptions())
    assert not any("Clausius-Clapeyron" in line and "cooling" in line for line in battery.assumptions())


def test_elastic_background_does_not_count_in_the_width(tmp_path):
    """The transition's own width is the shift of its branch, whatever the phases' expansion."""
    expansion = 'thermal_expansion = { value = 4e-4, unit = "1/K", status = "guess", source = "none" }'
    with_expansion = caloric_effect(conventional(tmp_path, expansion=expansion)).merits("50 MPa")
    without = caloric_effect(conventional(tmp_path)).merits("50 MPa")
    model = TwoPhase.from_material(conventional(tmp_path))
    shift = model.transition_temperature(50e6, "cooling") - model.transition_temperature(0.1e6, "cooling")
    assert without["width"].value.value == pytest.approx(float(shift), rel=1e-6)
    for name in ("width", "integrated_entropy_change", "relative_cooling_power"):
        assert with_expansion[name].value.value == pytest.approx(without[name].value.value, rel=0.02), name
    assert with_expansion["entropy_change"].value.value > without["entropy_change"].value.value + 10


def test_temperature_averaged_entropy_change_of_a_rectangle():
    effect = caloric_effect(load("NH4SCN"))
    width = 0.3003 * 19.9
    tec = effect.merits("20 MPa")["tec_10K"].value
    assert tec.value == pytest.approx(128.7 * width / 10, rel=1e-3)
    assert effect.merits("60 MPa")["tec_10K"].value.value == pytest.approx(128.7, rel=1e-6)


def test_coefficient_of_performance_by_hand():
    cop = caloric_effect(load("NH4SCN")).merits("100.1 MPa")["coefficient_of_performance"].value
    assert cop.value == pytest.approx(349.5 * 128.7 / (100e6 * 3.8e-5), rel=1e-9)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Step(kind="press"), "needs where to and how fast"),
        (lambda: Step(kind="explode", duration=1.0), "'explode' is none of"),
        (lambda: dataclasses.replace(hold("10 s"), duration=-1.0), "must be greater than 0"),
        (lambda: press("90 MPa", duration="1e-9 s"), "is shorter than"),
        (lambda: caloric_effect(5), "expected a card, its name or its path"),
        (lambda: load(None), "expected the name or the path"),
        (lambda: Battery("NH4SCN", overrides=["a"]), "expected a dictionary"),
    ],
)
def test_wrong_objects_are_refused_in_one_line(make, says):
    with pytest.raises(InputError, match=says) as error:
        make()
    assert "\n" not in str(error.value)


def test_words_of_a_changed_step_follow_its_numbers():
    assert dataclasses.replace(hold("10 s"), duration=99.0).words == "Hold for 1.65 min"


def test_a_press_of_a_microsecond_runs():
    cycle = nh4scn(["Press from 8.2 to 90 MPa at 349 K in 1e-6 s", "Hold until heat flow < 1 mW/g"])
    assert cycle.fraction.values[-1] == pytest.approx(1.0, abs=1e-6)
    assert cycle.first_law_residual < 1e-9


def test_degrees_celsius_are_kelvin_in_differences_and_rates():
    assert Battery("NH4SCN", transition_width="0.5 degC").transition_model.width == pytest.approx(0.5)
    protocol = parse_protocol(["Start at 76 degC and 8.2 MPa", "Cool to 40 degC at 3 °C/min"])
    assert protocol.steps[0].rate == pytest.approx(0.05)
    assert protocol.temperature == pytest.approx(349.15)


def test_json_energies_of_the_steps_carry_units(once):
    first = once.to_json()["steps"][1]
    assert first["heat"]["unit"] == "J/g"
    total = sum(step["heat"]["value"] for step in once.to_json()["steps"] if step["stage"] == "charge")
    assert total == pytest.approx(once.heat.charged.value)
    assert once.to_json()["efficiencies"]["round_trip"]["unit"] == "dimensionless"


def test_discharge_curve_ends_at_the_discharged_heat(once):
    assert once.discharge.values[-1] == pytest.approx(once.heat.discharged.value)
    assert once.discharge.unit == sc.Unit("J/g")


def test_a_pellet_that_is_charged_from_the_start_is_said_and_gives_no_ratio():
    cycle = nh4scn(["Press from 8.2 to 90 MPa at 380 K in 10 s", "Hold for 10 min", *STORE, *DISCHARGE])
    assert any("was in the charged phase already" in text for text in cycle.warnings)
    assert "cycle_efficiency" not in cycle.efficiencies
    assert "exergy" not in cycle.efficiencies


def test_a_store_below_its_leak_pressure_is_said_to_leak():
    cycle = nh4scn([START, *CHARGE, *STORE, *DISCHARGE], overrides={"volume_change": "-2.8e-5 m^3/kg"})
    model = TwoPhase.from_material(load("NH4SCN"), volume_change="-2.8e-5 m^3/kg")
    assert cycle.storage["leak_pressure"].value == pytest.approx(model.transition_pressure(312.9, "cooling") / 1e6)
    assert cycle.storage["leak_margin"].value < 0
    assert any("of latent heat left during storage" in text for text in cycle.warnings)


def test_sensible_heat_in_a_discharge_is_said():
    steps = [START, *CHARGE, "Cool to 313 K at 6 K/min", "Release to 8.2 MPa in 10 s", "Hold for 20 min"]
    cycle = nh4scn(steps)
    row = cycle.release_row
    warm = cycle.columns["mean_temperature"][row] - 313.0
    assert warm > 1
    assert any(f"The pellet was {warm:.3g} K away from the wall" in text for text in cycle.warnings)


def test_published_work_is_used_only_near_its_pressure(once):
    assert once.efficiencies["published_efficiency"].value == pytest.approx(0.92, abs=0.005)
    far = nh4scn(["Press from 8.2 to 200 MPa at 349 K in 10 s", "Hold for 10 min", *STORE, *DISCHARGE])
    assert "published_efficiency" not in far.efficiencies


def test_results_show_themselves_in_a_line(once):
    for shown in (repr(once), repr(once.steps[0]), repr(load("NH4SCN")), repr(caloric_effect("NH4SCN"))):
        assert len(shown) < 250
    assert f"charged {once.heat.charged.value:.4g} J/g" in repr(once)


def test_entropy_change_that_is_extrapolated_through_heat_capacities_is_said(tmp_path):
    effect = caloric_effect(conventional(tmp_path))
    assert not any("off the card's" in text for text in effect.warnings("50 MPa"))
    assert any("off the card's" in text for text in effect.warnings("600 MPa"))


def test_grading_resolves_the_first_seconds_and_leaves_the_rest_alone():
    options = {"contact_conductance": "1000 W/m^2/K", "tolerance": 0.005}
    fine = nh4scn([START, *CHARGE], geometry=Geometry(cells=24, grading=0.6), **options)
    errors = {}
    for grading in (0.0, 0.6):
        cycle = nh4scn([START, *CHARGE], geometry=Geometry(cells=8, grading=grading), **options)
        assert cycle.heat.charged.value == pytest.approx(fine.heat.charged.value, rel=1e-3)
        time = fine.heat_flow.coords["time"].values
        flow = np.interp(time, cycle.heat_flow.coords["time"].values, cycle.heat_flow.values)
        errors[grading] = np.abs(flow - fine.heat_flow.values)[time < 20].max()
    assert errors[0.6] < 0.8 * errors[0.0]


@pytest.mark.parametrize(
    "options",
    [
        {"geometry": Geometry(cells=8)},
        {"geometry": Geometry(cells=8, wall="0 mm")},
        {"geometry": Geometry(cells=4), "element_order": 2},
        {"geometry": Geometry(radius="0.5 mm", height="1 mm", wall="0.5 mm", cells=8)},
        {"geometry": Geometry(cells=8), "transition": "paper"},
    ],
    ids=["die", "no die", "quadratic elements", "small", "paper"],
)
def test_long_holds_in_perfect_contact_keep_the_first_law(options):
    """A stiff contact over hours must not turn the rounding of absolute temperatures into heat."""
    steps = [START, "Press to 90 MPa in 10 s", "Hold for 10 h", "Cool to 313 K at 3 K/min", "Hold for 10 h"]
    cycle = Battery("NH4SCN", contact_conductance="perfect", **options).run([*steps, *DISCHARGE[:1], "Hold for 10 h"])
    assert cycle.first_law_residual < 1e-9
