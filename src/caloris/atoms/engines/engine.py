"""What every engine does: energies of a structure, minimisation, and a stretch of dynamics from state to state.

An engine keeps nothing between calls. ``advance`` starts from a state file (or from the atoms), runs, and writes the
next state file; because every stretch is loaded from its state, a run that was interrupted continues bit for bit as if
it had not been, wherever the engine itself is deterministic. Units: angstrom, ps, eV, u, K, MPa; time steps in fs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from caloris.errors import ComputationError

if TYPE_CHECKING:
    from ase import Atoms

    from caloris.atoms.trajectory import Segment

Array = NDArray[np.float64]
Progress = Callable[[float], None]
"""Called with the part of the stretch that is done, 0 to 1."""
Ensemble = Literal["NPT", "NVT", "NVE"]
CellFreedom = Literal["isotropic", "orthorhombic", "triclinic"]

MPA_PER_EV_A3 = 160217.6634
"""1 eV/angstrom^3 in MPa."""


class Static(NamedTuple):
    """Energy (eV), forces (eV/angstrom, (N, 3)) and pressure tensor (MPa: xx, yy, zz, xy, xz, yz; potential part)."""

    energy: float
    forces: Array
    pressure: Array


@dataclass(frozen=True)
class Conditions:
    """What is held during a stretch of dynamics."""

    ensemble: Ensemble
    temperature: float
    """K, at its beginning."""
    final_temperature: float
    """K, at its end; the thermostat goes there at a constant rate."""
    pressure: float = 0.0
    """MPa."""
    cell: CellFreedom = "orthorhombic"
    """What the barostat may change: the size, three lengths, or lengths and angles."""
    time_step: float = 1.0
    """fs."""
    thermostat_time: float = 0.1
    """ps."""
    barostat_time: float = 1.0
    """ps."""
    seed: int = 1


@dataclass(frozen=True)
class Stretch:
    """How far to run and what to keep on the way; steps of time."""

    first_step: int
    steps: int
    observe_every: int
    """Thermodynamics are kept every so many steps."""
    frame_every: int
    """Positions are kept every so many steps, a multiple of ``observe_every``; 0 for none."""
    velocities: bool = True
    virial: bool = False

    @property
    def chunks(self) -> int:
        """How many times thermodynamics are kept."""
        return self.steps // self.observe_every


class Engine(Protocol):
    """An engine of molecular dynamics; ``system`` is a MolecularSystem, or what has atoms for an ASE calculator."""

    name: str

    def version(self) -> str:
        """Return the version, or raise an InputError that names the extra to install."""

    def settings(self) -> dict[str, Any]:
        """Return what else decides the numbers, as plain JSON."""

    def energy(self, system: Any, accuracy: float | None = None) -> Static:
        """Return energy, forces and pressure of a structure; ``accuracy`` wins over the force field's."""

    def minimise(self, system: Any) -> "Atoms":
        """Return the structure at the nearest minimum of the energy, the cell as it was."""

    def advance(
        self,
        system: Any,
        conditions: Conditions,
        stretch: Stretch,
        start: Path | None,
        end: Path,
        progress: Progress,
    ) -> "Segment":
        """Run a stretch of dynamics from a state file, or from the atoms and their velocities, and write the next."""


def check_alive(step: int, time_step: float, temperature: float, expected: float, energy: float, volume: float) -> None:
    """Stop a run whose atoms fly apart.

    Parameters
    ----------
    step, time_step:
        Where the run is; steps and fs.
    temperature, expected:
        K, and what the thermostat holds.
    energy, volume:
        eV and angstrom^3.

    Raises
    ------
    ComputationError
        If a number is not finite or the temperature has left every bound.
    """
    finite = np.isfinite([temperature, energy, volume]).all()
    if finite and temperature < 10 * expected + 500:
        return
    shown = f"{temperature:.3g} K" if np.isfinite(temperature) else "not a number"
    raise ComputationError(
        f"the run exploded at {step * time_step / 1000:.3f} ps: temperature {shown} where {expected:.0f} K are held; "
        "take a smaller time step, minimise first, or look for atoms that are too close"
    )
