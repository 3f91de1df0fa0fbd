"""The requests a browser may make: the page, its files, a ticket, and a socket to its own kernel."""

import gzip
import hashlib
import json
import logging
import mimetypes
import os
import signal
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from tornado import web
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from engagement.dashboard import access, gate, owners, tickets
from engagement.dashboard.identity import Identities
from engagement.dates import unix_s, utc_now
from engagement.errors import LESS_MEMORY, InvalidInput

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What a kernel may tell a browser: not what it prints, shows or raises.
TOLD: Final = frozenset(
    {
        *("comm_open", "comm_msg", "comm_close", "comm_info_reply", "kernel_info_reply", "status"),
        *("shutdown_reply", "iopub_welcome"),
    }
)
CONTROL: Final = (
    "jupyter.widget.control"  # asks for the widgets there are; another target would make new ones
)
_COMPRESSIBLE: Final = (".js", ".css", ".json", ".svg")
_log = logging.getLogger(__name__)


class Page(TornadoVoilaHandler):  # type: ignore[misc]
    """The page itself, at the one address there is."""

    @allow_unauthenticated  # who is not known reads why
    async def get(self, path: str | None = None) -> None:
        """Write the page, or one that says why there is none."""
        if path:
            raise web.HTTPError(404)
        identity = self.identity_provider
        if identity.hub is not None and (address := await identity.hub.sign_in_at(self)):
            self.redirect(address)
            return
        if self.current_user is None:
            return self._say(403, f"nobody_{identity.source}")
        try:
            access.viewer(self.current_user.username, identity.source, identity.settings.users)
        except access.NotAllowed as refused:
            _log.warning("somebody was refused: %s", refused)
            return self._say(403, "not_listed")
        except InvalidInput as error:
            _log.error("the users' file cannot be read: %s", error)
            return self._say(500, "users_file")
        if gate.is_from_another_site(self.request):
            return self._say(200, "once_more")
        if len(owners.given(self.kernel_manager, self.notebook_path)) >= self.settings["dashboard"].viewers:
            self.set_header("Retry-After", "60")
            return self._say(503, "full")
        await super().get(path)

    def write_error(self, status_code: int, **_: object) -> None:
        """Write a page for people, which says nothing of the error."""
        self._say(status_code, "missing" if status_code == 404 else "failed")

    def _say(self, status: int, what: str) -> None:
        self.set_status(status)
        self.finish(self.get_template("notice.html").render(what=what, base_url=self.base_url))


class Ticket(JupyterHandler):
    """What tells a kernel whom it serves."""

    @web.authenticated
    async def get(self) -> None:
        """Write a ticket for the kernel of the page."""
        kernel_id = self.get_query_argument("kernel")
        owners.claim(self, kernel_id)
        made = tickets.ticket(
            os.environ[tickets.TICKET_SECRET],
            name=self.current_user.username,
            source=cast("Identities", self.identity_provider).source,
            kernel_id=kernel_id,
            now_s=unix_s(utc_now()),
        )
        self.set_header("Cache-Control", "no-store")
        self.finish({"ticket": made})


class Ended(JupyterHandler):
    """Why a page does not hear from its kernel any more."""

    @web.authenticated
    async def get(self) -> None:
        """Write whether the kernel was killed, which the system does without a word where memory runs out."""
        kernel_id = self.get_query_argument("kernel")
        owners.claim(self, kernel_id)
        provisioner = self.kernel_manager.get_kernel(kernel_id).provisioner
        code = await provisioner.poll() if provisioner else None
        if code == -signal.SIGKILL:
            _log.error("a kernel was killed (SIGKILL), most likely because memory ran out; %s", LESS_MEMORY)
        self.set_header("Cache-Control", "no-store")
        self.finish({"killed": code == -signal.SIGKILL})


class Channels(VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """The socket between a page and its kernel."""

    async def pre_get(self) -> None:
        """Look whose kernel it is first."""
        owners.claim(self, self.kernel_id)
        await super().pre_get()

    def on_message(self, ws_message: Any) -> None:
        """Pass on what a page says to the widgets there are; anything else is dropped."""
        try:
            _, parts = deserialize_msg_from_ws_v1(ws_message)  # type: ignore[no-untyped-call]
            kind = json.loads(parts[0])["msg_type"]
            target = json.loads(parts[3]).get("target_name") if kind == "comm_open" else CONTROL
        except (ValueError, KeyError, IndexError, AttributeError, TypeError, struct.error):
            return
        if target == CONTROL:
            super().on_message(ws_message)

    def write_message(self, message: Any, binary: bool = False) -> Any:
        """Pass on what the page needs to hear."""
        if isinstance(message, bytes) and _is_told(message):
            return super().write_message(message, binary)
        return None


def _is_told(message: bytes) -> bool:
    """Whether a page needs to hear it: what its widget says, and that the kernel is gone, not that it is at work."""
    _, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
    kind = json.loads(parts[0])["msg_type"]
    return kind in TOLD and (
        kind != "status" or json.loads(parts[3])["execution_state"] not in ("busy", "idle")
    )


class Shutdown(VoilaShutdownKernelHandler):  # type: ignore[misc]
    """A page that is left ends its kernel."""

    def check_xsrf_cookie(self) -> None:
        """Ask for none: a page that is being left cannot send one, and nobody else knows the kernel's number."""

    async def prepare(self) -> None:
        """Look whose it is first."""
        await super().prepare()
        owners.claim(self, *self.path_args, **self.path_kwargs)


class Files(web.RequestHandler):
    """The scripts and styles of the page. Compressed once, not for every browser: plotly is a megabyte."""

    def initialize(self, root: Path) -> None:
        """Take the folder."""
        self._root = root.resolve()

    def get(self, path: str) -> None:
        """Write the file; the browser keeps it, and asks whether it is still the same."""
        found = (self._root / path.replace("\0", "/")).resolve()  # no file's name has a zero
        if not (found.is_relative_to(self._root) and found.is_file()):
            raise web.HTTPError(404)
        raw, compressed, etag = _read(found, found.stat().st_mtime_ns)
        headers = {
            "Cache-Control": "no-cache",
            "Content-Type": mimetypes.guess_type(found.name)[0] or "application/octet-stream",
            "Vary": "Accept-Encoding",
            "Etag": etag,
        }
        for name, value in (HEADERS | headers).items():
            self.set_header(name, value)
        if self.check_etag_header():
            self.set_status(304)
        elif compressed and "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.finish(compressed)
        else:
            self.finish(raw)

    def compute_etag(self) -> str | None:
        """Return the one that was set."""
        return str(self._headers["Etag"]) if "Etag" in self._headers else None


@lru_cache(maxsize=1_000)
def _read(file: Path, _changed_at: int) -> tuple[bytes, bytes | None, str]:
    raw = file.read_bytes()
    compressed = gzip.compress(raw, compresslevel=6, mtime=0) if file.suffix in _COMPRESSIBLE else None
    return raw, compressed, f'"{hashlib.sha256(raw).hexdigest()[:32]}"'


def log_request(handler: web.RequestHandler) -> None:
    """Log what failed here, without address or query: they hold a token, or what somebody searched for."""
    if handler.get_status() >= 500 and handler.get_status() != 503:
        _log.error(
            "a request failed", extra={"handler": type(handler).__name__, "status": handler.get_status()}
        )
