"""What is asked of a model: versioned texts, and the few coarse facts about a learner that may leave.

A prompt has two halves. The instructions depend on the channel and the language only: jinja fills them once. The
data are a few lines about the learner, made for all rows at once, on any engine, out of an allow-list of columns. A
number leaves as the range it lies in, never as itself, and only where the type of nudge needs it: fewer people can
be told apart, and equal prompts are asked once. A name, an address or a free text is in no column read here.

Texts lie in a folder per version. What was sent under a version is never changed: `versions.toml` holds the digest
of each, and a change without a new version fails a test.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from numbers import Real
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, cast

import jinja2
import narwhals as nw
from narwhals.typing import IntoFrameT

from engagement.errors import InvalidInput
from engagement.vocabulary import CHANNELS

VERSION: Final = "v1.0"
QUESTIONS: Final = 4  # more are seldom written within eight seconds
FOLDER: Final = Path(__file__).parent
Kind = Literal["nudge", "quiz"]


class Band(NamedTuple):
    """How a number leaves: a label, and the words for each range, from below its upper end."""

    label: str
    ranges: tuple[tuple[float, str], ...]
    above: str


BANDS: Final[Mapping[str, Band]] = MappingProxyType(
    {
        "completed_percent": Band(
            "planned work done",
            ((25, "less than a quarter"), (50, "a quarter to a half"), (75, "half to three quarters")),
            "three quarters or more",
        ),
        "avg_quiz_score": Band("quiz results", ((40, "a first start"), (60, "some basics")), "solid"),
        "consecutive_missed_sessions": Band(
            "sessions missed in a row", ((1, "none"), (3, "one or two"), (7, "three to six")), "seven or more"
        ),
        "days_inactive": Band(
            "last visit",
            (
                (3, "in the last days"),
                (7, "within a week"),
                (14, "one to two weeks ago"),
                (30, "two to four weeks ago"),
            ),
            "more than four weeks ago",
        ),
    }
)
# What a nudge of each type is told about the learner.
NEEDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "behind_pace": ("completed_percent", "days_inactive"),
        "low_quiz": ("avg_quiz_score", "completed_percent"),
        "missed_session": ("consecutive_missed_sessions", "days_inactive"),
        "inactivity": ("days_inactive", "completed_percent"),
        "welcome": (),
        "support_referral": (),
        "praise": ("completed_percent",),
    }
)
NEVER: Final = "never"  # where a last visit is: the learner has not logged in yet
NEUTRAL_COURSE: Final = "their course"  # for a program whose title nobody confirmed
STUDY_SKILLS: Final = "how to study"

# Tokens, twice of what the form in the text comes to; an answer that is cut off there is no answer.
_ROOM: Final[Mapping[str, int]] = MappingProxyType(
    {"in_app": 200, "whatsapp": 400, "email": 800, "quiz": 2_000}
)


@dataclass(frozen=True)
class Task:
    """The half of a prompt that many learners share: what to write, in which form.

    Attributes
    ----------
    channel
        Of a nudge; None for a quiz.
    schema
        JSON schema of the answer.
    max_output_tokens
        Where the service cuts an answer off; a budget reserves as much.
    """

    kind: Kind
    channel: str | None
    language: str
    instructions: str
    schema: Mapping[str, Any]
    max_output_tokens: int
    version: str = VERSION

    @cached_property
    def shared_text(self) -> str:
        """Everything that is sent for each prompt, but its data."""
        return self.instructions + json.dumps(self.schema)

    @cached_property
    def digest(self) -> str:
        """The same for the same request, whoever it is about."""
        parts = [self.version, self.kind, self.instructions, self.schema, self.max_output_tokens]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def key_prefix(self, *, model: str, base_url: str) -> str:
        """Return what a cache key begins with: everything that decides an answer but the data."""
        return hashlib.sha256("\n".join((self.digest, model, base_url)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request; `cache_key` is the same where an answer to one is an answer to the other."""

    task: Task
    data: str
    cache_key: str

    @property
    def titles(self) -> tuple[str, ...]:
        """What the model is told the course and the topic are called."""
        lines = (line.partition(": ") for line in self.data.split("\n"))
        return tuple(value for label, _, value in lines if label in ("course", "topic"))


@cache
def nudge_task(channel: str, language: str) -> Task:
    """Return what is asked for a nudge; raises `KeyError` for a channel there is not."""
    fields = ("subject", "body") if channel == "email" else ("body",)
    return Task(
        kind="nudge",
        channel=channel,
        language=language,
        instructions=_render("nudge", channel=channel, language=language),
        schema=_object({name: {"type": "string"} for name in fields}),
        max_output_tokens=_ROOM[channel],
    )


@cache
def quiz_task(language: str) -> Task:
    """Return what is asked for a quiz."""
    option = _object({"text": {"type": "string"}, "feedback": {"type": "string"}})
    question = _object(
        {
            "stem": {"type": "string"},
            "right": option,
            "wrong": {"type": "array", "items": option, "minItems": 3, "maxItems": 3},
            "explanation": {"type": "string"},
            "difficulty": {"type": "string", "enum": ["easy", "medium", "hard"]},
        }
    )
    questions = {"type": "array", "items": question, "minItems": QUESTIONS, "maxItems": QUESTIONS}
    return Task(
        kind="quiz",
        channel=None,
        language=language,
        instructions=_render("quiz", language=language, questions=QUESTIONS),
        schema=_object({"questions": questions}),
        max_output_tokens=_ROOM["quiz"],
    )


