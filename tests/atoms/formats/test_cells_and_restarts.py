"""Cells that flip, slabs in a vacuum, image counts and restarts: the motion is that of the atoms, whatever the box."""

import numpy as np
import pytest
from written_trajectories import BONDS, ELEMENTS, SYMBOLS, Truth, check, truth, write_dump

from caloris.atoms.formats import conversion
from caloris.atoms.formats.store import PartialStore
from caloris.atoms.reference_frame import paths, reference_frame
from caloris.atoms.segments import followed_cell
from caloris.atoms.trajectory import open_trajectory
from caloris.errors import InputError

OPTIONS = {"timestep": "100 fs", "elements": ELEMENTS}


def sheared(frames=24):
    """The same motion, in a cell that shears past where a program flips it: as it goes on, and as it is written."""
    still = truth(frames, breathing=0.0, triclinic=False)
    cell = still.cell.copy()
    cell[:, 1, 0] = np.linspace(5.0, 7.0, frames)
    cell[:, 2, 1] = np.linspace(-6.0, -7.5, frames)
    written = cell.copy()
    written[:, 1] -= np.round(cell[:, 1, 0] / cell[:, 0, 0])[:, None] * written[:, 0]
    written[:, 2] -= np.round(cell[:, 2, 1] / cell[:, 1, 1])[:, None] * written[:, 1]
    assert 5 < np.argmax(written[:, 1, 0] < 0) < 20
    assert 5 < np.argmax(written[:, 2, 1] > 0) < 20
    positions = still.fractional @ cell
    return Truth(still.fractional, cell, still.velocities), Truth(
        positions @ np.linalg.inv(written), written, still.velocities
    )


@pytest.mark.parametrize(
    "columns", ["xu yu zu", "xsu ysu zsu", "x y z", "xs ys zs", "x y z ix iy iz", "xs ys zs ix iy iz"]
)
@pytest.mark.parametrize("origin", [(0.0, 0.0, 0.0), (-6.0, 2.0, -20.0)])
def test_a_box_that_flips_moves_no_atom(tmp_path, columns, origin):
    going_on, written = sheared()
    path = write_dump(tmp_path / "t.dump", written, f"id type {columns}", digits=17, origin=origin)
    found = open_trajectory(path, bonds=BONDS, **OPTIONS)
    np.testing.assert_allclose(found.cell.values, going_on.cell, atol=1e-9)
    away = (found.read("position") - going_on.positions) @ np.linalg.inv(going_on.cell)
    np.testing.assert_allclose(away - away[0], 0.0, atol=1e-9)
    assert any("flips of the box: 2" in note for note in found.inputs["warnings"])
    np.testing.assert_allclose(reference_frame(found).mean_cell, going_on.cell.mean(axis=0), atol=1e-9)


def test_conversion_goes_on_after_a_flip(tmp_path, monkeypatch):
    import caloris.atoms.formats.store as store
    import caloris.atoms.h5md as h5md

    for module in (conversion, store, h5md):
        monkeypatch.setattr(module, "frames_of_chunk", lambda atoms: 4)
    monkeypatch.setattr(conversion, "_frames_of_slab", lambda layout: 4)
    going_on, written = sheared()
    path = write_dump(tmp_path / "t.dump", written, "id type xs ys zs", digits=17, origin=(-6.0, 2.0, -20.0))
    whole = PartialStore.write

    def write(self, *arguments):
        whole(self, *arguments)
        if self.count >= 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(PartialStore, "write", write)
    with pytest.raises(KeyboardInterrupt):
        open_trajectory(path, **OPTIONS)
    monkeypatch.setattr(PartialStore, "write", whole)
    found = open_trajectory(path, **OPTIONS)
    away = (found.read("position") - going_on.positions) @ np.linalg.inv(going_on.cell)
    np.testing.assert_allclose(away - away[0], 0.0, atol=1e-9)
    np.testing.assert_allclose(found.cell.values, going_on.cell, atol=1e-9)
    assert any("flips of the box: 2" in note for note in found.inputs["warnings"])


def test_vectors_that_go_on_span_the_same_lattice():
    before = np.array([[10.0, 0, 0], [4.9, 11, 0], [-3.0, 5.4, 12]])
    turns = np.array([[1, 0, 0], [-1, 1, 0], [1, -1, 1]])
    now = before * 1.01
    np.testing.assert_allclose(followed_cell(before, turns @ now), now, atol=1e-9)
    assert followed_cell(before, now) is now
    doubled = now * np.array([[2.0], [1], [1]])  # another lattice
    assert followed_cell(before, doubled) is doubled
    flipped = turns @ now  # a flip along what is not periodic is none
    assert followed_cell(before, flipped, (True, False, False)) is flipped


def test_images_that_are_counted_are_not_counted_twice(tmp_path):
    true = truth(60, step=1.5)
    path = write_dump(tmp_path / "t.dump", true, "id type x y z ix iy iz", digits=17)
    found = open_trajectory(path, wrapped=True, **OPTIONS)
    check(found, true, precision=1e-9)
    assert found.inputs["positions"].startswith("unwrapped by the images that the file counts")


