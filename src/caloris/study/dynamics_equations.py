"""Equations 2 to 10 of the thermal battery paper as implemented, each against a closed form, and what print leaves out.

Trajectories here are synthetic: motions of which every observable is known. The test that checks an equation in full is
named in its row. Units: 1/angstrom, ps, meV, GPa.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.orientation.one_origin import one_origin_cosine
from caloris.atoms.stress import von_mises
from caloris.atoms.synthetic_trajectory import (
    Molecules,
    Particles,
    RotationalDiffusion,
    SiteJumps,
    SyntheticTrajectory,
    Vibration,
    cubic_sites,
)
from caloris.atoms.vibrations import mass_weighted_spectrum, vibrational_density_of_states
from caloris.neutrons import instrument, scattering
from caloris.study.comparison import Comparison, Reproduction

Array = npt.NDArray[np.floating[Any]]

N_H = 1.02
"""N-H distance of the paper, angstrom."""
H_H = math.sqrt(8 / 3) * N_H
"""H-H distance of the paper, angstrom."""
LARGEST_Q = 1.9
"""About where the paper's data end, 1/angstrom: Pelican at 5.96 angstrom sees 1.87 at 125 deg."""
_PRECISION = 0.02
"""Error of a good EISF: what models must differ by."""


def _j0(x: Array) -> Array:
    return np.asarray(np.sinc(x / math.pi))


PRINTED: dict[str, Callable[[Array], Array]] = {
    "two- or three-fold (eq. 4)": lambda Q: (1 + _j0(Q * H_H)) / 2,
    "tetrahedral (eq. 5)": lambda Q: (1 + 3 * _j0(Q * H_H)) / 4,
    "cubic (eq. 6)": lambda Q: (1 + 3 * _j0(2 / math.sqrt(3) * Q * N_H) + 3 * _j0(Q * H_H) + _j0(2 * Q * N_H)) / 8,
    "isotropic (eq. 7)": lambda Q: _j0(Q * N_H) ** 2,
}
"""Elastic incoherent structure factors as the paper prints them, of Q in 1/angstrom."""

_DISTANCE = f"{N_H} angstrom"
_MOTIONS = {
    "two- or three-fold (eq. 4)": SiteJumps.threefold(_DISTANCE, "1 ps"),
    "tetrahedral (eq. 5)": SiteJumps.tetrahedral(_DISTANCE, "1 ps"),
    "cubic (eq. 6)": SiteJumps.cubic(_DISTANCE, "1 ps"),
    "isotropic (eq. 7)": RotationalDiffusion(_DISTANCE, "0.5 1/ps"),
}
_SAID = {
    "two- or three-fold (eq. 4)": (
        "'C2 or C3' is right only as the mean of all four H: turning about one N-H axis leaves one H at rest, "
        "(1 + 3 (1 + 2 j0) / 3) / 4; turning by 180 deg about an axis between bonds gives every H two sites: the same"
    ),
    "tetrahedral (eq. 5)": "each H on four sites",
    "cubic (eq. 6)": "each H on the eight corners of a cube, 2 d / sqrt(3), d_HH and 2 d apart",
    "isotropic (eq. 7)": "of one H at any place of a sphere",
}


def equations() -> Sequence[Comparison]:
    """Each of equations 2 to 10: a number that shows what it is, and what print leaves out or gets wrong."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        return [
            *_kinematic_range(),
            *_elastic_fraction(place),
            *_structure_factors(),
            *_what_can_be_told(),
            *_first_zero(place),
            *_mass_weight(place),
            *_von_mises(),
        ]


def _kinematic_range() -> list[Comparison]:
    """Eq. 2: what the range of Q at each energy makes of it, on the energy-gain side of the paper's instrument."""
    pelican = instrument("Pelican", wavelength="4.69 angstrom")
    energy = sc.array(dims=["energy_transfer"], values=-np.arange(2.0, 60.5, 0.5), unit="meV")
    ends = pelican.kinematic_range(energy)
    length = (ends["maximum"] - ends["minimum"]).values
    return [
        Comparison(
            "eq. 2: largest over smallest weight from 2 to 60 meV, by the Q range alone",
            None,
            sc.scalar(float(length.max() / length.min())),
            "the integral over Q grows with the Q range that was seen, which print leaves in: little where neutrons "
            "gain energy, as here (Pelican, 4.69 angstrom), much where they lose it; divided out by default. Print is "
            "silent on several phonons too. Test: equation_2_as_printed_carries_the_kinematic_range_and_dividing_by_it_"
            "does_not",
        )
    ]


