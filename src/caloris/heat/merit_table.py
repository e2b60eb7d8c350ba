"""All figures of merit of a caloric effect at one pressure, each with its definition."""

from typing import TYPE_CHECKING

import numpy as np
import scipp as sc

from caloris.heat.merit import (
    Merit,
    full_width_half_maximum,
    integrated_entropy_change,
    peak,
    refrigerant_capacity,
    relative_cooling_power,
    temperature_averaged_entropy_change,
    transition_part,
)
from caloris.heat.processes import Process, moving_branch
from caloris.units import Quantity

if TYPE_CHECKING:
    from caloris.heat.caloric import CaloricEffect


def merits(effect: "CaloricEffect", pressure: Quantity, low_pressure: Quantity | None = None) -> dict[str, Merit]:
    """Return the figures of merit of an effect; parameters, result and errors are those of ``CaloricEffect.merits``."""
    high, low = effect.pressures(pressure, low_pressure)
    dp = sc.scalar((high - low) / 1e6, unit="MPa")
    found: dict[str, Merit] = {}

    def add(name: str, value: sc.Variable, definition: str, process: Process) -> None:
        found[name] = Merit(name, value, definition, effect.reversibility(process))

    first, last = effect.transition_span(high, low)

    def within(curve: sc.DataArray) -> sc.DataArray:
        """Between the transitions: beyond them the elastic part grows without end."""
        T = curve.coords["temperature"]
        keep = (T.values >= first) & (T.values <= last)
        begin, end = int(np.argmax(keep)), len(keep) - int(np.argmax(keep[::-1]))
        return curve["temperature", max(begin - 1, 0) : end + 1].copy()

    directions: tuple[tuple[Process, str], ...] = (("compression", ""), ("reversible", "reversible_"))
    for process, prefix in directions:
        dS = effect.entropy_change(pressure, process, low_pressure=low_pressure)
        own = transition_entropy_change(effect, pressure, process, low_pressure)
        rcp = relative_cooling_power(own)
        add(f"{prefix}entropy_change", peak(within(dS)), "largest |dS| where the transition runs", process)
        if effect.surfaces.has_heat_capacity:
            dT = effect.temperature_change(pressure, process, low_pressure=low_pressure)
            add(f"{prefix}temperature_change", peak(within(dT)), "largest |dT_ad| where the transition runs", process)
        add(f"{prefix}width", full_width_half_maximum(own), "FWHM of |dS| of the transition", process)
        add(f"{prefix}relative_cooling_power", rcp, "|dS|max * FWHM of the transition (Zhang 2023, eq. 1)", process)
        tec = temperature_averaged_entropy_change(own, "10 K")
        add(f"{prefix}tec_10K", tec, "TEC: largest mean of |dS| of the transition over a span of 10 K", process)
        if process == "compression":
            add("entropy_change_per_pressure", peak(within(dS)) / dp, "|dS|max / (p - p_low)", process)
            area = integrated_entropy_change(own)
            add("integrated_entropy_change", area, "area under |dS| of the transition (integrated RCP)", process)
            rc = refrigerant_capacity(own)
            add("refrigerant_capacity", rc, "area under |dS| of the transition within its FWHM", process)
            add("relative_cooling_power_per_pressure", rcp / dp, "RCP (eq. 1) / (p - p_low)", process)
    _add_losses_and_performance(effect, high, low, found)
    return found


def transition_entropy_change(
    effect: "CaloricEffect", pressure: Quantity, process: Process, low_pressure: Quantity | None = None
) -> sc.DataArray:
    """Return the part of an entropy change that the transition makes; errors as for ``CaloricEffect.entropy_change``.

    Parameters
    ----------
    effect, pressure, process, low_pressure:
        As for ``CaloricEffect.entropy_change``.

    Returns
    -------
    :
        Dimension ``temperature`` (K), in J/kg/K; of a reversible process only what comes back.
    """
    span = effect.transition_span(*effect.pressures(pressure, low_pressure))
    # the background is taken off before what does not come back is cut off
    own = transition_part(effect.entropy_difference(pressure, process, low_pressure=low_pressure), *span)
    return effect.usable(own, transition_only=True) if process == "reversible" else own


def _add_losses_and_performance(effect: "CaloricEffect", high: float, low: float, found: dict[str, Merit]) -> None:
    """Hysteresis loss, and the coefficient of performance by its three works."""
    surfaces = effect.surfaces
    T, dS, dV = surfaces.transition_changes(low)
    width = float(surfaces.transition_temperature(low, "heating") - surfaces.transition_temperature(low, "cooling"))
    slope = abs(float(surfaces.slope(low, moving_branch(surfaces))))
    one_branch = effect.reversibility("compression")

    def add(name: str, value: sc.Variable, definition: str) -> None:
        found[name] = Merit(name, value, definition, one_branch)

    if effect.hysteresis_is_known:
        loss = sc.scalar(width * dS, unit="J/kg")
        add("hysteresis_loss", loss, "hysteresis * dS_t at p_low: heat made per cycle")
        net = found["refrigerant_capacity"].value - loss
        add("net_refrigerant_capacity", net, "refrigerant capacity less the hysteresis loss; negative: no gain")
    heat = T * dS

    def performance(work: float) -> sc.Variable:
        return sc.scalar(heat / work if work else float("nan"))

    full = (high - low) * abs(dV)
    words = "T_t dS_t over the work "
    add("coefficient_of_performance", performance(full), words + "(p - p_low) |dV_t| of the whole pressure step")
    add("coefficient_of_performance_midway", performance(0.5 * full), words + "|dV_t| (p_t - p_low), p_t midway")
    if effect.hysteresis_is_known and width > 0 and slope > 0:
        loop = width / slope * abs(dV)
        add(
            "coefficient_of_performance_loop", performance(loop), words + "of the loop in p and V that hysteresis makes"
        )
