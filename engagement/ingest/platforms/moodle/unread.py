"""What Moodle offers besides, and nothing of a course can be told from: with what to take in its place."""

import re
from typing import Final

from engagement.ingest.platforms.exports import Look, Unread
from engagement.ingest.platforms.moodle import words

_PARTICIPANT: Final = re.compile(
    r"[^\W\d_][\w/()·.*-]*? ?\d+"
)  # whom a worksheet calls by a number of its own
_INSTEAD: Final = (
    "download Reports > Activity completion (what was due and done), Grades > Export with percentages, or "
    "Reports > Logs in its place"
)


def _is_worksheet(look: Look) -> bool:
    header, *rows = look.lines or [[]]
    most = {name.casefold() for name in words.MOST}
    named = [row[0] for row in rows if len(row) == len(header)]
    return bool(most.intersection(header) and named) and all(map(_PARTICIPANT.fullmatch, named))


def _is_page(look: Look) -> bool:
    return bool(look.lines) and any(map(words.SORTED.fullmatch, look.lines[0]))


def _is_outline(look: Look) -> bool:
    return any(look.has_columns(*names) for names in words.OUTLINE)


UNREAD: Final = (
    Unread(
        "a grading worksheet of one assignment in Moodle, which says nothing of the rest of the course",
        _is_worksheet,
        _INSTEAD,
    ),
    Unread(
        "copied from a page of Moodle, which says when somebody was there as a span up to that moment",
        _is_page,
        f"{_INSTEAD}; who is in a course has a download below the list of participants",
    ),
    Unread("a Moodle activity report, which counts views and names nobody", _is_outline, _INSTEAD),
)
