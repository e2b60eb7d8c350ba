"""Volumes: polynomials and lattice parameters against closed forms, S+ and the Maxwell route against the model."""

import mpmath as mp
import numpy as np
import pytest
import scipp as sc
from exact_barocalorics import material, volume_table, volumes
from hypothesis import given
from hypothesis import strategies as st

from caloris.errors import InputError
from caloris.heat.calorimetry import maxwell_entropy_change, read_volume
from caloris.heat.calorimetry.volume import as_volume, phase_volume

HEADER = "temperature/K,pressure/MPa,phase,volume/(m3/kg)"
LATTICE = "temperature/K,pressure/MPa,phase,a/angstrom,b/angstrom,c/angstrom,alpha/deg,beta/deg,gamma/deg"


def table(tmp_path, text, name="volume.csv"):
    file = tmp_path / name
    file.write_text(text)
    return file


def grid(temperatures, pressures):
    T, p = np.meshgrid(temperatures, pressures, indexing="ij")
    return T.ravel(), p.ravel()


# -- polynomials ---------------------------------------------------------------------------------------

TERMS = {
    "two temperatures, one pressure": ([300, 400], [1e5], ["v", "e"]),
    "two temperatures, two pressures": ([300, 400], [1e5, 1e8], ["v", "e", "k"]),
    "three temperatures, three pressures": ([300, 350, 400], [1e5, 5e7, 1e8], ["v", "e", "k", "ek"]),
    "four pressures": ([300, 350, 400], [1e5, 3e7, 6e7, 1e8], ["v", "e", "k", "ek", "kk"]),
    "everything": ([300, 320, 340, 360, 380, 400], [1e5, 3e7, 6e7, 1e8], ["v", "e", "k", "ek", "kk", "ee"]),
}
coefficients = st.fixed_dictionaries(
    {
        "v": st.floats(2e-4, 1e-3),
        "e": st.floats(-3e-7, 3e-7),
        "k": st.floats(-2e-13, 0),
        "ek": st.floats(-1e-15, 1e-15),
        "kk": st.floats(0, 1e-22),
        "ee": st.floats(-1e-9, 1e-9),
    }
)


@pytest.mark.parametrize("data", TERMS)
@given(coefficients)
def test_a_polynomial_that_the_data_determine_comes_back_exactly(data, values):
    temperatures, pressures, known = TERMS[data]
    c = {name: value if name in known else 0.0 for name, value in values.items()}

    def volume(T, p):
        t = T - 350.0
        return c["v"] + c["e"] * t + c["k"] * p + c["ek"] * t * p + c["kk"] * p**2 + c["ee"] * t**2

    T, p = grid(temperatures, pressures)
    fit = phase_volume("low", T, p, volume(T, p))
    at_T, at_p = grid(np.linspace(310, 390, 5), np.array([1e5]) if len(pressures) == 1 else np.linspace(1e5, 1e8, 4))
    np.testing.assert_allclose(fit.volume(at_T, at_p), volume(at_T, at_p), rtol=1e-10)
    expansion = c["e"] + c["ek"] * at_p + 2 * c["ee"] * (at_T - 350)
    np.testing.assert_allclose(fit.expansion(at_T, at_p), expansion, atol=1e-9 * c["v"] / 100)
    assert fit.scatter < 1e-10 * c["v"]
    # S+ is minus the integral of the expansion over pressure
    dp = at_p - 1e5
    exact = -(c["e"] + 2 * c["ee"] * (at_T - 350)) * dp - c["ek"] * (at_p**2 - 1e10) / 2
    np.testing.assert_allclose(fit.entropy(at_T, at_p, 1e5), exact, atol=1e-9 * c["v"] / 100 * 1e8)


def test_the_scatter_of_the_data_is_told():
    T, p = grid(np.linspace(300, 400, 30), np.linspace(0, 1e8, 8))
    noise = 1e-9 * np.random.default_rng(1).standard_normal(T.shape)
    fit = phase_volume("low", T, p, 7e-4 + 2e-7 * (T - 350) - 1e-13 * p + noise)
    assert fit.scatter == pytest.approx(1e-9, rel=0.1)


def test_one_temperature_has_no_expansion():
    with pytest.raises(InputError, match="'low' has only one temperature"):
        phase_volume("low", np.full(5, 300.0), np.linspace(0, 1e8, 5), np.full(5, 7e-4))


# -- the model -----------------------------------------------------------------------------------------


