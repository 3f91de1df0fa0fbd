"""What is kept of a load, of learners or of events: a record of it, and in the quarantine what was refused.

Every row of a source ends in one of two places, and the counts say so: rows = accepted + quarantined.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final, Literal

import numpy as np
import pandas as pd

from engagement.errors import EngagementError, InvalidInput
from engagement.ingest import validation
from engagement.ingest.loads import likeness
from engagement.ingest.schema import Column
from engagement.ingest.source.readers import Derived, Source
from engagement.ingest.source.source_format import MAP_HINT, SourceFormat
from engagement.ingest.values.instants import NO_INSTANT
from engagement.ingest.values.left_out import LeftOut
from engagement.ingest.values.percents import held
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, Store, first_row, invented, query, registered

Kind = Literal["learners", "events"]
IfUnlike = Literal["warn", "fail"]

_ID: Final[Mapping[Kind, str]] = {"learners": "id", "events": "learner_id"}
_LONGEST_RAW: Final = 100_000  # characters that are kept of a refused row
_NO_DATE: Final = f"last_login: {NO_INSTANT}"


@dataclass(frozen=True)
class FirstRefused:
    """The first refused row: where it begins, whose it is where that can be told, and why."""

    line: int
    id: str | None
    reasons: list[str]


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
    known_later: int = 0  # learners of whom a newer load had something already, which stands
    refusing: int = 0  # learners of whom a refused row says no to something, which counts
    held_back: int = 0  # learners of whom a consent cannot be read
    sharing_an_address: int = (
        0  # learners with an address that several persons claim, so that nobody writes there
    )
    left_out: LeftOut = field(default_factory=dict)  # rows that are nobody's, with their lines
    first_refused: FirstRefused | None = None
    unlike: tuple[str, ...] = ()  # by what it falls short of the loads before it
    notes: tuple[str, ...] = ()  # what whoever loads it is to know of how it was read
    # Of accepted rows, by what was odd: how many `cells` were left empty or changed, and the first `line`.
    odd_cells: dict[str, dict[str, int]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the documented JSON form; what there is none of is left out after `reasons`."""
        absent: dict[str, object] = {} if self.inactivated is None else {"inactivated": self.inactivated}
        told = (
            "known_later",
            "refusing",
            "held_back",
            "sharing_an_address",
            "odd_cells",
            "left_out",
            "unlike",
            "notes",
        )
        if self.first_refused:
            absent |= {"first_refused": {"load_id": self.load_id} | asdict(self.first_refused)}
        absent |= {name: count for name in told if (count := getattr(self, name))}
        return {
            "rows": self.rows,
            "accepted": self.accepted,
            "quarantined": self.quarantined,
            "reasons": self.reasons,
        } | absent


@dataclass(frozen=True, eq=False)
class Load:
    """A load in the write that keeps it whole or not at all; `observed_at` is when what the source says was known."""

    db: Cursor
    load_id: str  # ids sort in the order of loading
    kind: Kind
    checked: validation.Checked
    observed_at: datetime
    loaded_at: datetime
    source_format: SourceFormat
    notes: list[str] = field(default_factory=list)  # what whoever loads it is to know of what it does


def effect(
    content_hash: str, source_format: SourceFormat, *, of: Literal["rows", "everybody", "export"] = "rows"
) -> str:
    """Return the digest of what a source does to the store: what it holds, how it is read, and whom it speaks of.

    The same bytes by other rules are other facts; a list of everybody also says who is not in it, and what an export
    of a platform speaks of stands in it.
    """
    parts = [content_hash, asdict(source_format), of]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@contextmanager
