"""How B12H12 turns and strays in Li2B12H12, and whose entropy the transition is: Supplementary Figs 3, 4 and 5b.

The figures print no numbers; captions say what they show. Runs of 120 ps of 832 atoms with the supplement's force field
(theirs take 2 ns); the main text, which says how entropies were parted, is not at hand. Units: K, MPa, 1/s, J/K/kg.
"""

import math
from collections.abc import Mapping, Sequence

import scipp as sc

from caloris.atoms.orientation.fluctuations import relative_fluctuation
from caloris.atoms.orientation.survey import ReorientationSurvey, reorientation_survey
from caloris.atoms.thermodynamics import (
    PartialEntropies,
    TransitionShares,
    orientational_entropy,
    partial_entropies,
    transition_shares,
)
from caloris.atoms.trajectory import Trajectory
from caloris.heat.simulated import analyse
from caloris.study.comparison import Comparison, Reproduction
from caloris.study.li2b12h12_ions import CAMPAIGN, kelvin, runs_at
from caloris.study.li2b12h12_supplement import interpolate
from caloris.study.scatter import verdict
from caloris.study.simulations import finished

HIGHER = "li2b12h12-pressure"
"""Runs at 800 MPa."""
_FORMULA_MASS = 155.70
"""Of Li2B12H12, g/mol, standard atomic weights."""
_BOTH = "474 K"
"""At which alpha is there at 400 MPa, and beta at zero pressure."""
_TURNING = 5e10
"""1/s: anions turn faster in beta (above 1e11 in ours) and slower in alpha (below 2e10)."""
_SAID = {
    "400 MPa": ("'about 1 - 10 % smaller'", -10.0, -1.0),
    "800 MPa": ("'about 5 - 25 % larger'", 5.0, 25.0),
}
_RATES = {"0 MPa": ("349 K", "400 K", "450 K", "501 K", "601 K", "700 K"), "400 MPa": ("349 K", "474 K", "601 K")}


# -- Supplementary Figs 4 and 5b -----------------------------------------------------------------------


def anions_at_400_megapascal() -> Sequence[Comparison]:
    """How far centres of anions stray at 400 MPa relative to zero pressure, and how fast anions turn at both."""
    runs = {pressure: runs_at(pressure) for pressure in ("0 MPa", "400 MPa")}
    rates = rates_of(runs)
    rows = _strayed(runs, "400 MPa", rates)
    for pressure, temperatures in _RATES.items():
        rows += [_rate(rates, pressure, T) for T in temperatures]
    line = rates.arrhenius("0 MPa", lowest="501 K")
    return [
        *rows,
        Comparison(
            "activation energy of turning in beta, 0 MPa",
            None,
            line.activation_energy,
            f"501 to 700 K; chi^2 {line.chi_square:.1f} for {line.degrees_of_freedom}; of Li 0.3 eV",
        ),
    ]


def anions_at_800_megapascal() -> Sequence[Comparison]:
    """The same at 800 MPa."""
    runs = {"0 MPa": runs_at("0 MPa"), "800 MPa": runs_at("800 MPa", HIGHER)}
    runs["0 MPa"] = {T: run for T, run in runs["0 MPa"].items() if T in runs["800 MPa"]}
    rates = rates_of(runs)
    return [*_strayed(runs, "800 MPa", rates), *(_rate(rates, "800 MPa", T) for T in runs["800 MPa"])]


def rates_of(runs: Mapping[str, Mapping[str, Trajectory]]) -> ReorientationSurvey:
    """Return the rates at which anions turn.

    Parameters
    ----------
    runs:
        By pressure and temperature.
    """
    states = [(pressure, T) for pressure, group in runs.items() for T in group]
    return reorientation_survey([runs[p][T] for p, T in states], "B12H12", states=states)


def _at(rates: ReorientationSurvey, pressure: str, temperature: str) -> tuple[sc.Variable, float]:
    """Rate (NaN where none is resolved) and its upper bound, 1/s."""
    where = (
        ("pressure", sc.scalar(kelvin(pressure), unit="MPa")),
        ("temperature", sc.scalar(kelvin(temperature), unit="K")),
    )
    rate, bound = (table[where[0]][where[1]] for table in (rates.rate, rates.upper_bound))
    return rate.data, float(bound.value)


def _phase(rates: ReorientationSurvey, pressure: str, temperature: str) -> str:
    rate, _ = _at(rates, pressure, temperature)
    return "beta" if rate.value > _TURNING else "alpha"


def _strayed(
    runs: Mapping[str, Mapping[str, Trajectory]], pressure: str, rates: ReorientationSurvey
) -> list[Comparison]:
    temperatures = [T for T in runs["0 MPa"] if T in runs[pressure]]
    states = [(p, T) for p in ("0 MPa", pressure) for T in temperatures]
    found = relative_fluctuation([runs[p][T] for p, T in states], "B12H12", states=states)
    sigma = found.coords["fluctuation"].values
    words, least, most = _SAID[pressure]
    rows = []
    for k, T in enumerate(temperatures):
        change = found["pressure", 1]["temperature", k].data.to(unit="percent")
        phases = [_phase(rates, p, T) for p in ("0 MPa", pressure)]
        error = math.sqrt(change.variance)
        beyond = max(least - change.value, change.value - most)
        outcome = verdict(beyond <= 2 * error) + (f", {beyond:.0f} % beyond" if beyond > 0 else "")
        said = f"{phases[0]} in both" if len(set(phases)) == 1 else f"{phases[0]} at 0 MPa, {phases[1]} under pressure"
        rows.append(
            Comparison(
                f"fluctuation of anions' centres at {pressure}, {T}, relative to 0 MPa",
                None,
                change,
                f"{outcome}; {said}; {sigma[0, k]:.3f} and {sigma[1, k]:.3f} angstrom",
                words,
            )
        )
    return rows


