"""Kernels that draw synthetic motions, frame after frame: arrays in, arrays out; angstrom, ps.

Each adds its displacement to ``x`` (frames, units, members, 3) and leaves its state where the next frames go on, so
that the trajectory does not depend on how many frames are drawn at once.
"""

import math
from typing import Any

import numpy as np
from numba import njit

Array = Any


@njit(nogil=True, cache=True)
def linear(x: Array, v: Array, state: Array, matrix: Array, noise: Array, rng: Any) -> None:
    """Position and velocity carried by ``matrix`` (2, 2), kicked by ``noise`` (2, 2; lower triangle).

    ``v`` may be (0, ...); state (2, units, members, 3).
    """
    moving = len(v) > 0
    units, members = x.shape[1], x.shape[2]
    for frame in range(len(x)):
        for unit in range(units):
            for member in range(members):
                for axis in range(3):
                    a, b = state[0, unit, member, axis], state[1, unit, member, axis]
                    x[frame, unit, member, axis] += a
                    if moving:
                        v[frame, unit, member, axis] += b
                    first, second = rng.standard_normal(), rng.standard_normal()
                    state[0, unit, member, axis] = matrix[0, 0] * a + matrix[0, 1] * b + noise[0, 0] * first
                    state[1, unit, member, axis] = (
                        matrix[1, 0] * a + matrix[1, 1] * b + noise[1, 0] * first + noise[1, 1] * second
                    )


@njit(nogil=True, cache=True)
def lattice_jumps(x: Array, state: Array, waiting: Array, jumps: Array, tau: float, dt: float, rng: Any) -> None:
    """Jumps (n, 3) at random times; state (units, members, 3), waiting (units, members) until the next."""
    units, members = x.shape[1], x.shape[2]
    for frame in range(len(x)):
        for unit in range(units):
            for member in range(members):
                for axis in range(3):
                    x[frame, unit, member, axis] += state[unit, member, axis]
                waiting[unit, member] -= dt
                while waiting[unit, member] <= 0.0:
                    jump = int(rng.random() * len(jumps))
                    for axis in range(3):
                        state[unit, member, axis] += jumps[jump, axis]
                    waiting[unit, member] += tau * rng.standard_exponential()


@njit(nogil=True, cache=True)
def site_jumps(
    x: Array, state: Array, waiting: Array, frames: Array, sites: Array, table: Array, tau: float, dt: float, rng: Any
) -> None:
    """Rotations at random times; state (units,) is the element of the group.

    ``frames`` (units, 3, 3) are the axes of each unit, ``sites`` (g, members, 3) where each element puts the members,
    ``table`` (jumps, g) where each jump leads.
    """
    units, members = x.shape[1], x.shape[2]
    now = np.empty((units, members, 3))
    for unit in range(units):
        for member in range(members):
            now[unit, member] = frames[unit] @ sites[state[unit], member]
    for frame in range(len(x)):
        for unit in range(units):
            for member in range(members):
                for axis in range(3):
                    x[frame, unit, member, axis] += now[unit, member, axis]
            waiting[unit] -= dt
            if waiting[unit] > 0.0:
                continue
            while waiting[unit] <= 0.0:
                state[unit] = table[int(rng.random() * len(table)), state[unit]]
                waiting[unit] += tau * rng.standard_exponential()
            for member in range(members):
                now[unit, member] = frames[unit] @ sites[state[unit], member]


@njit(nogil=True, cache=True)
def rotational_diffusion(x: Array, state: Array, vertices: Array, angles: Array, cumulated: Array, rng: Any) -> None:
    """Turns about random axes; state (units, 4) unit quaternions (w, x, y, z), vertices (members, 3)."""
    units, members = x.shape[1], x.shape[2]
    for frame in range(len(x)):
        for unit in range(units):
            w, i, j, k = state[unit]
            for member in range(members):
                p, q, r = vertices[member]
                # v + 2 w (u x v) + 2 u x (u x v)
                a, b, c = 2 * (j * r - k * q), 2 * (k * p - i * r), 2 * (i * q - j * p)
                x[frame, unit, member, 0] += p + w * a + j * c - k * b
                x[frame, unit, member, 1] += q + w * b + k * a - i * c
                x[frame, unit, member, 2] += r + w * c + i * b - j * a
            chance = rng.random()
            place = min(np.searchsorted(cumulated, chance), len(angles) - 1)
            angle = angles[place]
            if place > 0 and cumulated[place] > cumulated[place - 1]:
                part = (chance - cumulated[place - 1]) / (cumulated[place] - cumulated[place - 1])
                angle = angles[place - 1] + part * (angles[place] - angles[place - 1])
            cosine = 2 * rng.random() - 1
            phi = 2 * math.pi * rng.random()
            sine = math.sqrt(1 - cosine * cosine) * math.sin(angle / 2)
            s, d, e, f = math.cos(angle / 2), sine * math.cos(phi), sine * math.sin(phi), cosine * math.sin(angle / 2)
            n0, n1 = s * w - d * i - e * j - f * k, s * i + d * w + e * k - f * j
            n2, n3 = s * j - d * k + e * w + f * i, s * k + d * j - e * i + f * w
            norm = math.sqrt(n0 * n0 + n1 * n1 + n2 * n2 + n3 * n3)
            state[unit, 0], state[unit, 1], state[unit, 2], state[unit, 3] = n0 / norm, n1 / norm, n2 / norm, n3 / norm


@njit(nogil=True, cache=True)
def _write_integer(text: Array, place: int, value: int) -> int:
    digits = 1
    power = 10
    while value >= power:
        power *= 10
        digits += 1
    for offset in range(digits - 1, -1, -1):
        text[place + offset] = 48 + value % 10
        value //= 10
    return place + digits


@njit(nogil=True, cache=True)
def write_rows(text: Array, x: Array, types: Array, decimals: int) -> int:
    """Write one line "id type x y z ..." for each atom into ``text`` (bytes); return how many bytes were needed."""
    scale = 10**decimals
    place = 0
    for atom in range(len(x)):
        place = _write_integer(text, place, atom + 1)
        text[place] = 32
        place = _write_integer(text, place + 1, types[atom])
        for axis in range(x.shape[1]):
            text[place] = 32
            place += 1
            value = int(np.rint(abs(x[atom, axis]) * scale))
            if x[atom, axis] < 0 and value > 0:
                text[place] = 45
                place += 1
            place = _write_integer(text, place, value // scale)
            text[place] = 46
            rest = value % scale
            for offset in range(decimals, 0, -1):
                text[place + offset] = 48 + rest % 10
                rest //= 10
            place += decimals + 1
        text[place] = 10
        place += 1
    return place
