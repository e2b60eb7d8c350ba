"""Heat conduction in the pellet against the exact solutions: Bessel series, lumped cooling, Neumann's front."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import erf, erfc, j0, j1

from caloris.errors import InputError
from caloris.heat import Geometry, TwoPhase
from caloris.heat.battery.conduction import PERFECT_CONTACT, Solid, assemble
from caloris.heat.battery.march import Marcher
from caloris.heat.battery.protocol import Leg, hold
from caloris.heat.battery.transition import Hysteresis
from caloris.materials import load

CAPACITY, CONDUCTIVITY, DENSITY = 1590.0, 0.5, 1305.0
DIFFUSIVITY = CONDUCTIVITY / (DENSITY * CAPACITY)
SALT = Solid(DENSITY, CAPACITY, CONDUCTIVITY)
STEEL = Solid(7850.0, 475.0, 44.5)
RADIUS = 5e-3
COLD, WALL = 200.0, 190.0  # far below the transition: plain conduction
PRESSURE = 0.1e6


@cache
def inert():
    """The salt far from its transition conducts heat and nothing else."""
    return Hysteresis(TwoPhase.from_material(load("NH4SCN"), heat_capacity=f"{CAPACITY} J/kg/K"))


def salt_cylinder(*, cells, order=1, h=np.inf, height=None, contact="all", conductivity=CONDUCTIVITY):
    geometry = Geometry(
        radius=f"{RADIUS} m",
        height=f"{2 * RADIUS if height is None else height} m",
        wall="0 mm",
        contact=contact,
        cells=cells,
        grading=0,  # orders of convergence are those of evenly refined meshes
    )
    return geometry, assemble(geometry, Solid(DENSITY, CAPACITY, conductivity), None, h, order)


def cooled(marcher, temperature, wall):
    """The moment after the wall has been brought to a new temperature."""
    return replace(marcher.initial(temperature, PRESSURE), wall=wall)


def march_evenly(marcher, state, duration, steps, theta):
    for _ in range(steps):
        advance = marcher.advance(state, duration / steps, PRESSURE, state.wall, theta=theta)
        assert advance is not None
        state = advance.state
    return state


# -- infinite cylinder, Robin wall ------------------------------------------------------------------

BIOT = 1.0
BEGIN, END = 0.05, 0.3  # Fourier numbers between which the solution is smooth


@cache
def robin_roots(count=30):
    """Roots of z J1(z) = Bi J0(z), one between the zeros of successive cosines."""
    grid = np.linspace(1e-6, 4 * count, 40 * count)
    values = grid * j1(grid) - BIOT * j0(grid)
    changes = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)[:count]
    return np.array([brentq(lambda z: z * j1(z) - BIOT * j0(z), grid[i], grid[i + 1], xtol=1e-14) for i in changes])


def robin_excess(r, fourier):
    """(T - T_wall) / (T_0 - T_wall) of an infinite cylinder with a Robin wall (Carslaw & Jaeger, 7.7)."""
    z = robin_roots()
    weight = 2 * BIOT / ((z**2 + BIOT**2) * j0(z))
    return (weight * np.exp(-(z**2) * fourier) * j0(np.outer(r / RADIUS, z))).sum(axis=1)


def robin_error(*, cells, order, steps, theta, norm="largest"):
    """Error of the temperature as a part of the initial excess, from Fo = 0.05 to 0.3.

    ``norm`` is the largest error at any unknown or its root mean square over the mass.
    """
    _, system = salt_cylinder(
        cells=cells, order=order, h=BIOT * CONDUCTIVITY / RADIUS, height=2 * RADIUS / cells, contact="side"
    )
    marcher = Marcher(system, inert())
    r = system.points[0]
    start = replace(cooled(marcher, COLD, WALL), temperature=WALL + (COLD - WALL) * robin_excess(r, BEGIN))
    duration = (END - BEGIN) * RADIUS**2 / DIFFUSIVITY
    state = march_evenly(marcher, start, duration, steps, theta)
    excess = (state.temperature - WALL) / (COLD - WALL)
    error = excess - robin_excess(r, END)
    if norm == "largest":
        return float(np.abs(error).max())
    return float(np.sqrt(mass_mean(marcher, error**2)))


def mass_mean(marcher, values):
    weights = marcher.system.pellet_weights
    return float(weights @ values / weights.sum())


def orders(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


def test_robin_cylinder_with_quadratic_elements_follows_the_bessel_series():
    assert robin_error(cells=16, order=2, steps=300, theta=0.5) < 1e-6


def test_robin_cylinder_error_falls_with_the_square_of_the_cell_for_linear_elements():
    # at the node on the axis alone the lumped mass adds a logarithm: h^2 log h
    errors = [robin_error(cells=n, order=1, steps=150, theta=0.5, norm="mass") for n in (4, 8, 16)]
    assert errors[-1] < 2e-4
    assert orders(errors) == pytest.approx(2.0, abs=0.1)


def test_robin_cylinder_error_falls_with_the_fourth_power_for_quadratic_elements():
    errors = [robin_error(cells=n, order=2, steps=400, theta=0.5) for n in (1, 2, 4)]
    assert np.all(orders(errors) > 3.0)


@pytest.mark.parametrize(("theta", "order"), [(1.0, 1.0), (0.5, 2.0)])
def test_time_error_falls_with_the_order_of_the_scheme(theta, order):
    errors = [robin_error(cells=16, order=2, steps=n, theta=theta) for n in (10, 20, 40)]
    assert orders(errors) == pytest.approx(order, abs=0.15)


# -- lumped cooling ---------------------------------------------------------------------------------


@pytest.mark.parametrize("contact", ["all", "side", "ends"])
@pytest.mark.parametrize("order", [1, 2])
def test_lumped_cooling_has_the_time_constant_of_contact_and_capacity(contact, order):
    h, height = 0.05, 8e-3
    geometry, system = salt_cylinder(cells=2, order=order, h=h, height=height, contact=contact, conductivity=1e3)
    side, ends = 2 * np.pi * RADIUS * height, 2 * np.pi * RADIUS**2
    area = {"all": side + ends, "side": side, "ends": ends}[contact]
    expected = DENSITY * CAPACITY * geometry.volume / (h * area)
    marcher = Marcher(system, inert())
    state = march_evenly(marcher, cooled(marcher, COLD, WALL), expected, 500, theta=0.5)
    excess = (state.temperature.mean() - WALL) / (COLD - WALL)
    assert -expected / np.log(excess) == pytest.approx(expected, rel=1e-6)


# -- Stefan front -----------------------------------------------------------------------------------


def neumann_front(T_start, T_wall, T_melt, latent):
    """Position of the front over sqrt(alpha t): 2 lambda (Carslaw & Jaeger, 11.2, equal phases)."""

    def balance(lam):
        inner = abs(T_melt - T_wall) * np.exp(-(lam**2)) / erf(lam)
        outer = abs(T_start - T_melt) * np.exp(-(lam**2)) / erfc(lam)
        return inner - outer - lam * np.sqrt(np.pi) * latent / CAPACITY

    return 2 * brentq(balance, 1e-6, 3.0, xtol=1e-14)


MELTING, ENTROPY = 350.0, 128.7


@cache
def melting_without_hysteresis(width):
    model = TwoPhase.from_material(
        load("NH4SCN"),
        heat_capacity=f"{CAPACITY} J/kg/K",
        temperature_heating=f"{MELTING} K",
        temperature_cooling=f"{MELTING} K",
        slope_heating=f"{-3.8e-5 / ENTROPY} K/Pa",
        entropy_change=f"{ENTROPY} J/kg/K",
        volume_change="-3.8e-5 m^3/kg",
    )
    return Hysteresis(model, width)


def stefan_front(T_start, T_wall, *, cells, steps, width=0.02, duration=20.0, length=12e-3):
    """Position of the front over its exact value, mean of the second half (cells pass one by one)."""
    geometry = Geometry(
        grading=0, radius=f"{length / cells} m", height=f"{2 * length} m", wall="0 mm", contact="ends", cells=1
    )
    marcher = Marcher(assemble(geometry, SALT, None, np.inf), melting_without_hysteresis(width))
    start = state = cooled(marcher, T_start, T_wall)
    # equal steps in sqrt(t): the front moves evenly
    times = duration * np.linspace(0, 1, steps + 1) ** 2
    pace = neumann_front(T_start, T_wall, MELTING, latent=ENTROPY * MELTING)
    ratios = []
    for time, dt in zip(times[1:], np.diff(times), strict=True):
        advance = marcher.advance(state, dt, PRESSURE, T_wall)
        assert advance is not None
        state = advance.state
        front = mass_mean(marcher, abs(state.fraction - start.fraction)) * length
        ratios.append(front / (pace * np.sqrt(DIFFUSIVITY * time)))
    return float(np.mean(ratios[steps // 2 :]))


@pytest.mark.parametrize(("T_start", "T_wall"), [(360.0, 330.0), (345.0, 375.0)], ids=["freezing", "melting"])
def test_stefan_front_matches_neumann_solution(T_start, T_wall):
    assert stefan_front(T_start, T_wall, cells=400, steps=600) == pytest.approx(1.0, abs=1e-3)


# -- finite cylinder --------------------------------------------------------------------------------


def finite_cylinder_excess(time, height):
    """Mean excess of a cylinder whose whole surface is held at the wall temperature (product solution)."""
    roots = np.array([brentq(j0, (n + 0.5) * np.pi, (n + 1) * np.pi) for n in range(60)])
    halves = (np.arange(200) + 0.5) * np.pi
    radial = (4 / roots**2 * np.exp(-(roots**2) * DIFFUSIVITY * time / RADIUS**2)).sum()
    axial = (2 / halves**2 * np.exp(-(halves**2) * DIFFUSIVITY * time / (0.5 * height) ** 2)).sum()
    return radial * axial


@pytest.mark.parametrize("height", [5e-3, 10e-3, 15e-3])
def test_finite_cylinder_gives_its_heat_as_the_product_of_bessel_and_cosine_series(height):
    _, system = salt_cylinder(cells=12, order=2, height=height)
    marcher = Marcher(system, inert(), tolerance=0.001)
    begin = cooled(marcher, 290.0, WALL)
    leg = Leg(hold("10 min"), (PRESSURE, PRESSURE), (WALL, WALL), 600.0)
    steps = list(marcher.march(begin, [leg]))
    time = np.array([step.state.time for step in steps])
    left = np.array([(mass_mean(marcher, step.state.temperature) - WALL) / 100.0 for step in steps])
    dying = left > 1e-4
    for given in (0.9, 0.99):
        exact = brentq(lambda t, g=given: finite_cylinder_excess(t, height) - (1 - g), 1.0, 500.0)
        # a dying exponential is straight in its logarithm
        found = np.interp(-np.log(1 - given), -np.log(left[dying]), time[dying])
        assert found == pytest.approx(exact, rel=5e-3)


# -- the die ----------------------------------------------------------------------------------------


def cooling_with_a_die(contact, order, h=200.0):
    geometry = Geometry(grading=0, radius="5 mm", height="8 mm", wall="4 mm", contact=contact, cells=4)
    marcher = Marcher(assemble(geometry, SALT, STEEL, h, order), inert())
    state = marcher.initial(COLD, PRESSURE)
    legs = [
        Leg(hold("20 s"), (PRESSURE, PRESSURE), (COLD, WALL), 20.0),
        Leg(hold("100 s"), (PRESSURE, PRESSURE), (WALL, WALL), 100.0),
    ]
    return marcher, state, list(marcher.march(state, legs))


@pytest.mark.parametrize("contact", ["all", "side", "ends"])
@pytest.mark.parametrize("order", [1, 2])
def test_heat_through_the_wall_is_what_pellet_and_die_lose(contact, order):
    marcher, begin, steps = cooling_with_a_die(contact, order)
    pellet_0, die_0 = marcher.energies(begin)
    pellet_1, die_1 = marcher.energies(steps[-1].state)
    through_wall = sum(step.wall_heat for step in steps)
    into_pellet = sum(step.pellet_heat for step in steps)
    lost = pellet_1 + die_1 - pellet_0 - die_0
    assert lost < -1.0  # joules: something flowed
    assert through_wall == pytest.approx(lost, rel=1e-9)
    assert into_pellet == pytest.approx(pellet_1 - pellet_0, rel=1e-9)
    # the pellet alone holds m c per kelvin
    mean = mass_mean(marcher, steps[-1].state.temperature)
    assert into_pellet == pytest.approx(marcher.mass * CAPACITY * (mean - COLD), rel=1e-9)


def test_an_excellent_contact_is_as_good_as_a_perfect_one():
    ideal, good, poor = (
        mass_mean(marcher, steps[-1].state.temperature) - WALL
        for marcher, _, steps in (cooling_with_a_die("all", 1, h) for h in (np.inf, 1e5, 1e3))
    )
    # the resistance 1/h, weighed against R/k = 0.01 m2 K/W, delays by 0.1 % a decay over several time constants
    assert good == pytest.approx(ideal, rel=2e-2)
    assert poor > 1.2 * ideal


def test_an_infinite_conductance_stands_for_perfect_contact():
    geometry = Geometry(cells=2, wall="0 mm")
    infinite, named = (assemble(geometry, SALT, None, h) for h in (np.inf, PERFECT_CONTACT))
    assert abs(infinite.stiffness - named.stiffness).max() == 0.0


def test_conduction_through_a_pellet_between_two_temperatures_is_ohmic():
    # stiffness of a bar of one radial cell: k A / L between its ends, doubled for both halves
    geometry = Geometry(grading=0, radius="1 mm", height="20 mm", wall="0 mm", contact="ends", cells=1)
    system = assemble(geometry, SALT, None, np.inf)
    z = system.points[1]
    heat = system.stiffness[: system.n_pellet, : system.n_pellet] @ z
    mirror = heat[np.isclose(z, 0)].sum()
    assert -mirror == pytest.approx(2 * CONDUCTIVITY * np.pi * 1e-6, rel=1e-12)


def test_no_heat_flows_where_everything_is_at_one_temperature():
    geometry = Geometry(cells=5, wall="3 mm")
    for order in (1, 2):
        stiffness = assemble(geometry, SALT, STEEL, 100.0, order).stiffness
        assert abs(stiffness @ np.ones(stiffness.shape[0])).max() < 1e-9 * abs(stiffness).max()
        assert abs(stiffness - stiffness.T).max() < 1e-12 * abs(stiffness).max()


def test_an_unknown_element_order_is_refused():
    with pytest.raises(InputError, match="element_order: must be 1 or 2, got 3"):
        assemble(Geometry(cells=2), SALT, None, 100.0, order=3)