@pytest.mark.parametrize("columns", ["xu yu zu", "xs ys zs"])
def test_a_box_that_follows_its_outermost_atom_moves_no_other(tmp_path, columns):
    """A slab in a vacuum, ``boundary p p s``: the box ends where the lowest atom is."""
    frames, atoms = 20, 11
    positions = np.zeros((frames, atoms, 3)) + np.array([2.0, 3.0, 0.0]) + np.arange(atoms)[:, None] * [0.1, 0.3, 2.0]
    positions[:, 0, 2] -= 1.5 * np.sin(np.arange(frames) / 3) ** 2
    text = ""
    for t, places in enumerate(positions):
        box = np.array([[0, 10], [0, 10], [places[:, 2].min(), places[:, 2].max()]])
        shown = places if columns.startswith("xu") else (places - box[:, 0]) / np.ptp(box, axis=1)
        text += f"ITEM: TIMESTEP\n{t}\nITEM: NUMBER OF ATOMS\n{atoms}\nITEM: BOX BOUNDS pp pp ss\n"
        text += "".join(f"{low!r} {high!r}\n" for low, high in box.tolist()) + f"ITEM: ATOMS id element {columns}\n"
        text += "".join(f"{i + 1} Ar {x!r} {y!r} {z!r}\n" for i, (x, y, z) in enumerate(shown.tolist()))
    (tmp_path / "t.dump").write_text(text)
    found = open_trajectory(tmp_path / "t.dump", timestep="1 ps", bonds=None)
    assert found.periodic == (True, True, False)
    np.testing.assert_allclose(found.read("position"), positions, atol=1e-9)
    seen = paths(found, np.arange(atoms), reference_frame(found, at_rest=[5]))
    np.testing.assert_allclose(seen[1:], np.broadcast_to(seen[1:, :, :1], seen[1:].shape), atol=1e-9)
    np.testing.assert_allclose(seen[0, 2] - seen[0, 2, 0], positions[:, 0, 2] - positions[0, 0, 2], atol=1e-9)


def changed(true, since, by):
    """The same run, that goes another way from a frame on."""
    drift = np.zeros(len(true))
    drift[since:] = by * np.arange(1, len(true) - since + 1)
    moved = true.positions + drift[:, None, None] * np.eye(len(SYMBOLS))[20][:, None] * [1.0, 0, 0]
    return Truth(moved @ np.linalg.inv(true.cell), true.cell, true.velocities)


@pytest.mark.parametrize("columns", ["id type x y z", "id type xs ys zs", "id type xu yu zu"])
def test_after_a_restart_the_later_file_is_what_happened(tmp_path, columns):
    true = truth(24)
    given_up = changed(true, 11, 0.05)
    a = write_dump(tmp_path / "a.dump", given_up, columns, frames=range(16), digits=17)
    b = write_dump(tmp_path / "b.dump", true, columns, frames=range(10, 24), digits=17)
    found = open_trajectory([a, b], **OPTIONS)
    check(found, true, precision=1e-9)
    (note,) = (note for note in found.inputs["warnings"] if "a.dump" in note)
    assert note == (
        "a.dump: its last 6 frames are left out: b.dump goes another way from step 11000 on, with an atom up to 0.25 "
        "angstrom away"
    )
    # the end of a run that was killed is of no use anyway
    a.write_text(a.read_text()[:-50])
    check(open_trajectory([a, b], **OPTIONS), true, precision=1e-9)
    c = write_dump(tmp_path / "c.dump", true, columns, frames=range(8, 24), digits=17)
    with pytest.raises(InputError, match="begins at step 8000, the one before at 10000; give the pieces in the order"):
        open_trajectory([a, b, c], **OPTIONS)


def test_a_restart_that_repeats_the_run_is_no_other_way(tmp_path):
    true = truth(24)
    a = write_dump(tmp_path / "a.dump", true, frames=range(16), digits=17)
    b = write_dump(tmp_path / "b.dump", true, frames=range(10, 24), digits=17)
    found = open_trajectory([a, b], **OPTIONS)
    check(found, true, precision=1e-9)
    assert "6 frames that a restart wrote twice are left out" in found.inputs["warnings"]


def test_corners_of_two_files_are_counted_alike(tmp_path):
    """A box that grows about a point that is not its centre, cut in two files."""
    true = truth(20)
    more = {"digits": 17, "origin": (-1.0, -2.0, -9.0)}
    grown = np.linspace(1.0, 1.1, 20)[:, None, None]
    true = Truth(true.fractional, true.cell[:1] * grown, true.velocities)
    one = open_trajectory(write_dump(tmp_path / "t.dump", true, **more), **OPTIONS)
    text = (tmp_path / "t.dump").read_text().split("ITEM: TIMESTEP\n")[1:]
    for name, part in (("a.dump", text[:9]), ("b.dump", text[9:])):
        (tmp_path / name).write_text("".join("ITEM: TIMESTEP\n" + frame for frame in part))
    two = open_trajectory([tmp_path / "a.dump", tmp_path / "b.dump"], **OPTIONS)
    np.testing.assert_allclose(two.read("position"), one.read("position"), atol=1e-9)


def test_a_store_is_found_again_and_not_for_a_changed_file(tmp_path):
    import os

    path = write_dump(tmp_path / "t.dump", truth(), "id type x y z", digits=8)
    whole = path.read_text()
    for how in ({"incomplete": "skip"}, {"wrapped": False}, {"bonds": [[0, 1]]}, {"bonds": None}):
        path.write_text(whole[:-30] if "incomplete" in how else whole)
        store = open_trajectory(path, **OPTIONS, **how).path
        made = store.stat().st_mtime_ns
        again = open_trajectory(path)
        assert again.path.stat().st_mtime_ns == made
        store.unlink()
    about = path.stat()
    open_trajectory(path, **OPTIONS)
    last = whole.rstrip().rindex(" ")
    path.write_text(whole[: last + 1] + whole[last + 1 :].translate(str.maketrans("123456789", "234567891")))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert path.stat().st_size == about.st_size
    with pytest.raises(InputError, match="elements="):  # of another source: it has to be converted anew
        open_trajectory(path)
