"""Readers of calorimeter files: every layout gives back the same scan, in the same units, with the same sign."""

import gzip
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
import scipp as sc
from calorimeter_layouts import LAYOUTS, MASS, Layout, truth

from caloris.errors import InputError
from caloris.heat.calorimetry.readers import VENDORS, detect, read, write_plain
from caloris.heat.calorimetry.readers.sign import heat_capacity_sign
from caloris.heat.calorimetry.readers.text import decode
from caloris.heat.calorimetry.recording import Recording, recording

DATA = Path(os.environ.get("CALORIS_DATA", Path(__file__).parents[5] / "shared" / "data")) / "calorimetry"
real_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no measured files in {DATA}; set CALORIS_DATA")
each_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
LAYOUT = {layout.name: layout for layout in LAYOUTS}


def write(folder: Path, content: str | bytes, name: str = "scan.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def plain(folder: Path, rows: str, header: str = "time/s,temperature/K,heat_flow/mW", comments: str = "") -> Path:
    return write(folder, f"# caloris-dsc 1\n{comments}{header}\n{rows}", "scan.csv")


def rows_at_rest(count: int = 20) -> str:
    return "".join(f"{t}.0,{300 + t / 10:.2f},1.25\n" for t in range(count))


@each_layout
def test_every_layout_gives_the_same_scan(layout: Layout, tmp_path: Path) -> None:
    scan = read(write(tmp_path, layout.data()))
    table = truth()
    assert scan.vendor == layout.vendor
    np.testing.assert_allclose(scan.time, table[:, 0], atol=1e-4)
    np.testing.assert_allclose(scan.temperature, table[:, 1] + 273.15, atol=2e-4)
    np.testing.assert_allclose(scan.heat_flow.values, table[:, 2], atol=2e-5)
    assert scan.heat_flow.unit == sc.Unit("mW")
    assert (scan.mass is None) if layout.mass is None else (float(scan.mass.value) == pytest.approx(MASS))
    assert scan.sign_is_certain
    assert not layout.head or layout.mass is None or layout.name == "plain" or scan.name == "Made-up salt"


@each_layout
def test_a_compressed_file_with_windows_line_ends_is_read_too(layout: Layout, tmp_path: Path) -> None:
    text = layout.data().decode(layout.encoding).replace("\n", "\r\n")
    there = read(write(tmp_path, gzip.compress(text.encode(layout.encoding)), "scan.txt.gz"))
    np.testing.assert_array_equal(there.heat_flow.values, read(write(tmp_path, layout.data())).heat_flow.values)


@each_layout
def test_the_content_tells_the_vendor(layout: Layout) -> None:
    text = decode(layout.data(), "scan")
    assert detect(text) == layout.vendor
    # a table with units may be of any program: it is asked last
    assert list(VENDORS)[-1] == "table"
    known = [name for name, vendor in VENDORS.items() if vendor.recognises(text)]
    assert [name for name in known if name != "table" or known == ["table"]] == [layout.vendor]


@each_layout
def test_the_user_has_the_last_word_on_mass_pressure_and_sign(layout: Layout, tmp_path: Path) -> None:
    path = write(tmp_path, layout.data(), "scan-40MPa.txt")
    other = read(path, mass="3 mg", pressure="0.1 GPa", endothermic="up", vendor=layout.vendor)
    assert (float(other.mass.value), float(other.pressure.value)) == pytest.approx((3.0, 100.0))
    turned = read(path, endothermic="down")
    np.testing.assert_array_equal(turned.heat_flow.values, -other.heat_flow.values)
    assert float(turned.pressure.value) == 40.0
    assert "pressure 40 MPa is taken from the file name" in turned.remarks


@pytest.mark.parametrize(
    ("name", "pressure"),
    [
        ("scan_400bar.csv", 40.0),
        ("a 0.1 GPa.csv", 100.0),
        ("x1kbar.csv", 100.0),
        ("5mbar.csv", None),
        ("1bar-2bar.csv", None),
    ],
)
def test_the_file_name_gives_a_pressure_only_if_it_holds_exactly_one(
    name: str, pressure: float | None, tmp_path: Path
) -> None:
    text = f"# caloris-dsc 1\ntime/s,temperature/K,heat_flow/mW\n{rows_at_rest()}"
    p = read(write(tmp_path, text, name)).pressure
    assert (None if p is None else float(p.value)) == (None if pressure is None else pytest.approx(pressure))


def test_heat_flow_per_gram_becomes_milliwatt_where_a_mass_is_known(tmp_path: Path) -> None:
    header = "time/min,temperature/degC,heat_flow/W/g"
    with_mass = read(plain(tmp_path, rows_at_rest(), header, "# mass: 0.01 g\n"))
    assert (float(with_mass.heat_flow.values[0]), str(with_mass.heat_flow.unit)) == (pytest.approx(12.5), "mW")
    assert float(with_mass.time[1]) == 60.0
    assert float(with_mass.temperature[0]) == pytest.approx(573.15)
    without = read(plain(tmp_path, rows_at_rest(), header))
    assert (float(without.heat_flow.values[0]), str(without.heat_flow.unit)) == (pytest.approx(1250.0), "mW/g")
    # the file's mass normalised the signal: a corrected mass changes the heat flow per gram, not the power
    corrected = read(plain(tmp_path, rows_at_rest(), header, "# mass: 10 mg\n"), mass="5 mg")
    assert corrected.specific_heat_flow()[0] == pytest.approx(2500.0)


def test_a_plain_file_gives_every_number_back(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    t = np.cumsum(random.uniform(0.01, 1.0, 50))
    q = recording(t, random.uniform(200, 400, 50), random.normal(size=50), pressure=random.uniform(0, 90, 50))
    there = Recording(q, name="salt", mass=sc.scalar(0.1 + 0.2, unit="mg"), remarks=("a remark: with a colon",))
    write_plain(there, tmp_path / "scan.csv")
    back = read(tmp_path / "scan.csv")
    assert sc.identical(back.heat_flow, there.heat_flow)
    assert (back.name, float(back.mass.value), back.remarks[:1]) == (there.name, 0.3, there.remarks)
    per_gram = Recording(
        recording(t, 300 + t, random.normal(size=50), unit="mW/g"), pressure=sc.scalar(40.0, unit="MPa")
    )
    write_plain(per_gram, tmp_path / "per gram.csv")
    again = read(tmp_path / "per gram.csv")
    assert sc.identical(again.heat_flow, per_gram.heat_flow)
    assert float(again.pressure.value) == 40.0


def test_minutes_with_two_decimals_are_spread_over_their_step(tmp_path: Path) -> None:
    table = truth(600)
    table[:, 0] = 0.1 * np.arange(600)
    layout = LAYOUT["trios"]
    lines, rows = layout.lines(table)
    for line, values in zip(rows, table, strict=True):
        lines[line] = f"{values[0] / 60:.2f}\t{values[1]:.4f}\t{values[2]:.5f}"
    scan = read(write(tmp_path, layout.data(lines)))
    np.testing.assert_allclose(scan.time, table[:, 0], atol=0.6)
    assert np.all(np.diff(scan.time) > 0)
    np.testing.assert_allclose(scan.heat_flow.values, table[:, 2], atol=1e-9)
    assert any("time was written in steps of 0.6 s" in remark for remark in scan.remarks)


@pytest.mark.parametrize("name", ["trios", "stare", "pyris", "proteus with decimal comma"])
def test_segments_with_a_clock_of_their_own_are_joined(name: str, tmp_path: Path) -> None:
    layout, table = LAYOUT[name], truth()
    table[35:, 0] -= table[35, 0]
    scan = read(write(tmp_path, layout.data(layout.lines(table)[0])))
    np.testing.assert_allclose(scan.time, truth()[:, 0], atol=1e-4)
    assert any("clock starts anew" in remark for remark in scan.remarks)


def test_curves_in_any_order_are_sorted_and_a_clock_that_goes_back_is_refused(tmp_path: Path) -> None:
    layout, table = LAYOUT["stare"], truth()
    table[:, 0] += 100.0
    text = layout.data(layout.lines(table)[0]).decode("latin-1")
    head, first, second = re.split("(?=Curve Name:)", text)
    second, footer = second.split("Results:", 1)
    scan = read(write(tmp_path, f"{head}{second}Results:\n{first}{footer}".encode("latin-1")))
    np.testing.assert_allclose(scan.time, table[:, 0], atol=1e-4)
    table[35:, 0] -= 8.0
    with pytest.raises(InputError, match=r"line 47: time goes back from .* export the segments one by one"):
        read(write(tmp_path, layout.data(layout.lines(table)[0])))


def test_a_curve_of_mass_beside_the_heat_flow_is_left_out_with_a_remark(tmp_path: Path) -> None:
    layout = LAYOUT["stare"]
    lines, _ = layout.lines()
    mass = [line.replace("[mW]", "[mg]") for line in lines[:25]]
    scan = read(write(tmp_path, layout.data([*mass, "Results:", *lines])))
    np.testing.assert_allclose(scan.heat_flow.values, truth()[:, 2], atol=1e-5)
    assert any("in mg is no heat flow, left out" in remark for remark in scan.remarks)


def test_a_missing_time_is_rebuilt_from_a_stated_rate_only(tmp_path: Path) -> None:
    rows = "".join(f"{25 + i / 4:.2f};{0.5 + i / 100:.3f}\n" for i in range(40))
    head = "#EXO:-1\n#SAMPLE MASS /mg:2\n{}##Temp./°C;DSC/(mW/mg)\n"
    scan = read(write(tmp_path, head.format("#RANGE:25°C/5,0(K/min)/35°C\n") + rows))
    np.testing.assert_allclose(scan.time, 3.0 * np.arange(40))
    assert float(scan.heat_flow.values[0]) == pytest.approx(1.0)
    assert any("rebuilt from the temperature at 5 K/min" in remark for remark in scan.remarks)
    with pytest.raises(InputError, match="no constant rate is stated; export the time too"):
        read(write(tmp_path, head.format("") + rows))


def test_other_temperatures_zero_mass_and_missing_rows_stand_in_the_remarks(tmp_path: Path) -> None:
    layout = LAYOUT["calisto with semicolons"]
    text = decode(layout.data(), "scan").replace("10.25 mg", "0 mg").replace("Sample Temperature", "Room")
    lines = text.split("\n")
    del lines[30:33]
    scan = read(write(tmp_path, "\n".join(lines)))
    assert scan.mass is None
    assert any("mass as 0" in remark for remark in scan.remarks)
    assert any("'Furnace Temperature', not that of the sample" in remark for remark in scan.remarks)
    assert any(remark.startswith("3 rows are missing by their row numbers") for remark in scan.remarks)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (rows_at_rest() + "20.0,302.00,nan\n", r"line 23: 'nan' in column 3 is not a finite number"),
        (rows_at_rest() + "20.0,302.00\n", r"line 23: 2 columns, expected 3"),
        (rows_at_rest() + "20.0,,1.0\n", r"line 23: column 2 is empty"),
        (rows_at_rest() + "18.0,302.00,1.0\n", r"line 23: time goes back from 19 s to 18 s"),
        (rows_at_rest() + "19.0,302.00,1.0\n", r"line 23: a second row at the time 19 s"),
        (rows_at_rest() + "20.0,302.0", r"line 23: the file ends in the middle of a row"),
        (rows_at_rest(5), r"only 5 points"),
    ],
)
def test_a_row_that_cannot_be_trusted_is_refused_with_its_line(rows: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read(plain(tmp_path, rows))


def test_a_number_that_may_be_cut_at_the_end_is_left_out_with_a_remark(tmp_path: Path) -> None:
    scan = read(plain(tmp_path, rows_at_rest() + "20.0,302.00,1.2"))
    assert len(scan.time) == 20
    assert any("may be cut: left out" in remark for remark in scan.remarks)
    assert len(read(plain(tmp_path, rows_at_rest() + "20.0,302.00,1.25")).time) == 21


def test_rows_that_stand_twice_are_counted(tmp_path: Path) -> None:
    scan = read(plain(tmp_path, rows_at_rest() + rows_at_rest().splitlines(True)[-1] * 2))
    assert len(scan.time) == 20
    assert "2 rows that stand twice left out" in scan.remarks


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "line 2: not text"),
        (b"\x1f\x8b\x08\x00broken", "compressed file is damaged"),
        ("a;b\n1;2\n".encode("utf-16")[:-1], "UTF-16 text is damaged"),
        (b"", "no calorimeter's file"),
        (b"x,y\n1,2\n", r"no calorimeter's file that is known here \(it begins 'x,y'\)"),
        (b"#EXPORTTYPE:DATA COMPARE\n##Temp./C;DSC/mW\n", "several samples side by side"),
        (b"# caloris-dsc 2\n", "expected '# caloris-dsc 1'"),
        (b"# caloris-dsc 1\n# endothermic: sideways\ntime/s,temperature/K,heat_flow/mW\n", "expected 'up' or 'down'"),
        (b"# caloris-dsc 1\ntime/s,temperature/K,heat_flow/uV\n", "heat flow in uV is not calibrated"),
        (b"# caloris-dsc 1\ntime/s,temperature,heat_flow/mW\n", "'temperature' has no unit"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as error:
        read(write(tmp_path, content))
    assert "\n" not in str(error.value)


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    path = plain(tmp_path, rows_at_rest())
    with pytest.raises(InputError, match="expected 'up' or 'down'"):
        read(path, endothermic="left")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="choose one of plain, ta"):
        read(path, vendor="acme")
    with pytest.raises(InputError, match="cannot read the file"):
        read(tmp_path / "absent.csv")


