"""What a run works on, as one digest: part of its key."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from engagement.store import Cursor, query

KINDS: Final = ("learners", "events", "exports")  # of what is loaded


def fingerprint(
    db: Cursor, as_of: datetime, coming: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> str:
    """Return the digest of what the store knows at `as_of` once what is `coming` is loaded, and what it may tell.

    That are the effects of files, by their kind. What each load did (its content by the rules it was read by), in the
    order of the last load of each, so that it is the same before and after a run has loaded its own files, and another
    one where an older file was loaded again over a newer. Where the same file came again and more or less of it was
    accepted, as of events once their learners are there, it did something else; nobody knows before it is loaded. Each
    kind by itself: a run that was stopped between them loads the rest in another order. What an export came to counts
    as its files.
    """
    rows = db.execute(query("pipeline/effects_of_loads"), {"as_of": as_of}).fetchall()
    digest = hashlib.sha256()
    for kind in KINDS:
        told = {effect: words for of, effect, words in rows if of == kind}
        loaded = [words for of, _, words in rows if of == kind]
        new = (told.get(effect, effect) for effect in coming.get(kind, ()))
        in_order = dict.fromkeys(reversed([*loaded, *new]))
        digest.update("\n".join([kind, *in_order, ""]).encode())
    if titles := db.execute(
        "select kind, text, title from titles order by all"
    ).fetchall():  # a model is told them
        digest.update(json.dumps(titles).encode())
    return digest.hexdigest()