def begun(
    store: Store,
    source: Source,
    columns: Sequence[Column],
    source_format: SourceFormat,
    *,
    kind: Kind,
    observed_at: datetime,
    loaded_at: datetime,
) -> Iterator[Load]:
    """Hold open the write of a load whose rows stand in the temporary table `checked`; the first makes the store.

    Raises `InvalidInput` for a source that is refused whole.
    """
    observed_at = min(observed_at, loaded_at)  # nothing is known before it is there
    with validation.checked(store, source, columns, source_format, now=loaded_at) as checked:
        store.make()
        with store.write() as db:
            if invented.is_invented(db):
                raise InvalidInput(
                    f"{store.path.name} holds the invented learners of the demo, among which nobody's own may stand; "
                    "leave ENGAGEMENT_STORE out, or name a file that is not there yet"
                )
            (count,) = first_row(db, "select count(*) from loads")
            yield Load(db, f"L{count + 1:06}", kind, checked, observed_at, loaded_at, source_format)


def record(
    load: Load,
    *,
    max_quarantine: float,
    of: Literal["rows", "everybody"] = "rows",
    if_unlike: IfUnlike = "warn",
) -> LoadSummary:
    """Write the load and its quarantine; every row of `checked` with a reason goes there, with its place.

    Raises `InvalidInput` where nothing was accepted, or too little, or it is unlike the loads before it and that shall
    fail: the load then leaves no trace.
    """
    db, name, rows = load.db, load.checked.incoming.name, load.checked.rows
    of_load = {"load_id": load.load_id}
    _quarantine(load)
    load.checked.refuse_changed()
    accepted = first_row(db, "select count(*) from temp.checked where reasons is null")[0]
    reasons = dict(db.execute(query("ingest/count_reasons"), of_load).fetchall())
    quarantined = first_row(db, "select count(*) from quarantine where load_id = $load_id", of_load)[0]
    if rows != accepted + quarantined:
        raise EngagementError(f"{name}: {rows} rows, but {accepted} accepted and {quarantined} quarantined")
    first = _first_refused(load)
    _refuse_too_little(name, rows, accepted, reasons, first, max_quarantine=max_quarantine)
    odd_cells, left_out = _odd_cells(load), load.checked.left_out
    profile, unlike = None, list[str]()
    if load.kind == "learners":
        profile = likeness.of(db, load.checked.incoming.columns)
        unlike = likeness.unlike(db, profile)
    if unlike and if_unlike == "fail":
        raise InvalidInput(
            f"{name}: is unlike the loads before it: {'; '.join(unlike)}; if it is right all the same, "
            "`engagement load` takes it"
        )
    percents = held(db, load.checked.incoming.columns, load.source_format)
    _keep_load(
        load,
        rows=rows,
        accepted=accepted,
        quarantined=quarantined,
        reasons=json.dumps(reasons, ensure_ascii=False),
        effect=effect(load.checked.content_hash, load.source_format, of=of),
        odd_cells=_as_json(odd_cells),
        left_out=_as_json(left_out),
        percents=_as_json(percents),
        profile=likeness.as_json(profile) if profile else None,
        unlike=unlike or None,
        of_files=_files_of(load.checked.source),
    )
    if quarantined:
        db.execute(query("ingest/forget_repeated_rows"), {**of_load, "kind": load.kind})
    return LoadSummary(
        load.load_id,
        name,
        rows,
        accepted,
        quarantined,
        reasons,
        notes=(*load.checked.notes, *load.notes),
        odd_cells=odd_cells,
        left_out=left_out,
        first_refused=first,
        unlike=tuple(unlike),
    )


def _keep_load(load: Load, **found: object) -> None:
    """Write the row of a load: what it is, and what was found, by the columns of the table."""
    row = {
        "load_id": load.load_id,
        "kind": load.kind,
        "source": load.checked.incoming.name,
        "content_hash": load.checked.content_hash,
        "observed_at": load.observed_at,
        "loaded_at": load.loaded_at,
        **found,
    }
    load.db.execute(
        f"insert into loads ({', '.join(row)}) values ({', '.join(f'${name}' for name in row)})",  # noqa: S608 (names of ours)
        row,
    )


def _files_of(source: Source) -> list[dict[str, str]] | None:
    """Return the files of an export that are read once this source is loaded; None for one that is of none."""
    if not isinstance(source, Derived) or source.of_files is None:
        return None
    return [file._asdict() for file in source.of_files]


def _as_json(found: Mapping[str, object]) -> str | None:
    return json.dumps(found, ensure_ascii=False) if found else None


