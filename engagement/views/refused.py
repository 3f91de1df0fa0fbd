"""Refused rows, so that whoever has the source can mend them there: where each stands, whose it is, and why.

A row's text holds names and addresses: it is a column of its own, for whoever asks for it by name.
"""

from typing import Any

from engagement.errors import NotFound
from engagement.store import Store, query, records

PLACE = ("load_id", "source", "kind", "loaded_at", "line", "id", "reasons")
WITH_TEXT = (*PLACE, "raw")


def refused_rows(store: Store, *, load_id: str | None, most: int) -> list[dict[str, Any]]:
    """Return up to so many refused rows that are still kept, newest load first, in the columns of `WITH_TEXT`.

    Raises `NotFound` for a load that there is none of.
    """
    with store.read() as db:
        if load_id and not db.execute("select 1 from loads where load_id = $id", {"id": load_id}).fetchall():
            raise NotFound(f"load {load_id[:40]!r}: there is none")
        return records(db, query("views/refused_rows"), {"load_id": load_id, "most": most})
