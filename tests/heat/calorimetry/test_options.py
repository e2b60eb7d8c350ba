"""Limits for particular scans, heat capacities from a table, heat capacity by three runs on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipp as sc

from caloris.errors import InputError
from caloris.heat import TwoPhase
from caloris.heat.calorimetry import (
    Recording,
    analyse,
    read_heat_capacity,
    recording,
    sapphire_heat_capacity,
    scans_of,
    synthetic_recording,
    write_plain,
)
from caloris.heat.calorimetry.analysis import limits_by_scan
from caloris.materials import load
from command_line import Caloris

MODEL = TwoPhase.from_material(load("NH4SCN"))
SCANS = scans_of([synthetic_recording(MODEL, pressure=f"{p} MPa") for p in (0.1, 50, 100)])


def test_the_most_particular_limits_count() -> None:
    of = limits_by_scan(
        {
            "heating": ("340 K", "380 K"),
            "50 MPa": ("300 K", "370 K"),
            "50 MPa, heating": ("335 K", "365 K"),
            "cooling, 100 MPa": ("290 K", "320 K"),
        },
        SCANS,
    )
    found = {(scan.direction, scan.pressure / 1e6): pair for scan, pair in zip(SCANS, of, strict=True)}
    assert found == {
        ("heating", 0.1): (340.0, 380.0),
        ("cooling", 0.1): None,
        ("heating", 50.0): (335.0, 365.0),
        ("cooling", 50.0): (300.0, 370.0),
        ("heating", 100.0): (340.0, 380.0),
        ("cooling", 100.0): (290.0, 320.0),
    }


def test_limits_of_one_scan_change_that_scan_only() -> None:
    free = analyse(SCANS, draws=0)
    bound = analyse(SCANS, draws=0, limits={"50 MPa, heating": ("348.5 K", "349.5 K")})
    for before, after in zip(free.transitions, bound.transitions, strict=True):
        same = after.entropy_change.value == before.entropy_change.value
        assert same != (after.direction == "heating" and after.pressure.value == 50)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"warming": ("1 K", "2 K")}, "warming"),
        ({"40 MPa, 50 MPa": ("1 K", "2 K")}, "more than one pressure"),
        ({"heating": "330 K"}, "two temperatures"),
        (("330 K", "380"), "no unit"),
        ({"60 MPa": ("330 K", "380 K")}, "fits no scan"),
        (5, "two temperatures"),
        ({5: ("330 K", "380 K")}, "no text"),
    ],
)
def test_limits_that_cannot_be_read_are_refused(limits: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        limits_by_scan(limits, SCANS)  # type: ignore[arg-type]


def test_a_table_of_both_phases_is_what_it_says(tmp_path: Path) -> None:
    table = tmp_path / "cp.csv"
    rows = ["300,low,1500", "350,low,1600", "340,high,1700", "400,high,1760"]
    table.write_text("\n".join(["# synthetic", "temperature/K,phase,heat_capacity/(J/kg/K)", *rows, ""]))
    found = read_heat_capacity(table)
    assert found.low.at(325.0) == pytest.approx(1550.0)
    assert found.high.at(370.0) == pytest.approx(1730.0)
    # int C/T dT of C = 900 + 2 T between 310 and 330 K
    exact = 900 * np.log(330 / 310) + 2 * 20
    assert found.low.entropy(330.0) - found.low.entropy(310.0) == pytest.approx(exact, rel=1e-12)
    assert analyse(SCANS, heat_capacity=str(table), draws=0).effect is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("T,cp\n300,1500\n310,1500\n", "expected the header"),
        ("temperature/K,heat_capacity/(J/kg/K)\n300,1500\n310\n", "line 3"),
        ("temperature/K,heat_capacity/(J/kg/K)\n300,1500\n310,x\n", "line 3"),
        ("temperature/K,phase,heat_capacity/(J/kg/K)\n300,low,1500\n310,low,1500\n", "both phases"),
        ("temperature/K,phase,heat_capacity/(J/kg/K)\n300,gas,1500\n", "neither 'low' nor 'high'"),
        ("temperature/K,heat_capacity/(J/kg/K)\n300,1500\n310,-1\n", "greater than 0"),
        ("", "expected the header"),
    ],
)
def test_a_broken_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    table = tmp_path / "cp.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=words) as refused:
        read_heat_capacity(table)
    assert len(str(refused.value).splitlines()) == 1


def test_three_runs_on_the_command_line(caloris: Caloris, tmp_path: Path) -> None:
    """Exact runs of C = 1500 + 2 (T - 300 K) J/(kg K), 10 mg, next to 25.3 mg of sapphire."""
    T = np.concatenate([np.full(300, 300.0), np.arange(300.0, 400.0, 1 / 60), np.full(300, 400.0)])
    t = np.arange(len(T), dtype=float)
    rate = np.gradient(T, t)
    empty = 0.3 + 0.001 * (T - 300)
    reference = np.asarray(sapphire_heat_capacity(sc.array(dims=["T"], values=T, unit="K")).values)
    runs = {
        "blank": (empty, None),
        "sapphire": (empty + reference * 25.3e-3 * rate, 25.3),
        "sample": (empty + (1500 + 2 * (T - 300)) * 10e-3 * rate, 10.0),
    }
    for name, (flow, mass) in runs.items():
        m = None if mass is None else sc.scalar(mass, unit="mg")
        p = sc.scalar(0.1, unit="MPa")
        write_plain(Recording(recording(t, T, flow), name=name, mass=m, pressure=p), tmp_path / f"{name}.csv")
    command = ("calorimetry", "sample.csv", "--sapphire", "sapphire.csv", "--blank", "blank.csv")
    found = caloris(*command, "--json", "--out", "cp").json()["heat_capacity"]
    T_found, values = (np.array(found["coords"]["temperature"]["value"]), np.array(found["value"]))
    assert values == pytest.approx(1500 + 2 * (T_found - 300), rel=1e-4)
    assert {path.name for path in (tmp_path / "cp").iterdir()} == {
        "heat_capacity.csv",
        "heat_capacity.json",
        "heat_capacity.png",
    }
    assert read_heat_capacity(tmp_path / "cp" / "heat_capacity.csv").low.at(350.0) == pytest.approx(1600.0, rel=1e-4)
    assert json.loads((tmp_path / "cp" / "heat_capacity.json").read_text())["heat_capacity"] == found
    refused = caloris("calorimetry", "sample.csv", "--sapphire", "sapphire.csv")
    assert refused.code == 2
    assert "--blank" in refused.err
