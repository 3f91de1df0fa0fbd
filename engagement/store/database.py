"""The store: one DuckDB file that many short-lived holders share, and the only door to it.

DuckDB lets a single process hold a file for writing and nobody beside it, so nobody may keep it open. A process
has one in-memory engine; `read()` and `write()` attach the file for one short block and detach it. Who may attach
is decided by a fair turnstile (`locks`). Every thread takes the turnstile by itself, so threads and processes wait
in the same line, and a writer that holds it knows that no other thread of its process is attached.

Inside a block: no model call, no notebook, nothing slow. A relation dies with its block: fetch inside it.
"""

import glob
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import duckdb

from engagement.errors import EngagementError, InvalidInput, NotFound, StoreBusy, StoreUnusable
from engagement.store import memory
from engagement.store.locks import turnstile

if TYPE_CHECKING:
    import pandas as pd

Cursor: TypeAlias = duckdb.DuckDBPyConnection
EngineError: TypeAlias = duckdb.Error
Relation: TypeAlias = duckdb.DuckDBPyRelation

FOREIGN_HOLDER_WAIT_S: Final = 5.0  # an orphaned kernel lets go about a second after its parent died
LOCK_WAIT_S: Final = 60.0  # our own blocks are short: past this the holder hangs
TEXT_ROWS_PER_BLOCK: Final = (
    10_000  # a quarter of a second; more text in one block would keep the others waiting
)

COPIES: Final = ".explore-"  # begins the name of a folder that holds a copy to look at, see `snapshots`

# Rows that a checkpoint may have to write anew, while others wait; of DuckDB's 122,880 quizzes it takes 2 s.
ROW_GROUP: Final = 10_240

_PACKAGE: Final = Path(__file__).parents[1]
# Errors in our own SQL: they hold names of columns, no values, and a developer wants to see them as they are.
_DEFECTS: Final = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
# Errors that quote a value: what the value says must not be taken for what went wrong.
_ABOUT_VALUES: Final = (duckdb.ConstraintException, duckdb.ConversionException, duckdb.OutOfRangeException)
_VALUES: Final = re.compile(r"""['"].*['"]|['"].*""", re.DOTALL)  # to the last quote: a value may hold some
_KNOWN: Final[tuple[tuple[str, type[EngagementError], str], ...]] = (
    (
        r"not a valid DuckDB database|not a DuckDB database|different endian|[Cc]orrupt|checksum|not read enough bytes",
        StoreUnusable,
        "{path} is not a DuckDB file, or is damaged; move it away or restore a backup",
    ),
    (
        r"CSV (Error|Parser)|read_text|not valid UTF-?8|[Ii]nvalid unicode",
        InvalidInput,
        "the file cannot be read as CSV in UTF-8 with one kind of line ending; save it as CSV UTF-8",
    ),
    (
        r"[Pp]arquet|magic bytes",
        InvalidInput,
        "the file cannot be read as Parquet; it is damaged or something else",
    ),
    (
        r"newer version|storage version",
        StoreUnusable,
        "{path} was made by a newer DuckDB; upgrade duckdb, or restore an older file",
    ),
    (
        r"(?i)No space left|disk quota|File too large|Could not write|max_temp_directory_size",
        StoreUnusable,
        "{path}: the disk is full; what was committed before is intact",
    ),
    (
        r"Permission denied|[Rr]ead-only|Cannot open file",
        StoreUnusable,
        "{path} cannot be opened for this: read-only, or not permitted",
    ),
    (
        r"Out of Memory|[Ff]ailed to allocate",  # last: where the disk has no room to spill to, the disk is full
        StoreUnusable,
        "{path}: OutOfMemory: more is needed than the engine may take; ENGAGEMENT_MEMORY (in MB) gives it more",
    ),
)
_MIGRATIONS: Final = sorted((Path(__file__).parent / "migrations").glob("[0-9]*.sql"))
SCHEMA_VERSION: Final = len(_MIGRATIONS)


