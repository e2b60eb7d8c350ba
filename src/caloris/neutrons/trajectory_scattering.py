"""What a neutron sees of a trajectory, in one call each; the options are those of ``scattering``."""

from typing import Any, Literal

import scipp as sc

from caloris.atoms.trajectory import Trajectory
from caloris.neutrons.elastic import ElasticFraction
from caloris.neutrons.from_trajectory import Kind, MomentumTransfer, scattering
from caloris.neutrons.resolution import Resolution
from caloris.units import Quantity


def intermediate_scattering(
    trajectory: Trajectory,
    momentum_transfer: MomentumTransfer,
    kind: Kind = "incoherent",
    *,
    normalised: bool = False,
    partial: bool = False,
    **options: Any,
) -> "sc.DataArray | sc.DataGroup[sc.DataArray]":
    """Return the intermediate scattering function I(Q,t) of a trajectory.

    Parameters
    ----------
    trajectory, momentum_transfer, kind, options:
        As for :func:`caloris.neutrons.scattering`.
    normalised, partial:
        As for :meth:`caloris.neutrons.Scattering.intermediate`.

    Returns
    -------
    :
        Dimensions ``Q`` and ``time`` (ps), barn per atom and steradian, with variances.

    Raises
    ------
    InputError
        As for :func:`caloris.neutrons.scattering`.

    Source
    ------
    Ren et al., Acta Phys. Sin. 74, 012801 (2025), eqs 2 and 3, transformed over space only.
    """
    found = scattering(trajectory, momentum_transfer, kind, **options)
    return found.intermediate(normalised=normalised, partial=partial)


def dynamic_structure_factor(
    trajectory: Trajectory,
    momentum_transfer: MomentumTransfer,
    kind: Kind = "incoherent",
    *,
    energy_transfer: sc.Variable | None = None,
    resolution: Resolution | None = None,
    temperature: Quantity | None = None,
    correction: Literal["harmonic", "Schofield", "standard"] = "harmonic",
    partial: bool = False,
    **options: Any,
) -> "sc.DataArray | sc.DataGroup[sc.DataArray]":
    """Return the dynamic structure factor S(Q,E) of a trajectory.

    Parameters
    ----------
    trajectory, momentum_transfer, kind, options:
        As for :func:`caloris.neutrons.scattering`.
    energy_transfer, resolution, temperature, correction, partial:
        As for :meth:`caloris.neutrons.Scattering.spectrum`.

    Returns
    -------
    :
        Dimensions ``Q`` and ``energy_transfer`` (meV, > 0 where the neutron loses energy), barn/meV per atom and
        steradian, with variances.

    Raises
    ------
    InputError
        As for :func:`caloris.neutrons.scattering`, or if energies are beyond what the frames can show.

    Source
    ------
    Ren et al., Acta Phys. Sin. 74, 012801 (2025), eqs 1-3.
    """
    found = scattering(trajectory, momentum_transfer, kind, **options)
    return found.spectrum(
        energy_transfer=energy_transfer,
        resolution=resolution,
        temperature=temperature,
        correction=correction,
        partial=partial,
    )


def elastic_incoherent_structure_factor(
    trajectory: Trajectory,
    momentum_transfer: MomentumTransfer,
    *,
    after: Quantity | None = None,
    until: Quantity | None = None,
    **options: Any,
) -> ElasticFraction:
    """Return the elastic incoherent structure factor (EISF) of a trajectory, at infinite time and from a fit.

    Parameters
    ----------
    trajectory, momentum_transfer, options:
        As for :func:`caloris.neutrons.scattering`.
    after, until:
        As for :meth:`caloris.neutrons.Scattering.elastic_fraction`.

    Returns
    -------
    :
        Over ``Q``, with variances.

    Raises
    ------
    InputError
        As for :func:`caloris.neutrons.scattering`.

    Source
    ------
    Zhang et al., Barocaloric thermal batteries (2023), eq. 3, without a resolution.
    """
    return scattering(trajectory, momentum_transfer, "incoherent", **options).elastic_fraction(after=after, until=until)