def test_volumes_of_the_model_come_back_from_their_table(tmp_path):
    model = material()
    file = table(tmp_path, volume_table(model, np.linspace(260, 430, 8).tolist(), np.linspace(0, 100, 5).tolist()))
    found, exact = read_volume(file), volumes(model)
    T, p = grid(np.linspace(280, 400, 7), np.linspace(0, 1e8, 5))
    for phase in ("low", "high"):
        fit, true = getattr(found, phase), getattr(exact, phase)
        assert fit.name == phase
        np.testing.assert_allclose(fit.volume(T, p), true.volume(T, p), rtol=1e-9)
        np.testing.assert_allclose(fit.entropy(T, p, 1e5), true.entropy(T, p, 1e5), atol=1e-4)
    np.testing.assert_allclose(found.change(T, p), model.delta_volume(T, p), atol=1e-11)


def test_s_plus_is_the_entropy_of_the_low_phase_under_pressure():
    model = material()
    T, p = np.linspace(250, 450, 9), 80e6
    exact = model.low_entropy(T, p) - model.low_entropy(T, 1e5)
    np.testing.assert_allclose(volumes(model).low.entropy(T, p, 1e5), exact, rtol=1e-12)


def test_the_phase_at_lower_temperatures_is_the_low_one_whatever_its_name(tmp_path):
    rows = [f"{T},{p},cubic,7.3e-4" for T in (380, 420) for p in (0, 50)]
    rows += [f"{T},{p},monoclinic,7.6e-4" for T in (300, 340) for p in (0, 50)]
    volume = read_volume(table(tmp_path, "\n".join([HEADER, *rows])))
    assert (volume.low.name, volume.high.name) == ("monoclinic", "cubic")
    assert float(volume.change(360.0, 0.0)) == pytest.approx(-3e-5)


def test_one_phase_has_an_s_plus_and_no_volume_change(tmp_path):
    volume = read_volume(table(tmp_path, f"{HEADER}\n300,0,low,7.6e-4\n400,0,low,7.8e-4\n"))
    assert volume.high is None
    assert float(volume.low.entropy(350.0, 50e6, 0.0)) == pytest.approx(-2e-7 * 50e6)
    assert np.isnan(volume.change(350.0, 0.0))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("temperature/K,pressure/MPa,phase,volume/(cm3/g)", "300,50,low,0.76"),
        ("temperature/degC,pressure/GPa,phase,volume/(m3/kg)", "26.85,0.05,low,7.6e-4"),
        ("Phase, Volume/(m^3/kg), Temperature/K, Pressure/kbar", "low,7.6e-4,300,0.5"),
    ],
)
def test_units_and_order_of_columns_are_free(tmp_path, header, row):
    second = row.replace("300", "400").replace("26.85", "126.85")
    volume = read_volume(table(tmp_path, f"# from diffraction\n{header}\n{row}\n\n{second}\n"))
    assert float(volume.low.volume(300.0, 50e6)) == pytest.approx(7.6e-4, rel=1e-9)
    assert volume.low.temperatures == pytest.approx((300.0, 400.0))


# -- lattice parameters --------------------------------------------------------------------------------


@given(
    st.tuples(*[st.floats(4, 20)] * 3),
    st.tuples(st.floats(75, 105), st.floats(75, 105), st.floats(75, 105)),
    st.floats(50, 2000),
)
def test_a_triclinic_cell_has_the_volume_of_its_three_edges(tmp_path_factory, edges, angles, mass):
    """The volume is the determinant of the edges, here in 30 digits."""
    mp.mp.dps = 30
    a, b, c = map(mp.mpf, edges)
    alpha, beta, gamma = (mp.radians(mp.mpf(x)) for x in angles)
    cx = c * mp.cos(beta)
    cy = c * (mp.cos(alpha) - mp.cos(beta) * mp.cos(gamma)) / mp.sin(gamma)
    cz = mp.sqrt(c**2 - cx**2 - cy**2)
    cell = mp.matrix([[a, 0, 0], [b * mp.cos(gamma), b * mp.sin(gamma), 0], [cx, cy, cz]])
    exact = float(mp.det(cell)) * 1e-30 * 6.02214076e23 / (mass * 1e-3)
    numbers = ",".join(repr(x) for x in (*edges, *angles))
    file = tmp_path_factory.mktemp("lattice") / "cell.csv"
    file.write_text(f"# cell mass: {mass!r} g/mol\n{LATTICE}\n300,0,low,{numbers}\n400,0,low,{numbers}\n")
    assert float(read_volume(file).low.volume(350.0, 0.0)) == pytest.approx(exact, rel=1e-9)


def test_lattices_of_higher_symmetry_need_fewer_columns(tmp_path):
    # sodium chloride: 5.6402 angstrom at 298 K, four formula units of 58.443 g/mol, 2.163 g/cm3
    text = (
        "# cell mass: 233.77 g/mol\ntemperature/K,pressure/MPa,phase,a/angstrom\n298,0,low,5.6402\n398,0,low,5.6628\n"
    )
    volume = read_volume(table(tmp_path, text))
    assert 1e-3 / float(volume.low.volume(298.0, 0.0)) == pytest.approx(2.163, rel=1e-3)


