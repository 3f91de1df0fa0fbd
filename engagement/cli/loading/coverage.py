"""`engagement coverage`: which inputs there are, program by program, and what is missing."""

from engagement.cli.terminal import console
from engagement.cli.terminal.console import AsOf, Json, Program


def coverage(program: Program = None, as_of: AsOf = "", as_json: Json = False) -> None:
    """Show by program which inputs there are, since when, for whom each is not known, and what is missing."""
    from engagement.dates import local_day
    from engagement.views import coverage as inputs
    from engagement.views import named

    settings, store, now = console.start()
    with store.read() as db:
        only = named.program(db, program)
    rows = inputs.coverage(
        store,
        programs=None if only is None else [only],
        as_of=console.instant(as_of, settings, now),
        now=now,
    )
    if as_json:
        console.print_json(rows)
        return
    shown = [
        {
            **row,
            "unknown %": row["unknown_percent"],
            **{
                name: row[name] and local_day(row[name], settings.zone).isoformat()
                for name in ("since", "newest")
            },
        }
        for row in rows
    ]
    console.table("Inputs", ("program", "name", "learners", "unknown %", "since", "newest"), shown)
    if missing := inputs.missing(rows):
        console.table("What is missing", ("program", "name", "missing"), missing, longest=100)
