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
    parts = (_about_storage, _about_charge, _about_discharge, _about_ranges, _about_protocol)
    return [line for part in parts for line in part(cycle)]


def _about_storage(cycle: "Cycle") -> list[str]:
    row = cycle.storage_row
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


def _about_charge(cycle: "Cycle") -> list[str]:
    found = []
    x = cycle.columns["fraction"]
    charge = [step for step in cycle.accounted if step.stage == "charge"]
    if charge and not _discharged_first(cycle):
        already = float(x[charge[0].row_before])
        if already > NOTHING:
            found.append(f"{100 * already:.3g} % of the material was in the charged phase already when charging began.")
    most = max([step.fraction for step in charge], default=float(x[0]))
    at_release = float(x[cycle.release_row])
    if (charge or "discharge" in cycle.stages) and most <= NOTHING and at_release <= NOTHING:
        found.append("Nothing was charged: the transition was not reached.")
    elif charge and "discharge" not in cycle.stages and most < 1 - NOTHING:
        found.append(f"Only {100 * most:.3g} % of the material was charged.")
    gained = -float(cycle.heat.lost_latent.value)
    if abs(gained) > 0.01 * cycle.scalars["latent_heat"] / 1e3:
        words = "left during storage, before the release" if gained < 0 else "went in during storage, after charging"
        found.append(f"{abs(gained):.3g} J/g of latent heat {words}.")
    return found


def _about_discharge(cycle: "Cycle") -> list[str]:
    discharge = [step for step in cycle.accounted if step.stage == "discharge"]
    if not discharge:
        return []
    found = []
    row, last = cycle.release_row, discharge[-1].rows[1]
    at_release = float(cycle.columns["fraction"][row])
    if at_release <= NOTHING:
        charged = [step.fraction for step in cycle.accounted if step.stage == "charge" and step.rows[1] <= row]
        if max(charged, default=0.0) > NOTHING:
            found.append("The release discharges nothing: the material had transformed back before.")
        return found
    if at_release < 1 - NOTHING:
        found.append(f"Only {100 * at_release:.3g} % of the material was charged at the moment of release.")
    if discharge[-1].fraction > NOTHING:
        found.append(f"After the discharge {100 * discharge[-1].fraction:.3g} % of the material is still charged.")
    warm = abs(cycle.columns["mean_temperature"][row] - cycle.columns["wall"][row])
    if warm > 1:
        sensible = warm * cycle.scalars["low_heat_capacity"] / 1e3
        found.append(
            f"The pellet was {warm:.3g} K away from the wall at the moment of release: about {sensible:.3g} J/g of "
            "what flows after it is sensible heat."
        )
    flow = np.abs(cycle.columns["heat_flow"])
    waited = cycle.protocol.steps[int(cycle.columns["leg"][last])].heat_flow is not None
    if flow[last] > 0.01 * float(flow[row : last + 1].max()) and not waited:
        found.append(
            f"The discharge was cut short: heat still flows ({flow[last]:.3g} mW/g), so t50, t90 and t99 refer to an "
            "incomplete discharge."
        )
    return found


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
        number = cycle.accounted[0].cycle + 1
        found.append(
            f"The protocol has {cycle.cycles} cycles; heat, work and efficiencies are those of number {number}."
        )
    for step, account in zip(cycle.protocol.steps, cycle.steps, strict=True):
        if step.heat_flow is not None and account.end - account.start >= step.limit * (1 - 1e-9):
            found.append(f"{step.words!r} was still waiting when its time was up.")
    return found
