"""The cycle of a thermal battery against Zhang et al. (2023), closed forms, and the first law.

All runs use 1700 J/kg/K, the value of the check figures; the card's own estimate is 1590.
"""

import h5py
import numpy as np
import pytest

from caloris.errors import InputError
from caloris.heat import Battery, Geometry, TwoPhase, parse_protocol
from caloris.heat.battery.cycle import Cycle
from caloris.materials import load

CP = {"heat_capacity": "1700 J/kg/K"}


def battery(*, cells=6, material="NH4SCN", **options):
    geometry = options.pop("geometry", Geometry(cells=cells))
    return Battery(material, geometry=geometry, overrides=CP, **options)


def fig_1d(release="3 s"):
    """Fig. 1d with a release of a stated length (the paper does not give one)."""
    return [
        "Press from 0.1 to 400 MPa at 349 K in 10 s",
        "Hold until heat flow < 0.1 mW/g",
        "Cool to 273 K at 3 K/min",
        "Hold until heat flow < 0.1 mW/g",
        f"Release to 0.1 MPa in {release}",
        "Hold until heat flow < 0.1 mW/g",
    ]


CONVENTIONAL = """
schema = 1
name = "conventional"
formula = "C"

[sources.test]
citation = "made up: pressure favours the low phase"

[phases.low]
density = { value = 1000, unit = "kg/m^3", status = "guess", source = "test" }
heat_capacity = { value = 1500, unit = "J/kg/K", status = "guess", source = "test" }
thermal_conductivity = { value = 0.3, unit = "W/m/K", status = "guess", source = "test" }

[phases.high]
heat_capacity = { value = 1700, unit = "J/kg/K", status = "guess", source = "test" }
thermal_conductivity = { value = 0.3, unit = "W/m/K", status = "guess", source = "test" }

[transitions.melt]
low = "low"
high = "high"
pressure = { value = 0.1, unit = "MPa", status = "guess", source = "test" }
temperature_heating = { value = 310, unit = "K", status = "guess", source = "test" }
temperature_cooling = { value = 300, unit = "K", status = "guess", source = "test" }
entropy_change = { value = 150, unit = "J/kg/K", status = "guess", source = "test" }
volume_change = { value = 4e-5, unit = "m^3/kg", status = "guess", source = "test" }
"""


@pytest.fixture(scope="module")
def conventional_card(tmp_path_factory):
    path = tmp_path_factory.mktemp("cards") / "conventional.toml"
    path.write_text(CONVENTIONAL, encoding="utf-8")
    return load(path)


@pytest.fixture(scope="module")
def quick():
    """Fig. 1c: 349 K, 8.2 to 90 MPa in 10 s, 313 K."""
    return battery(cells=8).run("fig-1c")


@pytest.fixture(scope="module")
def slow():
    """Fig. 1c so slowly that every state is one of the branches."""
    return battery(contact_conductance="1000 W/m^2/K").run(
        [
            "Press from 8.2 to 90 MPa at 349 K in 200 h",
            "Cool to 313 K at 3 K/min",
            "Hold for 2 h",
            "Release to 8.2 MPa in 200 h",
            "Heat to 349 K at 3 K/min",
            "Hold for 2 h",
        ]
    )


@pytest.fixture(scope="module")
def leaking():
    """The paper's own transition, without hysteresis, at the experiment's 90 MPa."""
    return battery(transition="paper").run("fig-1c")


def value(quantity):
    return float(quantity.value)


# -- first law --------------------------------------------------------------------------------------

