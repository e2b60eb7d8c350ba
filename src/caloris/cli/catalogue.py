"""Commands of the catalogue: materials, compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caloris.cli.application import JsonOption, OutOption, app, print_json
from caloris.files import write_json

if TYPE_CHECKING:
    from caloris.materials import Material


@app.command()
def materials(
    material: Annotated[str | None, typer.Argument(help="Name of a card, or the path of your own.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Test the card's inner consistency.")] = False,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the material cards, or show one with status and source of every value."""
    from caloris.materials import available, load

    if out is not None:
        write_json(out / "materials.json", _materials_json(material, check))
    if material is None:
        cards = {name: load(name) for name in available()}
        if as_json:
            return print_json(_materials_json(None, check))
        if check:
            for card in cards.values():
                _show_check(card)
            return None
        for name, card in cards.items():
            print(f"{name:14s} {card.title}")
        return None
    card = load(material)
    if as_json:
        return print_json(_materials_json(material, check))
    return _show_check(card) if check else _show_card(card)


@app.command()
def compare(
    mine: Annotated[str | None, typer.Option("--with", help="Your own material: a card, its name or its path.")] = None,
    pressure: Annotated[
        list[str] | None, typer.Option("--pressure", help="Its high pressure, for example '100 MPa'; repeatable.")
    ] = None,
    add: Annotated[
        Path | None, typer.Option("--add", help="Card of published effects to put into your own library first.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Let --add replace a card of the same name.")] = False,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare published caloric materials, with your own among them."""
    from caloris.report.compare import compare as compare_materials

    text, found = compare_materials(out, mine, pressure or (), add, replace=replace)
    if as_json:
        return print_json(found)
    print(text)
    return None


def _show_card(card: "Material") -> None:
    print(f"{card.name}: {card.title}")
    for line in card.warnings:
        print(f"  warning: {line}")
    sections = (("phase", card.phases), ("transition", card.transitions), ("published", card.published))
    for section, entries in sections:
        for key, entry in entries.items():
            label = getattr(entry, "label", "") or getattr(entry, "what", "")
            print(f"\n{section} {key}" + (f" ({label})" if label else ""))
            if structure := getattr(entry, "structure", ""):
                print(f"  {'structure':22s} {structure}")
            for field in type(entry).model_fields:
                value = getattr(entry, field)
                if hasattr(value, "status"):
                    extra = "; ".join(part for part in (value.condition, value.note) if part)
                    print(
                        f"  {field:22s} {value!s:28s} {value.status:10s} {value.source}"
                        + (f" ({extra})" if extra else "")
                    )
    print("\nsources")
    for key, source in card.sources.items():
        print(f"  {key}: {source}")


def _show_check(card: "Material") -> None:
    from caloris.materials import check, implausible, unchecked

    print(card.name)
    findings, missing = check(card), unchecked(card)
    for line in implausible(card):
        print(f"  IMPLAUSIBLE {line}")
    for f in findings:
        verdict = "agrees" if f.agrees else "DISAGREES"
        print(
            f"  {verdict:9s} {f.quantity}: stated {f.stated.value:.4g}, implied {f.implied.value:.4g} "
            f"{f.stated.unit} ({100 * f.difference:+.1f} %)"
        )
        if f.remark:
            print(f"            {f.remark}")
    for line in missing:
        print(f"  not checked: {line}")
    against = sum(not f.agrees for f in findings)
    print(f"  {len(findings)} comparisons made, {against} disagree, {len(missing)} not possible")


def _materials_json(material: str | None, check: bool) -> dict[str, Any]:
    from caloris.materials import available, load

    if material is not None:
        card = load(material)
        return _check_json(card) if check else card.model_dump(mode="json", by_alias=True)
    cards = {name: load(name) for name in available()}
    return {"materials": {name: _check_json(card) if check else card.title for name, card in cards.items()}}


def _check_json(card: "Material") -> dict[str, Any]:
    from caloris.materials import check, implausible, unchecked
    from caloris.units import to_json

    rows = [{key: to_json(value) for key, value in vars(finding).items()} for finding in check(card)]
    return {
        "material": card.name,
        "implausible": implausible(card),
        "findings": rows,
        "unchecked": unchecked(card),
    }
