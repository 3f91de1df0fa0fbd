"""Titles of programs and topics that a person has read and confirmed: only those go to a model.

A program or a topic is a text from somebody's export. It may hold a name, or a sentence that a model would take for an
instruction. So a model is told a title only after a person has looked at it, and a neutral word until then.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from engagement.errors import InvalidInput, NotFound
from engagement.store import Store, query, records

KINDS: Final = ("program", "topic")
LONGEST: Final = 80
_NO_TITLE: Final = re.compile(r"[{}<>]|https?:|\S@\S")


def listed(store: Store) -> list[dict[str, Any]]:
    """Return every program and topic of active learners: `kind`, `text`, `learners`, `title` (None: not confirmed)."""
    with store.read() as db:
        return records(db, query("llm/titles_in_use"))


def confirm(
    store: Store, texts: Sequence[str], *, kind: str, actor: str, now: datetime, title: str | None = None
) -> list[dict[str, Any]]:
    """Let the titles go to a model, and return what `listed` says of them.

    Parameters
    ----------
    texts
        As they stand with the learners.
    title
        What the model is told in place of a single text; the text itself otherwise.

    Raises
    ------
    NotFound
        No learner has such a program or topic.
    InvalidInput
        A text that is no title: longer than 80 characters, or with characters no title has.
    """
    if title is not None and len(texts) != 1:
        raise InvalidInput("title: another title can be given for one text at a time")
    with store.write() as db:
        _check_known(store, texts, kind)
        for text in texts:
            named = {"kind": kind, "text": text, "title": _checked(title or text), "actor": actor, "now": now}
            db.execute("insert or replace into titles values ($kind, $text, $title, $actor, $now)", named)
        return _those(store, kind, texts)


def withdraw(store: Store, texts: Sequence[str], *, kind: str) -> list[dict[str, Any]]:
    """Keep the titles back from now on, and return what `listed` says of them. Raises `NotFound`."""
    with store.write() as db:
        _check_known(store, texts, kind)
        db.execute(
            "delete from titles where kind = $kind and text in (select unnest($texts))",
            {"kind": kind, "texts": list(texts)},
        )
        return _those(store, kind, texts)


def _those(store: Store, kind: str, texts: Sequence[str]) -> list[dict[str, Any]]:
    return [row for row in listed(store) if row["kind"] == kind and row["text"] in texts]


def _check_known(store: Store, texts: Sequence[str], kind: str) -> None:
    if kind not in KINDS:
        raise InvalidInput(f"kind {kind[:40]!r}: allowed are {', '.join(KINDS)}")
    known = {row["text"] for row in _those(store, kind, texts)}
    if missing := [text for text in texts if text not in known]:
        raise NotFound(f"{kind}: {len(missing)} of {len(texts)} not known, first {missing[0][:40]!r}")


def _checked(title: str) -> str:
    hidden = any(unicodedata.category(character)[0] == "C" for character in title)
    if hidden or not title.strip() or len(title) > LONGEST or _NO_TITLE.search(title):
        raise InvalidInput(
            f"title: at most {LONGEST} characters on one line, without braces, angle brackets or addresses; "
            "another title can be given in its place"
        )
    return " ".join(title.split())
