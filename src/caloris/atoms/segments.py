"""Segments: what an engine hands back for the stretch between two checkpoints, and their files.

Units: angstrom, ps, eV, K, MPa. A segment is written whole; ``trajectory.py`` joins them.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from caloris.errors import CalorisError, ComputationError, InputError
from caloris.files import whole

if TYPE_CHECKING:
    import h5py

Array = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.integer[Any]]

_COMPONENTS = ("xx", "yy", "zz", "xy", "xz", "yz")
OBSERVABLE_UNITS = (
    {"temperature": "K", "pressure": "MPa", "volume": "angstrom^3"}
    | {f"pressure_{component}": "MPa" for component in _COMPONENTS}
    | {f"{kind}_energy": "eV" for kind in ("potential", "kinetic", "total")}
    | {"enthalpy": "eV"}
    | dict.fromkeys(("a", "b", "c"), "angstrom")
    | dict.fromkeys(("alpha", "beta", "gamma"), "deg")
)
"""Observables that a segment may hold, with their units."""
_EVEN = 1e-3
"""How uneven frames may be, of their distance."""
_FORMAT = "caloris segment 1"
LARGEST_STRAIN = 0.3
"""A larger one from one frame to the next is none: other vectors span the cell."""


@dataclass(frozen=True, eq=False)
class Segment:
    """What an engine hands back for the stretch between two checkpoints, T frames of N atoms, plain arrays."""

    time: Array
    """(T,), ps, evenly spaced, counted from the start of the whole run."""
    cell: Array
    """(T, 3, 3), angstrom; rows are the cell vectors."""
    positions: Array
    """(T, N, 3), angstrom, unwrapped: wrapped positions plus integers times the cell vectors of that frame; the
    integers change only where an atom crosses a face. For engines that do not count so there is :func:`unwrap`."""
    velocities: Array | None = None
    """(T, N, 3), angstrom/ps."""
    virial: Array | None = None
    """(T, N, 6), eV, components xx, yy, zz, xy, xz, yz of the potential part W of each atom, > 0 under compression:
    P V = sum(m v v + W). LAMMPS's ``compute stress/atom NULL virial`` is -W."""
    observables_time: Array = field(default_factory=lambda: np.empty(0))
    """(M,), ps, increasing."""
    observables: Mapping[str, Array] = field(default_factory=dict)
    """(M,) each, in the units of ``OBSERVABLE_UNITS``."""

    def __post_init__(self) -> None:
        frames = len(self.time)
        if frames:  # a run may keep observables only
            if self.positions.ndim != 3:
                raise InputError(f"segment: positions must be (frames, atoms, 3), got {self.positions.shape}")
            atoms = self.positions.shape[1]
            shapes = {"time": (frames,), "cell": (frames, 3, 3), "positions": (frames, atoms, 3)}
            shapes |= {"velocities": (frames, atoms, 3), "virial": (frames, atoms, 6)}
            for name, shape in shapes.items():
                _check_array(name, getattr(self, name), shape)
            check_even(self.time, "segment")
        for name, values in self.observables.items():
            if name not in OBSERVABLE_UNITS:
                raise InputError(f"segment: unknown observable {name!r}; known are {', '.join(OBSERVABLE_UNITS)}")
            _check_array(name, values, (len(self.observables_time),))
        if len(self.observables_time) > 1 and np.any(np.diff(self.observables_time) <= 0):
            raise InputError("segment: observables_time must increase")


def unwrap(positions: Array, cell: Array, previous: tuple[Array, Array] | None = None) -> Array:
    """Add whole cell vectors so that no atom moves by more than half a cell from frame to frame.

    Parameters
    ----------
    positions, cell:
        (T, N, 3) and (T, 3, 3), angstrom, as in :class:`Segment`, wrapped in any way.
    previous:
        Unwrapped positions (N, 3) and cell (3, 3) of the frame before.

    Returns
    -------
    :
        (T, N, 3), angstrom.

    Examples
    --------
    >>> cell = np.broadcast_to(10 * np.eye(3), (2, 3, 3))
    >>> float(unwrap(np.array([[[9.5, 0, 0]], [[0.5, 0, 0]]]), cell)[1, 0, 0])
    10.5
    """
    fractional = positions @ np.linalg.inv(cell)
    steps = np.diff(fractional, axis=0, prepend=fractional[:1])
    if previous is not None:
        steps[0] = fractional[0] - previous[0] @ np.linalg.inv(previous[1])
    images = -np.cumsum(np.round(steps), axis=0)
    return np.asarray(positions + images @ cell)