def nudge_data(frame: IntoFrameT) -> IntoFrameT:
    """Return the frame with `data` added, the lines about each learner, on any engine.

    Reads `type`, `variant`, `program_title`, `topic_title`, `never_logged_in` and the columns of `BANDS`. What is not
    known stands in no line.
    """
    types = {column: [type for type, columns in NEEDED.items() if column in columns] for column in BANDS}
    lines = [
        _line("reason", nw.col("type")),
        _line("course", nw.coalesce("program_title", nw.lit(NEUTRAL_COURSE))),
        _line("topic", nw.col("topic_title")),
        *(nw.when(nw.col("type").is_in(types[column])).then(_banded(column)) for column in BANDS),
        _line("style", nw.col("variant").cast(nw.String)),
    ]
    return _with_data(frame, lines)


def quiz_data(frame: IntoFrameT) -> IntoFrameT:
    """Return the frame with `data` added, the lines about each quiz, on any engine.

    Reads `variant`, `topic_title` and `avg_quiz_score`.
    """
    lines = [
        _line("topic", nw.coalesce("topic_title", nw.lit(STUDY_SKILLS))),
        _line("level", _range("avg_quiz_score")),
        _line("variant", nw.col("variant").cast(nw.String)),
    ]
    return _with_data(frame, lines)


def one(
    task: Task,
    data: Callable[[Any], Any],
    context: Mapping[str, object],
    *,
    variant: int,
    titles: Collection[str],
    prefix: str,
) -> Prompt:
    """Return the prompt for one context; `InvalidInput` where a number in it is none.

    Only the columns that `data` takes are looked at; a program or topic is told only where it is among the `titles`.
    """
    import pandas as pd

    row: dict[str, Any] = {name: _number(name, context.get(name)) for name in BANDS}
    for kind in ("program", "topic"):
        title = context.get(kind)
        row[f"{kind}_title"] = title if isinstance(title, str) and title in titles else None
    never = str(context.get("never_logged_in")) == "True"  # Python's own or numpy's
    row |= {"type": context.get("type"), "variant": variant, "never_logged_in": never}
    texts = dict.fromkeys(("program_title", "topic_title", "type"), "str")
    frame = pd.DataFrame([row]).astype({**texts, **dict.fromkeys(BANDS, "float64")})
    text = str(data(frame)["data"].iloc[0])
    return Prompt(task, text, cache_key(prefix, text))


def _number(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidInput(f"context: {name}: a number is needed")
    try:
        return float(value)
    except OverflowError:
        raise InvalidInput(f"context: {name}: the number is too large") from None


def cache_key(prefix: str, data: str) -> str:
    """Return the key of one prompt, as the store computes it for many."""
    return hashlib.sha256(f"{prefix}\n{data}".encode()).hexdigest()


def disclosed_fields(kind: Kind, type: str | None = None) -> tuple[str, ...]:
    """Return the names of what a prompt says about a learner, for the record of what left."""
    if kind == "quiz":
        return ("language", "topic", "avg_quiz_score range")
    return ("language", "channel", "reason", "course", "topic", *(f"{c} range" for c in NEEDED[type or ""]))


def digest() -> str:
    """Return the digest of everything that decides what is sent, for the languages the texts know."""
    tasks = [nudge_task(channel, language) for channel in CHANNELS for language in ("en", "de", "xx")]
    tasks += [quiz_task(language) for language in ("en", "de", "xx")]
    decided = [[task.digest for task in tasks], BANDS, dict(NEEDED), NEVER, NEUTRAL_COURSE, STUDY_SKILLS]
    return hashlib.sha256(json.dumps(decided, sort_keys=True, default=dict).encode()).hexdigest()


def _line(label: str, value: nw.Expr) -> nw.Expr:
    """The text `label: value`; null where the value is."""
    return nw.concat_str(nw.lit(f"{label}: "), value)


def _banded(column: str) -> nw.Expr:
    value = _range(column)
    if column == "days_inactive":
        value = nw.when("never_logged_in").then(nw.lit(NEVER)).otherwise(value)
    return _line(BANDS[column].label, value)


def _range(column: str) -> nw.Expr:
    """The words for the range a number lies in; null where it is null or no number."""
    band, number = BANDS[column], nw.col(column).cast(nw.Float64)
    known = ~number.is_null() & ~number.is_nan().fill_null(True)
    words = nw.lit(band.above)
    for below, text in reversed(band.ranges):
        words = nw.when(number < below).then(nw.lit(text)).otherwise(words)
    return nw.when(known).then(words)


def _with_data(frame: IntoFrameT, lines: Sequence[nw.Expr]) -> IntoFrameT:
    table: nw.LazyFrame[Any] = nw.from_native(cast("Any", frame))
    data = nw.concat_str(*lines, separator="\n", ignore_nulls=True)
    return cast("IntoFrameT", table.with_columns(data=data).to_native())


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON schema as strict output needs it: every property required, and no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


@cache
def _texts() -> jinja2.Environment:
    return jinja2.Environment(  # noqa: S701 (a prompt is plain text)
        loader=jinja2.FileSystemLoader(FOLDER / VERSION), undefined=jinja2.StrictUndefined
    )


def _render(name: str, **values: object) -> str:
    return _texts().get_template(f"{name}.j2").render(values).strip()
