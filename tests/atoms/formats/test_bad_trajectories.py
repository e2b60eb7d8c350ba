"""What is wrong with a trajectory is said in one line: which file, where, what to do; never a wrong number."""

import gzip
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written_trajectories import ELEMENTS, SYMBOLS, dump_frame, truth, write_dump

from caloris.atoms.reference_frame import reference_frame
from caloris.atoms.trajectory import open_trajectory
from caloris.errors import InputError

OPTIONS = {"timestep": "100 fs", "elements": ELEMENTS, "bonds": None}
TRUE = truth(6)
ATOMS = len(SYMBOLS)
COLUMNS = ["id", "type", "xu", "yu", "zu"]


def refused(path, message, **options):
    with pytest.raises(InputError, match=message) as caught:
        open_trajectory(path, **{**OPTIONS, **options})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return str(caught.value)


def lines_of(path):
    return path.read_text().split("\n")


def replaced(old, new, count=1):
    return lambda text: text.replace(old, new, count)


def line_changed(number, change):
    def spoil(text):
        lines = text.split("\n")
        lines[number - 1] = change(lines[number - 1])
        return "\n".join(line for line in lines if line is not None)

    return spoil


HEADER = 9
FRAME = HEADER + ATOMS


def word_changed(number, column, word):
    def change(line):
        words = line.split()
        words[column] = word
        return " ".join(words)

    return line_changed(number, change)


DUMPS = {
    "cut in a row": (
        lambda text: text[:-40],
        rf"frame 6 \(step 5000, line {5 * FRAME + 9}\) is incomplete: \d+ of {ATOMS} atoms.*incomplete='skip'",
    ),
    "cut in a header": (lambda text: text[: text.rindex("ITEM: BOX") + 12], r"frame 6 .*its header is cut"),
    "cut after the header": (lambda text: text[: text.rindex("zu\n") + 3], rf"frame 6 .* 0 of {ATOMS} atoms"),
    "cut in the last number": (lambda text: text[:-4], r"frame 6 .* is incomplete"),
    "cut in the first frame": (lambda text: text[:600], r"frame 1 .*there is no whole frame"),
    "a word for a number": (
        word_changed(FRAME + 12, 3, "abc"),
        rf"frame 2 \(step 1000\), line {FRAME + 12}: 'abc' is not a number",
    ),
    "two points in a number": (word_changed(FRAME + 12, 3, "1.2.3"), rf"line {FRAME + 12}: '1.2.3' is not a number"),
    "stars of an overflow": (
        word_changed(FRAME + 12, 4, "******"),
        rf"line {FRAME + 12}: '\*\*\*\*\*\*' is not a number",
    ),
    "nan": (
        word_changed(2 * FRAME + 15, 2, "nan"),
        rf"frame 3 \(step 2000\), line {2 * FRAME + 15}: 'nan' is not finite",
    ),
    "-inf": (word_changed(2 * FRAME + 15, 2, "-inf"), "'-inf' is not finite; the simulation has failed"),
    "a number too large": (word_changed(20, 2, "1e999"), "'1e999' is not finite"),
    "a column less": (
        line_changed(FRAME + 12, lambda line: line.rsplit(" ", 2)[0]),
        rf"line {FRAME + 12}: .* fewer than 5 columns",
    ),
    "a column more": (line_changed(FRAME + 12, lambda line: line + "9"), rf"line {FRAME + 12}: .* more than 5 columns"),
    "an atom less": (
        line_changed(2 * FRAME, lambda line: None),
        rf"line {2 * FRAME}: the frame has {ATOMS - 1} rows of atoms, its header says {ATOMS}",
    ),
    "an atom more": (
        line_changed(2 * FRAME, lambda line: line + "\n99 1 0 0 0 "),
        rf"frame 3, line {2 * FRAME + 1}: expected 'ITEM: ...', found '99 1 0 0 0'.*more rows",
    ),
    "an atom twice": (word_changed(FRAME + 12, 0, "1"), r"frame 2 .*'1 .*' is there twice"),
    "an unknown atom": (word_changed(FRAME + 12, 0, "99"), "no atom 99 in the first frame"),
    "half an atom": (word_changed(FRAME + 12, 0, "1.5"), "no atom 1.5 in the first frame"),
    "an atom twice at first": (word_changed(12, 0, "1"), "frame 1 .*atom 1 is there twice"),
    "another type": (word_changed(FRAME + 12, 1, "4"), "another type or element than in the first frame"),
    "another number of atoms": (
        line_changed(FRAME + 4, lambda line: str(ATOMS - 1)),
        rf"frame 2 .*{ATOMS - 1} atoms, the first frame has {ATOMS}",
    ),
    "no atoms": (line_changed(4, lambda line: "0"), "'0' is no number of atoms"),
    "words for the number of atoms": (
        line_changed(FRAME + 4, lambda line: "many"),
        rf"line {FRAME + 4}: 'many' is no number of atoms",
    ),
    "a word for the step": (line_changed(FRAME + 2, lambda line: "1e3x"), "'1e3x' is no timestep"),
    "no box": (
        lambda text: re.sub(r"ITEM: BOX BOUNDS.*\n.*\n.*\n.*\n", "", text),
        "no 'ITEM: BOX BOUNDS' before the atoms",
    ),
    "a word in the box": (
        line_changed(FRAME + 6, lambda line: "low high 0"),
        r"frame 2 .*cannot read the box 'low high 0",
    ),
    "a box without volume": (line_changed(7, lambda line: "3 3 0"), "the box has no volume"),
    "a box of nan": (line_changed(7, lambda line: "nan 3 0"), "cannot read the box"),
    "no positions": (
        replaced("xu yu zu", "fx fy fz", -1),
        "no positions among the columns id type fx fy fz; dump x y z",
    ),
    "other columns later": (
        lambda text: text[:2000] + text[2000:].replace("xu yu zu", "x y z"),
        "columns id type x y z, the first frame has id type xu yu zu",
    ),
    "an unknown item": (
        replaced("ITEM: NUMBER OF ATOMS", "ITEM: NUMBER OF ENTRIES"),
        "'ITEM: NUMBER OF ENTRIES' is not known",
    ),
    "frames out of order": (replaced("\n3000\n", "\n1500\n"), "step 1500 comes after 2000.*out of order"),
    "a frame missing": (
        replaced("\n3000\n", "\n3500\n"),
        "step 3500 comes after 2000, expected 3000; frames must be evenly spaced",
    ),
    "rubbish at the end": (
        lambda text: text + "Total wall time: 0:00:01\n",
        "expected 'ITEM: ...', found 'Total wall time",
    ),
    "binary rubbish within": (lambda text: text[:3000] + "\x00\x01\x02" + text[3003:], "frame"),
}


