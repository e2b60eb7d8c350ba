"""Synthetic simulations of two-phase materials whose every number is known exactly; plain numbers in SI units."""

import numpy as np

from caloris.heat import PhaseProperties, TwoPhase
from caloris.heat.processes import PROCESSES, entropy_difference, reversible_pressure, temperature_difference, usable
from caloris.heat.simulated import synthetic_table

BRANCHES = ("heating", "cooling")


def material(
    sign=1,
    hysteresis=10.0,
    *,
    slope=0.3,
    entropy_change=130.0,
    heat_capacity=1600.0,
    difference=80.0,
    expansion=(2e-7, 2.6e-7),
    compression=(1e-13, 1.2e-13),
    temperature=350.0,
):
    """Two phases at the reference pressure of 0; slope (K/MPa, magnitude), hysteresis (K)."""
    return TwoPhase(
        low=PhaseProperties(heat_capacity=heat_capacity, expansion=expansion[0], compression=compression[0]),
        high=PhaseProperties(
            heat_capacity=heat_capacity + difference, expansion=expansion[1], compression=compression[1]
        ),
        temperature=temperature,
        pressure=0.0,
        entropy_change=entropy_change,
        volume_change=sign * slope * 1e-6 * entropy_change,
        volume=7.6e-4,
        barrier_heating=0.5 * hysteresis * entropy_change,
        barrier_cooling=0.5 * hysteresis * entropy_change,
    )


def simulate(model, pressures, temperatures, histories=BRANCHES, *, volume=0.0, enthalpy=0.0, seed=1):
    """A synthetic table; pressures in MPa, temperatures in K, standard errors in m3/kg and J/kg."""
    return synthetic_table(
        model,
        pressures=[f"{float(p)!r} MPa" for p in pressures],
        temperatures=[f"{float(T)!r} K" for T in temperatures],
        histories=histories,
        noise_volume=f"{float(volume)!r} m^3/kg",
        noise_enthalpy=f"{float(enthalpy)!r} J/kg",
        seed=seed,
    )


def truth(model, pressures, histories):
    """The true headline numbers by name, as far as the model knows them; pressures in MPa, the lowest first."""
    found = {}
    p_0 = pressures[0] * 1e6
    for history in histories:
        found[f"slope, {history}"] = float(model.slope(p_0, history)) * 1e6
        for p in pressures:
            T = float(model.transition_temperature(p * 1e6, history))
            heat, dS = float(model.delta_enthalpy(T, p * 1e6)), float(model.delta_entropy(T, p * 1e6))
            name = f"{p:g} MPa, {history}"
            found |= {
                f"transition temperature, {name}": T,
                f"enthalpy of transition, {name}": heat,
                f"entropy of transition, {name}": dS,
                f"heat over temperature, {name}": heat / T,
                f"volume of transition, {name}": float(model.delta_volume(T, p * 1e6)),
            }
            for word in ("low", "high"):
                phase = getattr(model, word)
                found[f"heat capacity, {word} phase, {name}"] = phase.heat_capacity
                found[f"expansion, {word} phase, {name}"] = phase.expansion
    if len(histories) == 2:
        for p in pressures:
            T_h, T_c = (float(model.transition_temperature(p * 1e6, branch)) for branch in BRANCHES)
            found[f"hysteresis, {p:g} MPa"] = T_h - T_c
        found["reversible pressure"] = reversible_pressure(model) / 1e6
    for p in pressures[1:]:
        found |= changes(model, p, p_0)
    return found


def changes(model, pressure, p_0=0.0):
    """Largest changes of the three processes where the transition runs."""
    p = pressure * 1e6
    steps = np.array([float(model.transition_temperature(q, branch)) for q in (p_0, p) for branch in BRANCHES])
    T = np.unique(np.concatenate([np.linspace(steps.min(), steps.max(), 3000), steps, np.nextafter(steps, 0)]))
    found = {}
    for process in PROCESSES:
        dS = entropy_difference(model, T, p, p_0, process)
        dT = temperature_difference(model, T, p, p_0, process)
        if process == "reversible":
            dS, dT = usable(model, T, p, p_0, dS, "entropy"), usable(model, T, p, p_0, dT, "temperature")
        label = f"{pressure:g} MPa, {process}"
        found[f"entropy change, {label}"] = float(np.abs(dS).max())
        found[f"temperature change, {label}"] = float(np.abs(dT).max())
    return found
