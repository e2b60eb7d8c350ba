"""Kernels of molecular motion and of distances between orientations; arrays in, arrays out.

Eigenvectors of 3 x 3 and 4 x 4 matrices are by Jacobi rotations: a thousand calls of LAPACK cost more than the work.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[np.floating[Any]]


@njit(nogil=True, cache=True)
def diagonalise(a: Array, v: Array) -> None:
    """Diagonalise a symmetric matrix in place; columns of ``v`` become its eigenvectors, not sorted."""
    n = a.shape[0]
    for i in range(n):
        for j in range(n):
            v[i, j] = 1.0 if i == j else 0.0
    for _ in range(30):
        off, scale = 0.0, 0.0
        for i in range(n):
            scale += a[i, i] * a[i, i]
            for j in range(i + 1, n):
                off += a[i, j] * a[i, j]
        if off <= 1e-28 * scale or off == 0.0:
            return
        for p in range(n - 1):
            for q in range(p + 1, n):
                if a[p, q] == 0.0:
                    continue
                theta = 0.5 * (a[q, q] - a[p, p]) / a[p, q]
                t = 1.0 / (abs(theta) + np.sqrt(theta * theta + 1.0))
                if theta < 0.0:
                    t = -t
                c = 1.0 / np.sqrt(t * t + 1.0)
                s = t * c
                for k in range(n):
                    x, y = a[k, p], a[k, q]
                    a[k, p], a[k, q] = c * x - s * y, s * x + c * y
                for k in range(n):
                    x, y = a[p, k], a[q, k]
                    a[p, k], a[q, k] = c * x - s * y, s * x + c * y
                for k in range(n):
                    x, y = v[k, p], v[k, q]
                    v[k, p], v[k, q] = c * x - s * y, s * x + c * y


@njit(nogil=True, cache=True)
def best_quaternion(h: Array, a: Array, v: Array, q: Array) -> None:
    """Quaternion (w, x, y, z) of the rotation R that best maps a reference onto a molecule; h = sum m reference x' ."""
    a[0, 0] = h[0, 0] + h[1, 1] + h[2, 2]
    a[1, 1] = h[0, 0] - h[1, 1] - h[2, 2]
    a[2, 2] = -h[0, 0] + h[1, 1] - h[2, 2]
    a[3, 3] = -h[0, 0] - h[1, 1] + h[2, 2]
    a[0, 1] = a[1, 0] = h[1, 2] - h[2, 1]
    a[0, 2] = a[2, 0] = h[2, 0] - h[0, 2]
    a[0, 3] = a[3, 0] = h[0, 1] - h[1, 0]
    a[1, 2] = a[2, 1] = h[0, 1] + h[1, 0]
    a[1, 3] = a[3, 1] = h[2, 0] + h[0, 2]
    a[2, 3] = a[3, 2] = h[1, 2] + h[2, 1]
    diagonalise(a, v)
    best = 0
    for k in range(1, 4):
        if a[k, k] > a[best, best]:
            best = k
    for k in range(4):
        q[k] = v[k, best]