def _elastic_fraction(folder: Path) -> list[Comparison]:
    """Eq. 3 of a trajectory that vibrates and jumps, next to eq. 5."""
    molecules = Molecules(
        "N",
        "H",
        cubic_sites("6 angstrom", (6, 6, 6)),
        SiteJumps.tetrahedral(_DISTANCE, "1 ps"),
        motion=Vibration(mean_square="0.02 angstrom^2", frequency="10 THz", damping="5 1/ps"),
    )
    trajectory = SyntheticTrajectory((molecules,), cell="36 angstrom", frames=1200, timestep="50 fs", seed=3).write(
        folder / "ammonium.h5"
    )
    Q = sc.array(dims=["Q"], values=[LARGEST_Q], unit="1/angstrom")
    found = scattering(trajectory, Q, atoms="H", weights="number", longest="20 ps").elastic_fraction()
    printed = PRINTED["tetrahedral (eq. 5)"](np.array(LARGEST_Q))
    return [
        Comparison(
            f"eq. 3: EISF of a synthetic tetrahedral ion that vibrates, Q = {LARGEST_Q:g}/angstrom",
            sc.scalar(float(printed)),
            found.eisf["Q", 0].data,
            "the Debye-Waller factor is fitted apart. Test: vibrations_are_told_from_slow_motion. In an experiment it "
            "falls out only if both parts have the same one and none of the line is taken for background",
        )
    ]


def _structure_factors() -> list[Comparison]:
    """Eqs 4 to 7 at one Q, next to averages over the rotations."""
    Q = sc.array(dims=["Q"], values=[LARGEST_Q], unit="1/angstrom")
    rows = [
        Comparison(
            f"EISF {name}, Q = {LARGEST_Q:g}/angstrom",
            sc.scalar(float(PRINTED[name](np.array(LARGEST_Q)))),
            sc.scalar(float(motion.eisf(Q).values[0])),
            f"{_SAID[name]}. Test: eisf_of_turning_ammonium_is_that_of_the_thermal_battery_paper",
        )
        for name, motion in _MOTIONS.items()
    ]
    three = SiteJumps.threefold(_DISTANCE, "1 ps", atoms=3).eisf(Q).values[0]
    return [
        *rows,
        Comparison(
            f"EISF of the three H that move in a three-fold jump, Q = {LARGEST_Q:g}/angstrom",
            None,
            sc.scalar(float(three)),
            "(1 + 2 j0) / 3, the usual three-site form: lower than eq. 4 by the H on the axis",
        ),
    ]


def _what_can_be_told() -> list[Comparison]:
    """From which Q on models differ by more than the error of an EISF."""
    Q = np.linspace(0.01, 6, 600)
    curves = {name: printed(Q) for name, printed in PRINTED.items()}
    pairs = [
        ("two- or three-fold (eq. 4)", "tetrahedral (eq. 5)", "the only one that data to 1.9/angstrom exclude"),
        ("tetrahedral (eq. 5)", "cubic (eq. 6)", "the paper tells them apart by data to about 1.9/angstrom"),
        ("cubic (eq. 6)", "isotropic (eq. 7)", "no instrument of the paper reaches it"),
    ]
    return [
        Comparison(
            f"Q from which {one} and {other} differ by {_PRECISION:g}",
            None,
            sc.scalar(float(Q[np.argmax(np.abs(curves[one] - curves[other]) >= _PRECISION)]), unit="1/angstrom"),
            words,
        )
        for one, other, words in pairs
    ]


