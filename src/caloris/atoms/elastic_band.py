"""A nudged elastic band: images between two ends, their search, and the energy along it. Units: angstrom, eV."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.mep import NEB
from numpy.typing import NDArray

from caloris.atoms.calculators import failures_in_one_line
from caloris.atoms.structure_series import SeriesFile, frozen
from caloris.errors import ComputationError

if TYPE_CHECKING:
    from ase import Atoms

Array = NDArray[np.float64]
Progress = Callable[[str, float], None]

BAND = "band.extxyz"
"""File of the images."""
_SPRING = 0.1
"""eV/angstrom^2; only spaces the images, the path does not depend on it."""
_FLAT = 0.1
"""eV/angstrom^2: no saddle is taken to be flatter when its error is estimated."""
_CLIMB_FROM = 4.0
"""The highest image climbs once the forces on the band are below so many tolerances."""


class _Neb(NEB):
    """ASE's band; remembers the forces on it, which are dear."""

    def get_forces(self) -> Any:
        forces = super().get_forces()  # type: ignore[no-untyped-call]
        self.band_forces: Array = np.array(forces)
        return forces


class Band:
    """The chain of images and its search, kept on disk if there is a folder."""

    def __init__(
        self,
        first: "Atoms",
        last: "Atoms",
        shared: Any,
        settings: dict[str, Any],
        place: Path | None,
        progress: Progress | None,
    ) -> None:
        self.settings, self._file, self._progress = settings, SeriesFile(place, BAND), progress
        inner = [first.copy() for _ in range(settings["images"] - 2)]
        self.images: list[Any] = [first, *inner, last]
        for image in self.images[1:-1]:
            image.calc = shared
        make: Any = _Neb  # ASE has types in some places only
        self.neb = make(self.images, k=_SPRING, climb=False, method="improvedtangent", allow_shared_calculator=True)
        self.steps, self.force = 0, math.inf
        self._worst = 0.0
        self._place_images()

    def _place_images(self) -> None:
        """Take the images of a search that was stopped, or guess them."""
        kept = self._file.read()
        if len(kept) == len(self.images):
            for image, known in zip(self.images[1:-1], kept[1:-1], strict=True):
                image.set_positions(known.positions)
            return
        # one atom alone has no pair distances for the better guess
        method = "linear" if len(self.images[0]) == 1 else "idpp"
        self.neb.interpolate(method=method, mic=True, apply_constraint=False)

    def run(self) -> None:
        """Search until the tolerance is met or the steps are used up."""
        from ase.optimize import FIRE

        tolerance = self.settings["force_tolerance"]
        goals = (
            [(False, _CLIMB_FROM * tolerance), (True, tolerance)] if self.settings["climb"] else [(False, tolerance)]
        )
        for climb, goal in goals:
            self.neb.climb = climb
            self.force = math.inf
            left = self.settings["maximum_steps"] - self.steps
            optimiser = FIRE(self.neb, logfile=None, maxstep=0.1)
            with failures_in_one_line():
                for _ in optimiser.irun(fmax=0.0, steps=max(left, 0)):
                    self._keep()
                    if self.force <= goal:
                        break
            self.steps += optimiser.nsteps
        self._file.write(self.known())

    def _keep(self) -> None:
        self.force = float(np.linalg.norm(self.neb.band_forces, axis=1).max())
        if not np.isfinite(self.force):
            raise ComputationError("a force on the band is not finite; look for atoms that are too close")
        self._worst = max(self._worst, self.force)
        tolerance = self.settings["force_tolerance"]
        if self._progress and self._worst > tolerance:
            part = 1 - math.log(max(self.force, tolerance) / tolerance) / math.log(self._worst / tolerance)
            self._progress(f"band, forces to {self.force:.3g} eV/angstrom", part)
        if self._file.is_due:
            self._file.write(self.known())

    def known(self) -> list["Atoms"]:
        """Return the images with energies and forces."""
        results: Any = zip(self.neb.energies, self.neb.real_forces, strict=True)
        pairs = list(results)[1:-1]
        inner = [frozen(image, *known) for image, known in zip(self.images[1:-1], pairs, strict=True)]
        return [self.images[0], *inner, self.images[-1]]


def profile(path: Sequence["Atoms"]) -> tuple[Array, Array, Array]:
    """Return distance, energy and slope along a band; angstrom, eV, eV/angstrom, energies above the first.

    Parameters
    ----------
    path:
        Images with energies and forces, without jumps over the boundary of the cell.

    Returns
    -------
    :
        Three arrays, one value per image.
    """
    from scipy.interpolate import CubicSpline

    x = np.array([image.positions.ravel() for image in path])
    results: list[dict[str, Any]] = [image.calc.results for image in path]
    distance = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(x, axis=0), axis=1))])
    energy = np.array([result["energy"] for result in results])
    tangent = CubicSpline(distance, x)(distance, 1)
    tangent /= np.linalg.norm(tangent, axis=1)[:, None]
    slope = -np.array([result["forces"].ravel() @ t for result, t in zip(results, tangent, strict=True)])
    return distance, energy - energy[0], slope


def saddle_energy(
    distance: Array, energy: Array, slope: Array, *, climbed: bool, residual: float = 0.0
) -> tuple[float, float]:
    """Return the highest energy of a path and what interpolation may be wrong by.

    Parameters
    ----------
    distance, energy, slope:
        What :func:`profile` returned.
    climbed:
        Whether the highest image sits on the saddle; its energy is taken then, otherwise the top of the cubic curve
        through energies and slopes.
    residual:
        Largest force left on the band, eV/angstrom.

    Returns
    -------
    :
        Energy and error, eV. The error is the largest of: what a force ``residual`` left at the top can lower it by;
        for a climbed image, how far the curve rises above it; for a curve, its distance from that through energies
        alone and a quarter of its distance from that through every other image (halving the spacing takes off 15/16).
    """
    from scipy.interpolate import CubicSpline

    curve = curve_through(distance, energy, slope)
    fitted, place = _top(curve)
    # F^2 / 2k: across the path the curvature is taken to be no less than along it
    errors = [residual**2 / (2 * max(abs(float(curve(place, 2))), _FLAT))]
    if climbed:
        value = float(energy.max())
        return value, max(*errors, abs(fitted - value))
    if len(distance) > 3:
        errors.append(abs(_top(CubicSpline(distance, energy))[0] - fitted))
    thin = np.unique(np.append(np.arange(0, len(distance), 2), len(distance) - 1))
    errors.append(abs(_top(curve_through(distance[thin], energy[thin], slope[thin]))[0] - fitted) / 4)
    return fitted, max(errors)


def curve_through(distance: Array, energy: Array, slope: Array) -> Any:
    """Return the cubic curve through energies and slopes, a function of the distance.

    Parameters
    ----------
    distance, energy, slope:
        What :func:`profile` returned.

    Returns
    -------
    :
        A piecewise polynomial of SciPy.
    """
    from scipy.interpolate import CubicHermiteSpline

    return CubicHermiteSpline(distance, energy, slope)


def _top(curve: Any) -> tuple[float, float]:
    """Highest value of a piecewise polynomial, and where."""
    first, last = curve.x[0], curve.x[-1]
    turns = np.asarray(curve.derivative().roots(extrapolate=False), dtype=float)
    turns = turns[np.isfinite(turns)]
    places = np.concatenate([[first, last], turns])
    best = places[np.argmax(curve(places))]
    return float(curve(best)), float(best)
