"""The wire to a model: one request, one answer or one `Failure` that says what it means.

Any server that speaks OpenAI's protocol will do. The Responses API is asked first; where a server has none, its chat
completions, from then on. The client library tries once, follows no redirect and checks nothing: attempts, deadlines
and checks are `service`'s.

An answer is untrusted. It is read through small models that look at nothing but what is needed: the client library
hands on a page of HTML, a missing list or a null as if they were answers.
"""

import email.utils
import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, cast
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, SecretStr, ValidationError

from engagement.dates import unix_s, utc_now
from engagement.errors import InvalidInput
from engagement.llm.prompts import Prompt

if TYPE_CHECKING:
    import httpx2
    import openai

DEFAULT_BASE_URL: Final = "https://api.openai.com/v1"

_NO_RESPONSES_API: Final = (404, 405, 501)
_QUOTA_CODES: Final = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
_MODEL_CODES: Final = ("model_not_found", "unsupported_model")
_TRY_AGAIN: Final = (408, 409, 425)  # and everything from 500 on
# The library would tell the service about this machine.
_ABOUT_US: Final = tuple(
    f"X-Stainless-{what}"
    for what in (
        "Lang",
        "Package-Version",
        "OS",
        "Arch",
        "Runtime",
        "Runtime-Version",
        "Async",
        "Read-Timeout",
    )
)
_MOST_BYTES: Final = 4_000_000  # of an answer
_LONGEST_WAIT_S: Final = 86_400.0  # that a service is believed to mean
_MOST_TOKENS: Final = 10**9  # of one request, that a service is believed to have counted


