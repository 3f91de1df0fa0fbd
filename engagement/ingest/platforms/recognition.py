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
from engagement.ingest.platforms import blackboard, brightspace, canvas, edfi, meetings, oneroster, open_edx
from engagement.ingest.platforms.exports import Asked, Kind, Part, look
from engagement.ingest.platforms.statements import caliper, tracking_log, xapi
from engagement.ingest.source.source_format import SourceFormat
from engagement.store import Store

KINDS: Final[Sequence[Kind]] = (
    *canvas.KINDS,
    *blackboard.KINDS,
    *brightspace.KINDS,
    *oneroster.KINDS,
    *edfi.KINDS,
    *meetings.KINDS,
    *open_edx.KINDS,
    *xapi.KINDS,
    *caliper.KINDS,
    *tracking_log.KINDS,
)
# What is known of learners, where an export says less.
_OF_LEARNERS: Final = ("id", "person_id", "name", "email", "program", "enrolled_at")
_AS_THE_STORE_HAS_THEM: Final = {
    "enrolled_at": "datetime64[us]",
    "last_login": "datetime64[us]",
    "avg_quiz_score": "float64",
    "completed_percent_course": "float64",
}
_OF_FACTS: Final = ("last_login", "login_is_unknown", "avg_quiz_score", "completed_percent_course")
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
    with store.staging() as stage:
        asked = Asked(
            stage,
            as_of,
            ZoneInfo(said.timezone),
            program=said.values.get("program", ""),
            encoding=said.encoding,
            roster=partial(_roster, store, as_of),
            sessions=partial(_sessions, store),
        )
        for kind, paths in by_kind.values():
            told = [
                f"read as {kind.what} (`--from {kind.platform}`)",
                *([kind.cannot] if kind.cannot else []),
            ]
            types = said.types or remembered.types_of(store, kind.what)
            for part in kind.read(paths, replace(asked, types=types)):
                yield replace(part, source=replace(part.source, notes=[*told, *part.source.notes]))


def _roster(store: Store, as_of: datetime) -> pd.DataFrame:
    if not store.is_there():
        nobody = pd.DataFrame(columns=[*_OF_LEARNERS, *_OF_FACTS])
        return nobody.astype(_AS_THE_STORE_HAS_THEM)  # or an instant of nobody's would be a text
    with store.read() as db:
        return db.execute(
            f"""
            select {", ".join(f"learners.{name}" for name in _OF_LEARNERS)},
                {", ".join(f"known.{name}" for name in _OF_FACTS)}
            from learners
            left join facts_at($as_of) as known on learners.id = known.learner_id
            where learners.active
            """,  # noqa: S608 (names of our own)
            {"as_of": as_of},
        ).df()


def _sessions(store: Store) -> pd.DataFrame:
    if not store.is_there():
        return pd.DataFrame(columns=["learner_id", "timestamp", "missed"])
    with store.read() as db:
        return db.execute(
            "select learner_id, timestamp, type = 'session_missed' as missed from events "
            "where type in ('session_attended', 'session_missed')"
        ).df()
