"""Which inputs there are: the events by type."""

from typing import Any

from engagement.ingest.event_types import TYPES
from engagement.store import Store, query, records


def events_by_type(store: Store) -> list[dict[str, Any]]:
    """Return for each type how many events and learners there are, the first, the newest, and the facts it feeds."""
    feeds = {known.name: list(known.feeds) for known in TYPES}
    with store.read() as db:
        return [
            {**row, "feeds": feeds.get(row["type"], [])} for row in records(db, query("views/event_counts"))
        ]
