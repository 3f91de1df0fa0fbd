"""Facts that are derived from events: the last login, the mean quiz score, and the sessions missed in a row.

A log alone gives history so: derived for a past day, they are what was known then, and a score, a backtest or an effect
of that day stands on them. They are loaded as any other source is, one that speaks for three columns alone.
"""

from datetime import datetime
from typing import Final

from engagement.errors import InvalidInput
from engagement.files.copies import Kept
from engagement.ingest import event_types, learners
from engagement.ingest.event_types import TYPES
from engagement.ingest.loads.loading import LoadSummary
from engagement.ingest.source.readers import Derived
from engagement.ingest.source.source_format import IN_PERCENT, SourceFormat
from engagement.store import Store, first_row, query

_AS_DERIVED: Final = SourceFormat(percent_scale=IN_PERCENT)


def derive(store: Store, *, as_of: datetime, loaded_at: datetime) -> LoadSummary:
    """Load what the events up to an instant say of the learners; what they do not say stays as it was known then.

    Raises `InvalidInput` where no event by then feeds a fact.
    """
    rows, count = _facts(store, as_of)
    name = f"events as of {as_of:%Y-%m-%d %H:%M}"
    if not count:
        raise InvalidInput(
            f"{name}: none that feeds a fact; `engagement events` says which there are, `--types` which do"
        )
    return learners.load(
        store, Derived(name, rows), observed_at=as_of, loaded_at=loaded_at, source_format=_AS_DERIVED
    )


def _facts(store: Store, as_of: datetime) -> tuple[Kept, int]:
    """Return a file with a row for each learner, and how many they are."""
    kept = Kept()
    sql = query("ingest/facts_of_events").rstrip().rstrip(";")
    feeding = [known.name for known in TYPES if known.feeds]
    with store.read() as db:
        (count,) = first_row(
            db,
            f"copy ({sql}) to '{kept.path}' (format parquet, use_tmp_file false)",
            {"as_of": as_of, "feeding": feeding, "of_login": event_types.of_feeding(event_types.LAST_LOGIN)},
        )
    return kept, count
