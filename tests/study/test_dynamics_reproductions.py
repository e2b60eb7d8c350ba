"""What reproductions of dynamics compute, on motions whose answer is known; on simulations where there are any."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import scipp as sc

from caloris.atoms.density.grid import density_map
from caloris.atoms.orientation.survey import ReorientationSurvey
from caloris.atoms.synthetic_trajectory import (
    REST,
    Molecules,
    Particles,
    RotationalDiffusion,
    SiteJumps,
    SyntheticTrajectory,
    Vibration,
    cubic_sites,
)
from caloris.materials import load
from caloris.study import Comparison
from caloris.study.dynamics_equations import H_H, PRINTED
from caloris.study.li2b12h12_anions import _rate
from caloris.study.li2b12h12_ions import site_occupation
from caloris.study.nh4scn_reorientation import _by_width, _eisf
from caloris.study.nh4scn_under_pressure import bond_angles
from caloris.study.nh4scn_vibrations import peak
from caloris.study.registry import REPRODUCTIONS
from caloris.study.scatter import is_larger, over_parts, verdict

ENTRIES = {entry.key: entry for entry in REPRODUCTIONS}
N_H = "1.02 angstrom"


def rows_of(key: str) -> dict[str, Comparison]:
    return {row.what: row for row in ENTRIES[key].compute()}


def found(rows: dict[str, Comparison], *words: str) -> Comparison:
    """The only row that has all these words."""
    (row,) = [row for what, row in rows.items() if all(word in what for word in words)]
    return row


# -- equations 2 to 10 ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def equations() -> dict[str, Comparison]:
    return rows_of("eqs-2-to-10")


def test_models_at_the_end_of_the_papers_data_are_alike() -> None:
    """Known: 0.496, 0.245, 0.232, 0.232 at 1.9/angstrom: only two- or three-fold turning can be told there."""
    values = [float(printed(np.array(1.9))) for printed in PRINTED.values()]
    assert values == pytest.approx([0.4963, 0.2445, 0.2323, 0.2319], abs=5e-5)


def test_equations_have_their_closed_forms(equations: dict[str, Comparison]) -> None:
    for what, row in equations.items():
        if what.startswith(("EISF", "eq. 10")) and row.paper is not None:
            assert row.ours.value == pytest.approx(row.paper.value, abs=1e-9), what
    three = found(equations, "three H that move").ours.value
    assert three == pytest.approx((1 + 2 * np.sinc(1.9 * H_H / math.pi)) / 3, abs=1e-9)
    # eq. 4 is the mean of three such H and one at rest
    assert (3 * three + 1) / 4 == pytest.approx(found(equations, "EISF two- or three-fold").ours.value, abs=1e-9)
    eisf = found(equations, "eq. 3")
    assert eisf.paper is not None
    assert abs(eisf.ours.value - eisf.paper.value) < 4 * math.sqrt(eisf.ours.variance)


def test_equation_9_counts_mass_twice(equations: dict[str, Comparison]) -> None:
    assert found(equations, "eq. 9").ours.value == pytest.approx(32.06 / 1.008, rel=0.05)
    assert found(equations, "density of states, weight").ours.value == pytest.approx(1, abs=0.05)


def test_first_zero_of_equation_8_grows_with_the_ions_and_no_lifetime_does(equations: dict[str, Comparison]) -> None:
    few, many = (found(equations, "eq. 8", f"{count} ions").ours for count in (64, 1728))
    # half the logarithm of the ratio of numbers, 1.65, within the scatter of 32 initial times of one run
    assert 0.5 < many.value - few.value < 3.5
    assert few.value > 2  # not the relaxation time, which is 1


def test_tests_that_rows_name_are_there(equations: dict[str, Comparison]) -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    named = [
        name
        for row in equations.values()
        for names in re.findall(r"Tests?: ([\w, ]+)", row.remark)
        for name in names.split(", ")
    ]
    assert len(set(named)) >= 7
    for name in named:
        assert f"def test_{name}(" in tests, name


# -- NH4SCN --------------------------------------------------------------------------------------------


def ammonium(folder, motion, frames=1500):
    ions = Molecules("N", "H", cubic_sites("6 angstrom", (5, 5, 5)), motion, motion=VIBRATION)
    synthetic = SyntheticTrajectory((ions,), cell="30 angstrom", frames=frames, timestep="50 fs", seed=2)
    return synthetic.write(folder / "ions.h5")


VIBRATION = Vibration(mean_square="0.01 angstrom^2", frequency="8 THz", damping="5 1/ps")


@pytest.mark.parametrize(
    ("label", "motion", "outcome"),
    [
        ("monoclinic", SiteJumps.tetrahedral(N_H, "1 ps"), "reproduced: the nearest is tetrahedral"),
        ("orthorhombic", SiteJumps.tetrahedral(N_H, "1 ps"), "not reproduced: the nearest is tetrahedral"),
        ("orthorhombic", SiteJumps.cubic(N_H, "1 ps"), "undecided: "),
        ("orthorhombic", RotationalDiffusion(N_H, "0.5 1/ps"), "undecided: "),
    ],
)
def test_the_nearest_model_is_the_motion_that_was_made(tmp_path, label, motion, outcome):
    """To 3.5/angstrom a cube and a sphere are 0.006 apart on average: no one may say which it is."""
    rows = {row.what: row for row in _eisf(ammonium(tmp_path, motion), label)}
    claimed = "tetrahedral" if label == "monoclinic" else "cubic"
    remark = found(rows, "distance", claimed).remark
    assert remark.startswith(outcome)
    if outcome == "undecided: ":
        assert {"cubic", "isotropic"} == set(re.findall("cubic|isotropic|tetrahedral", remark.split(";")[0]))
    # infinite time over that of N: the vibration of the ion falls out, and the site model is left
    ratio = found(rows, "H over N").ours
    assert abs(ratio.value - float(motion.eisf(sc.array(dims=["Q"], values=[3.5], unit="1/angstrom")).values[0])) < (
        5 * math.sqrt(ratio.variance)
    )


def test_tau_is_the_inverse_rate_and_does_not_depend_on_q(tmp_path):
    rows = {row.what: row for row in _by_width(ammonium(tmp_path, SiteJumps.tetrahedral(N_H, "2 ps")), "made")}
    tau = found(rows, "FWHM").ours
    assert tau.unit == sc.Unit("ps")
    assert abs(tau.value - 2) < 4 * math.sqrt(tau.variance)
    assert found(rows, "tau at 1.9").ours.value == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("motion", "ratio"),
    [
        (SiteJumps.tetrahedral(N_H, "1 ps"), 1),
        (SiteJumps.cubic(N_H, "1 ps"), 2),
        (RotationalDiffusion(N_H, "0.5 1/ps"), 3),
    ],
)
def test_rates_of_c1_and_c2_tell_jumps_from_small_steps(motion, ratio):
    """What the remark on the ratio says."""
    time = sc.array(dims=["time"], values=[0.0, 0.3], unit="ps")
    first, second = (-math.log(motion.orientation_correlation(time, order).values[1]) for order in (1, 2))
    # of jumps to sites C2 does not vanish in general; among tetrahedra and cubes it does
    assert second / first == pytest.approx(ratio, rel=1e-6)


def test_peak_of_a_line_lies_where_it_was_put() -> None:
    E = sc.linspace("energy_transfer", 0.0, 80.0, 161, unit="meV")
    line = sc.exp(-0.5 * ((E - sc.scalar(33.2, unit="meV")) / sc.scalar(5.0, unit="meV")) ** 2)
    other = 3.0 * sc.exp(-0.5 * ((E - sc.scalar(8.0, unit="meV")) / sc.scalar(2.0, unit="meV")) ** 2)
    density = sc.DataArray(line + other, coords={"energy_transfer": E})
    place, height, width = peak(density, 20.0, 60.0)
    assert place == pytest.approx(33.2, abs=0.02)
    assert height == pytest.approx(1, abs=0.01)
    assert width == pytest.approx(5 * math.sqrt(8 * math.log(2)), abs=0.1)


def test_hydrogen_bonds_of_the_printed_structure_have_the_labels_exchanged() -> None:
    """C-S...D about 90 deg and C-N...D about 130 deg: the caption gives 126.4 to S and 100.5 to N."""
    angles = bond_angles(load("NH4SCN").structure("monoclinic"))
    assert angles["N"] == pytest.approx([127.4, 132.3], abs=0.2)
    assert angles["S"] == pytest.approx([89.7, 95.7], abs=0.2)


# -- Li2B12H12 -----------------------------------------------------------------------------------------


def test_sites_are_told_by_their_densities(tmp_path):
    """8 ions at the 8 tetrahedral sites, 1 at the 4 octahedral ones: densities 1 and 1/4."""
    edge, shake = 10.0, Vibration(mean_square="0.02 angstrom^2", frequency="5 THz", damping="2 1/ps")
    tetrahedral = np.array([[x, y, z] for x in (2.5, 7.5) for y in (2.5, 7.5) for z in (2.5, 7.5)])
    places = sc.vectors(dims=["site"], values=np.vstack([tetrahedral, [[5.0, 5.0, 5.0]]]), unit="angstrom")
    anchors = sc.vectors(dims=["site"], values=[[0.0, 0, 0], [5, 5, 0], [5, 0, 5], [0, 5, 5]], unit="angstrom")
    populations = (Particles("Li", places, shake), Particles("U", anchors, REST))
    run = SyntheticTrajectory(populations, cell=f"{edge} angstrom", frames=2000, timestep="50 fs", seed=1).write(
        tmp_path / "li.h5"
    )
    share, energy = site_occupation(density_map(run, "Li", "0.25 angstrom"), 0.05)
    assert share.value == pytest.approx(8 / 9, abs=0.01)  # all within 1 angstrom: seven standard deviations
    assert energy.value == pytest.approx(0.05 * math.log(4), abs=0.002)


def test_a_rate_that_is_not_resolved_becomes_its_bound() -> None:
    coords = {
        "pressure": sc.array(dims=["pressure"], values=[0.0, 400.0], unit="MPa"),
        "temperature": sc.array(dims=["temperature"], values=[349.0, 601.0], unit="K"),
    }
    dims = ["pressure", "temperature"]
    values = np.array([[math.nan, 3e11], [math.nan, 1e10]])
    rates = ReorientationSurvey(
        molecule="B12H12",
        rate=sc.DataArray(sc.array(dims=dims, values=values, variances=(0.1 * values) ** 2, unit="1/s"), coords=coords),
        upper_bound=sc.DataArray(sc.array(dims=dims, values=[[2e9, 4e11], [8e8, 2e10]], unit="1/s"), coords=coords),
        rotating=sc.DataArray(sc.array(dims=dims, values=[[0.1, 1.0], [0.0, 1.0]]), coords=coords),
        warnings=(),
    )
    bound = _rate(rates, "400 MPa", "349 K")
    assert bound.what.endswith("upper bound")
    assert bound.ours.value == 8e8
    resolved = _rate(rates, "0 MPa", "601 K")
    assert resolved.ours.value == 3e11
    assert (resolved.remark, _rate(rates, "400 MPa", "601 K").remark) == ("beta", "alpha")


def test_scatter_of_parts() -> None:
    mean = over_parts([1.0, 2.0, 3.0, 6.0], "K")
    assert mean.value == 3
    assert mean.variance == pytest.approx(np.var([1, 2, 3, 6], ddof=1) / 4)
    assert verdict(True) == "reproduced"
    assert is_larger(sc.scalar(3.1, variance=0.5), sc.scalar(1.0, variance=0.5))
    assert not is_larger(sc.scalar(1.0, variance=0.0), sc.scalar(3.0, variance=0.0))


# -- simulations, where they are -----------------------------------------------------------------------


def simulated(key: str) -> dict[str, Comparison]:
    if not ENTRIES[key].is_possible:
        pytest.skip(f"{key}: {ENTRIES[key].what_is_missing}")
    return rows_of(key)


def test_simulated_ammonium_turns_by_tetrahedral_jumps_in_one_phase_only() -> None:
    rows = simulated("fig-3f")
    assert found(rows, "monoclinic 300 K", "rate of C2").ours.value == pytest.approx(1, abs=0.2)
    assert found(rows, "orthorhombic 380 K", "rate of C2").ours.value > 1.8
    assert found(rows, "tau of monoclinic").ours.value > 3
    assert found(rows, "monoclinic 300 K", "tau = 2 hbar").ours.value == pytest.approx(
        found(rows, "monoclinic 300 K: 1/rate").ours.value, rel=0.15
    )


def test_simulated_eisf_of_the_monoclinic_phase() -> None:
    """An independent evaluation of the same run: 0.894, 0.625, 0.275, 0.096, 0.168."""
    rows = simulated("fig-3de")
    for Q, known in ((0.6, 0.894), (1.2, 0.625), (1.9, 0.275), (2.5, 0.096), (3.5, 0.168)):
        assert found(rows, "monoclinic", "EISF of H", f"Q = {Q:g}/").ours.value == pytest.approx(known, abs=0.02)
    assert found(rows, "monoclinic", "maxima").ours.value == 4


def test_simulated_anions_stray_less_under_pressure() -> None:
    rows = simulated("li2b12h12-anions")
    for T in ("349 K", "400 K", "551 K", "601 K", "700 K"):
        assert -16 < found(rows, "fluctuation", T).ours.value < -5