RUNS = {
    "hysteresis": ({}, "fig-1c"),
    "paper's transition": ({"transition": "paper"}, "fig-1c-simulation"),
    "400 MPa, 273 K": ({"contact_conductance": "1500 W/m^2/K"}, "fig-1d"),
    "relaxing": ({"relaxation_time": "30 s"}, "fig-1c"),
    "poor contact": ({"contact_conductance": "20 W/m^2/K", "transition_width": "2 K"}, "fig-1c"),
    "perfect contact without a die": (
        {"contact_conductance": "perfect", "geometry": Geometry(wall="0 mm", cells=5)},
        "fig-1c",
    ),
    "ends only": ({"geometry": Geometry(contact="ends", cells=5)}, "fig-1c"),
    "quadratic elements": ({"element_order": 2, "cells": 3}, "fig-1c"),
    "quadratic elements, paper's transition": ({"element_order": 2, "cells": 3, "transition": "paper"}, "fig-1c"),
}


def balance_of(cycle):
    """Energy gained, and heat and work that went in, J/g, from the account of the whole cycle."""
    mass = value(cycle.mass)
    gained = (cycle.columns["pellet_energy"][-1] - cycle.columns["pellet_energy"][0]) / mass
    into = sum(step.heat for step in cycle.steps) / 1e3
    return gained, into, value(cycle.work.net)


@pytest.mark.parametrize("case", RUNS)
def test_energy_is_conserved_at_every_time(case):
    options, protocol = RUNS[case]
    cycle = battery(**options).run(protocol)
    assert cycle.first_law_residual < 1e-9
    gained, heat, work = balance_of(cycle)
    assert gained == pytest.approx(heat + work, abs=1e-9 * 45)
    assert value(cycle.heat.charged) - value(cycle.heat.lost) - value(cycle.heat.discharged) == pytest.approx(
        heat, abs=1e-9
    )
    assert value(cycle.work.dissipated) > 0


def test_hysteresis_only_ever_makes_heat(quick, slow):
    for cycle in (quick, slow):
        assert cycle.columns["dissipation"].min() > -1e-9 * value(cycle.mass) * 45


def test_energy_change_is_heat_and_work(slow):
    gained, heat, work = balance_of(slow)
    # the last heating brings the pellet back to where it began: nothing is gained
    assert gained == pytest.approx(0.0, abs=2e-3)
    assert heat + work == pytest.approx(gained, abs=1e-8)


def test_a_conventional_material_is_charged_by_releasing(conventional_card):
    cycle = Battery(conventional_card, geometry=Geometry(cells=4)).run(
        [
            "Start at 312 K and 80 MPa",
            "Release to 0.1 MPa in 20 s",
            "Hold until heat flow < 0.1 mW/g",
            "Cool to 304 K at 3 K/min",
            "Hold until heat flow < 0.1 mW/g",
            "Press to 80 MPa in 20 s",
            "Hold until heat flow < 0.1 mW/g",
        ]
    )
    assert cycle.first_law_residual < 1e-9
    assert [step.stage for step in cycle.steps] == ["charge"] * 2 + ["storage"] * 2 + ["discharge"] * 2
    # about T dS: 46 J/g
    assert value(cycle.heat.charged) == pytest.approx(46, abs=2)
    assert value(cycle.heat.discharged) == pytest.approx(46, abs=3)
    assert value(cycle.heat.lost_latent) == pytest.approx(0, abs=1e-6)
    # held by hysteresis: equilibrium at 304 K lies at a lower pressure
    assert value(cycle.storage["leak_margin"]) > 0
    assert cycle.columns["fraction"][-1] == pytest.approx(0, abs=1e-6)


# -- heat -------------------------------------------------------------------------------------------


def test_slow_charge_and_discharge_are_the_enthalpies_of_the_branches(slow):
    model = TwoPhase.from_material(load("NH4SCN"), **CP)
    charge, discharge = (
        float(model.delta_enthalpy(T, model.transition_pressure(T, branch))) / 1e3
        for T, branch in ((349.0, "heating"), (313.0, "cooling"))
    )
    assert charge == pytest.approx(43.05, rel=1e-3)
    assert discharge == pytest.approx(42.15, rel=1e-3)
    assert value(slow.heat.charged) == pytest.approx(charge, rel=5e-3)
    assert value(slow.heat.discharged) == pytest.approx(discharge, rel=5e-3)


