"""Which pipelines run by themselves: installed, listed and removed, with cron or with systemd's timers.

Both start the same command from this project's folder. A pipeline has one schedule: who changes from one to the other
has it moved, not doubled. What either is told names the project's folder, so that two checkouts on one machine leave
each other's alone.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from engagement import private
from engagement.errors import EngagementError, InvalidInput, NotFound
from engagement.operations.cron import Timetable
from engagement.settings import PROJECT

CRON: Final = "cron"
SYSTEMD: Final = "systemd"

_WAIT_S: Final = 30
_CANNOT_BE_WRITTEN: Final = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]|\s\Z")
_INSTALL_CRON: Final = "install cron (on Debian and Ubuntu: apt-get install cron)"


class Schedule(NamedTuple):
    """A pipeline that runs by itself: when (a cron expression), by what, and where what it prints goes."""

    pipeline: str
    manager: str
    at: str
    output: str


def install(
    pipeline: str,
    timetable: Timetable,
    *,
    reports: Path,
    zone: str,
    manager: str | None = None,
    project: Path = PROJECT,
) -> Schedule:
    """Let a pipeline run by itself from now on, in place of the schedule it has.

    Parameters
    ----------
    reports
        Where the log of cron goes: `<reports>/<pipeline>/schedule.log`.
    zone
        In which time zone a systemd timer goes; cron knows the machine's only.
    manager
        `cron` or `systemd`; None takes systemd where the user's own answers, and cron where it does not.

    Raises
    ------
    InvalidInput
        The manager is unknown, or cannot be told this time or this folder.
    EngagementError
        The manager is not there, or refuses; nothing has changed.
    """
    _check(project)
    if manager not in (None, CRON, SYSTEMD):
        raise InvalidInput(f"--with {manager}: allowed are {CRON}, {SYSTEMD}")
    timers, cron = Timers(project), Crontab(project, reports)
    by_systemd = manager != CRON and timers.is_there()
    if manager == SYSTEMD and not by_systemd:
        raise EngagementError(
            "systemctl --user does not answer: log in as this user (not by su or sudo), or take cron (--with cron)"
        )
    if not by_systemd and not cron.is_there():
        there_is_no = (
            "crontab command" if manager else "systemctl --user that answers, and no crontab command"
        )
        raise EngagementError(
            f"there is no {there_is_no}: {_INSTALL_CRON}, "
            f"or put this line into a crontab: {cron.line(pipeline, timetable)}"
        )
    chosen, other = (timers, cron) if by_systemd else (cron, timers)
    chosen.put(pipeline, timetable, zone=zone)
    try:
        other.drop(pipeline)
    except (EngagementError, OSError):  # a pipeline with two schedules would run twice
        chosen.drop(pipeline)
        raise
    return Schedule(pipeline, chosen.name, timetable.cron, chosen.output(pipeline))


def listed(*, reports: Path, project: Path = PROJECT) -> list[Schedule]:
    """Return the schedules of this project, by pipeline."""
    return sorted(
        Schedule(pipeline, scheduler.name, at, scheduler.output(pipeline))
        for scheduler in _schedulers(project, reports)
        for pipeline, at in scheduler.times().items()
    )


def remove(pipeline: str, *, reports: Path, project: Path = PROJECT) -> list[Schedule]:
    """Let a pipeline run by itself no longer; return what it had, `NotFound` where that is nothing."""
    there = listed(reports=reports, project=project)
    gone = [schedule for schedule in there if schedule.pipeline == pipeline]
    if not gone:
        names = ", ".join(schedule.pipeline for schedule in there) or "none"
        raise NotFound(f"no schedule for {pipeline[:40]!r} in this project; there is {names}")
    for scheduler in _schedulers(project, reports):
        scheduler.drop(pipeline)
    return gone


def _schedulers(project: Path, reports: Path) -> "tuple[Crontab | Timers, ...]":
    """Return both, which answer to the same five methods."""
    return Crontab(project, reports), Timers(project)


def _check(project: Path) -> None:
    if _CANNOT_BE_WRITTEN.search(str(project)):
        raise InvalidInput(
            f"{str(project)!a}: cron and systemd cannot be told of a folder with a backslash, a control character "
            "or a blank at its end; rename it"
        )
    if not os.access(program := _program(project), os.X_OK):
        raise EngagementError(f"{program}: is not there to be run; `make demo` makes it")


def _program(project: Path) -> Path:
    return project / ".venv" / "bin" / "engagement"


def _asked(called: str, *command: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Return what a scheduler's own program said in the end, in English; `EngagementError` where it says nothing."""
    try:
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            timeout=_WAIT_S,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise EngagementError(f"{called}: no answer within {_WAIT_S} seconds") from None
    except OSError as error:
        raise EngagementError(f"{called}: cannot be started: {error.strerror}") from None


