"""How fast molecules turn over pressure and temperature, with bounds where nothing turns, and the Arrhenius law.

Source: supplement of the Li2B12H12 paper, Fig. 5b: rate of the icosahedra at every state. Units: MPa, K, 1/s, eV.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.orientation.body_rotation import rotating_molecules
from caloris.atoms.orientation.correlation import Order, reorientation_rate
from caloris.atoms.orientation.crystal_frame import state_of
from caloris.atoms.parallel import Progress
from caloris.atoms.trajectory import Trajectory
from caloris.errors import ComputationError, InputError
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[np.floating[Any]]

_BOLTZMANN = 8.617333262e-5
"""eV/K, CODATA 2018."""


@dataclass(frozen=True)
class ReorientationArrhenius:
    """Rate = prefactor exp(-activation_energy / kT)."""

    activation_energy: sc.Variable
    """eV, with variance."""
    prefactor: sc.Variable
    """1/s, with variance (from that of its logarithm)."""
    chi_square: float
    degrees_of_freedom: int
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        energy = self.activation_energy
        fit = f"chi^2 {self.chi_square:.1f}/{self.degrees_of_freedom}"
        return f"<ReorientationArrhenius: {energy.value:.3g} +- {math.sqrt(energy.variance):.1g} eV, {fit}>"

    def __call__(self, temperature: Quantity) -> sc.Variable:
        """Return the rate in 1/s at a temperature, without error.

        Examples
        --------
        >>> one = sc.scalar(1.0, variance=0.0, unit="1/s")
        >>> law = ReorientationArrhenius(sc.scalar(0.0, variance=0.0, unit="eV"), one, 0.0, 1, ())
        >>> float(law("300 K").value)
        1.0
        """
        T = magnitude(temperature, "K", "temperature", positive=True)
        rate = self.prefactor.value * math.exp(-self.activation_energy.value / (_BOLTZMANN * T))
        return sc.scalar(float(rate), unit="1/s")


@dataclass(frozen=True)
class ReorientationSurvey:
    """Rates of reorientation at many states; dimensions ``pressure`` (MPa) and ``temperature`` (K)."""

    molecule: str
    rate: sc.DataArray
    """1/s, with variance; masked ``unresolved`` where nothing turns (read :attr:`upper_bound`) or no run was made."""
    upper_bound: sc.DataArray
    """1/s, with 95 % confidence: of the rate where there is one, of seldom jumps where nothing was seen to turn."""
    rotating: sc.DataArray
    """Share of the molecules that turned by more than the angle during the run."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        resolved = int(np.sum(~self.rate.masks["unresolved"].values))
        runs = int(np.sum(np.isfinite(self.upper_bound.values)))
        return f"<ReorientationSurvey of {self.molecule}: {runs} states, a rate at {resolved} of them>"

    def arrhenius(self, pressure: Quantity, *, lowest: Quantity | None = None) -> ReorientationArrhenius:
        """Fit the Arrhenius law at a pressure.

        Parameters
        ----------
        pressure:
            One of the survey.
        lowest:
            Temperatures below are left out, for example those of another phase.

        Returns
        -------
        :
            Activation energy and prefactor, weighted by the errors of the rates; warnings if the points lie on
            no line, and for every state without a rate whose bound the line exceeds.

        Raises
        ------
        InputError
            If there is no such pressure, or fewer than 2 rates at it.
        """
        from scipy.stats import chi2

        row = self._row(pressure)
        T = self.rate.coords["temperature"].values
        warm = (magnitude(lowest, "K", "lowest") if lowest is not None else 0.0) <= T
        use = ~self.rate.masks["unresolved"].values[row] & warm
        if np.count_nonzero(use) < 2:
            raise InputError(f"arrhenius: {np.count_nonzero(use)} rates at {pressure}; a line needs 2")
        rate, variance = self.rate.values[row, use], self.rate.variances[row, use]
        x, weights = -1 / (_BOLTZMANN * T[use]), rate**2 / variance
        design = np.stack([np.ones_like(x), x])
        covariance = np.linalg.inv((design * weights) @ design.T)
        log_prefactor, energy = covariance @ (design * weights) @ np.log(rate)
        chi_square = float(np.sum(weights * (np.log(rate) - log_prefactor - energy * x) ** 2))
        prefactor = math.exp(log_prefactor)
        bound = self.upper_bound.values[row]
        freedom = int(np.count_nonzero(use)) - 2
        warnings = [
            f"At {T[k]:g} K the line exceeds the bound {bound[k]:.2g} 1/s: another phase, or another mechanism."
            for k in np.flatnonzero(~use & warm & np.isfinite(bound))
            if prefactor * math.exp(-energy / (_BOLTZMANN * T[k])) > bound[k]
        ]
        if chi_square > chi2.isf(0.01, max(freedom, 1)):
            warnings.append(
                f"The rates lie on no line (chi^2 {chi_square:.0f}/{freedom}): set lowest to stay in a phase."
            )
        return ReorientationArrhenius(
            activation_energy=sc.scalar(float(energy), variance=float(covariance[1, 1]), unit="eV"),
            prefactor=sc.scalar(prefactor, variance=float(covariance[0, 0]) * prefactor**2, unit="1/s"),
            chi_square=chi_square,
            degrees_of_freedom=freedom,
            warnings=tuple(warnings),
        )

    def plot(self) -> "Figure":
        """Draw the logarithm of the rate over 1000 K / T for every pressure, with bounds and Arrhenius lines."""
        from caloris.atoms.orientation.figures import plot_survey

        return plot_survey(self)

    def _row(self, pressure: Quantity) -> int:
        wanted = magnitude(pressure, "MPa", "pressure")
        known = self.rate.coords["pressure"].values
        rows = np.flatnonzero(np.isclose(known, wanted, atol=1e-6))
        if not len(rows):
            raise InputError(f"pressure: {wanted:g} MPa is not in the survey, which has {known.tolist()} MPa")
        return int(rows[0])


