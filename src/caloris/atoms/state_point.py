"""One point of a campaign of molecular dynamics: simulate, average, and ask the trajectory what one wants to know.

The parameters of the point are ``temperature`` and ``pressure`` (and ``history``, ``phase``, ``seed``); everything else
is in the settings: ``structure`` = {material, phase, repeat, seed} or {file, repeat}, ``force_field``, ``duration`` and
any other argument of :func:`caloris.atoms.simulate`, and ``analyses``, such as ["diffusion Li"] or
["reorientation B12H12"]. A structure file of your own is ``structure_file`` under ``[files]``, so that its content is
part of the key. A point with a predecessor starts from the last structure of it.
"""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.atoms.molecular_dynamics import simulate
from caloris.atoms.simulation import Simulation, read_final
from caloris.errors import InputError
from caloris.units import to_json

if TYPE_CHECKING:
    from ase import Atoms

_FOLDER = "md"
_OUTPUTS = (
    "specific_volume",
    "specific_enthalpy",
    "temperature",
    "pressure",
    "a",
    "b",
    "c",
    "alpha",
    "beta",
    "gamma",
)
_OWN = ("structure", "analyses")
_STRUCTURE = ("material", "phase", "file", "repeat", "seed", "hydrogen")
_SIMULATE = tuple(
    name
    for name, parameter in inspect.signature(simulate).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in ("folder", "progress")
)


def run_state_point(
    parameters: Mapping[str, Any],
    folder: Path,
    previous: Path | None,
    progress: Callable[[str, float], None],
) -> dict[str, Any]:
    """Run one point of a campaign.

    Parameters
    ----------
    parameters:
        Parameters of the point and settings of the campaign, together.
    folder:
        Where to work; what is there already is gone on with.
    previous:
        Folder of the finished point to go on from, if any.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        Averages and analyses as quantities {"value", "unit", "error"}.

    Raises
    ------
    InputError
        If a setting is wrong or unknown.
    """
    given = dict(parameters)
    given.pop("history", None)
    phase = given.pop("phase", None)
    analyses = [_analysis(text) for text in given.pop("analyses", [])]
    start = given.pop("structure", None)
    file = given.pop("structure_file", None)
    if file is not None:
        start = {**(start or {}), "file": file}
    if phase is not None and isinstance(start, Mapping):
        start = {**start, "phase": phase}
    field = given.pop("force_field", None)
    unknown = [name for name in given if name not in _SIMULATE]
    if unknown:
        known = ", ".join((*_OWN, "force_field", *_SIMULATE))
        raise InputError(f"settings: {unknown[0]!r} is not known; there are {known}")
    if previous is None:
        structure, default_field = build_structure(start)
    else:
        structure, default_field = read_final(previous / _FOLDER), _default_field(start)
    simulation = simulate(structure, field or default_field, folder=folder / _FOLDER, progress=progress, **given)
    outputs = {name: to_json(simulation.averages[name]) for name in _OUTPUTS if name in simulation.averages}
    outputs["equilibration"] = to_json(simulation.equilibration)
    outputs["cautions"] = list(simulation.cautions)
    for analyse, what in analyses:
        outputs.update(analyse(simulation, what))
    return outputs


