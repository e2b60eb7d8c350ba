"""What is in a trajectory, and one page of what it supports."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipp as sc

from caloris.atoms import Trajectory
from caloris.atoms.parallel import Progress
from caloris.errors import CalorisError, InputError
from caloris.files import output_folder
from caloris.report.analysis import Analysis, asked, value_and_error, write_analysis
from caloris.report.page import Page, Section, Table, picture
from caloris.units import Quantity, quantity

_BOLTZMANN = 0.831446261815324
"""u angstrom^2 / ps^2 / K."""
_KINETIC_FRAMES = 40
_DENSE = 0.01
"""ps; frames farther apart alias the vibrations of light atoms."""
_WINDOWS = 24.0
"""meV ps; resolution times duration that leaves at least five windows."""
_BUDGET = 6e6
"""Atoms times frames of an analysis of the page; longer trajectories are thinned out."""
_RARE = 0.3
"""Of molecules that might be one kind, cut differently: share of the smaller number."""
_KINDS = 3
"""Most kinds of molecules whose reorientation is on the page."""


def describe(trajectory: Trajectory) -> Analysis:
    """Return what is in a trajectory: atoms, times, cell, density, temperature, and what was guessed in reading it."""
    time = trajectory.time.values
    content = contents(trajectory)
    numbers: dict[str, sc.Variable] = {
        "atoms": sc.scalar(len(trajectory.symbols)),
        "frames": sc.scalar(len(trajectory)),
    }
    if len(trajectory) > 1:
        numbers["time between frames"] = trajectory.timestep
        numbers["duration"] = sc.scalar(float(time[-1] - time[0]), unit="ps")
    numbers |= _cell(trajectory) | _temperatures(trajectory)
    held = ", ".join(sorted(trajectory.holds)) + ("; charges" if trajectory.charges is not None else "")
    return Analysis(
        name="trajectory",
        title=f"{trajectory.path.name}: " + ", ".join(f"{count} {name}" for name, count in content.items()),
        numbers=numbers,
        words=[f"Holds {held}; {len(trajectory.bonds)} bonds.", *_origin(trajectory)],
        warnings=_doubts(trajectory, content),
        inputs=asked(trajectory) | {"contents": dict(content), "holds": sorted(trajectory.holds)},
    )


def contents(trajectory: Trajectory) -> dict[str, int]:
    """Return how many molecules of each composition there are, whatever the order of their atoms."""
    names: dict[tuple[tuple[str, int], ...], str] = {}
    counts: Counter[str] = Counter()
    for formula, number in Counter(trajectory.formulas).items():
        counts[names.setdefault(_composition(formula), formula)] += number
    return dict(counts.most_common())


def _composition(formula: str) -> tuple[tuple[str, int], ...]:
    from ase.formula import Formula

    return tuple(sorted(Formula(formula).count().items()))


def temperature_of(trajectory: Trajectory, given: Quantity | None = None) -> sc.Variable:
    """Return the temperature that is given, or that of the run as its file says.

    Raises
    ------
    InputError
        If it is neither given nor known.
    """
    if given is not None:
        return quantity(given, "K", "temperature")
    found = _recorded(trajectory)
    if found is None:
        raise InputError(f"{trajectory.path}: the file does not say the temperature; give --temperature '300 K'")
    return sc.values(found)


def _recorded(trajectory: Trajectory) -> sc.Variable | None:
    """Of the thermostat, or the mean that an engine recorded."""
    conditions = trajectory.inputs.get("conditions")
    if isinstance(conditions, Mapping) and conditions.get("temperature") is not None:
        first, last = conditions["temperature"], conditions.get("final_temperature")
        if last is None or last == first:
            return sc.scalar(float(first), unit="K")
    observed = trajectory.observables
    if "temperature" not in observed:
        return None
    within = observed.coords["time"].values >= trajectory.time.values[0]
    kelvin = observed["temperature"].values[within]
    return sc.scalar(float(kelvin.mean()), unit="K") if len(kelvin) else None


def _temperatures(trajectory: Trajectory) -> dict[str, sc.Variable]:
    found: dict[str, sc.Variable] = {}
    recorded = _recorded(trajectory)
    if recorded is not None:
        found["temperature of the run"] = recorded
    if "velocity" in trajectory.holds and len(trajectory.symbols) > 1:
        every = max(1, len(trajectory) // _KINETIC_FRAMES)
        masses = trajectory.masses.values
        kelvin = []
        for frame in range(0, len(trajectory), every):
            v = trajectory.read("velocity", None, slice(frame, frame + 1))[0].astype(np.float64)
            v -= (masses[:, None] * v).sum(axis=0) / masses.sum()
            kelvin.append((masses[:, None] * v**2).sum() / (3 * len(masses) - 3) / _BOLTZMANN)
        found["kinetic temperature, without rigid bonds"] = sc.scalar(float(np.mean(kelvin)), unit="K")
    return found


def _cell(trajectory: Trajectory) -> dict[str, sc.Variable]:
    cell = trajectory.cell.values
    mean = cell.mean(axis=0)
    lengths = np.linalg.norm(mean, axis=1)
    if not np.all(lengths > 0):
        return {}
    u = mean / lengths[:, None]
    angles = np.degrees(np.arccos(np.clip([u[1] @ u[2], u[0] @ u[2], u[0] @ u[1]], -1, 1)))
    found = {name: sc.scalar(float(value), unit="angstrom") for name, value in zip("abc", lengths, strict=True)}
    names = zip(("alpha", "beta", "gamma"), angles, strict=True)
    found |= {name: sc.scalar(float(value), unit="deg") for name, value in names}
    volume = float(trajectory.volume.values.mean())
    density = float(trajectory.masses.values.sum()) / volume * 1660.53906660  # u/angstrom^3 in kg/m^3
    return found | {"density": sc.scalar(density, unit="kg/m^3")}


def _origin(trajectory: Trajectory) -> list[str]:
    """How the file came about, as far as it says so."""
    inputs = trajectory.inputs
    if inputs.get("synthetic"):
        return ["Synthetic: made from known motions, not by a simulation."]
    if "format" in inputs:
        parts = [f"Converted from {inputs.get('source')} ({inputs['format']})"]
        parts += [f"{name} {inputs[name]}" for name in ("bonds", "positions") if inputs.get(name)]
        return ["; ".join(parts) + "."]
    conditions = inputs.get("conditions")
    if isinstance(conditions, Mapping):
        engine = inputs.get("engine", "a simulation")
        return [
            f"From {engine}: {conditions.get('ensemble')}, {conditions.get('temperature'):g} K, "
            f"{conditions.get('pressure'):g} MPa."
        ]
    return []


def _doubts(trajectory: Trajectory, content: Mapping[str, int]) -> list[str]:
    doubts = [str(text) for text in trajectory.inputs.get("warnings", ())]
    sizes = np.linalg.norm(trajectory.cell.values, axis=2)
    if len(trajectory) > 20 and np.any(sizes.min(axis=0) > 0):
        half = len(trajectory) // 2
        drift = np.abs(trajectory.volume.values[:half].mean() / trajectory.volume.values[half:].mean() - 1)
        if drift > 0.01:
            doubts.append(
                f"The volume of the first half is {100 * drift:.1f} % off that of the second: not in equilibrium, or a "
                "ramp; leave the beginning out with --start."
            )
    pieces = _cut_molecules(content) if "guess" in str(trajectory.inputs.get("bonds", "")) else []
    if pieces:
        doubts.append(
            f"Bonds were guessed, and molecules may have been cut: {', '.join(pieces)}. Give the bonds by --topology."
        )
    return doubts


def _cut_molecules(content: Mapping[str, int]) -> list[str]:
    """Rare molecules that are a common one without some of its atoms."""
    found = []
    for name, count in content.items():
        mine = Counter(dict(_composition(name)))
        for other, more in content.items():
            whole = Counter(dict(_composition(other)))
            if whole != mine and mine <= whole and whole.total() > 2 and mine.total() > 1 and count < _RARE * more:
                found.append(f"{count} {name} beside {more} {other}")
                break
    return found


@dataclass(frozen=True)
class _Part:
    """A section to be made."""

    title: str
    analyses: Callable[[], list[Analysis]]


def write_trajectory_report(
    trajectory: Trajectory, folder: str | Path, *, progress: Progress | None = None
) -> list[Path]:
    """Write one page (report.html) of what a trajectory supports, and the files of every analysis beside it.

    Parameters
    ----------
    trajectory:
        The trajectory.
    folder:
        Where to; made if absent.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        The files, the page first.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    out = output_folder(folder)
    description = describe(trajectory)
    sections, files = [], write_analysis(description, out)
    left_out: list[str] = []
    parts = list(_parts(trajectory, left_out))
    for number, part in enumerate(parts):
        if progress is not None:
            progress(part.title.lower(), number / len(parts))
        try:
            analyses = part.analyses()
        except CalorisError as error:
            left_out.append(f"{part.title}: {error}")
            continue
        sections.append(_section(part.title, analyses))
        for analysis in analyses:
            files += write_analysis(analysis, out)
    if left_out:
        sections.append(Section(title="Left out", items=left_out))
    return [_page(description, sections).write(out / "report.html"), *files]


