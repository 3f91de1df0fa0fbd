"""The columns of what comes in: learner exports and event files.

One declaration that the loader's rules, the documentation and the sample all read. Everything is read as text
first; `kind` says what the text must be. What is out of range is refused, never clamped: a value nobody can
explain should not decide about a person.
"""

from dataclasses import dataclass
from typing import Final, Literal

from engagement.vocabulary import CHANNELS

Kind = Literal[
    "text",
    "name",
    "id",
    "number",
    "whole",
    "instant",
    "login",
    "flag",
    "choice",
    "email",
    "phone",
    "locale",
    "timezone",
    "json",
]

# What spreadsheets write where a formula has no result, in the languages they come in.
_NO_RESULT: Final = (
    *(
        "#n/a",
        "#na",
        "#nv",
        "#n/d",
        "#div/0!",
        "#null!",
        "#num!",
        "#value!",
        "#ref!",
        "#name?",
        "#spill!",
        "#calc!",
    ),
    *(
        "#wert!",
        "#zahl!",
        "#bezug!",
        "#valeur!",
        "#nombre!",
        "#nom?",
        "#valor!",
        "#valore!",
        "#rif!",
        "#nome?",
    ),
    *("#¡valor!", "#¡div/0!", "#¡ref!", "#¡num!", "#¡nulo!", "#¿nombre?", "#error!", "#getting_data"),
)
# What stands for nothing in any column, and is nobody's name and no program's.
_NOTHING: Final = (
    *("", "?", "-", "--", "---", "–", "—", ".", "..", "...", "…", "/", "(null)", "[null]", "<null>", "\\n"),
    *("<na>", "(blank)", "(none)", "(empty)", "(leer)", "(vide)", *_NO_RESULT),
)
# What exports write for "nothing here"; compared trimmed and case-folded. Missing is missing, never zero. A word that
# begins with a letter or a digit has at most four characters: longer texts are not looked up.
MISSING_WORDS: Final = (
    *_NOTHING,
    "na",
    "n/a",
    "n.a.",
    "n.a",
    "n/d",
    "n.d.",
    "k.a.",
    "nan",
    "nat",
    "nil",
    "null",
    "none",
)
# Null, None and Na are somebody's name, and NA the name of a program.
_NO_NAME: Final = (*_NOTHING, "n/a", "n.a.", "n.a")
# How people in other languages, spreadsheets and forms say yes and no.
TRUE_WORDS: Final = (
    *(
        "true",
        "1",
        "1.0",
        "1,0",
        "yes",
        "y",
        "t",
        "on",
        "wahr",
        "ja",
        "j",
        "vrai",
        "oui",
        "o",
        "verdadero",
        "sí",
        "si",
    ),
    *(
        "vero",
        "sì",
        "sim",
        "verdadeiro",
        "tak",
        "ano",
        "áno",
        "igen",
        "da",
        "evet",
        "kyllä",
        "jah",
        "ναι",
        "да",
        "так",
    ),
    *("是", "はい", "예", "네", "نعم", "כן"),
)
FALSE_WORDS: Final = (
    *(
        "false",
        "0",
        "0.0",
        "0,0",
        "no",
        "n",
        "f",
        "off",
        "falsch",
        "nein",
        "faux",
        "non",
        "falso",
        "não",
        "nao",
        "nie",
    ),
    *(
        "ne",
        "nem",
        "nu",
        "hayır",
        "ei",
        "nee",
        "nej",
        "nei",
        "όχι",
        "нет",
        "ні",
        "否",
        "いいえ",
        "아니요",
        "아니오",
        "لا",
        "לא",
    ),
)
_ENROLLED: Final = (
    *(
        "active",
        "enrolled",
        "enabled",
        "current",
        "aktiv",
        "eingeschrieben",
        "actif",
        "active",
        "activo",
        "inscrito",
    ),
    *("attivo", "ativo", "actief", "aktywny", "активен"),
)
_OVER: Final = (
    *(
        "inactive",
        "suspended",
        "withdrawn",
        "dropped",
        "disabled",
        "deleted",
        "tobedeleted",
        "concluded",
        "completed",
    ),
    *(
        "unenrolled",
        "not current",
        "inaktiv",
        "gesperrt",
        "exmatrikuliert",
        "inactif",
        "suspendu",
        "inactivo",
    ),
    *("suspendido", "inattivo", "sospeso", "inativo", "suspenso", "inactief", "nieaktywny", "неактивен"),
)
# Other words for a way to write to somebody.
_CHANNEL_WORDS: Final = {
    **dict.fromkeys(
        ("e-mail", "e mail", "mail", "courriel", "correo", "correo electrónico", "posta"), "email"
    ),
    **dict.fromkeys(("in-app", "in app", "inapp", "app", "in the app", "push"), "in_app"),
    **dict.fromkeys(("whats app", "whats-app", "wa"), "whatsapp"),
}
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
    words: tuple[tuple[str, str], ...] = ()  # other words for a choice, or for yes and no
    may_be_dropped: bool = False  # a value that cannot be read is left out, and the row stays

    @property
    def is_percent(self) -> bool:
        """Whether the column is a share in percent, 0 to 100."""
        return (self.kind, self.low, self.high) == ("number", 0, 100)