def _failed(what: str, done: subprocess.CompletedProcess[bytes]) -> EngagementError:
    said = " ".join(done.stderr.decode(errors="replace").split())[:300]
    return EngagementError(f"{what}: {said or f'exit code {done.returncode}'}")


_FIELDS: Final = re.compile(rb"\s*((?:\S+\s+){5})")
# Debian, Red Hat and macOS; BusyBox; and who may not have one, whose attempt to write one is refused as well.
_NONE_YET: Final = (b"no crontab for", b"No such file", b"not allowed to use")


@dataclass(frozen=True)
class Crontab:
    """The lines of a project in the user's crontab; nobody else's line is touched.

    A line of ours ends in a comment that names its pipeline and the project's folder. The crontab is read and written
    as bytes, through the `crontab` command, which checks what it is given and keeps the old one where it refuses. What
    a line holds is read twice, by cron and by a shell: quotes are for the shell, and cron takes a `%` for the end of a
    line unless a backslash stands before it.
    """

    project: Path
    reports: Path
    name: ClassVar[str] = CRON

    def is_there(self) -> bool:
        """Return whether there is a `crontab` command."""
        return shutil.which("crontab") is not None

    def line(self, pipeline: str, timetable: Timetable) -> str:
        """Return the line that runs a pipeline and appends what it prints to a log."""
        log = self._log(pipeline)
        log = log.relative_to(self.project) if log.is_relative_to(self.project) else log
        folder, program, file = (
            shlex.quote(str(path)) for path in (self.project, _program(self.project), log)
        )
        # Whoever tidied up the reports took the log's folder along. The log is made by cron's shell, not by us.
        log_folder = f"umask {private.mask():03o} && mkdir -p {shlex.quote(str(log.parent))}"
        command = f"cd {folder} && {log_folder} && {program} run {pipeline} >> {file} 2>&1"
        return f"{timetable.cron} {_escaped(command)} {self._mark(pipeline)}"

    def put(self, pipeline: str, timetable: Timetable, *, zone: str) -> None:
        """Write the line in place of the one the pipeline has, or at the end; cron knows no zone but the machine's."""
        before = _crontab()
        new = os.fsencode(self.line(pipeline, timetable)) + b"\n"
        ours = [self._pipeline(old) == pipeline for old in before]
        place = ours.index(True) if any(ours) else len(before)
        others = [old for old, is_ours in zip(before, ours, strict=True) if not is_ours]
        _write_crontab(before, [*others[:place], new, *others[place:]])

    def drop(self, pipeline: str) -> None:
        """Take the pipeline's line out, where it has one."""
        if self.is_there():
            before = _crontab()
            _write_crontab(before, [old for old in before if self._pipeline(old) != pipeline])

    def times(self) -> dict[str, str]:
        """Return the time of each pipeline, as it stands in the crontab."""
        return {
            pipeline: " ".join(found[1].decode(errors="replace").split())
            for old in (_crontab() if self.is_there() else [])
            if (pipeline := self._pipeline(old)) and (found := _FIELDS.match(old))
        }

    def output(self, pipeline: str) -> str:
        """Return the log's path."""
        return str(self._log(pipeline))

    def _log(self, pipeline: str) -> Path:
        return self.reports / pipeline / "schedule.log"

    def _mark(self, pipeline: str) -> str:
        return _escaped(f"# engagement schedule: {pipeline} in {shlex.quote(str(self.project))}")

    def _pipeline(self, entry: bytes) -> str | None:
        """Return which pipeline of this project a line runs; None for every line that is not ours, or is a comment."""
        start, end = os.fsencode(self._mark("\0")).split(b"\0")
        found = re.search(re.escape(start) + rb"([a-z0-9_]+)" + re.escape(end) + rb"\s*\Z", entry)
        return found[1].decode() if found and not entry.lstrip().startswith(b"#") else None


