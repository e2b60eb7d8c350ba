"""Conversion of a trajectory of another program into the store, once: resumable, and safe against a second process.

Frames are read and parsed by one thread while another puts positions where they belong and writes them.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipp as sc

from caloris.atoms.formats._kernels import place
from caloris.atoms.formats.detection import open_reader
from caloris.atoms.formats.options import Bonds, Elements, Options, checked_options, identity, same_options
from caloris.atoms.formats.particles import Atomic, guessed_bonds, identify
from caloris.atoms.formats.reader import Layout
from caloris.atoms.formats.sequence import FileSequence, Slab
from caloris.atoms.formats.store import PartialStore
from caloris.atoms.formats.topology import cells_of_cp2k, read_topology
from caloris.atoms.h5md import connected, frames_of_chunk, images_of_whole_molecules
from caloris.atoms.parallel import Progress
from caloris.atoms.segments import LARGEST_STRAIN, Array, Indices, cell_strain, opened
from caloris.errors import InputError
from caloris.units import Quantity

FORMAT = 2
"""Version of what conversion does; a store of an earlier one is made anew."""
_SUFFIX = ".caloris.h5"
_SINGLE_DIGITS = 6
"""Significant digits that single precision keeps."""
_EPSILON = 2.0**-24
"""Largest relative error of single precision."""
_FAR = 0.45
"""A step of this part of the cell may have been one in the other direction."""
_SLAB = 128_000_000
"""Bytes of the frames that are read at once; there are two such buffers."""
_FRAMES_OF_BONDS = 20
"""Most frames that bonds are guessed from."""
_BYTES_OF_BONDS = 64_000_000
"""Most bytes of their positions."""


def convert_trajectory(
    path: str | Path | Sequence[str | Path],
    store: str | Path | None = None,
    *,
    timestep: Quantity | None = None,
    topology: str | Path | None = None,
    elements: Elements | None = None,
    units: str | None = None,
    cell: sc.Variable | str | Path | None = None,
    wrapped: bool | None = None,
    bonds: Bonds = "guess",
    incomplete: str = "error",
    progress: Progress | None = None,
) -> Path:
    """Convert a trajectory of any program into an H5MD file of caloris, if that is not there yet.

    What was stopped, in whatever way, goes on from the last frames that were written. Positions come out unwrapped
    and molecules whole, counted from the corner of the cell where that moves. They are stored in single precision
    where that is finer than the last digit of the coordinates in the file, else in double.

    Parameters
    ----------
    path:
        The file, or the files of one trajectory in the order of time; of frames that a restart wrote again those of
        the later file count.
    store:
        The file to write; by default beside the first file, with ``.caloris.h5`` added to its name.
    timestep, topology, elements, units, cell, wrapped, bonds, incomplete:
        As for :func:`caloris.atoms.trajectory.open_trajectory`.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        The store.

    Raises
    ------
    InputError
        If the trajectory cannot be read, something is missing or contradictory, or the store cannot be written.
    """
    sources = _sources(path)
    target = Path(store) if store is not None else sources[0].with_name(sources[0].name + _SUFFIX)
    options = checked_options(
        timestep=timestep,
        topology=topology,
        elements=elements,
        units=units,
        cell=cell,
        wrapped=wrapped,
        bonds=bonds,
        incomplete=incomplete,
    )
    for source in sources:
        _check_source(source, target)
    wanted = {"version": FORMAT, "source": [identity(source) for source in sources], "options": options.stored()}
    if not _belongs(target, wanted):
        with _alone(target, progress):
            if not _belongs(target, wanted):  # another process may have made it meanwhile
                _convert(sources, target, options, wanted, progress)
    return target


def _sources(path: str | Path | Sequence[str | Path]) -> list[Path]:
    several = [path] if isinstance(path, str | Path) else path
    if not isinstance(several, Sequence) or not all(isinstance(one, str | Path) for one in several):
        raise InputError(f"trajectory: expected the path of a file or a list of them, got {path!r}")
    if not several:
        raise InputError("trajectory: no files given")
    return [Path(one) for one in several]


def _check_source(source: Path, target: Path) -> None:
    if source.is_dir():
        raise InputError(f"{source}: is a folder; give the file of a trajectory in it")
    if not source.is_file():
        store = f"; its store {target} is there, open that" if target.is_file() else ""
        raise InputError(f"{source}: cannot read the trajectory: no such file{store}")
    if target.exists() and target.samefile(source):
        raise InputError(f"{target}: the store would overwrite the trajectory; give another store=")


def _belongs(target: Path, wanted: dict[str, Any]) -> bool:
    """Whether the store is there and was made from this source in this way."""
    if target.is_dir():
        raise InputError(f"{target}: is a folder; give the name of a file as store=")
    if not target.exists():
        return False
    try:
        with opened(target, "trajectory") as file:
            found = json.loads(file["parameters/caloris"][()])["conversion"]
    except (InputError, KeyError, ValueError, TypeError):
        if target.name.endswith(_SUFFIX):
            return False  # damaged; it is made anew
        raise InputError(f"{target}: is there and is no converted trajectory; give another store=") from None
    same = found["version"] == wanted["version"] and found["source"] == wanted["source"]
    return same and same_options(wanted["options"], found["options"])


@contextlib.contextmanager
def _alone(target: Path, progress: Progress | None) -> Iterator[None]:
    """Hold the store against other processes; wait while one of them is converting."""
    import fcntl

    path = target.with_name(f".{target.name}.lock")
    while True:
        try:
            file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"{target}: cannot write the converted trajectory: {error.strerror}; give another place with store="
            ) from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if progress is not None:
                    progress("waiting for another process that converts the trajectory", 0.0)
                time.sleep(0.1)
                continue
            except OSError as error:
                raise InputError(f"{target}: cannot be locked: {error.strerror}; give another store=") from None
            if not _is_same(file.fileno(), path):
                continue  # it was removed between opening and locking
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


class _NeedsDoubleError(Exception):
    """Atoms went so far that single precision would lose digits."""


def _convert(
    sources: list[Path], target: Path, options: Options, wanted: dict[str, Any], progress: Progress | None
) -> None:
    topology = None if options.topology is None else read_topology(options.topology)
    given = options.cell if options.cell_file is None else cells_of_cp2k(options.cell_file)
    opener = partial(open_reader, options=options)
    for allow_single in (True, False):
        frames = FileSequence(sources, opener, options.timestep, given, None if topology is None else topology.cell)
        try:
            atomic = identify(sources[0], frames.layout.atoms, frames.particles, topology, options.elements)
            _Conversion(frames, atomic, options, PartialStore(target, wanted), allow_single, progress).run(wanted)
            return
        except _NeedsDoubleError:
            continue
        except OSError as error:
            reason = "no space left on the device" if "errno = 28" in str(error) else error.strerror or error
            words = " ".join(str(reason).split())[:120]
            raise InputError(
                f"{target}: cannot write the converted trajectory: {words}; give another place with store="
            ) from None
        finally:
            frames.close()


def _frames_of_slab(layout: Layout) -> int:
    """Frames that are read at once: some chunks, or a part of one where there are many atoms."""
    along = frames_of_chunk(layout.atoms)
    most = _SLAB // (8 * layout.atoms * layout.width)
    return along * min(16, most // along) if most >= along else 1 << max(0, most.bit_length() - 1)


class _Conversion:
    """Frames on their way from the files to the store."""

    def __init__(
        self,
        frames: FileSequence,
        atomic: Atomic,
        options: Options,
        store: PartialStore,
        allow_single: bool,
        progress: Progress | None,
    ) -> None:
        self._frames, self._atomic, self._options, self._store = frames, atomic, options, store
        self._allow_single, self._progress = allow_single, progress
        layout = frames.layout
        self._wrapped = options.wrapped if options.wrapped is not None else layout.wrapped is not False
        self._counted = layout.images and options.wrapped is not False
        self._wrapped = self._wrapped and not self._counted  # what the file counts is unwrapped
        self._unwrap = np.array(layout.periodic) & self._wrapped
        self._before, self._turns = np.zeros((2, layout.atoms, 3))
        self._extremes = np.zeros(2)
        self._last_cell: Array | None = None
        self._bonds_words = ""
        self._single, self._grain = False, np.inf

    def run(self, wanted: dict[str, Any]) -> None:
        """Convert, from the beginning or from where it was stopped."""
        store, layout = self._store, self._frames.layout
        if store.resume():
            self._go_on()
        along = _frames_of_slab(layout)
        buffers = np.empty((2, along, layout.atoms, layout.width))
        pending: Future[None] | None = None
        try:
            with ThreadPoolExecutor(1) as writer:
                number, more = 0, True
                while more:
                    slab = self._frames.fill(buffers[number % 2])
                    more = len(slab.raw) == along
                    if pending is not None:
                        pending.result()
                    pending = writer.submit(self._write, slab, wanted) if len(slab.raw) else None
                    number += 1
                    if self._progress is not None:
                        self._progress("converting the trajectory", self._frames.done)
                if pending is not None:
                    pending.result()
            if not store.count:
                raise InputError(f"{self._frames.reader.path}: there are no frames in it")
            store.finish({"inputs": self._inputs(), "conversion": wanted})
        except (_NeedsDoubleError, InputError):  # to go on from there would be of no use
            store.discard()
            raise
        except OSError:
            if not store.count:
                store.discard()
            raise
        finally:
            store.close()

    def _go_on(self) -> None:
        """Take up the state that the store kept."""
        state, (positions, cell) = self._store.state, self._store.last()
        self._before = (positions - self._store.whole @ cell) @ np.linalg.inv(cell)
        self._extremes = np.array(state["extremes"])
        self._bonds_words, self._last_cell = state["bonds"], cell
        self._single, self._grain = state["single"], state["grain"]
        self._frames.seek(state["mark"])

    # -- the writing thread ----------------------------------------------------------------------------

    def _write(self, slab: Slab, wanted: dict[str, Any]) -> None:
        self._check_cells(slab)
        if not self._store.count:
            self._begin(slab, wanted)
        positions = self._placed(slab, self._store.whole, np.float32 if self._single else np.float64)
        arrays = {"position": positions}
        layout = self._frames.layout
        if layout.velocities:
            arrays["velocity"] = (slab.raw[:, :, -3:] * layout.speed).astype(positions.dtype)
        if self._single and self._extremes[0] * _EPSILON > self._grain:
            raise _NeedsDoubleError
        state = {
            "mark": slab.mark,
            "extremes": self._extremes.tolist(),
            "bonds": self._bonds_words,
            "single": self._single,
            "grain": min(self._grain, 1e300),
        }
        self._store.write(arrays, slab.time, slab.lattice, state)

    def _check_cells(self, slab: Slab) -> None:
        """Refuse to unwrap where the cell is of another lattice than in the frame before."""
        if not self._wrapped:
            return
        before = slab.lattice[:1] if self._last_cell is None else self._last_cell[None]
        strain = cell_strain(np.concatenate([before, slab.lattice]), self._frames.layout.periodic)
        if np.any(strain > LARGEST_STRAIN):
            at = int(np.argmax(strain > LARGEST_STRAIN)) + self._store.count
            raise InputError(
                f"{self._frames.reader.path}: frame {at + 1}: the cell is another one than in the frame before, so "
                "that positions cannot be unwrapped; write unwrapped positions (xu yu zu)"
            )
        self._last_cell = slab.lattice[-1].copy()

    def _placed(self, slab: Slab, whole: Indices, kind: Any) -> Array:
        layout = self._frames.layout
        positions = np.empty((*slab.raw.shape[:2], 3), dtype=kind)
        place(
            slab.raw, slab.cell, slab.lattice, np.linalg.inv(slab.lattice), slab.shift, layout.scaled, self._counted,
            self._unwrap, whole.astype(np.float64), layout.length, self._before, self._turns, self._store.count > 0,
            positions, self._extremes,
        )  # fmt: skip
        return positions

    def _begin(self, slab: Slab, wanted: dict[str, Any]) -> None:
        """Find bonds in the first frames and what makes molecules whole in the first one, and make the file."""
        layout, atomic = self._frames.layout, self._atomic
        most = max(1, min(len(slab.raw), _FRAMES_OF_BONDS, _BYTES_OF_BONDS // (24 * layout.atoms)))
        some = slab.only(np.unique(np.linspace(0, len(slab.raw) - 1, most).astype(int)))
        places = self._placed(some, np.zeros((layout.atoms, 3), dtype=np.int64), np.float64)
        self._turns[:], self._extremes[:] = 0, 0  # they may be far apart
        bonds, self._bonds_words = self._bonds(places, some.lattice, len(slab.raw))
        positions, cell = places[0], some.lattice[0]
        whole = images_of_whole_molecules(positions, cell, bonds)
        whole[:, ~np.array(layout.periodic)] = 0
        largest = np.abs(positions + whole @ cell).max()
        self._single = self._allow_single and bool(self._is_single(layout, positions, largest, bool(np.any(whole))))
        numbers = connected(bonds, layout.atoms)
        about = self._frames.frames
        self._store.begin(
            atoms={
                "numbers": atomic.numbers,
                "masses": atomic.masses,
                "charges": atomic.charges,
                "molecules": numbers,
                "bonds": bonds,
                "known": {"inputs": {}, "conversion": wanted},
                "periodic": layout.periodic,
            },
            whole=whole.astype(np.int64),
            velocities=layout.velocities,
            single=self._single,
            frames=about or 4 * len(slab.raw),
        )

    def _bonds(self, positions: Array, cell: Array, among: int) -> tuple[Indices, str]:
        none = np.empty((0, 2), dtype=np.int64)
        given, atoms = self._options.bonds, self._frames.layout.atoms
        if given is None:
            return none, "none, as was asked for"
        if not isinstance(given, str):
            pairs = np.asarray(given)
            if np.any((pairs < 0) | (pairs >= atoms)):
                raise InputError(f"bonds: expected pairs of indices from 0 to {atoms - 1}")
            return pairs, "given"
        if self._atomic.bonds is not None:
            return self._atomic.bonds, "from the topology"
        bonds, words = guessed_bonds(self._atomic.numbers, positions, cell, self._frames.layout.periodic)
        return (
            bonds,
            f"guessed from {'the first frame' if among == 1 else f'{len(cell)} of the first {among} frames'}: {words}",
        )

    # -- precision -------------------------------------------------------------------------------------

    def _is_single(self, layout: Layout, positions: Array, largest: float, moved: bool) -> bool:
        """Whether single precision keeps all that the file says, with room for atoms to go four times as far."""
        if layout.single:
            return not (moved or self._wrapped or self._counted or layout.scaled or layout.length != 1.0)
        self._grain = self._coarseness(layout, np.abs(positions).max())
        return 4 * largest * _EPSILON <= self._grain

    def _coarseness(self, layout: Layout, size: float) -> float:
        """Half of the last digit of the largest coordinates, angstrom."""
        if layout.resolution > 0:
            return layout.resolution / 2
        if layout.digits > _SINGLE_DIGITS or size <= 0:
            return 0.0
        return float(0.5 * 10.0 ** (np.floor(np.log10(size)) + 1 - layout.digits))

    # -- words -----------------------------------------------------------------------------------------

    def _inputs(self) -> dict[str, Any]:
        notes = [*self._frames.notes, *self._atomic.notes]
        if self._extremes[1] > _FAR:
            notes.append(
                f"an atom moves by {self._extremes[1]:.2f} of the cell from one frame to the next, too far to unwrap "
                "with certainty: write unwrapped positions, or frames more often"
            )
        sources = [path.name for path in self._frames.paths]
        return {
            "source": sources[0] if len(sources) == 1 else sources,
            "format": self._frames.kind,
            "bonds": self._bonds_words,
            "positions": self._how(),
            "warnings": notes,
        }

    def _how(self) -> str:
        if self._counted:
            how = "unwrapped by the images that the file counts"
        elif self._wrapped:
            how = "unwrapped: no atom moves by more than half a cell from frame to frame"
        else:
            how = "unwrapped in the file"
        return f"{how}; {'single' if self._single else 'double'} precision"
