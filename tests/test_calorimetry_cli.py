"""``caloris calorimetry``: what it prints and writes of synthetic scans, and how it refuses bad input."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipp as sc

from caloris.heat import PhaseProperties, TwoPhase
from caloris.heat.calorimetry import Recording, analyse, read, recording, synthetic_recording, write_plain
from command_line import Caloris

PRESSURES = (0.1, 40.0, 80.0)
MODEL = TwoPhase(
    low=PhaseProperties(heat_capacity=1590.0, expansion=2e-7),
    high=PhaseProperties(heat_capacity=1650.0, expansion=2e-7),
    temperature=350.0,
    pressure=1e5,
    entropy_change=128.7,
    volume_change=-3.8e-5,
    volume=7.6e-4,
    barrier_heating=500.0,
    barrier_cooling=500.0,
)
SERIES = tuple(f"scan-{n}.csv" for n in range(len(PRESSURES)))
CAPACITY = ("--heat-capacity", "low=1590 J/kg/K", "--heat-capacity", "high=1650 J/kg/K")
VOLUME = "temperature/K,pressure/MPa,phase,volume/(m3/kg)\n"


@pytest.fixture
def calorimetry(caloris: Caloris) -> Caloris:
    """Run ``caloris calorimetry`` with these arguments."""
    return partial(caloris, "calorimetry")


@cache
def scans() -> tuple[Recording, ...]:
    return tuple(
        synthetic_recording(MODEL, pressure=f"{p} MPa", width="3 K", points=600, noise=0.002, seed=int(p))
        for p in PRESSURES
    )


@cache
def texts(folder: Path) -> tuple[str, ...]:
    """Plain files of the series."""
    found = []
    for scan in scans():
        write_plain(scan, folder / "one.csv")
        found.append((folder / "one.csv").read_text())
    return tuple(found)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    return texts(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def series(tmp_path: Path, plain: tuple[str, ...]) -> tuple[str, ...]:
    """Files of the series, in the folder that the command runs in."""
    for name, text in zip(SERIES, plain, strict=True):
        (tmp_path / name).write_text(text)
    return SERIES


def volume_table() -> str:
    rows = []
    for T in (280.0, 320.0, 360.0, 400.0):
        for p in (0.0, 50.0, 100.0):
            low = float(MODEL.low_volume(T, p * 1e6))
            high = low + float(MODEL.delta_volume(T, p * 1e6))
            rows += [f"{T},{p},low,{low}", f"{T + 0.01},{p},high,{high}"]
    return VOLUME + "\n".join(rows) + "\n"


def strokes() -> Recording:
    """Pressed and released at held temperatures: 40 J/g each."""
    t = np.arange(0.0, 6000.0)
    bell = np.exp(-0.5 * ((t - 1500) / 60) ** 2) - np.exp(-0.5 * ((t - 4500) / 60) ** 2)
    flow = 40e3 * bell / (60 * np.sqrt(2 * np.pi))
    p = np.interp(t, [0, 1300, 1310, 4300, 4310, 6000], [0.1, 0.1, 90, 90, 0.1, 0.1])
    T = np.interp(t, [0, 2500, 3000, 6000], [349, 349, 320, 320])
    return Recording(recording(t, T, flow * 10e-3, pressure=p), name="strokes", mass=sc.scalar(10.0, unit="mg"))


# -- what works ----------------------------------------------------------------------------------------


def is_quantity(value: Any, unit: str) -> bool:
    return {"value", "unit", "error"} <= set(value) and value["unit"] == unit


def test_json_has_the_form_that_was_promised(calorimetry: Caloris, series: tuple[str, ...]) -> None:
    found = calorimetry(*series, *CAPACITY, "--draws", "60", "--json").json()
    assert {"transitions", "entropy_change", "reversible_pressure", "slope", "warnings"} <= set(found)
    assert len(found["transitions"]) == 2 * len(PRESSURES)
    for row in found["transitions"]:
        assert row["direction"] in ("heating", "cooling")
        assert row["definition"] == "T50"
        for key, unit in (
            ("pressure", "MPa"),
            ("temperature", "K"),
            ("entropy_change", "J/kg/K"),
            ("latent_heat", "J/kg"),
        ):
            assert is_quantity(row[key], unit), key
        assert row["temperature"]["error"] > 0
    assert {curve["process"] for curve in found["entropy_change"]} == {"compression", "decompression", "reversible"}
    for curve in found["entropy_change"]:
        assert is_quantity(curve["pressure"], "MPa")
        assert curve["unit"] == "J/kg/K"
        assert len(curve["temperature"]) == len(curve["value"]) > 100
        assert all(isinstance(value, float) for value in curve["value"])
    assert is_quantity(found["reversible_pressure"], "MPa")
    assert set(found["slope"]) == {"heating", "cooling"}
    assert all(is_quantity(found["slope"][branch], "K/MPa") for branch in found["slope"])
    assert all(isinstance(line, str) for line in found["warnings"])


def test_json_equals_the_library(calorimetry: Caloris, series: tuple[str, ...], tmp_path: Path) -> None:
    found = calorimetry(*series, *CAPACITY, "--draws", "0", "--name", "salt", "--json").json()
    expected = analyse(
        [read(tmp_path / name) for name in series],
        heat_capacity={"low": "1590 J/kg/K", "high": "1650 J/kg/K"},
        name="salt",
        draws=0,
    )
    assert found == json.loads(json.dumps(expected.to_json()))


def test_the_numbers_are_those_of_the_model(calorimetry: Caloris, series: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "volume.csv").write_text(volume_table())
    found = calorimetry(*series, *CAPACITY, "--volume", "volume.csv", "--draws", "0", "--json").json()
    for row in found["transitions"]:
        p = row["pressure"]["value"] * 1e6
        T = float(MODEL.transition_temperature(p, row["direction"]))
        assert row["temperature"]["value"] == pytest.approx(T, abs=0.05)
        assert row["entropy_change"]["value"] == pytest.approx(float(MODEL.delta_entropy(T, p)), rel=0.01)
    p_rev = 7.77 / 0.295  # hysteresis 2 x 500 / 128.7 K over the slope 3.8e-5 / 128.7
    assert found["reversible_pressure"]["value"] == pytest.approx(p_rev, rel=0.03)
    assert not any("S+ omitted" in line for line in found["warnings"])


def test_the_summary_is_printed(calorimetry: Caloris, series: tuple[str, ...], tmp_path: Path) -> None:
    answer = calorimetry(*series, "--draws", "0")
    assert (answer.code, answer.err) == (0, "")
    expected = analyse([read(tmp_path / name) for name in series], draws=0)
    assert answer.out.rstrip() == expected.summary()


def test_files_and_report_are_written(calorimetry: Caloris, series: tuple[str, ...], tmp_path: Path) -> None:
    answer = calorimetry(*series, *CAPACITY, "--draws", "60", "--out", "here/there", "--json")
    assert answer.code == 0
    folder = tmp_path / "here" / "there"
    names = {f"calorimetry.{end}" for end in ("h5", "csv", "json", "png")} | {
        "transitions.csv",
        "headline.csv",
        "report.html",
    }
    assert {file.name for file in folder.iterdir()} == names
    written = json.loads((folder / "calorimetry.json").read_text(encoding="utf-8"))
    del written["versions"]
    assert written == answer.json()


def test_pressures_and_mass_of_files_that_do_not_say_them(
    calorimetry: Caloris, plain: tuple[str, ...], tmp_path: Path
) -> None:
    for name, text in zip(SERIES, plain, strict=True):
        kept = [line for line in text.splitlines() if not line.startswith(("# pressure", "# mass"))]
        (tmp_path / name).write_text("\n".join(kept) + "\n")
    pressures = [word for p in PRESSURES for word in ("--pressure", f"{p} MPa")]
    found = calorimetry(*SERIES, *pressures, "--mass", "20 mg", "--draws", "0", "--json").json()
    assert [row["pressure"]["value"] for row in found["transitions"]] == [p for p in PRESSURES for _ in range(2)]
    # the files are of 10 mg: twice the mass is half the heat
    assert found["transitions"][0]["entropy_change"]["value"] == pytest.approx(0.5 * 128.7, rel=0.02)


def test_one_file_without_a_pressure_is_taken_as_ambient_and_says_so(
    calorimetry: Caloris, plain: tuple[str, ...], tmp_path: Path
) -> None:
    lines = [line for line in plain[0].splitlines() if not line.startswith("# pressure")]
    (tmp_path / "scan.csv").write_text("\n".join(lines) + "\n")
    found = calorimetry("scan.csv", "--draws", "0", "--json").json()
    assert found["transitions"][0]["pressure"]["value"] == 0.1
    assert any("taken as ambient" in line for line in found["remarks"])
    assert found["slope"] is None
    assert found["entropy_change"] == []


def test_one_file_of_one_pressure_still_gives_its_transitions(calorimetry: Caloris, series: tuple[str, ...]) -> None:
    answer = calorimetry(series[1], "--draws", "50")
    assert answer.code == 0
    assert "40 MPa heating" in answer.out
    assert calorimetry(series[1], "--draws", "50", "--out", "out", "--json").json()["reversible_pressure"] is None


@pytest.mark.parametrize("definition", ["onset", "peak", "T50", "start", "finish"])
def test_the_definition_is_named_in_the_output(calorimetry: Caloris, series: tuple[str, ...], definition: str) -> None:
    found = calorimetry(*series, "--definition", definition, "--draws", "0", "--json").json()
    for row in found["transitions"]:
        assert row["definition"] == definition
        assert row["temperature"]["value"] == row["temperatures"][definition]["value"]


@pytest.mark.parametrize("baseline", ["fraction-weighted", "linear", "tangential", "spline"])
def test_the_baseline_is_named_in_the_output(calorimetry: Caloris, series: tuple[str, ...], baseline: str) -> None:
    found = calorimetry(*series, "--baseline", baseline, "--draws", "0", "--json").json()
    assert found["baseline"] == baseline
    assert found["transitions"][0]["entropy_change"]["value"] == pytest.approx(128.7, rel=0.03)


def test_stated_uncertainties_are_called_given(calorimetry: Caloris, series: tuple[str, ...]) -> None:
    found = calorimetry(
        *series, "--uncertainty", "mass=0.2 %", "--uncertainty", "temperature=0.1 K", "--draws", "50", "--json"
    ).json()
    status = {row["of"]: (row["value"], row["status"]) for row in found["uncertainties"]}
    assert status["mass of the sample"] == ("0.2 %", "given")
    assert status["calibration of the temperature"] == ("0.1 K", "given")
    assert status["calibration of the heat flow"][1] == "guess"


def test_a_compressed_file_is_read_too(calorimetry: Caloris, plain: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "scan.csv.gz").write_bytes(gzip.compress(plain[0].encode()))
    assert calorimetry("scan.csv.gz", "--draws", "0").code == 0


def test_pressure_steps_at_held_temperatures(calorimetry: Caloris, tmp_path: Path) -> None:
    write_plain(strokes(), tmp_path / "run.csv")
    found = calorimetry("run.csv", "--isothermal", "--out", "out", "--json").json()
    assert [stroke["kind"] for stroke in found["strokes"]] == ["charge", "discharge"]
    for stroke, sign in zip(found["strokes"], (1, -1), strict=True):
        assert stroke["heat"]["value"] == pytest.approx(sign * 40e3, rel=0.01)
        assert stroke["heat"]["unit"] == "J/kg"
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"pressurisation.json", "pressurisation.png"}
    assert "charge at 349.00 K" in calorimetry("run.csv", "--isothermal").out


def test_as_a_process(series: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "caloris.cli", "calorimetry", *series, "--draws", "0", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["transitions"]) == 6


# -- bad input -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bad:
    """One way to get it wrong: the arguments, words that the message must contain, files to prepare."""

    arguments: tuple[str, ...]
    says: str
    prepare: Callable[[Path], object] = lambda folder: None


def changed(says: str, change: Callable[[str], str], *options: str, which: int = 1) -> Bad:
    """The series with one file changed."""

    def prepare(folder: Path) -> None:
        path = folder / SERIES[which]
        before = path.read_text()
        after = change(before)
        assert after != before
        path.write_text(after)

    return Bad((*SERIES, *options), says, prepare)


def volume(says: str, text: str) -> Bad:
    return Bad(
        (*SERIES, *CAPACITY, "--volume", "volume.csv"), says, lambda folder: (folder / "volume.csv").write_text(text)
    )


def blank(says: str, change: Callable[[Recording], Recording], *options: str) -> Bad:
    """A run of the empty cell that does not fit."""

    def prepare(folder: Path) -> None:
        write_plain(change(replace(scans()[0], mass=None)), folder / "blank.csv")

    return Bad((*SERIES, "--blank", "blank.csv", *options), says, prepare)


def stretched(scan: Recording, time: float = 1.0, shift: float = 0.0) -> Recording:
    return replace(scan, heat_flow=recording(time * scan.time, scan.temperature + shift, 0.2 * scan.heat_flow.values))


def without(*keys: str) -> Callable[[str], str]:
    starts = tuple(f"# {key}" for key in keys)
    return lambda text: "\n".join(line for line in text.splitlines() if not line.startswith(starts)) + "\n"


def row(number: int, cell: int, value: str) -> Callable[[str], str]:
    """A cell of a row of numbers replaced."""

    def change(text: str) -> str:
        lines = text.splitlines()
        first = next(n for n, line in enumerate(lines) if line.startswith("time/s"))
        cells = lines[first + number].split(",")
        cells[cell] = value
        lines[first + number] = ",".join(cells)
        return "\n".join(lines) + "\n"

    return change


def flat(text: str) -> str:
    """The heat flow of a scan without transition."""
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("time/s"))
    found = lines[: first + 1]
    for line in lines[first + 1 :]:
        t, T, _ = line.split(",")
        found.append(f"{t},{T},0.25")
    return "\n".join(found) + "\n"


def garbage(folder: Path) -> None:
    (folder / SERIES[0]).write_bytes(bytes(range(256)) * 40)


GOOD = "300,0,low,7.6e-4\n320,0,low,7.61e-4\n"
BAD_INPUT = {
    # files
    "missing-file": Bad(("none.csv",), "none.csv"),
    "empty-folder": Bad(("nothing",), "holds no file", lambda folder: (folder / "nothing").mkdir()),
    "file-twice": Bad((*SERIES, SERIES[0]), "given twice"),
    "isothermal-with-volume": Bad((SERIES[0], "--isothermal", "--volume", "v.csv"), "--volume: not used"),
    "sapphire-and-isothermal": Bad((SERIES[0], "--isothermal", "--sapphire", SERIES[1]), "two jobs"),
    "sapphire-mass-alone": Bad((*SERIES, "--sapphire-mass", "20 mg"), "--sapphire-mass"),
    "material-without-isothermal": Bad((*SERIES, "--material", "NH4SCN"), "--material"),
    "uncertainty-of-500-per-cent": Bad((*SERIES, "--uncertainty", "mass=5"), "500 %"),
    "limits-of-no-scan": Bad((*SERIES, "--limits", "60 MPa: 330 K, 380 K"), "fits no scan"),
    "empty-file": Bad(("empty.csv",), "empty.csv", lambda folder: (folder / "empty.csv").write_text("")),
    "garbage": Bad(SERIES, SERIES[0], garbage),
    "unknown-vendor": Bad(
        ("notes.txt",), "no calorimeter's file", lambda folder: (folder / "notes.txt").write_text("dear diary\n" * 9)
    ),
    "corrupt-number": changed("1.234.567", row(100, 2, "1.234.567")),
    "word-as-number": changed("line", row(100, 1, "warm")),
    "nan": changed("line", row(100, 2, "nan")),
    "time-backwards": changed("time", row(100, 0, "3.0")),
    "kelvin-below-zero": changed("0 K", row(100, 1, "-300.0")),
    "wrong-unit-in-file": changed("mW", lambda text: text.replace("heat_flow/mW", "heat_flow/kg")),
    "unknown-column": changed("colour", lambda text: text.replace("heat_flow/mW", "colour/mW")),
    "truncated": changed("points", lambda text: "\n".join(text.splitlines()[:12]) + "\n"),
    "flat-scan": replace(changed("no peak rises above the noise", flat), arguments=(SERIES[1],)),
    "exothermic-heating": Bad((*SERIES, "--endothermic", "down"), "endothermic"),
    # pressure and mass
    "pressure-missing": changed("no pressure in the file", without("pressure")),
    "pressures-two-for-three": Bad((*SERIES, "--pressure", "1 MPa", "--pressure", "2 MPa"), "2 given for 3 files"),
    "pressure-without-unit": Bad((*SERIES, "--pressure", "40"), "has no unit"),
    "pressure-in-kelvin": Bad((*SERIES, "--pressure", "40 K"), "expected one like MPa"),
    "pressure-negative": Bad((*SERIES, "--pressure", "-40 MPa"), "negative"),
    "mass-missing": changed("states no mass", without("mass")),
    "mass-in-metres": Bad((*SERIES, "--mass", "10 m"), "expected one like"),
    "mass-zero": Bad((*SERIES, "--mass", "0 mg"), "greater than 0"),
    # options
    "baseline-unknown": Bad((*SERIES, "--baseline", "flat"), "'flat' is none of"),
    "definition-unknown": Bad((*SERIES, "--definition", "middle"), "'middle' is none of"),
    "shape-unknown": Bad((*SERIES, "--shape", "cubic"), "'cubic' is none of"),
    "endothermic-unknown": Bad((*SERIES, "--endothermic", "left"), "expected 'up' or 'down'"),
    "draws-ten": Bad((*SERIES, "--draws", "10"), "at least 50"),
    "draws-negative": Bad((*SERIES, "--draws", "-1"), "at least 50"),
    "draws-words": Bad((*SERIES, "--draws", "many"), "integer"),
    "seed-negative": Bad((*SERIES, "--draws", "50", "--seed", "-1"), "seed"),
    "uncertainty-unknown": Bad((*SERIES, "--uncertainty", "colour=1 %"), "'colour' is none of"),
    "uncertainty-no-value": Bad((*SERIES, "--uncertainty", "mass"), "write name=value"),
    "uncertainty-empty": Bad((*SERIES, "--uncertainty", "mass="), "write name=value"),
    "uncertainty-unit": Bad((*SERIES, "--uncertainty", "temperature=1 MPa"), "expected one like K"),
    "uncertainty-negative": Bad((*SERIES, "--uncertainty", "mass=-1 %"), "not be negative"),
    "limits-one": Bad((*SERIES, "--limits", "330 K"), "write two temperatures"),
    "limits-without-unit": Bad((*SERIES, "--limits", "330, 380"), "has no unit"),
    "limits-reversed": Bad((*SERIES, "--limits", "370 K, 340 K"), "must be below"),
    "limits-outside": Bad((*SERIES, "--limits", "900 K, 950 K"), "does not lie within"),
    "limits-too-narrow": Bad((SERIES[0], "--limits", "353.99 K, 354.01 K"), "too few points"),
    "capacity-unit": Bad((*SERIES, "--heat-capacity", "1600 K"), "expected one like J/kg/K"),
    "capacity-zero": Bad((*SERIES, "--heat-capacity", "0 J/kg/K"), "greater than 0"),
    "capacity-one-phase": Bad((*SERIES, "--heat-capacity", "low=1600 J/kg/K"), "'low' and 'high'"),
    "capacity-two-unnamed": Bad(
        (*SERIES, "--heat-capacity", "1600 J/kg/K", "--heat-capacity", "1700 J/kg/K"), "--heat-capacity"
    ),
    "capacity-middle-phase": Bad((*SERIES, "--heat-capacity", "middle=1600 J/kg/K"), "--heat-capacity"),
    "capacity-from-scans-without-blank": Bad((*SERIES, "--heat-capacity", "scans"), "blank"),
    # blank runs
    "blank-missing": Bad((*SERIES, "--blank", "none.csv"), "none.csv"),
    "blank-other-rate": blank("same rate", lambda scan: stretched(scan, 2.0)),
    "blank-elsewhere": blank("the sample lies outside", lambda scan: stretched(scan, shift=200.0)),
    "blank-without-mass": Bad(
        (*SERIES, "--blank", "blank.csv"),
        "mass",
        lambda folder: (
            write_plain(replace(scans()[0], mass=None), folder / "blank.csv"),
            [(folder / name).write_text(without("mass")((folder / name).read_text())) for name in SERIES],
        ),
    ),
    # volumes
    "volume-missing": Bad((*SERIES, "--volume", "none.csv"), "cannot read the volumes"),
    "volume-empty": volume("expected a header", ""),
    "volume-no-unit": volume("has no unit", "temperature,pressure/MPa,phase,volume/(m3/kg)\n" + GOOD),
    "volume-wrong-unit": volume("expected one like m", "temperature/K,pressure/MPa,phase,volume/K\n" + GOOD),
    "volume-no-phase": volume("no column 'phase'", "temperature/K,pressure/MPa,volume/(m3/kg)\n300,0,1\n310,0,1\n"),
    "volume-word": volume("line 4: volume: 'much' is not a number", f"{VOLUME}{GOOD}330,0,low,much\n"),
    "volume-nan": volume("line 4: volume: 'nan'", f"{VOLUME}{GOOD}330,0,low,nan\n"),
    "volume-short-row": volume("line 4: 3 columns", f"{VOLUME}{GOOD}330,0,low\n"),
    "volume-negative": volume("line 4: volume must be greater than 0", f"{VOLUME}{GOOD}330,0,low,-1\n"),
    "volume-one-temperature": volume("only one temperature", f"{VOLUME}300,0,low,7e-4\n300,9,low,7e-4\n"),
    "volume-three-phases": volume(
        "one or two phases", VOLUME + GOOD + GOOD.replace("low", "mid") + GOOD.replace("low", "high")
    ),
    "volume-lattice-without-mass": volume(
        "# cell mass", "temperature/K,pressure/MPa,phase,a/angstrom\n300,0,low,5\n310,0,low,5.1\n"
    ),
    # calibration
    "calibration-missing": Bad((*SERIES, "--calibration", "none.csv"), "cannot read the calibration"),
    "calibration-unknown-standard": Bad(
        (*SERIES, "--calibration", "c.csv"),
        "line 2: standard: 'gold'",
        lambda folder: (folder / "c.csv").write_text(
            "standard,pressure/MPa,onset/K,heat_of_fusion/(J/g)\ngold,0.1,1337,63\n"
        ),
    ),
    # pressure steps
    "isothermal-on-a-scan": Bad((SERIES[0], "--isothermal"), "no temperature is held"),
    "isothermal-seed-negative": Bad((SERIES[0], "--isothermal", "--seed", "-1"), "seed"),
    "isothermal-two-files": Bad((*SERIES, "--isothermal"), "give one file"),
    "scan-of-pressure-steps": Bad(
        ("steps.csv",),
        "pressure",
        lambda folder: write_plain(strokes(), folder / "steps.csv"),
    ),
    # places to write
    "out-is-a-file": Bad((*SERIES, "--draws", "0", "--out", "taken"), "taken", lambda f: (f / "taken").write_text("")),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_refused_in_one_line(
    calorimetry: Caloris, series: tuple[str, ...], tmp_path: Path, name: str
) -> None:
    bad = BAD_INPUT[name]
    bad.prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    place = () if "--out" in bad.arguments else ("--out", "out")
    answer = calorimetry(*bad.arguments, *place)
    assert answer.code == 2, answer
    assert answer.out == ""
    assert answer.err.startswith("caloris: ")
    assert answer.err.count("\n") == 1, answer.err
    assert answer.err.endswith("\n")
    assert "Traceback" not in answer.err
    assert bad.says in answer.err
    left = [path for path in sorted(tmp_path.rglob("*")) if path not in before and path.is_file()]
    assert left == []


def test_bad_input_is_refused_alike_with_json(calorimetry: Caloris, series: tuple[str, ...]) -> None:
    answer = calorimetry(*series, "--baseline", "flat", "--json")
    assert (answer.code, answer.out) == (2, "")


@pytest.mark.parametrize("arguments", [(), ("--json",), ("--colour",), ("scan.csv", "--out")], ids=" ".join)
def test_wrong_usage_exits_2(calorimetry: Caloris, arguments: tuple[str, ...]) -> None:
    answer = calorimetry(*arguments)
    assert answer.code == 2
    assert "Traceback" not in answer.err