def test_ammonium_thiocyanate_has_its_density(tmp_path):
    """Monoclinic NH4SCN at 298 K: a 4.302, b 7.202, c 12.968 angstrom, beta 97.67 deg, Z = 4 of 76.12 g/mol."""
    columns = "temperature/K,pressure/MPa,phase,a/angstrom,b/angstrom,c/angstrom,beta/deg"
    rows = "298,0,low,4.302,7.202,12.968,97.67\n318,0,low,4.310,7.215,12.990,97.6\n"
    volume = read_volume(table(tmp_path, f"# cell mass: 304.48 g/mol\n{columns}\n{rows}"))
    assert 1 / float(volume.low.volume(298.0, 0.0)) == pytest.approx(1270, rel=0.01)


def test_each_phase_may_have_its_own_cell_mass(tmp_path):
    columns = "temperature/K,pressure/MPa,phase,a/nm"
    rows = "300,0,low,1.0\n310,0,low,1.0\n400,0,high,1.0\n410,0,high,1.0\n"
    text = f"# cell mass of low: 600 g/mol\n# cell mass of high: 1200 g/mol\n{columns}\n{rows}"
    volume = read_volume(table(tmp_path, text))
    ratio = float(volume.low.volume(300.0, 0.0)) / float(volume.high.volume(400.0, 0.0))
    assert ratio == pytest.approx(2.0)


# -- bad files -----------------------------------------------------------------------------------------

