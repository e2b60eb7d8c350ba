"""Fig. 2 of Zhang et al. (2023) by the chain of a laboratory: scans, peaks, entropy curves, phase diagram, merits.

The scans are synthetic: an exact two-phase model with the paper's numbers, at the paper's pressures and rate. What the
chain gives back is what a careful laboratory would have found if those numbers are the truth.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import scipp as sc

from caloris.heat import TwoPhase
from caloris.heat.calorimetry import CalorimetryResult, analyse, synthetic_recording
from caloris.materials import load
from caloris.study.comparison import Comparison, Reproduction

PRESSURES = (0.1, 20.0, 40.0, 60.0, 80.0, 100.0)
"""MPa, of the paper's scans (Methods, pressure-dependent calorimetry)."""
WIDTH = "2 K"
"""10-90 % width of the transition: a guess, the paper prints no scan."""


@cache
def chain(width: str = WIDTH) -> CalorimetryResult:
    """Analyse synthetic scans that are built on the paper's numbers.

    Parameters
    ----------
    width:
        Of the transition, from 10 % to 90 %.

    Returns
    -------
    :
        Of :func:`caloris.heat.calorimetry.analyse`, with 300 draws.
    """
    model = TwoPhase.from_material(load("NH4SCN"))
    scans = [
        synthetic_recording(model, pressure=f"{p} MPa", width=width, rate="1 K/min", points=8000, noise=0.002, seed=k)
        for k, p in enumerate(PRESSURES)
    ]
    return analyse(scans, heat_capacity="1590 J/kg/K", name="NH4SCN (synthetic)", draws=300)


def _value(number: float, unit: str) -> sc.Variable:
    return sc.scalar(float(number), unit=unit)


def saturation_pressure(width: float, slope: float, share: float = 0.95) -> float:
    """Return the pressure at which a smeared transition has moved far enough for |dS|max to reach a share of dS_t.

    Parameters
    ----------
    width:
        10-90 % width, K.
    slope:
        |dT/dp|, K/MPa.
    share:
        Of the entropy of transition.

    Returns
    -------
    :
        MPa: a shift u gives |dS|max = dS_t (2 Phi(u/2s) - 1) for a step smeared by an error function of width s.
    """
    from scipy.special import ndtri

    s = width / (2 * float(ndtri(0.9)))
    return 2 * s * float(ndtri(0.5 * (1 + share))) / slope


def fig_2_from_scans() -> Sequence[Comparison]:
    """Fig. 2: slopes, entropy change, RCP and the reversible window, from scans."""
    result = chain()
    found, surfaces = result.headline, result.surfaces
    assert surfaces is not None
    synthetic = "synthetic scans, 2 K wide (a guess: the paper prints no scan), 0.2 % noise"
    one_branch = "one-branch; the paper does not say that a cycle cannot use it"
    rows = [
        Comparison("T_t at 0.1 MPa, heating", _value(364, "K"), _T(result, 0.1, "heating"), f"T50; {synthetic}"),
        Comparison("T_t at 0.1 MPa, cooling", _value(335, "K"), _T(result, 0.1, "cooling"), "T50"),
        Comparison("T_t at 100 MPa, heating", _value(334, "K"), _T(result, 100.0, "heating"), "T50"),
        Comparison("dT/dp on heating", _value(-0.3, "K/MPa"), found["slope, heating"].quantity, "fit of six pressures"),
        Comparison(
            "dT/dp on cooling",
            None,
            found["slope, cooling"].quantity,
            "left out by the paper's text; by Clausius-Clapeyron here, and found again",
        ),
        Comparison(
            "dS maximum, 0.1 to 80 MPa", _value(128.7, "J/kg/K"), _change(result, 80, "compression"), one_branch
        ),
    ]
    for p in PRESSURES[1:]:
        remark = "Fig. 2d shows it, no number is printed; eq. 1, |dS|max FWHM; one-branch"
        value = found[f"relative cooling power, {p:g} MPa, compression"].quantity
        rows.append(Comparison(f"RCP at {p:g} MPa", None, value, remark))
    area = found["integrated entropy change, 100 MPa, compression"].quantity
    slope = abs(found["slope, heating"].value)
    window = _T(result, 0.1, "cooling").value - _T(result, 100.0, "heating").value
    lost = "left out by the paper: it needs the cooling branch"
    rows += [
        Comparison(
            "area under dS at 100 MPa", None, area, "the paper's main text calls this the RCP, its eq. 1 does not"
        ),
        Comparison("least pressure of a reversible cycle", None, found["reversible pressure"].quantity, lost),
        Comparison(
            "reversible window at 100 MPa", None, _value(window, "K"), f"{lost}; between the T50 of both branches"
        ),
        Comparison(
            "dS maximum, 0.1 to 100 MPa, reversible",
            None,
            _change(result, 100, "reversible"),
            f"{lost}; the window is narrower than the transition is wide (a guess)",
        ),
        Comparison(
            "dS maximum, 0.1 to 80 MPa, reversible",
            None,
            _change(result, 80, "reversible"),
            f"{lost}; nothing comes back",
        ),
        Comparison(
            "pressure at which dS reaches 95 %",
            _value(40, "MPa"),
            _value(saturation_pressure(2.0, slope), "MPa"),
            "'saturation pressure about 40 MPa' is one-branch, and measures how wide the transition is: 40 MPa would "
            f"mean {40 / saturation_pressure(1.0, slope):.1f} K from 10 to 90 %",
        ),
        Comparison(
            "S+ at 100 MPa for an expansion of 1e-4 /K",
            None,
            _value(-1e-4 / float(load("NH4SCN").phase("monoclinic").density.to("kg/m^3")) * 99.9e6, "J/kg/K"),  # type: ignore[union-attr]
            "left out by the paper, which gives no expansion; every 1e-4 /K lowers the inverse effect by this",
        ),
    ]
    return rows


def _T(result: CalorimetryResult, pressure: float, direction: str) -> sc.Variable:
    for row in result.transitions:
        if row.direction == direction and np.isclose(row.pressure.value, pressure):
            return row.temperature.quantity
    raise AssertionError(f"no {direction} at {pressure} MPa")


def _change(result: CalorimetryResult, pressure: float, process: str) -> sc.Variable:
    return result.headline[f"entropy change, {pressure:g} MPa, {process}"].quantity


REPRODUCTIONS: tuple[Reproduction, ...] = (
    Reproduction(
        "fig-2-scans",
        "Zhang et al. 2023, Fig. 2, Extended Data Fig. 2c,d",
        "Caloric effect of NH4SCN, from synthetic scans",
        fig_2_from_scans,
    ),
)
"""What calorimetry reproduces of the paper."""
