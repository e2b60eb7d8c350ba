"""How the error of a mean falls with the length of a run."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipp as sc

from caloris.atoms.run_length import convergence, running_means
from caloris.atoms.simulation import Simulation
from caloris.errors import InputError


def series(phi: float, n: int, seed: int) -> np.ndarray:
    """AR(1) of unit variance: (1 + phi)/(1 - phi) values make one independent sample."""
    rng = np.random.default_rng(seed)
    kicks = rng.normal(0, np.sqrt(1 - phi**2), n)
    found = np.empty(n)
    found[0] = rng.normal()
    for k in range(1, n):
        found[k] = phi * found[k - 1] + kicks[k]
    return found


class Run(Simulation):
    """A simulation whose thermodynamics are given."""

    def __init__(self, values: np.ndarray, final_temperature: float = 400.0) -> None:
        observables = sc.Dataset(
            {
                "volume": sc.array(dims=["time"], values=values, unit="angstrom^3"),
                "enthalpy": sc.array(dims=["time"], values=values - values.mean(), unit="eV"),
                "kinetic_energy": sc.array(dims=["time"], values=np.full(len(values), 50.0), unit="eV"),
            },
            coords={"time": sc.array(dims=["time"], values=np.arange(1, len(values) + 1) * 0.02, unit="ps")},
        )
        inputs: dict[str, Any] = {
            "conditions": {"temperature": 400.0, "final_temperature": final_temperature},
            "structure": {"contents": {"X": 4}},
        }
        super().__init__(Path("synthetic"), inputs, {}, sc.scalar(0.0, unit="ps"), [])
        self.__dict__["trajectory"] = SimpleNamespace(observables=observables)


def test_error_falls_as_the_square_root_of_length_with_the_exact_prefactor() -> None:
    values = 8000.0 + 10.0 * series(0.9, 100_000, seed=2)
    means, samples = running_means(values, [25_000, 100_000], 0.02)
    assert samples == pytest.approx(19.0, rel=0.15)
    errors = np.sqrt(means.variances)
    assert errors[0] / errors[1] == pytest.approx(2.0)
    assert errors[1] == pytest.approx(10.0 * np.sqrt(19.0 / 100_000), rel=0.1)


def test_the_needed_length_brings_the_error_to_the_tolerance() -> None:
    found = convergence(Run(8000.0 + 10.0 * series(0.9, 50_000, seed=3)), quantities=("volume",), tolerance=1e-5)
    exact = (10.0 / 8000.0 / 1e-5) ** 2 * 19.0 * 0.02  # ps
    assert found.needed["volume"].value == pytest.approx(exact, rel=0.2)
    assert found.cautions == []
    assert found.means["volume"].coords["time"].values[-1] == pytest.approx(1000.0)


def test_errors_of_energies_do_not_depend_on_their_zero() -> None:
    found = convergence(Run(8000.0 + 10.0 * series(0.9, 50_000, seed=3)), quantities=("enthalpy",), tolerance=1e-3)
    exact = (10.0 / 50.0 / 1e-3) ** 2 * 19.0 * 0.02  # ps
    assert found.needed["enthalpy"].value == pytest.approx(exact, rel=0.2)


def test_the_parts_hold_the_truth_as_often_as_their_errors_say() -> None:
    inside = []
    for seed in range(150):
        means, _ = running_means(series(0.8, 8000, seed), [4000], 0.02)
        inside.append(abs(float(means.values[0])) < float(np.sqrt(means.variances[0])))
    assert 0.58 < np.mean(inside) < 0.78


def test_slow_series_are_named() -> None:
    found = convergence(Run(100.0 + series(0.999, 4000, seed=1)), quantities=("volume",))
    assert any("one independent sample takes" in caution for caution in found.cautions)


def test_ramps_short_runs_and_unknown_quantities_are_refused() -> None:
    flat = series(0.5, 4000, seed=1) + 10
    with pytest.raises(InputError, match="a ramp of temperature does not converge"):
        convergence(Run(flat, final_temperature=500.0), quantities=("volume",))
    with pytest.raises(InputError, match="only 100 values after equilibration"):
        convergence(Run(flat[:100]), quantities=("volume",))
    with pytest.raises(InputError, match="'density' was not kept; there are"):
        convergence(Run(flat), quantities=("density",))
    with pytest.raises(InputError, match="tolerance: must be greater than 0"):
        convergence(Run(flat), quantities=("volume",), tolerance=-1.0)


def test_results_are_written_whole(tmp_path: Path) -> None:
    found = convergence(Run(8000.0 + series(0.5, 4000, seed=1)), quantities=("volume",))
    assert [file.name for file in found.save(tmp_path / "new")] == ["convergence.json", "convergence.png"]
    assert "needs" in replace(found, name="again").summary()
