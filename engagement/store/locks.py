"""Advisory locks between processes and threads: the store's fair turnstile, and one run at a time.

`flock` belongs to an open file, so two threads with a descriptor each exclude one another just as two processes
do, and the kernel lets go of the lock when its holder dies, whatever killed it.
"""

import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

from engagement import private
from engagement.errors import StoreBusy, StoreUnusable, of_the_system

_POLL_S: Final = (0.0005, 0.003)  # random, so that two waiters do not keep step
_GLANCE_S: Final = 0.1  # who looks whether a run works has its lock for an instant


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
        with _signed(lock) if exclusive else nullcontext():
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
        with _signed(lock):
            yield


def runner(path: Path) -> str | None:
    """Return who runs a pipeline on this store, None where nobody does.

    The lock says whether somebody does. What its file says outlives a run that was killed, and the number it holds
    may be another process's by now.
    """
    try:
        lock = os.open(_of_runs(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreUnusable(of_the_system(error)) from None
    try:
        return None if _tried(lock, fcntl.LOCK_SH) else _holder(lock)
    finally:
        os.close(lock)


def _of_runs(path: Path) -> Path:
    return path.with_name(path.name + ".run")


@contextmanager
def _signed(lock: int) -> Iterator[None]:
    """Let the lock file name its holder; the name goes with the lock, or readers would be blamed on a past writer."""
    os.truncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    try:
        yield
    finally:
        os.truncate(lock, 0)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, private.file_mode())
    except OSError as error:
        raise StoreUnusable(f"cannot write the lock file: {of_the_system(error)}") from None
    try:
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
    written = os.pread(lock, 20, 0).decode(errors="replace")
    return f"process {written}" if written else "another process"
