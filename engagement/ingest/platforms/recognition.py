"""Which kind of export a file is, by what stands in it, and the reading of those of one kind together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd

from engagement.errors import InvalidInput
from engagement.ingest.loads import remembered
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
from engagement.ingest.source.source_format import SourceFormat
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
PLATFORMS: Final = tuple(dict.fromkeys(kind.platform for kind in KINDS))


def recognised(path: Path, *, platform: str = "", encoding: str = "") -> Kind | None:
    """Return which kind of export a file or folder is, among those of a platform where one is named.

    `InvalidInput` for a platform that there is not, and for a file that is no export of the one that is named.
    """
    if platform and platform not in PLATFORMS:
        raise InvalidInput(f"from {platform[:40]!r}: no such platform; there are {', '.join(PLATFORMS)}")
    kinds = [kind for kind in KINDS if platform in ("", kind.platform)]
    if not path.exists():
        return None  # whoever loads it says so
    seen = look(path, encoding)
    found = next((kind for kind in kinds if kind.recognised(seen)), None)
    if platform and found is None:
        found = next((kind for kind in kinds if kind.besides(seen)), None)
    if found is None and (platform or seen.members is not None):
        known = ", ".join(kind.what for kind in kinds)
        whose = f" of {platform}" if platform else ""
        raise InvalidInput(f"{path.name}: none of the exports that are known{whose}: {known}")
    return found


def read(
    store: Store, exports: Mapping[Path, Kind], said: SourceFormat, *, as_of: datetime
) -> Iterator[Part]:
    """Yield what exports come to, those of one kind together, each with what it is and cannot give.

    `said` is what somebody says of all of them: the zone of their times, an encoding, the program.
    """
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
            types = said.types or remembered.types_of(store, kind.what)
            for part in kind.read(paths, replace(asked, types=types)):
                again = part.of == "events" and part.source.name in read_of
                read_of.add(part.source.name)
                notes = ["these are its events"] if again else [told]
                known = _beside_what_is_known(part, asked)
                source = replace(known.source, notes=[*notes, *known.source.notes])
                yield people.met(replace(known, source=source))


def _beside_what_is_known(part: Part, asked: Asked) -> Part:
    """Return learners without the columns about a person that say nothing: what is known of them stands."""
    rows = part.source.rows
    if part.of != "learners" or not isinstance(rows, pd.DataFrame):
        return part
    if "program" in rows and rows["program"].isna().any():
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
