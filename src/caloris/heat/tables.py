"""The caloric effect on disk: curves as CSV and HDF5, merits as JSON, the figure as PNG."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipp as sc

from caloris.files import output_folder, versions, whole, write_hdf5
from caloris.heat.caloric import CaloricEffect
from caloris.heat.processes import Process
from caloris.heat.two_phase import Branch
from caloris.units import Quantity, magnitude, to_json

_PROCESSES: tuple[Process, ...] = ("compression", "decompression", "reversible")


def caloric_json(
    effect: CaloricEffect, pressures: Sequence[Quantity], *, low_pressure: Quantity | None = None
) -> dict[str, Any]:
    """Return curves, merits and warnings of an effect as plain JSON values.

    Parameters
    ----------
    effect:
        The effect.
    pressures:
        High pressures, scalars.
    low_pressure:
        Scalar; the card's reference pressure if absent.

    Returns
    -------
    :
        ``transition_temperature`` and ``slope`` by branch, ``reversible_pressure``, and per pressure the curves,
        the merits with their definitions and the warnings.

    Raises
    ------
    InputError
        If a pressure lies outside the model or not above the card's reference pressure.
    """
    branches: tuple[Branch, ...] = ("heating", "cooling")
    reference = sc.scalar(effect.surfaces.pressure / 1e6, unit="MPa")
    low = reference if low_pressure is None else sc.scalar(magnitude(low_pressure, "MPa", "low_pressure"), unit="MPa")
    return {
        "material": effect.name,
        "inverse": effect.surfaces.is_inverse,
        "transition_temperature": {b: to_json(effect.transition_temperature(b, reference)) for b in branches},
        "slope": {b: to_json(effect.slope(b)) for b in branches},
        "reversible_pressure": to_json(effect.reversible_pressure()) if effect.hysteresis_is_known else None,
        "low_pressure": to_json(low),
        "pressures": [_one_pressure(effect, p, low_pressure) for p in pressures],
    }


def save_caloric(
    effect: CaloricEffect,
    pressures: Sequence[Quantity],
    folder: str | Path,
    *,
    low_pressure: Quantity | None = None,
) -> list[Path]:
    """Write an effect into a folder: ``caloric.csv``, ``caloric.h5``, ``caloric.json``, ``caloric.png``.

    Parameters
    ----------
    effect:
        The effect.
    pressures:
        High pressures, scalars, at least one.
    folder:
        Where to write; it is made if absent.
    low_pressure:
        Scalar; the card's reference pressure if absent.

    Returns
    -------
    :
        The paths of the four files, in the order above.

    Raises
    ------
    InputError
        If the folder cannot be written, there is no pressure, or a pressure lies outside the model.
    """
    out = output_folder(folder)
    result = caloric_json(effect, pressures, low_pressure=low_pressure) | {"versions": versions()}
    curves = {
        f"{name}, {process}, {magnitude(p, 'MPa', 'pressure'):g} MPa": method(p, process, low_pressure=low_pressure)
        for p in pressures
        for process in _PROCESSES
        for name, method in (
            ("entropy_change", effect.entropy_change),
            ("temperature_change", effect.temperature_change),
        )
    }
    paths = [out / f"caloric.{suffix}" for suffix in ("csv", "h5", "json", "png")]
    with whole(paths[0]) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write("quantity,process,reversibility,low_pressure/MPa,pressure/MPa,temperature/K,value,unit\n")
        for label, curve in curves.items():
            quantity, process, _ = label.split(", ")
            low, high = (float(curve.coords[name].value) for name in ("low_pressure", "pressure"))
            fixed = f"{quantity},{process},{curve.coords['reversibility'].value},{low:.9g},{high:.9g}"
            for T, value in zip(curve.coords["temperature"].values, curve.values, strict=True):
                file.write(f"{fixed},{T:.12g},{value:.9g},{curve.unit}\n")
    write_hdf5(paths[1], sc.DataGroup(inputs=sc.scalar(json.dumps(result)), curves=sc.DataGroup(dict(curves))))
    with whole(paths[2]) as temporary:
        temporary.write_text(json.dumps(result, indent=1), encoding="utf-8")
    with whole(paths[3]) as temporary:
        effect.plot(list(pressures), low_pressure=low_pressure).savefig(temporary, dpi=150)
    return paths


def _one_pressure(effect: CaloricEffect, p: Quantity, low_pressure: Quantity | None) -> dict[str, Any]:
    curves = []
    for process in _PROCESSES:
        dS = effect.entropy_change(p, process, low_pressure=low_pressure)
        dT = effect.temperature_change(p, process, low_pressure=low_pressure)
        curves.append(
            {
                "process": process,
                "reversibility": dS.coords["reversibility"].value,
                "temperature": {"value": np.round(dS.coords["temperature"].values, 9).tolist(), "unit": "K"},
                "entropy_change": {"value": dS.values.tolist(), "unit": str(dS.unit)},
                "temperature_change": {"value": dT.values.tolist(), "unit": str(dT.unit)},
            }
        )
    merits = {
        name: {**to_json(m.value), "definition": m.definition, "reversibility": m.reversibility}
        for name, m in effect.merits(p, low_pressure=low_pressure).items()
    }
    pressure = sc.scalar(magnitude(p, "MPa", "pressure"), unit="MPa")
    return {
        "pressure": to_json(pressure),
        "curves": curves,
        "merits": merits,
        "warnings": effect.warnings(p, low_pressure=low_pressure),
    }