LEARNERS: Final = (
    Column("id", "id", "the enrolment, kept as written", in_header=True, in_every_row=True, missing=_NOTHING),
    Column("name", "name", "display name", longest=LONGEST_TEXT, missing=_NO_NAME),
    Column(
        "email",
        "email",
        "address; one belongs to one person",
        longest=320,
        may_be_dropped=True,
    ),
    Column("phone", "phone", "telephone number", may_be_dropped=True),
    Column(
        "program",
        "text",
        "what the learner is enrolled in",
        in_header=True,
        in_every_row=True,
        missing=_NOTHING,
    ),
    Column("last_login", "login", "last login; empty means never"),
    Column("completed_percent", "number", "percent of the work that was due", low=0, high=100),
    Column("avg_quiz_score", "number", "mean quiz score in percent", low=0, high=100),
    Column("consecutive_missed_sessions", "whole", "sessions missed in a row", low=0, high=10_000),
    Column("completed_percent_course", "number", "percent of the whole course", low=0, high=100),
    Column("completed_percent_due", "number", "percent of the work due by then", low=0, high=100),
    Column("person_id", "id", "the person, where one has several enrolments; id otherwise"),
    Column(
        "external_id", "id", "the person on a platform, such as moodle:12", longest=200, may_be_dropped=True
    ),
    Column("cohort", "text", "group that started together", may_be_dropped=True),
    Column(
        "locale",
        "locale",
        "language of the learner, such as en or de-AT; en otherwise",
        longest=20,
        may_be_dropped=True,
    ),
    Column("timezone", "timezone", "IANA time zone of the learner", may_be_dropped=True),
    Column("enrolled_at", "instant", "start of the enrolment", may_be_dropped=True),
    Column("topic", "text", "what the learner works on now", may_be_dropped=True),
    Column(
        "preferred_channel",
        "choice",
        "how the learner wants to be written to",
        choices=CHANNELS,
        words=tuple(_CHANNEL_WORDS.items()),
        may_be_dropped=True,
    ),
    # an empty opt-in is no, and so is one that cannot be read
    Column("whatsapp_opt_in", "flag", "agreed to WhatsApp; no otherwise", may_be_dropped=True),
    Column("contact_opt_out", "flag", "does not want to be contacted; no otherwise"),
    Column("llm_opt_out", "flag", "nothing about them goes to a model; no otherwise"),
    Column(
        "active",
        "flag",
        "still enrolled; yes otherwise",
        words=(*((word, "true") for word in _ENROLLED), *((word, "false") for word in _OVER)),
    ),
)

# Who a row is of, where a platform lists teachers beside learners; it is looked at, and not kept.
ROLE: Final = Column(
    "role", "text", "what somebody is in the course; who is no learner is left out", may_be_dropped=True
)

# Where a source has the name in two columns.
NAME_PARTS: Final = (
    Column("first_name", "name", "the name somebody is called by", longest=LONGEST_TEXT, missing=_NO_NAME),
    Column("last_name", "name", "the family's name", longest=LONGEST_TEXT, missing=_NO_NAME),
)

EVENTS: Final = (
    Column("learner_id", "id", "the enrolment", in_header=True, in_every_row=True, missing=_NOTHING),
    Column("type", "text", "what happened, such as login", in_header=True, in_every_row=True, longest=50),
    Column("timestamp", "instant", "when", in_header=True, in_every_row=True),
    Column("metadata", "json", "more about it, a JSON object"),
    Column("id", "id", "the event; made from the content otherwise"),
)
