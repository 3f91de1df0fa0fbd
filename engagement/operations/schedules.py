"""Which pipelines run by themselves: installed, listed and removed, with cron or with systemd's timers.

Both start the same command from this project's folder. A pipeline has one schedule: who changes from one to the other
has it moved, not doubled.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from engagement.errors import EngagementError, InvalidInput, NotFound
from engagement.operations import crontab, systemd
from engagement.operations.cron import Timetable
from engagement.settings import PROJECT

CRON: Final = "cron"
SYSTEMD: Final = "systemd"
MANAGERS: Final = (CRON, SYSTEMD)

_CANNOT_BE_WRITTEN: Final = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]|\s\Z")
_INSTALL_CRON: Final = "install cron (on Debian and Ubuntu: apt-get install cron)"


@dataclass(frozen=True)
class Schedule:
    """A pipeline that runs by itself: when (a cron expression), by what, and where what it prints goes."""

    pipeline: str
    manager: str
    at: str
    output: str

    def as_dict(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        return asdict(self)


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
    log = _log(reports, pipeline)
    if manager not in (None, *MANAGERS):
        raise InvalidInput(f"--with {manager}: allowed are {', '.join(MANAGERS)}")
    by_systemd = manager != CRON and systemd.answers()
    if by_systemd:
        systemd.put(project, pipeline, timetable, zone=zone)
        with _undoing(lambda: systemd.drop(project, pipeline)):
            if crontab.is_there():
                crontab.drop(project, pipeline)
        return _of_systemd(project, pipeline, timetable.cron)
    if manager == SYSTEMD:
        raise EngagementError(
            "systemctl --user does not answer: log in as this user (not by su or sudo), or take cron (--with cron)"
        )
    if not crontab.is_there():
        there_is_no = (
            "crontab command" if manager else "systemctl --user that answers, and no crontab command"
        )
        line = crontab.line(project, pipeline, timetable, log=log)
        raise EngagementError(
            f"there is no {there_is_no}: {_INSTALL_CRON}, or put this line into a crontab: {line}"
        )
    crontab.put(project, pipeline, timetable, log=log)
    with _undoing(lambda: crontab.drop(project, pipeline)):
        systemd.drop(project, pipeline)
    return _of_cron(pipeline, timetable.cron, log)


@contextmanager
def _undoing(undo: Callable[[], None]) -> Iterator[None]:
    """Undo what was done first where what is done here fails: a pipeline with two schedules would run twice."""
    try:
        yield
    except (EngagementError, OSError):
        undo()
        raise


def listed(*, reports: Path, project: Path = PROJECT) -> list[Schedule]:
    """Return the schedules of this project, by pipeline."""
    by_cron = crontab.entries(project) if crontab.is_there() else {}
    found = [_of_cron(pipeline, at, _log(reports, pipeline)) for pipeline, at in by_cron.items()]
    found += [_of_systemd(project, pipeline, at) for pipeline, at in systemd.entries(project).items()]
    return sorted(found, key=lambda schedule: (schedule.pipeline, schedule.manager))


def remove(pipeline: str, *, reports: Path, project: Path = PROJECT) -> list[Schedule]:
    """Let a pipeline run by itself no longer; return what it had, `NotFound` where that is nothing."""
    there = listed(reports=reports, project=project)
    gone = [schedule for schedule in there if schedule.pipeline == pipeline]
    if not gone:
        names = ", ".join(schedule.pipeline for schedule in there)
        raise NotFound(f"no schedule for {pipeline[:40]!r} in this project; there is {names or 'none'}")
    for schedule in gone:
        (crontab if schedule.manager == CRON else systemd).drop(project, pipeline)
    return gone


def _check(project: Path) -> None:
    if _CANNOT_BE_WRITTEN.search(str(project)):
        raise InvalidInput(
            f"{str(project)!a}: cron and systemd cannot be told of a folder with a backslash, a control character "
            "or a blank at its end; rename it"
        )
    program = project / ".venv" / "bin" / "engagement"
    if not os.access(program, os.X_OK):
        raise EngagementError(f"{program}: is not there to be run; `make demo` makes it")


def _log(reports: Path, pipeline: str) -> Path:
    return reports / pipeline / "schedule.log"


def _of_cron(pipeline: str, at: str, log: Path) -> Schedule:
    return Schedule(pipeline, CRON, at, str(log))


def _of_systemd(project: Path, pipeline: str, at: str) -> Schedule:
    return Schedule(pipeline, SYSTEMD, at, f"journalctl --user -u {systemd.unit(project, pipeline)}")