def _first_zero(folder: Path) -> list[Comparison]:
    """Eq. 8: the first zero of ions that all turn alike, few and many of them."""
    coefficient = 0.25
    rows = []
    for edge in (4, 12):
        ions = Molecules(
            "N",
            "H",
            cubic_sites("6 angstrom", (edge, edge, edge)),
            RotationalDiffusion(_DISTANCE, coefficient=f"{coefficient} 1/ps"),
        )
        trajectory = SyntheticTrajectory(
            (ions,), cell=f"{6 * edge} angstrom", frames=500, timestep="200 fs", seed=4
        ).write(folder / f"ions{edge}.h5")
        zeros = one_origin_cosine(trajectory, bond=("N", "H")).other_origins.values
        zeros = zeros[np.isfinite(zeros)] * 2 * coefficient
        rows.append(
            Comparison(
                f"eq. 8: first zero over relaxation time, {edge**3} ions",
                None,
                sc.scalar(float(zeros.mean()), variance=float(zeros.std(ddof=1)) ** 2),
                "isotropic rotation; the error is the scatter between initial times; an exponential has no zero: the "
                "average sinks into its noise, later the more ions there are. Test: first_zero_grows_with_the_number_"
                "of_molecules_and_one_over_e_does_not",
                paper_words="'lifetime'",
            )
        )
    return rows


def _mass_weight(folder: Path) -> list[Comparison]:
    """Eq. 9: heavy and light atoms with as many modes."""
    # of one temperature: m w^2 <u^2> is the same
    kinds = [("H", 30.0, 0.01, 0.0), ("S", 5.0, 0.01 * 30**2 * 1.008 / (5**2 * 32.06), 3.0)]
    populations = tuple(
        Particles(
            symbol,
            cubic_sites("6 angstrom", (4, 4, 4)) + sc.vector([shift] * 3, unit="angstrom"),
            Vibration(mean_square=f"{square} angstrom^2", frequency=f"{frequency} THz", damping="2 1/ps"),
        )
        for symbol, frequency, square, shift in kinds
    )
    trajectory = SyntheticTrajectory(populations, cell="24 angstrom", frames=4000, timestep="5 fs", seed=5).write(
        folder / "two.h5", velocities=True
    )
    printed = _area(mass_weighted_spectrum(trajectory, "S")) / _area(mass_weighted_spectrum(trajectory, "H"))
    usual = vibrational_density_of_states(trajectory, "element", resolution="2 meV")
    assert isinstance(usual, sc.DataGroup)  # one for each element
    return [
        Comparison(
            "eq. 9: weight of S over that of H, as many modes of each",
            None,
            sc.scalar(printed),
            "print divides by each atom's own <v^2> and keeps m_i: 32.06/1.008 = 31.8, so that what is drawn is SCN- "
            "for the most part. Tests: eq_9_of_harmonic_oscillators, eq_9_is_the_density_of_states_times_mass",
            paper_words="'phonon DOS'",
        ),
        Comparison(
            "density of states, weight of S over that of H",
            None,
            sc.scalar(_area(usual["S"]) / _area(usual["H"])),
            "the usual one, m_i <v_i(t) v_i(0)> without the division: 3 modes for each atom",
            paper_words="'phonon DOS'",
        ),
    ]


def _area(spectrum: sc.DataArray) -> float:
    return float(np.trapezoid(spectrum.values, spectrum.coords["energy_transfer"].values))


def _scalar(value: sc.Variable | sc.DataArray) -> sc.Variable:
    return sc.scalar(float(value.value), unit=value.unit)


def _von_mises() -> list[Comparison]:
    """Eq. 10 of plain states of stress."""
    states = {
        "shear of 1 GPa": ([0.0, 0, 0, 1, 0, 0], math.sqrt(3)),
        "pull of 1 GPa": ([1.0, 0, 0, 0, 0, 0], 1.0),
        "pressure of 1 GPa": ([-1.0, -1, -1, 0, 0, 0], 0.0),
    }
    said = (
        "print is silent on the volume of an atom, which the stress is inverse to. Tests: pressure_shear_and_pull, "
        "atoms_of_a_crystal_carry_the_pressure_of_the_engine"
    )
    return [
        Comparison(
            f"eq. 10: {name}",
            sc.scalar(exact, unit="GPa"),
            _scalar(von_mises(sc.array(dims=["component"], values=values, unit="GPa"))),
            said,
        )
        for name, (values, exact) in states.items()
    ]


REPRODUCTIONS: tuple[Reproduction, ...] = (
    Reproduction(
        "eqs-2-to-10",
        "Zhang et al. 2023, Methods, eqs 2-10",
        "Equations of neutron scattering and dynamics, as printed and as implemented",
        equations,
    ),
)
"""What needs no simulation."""
