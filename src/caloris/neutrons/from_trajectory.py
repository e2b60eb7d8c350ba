"""Scattering of a trajectory, computed once; I(Q,t), S(Q,E) and elastic fractions are read from it.

d2sigma/dOmega dE = (kf/ki) N S(Q,E), S(Q,E) = (1 / 2 pi hbar) int I(Q,t) exp(-i E t / hbar) dt, with
I_coh(Q,t) = (1/N) sum_jk b_j b_k <exp(-i Q.r_j(0)) exp(i Q.r_k(t))>, I_inc(Q,t) = (1/N) sum_j (sigma_inc,j / 4 pi)
<exp(-i Q.r_j(0)) exp(i Q.r_j(t))>: barn per atom and steradian; N are the selected atoms. Nothing is rescaled.
Source: Ren et al., Acta Phys. Sin. 74, 012801 (2025), eqs 1-3; Squires, Introduction to the Theory of Thermal Neutron
Scattering (1978), ch. 4. Units: 1/angstrom, ps, meV.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.parallel import Progress
from caloris.atoms.reference_frame import ReferenceFrame, reference_frame
from caloris.atoms.trajectory import Selection, Trajectory
from caloris.errors import InputError
from caloris.neutrons.coherent import coherent_curves
from caloris.neutrons.cross_sections import Isotopes, scattering_lengths, xray_form_factor
from caloris.neutrons.elastic import ElasticFraction, elastic_fraction
from caloris.neutrons.gpu import Device
from caloris.neutrons.grouped_curves import GroupedCurves, Weights
from caloris.neutrons.incoherent import incoherent_curves
from caloris.neutrons.line_shapes import HBAR
from caloris.neutrons.momentum_transfer import ReciprocalVectors, magnitudes, reciprocal_shells
from caloris.neutrons.resolution import Resolution
from caloris.neutrons.spectrum import default_energies, spectrum_transform
from caloris.units import Quantity, magnitude

Array = npt.NDArray[np.floating[Any]]
Kind = Literal["incoherent", "coherent", "total"]
Weighting = Literal["neutron", "xray", "number"]
MomentumTransfer = sc.Variable | ReciprocalVectors

_BARN = 0.01
"""fm^2 in barn."""
_BETWEEN_FRAMES = 0.4
"""Share of the decay between two frames from which on a caution is given."""
_HEAVY = 0.05
"""Share of one molecule in the mass from which on a caution is given."""
_COMMENSURATE = 1e-4
"""How far from whole numbers the indices of a vector may be."""


@dataclass(frozen=True, eq=False)
class Scattering:
    """Scattering of a trajectory at some momentum transfers; make one with :func:`scattering`."""

    curves: GroupedCurves
    weights: Weights
    """Of each part."""
    kind: Kind
    weighting: Weighting
    vectors: ReciprocalVectors | None
    """What coherent scattering, or that of a single crystal, was computed at."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        Q, time = self.curves.Q, self.curves.time
        return (
            f"<Scattering: {self.kind}, {self.weighting} weights of {', '.join(self.curves.names)}; {len(Q)} Q from "
            f"{Q.min():g} to {Q.max():g}/angstrom, {len(time)} times to {time[-1]:g} ps>"
        )

    @property
    def unit(self) -> str:
        """Of I(Q,t): barn (per atom and steradian) for neutrons; one for X-rays (electrons squared) and numbers."""
        return "barn" if self.weighting == "neutron" else "one"

    def intermediate(
        self, *, normalised: bool = False, partial: bool = False
    ) -> "sc.DataArray | sc.DataGroup[sc.DataArray]":
        """Return I(Q,t).

        Parameters
        ----------
        normalised:
            Divide by I(Q,0).
        partial:
            Every part, with its weight in it, and their sum ``"total"``: a group by name.

        Returns
        -------
        :
            Dimensions ``Q`` and ``time``, with variances.
        """

        def curve(values: Array) -> Array:
            return values / values[:, :1] if normalised else values

        return self._parts(curve, ["Q", "time"], {}, "one" if normalised else self.unit, "I(Q,t)", partial)

    def spectrum(
        self,
        *,
        energy_transfer: sc.Variable | None = None,
        resolution: Resolution | None = None,
        temperature: Quantity | None = None,
        correction: Literal["harmonic", "Schofield", "standard"] = "harmonic",
        partial: bool = False,
    ) -> "sc.DataArray | sc.DataGroup[sc.DataArray]":
        """Return S(Q,E).

        The part of I(Q,t) that is left at the longest times is taken for elastic: it becomes the line of the
        resolution, and only what decays is transformed.

        Parameters
        ----------
        energy_transfer:
            Points, meV, > 0 where the neutron loses energy; by default what the trajectory can tell.
        resolution:
            Of the instrument; by default a Gaussian as narrow as the trajectory allows.
        temperature:
            Of the sample: a classical trajectory scatters alike at E and -E; with a temperature the spectrum is made
            to keep detailed balance.
        correction:
            How, see :func:`caloris.neutrons.quantum_correction`.
        partial:
            As for :meth:`intermediate`.

        Returns
        -------
        :
            Dimensions ``Q`` and ``energy_transfer``, with variances; the unaligned coordinate ``caution`` is a
            sentence, empty if there is nothing to say.

        Raises
        ------
        InputError
            If energies are beyond what the frames can show.
        """
        time = self.curves.time
        energy = default_energies(time, resolution) if energy_transfer is None else energy_transfer
        transform, cautions = spectrum_transform(
            time, energy, resolution, self.curves.Q, temperature=temperature, correction=correction
        )
        cautions += self._undersampled()
        coords = {
            "energy_transfer": energy.to(unit="meV", dtype="float64").rename_dims({energy.dim: "energy_transfer"})
        }
        unit = "1/meV" if self.unit == "one" else f"{self.unit}/meV"
        return self._parts(transform, ["Q", "energy_transfer"], coords, unit, "S(Q,E)", partial, cautions)

    def elastic_fraction(self, *, after: Quantity | None = None, until: Quantity | None = None) -> ElasticFraction:
        """Return the elastic fraction of each Q, from infinite time and from a fit.

        Parameters
        ----------
        after:
            Where the fit begins, past the vibrations; by default 0.5 ps, or a tenth of the longest time.
        until:
            Where it ends; by default the longest time.

        Returns
        -------
        :
            See :class:`caloris.neutrons.ElasticFraction`.

        Raises
        ------
        InputError
            If the scattering is not incoherent, or fewer than 8 times are left.
        """
        if self.kind != "incoherent":
            raise InputError(f"elastic fraction: it is defined for incoherent scattering, this is {self.kind}")
        last = float(self.curves.time[-1])
        if after is not None and magnitude(after, "ps", "after") < 0:
            raise InputError(f"after: expected a time from 0 ps on, got {after}")
        begin = min(0.5, 0.1 * last) if after is None else magnitude(after, "ps", "after")
        end = last if until is None else magnitude(until, "ps", "until", positive=True)
        return elastic_fraction(self.curves, self.weights, begin, end)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What is to be known of the trajectory and the weights, and what the errors do not tell."""
        found = list(self.warnings)
        if self.curves.without_errors:
            found.append(f"One group only of {', '.join(self.curves.without_errors)}: no error can be told.")
        outlasting = self.curves.outlasting(self.weights)
        if np.any(outlasting):
            found.append(
                f"At {np.count_nonzero(outlasting)} of {len(self.curves.Q)} Q correlations outlast the times: Bragg "
                "peaks, or slow motion, of which the errors are lower bounds."
            )
        rough = self.curves.rough(self.weights)
        if np.any(rough):
            found.append(
                f"At {np.count_nonzero(rough)} of {len(self.curves.Q)} Q the run holds few independent stretches of "
                "time: errors are rough, and more often too small than too large."
            )
        if self.curves.sampling is None and self.vectors is not None and self.vectors.available is not None:
            chosen = np.bincount(self.vectors.shell, minlength=len(self.vectors.Q))
            if self.kind != "incoherent" and np.any(chosen < self.vectors.available):
                found.append("Shells hold some of their vectors only, too few to tell what the choice does.")
        return tuple(found)

    def _undersampled(self) -> list[str]:
        """Whether much of the motion happens between two frames."""
        curve = self.curves.mean(self.weights)
        fallen = (curve[:, 0] - curve[:, 1]) / np.maximum(curve[:, 0] - curve.min(axis=1), 1e-300)
        if np.median(fallen) < _BETWEEN_FRAMES:
            return []
        step = float(self.curves.time[1] - self.curves.time[0])
        return [
            f"{100 * float(np.median(fallen)):.0f} % of the decay happens between two frames, {step:g} ps apart: "
            f"what is faster than {math.pi * HBAR / step:.3g} meV appears at wrong energies; keep frames more often."
        ]

    def _parts(
        self,
        function: Callable[[Array], Array],
        dims: list[str],
        coords: dict[str, sc.Variable],
        unit: str,
        name: str,
        partial: bool,
        cautions: Sequence[str] = (),
    ) -> "sc.DataArray | sc.DataGroup[sc.DataArray]":
        caution = " ".join((*self.cautions, *cautions))
        total = self._array(self.curves, function, dims, coords, unit, name, caution)
        if not partial:
            return total
        found = {
            part: self._array(self.curves.only(part), function, dims, coords, unit, f"{name} of {part}", caution)
            for part in self.curves.names
        }
        return sc.DataGroup(found | {"total": total})

    def _array(
        self,
        curves: GroupedCurves,
        function: Callable[[Array], Array],
        dims: list[str],
        coords: dict[str, sc.Variable],
        unit: str,
        name: str,
        caution: str,
    ) -> sc.DataArray:
        value, variance = curves.propagate(function, self.weights)
        data = sc.array(dims=dims, values=value, variances=variance, unit=unit)
        own = {"Q": sc.array(dims=["Q"], values=self.curves.Q, unit="1/angstrom")}
        if "time" in dims:
            own["time"] = sc.array(dims=["time"], values=self.curves.time, unit="ps")
        labels = {
            "kind": sc.scalar(self.kind),
            "weighting": sc.scalar(self.weighting),
            "caution": sc.scalar(caution),
        }
        if self.vectors is not None and not self.vectors.averages:
            labels["momentum_transfer"] = self.vectors.vectors.rename_dims(vector="Q")
        elif self.vectors is not None:
            labels["mean_Q"] = self.vectors.mean_length
        result = sc.DataArray(data, coords=own | coords | labels, name=name)
        for label in labels:
            result.coords.set_aligned(label, False)
        return result


def scattering(
    trajectory: Trajectory,
    momentum_transfer: MomentumTransfer,
    kind: Kind = "incoherent",
    *,
    atoms: Selection = None,
    weights: Weighting = "neutron",
    isotopes: Isotopes | None = None,
    longest: Quantity | None = None,
    shell_width: Quantity | None = None,
    vectors_per_shell: int | None = 50,
    seed: int = 0,
    at_rest: Selection = None,
    device: Device = "cpu",
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Scattering:
    """Compute the scattering of a trajectory, from which I(Q,t), S(Q,E) and elastic fractions can be read.

    Parameters
    ----------
    trajectory:
        Positions in the mean cell are used, less the drift of the whole.
    momentum_transfer:
        Lengths (one dimension, 1/angstrom, increasing): average over all directions, exact for incoherent scattering,
        over reciprocal vectors of the cell for coherent. Or vectors (one dimension) of a single crystal. Or what
        :func:`reciprocal_shells`, :func:`reciprocal_path`, :func:`reciprocal_plane` or :func:`reciprocal_sphere` give.
    kind:
        ``"incoherent"``, ``"coherent"`` or ``"total"``, their sum.
    atoms:
        Which atoms scatter; by default all.
    weights:
        ``"neutron"``: barn per atom and steradian; ``"xray"``: form factors, electrons squared per atom, coherent only;
        ``"number"``: every atom counts 1.
    isotopes:
        Of elements, ``{"H": "2H"}`` or ``{"H": {"1H": 0.02, "2H": 0.98}}``, for neutrons. By default natural, but atoms
        whose mass is that of an isotope are taken for it. The trajectory is not changed.
    longest:
        Longest time; by default half of the trajectory.
    shell_width, vectors_per_shell, seed:
        Of coherent powder averages, see :func:`reciprocal_shells`.
    at_rest:
        Atoms whose centre of mass is taken to rest; by default all.
    device:
        ``"cpu"``, all cores, or ``"gpu"`` through CuPy.
    scheduler:
        Address of a dask scheduler whose workers see the file, to compute there.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        The scattering; errors from groups of molecules (incoherent) or blocks of time origins (coherent).

    Raises
    ------
    InputError
        If a momentum transfer is no reciprocal vector of the cell, or the trajectory too short.
    """
    if kind not in ("incoherent", "coherent", "total") or weights not in ("neutron", "xray", "number"):
        raise InputError(
            f"scattering: expected the kind incoherent, coherent or total and weights neutron, xray or number, "
            f"got {kind!r} and {weights!r}"
        )
    if weights == "xray" and kind != "coherent":
        raise InputError("scattering: of X-rays only the coherent part is computed (incoherent is Compton scattering)")
    selected = trajectory.select(atoms)
    if not len(selected):
        raise InputError("atoms: none were selected")
    frame = reference_frame(trajectory, at_rest)
    names, labels, lengths, warnings = _species(trajectory, weights, isotopes)
    warnings = (*_cautions(trajectory, at_rest), *warnings)
    lags = _lags(trajectory, longest)
    powder, vectors = _momentum(momentum_transfer, frame, kind)
    common: dict[str, Any] = {"device": device, "scheduler": scheduler, "progress": progress}
    found: list[GroupedCurves] = []
    if kind != "coherent":
        own = vectors if powder is None else None
        found.append(
            incoherent_curves(
                trajectory, frame, selected, names, labels, powder=powder, vectors=own, lags=lags, **common
            )
        )
    if kind != "incoherent":
        if vectors is None:
            assert powder is not None  # one of the two
            Q = sc.array(dims=["Q"], values=powder, unit="1/angstrom")
            cell = sc.vectors(dims=["cell_vector"], values=frame.mean_cell, unit="angstrom")
            vectors = reciprocal_shells(cell, Q, width=shell_width, most=vectors_per_shell, seed=seed)
        lags = len(found[0].time) if found else lags
        found.append(coherent_curves(trajectory, frame, selected, names, labels, vectors, lags=lags, **common))
    strata = tuple(stratum for curves in found for stratum in curves.strata)
    curves = GroupedCurves(strata, found[0].time, found[0].Q, found[-1].sampling, found[-1].left_out)
    return Scattering(curves, _weights(curves, lengths, weights, vectors), kind, weights, vectors, warnings)


def _species(
    trajectory: Trajectory, weights: Weighting, isotopes: Isotopes | None
) -> tuple[list[str], npt.NDArray[np.integer[Any]], dict[str, tuple[float, float]], tuple[str, ...]]:
    """Names of the species, which one each atom is, (b, sigma_inc / 4 pi) of each in fm and barn, and cautions."""
    if weights == "neutron":
        table = scattering_lengths(trajectory.symbols, isotopes, masses=trajectory.masses)
        numbers = zip(table.coherent_length.values, table.incoherent_cross_section.values, strict=True)
        lengths = {
            name: (float(b), float(s) / (4 * math.pi)) for name, (b, s) in zip(table.names, numbers, strict=True)
        }
        return list(table.names), table.index, lengths, table.warnings
    if isotopes is not None:
        raise InputError(f"isotopes: they make no difference to {weights} weights; leave them out")
    names = list(dict.fromkeys(trajectory.symbols))
    labels = np.array([names.index(symbol) for symbol in trajectory.symbols])
    return names, labels, dict.fromkeys(names, (1.0, 1.0)), ()


def _weights(
    curves: GroupedCurves,
    lengths: dict[str, tuple[float, float]],
    weighting: Weighting,
    vectors: ReciprocalVectors | None,
) -> dict[str, Array]:
    """Of each part, over Q: an element is incoherent, a pair ``a-b`` coherent."""
    found = {}
    for name in curves.names:
        first, _, second = name.partition("-")
        if not second:
            found[name] = np.array(lengths[first][1])
        elif weighting == "xray":
            Q = vectors.mean_length if vectors is not None else sc.array(dims=["Q"], values=curves.Q, unit="1/angstrom")
            found[name] = xray_form_factor(first, Q).values * xray_form_factor(second, Q).values
        else:
            scale = _BARN if weighting == "neutron" else 1.0
            found[name] = np.array(scale * lengths[first][0] * lengths[second][0])
    return found


def _lags(trajectory: Trajectory, longest: Quantity | None) -> int | None:
    if longest is None:
        return None
    step = float(trajectory.timestep.value)
    lags = round(magnitude(longest, "ps", "longest", positive=True) / step) + 1
    if lags < 2:
        raise InputError(f"longest: shorter than the distance of frames, {step:g} ps")
    return lags


def _momentum(
    given: MomentumTransfer, frame: ReferenceFrame, kind: Kind
) -> tuple[Array | None, ReciprocalVectors | None]:
    """Lengths for a powder, or vectors."""
    if isinstance(given, ReciprocalVectors):
        if not len(given):
            raise InputError("momentum transfer: there are no vectors")
        _check_commensurate(given.vectors.values, frame, kind)
        return None, given
    if not isinstance(given, sc.Variable):
        raise InputError("momentum transfer: expected a scipp array in 1/angstrom, or reciprocal vectors")
    if given.dtype != sc.DType.vector3:
        Q = magnitudes(given)
        if kind != "incoherent" and Q[0] == 0:
            raise InputError("momentum transfer: coherent scattering at 0 is the number of atoms, leave it out")
        return Q, None
    try:
        vectors = np.atleast_2d(given.to(unit="1/angstrom").values)
    except sc.UnitError:
        raise InputError(f"momentum transfer: expected vectors in 1/angstrom, got {given.unit}") from None
    if not vectors.size or not np.all(np.isfinite(vectors)):
        raise InputError("momentum transfer: expected at least one vector, of finite components")
    whole = _check_commensurate(vectors, frame, kind)
    lengths = np.linalg.norm(vectors, axis=1)
    return None, ReciprocalVectors(
        vectors=sc.vectors(dims=["vector"], values=vectors, unit="1/angstrom"),
        indices=whole,
        shell=np.arange(len(vectors)),
        Q=sc.array(dims=["Q"], values=lengths, unit="1/angstrom"),
    )


def _check_commensurate(vectors: Array, frame: ReferenceFrame, kind: Kind) -> npt.NDArray[np.integer[Any]]:
    """Return the indices of vectors in the mean cell; refuse others for coherent scattering."""
    indices = vectors @ frame.mean_cell.T / (2 * np.pi)
    whole = np.round(indices)
    off = np.abs(indices - whole).max(axis=1)
    if kind != "incoherent" and off.max() > _COMMENSURATE:
        worst = int(np.argmax(off))
        near = whole[worst] @ frame.reciprocal_cell
        raise InputError(
            f"momentum transfer {np.round(vectors[worst], 4).tolist()}/angstrom is no reciprocal vector of the cell, "
            f"whose edges would scatter; the nearest is {np.round(near, 4).tolist()}"
        )
    if kind != "incoherent" and np.any(~np.any(whole, axis=1)):
        raise InputError("momentum transfer: coherent scattering at 0 is the number of atoms, leave it out")
    return whole.astype(int)


def _cautions(trajectory: Trajectory, at_rest: Selection) -> list[str]:
    """What the user should know of the trajectory itself."""
    found = [str(warning) for warning in trajectory.inputs.get("warnings", ())]
    masses = np.asarray(trajectory.masses.values)
    heaviest = np.bincount(np.unique(trajectory.molecules, return_inverse=True)[1], masses).max() / masses.sum()
    if at_rest is None and heaviest > _HEAVY:
        found.append(
            f"One molecule is {100 * heaviest:.0f} % of the mass: taking the drift of the whole away takes part of its "
            "own motion; at_rest names atoms that rest instead."
        )
    return found
