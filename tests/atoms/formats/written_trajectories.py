"""One synthetic trajectory, of which everything is known, in the format of every program."""

import gzip
from dataclasses import dataclass

import numpy as np

SYMBOLS = ["N", "H", "H", "H", "H"] * 3 + ["S", "C", "N"] * 2 + ["Li"] * 4
TYPES = {"H": 1, "C": 2, "N": 3, "S": 4, "Li": 5}
ELEMENTS = {number: symbol for symbol, number in TYPES.items()}
BONDS = [(5 * m, 5 * m + h) for m in range(3) for h in range(1, 5)] + [
    (16 + 3 * m, 15 + 3 * m + 2 * k) for m in range(2) for k in range(2)
]
AMMONIUM = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.59
THIOCYANATE = np.array([[0, 0, 0], [1.65, 0, 0], [2.82, 0, 0]])


@dataclass(frozen=True)
class Truth:
    """Positions are unwrapped and molecules whole."""

    fractional: np.ndarray
    cell: np.ndarray
    velocities: np.ndarray
    dt: float = 0.1

    @property
    def positions(self):
        return self.fractional @ self.cell

    @property
    def wrapped(self):
        return np.mod(self.fractional, 1.0) @ self.cell

    def __len__(self):
        return len(self.cell)


def truth(frames=30, *, triclinic=True, breathing=0.02, seed=5, step=0.4):
    """Molecules that drift through several cells; the cell breathes (NPT) and is oblique."""
    rng = np.random.default_rng(seed)
    edges = np.array([[12.0, 0, 0], [2.5, 13.0, 0], [-1.5, 3.0, 11.0]]) if triclinic else np.diag([12.0, 13.0, 11.0])
    strain = 1 + breathing * np.sin(0.3 * np.arange(frames))
    cell = edges * strain[:, None, None]
    centres = np.array(
        [[1, 1, 1], [6, 6, 1], [1, 6, 6], [6, 1, 6], [4, 9, 9], [9, 4, 4], [9, 9, 9], [3, 3, 9], [11.5, 1, 10]]
    )
    sizes = [5] * 3 + [3] * 2 + [1] * 4
    shapes = np.concatenate([AMMONIUM] * 3 + [THIOCYANATE] * 2 + [np.zeros((1, 3))] * 4)
    owner = np.repeat(np.arange(9), sizes)
    drift = np.cumsum(step * rng.standard_normal((frames, 9, 3)), axis=0)
    shaking = 0.02 * rng.standard_normal((frames, len(owner), 3))
    positions = centres[owner] + shapes + drift[:, owner] - drift[0, owner] + shaking
    return Truth(positions @ np.linalg.inv(edges), cell, rng.standard_normal((frames, len(owner), 3)))


def check(trajectory, true, *, precision, velocities=None, symbols=SYMBOLS):
    """Positions are the true ones plus cell vectors that are the same at all times and for a whole molecule."""
    found = trajectory.read("position").astype(float)
    assert found.shape == true.positions.shape
    np.testing.assert_allclose(trajectory.cell.values, true.cell, atol=precision, rtol=1e-6)
    away = (found - true.positions) @ np.linalg.inv(true.cell)
    turns = np.round(away[0])
    np.testing.assert_allclose(found, true.positions + turns @ true.cell, atol=precision)
    for molecule in np.unique(trajectory.molecules):
        assert len(np.unique(turns[trajectory.molecules == molecule], axis=0)) == 1
    assert list(trajectory.symbols) == symbols
    np.testing.assert_allclose(
        trajectory.time.values - trajectory.time.values[0], true.dt * np.arange(len(true)), atol=1e-6
    )
    if velocities is not None:
        np.testing.assert_allclose(trajectory.read("velocity"), true.velocities, atol=velocities)


def bounds(cell, origin):
    """The box of a LAMMPS dump."""
    (a, _, _), (xy, b, _), (xz, yz, c) = cell
    low, high = np.array(origin, dtype=float), np.add(origin, [a, b, c])
    if not (xy or xz or yz):
        return "ITEM: BOX BOUNDS pp pp pp\n" + "".join(
            f"{x!r} {y!r}\n" for x, y in zip(low.tolist(), high.tolist(), strict=True)
        )
    low = np.add(low, [min(0, xy, xz, xy + xz), min(0, yz), 0])
    high = np.add(high, [max(0, xy, xz, xy + xz), max(0, yz), 0])
    rows = zip(low.tolist(), high.tolist(), (xy, xz, yz), strict=True)
    return "ITEM: BOX BOUNDS xy xz yz pp pp pp\n" + "".join(f"{x!r} {y!r} {float(t)!r}\n" for x, y, t in rows)


def dump_frame(true, t, columns, *, shuffle=None, origin=(0.0, 0.0, 0.0), digits=10, interval=1000, extra=""):
    origin = np.asarray(origin) * np.abs(true.cell[t]).max() / np.abs(true.cell[0]).max()
    images = np.floor(true.fractional[t]).astype(int)
    inside = true.fractional[t] - images
    values = {
        "id": [str(i + 1) for i in range(len(SYMBOLS))],
        "type": [str(TYPES[symbol]) for symbol in SYMBOLS],
        "element": SYMBOLS,
        "mol": ["7"] * len(SYMBOLS),
        "q": ["0.5"] * len(SYMBOLS),
    }
    for name, numbers in (
        ("{}u", true.positions[t] + origin),
        ("{}", inside @ true.cell[t] + origin),
        ("{}s", inside),
        ("{}su", true.fractional[t]),
        ("v{}", true.velocities[t]),
    ):
        for k, axis in enumerate("xyz"):
            values[name.format(axis)] = [f"{number:.{digits}g}" for number in numbers[:, k]]
    for k, axis in enumerate("xyz"):
        values[f"i{axis}"] = [str(number) for number in images[:, k]]
    order = np.arange(len(SYMBOLS)) if shuffle is None else shuffle.permutation(len(SYMBOLS))
    rows = "".join(" ".join(values[name][i] for name in columns) + " \n" for i in order)
    return (
        f"{extra}ITEM: TIMESTEP\n{t * interval}\nITEM: NUMBER OF ATOMS\n{len(SYMBOLS)}\n{bounds(true.cell[t], origin)}"
        f"ITEM: ATOMS {' '.join(columns)}\n{rows}"
    )


def write_dump(path, true, columns="id type xu yu zu", *, frames=None, shuffled=True, **more):
    shuffle = np.random.default_rng(1) if shuffled else None
    chosen = range(len(true)) if frames is None else frames
    text = "".join(dump_frame(true, t, columns.split(), shuffle=shuffle, **more) for t in chosen)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(), compresslevel=1))
    else:
        path.write_text(text)
    return path
