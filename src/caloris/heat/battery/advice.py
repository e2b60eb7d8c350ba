"""What a reader of a cycle must know before using its numbers."""

from typing import TYPE_CHECKING

import numpy as np

from caloris.materials import Value

if TYPE_CHECKING:
    from caloris.heat.battery.cycle import Cycle

NOTHING = 1e-3
"""A fraction of the material below this does not count."""


def warnings(cycle: "Cycle") -> list[str]:
    """Return the warnings of a cycle, one sentence or two each.

    Parameters
    ----------
    cycle:
        The cycle.

    Returns
    -------
    :
        Storage that only hysteresis holds, charge that did not happen or was lost, discharge that is not complete,
        pressures and temperatures beyond the data, holds that ran out of time.
    """
    return [*_about_storage(cycle), *_about_discharge(cycle), *_about_ranges(cycle), *_about_protocol(cycle)]


def _about_storage(cycle: "Cycle") -> list[str]:
    row = cycle.release_row
    fraction, T = cycle.columns["fraction"][row], cycle.columns["wall"][row]
    storage = {name: float(value.value) for name, value in cycle.storage.items()}
    hold, equilibrium = storage["hold_pressure"], storage["equilibrium_pressure"]
    metastable = hold < equilibrium if cycle.scalars["inverse"] else hold > equilibrium
    if fraction <= NOTHING or not metastable:
        return []
    if storage["leak_margin"] <= 0:
        return [
            f"At {T:g} K and {hold:g} MPa the store leaks: self-discharge begins at {storage['leak_pressure']:.4g} "
            f"MPa, {-storage['leak_margin']:.3g} MPa away on the wrong side."
        ]
    return [
        f"Storage at {T:g} K and {hold:g} MPa is metastable: only hysteresis holds the phase (equilibrium storage "
        f"needs {equilibrium:.4g} MPa); self-discharge begins {storage['leak_margin']:.3g} MPa away, "
        f"at {storage['leak_pressure']:.4g} MPa."
    ]


def _about_discharge(cycle: "Cycle") -> list[str]:
    if "discharge" not in cycle.stages:
        return []
    found = []
    x = cycle.columns["fraction"]
    charge = [step.fraction for step in cycle.accounted if step.stage == "charge"]
    most = max(charge, default=float(x[0]))
    charging = [cycle.row_at(step.start) for step in cycle.accounted if step.stage == "charge"]
    if charging and not _discharged_first(cycle) and x[charging[0]] > NOTHING:
        found.append(
            f"{100 * x[charging[0]]:.3g} % of the material was in the charged phase already when charging began."
        )
    warm = abs(cycle.columns["mean_temperature"][cycle.release_row] - cycle.columns["wall"][cycle.release_row])
    if warm > 1 and _holds_charge(cycle):
        sensible = warm * cycle.scalars["low_heat_capacity"] / 1e3
        found.append(
            f"The pellet was {warm:.3g} K away from the wall at the moment of release: about {sensible:.3g} J/g of "
            "what flows after it is sensible heat."
        )
    at_release = float(x[cycle.release_row])
    ends = [step.fraction for step in cycle.accounted if step.stage == "discharge"]
    if most <= NOTHING and at_release <= NOTHING:
        found.append("Nothing was charged: the transition was not reached.")
    elif at_release <= NOTHING:
        found.append("The release discharges nothing: the material had transformed back before.")
    elif at_release < 1 - NOTHING:
        found.append(f"Only {100 * at_release:.3g} % of the material was charged at the moment of release.")
    if at_release > NOTHING and ends[-1] > NOTHING:
        found.append(f"After the discharge {100 * ends[-1]:.3g} % of the material is still charged.")
    lost = float(cycle.heat.lost_latent.value)
    if lost > 0.01 * cycle.scalars["latent_heat"] / 1e3:
        found.append(f"{lost:.3g} J/g of latent heat left during storage, before the release.")
    flow = np.abs(cycle.columns["heat_flow"])
    last = cycle.row_at(max(step.end for step in cycle.accounted if step.stage == "discharge"))
    strongest = float(flow[cycle.release_row : last + 1].max())
    waited = cycle.protocol.steps[int(cycle.columns["leg"][last])].heat_flow is not None
    if flow[last] > 0.01 * strongest and at_release > NOTHING and not waited:
        found.append(
            f"The discharge was cut short: heat still flows ({flow[last]:.3g} mW/g), so t50, t90 and t99 refer to an "
            "incomplete discharge."
        )
    return found


def _holds_charge(cycle: "Cycle") -> bool:
    """Whether there is charged material at the moment of release."""
    return bool(cycle.columns["fraction"][cycle.release_row] > NOTHING)


def _discharged_first(cycle: "Cycle") -> bool:
    order = [step.stage for step in cycle.accounted if step.stage in ("charge", "discharge")]
    return order[0] == "discharge"


def _about_ranges(cycle: "Cycle") -> list[str]:
    found = []
    card = cycle.inputs["material"]
    highest = float(cycle.columns["pressure"].max()) / 1e6
    coldest, hottest = float(cycle.columns["wall"].min()), float(cycle.columns["wall"].max())
    chosen = cycle.inputs["card_transition"]
    for name, transition in card["transitions"].items():
        if name == chosen:
            limit = transition.get("maximum_pressure")
            top = None if limit is None else Value(**limit).to("MPa")
            if top is not None and highest > top * (1 + 1e-9):
                found.append(f"{highest:g} MPa lies beyond the measured {top:g} MPa of the transition: extrapolated.")
            continue
        T = Value(**transition["temperature_heating"]).to("K")
        if coldest < T < hottest:
            found.append(f"The wall passes {T:g} K, where the card has another transition ({name}): not modelled.")
    return found


def _about_protocol(cycle: "Cycle") -> list[str]:
    found = []
    if cycle.cycles > 1:
        found.append(f"The protocol has {cycle.cycles} cycles; heat, work and efficiencies are those of the last.")
    for step, account in zip(cycle.protocol.steps, cycle.steps, strict=True):
        if step.heat_flow is not None and account.end - account.start >= step.limit * (1 - 1e-9):
            found.append(f"{step.words!r} was still waiting when its time was up.")
    return found
