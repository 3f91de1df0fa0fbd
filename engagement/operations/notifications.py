"""A run that failed tells somebody: by a command, by a webhook, or by neither, which is the default.

A scheduled run has nobody at the terminal. What is said is the error's own text, which names no learner, where it
happened and what to do. A notice never changes how the run ends: one that fails, or is not through in ten seconds, is
a line in the log.

A run that is killed (`kill -9`, no memory left, no power) or never starts says nothing here. `engagement doctor` says
of each pipeline how old its last run is, and whether it stopped midway.
"""

import json
import logging
import os
import platform
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from engagement.errors import EngagementError, StoreBusy
from engagement.text import one_line

if TYPE_CHECKING:
    from engagement.pipeline.runner import RunResult
    from engagement.settings import Settings

_log = logging.getLogger(__name__)

MOST_S: Final = 10.0  # that a notice may take
_LONGEST: Final = 2_000  # characters of a message
# In a chat <...> and @ call everybody or make a link, and an error may hold the name of a file.
_INERT: Final = str.maketrans({"<": "‹", ">": "›", "@": "＠"})


@dataclass(frozen=True)
class Notice:
    """What is told of a run; `status` is failed, busy (another run works) or look (it is published)."""

    text: str
    pipeline: str
    status: str
    exit_code: int
    run_id: str

    def as_json(self) -> bytes:
        """Return the body of a webhook's request; most chats show `text`."""
        return json.dumps({**asdict(self), "text": self.text.translate(_INERT)}, ensure_ascii=False).encode()


@contextmanager
def of_failure(settings: "Settings", pipeline: str, *, wanted: bool = True) -> Iterator[None]:
    """Tell of whatever fails in the block, which goes on failing as it would have."""
    try:
        yield
    except Exception as error:
        if wanted:
            send(settings, failure(error, pipeline))
        raise


def failure(error: Exception, pipeline: str) -> Notice:
    """Return the notice of an error. Of one that is not ours only the kind is told: its text may name a learner."""
    name = one_line(pipeline, 60)
    busy = isinstance(error, StoreBusy)
    said, code, run_id = f"{type(error).__name__}; the log says more", EngagementError.exit_code, ""
    if isinstance(error, EngagementError):
        said, code, run_id = str(error), error.exit_code, error.run_id
    when = "Nothing is lost; later" if busy else "When that is mended,"
    then = "goes on from there" if run_id else "does it"
    text = (
        f"{name} failed on {platform.node()}, exit code {code}: {said}. "
        f"{when} the same `engagement run {name}` {then}."
    )
    return Notice(one_line(text, _LONGEST), name, "busy" if busy else "failed", code, run_id)


def to_look_at(result: "RunResult", *, exit_code: int) -> Notice:
    """Return the notice of a run that is published although a person should look at it."""
    run = result.run
    report = f" The report: {result.report}" if result.report else ""
    text = f"{run.pipeline} is published on {platform.node()}, but please look: {result.look}.{report}"
    return Notice(one_line(text, _LONGEST), run.pipeline, "look", exit_code, run.run_id)


def send(settings: "Settings", notice: Notice) -> None:
    """Tell whoever the settings name, within `MOST_S`; what fails is logged and changes nothing."""
    deadline = time.monotonic() + MOST_S
    command, webhook = settings.notify_command, settings.notify_webhook
    failed: list[str] = []
    posting = None
    if webhook is not None:
        address = webhook.get_secret_value()
        # Looking up a name has no time-out, and an answer may drip; a thread can be left behind, and then says nothing.
        posting = threading.Thread(
            target=_try, args=(failed, "webhook", lambda: _post(address, notice)), daemon=True
        )
        posting.start()
    if command is not None:
        _try(failed, "command", lambda: _run(command, notice))
    if posting is not None:
        posting.join(max(deadline - time.monotonic(), 0))
        if posting.is_alive():
            failed = [*failed, f"webhook: not through in {MOST_S:g} seconds"]
    for why in failed:
        _log.warning("no notice by the %s", why)


def _try(failed: list[str], way: str, deliver: Callable[[], None]) -> None:
    """Deliver, or add why not; of an error that is not ours only the kind, for its text may hold the address."""
    try:
        deliver()
    except Exception as error:  # whatever a network or a program comes up with
        why = error if isinstance(error, EngagementError) else type(error).__name__
        failed.append(f"{way}: {why}")


def _run(command: str, notice: Notice) -> None:
    with subprocess.Popen(
        shlex.split(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "ENGAGEMENT_RUN_PIPELINE": notice.pipeline,
            "ENGAGEMENT_RUN_STATUS": notice.status,
            "ENGAGEMENT_RUN_EXIT_CODE": str(notice.exit_code),
            "ENGAGEMENT_RUN_ID": notice.run_id,
        },
        start_new_session=True,
    ) as process:
        try:
            process.communicate(f"{notice.text}\n".encode(), timeout=MOST_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with what it has started
            raise EngagementError(f"not through in {MOST_S:g} seconds") from None
    if process.returncode:
        raise EngagementError(f"exit code {process.returncode}")


def _post(address: str, notice: Notice) -> None:
    import urllib.request as http  # a command line that has nothing to tell starts without it
    from urllib.error import HTTPError

    request = http.Request(address, notice.as_json(), {"Content-Type": "application/json"})  # noqa: S310 (see settings)
    opener = http.OpenerDirector()  # one that follows no redirect: it could lead anywhere
    for handler in (
        http.ProxyHandler({} if request.type == "http" else None),  # what is for this machine stays on it
        http.HTTPHandler(),
        http.HTTPSHandler(),
        http.HTTPDefaultErrorHandler(),
        http.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    try:
        opener.open(request, timeout=MOST_S).close()
    except HTTPError as error:
        error.close()
        raise EngagementError(f"answered HTTP {error.code}") from None
