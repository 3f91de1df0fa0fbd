"""What each thing a page may ask takes: checked by type, size and choice before anything else looks at it.

What the table of learners takes is said where it is made, in `views.roster`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from engagement.targeting import limits
from engagement.vocabulary import CHANNELS, STATUSES

Id = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Words = Annotated[str, StringConstraints(max_length=2_000)]
Search = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Program = Annotated[str, StringConstraints(max_length=500)] | None
Page = Annotated[int, Field(ge=1, le=1_000_000)]
Version = Annotated[int, Field(ge=1)]
Kind = Literal["nudge", "quiz"]


class Arguments(BaseModel, extra="forbid", strict=True):
    """What the others stand on; by itself it takes nothing."""


class Hello(Arguments):
    ticket: Annotated[str, StringConstraints(max_length=2_000)]


class Overview(Arguments):
    program: Program = None


class Learner(Arguments):
    id: Id


class Remark(Arguments):
    learner_id: Id
    text: Words = ""


class WriteNudge(Arguments):
    learner_id: Id
    channel: Literal[CHANNELS]  # type: ignore[valid-type]


class WriteQuiz(Arguments):
    learner_id: Id
    topic: Search | None = None


class Draft(Arguments):
    id: Id
    version: Version


class Text(Arguments):
    channel: Literal[CHANNELS]  # type: ignore[valid-type]
    subject: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    content: Annotated[str, StringConstraints(max_length=20_000)]


class EditNudge(Draft):
    subject: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    content: Annotated[str, StringConstraints(max_length=20_000)]


class EditQuiz(Draft):
    questions: list[dict[str, Any]] = Field(max_length=20)  # read in full by `quiz.read_questions`


class Move(Arguments):
    kind: Kind
    items: list[Draft] = Field(min_length=1, max_length=500)
    to: Literal["approved", "rejected", "draft"]
    reason: Words = ""
    known: list[Literal[limits.LIMITS]] = Field(default_factory=list, max_length=len(limits.LIMITS))  # type: ignore[valid-type]


class QueueFilter(Arguments):
    kind: Kind
    status: Literal[STATUSES] = "draft"  # type: ignore[valid-type]
    program: Program = None
    written_by: Literal["any", "template", "model"] = "any"
    search: Search = ""


class Queue(QueueFilter):
    page: Page = 1


class ExportQueue(QueueFilter):
    format: Literal["xlsx", "json"]


class QuizFile(Arguments):
    id: Id
    format: Literal["moodle_xml", "gift", "qti"]
