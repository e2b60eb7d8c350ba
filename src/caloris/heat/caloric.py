"""The barocaloric effect of a material: isothermal entropy and adiabatic temperature change.

The effect rests on two families of entropy curves, S_heating(T, p) and S_cooling(T, p). A process of one
direction follows one family and is labelled one-branch; what a cycle can use lies between the two families and
is labelled reversible. Units: K, MPa, J/(kg K). Source: quasi-direct method of Moya, Lloveras, Manosa and Tamarit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipp as sc

from caloris.errors import InputError
from caloris.heat.entropy_surfaces import EntropySurfaces
from caloris.heat.merit import Merit, Reversibility
from caloris.heat.processes import (
    BRANCHES,
    Process,
    entropy_difference,
    moving_branch,
    reversible_pressure,
    temperature_difference,
    usable,
    window,
)
from caloris.heat.two_phase import HYSTERESIS_UNKNOWN, Array, Branch, TwoPhase
from caloris.materials import Material, as_card
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class CaloricEffect:
    """The barocaloric effect on two branches; make one with :func:`caloric_effect`."""

    name: str
    surfaces: EntropySurfaces
    maximum_pressure: float | None = None
    """End of the measured pressure range, Pa; beyond it results are extrapolated."""
    assumed: tuple[str, ...] = ()
    """What is not known and taken, in words."""

    def __repr__(self) -> str:
        kind = "inverse" if self.surfaces.is_inverse else "conventional"
        return f"<CaloricEffect of {self.name}: {kind}; see .merits(pressure), .warnings(pressure), .plot()>"

    def transition_temperature(self, branch: Branch, pressure: Quantity) -> sc.Variable:
        """Return the transition temperature of a branch.

        Parameters
        ----------
        branch:
            ``"heating"``, ``"cooling"`` or ``"equilibrium"``.
        pressure:
            Scalar, in units of pressure.

        Returns
        -------
        :
            Scalar in K.

        Raises
        ------
        InputError
            If the branch is unknown or the pressure lies outside the model.

        Examples
        --------
        >>> round(float(caloric_effect("NH4SCN").transition_temperature("heating", "100 MPa").value), 2)
        334.0
        """
        _check_branch(branch)
        p = self._pressure(pressure)
        return sc.scalar(float(self.surfaces.transition_temperature(p, branch)), unit="K")

    def slope(self, branch: Branch, pressure: Quantity | None = None) -> sc.Variable:
        """Return dT/dp of a branch; errors as for :meth:`transition_temperature`.

        Parameters
        ----------
        branch:
            ``"heating"``, ``"cooling"`` or ``"equilibrium"`` (where it obeys Clausius-Clapeyron).
        pressure:
            Scalar; the card's reference pressure if absent.

        Returns
        -------
        :
            Scalar in K/MPa.
        """
        _check_branch(branch)
        p = self.surfaces.pressure if pressure is None else self._pressure(pressure)
        return sc.scalar(float(self.surfaces.slope(p, branch)) * 1e6, unit="K/MPa")

    def hysteresis(self, pressure: Quantity | None = None) -> sc.Variable:
        """Return T(heating) - T(cooling), scalar in K; errors as for :meth:`transition_temperature`.

        Parameters
        ----------
        pressure:
            Scalar; the card's reference pressure if absent.
        """
        p = self.surfaces.pressure if pressure is None else self._pressure(pressure)
        width = self.surfaces.transition_temperature(p, "heating") - self.surfaces.transition_temperature(p, "cooling")
        return sc.scalar(float(width), unit="K")

    def reversible_pressure(self) -> sc.Variable:
        """Return the least pressure at which a pressure cycle transforms there and back, in MPa.

        For an inverse effect the heating branch at that pressure meets the cooling branch at the reference
        pressure; for a conventional one the other way round. With straight branches this is the hysteresis
        divided by |dT/dp|, counted from zero pressure change.

        Returns
        -------
        :
            Pressure change from the reference pressure, scalar in MPa; 0 without hysteresis.

        Raises
        ------
        InputError
            If pressure does not move that branch, or no pressure within the model is high enough.

        Examples
        --------
        >>> round(float(caloric_effect("NH4SCN").reversible_pressure().value), 1)
        96.6
        """
        return sc.scalar(reversible_pressure(self.surfaces, self.name) / 1e6, unit="MPa")

    def entropy_change(
        self,
        pressure: Quantity,
        process: Process = "compression",
        *,
        low_pressure: Quantity | None = None,
        temperature: sc.Variable | None = None,
    ) -> sc.DataArray:
        """Return the isothermal entropy change over temperature.

        Parameters
        ----------
        pressure:
            The high pressure, scalar.
        process:
            ``"compression"``: S(p) - S(p_low) on the branch that compression follows; ``"decompression"``:
            S(p_low) - S(p) on the other branch; ``"reversible"``: what a cycle between the two can use, per
            compression, 0 where the transition does not come back.
        low_pressure:
            Scalar; the card's reference pressure if absent.
        temperature:
            Dimension ``temperature``, in K; by default a grid around the transitions that holds both sides of
            every step.

        Returns
        -------
        :
            Dimension ``temperature`` (K), in J/kg/K; the coordinate ``reversibility`` says what it is.

        Raises
        ------
        InputError
            If a pressure is outside the model, not above ``low_pressure``, or the process is unknown.

        Examples
        --------
        >>> float(caloric_effect("NH4SCN").entropy_change("80 MPa").max().value)
        128.7
        """
        curve = self.entropy_difference(pressure, process, low_pressure=low_pressure, temperature=temperature)
        return self.usable(curve) if process == "reversible" else curve

    def usable(self, curve: sc.DataArray, *, transition_only: bool = False) -> sc.DataArray:
        """Cut off what does not come back of a reversible entropy change.

        Parameters
        ----------
        curve:
            As :meth:`entropy_difference` gives it.
        transition_only:
            Whether to leave out the thermal expansion of the phases.

        Returns
        -------
        :
            Same shape and unit.
        """
        T, high, low = (curve.coords[name].values for name in ("temperature", "pressure", "low_pressure"))
        values = usable(
            self.surfaces,
            T,
            1e6 * float(high),
            1e6 * float(low),
            curve.values,
            "entropy",
            transition_only=transition_only,
        )
        return sc.DataArray(
            sc.array(dims=curve.dims, values=values, unit=curve.unit), coords=curve.coords, name=curve.name
        )

    def entropy_difference(
        self,
        pressure: Quantity,
        process: Process = "compression",
        *,
        low_pressure: Quantity | None = None,
        temperature: sc.Variable | None = None,
    ) -> sc.DataArray:
        """Return the difference of the two families of a process, before what does not come back is cut off.

        Parameters
        ----------
        pressure, process, low_pressure, temperature:
            As for :meth:`entropy_change`, with its errors.

        Returns
        -------
        :
            Dimension ``temperature`` (K), in J/kg/K.
        """
        high, low = self.pressures(pressure, low_pressure)
        T = self._temperatures(temperature, high, low)
        change = entropy_difference(self.surfaces, T, high, low, process)
        return self._curve(T, change, "J/kg/K", high, low, process, "isothermal entropy change")

    def temperature_change(
        self,
        pressure: Quantity,
        process: Process = "compression",
        *,
        low_pressure: Quantity | None = None,
        temperature: sc.Variable | None = None,
    ) -> sc.DataArray:
        """Return the adiabatic temperature change over the starting temperature; errors as for :meth:`entropy_change`.

        Parameters
        ----------
        pressure, process, low_pressure, temperature:
            As for :meth:`entropy_change`; the isentrope stays on one family (one-branch) or ends on the other.

        Returns
        -------
        :
            Dimension ``temperature`` (K, at the start), in K.

        Examples
        --------
        >>> bool(caloric_effect("NH4SCN").temperature_change("90 MPa").min().value < -20)
        True
        """
        high, low = self.pressures(pressure, low_pressure)
        T = self._temperatures(temperature, high, low)
        change = temperature_difference(self.surfaces, T, high, low, process)
        if process == "reversible":
            change = usable(self.surfaces, T, high, low, change, "temperature")
        return self._curve(T, change, "K", high, low, process, "adiabatic temperature change")

    def merits(self, pressure: Quantity, *, low_pressure: Quantity | None = None) -> dict[str, Merit]:
        """Return the figures of merit at a pressure, each with its definition; errors as for :meth:`entropy_change`.

        Parameters
        ----------
        pressure:
            The high pressure, scalar.
        low_pressure:
            Scalar; the card's reference pressure if absent.

        Returns
        -------
        :
            Merits by name; one-branch and reversible ones are told apart.

        Examples
        --------
        >>> round(caloric_effect("NH4SCN").merits("100 MPa")["relative_cooling_power"].value.value)
        3861
        """
        from caloris.heat.merit_table import merits

        return merits(self, pressure, low_pressure)

    def warnings(self, pressure: Quantity, *, low_pressure: Quantity | None = None) -> list[str]:
        """Return what a reader must know of results at this pressure.

        Parameters
        ----------
        pressure, low_pressure:
            As for :meth:`merits`.

        Returns
        -------
        :
            One sentence each: extrapolation, values that no cycle can use, what is taken because nobody measured it.
        """
        p, p_low = self.pressures(pressure, low_pressure)
        found = list(self.assumed)
        if self.maximum_pressure is not None and p > self.maximum_pressure * (1 + 1e-9):
            found.append(
                f"{p / 1e6:g} MPa lies beyond the measured range of the transition "
                f"(up to {self.maximum_pressure / 1e6:g} MPa): extrapolated along straight branches."
            )
        if isinstance(self.surfaces, TwoPhase):
            T = self.surfaces.transition_temperature(p, moving_branch(self.surfaces))
            change = float(self.surfaces.delta_entropy(T, p)) / self.surfaces.entropy_change - 1
            if abs(change) > 0.05:
                found.append(
                    f"At {p / 1e6:g} MPa the entropy change of the transition is {100 * change:+.0f} % off the card's: "
                    "extrapolated with the different heat capacities and expansions of the two phases."
                )
        if window(self.surfaces, p, p_low) <= 0:
            found.append(
                f"Between {p_low / 1e6:g} and {p / 1e6:g} MPa no temperature lets the transition go there and back "
                "(see the reversible pressure): its entropy and temperature change are one-branch values."
            )
        return found

    def plot(
        self,
        pressures: Sequence[Quantity] = ("20 MPa", "40 MPa", "60 MPa", "80 MPa", "100 MPa"),
        *,
        low_pressure: Quantity | None = None,
    ) -> "Figure":
        """Draw entropy change, temperature change and phase diagram; returns a matplotlib figure.

        Parameters
        ----------
        pressures:
            High pressures, at least one; errors as for :meth:`entropy_change`.
        low_pressure:
            Scalar; the card's reference pressure if absent.
        """
        from caloris.heat.figures import caloric_figure

        return caloric_figure(self, list(pressures), low_pressure)

    @property
    def hysteresis_is_known(self) -> bool:
        """Whether the hysteresis was measured; if not, what is called reversible is an upper bound."""
        return HYSTERESIS_UNKNOWN not in self.assumed

    def _pressure(self, pressure: Quantity) -> float:
        p = magnitude(pressure, "MPa", "pressure") * 1e6
        if p < 0:
            raise InputError(f"pressure: must not be negative, got {p / 1e6:g} MPa")
        lowest, highest = self.surfaces.pressure_range
        if not lowest - 1.0 <= p <= highest + 1.0:
            raise InputError(
                f"pressure: {p / 1e6:g} MPa lies outside the data of {self.name} "
                f"({lowest / 1e6:g} to {highest / 1e6:g} MPa); choose one within"
            )
        heating, cooling = (float(self.surfaces.transition_temperature(p, branch)) for branch in ("heating", "cooling"))
        if isinstance(self.surfaces, TwoPhase) and heating < cooling - 1e-9 * heating:
            raise InputError(
                f"pressure: {p / 1e6:g} MPa lies outside the model of {self.name}: the heating branch "
                "(straight line from the card) would fall below the cooling branch there"
            )
        return p

    def pressures(self, pressure: Quantity, low_pressure: Quantity | None) -> tuple[float, float]:
        """Check a pair of pressures; returns high and low, Pa."""
        high = self._pressure(pressure)
        low = self.surfaces.pressure if low_pressure is None else self._pressure(low_pressure)
        if high <= low:
            raise InputError(f"pressure: {high / 1e6:g} MPa is not above the low pressure {low / 1e6:g} MPa")
        return high, low

    def _temperatures(self, temperature: sc.Variable | None, high: float, low: float) -> Array:
        if temperature is not None:
            if not isinstance(temperature, sc.Variable):
                raise InputError(f"temperature: expected a scipp array, got {type(temperature).__name__}")
            if temperature.dims != ("temperature",):
                raise InputError(f"temperature: expected the dimension 'temperature', got {temperature.dims}")
            if temperature.unit != sc.Unit("K"):
                raise InputError(f"temperature: expected the unit K, got {temperature.unit}")
            values = np.asarray(temperature.to(unit="K", dtype="float64").values)
            if not np.all(np.isfinite(values)) or np.any(values <= 0):
                raise InputError("temperature: must be finite and above 0 K")
            return values
        steps, (first, last) = self._transition_temperatures(high, low), self.transition_span(high, low)
        margin = max(12.0, 0.25 * (last - first))
        grid = np.linspace(first - margin, last + margin, 400)
        # both sides of each step, so that heights, widths and areas of a sharp transition are exact
        sides = [np.nextafter(T, 0.0) for T in steps]
        within = [np.linspace(*self.surfaces.transition_range(p, b), 120) for p in (high, low) for b in BRANCHES]
        return np.unique(np.concatenate([grid, steps, sides, *within]))

    def _transition_temperatures(self, high: float, low: float) -> list[float]:
        """Transition temperatures of both branches at both pressures, K."""
        return [float(self.surfaces.transition_temperature(p, b)) for p in (high, low) for b in BRANCHES]

    def transition_span(self, high: float, low: float) -> tuple[float, float]:
        """Return the lowest beginning and the highest end of the transitions of both branches at two pressures, K."""
        ranges = [self.surfaces.transition_range(p, b) for p in (high, low) for b in BRANCHES]
        return min(begin for begin, _ in ranges), max(end for _, end in ranges)

    def reversibility(self, process: str) -> Reversibility:
        """Return how far a result of a process holds for a cycle."""
        if process != "reversible":
            return "one-branch"
        return "reversible" if self.hysteresis_is_known else "upper bound"

    def _curve(
        self, T: Array, values: Array, unit: str, high: float, low: float, process: str, name: str
    ) -> sc.DataArray:
        return sc.DataArray(
            sc.array(dims=["temperature"], values=values, unit=unit),
            coords={
                "temperature": sc.array(dims=["temperature"], values=T, unit="K"),
                "pressure": sc.scalar(high / 1e6, unit="MPa"),
                "low_pressure": sc.scalar(low / 1e6, unit="MPa"),
                "process": sc.scalar(process),
                "reversibility": sc.scalar(self.reversibility(process)),
            },
            name=f"{name} of {self.name}, {process} ({self.reversibility(process)})",
        )


def caloric_effect(material: Material | str, transition: str | None = None, /, **overrides: Quantity) -> CaloricEffect:
    """Return the barocaloric effect of a material card.

    Parameters
    ----------
    material:
        A card, see :func:`caloris.materials.load`, or the name of one.
    transition:
        Name of the transition; the first complete one if absent.
    overrides:
        Values that replace the card's, for example ``heat_capacity="1700 J/kg/K"``.

    Returns
    -------
    :
        The effect, with transitions as sharp as the card's single temperatures.

    Raises
    ------
    InputError
        If the card lacks a value that the effect needs.

    Examples
    --------
    >>> caloric_effect("NH4SCN").slope("heating")
    <scipp.Variable> ()    float64        [K/MPa]  -0.3003
    """
    material = as_card(material)
    entry = material.transition(transition)
    limit = None if entry.maximum_pressure is None else entry.maximum_pressure.to("Pa")
    model = TwoPhase.from_material(material, transition, **overrides)
    return CaloricEffect(material.name, model, limit, model.assumed)


def _check_branch(branch: str) -> None:
    if branch not in ("heating", "cooling", "equilibrium"):
        raise InputError(f"branch: {branch!r} is none of 'heating', 'cooling', 'equilibrium'")
