"""How sources are read, remembered by their shape: next week's file needs no option.

A shape is the names in the header, whatever their order. It is remembered as a file is loaded with options, and
recalled for one that comes without: what somebody says now counts before what was said once.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from engagement.errors import InvalidInput, NotFound
from engagement.ingest.loads.loading import Kind
from engagement.ingest.schema import EVENTS, LEARNERS
from engagement.ingest.source import readers
from engagement.ingest.source.source_format import SourceFormat
from engagement.store import Cursor, Store, records

SHORT: Final = 12  # characters of a shape that are shown
_OURS: Final = [column.name for column in (*LEARNERS, *EVENTS)]
_TUPLES: Final = [field.name for field in fields(SourceFormat) if str(field.type).startswith("tuple")]


@dataclass(frozen=True)
class Remembered:
    """A shape, and how it is read; `source` is the name of the newest file."""

    shape: str
    kind: Kind
    source: str
    columns: list[str]
    source_format: SourceFormat
    used_at: datetime

    @property
    def options(self) -> dict[str, Any]:
        """What was said of it, by the names of `SourceFormat`, and nothing that is so anyhow."""
        plain = asdict(SourceFormat())
        return {name: value for name, value in asdict(self.source_format).items() if value != plain[name]}


def listed(store: Store) -> list[Remembered]:
    """Return every source that is remembered, the one that was used last first."""
    if not store.is_there():
        return []
    with store.read() as db:
        return [
            _remembered(row)
            for row in records(db, "select * from source_formats order by used_at desc, shape")
        ]


def one(store: Store, start: str) -> Remembered:
    """Return the source whose shape begins so; `NotFound` where none does, or several."""
    found = [known for known in listed(store) if start and known.shape.startswith(start)]
    if len(found) != 1:
        raise NotFound(
            f"source {start[:SHORT]!r}: {'more than one begins' if found else 'none is remembered that begins'} so"
        )
    return found[0]


def recalled(store: Store, path: Path, kind: Kind) -> Remembered | None:
    """Return how a file is read, where one of its shape was loaded before; None where none was."""
    if not os.access(path, os.R_OK):  # which the load says, before anything is asked of the store
        return None
    known = {each.shape: each for each in listed(store) if each.kind == kind}
    names = [*_OURS, *(name for each in known.values() for name in each.columns)]
    for encoding, sheet in {
        (each.source_format.encoding, each.source_format.sheet) for each in known.values()
    } | {("", "")}:
        header = _header(store, path, encoding=encoding, sheet=sheet, wanted=names) if known else None
        found = known.get(_shape(kind, header)) if header else None
        if found and (found.source_format.encoding, found.source_format.sheet) == (encoding, sheet):
            return found
    return None


def remember(store: Store, path: Path, kind: Kind, source_format: SourceFormat, *, now: datetime) -> None:
    """Keep how a file that was loaded is read, in place of what was known of its shape."""
    header = _header(
        store,
        path,
        encoding=source_format.encoding,
        sheet=source_format.sheet,
        wanted=[*_OURS, *source_format.names.values()],
    )
    if header:
        _keep(store, path.name, kind, header, source_format, now=now)


def remember_types(
    store: Store, export: str, source: str, source_format: SourceFormat, *, now: datetime
) -> None:
    """Keep what was said of the types of events in a kind of export, such as "xAPI statements"."""
    _keep(store, source, "events", [export], SourceFormat(types=source_format.types), now=now)


def types_of(store: Store, export: str) -> Mapping[str, str]:
    """Return what was said of the types of events in a kind of export."""
    shape = _shape("events", [export])
    return next((known.source_format.types for known in listed(store) if known.shape == shape), {})


def _keep(
    store: Store,
    source: str,
    kind: Kind,
    header: Sequence[str],
    source_format: SourceFormat,
    *,
    now: datetime,
) -> None:
    with store.write() as db:
        _forget(db, _shape(kind, header))
        db.execute(
            "insert into source_formats values ($shape, $kind, $source, $columns, $source_format, $now)",
            {
                "shape": _shape(kind, header),
                "kind": kind,
                "source": source,
                "columns": list(header),
                "source_format": json.dumps(asdict(source_format)),
                "now": now,
            },
        )


def forget(store: Store, start: str) -> Remembered:
    """Forget how sources of a shape are read, and return what was known; raises as `one` does."""
    found = one(store, start)
    with store.write() as db:
        _forget(db, found.shape)
    return found


def _forget(db: Cursor, shape: str) -> None:
    db.execute("delete from source_formats where shape = $shape", {"shape": shape})


def _header(
    store: Store, path: Path, *, encoding: str, sheet: str, wanted: Sequence[str]
) -> list[str] | None:
    """Return the names in the header; None where it cannot be read so, which the load itself says."""
    try:
        with store.staging() as stage:
            return readers.header_of(stage, path, encoding=encoding, sheet=sheet, wanted=wanted)
    except (InvalidInput, OSError):
        return None


def _shape(kind: Kind, header: Sequence[str]) -> str:
    names = sorted(name.strip().casefold() for name in header)
    return hashlib.sha256(json.dumps([kind, names], ensure_ascii=False).encode()).hexdigest()


def _remembered(row: dict[str, Any]) -> Remembered:
    said = json.loads(row.pop("source_format"))
    said |= {name: tuple(said[name]) for name in _TUPLES if name in said}
    return Remembered(**row, source_format=SourceFormat(**said))
