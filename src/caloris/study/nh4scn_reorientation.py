"""Figs 3d-f and Extended Data Fig. 6 of the thermal battery paper: how NH4+ turns, next to ours.

The paper prints no numbers for these; its words stand in their place. Ours: deuterated runs of 60 ps, frames every
50 fs, at zero pressure. The force field is GAFF with charges of our own, the paper's own is not public. Units:
1/angstrom, ps, meV.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.orientation.lifetimes import reorientation
from caloris.atoms.orientation.order import orientational_order
from caloris.atoms.orientation.sphere import crystal_sites, orientation_map
from caloris.atoms.simulation import open_simulation
from caloris.atoms.state_point import equilibrated
from caloris.atoms.trajectory import Trajectory
from caloris.neutrons import scattering
from caloris.study.comparison import Comparison, Reproduction
from caloris.study.dynamics_equations import LARGEST_Q, PRINTED
from caloris.study.scatter import over_parts, verdict
from caloris.study.simulations import finished

Array = npt.NDArray[np.floating[Any]]

CAMPAIGN = "nh4scn"
REPEAT = {"monoclinic": (6, 3, 2), "orthorhombic": (3, 3, 3)}
"""Supercells of both campaigns."""
_AT = {"monoclinic": "300 K", "orthorhombic": "380 K"}
_Q = (0.6, 1.2, 1.9, 2.5, 3.5)
_GRID = np.linspace(0.3, 3.5, 33)
_BOLTZMANN = 8.617333262e-5
"""eV/K, CODATA 2018."""
_HBAR = 0.6582119569
"""meV ps, CODATA 2018."""
_DRAWN = "drawn, no number given"
_SHORT = {name: name.split(" (")[0] for name in PRINTED}
_MODELS = tuple(name for name in PRINTED if "fold" not in name)
_ALIKE = 0.01
"""Root mean square distances nearer than this tell no model: about the error of a fitted EISF."""
_CLAIM = {
    "tetrahedral": "'close to the tetrahedral tumbling model'",
    "cubic": "'most likely described by the cubic tumbling mode even if a sizable deviation is present'",
}


def turning_runs() -> dict[tuple[str, str], Trajectory]:
    """Return the equilibrated trajectories of the runs of 60 ps by phase and temperature."""
    return {
        (result.coordinates["phase"], result.coordinates["temperature"]): equilibrated(
            open_simulation(result.folder / "md")
        )
        for result in finished(CAMPAIGN).results()
    }


# -- Fig. 3d, e ----------------------------------------------------------------------------------------


def elastic_fractions() -> Sequence[Comparison]:
    """EISF of both phases against the models, and the directions that N-H bonds take."""
    runs = turning_runs()
    rows: list[Comparison] = []
    for phase, temperature in _AT.items():
        label = f"{phase} {temperature}"
        rows += _eisf(runs[phase, temperature], label)
        rows += _directions(runs[phase, temperature], phase, label)
    return rows


def _eisf(trajectory: Trajectory, label: str) -> list[Comparison]:
    symbols = np.array(trajectory.symbols)
    members = trajectory.molecules_of("NH4").ravel()
    Q = sc.array(dims=["Q"], values=_GRID, unit="1/angstrom")
    hydrogen, nitrogen = (
        scattering(trajectory, Q, atoms=members[symbols[members] == name], weights="number").elastic_fraction()
        for name in "HN"
    )
    alone = hydrogen.infinite_time / nitrogen.infinite_time
    rows = []
    for value in _Q:
        k = int(np.argmin(np.abs(_GRID - value)))
        models = ", ".join(f"{_SHORT[name]} {PRINTED[name](np.array(value)):.3f}" for name in PRINTED)
        words = f"{models}; with vibrations, at infinite time, {hydrogen.infinite_time.values[k]:.3f}"
        rows.append(
            Comparison(f"{label}: EISF of H, Q = {value:g}/angstrom", None, hydrogen.eisf.data[k], words, _DRAWN)
        )
    k = len(_GRID) - 1
    rows.append(
        Comparison(
            f"{label}: infinite time, H over N of the same ion, Q = {_GRID[k]:g}/angstrom",
            None,
            alone.data[k],
            "what turning and libration leave, without the vibrations of the ion as a whole and without a fit; "
            "libration takes a part of every model's value",
        )
    )
    return [*rows, *_nearest(hydrogen.eisf.values, alone.values, label)]


def _nearest(fitted: Array, alone: Array, label: str) -> list[Comparison]:
    """How far each model is away, over all Q and over those that the paper has."""
    far = {name: _distance(fitted, name, _GRID[-1]) for name in _MODELS}
    seen = ", ".join(f"{name.split()[0]} {_distance(fitted, name, LARGEST_Q):.3f}" for name in _MODELS)
    claimed = "tetrahedral" if label.startswith("monoclinic") else "cubic"
    nearest, second = sorted(far, key=far.__getitem__)[:2]
    apart = far[second] - far[nearest]
    if apart < _ALIKE:
        outcome = f"undecided: {nearest.split()[0]} or {second.split()[0]}, {apart:.3f} apart"
    else:
        outcome = f"{verdict(claimed in nearest)}: the nearest is {nearest.split()[0]}, by {apart:.3f}"
    rows = []
    for name, distance in far.items():
        remark = (
            "of the fitted EISF, where turning within 0.5 ps counts as vibration; of H over N at infinite time "
            f"{_distance(alone, name, _GRID[-1]):.3f}; to {LARGEST_Q:g}/angstrom only: {seen}"
        )
        is_claimed = claimed in name
        if is_claimed:
            remark = f"{outcome}; {remark}"
        rows.append(
            Comparison(
                f"{label}: root mean square distance from {name}, Q to {_GRID[-1]:g}/angstrom",
                None,
                sc.scalar(distance),
                remark,
                _CLAIM[claimed] if is_claimed else "not the paper's choice",
            )
        )
    return rows


def _distance(values: Array, model: str, largest: float) -> float:
    use = largest + 1e-9 >= _GRID
    return float(np.sqrt(np.mean((values[use] - PRINTED[model](_GRID[use])) ** 2)))


def _directions(trajectory: Trajectory, phase: str, label: str) -> list[Comparison]:
    sites = crystal_sites(trajectory, "NH4", REPEAT[phase])
    # the ion in Pbcm lies on an axis of two-fold rotation along a
    turns = None if phase == "monoclinic" else np.array([np.eye(3), np.diag([1.0, -1.0, -1.0])])
    numbers, highest, lowest, third = [], [], [], []
    for site in range(int(sites.max()) + 1):
        own = np.flatnonzero(sites == site).tolist()
        found = orientation_map(trajectory, ("N", "H"), select=own, rotations=turns)
        smooth = found.smoothed("5 deg").density.values * 4 * math.pi
        numbers.append(float(len(found.maxima("5 deg"))))
        highest.append(float(smooth.max()))
        lowest.append(float(smooth.min()))
        third.append(float(orientational_order(trajectory, ("N", "H"), select=own).invariants["l", 2].value))
    words = {
        "monoclinic": "'over four indistinguishable configurations': four directions",
        "orthorhombic": "'trajectories form a simple cubic lattice', 'not a simple cubic lattice, but with preference'",
    }
    return [
        Comparison(
            f"{label}: maxima of the N-H directions of an ion",
            sc.scalar({"monoclinic": 4.0, "orthorhombic": 8.0}[phase]),
            over_parts(numbers, "one"),
            f"mean over {len(numbers)} sites, smoothed by 5 deg; they stand out by four standard deviations and a "
            "tenth of their height; where there are fewer than eight, ridges join the others",
            words[phase],
        ),
        Comparison(
            f"{label}: highest density of directions over that of random ones", None, over_parts(highest, "one"), _WIDE
        ),
        Comparison(
            f"{label}: lowest density of directions over that of random ones", None, over_parts(lowest, "one"), _WIDE
        ),
        Comparison(
            f"{label}: tetrahedral order, Q_3^2 of an ion's directions",
            None,
            over_parts(third, "one"),
            "5/9 for one tetrahedron, 0 for a cube or random directions; libration lowers it",
        ),
    ]


_WIDE = "smoothed by 5 deg; 1 if all directions were alike"


# -- Fig. 3f, Extended Data Fig. 6 ---------------------------------------------------------------------


def relaxation_times() -> Sequence[Comparison]:
    """How long an orientation of NH4+ lasts, by each definition, in both phases at both temperatures."""
    rows: list[Comparison] = []
    times = {}
    for (phase, temperature), trajectory in turning_runs().items():
        found = reorientation(trajectory, ("N", "H"))
        times[phase, temperature] = found.first.exponential
        label = f"{phase} {temperature}"
        if _AT[phase] != temperature:
            rows.append(Comparison(f"{label}: 1/rate of C1", None, found.first.exponential, "the other temperature"))
            continue
        rows += _by_width(trajectory, label)
        first, second, alone = found.first, found.second, found.one_origin
        zeros = alone.other_origins.values[np.isfinite(alone.other_origins.values)]
        rows += [
            Comparison(f"{label}: 1/rate of C1", None, first.exponential, _deuterated(phase), _DRAWN),
            Comparison(f"{label}: time to 1/e of C1", None, first.one_over_e, "libration is in it"),
            Comparison(f"{label}: time to 1/e of C2", None, second.one_over_e, _frames(second.one_over_e.value)),
            Comparison(
                f"{label}: rate of C2 over that of C1",
                None,
                second.rate / first.rate,
                "1 for tetrahedral jumps, 2 for jumps by 90 deg among the corners of a cube, 3 for small steps",
            ),
            Comparison(
                f"{label}: first zero of eq. 8",
                None,
                sc.scalar(float(zeros.mean()), variance=float(zeros.var(ddof=1)), unit="ps"),
                f"{len(zeros)} initial times, the error is the scatter between them; it is "
                f"{zeros.mean() / first.exponential.value:.1f} times 1/rate, and grows with the number of ions",
                "drawn as the lifetime, 'in accordance' with experiment",
            ),
        ]
    return [*rows, *_compared(times)]


def _by_width(trajectory: Trajectory, label: str) -> list[Comparison]:
    Q = sc.array(dims=["Q"], values=[0.6, 1.2, 1.9], unit="1/angstrom")
    found = scattering(trajectory, Q, atoms="H", weights="number").elastic_fraction()
    tau = sc.scalar(_HBAR, unit="meV*ps") / found.hwhm.data
    low, middle, high = tau.values
    return [
        Comparison(
            f"{label}: tau = 2 hbar / FWHM, Q = 1.2/angstrom",
            None,
            tau["Q", 1],
            "from the fit of I(Q,t), no instrument; hbar / HWHM is the same",
            _DRAWN,
        ),
        Comparison(
            f"{label}: tau at 1.9 over tau at 0.6/angstrom",
            None,
            sc.scalar(float(high / low)),
            f"{low:.2f}, {middle:.2f} and {high:.2f} ps at 0.6, 1.2 and 1.9/angstrom",
            "'weak Q dependence'",
        ),
    ]


def _deuterated(phase: str) -> str:
    words = "of ND4+: its moment of inertia is twice that of NH4+, which slows its libration"
    return words if phase == "monoclinic" else f"{words}; no single exponential (0.2 and 0.5 ps)"


def _frames(time: float) -> str:
    return "frames every 50 fs are too few for it" if time < 0.15 else "half of it is libration"


def _compared(times: dict[tuple[str, str], sc.Variable]) -> list[Comparison]:
    ratio = times["monoclinic", "300 K"] / times["orthorhombic", "380 K"]
    rows = [
        Comparison(
            "tau of monoclinic 300 K over orthorhombic 380 K",
            None,
            ratio,
            f"{verdict(bool(ratio.value > 2))}; 1/rate of C1; temperature is in it",
            "'the preferred cubic tumbling mode is much faster than the tetrahedral tumbling'",
        )
    ]
    for temperature in ("300 K", "380 K"):
        ratio = times["monoclinic", temperature] / times["orthorhombic", temperature]
        rows.append(Comparison(f"the same, both at {temperature}", None, ratio, "the phase alone"))
    inverse = 1 / (_BOLTZMANN * 300) - 1 / (_BOLTZMANN * 380)
    for phase in REPEAT:
        energy = sc.log(times[phase, "300 K"] / times[phase, "380 K"]) / sc.scalar(inverse, unit="1/eV")
        rows.append(
            Comparison(f"{phase}: activation energy of turning", None, energy, "of two temperatures, 300 and 380 K")
        )
    return rows


_SOURCE = "Zhang et al. 2023"
REPRODUCTIONS: tuple[Reproduction, ...] = (
    Reproduction(
        "fig-3de",
        f"{_SOURCE}, Fig. 3d,e",
        "Elastic incoherent structure factor of NH4SCN by molecular dynamics",
        elastic_fractions,
        campaign=CAMPAIGN,
    ),
    Reproduction(
        "fig-3f",
        f"{_SOURCE}, Fig. 3f, Extended Data Fig. 6b-e",
        "Relaxation times of NH4+ by molecular dynamics",
        relaxation_times,
        campaign=CAMPAIGN,
    ),
)
"""What molecular dynamics says of turning."""
