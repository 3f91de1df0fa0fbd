"""Deeds: events of what a person did here, written as they happen. A repeat is the same event.

Not with the events that come in files (`events`): whoever only records a click needs no reader of files.
"""

import hashlib
import json
import os
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from engagement.store import Cursor


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person who does something: by what name it is recorded, when, and on which day where they are.

    `programs` are those whose learners they may see; None for all.
    """

    name: str
    now: datetime
    day: date
    programs: Sequence[str] | None


def account() -> str:
    """Return who runs this process, as the system knows them: no variable says so, which anybody could set.

    A container's user need not have a name.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def record(
    db: Cursor,
    learner_id: str,
    kind: str,
    *,
    by: Actor,
    source: str,
    metadata: Mapping[str, object],
) -> str:
    """Append one event within the caller's transaction and return its id."""
    text = json.dumps(metadata, sort_keys=True, ensure_ascii=False, allow_nan=False)
    made_from = json.dumps((learner_id, kind, by.now.isoformat(), by.name, text), ensure_ascii=False)
    event_id = hashlib.sha256(made_from.encode()).hexdigest()
    db.execute(
        """
        insert into events
        select $id, $learner, $kind, $metadata, $timestamp, $actor, $source
        -- the same event has the same instant, by which most of a large table need not be looked at
        where not exists (select 1 from events where timestamp = $timestamp and id = $id)
        """,
        {
            "id": event_id,
            "learner": learner_id,
            "kind": kind,
            "metadata": text,
            "timestamp": by.now,
            "actor": by.name,
            "source": source,
        },
    )
    return event_id
