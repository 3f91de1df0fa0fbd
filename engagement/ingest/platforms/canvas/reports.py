"""The reports that an administrator schedules: last access, no activity, no submissions.

They are of persons, not of enrolments: they tell of learners who are known already. Their headers are in the language
of the account, so that the first is also known by what stands below.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.errors import InvalidInput
from engagement.ingest.platforms.exports import (
    ON_PLATFORM,
    Asked,
    Kind,
    Look,
    Part,
    Table,
    logins,
    on_platform,
    table,
    turned_round,
)
from engagement.ingest.platforms.times import as_utc
from engagement.ingest.source.readers import Derived

_ACCESS: Final = ("user id", "user sis id", "user name", "last access at", "last ip")
_FLAGS: Final = ("user id", "section id", "section name", "course id", "course name")
_STATE: Final = "enrollment state"  # which only the report of submissions has
_ID: Final = re.compile(r"\d+")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d([+-]\d\d:?\d\d|z)")  # as names are compared
_ADDRESS: Final = re.compile(r"[\d.]{7,15}|[0-9a-f:]*:[0-9a-f:.]+")


def _is_access(look: Look) -> bool:
    return look.has_columns("user id", "user name", "last access at") or _is_access_by_its_rows(look)


def _is_access_by_its_rows(look: Look) -> bool:
    rows = [line for line in look.lines[1:] if len(line) == len(_ACCESS)]
    return any(_TIME.fullmatch(row[3]) and _ADDRESS.fullmatch(row[4]) for row in rows) and all(
        _ID.fullmatch(row[0]) and (not row[3] or _TIME.fullmatch(row[3])) for row in rows
    )


def _is_flags(look: Look) -> bool:
    return look.has_columns(*_FLAGS)


def _reports(files: Sequence[Path], asked: Asked) -> list[Part]:
    sheets = [table(file, asked, [*_ACCESS, *_FLAGS], keeps_raw=False) for file in files]
    accesses = [sheet for sheet in sheets if sheet.place("section id") is None]
    flags = [_flagged(sheet) for sheet in sheets if sheet.place("section id") is not None]
    if not accesses:
        raise InvalidInput(
            f"{', '.join(sheet.name for sheet in sheets)}: {'; '.join(flags)}; it says nothing else, so load it "
            "together with the report of last user access"
        )
    return [_part(sheet, asked, flags if sheet is accesses[0] else []) for sheet in accesses]


def _flagged(sheet: Table) -> str:
    """Return what a report says that lists those who did nothing: it makes no facts of them."""
    count = sheet.texts("user id").nunique()
    did = "handed in nothing in its span" if sheet.place(_STATE) is not None else "were never in their course"
    return f"{count:,} learners {did}, by {sheet.name}"


def _part(sheet: Table, asked: Asked, notes: Sequence[str]) -> Part:
    user = _column(sheet, 0)
    access = as_utc(_column(sheet, 3), asked.zone)
    newest = access.groupby(user).transform("max").where(user.notna(), access)
    again = user.duplicated() & user.notna()
    learners = pd.DataFrame(
        {
            "id": user,
            "person_id": _column(sheet, 1),
            "name": turned_round(_column(sheet, 2)),
            "last_login": logins(newest, asked),
            ON_PLATFORM: on_platform("canvas", user),
        }
    )[~again]
    if asked.program:
        learners["program"] = asked.program
    told = f"{again.sum():,} rows are another login of somebody: the newest access counts"
    derived = Derived(
        sheet.name,
        learners,
        lines=learners.index.tolist(),
        refused=sheet.refused,
        notes=[*sheet.notes, *([told] if again.any() else []), *notes],
    )
    return Part("learners", derived, by_person=True, own_ids=True)


def _column(sheet: Table, at: int) -> pd.Series:
    """Return a column by its name, or by its place where all names are in another language."""
    if any(sheet.place(name) is not None for name in _ACCESS):
        return sheet.texts(_ACCESS[at])
    return sheet.rows[f"c{at}"]


KINDS: Final = (
    Kind(
        "canvas",
        "a Canvas report of accesses",
        lambda look: _is_access(look) or _is_flags(look),
        _reports,
        gives="last access of learners who are known by Canvas's ids",
        cannot="no program, grades, sessions or states",
    ),
)
