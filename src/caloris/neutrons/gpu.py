"""The sums of scattering on a GPU through CuPy, or on anything else that has the interface of numpy.

The same numbers as the kernels of the processor give: phases in double precision, correlations in single.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from caloris.errors import InputError

Array = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.integer[Any]]
Device = Literal["cpu", "gpu"]

_ELEMENTS = 1 << 25
"""Numbers that are held on the device at once."""


def array_module(device: Device) -> Any:
    """Return the module of arrays of a device: None for the processor, whose kernels are compiled.

    Raises
    ------
    InputError
        If the device is unknown, or there is no CuPy or no GPU.
    """
    if device == "cpu":
        return None
    if device != "gpu":
        raise InputError(f"device: expected 'cpu' or 'gpu', got {device!r}")
    try:
        import cupy
    except ImportError:
        raise InputError("device: the GPU needs CuPy; install cupy-cuda12x (or that of your CUDA)") from None
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise InputError(f"device: no GPU answers ({error})") from None
    return cupy


def vector_sum(xp: Any, x: Array, vectors: Array, lags: int, origins: tuple[int, int]) -> Array:
    """As :func:`caloris.neutrons.incoherent.vector_sum`, time origins from the first to before the last given."""
    from scipy.fft import next_fast_len

    atoms, _, frames = x.shape
    size = next_fast_len(frames + lags)
    moved = xp.asarray(x - x[..., :1])
    q = xp.asarray(vectors / (2 * np.pi))
    first_origin, last_origin = origins
    end = min(last_origin + lags - 1, frames)
    power = xp.zeros((len(vectors), size), dtype=complex)
    step = max(1, _ELEMENTS // (size * atoms))
    for first in range(0, len(vectors), step):
        turns = xp.einsum("kj,ajt->kat", q[first : first + step], moved)
        factors = xp.exp(2j * np.pi * (turns - xp.rint(turns))).astype(xp.complex64)
        starts = xp.fft.fft(factors[..., first_origin:last_origin], size, axis=-1)
        partners = xp.fft.fft(factors[..., first_origin:end], size, axis=-1)
        power[first : first + step] = (starts.conj() * partners).sum(axis=1)
    found = xp.fft.ifft(power, axis=-1).real[:, :lags]
    number = np.clip(np.minimum(last_origin, frames - np.arange(lags)) - first_origin, 0, None)
    return np.asarray(_to_host(xp, found) / np.maximum(number, 1))


def count_displacements(
    xp: Any, moved: Array, lags: int, stride: int, rows: tuple[int, int], width: float, bins: int
) -> Indices:
    """Histograms of lengths of displacements, (lags, bins), of ``moved`` (atoms, 3, T) float32; see the kernel."""
    frames = moved.shape[-1]
    x = xp.asarray(moved)
    counts = np.empty((lags, bins), dtype=np.int64)
    for lag in range(lags):
        begin, end = (min(stride * row, max(frames - lag, 0)) for row in rows)
        step = x[..., lag + begin : lag + end : stride] - x[..., begin:end:stride]
        lengths = xp.sqrt((step * step).sum(axis=1))
        counts[lag] = _to_host(xp, xp.bincount((lengths * np.float32(1 / width)).astype(int).ravel(), minlength=bins))
    return counts


def density_modes(xp: Any, positions: Array, turns: Array) -> npt.NDArray[np.complexfloating[Any, Any]]:
    """Sums over atoms of exp(i 2 pi q.x), (frames, vectors), of positions (frames, atoms, 3)."""
    q = xp.asarray(turns)
    found = np.empty((len(positions), len(turns)), dtype=np.complex128)
    step = max(1, _ELEMENTS // (positions.shape[1] * len(turns)))
    for first in range(0, len(positions), step):
        phases = xp.asarray(positions[first : first + step]) @ q.T
        found[first : first + step] = _to_host(xp, xp.exp(2j * np.pi * (phases - xp.rint(phases))).sum(axis=1))
    return found


def _to_host(xp: Any, values: Any) -> Any:
    return xp.asnumpy(values) if hasattr(xp, "asnumpy") else values
