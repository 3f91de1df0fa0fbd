"""The words that every room uses, and whoever reads; how few people are few.

Codes stand in tables, JSON and parameters; people read the words, the same on the page, in a terminal and in a report.
"""

from collections.abc import Mapping
from typing import Final

LABELS: Final = ("high", "medium", "low", "unknown")  # in the order they are shown everywhere
SCORED_LABELS: Final = LABELS[:3]  # worst first; `unknown` is neither better nor worse
AT_RISK: Final = LABELS[:2]
TERMS: Final = ("behind_pace", "low_quiz", "missed_session", "inactivity")
CHANNEL_WORDS: Final[Mapping[str, str]] = {"in_app": "In the app", "whatsapp": "WhatsApp", "email": "E-mail"}
CHANNELS: Final = tuple(CHANNEL_WORDS)
# Of a nudge or a quiz. A draft is what nobody has decided about; what is queued only has to be handed over.
STATUS_WORDS: Final[Mapping[str, str]] = {
    "draft": "Draft",
    "approved": "Approved",
    "rejected": "Rejected",
    "expired": "Expired",
    "queued": "Ready to send",
    "sent": "Sent",
    "delivered": "Delivered",
    "failed": "Not delivered",
}
STATUSES: Final = tuple(STATUS_WORDS)
# A nudge is of one of these types. A term as the main reason of a score has the words of its nudge.
TYPE_WORDS: Final[Mapping[str, str]] = {
    "behind_pace": "Behind with the work",
    "low_quiz": "Low quiz results",
    "missed_session": "Missed sessions",
    "inactivity": "Long away",
    "welcome": "Welcome",
    "support_referral": "A person should call",
    "praise": "Praise",
}
NUDGE_TYPES: Final = tuple(TYPE_WORDS)
# What happened to a learner; and to a nudge or a quiz of theirs, beside becoming what a status says.
EVENT_WORDS: Final[Mapping[str, str]] = {
    "login": "Logged in",
    "lesson_completed": "Completed a lesson",
    "quiz_completed": "Completed a quiz",
    "session_attended": "Attended a session",
    "session_missed": "Missed a session",
    "phone_call": "Phoned",
    "note": "Note",
}
DRAFT_WORDS: Final[Mapping[str, str]] = {"nudge": "Nudge", "quiz": "Quiz"}
DONE_WORDS: Final[Mapping[str, str]] = {
    "edited": "Edited",
    "rewritten": "Written again",
    "drafted": "Written",
    "draft": "Back to draft",
}
SMALLEST_GROUP: Final = 10  # people in a count that is shown: of fewer somebody could be told
QUIET_DAYS: Final = 14  # two weeks without a sign are hardly ever an ordinary pause
# What a chance is a chance of, and what a score of the past is held against.
WAYS_TO_LEAVE: Final = {
    "left": "withdrew or failed later",
    "quiet": f"stayed away for the {QUIET_DAYS} days that followed",
}
LEFT_WORDS: Final = {"left": "left", "quiet": "stayed away"}  # the same in short, above a column


def happened(event: str) -> str:
    """Return the type of an event in words; one that nobody has named yet stays as it is.

    >>> happened("nudge_sent"), happened("quiz_draft"), happened("badge_earned")
    ('Nudge: sent', 'Quiz: back to draft', 'badge_earned')
    """
    what, _, how = event.partition("_")
    done = {**STATUS_WORDS, **DONE_WORDS}.get(how)
    said = f"{DRAFT_WORDS[what]}: {done.lower()}" if what in DRAFT_WORDS and done else event
    return EVENT_WORDS.get(event, said)
