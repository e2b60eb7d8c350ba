"""Measured La-Fe-Co-Si (LaFe11.06Co0.86Si1.08, Maiorino et al., Energies 12, 1871 (2019)): both routes, order, figure.

Density: 6980 kg/m3, as the authors' code has it (github.com/LTFUNISA/ANNMagnetocaloricProperties, MCM_database.m).
"""

import os
from pathlib import Path

import numpy as np
import pytest

from caloris.heat import full_width_half_maximum, refrigerant_capacity, relative_cooling_power
from caloris.heat.magnetocaloric import (
    arrott_plot,
    entropy_from_heat_capacity,
    entropy_peak,
    field_exponent,
    magnetocaloric_figure,
    maxwell_entropy_change,
    maxwell_temperature_change,
    read_table,
)

DATA = Path(os.environ.get("CALORIS_DATA", Path(__file__).parents[4] / "shared" / "data")) / "magnetocaloric"
DENSITY = "6980 kg/m^3"
pytestmark = pytest.mark.skipif(
    not (DATA / "mag_table_Specimen1.txt").exists(), reason=f"no measured tables in {DATA}; set CALORIS_DATA"
)


@pytest.fixture(scope="module")
def magnetisation():
    return read_table(DATA / "mag_table_Specimen1.txt", unit="A/m")


@pytest.fixture(scope="module")
def heat_capacity():
    return read_table(DATA / "cp_table_Specimen1.txt", "heat_capacity", unit="J/kg/K")


def at(curve, temperature):
    return float(curve.values[np.argmin(np.abs(curve.coords["temperature"].values - temperature))])


def test_maxwell_entropy_change_peaks_at_277_kelvin(magnetisation):
    found = maxwell_entropy_change(magnetisation, density=DENSITY, field_change="0.9 T")
    largest = entropy_peak(found)
    assert largest.temperature.value == 277.5
    assert largest.value.value == pytest.approx(-5.29, rel=0.02)
    assert not largest.is_inverse
    assert full_width_half_maximum(found).value == pytest.approx(16.0, abs=0.1)
    assert relative_cooling_power(found).value > refrigerant_capacity(found).value > 0


def test_heat_capacity_route_agrees_with_its_anchor_stated(heat_capacity):
    result = entropy_from_heat_capacity(heat_capacity, anchor="zero")
    assert result.anchor == "no entropy change at 252 K, the lowest temperature (assumed)"
    change = result.entropy_change("0.9 T")
    assert at(change, 275) == pytest.approx(-5.05, rel=0.02)
    # above the Curie temperature a field cannot raise the entropy: that is the error of the assumed anchor
    assert change.values[-1] > 0


def test_anchor_from_maxwell_makes_the_entropy_change_negative_everywhere(magnetisation, heat_capacity):
    changes = maxwell_entropy_change(magnetisation, density=DENSITY)
    result = entropy_from_heat_capacity(heat_capacity, anchor=changes)
    assert result.anchor_temperature.value == 256
    assert np.all(result.entropy_change("0.9 T").values < 0)


def test_adiabatic_temperature_change_by_both_routes(magnetisation, heat_capacity):
    changes = maxwell_entropy_change(magnetisation, density=DENSITY)
    calorimetric = entropy_from_heat_capacity(heat_capacity, anchor=changes).temperature_change("0.9 T")
    mixed = maxwell_temperature_change(magnetisation, heat_capacity, density=DENSITY, field_change="0.9 T")
    assert np.nanmax(calorimetric.values) == pytest.approx(np.nanmax(mixed.values), rel=0.05)
    assert 1.8 < np.nanmax(mixed.values) < 2.2


def test_transition_is_of_second_order(magnetisation):
    changes = maxwell_entropy_change(magnetisation, density=DENSITY)
    assert field_exponent(changes, method="fit").values.max() == pytest.approx(1.98, abs=0.005)
    n = field_exponent(changes)
    fields = n.coords["field"].values
    assert n.values[fields > 0.39].max() <= 1.98
    # at the lowest fields the far paramagnet reaches 2 within the digits of the table, and not more
    assert n.values.max() < 2.01
    plot = arrott_plot(magnetisation)
    assert plot.order == "second"
    assert plot.curie_temperature.value == pytest.approx(276.2, abs=0.5)


def test_figure_shows_the_curves(magnetisation, heat_capacity):
    cp = entropy_from_heat_capacity(heat_capacity, anchor="zero")
    figure = magnetocaloric_figure(
        magnetisation, density=DENSITY, field_change="0.9 T", heat_capacity=cp, title="La-Fe-Co-Si"
    )
    axes = figure.axes
    assert len(axes) == 4
    line = axes[1].lines[0]
    found = maxwell_entropy_change(magnetisation, density=DENSITY, field_change="0.9 T")
    np.testing.assert_allclose(line.get_ydata(), found.values)
    assert "assumed" in axes[1].get_title()
    assert any("276" in text.get_text() for text in axes[2].texts)