GOOD = "300,0,low,7.6e-4\n400,0,low,7.8e-4\n"
BAD = {
    "empty": ("", "expected a header and at least two rows"),
    "header-only": (f"{HEADER}\n", "expected a header and at least two rows"),
    "one-row": (f"{HEADER}\n300,0,low,7.6e-4\n", "expected a header and at least two rows"),
    "no-phase": ("temperature/K,pressure/MPa,volume/(m3/kg)\n300,0,7.6e-4\n300,0,7.6e-4\n", "no column 'phase'"),
    "no-pressure": ("temperature/K,phase,volume/(m3/kg)\n300,low,7.6e-4\n300,low,7.6e-4\n", "no column 'pressure'"),
    "no-volume": ("temperature/K,pressure/MPa,phase\n300,0,low\n300,0,low\n", "neither a column volume"),
    "no-unit": (f"temperature,pressure/MPa,phase,volume/(m3/kg)\n{GOOD}", "'temperature' has no unit"),
    "wrong-unit": (
        f"temperature/K,pressure/MPa,phase,volume/K\n{GOOD}",
        "line 1: column 'volume': .*expected one like m",
    ),
    "no-such-unit": (f"temperature/K,pressure/bogus,phase,volume/(m3/kg)\n{GOOD}", "line 1: 'bogus' is not a unit"),
    "words": (f"{HEADER}\n{GOOD}350,0,low,many\n", "line 4: volume: 'many' is not a number"),
    "nan": (f"{HEADER}\n{GOOD}nan,0,low,7.6e-4\n", "line 4: temperature: 'nan' is not a finite number"),
    "infinite": (f"{HEADER}\n{GOOD}350,inf,low,7.6e-4\n", "line 4: pressure: 'inf' is not a finite number"),
    "decimal-comma": (f"{HEADER}\n{GOOD}350,0,low,7,6e-4\n", "line 4: 5 columns, the header has 4"),
    "short-row": (f"{HEADER}\n{GOOD}350,0,low\n", "line 4: 3 columns, the header has 4"),
    "zero-kelvin": (f"{HEADER}\n{GOOD}0,0,low,7.6e-4\n", "line 4: temperature must be above 0 K"),
    "negative-pressure": (f"{HEADER}\n{GOOD}350,-1,low,7.6e-4\n", "line 4: .*pressure not negative"),
    "negative-volume": (f"{HEADER}\n{GOOD}350,0,low,-7e-4\n", "line 4: volume must be greater than 0"),
    "no-name": (f"{HEADER}\n{GOOD}350,0, ,7.6e-4\n", "line 4: no phase named"),
    "three-phases": (f"{HEADER}\n{GOOD}{GOOD.replace('low', 'b')}{GOOD.replace('low', 'c')}", "one or two phases"),
    "one-temperature": (f"{HEADER}\n300,0,low,7.6e-4\n300,50,low,7.5e-4\n", "only one temperature"),
    "no-cell-mass": ("temperature/K,pressure/MPa,phase,a/angstrom\n300,0,low,5\n400,0,low,5.1\n", "# cell mass"),
    "cell-mass-unit": (
        "# cell mass: 300 g\ntemperature/K,pressure/MPa,phase,a/angstrom\n300,0,low,5\n400,0,low,5.1\n",
        "cell mass: '300 g' has the unit g",
    ),
    "flat-cell": (
        "# cell mass: 300 g/mol\n" + LATTICE + "\n300,0,low,5,5,5,60,60,125\n400,0,low,5,5,5,60,60,125\n",
        "line 3: volume must be greater than 0",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_of_volumes_is_refused_in_one_line(tmp_path, name):
    text, words = BAD[name]
    file = table(tmp_path, text)
    with pytest.raises(InputError, match=words) as caught:
        read_volume(file)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_what_is_no_table_is_refused(tmp_path):
    binary = tmp_path / "volume.bin"
    binary.write_bytes(b"\xff\xfe\x00\x01" * 50)
    for place in (tmp_path / "none.csv", tmp_path, binary):
        with pytest.raises(InputError, match="cannot read the volumes"):
            read_volume(place)
    with pytest.raises(InputError, match="got int"):
        as_volume(3)


# -- Maxwell -------------------------------------------------------------------------------------------


def gridded(model, branch, temperatures, pressures):
    """V(T, p) along a branch, from the model."""
    V = np.empty((len(pressures), len(temperatures)))
    for i, p in enumerate(pressures):
        high = temperatures >= float(model.transition_temperature(p, branch))
        V[i] = model.low_volume(temperatures, p) + high * model.delta_volume(temperatures, p)
    return sc.DataArray(
        sc.array(dims=["pressure", "temperature"], values=V, unit="m^3/kg"),
        coords={
            "pressure": sc.array(dims=["pressure"], values=pressures / 1e6, unit="MPa"),
            "temperature": sc.array(dims=["temperature"], values=temperatures, unit="K"),
        },
    )


def test_maxwell_gives_the_entropy_of_one_phase_exactly():
    """V = v + e t - k p: dS = -e dp."""
    model = material()
    T, p = np.linspace(250, 280, 7), np.linspace(0.1e6, 90e6, 4)
    found = maxwell_entropy_change(gridded(model, "heating", T, p))
    exact = -model.low.expansion * (p - p[0])
    np.testing.assert_allclose(found.values, np.broadcast_to(exact[:, None], found.shape), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.coords["temperature"].values, 0.5 * (T[1:] + T[:-1]))


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("branch", ["heating", "cooling"])
def test_maxwell_over_a_transition_converges_to_the_exact_area(sign, branch):
    """The area of dS over temperature is exact for any grid that the transition crosses wholly."""
    model = material(sign, 10.0, expansion=(0.0, 0.0), compression=(1e-13, 1e-13), difference=0.0)
    p_1 = 80e6
    T_t = [float(model.transition_temperature(p, branch)) for p in (1e5, p_1)]
    exact = -sign * abs(T_t[1] - T_t[0]) * model.entropy_change
    errors = []
    for count in (11, 41, 161):
        T, p = np.linspace(300, 400, 401), np.linspace(1e5, p_1, count)
        dS = maxwell_entropy_change(gridded(model, branch, T, p))["pressure", -1].values
        errors.append(abs(float(np.sum(dS)) * 0.25 / exact - 1))
    assert errors[-1] < 2e-3
    middle = 0.5 * sum(T_t)
    fine = maxwell_entropy_change(gridded(model, branch, np.linspace(300, 400, 51), np.linspace(1e5, p_1, 4001)))
    at = np.interp(middle, fine.coords["temperature"].values, fine["pressure", -1].values)
    assert at == pytest.approx(-sign * model.entropy_change, rel=0.02)


def test_maxwell_refuses_what_it_cannot_differentiate():
    good = gridded(material(), "heating", np.linspace(300, 400, 5), np.linspace(0, 1e8, 3))
    with pytest.raises(InputError, match="over 'pressure' and 'temperature'"):
        maxwell_entropy_change(good["pressure", 0])
    with pytest.raises(InputError, match="over 'pressure' and 'temperature'"):
        maxwell_entropy_change(good.values)
    with pytest.raises(InputError, match="ascending values of pressure"):
        maxwell_entropy_change(good["pressure", :1])
    backwards = good.copy()
    backwards.coords["temperature"] = -backwards.coords["temperature"]
    with pytest.raises(InputError, match="ascending values of temperature"):
        maxwell_entropy_change(backwards)


@pytest.mark.parametrize("what", ["unit", "coordinate", "missing", "nan"])
def test_maxwell_refuses_wrong_units_and_gaps_in_one_line(what):
    good = gridded(material(), "heating", np.linspace(300, 400, 5), np.linspace(0, 1e8, 3))
    if what == "unit":
        good.unit = "K"
    elif what == "coordinate":
        good.coords["pressure"].unit = "s"
    elif what == "missing":
        del good.coords["pressure"]
    else:
        good.values[1, 2] = np.nan
    with pytest.raises(InputError, match="volume"):
        maxwell_entropy_change(good)