@pytest.mark.parametrize("case", DUMPS)
def test_a_spoilt_dump_is_one_line(tmp_path, case):
    spoil, message = DUMPS[case]
    path = write_dump(tmp_path / "t.dump", TRUE, shuffled=False)
    spoilt = spoil(path.read_text())
    assert spoilt != path.read_text()
    path.write_text(spoilt)
    assert str(path) in refused(path, message)
    assert [file.name for file in tmp_path.iterdir()] == ["t.dump"]


OPTIONS_THAT_ARE_WRONG = {
    "no timestep": (
        {"timestep": None},
        "step numbers but no times; give the time between frames, for example timestep='10",
    ),
    "no unit": ({"timestep": 10}, "timestep: 10 has no unit"),
    "a temperature": ({"timestep": "10 K"}, "timestep: '10 K' has the unit K"),
    "no time at all": ({"timestep": "0 fs"}, "timestep: must be greater than 0"),
    "no elements": (
        {"elements": None},
        r"types 1, 2, 3, 4, 5 have no elements; give elements=\{1: ..., 2: ..., 3: ..., 4: ...\} or a topology",
    ),
    "an element missing": ({"elements": {1: "H", 2: "C", 3: "N", 4: "S"}}, "says nothing of type 5"),
    "no element": ({"elements": {**ELEMENTS, 2: "Qq"}}, "'Qq' is no element"),
    "a number for an element": ({"elements": {**ELEMENTS, 2: 6}}, "type 2 is to be 6; give a symbol"),
    "a string of elements": ({"elements": "HCNS"}, "expected a mapping"),
    "unit style lj": ({"units": "lj"}, "'lj' has no lengths"),
    "no unit style": ({"units": "SI"}, "'SI' is no LAMMPS style; known are real, metal"),
    "a cell too many": ({"cell": "10 angstrom"}, "has a cell; leave cell out"),
    "a cell of seconds": ({"cell": "10 s"}, "cell: '10 s' has the unit s"),
    "no such topology": ({"topology": "none.data"}, "topology: none.data: no such file"),
    "incomplete": ({"incomplete": "ignore"}, "expected 'error' or 'skip', got 'ignore'"),
    "wrapped": ({"wrapped": "yes"}, "wrapped: expected True, False or None"),
    "bonds": ({"bonds": "all"}, "bonds: expected 'guess', None or pairs"),
    "bonds of different lengths": ({"bonds": [[1, 2], [3]]}, "bonds: expected pairs of indices"),
    "bonds of words": ({"bonds": [["a", "b"]]}, "bonds: expected pairs of indices"),
    "bonds of no atoms": ({"bonds": [[0, 1000]]}, f"indices from 0 to {ATOMS - 1}"),
}


