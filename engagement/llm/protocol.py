"""What is sent to a model and read from it, in each of the ways that servers of OpenAI's protocol have.

An answer is untrusted. It is read through small models that look at nothing but what is needed: the client library
hands on a page of HTML, a missing list or a null as if they were answers.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, ValidationError

from engagement.llm.prompts import Prompt, Task

_MOST_TOKENS: Final = 10**9  # of one request, that a service is believed to have counted
_MOST_STARTS: Final = 20  # of an object that are tried in an answer with other text around it
_SHAPE_IN_WORDS: Final = "\n\nAnswer with one JSON object and nothing around it, by this JSON schema:\n"


@dataclass(frozen=True)
class Way:
    """Which API is asked, and in which form the shape of the answer is told."""

    api: Literal["responses", "chat/completions"]
    form: Literal["json_schema", "json_object with a schema", "json_object", "text"]

    def __str__(self) -> str:
        return f"{self.api}, {self.form}"


# From what binds an answer most to what every server takes.
WAYS: Final = (
    Way("responses", "json_schema"),
    Way("chat/completions", "json_schema"),
    Way("chat/completions", "json_object with a schema"),
    Way("chat/completions", "json_object"),
    Way("chat/completions", "text"),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, unchecked, and the tokens it counted (0 where it did not say)."""

    text: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int

    def after(self, other: "Reply | None") -> "Reply":
        """Return the same with the tokens of another reply to the same prompt, which was none."""
        if other is None:
            return self
        return Reply(
            self.text,
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
        )


class Failure(Exception):
    """No answer.

    Attributes
    ----------
    reason
        As it stands beside the template.
    is_outage
        The service fails at the moment; trying again later may help.
    ends_run
        Trying again is of no use before a person has changed something.
    retry_after_s
        What the service asked to wait; None where it did not say.
    may_cost
        Whether the request may have been worked on, and be on the bill.
    never_left
        Nobody was reached: nothing was told to anybody.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_outage: bool = False,
        ends_run: bool = False,
        retry_after_s: float | None = None,
        may_cost: bool = False,
        never_left: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_outage = is_outage
        self.ends_run = ends_run
        self.retry_after_s = retry_after_s
        self.may_cost = may_cost
        self.never_left = never_left


class Refused(Failure):
    """The model declined; the tokens count all the same."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("refused")
        self.reply = reply


def body(way: Way, model: str, prompt: Prompt, broken_rule: str) -> dict[str, Any]:
    """Return the request; `broken_rule` is what the last answer to the same prompt did wrong."""
    task = prompt.task
    data = prompt.data
    if broken_rule:
        data += f"\n\nYour last answer broke a rule ({broken_rule}). Write it anew."
    schema = {"name": task.kind, "strict": True, "schema": dict(task.schema)}
    if way.api == "responses":
        return {
            "model": model,
            "instructions": task.instructions,
            "input": data,
            "text": {"format": {"type": "json_schema", **schema}},
            "max_output_tokens": task.max_output_tokens,
            "store": False,
        }
    forms = {
        "json_schema": {"type": "json_schema", "json_schema": schema},
        "json_object with a schema": {"type": "json_object", "schema": dict(task.schema)},
        "json_object": {"type": "json_object"},
    }
    told = {"response_format": forms[way.form]} if way.form in forms else {}
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": task.instructions + _shape_in_words(way, task)},
            {"role": "user", "content": data},
        ],
        **told,
        "max_tokens": task.max_output_tokens,
    }


def _shape_in_words(way: Way, task: Task) -> str:
    return "" if way.form == "json_schema" else _SHAPE_IN_WORDS + json.dumps(task.schema)


def read(way: Way, answer: str) -> Reply:
    """Return the reply in an answer; `Failure` where there is none, `Refused` for a refusal."""
    shape: type[_Response] | type[_Chat] = _Response if way.api == "responses" else _Chat
    try:
        found = shape.model_validate_json(answer)
    except ValidationError:
        # A page from something between, or an answer that is cut or mistaken.
        reason = "invalid_output" if answer.lstrip()[:1] in ("{", "[") else "unavailable"
        raise Failure(reason, is_outage=True, may_cost=True) from None
    text, declined = found.said()
    if way.form != "json_schema":
        text = only_object(text)
    usage = found.usage or _Usage()
    reply = Reply(text, usage.read, (usage.details or _InputDetails()).cached_tokens, usage.written)
    if declined:
        raise Refused(reply)
    return reply


def only_object(text: str) -> str:
    """Return the first JSON object in a text, without what a model writes around it; the text where there is none.

    >>> only_object('Sure! ```json {"body": "Hello"}```')
    '{"body": "Hello"}'
    """
    at, decoder = -1, json.JSONDecoder()
    for _ in range(_MOST_STARTS):
        if (at := text.find("{", at + 1)) < 0:
            break
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            continue
        return text[at:end]
    return text


def _tokens(value: object) -> int:
    """Return a count of tokens, 0 for what is none: an answer is not worth less for it."""
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else 0


_Tokens = Annotated[int, BeforeValidator(_tokens)]


# The parts of an answer. What is not named here is not looked at.


class _InputDetails(BaseModel):
    cached_tokens: _Tokens = 0


class _Usage(BaseModel):
    """The tokens, by either of the two protocols' names."""

    read: _Tokens = Field(0, validation_alias=AliasChoices("input_tokens", "prompt_tokens"))
    written: _Tokens = Field(0, validation_alias=AliasChoices("output_tokens", "completion_tokens"))
    details: _InputDetails | None = Field(
        None, validation_alias=AliasChoices("input_tokens_details", "prompt_tokens_details")
    )


class _Part(BaseModel):
    type: str
    text: str | None = None


class _Item(BaseModel):
    type: str
    content: list[_Part] | None = None


class _Response(BaseModel):
    status: str | None = None
    output: list[_Item]
    usage: _Usage | None = None

    def said(self) -> tuple[str, bool]:
        """Return the text, and whether the model declined."""
        parts = [part for item in self.output if item.type == "message" for part in item.content or []]
        return (
            "".join(part.text or "" for part in parts if part.type == "output_text"),
            any(part.type == "refusal" for part in parts),
        )


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Chat(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None

    def said(self) -> tuple[str, bool]:
        """Return what `_Response` does."""
        first = self.choices[0]
        declined = bool(first.message.refusal) or first.finish_reason == "content_filter"
        return first.message.content or "", declined
