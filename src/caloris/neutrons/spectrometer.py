"""Neutron spectrometers: where in Q and energy they see, and how sharply.

hbar^2 Q^2 / 2m = Ei + Ef - 2 sqrt(Ei Ef) cos 2theta, E = Ei - Ef > 0 for neutron energy loss; hbar^2 / 2m is
2.072 meV angstrom^2. A direct spectrometer has one Ei, an indirect one has one Ef. Numbers of real instruments, with
their sources, are in instruments.toml; a width that is not at the elastic line is an estimate and says so.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons import spectrum_maps
from caloris.neutrons.resolution import Resolution, gaussian, varying
from caloris.neutrons.spectrum_grid import axis_values, centres
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Geometry = Literal["direct", "indirect"]

HBAR2_2M = 2.0721248
"""meV angstrom^2, hbar^2 / 2m of the neutron, CODATA 2018."""
_MASS = 10.4540753
"""meV (ms/m)^2, of the neutron, CODATA 2018."""


@dataclass(frozen=True)
class Instrument:
    """A spectrometer in one setting; :func:`caloris.neutrons.instrument_table.instrument` makes it."""

    name: str
    geometry: Geometry
    fixed_energy: sc.Variable
    """Incident (direct) or final (indirect) energy, meV."""
    elastic_fwhm: sc.Variable | None
    """Full width at half maximum at the elastic line, meV."""
    smallest_angle: sc.Variable | None
    """2theta, deg; absent if not known."""
    largest_angle: sc.Variable | None
    """2theta, deg; absent if not known."""
    window: tuple[sc.Variable, sc.Variable] | None = None
    """Smallest and largest energy transfer that the setting covers, meV; absent if only kinematics limit it."""
    pulse_monochromator: sc.Variable | None = None
    """From where the pulse is made to the monochromating chopper, m; absent behind a crystal."""
    chopper_sample: sc.Variable | None = None
    """From the last chopper to the sample, m."""
    sample_detector: sc.Variable | None = None
    """From the sample to the detectors, m."""
    path_uncertainty: sc.Variable | None = None
    """Of the flight path, full width, m."""
    openings: tuple[sc.Variable, sc.Variable] | None = None
    """FWHM in time of the pulse and of the monochromating chopper, us, where their speed is known."""
    sources: dict[str, str] = field(default_factory=dict, repr=False)
    """Status and source of every number."""
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        which = "Ei" if self.geometry == "direct" else "Ef"
        width = "elastic FWHM unknown"
        if self.elastic_fwhm is not None:
            width = f"elastic FWHM = {self.elastic_fwhm.value:.4g} meV"
        return f"<Instrument: {self.name}, {which} = {self.fixed_energy.value:.4g} meV, {width}>"

    @property
    def wavelength(self) -> sc.Variable:
        """Of the fixed energy, angstrom."""
        return sc.scalar(2 * math.pi * math.sqrt(HBAR2_2M / float(self.fixed_energy.value)), unit="angstrom")

    def momentum_transfer(self, energy_transfer: sc.Variable, two_theta: Quantity) -> sc.Variable:
        """Return Q at a scattering angle.

        Parameters
        ----------
        energy_transfer:
            One dimension, meV.
        two_theta:
            Scalar, deg.

        Returns
        -------
        :
            Same dimension, 1/angstrom; NaN where a neutron cannot lose that much.

        Examples
        --------
        >>> from caloris.neutrons.instrument_table import instrument
        >>> elastic = sc.array(dims=["energy_transfer"], values=[0.0], unit="meV")
        >>> pelican = instrument("Pelican", wavelength="4.69 angstrom")
        >>> round(float(pelican.momentum_transfer(elastic, "125 deg").values[0]), 2)
        2.38
        """
        E = axis_values(energy_transfer, "meV", "energy_transfer")
        angle = magnitude(two_theta, "deg", "two_theta")
        return sc.array(dims=energy_transfer.dims, values=self._Q(E, angle), unit="1/angstrom")

    def kinematic_range(self, energy_transfer: sc.Variable) -> sc.Dataset:
        """Return the smallest and the largest Q at each energy transfer.

        Parameters
        ----------
        energy_transfer:
            One dimension, meV.

        Returns
        -------
        :
            ``minimum`` and ``maximum`` over ``energy_transfer``, 1/angstrom; NaN where nothing is seen.

        Raises
        ------
        InputError
            If the angles of the detectors are not known.
        """
        E = axis_values(energy_transfer, "meV", "energy_transfer")
        low, high = self._angles()
        seen = np.ones(len(E), dtype=bool)
        if self.window is not None:
            seen = (self.window[0].value <= E) & (self.window[1].value >= E)
        ends = {"minimum": low, "maximum": high}
        coord = sc.array(dims=["energy_transfer"], values=E, unit="meV")
        columns = {
            name: sc.array(
                dims=["energy_transfer"], values=np.where(seen, self._Q(E, angle), np.nan), unit="1/angstrom"
            )
            for name, angle in ends.items()
        }
        return sc.Dataset(columns, coords={"energy_transfer": coord})

    def mask(self, spectrum: sc.DataArray) -> sc.DataArray:
        """Return S(Q,E) with the mask ``"outside kinematic range"``, by the centres of its bins.

        Parameters
        ----------
        spectrum:
            Over ``Q`` and ``energy_transfer``.

        Returns
        -------
        :
            A copy with one more mask.

        Raises
        ------
        InputError
            If these coordinates are absent, or the angles are not known.
        """
        if not isinstance(spectrum, sc.DataArray) or not {"Q", "energy_transfer"} <= set(spectrum.dims):
            raise InputError("spectrum: expected a data array over Q and energy_transfer")
        Q = centres(spectrum.coords["Q"], spectrum.sizes["Q"])
        E = axis_values(spectrum.coords["energy_transfer"], "meV", "energy_transfer")
        if len(E) == spectrum.sizes["energy_transfer"] + 1:
            E = 0.5 * (E[1:] + E[:-1])
        ends = self.kinematic_range(sc.array(dims=["energy_transfer"], values=E, unit="meV"))
        inside = (Q[:, None] >= ends["minimum"].values) & (Q[:, None] <= ends["maximum"].values)
        result = spectrum.copy(deep=False)
        result.masks["outside kinematic range"] = sc.array(dims=["Q", "energy_transfer"], values=~inside)
        return result

    def energy_resolution(self, energy_transfer: sc.Variable) -> sc.DataArray:
        """Return the energy resolution, FWHM, over the energy transfer.

        With known openings of choppers it is computed from them. Otherwise the elastic value is scaled with energy as
        flight paths demand; how much of it is of the incident beam and how much of the secondary flight is not known,
        so that half of each is taken and the standard deviation spans the two extremes: an estimate.

        Parameters
        ----------
        energy_transfer:
            One dimension, meV.

        Returns
        -------
        :
            meV over ``energy_transfer``, NaN where no neutron is left; the unaligned coordinate ``status`` says how it
            was found.

        Raises
        ------
        InputError
            If neither the elastic resolution nor openings are known, or the flight paths are not.

        Source
        ------
        Lechner, ICANS-XI, KEK report 90-25 (1990), for two choppers; Windsor, Pulsed Neutron Scattering (1981).
        """
        E = axis_values(energy_transfer, "meV", "energy_transfer")
        fixed = float(self.fixed_energy.value)
        other = np.where(fixed - E > 0, fixed - E, np.nan) if self.geometry == "direct" else fixed + E
        other = np.where(other > 0, other, np.nan)
        if self.openings is not None:
            widths, spread, status = self._of_choppers(fixed, other), None, "computed from chopper openings"
        else:
            ends = self._scaled(other / fixed)
            widths = np.sqrt(0.5 * (ends[0] ** 2 + ends[1] ** 2))
            spread = (0.5 * (ends[0] - ends[1])) ** 2
            status = "estimate: scaled from the elastic line by flight paths"
        result = sc.DataArray(
            sc.array(dims=["energy_transfer"], values=widths, variances=spread, unit="meV"),
            coords={
                "energy_transfer": sc.array(dims=["energy_transfer"], values=E, unit="meV"),
                "status": sc.scalar(status),
            },
            name="energy resolution (FWHM)",
        )
        result.coords.set_aligned("status", False)
        return result

    def resolution(self, energy_transfer: sc.Variable | None = None) -> Resolution:
        """Return a Gaussian resolution: of the elastic line, or of the width at each of some energies.

        Parameters
        ----------
        energy_transfer:
            One dimension, meV; without it the elastic width holds everywhere.

        Returns
        -------
        :
            To put on a computed spectrum or I(Q,t).

        Raises
        ------
        InputError
            If the resolution is not known.
        """
        if energy_transfer is not None:
            return varying(self.energy_resolution(energy_transfer))
        return gaussian(self._elastic())

    def on_momentum_transfer(self, spectrum: sc.DataArray, Q: sc.Variable) -> sc.DataArray:
        """Return S(2theta,E) as S(Q,E).

        Parameters
        ----------
        spectrum:
            Over ``two_theta`` (deg, edges or centres) and ``energy_transfer``.
        Q:
            Edges of bins, 1/angstrom.

        Returns
        -------
        :
            Over ``Q`` and ``energy_transfer``, averages weighted by width; bins of which less than half was seen are
            NaN and masked as ``"outside kinematic range"``.

        Raises
        ------
        InputError
            If the dims are others or Q does not increase.
        """
        return spectrum_maps.change_axis(spectrum, "two_theta", "Q", Q, lambda angle, E: self._Q(np.array(E), angle))

    def on_two_theta(self, spectrum: sc.DataArray, two_theta: sc.Variable) -> sc.DataArray:
        """Return S(Q,E) as S(2theta,E), as detectors see it.

        Parameters
        ----------
        spectrum:
            Over ``Q`` (edges or centres) and ``energy_transfer``.
        two_theta:
            Edges of bins, deg.

        Returns
        -------
        :
            Over ``two_theta`` and ``energy_transfer``, otherwise as :meth:`on_momentum_transfer`.

        Raises
        ------
        InputError
            If the dims are others or two_theta does not increase.
        """
        return spectrum_maps.change_axis(spectrum, "Q", "two_theta", two_theta, self._angle)

    def _energies(self, E: Array) -> tuple[Array, Array]:
        """Incident and final energy; NaN where there is no neutron."""
        fixed = np.full(np.shape(E), float(self.fixed_energy.value))
        incident, final = (fixed, fixed - E) if self.geometry == "direct" else (fixed + E, fixed)
        gone = (incident < 0) | (final < 0)
        return np.where(gone, np.nan, incident), np.where(gone, np.nan, final)

    def _Q(self, E: Array, angle: Array | float) -> Array:
        """1/angstrom, of meV and degrees."""
        incident, final = self._energies(E)
        crossed = 2 * np.sqrt(incident * final) * np.cos(np.radians(angle))
        return np.asarray(np.sqrt(np.maximum(incident + final - crossed, 0.0) / HBAR2_2M))

    def _angle(self, Q: Array, E: float) -> Array:
        """Degrees; the ends of the circle where Q is beyond them on one side, so that edges stay edges."""
        incident, final = self._energies(np.array(E))
        if not np.isfinite(incident * final) or incident * final == 0:
            return np.full(len(Q), np.nan)
        cosine = (incident + final - HBAR2_2M * Q**2) / (2 * np.sqrt(incident * final))
        angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        inside = np.abs(cosine) <= 1
        if not inside.any():
            return np.full(len(Q), np.nan)
        near = inside | np.roll(inside, 1) | np.roll(inside, -1)  # the bin that the end of the circle lies in
        near[0] &= inside[0] | inside[min(1, len(Q) - 1)]
        near[-1] &= inside[-1] | inside[max(len(Q) - 2, 0)]
        return np.asarray(np.where(near, angle, np.nan))

    def _angles(self) -> tuple[float, float]:
        if self.smallest_angle is None and self.largest_angle is not None:
            return 0.0, float(self.largest_angle.value)
        if self.smallest_angle is None or self.largest_angle is None:
            raise InputError(f"{self.name}: no scattering angles in the table; give two_theta=('5 deg', '140 deg')")
        return float(self.smallest_angle.value), float(self.largest_angle.value)

    def _elastic(self) -> sc.Variable:
        if self.elastic_fwhm is None:
            raise InputError(
                f"{self.name}: no elastic resolution known at {self.wavelength.value:.4g} angstrom; give elastic_fwhm="
            )
        return self.elastic_fwhm

    def _scaled(self, ratio: Array) -> tuple[Array, Array]:
        """FWHM if all of it came from the pulse, and if from the time at the monochromating chopper."""
        elastic = float(self._elastic().value)
        if self.geometry == "indirect":  # the analyser does not change; a time of flight over Ei^-1/2 does
            return np.where(np.isfinite(ratio), elastic, np.nan), elastic * ratio**1.5
        if self.chopper_sample is None or self.sample_detector is None:
            raise InputError(
                f"{self.name}: flight paths are not in the table; give chopper_sample= and sample_detector="
            )
        before, after = float(self.chopper_sample.value), float(self.sample_detector.value)
        slower = ratio**1.5
        pulse = (1 + slower * before / after) / (1 + before / after)
        if self.pulse_monochromator is None:  # behind a crystal the energy has its own width
            return elastic * pulse, elastic * slower
        whole = float(self.pulse_monochromator.value) + before
        return elastic * pulse, elastic * (1 + slower * whole / after) / (1 + whole / after)

    def _of_choppers(self, incident: float, final: Array) -> Array:
        """Time uncertainties of two choppers and of the flight path, in quadrature."""
        assert self.openings is not None
        pulse, monochromator = (float(opening.to(unit="ms").value) for opening in self.openings)
        paths = (self.pulse_monochromator, self.chopper_sample, self.sample_detector)
        between, before, after = (math.nan if path is None else float(path.value) for path in paths)
        uncertain = 0.0 if self.path_uncertainty is None else float(self.path_uncertainty.value)
        v_in, v_out = math.sqrt(2 * incident / _MASS), np.sqrt(2 * final / _MASS)  # m/ms
        by_pulse = v_in**3 / between + v_out**3 * before / (after * between)
        by_chopper = v_in**3 / between + v_out**3 * (before + between) / (after * between)
        by_path = v_out**2 * uncertain / after
        squares = (by_pulse * pulse) ** 2 + (by_chopper * monochromator) ** 2 + by_path**2
        return np.asarray(_MASS * np.sqrt(squares))
