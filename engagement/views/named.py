"""What somebody calls by its name: a program, a cohort. A mistyped one is an error that lists those there are.

An empty table would look like an answer: nobody at risk.
"""

from difflib import get_close_matches
from typing import Final

from engagement.errors import InvalidInput
from engagement.store import Cursor
from engagement.text import plain_id

_LISTED: Final = 20  # of the names that there are; more would hide what is wrong


def program(db: Cursor, name: str | None) -> str | None:
    """Return the name of a program that is in the store, None for all of them; `InvalidInput` where there is none."""
    return _known(db, "program", name)


def cohort(db: Cursor, name: str | None) -> str | None:
    """Return the name of a cohort that is in the store, None for all of them; `InvalidInput` where there is none."""
    return _known(db, "cohort", name)


def learner_id(value: object) -> str:
    """Return an id as it is kept, however it was copied; `InvalidInput` for what is no text."""
    return plain_id(text("learner_id", value))


def text(what: str, value: object) -> str:
    """Return a text as it is; `InvalidInput` says that one is needed."""
    if not isinstance(value, str):
        raise InvalidInput(f"{what}: a text is needed, such as {str(value)[:40]!r}")
    return value


def _known(db: Cursor, what: str, name: str | None) -> str | None:
    if name is None or not text(what, name):
        return None
    rows = db.execute(
        f"select distinct {what} from learners where {what} is not null order by {what}"  # noqa: S608 (ours)
    ).fetchall()
    names = [known for (known,) in rows]
    if name in names:
        return name
    by_case = {known.casefold(): known for known in reversed(names)}
    near = [by_case[like] for like in get_close_matches(name.casefold(), by_case, n=1)]
    listed = ", ".join([*near, *(known for known in names if known not in near)][:_LISTED])
    more = f", and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    raise InvalidInput(f"{what} {name[:40]!r}: there is none; there are {listed or 'none yet'}{more}")
