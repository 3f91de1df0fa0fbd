"""The questions of a quiz: what they must hold, whoever wrote them, and where the right answers stand.

A model's answer and a file edited by hand go wrong in the same ways (three options, two alike, an index past the
end), so they pass through the same models. Options are put in order only afterwards: authors and models favour some
places for the right answer, and learners notice.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Final, Literal, Self, TypedDict

from pydantic import (
    AfterValidator,
    BaseModel,
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


class Option(BaseModel, frozen=True, extra="forbid"):
    """One of the four answers on offer, with what a learner reads after choosing it."""

    text: PlainText
    feedback: PlainText


class Question(BaseModel, frozen=True, extra="forbid"):
    """One multiple-choice question with exactly one right answer."""

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

    def texts(self) -> list[tuple[str, str]]:
        """Return every text of it with the name of its field."""
        return [
            ("stem", self.stem),
            ("explanation", self.explanation),
            *(
                pair
                for option in self.options
                for pair in (("text", option.text), ("feedback", option.feedback))
            ),
        ]


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
