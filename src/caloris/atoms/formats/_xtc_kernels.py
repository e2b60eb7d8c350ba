# mypy: disable-error-code="no-untyped-def, assignment"
"""Decompression of positions in XTC: whole numbers of a mixed base, atoms near the one before in fewer bits.

Source: ``xdr3dfcoord`` of the XDR library of GROMACS, F. van Hoesel and D. van der Spoel.
"""

import numpy as np
from numba import njit

_FIRST = 9
MAGIC = np.array(
    [0] * _FIRST
    + [8, 10, 12, 16, 20, 25, 32, 40, 50, 64, 80, 101, 128, 161, 203, 256, 322, 406, 512, 645, 812, 1024, 1290, 1625]
    + [2048, 2580, 3250, 4096, 5060, 6501, 8192, 10321, 13003, 16384, 20642, 26007, 32768, 41285, 52015, 65536, 82570]
    + [104031, 131072, 165140, 208063, 262144, 330280, 416127, 524287, 660561, 832255, 1048576, 1321122, 1664510]
    + [2097152, 2642245, 3329021, 4194304, 5284491, 6658042, 8388607, 10568983, 13316085, 16777216],
    dtype=np.int64,
)
"""Ranges of small differences, about a factor of the third root of 2 apart."""


@njit(nogil=True, cache=True)
def _bits(data, at, count):
    """So many bits from bit ``at`` on, the highest first."""
    value = np.uint64(0)
    byte, inside = at >> 3, at & 7
    left = count
    while left > 0:
        room = 8 - inside
        take = min(room, left)
        piece = (data[byte] >> (room - take)) & ((1 << take) - 1)
        value = (value << np.uint64(take)) | np.uint64(piece)
        left -= take
        inside = 0
        byte += 1
    return value


@njit(nogil=True, cache=True)
def _three(data, at, count, sizes, digits, found):
    """Three numbers of a mixed base, in ``count`` bits whose bytes come lowest first."""
    used, left = 0, count
    while left > 8:
        digits[used] = _bits(data, at, 8)
        at += 8
        left -= 8
        used += 1
    digits[used] = _bits(data, at, left)
    used += 1
    if count <= 64:
        value = np.uint64(0)
        for k in range(used):
            value |= np.uint64(digits[k]) << np.uint64(8 * k)
        for i in (2, 1):
            size = np.uint64(sizes[i])
            found[i] = np.int64(value % size)
            value = value // size
        found[0] = np.int64(value)
        return
    for i in (2, 1):
        rest = np.int64(0)
        for k in range(used - 1, -1, -1):
            rest = (rest << 8) | np.int64(digits[k])
            quotient = rest // sizes[i]
            digits[k] = quotient
            rest -= quotient * sizes[i]
        found[i] = rest
    found[0] = 0
    for k in range(min(used, 4)):
        found[0] |= np.int64(digits[k]) << (8 * k)


@njit(nogil=True, cache=True)
def decompress(data, low, sizes, bits, together, small, scale, out):
    """Write positions into ``out``, (N, 3); False if the data end before them or make no sense.

    ``low`` and ``sizes`` are the range of the whole numbers, ``bits`` of each or ``together`` of all three (if not 0),
    ``small`` says how small differences are, ``scale`` is the length of 1.
    """
    atoms, end, at = len(out), 8 * len(data), 0
    here, before, digits = np.zeros(3, np.int64), np.zeros(3, np.int64), np.zeros(16, np.int64)
    smaller = MAGIC[max(_FIRST, small - 1)] // 2
    middle = MAGIC[small] // 2
    ranges = np.full(3, MAGIC[small])
    run, atom = 0, 0
    most = together if together else bits[0] + bits[1] + bits[2]
    while atom < atoms:
        if at + most + 1 > end:
            return False
        if together:
            _three(data, at, together, sizes, digits, here)
            at += together
        else:
            for i in range(3):
                here[i] = np.int64(_bits(data, at, bits[i]))
                at += bits[i]
        for i in range(3):
            here[i] += low[i]
            before[i] = here[i]
        change = 0
        flag = _bits(data, at, 1)
        at += 1
        if flag:
            if at + 5 > end:
                return False
            run = np.int64(_bits(data, at, 5))
            at += 5
            change = run % 3
            run -= change
            change -= 1
        if run > 0:
            if atom + 1 + run // 3 > atoms or at + (run // 3) * small > end or small < _FIRST:
                return False
            first = atom
            atom += 1
            for k in range(0, run, 3):
                _three(data, at, small, ranges, digits, here)
                at += small
                for i in range(3):
                    here[i] += before[i] - middle
                if k == 0:  # the first two atoms are the other way round, which suits water
                    for i in range(3):
                        here[i], before[i] = before[i], here[i]
                        out[first, i] = before[i] * scale
                else:
                    for i in range(3):
                        before[i] = here[i]
                for i in range(3):
                    out[atom, i] = here[i] * scale
                atom += 1
        else:
            for i in range(3):
                out[atom, i] = here[i] * scale
            atom += 1
        small += change
        if small < 0 or small >= len(MAGIC):
            return False
        if change < 0:
            middle = smaller
            smaller = MAGIC[small - 1] // 2 if small > _FIRST else 0
        elif change > 0:
            smaller = middle
            middle = MAGIC[small] // 2
        for i in range(3):
            ranges[i] = MAGIC[small]
    return True
