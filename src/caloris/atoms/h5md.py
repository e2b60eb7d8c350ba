"""The layout of trajectories on disk, H5MD 1.1; segments joined into such a file, streaming.

Chunks run along time for few atoms, because most analyses follow an atom through time, and they are as long as the
frames that are written at once, so that each is written once. The ``step`` of the format
counts femtoseconds, or fractions of them where frames need it, so that particles and observables count alike.
Source: de Buyl, Colberg and Höfling, Comput. Phys. Commun. 185, 1546 (2014), with its module of units.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from caloris.atoms.segments import OBSERVABLE_UNITS, Array, Indices, check_even, check_segment, opened
from caloris.errors import InputError
from caloris.files import versions, whole

if TYPE_CHECKING:
    import h5py
    from ase import Atoms

SLAB = 64_000_000
"""Bytes held at once."""
_CHUNK = 65_536
"""Bytes of a chunk."""
_ROW = 160_000_000
"""Bytes of the chunks of all atoms between the same two frames."""
_LONGEST = 512
"""Most frames of a chunk."""
_NAMES = {"position": "positions", "velocity": "velocities", "virial": "virial"}
UNITS = {"position": "Angstrom", "velocity": "Angstrom ps-1", "virial": "eV", "angstrom": "Angstrom"}
UNITS |= {"angstrom^3": "Angstrom+3"}


@dataclass(frozen=True)
class _Piece:
    """What of a segment goes into the joined file."""

    path: Path
    frames: slice
    time: Array
    samples: slice
    samples_time: Array
    holds: frozenset[str]


def write_h5md(
    paths: Sequence[str | Path],
    path: str | Path,
    *,
    atoms: "Atoms",
    bonds: Indices | None,
    molecules: Indices | None,
    charges: Array | None,
    inputs: Mapping[str, Any],
) -> None:
    """Join segments into a file; parameters and errors are those of ``join_segments``, all given."""
    import h5py

    pairs = np.empty((0, 2), dtype=int) if bonds is None else np.asarray(bonds, dtype=int)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or np.any((pairs < 0) | (pairs >= len(atoms))):
        raise InputError(f"bonds: expected pairs of indices from 0 to {len(atoms) - 1}")
    for name, values in (("molecules", molecules), ("charges", charges)):
        if values is not None and np.shape(values) != (len(atoms),):
            raise InputError(f"{name}: expected {len(atoms)} values, one for each atom, got {np.shape(values)}")
    pieces = _plan(paths, len(atoms))
    cache = 24 * len(atoms) * frames_of_chunk(len(atoms)) * 9 // 8  # segments end within chunks
    with (
        whole(path) as temporary,
        h5py.File(temporary, "w", rdcc_nbytes=max(1 << 20, cache), rdcc_nslots=100_003) as file,
    ):
        group = begin_file(
            file,
            numbers=np.asarray(atoms.numbers),
            masses=atoms.get_masses(),
            charges=charges,
            molecules=connected(pairs, len(atoms)) if molecules is None else np.asarray(molecules),
            bonds=pairs,
            known={"inputs": dict(inputs)},
        )
        times = [np.concatenate([getattr(p, name) for p in pieces]) for name in ("time", "samples_time")]
        scale = steps_per_picosecond(*times)
        _write_frames(group, pieces, pairs, times[0], scale)
        _write_observables(file.create_group("observables"), pieces, times[1], scale)


def begin_file(
    file: "h5py.File",
    *,
    numbers: Indices,
    masses: Array,
    charges: Array | None,
    molecules: Indices,
    bonds: Indices,
    known: Mapping[str, Any],
    periodic: Sequence[bool] = (True, True, True),
) -> "h5py.Group":
    """Write what does not change with time.

    Parameters
    ----------
    file:
        An empty file.
    numbers, masses, charges:
        (N,) each: atomic numbers, u, e.
    molecules:
        (N,), number of the molecule of each atom.
    bonds:
        (B, 2).
    known:
        What made the trajectory, JSON values; versions are added.
    periodic:
        Along which cell vectors.

    Returns
    -------
    :
        The group of the particles.
    """
    file.create_group("h5md").attrs["version"] = np.array([1, 1], dtype=np.int32)
    file.create_group("h5md/author").attrs["name"] = "caloris"
    creator = file.create_group("h5md/creator")
    creator.attrs["name"], creator.attrs["version"] = "caloris", versions().get("caloris", "unknown")
    file.create_group("h5md/modules/units").attrs["version"] = np.array([1, 0], dtype=np.int32)
    file["parameters/caloris"] = json.dumps({**known, "versions": versions()}, ensure_ascii=False)
    group: h5py.Group = file.create_group("particles/all")
    group["species"] = np.asarray(numbers, dtype=np.int32)
    group["mass"] = masses
    group["mass"].attrs["unit"] = "u"
    group["molecule"] = np.asarray(molecules, dtype=np.int64)
    if charges is not None:
        group["charge"] = np.asarray(charges, dtype=np.float64)
        group["charge"].attrs["unit"] = "e"
        group["charge"].attrs["type"] = "effective"
    box = group.create_group("box")
    box.attrs["dimension"] = 3
    box.attrs["boundary"] = ["periodic" if along else "none" for along in periodic]
    file.create_dataset("connectivity/bonds", data=bonds).attrs["particles_group"] = group.ref
    return group


def frames_of_chunk(atoms: int) -> int:
    """Return how many frames a chunk spans, for so many atoms: a power of 2."""
    return max(4, min(_LONGEST, 1 << max(0, (_ROW // (24 * max(1, atoms))).bit_length() - 1)))


def chunk_shape(atoms: int, width: int, itemsize: int, frames: int | None = None) -> tuple[int, int, int]:
    """Return the shape of a chunk.

    Parameters
    ----------
    atoms, width, itemsize:
        Of the data set: atoms, numbers of each, bytes of a number.
    frames:
        If there are no more.

    Returns
    -------
    :
        Frames, atoms, numbers.
    """
    along = frames_of_chunk(atoms) if frames is None else min(frames, frames_of_chunk(atoms))
    return along, max(1, min(atoms, _CHUNK // max(1, along * width * itemsize))), width


def connected(bonds: Indices, atoms: int) -> Indices:
    """Number molecules: what bonds, (B, 2), connect of so many atoms; (atoms,) numbers from 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(bonds)), (bonds[:, 0], bonds[:, 1])), shape=(atoms, atoms))
    return np.asarray(connected_components(graph, directed=False)[1])


