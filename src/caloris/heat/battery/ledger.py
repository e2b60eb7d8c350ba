"""The account of a cycle: heat charged, stored, lost and discharged, work, and efficiencies by definition.

All numbers are per mass of the caloric material. Heat is counted at the surface of the pellet, so that the die's
own heat capacity does not enter (a calorimeter subtracts it as the run of the empty cell).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import scipp as sc

from caloris.heat.battery.protocol import Protocol, Step

Stage = Literal["before", "charge", "storage", "discharge", "return"]
LEAST_CHARGE = 0.01
"""Heat charged below this part of the heat discharged counts as nothing."""
AMBIENT = 298.15
"""Reference temperature of exergy, K (25 degrees C)."""


@dataclass(frozen=True, repr=False)
class StepAccount:
    """What one step of a protocol did, per kg of material."""

    words: str
    stage: Stage
    cycle: int
    """Number of the charge-discharge cycle that it belongs to; -1 before the first."""
    start: float
    """s."""
    end: float
    """s."""
    heat: float
    """Heat into the pellet, J/kg."""
    work: float
    """Work on the pellet, J/kg."""
    latent: float
    """Enthalpy that went into the phase change, J/kg."""
    dissipation: float
    """J/kg."""
    rows: tuple[int, int]
    """First and last time step that belong to it."""
    exergy: float
    """int (1 - T0/T_wall) dQ, J/kg."""
    fraction: float
    """Fraction of the high phase at the end."""
    elastic_work: float
    """Part of the work that stretches the phases without transforming them, J/kg."""

    @property
    def row_before(self) -> int:
        """The time step at whose end the step begins."""
        return max(self.rows[0] - 1, 0)

    def __repr__(self) -> str:
        return (
            f"<{self.words}: {self.stage}, {self.start:g} to {self.end:g} s, heat in {self.heat / 1e3:.4g} J/g, "
            f"work in {self.work / 1e3:.4g} J/g, charged fraction {self.fraction:.4g}>"
        )

    def quantities(self) -> dict[str, object]:
        """Return the account with units.

        Returns
        -------
        :
            By field: energies in J/g, times in s, words and numbers as they are.
        """
        energies = ("heat", "work", "elastic_work", "latent", "dissipation", "exergy")
        return {
            "words": self.words,
            "stage": self.stage,
            "cycle": self.cycle,
            "start": sc.scalar(self.start, unit="s"),
            "end": sc.scalar(self.end, unit="s"),
            **{name: _per_gram(getattr(self, name)) for name in energies},
            "fraction": sc.scalar(self.fraction),
        }


@dataclass(frozen=True)
class Heat:
    """The heat of a cycle, in J/g of material; see :func:`heat_account`."""

    charged: sc.Variable
    """Net heat absorbed from the beginning of the charge until the wall is cooled or the discharge begins."""
    lost: sc.Variable
    """Net heat that left between charging and release."""
    lost_latent: sc.Variable
    """Part of ``lost`` that came from a phase change: self-discharge."""
    stored: sc.Variable
    """Latent heat still held in the transformed phase at the moment of release."""
    discharged: sc.Variable
    """Net heat given off from the beginning of the discharge until the wall is changed or the cycle ends."""
    returned: sc.Variable
    """Net heat absorbed after the wall is changed again, on the way back to the start."""
    reheat: sc.Variable
    """Heat still needed at the end of the cycle to bring the material back to where it started."""


@dataclass(frozen=True)
class Work:
    """The work of a cycle, in J/g of material: -int p dV on the pellet."""

    input: sc.Variable
    """Work done on the material in the stages that take work."""
    output: sc.Variable
    """Work given back in the stages that give work."""
    net: sc.Variable
    """Work done on the material over the cycle; negative if it is a heat engine."""
    elastic: sc.Variable
    """Part of ``input`` that compresses or stretches the phases without transforming them."""
    dissipated: sc.Variable
    """Heat made from the driving force by the hysteresis."""


@dataclass(frozen=True)
class Efficiency:
    """A ratio with its definition."""

    value: float
    definition: str

    def __str__(self) -> str:
        return f"{self.value:.4g} ({self.definition})"


def stages(protocol: Protocol, *, inverse: bool = True) -> list[Stage]:
    """Assign every step to a stage.

    An inverse material is charged by pressing and discharged by releasing, a conventional one the other way. Holds
    belong to what came before them. Heating after the charge still belongs to it; cooling begins the storage, and any
    change of the wall after a discharge is the way back.

    Parameters
    ----------
    protocol:
        The protocol.
    inverse:
        Whether pressure favours the high-temperature phase.

    Returns
    -------
    :
        One stage per step.
    """
    charging, discharging = ("press", "release") if inverse else ("release", "press")
    stage: Stage = "before"
    found: list[Stage] = []
    for step in protocol.steps:
        if step.kind == charging:
            stage = "charge"
        elif step.kind == discharging:
            stage = "discharge"
        elif step.kind == "cool" and stage == "charge":
            stage = "storage"
        elif step.kind in ("heat", "cool") and stage == "discharge":
            stage = "return"
        found.append(stage)
    return found


def cycle_numbers(assigned: Sequence[Stage]) -> list[int]:
    """Number the charge-discharge cycles of a protocol.

    Parameters
    ----------
    assigned:
        The stage of every step.

    Returns
    -------
    :
        For every step the number of its cycle from 0 on; -1 before the first.

    Examples
    --------
    >>> cycle_numbers(["before", "charge", "storage", "discharge", "return", "charge", "discharge"])
    [-1, 0, 0, 0, 0, 1, 1]
    """
    found = _numbered(assigned, opening="charge")
    paired = any(n >= 0 and stage == "discharge" for n, stage in zip(found, assigned, strict=True))
    # without a charge that is discharged later, a discharge opens the cycle
    return found if paired or "discharge" not in assigned else _numbered(assigned, opening="discharge")


def _numbered(assigned: Sequence[Stage], opening: Stage) -> list[int]:
    """Count a new cycle at every stage of the opening kind that follows one of the other kind, or is the first."""
    closing = "discharge" if opening == "charge" else "charge"
    number, closed = -1, True
    found = []
    for stage in assigned:
        if stage == opening and closed:
            number, closed = number + 1, False
        elif stage == closing and number >= 0:
            closed = True
        found.append(number)
    return found


def accounted_cycle(assigned: Sequence[Stage]) -> int:
    """Return the number of the cycle that is accounted: the last one with a discharge, or the last.

    Parameters
    ----------
    assigned:
        The stage of every step.

    Returns
    -------
    :
        Its number, see :func:`cycle_numbers`.

    Examples
    --------
    >>> accounted_cycle(["charge", "discharge", "return", "charge"])
    0
    """
    numbers = cycle_numbers(assigned)
    with_discharge = [n for n, stage in zip(numbers, assigned, strict=True) if stage == "discharge"]
    return max(with_discharge or numbers)


def heat_account(accounts: Sequence[StepAccount], enthalpy_left: float, latent_before_release: float) -> Heat:
    """Sum the heat of a cycle by stage.

    Parameters
    ----------
    accounts:
        Of every step of the cycle.
    enthalpy_left:
        Enthalpy at the beginning of the cycle minus at its end, J/kg.
    latent_before_release:
        Enthalpy of the transformed phase at the moment of release, J/kg.

    Returns
    -------
    :
        The account in J/g.
    """

    def total(stage: Stage, what: str) -> float:
        return float(sum(getattr(a, what) for a in accounts if a.stage == stage))

    return Heat(
        charged=_per_gram(total("charge", "heat")),
        lost=_per_gram(-total("storage", "heat")),
        lost_latent=_per_gram(-total("storage", "latent")),
        stored=_per_gram(latent_before_release),
        discharged=_per_gram(-total("discharge", "heat")),
        returned=_per_gram(total("return", "heat")),
        reheat=_per_gram(enthalpy_left),
    )


def work_account(accounts: Sequence[StepAccount]) -> Work:
    """Sum the work of a cycle by stage.

    Parameters
    ----------
    accounts:
        Of every step of the cycle.

    Returns
    -------
    :
        The account in J/g. A stage that takes work in all counts as input, one that gives work as output.
    """
    by_stage = {stage: sum(a.work for a in accounts if a.stage == stage) for stage in get_args(Stage)}
    taking = [stage for stage, work in by_stage.items() if work > 0]
    return Work(
        input=_per_gram(sum(by_stage[stage] for stage in taking)),
        output=_per_gram(-sum(work for work in by_stage.values() if work < 0)),
        net=_per_gram(sum(by_stage.values())),
        elastic=_per_gram(sum(a.elastic_work for a in accounts if a.stage in taking)),
        dissipated=_per_gram(sum(a.dissipation for a in accounts)),
    )


def efficiencies(
    heat: Heat,
    work: Work,
    accounts: Sequence[StepAccount],
    *,
    pressure_volume: float,
    reheat_exergy: float,
    published_work: float | None = None,
) -> dict[str, Efficiency]:
    """Return the efficiencies of a cycle, each with its definition.

    Parameters
    ----------
    heat, work:
        Accounts of the cycle.
    accounts:
        Of every step.
    pressure_volume:
        (p_high - p_low) |dV|, J/kg: the work of the whole pressure step over the whole volume change.
    reheat_exergy:
        Exergy of the heat ``reheat`` that brings the material back to its start, J/kg.
    published_work:
        Work that the source of the card states for the material, J/g.

    Returns
    -------
    :
        Ratios by name; none where (next to) nothing was charged. One whose denominator is not above 0 is left out,
        and so are those with ``published_work`` where none is stated.
    """
    out, into = float(heat.discharged.value), float(heat.charged.value)
    back, W_in, W_net = (float(v.value) for v in (heat.returned + heat.reheat, work.input, work.net))
    found: dict[str, Efficiency] = {}

    def add(name: str, over: float, under: float, definition: str) -> None:
        if under > 1e-9:
            found[name] = Efficiency(over / under, definition)

    if into <= LEAST_CHARGE * abs(out):  # nothing was charged: a ratio would only mislead
        return found

    add("heat_recovery", out, into, "heat discharged / heat charged; ignores work and sensible heat")
    add("heat_per_work", out, W_in, "heat discharged / work input of this cycle (-int p dV)")
    step_work = pressure_volume / 1e3
    add("heat_per_step_work", out, step_work, "heat discharged / (p_high - p_low) |dV|")
    if published_work is not None:
        stated = f"{published_work:g} J/g, the work that the card's source states"
        add("heat_per_published_work", out, published_work, f"heat discharged / {stated}")
        definition = f"heat discharged / (heat discharged + {stated}); ignores sensible heat and heat charged"
        add("published_efficiency", out, out + published_work, definition)
    add(
        "cycle_efficiency",
        out,
        into + W_in,
        "heat discharged / (heat charged + work input); ignores sensible heat",
    )
    add(
        "round_trip",
        out,
        into + max(back, 0.0) + max(W_net, 0.0),
        "heat discharged / (heat charged + heat to return to the start + net work, if positive), "
        "the sensible heat shed on cooling not recovered",
    )
    exergy_out = -sum(a.exergy for a in accounts if a.stage == "discharge") / 1e3
    exergy_in = sum(a.exergy for a in accounts if a.stage == "charge") / 1e3 + W_in
    return_exergy = (reheat_exergy + sum(a.exergy for a in accounts if a.stage == "return")) / 1e3
    note = f"T0 = {AMBIENT:g} K; negative where heat is delivered below T0"
    add("exergy", exergy_out, exergy_in, f"exergy discharged / (exergy charged + work input), {note}")
    add(
        "exergy_round_trip",
        exergy_out,
        exergy_in + max(return_exergy, 0.0),
        f"the same with the exergy of the heat to return to the start in the denominator, {note}",
    )
    return found


def step_account(
    step: Step, stage: Stage, cycle: int, rows: np.ndarray, columns: dict[str, np.ndarray], mass: float
) -> StepAccount:
    """Sum the time steps of one protocol step.

    Parameters
    ----------
    step:
        The protocol step.
    stage, cycle:
        What it belongs to.
    rows:
        The time steps that belong to it, at least one.
    columns:
        All time steps by the names of ``Cycle.columns``: J, s, K.
    mass:
        Of the pellet, kg.

    Returns
    -------
    :
        The account, J/kg.
    """
    columns = {name: values[rows] for name, values in columns.items()}
    return StepAccount(
        words=step.words,
        stage=stage,
        cycle=cycle,
        rows=(int(rows[0]), int(rows[-1])),
        start=float(columns["time"][0] - columns["duration"][0]),
        end=float(columns["time"][-1]),
        heat=float(columns["pellet_heat"].sum()) / mass,
        work=float(columns["work"].sum()) / mass,
        latent=float(columns["latent"].sum()) / mass,
        dissipation=float(columns["dissipation"].sum()) / mass,
        exergy=float((columns["pellet_heat"] * (1 - AMBIENT / columns["wall"])).sum()) / mass,
        fraction=float(columns["fraction"][-1]),
        elastic_work=float(columns["elastic_work"].sum()) / mass,
    )


def _per_gram(joule_per_kilogram: float) -> sc.Variable:
    return sc.scalar(round(joule_per_kilogram / 1e3, 12) + 0.0, unit="J/g")  # no negative zero, no rounding noise
