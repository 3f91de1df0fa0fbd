"""The wire to a model: one request, one answer or one `Failure` that says what it means.

Any server that speaks OpenAI's protocol will do. The way that binds an answer most is tried first; what the server does
not take is left out from then on (`protocol`). The client library tries once, follows no redirect and checks nothing:
attempts, deadlines and checks are `service`'s.
"""

import email.utils
import math
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from engagement.dates import unix_s, utc_now
from engagement.errors import InvalidInput
from engagement.llm.prompts import Prompt
from engagement.llm.protocol import WAYS, Failure, Reply, Way, body, read

if TYPE_CHECKING:
    import httpx2
    import openai

DEFAULT_BASE_URL: Final = "https://api.openai.com/v1"

_NO_RESPONSES_API: Final = (404, 405, 501)
_QUOTA_CODES: Final = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
_MODEL_CODES: Final = ("model_not_found", "unsupported_model")
_OF_A_REQUEST: Final = (400, 422)
_OF_A_SERVER: Final = 500
# What stands in the error of a server that does not know a form of answers.
_FORM: Final = re.compile(
    r"response_format|json_schema|json_object|text\.format|schema|grammar", re.IGNORECASE
)
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
    timeout_s: float = 8  # for a text of a batch; where a person waits it is eight

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


class Wire:
    """One client of one service. Belongs to the event loop it is first used in."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._client: openai.AsyncOpenAI | None = None
        self.way = WAYS[0]  # the first that the server took, once it took one
        self._is_sure = False

    async def ask(self, prompt: Prompt, *, broken_rule: str = "") -> Reply:
        """Return the model's answer; every other outcome is a `Failure`, but for being cancelled.

        `broken_rule` is what the last answer to the same prompt did wrong.
        """
        import openai

        refusals: list[Failure] = []
        prose: Reply | None = None
        for way in WAYS[WAYS.index(self.way) :]:
            try:
                answer = await self._post(way.api, body(way, self._model.name, prompt, broken_rule))
            except openai.APIStatusError as error:
                if not _is_no_api(way, error):
                    refusals.append(_meaning(error))
                    if not self._is_about_the_way(error):
                        raise refusals[-1] from None
            except openai.APIConnectionError as error:
                never_left = _never_left(error)
                raise Failure(
                    "unavailable", is_outage=True, may_cost=not never_left, never_left=never_left
                ) from None
            else:
                reply = read(way, answer).after(prose)
                if self._is_sure or "{" in reply.text:
                    self.way, self._is_sure = way, True
                    return reply
                prose = reply  # the server takes the form, and does not keep to it
        self._is_sure = True  # no other way helps: from now on such an error is one of the request
        if prose is None:
            raise refusals[0]
        self.way = WAYS[-1]
        return prose

    def _is_about_the_way(self, error: "openai.APIStatusError") -> bool:
        """Return whether another way may help: where none has worked yet, or the error names the form."""
        if _code(error) in _MODEL_CODES:
            return False
        names_it = bool(_FORM.search(f"{error.message} {error.body}"))
        return (error.status_code in _OF_A_REQUEST and (names_it or not self._is_sure)) or (
            error.status_code == _OF_A_SERVER and names_it
        )

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


def _is_no_api(way: Way, error: "openai.APIStatusError") -> bool:
    """Return whether the server has no such API; a model that it does not have is another matter."""
    return (
        way.api == "responses" and error.status_code in _NO_RESPONSES_API and _code(error) not in _MODEL_CODES
    )


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
