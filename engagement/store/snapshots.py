"""Copies of the store that nobody can change, for whoever looks at it for hours: no run has to wait for them.

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
_IN_USE: Final = "in-use"  # locked as long as anybody uses the folder


@contextmanager
def taken(store: Store) -> Iterator[tuple[Path, int]]:
    """Yield a copy of the store as it is now, and a descriptor; whoever has either one open keeps the copy in use.

    Writers wait while the file is copied, readers do not. Raises `NotFound` where there is no store, `StoreBusy`,
    `StoreUnusable`.
    """
    with store.read():  # of an earlier version: brought up to date, which a copy could not be
        pass
    _remove_left(store.path.parent)
    folder = Path(tempfile.mkdtemp(prefix=COPIES, dir=store.path.parent))  # for its owner only
    try:
        with (folder / _IN_USE).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _copy(store.path, folder / NAME)
            yield folder / NAME, lock.fileno()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(path: Path, copy: Path) -> None:
    with turnstile(path, exclusive=False, wait_s=LOCK_WAIT_S):
        for suffix in ("", ".wal"):
            file = path.with_name(path.name + suffix)
            if file.exists():
                target = copy.with_name(copy.name + suffix)
                duplicate(file, target)
                target.chmod(0o400)


def _remove_left(beside: Path) -> None:
    """Remove the copies that nobody uses any more."""
    for folder in (found for found in beside.glob(f"{COPIES}*") if not found.is_symlink()):
        with suppress(OSError), (folder / _IN_USE).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
