"""Labels of points that do not lie on each other: the first free place around each point, nearest first.

The order is fixed (crowded points first), so the same points always give the same figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation

DISTANCES = (9.0, 15.0, 23.0, 33.0, 45.0, 60.0, 78.0)
"""How far from its point the middle of a label's edge may lie, points."""
DIRECTIONS = np.deg2rad([0, 180, 45, -45, 135, -135, 90, -90, 22, -22, 158, -158, 67, -67, 113, -113])
MARKER = 5.5
"""Half width of a symbol, points."""
STAR = 10.0
"""Half width of the symbol of a bold label."""
PADDING = np.array([2.0, 1.0])
"""Free room around a label, points, both sides together."""


@dataclass(frozen=True)
class Label:
    """Words at a point of an axis, in data coordinates."""

    x: float
    y: float
    text: str
    colour: str
    size: float = 7.5
    bold: bool = False


def place_labels(axis: Axes, labels: Sequence[Label]) -> list[Annotation]:
    """Write labels beside their points so that they cover neither points nor each other, where there is room.

    Parameters
    ----------
    axis:
        With its final limits; the figure is laid out here.
    labels:
        What to write.

    Returns
    -------
    :
        The texts in the order of the labels; a line leads to the point from one that had to go far.
    """
    figure = axis.get_figure(root=True)
    assert isinstance(figure, Figure)
    canvas: Any = FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()
    figure.draw_without_rendering()
    scale = figure.dpi / 72
    centres = axis.transData.transform([(label.x, label.y) for label in labels]) if labels else np.empty((0, 2))
    sizes = [2 * scale * (STAR if label.bold else MARKER) for label in labels]
    taken = [_box(x, y, size, size) for (x, y), size in zip(centres, sizes, strict=True)]
    taken += [np.asarray(text.get_window_extent(renderer).extents) for text in axis.texts if text.get_text()]
    taken += _along_lines(axis, 6 * scale, scale)
    frame = np.asarray(axis.get_window_extent(renderer).extents)
    texts: dict[int, Annotation] = {}
    for number in _crowded_first(centres, 80 * scale):
        label = labels[number]
        text = axis.annotate(
            label.text,
            (label.x, label.y),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=label.size,
            color=label.colour,
            fontweight="bold" if label.bold else "normal",
            ha="center",
            va="center",
            linespacing=0.95,
            zorder=7,
        )
        text.set_in_layout(False)
        extent = text.get_window_extent(renderer)
        size = np.array([extent.width, extent.height]) / scale
        offset, box = _free_place(number, centres, size, taken, frame, scale)
        _align(text, offset, (box[[2, 3]] - box[[0, 1]]) / scale / 2)
        taken.append(box)
        gap = _gap(centres[number], box) / scale
        if gap > 1.6 * (STAR if label.bold else MARKER) or _is_ambiguous(box, number, centres, 1.5):
            near = np.clip(centres[number], box[:2], box[2:]) - centres[number]
            _lead(axis, label, near / scale)
        texts[number] = text
    return [texts[number] for number in range(len(labels))]


def _align(text: Annotation, offset: np.ndarray, half: np.ndarray) -> None:
    """Tie a label to the point by its near side, so that it stays clear if saved at another resolution."""
    x, y = float(offset[0]), float(offset[1])
    if x >= half[0]:
        text.set_horizontalalignment("left")
        x -= half[0] - 1
    elif x <= -half[0]:
        text.set_horizontalalignment("right")
        x += half[0] - 1
    text.set_position((x, y))


def _lead(axis: Axes, label: Label, offset: np.ndarray) -> None:
    line = axis.annotate(
        "",
        (label.x, label.y),
        xytext=(offset[0], offset[1]),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": label.colour, "lw": 0.5, "alpha": 0.6, "shrinkA": 0, "shrinkB": 4},
        zorder=2,
    )
    line.set_in_layout(False)


