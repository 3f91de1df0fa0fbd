"""Texts written by people, for every moment in which no model can write one.

A learner is owed a message even when there is no key, no network or no sensible answer. So there is a text
for every type, channel and language, three of each, in JSON files beside the package that anybody may edit.
They are checked whole when they are read: a gap found during an outage is found too late.

Which of the three is drawn depends only on the key passed in, so asking again gives the same text. The name
is not filled in here (see `names`).
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from engagement.content.generation import Generation
from engagement.content.nudge_text import check_nudge
from engagement.content.quiz import PlainText, Questions, first_broken_rule, shuffle_options
from engagement.errors import InvalidInput
from engagement.vocabulary import CHANNELS, NUDGE_TYPES

VARIANTS: Final = 3  # enough that a learner who is nudged again seldom meets the same words
ORDERS: Final = 64  # of a quiz's options: two neighbours seldom have the same, and each is written only once
DEFAULT_LOCALE: Final = "en"

FOLDER: Final = Path(__file__).parents[2] / "fallbacks"

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$")]


class NudgeText(BaseModel, frozen=True, extra="forbid"):
    """One nudge as it stands in a file."""

    id: PlainText
    type: Literal[NUDGE_TYPES]  # type: ignore[valid-type]
    channel: str
    variant: Annotated[int, Field(strict=True, ge=1, le=VARIANTS)]
    subject: PlainText | None
    content: PlainText

    @model_validator(mode="after")
    def _follows_the_rules(self) -> Self:
        if self.channel not in CHANNELS:
            raise ValueError(f"channel: allowed are {', '.join(CHANNELS)}")
        if self.id != f"{self.type}.{self.channel}.{self.variant}":
            raise ValueError("id: is not type.channel.variant")
        check_nudge(self.channel, self.subject, self.content)
        return self


class NudgeFile(BaseModel, frozen=True, extra="forbid"):
    """All nudges in one language."""

    version: Version
    locale: Language
    nudges: tuple[NudgeText, ...]

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        wanted = {
            f"{type}.{channel}.{variant}"
            for type in NUDGE_TYPES
            for channel in CHANNELS
            for variant in range(1, VARIANTS + 1)
        }
        _check_ids([entry.id for entry in self.nudges])
        if missing := sorted(wanted - {entry.id for entry in self.nudges}):
            raise ValueError(f"{len(missing)} of {len(wanted)} texts are missing, first {missing[0]}")
        return self


class QuizText(BaseModel, frozen=True, extra="forbid"):
    """One quiz as it stands in a file; without a topic it is the reflective one."""

    id: PlainText
    topic: PlainText | None
    title: PlainText
    questions: Questions


class QuizFile(BaseModel, frozen=True, extra="forbid"):
    """All quizzes in one language."""

    version: Version
    locale: Language
    quizzes: tuple[QuizText, ...]

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        _check_ids([entry.id for entry in self.quizzes])
        topics = [_same_topic(entry.topic) for entry in self.quizzes]
        if len(set(topics)) < len(topics):
            raise ValueError("two quizzes have the same topic")
        if None not in topics:
            raise ValueError("the reflective quiz, with topic null, is missing")
        return self

    def on(self, topic: str | None) -> QuizText:
        """Return the quiz on the topic, or the reflective one."""
        quizzes = {_same_topic(entry.topic): entry for entry in self.quizzes}
        return quizzes.get(_same_topic(topic), quizzes[None])


AnyFile = TypeVar("AnyFile", NudgeFile, QuizFile)


def load_nudges(folder: Path = FOLDER) -> Mapping[str, NudgeFile]:
    """Return the checked nudges of a folder by language; a broken file is `InvalidInput`."""
    return _load(folder, "nudges", NudgeFile)


def load_quizzes(folder: Path = FOLDER) -> Mapping[str, QuizFile]:
    """Return the checked quizzes of a folder by language; a broken file is `InvalidInput`."""
    return _load(folder, "quizzes", QuizFile)


def nudge(
    *,
    type: str,
    channel: str,
    locale: str | None,
    variant_key: str = "",
    variant: int | None = None,
    folder: Path | None = None,
    reason: str = "no_model",
) -> Generation:
    """Return a nudge written by people, its placeholder still in place.

    Of a locale such as "de-AT" the language counts; English stands in for a language without texts. The
    variant key is whatever should keep the same words, such as learner, campaign and week joined; who has
    drawn with it already passes the `variant`, from 1.
    """
    if type not in NUDGE_TYPES:
        raise InvalidInput(f"type: unknown, allowed are {', '.join(NUDGE_TYPES)}")
    if channel not in CHANNELS:
        raise InvalidInput(f"channel: unknown, allowed are {', '.join(CHANNELS)}")
    file = nearest(locale, load_nudges(folder or FOLDER))
    wanted = f"{type}.{channel}.{variant or drawn(variant_key, VARIANTS) + 1}"
    text = next(entry for entry in file.nudges if entry.id == wanted)
    return Generation(
        content=text.content,
        prompt_version=f"template-{file.version}",
        gpt_fallback=True,
        subject=text.subject,
        reason=reason,
        fallback_id=f"{text.id}.{file.locale}",
    )


def quiz(
    *,
    topic: str | None,
    locale: str | None,
    seed_key: str = "",
    order: int | None = None,
    folder: Path | None = None,
    reason: str = "no_model",
) -> Generation:
    """Return a quiz written by people, on the topic if there is one, else on noticing how one studies.

    The seed key is whatever should keep the same order of options; who has drawn with it already passes the
    `order`, from 0.
    """
    file = nearest(locale, load_quizzes(folder or FOLDER))
    text = file.on(topic)
    number = drawn(seed_key, ORDERS) if order is None else order
    questions = shuffle_options(text.questions, seed_key=f"order {number}")
    return Generation(
        content=[question.as_dict() for question in questions],
        topic=text.topic,
        prompt_version=f"template-{file.version}",
        gpt_fallback=True,
        reason=reason,
        fallback_id=f"{text.id}.{file.locale}",
    )


def nearest(locale: str | None, files: Mapping[str, AnyFile]) -> AnyFile:
    """Return the texts in which a learner is written to: in their own language where there are some, else English."""
    language = re.split("[-_]", (locale or "").strip().casefold(), maxsplit=1)[0]
    return files.get(language, files[DEFAULT_LOCALE])


def drawn(key: str, choices: int) -> int:
    """Return one of 0 to `choices` - 1, the same for the same key; the store's macro `drawn` returns the same."""
    return int(sha256(key.encode()).hexdigest(), 16) % choices


