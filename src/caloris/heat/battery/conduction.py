"""Axisymmetric heat conduction in pellet and die, joined by a contact conductance.

Weak form, with every integral weighted by 2 pi r (r, z are coordinates of the half cell, doubled for the whole):

    int rho c dT/dt v  +  int k grad T . grad v  +  int_contact h (T_pellet - T_die) (v_pellet - v_die)  =  0

with T = T_wall(t) on the outside. Order 1 elements have a lumped mass (the nodal enthalpy method needs it),
order 2 elements a consistent one. SI units throughout.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from skfem import Basis, BilinearForm, ElementQuad1, ElementQuad2, FacetBasis, LinearForm, MeshQuad
from skfem.helpers import dot, grad

from caloris.errors import InputError
from caloris.heat.battery.geometry import Geometry

PERFECT_CONTACT = 1e7
"""Conductance that stands for perfect contact, W/(m2 K): its resistance is that of 0.05 um of salt."""


@BilinearForm
def axisymmetric_conduction(u, v, w):  # type: ignore[no-untyped-def]
    """2 pi r grad u . grad v.

    Parameters
    ----------
    u, v:
        Trial and test function.
    w:
        Holds the coordinates ``w.x`` of the quadrature points, r first, m.

    Returns
    -------
    :
        The integrand at the quadrature points.
    """
    return 2 * np.pi * w.x[0] * dot(grad(u), grad(v))


@BilinearForm
def axisymmetric_mass(u, v, w):  # type: ignore[no-untyped-def]
    """2 pi r u v.

    Parameters
    ----------
    u, v, w:
        As for :func:`axisymmetric_conduction`.

    Returns
    -------
    :
        The integrand at the quadrature points.
    """
    return 2 * np.pi * w.x[0] * u * v


@LinearForm
def axisymmetric_load(v, w):  # type: ignore[no-untyped-def]
    """2 pi r v.

    Parameters
    ----------
    v, w:
        As for :func:`axisymmetric_conduction`.

    Returns
    -------
    :
        The integrand at the quadrature points.
    """
    return 2 * np.pi * w.x[0] * v


@dataclass(frozen=True)
class Solid:
    """Density (kg/m3), heat capacity (J/(kg K)) and thermal conductivity (W/(m K)) of a body."""

    density: float
    heat_capacity: float
    conductivity: float


@dataclass(frozen=True)
class ConductionSystem:
    """The assembled cell; unknowns are ordered pellet, die, thermostat.

    ``mass`` is in kg (pellet) and J/K (die), ``stiffness`` in W/K, both (n, n), for the whole cell (both halves). With
    a die the thermostat is the unknowns on its outside, without one a single unknown that has no point.
    """

    mass: sp.csr_matrix
    stiffness: sp.csr_matrix
    points: np.ndarray
    """Coordinates (2, n) of the unknowns of pellet and die, m."""
    pellet_mesh: MeshQuad
    n_pellet: int
    """Number of pellet unknowns."""
    free: np.ndarray
    """Unknowns that are solved for; the pellet comes first."""
    fixed: np.ndarray
    """Unknowns at the wall temperature."""
    contact: np.ndarray
    """Pellet unknowns on a contact face."""

    @property
    def pellet_weights(self) -> np.ndarray:
        """Mass that each pellet unknown stands for, (n_pellet,), kg; they add up to the mass of the pellet."""
        return np.asarray(self.mass[: self.n_pellet].sum(axis=1)).ravel()


def assemble(
    geometry: Geometry, pellet: Solid, die: Solid | None, contact_conductance: float, order: int = 1
) -> ConductionSystem:
    """Assemble pellet, die and their contact.

    Parameters
    ----------
    geometry:
        Shape and mesh.
    pellet, die:
        Materials; without a die the contact goes to the thermostat.
    contact_conductance:
        h of the contact, W/(m2 K); infinite means perfect contact (see :data:`PERFECT_CONTACT`).
    order:
        1 (bilinear, lumped mass) or 2 (biquadratic, consistent mass).

    Returns
    -------
    :
        The system.

    Raises
    ------
    InputError
        If the order is neither 1 nor 2.
    """
    if order not in (1, 2):
        raise InputError(f"element_order: must be 1 or 2, got {order!r}")
    h = min(contact_conductance, PERFECT_CONTACT)
    pellet_basis = _basis(geometry.pellet_mesh(), order)
    face = _contact_matrix(pellet_basis, geometry, order) * h
    contact = np.flatnonzero(geometry.on_contact(pellet_basis.doflocs))
    n_p = pellet_basis.N
    mass_p, stiffness_p = _body(pellet_basis, pellet.density, pellet.conductivity, order)
    if die is None:
        # one extra unknown, the thermostat, touches the pellet directly
        join = sp.csr_matrix((np.ones(n_p), (np.arange(n_p), np.zeros(n_p, dtype=int))), shape=(n_p, 1))
        mass = sp.block_diag([mass_p, sp.csr_matrix((1, 1))])
        body = sp.block_diag([stiffness_p, sp.csr_matrix((1, 1))])
        points, fixed = pellet_basis.doflocs, np.array([n_p])
    else:
        die_basis = _basis(geometry.die_mesh(), order)
        partner = _matching_unknowns(pellet_basis.doflocs[:, contact], die_basis.doflocs)
        join = sp.csr_matrix((np.ones(len(contact)), (contact, partner)), shape=(n_p, die_basis.N))
        mass_d, stiffness_d = _body(die_basis, die.density * die.heat_capacity, die.conductivity, order)
        mass = sp.block_diag([mass_p, mass_d])
        body = sp.block_diag([stiffness_p, stiffness_d])
        points = np.hstack([pellet_basis.doflocs, die_basis.doflocs])
        fixed = n_p + np.flatnonzero(geometry.on_thermostat(die_basis.doflocs))
    coupling = sp.bmat([[face, -face @ join], [-(join.T @ face), join.T @ face @ join]])
    return ConductionSystem(
        mass=(2 * mass).tocsr(),
        stiffness=(2 * (body + coupling)).tocsr(),
        points=points,
        pellet_mesh=pellet_basis.mesh,
        n_pellet=n_p,
        free=np.setdiff1d(np.arange(body.shape[0]), fixed),
        fixed=fixed,
        contact=contact,
    )


def _basis(mesh: MeshQuad, order: int) -> Basis:
    # 2 pi r raises the degree by one; 2 * order + 1 per direction is integrated exactly
    return Basis(mesh, ElementQuad1() if order == 1 else ElementQuad2(), intorder=2 * order + 2)


def _body(basis: Basis, capacity: float, conductivity: float, order: int) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    stiffness = conductivity * axisymmetric_conduction.assemble(basis)
    if order == 1:
        mass = sp.diags(capacity * axisymmetric_load.assemble(basis))
    else:
        mass = capacity * axisymmetric_mass.assemble(basis)
    return mass.tocsr(), stiffness.tocsr()


def _contact_matrix(basis: Basis, geometry: Geometry, order: int) -> sp.csr_matrix:
    facets = basis.mesh.facets_satisfying(geometry.on_contact, boundaries_only=True)
    face = FacetBasis(basis.mesh, basis.elem, facets=facets, intorder=2 * order + 2)
    if order == 1:
        return sp.diags(axisymmetric_load.assemble(face)).tocsr()
    return axisymmetric_mass.assemble(face).tocsr()


def _matching_unknowns(wanted: np.ndarray, offered: np.ndarray) -> np.ndarray:
    """Find, for each point of the pellet's contact face, the die unknown at the same place."""
    from scipy.spatial import cKDTree

    distance, index = cKDTree(offered.T).query(wanted.T)
    assert distance.max(initial=0.0) < 1e-9 * np.ptp(offered), "pellet and die meshes do not match"
    return np.asarray(index)
