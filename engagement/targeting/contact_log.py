"""The contact log: what a person says they did by themselves.

A phone call counts for the limits like a message that was sent; a note does not.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from engagement import audit
from engagement.errors import InvalidInput
from engagement.store import Store, first_row
from engagement.targeting import decisions
from engagement.text import plain_text

ONE_CLICK: Final = timedelta(seconds=1)  # the same again so soon is the same click


def phoned(
    store: Store,
    learner_id: str,
    text: str = "",
    *,
    by: audit.Actor,
) -> dict[str, Any]:
    """Record that somebody phoned the learner, with what was said if they want to keep it; return the event.

    It counts as a contact. Recorded twice within a second, it is one. Raises `NotFound`, and `InvalidInput` where the
    text may not be kept.
    """
    return _done(store, learner_id, "phone_call", text, by=by)


def note(
    store: Store,
    learner_id: str,
    text: str,
    *,
    by: audit.Actor,
) -> dict[str, Any]:
    """Keep a note about the learner and return the event; raises as `phoned` does, and where the text is empty."""
    if not text.strip():
        raise InvalidInput("text: a note needs one")
    return _done(store, learner_id, "note", text, by=by)


def _done(
    store: Store,
    learner_id: str,
    kind: str,
    text: str,
    *,
    by: audit.Actor,
) -> dict[str, Any]:
    text = plain_text("text", text)
    with store.write() as db:
        decisions.check_program(db, learner_id, by.programs)
        (at,) = first_row(
            db,
            """
            select coalesce(min(timestamp), $now)
            from events
            where
                timestamp > $since and timestamp < $until and learner_id = $learner_id and type = $kind
                and actor = $actor and metadata ->> 'text' = $text
            """,
            {
                "learner_id": learner_id,
                "kind": kind,
                "actor": by.name,
                "text": text,
                "now": by.now,
                "since": by.now - ONE_CLICK,
                "until": by.now + ONE_CLICK,
            },
        )
        audit.record(db, learner_id, kind, by=replace(by, now=at), source="desk", metadata={"text": text})
    return {"timestamp": at, "type": kind, "actor": by.name, "metadata": {"text": text}}
