"""Trajectories of ASE (.traj); they hold no times. Velocities come from momenta."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from caloris.atoms.formats.reader import Frame, Layout, Mark, Particles, Reader, boundaries
from caloris.atoms.segments import Array
from caloris.errors import InputError


def is_ase(first: bytes) -> bool:
    """Say whether a file that begins so is a trajectory of ASE."""
    return first.startswith(b"- of UlmASE-Trajectory")


class AseTrajectory(Reader):
    """An ASE .traj file."""

    def __init__(self, path: Path, incomplete: Literal["error", "skip"] = "error") -> None:
        super().__init__(path, incomplete)
        from ase import units
        from ase.io.trajectory import TrajectoryReader

        self.kind = "ASE trajectory"
        self._frame = 0
        try:
            self._file = TrajectoryReader(path)
            self._frames = len(self._file)
            first = self._file[0] if self._frames else None
            symbols = [] if first is None else first.get_chemical_symbols()
        except Exception as error:  # what ASE raises on damaged files is of many kinds
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"{path}: cannot read the trajectory, it is damaged ({reason[:80]}); copy it again"
            ) from None
        if first is None or not len(first):
            raise InputError(f"{path}: there are no frames in it")
        self._velocities = first.has("momenta")
        self.layout = Layout(
            atoms=len(first),
            velocities=self._velocities,
            speed=float(units.fs * 1000),
            periodic=boundaries(first.pbc.tolist(), self.notes),
        )
        self._numbers = first.numbers
        charges = first.get_initial_charges() if first.has("initial_charges") else None
        self.particles = Particles(symbols=symbols, types=symbols, masses=first.get_masses(), charges=charges)

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
        self._file.close()

    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, 3 or 6); None at the end."""
        if self._frame >= self._frames:
            return None
        where = f"frame {self._frame + 1}"
        try:
            atoms: Any = self._file[self._frame]
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            self.cut(where, f"ASE cannot read it: {reason[:80]}", first=self._frame == 0)
            return None
        if not np.array_equal(atoms.numbers, self._numbers):
            raise InputError(f"{self.path}: {where}: other atoms than in the first frame; the atoms must stay the same")
        out[:, :3] = atoms.positions
        if self._velocities:
            out[:, 3:] = atoms.get_velocities()
        if not np.all(np.isfinite(out)):
            raise InputError(
                f"{self.path}: {where}: holds a number that is not finite; the simulation has failed there"
            )
        self._frame += 1
        return Frame(cell=np.array(atoms.cell) if atoms.cell.rank == 3 else None, where=where)
