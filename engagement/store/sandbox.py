"""SQL that somebody typed, answered from copies of the tables it names in an engine that can do nothing else.

Such SQL can change nothing, read no file, reach no network and keep no run waiting: what it names is copied in a short
read, and the engine is locked before the text is looked at.
"""

import json
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Final

from engagement.errors import InvalidInput
from engagement.store import Cursor, EngineError, Store, new_engine, query, what_is_wrong

if TYPE_CHECKING:
    import pandas as pd

LONGEST_S: Final = 60.0
_LISTING: Final = (
    "duckdb_tables",
    "duckdb_columns",
    "duckdb_views",
)  # functions that tell which tables there are
_LOCKED: Final = """
    set enable_external_access = false;
    set autoinstall_known_extensions = false;
    set autoload_known_extensions = false;
    set allow_community_extensions = false;
    set lock_configuration = true;
"""


def answer(
    store: Store, sql: str, parameters: Mapping[str, object] | None = None, *, longest_s: float = LONGEST_S
) -> "pd.DataFrame":
    """Return the rows of a query over the store's tables and views.

    Parameters
    ----------
    parameters
        Values for `$name` in the text.

    Raises
    ------
    InvalidInput
        It is no query, does what it may not, or takes longer than `longest_s`.
    """
    if not isinstance(sql, str):
        raise InvalidInput("sql: a text is needed, such as: select id from learners")
    with closing(new_engine(store.path.parent)) as engine:
        try:
            if [statement.type.name for statement in engine.extract_statements(sql)] != ["SELECT"]:
                raise InvalidInput("sql: one query is needed, such as: select id from learners")
            wanted, lists = _names(engine, sql)
        except EngineError as error:
            raise _refused(error) from None
        _copy(store, wanted, engine, with_empty=lists)
        engine.execute(_LOCKED)
        stop = Timer(longest_s, engine.interrupt)
        stop.start()
        try:
            return engine.execute(sql, dict(parameters or {})).df()
        except EngineError as error:
            raise _refused(error) from None
        finally:
            stop.cancel()


def tables(store: Store) -> "pd.DataFrame":
    """Return one row per column of a table or view: `table`, `column`, `type`, `comment`; (P) marks personal data.

    A view's column has the comment of the column that it shows.
    """
    with store.read() as db:
        found: pd.DataFrame = db.execute(query("store/described_columns")).df()
    return found.set_axis(["table", "column", "type", "comment"], axis=1)


def _names(engine: Cursor, sql: str) -> tuple[set[str], bool]:
    """Return the names that stand in the text where a table can, and whether it asks which tables there are.

    Some of the names are parts of the query itself.
    """
    ((tree,),) = engine.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchall()
    found: set[str] = set()
    lists = False
    left = [json.loads(tree)]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            found |= {node["table_name"]} if node.get("type") == "BASE_TABLE" else set()
            lists |= node.get("type") == "SHOW_REF" or node.get("schema_name") == "information_schema"
            lists |= str(node.get("function_name")) in _LISTING
            left += node.values()
        elif isinstance(node, list):
            left += node
    return found, lists


def _copy(store: Store, wanted: set[str], engine: Cursor, *, with_empty: bool) -> None:
    """Copy tables by way of a file, which keeps their types; a view becomes a table.

    Where it is asked which there are, the others come too, `with_empty` ones in their place.
    """
    with tempfile.TemporaryDirectory(prefix="engagement-") as folder:
        file = str(Path(folder, "tables.duckdb")).replace("'", "''")
        with store.read() as db:
            known = db.execute("select table_name from information_schema.tables").fetchall()
            names = sorted(name for (name,) in known if with_empty or name in wanted)
            db.execute(f"attach '{file}' as copied (type duckdb)")
            try:
                for name in names:
                    limit = "" if name in wanted else "limit 0"
                    db.execute(f'create table copied."{name}" as select * from store."{name}" {limit}')  # noqa: S608 (known)
            finally:
                db.execute("detach copied")
        engine.execute(f"attach '{file}' as copied (type duckdb, read_only)")
        for name in names:
            engine.execute(f'create table "{name}" as select * from copied."{name}"')  # noqa: S608 (known)
        engine.execute("detach copied")


def _refused(error: EngineError) -> InvalidInput:
    said = "it takes too long" if "INTERRUPT" in str(error) else what_is_wrong(error)
    return InvalidInput(f"sql: {said}")
