"""The result files and the report of one battery run."""

import json
from pathlib import Path

from caloris.files import output_folder, whole
from caloris.heat import Battery, Cycle, caloric_effect
from caloris.report.page import Page, Section, shown
from caloris.report.sections import account_section, card_section, cycle_section, sources_section


def write_battery(battery: Battery, cycle: Cycle, folder: str | Path) -> list[Path]:
    """Write ``cycle.h5``, ``cycle.csv``, ``cycle.json``, ``cycle.png`` and ``report.html`` of a run.

    Parameters
    ----------
    battery, cycle:
        What was run and its result.
    folder:
        Where to; made if absent.

    Returns
    -------
    :
        The files.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    out = output_folder(folder)
    card = battery.card
    effect = caloric_effect(card, battery.card_transition, **battery.overrides)
    files = [cycle.save(out / "cycle.h5"), cycle.save_csv(out / "cycle.csv"), out / "cycle.json"]
    with whole(out / "cycle.json") as temporary:
        temporary.write_text(json.dumps(cycle.to_json(), indent=1), encoding="utf-8")
    page = Page(
        title=f"{card.name}: a thermal battery run",
        lead=" → ".join(cycle.protocol.words),
        facts=[
            (shown(cycle.heat.charged, 3), "heat charged"),
            (shown(cycle.heat.lost, 3), "heat lost in storage"),
            (shown(cycle.heat.discharged, 3), "heat discharged"),
            (shown(cycle.work.input, 3), "work put in"),
        ],
        warning=[*card.warnings, *cycle.warnings],
        sections=[
            cycle_section(cycle, effect),
            account_section(cycle),
            card_section(card),
            Section(title="What rests on an estimate or a guess", items=cycle.assumptions),
            sources_section(card),
        ],
    )
    return [*files, page.write(out / "report.html"), _write_figure(cycle, out / "cycle.png")]


def _write_figure(cycle: Cycle, path: Path) -> Path:
    with whole(path) as temporary:
        cycle.plot().savefig(temporary, dpi=150)
    return path
