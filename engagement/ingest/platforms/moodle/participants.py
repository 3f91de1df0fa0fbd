"""Who is in a Moodle course: the list of participants, and the custom report, which alone has their last access.

The custom report has a row for each way of being enrolled and each group, which are one learner: active where one way
is, unless the account is suspended.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.ingest.platforms.exports import Asked, Kind, Look, Part, Table, left_out, logins
from engagement.ingest.platforms.moodle import words
from engagement.ingest.platforms.moodle.people import NAME, part, people, sheet_of
from engagement.ingest.platforms.times import as_utc

_PERCENT: Final = r"\d+([.,]\d+)? ?%"


def _is_report(look: Look) -> bool:
    header = look.lines[0] if look.lines else []
    who = {name.casefold() for name in (*words.NUMBER, *words.EMAIL)}
    return bool(who.intersection(header)) and any(map(words.COURSE_ACCESS.fullmatch, header))


def _report(files: Sequence[Path], asked: Asked) -> list[Part]:
    return [_one_report(file, asked) for file in files]


def _one_report(file: Path, asked: Asked) -> Part:
    sheet = sheet_of(file, asked, *words.USERNAME, *words.STATUS, *words.ROLE)
    rows = people(sheet, asked)
    rows["program"] = asked.program or _found(sheet, words.COURSE_NAME).fillna(pd.NA)
    if (phone := sheet.place(*words.PHONE)) is not None:
        rows["phone"] = sheet.rows[f"c{phone}"]
    access = _found(sheet, words.COURSE_ACCESS)
    rows["last_login"] = _accesses(access, asked)
    begun = as_utc(_found(sheet, words.STARTED), asked.zone)
    rows["enrolled_at"] = begun
    rows["completed_percent_course"] = _progress(sheet)
    rows["active"] = _is_active(sheet)
    nobody = rows["id"].isna() & rows["name"].isna()
    role = sheet.texts(*words.ROLE)
    teacher = (
        role.map(words.is_of_teachers, na_action="ignore").astype("boolean").fillna(value=False) & ~nobody
    )
    told = left_out(sheet.rows, a_way_to_enrol_without_anybody=nobody, a_teacher=teacher)
    rows = rows[~nobody & ~teacher]
    who = [rows["id"].fillna(rows["name"]), rows["program"].fillna("")]
    one = rows.groupby(who, sort=False)
    rows = rows.assign(
        active=one["active"].transform("max"),
        enrolled_at=one["enrolled_at"].transform("min"),
    )
    first = rows[~pd.concat(who, axis=1).duplicated()]
    first = first.assign(
        active=first["active"].map({True: "true", False: "false"}),
        enrolled_at=first["enrolled_at"].dt.strftime("%Y-%m-%d %H:%M:%S"),
    )
    nothing = [
        name for name in ("enrolled_at", "completed_percent_course", "active") if first[name].isna().all()
    ]
    return part(sheet, first.drop(columns=nothing), left_out=told)


def _found(sheet: Table, name: re.Pattern[str]) -> pd.Series:
    """Return the texts of the first column of such a name; missing where there is none."""
    at = next((at for at, text in enumerate(sheet.header) if name.fullmatch(text)), None)
    return pd.Series(pd.NA, sheet.rows.index, "string") if at is None else sheet.rows[f"c{at}"]


def _accesses(texts: pd.Series, asked: Asked) -> pd.Series:
    """Return the last access; what is no time and has no digit is never, whichever the language's word for it."""
    times = as_utc(texts, asked.zone)
    odd = times.isna() & texts.str.contains(r"\d", regex=True).fillna(False)
    return logins(times, asked).mask(odd, texts)


def _progress(sheet: Table) -> pd.Series:
    """Return the share that is done: the column that holds percentages and nothing else."""
    for column in sheet.rows:
        texts = sheet.rows[column].dropna()
        if len(texts) and texts.str.fullmatch(_PERCENT).all():
            numbers = sheet.rows[column].str.extract(r"([\d.,]+)")[0].str.replace(",", ".")
            return pd.to_numeric(numbers).astype("Float64")
    return pd.Series(pd.NA, sheet.rows.index, "Float64")


def _is_active(sheet: Table) -> pd.Series:
    """Return whether each row says that somebody is enrolled and may come in; missing where no column says it."""
    status, account = sheet.texts(*words.STATUS).str.casefold(), _found(sheet, words.SUSPENDED).str.casefold()
    if status.isna().all() and account.isna().all():
        return pd.Series(pd.NA, sheet.rows.index, "boolean")
    is_enrolled = status.isin(words.ENROLLED) | status.isna()
    return (is_enrolled & ~account.isin(words.YES)).astype("boolean")


def _is_participants(look: Look) -> bool:
    header = look.lines[0] if look.lines else []
    columns = (words.FIRST, words.LAST, words.NUMBER, words.EMAIL, words.GROUPS)
    first, last, number, email, groups = ({name.casefold() for name in names} for names in columns)
    known = first | last | number | email | groups
    return (
        bool(first.intersection(header) and last.intersection(header) and groups.intersection(header))
        and bool((number | email).intersection(header))
        and known.issuperset(header)
    )


def _participants(files: Sequence[Path], asked: Asked) -> list[Part]:
    return [_one_list(file, asked) for file in files]


def _one_list(file: Path, asked: Asked) -> Part:
    sheet = sheet_of(file, asked, *words.GROUPS)
    rows = people(sheet, asked)
    roster = asked.roster()
    mine = roster[roster["program"] == asked.program] if asked.program else roster
    if mine.empty:
        return part(sheet, rows, ["it has no roles: teachers in it are taken for learners"])
    emails = set(mine["email"].dropna().str.casefold())
    known = rows["id"].isin([*mine["id"], *mine["person_id"]])
    if "email" in rows:
        known |= rows["email"].str.casefold().isin(emails)
    told = left_out(sheet.rows, who_is_in_no_report_of_learners_such_as_a_teacher=~known)
    return part(sheet, rows[known], left_out=told)


KINDS: Final = (
    Kind(
        NAME,
        "a Moodle custom report of participants",
        _is_report,
        _report,
        gives="last access to the course, who is enrolled, done of the course",
        cannot="no due dates, scores or sessions",
    ),
)
LISTS: Final = (
    Kind(
        NAME,
        "a Moodle list of participants",
        _is_participants,
        _participants,
        gives="names, ID numbers and addresses",
        cannot="no logins, completion, scores, sessions or roles",
    ),
)
