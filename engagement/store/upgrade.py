"""How a store gets its tables, and is brought up to date: by the numbered SQL files of `migrations`."""

from pathlib import Path
from typing import Final

import duckdb

from engagement.errors import StoreUnusable
from engagement.store.sql import Cursor, first_row, transaction

FILES: Final = sorted((Path(__file__).parent / "migrations").glob("[0-9]*.sql"))
SCHEMA_VERSION: Final = len(FILES)


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


def migrate(cursor: Cursor) -> None:
    """Apply the numbered files that the store lacks, each whole or not at all.

    Each in a transaction of its own: of more than a row group of rows that were inserted into a table after it was
    altered in the same transaction, DuckDB 2.0 sees none until that is over, and an update passes them by.
    """
    version = schema_version(cursor)
    for number, file in enumerate(FILES[version:], start=version + 1):
        with transaction(cursor):
            if number == 1:
                cursor.execute("create table schema_version (version integer not null)")
            cursor.execute(file.read_text(encoding="utf-8"))
            cursor.execute("insert into schema_version values ($version)", {"version": number})
