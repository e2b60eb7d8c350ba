"""The figure of a magnetocaloric material: M(T), entropy change by both routes, Arrott plot, field exponent.

Made without pyplot, so nothing pops up and nothing is global. Temperatures in K, fields in T.
"""

from typing import TYPE_CHECKING

import numpy as np
import scipp as sc

from caloris.heat.magnetocaloric.critical import arrott_plot, field_exponent
from caloris.heat.magnetocaloric.heat_capacity import HeatCapacityEntropy
from caloris.heat.magnetocaloric.maxwell import maxwell_entropy_change
from caloris.units import Quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def magnetocaloric_figure(
    magnetisation: sc.DataArray,
    *,
    density: Quantity | None = None,
    field_change: Quantity | None = None,
    heat_capacity: HeatCapacityEntropy | None = None,
    title: str = "",
) -> "Figure":
    """Draw magnetisation, entropy change, Arrott plot and field exponent.

    Parameters
    ----------
    magnetisation:
        Over ``field`` and ``temperature``, in A/m or A*m^2/kg.
    density:
        Scalar, kg/m^3; needed where the magnetisation is per volume.
    field_change:
        Scalar, T, of the entropy change in the second panel; the whole range of fields if absent.
    heat_capacity:
        From :func:`entropy_from_heat_capacity`, drawn beside the Maxwell route.
    title:
        Name of the material.

    Returns
    -------
    :
        Four panels.

    Raises
    ------
    InputError
        As for :func:`maxwell_entropy_change`, :func:`arrott_plot` and :func:`field_exponent`.
    """
    from matplotlib.figure import Figure

    changes = maxwell_entropy_change(magnetisation, density=density)
    fields = changes.coords["field"].values
    change = field_change if field_change is not None else sc.scalar(float(fields[-1] - fields[0]), unit="T")
    figure = Figure(figsize=(9.5, 7.2), layout="constrained")
    axes = figure.subplots(2, 2)
    _draw_magnetisation(axes[0, 0], magnetisation)
    _draw_entropy(axes[0, 1], magnetisation, density, change, heat_capacity)
    _draw_arrott(axes[1, 0], magnetisation)
    _draw_exponent(axes[1, 1], changes)
    if title:
        figure.suptitle(title, fontsize=10)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.xaxis.label.set_fontsize(9)
        axis.yaxis.label.set_fontsize(9)
    return figure


def _some(number: int, most: int = 6) -> list[int]:
    """Rows to draw: at most so many, evenly spread, the last among them."""
    return sorted({round(i) for i in np.linspace(0, number - 1, min(number, most))})


def _style(T: np.ndarray) -> str:
    """Dots where there are few enough to be told apart."""
    return "o-" if len(T) <= 40 else "-"


def _draw_magnetisation(axis: "Axes", magnetisation: sc.DataArray) -> None:
    from caloris.heat.figures import SEQUENCE

    per_volume = magnetisation.unit == sc.Unit("A/m")
    fields = magnetisation.coords["field"].values
    T = magnetisation.coords["temperature"].values
    chosen = _some(len(fields))
    for number, row in enumerate(chosen):
        colour = SEQUENCE(0.9 * number / max(1, len(chosen) - 1))
        values = magnetisation.values[row] * (1e-3 if per_volume else 1.0)
        axis.plot(T, values, _style(T), ms=3, lw=1.2, color=colour, label=f"{fields[row]:.3g} T")
    unit = "kA/m" if per_volume else "A m²/kg"
    axis.set(xlabel="Temperature (K)", ylabel=f"Magnetisation ({unit})")
    axis.legend(title="μ₀H", fontsize=7, title_fontsize=7, frameon=False)


