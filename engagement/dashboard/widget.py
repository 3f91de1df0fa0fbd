"""The widget: what the browser asks comes in as a message, is answered in a thread, and goes out as a message.

The widget holds no data: whoever knows a kernel could read what a widget keeps. Each question is answered by `methods`
for the viewer the page's ticket names. Slow work, such as a model that thinks, has threads of its own, so that a
page can still be turned.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from threading import BoundedSemaphore
from typing import Any, Final

import anywidget
import ipykernel

from engagement.dashboard import log
from engagement.dashboard.methods import Backend, Refused
from engagement.dashboard.tickets import TICKET_SECRET
from engagement.dates import utc_now
from engagement.settings import read_settings
from engagement.store import open_store

ALIVE: Final = "alive"  # asked by a page that waits for answers, to tell a slow one from one that got lost
QUICK: Final = 4  # threads: a page is turned while figures and a learner are on their way
SLOW: Final = 2  # a model may be asked for two texts at once
MOST_WAITING: Final = 50  # requests; a page that asks for more has gone wild
PATIENCE_S: Final = 5.0  # for the store; who sits there is told, and can try again
LONGEST_MESSAGE: Final = 200_000  # characters; ten questions with all their texts are a tenth of it


class Dashboard(anywidget.AnyWidget):
    """The coordinators' page."""

    # The page that Voila serves has a line of its own (`static/frame/kernel.js`); this is for a notebook in JupyterLab.
    _esm = """
    export default {
      render({ el }) { el.textContent = "This page is served by: engagement dashboard"; }
    };
    """

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend
        self._quick = ThreadPoolExecutor(QUICK, thread_name_prefix="quick")
        self._slow = ThreadPoolExecutor(SLOW, thread_name_prefix="slow")
        self._room = BoundedSemaphore(MOST_WAITING)
        self._at_work = set[int]()
        self.on_msg(self._receive)

    def _receive(self, _widget: object, content: Any, _buffers: object) -> None:
        """Take a message and leave it to a thread: others must not wait, and a trace would travel to the browser."""
        request = content.get("id") if isinstance(content, dict) else None
        if not isinstance(request, int):
            return
        method, arguments = str(content.get("method")), content.get("arguments")
        if method == ALIVE:
            self.send({"id": request, "result": {"at_work": sorted(self._at_work)}})
            return
        if len(repr(arguments)) > LONGEST_MESSAGE or not self._room.acquire(blocking=False):
            self.send({"id": request, "error": Refused("invalid", "too much at once").as_dict()})
            return
        self._at_work.add(request)
        pool = self._slow if self._backend.is_slow(method) else self._quick
        pool.submit(self._answer, request, method, arguments)

    def _answer(self, request: int, method: str, arguments: Any) -> None:
        try:
            message = {"result": self._backend.answer(method, arguments, tell=partial(self._tell, request))}
        except Refused as refused:
            message = {"error": refused.as_dict()}
        except Exception as error:  # the page must hear of it, whatever it is; its trace stays here
            message = {"error": log.failure(error, method)}
        finally:
            self._room.release()
        self.send({"id": request, **message})
        self._at_work.discard(request)  # said after the answer, or a page would take that for lost

    def _tell(self, request: int, progress: dict[str, Any]) -> None:
        self.send({"id": request, "progress": progress})


def page(clock: Callable[[], datetime] = utc_now) -> Dashboard:
    """Return the widget of one viewer, whom it will know by the page's ticket."""
    log.to_file()
    settings = read_settings()
    secret = os.environ.pop(TICKET_SECRET, None) or token_hex(32)
    return Dashboard(
        Backend(
            open_store(settings.store, wait_s=PATIENCE_S),
            settings,
            secret=secret,
            kernel_id=_kernel_id(),
            clock=clock,
        )
    )


def _kernel_id() -> str:
    try:
        return Path(ipykernel.get_connection_file()).stem.removeprefix("kernel-")
    except RuntimeError:  # not in a kernel: a test
        return ""
