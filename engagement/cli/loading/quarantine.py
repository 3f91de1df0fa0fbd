"""`engagement quarantine`: the rows that were refused, for whoever can mend them."""

from typing import Annotated

import typer

from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json


def quarantine(
    load: Annotated[
        str | None, typer.Option("--load", metavar="ID", help="Of this load alone, such as L000012.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="With the rows as they stood: names, addresses and all.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many rows.")] = 100,
    as_json: Json = False,
) -> None:
    """List refused rows that are still kept: their line, id and every reason. What stood in them only with --raw."""
    from engagement.views import refused

    _, store, _ = console.start()
    columns = refused.WITH_TEXT if raw else refused.PLACE
    rows = [
        {name: row[name] for name in columns} for row in refused.refused_rows(store, load_id=load, most=limit)
    ]
    if not as_json:
        rows = [row | {"reasons": "; ".join(row["reasons"])} for row in rows]
    console.show_rows("Refused rows", [name for name in columns if name != "kind"], rows, as_json)