def _draw_entropy(
    axis: "Axes",
    magnetisation: sc.DataArray,
    density: Quantity | None,
    change: Quantity,
    heat_capacity: HeatCapacityEntropy | None,
) -> None:
    from caloris.heat.figures import COLD, HOT, QUIET
    from caloris.units import magnitude

    curve = maxwell_entropy_change(magnetisation, density=density, field_change=change)
    T = curve.coords["temperature"].values
    axis.plot(T, curve.values, _style(T), ms=4, lw=1.4, color=COLD, label="Maxwell, from M")
    if curve.variances is not None:
        axis.errorbar(T, curve.values, np.sqrt(curve.variances), fmt="none", color=COLD, lw=1)
    if heat_capacity is not None:
        other = heat_capacity.entropy_change(change)
        axis.plot(
            other.coords["temperature"].values,
            other.values,
            "s--",
            ms=4,
            lw=1.4,
            color=HOT,
            label="from heat capacity",
        )
        axis.set_title(f"anchor of the heat capacity: {heat_capacity.anchor}", fontsize=6.5, color=QUIET)
    axis.axhline(0, color=QUIET, lw=0.6)
    amount = magnitude(change, "T", "field_change")
    axis.set(xlabel="Temperature (K)", ylabel="Isothermal entropy change (J/(kg K))")
    axis.legend(title=f"field change {amount:.3g} T", fontsize=7, title_fontsize=7, frameon=False)


def _draw_arrott(axis: "Axes", magnetisation: sc.DataArray) -> None:
    from caloris.heat.figures import INK, SEQUENCE

    plot = arrott_plot(magnetisation)
    per_volume = magnetisation.unit == sc.Unit("A/m")
    T = plot.intercept.coords["temperature"].values
    scale, ratio_scale = (1e-10, 1e6) if per_volume else (1e-3, 1e3)
    # far above the Curie temperature B/M runs away and would squeeze the rest
    limit = 4 * np.nanmedian(plot.ratio.values[-1])
    drawn = _some(len(T), 13)
    labelled = {drawn[place] for place in _some(len(drawn))}
    for number in drawn:
        colour = SEQUENCE(0.9 * number / max(1, len(T) - 1))
        label = f"{T[number]:.4g} K" if number in labelled else None
        ratio, square = plot.ratio.values[:, number], plot.square.values[:, number]
        axis.plot(ratio * ratio_scale, square * scale, "o-", ms=2.5, lw=1, color=colour, label=label)
    units = ("10⁻⁶ T m/A", "10¹⁰ A²/m²") if per_volume else ("10⁻³ T kg/(A m²)", "10³ A² m⁴/kg²")
    axis.set(xlabel=f"μ₀H/M ({units[0]})", ylabel=f"M² ({units[1]})")
    if np.isfinite(limit) and limit > 0:
        axis.set_xlim(0, limit * ratio_scale)
    axis.set_ylim(bottom=0)
    found = (
        "no Curie temperature" if plot.curie_temperature is None else f"A = 0 at {plot.curie_temperature.value:.1f} K"
    )
    words = f"slopes {'negative: first' if plot.order == 'first' else 'positive: second'} order (Banerjee)\n{found}"
    axis.text(0.98, 0.52, words, transform=axis.transAxes, ha="right", fontsize=7.5, color=INK)
    axis.legend(fontsize=7, frameon=False, loc="upper right")


def _draw_exponent(axis: "Axes", changes: sc.DataArray) -> None:
    from caloris.heat.figures import QUIET, SEQUENCE

    n = field_exponent(changes)
    fields, T = n.coords["field"].values, n.coords["temperature"].values
    chosen = _some(len(fields))
    for number, row in enumerate(chosen):
        colour = SEQUENCE(0.9 * number / max(1, len(chosen) - 1))
        axis.plot(T, n.values[row], _style(T), ms=3, lw=1.2, color=colour, label=f"{fields[row]:.3g} T")
    axis.axhline(2, color=QUIET, lw=0.8, ls="--")
    axis.text(T[0], 2.02, "above: first order", fontsize=7, color=QUIET, va="bottom")
    axis.axhline(1, color=QUIET, lw=0.6, ls=":")
    axis.set(xlabel="Temperature (K)", ylabel="Field exponent n = d ln|ΔS| / d ln B")
    finite = n.values[np.isfinite(n.values)]
    axis.set_ylim(0, max(2.3, 1.05 * float(finite.max()) if finite.size else 0.0))
    axis.legend(title="μ₀H", fontsize=7, title_fontsize=7, frameon=False, loc="lower right")
