"""What writing one text gives, whoever wrote it: a model, or a template in its place.

Both give the same `Generation`, so that whatever stores, shows or exports a text need not know where it came
from, and cannot forget to say so: `gpt_fallback` and `prompt_version` travel with the words.

The shape of a quiz is checked here for both, too. A model's answer and a file edited by hand go wrong in the
same ways (three options, two alike, an index past the end), so they pass through the same models. Options are
put in order only afterwards: authors and models favour some places for the right answer, and learners notice.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self, TypedDict

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from engagement.errors import InvalidInput
from engagement.text import UNSAFE_CHARACTERS

OPTIONS: Final = 4
MIN_QUESTIONS: Final = 3
MAX_QUESTIONS: Final = 10

# Characters, counted with the name filled in. 78 is the line length that mail programs show and fold at.
LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {"in_app": 280, "whatsapp": 1024, "email": 2000, "email_subject": 78}
)
NAME_LENGTH: Final = 40

PLACEHOLDER: Final = "{first_name}"
# After a word and before punctuation, so that "Hi {first_name}," can become "Hi,".
_WELL_PLACED: Final = re.compile(r"(?<=[^\W_]) \{first_name\}(?=[,.!?:;])")


class OptionDict(TypedDict):
    """One option as stored and exported."""

    text: str
    feedback: str


class QuestionDict(TypedDict):
    """One question as stored and exported."""

    id: str
    stem: str
    options: list[OptionDict]
    answer_index: int
    explanation: str
    difficulty: str


def _without_unsafe_characters(text: str) -> str:
    if UNSAFE_CHARACTERS.search(text):
        raise ValueError("holds a control character or a change of writing direction")
    return text


PlainText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    AfterValidator(_without_unsafe_characters),
]


class Option(BaseModel):
    """One of the four answers on offer, with what a learner reads after choosing it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: PlainText
    feedback: PlainText


class Question(BaseModel):
    """One multiple-choice question with exactly one right answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: PlainText
    stem: PlainText
    options: Annotated[tuple[Option, ...], Field(min_length=OPTIONS, max_length=OPTIONS)]
    answer_index: Annotated[int, Field(strict=True, ge=0, lt=OPTIONS)]
    explanation: PlainText
    difficulty: Literal["easy", "medium", "hard"]

    @model_validator(mode="after")
    def _options_differ(self) -> Self:
        if len({" ".join(option.text.casefold().split()) for option in self.options}) < OPTIONS:
            raise ValueError("options: two of the four are the same")
        return self

    def as_dict(self) -> QuestionDict:
        """Return the question as plain data, ready for JSON."""
        return {
            "id": self.id,
            "stem": self.stem,
            "options": [{"text": option.text, "feedback": option.feedback} for option in self.options],
            "answer_index": self.answer_index,
            "explanation": self.explanation,
            "difficulty": self.difficulty,
        }


def _ids_differ(questions: tuple[Question, ...]) -> tuple[Question, ...]:
    if len({question.id for question in questions}) < len(questions):
        raise ValueError("two questions have the same id")
    return questions


Questions = Annotated[
    tuple[Question, ...],
    Field(min_length=MIN_QUESTIONS, max_length=MAX_QUESTIONS),
    AfterValidator(_ids_differ),
]
_QUESTIONS: Final[TypeAdapter[tuple[Question, ...]]] = TypeAdapter(Questions)


# Why a template stands where a model could have written, in words a coordinator understands.
WHY_TEMPLATE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no_model": "Templates were asked for.",
        "no_key": "No key for a model is set.",
        "opted_out": "The learner does not want anything about them to go to a model.",
        "unconfirmed_topic": "Nobody has confirmed the title of the topic, so it may not go to a model.",
        "deadline": "The model did not answer within eight seconds.",
        "unavailable": "The service of the model failed or could not be reached.",
        "rate_limited": "The service asked to wait longer than there was time.",
        "breaker_open": "The service had just failed many times and was not asked again.",
        "unauthorized": "The service refused the key.",
        "no_quota": "The account at the service has nothing left to spend.",
        "no_such_model": "The service has no model of that name.",
        "bad_request": "The service refused the request.",
        "refused": "The model declined to write this.",
        "invalid_output": "What the model wrote broke a rule, twice.",
        "budget": "The budget was used up.",
        "error": "Something went wrong while the model was asked; the log says more.",
    }
)
# A template that somebody wanted, or that the learner did: no failure of the model.
WANTED_TEMPLATES: Final = ("no_model", "opted_out")


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One text, where it came from, and why.

    Attributes
    ----------
    content
        The text of a nudge, still with its placeholder, or the questions of a quiz.
    topic
        What a quiz is about; None for how to study, and for a nudge.
    reason
        Why a template stood in, for example "no_model"; None when the model wrote.
    fallback_id
        Which template stood in; None when the model wrote.
    usage
        Tokens spent, as the model reported them.
    """

    content: str | list[QuestionDict]
    prompt_version: str
    gpt_fallback: bool
    subject: str | None = None
    topic: str | None = None
    reason: str | None = None
    fallback_id: str | None = None
    usage: Mapping[str, int] | None = None

    def as_contract(self) -> dict[str, object]:
        """Return the three fields that other programs rely on."""
        return {
            "content": self.content,
            "prompt_version": self.prompt_version,
            "gptFallback": self.gpt_fallback,
        }


