"""H5MD of other programs: units are read, images of the cell are counted if they are there.

Source: de Buyl, Colberg and Höfling, Comput. Phys. Commun. 185, 1546 (2014), with its module of units.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from caloris.atoms.formats.lammps_dump import STYLES
from caloris.atoms.formats.reader import Frame, Layout, Mark, Particles, Reader, boundaries
from caloris.atoms.h5md import read_boundary
from caloris.atoms.segments import Array
from caloris.errors import InputError

if TYPE_CHECKING:
    import h5py

_BLOCK = 48_000_000
"""Bytes that are read at once."""
_BASES = {"angstrom": 1.0, "a": 1.0, "nm": 10.0, "pm": 0.01, "bohr": 0.529177210903, "m": 1e10, "um": 1e4}
_TIMES = {"ps": 1.0, "fs": 1e-3, "ns": 1e3, "s": 1e12, "as": 1e-6, "us": 1e6}
_AMBER_TIME = 1 / 20.455
_TIMES |= {"akma": _AMBER_TIME}


def is_hdf5(first: bytes) -> bool:
    """Say whether a file that begins so is HDF5."""
    return first.startswith(b"\x89HDF\r\n\x1a\n")


class ForeignH5md(Reader):
    """An H5MD file of another program."""

    def __init__(self, path: Path, incomplete: Literal["error", "skip"] = "error", units: str | None = None) -> None:
        super().__init__(path, incomplete)
        import h5py

        self.kind = "H5MD"
        self._frame = 0
        self._blocks: dict[str, tuple[int, Array]] = {}
        try:
            self._file = h5py.File(path, "r")
            self._open(units)
        except (OSError, KeyError, RuntimeError) as error:
            reason = "truncated; was it copied whole?" if "truncated" in str(error) else f"damaged: {error}"
            raise InputError(f"{path}: cannot read the trajectory: the file is {reason}") from None

    def _open(self, units: str | None) -> None:
        groups = self._file.get("particles", {})
        found = [name for name in groups if "position/value" in groups[name]]
        if not found:
            raise InputError(f"{self.path}: holds no particles (no particles/*/position in it)")
        if len(found) > 1:
            self.notes.append(f"of the groups {', '.join(found)} the first was taken")
        self._group = group = groups[found[0]]
        if units is not None and units not in STYLES:
            raise InputError(f"units: {units!r} has no lengths in angstrom; known are {', '.join(STYLES)}")
        self._style = None if units is None else STYLES[units]
        positions = group["position/value"]
        if positions.ndim != 3 or positions.shape[2] != 3 or not positions.shape[0]:
            raise InputError(f"{self.path}: positions of the shape {positions.shape}, expected (frames, atoms, 3)")
        self._frames, atoms = positions.shape[:2]
        velocities = "velocity/value" in group and group["velocity/value"].shape == positions.shape
        images = "image/value" in group and group["image/value"].shape == positions.shape
        self.layout = Layout(
            atoms=atoms,
            images=images,
            velocities=velocities,
            length=self._unit(positions, "position"),
            speed=self._unit(group["velocity/value"], "velocity") if velocities else 1.0,
            wrapped=False if images else None,
            periodic=boundaries(read_boundary(group), self.notes),
            single=positions.dtype == np.float32,
        )
        self._times()
        self._box()
        self.particles = self._particles(atoms)

    def _unit(self, values: "h5py.Dataset", name: str) -> float:
        """Angstrom, or angstrom/ps, per unit."""
        text = values.attrs.get("unit")
        if text is None:
            if self._style is None:
                raise InputError(
                    f"{self.path}: {name} has no unit; give units='metal' (angstrom, ps), 'real' (fs) or 'nano'"
                )
            return self._style.length / (self._style.time if name == "velocity" else 1.0)
        text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        factor = 1.0
        for word in text.replace("/", " /").replace("*", " ").split():
            match = re.fullmatch(r"(/?)([A-Za-zÅ]+)(?:\^?([+-]?\d+))?", word)
            base = _BASES.get(match[2].lower().replace("å", "a")) if match else None
            if match and base is None:
                base = _TIMES.get(match[2].lower())
            if match is None or base is None:
                raise InputError(f"{self.path}: {name} has the unit {text!r}, which is not known here")
            factor *= base ** (int(match[3] or 1) * (-1 if match[1] else 1))
        return factor

    def _times(self) -> None:
        self._time: Array | None = None
        group = self._group["position"]
        if "time" not in group:
            return
        values, unit = group["time"][()], group["time"].attrs.get("unit")
        if unit is None and self._style is None:
            self.notes.append("its times have no unit and are not used")
            return
        word = unit.decode() if isinstance(unit, bytes) else unit
        scale = _TIMES.get(str(word).lower()) if word is not None else self._style.time if self._style else None
        if scale is None:
            raise InputError(f"{self.path}: time has the unit {word!r}, which is not known here")
        if values.ndim == 0:  # the time between frames
            offset = float(group["time"].attrs.get("offset", 0.0))
            values = offset + float(values) * np.arange(self._frames)
        if len(values) < self._frames:
            raise InputError(f"{self.path}: {len(values)} times of {self._frames} frames; the file is damaged")
        # a time in single precision was meant to be a short decimal number
        exact = [float(str(value)) for value in values] if values.dtype == np.float32 else values
        self._time = np.asarray(exact, dtype=np.float64) * scale

    def _box(self) -> None:
        box = self._group.get("box", {})
        self._edges: Any = None
        self._fixed: Array | None = None
        if "edges" not in box:
            return
        edges = box["edges"]
        values = edges.get("value", edges)
        self._edge_unit = self.layout.length
        if values.attrs.get("unit") is not None:
            self._edge_unit = self._unit(values, "box")
        if "value" in edges:
            if len(values) < self._frames:
                raise InputError(f"{self.path}: {len(values)} cells of {self._frames} frames; write both equally often")
            self._edges = values
        else:
            self._fixed = self._vectors(values[()], "box")

    def _vectors(self, edges: Any, where: str) -> Array:
        edges = np.asarray(edges, dtype=np.float64)
        cell = (np.diag(edges) if edges.shape == (3,) else edges) * self._edge_unit
        if cell.shape != (3, 3) or not np.all(np.isfinite(cell)) or not abs(np.linalg.det(cell)) > 0:
            raise InputError(f"{self.path}: {where}: the cell has no volume, or is none of three dimensions")
        return cell

    def _particles(self, atoms: int) -> Particles:
        def fixed(name: str) -> Any:
            values = self._group.get(name)
            values = values if values is None or "value" not in getattr(values, "keys", tuple)() else values["value"]
            if values is None:
                return None
            found = values[0] if len(values.shape) == 2 else values[()]
            return found if len(found) == atoms else None

        species, masses, charges = fixed("species"), fixed("mass"), fixed("charge")
        words = None
        if species is not None:
            words = [word.decode() if isinstance(word, bytes) else str(word) for word in species.tolist()]
        symbols = None if words is None or words[0].isdigit() else words
        bonds = self._file["connectivity/bonds"][()] if "connectivity/bonds" in self._file else None
        if bonds is not None and (bonds.ndim != 2 or bonds.shape[1] != 2 or np.any((bonds < 0) | (bonds >= atoms))):
            bonds = None
        return Particles(
            symbols=symbols,
            types=words,
            masses=None if masses is None else masses.astype(np.float64),
            charges=None if charges is None else charges.astype(np.float64),
            bonds=bonds,
        )

    @property
    def frames(self) -> int | None:
        """How many frames there are."""
        return int(self._frames)

    @property
    def done(self) -> float:
        """Part of the file that has been read, 0 to 1."""
        return float(self._frame / self._frames)

    def mark(self) -> Mark:
        """Where the next frame begins."""
        return {"frame": self._frame}

    def seek(self, mark: Mark) -> None:
        """Go to where a frame begins."""
        self._frame = mark["frame"]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, name: str) -> Array:
        """Values of the frame, out of a block of frames: chunks may hold many."""
        start, block = self._blocks.get(name, (0, np.empty(0)))
        if not start <= self._frame < start + len(block):
            frames = max(1, _BLOCK // (24 * self.layout.atoms))
            start, block = self._frame, self._group[f"{name}/value"][self._frame : self._frame + frames]
            self._blocks[name] = (start, block)
        return np.asarray(block[self._frame - start])

    def next(self, out: Array) -> Frame | None:
        """Read a frame into ``out``, (atoms, width); None at the end."""
        if self._frame >= self._frames:
            return None
        where = f"frame {self._frame + 1}"
        names = [
            "position",
            *(["image"] if self.layout.images else []),
            *(["velocity"] if self.layout.velocities else []),
        ]
        try:
            for number, name in enumerate(names):
                out[:, 3 * number : 3 * number + 3] = self._read(name)
            cell = self._fixed if self._edges is None else self._vectors(self._edges[self._frame], where)
        except OSError as error:
            raise InputError(f"{self.path}: {where}: cannot be read: {error}; copy the file again") from None
        if not np.all(np.isfinite(out)):
            raise InputError(
                f"{self.path}: {where}: holds a number that is not finite; the simulation has failed there"
            )
        time = None if self._time is None else float(self._time[self._frame])
        self._frame += 1
        return Frame(cell=cell, where=where, time=time)