def build_structure(settings: Mapping[str, Any] | None) -> "tuple[Atoms, Any]":
    """Build the structure that a campaign starts from.

    Parameters
    ----------
    settings:
        {material, phase, repeat, seed, hydrogen}, or {file, repeat, seed, hydrogen}; ``repeat`` may be a table with a
        supercell for each phase, ``seed`` is for the choice among disordered sites, ``hydrogen`` = "1H" or "2H" makes
        all of it that isotope (without it as the structure has it: those of NH4SCN are deuterated).

    Returns
    -------
    :
        The ordered supercell, what was done to order it in ``atoms.info["remarks"]``, and the force field of the
        material (None for a file).

    Raises
    ------
    InputError
        If a setting is missing or wrong.

    Examples
    --------
    >>> atoms, field = build_structure({"material": "NH4SCN", "phase": "monoclinic", "repeat": [5, 3, 2]})
    >>> len(atoms), field.name
    (960, 'NH4SCN')
    """
    from caloris.atoms.disorder import resolve_disorder
    from caloris.atoms.isotopes import deuterate, protonate
    from caloris.materials import load
    from caloris.materials.crystal import read_structure

    if not isinstance(settings, Mapping) or not ({"material", "file"} & set(settings)):
        raise InputError("structure: give {material, phase, repeat = [2, 2, 2]} or {file, repeat}")
    unknown = sorted(set(settings) - set(_STRUCTURE))
    if unknown:
        raise InputError(f"structure: {unknown[0]!r} is not known; there are {', '.join(_STRUCTURE)}")
    isotope = settings.get("hydrogen")
    if isotope not in (None, "1H", "2H"):
        raise InputError(f"structure: hydrogen must be '1H' or '2H', got {isotope!r}")
    repeat = settings.get("repeat", [1, 1, 1])
    if isinstance(repeat, Mapping):
        repeat = repeat.get(settings.get("phase"))
    if not isinstance(repeat, list | tuple) or len(repeat) != 3 or not all(type(n) is int and n > 0 for n in repeat):
        raise InputError(f"structure: repeat must be three whole numbers such as [2, 2, 2], got {repeat!r}")
    if "file" in settings:
        path = Path(str(settings["file"]))
        if not path.is_file():
            raise InputError(f"{path}: no such structure file; give its full path, or name it under [files]")
        cell, field = read_structure(path.name, path.parent), None
    else:
        card = load(str(settings["material"]))
        if "phase" not in settings:
            raise InputError(f"structure: phase is missing; {card.name} has {', '.join(card.phases)}")
        cell, field = card.structure(str(settings["phase"])), _default_field(settings)
    resolved = resolve_disorder(cell, repeat=tuple(repeat), seed=int(settings.get("seed", 1)))
    atoms = {None: lambda same: same, "1H": protonate, "2H": deuterate}[isotope](resolved.atoms)
    atoms.info["remarks"] = list(resolved.remarks)
    return atoms, field


def _default_field(settings: Mapping[str, Any] | None) -> Any:
    from caloris.materials import load

    card = load(str(settings["material"])) if settings and "material" in settings else None
    return card.force_field if card is not None and card.force_field_name else None


Analysis = Callable[[Simulation, str], dict[str, Any]]


def _analysis(text: str) -> tuple[Analysis, str]:
    kind, _, what = str(text).partition(" ")
    if kind not in _ANALYSES or not what.strip():
        raise InputError(f"analyses: {text!r} is not known; write for example {', '.join(_EXAMPLES)}")
    return _ANALYSES[kind], what.strip()


def _diffusion(simulation: Simulation, species: str) -> dict[str, Any]:
    from caloris.atoms.diffusion import diffusion_coefficient

    found = diffusion_coefficient(equilibrated(simulation), species)
    return {f"diffusion_{species}": to_json(found.value), f"diffusive_{species}": bool(found.diffusive)}


def _reorientation(simulation: Simulation, molecule: str) -> dict[str, Any]:
    from caloris.atoms.orientation.body_rotation import rotating_molecules
    from caloris.atoms.orientation.correlation import reorientation_rate

    trajectory = equilibrated(simulation)
    rate = reorientation_rate(trajectory, molecule=molecule).rate
    turning = rotating_molecules(trajectory, molecule)
    return {
        f"reorientation_rate_{molecule}": to_json(rate),
        f"rotating_{molecule}": {"value": turning.rotating / turning.total, "unit": "dimensionless", "error": None},
    }


def _vibrations(simulation: Simulation, what: str) -> dict[str, Any]:
    from caloris.atoms.vibrations import quantum_heat_capacity, vibrational_density_of_states, vibrational_entropy

    if what != "total":
        raise InputError(f"analyses: 'vibrations {what}' is not known; write 'vibrations total'")
    density = vibrational_density_of_states(simulation.trajectory)
    assert isinstance(density, sc.DataArray)  # a group only for partial densities
    temperature = simulation.averages["temperature"]
    T = f"{temperature.value} K"
    correction = quantum_heat_capacity(density, T, kind="correction")
    return {
        "heat_capacity_correction": to_json(correction.data),
        "vibrational_entropy": to_json(vibrational_entropy(density, T).data),
        "vibrations_caution": str(correction.coords["caution"].value),
    }


def equilibrated(simulation: Simulation) -> Any:
    """Return the frames of a simulation after its equilibration.

    Parameters
    ----------
    simulation:
        The simulation.

    Returns
    -------
    :
        Its trajectory without the frames that were left out of the averages.
    """
    trajectory = simulation.trajectory
    first = int(np.searchsorted(trajectory.time.values, trajectory.time.values[0] + simulation.equilibration.value))
    return trajectory.after(first) if first else trajectory


_ANALYSES: dict[str, Analysis] = {
    "diffusion": _diffusion,
    "reorientation": _reorientation,
    "vibrations": _vibrations,
}
_EXAMPLES = ("'diffusion Li'", "'reorientation B12H12'", "'vibrations total'")
