"""Moodle's web services: one call, its answer, and what was answered before a connection was cut.

Every answer comes with status 200, an error too: it is one by its `exception`, and which by its `errorcode`, as its
message is in somebody's language. A fault of PHP has no code. The token goes in the body of a POST, and into no address
that a log would keep.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from engagement.errors import EngagementError, InvalidInput

if TYPE_CHECKING:
    import httpx2

PATH: Final = "/webservice/rest/server.php"
KEPT_FOR: Final = timedelta(hours=6)  # answers of a sync that was cut; older ones are asked for again
CALLS_A_SECOND: Final = 20  # of a server that teaches meanwhile
_TIMEOUT_S: Final = 60  # all grades of a thousand learners take it four seconds
_PAUSES_S: Final = (0.5, 2.0, 5.0)  # before another attempt
_TOO_MANY: Final = 429
_SERVER: Final = 500
_WHAT_TO_DO: Final = {
    "invalidtoken": "the token is not known there; ENGAGEMENT_MOODLE_TOKEN is to hold one that is",
    "accessexception": "the token may not: its service lacks the function, or its owner webservice/rest:use",
    "invalidrecord": "there is no such function, or nothing of that number",
    "nopermissions": "the owner of the token may not see it",
    "requireloginerror": "the owner of the token is not in the course",
}


class Refused(EngagementError):
    """Moodle answered with an error; `code` is its `errorcode`, empty for a fault of PHP."""

    def __init__(self, function: str, code: str) -> None:
        super().__init__(f"{function}: Moodle answers {code or 'a fault of its own'}")
        self.code = code


def checked_url(url: str) -> str:
    """Return the address of a Moodle; `InvalidInput` where a token would be read on its way."""
    parts = urlsplit(url)
    here = parts.hostname == "localhost"
    with suppress(ValueError):
        here = here or ip_address(parts.hostname or "").is_loopback
    if not parts.hostname or parts.scheme not in ("http", "https") or parts.query or parts.username:
        raise InvalidInput("url: is no address of a Moodle, such as https://moodle.example.invalid")
    if parts.scheme == "http" and not here:
        raise InvalidInput("url: https is needed; http is for this machine only")
    return url.rstrip("/").removesuffix(PATH)


class Web:
    """A Moodle that is asked, within a `with`; what it answered stands in the file `kept` until `done`."""

    def __init__(
        self,
        url: str,
        token: str,
        kept: Path,
        *,
        now: datetime,
        transport: "httpx2.BaseTransport | None" = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx2

        self.calls = 0
        self.answered_before = 0
        self._url = checked_url(url)
        self._token = token
        self._kept = kept
        self._now = now
        self._sleep = sleep
        self._errors = (httpx2.TransportError,)
        self._client = httpx2.Client(timeout=_TIMEOUT_S, transport=transport, follow_redirects=False)
        self._answers = _read(kept, now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, function: str, **parameters: Any) -> Any:
        """Return what a function answers; raises `Refused` for an error of Moodle's."""
        flat = dict(_flat(parameters))
        key = hashlib.sha256(json.dumps([self._url, function, flat], sort_keys=True).encode()).hexdigest()
        if key in self._answers:
            self.answered_before += 1
            return self._answers[key]
        answer = self._asked(function, flat)
        if isinstance(answer, Mapping) and "exception" in answer:
            code = str(answer.get("errorcode") or "")
            if code in _WHAT_TO_DO:
                raise InvalidInput(f"{function}: Moodle answers {code}: {_WHAT_TO_DO[code]}")
            raise Refused(function, code)
        self._answers[key] = answer
        self._keep(key, answer)
        return answer

    def done(self) -> None:
        """Forget what was answered: it is loaded."""
        self._kept.unlink(missing_ok=True)

    def _asked(self, function: str, flat: Mapping[str, str]) -> Any:
        body = {"wstoken": self._token, "wsfunction": function, "moodlewsrestformat": "json", **flat}
        why = ""
        for pause in (*_PAUSES_S, None):
            self._sleep(1 / CALLS_A_SECOND if not why else 0)
            self.calls += 1
            try:
                response = self._client.post(self._url + PATH, data=body)
            except self._errors as error:
                why = type(error).__name__
            else:
                if response.status_code != _TOO_MANY and response.status_code < _SERVER:
                    return self._read_answer(function, response)
                why = f"status {response.status_code}"
            if pause is not None:
                self._sleep(pause)
        raise EngagementError(
            f"{function}: {urlsplit(self._url).hostname} cannot be reached ({why}); what it answered so far is kept, "
            "and the same command asks for the rest"
        )

    @staticmethod
    def _read_answer(function: str, response: "httpx2.Response") -> Any:
        try:
            return response.json()
        except ValueError:
            raise InvalidInput(
                f"{function}: what answers is no web service of Moodle (status {response.status_code}); is the address "
                "that of its front page, and are its web services on?"
            ) from None

    def _keep(self, key: str, answer: Any) -> None:
        line = json.dumps({"at": self._now.isoformat(), "key": key, "answer": answer}, ensure_ascii=False)
        handle = os.open(self._kept, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def _read(kept: Path, now: datetime) -> dict[str, Any]:
    """Return the answers that a sync before left behind; one that was cut while it was written is none."""
    found: dict[str, Any] = {}
    if not kept.is_file():
        return found
    with kept.open(encoding="utf-8") as file:
        for line in file:
            with suppress(ValueError, KeyError, TypeError):
                told = json.loads(line)
                if now - datetime.fromisoformat(told["at"]) <= KEPT_FOR:
                    found[told["key"]] = told["answer"]
    if not found:
        kept.unlink()
    return found


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Return parameters as Moodle wants them.

    >>> _flat({"courseid": 2, "options": [{"name": "a", "value": 1}]})
    [('courseid', '2'), ('options[0][name]', 'a'), ('options[0][value]', '1')]
    """
    if isinstance(value, Mapping):
        parts = [(f"{name}[{key}]" if name else str(key), each) for key, each in value.items()]
    elif isinstance(value, list):
        parts = [(f"{name}[{at}]", each) for at, each in enumerate(value)]
    else:
        return [(name, str(value))]
    return [flat for inner, each in parts for flat in _flat(each, inner)]
