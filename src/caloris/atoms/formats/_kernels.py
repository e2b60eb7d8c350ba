# mypy: disable-error-code="no-untyped-def"
"""Kernels of conversion: numbers out of text, and positions put where they belong. Plain arrays, no units."""

import math

import numpy as np
from numba import njit

SKIP, ROW, LABEL, NUMBER = 0, 1, 2, 3
"""What a column is: passed over, the number of the atom, a word that must stay the same, a number that is kept."""
FINE, CUT, NOT_A_NUMBER, NOT_FINITE, TOO_FEW, TOO_MANY, UNKNOWN_ATOM, ATOM_TWICE, OTHER_LABEL = range(9)
"""What came of it."""

_POWERS = np.array([float(f"1e{n}") for n in range(309)])
_MOST_DIGITS = 19
_TAB, _NEWLINE, _RETURN, _BLANK, _PLUS, _MINUS, _POINT = 9, 10, 13, 32, 43, 45, 46
_BASIS, _PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)


@njit(nogil=True, cache=True)
def _scaled(mantissa, exponent):
    """Mantissa times a power of ten: exact rounding up to 15 digits, else within 2 units in the last place."""
    value = float(mantissa)
    if exponent == 0 or value == 0.0:
        return value
    if exponent > 0:
        return value * _POWERS[exponent] if exponent <= 308 else math.inf
    if exponent >= -290:
        return value / _POWERS[-exponent]
    if exponent < -598:
        return 0.0
    return value / _POWERS[290] / _POWERS[-exponent - 290]


@njit(nogil=True, cache=True)
def number(text, at, end):
    """Read a decimal number; what it is, where it ends, and what came of it."""
    negative = False
    if at < end and (text[at] == _MINUS or text[at] == _PLUS):
        negative = text[at] == _MINUS
        at += 1
    mantissa, digits, exponent, seen = np.uint64(0), 0, 0, False
    while at < end:
        digit = np.uint64(text[at]) - np.uint64(48)
        if digit > np.uint64(9):
            break
        seen = True
        if digits < _MOST_DIGITS:
            mantissa = mantissa * np.uint64(10) + digit
            digits += mantissa != np.uint64(0)
        else:
            exponent += 1
        at += 1
    if at < end and text[at] == _POINT:
        at += 1
        while at < end:
            digit = np.uint64(text[at]) - np.uint64(48)
            if digit > np.uint64(9):
                break
            seen = True
            if digits < _MOST_DIGITS:
                mantissa = mantissa * np.uint64(10) + digit
                digits += mantissa != np.uint64(0)
                exponent -= 1
            at += 1
    if not seen:
        first = text[at] | 32 if at < end else 0
        return 0.0, at, NOT_FINITE if first == 105 or first == 110 else NOT_A_NUMBER  # i(nf), n(an)
    if at < end and (text[at] | 32 == 101 or text[at] | 32 == 100):  # e, or the d of Fortran
        at += 1
        below = False
        if at < end and (text[at] == _MINUS or text[at] == _PLUS):
            below = text[at] == _MINUS
            at += 1
        power, any_digit = 0, False
        while at < end and 48 <= text[at] <= 57:
            any_digit = True
            if power < 100_000:
                power = 10 * power + text[at] - 48
            at += 1
        if not any_digit:
            return 0.0, at, NOT_A_NUMBER
        exponent += -power if below else power
    value = _scaled(mantissa, exponent)
    if at < end and text[at] > _BLANK:
        return 0.0, at, NOT_A_NUMBER
    if not math.isfinite(value):
        return 0.0, at, NOT_FINITE
    return -value if negative else value, at, FINE


@njit(nogil=True, cache=True)
def _beyond_blanks(text, at, end):
    while at < end and (text[at] == _BLANK or text[at] == _TAB or text[at] == _RETURN):
        at += 1
    return at


@njit(nogil=True, cache=True)
def _hash(text, at, end):
    found = _BASIS
    while at < end and text[at] > _BLANK:
        found = (found ^ np.uint64(text[at])) * _PRIME
        at += 1
    return found, at


