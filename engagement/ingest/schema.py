"""The columns of what comes in: learner exports and event files.

One declaration that the loader's rules, the documentation and the sample all read. Everything is read as text
first; `kind` says what the text must be. What is out of range is refused, never clamped: a value nobody can
explain should not decide about a person.
"""

from dataclasses import dataclass
from typing import Final, Literal

from engagement.vocabulary import CHANNELS

Kind = Literal["text", "id", "number", "whole", "instant", "flag", "choice", "email", "json"]


# What exports write for "nothing here"; compared trimmed and case-folded. Missing is missing, never zero.
MISSING_WORDS: Final = ("", "na", "n/a", "nan", "null", "none", "?", "-")
# Null, None and Na are somebody's name.
_NO_NAME: Final = ("", "?", "-", "n/a")
TRUE_WORDS: Final = ("true", "1", "yes", "y", "t")
FALSE_WORDS: Final = ("false", "0", "no", "n", "f")
LONGEST_TEXT: Final = 20_000  # characters, of any column


@dataclass(frozen=True)
class Column:
    """One column of an incoming table."""

    name: str
    kind: Kind
    about: str
    in_header: bool = False  # the header must name it
    in_every_row: bool = False  # and no row may leave it empty
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    longest: int = 200
    missing: tuple[str, ...] = MISSING_WORDS

    @property
    def is_percent(self) -> bool:
        """Whether the column is a share in percent, 0 to 100."""
        return (self.kind, self.low, self.high) == ("number", 0, 100)


LEARNERS: Final = (
    Column("id", "id", "the enrolment, kept exactly as written", in_header=True, in_every_row=True),
    Column("name", "text", "display name", in_header=True, longest=LONGEST_TEXT, missing=_NO_NAME),
    Column("email", "email", "address; one belongs to one person", in_header=True, longest=320),
    Column("phone", "text", "telephone number", in_header=True),
    Column("program", "text", "what the learner is enrolled in", in_header=True, in_every_row=True),
    Column("last_login", "instant", "last login; empty means never", in_header=True),
    Column(
        "completed_percent", "number", "percent of the work that was due", in_header=True, low=0, high=100
    ),
    Column("avg_quiz_score", "number", "mean quiz score in percent", in_header=True, low=0, high=100),
    Column(
        "consecutive_missed_sessions", "whole", "sessions missed in a row", in_header=True, low=0, high=10_000
    ),
    Column("completed_percent_course", "number", "percent of the whole course", low=0, high=100),
    Column("completed_percent_due", "number", "percent of the work due by then", low=0, high=100),
    Column("person_id", "id", "the person, where one has several enrolments; id otherwise"),
    Column("cohort", "text", "group that started together"),
    Column("locale", "text", "language of the learner, such as en or de-AT; en otherwise", longest=20),
    Column("timezone", "text", "IANA time zone of the learner"),
    Column("enrolled_at", "instant", "start of the enrolment"),
    Column("topic", "text", "what the learner works on now"),
    Column("preferred_channel", "choice", "how the learner wants to be written to", choices=CHANNELS),
    Column("whatsapp_opt_in", "flag", "agreed to WhatsApp; no otherwise"),
    Column("contact_opt_out", "flag", "does not want to be contacted; no otherwise"),
    Column("llm_opt_out", "flag", "nothing about them goes to a model; no otherwise"),
    Column("active", "flag", "still enrolled; yes otherwise"),
)

EVENTS: Final = (
    Column("learner_id", "id", "the enrolment", in_header=True, in_every_row=True),
    Column("type", "text", "what happened, such as login", in_header=True, in_every_row=True, longest=50),
    Column("timestamp", "instant", "when", in_header=True, in_every_row=True),
    Column("metadata", "json", "more about it, a JSON object"),
    Column("id", "id", "the event; made from the content otherwise"),
)