def _parts(trajectory: Trajectory, left_out: list[str]) -> Iterator[_Part]:
    """What the trajectory supports."""
    from caloris.report.dynamics import density_of_states_analysis
    from caloris.report.structure import radial_analysis
    from caloris.report.transport import diffusion_analysis

    few = _thinned(trajectory)
    yield _Part("How far atoms go", lambda: [diffusion_analysis(few)])
    turning = [name for name in contents(trajectory) if sum(n for _, n in _composition(name)) > 1]
    if len(turning) > _KINDS:
        left_out.append(f"Reorientation of {', '.join(turning[_KINDS:])}: the rarer kinds of molecules.")
    for name in turning[:_KINDS]:
        yield _Part(f"How {name} turns", partial(_turning, few, name))
    if "velocity" not in trajectory.holds:
        left_out.append("Density of states: the file holds no velocities.")
    elif len(trajectory) > 1 and trajectory.timestep.value > _DENSE * (1 + 1e-9):
        left_out.append(
            f"Density of states: frames are {trajectory.timestep.value:g} ps apart; vibrations need 0.01 ps or less."
        )
    else:
        width = _finest_resolution(trajectory)
        yield _Part("How atoms vibrate", lambda: [density_of_states_analysis(trajectory, resolution=width)])
    yield _Part("Neighbours", lambda: [radial_analysis(few, longest=_half_cell(few))])
    yield _Part("What a neutron sees", lambda: _neutrons(few))


