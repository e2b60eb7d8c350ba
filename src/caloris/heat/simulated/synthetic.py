"""Synthetic tables of a simulation with a known truth: volumes and enthalpies of the two-phase model, with noise."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.simulated.table import HISTORIES
from caloris.heat.two_phase import TwoPhase
from caloris.units import Quantity, magnitude


def synthetic_table(
    model: TwoPhase,
    *,
    pressures: Sequence[Quantity],
    temperatures: Sequence[Quantity],
    histories: Sequence[str] = ("equilibrium",),
    noise_volume: Quantity = "0 m^3/kg",
    noise_enthalpy: Quantity = "0 J/kg",
    seed: int = 1,
) -> sc.Dataset:
    """Return a synthetic table, as a campaign of simulations of the two-phase model would give it.

    Parameters
    ----------
    model:
        Two phases with the barriers that make the hysteresis.
    pressures, temperatures:
        Of the grid.
    histories:
        ``"heating"``, ``"cooling"`` or ``"equilibrium"``.
    noise_volume, noise_enthalpy:
        Standard errors of each point; its value is moved by chance accordingly.
    seed:
        Of chance.

    Returns
    -------
    :
        ``specific_volume`` (m^3/kg) and ``specific_enthalpy`` (J/kg) over ``history``, ``pressure`` (MPa) and
        ``temperature`` (K), with variances, and labelled ``synthetic``.

    Raises
    ------
    InputError
        If a history is unknown or a quantity cannot be read.

    Examples
    --------
    >>> from caloris.materials import load
    >>> model = TwoPhase.from_material(load("NH4SCN"))
    >>> temperatures = [f"{T} K" for T in range(300, 420, 10)]
    >>> table = synthetic_table(model, pressures=["0 MPa", "50 MPa"], temperatures=temperatures)
    >>> dict(table.sizes)
    {'history': 1, 'pressure': 2, 'temperature': 12}
    """
    for history in histories:
        if history not in HISTORIES:
            raise InputError(f"history: {history!r} is none of {', '.join(map(repr, HISTORIES))}")
    p = np.array([magnitude(entry, "Pa", "pressure") for entry in pressures])
    T = np.array([magnitude(entry, "K", "temperature", positive=True) for entry in temperatures])
    errors = {
        "specific_volume": magnitude(noise_volume, "m^3/kg", "noise_volume"),
        "specific_enthalpy": magnitude(noise_enthalpy, "J/kg", "noise_enthalpy"),
    }
    rng = np.random.default_rng(seed)
    values: dict[str, list[Any]] = {name: [] for name in errors}
    for history in histories:
        branch: Any = history
        for own in p:
            high = model.transition_temperature(own, branch) <= T
            values["specific_volume"].append(model.low_volume(T, own) + high * model.delta_volume(T, own))
            values["specific_enthalpy"].append(model.low_enthalpy(T, own) + high * model.delta_enthalpy(T, own))
    shape = (len(histories), len(p), len(T))
    units = {"specific_volume": "m^3/kg", "specific_enthalpy": "J/kg"}
    dims = ["history", "pressure", "temperature"]
    data = {}
    for name, rows in values.items():
        exact = np.reshape(rows, shape)
        noisy = exact + errors[name] * rng.standard_normal(shape)
        data[name] = sc.array(dims=dims, values=noisy, variances=np.full(shape, errors[name] ** 2), unit=units[name])
    return sc.Dataset(
        data,
        coords={
            "history": sc.array(dims=["history"], values=list(histories)),
            "pressure": sc.array(dims=["pressure"], values=p / 1e6, unit="MPa"),
            "temperature": sc.array(dims=["temperature"], values=T, unit="K"),
            "synthetic": sc.scalar(True),
        },
    )
