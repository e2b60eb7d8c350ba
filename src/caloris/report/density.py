"""Where atoms are, as analyses: the density on a grid with its surface and free energy, and the way between sites."""

from collections.abc import Sequence

import numpy as np
import scipp as sc

from caloris.atoms import (
    DensityMap,
    Trajectory,
    density_map,
    density_maxima,
    migration_path,
    percolation,
    save_density,
)
from caloris.atoms.parallel import Progress
from caloris.errors import InputError
from caloris.report.analysis import Analysis, asked
from caloris.units import Quantity, magnitude

Repeat = tuple[int, int, int] | None


def density_analysis(
    trajectory: Trajectory,
    species: str,
    *,
    spacing: Quantity = "0.2 angstrom",
    repeat: Repeat = None,
    smooth: Quantity = "0.3 angstrom",
    level: Quantity | None = None,
    temperature: Quantity | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Return the density of a species, the surface at a level, and free energies at which ways cross the cell.

    The files hold the map for VESTA and others (``density.cube``) and with its errors (``density-map.h5``).
    """
    found = _smoothed(density_map(trajectory, species, spacing, repeat=repeat or (1, 1, 1), progress=progress), smooth)
    surface = found.isosurface(level)
    numbers: dict[str, sc.Variable] = {
        "mean density": sc.scalar(found.mean, unit="1/angstrom^3"),
        "level of the surface": surface.level,
        "level over the mean": sc.scalar(surface.relative_level),
        "share of the atoms inside": sc.scalar(surface.atom_share),
        "share of the cell inside": sc.scalar(surface.volume_share),
        "area of the surface": surface.area,
    }
    words = [
        "Density of atoms in the mean cell, less the drift of all atoms, folded into one unit cell if --repeat is "
        f"given; smoothed by a Gaussian of {_words(smooth)}; errors from stretches of time."
    ]
    warnings = list(found.warnings)
    if temperature is not None or found.temperature is not None:
        ways = percolation(found, temperature)
        for i, axis in enumerate(ways.threshold.coords["axis"].values):
            numbers[f"free energy at which ways cross along {axis}"] = ways.threshold["axis", i].data
        words.append(
            f"Free energy F = -kT ln(density / highest density) at {ways.temperature.value:g} K, above the lowest; "
            "ways that were never seen have an infinite one."
        )
        warnings += [text for text in ways.warnings if text not in warnings]
    return Analysis(
        name=f"density-{species}",
        title=f"Density of {species}",
        numbers=numbers,
        words=words,
        warnings=warnings,
        figure=found.plot(level),
        inputs=asked(trajectory, species=species, spacing=spacing, repeat=repeat, smooth=smooth, level=level),
        files={
            f"density-{species}.cube": lambda path: save_density(found, path),
            f"density-{species}-map.h5": lambda path: save_density(found, path),
        },
    )


def path_analysis(
    trajectory: Trajectory,
    species: str,
    *,
    start: Sequence[float] | None = None,
    end: Sequence[float] | None = None,
    spacing: Quantity = "0.2 angstrom",
    repeat: Repeat = None,
    smooth: Quantity = "0.3 angstrom",
    temperature: Quantity | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Return the way of lowest barrier between two sites; by default from the densest to the nearest other one."""
    found = _smoothed(density_map(trajectory, species, spacing, repeat=repeat or (1, 1, 1), progress=progress), smooth)
    words = []
    if start is None or end is None:
        start, end = _sites(found, species)
        words.append("Sites: the densest one, and the nearest other maximum; give others by --from and --to.")
    way = migration_path(found, np.array(start), np.array(end), temperature=temperature)
    ends = [" ".join(f"{x:.3f}" for x in place) for place in (start, end)]
    return Analysis(
        name=f"path-{species}",
        title=f"Way of {species} from ({ends[0]}) to ({ends[1]})",
        numbers={
            "barrier": way.barrier,
            "barrier on the way back": way.reverse_barrier,
            "length": way.length,
            "temperature": way.temperature,
        },
        curves={"free energy": way.energy},
        words=[
            *words,
            "F = -kT ln(density), above the start, along the way whose highest point is lowest. A free energy of one "
            "ion among all others at that temperature, no potential energy of a lattice at rest. The density was "
            f"smoothed by {_words(smooth)}, which lowers barriers a little.",
        ],
        warnings=way.warnings,
        figure=way.plot(),
        inputs=asked(trajectory, species=species, start=start, end=end, spacing=spacing, repeat=repeat, smooth=smooth),
    )


def _smoothed(found: DensityMap, smooth: Quantity) -> DensityMap:
    return found.smoothed(smooth) if magnitude(smooth, "angstrom", "smooth") > 0 else found


def _words(quantity: Quantity) -> str:
    return quantity if isinstance(quantity, str) else f"{quantity.value:g} {quantity.unit}"


def _sites(found: DensityMap, species: str) -> tuple[list[float], list[float]]:
    """Fractional coordinates of the densest maximum and of the nearest other one."""
    places = density_maxima(found).coords["fractional"].values
    if len(places) < 2:
        raise InputError(f"{species}: the density has {len(places)} maximum in the cell; give the ends of the way")
    shift = places[1:] - places[0]
    apart = np.linalg.norm((shift - np.round(shift)) @ found.cell.values, axis=1)
    return [float(x) for x in places[0]], [float(x) for x in places[1 + int(np.argmin(apart))]]