def reorientation_survey(
    trajectories: Iterable[Trajectory],
    molecule: str,
    *,
    order: Order = 1,
    angle: Quantity = "60 deg",
    states: Iterable[tuple[Quantity, Quantity]] | None = None,
    progress: Progress | None = None,
) -> ReorientationSurvey:
    """Return the rate at which molecules turn at every state of pressure and temperature.

    A rate counts if it is twice its error and molecules have turned as a whole; where none has, the rate is below three
    jumps over all the time that was observed (95 % of a Poisson process).

    Parameters
    ----------
    trajectories:
        In equilibrium, one for each state; of equal states the last one counts.
    molecule:
        Formula, for example ``"B12H12"``.
    order:
        Of the Legendre polynomial of the correlation.
    angle:
        What counts as turned, see :func:`caloris.atoms.orientation.body_rotation.rotating_molecules`.
    states:
        Pressure and temperature of each; by default what the runs say.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        Tables of rates, bounds and shares of rotating molecules.

    Raises
    ------
    InputError
        If there is no trajectory, a state is unknown, or there are no such molecules.

    Source
    ------
    Li2B12H12 paper, supplementary Fig. 5b.
    """
    runs = list(trajectories)
    if not runs:
        raise InputError("trajectories: expected at least one")
    if states is None:
        found = [state_of(run) for run in runs]
    else:
        found = [(magnitude(p, "MPa", "pressure"), magnitude(T, "K", "temperature", positive=True)) for p, T in states]
    if len(found) != len(runs):
        raise InputError(f"states: {len(found)} for {len(runs)} trajectories")
    pressures, temperatures = (np.unique(column) for column in zip(*found, strict=True))
    table = np.full((4, len(pressures), len(temperatures)), math.nan)
    warnings = []
    for number, (run, (p, T)) in enumerate(zip(runs, found, strict=True), start=1):
        *values, words = _point(run, molecule, order, angle)
        table[:, np.searchsorted(pressures, p), np.searchsorted(temperatures, T)] = values
        warnings += [f"{p:g} MPa, {T:g} K: {line}" for line in words]
        if progress is not None:
            progress("reorientation survey", number / len(runs))
    return _survey(molecule, pressures, temperatures, table, tuple(warnings))


def _point(
    run: Trajectory, molecule: str, order: Order, angle: Quantity
) -> tuple[float, float, float, float, tuple[str, ...]]:
    """Rate (NaN if none), its error, upper bound (1/s), share of rotating molecules, and what to doubt."""
    turned = rotating_molecules(run, molecule, angle=angle)
    share = turned.rotating / turned.total
    if not turned.rotating:
        observed = turned.total * len(run) * float(run.timestep.value) * 1e-12
        return math.nan, math.nan, 3 / observed, 0.0, ()
    try:
        rate = reorientation_rate(run, molecule=molecule, order=order)
    except ComputationError as failure:
        return math.nan, math.nan, math.nan, share, (str(failure),)
    error = math.sqrt(rate.rate.variance)
    bound = float(rate.upper_bound.value)
    if rate.rate.value < 2 * error:
        return math.nan, math.nan, bound, share, rate.warnings
    return float(rate.rate.value), error, bound, share, rate.warnings


def _survey(molecule: str, p: Array, T: Array, table: Array, warnings: tuple[str, ...]) -> ReorientationSurvey:
    coords = {
        "pressure": sc.array(dims=["pressure"], values=p, unit="MPa"),
        "temperature": sc.array(dims=["temperature"], values=T, unit="K"),
    }
    dims = ["pressure", "temperature"]
    rate = sc.array(dims=dims, values=table[0], variances=table[1] ** 2, unit="1/s")
    unresolved = {"unresolved": sc.array(dims=dims, values=np.isnan(table[0]))}
    return ReorientationSurvey(
        molecule=molecule,
        rate=sc.DataArray(rate, coords=coords, masks=unresolved, name=f"reorientation rate of {molecule}"),
        upper_bound=sc.DataArray(sc.array(dims=dims, values=table[2], unit="1/s"), coords=coords, name="upper bound"),
        rotating=sc.DataArray(sc.array(dims=dims, values=table[3], unit="one"), coords=coords, name="rotating"),
        warnings=warnings,
    )
