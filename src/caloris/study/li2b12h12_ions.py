"""How Li moves in Li2B12H12: Supplementary Figs 1 and 5a, and what ours alone says of jumps, next to the supplement.

Densities and their levels, the barrier between sites, the coefficient of diffusion by two methods, the Haven ratio,
jumps from site to site and in strings, quasielastic widths, and whether Li hops when anions turn. Runs of 120 ps of
832 atoms with the supplement's force field; the main text is not at hand. Units: angstrom, ps, K, eV, meV.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import jackknife
from caloris.atoms.density.grid import DensityMap, density_map
from caloris.atoms.density.landscape import percolation
from caloris.atoms.diffusion import arrhenius, diffusion_coefficient
from caloris.atoms.orientation.coupling import rotation_hopping_coupling
from caloris.atoms.simulation import open_simulation
from caloris.atoms.state_point import equilibrated
from caloris.atoms.trajectory import Trajectory
from caloris.atoms.transport import Jumps, concerted_jumps, find_sites, follow_jumps, ionic_conductivity
from caloris.neutrons import scattering
from caloris.study.comparison import Comparison, Reproduction
from caloris.study.scatter import is_larger, verdict
from caloris.study.simulations import finished

Array = npt.NDArray[np.floating[Any]]

CAMPAIGN = "li2b12h12"
_BOLTZMANN = 8.617333262e-5
"""eV/K, CODATA 2018."""
_HBAR = 0.6582119569
"""meV ps, CODATA 2018."""
_REPEAT = (2, 2, 2)
_TETRAHEDRAL = np.array([[x, y, z] for x in (0.25, 0.75) for y in (0.25, 0.75) for z in (0.25, 0.75)])
_OCTAHEDRAL = np.array([[0.5, 0.5, 0.5], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]])
"""Fractional, in the cubic cell that anions at its corners and faces make."""
_RADIUS = 1.0
"""What belongs to a site, angstrom."""
_HOT = ("501 K", "551 K", "601 K", "700 K")


def runs_at(pressure: str, campaign: str = CAMPAIGN) -> dict[str, Trajectory]:
    """Return the equilibrated trajectories at a pressure by temperature, the lowest first.

    Parameters
    ----------
    pressure:
        As the campaign has it, ``"0 MPa"`` or ``"400 MPa"``.
    campaign:
        Its name.
    """
    found = {
        result.coordinates["temperature"]: equilibrated(open_simulation(result.folder / "md"))
        for result in finished(campaign).results()
        if result.coordinates["pressure"] == pressure
    }
    return dict(sorted(found.items(), key=lambda item: kelvin(item[0])))


def kelvin(temperature: str) -> float:
    """Return the number of a temperature such as "501 K", or of a pressure."""
    return float(temperature.split()[0])


# -- Supplementary Fig. 1 ------------------------------------------------------------------------------


def densities() -> Sequence[Comparison]:
    """What the printed levels of density can mean, the sites of Li, and the barrier between them."""
    runs = runs_at("0 MPa")
    return [*_levels(runs), *_sites_and_barriers(runs)]


def _levels(runs: Mapping[str, Trajectory]) -> list[Comparison]:
    rows = []
    maps = {name: density_map(runs["501 K"], name) for name in ("Li", "H")}
    for species, level in (("Li", 9e-6), ("H", 1e-4)):
        mean = maps[species].mean
        atoms = maps[species].atoms
        rows.append(
            Comparison(
                f"printed level over the mean density of {species}, 501 K",
                None,
                sc.scalar(level / mean),
                f"mean {mean:.3g}/angstrom^3; if the level is of a probability that sums to 1 over the cell, "
                f"{level * atoms / mean:.2g} of the mean",
                f"isovalue {level:g}/angstrom^3",
            )
        )
    voxel = maps["Li"].volume / maps["Li"].density.size
    frames = float(maps["Li"].frames.sum())
    rows.append(
        Comparison(
            "density of one count in a voxel of 0.2 angstrom, over the printed level of Li",
            None,
            sc.scalar(1 / (voxel * frames) / 9e-6),
            f"ours, {frames:.0f} frames: any level below one count draws all that was ever visited, and that volume "
            "grows with the length of the run; a level should be told by what it encloses",
        )
    )
    for temperature, phase, words in (("400 K", "alpha", "450 K, alpha"), ("501 K", "beta", "500 K, beta")):
        visited = density_map(runs[temperature], "Li").isosurface("9e-6 1/angstrom^3")
        rows.append(
            Comparison(
                f"part of the cell that Li visited, {phase}, {temperature}",
                None,
                sc.scalar(100 * visited.volume_share, unit="percent"),
                "within the printed level; in 120 ps"
                + ("; at 450 K and zero pressure our cell goes over to beta" if phase == "alpha" else ""),
                f"drawn, {words}",
            )
        )
    return rows


def _sites_and_barriers(runs: Mapping[str, Trajectory]) -> list[Comparison]:
    rows = []
    for temperature in ("501 K", "601 K"):
        density = density_map(runs[temperature], "Li", "0.25 angstrom", repeat=_REPEAT)
        kT = _BOLTZMANN * kelvin(temperature)
        share, free_energy = site_occupation(density, kT)
        even = len(_TETRAHEDRAL) * 4 / 3 * np.pi * _RADIUS**3 / density.volume
        smooth = density.smoothed("0.3 angstrom")
        crossing = percolation(smooth).threshold
        errors = np.sqrt(crossing.variances)
        rows += [
            Comparison(
                f"Li within {_RADIUS:g} angstrom of tetrahedral sites, {temperature}",
                None,
                share,
                f"{verdict(share.value > 10 * even)}; {100 * even:.1f} % if Li were everywhere; 8 sites for 8 Li",
                "high density at tetrahedral sites",
            ),
            Comparison(
                f"free energy of octahedral sites above tetrahedral ones, {temperature}",
                None,
                free_energy,
                f"of the densities within {_RADIUS:g} angstrom: {verdict(free_energy.value > 0)}",
                "low density at octahedral sites",
            ),
            Comparison(
                f"free energy at which a way of Li crosses the cell, {temperature}",
                None,
                sc.scalar(float(crossing.values.mean()), variance=float(errors.mean()) ** 2, unit="eV"),
                "mean of three axes, above the sites, smoothed by 0.3 angstrom; supplement 0.22 eV as printed, 0.35 by "
                "its own points: those are slopes of ln D over 1/T, this is a free energy of one Li at a time, which "
                "knows nothing of ions that jump together",
                "activation energy 0.22 eV",
            ),
        ]
    return rows


def site_occupation(density: DensityMap, kT: float) -> tuple[sc.Variable, sc.Variable]:
    """Return what part of the ions is at tetrahedral sites, and the free energy of octahedral ones above them.

    Parameters
    ----------
    density:
        In the cubic cell that the anions' centres make at corners and faces.
    kT:
        eV.

    Returns
    -------
    :
        Share, and free energy of mean densities within 1 angstrom of sites (eV), with errors from stretches of time.
    """
    shape = density.blocks.shape[1:]
    axes = np.meshgrid(*((np.arange(n) + 0.5) / n for n in shape), indexing="ij")
    places = np.stack(axes, axis=-1)
    inside = [_near(places, sites, density.cell.values) for sites in (_TETRAHEDRAL, _OCTAHEDRAL)]
    sums = np.array([[float(b[mask].mean(dtype=np.float64)) for b in density.blocks] for mask in inside])
    whole = np.array([float(b.mean(dtype=np.float64)) for b in density.blocks])
    part = float(inside[0].mean())

    def estimate(means: Array) -> Array:
        tetrahedral, octahedral, everywhere = means
        return np.array([part * tetrahedral / everywhere, -kT * np.log(octahedral / tetrahedral)])

    values, errors = jackknife(estimate, np.vstack([sums, whole]), density.frames)
    share, energy = (
        sc.scalar(float(v), variance=float(e) ** 2, unit=unit)
        for v, e, unit in zip(values, errors, ("one", "eV"), strict=True)
    )
    return share, energy


def _near(places: Array, sites: Array, cell: Array) -> npt.NDArray[np.bool_]:
    found = np.zeros(places.shape[:-1], dtype=bool)
    for site in sites:
        away = places - site
        found |= np.linalg.norm((away - np.round(away)) @ cell, axis=-1) < _RADIUS
    return found


# -- Supplementary Fig. 5a, and jumps ------------------------------------------------------------------


def transport() -> Sequence[Comparison]:
    """Diffusion by two methods, Haven ratio, jumps, widths, and the coupling of hopping with turning."""
    runs = runs_at("0 MPa")
    rows = _diffusion(runs)
    for temperature in ("601 K", "700 K"):
        run = runs[temperature]
        jumps = follow_jumps(run, "Li", find_sites(run, "Li"))
        rows += [*_haven(run, temperature), *_jumps(jumps, temperature)]
        if temperature == "700 K":
            rows += _widths(run, jumps, temperature)
    return [*rows, *_coupling(runs)]


def _diffusion(runs: Mapping[str, Trajectory]) -> list[Comparison]:
    rows = []
    paper = {"501 K": 4.88e-6, "601 K": 2.33e-5, "700 K": 4.89e-5}
    best = {}
    for temperature, value in paper.items():
        block, general = (
            diffusion_coefficient(runs[temperature], "Li", method=method)
            for method in ("weighted least squares", "generalised least squares")
        )
        best[temperature] = general.value
        remark = (
            f"weighted least squares {block.value.value:.3g} ± {block.value.variance**0.5:.1g}; supplement at "
            f"{round(kelvin(temperature), -2):.0f} K, without an error"
        )
        if not general.diffusive:
            remark += f"; not diffusive within 120 ps, below {general.upper_bound.value:.2g} cm^2/s with 95 %"
        rows.append(
            Comparison(
                f"D of Li at {temperature}, generalised least squares",
                sc.scalar(value, unit="cm^2/s"),
                general.value,
                remark,
            )
        )
    T = sc.array(dims=["temperature"], values=[kelvin(name) for name in best], unit="K")
    line = arrhenius(T, sc.concat(list(best.values()), "temperature"))
    rows.append(
        Comparison(
            "activation energy of D, generalised least squares",
            sc.scalar(0.22, unit="eV"),
            line.activation_energy,
            "as printed; the supplement's own three coefficients give 0.35 eV",
        )
    )
    return rows


def _haven(run: Trajectory, temperature: str) -> list[Comparison]:
    found = ionic_conductivity(run, temperature=temperature, charges={"Li": 1.0, "B12H12": -2.0})
    return [
        Comparison(
            f"Haven ratio at {temperature}",
            None,
            found.haven_ratio,
            f"conductivity {found.conductivity.value:.3g} ± {found.conductivity.variance**0.5:.1g} S/m with whole "
            "charges; below 1: Li ions move together",
        )
    ]


def _jumps(jumps: Jumps, temperature: str) -> list[Comparison]:
    together = concerted_jumps(jumps, window="1 ps", distance="5 angstrom")
    doubt = jumps.warnings[0] if jumps.warnings else f"{len(jumps.events)} jumps of {jumps.events.ions} ions"
    length = float(np.sqrt(jumps.mean_square_length.value))
    return [
        Comparison(f"residence time of Li at {temperature}", None, jumps.residence_time, doubt),
        Comparison(
            f"correlation factor of jumps at {temperature}",
            None,
            jumps.correlation_factor,
            f"D of the paths over <l^2> nu / 6 (Chudley and Elliott), root mean square length {length:.2f} angstrom; "
            f"below 1: Li goes back, mean cosine {jumps.mean_cosine.value:.2f}",
        ),
        Comparison(
            f"pairs of jumps, one into the site that the other leaves, over chance at {temperature}",
            None,
            together.string_excess + sc.scalar(1.0),
            f"within 1 ps, {together.strings} pairs: Li moves in strings, as all sites are taken",
        ),
    ]


def _widths(run: Trajectory, jumps: Jumps, temperature: str) -> list[Comparison]:
    """Quasielastic widths of Li next to those of jumps without memory."""
    Q = sc.array(dims=["Q"], values=[0.5, 0.9, 2.0], unit="1/angstrom")
    found = scattering(run, Q, atoms="Li", weights="number").elastic_fraction(after="1 ps")
    length = float(np.median(np.linalg.norm(jumps.events.vector, axis=1)))
    rate = _HBAR / jumps.residence_time.value
    rows = []
    for k, value in enumerate(Q.values):
        model = rate * (1 - np.sinc(value * length / np.pi))
        rows.append(
            Comparison(
                f"quasielastic HWHM of Li over that of jumps without memory, Q = {value:g}/angstrom, {temperature}",
                None,
                found.hwhm.data[k] / sc.scalar(float(model), unit="meV"),
                f"Chudley-Elliott, {length:.2f} angstrom, residence time from counting: {model:.3f} meV; below 1 as "
                "the correlation factor is: jumps back do not broaden",
            )
        )
    return rows


def _coupling(runs: Mapping[str, Trajectory]) -> list[Comparison]:
    rows = []
    for temperature in _HOT:
        found = rotation_hopping_coupling(runs[temperature], "B12H12", "Li")
        seen = is_larger(found.strength, sc.scalar(0.0, variance=0.0)) and found.p_value < 0.05
        rows.append(
            Comparison(
                f"coupling of hopping with turning at {temperature}, largest excess correlation",
                None,
                found.strength,
                f"{'seen' if seen else 'not seen'}: p = {found.p_value:.2g}, at {found.lag.value:g} ps, within "
                f"{found.distance.value:g} angstrom; 1 would be complete",
                "'interplay' of Li and anions" if seen else "",
            )
        )
    return rows


_SOURCE = "Sau et al. 2021, supplement"
REPRODUCTIONS: tuple[Reproduction, ...] = (
    Reproduction(
        "li2b12h12-density",
        f"{_SOURCE}, Fig. 1",
        "Where Li is in Li2B12H12, and the barrier between its sites",
        densities,
        campaign=CAMPAIGN,
    ),
    Reproduction(
        "li2b12h12-jumps",
        f"{_SOURCE}, Figs 3, 5a",
        "Jumps of Li in Li2B12H12, alone, together and with the anions",
        transport,
        campaign=CAMPAIGN,
    ),
)
"""What molecular dynamics says of Li."""
