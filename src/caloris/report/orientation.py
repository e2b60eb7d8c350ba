"""How molecules turn, as analyses: reorientation, directions, coupling to hops, hydrogen bonds, fluctuations."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.atoms import (
    HydrogenBonds,
    Trajectory,
    hydrogen_bonds,
    orientation_map,
    orientational_order,
    position_fluctuation,
    reorientation,
    rotation_hopping_coupling,
)
from caloris.atoms.parallel import Progress
from caloris.report.analysis import Analysis, asked
from caloris.units import Quantity

if TYPE_CHECKING:
    from caloris.atoms.orientation.bond_lifetimes import BondLifetime
    from caloris.atoms.orientation.lifetimes import Lifetimes
    from caloris.atoms.orientation.one_origin import OneOrigin

_GROUPS = "Errors are from the scatter between groups of molecules, which are taken as independent."


def reorientation_analysis(
    trajectory: Trajectory,
    bond: tuple[str, str] | None = None,
    *,
    molecule: str | None = None,
    origin: Quantity = "0 ps",
    frame_interval: Quantity = "200 fs",
    duration: Quantity = "40 ps",
    progress: Progress | None = None,
) -> Analysis:
    """Return the correlations C1 and C2 of bonds, and lifetimes of an orientation by each definition."""
    found = reorientation(
        trajectory,
        bond,
        molecule=molecule,
        origin=origin,
        frame_interval=frame_interval,
        duration=duration,
        progress=progress,
    )
    alone = found.one_origin
    numbers: dict[str, sc.Variable] = {}
    for name, lifetimes in (("C1", found.first), ("C2", found.second)):
        numbers |= _lifetime_numbers(name, lifetimes)
    return Analysis(
        name="reorientation",
        title=f"Reorientation of {found.vectors} ({found.molecules} molecules)",
        numbers=numbers | {"first zero from one origin (eq. 8)": alone.first_zero},
        curves={"C1": found.c1, "C2": found.c2, "cosine from one origin": alone.cosine},
        words=[
            "C1 = <u(0).u(t)>, C2 = <(3 (u(0).u(t))^2 - 1)/2>, over every time origin, in the frame of the box. "
            "1/lambda: of the exponential fitted past libration, which takes 1 - A at once; 1/e: where the "
            "correlation is 1/e; integral: of the correlation. They agree for one exponential of A = 1 only.",
            "The first zero from one origin is the published definition (thermal batteries, eq. 8): it depends on the "
            f"number of molecules and on the origin{_draws(alone)}.",
            _GROUPS,
        ],
        warnings=list(dict.fromkeys([*found.warnings, *found.first.warnings, *found.second.warnings, *alone.warnings])),
        figure=found.plot(),
        inputs=asked(
            trajectory, bond=bond, molecule=molecule, origin=origin, frame_interval=frame_interval, duration=duration
        ),
    )


def _draws(alone: "OneOrigin") -> str:
    low, high = (end.value for end in alone.interval)
    return f"; 68 % of draws of molecules lie from {low:.3g} to {high:.3g} ps" if low == low else ""


def _lifetime_numbers(name: str, lifetimes: "Lifetimes") -> dict[str, sc.Variable]:
    return {
        f"{name}: rate lambda": lifetimes.rate,
        f"{name}: amplitude A": lifetimes.amplitude,
        f"{name}: 1/lambda": lifetimes.exponential,
        f"{name}: time to 1/e": lifetimes.one_over_e,
        f"{name}: integral": lifetimes.integral,
    }


def orientation_map_analysis(
    trajectory: Trajectory,
    bond: tuple[str, str] | None = None,
    *,
    molecule: str | None = None,
    repeat: tuple[int, int, int] | None = None,
    smooth: Quantity = "5 deg",
    progress: Progress | None = None,
) -> Analysis:
    """Return how directions of bonds are spread over the sphere, and order parameters of them."""
    found = orientation_map(trajectory, bond, molecule=molecule, repeat=repeat, progress=progress)
    order = orientational_order(trajectory, bond, molecule=molecule, repeat=repeat, progress=progress)
    maxima = found.maxima(smooth)
    numbers: dict[str, sc.Variable] = {"directions that stand out": sc.scalar(len(maxima))}
    for i in range(min(len(maxima), 8)):
        angles = [float(maxima.coords[name].values[i]) for name in ("theta", "phi")]
        numbers[f"density at theta {angles[0]:.0f}°, phi {angles[1]:.0f}°"] = maxima["maximum", i].data
    numbers |= {
        "cubic order, l = 4": order.cubic_4,
        "cubic order, l = 6": order.cubic_6,
        "tetrahedral order": order.tetrahedral,
        "tetrahedral order squared": order.tetrahedral_square,
    }
    return Analysis(
        name="orientation-map",
        title=f"Directions of {found.vectors} in the crystal ({found.molecules} molecules)",
        numbers=numbers,
        curves={"map": found.density, "invariants": order.invariants},
        words=[
            "Probability density of directions in the frame of the crystal: x along a, z along a x b; its integral "
            f"over the sphere is 1, so that 1/4π = {1 / (4 * np.pi):.4f} 1/sr is random. Maxima of the map smoothed by "
            f"{smooth}. Invariants Q_l^2 are 0 for random directions.",
            _GROUPS + ("" if repeat is not None else " Without --repeat different sites of the cell count as scatter."),
        ],
        warnings=order.warnings,
        figure=found.plot(smooth),
        inputs=asked(trajectory, bond=bond, molecule=molecule, repeat=repeat, smooth=smooth),
    )


def coupling_analysis(
    trajectory: Trajectory,
    molecule: str,
    species: str,
    *,
    distance: Quantity = "5 angstrom",
    interval: Quantity = "1 ps",
    longest: Quantity = "10 ps",
    progress: Progress | None = None,
) -> Analysis:
    """Return whether ions hop when the molecules beside them turn (the paddle wheel)."""
    found = rotation_hopping_coupling(
        trajectory, molecule, species, distance=distance, interval=interval, longest=longest, progress=progress
    )
    return Analysis(
        name="coupling",
        title=f"Coupling of the rotation of {molecule} to hops of {species}",
        numbers={
            "excess correlation of neighbours": found.strength,
            "at a lag of": found.lag,
            "p-value": sc.scalar(found.p_value),
        },
        curves={"neighbours": found.neighbours, "far": found.far, "excess": found.excess, "chance": found.chance},
        words=[
            f"Correlation of how far a molecule turned with how far the ions within {found.distance.value:g} Å "
            f"moved, over intervals of {interval}, less that of far pairs. Lag > 0: ions move after molecules have "
            "turned. The p-value is the share of random shifts in time that stand out as far at any lag; above 0.05 "
            "nothing is shown."
        ],
        warnings=found.warnings,
        figure=found.plot(),
        inputs=asked(
            trajectory, molecule=molecule, species=species, distance=distance, interval=interval, longest=longest
        ),
    )


def hydrogen_bond_analysis(
    trajectory: Trajectory,
    *,
    donor: str = "N",
    hydrogen: str = "H",
    acceptors: Mapping[str, Quantity] | None = None,
    acceptor_molecule: str | None = None,
    angle: Quantity = "130 deg",
    progress: Progress | None = None,
) -> Analysis:
    """Return how many hydrogen bonds there are, their angles and lifetimes."""
    found = hydrogen_bonds(
        trajectory,
        donor=donor,
        hydrogen=hydrogen,
        acceptors=acceptors,
        acceptor_molecule=acceptor_molecule,
        angle=angle,
        progress=progress,
    )
    return Analysis(
        name="hydrogen-bonds",
        title=f"Hydrogen bonds ({found.molecules} donor molecules)",
        numbers=_bond_numbers(found),
        curves=_bond_curves(found),
        words=[
            f"A bond counts if {found.criteria}. Continuous: until it first breaks; intermittent: whether it is there, "
            "broken in between or not. phi is the angle at the acceptor, printed per degree (as in Fig. 4e, f) and per "
            "solid angle, which is another distribution.",
            _GROUPS,
        ],
        warnings=found.warnings,
        figure=found.plot(),
        inputs=asked(
            trajectory,
            donor=donor,
            hydrogen=hydrogen,
            acceptors=acceptors,
            acceptor_molecule=acceptor_molecule,
            angle=angle,
        ),
    )


def _bond_numbers(found: HydrogenBonds) -> dict[str, sc.Variable]:
    numbers: dict[str, sc.Variable] = {"bonds of a donor molecule": found.per_molecule}
    for acceptor, bonds in found.by_acceptor.items():
        numbers |= {
            f"to {acceptor}": bonds.per_molecule,
            f"H...{acceptor}": bonds.length,
            f"donor angle to {acceptor}": bonds.donor_angle,
            f"acceptor angle phi at {acceptor}, peak per degree": bonds.peak.centre,
            f"acceptor angle phi at {acceptor}, peak per solid angle": bonds.peak_per_solid_angle.centre,
        }
        for name, lifetime in _lifetimes(bonds):
            numbers |= {f"{name} lifetime to {acceptor}, 1/e": lifetime.one_over_e}
    return numbers


def _bond_curves(found: HydrogenBonds) -> dict[str, sc.DataArray]:
    curves = {}
    for acceptor, bonds in found.by_acceptor.items():
        curves[f"angle at {acceptor}"] = bonds.acceptor_angle
        curves[f"angle at {acceptor} per solid angle"] = bonds.acceptor_angle_per_solid_angle
        for name, lifetime in _lifetimes(bonds):
            curves[f"{name} correlation to {acceptor}"] = lifetime.correlation
    return curves


def _lifetimes(bonds: Any) -> "tuple[tuple[str, BondLifetime], ...]":
    return (("continuous", bonds.continuous), ("intermittent", bonds.intermittent))


def fluctuation_analysis(trajectory: Trajectory, kind: str, *, progress: Progress | None = None) -> Analysis:
    """Return how far centres of mass stray from their mean places."""
    if progress is not None:
        progress("fluctuation", 0.0)
    found = position_fluctuation(trajectory, kind)
    return Analysis(
        name="fluctuation",
        title=f"Fluctuation of {kind} about mean places ({found.bodies} bodies)",
        numbers={
            "standard deviation of the position": found.value,
            "mean square": found.mean_square,
            "independent samples in time": sc.scalar(float(found.independent)),
        },
        words=[
            "sqrt(<|r - <r>|^2>) of centres of mass, three components, in the mean cell, less the drift of all "
            "atoms; the error is the larger of the scatters between bodies and over time."
        ],
        warnings=found.warnings,
        inputs=asked(trajectory, kind=kind),
    )
