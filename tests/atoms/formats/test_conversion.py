"""The store of a conversion: made once, complete or absent, and after any stop what was written is not done again."""

import os
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest
from written_trajectories import ELEMENTS, SYMBOLS, check, truth, write_dump

from caloris.atoms.formats import conversion, convert_trajectory
from caloris.atoms.formats.store import PartialStore
from caloris.atoms.trajectory import open_trajectory
from caloris.errors import InputError

OPTIONS = {"timestep": "100 fs", "elements": ELEMENTS}


@pytest.fixture
def small_slabs(monkeypatch):
    """Chunks of 4 frames, slabs of one chunk."""
    import caloris.atoms.formats.store as store
    import caloris.atoms.h5md as h5md

    for module in (conversion, store, h5md):
        monkeypatch.setattr(module, "frames_of_chunk", lambda atoms: 4)
    monkeypatch.setattr(conversion, "_frames_of_slab", lambda layout: 4)


def test_a_store_is_made_once_and_anew_when_the_source_or_an_option_changes(tmp_path):
    true = truth()
    path = write_dump(tmp_path / "t.dump", true, digits=17)
    store = convert_trajectory(path, **OPTIONS)
    assert store == tmp_path / "t.dump.caloris.h5"
    made = store.stat().st_mtime_ns
    assert {p.name for p in tmp_path.iterdir()} == {"t.dump", "t.dump.caloris.h5"}
    check(open_trajectory(path, **OPTIONS), true, precision=1e-9)
    check(open_trajectory(path), true, precision=1e-9)  # what only the user knows is in the store
    check(open_trajectory(store), true, precision=1e-9)
    assert store.stat().st_mtime_ns == made
    assert float(open_trajectory(path, timestep="50 fs", elements=ELEMENTS).timestep.value) == pytest.approx(0.05)
    assert store.stat().st_mtime_ns > made
    shorter = truth(20)
    write_dump(path, shorter, digits=17)
    with pytest.raises(InputError, match="elements="):
        open_trajectory(path)
    check(open_trajectory(path, **OPTIONS), shorter, precision=1e-9)


def test_the_store_says_what_was_done(tmp_path):
    path = write_dump(tmp_path / "t.dump", truth(), "id type x y z")
    found = open_trajectory(path, **OPTIONS)
    assert found.inputs["source"] == "t.dump"
    assert found.inputs["format"] == "LAMMPS text dump"
    assert found.inputs["positions"].startswith("unwrapped: no atom moves by more than half a cell")
    assert any("lengths were taken as angstrom" in note for note in found.inputs["warnings"])
    assert found.masses.values[1] == pytest.approx(1.008)
    assert found.versions["caloris"]


def test_bonds_can_be_given_or_left_out(tmp_path):
    path = write_dump(tmp_path / "t.dump", truth(4))
    none = open_trajectory(path, bonds=None, **OPTIONS)
    assert none.formulas == tuple(SYMBOLS)
    some = open_trajectory(path, bonds=[[0, 1]], **OPTIONS)
    assert some.formulas[0] == "NH"
    assert some.inputs["bonds"] == "given"
    with pytest.raises(InputError, match="indices from 0 to 24"):
        open_trajectory(path, bonds=[[0, 99]], **OPTIONS)


def test_precision_follows_the_digits_of_the_file(tmp_path):
    """Six digits fit single precision, more do not; atoms that go far make it double."""
    kinds = {}
    for digits in (6, 9):
        path = write_dump(tmp_path / f"{digits}.dump", truth(), digits=digits)
        kinds[digits] = open_trajectory(path, **OPTIONS).read("position").dtype
    assert kinds == {6: np.float32, 9: np.float64}
    far = truth(200, step=40.0)
    found = open_trajectory(write_dump(tmp_path / "far.dump", far, "id type x y z ix iy iz", digits=6), **OPTIONS)
    assert np.abs(far.positions).max() > 1000
    assert found.read("position").dtype == np.float64
    away = (found.read("position") - far.positions) @ np.linalg.inv(far.cell)
    assert np.abs(away - np.round(away[0])).max() < 1e-5


def test_a_network_without_end_stays_unbound(tmp_path):
    from ase.build import bulk
    from ase.io import write

    crystal = bulk("Si", cubic=True).repeat(2)
    crystal += crystal[:1]
    crystal.symbols[-1], crystal.positions[-1] = "He", crystal.positions[0] + 1.35
    write(tmp_path / "t.xyz", [crystal, crystal], format="extxyz")
    found = open_trajectory(tmp_path / "t.xyz", timestep="1 fs")
    assert len(found.bonds) == 0
    assert "network without end" in found.inputs["bonds"]


