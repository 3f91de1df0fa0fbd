"""Everything the platform raises on purpose.

    EngagementError            exit 1
    ├── InvalidInput           exit 2    a file, a parameter or a text that is not as documented
    ├── NotFound               exit 4    no such learner, nudge, run or store
    ├── Changed                exit 1    somebody else changed it first
    ├── StoreBusy              exit 75   somebody else holds the store or runs the pipeline
    ├── StoreUnusable          exit 1    damaged, read-only, or made by a newer version
    │   └── DiskFull           exit 1    nothing more can be written, to the store or beside it
    └── RunFailed              exit 1    a step of a pipeline failed
        └── RunStopped         exit 128 + the number of the signal that ended the run

A message says which column or parameter, how many rows, the first one by id, and what is allowed.
It never holds a learner's name or address, nor a key: messages end up in logs and tickets.
"""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# What the system says where a disk, a share of it (EDQUOT) or a file (EFBIG, by `ulimit -f`) may not grow.
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HELP: Final = {
    errno.ELOOP: "; a link is not followed there: remove it",
    errno.EEXIST: "; what is there is no folder, or a link to nothing",
    errno.ENFILE: "; on the whole machine: end other programs, or raise fs.file-max",
    errno.EROFS: "; it has to be mounted for writing",
}
NO_MEMORY: Final = "more memory is needed than there is"
LESS_MEMORY: Final = "ENGAGEMENT_MEMORY (in MB) leaves the store's engine less of it"


class EngagementError(Exception):
    """Anything the platform raises on purpose."""

    exit_code: int = 1
    run_id: str = ""  # of the run that it ended


class InvalidInput(EngagementError):
    """What was passed in is not as documented."""

    exit_code = 2


class NotFound(EngagementError):
    """What was asked for does not exist."""

    exit_code = 4


class Changed(EngagementError):
    """What was about to be changed is no longer as it was seen; nothing was overwritten."""


class StoreBusy(EngagementError):
    """Somebody else holds the store; trying again later can help (`EX_TEMPFAIL`)."""

    exit_code = 75


class StoreUnusable(EngagementError):
    """The store cannot be read or written until a person mends something."""


class RunFailed(EngagementError):
    """A step of a pipeline failed; the last published run still stands."""


class RunStopped(RunFailed):
    """The run was asked to end; the last published one still stands."""

    def __init__(self, said: str, *, signal: int) -> None:
        super().__init__(said)
        self.exit_code = 128 + signal  # as shells say it


class DiskFull(StoreUnusable):
    """Nothing more can be written until somebody makes room; what was written before is intact."""


def disk_full(why: str, folder: Path | str | None) -> DiskFull:
    """Return the error for a folder in which nothing more can be written; `why` is what the system says of it.

    >>> print(disk_full("Disk quota exceeded", "/srv"))
    Disk quota exceeded: the disk is full in /srv; what was written before is intact. Make room there, and try again
    """
    where, there = (f" in {folder}", "there") if folder else ("", "where it was to be written")
    return DiskFull(
        f"{why}: the disk is full{where}; what was written before is intact. Make room {there}, and try again"
    )


def of_the_system(error: OSError, place: Path | None = None) -> str:
    """Return which file the system refused and why; where somebody can help, also who and how.

    Parameters
    ----------
    place
        The folder in which something was done, for errors that name no file.

    >>> of_the_system(PermissionError(13, "Permission denied", "/srv/.env"))
    '/srv/.env: Permission denied; whoever owns it or its folder can let you in (chmod), or run this for you'
    """
    return str(refused(error, place))


def refused(error: OSError, place: Path | None = None, *, what: str = "") -> StoreUnusable:
    """Return what `of_the_system` says as an error of ours, after `what` could not be done."""
    if error.errno in FULL:
        folder = Path(error.filename).parent if error.filename else place
        problem: StoreUnusable = disk_full(os.strerror(error.errno or 0), folder)
    else:
        said = f"{error.strerror or type(error).__name__}{_help(error)}"
        at = error.filename or place
        problem = StoreUnusable(f"{at}: {said}" if at else said)
    return type(problem)(f"{what}: {problem}") if what else problem


def _help(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "; whoever owns it or its folder can let you in (chmod), or run this for you"
    if error.errno == errno.EMFILE:
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return f"; one program may open {most:,} here: `ulimit -n` raises that, for a service LimitNOFILE="
    if error.filename is None and "temporary directory" in (error.strerror or ""):  # as Python looks for one
        return "; is the disk full? TMPDIR names another folder"
    return _HELP.get(error.errno or 0, "")


@contextmanager
def told_of(place: Path, *, what: str = "") -> Iterator[None]:
    """Raise what the system refuses within the block as an error of ours that says where."""
    try:
        yield
    except OSError as error:
        raise refused(error, place, what=what) from None