def test_quick_ramps_charge_and_discharge(quick):
    assert value(quick.heat.charged) == pytest.approx(41.9, rel=0.01)
    assert value(quick.heat.discharged) == pytest.approx(43.6, rel=0.01)
    # cooling from 349 to 313 K sheds the sensible heat and nothing else
    assert value(quick.heat.lost) == pytest.approx(1.7 * 36, rel=2e-3)
    assert value(quick.heat.lost_latent) == pytest.approx(0.0, abs=1e-6)


def test_the_paper_s_transition_loses_its_heat_at_the_experiment_s_pressure(leaking):
    latent = 128.7 * 363.83 / 1e3
    assert value(leaking.heat.lost) == pytest.approx(104, rel=0.01)
    assert value(leaking.heat.lost_latent) == pytest.approx(43.4, rel=0.01)
    assert value(leaking.heat.stored) < 0.01 * latent
    assert abs(value(leaking.heat.discharged)) < 0.01 * latent
    assert any("left during storage" in text for text in leaking.warnings)
    assert any("discharges nothing" in text for text in leaking.warnings)


def test_the_paper_s_transition_holds_at_200_megapascal():
    cycle = battery(transition="paper").run("fig-1c-simulation")
    assert value(cycle.heat.lost_latent) == pytest.approx(0.0, abs=0.01)
    assert value(cycle.heat.discharged) > 41
    assert not any("storage, before the release" in text for text in cycle.warnings)
    # 200 MPa lie above the equilibrium of eq. 12 at 313 K: nothing metastable
    assert value(cycle.storage["equilibrium_pressure"]) == pytest.approx(173.6, abs=0.5)
    assert not any("metastable" in text for text in cycle.warnings)


# -- discharge times of Fig. 1d ---------------------------------------------------------------------

# W/m2/K: s for 90 and 99 % of the heat; R = 5 mm, H = 10 mm, die wall 5 mm
TIMES = {50: (200, 407), 100: (113, 230), 200: (69, 142), 500: (43, 91), 1000: (34, 74), 1500: (31, 69)}


@pytest.mark.parametrize("h", TIMES)
def test_discharge_times_over_the_contact_conductance(h):
    cycle = battery(transition="paper", contact_conductance=f"{h} W/m^2/K").run(fig_1d())
    t90, t99 = TIMES[h]
    assert value(cycle.discharge_times["t90"]) == pytest.approx(t90, rel=0.05)
    assert value(cycle.discharge_times["t99"]) == pytest.approx(t99, rel=0.05)


@pytest.mark.parametrize(("radius", "t90", "t99"), [(2.5, 10, 21), (10, 110, 251)])
def test_discharge_times_over_the_radius(radius, t90, t99):
    geometry = Geometry(radius=f"{radius} mm", height=f"{2 * radius} mm", cells=6)
    cycle = battery(transition="paper", contact_conductance="1500 W/m^2/K", geometry=geometry).run(fig_1d())
    assert value(cycle.discharge_times["t90"]) == pytest.approx(t90, rel=0.05)
    assert value(cycle.discharge_times["t99"]) == pytest.approx(t99, rel=0.05)


# -- work, dissipation, pressures -------------------------------------------------------------------


def test_a_full_loop_dissipates_the_barrier_twice(slow):
    model = TwoPhase.from_material(load("NH4SCN"), **CP)
    barriers = sum(
        float(model.barrier(model.transition_pressure(T, branch), branch))
        for T, branch in ((349.0, "heating"), (313.0, "cooling"))
    )
    # about 2 D with D = dS times half of the hysteresis
    assert barriers == pytest.approx(2 * 128.7 * 14.5, rel=0.02)
    assert value(slow.work.dissipated) * 1e3 == pytest.approx(barriers, rel=0.01)