def followed_cell(before: Array, cell: Array, periodic: Sequence[bool] = (True, True, True)) -> Array:
    """Span the lattice of a cell with the vectors that continue those of the frame before.

    Programs flip a box that has become too oblique: b - a in place of b, say. The lattice is the same one, and so is
    every position in space; only the vectors jump.

    Parameters
    ----------
    before, cell:
        (3, 3) each, angstrom: the vectors of the frame before, and those of this one.
    periodic:
        Along which vectors; the others are left alone.

    Returns
    -------
    :
        (3, 3), angstrom; ``cell`` itself where its vectors go on already, or span another lattice.

    Examples
    --------
    >>> before, flipped = np.array([[10.0, 0, 0], [4.9, 10, 0], [0, 0, 10]]), np.diag([10.0, 10, 10])
    >>> flipped[1, 0] = -4.9
    >>> followed_cell(before, flipped)[1].round(6).tolist()
    [5.1, 10.0, 0.0]
    """
    change = before @ np.linalg.inv(cell)
    along = np.ix_(periodic, periodic)
    turns = np.eye(3)
    turns[along] = np.round(change[along])
    if np.array_equal(turns, np.eye(3)) or np.abs((change - turns)[along]).max() > LARGEST_STRAIN:
        return cell
    return np.asarray(turns @ cell) if abs(round(np.linalg.det(turns))) == 1 else cell


def cell_strain(cell: Array, periodic: Sequence[bool] = (True, True, True)) -> Array:
    """Return the largest component of the strain from each frame to the next, in cell vectors.

    Parameters
    ----------
    cell:
        (T, 3, 3), angstrom.
    periodic:
        Along which vectors; the others do not count.

    Returns
    -------
    :
        (T - 1,).
    """
    if not any(periodic):
        return np.zeros(max(0, len(cell) - 1))
    strain = cell[1:] @ np.linalg.inv(cell[:-1]) - np.eye(3)
    return np.asarray(np.abs(strain[:, periodic][:, :, periodic]).max(axis=(1, 2)))


def write_segment(path: str | Path, segment: Segment) -> None:
    """Write a segment as HDF5; the file is there whole or not at all.

    Parameters
    ----------
    path, segment:
        The file, and what it will hold.

    Raises
    ------
    InputError
        If the place cannot be written.
    """
    import h5py

    with whole(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["format"] = _FORMAT
        for name in ("time", "cell", "positions", "velocities", "virial", "observables_time"):
            values = getattr(segment, name)
            if values is not None:
                file[name] = values
        group = file.create_group("observables")
        for name, values in segment.observables.items():
            group[name] = values


def read_segment(path: str | Path) -> Segment:
    """Read a segment that :func:`write_segment` wrote.

    Parameters
    ----------
    path:
        The file.

    Returns
    -------
    :
        The segment.

    Raises
    ------
    InputError
        If it cannot be read or is no segment.
    """
    with opened(path, "segment") as file:
        check_segment(path, file)
        arrays = {name: item[()] for name, item in file.items() if name != "observables"}
        return Segment(**arrays, observables={name: item[()] for name, item in file["observables"].items()})


def _check_array(name: str, values: Array | None, shape: tuple[int, ...]) -> None:
    if values is None:
        return
    if np.shape(values) != shape:
        raise InputError(f"segment: {name} must have the shape {shape}, got {np.shape(values)}")
    if not np.all(np.isfinite(values)):
        raise ComputationError(f"segment: {name} holds numbers that are not finite; the simulation has failed")


def check_even(time: Array, where: str | Path) -> None:
    """Refuse times (ps) that are not evenly spaced; ``where`` is for the message."""
    steps = np.diff(time)
    usual = np.median(steps) if len(steps) else 1.0
    if usual <= 0:
        raise InputError(f"{where}: time must increase")
    uneven = np.abs(steps - usual) > _EVEN * usual
    if np.any(uneven):
        worst = int(np.argmax(uneven))
        raise InputError(
            f"{where}: frames must be evenly spaced; after {time[worst]:g} ps comes {time[worst + 1]:g} ps, "
            f"expected {time[worst] + usual:g} ps"
        )


@contextlib.contextmanager
def opened(path: str | Path, what: str) -> Iterator["h5py.File"]:
    """Open an HDF5 file for reading; errors of the library become one line about ``what`` it was to be."""
    import h5py

    if not Path(path).is_file():
        raise InputError(f"{path}: cannot read the {what}: no such file")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except CalorisError:
        raise
    except (OSError, KeyError, RuntimeError) as error:
        if "signature not found" in str(error):
            raise InputError(f"{path}: not an HDF5 file; a {what} of caloris is one") from None
        reason = "truncated; was it copied whole?" if "truncated" in str(error) else f"damaged: {error}"
        raise InputError(f"{path}: cannot read the {what}: the file is {reason}") from None


def check_segment(path: str | Path, file: "h5py.File") -> None:
    """Refuse an HDF5 file that is no segment."""
    if file.attrs.get("format") != _FORMAT:
        raise InputError(f"{path}: not a segment of a trajectory")