def steps(sign: float, *, peak: float = 0.0, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rest, heating, rest, cooling at 1 K/s with a heat capacity of 2 mJ/K on a drifting, shifted baseline."""
    rate = np.repeat([0.0, 1.0, 0.0, -1.0], 500)
    t = np.arange(2000.0)
    T = 300 + np.cumsum(rate)
    q = 2.0 * rate - 15.0 + t / 2000 + noise * np.random.default_rng(2).normal(size=2000)
    return t, T, sign * (q + peak * rate * np.exp(-(((T - 550) / 20) ** 2)))


@pytest.mark.parametrize("peak", [0.0, 50.0, -50.0])
def test_a_positive_heat_capacity_gives_the_sign_whatever_the_peak(peak: float) -> None:
    assert heat_capacity_sign(*steps(1.0, peak=peak)) == "up"
    assert heat_capacity_sign(*steps(-1.0, peak=peak)) == "down"


def test_a_single_ramp_or_pure_noise_leaves_the_sign_open() -> None:
    t, T, q = steps(1.0)
    assert heat_capacity_sign(t[500:1000], T[500:1000], q[500:1000]) is None
    assert heat_capacity_sign(t, np.full_like(t, 300.0), q) is None


def test_the_file_wins_over_the_heat_capacity_but_a_disagreement_is_said(tmp_path: Path) -> None:
    layout = LAYOUT["universal analysis"]
    wrong = layout.data().replace(b"Exotherm\tUp", b"Exotherm\tDown")
    scan = read(write(tmp_path, wrong))
    assert not scan.sign_is_certain
    assert "disagrees with a positive heat capacity" in scan.sign
    np.testing.assert_allclose(scan.heat_flow.values, -truth()[:, 2], atol=1e-5)
    assert any("give endothermic='down'" in remark for remark in scan.remarks)
    silent = read(write(tmp_path, layout.data().replace(b"Exotherm\tUp\n", b"")))
    assert silent.sign.startswith("from a positive heat capacity: endothermic down: turned round")
    np.testing.assert_allclose(silent.heat_flow.values, truth()[:, 2], atol=1e-5)


def test_where_nothing_tells_the_sign_is_called_a_guess(tmp_path: Path) -> None:
    scan = read(plain(tmp_path, rows_at_rest()))
    assert not scan.sign_is_certain
    assert any("the sign of the heat flow is a guess" in remark for remark in scan.remarks)


@real_data
def test_measured_eicosane_of_universal_analysis() -> None:
    scan = read(DATA / "sample_dsc_tainstruments.txt")
    assert (scan.vendor, scan.name) == ("ta", "Eicosane")
    assert float(scan.mass.value) == 9.0
    assert scan.sign == "file says 'Exotherm Up': turned round; agrees with a positive heat capacity"
    assert scan.time[0] == pytest.approx(187.9960 * 60)
    assert scan.temperature[0] == pytest.approx(273.15 - 21.18184)
    assert float(scan.heat_flow.values[0]) == pytest.approx(10.46185)
    assert len(scan.time) == 19_000
    # melting takes up heat: the largest heat flow is endothermic, at the melting temperature of eicosane, 310 K
    assert scan.temperature[int(np.argmax(scan.heat_flow.values))] == pytest.approx(311.0, abs=1.5)


@real_data
@pytest.mark.parametrize(
    ("name", "mass", "points", "temperature", "flow"),
    [
        ("sample_dsc_setaram.txt.gz", 34.04, 13_002, 53.444034, 11.195387),
        ("sample.txt.gz", 58.3, 22_801, 81.999156, 17.208829),
        ("sapphire.txt.gz", None, 22_801, 89.439961, 15.342602),
        ("zero.txt.gz", None, 22_801, 89.905384, 14.103196),
    ],
)
def test_measured_files_of_calisto(name: str, mass: float | None, points: int, temperature: float, flow: float) -> None:
    scan = read(DATA / name)
    assert (scan.vendor, len(scan.time)) == ("setaram", points)
    assert (None if scan.mass is None else float(scan.mass.value)) == mass
    assert scan.temperature[0] == pytest.approx(temperature + 273.15)
    assert float(scan.heat_flow.values[0]) == pytest.approx(flow)
    assert scan.sign == "from a positive heat capacity: endothermic down: turned round"


@real_data
def test_measured_file_with_thousands_separators_is_refused() -> None:
    with pytest.raises(
        InputError,
        match=r"line 2: '50\.026\.184' has more than one decimal point; the export wrote thousands separators: "
        "export again without digit grouping",
    ):
        read(DATA / "sample_dsc_setaram.csv")


def test_a_million_rows_are_read_and_timed(tmp_path: Path) -> None:
    t = np.arange(1_000_000) * 0.1
    body = "\n".join(map("{:.1f},{:.4f},{:.5f}".format, t.tolist(), (300 + t / 1e3).tolist(), np.sin(t / 1e4).tolist()))
    path = plain(tmp_path, body + "\n", comments="# endothermic: up\n")
    begin = time.perf_counter()
    scan = read(path)
    print(f"1,000,000 rows in {time.perf_counter() - begin:.2f} s")
    assert len(scan.time) == len(t)
    np.testing.assert_allclose(scan.heat_flow.values[::1000], np.sin(t / 1e4)[::1000], atol=6e-6)
