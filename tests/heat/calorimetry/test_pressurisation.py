"""Heat of pressing and releasing at held temperature: made-up strokes of known heat, and the cycle of a battery."""

from functools import cache

import numpy as np
import pytest
import scipp as sc
from scipy.special import ndtr

from caloris.errors import InputError
from caloris.heat import Battery, Geometry, caloric_effect
from caloris.heat.calorimetry import Recording, pressurisation, recording, uncertainties

MASS = 20.0  # mg
CHARGE, DISCHARGE = 43.0e3, -41.0e3  # J/kg
TIME = np.arange(0.0, 12000.0, 0.5)
TEMPERATURE = np.interp(TIME, [0, 4000, 5000, 12000], [349.0, 349.0, 313.0, 313.0])


def stroke(start, heat, width=60.0):
    """Heat flow (W/kg) that rises at once and decays: its integral is the heat."""
    t = TIME - start
    smooth = ndtr((t - 3 * width) / (width / 4))
    return (
        heat
        * smooth
        * np.exp(-np.clip(t - 3 * width, 0, None) / width)
        / np.trapezoid(smooth * np.exp(-np.clip(t - 3 * width, 0, None) / width), TIME)
    )


PRESSURE = np.interp(TIME, [0, 1180, 1190, 8180, 8190, 12000], [8.2, 8.2, 90.0, 90.0, 8.2, 8.2])
CELL = 2.0 + 1e-4 * TIME + 4.0 * np.gradient(PRESSURE, TIME) - 30 * np.gradient(TEMPERATURE, TIME)
"""Heat flow of the empty cell, mW: drift, gas that is pressed, and a heat capacity."""


def run_of(flow, *, mass=MASS, unit="mW", pressure=PRESSURE, time=TIME, T=TEMPERATURE):
    return Recording(
        recording(time, T, flow, unit=unit, pressure=pressure),
        name="made up",
        mass=None if mass is None else sc.scalar(mass, unit="mg"),
    )


def sample():
    """mW of the sample alone."""
    return (stroke(1000, CHARGE) + stroke(8000, DISCHARGE)) * MASS * 1e-3


def test_charge_and_discharge_have_their_heat():
    run = pressurisation(run_of(sample() + 1.5))
    assert [s.kind for s in run.strokes] == ["charge", "discharge"]
    assert [s.heat.value for s in run.strokes] == pytest.approx([CHARGE, DISCHARGE], rel=5e-3)
    assert [s.temperature.value for s in run.strokes] == pytest.approx([349.0, 313.0])
    assert [[p.value for p in s.pressure] for s in run.strokes] == [pytest.approx([8.2, 90]), pytest.approx([90, 8.2])]
    assert [s.start.value for s in run.strokes] == pytest.approx([1120, 8120], abs=80)
    assert any("no empty-cell run" in line for line in run.remarks)


def test_the_empty_cell_is_subtracted_exactly():
    bare = pressurisation(run_of(sample()))
    net = pressurisation(run_of(sample() + CELL), blank=run_of(CELL, mass=None))
    np.testing.assert_allclose(
        net.heat_flow.values, bare.heat_flow.values, atol=1e-9 * np.abs(bare.heat_flow.values).max()
    )
    assert [s.heat.value for s in net.strokes] == pytest.approx([s.heat.value for s in bare.strokes], rel=1e-6)
    assert net.remarks == ()


def test_an_empty_cell_that_began_at_another_time_is_still_subtracted():
    blank = run_of(CELL, mass=None, time=TIME + 5000.0)
    net = pressurisation(run_of(sample() + CELL), blank=blank)
    assert [s.heat.value for s in net.strokes] == pytest.approx([CHARGE, DISCHARGE], rel=5e-3)


def test_intervals_hold_mass_sensitivity_and_noise():
    rng = np.random.default_rng(1)
    noisy = sample() + 0.02 * np.abs(sample()).max() * rng.standard_normal(len(TIME))
    for mass in (0.01, 0.02):
        errors = uncertainties(mass=f"{mass}", sensitivity="0 %")
        run = pressurisation(run_of(noisy), blank=run_of(0 * CELL, mass=None), errors=errors)
        for s, true in zip(run.strokes, (CHARGE, DISCHARGE), strict=True):
            assert s.heat.error == pytest.approx(mass * abs(true), rel=0.25)
            assert abs(s.heat.value - true) < 3 * mass * abs(true)
    again = pressurisation(run_of(noisy), blank=run_of(0 * CELL, mass=None), errors=errors)
    assert again.strokes == run.strokes