@dataclass(frozen=True)
class Model:
    """Which model is asked, where, and how much of it at once."""

    name: str
    key: SecretStr
    base_url: str = field(default=DEFAULT_BASE_URL, repr=False)  # a password may be in it
    concurrency: int = 64
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    outage_wait_s: float = 60

    @property
    def address(self) -> str:
        """The base URL without what may be secret in it, for keys and records; `InvalidInput` where it is none."""
        try:
            parts = urlsplit(self.base_url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            raise InvalidInput("OPENAI_BASE_URL: is no address, such as http://127.0.0.1:8000/v1") from None
        host = parts.hostname or ""
        return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


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


class Wire:
    """One client of one service. Belongs to the event loop it is first used in."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._client: openai.AsyncOpenAI | None = None
        self._speaks_responses = True

    async def ask(self, prompt: Prompt, *, broken_rule: str = "") -> Reply:
        """Return the model's answer; every other outcome is a `Failure`, but for being cancelled.

        `broken_rule` is what the last answer to the same prompt did wrong.
        """
        import openai

        try:
            if self._speaks_responses:
                try:
                    return _read(
                        _Response, await self._post("responses", self._as_response(prompt, broken_rule))
                    )
                except openai.APIStatusError as error:
                    if error.status_code not in _NO_RESPONSES_API or _code(error) in _MODEL_CODES:
                        raise
                    self._speaks_responses = False
            return _read(_Chat, await self._post("chat/completions", self._as_chat(prompt, broken_rule)))
        except openai.APIStatusError as error:
            raise _meaning(error) from None
        except openai.APIConnectionError as error:
            never_left = _never_left(error)
            raise Failure(
                "unavailable", is_outage=True, may_cost=not never_left, never_left=never_left
            ) from None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    def open(self) -> "openai.AsyncOpenAI":
        """Return the client. The first time takes seconds, for its library; `Failure` where no header holds the key."""
        import openai

        if self._client is None:
            key = self._model.key.get_secret_value()
            if not (key and key.isascii() and key.isprintable()):  # no header can hold it
                raise Failure("unauthorized", ends_run=True, never_left=True)
            self._client = openai.AsyncOpenAI(
                api_key=key,
                base_url=self._model.base_url,
                max_retries=0,
                timeout=None,
                default_headers=dict.fromkeys(_ABOUT_US, cast("Any", openai.Omit())),
                # A redirect would carry the prompt to another address than the one that was set.
                http_client=openai.DefaultAioHttpClient(
                    follow_redirects=False, timeout=None, event_hooks={"response": [_limit]}
                ),
            )
        return self._client

    async def _post(self, path: str, body: Mapping[str, Any]) -> str:
        client = self.open()
        # An address that is whole already need not be put together for each request.
        text: str = await client.post(f"{client.base_url}{path}", cast_to=str, body=body)
        return text

    def _as_response(self, prompt: Prompt, broken_rule: str) -> dict[str, Any]:
        task = prompt.task
        return {
            "model": self._model.name,
            "instructions": task.instructions,
            "input": _with_hint(prompt.data, broken_rule),
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": task.kind,
                    "strict": True,
                    "schema": dict(task.schema),
                }
            },
            "max_output_tokens": task.max_output_tokens,
            "store": False,
        }

    def _as_chat(self, prompt: Prompt, broken_rule: str) -> dict[str, Any]:
        task = prompt.task
        return {
            "model": self._model.name,
            "messages": [
                {"role": "system", "content": task.instructions},
                {"role": "user", "content": _with_hint(prompt.data, broken_rule)},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": task.kind, "strict": True, "schema": dict(task.schema)},
            },
            "max_tokens": task.max_output_tokens,
        }


async def _limit(response: "httpx2.Response") -> None:
    """Let no more of a body in than an answer can have: eight seconds of one that never ends fill the memory."""
    response.stream = _limited()(cast("httpx2.AsyncByteStream", response.stream))


@cache
def _limited() -> "Callable[[httpx2.AsyncByteStream], httpx2.AsyncByteStream]":
    import httpx2

    class Limited(httpx2.AsyncByteStream):
        def __init__(self, body: httpx2.AsyncByteStream) -> None:
            self._body = body

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = _MOST_BYTES
            async for chunk in self._body:
                left -= len(chunk)
                if left < 0:
                    raise httpx2.ReadError("longer than an answer can be")
                yield chunk

        async def aclose(self) -> None:
            await self._body.aclose()

    return Limited


def _with_hint(data: str, broken_rule: str) -> str:
    return f"{data}\n\nYour last answer broke a rule ({broken_rule}). Write it anew." if broken_rule else data


def _meaning(error: "openai.APIStatusError") -> Failure:
    status, code = error.status_code, _code(error)
    if code in _QUOTA_CODES or status == 402:
        return Failure("no_quota", ends_run=True)
    if status in (401, 403):
        return Failure("unauthorized", ends_run=True)
    if status == 404 or code in _MODEL_CODES:
        return Failure("no_such_model", ends_run=True)
    if status == 429:
        return Failure("rate_limited", retry_after_s=_retry_after_s(error.response.headers))
    if status in _TRY_AGAIN or status >= 500:
        return Failure("unavailable", is_outage=True, retry_after_s=_retry_after_s(error.response.headers))
    return Failure("bad_request")


def _never_left(error: "openai.APIConnectionError") -> bool:
    """Return whether nobody was reached. The layers between call a connection that was lost a failed one, too."""
    import aiohttp

    cause = error.__cause__
    return (
        isinstance(cause and cause.__cause__, aiohttp.ClientConnectorError)
        or type(cause).__name__ == "UnsupportedProtocol"
    )


def _code(error: "openai.APIStatusError") -> str | None:
    """Return the service's own word for an error; a body may hold anything."""
    body = error.body
    return str(body.get("code") or body.get("type") or "") if isinstance(body, dict) else None


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


def _read(shape: type[_Response] | type[_Chat], body: str) -> Reply:
    """Return the reply in a body of that shape; `Failure` where there is none, `Refused` for a refusal."""
    try:
        answer = shape.model_validate_json(body)
    except ValidationError:
        # A page from something between, or an answer that is cut or mistaken.
        reason = "invalid_output" if body.lstrip()[:1] in ("{", "[") else "unavailable"
        raise Failure(reason, is_outage=True, may_cost=True) from None
    text, declined = answer.said()
    usage = answer.usage or _Usage()
    reply = Reply(text, usage.read, (usage.details or _InputDetails()).cached_tokens, usage.written)
    if declined:
        raise Refused(reply)
    return reply


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
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
        wait_s = until - (unix_s(utc_now()) if now is None else now)
    return None if math.isnan(wait_s) else min(max(wait_s, 0.0), _LONGEST_WAIT_S)


def _instant(text: str) -> float | None:
    """Return the date of a header as seconds since 1970; None where it is none."""
    date = email.utils.parsedate_tz(text)
    try:
        return None if date is None else email.utils.mktime_tz(date)
    except (ValueError, OverflowError):  # a year there is not
        return None
