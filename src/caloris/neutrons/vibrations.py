"""Vibrations as neutrons weigh them: the density of states of each atom times its cross section over its mass.

At low temperature and Q one-phonon scattering sees g_n(E) ~ sum_j (sigma_j / m_j) g_j(E): the generalised density of
states of eq. 2 of Zhang et al. (2023), computed from velocities (their eq. 9) instead of S(Q,E). Units: meV.
"""

from typing import Any

import scipp as sc

from caloris.atoms import Trajectory, vibrational_density_of_states
from caloris.neutrons.cross_sections import Isotopes, scattering_lengths


def neutron_weighted_density_of_states(
    trajectory: Trajectory, *, isotopes: Isotopes | None = None, **options: Any
) -> "sc.DataArray | sc.DataGroup[sc.DataArray]":
    """Return the density of states of a trajectory weighted with sigma / m, total scattering cross sections.

    Parameters
    ----------
    trajectory:
        With velocities. Its masses are those of the simulation; isotopes change the cross sections only.
    isotopes:
        As for :func:`caloris.neutrons.scattering_lengths`.
    options:
        Of :func:`caloris.atoms.vibrational_density_of_states`: ``partial``, ``resolution``.

    Returns
    -------
    :
        As :func:`caloris.atoms.vibrational_density_of_states`, weights in barn/u normalised so that the integral of the
        whole is 3 N.

    Raises
    ------
    InputError
        As :func:`caloris.atoms.vibrational_density_of_states` and :func:`caloris.neutrons.scattering_lengths`.

    Source
    ------
    Zhang et al., Barocaloric thermal batteries (2023), eqs 2 and 9.
    """
    table = scattering_lengths(trajectory.symbols, isotopes, masses=trajectory.masses)
    cross_sections = sc.array(dims=["atom"], values=table.total_cross_section.values[table.index], unit="barn")
    weights = cross_sections / trajectory.masses
    return vibrational_density_of_states(trajectory, weights=weights, **options)
