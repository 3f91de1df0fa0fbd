"""Tracking logs of Open edX: what everybody did, line by line, beside what its reports say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engagement.ingest.platforms.exports import Asked, Kind, Look, Part
from engagement.ingest.platforms.statements import reading
from engagement.store import query

PLATFORM: Final = "open_edx"


def _is_log(look: Look) -> bool:
    return any(
        "name" in found and isinstance(found.get("context"), dict) and ("event" in found or "data" in found)
        for found in reading.objects(look)
    )


def _log(files: Sequence[Path], asked: Asked) -> list[Part]:
    return reading.parts(files, asked, "tracking_log", query("ingest/tracking_log_acts"))


KINDS: Final = (
    Kind(
        PLATFORM,
        "a tracking log of Open edX",
        _is_log,
        _log,
        gives="last login, mean score, enrolment, events",
        cannot="no names, addresses, due dates or sessions, some of which the reports of Open edX have",
    ),
)
