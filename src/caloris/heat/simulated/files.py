"""A simulated effect on disk: numbers as JSON, curves with bands as CSV and HDF5, figures as PNG."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.files import output_folder, versions, whole, write_hdf5, write_json
from caloris.heat.processes import PROCESSES, entropy_difference, temperature_difference, usable
from caloris.heat.simulated.numbers import grids_of
from caloris.units import to_json

if TYPE_CHECKING:
    from caloris.heat.simulated.indirect import Indirect
    from caloris.heat.simulated.result import SimulationResult


def result_json(result: "SimulationResult") -> dict[str, Any]:
    """Return a result as plain JSON values.

    Parameters
    ----------
    result:
        Of :func:`caloris.heat.simulated.analyse`.
    """
    reversible = result.headline.get("reversible pressure")
    known = reversible is not None and np.isfinite(reversible.value)
    return {
        "name": result.name,
        "inverse": result.surfaces.is_inverse,
        "histories": list(result.table.histories),
        "transitions": [row.to_json() for row in result.transitions],
        "entropy_change": _curves(result, "entropy"),
        "temperature_change": _curves(result, "temperature"),
        "indirect": [_indirect_json(route) for route in result.indirect.values()],
        "low_pressure": {"value": result.surfaces.pressure / 1e6, "unit": "MPa", "error": None},
        "reversible_pressure": reversible.to_json() if known and reversible is not None else None,
        "slope": {history: result.headline[f"slope, {history}"].to_json() for history in result.table.histories},
        "headline": {name: value.to_json() for name, value in result.headline.items()},
        "closure": [{key: to_json(value) for key, value in vars(finding).items()} for finding in result.closure],
        "draws": 0 if result.drawn is None else len(next(iter(result.drawn.numbers.values()))),
        "seed": result.seed,
        "warnings": result.warnings(),
    }


def _curves(result: "SimulationResult", quantity: str) -> list[dict[str, Any]]:
    found = []
    surfaces, p_0 = result.surfaces, result.surfaces.pressure
    for p, T in grids_of(surfaces, result.table.pressures).items():
        for process in PROCESSES:
            difference = entropy_difference if quantity == "entropy" else temperature_difference
            values = difference(surfaces, T, p, p_0, process)
            if process == "reversible":
                values = usable(surfaces, T, p, p_0, values, quantity)  # type: ignore[arg-type]
            band = result.band(quantity, p, process)
            found.append(
                {
                    "pressure": {"value": p / 1e6, "unit": "MPa", "error": None},
                    "process": process,
                    "reversibility": result.label(process),
                    "temperature": np.round(T, 6).tolist(),
                    "value": np.round(values, 9).tolist(),
                    "interval_68": None if band is None else [np.round(edge, 9).tolist() for edge in band[1:]],
                    "unit": "J/kg/K" if quantity == "entropy" else "K",
                }
            )
    return found


def _indirect_json(route: "Indirect") -> dict[str, Any]:
    published = route.published_temperature_change
    return {
        "history": route.history,
        "entropy_change": to_json(route.entropy_change),
        "discretisation": to_json(route.discretisation),
        "temperature_change": to_json(route.temperature_change),
        "published_temperature_change": None if published is None else to_json(published),
        "heat_capacity": route.heat_capacity,
    }


def save_simulated(result: "SimulationResult", folder: str | Path) -> list[Path]:
    """Write a result into a folder; parameters, result and errors are those of ``SimulationResult.save``."""
    out = output_folder(folder)
    names = ("simulated.json", "simulated.h5", "simulated.csv", "simulated.png", "isobars.png")
    paths = [out / name for name in names]
    numbers = result_json(result) | {"versions": versions()}
    write_json(paths[0], numbers)
    routes = {
        str(history): sc.DataGroup(
            {
                "entropy_change": route.entropy_change,
                "temperature_change": route.temperature_change,
                "discretisation": route.discretisation,
            }
        )
        for history, route in result.indirect.items()
    }
    write_hdf5(paths[1], sc.DataGroup(numbers=sc.scalar(json.dumps(numbers)), indirect=sc.DataGroup(routes)))
    with whole(paths[2]) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("quantity", "process", "pressure/MPa", "temperature/K", "value", "low_68", "high_68", "unit"))
        for quantity in ("entropy_change", "temperature_change"):
            for curve in numbers[quantity]:
                low, high = curve["interval_68"] or ([""] * len(curve["value"]),) * 2
                for T, value, a, b in zip(curve["temperature"], curve["value"], low, high, strict=True):
                    writer.writerow(
                        (quantity, curve["process"], curve["pressure"]["value"], T, value, a, b, curve["unit"])
                    )
    for path, figure in ((paths[3], result.plot()), (paths[4], result.isobars_figure())):
        with whole(path) as temporary:
            figure.savefig(temporary, dpi=150)
    return paths
