"""The command of published results: reproduce."""

from pathlib import Path
from typing import Annotated

import typer

from caloris.cli.application import JsonOption, OutOption, app, print_json, progress_bar
from caloris.errors import InputError
from caloris.files import write_json


@app.command()
def reproduce(
    results: Annotated[list[str] | None, typer.Argument(help="Keys of published results, or all.")] = None,
    table: Annotated[Path | None, typer.Option("--table", help="Write the comparison as a Markdown table.")] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the published results, or reproduce them and print paper and ours side by side."""
    from caloris.study import as_json as result_json
    from caloris.study import choose, write_table
    from caloris.study.registry import REPRODUCTIONS

    if not results:
        if table is not None or out is not None:
            raise InputError("--table, --out: say which results, for example 'caloris reproduce all --table FILE'")
        if as_json:
            return print_json({entry.key: entry.title for entry in REPRODUCTIONS})
        for entry in REPRODUCTIONS:
            missing = "" if entry.is_possible else f"; {entry.what_is_missing}"
            print(f"{entry.key:14s} {entry.title} ({entry.source}{missing})")
        return None
    chosen = choose(REPRODUCTIONS, results)
    done = []
    with progress_bar("reproduce", quiet=as_json) as advance:
        for number, entry in enumerate(chosen):
            advance(entry.title, number / len(chosen))
            done.append((entry, entry.compute()))
    found = {"results": [result_json(entry, rows) for entry, rows in done]}
    if out is not None:
        write_json(out / "reproduce.json", found)
    if table is not None:
        write_table(done, table, [entry for entry in REPRODUCTIONS if entry not in chosen])
    if as_json:
        return print_json(found)
    for entry, rows in done:
        print(f"\n{entry.title} ({entry.source})")
        for row in rows:
            what, paper, ours, difference, remark = row.cells()
            stated = paper if paper.startswith("check value") else f"paper {paper}"
            print(f"  {what}: {stated}, caloris {ours}{', ' + difference if difference else ''}")
            if remark:
                print(f"      {remark}")
    return None
