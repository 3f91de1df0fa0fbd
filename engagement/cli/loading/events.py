"""`engagement events`: what is known of events, which types there are, and the facts that are derived from them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from engagement.cli.loading import load
from engagement.cli.terminal import console
from engagement.cli.terminal.console import AsOf, Json
from engagement.errors import InvalidInput

if TYPE_CHECKING:
    from engagement.settings import Settings


def events(
    types: Annotated[bool, typer.Option("--types", help="List the types that the product knows.")] = False,
    derive: Annotated[
        bool, typer.Option("--derive", help="Make facts of the events, and load them as of a day.")
    ] = False,
    as_of: AsOf = "",
    since: Annotated[
        str, typer.Option(metavar="DATE", help="With --derive: also of earlier days, from this one on.")
    ] = "",
    every: Annotated[
        int | None,
        typer.Option(min=1, metavar="DAYS", help="With --since: how many days apart; 7 if left out."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --derive: say what would change; change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the events that are known by type; make facts of them (last login, mean score, missed sessions)."""
    settings, store, now = console.start()
    if not derive and (as_of or since or dry_run):
        raise InvalidInput("--as-of, --since and --dry-run say something only with `--derive`")
    if every and not since:
        raise InvalidInput("--every says something only with `--since`")
    if types:
        from engagement.ingest.event_types import TYPES

        known = [{"type": each.name, "means": each.meaning, "feeds": list(each.feeds)} for each in TYPES]
        rows = known if as_json else [{**each, "feeds": ", ".join(each["feeds"])} for each in known]
        console.show_rows("Types of events", ["type", "means", "feeds"], rows, as_json)
        return
    if not derive:
        from engagement.views import coverage

        rows = coverage.events_by_type(store)
        if not as_json:
            rows = [{**each, "feeds": ", ".join(each["feeds"])} for each in rows]
        console.show_rows("Events", ["type", "events", "learners", "first", "newest", "feeds"], rows, as_json)
        return
    from engagement.ingest import derived_facts

    days = list(_days(as_of, since, every or 7, settings, now))
    loads: list[load.OneLoad] = [
        ("learners", partial(derived_facts.derive, as_of=day, loaded_at=now)) for day in days
    ]
    load.carry_out(store, loads, dry_run=dry_run, now=now, as_json=as_json)


def _days(as_of: str, since: str, every: int, settings: "Settings", now: datetime) -> Iterator[datetime]:
    """Yield the instants for which facts are made, the earliest first; the last is that of `as_of`, or now."""
    from engagement.dates import end_of_day, local_day

    last = min(console.instant(as_of, settings, now), now) if as_of else now
    if since:
        first = console.instant(since, settings, now)
        if first > last:
            raise InvalidInput(f"--since {since[:40]!r} lies after the last day")
        day = local_day(first, settings.zone)
        while (instant := end_of_day(day, settings.zone)) < last:
            yield instant
            day += timedelta(days=every)
    yield last
