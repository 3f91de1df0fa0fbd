"""Everything the platform raises on purpose.

    EngagementError            exit 1
    ├── InvalidInput           exit 2    a file, a parameter or a text that is not as documented
    ├── NotFound               exit 4    no such learner, nudge, run or store
    ├── Changed                exit 1    somebody else changed it first
    ├── StoreBusy              exit 75   somebody else holds the store or runs the pipeline
    ├── StoreUnusable          exit 1    damaged, read-only, full, or made by a newer version
    └── RunFailed              exit 1    a step of a pipeline failed
        └── RunStopped         exit 128 + the number of the signal that ended the run

A message says which column or parameter, how many rows, the first one by id, and what is allowed.
It never holds a learner's name or address, nor a key: messages end up in logs and tickets.
"""

from typing import Final

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


def of_the_system(error: OSError) -> str:
    """Return which file the system refused and why; where it is a matter of rights, also who can help.

    >>> of_the_system(PermissionError(13, "Permission denied", "/srv/.env"))
    '/srv/.env: Permission denied; whoever owns it or its folder can let you in (chmod), or run this for you'
    """
    said = f"{error.filename or 'the system'}: {error.strerror}"
    if isinstance(error, PermissionError):
        said += "; whoever owns it or its folder can let you in (chmod), or run this for you"
    return said
