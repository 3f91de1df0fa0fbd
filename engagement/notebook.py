"""What a notebook begins with: the store of this process, and the run its rows belong to."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from engagement import runs, store
from engagement.instants import local_day, parse_as_of
from engagement.runs import Run
from engagement.settings import read_settings
from engagement.store import Store


def open_store() -> Store:
    """Return the store that the settings name."""
    return store.open_store(read_settings().store)


def zone() -> ZoneInfo:
    """Return the time zone in which a date begins and ends."""
    return read_settings().zone


def instant(as_of: str) -> datetime:
    """Return the instant (naive UTC) that a date or an ISO date and time means here."""
    return parse_as_of(as_of, zone())


def open_run(store: Store, *, run_id: str, as_of: str) -> Run:
    """Return the run a pipeline gave this notebook; without one, a scratch run that is never published.

    So a notebook opened by hand in JupyterLab can be run cell by cell and changes nothing that others see.
    """
    if run_id:
        return runs.get(store, run_id)
    end = instant(as_of)
    return runs.scratch(
        store,
        as_of=end,
        day=local_day(end, zone()),
        now=datetime.now(UTC).replace(tzinfo=None),
    )