def _along_lines(axis: Axes, step: float, scale: float) -> list[np.ndarray]:
    """Small boxes along the drawn lines and arrows, but not the dotted ones in the background."""
    boxes = []
    for line in axis.lines:
        path = axis.transData.transform(line.get_xydata())
        if len(path) < 2 or line.get_linestyle() == ":":
            continue
        for begin, end in pairwise(path):
            boxes += _chain(begin, end, step)
    for arrow in axis.texts:
        if isinstance(arrow, Annotation) and not arrow.get_text():
            begin = axis.transData.transform(arrow.xy)
            boxes += _chain(begin, begin + scale * np.asarray(arrow.xyann), step)
    return boxes


def _chain(begin: np.ndarray, end: np.ndarray, step: float) -> list[np.ndarray]:
    number = int(np.ceil(np.linalg.norm(end - begin) / step)) + 1
    return [_box(x, y, step, step) for x, y in np.linspace(begin, end, number)]


def _crowded_first(centres: np.ndarray, radius: float) -> list[int]:
    if not len(centres):
        return []
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    crowd = (apart < radius).sum(axis=1)
    return sorted(range(len(centres)), key=lambda i: (-crowd[i], centres[i][0], centres[i][1], i))


def _ways(number: int, centres: np.ndarray, radius: float) -> np.ndarray:
    """Unit vectors to try: in the usual order, but away from near neighbours first, lest labels change places."""
    ways = np.column_stack([np.cos(DIRECTIONS), np.sin(DIRECTIONS)])
    apart = centres[number] - centres
    distance = np.linalg.norm(apart, axis=1)
    near = (distance > 0) & (distance < radius)
    push = (apart[near] / distance[near, None] ** 2).sum(axis=0)
    if not np.any(push):
        return ways
    rank = np.arange(len(ways)) / len(ways) - 2 * ways @ (push / np.linalg.norm(push))
    return np.asarray(ways[np.argsort(rank, kind="stable")])


def _free_place(
    number: int, centres: np.ndarray, size: np.ndarray, taken: Sequence[np.ndarray], frame: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Offset (points) and box (pixels) of the first place that covers nothing; else of the one that covers least."""
    ways = _ways(number, centres, 16 * scale)
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for distance in DISTANCES:
        for way in ways:
            # beside, above or at a corner of the point: the label's nearest edge or corner lies at the distance
            offset = way * distance + np.clip(way / 0.38, -1, 1) * size / 2
            box = _box(*(centres[number] + offset * scale), *((size + PADDING) * scale))
            cost = _cost(box, number, centres, taken, frame)
            if cost <= 1e-9:
                return offset, box
            if best is None or cost < best[0]:
                best = (cost, offset, box)
    assert best is not None
    return best[1], best[2]


def _cost(box: np.ndarray, number: int, centres: np.ndarray, taken: Sequence[np.ndarray], frame: np.ndarray) -> float:
    """Area (pixels squared) that a label covers or has outside the frame; more if another point is nearer to it."""
    area = float((box[2] - box[0]) * (box[3] - box[1]))
    covered = sum(_overlap(box, other) for other in taken) + area - _overlap(box, frame)
    return covered + (0.15 * area if _is_ambiguous(box, number, centres) else 0.0)


def _is_ambiguous(box: np.ndarray, number: int, centres: np.ndarray, factor: float = 1.0) -> bool:
    """Whether a reader could take the label for that of another point: not ``factor`` times farther."""
    others = centres[np.linalg.norm(centres - centres[number], axis=1) > 1]
    own = _gap(centres[number], box)
    return any(_gap(other, box) < factor * own for other in others)


def _box(x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return float(width * height) if width > 0 and height > 0 else 0.0


def _gap(point: np.ndarray, box: np.ndarray) -> float:
    """Distance from a point to the nearest edge of a box; 0 inside."""
    return float(np.hypot(*np.maximum(0, np.maximum(box[:2] - point, point - box[2:]))))
