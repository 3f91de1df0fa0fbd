"""What loading a file of learners and a file of events have in common: checking, quarantine, the record of it.

Every row of a source ends in one of two places, and the counts say so: rows = accepted + quarantined.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from engagement.errors import EngagementError, InvalidInput
from engagement.ingest import readers, validation
from engagement.ingest.readers import Incoming, Source
from engagement.ingest.schema import Column
from engagement.ingest.source_format import MAP_HINT, SourceFormat
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, Store, first_row, query, registered

# Two columns in which not one value can be read are not a dirty file: their names stand over the wrong data.
SWAPPED_AT_LEAST: Final = 2
# In a column that is nearly empty, as last_login is at the start of a term, one bad row is only that.
UNREAD_AT_LEAST: Final = 2
UNREAD_SHARE: Final = 0.1
_NO_DATE: Final = f"last_login: {validation.NO_INSTANT}"


@dataclass(frozen=True)
class LoadSummary:
    """What became of a source; `reasons` counts each reason over the quarantined rows."""

    load_id: str
    source: str
    rows: int
    accepted: int
    quarantined: int
    reasons: dict[str, int] = field(default_factory=dict)
    inactivated: int | None = None  # learners absent from a list of everybody

    def as_dict(self) -> dict[str, object]:
        """Return the documented JSON form."""
        absent = {} if self.inactivated is None else {"inactivated": self.inactivated}
        return {
            "rows": self.rows,
            "accepted": self.accepted,
            "quarantined": self.quarantined,
            "reasons": self.reasons,
        } | absent


@dataclass(frozen=True, eq=False)
class Checked:
    """A source whose rows stand in the temporary table `checked`, every value read.

    Its column `reasons` has a line for each reason against a row, and is null where there is none. `not_rows` are
    the records that could not be split into columns.
    """

    source: Source
    incoming: Incoming
    content_hash: str
    rows: int
    not_rows: pd.DataFrame
    stamp: tuple[int, int] | None

    def refuse_changed(self) -> None:
        """Raise `InvalidInput` where the file is no longer what was read."""
        if _stamp(self.source) != self.stamp:
            raise InvalidInput(f"{self.incoming.name}: changed while it was read; is it still being written?")

    @property
    def columns(self) -> set[str]:
        """The names of the columns that the source has."""
        return {column.name for column in self.incoming.columns}


@contextmanager
def checked(
    store: Store, source: Source, columns: Sequence[Column], source_format: SourceFormat
) -> Iterator[Checked]:
    """Hold the source open with its rows in the temporary table `checked`.

    Raises `InvalidInput` for a source that is refused whole.
    """
    before = _stamp(source)
    content_hash = readers.content_hash(source)
    with (
        store.staging() as stage,
        readers.opened(stage, source, columns, source_format.names) as incoming,
    ):
        _read(stage, incoming, source_format)
        taken = first_row(stage, "select count(*) from checked")[0]
        not_rows = incoming.refused(stage, taken)
        loaded = Checked(source, incoming, content_hash, taken + len(not_rows), not_rows, before)
        loaded.refuse_changed()
        _refuse_swapped(stage, incoming)
        _refuse_fractions(stage, incoming, source_format)
        yield loaded


def _stamp(source: Source) -> tuple[int, int] | None:
    """Return what changes when a file is written to."""
    if not isinstance(source, Path):
        return None
    try:
        found = source.stat()
    except OSError:  # nor is one there, or it has gone
        return None
    return found.st_mtime_ns, found.st_size


def _read(stage: Cursor, incoming: Incoming, source_format: SourceFormat) -> None:
    columns = incoming.columns
    at_sight = ", ".join(
        f"{column.name}, {validation.quick_value(column, source_format)} as {validation.quick(column)}"
        for column in columns
    )
    texts = ", ".join(f"{validation.text(column)} as {validation.written(column)}" for column in columns)
    values = ", ".join(
        f"{validation.value(column, source_format, comma_is_decimal=incoming.comma_is_decimal)} as {column.name}"
        for column in columns
    )
    checks = [check for column in columns for check in validation.checks(column)]
    wrong = " or ".join(f"({condition})" for condition, _ in checks)
    reasons = ", ".join(f"case when {condition} then '{reason}' end" for condition, reason in checks)
    names = ", ".join(column.name for column in columns)
    sql = f"""
        create or replace temp table checked as
        with at_sight as (select {at_sight} from {incoming.relation}),
        written as (select {texts}, columns('.*_quick') from at_sight),
        valued as (select *, {values} from written)
        select {names}, case when {wrong} then concat_ws(chr(10), {reasons}) end as reasons
        from valued
    """  # noqa: S608 (names and rules from the schema)
    bound = {**incoming.parameters, **validation.parameters(source_format)}
    stage.execute(sql, {name: value for name, value in bound.items() if f"${name}" in sql})


def _refuse_swapped(stage: Cursor, incoming: Incoming) -> None:
    """Refuse a source where no value can be read of two columns that are not empty."""
    readable = [column for column in incoming.columns if column.kind in (*validation.READABLE, "email")]
    if not readable:
        return
    counts = ", ".join(
        "count_if(contains(email, '@'))" if column.kind == "email" else f"count({column.name})"
        for column in readable
    )
    counted = first_row(stage, f"select {counts} from checked")  # noqa: S608 (names from the schema)
    silent = [column.name for column, count in zip(readable, counted, strict=True) if not count]
    enough = max(UNREAD_AT_LEAST, UNREAD_SHARE * first_row(stage, "select count(*) from checked")[0])
    unread = [name for name in silent if _unread(stage, name) >= enough]
    if len(unread) >= SWAPPED_AT_LEAST:
        raise InvalidInput(
            f"{incoming.name}: not one value of {', '.join(unread)} can be read; are these columns swapped? "
            f"{MAP_HINT}"
        )


def _unread(stage: Cursor, column: str) -> int:
    """Return how many rows have a reason against the column."""
    found = first_row(
        stage,
        """
        select count(*)
        from (select unnest(string_split(reasons, chr(10))) as reason from checked where reasons is not null)
        where starts_with(reason, $column || ': ')
        """,
        {"column": column},
    )
    return int(found[0])


def _refuse_fractions(stage: Cursor, incoming: Incoming, source_format: SourceFormat) -> None:
    """Refuse a percent column of fractions: half of the work done would be read as half a percent."""
    percents = [
        column.name
        for column in incoming.columns
        if column.is_percent and column.name not in source_format.percent_scale
    ]
    if not percents:
        return
    found = first_row(
        stage,
        "select "  # noqa: S608 (names from the schema)
        + ", ".join(
            # what lies outside is refused, and says nothing about the rest
            f"max({name}) filter ({name} <= 100) <= 1 and count_if({name} > 0 and {name} < 1) > 0"
            for name in percents
        )
        + " from checked",
    )
    fractions = [name for name, holds in zip(percents, found, strict=True) if holds]
    if fractions:
        raise InvalidInput(
            f"{incoming.name}: {', '.join(fractions)} holds only fractions of 1, where percent are needed; "
            "`--percent-scale 1` reads 1 as all of it, `--percent-scale 100` leaves them as they are"
        )


def next_load_id(db: Cursor) -> str:
    """Return the id of a new load; ids sort in the order of loading."""
    (count,) = first_row(db, "select count(*) from loads")
    return f"L{count + 1:06}"


def record(
    db: Cursor,
    load_id: str,
    kind: Literal["learners", "events"],
    loaded: Checked,
    *,
    observed_at: datetime,
    loaded_at: datetime,
    max_quarantine: float,
) -> LoadSummary:
    """Write the load and its quarantine; every row of `checked` with a reason goes there, with its place.

    Raises `InvalidInput` where nothing was accepted, or too little: the caller's transaction then leaves no trace.
    """
    name, rows = loaded.incoming.name, loaded.rows
    _quarantine(db, load_id, loaded)
    loaded.refuse_changed()
    accepted = first_row(db, "select count(*) from temp.checked where reasons is null")[0]
    reasons = dict(db.execute(query("ingest/count_reasons"), {"load_id": load_id}).fetchall())
    quarantined = first_row(
        db, "select count(*) from quarantine where load_id = $load_id", {"load_id": load_id}
    )[0]
    if rows != accepted + quarantined:
        raise EngagementError(f"{name}: {rows} rows, but {accepted} accepted and {quarantined} quarantined")
    if accepted == 0:
        hint = "; `--date-format` says how dates are written" if _NO_DATE in reasons else ""
        if any(count == rows and not reason.startswith("row: ") for reason, count in reasons.items()):
            hint += f"; {MAP_HINT}"
        raise InvalidInput(f"{name}: none of {rows} rows accepted: {_most_frequent(reasons)}{hint}")
    if quarantined / rows > max_quarantine:
        raise InvalidInput(
            f"{name}: {quarantined} of {rows} rows refused, more than the share of {max_quarantine:g} allowed: "
            + _most_frequent(reasons)
        )
    summary = LoadSummary(load_id, name, rows, accepted, quarantined, reasons)
    db.execute(
        """
        insert into loads
        values (
            $load_id, $kind, $source, $content_hash, $observed_at, $loaded_at, $rows, $accepted, $quarantined, $reasons
        )
        """,
        {
            "load_id": load_id,
            "kind": kind,
            "source": name,
            "content_hash": loaded.content_hash,
            "observed_at": observed_at,
            "loaded_at": loaded_at,
            "rows": rows,
            "accepted": accepted,
            "quarantined": quarantined,
            "reasons": json.dumps(reasons, ensure_ascii=False),
        },
    )
    return summary


def _quarantine(db: Cursor, load_id: str, loaded: Checked) -> None:
    refused = db.execute(
        """
        select rowid as row, string_split(reasons, chr(10)) as reasons
        from temp.checked
        where reasons is not null
        order by rowid
        """
    ).df()
    for start in range(0, len(loaded.not_rows), TEXT_ROWS_PER_BLOCK):
        _keep(db, load_id, loaded.not_rows.iloc[start : start + TEXT_ROWS_PER_BLOCK])
    for start in range(0, len(refused), TEXT_ROWS_PER_BLOCK):
        some = refused.iloc[start : start + TEXT_ROWS_PER_BLOCK]
        placed = loaded.incoming.places(db, some["row"].to_numpy("int64"))
        _keep(db, load_id, placed.assign(reasons=some["reasons"].to_numpy()))


def _keep(db: Cursor, load_id: str, refused: pd.DataFrame) -> None:
    with registered(db, "refused", refused):
        db.execute(
            "insert into quarantine select $load_id, line, raw, reasons::text[] from refused",
            {"load_id": load_id},
        )


def _most_frequent(reasons: Mapping[str, int]) -> str:
    return "; ".join(f"{reason} ({count})" for reason, count in list(reasons.items())[:5])
