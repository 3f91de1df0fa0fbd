"""Pages on paper and as pictures, by a Chromium that is on the machine.

None is needed: whoever asks for a print is told in one sentence why there is none, and goes on without. Chromium
gets a new profile in a folder of its own, reaches no network, and is ended with all its processes after a
minute.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from engagement.errors import EngagementError
from engagement.settings import folder_for_sockets

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MOST_S: Final = 60.0  # that a print may take
_DRAWING_MS: Final = 10_000  # of the page's own clock, which runs ahead where nothing is left to do
_SOCKET: Final = "org.chromium.Chromium.abcdef/SingletonSocket"  # such as it makes one, or it aborts
_KINDS: Final = {".pdf": b"%PDF-", ".png": b"\x89PNG\r\n\x1a\n"}
_ALWAYS: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # small in containers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no name leads anywhere
    "--hide-scrollbars",
    f"--virtual-time-budget={_DRAWING_MS}",
)


def pdf(html: Path) -> bytes:
    """Return a page as a PDF with bookmarks, without a line of the file's path above or below.

    Chromium writes beside the page, where it may read. Raises `EngagementError` that says why there is no print.
    """
    return _printed(
        html,
        html.with_suffix(".pdf"),
        "--print-to-pdf",
        ["--no-pdf-header-footer", "--generate-pdf-document-outline"],
    )


def picture(html: Path, *, width: int, height: int, scale: int) -> bytes:
    """Return the upper left of a page as a PNG of `scale` dots a pixel; it is made as a PDF is."""
    return _printed(
        html,
        html.with_suffix(".png"),
        "--screenshot",
        [f"--window-size={width},{height}", f"--force-device-scale-factor={scale}"],
    )


def _printed(html: Path, target: Path, what: str, options: Sequence[str]) -> bytes:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise EngagementError("there is no Chromium on the PATH")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # it refuses root a sandbox
    profile = tempfile.mkdtemp(prefix="eg", dir=folder_for_sockets(f"egabcdefgh/{_SOCKET}"))
    try:
        command = [program, *_ALWAYS, *as_root, *options, f"--user-data-dir={profile}", f"{what}={target}"]
        _run([*command, html.resolve().as_uri()], profile)
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    content = target.read_bytes() if target.is_file() else b""
    if not content.startswith(_KINDS[target.suffix]):
        raise EngagementError("Chromium wrote nothing that can be read")
    return content


def _run(command: Sequence[str], profile: str) -> None:
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": profile},
        start_new_session=True,
    ) as process:
        try:
            code = process.wait(MOST_S)
        except subprocess.TimeoutExpired:
            raise EngagementError(f"Chromium was not through in {MOST_S:g} seconds") from None
        finally:
            with suppress(ProcessLookupError):  # nobody is left, as it should be
                os.killpg(process.pid, signal.SIGKILL)  # with what it has started
    if code:
        raise EngagementError(f"Chromium ended with exit code {code}")
