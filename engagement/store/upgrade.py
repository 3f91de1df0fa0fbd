"""How a store gets its tables, and is brought up to date: by the numbered SQL files of `migrations`.

An older store is not changed: a copy of it is, which then takes its place in one step. So no error, full disk or kill
leaves anything between two versions under the store's name, and what was there before is kept beside it.
"""

import glob
import logging
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import duckdb

from engagement import private
from engagement.errors import StoreUnusable, of_the_system
from engagement.store.engine import DEFECTS, attach, duplicate, new_engine, plain_error, what_is_wrong
from engagement.store.sql import Cursor, first_row, transaction

_log = logging.getLogger(__name__)

FILES: Final = sorted((Path(__file__).parent / "migrations").glob("[0-9]*.sql"))
SCHEMA_VERSION: Final = len(FILES)

_BEFORE: Final = ".schema-"  # and, before its number, of the store as it was before


def schema_version(cursor: Cursor) -> int:
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


def bring_up_to_date(cursor: Cursor, path: Path) -> None:
    """Give the attached store today's tables, where it has others or none; `StoreUnusable` leaves it as it was.

    For who holds the turnstile alone.
    """
    version = schema_version(cursor)
    if version == 0:
        with transaction(cursor):  # a new store has them all, or none
            cursor.execute("create table schema_version (version integer not null)")
            for number in range(1, SCHEMA_VERSION + 1):
                _apply(cursor, number)
    elif version < SCHEMA_VERSION:
        _replace(cursor, path, version)


def kept(path: Path) -> Path | None:
    """Return the store as it was before it was last brought up to date, None where that is not there."""
    return next(iter(_all_kept(path.resolve())), None)


def _all_kept(file: Path) -> list[Path]:
    beside = file.parent.glob(f"{glob.escape(file.name + _BEFORE)}*")
    return sorted(
        path for path in beside if path.name.rpartition("-")[2].isdigit()
    )  # not a copy of somebody's own


def _replace(cursor: Cursor, path: Path, version: int) -> None:
    """Put a changed copy in the place of the attached store, and attach that."""
    file = path.resolve()  # a link to the store stays one
    changed = file.with_name(f"{file.name}.migrating")
    cursor.execute("checkpoint store")  # all of it into the one file
    with _told(path, version), _removed(changed):
        duplicate(file, changed)  # the store stays attached: nobody else can change it meanwhile
        _change(changed, version)
        before = _swap(file, changed, version)
    _log.warning(
        "%s was brought from schema %d to %d. As it was it is kept as %s: to go back, end the program, rename that to"
        " %s, and use the version from before.",
        *(path.name, version, SCHEMA_VERSION, before.name, file.name),
    )
    cursor.execute("use memory")
    cursor.execute("detach store")
    attach(cursor, path, read_only=False)
    cursor.execute("use store")


def _apply(cursor: Cursor, number: int) -> None:
    cursor.execute(FILES[number - 1].read_text(encoding="utf-8"))
    cursor.execute("insert into schema_version values ($version)", {"version": number})


def _change(file: Path, version: int) -> None:
    """Apply the numbered files that the store in that file lacks.

    Each in a transaction of its own: of more than a row group of rows that were inserted into a table after it was
    altered in the same transaction, DuckDB 2.0 sees none until that is over, and an update passes them by.
    """
    with closing(new_engine(file.parent)) as engine:
        attach(engine, file, read_only=False)
        engine.execute("use store")
        for number in range(version + 1, SCHEMA_VERSION + 1):
            with transaction(engine):
                _apply(engine, number)
        engine.execute("use memory")
        engine.execute("detach store")


def _swap(file: Path, changed: Path, version: int) -> Path:
    """Let the changed file take the store's place; return what was there as it is kept, the only one."""
    found = file.stat()
    with suppress(PermissionError):  # where another's store is changed by somebody who may write to it
        os.chown(changed, found.st_uid, found.st_gid)
    changed.chmod(found.st_mode & 0o777)
    before = file.with_name(f"{file.name}{_BEFORE}{version}")
    before.unlink(missing_ok=True)
    try:
        os.link(file, before)
    except OSError:  # a file system without links
        duplicate(file, before)
    _flush(changed)
    changed.replace(file)
    _flush(file.parent)
    private.close_to_others(before)
    for older in _all_kept(file):
        if older != before:
            older.unlink()
    return before


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _removed(file: Path) -> Iterator[None]:
    """Remove what lies under that name, now from a process that was killed, and at the end."""
    everything = (file, file.with_name(file.name + ".wal"))
    try:
        for left in everything:
            left.unlink(missing_ok=True)
        yield
    finally:
        for left in everything:
            left.unlink(missing_ok=True)


@contextmanager
def _told(path: Path, version: int) -> Iterator[None]:
    """Say of what goes wrong that the store is as it was, and how to go on."""
    try:
        yield
    except (duckdb.Error, StoreUnusable, OSError) as error:
        match error:
            case duckdb.Error():
                plain = what_is_wrong(error) if isinstance(error, DEFECTS) else str(plain_error(error, path))
            case OSError():
                plain = of_the_system(error, path.parent)
            case _:
                plain = str(error)
        raise StoreUnusable(
            f"{path} cannot be brought from schema {version} to {SCHEMA_VERSION}, and is as it was: {plain}."
            " Until that is mended, the version of the program from before can go on with it."
        ) from None
