"""The comparison library as a table and as files: published caloric materials, and one's own among them.

Reversible values and those of one direction stand in columns of their own, each with its condition.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from caloris.errors import InputError
from caloris.files import output_folder, versions, whole
from caloris.heat import CaloricEffect, TwoPhase, caloric_effect
from caloris.heat.ashby import AshbyPlot, overview
from caloris.materials import Material
from caloris.materials.comparison import Property, PublishedEffect, PublishedMaterial, add, published_materials
from caloris.units import Quantity, to_json

COLUMNS = ("material", "effect", "dS rev. (J/kg/K)", "dS one-branch", "dT (K)", "dT/dp (K/MPa)", "class")
FIELDS = (
    *("name", "title", "formula", "material_class", "effect", "sign", "driver", "remark"),
    *("property", "value", "unit", "uncertainty", "condition", "pressure", "field", "branch"),
    *("reversibility", "basis", "status", "source", "doi", "note"),
)


def compare(
    out: str | Path | None = None,
    mine: CaloricEffect | Material | str | Path | None = None,
    pressures: Sequence[Quantity] = (),
    add_card: str | Path | None = None,
    *,
    replace: bool = False,
    folder: str | Path | None = None,
) -> tuple[str, dict[str, Any]]:
    """Compare published caloric materials, with one's own among them.

    Parameters
    ----------
    out:
        Folder for ``ashby.png``, ``comparison.csv`` and ``comparison.json``; nothing is written if absent.
    mine:
        An effect, a material card, its name or its path.
    pressures:
        High pressures of one's own material, scalars.
    add_card:
        A card of published effects to copy into the user's folder first.
    replace:
        Whether it may replace one of the same name.
    folder:
        The user's folder; :func:`~caloris.materials.comparison.user_folder` if absent.

    Returns
    -------
    :
        The table as text, and the same as plain JSON values.

    Raises
    ------
    InputError
        If a card is wrong, a name is taken, there is a material without pressure or a pressure without material, or
        the folder cannot be written.

    Examples
    --------
    >>> text, found = compare(mine="NH4SCN", pressures=["100 MPa"])
    >>> found["mine"]["pressures"][0]["merits"]["reversible_relative_cooling_power"]["reversibility"]
    'reversible'
    """
    effect = _effect(mine)
    if effect is None and pressures:
        raise InputError("pressure: is that of your own material; say which, for example '--with NH4SCN'")
    if effect is not None and not pressures:
        raise InputError("pressures: give at least one for your own material, for example '--pressure \"100 MPa\"'")
    own = None if effect is None else _own_json(effect, pressures)
    place = None if out is None else output_folder(out)
    added = None if add_card is None else add(add_card, folder=folder, replace=replace)
    materials = published_materials(folder)
    found: dict[str, Any] = {"materials": {name: _card_json(card) for name, card in materials.items()}, "mine": own}
    lines = [] if added is None else [f"Added: {added}", ""]
    lines += _table(materials)
    lines += [
        "",
        "rev.: the paper calls it reversible; one-branch: one direction only; ?: nobody says; *: theory.",
        "The largest published value of each kind. All values with their sources: --out or --json.",
    ]
    if effect is not None:
        lines += ["", *_own_lines(effect, pressures)]
    if added is not None:
        found["added"] = str(added)
    if place is not None:
        plot = overview(materials, mine=effect, pressures=pressures)
        found["files"] = [str(path) for path in _write(place, materials, found, plot)]
        lines += ["", "Files: " + ", ".join(found["files"])]
    return "\n".join(lines), found


def _effect(mine: CaloricEffect | Material | str | Path | None) -> CaloricEffect | None:
    if mine is None or isinstance(mine, CaloricEffect):
        return mine
    from caloris.materials import as_card

    return caloric_effect(as_card(mine))


def _write(
    folder: Path, materials: Mapping[str, PublishedMaterial], found: Mapping[str, Any], plot: AshbyPlot
) -> list[Path]:
    paths = [folder / name for name in ("ashby.png", "comparison.csv", "comparison.json")]
    with whole(paths[0]) as temporary:
        plot.figure.savefig(temporary, dpi=150)
    with whole(paths[1]) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for card in materials.values():
            for entry in card.effects:
                source = card.sources[entry.source]
                row = card.model_dump() | entry.model_dump() | {"source": source.citation, "doi": source.doi}
                writer.writerow(row)
    result = {**found, "ashby": _plot_json(plot), "versions": versions()}
    with whole(paths[2]) as temporary:
        temporary.write_text(json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return paths


def _card_json(card: PublishedMaterial) -> dict[str, Any]:
    return card.model_dump(mode="json", by_alias=True, exclude_none=True)


def _plot_json(plot: AshbyPlot) -> dict[str, Any]:
    return {
        "caption": plot.caption,
        "left_out": {key: dict(panel.left_out) for key, panel in plot.panels.items()},
    }


def _own_json(effect: CaloricEffect, pressures: Sequence[Quantity]) -> dict[str, Any]:
    rows = []
    for pressure in pressures:
        merits = {
            name: {**to_json(merit.value), "definition": merit.definition, "reversibility": merit.reversibility}
            for name, merit in effect.merits(pressure).items()
        }
        words = pressure if isinstance(pressure, str) else f"{pressure.value:g} {pressure.unit}"
        rows.append({"pressure": words, "merits": merits, "warnings": effect.warnings(pressure)})
    return {"material": effect.name, "inverse": effect.surfaces.is_inverse, "pressures": rows}


def _own_lines(effect: CaloricEffect, pressures: Sequence[Quantity]) -> list[str]:
    lines = [f"Yours: {effect.name}, {'inverse' if effect.surfaces.is_inverse else 'conventional'} barocaloric"]
    if isinstance(effect.surfaces, TwoPhase):
        lines.append("  (a card's transition is as sharp as its single temperature; a real one gives less reversibly)")
    for row in _own_json(effect, pressures)["pressures"]:
        lines.append(f"  {row['pressure']}")
        for name, unit in (
            ("entropy_change", "J/kg/K"),
            ("temperature_change", "K"),
            ("relative_cooling_power", "J/kg"),
        ):
            if name not in row["merits"]:
                continue  # no temperature change without a heat capacity
            one, cycle = row["merits"][name], row["merits"][f"reversible_{name}"]
            values = f"{one['value']:.4g} {one['reversibility']}, {cycle['value']:.4g} {cycle['reversibility']}"
            lines.append(f"    {name.replace('_', ' '):24s} {values} ({unit})")
        lines += [f"    warning: {line}" for line in row["warnings"]]
    return lines


def _table(materials: Mapping[str, PublishedMaterial]) -> list[str]:
    order = sorted(materials.values(), key=lambda card: (card.effect, card.material_class, card.name))
    rows = [COLUMNS, *(_row(card) for card in order)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(card: PublishedMaterial) -> tuple[str, ...]:
    entropy = Property.ISOTHERMAL_ENTROPY_CHANGE
    change = card.best(Property.ADIABATIC_TEMPERATURE_CHANGE)
    kind = {"reversible": " rev.", "one-branch": " one-branch", "not stated": " ?", None: ""}
    return (
        card.short,
        (card.sign or "sign ?") + ("" if card.effect == "barocaloric" else ", magnetic"),
        _cell(card.best(entropy, reversibility="reversible")),
        _cell(card.best(entropy, reversibility="one-branch")),
        _cell(change) + ("" if change is None else kind[change.reversibility]),
        _cell(card.best(Property.TRANSITION_SLOPE)),
        card.material_class,
    )


def _cell(entry: PublishedEffect | None) -> str:
    if entry is None:
        return ""
    drive = entry.pressure or entry.field
    return f"{entry.value:g}" + ("*" if entry.basis == "theory" else "") + (f" at {drive}" if drive else "")
