"""Fig. 4d, f and Extended Data Figs 7, 8 of the thermal battery paper: what pressure does to SCN-, next to ours.

Amplitudes of SCN- along and across its axis, angles of hydrogen bonds, and von Mises stresses of atoms at 0.1, 100 and
200 MPa, 350 K. Ours: 16 ps of each, ordinary hydrogen, GAFF with charges of our own; the paper's runs take 1 ns. Units:
angstrom, deg, GPa.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipp as sc

from caloris.atoms.orientation.hydrogen_bonding import hydrogen_bonds
from caloris.atoms.stress import StressDistribution, von_mises_stress
from caloris.atoms.trajectory import Trajectory
from caloris.atoms.transport import displacement_distribution
from caloris.materials import load
from caloris.study.comparison import Comparison, Reproduction
from caloris.study.nh4scn_vibrations import CAMPAIGN, vibrating_runs
from caloris.study.scatter import is_larger, verdict

if TYPE_CHECKING:
    from ase import Atoms

_PRESSURES = ("0.1 MPa", "100 MPa", "200 MPa")
_SHORT_RUN = "16 ps, the paper's 1 ns: no slow motion is in ours, and no transition"
_LONGEST = {"N": 2.5, "S": 3.0}
"""H...A of a hydrogen bond, angstrom, as :func:`caloris.atoms.orientation.hydrogen_bonding.hydrogen_bonds` has them."""
_ANGLES = {"N": 100.5, "S": 126.4}
"""deg, as the caption of Fig. 4e labels them."""
_ANGLE_ERRORS = {"N": 0.6, "S": 0.3}
_ATOMS = {"SCN": 3, "NH4": 5}


# -- Fig. 4d, f, Extended Data Fig. 8 ------------------------------------------------------------------


def amplitudes_and_angles() -> Sequence[Comparison]:
    """Mean square amplitudes of SCN- in the monoclinic phase under pressure, and the angles of hydrogen bonds."""
    runs = vibrating_runs()
    return [*_amplitudes(runs), *_angles(runs["monoclinic", "0.1 MPa"], runs["monoclinic", "200 MPa"])]


def _amplitudes(runs: Mapping[tuple[str, str], Trajectory]) -> list[Comparison]:
    means = {key: _mean_squares(run) for key, run in runs.items()}
    rows = []
    for direction, words in (("transverse", "across its axis"), ("longitudinal", "along its axis")):
        for pressure in ("0.1 MPa", "200 MPa"):
            rows.append(
                Comparison(
                    f"monoclinic {pressure}: mean square amplitude of SCN-, {words}",
                    None,
                    means["monoclinic", pressure][direction],
                    "centre of mass" + ("; two components" if direction == "transverse" else ""),
                    "drawn, no number given",
                )
            )
        low, high = (means["monoclinic", pressure][direction] for pressure in ("0.1 MPa", "200 MPa"))
        paper = "'much more broadened ... along the direction perpendicular to SCN-'" if "across" in words else ""
        # a width that grows by a tenth at least is what one would call broadened
        holds = verdict(is_larger(high, low) and bool(high.value > 1.1 * low.value))
        remark = f"{holds}; {_SHORT_RUN}" if paper else _SHORT_RUN
        rows.append(Comparison(f"monoclinic: the same, 200 over 0.1 MPa, {words}", None, high / low, remark, paper))
    across = {phase: means[phase, "0.1 MPa"]["transverse"] for phase in ("monoclinic", "orthorhombic")}
    ends = [means["monoclinic", pressure]["transverse, atoms"] for pressure in ("0.1 MPa", "200 MPa")]
    return [
        *rows,
        Comparison("monoclinic: the same of atoms, 200 over 0.1 MPa, across its axis", None, ends[1] / ends[0], _TURN),
        Comparison(
            "orthorhombic over monoclinic, 0.1 MPa, across its axis",
            None,
            across["orthorhombic"] / across["monoclinic"],
            "a cell that goes over to the orthorhombic phase within a run would look broadened by pressure",
        ),
    ]


_TURN = "with turning to and fro of SCN-"


def _mean_squares(trajectory: Trajectory) -> dict[str, sc.Variable]:
    centres, atoms = (
        displacement_distribution(trajectory, "SCN", ("S", "N"), of=of) for of in ("centre of mass", "atoms")
    )
    found = {name: centres[name].coords["mean"] for name in ("transverse", "longitudinal")}
    return found | {"transverse, atoms": atoms["transverse"].coords["mean"]}


def _angles(low: Trajectory, high: Trajectory) -> list[Comparison]:
    found = {pressure: hydrogen_bonds(run) for pressure, run in (("0.1 MPa", low), ("200 MPa", high))}
    structure = bond_angles(load("NH4SCN").structure("monoclinic"))
    rows = []
    for number, (element, other) in enumerate((("N", "S"), ("S", "N")), start=1):
        paper = sc.scalar(_ANGLES[element], variance=_ANGLE_ERRORS[element] ** 2, unit="deg")
        bonds = found["0.1 MPa"].by_acceptor[element]
        measured = structure[element]
        words = ", ".join(f"{angle:.0f}" for angle in measured)
        crossed = all(abs(angle - _ANGLES[other]) < abs(angle - _ANGLES[element]) for angle in measured)
        labels = f"nearer to {_ANGLES[other]:g} deg: the labels look exchanged" if crossed else "as labelled"
        rows += [
            Comparison(
                f"phi{number}, C-{element}...H, peak",
                paper,
                bonds.peak.centre,
                f"less {_ANGLES[other]:g} deg, the other angle: {bonds.peak.centre.value - _ANGLES[other]:+.1f} deg; "
                f"per solid angle {bonds.peak_per_solid_angle.centre.value:.1f} deg; the printed crystal structure has "
                f"{words} deg, {labels}",
            ),
            Comparison(
                f"phi{number}, C-{element}...H, 200 less 0.1 MPa",
                None,
                found["200 MPa"].by_acceptor[element].peak.centre - bonds.peak.centre,
                f"bonds of an ion to {element} {bonds.per_molecule.value:.2f}, at 200 MPa "
                f"{found['200 MPa'].by_acceptor[element].per_molecule.value:.2f}",
            ),
        ]
    low_number, high_number = (found[pressure].per_molecule for pressure in ("0.1 MPa", "200 MPa"))
    fewer = verdict(is_larger(low_number, high_number))
    return [
        *rows,
        Comparison(
            "hydrogen bonds of NH4+, 200 over 0.1 MPa",
            None,
            high_number / low_number,
            f"{fewer}; {low_number.value:.2f} of each ion at 0.1 MPa; {found['0.1 MPa'].criteria}; {_SHORT_RUN}",
            "pressures 'weaken the hydrogen-bonding network'",
        ),
    ]


def bond_angles(structure: "Atoms") -> dict[str, list[float]]:
    """Return the angles C-A...H of the hydrogen bonds to SCN- in a structure.

    Parameters
    ----------
    structure:
        One cell of NH4SCN, ordered.

    Returns
    -------
    :
        By the acceptor A, N and S: angles at A (deg), each once, increasing.
    """
    crystal = structure.repeat((3, 3, 3))
    symbols, at = np.array(crystal.get_chemical_symbols()), crystal.positions
    middle = 13 * len(structure)
    found: dict[str, set[float]] = {name: set() for name in _LONGEST}
    carbon, nitrogen = np.flatnonzero(symbols == "C"), np.flatnonzero(symbols == "N")
    for h in range(middle, middle + len(structure)):
        if symbols[h] != "H":
            continue
        own = nitrogen[np.linalg.norm(at[nitrogen] - at[h], axis=1).argmin()]
        for element, longest in _LONGEST.items():
            near = np.flatnonzero((symbols == element) & (np.linalg.norm(at - at[h], axis=1) < longest))
            for acceptor in near[near != own]:
                behind = at[carbon] - at[acceptor]
                bond = behind[np.linalg.norm(behind, axis=1).argmin()]
                if np.linalg.norm(bond) > 2.0:  # N of NH4+
                    continue
                toward = at[h] - at[acceptor]
                cosine = bond @ toward / np.linalg.norm(bond) / np.linalg.norm(toward)
                found[element].add(round(float(np.degrees(np.arccos(cosine))), 1))
    return {name: sorted(angles) for name, angles in found.items()}


# -- Extended Data Fig. 7 ------------------------------------------------------------------------------


def stresses() -> Sequence[Comparison]:
    """Von Mises stresses of the atoms of both ions under pressure, with two volumes of an atom."""
    runs = vibrating_runs()
    equal = {key: von_mises_stress(run) for key, run in runs.items()}
    rows = []
    for phase in ("monoclinic", "orthorhombic"):
        for pressure in _PRESSURES:
            rows.append(
                Comparison(
                    f"{phase} {pressure}: stresses of SCN- above 50 GPa",
                    None,
                    _percent(equal[phase, pressure].share_above["SCN"]),
                    _described(equal[phase, pressure]),
                    "drawn, no number given",
                )
            )
        rows += _growth(equal, phase)
    return [*rows, *_conventions(runs["monoclinic", "0.1 MPa"], equal["monoclinic", "0.1 MPa"])]


def _described(found: StressDistribution) -> str:
    share, mean = found.share_above["NH4"], found.mean
    return (
        f"of NH4+ {100 * share.value:.3f} %; means {mean['SCN'].value:.2f} and {mean['NH4'].value:.2f} GPa; an atom "
        f"has V / N; pressure of the sum {round(found.pressure.value)} ± {found.pressure.variance**0.5:.0f} MPa"
    )


def _growth(found: Mapping[tuple[str, str], StressDistribution], phase: str) -> list[Comparison]:
    low, high = (found[phase, pressure] for pressure in ("0.1 MPa", "200 MPa"))
    grown = {name: high.share_above[name] / low.share_above[name] for name in _ATOMS}
    means = {name: high.mean[name] / low.mean[name] for name in _ATOMS}
    alone = is_larger(grown["SCN"], sc.scalar(1.0, variance=0.0)) and is_larger(means["SCN"], means["NH4"])
    return [
        Comparison(
            f"{phase}: share of SCN- above 50 GPa, 200 over 0.1 MPa",
            None,
            grown["SCN"],
            f"{verdict(alone)}; of NH4+ {grown['NH4'].value:.2f} ± {grown['NH4'].variance ** 0.5:.2f}; 16 ps",
            "pressure 'induces a localization of intense stress exclusively on SCN-'",
        ),
        Comparison(
            f"{phase}: mean stress of SCN-, 200 over 0.1 MPa",
            None,
            means["SCN"],
            f"of NH4+ {means['NH4'].value:.4f} ± {means['NH4'].variance ** 0.5:.4f}; bonds make most of it",
        ),
    ]


def _conventions(trajectory: Trajectory, equal: StressDistribution) -> list[Comparison]:
    """Which ion the high stresses are on, by what an atom is given for a volume."""
    said = {
        "V / N": (equal, "as the paper says; eq. 10 needs a volume of an atom, and the paper names none"),
        "Voronoi cell": (
            von_mises_stress(trajectory, volume="voronoi"),
            "the other way round: H has a small cell and a strong bond; so the claim rests on the volume",
        ),
    }
    rows = []
    for name, (found, words) in said.items():
        above = {ion: float(found.share_above[ion].value) * number for ion, number in _ATOMS.items()}
        share = above["SCN"] / sum(above.values())
        rows.append(
            Comparison(
                f"monoclinic 0.1 MPa: part of the stresses above 50 GPa that is on SCN-, volume {name}",
                None,
                sc.scalar(share),
                f"{verdict(share > 0.5)}: {words}",
                "'localization ... on SCN-'",
            )
        )
    whole = von_mises_stress(trajectory, of="molecule")
    rows.append(
        Comparison(
            "monoclinic 0.1 MPa: mean von Mises stress of a whole SCN- over that of NH4+",
            None,
            whole.mean["SCN"] / whole.mean["NH4"],
            "tensors and volumes of its atoms summed: forces within an ion cancel",
        )
    )
    return rows


def _percent(share: sc.Variable) -> sc.Variable:
    return share.to(unit="percent")


_SOURCE = "Zhang et al. 2023"
REPRODUCTIONS: tuple[Reproduction, ...] = (
    Reproduction(
        "fig-4",
        f"{_SOURCE}, Fig. 4d-f, Extended Data Fig. 8",
        "Vibrations of SCN- and hydrogen bonds under pressure by molecular dynamics",
        amplitudes_and_angles,
        campaign=CAMPAIGN,
    ),
    Reproduction(
        "extended-7",
        f"{_SOURCE}, Extended Data Fig. 7, eq. 10",
        "Von Mises stresses of ions in NH4SCN by molecular dynamics",
        stresses,
        campaign=CAMPAIGN,
    ),
)
"""What molecular dynamics says of pressure."""
