"""A source held to the rules of `schema`: what a text becomes, every reason why it cannot, and what is refused whole.

The rules are expressions over a table of text columns, because a million rows are checked in one pass there, and all
reasons of a row are found, not just the first. Only names from `schema` are formatted into SQL, never a value.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import available_timezones

import pandas as pd

from engagement.errors import InvalidInput
from engagement.ingest.schema import MISSING_WORDS, Column
from engagement.ingest.source import readers
from engagement.ingest.source.source_format import MAP_HINT, SourceFormat
from engagement.ingest.values import contacts, date_shapes, instants, numbers, texts, words
from engagement.ingest.values.left_out import LeftOut, take_out
from engagement.ingest.values.percents import Known, refuse_fractions, signed
from engagement.ingest.values.reading import LONGEST_WORD, Reading, is_one_of, written
from engagement.store import Cursor, Store, first_row, query, read_from, read_once

# Two columns in which not one value can be read are not a dirty file: their names stand over the wrong data.
SWAPPED_AT_LEAST: Final = 2
# In a column that is nearly empty, as last_login is at the start of a term, one bad row is only that.
UNREAD_AT_LEAST: Final = 2
UNREAD_SHARE: Final = 0.1
_SEVERAL: Final = 2
AHEAD: Final = timedelta(days=1)  # of a clock in another zone
_READABLE: Final = (
    "number",
    "login",
    "whole",
    "instant",
    "flag",
    "choice",
    "email",
)  # a text of these may mean nothing


@dataclass(frozen=True, eq=False)
class Checked:
    """A source whose rows stand in the temporary table `checked`, every value read.

    Its column `reasons` has a line for each reason against a row, and is null where there is none; `odd` has one for
    each cell of it that could not be read and is left empty. `not_rows` are the records that could not be split into
    columns, `left_out` those that are nobody's.
    """

    source: readers.Source
    incoming: readers.Incoming
    content_hash: str
    rows: int
    not_rows: pd.DataFrame
    left_out: LeftOut
    notes: Sequence[str]  # what whoever loads it is to know
    stamp: tuple[int, int] | None

    def refuse_changed(self) -> None:
        """Raise `InvalidInput` where the file is no longer what was read."""
        if readers.stamp(self.source) != self.stamp:
            raise InvalidInput(f"{self.incoming.name}: changed while it was read; is it still being written?")

    @property
    def columns(self) -> set[str]:
        """The names of the columns that the source has."""
        return {column.name for column in self.incoming.columns}


@contextmanager
def checked(
    store: Store,
    source: readers.Source,
    columns: Sequence[Column],
    source_format: SourceFormat,
    *,
    now: datetime,
) -> Iterator[Checked]:
    """Hold the source open with its rows in the temporary table `checked`; nobody has logged in long after `now`.

    Raises `InvalidInput` for a source that is refused whole.
    """
    before = readers.stamp(source)
    content_hash = readers.content_hash(source)  # which says first where the file cannot be read
    known = _last_percents(store)
    with (
        store.staging() as stage,
        readers.opened(stage, source, columns, source_format) as incoming,
    ):
        with read_from(incoming.name):
            _read(stage, incoming, source_format, latest=now + AHEAD)
        taken = first_row(stage, "select count(*) from checked")[0]
        not_rows = incoming.refused(stage, taken)
        left_out, not_rows = take_out(stage, incoming, source_format.names, not_rows)
        if isinstance(source, readers.Derived):
            left_out = {**source.left_out, **left_out}
        _refuse_doubled_words(stage, incoming)
        rows = first_row(stage, "select count(*) from checked")[0] + len(not_rows)
        notes = [*incoming.notes, *_notes(stage, incoming)]
        loaded = Checked(source, incoming, content_hash, rows, not_rows, left_out, notes, before)
        loaded.refuse_changed()
        if not rows:
            raise InvalidInput(f"{incoming.name}: no rows but {' and '.join(left_out) or 'blank ones'}")
        _refuse_swapped(stage, incoming)
        date_shapes.explain(stage, incoming, source_format)
        refuse_fractions(stage, incoming.name, incoming.columns, source_format, known)
        yield loaded


def _read(
    stage: Cursor, incoming: readers.Incoming, source_format: SourceFormat, *, latest: datetime
) -> None:
    readings = {
        column: _reading(column, source_format, comma_is_decimal=incoming.comma_is_decimal)
        for column in incoming.columns
    }
    at_sight = ", ".join(
        f"{column.name}, {how.quick} as {_quick(column)}" for column, how in readings.items()
    )
    # the cells that are plain have no text besides
    texts_there = ", ".join(
        f"case when {column.name} is not null and {_quick(column)} is null then {how.text} end "
        f"as {written(column.name)}"
        for column, how in readings.items()
    )
    values = ", ".join(
        f"case when {written(column.name)} is null then {_quick(column)} else {how.value} end as {column.name}"
        for column, how in readings.items()
    )
    against = {column: _against(column, how) for column, how in readings.items()}
    kept = ", ".join(_kept(column, how) for column, how in readings.items())
    kept += "".join(f", {how.besides}" for how in readings.values() if how.besides)
    reasons = _lines(
        [check for column, checks in against.items() if not column.may_be_dropped for check in checks]
    )
    odd = _lines(
        [
            *(check for column, checks in against.items() if column.may_be_dropped for check in checks),
            *(
                (condition, f"'{column.name}: {why}'")
                for column, how in readings.items()
                for condition, why in how.odd
            ),
        ]
    )
    sql = f"""
        create or replace temp table checked as
        with at_sight as (select {at_sight} from {incoming.relation}),
        written as (select {texts_there}, columns('.*_quick') from at_sight),
        valued as (select *, {values} from written)
        select {kept}, {reasons} as reasons, {odd} as odd, {signed(incoming.columns)} as signed
        from valued
    """  # noqa: S608 (names and rules from the schema)
    bound = {
        **incoming.parameters,
        "zone": source_format.timezone,
        "date_formats": source_format.local_formats,
        "formats_with_zone": source_format.zoned_formats,
        "zones": _zones(),
        "latest": latest,
        "missing": [word.strip().lower() for word in source_format.missing],
    }
    named = set(re.findall(r"\$(\w+)", sql))
    stage.execute(read_once(stage, sql), {name: value for name, value in bound.items() if name in named})


@cache
def _zones() -> dict[str, list[str]]:
    """Return the names of the zones of this machine, by themselves in lower case: to list them takes 20 ms."""
    zones = sorted(available_timezones())
    return {"key": [name.lower() for name in zones], "value": zones}


_BY_KIND: Final = {
    "flag": words.flag,
    "choice": words.choice,
    "locale": words.locale,
    "timezone": words.timezone,
    "email": contacts.email,
    "phone": contacts.phone,
    "id": texts.id_,
    "json": texts.json_object,
    "name": texts.name_of,
    "text": texts.text,
}


def _reading(column: Column, source_format: SourceFormat, *, comma_is_decimal: bool) -> Reading:
    # a source's own words for nothing are nobody's name, and no program's
    own = bool(source_format.missing) and column.missing is MISSING_WORDS
    match column.kind:
        case "number" | "whole":
            return numbers.number(column, source_format, comma_is_decimal=comma_is_decimal, in_own_words=own)
        case "login":
            return instants.login(column, source_format, in_own_words=own)
        case "instant":
            return instants.instant(column, source_format, in_own_words=own)
        case kind:
            return _BY_KIND[kind](column, in_own_words=own)


def _against(column: Column, how: Reading) -> list[tuple[str, str]]:
    """Return what can be wrong with a cell: the SQL of each condition, and that of the reason in words."""
    name, there = column.name, written(column.name)
    missing = [(f"{there} is null and {name} is null", "'missing'")] if column.in_every_row else []
    unread = (f"{there} is not null and {name} is null", how.why)
    checks = [(condition, f"'{reason}'") for condition, reason in how.checks]
    return [(condition, f"'{name}: ' || {reason}") for condition, reason in (*missing, unread, *checks)]


def _kept(column: Column, how: Reading) -> str:
    """Return the SQL for the column, empty where something speaks against a value that may be dropped."""
    if how.kept:
        return f"{how.kept} as {column.name}"
    if not (column.may_be_dropped and how.checks):
        return column.name
    against = " or ".join(condition for condition, _ in how.checks)
    return f"case when not coalesce({against}, false) then {column.name} end as {column.name}"


def _lines(checks: Sequence[tuple[str, str]]) -> str:
    """Return the SQL for a line for each condition that holds; null where none does."""
    if not checks:
        return "null::text"
    anything = " or ".join(f"({condition})" for condition, _ in checks)
    said = ", ".join(f"case when {condition} then {reason} end" for condition, reason in checks)
    return f"case when {anything} then concat_ws(chr(10), {said}) end"


def _quick(column: Column) -> str:
    """Return the name of the column that holds the values of the cells that are plain; null for the others."""
    return f"{column.name}_quick"


def _notes(stage: Cursor, incoming: readers.Incoming) -> Iterator[str]:
    """Yield what is odd about all rows together."""
    for column in incoming.columns:
        if column.kind == "id" and column.in_every_row:
            marked, ids = first_row(
                stage,
                f"select count(*) filter (where starts_with({column.name}, '#')), count(*) "  # noqa: S608 (names from the schema)
                f"from checked where {column.name} is not null",
            )
            if marked == ids >= _SEVERAL:
                yield (
                    f"all {ids:,} of {column.name} begin with #, as Brightspace writes them; they are kept so, and "
                    "every other file has to have them so"
                )


def _refuse_doubled_words(stage: Cursor, incoming: readers.Incoming) -> None:
    """Refuse the rows that share a word for nothing in place of an id; a single one may be called Na, or Null."""
    if "id" not in {column.name for column in incoming.columns if column.in_every_row}:
        return
    stage.execute(
        f"""
        update checked set id = null, reasons = concat_ws(chr(10), 'id: missing', reasons)
        where strlen(id) <= {LONGEST_WORD} and {is_one_of("id", MISSING_WORDS)} and id in (
            select id from checked where strlen(id) <= {LONGEST_WORD} group by id having count(*) > 1
        )
        """  # noqa: S608 (words of our own)
    )


def _refuse_swapped(stage: Cursor, incoming: readers.Incoming) -> None:
    """Refuse a source where no value can be read of two columns that are not empty."""
    readable = [column.name for column in incoming.columns if column.kind in _READABLE]
    if not readable:
        return
    counts = ", ".join(f"count({name})" for name in readable)
    counted = first_row(stage, f"select {counts} from checked")  # noqa: S608 (names from the schema)
    silent = [name for name, count in zip(readable, counted, strict=True) if not count]
    enough = max(UNREAD_AT_LEAST, UNREAD_SHARE * first_row(stage, "select count(*) from checked")[0])
    unread = [name for name in silent if _unread(stage, name) >= enough]
    has_ids = any(column.name == "id" for column in incoming.columns)
    if (
        has_ids
        and "email" in unread
        and first_row(stage, "select bool_and(contains(id, '@')) from checked")[0]
    ):
        unread.insert(0, "id")
    if len(unread) >= SWAPPED_AT_LEAST:
        raise InvalidInput(
            f"{incoming.name}: not one value of {', '.join(unread)} can be read; are these columns swapped? "
            f"{MAP_HINT}"
        )


def _unread(stage: Cursor, column: str) -> int:
    """Return how many rows have a cell of the column that cannot be read."""
    (count,) = first_row(
        stage,
        """
        select count(*)
        from (select unnest(string_split(concat_ws(chr(10), reasons, odd), chr(10))) as reason from checked
              where reasons is not null or odd is not null)
        where starts_with(reason, $column || ': ')
        """,
        {"column": column},
    )
    return int(count)


def _last_percents(store: Store) -> Known:
    """Return what each column in percent held at the last load that had it."""
    if not store.is_there():
        return {}
    with store.read() as db:
        loads = [json.loads(percents) for (percents,) in db.execute(query("ingest/last_percents")).fetchall()]
    return {name: held for one in reversed(loads) for name, held in one.items()}
