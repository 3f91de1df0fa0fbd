"""The lines of this project in the user's crontab; nobody else's line is touched.

A line of ours ends in a comment that names its pipeline and this project's folder: two checkouts on one machine leave
each other's alone. The crontab is read and written as bytes, through the `crontab` command, which checks what it is
given and keeps the old one where it refuses. What a line holds is read twice, by cron and by a shell: quotes are for
the shell, and cron takes a `%` for the end of a line unless a backslash stands before it.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

from engagement.errors import EngagementError
from engagement.operations.cron import Timetable

_WAIT_S: Final = 30
_FIELDS: Final = re.compile(rb"\s*((?:\S+\s+){5})")
# Debian, Red Hat and macOS; BusyBox; and who may not have one, whose attempt to write one is refused as well.
_NONE_YET: Final = (b"no crontab for", b"No such file", b"not allowed to use")


def is_there() -> bool:
    """Return whether there is a `crontab` command."""
    return shutil.which("crontab") is not None


def line(project: Path, pipeline: str, timetable: Timetable, *, log: Path) -> str:
    """Return the line that runs a pipeline and appends what it prints to a log."""
    output = log.relative_to(project) if log.is_relative_to(project) else log
    folder, program, file = (
        shlex.quote(str(path)) for path in (project, project / ".venv" / "bin" / "engagement", output)
    )
    make_folder = f"mkdir -p {shlex.quote(str(output.parent))}"  # whoever tidied up the reports took it along
    command = f"cd {folder} && {make_folder} && {program} run {pipeline} >> {file} 2>&1"
    return f"{timetable.cron} {_escaped(command)} {_mark(project, pipeline)}"


def put(project: Path, pipeline: str, timetable: Timetable, *, log: Path) -> None:
    """Write the pipeline's line in place of the one it has, or at the end."""
    before = _read()
    new = os.fsencode(line(project, pipeline, timetable, log=log)) + b"\n"
    after: list[bytes] = []
    for old in before:
        if _pipeline(old, project) != pipeline:
            after.append(old)
        elif new not in after:
            after.append(new)
    if new not in after:
        if after and not after[-1].endswith(b"\n"):
            after[-1] += b"\n"
        after.append(new)
    _write(before, after)


def drop(project: Path, pipeline: str) -> None:
    """Take the pipeline's line out, where it has one."""
    before = _read()
    _write(before, [old for old in before if _pipeline(old, project) != pipeline])


def entries(project: Path) -> dict[str, str]:
    """Return the time of each pipeline of this project, as it stands in the crontab."""
    return {
        pipeline: " ".join(found[1].decode(errors="replace").split())
        for old in _read()
        if (pipeline := _pipeline(old, project)) and (found := _FIELDS.match(old))
    }


def _mark(project: Path, pipeline: str) -> str:
    return _escaped(f"# engagement schedule: {pipeline} in {shlex.quote(str(project))}")


def _escaped(text: str) -> str:
    return text.replace("%", r"\%")


def _pipeline(entry: bytes, project: Path) -> str | None:
    """Return which pipeline of this project a line runs; None for every line that is not ours, or is a comment."""
    start, end = os.fsencode(_mark(project, "\0")).split(b"\0")
    found = re.search(re.escape(start) + rb"([a-z0-9_]+)" + re.escape(end) + rb"\s*\Z", entry)
    return found[1].decode() if found and not entry.lstrip().startswith(b"#") else None


def _read() -> list[bytes]:
    """Return the lines of the user's crontab with their ends; `EngagementError` where it cannot be read.

    A crontab that could not be read must not be taken for an empty one: it would be written over.
    """
    done = _crontab("-l")
    if done.returncode and not any(said in done.stderr for said in _NONE_YET):
        raise _failed("read", done)
    return [] if done.returncode else re.findall(rb"[^\n]*\n|[^\n]+\Z", done.stdout)


def _write(before: list[bytes], after: list[bytes]) -> None:
    if after == before:
        return
    done = _crontab("-", given=b"".join(after))
    if done.returncode:
        raise _failed("written, and is as it was", done)


def _crontab(argument: str, *, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["crontab", argument],
            input=given,
            capture_output=True,
            timeout=_WAIT_S,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise EngagementError(f"crontab {argument}: no answer within {_WAIT_S} seconds") from None
    except OSError as error:
        raise EngagementError(f"crontab: cannot be started: {error.strerror}") from None


def _failed(what: str, done: subprocess.CompletedProcess[bytes]) -> EngagementError:
    said = " ".join(done.stderr.decode(errors="replace").split())[:300]
    return EngagementError(f"the crontab cannot be {what}: {said or f'exit code {done.returncode}'}")
