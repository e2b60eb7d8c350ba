"""Sections of reports that hold for any material: a cycle, its account, the caloric effect, the card."""

import scipp as sc

from caloris.heat import CaloricEffect, Cycle
from caloris.heat.figures import phase_diagram_figure
from caloris.materials import Material, Value, check
from caloris.report.page import Section, Table, picture, shown


def cycle_section(cycle: Cycle, effect: CaloricEffect) -> Section:
    """Charge, store, discharge: the protocol, the curves, the path and the phase front."""
    figures = [
        picture(cycle.plot(), "Heat flow into the material, pressure, temperatures and charged fraction."),
        picture(phase_diagram_figure(effect, cycle), _diagram_caption(cycle)),
    ]
    for stage in ("charge", "discharge"):
        if any(step.stage == stage for step in cycle.accounted):
            figures.append(picture(cycle.film_strip(stage), f"The phase front in the pellet during {stage}."))
    rows = [
        (step.words, step.stage, *(sc.scalar(v / 1e3, unit="J/g") for v in (step.heat, step.work)), step.fraction)
        for step in cycle.steps
    ]
    columns = ("step", "stage", "heat in", "work in", "charged fraction at its end")
    wall = cycle.inputs["geometry"]["wall"]
    place = "on a thermostat" if wall == "0 mm" else f"in a die of {cycle.inputs['die']['name']} with a wall of {wall}"
    return Section(
        title="Charge, store, discharge",
        text=[
            f"A pellet of {shown(cycle.mass, 3)} {place}; axisymmetric finite elements. Transition: "
            f"{cycle.inputs['transition_description']}. Energy, heat and work balance to "
            f"{cycle.first_law_residual:.0e} of the latent heat."
        ],
        figures=figures,
        tables=[Table(columns, rows, note="Per gram of material; heat is counted at the surface of the pellet.")],
    )


def _diagram_caption(cycle: Cycle) -> str:
    if cycle.inputs["transition"] == "paper":
        return "The cycle in the phase diagram, with the boundary of eq. 12: a function of state, without hysteresis."
    charging, discharging = ("heating", "cooling") if cycle.scalars["inverse"] else ("cooling", "heating")
    if not cycle.scalars["inverse"]:
        return "The cycle in the phase diagram. Pressing crosses the cooling branch, releasing the heating branch."
    return (
        f"The cycle in the phase diagram. Charging crosses the {charging} branch, discharging the {discharging} "
        "branch; between them either phase can last."
    )


def account_section(cycle: Cycle, *remarks: str) -> Section:
    """Where heat and work go, and the efficiencies with their definitions."""
    words = {
        "charged": "absorbed while charging",
        "lost": "left during storage, sensible and latent",
        "lost_latent": "of that, from the phase change (self-discharge)",
        "stored": "latent heat held at the moment of release",
        "discharged": "given off from the beginning of the discharge on",
        "returned": "absorbed after the wall was changed again, on the way back",
        "reheat": "still needed at the end to bring the material back to its start",
    }
    heat_rows = [(name.replace("_", " "), getattr(cycle.heat, name), text) for name, text in words.items()]
    work_words = {
        "input": "-∫ p dV in the stages that take work",
        "output": "given back in the stages that give work",
        "net": "over the cycle; negative is a heat engine",
        "elastic": "of the input, compresses or stretches the phases without transforming them",
        "dissipated": "turned into heat by the hysteresis, at the expense of work and of the fall in temperature",
    }
    work_rows = [(name, getattr(cycle.work, name), text) for name, text in work_words.items()]
    rows = [(name.replace("_", " "), e.value, e.definition) for name, e in cycle.efficiencies.items()]
    return Section(
        title="The account, and what efficiency means",
        text=[
            "Each ratio below answers another question; none of them is wrong, and they are not interchangeable.",
            *remarks,
        ],
        tables=[
            Table(("heat", "value", "what it is"), heat_rows),
            Table(("work", "value", "what it is"), work_rows),
            Table(("efficiency", "value", "definition"), rows),
        ],
    )


def effect_section(effect: CaloricEffect, pressures: tuple[str, ...]) -> Section:
    """Caloric effect and figures of merit."""
    merits = effect.merits(pressures[-1])
    rows = [(m.name.replace("_", " "), m.value, m.reversibility, m.definition) for m in merits.values()]
    rows.append(
        (
            "pressure for a reversible cycle",
            effect.reversible_pressure(),
            "reversible",
            "pressure change at which the branches overlap: hysteresis / |dT/dp| for straight branches",
        )
    )
    return Section(
        title="The caloric effect",
        text=[
            "Entropy and temperature change on compression follow one branch of the hysteresis. What a cycle can use "
            "again and again lies between both branches."
        ],
        figures=[
            picture(
                effect.plot(pressures),
                "Entropy and temperature change from the reference pressure; lines are one-branch values, the filled "
                "area is reversible. Transitions are as sharp as the card's single temperatures.",
            )
        ],
        tables=[Table((f"figure of merit at {pressures[-1]}", "value", "", "definition"), rows)],
    )


def card_section(material: Material) -> Section:
    """Every value of the card with status and source, and the check of their consistency."""
    rows = [
        (field.split(".", 1)[1].replace(".", ": ").replace("_", " "), str(v), str(v.status), _where(v))
        for field, v in material.values()
    ]
    findings = [
        (
            f.quantity,
            f.stated,
            f.implied,
            f"{100 * f.difference:+.1f} %",
            "agrees" if f.agrees else "disagrees",
            f.remark,
        )
        for f in check(material)
    ]
    return Section(
        title="The material card",
        tables=[
            Table(("value", "", "status", "source, condition, note"), rows),
            Table(("consistency", "stated", "implied", "difference", "", "remark"), findings),
        ],
    )


def sources_section(material: Material) -> Section:
    """The sources of the card."""
    items = [f"{key}: {source}" for key, source in material.sources.items()]
    return Section(title="Sources", items=items)


def _where(value: Value) -> str:
    return "; ".join(part for part in (value.source, value.condition, value.note) if part)
