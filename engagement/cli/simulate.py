"""`engagement simulate`: what another policy would do."""

from pathlib import Path
from typing import Annotated

import typer

from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json, Program


def simulate(
    policy: Annotated[Path, typer.Argument(help="A TOML file with a [risk] table, as in a pipeline.")],
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of", help="A date (its end) or an ISO date and time; that of the scores if left out."
        ),
    ] = "",
    program: Program = None,
    as_json: Json = False,
) -> None:
    """Score everybody by other numbers and compare with those in use; nothing is written."""
    from engagement.dates import local_day
    from engagement.evaluation import what_if
    from engagement.jupyter import session
    from engagement.policy import RiskPolicy

    settings, store, now = console.start()
    at = session.known_instant(store, as_of, now=now)
    found = what_if.simulate(
        store,
        RiskPolicy.from_toml(policy),
        as_of=at,
        beside=session.policy_in_use(store, program or None),
        program=program or None,
        now=now,
        day=local_day(at, settings.zone),
    )
    tables = found.as_dict()
    if as_json:
        console.print_json(tables)
    else:
        console.screen().print(f"\n{found.in_words}\n", highlight=False)
        console.table("Learners by label", ("label", "now", "then", "change"), tables["workload"])
        moves = [row for row in tables["moves"] if row["label_now"] != row["label_then"]]
        console.table("Who would move", ("label_now", "label_then", "learners"), moves)
