"""Whether the learners of a store are invented: those of the demo, among which nobody's own may stand."""

from datetime import datetime

from engagement.store.sql import Cursor, first_row

NOTE = "The invented cohort of the demo: none of these learners exists."


def is_invented(db: Cursor) -> bool:
    """Return whether the demo made the store."""
    return bool(first_row(db, "select count(*) from invented")[0])


def mark(db: Cursor, *, now: datetime) -> None:
    """Say of a store that its learners are invented; from then on nothing can be loaded into it."""
    db.execute("insert into invented values ($now)", {"now": now})
