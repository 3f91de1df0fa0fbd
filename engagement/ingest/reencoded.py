"""Known ids that come in another encoding: the same learners, who would be taken for new ones beside themselves.

An export that is UTF-8 one night and Windows-1250 the next has other ids in it, where they hold letters beyond ASCII,
and the same addresses. Whoever is told of two people with one address looks in the wrong place.
"""

from typing import Final, Literal

import numpy as np

from engagement.errors import InvalidInput
from engagement.files.alphabets import ENCODINGS, codec
from engagement.ingest.loads import loading
from engagement.store import Cursor

_UTF_8: Final = "utf-8"
_LOOKED_AT: Final = 10_000  # new ids


def refuse_reencoded(load: loading.Load, column: Literal["id", "learner_id"]) -> None:
    """Raise `InvalidInput` where new ids of `checked` are known ones in another encoding; a told one is not doubted."""
    incoming = load.checked.incoming
    if load.source_format.encoding or not (new := _new_ids(load.db, column)):
        return
    known = {
        name
        for (name,) in load.db.execute("select id from learners where strlen(id) > length(id)").fetchall()
    }
    if not known:
        return
    used = incoming.encoding or _UTF_8
    for was, other in _pairs(used):
        found = [row for row, text in new if _read_as(text, was, other) in known]
        if not found:
            continue
        line = incoming.places(load.db, np.array(found[:1], "int64"))["line"][0]
        said = f"{incoming.name}: {len(found)} ids are known ones in another encoding, first in line {line}"
        if was == used and used != _UTF_8:
            raise InvalidInput(
                f"{said}: this file was read as {used}; `--encoding {other}` reads it as they are"
            )
        raise InvalidInput(
            f"{said}: the load that brought them read {was} as {other}. They would be learners beside those; "
            f"`--encoding {used}` takes them as such"
        )


def _new_ids(db: Cursor, column: str) -> list[tuple[int, str]]:
    """Return rows with ids beyond ASCII that nobody has."""
    return db.execute(
        f"select rowid, {column} from temp.checked where strlen({column}) > length({column}) "  # noqa: S608
        f"and {column} not in (select id from learners) order by rowid limit {_LOOKED_AT}"
    ).fetchall()


def _pairs(used: str) -> list[tuple[str, str]]:
    """Return in what a text may be written, and as what it may have been read: today's way first."""
    others = [(used, other) for other in (_UTF_8, *ENCODINGS) if codec(other) != used]
    return [*others, *((other, "cp1252") for other in (_UTF_8, *ENCODINGS) if other not in {used, "cp1252"})]


def _read_as(text: str, was: str, other: str) -> str | None:
    try:
        return text.encode(codec(was)).decode(codec(other))
    except UnicodeError:
        return None
