"""What loading a file of learners and a file of events have in common: checking, quarantine, the record of it.

Every row of a source ends in one of two places, and the counts say so: rows = accepted + quarantined.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from engagement import intake, rules
from engagement.conventions import Conventions
from engagement.errors import EngagementError, InvalidInput
from engagement.schema import Column
from engagement.store import Cursor, Store, first_row, query

# Two columns in which not one value can be read are not a dirty file: their names stand over the wrong data.
SWAPPED_AT_LEAST: Final = 2


@dataclass(frozen=True)
class LoadSummary:
    """What became of a source; `reasons` counts each reason over the quarantined rows."""

    load_id: str
    source: str
    rows: int
    accepted: int
    quarantined: int
    reasons: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the documented JSON form."""
        return {
            "rows": self.rows,
            "accepted": self.accepted,
            "quarantined": self.quarantined,
            "reasons": self.reasons,
        }


@contextmanager
def checked(
    store: Store, source: intake.Source, columns: Sequence[Column], conventions: Conventions
) -> Iterator[list[Column]]:
    """Hold the temporary table `checked` open: a row per record, every value read, with a list of `reasons`.

    Yields the columns that the source has. Raises `InvalidInput` for a source that is refused whole.
    """
    with store.staging() as stage:
        here = intake.read(stage, source, columns)
        texts = ", ".join(f"{rules.trimmed(column)} as {column.name}_text" for column in here)
        values = ", ".join(f"{rules.value(column)} as {column.name}" for column in here)
        reasons = ", ".join(rules.reasons(column) for column in here)
        stage.execute(
            f"""
            create or replace temp table checked as
            with trimmed as (select record, {texts} from raw),
            valued as (select *, {values} from trimmed)
            select * exclude (reasons), list_filter(reasons, lambda reason: reason is not null) as reasons
            from (select *, [{reasons}] as reasons from valued)
            """,  # noqa: S608 (names and rules from the schema)
            {"zone": conventions.timezone} if "$zone" in values else {},
        )
        _refuse_swapped(stage, here, intake.source_name(source))
        yield here


def _refuse_swapped(stage: Cursor, columns: Sequence[Column], source: str) -> None:
    readable = [column for column in columns if column.kind not in ("text", "json")]
    if not readable:
        return
    sql = f"select {', '.join(rules.unreadable(column) for column in readable)} from checked"  # noqa: S608 (names)
    counts = first_row(stage, sql)
    unread = [
        column.name
        for column, present, unreadable in zip(readable, counts[::2], counts[1::2], strict=True)
        if present > 0 and present == unreadable
    ]
    if len(unread) >= SWAPPED_AT_LEAST:
        raise InvalidInput(
            f"{source}: not one value of {', '.join(unread)} can be read; are these columns swapped?"
        )


def next_load_id(db: Cursor) -> str:
    """Return the id of a new load; ids sort in the order of loading."""
    (count,) = first_row(db, "select count(*) from loads")
    return f"L{count + 1:06}"


def record(
    db: Cursor,
    load_id: str,
    kind: Literal["learners", "events"],
    source: intake.Source,
    *,
    observed_at: datetime,
    loaded_at: datetime,
    content_hash: str,
    max_quarantine: float = 1.0,
) -> LoadSummary:
    """Write the load and its quarantine; every row of `checked` with a reason goes there, with its place.

    Raises `InvalidInput` where nothing was accepted: the caller's transaction then leaves no trace.
    """
    db.execute(query("quarantine_refused"), {"load_id": load_id})
    name = intake.source_name(source)
    rows, accepted = first_row(
        db,
        "select (select count(*) from places), (select count(*) from checked where len(reasons) = 0)",
    )
    reasons = dict(db.execute(query("count_reasons"), {"load_id": load_id}).fetchall())
    quarantined = first_row(
        db, "select count(*) from quarantine where load_id = $load_id", {"load_id": load_id}
    )[0]
    if rows != accepted + quarantined:
        raise EngagementError(f"{name}: {rows} rows, but {accepted} accepted and {quarantined} quarantined")
    if accepted == 0:
        raise InvalidInput(f"{name}: none of {rows} rows accepted: {_most_frequent(reasons)}")
    if quarantined > max_quarantine * rows:
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
            "content_hash": content_hash,
            "observed_at": observed_at,
            "loaded_at": loaded_at,
            "rows": rows,
            "accepted": accepted,
            "quarantined": quarantined,
            "reasons": json.dumps(reasons, ensure_ascii=False),
        },
    )
    return summary


def _most_frequent(reasons: Mapping[str, int]) -> str:
    return "; ".join(f"{reason} ({count})" for reason, count in list(reasons.items())[:5])
