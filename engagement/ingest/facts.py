"""Facts: what was known of a learner from an instant on. A load appends them, and none is changed afterwards.

Apart from the loading of them, because a page that says how old they are is to need no pandas.
"""

from datetime import datetime
from typing import Final

from engagement.store import Cursor, first_row, query

FACTS: Final = (
    "last_login",
    "completed_percent",
    "completed_percent_course",
    "completed_percent_due",
    "avg_quiz_score",
    "consecutive_missed_sessions",
)
# Percent of the work that is done: of what nobody says, of what was due by then, of the whole course.
DONE: Final = frozenset({"completed_percent", "completed_percent_due", "completed_percent_course"})
# What a score is made of.
SCORED_BY: Final = frozenset(
    {"last_login", "completed_percent", "avg_quiz_score", "consecutive_missed_sessions"}
)


def newest_facts_at(db: Cursor, as_of: datetime | None) -> datetime | None:
    """Return when the newest fact was observed that was known then; None where there is none."""
    newest: datetime | None = first_row(db, query("ingest/newest_facts_at"), {"as_of": as_of})[0]
    return newest