def _half_cell(trajectory: Trajectory) -> sc.Variable:
    """Ten angstrom, or half of the cell where it is smallest, beyond which images are counted."""
    cell = trajectory.cell.values
    faces = np.linalg.norm(np.cross(cell[:, [1, 2, 0]], cell[:, [2, 0, 1]]), axis=2)
    heights = np.abs(np.linalg.det(cell))[:, None] / np.maximum(faces, 1e-12)
    return sc.scalar(min(10.0, np.floor(20 * float(heights.min()) / 2) / 20 or 10.0), unit="angstrom")


def _finest_resolution(trajectory: Trajectory) -> sc.Variable:
    """One meV, or what leaves a few windows in a short run."""
    duration = float(trajectory.time.values[-1] - trajectory.time.values[0])
    return sc.scalar(max(1.0, float(f"{_WINDOWS / max(duration, 1e-9):.2g}")), unit="meV")


def _turning(trajectory: Trajectory, molecule: str) -> list[Analysis]:
    from caloris.report.orientation import reorientation_analysis

    found = reorientation_analysis(trajectory, molecule=molecule)
    return [replace(found, name=f"{found.name}-{molecule}")]


def _thinned(trajectory: Trajectory) -> Trajectory:
    every = int(np.ceil(len(trajectory) * len(trajectory.symbols) / _BUDGET))
    return trajectory.sample(every) if every > 1 and len(trajectory) // every > 200 else trajectory


def _neutrons(trajectory: Trajectory) -> list[Analysis]:
    from caloris.neutrons import scattering_lengths
    from caloris.report.scattering import incoherent_analyses

    lengths = scattering_lengths(trajectory.symbols, masses=trajectory.masses)
    barn = 4 * np.pi * lengths.of_atoms()[1].values ** 2
    symbols = np.array(trajectory.symbols)
    strength = {element: float(barn[symbols == element].sum()) for element in dict.fromkeys(trajectory.symbols)}
    strongest = max(strength, key=lambda element: strength[element])
    share = strength[strongest] / sum(strength.values()) if sum(strength.values()) else 0.0
    Q = sc.linspace("Q", 0.2, 3.0, 15, unit="1/angstrom")
    analyses = incoherent_analyses(trajectory, Q, atoms=strongest, temperature=_recorded(trajectory))
    words = f"Of {strongest} alone, {100 * share:.0f} % of the incoherent cross section."
    return [replace(analyses[0], words=[words, *analyses[0].words]), *analyses[1:]]


def _section(title: str, analyses: list[Analysis]) -> Section:
    figures = [
        picture(analysis.figure, f"{analysis.title}. Files: {analysis.name}.csv, .h5, .json")
        for analysis in analyses
        if analysis.figure is not None
    ]
    tables = [
        Table(("", "value"), [(name, value_and_error(value)) for name, value in analysis.numbers.items()])
        for analysis in analyses
        if analysis.numbers
    ]
    return Section(
        title=title,
        text=list(dict.fromkeys(words for analysis in analyses for words in analysis.words)),
        figures=figures,
        tables=tables,
        warning=list(dict.fromkeys(words for analysis in analyses for words in analysis.warnings)),
    )


def _page(description: Analysis, sections: list[Section]) -> Page:
    numbers: dict[str, Any] = dict(description.numbers)
    facts = [
        (value_and_error(numbers[name]), words)
        for name, words in (
            ("atoms", "atoms"),
            ("frames", "frames"),
            ("duration", "duration"),
            ("time between frames", "between frames"),
            ("density", "density"),
            ("temperature of the run", "temperature of the run"),
        )
        if name in numbers
    ]
    about = Section(
        title="What is in it",
        text=list(description.words),
        tables=[Table(("", "value"), [(name, value_and_error(value)) for name, value in numbers.items()])],
    )
    return Page(
        title=description.title,
        lead="What a trajectory says by itself, each curve with its error, its definition and what is to be doubted.",
        facts=facts,
        sections=[*sections, about],
        warning=list(description.warnings),
    )