def test_the_slow_cycle_is_a_heat_engine(slow):
    """Pressed at 349 K against 50 MPa, released at 313 K against 75 MPa: work comes out."""
    model = TwoPhase.from_material(load("NH4SCN"), **CP)
    p_h, p_c = (model.transition_pressure(T, branch) for T, branch in ((349.0, "heating"), (313.0, "cooling")))
    expected = (p_h - p_c) * 3.8e-5 / 1e3
    assert expected < -0.5
    assert value(slow.work.net) == pytest.approx(expected, rel=0.03)
    assert value(slow.work.input) < value(slow.work.output)


def test_the_quick_cycle_needs_work(quick):
    assert value(quick.work.net) > 0
    assert value(quick.work.input) - value(quick.work.output) == pytest.approx(value(quick.work.net), abs=0.01)


def test_storage_is_metastable_with_a_leak_margin(quick):
    assert value(quick.storage["hold_pressure"]) == pytest.approx(90)
    assert 74.6 <= value(quick.storage["leak_pressure"]) <= 75.0
    assert value(quick.storage["equilibrium_pressure"]) == pytest.approx(123.7, abs=0.1)
    assert value(quick.storage["leak_margin"]) == pytest.approx(15.2, abs=0.3)
    assert any("metastable" in text for text in quick.warnings)


def test_self_discharge_begins_at_the_stated_leak_pressure(quick):
    leak = value(quick.storage["leak_pressure"])

    def left_at(p):
        return (
            battery(cells=2)
            .run(
                [
                    "Press from 8.2 to 90 MPa at 349 K in 10 s",
                    "Hold for 20 min",
                    "Cool to 313 K at 3 K/min",
                    "Hold for 20 min",
                    f"Release to {p} MPa in 1 h",
                    "Hold for 20 min",
                ]
            )
            .columns["fraction"][-1]
        )

    assert left_at(leak + 0.1) == pytest.approx(1.0, abs=1e-9)
    assert left_at(leak - 0.2) < 0.95


def test_efficiencies_of_the_paper_and_their_sober_counterparts(quick):
    found = {name: entry.value for name, entry in quick.efficiencies.items()}
    out, into = value(quick.heat.discharged), value(quick.heat.charged)
    assert found["published_efficiency"] == pytest.approx(0.92, abs=0.005)
    assert found["heat_per_published_work"] == pytest.approx(11, abs=0.5)  # "eleven times"
    assert found["heat_per_step_work"] == pytest.approx(out / (81.8e6 * 3.8e-5 / 1e3), rel=1e-6)
    assert found["heat_recovery"] == pytest.approx(out / into, rel=1e-12)
    assert found["round_trip"] == pytest.approx(0.41, abs=0.02)
    assert 0.13 < found["exergy_round_trip"] < found["exergy"] < 0.23


# -- convergence ------------------------------------------------------------------------------------


def figures_of(cycle):
    return np.array([value(cycle.heat.charged), value(cycle.heat.discharged), value(cycle.discharge_times["t90"])])


def test_finer_meshes_converge(quick):
    coarse, fine, finest = figures_of(quick), *(figures_of(battery(cells=n).run("fig-1c")) for n in (16, 32))
    first, second = abs(fine - coarse) / finest, abs(finest - fine) / finest
    assert np.all(second < 1e-3)
    assert np.all((second < first) | (second < 1e-5))


def test_tighter_tolerances_converge():
    loose, tight, tightest = (
        figures_of(battery(cells=4, tolerance=tolerance).run("fig-1c")) for tolerance in (0.02, 0.005, 0.00125)
    )
    first, second = abs(tight - loose) / tightest, abs(tightest - tight) / tightest
    assert np.all(first < 0.02)
    assert np.all(second < first)


# -- files ------------------------------------------------------------------------------------------


def plain(summary):
    return {key: str(entry) for key, entry in summary.items()}


@pytest.fixture(scope="module")
def saved(quick, tmp_path_factory):
    return quick.save(tmp_path_factory.mktemp("cycles") / "cycle.h5")


def test_a_saved_cycle_says_the_same(quick, saved):
    again = Cycle.load(saved)
    assert plain(again.summary()) == plain(quick.summary())
    assert again.to_json() == quick.to_json()
    for name, column in quick.columns.items():
        assert np.array_equal(again.columns[name], column)
    assert again.first_law_residual == quick.first_law_residual
    assert again.inputs == quick.inputs


