"""What a service answers, read: a reply with its tokens, or a failure that says what it means.

An answer is untrusted. It is read through small models that look at nothing but what is needed: the client library
hands on a page of HTML, a missing list or a null as if they were answers.
"""

import email.utils
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

_LONGEST_WAIT_S: Final = 86_400.0  # that a service is believed to mean
_MOST_TOKENS: Final = 10**9  # of one request, that a service is believed to have counted


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, unchecked, and the tokens it counted (0 where it did not say)."""

    text: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int


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


class _Lenient(BaseModel):
    """A part of an answer; what is not named here is not looked at."""


def _tokens(value: object) -> int:
    """Return a count of tokens, 0 for what is none: an answer is not worth less for it."""
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else 0


_Tokens = Annotated[int, BeforeValidator(_tokens)]


class _InputDetails(_Lenient):
    cached_tokens: _Tokens = 0


class _ResponseUsage(_Lenient):
    input_tokens: _Tokens = 0
    output_tokens: _Tokens = 0
    input_tokens_details: _InputDetails | None = None


class _Part(_Lenient):
    type: str
    text: str | None = None


class _Item(_Lenient):
    type: str
    content: list[_Part] | None = None


class _Response(_Lenient):
    status: str | None = None
    output: list[_Item]
    usage: _ResponseUsage | None = None


class _Message(_Lenient):
    content: str | None = None
    refusal: str | None = None


class _Choice(_Lenient):
    message: _Message
    finish_reason: str | None = None


class _ChatUsage(_Lenient):
    prompt_tokens: _Tokens = 0
    completion_tokens: _Tokens = 0
    prompt_tokens_details: _InputDetails | None = None


class _Chat(_Lenient):
    choices: list[_Choice] = Field(min_length=1)
    usage: _ChatUsage | None = None


def read_response(body: str) -> Reply:
    """Return the reply in a body of the Responses API; `Failure` where there is none, `Refused` for a refusal."""
    try:
        response = _Response.model_validate_json(body)
    except ValidationError:
        raise _unreadable(body) from None
    parts = [part for item in response.output if item.type == "message" for part in item.content or []]
    usage = response.usage or _ResponseUsage()
    details = usage.input_tokens_details or _InputDetails()
    text = "".join(part.text or "" for part in parts if part.type == "output_text")
    reply = Reply(text, usage.input_tokens, details.cached_tokens, usage.output_tokens)
    if any(part.type == "refusal" for part in parts):
        raise Refused(reply)
    return reply


def read_chat(body: str) -> Reply:
    """Return the reply in a body of chat completions, as `read_response`."""
    try:
        chat = _Chat.model_validate_json(body)
    except ValidationError:
        raise _unreadable(body) from None
    first = chat.choices[0]
    usage = chat.usage or _ChatUsage()
    details = usage.prompt_tokens_details or _InputDetails()
    reply = Reply(
        first.message.content or "", usage.prompt_tokens, details.cached_tokens, usage.completion_tokens
    )
    if first.message.refusal or first.finish_reason == "content_filter":
        raise Refused(reply)
    return reply


def _unreadable(body: str) -> Failure:
    """Return what an envelope means that is no answer: a page from something between, or a cut or mistaken one."""
    reason = "invalid_output" if body.lstrip()[:1] in ("{", "[") else "unavailable"
    return Failure(reason, is_outage=True, may_cost=True)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long the service asks to wait, from seconds or a date; None where it says nothing readable.

    A date is held against the service's own clock where it shows one: ours may be wrong.
    """
    text = headers.get("retry-after", "")
    try:
        wait_s = float(text)
    except ValueError:
        until, now = _instant(text), _instant(headers.get("date", ""))
        if until is None:
            return None
        wait_s = until - (time.time() if now is None else now)
    return None if math.isnan(wait_s) else min(max(wait_s, 0.0), _LONGEST_WAIT_S)


def _instant(text: str) -> float | None:
    """Return the date of a header as seconds since 1970; None where it is none."""
    date = email.utils.parsedate_tz(text)
    try:
        return None if date is None else email.utils.mktime_tz(date)
    except (ValueError, OverflowError):  # a year there is not
        return None
