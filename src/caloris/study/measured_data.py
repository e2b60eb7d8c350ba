"""Published measurements analysed again: eicosane by DSC, La-Fe-Co-Si by magnetometry.

The data are not part of caloris; the folder that holds them is named by the environment variable CALORIS_DATA.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat import magnetocaloric
from caloris.heat.calorimetry import CalorimetryResult, analyse, read
from caloris.study.comparison import DATA_FOLDER, Comparison, Reproduction, available

EICOSANE = "calorimetry/sample_dsc_tainstruments.txt"
MAGNETISATION = "magnetocaloric/mag_table_Specimen1.txt"
HEAT_CAPACITY = "magnetocaloric/cp_table_Specimen1.txt"
DENSITY = "6980 kg/m^3"
"""Of LaFe11.06Co0.86Si1.08, as the authors of the data use it (Maiorino et al., Energies 12, 1871 (2019))."""


def measured(file: str) -> Path:
    """Find a file of the measured data.

    Parameters
    ----------
    file:
        Within the folder that CALORIS_DATA names.

    Returns
    -------
    :
        Its path.

    Raises
    ------
    InputError
        If CALORIS_DATA is not set or the file is not there.
    """
    path = Path(os.environ.get(DATA_FOLDER, "")) / file
    if not available(file):
        raise InputError(f"{file}: measured data are not part of caloris; set CALORIS_DATA to the folder that holds it")
    return path


def eicosane() -> Sequence[Comparison]:
    """Melting and freezing of eicosane at 1 K/min: a real file through the whole chain."""
    result: CalorimetryResult = analyse([read(measured(EICOSANE), pressure="0.1 MPa")], draws=300, name="eicosane")
    heating, cooling = result.transitions
    file = "an independent integration of the same file; no paper prints it"
    rows = [
        Comparison("latent heat, heating", None, _joule_per_gram(heating), file, "check value 280 to 285 J/g"),
        Comparison(
            "latent heat, cooling",
            None,
            _joule_per_gram(cooling),
            f"{file}; a curved baseline: 277 to 283 J/g over wide and narrow limits",
            "check value 283 to 288 J/g",
        ),
    ]
    hysteresis = result.hysteresis()[0.1]
    for name, value in (("onset", 2.8), ("T50", 3.5), ("peak", 3.9)):
        remark = "hysteresis depends on the definition of the transition temperature"
        if name == "onset":
            remark = (
                "no independent check: the tangent's width, a tenth of the transition's time, was chosen with this "
                "file in view (0.08 gives 2.89 K, 0.12 gives 2.67 K); on cooling the steepest flank is that of a "
                "recalescence"
            )
        found = sc.scalar(hysteresis[name], unit="K")
        words = f"check value {value} K"
        rows.append(Comparison(f"hysteresis by {name}", sc.scalar(value, unit="K"), found, remark, words))
    return rows


def _joule_per_gram(row: object) -> sc.Variable:
    return row.latent_heat.scaled(1e-3, "J/g").quantity  # type: ignore[attr-defined, no-any-return]


def la_fe_co_si() -> Sequence[Comparison]:
    """Magnetocaloric effect of La-Fe-Co-Si by the Maxwell relation and by heat capacity."""
    M = magnetocaloric.read_table(measured(MAGNETISATION), "magnetisation", unit="A/m")
    cp = magnetocaloric.read_table(measured(HEAT_CAPACITY), "heat_capacity", unit="J/kg/K")
    density = sc.scalar(float(DENSITY.split()[0]), unit="kg/m^3")
    dS = magnetocaloric.maxwell_entropy_change(M, density=density, field_change="0.9 T")
    by_heat = magnetocaloric.entropy_from_heat_capacity(cp, anchor="zero")
    check = "the data come without a printed value"
    n = magnetocaloric.field_exponent(magnetocaloric.maxwell_entropy_change(M, density=density), method="fit")
    transition = magnetocaloric.arrott_plot(M)
    return [
        Comparison(
            "dS at 277.5 K, 0 to 0.9 T, Maxwell",
            sc.scalar(-5.29, unit="J/kg/K"),
            _at(dS, 277.5),
            f"{check}; density {DENSITY}",
            "check value −5.29 J/kg/K",
        ),
        Comparison(
            "dS at 275 K, 0 to 0.9 T, heat capacity",
            sc.scalar(-5.05, unit="J/kg/K"),
            _at(by_heat.entropy_change("0.9 T"), 275.0),
            f"{check}; anchor: {by_heat.anchor}",
            "check value −5.05 J/kg/K",
        ),
        Comparison(
            "largest exponent n",
            sc.scalar(1.98),
            sc.scalar(float(np.nanmax(n.values))),
            f"{check}; log-log fit over all fields; no more than 2, so no sign of first order",
            "check value 1.98",
        ),
        Comparison(
            "transition temperature by Arrott plot",
            None,
            sc.scalar(float("nan"), unit="K") if transition.curie_temperature is None else transition.curie_temperature,
            f"where the intercept crosses zero; order by Banerjee: {transition.order}",
        ),
    ]


def _at(curve: sc.DataArray, temperature: float) -> sc.Variable:
    values = np.interp(temperature, curve.coords["temperature"].values, np.asarray(curve.values))
    return sc.scalar(float(values), unit=curve.unit)


REPRODUCTIONS: tuple[Reproduction, ...] = (
    Reproduction(
        "eicosane", "TA 2920 export, eicosane, 1 K/min (pkynetics, MIT)", "Eicosane by DSC", eicosane, EICOSANE
    ),
    Reproduction(
        "la-fe-co-si",
        "Specimen 1 of Maiorino et al. 2019 (ANNMagnetocaloricProperties, BSD-2)",
        "La-Fe-Co-Si, magnetocaloric",
        la_fe_co_si,
        MAGNETISATION,
    ),
)
"""Measurements that caloris analyses again."""
