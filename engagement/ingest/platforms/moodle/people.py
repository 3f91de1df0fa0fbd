"""Who the rows of a Moodle report are of: an ID number, which may be empty or not shown, an address, and a name."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.ingest.platforms.exports import (
    ON_PLATFORM,
    Asked,
    Part,
    Table,
    on_platform,
    table,
    whole_name,
)
from engagement.ingest.platforms.moodle import words
from engagement.ingest.source.readers import Derived
from engagement.ingest.values.left_out import LeftOut

NAME: Final = "moodle"
IF_ABSENT: Final = (
    "Moodle keeps a filter by initials or by a group in force, also after logging in again, and says so nowhere in the "
    "file: choose all initials and all participants there, and download it again"
)
HEADER: Final = (*words.NUMBER, *words.EMAIL, *words.FIRST, *words.LAST)


def sheet_of(file: Path, asked: Asked, *others: str, keeps_raw: bool = True) -> Table:
    """Return a report as a table; `others` are names that may stand in its header besides those of people."""
    return table(file, asked, (*HEADER, *others), keeps_raw=keeps_raw)


def people(
    sheet: Table, asked: Asked, *, whole: pd.Series | None = None, on_platform: pd.Series | None = None
) -> pd.DataFrame:
    """Return who each row is of, as a learner is written: by the ID number, else the address, else nothing.

    `whole` are names that stand in one column, `on_platform` Moodle's own numbers of people.
    """
    if whole is None:
        whole = whole_name(plain(sheet.texts(*words.FIRST)), plain(sheet.texts(*words.LAST)))
    number, email = sheet.texts(*words.NUMBER), sheet.texts(*words.EMAIL)
    found = pd.DataFrame(
        {
            "id": number.fillna(email.str.casefold()),
            "person_id": number,
            "name": plain(whole),
            "program": asked.program or pd.NA,
        },
        index=sheet.rows.index,
    )
    if sheet.place(*words.EMAIL) is not None:
        found["email"] = email
    if on_platform is not None:
        found[ON_PLATFORM] = numbered(on_platform)
    return found


def numbered(people: pd.Series) -> pd.Series:
    """Return Moodle's numbers of people as it is asked by them again."""
    return on_platform(NAME, people)


def plain(texts: pd.Series) -> pd.Series:
    """Return names as people write them: some reports write `&` as `&amp;`."""
    said: pd.Series = texts.map(html.unescape, na_action="ignore").astype("string")
    return said


def cells(sheet: Table, places: Sequence[int]) -> pd.DataFrame:
    """Return the columns at these places."""
    return sheet.rows[[f"c{at}" for at in places]]


def done_is_known(asked: Asked) -> bool:
    """Return whether more is known of what is done in the course than grades or criteria say of it."""
    roster = asked.roster()
    mine = roster[roster["program"] == asked.program] if asked.program else roster
    return bool(mine["completed_percent_course"].notna().any())


def part(
    sheet: Table,
    rows: pd.DataFrame,
    notes: Sequence[str] = (),
    *,
    left_out: LeftOut | None = None,
    not_everybody: str = "",
) -> Part:
    """Return the rows of a report as what is loaded; `not_everybody` says why it is no list of all learners."""
    derived = Derived(
        sheet.name,
        rows,
        lines=rows.index.tolist(),
        left_out=left_out or {},
        refused=sheet.refused,
        notes=(*sheet.notes, *notes),
        if_absent=IF_ABSENT,
        not_everybody=not_everybody,
    )
    return Part("learners", derived, by_person=True)