@njit(nogil=True, cache=True)
def rotation_matrix(q: Array, r: Array) -> None:
    """Rotation matrix of a quaternion, r @ reference = molecule."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    r[0, 0], r[0, 1], r[0, 2] = 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)
    r[1, 0], r[1, 1], r[1, 2] = 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)
    r[2, 0], r[2, 1], r[2, 2] = 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)


@njit(nogil=True, cache=True)
def orientations(positions: Array, reference: Array, masses: Array, quaternions: Array) -> None:
    """Orientation of each molecule: (T, M, n, 3), (M, n, 3) about its centre, (n,) -> (T, M, 4), continuous in time."""
    frames, molecules, n = positions.shape[0], positions.shape[1], positions.shape[2]
    h, a, v, q = np.empty((3, 3)), np.empty((4, 4)), np.empty((4, 4)), np.empty(4)
    centre = np.empty(3)
    total = masses.sum()
    for m in range(molecules):
        for t in range(frames):
            for c in range(3):
                centre[c] = 0.0
                for i in range(n):
                    centre[c] += masses[i] * positions[t, m, i, c]
                centre[c] /= total
            for c in range(3):
                for d in range(3):
                    h[c, d] = 0.0
                    for i in range(n):
                        h[c, d] += masses[i] * reference[m, i, c] * (positions[t, m, i, d] - centre[d])
            best_quaternion(h, a, v, q)
            sign = 1.0
            if t > 0:
                along = 0.0
                for k in range(4):
                    along += q[k] * quaternions[t - 1, m, k]
                sign = -1.0 if along < 0.0 else 1.0
            for k in range(4):
                quaternions[t, m, k] = sign * q[k]


@njit(nogil=True, cache=True)
def separate_motion(
    positions: Array,
    velocities: Array,
    reference: Array,
    masses: Array,
    linear: bool,
    centre: Array,
    turning: Array,
    internal: Array,
) -> None:
    """Velocities of the centre, of rotation and of internal vibration, so that their squares sum to twice the energy.

    (T, M, n, 3) twice, (M, n, 3) about its centre, (n,) -> sqrt(M) V (T, M, 3), I^1/2 omega in the frame of the body
    (T, M, 3; of space for linear molecules), sqrt(m) u (T, M, n, 3).
    """
    frames, molecules, n = positions.shape[0], positions.shape[1], positions.shape[2]
    h, a, v, q, r = np.empty((3, 3)), np.empty((4, 4)), np.empty((4, 4)), np.empty(4), np.empty((3, 3))
    inertia, axes = np.empty((3, 3)), np.empty((3, 3))
    x, L, omega = np.empty((n, 3)), np.empty(3), np.empty(3)
    c0, v0 = np.empty(3), np.empty(3)
    total = masses.sum()
    for t in range(frames):
        for m in range(molecules):
            for c in range(3):
                c0[c] = v0[c] = 0.0
                for i in range(n):
                    c0[c] += masses[i] * positions[t, m, i, c]
                    v0[c] += masses[i] * velocities[t, m, i, c]
                c0[c] /= total
                v0[c] /= total
                centre[t, m, c] = np.sqrt(total) * v0[c]
            for i in range(n):
                for c in range(3):
                    x[i, c] = positions[t, m, i, c] - c0[c]
            for c in range(3):
                L[c] = 0.0
                for d in range(3):
                    inertia[c, d] = h[c, d] = 0.0
            for i in range(n):
                w = masses[i]
                u0, u1, u2 = (
                    velocities[t, m, i, 0] - v0[0],
                    velocities[t, m, i, 1] - v0[1],
                    velocities[t, m, i, 2] - v0[2],
                )
                L[0] += w * (x[i, 1] * u2 - x[i, 2] * u1)
                L[1] += w * (x[i, 2] * u0 - x[i, 0] * u2)
                L[2] += w * (x[i, 0] * u1 - x[i, 1] * u0)
                square = x[i, 0] ** 2 + x[i, 1] ** 2 + x[i, 2] ** 2
                for c in range(3):
                    inertia[c, c] += w * square
                    for d in range(3):
                        inertia[c, d] -= w * x[i, c] * x[i, d]
                        h[c, d] += w * reference[m, i, c] * x[i, d]
            diagonalise(inertia, axes)
            least = 0
            for k in range(1, 3):
                if inertia[k, k] < inertia[least, least]:
                    least = k
            for c in range(3):
                omega[c] = turning[t, m, c] = 0.0
            for k in range(3):
                if inertia[k, k] <= 0.0 or (linear and k == least):
                    continue
                along = axes[0, k] * L[0] + axes[1, k] * L[1] + axes[2, k] * L[2]
                for c in range(3):
                    omega[c] += axes[c, k] * along / inertia[k, k]
                    turning[t, m, c] += axes[c, k] * along / np.sqrt(inertia[k, k])
            for i in range(n):
                s = np.sqrt(masses[i])
                internal[t, m, i, 0] = s * (velocities[t, m, i, 0] - v0[0] - omega[1] * x[i, 2] + omega[2] * x[i, 1])
                internal[t, m, i, 1] = s * (velocities[t, m, i, 1] - v0[1] - omega[2] * x[i, 0] + omega[0] * x[i, 2])
                internal[t, m, i, 2] = s * (velocities[t, m, i, 2] - v0[2] - omega[0] * x[i, 1] + omega[1] * x[i, 0])
            if not linear:
                best_quaternion(h, a, v, q)
                rotation_matrix(q, r)
                for c in range(3):  # R^T I^1/2 omega = (R^T I R)^1/2 R^T omega
                    L[c] = turning[t, m, c]
                for c in range(3):
                    turning[t, m, c] = r[0, c] * L[0] + r[1, c] * L[1] + r[2, c] * L[2]


@njit(nogil=True, cache=True)
def nearest_overlaps(points: Array, apart: int, order: int, antipodal: bool, found: Array) -> None:
    """Dot product of each unit vector with its k-th nearest (k = order) that is at least ``apart`` rows away.

    (T, d) -> (T,); with ``antipodal`` q and -q are the same. -2 where there are not enough.
    """
    frames, width = points.shape
    best = np.empty(order)
    for i in range(frames):
        best[:] = -2.0
        for j in range(frames):
            if abs(i - j) < apart:
                continue
            along = 0.0
            for c in range(width):
                along += points[i, c] * points[j, c]
            if antipodal and along < 0.0:
                along = -along
            if along > best[order - 1]:
                k = order - 1
                while k > 0 and best[k - 1] < along:
                    best[k] = best[k - 1]
                    k -= 1
                best[k] = along
        found[i] = best[order - 1]


@njit(nogil=True, cache=True)
def nearest_rotations(points: Array, group: Array, apart: int, order: int, found: Array) -> None:
    """As :func:`nearest_overlaps` for quaternions (T, 4), the nearest over a group of rotations of the body (G, 4).

    The group must hold the identity; |q_i . (q_j g)| is the cosine of half the angle.
    """
    frames, turns = points.shape[0], group.shape[0]
    best = np.empty(order)
    images = np.empty((turns, 4))
    for i in range(frames):
        a, b, c, d = points[i, 0], points[i, 1], points[i, 2], points[i, 3]
        for g in range(turns):
            w, x, y, z = group[g, 0], group[g, 1], group[g, 2], group[g, 3]
            images[g, 0] = a * w - b * x - c * y - d * z
            images[g, 1] = a * x + b * w + c * z - d * y
            images[g, 2] = a * y - b * z + c * w + d * x
            images[g, 3] = a * z + b * y - c * x + d * w
        best[:] = -2.0
        for j in range(frames):
            if abs(i - j) < apart:
                continue
            along = 0.0
            for g in range(turns):
                value = abs(
                    images[g, 0] * points[j, 0]
                    + images[g, 1] * points[j, 1]
                    + images[g, 2] * points[j, 2]
                    + images[g, 3] * points[j, 3]
                )
                if value > along:
                    along = value
            if along > best[order - 1]:
                k = order - 1
                while k > 0 and best[k - 1] < along:
                    best[k] = best[k - 1]
                    k -= 1
                best[k] = along
        found[i] = best[order - 1]
