"""Figures of densities."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from caloris.atoms.density.grid import DensityMap
    from caloris.atoms.density.landscape import MigrationPath
    from caloris.units import Quantity

_LINE = "#1f6f8b"
_EDGE = "#555555"
_LIGHT = np.array([0.3, 0.5, 0.8])


def plot_density(density: "DensityMap", level: "Quantity | None") -> "Figure":
    """Draw a surface of equal density in three dimensions, and the mean density along c.

    Parameters
    ----------
    density:
        The map.
    level:
        Of the surface; by default the one that encloses half of the atoms.

    Returns
    -------
    :
        A matplotlib figure.
    """
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection  # type: ignore[import-untyped]

    figure = Figure(figsize=(11, 5), layout="constrained")
    solid = figure.add_subplot(1, 2, 1, projection="3d")
    surface = density.isosurface(level)
    normals = np.cross(
        surface.triangles[:, 1] - surface.triangles[:, 0], surface.triangles[:, 2] - surface.triangles[:, 0]
    )
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    shade = 0.55 + 0.45 * np.abs(normals @ (_LIGHT / np.linalg.norm(_LIGHT)))
    colors = np.column_stack([np.outer(shade, [0.12, 0.44, 0.55]), np.full(len(shade), 0.9)])
    solid.add_collection3d(Poly3DCollection(surface.triangles, facecolors=colors, edgecolors="none"))
    cell = density.cell.values
    for k in range(3):
        i, j = (n for n in range(3) if n != k)
        for a in (0, 1):
            for b in (0, 1):
                ends = np.stack([a * cell[i] + b * cell[j], a * cell[i] + b * cell[j] + cell[k]])
                solid.plot(*ends.T, color=_EDGE, lw=0.8)
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) @ cell
    low, high = corners.min(axis=0), corners.max(axis=0)
    solid.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]))
    solid.set_box_aspect(high - low)
    solid.set_title(
        f"{density.species}: {surface.level.value:.2g} Å$^{{-3}}$ = {surface.relative_level:.2g} of the mean;\n"
        f"{100 * surface.atom_share:.0f} % of the atoms in {100 * surface.volume_share:.2g} % of the cell",
        fontsize=10,
    )
    _along_c(figure.add_subplot(1, 2, 2), density)
    return figure


def _along_c(axes: "Axes", density: "DensityMap") -> None:
    cell = density.cell.values
    mean = density.density.values.mean(axis=2) / density.mean
    edges = [np.linspace(0, 1, size + 1) for size in mean.shape]
    grid = np.stack(np.meshgrid(*edges, indexing="ij"), axis=-1) @ cell[:2]
    mesh = axes.pcolormesh(grid[..., 0], grid[..., 1], mean, cmap="viridis", shading="flat")
    axes.figure.colorbar(mesh, ax=axes, label="density / mean, averaged along c")
    axes.set_aspect("equal")
    axes.set_xlabel("x (Å)")
    axes.set_ylabel("y (Å)")


def plot_path(path: "MigrationPath") -> "Figure":
    """Draw the free energy along a way.

    Parameters
    ----------
    path:
        The way.

    Returns
    -------
    :
        A matplotlib figure; the band is the error at each point.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    x, F = path.energy.coords["distance"].values, path.energy.values
    error = np.sqrt(path.energy.variances)
    axes.fill_between(x, F - error, F + error, color=_LINE, alpha=0.25, lw=0)
    axes.plot(x, F, color=_LINE, lw=1.2)
    axes.set_xlabel("distance along the way (Å)")
    axes.set_ylabel("free energy above the start (eV)")
    barrier = path.barrier
    axes.set_title(
        f"barrier {barrier.value:.3f} ± {barrier.variance**0.5:.1g} eV at {path.temperature.value:g} K", fontsize=10
    )
    return figure