def _escaped(text: str) -> str:
    return text.replace("%", r"\%")


def _crontab() -> list[bytes]:
    """Return the lines of the user's crontab with their ends; `EngagementError` where it cannot be read.

    A crontab that could not be read must not be taken for an empty one: it would be written over.
    """
    done = _asked("crontab -l", "crontab", "-l")
    if done.returncode and not any(said in done.stderr for said in _NONE_YET):
        raise _failed("the crontab cannot be read", done)
    return [] if done.returncode else re.findall(rb"[^\n]*\n|[^\n]+\Z", done.stdout)


def _write_crontab(before: list[bytes], after: list[bytes]) -> None:
    if after == before:
        return
    whole = b"".join(line.removesuffix(b"\n") + b"\n" for line in after)  # the last one may have had no end
    done = _asked("crontab -", "crontab", "-", given=whole)
    if done.returncode:
        raise _failed("the crontab cannot be written, and is as it was", done)


_CRON_SAYS: Final = "# cron: "
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


@dataclass(frozen=True)
class Timers:
    """The systemd timers of a project: a service and a timer each, in the user's own units.

    A unit's name holds a digest of the project's folder. A timer goes by the institution's time zone and makes up for a
    time at which the machine was off.
    """

    project: Path
    name: ClassVar[str] = SYSTEMD

    def is_there(self) -> bool:
        """Return whether the user's own systemd is there to be asked."""
        with suppress(EngagementError):
            _systemctl("show", "--property=Version")
            return True
        return False

    def put(self, pipeline: str, timetable: Timetable, *, zone: str) -> None:
        """Write and start the pipeline's timer in place of the one it has; where that fails all is as it was."""
        folder = str(self.project).replace("%", "%%")
        words = {
            "pipeline": pipeline,
            "folder": folder,
            # Named by `env`: systemd itself starts no program with a quote in its path.
            "program": str(_program(Path(folder))).replace('"', r"\"").replace("$", "$$"),
            "cron": f"{_CRON_SAYS}{timetable.cron}",
            "calendar": timetable.calendar(zone),
        }
        service, timer = self._files(pipeline)
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

    def drop(self, pipeline: str) -> None:
        """Stop the pipeline's timer and remove its units, where it has them."""
        service, timer = self._files(pipeline)
        if timer.is_file():
            _systemctl("disable", "--now", timer.name)
            timer.unlink()
            service.unlink(missing_ok=True)
            _systemctl("daemon-reload")

    def times(self) -> dict[str, str]:
        """Return the time of each pipeline, as the cron expression it was made from."""
        start, end = self.unit("\0").split("\0")
        found = {}
        for timer in sorted(_units().glob(f"{start}*{end}.timer")):
            lines = timer.read_text(encoding="utf-8", errors="replace").splitlines()
            times = [line.removeprefix(_CRON_SAYS) for line in lines if line.startswith(_CRON_SAYS)]
            found[timer.stem.removeprefix(start).removesuffix(end)] = "".join(times[:1])
        return found

    def output(self, pipeline: str) -> str:
        """Return the command that shows the journal."""
        return f"journalctl --user -u {self.unit(pipeline)}"

    def unit(self, pipeline: str) -> str:
        """Return what both units are called, without what kind they are."""
        return f"engagement-{pipeline}-{hashlib.sha256(os.fsencode(self.project)).hexdigest()[:8]}"

    def _files(self, pipeline: str) -> tuple[Path, Path]:
        unit = self.unit(pipeline)
        return _units() / f"{unit}.service", _units() / f"{unit}.timer"


def _units() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "systemd", "user")


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
    called = f"systemctl --user {arguments[0]}"
    done = _asked(called, "systemctl", "--user", *arguments)
    if done.returncode:
        raise _failed(f"{called} failed", done)
