"""Other jobs of ``caloris calorimetry``: pressure steps at held temperatures, heat capacity by three runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipp as sc
from matplotlib.figure import Figure

from caloris.errors import InputError
from caloris.files import output_folder, whole, write_json
from caloris.heat import caloric_effect
from caloris.heat.calorimetry import (
    Pressurisation,
    Recording,
    Uncertainties,
    pressurisation,
    three_run_heat_capacity,
)
from caloris.heat.figures import INK
from caloris.materials import as_card
from caloris.units import to_json


def run_pressurisation(
    recordings: Sequence[Recording],
    blanks: Sequence[Recording],
    errors: Uncertainties,
    seed: int,
    folder: Path | None,
    material: str | None = None,
) -> tuple[str, dict[str, Any]]:
    """Integrate the strokes of one run; write ``pressurisation.json`` and ``.png`` if there is a folder.

    Parameters
    ----------
    recordings, blanks:
        One run, and at most one of the empty cell.
    errors, seed, folder:
        Standard uncertainties, the seed of chance, and where to write.
    material:
        A card, by name or path, whose T dS is set beside each heat.

    Returns
    -------
    :
        Summary, and plain JSON values.

    Raises
    ------
    InputError
        If there is more than one run or blank, or the run holds no stroke.
    """
    if len(recordings) != 1 or len(blanks) > 1:
        raise InputError("--isothermal: give one file, and at most one --blank")
    effect = None if material is None else caloric_effect(as_card(material))
    run = pressurisation(recordings[0], blank=blanks[0] if blanks else None, effect=effect, errors=errors, seed=seed)
    found = pressurisation_json(run)
    if folder is not None:
        write_json(folder / "pressurisation.json", found)
        with whole(folder / "pressurisation.png") as temporary:
            run.plot().savefig(temporary, dpi=150)
    return run.summary(), found


def run_three_runs(
    recordings: Sequence[Recording],
    sapphire: Recording,
    blanks: Sequence[Recording],
    sapphire_mass: str | None,
    folder: Path | None,
) -> tuple[str, dict[str, Any]]:
    """Heat capacity by three runs; write ``heat_capacity.csv``, ``.json`` and ``.png`` if there is a folder.

    Parameters
    ----------
    recordings, sapphire, blanks:
        One run each of sample, sapphire and empty pans.
    sapphire_mass, folder:
        Mass of the sapphire where its file does not state it, and where to write.

    Returns
    -------
    :
        Summary, and plain JSON values.

    Raises
    ------
    InputError
        If there is not one run of each, the mass of the sapphire is unknown, or the runs do not fit.
    """
    if len(recordings) != 1 or len(blanks) != 1:
        raise InputError("--sapphire: give one file of the sample and one --blank")
    mass = sapphire_mass if sapphire_mass is not None else sapphire.mass
    if mass is None:
        raise InputError("--sapphire-mass: the file of the sapphire states no mass; give it, for example '25.3 mg'")
    curve = three_run_heat_capacity(recordings[0], sapphire, blanks[0], sapphire_mass=mass)
    found = {"heat_capacity": to_json(curve), "remarks": [*recordings[0].remarks, *sapphire.remarks]}
    T, values = curve.coords["temperature"].values, curve.values
    error = np.sqrt(curve.variances)
    if folder is not None:
        out = output_folder(folder)
        with whole(out / "heat_capacity.csv") as temporary, temporary.open("w", encoding="utf-8") as file:
            file.write("temperature/K,heat_capacity/(J/kg/K)\n")
            file.writelines(f"{a:.6f},{b:.6g}\n" for a, b in zip(T, values, strict=True))
        write_json(out / "heat_capacity.json", found)
        with whole(out / "heat_capacity.png") as temporary:
            _figure(T, values, error).savefig(temporary, dpi=150)
    middle = len(T) // 2
    words = f"specific heat capacity by three runs, {curve.coords['direction'].value}, {T[0]:.1f} to {T[-1]:.1f} K"
    spread = float(curve.coords["spread_between_ramps"].value)
    if spread > _DISAGREE:
        words += f"\n  warning: the ramps disagree by {100 * spread:.0f} % where they meet: not settled (settling=...)"
    return f"{words}\n  {values[middle]:.1f} ± {error[middle]:.1f} J/kg/K at {T[middle]:.1f} K (error: noise)", found


_DISAGREE = 0.05
"""Ramps that differ by more than this part where they meet are worth a word."""


def _figure(T: np.ndarray, values: np.ndarray, error: np.ndarray) -> Figure:
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axis = figure.subplots()
    axis.errorbar(T, values, yerr=error, fmt="o", ms=3, lw=0.8, color=INK)
    axis.set(xlabel="Temperature (K)", ylabel="Specific heat capacity (J/(kg K))")
    return figure


def pressurisation_json(run: Pressurisation) -> dict[str, Any]:
    """Return the strokes of a pressurisation run as plain JSON values.

    Parameters
    ----------
    run:
        Of :func:`caloris.heat.calorimetry.pressurisation`.
    """

    def plain(value: sc.Variable | None) -> dict[str, Any] | None:
        return None if value is None else {"value": float(value.value), "unit": str(value.unit), "error": None}

    return {
        "name": run.name,
        "strokes": [
            {
                "kind": stroke.kind,
                "start": plain(stroke.start),
                "duration": plain(stroke.duration),
                "temperature": plain(stroke.temperature),
                "pressure": None if stroke.pressure is None else [plain(p) for p in stroke.pressure],
                "heat": stroke.heat.to_json(),
                "baseline_spread": stroke.baseline_spread,
                "expected": plain(stroke.expected),
                "difference": stroke.difference,
            }
            for stroke in run.strokes
        ],
        "warnings": list(run.remarks),
    }