@cache  # here, where a folder is a folder however it was told
def _load(folder: Path, kind: str, model: type[AnyFile]) -> Mapping[str, AnyFile]:
    files = {
        file.locale: file for file in (_read(path, model) for path in sorted(folder.glob(f"{kind}.*.json")))
    }
    if DEFAULT_LOCALE not in files:
        raise InvalidInput(f"{kind}.{DEFAULT_LOCALE}.json: not found in folder '{folder.name}'")
    return MappingProxyType(files)


def _read(path: Path, model: type[AnyFile]) -> AnyFile:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidInput(f"{path.name}: cannot be read as JSON in UTF-8{line}") from error
    try:
        file = model.model_validate(raw)
    except ValidationError as error:
        where, rule = first_broken_rule(error)
        raise InvalidInput(f"{path.name}: {_place(raw, where)}{rule}") from None
    if path.stem.split(".", maxsplit=1)[1] != file.locale:
        raise InvalidInput(f"{path.name}: locale: is not the one in the file's name")
    return file


def _place(raw: object, where: tuple[int | str, ...]) -> str:
    """Return where a rule is broken, with the entry's own id in place of its number where it has one."""
    match where:
        case (str(kind), int(number), *rest) if isinstance(raw, dict):
            entry = raw[kind][number]
            known = entry.get("id") if isinstance(entry, dict) else None
            parts = [known if isinstance(known, str) else f"{kind}.{number}", *(str(part) for part in rest)]
        case _:
            parts = [str(part) for part in where]
    return "".join(f"{part}: " for part in [parts[0], ".".join(parts[1:])] if part) if parts else ""


def _check_ids(ids: Iterable[str]) -> None:
    if twice := [id for id, count in Counter(ids).items() if count > 1]:
        raise ValueError(f"{twice[0]}: stands there twice")


def _same_topic(topic: str | None) -> str | None:
    return " ".join((topic or "").casefold().split()) or None
