"""The page of a trajectory: what it supports is on it, what it does not is named."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipp as sc
from exact_trajectories import stored

from caloris.atoms.synthetic_trajectory import (
    LatticeJumps,
    Molecules,
    Particles,
    SiteJumps,
    SyntheticTrajectory,
    Vibration,
    cubic_sites,
)
from caloris.errors import InputError
from caloris.report.analysis import Analysis, value_and_error, write_analysis
from caloris.report.trajectory import contents, describe, temperature_of, write_trajectory_report

SHAKE = Vibration(mean_square="0.002 angstrom^2", frequency="10 THz", damping="2 1/ps")


def rotors_and_ions() -> SyntheticTrajectory:
    sites = cubic_sites("5 angstrom", (3, 3, 3))
    populations = (
        Molecules("Si", "H", sites, SiteJumps.threefold("1.48 angstrom", residence_time="1 ps"), motion=SHAKE),
        Particles(
            "Li",
            sites + sc.vector([2.5, 2.5, 2.5], unit="angstrom"),
            SHAKE + LatticeJumps(length="5 angstrom", residence_time="2 ps"),
        ),
    )
    return SyntheticTrajectory(populations, cell="15 angstrom", frames=500, timestep="10 fs", seed=5)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    trajectory = rotors_and_ions().write(folder / "run.h5", velocities=True)
    files = write_trajectory_report(trajectory, folder / "out")
    assert files[0].name == "report.html"
    assert all(file.stat().st_size > 0 for file in files)
    return files[0]


def test_the_page_holds_what_the_trajectory_supports_and_needs_nothing_else(
    page: Path, self_contained: Callable[[str], Any]
) -> None:
    text = page.read_text(encoding="utf-8")
    self_contained(text)
    titles = re.findall(r"<h2>(.*?)</h2>", text)
    assert titles[:2] == ["How far atoms go", "How SiH4 turns"]
    assert {"How atoms vibrate", "Neighbours", "What a neutron sees", "What is in it"} <= set(titles)
    assert text.count("data:image/png;base64,") == 7
    assert "Of H alone, 100 % of the incoherent cross section." in text


def test_the_numbers_beside_the_page_are_those_of_the_closed_form(page: Path) -> None:
    elastic = sc.io.load_hdf5(str(page.parent / "elastic-fraction.h5"))["EISF"]
    Q = elastic.coords["Q"].values
    exact = 0.5 * (1 + np.sinc(Q * 1.48 * np.sqrt(8 / 3) / np.pi))
    off = (elastic.values - exact) / np.sqrt(elastic.variances + 1e-4)
    assert np.all(np.abs(off) < 4)


def test_what_is_not_supported_is_named_with_the_reason(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    start = 10 * rng.random((20, 3))
    walk = start + np.cumsum(0.05 * rng.standard_normal((60, 20, 3)), axis=0)
    trajectory = stored(tmp_path, walk, ["Ar"] * 20, cell=10.0)
    page = write_trajectory_report(trajectory, tmp_path / "out")[0].read_text(encoding="utf-8")
    assert "Left out" in page
    assert "the file holds no velocities" in page
    assert "turns" not in "".join(re.findall(r"<h2>(.*?)</h2>", page))


def test_one_frame_is_described_and_nothing_else_is_tried_in_vain(tmp_path: Path) -> None:
    trajectory = stored(tmp_path, np.random.default_rng(1).random((1, 4, 3)) * 10, ["Ar"] * 4, cell=10.0)
    assert "duration" not in describe(trajectory).numbers
    page = write_trajectory_report(trajectory, tmp_path / "out")[0].read_text(encoding="utf-8")
    assert "one frame only" in page or "too few" in page


def test_contents_do_not_depend_on_the_order_of_atoms(tmp_path: Path) -> None:
    positions = np.zeros((2, 4, 3)) + np.array([[0, 0, 0], [1, 0, 0], [5, 0, 0], [6, 0, 0]])
    trajectory = stored(tmp_path, positions, ["O", "H", "H", "O"], cell=20.0, bonds=[[0, 1], [2, 3]])
    assert set(trajectory.formulas) == {"OH", "HO"}
    assert contents(trajectory) == {"OH": 2}


def test_kinetic_temperature_of_known_velocities(tmp_path: Path) -> None:
    """m <v^2> = 3 kT: argon of 39.948 u at 300 K moves 4.328 angstrom/ps root mean square."""
    rng = np.random.default_rng(3)
    thermal = np.sqrt(0.831446261815324 * 300 / 39.948)
    v = thermal * rng.standard_normal((50, 400, 3))
    trajectory = stored(tmp_path, np.zeros((50, 400, 3)), ["Ar"] * 400, velocities=v, masses=[39.948] * 400)
    kelvin = describe(trajectory).numbers["kinetic temperature, without rigid bonds"].value
    assert kelvin == pytest.approx(300, rel=0.02)


def test_temperature_is_given_recorded_or_asked_for(tmp_path: Path) -> None:
    positions = np.zeros((4, 2, 3)) + np.array([[0, 0, 0], [5, 0, 0]])
    (tmp_path / "a").mkdir()
    silent = stored(tmp_path / "a", positions, ["Ar"] * 2)
    with pytest.raises(InputError, match="give --temperature"):
        temperature_of(silent)
    assert temperature_of(silent, "27 degC").value == pytest.approx(300.15)
    (tmp_path / "b").mkdir()
    recorded = stored(
        tmp_path / "b", positions, ["Ar"] * 2, observables={"temperature": np.array([290.0, 310, 305, 295])}
    )
    assert temperature_of(recorded).value == pytest.approx(300)


def test_a_ramp_is_doubted(tmp_path: Path) -> None:
    edge = np.linspace(20, 22, 40)
    cell = np.einsum("t,ij->tij", edge, np.eye(3))
    trajectory = stored(tmp_path, np.zeros((40, 2, 3)), ["Ar"] * 2, cell=cell)
    assert "not in equilibrium" in " ".join(describe(trajectory).warnings)


@pytest.mark.parametrize(
    ("value", "error", "unit", "words"),
    [
        (1.0, 0.1, "ps", "1.00 ± 0.10 ps"),
        (0.000123456, 0.0000012, "one", "(1.235 ± 0.012)e-04"),
        (123456.0, 400.0, "one", "(1.2346 ± 0.0040)e+05"),
        (0.0, 0.02, "angstrom", "0.000 ± 0.020 Å"),
        (5.0, None, "barn/meV", "5 barn/meV"),
        (float("nan"), 1.0, "ps", "not resolved"),
    ],
)
def test_values_are_written_to_two_digits_of_their_error(
    value: float, error: float | None, unit: str, words: str
) -> None:
    variance = {} if error is None else {"variance": error**2}
    assert value_and_error(sc.scalar(value, unit=unit, **variance)) == words


def test_masked_and_unknown_values_are_empty_cells(tmp_path: Path) -> None:
    curve = sc.DataArray(
        sc.array(dims=["Q"], values=[1.0, 2.0, np.nan], variances=[0.01, 0.04, 0.0], unit="barn/meV"),
        coords={"Q": sc.array(dims=["Q"], values=[0.5, 1.0, 1.5], unit="1/angstrom")},
        masks={"hidden": sc.array(dims=["Q"], values=[False, True, False])},
    )
    write_analysis(Analysis("found", "Found", numbers={"x": sc.scalar(1.0)}, curves={"S": curve}), tmp_path)
    rows = (tmp_path / "found.csv").read_text(encoding="utf-8").splitlines()
    assert rows == ["curve,Q/1/angstrom,value/barn/meV,error", "S,0.5,1,0.1", "S,1,,", "S,1.5,,"]
    assert json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["numbers"]["x"]["value"] == 1.0
