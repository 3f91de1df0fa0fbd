"""Which kind of export a file is, by what stands in it, and the reading of those of one kind together."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd

from engagement.errors import InvalidInput
from engagement.ingest.loads import loading, remembered
from engagement.ingest.platforms import (
    blackboard,
    brightspace,
    canvas,
    edfi,
    meetings,
    moodle,
    oneroster,
    open_edx,
)
from engagement.ingest.platforms.exports import Asked, Kind, Part, look
from engagement.ingest.platforms.joining import People
from engagement.ingest.platforms.statements import caliper, tracking_log, xapi
from engagement.ingest.source import readers
from engagement.ingest.source.readers import ReadFile
from engagement.ingest.source.source_format import AS_DOCUMENTED, SourceFormat
from engagement.store import Store

KINDS: Final[Sequence[Kind]] = (
    *canvas.KINDS,
    *blackboard.KINDS,
    *brightspace.KINDS,
    *oneroster.KINDS,
    *edfi.KINDS,
    *moodle.KINDS,
    *meetings.KINDS,
    *open_edx.KINDS,
    *xapi.KINDS,
    *caliper.KINDS,
    *tracking_log.KINDS,
)
_STANDS: Final = ": what was known of them before stands"
_OF_PERSONS: Final = ("name", "email", "phone", "program", "enrolled_at")
UNREAD: Final = moodle.UNREAD
PLATFORMS: Final = tuple(dict.fromkeys(kind.platform for kind in KINDS))


def recognised(path: Path, said: SourceFormat = AS_DOCUMENTED, *, platform: str = "") -> Kind | None:
    """Return which kind of export a file or folder is, among those of a platform where one is named.

    None for a table of somebody's own, as one is of which is `said` how its columns are called or its dates written.
    `InvalidInput` for a platform that there is not, for a file that is no export of the one that is named, and for one
    that a platform offers and of which nothing can be told.
    """
    if platform and platform not in PLATFORMS:
        raise InvalidInput(f"from {platform[:40]!r}: no such platform; there are {', '.join(PLATFORMS)}")
    beside = SourceFormat(
        said.timezone, encoding=said.encoding, values=said.values, groups=said.groups, types=said.types
    )
    if said != beside:
        if platform:
            raise InvalidInput(
                "`--from` says how the files are written; beside it there are --set, --timezone, --encoding, --group "
                "and --map-type"
            )
        return None
    if not path.exists():
        return None  # whoever loads it says so
    kinds = [kind for kind in KINDS if platform in ("", kind.platform)]
    seen = look(path, said.encoding)
    found = next((kind for kind in kinds if kind.recognised(seen)), None)
    if platform and found is None:
        found = next((kind for kind in kinds if kind.besides(seen)), None)
    if found is None and (unread := next((each for each in UNREAD if each.recognised(seen)), None)):
        raise InvalidInput(f"{path.name}: {unread.what}; {unread.instead}")
    if found is None and (platform or seen.members is not None):
        known = ", ".join(kind.what for kind in kinds)
        whose = f" of {platform}" if platform else ""
        raise InvalidInput(f"{path.name}: none of the exports that are known{whose}: {known}")
    return found


def content_hash(path: Path) -> str:
    """Return the digest of what a file holds, or all that lie in a folder."""
    if not path.is_dir():
        return readers.content_hash(path)
    held = [(name, readers.content_hash(path / name)) for name in sorted(look(path).members or ())]
    return hashlib.sha256(json.dumps(held).encode()).hexdigest()


def effect(store: Store, what: str, content_hash: str, said: SourceFormat) -> str:
    """Return the digest of what an export does to the store, with what is known of the types of its events."""
    return loading.effect(content_hash, replace(said, types=_types(store, what, said)), of="export")


def _types(store: Store, what: str, said: SourceFormat) -> Mapping[str, str]:
    return said.types or remembered.types_of(store, what)


def read(store: Store, exports: Mapping[Path, Kind], said: SourceFormat, *, as_of: datetime) -> list[Part]:
    """Return what exports come to, those of one kind together, each with what it is and cannot give.

    `said` is what somebody says of all of them: the zone of their times, an encoding, the program, groups. They are
    read before any is loaded.
    """
    return list(_read(store, exports, said, as_of=as_of)) if exports else []


def _read(
    store: Store, exports: Mapping[Path, Kind], said: SourceFormat, *, as_of: datetime
) -> Iterator[Part]:
    by_kind: dict[str, tuple[Kind, list[Path]]] = {}
    for path, kind in exports.items():
        by_kind.setdefault(kind.what, (kind, []))[1].append(path)
    order = [kind.what for kind in KINDS]
    with store.staging() as stage:
        people = People(store, as_of)
        asked = Asked(
            stage,
            as_of,
            ZoneInfo(said.timezone),
            program=said.values.get("program", ""),
            encoding=said.encoding,
            roster=people.roster,
            sessions=partial(_sessions, store),
        )
        for what in sorted(by_kind, key=order.index):
            kind, paths = by_kind[what]
            told = f"read as {kind.what} (`--from {kind.platform}`)"
            if kind.cannot:
                told += f"; {kind.cannot}{_STANDS}"
            read_of: set[str] = set()
            types = _types(store, kind.what, said)
            files = [_read_file(store, kind, path, said) for path in paths]
            parts: list[Part] = []
            for part in kind.read(paths, replace(asked, types=types)):
                again = part.of == "events" and part.source.name in read_of
                read_of.add(part.source.name)
                notes = ["these are its events"] if again else [told]
                known = _with_groups(_beside_what_is_known(part, asked), said)
                source = replace(known.source, notes=[*notes, *known.source.notes], of_files=())
                parts.append(people.met(replace(known, source=source)))
            if parts:
                parts[-1] = replace(parts[-1], source=replace(parts[-1].source, of_files=files))
            yield from parts


def _read_file(store: Store, kind: Kind, path: Path, said: SourceFormat) -> ReadFile:
    held = content_hash(path)
    return ReadFile(held, effect(store, kind.what, held, said))


def _with_groups(part: Part, said: SourceFormat) -> Part:
    """Return learners with the groups and what else somebody says of each; the program stands in the rows."""
    if part.of != "learners":
        return part
    values = {name: value for name, value in said.values.items() if name != "program"}
    return replace(part, source_format=replace(part.source_format, groups=said.groups, values=values))


def _beside_what_is_known(part: Part, asked: Asked) -> Part:
    """Return learners without the columns about a person that say nothing: what is known of them stands."""
    rows = part.source.rows
    if part.of != "learners" or not isinstance(rows, pd.DataFrame):
        return part
    if not part.by_person and "program" in rows and rows["program"].isna().any():
        programs = asked.roster().set_index("id")["program"]
        rows = rows.assign(
            program=rows["program"].astype("string").fillna(rows["id"].map(programs).astype("string"))
        )
    rows = rows.drop(columns=[name for name in _OF_PERSONS if name in rows and rows[name].isna().all()])
    return replace(part, source=replace(part.source, rows=rows))


def _sessions(store: Store) -> pd.DataFrame:
    if not store.is_there():
        return pd.DataFrame(columns=["learner_id", "timestamp", "missed"])
    with store.read() as db:
        return db.execute(
            "select learner_id, timestamp, type = 'session_missed' as missed from events "
            "where type in ('session_attended', 'session_missed')"
        ).df()
