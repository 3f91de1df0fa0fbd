"""Advisory locks between processes and threads: the store's fair turnstile, and one run at a time.

`flock` belongs to an open file, so two threads with a descriptor each exclude one another just as two processes
do, and the kernel lets go of the lock when its holder dies, whatever killed it.
"""

import fcntl
import os
import random
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

from engagement import private
from engagement.errors import StoreBusy, StoreUnusable, refused, told_of

_POLL_S: Final = (0.0005, 0.003)  # random, so that two waiters do not keep step
_GLANCE_S: Final = 0.1  # who looks whether a run works has its lock for an instant
_PROCESSES: Final = Path("/proc")  # of Linux; elsewhere a process is known by its number alone
_BEGUN: Final = 18  # of what its `stat` says after the state: proc(5) calls it starttime
_SIGNATURE: Final = re.compile(rb"(\d+) (\d*)\n")
# A link at a lock's name would have us empty, and write to, a file of our own that somebody else chose.
_AS_IT_IS: Final = os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def turnstile(path: Path, *, exclusive: bool, wait_s: float) -> Iterator[None]:
    """Hold the file's lock, shared or exclusive, in the order of arrival; `StoreBusy` after `wait_s`.

    Who waits for the lock stands in the gate, so that nobody who comes later overtakes: readers that follow one
    another cannot keep a writer out.
    """
    deadline = time.monotonic() + wait_s
    with (
        _opened(path.with_name(path.name + ".gate")) as gate,
        _opened(path.with_name(path.name + ".lock")) as lock,
    ):
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        try:
            if not (_taken(gate, fcntl.LOCK_EX, deadline) and _taken(lock, kind, deadline)):
                raise StoreBusy(f"{path.name} is held by {_holder(lock)}; try again in a moment")
        finally:
            fcntl.flock(gate, fcntl.LOCK_UN)
        with _signed(lock, path) if exclusive else nullcontext():
            yield


@contextmanager
def sole_runner(path: Path) -> Iterator[None]:
    """Hold the right to run a pipeline on this store; `StoreBusy` at once where another process has it."""
    with _sole(_of_runs(path), f"another run works on {path.name}"):
        yield


@contextmanager
def sole_exporter(path: Path) -> Iterator[None]:
    """Hold the right to hand over what is approved; `StoreBusy` at once where another process has it."""
    with _sole(path.with_name(path.name + ".export"), f"another export from {path.name} is being written"):
        yield


@contextmanager
def _sole(file: Path, otherwise: str) -> Iterator[None]:
    with _opened(file) as lock:
        if not _taken(lock, fcntl.LOCK_EX, time.monotonic() + _GLANCE_S):
            raise StoreBusy(f"{otherwise} ({_holder(lock)}); try again when it is done")
        with _signed(lock, file):
            yield


def runner(path: Path) -> str | None:
    """Return who runs a pipeline on this store, None where nobody does.

    The lock says whether somebody does. What its file says outlives a run that was killed.
    """
    try:
        lock = os.open(_of_runs(path), os.O_RDONLY | _AS_IT_IS)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(error) from None
    try:
        return None if _tried(lock, fcntl.LOCK_SH) else _holder(lock)
    finally:
        os.close(lock)


def _of_runs(path: Path) -> Path:
    return path.with_name(path.name + ".run")


@contextmanager
def _signed(lock: int, path: Path) -> Iterator[None]:
    """Let the lock file name its holder, as far as that is alive: one that is killed leaves its name behind."""
    with told_of(path.parent):
        os.truncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()} {begun(os.getpid())}\n".encode(), 0)
    try:
        yield
    finally:
        os.truncate(lock, 0)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _AS_IT_IS, private.file_mode())
    except OSError as error:
        raise refused(error, what="cannot write the lock file") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StoreUnusable(f"{path}: no ordinary file, as a lock is one; remove it")
        yield descriptor
    finally:
        os.close(descriptor)  # which releases the lock


def _taken(descriptor: int, kind: int, deadline: float) -> bool:
    while not _tried(descriptor, kind):
        if time.monotonic() > deadline:
            return False
        time.sleep(random.uniform(*_POLL_S))  # noqa: S311 (spreads waiters, keeps no secret)
    return True


def _tried(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: int) -> str:
    signed = _SIGNATURE.fullmatch(os.pread(lock, 60, 0))
    # A reader does not sign: it stands behind the name of a writer that was killed, whose number may be another's.
    if signed and lives(int(signed[1]), signed[2].decode()):
        return f"process {signed[1].decode()}"
    return "another process"


def lives(process: int, since: str) -> bool:
    """Return whether the very process that began then is alive: a number alone may be another's by now."""
    return begun(process) == since


def begun(process: int) -> str | None:
    """Return when that process began, as the system counts it; None where it is not alive, "" where nobody can say."""
    try:
        if _PROCESSES.is_dir():
            said = (_PROCESSES / str(process) / "stat").read_text(errors="replace")
            state, *fields = said.rpartition(")")[2].split()  # a name may hold brackets
            return None if state in "ZX" else fields[_BEGUN]
        os.kill(process, 0)
    except PermissionError:
        return ""
    except (OSError, OverflowError):
        return None
    return ""
