"""The thermal battery: a pellet of caloric material in a press die, run through a protocol.

battery = Battery(load("NH4SCN"), contact_conductance="100 W/m^2/K")
cycle = battery.run("fig-1c")
"""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from caloris.errors import InputError
from caloris.heat.battery.geometry import Geometry
from caloris.heat.battery.logistic import Logistic
from caloris.heat.battery.protocol import Protocol, Step, parse_protocol
from caloris.heat.battery.transition import Hysteresis, TransitionModel
from caloris.heat.two_phase import TwoPhase
from caloris.materials import Material, Status, as_card
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from caloris.heat.battery.conduction import ConductionSystem, Solid
    from caloris.heat.battery.cycle import Cycle

TransitionName = Literal["hysteresis", "paper"]
DEFAULT_WIDTH = 0.2
"""Ramp width of each branch, K: a guess, sharp against the hysteresis of any known material."""


@dataclass(frozen=True)
class Battery:
    """A pellet of caloric material in a press die with a thermostatted outer wall.

    Parameters
    ----------
    material:
        A card, or the name of one.
    contact_conductance:
        h between pellet and die (W/m^2/K), or ``"perfect"``. The paper's Fig. 1c uses 100 W/m^2/K.
    geometry:
        Shape and mesh.
    die:
        Card (or its name) of the die material.
    transition:
        ``"hysteresis"`` (thermodynamically consistent play between two branches) or ``"paper"`` (eqs 11-12 of
        Zhang et al. 2023).
    transition_width:
        Ramp width of each branch, K.
    relaxation_time:
        The fraction follows its branch with this time constant, s.
    conductivity:
        Thermal conductivity of the pellet; the mean over the two phases of the card if absent.
    element_order:
        1 (nodal enthalpy method) or 2 (biquadratic elements, for smooth problems).
    tolerance:
        Error aimed at per time step, root mean square over the pellet, as a part of the latent heat; a step of about
        twice that is repeated, shorter.
    card_transition:
        Name of the transition on the card; the first complete one if absent.
    overrides:
        Values that replace the card's, as for :meth:`caloris.heat.TwoPhase.from_material`.

    Raises
    ------
    InputError
        If a value is missing on the card or wrong.

    Examples
    --------
    >>> battery = Battery("NH4SCN", contact_conductance="100 W/m^2/K", geometry=Geometry(cells=4))
    >>> cycle = battery.run(["Press from 8.2 to 90 MPa at 349 K in 10 s", "Hold until heat flow < 1 mW/g"])
    >>> bool(41 < cycle.heat.charged.value < 43)
    True
    """

    material: Material | str
    _: KW_ONLY
    contact_conductance: Quantity = "100 W/m^2/K"
    geometry: Geometry = field(default_factory=Geometry)
    die: Material | str = "steel-4340"
    transition: TransitionName = "hysteresis"
    transition_width: Quantity = "0.2 K"
    relaxation_time: Quantity = "0 s"
    conductivity: Quantity | None = None
    element_order: int = 1
    tolerance: float = 0.005
    card_transition: str | None = None
    overrides: dict[str, Quantity] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("material", "die"):
            object.__setattr__(self, name, as_card(getattr(self, name), name))
        if self.transition not in get_args(TransitionName):
            raise InputError(f"transition: {self.transition!r} is neither 'hysteresis' nor 'paper'")
        if not isinstance(self.geometry, Geometry):
            raise InputError("geometry: expected a caloris.heat.Geometry")
        if not isinstance(self.overrides, dict):
            raise InputError("overrides: expected a dictionary such as {'heat_capacity': '1700 J/kg/K'}")
        if isinstance(self.tolerance, bool) or not isinstance(self.tolerance, int | float):
            raise InputError(f"tolerance: expected a number, got {self.tolerance!r}")
        if not 1e-6 <= self.tolerance <= 0.5:
            raise InputError(f"tolerance: must lie between 1e-6 and 0.5, got {self.tolerance:g}")
        if self.element_order not in (1, 2):
            raise InputError(f"element_order: must be 1 or 2, got {self.element_order!r}")
        if self.transition == "paper":
            self._check_paper()
        if self._thermodynamics.volume != self._thermodynamics.volume:
            low = self.card.transition(self.card_transition).low
            raise InputError(
                f"{self.card.name}: the phase {low!r} has no density; add it to a copy of the card or to the overrides"
            )
        _ = self.transition_model, self.conductance, self.pellet, self.die_solid

    def _check_paper(self) -> None:
        """Eqs 11-12 are about one material, and leave nothing else to choose."""
        if self.card.formula != "NH4SCN":
            raise InputError(
                f"transition: eqs 11-12 ('paper') hold for NH4SCN, not for {self.card.name}; use 'hysteresis'"
            )
        fixed = [name for name in self.overrides if name not in ("heat_capacity", "entropy_change", "density")]
        if magnitude(self.transition_width, "K", "transition_width", interval=True) != DEFAULT_WIDTH:
            fixed.append("transition_width")
        if magnitude(self.relaxation_time, "s", "relaxation_time") != 0:
            fixed.append("relaxation_time")
        if fixed:
            raise InputError(f"{fixed[0]}: has no effect on eqs 11-12 (transition 'paper'); leave it out")

    @property
    def card(self) -> Material:
        """The card of the caloric material."""
        assert isinstance(self.material, Material)
        return self.material

    @property
    def _thermodynamics(self) -> TwoPhase:
        return TwoPhase.from_material(self.card, self.card_transition, **self.overrides)

    @property
    def transition_model(self) -> TransitionModel:
        """The rule for the phase fraction and its thermodynamics."""
        model = self._thermodynamics
        width = magnitude(self.transition_width, "K", "transition_width", positive=True, interval=True)
        relaxation = magnitude(self.relaxation_time, "s", "relaxation_time")
        if self.transition == "paper":
            return Logistic.of(model)
        return Hysteresis(model, width, relaxation)

    @property
    def conductance(self) -> float:
        """Contact conductance, W/(m2 K); infinite for perfect contact."""
        if self.contact_conductance == "perfect":
            return float("inf")
        return magnitude(self.contact_conductance, "W/m^2/K", "contact_conductance", positive=True)

    @property
    def pellet(self) -> "Solid":
        """Density, heat capacity and conductivity of the pellet."""
        from caloris.heat.battery.conduction import Solid

        model = self._thermodynamics
        return Solid(1 / model.volume, model.low.heat_capacity, self._conductivity())

    @property
    def die_solid(self) -> "Solid | None":
        """Density, heat capacity and conductivity of the die, if there is one."""
        from caloris.heat.battery.conduction import Solid

        if not self.geometry.has_die:
            return None
        assert isinstance(self.die, Material)
        phase = next(iter(self.die.phases.values()))
        values = []
        for name, unit in (
            ("density", "kg/m^3"),
            ("heat_capacity", "J/kg/K"),
            ("thermal_conductivity", "W/m/K"),
        ):
            value = getattr(phase, name)
            if value is None:
                raise InputError(f"die {self.die.name}: its card has no {name}")
            values.append(value.to(unit))
        return Solid(*values)

    def system(self) -> "ConductionSystem":
        """Assemble the finite-element system of pellet, die and contact.

        Returns
        -------
        :
            The system, for the whole cell, in SI units.

        Examples
        --------
        >>> system = Battery("NH4SCN", geometry=Geometry(cells=4)).system()
        >>> f"{1e3 * system.pellet_weights.sum():.3f} g"
        '1.025 g'
        """
        from caloris.heat.battery.conduction import assemble

        return assemble(self.geometry, self.pellet, self.die_solid, self.conductance, self.element_order)

    def run(
        self,
        protocol: str | Sequence[str | Step] | Protocol,
        progress: Callable[[str, float], None] | None = None,
    ) -> "Cycle":
        """Run a protocol.

        Parameters
        ----------
        protocol:
            Sentences, steps, or the name of a protocol that comes with caloris (see
            :data:`caloris.heat.PROTOCOLS`).
        progress:
            Called with the words of the current step and the part of the protocol that is done.

        Returns
        -------
        :
            The cycle with its heat, work and efficiencies.

        Raises
        ------
        InputError
            If the protocol is not understood or leaves the range of the model.
        ComputationError
            If the time integration fails.
        """
        from caloris.heat.battery.run import run_cycle

        return run_cycle(self, parse_protocol(protocol), progress)

    def inputs(self) -> dict[str, Any]:
        """Return everything that made this battery, as plain values.

        Returns
        -------
        :
            The fields of a run file except its protocol: both cards whole, quantities in words.

        Examples
        --------
        >>> inputs = Battery("NH4SCN").inputs()
        >>> inputs["contact_conductance"], inputs["geometry"]["radius"]
        ('100 W/m^2/K', '5 mm')
        """
        geometry = {
            "radius": f"{self.geometry.radius_m * 1e3:.12g} mm",
            "height": f"{self.geometry.half_height_m * 2e3:.12g} mm",
            "wall": f"{self.geometry.wall_m * 1e3:.12g} mm",
            "contact": self.geometry.contact,
            "cells": self.geometry.cells,
            "grading": self.geometry.grading,
        }
        h = self.conductance
        assert isinstance(self.die, Material)
        return {
            "material": self.card.model_dump(mode="json", by_alias=True),
            "die": self.die.model_dump(mode="json", by_alias=True),
            "contact_conductance": "perfect" if h == float("inf") else f"{h:.12g} W/m^2/K",
            "geometry": geometry,
            "transition": self.transition,
            "card_transition": self._transition_name,
            "transition_width": _text(self.transition_width, "K"),
            "relaxation_time": _text(self.relaxation_time, "s"),
            "conductivity": None if self.conductivity is None else _text(self.conductivity, "W/m/K"),
            "element_order": self.element_order,
            "tolerance": self.tolerance,
            "overrides": {key: _text(value, None) for key, value in self.overrides.items()},
        }

    def assumptions(self) -> list[str]:
        """List what rests on an estimate or a guess or was set for this run, in words for the reader of a result.

        Returns
        -------
        :
            One line each.

        Examples
        --------
        >>> Battery("NH4SCN").assumptions()[1]
        'thermal conductivity (monoclinic): 0.5 W/m/K, guess'
        """
        return [
            *self._assumed_on_card(),
            *(
                f"{key.replace('_', ' ')}: {_text(value, None)}, set for this run"
                for key, value in self.overrides.items()
            ),
            *self._assumed_options(),
            "heat capacity and conductivity are constant within a phase; card uncertainties are not propagated",
        ]

    def _assumed_on_card(self) -> list[str]:
        transition = self.card.transition(self.card_transition)
        used = (f"phases.{transition.low}.", f"phases.{transition.high}.", f"transitions.{self._transition_name}.")
        found = []
        for name, value in self.card.values():
            attribute = name.rsplit(".", 1)[1]
            replaced = attribute in self.overrides or (attribute == "thermal_conductivity" and self.conductivity)
            if name.startswith(used) and value.status in (Status.ESTIMATE, Status.GUESS) and not replaced:
                where = name.split(".")[1]
                found.append(f"{attribute.replace('_', ' ')} ({where}): {value}, {value.status}")
        if self.transition == "paper":
            return [line for line in found if "temperature" not in line]
        return [*found, *self._thermodynamics.assumed]

    def _assumed_options(self) -> list[str]:
        default = Geometry()
        shape = (self.geometry.radius_m, self.geometry.half_height_m, self.geometry.wall_m, self.geometry.contact)
        usual = shape == (default.radius_m, default.half_height_m, default.wall_m, default.contact)
        h = "perfect" if self.conductance == float("inf") else f"{self.conductance:g} W/m^2/K"
        found = [
            f"geometry: radius {self.geometry.radius_m * 1e3:g} mm, height {self.geometry.half_height_m * 2e3:g} mm, "
            f"die wall {self.geometry.wall_m * 1e3:g} mm, contact on {self.geometry.contact}, {_origin(usual)}",
            f"contact conductance: {h}, {_origin(h == '100 W/m^2/K')}",
        ]
        if self.conductivity is not None:
            found.append(f"thermal conductivity: {self._conductivity():g} W/m/K, set for this run")
        if self.transition == "hysteresis":
            width = magnitude(self.transition_width, "K", "transition_width", interval=True)
            relaxation = magnitude(self.relaxation_time, "s", "relaxation_time")
            found.append(f"ramp width of the transition: {width:g} K, {_origin(width == DEFAULT_WIDTH)}")
            found.append(f"relaxation time of the transition: {relaxation:g} s, {_origin(relaxation == 0)}")
        return found

    @property
    def _transition_name(self) -> str:
        chosen = self.card.transition(self.card_transition)
        return next(name for name, entry in self.card.transitions.items() if entry is chosen)

    def _conductivity(self) -> float:
        if self.conductivity is not None:
            return magnitude(self.conductivity, "W/m/K", "conductivity", positive=True)
        transition = self.card.transition(self.card_transition)
        known = [
            value.to("W/m/K")
            for name in (transition.low, transition.high)
            if (value := self.card.phase(name).thermal_conductivity) is not None
        ]
        if not known:
            raise InputError(
                f"{self.card.name}: neither phase has a thermal_conductivity on the card; give conductivity='... W/m/K'"
            )
        return sum(known) / len(known)


def _origin(is_default: bool) -> str:
    return "guess (the default)" if is_default else "set for this run"


def _text(value: Quantity, unit: str | None) -> str:
    if isinstance(value, str):
        return value
    number = value if unit is None else value.to(unit=unit, dtype="float64")
    return f"{float(number.value):.12g} {number.unit}"
