"""What a caloric effect rests on: two families of entropy curves over temperature and pressure."""

from typing import Protocol

from caloris.heat.two_phase import Array, Branch


class EntropySurfaces(Protocol):
    """What an effect needs to know of a material; floats in K, Pa and J/(kg K)."""

    @property
    def is_inverse(self) -> bool:
        """Whether pressure favours the high-temperature phase."""

    @property
    def pressure(self) -> float:
        """The reference pressure, Pa."""

    @property
    def has_heat_capacity(self) -> bool:
        """Whether the entropy counts the heat capacity; without it there is no adiabatic temperature change."""

    @property
    def knows_expansion(self) -> bool:
        """Whether the entropy counts the thermal expansion of both phases: its elastic part."""

    def fraction(self, T: Array, p: float, branch: Branch) -> Array:
        """Fraction of the high phase along a branch."""

    def entropy(self, T: Array, p: float, branch: Branch) -> Array:
        """S(T, p) along a branch."""

    def isentropic_temperature(self, entropy: Array, p: float, branch: Branch) -> Array:
        """Temperature at which a branch has the given entropy."""

    def transition_temperature(self, p: Array | float, branch: Branch) -> Array:
        """Transition temperature of a branch."""

    def slope(self, p: Array | float, branch: Branch) -> Array:
        """Slope dT/dp of a branch."""

    @property
    def pressure_range(self) -> tuple[float, float]:
        """Lowest and highest pressure that the entropy is known at, Pa."""

    def transition_range(self, p: float, branch: Branch) -> tuple[float, float]:
        """Temperatures between which a branch transforms, K."""

    def transition_changes(self, p: float) -> tuple[float, float, float]:
        """Temperature (K), entropy (J/(kg K)) and volume change (m3/kg) of the transition between the branches."""
