"""The store: one DuckDB file that many short-lived holders share, and the only door to it.

DuckDB lets a single process hold a file for writing and nobody beside it, so nobody may keep it open. A process
has one in-memory engine; `read()` and `write()` attach the file for one short block and detach it. Who may attach
is decided by a fair turnstile (`locks`). Every thread takes the turnstile by itself, so threads and processes wait
in the same line, and a writer that holds it knows that no other thread of its process is attached.

Inside a block: no model call, no notebook, nothing slow. A relation dies with its block: fetch inside it.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

import duckdb

from engagement import private
from engagement.errors import EngagementError, NotFound, StoreUnusable, refused, told_of
from engagement.store import upgrade
from engagement.store.engine import DEFECTS, attach, new_engine, plain_error
from engagement.store.locks import turnstile
from engagement.store.sql import Cursor, transaction

LOCK_WAIT_S: Final = 60.0  # our own blocks are short: past this the holder hangs
TEXT_ROWS_PER_BLOCK: Final = (
    10_000  # a quarter of a second; more text in one block would keep the others waiting
)

COPIES: Final = ".explore-"  # begins the name of a folder that holds a copy to look at, see `snapshots`


@cache
def open_store(path: Path, *, wait_s: float = LOCK_WAIT_S) -> "Store":
    """Return the process's one `Store` for that file, which need not exist yet; whoever waits longer is told so."""
    return Store(path, wait_s=wait_s)


class Store:
    """One DuckDB file. Get it from `open_store`, so that a process has a single one per file."""

    def __init__(self, path: Path, *, wait_s: float = LOCK_WAIT_S) -> None:
        self.path = path
        self._wait_s = wait_s
        self._mutex = threading.Lock()
        self._engine: Cursor | None = None
        self._attached = 0
        self._local = threading.local()

    def is_there(self) -> bool:
        """Return whether there is a file; `StoreUnusable` where its folder does not let us see."""
        try:
            self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise refused(error) from None
        return True

    @contextmanager
    def read(self) -> Iterator[Cursor]:
        """Yield a cursor on the store as it is now; a change is refused.

        Within another block of the same thread it is that block's cursor. Raises `NotFound` where there is no
        store, `StoreBusy`, `StoreUnusable`.
        """
        if (outer := self._current) is not None:
            yield outer
            return
        self._require()
        with self._held(exclusive=False) as cursor:
            if upgrade.schema_version(cursor) == upgrade.SCHEMA_VERSION:
                yield cursor
                return
        with self.write():  # made by an earlier version: bring it up to date first
            pass
        with self.read() as cursor:
            yield cursor

    def schema(self) -> int:
        """Return the number of the file's schema as it is, 0 for a file without tables; raises as `read` does."""
        self._require()
        with self._held(exclusive=False) as cursor:
            return upgrade.schema_version(cursor)

    @contextmanager
    def write(self) -> Iterator[Cursor]:
        """Yield a cursor in one transaction: the whole block is kept, or nothing.

        Within another `write` of the same thread it joins that transaction. Raises `NotFound` where there is no store:
        a new one would hide that the old one is on a disk that is not mounted. Raises `StoreBusy`, `StoreUnusable`.
        """
        if (outer := self._current) is not None:
            if not self._local.may_write:
                raise EngagementError("a write was begun inside a read of the same thread")
            yield outer
            return
        if self.path.parent.name.startswith(COPIES):  # by its place: root may write to a read-only file
            raise StoreUnusable(f"{self.path} is a copy to look at: nothing can be written to it")
        self._require()
        with self._held(exclusive=True) as cursor:
            upgrade.bring_up_to_date(cursor, self.path)
            with transaction(cursor):
                yield cursor

    def make(self) -> None:
        """Make the store where there is none, whole or not at all; for who brings what is to be in it.

        Raises `StoreBusy`, `StoreUnusable`.
        """
        if self.is_there():
            return
        with told_of(self.path.parent):
            private.make_folder(self.path.parent)
        with turnstile(self.path, exclusive=True, wait_s=self._wait_s):
            if self.is_there():  # made by another process meanwhile
                return
            try:
                with self._block(exclusive=True) as cursor:
                    upgrade.bring_up_to_date(cursor, self.path)
            except BaseException:
                for file in (self.path, self.path.with_name(f"{self.path.name}.wal")):
                    file.unlink(missing_ok=True)
                raise

    def _require(self) -> None:
        if not self.is_there():
            raise NotFound(f"there is no store at {self.path}; `engagement load` or `make demo` makes one")
        file = self.path.resolve()
        for left in (file, file.with_name(f"{file.name}.wal")):  # open, by an earlier version
            private.close_to_others(left)

    @contextmanager
    def staging(self) -> Iterator[Cursor]:
        """Yield a cursor beside the store, for temporary tables; a block within it sees them.

        What takes seconds, such as checking a file or scoring everybody, ends in such a table: a reading block
        makes it, which keeps no reader out, and a short write copies it. Within another block or staging of the
        same thread it is that one's cursor.
        """
        if (outer := self._current or getattr(self._local, "staging", None)) is not None:
            yield outer
            return
        cursor = self._local.staging = self._memory().cursor()
        try:
            yield cursor
        except DEFECTS:
            raise
        except duckdb.Error as error:
            raise plain_error(error, self.path) from None
        finally:
            self._local.staging = None
            cursor.close()

    @property
    def _current(self) -> Cursor | None:
        return getattr(self._local, "cursor", None)

    @contextmanager
    def _held(self, *, exclusive: bool) -> Iterator[Cursor]:
        with (
            turnstile(self.path, exclusive=exclusive, wait_s=self._wait_s),
            self._block(exclusive=exclusive) as cursor,
        ):
            yield cursor

    @contextmanager
    def _block(self, *, exclusive: bool) -> Iterator[Cursor]:
        """Yield a cursor on the attached file; for who holds the turnstile."""
        with ExitStack() as stack:
            try:
                cursor = self._attach(read_only=not exclusive)
                stack.callback(self._detach, cursor)
                self._local.cursor, self._local.may_write = cursor, exclusive
                stack.callback(setattr, self._local, "cursor", None)
                yield cursor
            except DEFECTS:
                raise
            except duckdb.Error as error:
                raise plain_error(error, self.path) from None

    def _memory(self) -> Cursor:
        with self._mutex:
            if self._engine is None:
                self._engine = new_engine(self.path.parent)
            return self._engine

    def _attach(self, *, read_only: bool) -> Cursor:
        engine = self._memory()
        with self._mutex:
            if self._attached == 0:
                attach(engine, self.path, read_only=read_only)
            self._attached += 1
        cursor: Cursor = getattr(self._local, "staging", None) or engine.cursor()
        cursor.execute("use store")
        return cursor

    def _detach(self, cursor: Cursor) -> None:
        if cursor is getattr(self._local, "staging", None):
            with suppress(duckdb.Error):
                cursor.execute("use memory")
        else:
            cursor.close()  # before the file goes: an open result would keep it attached
        with self._mutex:
            self._attached -= 1
            if self._attached or self._engine is None:
                return
            try:
                self._engine.execute("detach store")
            except (
                duckdb.Error
            ):  # a fatal error, such as a full disk, leaves a dead engine: begin with a new one
                with suppress(duckdb.Error):
                    self._engine.close()
                self._engine = None
