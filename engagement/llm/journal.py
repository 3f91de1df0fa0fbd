"""Answers as they arrive, on disk before anything else happens to them: what was paid for is not paid for twice.

A line is written to a file of this process beside the store, which costs a hundredth of a write to the store, and
the lines go into the store many at a time. Whoever is killed in between leaves a file; its lock goes with the process,
and the next one that asks a model takes the file over (`abandoned`).
"""

import errno
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from engagement import private
from engagement.content.quiz import QuestionDict
from engagement.errors import told_of

_SUFFIX: Final = ".jsonl"
_ORPHAN_LIVES_S: Final = 2.0
_ATTEMPTS: Final = 100  # at a file that nobody takes away at once


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one prompt.

    Attributes
    ----------
    reason
        Why there is no text; None where there is one.
    content
        The text of a nudge, the questions of a quiz, None where there is none.
    requests
        How many left for the service.
    cost_usd
        What they cost, or may have; None where the price is not known.
    run_id
        The run that asked; None where a person did.
    answered_at
        When, an ISO instant, UTC.
    rule
        What the last answer did wrong, in words; None where that is not the reason.
    """

    cache_key: str
    kind: str
    prompt_version: str
    reason: str | None
    content: str | list[QuestionDict] | None
    subject: str | None
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    model: str
    base_url: str
    run_id: str | None
    answered_at: str
    rule: str | None = None

    @property
    def is_written(self) -> bool:
        """Whether the model wrote a text that passed the checks."""
        return self.reason is None


@dataclass(frozen=True)
class Journal:
    """The open file of one process. What `append` has written outlives the process."""

    descriptor: int
    path: Path

    def append(self, answer: Answer) -> None:
        """Write one line; raises `DiskFull` where the disk takes no more."""
        fields = {name: getattr(answer, name) for name in Answer.__slots__}  # `asdict` copies deeply
        line = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with told_of(self.path.parent, what="an answer cannot be kept"):
            if os.write(self.descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def opened(store: Path) -> Iterator[Journal]:
    """Yield a journal of this process beside the store.

    A block that succeeds has brought everything into the store: the file goes. One that fails leaves it to the next.
    """
    place = folder(store)
    path = place / f"{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"
    with told_of(place, what=f"{place.name}: cannot be written to"):
        descriptor = _created(path)
    try:
        yield Journal(descriptor, path)
        _remove(path)
    finally:
        if os.fstat(descriptor).st_size == 0:
            _remove(path)
        os.close(descriptor)


def _created(path: Path) -> int:
    """Return the descriptor of a new file, locked; once more where another process takes it, or the folder, away."""
    for _ in range(_ATTEMPTS):
        with suppress(FileExistsError):
            path.parent.mkdir(mode=0o777 & ~private.mask())
        private.follow_no_link(path.parent)  # to where somebody else wants to read the answers
        with suppress(FileNotFoundError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(path, flags, private.file_mode())
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


@contextmanager
def abandoned(store: Path) -> Iterator[list[Answer]]:
    """Yield the answers that killed processes left beside the store; their files go when the block succeeds.

    A last line that was cut off is not an answer: its request counts as lost.
    """
    found: list[Answer] = []
    taken: list[tuple[int, Path]] = []
    try:
        for path in _files(folder(store)):
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
                if not _locked(descriptor):  # its process is alive
                    os.close(descriptor)
                    continue
                taken.append((descriptor, path))
                found += _answers(path.read_bytes().split(b"\n"))
        yield found
        for _, path in taken:
            _remove(path)
    finally:
        for descriptor, _ in taken:
            os.close(descriptor)


def _files(place: Path) -> list[Path]:
    with suppress(FileNotFoundError):  # it may go while it is looked at
        return [] if place.is_symlink() else sorted(place.glob(f"*{_SUFFIX}"))
    return []


def _locked(descriptor: int) -> bool:
    """Return whether the file is ours now; a kernel whose runner was killed lives on for a second."""
    deadline = time.monotonic() + _ORPHAN_LIVES_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    with suppress(OSError):  # somebody else's file is in it
        path.parent.rmdir()


def folder(store: Path) -> Path:
    """Return where answers on their way into a store lie."""
    return store.with_name(f"{store.name}.answers")


def _answers(lines: Iterable[bytes]) -> Iterator[Answer]:
    for line in lines:
        with suppress(ValueError, TypeError):
            answer = Answer(**json.loads(line))
            datetime.fromisoformat(answer.answered_at)
            yield answer
