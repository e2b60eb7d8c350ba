"""What comes out of a trajectory is what the segments held, whatever the cuts, and other readers of H5MD agree."""

import json
import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import scipp as sc
from ase import Atoms
from exact_trajectories import cells, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caloris.atoms.h5md import is_store
from caloris.atoms.reference_frame import reference_frame
from caloris.atoms.trajectory import (
    Segment,
    join_segments,
    open_trajectory,
    read_segment,
    unwrap,
    write_segment,
)
from caloris.errors import ComputationError, InputError

AMMONIUM = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.59
STAR = np.array([[0, 1], [0, 2], [0, 3], [0, 4]])


def walk(frames, atoms, seed=1, step=0.3):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 20, (1, atoms, 3)) + np.cumsum(step * rng.standard_normal((frames, atoms, 3)), axis=0)


def segment(first, last, positions, *, dt=0.5, virial=True):
    rng = np.random.default_rng(first)
    part = np.arange(first, last)
    return Segment(
        time=dt * part,
        cell=cells(20.0, len(part)) * (1 + 0.001 * part[:, None, None]),
        positions=positions[first:last],
        velocities=2 * positions[first:last],
        virial=rng.standard_normal((len(part), positions.shape[1], 6)) if virial else None,
        observables_time=dt * np.arange(2 * first, 2 * last) / 2,
        observables={"temperature": 300.0 + np.arange(2 * first, 2 * last), "volume": np.ones(2 * len(part))},
    )


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(1, 39), max_size=4),
    overlap=st.integers(0, 3),
    rows=st.lists(st.integers(0, 199), min_size=1, max_size=20),
    frames=st.tuples(st.integers(0, 39), st.integers(1, 45), st.integers(1, 5)),
    kind=st.sampled_from([np.float32, np.float64]),
)
def test_any_cut_and_any_selection_give_what_the_engine_wrote(tmp_path, cuts, overlap, rows, frames, kind):
    positions = walk(40, 200).astype(kind)
    borders = [0, *sorted(set(cuts)), 40]
    paths = []
    for number, (first, last) in enumerate(pairwise(borders)):
        paths.append(tmp_path / f"{number}.h5")
        write_segment(paths[-1], segment(max(0, first - overlap), last, positions, virial=False))
    trajectory = join_segments(paths, tmp_path / "joined.h5", atoms=Atoms("Li200"))
    chosen = slice(*frames)
    np.testing.assert_array_equal(trajectory.read("position", rows, chosen), positions[chosen][:, rows])
    np.testing.assert_array_equal(trajectory.read("velocity", None, chosen), 2 * positions[chosen])
    np.testing.assert_array_equal(trajectory.time.values, 0.5 * np.arange(40))
    np.testing.assert_array_equal(trajectory.observables["temperature"].values, 300.0 + np.arange(80))
    np.testing.assert_array_equal(trajectory.observables.coords["time"].values, 0.25 * np.arange(80))


def test_a_segment_comes_back_from_its_file(tmp_path):
    given_one = segment(0, 7, walk(7, 5))
    write_segment(tmp_path / "s.h5", given_one)
    back = read_segment(tmp_path / "s.h5")
    for name in ("time", "cell", "positions", "velocities", "virial", "observables_time"):
        np.testing.assert_array_equal(getattr(back, name), getattr(given_one, name))
    assert back.observables.keys() == given_one.observables.keys()


def test_units_dimensions_and_volume(tmp_path):
    positions = walk(6, 3)
    write_segment(tmp_path / "s.h5", segment(0, 6, positions))
    trajectory = join_segments(
        [tmp_path / "s.h5"],
        tmp_path / "t.h5",
        atoms=Atoms("LiNaK"),
        charges=np.array([0.85, 1.0, 1.0]),
        inputs={"temperature": "300 K"},
    )
    found = trajectory.positions("Na", slice(2, None))
    assert found.dims == ("time", "atom")
    assert found.unit == sc.Unit("angstrom")
    np.testing.assert_allclose(found.fields.y.values[:, 0], positions[2:, 1, 1])
    assert trajectory.velocities().unit == sc.Unit("angstrom/ps")
    assert trajectory.virial().sizes == {"time": 6, "atom": 3, "component": 6}
    np.testing.assert_allclose(trajectory.volume.values, (20 * (1 + 0.001 * np.arange(6))) ** 3)
    assert trajectory.timestep == sc.scalar(0.5, unit="ps")
    assert trajectory.masses.values[0] == pytest.approx(6.94)
    assert trajectory.charges is not None
    assert trajectory.charges.values[0] == 0.85
    assert trajectory.inputs == {"temperature": "300 K"}
    assert "caloris" in trajectory.versions
    assert trajectory.observables["temperature"].unit == sc.Unit("K")
    assert len(pickle.loads(pickle.dumps(trajectory)).positions()) == 6


