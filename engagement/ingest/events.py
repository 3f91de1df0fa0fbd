"""Events: what learners did and what was done for them. Append-only; a repeat is the same event.

The id is made from the content, so that an export that overlaps the last one, a retried step or a second click
adds nothing. Where the source has ids of its own, they tell what is a repeat: each counts within its learner, because
many sources number the events of each user from 1.
"""

from datetime import datetime

from engagement.ingest.event_types import told_of_unknown
from engagement.ingest.loads import loading
from engagement.ingest.reencoded import refuse_reencoded
from engagement.ingest.schema import EVENTS
from engagement.ingest.source import readers
from engagement.ingest.source.source_format import AS_DOCUMENTED, SourceFormat
from engagement.store import Store, query


def load(
    store: Store,
    source: readers.Source,
    *,
    observed_at: datetime,
    loaded_at: datetime,
    source_format: SourceFormat = AS_DOCUMENTED,
    max_quarantine: float = 1.0,
) -> loading.LoadSummary:
    """Load events in the columns of `schema.EVENTS`; those of unknown learners are quarantined.

    So are those whose own id says something else already, in an earlier row or an earlier load, and repeats within the
    file. What an earlier load brought is accepted, and stands there once.
    Raises `InvalidInput` like `learners.load`.
    """
    with loading.begun(
        store, source, EVENTS, source_format, kind="events", observed_at=observed_at, loaded_at=loaded_at
    ) as begun:
        db, columns = begun.db, begun.checked.columns
        for name in {"metadata", "id"} - columns:
            db.execute(f"alter table temp.checked add column {name} text")
        types = source_format.types
        db.execute(query("ingest/map_event_types"), {"theirs": list(types), "ours": list(types.values())})
        refuse_reencoded(begun, "learner_id")
        db.execute(query("ingest/refuse_unknown_learners"))
        if "id" in columns:
            db.execute(query("ingest/keep_ids_within_learners"))
            db.execute(query("ingest/refuse_reused_ids"))
        db.execute(query("ingest/refuse_repeated_events"))
        db.execute(
            query("ingest/append_events"), {"source": f"{begun.load_id} {begun.checked.incoming.name}"}
        )
        begun.notes.extend(told_of_unknown(dict(db.execute(query("ingest/count_event_types")).fetchall())))
        return loading.record(begun, max_quarantine=max_quarantine)