class BrokenRule(ValueError):
    """One rule that a text breaks: its field, a code, and the limit where the rule has one; never the text."""

    def __init__(self, field: str, rule: str, sentence: str, limit: int | None = None) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.rule = rule
        self.limit = limit


def check_nudge(channel: str, subject: str | None, content: str) -> None:
    """Raise `BrokenRule` that says which rule of the channel the text breaks, without quoting it."""
    for broken in _rules_broken(channel, subject, content):
        raise broken


def problems_of_nudge(channel: str, subject: str | None, content: str) -> list[BrokenRule]:
    """Return every rule that a person's text breaks: those of `check_nudge`, and what may stand in no text.

    A person who knows the learner may leave the name out.
    """
    texts = {"content": content} if subject is None else {"subject": subject, "content": content}
    return [
        *(BrokenRule(field, "empty", "is empty") for field, text in texts.items() if not text.strip()),
        *(
            BrokenRule(
                field, "unsafe_character", "holds a control character or a change of writing direction"
            )
            for field, text in texts.items()
            if UNSAFE_CHARACTERS.search(text)
        ),
        *(
            broken
            for broken in _rules_broken(channel, subject, content)
            if broken.rule != "placeholder_missing"
        ),
    ]


def _rules_broken(channel: str, subject: str | None, content: str) -> Iterator[BrokenRule]:
    if (subject is None) == (channel == "email"):
        rule = "subject_missing" if subject is None else "subject_extra"
        yield BrokenRule("subject", rule, "e-mails have one, other channels null")
    if channel == "in_app" and "\n" in content:
        yield BrokenRule("content", "line_break", "in_app is a single line")
    if channel != "in_app" and PLACEHOLDER not in content:
        yield BrokenRule("content", "placeholder_missing", f"{PLACEHOLDER} is missing")
    yield from _rules_broken_by_text("content", content, longest=LENGTHS[channel])
    if subject is not None:
        if "\n" in subject:
            yield BrokenRule("subject", "line_break", "is not a single line")
        yield from _rules_broken_by_text("subject", subject, longest=LENGTHS["email_subject"])


def _rules_broken_by_text(field: str, text: str, *, longest: int) -> Iterator[BrokenRule]:
    if text.count(PLACEHOLDER) != len(_WELL_PLACED.findall(text)):
        sentence = f"{PLACEHOLDER} does not stand between a word with a space and punctuation"
        yield BrokenRule(field, "placeholder_place", sentence)
    if set("{}") & set(text.replace(PLACEHOLDER, "")):
        yield BrokenRule(field, "braces", f"the only placeholder is {PLACEHOLDER}")
    if len(text.replace(PLACEHOLDER, "x" * NAME_LENGTH)) > longest:
        sentence = f"longer than {longest} characters with a name of {NAME_LENGTH}"
        yield BrokenRule(field, "too_long", sentence, longest)


def first_broken_rule(error: ValidationError) -> tuple[tuple[int | str, ...], str]:
    """Return where the first rule is broken and what it says, without the value that broke it."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return first["loc"], first["msg"].removeprefix("Value error, ")


def read_questions(raw: object) -> tuple[Question, ...]:
    """Return plain data as 3 to 10 checked questions; `InvalidInput` names the first broken rule."""
    try:
        return _QUESTIONS.validate_python(raw)
    except ValidationError as error:
        where, rule = first_broken_rule(error)
        place = ".".join(["questions", *(str(part) for part in where)])
        raise InvalidInput(f"{place}: {rule}") from None


def shuffle_options(questions: Sequence[Question], *, seed_key: str) -> tuple[Question, ...]:
    """Return the questions with their options in a drawn order, each place holding the key equally often.

    The draw depends on the seed and the words only, not on the order they came in nor on a library's random
    numbers, so the same quiz looks the same on every machine and after every upgrade.
    """
    places = sorted(range(OPTIONS), key=lambda place: _draw(seed_key, f"place {place}"))
    turns = sorted(range(len(questions)), key=lambda turn: _draw(seed_key, f"turn {turn}"))
    return tuple(
        _with_key_at(places[turn % OPTIONS], question, seed_key)
        for question, turn in zip(questions, turns, strict=True)
    )


def _with_key_at(place: int, question: Question, seed_key: str) -> Question:
    key = question.options[question.answer_index]
    others = sorted(
        (option for option in question.options if option is not key),
        key=lambda option: _draw(seed_key, f"{question.id} {option.text}"),
    )
    options = (*others[:place], key, *others[place:])
    return question.model_copy(update={"options": options, "answer_index": place})


def _draw(seed_key: str, item: str) -> bytes:
    return sha256(f"{seed_key}\n{item}".encode()).digest()
