"""Caliper events and raw live events, as Canvas writes them to a queue."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engagement.ingest.platforms.exports import Asked, Kind, Look, Part
from engagement.ingest.platforms.statements import reading
from engagement.store import query

NAME: Final = "caliper"


def _is_events(look: Look) -> bool:
    return any(
        {"sensor", "data"} <= found.keys()
        or {"actor", "action", "eventTime"} <= found.keys()
        or "event_name" in (found.get("metadata") or {})
        for found in reading.objects(look)
    )


def _events(files: Sequence[Path], asked: Asked) -> list[Part]:
    return reading.parts(files, asked, NAME, query("ingest/caliper_acts"))


KINDS: Final = (
    Kind(
        NAME,
        "Caliper or live events of Canvas",
        _is_events,
        _events,
        gives="last login, mean score, done of the course (modules with requirements), enrolment, events",
        cannot="no due dates or sessions",
    ),
)