@cache
def query(name: str) -> str:
    """Return the text of a query by room and name: `views/roster_contacts` is `views/sql/roster_contacts.sql`."""
    room, _, file = name.partition("/")
    return (_PACKAGE / room / "sql" / f"{file}.sql").read_text(encoding="utf-8")


def first_row(cursor: Cursor, sql: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...]:
    """Return the first row of a query that always has one; the result is closed, as `detach` needs it."""
    row: tuple[Any, ...] = cursor.execute(sql, dict(parameters or {})).fetchall()[0]
    return row


def records(cursor: Cursor, sql: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
    """Return the rows of a query as dictionaries with plain values: `datetime`, `float`, None for NULL."""
    result = cursor.execute(sql, dict(parameters or {}))
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def pattern(path: Path) -> str:
    """Return the path as DuckDB's readers take one: a pattern, here one that nothing else matches."""
    return glob.escape(str(path))


@contextmanager
def registered(cursor: Cursor, name: str, frame: "pd.DataFrame") -> Iterator[None]:
    """Let the block's statements on this cursor read `frame` under that name."""
    cursor.register(name, frame)
    try:
        yield
    finally:
        cursor.unregister(name)


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

    @contextmanager
    def read(self) -> Iterator[Cursor]:
        """Yield a cursor on the store as it is now; a change is refused.

        Within another block of the same thread it is that block's cursor. Raises `NotFound` where there is no
        store, `StoreBusy`, `StoreUnusable`.
        """
        if (outer := self._current) is not None:
            yield outer
            return
        if not self.path.exists():
            raise NotFound(f"there is no store at {self.path}; `engagement load` or `make demo` makes one")
        with self._held(exclusive=False) as cursor:
            if _schema_version(cursor) == SCHEMA_VERSION:
                yield cursor
                return
        with self.write():  # made by an earlier version: bring it up to date first
            pass
        with self.read() as cursor:
            yield cursor

    def schema(self) -> int:
        """Return the number of the file's schema as it is, 0 for a file without tables; raises as `read` does."""
        if not self.path.exists():
            raise NotFound(f"there is no store at {self.path}")
        with self._held(exclusive=False) as cursor:
            return _schema_version(cursor)

    @contextmanager
    def write(self) -> Iterator[Cursor]:
        """Yield a cursor in one transaction: the whole block is kept, or nothing.

        Within another `write` of the same thread it joins that transaction. Raises `StoreBusy`, `StoreUnusable`.
        """
        if (outer := self._current) is not None:
            if not self._local.may_write:
                raise EngagementError("a write was begun inside a read of the same thread")
            yield outer
            return
        if self.path.parent.name.startswith(COPIES):  # by its place: root may write to a read-only file
            raise StoreUnusable(f"{self.path} is a copy to look at: nothing can be written to it")
        with self._held(exclusive=True) as cursor:
            _migrate(cursor)
            with _transaction(cursor):
                yield cursor

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
        except _DEFECTS:
            raise
        except duckdb.Error as error:
            raise plain_error(error, self.path) from None
        finally:
            self._local.staging = None
            cursor.close()

    @property
    def _current(self) -> Cursor | None:
        cursor: Cursor | None = getattr(self._local, "cursor", None)
        return cursor

    @contextmanager
    def _held(self, *, exclusive: bool) -> Iterator[Cursor]:
        if exclusive:
            _make_folder(self.path.parent)
        with turnstile(self.path, exclusive=exclusive, wait_s=self._wait_s), ExitStack() as stack:
            try:
                cursor = self._attach(read_only=not exclusive)
                stack.callback(self._detach, cursor)
                self._local.cursor, self._local.may_write = cursor, exclusive
                stack.callback(setattr, self._local, "cursor", None)
                yield cursor
            except _DEFECTS:
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
                _attach_patiently(engine, self.path, read_only=read_only)
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


def plain_error(error: duckdb.Error, path: Path) -> EngagementError:
    """Return what a person can act on; values, which may be personal, are left out of the message."""
    text = str(error)
    if holder := re.search(r"Could not set lock on file.*?PID (\d+)", text, re.DOTALL):
        return StoreBusy(
            f"{path.name} is held by process {holder[1]}, which is not ours; end it or wait for it"
        )
    if not isinstance(error, _ABOUT_VALUES):
        for pattern, kind, message in _KNOWN:
            if re.search(pattern, text):
                return kind(message.format(path=path))
    first_line = _VALUES.sub("…", text).splitlines()[0][:300]
    return StoreUnusable(f"{path.name}: {type(error).__name__}: {first_line}")


def what_is_wrong(error: duckdb.Error) -> str:
    """Return what the engine says of a text that somebody typed: names in it, but no values of the tables."""
    text = str(error)
    return (_VALUES.sub("…", text) if isinstance(error, _ABOUT_VALUES) else text).splitlines()[0][:300]


def new_engine(beside: Path) -> Cursor:
    """Return an engine of its own, in memory, for a process's store in that folder."""
    engine = duckdb.connect(
        config={"python_enable_replacements": "false", "autoinstall_known_extensions": "false"}
    )
    engine.execute(f"set memory_limit = '{memory.limit_mb()}MB'")
    engine.execute("set allocator_background_threads = true")  # what is free goes back also while nobody asks
    engine.execute("set global TimeZone = 'UTC'")  # for every cursor, whatever the machine's own zone
    engine.execute("set temp_directory = $folder", {"folder": str(memory.spill_folder(beside))})
    return engine


def _attach_patiently(engine: Cursor, path: Path, *, read_only: bool) -> None:
    """Attach the file as `store`, waiting a little for a program outside the turnstile to let go of it."""
    deadline = time.monotonic() + FOREIGN_HOLDER_WAIT_S
    # Without the type, a file that looks like another database's sends DuckDB to the network for an extension.
    mode = f"type duckdb, {'read_only' if read_only else f'row_group_size {ROW_GROUP}'}"
    name = str(path).replace("'", "''")
    while True:
        try:
            engine.execute(f"attach '{name}' as store ({mode})")
            return
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(f"{folder}: cannot make the folder of the store: {error.strerror}") from None


def _schema_version(cursor: Cursor) -> int:
    """Return the version of the attached file, 0 for a new one; `StoreUnusable` where it is not for this program."""
    try:
        version = int(first_row(cursor, "select max(version) from store.schema_version")[0])
    except duckdb.CatalogException:
        if first_row(cursor, "select count(*) from duckdb_tables() where database_name = 'store'")[0]:
            raise StoreUnusable(
                "the store is a DuckDB file with the tables of another program; choose another name"
            ) from None
        return 0
    if version > SCHEMA_VERSION:
        raise StoreUnusable(
            f"the store has schema {version}, this program knows {SCHEMA_VERSION}; upgrade the program"
        )
    return version


def _migrate(cursor: Cursor) -> None:
    """Apply the numbered files that the store lacks, each whole or not at all.

    Each in a transaction of its own: of more than a row group of rows that were inserted into a table after it was
    altered in the same transaction, DuckDB 2.0 sees none until that is over, and an update passes them by.
    """
    version = _schema_version(cursor)
    for number, file in enumerate(_MIGRATIONS[version:], start=version + 1):
        with _transaction(cursor):
            if number == 1:
                cursor.execute("create table schema_version (version integer not null)")
            cursor.execute(file.read_text(encoding="utf-8"))
            cursor.execute("insert into schema_version values ($version)", {"version": number})


@contextmanager
def _transaction(cursor: Cursor) -> Iterator[None]:
    cursor.execute("begin")
    try:
        yield
        cursor.execute("select 1")  # raises if an error was swallowed; commit would silently roll back
        cursor.execute("commit")
    except BaseException:
        with suppress(duckdb.Error):
            cursor.execute("rollback")
        raise
