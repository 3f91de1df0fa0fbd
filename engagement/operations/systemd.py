"""The systemd timers of this project: a service and a timer each, in the user's own units.

A unit's name holds a digest of the project's folder, so that two checkouts on one machine have units of their own. A
timer goes by the institution's time zone and makes up for a time at which the machine was off.
"""

import hashlib
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from engagement.errors import EngagementError
from engagement.operations.cron import Timetable

_WAIT_S: Final = 30
_CRON: Final = "# cron: "

_SERVICE: Final = """\
# Made by `engagement schedule`, which also removes it.
[Unit]
Description=engagement run {pipeline} in {folder}

[Service]
Type=oneshot
WorkingDirectory={folder}
ExecStart=/usr/bin/env "{program}" run {pipeline}
"""
_TIMER: Final = """\
# Made by `engagement schedule`, which also removes it.
{cron}
[Unit]
Description=engagement run {pipeline} in {folder}

[Timer]
OnCalendar={calendar}
Persistent=true

[Install]
WantedBy=timers.target
"""


def answers() -> bool:
    """Return whether the user's own systemd is there to be asked."""
    if shutil.which("systemctl") is None:
        return False
    with suppress(EngagementError):
        _systemctl("show", "--property=Version")
        return True
    return False


def unit(project: Path, pipeline: str) -> str:
    """Return what both units are called, without what kind they are."""
    return f"engagement-{pipeline}-{_digest(project)}"


def put(project: Path, pipeline: str, timetable: Timetable, *, zone: str) -> None:
    """Write and start the pipeline's timer in place of the one it has; where that fails all is as it was."""
    folder = str(project).replace("%", "%%")
    words = {
        "pipeline": pipeline,
        "folder": folder,
        # Named by `env`: systemd itself starts no program with a quote in its path.
        "program": f"{folder}/.venv/bin/engagement".replace('"', r"\"").replace("$", "$$"),
        "cron": f"{_CRON}{timetable.cron}",
        "calendar": timetable.calendar(zone),
    }
    service, timer = _files(project, pipeline)
    before = {file: file.read_bytes() if file.is_file() else None for file in (service, timer)}
    try:
        service.parent.mkdir(parents=True, exist_ok=True)
        service.write_text(_SERVICE.format(**words), encoding="utf-8")
        timer.write_text(_TIMER.format(**words), encoding="utf-8")
        _systemctl("daemon-reload")
        _systemctl("enable", "--now", timer.name)
        if before[timer] is not None:  # it runs already, and would keep to its old time
            _systemctl("restart", timer.name)
    except (EngagementError, OSError):
        _put_back(before, timer)
        raise


def drop(project: Path, pipeline: str) -> None:
    """Stop the pipeline's timer and remove its units, where it has them."""
    service, timer = _files(project, pipeline)
    if not timer.is_file():
        return
    _systemctl("disable", "--now", timer.name)
    timer.unlink()
    service.unlink(missing_ok=True)
    _systemctl("daemon-reload")


def entries(project: Path) -> dict[str, str]:
    """Return the time of each pipeline of this project, as the cron expression it was made from."""
    start, end = unit(project, "\0").split("\0")
    found = {}
    for timer in sorted(_folder().glob(f"{start}*{end}.timer")):
        lines = timer.read_text(encoding="utf-8", errors="replace").splitlines()
        times = [line.removeprefix(_CRON) for line in lines if line.startswith(_CRON)]
        found[timer.stem.removeprefix(start).removesuffix(end)] = "".join(times[:1])
    return found


def _folder() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "systemd" / "user"


def _files(project: Path, pipeline: str) -> tuple[Path, Path]:
    name = unit(project, pipeline)
    return _folder() / f"{name}.service", _folder() / f"{name}.timer"


def _digest(project: Path) -> str:
    return hashlib.sha256(os.fsencode(project)).hexdigest()[:8]


def _put_back(before: dict[Path, bytes | None], timer: Path) -> None:
    """Undo what was done of a change that failed, as far as systemd still answers."""
    with suppress(EngagementError, OSError):
        if before[timer] is None:
            with suppress(EngagementError):
                _systemctl("disable", "--now", timer.name)
        for file, content in before.items():
            if content is None:
                file.unlink(missing_ok=True)
            else:
                file.write_bytes(content)
        _systemctl("daemon-reload")


def _systemctl(*arguments: str) -> None:
    command = f"systemctl --user {arguments[0]}"
    try:
        done = subprocess.run(
            ["systemctl", "--user", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WAIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngagementError(f"{command}: no answer within {_WAIT_S} seconds") from None
    except OSError as error:
        raise EngagementError(f"{command}: cannot be started: {error.strerror}") from None
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise EngagementError(f"{command} failed: {said or f'exit code {done.returncode}'}")