def _refuse_too_little(
    name: str,
    rows: int,
    accepted: int,
    reasons: Mapping[str, int],
    first: FirstRefused | None,
    *,
    max_quarantine: float,
) -> None:
    """Raise `InvalidInput` where no row was accepted, or more were refused than may be."""
    if accepted == 0:
        hint = (
            "; `--date-format` says how dates are written" if any(map(_tells_of_no_format, reasons)) else ""
        )
        if any(
            count == rows and not reason.startswith("row: ") and "`--" not in reason.replace("`--missing", "")
            for reason, count in reasons.items()
        ):
            hint += f"; {MAP_HINT}"
        raise InvalidInput(
            f"{name}: none of {rows} rows accepted: {_most_frequent(reasons)}{_place(first)}{hint}"
        )
    refused = rows - accepted
    if refused / rows > max_quarantine:
        raise InvalidInput(
            f"{name}: {refused} of {rows} rows refused, more than the share of {max_quarantine:g} allowed: "
            + _most_frequent(reasons)
            + _place(first)
        )


def _tells_of_no_format(reason: str) -> bool:
    return reason.startswith(_NO_DATE) and "--date-format" not in reason


def forget_refused(db: Cursor, *, before: datetime) -> None:
    """Forget the refused rows of earlier loads; how many there were, and why, stays with each load."""
    db.execute(query("ingest/forget_refused"), {"before": before})


def _odd_cells(load: Load) -> dict[str, dict[str, int]]:
    """Return what was odd in cells of accepted rows: in how many, and the first line."""
    counted = load.db.execute(query("ingest/count_odd_cells")).fetchall()
    if not counted:
        return {}
    firsts = np.unique([first for *_, first in counted])
    lines = dict(
        zip(firsts.tolist(), load.checked.incoming.places(load.db, firsts)["line"].tolist(), strict=True)
    )
    return {oddity: {"cells": cells, "line": lines[first]} for oddity, cells, first in counted}


def _quarantine(load: Load) -> None:
    not_rows = load.checked.not_rows
    refused = load.db.execute(
        f"""
        select rowid as row, {_ID[load.kind]} as row_id, string_split(reasons, chr(10)) as reasons
        from temp.checked
        where reasons is not null
        order by rowid
        """  # noqa: S608 (a name of ours)
    ).df()
    for start in range(0, len(not_rows), TEXT_ROWS_PER_BLOCK):
        _keep(load, not_rows.iloc[start : start + TEXT_ROWS_PER_BLOCK].assign(row_id=None))
    for start in range(0, len(refused), TEXT_ROWS_PER_BLOCK):
        some = refused.iloc[start : start + TEXT_ROWS_PER_BLOCK]
        placed = load.checked.incoming.places(load.db, some["row"].to_numpy("int64"))
        _keep(load, placed.assign(reasons=some["reasons"].to_numpy(), row_id=some["row_id"].to_numpy()))


def _keep(load: Load, refused: pd.DataFrame) -> None:
    with registered(load.db, "refused", refused):
        load.db.execute(
            """
            insert into quarantine by name
            select $load_id as load_id, line,
                case when length(raw) > $longest then left(raw, $longest) || '…' else raw end as raw,
                reasons::text[] as reasons, row_id::text as row_id
            from refused
            """,
            {"load_id": load.load_id, "longest": _LONGEST_RAW},
        )


def _first_refused(load: Load) -> FirstRefused | None:
    found = load.db.execute(
        "select line, row_id, reasons from quarantine where load_id = $load_id order by line limit 1",
        {"load_id": load.load_id},
    ).fetchall()
    return FirstRefused(*found[0]) if found else None


def _place(first: FirstRefused | None) -> str:
    """Return where the first refused row stands; by its line alone, as the id may be another column's text."""
    return f"; the first is in line {first.line:,}" if first else ""


def _most_frequent(reasons: Mapping[str, int]) -> str:
    return "; ".join(f"{reason} ({count})" for reason, count in list(reasons.items())[:5])