def test_heat_flow_per_mass_needs_no_mass():
    run = pressurisation(run_of(stroke(1000, CHARGE) + stroke(8000, DISCHARGE), mass=None, unit="mW/g"))
    assert [s.heat.value for s in run.strokes] == pytest.approx([CHARGE, DISCHARGE], rel=5e-3)


def test_without_a_pressure_signal_there_is_no_expectation():
    run = pressurisation(run_of(sample(), pressure=None), effect=caloric_effect("NH4SCN"))
    assert [s.pressure for s in run.strokes] == [None, None]
    assert [s.expected for s in run.strokes] == [None, None]
    assert [s.difference for s in run.strokes] == [None, None]


# -- a battery -----------------------------------------------------------------------------------------


@cache
def cycle():
    """Fig. 1c of Zhang et al. (2023) with holds of 40 min."""
    return Battery("NH4SCN", geometry=Geometry(cells=4)).run(
        [
            "Press from 8.2 to 90 MPa at 349 K in 10 s",
            "Hold for 40 min",
            "Cool to 313 K at 3 K/min",
            "Hold for 40 min",
            "Release to 8.2 MPa in 10 s",
            "Hold for 40 min",
        ]
    )


def recorded(quiet=600.0):
    """What a calorimeter records of it, from ten minutes before."""
    c = cycle()
    t = c.heat_flow.coords["time"].values
    time = np.arange(-quiet, t[-1], 0.5)
    flow = np.where(time < 0, 0.0, np.interp(time, t, c.heat_flow.values))
    T, p = (np.interp(time, t, curve.values) for curve in (c.wall_temperature, c.pressure))
    mass = float(c.mass.to(unit="mg").value)
    return Recording(
        recording(time + quiet, T, flow * mass * 1e-3, pressure=p), name="battery", mass=sc.scalar(mass, unit="mg")
    )


def test_the_heat_of_a_battery_comes_back_within_one_per_cent():
    charge, discharge = pressurisation(recorded()).strokes
    heat = cycle().heat
    assert (charge.kind, discharge.kind) == ("charge", "discharge")
    assert charge.heat.value / 1e3 == pytest.approx(float(heat.charged.to(unit="J/g").value), rel=0.01)
    assert -discharge.heat.value / 1e3 == pytest.approx(float(heat.discharged.to(unit="J/g").value), rel=0.01)


def test_t_ds_stands_beside_the_heat():
    effect = caloric_effect("NH4SCN")
    run = pressurisation(recorded(), effect=effect)
    for s, (high, low, process) in zip(
        run.strokes, [("90 MPa", "8.2 MPa", "compression"), ("90 MPa", "8.2 MPa", "decompression")], strict=True
    ):
        T = sc.array(dims=["temperature"], values=[s.temperature.value], unit="K")
        dS = effect.entropy_change(high, process, low_pressure=low, temperature=T)
        assert s.expected.value == pytest.approx(s.temperature.value * float(dS.values[0]), rel=1e-6)
        assert s.difference == pytest.approx(s.heat.value / s.expected.value - 1)
    charge, discharge = run.strokes
    # what hysteresis dissipates is missing in the charge and comes on top of the discharge
    assert -0.1 < charge.difference < 0 < discharge.difference < 0.1
    assert "T dS" in run.summary()


# -- what is refused -----------------------------------------------------------------------------------


def test_a_heating_scan_is_no_pressurisation():
    heated = np.linspace(300, 400, len(TIME))
    with pytest.raises(InputError, match="no temperature is held"):
        pressurisation(run_of(sample(), T=heated))


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_run_without_strokes_is_refused(noise):
    flow = 1.0 + noise * np.random.default_rng(2).standard_normal(len(TIME))
    with pytest.raises(InputError, match="no charge or discharge rises above the noise"):
        pressurisation(run_of(flow))


def test_a_blank_that_does_not_fit_is_refused():
    short = slice(0, len(TIME) // 2)
    blank = run_of(CELL[short], mass=None, time=TIME[short], T=TEMPERATURE[short], pressure=None)
    with pytest.raises(InputError, match="it lasts 6000 s, the run 12000 s"):
        pressurisation(run_of(sample()), blank=blank)
    with pytest.raises(InputError, match="blank must be in mW"):
        pressurisation(run_of(sample()), blank=run_of(CELL, mass=None, unit="mW/g"))
    with pytest.raises(InputError, match="needs its mass"):
        pressurisation(run_of(sample(), mass=None, unit="mW/g"), blank=run_of(CELL, mass=None))
    with pytest.raises(InputError, match="states no mass"):
        pressurisation(run_of(sample(), mass=None))
