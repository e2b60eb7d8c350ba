"""Run a protocol on a battery and record every time step."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.files import versions
from caloris.heat.battery.cycle import COLUMNS, Cycle
from caloris.heat.battery.ledger import stages
from caloris.heat.battery.march import Advance, CellState, Marcher
from caloris.heat.battery.protocol import Protocol
from caloris.heat.battery.transition import specific_enthalpy
from caloris.heat.two_phase import TwoPhase

if TYPE_CHECKING:
    from caloris.heat.battery.battery import Battery

MOST_FRAMES = 400
"""A cycle keeps at most this many fields; more are thinned out."""
TEMPERATURES = (1.0, 1e4)
"""K; beyond lies no material, and constant heat capacities lead below 0 K."""


def run_cycle(battery: "Battery", protocol: Protocol, progress: Callable[[str, float], None] | None = None) -> Cycle:
    """Run a protocol on a battery; see :meth:`caloris.heat.Battery.run`."""
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
    start = state
    recorder = _Recorder(marcher)
    total = len(legs)

    def report(number: int, part: float) -> None:
        if progress is not None:
            progress(legs[number].step.words, (number + min(part, 1.0)) / total)

    before_discharge = start
    assigned = stages(protocol, inverse=transition.model.is_inverse)
    for advance in marcher.march(state, legs, report):
        if assigned[advance.leg] in ("charge", "storage"):
            before_discharge = advance.state
        recorder.add(advance)
        state = advance.state
    inputs = battery.inputs() | {
        "protocol": protocol.words,
        "protocol_name": protocol.name,
        "versions": versions(),
    }
    return Cycle(
        inputs=inputs,
        columns=recorder.table(),
        scalars=_scalars(marcher, start, before_discharge, state, transition.edges(start.pressure)),
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
        self._frames: list[tuple[float, np.ndarray, np.ndarray]] = []

    def add(self, advance: Advance) -> None:
        state, w = advance.state, self._weights
        self._rows.append(
            (
                state.time,
                advance.duration,
                float(advance.leg),
                state.pressure,
                state.wall,
                float(w @ state.fraction),
                float(w @ state.temperature),
                float(state.temperature[self._centre]),
                float(state.temperature[self._contact].mean()),
                self._marcher.heat_flow(state),
                advance.pellet_heat,
                advance.wall_heat,
                advance.work,
                advance.elastic_work,
                advance.latent,
                advance.dissipation,
                *self._marcher.energies(state),
            )
        )
        self._frames.append((state.time, state.temperature, state.fraction))

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


def _scalars(
    marcher: Marcher, start: CellState, before: CellState, end: CellState, edges: tuple[float, ...]
) -> dict[str, float]:
    model, weights = marcher.transition.model, marcher.system.pellet_weights
    mass = float(weights.sum())

    def enthalpy(state: CellState) -> float:
        return float(weights @ specific_enthalpy(model, state.material)) / mass

    held = before.fraction * model.delta_enthalpy(before.temperature, before.pressure)
    pellet_energy, die_energy = marcher.energies(start)
    leak, equilibrium = _storage_pressures(model, before.wall, edges)
    return {
        "mass": mass,
        "latent_heat": marcher.latent_heat,
        "volume_change": model.volume_change,
        "low_heat_capacity": model.low.heat_capacity,
        "inverse": float(model.is_inverse),
        "enthalpy_left": enthalpy(start) - enthalpy(end),
        "latent_before_discharge": float(weights @ held) / mass,
        "fraction_before_discharge": float(weights @ before.fraction) / mass,
        "storage_temperature": before.wall,
        "hold_pressure": before.pressure,
        "leak_pressure": leak,
        "equilibrium_pressure": equilibrium,
        "pellet_energy_start": pellet_energy,
        "die_energy_start": die_energy,
    }


def _storage_pressures(model: TwoPhase, T: float, edges: tuple[float, ...]) -> tuple[float, float]:
    """Pressure at which self-discharge begins at T, and the one at which both phases are in equilibrium."""
    half_width = 0.5 * (max(edges[:2]) - min(edges[:2]))
    try:
        return (
            model.transition_pressure(T - half_width, "cooling"),
            model.transition_pressure(T, "equilibrium"),
        )
    except InputError:
        return float("nan"), float("nan")
