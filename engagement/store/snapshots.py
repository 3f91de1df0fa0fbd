"""Copies of the store: that nobody can change, for whoever looks at it for hours, and one to try something on.

A copy holds everything the store holds about learners. It lies beside the store in a folder that only its owner can
read, and goes when whoever asked for it is done; what a killed process left is removed by the next copy.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from engagement.store import COPIES, LOCK_WAIT_S, Store
from engagement.store.engine import duplicate
from engagement.store.locks import turnstile

NAME: Final = "store.duckdb"
TRIALS: Final = ".trial-"  # what the folders are called in which something is tried
_IN_USE: Final = "in-use"  # locked as long as anybody uses the folder


@contextmanager
def taken(store: Store) -> Iterator[tuple[Path, int]]:
    """Yield a copy of the store as it is now, and a descriptor; whoever has either one open keeps the copy in use.

    Writers wait while the file is copied, readers do not. Raises `NotFound` where there is no store, `StoreBusy`,
    `StoreUnusable`.
    """
    with store.read():  # of an earlier version: brought up to date, which a copy could not be
        pass
    with _folder(store.path.parent, COPIES) as (folder, lock):
        _copy(store.path, folder / NAME, mode=0o400)
        yield folder / NAME, lock


@contextmanager
def trial(store: Store) -> Iterator[Store]:
    """Yield a copy of the store as it is now that may be written to, an empty one where there is none.

    Raises as `taken` does, but for `NotFound`.
    """
    beside = store.path.parent if store.is_there() else Path(tempfile.gettempdir())
    if store.is_there():
        with store.read():
            pass
    with _folder(beside, TRIALS) as (folder, _):
        if store.is_there():
            _copy(store.path, folder / NAME, mode=0o600)
        copy = Store(folder / NAME)
        copy.make()
        yield copy


@contextmanager
def _folder(beside: Path, prefix: str) -> Iterator[tuple[Path, int]]:
    """Yield a folder for its owner only, and the descriptor by which it is in use."""
    _remove_left(beside, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=beside))
    try:
        with (folder / _IN_USE).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder, lock.fileno()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(path: Path, copy: Path, *, mode: int) -> None:
    with turnstile(path, exclusive=False, wait_s=LOCK_WAIT_S):
        for suffix in ("", ".wal"):
            file = path.with_name(path.name + suffix)
            if file.exists():
                target = copy.with_name(copy.name + suffix)
                duplicate(file, target)
                target.chmod(mode)


def _remove_left(beside: Path, prefix: str) -> None:
    """Remove the copies that nobody uses any more."""
    for folder in (found for found in beside.glob(f"{prefix}*") if not found.is_symlink()):
        with suppress(OSError), (folder / _IN_USE).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