def ammonium_across_a_face(frames):
    """An ion that the face of the cell cuts: two hydrogens on the other side, the whole drifting."""
    drift = np.linspace(0, 30, frames)[:, None, None] * np.array([1.0, 0, 0])
    inside = np.mod(AMMONIUM + np.array([0.1, 5, 5]), 20.0)
    assert np.ptp(inside[:, 0]) > 10
    return inside + drift


def test_molecules_are_whole_and_unwrapped_whatever_the_engine_cut(tmp_path):
    frames = 100
    positions = ammonium_across_a_face(frames)
    cell = cells(20.0, frames) * (1 + 0.02 * np.sin(np.arange(frames)))[:, None, None]
    fractional = positions / 20.0
    trajectory = stored(tmp_path, fractional @ cell, "NH4", cell=cell, bonds=STAR, pieces=3)
    whole = trajectory.read("position") @ np.linalg.inv(cell) * 20.0
    np.testing.assert_allclose(whole - whole[:, :1], np.broadcast_to(AMMONIUM, whole.shape), atol=1e-12)
    assert whole[-1, 0, 0] - whole[0, 0, 0] == pytest.approx(30.0)


def test_unwrapping_restores_a_walk_through_a_triclinic_cell_across_segments():
    cell = np.broadcast_to(np.array([[11.0, 0, 0], [3, 12, 0], [-2, 4, 13]]), (400, 3, 3))
    true = walk(400, 7)
    wrapped = np.mod(true @ np.linalg.inv(cell), 1.0) @ cell
    first = unwrap(wrapped[:150], cell[:150])
    second = unwrap(wrapped[150:], cell[150:], (first[-1], cell[149]))
    found = np.concatenate([first, second])
    np.testing.assert_allclose(found - found[0], true - true[0], atol=1e-9)
    assert np.abs(wrapped - wrapped[0]).max() < np.abs(true - true[0]).max()


def test_atoms_are_chosen_by_element_formula_and_index(tmp_path):
    positions = np.zeros((2, 10, 3)) + np.arange(10)[:, None]
    bonds = np.array([[0, 1], [0, 2], [0, 3], [0, 4], [5, 6], [6, 7]])
    trajectory = stored(tmp_path, positions, "NH4SCNLi2", bonds=bonds)
    assert trajectory.formulas == ("NH4", "SCN", "Li", "Li")
    assert trajectory.select("N").tolist() == [0, 7]
    assert trajectory.select("H4N").tolist() == [0, 1, 2, 3, 4]
    assert trajectory.molecules_of("NCS").tolist() == [[5, 6, 7]]
    assert trajectory.select([7, 0]).tolist() == [7, 0]
    assert repr(trajectory).startswith("<Trajectory trajectory.h5: 1 NH4, 1 SCN, 2 Li; 2 frames")
    with pytest.raises(InputError, match="no molecule 'H2O'; there are N, H, S, C, Li, NH4, SCN"):
        trajectory.select("H2O")
    with pytest.raises(InputError, match="neither an element nor a formula"):
        trajectory.select("lithium!")
    with pytest.raises(InputError, match="indices from 0 to 9"):
        trajectory.select([10])
    with pytest.raises(InputError, match="no H has the mass of 2H"):
        trajectory.select("D")
    for wrong in ([0, 0, 1], np.array([], dtype=int)):
        with pytest.raises(InputError, match="no atom is chosen, or one twice"):
            trajectory.select(wrong)
    with pytest.raises(InputError, match="indices from 0 to 9"):
        trajectory.select([[0, 1], [2]])
    with pytest.raises(InputError, match="holds no velocity"):
        trajectory.velocities()


def test_isotopes_are_chosen_by_their_masses(tmp_path):
    masses = [14.007, 1.008, 2.014, 2.0141, 1.008, 7.016]
    trajectory = stored(tmp_path, np.zeros((2, 6, 3)), "NH4Li", masses=masses)
    assert trajectory.select("D").tolist() == trajectory.select("2H").tolist() == [2, 3]
    assert trajectory.select("7Li").tolist() == [5]
    assert trajectory.select("H").tolist() == [1, 2, 3, 4]


def test_vectors_that_jump_have_no_mean_and_those_of_a_vacuum_do_not_count(tmp_path):
    positions, cell = walk(8, 3), cells(20.0, 8).copy()
    cell[4:, 1, 0] = -20.0  # b - a in place of b
    trajectory = stored(tmp_path, positions, "Li3", cell=cell)
    with pytest.raises(InputError, match=r"jump by 1.00 of themselves after frame 4: the box was flipped"):
        reference_frame(trajectory)
    assert len(reference_frame(trajectory.after(4)).turn) == 4
    slab = replace(trajectory, periodic=(True, False, False))
    np.testing.assert_allclose(reference_frame(slab).turn, np.broadcast_to(np.eye(3), (8, 3, 3)), atol=1e-12)


