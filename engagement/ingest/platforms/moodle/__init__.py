"""Moodle: the reports that a teacher downloads, those that tell of everybody first."""

from typing import Final

from engagement.ingest.platforms.moodle import attendance, completion, grades, log, participants
from engagement.ingest.platforms.moodle.unread import UNREAD

__all__ = ["KINDS", "UNREAD"]

# As they are read where several are given: who comes later is known by then.
KINDS: Final = (
    *participants.KINDS,
    *completion.KINDS,
    *grades.KINDS,
    *attendance.KINDS,
    *participants.LISTS,
    *log.KINDS,
)
