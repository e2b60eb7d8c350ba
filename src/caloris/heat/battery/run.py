"""Run a protocol on a battery and record every time step."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.files import versions
from caloris.heat.battery.cycle import COLUMNS, Cycle
from caloris.heat.battery.march import Advance, CellState, Marcher
from caloris.heat.battery.protocol import Protocol
from caloris.heat.battery.transition import specific_enthalpy

if TYPE_CHECKING:
    from caloris.heat.battery.battery import Battery

MOST_FRAMES = 400
"""A cycle keeps at most this many fields; more are thinned out."""
TEMPERATURES = (1.0, 1e4)
"""K; beyond lies no material, and constant heat capacities lead below 0 K."""


def run_cycle(battery: "Battery", protocol: Protocol, progress: Callable[[str, float], None] | None = None) -> Cycle:
    """Run a protocol on a battery; see :meth:`caloris.heat.Battery.run`.

    Parameters
    ----------
    battery:
        The battery.
    protocol:
        The checked protocol.
    progress:
        Called with the words of the current step and the part of the protocol that is done, from 0 to 1.

    Returns
    -------
    :
        The cycle, one row per time step, with at most :data:`MOST_FRAMES` fields.

    Raises
    ------
    InputError
        If a temperature or a pressure of the protocol lies outside the model.
    ComputationError
        If the time integration fails.
    """
    transition = battery.transition_model
    legs = list(protocol.legs())
    for leg in legs:
        for T in leg.temperatures:
            if not TEMPERATURES[0] <= T <= TEMPERATURES[1]:
                raise InputError(f"protocol: {leg.step.words!r}: {T:g} K lies outside the model; check the unit")
    for p in protocol.pressures():
        transition.edges(p)  # a pressure outside the model is refused before any work
    marcher = Marcher(battery.system(), transition, tolerance=battery.tolerance)
    state = marcher.initial(protocol.temperature, protocol.pressure)
    recorder = _Recorder(marcher)
    total = len(legs)

    def report(number: int, part: float) -> None:
        if progress is not None:
            progress(legs[number].step.words, (number + min(part, 1.0)) / total)

    recorder.begin(state)
    for advance in marcher.march(state, legs, report):
        recorder.add(advance)
    inputs = battery.inputs() | {
        "protocol": protocol.words,
        "protocol_name": protocol.name,
        "transition_description": transition.description,
        "versions": versions(),
    }
    model = transition.model
    return Cycle(
        inputs=inputs,
        columns=recorder.table(),
        scalars={
            "mass": marcher.mass,
            "latent_heat": marcher.latent_heat,
            "volume_change": model.volume_change,
            "low_heat_capacity": model.low.heat_capacity,
            "inverse": float(model.is_inverse),
        },
        frames=recorder.fields(),
        assumptions=battery.assumptions(),
    )


class _Recorder:
    """Collects what every time step says."""

    def __init__(self, marcher: Marcher) -> None:
        self._marcher = marcher
        system = marcher.system
        self._weights = system.pellet_weights / system.pellet_weights.sum()
        self._centre = int(np.argmin(np.abs(system.points[:, : system.n_pellet]).sum(axis=0)))
        self._contact = system.contact
        self._rows: list[tuple[float, ...]] = []
        self._known: dict[float, tuple[float, float]] = {}
        self._frames: list[tuple[float, np.ndarray, np.ndarray]] = []

    def begin(self, state: CellState) -> None:
        """Record the starting point, in which nothing has flowed."""
        self._record(state, 0.0, 0.0, (0.0,) * 6)

    def add(self, advance: Advance) -> None:
        """Record a time step."""
        flows = (
            advance.pellet_heat,
            advance.wall_heat,
            advance.work,
            advance.elastic_work,
            advance.latent,
            advance.dissipation,
        )
        self._record(advance.state, advance.duration, float(advance.leg), flows)

    def _record(self, state: CellState, duration: float, leg: float, flows: tuple[float, ...]) -> None:
        w, model = self._weights, self._marcher.transition.model
        T, x = state.temperature, state.fraction
        leak, equilibrium = self._storage_pressures(state)
        self._rows.append(
            (
                state.time,
                duration,
                leg,
                state.pressure,
                state.wall,
                float(w @ x),
                float(w @ T),
                float(T[self._centre]),
                float(T[self._contact].mean()),
                self._marcher.heat_flow(state),
                *flows,
                *self._marcher.energies(state),
                float(w @ specific_enthalpy(model, state.material)),
                float(w @ (x * model.delta_enthalpy(T, state.pressure))),
                leak,
                equilibrium,
            )
        )
        self._frames.append((state.time, T, x))

    def _storage_pressures(self, state: CellState) -> tuple[float, float]:
        """Pressure at which self-discharge begins at the wall's temperature, and that of equilibrium, Pa."""
        if state.wall not in self._known:
            transition = self._marcher.transition
            lower, upper = transition.edges(state.pressure)[:2]
            try:
                leak = transition.model.transition_pressure(state.wall - 0.5 * (upper - lower), "cooling")
                equilibrium = transition.model.transition_pressure(state.wall, "equilibrium")
                # a negative pressure means that none is needed
                self._known[state.wall] = (max(leak, 0.0), max(equilibrium, 0.0))
            except InputError:
                self._known[state.wall] = (float("nan"), float("nan"))
        return self._known[state.wall]

    def table(self) -> dict[str, np.ndarray]:
        return dict(zip(COLUMNS, np.array(self._rows).T, strict=True))

    def fields(self) -> sc.DataGroup[Any]:
        system = self._marcher.system
        stride = max(1, -(-len(self._frames) // MOST_FRAMES))
        kept = self._frames[::stride]
        # fields are kept at the vertices of the mesh, which come first among the unknowns
        n = system.pellet_mesh.p.shape[1]
        points, cells = system.pellet_mesh.p, system.pellet_mesh.t
        return sc.DataGroup(
            time=sc.array(dims=["time"], values=[t for t, _, _ in kept], unit="s"),
            r=sc.array(dims=["vertex"], values=points[0], unit="m"),
            z=sc.array(dims=["vertex"], values=points[1], unit="m"),
            cells=sc.array(dims=["cell", "corner"], values=cells.T.astype("int64"), unit=None),
            temperature=sc.array(dims=["time", "vertex"], values=np.array([T[:n] for _, T, _ in kept]), unit="K"),
            fraction=sc.array(
                dims=["time", "vertex"], values=np.array([x[:n] for _, _, x in kept]), unit="dimensionless"
            ),
        )
