"""What the dashboard's log keeps of a failure, and what a page hears of it: a number, by which it is found there."""

import logging
import os
import re
import time
import traceback
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from engagement import private
from engagement.policy import LARGEST_LOG_BYTES

LOG_FILE: Final = "ENGAGEMENT_DASHBOARD_LOG"  # by which a server tells its kernels where the log is
_QUOTED: Final = re.compile(r"""['"].*['"]""", re.DOTALL)
_TOKEN: Final = re.compile(r"""token=[^&\s'"]*""")
_log = logging.getLogger("engagement.dashboard")


class _File(logging.FileHandler):
    """A log that is lost where it cannot be written, and keeps nobody from their page."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's)
        """Print nothing: what a kernel prints travels."""

    def _open(self) -> Any:
        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=_not_a_link)


def _not_a_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def to_file() -> None:
    """Send the log to the server's file alone: what a kernel prints travels to the browser."""
    log = logging.getLogger("engagement")
    log.handlers.clear()
    log.propagate = False
    also_to_file()


def also_to_file() -> None:
    """Send the log to the server's file as well, where whoever runs it is told to look."""
    from pythonjsonlogger.json import JsonFormatter

    path = os.environ.get(LOG_FILE)
    if path:
        _make_room(Path(path))
        private.close_to_others(Path(path))
    handler = _File(path, encoding="utf-8", delay=True) if path else logging.NullHandler()
    formatter = JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.getLogger("engagement").addHandler(handler)


def _make_room(path: Path) -> None:
    """Put a log aside that is as large as it may be, in place of the one before."""
    with suppress(OSError):  # there is none yet, or another kernel was first
        if path.stat().st_size > LARGEST_LOG_BYTES:
            path.replace(f"{path}.1")


def hide_tokens() -> None:
    """Keep out of all logs what tornado would tell of a request that failed: its address, with the token in it."""
    for name in ("tornado.access", "tornado.application", "tornado.general"):
        logging.getLogger(name).addFilter(_without_token)


def _without_token(record: logging.LogRecord) -> bool:
    record.msg, record.args = _TOKEN.sub("token=…", record.getMessage()), ()
    return True


def failure(error: Exception, method: str) -> dict[str, Any]:
    """Return what the page may know of an error that nobody foresaw; the rest is in the log, under its number."""
    error_id = token_hex(4)
    frames = [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-12:]
    ]
    _log.error(
        "a request failed",
        extra={
            "error_id": error_id,
            "method": method[:40] if method.isidentifier() else "?",
            "error": type(error).__name__,
            "said": _QUOTED.sub("…", str(error))[:300],  # what is quoted may be somebody's
            "frames": frames,
        },
    )
    return {"code": "internal", "detail": None, "error_id": error_id}
