"""The resolution of an instrument, R(E) of area 1, and two ways to put it on what is computed.

I(Q,t) R(t), with R(t) = int R(E) cos(E t / hbar) dE, or S(Q,E') R(E - E') integrated over E' on the grid of S. For a
smooth line on bins finer than a third of its width both are the same. Units: meV, ps; FWHM or HWHM is in each name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.errors import InputError
from caloris.neutrons.line_shapes import Line, Model, Table, Varying, convolve
from caloris.neutrons.spectrum_grid import axis_values, by_Q, centres, energy_edges, put_back
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Background = Literal["constant", "linear"]

_OUTER = 0.1
"""Share of the window at each end that a background is taken from."""
_ASYMMETRIC = 0.02
"""Largest |sine part| of R(t) from which on a caution is given."""


@dataclass(frozen=True)
class Resolution:
    """How an instrument sees a line without width; made by the functions of this module."""

    kind: str
    shapes: tuple[Model | Table | Varying, ...] = field(repr=False)
    """One for all Q, or one for each."""
    Q: sc.Variable | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def fwhm(self) -> sc.Variable:
        """Full width at half maximum, meV: at the elastic line, over ``Q`` where it depends on it."""
        widths = [shape.fwhm() for shape in self.shapes]
        if self.Q is None:
            return sc.scalar(widths[0], unit="meV")
        return sc.array(dims=["Q"], values=widths, unit="meV")

    def __repr__(self) -> str:
        widths = np.atleast_1d(self.fwhm.values)
        shown = f"{widths.min():.4g}" + (f" to {widths.max():.4g}" if len(widths) > 1 else "")
        return f"<Resolution: {self.kind}, FWHM = {shown} meV>"

    def of_time(self, time: sc.Variable, *, part: Literal["cosine", "sine"] = "cosine") -> sc.DataArray:
        """Return the Fourier transform of R(E).

        Parameters
        ----------
        time:
            One dimension, ps.
        part:
            ``"cosine"``, 1 at t = 0 and what multiplies a real I(Q,t), or ``"sine"``, which is 0 for a symmetric line.

        Returns
        -------
        :
            Over ``time``, or over ``Q`` and ``time`` where R is known for each Q; with variances if R was measured.

        Raises
        ------
        InputError
            If the width depends on the energy: such a line has no Fourier transform that multiplies.

        Examples
        --------
        >>> time = sc.array(dims=["time"], values=[0.0, 10.0], unit="ps")
        >>> gaussian("0.135 meV").of_time(time).values.round(4).tolist()
        [1.0, 0.6843]
        """
        t = axis_values(time, "ps", "time")
        pairs = [shape.transform(t) for shape in self.shapes if not isinstance(shape, Varying)]
        if len(pairs) < len(self.shapes):
            raise InputError("resolution: its width depends on the energy transfer; use on_spectrum, not time")
        values = np.array([found.real if part == "cosine" else found.imag for found, _ in pairs])
        variances = np.array([variance for _, variance in pairs])
        # the variance is that of the cosine part; the sine part of a measured line is given without
        with_errors = part == "cosine" and bool(variances.any())
        coord = time.to(unit="ps", dtype="float64").rename_dims({time.dim: "time"})
        return self._array(values, variances if with_errors else None, "time", coord, None)

    def line_shape(self, energy_transfer: sc.Variable) -> sc.DataArray:
        """Return R(E) at energies, 1/meV; at the elastic line if the width depends on the energy.

        Parameters
        ----------
        energy_transfer:
            One dimension, meV.

        Returns
        -------
        :
            Over ``energy_transfer``, or over ``Q`` and ``energy_transfer``.

        Raises
        ------
        InputError
            If the line has no width, for which no value at a point exists.
        """
        x = axis_values(energy_transfer, "meV", "energy_transfer")
        if any(shape.fwhm() == 0 for shape in self.shapes):
            raise InputError("resolution: a line without width has no values at points; use on_spectrum or of_time")
        shapes = [shape.at(0.0) if isinstance(shape, Varying) else shape for shape in self.shapes]
        variances = np.array([shape.density_variance(x) for shape in shapes])
        coord = energy_transfer.to(unit="meV", dtype="float64").rename_dims({energy_transfer.dim: "energy_transfer"})
        values = np.array([shape.density(x) for shape in shapes])
        return self._array(values, variances if variances.any() else None, "energy_transfer", coord, "1/meV")

    def on_intermediate(self, intermediate: sc.DataArray) -> sc.DataArray:
        """Return I(Q,t) R(t): what a measurement with this resolution would transform to.

        Parameters
        ----------
        intermediate:
            With the coordinate ``time`` (ps); also ``Q`` if the resolution depends on it.

        Returns
        -------
        :
            Same dims; variances of both are in it, as if independent (that of R is the same at every Q). For a line
            that is not symmetric this is the convolution with its symmetric part.

        Raises
        ------
        InputError
            As for :meth:`of_time`, or if the Q of the resolution are not those of I(Q,t).
        """
        values, variances = by_Q(intermediate, "time")
        R = self.of_time(intermediate.coords["time"])
        rows = self._rows(intermediate)
        factor = np.atleast_2d(R.values)[rows][:, None]
        found = None if variances is None else variances * factor**2
        if R.variances is not None:
            own = np.atleast_2d(R.variances)[rows][:, None] * values**2
            found = own if found is None else found + own
        return put_back(intermediate, "time", values * factor, found)

    def on_spectrum(self, spectrum: sc.DataArray) -> sc.DataArray:
        """Return S(Q,E) convolved with the resolution, on its own energies.

        Every bin is spread over all bins; what leaves the window is lost, what stays keeps its area to rounding. Values
        at points stay values at points and averages over bins stay averages, where bins are finer than a third of the
        FWHM; a line narrower than a bin is averaged over bins instead.

        Parameters
        ----------
        spectrum:
            With the coordinate ``energy_transfer`` (meV, edges or centres); also ``Q`` if the resolution depends on it.

        Returns
        -------
        :
            Same dims, coordinates and masks; masked bins count as 0. Variances are propagated; neighbours are
            correlated over a FWHM, which variances do not say.

        Raises
        ------
        InputError
            If a value that is not masked is not finite, or the Q of the resolution are not those of S(Q,E).

        Examples
        --------
        >>> E = sc.linspace("energy_transfer", -1.0, 1.0, 201, unit="meV")
        >>> line = sc.DataArray(lorentzian("0.05 meV").line_shape(E).data, coords={"energy_transfer": E})
        >>> seen = gaussian("0.135 meV").on_spectrum(line)
        >>> round(float(line.data.max().value), 2), round(float(seen.data.max().value), 2)
        (6.37, 3.9)
        """
        values, variances = by_Q(spectrum, "energy_transfer")
        edges = energy_edges(spectrum)
        rows = self._rows(spectrum)
        out, errors = np.zeros_like(values), np.zeros_like(values)
        for number, shape in enumerate(self.shapes):
            mine = np.broadcast_to(rows == number, len(values))
            block = values[mine].reshape(-1, values.shape[-1])
            spread = None if variances is None else variances[mine].reshape(block.shape)
            found, error = convolve(shape, edges, block, spread)
            out[mine], errors[mine] = found.reshape(values[mine].shape), error.reshape(values[mine].shape)
        return put_back(spectrum, "energy_transfer", out, errors if errors.any() or variances is not None else None)

    def _array(
        self, values: Array, variances: Array | None, dim: str, coord: sc.Variable, unit: str | None
    ) -> sc.DataArray:
        data = sc.array(dims=["Q", dim], values=values, variances=variances, unit=unit or "dimensionless")
        if self.Q is None:
            return sc.DataArray(data["Q", 0].copy(), coords={dim: coord}, name="resolution")
        return sc.DataArray(data, coords={"Q": self.Q, dim: coord}, name="resolution")

    def _rows(self, array: sc.DataArray) -> npt.NDArray[np.int64]:
        """Shape for each Q of the data: (1,) or (Q,)."""
        if self.Q is None:
            return np.zeros(1, dtype=np.int64)
        if "Q" not in array.dims or "Q" not in array.coords:
            raise InputError("resolution: it is known for each Q, but what it is put on has no coordinate Q")
        own, its = centres(self.Q, len(self.shapes)), centres(array.coords["Q"], array.sizes["Q"])
        if len(own) != len(its) or np.any(np.abs(own - its) > 1e-3 * np.maximum(np.abs(own), 1e-3)):
            raise InputError(
                f"resolution: it is known at {len(own)} Q from {own[0]:.4g} to {own[-1]:.4g} 1/angstrom, the data have "
                f"{len(its)} from {its[0]:.4g} to {its[-1]:.4g}; rebin one to the other"
            )
        return np.arange(len(its))


def gaussian(fwhm: Quantity) -> Resolution:
    """Return a Gaussian resolution.

    Parameters
    ----------
    fwhm:
        Full width at half maximum.

    Returns
    -------
    :
        The resolution.

    Examples
    --------
    >>> gaussian("65 ueV")
    <Resolution: Gaussian, FWHM = 0.065 meV>
    """
    return Resolution("Gaussian", (Model((Line("Gaussian", magnitude(fwhm, "meV", "fwhm", positive=True)),)),))


def lorentzian(hwhm: Quantity) -> Resolution:
    """Return a Lorentzian resolution, R(t) = exp(-HWHM t / hbar).

    Parameters
    ----------
    hwhm:
        Half width at half maximum.

    Returns
    -------
    :
        The resolution.
    """
    width = 2 * magnitude(hwhm, "meV", "hwhm", positive=True)
    return Resolution("Lorentzian", (Model((Line("Lorentzian", width),)),))


def pseudo_voigt(fwhm: Quantity, lorentzian_share: float) -> Resolution:
    """Return the sum of a Lorentzian and a Gaussian of the same width.

    Parameters
    ----------
    fwhm:
        Full width at half maximum of both.
    lorentzian_share:
        Area of the Lorentzian, 0 to 1.

    Returns
    -------
    :
        The resolution.

    Raises
    ------
    InputError
        If the share is outside 0 to 1.
    """
    width = magnitude(fwhm, "meV", "fwhm", positive=True)
    share = magnitude(lorentzian_share, "dimensionless", "lorentzian_share")
    if not 0 <= share <= 1:
        raise InputError(f"lorentzian_share: expected a number from 0 to 1, got {share:g}")
    lines = (Line("Lorentzian", width, share), Line("Gaussian", width, 1 - share))
    return Resolution("pseudo-Voigt", (Model(lines),))


def triangular(fwhm: Quantity) -> Resolution:
    """Return a triangular resolution, as of two equal chopper windows; its base is twice its FWHM.

    Parameters
    ----------
    fwhm:
        Full width at half maximum.

    Returns
    -------
    :
        The resolution.
    """
    return Resolution("triangle", (Model((Line("triangle", magnitude(fwhm, "meV", "fwhm", positive=True)),)),))


def ideal() -> Resolution:
    """Return the resolution of an ideal instrument, which changes nothing.

    Returns
    -------
    :
        The resolution.
    """
    return Resolution("ideal", (Model((Line("delta", 0.0),)),))


def sum_of_gaussians(fwhm: sc.Variable, area: Sequence[float], centre: sc.Variable | None = None) -> Resolution:
    """Return a sum of Gaussians, as fitted to a vanadium spectrum.

    Parameters
    ----------
    fwhm:
        One dimension, meV.
    area:
        One for each, of any scale; they may be negative, their sum may not.
    centre:
        As ``fwhm``; by default 0.

    Returns
    -------
    :
        The resolution, of area 1.

    Raises
    ------
    InputError
        If lengths differ, a width is not above 0, or the areas have no positive sum.
    """
    widths = axis_values(fwhm, "meV", "fwhm")
    centres = np.zeros(len(widths)) if centre is None else axis_values(centre, "meV", "centre")
    areas = np.asarray(area, dtype=float)
    if not len(widths) == len(areas) == len(centres) or not len(widths):
        raise InputError(f"sum of Gaussians: {len(widths)} fwhm, {len(areas)} area, {len(centres)} centre; give equal")
    if np.any(widths <= 0) or not areas.sum() > 0:
        raise InputError("sum of Gaussians: fwhm and the sum of the areas must be greater than 0")
    lines = zip(widths.tolist(), (areas / areas.sum()).tolist(), centres.tolist(), strict=True)
    model = Model(tuple(Line("Gaussian", w, a, c) for w, a, c in lines))
    return Resolution(f"{len(widths)} Gaussians", (model,))


def varying(fwhm: sc.DataArray) -> Resolution:
    """Return a Gaussian resolution whose width depends on the energy transfer.

    Parameters
    ----------
    fwhm:
        Full width at half maximum over ``energy_transfer`` (centres), as an instrument gives it; straight in between,
        constant beyond. Points that are NaN (outside the kinematic range) are left out.

    Returns
    -------
    :
        The resolution, for :meth:`Resolution.on_spectrum` only.

    Raises
    ------
    InputError
        If it is no such array, or not above 0 everywhere.
    """
    if not isinstance(fwhm, sc.DataArray) or "energy_transfer" not in fwhm.coords or fwhm.ndim != 1:
        raise InputError("fwhm: expected a data array over energy_transfer")
    energy = axis_values(fwhm.coords["energy_transfer"], "meV", "energy_transfer")
    widths = np.asarray(fwhm.data.to(unit="meV", dtype="float64").values)
    if len(energy) != len(widths):
        raise InputError("fwhm: give its energies as points, not as edges of bins")
    known = np.isfinite(widths)
    if not known.any() or np.any(widths[known] <= 0) or np.any(np.diff(energy) <= 0):
        raise InputError("fwhm: expected widths greater than 0 at increasing energies")
    return Resolution("Gaussian of varying width", (Varying(energy[known], widths[known]),))


def measured(spectrum: sc.DataArray, *, background: Background | None = None, centred: bool = True) -> Resolution:
    """Return the resolution from a measured spectrum of something that scatters elastically, such as vanadium.

    Bins that are masked, not finite or without a positive variance (where there are variances) are left out and
    bridged; negative counts stay, so that noise averages out. Normalised to area 1.

    Parameters
    ----------
    spectrum:
        Over ``energy_transfer`` (meV, edges or centres), for all Q, or over ``Q`` too: one line for each.
    background:
        To subtract: the mean, or the straight line, of the outer tenths of the window.
    centred:
        Shift the middle of the half maximum to 0.

    Returns
    -------
    :
        The resolution, with errors if the spectrum has them, and warnings: a window that cuts the line, too few bins,
        asymmetry.

    Raises
    ------
    InputError
        If there is no peak, or no positive area.
    """
    if not isinstance(spectrum, sc.DataArray) or set(spectrum.dims) - {"Q", "energy_transfer"}:
        raise InputError("spectrum: expected a data array over energy_transfer, or over Q and energy_transfer")
    rows, variances = by_Q(spectrum, "energy_transfer", finite=False)
    edges = energy_edges(spectrum)
    shapes, warnings = [], []
    for number, row in enumerate(rows[:, 0]):
        spread = np.zeros_like(row) if variances is None else variances[number, 0]
        good = np.isfinite(row) & np.isfinite(spread) & ((spread > 0) | (variances is None))
        name = f"spectrum {number}" if len(rows) > 1 else "spectrum"
        table = _table(edges, row, spread, good, background, centred, name)
        shapes.append(table)
        warnings += _cautions(table, name)
    Q = spectrum.coords["Q"].to(unit="1/angstrom", dtype="float64") if "Q" in spectrum.dims else None
    return Resolution("measured", tuple(shapes), Q, tuple(warnings))


def _table(
    edges: Array,
    row: Array,
    spread: Array,
    good: npt.NDArray[np.bool_],
    background: str | None,
    centred: bool,
    name: str,
) -> Table:
    x, widths = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    if good.sum() < 5:
        raise InputError(f"resolution: {name} has {good.sum()} bins with values; it needs at least 5")
    y, v = np.interp(x, x[good], row[good]), np.interp(x, x[good], spread[good])
    if background is not None:
        y = y - _background(x, y, good, background)
    area = float(y @ widths)
    if not area > 0 or not y.max() > 0:
        raise InputError(f"resolution: {name} has no peak of positive area; is it the right spectrum?")
    table = Table(x, y / area, v / area**2, widths)
    return Table(x - table.peak[0], table.values, table.variances, widths) if centred else table


def _background(x: Array, y: Array, good: npt.NDArray[np.bool_], kind: str) -> Array:
    if kind not in ("constant", "linear"):
        raise InputError(f"background: expected None, 'constant' or 'linear', got {kind!r}")
    outer = max(2, round(_OUTER * good.sum()))
    kept = np.flatnonzero(good)
    ends = np.concatenate([kept[:outer], kept[-outer:]])
    degree = 0 if kind == "constant" else 1
    return np.asarray(np.polyval(np.polyfit(x[ends], y[ends], degree), x))


def _cautions(table: Table, name: str) -> list[str]:
    width = table.fwhm()
    if not np.isfinite(width):
        return [f"{name}: the line does not fall to half its height within the window."]
    found = []
    h = float(np.median(table.widths))
    if width < 2 * h:
        found.append(f"{name}: FWHM {width:.3g} meV is less than two bins of {h:.3g} meV; the line is not resolved.")
    transform, variance = table.transform(np.linspace(0.0, 1.0 / width, 20))  # ps: a Gaussian falls to 0.66 there
    sine = float(np.abs(transform.imag).max())
    if sine > max(_ASYMMETRIC, 4 * float(np.sqrt(variance.max()))):
        found.append(
            f"{name}: the line is not symmetric (sine part {sine:.2f}); R(t) holds its symmetric part only, "
            "on_spectrum all of it."
        )
    return found