def test_asking_whether_a_file_is_a_store_closes_it(tmp_path, monkeypatch):
    from pathlib import Path

    path, files, inner = stored(tmp_path, walk(2, 2), "Li2").path, [], Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: files.append(inner(self, *a, **k)) or files[-1])
    assert is_store(path)
    assert [file.closed for file in files] == [True]


def test_memory_stays_bounded_while_joining_and_reading(tmp_path, monkeypatch):
    """The same file with slabs of two frames as with one slab."""
    import caloris.atoms.h5md as h5md

    positions = walk(30, 40)
    whole = stored(tmp_path, positions, "Li40", pieces=3).read("position")
    monkeypatch.setattr(h5md, "SLAB", 2 * 24 * 40)
    sizes = []
    inner = h5md._slabs
    monkeypatch.setattr(h5md, "_slabs", lambda *a: sizes.extend(s.stop - s.start for s in inner(*a)) or inner(*a))
    np.testing.assert_array_equal(stored(tmp_path, positions, "Li40", pieces=3).read("position"), whole)
    assert max(sizes) == 2


def test_a_view_of_some_frames_is_those_frames_however_it_was_made(tmp_path):
    positions = walk(50, 6)
    breathing = cells(20.0, 50) * (1 + 0.001 * np.arange(50))[:, None, None]
    whole = stored(tmp_path, positions, "Li6", cell=breathing, pieces=3)
    chosen = np.arange(50)[5:][::3][1:-2][::2]
    view = whole.after(5).sample(3).sample(2, start=1, stop=-2)
    for one in (view, pickle.loads(pickle.dumps(view))):
        assert len(one) == len(chosen)
        np.testing.assert_array_equal(one.time.values, chosen)
        np.testing.assert_array_equal(one.read("position"), positions[chosen])
        np.testing.assert_array_equal(
            one.read("position", [4, 1], slice(1, None, 2)), positions[chosen[1::2]][:, [4, 1]]
        )
        np.testing.assert_array_equal(one.cell.values, breathing[chosen])
        np.testing.assert_allclose(one.volume.values, np.linalg.det(breathing[chosen]))
        assert one.timestep == sc.scalar(6.0, unit="ps")
    for wrong in ({"every": 0}, {"every": 2.0}, {"start": 50}, {"start": 9, "stop": 9}):
        with pytest.raises(InputError, match="no frames from"):
            whole.sample(**wrong)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chunk=st.tuples(st.integers(1, 40), st.integers(1, 9)),
    memory=st.integers(24, 24 * 6 * 50),
    view=st.tuples(st.integers(0, 30), st.integers(1, 7)),
    rows=st.sampled_from([1, 2, 3, 6]),
)
def test_blocks_hold_everything_once_within_memory_and_keep_molecules_together(
    tmp_path, monkeypatch, chunk, memory, view, rows
):
    import dataclasses

    import caloris.atoms.trajectory as trajectory_module

    monkeypatch.setattr(trajectory_module, "SLAB", memory)
    path = tmp_path / "trajectory.h5"
    whole = open_trajectory(path) if path.exists() else stored(tmp_path, walk(50, 6), "Li6")
    one = dataclasses.replace(whole.sample(view[1], start=view[0]), chunk=(*chunk, 3))
    frames = list(one.frame_blocks())
    assert [i for block in frames for i in range(len(one))[block]] == list(range(len(one)))
    assert max(block.stop - block.start for block in frames) <= max(1, memory // (24 * 6))
    blocks = list(one.blocks(rows=rows))
    assert np.concatenate(blocks).tolist() == list(range(6))
    assert all(len(block) % rows == 0 for block in blocks)
    assert max(map(len, blocks)) <= max(rows, memory // (24 * len(one)))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.write_text("LAMMPS dump"), "not a trajectory that can be read here"),
        (lambda f: f.write_bytes(f.read_bytes()[:-3000]), "truncated"),
        (lambda f: f.unlink(), "no such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, spoil, message):
    stored(tmp_path, walk(20, 30), "Li30")
    path = tmp_path / "trajectory.h5"
    spoil(path)
    with pytest.raises(InputError, match=message) as caught:
        open_trajectory(path)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path):
    import h5py

    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["entry"] = 1
    with pytest.raises(InputError, match="holds no particles"):
        open_trajectory(path)
    with h5py.File(path, "a") as file:
        file["particles/all/position/value"] = np.zeros((1, 1, 3))
    with pytest.raises(InputError, match="position has no unit; give units='metal'"):
        open_trajectory(path)
    with pytest.raises(InputError, match="not a segment"):
        read_segment(path)


def test_segments_that_do_not_fit_together_are_refused(tmp_path):
    positions = walk(40, 5, step=0.05)

    def join(*segments):
        paths = [tmp_path / f"{number}.h5" for number in range(len(segments))]
        for path, one in zip(paths, segments, strict=True):
            write_segment(path, one)
        return join_segments(paths, tmp_path / "joined.h5", atoms=Atoms("Li5"))

    with pytest.raises(InputError, match=r"evenly spaced; after 4.5 ps comes 10 ps, expected 5 ps"):
        join(segment(0, 10, positions), segment(20, 30, positions))
    with pytest.raises(InputError, match="only some have virial"):
        join(segment(0, 10, positions), segment(10, 20, positions, virial=False))
    with pytest.raises(InputError, match="3 atoms, expected 5"):
        join(segment(0, 10, positions[:, :3]))
    moved = positions.copy()
    moved[20:, 2] += [0, 20.2, 0]
    with pytest.raises(
        InputError, match=r"an atom jumps by 0\.\d\d cells where the segment begins|jumps by 1\.0\d cells"
    ):
        join(segment(0, 20, positions), segment(20, 40, moved))
    assert not (tmp_path / "joined.h5").exists()
    with pytest.raises(InputError, match="none given"):
        join()


def test_a_segment_says_what_is_wrong_with_it():
    good = {"time": np.arange(3.0), "cell": cells(10, 3), "positions": np.zeros((3, 2, 3))}
    with pytest.raises(InputError, match=r"velocities must have the shape \(3, 2, 3\), got \(3, 2, 2\)"):
        Segment(**good, velocities=np.zeros((3, 2, 2)))
    with pytest.raises(InputError, match="evenly spaced"):
        Segment(**good | {"time": np.array([0.0, 1.0, 3.0])})
    with pytest.raises(InputError, match="unknown observable 'temp'"):
        Segment(**good, observables_time=np.arange(2.0), observables={"temp": np.zeros(2)})
    with pytest.raises(ComputationError, match="positions holds numbers that are not finite"):
        Segment(**good | {"positions": np.full((3, 2, 3), np.nan)})


def test_observables_alone_make_a_trajectory_without_frames(tmp_path):
    none = Segment(
        time=np.empty(0),
        cell=np.empty((0, 3, 3)),
        positions=np.array(()),
        observables_time=np.arange(1.0, 4.0),
        observables={"enthalpy": np.array([1.0, 2.0, 3.0])},
    )
    write_segment(tmp_path / "s.h5", none)
    trajectory = join_segments([tmp_path / "s.h5"], tmp_path / "t.h5", atoms=Atoms("Li5"))
    assert len(trajectory) == 0
    assert trajectory.observables["enthalpy"].sum().value == 6.0


def test_the_file_is_h5md(tmp_path):
    """Groups, attributes and units that the specification asks for."""
    import h5py

    stored(tmp_path, walk(6, 5), "NH4", bonds=STAR, observables={"temperature": np.arange(6.0)})
    with h5py.File(tmp_path / "trajectory.h5") as file:
        assert file["h5md"].attrs["version"].tolist() == [1, 1]
        assert file["h5md/author"].attrs["name"] == "caloris"
        assert file["h5md/modules/units"].attrs["version"].tolist() == [1, 0]
        particles = file["particles/all"]
        assert particles["box"].attrs["dimension"] == 3
        assert list(particles["box"].attrs["boundary"]) == ["periodic"] * 3
        assert particles["position/value"].attrs["unit"] == "Angstrom"
        assert particles["position/time"].attrs["unit"] == "ps"
        assert particles["position/step"] == particles["box/edges/step"]
        assert particles["position/step"][()].tolist() == [0, 1000, 2000, 3000, 4000, 5000]
        assert particles["species"][()].tolist() == [7, 1, 1, 1, 1]
        assert file[file["connectivity/bonds"].attrs["particles_group"]] == particles
        assert file["observables/temperature/value"].attrs["unit"] == "K"
        assert json.loads(file["parameters/caloris"][()])["inputs"] == {"synthetic": True}


def test_another_reader_of_h5md_finds_the_same(tmp_path):
    mda = pytest.importorskip("MDAnalysis")
    positions = walk(6, 5)
    stored(tmp_path, positions, "NH4", velocities=3 * positions, cell=20.0)
    universe = mda.Universe.empty(5, trajectory=True)
    universe.load_new(str(tmp_path / "trajectory.h5"), format="H5MD")
    assert len(universe.trajectory) == 6
    for frame, expected in zip(universe.trajectory, positions, strict=True):
        np.testing.assert_allclose(frame.positions, expected, atol=1e-5)
        np.testing.assert_allclose(frame.velocities, 3 * expected, atol=1e-4)
        np.testing.assert_allclose(frame.dimensions, [20, 20, 20, 90, 90, 90])
        assert frame.time == pytest.approx(frame.frame)
