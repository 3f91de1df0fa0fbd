"""What is kept of a load, of learners or of events: a record of it, and in the quarantine what was refused.

Every row of a source ends in one of two places, and the counts say so: rows = accepted + quarantined.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

import pandas as pd

from engagement.errors import EngagementError, InvalidInput
from engagement.ingest.source_format import MAP_HINT
from engagement.ingest.validation import NO_INSTANT, Checked
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, first_row, query, registered

_NO_DATE: Final = f"last_login: {NO_INSTANT}"


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
