"""The types of events that the product knows: what each means, and which fact it feeds.

Any other type is kept as it is and feeds nothing; a load tells of it, and `--map-type` says what it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engagement.errors import InvalidInput
from engagement.vocabulary import DRAFT_WORDS, EVENT_WORDS

LAST_LOGIN: Final = "last_login"
SCORE: Final = "avg_quiz_score"
MISSED: Final = "consecutive_missed_sessions"
_SHOWN: Final = 5


@dataclass(frozen=True)
class EventType:
    """A type of event: its name, what it means, and the facts that are derived from it."""

    name: str
    meaning: str
    feeds: tuple[str, ...] = ()


TYPES: Final = (
    EventType("login", "came to the platform", (LAST_LOGIN,)),
    EventType("activity", "did something there: viewed a page, wrote a post", (LAST_LOGIN,)),
    EventType("lesson_completed", "completed a lesson", (LAST_LOGIN,)),
    EventType(
        "quiz_completed",
        "completed a quiz; `score` in its metadata is in percent, `item` tells attempts at one quiz",
        (SCORE, LAST_LOGIN),
    ),
    EventType("session_attended", "was at a session, late or not", (MISSED, LAST_LOGIN)),
    EventType("session_missed", "was not at a session that was held", (MISSED,)),
    EventType("session_excused", "was excused from a session: it is passed over"),
    EventType("course_passed", "passed the course: the outcome that `backtest` and `fairness` look at"),
    EventType("course_distinction", "passed the course with distinction"),
    EventType("course_failed", "failed the course"),
    EventType("course_withdrawn", "withdrew from the course"),
    EventType("phone_call", "was phoned"),
    EventType("note", "somebody wrote a note"),
)
_NAMES: Final = {known.name for known in TYPES} | EVENT_WORDS.keys()


def of_feeding(fact: str) -> list[str]:
    """Return the types that feed a fact.

    >>> of_feeding("consecutive_missed_sessions")
    ['session_attended', 'session_missed']
    """
    return [known.name for known in TYPES if fact in known.feeds]


def is_known(name: str) -> bool:
    """Return whether a type is one of ours, or what became of a nudge or a quiz of ours.

    >>> is_known("login"), is_known("nudge_sent"), is_known("viewed")
    (True, True, False)
    """
    return name in _NAMES or name.partition("_")[0] in DRAFT_WORDS


def check_mapped(types: Mapping[str, str]) -> None:
    """Raise `InvalidInput` where a type is said to be one that there is not."""
    if unknown := [name for name in types.values() if name not in _NAMES]:
        raise InvalidInput(
            f"map_type {unknown[0][:40]!r}: no such type; there are {', '.join(known.name for known in TYPES)}"
        )


def told_of_unknown(counted: Mapping[str, int]) -> list[str]:
    """Return what a load says of types that nobody knows, with how many events there are of each."""
    unknown = {name: count for name, count in counted.items() if not is_known(name)}
    if not unknown:
        return []
    more = f" and {len(unknown) - _SHOWN} other types" if len(unknown) > _SHOWN else ""
    shown = ", ".join(f"{name} ({count:,})" for name, count in list(unknown.items())[:_SHOWN])
    return [
        f"type: nothing is known of {shown}{more}, so that they feed no fact; `--map-type THEIRS=OURS` says what one "
        "is, `engagement events --types` lists ours"
    ]
