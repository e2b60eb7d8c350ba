"""A harmonic crystal: one atom in each cell of a simple cubic lattice, springs between nearest neighbours.

Its modes are oscillators of w^2 = w_max^2 / 3 sum_i sin^2(k_i a / 2), alike for x, y and z, each drawn exactly; atoms
move together, so that coherent scattering has a closed form too. The crystal as a whole does not move. Angstrom, ps.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.synthetic.motions import (
    Array,
    Gaussian,
    Motion,
    Parts,
    lower_root,
    oscillator_correlations,
    oscillator_propagator,
    oscillator_spectrum,
)
from caloris.atoms.synthetic.populations import cubic_sites
from caloris.errors import InputError
from caloris.units import Quantity, magnitude


@dataclass(frozen=True)
class HarmonicCrystal(Gaussian):
    """A simple cubic crystal with periodic boundaries, in a heat bath."""

    symbol: str
    cells: tuple[int, int, int]
    edge: Quantity
    """Of the cell, angstrom."""
    mean_square: Quantity
    """<u_x^2>, angstrom^2."""
    highest_frequency: Quantity
    """w_max / 2 pi, THz."""
    damping: Quantity
    """Of every mode, 1/ps; 0 for none."""

    @cached_property
    def sites(self) -> sc.Variable:
        """Vectors over ``atom``, angstrom."""
        return cubic_sites(self.edge, self.cells)

    @cached_property
    def _modes(self) -> tuple[Array, Array, float]:
        """<|A_k|^2> and w of each wave vector (whole grid), with 0 and 1 for the first, which is at rest; damping."""
        square = magnitude(self.mean_square, "angstrom^2", "mean_square", positive=True)
        highest = 2 * math.pi * magnitude(self.highest_frequency, "THz", "highest_frequency", positive=True)
        sines = [np.sin(math.pi * np.arange(n) / n) ** 2 for n in self.cells]
        w = highest * np.sqrt((sines[0][:, None, None] + sines[1][:, None] + sines[2]) / 3)
        if w.size < 2:
            raise InputError(f"cells: a crystal needs more than one, got {self.cells}")
        w[0, 0, 0] = 1.0
        amplitudes = 1 / w**2
        amplitudes[0, 0, 0] = 0.0
        return square * amplitudes / amplitudes.mean(), w, magnitude(self.damping, "1/ps", "damping")

    def coherent_scattering(self, momentum_transfer: sc.Variable, time: sc.Variable) -> sc.DataArray:
        """Return the coherent I(Q,t) for one atom of unit scattering length; at t = 0 it is S(Q).

        Parameters
        ----------
        momentum_transfer:
            Vectors of the reciprocal lattice of the whole box, dimension ``Q``, 1/angstrom.
        time:
            Dimension ``time``.

        Returns
        -------
        :
            Dimensions ``Q`` and ``time``; Bragg peaks are as high as there are atoms.
        """
        amplitudes, w, damping = self._modes
        q = np.asarray(momentum_transfer.to(unit="1/angstrom").values)
        t = np.asarray(time.to(unit="ps", dtype="float64").values)
        square = amplitudes.mean()
        phases = np.cos(q @ np.asarray(self.sites.values).T)
        found = np.empty((len(q), len(t)))
        for column, moment in enumerate(t):
            correlation = oscillator_correlations(w, damping, np.array(moment))[0]
            between = np.fft.ifftn(amplitudes * correlation).real.ravel()
            found[:, column] = (phases * np.exp(-(q**2).sum(axis=1)[:, None] * (square - between))).sum(axis=1)
        coords = {"Q": momentum_transfer.rename_dims({momentum_transfer.dim: "Q"}), "time": time}
        values = sc.array(dims=["Q", "time"], values=found)
        return sc.DataArray(values, coords=coords, name="coherent I(Q,t)")

    @property
    def units(self) -> int:
        """It is drawn as a whole."""
        return 1

    @property
    def members(self) -> int:
        """How many atoms."""
        return math.prod(self.cells)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Element of every atom."""
        return (self.symbol,) * self.members

    @property
    def bonds(self) -> npt.NDArray[np.integer[Any]]:
        """None."""
        return np.empty((0, 2), dtype=int)

    @property
    def motions(self) -> list[tuple[str, int, Motion]]:
        """Element, how many atoms of it, how they move."""
        return [(self.symbol, self.members, self)]

    def drawing(self, units: range, dt: float, seed: list[int]) -> Callable[[Array, Array], None]:
        """Return a function that adds the next frames to x and v, (frames, 1, atoms, 3)."""
        amplitudes, w, damping = self._modes
        rng = np.random.default_rng(seed)
        half = np.s_[..., : self.cells[2] // 2 + 1]
        matrix, covariance = oscillator_propagator(amplitudes[half], w[half], damping, dt)
        noise = lower_root(covariance)
        size = np.sqrt(amplitudes[half])
        state = np.stack([size * self._noise(rng), size * w[half] * self._noise(rng)])
        sites = np.asarray(self.sites.values)

        def draw(x: Array, v: Array) -> None:
            nonlocal state
            for frame in range(len(x)):
                x[frame, 0] += sites + self._in_space(state[0])
                if len(v):
                    v[frame, 0] += self._in_space(state[1])
                kicks = [self._noise(rng), self._noise(rng)] if damping else []
                state = np.einsum("ij...,jc...->ic...", matrix, state)
                for row, column in [(0, 0), (1, 0), (1, 1)] if damping else []:
                    state[row] += noise[row, column] * kicks[column]

        return draw

    def _noise(self, rng: np.random.Generator) -> Array:
        """Fourier transform of white noise in space, (3, *grid): amplitudes of waves that are real in space."""
        from scipy.fft import rfftn

        return np.asarray(rfftn(rng.standard_normal((3, *self.cells)), axes=(1, 2, 3), norm="ortho"))

    def _in_space(self, amplitudes: Array) -> Array:
        from scipy.fft import irfftn

        found = irfftn(amplitudes, s=self.cells, axes=(1, 2, 3), norm="ortho")
        return np.asarray(found.reshape(3, -1).T)

    def start(self) -> tuple[float, float]:
        """Return the standard deviations of x and v."""
        amplitudes, w, _ = self._modes
        return math.sqrt(amplitudes.mean()), math.sqrt((amplitudes * w**2).mean())

    def _mean(self, t: Array, of: Callable[[Array, float, Array], Array]) -> Array:
        """Average over modes of a function of (w, damping, t), weighted by their part of <x^2>."""
        amplitudes, w, damping = (np.ravel(part) for part in self._modes)
        distinct, place = np.unique(np.round(w, 9), return_inverse=True)
        weights = np.bincount(place, weights=amplitudes) / len(w)
        parts = (weight * of(value, damping[0], t) for weight, value in zip(weights, distinct, strict=True))
        return np.asarray(sum(parts))

    def _square(self, t: Array) -> Array:
        return self._mean(t, lambda w, damping, t: 6 * (1 - oscillator_correlations(w, damping, t)[0]))

    def _velocity(self, t: Array) -> Array:
        return self._mean(t, lambda w, damping, t: 3 * w**2 * oscillator_correlations(w, damping, t)[1])

    def _spectrum(self, w: Array) -> Array:
        return self._mean(w, lambda mode, damping, w: mode**2 * oscillator_spectrum(mode, damping, w))

    def _exponentials(self, q: Array) -> Parts:
        length = (q**2).sum(axis=1) if q.ndim == 2 else q**2
        return [(np.exp(-length * self.start()[0] ** 2), np.zeros(len(q)))]
