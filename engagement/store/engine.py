"""The engine that works on a store: what it may take, how it holds the file, and what its errors say to a person.

DuckDB alone would take 80 % of the machine's memory, and spill into files that everybody can read.
"""

import errno
import os
import re
import resource
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

import duckdb

from engagement.errors import (
    FULL,
    EngagementError,
    InvalidInput,
    StoreBusy,
    StoreUnusable,
    disk_full,
    refused,
    told_of,
)
from engagement.settings import read_settings
from engagement.store.locks import begun, lives
from engagement.store.sql import Cursor

EngineError: TypeAlias = duckdb.Error

FOREIGN_HOLDER_WAIT_S: Final = 5.0  # an orphaned kernel lets go about a second after its parent died
# Rows that a checkpoint may have to write anew, while others wait; of DuckDB's 122,880 quizzes it takes 2 s.
ROW_GROUP: Final = 10_240

# Of an engine: a million learners need a third of it; past it, work goes by way of the disk.
MEMORY_MB: Final = 2_500
# A variable of the engine's allocator (jemalloc, on Linux) and its value. Left alone, it keeps what a query took for
# ten seconds: many pages are open at once, and most of them are only being read.
GIVES_BACK_SOON: Final = ("DUCKDB_JE_MALLOC_CONF", "dirty_decay_ms:4000,muzzy_decay_ms:0")
_CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
MEMORY_SHARE: Final = 0.35  # of what the machine has: a run has a second process, and a browser looks at it

# Errors in our own SQL: they hold names of columns, no values, and a developer wants to see them as they are.
DEFECTS: Final = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
# Errors that quote a value: what the value says must not be taken for what went wrong.
_ABOUT_VALUES: Final = (duckdb.ConstraintException, duckdb.ConversionException, duckdb.OutOfRangeException)
_VALUES: Final = re.compile(r"""['"].*['"]|['"].*""", re.DOTALL)  # to the last quote: a value may hold some
_NO_CSV: Final = "the file cannot be read as CSV in UTF-8 with one kind of line ending; save it as CSV UTF-8"
_NO_PARQUET: Final = "the file cannot be read as Parquet; it is damaged or something else"
# What the system refused the engine, which repeats it; longest first, as one may begin like another.
_REASONS: Final = {os.strerror(number): number for number in (*FULL, errno.EMFILE, errno.ENFILE)}
_BY_THE_SYSTEM: Final = re.compile(
    rf'(?:"(/[^"\n]*)".*?)?({"|".join(sorted(map(re.escape, _REASONS), key=len, reverse=True))})'
)
_NO_ROOM_TO_SPILL: Final = "max_temp_directory_size"
_NO_MEMORY: Final = r"Out of Memory|[Ff]ailed to allocate"
_KNOWN: Final[tuple[tuple[str, type[EngagementError], str], ...]] = (
    (
        r"not a valid DuckDB database|not a DuckDB database|different endian|[Cc]orrupt|checksum|not read enough bytes",
        StoreUnusable,
        "{path} is not a DuckDB file, or is damaged; move it away or restore a backup",
    ),
    (
        r"CSV (Error|Parser)|read_text|not valid UTF-?8|[Ii]nvalid unicode",
        InvalidInput,
        _NO_CSV,
    ),
    (
        r"[Pp]arquet|magic bytes",
        InvalidInput,
        _NO_PARQUET,
    ),
    (
        r"newer version|storage version",
        StoreUnusable,
        "{path} was made by a newer DuckDB; upgrade duckdb, or restore an older file",
    ),
    (
        r"Permission denied|[Rr]ead-only|Cannot open file",
        StoreUnusable,
        "{path} cannot be opened for this: read-only, or not permitted",
    ),
    (
        _NO_MEMORY,
        StoreUnusable,
        "{path}: OutOfMemory: more is needed than the engine may take; ENGAGEMENT_MEMORY (in MB) gives it more",
    ),
)


def plain_error(error: duckdb.Error, path: Path) -> EngagementError:
    """Return what a person can act on; values, which may be personal, are left out of the message."""
    text = str(error)
    if holder := re.search(r"Could not set lock on file.*?PID (\d+)", text, re.DOTALL):
        return StoreBusy(
            f"{path.name} is held by process {holder[1]}, which is not ours; end it or wait for it"
        )
    if refusal := of_the_machine(error, path.parent):
        return refusal
    if not isinstance(error, _ABOUT_VALUES):
        for pattern, kind, message in _KNOWN:
            if re.search(pattern, text):
                return kind(message.format(path=path))
    first_line = _VALUES.sub("…", text).splitlines()[0][:300]
    return StoreUnusable(f"{path.name}: {type(error).__name__}: {first_line}")


def of_the_machine(error: duckdb.Error, beside: Path) -> EngagementError | None:
    """Return what is told of a full disk, or of too many open files; None for an error of another kind.

    What does not fit into memory is put `beside` the store.
    """
    text = str(error)
    if isinstance(error, (*_ABOUT_VALUES, duckdb.InvalidInputException)):  # which may quote a line of a file
        return None
    if found := _BY_THE_SYSTEM.search(text):
        return refused(OSError(_REASONS[found[2]], found[2], found[1]), beside)
    return (
        disk_full("No room for what does not fit into memory", beside) if _NO_ROOM_TO_SPILL in text else None
    )