def damaged(saved, tmp_path, how):
    path = tmp_path / "damaged.h5"
    data = bytearray(saved.read_bytes())
    if how == "missing":
        return path
    if how == "empty":
        data = bytearray()
    elif how == "text":
        data = bytearray(b"time,heat\n1,2\n")
    elif how == "truncated":
        data = data[: len(data) // 2]
    elif how == "start overwritten":
        data[:2000] = bytes(byte ^ 0x5A for byte in data[:2000])
    elif how == "zeros":
        data[:] = bytes(len(data))
    elif how == "foreign":
        with h5py.File(path, "w") as file:
            file["numbers"] = [1, 2, 3]
        return path
    elif how == "folder":
        path.mkdir()
        return path
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "how", ["missing", "empty", "text", "truncated", "start overwritten", "zeros", "foreign", "folder"]
)
def test_what_is_no_saved_cycle_is_refused_in_one_line(saved, tmp_path, how):
    path = damaged(saved, tmp_path, how)
    with pytest.raises(InputError) as caught:
        Cycle.load(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_damaged_byte_anywhere_is_noticed_or_changes_nothing(quick, saved, tmp_path):
    data = saved.read_bytes()
    random = np.random.default_rng(7)
    path = tmp_path / "flipped.h5"
    refused = 0
    for position in [*random.integers(0, 60_000, 20), *random.integers(0, len(data), 20)]:
        changed = bytearray(data)
        changed[position : position + 16] = bytes(byte ^ 0xFF for byte in changed[position : position + 16])
        path.write_bytes(changed)
        try:
            again = Cycle.load(path)
        except InputError as error:
            refused += 1
            message = str(error)
        else:  # padding of the file format
            message = "one line"
            assert again.to_json() == quick.to_json()
            assert np.array_equal(again.frames["fraction"].values, saved_frames(saved))
        assert len(message.splitlines()) == 1
    assert refused > 10


def saved_frames(saved):
    return Cycle.load(saved).frames["fraction"].values


@pytest.mark.parametrize("write", ["save", "save_csv"])
def test_what_cannot_be_written_leaves_nothing_behind(quick, tmp_path, write):
    with pytest.raises(InputError, match="no folder"):
        getattr(quick, write)(tmp_path / "absent" / "cycle.h5")
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        getattr(quick, write)(tmp_path / "folder.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.h5"]
    assert list((tmp_path / "folder.h5").iterdir()) == []


def test_saving_replaces_a_file_whole(quick, tmp_path):
    path = tmp_path / "cycle.h5"
    path.write_text("something older")
    quick.save(path)
    assert Cycle.load(path).first_law_residual < 1e-9
    assert [entry.name for entry in tmp_path.iterdir()] == ["cycle.h5"]


def test_the_table_holds_the_curves(quick, tmp_path):
    path = quick.save_csv(tmp_path / "curves.csv")
    names = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    assert table[:, names.index("time/s")] == pytest.approx(quick.columns["time"], rel=1e-8)
    flow = table[:, names.index("heat_flow/mW/g")]
    assert flow == pytest.approx(quick.heat_flow.to(unit="mW/g").values, rel=1e-8)
    # the heat flow adds up to the heat: trapezoids over the time steps of the charge
    charge = quick.columns["time"] <= quick.steps[1].end
    heat = np.trapezoid(flow[charge], table[charge, names.index("time/s")]) / 1e3
    assert heat == pytest.approx(value(quick.heat.charged), rel=0.01)


def test_a_cycle_remembers_its_protocol_and_what_it_rests_on(quick):
    assert quick.protocol.words == parse_protocol("fig-1c").words
    assert any("thermal conductivity" in text and "guess" in text for text in quick.assumptions)
    assert any("1700 J/kg/K, set for this run" in text for text in quick.assumptions)
