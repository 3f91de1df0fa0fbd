"""What every block on the store is written with: queries by name, rows as plain values, frames as tables."""

import glob
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import duckdb

if TYPE_CHECKING:
    import pandas as pd

Cursor: TypeAlias = duckdb.DuckDBPyConnection
Relation: TypeAlias = duckdb.DuckDBPyRelation

Statement: TypeAlias = duckdb.Statement

# Queries that expressions were made into, by what they were made of, and long ones as they were read, by their text.
_MADE: Final[dict[Hashable, str]] = {}
_READ: Final[dict[str, Statement]] = {}
_MOST_KEPT: Final = 32  # a page that tries numbers asks for as many


@cache
def query(name: str) -> str:
    """Return the text of a query by room and name: `views/roster_contacts` is `views/sql/roster_contacts.sql`."""
    room, _, file = name.partition("/")
    return (Path(__file__).parents[1] / room / "sql" / f"{file}.sql").read_text(encoding="utf-8")


def query_made(cursor: Cursor, table: str, made: Callable[..., Relation], *of: Hashable) -> str:
    """Return the query for what `made` makes of a table, whose columns and `of` say all about it.

    To build it from expressions takes tens of milliseconds, however few the rows: it is built once.
    """
    relation = cursor.table(table)
    key = (made, table, *relation.columns, *map(str, relation.types), *of)
    if (sql := _MADE.get(key)) is None:
        sql = made(relation, *of).sql_query()
        _keep(_MADE, key, sql)
    return sql


def read_once(cursor: Cursor, sql: str) -> Statement:
    """Return the statement of a long text, to execute on any cursor: to read it takes 1 ms for 3,000 characters."""
    if (statement := _READ.get(sql)) is None:
        (statement,) = cursor.extract_statements(sql)
        _keep(_READ, sql, statement)
    return statement


def _keep(kept: dict[Any, Any], key: Hashable, value: object) -> None:
    """Keep the value in place of the oldest where there are enough; other threads may do the same meanwhile."""
    for oldest in list(kept)[: max(len(kept) + 1 - _MOST_KEPT, 0)]:
        kept.pop(oldest, None)
    kept[key] = value


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


def typed(rows: Sequence[Sequence[object]], **columns: str) -> "pd.DataFrame":
    """Return the rows as a table of those columns and types, also where there are none.

    Of itself an empty column is one of numbers, which text beside it cannot be compared with.
    """
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


@contextmanager
def registered(cursor: Cursor, name: str, frame: "pd.DataFrame") -> Iterator[None]:
    """Let the block's statements on this cursor read `frame` under that name."""
    cursor.register(name, frame)
    try:
        yield
    finally:
        cursor.unregister(name)


@contextmanager
def transaction(cursor: Cursor) -> Iterator[None]:
    """Keep all that the block does on this cursor, or nothing."""
    cursor.execute("begin")
    try:
        yield
        cursor.execute("select 1")  # raises if an error was swallowed; commit would silently roll back
        cursor.execute("commit")
    except BaseException:
        with suppress(duckdb.Error):
            cursor.execute("rollback")
        raise