@contextmanager
def read_from(source: str) -> Iterator[None]:
    """Let what goes wrong while a file is read be that file's: the store has nothing to do with it.

    What the machine has too little of, such as room on the disk, stays that.
    """
    try:
        yield
    except DEFECTS:
        raise
    except duckdb.Error as error:
        text = str(error)
        if of_the_machine(error, Path()):
            raise
        if re.search(_NO_MEMORY, text):
            raise InvalidInput(
                f"{source}: to read it takes more memory than the engine may have (ENGAGEMENT_MEMORY, in MB), or it "
                "is damaged"
            ) from None
        is_parquet = source.lower().endswith(".parquet")
        raise InvalidInput(f"{source}: {_NO_PARQUET if is_parquet else _NO_CSV}") from None
    except UnicodeDecodeError:  # of a name in it
        raise InvalidInput(f"{source}: the file holds names that are no text; it is damaged") from None


def what_is_wrong(error: duckdb.Error) -> str:
    """Return what the engine says of a text that somebody typed: names in it, but no values of the tables."""
    text = str(error)
    return (_VALUES.sub("…", text) if isinstance(error, _ABOUT_VALUES) else text).splitlines()[0][:300]


def new_engine(beside: Path) -> Cursor:
    """Return an engine of its own, in memory, for a process's store in that folder."""
    with told_of(beside):  # with no descriptor left, DuckDB would end the whole process
        for spare in os.pipe():
            os.close(spare)
    engine = duckdb.connect(
        config={"python_enable_replacements": "false", "autoinstall_known_extensions": "false"}
    )
    engine.execute(f"set memory_limit = '{limit_mb()}MB'")
    engine.execute("set allocator_background_threads = true")  # what is free goes back also while nobody asks
    engine.execute("set global TimeZone = 'UTC'")  # for every cursor, whatever the machine's own zone
    engine.execute("set temp_directory = $folder", {"folder": str(spill_folder(beside) or "")})
    return engine


def attach(engine: Cursor, path: Path, *, read_only: bool) -> None:
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


def duplicate(file: Path, copy: Path) -> None:
    """Copy a file that may be attached: by a process of its own, because to close it in this one drops its lock.

    The copy is a new file, for its owner alone.
    """
    try:
        into = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(into, "wb") as target:  # noqa: PTH123 (a descriptor)
            done = subprocess.run(
                ["cat", "--", file],
                stdout=target,
                stderr=subprocess.PIPE,
                env=os.environ | {"LC_ALL": "C"},
                restore_signals=False,  # a file that may not grow is then an error, not the copier's death
                check=False,
            )
    except OSError as error:
        raise refused(error, copy.parent) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        if found := _BY_THE_SYSTEM.search(said):
            raise refused(OSError(_REASONS[found[2]], found[2]), copy.parent)
        raise StoreUnusable(f"{file}: cannot be copied into {copy.parent}: {said.rpartition(': ')[2]}")


def spill_folder(beside: Path) -> Path | None:
    """Return where this process's engine may put what does not fit into memory; DuckDB makes it if there is need.

    It lies in a folder that only its user can read, by the store or, where that is not ours to write in, among the
    temporary files. What a killed process left there is removed. None where no disk has room for a folder: to read
    takes none.
    """
    with suppress(OSError):
        private = next((folder for folder in _spill_folders(beside) if _is_private(folder)), None)
        if private is None:
            return Path(tempfile.mkdtemp(prefix="engagement-", suffix=".spill"))
        for left in private.iterdir():
            number, _, rest = left.name.partition("-")
            if not (number.isdecimal() and lives(int(number), rest.partition("-")[0])):
                shutil.rmtree(left, ignore_errors=True)
        return private / f"{os.getpid()}-{begun(os.getpid())}-{secrets.token_hex(4)}"
    return None


def _spill_folders(beside: Path) -> Iterator[Path]:
    yield beside / ".spill"
    yield Path(tempfile.gettempdir(), f"engagement-{os.geteuid()}.spill")


def _is_private(folder: Path) -> bool:
    """Return whether the folder is there, made now or before, for nobody but this user."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def limit_mb() -> int:
    """Return how much memory the engine may take: DuckDB alone would take 80 % of the machine's."""
    if (given := read_settings().memory_mb) is not None:
        return given
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit, _ in map(resource.getrlimit, (resource.RLIMIT_AS, resource.RLIMIT_DATA)):
        there = min(there, limit) if limit != resource.RLIM_INFINITY else there
    for limited in _CGROUP_LIMITS:
        with suppress(OSError, ValueError):  # no such limit, or the word "max"
            there = min(there, int(limited.read_text(encoding="utf-8")))
    return min(MEMORY_MB, int(there * MEMORY_SHARE / 1_000_000))
