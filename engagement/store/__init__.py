"""The store: one DuckDB file, and the only door to it."""

from engagement.store.database import COPIES, LOCK_WAIT_S, TEXT_ROWS_PER_BLOCK, Store, open_store
from engagement.store.engine import EngineError, new_engine, read_from, what_is_wrong
from engagement.store.sql import (
    Cursor,
    Relation,
    first_row,
    pattern,
    query,
    query_made,
    read_once,
    records,
    registered,
    typed,
)
from engagement.store.upgrade import SCHEMA_VERSION

__all__ = [
    "COPIES",
    "LOCK_WAIT_S",
    "SCHEMA_VERSION",
    "TEXT_ROWS_PER_BLOCK",
    "Cursor",
    "EngineError",
    "Relation",
    "Store",
    "first_row",
    "new_engine",
    "open_store",
    "pattern",
    "query",
    "query_made",
    "read_from",
    "read_once",
    "records",
    "registered",
    "typed",
    "what_is_wrong",
]