@njit(nogil=True, cache=True)
def table(text, at, end, kinds, targets, known, labels, check, stamps, stamp, values):
    """Read the rows of a frame into ``values``, sorted by the number of the atom.

    ``known`` is the row of each atom number (-1: none), empty without such a column; ``labels`` holds a hash of the
    words of each row, compared where ``check``; a row whose ``stamps`` is already ``stamp`` is there twice.
    Returns what came of it, where in the text it ended, and how many rows were read.
    """
    columns, width = len(kinds), values.shape[1]
    scratch = np.empty(width)
    for row in range(len(values)):
        place, label = row, np.uint64(0)
        for column in range(columns):
            at = _beyond_blanks(text, at, end)
            if at >= end:
                return CUT, at, row
            if text[at] == _NEWLINE:
                return TOO_FEW, at, row
            kind = kinds[column]
            start = at
            if kind == NUMBER:
                value, at, state = number(text, at, end)
                if at >= end:
                    return CUT, at, row
                if state != FINE:
                    return state, start, row
                scratch[targets[column]] = value
            elif kind == ROW:
                value, at, state = number(text, at, end)
                if at >= end:
                    return CUT, at, row
                if state != FINE:
                    return state, start, row
                place = known[int(value)] if 0 <= value < len(known) and value == math.floor(value) else -1
                if place < 0:
                    return UNKNOWN_ATOM, start, row
            elif kind == LABEL:
                word, at = _hash(text, at, end)
                label = (label ^ word) * _PRIME
            else:
                while at < end and text[at] > _BLANK:
                    at += 1
            if at >= end:
                return CUT, at, row
        at = _beyond_blanks(text, at, end)
        if at >= end:
            return CUT, at, row
        if text[at] != _NEWLINE:
            return TOO_MANY, at, row
        at += 1
        if stamps[place] == stamp:
            return ATOM_TWICE, at - 1, row
        stamps[place] = stamp
        if check and labels[place] != label:
            return OTHER_LABEL, at - 1, row
        labels[place] = label
        for column in range(width):
            values[place, column] = scratch[column]
    return FINE, at, len(values)


@njit(nogil=True, cache=True)
def place(
    raw, cell, lattice, inverse, shift, scaled, images, unwrap, whole, length, before, turns, started, positions,
    extremes
):  # fmt: skip
    """Put positions where they belong: lengths scaled, image counts added, unwrapped, molecules whole.

    ``raw`` (T, N, >= 3), with the counts of images in columns 3 to 5 where ``images``, counts and scaled positions in
    the vectors of ``cell``; ``lattice``, with its ``inverse``, are vectors of the same lattice that go on from frame to
    frame, of which ``whole`` and ``turns`` count so many. ``before`` (N, 3) and ``turns``
    (N, 3) are the unwrapped fractional positions of the last frame and the cell vectors added to it, which go on from
    call to call; ``unwrap`` says along which vectors. ``extremes`` keeps the largest coordinate and the largest step,
    in cells, that was left after unwrapping.
    """
    x, f, n = np.empty(3), np.empty(3), np.empty(3)
    some = unwrap[0] or unwrap[1] or unwrap[2]
    for t in range(len(raw)):
        own, here, back = cell[t], lattice[t], inverse[t]
        for a in range(raw.shape[1]):
            for i in range(3):
                n[i] = whole[a, i]
            if scaled:
                for i in range(3):
                    f[i] = raw[t, a, i]
                for i in range(3):
                    x[i] = f[0] * own[0, i] + f[1] * own[1, i] + f[2] * own[2, i] + shift[t, i]
            else:
                for i in range(3):
                    x[i] = raw[t, a, i] * length + shift[t, i]
            if images:
                for i in range(3):
                    x[i] += raw[t, a, 3] * own[0, i] + raw[t, a, 4] * own[1, i] + raw[t, a, 5] * own[2, i]
            if some:
                for i in range(3):
                    f[i] = x[0] * back[0, i] + x[1] * back[1, i] + x[2] * back[2, i]
                for i in range(3):
                    if unwrap[i]:
                        if started or t > 0:
                            step = f[i] + turns[a, i] - before[a, i]
                            cells = np.floor(step + 0.5)
                            turns[a, i] -= cells
                            extremes[1] = max(extremes[1], abs(step - cells))
                        before[a, i] = f[i] + turns[a, i]
                        n[i] += turns[a, i]
            for i in range(3):
                value = x[i] + n[0] * here[0, i] + n[1] * here[1, i] + n[2] * here[2, i]
                positions[t, a, i] = value
                extremes[0] = max(extremes[0], abs(value))
