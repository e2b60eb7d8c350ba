"""The store while it is being written: H5MD whose space is set aside first, so that a kill damages no more than a slab.

Beside the partial file a small one says how many frames are whole, their checksums, and where the source goes on.
"""

import contextlib
import json
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from caloris.atoms.formats.sequence import even_times
from caloris.atoms.h5md import UNITS, begin_file, chunk_shape, frames_of_chunk, steps_per_picosecond
from caloris.atoms.segments import Array, Indices
from caloris.errors import InputError

if TYPE_CHECKING:
    import h5py

_WHOLE = "parameters/whole_molecules"
"""(N, 3) cell vectors that were added to make molecules whole."""


class PartialStore:
    """A store that is not whole yet."""

    def __init__(self, target: Path, identity: dict[str, Any]) -> None:
        self.path = target.with_name(f".{target.name}.partial")
        self._side = target.with_name(f".{target.name}.partial.json")
        self._target = target
        self._identity = identity
        self._file: h5py.File | None = None
        self.count = 0
        self.state: dict[str, Any] = {}
        self._checksums: list[tuple[int, int]] = []

    # -- begin, or go on -------------------------------------------------------------------------------

    def begin(self, *, atoms: dict[str, Any], whole: Indices, velocities: bool, single: bool, frames: int) -> None:
        """Make the file, with room for so many frames; ``atoms`` is what ``begin_file`` asks for."""
        import h5py

        self.discard()
        self._file = file = h5py.File(self.path, "w", libver=("earliest", "v108"))
        group = begin_file(file, **atoms)
        file[_WHOLE] = whole
        file.create_group("observables")
        count = len(atoms["numbers"])
        self._single, self._names = single, ["position", *(["velocity"] if velocities else [])]
        kind = np.dtype(np.float32 if single else np.float64)
        along = frames_of_chunk(count)
        room = -(-max(frames, 1) // along) * along
        _set_aside(group, "box/edges/value", (room, 3, 3), (max(along, 64), 3, 3), np.dtype(np.float64))
        _set_aside(group, "box/edges/time", (room,), (max(along, 1024),), np.dtype(np.float64))
        for name in self._names:
            _set_aside(group, f"{name}/value", (room, count, 3), chunk_shape(count, 3, kind.itemsize), kind)
            group[f"{name}/value"].attrs["unit"] = UNITS[name]
        group["box/edges/value"].attrs["unit"] = "Angstrom"
        group["box/edges/time"].attrs["unit"] = "ps"
        file.flush()

    def resume(self) -> bool:
        """Open what an earlier conversion left, if it is of the same source and not damaged.

        Returns
        -------
        :
            Whether; if not it is thrown away.
        """
        import h5py

        try:
            side = json.loads(self._side.read_text(encoding="utf-8"))
            if side["identity"] != self._identity:
                raise ValueError("another source")
            self._file = h5py.File(self.path, "r+", libver=("earliest", "v108"))
            group = self._file["particles/all"]
            self._names = [name for name in ("position", "velocity") if name in group]
            self._single = group["position/value"].dtype == np.float32
            start = 0
            for stop, checksum in side["checksums"]:
                if self._checksum(start, stop) != checksum:
                    raise ValueError("damaged")
                start = stop
            self.count, self.state = start, side["state"]
            self._checksums = [(stop, checksum) for stop, checksum in side["checksums"]]
            return start > 0
        except (OSError, KeyError, ValueError, TypeError, RuntimeError):
            self.discard()
            return False

    def _checksum(self, start: int, stop: int) -> int:
        assert self._file is not None
        found = 0
        for name in ("box/edges/value", "box/edges/time", *(f"{name}/value" for name in self._names)):
            found = _checksum(self._file[f"particles/all/{name}"][start:stop], found)
        return found

    # -- slabs -----------------------------------------------------------------------------------------

    @property
    def whole(self) -> Indices:
        """(N, 3) cell vectors that make molecules whole."""
        assert self._file is not None
        return np.asarray(self._file[_WHOLE][()])

    def last(self) -> tuple[Array, Array]:
        """Positions (N, 3) and cell (3, 3) of the last frame, angstrom."""
        assert self._file is not None
        group = self._file["particles/all"]
        return group["position/value"][self.count - 1].astype(np.float64), group["box/edges/value"][self.count - 1]

    def write(self, arrays: dict[str, Array], time: Array, cell: Array, state: dict[str, Any]) -> None:
        """Write a slab; once this returns it will not be lost.

        Parameters
        ----------
        arrays:
            (T, N, 3) positions and velocities by their names in the file.
        time, cell:
            (T,), ps; (T, 3, 3), angstrom.
        state:
            What is needed to go on after it, JSON values.
        """
        assert self._file is not None
        group = self._file["particles/all"]
        stop = self.count + len(time)
        self._grow(stop)
        checksum = 0
        for name, values in (("box/edges/value", cell), ("box/edges/time", time)):
            group[name][self.count : stop] = values
            checksum = _checksum(values, checksum)
        for name in self._names:
            group[f"{name}/value"][self.count : stop] = arrays[name]
            checksum = _checksum(arrays[name], checksum)
        self._file.flush()
        self._checksums.append((stop, checksum))
        self.count, self.state = stop, state
        side = {"identity": self._identity, "state": state, "checksums": self._checksums}
        temporary = self._side.with_name(f"{self._side.name}.new")
        temporary.write_text(json.dumps(side), encoding="utf-8")
        temporary.replace(self._side)

    def _grow(self, frames: int) -> None:
        assert self._file is not None
        group = self._file["particles/all"]
        room = len(group["box/edges/time"])
        if frames <= room:
            return
        room = max(frames, room + room // 2)
        for name in ("box/edges/value", "box/edges/time", *(f"{name}/value" for name in self._names)):
            group[name].resize(room, axis=0)
        self._file.flush()

    # -- the end ---------------------------------------------------------------------------------------

    def finish(self, known: dict[str, Any]) -> None:
        """Give the file its length, its times and its name; ``known`` is what made it."""
        assert self._file is not None
        file, group = self._file, self._file["particles/all"]
        edges = group["box/edges"]
        time = even_times(edges["time"][: self.count], self._target)
        names = ("box/edges/value", "box/edges/time", *(f"{name}/value" for name in self._names))
        for name in names:
            group[name].resize(self.count, axis=0)
        edges["time"][...] = time
        edges["step"] = np.round(steps_per_picosecond(time) * time).astype(np.int64)
        for name in self._names:
            group[f"{name}/step"], group[f"{name}/time"] = edges["step"], edges["time"]
        versions = json.loads(file["parameters/caloris"][()])["versions"]
        del file["parameters/caloris"]
        file["parameters/caloris"] = json.dumps({**known, "versions": versions}, ensure_ascii=False)
        file.close()
        self._file = None
        os.replace(self.path, self._target)
        self._side.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; what is whole in it stays."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError, RuntimeError):  # a full disk; what is whole has been flushed
                file.close()

    def discard(self) -> None:
        """Throw away what is there."""
        self.close()
        self.count, self.state, self._checksums = 0, {}, []
        for path in (self.path, self._side):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"{path}: cannot be removed: {error.strerror}; remove it") from None


def _checksum(values: Array, before: int) -> int:
    return zlib.crc32(np.ascontiguousarray(values).view(np.uint8).data, before)


def _set_aside(
    group: "h5py.Group", name: str, shape: tuple[int, ...], chunks: tuple[int, ...], kind: "np.dtype[Any]"
) -> None:
    """Make a data set whose place in the file is fixed at once: writing to it changes nothing else of the file."""
    import h5py

    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plan.set_chunk(chunks)
    space = h5py.h5s.create_simple(shape, (h5py.h5s.UNLIMITED, *shape[1:]))
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.py_create(kind, logical=True), space, plan, links)