@pytest.mark.parametrize("case", OPTIONS_THAT_ARE_WRONG)
def test_wrong_options_are_one_line(tmp_path, case):
    options, message = OPTIONS_THAT_ARE_WRONG[case]
    refused(write_dump(tmp_path / "t.dump", TRUE), message, **options)


FILES = {
    "empty": (b"", "the file is empty"),
    "blank": (b"\n\n\n", "not a trajectory that can be read here"),
    "prose": (b"Dear reader,\n", r"begins with 'Dear'\); known are LAMMPS dump, DCD"),
    "html": (b"<!DOCTYPE html><html>404</html>", "not a trajectory"),
    "an image": (b"\x89PNG\r\n\x1a\n\0\0\0", "not a trajectory"),
    "half of HDF5": (b"\x89HDF\r\n\x1a\n\0\0\0", "cannot read the trajectory: the file is"),
    "half of gzip": (gzip.compress(b"ITEM: TIMESTEP\n0\n" * 9)[:30], "cut short|no whole frame|expected"),
    "damaged gzip": (gzip.compress(b"ITEM: TIMESTEP\n0\n" * 9)[:-8] + b"12345678", "cannot read|ITEM"),
    "half of NetCDF": (b"CDF\x01\0\0\0\x09\0\0\0\x0a", "cannot read the NetCDF"),
    "half of ASE": (b"- of UlmASE-Trajectory" + b"\0" * 40, "damaged|no frames"),
    "half of DCD": (b"\x54\0\0\0CORD" + b"\0" * 20, "the header is cut|the file is damaged"),
    "half of TRR": ((1993).to_bytes(4, "big") + b"\0\0\0\x0d\0\0\0\x0c", "no whole frame"),
    "half of XTC": ((1995).to_bytes(4, "big") + b"\0\0\0\x0a", "no whole frame"),
    "xyz without rows": (b"3\ncomment\n", "is incomplete"),
    "vasprun without frames": (b"<?xml version='1.0'?><modeling></modeling>", "no whole frame"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_are_no_trajectories(tmp_path, case):
    content, message = FILES[case]
    path = tmp_path / "file.dat"
    path.write_bytes(content)
    refused(path, message)
    assert [file.name for file in tmp_path.iterdir()] == ["file.dat"]


def test_folders_and_files_that_are_not_there(tmp_path):
    refused(tmp_path, "is a folder")
    refused(tmp_path / "none.dump", "no such file")
    refused([], "no files given")
    refused(None, "expected the path of a file or a list of them, got None")
    refused(5, "expected the path of a file or a list of them, got 5")
    refused([write_dump(tmp_path / "t.dump", TRUE), 5], "expected the path of a file")


def test_pieces_that_do_not_belong_together(tmp_path):
    a = write_dump(tmp_path / "a.dump", TRUE, frames=range(3))
    b = write_dump(tmp_path / "b.dump", TRUE, "id type x y z", frames=range(3, 6))
    refused([a, b], "other columns than")
    c = write_dump(tmp_path / "c.dump", TRUE, frames=range(3))
    refused([a, c], "begins at step 0, the one before at 0; give the pieces in the order of time")
    d = write_dump(tmp_path / "d.dump", TRUE, frames=range(4, 6))
    refused([a, d], "step 4000 comes after 2000, expected 3000")
    refused([d, a], "order of time")


def test_velocities_ask_for_units(tmp_path):
    path = write_dump(tmp_path / "t.dump", TRUE, "id type x y z vx vy vz")
    refused(path, r"units='metal' \(angstrom/ps\) or units='real'")
    assert open_trajectory(path, **OPTIONS, units="metal").holds == {"position", "velocity"}
    said = write_dump(tmp_path / "s.dump", TRUE, extra="ITEM: UNITS\nmetal\n")
    refused(said, "'real' was given, .* says 'metal'", units="real")


def test_a_timestep_that_contradicts_the_file(tmp_path):
    text = "".join(dump_frame(TRUE, t, COLUMNS, extra=f"ITEM: UNITS\nreal\nITEM: TIME\n{100 * t}\n") for t in range(6))
    (tmp_path / "t.dump").write_text(text)
    refused(tmp_path / "t.dump", "timestep is 0.05 ps, but frames of the file are 0.1 ps apart", timestep="50 fs")


def test_swapped_elements_are_seen_by_their_masses(tmp_path):
    path = tmp_path / "t.dump"
    frames = [dump_frame(TRUE, t, COLUMNS) for t in range(3)]
    masses = {"1": "1.008", "2": "12.011", "3": "14.007", "4": "32.06", "5": "6.94"}
    with_masses = re.sub(
        r"(?m)^(\d+ (\d) [-\d.e]+ [-\d.e]+ [-\d.e]+)", lambda m: f"{m[1]} {masses[m[2]]}", "".join(frames)
    )
    path.write_text(with_masses.replace("xu yu zu", "xu yu zu mass"))
    refused(path, "is Si with a mass of 1.008 u; check elements", elements={**ELEMENTS, 1: "Si"})
    assert open_trajectory(path, timestep="1 fs", bonds=None).symbols == tuple(SYMBOLS)


def test_a_cell_of_another_lattice_is_not_unwrapped(tmp_path):
    other = TRUE.cell.copy()
    other[3:, 1, 0] += 0.4 * other[3:, 0, 0]
    true = type(TRUE)(TRUE.positions @ np.linalg.inv(other), other, TRUE.velocities)
    refused(
        write_dump(tmp_path / "t.dump", true, "id type x y z"),
        r"frame 4: the cell is another one than in the frame before",
    )
    trajectory = open_trajectory(write_dump(tmp_path / "u.dump", true), **OPTIONS)
    with pytest.raises(InputError, match=r"the cell vectors jump by 0\.40 of themselves after frame 3"):
        reference_frame(trajectory)


def test_a_restart_that_wrote_a_frame_twice_counts_it_once(tmp_path):
    path = write_dump(tmp_path / "t.dump", TRUE, frames=[0, 1, 2, 2, 3, 4, 5], digits=17)
    np.testing.assert_allclose(open_trajectory(path, **OPTIONS).read("position"), TRUE.positions, atol=1e-9)


def test_a_compressed_file_that_is_cut(tmp_path):
    path = write_dump(tmp_path / "t.dump.gz", TRUE, digits=17)
    path.write_bytes(path.read_bytes()[:-200])
    refused(path, "the compressed file is cut short")
    found = open_trajectory(path, incomplete="skip", **OPTIONS)
    assert 3 <= len(found) < 6
    np.testing.assert_allclose(found.read("position"), TRUE.positions[: len(found)], atol=1e-9)


XYZ = {
    "another number of atoms": (replaced("\n25\n", "\n24\n"), "frame 2 .*24 atoms, the first frame has 25"),
    "a row less": (line_changed(30, lambda line: None), "line 54.*fewer than 4 columns|another element"),
    "another element": (word_changed(35, 0, "Xe"), "line 35: 'Xe .*' is another element"),
    "no number": (word_changed(35, 2, "?"), r"line 35: '\?' is not a number"),
    "nan": (word_changed(35, 2, "NaN"), "'NaN' is not finite"),
    "cut": (lambda text: text[:-20], "frame 6 .* is incomplete"),
    "no volume": (
        lambda text: re.sub(r'Lattice="[^"]*"', 'Lattice="1 0 0 1 0 0 0 0 1"', text),
        "is no cell with a volume",
    ),
    "no cell": (lambda text: re.sub(r'Lattice="[^"]*"', "", text), "no cell; give cell="),
}


@pytest.mark.parametrize("case", XYZ)
def test_a_spoilt_xyz_is_one_line(tmp_path, case):
    from ase import Atoms
    from ase.io import write

    spoil, message = XYZ[case]
    path = tmp_path / "t.xyz"
    write(
        path,
        [Atoms(SYMBOLS, positions=x, cell=c, pbc=True) for x, c in zip(TRUE.positions, TRUE.cell, strict=True)],
        format="extxyz",
    )
    spoilt = spoil(path.read_text())
    assert spoilt != path.read_text()
    path.write_text(spoilt)
    refused(path, message, elements=None)


@pytest.mark.parametrize("suffix", ["dcd", "xtc", "trr", "ncdf"])
def test_binary_files_cut_anywhere(tmp_path, suffix):
    """A whole number of frames and an error that names the next one, or that it can be left out."""
    mda = pytest.importorskip("MDAnalysis")
    one = mda.Universe.empty(ATOMS, trajectory=True)
    path = tmp_path / f"t.{suffix}"
    with mda.Writer(str(path), n_atoms=ATOMS, dt=0.1) as writer:
        for t in range(6):
            one.atoms.positions, one.dimensions = TRUE.wrapped[t], mda.lib.mdamath.triclinic_box(*TRUE.cell[t])
            one.trajectory.ts.time, one.trajectory.ts.frame = 0.1 * t, t
            one.trajectory.ts.data["step"] = t
            writer.write(one.atoms)
    gro = "".join(f"{1:5d}{'MOL':<5}{s:>5}{i + 1:5d}{0:8.3f}{0:8.3f}{0:8.3f}\n" for i, s in enumerate(SYMBOLS))
    (tmp_path / "t.gro").write_text(f"title\n{ATOMS}\n{gro}1.2 1.3 1.1\n")
    options = {"topology": tmp_path / "t.gro", "bonds": None, "timestep": "100 fs"}
    whole, data = open_trajectory(path, **options).read("position"), path.read_bytes()
    rng = np.random.default_rng(4)
    said = []
    for cut in [1, 3, 4, *rng.integers(5, len(data) - 1, 25).tolist()]:
        path.write_bytes(data[:cut])
        try:
            found = open_trajectory(path, incomplete="skip", **options).read("position")
        except InputError as error:
            said.append(str(error))
        else:
            assert len(found) < 6
            np.testing.assert_array_equal(found, whole[: len(found)])
    assert said
    assert not any("\n" in line for line in said)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_mutated_dump_is_refused_or_right(tmp_path, data):
    """Bytes removed, doubled or replaced: an error of one line, or numbers that stand in the file."""
    path = tmp_path / "m.dump"
    text = write_dump(path, TRUE, shuffled=False, digits=8).read_bytes()
    kind = data.draw(st.sampled_from(["remove", "double", "replace", "cut", "swap lines"]))
    at = data.draw(st.integers(0, len(text) - 2))
    size = data.draw(st.integers(1, 300))
    if kind == "remove":
        text = text[:at] + text[at + size :]
    elif kind == "double":
        text = text[:at] + text[at : at + size] + text[at:]
    elif kind == "replace":
        text = text[:at] + data.draw(st.binary(min_size=1, max_size=8)) + text[at + 1 :]
    elif kind == "cut":
        text = text[:at]
    else:
        lines = text.split(b"\n")
        i, j = at % len(lines), (at + size) % len(lines)
        lines[i], lines[j] = lines[j], lines[i]
        text = b"\n".join(lines)
    path.write_bytes(text)
    try:
        found = open_trajectory(path, **OPTIONS)
    except InputError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
    if said:
        return
    words = set(text.replace(b"\n", b" ").split())
    positions = found.read("position")
    assert np.all(np.isfinite(positions))
    numbers = {float(word) for word in words if re.fullmatch(rb"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?", word)}
    single = {float(np.float32(number)) for number in numbers}
    shifted = not np.allclose(found.cell.values, TRUE.cell[: len(found)])  # a box that moved takes the atoms along
    assert shifted or set(positions.astype(float).ravel().tolist()) <= numbers | single
