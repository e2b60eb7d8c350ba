"""Both ways of a resolution against each other and against exact convolutions: Gaussians, Voigt, measured lines."""

import math
from pathlib import Path

import numpy as np
import pytest
import scipp as sc
from scipy.special import voigt_profile

from caloris.errors import InputError
from caloris.neutrons import resolution as res

HBAR = 0.6582119569
SIGMA = 1 / (2 * math.sqrt(2 * math.log(2)))


def spectrum(edges: np.ndarray, values: np.ndarray, variances: np.ndarray | None = None) -> sc.DataArray:
    data = sc.array(dims=["energy_transfer"], values=values, variances=variances, unit="1/meV")
    return sc.DataArray(data, coords={"energy_transfer": sc.array(dims=["energy_transfer"], values=edges, unit="meV")})


def points(first: float, last: float, number: int) -> np.ndarray:
    return np.linspace(first, last, number)


def gauss(x: np.ndarray, fwhm: float) -> np.ndarray:
    s = fwhm * SIGMA
    return np.exp(-0.5 * (x / s) ** 2) / (s * math.sqrt(2 * math.pi))


MODELS = {
    "gaussian": res.gaussian("0.1 meV"),
    "lorentzian": res.lorentzian("0.05 meV"),
    "pseudo-Voigt": res.pseudo_voigt("0.1 meV", 0.3),
    "triangle": res.triangular("0.1 meV"),
    "two Gaussians": res.sum_of_gaussians(
        sc.array(dims=["part"], values=[0.08, 0.2], unit="meV"),
        [3.0, 1.0],
        sc.array(dims=["part"], values=[0.0, 0.03], unit="meV"),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_transform_in_time_is_the_integral_of_the_line(name: str) -> None:
    model = MODELS[name]
    time = sc.linspace("time", 0.0, 12.0, 25, unit="ps")
    x = points(-150, 150, 3_000_001)
    line = model.line_shape(sc.array(dims=["energy_transfer"], values=x, unit="meV")).values
    phase = np.outer(time.values / HBAR, 1.0)
    exact = np.array([np.trapezoid(line * np.cos(w * x), x) for w in phase[:, 0]])
    assert model.of_time(time).values == pytest.approx(exact, abs=5e-4)  # Lorentzian tails beyond 150 meV
    sine = np.array([np.trapezoid(line * np.sin(w * x), x) for w in phase[::6, 0]])
    assert model.of_time(time, part="sine").values[::6] == pytest.approx(sine, abs=1e-5)
    assert model.of_time(time).values[0] == pytest.approx(1.0, abs=1e-12)


def test_two_gaussians_give_the_gaussian_of_the_root_of_both_squares() -> None:
    x = points(-2, 2, 401)
    seen = res.gaussian("0.135 meV").on_spectrum(spectrum(x, gauss(x, 0.2)))
    assert seen.values == pytest.approx(gauss(x, math.hypot(0.135, 0.2)), abs=1e-9)


def test_lorentzian_seen_by_a_gaussian_is_the_voigt_function() -> None:
    x = points(-30, 30, 3001)
    hwhm, fwhm = 0.08, 0.135
    line = hwhm / math.pi / (x**2 + hwhm**2)
    seen = res.gaussian(f"{fwhm} meV").on_spectrum(spectrum(x, line))
    inner = np.abs(x) < 10
    assert seen.values[inner] == pytest.approx(voigt_profile(x, fwhm * SIGMA, hwhm)[inner], rel=2e-5)


def test_lorentzian_widths_add() -> None:
    x = points(-60, 60, 12001)
    first, second = 0.1, 0.05
    seen = res.lorentzian(f"{second} meV").on_spectrum(spectrum(x, first / math.pi / (x**2 + first**2)))
    both = first + second
    inner = np.abs(x) < 2
    assert seen.values[inner] == pytest.approx((both / math.pi / (x**2 + both**2))[inner], rel=1e-4)


@pytest.mark.parametrize("name", ["gaussian", "triangle", "two Gaussians"])
def test_both_ways_agree(name: str) -> None:
    """I(t) R(t), transformed to energy, is S(E) convolved with R(E): for its symmetric part."""
    model, hwhm = MODELS[name], 0.15
    time = sc.linspace("time", 0.0, 400.0, 16001, unit="ps")
    decay = sc.DataArray(sc.exp(-time * sc.scalar(hwhm / HBAR, unit="1/ps")), coords={"time": time})
    seen_in_time = model.on_intermediate(decay)
    x = points(-12, 12, 2401)
    transformed = np.array(
        [np.trapezoid(seen_in_time.values * np.cos(e * time.values / HBAR), time.values) for e in x[800:1601:40]]
    ) / (math.pi * HBAR)
    seen = model.on_spectrum(spectrum(x, hwhm / math.pi / (x**2 + hwhm**2))).values
    symmetric = 0.5 * (seen + seen[::-1])
    assert symmetric[800:1601:40] == pytest.approx(transformed, abs=2e-3 if name == "triangle" else 2e-5)  # kinks


def test_averages_over_bins_stay_averages_over_bins() -> None:
    edges = points(-2, 2, 81)  # 0.05 meV, a third of the FWHM
    below = lambda fwhm, x: 0.5 * (1 + np.vectorize(math.erf)(x / (fwhm * SIGMA * math.sqrt(2))))  # noqa: E731
    given = np.diff(below(0.3, edges)) / np.diff(edges)
    exact = np.diff(below(math.hypot(0.3, 0.15), edges)) / np.diff(edges)
    seen = res.gaussian("0.15 meV").on_spectrum(spectrum(edges, given))
    assert seen.values == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize("width", [1e-4, 0.02, 0.05, 0.08, 0.12, 0.4])
@pytest.mark.parametrize("uneven", [False, True])
def test_no_area_is_lost_or_made_inside_the_window_whatever_the_width(width: float, uneven: bool) -> None:
    edges = points(-5, 5, 201)
    if uneven:
        edges = np.sinh(edges / 2.5)
    values = np.zeros(200)
    values[[95, 100, 110]] = [1.0, 3.0, -0.5]
    area = values @ np.diff(edges)
    seen = res.gaussian(f"{width} meV").on_spectrum(spectrum(edges, values))
    assert seen.values @ np.diff(edges) == pytest.approx(area, rel=1e-9)


def test_what_leaves_the_window_is_lost_by_its_exact_share() -> None:
    edges = points(-1, 1, 201)
    values = np.zeros(200)
    values[190] = 1.0
    seen = res.lorentzian("0.1 meV").on_spectrum(spectrum(edges, values))
    centre = 0.5 * (edges[190] + edges[191])
    stays = (math.atan((1 - centre) / 0.1) - math.atan((-1 - centre) / 0.1)) / math.pi
    assert seen.values.sum() / values.sum() == pytest.approx(stays, rel=1e-9)


def test_even_and_uneven_grids_give_the_same() -> None:
    even = points(-3, 3, 301)
    uneven = np.concatenate([even[:40:2], even[40:]])
    line = lambda x: gauss(x, 0.5)  # noqa: E731
    middle = lambda e: 0.5 * (e[1:] + e[:-1])  # noqa: E731
    a = res.gaussian("0.2 meV").on_spectrum(spectrum(even, line(middle(even)))).values
    b = res.gaussian("0.2 meV").on_spectrum(spectrum(uneven, line(middle(uneven)))).values
    assert b[30:] == pytest.approx(a[-len(b) + 30 :], abs=1e-6)


def test_ideal_resolution_changes_nothing() -> None:
    edges = points(-1, 1, 42)
    values = np.random.default_rng(1).normal(size=41)
    assert res.ideal().on_spectrum(spectrum(edges, values)).values == pytest.approx(values, abs=1e-12)
    assert res.ideal().on_spectrum(spectrum(np.sinh(edges), values)).values == pytest.approx(values, abs=1e-12)


def test_varying_width_is_that_of_each_energy() -> None:
    energy = sc.array(dims=["energy_transfer"], values=[-10.0, 0.0, 10.0], unit="meV")
    widths = sc.array(dims=["energy_transfer"], values=[0.6, 0.4, 0.2], unit="meV")
    model = res.varying(sc.DataArray(widths, coords={"energy_transfer": energy}))
    edges = points(-12, 12, 2402)
    values = np.zeros(2401)
    at = [200, 1200, 2150]
    values[at] = 1 / (edges[1] - edges[0])
    seen = model.on_spectrum(spectrum(edges, values)).values
    x = 0.5 * (edges[1:] + edges[:-1])
    for position in at:
        near = np.abs(x - x[position]) < 1.5
        mean = np.sum(seen[near] * x[near]) / seen[near].sum()
        spread = math.sqrt(np.sum(seen[near] * (x[near] - mean) ** 2) / seen[near].sum())
        assert spread / SIGMA == pytest.approx(0.4 - 0.02 * x[position], rel=1e-3)
    with pytest.raises(InputError, match="on_spectrum"):
        model.of_time(sc.linspace("time", 0.0, 1.0, 3, unit="ps"))


def test_variances_are_those_of_a_linear_map() -> None:
    random = np.random.default_rng(2)
    edges, sigma = points(-1, 1, 61), 0.1
    clean = gauss(0.5 * (edges[1:] + edges[:-1]), 0.3)
    model = res.gaussian("0.2 meV")
    seen = model.on_spectrum(spectrum(edges, clean, np.full(60, sigma**2)))
    draws = [model.on_spectrum(spectrum(edges, clean + sigma * random.normal(size=60))).values for _ in range(600)]
    assert np.sqrt(seen.variances) == pytest.approx(np.std(draws, axis=0), rel=0.15)


# ---- measured lines -------------------------------------------------------------------------------------------------


def vanadium(
    counts: float, edges: np.ndarray, seed: int, *, shift: float = 0.0, tail: float = 0.0, background: float = 0.0
) -> sc.DataArray:
    """Synthetic counts of a Gaussian of 0.1 meV with a tail to one side, and a subtracted background."""
    x = 0.5 * (edges[1:] + edges[:-1])
    u = x - shift
    shape = gauss(u, 0.1) + tail * np.where(u > 0, np.exp(-u / 0.1), 0.0)
    expected = counts * shape / shape.max() + background + 30
    drawn = np.random.default_rng(seed).poisson(expected).astype(float)
    return spectrum(edges, drawn - 30, np.maximum(drawn, 1.0))


def test_measured_line_finds_width_and_centre_through_noise_and_negative_counts() -> None:
    edges = points(-1, 1, 201)
    data = vanadium(20000, edges, 3, shift=0.013)
    assert data.values.min() < 0
    model = res.measured(data)
    assert model.fwhm.value == pytest.approx(0.1, rel=0.03)
    assert not model.warnings
    time = sc.linspace("time", 0.0, 12.0, 30, unit="ps")
    found = model.of_time(time)
    exact = res.gaussian("0.1 meV").of_time(time).values
    assert np.all(np.abs(found.values - exact)[1:] < 4.5 * np.sqrt(found.variances)[1:] + 0.004)
    assert found.values[0] == pytest.approx(1.0, abs=1e-12)


def test_error_of_a_measured_line_in_time_holds_the_truth_in_two_of_three_cases() -> None:
    edges = points(-0.6, 0.6, 81)
    time = sc.array(dims=["time"], values=[3.0, 6.0, 9.0], unit="ps")
    exact = res.gaussian("0.1 meV").of_time(time).values
    inside = []
    for seed in range(300):
        found = res.measured(vanadium(3000, edges, 100 + seed), centred=False).of_time(time)
        inside.append(np.abs(found.values - exact) < np.sqrt(found.variances))
    assert 0.60 < np.mean(inside) < 0.76


def test_measured_line_convolves_as_its_own_model_does() -> None:
    edges = points(-3, 3, 601)
    x = 0.5 * (edges[1:] + edges[:-1])
    model = res.measured(spectrum(edges, 7.0 * gauss(x, 0.1)))
    line = spectrum(edges, 0.2 / math.pi / (x**2 + 0.04))
    assert model.on_spectrum(line).values == pytest.approx(res.gaussian("0.1 meV").on_spectrum(line).values, abs=1e-6)


def test_asymmetric_tail_is_kept_on_the_energy_axis_and_warned_of() -> None:
    edges = points(-3, 3, 601)
    model = res.measured(vanadium(1e7, edges, 4, tail=1.0))
    assert "not symmetric" in model.warnings[0]
    values = np.zeros(600)
    values[300] = 100.0
    seen = model.on_spectrum(spectrum(edges, values)).values
    x = 0.5 * (edges[1:] + edges[:-1]) - 0.005
    assert seen[(x > 0.15)].sum() > 5 * seen[(x < -0.15)].sum()
    assert seen.sum() == pytest.approx(100.0, rel=1e-6)


def test_background_of_a_measured_line_is_taken_off() -> None:
    edges = points(-1, 1, 201)
    data = vanadium(20000, edges, 5, background=2000.0)
    time = sc.array(dims=["time"], values=[6.0], unit="ps")
    exact = res.gaussian("0.1 meV").of_time(time).values[0]
    kept, taken = (res.measured(data, background=b).of_time(time).values[0] for b in (None, "linear"))
    assert taken == pytest.approx(exact, abs=0.02)
    assert abs(kept - exact) > 0.1


def test_each_q_has_its_own_line_and_wrong_q_are_refused() -> None:
    edges = points(-1, 1, 201)
    x = 0.5 * (edges[1:] + edges[:-1])
    Q = sc.array(dims=["Q"], values=[0.5, 1.0], unit="1/angstrom")
    coords = {"Q": Q, "energy_transfer": sc.array(dims=["energy_transfer"], values=edges, unit="meV")}
    lines = np.array([gauss(x, 0.08), gauss(x, 0.12)])
    model = res.measured(sc.DataArray(sc.array(dims=["Q", "energy_transfer"], values=lines), coords=coords))
    assert model.fwhm.values == pytest.approx([0.08, 0.12], rel=1e-3)
    delta = np.zeros((200, 2))
    delta[100] = 100.0
    given = sc.DataArray(sc.array(dims=["energy_transfer", "Q"], values=delta), coords=coords)
    seen = model.on_spectrum(given)
    assert seen.dims == ("energy_transfer", "Q")
    assert seen.values.max(axis=0) == pytest.approx([gauss(np.zeros(1), w)[0] for w in (0.08, 0.12)], rel=0.03)
    elsewhere = given.copy()
    elsewhere.coords["Q"] = Q * 1.1
    with pytest.raises(InputError, match="rebin one to the other"):
        model.on_spectrum(elsewhere)
    with pytest.raises(InputError, match="known at 2 Q"):
        model.on_spectrum(given["Q", :1])


def test_masked_bins_count_as_nothing_and_unmasked_nan_is_refused() -> None:
    edges = points(-1, 1, 101)
    values = np.ones(100)
    values[20] = np.nan
    data = spectrum(edges, values)
    with pytest.raises(InputError, match="mask them"):
        res.gaussian("0.1 meV").on_spectrum(data)
    data.masks["not measured"] = sc.isnan(data.data)
    seen = res.gaussian("0.1 meV").on_spectrum(data)
    assert np.isfinite(seen.values).all()
    assert seen.values[20] < seen.values[50]


def test_real_vanadium_of_in5_is_read_as_a_line_for_each_q() -> None:
    h5py = pytest.importorskip("h5py")
    file = Path(__file__).parents[3] / "shared/data/neutron/V_273K_5A.hdf"
    if not file.exists():
        pytest.skip(f"no {file}")
    with h5py.File(file) as stored:
        group = stored["entry1/data1"]
        values, errors = group["DATA"][()].astype(float), group["errors"][()].astype(float)
        energy, Q = group["X"][()].astype(float), group["Y"][()].astype(float)
    data = sc.DataArray(
        sc.array(dims=["Q", "energy_transfer"], values=values, variances=errors**2),
        coords={
            "Q": sc.array(dims=["Q"], values=Q, unit="1/angstrom"),
            "energy_transfer": sc.array(dims=["energy_transfer"], values=energy, unit="meV"),
        },
    )
    model = res.measured(data, background="constant")
    # IN5 at 5 angstrom and 8500 rpm: 100 ueV by its own page
    assert np.median(model.fwhm.values) == pytest.approx(0.1, rel=0.25)
    assert model.of_time(sc.linspace("time", 0.0, 20.0, 5, unit="ps")).values[:, 0] == pytest.approx(1.0)
