"""Rates over pressure and temperature that follow a known Arrhenius law, and states at which nothing turns."""

import numpy as np
import pytest
import scipp as sc
from turning_molecules import AMMONIUM, TETRAHEDRON, about, jumping, molecules_of

from caloris.atoms.orientation.survey import reorientation_survey
from caloris.errors import InputError

ENERGY = 0.08
PREFACTOR = 0.6
"""Jumps per frame of 0.1 ps at infinite temperature."""
K = 8.617333262e-5
JUMPS = np.concatenate([about(TETRAHEDRON, angle) for angle in (120, 240)])


def run_at(folder, temperature, rng, *, slower=1.0):
    probability = PREFACTOR * np.exp(-ENERGY / (K * temperature)) / slower
    orientations = jumping(900, 60, JUMPS, probability, rng)
    return molecules_of(folder, AMMONIUM, "NH4", orientations, time_step=0.1), -np.log(1 - probability) / 0.1e-12


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    rng = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("survey")
    runs, states, exact = [], [], {}
    for T in (300, 400, 500):
        trajectory, exact[T] = run_at(folder / f"{T}", T, rng)
        runs.append(trajectory)
        states.append(("0 MPa", f"{T} K"))
    runs.append(run_at(folder / "still", 300, rng, slower=1e9)[0])
    states.append(("200 MPa", "300 K"))
    return reorientation_survey(runs, "NH4", states=states), exact


def test_rates_of_every_state_are_the_jump_rates(survey):
    found, exact = survey
    for T, rate in exact.items():
        cell = found.rate["pressure", sc.scalar(0.0, unit="MPa")]["temperature", sc.scalar(float(T), unit="K")]
        assert cell.value == pytest.approx(rate, abs=3 * np.sqrt(cell.variance))
        assert np.sqrt(cell.variance) < 0.1 * rate
    assert repr(found) == "<ReorientationSurvey of NH4: 4 states, a rate at 3 of them>"


def test_arrhenius_line_has_the_energy_that_was_built_in(survey):
    law = survey[0].arrhenius("0 MPa")
    # rates are -ln(1 - p) / dt, a little above p / dt
    exact = np.polyfit(-1 / (K * np.array([300, 400, 500])), np.log(list(survey[1].values())), 1)[0]
    assert exact == pytest.approx(ENERGY, rel=0.05)
    assert abs(law.activation_energy.value - exact) < 3 * np.sqrt(law.activation_energy.variance)
    assert np.sqrt(law.activation_energy.variance) < 0.1 * ENERGY
    assert law.warnings == ()
    assert law("400 K").value == pytest.approx(survey[1][400], rel=0.1)


def test_where_nothing_turns_the_bound_is_three_jumps_of_all_that_was_seen(survey):
    found = survey[0]
    assert found.upper_bound.values[1, 0] == pytest.approx(3 / (60 * 900 * 0.1e-12))
    assert found.rotating.values[1, 0] == 0
    assert found.rate.masks["unresolved"].values.tolist() == [[False] * 3, [True] * 3]
    assert np.all(np.isnan(found.upper_bound.values[1, 1:]))
    with pytest.raises(InputError, match="a line needs 2"):
        found.arrhenius("200 MPa")


def test_two_phases_are_no_line(tmp_path):
    """A jump of the rate by 5 at 350 K, on top of the law: one line is doubted, the upper phase alone is not."""
    rng = np.random.default_rng(2)
    temperatures, slower = (300, 330, 400, 450, 500), (5, 5, 1, 1, 1)
    runs = [run_at(tmp_path / f"{T}", T, rng, slower=s)[0] for T, s in zip(temperatures, slower, strict=True)]
    found = reorientation_survey(runs, "NH4", states=[("0 MPa", f"{T} K") for T in temperatures])
    assert "no line" in found.arrhenius("0 MPa").warnings[0]
    upper = found.arrhenius("0 MPa", lowest="350 K")
    assert upper.warnings == ()
    assert upper.activation_energy.value == pytest.approx(ENERGY, rel=0.25)


def test_states_must_be_known(tmp_path):
    trajectory, _ = run_at(tmp_path / "one", 300, np.random.default_rng(3))
    with pytest.raises(InputError, match="give them as states"):
        reorientation_survey([trajectory], "NH4")
    with pytest.raises(InputError, match="at least one"):
        reorientation_survey([], "NH4")
