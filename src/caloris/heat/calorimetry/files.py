"""A calorimetric result on disk: curves with bands as CSV and HDF5, numbers as JSON, transitions as CSV, a figure."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import scipp as sc

from caloris.files import output_folder, versions, whole, write_hdf5

if TYPE_CHECKING:
    from caloris.heat.calorimetry.result import CalorimetryResult


def save_calorimetry(result: "CalorimetryResult", folder: str | Path) -> list[Path]:
    """Write a result into a folder; parameters, result and errors are those of ``CalorimetryResult.save``."""
    out = output_folder(folder)
    numbers = result.to_json()
    paths = [out / name for name in ("calorimetry.h5", "calorimetry.csv", "calorimetry.json", "calorimetry.png")]
    paths += [out / "transitions.csv", out / "headline.csv"]
    write_hdf5(paths[0], _group(result, numbers | {"versions": versions()}))
    with whole(paths[1]) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("quantity", "process", "pressure/MPa", "temperature/K", "value", "low_68", "high_68", "unit"))
        for quantity in ("entropy_change", "temperature_change"):
            for curve in numbers[quantity]:
                low, high = curve["interval_68"] or ([""] * len(curve["value"]),) * 2
                for T, value, a, b in zip(curve["temperature"], curve["value"], low, high, strict=True):
                    label = (quantity, curve["process"], curve["pressure"]["value"])
                    writer.writerow((*label, T, value, a, b, curve["unit"]))
    with whole(paths[2]) as temporary:
        text = json.dumps(numbers | {"versions": versions()}, indent=1, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text, encoding="utf-8")
    with whole(paths[3]) as temporary:
        result.plot().savefig(temporary, dpi=150)
    with whole(paths[4]) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        names = ("onset", "peak", "T50", "start", "finish")
        title = "scan,pressure/MPa,direction,definition,temperature/K,error/K,entropy_change/(J/kg/K),error/(J/kg/K)"
        title += ",latent_heat/(J/kg),error/(J/kg),baseline_spread"
        writer.writerow([*title.split(","), *(f"{name}/K" for name in names)])
        for row in result.transitions:
            values = [v for e in (row.temperature, row.entropy_change, row.latent_heat) for v in (e.value, e.error)]
            shown = ["" if v != v else f"{v:.8g}" for v in (*values, row.baseline_spread)]
            by = [f"{row.temperatures[name]:.6f}" for name in names]
            writer.writerow((row.name, row.pressure.value, row.direction, row.definition, *shown, *by))
    with whole(paths[5]) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("result", "value", "low_68", "high_68", "unit"))
        for name, value in result.headline.items():
            shown = ["" if v != v else f"{v:.8g}" for v in (value.value, value.low, value.high)]
            writer.writerow((name, *shown, value.unit))
    return paths


def _group(result: "CalorimetryResult", numbers: dict[str, Any]) -> "sc.DataGroup[Any]":
    """Scans with their baselines, curves with their bands, and everything else as JSON."""
    scans, curves = {}, {}
    for peak in result.peaks:
        part = slice(peak.window.first, peak.window.last + 1)
        baseline = sc.array(dims=["time"], values=peak.integral.baseline[0], unit="W/kg")
        scans[peak.scan.name.replace("/", " ")] = sc.DataGroup(
            heat_flow=sc.DataArray(
                sc.array(dims=["time"], values=peak.scan.heat_flow, unit="W/kg"),
                coords={
                    "time": sc.array(dims=["time"], values=peak.scan.time, unit="s"),
                    "temperature": sc.array(dims=["time"], values=peak.scan.temperature, unit="K"),
                },
            ),
            baseline=sc.DataArray(
                baseline, coords={"time": sc.array(dims=["time"], values=peak.scan.time[part], unit="s")}
            ),
        )
    for quantity in ("entropy_change", "temperature_change"):
        for curve in numbers[quantity]:
            T = {"temperature": sc.array(dims=["temperature"], values=curve["temperature"], unit="K")}
            label = f"{quantity}, {curve['process']}, {curve['pressure']['value']:g} MPa"
            data = {"value": curve["value"]}
            if curve["interval_68"] is not None:
                data |= dict(zip(("low_68", "high_68"), curve["interval_68"], strict=True))
            curves[label] = sc.DataGroup(
                {
                    key: sc.DataArray(sc.array(dims=["temperature"], values=values, unit=curve["unit"]), coords=T)
                    for key, values in data.items()
                }
            )
    return sc.DataGroup(numbers=sc.scalar(json.dumps(numbers)), scans=sc.DataGroup(scans), curves=sc.DataGroup(curves))