SCRIPT = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from caloris.atoms.formats import conversion, store
import caloris.atoms.h5md as h5md
for module in (conversion, store, h5md):
    module.frames_of_chunk = lambda atoms: 4
conversion._frames_of_slab = lambda layout: 4
whole = store.PartialStore.write
def write(self, *arguments):
    whole(self, *arguments)
    if self.count >= {kill_at}:
        os.kill(os.getpid(), signal.SIGKILL)
store.PartialStore.write = write
conversion.convert_trajectory({path!r}, timestep="100 fs", elements={elements!r})
"""


@pytest.mark.parametrize("columns", ["id type x y z", "id type xu yu zu", "id type xs ys zs"])
@pytest.mark.parametrize("suffix", ["dump", "dump.gz"])
def test_after_a_kill_conversion_goes_on(tmp_path, small_slabs, monkeypatch, columns, suffix):
    true = truth(41)
    path = write_dump(tmp_path / f"t.{suffix}", true, columns, digits=17)
    script = SCRIPT.format(tests=os.path.dirname(__file__), kill_at=16, path=str(path), elements=ELEMENTS)
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / f"t.{suffix}.caloris.h5").exists()
    written = []
    whole = PartialStore.write
    monkeypatch.setattr(PartialStore, "write", lambda self, *a: written.append(len(a[1])) or whole(self, *a))
    check(open_trajectory(path, **OPTIONS), true, precision=1e-9)
    assert sum(written) == 41 - 16
    assert {p.name for p in tmp_path.iterdir()} == {f"t.{suffix}", f"t.{suffix}.caloris.h5"}


def stopped(monkeypatch, path, at):
    """A conversion that Ctrl-C stops after some frames."""
    whole = PartialStore.write

    def write(self, *arguments):
        whole(self, *arguments)
        if self.count >= at:
            raise KeyboardInterrupt

    monkeypatch.setattr(PartialStore, "write", write)
    with pytest.raises(KeyboardInterrupt):
        convert_trajectory(path, **OPTIONS)
    monkeypatch.setattr(PartialStore, "write", whole)
    return path.with_name(f".{path.name}.caloris.h5.partial")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda partial, side: partial.write_bytes(partial.read_bytes()[:-2000]),
        lambda partial, side: partial.write_bytes(partial.read_bytes().replace(b"TREE", b"tree", 1)),
        lambda partial, side: side.write_text(side.read_text()[:-5]),
        lambda partial, side: side.write_text("{}"),
        lambda partial, side: partial.unlink(),
        lambda partial, side: side.unlink(),
        lambda partial, side: flipped(partial),
    ],
)
def test_a_damaged_partial_file_is_thrown_away(tmp_path, small_slabs, monkeypatch, spoil):
    true = truth(30)
    path = write_dump(tmp_path / "t.dump", true, digits=17)
    partial = stopped(monkeypatch, path, 12)
    assert partial.exists()
    spoil(partial, partial.with_name(partial.name + ".json"))
    check(open_trajectory(path, **OPTIONS), true, precision=1e-9)
    assert len(list(tmp_path.iterdir())) == 2


def flipped(partial):
    """One bit of a position is another one."""
    with h5py.File(partial, "r+") as file:
        file["particles/all/position/value"][5, 3, 1] += 1e-7


def test_a_partial_file_of_another_source_is_not_used(tmp_path, small_slabs, monkeypatch):
    path = write_dump(tmp_path / "t.dump", truth(30), digits=17)
    stopped(monkeypatch, path, 12)
    other = truth(30, seed=8)
    write_dump(path, other, digits=17)
    os.utime(path, ns=(1, 1))
    check(open_trajectory(path, **OPTIONS), other, precision=1e-9)


def test_resuming_in_the_second_of_two_files_that_overlap(tmp_path, small_slabs, monkeypatch):
    true = truth(30)
    paths = [
        write_dump(tmp_path / "a.dump", true, "id type x y z", frames=range(13), digits=17),
        write_dump(tmp_path / "b.dump", true, "id type x y z", frames=range(10, 30), digits=17),
    ]
    whole = PartialStore.write

    def write(self, *arguments):
        whole(self, *arguments)
        if self.count >= 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(PartialStore, "write", write)
    with pytest.raises(KeyboardInterrupt):
        convert_trajectory(paths, **OPTIONS)
    monkeypatch.setattr(PartialStore, "write", whole)
    found = open_trajectory(paths, **OPTIONS)
    check(found, true, precision=1e-9)
    assert any("3 frames that a restart wrote twice" in note for note in found.inputs["warnings"])


def test_two_processes_at_once_make_one_store(tmp_path):
    true = truth(400)
    path = write_dump(tmp_path / "t.dump", true, digits=17)
    script = (
        "from caloris.atoms.formats import convert_trajectory\n"
        f"convert_trajectory({str(path)!r}, timestep='100 fs', elements={ELEMENTS!r})"
    )
    running = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    for process in running:
        process.stdout.close()
    check(open_trajectory(path), true, precision=1e-9)
    assert {p.name for p in tmp_path.iterdir()} == {"t.dump", "t.dump.caloris.h5"}


def test_a_store_of_something_else_is_never_overwritten(tmp_path):
    path = write_dump(tmp_path / "t.dump", truth(4))
    mine = tmp_path / "results.h5"
    with h5py.File(mine, "w") as file:
        file["precious"] = 1.0
    for target in (mine, path, tmp_path):
        with pytest.raises(InputError, match="store"):
            convert_trajectory(path, target, **OPTIONS)
    with h5py.File(mine) as file:
        assert file["precious"][()] == 1.0
    with pytest.raises(InputError, match="cannot write the converted trajectory"):
        convert_trajectory(path, tmp_path / "no" / "such" / "folder.h5", **OPTIONS)
    (tmp_path / "t.dump.caloris.h5").write_bytes(b"cut")  # a damaged store is made anew
    assert len(open_trajectory(path, **OPTIONS)) == 4


def test_an_error_leaves_nothing_behind(tmp_path, small_slabs):
    path = write_dump(tmp_path / "t.dump", truth(30))
    path.write_text(path.read_text()[:-100])
    with pytest.raises(InputError, match=r"frame 30 .* is incomplete"):
        convert_trajectory(path, **OPTIONS)
    assert [p.name for p in tmp_path.iterdir()] == ["t.dump"]
    found = open_trajectory(path, incomplete="skip", **OPTIONS)
    assert len(found) == 29
    assert any("frame 30" in note and "left out" in note for note in found.inputs["warnings"])


def test_progress_is_told(tmp_path, small_slabs):
    told = []
    path = write_dump(tmp_path / "t.dump", truth(30))
    convert_trajectory(path, progress=lambda words, part: told.append(part), **OPTIONS)
    assert len(told) > 4
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_elements_from_masses_and_from_a_data_file_matched_by_number(tmp_path):
    true = truth(5)
    path = write_dump(tmp_path / "t.dump", true, digits=17)
    masses = {1: 2.0141, 2: 12.011, 3: 14.007, 4: 32.06, 5: 6.94}
    order = np.random.default_rng(3).permutation(len(SYMBOLS))
    types = {symbol: number for number, symbol in ELEMENTS.items()}
    atoms = "".join(f"{i + 1} 1 {types[SYMBOLS[i]]} {0.1 * i:.3f} 0 0 0\n" for i in order)
    (tmp_path / "t.data").write_text(
        f"title\n\n{len(SYMBOLS)} atoms\n5 atom types\n1 bonds\n\n"
        "0 12 xlo xhi\n0 13 ylo yhi\n0 11 zlo zhi\n\nMasses\n\n"
        + "".join(f"{k} {m}\n" for k, m in masses.items())
        + f"\nAtoms # full\n\n{atoms}\nBonds\n\n1 1 16 17\n"
    )
    found = open_trajectory(path, timestep="100 fs", topology=tmp_path / "t.data")
    assert list(found.symbols) == SYMBOLS
    assert found.masses.values[1] == 2.0141
    np.testing.assert_allclose(found.charges.values, 0.1 * np.arange(len(SYMBOLS)), atol=1e-12)
    assert found.bonds.tolist() == [[15, 16]]
    assert "elements were told from masses" in found.inputs["warnings"]
    heavy = open_trajectory(path, timestep="100 fs", elements={**ELEMENTS, 1: "D"})
    assert heavy.masses.values[1] == pytest.approx(2.014, abs=1e-3)
    assert heavy.formulas[0] == "NH4"


def test_a_far_step_is_doubted(tmp_path):
    true = truth(20, step=3.0)
    found = open_trajectory(write_dump(tmp_path / "t.dump", true, "id type x y z"), **OPTIONS)
    assert any("too far to unwrap" in note for note in found.inputs["warnings"])
    fine = open_trajectory(write_dump(tmp_path / "u.dump", true, "id type xu yu zu", digits=17), **OPTIONS)
    check(fine, true, precision=1e-9)
    assert not any("too far" in note for note in fine.inputs["warnings"])