def images_of_whole_molecules(positions: Array, cell: Array, bonds: Indices) -> Array:
    """Count the cell vectors that bring bonded atoms together.

    Parameters
    ----------
    positions, cell, bonds:
        (N, 3) and (3, 3), angstrom; (B, 2).

    Returns
    -------
    :
        (N, 3) integers to add, times the cell vectors; 0 for the first atom of each molecule.
    """
    fractional = positions @ np.linalg.inv(cell)
    neighbours: dict[int, list[int]] = defaultdict(list)
    for i, j in bonds.tolist():
        neighbours[i].append(j)
        neighbours[j].append(i)
    images = np.zeros(positions.shape)
    seen = np.zeros(len(positions), dtype=bool)
    for first in range(len(positions)):
        waiting = [] if seen[first] else [first]
        seen[first] = True
        while waiting:
            i = waiting.pop()
            for j in neighbours[i]:
                if not seen[j]:
                    seen[j] = True
                    images[j] = images[i] - np.round(fractional[j] - fractional[i])
                    waiting.append(j)
    return images


def is_store(path: str | Path) -> bool:
    """Say whether a file is a trajectory that caloris wrote.

    Parameters
    ----------
    path:
        The file.

    Returns
    -------
    :
        Whether.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    file = Path(path)
    try:
        if not file.is_file():
            return False
        with file.open("rb") as raw:
            if raw.read(8) != b"\x89HDF\r\n\x1a\n":
                return False
    except OSError as error:
        raise InputError(f"{path}: cannot read the trajectory: {error.strerror}") from None
    with opened(file, "trajectory") as content:
        return "parameters/caloris" in content


def read_boundary(group: "h5py.Group") -> tuple[bool, bool, bool]:
    """Say along which cell vectors the box of a group of particles is periodic; all where the file does not say."""
    found = group["box"].attrs.get("boundary") if "box" in group else None
    words = [
        word.decode() if isinstance(word, bytes) else str(word) for word in np.ravel([] if found is None else found)
    ]
    return (words[0] != "none", words[1] != "none", words[2] != "none") if len(words) == 3 else (True, True, True)


def read_observables(path: Path) -> tuple[dict[str, Array], Array]:
    """Return what an engine recorded, by name in the units of ``OBSERVABLE_UNITS``, and its times, ps."""
    with opened(path, "trajectory") as file:
        group = file.get("observables", {})
        times = [item["time"][()] for item in group.values()]
        return {name: item["value"][()] for name, item in group.items()}, times[0] if times else np.empty(0)


def read_atoms(values: "h5py.Dataset", rows: slice, indices: Indices) -> Array:
    """Read atoms of some frames.

    Parameters
    ----------
    values:
        (frames, atoms, width), on disk.
    rows, indices:
        Which frames, which atoms, in any order.

    Returns
    -------
    :
        (rows, indices, width).
    """
    frames = range(rows.start, rows.stop, rows.step)
    found = np.empty((len(frames), len(indices), values.shape[2]), dtype=values.dtype)
    along, across = (1, 1) if values.chunks is None else values.chunks[:2]
    most = len(frames) if rows.step == 1 else max(1, along // rows.step)
    order = np.argsort(indices, kind="stable")
    for start in range(0, len(frames), max(1, most)):
        here = frames[start : start + most]
        block = found[start : start + len(here)]
        for span in _spans(indices[order], across):
            _read_span(values, here, indices, order[span], block)
    return found


def _read_span(values: "h5py.Dataset", frames: range, indices: Indices, part: Indices, found: Array) -> None:
    """Read the atoms ``indices[part]`` into ``found[:, part]``; every frame in between too, HDF5 skips slowly."""
    first, last = int(indices[part[0]]), int(indices[part[-1]])
    rows = slice(frames[0], frames[-1] + 1)
    in_a_row = last - first == int(part[-1] - part[0]) == len(part) - 1 and bool(np.all(np.diff(part) == 1))
    if in_a_row and frames.step == 1:
        values.read_direct(found, np.s_[rows, first : last + 1], np.s_[:, int(part[0]) : int(part[-1]) + 1])
    else:
        found[:, part] = values[rows, first : last + 1][:: frames.step][:, indices[part] - first]


def _spans(indices: Indices, across: int) -> Iterator[slice]:
    """Split increasing indices into parts that lie together; h5py picks scattered atoms very slowly."""
    if not len(indices):
        return
    width = across * -(-64 // across)
    cuts = np.flatnonzero(np.diff(indices // width)) + 1
    if indices[-1] - indices[0] == len(indices) - 1:  # in a row
        cuts = cuts[:0]
    for start, stop in pairwise([0, *cuts.tolist(), len(indices)]):
        yield slice(start, stop)


def _plan(paths: Sequence[str | Path], atoms: int) -> list[_Piece]:
    """Choose frames and samples that no earlier segment has; refuse what does not fit together."""
    pieces: list[_Piece] = []
    last, last_sample = -np.inf, -np.inf
    for path in paths:
        with opened(path, "segment") as file:
            check_segment(path, file)
            time, samples = file["time"][()], file["observables_time"][()]
            if len(time) and file["positions"].shape[1] != atoms:
                raise InputError(f"{path}: {file['positions'].shape[1]} atoms, expected {atoms}")
            holds = frozenset({*file, *file["observables"]})
        if pieces and holds != pieces[0].holds:
            differ = ", ".join(sorted(holds ^ pieces[0].holds))
            raise InputError(f"{path}: segments must hold the same; only some have {differ}")
        frames, chosen = _after(time, last), _after(samples, last_sample)
        pieces.append(_Piece(Path(path), frames, time[frames], chosen, samples[chosen], holds))
        last, last_sample = max([last, *time[-1:]]), max([last_sample, *samples[-1:]])
    if not pieces:
        raise InputError("segments: none given; a trajectory needs at least one")
    check_even(np.concatenate([piece.time for piece in pieces]), "segments")
    return pieces


def _after(time: Array, last: float) -> slice:
    """What comes after the last time that is there already, rounding aside."""
    tolerance = 0.01 * float(np.min(np.diff(time))) if len(time) > 1 else 1e-9 * max(abs(last), 1.0)
    first = int(np.searchsorted(time, last + tolerance, side="right")) if np.isfinite(last) else 0
    return slice(first, len(time))


def steps_per_picosecond(*times: Array) -> float:
    """Return how many steps of the format a picosecond has: 1000, or more where times would not differ."""
    scale = 1e3
    while any(np.any(np.diff(np.round(scale * t)) <= 0) for t in times) and scale < 1e9:
        scale *= 1e3
    return scale


def write_times(element: "h5py.Group", time: Array, scale: float) -> None:
    """Write ``step`` and ``time`` (ps) of an element, with so many steps per picosecond."""
    element["step"] = np.round(scale * time).astype(np.int64)
    element["time"] = time
    element["time"].attrs["unit"] = "ps"


def _write_frames(group: "h5py.Group", pieces: list[_Piece], bonds: Indices, time: Array, scale: float) -> None:
    edges = group.create_group("box/edges")
    write_times(edges, time, scale)
    edges.create_dataset("value", shape=(len(time), 3, 3), dtype=np.float64).attrs["unit"] = "Angstrom"
    names = [name for name in _NAMES if _NAMES[name] in pieces[0].holds]
    for name in names:
        element = group.create_group(name)
        element["step"], element["time"] = edges["step"], edges["time"]  # links: they are the same
        _create_values(element, name, pieces, len(time), len(group["mass"]))
    images, before, start = None, None, 0
    for piece in pieces:
        with opened(piece.path, "segment") as file:
            for part in _slabs(piece, len(group["mass"])):
                cell, positions = file["cell"][part], file["positions"][part]
                if images is None:
                    images = images_of_whole_molecules(positions[0], cell[0], bonds)
                _check_joint(piece.path, before, positions, cell)
                before = positions[-1], cell[-1]
                here = slice(start, start + len(cell))
                edges["value"][here] = cell
                group["position/value"][here] = positions + images @ cell
                for name in names[1:]:
                    group[f"{name}/value"][here] = file[_NAMES[name]][part]
                start = here.stop


def _create_values(element: "h5py.Group", name: str, pieces: list[_Piece], frames: int, atoms: int) -> None:
    source = next((piece for piece in pieces if len(piece.time)), pieces[0])
    with opened(source.path, "segment") as file:
        kind = file[_NAMES[name]].dtype
    width = 6 if name == "virial" else 3
    chunks = chunk_shape(atoms, width, kind.itemsize, frames) if frames else None
    values = element.create_dataset("value", shape=(frames, atoms, width), dtype=kind, chunks=chunks)
    values.attrs["unit"] = UNITS[name]


def _slabs(piece: _Piece, atoms: int) -> list[slice]:
    """Frames of a piece in parts that fit into memory."""
    most = max(1, SLAB // (24 * max(1, atoms)))
    first, last = piece.frames.start, piece.frames.stop
    return [slice(start, min(start + most, last)) for start in range(first, last, most)]


def _check_joint(path: Path, before: tuple[Array, Array] | None, positions: Array, cell: Array) -> None:
    """Refuse a segment that has wrapped its positions anew: atoms jump by cells there and nowhere else."""
    if before is None:
        return
    fractional = positions @ np.linalg.inv(cell)
    jump = np.abs(fractional[0] - before[0] @ np.linalg.inv(before[1])).max()
    usual = np.abs(np.diff(fractional[:100], axis=0)).max() if len(fractional) > 1 else 0.0
    if jump > 0.5 and usual < 0.25:
        raise InputError(
            f"{path}: an atom jumps by {jump:.2f} cells where the segment begins; positions must be unwrapped"
        )


def _write_observables(group: "h5py.Group", pieces: list[_Piece], time: Array, scale: float) -> None:
    names = [name for name in OBSERVABLE_UNITS if name in pieces[0].holds]
    columns: dict[str, list[Array]] = {name: [] for name in names}
    for piece in pieces:
        with opened(piece.path, "segment") as file:
            for name in names:
                columns[name].append(file[f"observables/{name}"][piece.samples])
    for number, name in enumerate(names):
        element = group.create_group(name)
        if number:
            element["step"], element["time"] = group[f"{names[0]}/step"], group[f"{names[0]}/time"]
        else:
            write_times(element, time, scale)
        element["value"] = np.concatenate(columns[name])
        unit = OBSERVABLE_UNITS[name]
        element["value"].attrs["unit"] = UNITS.get(unit, unit)
