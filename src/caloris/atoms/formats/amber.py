"""Amber NetCDF: angstrom and ps, velocities in units that a factor in the file says.

Source: AMBER NetCDF Trajectory/Restart Convention, version 1.0.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from caloris.atoms.formats.reader import Frame, Layout, Mark, Particles, Reader, cell_vectors
from caloris.atoms.segments import Array
from caloris.errors import InputError


def is_netcdf(first: bytes) -> bool:
    """Say whether a file that begins so is a NetCDF of the classic kind."""
    return first[:3] == b"CDF"


class AmberNetcdf(Reader):
    """An Amber NetCDF trajectory."""

    def __init__(self, path: Path, incomplete: Literal["error", "skip"] = "error") -> None:
        super().__init__(path, incomplete)
        from scipy.io import netcdf_file

        self.kind = "Amber NetCDF"
        self._frame = 0
        try:
            self._file = netcdf_file(path, "r", mmap=True)
        except (OSError, ValueError, TypeError, IndexError, KeyError, OverflowError, MemoryError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"{path}: cannot read the NetCDF, it is truncated or damaged ({reason[:80]}); copy it again"
            ) from None
        variables = self._file.variables
        shape: tuple[int, ...] = variables["coordinates"].shape if "coordinates" in variables else ()
        if len(shape) != 3 or shape[2] != 3:
            raise InputError(
                f"{path}: no coordinates of (frames, atoms, 3); expected a trajectory in Amber's convention"
            )
        self._frames, atoms = int(shape[0]), int(shape[1])
        if not self._frames:
            raise InputError(f"{path}: there are no frames in it")
        velocities = variables.get("velocities")
        self.layout = Layout(
            atoms=atoms,
            velocities=velocities is not None,
            length=self._factor("coordinates", {"angstrom": 1.0, "nanometer": 10.0}),
            speed=1.0 if velocities is None else self._factor("velocities", {"angstrom/picosecond": 1.0}),
            single=variables["coordinates"][:1].dtype.itemsize == 4,
        )
        self._time = self._factor("time", {"picosecond": 1.0, "femtosecond": 1e-3}) if "time" in variables else None
        self.particles = Particles()

    def _factor(self, name: str, known: dict[str, float]) -> float:
        """What numbers are to be multiplied by."""
        variable = self._file.variables[name]
        unit = getattr(variable, "units", next(iter(known)).encode())
        unit = unit.decode(errors="replace") if isinstance(unit, bytes) else str(unit)
        unit = unit.lower().rstrip("s")
        unit = {"a": "angstrom", "ps": "picosecond", "p": "picosecond", "fs": "femtosecond", "nm": "nanometer"}.get(
            unit, unit
        )
        if unit not in known:
            raise InputError(f"{self.path}: {name} in {unit!r}, expected {' or '.join(known)}")
        return known[unit] * float(getattr(variable, "scale_factor", 1.0))

    @property
    def frames(self) -> int | None:
        """How many frames there are."""
        return self._frames

    @property
    def done(self) -> float:
        """Part of the file that has been read, 0 to 1."""
        return self._frame / self._frames

    def mark(self) -> Mark:
        """Where the next frame begins."""
        return {"frame": self._frame}

    def seek(self, mark: Mark) -> None:
        """Go to where a frame begins."""
        self._frame = mark["frame"]

    def close(self) -> None:
        """Close the file."""
        self._file.variables.clear()  # nothing of the mapped file may be left in use
        self._file.close()

    def _values(self, name: str) -> Any:
        return np.array(self._file.variables[name][self._frame], dtype=np.float64)

    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, 3 or 6); None at the end."""
        if self._frame >= self._frames:
            return None
        where, variables = f"frame {self._frame + 1}", self._file.variables
        out[:, :3] = self._values("coordinates")
        if self.layout.velocities:
            out[:, 3:] = self._values("velocities")
        cell = None
        if "cell_lengths" in variables and "cell_angles" in variables:
            lengths, angles = self._values("cell_lengths"), self._values("cell_angles")
            if np.any(lengths):
                if not (np.all(lengths > 0) and np.all((angles > 5) & (angles < 175))):
                    raise InputError(f"{self.path}: {where}: the cell has no volume; the file is damaged")
                cell = cell_vectors(lengths, angles)
        if not np.all(np.isfinite(out)) or np.abs(out[:, :3]).max() > 1e9:
            raise InputError(
                f"{self.path}: {where}: holds a number that is not finite; the simulation has failed there"
            )
        time = None
        if self._time is not None:
            single = np.float32(self._values("time"))
            time = float(str(single)) * self._time
        self._frame += 1
        return Frame(cell=cell, where=where, time=time)