def _rate(rates: ReorientationSurvey, pressure: str, temperature: str) -> Comparison:
    rate, bound = _at(rates, pressure, temperature)
    phase = _phase(rates, pressure, temperature)
    what = f"reorientation rate of anions at {pressure}, {temperature}"
    if rate.value == rate.value:
        return Comparison(what, None, rate, phase, "drawn, no number given")
    words = f"{phase}; 95 %: none was seen to turn, or too few for a rate"
    return Comparison(f"{what}, upper bound", None, sc.scalar(bound, unit="1/s"), words, "drawn, no number given")


# -- Supplementary Fig. 3 ------------------------------------------------------------------------------


def entropies() -> Sequence[Comparison]:
    """Whose the entropy is between beta at zero pressure and alpha at 400 MPa, at one temperature; three readings."""
    beta, alpha = runs_at("0 MPa")[_BOTH], runs_at("400 MPa")[_BOTH]
    covariance = {
        name: partial_entropies(run, ("Li", "B12H12"), _BOTH) for name, run in (("alpha", alpha), ("beta", beta))
    }
    total = _total_from_enthalpy()
    shares = transition_shares(covariance["alpha"], covariance["beta"])
    left = transition_shares(covariance["alpha"], covariance["beta"], total=total)
    turning = _of_orientations(beta, alpha)
    return [*_of_covariance(shares, covariance), *_of_total(left, turning)]


def _of_covariance(shares: TransitionShares, covariance: Mapping[str, PartialEntropies]) -> list[Comparison]:
    parts = {**dict(shares.alone.items()), "interplay": shares.interplay}
    largest = max(parts, key=lambda name: float(parts[name].value))
    doubts = "; ".join(covariance["beta"].warnings)
    bars = "drawn, no number given"
    return [
        *(
            Comparison(
                f"{name} alone, from covariances",
                None,
                value,
                f"quasi-harmonic, {_BOTH}, beta at 0 less alpha at 400 MPa; {doubts}",
                bars,
            )
            for name, value in shares.alone.items()
        ),
        Comparison(
            "interplay of Li and B12H12, from covariances", None, shares.interplay, "joint less both alone", bars
        ),
        Comparison(
            "share of the interplay in the sum, from covariances",
            None,
            (shares.interplay / shares.total).to(unit="percent"),
            f"{verdict(largest == 'interplay')}: the largest is {largest}; our reading of the figure, which says "
            "nothing of a method; an interplay by covariance lowers the entropy of either phase, less so in beta",
            "correlations 'play a major role'",
        ),
    ]


def _of_total(left: TransitionShares, turning: sc.Variable) -> list[Comparison]:
    part = (turning / left.total).to(unit="percent")
    return [
        Comparison(
            "entropy of all, from the enthalpy", None, left.total, f"{_BOTH}, 0 less 400 MPa; without its error"
        ),
        Comparison(
            "interplay, as what both alone leave of the entropy from the enthalpy",
            None,
            left.interplay,
            "another reading; those alone are upper bounds where ions jump and turn, so this is a lower bound",
        ),
        Comparison(
            "turning of B12H12, from nearest neighbours among orientations",
            None,
            turning,
            "each anion in its own surroundings, equal atoms exchangeable; no Gaussian, no bound",
        ),
        Comparison(
            "share of the turning of single anions in the entropy of all",
            None,
            part,
            "what is left is Li, volume, and all interplay",
            "correlations 'play a major role'",
        ),
    ]


def _of_orientations(beta: Trajectory, alpha: Trajectory) -> sc.Variable:
    change = orientational_entropy(beta, "B12H12").value - orientational_entropy(alpha, "B12H12").value
    return (change / sc.scalar(_FORMULA_MASS, unit="g/mol")).to(unit="J/K/kg")


def _total_from_enthalpy() -> sc.Variable:
    result = analyse(finished(CAMPAIGN), name=CAMPAIGN, draws=0)
    change = result.effect.entropy_change("400 MPa", process="compression")
    return sc.scalar(-interpolate(change, sc.scalar(kelvin(_BOTH), unit="K")), unit=change.unit).to(unit="J/K/kg")


_SOURCE = "Sau et al. 2021, supplement"
REPRODUCTIONS: tuple[Reproduction, ...] = (
    Reproduction(
        "li2b12h12-anions",
        f"{_SOURCE}, Figs 4, 5b",
        "Anions of Li2B12H12 at 0 and 400 MPa: how far they stray, how fast they turn",
        anions_at_400_megapascal,
        campaign=CAMPAIGN,
    ),
    Reproduction(
        "li2b12h12-pressure",
        f"{_SOURCE}, Figs 4, 5b",
        "Anions of Li2B12H12 at 800 MPa",
        anions_at_800_megapascal,
        campaign=HIGHER,
    ),
    Reproduction(
        "li2b12h12-entropy",
        f"{_SOURCE}, Fig. 3",
        "Partial entropies of the transition of Li2B12H12",
        entropies,
        campaign=CAMPAIGN,
    ),
)
"""What molecular dynamics says of the anions."""
